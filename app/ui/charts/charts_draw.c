#define _GNU_SOURCE
#include "ui/actions.h"
#include "ui/runs/chart_draw.h"
#include "ui/charts/charts.h"
#include "ui/sweeps/sweeps.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HIT_PLOT = 1, HIT_LEGEND, HIT_ROWS, HIT_HEADS };

static const char *column_name(const chart_data *d, int column) { return column >= 0 && column < d->n_columns ? d->column[column].name : "-"; }

/* ---- the line below: what the cursor reads, or what there is to know about the curves ---- */

static void readout(const ui_charts *c, const charts_pane *p, char *out, size_t size)
{
    const chart_figure *f = &p->figure;
    int n = 0;
    out[0] = 0;
    if (!isnan(p->cursor)) {
        chart_readout(&c->data, f, out, size);
        return;
    }
    if (f->crowded) n = snprintf(out, size, "several runs per x: c, one curve per");
    if (f->left_out && n >= 0 && (size_t)n < size) snprintf(out + n, size - (size_t)n, "%s%d runs of other values not shown", n ? "   " : "", f->left_out);
}

static void plot(ui *u, saint_ui_pen in, int which)
{
    ui_charts *c = u->charts;
    charts_pane *p = &c->pane[which];
    saint_error e = {0};
    chart_figure_free(&p->figure);
    if (c->data.n_rows < 1) { /* axes of nothing would say that there is something */
        if (u->model_error.code != SAINT_OK) saint_ui_failure(in, "no model, so no runs", u->model_error.text);
        else if (!which)
            saint_ui_paragraph(in, 1, 0, in.area.w - 2, in.area.h, 0, SAINT_UI_MUTED,
                               "Every run of this picture becomes a point here: change a parameter on page 1. d shows the runs of a sweep instead; c chooses what is drawn.");
        return;
    }
    saint_status s = chart_build(&c->data, &p->axes, c->shown, c->mark[which], p->cursor, &p->figure, &e);
    if (s != SAINT_OK) {
        saint_ui_failure(in, "the chart cannot be drawn", e.text);
        return;
    }
    bool focus = u->focus == (which ? SAINT_UI_PANE_CHART_B : SAINT_UI_PANE_CHART);
    chart_draw(in, &p->figure, p->axes.hidden, focus ? charts_pick(p) : -1, HIT_PLOT, HIT_LEGEND, &p->frame);
}

static void draw_preview(ui *u, saint_ui_pen p)
{
    ui_charts *c = u->charts;
    int w = p.area.w - 4, h = p.area.h - 2;
    if (w < 20 || h < 8) return;
    if (c->preview_wanted || (c->preview && (c->preview_w != w || c->preview_h != h) && !errands_busy(c->errands))) {
        c->preview_wanted = false;
        charts_figure_text(u, w, h);
    }
    if (!c->preview) return;
    saint_ui_pen in = saint_ui_overlay(p, w + 2, h + 2, "gnuplot", "Esc close");
    const char *line = c->preview;
    for (int y = 0; y < in.area.h && *line; y++) {
        size_t n = strcspn(line, "\n");
        char text[512];
        snprintf(text, sizeof text, "%.*s", (int)(n < sizeof text ? n : sizeof text - 1), line);
        saint_ui_text(in, 0, y, in.area.w, SAINT_UI_TEXT, text);
        line += n + (line[n] == '\n');
    }
}

static void draw(ui *u, saint_ui_pen pen, int which)
{
    ui_charts *c = u->charts;
    charts_refresh(u);
    charts_pane *p = &c->pane[which];
    const chart_axes *a = &p->axes;
    saint_ui_pane_id id = which ? SAINT_UI_PANE_CHART_B : SAINT_UI_PANE_CHART;
    char title[256], origin[256], note[400] = "";
    bool as_table = c->table && which == 0;
    charts_origin(c, origin, sizeof origin);
    if (as_table) snprintf(title, sizeof title, "runs"), run_table_note(&c->runs, note, sizeof note);
    else if (a->x < 0) snprintf(title, sizeof title, "chart");
    else if (a->y[1] >= 0)
        snprintf(title, sizeof title, "%s and %s against %s", column_name(&c->data, a->y[0]), column_name(&c->data, a->y[1]),
                 column_name(&c->data, a->x));
    else snprintf(title, sizeof title, "%s against %s", column_name(&c->data, a->y[0]), column_name(&c->data, a->x));
    /* The note tells the cursor; its points are those of the drawing, so it is drawn into the frame afterwards. */
    saint_ui_pane pane = {.title = title, .detail = origin, .focus = u->focus == id};
    saint_ui_pen in = saint_ui_pane_draw(pen, &pane);
    if (as_table) run_table_draw(in, &c->runs, u->focus == id, HIT_ROWS);
    else plot(u, in, which);
    if (!as_table) readout(c, p, note, sizeof note);
    if (note[0] && in.area.h < pen.area.h && in.area.w > 8) {
        char cut[400];
        char line[404];
        saint_ui_text_cut(cut, sizeof cut, note, in.area.w - 4, saint_ui_sym(pen, SAINT_UI_SYM_ELLIPSIS));
        snprintf(line, sizeof line, " %s ", cut);
        saint_ui_text_right(pen, pen.area.w - 2, pen.area.h - 1, -1, SAINT_UI_TEXT, line);
    }
    if (c->chooser == which) charts_draw_chooser(u, in);
    if (charts_focus(u) == which) draw_preview(u, pen);
}

static void draw_a(ui *u, saint_ui_pen pen) { draw(u, pen, 0); }
static void draw_b(ui *u, saint_ui_pen pen) { draw(u, pen, 1); }

/* ---- events ---- */

/* The cursor goes to x; the other chart's goes to the same run. */
static void point(ui *u, int which, double x)
{
    ui_charts *c = u->charts;
    charts_pane *p = &c->pane[which], *other = &c->pane[!which];
    p->cursor = p->figure.plot.cursor = x;
    int row = chart_figure_row(&p->figure);
    other->cursor = NAN;
    if (row >= 0 && other->axes.x >= 0) other->cursor = c->data.value[chart_at(&c->data, row, other->axes.x)];
}

static bool key(ui *u, const saint_ui_event *e, int which)
{
    ui_charts *c = u->charts;
    charts_pane *p = &c->pane[which];
    int step = e->key == SAINT_UI_KEY_LEFT ? -1 : e->key == SAINT_UI_KEY_RIGHT ? 1 : 0;
    if (step) {
        double x = p->cursor;
        for (int i = 0; i < (e->mods & SAINT_UI_SHIFT ? 5 : 1); i++) {
            double next = saint_ui_plot_step(&p->figure.plot, x, step);
            if (isnan(next)) break;
            x = next;
        }
        point(u, which, x);
        return true;
    }
    switch (e->key) {
    case SAINT_UI_KEY_HOME: point(u, which, saint_ui_plot_step(&p->figure.plot, NAN, 1)); return true;
    case SAINT_UI_KEY_END: point(u, which, saint_ui_plot_step(&p->figure.plot, NAN, -1)); return true;
    case SAINT_UI_KEY_DOWN:
    case SAINT_UI_KEY_UP: {
        int to = charts_pick(p) + (e->key == SAINT_UI_KEY_UP ? 1 : -1);
        if (to >= 0 && to < p->figure.plot.n_series) p->pick = p->figure.slot[to];
        return true;
    }
    case SAINT_UI_KEY_ENTER: charts_load_row(u, chart_figure_row(&p->figure)); return true;
    case SAINT_UI_KEY_ESCAPE:
        if (isnan(p->cursor)) return false;
        point(u, which, NAN);
        return true;
    default: return false;
    }
}

static bool mouse(ui *u, const saint_ui_event *e, const saint_ui_hit *hit, int which)
{
    charts_pane *p = &u->charts->pane[which];
    if (e->mouse == SAINT_UI_MOUSE_WHEEL_UP || e->mouse == SAINT_UI_MOUSE_WHEEL_DOWN) {
        ui_do_chart_zoom(u, e->mouse == SAINT_UI_MOUSE_WHEEL_UP ? "in" : "out");
        return true;
    }
    if (e->mouse == SAINT_UI_MOUSE_DOWN && hit && hit->what == HIT_LEGEND && hit->value < p->figure.plot.n_series) {
        p->pick = p->figure.slot[hit->value];
        p->axes.hidden ^= 1u << p->figure.slot[hit->value];
        return true;
    }
    if (e->mouse == SAINT_UI_MOUSE_UP) return false;
    double x = saint_ui_plot_x_at(&p->frame, e->x), best = NAN;
    if (isnan(x)) return false;
    for (int i = 0; i < p->figure.plot.n_series; i++) { /* the nearest point of any curve */
        const saint_ui_series *s = &p->figure.series[i];
        int k = saint_ui_plot_nearest(s, x, p->axes.log_x);
        if (k >= 0 && !(fabs(best - x) <= fabs(s->x[k] - x))) best = s->x[k];
    }
    point(u, which, best);
    return true;
}

static bool event(ui *u, const saint_ui_event *e, const saint_ui_hit *hit, int which)
{
    ui_charts *c = u->charts;
    bool press = e->kind == SAINT_UI_PRESS, open = false;
    if (c->chooser == which) return charts_chooser_event(u, e);
    if (c->preview && press && e->key == SAINT_UI_KEY_ESCAPE) {
        free(c->preview);
        c->preview = NULL;
        return true;
    }
    if (c->table && which == 0) {
        if (press && e->key == SAINT_UI_KEY_ESCAPE) return c->table = false, true;
        bool taken = run_table_event(&c->runs, e, hit, HIT_ROWS, &open);
        if (!open && !(press && e->key == SAINT_UI_KEY_ENTER)) return taken;
        int trial = run_table_trial(&c->runs);
        if (trial >= 0) sweeps_load_trial(u, c->shown_set->data, c->shown_set->data->trial[trial].trial.ordinal);
        return true;
    }
    if (press) return key(u, e, which);
    return e->kind == SAINT_UI_MOUSE && mouse(u, e, hit, which);
}

static bool event_a(ui *u, const saint_ui_event *e, const saint_ui_hit *hit) { return event(u, e, hit, 0); }
static bool event_b(ui *u, const saint_ui_event *e, const saint_ui_hit *hit) { return event(u, e, hit, 1); }
static bool captures_a(const ui *u) { return u->charts->chooser == 0; }
static bool captures_b(const ui *u) { return u->charts->chooser == 1; }

static const saint_ui_action choose_keys[] = {{.key = "Up Down", .label = "Row", .weight = 3}, {.key = "Left Right", .label = "Change", .weight = 4},
                                              {.key = "Esc", .label = "Done", .weight = 5}};
enum { CHOOSE_KEYS = sizeof choose_keys / sizeof *choose_keys };
const ui_pane ui_pane_chart = {.draw = draw_a, .event = event_a, .captures = captures_a, .keys = choose_keys, .n_keys = CHOOSE_KEYS};
const ui_pane ui_pane_chart_b = {.draw = draw_b, .event = event_b, .captures = captures_b, .keys = choose_keys, .n_keys = CHOOSE_KEYS};
