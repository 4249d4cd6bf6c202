#include "run/cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct saint_cache {
    pthread_mutex_t lock;
    saint_snapshot **s;
    int n, cap;
    size_t bytes, budget;
    uint64_t clock, run;
};

saint_status saint_cache_open(saint_cache **out, size_t budget_bytes, saint_error *err)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return saint_fail(err, SAINT_MEMORY, "no memory for a checkpoint cache");
    pthread_mutex_init(&(*out)->lock, NULL); /* default attributes: cannot fail on Linux */
    (*out)->budget = budget_bytes;
    (*out)->run = 1; /* 0 marks what no run holds */
    return SAINT_OK;
}

saint_snapshot *saint_snapshot_new(void)
{
    saint_snapshot *s = calloc(1, sizeof *s);
    if (s) s->refs = 1;
    return s;
}

void saint_snapshot_unref(saint_snapshot *s)
{
    if (!s || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) > 0) return;
    saint_rows_free(&s->rows);
    saint_reading_unref(s->read);
    saint_kv_unref(s->kv);
    for (int i = 0; s->history && i < s->n_images; i++) saint_history_clear(&s->history[i]);
    free(s->history);
    free(s);
}

void saint_cache_close(saint_cache *c)
{
    if (!c) return;
    for (int i = 0; i < c->n; i++) saint_snapshot_unref(c->s[i]);
    free(c->s);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

void saint_cache_begin(saint_cache *c)
{
    pthread_mutex_lock(&c->lock);
    c->run++;
    pthread_mutex_unlock(&c->lock);
}

/* A run has at most some hundred checkpoints: a linear scan is nothing beside a layer. */
static saint_snapshot *look_up(saint_cache *c, const saint_digest *key, bool picture)
{
    for (int i = 0; i < c->n; i++) {
        const saint_digest *k = picture ? &c->s[i]->picture_key : &c->s[i]->key;
        if (c->s[i]->pending) continue;
        if ((!picture || c->s[i]->has_picture_key) && memcmp(k, key, sizeof *key) == 0) return c->s[i];
    }
    return NULL;
}

const saint_snapshot *saint_cache_find(saint_cache *c, const saint_digest *key, bool picture)
{
    pthread_mutex_lock(&c->lock);
    saint_snapshot *s = look_up(c, key, picture);
    if (s) {
        s->used = ++c->clock;
        s->run = s->found = c->run;
    }
    pthread_mutex_unlock(&c->lock);
    return s;
}

saint_snapshot *saint_cache_acquire(saint_cache *c, const saint_digest *key, bool picture)
{
    pthread_mutex_lock(&c->lock);
    saint_snapshot *s = look_up(c, key, picture);
    if (s) __atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&c->lock);
    return s;
}

static void drop(saint_cache *c, int i)
{
    c->bytes -= c->s[i]->bytes;
    saint_snapshot_unref(c->s[i]);
    c->s[i] = c->s[--c->n];
}

static bool make_room(saint_cache *c, size_t bytes)
{
    size_t held = bytes; /* nothing goes in vain: first see whether there can be room at all */
    for (int i = 0; i < c->n; i++)
        if (c->s[i]->run == c->run) held += c->s[i]->bytes;
    if (held > c->budget) return false;
    while (c->bytes + bytes > c->budget) {
        int oldest = -1;
        for (int i = 0; i < c->n; i++)
            if (c->s[i]->run != c->run && (oldest < 0 || c->s[i]->used < c->s[oldest]->used)) oldest = i;
        drop(c, oldest);
    }
    if (c->n < c->cap) return true;
    int cap = c->cap ? 2 * c->cap : 64;
    saint_snapshot **grown = realloc(c->s, (size_t)cap * sizeof *grown);
    if (!grown) return false; /* a cache may forget; the run goes on without it */
    c->s = grown;
    c->cap = cap;
    return true;
}

void saint_cache_put(saint_cache *c, saint_snapshot *s)
{
    pthread_mutex_lock(&c->lock);
    for (int i = 0; i < c->n; i++)
        if (memcmp(&c->s[i]->key, &s->key, sizeof s->key) == 0) {
            drop(c, i);
            break;
        }
    bool room = make_room(c, s->bytes);
    if (room) {
        s->used = ++c->clock;
        s->run = s->kv ? c->run : 0;
        c->s[c->n++] = s;
        c->bytes += s->bytes;
    }
    pthread_mutex_unlock(&c->lock);
    if (!room) saint_snapshot_unref(s);
}

void saint_cache_each_pending(saint_cache *c, void (*fn)(void *ud, saint_snapshot *s), void *ud)
{
    for (int i = 0; i < c->n; i++) /* only the caller's thread adds and drops, and nobody else looks at these */
        if (c->s[i]->pending) fn(ud, c->s[i]);
}

void saint_cache_publish(saint_cache *c)
{
    pthread_mutex_lock(&c->lock);
    for (int i = 0; i < c->n; i++) c->s[i]->pending = false;
    pthread_mutex_unlock(&c->lock);
}

void saint_cache_drop_pending(saint_cache *c)
{
    pthread_mutex_lock(&c->lock);
    for (int i = c->n - 1; i >= 0; i--)
        if (c->s[i]->pending) drop(c, i);
    pthread_mutex_unlock(&c->lock);
}

bool saint_cache_shrink(saint_cache *c, size_t bytes)
{
    size_t freed = 0;
    pthread_mutex_lock(&c->lock);
    while (freed < bytes) {
        int worst = -1;
        for (int i = 0; i < c->n; i++) {
            const saint_snapshot *s = c->s[i], *w = worst < 0 ? NULL : c->s[worst];
            if (s->found == c->run) continue;
            bool held = s->run == c->run, worst_held = w && w->run == c->run;
            if (!w || (worst_held && !held) || (worst_held == held && s->used < w->used)) worst = i;
        }
        if (worst < 0) break;
        freed += c->s[worst]->bytes;
        drop(c, worst);
    }
    pthread_mutex_unlock(&c->lock);
    return freed > 0;
}

size_t saint_cache_bytes(saint_cache *c)
{
    pthread_mutex_lock(&c->lock);
    size_t bytes = c->bytes;
    pthread_mutex_unlock(&c->lock);
    return bytes;
}

size_t saint_cache_budget(const saint_cache *c) { return c->budget; }
