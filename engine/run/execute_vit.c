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
    float *metric, *cls; /* host, of the layer at hand */
    saint_history **history;
    saint_digest key[SAINT_MAX_LAYERS];
    int head_dim;
    double attend_seconds; /* of the layer at hand, possibly by the run that cached it */
    bool attend_reused;
} vit_state;

static saint_status out_of_memory(saint_run *r)
{
    return saint_fail(r->err, SAINT_MEMORY, "no memory for a ViT run of %d pictures", r->t->n_images);
}

/* Remember the point right before the site of `layer`. */
static void checkpoint(vit_state *v, int layer)
{
    saint_run *r = v->r;
    size_t rows = (size_t)saint_rows_total(v->rows), n = (size_t)r->t->n_images;
    size_t bytes = rows * ((size_t)v->rows->dim * 2 + (size_t)v->head_dim + 1) * sizeof(float) + n * sizeof(saint_history);
    if (bytes > saint_cache_budget(r->s->cache)) return;
    saint_snapshot *c = calloc(1, sizeof *c);
    if (!c) return;
    c->key = v->key[layer];
    c->bytes = bytes;
    c->seconds = v->attend_seconds;
    c->metric = malloc(rows * (size_t)v->head_dim * sizeof *c->metric);
    c->attention = malloc(rows * sizeof *c->attention);
    c->history = calloc(n, sizeof *c->history);
    bool ok = c->metric && c->attention && c->history &&
              saint_rows_alloc(&c->rows, r->b, v->rows->n_seqs, (int)rows, v->rows->dim, NULL) == SAINT_OK &&
              saint_rows_copy(&c->rows, v->rows, NULL) == SAINT_OK;
    if (!ok) { /* a checkpoint is an economy, never a need */
        saint_snapshot_free(c);
        return;
    }
    memcpy(c->metric, v->metric, rows * (size_t)v->head_dim * sizeof *c->metric);
    memcpy(c->attention, v->cls, rows * sizeof *c->attention);
    c->n_images = (int)n;
    for (size_t i = 0; i < n; i++) saint_history_copy(&c->history[i], v->history[i]);
    saint_cache_put(r->s->cache, c);
}

/* The latest layer whose attention is already done, or -1. */
static int resume(vit_state *v, saint_status *s)
{
    saint_run *r = v->r;
    for (int i = r->m->vit.run - 1; i >= 0; i--) {
        saint_snapshot *c = saint_cache_find(r->s->cache, &v->key[i]);
        if (!c) continue;
        *s = saint_rows_copy(v->rows, &c->rows, r->err);
        if (*s != SAINT_OK) return -1;
        size_t rows = (size_t)saint_rows_total(v->rows);
        memcpy(v->metric, c->metric, rows * (size_t)v->head_dim * sizeof *v->metric);
        memcpy(v->cls, c->attention, rows * sizeof *v->cls);
        for (int k = 0; k < r->t->n_images; k++) {
            saint_history_clear(v->history[k]);
            saint_history_copy(v->history[k], &c->history[k]);
            for (int j = 0; j < v->history[k]->n_layers; j++) v->history[k]->layer[j].reused = true;
            for (int j = 0; j < v->history[k]->n_sites; j++) v->history[k]->site_reused[j] = true;
        }
        v->attend_seconds = c->seconds;
        v->attend_reused = true;
        return i;
    }
    return -1;
}

static saint_status attend(vit_state *v, int layer)
{
    saint_run *r = v->r;
    double begin = saint_now();
    saint_status s = saint_vit_attend(v->f, layer, v->rows, v->metric, v->cls, r->err);
    v->attend_seconds = saint_now() - begin;
    v->attend_reused = false;
    r->t->seconds.vit += v->attend_seconds;
    if (s != SAINT_OK) return s;
    s = saint_run_tap(r, v->rows->x, saint_rows_total(v->rows), v->rows->dim, "vit.%d.attn_resid", layer);
    if (s == SAINT_OK) checkpoint(v, layer);
    return s;
}

static saint_status layer_stats(vit_state *v, int layer, int image, saint_trace_layer *out)
{
    saint_run *r = v->r;
    int first = v->rows->cu[image] + r->m->vit.prefix, n = v->rows->cu[image + 1] - first;
    const saint_method_params *p = &r->req->settings.vit[layer].p;
    out->has_stats = true;
    return saint_layer_stats_of(v->metric + (size_t)first * (size_t)v->head_dim, n, v->head_dim, p->sim_threshold, p->K, &out->stats, r->err);
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
        if (r->req->want_stats) s = layer_stats(v, layer, i, &record[i]);
    }
    if (s == SAINT_OK && site) {
        saint_site_input in = {.site = site, .metric = v->metric, .attention = v->cls, .dim = v->head_dim, .n_prefix = r->m->vit.prefix, .window = -1};
        s = saint_run_site(r, &in, v->rows, v->history);
        if (s == SAINT_OK && !saint_run_event(r, &(saint_event){.kind = SAINT_EVENT_SITE, .stage = SAINT_STAGE_VIT, .layer = layer}))
            s = SAINT_CANCELLED;
    }
    double begin = saint_now();
    if (s == SAINT_OK) s = saint_vit_mlp(v->f, layer, v->rows, r->err);
    double mlp = saint_now() - begin;
    r->t->seconds.vit += mlp;
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

static saint_status run_layers(vit_state *v, const float *pixels)
{
    saint_run *r = v->r;
    saint_status s = SAINT_OK;
    int start = resume(v, &s), run = r->m->vit.run;
    if (s == SAINT_OK && start < 0) {
        double begin = saint_now();
        s = saint_vit_embed(v->f, pixels, r->t->n_images, v->rows, r->err);
        r->t->seconds.vit += saint_now() - begin;
        if (s == SAINT_OK) s = saint_run_tap(r, v->rows->x, saint_rows_total(v->rows), v->rows->dim, "vit.embed", 0);
    }
    r->t->layers_reused += start > 0 ? start : 0;
    for (int i = start < 0 ? 0 : start; i < run && s == SAINT_OK; i++) {
        if (saint_run_stopped(r)) s = saint_fail(r->err, SAINT_CANCELLED, "cancelled in ViT layer %d", i);
        if (s == SAINT_OK && i != start) s = attend(v, i);
        if (s == SAINT_OK && saint_run_stopped(r)) s = saint_fail(r->err, SAINT_CANCELLED, "cancelled in ViT layer %d", i);
        if (s == SAINT_OK && r->ob && r->ob->tap) {
            char name[48];
            snprintf(name, sizeof name, "vit.%d.metric", i);
            r->ob->tap(r->ob->ud, name, v->metric, saint_rows_total(v->rows), v->head_dim);
        }
        if (s == SAINT_OK) s = finish_layer(v, i);
        r->t->layers_run++;
        if (s == SAINT_OK && !saint_run_event(r, &(saint_event){.kind = SAINT_EVENT_LAYER, .stage = SAINT_STAGE_VIT, .layer = i, .done = i + 1, .total = run}))
            s = saint_fail(r->err, SAINT_CANCELLED, "cancelled after ViT layer %d", i);
    }
    return s;
}

saint_status saint_run_vit(saint_run *r, const float *pixels, saint_rows *rows, saint_vit_forward **forward, saint_digest *features)
{
    const saint_vit *c = &r->m->vit;
    int n = r->t->n_images, total = n * (c->prefix + c->grid * c->grid);
    vit_state v = {.r = r, .rows = rows, .head_dim = c->dim / c->heads};
    *forward = NULL;
    saint_keys_vit(r->s, &r->t->plan, saint_key_pixels(r->s, pixels, n), v.key, features);
    memcpy(r->s->vit_key, v.key, sizeof v.key);
    r->s->n_vit_keys = c->run;
    saint_status s = saint_rows_alloc(rows, r->b, n, total, c->dim, r->err);
    if (s != SAINT_OK) return s;
    v.metric = malloc((size_t)total * (size_t)v.head_dim * sizeof *v.metric);
    v.cls = malloc((size_t)total * sizeof *v.cls);
    v.history = calloc((size_t)n, sizeof *v.history);
    s = v.metric && v.cls && v.history ? saint_vit_open(&v.f, r->b, r->m, total, r->err) : out_of_memory(r);
    for (int i = 0; i < n && s == SAINT_OK; i++) v.history[i] = &r->t->image[i].history;
    if (s == SAINT_OK) s = run_layers(&v, pixels);
    for (int i = 0; i < n && s == SAINT_OK; i++) {
        saint_trace_image *im = &r->t->image[i];
        im->vit_in = c->grid * c->grid;
        im->vit_out = rows->cu[i + 1] - rows->cu[i] - c->prefix;
        im->flops_vit = saint_cost_vit_embed(&r->m->info);
        for (int k = 0; k < im->history.n_layers; k++) im->flops_vit += im->history.layer[k].flops;
    }
    free(v.metric);
    free(v.cls);
    free(v.history);
    *forward = v.f;
    return s;
}
