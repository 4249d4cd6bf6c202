#define _GNU_SOURCE
#include "sweep/early.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

saint_status sweep_early_make(const sweep_plan *p, const saint_dataset *d, const sweep_done *done, sweep_early *out, saint_error *err)
{
    size_t n = (size_t)p->n_trials * p->n_wanted;
    *out = (sweep_early){.plan = p, .data = d, .done = done};
    if (!(p->early_stop > 0) || p->baseline < 0 || !saint_dataset_get_info(d)->has_answers) return SAINT_OK;
    out->score = malloc((n + 1) * sizeof *out->score);
    if (!out->score) return saint_fail(err, SAINT_MEMORY, "no memory for %zu scores", n);
    for (size_t i = 0; i < n; i++) out->score[i] = NAN;
    return SAINT_OK;
}

void sweep_early_free(sweep_early *e)
{
    if (!e) return;
    free(e->score);
    *e = (sweep_early){0};
}

void sweep_early_answer(sweep_early *e, int trial, uint32_t sample, const char *answer)
{
    saint_verdict v;
    if (!e->score || !answer || trial < 0 || sample >= e->plan->n_samples || e->done->place[sample] == UINT32_MAX) return;
    if (saint_score_answer(e->data, sample, answer, e->plan->parser, &v, NULL, NULL) == SAINT_OK)
        e->score[(size_t)trial * e->plan->n_wanted + e->done->place[sample]] = (float)v.score;
}

void sweep_early_line(sweep_early *e, int trial, uint32_t sample, const sweep_head *h)
{
    cJSON *o = NULL;
    if (!e->score || !h->ok || h->repeat != 0) return;
    if (saint_json_parse(h->record, h->n, SWEEP_LINE_MAX, "record", &o, NULL) != SAINT_OK) return;
    const cJSON *output = cJSON_GetObjectItemCaseSensitive(o, "output");
    if (cJSON_IsString(output)) sweep_early_answer(e, trial, sample, output->valuestring);
    cJSON_Delete(o);
}

/* Samples that both have; returns their number. a, b, cluster [n_wanted]. */
static size_t pairs(const sweep_early *e, int trial, double *a, double *b, uint32_t *cluster)
{
    size_t n = 0, wanted = e->plan->n_wanted;
    const float *x = e->score + (size_t)trial * wanted, *y = e->score + (size_t)e->plan->baseline * wanted;
    for (size_t i = 0; i < e->plan->n_samples; i++) {
        uint32_t k = e->done->place[i];
        if (k == UINT32_MAX || isnan(x[k]) || isnan(y[k])) continue;
        a[n] = x[k];
        b[n] = y[k];
        cluster[n++] = saint_dataset_cluster(e->data, i);
    }
    return n;
}

saint_status sweep_early_look(sweep_early *e,
                              saint_status (*stop)(void *ud, int trial, size_t n, double diff, double high, saint_error *err), void *ud,
                              saint_error *err)
{
    const sweep_plan *p = e->plan;
    size_t have = 0;
    saint_status s = SAINT_OK;
    if (!e->score) return s;
    for (size_t i = 0; i < p->n_wanted; i++) have += isnan(e->score[(size_t)p->baseline * p->n_wanted + i]) ? 0 : 1;
    if (have < SWEEP_EARLY_PICTURES || have < e->looked + e->looked / 4) return s;
    double *a = malloc((p->n_wanted + 1) * sizeof *a), *b = malloc((p->n_wanted + 1) * sizeof *b);
    uint32_t *cluster = malloc((p->n_wanted + 1) * sizeof *cluster);
    if (!a || !b || !cluster) s = saint_fail(err, SAINT_MEMORY, "no memory for %zu scores", p->n_wanted);
    else e->looked = have;
    for (int t = 0; t < p->n_trials && s == SAINT_OK; t++) {
        saint_paired d;
        if (t == p->baseline || e->done->stopped[t]) continue;
        size_t n = pairs(e, t, a, b, cluster);
        s = saint_stats_paired(a, b, cluster, n, &d, err);
        if (s != SAINT_OK || d.clusters < SWEEP_EARLY_PICTURES || !(d.se >= 0)) continue;
        double high = d.se > 0 ? d.diff + saint_t_quantile(0.999, d.df) * d.se : d.diff;
        if (high < -p->early_stop) s = stop(ud, t, n, d.diff, high, err);
    }
    free(a);
    free(b);
    free(cluster);
    return s;
}
