/* strings.c - strings in blocks, and strings numbered by a hash table. */
#include <stdlib.h>
#include <string.h>

#include "datasets/internal.h"

enum { BLOCK = 1 << 16 };

struct saint_block {
    saint_block *before;
    size_t used, size;
    char text[];
};

char *saint_arena_add(saint_arena *a, const char *text, size_t n)
{
    if (n >= SIZE_MAX / 2) return NULL;
    if (!a->last || a->last->size - a->last->used < n + 1) {
        size_t size = n + 1 > BLOCK ? n + 1 : BLOCK;
        saint_block *b = malloc(sizeof *b + size);
        if (!b) return NULL;
        *b = (saint_block){.before = a->last, .size = size};
        a->last = b;
    }
    char *out = a->last->text + a->last->used;
    if (n) memcpy(out, text, n);
    out[n] = 0;
    a->last->used += n + 1;
    return out;
}

void saint_arena_free(saint_arena *a)
{
    while (a->last) {
        saint_block *b = a->last;
        a->last = b->before;
        free(b);
    }
}

static size_t hash(const char *s)
{
    uint64_t h = 1469598103934665603u;
    for (; *s; s++) h = (h ^ (unsigned char)*s) * 1099511628211u;
    return (size_t)(h ^ h >> 29);
}

/* The slot that holds `name`, or the empty one where it belongs. */
static size_t place(const saint_texts *t, const char *name)
{
    size_t i = hash(name) & (t->n_slots - 1);
    while (t->slot[i] && strcmp(t->name[t->slot[i] - 1], name) != 0) i = (i + 1) & (t->n_slots - 1);
    return i;
}

static bool grow(saint_texts *t)
{
    size_t n_slots = t->n_slots ? t->n_slots * 2 : 64;
    if (n_slots > UINT32_MAX) return false;
    const char **name = realloc(t->name, n_slots / 2 * sizeof *name);
    if (!name) return false;
    t->name = name;
    t->cap = n_slots / 2;
    uint32_t *slot = calloc(n_slots, sizeof *slot);
    if (!slot) return false;
    free(t->slot);
    t->slot = slot;
    t->n_slots = n_slots;
    for (size_t i = 0; i < t->n; i++) t->slot[place(t, t->name[i])] = (uint32_t)i + 1;
    return true;
}

bool saint_texts_add(saint_texts *t, const char *name, uint32_t *id)
{
    if (saint_texts_find(t, name, id)) return true;
    if (t->n + 1 > t->n_slots / 2 && !grow(t)) return false;
    char *copy = saint_arena_add(&t->text, name, strlen(name));
    if (!copy) return false;
    t->name[t->n] = copy;
    t->slot[place(t, copy)] = (uint32_t)t->n + 1;
    *id = (uint32_t)t->n++;
    return true;
}

bool saint_texts_find(const saint_texts *t, const char *name, uint32_t *id)
{
    if (!t->n_slots) return false;
    uint32_t found = t->slot[place(t, name)];
    if (!found) return false;
    *id = found - 1;
    return true;
}

void saint_texts_free(saint_texts *t)
{
    saint_arena_free(&t->text);
    free(t->name);
    free(t->slot);
    *t = (saint_texts){0};
}
