#include "ui/runs/chart.h"

#include <math.h>
#include <string.h>

static bool known(const chart_data *d, int column)
{
    for (int i = 0; i < d->n_rows; i++)
        if (isfinite(d->value[chart_at(d, i, column)])) return true;
    return false;
}

/* The first column of a kind that has numbers; better: only where more is better (1) or less (-1), 0: either. */
static int first_of(const chart_data *d, chart_kind kind, int better)
{
    for (int i = 0; i < d->n_columns; i++)
        if (d->column[i].kind == kind && (!better || d->column[i].better == better) && known(d, i)) return i;
    return -1;
}

/* Pairs of runs that share their x within one curve: no line can join them. NaN is a value like others. */
static int crowded(const chart_data *d, int x, int by)
{
    enum { LOOKED_AT = 600 }; /* every pair: of a large sweep the first runs say enough */
    int n = 0, rows = d->n_rows < LOOKED_AT ? d->n_rows : LOOKED_AT;
    for (int i = 0; i < rows; i++)
        for (int k = 0; k < i; k++) {
            if (d->row[i].role != CHART_RUN || d->row[k].role != CHART_RUN || d->value[chart_at(d, i, x)] != d->value[chart_at(d, k, x)]) continue;
            double p = by >= 0 ? d->value[chart_at(d, i, by)] : 0, q = by >= 0 ? d->value[chart_at(d, k, by)] : 0;
            n += p == q || (isnan(p) && isnan(q));
        }
    return n;
}

/* What tells crowded curves apart best, numbers before words; -1: they are not, or nothing does. */
static int best_by(const chart_data *d, int x)
{
    int best = -1, least = crowded(d, x, -1);
    for (int c = 0; c < d->n_columns && least > 0; c++) {
        if (c == x || d->column[c].kind != CHART_PARAMETER || chart_values(d, c) > CHART_GROUPS) continue;
        int n = crowded(d, x, c);
        if (n < least) least = n, best = c;
    }
    return best;
}

static int richest_parameter(const chart_data *d)
{
    int best = -1, most = 1;
    for (int i = 0; i < d->n_numbers; i++) {
        if (d->column[i].kind != CHART_PARAMETER) continue;
        int n = chart_values(d, i);
        if (n > most) most = n, best = i;
    }
    return best;
}

void chart_axes_default(const chart_data *d, int which, chart_axes *out)
{
    *out = (chart_axes){.x = -1, .y = {-1, -1}, .by = -1, .guides = true};
    if (!d || !d->n_columns) return;
    int quality = first_of(d, CHART_QUALITY, 1), cost = first_of(d, CHART_COST, 1);
    if (cost < 0) cost = first_of(d, CHART_COST, 0);
    int parameter = richest_parameter(d);
    if (which == 0 && parameter >= 0) {
        out->x = parameter;
        out->y[0] = quality >= 0 ? quality : cost;
        out->y[1] = quality >= 0 ? cost : -1;
        out->by = best_by(d, parameter);
        if (out->by >= 0) out->y[1] = -1; /* one right curve for several left ones says little */
    } else {
        out->x = cost;
        out->y[0] = quality;
        if (which == 0) out->x = first_of(d, CHART_COST, -1);
        if (out->y[0] < 0) out->y[0] = first_of(d, CHART_COST, -1);
        out->front = true;
    }
}

static int moved(const chart_data *from, const chart_data *to, int column, int otherwise)
{
    if (column < 0) return -1;
    int at = column < from->n_columns ? chart_column_find(to, from->column[column].name) : -1;
    return at >= 0 ? at : otherwise;
}

void chart_axes_move(const chart_data *from, const chart_data *to, int which, chart_axes *a)
{
    chart_axes plain;
    chart_axes_default(to, which, &plain);
    if (!from || a->x < 0 || a->y[0] < 0) { /* nothing was chosen yet */
        *a = plain;
        return;
    }
    int x = moved(from, to, a->x, -1), y = moved(from, to, a->y[0], -1);
    if (x < 0 || y < 0) {
        plain.guides = a->guides;
        *a = plain;
        return;
    }
    a->x = x;
    a->y[0] = y;
    a->y[1] = moved(from, to, a->y[1], -1);
    a->by = moved(from, to, a->by, -1);
}
