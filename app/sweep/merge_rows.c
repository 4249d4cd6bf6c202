#define _GNU_SOURCE
#include "sweep/merge_rows.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "datasets/score.h"

enum { Q_ATTEMPT, Q_ENV, Q_END, Q_STOPPED, Q_EVENT, Q_FIND, Q_RECORD, Q_COUNT };

struct sweep_rows {
    sqlite3 *db;
    const sweep_plan *plan;
    const saint_dataset *data;
    sqlite3_stmt *q[Q_COUNT];
    int *by_id;        /* [n_trials] ordinals in the order of ids */
    sqlite3_int64 seq; /* of the last row written */
    uint64_t attempt;  /* known to be there, 0 = none yet */
};

static const char *const sql[Q_COUNT] = {
    "INSERT INTO attempt (attempt_id, sweep_id, env_id, argv, launcher, rank, world, local_rank, job_id, dtype, threads, deterministic,"
    " started_utc, journal, started) VALUES (?,?,(SELECT env_id FROM env WHERE fingerprint = ?),?,?,?,?,?,?,?,?,?,?,?,?)"
    " ON CONFLICT (attempt_id) DO UPDATE SET env_id = excluded.env_id, argv = excluded.argv, launcher = excluded.launcher,"
    " rank = excluded.rank, world = excluded.world, local_rank = excluded.local_rank, job_id = excluded.job_id, dtype = excluded.dtype,"
    " threads = excluded.threads, started_utc = excluded.started_utc, journal = excluded.journal, started = excluded.started",
    "INSERT OR IGNORE INTO env (fingerprint, hostname, os, cpu, n_cores, isa, ram_bytes, device_kind, device_name, driver, app_version,"
    " git_commit, git_dirty, build_flags) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    "UPDATE attempt SET ended_utc = ?, exit_code = ? WHERE journal = ?",
    "INSERT OR IGNORE INTO stopped (trial_id, note) VALUES (?,?)",
    "INSERT INTO event (ts_utc, attempt_id, level, code, msg) VALUES (?,?,?,?,?)",
    "SELECT status, try_no, output, out_ids, kept_per_layer FROM result WHERE trial_id = ? AND sample_ix = ? AND repeat_ix = ?",
    "REPLACE INTO result (trial_id, sample_ix, repeat_ix, unit_key, attempt_id, try_no, status, error, output, out_ids, parsed, score,"
    " first_logit_margin, n_text_tok, n_img_tok_vit_in, n_img_tok_vit_out, n_img_tok_llm_in, n_img_tok_llm_out, kept_per_layer, n_new_tok,"
    " stop_reason, flops_vit, flops_projector, flops_prefill, flops_decode, kv_bytes, t_load_ns, t_prep_ns, t_vit_ns, t_prune_ns, "
    "t_proj_ns,"
    " t_prefill_ns, t_decode_ns, t_total_ns, timing_valid, finished_utc, finished, kl, diverged, equiv_tok, reused, seq, vit_layers,"
    " llm_layers, t_wall_ns, company, peak_rss, peak_dev_mem, t_ttft_ns, loss)"
    " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
};

/* ---- life -------------------------------------------------------------------------------------------------------- */

saint_status sweep_rows_open(sweep_rows **out, sqlite3 *db, const sweep_plan *p, const saint_dataset *d, saint_error *err)
{
    sweep_rows *r = calloc(1, sizeof *r);
    *out = r;
    if (r) r->by_id = malloc(((size_t)p->n_trials + 1) * sizeof *r->by_id);
    if (!r || !r->by_id) return saint_fail(err, SAINT_MEMORY, "no memory for a sweep of this size");
    r->db = db;
    r->plan = p;
    r->data = d;
    for (int i = 0; i < p->n_trials; i++) {
        int k = i;
        for (; k > 0 && p->trial[r->by_id[k - 1]].id > p->trial[i].id; k--) r->by_id[k] = r->by_id[k - 1];
        r->by_id[k] = i;
    }
    saint_status s = SAINT_OK;
    for (int i = 0; i < Q_COUNT && s == SAINT_OK; i++) s = sweep_db_prepare(db, sql[i], &r->q[i], err);
    r->seq = (sqlite3_int64)sweep_db_number(db, "SELECT max(seq) FROM result", 0);
    return s;
}

void sweep_rows_close(sweep_rows *r)
{
    if (!r) return;
    for (int i = 0; i < Q_COUNT; i++) sqlite3_finalize(r->q[i]);
    free(r->by_id);
    free(r);
}

int sweep_rows_trial(const sweep_rows *r, uint64_t id)
{
    int low = 0, high = r->plan->n_trials;
    while (low < high) {
        int mid = (low + high) / 2;
        uint64_t x = r->plan->trial[r->by_id[mid]].id;
        if (x == id) return r->by_id[mid];
        if (x < id) low = mid + 1;
        else high = mid;
    }
    return -1;
}

/* ---- binding ----------------------------------------------------------------------------------------------------- */

static void text(sqlite3_stmt *q, int i, const char *t) { sqlite3_bind_text(q, i, t, -1, SQLITE_TRANSIENT); }

static void real(sqlite3_stmt *q, int i, double d)
{
    if (isfinite(d)) sqlite3_bind_double(q, i, d);
    else sqlite3_bind_null(q, i);
}

static int64_t whole(double d) { return (int64_t)(d > -9e18 && d < 9e18 ? d : 0); }

static void utc(double unix_time, char out[32])
{
    time_t t = (time_t)(unix_time > 0 && unix_time < 1e11 ? unix_time : 0);
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static const char *string_of(const cJSON *o, const char *key, const char *otherwise)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    return cJSON_IsString(v) ? v->valuestring : otherwise;
}

static double number_of(const cJSON *o, const char *key, double otherwise)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    return cJSON_IsNumber(v) ? v->valuedouble : otherwise;
}

static void sha_hex(const char *const *parts, size_t n, char out[65])
{
    saint_sha256 h;
    saint_sha256_init(&h);
    for (size_t i = 0; i < n; i++) saint_sha256_update(&h, parts[i], strlen(parts[i]) + 1);
    saint_digest d = saint_sha256_final(&h);
    saint_digest_hex(&d, out);
}

/* ---- plan -------------------------------------------------------------------------------------------------------- */

/* config.json beside the weights, on one line; NULL where the merging machine does not have the model. */
static char *config_of(const sweep_plan *p)
{
    enum { MOST = 1 << 20 };
    char path[4200], *bytes = NULL, *text = NULL;
    cJSON *o = NULL;
    size_t n = 0;
    snprintf(path, sizeof path, "%s/config.json", p->model);
    if (saint_file_read(path, MOST, &bytes, &n, NULL) == SAINT_OK && saint_json_parse(bytes, n, MOST, path, &o, NULL) == SAINT_OK)
        text = cJSON_PrintUnformatted(o);
    cJSON_Delete(o);
    free(bytes);
    return text;
}

static saint_status put_model(sweep_rows *r, saint_error *err)
{
    const sweep_plan *p = r->plan;
    const char *colon = strchr(p->data, ':');
    char kind[64];
    snprintf(kind, sizeof kind, "%.*s", colon ? (int)(colon - p->data) : (int)sizeof kind - 1, p->data);
    char *config = config_of(p);
    saint_status s = sweep_db_put(r->db,
                                  "INSERT OR IGNORE INTO model (model_id, name, family, format, path, sha256, n_params, weight_dtype,"
                                  " config_json) VALUES (1,?,?,?,?,?,?,?,?)",
                                  err, "tttttitt", p->model_name, p->model_family, p->model_format ? p->model_format : "", p->model,
                                  p->model_sha256, whole(p->model_params), p->weight_dtype, config);
    cJSON_free(config);
    if (s != SAINT_OK) return s;
    return sweep_db_put(r->db,
                        "INSERT OR IGNORE INTO dataset (dataset_id, name, split, root, prompt_ver, manifest_sha256, n_samples)"
                        " VALUES (1,?,?,?,?,?,?)",
                        err, "ttttti", kind, p->split ? p->split : r->data ? saint_data_usual_split(saint_dataset_get_info(r->data)->kind) : "", colon ? colon + 1 : p->data, p->prompt, p->data_sha256,
                        (int64_t)p->n_samples);
}

static saint_status put_samples(sweep_rows *r, saint_error *err)
{
    sqlite3_stmt *q = NULL;
    if (!r->data || sweep_db_number(r->db, "SELECT count(*) FROM sample", 0) > 0) return SAINT_OK;
    saint_status s = sweep_db_prepare(r->db,
                                      "INSERT INTO sample (dataset_id, sample_ix, uid, cluster, category, target, prompt_sha256)"
                                      " VALUES (1,?,?,?,?,?,?)",
                                      &q, err);
    for (size_t i = 0; i < r->plan->n_samples && s == SAINT_OK; i++) {
        saint_sample x;
        char *prompt = NULL, hex[65];
        s = saint_dataset_item(r->data, i, &x, err);
        if (s != SAINT_OK) break;
        s = saint_dataset_prompt(r->data, i, &prompt, err);
        if (s == SAINT_OK) {
            sha_hex((const char *const[]){prompt}, 1, hex);
            sweep_db_bind(q, "ittttt", (int64_t)i, x.uid, x.cluster, x.category, x.n_answers ? x.answers[0] : NULL, hex);
            s = sweep_db_step(r->db, q, err);
        }
        free(prompt);
        saint_sample_free(&x);
    }
    sqlite3_finalize(q);
    return s;
}

static saint_status put_sweep(sweep_rows *r, saint_error *err)
{
    const sweep_plan *p = r->plan;
    char now[32];
    utc((double)time(NULL), now);
    saint_status s =
        sweep_db_put(r->db,
                     "INSERT INTO sweep (sweep_id, name, created_utc, spec_json, method, seed, state) VALUES (?,?,?,?,?,?,'planned')"
                     " ON CONFLICT (sweep_id) DO UPDATE SET spec_json = excluded.spec_json",
                     err, "ttttti", p->id, p->name, now, p->spec ? p->spec : "{}", *p->method ? p->method : "grid",
                     whole(isfinite(p->seed) ? p->seed : 0));
    return s;
}

static saint_status put_params(sweep_rows *r, int trial, sqlite3_stmt *q, saint_error *err)
{
    const sweep_plan *p = r->plan;
    saint_status s = SAINT_OK;
    for (int a = 0; a < p->n_axes && s == SAINT_OK; a++) {
        const char *value = p->value[trial * p->n_axes + a];
        char *end;
        double d = strtod(value, &end);
        if (!*value) continue;
        sweep_db_bind(q, "itdt", (int64_t)trial + 1, p->axis[a], *end ? (double)NAN : d, value);
        s = sweep_db_step(r->db, q, err);
    }
    return s;
}

static saint_status put_trials(sweep_rows *r, saint_error *err)
{
    const sweep_plan *p = r->plan;
    sqlite3_stmt *q = NULL, *param = NULL;
    int have = (int)sweep_db_number(r->db, "SELECT count(*) FROM trial", 0);
    saint_status s =
        sweep_db_prepare(r->db,
                         "INSERT INTO trial (trial_id, sweep_id, ordinal, model_id, dataset_id, mode, config_json, config_sha256,"
                         " n_units, is_baseline, state, name, twin_of) VALUES (?,?,?,1,1,?,?,?,?,?,'planned',?,?)",
                         &q, err);
    if (s == SAINT_OK)
        s = sweep_db_prepare(r->db, "INSERT OR IGNORE INTO trial_param (trial_id, name, num, txt) VALUES (?,?,?,?)", &param, err);
    for (int i = have; i < p->n_trials && s == SAINT_OK; i++) { /* trials are only ever added */
        const eval_trial *t = &p->trial[i];
        char hex[65];
        cJSON *config = cJSON_Parse(t->config);
        saint_digest_hex(&t->digest, hex);
        sweep_db_bind(q, "ititttiit", (int64_t)i + 1, p->id, (int64_t)i, string_of(config, "mode", "none"), t->config, hex,
                      (int64_t)(p->n_wanted * p->repeats), (int64_t)t->baseline, t->name);
        if (t->twin_of >= 0) sqlite3_bind_int64(q, 10, t->twin_of + 1);
        else sqlite3_bind_null(q, 10);
        cJSON_Delete(config);
        s = sweep_db_step(r->db, q, err);
        if (s == SAINT_OK) s = put_params(r, i, param, err);
    }
    sqlite3_finalize(q);
    sqlite3_finalize(param);
    return s;
}

saint_status sweep_rows_plan(sweep_rows *r, saint_error *err)
{
    char update[128];
    saint_status s = put_model(r, err);
    if (s == SAINT_OK) s = put_samples(r, err);
    if (s == SAINT_OK) s = put_sweep(r, err);
    if (s == SAINT_OK) s = put_trials(r, err);
    snprintf(update, sizeof update, "UPDATE trial SET n_units = %zu WHERE n_units <> %zu", r->plan->n_wanted * r->plan->repeats,
             r->plan->n_wanted * r->plan->repeats);
    return s == SAINT_OK ? sweep_db_run(r->db, update, err) : s;
}

/* ---- attempts and events ------------------------------------------------------------------------------------------ */

saint_status sweep_rows_event(sweep_rows *r, const char *name, const char *code, const char *msg, saint_error *err)
{
    char now[32];
    sqlite3_stmt *q = r->q[Q_EVENT];
    utc((double)time(NULL), now);
    sweep_db_bind(q, "ttttt", now, name, "warning", code, msg);
    return sweep_db_step(r->db, q, err);
}

static saint_status put_env(sweep_rows *r, const cJSON *o, const char *fingerprint, saint_error *err)
{
    sqlite3_stmt *q = r->q[Q_ENV];
    sweep_db_bind(q, "ttttititttttit", fingerprint, string_of(o, "host", ""), string_of(o, "os", ""), string_of(o, "cpu", ""),
                  whole(number_of(o, "cores", 0)), string_of(o, "kernels", ""), whole(number_of(o, "ram_bytes", 0)),
                  string_of(o, "backend", ""), string_of(o, "device", ""), string_of(o, "driver", ""), string_of(o, "version", "unknown"),
                  string_of(o, "commit", "unknown"), (int64_t)0, string_of(o, "build", ""));
    const cJSON *dirty = cJSON_GetObjectItemCaseSensitive(o, "dirty"); /* journals of before do not tell */
    if (cJSON_IsBool(dirty)) sqlite3_bind_int(q, 13, cJSON_IsTrue(dirty));
    else sqlite3_bind_null(q, 13);
    return sweep_db_step(r->db, q, err);
}

static saint_status put_attempt(sweep_rows *r, const char *id, const char *name, const cJSON *o, saint_error *err)
{
    char fingerprint[65], started[32];
    cJSON *argv = cJSON_GetObjectItemCaseSensitive(o, "argv");
    char *line = argv ? cJSON_PrintUnformatted(argv) : NULL;
    sqlite3_stmt *q = r->q[Q_ATTEMPT];
    sha_hex((const char *const[]){string_of(o, "host", ""), string_of(o, "os", ""), string_of(o, "cpu", ""), string_of(o, "kernels", ""),
                                  string_of(o, "backend", ""), string_of(o, "device", ""), string_of(o, "driver", ""),
                                  string_of(o, "version", "unknown"), string_of(o, "commit", "unknown"), string_of(o, "build", ""),
                                  cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, "dirty")) ? "dirty" : ""},
            11, fingerprint);
    saint_status s = put_env(r, o, fingerprint, err);
    utc(number_of(o, "started", 0), started);
    sweep_db_bind(q, "tttttiiittiittd", id, r->plan->id, fingerprint, line ? line : "[]", string_of(o, "launcher", ""),
                  whole(number_of(o, "rank", 0)), whole(number_of(o, "world", 1)), whole(number_of(o, "local_rank", -1)),
                  string_of(o, "job", ""), string_of(o, "dtype", r->plan->dtype), whole(number_of(o, "threads", 0)),
                  (int64_t)(strcmp(r->plan->dtype, "f32") == 0), started, name, number_of(o, "started", 0));
    cJSON_free(line);
    return s == SAINT_OK ? sweep_db_step(r->db, q, err) : s;
}

saint_status sweep_rows_attempt(sweep_rows *r, const char *name, const cJSON *o, saint_error *err)
{
    const char *id = string_of(o, "attempt", "");
    if (strlen(id) != 16) return SAINT_OK;
    return put_attempt(r, id, name, o, err);
}

saint_status sweep_rows_end(sweep_rows *r, const char *name, const cJSON *o, saint_error *err)
{
    char ended[32];
    sqlite3_stmt *q = r->q[Q_END];
    utc(number_of(o, "ended", 0), ended);
    sweep_db_bind(q, "tit", ended, whole(number_of(o, "exit", -1)), name);
    return sweep_db_step(r->db, q, err);
}

saint_status sweep_rows_stopped(sweep_rows *r, uint64_t trial, const cJSON *o, saint_error *err)
{
    int ordinal = sweep_rows_trial(r, trial);
    char note[160];
    sqlite3_stmt *q = r->q[Q_STOPPED];
    if (ordinal < 0) return SAINT_OK;
    snprintf(note, sizeof note, "stopped after %.0f samples: loses %.4f, at least %.4f", number_of(o, "n", 0), -number_of(o, "diff", 0),
             -number_of(o, "high", 0));
    sqlite3_bind_int(q, 1, ordinal + 1);
    text(q, 2, note);
    return sweep_db_step(r->db, q, err);
}

/* ---- records ------------------------------------------------------------------------------------------------------ */

/* What must be equal when a unit is run twice. */
static bool same_output(sqlite3_stmt *q, const eval_result *x, const void *sites)
{
    const char *output = (const char *)sqlite3_column_text(q, 2);
    size_t ids = (size_t)x->n_ids * sizeof *x->ids, kept = (size_t)x->n_sites * sizeof x->site[0];
    if (strcmp(output ? output : "", x->output ? x->output : "") != 0 || (size_t)sqlite3_column_bytes(q, 3) != ids ||
        (size_t)sqlite3_column_bytes(q, 4) != kept)
        return false;
    return (!ids || memcmp(sqlite3_column_blob(q, 3), x->ids, ids) == 0) && (!kept || memcmp(sqlite3_column_blob(q, 4), sites, kept) == 0);
}

/* Whether the record is to be stored. */
static saint_status compare(sweep_rows *r, const char *name, const sweep_head *h, int ordinal, const eval_result *x, bool *store,
                            saint_error *err)
{
    sqlite3_stmt *q = r->q[Q_FIND];
    saint_status s = SAINT_OK;
    bool differs = false;
    *store = true;
    sqlite3_bind_int(q, 1, ordinal + 1);
    sqlite3_bind_int64(q, 2, x->sample);
    sqlite3_bind_int64(q, 3, x->repeat);
    int rc = sqlite3_step(q);
    if (rc == SQLITE_ROW) {
        bool had = strcmp((const char *)sqlite3_column_text(q, 0), "ok") == 0, has = x->state == EVAL_OK;
        *store = has ? !had : !had && h->try > sqlite3_column_int(q, 1);
        differs = had && has && !same_output(q, x, x->site);
    } else if (rc != SQLITE_DONE) {
        s = sweep_db_error(r->db, err);
    }
    sqlite3_reset(q);
    if (s == SAINT_OK && differs) {
        char msg[160];
        snprintf(msg, sizeof msg, "trial %d, sample %" PRIu32 ", repeat %" PRIu32 ": another output than before; the first is kept",
                 ordinal, x->sample, x->repeat);
        s = sweep_rows_event(r, name, "NONDETERMINISM", msg, err);
    }
    return s;
}

static void bind_state(sqlite3_stmt *q, const sweep_rows *r, const eval_result *x, int ordinal, int try)
{
    static const char *const state[] = {"ok", "error", "oom"};
    char key[65], config[65], number[16], attempt[17];
    const char *uid = r->data ? saint_dataset_uid(r->data, x->sample) : number; /* keys stay apart when the data set is gone */
    saint_digest_hex(&r->plan->trial[ordinal].digest, config);
    snprintf(number, sizeof number, "#%" PRIu32, x->sample);
    snprintf(attempt, sizeof attempt, "%016" PRIx64, x->attempt);
    sweep_unit_key(r->plan->model_sha256, config, r->plan->data_sha256, uid, x->repeat, r->plan->numerics, key);
    sqlite3_bind_int(q, 1, ordinal + 1);
    sqlite3_bind_int64(q, 2, x->sample);
    sqlite3_bind_int64(q, 3, x->repeat);
    text(q, 4, key);
    text(q, 5, attempt);
    sqlite3_bind_int(q, 6, try);
    text(q, 7, state[x->state]);
    text(q, 8, x->error);
    text(q, 9, x->output);
    sqlite3_bind_blob(q, 10, x->n_ids ? (const void *)x->ids : "", (int)((size_t)x->n_ids * sizeof *x->ids), SQLITE_TRANSIENT);
}

static void bind_score(sqlite3_stmt *q, const sweep_rows *r, const eval_result *x)
{
    saint_verdict v;
    char *parsed = NULL;
    sqlite3_bind_null(q, 11);
    sqlite3_bind_null(q, 12);
    if (!r->data || x->state != EVAL_OK || !x->output) return;
    if (saint_score_answer(r->data, x->sample, x->output, r->plan->parser, &v, &parsed, NULL) != SAINT_OK) return;
    text(q, 11, parsed);
    real(q, 12, v.score);
    free(parsed);
}

static void nanoseconds(sqlite3_stmt *q, int i, double seconds) { sqlite3_bind_int64(q, i, llround(seconds * 1e9)); }

static void bind_numbers(sqlite3_stmt *q, const eval_result *x)
{
    char finished[32];
    real(q, 13, (double)x->margin);
    sqlite3_bind_int(q, 14, x->text);
    sqlite3_bind_int(q, 15, x->vit_in);
    sqlite3_bind_int(q, 16, x->vit_out);
    sqlite3_bind_int(q, 17, x->llm_in);
    sqlite3_bind_int(q, 18, x->llm_out);
    sqlite3_bind_blob(q, 19, x->site, (int)((size_t)x->n_sites * sizeof x->site[0]), SQLITE_TRANSIENT);
    sqlite3_bind_int(q, 20, x->n_ids);
    text(q, 21, x->stop);
    real(q, 22, x->flops_vit);
    real(q, 23, x->flops_projector);
    real(q, 24, x->flops_prefill);
    real(q, 25, x->flops_decode);
    sqlite3_bind_int64(q, 26, (sqlite3_int64)x->kv_bytes);
    nanoseconds(q, 27, x->s_load);
    nanoseconds(q, 28, x->s_preprocess);
    nanoseconds(q, 29, x->s_vit);
    nanoseconds(q, 30, x->s_selection);
    nanoseconds(q, 31, x->s_projector);
    nanoseconds(q, 32, x->s_prefill);
    nanoseconds(q, 33, x->s_decode);
    nanoseconds(q, 34, x->s_total);
    sqlite3_bind_int(q, 35, x->timing_valid);
    utc(x->finished, finished);
    text(q, 36, finished);
    real(q, 37, x->finished);
    real(q, 38, (double)x->kl);
    sqlite3_bind_int(q, 39, x->diverged);
    real(q, 40, x->equivalent);
    real(q, 41, x->reused);
    sqlite3_bind_int(q, 43, x->vit_layers); /* 42 is seq */
    sqlite3_bind_int(q, 44, x->llm_layers);
    nanoseconds(q, 45, x->s_wall);
    sqlite3_bind_int(q, 46, (int)x->company);
    sqlite3_bind_int64(q, 47, (sqlite3_int64)x->peak_rss);
    sqlite3_bind_int64(q, 48, (sqlite3_int64)x->peak_device);
    nanoseconds(q, 49, eval_result_ttft(x));
    real(q, 50, (double)x->loss);
}

/* A journal whose first line is torn has no attempt: a row that knows its number only. */
static saint_status need_attempt(sweep_rows *r, uint64_t id, const char *name, saint_error *err)
{
    char query[96], hex[17];
    snprintf(hex, sizeof hex, "%016" PRIx64, id);
    snprintf(query, sizeof query, "SELECT count(*) FROM attempt WHERE attempt_id = '%s'", hex);
    if (id == r->attempt) return SAINT_OK;
    r->attempt = id;
    if (sweep_db_number(r->db, query, 0) > 0) return SAINT_OK;
    cJSON *o = cJSON_CreateObject();
    saint_status s = o ? put_attempt(r, hex, name, o, err) : saint_fail(err, SAINT_MEMORY, "no memory for a sweep of this size");
    cJSON_Delete(o);
    return s;
}

saint_status sweep_rows_record(sweep_rows *r, const char *name, const sweep_head *h, const cJSON *o, saint_error *err)
{
    bool store = false;
    int ordinal = sweep_rows_trial(r, h->trial);
    eval_result *x = malloc(sizeof *x);
    if (!x) return saint_fail(err, SAINT_MEMORY, "no memory for a record");
    saint_error inner = {0};
    saint_status s = eval_result_parse(o, x, &inner);
    if (s != SAINT_OK) {
        free(x);
        return s == SAINT_MEMORY ? saint_fail(err, s, "%s", inner.text) : sweep_rows_event(r, name, "UNREADABLE", inner.text, err);
    }
    if (x->trial != h->trial || x->sample != h->sample || x->repeat != h->repeat || x->sample >= r->plan->n_samples)
        s = sweep_rows_event(r, name, "UNREADABLE", "the head of a line and its record disagree", err);
    else s = compare(r, name, h, ordinal, x, &store, err);
    if (s == SAINT_OK && store) s = need_attempt(r, x->attempt, name, err);
    if (s == SAINT_OK && store) {
        sqlite3_stmt *q = r->q[Q_RECORD];
        bind_state(q, r, x, ordinal, h->try);
        bind_score(q, r, x);
        bind_numbers(q, x);
        sqlite3_bind_int64(q, 42, ++r->seq);
        s = sweep_db_step(r->db, q, err);
        sqlite3_clear_bindings(q);
    }
    eval_result_free(x);
    free(x);
    return s;
}
