/* lmms.c - results.json and samples_TASK.jsonl as lmms-eval 0.3 writes them (evaluation.md 4.1), so that scripts made for it go on working.
 * Names of tasks and metrics are its own where it has the data set. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/export.h"
#include "export/json_text.h"

typedef struct {
    saint_data_kind kind;
    const char *task;
    const char *metric[5], *ours[5]; /* its name, and the metric of saint_score */
} naming;

static const naming names[] = {
    {SAINT_DATA_MME, "mme", {"mme_perception_score", "mme_cognition_score"}, {"perception", "cognition"}},
    {SAINT_DATA_POPE,
     "pope",
     {"pope_accuracy", "pope_precision", "pope_recall", "pope_f1_score", "pope_yes_ratio"},
     {"accuracy", "precision", "recall", "f1", "yes_ratio"}},
    {SAINT_DATA_SCIENCEQA, "scienceqa_img", {"exact_match"}, {"accuracy"}},
    {SAINT_DATA_TEXTVQA, "textvqa_val", {"exact_match"}, {"accuracy"}},
    {SAINT_DATA_VQAV2, "vqav2_val", {"exact_match"}, {"accuracy"}},
    {SAINT_DATA_GQA, "gqa", {"exact_match"}, {"accuracy"}},
    {SAINT_DATA_MMBENCH, "mmbench_en_dev", {"gpt_eval_score"}, {"accuracy"}},
    {SAINT_DATA_SEED, "seedbench", {"seed_image", "seed_video", "seed_all"}, {"seed_image", "seed_video", "seed_all"}},
    {SAINT_DATA_VIZWIZ, "vizwiz_vqa_val", {"exact_match"}, {"accuracy"}},
};

/* Data sets that it does not know go by our own names. */
static naming name_of(saint_data_kind kind)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].kind == kind) return names[i];
    return (naming){.kind = kind, .task = saint_data_kind_name(kind), .metric = {"accuracy"}, .ours = {"accuracy"}};
}

static void hash_text(const char *text, size_t n, char hex[65])
{
    saint_sha256 h;
    saint_sha256_init(&h);
    saint_sha256_update(&h, text, n);
    saint_digest d = saint_sha256_final(&h);
    saint_digest_hex(&d, hex);
}

/* ---- samples ------------------------------------------------------------------------------------------------------------- */

static void add_member(text_buf *out, const char *key, const char *value)
{
    if (out->n && out->p[out->n - 1] != '{') text_put(out, ", ");
    json_text(out, key);
    text_put(out, ": ");
    json_text(out, value);
}

/* The fields of a sample that are no pictures; uid finds it again. */
static void add_doc(const saint_sample *x, saint_data_kind kind, text_buf *out)
{
    text_char(out, '{');
    add_member(out, "uid", x->uid);
    add_member(out, "question_id", kind == SAINT_DATA_MME || kind == SAINT_DATA_SCENES ? x->cluster : x->uid);
    if (*x->category) add_member(out, "category", x->category);
    add_member(out, "question", x->question);
    if (x->n_answers) add_member(out, "answer", x->answers[0]);
    if (x->n_answers > 1) {
        text_put(out, ", \"answers\": [");
        for (size_t i = 0; i < x->n_answers; i++) {
            if (i) text_put(out, ", ");
            json_text(out, x->answers[i]);
        }
        text_char(out, ']');
    }
    if (x->n_choices) text_put(out, ", \"choices\": [");
    for (size_t i = 0; i < x->n_choices; i++) {
        if (i) text_put(out, ", ");
        json_text(out, x->choices[i]);
        if (i + 1 == x->n_choices) text_char(out, ']');
    }
    text_char(out, '}');
}

/* The answer, or the ranked classes of a classifier as a list. */
static void add_answer(const char *output, text_buf *out)
{
    char *text = strdup(output), *p = text, *end;
    if (!text) out->failed = true;
    text_char(out, '[');
    for (bool more = text != NULL; more; p = end + 1) {
        end = strchr(p, SAINT_RANK_SEPARATOR);
        more = end != NULL;
        if (end) *end = 0;
        json_text(out, p);
        if (more) text_put(out, ", ");
        else break;
    }
    text_char(out, ']');
    free(text);
}

/* What a metric keeps of a sample: MME and POPE a record, the others a number. */
static void add_metrics(const naming *n, const saint_sample *x, const saint_verdict *v, const char *parsed, text_buf *out)
{
    static const char *const cognition[] = {"code_reasoning", "commonsense_reasoning", "numerical_calculation", "text_translation"};
    size_t first = 0, last = 5;
    if (n->kind == SAINT_DATA_MME) {
        for (size_t i = 0; i < 4; i++) first += strcmp(cognition[i], x->category) == 0;
        last = first + 1;
    }
    for (size_t i = first; i < last && n->metric[i]; i++) {
        text_put(out, ", ");
        json_text(out, n->metric[i]);
        text_put(out, ": ");
        bool record = n->kind == SAINT_DATA_MME || n->kind == SAINT_DATA_POPE;
        if (!record) {
            json_number(out, v->score);
            continue;
        }
        text_char(out, '{');
        add_member(out, "question_id", n->kind == SAINT_DATA_MME ? x->cluster : x->uid);
        if (n->kind == SAINT_DATA_MME) add_member(out, "category", x->category);
        else {
            add_member(out, "prediction", parsed ? parsed : "");
            add_member(out, "ground_truth", x->n_answers ? x->answers[0] : "");
        }
        text_put(out, ", \"score\": ");
        json_number(out, v->score);
        text_char(out, '}');
    }
}

typedef struct {
    text_buf samples, hashes; /* hashes: doc, prompt and target of every sample one behind the other */
    size_t n;
} lines;

static saint_status add_sample(const sweep_data *s, const naming *n, size_t i, const char *output, lines *l, saint_error *err)
{
    saint_sample x;
    saint_verdict v = {0};
    char *prompt = NULL, *parsed = NULL, hash[3][65];
    text_buf doc = {0}, *out = &l->samples;
    saint_status st = saint_dataset_item(s->dataset, i, &x, err);
    if (st != SAINT_OK) return st;
    st = saint_dataset_prompt(s->dataset, i, &prompt, err);
    if (st == SAINT_OK && x.n_answers) st = saint_score_answer(s->dataset, i, output, s->parser, &v, &parsed, err);
    if (st == SAINT_OK) {
        const char *target = x.n_answers ? x.answers[0] : "";
        add_doc(&x, n->kind, &doc);
        hash_text(doc.p ? doc.p : "", doc.n, hash[0]);
        hash_text(prompt, strlen(prompt), hash[1]);
        hash_text(target, strlen(target), hash[2]);
        text_format(out, "{\"doc_id\": %zu, \"doc\": ", i);
        text_bytes(out, doc.p ? doc.p : "{}", doc.p ? doc.n : 2);
        text_put(out, ", \"target\": ");
        json_text(out, target);
        /* lmms-eval numbers the names of its arguments and drops their values; so does this. */
        text_put(out, ", \"arguments\": {\"0\": \"max_new_tokens\", \"1\": \"temperature\", \"2\": \"do_sample\"}, \"resps\": [");
        add_answer(output, out);
        text_put(out, "], \"filtered_resps\": ");
        add_answer(output, out);
        text_format(out, ", \"doc_hash\": \"%s\", \"prompt_hash\": \"%s\", \"target_hash\": \"%s\"", hash[0], hash[1], hash[2]);
        if (x.n_answers) add_metrics(n, &x, &v, parsed, out);
        text_put(out, ", \"input\": ");
        json_text(out, prompt);
        text_put(out, "}\n");
        text_format(&l->hashes, "%s%s%s", hash[0], hash[1], hash[2]);
        l->n++;
    }
    text_free(&doc);
    free(parsed);
    free(prompt);
    saint_sample_free(&x);
    return st;
}

/* ---- results ------------------------------------------------------------------------------------------------------------- */

/* A number, or "N/A" as it says. cJSON rounds to 15 digits and calls it equal, so the digits are ours. */
static void put(cJSON *o, const char *key, double x)
{
    text_buf digits = {0};
    if (isfinite(x)) text_number(&digits, x);
    if (digits.p) cJSON_AddRawToObject(o, key, digits.p);
    else cJSON_AddStringToObject(o, key, "N/A");
    text_free(&digits);
}

static void add_results(cJSON *root, const naming *n, const eval_summary *m)
{
    cJSON *results = cJSON_AddObjectToObject(root, "results"), *task = cJSON_AddObjectToObject(results, n->task);
    cJSON *higher = cJSON_AddObjectToObject(cJSON_AddObjectToObject(root, "higher_is_better"), n->task);
    char key[96];
    cJSON_AddStringToObject(task, "alias", n->task);
    for (size_t i = 0; i < 5 && n->metric[i]; i++) {
        /* its share of yes is that of the labels; the parser that reads as it does knows that one, too */
        const saint_metric *x = strcmp(n->ours[i], "yes_ratio") == 0 ? saint_score_metric(&m->score.all, "lmms_yes_ratio") : NULL;
        if (!x) x = saint_score_metric(&m->score.all, n->ours[i]);
        if (!x) continue;
        bool mean = n->kind != SAINT_DATA_MME && n->kind != SAINT_DATA_POPE; /* it has no error for what it aggregates itself */
        (void)snprintf(key, sizeof key, "%s,none", n->metric[i]);
        put(task, key, x->v.value);
        (void)snprintf(key, sizeof key, "%s_stderr,none", n->metric[i]);
        put(task, key, mean ? x->v.se : NAN);
        cJSON_AddTrueToObject(higher, n->metric[i]);
    }
}

static const char *text_at(table *t, size_t row, const char *column)
{
    table_cell c = table_get(t, row, table_find(t, column));
    return c.kind == CELL_TEXT ? c.text : "";
}

static void add_config(cJSON *root, table *t, size_t row, const sweep_trial *r)
{
    const sweep_data *s = table_sweep(t);
    cJSON *config = cJSON_AddObjectToObject(root, "config");
    cJSON_AddStringToObject(config, "model", "saint");
    cJSON_AddStringToObject(config, "model_args", r->trial.config ? r->trial.config : "");
    cJSON_AddStringToObject(config, "batch_size", "1");
    cJSON_AddItemToObject(config, "batch_sizes", cJSON_CreateArray());
    cJSON_AddStringToObject(config, "device", s->backend ? s->backend : "");
    cJSON_AddNullToObject(config, "use_cache");
    if (s->n_wanted < s->n_samples) cJSON_AddNumberToObject(config, "limit", (double)s->n_wanted);
    else cJSON_AddNullToObject(config, "limit");
    cJSON_AddNumberToObject(config, "bootstrap_iters", SAINT_STATS_RESAMPLES);
    cJSON_AddStringToObject(config, "gen_kwargs", "");
    static const char *const seeds[] = {"random_seed", "numpy_seed", "torch_seed", "fewshot_seed"};
    for (size_t i = 0; i < 4; i++) cJSON_AddNumberToObject(config, seeds[i], i ? 1234 : 0);
    cJSON_AddStringToObject(root, "git_hash", text_at(t, row, "git_commit"));
    cJSON_AddStringToObject(root, "model_source", "saint");
    cJSON_AddStringToObject(root, "model_name", s->model ? s->model : "");
    cJSON_AddStringToObject(root, "model_name_sanitized", text_at(t, row, "model"));
    cJSON_AddNullToObject(root, "system_instruction");
    cJSON_AddNullToObject(root, "system_instruction_sha");
    cJSON_AddNullToObject(root, "fewshot_as_multiturn");
    cJSON_AddNullToObject(root, "chat_template");
    cJSON_AddNullToObject(root, "chat_template_sha");
}

static void add_times(cJSON *root, const sweep_data *s, const sweep_trial *r)
{
    double first = INFINITY, last = 0, total = 0;
    for (size_t i = 0; i < s->n_samples; i++) {
        if (!r->result[i]) continue;
        first = fmin(first, r->result[i]->finished - r->result[i]->s_total);
        last = fmax(last, r->result[i]->finished);
        total += r->result[i]->s_total;
    }
    if (last <= 0) return;
    cJSON_AddNumberToObject(root, "date", floor(first));
    put(root, "start_time", first);
    put(root, "end_time", last);
    char seconds[40];
    (void)snprintf(seconds, sizeof seconds, "%.6f", total);
    cJSON_AddStringToObject(root, "total_evaluation_time_seconds", seconds);
}

static char *results_text(table *t, size_t row, const naming *n, const lines *l, bool timing)
{
    const sweep_data *s = table_sweep(t);
    const sweep_trial *r = &s->trial[table_trial_of(t, row)];
    cJSON *root = cJSON_CreateObject(), *o;
    char hash[65];
    add_results(root, n, &r->summary);
    cJSON_AddItemToObject(cJSON_AddObjectToObject(root, "group_subtasks"), n->task, cJSON_CreateArray());
    o = cJSON_AddObjectToObject(cJSON_AddObjectToObject(root, "configs"), n->task);
    cJSON_AddStringToObject(o, "task", n->task);
    cJSON_AddStringToObject(o, "output_type", "generate_until");
    cJSON *generate = cJSON_AddObjectToObject(o, "generation_kwargs");
    table_cell tokens = table_get(t, row, table_find(t, "max_new_tokens"));
    if (tokens.kind != CELL_EMPTY) cJSON_AddNumberToObject(generate, "max_new_tokens", tokens.number);
    cJSON_AddNumberToObject(generate, "temperature", 0);
    cJSON_AddFalseToObject(generate, "do_sample");
    cJSON_AddStringToObject(o, "prompt_version", saint_dataset_get_info(s->dataset)->prompt_name);
    cJSON_AddNumberToObject(cJSON_AddObjectToObject(root, "versions"), n->task, 0);
    cJSON_AddNumberToObject(cJSON_AddObjectToObject(root, "n-shot"), n->task, 0);
    o = cJSON_AddObjectToObject(cJSON_AddObjectToObject(root, "n-samples"), n->task);
    cJSON_AddNumberToObject(o, "original", (double)s->n_samples);
    cJSON_AddNumberToObject(o, "effective", (double)l->n);
    add_config(root, t, row, r);
    hash_text(l->hashes.p ? l->hashes.p : "", l->hashes.n, hash);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(root, "task_hashes"), n->task, hash);
    o = cJSON_AddObjectToObject(root, "saint");
    cJSON_AddStringToObject(o, "sweep_id", s->id);
    cJSON_AddNumberToObject(o, "ordinal", r->trial.ordinal);
    cJSON_AddStringToObject(o, "name", r->trial.name ? r->trial.name : "");
    cJSON_AddStringToObject(o, "model_sha256", s->model_sha256 ? s->model_sha256 : "");
    cJSON_AddStringToObject(o, "dataset_sha256", text_at(t, row, "dataset_sha256"));
    cJSON_AddStringToObject(o, "version", text_at(t, row, "app_version"));
    cJSON_AddNumberToObject(o, "errors", (double)r->summary.n_error);
    if (timing) add_times(root, s, r);
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    return text;
}

/* ---- files --------------------------------------------------------------------------------------------------------------- */

static saint_status write_file(const char *folder, const char *name, const char *text, size_t n, saint_error *err)
{
    char *path;
    if (asprintf(&path, "%s/%s", folder, name) < 0) return saint_fail(err, SAINT_MEMORY, "%s: no memory for a path", folder);
    saint_status s = saint_file_write(path, text, n, err);
    free(path);
    return s;
}

static saint_status write_trial(table *t, size_t row, const naming *n, const char *folder, const lines *l, bool timing, saint_error *err)
{
    char name[128], file[128], *path = NULL, *text = results_text(t, row, n, l, timing);
    export_folder_name(&table_sweep(t)->trial[table_trial_of(t, row)], name, sizeof name);
    (void)snprintf(file, sizeof file, "samples_%s.jsonl", n->task);
    saint_status s = text ? export_make_folder(folder, name, &path, err) : saint_fail(err, SAINT_MEMORY, "%s: no memory", folder);
    if (s == SAINT_OK) s = text_status(&l->samples, path, err);
    if (s == SAINT_OK) s = write_file(path, file, l->samples.p ? l->samples.p : "", l->samples.n, err);
    if (s == SAINT_OK) s = write_file(path, "results.json", text, strlen(text), err);
    cJSON_free(text);
    free(path);
    return s;
}

saint_status export_lmms(table *t, const export_options *o, const char *folder, saint_error *err)
{
    const sweep_data *s = table_sweep(t);
    if (!s->dataset)
        return saint_fail(err, SAINT_IO,
                          "%s: expected the data set of the sweep, it is no longer there; put it back or use --format csv", s->data);
    naming n = name_of(saint_dataset_get_info(s->dataset)->kind);
    saint_status st = SAINT_OK;
    for (size_t row = 0; row < table_rows(t) && st == SAINT_OK; row++) {
        const sweep_trial *r = &s->trial[table_trial_of(t, row)];
        lines l = {0};
        if (!export_wants(o, t, row)) continue;
        for (size_t i = 0; i < s->n_samples && st == SAINT_OK; i++)
            if (r->result[i] && r->result[i]->state == EVAL_OK && r->result[i]->output)
                st = add_sample(s, &n, i, r->result[i]->output, &l, err);
        if (st == SAINT_OK) st = write_trial(t, row, &n, folder, &l, o->timing, err);
        text_free(&l.samples);
        text_free(&l.hashes);
    }
    return st;
}
