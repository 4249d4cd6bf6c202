/* done.h - which units of a plan are finished, as the journals tell. */
#ifndef SAINT_APP_SWEEP_DONE_H
#define SAINT_APP_SWEEP_DONE_H

#include "sweep/journal.h"
#include "sweep/plan.h"

enum { SWEEP_TRIES = 3, SWEEP_OK = 255 };

typedef struct {
    const sweep_plan *plan;
    uint32_t *place;      /* [n_samples] of the data set -> among the wanted ones as they run, UINT32_MAX = not wanted */
    int *by_id;           /* [n_trials] ordinals in the order of ids */
    uint8_t *tries;       /* [n_trials * n_wanted * repeats] failed tries so far; SWEEP_OK = done well */
    uint8_t *limit;       /* the same shape: with so many failed tries a unit counts as done; set by sweep_done_plan_retries */
    uint32_t *until;      /* [n_trials] on how many of these a trial is run: n_wanted, or fewer where it is given up (early.h) */
    bool *told;           /* [n_trials] a journal says that it is given up */
    size_t ok, failed;    /* units */
    sweep_cursors cursors;
} sweep_done;

/* sample [n_wanted]: the wanted ones in the order in which they run; NULL = that of the data set. */
saint_status sweep_done_make(const sweep_plan *p, const uint32_t *sample, sweep_done *out, saint_error *err);
void sweep_done_free(sweep_done *d); /* NULL is allowed */

/* Take in what the journals got since the last call. each (may be NULL) sees every record's head that belongs to the plan. */
saint_status sweep_done_read(sweep_done *d, const char *folder,
                             void (*each)(void *ud, int trial, uint32_t sample, const sweep_head *h), void *ud, saint_error *err);
/* From now on units that have failed may be tried once more: those with fewer than SWEEP_TRIES tries, all: every one of them. */
void sweep_done_plan_retries(sweep_done *d, bool all);
/* A record of this process. Returns its try. */
int sweep_done_add(sweep_done *d, int trial, uint32_t sample, uint32_t repeat, bool ok);

/* Whether nothing is left to do for a unit. */
bool sweep_done_unit(const sweep_done *d, int trial, uint32_t sample, uint32_t repeat);
int sweep_done_tries(const sweep_done *d, int trial, uint32_t sample, uint32_t repeat);
int sweep_done_trial(const sweep_done *d, uint64_t id); /* ordinal, -1 */
/* Whether a trial is given up. */
bool sweep_done_stopped(const sweep_done *d, int trial);
/* Units that are left, of all trials as far as they are run. */
size_t sweep_done_left(const sweep_done *d);
size_t sweep_done_left_of(const sweep_done *d, int trial);

#endif
