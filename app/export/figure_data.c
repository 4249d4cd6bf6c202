/* figure_data.c - from the table of trials to series of points. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/figure_internal.h"
#include "export/filter.h"

void figure_free(figure_data *d)
{
    for (int i = 0; i < d->n; i++) free(d->series[i].point);
    free(d->front);
    *d = (figure_data){0};
}

bool figure_wants(table *t, size_t row, const figure_options *o, const filter *where)
{
    return (!o->shown || o->shown[table_trial_of(t, row)]) && filter_pass(where, t, row);
}

figure_series *figure_series_of(figure_data *d, const char *name, series_kind kind, saint_error *err)
{
    for (int i = 0; i < d->n; i++)
        if (strcmp(d->series[i].name, name) == 0 && d->series[i].kind == kind) return &d->series[i];
    if (d->n == FIGURE_SERIES) {
        saint_fail(err, SAINT_INVALID, "figure: more than %d series; choose fewer rows with --where or another column with --by",
                   FIGURE_SERIES);
        return NULL;
    }
    figure_series *s = &d->series[d->n++];
    (void)snprintf(s->name, sizeof s->name, "%s", name);
    s->kind = kind;
    return s;
}

saint_status figure_add_point(figure_series *s, const figure_point *p, saint_error *err)
{
    enum { STEP = 64 };
    if (s->n % STEP == 0) {
        figure_point *more = realloc(s->point, (size_t)(s->n + STEP) * sizeof *more);
        if (!more) return saint_fail(err, SAINT_MEMORY, "figure: no memory for %d points", s->n + STEP);
        s->point = more;
    }
    s->point[s->n++] = *p;
    return SAINT_OK;
}

void figure_title(table *t, const char *ending, char *out, size_t size)
{
    const sweep_data *s = table_sweep(t);
    char model[64] = "", data[64] = "";
    if (table_rows(t)) {
        table_show(t, 0, table_find(t, "model"), model, sizeof model);
        table_show(t, 0, table_find(t, "dataset"), data, sizeof data);
    }
    (void)snprintf(out, size, "%s on %s, %zu sample%s%s%s", model, data, s->n_wanted, s->n_wanted == 1 ? "" : "s", s->complete ? "" : ", not complete", ending);
}

/* ---- columns -------------------------------------------------------------------------------------------------------------- */

static saint_status find_column(table *t, const char *name, int *column, saint_error *err)
{
    *column = table_find(t, name);
    if (*column >= 0) return SAINT_OK;
    return saint_fail(err, SAINT_INVALID, "figure: %.60s: no such column; the nearest is %s", name, table_nearest(t, name));
}

/* The interval of a value: NAME_ci_low and NAME_ci_high, or with a unit behind it lat_ci_low_ms. */
static void find_interval(table *t, int column, int *low, int *high)
{
    const char *name = table_column_at(t, column)->name;
    char text[FIGURE_NAME];
    (void)snprintf(text, sizeof text, "%s_ci_low", name);
    *low = table_find(t, text);
    (void)snprintf(text, sizeof text, "%s_ci_high", name);
    *high = table_find(t, text);
    if (strcmp(name, "lat_mean_ms") == 0) {
        *low = table_find(t, "lat_ci_low_ms");
        *high = table_find(t, "lat_ci_high_ms");
    }
}

static bool is_share(const table_column *c) { return strcmp(c->unit, "share") == 0; }

/* What people call the columns that figures are mostly made of. */
static const char *words_for(const char *column)
{
    static const char *const known[][2] = {
        {"gflops_total_mean", "cost of a sample"},        {"flops_ratio", "cost, share of unpruned"},
        {"lat_mean_ms", "latency of a sample"},           {"equiv_tok_mean", "picture tokens per LLM layer"},
        {"keep_ratio_mean", "picture tokens left"},       {"throughput_sps", "throughput"},
        {"speedup", "speed-up over unpruned"},  {"agreement", "same answer as unpruned"},
        {"base_diff", "difference to unpruned"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i][0], column) == 0) return known[i][1];
    return NULL;
}

static void set_label(table *t, int column, figure_axis *a)
{
    const table_column *c = table_column_at(t, column);
    const bool layers = strcmp(c->name, "equiv_tok_mean") == 0 && !table_has_llm(t);
    const char *words = layers ? "picture tokens per layer" : words_for(c->name), *unit = is_share(c) ? "%" : c->unit;
    char metric[FIGURE_NAME] = "";
    if (strcmp(c->name, "metric") == 0)
        for (size_t row = 0; row < table_rows(t) && !metric[0]; row++)
            table_show(t, row, table_find(t, "metric_name"), metric, sizeof metric);
    for (char *p = metric; *p; p++)
        if (*p == '_') *p = ' ';
    if (!words) words = metric[0] ? metric : c->flags & COLUMN_SETTING ? c->name + strlen("cfg_") : c->name;
    (void)snprintf(a->label, sizeof a->label, *unit ? "%s (%s)" : "%s", words, unit);
}

/* A cell as a place on an axis; NaN where there is none. */
static double place(table *t, size_t row, int column, figure_axis *a)
{
    if (column < 0) return NAN;
    table_cell c = table_get(t, row, column);
    if (c.kind == CELL_EMPTY) return NAN;
    if (c.kind != CELL_TEXT) return is_share(table_column_at(t, column)) ? 100 * c.number : c.number;
    if (!a) return NAN;
    for (int i = 0; i < a->n_categories; i++)
        if (strncmp(a->category[i], c.text, FIGURE_NAME - 1) == 0) return i;
    if (a->n_categories == FIGURE_CATEGORIES) return NAN;
    (void)snprintf(a->category[a->n_categories], FIGURE_NAME, "%s", c.text);
    return a->n_categories++;
}

/* ---- series --------------------------------------------------------------------------------------------------------------- */

typedef struct {
    table *t;
    const figure_options *o;
    int x, y, low, high, by;
    filter *where;
    bool one_method, scattered;
} choice;

/* A swept parameter that has the same value in all trials tells nothing apart. */
static bool differs(const sweep_data *s, int axis)
{
    const char *first = NULL;
    for (int i = 0; i < s->n_trials; i++) {
        const char *value = s->trial[i].value ? s->trial[i].value[axis] : NULL;
        if (s->trial[i].trial.baseline || !value) continue;
        if (first && strcmp(first, value) != 0) return true;
        first = value;
    }
    return false;
}

/* Swept parameters other than x, as they stand in the plan: they tell curves apart. */
static void other_axes(const choice *c, size_t row, char *out, size_t size)
{
    const sweep_data *s = table_sweep(c->t);
    const sweep_trial *r = &s->trial[table_trial_of(c->t, row)];
    size_t n = 0;
    for (int i = 0; i < s->axes.n_params && n < size; i++) {
        if (!r->value || !r->value[i] || !*r->value[i] || table_find(c->t, s->axes.param[i]) == c->x || !differs(s, i)) continue;
        n += (size_t)snprintf(out + n, size - n, "%s%s=%s", n ? ", " : "", s->axes.param[i], r->value[i]);
    }
}

/* All configurations that are drawn have one method: it goes without saying where something else tells them apart. */
static bool one_method(const choice *c)
{
    const int method = table_find(c->t, "method");
    char first[FIGURE_NAME] = "", other[FIGURE_NAME];
    for (size_t row = 0; row < table_rows(c->t); row++) {
        const eval_trial *t = &table_sweep(c->t)->trial[table_trial_of(c->t, row)].trial;
        if (t->baseline || t->twin_of >= 0 || !figure_wants(c->t, row, c->o, c->where)) continue;
        table_show(c->t, row, method, other, sizeof other);
        if (first[0] && strcmp(first, other) != 0) return false;
        memcpy(first, other, sizeof first);
    }
    return true;
}

/* Random, Latin hypercube and Sobol points have a curve each if curves are told apart by the other parameters. */
static bool is_scattered(const choice *c)
{
    enum { FEW = 6, MOST = 512 };
    const size_t rows = table_rows(c->t);
    char (*seen)[FIGURE_NAME] = c->o->kind == FIGURE_CURVE && c->by < 0 ? malloc(MOST * sizeof *seen) : NULL;
    size_t distinct = 0, points = 0;
    for (size_t row = 0; seen && row < rows; row++) {
        const eval_trial *t = &table_sweep(c->t)->trial[table_trial_of(c->t, row)].trial;
        char axes[FIGURE_NAME] = "";
        if (t->baseline || t->twin_of >= 0 || !figure_wants(c->t, row, c->o, c->where)) continue;
        other_axes(c, row, axes, sizeof axes);
        size_t k = 0;
        while (k < distinct && strcmp(seen[k], axes) != 0) k++;
        if (k == distinct && distinct < MOST) memcpy(seen[distinct++], axes, sizeof axes);
        points++;
    }
    free(seen);
    return distinct > FEW && 2 * distinct > points;
}

/* The row of the trial that a random twin goes with: what was set there is where the twin belongs on an axis. */
static size_t partner_of(table *t, size_t row)
{
    const sweep_data *s = table_sweep(t);
    int64_t twin = s->trial[table_trial_of(t, row)].trial.twin_of;
    for (size_t i = 0; twin >= 0 && i < table_rows(t); i++)
        if (s->trial[table_trial_of(t, i)].trial.ordinal == twin) return i;
    return row;
}

static void name_of(const choice *c, size_t row, series_kind kind, char out[FIGURE_NAME])
{
    static const char twin[] = "random, same token counts";
    out[0] = 0;
    if (kind == SERIES_BASELINE) (void)snprintf(out, FIGURE_NAME, "unpruned");
    else if (c->by >= 0) {
        char value[FIGURE_NAME] = "";
        const table_column *col = table_column_at(c->t, c->by);
        const char *name = col->flags & COLUMN_SETTING ? col->name + strlen("cfg_") : col->name;
        table_show(c->t, partner_of(c->t, row), c->by, value, sizeof value);
        if (strcmp(name, "method") == 0) (void)snprintf(out, FIGURE_NAME, "%s", value);
        else (void)snprintf(out, FIGURE_NAME, "%s%.40s=%.60s", kind == SERIES_TWIN ? "random, " : "", name, *value ? value : "-");
    } else {
        table_show(c->t, row, table_find(c->t, "method"), out, FIGURE_NAME);
        if (kind == SERIES_TWIN) (void)snprintf(out, FIGURE_NAME, twin);
        if (c->o->kind != FIGURE_CURVE) return;
        char axes[FIGURE_NAME] = "";
        if (!c->scattered) other_axes(c, row, axes, sizeof axes);
        if (*axes && kind == SERIES_METHOD && c->one_method) out[0] = 0;
        if (*axes && kind == SERIES_TWIN) (void)snprintf(out, FIGURE_NAME, "random");
        size_t n = strlen(out);
        if (*axes) (void)snprintf(out + n, FIGURE_NAME - n, "%s%s", n ? ", " : "", axes);
    }
}

/* The unpruned model beside itself: a table leaves that empty, a figure that draws it needs the place. */
static double beside_itself(const table *t, int column, const sweep_trial *r)
{
    if (column < 0 || !r->summary.n_done) return NAN;
    const table_column *c = table_column_at(t, column);
    if (strcmp(c->name, "agreement") != 0 && strcmp(c->name, "speedup") != 0) return NAN;
    return is_share(c) ? 100 : 1;
}

static saint_status add_row(const choice *c, size_t row, figure_data *d, saint_error *err)
{
    const sweep_trial *r = &table_sweep(c->t)->trial[table_trial_of(c->t, row)];
    series_kind kind = r->trial.baseline ? SERIES_BASELINE : r->trial.twin_of >= 0 ? SERIES_TWIN : SERIES_METHOD;
    char name[FIGURE_NAME];
    figure_point p = {.x = place(c->t, row, c->x, &d->x),
                      .y = place(c->t, row, c->y, &d->y),
                      .row = row,
                      .low = place(c->t, row, c->low, NULL),
                      .high = place(c->t, row, c->high, NULL),
                      .partial = r->summary.n_done < r->summary.n_total};
    if (isnan(p.x) && kind == SERIES_TWIN) p.x = place(c->t, partner_of(c->t, row), c->x, &d->x);
    if (kind == SERIES_BASELINE && isnan(p.x)) p.x = beside_itself(c->t, c->x, r);
    if (kind == SERIES_BASELINE && isnan(p.y)) p.y = beside_itself(c->t, c->y, r);
    if (kind == SERIES_BASELINE && c->o->kind == FIGURE_CURVE) {
        d->base = p;
        return SAINT_OK; /* a line across the figure: the parameter means nothing to it */
    }
    if (kind == SERIES_BASELINE) d->base = p;
    if (isnan(p.x) || isnan(p.y) || (c->o->log_x && p.x <= 0)) return SAINT_OK;
    name_of(c, row, kind, name);
    figure_series *s = figure_series_of(d, name, kind, err);
    return s ? figure_add_point(s, &p, err) : SAINT_INVALID;
}

static int by_x(const void *a, const void *b)
{
    const figure_point *p = a, *q = b;
    if (p->x != q->x) return p->x < q->x ? -1 : 1;
    return (p->row > q->row) - (p->row < q->row);
}

/* Columns of which more is better; of all others less. */
static bool more_is_better(const char *column)
{
    static const char *const known[] = {"throughput_sps", "speedup", "agreement"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(column, known[i]) == 0) return true;
    return false;
}

static int by_x_down(const void *a, const void *b)
{
    const figure_point *p = a, *q = b;
    if (p->x != q->x) return p->x > q->x ? -1 : 1;
    return (p->row > q->row) - (p->row < q->row);
}

/* The front of the points that are drawn, whatever the axes: cheap (or fast) x, high y. */
static saint_status find_front(figure_data *d, saint_error *err)
{
    int total = 0;
    for (int i = 0; i < d->n; i++) total += d->series[i].n;
    d->front = malloc((size_t)(total + 1) * sizeof *d->front);
    if (!d->front) return saint_fail(err, SAINT_MEMORY, "figure: no memory for %d points", total);
    int n = 0;
    for (int i = 0; i < d->n; i++)
        for (int k = 0; k < d->series[i].n; k++)
            if (!d->series[i].point[k].partial) d->front[n++] = d->series[i].point[k];
    qsort(d->front, (size_t)n, sizeof *d->front, d->fast_x ? by_x_down : by_x);
    for (int i = 0; i < n; i++) {
        int at = d->n_front; /* of equal cost the best takes the place */
        if (at && d->front[i].y <= d->front[at - 1].y) continue;
        if (at && d->front[i].x == d->front[at - 1].x) at--;
        d->front[at] = d->front[i];
        d->n_front = at + 1;
    }
    if (d->fast_x) qsort(d->front, (size_t)d->n_front, sizeof *d->front, by_x);
    return SAINT_OK;
}

static saint_status choose(table *t, const figure_options *o, choice *c, saint_error *err)
{
    const sweep_data *s = table_sweep(t);
    bool pareto = o->kind == FIGURE_PARETO;
    const char *x = o->x ? o->x : pareto ? "gflops_total_mean" : s->axes.n_params ? s->axes.param[0] : "equiv_tok_mean";
    *c = (choice){.t = t, .o = o, .by = -1};
    saint_status st = find_column(t, x, &c->x, err);
    if (st == SAINT_OK) st = find_column(t, o->y ? o->y : "metric", &c->y, err);
    if (st == SAINT_OK && o->by) st = find_column(t, o->by, &c->by, err);
    if (st == SAINT_OK && o->where) st = filter_parse(o->where, t, &c->where, err);
    if (st != SAINT_OK) return st;
    bool any = false;
    for (size_t row = 0; row < table_rows(t) && !any; row++) any = table_get(t, row, c->y).kind != CELL_EMPTY;
    if (!any && !o->y) st = find_column(t, "agreement", &c->y, err); /* no right answers: how often the answer stays */
    find_interval(t, c->y, &c->low, &c->high);
    c->one_method = one_method(c);
    c->scattered = is_scattered(c);
    return st;
}

saint_status figure_points(table *t, const figure_options *o, figure_data *out, saint_error *err)
{
    choice c;
    *out = (figure_data){.base.y = NAN};
    saint_status st = choose(t, o, &c, err);
    for (size_t row = 0; row < table_rows(t) && st == SAINT_OK; row++)
        if (figure_wants(t, row, o, c.where)) st = add_row(&c, row, out, err);
    filter_free(c.where);
    int n = 0;
    for (int i = 0; i < out->n; i++) {
        if (out->series[i].n) qsort(out->series[i].point, (size_t)out->series[i].n, sizeof(figure_point), by_x);
        n += out->series[i].n;
    }
    if (st == SAINT_OK) {
        set_label(t, c.x, &out->x);
        set_label(t, c.y, &out->y);
        bool hollow = false;
        for (int i = 0; i < out->n; i++)
            for (int k = 0; k < out->series[i].n; k++) hollow = hollow || out->series[i].point[k].partial;
        char ending[96];
        (void)snprintf(ending, sizeof ending, "%s%s", c.low >= 0 ? "; bars: 95 % intervals" : "",
                       hollow ? "; hollow: fewer samples" : "");
        figure_title(t, ending, out->title, sizeof out->title);
        if (!n)
            st = saint_fail(err, SAINT_INVALID, "figure: no row has both %s and %s; `saint export --format csv` shows what there is",
                            table_column_at(t, c.x)->name, table_column_at(t, c.y)->name);
    }
    out->scattered = c.scattered;
    out->fast_x = st == SAINT_OK && more_is_better(table_column_at(t, c.x)->name);
    if (st == SAINT_OK && o->kind == FIGURE_PARETO) st = find_front(out, err);
    if (st != SAINT_OK) figure_free(out);
    return st;
}
