/* execute_vit.c - the ViT of a batch of pictures: resume, attend, select, go on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/cost.h"
#include "run/internal.h"

typedef struct {
    saint_run *r;
    saint_rows *rows;
    saint_vit_forward *f;
    float *metric, *cls; /* host, of the layer at hand, where the host reads them */
    saint_sites *sites;  /* the device works ahead of the host; NULL: it does not, and the host decides all */
    saint_history **history;
    int head_dim;
    double attend_seconds; /* of the layer at hand, possibly by the run that cached it */
    bool whole;            /* all blocks are queued as one recording; what is left of a layer is its record */
} vit_state;

static saint_status out_of_memory(saint_run *r)
{
    return saint_fail(r->err, SAINT_MEMORY, "no memory for a ViT run of %d pictures", r->t->n_images);
}

/* Remember the point right before the site of `layer`. A checkpoint is an economy, never a need: without memory there is none. */
static saint_status checkpoint(vit_state *v, int layer)
{
    saint_run *r = v->r;
    size_t rows = (size_t)saint_rows_total(v->rows), n = (size_t)r->t->n_images, width = (size_t)v->head_dim;
    size_t bytes = rows * ((size_t)v->rows->dim + width + 4) * sizeof(float) + n * sizeof(saint_history) + sizeof(saint_snapshot);
    saint_snapshot *c = NULL;
    saint_status s = saint_run_snapshot(r, v->sites, v->rows, v->metric, v->cls, v->head_dim, bytes, &c);
    if (!c) return s;
    c->key = r->reuse.vit_key[layer];
    c->seconds = v->attend_seconds;
    saint_run_put(r, v->sites, layer, c, v->history);
    return SAINT_OK;
}

/* One layer's statistics of one picture from the metric of all rows. */
static saint_status layer_stats(const vit_state *v, const saint_rows *rows, const float *metric, int layer, int image,
                                saint_trace_layer *out)
{
    saint_run *r = v->r;
    int first = rows->cu[image] + r->m->vit.prefix, n = rows->cu[image + 1] - first;
    saint_method_params want = saint_stats_params(r->req, SAINT_STAGE_VIT, layer);
    return saint_stats_of_rows(metric, first, n, v->head_dim, &want, out, r->err);
}

/* The same for a device that works ahead: when it is waited for. The record is number `index` of the picture's history. */
static saint_status owe_stats(const vit_state *v, const saint_rows *rows, saint_reading *read, int layer, int image, int index)
{
    saint_run *r = v->r;
    int first = rows->cu[image] + r->m->vit.prefix, n = rows->cu[image + 1] - first;
    saint_method_params want = saint_stats_params(r->req, SAINT_STAGE_VIT, layer);
    return saint_sites_owe_stats(v->sites, image, index, read, first, n, &want);
}

/* Statistics belong to the request and not to the result, so no key holds them: reused layers get theirs from the checkpoint's metric. */
static saint_status reused_layer(const vit_state *v, int image, int index)
{
    saint_run *r = v->r;
    saint_trace_layer *y = &v->history[image]->layer[index];
    y->reused = true;
    if (!r->req->want_stats) {
        y->has_stats = false;
        return SAINT_OK;
    }
    saint_method_params want = saint_stats_params(r->req, SAINT_STAGE_VIT, y->layer);
    if (saint_stats_match(y, &want)) return SAINT_OK;
    const saint_snapshot *c = saint_cache_find(r->s->cache, &r->reuse.vit_key[y->layer], false);
    if (!c) return saint_fail(r->err, SAINT_STATE, "the statistics of ViT layer %d left the cache", y->layer);
    if (v->sites) return owe_stats(v, &c->rows, c->read, y->layer, image, index);
    saint_reading_host read;
    saint_status s = saint_reading_look(c->read, &read, r->err);
    if (s == SAINT_OK) s = layer_stats(v, &c->rows, read.metric, y->layer, image, y);
    saint_reading_look_free(&read);
    return s;
}

/* What the site of the layer at hand reads, from a checkpoint. */
static saint_status resume_reading(vit_state *v, const saint_snapshot *c)
{
    size_t rows = (size_t)saint_rows_total(v->rows);
    saint_reading_host read;
    if (v->sites) {
        saint_sites_resume(v->sites, v->r->reuse.vit, c->read, c->seconds);
        return SAINT_OK;
    }
    saint_status s = saint_reading_look(c->read, &read, v->r->err);
    if (s != SAINT_OK) return s;
    memcpy(v->metric, read.metric, rows * (size_t)v->head_dim * sizeof *v->metric);
    memcpy(v->cls, read.attention, rows * sizeof *v->cls);
    saint_reading_look_free(&read);
    return SAINT_OK;
}

/* Take up the run right before the site of layer r->reuse.vit. */
static saint_status resume(vit_state *v)
{
    saint_run *r = v->r;
    const saint_snapshot *c = saint_cache_find(r->s->cache, &r->reuse.vit_key[r->reuse.vit], false);
    if (!c) return saint_fail(r->err, SAINT_STATE, "the checkpoint of ViT layer %d left the cache", r->reuse.vit);
    saint_status s = saint_rows_copy(v->rows, &c->rows, r->err);
    if (s != SAINT_OK) return s;
    for (int k = 0; k < r->t->n_images; k++) {
        saint_history *h = v->history[k];
        saint_history_clear(h);
        saint_history_copy(h, &c->history[k]);
        for (int j = 0; j < h->n_layers && s == SAINT_OK; j++) s = reused_layer(v, k, j);
        for (int j = 0; j < h->n_sites; j++) h->site_reused[j] = true;
    }
    v->attend_seconds = c->seconds;
    return s == SAINT_OK ? resume_reading(v, c) : s;
}

static saint_status attend(vit_state *v, int layer)
{
    saint_run *r = v->r;
    double begin = saint_now();
    saint_vit_readings read = {.metric = saint_run_reads_metric(r, SAINT_STAGE_VIT, layer) ? v->metric : NULL,
                               .attention = saint_run_reads_attention(r, SAINT_STAGE_VIT, layer) ? v->cls : NULL};
    saint_status s = SAINT_OK;
    if (v->sites && !v->whole) {
        read.here = true;
        s = saint_sites_read(v->sites, layer, saint_rows_total(v->rows), &read.metric, &read.attention);
        if (s == SAINT_OK) s = saint_sites_mark(v->sites, layer, 0, SAINT_PART_BEGIN);
    }
    if (s == SAINT_OK && !v->whole) s = saint_vit_attend(v->f, layer, v->rows, &read, r->err);
    if (s == SAINT_OK && !v->whole) s = saint_sites_mark(v->sites, layer, 0, SAINT_PART_END);
    if (s == SAINT_OK) s = saint_run_layer_done(r);
    double elapsed = saint_now() - begin;
    v->attend_seconds = saint_run_layer_seconds(r, elapsed);
    r->t->seconds.vit += elapsed;
    if (s != SAINT_OK) return s;
    s = saint_run_tap(r, v->rows->x, saint_rows_total(v->rows), v->rows->dim, "vit.%d.attn_resid", layer);
    return s == SAINT_OK ? checkpoint(v, layer) : s;
}

saint_site_input saint_vit_site_input(const saint_run *r, const saint_site *site, const float *metric, const float *attention)
{
    const saint_vit *c = &r->m->vit;
    return (saint_site_input){.site = site, .metric = metric, .attention = attention, .dim = c->dim / c->heads, .n_prefix = c->prefix, .window = -1, .hand = &r->t->plan.hand};
}

static saint_status choose(vit_state *v, int layer, const saint_site *site)
{
    saint_run *r = v->r;
    saint_site_input in = saint_vit_site_input(r, site, v->metric, v->cls);
    saint_status s = saint_sites_run(v->sites, r, &in, v->rows, v->history, &r->t->seconds.vit);
    if (s == SAINT_OK && !saint_run_event(r, &(saint_event){.kind = SAINT_EVENT_SITE, .stage = SAINT_STAGE_VIT, .layer = layer}))
        s = saint_fail(r->err, SAINT_CANCELLED, "cancelled after the site of ViT layer %d", layer);
    return s;
}

/* Everything of a layer behind its attention. */
static saint_status finish_layer(vit_state *v, int layer)
{
    saint_run *r = v->r;
    int n = r->t->n_images;
    const saint_site *site = saint_plan_site(&r->t->plan, SAINT_STAGE_VIT, layer);
    saint_status s = SAINT_OK;
    saint_trace_layer *record = calloc((size_t)n, sizeof *record);
    if (!record) return out_of_memory(r);
    for (int i = 0; i < n && s == SAINT_OK; i++) {
        record[i].stage = SAINT_STAGE_VIT;
        record[i].layer = layer;
        record[i].n_in = v->rows->cu[i + 1] - v->rows->cu[i];
        record[i].image_in = record[i].n_in - r->m->vit.prefix;
        if (r->req->want_stats && v->sites) s = owe_stats(v, v->rows, saint_sites_reading(v->sites), layer, i, v->history[i]->n_layers);
        else if (r->req->want_stats) s = layer_stats(v, v->rows, v->metric, layer, i, &record[i]);
    }
    if (s == SAINT_OK && site) s = choose(v, layer, site);
    double begin = saint_now();
    if (s == SAINT_OK && !v->whole) s = saint_sites_mark(v->sites, layer, 1, SAINT_PART_BEGIN);
    if (s == SAINT_OK && !v->whole) s = saint_vit_mlp(v->f, layer, v->rows, r->err);
    if (s == SAINT_OK && !v->whole) s = saint_sites_mark(v->sites, layer, 1, SAINT_PART_END);
    if (s == SAINT_OK) s = saint_run_layer_done(r);
    double elapsed = saint_now() - begin, mlp = saint_run_layer_seconds(r, elapsed);
    r->t->seconds.vit += elapsed;
    for (int i = 0; i < n && s == SAINT_OK; i++) {
        saint_history *h = v->history[i];
        record[i].n_out = v->rows->cu[i + 1] - v->rows->cu[i];
        record[i].seconds = (v->attend_seconds + mlp) / n;
        record[i].flops = saint_cost_vit_layer(&r->m->info, record[i].n_in, record[i].n_out);
        h->layer[h->n_layers++] = record[i];
    }
    free(record);
    if (s == SAINT_OK) s = saint_run_tap(r, v->rows->x, saint_rows_total(v->rows), v->rows->dim, "vit.%d.out", layer);
    return s;
}

static saint_status embed(vit_state *v, const float *pixels)
{
    saint_run *r = v->r;
    double begin = saint_now();
    saint_status s = saint_vit_embed(v->f, pixels, r->t->n_images, v->rows, r->err);
    r->t->seconds.vit += saint_now() - begin;
    if (s == SAINT_OK) s = saint_run_tap(r, v->rows->x, saint_rows_total(v->rows), v->rows->dim, "vit.embed", 0);
    return s;
}

static saint_status run_layers(vit_state *v, const float *pixels)
{
    saint_run *r = v->r;
    int start = r->reuse.vit, run = r->m->vit.run;
    saint_status s = start < 0 ? embed(v, pixels) : resume(v);
    r->t->layers_reused += start > 0 ? start : 0;
    double queued = saint_now();
    if (s == SAINT_OK && start < 0) s = saint_vit_room_replay(r, v->f, v->rows, v->sites, &v->whole);
    r->t->seconds.vit += saint_now() - queued;
    for (int i = start < 0 ? 0 : start; i < run && s == SAINT_OK; i++) {
        if (saint_run_stopped(r)) return saint_fail(r->err, SAINT_CANCELLED, "cancelled before ViT layer %d", i);
        if (i != start) s = attend(v, i);
        if (s == SAINT_OK && saint_run_stopped(r)) return saint_fail(r->err, SAINT_CANCELLED, "cancelled in ViT layer %d", i);
        if (s == SAINT_OK && r->ob && r->ob->tap) {
            char name[48];
            snprintf(name, sizeof name, "vit.%d.metric", i);
            r->ob->tap(r->ob->ud, name, v->metric, saint_rows_total(v->rows), v->head_dim);
        }
        if (s == SAINT_OK) s = finish_layer(v, i);
        r->t->layers_run++;
        saint_event e = {.kind = SAINT_EVENT_LAYER, .stage = SAINT_STAGE_VIT, .layer = i, .done = i + 1, .total = run};
        if (s == SAINT_OK && !saint_run_event(r, &e)) s = saint_fail(r->err, SAINT_CANCELLED, "cancelled after ViT layer %d", i);
    }
    return s == SAINT_OK ? saint_sites_settle(v->sites, r, false, &r->t->seconds.vit) : s;
}

void saint_run_vit_account(saint_run *r, int image, int vit_out)
{
    saint_trace_image *im = &r->t->image[image];
    double seen = 0;
    im->vit_in = r->m->vit.grid * r->m->vit.grid;
    im->vit_out = vit_out;
    im->flops_vit = saint_cost_vit_embed(&r->m->info);
    for (int k = 0; k < im->history.n_layers; k++) {
        im->flops_vit += im->history.layer[k].flops;
        seen += im->history.layer[k].image_in;
    }
    im->equivalent = im->history.n_layers ? seen / im->history.n_layers : 0;
}

saint_status saint_run_vit_skipped(saint_run *r, int image)
{
    const saint_llm_reuse *l = &r->reuse.llm[image];
    const saint_digest *key = l->full ? &l->keys.full[l->full - 1] : &l->keys.picture[l->question - 1];
    const saint_snapshot *c = saint_cache_find(r->s->cache, key, l->full == 0);
    if (!c) return saint_fail(r->err, SAINT_STATE, "a checkpoint of picture %d left the cache", image);
    saint_history *h = &r->t->image[image].history;
    for (int i = 0; i < c->history->n_layers; i++) {
        saint_trace_layer y = c->history->layer[i];
        if (y.stage != SAINT_STAGE_VIT) continue;
        y.reused = true;
        y.has_stats = y.has_stats && r->req->want_stats;
        h->layer[h->n_layers++] = y;
    }
    for (int i = 0; i < c->history->n_sites; i++)
        if (c->history->site[i]->stage == SAINT_STAGE_VIT) saint_history_add(h, c->history->site[i], true);
    r->t->layers_reused += image == 0 ? r->m->vit.run : 0; /* the ViT runs once for a batch */
    saint_run_vit_account(r, image, c->n_features);
    return SAINT_OK;
}

saint_status saint_run_vit(saint_run *r, const float *pixels, saint_rows *rows, saint_vit_forward **forward)
{
    const saint_vit *c = &r->m->vit;
    int n = r->t->n_images, total = n * (c->prefix + c->grid * c->grid);
    vit_state v = {.r = r, .rows = rows, .head_dim = c->dim / c->heads};
    *forward = NULL;
    saint_status s = saint_vit_room_enter(r, n, total, rows, forward);
    if (s != SAINT_OK) return s;
    v.f = *forward;
    v.metric = malloc((size_t)total * (size_t)v.head_dim * sizeof *v.metric);
    v.cls = malloc((size_t)total * sizeof *v.cls);
    v.history = calloc((size_t)n, sizeof *v.history);
    if (!v.metric || !v.cls || !v.history) s = out_of_memory(r);
    for (int i = 0; i < n && s == SAINT_OK; i++) v.history[i] = &r->t->image[i].history;
    if (s == SAINT_OK) s = saint_vit_room_sites(r, rows, v.history, &v.sites);
    if (s == SAINT_OK && (s = run_layers(&v, pixels)) != SAINT_OK) saint_sites_abandon(v.sites, r, s);
    for (int i = 0; i < n && s == SAINT_OK; i++) saint_run_vit_account(r, i, rows->cu[i + 1] - rows->cu[i] - c->prefix);
    saint_vit_room_keep_sites(r, v.sites);
    free(v.metric);
    free(v.cls);
    free(v.history);
    return s;
}
