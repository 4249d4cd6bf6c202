/* matching.c - turning one knob of the live plan until it costs what A costs: in tokens, or in measured milliseconds. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/extra.h"

enum { MOST_TOKENS = 24, MOST_TIME = 10, ROUNDS = 9, WARM_ROUNDS = 1, KNOBS = 8 };
static const double same_time = 0.01; /* a share of A's time that nobody minds, and that repeated runs can tell */

static saint_status open_compare(ui *u, saint_error *err)
{
    u->compare = calloc(1, sizeof *u->compare);
    return u->compare ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for the A/B page");
}

static void close_compare(ui *u)
{
    free(u->compare);
    u->compare = NULL;
}

static ui_match *match_of(const ui *u) { return &u->compare->match; }

static void stop(ui *u, const char *why)
{
    ui_match *m = match_of(u);
    if (m->kind == MATCH_IDLE) return;
    m->kind = MATCH_IDLE;
    ui_say(u, SAINT_UI_SAY_WARN, "matching stopped after %d runs: %s", m->n_runs, why);
}

/* ---- how it ends -------------------------------------------------------------------------------------------------- */

static void say_knob(const ui_match *m, char *out, size_t size)
{
    if (m->knob.integer) snprintf(out, size, "%s %.0f -> %.0f", m->knob.key, m->knob.now, m->search.best_x);
    else snprintf(out, size, "%s %.4g -> %.4g", m->knob.key, m->knob.now, m->search.best_x);
}

static void report(const ui_match *m, ui_match_kind kind, char *out, size_t size)
{
    char knob[112], interval[64] = "";
    const char *bound = m->search.reached ? "" : "; the knob reaches no nearer";
    say_knob(m, knob, sizeof knob);
    if (kind == MATCH_TOKENS) {
        snprintf(out, size, "%s: %.2f tokens per layer, A has %.2f (%+.2f)%s", knob, m->search.best_y, m->search.target,
                 m->search.best_y - m->search.target, bound);
        return;
    }
    if (isfinite(m->ratio.low)) snprintf(interval, sizeof interval, ", 95 %% [%.3f, %.3f]", m->ratio.low, m->ratio.high);
    snprintf(out, size, "%s: %.1f ms before the answer, A %.1f: %.3fx of A%s, n=%d%s", knob, 1e3 * m->ms_b, 1e3 * m->ms_a,
             m->ratio.median, interval, m->ratio.n, bound);
}

/* The live plan stays: its times are A's as far as anybody can tell, or no value came nearer. */
static void finish_as_it_is(ui *u, bool same)
{
    ui_match *m = match_of(u);
    const measure_value *r = &m->as_it_is;
    m->kind = MATCH_IDLE;
    m->ratio = *r;
    m->ms_a = m->ms_as_it_is[0];
    m->ms_b = m->ms_as_it_is[1];
    m->search.best_x = m->knob.now;
    m->search.best_y = r->median;
    m->timed_version = u->plan[UI_NOW].version;
    snprintf(m->report, sizeof m->report, "%s: %.3fx of A, 95 %% [%.3f, %.3f], n=%d; %s stays as it is",
             same ? "no difference in time to be seen" : "no value comes nearer to A's time than the present one", r->median, r->low, r->high, r->n,
             m->knob.key);
    ui_say(u, same ? SAINT_UI_SAY_GOOD : SAINT_UI_SAY_WARN, "%s", m->report);
}

static void finish(ui *u)
{
    ui_match *m = match_of(u);
    saint_error e = {0};
    saint_settings s = u->plan[UI_NOW].settings;
    char text[sizeof m->report];
    ui_match_kind kind = m->kind;
    if (kind == MATCH_TIME && !(fabs(m->search.best_y - 1) < fabs(m->as_it_is.median - 1))) {
        finish_as_it_is(u, false);
        return;
    }
    m->kind = MATCH_IDLE;
    if (isnan(m->search.best_y)) {
        ui_say(u, SAINT_UI_SAY_BAD, "matching: no value of %s could be run", m->knob.key);
        return;
    }
    report(m, kind, text, sizeof text);
    if (match_turn(&s, &m->knob, m->search.best_x, &e) != SAINT_OK) {
        ui_say(u, SAINT_UI_SAY_BAD, "matching: %s", e.text);
        return;
    }
    ui_replace(u, &s, kind == MATCH_TOKENS ? "match A's tokens" : "match A's time");
    snprintf(m->report, sizeof m->report, "%s", text); /* a changed plan has no report: this one has */
    m->timed_version = kind == MATCH_TIME ? u->plan[UI_NOW].version : 0;
    ui_say(u, m->search.reached ? SAINT_UI_SAY_GOOD : SAINT_UI_SAY_WARN, "%s", text);
}

/* ---- the next value ----------------------------------------------------------------------------------------------- */

/* Count what can be counted; stop at the first value that has to be run. */
static void advance(ui *u)
{
    ui_match *m = match_of(u);
    double x, y;
    saint_error e = {0};
    if (m->kind == MATCH_TIME && !m->tried) { /* where times are flat any value would do, and the plan would be lost for nothing */
        m->settings = u->plan[UI_NOW].settings;
        measure_begin(&m->runs, 2, WARM_ROUNDS, ROUNDS, same_time);
        return;
    }
    while (m->kind != MATCH_IDLE && match_next(&m->search, &x)) {
        m->settings = u->plan[UI_NOW].settings;
        m->x = x;
        if (match_turn(&m->settings, &m->knob, x, &e) != SAINT_OK) {
            stop(u, e.text);
            return;
        }
        if (m->kind == MATCH_TIME) {
            measure_begin(&m->runs, 2, m->n_runs ? 0 : WARM_ROUNDS, ROUNDS, same_time);
            return;
        }
        if (!match_predict(&m->settings, u->info, &y)) return;
        match_put(&m->search, x, y);
    }
    if (m->kind != MATCH_IDLE) finish(u);
}

/* A and the plan whose value is tried take turns, so that both see the same machine. */
static bool want(ui *u, saint_request *out)
{
    ui_match *m = match_of(u);
    int left = ui_compare_left(u);
    if (m->kind == MATCH_IDLE) return false;
    if (ui_stale(u, left) || u->plan[left].version != m->version_a) {
        stop(u, "A does not run");
        return false;
    }
    if (!ui_request(u, left, out)) return false; /* A's plan; no answer is needed */
    out->max_new_tokens = 0;
    out->want_stats = false;
    out->cold = m->kind == MATCH_TIME;
    if (m->kind != MATCH_TIME || measure_next(&m->runs) != 0) out->settings = m->settings;
    return true;
}

static void ran_for_time(ui *u, const saint_trace *t)
{
    ui_match *m = match_of(u);
    m->company = device_company_both(m->company, u->ran_company);
    measure_add(&m->runs, &t->seconds);
    if (measure_next(&m->runs) >= 0) return;
    measure_value r = measure_ratio(&m->runs, 0, 1, MEASURE_FIRST); /* B over A */
    if (!m->tried) {
        m->tried = true;
        m->as_it_is = r;
        for (int k = 0; k < 2; k++) m->ms_as_it_is[k] = measure_of(&m->runs, k, MEASURE_FIRST).median;
        if (r.low <= 1 && r.high >= 1) finish_as_it_is(u, true);
        else advance(u);
        return;
    }
    bool first = isnan(m->search.best_y), better = first || fabs(r.median - 1) < fabs(m->ratio.median - 1);
    if (better) {
        m->ratio = r;
        m->ms_a = measure_of(&m->runs, 0, MEASURE_FIRST).median;
        m->ms_b = measure_of(&m->runs, 1, MEASURE_FIRST).median;
    }
    match_put(&m->search, m->x, r.median);
    advance(u);
}

static void ran(ui *u, saint_trace *t, const saint_error *why)
{
    ui_match *m = match_of(u);
    if (m->kind == MATCH_IDLE) return;
    if (!t) {
        if (why->code != SAINT_CANCELLED) stop(u, why->text); /* a slot went first: the same run comes again */
        return;
    }
    m->n_runs++;
    if (m->kind == MATCH_TIME) {
        ran_for_time(u, t);
        return;
    }
    match_put(&m->search, m->x, t->image[0].equivalent);
    advance(u);
}

/* ---- module ------------------------------------------------------------------------------------------------------- */

static void stop_guest(ui *u, const char *why)
{
    stop(u, why);
    match_of(u)->report[0] = 0;
}

static bool busy(const ui *u) { return match_of(u)->kind != MATCH_IDLE; }

static bool progress(ui *u, saint_ui_progress *out)
{
    const ui_match *m = match_of(u);
    if (m->kind == MATCH_IDLE) return false;
    int done = m->search.n, total = m->search.most;
    *out = (saint_ui_progress){.name = "matching", .done = done, .total = total, .seconds = NAN};
    return true;
}

const ui_module ui_module_compare = {.name = "compare",
                                     .open = open_compare,
                                     .close = close_compare,
                                     .stop = stop_guest,
                                     .busy = busy,
                                     .progress = progress,
                                     .want = want,
                                     .ran = ran};

/* ---- the action --------------------------------------------------------------------------------------------------- */

/* The knob the user named, the one his parameter cursor is on, or the most useful one. */
static bool choose_knob(const ui *u, const char *name, match_knob *out)
{
    match_knob k[KNOBS];
    int n = match_knobs(&u->plan[UI_NOW].settings, u->info, k, KNOBS);
    const char *focus = u->fields.n > 0 && u->fields.at >= 0 && u->fields.at < u->fields.n ? u->fields.key[u->fields.at] : NULL;
    for (int i = 0; i < n; i++) {
        size_t bytes = strcspn(k[i].key, "[");
        bool hit = *name ? strcmp(name, k[i].key) == 0 || (strlen(name) == bytes && strncmp(name, k[i].key, bytes) == 0)
                         : focus && strlen(focus) == bytes && strncmp(focus, k[i].key, bytes) == 0;
        if (hit) {
            *out = k[i];
            return true;
        }
    }
    if (n < 1 || *name) return false;
    *out = k[0];
    return true;
}

void ui_do_match(ui *u, const char *argument)
{
    ui_match *m = match_of(u);
    int left = ui_compare_left(u);
    bool time = strncmp(argument, "time", 4) == 0, tokens = !*argument || strncmp(argument, "tokens", 6) == 0;
    const char *name = argument + strcspn(argument, " ");
    name += strspn(name, " ");
    if (strcmp(argument, "stop") == 0) {
        stop(u, "as asked");
        return;
    }
    if (!time && !tokens) {
        ui_say(u, SAINT_UI_SAY_BAD, "match: expected tokens, time or stop, found %s", argument);
        return;
    }
    if (ui_stale(u, left)) {
        ui_say(u, SAINT_UI_SAY_BAD, "match: plan A has no run for this picture yet");
        ui_want(u, left);
        return;
    }
    stop(u, "another one begins");
    match_knob knob;
    if (!choose_knob(u, name, &knob)) {
        if (*name) ui_say(u, SAINT_UI_SAY_BAD, "match: no site of this plan reads %s", name);
        else ui_say(u, SAINT_UI_SAY_BAD, "match: this plan drops nothing that a knob could turn");
        return;
    }
    *m = (ui_match){.kind = time ? MATCH_TIME : MATCH_TOKENS, .knob = knob, .version_a = u->plan[left].version};
    double target = time ? 1 : u->plan[left].trace->image[0].equivalent;
    match_begin(&m->search, knob.lo, knob.hi, knob.integer, target, time ? same_time : 0, time ? MOST_TIME : MOST_TOKENS);
    if (!time && !knob.integer) m->search.close = 0.005;
    ui_want(u, UI_NOW);
    advance(u);
    if (m->kind != MATCH_IDLE) ui_say(u, SAINT_UI_SAY_INFO, "matching A's %s by %s", time ? "time" : "tokens", knob.key);
}
