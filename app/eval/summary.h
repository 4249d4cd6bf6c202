/* summary.h - the records of one trial as scores, costs and differences to the unpruned model. */
#ifndef SAINT_APP_EVAL_SUMMARY_H
#define SAINT_APP_EVAL_SUMMARY_H

#include "datasets/score.h"
#include "eval/result.h"

typedef struct {
    size_t n_total, n_done, n_error; /* of the samples asked for */
    saint_score score;               /* SAINT_INVALID data (no answers): score.n = 0 */
    const char *main_name;           /* the metric that tables show: "accuracy", "mme_total", "f1" ...; "" without answers */
    saint_interval main;
    /* against the unpruned baseline, over samples that both have */
    saint_paired base;               /* of the per-sample score */
    double mcnemar, holm;            /* p; NaN: n/a; holm is filled by who knows all trials */
    saint_interval agreement;        /* share of answers equal to the unpruned model's */
    saint_interval kl;               /* mean over samples, nats */
    double diverged;                 /* mean position of the first differing token where one differs; NaN */
    /* means over samples */
    double vit_in, vit_out, llm_in, llm_out, equivalent, keep_ratio;
    double flops_vit, flops_projector, flops_prefill, flops_decode, flops, flops_ratio, kv_bytes; /* flops_ratio: this / baseline */
    /* seconds of the samples with valid timing */
    size_t lat_n;
    saint_interval latency;          /* mean of s_total */
    double lat_sd, p50, p90, p99;    /* NaN where too few samples say anything: 11, 64, 662 (evaluation.md 5.1) */
    double s_preprocess, s_vit, s_selection, s_projector, s_prefill, s_decode, throughput;
    saint_interval speedup;          /* baseline / this, paired by sample; bootstrap of the ratio of means */
    size_t apart;                    /* valid times without a partner: the unpruned run of the sample was another process's, or of another day */
} eval_summary;

/* result [n_samples] indexed by sample, NULL = not done; base likewise (NULL: this is the baseline, or there is none); wanted [n_samples]
 * (NULL: all) says which samples belong to the run. */
saint_status eval_summarise(const saint_dataset *d, const eval_result *const *result, const eval_result *const *base, const bool *wanted,
                            saint_parser parser, eval_summary *out, saint_error *err);
/* The same with failed samples counted as wrong answers instead of left out: what a harness does that gives them no answer. */
saint_status eval_summarise_errors_as_wrong(const saint_dataset *d, const eval_result *const *result, const eval_result *const *base, const bool *wanted,
                                            saint_parser parser, eval_summary *out, saint_error *err);
void eval_summary_free(eval_summary *s); /* NULL is allowed */
/* The contract of `saint eval --json` (DESIGN.md 3). */
cJSON *eval_summary_json(const eval_summary *s);

#endif
