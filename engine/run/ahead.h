/* ahead.h - what a run owes its records while a device works behind its back: statistics, times of layers and checkpoints. Their memory is
 * taken at once and filled in the order of the device's work; the host's side of them is made up when somebody waits. Part of site_here.c. */
#ifndef SAINT_RUN_AHEAD_H
#define SAINT_RUN_AHEAD_H

#include "run/internal.h"

/* Statistics of one picture in one layer. */
typedef struct {
    saint_reading *read;
    saint_history *h;
    int index; /* of its record, which may be written later */
    int first, n;
    saint_method_params p;
    float *metric; /* host, while they are counted */
} saint_ahead_stats;

/* The time of one layer. */
typedef struct {
    int layer, index, parts;
    double before; /* seconds that a checkpoint knows */
} saint_ahead_time;

typedef struct {
    saint_run *r;
    saint_rows *rows;
    saint_history *const *history; /* [rows->n_seqs] */
    saint_stage stage;
    saint_ahead_stats *stats;
    int n_stats, cap_stats;
    saint_ahead_time time[SAINT_MAX_LAYERS];
    int n_times;
    bool marked[SAINT_MAX_LAYERS]; /* its first part was timed */
} saint_ahead;

/* Slots for moments: sites first (2 each), then 4 for each layer. */
enum { SAINT_AHEAD_SITE_MARKS = 0, SAINT_AHEAD_LAYER_MARKS = 2 * SAINT_MAX_LAYERS, SAINT_AHEAD_MARKS = 6 * SAINT_MAX_LAYERS };

saint_status saint_ahead_add_stats(saint_ahead *a, const saint_ahead_stats *s, saint_error *err); /* one more reference to s->read */
/* How many letters saint_ahead_letters writes: metrics of statistics whose record exists. */
int saint_ahead_count(const saint_ahead *a);
saint_status saint_ahead_letters(saint_ahead *a, saint_letter *out, saint_error *err);
/* Behind the wait: statistics and times of the records that exist; what belongs to later ones stays. */
saint_status saint_ahead_fill(saint_ahead *a);
/* The pending checkpoint is completed by rows and histories as they are. */
saint_status saint_ahead_complete(saint_ahead *a, saint_snapshot *c);
/* All sites are told: what layers know by them. */
void saint_ahead_told(saint_ahead *a);
void saint_ahead_forget(saint_ahead *a);

#endif
