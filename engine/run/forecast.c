/* forecast.c - what a request would cost, and what a site would decide, without running anything. Called from any thread: it takes copies
 * of the last timeline under its lock and counted references to checkpoints, and never touches the thread pool; of a device it only reads
 * what lies finished in a checkpoint. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/cost.h"
#include "run/internal.h"

/* ---- what broke the chain ----------------------------------------------------------------------------------- */

/* A point of the timeline. Order: the picture, ViT layers, the prompt, LLM layers. */
typedef struct {
    saint_stage stage;
    int layer;
} point;

static bool before(point a, point b) { return a.stage != b.stage ? a.stage < b.stage : a.layer < b.layer; }

/* The first site of `stage` that differs. Compat flags count where there is a site to read them. */
static const char *site_change(const saint_plan *was, const saint_plan *now, saint_stage stage, int *layer)
{
    for (int i = 0; i < SAINT_MAX_LAYERS; i++) {
        const saint_site *a = saint_plan_site(was, stage, i), *b = saint_plan_site(now, stage, i);
        *layer = i;
        if (!a && b) return "a site was added";
        if (a && !b) return "a site was removed";
        if (!a) continue;
        if (a->method != b->method) return "the method changed";
        if (memcmp(a, b, sizeof *a) != 0) return "a parameter changed";
        if (a->method == SAINT_METHOD_HAND && memcmp(&was->hand, &now->hand, sizeof was->hand) != 0) return "the list made by hand changed";
        if (stage == SAINT_STAGE_LLM && (was->sys_length != now->sys_length || was->image_token_length != now->image_token_length))
            return "the image window changed";
        if (saint_plan_site_flags(was, stage) != saint_plan_site_flags(now, stage)) return "compat changed";
    }
    return NULL;
}

/* The first thing that differs from the last run, in the order of the timeline. */
static const char *first_change(const saint_timeline *last, const saint_plan *plan, const saint_reuse *r, point *at)
{
    at->layer = -1;
    at->stage = r->has_vit ? SAINT_STAGE_VIT : SAINT_STAGE_LLM;
    if (!last->known) return "nothing has run yet";
    if (memcmp(&last->picture, &r->picture, sizeof r->picture) != 0) return "the picture changed";
    const char *what = r->has_vit ? site_change(&last->plan, plan, SAINT_STAGE_VIT, &at->layer) : NULL;
    if (what) return what;
    *at = (point){SAINT_STAGE_LLM, -1};
    if (memcmp(&last->prompt, &r->prompt, sizeof r->prompt) != 0) return "the prompt changed";
    return r->llm ? site_change(&last->plan, plan, SAINT_STAGE_LLM, &at->layer) : NULL;
}

static void name_reason(const saint_timeline *last, const saint_plan *plan, const saint_reuse *r, const saint_request *q, int layers,
                        saint_forecast *out)
{
    point at, from = {out->from_stage, out->from_layer};
    if (q->cold) {
        snprintf(out->reason, sizeof out->reason, "a run without checkpoints was asked for");
        return;
    }
    const char *what = first_change(last, plan, r, &at), *held = "";
    char where[48] = "";
    if (what && at.layer >= 0) snprintf(where, sizeof where, " at %s layer %d", at.stage == SAINT_STAGE_VIT ? "ViT" : "LLM", at.layer);
    if (what) {
        if (before(at, from)) held = ", but an earlier run has computed it";
        else if (last->known && out->layers_question) held = ", only the rows of the question run";
        else if (before(from, at) && !(from.stage == SAINT_STAGE_VIT && at.stage == SAINT_STAGE_LLM && from.layer == layers - 1))
            held = q->want_stats ? ", and checkpoints or statistics before it are missing" : ", and checkpoints before it are missing";
    } else {
        what = "nothing changed";
        if (out->layers_to_run > (r->llm ? 0 : 1))
            held = q->want_stats ? ", but checkpoints or statistics are missing" : ", but checkpoints are missing";
    }
    snprintf(out->reason, sizeof out->reason, "%s%s%s", what, where, held);
}

/* ---- cost --------------------------------------------------------------------------------------------------- */

/* Rows of n candidates behind a site, where that is known before it runs. */
static int survivors(const saint_plan *p, saint_stage stage, int layer, int n, int n_prefix)
{
    const saint_site *site = saint_plan_site(p, stage, layer);
    const saint_method *m = site ? saint_method_at(site->method) : NULL;
    int drop = 0;
    saint_select_in in = {.stage = stage, .layer = layer, .n = n, .n_prefix = n_prefix, .forced_drop = -1};
    if (!m || !m->fixed_budget || n < 1) return n;
    if (site->method == SAINT_METHOD_HAND) { /* as if all that is marked were still there */
        for (int i = 0; i < SAINT_HAND_MOST; i++) drop += saint_hand_keeps(&p->hand, i);
        return drop < n ? drop : n;
    }
    in.p = site->p;
    return m->count(&in, &drop, NULL) == SAINT_OK ? n - drop : n;
}

static double vit_flops(const saint_session *s, const saint_plan *p, const saint_reuse *r, int *n_features)
{
    const saint_model_info *m = &s->m->info;
    int n = m->grid_w * m->grid_h, prefix = m->vit_prefix;
    double flops = r->vit < 0 ? saint_cost_vit_embed(m) : 0;
    for (int k = 0; k < m->vit_layers_run; k++) {
        int rows = n + prefix;
        n = survivors(p, SAINT_STAGE_VIT, k, n, prefix);
        if (k >= r->vit) flops += saint_cost_vit_layer(m, k == r->vit ? 0 : rows, n + prefix);
    }
    *n_features = n;
    return r->skip_vit ? 0 : flops + (m->classes ? saint_cost_classifier(m) : 0);
}

static double llm_flops(const saint_session *s, const saint_plan *p, const saint_llm_reuse *r, const saint_text *text, int n_features)
{
    const saint_model_info *m = &s->m->info;
    saint_window w = saint_plan_window(p, m, text, n_features, NULL);
    int rows = text->n_prefix + n_features + text->n_suffix;
    double flops = r->full + r->question || n_features == 0 ? 0 : saint_cost_projector(m, n_features);
    for (int k = 0; k < m->llm_layers; k++) {
        int left = survivors(p, SAINT_STAGE_LLM, k, w.length, 0);
        if (k < r->question) flops += saint_cost_llm_layer(m, text->n_suffix, rows - text->n_suffix);
        else if (k >= r->full) flops += saint_cost_llm_layer(m, rows, 0);
        rows -= w.length - left;
        w.length = left;
    }
    return flops + saint_cost_llm_head(m);
}

static double all_flops(const saint_session *s, const saint_plan *p, const saint_reuse *r, const saint_text *text)
{
    int n_features = 0;
    double flops = r->has_vit ? vit_flops(s, p, r, &n_features) * r->n_images : 0;
    for (int i = 0; r->llm && i < r->n_images; i++)
        flops += llm_flops(s, p, &r->llm[i], text, r->llm[i].n_features >= 0 ? r->llm[i].n_features : n_features);
    return flops;
}

/* ---- forecast ----------------------------------------------------------------------------------------------- */

static void fill(saint_session *s, const saint_request *q, const saint_plan *plan, const saint_reuse *r, const saint_text *text,
                 saint_forecast *out)
{
    int vit = r->has_vit ? s->m->vit.run : 0, llm = r->llm ? s->m->llm.layers * r->n_images : 0;
    saint_reuse_start(r, &out->from_stage, &out->from_layer);
    out->layers_reused = r->skip_vit ? vit : r->has_vit && r->vit > 0 ? r->vit : 0;
    for (int i = 0; r->llm && i < r->n_images; i++) {
        out->layers_reused += r->llm[i].full;
        out->layers_question += r->llm[i].question;
    }
    out->layers_to_run = vit + llm - out->layers_reused - out->layers_question;
    out->flops = all_flops(s, plan, r, text);
    pthread_mutex_lock(&s->lock);
    name_reason(&s->last, plan, r, q, vit, out);
    pthread_mutex_unlock(&s->lock);
}

saint_status saint_session_forecast(saint_session *s, const saint_request *q, saint_forecast *out, saint_error *err)
{
    memset(out, 0, sizeof *out);
    saint_plan plan;
    saint_text text = {0};
    saint_reuse reuse = {0};
    const float *pixels = NULL;
    float *owned = NULL;
    saint_status st = saint_request_check(s, q, err);
    if (st == SAINT_OK) st = saint_plan_build(&plan, &q->settings, &s->m->info, NULL, err);
    if (st == SAINT_OK) st = saint_request_text(s, q, &text, err);
    if (st == SAINT_OK && q->n_images > 0) st = saint_request_pixels(s, q, NULL, NULL, &pixels, &owned, err);
    if (st == SAINT_OK) st = saint_reuse_find(s, q, &plan, &text, pixels, false, &reuse, err);
    if (st == SAINT_OK) fill(s, q, &plan, &reuse, &text, out);
    saint_reuse_free(&reuse);
    free(owned);
    free(text.ids);
    return st;
}

/* ---- preview ------------------------------------------------------------------------------------------------ */

static saint_snapshot *vit_snapshot(saint_session *s, int layer)
{
    pthread_mutex_lock(&s->lock);
    bool known = layer >= 0 && layer < s->last.n_vit;
    saint_digest key = known ? s->last.vit_key[layer] : (saint_digest){{0}};
    pthread_mutex_unlock(&s->lock);
    return known ? saint_cache_acquire(s->cache, &key, false) : NULL;
}

/* Of the last run itself, or of another question about its picture where the method does not care. */
static saint_snapshot *llm_snapshot(saint_session *s, int image, const saint_site *site, saint_window *w)
{
    saint_llm_timeline t = {.rows = 0};
    pthread_mutex_lock(&s->lock);
    if (image >= 0 && image < s->last.n_llm && site->layer >= 0 && site->layer < s->m->llm.layers) t = s->last.llm[image];
    pthread_mutex_unlock(&s->lock);
    if (t.rows == 0) return NULL;
    saint_snapshot *c = saint_cache_acquire(s->cache, &t.key[site->layer], false);
    bool reads_text = saint_method_at(site->method)->reads_text || t.window.first + t.window.length > t.rows - t.n_suffix;
    if (!c && !reads_text) c = saint_cache_acquire(s->cache, &t.picture_key[site->layer], true);
    if (!c) return NULL;
    *w = t.window;
    w->length -= t.rows - (saint_rows_total(&c->rows) - c->n_suffix + t.n_suffix); /* every row that went, went from inside the window */
    return c;
}

saint_status saint_session_preview(saint_session *s, int image, const saint_site *site, unsigned compat, saint_trace_site **out,
                                   saint_error *err)
{
    *out = NULL;
    bool vit = site->stage == SAINT_STAGE_VIT;
    saint_window w = {s->m->vit.prefix, -1};
    if (site->method == SAINT_METHOD_HAND || !saint_method_at(site->method)) return saint_fail(err, SAINT_INVALID, "no such method");
    saint_snapshot *c = vit ? vit_snapshot(s, site->layer) : llm_snapshot(s, image, site, &w);
    if (!c || (vit && (image < 0 || image >= c->n_images))) {
        saint_snapshot_unref(c);
        return saint_fail(err, SAINT_STATE, "%s layer %d of picture %d is not in the cache; run it first", vit ? "ViT" : "LLM", site->layer,
                          image);
    }
    saint_reading_host read;
    saint_status st = saint_reading_look(c->read, &read, err);
    if (st == SAINT_OK) {
        saint_site_input in = {.site = site,
                               .metric = read.metric,
                               .attention = read.attention,
                               .dim = c->read->dim,
                               .n_prefix = w.first,
                               .window = w.length,
                               .ascending = !vit};
        st = vit || w.length > 0 ? saint_site_preview(&s->m->info, compat, &in, &c->rows, vit ? image : 0, out, err)
                                 : saint_fail(err, SAINT_STATE, "LLM layer %d: no picture token is left to choose from", site->layer);
        saint_reading_look_free(&read);
    }
    saint_snapshot_unref(c);
    return st;
}
