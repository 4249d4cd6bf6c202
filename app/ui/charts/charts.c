#define _GNU_SOURCE
#include "ui/charts/charts.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/actions.h"
#include "ui/sweeps/sweeps.h"

/* ---- the runs of this session ---- */

static void arrived(ui *u, int slot)
{
    ui_charts *c = u->charts;
    const ui_plan *p = &u->plan[slot];
    saint_error e = {0};
    if ((slot != UI_NOW && slot != UI_BASE && slot != UI_RANDOM) || !p->trace || !u->model || !u->subject.file) return;
    if (p->trace_version != p->version) return; /* a picture or a setting later: it belongs to what is gone */
    /* Random counts were taken from the live plan's run: without one they stand for nothing. */
    if (slot == UI_RANDOM && (!c->now_number || ui_stale(u, UI_NOW))) return;
    int number = 0;
    saint_status s = live_add(c->live, u->model, slot == UI_RANDOM ? CHART_RANDOM : CHART_RUN, c->now_number, &p->settings, p->trace, p->company,
                              u->subject.file, u->subject.question, &number, &e);
    if (s != SAINT_OK) ui_say(u, SAINT_UI_SAY_WARN, "this run is not in the charts: %s", e.text);
    if (slot == UI_NOW) c->now_number = number;
    c->session_stale = true;
    if (u->page != SAINT_UI_PAGE_CHARTS) return;
    if (slot == UI_NOW && c->source == CHARTS_SESSION) ui_want(u, UI_RANDOM); /* somebody looks at what it would be compared with */
    ui_redraw(u);
}

static void subject(ui *u)
{
    u->charts->session_stale = true;
    u->charts->now_number = 0;
}

static void model(ui *u)
{
    ui_charts *c = u->charts;
    if (u->info) return;
    live_clear(c->live);
    subject(u);
}

/* ---- what is shown ---- */

static run_set *session_set(ui *u)
{
    ui_charts *c = u->charts;
    saint_error e = {0};
    sweep_data *d = NULL;
    if (!c->session_stale) return c->session;
    c->session_stale = false;
    run_set_unref(c->session);
    c->session = NULL;
    if (!u->subject.file || !live_count(c->live, u->subject.file, u->subject.question)) return NULL;
    if (live_sweep(c->live, u->subject.file, u->subject.question, &d, &e) != SAINT_OK) ui_say(u, SAINT_UI_SAY_BAD, "%s", e.text);
    else if (!(c->session = run_set_new(d, live_sweep_free))) live_sweep_free(d);
    return c->session;
}

static bool take_axes(ui_charts *c, charts_pane *p, const char *text, char bad[64]);

static void show_set(ui *u, run_set *set)
{
    ui_charts *c = u->charts;
    saint_error e = {0};
    chart_data fresh = {0};
    if (set && chart_of_sweep(set->data, &fresh, &e) != SAINT_OK) {
        ui_say(u, SAINT_UI_SAY_BAD, "%s", e.text);
        set = NULL;
    }
    if (set) fresh.one_picture = c->source == CHARTS_SESSION;
    for (int i = 0; i < CHARTS_PANES; i++) {
        if (c->pane[i].chosen) chart_axes_move(&c->data, &fresh, i, &c->pane[i].axes);
        else chart_axes_default(&fresh, i, &c->pane[i].axes);
        chart_figure_free(&c->pane[i].figure); /* its names are those of the old table */
    }
    chart_data_free(&c->data);
    c->data = fresh;
    run_set_ref(set);
    run_set_unref(c->shown_set);
    c->shown_set = set;
    free(c->shown);
    c->shown = calloc((size_t)fresh.n_rows + 1, sizeof *c->shown);
    for (int i = 0; c->shown && i < fresh.n_rows; i++) c->shown[i] = true;
    c->shown_filter = 0;
    c->mark_version = 0;
    if (run_table_show(&c->runs, set, &e) != SAINT_OK) ui_say(u, SAINT_UI_SAY_WARN, "%s", e.text);
    c->chooser = -1; /* its rows were the old columns */
    for (int i = 0; i < CHARTS_PANES && set; i++) { /* of the last session */
        char bad[64];
        if (c->pane[i].wanted[0] && take_axes(c, &c->pane[i], c->pane[i].wanted, bad)) c->pane[i].wanted[0] = 0;
    }
}

/* Where the live plan stands on each x axis. */
static void place_marks(ui *u)
{
    ui_charts *c = u->charts;
    eval_trial now = {.settings = u->plan[UI_NOW].settings, .twin_of = -1};
    saint_error e;
    cJSON *config = NULL;
    if (u->info && eval_trial_identify(&now, u->info, &e) == SAINT_OK) config = cJSON_Parse(now.config);
    eval_trial_free(&now);
    for (int i = 0; i < CHARTS_PANES; i++) {
        int x = c->pane[i].axes.x;
        char text[64] = "", *end;
        c->mark[i] = NAN;
        if (x < 0 || x >= c->data.n_columns) continue;
        if (c->data.column[x].kind == CHART_PARAMETER && config) live_value(config, c->data.column[x].name, text, sizeof text);
        double v = strtod(text, &end);
        if (text[0] && !*end) c->mark[i] = v;
        for (int r = 0; r < c->data.n_rows && c->source == CHARTS_SESSION && c->data.column[x].kind != CHART_PARAMETER; r++)
            if (c->data.row[r].key == c->now_number) c->mark[i] = c->data.value[chart_at(&c->data, r, x)];
    }
    cJSON_Delete(config);
}

void charts_refresh(ui *u)
{
    ui_charts *c = u->charts;
    run_set *sweep = sweeps_set(u);
    if (!c->source_chosen) c->source = sweep && sweep->data->done > 0 ? CHARTS_SWEEP : CHARTS_SESSION;
    run_set *set = c->source == CHARTS_SWEEP ? sweep : session_set(u);
    if (set != c->shown_set || (!set && c->data.n_rows)) show_set(u, set);
    if (c->source == CHARTS_SWEEP && c->shown && c->shown_filter != sweeps_filter_version(u)) {
        c->shown_filter = sweeps_filter_version(u);
        sweeps_shown(u, c->shown);
    }
    uint64_t version = u->plan[UI_NOW].version + 1;
    if (c->mark_version != version) {
        c->mark_version = version;
        place_marks(u);
    }
}

void charts_origin(const ui_charts *c, char *out, size_t size)
{
    int least = 0, most = 0;
    for (int i = 0; i < c->data.n_rows; i++) {
        int n = c->data.row[i].n;
        if (n > most) most = n;
        if (n && (!least || n < least)) least = n;
    }
    if (!c->shown_set) snprintf(out, size, "%s", c->source == CHARTS_SWEEP ? "no sweep is open" : "no run of this picture yet");
    else if (c->source == CHARTS_SESSION) snprintf(out, size, "n = 1, this picture");
    else if (least == most) snprintf(out, size, "n = %d, sweep %s", most, c->data.title ? c->data.title : "");
    else snprintf(out, size, "n = %d to %d, sweep %s", least, most, c->data.title ? c->data.title : "");
}

int charts_pick(const charts_pane *p)
{
    for (int i = 0; i < p->figure.plot.n_series; i++)
        if (p->figure.slot[i] == p->pick) return i;
    return p->figure.plot.n_series - 1;
}

int charts_focus(const ui *u) { return u->focus == SAINT_UI_PANE_CHART_B ? 1 : 0; }

void charts_load_row(ui *u, int row)
{
    ui_charts *c = u->charts;
    if (row < 0 || row >= c->data.n_rows || !c->shown_set) {
        ui_say(u, SAINT_UI_SAY_WARN, "no run is under the cursor");
        return;
    }
    sweeps_load_trial(u, c->shown_set->data, c->data.row[row].key);
}

/* ---- the module ---- */

static saint_status open_charts(ui *u, saint_error *err)
{
    ui_charts *c = calloc(1, sizeof *c);
    if (!c) return saint_fail(err, SAINT_MEMORY, "no memory for charts");
    u->charts = c;
    c->chooser = -1;
    run_table_init(&c->runs);
    for (int i = 0; i < CHARTS_PANES; i++) {
        c->pane[i].cursor = c->mark[i] = NAN;
        c->pane[i].pick = -1;
        chart_axes_default(NULL, i, &c->pane[i].axes);
    }
    saint_status s = live_open(&c->live, err);
    return s == SAINT_OK ? errands_open(&c->errands, err) : s;
}

static void close_charts(ui *u)
{
    ui_charts *c = u->charts;
    if (!c) return;
    errands_close(c->errands);
    for (int i = 0; i < CHARTS_PANES; i++) chart_figure_free(&c->pane[i].figure);
    run_table_free(&c->runs);
    chart_data_free(&c->data);
    run_set_unref(c->session);
    run_set_unref(c->shown_set);
    live_close(c->live);
    free(c->shown);
    free(c->preview);
    free(c);
    u->charts = NULL;
}

static int fds(ui *u, struct pollfd *out, int room)
{
    if (room < 1) return 0;
    out[0] = (struct pollfd){.fd = errands_fd(u->charts->errands), .events = POLLIN};
    return 1;
}

static void ready(ui *u, const struct pollfd *p, int n)
{
    (void)p;
    (void)n;
    if (errands_deliver(u->charts->errands, u)) ui_redraw(u);
}

static bool busy(const ui *u) { return errands_busy(u->charts->errands); }

/* ---- the session: axes by the names of their columns, because tables differ ---- */

static void save(ui *u, cJSON *into)
{
    ui_charts *c = u->charts;
    if (c->source_chosen) cJSON_AddStringToObject(into, "data", c->source == CHARTS_SWEEP ? "sweep" : "session");
    cJSON *list = cJSON_AddArrayToObject(into, "axes");
    for (int i = 0; i < CHARTS_PANES; i++) {
        const chart_axes *a = &c->pane[i].axes;
        const int column[] = {a->x, a->y[0], a->y[1], a->by};
        char text[300] = "";
        size_t n = 0;
        for (int k = 0; k < 4 && c->pane[i].chosen && c->data.n_columns; k++)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", k ? " " : "", column[k] >= 0 ? c->data.column[column[k]].name : "none");
        cJSON_AddItemToArray(list, cJSON_CreateString(text));
    }
}

static void load(ui *u, const cJSON *from)
{
    ui_charts *c = u->charts;
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(from, "data"), *list = cJSON_GetObjectItemCaseSensitive(from, "axes");
    if (cJSON_IsString(data) && strcmp(data->valuestring, "session") == 0) c->source = CHARTS_SESSION, c->source_chosen = true;
    for (int i = 0; i < CHARTS_PANES; i++) { /* taken when the table that they name is there */
        const cJSON *text = cJSON_GetArrayItem(list, i);
        if (cJSON_IsString(text) && strlen(text->valuestring) < sizeof c->pane[i].wanted) strcpy(c->pane[i].wanted, text->valuestring);
    }
}

/* ---- actions ---- */

static charts_pane *focused(ui *u)
{
    charts_refresh(u);
    return &u->charts->pane[charts_focus(u)];
}

/* A column by its name on the screen, in trials.csv, or a short word; "none" is -1, -2 when there is no such column. */
static int column_named(const ui_charts *c, const char *name)
{
    if (strcmp(name, "none") == 0) return -1;
    int at = chart_column_find(&c->data, name);
    for (int i = 0; i < c->data.n_columns && at < 0; i++)
        if (strcmp(c->data.column[i].id, name) == 0) at = i;
    if (at < 0 && c->runs.t) {
        int column = table_find(c->runs.t, name);
        const char *id = column >= 0 ? table_column_at(c->runs.t, column)->name : NULL;
        for (int i = 0; i < c->data.n_columns && id && at < 0; i++)
            if (strcmp(c->data.column[i].id, id) == 0) at = i;
    }
    return at < 0 ? -2 : at;
}

/* Axes of a pane from "X LEFT [RIGHT [BY]]". false: *bad is the word that is no column, "" when there are too few. */
static bool take_axes(ui_charts *c, charts_pane *p, const char *text, char bad[64])
{
    char words[4][64];
    int n = sscanf(text, "%63s %63s %63s %63s", words[0], words[1], words[2], words[3]), at[4] = {-1, -1, -1, -1};
    bad[0] = 0;
    for (int i = 0; i < n; i++) {
        at[i] = column_named(c, words[i]);
        if (i < 3 && at[i] >= c->data.n_numbers) at[i] = -2; /* words are no axis */
        if (at[i] != -2 && (at[i] != -1 || i >= 2)) continue;
        memcpy(bad, words[i], sizeof words[i]);
        return false;
    }
    if (n < 2) return false;
    p->chosen = true;
    p->axes = (chart_axes){.x = at[0], .y = {at[1], at[2]}, .by = at[3], .front = true, .guides = p->axes.guides};
    p->cursor = NAN;
    c->mark_version = 0;
    return true;
}

void ui_do_axes(ui *u, const char *argument)
{
    charts_pane *p = focused(u);
    ui_charts *c = u->charts;
    char bad[64];
    if (!*argument) {
        if (!c->data.n_columns) ui_say(u, SAINT_UI_SAY_WARN, "there is nothing to draw yet");
        else charts_chooser_open(u, charts_focus(u));
        return;
    }
    if (take_axes(c, p, argument, bad)) return;
    if (bad[0]) ui_say(u, SAINT_UI_SAY_BAD, "axes: no column is called '%s'; c lists them", bad);
    else ui_say(u, SAINT_UI_SAY_BAD, "axes: expected X and Y, found one word");
}

void ui_do_axis_log(ui *u, const char *argument)
{
    chart_axes *a = &focused(u)->axes;
    bool *which = strcmp(argument, "x") == 0 ? &a->log_x : strcmp(argument, "right") == 0 ? &a->log_y[1] : &a->log_y[0];
    *which = !*which;
    ui_say(u, SAINT_UI_SAY_INFO, "%s axis: %s", which == &a->log_x ? "x" : which == &a->log_y[1] ? "right" : "left",
           *which ? "logarithmic; what is not above zero is left out" : "linear");
}

void ui_do_guides(ui *u, const char *argument)
{
    (void)argument;
    bool on = !focused(u)->axes.guides;
    for (int i = 0; i < CHARTS_PANES; i++) u->charts->pane[i].axes.guides = on;
}

void ui_do_chart_table(ui *u, const char *argument)
{
    (void)argument;
    charts_refresh(u);
    u->charts->table = !u->charts->table;
}

void ui_do_chart_source(ui *u, const char *argument)
{
    ui_charts *c = u->charts;
    charts_source want = strcmp(argument, "session") == 0 ? CHARTS_SESSION
                         : strcmp(argument, "sweep") == 0 ? CHARTS_SWEEP
                         : c->source == CHARTS_SWEEP      ? CHARTS_SESSION
                                                          : CHARTS_SWEEP;
    if (want == CHARTS_SWEEP && !sweeps_set(u)) {
        ui_say(u, SAINT_UI_SAY_BAD, "no sweep is open; n on the Sweep page starts one, `sweep open DIR` opens one");
        return;
    }
    c->source = want;
    c->source_chosen = true;
    charts_refresh(u);
    ui_say(u, SAINT_UI_SAY_INFO, "%s",
           want == CHARTS_SWEEP ? "charts of the sweep that is selected on the Sweep page"
                                : "charts of the runs of this session on this picture: n = 1, agreement instead of accuracy");
}

/* Halve or double what is shown of x, around the cursor. */
void ui_do_chart_zoom(ui *u, const char *argument)
{
    charts_pane *p = focused(u);
    chart_axes *a = &p->axes;
    bool out = strcmp(argument, "out") == 0;
    if (strcmp(argument, "all") == 0 || !p->frame.used[0]) {
        a->from = a->to = 0;
        return;
    }
    double low = p->frame.low[0], high = p->frame.high[0];
    bool log = a->log_x && low > 0;
    if (log) low = log10(low), high = log10(high);
    double middle = isfinite(p->cursor) && (!log || p->cursor > 0) ? (log ? log10(p->cursor) : p->cursor) : (low + high) / 2;
    double half = (high - low) * (out ? 1 : 0.25);
    a->from = log ? pow(10, middle - half) : middle - half;
    a->to = log ? pow(10, middle + half) : middle + half;
    if (!(a->to - a->from > 1e-9 * fabs(middle))) a->from = a->to = 0;
    double all_low = NAN, all_high = NAN; /* zoomed out far enough: everything */
    for (int r = 0; r < u->charts->data.n_rows && a->x >= 0; r++) {
        double v = u->charts->data.value[chart_at(&u->charts->data, r, a->x)];
        if (!isfinite(v)) continue;
        all_low = fmin(v, all_low), all_high = fmax(v, all_high);
    }
    if (out && a->from <= all_low && a->to >= all_high) a->from = a->to = 0;
}

void ui_do_series(ui *u, const char *argument)
{
    charts_pane *p = focused(u);
    int k = *argument ? p->figure.plot.n_series - atoi(argument) : charts_pick(p); /* counted as in the legend */
    if (k < 0 || k >= p->figure.plot.n_series) {
        ui_say(u, SAINT_UI_SAY_BAD, "there are %d curves, counted from 1", p->figure.plot.n_series);
        return;
    }
    p->pick = p->figure.slot[k];
    p->axes.hidden ^= 1u << p->figure.slot[k];
}

void ui_do_figure(ui *u, const char *argument)
{
    charts_refresh(u);
    if (!*argument) {
        ui_prompt(u, u->charts->source == CHARTS_SWEEP ? "figure sweep.png" : "figure runs.png");
        return;
    }
    char path[4096];
    charts_figure_file(u, sweeps_path(argument, path, sizeof path));
}

void ui_do_preview(ui *u, const char *argument)
{
    (void)argument;
    ui_charts *c = u->charts;
    if (c->preview) {
        free(c->preview);
        c->preview = NULL;
    } else c->preview_wanted = true; /* the drawing knows how large it may be */
}

const ui_module ui_module_charts = {.name = "charts",
                                    .open = open_charts,
                                    .close = close_charts,
                                    .model = model,
                                    .subject = subject,
                                    .arrived = arrived,
                                    .fds = fds,
                                    .ready = ready,
                                    .busy = busy,
                                    .save = save,
                                    .load = load};
