/* compare.c - see compare.h. */
#include "ui/compare/compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "eval/fidelity.h"

/* ---- tokens ------------------------------------------------------------------------------------------------------- */

static double jaccard(const compare_overlap *o)
{
    int any = o->both + o->only_a + o->only_b;
    return any ? (double)o->both / any : (double)NAN;
}

compare_overlap compare_masks(const uint8_t *a, const uint8_t *b, int n)
{
    compare_overlap o = {0};
    for (int i = 0; i < n; i++) {
        if (a[i] && b[i]) o.both++;
        else if (a[i]) o.only_a++;
        else if (b[i]) o.only_b++;
        else o.neither++;
    }
    o.jaccard = jaccard(&o);
    return o;
}

void compare_add(compare_overlap *sum, const compare_overlap *layer)
{
    sum->both += layer->both;
    sum->only_a += layer->only_a;
    sum->only_b += layer->only_b;
    sum->neither += layer->neither;
    sum->jaccard = jaccard(sum);
}

/* ---- answers ------------------------------------------------------------------------------------------------------ */

compare_answers compare_answers_of(const saint_trace *a, const saint_trace *b)
{
    compare_answers r = {COMPARE_UNKNOWN, NAN, -1, -1, NAN, NAN};
    if (!a || !b || a->n_images < 1 || b->n_images < 1) return r;
    const saint_trace_image *x = &a->image[0], *y = &b->image[0];
    bool answered = x->stop && y->stop && x->stop[0] && y->stop[0]; /* or prefill only, or a classifier */
    if (answered) r.diverged = fidelity_first_difference(x->ids, x->n_ids, y->ids, y->n_ids);
    if (!x->logits || !y->logits || x->n_logits != y->n_logits) return r;
    r.kl = fidelity_kl(x->logits, y->logits, x->n_logits);
    r.top_a = fidelity_top(x->logits, x->n_logits);
    r.top_b = fidelity_top(y->logits, y->n_logits);
    r.p_a = fidelity_probability(x->logits, x->n_logits, r.top_a);
    r.p_b = fidelity_probability(y->logits, y->n_logits, r.top_a);
    return r;
}

/* ---- settings ----------------------------------------------------------------------------------------------------- */

enum { FIELDS = 8 }; /* the method and its parameters */
static const char *const field_key[2][FIELDS] = {
    {"prune_mode", "keep_num", "keep_ratio", "r", "sim_threshold", "K", "gamma", "seed"},
    {"llm_prune_mode", "llm_keep_num", "llm_keep_ratio", "llm_r", "saint_threshold", "saint_K", "saint_gamma", "llm_seed"}};

/* What a plan does at one place with one parameter; "-" where it has none to read. */
static void field_value(const saint_site *s, int field, char out[COMPARE_VALUE])
{
    static const unsigned bit[FIELDS] = {0,
                                         SAINT_PARAM_KEEP_NUM,
                                         SAINT_PARAM_KEEP_RATIO,
                                         SAINT_PARAM_R,
                                         SAINT_PARAM_SIM_THRESHOLD,
                                         SAINT_PARAM_K,
                                         SAINT_PARAM_GAMMA,
                                         SAINT_PARAM_SEED};
    unsigned reads = s ? saint_method_at(s->method)->params : 0;
    bool by_ratio = s && s->p.keep_num < 0;
    if (field == 0) snprintf(out, COMPARE_VALUE, "%s", s ? saint_method_at(s->method)->name : "None");
    else if (!(reads & bit[field]) || (field == 1 && by_ratio) || (field == 2 && !by_ratio)) snprintf(out, COMPARE_VALUE, "-");
    else if (field == 1) snprintf(out, COMPARE_VALUE, "%d", (int)s->p.keep_num);
    else if (field == 2) snprintf(out, COMPARE_VALUE, "%.6g", (double)s->p.keep_ratio);
    else if (field == 3) snprintf(out, COMPARE_VALUE, "%d", (int)s->p.r);
    else if (field == 4) snprintf(out, COMPARE_VALUE, "%.6g", (double)s->p.sim_threshold);
    else if (field == 5) snprintf(out, COMPARE_VALUE, "%d", (int)s->p.K);
    else if (field == 6) snprintf(out, COMPARE_VALUE, "%.6g", (double)s->p.gamma);
    else snprintf(out, COMPARE_VALUE, "%llu", (unsigned long long)s->p.seed);
}

typedef struct {
    compare_difference *out;
    int most, n;
} difference_list;

static compare_difference *add(difference_list *l, const char *key, const char *a, const char *b)
{
    compare_difference *d = l->n < l->most ? &l->out[l->n] : NULL;
    l->n++;
    if (!d) return NULL;
    snprintf(d->key, sizeof d->key, "%s", key);
    snprintf(d->a, sizeof d->a, "%s", a);
    snprintf(d->b, sizeof d->b, "%s", b);
    return d;
}

/* One field over the layers of one stage: neighbours with the same change become one line. */
static void field_differences(difference_list *l, const saint_plan *a, const saint_plan *b, saint_stage stage, int layers, int field)
{
    char va[COMPARE_VALUE], vb[COMPARE_VALUE], wa[COMPARE_VALUE], wb[COMPARE_VALUE], key[COMPARE_KEY];
    for (int i = 0; i < layers;) {
        field_value(saint_plan_site(a, stage, i), field, va);
        field_value(saint_plan_site(b, stage, i), field, vb);
        int next = i + 1;
        for (; next < layers; next++) {
            field_value(saint_plan_site(a, stage, next), field, wa);
            field_value(saint_plan_site(b, stage, next), field, wb);
            if (strcmp(va, wa) != 0 || strcmp(vb, wb) != 0) break;
        }
        if (strcmp(va, vb) != 0) {
            const char *name = field_key[stage == SAINT_STAGE_LLM][field];
            if (next - i == 1) snprintf(key, sizeof key, "%s[%d]", name, i);
            else snprintf(key, sizeof key, "%s[%d-%d]", name, i, next - 1);
            add(l, key, va, vb);
        }
        i = next;
    }
}

static void number_text(int v, char out[COMPARE_VALUE])
{
    if (v < 0) snprintf(out, COMPARE_VALUE, "derived");
    else snprintf(out, COMPARE_VALUE, "%d", v);
}

static void whole_differences(difference_list *l, const saint_plan *a, const saint_plan *b)
{
    char va[COMPARE_VALUE], vb[COMPARE_VALUE], key[COMPARE_KEY];
    for (int i = 0; saint_compat_name(i); i++)
        if ((a->compat ^ b->compat) >> i & 1) {
            snprintf(key, sizeof key, "compat.%s", saint_compat_name(i));
            add(l, key, a->compat >> i & 1 ? "true" : "false", b->compat >> i & 1 ? "true" : "false");
        }
    const struct {
        const char *key;
        int a, b;
    } number[] = {{"saint_image_token_length", a->image_token_length, b->image_token_length},
                  {"saint_sys_length", a->sys_length, b->sys_length}};
    for (size_t i = 0; i < sizeof number / sizeof *number; i++)
        if (number[i].a != number[i].b) {
            number_text(number[i].a, va);
            number_text(number[i].b, vb);
            add(l, number[i].key, va, vb);
        }
    if (memcmp(&a->hand, &b->hand, sizeof a->hand) == 0) return;
    const saint_hand *h[2] = {&a->hand, &b->hand};
    char *v[2] = {va, vb};
    for (int k = 0; k < 2; k++) {
        int n = 0;
        for (size_t w = 0; w < sizeof h[k]->keep / sizeof *h[k]->keep; w++)
            for (uint64_t bits = h[k]->keep[w]; bits; bits &= bits - 1) n++;
        if (h[k]->on) snprintf(v[k], COMPARE_VALUE, "%d at %s %d", n, h[k]->stage == SAINT_STAGE_VIT ? "ViT" : "LLM", (int)h[k]->layer);
        else snprintf(v[k], COMPARE_VALUE, "-");
    }
    add(l, "tokens chosen by hand", va, vb);
}

int compare_settings(const saint_settings *a, const saint_settings *b, const saint_model_info *m, compare_difference *out, int most)
{
    saint_error err;
    saint_plan plan[2];
    difference_list l = {out, most, 0};
    if (saint_plan_build(&plan[0], a, m, NULL, &err) != SAINT_OK || saint_plan_build(&plan[1], b, m, NULL, &err) != SAINT_OK) return -1;
    for (int f = 0; f < FIELDS; f++) field_differences(&l, &plan[0], &plan[1], SAINT_STAGE_VIT, m->vit_layers_run, f);
    for (int f = 0; f < FIELDS; f++) field_differences(&l, &plan[0], &plan[1], SAINT_STAGE_LLM, m->llm_layers, f);
    whole_differences(&l, &plan[0], &plan[1]);
    return l.n;
}

/* The number that says most about a site. */
static void knob_text(const saint_site *s, char out[COMPARE_VALUE])
{
    static const int telling[] = {1, 2, 4}; /* budget by number, by share, threshold */
    out[0] = 0;
    for (int i = 0; i < 3; i++) {
        field_value(s, telling[i], out);
        if (strcmp(out, "-") != 0) return;
    }
    out[0] = 0;
}

char *compare_summary(const saint_settings *s, const saint_model_info *m, char *out, size_t size)
{
    saint_plan p;
    saint_error err;
    size_t n = 0;
    snprintf(out, size, "no pruning");
    if (saint_plan_build(&p, s, m, NULL, &err) != SAINT_OK) {
        snprintf(out, size, "refused");
        return out;
    }
    for (int i = 0, next; i < p.n_sites && n < size; i = next) {
        const saint_site *a = &p.site[i];
        char knob[COMPARE_VALUE], other[COMPARE_VALUE], range[24];
        knob_text(a, knob);
        for (next = i + 1; next < p.n_sites; next++) { /* neighbours that do the same */
            const saint_site *b = &p.site[next];
            knob_text(b, other);
            if (b->stage != a->stage || b->layer != p.site[next - 1].layer + 1 || b->method != a->method || strcmp(knob, other) != 0) break;
        }
        if (next - i == 1) snprintf(range, sizeof range, "%d", (int)a->layer);
        else snprintf(range, sizeof range, "%d-%d", (int)a->layer, (int)p.site[next - 1].layer);
        n += (size_t)snprintf(out + n, size - n, "%s%s %s %s%s%s", i ? ", " : "", a->stage == SAINT_STAGE_VIT ? "ViT" : "LLM", range,
                              saint_method_at(a->method)->name, knob[0] ? " " : "", knob);
    }
    return out;
}
