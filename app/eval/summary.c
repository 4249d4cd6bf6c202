/* summary.c - records to scores, differences, costs. Everything is summed in the order of the samples, so that the same records give the
 * same bits, whoever made them in whatever order. */
#include "eval/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BOOTSTRAP_SEED = 2680 };

/* Samples that count, as columns for the statistics. */
typedef struct {
    const saint_dataset *d;
    const eval_result *const *result, *const *base;
    const bool *wanted;
    bool errors; /* count as wrong answers */
    size_t total;
    double *x, *y;     /* [total] */
    uint32_t *cluster; /* [total] */
    saint_verdict *verdict, *base_verdict;
} view;

static const eval_result *fine(const eval_result *const *list, const view *v, size_t i)
{
    return list && (!v->wanted || v->wanted[i]) && list[i] && list[i]->state == EVAL_OK ? list[i] : NULL;
}

static const eval_result *mine(const view *v, size_t i) { return fine(v->result, v, i); }
static const eval_result *theirs(const view *v, size_t i) { return fine(v->base, v, i); }

/* ---- sums -------------------------------------------------------------------------------------------------------- */

/* Neumaier: the sum as if it had twice the digits. */
typedef struct {
    double sum, rest;
    size_t n;
} exact_sum;

static void sum_add(exact_sum *s, double x)
{
    double t = s->sum + x;
    s->rest += fabs(s->sum) >= fabs(x) ? s->sum - t + x : x - t + s->sum;
    s->sum = t;
    s->n++;
}

static double sum_of(const exact_sum *s) { return s->sum + s->rest; }
static double mean_of(const exact_sum *s) { return s->n ? sum_of(s) / (double)s->n : NAN; }

static const saint_interval nothing = {.value = NAN, .low = NAN, .high = NAN, .se = NAN, .method = ""};

/* Mean of x over the samples at hand, which has no upper end. */
static saint_status open_mean(view *v, size_t n, saint_interval *out, saint_error *err)
{
    bool spread = false;
    for (size_t i = 1; i < n; i++) spread |= v->x[i] != v->x[0];
    if (n && spread) return saint_stats_mean(v->x, v->cluster, n, INFINITY, out, err);
    *out = nothing; /* no spread, no interval */
    out->n = n;
    if (n) out->value = v->x[0];
    return SAINT_OK;
}

/* ---- scores ------------------------------------------------------------------------------------------------------ */

static saint_status judge(const view *v, const eval_result *const *list, saint_parser parser, saint_verdict *out, size_t *answered,
                          saint_error *err)
{
    *answered = 0;
    for (size_t i = 0; i < v->total; i++) {
        const eval_result *r = fine(list, v, i);
        bool failed = !r && v->errors && list && (!v->wanted || v->wanted[i]) && list[i];
        if (!r && !failed) continue;
        saint_status s = saint_score_answer(v->d, i, failed ? "" : r->output, parser, &out[i], NULL, err);
        if (s == SAINT_OK && failed) out[i] = (saint_verdict){.answered = true, .code = SAINT_ANSWER_OTHER, .other = true};
        if (s == SAINT_INVALID) out[i] = (saint_verdict){0}; /* nobody knows the right answer */
        else if (s != SAINT_OK) return s;
        else ++*answered;
    }
    return SAINT_OK;
}

/* The number of a data set that people quote, and what our tables call it. */
static const char *quoted(saint_data_kind k, const char **metric)
{
    *metric = k == SAINT_DATA_MME ? "total" : k == SAINT_DATA_POPE ? "f1" : "accuracy";
    return k == SAINT_DATA_MME ? "mme_total" : *metric;
}

static saint_status add_score(view *v, saint_parser parser, eval_summary *out, saint_error *err)
{
    size_t answered;
    const char *metric;
    saint_data_kind kind = saint_dataset_get_info(v->d)->kind;
    saint_status s = judge(v, v->result, parser, v->verdict, &answered, err);
    out->score = (saint_score){.kind = kind, .parser = parser, .n_total = v->total, .all = {.name = "all", .group = ""}};
    if (s != SAINT_OK || answered == 0) return s;
    s = saint_score_verdicts(v->d, v->verdict, parser, &out->score, err);
    if (s != SAINT_OK) return s;
    out->main_name = quoted(kind, &metric);
    const saint_metric *m = saint_score_metric(&out->score.all, metric);
    if (m) out->main = m->v;
    return s;
}

static bool binary(double x) { return x == 0 || x == 1; }

static saint_status add_difference(view *v, saint_parser parser, eval_summary *out, saint_error *err)
{
    size_t answered, n = 0, only_this = 0, only_base = 0;
    bool all_binary = true;
    saint_status s = v->base ? judge(v, v->base, parser, v->base_verdict, &answered, err) : SAINT_OK;
    for (size_t i = 0; i < v->total && s == SAINT_OK && v->base; i++) {
        if (!v->verdict[i].answered || !v->base_verdict[i].answered) continue;
        double a = v->verdict[i].score, b = v->base_verdict[i].score;
        all_binary = all_binary && binary(a) && binary(b);
        only_this += a > b;
        only_base += a < b;
        v->cluster[n] = saint_dataset_cluster(v->d, i);
        v->x[n] = a;
        v->y[n++] = b;
    }
    if (s == SAINT_OK) s = saint_stats_paired(v->x, v->y, v->cluster, n, &out->base, err);
    if (n && all_binary) out->mcnemar = saint_stats_mcnemar(only_this, only_base);
    return s;
}

/* ---- fidelity ---------------------------------------------------------------------------------------------------- */

/* 1: the same answer as the unpruned model, 0: another one, -1: not known. */
static int agrees(const eval_result *r, const eval_result *base)
{
    bool classifier = r->text == 0 && r->llm_in == 0;
    if (!base) return r->diverged == -2 ? -1 : r->diverged == -1;
    if (classifier && r->n_ids && base->n_ids) return r->ids[0] == base->ids[0];
    return strcmp(r->output, base->output) == 0;
}

static saint_status add_fidelity(view *v, eval_summary *out, saint_error *err)
{
    size_t n = 0;
    exact_sum where = {0};
    for (size_t i = 0; i < v->total; i++) {
        const eval_result *r = mine(v, i);
        int same = r ? agrees(r, theirs(v, i)) : -1;
        if (same < 0) continue;
        v->cluster[n] = saint_dataset_cluster(v->d, i);
        v->x[n++] = same;
    }
    saint_status s = saint_stats_mean(v->x, v->cluster, n, 1, &out->agreement, err);
    n = 0;
    for (size_t i = 0; i < v->total && s == SAINT_OK; i++) {
        const eval_result *r = mine(v, i);
        if (r && r->diverged >= 0) sum_add(&where, r->diverged);
        if (!r || isnan(r->kl)) continue;
        v->cluster[n] = saint_dataset_cluster(v->d, i);
        v->x[n++] = (double)r->kl;
    }
    out->diverged = mean_of(&where);
    return s == SAINT_OK ? open_mean(v, n, &out->kl, err) : s;
}

/* Mean cross entropy of a classifier, beside what it got right. */
static saint_status add_loss(view *v, eval_summary *out, saint_error *err)
{
    size_t n = 0;
    saint_slice *all = &out->score.all;
    for (size_t i = 0; i < v->total; i++) {
        const eval_result *r = mine(v, i);
        if (!r || isnan(r->loss)) continue;
        v->cluster[n] = saint_dataset_cluster(v->d, i);
        v->x[n++] = (double)r->loss;
    }
    if (!n || !all->n_metrics || all->n_metrics == SAINT_SLICE_METRICS || out->score.kind != SAINT_DATA_IMAGEFOLDER) return SAINT_OK;
    saint_metric *m = &all->metric[all->n_metrics++];
    *m = (saint_metric){.name = "ce_loss", .partial = n < out->score.n_total};
    return open_mean(v, n, &m->v, err);
}

/* ---- costs ------------------------------------------------------------------------------------------------------- */

static double flops_of(const eval_result *r) { return r->flops_vit + r->flops_projector + r->flops_prefill + r->flops_decode; }

static void add_means(const view *v, eval_summary *out)
{
    enum { VIT_IN, VIT_OUT, LLM_IN, LLM_OUT, EQUIVALENT, KEEP, F_VIT, F_PROJECTOR, F_PREFILL, F_DECODE, FLOPS, KV, MEANS };
    exact_sum m[MEANS] = {{0}}, ours = {0}, unpruned = {0};
    double *const to[MEANS] = {&out->vit_in,        &out->vit_out,      &out->llm_in,    &out->llm_out,
                               &out->equivalent,    &out->keep_ratio,   &out->flops_vit, &out->flops_projector,
                               &out->flops_prefill, &out->flops_decode, &out->flops,     &out->kv_bytes};
    for (size_t i = 0; i < v->total; i++) {
        const eval_result *r = mine(v, i), *base = theirs(v, i);
        if (!r) continue;
        const double x[MEANS] = {r->vit_in,    r->vit_out,         r->llm_in,        r->llm_out,      r->equivalent, 0,
                                 r->flops_vit, r->flops_projector, r->flops_prefill, r->flops_decode, flops_of(r),   (double)r->kv_bytes};
        for (int k = 0; k < MEANS; k++)
            if (k != KEEP) sum_add(&m[k], x[k]);
        if (r->vit_in > 0) sum_add(&m[KEEP], (r->llm_in > 0 ? r->llm_out : r->vit_out) / (double)r->vit_in);
        if (!base) continue;
        sum_add(&ours, flops_of(r));
        sum_add(&unpruned, flops_of(base));
    }
    for (int k = 0; k < MEANS; k++) *to[k] = mean_of(&m[k]);
    out->flops_ratio = sum_of(&unpruned) > 0 ? sum_of(&ours) / sum_of(&unpruned) : NAN;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The smallest value that at least a share p of n does not exceed; NaN below the number of samples from which MLPerf's rule for stopping
 * early (99 % sure) says anything about it. */
static double percentile(const double *sorted, size_t n, double p, size_t least)
{
    return n < least ? NAN : sorted[(size_t)ceil(p * (double)n) - 1];
}

static saint_status add_latency(view *v, eval_summary *out, saint_error *err)
{
    enum { PREPROCESS, VIT, SELECTION, PROJECTOR, PREFILL, DECODE, PARTS };
    exact_sum part[PARTS] = {{0}}, all = {0}, square = {0};
    double *const to[PARTS] = {&out->s_preprocess, &out->s_vit, &out->s_selection, &out->s_projector, &out->s_prefill, &out->s_decode};
    size_t n = 0;
    for (size_t i = 0; i < v->total; i++) {
        const eval_result *r = mine(v, i);
        if (!r || !r->timing_valid) continue;
        const double s[PARTS] = {r->s_preprocess, r->s_vit, r->s_selection, r->s_projector, r->s_prefill, r->s_decode};
        for (int k = 0; k < PARTS; k++) sum_add(&part[k], s[k]);
        sum_add(&all, r->s_total);
        v->cluster[n] = saint_dataset_cluster(v->d, i);
        v->x[n++] = r->s_total;
    }
    out->lat_n = n;
    for (int k = 0; k < PARTS; k++) *to[k] = mean_of(&part[k]);
    out->throughput = sum_of(&all) > 0 ? (double)n / sum_of(&all) : NAN;
    for (size_t i = 0; i < n; i++) sum_add(&square, (v->x[i] - mean_of(&all)) * (v->x[i] - mean_of(&all)));
    out->lat_sd = n > 1 ? sqrt(sum_of(&square) / (double)(n - 1)) : NAN;
    saint_status s = open_mean(v, n, &out->latency, err);
    qsort(v->x, n, sizeof *v->x, by_value);
    out->p50 = percentile(v->x, n, 0.5, 11);
    out->p90 = percentile(v->x, n, 0.9, 64);
    out->p99 = percentile(v->x, n, 0.99, 662);
    return s;
}

static void ratio_of_sums(const double *total, const size_t *rows, size_t strata, size_t columns, double *out)
{
    (void)rows;
    (void)strata;
    (void)columns;
    *out = total[1] > 0 ? total[0] / total[1] : NAN;
}

/* How often this fits into the time of the unpruned model; samples about one picture are drawn together. Only what one process timed is
 * compared: a machine is not as fast today as it was yesterday, when something else ran on it too. */
static saint_status add_speedup(const view *v, eval_summary *out, saint_error *err)
{
    size_t clusters = saint_dataset_cluster_count(v->d), n = 0, rows = 0;
    double *sum = calloc(2 * clusters + 2, sizeof *sum);
    bool *seen = calloc(clusters + 1, sizeof *seen);
    saint_status s = sum && seen ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for %zu clusters", clusters);
    for (size_t i = 0; i < v->total && s == SAINT_OK; i++) {
        const eval_result *r = mine(v, i), *base = theirs(v, i);
        if (!r || !base || !r->timing_valid || !base->timing_valid) continue;
        if (r->attempt != base->attempt) {
            out->apart++;
            continue;
        }
        uint32_t c = saint_dataset_cluster(v->d, i);
        sum[2 * c] += base->s_total;
        sum[2 * c + 1] += r->s_total;
        seen[c] = true;
        n++;
    }
    for (size_t c = 0; c < clusters && s == SAINT_OK; c++) {
        if (!seen[c]) continue;
        sum[2 * rows] = sum[2 * c];
        sum[2 * rows + 1] = sum[2 * c + 1];
        rows++;
    }
    const size_t first[2] = {0, rows};
    if (s == SAINT_OK && rows)
        s = saint_stats_bootstrap(&(saint_clusters){sum, 2, 1, first}, ratio_of_sums, 1, BOOTSTRAP_SEED, &out->speedup, err);
    if (s == SAINT_OK) out->speedup.n = n;
    free(sum);
    free(seen);
    return s;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static void count(const view *v, eval_summary *out)
{
    for (size_t i = 0; i < v->total; i++) {
        if (v->wanted && !v->wanted[i]) continue;
        out->n_total++;
        out->n_done += v->result[i] != NULL;
        out->n_error += v->result[i] && v->result[i]->state != EVAL_OK;
    }
}

static saint_status summarise(const saint_dataset *d, const eval_result *const *result, const eval_result *const *base, const bool *wanted,
                              saint_parser parser, bool errors, eval_summary *out, saint_error *err)
{
    size_t n = saint_dataset_count(d);
    view v = {.d = d, .result = result, .base = base, .wanted = wanted, .errors = errors, .total = n};
    memset(out, 0, sizeof *out);
    out->main_name = "";
    out->main = out->agreement = out->kl = out->latency = out->speedup = nothing;
    out->mcnemar = out->holm = NAN;
    v.x = malloc((n + 1) * sizeof *v.x);
    v.y = malloc((n + 1) * sizeof *v.y);
    v.cluster = malloc((n + 1) * sizeof *v.cluster);
    v.verdict = calloc(n + 1, sizeof *v.verdict);
    v.base_verdict = calloc(n + 1, sizeof *v.base_verdict);
    bool ok = v.x && v.y && v.cluster && v.verdict && v.base_verdict;
    saint_status s = ok ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory to summarise %zu samples", n);
    if (s == SAINT_OK) {
        count(&v, out);
        add_means(&v, out);
        s = add_score(&v, parser, out, err);
    }
    if (s == SAINT_OK) s = add_difference(&v, parser, out, err);
    if (s == SAINT_OK) s = add_fidelity(&v, out, err);
    if (s == SAINT_OK) s = add_loss(&v, out, err);
    if (s == SAINT_OK) s = add_latency(&v, out, err);
    if (s == SAINT_OK) s = add_speedup(&v, out, err);
    free(v.x);
    free(v.y);
    free(v.cluster);
    free(v.verdict);
    free(v.base_verdict);
    if (s != SAINT_OK) eval_summary_free(out);
    return s;
}

saint_status eval_summarise(const saint_dataset *d, const eval_result *const *result, const eval_result *const *base, const bool *wanted,
                            saint_parser parser, eval_summary *out, saint_error *err)
{
    return summarise(d, result, base, wanted, parser, false, out, err);
}

saint_status eval_summarise_errors_as_wrong(const saint_dataset *d, const eval_result *const *result, const eval_result *const *base, const bool *wanted,
                                            saint_parser parser, eval_summary *out, saint_error *err)
{
    return summarise(d, result, base, wanted, parser, true, out, err);
}

void eval_summary_free(eval_summary *s)
{
    if (s) saint_score_free(&s->score);
}
