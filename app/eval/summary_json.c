/* summary_json.c - the contract of `saint eval --json` (DESIGN.md 3). What is not known is null. */
#include <math.h>

#include "eval/summary.h"

static void add(cJSON *o, const char *key, double x)
{
    if (isfinite(x)) cJSON_AddNumberToObject(o, key, x);
    else cJSON_AddNullToObject(o, key);
}

static void add_interval(cJSON *o, const char *key, const saint_interval *v)
{
    cJSON *c = cJSON_AddObjectToObject(o, key);
    add(c, "value", v->value);
    add(c, "low", v->low);
    add(c, "high", v->high);
    cJSON_AddNumberToObject(c, "n", (double)v->n);
    if (v->method && v->method[0]) cJSON_AddStringToObject(c, "method", v->method);
    else cJSON_AddNullToObject(c, "method");
}

static void add_difference(cJSON *o, const eval_summary *s)
{
    const saint_paired *p = &s->base;
    cJSON *c = cJSON_AddObjectToObject(o, "difference");
    add(c, "value", p->n ? p->diff : NAN);
    add(c, "low", p->n ? p->low : NAN);
    add(c, "high", p->n ? p->high : NAN);
    add(c, "p", p->n ? p->p : NAN);
    add(c, "p_mcnemar", s->mcnemar);
    add(c, "p_holm", s->holm);
    cJSON_AddNumberToObject(c, "n", (double)p->n);
    cJSON_AddNumberToObject(c, "win", (double)p->win);
    cJSON_AddNumberToObject(c, "loss", (double)p->loss);
    cJSON_AddNumberToObject(c, "tie", (double)p->tie);
}

static void add_costs(cJSON *o, const eval_summary *s)
{
    cJSON *tokens = cJSON_AddObjectToObject(o, "tokens");
    add(tokens, "vit_in", s->vit_in);
    add(tokens, "vit_out", s->vit_out);
    add(tokens, "llm_in", s->llm_in);
    add(tokens, "llm_out", s->llm_out);
    add(tokens, "equivalent", s->equivalent);
    add(tokens, "keep_ratio", s->keep_ratio);
    cJSON *flops = cJSON_AddObjectToObject(o, "flops");
    add(flops, "vit", s->flops_vit);
    add(flops, "projector", s->flops_projector);
    add(flops, "prefill", s->flops_prefill);
    add(flops, "decode", s->flops_decode);
    add(flops, "total", s->flops);
    add(flops, "ratio", s->flops_ratio);
    add(o, "kv_bytes", s->kv_bytes);
    cJSON *ms = cJSON_AddObjectToObject(o, "timings_ms");
    cJSON_AddNumberToObject(ms, "n", (double)s->lat_n);
    add(ms, "preprocess", 1e3 * s->s_preprocess);
    add(ms, "vit", 1e3 * s->s_vit);
    add(ms, "selection", 1e3 * s->s_selection);
    add(ms, "projector", 1e3 * s->s_projector);
    add(ms, "prefill", 1e3 * s->s_prefill);
    add(ms, "decode", 1e3 * s->s_decode);
    add(ms, "total", 1e3 * s->latency.value);
    add(ms, "total_low", 1e3 * s->latency.low);
    add(ms, "total_high", 1e3 * s->latency.high);
    add(ms, "sd", 1e3 * s->lat_sd);
    add(ms, "p50", 1e3 * s->p50);
    add(ms, "p90", 1e3 * s->p90);
    add(ms, "p99", 1e3 * s->p99);
    add(o, "throughput", s->throughput);
    add_interval(o, "speedup", &s->speedup);
}

cJSON *eval_summary_json(const eval_summary *s)
{
    cJSON *o = saint_score_json(&s->score);
    if (!o) return NULL;
    /* of the samples asked for, not of the data set */
    cJSON_ReplaceItemInObjectCaseSensitive(o, "n", cJSON_CreateNumber((double)(s->n_done - s->n_error)));
    cJSON_ReplaceItemInObjectCaseSensitive(o, "n_total", cJSON_CreateNumber((double)s->n_total));
    cJSON_AddNumberToObject(o, "n_error", (double)s->n_error);
    cJSON *m = NULL;
    if (s->main_name[0]) {
        add_interval(o, "main", &s->main);
        m = cJSON_GetObjectItemCaseSensitive(o, "main");
        cJSON_AddStringToObject(m, "name", s->main_name);
    } else {
        cJSON_AddNullToObject(o, "main");
    }
    add_difference(o, s);
    cJSON *fidelity = cJSON_AddObjectToObject(o, "fidelity");
    add_interval(fidelity, "agreement", &s->agreement);
    add_interval(fidelity, "kl", &s->kl);
    add(fidelity, "diverged_at", s->diverged);
    add_costs(o, s);
    return o;
}
