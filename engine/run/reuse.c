/* reuse.c - what of a request is in the checkpoint cache. A run asks at its start, a forecast at any time: one code, one answer. */
#include <stdlib.h>
#include <string.h>

#include "run/internal.h"

typedef struct {
    const saint_session *s;
    const saint_request *q;
    bool hold;
} finder;

/* Look up and copy what the caller wants to know of the snapshot, because another thread may let it go. */
static bool found(const finder *f, const saint_digest *key, bool picture, int *n_features)
{
    if (f->q->cold) return false;
    if (f->hold) {
        const saint_snapshot *c = saint_cache_find(f->s->cache, key, picture);
        if (c && n_features) *n_features = c->n_features;
        return c != NULL;
    }
    saint_snapshot *c = saint_cache_acquire(f->s->cache, key, picture);
    bool hit = c != NULL;
    if (hit && n_features) *n_features = c->n_features;
    saint_snapshot_unref(c);
    return hit;
}

saint_method_params saint_stats_params(const saint_request *q, saint_stage stage, int layer)
{
    saint_method_params p = stage == SAINT_STAGE_VIT ? q->settings.vit[layer].p : q->settings.llm[layer].p;
    if (q->stats_given) {
        p.sim_threshold = q->stats_threshold;
        p.K = q->stats_K;
    }
    return p;
}

bool saint_stats_match(const saint_trace_layer *y, const saint_method_params *p)
{
    return y->has_stats && y->stats_threshold == p->sim_threshold && y->stats_K == p->K;
}

saint_status saint_stats_of_rows(const float *metric, int first, int n, int dim, const saint_method_params *p, saint_trace_layer *out,
                                 saint_error *err)
{
    out->has_stats = true;
    out->stats_threshold = p->sim_threshold;
    out->stats_K = p->K;
    out->stats_first = out->stage == SAINT_STAGE_LLM ? first : -1;
    return saint_layer_stats_of(metric + (size_t)first * (size_t)dim, n, dim, p->sim_threshold, p->K, &out->stats, err);
}

/* Whether the ViT layers below `layer` have the statistics this request asks for: recorded, or a metric to compute them from. */
static bool vit_stats(const finder *f, const saint_digest *key, bool picture, int layer, const saint_digest *vit_key)
{
    if (!f->q->want_stats) return true;
    saint_snapshot *c = saint_cache_acquire(f->s->cache, key, picture);
    bool ok = c != NULL;
    for (int i = 0; ok && i < c->n_images; i++)
        for (int k = 0; ok && k < layer; k++) {
            saint_method_params want = saint_stats_params(f->q, SAINT_STAGE_VIT, k);
            ok = saint_stats_match(&c->history[i].layer[k], &want) || (vit_key && found(f, &vit_key[k], false, NULL));
        }
    saint_snapshot_unref(c);
    return ok;
}

static int find_vit(const finder *f, const saint_reuse *r)
{
    for (int i = f->s->m->vit.run - 1; i >= 0; i--)
        if (found(f, &r->vit_key[i], false, NULL) && vit_stats(f, &r->vit_key[i], false, i, r->vit_key)) return i;
    return -1;
}

static void find_llm(const finder *f, const saint_plan *p, const saint_text *text, saint_llm_reuse *r)
{
    int layers = f->s->m->llm.layers, shared = 0;
    r->full = r->question = 0;
    r->n_features = f->q->n_images > 0 ? -1 : 0;
    if (r->n_features < 0 && !found(f, &r->keys.full[0], false, &r->n_features)) found(f, &r->keys.picture[0], true, &r->n_features);
    if (r->n_features < 0) return; /* not even the first block is there */
    while (r->full < layers && found(f, &r->keys.full[r->full], false, NULL)) r->full++;
    r->keys.n_picture = saint_keys_shared(f->s, p, text, r->n_features);
    while (shared < r->keys.n_picture && found(f, &r->keys.picture[shared], true, NULL)) shared++;
    int64_t rows = (int64_t)text->n_prefix + r->n_features + text->n_suffix;
    if (shared > r->full && (int64_t)shared * text->n_suffix < (shared - r->full) * rows) { /* fewer rows than going on from `full` */
        r->full = 0;
        r->question = shared;
    }
}

/* With the LLM's first blocks at hand nobody needs the features any more, only the record of how they came to be. */
static bool can_skip_vit(const finder *f, const saint_reuse *r)
{
    if (!r->llm || f->q->n_images == 0) return false;
    for (int i = 0; i < r->n_images; i++) {
        const saint_llm_reuse *l = &r->llm[i];
        int layer = l->full ? l->full : l->question;
        if (layer == 0) return false;
        bool picture = l->full == 0;
        if (!vit_stats(f, picture ? &l->keys.picture[layer - 1] : &l->keys.full[layer - 1], picture, f->s->m->vit.run, NULL)) return false;
    }
    return true;
}

saint_status saint_reuse_find(const saint_session *s, const saint_request *q, const saint_plan *p, const saint_text *text,
                              const float *pixels, bool hold, saint_reuse *out, saint_error *err)
{
    finder f = {s, q, hold};
    memset(out, 0, sizeof *out);
    out->vit = -1;
    out->n_images = q->n_images > 0 ? q->n_images : 1;
    out->prompt = saint_key_text(text);
    out->features = out->picture = s->m->info.digest;
    out->has_vit = q->n_images > 0;
    if (out->has_vit) {
        out->picture = saint_request_picture(s, q, pixels);
        saint_keys_vit(s, p, out->picture, out->vit_key, &out->features);
        out->vit = find_vit(&f, out);
    }
    if (!s->m->llm.layers) return SAINT_OK;
    out->llm = calloc((size_t)out->n_images, sizeof *out->llm);
    if (!out->llm) return saint_fail(err, SAINT_MEMORY, "no memory for the keys of %d pictures", out->n_images);
    for (int i = 0; i < out->n_images; i++) {
        saint_keys_llm(s, p, &out->features, i, text, &out->llm[i].keys);
        find_llm(&f, p, text, &out->llm[i]);
    }
    out->skip_vit = can_skip_vit(&f, out);
    return SAINT_OK;
}

void saint_reuse_free(saint_reuse *r)
{
    free(r->llm);
    r->llm = NULL;
}

void saint_reuse_start(const saint_reuse *r, saint_stage *stage, int *layer)
{
    bool vit = r->has_vit && !r->skip_vit;
    *stage = vit ? SAINT_STAGE_VIT : SAINT_STAGE_LLM;
    *layer = r->vit;
    for (int i = 0; !vit && i < r->n_images; i++)
        if (i == 0 || r->llm[i].full - 1 < *layer) *layer = r->llm[i].full - 1;
}
