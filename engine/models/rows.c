#include "models/rows.h"

#include <stdlib.h>
#include <string.h>

static saint_status allocate(saint_rows *r, saint_backend *b, int n_seqs, int cap, int dim, bool spare, saint_error *err)
{
    memset(r, 0, sizeof *r);
    r->b = b;
    r->cap = cap;
    r->dim = dim;
    r->n_seqs = n_seqs;
    size_t n = (size_t)(cap > 0 ? cap : 1), bytes = n * (size_t)dim * sizeof(float);
    r->cu = calloc((size_t)n_seqs + 1, sizeof *r->cu);
    r->patch = calloc(n, sizeof *r->patch);
    r->pos = calloc(n, sizeof *r->pos);
    r->size = calloc(n, sizeof *r->size);
    saint_status s = r->cu && r->patch && r->pos && r->size ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for %d rows", cap);
    void *p = NULL;
    if (s == SAINT_OK) s = b->op->alloc(b, bytes, &p, err);
    r->x = p;
    p = NULL;
    if (s == SAINT_OK && spare) s = b->op->alloc(b, bytes, &p, err);
    r->spare = p;
    if (s != SAINT_OK) saint_rows_free(r);
    return s;
}

saint_status saint_rows_alloc(saint_rows *r, saint_backend *b, int n_seqs, int cap, int dim, saint_error *err)
{
    return allocate(r, b, n_seqs, cap, dim, true, err);
}

saint_status saint_rows_clone(saint_rows *dst, const saint_rows *src, saint_error *err)
{
    saint_status s = allocate(dst, src->b, src->n_seqs, saint_rows_total(src), src->dim, false, err);
    if (s == SAINT_OK) s = saint_rows_copy(dst, src, err);
    if (s != SAINT_OK) saint_rows_free(dst);
    return s;
}

static void release_table(saint_backend *b, saint_row_table *t)
{
    void *column[] = {t->patch, t->pos, t->size, t->bias};
    for (size_t i = 0; i < sizeof column / sizeof *column; i++) b->op->release(b, column[i]);
    *t = (saint_row_table){0};
}

static saint_status make_table(saint_backend *b, saint_row_table *t, int cap, saint_error *err)
{
    void *column[4] = {0};
    saint_status s = SAINT_OK;
    for (int i = 0; i < 4 && s == SAINT_OK; i++) s = b->op->alloc(b, (size_t)(cap > 0 ? cap : 1) * sizeof(int32_t), &column[i], err);
    *t = (saint_row_table){column[0], column[1], column[2], column[3]};
    return s;
}

saint_status saint_rows_post(saint_rows *r, saint_error *err)
{
    size_t n = (size_t)saint_rows_total(r) * sizeof(int32_t);
    saint_status s = r->table.patch ? SAINT_OK : make_table(r->b, &r->table, r->cap, err);
    if (s == SAINT_OK && !r->table_spare.patch) s = make_table(r->b, &r->table_spare, r->cap, err);
    if (s == SAINT_OK) s = r->b->op->chooser->post(r->b, r->table.patch, r->patch, n, err);
    if (s == SAINT_OK) s = r->b->op->chooser->post(r->b, r->table.pos, r->pos, n, err);
    return s == SAINT_OK ? r->b->op->chooser->post(r->b, r->table.size, r->size, n, err) : s;
}

void saint_rows_swap(saint_rows *r)
{
    float *x = r->x;
    saint_row_table t = r->table;
    r->x = r->spare;
    r->spare = x;
    r->table = r->table_spare;
    r->table_spare = t;
}

void saint_rows_free(saint_rows *r)
{
    if (r->b) {
        r->b->op->release(r->b, r->x);
        r->b->op->release(r->b, r->spare);
        release_table(r->b, &r->table);
        release_table(r->b, &r->table_spare);
    }
    free(r->cu);
    free(r->patch);
    free(r->pos);
    free(r->size);
    memset(r, 0, sizeof *r);
}

saint_status saint_rows_gather(saint_rows *r, const int32_t *list, int n, const int32_t *cu, saint_error *err)
{
    saint_status s = r->b->op->gather(r->b, r->x, list, n, (size_t)r->dim * sizeof(float), r->spare, err);
    if (s == SAINT_OK) s = saint_rows_relist(r, list, n, cu, err);
    if (s != SAINT_OK) return s;
    float *x = r->x;
    r->x = r->spare;
    r->spare = x;
    return SAINT_OK;
}

saint_status saint_rows_relist(saint_rows *r, const int32_t *list, int n, const int32_t *cu, saint_error *err)
{
    size_t count = (size_t)(n > 0 ? n : 1);
    int32_t *ids = malloc(count * sizeof *ids);
    float *size = malloc(count * sizeof *size);
    if (!ids || !size) {
        free(ids);
        free(size);
        return saint_fail(err, SAINT_MEMORY, "no memory for %d rows", n);
    }
    for (int i = 0; i < n; i++) ids[i] = r->patch[list[i]];
    memcpy(r->patch, ids, (size_t)n * sizeof *ids);
    for (int i = 0; i < n; i++) ids[i] = r->pos[list[i]];
    memcpy(r->pos, ids, (size_t)n * sizeof *ids);
    for (int i = 0; i < n; i++) size[i] = r->size[list[i]];
    memcpy(r->size, size, (size_t)n * sizeof *size);
    memcpy(r->cu, cu, ((size_t)r->n_seqs + 1) * sizeof *cu);
    r->weighed = false;
    free(ids);
    free(size);
    return SAINT_OK;
}

/* A device's own logarithms, to go on with the same bits. A checkpoint keeps no other column of the table. */
static saint_status copy_bias(saint_rows *dst, const saint_rows *src, size_t n, saint_error *err)
{
    void *p = dst->table.bias;
    saint_status s = SAINT_OK;
    if (!p && dst->spare) s = make_table(dst->b, &dst->table, dst->cap, err);
    else if (!p) s = dst->b->op->alloc(dst->b, (size_t)(dst->cap > 0 ? dst->cap : 1) * sizeof(float), &p, err);
    if (!dst->table.bias) dst->table.bias = p;
    return s == SAINT_OK ? dst->b->op->copy(dst->b, dst->table.bias, src->table.bias, n * sizeof(float), err) : s;
}

saint_status saint_rows_copy(saint_rows *dst, const saint_rows *src, saint_error *err)
{
    size_t n = (size_t)saint_rows_total(src);
    if (dst->cap < (int)n || dst->dim != src->dim || dst->n_seqs != src->n_seqs)
        return saint_fail(err, SAINT_STATE, "a checkpoint of %zu rows does not fit the room of %d", n, dst->cap);
    memcpy(dst->cu, src->cu, ((size_t)src->n_seqs + 1) * sizeof *dst->cu);
    memcpy(dst->patch, src->patch, n * sizeof *dst->patch);
    memcpy(dst->pos, src->pos, n * sizeof *dst->pos);
    memcpy(dst->size, src->size, n * sizeof *dst->size);
    dst->merged = src->merged;
    dst->weighed = src->table.bias != NULL && src->merged && (src->ahead || src->weighed);
    if (dst->weighed) {
        saint_status s = copy_bias(dst, src, n, err);
        if (s != SAINT_OK) return s;
    }
    return dst->b->op->copy(dst->b, dst->x, src->x, n * (size_t)src->dim * sizeof(float), err);
}
