/* What decoding is bound by: reading the weights. */
#include <stdlib.h>
#include <string.h>

#include "backend/read_roof.h"
#include "models/weights.h"
#include "run/internal.h"

enum { PER_BLOCK = 7 };

static saint_read_piece piece_of(const saint_matrix *w)
{
    return (saint_read_piece){w->data, (size_t)w->rows * (size_t)w->cols * saint_dtype_size(w->type)};
}

saint_status saint_session_read_weights(saint_session *s, size_t *bytes, double *seconds, saint_error *err)
{
    const saint_llm *l = &s->m->llm;
    *bytes = 0;
    *seconds = 0;
    if (!l->layers) return SAINT_OK;
    int n = 0;
    saint_read_piece *piece = calloc((size_t)l->layers * PER_BLOCK + 1, sizeof *piece);
    if (!piece) return saint_fail(err, SAINT_MEMORY, "no memory to list the weights of %d layers", l->layers);
    for (int i = 0; i < l->layers; i++) {
        const saint_llm_block *b = &l->block[i];
        const saint_matrix *w[PER_BLOCK] = {&b->q.w, &b->k.w, &b->v.w, &b->o.w, &b->gate.w, &b->up.w, &b->down.w};
        for (int j = 0; j < PER_BLOCK; j++) piece[n++] = piece_of(w[j]);
    }
    piece[n++] = piece_of(&l->head);
    for (int i = 0; i < n; i++) *bytes += piece[i].bytes;
    if (s->b->pool) *seconds = saint_read_seconds(s->b->pool, piece, n); /* a device holds a copy of its own, which the host cannot read */
    free(piece);
    return SAINT_OK;
}
