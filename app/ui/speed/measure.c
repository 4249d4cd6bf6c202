/* measure.c - see measure.h. */
#include "ui/speed/measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The largest k for which the k-th smallest and the k-th largest of n values hold the median with 95 %: P(Bin(n, 1/2) < k) <= 0.025. */
static int order_rank(int n)
{
    double term = pow(0.5, n), sum = 0;
    int k = 0;
    for (; k < n / 2; k++) {
        sum += term;
        if (sum > 0.025) break;
        term *= (double)(n - k) / (k + 1);
    }
    return k; /* 0: none does */
}

measure_value measure_median(const double *x, int n)
{
    measure_value v = {NAN, NAN, NAN, n > 0 ? n : 0};
    double y[MEASURE_MOST];
    if (n < 1 || n > MEASURE_MOST) return v;
    memcpy(y, x, (size_t)n * sizeof *y);
    qsort(y, (size_t)n, sizeof *y, by_value);
    v.median = n % 2 ? y[n / 2] : (y[n / 2 - 1] + y[n / 2]) / 2;
    int k = order_rank(n);
    if (k > 0) {
        v.low = y[k - 1];
        v.high = y[n - k];
    }
    return v;
}

double measure_seconds(const saint_timings *t, measure_part part)
{
    switch (part) {
    case MEASURE_PREPROCESS: return t->preprocess;
    case MEASURE_ENCODER: return t->vit;
    case MEASURE_SELECTION: return t->selection;
    case MEASURE_PROJECTOR: return t->projector;
    case MEASURE_PREFILL: return t->prefill;
    case MEASURE_DECODE: return t->decode;
    case MEASURE_FIRST: return t->vit + t->selection + t->projector + t->prefill;
    case MEASURE_TOTAL: return t->preprocess + t->vit + t->selection + t->projector + t->prefill + t->decode;
    }
    return NAN;
}

measure_value measure_of(const measure_runs *m, int plan, measure_part part)
{
    double x[MEASURE_MOST];
    for (int i = 0; i < m->n; i++) x[i] = measure_seconds(&m->sample[plan][i], part);
    return measure_median(x, m->n);
}

measure_value measure_ratio(const measure_runs *m, int plan, int other, measure_part part)
{
    double x[MEASURE_MOST];
    for (int i = 0; i < m->n; i++) {
        double below = measure_seconds(&m->sample[plan][i], part);
        x[i] = below > 0 ? measure_seconds(&m->sample[other][i], part) / below : (double)NAN;
        if (isnan(x[i])) return (measure_value){NAN, NAN, NAN, m->n};
    }
    return measure_median(x, m->n);
}

void measure_begin(measure_runs *m, int n_plans, int warm, int most, double enough)
{
    memset(m, 0, sizeof *m);
    m->n_plans = n_plans < MEASURE_PLANS ? n_plans : MEASURE_PLANS;
    m->warm = warm;
    m->most = most < MEASURE_MOST ? most : MEASURE_MOST;
    m->enough = enough;
    m->done = m->n_plans < 1 || m->most < 1;
}

int measure_next(const measure_runs *m) { return m->done ? -1 : m->at; }

static bool known_well_enough(const measure_runs *m)
{
    for (int i = 0; i < m->n_plans; i++) {
        measure_value v = measure_of(m, i, MEASURE_TOTAL);
        if (!(v.high - v.low <= 2 * m->enough * v.median)) return false; /* NaN: not known at all */
    }
    return true;
}

void measure_add(measure_runs *m, const saint_timings *t)
{
    if (m->done) return;
    if (m->round >= m->warm) m->sample[m->at][m->n] = *t;
    if (++m->at < m->n_plans) return;
    m->at = 0;
    if (m->round++ < m->warm) return;
    m->n++;
    m->done = m->n >= m->most || known_well_enough(m);
}

void measure_progress(const measure_runs *m, int *done, int *total)
{
    *done = m->round * m->n_plans + m->at;
    *total = m->done ? *done : (m->warm + m->most) * m->n_plans;
}
