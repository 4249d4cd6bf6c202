/* pareto.c - see pareto.h. */
#include "export/pareto.h"

#include <math.h>
#include <stdlib.h>

/* ---- the front ------------------------------------------------------------------------------------------------------------ */

typedef struct {
    double cost, value;
    size_t at;
} point;

static int by_cost(const void *a, const void *b)
{
    const point *x = a, *y = b;
    if (x->cost != y->cost) return x->cost < y->cost ? -1 : 1;
    if (x->value != y->value) return x->value > y->value ? -1 : 1; /* of equal cost the best first */
    return (x->at > y->at) - (x->at < y->at);
}

saint_status pareto_front(const double *cost, const double *value, size_t n, bool *front, saint_error *err)
{
    point *p = malloc((n + 1) * sizeof *p);
    size_t m = 0;
    if (!p) return saint_fail(err, SAINT_MEMORY, "no memory for the front of %zu trials", n);
    for (size_t i = 0; i < n; i++) {
        front[i] = false;
        if (!isnan(cost[i]) && !isnan(value[i])) p[m++] = (point){cost[i], value[i], i};
    }
    qsort(p, m, sizeof *p, by_cost);
    for (size_t i = 0, best = 0; i < m; i++)
        if (i == 0 || p[i].value > p[best].value) front[p[best = i].at] = true;
    free(p);
    return SAINT_OK;
}

/* ---- of a sweep ----------------------------------------------------------------------------------------------------------- */

static bool whole(const eval_summary *m) { return m->n_total && m->n_done == m->n_total && m->n_done > m->n_error; }

static double cost_of(const eval_summary *m, pareto_cost cost)
{
    if (!whole(m)) return NAN;
    return cost == PARETO_FLOPS ? m->flops : m->lat_n ? m->latency.value : NAN;
}

/* What the front is about: the main metric, or without right answers how often the unpruned model's answer stays. */
static double value_of(const sweep_trial *t)
{
    const eval_summary *m = &t->summary;
    if (m->main_name && m->main_name[0]) return m->main.value;
    return t->trial.baseline ? 1 : m->agreement.n ? m->agreement.value : NAN;
}

static saint_status front_of(const sweep_data *s, pareto_cost cost, bool *front, saint_error *err)
{
    size_t n = (size_t)s->n_trials;
    double *x = malloc((n + 1) * sizeof *x), *y = malloc((n + 1) * sizeof *y);
    saint_status st = x && y ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for the front of %zu trials", n);
    for (size_t i = 0; i < n && st == SAINT_OK; i++) {
        x[i] = cost_of(&s->trial[i].summary, cost);
        y[i] = value_of(&s->trial[i]);
    }
    if (st == SAINT_OK) st = pareto_front(x, y, n, front, err);
    free(x);
    free(y);
    return st;
}

saint_status pareto_mark(sweep_data *s, saint_error *err)
{
    bool *front = malloc((size_t)s->n_trials + 1);
    saint_status st = front ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for the front of %d trials", s->n_trials);
    for (pareto_cost c = PARETO_FLOPS; c < PARETO_COSTS && st == SAINT_OK; c++) {
        st = front_of(s, c, front, err);
        for (int i = 0; i < s->n_trials && st == SAINT_OK; i++) {
            if (c == PARETO_FLOPS) s->trial[i].pareto_flops = front[i];
            else s->trial[i].pareto_latency = front[i];
        }
    }
    free(front);
    return st;
}

/* ---- beaten beyond doubt ---------------------------------------------------------------------------------------------------- */

/* Scores of all samples of a trial; NaN where there is no record that can be scored. */
static saint_status scores_of(const sweep_data *s, const sweep_trial *t, double *score, saint_error *err)
{
    saint_status st = SAINT_OK;
    for (size_t i = 0; i < s->n_samples && st == SAINT_OK; i++) {
        const eval_result *e = t->result[i];
        saint_verdict v = {0};
        score[i] = NAN;
        if (!e || e->state != EVAL_OK || !e->output) continue;
        st = saint_score_answer(s->dataset, i, e->output, s->parser, &v, NULL, err);
        if (st == SAINT_OK) score[i] = v.score;
        if (st == SAINT_INVALID) st = SAINT_OK; /* nobody knows the right answer */
    }
    return st;
}

typedef struct {
    double *a, *b; /* [n_samples] of the samples that both have */
    uint32_t *cluster;
} pairs;

/* Whether b is better than a by an interval that excludes 0. */
static saint_status is_better(const sweep_data *s, const double *a, const double *b, pairs *p, bool *better, saint_error *err)
{
    size_t n = 0;
    saint_paired r;
    for (size_t i = 0; i < s->n_samples; i++) {
        if (isnan(a[i]) || isnan(b[i])) continue;
        p->a[n] = a[i];
        p->b[n] = b[i];
        p->cluster[n++] = saint_dataset_cluster(s->dataset, i);
    }
    saint_status st = saint_stats_paired(p->b, p->a, p->cluster, n, &r, err);
    *better = st == SAINT_OK && r.low > 0; /* NaN: nothing is known */
    return st;
}

static saint_status find_dominated(const sweep_data *s, pareto_cost cost, const bool *front, double *score, pairs *p, int *out,
                                   saint_error *err)
{
    saint_status st = SAINT_OK;
    for (int i = 0; i < s->n_trials && st == SAINT_OK; i++)
        if (whole(&s->trial[i].summary)) st = scores_of(s, &s->trial[i], score + (size_t)i * s->n_samples, err);
    for (int i = 0; i < s->n_trials && st == SAINT_OK; i++) {
        double mine = cost_of(&s->trial[i].summary, cost);
        for (int k = 0; k < s->n_trials && st == SAINT_OK; k++) {
            bool better = false;
            if (k == i || !front[k] || front[i] || !(cost_of(&s->trial[k].summary, cost) <= mine)) continue;
            st = is_better(s, score + (size_t)i * s->n_samples, score + (size_t)k * s->n_samples, p, &better, err);
            if (better && (out[i] < 0 || value_of(&s->trial[k]) > value_of(&s->trial[out[i]]))) out[i] = k;
        }
    }
    return st;
}

saint_status pareto_dominated(const sweep_data *s, pareto_cost cost, int *dominated, saint_error *err)
{
    size_t trials = (size_t)s->n_trials, n = s->n_samples;
    for (size_t i = 0; i < trials; i++) dominated[i] = -1;
    if (!s->dataset || !saint_dataset_get_info(s->dataset)->has_answers || !trials || !n) return SAINT_OK;
    bool *front = malloc(trials);
    double *score = n <= SIZE_MAX / sizeof *score / trials ? malloc(trials * n * sizeof *score) : NULL;
    pairs p = {malloc(n * sizeof *p.a), malloc(n * sizeof *p.b), malloc(n * sizeof *p.cluster)};
    saint_status st = front && score && p.a && p.b && p.cluster
                          ? front_of(s, cost, front, err)
                          : saint_fail(err, SAINT_MEMORY, "no memory to compare %zu trials on %zu samples", trials, n);
    if (st == SAINT_OK) st = find_dominated(s, cost, front, score, &p, dominated, err);
    free(p.a);
    free(p.b);
    free(p.cluster);
    free(front);
    free(score);
    return st;
}
