/* page_speed.c - the speed page: times by stage, plans side by side, and what the numbers mean. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/extra.h"
#include "views/bars.h"

/* The plans of the page, what is missing of one completed by the others. */
typedef struct {
    speed_plan now, base, random, a;
    double predicted[MEASURE_PARTS]; /* of now, at the rates of base; NaN = not known */
} page;

static void page_of(const ui *u, page *g)
{
    ui_speed_of(u, UI_NOW, &g->now);
    ui_speed_of(u, UI_BASE, &g->base);
    ui_speed_of(u, UI_RANDOM, &g->random);
    ui_speed_of(u, UI_A, &g->a);
    speed_plan_complete(&g->base, &g->now);
    speed_plan_complete(&g->now, &g->base);
    speed_plan_complete(&g->random, &g->base);
    speed_plan_complete(&g->a, &g->base);
    for (int i = 0; i < MEASURE_PARTS; i++) g->predicted[i] = NAN;
    if (!g->now.has_work || !g->base.has_work) return;
    double s[MEASURE_PARTS];
    for (int i = 0; i < MEASURE_PARTS; i++) s[i] = g->base.part[i].median;
    speed_rates r = speed_rates_of(&g->base.work, s);
    speed_predict(&g->now.work, &r, g->predicted);
}

static const char *const part_name[MEASURE_PARTS] = {"preprocess", "encoder", "selection", "projector", "prefill", "decode"};

/* ---- bars --------------------------------------------------------------------------------------------------------- */

static void draw_bars(ui *u, saint_ui_pen p)
{
    page g;
    saint_ui_bar_row row[MEASURE_PARTS];
    char detail[80];
    int n = 0, first = 0, last = MEASURE_PARTS;
    page_of(u, &g);
    speed_source_text(&g.now, detail, sizeof detail);
    if (u->info && !u->info->llm_layers) last = MEASURE_PROJECTOR; /* a classifier ends with its encoder */
    if (u->info && !u->info->vit_layers) first = MEASURE_PREFILL;
    for (int i = first; i < last; i++) {
        const measure_value *v = &g.now.part[i];
        bool shared = i == MEASURE_PREPROCESS; /* no plan changes it, so the baseline's time is no news */
        row[n++] = (saint_ui_bar_row){.label = part_name[i],
                                      .measured = 1e3 * v->median,
                                      .low = 1e3 * v->low,
                                      .high = 1e3 * v->high,
                                      .predicted = shared ? (double)NAN : 1e3 * g.predicted[i],
                                      .baseline = i == MEASURE_SELECTION ? (double)NAN : 1e3 * g.base.part[i].median};
    }
    char note[64] = "";
    if (g.now.work.steps > 0 && g.now.source != SPEED_UNKNOWN)
        snprintf(note, sizeof note, "decode: %d steps", g.now.work.steps);
    saint_ui_pen in = saint_ui_pane_draw(p, &(saint_ui_pane){.title = "time by stage, ms",
                                                             .detail = detail,
                                                             .note = note,
                                                             .focus = u->focus == SAINT_UI_PANE_BARS,
                                                             .stale = ui_stale(u, UI_NOW)});
    saint_ui_bars_draw(saint_ui_pen_part(in, 1, 0, in.area.w - 2, in.area.h),
                       &(saint_ui_bars){.row = row, .n = n, .unit = "ms", .decimals = 2, .legend = true});
}

const ui_pane ui_pane_speed_bars = {.draw = draw_bars};

/* ---- plans -------------------------------------------------------------------------------------------------------- */

static void draw_stacks(ui *u, saint_ui_pen p)
{
    page g;
    page_of(u, &g);
    const struct {
        const char *name;
        const speed_plan *plan;
        bool there;
    } all[] = {{"full", &g.base, true}, {"now", &g.now, true}, {"random", &g.random, g.random.has_work}, {"A", &g.a, u->plan[UI_A].set}};
    saint_ui_stack stack[4];
    double part[4][MEASURE_PARTS];
    char label[4][48];
    int n = 0;
    for (int i = 0; i < 4; i++) {
        if (!all[i].there) continue;
        const speed_plan *s = all[i].plan;
        for (int k = 0; k < MEASURE_PARTS; k++) part[n][k] = 1e3 * s->part[k].median;
        if (s->source == SPEED_MEASURED) snprintf(label[n], sizeof label[n], "%s n=%d", all[i].name, s->n);
        else snprintf(label[n], sizeof label[n], "%s%s", all[i].name, s->source == SPEED_CACHED ? " cached" : s->source == SPEED_ONCE ? " n=1" : " -");
        stack[n] = (saint_ui_stack){label[n], part[n]};
        n++;
    }
    saint_ui_pen in = saint_ui_pane_draw(p, &(saint_ui_pane){.title = "plans", .focus = u->focus == SAINT_UI_PANE_STACKS});
    saint_ui_stacks_draw(saint_ui_pen_part(in, 1, 0, in.area.w - 2, in.area.h), stack, n, part_name, MEASURE_PARTS, "ms", 1);
}

const ui_pane ui_pane_speed_stacks = {.draw = draw_stacks};

/* ---- notes -------------------------------------------------------------------------------------------------------- */

static char *notes_text(const ui *u)
{
    page g;
    speed_notes *notes = malloc(sizeof *notes);
    size_t n = 0;
    if (!notes) return NULL;
    page_of(u, &g);
    int now = ui_speed_measured(u, UI_NOW), base = ui_speed_measured(u, UI_BASE);
    measure_value ratio = {NAN, NAN, NAN, 0};
    if (now >= 0 && base >= 0) ratio = measure_ratio(&u->speed->runs, now, base, MEASURE_FIRST);
    speed_explain(u->info, u->plan[UI_NOW].trace, &g.now, &g.base, &g.random, &ratio, notes);
    char *out = malloc(sizeof notes->text + SPEED_NOTES + 1);
    if (out) out[0] = 0;
    for (int i = 0; out && i < notes->n; i++) n += (size_t)snprintf(out + n, SPEED_NOTE + 1, "%s%s", i ? "\n" : "", notes->text[i]);
    free(notes);
    return out;
}

static void draw_notes(ui *u, saint_ui_pen p)
{
    char *text = notes_text(u);
    saint_ui_pen in = saint_ui_pane_draw(p, &(saint_ui_pane){.title = "what it means", .focus = u->focus == SAINT_UI_PANE_NOTES});
    in = saint_ui_pen_part(in, 1, 0, in.area.w - 2, in.area.h);
    if (text) {
        int lines = saint_ui_wrap_count(text, in.area.w);
        if (u->speed->top > lines - in.area.h) u->speed->top = lines - in.area.h;
        if (u->speed->top < 0) u->speed->top = 0;
        saint_ui_paragraph(in, 0, 0, in.area.w, in.area.h, u->speed->top, SAINT_UI_TEXT, text);
    }
    free(text);
}

static bool notes_event(ui *u, const saint_ui_event *e, const saint_ui_hit *hit)
{
    (void)hit;
    int step = ui_scroll_step(e);
    u->speed->top += step;
    if (u->speed->top < 0) u->speed->top = 0;
    return step != 0;
}

const ui_pane ui_pane_speed_notes = {.draw = draw_notes, .event = notes_event};
