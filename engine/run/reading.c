#include "run/reading.h"

#include <stdlib.h>
#include <string.h>

saint_status saint_reading_new(saint_reading **out, saint_backend *b, int rows, int dim, saint_error *err)
{
    void *p = NULL;
    size_t bytes = saint_reading_bytes(rows, dim);
    *out = NULL;
    saint_reading *r = calloc(1, sizeof *r);
    if (!r) return saint_fail(err, SAINT_MEMORY, "no memory for the keys of %d rows", rows);
    saint_status s = SAINT_OK;
    if (b) s = b->op->alloc(b, bytes, &p, err);
    else if (!(p = malloc(bytes + 1))) s = saint_fail(err, SAINT_MEMORY, "no memory for the keys of %d rows", rows);
    if (s != SAINT_OK) {
        free(r);
        return s;
    }
    *r = (saint_reading){.refs = 1, .b = b, .rows = rows, .dim = dim, .metric = p, .attention = (float *)p + (size_t)rows * (size_t)dim};
    *out = r;
    return SAINT_OK;
}

saint_status saint_reading_of(saint_reading **out, saint_backend *b, const float *metric, const float *attention, int rows, int dim, saint_error *err)
{
    size_t keys = (size_t)rows * (size_t)dim * sizeof *metric, row = (size_t)rows * sizeof *attention;
    bool here = b->op->chooser != NULL;
    saint_status s = saint_reading_new(out, here ? b : NULL, rows, dim, err);
    if (s != SAINT_OK) return s;
    if (!here) {
        memcpy((*out)->metric, metric, keys);
        memcpy((*out)->attention, attention, row);
        return SAINT_OK;
    }
    s = b->op->upload(b, (*out)->metric, metric, keys, err);
    if (s == SAINT_OK) s = b->op->upload(b, (*out)->attention, attention, row, err);
    if (s == SAINT_OK) return s;
    saint_reading_unref(*out);
    *out = NULL;
    return s;
}

saint_reading *saint_reading_ref(saint_reading *r)
{
    __atomic_add_fetch(&r->refs, 1, __ATOMIC_RELAXED);
    return r;
}

void saint_reading_unref(saint_reading *r)
{
    if (!r || __atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL) > 0) return;
    if (r->b) r->b->op->release(r->b, r->metric);
    else free(r->metric);
    free(r);
}

saint_status saint_reading_look(const saint_reading *r, saint_reading_host *out, saint_error *err)
{
    *out = (saint_reading_host){r->metric, r->attention, NULL};
    if (!r->b) return SAINT_OK;
    size_t bytes = saint_reading_bytes(r->rows, r->dim);
    float *copy = malloc(bytes + 1);
    *out = (saint_reading_host){copy, copy ? copy + (size_t)r->rows * (size_t)r->dim : NULL, copy};
    saint_status s = copy ? r->b->op->chooser->peek(r->b, copy, r->metric, bytes, err)
                          : saint_fail(err, SAINT_MEMORY, "no memory for the keys of %d rows", r->rows);
    if (s != SAINT_OK) saint_reading_look_free(out);
    return s;
}

void saint_reading_look_free(saint_reading_host *h)
{
    free(h->copy);
    *h = (saint_reading_host){0};
}
