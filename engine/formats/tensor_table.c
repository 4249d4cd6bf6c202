#define _GNU_SOURCE
#include "formats/tensor_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/utf8_check.h"

enum { NAME_BLOCK = 64 << 10 };

struct saint_table_block {
    saint_table_block *next;
    size_t used, size;
    _Alignas(max_align_t) unsigned char data[];
};

static void *block_alloc(saint_table_block **list, size_t bytes, size_t room)
{
    saint_table_block *b = *list;
    if (!b || b->size - b->used < bytes) {
        size_t total;
        if (room < bytes) room = bytes;
        if (!saint_add_size(sizeof *b, room, &total) || !(b = calloc(1, total))) return NULL;
        b->size = room;
        b->next = *list;
        *list = b;
    }
    void *p = b->data + b->used;
    b->used += bytes;
    return p;
}

static void block_free(saint_table_block *b)
{
    while (b) {
        saint_table_block *next = b->next;
        free(b);
        b = next;
    }
}

void *saint_table_copy_alloc(saint_table *t, size_t bytes)
{
    /* a block of its own each time: block_alloc would otherwise hand out unaligned tails */
    saint_table_block *fresh = NULL;
    void *p = block_alloc(&fresh, bytes ? bytes : 1, 0);
    if (!p) return NULL;
    fresh->next = t->copies;
    t->copies = fresh;
    t->copied_bytes += bytes;
    return p;
}

static saint_status grow(saint_table *t, const char *what, saint_error *err)
{
    if (t->n < t->cap) return SAINT_OK;
    if (t->n >= SAINT_MAX_TENSORS)
        return saint_fail(err, SAINT_UNSUPPORTED, "%s: expected at most %d tensors, found more", what, SAINT_MAX_TENSORS);
    int cap = t->cap ? t->cap * 2 : 64;
    saint_tensor *p = realloc(t->t, (size_t)cap * sizeof *p);
    if (!p) return saint_fail(err, SAINT_MEMORY, "%s: no memory for %d tensors", what, cap);
    t->t = p;
    t->cap = cap;
    return SAINT_OK;
}

saint_status saint_table_add(saint_table *t, const char *name, size_t name_n, saint_dtype type, int rank, const int64_t *shape,
                             const void *data, size_t bytes, const char *what, saint_error *err)
{
    static const max_align_t nowhere = {0}; /* what a tensor without elements points at: never NULL, always aligned */
    size_t need, element = saint_dtype_size(type);
    int shown = name_n < 200 ? (int)name_n : 200;
    if (memchr(name, 0, name_n) || !saint_utf8_valid(name, name_n))
        return saint_fail(err, SAINT_FORMAT, "%s: tensor %d: expected a name in UTF-8, found other bytes", what, t->n);
    if (rank < 0 || rank > SAINT_MAX_RANK)
        return saint_fail(err, SAINT_UNSUPPORTED, "%s: tensor '%.*s': expected at most %d dimensions, found %d", what, shown, name,
                          SAINT_MAX_RANK, rank);
    if (!saint_shape_count(shape, rank, &need) || !saint_mul_size(need, element, &need) || need != bytes)
        return saint_fail(err, SAINT_FORMAT, "%s: tensor '%.*s': its shape and dtype %s do not give the %zu bytes it has", what, shown,
                          name, saint_dtype_name(type), bytes);
    saint_status s = grow(t, what, err);
    if (s != SAINT_OK) return s;
    char *kept = block_alloc(&t->names, name_n + 1, NAME_BLOCK);
    if (!kept) return saint_fail(err, SAINT_MEMORY, "%s: no memory for the name of a tensor", what);
    memcpy(kept, name, name_n);
    if (bytes == 0) data = &nowhere;
    if ((uintptr_t)data % element) {
        void *copy = saint_table_copy_alloc(t, bytes);
        if (!copy) return saint_fail(err, SAINT_MEMORY, "%s: no memory to align tensor '%.*s' (%zu bytes)", what, shown, name, bytes);
        memcpy(copy, data, bytes);
        data = copy;
    }
    saint_tensor *x = &t->t[t->n++];
    *x = (saint_tensor){.name = kept, .type = type, .rank = rank, .data = data, .bytes = bytes};
    for (int i = 0; i < rank; i++) x->shape[i] = shape[i];
    return SAINT_OK;
}

static int by_name(const void *a, const void *b) { return strcmp(((const saint_tensor *)a)->name, ((const saint_tensor *)b)->name); }

saint_status saint_table_finish(saint_table *t, const char *what, saint_error *err)
{
    if (t->n) qsort(t->t, (size_t)t->n, sizeof *t->t, by_name);
    for (int i = 1; i < t->n; i++)
        if (strcmp(t->t[i - 1].name, t->t[i].name) == 0)
            return saint_fail(err, SAINT_FORMAT, "%s: expected every name once, found tensor '%.200s' twice", what, t->t[i].name);
    return SAINT_OK;
}

const saint_tensor *saint_table_find(const saint_table *t, const char *name)
{
    saint_tensor key = {.name = name};
    return t->n ? bsearch(&key, t->t, (size_t)t->n, sizeof *t->t, by_name) : NULL;
}

void saint_table_free(saint_table *t)
{
    free(t->t);
    block_free(t->names);
    block_free(t->copies);
    *t = (saint_table){0};
}

bool saint_dtype_parse(const char *name, saint_dtype *type)
{
    for (int i = 0; i < SAINT_DTYPE_COUNT; i++)
        if (strcmp(name, saint_dtype_name((saint_dtype)i)) == 0) {
            *type = (saint_dtype)i;
            return true;
        }
    return false;
}
