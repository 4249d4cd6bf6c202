#include "sweep/early.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sweep/order.h"

static const float failed = -1;

static saint_status no_memory(const sweep_early *e, saint_error *err)
{
    return saint_fail(err, SAINT_MEMORY, "no memory for %zu scores", (size_t)e->plan->n_trials * e->plan->n_wanted);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void begin_anew(sweep_early *e, int trial)
{
    sweep_early_trial *t = &e->trial[trial];
    *t = (sweep_early_trial){.ready = t->ready, .own = (uint32_t)e->plan->n_wanted, .diff = NAN, .high = NAN};
}

/* Places between pictures; behind the last sample there is nothing to give up. */
static void find_looks(sweep_early *e, const sweep_order *o)
{
    for (size_t g = SWEEP_EARLY_PICTURES; g < o->n_groups; g++) {
        uint32_t at = (uint32_t)o->group[g], last = e->n_looks ? e->look[e->n_looks - 1] : 0;
        if (at >= last + last / 4) e->look[e->n_looks++] = at;
    }
}

saint_status sweep_early_make(const sweep_plan *p, const saint_dataset *d, sweep_early *out, saint_error *err)
{
    sweep_order o;
    size_t n = (size_t)p->n_trials * p->n_wanted;
    *out = (sweep_early){.plan = p, .data = d};
    if (!(p->early_stop > 0) || p->baseline < 0 || !saint_dataset_get_info(d)->has_answers) return SAINT_OK;
    saint_status s = sweep_order_pictures(p, d, &o, err);
    if (s != SAINT_OK) return s;
    out->sample = o.sample;
    o.sample = NULL;
    out->place = malloc((p->n_samples + 1) * sizeof *out->place);
    out->look = malloc((o.n_groups + 1) * sizeof *out->look);
    out->score = malloc((n + 1) * sizeof *out->score);
    out->trial = calloc((size_t)p->n_trials + 1, sizeof *out->trial);
    if (!out->place || !out->look || !out->score || !out->trial) s = no_memory(out, err);
    if (s == SAINT_OK) {
        find_looks(out, &o);
        for (size_t i = 0; i < p->n_samples; i++) out->place[i] = UINT32_MAX;
        for (uint32_t i = 0; i < p->n_wanted; i++) out->place[out->sample[i]] = i;
        for (size_t i = 0; i < n; i++) out->score[i] = NAN;
        for (int t = 0; t < p->n_trials; t++) begin_anew(out, t);
    } else {
        sweep_early_free(out);
    }
    sweep_order_free(&o);
    return s;
}

void sweep_early_free(sweep_early *e)
{
    if (!e) return;
    free(e->sample);
    free(e->place);
    free(e->look);
    free(e->score);
    free(e->trial);
    *e = (sweep_early){0};
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

void sweep_early_record(sweep_early *e, int trial, uint32_t sample, const char *answer)
{
    saint_verdict v;
    if (!e->score || trial < 0 || trial >= e->plan->n_trials || sample >= e->plan->n_samples || e->place[sample] == UINT32_MAX) return;
    size_t n = e->plan->n_wanted;
    float *row = e->score + (size_t)trial * n, *to = row + e->place[sample], score = failed;
    if (answer && saint_score_answer(e->data, sample, answer, e->plan->parser, &v, NULL, NULL) == SAINT_OK && v.score >= 0)
        score = (float)v.score;
    bool known = !isnan(*to);
    if (known && (*to >= 0 || score < 0)) return; /* a good record stays, and the first of those */
    *to = score;
    while (e->trial[trial].ready < n && !isnan(row[e->trial[trial].ready])) e->trial[trial].ready++;
    if (!known) return;
    for (int t = 0; t < e->plan->n_trials; t++) /* a retry that went well: what was judged by the failure is judged again */
        if (t == trial || trial == e->plan->baseline) begin_anew(e, t);
}

/* ---- verdicts ---------------------------------------------------------------------------------------------------- */

typedef struct {
    double *a, *b; /* [n_wanted] */
    uint32_t *cluster;
} room;

/* The trial on the first n samples. *hopeless: it is sure to lose too much. */
static saint_status test(const sweep_early *e, int trial, uint32_t n, const room *r, bool *hopeless, saint_error *err)
{
    const size_t wanted = e->plan->n_wanted;
    const float *x = e->score + (size_t)trial * wanted, *y = e->score + (size_t)e->plan->baseline * wanted;
    sweep_early_trial *t = &e->trial[trial];
    size_t m = 0;
    saint_paired d;
    for (uint32_t i = 0; i < n; i++) {
        if (x[i] < 0 || y[i] < 0) continue;
        r->a[m] = (double)x[i];
        r->b[m] = (double)y[i];
        r->cluster[m++] = saint_dataset_cluster(e->data, e->sample[i]);
    }
    *hopeless = false;
    saint_status s = saint_stats_paired(r->a, r->b, r->cluster, m, &d, err);
    if (s != SAINT_OK || d.clusters < SWEEP_EARLY_PICTURES || !(d.se >= 0)) return s;
    double high = d.se > 0 ? d.diff + saint_t_quantile(0.999, d.df) * d.se : d.diff;
    *hopeless = high < -e->plan->early_stop;
    if (!*hopeless) return s;
    t->own = n;
    t->diff = d.diff;
    t->high = high;
    return s;
}

saint_status sweep_early_judge(sweep_early *e, uint32_t *until, saint_error *err)
{
    const sweep_plan *p = e->plan;
    const uint32_t all = (uint32_t)p->n_wanted;
    saint_status s = SAINT_OK;
    for (int t = 0; t < p->n_trials; t++) until[t] = all;
    if (!e->score) return s;
    room r = {malloc((p->n_wanted + 1) * sizeof *r.a), malloc((p->n_wanted + 1) * sizeof *r.b),
              malloc((p->n_wanted + 1) * sizeof *r.cluster)};
    if (!r.a || !r.b || !r.cluster) s = no_memory(e, err);
    for (int i = 0; i < p->n_trials && s == SAINT_OK; i++) {
        sweep_early_trial *t = &e->trial[i];
        const uint32_t ready = t->ready < e->trial[p->baseline].ready ? t->ready : e->trial[p->baseline].ready;
        if (i == p->baseline) continue;
        for (; s == SAINT_OK && t->own == all && t->passed < e->n_looks && e->look[t->passed] <= ready; t->passed++) {
            bool hopeless;
            s = test(e, i, e->look[t->passed], &r, &hopeless, err);
        }
    }
    for (int t = 0; t < p->n_trials && s == SAINT_OK; t++) {
        int64_t partner = p->trial[t].twin_of;
        until[t] = e->trial[t].own;
        if (partner >= 0 && e->trial[partner].own < until[t]) until[t] = e->trial[partner].own; /* without it a twin has no purpose */
    }
    free(r.a);
    free(r.b);
    free(r.cluster);
    return s;
}

void sweep_early_text(const sweep_early *e, int trial, char *out, size_t size)
{
    const sweep_early_trial *t = &e->trial[trial];
    const int64_t partner = e->plan->trial[trial].twin_of;
    if (partner >= 0 && e->trial[partner].own < t->own)
        snprintf(out, size, "stopped after %u of %zu samples with the configuration whose random twin it is", e->trial[partner].own, e->plan->n_wanted);
    else
        snprintf(out, size, "stopped after %u of %zu samples: loses %.4f against the unpruned model (at least %.4f)", t->own,
                 e->plan->n_wanted, -t->diff, -t->high);
}
