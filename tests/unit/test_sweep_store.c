/* Journals into SQLite and out again: nothing lost, nothing twice, whatever was merged when and by whom. */
#define _GNU_SOURCE
#include "support/sweep_files.h"

#include <math.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "export/table.h"
#include "sweep/folder.h"
#include "sweep/journal.h"
#include "sweep/store.h"
#include "version.h"

static const sweep_rank alone = {.world = 1, .local_rank = -1, .launcher = "none"};

static char folder[128];
static sweep_plan plan;

static int begin(void **state)
{
    if (sweep_begin(state) != 0) return -1;
    saint_error e = {0};
    snprintf(folder, sizeof folder, "%s", sweep_path("s"));
    plan = sweep_plan_of("{" SWEEP_BASE ", \"parameters\": {\"saint_threshold\": [0.6, 0.8]}, \"limit\": 6, \"repeat\": 1}");
    return sweep_plan_commit(&plan, folder, &e) == SAINT_OK ? 0 : -1;
}

static int end(void **state)
{
    sweep_plan_free(&plan);
    return sweep_end(state);
}

static sweep_journal *journal(void)
{
    static char *argv[] = {"saint", "sweep"};
    sweep_journal *j;
    const sweep_launch l = {.plan = plan.id,
                            .rank = &alone,
                            .dtype = "f32",
                            .backend = "cpu",
                            .device = "cpu",
                            .driver = "",
                            .kernels = "avx2",
                            .threads = 2,
                            .argc = 2,
                            .argv = argv};
    assert_ok(sweep_journal_open(&j, folder, &l, err));
    return j;
}

/* A record of which every field says which unit it is. */
static eval_result record(sweep_journal *j, int trial, uint32_t sample)
{
    static char yes[] = "Yes", no[] = "No, \"never\"\n\xc3\xa9";
    static int32_t ids[] = {7, 8, 9};
    double x = 1 + trial + 0.01 * sample;
    eval_result r = {.trial = plan.trial[trial].id,
                     .sample = sample,
                     .output = sample % 2 ? no : yes,
                     .ids = ids,
                     .n_ids = 1 + (int)sample % 3,
                     .stop = "eos",
                     .margin = 0.1f * (float)x,
                     .kl = 0.01f * (float)x,
                     .loss = sample % 2 ? NAN : 0.3f * (float)x,
                     .diverged = (int)sample - 1,
                     .text = 12,
                     .vit_in = 64,
                     .vit_out = 60,
                     .llm_in = 60,
                     .llm_out = 30 + trial,
                     .equivalent = 40.5 + x,
                     .n_sites = 2,
                     .flops_vit = 1e9 * x,
                     .flops_projector = 1e6 * x,
                     .flops_prefill = 2e9 * x,
                     .flops_decode = 1e7 * x,
                     .kv_bytes = 123456 + (uint64_t)sample,
                     .s_load = 0.001,
                     .s_preprocess = 0.002,
                     .s_vit = 0.003 * x,
                     .s_selection = 0.0001,
                     .s_projector = 0.0002,
                     .s_prefill = 0.004,
                     .s_decode = 0.005,
                     .s_total = 0.0143,
                     .reused = 0.5,
                     .vit_layers = 3,
                     .llm_layers = 4,
                     .s_wall = 0.02,
                     .peak_rss = 1000000 + sample,
                     .peak_device = 2000000 + sample,
                     .company = sample == 2 ? EVAL_WITH_OTHERS : EVAL_ALONE,
                     .timing_valid = sample != 2,
                     .attempt = sweep_journal_attempt(j),
                     .finished = 1.8e9 + x};
    for (int i = 0; i < 2; i++) {
        r.site[i].stage = (int16_t)(i ? SAINT_STAGE_LLM : SAINT_STAGE_VIT);
        r.site[i].layer = (int16_t)(i + trial);
        r.site[i].n_out = 20 + (int32_t)sample;
    }
    return r;
}

static void write_record(sweep_journal *j, int trial, uint32_t sample)
{
    eval_result r = record(j, trial, sample);
    assert_ok(sweep_journal_record(j, &r, 1, err));
}

static void write_failure(sweep_journal *j, int trial, uint32_t sample, int try)
{
    static char why[] = "x.png: cannot be opened";
    eval_result r = {.trial = plan.trial[trial].id,
                     .sample = sample,
                     .state = EVAL_ERROR,
                     .error = why,
                     .diverged = -2,
                     .margin = NAN,
                     .kl = NAN,
                     .attempt = sweep_journal_attempt(j)};
    assert_ok(sweep_journal_record(j, &r, try, err));
}

static void write_all(sweep_journal *j)
{
    for (uint32_t s = 0; s < 6; s++)
        for (int t = 0; t < plan.n_trials; t++) write_record(j, t, s);
}

static sweep_data *load(void)
{
    sweep_data *d;
    assert_ok(sweep_load(folder, true, &d, err));
    return d;
}

static double number(const char *query)
{
    sqlite3 *db;
    sqlite3_stmt *q;
    char path[192];
    snprintf(path, sizeof path, "%s/sweep.db", folder);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    if (sqlite3_prepare_v2(db, query, -1, &q, NULL) != SQLITE_OK) fail_msg("%s", sqlite3_errmsg(db));
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    double x = sqlite3_column_double(q, 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
    return x;
}

/* ---- round trip -------------------------------------------------------------------------------------------------- */

static void same_record(const eval_result *a, const eval_result *b)
{
    assert_string_equal(a->output, b->output);
    assert_int_equal(a->n_ids, b->n_ids);
    assert_memory_equal(a->ids, b->ids, (size_t)a->n_ids * sizeof *a->ids);
    assert_string_equal(a->stop, b->stop);
    assert_int_equal(a->n_sites, b->n_sites);
    for (int i = 0; i < a->n_sites; i++) {
        assert_int_equal(a->site[i].stage, b->site[i].stage);
        assert_int_equal(a->site[i].layer, b->site[i].layer);
        assert_int_equal(a->site[i].n_out, b->site[i].n_out);
    }
#define SAME(field)                                                                                                                        \
    if (memcmp(&a->field, &b->field, sizeof a->field) != 0) fail_msg(#field " differs")
    SAME(trial);
    SAME(sample);
    SAME(repeat);
    SAME(state);
    SAME(margin);
    SAME(kl);
    assert_true(isnan(a->loss) ? isnan(b->loss) : a->loss == b->loss);
    SAME(diverged);
    SAME(text);
    SAME(vit_in);
    SAME(vit_out);
    SAME(llm_in);
    SAME(llm_out);
    SAME(equivalent);
    SAME(flops_vit);
    SAME(flops_projector);
    SAME(flops_prefill);
    SAME(flops_decode);
    SAME(kv_bytes);
    SAME(reused);
    SAME(timing_valid);
    SAME(company);
    SAME(vit_layers);
    SAME(llm_layers);
    SAME(s_wall);
    SAME(peak_rss);
    SAME(peak_device);
    SAME(attempt);
    SAME(finished);
    SAME(s_load);
    SAME(s_preprocess);
    SAME(s_selection);
    SAME(s_projector);
    SAME(s_prefill);
    SAME(s_decode);
    SAME(s_total);
    assert_true(fabs(a->s_vit - b->s_vit) <= 0.5e-9); /* whole nanoseconds */
#undef SAME
}

static void what_is_recorded_comes_back(void **state)
{
    (void)state;
    sweep_journal *j = journal();
    write_all(j);
    sweep_data *d = load();
    assert_string_equal(d->id, plan.id);
    assert_int_equal(d->n_trials, 5);
    assert_int_equal(d->baseline, 0);
    assert_int_equal(d->n_wanted, 6);
    assert_int_equal(d->units, 30);
    assert_int_equal(d->done, 30);
    assert_int_equal(d->errors + d->torn + d->conflicts, 0);
    assert_true(d->complete);
    assert_non_null(d->dataset);
    assert_int_equal(d->axes.n_params, 1);
    assert_string_equal(d->trial[3].value[0], "0.8");
    assert_string_equal(d->trial[0].value[0], "");
    assert_int_equal(d->trial[4].trial.twin_of, 3);
    for (int t = 0; t < 5; t++) {
        assert_string_equal(d->trial[t].state, "complete");
        assert_int_equal(d->trial[t].summary.n_done, 6);
        for (uint32_t s = 0; s < 6; s++) {
            eval_result r = record(j, t, s);
            assert_non_null(d->trial[t].result[s]);
            same_record(&r, d->trial[t].result[s]);
        }
        assert_null(d->trial[t].result[6]);
    }
    assert_string_equal(d->trial[1].summary.main_name, "accuracy");
    assert_true(d->trial[0].pareto_flops || d->trial[1].pareto_flops);
    assert_int_equal(d->n_attempts, 1);
    assert_true(d->attempt[0].id == sweep_journal_attempt(j));
    assert_string_equal(d->attempt[0].kernels, "avx2");
    assert_int_equal(d->attempt[0].threads, 2);
    assert_string_equal(d->attempt[0].build, saint_build_flags);
    assert_int_equal(d->attempt[0].dirty, saint_dirty);
    assert_int_equal(strlen(d->attempt[0].fingerprint), 64);
    sweep_free(d);
    assert_ok(sweep_journal_close(j, 0, err));
    d = load();
    sweep_free(d);
    assert_true(number("SELECT count(*) FROM attempt WHERE exit_code = 0") == 1);
    assert_true(number("SELECT count(*) FROM sample") == SWEEP_SET_SAMPLES);
    assert_true(number("SELECT count(*) FROM result JOIN trial USING (trial_id) WHERE score IN (0, 1) AND parsed IN ('yes', 'no')") == 30);
    assert_true(number("SELECT num FROM trial_param JOIN trial USING (trial_id) WHERE ordinal = 3") == 0.8);
    assert_true(number("PRAGMA application_id") == 1396787540);
    assert_true(number("SELECT count(*) FROM model WHERE format = 'safetensors'") == 1);
    assert_true(number("SELECT json_extract(config_json, '$.model_type') = 'llava' FROM model") == 1);
    sweep_free(NULL);
}

/* The table of samples and the database call a unit the same. */
static void a_unit_has_one_key_everywhere(void **state)
{
    (void)state;
    sweep_journal *j = journal();
    for (int t = 0; t < 5; t++)
        for (uint32_t s = 0; s < 6; s++) write_record(j, t, s);
    assert_ok(sweep_journal_close(j, 0, err));
    sweep_data *d = load();
    table *t;
    assert_string_equal(d->method, "grid");
    assert_ok(table_samples(d, &t, err));
    assert_int_equal(table_rows(t), 30);
    for (size_t row = 0; row < 30; row++) {
        char query[200];
        snprintf(query, sizeof query, "SELECT count(*) FROM result WHERE unit_key = '%s' AND trial_id = %d AND t_ttft_ns > 0",
                 table_get(t, row, table_find(t, "unit_key")).text, table_trial_of(t, row) + 1);
        assert_true(number(query) == 1);
    }
    table_free(t);
    sweep_free(d);
    /* what else decides an output is part of it */
    char key[2][65];
    sweep_unit_key("m", "c", "d", "u", 0, "1 f32 cpu", key[0]);
    sweep_unit_key("m", "c", "d", "u", 0, "1 bf16 cpu", key[1]);
    assert_string_not_equal(key[0], key[1]);
    sweep_unit_key("m", "c", "d", "u", 1, "1 f32 cpu", key[1]);
    assert_string_not_equal(key[0], key[1]);
}

static void a_sweep_that_has_not_begun_can_be_read(void **state)
{
    (void)state;
    sweep_data *d = load();
    assert_false(d->complete);
    assert_int_equal(d->done, 0);
    assert_string_equal(d->trial[1].state, "planned");
    sweep_free(d);
}

/* Journals and databases of a version that recorded less. */
static void what_was_not_recorded_is_not_invented(void **state)
{
    (void)state;
    char path[400], command[512];
    sweep_journal *j = journal();
    write_all(j);
    assert_ok(sweep_journal_close(j, 0, err));
    sweep_free(load());
    /* lines without the newer keys, sealed again */
    snprintf(path, sizeof path, "%s/journal", folder);
    snprintf(command, sizeof command, "ls %s/*.jsonl", path);
    FILE *ls = popen(command, "r");
    assert_non_null(ls);
    assert_non_null(fgets(path, sizeof path, ls));
    assert_int_equal(pclose(ls), 0);
    path[strcspn(path, "\n")] = 0;
    char *text, *object;
    size_t n, at = 0, m;
    sweep_line line;
    assert_ok(saint_file_read(path, 1 << 24, &text, &n, err));
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    while (sweep_line_next(text, n, &at, &line)) {
        static const char *const newer[] = {"vit_layers", "llm_layers", "t_wall_s", "peak_rss", "peak_dev_mem", "timing_shared_with", "build", "dirty"};
        assert_true(asprintf(&object, "%.*s}", (int)line.n, line.text) > 0);
        cJSON *o = cJSON_Parse(object), *rec = cJSON_GetObjectItem(o, "rec");
        free(object);
        for (size_t i = 0; i < sizeof newer / sizeof *newer; i++) cJSON_DeleteItemFromObject(rec, newer[i]);
        char *shorter = cJSON_PrintUnformatted(o), *sealed = sweep_line_seal(shorter, &m);
        assert_int_equal(fwrite(sealed, 1, m, f), m);
        free(sealed);
        cJSON_free(shorter);
        cJSON_Delete(o);
    }
    free(text);
    assert_int_equal(fclose(f), 0);
    /* and the database of that version is made anew, not read */
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/sweep.db", folder);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 1", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    sweep_data *d = load();
    assert_true(d->complete);
    assert_int_equal(d->done, 30);
    assert_int_equal(d->torn + d->conflicts, 0);
    const eval_result *r = d->trial[1].result[2];
    assert_true(r->vit_layers == 0 && r->peak_rss == 0 && r->s_wall == 0 && r->company == EVAL_ALONE && !r->timing_valid);
    assert_int_equal(d->attempt[0].dirty, -1);
    assert_string_equal(d->attempt[0].build, "");
    sweep_free(d);
}

/* ---- merging ----------------------------------------------------------------------------------------------------- */

static void dump(char *out, size_t size)
{
    sqlite3 *db;
    sqlite3_stmt *q;
    char path[192];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/sweep.db", folder);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db,
                           "SELECT trial_id || ' ' || sample_ix || ' ' || unit_key || ' ' || status || ' ' || try_no || ' ' || output || "
                           "' ' || hex(out_ids) || hex(kept_per_layer) || t_total_ns FROM result ORDER BY trial_id, sample_ix",
                           -1, &q, NULL),
        SQLITE_OK);
    while (sqlite3_step(q) == SQLITE_ROW) n += (size_t)snprintf(out + n, size - n, "%s\n", (const char *)sqlite3_column_text(q, 0));
    assert_true(n < size);
    sqlite3_finalize(q);
    sqlite3_close(db);
}

static void merging_is_the_same_at_once_and_in_pieces(void **state)
{
    (void)state;
    static char pieces[1 << 16], once[1 << 16];
    sweep_journal *j[3] = {journal(), journal(), journal()};
    int n = 0;
    for (uint32_t s = 0; s < 6; s++)
        for (int t = 0; t < plan.n_trials; t++) {
            write_record(j[n % 3], t, s);
            if (n++ % 4 == 0) sweep_free(load());
        }
    for (int i = 0; i < 3; i++) assert_ok(sweep_journal_close(j[i], 0, err));
    sweep_free(load());
    sweep_free(load());
    dump(pieces, sizeof pieces);
    assert_true(number("SELECT count(*) FROM result") == 30);
    char command[256];
    snprintf(command, sizeof command, "rm %s/sweep.db*", folder);
    assert_int_equal(system(command), 0);
    sweep_free(load());
    dump(once, sizeof once);
    assert_string_equal(pieces, once);
}

static void a_damaged_database_is_made_again(void **state)
{
    (void)state;
    char path[400];
    sweep_journal *j = journal();
    write_all(j);
    assert_ok(sweep_journal_close(j, 0, err));
    sweep_free(load());
    snprintf(path, sizeof path, "rm -f %s/sweep.db-wal %s/sweep.db-shm", folder, folder);
    assert_int_equal(system(path), 0);
    snprintf(path, sizeof path, "%s/sweep.db", folder);
    static const char *const junk[] = {
        "", "this is no database, but it is long enough to be taken for one at first sight, and then some more words", "SQLite format 3"};
    for (size_t i = 0; i < 3; i++) {
        assert_ok(saint_file_write(path, junk[i], strlen(junk[i]), err));
        sweep_data *d = load();
        assert_true(d->complete);
        sweep_free(d);
        assert_true(number("SELECT count(*) FROM result") == 30);
    }
}

static void failures_are_rows_until_they_succeed(void **state)
{
    (void)state;
    sweep_journal *j = journal();
    for (uint32_t s = 0; s < 6; s++)
        for (int t = 0; t < plan.n_trials; t++)
            if (t != 1 || s != 3) write_record(j, t, s);
    write_failure(j, 1, 3, 1);
    sweep_data *d = load();
    assert_true(d->complete); /* every unit has a record */
    assert_int_equal(d->errors, 1);
    assert_int_equal(d->trial[1].result[3]->state, EVAL_ERROR);
    assert_string_equal(d->trial[1].result[3]->error, "x.png: cannot be opened");
    assert_int_equal(d->trial[1].summary.n_error, 1);
    write_failure(j, 1, 3, 2);
    bool changed;
    assert_ok(sweep_refresh(d, true, &changed, err));
    assert_int_equal(d->errors, 1);
    assert_true(number("SELECT try_no FROM result WHERE status = 'error'") == 2);
    write_record(j, 1, 3);
    assert_ok(sweep_refresh(d, true, &changed, err));
    assert_true(changed);
    assert_int_equal(d->errors, 0);
    assert_int_equal(d->trial[1].result[3]->state, EVAL_OK);
    write_failure(j, 1, 3, 3); /* too late: a good record stays */
    assert_ok(sweep_refresh(d, true, &changed, err));
    assert_int_equal(d->errors, 0);
    assert_ok(sweep_journal_close(j, 0, err));
    sweep_free(d);
}

static void two_outputs_for_one_unit_are_told(void **state)
{
    (void)state;
    static char other[] = "Perhaps";
    sweep_journal *j = journal(), *k = journal();
    write_all(j);
    write_record(k, 2, 4); /* the same again is harmless */
    sweep_data *d = load();
    assert_int_equal(d->conflicts, 0);
    assert_int_equal(d->done, 30);
    eval_result r = record(k, 2, 4);
    r.output = other;
    assert_ok(sweep_journal_record(k, &r, 1, err));
    bool changed;
    assert_ok(sweep_refresh(d, true, &changed, err));
    assert_int_equal(d->conflicts, 1);
    assert_string_equal(d->trial[2].result[4]->output, "Yes"); /* the first is kept */
    assert_ok(sweep_journal_close(j, 0, err));
    assert_ok(sweep_journal_close(k, 0, err));
    sweep_free(d);
}

static void strange_journals_harm_nobody(void **state)
{
    (void)state;
    char path[256];
    sweep_journal *j = journal();
    write_all(j);
    assert_ok(sweep_journal_close(j, 0, err));
    snprintf(path, sizeof path, "%s/journal/strange.jsonl", folder);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    const char *const objects[] = {
        "{\"v\":1,\"k\":\"r\",\"p\":\"%.8s\",\"t\":\"ffffffffffffffff\",\"s\":1,\"n\":0,\"try\":1,\"ok\":true,\"rec\":{}}", /* no such trial
                                                                                                                             */
        "{\"v\":1,\"k\":\"r\",\"p\":\"%.8s\",\"t\":\"%016llx\",\"s\":1,\"n\":0,\"try\":1,\"ok\":true,\"rec\":{}}", /* no record in it */
        "{\"v\":1,\"k\":\"r\",\"p\":\"%.8s\",\"t\":\"%016llx\",\"s\":99,\"n\":0,\"try\":1,\"ok\":true,\"rec\":{\"trial\":3}}", /* nor here
                                                                                                                                */
        "{\"v\":1,\"k\":\"a\",\"p\":\"%.8s\",\"rec\":{\"attempt\":5}}",
        "{\"v\":1,\"k\":\"s\",\"p\":\"%.8s\",\"t\":\"ffffffffffffffff\",\"rec\":{}}",
        "{\"v\":1,\"k\":\"q\",\"p\":\"%.8s\",\"rec\":{}}",
        "{\"v\":9,\"new\":\"%.8s\"}",
    };
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        char text[512];
        size_t n;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof text, objects[i], plan.id, (unsigned long long)plan.trial[1].id);
#pragma GCC diagnostic pop
        char *line = sweep_line_seal(text, &n);
        fwrite(line, 1, n, f);
        free(line);
    }
    fputs("no JSON at all\n{\"v\":1,\"k\":\"r\"", f);
    assert_int_equal(fclose(f), 0);
    sweep_data *d = load();
    assert_true(d->complete);
    assert_int_equal(d->done, 30);
    assert_true(d->torn >= 4);
    sweep_free(d);
}

/* Four processes read while one writes: whoever gets the lock merges, and all see a prefix of what is written. */
static void many_may_read_while_one_writes(void **state)
{
    (void)state;
    pid_t pid[4];
    int how;
    for (int i = 0; i < 4; i++) {
        pid[i] = fork();
        assert_true(pid[i] >= 0);
        if (pid[i] == 0) {
            size_t last = 0;
            for (;;) {
                sweep_data *d;
                saint_error e = {0};
                if (sweep_load(folder, false, &d, &e) != SAINT_OK) {
                    fprintf(stderr, "%s\n", e.text);
                    _exit(1);
                }
                bool fine = d->done >= last && d->conflicts == 0, complete = d->complete;
                last = d->done;
                sweep_free(d);
                if (!fine) _exit(2);
                if (complete) _exit(0);
            }
        }
    }
    sweep_journal *j = journal();
    write_all(j);
    assert_ok(sweep_journal_close(j, 0, err));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(waitpid(pid[i], &how, 0), pid[i]);
        assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    }
    assert_true(number("SELECT count(*) FROM result") == 30);
}

/* ---- refresh ----------------------------------------------------------------------------------------------------- */

static void a_refresh_reads_what_is_new(void **state)
{
    (void)state;
    sweep_journal *j = journal();
    write_record(j, 0, 0);
    write_record(j, 1, 0);
    sweep_data *d = load();
    bool changed;
    const eval_result *first = d->trial[0].result[0];
    assert_string_equal(d->trial[1].state, "running");
    assert_ok(sweep_refresh(d, true, &changed, err));
    assert_false(changed);
    write_record(j, 1, 1);
    assert_ok(sweep_refresh(d, true, &changed, err));
    assert_true(changed);
    assert_int_equal(d->done, 3);
    assert_int_equal(d->trial[1].summary.n_done, 2);
    assert_ptr_equal(d->trial[0].result[0], first); /* was not read again */
    /* a new database has the rows in another order */
    char command[256];
    snprintf(command, sizeof command, "rm %s/sweep.db*", folder);
    assert_int_equal(system(command), 0);
    write_record(j, 2, 1);
    assert_ok(sweep_refresh(d, true, &changed, err));
    assert_int_equal(d->done, 4);
    assert_non_null(d->trial[0].result[0]);
    /* more was asked */
    sweep_plan more = sweep_plan_of("{" SWEEP_BASE ", \"parameters\": {\"saint_threshold\": [0.6, 0.8, 0.9]}, \"limit\": 7}");
    assert_ok(sweep_plan_commit(&more, folder, err));
    assert_ok(sweep_refresh(d, true, &changed, err));
    assert_true(changed);
    assert_int_equal(d->n_trials, 7);
    assert_int_equal(d->units, 49);
    assert_int_equal(d->done, 4);
    sweep_plan_free(&more);
    assert_ok(sweep_journal_close(j, 0, err));
    sweep_free(d);
}

static void records_of_a_trial_asked_for_meanwhile_are_not_lost(void **state)
{
    (void)state;
    sweep_data *d = load();
    sweep_plan_free(&plan);
    plan = sweep_plan_of("{" SWEEP_BASE ", \"parameters\": {\"saint_threshold\": [0.6, 0.8, 0.9]}, \"limit\": 6}");
    assert_ok(sweep_plan_commit(&plan, folder, err));
    sweep_journal *j = journal();
    write_record(j, 5, 2);
    assert_ok(sweep_journal_close(j, 0, err));
    bool changed;
    assert_ok(sweep_refresh(d, true, &changed, err));
    assert_int_equal(d->done, 1);
    assert_non_null(d->trial[5].result[2]);
    sweep_free(d);
}

/* With the data set the records themselves decide (test_sweep_claims.c); without it the journals' word is all there is. */
static void without_the_data_set_an_early_stop_is_what_journals_say(void **state)
{
    (void)state;
    char command[256];
    sweep_plan_free(&plan);
    plan = sweep_plan_of("{" SWEEP_BASE ", \"parameters\": {\"saint_threshold\": [0.6, 0.8]}, \"limit\": 6, \"early_stop\": 0.1}");
    assert_ok(sweep_plan_commit(&plan, folder, err));
    sweep_journal *j = journal();
    for (uint32_t s = 0; s < 6; s++)
        for (int t = 0; t < plan.n_trials; t++)
            if (t < 3 || s < 2) write_record(j, t, s);
    assert_ok(sweep_journal_stopped(j, plan.trial[3].id, 2, -0.5, -0.2, err));
    assert_ok(sweep_journal_stopped(j, plan.trial[4].id, 2, -0.5, -0.2, err));
    assert_ok(sweep_journal_close(j, 0, err));
    sweep_data *d = load();
    assert_string_equal(d->trial[3].state, "running"); /* three pictures judge nobody */
    assert_int_equal(d->stopped, 0);
    assert_false(d->complete);
    sweep_free(d);
    snprintf(command, sizeof command, "rm -r %s/data", sweep_home);
    assert_int_equal(system(command), 0);
    d = load();
    assert_string_equal(d->trial[3].state, "stopped");
    assert_string_equal(d->trial[3].note, "stopped after 2 samples: loses 0.5000, at least 0.2000");
    assert_string_equal(d->trial[1].state, "complete");
    assert_int_equal(d->stopped, 2);
    assert_int_equal(d->units, 22);
    assert_true(d->complete);
    sweep_free(d);
}

/* ---- where nothing can be written --------------------------------------------------------------------------------- */

static void a_folder_for_reading_only_can_be_read(void **state)
{
    (void)state;
    sweep_journal *j = journal();
    write_all(j);
    assert_ok(sweep_journal_close(j, 0, err));
    char command[512];
    snprintf(command, sizeof command, "chmod -R a+rX %s && chmod -R a-w %s", sweep_home, folder);
    assert_int_equal(system(command), 0);
    int how;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && setuid(65534) != 0) _exit(3); /* root may write anywhere */
        sweep_data *d;
        bool changed;
        saint_error e = {0};
        if (sweep_load(folder, true, &d, &e) != SAINT_OK) _exit(4);
        if (!d->complete || d->done != 30 || sweep_refresh(d, true, &changed, &e) != SAINT_OK || d->done != 30) _exit(5);
        sweep_free(d);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
    snprintf(command, sizeof command, "chmod -R u+w %s; test ! -e %s/sweep.db", folder, folder);
    assert_int_equal(system(command), 0);
}

static void without_the_data_set_there_are_still_counts(void **state)
{
    (void)state;
    char command[256];
    sweep_journal *j = journal();
    write_all(j);
    assert_ok(sweep_journal_close(j, 0, err));
    snprintf(command, sizeof command, "rm -r %s/data", sweep_home);
    assert_int_equal(system(command), 0);
    sweep_data *d = load();
    assert_null(d->dataset);
    assert_true(d->complete);
    assert_int_equal(d->trial[2].summary.n_done, 6);
    assert_true(isnan(d->trial[2].summary.main.value));
    sweep_free(d);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_is_recorded_comes_back),
        T(what_was_not_recorded_is_not_invented),
        T(a_unit_has_one_key_everywhere),
        T(a_sweep_that_has_not_begun_can_be_read),
        T(merging_is_the_same_at_once_and_in_pieces),
        T(a_damaged_database_is_made_again),
        T(failures_are_rows_until_they_succeed),
        T(two_outputs_for_one_unit_are_told),
        T(strange_journals_harm_nobody),
        T(many_may_read_while_one_writes),
        T(a_refresh_reads_what_is_new),
        T(records_of_a_trial_asked_for_meanwhile_are_not_lost),
        T(without_the_data_set_an_early_stop_is_what_journals_say),
        T(a_folder_for_reading_only_can_be_read),
        T(without_the_data_set_there_are_still_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
