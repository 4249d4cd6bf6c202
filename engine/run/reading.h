/* reading.h - what selection reads of all rows at one place of a network: the mean keys of every row and one attention for each. Counted
 * references: a checkpoint and the statistics that wait for a device share one. Written once, and never changed while anybody else has it. */
#ifndef SAINT_RUN_READING_H
#define SAINT_RUN_READING_H

#include "backend/choose.h"

typedef struct {
    int refs;         /* atomic: the last holder of a checkpoint may be another thread than the one that runs */
    saint_backend *b; /* whose memory it is in; NULL: the host's */
    int rows, dim;
    float *metric, *attention; /* [rows, dim] and, behind it, [rows] */
} saint_reading;

/* In the memory of a backend that selects by itself, or on the host (b NULL). Nothing is in it yet. */
saint_status saint_reading_new(saint_reading **out, saint_backend *b, int rows, int dim, saint_error *err);
/* A copy of what is on the host, where the checkpoints of b keep theirs: with a backend that selects by itself, else on the host. */
saint_status saint_reading_of(saint_reading **out, saint_backend *b, const float *metric, const float *attention, int rows, int dim, saint_error *err);
saint_reading *saint_reading_ref(saint_reading *r);
void saint_reading_unref(saint_reading *r); /* NULL is allowed */
static inline size_t saint_reading_bytes(int rows, int dim)
{
    return (size_t)rows * ((size_t)dim + 1) * sizeof(float);
}

/* On the host: itself, or a copy from the device. Any thread, but only what a run has waited for (saint_sites_settle). */
typedef struct {
    const float *metric, *attention;
    float *copy; /* NULL: borrowed from the reading */
} saint_reading_host;
saint_status saint_reading_look(const saint_reading *r, saint_reading_host *out, saint_error *err);
void saint_reading_look_free(saint_reading_host *h);

#endif
