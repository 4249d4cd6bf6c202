#define _GNU_SOURCE
#include "ui/runs/chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/pareto.h"

/* ---- the table ---- */

saint_status chart_data_make(chart_data *d, int n_rows, int n_columns, saint_error *err)
{
    *d = (chart_data){0};
    size_t rows = n_rows > 0 ? (size_t)n_rows : 0, columns = n_columns > 0 ? (size_t)n_columns : 0, cells = rows * columns;
    d->column = calloc(columns + 1, sizeof *d->column);
    d->row = calloc(rows + 1, sizeof *d->row);
    d->value = malloc((3 * cells + 1) * sizeof *d->value);
    if (!d->column || !d->row || !d->value) {
        chart_data_free(d);
        return saint_fail(err, SAINT_MEMORY, "no memory for a chart of %zu runs", rows);
    }
    for (size_t i = 0; i < 3 * cells; i++) d->value[i] = NAN;
    d->low = d->value + cells;
    d->high = d->low + cells;
    d->n_rows = (int)rows;
    d->n_columns = d->n_numbers = (int)columns;
    return SAINT_OK;
}

void chart_data_free(chart_data *d)
{
    if (!d) return;
    for (int i = 0; i < d->n_rows; i++) free(d->row[i].name);
    for (int c = 0; c < d->n_columns; c++) {
        for (int k = 0; k < d->column[c].n_labels; k++) free(d->column[c].label[k]);
        free(d->column[c].label);
    }
    free(d->title);
    free(d->column);
    free(d->row);
    free(d->value);
    *d = (chart_data){0};
}

int chart_column_find(const chart_data *d, const char *name)
{
    for (int i = 0; d && name && i < d->n_columns; i++)
        if (strcmp(d->column[i].name, name) == 0) return i;
    return -1;
}

/* The different values of a column among the pruned runs, in order; returns how many, at most `most`. */
static int distinct(const chart_data *d, int column, const bool *shown, double *out, int most)
{
    int n = 0;
    for (int i = 0; column >= 0 && column < d->n_columns && i < d->n_rows; i++) {
        double v = d->value[chart_at(d, i, column)];
        if (d->row[i].role != CHART_RUN || !isfinite(v) || (shown && !shown[i])) continue;
        int at = 0;
        while (at < n && out[at] < v) at++;
        if (at < n && out[at] == v) continue;
        if (n == most) {
            if (at < n) memmove(out + at + 1, out + at, (size_t)(n - at - 1) * sizeof *out), out[at] = v;
            continue;
        }
        memmove(out + at + 1, out + at, (size_t)(n - at) * sizeof *out);
        out[at] = v;
        n++;
    }
    return n;
}

int chart_values(const chart_data *d, int column)
{
    enum { MOST = 1000 };
    double v[MOST];
    return distinct(d, column, NULL, v, MOST);
}

/* ---- one curve ---- */

typedef struct {
    double x, y, low, high;
    int row;
} point;

static int by_x(const void *a, const void *b)
{
    const point *p = a, *q = b;
    if (p->x != q->x) return p->x < q->x ? -1 : 1;
    return p->row - q->row;
}

typedef struct {
    const chart_data *d;
    const chart_axes *a;
    const bool *shown;
    chart_figure *f;
    point *scratch;         /* [n_rows + 2] */
    double *next;           /* free numbers of the store */
    uint8_t *next_hollow;
    int *next_row;
} builder;

static bool usable(const builder *b, int row, int y_column)
{
    if (b->shown && !b->shown[row]) return false;
    double x = b->d->value[chart_at(b->d, row, b->a->x)], y = b->d->value[chart_at(b->d, row, y_column)];
    if (!isfinite(x) || !isfinite(y)) return false;
    return !(b->a->from < b->a->to) || (x >= b->a->from && x <= b->a->to);
}

/* by: only rows with this value there, NaN = those that have none; -1: all. */
static int gather(builder *b, int y_column, chart_role role, int by, double value)
{
    int n = 0;
    for (int i = 0; i < b->d->n_rows; i++) {
        if (b->d->row[i].role != role || !usable(b, i, y_column)) continue;
        double own = by >= 0 ? b->d->value[chart_at(b->d, i, by)] : 0;
        if (by >= 0 && own != value && !(isnan(own) && isnan(value))) continue;
        size_t at = chart_at(b->d, i, y_column);
        b->scratch[n++] = (point){b->d->value[chart_at(b->d, i, b->a->x)], b->d->value[at], b->d->low[at], b->d->high[at], i};
    }
    qsort(b->scratch, (size_t)n, sizeof *b->scratch, by_x);
    return n;
}

/* The scratch's n points as a series; empty when it is hidden, so that the legend still names it. */
static saint_ui_series *add(builder *b, int n, int slot, int axis, const char *name)
{
    chart_figure *f = b->f;
    if (f->plot.n_series >= CHART_SERIES_MOST) return NULL;
    int k = f->plot.n_series++;
    bool hidden = slot < 32 && b->a->hidden & 1u << slot, bars = false;
    snprintf(f->name[k], sizeof f->name[k], "%s%s", name, hidden ? " (hidden)" : "");
    if (hidden) n = 0;
    double *x = b->next, *y = x + n, *low = y + n, *high = low + n;
    b->next += 4 * n;
    for (int i = 0; i < n; i++) {
        const point *p = &b->scratch[i];
        x[i] = p->x, y[i] = p->y, low[i] = p->low, high[i] = p->high;
        bars = bars || isfinite(p->high - p->low);
        b->next_hollow[i] = b->d->row[p->row].hollow;
        b->next_row[i] = p->row;
    }
    f->slot[k] = slot;
    f->row[k] = b->next_row;
    f->series[k] = (saint_ui_series){.name = f->name[k],
                                     .n = n,
                                     .x = x,
                                     .y = y,
                                     .low = bars ? low : NULL,
                                     .high = bars ? high : NULL,
                                     .hollow = b->next_hollow,
                                     .points = true,
                                     .axis = axis,
                                     .color = slot};
    b->next_hollow += n;
    b->next_row += n;
    return &f->series[k];
}

static bool differ_elsewhere(const builder *b, int i, int k)
{
    for (int c = 0; c < b->d->n_columns; c++) {
        if (c == b->a->x || c == b->a->by || b->d->column[c].kind != CHART_PARAMETER) continue;
        double p = b->d->value[chart_at(b->d, i, c)], q = b->d->value[chart_at(b->d, k, c)];
        if (p != q && !(isnan(p) && isnan(q))) return true;
    }
    return false;
}

/* A line joins runs that differ only in x: through the points of a random sweep it would be a scribble. */
static bool joins(builder *b, int n)
{
    for (int i = 1; i < n; i++)
        if (b->scratch[i].x == b->scratch[i - 1].x) {
            b->f->crowded = true;
            return false;
        }
    for (int i = 1; i < n; i++)
        if (differ_elsewhere(b, b->scratch[i].row, b->scratch[i - 1].row)) return false;
    return n > 1;
}

static void add_group(builder *b, int y_column, int g, int by, double value, const char *name)
{
    int n = gather(b, y_column, CHART_RUN, by, value);
    bool line = b->d->column[b->a->x].kind == CHART_PARAMETER && joins(b, n);
    saint_ui_series *s = add(b, n, CHART_SLOT_GROUP + g, 0, name);
    if (s) s->line = line;
}

static void add_groups(builder *b, int y_column)
{
    double v[CHART_GROUPS];
    char name[80];
    int all = gather(b, y_column, CHART_RUN, -1, 0), by = b->a->by, without = by >= 0 ? gather(b, y_column, CHART_RUN, by, NAN) : 0;
    int groups = by >= 0 ? distinct(b->d, by, b->shown, v, CHART_GROUPS - (without > 0)) : 0, used = 0;
    if (!groups) {
        add_group(b, y_column, 0, -1, 0, b->d->column[y_column].name);
        return;
    }
    for (int g = groups - 1; g >= 0; g--) { /* drawn last is first in the legend */
        const chart_column *c = &b->d->column[by];
        if (c->n_labels) snprintf(name, sizeof name, "%.70s", v[g] >= 0 && v[g] < c->n_labels ? c->label[(int)v[g]] : "?");
        else snprintf(name, sizeof name, "%.60s %.6g", c->name, v[g]);
        add_group(b, y_column, g, by, v[g], name);
        used += gather(b, y_column, CHART_RUN, by, v[g]);
    }
    snprintf(name, sizeof name, "no %.60s", b->d->column[by].name);
    if (without) add_group(b, y_column, groups, by, NAN, name);
    b->f->left_out = all - used - without;
}

static void add_random(builder *b, int y_column)
{
    int n = gather(b, y_column, CHART_RANDOM, -1, 0);
    if (!n) return;
    bool line = b->d->column[b->a->x].kind == CHART_PARAMETER && b->a->by < 0 && joins(b, n);
    saint_ui_series *s = add(b, n, CHART_SLOT_RANDOM, 0, "random drop");
    if (s) s->line = line;
}

/* The unpruned model has no value of a parameter: its score is a level over the whole chart. */
static void add_unpruned(builder *b, int y_column)
{
    if (b->d->column[b->a->x].kind != CHART_PARAMETER) {
        int n = gather(b, y_column, CHART_UNPRUNED, -1, 0);
        if (n) add(b, n, CHART_SLOT_UNPRUNED, 0, "unpruned");
        return;
    }
    double low = NAN, high = NAN;
    for (int i = 0; i < b->d->n_rows; i++) {
        if (!usable(b, i, y_column)) continue;
        double x = b->d->value[chart_at(b->d, i, b->a->x)];
        if (!(low <= x)) low = x;
        if (!(high >= x)) high = x;
    }
    for (int i = 0; i < b->d->n_rows && isfinite(low); i++) {
        size_t at = chart_at(b->d, i, y_column);
        if (b->d->row[i].role != CHART_UNPRUNED || !isfinite(b->d->value[at]) || (b->shown && !b->shown[i])) continue;
        b->scratch[0] = (point){low, b->d->value[at], b->d->low[at], b->d->high[at], i};
        b->scratch[1] = b->scratch[0];
        b->scratch[1].x = high;
        saint_ui_series *s = add(b, low < high ? 2 : 1, CHART_SLOT_UNPRUNED, 0, "unpruned");
        if (s) s->line = true, s->points = false;
        return;
    }
}

/* Runs that no other beats in both; half a run has seen other samples than the rest and takes no part. */
static saint_status add_front(builder *b, int y_column, saint_error *err)
{
    const chart_column *cx = &b->d->column[b->a->x], *cy = &b->d->column[y_column];
    if (!b->a->front || !cx->better || !cy->better || cx->kind == CHART_PARAMETER) return SAINT_OK;
    size_t rows = (size_t)b->d->n_rows, n = 0;
    double *cost = malloc((2 * rows + 1) * sizeof *cost), *value = cost ? cost + rows : NULL;
    bool *front = calloc(rows + 1, sizeof *front);
    saint_status s = cost && front ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for a chart of %zu runs", rows);
    for (int i = 0; s == SAINT_OK && i < b->d->n_rows; i++) {
        if (!usable(b, i, y_column) || b->d->row[i].hollow) continue;
        double x = b->d->value[chart_at(b->d, i, b->a->x)], y = b->d->value[chart_at(b->d, i, y_column)];
        b->scratch[n] = (point){x, y, NAN, NAN, i};
        cost[n] = -x * cx->better;
        value[n++] = y * cy->better;
    }
    if (s == SAINT_OK) s = pareto_front(cost, value, n, front, err);
    int kept = 0;
    for (size_t i = 0; i < n && s == SAINT_OK; i++)
        if (front[i]) b->scratch[kept++] = b->scratch[i];
    free(cost);
    free(front);
    if (s != SAINT_OK) return s;
    qsort(b->scratch, (size_t)kept, sizeof *b->scratch, by_x);
    /* A step goes across and then up or down; between two points the poorer y is what can be had, so the walk starts at the end where
     * y is poorest in the direction of worse x. */
    for (int i = 0; cx->better > 0 && i < kept / 2; i++) {
        point swap = b->scratch[i];
        b->scratch[i] = b->scratch[kept - 1 - i];
        b->scratch[kept - 1 - i] = swap;
    }
    if (!kept) return SAINT_OK;
    saint_ui_series *line = add(b, kept, CHART_SLOT_FRONT, 0, "Pareto front");
    if (!line) return SAINT_OK;
    line->line = line->steps = true;
    line->points = false;
    line->color = 2; /* a line only: it shares the colour of the third group's marker, not its shape */
    return SAINT_OK;
}

static void add_right(builder *b, int y_column)
{
    int n = gather(b, y_column, CHART_RUN, -1, 0);
    bool line = b->d->column[b->a->x].kind == CHART_PARAMETER && joins(b, n);
    saint_ui_series *s = add(b, n, CHART_SLOT_RIGHT, 1, b->d->column[y_column].name);
    if (s) s->line = line, s->color = 1;
}

static saint_ui_axis axis_of(const chart_data *d, int column, bool log)
{
    return (saint_ui_axis){.label = d->column[column].name, .unit = d->column[column].unit, .log = log};
}

saint_status chart_build(const chart_data *d, const chart_axes *a, const bool *shown, double mark, double cursor, chart_figure *f,
                         saint_error *err)
{
    *f = (chart_figure){.plot = {.cursor = cursor, .mark = mark, .guides = a->guides}};
    f->plot.series = f->series;
    if (!d || d->n_rows < 1 || a->x < 0 || a->x >= d->n_numbers || a->y[0] < 0 || a->y[0] >= d->n_numbers) return SAINT_OK;
    /* Every row is at most in its group, the front and the right axis; the unpruned level takes two points. */
    size_t rows = (size_t)d->n_rows, most = 4 * rows + 8;
    char *store = calloc(1, most * (4 * sizeof(double) + sizeof(int) + 1) + (rows + 4) * sizeof(point));
    if (!store) return saint_fail(err, SAINT_MEMORY, "no memory for a chart of %zu runs", rows);
    builder b = {.d = d, .a = a, .shown = shown, .f = f};
    f->store = store;
    b.scratch = (point *)(void *)store;
    b.next = (double *)(void *)(b.scratch + rows + 4);
    b.next_row = (int *)(void *)(b.next + 4 * most);
    b.next_hollow = (uint8_t *)(b.next_row + most);
    f->plot.x = axis_of(d, a->x, a->log_x);
    f->plot.y[0] = axis_of(d, a->y[0], a->log_y[0]);
    /* What is drawn later lies on top: lines first, then the points that they would hide. */
    saint_status s = add_front(&b, a->y[0], err);
    if (s != SAINT_OK) {
        chart_figure_free(f);
        return s;
    }
    add_unpruned(&b, a->y[0]);
    add_random(&b, a->y[0]);
    add_groups(&b, a->y[0]);
    if (a->y[1] >= 0 && a->y[1] < d->n_numbers) {
        f->plot.y[1] = axis_of(d, a->y[1], a->log_y[1]);
        add_right(&b, a->y[1]);
    }
    if (a->from < a->to) f->plot.x.low = a->from, f->plot.x.high = a->to;
    /* Of one picture the answer is the same or it is not: the axis shows both. */
    for (int k = 0; k < 2; k++)
        if (d->one_picture && a->y[k] >= 0 && a->y[k] < d->n_columns && strcmp(d->column[a->y[k]].id, "agreement") == 0)
            f->plot.y[k].low = -0.05, f->plot.y[k].high = 1.05;
    return SAINT_OK;
}

void chart_figure_free(chart_figure *f)
{
    if (!f) return;
    free(f->store);
    *f = (chart_figure){0};
}

int chart_figure_row(const chart_figure *f)
{
    if (isnan(f->plot.cursor)) return -1;
    int best = -1;
    double distance = INFINITY;
    for (int k = 0; k < f->plot.n_series; k++) {
        int i = saint_ui_plot_nearest(&f->series[k], f->plot.cursor, f->plot.x.log);
        if (i < 0 || f->slot[k] == CHART_SLOT_FRONT || (f->slot[k] == CHART_SLOT_UNPRUNED && f->series[k].line)) continue;
        double away = fabs(f->series[k].x[i] - f->plot.cursor);
        if (away <= distance) distance = away, best = f->row[k][i]; /* of equals the one that is drawn last, on top */
    }
    return best;
}
