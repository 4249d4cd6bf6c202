/* ahead.h - pictures decoded and preprocessed by threads of their own before they are needed, as many as fit into a budget. */
#ifndef SAINT_APP_EVAL_AHEAD_H
#define SAINT_APP_EVAL_AHEAD_H

#include "datasets/dataset.h"
#include "engine.h"

typedef struct {
    uint32_t sample;
    saint_status status; /* what became of it; error says more */
    saint_error error;
    float *pixels;       /* [3, side, side], NULL on failure */
    double s_load, s_preprocess;
} eval_picture;

void eval_picture_free(eval_picture *p); /* NULL is allowed */

typedef struct eval_ahead eval_ahead;

typedef struct {
    const saint_dataset *data;
    const saint_preproc *preproc;
    int threads;
    size_t bytes;  /* of pixels that wait or are being made; one picture is always allowed. Each thread holds one photo besides. */
    bool in_turns; /* never work while the caller does: for timings on a machine that both share */
} eval_ahead_options;

/* SAINT_MEMORY, SAINT_IO when no thread can be started. */
saint_status eval_ahead_open(eval_ahead **out, const eval_ahead_options *o, saint_error *err);
void eval_ahead_close(eval_ahead *a); /* NULL is allowed; pictures that nobody took are dropped */
/* The pictures (first of each sample) to come, in the order in which they will be taken; replaces the list before, keeps what is ready.
 * SAINT_MEMORY. */
saint_status eval_ahead_want(eval_ahead *a, const uint32_t *sample, size_t n, saint_error *err);
/* The picture of a sample, waited for or made at once; the caller's. Never NULL but without memory: SAINT_MEMORY. A picture that cannot be
 * read has the status and its line. */
saint_status eval_ahead_take(eval_ahead *a, uint32_t sample, eval_picture **out, saint_error *err);

#endif
