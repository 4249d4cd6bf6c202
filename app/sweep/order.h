/* order.h - in which order the units of a plan are run, and how they are cut into blocks. The same in every process.
 *
 * Breadth first: all trials see the first samples before any trial sees the next ones, so that rankings, ETA and charts mean something
 * early. Samples come picture by picture, in an order drawn once and spread evenly over the categories. Trials that share features lie
 * beside each other; a random twin lies behind its partner. */
#ifndef SAINT_APP_SWEEP_ORDER_H
#define SAINT_APP_SWEEP_ORDER_H

#include "datasets/dataset.h"
#include "sweep/plan.h"

typedef struct {
    size_t n_samples;
    uint32_t *sample;  /* [n_samples] the wanted ones */
    size_t n_groups;   /* of samples */
    size_t *group;     /* [n_groups + 1] first sample of each */
    int n_trials;
    int *trial;        /* [n_trials] ordinals */
    int n_chunks;      /* of trials */
    int *chunk;        /* [n_chunks + 1] first trial of each */
    size_t n_blocks;   /* n_groups * n_chunks; block b = group b / n_chunks, chunk b % n_chunks */
} sweep_order;

/* SAINT_MEMORY; SAINT_INVALID: a trial does not fit the model. */
saint_status sweep_order_make(const sweep_plan *p, const saint_dataset *d, const saint_model_info *m, sweep_order *out, saint_error *err);
/* The samples alone, which need no model: the same order, a group for each picture. SAINT_MEMORY. */
saint_status sweep_order_pictures(const sweep_plan *p, const saint_dataset *d, sweep_order *out, saint_error *err);
void sweep_order_free(sweep_order *o); /* NULL is allowed */
/* Whether a process that has just worked on group `own` (SIZE_MAX: on none) takes this block while there are others: it stays with its
 * samples, and begins new ones with their first trials. So one process times all trials of a sample, where it is fast enough, and computes
 * the picture's features once; a chunk that another process has begun is left to that one until nothing else is left. */
bool sweep_order_follows(const sweep_order *o, size_t own, size_t block);

#endif
