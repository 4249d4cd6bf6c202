/* table_trials.c - one row per configuration: what it is, how well it answers, what it costs, how sure that is (evaluation.md 5.5). */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/pareto.h"
#include "export/table_internal.h"

static const eval_summary *summary_of(const table *t, size_t row) { return &table_row_trial(t, row)->summary; }

/* Records to take a mean of. */
static bool has_records(const eval_summary *m) { return m->n_done > m->n_error; }

/* ---- what it is --------------------------------------------------------------------------------------------------------- */

GETTER(get_schema)
{
    (void)row;
    UNUSED_COLUMN;
    cell_text(t, out, "saint.trials/2");
}

static const column schema_columns[] = {{{"schema", "", "what kind of row this is, and its version", 0, -1}, .get = get_schema},
                                        {{NULL, NULL, NULL, 0, 0}, .get = NULL}};

GETTER(get_state)
{
    UNUSED_COLUMN;
    cell_text(t, out, table_row_trial(t, row)->state);
}

GETTER(get_note)
{
    UNUSED_COLUMN;
    cell_text(t, out, table_row_trial(t, row)->note);
}

GETTER(get_errors_as_wrong)
{
    (void)row;
    UNUSED_COLUMN;
    cell_bool(out, t->s->errors_as_wrong);
}

GETTER(get_count)
{
    const size_t *n = (const size_t *)(const void *)((const char *)summary_of(t, row) + c->offset);
    cell_integer(out, (double)*n);
}

static const column state_columns[] = {
    {{"state", "", "planned, running, complete or stopped", 0, -1}, .get = get_state},
    {{"n_total", "samples", "samples asked for", 0, 0}, .get = get_count, .offset = offsetof(eval_summary, n_total)},
    {{"n_done", "samples", "samples with a record, failed ones included", COLUMN_BRIEF, 0},
     .get = get_count,
     .offset = offsetof(eval_summary, n_done)},
    {{"n_error", "samples", "failed samples", 0, 0}, .get = get_count, .offset = offsetof(eval_summary, n_error)},
    {{"errors_as_wrong", "", "failed samples are scored as wrong answers; left out otherwise", 0, -1}, .get = get_errors_as_wrong},
    {{"note", "", "of a stopped trial: why it was given up", 0, -1}, .get = get_note},
    {{NULL, NULL, NULL, 0, 0}, .get = NULL}};

/* ---- numbers of the summary ------------------------------------------------------------------------------------------------ */

/* A mean over no record is no number, though the summary holds a 0. */
GETTER(get_mean)
{
    const eval_summary *m = summary_of(t, row);
    if (has_records(m)) cell_number(out, column_number(c, m));
}

/* The same of samples with valid times. */
GETTER(get_time)
{
    if (summary_of(t, row)->lat_n) get_mean(t, row, c, out);
}

/* Against the unpruned model: not of itself, and not where there is none. */
GETTER(get_versus)
{
    if (table_row_trial(t, row)->trial.baseline || t->s->baseline < 0) return;
    if (summary_of(t, row)->base.n) get_mean(t, row, c, out);
}

GETTER(get_fidelity)
{
    const eval_summary *m = summary_of(t, row);
    if (table_row_trial(t, row)->trial.baseline) return;
    if (m->agreement.n || m->kl.n) get_mean(t, row, c, out);
}

GETTER(get_wins)
{
    if (table_row_trial(t, row)->trial.baseline || !summary_of(t, row)->base.n) return;
    get_count(t, row, c, out);
}

GETTER(get_metric)
{
    const eval_summary *m = summary_of(t, row);
    if (m->main_name && m->main_name[0] && has_records(m)) get_mean(t, row, c, out);
}

GETTER(get_metric_name)
{
    UNUSED_COLUMN;
    cell_text(t, out, summary_of(t, row)->main_name);
}

GETTER(get_metric_method)
{
    UNUSED_COLUMN;
    if (summary_of(t, row)->main_name && summary_of(t, row)->main_name[0]) cell_text(t, out, summary_of(t, row)->main.method);
}

#define AT(field) .offset = offsetof(eval_summary, field)

static const column metric_columns[] = {
    {{"metric_name", "", "the metric of the columns that follow", 0, -1}, .get = get_metric_name},
    {{"metric", "", "its value", COLUMN_BRIEF, 3}, .get = get_metric, AT(main.value)},
    {{"metric_stderr", "", "its standard error", 0, 4}, .get = get_metric, AT(main.se)},
    {{"metric_ci_low", "", "lower end of its 95 % interval", COLUMN_BRIEF, 3}, .get = get_metric, AT(main.low)},
    {{"metric_ci_high", "", "upper end of its 95 % interval", COLUMN_BRIEF, 3}, .get = get_metric, AT(main.high)},
    {{"ci_method", "", "how the interval was found", 0, -1}, .get = get_metric_method},
    {{NULL, NULL, NULL, 0, 0}, .get = NULL}};

static const column versus_columns[] = {
    {{"base_diff", "share", "mean difference of a sample's score to the unpruned model, samples paired", COLUMN_BRIEF, 3},
     .get = get_versus,
     AT(base.diff)},
    {{"base_diff_ci_low", "share", "lower end of its 95 % interval", COLUMN_BRIEF, 3}, .get = get_versus, AT(base.low)},
    {{"base_diff_ci_high", "share", "upper end of its 95 % interval", COLUMN_BRIEF, 3}, .get = get_versus, AT(base.high)},
    {{"base_p", "", "two-sided p of that difference, clustered t", 0, 4}, .get = get_versus, AT(base.p)},
    {{"base_p_mcnemar", "", "p of McNemar's exact test", 0, 4}, .get = get_versus, AT(mcnemar)},
    {{"base_p_holm", "", "McNemar's p adjusted by Holm over the sweep", COLUMN_BRIEF, 4}, .get = get_versus, AT(holm)},
    {{"n_win", "samples", "samples that pruning answers better", 0, 0}, .get = get_wins, AT(base.win)},
    {{"n_loss", "samples", "samples that pruning answers worse", 0, 0}, .get = get_wins, AT(base.loss)},
    {{"agreement", "share", "answers equal to the unpruned model's", COLUMN_BRIEF, 3}, .get = get_fidelity, AT(agreement.value)},
    {{"agreement_ci_low", "share", "lower end of its 95 % interval", 0, 3}, .get = get_fidelity, AT(agreement.low)},
    {{"agreement_ci_high", "share", "upper end of its 95 % interval", 0, 3}, .get = get_fidelity, AT(agreement.high)},
    {{"kl", "nats", "mean KL of the first answer token, unpruned against this", COLUMN_BRIEF, 4}, .get = get_fidelity, AT(kl.value)},
    {{"kl_ci_low", "nats", "lower end of its 95 % interval", 0, 4}, .get = get_fidelity, AT(kl.low)},
    {{"kl_ci_high", "nats", "upper end of its 95 % interval", 0, 4}, .get = get_fidelity, AT(kl.high)},
    {{"diverged_mean", "tokens", "mean place of the first differing token, where one differs", 0, 2}, .get = get_fidelity, AT(diverged)},
    {{NULL, NULL, NULL, 0, 0}, .get = NULL}};

/* Mean over the samples whose times count; NaN where none does. */
static double mean_timed(const table *t, size_t row, double (*of)(const eval_result *e))
{
    const sweep_trial *r = table_row_trial(t, row);
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < t->s->n_samples; i++) {
        const eval_result *e = r->result[i];
        if (!e || e->state != EVAL_OK || !e->timing_valid) continue;
        sum += of(e);
        n++;
    }
    return n ? sum / (double)n : (double)NAN;
}

GETTER(get_first_token)
{
    UNUSED_COLUMN;
    cell_number(out, 1e3 * mean_timed(t, row, eval_result_ttft));
}

static double generating(const eval_result *e) { return e->s_total - e->s_preprocess; }

/* As SAINT's published code times: all that generates, the ViT included, but neither reading nor preprocessing; no warm-up, a plain mean. */
GETTER(get_seed_latency)
{
    UNUSED_COLUMN;
    cell_number(out, mean_timed(t, row, generating));
}

GETTER(get_per_token)
{
    const sweep_trial *r = table_row_trial(t, row);
    double sum = 0;
    int steps = 0;
    UNUSED_COLUMN;
    for (size_t i = 0; i < t->s->n_samples; i++) {
        const eval_result *e = r->result[i];
        if (!e || e->state != EVAL_OK || !e->timing_valid || eval_result_steps(e) < 1) continue;
        sum += e->s_decode;
        steps += eval_result_steps(e);
    }
    if (steps) cell_number(out, 1e3 * sum / steps);
}

GETTER(get_flops_ratio)
{
    if (table_row_trial(t, row)->trial.baseline && has_records(summary_of(t, row))) cell_number(out, 1);
    else get_mean(t, row, c, out);
}

static const column cost_columns[] = {
    {{"img_tok_in", "tokens", "picture tokens that enter the ViT", 0, 0}, .get = get_mean, AT(vit_in)},
    {{"img_tok_vit_out_mean", "tokens", "picture tokens that leave the ViT", 0, 1}, .get = get_mean, AT(vit_out)},
    {{"img_tok_llm_in_mean", "tokens", "picture tokens before the first LLM layer", 0, 1}, .get = get_mean, AT(llm_in)},
    {{"img_tok_llm_out_mean", "tokens", "picture tokens behind the last LLM layer", 0, 1}, .get = get_mean, AT(llm_out)},
    {{"equiv_tok_mean", "tokens", "picture tokens that a layer sees on average: of the LLM, of a classifier's ViT", COLUMN_BRIEF, 1},
     .get = get_mean,
     AT(equivalent)},
    {{"keep_ratio_mean", "share", "picture tokens that are left at the end", COLUMN_BRIEF, 3}, .get = get_mean, AT(keep_ratio)},
    {{"gflops_vit_mean", "GFLOP", "analytic cost of the ViT", 0, 2}, .get = get_mean, AT(flops_vit), .per = 1e9},
    {{"gflops_projector_mean", "GFLOP", "of the projector", 0, 2}, .get = get_mean, AT(flops_projector), .per = 1e9},
    {{"gflops_prefill_mean", "GFLOP", "of the prompt in the LLM", 0, 2}, .get = get_mean, AT(flops_prefill), .per = 1e9},
    {{"gflops_decode_mean", "GFLOP", "of the answer", 0, 2}, .get = get_mean, AT(flops_decode), .per = 1e9},
    {{"gflops_total_mean", "GFLOP", "analytic cost of a sample; a multiply and an add are two", COLUMN_BRIEF, 1},
     .get = get_mean,
     AT(flops),
     .per = 1e9},
    {{"flops_ratio", "share", "cost as a share of the unpruned model's", COLUMN_BRIEF, 3}, .get = get_flops_ratio, AT(flops_ratio)},
    {{"kv_mib_mean", "MiB", "keys and values in the LLM", 0, 2}, .get = get_mean, AT(kv_bytes), .per = 1048576},
    {{NULL, NULL, NULL, 0, 0}, .get = NULL}};

GETTER(get_timing_valid)
{
    const eval_summary *m = summary_of(t, row);
    UNUSED_COLUMN;
    if (has_records(m)) cell_bool(out, m->lat_n > 0);
}

GETTER(get_speedup)
{
    if (!table_row_trial(t, row)->trial.baseline && t->s->baseline >= 0) get_time(t, row, c, out);
}

static const column time_columns[] = {
    {{"lat_n", "samples", "samples whose process had the device alone", COLUMN_VARIES, 0}, .get = get_count, AT(lat_n)},
    {{"lat_timing_valid", "", "there are such samples; the times below are means over them", COLUMN_VARIES, -1}, .get = get_timing_valid},
    {{"lat_mean_ms", "ms", "preprocessing to the last token, measured", COLUMN_VARIES | COLUMN_BRIEF, 1},
     .get = get_time,
     AT(latency.value),
     .scale = 1e3},
    {{"lat_ci_low_ms", "ms", "lower end of its 95 % interval", COLUMN_VARIES, 1}, .get = get_time, AT(latency.low), .scale = 1e3},
    {{"lat_ci_high_ms", "ms", "upper end of its 95 % interval", COLUMN_VARIES, 1}, .get = get_time, AT(latency.high), .scale = 1e3},
    {{"lat_sd_ms", "ms", "standard deviation over samples", COLUMN_VARIES, 1}, .get = get_time, AT(lat_sd), .scale = 1e3},
    {{"lat_p50_ms", "ms", "median; from 11 samples on", COLUMN_VARIES, 1}, .get = get_time, AT(p50), .scale = 1e3},
    {{"lat_p90_ms", "ms", "90th percentile; from 64 samples on", COLUMN_VARIES, 1}, .get = get_time, AT(p90), .scale = 1e3},
    {{"lat_p99_ms", "ms", "99th percentile; from 662 samples on", COLUMN_VARIES, 1}, .get = get_time, AT(p99), .scale = 1e3},
    {{"t_preprocess_ms", "ms", "resizing and normalising", COLUMN_VARIES, 2}, .get = get_time, AT(s_preprocess), .scale = 1e3},
    {{"t_vit_ms", "ms", "ViT without selection", COLUMN_VARIES, 2}, .get = get_time, AT(s_vit), .scale = 1e3},
    {{"t_prune_ms", "ms", "selection at all sites", COLUMN_VARIES, 3}, .get = get_time, AT(s_selection), .scale = 1e3},
    {{"t_projector_ms", "ms", "projector", COLUMN_VARIES, 2}, .get = get_time, AT(s_projector), .scale = 1e3},
    {{"t_prefill_ms", "ms", "prompt in the LLM", COLUMN_VARIES, 2}, .get = get_time, AT(s_prefill), .scale = 1e3},
    {{"t_decode_ms", "ms", "answer", COLUMN_VARIES, 2}, .get = get_time, AT(s_decode), .scale = 1e3},
    {{"t_ttft_ms", "ms", "time to the first token: preprocessing to the end of the prompt", COLUMN_VARIES, 2}, .get = get_first_token},
    {{"t_tpot_ms", "ms", "time per output token behind the first", COLUMN_VARIES, 3}, .get = get_per_token},
    {{"seed_latency", "s", "as the published code counts it: everything but reading and preprocessing, mean", COLUMN_VARIES, 4}, .get = get_seed_latency},
    {{"throughput_sps", "samples/s", "samples per second, one after the other", COLUMN_VARIES, 2}, .get = get_time, AT(throughput)},
    {{"speedup", "", "time of the unpruned model / this, samples paired", COLUMN_VARIES | COLUMN_BRIEF, 2},
     .get = get_speedup,
     AT(speedup.value)},
    {{"speedup_ci_low", "", "lower end of its 95 % interval", COLUMN_VARIES, 2}, .get = get_speedup, AT(speedup.low)},
    {{"speedup_ci_high", "", "upper end of its 95 % interval", COLUMN_VARIES, 2}, .get = get_speedup, AT(speedup.high)},
    {{NULL, NULL, NULL, 0, 0}, .get = NULL}};

GETTER(get_front)
{
    const sweep_trial *r = table_row_trial(t, row);
    if (r->summary.n_done == r->summary.n_total && r->summary.n_total) cell_bool(out, c->offset ? r->pareto_latency : r->pareto_flops);
}

/* Comparing all trials with the front takes a while, so only who asks pays. */
GETTER(get_dominated)
{
    int **list = &t->dominated[c->offset], by;
    if (!*list) {
        *list = malloc(((size_t)t->s->n_trials + 1) * sizeof **list);
        if (!*list || pareto_dominated(t->s, (pareto_cost)c->offset, *list, NULL) != SAINT_OK)
            for (int i = 0; *list && i < t->s->n_trials; i++) (*list)[i] = -1;
    }
    by = *list ? (*list)[t->row_trial[row]] : -1;
    if (by >= 0) cell_integer(out, t->s->trial[by].trial.ordinal);
}

static const column front_columns[] = {
    {{"pareto_flops", "", "nothing cheaper in FLOPs scores as much; complete trials only", 0, -1}, .get = get_front, .offset = 0},
    {{"pareto_latency", "", "nothing faster scores as much; complete trials only", COLUMN_VARIES, -1}, .get = get_front, .offset = 1},
    {{"dominated_flops", "", "ordinal of a trial that costs no more and is better by a paired 95 % interval without 0", 0, 0},
     .get = get_dominated,
     .offset = PARETO_FLOPS},
    {{"dominated_latency", "", "ordinal of a trial that is no slower and is better by such an interval", COLUMN_VARIES, 0},
     .get = get_dominated,
     .offset = PARETO_LATENCY},
    {{NULL, NULL, NULL, 0, 0}, .get = NULL}};

/* ---- all metrics of the data set ------------------------------------------------------------------------------------------- */

/* By name: a trial that has answered nothing of a kind lacks its metric. */
static const saint_metric *metric_of(const saint_score *s, const column *c)
{
    if (!c->slice) return saint_score_metric(&s->all, c->metric);
    for (size_t i = 0; i < s->n_slices; i++)
        if (strcmp(s->slice[i].name, c->slice) == 0) return saint_score_metric(&s->slice[i], c->metric);
    return NULL;
}

/* c->offset 0 value, 1 low, 2 high. */
GETTER(get_score)
{
    const eval_summary *m = summary_of(t, row);
    const saint_metric *x = has_records(m) ? metric_of(&m->score, c) : NULL;
    if (x && x->v.n) cell_number(out, c->offset == 0 ? x->v.value : c->offset == 1 ? x->v.low : x->v.high);
}

/* MME counts points, and its acc and acc+ out of 100; whatever else a data set counts is a share. */
static const char *unit_of(const char *metric)
{
    static const char *const points[] = {"total", "mme_total", "perception", "cognition", "score"}, *const percent[] = {"acc", "accplus"};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++)
        if (strcmp(points[i], metric) == 0) return "points";
    for (size_t i = 0; i < sizeof percent / sizeof *percent; i++)
        if (strcmp(percent[i], metric) == 0) return "%";
    if (strcmp(metric, "ce_loss") == 0) return "nats";
    return "share";
}

/* The unit of the main metric is that of the data set. */
static void set_units(table *t)
{
    const char *unit = "";
    for (int i = 0; i < t->s->n_trials && !*unit; i++)
        if (t->s->trial[i].summary.main_name && t->s->trial[i].summary.main_name[0]) unit = unit_of(t->s->trial[i].summary.main_name);
    for (int i = 0; i < t->n; i++)
        if (t->col[i].get == get_metric) {
            t->col[i].show.unit = unit;
            if (strcmp(unit, "points") == 0) t->col[i].show.decimals = 2;
        }
}

/* Letters, digits and _ of a category's name, so that it can be part of a column's. */
static void add_word(text_buf *out, const char *word)
{
    for (; *word; word++) {
        char ch = *word;
        bool fine = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || (ch & 0x80);
        text_char(out, fine ? ch : '_');
    }
}

static bool is_there(const table *t, const char *slice, const char *metric)
{
    for (int i = 0; i < t->n; i++)
        if (t->col[i].get == get_score && strcmp(t->col[i].metric, metric) == 0 &&
            (slice ? t->col[i].slice && strcmp(t->col[i].slice, slice) == 0 : !t->col[i].slice))
            return true;
    return false;
}

/* Value and interval of one metric; of: the slice, NULL = the whole data set. */
static bool add_score(table *t, const char *metric, const saint_slice *of)
{
    static const char *const ending[] = {"", "_ci_low", "_ci_high"}, *const doc[] = {"", ": lower end of its 95 % interval",
                                                                                     ": upper end of its 95 % interval"};
    const char *unit = unit_of(metric);
    bool ok = true;
    if (is_there(t, of ? of->name : NULL, metric)) return true;
    for (size_t part = 0; part < 3 && ok; part++) {
        column c = {.show = {.unit = unit, .decimals = strcmp(unit, "share") == 0 ? 3 : 2},
                    .get = get_score,
                    .offset = part,
                    .slice = of ? of->name : NULL,
                    .metric = metric};
        text_buf name = {0}, words = {0};
        if (of) {
            text_put(&name, of->group && strncmp(of->group, "l2", 2) == 0 ? "l2_" : "cat_");
            add_word(&name, of->name);
            text_char(&name, '_');
        }
        add_word(&name, metric);
        text_put(&name, ending[part]);
        for (int i = 0; i < t->n && name.p; i++) /* two categories may differ in what add_word leaves out */
            if (strcmp(t->col[i].show.name, name.p) == 0) {
                text_char(&name, '_');
                i = -1;
            }
        text_format(&words, "%s%s%s%s", metric, of ? " of " : "", of ? of->name : "", doc[part]);
        if (name.failed || words.failed) {
            text_free(&name);
            text_free(&words);
        }
        ok = table_add_made(t, &c, name.p, words.p);
    }
    return ok;
}

static bool add_scores(table *t)
{
    bool ok = true;
    for (int i = 0; i < t->s->n_trials; i++) {
        const saint_score *s = &t->s->trial[i].summary.score;
        for (size_t k = 0; k < s->all.n_metrics && ok; k++) ok = add_score(t, s->all.metric[k].name, NULL);
    }
    for (int i = 0; i < t->s->n_trials; i++) {
        const saint_score *s = &t->s->trial[i].summary.score;
        for (size_t j = 0; j < s->n_slices; j++)
            for (size_t k = 0; k < s->slice[j].n_metrics && ok; k++) ok = add_score(t, s->slice[j].metric[k].name, &s->slice[j]);
    }
    return ok;
}

/* ---- all of it ---------------------------------------------------------------------------------------------------------------- */

/* A swept parameter that no column has: one of a single layer (keep_num[9]) or a flag (compat.overwrite_r). */
GETTER(get_axis)
{
    const char *value = table_row_trial(t, row)->value[c->offset];
    char *end;
    double x = value ? strtod(value, &end) : 0;
    if (!value || !*value) return;
    if (*end == 0) cell_number(out, x);
    else cell_text(t, out, value);
}

static bool add_axes(table *t)
{
    for (int i = 0; i < t->s->axes.n_params; i++) {
        const char *name = t->s->axes.param[i];
        const column c = {.show = {.unit = "", .decimals = -1}, .get = get_axis, .offset = (size_t)i};
        if (table_find(t, name) < 0 && !table_add_made(t, &c, strdup(name), strdup("swept parameter"))) return false;
    }
    return true;
}

static bool is_score(const column *c) { return c->get == get_score; }

/* What evaluation scripts count on (evaluation.md 5.5). What we have besides stands behind, and new columns only ever go to the end. */
static const char *const contract[] = {
    "schema", "sweep_id", "sweep_name", "trial_id", "ordinal", "is_baseline", "state", "dataset", "split", "prompt_ver", "dataset_sha256", "n_total",
    "n_done", "n_error", "model", "model_family", "model_sha256", "weight_dtype", "compute_dtype", "kv_dtype", "mode", "compat", "vit_layer",
    "vit_keep_num", "vit_r", "llm_start", "llm_end", "llm_threshold", "llm_k", "llm_gamma", "sys_len", "image_len", "cfg_", "max_new_tokens", "seed",
    "metric_name", "metric", "metric_stderr", "metric_ci_low", "metric_ci_high", "ci_method", "@", "base_diff", "base_diff_ci_low",
    "base_diff_ci_high", "base_p", "base_p_holm", "n_win", "n_loss", "img_tok_in", "img_tok_vit_out_mean", "img_tok_llm_in_mean",
    "img_tok_llm_out_mean", "equiv_tok_mean", "keep_ratio_mean", "gflops_vit_mean", "gflops_prefill_mean", "gflops_decode_mean",
    "gflops_total_mean", "flops_ratio", "kv_mib_mean", "peak_rss_mib", "peak_dev_mib", "lat_n", "lat_timing_valid", "lat_mean_ms", "lat_sd_ms",
    "lat_p50_ms", "lat_p90_ms", "lat_p99_ms", "t_vit_ms", "t_prune_ms", "t_prefill_ms", "t_ttft_ms", "t_tpot_ms", "throughput_sps", "speedup",
    "speedup_ci_low", "speedup_ci_high", "pareto_flops", "pareto_latency", "device_kind", "device_name", "driver", "cpu", "n_threads", "world_size",
    "hostname", "os", "app_version", "git_commit", "git_dirty", "build_flags", "env_fingerprint", "started_utc", "ended_utc", "wall_s", NULL};

saint_status table_trials(const sweep_data *s, table **out, saint_error *err)
{
    saint_status st = table_new(s, out, err);
    if (st != SAINT_OK) return st;
    table *t = *out;
    t->rows = (size_t)s->n_trials;
    t->row_trial = malloc((t->rows + 1) * sizeof *t->row_trial);
    bool ok = t->row_trial != NULL;
    for (size_t i = 0; i < t->rows && ok; i++) t->row_trial[i] = (uint32_t)i;
    ok = ok && table_add_all(t, schema_columns) && table_add_identity(t) && table_add_all(t, state_columns) && table_add_model(t) &&
         table_add_settings(t) && table_add_all(t, metric_columns) && table_add_all(t, versus_columns) && table_add_all(t, cost_columns) &&
         table_add_all(t, time_columns) && table_add_all(t, front_columns) && table_add_place(t) && add_scores(t) && add_axes(t) &&
         table_order(t, contract, is_score);
    if (ok) set_units(t);
    if (ok) return SAINT_OK;
    table_free(t);
    *out = NULL;
    return saint_fail(err, SAINT_MEMORY, "no memory for a table of %d trials", s->n_trials);
}
