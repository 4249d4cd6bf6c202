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
    speed_rates rates; /* of base; known when both have run */
    bool rates_known;
    double predicted[MEASURE_PARTS]; /* of now, at those rates; NaN = not known */
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
    g->rates_known = false;
    if (!g->now.has_work || !g->base.has_work) return;
    double s[MEASURE_PARTS];
    for (int i = 0; i < MEASURE_PARTS; i++) s[i] = g->base.part[i].median;
    g->rates = speed_rates_of(&g->base.work, s);
    g->rates_known = true;
    speed_predict(&g->now.work, &g->rates, g->predicted);
}

static const char *const part_name[MEASURE_PARTS] = {"preprocess", "encoder", "selection", "projector", "prefill", "decode"};

/* Decoding for as many steps as this plan's: answers differ in length, and that is no matter of speed. */
static double decode_for(const speed_plan *p, const speed_plan *now)
{
    double seconds = p->part[MEASURE_DECODE].median;
    if (p->work.steps == now->work.steps || now->work.steps < 1) return seconds;
    return p->work.steps > 0 ? seconds * now->work.steps / p->work.steps : (double)NAN;
}

/* ---- bars --------------------------------------------------------------------------------------------------------- */

static int make_rows(const ui *u, const page *g, saint_ui_bar_row row[MEASURE_PARTS])
{
    int n = 0, first = 0, last = MEASURE_PARTS;
    if (u->info && !u->info->llm_layers) last = MEASURE_PROJECTOR; /* a classifier ends with its encoder */
    if (u->info && !u->info->vit_layers) first = MEASURE_PREFILL;
    for (int i = first; i < last; i++) {
        const measure_value *v = &g->now.part[i];
        double base = i == MEASURE_DECODE ? decode_for(&g->base, &g->now) : g->base.part[i].median;
        bool shared = i == MEASURE_PREPROCESS; /* no plan changes it, so a prediction is no news */
        row[n++] = (saint_ui_bar_row){.label = part_name[i],
                                      .measured = 1e3 * v->median,
                                      .low = 1e3 * v->low,
                                      .high = 1e3 * v->high,
                                      .predicted = shared ? (double)NAN : 1e3 * g->predicted[i],
                                      .baseline = i == MEASURE_SELECTION ? (double)NAN : 1e3 * base};
    }
    return n;
}

static void site_line(saint_ui_pen p, int y, const char *name, const char *drops, const char *cost, const char *saves, const char *from,
                      saint_ui_role role)
{
    saint_ui_text(p, 0, y, 10, role, name);
    saint_ui_text_right(p, 16, y, 6, role, drops);
    saint_ui_text_right(p, 27, y, 10, role, cost);
    saint_ui_text_right(p, 38, y, 10, role, saves);
    saint_ui_text(p, 40, y, -1, role, from);
}

/* Break-even, site by site: what each costs and what it saves at the unpruned rates. */
static void draw_sites(saint_ui_pen p, const speed_site *site, int n)
{
    char name[24], drops[16], cost[24], saves[24], from[40];
    double costs = 0, saved = 0;
    int gone = 0, rows = p.area.h - 2; /* a heading and the total */
    site_line(p, 0, "site", "drops", "costs ms", "saves ms", "pays from", SAINT_UI_MUTED);
    for (int i = 0; i < n; i++) {
        costs += site[i].cost;
        saved += site[i].saves;
        gone += site[i].n_in - site[i].n_out;
        if (i >= rows) continue;
        if (i == rows - 1 && n > rows) {
            saint_ui_textf(p, 0, 1 + i, -1, SAINT_UI_MUTED, "and %d more", n - i);
            continue;
        }
        snprintf(name, sizeof name, "%s %d", site[i].stage == SAINT_STAGE_VIT ? "ViT" : "LLM", site[i].layer);
        snprintf(drops, sizeof drops, "%d", site[i].n_in - site[i].n_out);
        saint_ui_fixed(cost, sizeof cost, 1e3 * site[i].cost, 3);
        saint_ui_fixed(saves, sizeof saves, 1e3 * site[i].saves, 3);
        if (site[i].pays_from < 0) snprintf(from, sizeof from, "never");
        else snprintf(from, sizeof from, "%d token%s", site[i].pays_from, site[i].pays_from == 1 ? "" : "s");
        bool known = isfinite(site[i].saves);
        site_line(p, 1 + i, name, drops, cost, saves, known ? from : "-",
                  !known                         ? SAINT_UI_MUTED
                  : site[i].saves > site[i].cost ? SAINT_UI_TEXT
                                                 : SAINT_UI_BAD);
    }
    snprintf(drops, sizeof drops, "%d", gone);
    saint_ui_fixed(cost, sizeof cost, 1e3 * costs, 3);
    saint_ui_fixed(saves, sizeof saves, 1e3 * saved, 3);
    site_line(p, n < rows ? 1 + n : p.area.h - 1, "together", drops, cost, saves, "one run; predicted", SAINT_UI_STRONG);
}

static void draw_bars(ui *u, saint_ui_pen p)
{
    page g;
    saint_ui_bar_row row[MEASURE_PARTS];
    speed_site site[SAINT_MAX_SITES];
    char detail[80], note[64] = "";
    page_of(u, &g);
    speed_source_text(&g.now, detail, sizeof detail);
    int n = make_rows(u, &g, row), sites = g.rates_known ? speed_sites(u->info, u->plan[UI_NOW].trace, &g.rates, site, SAINT_MAX_SITES) : 0;
    if (g.now.work.steps > 0) snprintf(note, sizeof note, "decode: %d step%s", g.now.work.steps, g.now.work.steps == 1 ? "" : "s");
    saint_ui_pen in = saint_ui_pane_draw(p, &(saint_ui_pane){.title = "time by stage, ms",
                                                             .detail = detail,
                                                             .note = note,
                                                             .focus = u->focus == SAINT_UI_PANE_BARS,
                                                             .stale = ui_stale(u, UI_NOW)});
    in = saint_ui_pen_part(in, 1, 0, in.area.w - 2, in.area.h);
    /* The table takes what the bars leave when each has a line of its own; the bars grow into what the table leaves. */
    int least = n + 3, table = sites > 0 ? sites + 2 : 0;
    if (table > in.area.h - least) table = in.area.h - least;
    if (table < 4 && table < sites + 2) table = 0;
    saint_ui_bars_draw(saint_ui_pen_part(in, 0, 0, in.area.w, in.area.h - (table ? table + 1 : 0)),
                       &(saint_ui_bars){.row = row, .n = n, .unit = "ms", .decimals = 2, .legend = true});
    if (table) draw_sites(saint_ui_pen_part(in, 0, in.area.h - table, in.area.w, table), site, sites);
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
    char label[4][48], detail[48] = "";
    int n = 0;
    for (int i = 0; i < 4; i++) {
        if (!all[i].there) continue;
        const speed_plan *s = all[i].plan;
        for (int k = 0; k < MEASURE_PARTS; k++) part[n][k] = 1e3 * s->part[k].median;
        part[n][MEASURE_DECODE] = 1e3 * decode_for(s, &g.now);
        if (s->source == SPEED_MEASURED) snprintf(label[n], sizeof label[n], "%s n=%d", all[i].name, s->n);
        else
            snprintf(label[n], sizeof label[n], "%s%s", all[i].name,
                     s->source == SPEED_CACHED ? " cached"
                     : s->source == SPEED_ONCE ? " n=1"
                                               : " -");
        stack[n] = (saint_ui_stack){label[n], part[n]};
        n++;
    }
    if (g.now.work.steps > 0) snprintf(detail, sizeof detail, "decoding %d step%s each", g.now.work.steps, g.now.work.steps == 1 ? "" : "s");
    saint_ui_pen in =
        saint_ui_pane_draw(p, &(saint_ui_pane){.title = "plans", .detail = detail, .focus = u->focus == SAINT_UI_PANE_STACKS});
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
