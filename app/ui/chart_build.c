#define _GNU_SOURCE
#include "ui/chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    d->n_columns = (int)columns;
    return SAINT_OK;
}

void chart_data_free(chart_data *d)
{
    if (!d) return;
    for (int i = 0; i < d->n_rows; i++) free(d->row[i].name);
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

static int gather(builder *b, int y_column, chart_role role, int by, double value)
{
    int n = 0;
    for (int i = 0; i < b->d->n_rows; i++) {
        if (b->d->row[i].role != role || !usable(b, i, y_column)) continue;
        if (by >= 0 && b->d->value[chart_at(b->d, i, by)] != value) continue;
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

/* A line joins runs that differ only in x. */
static bool joins(builder *b, int n)
{
    for (int i = 1; i < n; i++)
        if (b->scratch[i].x == b->scratch[i - 1].x) {
            b->f->crowded = true;
            return false;
        }
    return n > 1;
}

static void add_groups(builder *b, int y_column)
{
    double v[CHART_GROUPS + 1];
    int groups = b->a->by >= 0 ? distinct(b->d, b->a->by, b->shown, v, CHART_GROUPS) : 0;
    const char *y_name = b->d->column[y_column].name;
    int used = 0;
    for (int g = 0; g < (groups ? groups : 1); g++) {
        char name[80];
        if (groups)
            snprintf(name, sizeof name, "%s %.6g", b->d->column[b->a->by].name, v[g]);
        else snprintf(name, sizeof name, "%s", y_name);
        int n = gather(b, y_column, CHART_RUN, groups ? b->a->by : -1, groups ? v[g] : 0);
        bool line = b->d->column[b->a->x].kind == CHART_PARAMETER && joins(b, n);
        saint_ui_series *s = add(b, n, CHART_SLOT_GROUP + g, 0, name);
        if (s) s->line = line;
        used += n;
    }
    b->f->left_out = gather(b, y_column, CHART_RUN, -1, 0) - used;
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
    for (int k = 0; k < b->f->plot.n_series; k++)
        for (int i = 0; i < b->f->series[k].n; i++) {
            double x = b->f->series[k].x[i];
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

/* Runs that no other beats in both: from the best x on, each one with a better y than all before. */
static void add_front(builder *b, int y_column)
{
    const chart_column *cx = &b->d->column[b->a->x], *cy = &b->d->column[y_column];
    if (!b->a->front || !cx->better || !cy->better || cx->kind == CHART_PARAMETER) return;
    int n = 0, kept = 0;
    for (int i = 0; i < b->d->n_rows; i++) {
        if (!usable(b, i, y_column)) continue;
        b->scratch[n++] = (point){b->d->value[chart_at(b->d, i, b->a->x)], b->d->value[chart_at(b->d, i, y_column)], NAN, NAN, i};
    }
    for (int i = 0; i < n; i++) { /* few hundred runs: every pair */
        bool beaten = false;
        for (int k = 0; k < n && !beaten; k++) {
            double dx = (b->scratch[k].x - b->scratch[i].x) * cx->better, dy = (b->scratch[k].y - b->scratch[i].y) * cy->better;
            beaten = dx >= 0 && dy >= 0 && (dx > 0 || dy > 0);
        }
        if (!beaten) b->scratch[n + kept++] = b->scratch[i];
    }
    memmove(b->scratch, b->scratch + n, (size_t)kept * sizeof *b->scratch);
    qsort(b->scratch, (size_t)kept, sizeof *b->scratch, by_x);
    /* A step goes across and then up or down; between two points the poorer y is what can be had, so the walk starts at the end where
     * y is poorest in the direction of worse x. */
    if (cx->better > 0)
        for (int i = 0; i < kept / 2; i++) {
            point swap = b->scratch[i];
            b->scratch[i] = b->scratch[kept - 1 - i];
            b->scratch[kept - 1 - i] = swap;
        }
    saint_ui_series *s = add(b, kept, CHART_SLOT_FRONT, 0, "Pareto front");
    if (!s) return;
    s->line = s->steps = true;
    s->points = false;
    s->color = 2; /* a line only: it shares the colour of the third group's marker, not its shape */
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
    if (!d || d->n_rows < 1 || a->x < 0 || a->x >= d->n_columns || a->y[0] < 0 || a->y[0] >= d->n_columns) return SAINT_OK;
    /* Every row is at most in its group, the front and the right axis; the unpruned level takes two points. */
    size_t rows = (size_t)d->n_rows, most = 4 * rows + 8;
    char *store = calloc(1, most * (4 * sizeof(double) + sizeof(int) + 1) + (2 * rows + 4) * sizeof(point));
    if (!store) return saint_fail(err, SAINT_MEMORY, "no memory for a chart of %zu runs", rows);
    builder b = {.d = d, .a = a, .shown = shown, .f = f};
    f->store = store;
    b.scratch = (point *)(void *)store;
    b.next = (double *)(void *)(b.scratch + 2 * rows + 4);
    b.next_row = (int *)(void *)(b.next + 4 * most);
    b.next_hollow = (uint8_t *)(b.next_row + most);
    f->plot.x = axis_of(d, a->x, a->log_x);
    f->plot.y[0] = axis_of(d, a->y[0], a->log_y[0]);
    add_groups(&b, a->y[0]);
    add_random(&b, a->y[0]);
    add_unpruned(&b, a->y[0]);
    add_front(&b, a->y[0]);
    if (a->y[1] >= 0 && a->y[1] < d->n_columns) {
        f->plot.y[1] = axis_of(d, a->y[1], a->log_y[1]);
        add_right(&b, a->y[1]);
    }
    if (a->from < a->to) f->plot.x.low = a->from, f->plot.x.high = a->to;
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
        if (away < distance) distance = away, best = f->row[k][i];
    }
    return best;
}
