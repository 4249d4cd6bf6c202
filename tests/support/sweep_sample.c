/* sweep_sample.c - see the header. Scores and intervals come from the library; only answers, token counts and times are made up. */
#define _GNU_SOURCE
#include "support/sweep_sample.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "export/pareto.h"

enum { PICTURES = SWEEP_SAMPLE_SAMPLES / 2, GRID_TOKENS = 576, VIT_SITE = 9, LLM_FIRST = 4, LLM_LAST = 7 };

static char empty[] = "", host[] = "bench", os_name[] = "Linux", cpu[] = "a CPU", device[] = "cpu", kernels[] = "avx512",
            version[] = "0.1.0", commit[] = "0123456789ab", build[] = "GNU 12 -O3", fingerprint[] = "feed";
static const sweep_attempt attempts[] = {{.id = 1,
                                          .host = host,
                                          .os = os_name,
                                          .cpu = cpu,
                                          .device = device,
                                          .driver = empty,
                                          .kernels = kernels,
                                          .version = version,
                                          .commit = commit,
                                          .build = build,
                                          .fingerprint = fingerprint,
                                          .threads = 2,
                                          .world = 1,
                                          .started = 1789999990}};

typedef struct {
    const char *keep_num, *threshold; /* as text, "" = does not apply */
    int twin_of;
    int vit_out;      /* picture tokens behind the ViT */
    double llm_share; /* kept by every LLM site */
    double right;     /* share of right answers aimed at */
} recipe;

static const recipe recipes[SWEEP_SAMPLE_TRIALS] = {
    {"", "", -1, 576, 1, 0.96},   {"433", "", -1, 432, 1, 0.96},     {"289", "", -1, 288, 1, 0.92},    {"145", "", -1, 144, 1, 0.84},
    {"73", "", -1, 72, 1, 0.71},  {"", "0.83", -1, 576, 0.80, 0.94}, {"", "0.7", -1, 576, 0.62, 0.88}, {"289", "0.83", -1, 288, 0.84, 0.92},
    {"289", "", 2, 288, 1, 0.84}, {"73", "", 4, 72, 1, 0.60},
};

/* ---- the data set ------------------------------------------------------------------------------------------------------ */

static const char *const tasks[] = {"color", "count", "existence"};

static saint_status write_scenes(const char *folder, saint_error *err)
{
    char path[2048], text[256];
    saint_status s = SAINT_OK;
    for (int i = 0; i < PICTURES && s == SAINT_OK; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, tasks[i / 4]);
        (void)mkdir(path, 0755);
        snprintf(path, sizeof path, "%s/%s/%04d.txt", folder, tasks[i / 4], i % 4 + 1);
        snprintf(text, sizeof text,
                 "Is there a red star? Please answer yes or no.\tYes\nAre there %d moons? Please answer yes or no.\tNo\n", i + 2);
        s = saint_file_write(path, text, strlen(text), err);
    }
    return s;
}

static saint_status write_manifest(const char *folder, saint_error *err)
{
    char path[2048], text[8192] = "";
    size_t n = 0;
    for (int i = 0; i < SWEEP_SAMPLE_SAMPLES; i++)
        n += (size_t)snprintf(text + n, sizeof text - n,
                              "{\"uid\": \"q%02d\", \"cluster\": \"p%02d.png\", \"question\": \"What is there?\", \"answers\": [\"%s\"], "
                              "\"image\": [\"p%02d.png\"]}\n",
                              i, i / 2, i % 2 ? "moon" : "star", i / 2);
    snprintf(path, sizeof path, "%s/manifest.jsonl", folder);
    return saint_file_write(path, text, n, err);
}

static saint_status write_pope(const char *folder, saint_error *err)
{
    char path[2048], text[8192] = "";
    size_t n = 0;
    for (int i = 0; i < SWEEP_SAMPLE_SAMPLES; i++)
        n += (size_t)snprintf(
            text + n, sizeof text - n,
            "{\"question_id\": %d, \"image\": \"COCO_%02d.jpg\", \"text\": \"Is there a moon in the image?\", \"label\": \"%s\"}\n", i + 1,
            i / 2, i % 2 ? "no" : "yes");
    snprintf(path, sizeof path, "%s/coco_pope_random.json", folder);
    return saint_file_write(path, text, n, err);
}

static saint_status open_data(const char *folder, sweep_sample_kind kind, sweep_data *s, saint_error *err)
{
    static const struct {
        const char *name;
        saint_status (*write)(const char *folder, saint_error *err);
    } kinds[SWEEP_SAMPLE_KINDS] = {{"scenes", write_scenes}, {"manifest", write_manifest}, {"mme", write_scenes}, {"pope", write_pope}};
    char path[1024], full[1100];
    snprintf(path, sizeof path, "%s/sample-%s", folder, kinds[kind].name);
    (void)mkdir(path, 0755);
    saint_status st = kinds[kind].write(path, err);
    if (st != SAINT_OK) return st;
    snprintf(full, sizeof full, "%s:%s", kinds[kind].name, path);
    s->data = strdup(full);
    return saint_dataset_open(full, NULL, &s->dataset, err);
}

/* ---- trials ------------------------------------------------------------------------------------------------------------ */

/* What plans and configurations need to know of a model. */
static const saint_model_info model = {.name = "scenes-vlm",
                                       .architecture = "llava",
                                       .vit_layers = SWEEP_SAMPLE_LAYERS,
                                       .vit_layers_run = SWEEP_SAMPLE_LAYERS,
                                       .vit_dim = 64,
                                       .vit_heads = 2,
                                       .vit_mlp = 128,
                                       .vit_prefix = 1,
                                       .image_side = 336,
                                       .patch = 14,
                                       .grid_w = 24,
                                       .grid_h = 24,
                                       .llm_layers = SWEEP_SAMPLE_LAYERS,
                                       .llm_dim = 64,
                                       .llm_heads = 2,
                                       .llm_kv_heads = 2,
                                       .llm_head_dim = 32,
                                       .llm_mlp = 128,
                                       .vocab = 512};

static saint_status fill_settings(const recipe *r, saint_settings *s, saint_error *err)
{
    const bool vit = *r->keep_num, llm = *r->threshold;
    saint_settings_default(s);
    saint_status st = saint_settings_set(s, "mode", vit && llm ? "hybrid" : vit ? "vit" : llm ? "llm" : "none", err);
    if (st == SAINT_OK && vit) st = saint_settings_set(s, "prune_mode[9]", "iterative_drop_full_graph", err);
    if (st == SAINT_OK && vit) st = saint_settings_set(s, "keep_num", r->keep_num, err);
    if (st == SAINT_OK && llm) st = saint_settings_set(s, "saint_start", "4", err);
    if (st == SAINT_OK && llm) st = saint_settings_set(s, "saint_end", "7", err);
    if (st == SAINT_OK && llm) st = saint_settings_set(s, "saint_threshold", r->threshold, err);
    return st;
}

/* As eval and sweep make them: a configuration, or the random twin of one before it. */
static saint_status make_trial(sweep_data *s, int ordinal, saint_error *err)
{
    const recipe *r = &recipes[ordinal];
    eval_trial *t = &s->trial[ordinal].trial;
    char name[96];
    saint_status st = SAINT_OK;
    if (r->twin_of >= 0) st = eval_trial_twin(&s->trial[r->twin_of].trial, &model, t, err);
    else {
        st = fill_settings(r, &t->settings, err);
        t->max_new_tokens = 16;
        t->twin_of = -1;
        snprintf(name, sizeof name, "%s%s%s%s%s", *r->keep_num ? "keep_num=" : "", r->keep_num, *r->keep_num && *r->threshold ? " " : "",
                 *r->threshold ? "saint_threshold=" : "", r->threshold);
        t->name = strdup(ordinal ? name : "unpruned");
        if (st == SAINT_OK) st = eval_trial_identify(t, &model, err);
    }
    t->ordinal = ordinal;
    return st;
}

static saint_status fill_trial(sweep_data *s, int ordinal, saint_error *err)
{
    sweep_trial *t = &s->trial[ordinal];
    saint_status st = make_trial(s, ordinal, err);
    t->value = calloc(2, sizeof *t->value);
    t->result = calloc(SWEEP_SAMPLE_SAMPLES, sizeof *t->result);
    if (st == SAINT_OK && (!t->trial.name || !t->value || !t->result)) st = saint_fail(err, SAINT_MEMORY, "no memory for a trial");
    if (st != SAINT_OK) return st;
    t->value[0] = strdup(recipes[ordinal].keep_num);
    t->value[1] = strdup(recipes[ordinal].threshold);
    t->state = ordinal == 9 ? "running" : "complete";
    return t->value[0] && t->value[1] ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for a trial");
}

/* ---- records ----------------------------------------------------------------------------------------------------------- */

/* A number in [0, 1) of two indices. */
static double chance(uint32_t a, uint32_t b)
{
    uint64_t x = ((uint64_t)a << 32 | b) + 0x9e3779b97f4a7c15u;
    for (int i = 0; i < 2; i++) {
        x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
        x = (x ^ x >> 27) * 0x94d049bb133111ebu;
        x ^= x >> 31;
    }
    return (double)(x >> 11) * 0x1p-53;
}

static void fill_tokens(const recipe *r, uint32_t sample, eval_result *e)
{
    e->text = 62 + (int)(sample % 5);
    e->vit_in = GRID_TOKENS;
    e->vit_out = e->llm_in = e->llm_out = r->vit_out;
    if (r->vit_out < GRID_TOKENS) {
        e->site[e->n_sites].stage = SAINT_STAGE_VIT;
        e->site[e->n_sites].layer = VIT_SITE;
        e->site[e->n_sites++].n_out = r->vit_out;
    }
    double layers = LLM_FIRST * e->llm_in;
    for (int l = LLM_FIRST; r->llm_share < 1 && l <= LLM_LAST; l++) {
        layers += e->llm_out;
        e->llm_out = (int)(e->llm_out * (r->llm_share + 0.04 * (chance(sample, 77) - 0.5)));
        e->site[e->n_sites].stage = SAINT_STAGE_LLM;
        e->site[e->n_sites].layer = (int16_t)l;
        e->site[e->n_sites++].n_out = e->llm_out;
    }
    int rest = SWEEP_SAMPLE_LAYERS - (r->llm_share < 1 ? LLM_LAST + 1 : LLM_FIRST);
    e->equivalent = (layers + rest * e->llm_out) / SWEEP_SAMPLE_LAYERS;
    e->flops_vit = 2.1e7 * ((VIT_SITE + 1) * GRID_TOKENS + (SWEEP_SAMPLE_LAYERS - VIT_SITE - 1) * e->vit_out);
    e->flops_projector = 3e5 * e->vit_out;
    e->flops_prefill = 1.6e7 * SWEEP_SAMPLE_LAYERS * (e->equivalent + e->text);
    e->flops_decode = 1.6e7 * SWEEP_SAMPLE_LAYERS * 2;
    e->kv_bytes = (uint64_t)(SWEEP_SAMPLE_LAYERS * 2 * 512 * (e->equivalent + e->text));
}

static void fill_times(const recipe *r, uint32_t sample, eval_result *e)
{
    double noise = 1 + 0.06 * (chance(sample, (uint32_t)r->vit_out + (uint32_t)(r->llm_share * 100)) - 0.5);
    e->s_load = 2.1e-3;
    e->s_preprocess = 6.0e-3;
    e->s_vit = e->flops_vit / 9e11 * noise;
    e->s_selection = 1.5e-4 * e->n_sites;
    e->s_projector = e->flops_projector / 6e11;
    e->s_prefill = e->flops_prefill / 8e11 * noise;
    e->s_decode = 9e-3 * noise;
    e->s_total = e->s_preprocess + e->s_vit + e->s_selection + e->s_projector + e->s_prefill + e->s_decode;
    e->timing_valid = true;
    e->attempt = 1;
    e->finished = 1790000000 + sample;
}

static saint_status fill_record(sweep_data *d, int ordinal, uint32_t i, eval_result *e, saint_error *err)
{
    const recipe *r = &recipes[ordinal];
    saint_sample s;
    saint_status st = saint_dataset_item(d->dataset, i, &s, err);
    if (st != SAINT_OK) return st;
    bool right = chance(i, 1021) < r->right + 0.1 * (chance(i, (uint32_t)ordinal + 100) - 0.5);
    const char *wrong = strcmp(s.answers[0], "Yes") == 0 ? "No" : strcmp(s.answers[0], "No") == 0 ? "Yes" : "a tree";
    *e = (eval_result){.trial = d->trial[ordinal].trial.id, .sample = i, .diverged = -1};
    fill_tokens(r, i, e);
    fill_times(r, i, e);
    if (ordinal == 3 && i == 17) {
        e->state = EVAL_ERROR;
        e->error = strdup("existence/0001.png: expected a picture, found 0 bytes; copy it again");
        e->margin = e->kl = NAN;
        e->diverged = -2;
    } else {
        e->output = strdup(right ? s.answers[0] : wrong);
        e->n_ids = 2;
        e->ids = malloc(2 * sizeof *e->ids);
        if (e->ids) memcpy(e->ids, (int32_t[]){right ? 17 : 29, 2}, 2 * sizeof *e->ids);
        snprintf(e->stop, sizeof e->stop, "eos");
        e->margin = (float)(right ? 1 + 3 * chance(i, 3) : chance(i, 4));
        e->kl = (float)(ordinal ? (1 - r->right) * chance(i, (uint32_t)ordinal) : 0);
        const eval_result *base = ordinal ? d->trial[0].result[i] : NULL;
        if (base && strcmp(base->output, e->output) != 0) e->diverged = 0;
    }
    saint_sample_free(&s);
    return (e->state == EVAL_OK ? e->output && e->ids : e->error != NULL) ? SAINT_OK
                                                                          : saint_fail(err, SAINT_MEMORY, "no memory for a record");
}

static saint_status fill_records(sweep_data *s, eval_result *all, saint_error *err)
{
    saint_status st = SAINT_OK;
    for (int t = 0; t < SWEEP_SAMPLE_TRIALS && st == SAINT_OK; t++) {
        size_t n = t == 9 ? SWEEP_SAMPLE_SAMPLES / 2 : SWEEP_SAMPLE_SAMPLES;
        for (size_t i = 0; i < n && st == SAINT_OK; i++) {
            eval_result *e = &all[t * SWEEP_SAMPLE_SAMPLES + (int)i];
            st = fill_record(s, t, (uint32_t)i, e, err);
            s->trial[t].result[i] = e;
            s->done++;
            s->errors += e->state != EVAL_OK;
        }
    }
    return st;
}

/* ---- summaries ---------------------------------------------------------------------------------------------------------- */

static saint_status fill_summaries(sweep_data *s, saint_error *err)
{
    double p[SWEEP_SAMPLE_TRIALS];
    saint_status st = SAINT_OK;
    for (int i = 0; i < s->n_trials && st == SAINT_OK; i++) {
        sweep_trial *t = &s->trial[i];
        st = eval_summarise(s->dataset, t->result, i ? s->trial[0].result : NULL, s->wanted, s->parser, &t->summary, err);
        p[i] = t->summary.mcnemar;
    }
    if (st == SAINT_OK) st = saint_stats_holm(p, SWEEP_SAMPLE_TRIALS, p, err);
    for (int i = 0; i < s->n_trials && st == SAINT_OK; i++) s->trial[i].summary.holm = p[i];
    return st == SAINT_OK ? pareto_mark(s, err) : st;
}

/* ---- all of it ---------------------------------------------------------------------------------------------------------- */

static saint_status fill_head(sweep_data *s, const char *folder, saint_error *err)
{
    snprintf(s->id, sizeof s->id, "5a17c0ffee5eed01");
    snprintf(s->name, sizeof s->name, "sample");
    s->folder = strdup(folder);
    s->model = strdup("models/scenes-vlm");
    s->model_sha256 = strdup("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    s->model_family = strdup("llava");
    s->dtype = strdup("f32");
    s->backend = strdup("cpu");
    s->n_samples = s->n_wanted = SWEEP_SAMPLE_SAMPLES;
    s->wanted = malloc(SWEEP_SAMPLE_SAMPLES * sizeof *s->wanted);
    s->axes.n_params = 2;
    s->axes.param = calloc(2, sizeof *s->axes.param);
    s->trial = calloc(SWEEP_SAMPLE_TRIALS, sizeof *s->trial);
    if (!s->folder || !s->model || !s->model_sha256 || !s->model_family || !s->dtype || !s->backend || !s->wanted || !s->axes.param ||
        !s->trial)
        return saint_fail(err, SAINT_MEMORY, "no memory for a sweep");
    for (int i = 0; i < SWEEP_SAMPLE_SAMPLES; i++) s->wanted[i] = true;
    s->axes.param[0] = strdup("keep_num");
    s->axes.param[1] = strdup("saint_threshold");
    s->n_trials = SWEEP_SAMPLE_TRIALS;
    s->units = SWEEP_SAMPLE_TRIALS * SWEEP_SAMPLE_SAMPLES;
    s->n_attempts = 1;
    s->attempt = attempts;
    return SAINT_OK;
}

saint_status sweep_sample_make(const char *folder, sweep_sample_kind kind, sweep_data **out, saint_error *err)
{
    sweep_data *s = *out = calloc(1, sizeof *s);
    eval_result *all = calloc(SWEEP_SAMPLE_TRIALS * SWEEP_SAMPLE_SAMPLES, sizeof *all);
    saint_status st = s && all ? fill_head(s, folder, err) : saint_fail(err, SAINT_MEMORY, "no memory for a sweep");
    if (s) s->records = all;
    if (st == SAINT_OK) st = open_data(folder, kind, s, err);
    for (int i = 0; i < SWEEP_SAMPLE_TRIALS && st == SAINT_OK; i++) st = fill_trial(s, i, err);
    if (st == SAINT_OK) st = fill_records(s, all, err);
    if (st == SAINT_OK) st = fill_summaries(s, err);
    if (st == SAINT_OK) return st;
    if (!s) free(all);
    sweep_sample_free(s);
    *out = NULL;
    return st;
}

void sweep_sample_free(sweep_data *s)
{
    if (!s) return;
    eval_result *all = (eval_result *)(uintptr_t)s->records;
    for (int i = 0; all && i < SWEEP_SAMPLE_TRIALS * SWEEP_SAMPLE_SAMPLES; i++) eval_result_free(&all[i]);
    free(all);
    for (int i = 0; s->trial && i < s->n_trials; i++) {
        sweep_trial *t = &s->trial[i];
        eval_trial_free(&t->trial);
        for (int k = 0; t->value && k < s->axes.n_params; k++) free(t->value[k]);
        free(t->value);
        free((void *)(uintptr_t)t->result);
        eval_summary_free(&t->summary);
    }
    for (int i = 0; s->axes.param && i < s->axes.n_params; i++) free(s->axes.param[i]);
    free(s->axes.param);
    free(s->trial);
    free(s->wanted);
    saint_dataset_close(s->dataset);
    free(s->folder);
    free(s->model);
    free(s->model_sha256);
    free(s->model_family);
    free(s->data);
    free(s->dtype);
    free(s->backend);
    free(s);
}
