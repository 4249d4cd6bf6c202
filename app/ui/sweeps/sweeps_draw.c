/* sweeps_draw.c - the panes of the Sweep page. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/actions.h"
#include "ui/runs/chart_draw.h"
#include "ui/sweeps/sweeps.h"

enum { HIT_FORM = 1, HIT_RUNS, HIT_HEADS, HIT_NEXT };

/* ---- progress ---- */

static const char *what_now(const sweep_entry *e)
{
    switch (e->state) {
    case CHILD_RUNNING: return "p pause   x cancel";
    case CHILD_PAUSING: return "finishing its sample";
    case CHILD_CANCELLING: return "finishing its sample; x again stops it at once";
    case CHILD_PAUSED:
    case CHILD_CANCELLED: return "p goes on where it stopped";
    case CHILD_FAILED: return "R starts it again";
    case CHILD_COMPLETE: return e->set && e->set->data->errors ? "R runs failed samples again" : "n another one   5 charts";
    default: return e->launch.argc ? "p starts it" : "read only: it was not started here";
    }
}

/* The state as the records say it: one that was never started here may be complete all the same. */
static const char *state_of(const sweep_entry *e)
{
    if (e->set && e->set->data->complete && !child_alive(e->state)) return "complete";
    return e->state == CHILD_IDLE ? (e->set ? "incomplete" : "not read yet") : child_state_name(e->state);
}

/* "scenes-vlm, f32 on cpu, 8 samples of scenes:test: keep_num, saint_threshold" */
static void about(const sweep_data *d, char *out, size_t size)
{
    const char *slash = d->model ? strrchr(d->model, '/') : NULL, *model = slash ? slash + 1 : d->model ? d->model : "?";
    int n = snprintf(out, size, "%s, %s on %s, %d runs of %zu samples:", model, d->dtype ? d->dtype : "?", d->backend ? d->backend : "?", d->n_trials, d->n_wanted);
    for (int i = 0; i < d->axes.n_params && n > 0 && (size_t)n < size; i++)
        n += snprintf(out + n, size - (size_t)n, "%s %s", i ? "," : "", d->axes.param[i]);
    if (d->conflicts && n > 0 && (size_t)n < size) snprintf(out + n, size - (size_t)n, "   %zu samples had two different outputs", d->conflicts);
}

static void draw_progress(ui *u, saint_ui_pen p)
{
    ui_sweeps *s = u->sweeps;
    const sweep_entry *e = sweeps_selected(u);
    saint_ui_progress g;
    char title[64], note[160] = "", line[400];
    snprintf(title, sizeof title, s->n > 1 ? "sweep %d of %d" : "sweep", s->at + 1, s->n);
    if (e) snprintf(note, sizeof note, "%s", what_now(e));
    saint_ui_pen in = saint_ui_pane_draw(
        p, &(saint_ui_pane){.title = title, .detail = e ? state_of(e) : NULL, .note = note[0] ? note : NULL, .focus = u->focus == SAINT_UI_PANE_PROGRESS});
    saint_ui_clear(in, SAINT_UI_TEXT);
    saint_ui_hit_add(in, 0, 0, in.area.w, in.area.h, HIT_NEXT, 0);
    saint_ui_pen row = saint_ui_pen_part(in, 1, 0, in.area.w - 2, 1);
    if (!e) {
        saint_ui_text(row, 0, 0, -1, SAINT_UI_MUTED, "no sweep yet");
        return;
    }
    if (sweeps_progress(u, e, &g) && g.total > 0) saint_ui_progress_draw(row, &g);
    else saint_ui_textf(row, 0, 0, -1, SAINT_UI_MUTED, "%s: %s", e->name, child_alive(e->state) ? "starting" : e->error.text[0] ? e->error.text : "reading");
    if (in.area.h < 2) return;
    saint_ui_text(in, 1, 1, in.area.w - 2, SAINT_UI_FAINT, e->folder);
    if (in.area.h < 3) return;
    if (e->set && e->state != CHILD_FAILED) about(e->set->data, line, sizeof line);
    else if (e->state == CHILD_FAILED && e->code < 0) snprintf(line, sizeof line, "killed by signal %d; what is finished is kept", -e->code); /* it had no time to write why */
    else sweeps_log_line(e, line, sizeof line);
    saint_ui_text(in, 1, 2, in.area.w - 2, e->state == CHILD_FAILED ? SAINT_UI_BAD : SAINT_UI_MUTED, line);
}

static bool event_progress(ui *u, const saint_ui_event *e, const saint_ui_hit *hit)
{
    (void)hit;
    int by = 0;
    if (e->kind == SAINT_UI_PRESS)
        by = e->key == SAINT_UI_KEY_LEFT || e->key == SAINT_UI_KEY_UP ? -1 : e->key == SAINT_UI_KEY_RIGHT || e->key == SAINT_UI_KEY_DOWN ? 1 : 0;
    else if (e->kind == SAINT_UI_MOUSE)
        by = e->mouse == SAINT_UI_MOUSE_WHEEL_UP ? -1 : e->mouse == SAINT_UI_MOUSE_WHEEL_DOWN ? 1 : 0;
    if (!by) return false;
    sweeps_select(u, u->sweeps->at + by);
    return true;
}

/* ---- runs, or the form ---- */

static void draw_runs(ui *u, saint_ui_pen p)
{
    ui_sweeps *s = u->sweeps;
    bool focus = u->focus == SAINT_UI_PANE_RUNS;
    char note[400];
    if (s->form_open) {
        saint_ui_pen in = saint_ui_pane_draw(p, &(saint_ui_pane){.title = "new sweep", .detail = u->subject.data_name, .note = "Esc close", .focus = focus});
        sweeps_form_draw(u, in);
        return;
    }
    run_table_note(&s->runs, note, sizeof note);
    const sweep_data *d = s->runs.set ? s->runs.set->data : NULL;
    saint_ui_pen in = saint_ui_pane_draw(p, &(saint_ui_pane){.title = "runs", .detail = d ? d->data : NULL, .note = d ? note : NULL, .focus = focus});
    if (!s->n)
        saint_ui_paragraph(in, 1, 0, in.area.w - 2, in.area.h, 0, SAINT_UI_MUTED,
                           "n defines a sweep from the live plan: which parameters, which values, on how many samples. S on a parameter of page 1 begins with that one. "
                           "It runs in the background and goes on when this window is closed. O shows a sweep that is there already.");
    else run_table_draw(in, &s->runs, focus, HIT_RUNS);
}

static bool captures_runs(const ui *u) { return u->sweeps->form_open; }

static bool event_runs(ui *u, const saint_ui_event *e, const saint_ui_hit *hit)
{
    ui_sweeps *s = u->sweeps;
    bool open = false;
    if (s->form_open) {
        if (e->kind == SAINT_UI_MOUSE && e->mouse == SAINT_UI_MOUSE_DOWN && hit && hit->what == HIT_FORM) {
            s->form.at = hit->value;
            if (hit->value == FORM_START) sweeps_begin(u, false);
            return true;
        }
        return sweeps_form_event(u, e);
    }
    bool taken = run_table_event(&s->runs, e, hit, HIT_RUNS, &open);
    if (!open && !(e->kind == SAINT_UI_PRESS && e->key == SAINT_UI_KEY_ENTER)) return taken;
    ui_do_run_load(u, "");
    return true;
}

/* ---- the chart beside them: what the runs cost and what they are worth ---- */

struct sweep_chart {
    chart_data data;
    chart_axes axes;
    bool *shown;
    uint64_t filter;
};

void sweeps_chart_free(ui_sweeps *s)
{
    if (s->chart) {
        chart_data_free(&s->chart->data);
        free(s->chart->shown);
    }
    free(s->chart);
    run_set_unref(s->charted);
    s->chart = NULL;
    s->charted = NULL;
}

static bool chart_of_selected(ui *u, saint_error *err)
{
    ui_sweeps *s = u->sweeps;
    run_set *set = sweeps_set(u);
    if (s->charted != set) {
        sweeps_chart_free(s);
        s->charted = run_set_ref(set);
    }
    if (!set || s->chart) return set != NULL;
    s->chart = calloc(1, sizeof *s->chart);
    if (!s->chart) return saint_fail(err, SAINT_MEMORY, "no memory for a chart"), false;
    if (chart_of_sweep(set->data, &s->chart->data, err) != SAINT_OK) return false;
    chart_axes_default(&s->chart->data, 1, &s->chart->axes);
    s->chart->shown = calloc((size_t)s->chart->data.n_rows + 1, sizeof *s->chart->shown);
    s->chart->filter = s->filter_version - 1;
    return s->chart->shown != NULL;
}

static void draw_chart(ui *u, saint_ui_pen p)
{
    ui_sweeps *s = u->sweeps;
    saint_error err = {0};
    chart_figure f;
    bool focus = u->focus == SAINT_UI_PANE_CHART;
    if (!chart_of_selected(u, &err)) {
        saint_ui_pen in = saint_ui_pane_draw(p, &(saint_ui_pane){.title = "chart", .focus = focus});
        saint_ui_clear(in, SAINT_UI_TEXT);
        if (err.text[0]) saint_ui_failure(in, "the chart cannot be drawn", err.text);
        return;
    }
    struct sweep_chart *c = s->chart;
    if (c->filter != s->filter_version) {
        c->filter = s->filter_version;
        run_table_shown(&s->runs, c->shown);
    }
    char title[160];
    const chart_axes *a = &c->axes;
    snprintf(title, sizeof title, "%s against %s", a->y[0] >= 0 ? c->data.column[a->y[0]].name : "-", a->x >= 0 ? c->data.column[a->x].name : "-");
    /* The cursor stands where the selected run is. */
    double cursor = NAN;
    int trial = run_table_trial(&s->runs);
    for (int i = 0; i < c->data.n_rows && trial >= 0 && a->x >= 0; i++)
        if (c->data.row[i].key == sweeps_set(u)->data->trial[trial].trial.ordinal) cursor = c->data.value[chart_at(&c->data, i, a->x)];
    if (chart_build(&c->data, a, c->shown, NAN, cursor, &f, &err) != SAINT_OK) return;
    saint_ui_pen in = saint_ui_pane_draw(p, &(saint_ui_pane){.title = title, .note = "5 charts", .focus = focus});
    chart_draw(in, &f, 0, -1, 0, 0, NULL);
    chart_figure_free(&f);
}

const ui_pane ui_pane_sweep_progress = {.draw = draw_progress, .event = event_progress};
static const saint_ui_action form_keys[] = {{.key = "Tab", .label = "Next row", .weight = 4}, {.key = "Left Right", .label = "Change", .weight = 2},
                                            {.key = "Enter", .label = "Next, on Start: start", .weight = 3}, {.key = "Esc", .label = "Close", .weight = 5}};
const ui_pane ui_pane_sweep_runs = {
    .draw = draw_runs, .event = event_runs, .captures = captures_runs, .keys = form_keys, .n_keys = sizeof form_keys / sizeof *form_keys};
const ui_pane ui_pane_sweep_chart = {.draw = draw_chart};
