/* mask.c - what the trace, the preview and the plan say about one picture: which patches are alive behind a column of the strip.
 *
 * While a run is on its way the last trace belongs to other settings. Its records are right up to the first site that changed; that site's
 * decision comes from the preview, and what lies behind is what the old run dropped there, marked as stale. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ui/ui.h"

saint_stage ui_stage_of(const ui *u, int at, int *layer)
{
    bool llm = at >= u->cursor.n_vit;
    if (layer) *layer = llm ? at - u->cursor.n_vit : at;
    return llm ? SAINT_STAGE_LLM : SAINT_STAGE_VIT;
}

int ui_column_of(const ui *u, saint_stage stage, int layer)
{
    int at = stage == SAINT_STAGE_LLM ? u->cursor.n_vit + layer : layer;
    bool there = layer >= 0 && at < (stage == SAINT_STAGE_LLM ? u->cursor.n : u->cursor.n_vit);
    return there ? at : -1;
}

/* ---- one plan against its trace ---- */

typedef struct {
    const ui *u;
    const ui_plan *p;
    const saint_history *history; /* NULL: nothing has run */
    saint_plan now;
    int changed; /* first column that differs from the trace */
    int preview; /* column of the preview, -1 = none */
    int patches;
} walk;

/* Flags that act at sites of a stage: those that place the window in the LLM only, the one that moves decoding at none. */
static uint32_t site_flags(uint32_t compat, saint_stage stage)
{
    uint32_t window = 1u << SAINT_COMPAT_SYS_LENGTH_36 | 1u << SAINT_COMPAT_IMAGE_LENGTH_COUNTS_CLS;
    return compat & ~(1u << SAINT_COMPAT_DECODE_POSITION_PLUS_ONE) & (stage == SAINT_STAGE_VIT ? ~window : ~0u);
}

static bool same_site(const saint_plan *a, const saint_plan *b, saint_stage stage, int layer)
{
    const saint_site *x = saint_plan_site(a, stage, layer), *y = saint_plan_site(b, stage, layer);
    if (!x || !y) return !x && !y;
    if (memcmp(x, y, sizeof *x) != 0 || site_flags(a->compat, stage) != site_flags(b->compat, stage)) return false;
    if (stage == SAINT_STAGE_LLM && (a->sys_length != b->sys_length || a->image_token_length != b->image_token_length)) return false;
    bool hand = a->hand.on && a->hand.stage == (int32_t)stage && a->hand.layer == layer;
    return !hand || memcmp(&a->hand, &b->hand, sizeof a->hand) == 0;
}

static bool start(walk *w, const ui *u, int slot)
{
    memset(w, 0, sizeof *w);
    if (!u->info || slot < 0 || slot >= UI_SLOTS || u->cursor.n < 1) return false;
    w->u = u;
    w->p = &u->plan[slot];
    w->patches = u->info->grid_w * u->info->grid_h;
    w->preview = w->p->preview ? ui_column_of(u, w->p->preview->stage, w->p->preview->layer) : -1;
    w->changed = u->cursor.n;
    const saint_trace *t = w->p->trace;
    if (t && t->n_images > 0) w->history = &t->image[0].history;
    if (saint_plan_build(&w->now, &w->p->settings, u->info, NULL, NULL) != SAINT_OK) { /* refused settings: what ran is what there is */
        if (!t) return false;
        w->now = t->plan;
    }
    for (int c = 0; t && c < u->cursor.n; c++) {
        int layer;
        saint_stage stage = ui_stage_of(u, c, &layer);
        if (same_site(&t->plan, &w->now, stage, layer)) continue;
        w->changed = c;
        break;
    }
    return w->patches > 0;
}

static const saint_trace_site *ran(const walk *w, saint_stage stage, int layer)
{
    for (int i = 0; w->history && i < w->history->n_sites; i++)
        if (w->history->site[i]->stage == stage && w->history->site[i]->layer == layer) return w->history->site[i];
    return NULL;
}

/* The record at a column and how far it is to be believed, given what is known before it. *known only ever falls. */
static const saint_trace_site *record(const walk *w, int c, ui_known *known)
{
    int layer;
    saint_stage stage = ui_stage_of(w->u, c, &layer);
    bool planned = saint_plan_site(&w->now, stage, layer) != NULL;
    if (planned && c == w->preview) {
        if (*known == UI_KNOWN_RUN) *known = UI_KNOWN_PREVIEW;
        return w->p->preview;
    }
    const saint_trace_site *s = ran(w, stage, layer);
    if (!w->history) { /* nothing has run: only a layer without a site is certain */
        if (planned) *known = UI_KNOWN_NOT;
        return NULL;
    }
    if (c < w->changed || (!planned && !s)) return s;
    if (c == w->changed && !planned) { /* the site was removed: from here on nothing is dropped, as far as that goes */
        if (*known == UI_KNOWN_RUN) *known = UI_KNOWN_PREVIEW;
        return NULL;
    }
    if (*known != UI_KNOWN_NOT) *known = UI_KNOWN_STALE;
    return planned ? s : NULL;
}

int ui_first_change(const ui *u, int slot)
{
    walk w;
    return start(&w, u, slot) ? w.changed : u->cursor.n;
}

const saint_trace_site *ui_site(const ui *u, int slot, int at)
{
    walk w;
    ui_known known = UI_KNOWN_RUN;
    return at >= 0 && at < u->cursor.n && start(&w, u, slot) ? record(&w, at, &known) : NULL;
}

ui_known ui_mask_known(const ui *u, int slot, int at)
{
    walk w;
    ui_known known = UI_KNOWN_RUN;
    if (!start(&w, u, slot)) return UI_KNOWN_NOT;
    for (int c = 0; c <= at && c < u->cursor.n && known != UI_KNOWN_NOT; c++) record(&w, c, &known);
    /* layers compute behind the change: a column without a site shows survivors, and those are decided */
    return known;
}

/* ---- masks ---- */

/* Take the losses of one site, up to a round of it, out of alive [patches]. Rows that are no patch (text in a wrong window) are not on the
 * picture. death may be NULL. */
static int apply(const saint_trace_site *s, int round, int column, int patches, uint8_t *alive, int16_t *death)
{
    int lost = 0;
    for (int i = 0; s && i < s->n_in; i++) {
        int p = s->in[i];
        if (p < 0 || p >= patches || s->round[i] < 0 || (round >= 0 && s->round[i] > round) || !alive[p]) continue;
        alive[p] = 0;
        if (death) death[p] = (int16_t)column;
        lost++;
    }
    return lost;
}

int ui_mask(const ui *u, int slot, int at, int round, uint8_t *kept, float *score, int16_t *death)
{
    walk w;
    if (at < 0 || at >= u->cursor.n || !start(&w, u, slot)) return -1;
    uint8_t *alive = kept ? kept : malloc((size_t)w.patches);
    if (!alive) return -1;
    int left = w.patches;
    ui_known known = UI_KNOWN_RUN;
    memset(alive, 1, (size_t)w.patches);
    for (int i = 0; i < w.patches; i++) {
        if (score) score[i] = NAN;
        if (death) death[i] = -1;
    }
    for (int c = 0; c <= at && known != UI_KNOWN_NOT; c++) {
        const saint_trace_site *s = record(&w, c, &known);
        left -= apply(s, c == at ? round : -1, c, w.patches, alive, death);
        for (int i = 0; score && s && c == at && i < s->n_in; i++)
            if (s->in[i] >= 0 && s->in[i] < w.patches) score[s->in[i]] = s->score[i];
    }
    if (!kept) free(alive);
    return known == UI_KNOWN_NOT ? -1 : left;
}

/* ---- the strip ---- */

/* Survivors of n tokens where the method knows them without looking, else -1. */
static int fixed_budget(const walk *w, const saint_site *site, int n)
{
    const saint_method *m = saint_method_at(site->method);
    int drop = 0;
    if (!m || !m->fixed_budget || n < 0 || (w->now.hand.on && w->now.hand.stage == site->stage && w->now.hand.layer == site->layer)) return -1;
    saint_select_in in = {.stage = (saint_stage)site->stage, .layer = site->layer, .n = n, .p = site->p, .forced_drop = -1};
    in.n_prefix = in.stage == SAINT_STAGE_VIT ? w->u->info->vit_prefix : 0;
    return n > 0 && m->count(&in, &drop, NULL) == SAINT_OK ? n - drop : n;
}

static bool layer_reused(const walk *w, saint_stage stage, int layer)
{
    for (int i = 0; w->history && i < w->history->n_layers; i++)
        if (w->history->layer[i].stage == stage && w->history->layer[i].layer == layer) return w->history->layer[i].reused;
    return false;
}

void ui_strip_layers(const ui *u, int slot, saint_ui_strip_layer *out)
{
    walk w;
    bool ready = start(&w, u, slot);
    uint8_t *alive = ready ? malloc((size_t)w.patches) : NULL;
    if (alive) memset(alive, 1, (size_t)w.patches);
    int left = ready ? w.patches : -1, budget = left;
    ui_known known = UI_KNOWN_RUN;
    for (int c = 0; c < u->cursor.n; c++) {
        saint_ui_strip_layer *y = &out[c];
        *y = (saint_ui_strip_layer){.tokens = -1, .name = "no pruning", .marked = u->marked && u->marked[c]};
        y->stage = ui_stage_of(u, c, &y->layer);
        const saint_site *site = ready ? saint_plan_site(&w.now, y->stage, y->layer) : NULL;
        if (site) {
            y->site = true;
            y->name = saint_method_at(site->method) ? saint_method_at(site->method)->name : NULL;
        }
        if (!alive) continue;
        left -= apply(record(&w, c, &known), -1, c, w.patches, alive, NULL);
        if (site && budget >= 0) budget = fixed_budget(&w, site, budget);
        if (known == UI_KNOWN_RUN || known == UI_KNOWN_PREVIEW) budget = left;
        y->stale = known == UI_KNOWN_STALE && budget < 0;
        y->tokens = known == UI_KNOWN_NOT || budget >= 0 ? budget : left;
        if (y->stale && c > 0 && out[c - 1].tokens >= 0 && y->tokens > out[c - 1].tokens) y->tokens = out[c - 1].tokens; /* never more than came */
        y->reused = known == UI_KNOWN_RUN && layer_reused(&w, y->stage, y->layer);
    }
    free(alive);
}
