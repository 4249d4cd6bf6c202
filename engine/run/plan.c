#include "run/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void saint_note(saint_notes *n, const char *fmt, ...)
{
    if (!n || n->n == SAINT_MAX_NOTES) return;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(n->text[n->n], sizeof n->text[0], fmt, ap);
    va_end(ap);
    for (int i = 0; i < n->n; i++)
        if (strcmp(n->text[i], n->text[n->n]) == 0) return;
    n->n++;
}

static saint_site make_site(saint_stage stage, int layer, int method, const saint_method_params *p)
{
    unsigned reads = saint_method_at(method)->params;
    saint_site s;
    memset(&s, 0, sizeof s); /* padding too: plans are compared and hashed as bytes */
    s.stage = (int32_t)stage;
    s.layer = layer;
    s.method = method;
    if (reads & SAINT_PARAM_KEEP_NUM) s.p.keep_num = p->keep_num;
    if (reads & SAINT_PARAM_R) s.p.r = p->r;
    if (reads & SAINT_PARAM_K) s.p.K = p->K;
    if (reads & SAINT_PARAM_SIM_THRESHOLD) s.p.sim_threshold = p->sim_threshold;
    if (reads & SAINT_PARAM_GAMMA) s.p.gamma = p->gamma;
    if (reads & SAINT_PARAM_KEEP_RATIO) s.p.keep_ratio = p->keep_ratio;
    if (reads & SAINT_PARAM_SEED) s.p.seed = p->seed;
    return s;
}

static bool by_hand(const saint_settings *s, saint_stage stage, int layer)
{
    return s->hand.on && s->hand.stage == (int32_t)stage && s->hand.layer == layer;
}

/* The list must be one of this model's patches at one of its layers. */
static saint_status check_hand(const saint_settings *s, const saint_model_info *m, saint_notes *notes, saint_error *err)
{
    const saint_hand *h = &s->hand;
    if (!h->on) return SAINT_OK;
    bool vit = h->stage == SAINT_STAGE_VIT;
    int layers = vit ? m->vit_layers : m->llm_layers, patches = m->grid_w * m->grid_h;
    const char *stage = vit ? "vit" : "llm", *network = vit ? "ViT" : "LLM";
    if ((!vit && h->stage != SAINT_STAGE_LLM) || !layers || patches < 1)
        return saint_fail(err, SAINT_INVALID, "hand=%s:%d: this model has no %s with picture tokens", stage, h->layer, network);
    if (h->layer < 0 || h->layer >= layers)
        return saint_fail(err, SAINT_INVALID, "hand=%s:%d: the %s of this model has layers 0 to %d", stage, h->layer, network, layers - 1);
    if (patches > SAINT_HAND_MOST)
        return saint_fail(err, SAINT_INVALID, "hand=%s:%d: a list made by hand has room for %d patches, this model has %d", stage, h->layer,
                          (int)SAINT_HAND_MOST, patches);
    for (int p = patches; p < SAINT_HAND_MOST; p++)
        if (saint_hand_keeps(h, p))
            return saint_fail(err, SAINT_INVALID, "hand=%s:%d: patch %d: this model has patches 0 to %d", stage, h->layer, p, patches - 1);
    if (!((int)s->mode & (vit ? SAINT_MODE_VIT : SAINT_MODE_LLM)))
        saint_note(notes, "hand=%s:%d has no effect: mode %s leaves the %s alone", stage, h->layer, saint_mode_name(s->mode), network);
    return SAINT_OK;
}

/* A start behind the end has taken the end along, and is what was said. */
static const char *end_name(const saint_settings *s) { return s->saint_start == s->saint_end ? "saint_start=" : "saint_end="; }

static int llm_method_of(const saint_settings *s, int layer, int first, int last)
{
    if (by_hand(s, SAINT_STAGE_LLM, layer)) return SAINT_METHOD_HAND;
    if (s->llm[layer].method != SAINT_METHOD_UNSET) return s->llm[layer].method;
    return s->use_saint && layer >= first && layer <= last ? s->llm_method : SAINT_METHOD_NONE;
}

static saint_status add_vit(saint_plan *out, const saint_settings *s, const saint_model_info *m, saint_notes *notes, saint_error *err)
{
    /* "prune_mode=X" without brackets means every layer there is, and reaches all that settings have room for; a layer asked for by number
     * must exist. So one method on all layers that the model lacks was meant for every layer, and any other was asked for. */
    int tail = s->vit[SAINT_MAX_LAYERS - 1].method;
    for (int i = 0; i < SAINT_MAX_LAYERS; i++) {
        int method = by_hand(s, SAINT_STAGE_VIT, i) ? SAINT_METHOD_HAND : s->vit[i].method;
        if (i >= m->vit_layers && method != tail)
            return saint_fail(err, SAINT_INVALID, "prune_mode[%d]: the ViT of this model has layers 0 to %d", i, m->vit_layers - 1);
        if (method == SAINT_METHOD_NONE || i >= m->vit_layers) continue;
        if (i >= m->vit_layers_run) {
            saint_note(notes, "%s%d%s has no effect: the features are taken after layer %d", method == SAINT_METHOD_HAND ? "hand=vit:" : "prune_mode[", i,
                       method == SAINT_METHOD_HAND ? "" : "]", m->vit_layers_run - 1);
            continue;
        }
        out->site[out->n_sites++] = make_site(SAINT_STAGE_VIT, i, method, &s->vit[i].p);
    }
    return SAINT_OK;
}

static saint_status add_llm(saint_plan *out, const saint_settings *s, const saint_model_info *m, saint_notes *notes, saint_error *err)
{
    int first, last;
    if (saint_settings_range(s, m->llm_layers, &first, &last) && s->use_saint && s->llm_method != SAINT_METHOD_NONE)
        saint_note(notes, "saint_start and saint_end, %d to %d when not set, scaled to %d to %d for an LLM of %d layers", s->saint_start,
                   s->saint_end, first, last, m->llm_layers);
    for (int i = 0; i < SAINT_MAX_LAYERS; i++) {
        int method = llm_method_of(s, i, first, last);
        if (method == SAINT_METHOD_NONE) continue;
        if (i >= m->llm_layers) {
            bool ranged = s->llm[i].method == SAINT_METHOD_UNSET;
            return saint_fail(err, SAINT_INVALID, "%s%d%s: the LLM of this model has layers 0 to %d%s",
                              ranged ? end_name(s) : "llm_prune_mode[", ranged ? (int)s->saint_end : i, ranged ? "" : "]",
                              m->llm_layers - 1, ranged ? "; begin with a preset, which scales the range" : "");
        }
        out->site[out->n_sites++] = make_site(SAINT_STAGE_LLM, i, method, &s->llm[i].p);
    }
    if (s->use_saint && s->llm_method != SAINT_METHOD_NONE && s->saint_end >= SAINT_MAX_LAYERS) /* a range that starts behind all of them */
        return saint_fail(err, SAINT_INVALID, "%s%d: the LLM of this model has layers 0 to %d", end_name(s), s->saint_end, m->llm_layers - 1);
    return SAINT_OK;
}

saint_status saint_plan_build(saint_plan *out, const saint_settings *s, const saint_model_info *m, saint_notes *notes, saint_error *err)
{
    memset(out, 0, sizeof *out);
    out->compat = s->compat;
    out->image_token_length = s->saint_image_token_length;
    out->sys_length = s->saint_sys_length;
    saint_status st = check_hand(s, m, notes, err);
    if (st != SAINT_OK) return st;
    if (s->mode == SAINT_MODE_VIT || s->mode == SAINT_MODE_HYBRID) {
        if (m->vit_layers) st = add_vit(out, s, m, notes, err);
        else saint_note(notes, "mode %s: this model has no ViT, so nothing is pruned there", saint_mode_name(s->mode));
    }
    if (st == SAINT_OK && (s->mode == SAINT_MODE_LLM || s->mode == SAINT_MODE_HYBRID)) {
        if (m->llm_layers) st = add_llm(out, s, m, notes, err);
        else saint_note(notes, "mode %s: this model has no LLM, so nothing is pruned there", saint_mode_name(s->mode));
    }
    for (int i = 0; i < out->n_sites; i++)
        if (out->site[i].method == SAINT_METHOD_HAND) memcpy(&out->hand, &s->hand, sizeof out->hand);
    return st;
}

const saint_site *saint_plan_site(const saint_plan *p, saint_stage stage, int layer)
{
    for (int i = 0; i < p->n_sites; i++)
        if (p->site[i].stage == (int32_t)stage && p->site[i].layer == layer) return &p->site[i];
    return NULL;
}

saint_mode saint_plan_mode(const saint_plan *p)
{
    int mode = 0;
    for (int i = 0; i < p->n_sites; i++) mode |= p->site[i].stage == SAINT_STAGE_VIT ? 1 : 2;
    return (saint_mode)mode;
}
