/* measure.h - repeated runs of several plans in turns, until their medians are known well enough. Pure: the caller runs what it is told. */
#ifndef SAINT_APP_UI_MEASURE_H
#define SAINT_APP_UI_MEASURE_H

#include "engine.h"

enum { MEASURE_PLANS = 4, MEASURE_MOST = 48, MEASURE_LEAST = 6 };

/* A median and its 95 % interval from order statistics: no distribution assumed. */
typedef struct {
    double median, low, high; /* low, high NaN below MEASURE_LEAST values: fewer cannot bound a median at 95 % */
    int n;
} measure_value;
measure_value measure_median(const double *x, int n);

typedef struct {
    int n_plans, warm, most; /* rounds before any counts; rounds at most */
    double enough;           /* half the interval over the median of the total, at which it is known well enough */
    int round, at;           /* the round at hand, warm-up included, and the plan whose turn it is */
    saint_timings sample[MEASURE_PLANS][MEASURE_MOST];
    int n; /* whole rounds in sample */
    bool done;
} measure_runs;

/* Plans take turns (A B C, A B C), so that what drifts hits all alike. warm rounds are run and forgotten. most is cut to MEASURE_MOST. */
void measure_begin(measure_runs *m, int n_plans, int warm, int most, double enough);
/* The plan to run next, -1 = done. */
int measure_next(const measure_runs *m);
/* Its times. */
void measure_add(measure_runs *m, const saint_timings *t);
/* Runs done and to do at most, for a progress bar. */
void measure_progress(const measure_runs *m, int *done, int *total);

typedef enum {
    MEASURE_PREPROCESS,
    MEASURE_ENCODER,
    MEASURE_SELECTION,
    MEASURE_PROJECTOR,
    MEASURE_PREFILL,
    MEASURE_DECODE,
    MEASURE_PARTS,
    MEASURE_FIRST = MEASURE_PARTS, /* everything before the first answer token but reading the picture */
    MEASURE_TOTAL                  /* all parts */
} measure_part;
/* Seconds of a part of one run. */
double measure_seconds(const saint_timings *t, measure_part part);
/* Of all whole rounds so far. */
measure_value measure_of(const measure_runs *m, int plan, measure_part part);
/* Of the ratio other / plan in each round: a speed-up where other is the slower one. */
measure_value measure_ratio(const measure_runs *m, int plan, int other, measure_part part);

#endif
