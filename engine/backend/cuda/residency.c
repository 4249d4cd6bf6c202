#include "backend/cuda/residency.h"

#include <stdlib.h>

typedef struct {
    saint_resident_key key;
    void *device; /* NULL: the slot is free */
} slot;

struct saint_residency {
    slot *slot;
    size_t cap, n, bytes; /* cap: a power of two, at most two thirds full */
};

static size_t start_of(const saint_resident_key *k, size_t cap)
{
    uint64_t h = (uint64_t)(uintptr_t)k->host * 0x9e3779b97f4a7c15u ^ (uint64_t)k->count * 0xbf58476d1ce4e5b9u ^ (uint64_t)k->from << 8 ^ (uint64_t)k->to;
    return (size_t)(h ^ h >> 29) & (cap - 1);
}

static bool same(const saint_resident_key *a, const saint_resident_key *b)
{
    return a->host == b->host && a->count == b->count && a->from == b->from && a->to == b->to && a->joined[0] == b->joined[0] &&
           a->joined[1] == b->joined[1];
}

static slot *place_of(const saint_residency *r, const saint_resident_key *k)
{
    size_t i = start_of(k, r->cap);
    while (r->slot[i].device && !same(&r->slot[i].key, k)) i = (i + 1) & (r->cap - 1);
    return &r->slot[i];
}

saint_status saint_residency_new(saint_residency **out, saint_error *err)
{
    saint_residency *r = calloc(1, sizeof *r);
    if (r) r->cap = 256;
    if (r) r->slot = calloc(r->cap, sizeof *r->slot);
    if (!r || !r->slot) {
        free(r);
        *out = NULL;
        return saint_fail(err, SAINT_MEMORY, "no memory for the table of weights on the device");
    }
    *out = r;
    return SAINT_OK;
}

void saint_residency_free(saint_residency *r)
{
    if (!r) return;
    free(r->slot);
    free(r);
}

void *saint_residency_find(const saint_residency *r, const saint_resident_key *key)
{
    return place_of(r, key)->device;
}

static bool grow(saint_residency *r)
{
    saint_residency wide = {.cap = 2 * r->cap};
    wide.slot = calloc(wide.cap, sizeof *wide.slot);
    if (!wide.slot) return false;
    for (size_t i = 0; i < r->cap; i++)
        if (r->slot[i].device) *place_of(&wide, &r->slot[i].key) = r->slot[i];
    free(r->slot);
    r->slot = wide.slot;
    r->cap = wide.cap;
    return true;
}

saint_status saint_residency_put(saint_residency *r, const saint_resident_key *key, void *device, size_t bytes, saint_error *err)
{
    if (!device || saint_residency_find(r, key)) return saint_fail(err, SAINT_STATE, "a weight was put on the device twice, or nowhere");
    if (3 * (r->n + 1) > 2 * r->cap && !grow(r)) return saint_fail(err, SAINT_MEMORY, "no memory for a table of %zu weights on the device", r->n);
    *place_of(r, key) = (slot){*key, device};
    r->n++;
    r->bytes += bytes;
    return SAINT_OK;
}

size_t saint_residency_count(const saint_residency *r)
{
    return r->n;
}

size_t saint_residency_bytes(const saint_residency *r)
{
    return r->bytes;
}

void saint_residency_clear(saint_residency *r, void (*fn)(void *ctx, void *device), void *ctx)
{
    for (size_t i = 0; i < r->cap; i++) {
        if (r->slot[i].device) fn(ctx, r->slot[i].device);
        r->slot[i].device = NULL;
    }
    r->n = r->bytes = 0;
}
