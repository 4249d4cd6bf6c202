/* pareto.h - which trials nothing else beats, and which are beaten beyond doubt (evaluation.md 5.2). */
#ifndef SAINT_APP_EXPORT_PARETO_H
#define SAINT_APP_EXPORT_PARETO_H

#include "sweep/store.h"

typedef enum { PARETO_FLOPS, PARETO_LATENCY, PARETO_COSTS } pareto_cost;

/* Sort by cost, keep what is strictly better than everything cheaper; of equals the first in the list stays. A NaN in cost or value keeps a
 * point out. front [n]. SAINT_MEMORY. */
saint_status pareto_front(const double *cost, const double *value, size_t n, bool *front, saint_error *err);

/* Mark pareto_flops and pareto_latency of every trial by its main metric (more is better). Only trials that have all their samples take
 * part: half a trial has seen other samples than the others. Without a main metric: agreement with the unpruned model. */
saint_status pareto_mark(sweep_data *s, saint_error *err);

/* dominated [n_trials]: index of the best trial of the front that costs no more and is better by a paired interval that excludes 0;
 * -1 = none.
 * All -1 when the data set is not at hand or the trials have no scores. SAINT_MEMORY. */
saint_status pareto_dominated(const sweep_data *s, pareto_cost cost, int *dominated, saint_error *err);

#endif
