/* rows.h - token-packed rows on their way through a network, and the gather that compaction is.
 *
 * Hidden state, original patch id, LLM position and merge weight travel together and are gathered by the same ordered list. */
#ifndef SAINT_MODELS_ROWS_H
#define SAINT_MODELS_ROWS_H

#include "backend/choose.h"

typedef struct {
    saint_backend *b;
    int cap, dim;
    int n_seqs;
    int32_t *cu;    /* [n_seqs + 1] first row of every image */
    int32_t *patch; /* [cap] original patch id; class token -1; text row at position p: -1 - p */
    int32_t *pos;   /* [cap] position in the LLM; unused in the ViT */
    float *size;    /* [cap] patches a row stands for; 1 unless a method merges */
    bool merged;    /* some size differs from 1 */
    float *x, *spare; /* backend f32 [cap, dim]: hidden state, and where a gather goes */
    saint_row_table table, table_spare; /* patch, pos and size in the backend's memory, where it selects by itself; else NULL */
    bool ahead;   /* x, cu and table know decisions that patch, pos and size do not know yet */
    bool weighed; /* not ahead, and table.bias is that of the rows all the same: from a checkpoint of rows that were ahead, for the same bits */
} saint_rows;

saint_status saint_rows_alloc(saint_rows *r, saint_backend *b, int n_seqs, int cap, int dim, saint_error *err);
void saint_rows_free(saint_rows *r);
static inline int saint_rows_total(const saint_rows *r)
{
    return r->cu[r->n_seqs];
}
/* New order: list[0..n-1] are present row numbers, cu the new bounds [n_seqs + 1]. */
saint_status saint_rows_gather(saint_rows *r, const int32_t *list, int n, const int32_t *cu, saint_error *err);
/* What saint_rows_gather does to everything but x: for rows that a backend has gathered by itself. */
saint_status saint_rows_relist(saint_rows *r, const int32_t *list, int n, const int32_t *cu, saint_error *err);
/* patch, pos and size into the table, which is made when there is none. Nobody waits. For a backend with a chooser. */
saint_status saint_rows_post(saint_rows *r, saint_error *err);
/* The rows that a backend has chosen are where spare and table_spare were. */
void saint_rows_swap(saint_rows *r);
/* Deep copy of the used part; dst was allocated with at least that capacity and the same dim. */
saint_status saint_rows_copy(saint_rows *dst, const saint_rows *src, saint_error *err);
/* A new copy of the used part with no room for more: rows that wait in a checkpoint (spare is NULL, no gather). */
saint_status saint_rows_clone(saint_rows *dst, const saint_rows *src, saint_error *err);

#endif
