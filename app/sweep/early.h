/* early.h - which trials are given up: those that, by a paired test against the unpruned model on the same samples, are sure to lose more
 * than allowed.
 *
 * The verdict is a pure function of the records, so that every process, the store and a resumed sweep come to the same one: a trial is
 * judged at fixed places of the order in which samples run (order.h), each time by all samples up to there and by nothing else. It ends at
 * the first place where it is hopeless; records behind that, which other processes may have made meanwhile, do not count. */
#ifndef SAINT_APP_SWEEP_EARLY_H
#define SAINT_APP_SWEEP_EARLY_H

#include "datasets/score.h"
#include "sweep/plan.h"

enum { SWEEP_EARLY_PICTURES = 20 }; /* no judgement on fewer */

typedef struct {
    uint32_t ready;    /* samples from the first that all have a record */
    int passed;        /* places at which it was judged and not given up */
    uint32_t own;      /* samples after which it is hopeless itself; n_wanted = it is not */
    double diff, high; /* there: mean difference to the unpruned model, upper end of its 99.8 % interval */
} sweep_early_trial;

typedef struct {
    const sweep_plan *plan;
    const saint_dataset *data;
    uint32_t *sample;         /* [n_wanted] in the order in which they run */
    uint32_t *place;          /* [n_samples] of the data set -> among them, UINT32_MAX = not wanted */
    uint32_t *look;           /* [n_looks] after how many samples trials are judged: 20 pictures, then a quarter more each time; few places
                               * keep the error of many tests small */
    int n_looks;
    float *score;             /* [n_trials * n_wanted] of the first repeat; NaN = no record, negative = a record without a score */
    sweep_early_trial *trial; /* [n_trials] */
} sweep_early;

/* With plan->early_stop 0, without a baseline or without right answers nothing is ever given up: score is NULL. SAINT_MEMORY. */
saint_status sweep_early_make(const sweep_plan *p, const saint_dataset *d, sweep_early *out, saint_error *err);
void sweep_early_free(sweep_early *e); /* NULL is allowed */

/* Take in a record of the first repeat; answer NULL: it failed. As in the store, one that went well takes the place of a failure. */
void sweep_early_record(sweep_early *e, int trial, uint32_t sample, const char *answer);
/* Judge what can be judged. until [n_trials]: how many samples, in order, a trial is run on. A random twin ends with its partner.
 * SAINT_MEMORY. */
saint_status sweep_early_judge(sweep_early *e, uint32_t *until, saint_error *err);
/* "stopped after 25 of 200 samples: loses 0.3200 against the unpruned model (at least 0.1350)" */
void sweep_early_text(const sweep_early *e, int trial, char *out, size_t size);

#endif
