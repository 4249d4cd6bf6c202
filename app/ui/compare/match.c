/* match.c - see match.h. */
#include "ui/compare/match.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- the search --------------------------------------------------------------------------------------------------- */

void match_begin(match_search *s, double lo, double hi, bool integer, double target, double close, int most)
{
    *s = (match_search){.lo = lo,
                        .hi = hi,
                        .integer = integer,
                        .resolution = (hi - lo) * 1e-5,
                        .target = target,
                        .close = close,
                        .most = most,
                        .y_lo = NAN,
                        .y_hi = NAN,
                        .best_x = NAN,
                        .best_y = NAN};
    if (integer) {
        s->lo = ceil(lo);
        s->hi = floor(hi);
    }
    s->done = !(s->lo <= s->hi) || most < 1 || !isfinite(target);
}

bool match_next(const match_search *s, double *x)
{
    if (s->done) return false;
    if (isnan(s->y_hi)) *x = s->hi;
    else if (isnan(s->y_lo)) *x = s->lo;
    else *x = s->integer ? floor((s->lo + s->hi) / 2) : s->lo + (s->hi - s->lo) / 2;
    return true;
}

/* The bounds are known: is there anything left between them? */
static void settle(match_search *s)
{
    if (isnan(s->y_lo) || isnan(s->y_hi)) return;
    bool between = (s->y_lo <= s->target) != (s->y_hi <= s->target) || s->y_lo == s->target || s->y_hi == s->target;
    s->reached = s->reached || between;
    if (!between || (s->integer ? s->hi - s->lo <= 1 : s->hi - s->lo <= s->resolution)) s->done = true;
}

void match_put(match_search *s, double x, double y)
{
    if (s->done) return;
    s->n++;
    if (isnan(y)) {
        s->done = true;
        return;
    }
    if (isnan(s->best_y) || fabs(y - s->target) < fabs(s->best_y - s->target)) {
        s->best_x = x;
        s->best_y = y;
    }
    if (fabs(y - s->target) <= s->close) s->reached = s->done = true;
    if (s->n >= s->most) s->done = true;
    if (isnan(s->y_hi) && x == s->hi) {
        s->y_hi = y;
        if (s->lo == s->hi) s->y_lo = y;
    } else if (isnan(s->y_lo) && x == s->lo) {
        s->y_lo = y;
    } else if ((y <= s->target) == (s->y_lo <= s->target)) {
        s->lo = x;
        s->y_lo = y;
    } else {
        s->hi = x;
        s->y_hi = y;
    }
    settle(s);
}

/* ---- the knob ----------------------------------------------------------------------------------------------------- */

typedef struct {
    unsigned reads; /* the parameter's bit */
    const char *key[2];
    bool integer;
} knob_kind;

static const knob_kind kinds[] = {
    {SAINT_PARAM_KEEP_NUM, {"keep_num", "llm_keep_num"}, true},
    {SAINT_PARAM_KEEP_RATIO, {"keep_ratio", "llm_keep_ratio"}, false},
    {SAINT_PARAM_SIM_THRESHOLD, {"sim_threshold", "saint_threshold"}, false},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* The parameter's value where this site reads it; NaN elsewhere. A budget is given by number or by share. */
static double value_at(const saint_site *s, int kind)
{
    if (!(saint_method_at(s->method)->params & kinds[kind].reads)) return NAN;
    if (kind == 0) return s->p.keep_num >= 0 ? (double)s->p.keep_num : (double)NAN;
    if (kind == 1) return s->p.keep_num < 0 ? (double)s->p.keep_ratio : (double)NAN;
    return (double)s->p.sim_threshold;
}

static bool make_knob(const saint_plan *p, const saint_model_info *m, saint_stage stage, int kind, match_knob *out)
{
    int first = -1, n = 0;
    double now = NAN;
    bool agree = true;
    for (int i = 0; i < p->n_sites; i++) {
        double v = p->site[i].stage == (int32_t)stage ? value_at(&p->site[i], kind) : (double)NAN;
        if (isnan(v)) continue;
        if (first < 0) {
            first = i;
            now = v;
        }
        agree = agree && v == now;
        n++;
    }
    if (first < 0) return false;
    const knob_kind *k = &kinds[kind];
    *out = (match_knob){.integer = k->integer, .now = now, .layers = agree ? n : 1};
    if (agree) snprintf(out->key, sizeof out->key, "%s", k->key[stage == SAINT_STAGE_LLM]);
    else snprintf(out->key, sizeof out->key, "%s[%d]", k->key[stage == SAINT_STAGE_LLM], (int)p->site[first].layer);
    int prefix = stage == SAINT_STAGE_VIT ? m->vit_prefix : 0, grid = m->grid_w * m->grid_h;
    if (kind == 0) {
        out->lo = prefix + 1;
        out->hi = prefix + grid;
    } else if (kind == 1) {
        out->lo = grid > 0 ? 1.0 / grid : 0;
        out->hi = 1;
    } else {
        out->lo = 0; /* below it nothing that looks alike is told apart; above 1 nothing is a neighbour */
        out->hi = 1.0001;
    }
    return true;
}

int match_knobs(const saint_settings *s, const saint_model_info *m, match_knob *out, int most)
{
    saint_plan p;
    saint_error err;
    int n = 0;
    if (saint_plan_build(&p, s, m, NULL, &err) != SAINT_OK) return 0;
    for (int kind = 0; kind < KINDS; kind++)
        for (int stage = 0; stage < 2; stage++)
            if (n < most && make_knob(&p, m, (saint_stage)stage, kind, &out[n])) n++;
    return n;
}

/* Rows of n candidates behind a site; -1 where only a run can tell. */
static int survivors(const saint_plan *p, const saint_model_info *m, saint_stage stage, int layer, int n)
{
    const saint_site *site = saint_plan_site(p, stage, layer);
    if (!site || n < 1) return n;
    const saint_method *method = saint_method_at(site->method);
    int drop = 0;
    saint_select_in in = {.stage = stage, .layer = layer, .n = n, .p = site->p, .forced_drop = -1};
    in.n_prefix = stage == SAINT_STAGE_VIT ? m->vit_prefix : 0;
    in.compat = p->compat;
    if (site->method == SAINT_METHOD_HAND || !method->fixed_budget || method->count(&in, &drop, NULL) != SAINT_OK) return -1;
    return n - drop;
}

bool match_predict(const saint_settings *s, const saint_model_info *m, double *equivalent)
{
    enum { WINDOW = 1u << SAINT_COMPAT_SYS_LENGTH_36 | 1u << SAINT_COMPAT_IMAGE_LENGTH_COUNTS_CLS };
    saint_plan p;
    saint_error err;
    int n = m->grid_w * m->grid_h;
    double seen[2] = {0, 0};
    *equivalent = NAN;
    if (saint_plan_build(&p, s, m, NULL, &err) != SAINT_OK || s->hand.on) return false;
    if ((saint_plan_mode(&p) & SAINT_MODE_LLM) && (p.sys_length >= 0 || p.image_token_length >= 0 || p.compat & WINDOW)) return false;
    for (int i = 0; i < m->vit_layers_run && n >= 0; i++) {
        seen[0] += n;
        n = survivors(&p, m, SAINT_STAGE_VIT, i, n);
    }
    for (int i = 0; i < m->llm_layers && n >= 0; i++) {
        seen[1] += n;
        n = survivors(&p, m, SAINT_STAGE_LLM, i, n);
    }
    if (n < 0) return false;
    int layers = m->llm_layers ? m->llm_layers : m->vit_layers_run;
    if (layers < 1) return false;
    *equivalent = seen[m->llm_layers > 0] / layers;
    return true;
}

saint_status match_turn(saint_settings *s, const match_knob *k, double x, saint_error *err)
{
    char value[40];
    if (k->integer) snprintf(value, sizeof value, "%.0f", x);
    else snprintf(value, sizeof value, "%.7g", x);
    return saint_settings_set(s, k->key, value, err);
}
