#define _GNU_SOURCE
#include "ui/runs/run_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- shared sweeps ---- */

run_set *run_set_new(sweep_data *data, void (*release)(sweep_data *))
{
    run_set *s = malloc(sizeof *s);
    if (s) *s = (run_set){1, data, release};
    return s;
}

run_set *run_set_ref(run_set *s)
{
    if (s) __atomic_fetch_add(&s->refs, 1, __ATOMIC_RELAXED);
    return s;
}

void run_set_unref(run_set *s)
{
    if (!s || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) > 0) return;
    if (s->release) s->release(s->data);
    free(s);
}

/* ---- columns ---- */

enum { STATE = -1, KIND = -2 };

/* Behind the settings that vary, as far as the sweep has them. */
static const struct {
    const char *name, *head;
    int width;
} shown_columns[] = {
    {"metric", NULL, 6},        {"metric_ci_low", "low", 5}, {"metric_ci_high", "high", 5}, {"n_done", "n", 4}, /* a score, its interval, and of how many */
    {"agreement", "agree", 5},  {"equiv_tok_mean", "tokens", 6}, {"flops_ratio", "FLOPs", 5}, {"lat_mean_ms", "ms", 6}, {"speedup", "speedup", 5},
    {"base_diff", "to full", 6}, {"base_p_holm", "p Holm", 6}, {"kl", "KL", 6}, {"gflops_total_mean", "GFLOP", 6}, {"t_prefill_ms", "prefill ms", 6},
    {"kv_mib_mean", "KV MiB", 5},
};

static void add_column(run_table *r, int column, const char *head, int width, bool right)
{
    if (r->n_columns >= RUN_COLUMNS) return;
    r->column[r->n_columns] = column;
    r->head[r->n_columns++] = (saint_ui_column){.title = head, .width = width, .right = right, .grow = r->n_columns > 1};
}

/* A setting in which the pruned runs differ. The unpruned model has none, a random twin those of its partner. */
static bool varies(run_table *r, int column)
{
    char first[64] = "", text[64];
    bool seen = false;
    for (size_t i = 0; i < table_rows(r->t); i++) {
        const eval_trial *t = &r->set->data->trial[table_trial_of(r->t, i)].trial;
        if (t->baseline || t->twin_of >= 0) continue;
        table_show(r->t, i, column, text, sizeof text);
        if (!text[0]) continue; /* another method, which does not read it */
        if (seen && strcmp(first, text) != 0) return true;
        if (!seen) snprintf(first, sizeof first, "%s", text);
        seen = true;
    }
    return false;
}

static void choose_columns(run_table *r)
{
    const sweep_data *d = r->set->data;
    r->n_columns = 0;
    int ordinal = table_find(r->t, "ordinal");
    if (ordinal >= 0) add_column(r, ordinal, "run", 3, true);
    add_column(r, KIND, "", 4, false);
    for (int c = 0; c < table_columns(r->t); c++) {
        const table_column *column = table_column_at(r->t, c);
        if (!(column->flags & COLUMN_SETTING) || !varies(r, c)) continue;
        add_column(r, c, strncmp(column->name, "cfg_", 4) == 0 ? column->name + 4 : column->name, 5, true);
    }
    for (size_t i = 0; i < sizeof shown_columns / sizeof *shown_columns; i++) {
        int c = table_find(r->t, shown_columns[i].name);
        const char *head = shown_columns[i].head;
        bool score = strncmp(shown_columns[i].name, "metric", 6) == 0;
        if (c < 0 || (score && (d->n_trials < 1 || !d->trial[0].summary.main_name || !*d->trial[0].summary.main_name))) continue;
        add_column(r, c, head ? head : d->trial[0].summary.main_name, shown_columns[i].width, true);
    }
    add_column(r, STATE, "state", 10, false);
}

/* ---- rows ---- */

static int table_row(const run_table *r, int shown) { return r->row[shown]; }

/* The row of t that a cell is read from: settings of a random twin are those of the run whose token counts it took. */
static int cell_row(const run_table *r, int shown, int column)
{
    int own = table_row(r, shown);
    return column >= 0 && table_column_at(r->t, column)->flags & COLUMN_SETTING ? r->partner[own] : own;
}

/* Where that run is, for every row; they are sorted by ordinal. */
static void find_partners(run_table *r)
{
    size_t n = table_rows(r->t);
    const sweep_trial *trial = r->set->data->trial;
    for (size_t i = 0; i < n; i++) {
        int64_t partner = trial[table_trial_of(r->t, i)].trial.twin_of;
        size_t low = 0, high = partner < 0 ? 0 : n;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (trial[table_trial_of(r->t, middle)].trial.ordinal < partner) low = middle + 1;
            else high = middle;
        }
        bool found = partner >= 0 && low < n && trial[table_trial_of(r->t, low)].trial.ordinal == partner;
        r->partner[i] = (int)(found ? low : i);
    }
}

static const sweep_trial *trial_of(const run_table *r, int shown) { return &r->set->data->trial[table_trial_of(r->t, (size_t)table_row(r, shown))]; }

static void state_text(const run_table *r, int shown, char *out, size_t size, saint_ui_role *role)
{
    const sweep_trial *t = trial_of(r, shown);
    const eval_summary *y = &t->summary;
    size_t seen = y->n_done;
    int n;
    if (seen < y->n_total && seen) n = snprintf(out, size, "%s %zu/%zu", t->state, seen, y->n_total), *role = SAINT_UI_ACCENT;
    else n = snprintf(out, size, "%s", t->state), *role = strcmp(t->state, "complete") == 0 ? SAINT_UI_GOOD : SAINT_UI_MUTED;
    if (y->n_error && n > 0 && (size_t)n < size)
        n += snprintf(out + n, size - (size_t)n, " %zu failed", y->n_error), *role = SAINT_UI_BAD;
}

/* What a run is, in the four columns behind its number. */
static const char *kind_of(const sweep_trial *t)
{
    if (t->trial.twin_of < 0 && strcmp(t->state, "stopped") == 0) return "stop"; /* early: on fewer samples than the others */
    return t->trial.baseline ? "full" : t->trial.twin_of >= 0 ? "rand" : t->pareto_flops || t->pareto_latency ? "*" : "";
}

static void cell(void *ud, int row, int column, char *out, size_t size, saint_ui_role *role)
{
    run_table *r = ud;
    if (r->column[column] == STATE) {
        state_text(r, row, out, size, role);
        return;
    }
    if (r->column[column] == KIND) {
        snprintf(out, size, "%s", kind_of(trial_of(r, row)));
        *role = out[0] == '*' ? SAINT_UI_GOOD : SAINT_UI_MUTED;
        return;
    }
    if (column == 0) state_text(r, row, out, size, role); /* its colour on the number, which is always in view */
    int from = cell_row(r, row, r->column[column]);
    table_show(r->t, (size_t)from, r->column[column], out, size);
    if (from != table_row(r, row)) *role = SAINT_UI_MUTED;
    if (!out[0]) snprintf(out, size, "-"), *role = SAINT_UI_MUTED;
}

static int kind_rank(const sweep_trial *t) { return t->trial.baseline ? 0 : t->trial.twin_of >= 0 ? 3 : t->pareto_flops || t->pareto_latency ? 1 : 2; }

static int state_rank(const sweep_trial *t)
{
    return t->summary.n_error ? 0 : strcmp(t->state, "complete") != 0 ? (t->summary.n_done ? 1 : 2) : 3;
}

static int compare(void *ud, int a, int b, int column, bool descending)
{
    run_table *r = ud;
    if (r->column[column] >= 0) {
        size_t p = (size_t)cell_row(r, a, r->column[column]), q = (size_t)cell_row(r, b, r->column[column]);
        return p == q ? 0 : table_compare(r->t, p, q, r->column[column], descending);
    }
    const sweep_trial *x = trial_of(r, a), *y = trial_of(r, b);
    int c = r->column[column] == KIND ? kind_rank(x) - kind_rank(y) : state_rank(x) - state_rank(y);
    return descending ? -c : c;
}

static saint_ui_table view_of(run_table *r)
{
    return (saint_ui_table){.n_rows = r->n_rows,
                            .n_columns = r->n_columns,
                            .column = r->head,
                            .cell = cell,
                            .compare = compare,
                            .ud = r,
                            .order = r->order};
}

void run_table_init(run_table *r) { *r = (run_table){.state = {.sort = -1}}; }

static void clear(run_table *r)
{
    filter_free(r->filter);
    table_free(r->t);
    run_set_unref(r->set);
    free(r->row);
    free(r->order);
    free(r->partner);
    r->filter = NULL;
    r->t = NULL;
    r->set = NULL;
    r->row = r->order = r->partner = NULL;
    r->n_rows = r->n_columns = 0;
}

void run_table_free(run_table *r)
{
    if (!r) return;
    clear(r);
    run_table_init(r);
}

int run_table_trial(const run_table *r)
{
    if (!r->t || r->state.at < 0 || r->state.at >= r->n_rows) return -1;
    return table_trial_of(r->t, (size_t)table_row(r, r->order[r->state.at]));
}

static bool passes(const run_table *r, size_t row)
{
    const sweep_trial *t = &r->set->data->trial[table_trial_of(r->t, row)];
    return filter_pass(r->filter, r->t, row) && (!r->pareto || t->pareto_flops || t->pareto_latency);
}

/* The rows that filter and Pareto leave, sorted, the same trial selected as before. */
static void settle(run_table *r, int selected)
{
    r->n_rows = 0;
    for (size_t i = 0; r->t && i < table_rows(r->t); i++)
        if (passes(r, i)) r->row[r->n_rows++] = (int)i;
    saint_ui_table view = view_of(r);
    for (int i = 0; i < r->n_rows; i++) r->order[i] = i;
    int at = r->state.at;
    saint_ui_table_sort(&view, &r->state, r->order);
    r->state.at = at < r->n_rows ? at : r->n_rows > 0 ? r->n_rows - 1 : 0;
    for (int i = 0; i < r->n_rows && selected >= 0; i++)
        if (table_trial_of(r->t, (size_t)table_row(r, r->order[i])) == selected) r->state.at = i;
}

void run_table_shown(const run_table *r, bool *shown)
{
    for (size_t i = 0; r->t && i < table_rows(r->t); i++) shown[i] = passes(r, i);
}

static const char *column_name(const run_table *r, int c)
{
    return r->column[c] == STATE ? "state" : r->column[c] == KIND ? "kind" : table_column_at(r->t, r->column[c])->name;
}

/* The column that is sorted by, by name: its place changes with what the sweep holds. */
static const char *sorted_name(const run_table *r)
{
    return r->state.sort < 0 || r->state.sort >= r->n_columns ? NULL : column_name(r, r->state.sort);
}

saint_status run_table_show(run_table *r, run_set *set, saint_error *err)
{
    char sorted[64] = "";
    int selected = run_table_trial(r);
    bool same = r->set && set && strcmp(r->set->data->id, set->data->id) == 0;
    if (r->t && sorted_name(r)) snprintf(sorted, sizeof sorted, "%s", sorted_name(r));
    run_set_ref(set);
    clear(r);
    r->state.sort = -1;
    if (!same) r->state.at = r->state.top = 0, r->state.first = 1;
    if (!set) return SAINT_OK;
    r->set = set;
    saint_status s = table_trials(set->data, &r->t, err);
    size_t n = s == SAINT_OK ? table_rows(r->t) : 0;
    r->row = calloc(n + 1, sizeof *r->row);
    r->order = calloc(n + 1, sizeof *r->order);
    r->partner = calloc(n + 1, sizeof *r->partner);
    if (s == SAINT_OK && (!r->row || !r->order || !r->partner)) s = saint_fail(err, SAINT_MEMORY, "no memory for %zu rows", n);
    if (s != SAINT_OK) {
        clear(r);
        return s;
    }
    find_partners(r);
    choose_columns(r);
    for (int c = 0; c < r->n_columns && sorted[0]; c++)
        if (strcmp(column_name(r, c), sorted) == 0) r->state.sort = c;
    if (r->filter_text[0] && (s = filter_parse(r->filter_text, r->t, &r->filter, err)) != SAINT_OK) {
        r->filter = NULL;
        r->filter_text[0] = 0;
    }
    settle(r, same ? selected : -1);
    return s;
}

saint_status run_table_filter(run_table *r, const char *text, saint_error *err)
{
    filter *fresh = NULL;
    if (!r->t) return saint_fail(err, SAINT_INVALID, "no sweep is open");
    if (strlen(text) >= sizeof r->filter_text) return saint_fail(err, SAINT_INVALID, "a filter of at most %zu characters", sizeof r->filter_text - 1);
    saint_status s = filter_parse(text, r->t, &fresh, err);
    if (s != SAINT_OK) return s;
    int selected = run_table_trial(r);
    filter_free(r->filter);
    r->filter = fresh;
    snprintf(r->filter_text, sizeof r->filter_text, "%s", text);
    settle(r, selected);
    return SAINT_OK;
}

void run_table_pareto(run_table *r, bool on)
{
    int selected = run_table_trial(r);
    r->pareto = on;
    if (r->t) settle(r, selected);
}

static void sort_by(run_table *r, int column)
{
    int selected = run_table_trial(r);
    /* numbers: the largest first, which is what one looks for; the same again turns it round */
    r->state.descending = r->state.sort == column ? !r->state.descending : column > 0 && r->column[column] >= 0;
    r->state.sort = column;
    settle(r, selected);
}

saint_status run_table_sort(run_table *r, const char *column, saint_error *err)
{
    if (!r->t) return saint_fail(err, SAINT_INVALID, "no sweep is open");
    if (!column || !*column) {
        r->state.sort = r->state.sort + 1 < r->n_columns ? r->state.sort : -1;
        sort_by(r, r->state.sort + 1);
        return SAINT_OK;
    }
    int c = table_find(r->t, column);
    for (int i = 0; i < r->n_columns; i++)
        if (strcmp(r->head[i].title, column) == 0 || strcmp(column_name(r, i), column) == 0 || (c >= 0 && r->column[i] == c)) {
            sort_by(r, i);
            return SAINT_OK;
        }
    if (c >= 0 && r->n_columns < RUN_COLUMNS) { /* one that was not shown so far: before the state */
        r->column[r->n_columns] = STATE;
        r->head[r->n_columns] = r->head[r->n_columns - 1];
        r->column[r->n_columns - 1] = c;
        r->head[r->n_columns - 1] = (saint_ui_column){.title = table_column_at(r->t, c)->name, .width = 5, .right = true, .grow = true};
        sort_by(r, r->n_columns++ - 1);
        return SAINT_OK;
    }
    return saint_fail(err, SAINT_INVALID, "no column is called '%s'; did you mean %s?", column, table_nearest(r->t, column));
}

/* What to do about a "-" under ms; the column timing_note says it at length. */
static const char *why_no_times(const run_table *r, int trial)
{
    const sweep_trial *t = &r->set->data->trial[trial];
    bool ranks = false, others = false, programs = false;
    for (size_t i = 0; i < r->set->data->n_samples; i++) {
        const eval_result *e = t->result[i];
        ranks = ranks || (e && e->company == EVAL_WITH_RANKS);
        others = others || (e && e->company == EVAL_WITH_OTHERS);
        programs = programs || (e && e->company == EVAL_ON_BUSY_CPUS);
    }
    return ranks      ? "its processes shared the device; use one"
           : others   ? "another saint used the device; sweep again alone"
           : programs ? "other programs were busy; sweep again when they are not"
                      : "the device was not its own";
}

void run_table_note(const run_table *r, char *out, size_t size)
{
    size_t all = r->t ? table_rows(r->t) : 0;
    int n = (size_t)r->n_rows < all ? snprintf(out, size, "%d of %zu", r->n_rows, all) : snprintf(out, size, "%zu runs", all);
    if (r->filter_text[0] && n > 0 && (size_t)n < size) n += snprintf(out + n, size - (size_t)n, " \u00b7 %s", r->filter_text);
    if (r->pareto && n > 0 && (size_t)n < size) n += snprintf(out + n, size - (size_t)n, " \u00b7 Pareto only");
    int trial = run_table_trial(r);
    const eval_summary *y = trial >= 0 ? &r->set->data->trial[trial].summary : NULL;
    if (y && !y->lat_n && y->n_done > y->n_error && n > 0 && (size_t)n < size)
        snprintf(out + n, size - (size_t)n, " \u00b7 no times: %s", why_no_times(r, trial));
    else if (y && y->apart && isnan(y->speedup.value) && n > 0 && (size_t)n < size)
        snprintf(out + n, size - (size_t)n, " \u00b7 no speed-up: timed in another run than the unpruned model");
}

void run_table_draw(saint_ui_pen p, run_table *r, bool focus, int what)
{
    saint_ui_table view = view_of(r);
    saint_ui_table_draw(p, &view, &r->state, focus, what);
}

bool run_table_event(run_table *r, const saint_ui_event *e, const saint_ui_hit *hit, int what, bool *open)
{
    saint_ui_table view = view_of(r);
    *open = false;
    if (e->kind == SAINT_UI_PRESS) return saint_ui_table_key(&view, &r->state, e);
    if (e->kind != SAINT_UI_MOUSE) return false;
    int wheel = e->mouse == SAINT_UI_MOUSE_WHEEL_UP ? -3 : e->mouse == SAINT_UI_MOUSE_WHEEL_DOWN ? 3 : 0;
    if (wheel) {
        r->state.at += wheel;
        if (r->state.at >= r->n_rows) r->state.at = r->n_rows - 1;
        if (r->state.at < 0) r->state.at = 0;
        return true;
    }
    if (e->mouse != SAINT_UI_MOUSE_DOWN || e->button != 1 || !hit) return false;
    if (hit->what == what + 1 && hit->value < r->n_columns) {
        sort_by(r, hit->value);
        return true;
    }
    if (hit->what != what) return false;
    *open = hit->value == r->state.at;
    r->state.at = hit->value;
    return true;
}
