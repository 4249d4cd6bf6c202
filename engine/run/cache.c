#include "run/cache.h"

#include <stdlib.h>
#include <string.h>

struct saint_cache {
    saint_snapshot **s;
    int n, cap;
    size_t bytes, budget;
    uint64_t clock;
};

saint_status saint_cache_open(saint_cache **out, size_t budget_bytes, saint_error *err)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return saint_fail(err, SAINT_MEMORY, "no memory for a checkpoint cache");
    (*out)->budget = budget_bytes;
    return SAINT_OK;
}

void saint_snapshot_free(saint_snapshot *s)
{
    if (!s) return;
    saint_rows_free(&s->rows);
    free(s->metric);
    free(s->attention);
    saint_kv_unref(s->kv);
    for (int i = 0; s->history && i < s->n_images; i++) saint_history_clear(&s->history[i]);
    free(s->history);
    free(s);
}

void saint_cache_close(saint_cache *c)
{
    if (!c) return;
    for (int i = 0; i < c->n; i++) saint_snapshot_free(c->s[i]);
    free(c->s);
    free(c);
}

/* A run has at most some hundred checkpoints: a linear scan is nothing beside a layer. */
saint_snapshot *saint_cache_find(saint_cache *c, const saint_digest *key)
{
    for (int i = 0; i < c->n; i++)
        if (memcmp(&c->s[i]->key, key, sizeof *key) == 0) {
            c->s[i]->used = ++c->clock;
            return c->s[i];
        }
    return NULL;
}

static void drop(saint_cache *c, int i)
{
    c->bytes -= c->s[i]->bytes;
    saint_snapshot_free(c->s[i]);
    c->s[i] = c->s[--c->n];
}

void saint_cache_put(saint_cache *c, saint_snapshot *s)
{
    for (int i = 0; i < c->n; i++)
        if (memcmp(&c->s[i]->key, &s->key, sizeof s->key) == 0) {
            drop(c, i);
            break;
        }
    while (c->n && c->bytes + s->bytes > c->budget) {
        int oldest = 0;
        for (int i = 1; i < c->n; i++)
            if (c->s[i]->used < c->s[oldest]->used) oldest = i;
        drop(c, oldest);
    }
    if (c->n == c->cap) {
        int cap = c->cap ? 2 * c->cap : 64;
        saint_snapshot **grown = realloc(c->s, (size_t)cap * sizeof *grown);
        if (grown) {
            c->s = grown;
            c->cap = cap;
        }
    }
    if (s->bytes > c->budget || c->n == c->cap) { /* a cache may forget; the run goes on without it */
        saint_snapshot_free(s);
        return;
    }
    s->used = ++c->clock;
    c->s[c->n++] = s;
    c->bytes += s->bytes;
}

size_t saint_cache_bytes(const saint_cache *c)
{
    return c->bytes;
}

size_t saint_cache_budget(const saint_cache *c)
{
    return c->budget;
}
