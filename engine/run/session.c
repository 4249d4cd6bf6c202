#include "run/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/cpu.h"
#include "base/clock.h"
#include "run/cost.h"
#include "run/internal.h"

struct saint_engine {
    saint_pool *pool;
    char tier[24];
};

saint_status saint_engine_open(saint_engine **out, const saint_engine_options *o, saint_error *err)
{
    *out = NULL;
    saint_engine *e = calloc(1, sizeof *e);
    if (!e) return saint_fail(err, SAINT_MEMORY, "no memory for an engine");
    if (o && o->tier) snprintf(e->tier, sizeof e->tier, "%s", o->tier);
    saint_status s = saint_pool_create(&e->pool, o ? o->n_threads : 0, err);
    if (s != SAINT_OK) {
        saint_engine_close(e);
        return s;
    }
    *out = e;
    return SAINT_OK;
}

void saint_engine_close(saint_engine *e)
{
    if (!e) return;
    saint_pool_destroy(e->pool);
    free(e);
}

bool saint_engine_has_tier(const char *tier)
{
    saint_cpu_tier best = saint_cpu_best_tier();
    for (int t = 0; t <= (int)best; t++)
        if (strcmp(saint_cpu_tier_name((saint_cpu_tier)t), tier) == 0) return true;
    return false;
}

int saint_engine_threads(const saint_engine *e)
{
    return saint_pool_threads(e->pool);
}

saint_status saint_session_open(saint_session **out, saint_engine *e, saint_model *m, const saint_session_options *o, saint_error *err)
{
    *out = NULL;
    saint_session *s = calloc(1, sizeof *s);
    if (!s) return saint_fail(err, SAINT_MEMORY, "no memory for a session");
    s->engine = e;
    s->m = saint_model_ref(m);
    saint_status st = saint_backend_cpu_open(&s->b, e->pool, o->dtype, e->tier[0] ? e->tier : NULL, err);
    if (st == SAINT_OK) st = saint_cache_open(&s->cache, o->checkpoint_bytes, err);
    if (st != SAINT_OK) {
        saint_session_close(s);
        return st;
    }
    *out = s;
    return SAINT_OK;
}

void saint_session_close(saint_session *s)
{
    if (!s) return;
    saint_cache_close(s->cache); /* before the backend that owns its memory */
    saint_backend_close(s->b);
    saint_model_unref(s->m);
    free(s);
}

const char *saint_session_tier(const saint_session *s)
{
    return s->b->tier;
}

/* ---- helpers of a run ----------------------------------------------------------------------------------------- */

bool saint_run_stopped(saint_run *r)
{
    return r->ob && r->ob->cancel && __atomic_load_n(r->ob->cancel, __ATOMIC_RELAXED) != 0;
}

bool saint_run_event(saint_run *r, const saint_event *e)
{
    if (saint_run_stopped(r)) return false;
    if (!r->ob || !r->ob->event) return true;
    saint_event copy = *e;
    copy.seconds = saint_now() - r->start;
    return r->ob->event(r->ob->ud, &copy);
}

saint_status saint_run_tap(saint_run *r, const float *backend_data, int64_t rows, int64_t cols, const char *fmt, int layer)
{
    if (!r->ob || !r->ob->tap) return SAINT_OK;
    size_t bytes = (size_t)rows * (size_t)cols * sizeof(float);
    float *host = malloc(bytes ? bytes : 1);
    if (!host) return saint_fail(r->err, SAINT_MEMORY, "no memory to look at an intermediate result");
    saint_status s = r->b->op->download(r->b, host, backend_data, bytes, r->err);
    char name[48];
    snprintf(name, sizeof name, fmt, layer);
    if (s == SAINT_OK) r->ob->tap(r->ob->ud, name, host, rows, cols);
    free(host);
    return s;
}

/* ---- text ------------------------------------------------------------------------------------------------------ */

static saint_status build_text(const saint_session *s, const saint_request *q, saint_text *out, saint_error *err)
{
    *out = (saint_text){0};
    if (!s->m->llm.layers) return SAINT_OK;
    bool picture = q->n_images > 0;
    if (q->ids) {
        size_t n = (size_t)(q->n_prefix + q->n_suffix);
        out->ids = malloc((n + 1) * sizeof *out->ids);
        if (!out->ids) return saint_fail(err, SAINT_MEMORY, "no memory for a prompt");
        memcpy(out->ids, q->ids, n * sizeof *out->ids);
        out->n_prefix = q->n_prefix;
        out->n_suffix = q->n_suffix;
        return SAINT_OK;
    }
    if (!q->prompt) return saint_fail(err, SAINT_INVALID, "a language model needs a prompt");
    if (!s->m->tokenizer || !s->m->template) return saint_fail(err, SAINT_INVALID, "this model has no tokenizer; give token ids");
    saint_prompt p = {0};
    saint_status st = saint_prompt_build(s->m->template, s->m->tokenizer, q->prompt, picture, &p, err);
    *out = (saint_text){p.ids, p.n_prefix, p.n_suffix};
    return st;
}

static saint_status check_request(const saint_session *s, const saint_request *q, saint_error *err)
{
    const saint_model_info *i = &s->m->info;
    if (q->n_images < 0 || (q->n_images > 0 && !q->images && !q->pixels)) return saint_fail(err, SAINT_INVALID, "a request without its pictures");
    if (q->n_images > 0 && !i->vit_layers) return saint_fail(err, SAINT_INVALID, "%s is a text-only model; leave the picture out", i->name);
    if (q->n_images == 0 && !i->llm_layers) return saint_fail(err, SAINT_INVALID, "%s is a vision model and needs a picture", i->name);
    if (q->max_new_tokens < 0 || q->max_new_tokens > 1 << 20) return saint_fail(err, SAINT_INVALID, "max_new_tokens %d: expected 0 to 1048576", q->max_new_tokens);
    return SAINT_OK;
}

/* ---- pictures -------------------------------------------------------------------------------------------------- */

typedef struct {
    saint_run *r;
    float *pixels;
    saint_status *status;
    saint_error *error;
} preprocess_job;

static void preprocess_one(void *ctx, int i, int worker)
{
    preprocess_job *j = ctx;
    (void)worker;
    size_t each = 3 * (size_t)j->r->m->vit.side * (size_t)j->r->m->vit.side;
    j->status[i] = saint_preprocess(&j->r->m->preproc, &j->r->req->images[i], j->pixels + (size_t)i * each, &j->r->t->image[i].rect, &j->error[i]);
}

static saint_status get_pixels(saint_run *r, const float **pixels, float **owned)
{
    const saint_request *q = r->req;
    size_t n = (size_t)q->n_images, each = 3 * (size_t)r->m->vit.side * (size_t)r->m->vit.side;
    *owned = NULL;
    *pixels = q->pixels;
    if (q->pixels) {
        for (size_t i = 0; i < n; i++) r->t->image[i].rect = (saint_view_rect){0, 0, r->m->vit.side, r->m->vit.side};
        return SAINT_OK;
    }
    double begin = saint_now();
    preprocess_job j = {.r = r};
    *owned = j.pixels = malloc(n * each * sizeof *j.pixels);
    j.status = calloc(n, sizeof *j.status);
    j.error = calloc(n, sizeof *j.error);
    saint_status s = j.pixels && j.status && j.error ? SAINT_OK : saint_fail(r->err, SAINT_MEMORY, "no memory for %zu pictures", n);
    if (s == SAINT_OK) saint_pool_run(r->s->engine->pool, q->n_images, preprocess_one, &j);
    for (size_t i = 0; i < n && s == SAINT_OK; i++)
        if (j.status[i] != SAINT_OK) s = saint_fail(r->err, j.status[i], "%s", j.error[i].text);
    free(j.status);
    free(j.error);
    *pixels = j.pixels;
    r->t->seconds.preprocess = saint_now() - begin;
    return s;
}

/* ---- stages ---------------------------------------------------------------------------------------------------- */

static saint_status classify(saint_run *r, saint_vit_forward *f, const saint_rows *rows)
{
    int classes = r->m->vit.classes, n = r->t->n_images;
    float *logits = malloc((size_t)n * (size_t)classes * sizeof *logits);
    if (!logits) return saint_fail(r->err, SAINT_MEMORY, "no memory for logits");
    double begin = saint_now();
    saint_status s = saint_vit_classify(f, rows, logits, r->err);
    r->t->seconds.vit += saint_now() - begin;
    for (int i = 0; i < n && s == SAINT_OK; i++) {
        saint_trace_image *im = &r->t->image[i];
        im->logits = malloc((size_t)classes * sizeof *im->logits);
        if (!im->logits) s = saint_fail(r->err, SAINT_MEMORY, "no memory for logits");
        else memcpy(im->logits, logits + (size_t)i * (size_t)classes, (size_t)classes * sizeof *logits);
        im->n_logits = classes;
        im->flops_vit += saint_cost_classifier(&r->m->info);
    }
    if (s == SAINT_OK) s = saint_run_tap(r, logits, n, classes, "logits", 0);
    free(logits);
    return s;
}

static void vit_equivalent(saint_run *r)
{
    for (int i = 0; i < r->t->n_images; i++) {
        saint_trace_image *im = &r->t->image[i];
        double seen = 0;
        for (int k = 0; k < im->history.n_layers; k++) seen += im->history.layer[k].image_in;
        im->equivalent = im->history.n_layers ? seen / im->history.n_layers : 0;
    }
}

static saint_status answer(saint_run *r, saint_vit_forward *f, const saint_rows *rows, const saint_text *text, const saint_digest *features)
{
    saint_backend *b = r->b;
    saint_status s = SAINT_OK;
    for (int i = 0; i < r->t->n_images && s == SAINT_OK; i++) {
        int first = rows->cu[i] + r->m->vit.prefix, n = rows->cu[i + 1] - first;
        void *projected = NULL;
        double begin = saint_now();
        s = b->op->alloc(b, (size_t)n * (size_t)r->m->llm.dim * sizeof(float), &projected, r->err);
        if (s == SAINT_OK) s = saint_run_tap(r, rows->x + (size_t)first * (size_t)rows->dim, n, rows->dim, "vit.features", 0);
        if (s == SAINT_OK) s = saint_vit_project(f, rows, first, n, projected, r->err);
        r->t->seconds.projector += saint_now() - begin;
        r->t->image[i].flops_projector = saint_cost_projector(&r->m->info, n);
        if (s == SAINT_OK) s = saint_run_tap(r, projected, n, r->m->llm.dim, "projector.out", 0);
        if (s == SAINT_OK) s = saint_run_llm(r, i, projected, n, rows->patch + first, text, features);
        b->op->release(b, projected);
    }
    return s;
}

static saint_status run_stages(saint_run *r)
{
    const saint_request *q = r->req;
    saint_text text = {0};
    saint_rows rows = {0};
    saint_vit_forward *f = NULL;
    saint_digest features = {{0}};
    float *owned = NULL;
    const float *pixels = NULL;
    saint_status s = build_text(r->s, q, &text, r->err);
    if (s == SAINT_OK && q->n_images > 0) {
        s = get_pixels(r, &pixels, &owned);
        if (s == SAINT_OK) s = saint_run_vit(r, pixels, &rows, &f, &features);
        free(owned);
        if (s == SAINT_OK && r->m->vit.classes) s = classify(r, f, &rows);
        if (s == SAINT_OK) vit_equivalent(r);
        if (s == SAINT_OK && r->m->llm.layers) s = answer(r, f, &rows, &text, &features);
    } else if (s == SAINT_OK) {
        features = r->m->info.digest;
        s = saint_run_llm(r, 0, NULL, 0, NULL, &text, &features);
    }
    saint_vit_close(f);
    if (rows.b) saint_rows_free(&rows);
    free(text.ids);
    return s;
}

saint_status saint_session_run(saint_session *s, const saint_request *q, const saint_observer *ob, saint_trace **out, saint_error *err)
{
    *out = NULL;
    saint_status st = check_request(s, q, err);
    if (st != SAINT_OK) return st;
    int n = q->n_images > 0 ? q->n_images : 1;
    saint_run r = {.s = s, .b = s->b, .m = s->m, .req = q, .ob = ob, .err = err, .start = saint_now()};
    r.t = saint_trace_new(n);
    if (!r.t) return saint_fail(err, SAINT_MEMORY, "no memory for a trace");
    st = saint_plan_build(&r.t->plan, &q->settings, &s->m->info, &r.t->notes, err);
    if (st == SAINT_OK) {
        r.t->mode = saint_plan_mode(&r.t->plan);
        r.t->threads = saint_pool_threads(s->engine->pool);
        snprintf(r.t->device, sizeof r.t->device, "%s", s->b->op->name);
        snprintf(r.t->tier, sizeof r.t->tier, "%s", s->b->tier);
        snprintf(r.t->dtype, sizeof r.t->dtype, "%s", s->b->compute == SAINT_F32 ? "f32" : "bf16");
        st = run_stages(&r);
        s->last_plan = r.t->plan;
        s->has_last = true;
    }
    r.t->seconds.total = saint_now() - r.start;
    if (st != SAINT_OK) {
        saint_trace_unref(r.t);
        return st;
    }
    *out = r.t;
    return SAINT_OK;
}

/* ---- forecast and preview --------------------------------------------------------------------------------------- */

static void name_change(const saint_session *s, const saint_plan *now, saint_forecast *out)
{
    if (!s->has_last) {
        snprintf(out->reason, sizeof out->reason, "nothing has run yet");
        return;
    }
    const saint_plan *was = &s->last_plan;
    for (int stage = SAINT_STAGE_VIT; stage <= SAINT_STAGE_LLM; stage++)
        for (int layer = 0; layer < SAINT_MAX_LAYERS; layer++) {
            const saint_site *a = saint_plan_site(was, (saint_stage)stage, layer), *b = saint_plan_site(now, (saint_stage)stage, layer);
            const char *where = stage == SAINT_STAGE_VIT ? "ViT" : "LLM", *what = NULL;
            if (!a && b) what = "a site was added";
            else if (a && !b) what = "a site was removed";
            else if (a && b && a->method != b->method) what = "the method changed";
            else if (a && b && memcmp(a, b, sizeof *a) != 0) what = "a parameter changed";
            if (!what) continue;
            snprintf(out->reason, sizeof out->reason, "%s at %s layer %d", what, where, layer);
            return;
        }
    snprintf(out->reason, sizeof out->reason, "%s", was->compat != now->compat ? "compat flags changed" : "picture, prompt or window changed");
}

static double forecast_flops(const saint_session *s, const saint_forecast *f, const saint_text *text)
{
    const saint_model_info *i = &s->m->info;
    int vit_rows = i->grid_w * i->grid_h + i->vit_prefix, llm_rows = i->grid_w * i->grid_h + text->n_prefix + text->n_suffix;
    double flops = 0;
    if (f->from_stage == SAINT_STAGE_VIT) {
        if (f->from_layer < 0) flops += saint_cost_vit_embed(i);
        for (int k = f->from_layer < 0 ? 0 : f->from_layer; k < i->vit_layers_run; k++) flops += saint_cost_vit_layer(i, vit_rows, vit_rows);
    }
    int first = f->from_stage == SAINT_STAGE_LLM ? f->from_layer + 1 : 0;
    for (int k = first; k < i->llm_layers; k++) flops += saint_cost_llm_layer(i, llm_rows, 0);
    return flops;
}

saint_status saint_session_forecast(saint_session *s, const saint_request *q, saint_forecast *out, saint_error *err)
{
    memset(out, 0, sizeof *out);
    saint_status st = check_request(s, q, err);
    if (st != SAINT_OK) return st;
    saint_plan plan;
    st = saint_plan_build(&plan, &q->settings, &s->m->info, NULL, err);
    if (st != SAINT_OK) return st;
    saint_trace *t = saint_trace_new(q->n_images > 0 ? q->n_images : 1);
    saint_run r = {.s = s, .b = s->b, .m = s->m, .req = q, .t = t, .err = err};
    saint_text text = {0};
    const float *pixels = NULL;
    float *owned = NULL;
    if (!t) return saint_fail(err, SAINT_MEMORY, "no memory for a forecast");
    st = build_text(s, q, &text, err);
    int total = s->m->vit.run + s->m->llm.layers;
    out->from_stage = s->m->vit.run ? SAINT_STAGE_VIT : SAINT_STAGE_LLM;
    out->from_layer = -1;
    if (st == SAINT_OK && q->n_images > 0) st = get_pixels(&r, &pixels, &owned);
    if (st == SAINT_OK && q->n_images > 0) {
        saint_digest key[SAINT_MAX_LAYERS], features;
        saint_keys_vit(s, &plan, saint_key_pixels(s, pixels, q->n_images), key, &features);
        for (int i = s->m->vit.run - 1; i >= 0; i--)
            if (saint_cache_find(s->cache, &key[i])) {
                out->from_layer = i;
                out->layers_reused = i;
                break;
            }
    }
    out->layers_to_run = total - out->layers_reused;
    name_change(s, &plan, out);
    out->flops = forecast_flops(s, out, &text);
    free(owned);
    free(text.ids);
    saint_trace_unref(t);
    return st;
}

saint_status saint_session_preview(saint_session *s, int image, const saint_site *site, unsigned compat, saint_trace_site **out, saint_error *err)
{
    *out = NULL;
    bool vit = site->stage == SAINT_STAGE_VIT;
    int n_keys = vit ? s->n_vit_keys : s->n_llm_keys;
    const saint_digest *key = vit ? s->vit_key : s->llm_key;
    const saint_method *m = saint_method_at(site->method);
    saint_snapshot *c = site->layer >= 0 && site->layer < n_keys ? saint_cache_find(s->cache, &key[site->layer]) : NULL;
    if (!m) return saint_fail(err, SAINT_INVALID, "no such method");
    if (!c || image < 0 || image >= c->n_images)
        return saint_fail(err, SAINT_STATE, "%s layer %d is not in the cache; run it first", vit ? "ViT" : "LLM", site->layer);
    saint_site_input in = {.site = site, .metric = c->metric, .attention = c->attention, .n_prefix = s->m->vit.prefix, .window = -1};
    in.dim = vit ? s->m->vit.dim / s->m->vit.heads : s->m->llm.head_dim;
    if (m->reads_attention && !c->attention) return saint_fail(err, SAINT_STATE, "%s reads attention that the last run did not compute", m->name);
    if (vit) return saint_site_preview(&s->m->info, compat, &in, &c->rows, image, out, err);
    float *metric = malloc(((size_t)c->window_length + 1) * (size_t)in.dim * sizeof *metric);
    if (!metric) return saint_fail(err, SAINT_MEMORY, "no memory for a preview");
    const char *k = (const char *)c->kv->k + (size_t)c->window_first * (size_t)c->kv->width * saint_compute_size(s->b);
    saint_status st = s->b->op->mean_heads(s->b, k, c->window_length, c->kv->width, s->m->llm.kv_heads, in.dim, metric, err);
    in.metric = metric;
    in.attention = c->attention ? c->attention + c->window_first : NULL;
    in.n_prefix = c->window_first;
    in.window = c->window_length;
    in.metric_is_window = in.ascending = true;
    if (st == SAINT_OK) st = saint_site_preview(&s->m->info, compat, &in, &c->rows, 0, out, err);
    free(metric);
    return st;
}
