/* bench_gemm.h - the suite `gemm` of `saint bench`: our matrix products against the roofs of this machine and against OpenBLAS. */
#ifndef SAINT_APP_BENCH_GEMM_H
#define SAINT_APP_BENCH_GEMM_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "base/status.h"

/* Measures on `threads` threads (0 = all), at least seconds_per_row for every row; needs about 0.6 GB. All rows of a shape and its
 * roofs take turns, so drift hits them alike; weights are read from a ring larger than the caches, as in a network.
 *
 * Returns an object that the caller deletes, or NULL with err filled:
 *   {suite, threads, tier, blas, read_gbs, rows: [{m, n, k, kernel, tier, compute, weights, seconds: {median, min, max}, rounds,
 *    gflops, of_roof, [gbs, of_read]}]}
 * of_roof compares with multiply-adds on registers of the same tier and type, of_read (rows with m = 1) with reading memory. */
cJSON *saint_bench_gemm(int threads, double seconds_per_row, saint_error *err);

/* The same as a table. */
void saint_bench_gemm_print(const cJSON *report, FILE *out);

#endif
