/* bench.h - the suites of `saint bench`. Every figure is a median of interleaved runs; ratios inside one call are what counts. */
#ifndef SAINT_APP_BENCH_H
#define SAINT_APP_BENCH_H

#include "cli.h"
#include "device_use.h"
#include "load.h"

/* Selection methods on random keys, one thread. */
cJSON *bench_select(int repeats, saint_error *err);
void bench_select_print(const cJSON *c);

/* The other suites begin to use the device of their session (use: opened by nobody yet, the caller's to close) and say whether they were
 * disturbed: *company. */
/* A whole network, unpruned and with each preset that fits it. */
/* batch: pictures at a time. keep NULL, or a list "576,192": instead of the presets, that many patches behind the last ViT block. plain: a
 * device's work is queued piece by piece and not replayed. */
int bench_engine(const load_options *l, int repeats, int batch, const char *keep, bool plain, device_use *use, device_company *company, cJSON **out);
void bench_engine_print(const cJSON *c);

/* A sweep over saint_threshold with and without shared checkpoints, on so many pictures. */
int bench_sweep(const load_options *l, int pictures, device_use *use, device_company *company, cJSON **out);
void bench_sweep_print(const cJSON *c);

double bench_median(double *v, int n); /* sorts v */

#endif
