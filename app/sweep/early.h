/* early.h - which trials can be given up: those that, by a paired test against the unpruned model on the same samples, are sure to lose
 * more than allowed. */
#ifndef SAINT_APP_SWEEP_EARLY_H
#define SAINT_APP_SWEEP_EARLY_H

#include "datasets/score.h"
#include "sweep/done.h"

enum { SWEEP_EARLY_PICTURES = 20 }; /* no judgement on fewer */

typedef struct {
    const sweep_plan *plan;
    const saint_dataset *data;
    const sweep_done *done;
    float *score;    /* [n_trials * n_wanted] of the first repeat; NaN = not known */
    size_t looked;   /* samples of the baseline at the last look */
} sweep_early;

/* With plan->early_stop 0 or a data set without right answers nothing is ever stopped. SAINT_MEMORY. */
saint_status sweep_early_make(const sweep_plan *p, const saint_dataset *d, const sweep_done *done, sweep_early *out, saint_error *err);
void sweep_early_free(sweep_early *e); /* NULL is allowed */

/* Take in an answer (NULL: the head of a journal's line instead). */
void sweep_early_answer(sweep_early *e, int trial, uint32_t sample, const char *answer);
void sweep_early_line(sweep_early *e, int trial, uint32_t sample, const sweep_head *h);

/* A look, when the baseline has at least a quarter more samples than at the last one (few looks keep the error of many tests small): calls
 * stop for every trial to be given up. high: upper end of the 99.8 % interval of the mean difference diff over n samples. */
saint_status sweep_early_look(sweep_early *e,
                              saint_status (*stop)(void *ud, int trial, size_t n, double diff, double high, saint_error *err), void *ud,
                              saint_error *err);

#endif
