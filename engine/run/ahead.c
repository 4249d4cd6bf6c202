#include "run/ahead.h"

#include <stdlib.h>
#include <string.h>

saint_status saint_ahead_add_stats(saint_ahead *a, const saint_ahead_stats *s, saint_error *err)
{
    if (a->n_stats == a->cap_stats) {
        int cap = a->cap_stats ? 2 * a->cap_stats : 32;
        saint_ahead_stats *grown = realloc(a->stats, (size_t)cap * sizeof *grown);
        if (!grown) return saint_fail(err, SAINT_MEMORY, "no memory for the statistics of %d layers", a->n_stats + 1);
        a->stats = grown;
        a->cap_stats = cap;
    }
    a->stats[a->n_stats] = *s;
    saint_reading_ref(s->read);
    a->stats[a->n_stats++].metric = NULL;
    return SAINT_OK;
}

static bool written(const saint_ahead_stats *s) { return s->index < s->h->n_layers; }

int saint_ahead_count(const saint_ahead *a)
{
    int n = 0;
    for (int i = 0; i < a->n_stats; i++) n += written(&a->stats[i]);
    return n;
}

saint_status saint_ahead_letters(saint_ahead *a, saint_letter *out, saint_error *err)
{
    int n = 0;
    for (int i = 0; i < a->n_stats; i++) {
        saint_ahead_stats *s = &a->stats[i];
        size_t dim = (size_t)s->read->dim, bytes = (size_t)s->n * dim * sizeof(float);
        if (!written(s)) continue;
        s->metric = malloc(bytes + 1);
        if (!s->metric) return saint_fail(err, SAINT_MEMORY, "no memory for the statistics of %d rows", s->n);
        out[n++] = (saint_letter){s->metric, s->read->metric + (size_t)s->first * dim, bytes};
    }
    return SAINT_OK;
}

static saint_status fill_stats(saint_ahead *a)
{
    saint_status st = SAINT_OK;
    int left = 0;
    for (int i = 0; i < a->n_stats; i++) {
        saint_ahead_stats *s = &a->stats[i];
        if (!written(s) || st != SAINT_OK) {
            a->stats[left++] = *s;
            continue;
        }
        saint_trace_layer *y = &s->h->layer[s->index];
        st = saint_stats_of_rows(s->metric, 0, s->n, s->read->dim, &s->p, y, a->r->err); /* only those rows were fetched */
        if (y->stats_first >= 0) y->stats_first = s->first;
        free(s->metric);
        saint_reading_unref(s->read);
    }
    a->n_stats = left;
    return st;
}

static saint_status elapsed(const saint_ahead *a, int layer, int part, double *seconds)
{
    int slot = SAINT_AHEAD_LAYER_MARKS + 4 * layer + 2 * part;
    return a->r->b->op->chooser->elapsed(a->r->b, slot, slot + 1, seconds, a->r->err);
}

static saint_status fill_times(saint_ahead *a)
{
    int left = 0, pictures = a->rows->n_seqs;
    saint_status st = SAINT_OK;
    for (int i = 0; i < a->n_times; i++) {
        saint_ahead_time t = a->time[i];
        if (t.index >= a->history[0]->n_layers || st != SAINT_OK) {
            a->time[left++] = t;
            continue;
        }
        double sum = t.before, each = 0;
        for (int part = 0; part < 2 && st == SAINT_OK; part++) {
            if (!(t.parts & 1 << part)) continue;
            st = elapsed(a, t.layer, part, &each);
            sum += each;
        }
        for (int q = 0; q < pictures; q++) a->history[q]->layer[t.index].seconds = sum / pictures;
    }
    a->n_times = left;
    return st;
}

saint_status saint_ahead_fill(saint_ahead *a)
{
    saint_status st = fill_stats(a);
    if (st == SAINT_OK) st = fill_times(a);
    return st;
}

/* Picture rows that enter a layer are what the site before it let through. Where nobody knew that yet, the record says -1. */
static void count_picture_rows(saint_history *h, int n_layers)
{
    for (int i = 0; i < n_layers; i++) {
        saint_trace_layer *y = &h->layer[i];
        for (int k = h->n_sites - 1; k >= 0 && y->image_in < 0; k--)
            if (h->site[k]->stage == y->stage && h->site[k]->layer < y->layer) y->image_in = h->site[k]->n_keep;
    }
}

saint_status saint_ahead_complete(saint_ahead *a, saint_snapshot *c)
{
    size_t n = (size_t)saint_rows_total(&c->rows);
    const saint_rows *rows = a->rows;
    memcpy(c->rows.patch, rows->patch, n * sizeof *rows->patch);
    memcpy(c->rows.pos, rows->pos, n * sizeof *rows->pos);
    memcpy(c->rows.size, rows->size, n * sizeof *rows->size);
    for (int i = 0; i < c->n_images; i++) {
        count_picture_rows(a->history[i], c->n_layers);
        saint_history_copy(&c->history[i], a->history[i]);
        c->history[i].n_layers = c->n_layers;
    }
    return a->marked[c->layer] ? elapsed(a, c->layer, 0, &c->seconds) : SAINT_OK;
}

void saint_ahead_told(saint_ahead *a)
{
    for (int i = 0; i < a->rows->n_seqs; i++) count_picture_rows(a->history[i], a->history[i]->n_layers);
}

void saint_ahead_forget(saint_ahead *a)
{
    for (int i = 0; i < a->n_stats; i++) {
        saint_reading_unref(a->stats[i].read);
        free(a->stats[i].metric);
    }
    free(a->stats);
    a->stats = NULL;
    a->n_stats = a->cap_stats = a->n_times = 0;
    memset(a->marked, 0, sizeof a->marked);
}
