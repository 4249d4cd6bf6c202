/* snapshot.c - checkpoints on their way into the cache: what the ViT's and the LLM's have in common. */
#include <stdlib.h>

#include "run/internal.h"

/* An economy, never a need: without memory there is none. What else can fail is the device. */
static saint_status fill(saint_run *r, saint_sites *sites, const saint_rows *rows, const float *metric, const float *attention, int dim,
                         saint_snapshot *c, saint_error *err)
{
    saint_status s = SAINT_OK;
    c->n_images = rows->n_seqs;
    c->history = calloc((size_t)rows->n_seqs, sizeof *c->history);
    if (!c->history) return saint_fail(err, SAINT_MEMORY, "no memory for a checkpoint");
    if (sites) c->read = saint_reading_ref(saint_sites_reading(sites));
    else s = saint_reading_of(&c->read, r->b, metric, attention, saint_rows_total(rows), dim, err);
    return s == SAINT_OK ? saint_rows_clone(&c->rows, rows, err) : s;
}

saint_status saint_run_snapshot(saint_run *r, saint_sites *sites, const saint_rows *rows, const float *metric, const float *attention, int dim,
                                size_t bytes, saint_snapshot **out)
{
    saint_error why = {0};
    *out = NULL;
    if (!saint_run_remembers(r) || bytes > saint_cache_budget(r->s->cache) || (sites && !saint_sites_reading(sites))) return SAINT_OK;
    saint_snapshot *c = saint_snapshot_new();
    if (!c) return SAINT_OK;
    c->bytes = bytes;
    saint_status s = fill(r, sites, rows, metric, attention, dim, c, &why);
    if (s == SAINT_OK) {
        *out = c;
        return SAINT_OK;
    }
    saint_snapshot_unref(c);
    if (s == SAINT_MEMORY) return SAINT_OK;
    if (r->err) *r->err = why;
    return s;
}

void saint_run_put(saint_run *r, saint_sites *sites, int layer, saint_snapshot *c, saint_history *const *history)
{
    if (sites) {
        saint_sites_remember(sites, layer, c);
        return;
    }
    for (int i = 0; i < c->n_images; i++) saint_history_copy(&c->history[i], history[i]);
    saint_cache_put(r->s->cache, c);
}
