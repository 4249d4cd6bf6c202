#define _GNU_SOURCE
#include "sweep/store.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/pareto.h"
#include "sweep/early.h"
#include "sweep/merge.h"
#include "sweep/of_eval.h"

/* What a sweep_data owns beside its arrays. */
typedef struct {
    sweep_plan plan;        /* its trials and texts are those that sweep_data shows */
    sqlite3_int64 seq;      /* newest record read */
    char made[17];          /* which database that was: one that was made anew counts from the start */
    sweep_attempt *attempt; /* [n_attempts] */
    bool *summarised;       /* [n_trials] the summary belongs to the records at hand */
    const eval_result ***all; /* [n_trials][n_samples] records of the first repeat, also those behind the end of a stopped trial */
    sweep_early early;        /* without the data set: nothing is judged, and the journals' word counts */
    uint32_t *until;          /* [n_trials] samples that count, in the order in which they run */
    bool *stopped;            /* [n_trials] */
    size_t *have;             /* [n_trials] records that count, of all repeats */
    size_t *failed;           /* of those, failures */
} store;

static store *of(const sweep_data *s) { return (store *)(uintptr_t)s->records; }

static saint_status no_memory(saint_error *err) { return saint_fail(err, SAINT_MEMORY, "no memory for a sweep of this size"); }

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void free_result(const eval_result *r)
{
    eval_result_free((eval_result *)(uintptr_t)r);
    free((void *)(uintptr_t)r);
}

static void free_attempts(sweep_attempt *a, size_t n)
{
    for (size_t i = 0; a && i < n; i++) {
        char *texts[] = {a[i].host, a[i].os, a[i].cpu, a[i].device, a[i].driver, a[i].kernels, a[i].version, a[i].commit, a[i].build, a[i].fingerprint};
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) free(texts[k]);
    }
    free(a);
}

static void free_contents(sweep_data *s)
{
    store *k = of(s);
    for (int i = 0; i < s->n_trials && s->trial; i++) {
        for (size_t n = 0; k && k->all && k->all[i] && n < s->n_samples; n++)
            if (k->all[i][n]) free_result(k->all[i][n]);
        if (k && k->all) free(k->all[i]);
        free(s->trial[i].result);
        eval_summary_free(&s->trial[i].summary);
    }
    free(s->trial);
    free(s->folder);
    saint_dataset_close(s->dataset);
    if (!k) return;
    free_attempts(k->attempt, (size_t)s->n_attempts);
    free(k->all);
    free(k->until);
    free(k->summarised);
    free(k->stopped);
    free(k->have);
    free(k->failed);
    sweep_early_free(&k->early);
    sweep_plan_free(&k->plan);
    free(k);
}

void sweep_free(sweep_data *s)
{
    if (!s) return;
    free_contents(s);
    free(s);
}

/* ---- the plan ---------------------------------------------------------------------------------------------------- */

static void open_dataset(sweep_data *s)
{
    const sweep_plan *p = &of(s)->plan;
    const saint_dataset_options o = {
        .images = p->images, .split = p->split, .style = strcmp(p->prompt, "llava") == 0 ? SAINT_PROMPT_LLAVA : SAINT_PROMPT_LMMS};
    char hex[65];
    if (saint_dataset_open(p->data, &o, &s->dataset, NULL) != SAINT_OK) {
        s->dataset = NULL;
        return;
    }
    const saint_dataset_info *info = saint_dataset_get_info(s->dataset);
    saint_digest_hex(&info->digest, hex);
    if (strcmp(hex, p->data_sha256) == 0 && info->n == p->n_samples) return;
    saint_dataset_close(s->dataset); /* another version of it: its answers are to other questions */
    s->dataset = NULL;
}

/* Show the plan's trials and texts; they stay the plan's. */
static saint_status show_plan(sweep_data *s, const char *folder, saint_error *err)
{
    store *k = of(s);
    const sweep_plan *p = &k->plan;
    memcpy(s->id, p->id, sizeof s->id);
    memcpy(s->name, p->name, sizeof s->name);
    s->model = p->model;
    s->model_sha256 = p->model_sha256;
    s->model_family = p->model_family;
    s->weight_dtype = p->weight_dtype;
    s->method = p->method;
    s->seed = p->seed;
    s->numerics = p->numerics;
    s->data_sha256 = p->data_sha256;
    s->split = p->split;
    s->data = p->data;
    s->dtype = p->dtype;
    s->backend = p->backend;
    s->n_samples = p->n_samples;
    s->wanted = p->wanted;
    s->n_wanted = p->n_wanted;
    s->parser = p->parser;
    s->axes = (sweep_axes){p->n_axes, p->axis};
    s->n_trials = p->n_trials;
    s->baseline = p->baseline;
    s->folder = strdup(folder);
    s->trial = calloc((size_t)p->n_trials + 1, sizeof *s->trial);
    k->summarised = calloc((size_t)p->n_trials + 1, sizeof *k->summarised);
    k->stopped = calloc((size_t)p->n_trials + 1, sizeof *k->stopped);
    k->have = calloc((size_t)p->n_trials + 1, sizeof *k->have);
    k->failed = calloc((size_t)p->n_trials + 1, sizeof *k->failed);
    k->all = calloc((size_t)p->n_trials + 1, sizeof *k->all);
    k->until = malloc(((size_t)p->n_trials + 1) * sizeof *k->until);
    if (!s->folder || !s->trial || !k->summarised || !k->stopped || !k->have || !k->failed || !k->all || !k->until) return no_memory(err);
    for (int i = 0; i < p->n_trials; i++) {
        k->until[i] = (uint32_t)p->n_wanted;
        s->trial[i].trial = p->trial[i];
        s->trial[i].value = p->value + i * p->n_axes;
        s->trial[i].state = "planned";
        s->trial[i].result = calloc(p->n_samples + 1, sizeof *s->trial[i].result);
        k->all[i] = calloc(p->n_samples + 1, sizeof *k->all[i]);
        if (!s->trial[i].result || !k->all[i]) return no_memory(err);
    }
    return SAINT_OK;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static char *text_of(sqlite3_stmt *q, int i)
{
    const char *t = (const char *)sqlite3_column_text(q, i);
    return strdup(t ? t : "");
}

static double real_of(sqlite3_stmt *q, int i) { return sqlite3_column_type(q, i) == SQLITE_NULL ? NAN : sqlite3_column_double(q, i); }
static double seconds_of(sqlite3_stmt *q, int i) { return (double)sqlite3_column_int64(q, i) / 1e9; }

static const char select_records[] =
    "SELECT trial_id, sample_ix, repeat_ix, attempt_id, status, error, output, out_ids, first_logit_margin, n_text_tok, n_img_tok_vit_in,"
    " n_img_tok_vit_out, n_img_tok_llm_in, n_img_tok_llm_out, kept_per_layer, stop_reason, flops_vit, flops_projector, flops_prefill,"
    " flops_decode, kv_bytes, t_load_ns, t_prep_ns, t_vit_ns, t_prune_ns, t_proj_ns, t_prefill_ns, t_decode_ns, t_total_ns, timing_valid,"
    " finished, kl, diverged, equiv_tok, reused, seq, vit_layers, llm_layers, t_wall_ns, company, peak_rss, peak_dev_mem, loss"
    " FROM result WHERE seq > ? ORDER BY seq";

static void read_numbers(sqlite3_stmt *q, eval_result *r)
{
    r->margin = (float)real_of(q, 8);
    int *counts[] = {&r->text, &r->vit_in, &r->vit_out, &r->llm_in, &r->llm_out};
    for (int i = 0; i < 5; i++) *counts[i] = sqlite3_column_int(q, 9 + i);
    double *flops[] = {&r->flops_vit, &r->flops_projector, &r->flops_prefill, &r->flops_decode};
    for (int i = 0; i < 4; i++) *flops[i] = sqlite3_column_double(q, 16 + i);
    r->kv_bytes = (uint64_t)sqlite3_column_int64(q, 20);
    double *seconds[] = {&r->s_load,      &r->s_preprocess, &r->s_vit,    &r->s_selection,
                         &r->s_projector, &r->s_prefill,    &r->s_decode, &r->s_total};
    for (int i = 0; i < 8; i++) *seconds[i] = seconds_of(q, 21 + i);
    r->timing_valid = sqlite3_column_int(q, 29) != 0;
    r->finished = sqlite3_column_double(q, 30);
    r->kl = (float)real_of(q, 31);
    r->diverged = sqlite3_column_int(q, 32);
    r->equivalent = sqlite3_column_double(q, 33);
    r->reused = sqlite3_column_double(q, 34);
    r->vit_layers = sqlite3_column_int(q, 36); /* 35 is seq */
    r->llm_layers = sqlite3_column_int(q, 37);
    r->s_wall = seconds_of(q, 38);
    r->company = (eval_company)sqlite3_column_int(q, 39);
    r->peak_rss = (uint64_t)sqlite3_column_int64(q, 40);
    r->peak_device = (uint64_t)sqlite3_column_int64(q, 41);
    r->loss = (float)real_of(q, 42);
}

/* NULL: no memory. */
static eval_result *read_result(sqlite3_stmt *q, uint64_t trial)
{
    eval_result *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    const char *status = (const char *)sqlite3_column_text(q, 4), *attempt = (const char *)sqlite3_column_text(q, 3);
    size_t ids = (size_t)sqlite3_column_bytes(q, 7) / sizeof *r->ids, sites = (size_t)sqlite3_column_bytes(q, 14) / sizeof r->site[0];
    r->trial = trial;
    r->sample = (uint32_t)sqlite3_column_int64(q, 1);
    r->repeat = (uint32_t)sqlite3_column_int64(q, 2);
    r->attempt = attempt ? strtoull(attempt, NULL, 16) : 0;
    r->state = !status || strcmp(status, "ok") == 0 ? EVAL_OK : strcmp(status, "oom") == 0 ? EVAL_MEMORY : EVAL_ERROR;
    bool fine = true;
    if (r->state != EVAL_OK) fine = (r->error = text_of(q, 5)) != NULL;
    r->output = text_of(q, 6);
    r->ids = malloc((ids + 1) * sizeof *r->ids);
    if (!fine || !r->output || !r->ids) {
        eval_result_free(r);
        free(r);
        return NULL;
    }
    r->n_ids = (int)ids;
    if (ids) memcpy(r->ids, sqlite3_column_blob(q, 7), ids * sizeof *r->ids);
    r->n_sites = (int)(sites < EVAL_SITES ? sites : EVAL_SITES);
    if (r->n_sites) memcpy(r->site, sqlite3_column_blob(q, 14), (size_t)r->n_sites * sizeof r->site[0]);
    snprintf(r->stop, sizeof r->stop, "%s", sqlite3_column_text(q, 15) ? (const char *)sqlite3_column_text(q, 15) : "");
    read_numbers(q, r);
    return r;
}

/* New rows since the newest one read. A retry takes the place of its failure. */
static saint_status read_records(sweep_data *s, sqlite3 *db, saint_error *err)
{
    store *k = of(s);
    sqlite3_stmt *q = NULL;
    saint_status st = sweep_db_prepare(db, select_records, &q, err);
    if (st == SAINT_OK) sqlite3_bind_int64(q, 1, k->seq);
    int rc = SQLITE_DONE;
    while (st == SAINT_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        int trial = sqlite3_column_int(q, 0) - 1;
        size_t sample = (size_t)sqlite3_column_int64(q, 1);
        k->seq = sqlite3_column_int64(q, 35);
        if (trial < 0 || trial >= s->n_trials || sample >= s->n_samples || !s->wanted[sample]) continue;
        k->summarised[trial] = false;
        if (sqlite3_column_int64(q, 2) != 0) continue; /* the first repeat is shown */
        const eval_result **to = &k->all[trial][sample];
        eval_result *r = read_result(q, s->trial[trial].trial.id);
        if (!r) {
            st = no_memory(err);
            break;
        }
        if (*to) free_result(*to);
        s->trial[trial].result[sample] = *to = r;
        sweep_early_record(&k->early, trial, (uint32_t)sample, r->state == EVAL_OK ? r->output : NULL);
    }
    if (st == SAINT_OK && rc != SQLITE_DONE) st = sweep_db_error(db, err);
    sqlite3_finalize(q);
    return st;
}

static saint_status read_attempts(sweep_data *s, sqlite3 *db, saint_error *err)
{
    store *k = of(s);
    size_t n = (size_t)sweep_db_number(db, "SELECT count(*) FROM attempt", 0);
    sqlite3_stmt *q = NULL;
    if (n == s->n_attempts) return SAINT_OK;
    saint_status st = sweep_db_prepare(
        db,
        "SELECT attempt_id, hostname, os, cpu, device_name, driver, isa, app_version, git_commit, build_flags, fingerprint, threads, rank,"
        " world, started, git_dirty"
        " FROM attempt JOIN env USING (env_id) ORDER BY started, attempt_id",
        &q, err);
    if (st != SAINT_OK) return st;
    sweep_attempt *list = calloc(n + 1, sizeof *list);
    size_t i = 0;
    if (!list) st = no_memory(err);
    for (; st == SAINT_OK && i < n && sqlite3_step(q) == SQLITE_ROW; i++) {
        sweep_attempt *a = &list[i];
        char **texts[] = {&a->host, &a->os, &a->cpu, &a->device, &a->driver, &a->kernels, &a->version, &a->commit, &a->build, &a->fingerprint};
        const char *id = (const char *)sqlite3_column_text(q, 0);
        a->id = id ? strtoull(id, NULL, 16) : 0;
        for (int t = 0; t < 10; t++)
            if (!(*texts[t] = text_of(q, 1 + t))) st = no_memory(err);
        a->threads = sqlite3_column_int(q, 11);
        a->rank = sqlite3_column_int(q, 12);
        a->world = sqlite3_column_int(q, 13);
        a->started = sqlite3_column_double(q, 14);
        a->dirty = sqlite3_column_type(q, 15) == SQLITE_NULL ? -1 : sqlite3_column_int(q, 15);
    }
    sqlite3_finalize(q);
    if (st != SAINT_OK) {
        free_attempts(list, i);
        return st;
    }
    free_attempts(k->attempt, (size_t)s->n_attempts);
    s->attempt = k->attempt = list;
    s->n_attempts = i;
    return st;
}

/* ---- trials that are given up -------------------------------------------------------------------------------------- */

/* Records behind the end of a stopped trial are kept and not shown: which there are depends on who ran what when. */
static void show_until(sweep_data *s, int trial)
{
    store *k = of(s);
    sweep_trial *t = &s->trial[trial];
    for (size_t i = 0; i < s->n_samples; i++) {
        uint32_t place = k->early.score ? k->early.place[i] : 0;
        t->result[i] = place < k->until[trial] ? k->all[trial][i] : NULL;
    }
}

static saint_status judge(sweep_data *s, saint_error *err)
{
    store *k = of(s);
    uint32_t *was = malloc(((size_t)s->n_trials + 1) * sizeof *was);
    if (!was) return no_memory(err);
    memcpy(was, k->until, (size_t)s->n_trials * sizeof *was);
    saint_status st = sweep_early_judge(&k->early, k->until, err);
    for (int i = 0; i < s->n_trials && st == SAINT_OK; i++) {
        bool stopped = k->until[i] < s->n_wanted;
        if (stopped || k->until[i] != was[i]) show_until(s, i);
        if (k->until[i] != was[i]) k->summarised[i] = false;
        s->trial[i].note[0] = 0;
        if (stopped) sweep_early_text(&k->early, i, s->trial[i].note, sizeof s->trial[i].note);
    }
    free(was);
    return st;
}

/* ---- counts ------------------------------------------------------------------------------------------------------ */

/* Of a stopped trial, those before its end. */
static saint_status count_until(sweep_data *s, sqlite3 *db, int trial, saint_error *err)
{
    store *k = of(s);
    sqlite3_stmt *q = NULL;
    saint_status st = sweep_db_prepare(db, "SELECT sample_ix, status <> 'ok' FROM result WHERE trial_id = ?", &q, err);
    if (st == SAINT_OK) sqlite3_bind_int(q, 1, trial + 1);
    k->have[trial] = k->failed[trial] = 0;
    while (st == SAINT_OK && sqlite3_step(q) == SQLITE_ROW) {
        size_t sample = (size_t)sqlite3_column_int64(q, 0);
        if (sample >= s->n_samples || k->early.place[sample] >= k->until[trial]) continue;
        k->have[trial]++;
        k->failed[trial] += sqlite3_column_int(q, 1) != 0;
    }
    sqlite3_finalize(q);
    return st;
}

static saint_status read_counts(sweep_data *s, sqlite3 *db, saint_error *err)
{
    store *k = of(s);
    sqlite3_stmt *q = NULL;
    size_t per = s->n_wanted * k->plan.repeats;
    saint_status st = sweep_db_prepare(db, "SELECT trial_id, count(*), sum(status <> 'ok') FROM result GROUP BY trial_id", &q, err);
    while (st == SAINT_OK && sqlite3_step(q) == SQLITE_ROW) {
        int i = sqlite3_column_int(q, 0) - 1;
        if (i < 0 || i >= s->n_trials) continue;
        k->have[i] = (size_t)sqlite3_column_int64(q, 1);
        k->failed[i] = (size_t)sqlite3_column_int64(q, 2);
    }
    sqlite3_finalize(q);
    q = NULL;
    if (st == SAINT_OK && !s->dataset) st = sweep_db_prepare(db, "SELECT trial_id, note FROM stopped", &q, err);
    while (q && st == SAINT_OK && sqlite3_step(q) == SQLITE_ROW) {
        int i = sqlite3_column_int(q, 0) - 1;
        if (i < 0 || i >= s->n_trials || !(k->plan.early_stop > 0)) continue;
        k->stopped[i] = k->have[i] < per;
        snprintf(s->trial[i].note, sizeof s->trial[i].note, "%s", (const char *)sqlite3_column_text(q, 1));
    }
    sqlite3_finalize(q);
    for (int i = 0; i < s->n_trials && st == SAINT_OK && s->dataset; i++) {
        k->stopped[i] = k->until[i] < s->n_wanted;
        if (k->stopped[i]) st = count_until(s, db, i, err);
    }
    s->units = s->done = s->errors = s->stopped = 0;
    for (int i = 0; i < s->n_trials; i++) {
        bool stopped = k->stopped[i];
        size_t units = !stopped ? per : s->dataset ? k->until[i] * k->plan.repeats : k->have[i];
        s->trial[i].state = k->have[i] < units ? k->have[i] ? "running" : "planned" : stopped ? "stopped" : "complete";
        s->units += units;
        s->done += k->have[i];
        s->errors += k->failed[i];
        s->stopped += stopped;
    }
    s->complete = s->units && s->done >= s->units;
    s->torn = (size_t)sweep_db_number(db, "SELECT sum(bad_lines + tail) FROM journal_cursor", 0) +
              (size_t)sweep_db_number(db, "SELECT count(*) FROM event WHERE code = 'UNREADABLE'", 0);
    s->conflicts = (size_t)sweep_db_number(db, "SELECT count(*) FROM event WHERE code = 'NONDETERMINISM'", 0);
    return st;
}

/* ---- summaries --------------------------------------------------------------------------------------------------- */

/* Without the data set nothing can be scored; the counts are known. */
static void counts_only(const sweep_data *s, const sweep_trial *t, eval_summary *out)
{
    const saint_interval nothing = {.value = NAN, .low = NAN, .high = NAN, .se = NAN, .method = ""};
    memset(out, 0, sizeof *out);
    out->main_name = "";
    out->main = out->agreement = out->kl = out->latency = out->speedup = nothing;
    out->base = (saint_paired){.diff = NAN, .se = NAN, .low = NAN, .high = NAN, .t = NAN, .df = NAN, .p = NAN};
    double *numbers[] = {&out->mcnemar,       &out->diverged,     &out->vit_in,      &out->vit_out,     &out->llm_in,
                         &out->llm_out,       &out->equivalent,   &out->keep_ratio,  &out->flops_vit,   &out->flops_projector,
                         &out->flops_prefill, &out->flops_decode, &out->flops,       &out->flops_ratio, &out->kv_bytes,
                         &out->lat_sd,        &out->p50,          &out->p90,         &out->p99,         &out->s_preprocess,
                         &out->s_vit,         &out->s_selection,  &out->s_projector, &out->s_prefill,   &out->s_decode,
                         &out->throughput,    &out->holm};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) *numbers[i] = NAN;
    for (size_t i = 0; i < s->n_samples; i++) {
        if (!s->wanted[i]) continue;
        out->n_total++;
        out->n_done += t->result[i] != NULL;
        out->n_error += t->result[i] && t->result[i]->state != EVAL_OK;
    }
}

/* The baseline's records change everybody's differences. */
static saint_status summarise(sweep_data *s, saint_error *err)
{
    store *k = of(s);
    bool base_new = s->baseline >= 0 && !k->summarised[s->baseline];
    saint_status st = SAINT_OK;
    for (int i = 0; i < s->n_trials && st == SAINT_OK; i++) {
        sweep_trial *t = &s->trial[i];
        const eval_result *const *base = s->baseline >= 0 ? (const eval_result *const *)s->trial[s->baseline].result : NULL;
        if (k->summarised[i] && !base_new) continue;
        eval_summary fresh;
        if (s->dataset)
            st = (s->errors_as_wrong ? eval_summarise_errors_as_wrong : eval_summarise)(s->dataset, (const eval_result *const *)t->result, base,
                                                                                        s->wanted, s->parser, &fresh, err);
        else counts_only(s, t, &fresh);
        if (st != SAINT_OK) break;
        eval_summary_free(&t->summary);
        t->summary = fresh;
        k->summarised[i] = true;
    }
    double *p = st == SAINT_OK ? malloc(((size_t)s->n_trials + 1) * sizeof *p) : NULL;
    if (st == SAINT_OK && !p) st = no_memory(err);
    for (int i = 0; i < s->n_trials && st == SAINT_OK; i++) p[i] = i == s->baseline ? NAN : s->trial[i].summary.mcnemar;
    if (st == SAINT_OK) st = saint_stats_holm(p, (size_t)s->n_trials, p, err);
    for (int i = 0; i < s->n_trials && st == SAINT_OK; i++) s->trial[i].summary.holm = p[i];
    free(p);
    return st == SAINT_OK ? pareto_mark(s, err) : st;
}

saint_status sweep_errors_as_wrong(sweep_data *s, saint_error *err)
{
    s->errors_as_wrong = true;
    for (int i = 0; i < s->n_trials; i++) of(s)->summarised[i] = false;
    return summarise(s, err);
}

/* ---- loading ----------------------------------------------------------------------------------------------------- */

static saint_status read_plan(const char *folder, sweep_plan *out, saint_error *err)
{
    return sweep_of_eval(folder) ? sweep_of_eval_plan(folder, out, err) : sweep_plan_read(folder, out, err);
}

/* SAINT_STATE: not the database that was read before. */
static saint_status same_database(store *k, sqlite3 *db, saint_error *err)
{
    char made[17] = "";
    sqlite3_stmt *q = NULL;
    saint_status st = sweep_db_prepare(db, "SELECT id FROM made", &q, err);
    if (st == SAINT_OK && sqlite3_step(q) == SQLITE_ROW) snprintf(made, sizeof made, "%s", (const char *)sqlite3_column_text(q, 0));
    sqlite3_finalize(q);
    if (st == SAINT_OK && k->made[0] && strcmp(made, k->made) != 0) st = SAINT_STATE;
    memcpy(k->made, made, sizeof made);
    return st;
}

static saint_status update(sweep_data *s, bool summaries, bool *changed, saint_error *err)
{
    store *k = of(s);
    sqlite3 *db = NULL;
    sqlite3_int64 seq = k->seq;
    size_t torn = s->torn, attempts = (size_t)s->n_attempts, stopped = s->stopped;
    saint_status st = sweep_of_eval(s->folder) ? sweep_of_eval_db(s->folder, &k->plan, s->dataset, &db, err)
                                               : sweep_db_current(s->folder, &k->plan, s->dataset, &db, err);
    if (st == SAINT_OK) st = same_database(k, db, err);
    if (st == SAINT_OK) st = read_records(s, db, err);
    if (st == SAINT_OK) st = judge(s, err);
    if (st == SAINT_OK) st = read_attempts(s, db, err);
    if (st == SAINT_OK) st = read_counts(s, db, err);
    sweep_db_close(db);
    if (st == SAINT_OK && summaries) st = summarise(s, err);
    *changed = k->seq != seq || s->torn != torn || s->n_attempts != attempts || s->stopped != stopped;
    return st;
}

saint_status sweep_load(const char *folder, bool summaries, sweep_data **out, saint_error *err)
{
    bool changed;
    sweep_data *s = calloc(1, sizeof *s);
    store *k = calloc(1, sizeof *k);
    *out = NULL;
    if (!s || !k) {
        free(s);
        free(k);
        return no_memory(err);
    }
    s->records = k;
    saint_status st = read_plan(folder, &k->plan, err);
    if (st == SAINT_OK) st = show_plan(s, folder, err);
    if (st == SAINT_OK) {
        open_dataset(s);
        if (s->dataset) st = sweep_early_make(&k->plan, s->dataset, &k->early, err);
    }
    if (st == SAINT_OK) {
        k->early.plan = &k->plan;
        st = update(s, summaries, &changed, err);
    }
    if (st == SAINT_OK) *out = s;
    else sweep_free(s);
    return st;
}

saint_status sweep_refresh(sweep_data *s, bool summaries, bool *changed, saint_error *err)
{
    bool any = false, grown;
    sweep_plan now;
    saint_status st = read_plan(s->folder, &now, err);
    if (st != SAINT_OK) return st;
    grown = now.asks != of(s)->plan.asks || strcmp(now.id, s->id) != 0;
    sweep_plan_free(&now);
    if (!grown) st = update(s, summaries, &any, err);
    if (grown || st == SAINT_STATE) { /* more was asked, or the database was made anew: from the start */
        sweep_data *fresh = NULL;
        st = sweep_load(s->folder, summaries, &fresh, err);
        if (st == SAINT_OK) {
            free_contents(s);
            *s = *fresh;
            free(fresh);
            any = true;
        }
    }
    if (changed) *changed = any;
    return st;
}
