/* table_samples.c - one row per record: question by uid, answer, how it was read and scored, tokens, cost, times (evaluation.md 5.5). */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/table_internal.h"
#include "sweep/plan.h"

static const eval_result *result_of(const table *t, size_t row) { return table_result_of(t, row); }

/* ---- the sample ---------------------------------------------------------------------------------------------------------- */

GETTER(get_schema)
{
    (void)row;
    UNUSED_COLUMN;
    cell_text(t, out, "saint.samples/2");
}

GETTER(get_uid)
{
    UNUSED_COLUMN;
    if (t->s->dataset) cell_text(t, out, saint_dataset_uid(t->s->dataset, t->row_sample[row]));
}

GETTER(get_index)
{
    UNUSED_COLUMN;
    cell_integer(out, t->row_sample[row]);
}

typedef enum { OF_CLUSTER, OF_TARGET, OF_QUESTION } of_sample;

GETTER(get_of_sample)
{
    saint_sample s;
    if (!t->s->dataset || saint_dataset_item(t->s->dataset, t->row_sample[row], &s, NULL) != SAINT_OK) return;
    if (c->offset == OF_CLUSTER) cell_text(t, out, s.cluster);
    if (c->offset == OF_QUESTION) cell_text(t, out, s.question);
    if (c->offset == OF_TARGET) {
        text_clear(&t->text);
        for (size_t i = 0; i < s.n_answers; i++) {
            if (i) text_put(&t->text, " | ");
            text_utf8(&t->text, s.answers[i]);
        }
        cell_written(t, out);
    }
    saint_sample_free(&s);
}

GETTER(get_category)
{
    UNUSED_COLUMN;
    const saint_dataset *d = t->s->dataset;
    if (d) cell_text(t, out, saint_dataset_category_name(d, saint_dataset_category(d, t->row_sample[row])));
}

/* ---- the answer ---------------------------------------------------------------------------------------------------------- */

GETTER(get_repeat)
{
    UNUSED_COLUMN;
    cell_integer(out, result_of(t, row)->repeat);
}

GETTER(get_status)
{
    static const char *const name[] = {"ok", "error", "oom"};
    UNUSED_COLUMN;
    cell_text(t, out, name[result_of(t, row)->state]);
}

GETTER(get_error)
{
    UNUSED_COLUMN;
    cell_text(t, out, result_of(t, row)->error);
}

/* Ranked classes with a bar between them: the separator of the record is a control character. */
GETTER(get_output)
{
    UNUSED_COLUMN;
    cell_text(t, out, result_of(t, row)->output);
    for (char *p = t->text.p; out->kind == CELL_TEXT && *p; p++)
        if (*p == SAINT_RANK_SEPARATOR) *p = '|';
}

GETTER(get_ids)
{
    const eval_result *e = result_of(t, row);
    UNUSED_COLUMN;
    text_clear(&t->text);
    for (int i = 0; i < e->n_ids; i++) text_format(&t->text, "%s%d", i ? "|" : "", e->ids[i]);
    cell_written(t, out);
}

/* Read the answer once for both columns. False: there is nothing to read, or no right answer to compare with. */
static bool judge(table *t, size_t row)
{
    const eval_result *e = result_of(t, row);
    if (t->judged == row) return isfinite(t->score);
    free(t->parsed);
    t->parsed = NULL;
    t->judged = row;
    t->score = NAN;
    saint_verdict v = {0};
    bool failed = e->state != EVAL_OK && t->s->errors_as_wrong;
    if (!t->s->dataset || (e->state != EVAL_OK && !failed) || !e->output) return false;
    if (failed) {
        if (saint_score_answer(t->s->dataset, t->row_sample[row], "", t->s->parser, &v, NULL, NULL) == SAINT_OK) t->score = 0;
        return isfinite(t->score);
    }
    if (saint_score_answer(t->s->dataset, t->row_sample[row], e->output, t->s->parser, &v, &t->parsed, NULL) == SAINT_OK)
        t->score = v.score;
    return isfinite(t->score);
}

GETTER(get_parsed)
{
    UNUSED_COLUMN;
    if (judge(t, row)) cell_text(t, out, t->parsed);
}

GETTER(get_score)
{
    UNUSED_COLUMN;
    if (judge(t, row)) cell_number(out, t->score);
}

GETTER(get_agrees)
{
    const eval_result *e = result_of(t, row), *base;
    UNUSED_COLUMN;
    if (t->s->baseline < 0 || table_row_trial(t, row)->trial.baseline) return;
    base = t->s->trial[t->s->baseline].result[t->row_sample[row]];
    if (base && base->state == EVAL_OK && e->state == EVAL_OK && base->output && e->output)
        cell_bool(out, strcmp(base->output, e->output) == 0);
}

GETTER(get_margin)
{
    UNUSED_COLUMN;
    if (result_of(t, row)->state == EVAL_OK) cell_single(out, result_of(t, row)->margin);
}

GETTER(get_kl)
{
    UNUSED_COLUMN;
    if (result_of(t, row)->state == EVAL_OK && !table_row_trial(t, row)->trial.baseline) cell_single(out, result_of(t, row)->kl);
}

GETTER(get_loss)
{
    UNUSED_COLUMN;
    if (result_of(t, row)->state == EVAL_OK) cell_single(out, result_of(t, row)->loss);
}

GETTER(get_diverged)
{
    UNUSED_COLUMN;
    if (result_of(t, row)->diverged >= 0) cell_integer(out, result_of(t, row)->diverged);
}

GETTER(get_stop)
{
    UNUSED_COLUMN;
    cell_text(t, out, result_of(t, row)->stop);
}

/* ---- tokens, cost, time -------------------------------------------------------------------------------------------------- */

GETTER(get_tokens)
{
    const eval_result *e = result_of(t, row);
    if (e->state == EVAL_OK) cell_integer(out, *(const int *)(const void *)((const char *)e + c->offset));
}

GETTER(get_number)
{
    const eval_result *e = result_of(t, row);
    if (e->state == EVAL_OK) cell_number(out, column_number(c, e));
}

GETTER(get_total)
{
    const eval_result *e = result_of(t, row);
    UNUSED_COLUMN;
    if (e->state == EVAL_OK) cell_number(out, (e->flops_vit + e->flops_projector + e->flops_prefill + e->flops_decode) / 1e9);
}

GETTER(get_ttft)
{
    const eval_result *e = result_of(t, row);
    UNUSED_COLUMN;
    if (e->state == EVAL_OK) cell_number(out, 1e3 * eval_result_ttft(e));
}

GETTER(get_tpot)
{
    const eval_result *e = result_of(t, row);
    UNUSED_COLUMN;
    if (e->state == EVAL_OK && eval_result_steps(e) > 0) cell_number(out, 1e3 * e->s_decode / eval_result_steps(e));
}

GETTER(get_kv)
{
    UNUSED_COLUMN;
    if (result_of(t, row)->state == EVAL_OK) cell_number(out, (double)result_of(t, row)->kv_bytes / 1048576);
}

/* Tokens that leave each layer, of the ViT and then of the LLM: 576|576|375|...; records of before do not tell how many layers there are. */
GETTER(get_layers)
{
    const eval_result *e = result_of(t, row);
    UNUSED_COLUMN;
    text_clear(&t->text);
    for (int stage = 0; stage < 2; stage++) {
        int layers = stage ? e->llm_layers : e->vit_layers, tokens = stage ? e->llm_in : e->vit_in;
        for (int l = 0; l < layers; l++) {
            for (int i = 0; i < e->n_sites; i++)
                if ((e->site[i].stage == SAINT_STAGE_LLM) == stage && e->site[i].layer == l) tokens = e->site[i].n_out;
            text_format(&t->text, "%s%d", t->text.n ? "|" : "", tokens);
        }
    }
    if (e->state == EVAL_OK) cell_written(t, out);
}

/* vit9:288|llm4:230 */
GETTER(get_sites)
{
    const eval_result *e = result_of(t, row);
    UNUSED_COLUMN;
    text_clear(&t->text);
    for (int i = 0; i < e->n_sites; i++)
        text_format(&t->text, "%s%s%d:%d", i ? "|" : "", e->site[i].stage == SAINT_STAGE_LLM ? "llm" : "vit", e->site[i].layer,
                    e->site[i].n_out);
    cell_written(t, out);
}

GETTER(get_valid)
{
    UNUSED_COLUMN;
    cell_bool(out, result_of(t, row)->timing_valid);
}

GETTER(get_attempt)
{
    UNUSED_COLUMN;
    text_clear(&t->text);
    text_format(&t->text, "%016llx", (unsigned long long)result_of(t, row)->attempt);
    cell_written(t, out);
}

/* That of sweep.db. */
GETTER(get_key)
{
    const eval_result *e = result_of(t, row);
    const char *uid = t->s->dataset ? saint_dataset_uid(t->s->dataset, t->row_sample[row]) : NULL;
    char hex[65], number[24];
    UNUSED_COLUMN;
    snprintf(number, sizeof number, "#%" PRIu32, t->row_sample[row]);
    sweep_unit_key(t->s->model_sha256, t->trial[t->row_trial[row]].hash, t->s->data_sha256, uid ? uid : number, e->repeat, t->s->numerics, hex);
    cell_text(t, out, hex);
}

/* ---- columns ------------------------------------------------------------------------------------------------------------- */

#define AT(field) .offset = offsetof(eval_result, field)

static const column schema_columns[] = {{{"schema", "", "what kind of row this is, and its version", 0, -1}, .get = get_schema},
                                        {{NULL, NULL, NULL, 0, 0}, .get = NULL}};

static const column answer_columns[] = {
    {{"sample_ix", "", "index in the data set", 0, 0}, .get = get_index},
    {{"uid", "", "sample", COLUMN_BRIEF, -1}, .get = get_uid},
    {{"cluster", "", "samples about one picture share it", 0, -1}, .get = get_of_sample, .offset = OF_CLUSTER},
    {{"category", "", "category", 0, -1}, .get = get_category},
    {{"question", "", "question as the data set has it", 0, -1}, .get = get_of_sample, .offset = OF_QUESTION},
    {{"repeat", "", "repeat", 0, 0}, .get = get_repeat},
    {{"status", "", "ok, error or oom", COLUMN_BRIEF, -1}, .get = get_status},
    {{"error", "", "what went wrong", 0, -1}, .get = get_error},
    {{"target", "", "right answers", COLUMN_BRIEF, -1}, .get = get_of_sample, .offset = OF_TARGET},
    {{"output", "", "answer as generated; of a classifier its five best classes", COLUMN_BRIEF, -1}, .get = get_output},
    {{"output_ids", "", "tokens of the answer; of a classifier its five best classes", 0, -1}, .get = get_ids},
    {{"parsed", "", "what the parser read", 0, -1}, .get = get_parsed},
    {{"score", "", "0..1", COLUMN_BRIEF, 3}, .get = get_score},
    {{"agrees", "", "the answer is that of the unpruned model", 0, -1}, .get = get_agrees},
    {{"margin", "", "best minus second logit of the first answer token", 0, 3}, .get = get_margin},
    {{"kl", "nats", "KL of the first answer token, unpruned against this", 0, 4}, .get = get_kl},
    {{"ce_loss", "nats", "cross entropy of the right class, of a classifier", 0, 4}, .get = get_loss},
    {{"diverged", "tokens", "first answer token that differs from the unpruned model's", 0, 0}, .get = get_diverged},
    {{"n_text_tok", "tokens", "rows of the prompt without the picture", 0, 0}, .get = get_tokens, AT(text)},
    {{"img_tok_vit_in", "tokens", "picture tokens that enter the ViT", 0, 0}, .get = get_tokens, AT(vit_in)},
    {{"img_tok_vit_out", "tokens", "picture tokens that leave it", 0, 0}, .get = get_tokens, AT(vit_out)},
    {{"img_tok_llm_in", "tokens", "picture tokens before the first LLM layer", 0, 0}, .get = get_tokens, AT(llm_in)},
    {{"img_tok_llm_out", "tokens", "picture tokens behind the last LLM layer", 0, 0}, .get = get_tokens, AT(llm_out)},
    {{"equiv_tok", "tokens", "picture tokens that a layer sees on average: of the LLM, of a classifier's ViT", 0, 1},
     .get = get_number,
     AT(equivalent)},
    {{"kept_per_site", "", "survivors of every prune site: stage and layer, tokens", 0, -1}, .get = get_sites},
    {{"kept_per_layer", "", "picture tokens behind every layer, those of the ViT and then those of the LLM", 0, -1}, .get = get_layers},
    {{"n_new_tok", "tokens", "tokens of the answer", 0, 0}, .get = get_tokens, AT(n_ids)},
    {{"stop_reason", "", "eos or length", 0, -1}, .get = get_stop},
    {{"gflops_vit", "GFLOP", "analytic cost of the ViT", 0, 2}, .get = get_number, AT(flops_vit), .per = 1e9},
    {{"gflops_projector", "GFLOP", "of the projector", 0, 2}, .get = get_number, AT(flops_projector), .per = 1e9},
    {{"gflops_prefill", "GFLOP", "of the prompt in the LLM", 0, 2}, .get = get_number, AT(flops_prefill), .per = 1e9},
    {{"gflops_decode", "GFLOP", "of the answer", 0, 2}, .get = get_number, AT(flops_decode), .per = 1e9},
    {{"gflops_total", "GFLOP", "of the sample", 0, 2}, .get = get_total},
    {{"kv_mib", "MiB", "keys and values in the LLM", 0, 2}, .get = get_kv},
    {{"t_load_ms", "ms", "reading the picture; not part of t_total_ms", COLUMN_VARIES, 2}, .get = get_number, AT(s_load), .scale = 1e3},
    {{"t_preprocess_ms", "ms", "resizing and normalising", COLUMN_VARIES, 2}, .get = get_number, AT(s_preprocess), .scale = 1e3},
    {{"t_vit_ms", "ms", "ViT without selection", COLUMN_VARIES, 2}, .get = get_number, AT(s_vit), .scale = 1e3},
    {{"t_prune_ms", "ms", "selection at all sites", COLUMN_VARIES, 3}, .get = get_number, AT(s_selection), .scale = 1e3},
    {{"t_projector_ms", "ms", "projector", COLUMN_VARIES, 2}, .get = get_number, AT(s_projector), .scale = 1e3},
    {{"t_prefill_ms", "ms", "prompt in the LLM", COLUMN_VARIES, 2}, .get = get_number, AT(s_prefill), .scale = 1e3},
    {{"t_decode_ms", "ms", "answer", COLUMN_VARIES, 2}, .get = get_number, AT(s_decode), .scale = 1e3},
    {{"t_ttft_ms", "ms", "time to the first token: preprocessing to the end of the prompt", COLUMN_VARIES, 2}, .get = get_ttft},
    {{"t_tpot_ms", "ms", "time per output token behind the first", COLUMN_VARIES, 3}, .get = get_tpot},
    {{"t_total_ms", "ms", "preprocessing to the last token", COLUMN_VARIES, 2}, .get = get_number, AT(s_total), .scale = 1e3},
    {{"reused", "share", "layers taken from the checkpoint cache: their times are those of the run that computed them", COLUMN_VARIES, 3},
     .get = get_number,
     AT(reused)},
    {{"timing_valid", "", "the process had the device alone", COLUMN_VARIES, -1}, .get = get_valid},
    {{"attempt_id", "", "which process of which launch", COLUMN_VARIES, -1}, .get = get_attempt},
    {{"unit_key", "", "SHA-256 of model, configuration, data set, sample, repeat, number type and prompts: equal keys mean equal outputs", 0, -1}, .get = get_key},
    {{NULL, NULL, NULL, 0, 0}, .get = NULL}};

/* As in table_trials.c. */
static const char *const contract[] = {
    "schema", "sweep_id", "trial_id", "ordinal", "dataset", "uid", "cluster", "category", "repeat", "status", "error", "target", "output", "parsed",
    "score", "margin", "n_text_tok", "img_tok_vit_in", "img_tok_llm_in", "img_tok_llm_out", "kept_per_layer", "n_new_tok", "stop_reason", "t_load_ms",
    "t_preprocess_ms", "t_vit_ms", "t_prune_ms", "t_projector_ms", "t_prefill_ms", "t_decode_ms", "t_ttft_ms", "t_tpot_ms", "t_total_ms",
    "timing_valid", "attempt_id", "rank", "hostname", "device_name", "config_sha256", "model_sha256", "git_commit", "unit_key", "finished_utc", NULL};

static size_t count_records(const sweep_data *s)
{
    size_t n = 0;
    for (int i = 0; i < s->n_trials; i++)
        for (size_t k = 0; k < s->n_samples; k++) n += s->trial[i].result[k] != NULL;
    return n;
}

saint_status table_samples(const sweep_data *s, table **out, saint_error *err)
{
    saint_status st = table_new(s, out, err);
    if (st != SAINT_OK) return st;
    table *t = *out;
    size_t n = count_records(s);
    t->row_trial = malloc((n + 1) * sizeof *t->row_trial);
    t->row_sample = malloc((n + 1) * sizeof *t->row_sample);
    bool ok = t->row_trial && t->row_sample;
    for (int i = 0; i < s->n_trials && ok; i++)
        for (size_t k = 0; k < s->n_samples; k++) {
            if (!s->trial[i].result[k]) continue;
            t->row_trial[t->rows] = (uint32_t)i;
            t->row_sample[t->rows++] = (uint32_t)k;
        }
    ok = ok && table_add_all(t, schema_columns) && table_add_identity(t) && table_add_all(t, answer_columns) && table_add_model(t) &&
         table_add_settings(t) && table_add_place(t) && table_order(t, contract, NULL);
    if (ok) return SAINT_OK;
    table_free(t);
    *out = NULL;
    return saint_fail(err, SAINT_MEMORY, "no memory for a table of %zu records", n);
}
