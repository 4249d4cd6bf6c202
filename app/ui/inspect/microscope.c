#include "ui/inspect/microscope.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- order of dropping ---- */

static bool highest_go(const saint_method *m) { return !m->reads_attention; } /* methods.def says so */

static bool ranked(const saint_trace_site *s, int i) { return !isnan(s->score[i]); }

/* Whether candidate a goes before candidate b: by round, survivors last, then by score, then by place in the list. */
static bool goes_before(const saint_trace_site *s, int a, int b)
{
    int x = s->round[a] < 0 ? 32767 : s->round[a], y = s->round[b] < 0 ? 32767 : s->round[b];
    if (x != y) return x < y;
    if (s->score[a] != s->score[b]) return (s->score[a] > s->score[b]) == highest_go(s->method);
    return a < b;
}

typedef struct {
    const saint_trace_site *site;
    int32_t index;
} ordered;

static int by_order(const void *a, const void *b)
{
    const ordered *x = a, *y = b;
    return x->index == y->index ? 0 : goes_before(x->site, x->index, y->index) ? -1 : 1;
}

int ui_drop_order(const saint_trace_site *s, int32_t *order)
{
    int n = 0;
    ordered *list = malloc(((size_t)s->n_in + 1) * sizeof *list);
    for (int i = 0; list && i < s->n_in; i++)
        if (ranked(s, i)) list[n++] = (ordered){s, i};
    if (list) qsort(list, (size_t)n, sizeof *list, by_order);
    for (int i = 0; i < n; i++) order[i] = list[i].index;
    free(list);
    return n;
}

static void rank_in(const saint_trace_site *s, ui_token *t)
{
    int last = -1, first = -1;
    t->n_ranked = t->n_dropped = 0;
    t->rank = 1;
    for (int i = 0; i < s->n_in; i++) {
        t->n_dropped += s->round[i] >= 0;
        if (!ranked(s, i)) continue;
        t->n_ranked++;
        if (i != t->at && t->at >= 0 && goes_before(s, i, t->at)) t->rank++;
        if (s->round[i] >= 0 && (last < 0 || goes_before(s, last, i))) last = i;
        if (s->round[i] < 0 && (first < 0 || goes_before(s, i, first))) first = i;
    }
    t->last_dropped = last >= 0 ? s->score[last] : NAN;
    t->first_kept = first >= 0 ? s->score[first] : NAN;
}

static int index_of(const saint_trace_site *s, int patch)
{
    for (int i = 0; i < s->n_in; i++)
        if (s->in[i] == patch) return i;
    return -1;
}

static bool is_saint_drop(const saint_method *m) { return strcmp(m->name, "saint_drop") == 0; }

static void describe(ui_token *t, const saint_trace_site *s)
{
    t->site = s;
    t->at = index_of(s, t->patch);
    t->highest_go = highest_go(s->method);
    rank_in(s, t);
    if (t->at < 0) { /* outside a wrong window */
        t->safe = true;
        return;
    }
    t->round = s->round[t->at];
    t->score = s->score[t->at];
    t->safe = !ranked(s, t->at);
    t->votes = s->neighbours[t->at];
    t->votes_needed = t->votes >= 0 && s->method->params & SAINT_PARAM_K ? s->p.K : -1;
    for (int i = 0; i < s->n_merge; i++)
        if (s->merge[i].from == t->at) {
            t->fate = UI_FATE_MERGED;
            t->into = s->in[s->merge[i].into];
        }
}

void ui_token_look(const ui *u, int slot, int patch, int at, int round, ui_token *t)
{
    *t = (ui_token){.patch = patch, .column = -1, .at = -1, .round = -1, .score = NAN, .last_dropped = NAN, .first_kept = NAN, .votes = -1,
                    .votes_needed = -1, .into = -1, .dies = -1, .n_above = -1};
    int patches = u->info ? u->info->grid_w * u->info->grid_h : 0;
    if (patch < 0 || patch >= patches) return;
    int16_t *death = malloc((size_t)patches * sizeof *death);
    if (!death) return;
    if (ui_mask(u, slot, at, round, NULL, NULL, death) >= 0) {
        t->fate = death[patch] < 0 ? UI_FATE_ALIVE : UI_FATE_DROPPED;
        t->column = death[patch];
        for (int c = at; t->fate == UI_FATE_ALIVE && t->column < 0 && c >= 0; c--) { /* the last site that let it pass */
            const saint_trace_site *s = ui_site(u, slot, c);
            if (s && index_of(s, patch) >= 0) t->column = c;
        }
        int later = t->fate == UI_FATE_ALIVE ? ui_mask(u, slot, u->cursor.n - 1, -1, NULL, NULL, death) : -1;
        if (later >= 0) t->dies = death[patch];
    }
    free(death);
    if (t->column < 0) return;
    t->known = ui_mask_known(u, slot, t->column);
    const saint_trace_site *s = ui_site(u, slot, t->column);
    if (s) describe(t, s);
}

/* ---- neighbours ---- */

static int by_similarity(const void *a, const void *b)
{
    const ui_near *x = a, *y = b;
    return x->similarity != y->similarity ? (x->similarity < y->similarity ? 1 : -1) : x->patch - y->patch;
}

/* saint_drop compares even places of the list with odd ones; every other method all with all. */
static bool compared(const ui_token *t, int other)
{
    if (other == t->at || t->site->in[other] < 0) return false;
    return !is_saint_drop(t->site->method) || (other & 1) != (t->at & 1);
}

static void find_near(ui_token *t, int patches, const ui_probe *probe)
{
    const saint_trace_site *s = t->site;
    float *cosine = malloc((size_t)patches * sizeof *cosine);
    ui_near *all = malloc(((size_t)s->n_in + 1) * sizeof *all);
    int n = 0;
    bool threshold = (s->method->params & SAINT_PARAM_SIM_THRESHOLD) != 0;
    if (cosine && all && probe->similarity(probe->ud, t->patch, cosine)) {
        if (threshold) t->n_above = 0;
        for (int i = 0; i < s->n_in; i++) {
            int p = s->in[i];
            if (!compared(t, i) || p >= patches || isnan(cosine[p])) continue;
            if (threshold) t->n_above += cosine[p] >= s->p.sim_threshold;
            all[n++] = (ui_near){p, cosine[p]};
        }
        qsort(all, (size_t)n, sizeof *all, by_similarity);
    }
    t->n_near = n < UI_NEAR_MOST ? n : UI_NEAR_MOST;
    if (t->n_near) memcpy(t->near, all, (size_t)t->n_near * sizeof *all);
    free(cosine);
    free(all);
}

/* ---- what would have changed it ---- */

static ui_hint *add_hint(ui_token *t, const char *key)
{
    if (t->n_hints == UI_HINT_MOST) return NULL;
    ui_hint *h = &t->hint[t->n_hints++];
    *h = (ui_hint){.key = key};
    return h;
}

static bool stays_with(const ui_token *t, const ui_probe *probe, const saint_method_params *p, bool *stays)
{
    return probe->stays && probe->stays(probe->ud, p, t->patch, stays);
}

/* Further rounds rank the survivors anew, but what goes at a budget goes at every smaller one: bisection finds the least that keeps a survivor. */
static bool search_budget(const ui_token *t, int prefix, const ui_probe *probe, int *keep)
{
    saint_method_params p = t->site->p;
    int goes = 0, stays_at = t->site->n_in - t->n_dropped;
    bool stays;
    p.keep_num = prefix;
    if (!stays_with(t, probe, &p, &stays) || stays) return false;
    while (stays_at - goes > 1) {
        int middle = (goes + stays_at) / 2;
        p.keep_num = middle + prefix;
        if (!stays_with(t, probe, &p, &stays)) return false;
        *(stays ? &stays_at : &goes) = middle;
    }
    *keep = stays_at;
    return true;
}

/* A budget drops the first n_dropped of a fixed order, so the place in that order says which budgets keep the patch. Held against the method
 * itself on both sides of the edge. */
static void budget_hint(ui_token *t, int prefix, const ui_probe *probe)
{
    const saint_trace_site *s = t->site;
    bool kept = t->round < 0, on_each_side[2];
    int keep = s->n_in - t->rank + 1; /* survivors, prefix rows aside, with which this one is the last that stays */
    saint_method_params p = s->p;
    for (int side = 0; side < 2; side++) { /* with that many it stays, with one less it goes */
        p.keep_num = keep - side + prefix;
        if (p.keep_num < prefix || !stays_with(t, probe, &p, &on_each_side[side])) return;
    }
    bool counted = on_each_side[0] && !on_each_side[1];
    if (!counted && !(kept && search_budget(t, prefix, probe, &keep))) return;
    ui_hint *h = add_hint(t, s->stage == SAINT_STAGE_VIT ? "keep_num" : "llm_keep_num");
    if (!h) return;
    h->at_least = !kept;
    h->searched = !counted;
    h->value = kept ? keep - 1 + prefix : keep + prefix;
}

/* saint_drop drops as many as have K votes, and which is decided by score alone: the first K with too few of them. */
static void votes_hint(ui_token *t, const ui_probe *probe)
{
    const saint_trace_site *s = t->site;
    bool kept = t->round < 0, stays;
    int most = 0;
    for (int i = 0; i < s->n_in; i++)
        if (s->neighbours[i] > most) most = s->neighbours[i];
    int edge = 0; /* the least K that keeps it */
    for (int k = 0; k <= most + 1; k++) {
        int enough = 0;
        for (int i = 0; i < s->n_in; i++) enough += ranked(s, i) && s->neighbours[i] >= k;
        edge = k;
        if (enough < t->rank) break;
    }
    saint_method_params p = s->p;
    p.K = edge;
    if (!stays_with(t, probe, &p, &stays) || !stays) return;
    p.K = edge - 1;
    if (edge > 0 && (!stays_with(t, probe, &p, &stays) || stays)) return;
    if (kept && edge == 0) return;
    ui_hint *h = add_hint(t, s->stage == SAINT_STAGE_VIT ? "K" : "saint_K");
    if (!h) return;
    h->at_least = !kept;
    h->value = kept ? edge - 1 : edge;
}

/* Thresholds move votes, scores and ranks of everybody at once, so they are tried: a raster over the rest of the range, then bisection down to
 * 0.0001 at the edge. Upwards the answer is the least value from which on every value of the raster keeps the patch; downwards, for a
 * survivor, the greatest that drops it. */
enum { UNITS = 10000, RASTER = 200 };

static bool at_threshold(const ui_token *t, const ui_probe *probe, int units, bool *stays)
{
    saint_method_params p = t->site->p;
    p.sim_threshold = (float)((double)units / UNITS);
    return stays_with(t, probe, &p, stays);
}

static void threshold_hint(ui_token *t, const ui_probe *probe)
{
    const saint_trace_site *s = t->site;
    bool kept = t->round < 0, stays;
    int now = (int)lround((double)s->p.sim_threshold * UNITS), step = kept ? -RASTER : RASTER, end = kept ? 0 : UNITS + 1;
    int edge = now; /* last value on this side; `found` is the first on the other */
    int found = now;
    if (kept ? now <= end : now >= end) return;
    for (int v = now; v != end;) {
        v += step;
        if (kept ? v < end : v > end) v = end;
        if (!at_threshold(t, probe, v, &stays)) return;
        bool other = stays != kept;
        if (kept && other) { /* the first one below that drops it */
            found = v;
            break;
        }
        if (kept) edge = v;
        else if (!other) edge = found = v; /* still dropped: what saved it below does not count */
        else if (found == edge) found = v;
    }
    ui_hint *h = add_hint(t, s->stage == SAINT_STAGE_VIT ? "sim_threshold" : "saint_threshold");
    if (!h) return;
    *h = (ui_hint){.key = h->key, .searched = true, .at_least = !kept, .impossible = found == edge};
    while (found != edge && abs(found - edge) > 1) {
        int middle = (found + edge) / 2;
        if (!at_threshold(t, probe, middle, &stays)) {
            t->n_hints--;
            return;
        }
        if (stays == kept) edge = middle;
        else found = middle;
    }
    h->value = (double)found / UNITS;
}

void ui_token_probe(ui_token *t, unsigned compat, int vit_prefix, int patches, const ui_probe *probe)
{
    const saint_trace_site *s = t->site;
    t->n_near = t->n_hints = 0;
    t->n_above = -1;
    if (!s || t->at < 0) return;
    if (probe->similarity) find_near(t, patches, probe);
    if (t->safe || !probe->stays) return;
    int prefix = s->stage == SAINT_STAGE_VIT ? vit_prefix : 0;
    bool fixed_K = s->stage == SAINT_STAGE_VIT && compat & 1u << SAINT_COMPAT_VIT_DEFAULT_K_GAMMA;
    if (s->method->params & SAINT_PARAM_SIM_THRESHOLD) threshold_hint(t, probe);
    if (s->method->params & SAINT_PARAM_K && t->votes >= 0 && !fixed_K) votes_hint(t, probe);
    if (s->method->params & SAINT_PARAM_KEEP_NUM) budget_hint(t, prefix, probe);
}
