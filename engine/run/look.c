#include "run/look.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/internal.h"

struct saint_look {
    const saint_model *m;
    saint_snapshot *c;
    saint_reading_host read;
    saint_plan plan;
    saint_stage stage;
    int layer, seq;    /* sequence of the checkpoint's rows */
    bool borrowed;     /* the checkpoint is of another question: what reads the text must not look at it */
    saint_window window;
};

static const char *stage_name(saint_stage stage) { return stage == SAINT_STAGE_VIT ? "ViT" : "LLM"; }

/* The checkpoint of a place of the LLM: of this very question, or of another one where that makes no difference. */
static saint_snapshot *llm_place(saint_look *l, saint_session *s, const saint_text *text, const saint_digest *features, int image)
{
    saint_llm_keys keys;
    saint_keys_llm(s, &l->plan, features, image, text, &keys);
    saint_snapshot *c = saint_cache_acquire(s->cache, &keys.full[l->layer], false);
    l->borrowed = c == NULL;
    if (!c) c = saint_cache_acquire(s->cache, &keys.picture[l->layer], true); /* only put there where no text was read before */
    if (!c) return NULL;
    l->window = saint_plan_window(&l->plan, &s->m->info, text, c->n_features, NULL);
    int entered = text->n_prefix + c->n_features + text->n_suffix, rows = saint_rows_total(&c->rows) - c->n_suffix + text->n_suffix;
    bool sees_text = l->window.first + l->window.length > entered - text->n_suffix;
    l->window.length -= entered - rows; /* every row that went, went from inside the window */
    if (!l->borrowed || !sees_text) return c;
    saint_snapshot_unref(c);
    return NULL;
}

static saint_snapshot *find(saint_look *l, saint_session *s, const saint_request *r, const float *pixels, const saint_text *text, int image)
{
    saint_digest vit_key[SAINT_MAX_LAYERS], features = s->m->info.digest;
    if (r->n_images > 0) saint_keys_vit(s, &l->plan, saint_request_picture(s, r, pixels), vit_key, &features);
    if (l->stage == SAINT_STAGE_LLM) return l->layer < s->m->llm.layers ? llm_place(l, s, text, &features, image) : NULL;
    l->seq = image;
    return r->n_images > 0 && l->layer < s->m->vit.run ? saint_cache_acquire(s->cache, &vit_key[l->layer], false) : NULL;
}

saint_status saint_look_open(saint_look **out, saint_session *s, const saint_request *r, int image, saint_stage stage, int layer,
                             saint_error *err)
{
    *out = NULL;
    saint_text text = {0};
    const float *pixels = NULL;
    float *owned = NULL;
    saint_status st = saint_request_check(s, r, err);
    if (st != SAINT_OK) return st;
    saint_look *l = calloc(1, sizeof *l);
    if (!l) return saint_fail(err, SAINT_MEMORY, "no memory to look at a prune site");
    *l = (saint_look){.m = s->m, .stage = stage, .layer = layer, .window = {s->m->vit.prefix, -1}};
    st = saint_plan_build(&l->plan, &r->settings, &s->m->info, NULL, err);
    if (st == SAINT_OK) st = saint_request_text(s, r, &text, err);
    if (st == SAINT_OK && r->n_images > 0) st = saint_request_pixels(s, r, NULL, NULL, &pixels, &owned, err);
    if (st == SAINT_OK && image >= 0 && layer >= 0 && image < (r->n_images > 0 ? r->n_images : 1)) l->c = find(l, s, r, pixels, &text, image);
    if (st == SAINT_OK && !l->c)
        st = saint_fail(err, SAINT_STATE, "%s layer %d of picture %d is not in the cache; run it first", stage_name(stage), layer, image);
    if (st == SAINT_OK) st = saint_reading_look(l->c->read, &l->read, err);
    if (st == SAINT_OK && stage == SAINT_STAGE_LLM && l->window.length < 1)
        st = saint_fail(err, SAINT_STATE, "LLM layer %d: no picture token is left to choose from", layer);
    free(owned);
    free(text.ids);
    if (st == SAINT_OK) *out = l;
    else saint_look_close(l);
    return st;
}

void saint_look_close(saint_look *l)
{
    if (!l) return;
    saint_reading_look_free(&l->read);
    saint_snapshot_unref(l->c);
    free(l);
}

const saint_site *saint_look_site(const saint_look *l) { return saint_plan_site(&l->plan, l->stage, l->layer); }

static int metric_width(const saint_look *l)
{
    return l->stage == SAINT_STAGE_VIT ? l->m->vit.dim / l->m->vit.heads : l->m->llm.head_dim;
}

saint_status saint_look_decide(const saint_look *l, const saint_site *site, saint_trace_site **out, saint_error *err)
{
    bool vit = l->stage == SAINT_STAGE_VIT;
    *out = NULL;
    if (!site) site = saint_look_site(l);
    if (!site || !saint_method_at(site->method) || site->stage != (int32_t)l->stage || site->layer != l->layer)
        return saint_fail(err, SAINT_INVALID, "%s layer %d: no site of this plan", stage_name(l->stage), l->layer);
    if (l->borrowed && saint_method_at(site->method)->reads_text)
        return saint_fail(err, SAINT_STATE, "%s reads the question, which has not run at LLM layer %d", saint_method_at(site->method)->name,
                          l->layer);
    saint_site_input in = {.site = site,
                           .metric = l->read.metric,
                           .attention = l->read.attention,
                           .dim = metric_width(l),
                           .n_prefix = l->window.first,
                           .window = l->window.length,
                           .ascending = !vit,
                           .hand = &l->plan.hand};
    return saint_site_preview(&l->m->info, l->plan.compat, &in, &l->c->rows, l->seq, out, err);
}

saint_status saint_look_similarity(const saint_look *l, int patch, float *out, saint_error *err)
{
    const saint_rows *rows = &l->c->rows;
    int patches = l->m->info.grid_w * l->m->info.grid_h, dim = metric_width(l);
    int first = rows->cu[l->seq], n = rows->cu[l->seq + 1] - first, own = -1;
    for (int p = 0; p < patches; p++) out[p] = NAN;
    for (int i = 0; i < n; i++)
        if (rows->patch[first + i] == patch && patch >= 0) own = i;
    if (own < 0) return saint_fail(err, SAINT_INVALID, "patch %d does not reach %s layer %d", patch, stage_name(l->stage), l->layer);
    float *cosine = malloc((size_t)n * sizeof *cosine);
    if (!cosine) return saint_fail(err, SAINT_MEMORY, "no memory for the similarities of a patch");
    saint_status st = saint_cosines_of(l->read.metric + (size_t)first * (size_t)dim, n, dim, own, cosine, err);
    for (int i = 0; st == SAINT_OK && i < n; i++) {
        int p = rows->patch[first + i];
        if (p >= 0 && p < patches) out[p] = i == own ? 1.0f : cosine[i];
    }
    free(cosine);
    return st;
}
