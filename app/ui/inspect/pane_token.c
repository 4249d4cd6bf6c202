/* pane_token.c - the token microscope in words. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/inspect/inspect.h"
#include "ui/panes.h"
#include "views/bars.h"

enum { ROWS_MOST = 12, TEXT_MOST = 256 };

typedef struct {
    int n;
    saint_ui_fact fact[ROWS_MOST];
    char text[ROWS_MOST][TEXT_MOST];
} rows;

static void add(rows *r, const char *label, saint_ui_role role, const char *format, ...) __attribute__((format(printf, 4, 5)));
static void add(rows *r, const char *label, saint_ui_role role, const char *format, ...)
{
    if (r->n == ROWS_MOST - 1) return; /* the last text is the label of the first row */
    va_list ap;
    va_start(ap, format);
    vsnprintf(r->text[r->n], TEXT_MOST, format, ap);
    va_end(ap);
    r->fact[r->n] = (saint_ui_fact){.label = label, .b = r->text[r->n], .role = role};
    r->n++;
}

static char *number(char out[24], double v) /* scores and cosines in few digits */
{
    snprintf(out, 24, fabs(v) >= 100 ? "%.0f" : fabs(v) >= 10 ? "%.1f" : fabs(v) >= 0.001 || v == 0 ? "%.3f" : "%.2e", v);
    return out;
}

static const char *round_words(const ui_token *t, char out[48])
{
    out[0] = 0;
    if (t->site && t->site->n_rounds > 1 && t->round >= 0) snprintf(out, 48, ", round %d of %d", t->round + 1, t->site->n_rounds);
    return out;
}

static void fate_row(const ui *u, const ui_token *t, rows *r)
{
    char where[24], round[48], later[24];
    int w = u->info->grid_w;
    snprintf(r->text[ROWS_MOST - 1], TEXT_MOST, "patch %d,%d", t->patch % w, t->patch / w);
    const char *label = r->text[ROWS_MOST - 1], *stale = t->known == UI_KNOWN_STALE ? " (stale)" : t->known == UI_KNOWN_PREVIEW ? " (predicted)" : "";
    if (t->column >= 0) ui_layer_name(u, t->column, where, sizeof where);
    if (t->fate == UI_FATE_UNKNOWN) add(r, label, SAINT_UI_MUTED, "#%d: nothing has run yet", t->patch);
    else if (t->fate == UI_FATE_MERGED)
        add(r, label, SAINT_UI_WARN, "#%d merged into #%d after %s by %s%s", t->patch, t->into, where, t->site->method->name, stale);
    else if (t->fate == UI_FATE_DROPPED)
        add(r, label, SAINT_UI_STRONG, "#%d dropped after %s by %s%s%s", t->patch, where, t->site ? t->site->method->name : "another plan",
            round_words(t, round), stale);
    else if (t->dies >= 0) add(r, label, SAINT_UI_TEXT, "#%d is here; it goes after %s", t->patch, ui_layer_name(u, t->dies, later, sizeof later));
    else add(r, label, SAINT_UI_GOOD, "#%d survives%s%s", t->patch, t->site ? "; last looked at after " : "", t->site ? where : "");
}

static void rank_row(const ui_token *t, rows *r)
{
    char a[24], b[24];
    if (t->at < 0) add(r, "rank", SAINT_UI_MUTED, "outside the image window, so the method did not see it");
    else if (t->safe && !strcmp(t->site->method->name, "hand")) add(r, "rank", SAINT_UI_MUTED, "chosen by hand");
    else if (t->safe)
        add(r, "rank", SAINT_UI_MUTED, t->n_ranked ? "could not go here: %s only drops even places of its list" : "%s ranked nothing: its budget drops nothing", t->site->method->name);
    else if (t->round >= 0)
        add(r, "rank", SAINT_UI_TEXT, "%d of %d to go; score %s, the last to go had %s", t->rank, t->n_dropped, number(a, (double)t->score),
            number(b, (double)t->last_dropped));
    else if (t->n_dropped == 0) add(r, "rank", SAINT_UI_TEXT, "%d of %d; score %s, nobody went", t->rank, t->n_ranked, number(a, (double)t->score));
    else
        add(r, "rank", SAINT_UI_TEXT, "%d of %d, %d place%s from the cut; score %s against %s", t->rank, t->n_ranked, t->rank - t->n_dropped,
            t->rank - t->n_dropped == 1 ? "" : "s", number(a, (double)t->score), number(b, (double)t->last_dropped));
}

static void near_row(const ui_token *t, rows *r)
{
    char list[TEXT_MOST - 60] = "";
    int used = 0;
    for (int i = 0; i < t->n_near && i < 4 && used < (int)sizeof list - 24; i++)
        used += snprintf(list + used, sizeof list - (size_t)used, "%s#%d %.2f", i ? ", " : "", t->near[i].patch, (double)t->near[i].similarity);
    if (!t->n_near) return;
    if (t->n_above < 0) add(r, "most like", SAINT_UI_TEXT, "%s", list);
    else if (t->votes_needed >= 0 && t->votes >= 0)
        add(r, "neighbours", SAINT_UI_TEXT, "%d at or above %.3g, %d count%s as many: %s", t->n_above, (double)t->site->p.sim_threshold, t->votes_needed,
            t->votes_needed == 1 ? "s" : "", list);
    else add(r, "neighbours", SAINT_UI_TEXT, "%d at or above %.3g: %s", t->n_above, (double)t->site->p.sim_threshold, list);
}

/* What would have kept it, or, for a survivor, what would have dropped it: how far it is from the other side. */
static void hint_rows(const ui *u, const ui_token *t, rows *r)
{
    bool gone = t->round >= 0, ascii = u->theme.glyphs == SAINT_UI_ASCII;
    const char *least = ascii ? ">=" : "\u2265", *most = ascii ? "<=" : "\u2264";
    double now[3] = {(double)t->site->p.sim_threshold, t->site->p.K, t->site->p.keep_num};
    for (int i = 0; i < t->n_hints; i++) {
        const ui_hint *h = &t->hint[i];
        bool threshold = strstr(h->key, "threshold") != NULL, keep = strstr(h->key, "keep") != NULL;
        const char *label = i ? "" : gone ? "would stay" : "would go", *how = h->searched ? "tried" : "exact";
        double present = threshold ? now[0] : keep ? now[2] : now[1];
        if (h->impossible) add(r, label, SAINT_UI_MUTED, "with no %s (tried)", h->key);
        else if (keep && present < 0) add(r, label, gone ? SAINT_UI_GOOD : SAINT_UI_WARN, "%s %s %.0f (%s)", h->key, h->at_least ? least : most, h->value, how);
        else
            add(r, label, gone ? SAINT_UI_GOOD : SAINT_UI_WARN, threshold ? "%s %s %.4f, now %.4g (%s)" : "%s %s %.0f, now %.0f (%s)", h->key,
                h->at_least ? least : most, h->value, present, how);
    }
}

static void make_rows(ui *u, const ui_token *t, rows *r)
{
    r->n = 0;
    fate_row(u, t, r);
    if (t->fate == UI_FATE_UNKNOWN) return;
    if (t->site) rank_row(t, r);
    else add(r, "rank", SAINT_UI_MUTED, "no prune site has looked at it so far");
    if (t->site && t->known < UI_KNOWN_PREVIEW) return;
    if (t->site) hint_rows(u, t, r); /* what would change it before who is like it: the last lines are the first to be cut */
    near_row(t, r);
}

int ui_token_draw(ui *u, saint_ui_pen in)
{
    rows r;
    const ui_token *t = ui_lens_look(u, !ui_stale(u, UI_NOW) || !u->live);
    if (!t) {
        return saint_ui_paragraph(in, 1, 0, in.area.w - 2, in.area.h, 0, SAINT_UI_MUTED,
                                  u->info && !u->info->vit_layers ? "this model sees no pictures" : "choose a patch: arrows on the picture, or the mouse");
    }
    make_rows(u, t, &r);
    return saint_ui_facts_draw(saint_ui_pen_part(in, 1, 0, in.area.w - 2, in.area.h), r.fact, r.n, ui_inspect_of(u)->token_top, NULL, NULL, NULL);
}

static void draw(ui *u, saint_ui_pen pen)
{
    char name[24], detail[64] = "";
    if (ui_token_in_facts(u)) {
        ui_answer_draw(u, saint_ui_pane_draw(pen, &(saint_ui_pane){.title = "answer", .stale = ui_stale(u, UI_NOW)}), pen.area.h - 2);
        return;
    }
    const ui_token *t = u->patch >= 0 ? ui_lens_look(u, !ui_stale(u, UI_NOW) || !u->live) : NULL;
    if (t && t->column >= 0) snprintf(detail, sizeof detail, "at %s", ui_layer_name(u, t->column, name, sizeof name));
    saint_ui_pen in = saint_ui_pane_draw(
        pen, &(saint_ui_pane){.title = saint_ui_pane_title(SAINT_UI_PANE_TOKEN), .detail = detail, .focus = u->focus == SAINT_UI_PANE_TOKEN});
    ui_token_draw(u, in);
}

static bool event(ui *u, const saint_ui_event *e, const saint_ui_hit *hit)
{
    (void)hit;
    int *top = &ui_inspect_of(u)->token_top, step = 0;
    if (e->kind == SAINT_UI_PRESS) step = e->key == SAINT_UI_KEY_DOWN ? 1 : e->key == SAINT_UI_KEY_UP ? -1 : 0;
    if (e->kind == SAINT_UI_MOUSE) step = e->mouse == SAINT_UI_MOUSE_WHEEL_DOWN ? 1 : e->mouse == SAINT_UI_MOUSE_WHEEL_UP ? -1 : 0;
    if (!step) return e->kind == SAINT_UI_MOUSE;
    *top = *top + step < 0 ? 0 : *top + step > ROWS_MOST ? ROWS_MOST : *top + step;
    return true;
}

const ui_pane ui_pane_token = {.draw = draw, .event = event};
