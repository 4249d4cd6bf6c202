/* Result files of lmms-eval and of MME: what was answered can be read back from them, and scores what it scored. */
#define _GNU_SOURCE
#include "support/data_files.h"

#include <math.h>

#include "datasets/answers.h"
#include "export/export.h"
#include "formats/json.h"
#include "support/sweep_sample.h"

static sweep_data *sweep;
static table *trials;

static void open_sample(sweep_sample_kind kind)
{
    assert_ok(sweep_sample_make(data_folder, kind, &sweep, err));
    assert_ok(table_trials(sweep, &trials, err));
}

static void close_sample(void)
{
    table_free(trials);
    sweep_sample_free(sweep);
}

static const char *trial_path(const char *folder, int ordinal, const char *file)
{
    static char path[512];
    char name[128], relative[256];
    export_folder_name(&sweep->trial[ordinal], name, sizeof name);
    snprintf(relative, sizeof relative, "%s/%s/%s", folder, name, file);
    snprintf(path, sizeof path, "%s", data_path(relative));
    return path;
}

static void set_output(int trial, size_t i, const char *text)
{
    eval_result *e = (eval_result *)(uintptr_t)sweep->trial[trial].result[i];
    free(e->output);
    e->output = strdup(text);
}

/* The answers of a trial as datasets/answers.h reads them back; normalise: what the format cannot hold became a space. */
static void compare_answers(int ordinal, const char *path, bool pairs_only, bool spaces)
{
    saint_answers a = {0};
    const sweep_trial *t = &sweep->trial[ordinal];
    assert_ok(saint_answers_load(sweep->dataset, path, NULL, &a, err));
    assert_int_equal(a.unknown.n + a.duplicate.n + a.mislabelled.n + a.otherwise.n, 0);
    for (size_t i = 0; i < sweep->n_samples; i++) {
        const eval_result *e = t->result[i], *other = t->result[i ^ 1];
        bool wanted = e && e->state == EVAL_OK && (!pairs_only || (other && other->state == EVAL_OK));
        if (wanted != (a.text[i] != NULL))
            fail_msg("ordinal %d sample %zu: %s", ordinal, i, wanted ? "its answer is missing" : "where from?");
        if (!wanted) continue;
        char want[256];
        snprintf(want, sizeof want, "%s", e->output);
        for (char *p = want; spaces && *p; p++)
            if (*p == '\t' || *p == '\n' || *p == '\r') *p = ' ';
        assert_string_equal(a.text[i], want);
    }
    saint_answers_free(sweep->dataset, &a);
}

static cJSON *load(const char *path)
{
    cJSON *c;
    assert_ok(saint_json_load(path, 1 << 20, &c, err));
    return c;
}

static const cJSON *get(const cJSON *c, const char *path)
{
    char key[128];
    for (const char *p = path; c && *p;) {
        size_t n = strcspn(p, "/");
        snprintf(key, sizeof key, "%.*s", (int)n, p);
        c = cJSON_GetObjectItemCaseSensitive(c, key);
        p += n + (p[n] == '/');
    }
    if (!c) fail_msg("the JSON has no %s", path);
    return c;
}

/* ---- lmms-eval ------------------------------------------------------------------------------------------------------------ */

static void lmms_files_hold_the_answers(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "Yes", "", "two\nlines", "\"quoted\" \\ back", "a\ttab", "first\x1fsecond\x1fthird", "\xc3\xa4 \xf0\x9f\x90\x95"};
    for (int kind = 0; kind < 2; kind++) {
        open_sample((sweep_sample_kind)kind);
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) set_output(1, i, texts[i]);
        assert_ok(export_lmms(trials, &(export_options){.timing = true}, data_path("lmms"), err));
        for (int t = 0; t < sweep->n_trials; t++)
            compare_answers(t, trial_path("lmms", t, kind ? "samples_manifest.jsonl" : "samples_scenes.jsonl"), false, false);
        close_sample();
    }
}

static void lmms_results_hold_the_scores(void **state)
{
    (void)state;
    open_sample(SWEEP_SAMPLE_SCENES);
    assert_ok(export_lmms(trials, &(export_options){.timing = false}, data_path("lmms2"), err));
    for (int t = 0; t < sweep->n_trials; t++) {
        cJSON *c = load(trial_path("lmms2", t, "results.json"));
        const eval_summary *m = &sweep->trial[t].summary;
        assert_true(get(c, "results/scenes/accuracy,none")->valuedouble == m->main.value);
        const cJSON *se = get(c, "results/scenes/accuracy_stderr,none");
        if (isfinite(m->main.se)) assert_true(se->valuedouble == m->main.se);
        else assert_string_equal(se->valuestring, "N/A");
        assert_int_equal(get(c, "n-samples/scenes/effective")->valueint, m->n_done - m->n_error);
        assert_int_equal(get(c, "n-samples/scenes/original")->valueint, SWEEP_SAMPLE_SAMPLES);
        assert_string_equal(get(c, "config/model_args")->valuestring, sweep->trial[t].trial.config);
        assert_int_equal(strlen(get(c, "task_hashes/scenes")->valuestring), 64);
        assert_null(cJSON_GetObjectItemCaseSensitive(c, "start_time"));
        static const char *const keys[] = {"group_subtasks",       "configs",           "versions",          "n-shot",
                                           "higher_is_better",     "git_hash",          "model_source",      "model_name",
                                           "model_name_sanitized", "config/batch_size", "config/random_seed"};
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) (void)get(c, keys[i]);
        cJSON_Delete(c);
    }
    close_sample();
}

/* One line of lmms-eval 0.3 with everything in it. */
static void lmms_lines_have_its_keys(void **state)
{
    (void)state;
    open_sample(SWEEP_SAMPLE_SCENES);
    assert_ok(export_lmms(trials, &(export_options){.timing = true}, data_path("lmms3"), err));
    char *text, *end;
    size_t n;
    assert_ok(saint_file_read(trial_path("lmms3", 2, "samples_scenes.jsonl"), 1 << 20, &text, &n, err));
    end = strchr(text, '\n');
    cJSON *c;
    assert_ok(saint_json_parse(text, (size_t)(end - text), 1 << 20, "line", &c, err));
    static const char *const keys[] = {"doc_id", "doc/question_id", "doc/question", "doc/category", "doc/answer",  "target", "arguments/0",
                                       "resps",  "filtered_resps",  "doc_hash",     "prompt_hash",  "target_hash", "input",  "accuracy"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) (void)get(c, keys[i]);
    assert_string_equal(get(c, "resps")->child->child->valuestring, sweep->trial[2].result[0]->output);
    assert_non_null(strstr(get(c, "input")->valuestring, "Please answer yes or no."));
    cJSON_Delete(c);
    free(text);
    close_sample();
}

/* MME and POPE keep a record per metric; MME's goes to the half of the benchmark that the task is in. */
static void lmms_records_of_mme_and_pope(void **state)
{
    (void)state;
    static const struct {
        sweep_sample_kind kind;
        const char *task, *metric, *ours, *none;
    } cases[] = {{SWEEP_SAMPLE_MME, "mme", "mme_perception_score", "perception", "mme_cognition_score"},
                 {SWEEP_SAMPLE_POPE, "pope", "pope_f1_score", "f1", "accuracy"}};
    for (size_t k = 0; k < 2; k++) {
        char file[64], path[96], *text;
        size_t n, i = 0;
        open_sample(cases[k].kind);
        assert_ok(export_lmms(trials, &(export_options){.timing = true}, data_path("records"), err));
        snprintf(file, sizeof file, "samples_%s.jsonl", cases[k].task);
        compare_answers(1, trial_path("records", 1, file), false, false);
        assert_ok(saint_file_read(trial_path("records", 1, file), 1 << 20, &text, &n, err));
        for (char *p = text, *end; (end = strchr(p, '\n')); p = end + 1, i++) {
            cJSON *c;
            saint_verdict v;
            assert_ok(saint_json_parse(p, (size_t)(end - p), 1 << 20, "line", &c, err));
            const cJSON *record = get(c, cases[k].metric);
            assert_ok(saint_score_answer(sweep->dataset, i, sweep->trial[1].result[i]->output, sweep->parser, &v, NULL, err));
            assert_true(get(record, "score")->valuedouble == v.score);
            (void)get(record, k ? "prediction" : "category");
            (void)get(record, "question_id");
            assert_null(cJSON_GetObjectItemCaseSensitive(c, cases[k].none));
            cJSON_Delete(c);
        }
        assert_int_equal(i, SWEEP_SAMPLE_SAMPLES);
        free(text);
        cJSON *c = load(trial_path("records", 1, "results.json"));
        snprintf(path, sizeof path, "results/%s/%s,none", cases[k].task, cases[k].metric);
        assert_true(get(c, path)->valuedouble == saint_score_metric(&sweep->trial[1].summary.score.all, cases[k].ours)->v.value);
        snprintf(path, sizeof path, "results/%s/%s_stderr,none", cases[k].task, cases[k].metric);
        assert_string_equal(get(c, path)->valuestring, "N/A");
        if (k) { /* of the labels, as it has it, not of the answers */
            const saint_slice *all = &sweep->trial[1].summary.score.all;
            double share = get(c, "results/pope/pope_yes_ratio,none")->valuedouble;
            assert_true(share == saint_score_metric(all, "lmms_yes_ratio")->v.value && share != saint_score_metric(all, "yes_ratio")->v.value);
        }
        cJSON_Delete(c);
        table_cell main = table_get(trials, 1, table_find(trials, "metric"));
        assert_true(main.number == sweep->trial[1].summary.main.value);
        assert_string_equal(table_column_at(trials, table_find(trials, "metric"))->unit, k ? "share" : "points");
        close_sample();
    }
}

/* ---- MME ------------------------------------------------------------------------------------------------------------------ */

static void mme_files_hold_whole_pictures(void **state)
{
    (void)state;
    size_t lost;
    open_sample(SWEEP_SAMPLE_SCENES);
    set_output(2, 4, "Yes\tit\nis");
    assert_ok(export_mme(trials, &(export_options){.timing = true}, data_path("mme"), &lost, err));
    assert_int_equal(lost, 1); /* ordinal 3 failed on one question of a picture */
    for (int t = 0; t < sweep->n_trials; t++) compare_answers(t, trial_path("mme", t, ""), true, true);
    /* two lines to a picture, four columns to a line */
    char *text;
    size_t n;
    assert_ok(saint_file_read(trial_path("mme", 0, "color.txt"), 1 << 20, &text, &n, err));
    int lines = 0;
    for (char *p = text, *q; (q = strchr(p, '\n')); p = q + 1, lines++) {
        int tabs = 0;
        for (char *x = p; x < q; x++) tabs += *x == '\t';
        assert_int_equal(tabs, 3);
        char name[24];
        snprintf(name, sizeof name, "%04d.jpg\t", lines / 2 + 1);
        assert_memory_equal(p, name, strlen(name));
    }
    assert_int_equal(lines, 8);
    free(text);
    close_sample();
}

static void mme_wants_its_own_layout(void **state)
{
    (void)state;
    saint_error e = {0};
    open_sample(SWEEP_SAMPLE_MANIFEST);
    assert_int_equal(export_mme(trials, &(export_options){.timing = true}, data_path("none"), NULL, &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, "found manifest"));
    saint_dataset *d = sweep->dataset;
    sweep->dataset = NULL;
    assert_int_equal(export_mme(trials, &(export_options){.timing = true}, data_path("none"), NULL, &e), SAINT_IO);
    assert_int_equal(export_lmms(trials, &(export_options){.timing = true}, data_path("none"), &e), SAINT_IO);
    sweep->dataset = d;
    close_sample();
}

/* ---- both ----------------------------------------------------------------------------------------------------------------- */

static void folders_have_plain_names(void **state)
{
    (void)state;
    static const char *const names[][2] = {{"keep_num=96 saint_threshold=0.8", "003-keep_num=96_saint_threshold=0.8"},
                                           {"", "003"},
                                           {"../../etc", "003-..-..-etc"},
                                           {"a/b\\c\n`x`", "003-a_b_c_x"},
                                           {"  ", "003"},
                                           {"\xc3\xa4", "003"}};
    open_sample(SWEEP_SAMPLE_SCENES);
    char *own = sweep->trial[3].trial.name, out[128], small[8], text[600];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(text, sizeof text, "%s", names[i][0]);
        sweep->trial[3].trial.name = text;
        export_folder_name(&sweep->trial[3], out, sizeof out);
        if (strcmp(names[i][0], "../../etc") != 0) assert_string_equal(out, names[i][1]);
        assert_null(strchr(out, '/'));
        export_folder_name(&sweep->trial[3], small, sizeof small);
        assert_true(strlen(small) < sizeof small);
    }
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    export_folder_name(&sweep->trial[3], out, sizeof out);
    assert_true(strlen(out) < 100);
    sweep->trial[3].trial.name = own;
    close_sample();
}

static void only_the_rows_that_pass(void **state)
{
    (void)state;
    filter *f;
    struct stat st;
    open_sample(SWEEP_SAMPLE_SCENES);
    assert_ok(filter_parse("ordinal==4", trials, &f, err));
    assert_ok(export_lmms(trials, &(export_options){.where = f}, data_path("one"), err));
    assert_ok(export_mme(trials, &(export_options){.where = f}, data_path("one"), NULL, err));
    for (int t = 0; t < sweep->n_trials; t++) assert_int_equal(t == 4, stat(trial_path("one", t, ""), &st) == 0);
    filter_free(f);
    saint_error e = {0};
    data_write("a-file", "");
    assert_int_equal(export_lmms(trials, &(export_options){.timing = true}, data_path("a-file"), &e), SAINT_IO);
    assert_non_null(strstr(e.text, "a-file"));
    close_sample();
}

/* ---- servers -------------------------------------------------------------------------------------------------------------- */

static char *as_vqav2(int i)
{
    char *t;
    return asprintf(&t, "%s{\"question_id\": %d, \"image_id\": 1, \"question\": \"Is it?\"}", i ? ", " : "", 500 + i) < 0 ? NULL : t;
}

static char *as_vizwiz(int i)
{
    char *t;
    return asprintf(&t, "%s{\"image\": \"v%02d.jpg\", \"question\": \"Is it?\"}", i ? ", " : "", i) < 0 ? NULL : t;
}

static char *as_gqa(int i)
{
    char *t;
    return asprintf(&t, "%s\"%03d\": {\"imageId\": \"7\", \"question\": \"Is it?\"}", i ? ", " : "", i) < 0 ? NULL : t;
}

static char *as_mmbench(int i)
{
    char *t;
    return asprintf(&t, "%d\t\"Is it \"\"a\"\"\nor b?\"\ta\tb\n", i) < 0 ? NULL : t;
}

/* What a server takes holds every answer under the id it knows, and is read back as what was answered. */
static void servers_get_their_files(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *file, *begin, *end, *submission, *has, *options;
        char *(*row)(int i);
    } sets[] = {
        {"vqav2", "server/v2_OpenEnded_mscoco_test-dev2015_questions.json", "{\"questions\": [", "]}", "vqav2_submission.json",
         "{\"question_id\": 500, \"answer\": ", "test-dev2015", as_vqav2},
        {"vizwiz", "server/Annotations/test.json", "[", "]", "vizwiz_submission.json", "{\"image\": \"v00.jpg\", \"answer\": ", "test", as_vizwiz},
        {"gqa", "server/submission_all_questions.json", "{", "}", "gqa_submission.json", "{\"questionId\": \"000\", \"prediction\": ",
         "submission_all", as_gqa},
        {"mmbench", "server/t.tsv", "index\tquestion\tA\tB\n", "", "mmbench_submission.tsv", "index\tquestion\tA\tB\tC\tD\tE\tprediction\n0\t\"Is", NULL,
         as_mmbench}};
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
        char text[8192], name[512], *file;
        size_t n = 0, left_out;
        n += (size_t)snprintf(text, sizeof text, "%s", sets[k].begin);
        for (int i = 0; i < SWEEP_SAMPLE_SAMPLES; i++) {
            char *row = sets[k].row(i);
            n += (size_t)snprintf(text + n, sizeof text - n, "%s", row);
            free(row);
        }
        (void)snprintf(text + n, sizeof text - n, "%s", sets[k].end);
        data_write(sets[k].file, text);
        open_sample(SWEEP_SAMPLE_POPE);
        saint_dataset_close(sweep->dataset);
        snprintf(name, sizeof name, "%s:%s", sets[k].kind, data_path(k == 3 ? sets[k].file : "server"));
        assert_ok(saint_dataset_open(name, &(saint_dataset_options){.split = sets[k].options}, &sweep->dataset, err));
        assert_int_equal(saint_dataset_count(sweep->dataset), SWEEP_SAMPLE_SAMPLES);
        for (size_t i = 0; i < SWEEP_SAMPLE_SAMPLES; i++) set_output(1, i, i % 3 ? "red car" : "no \"way\"");
        if (k == 1)
            for (size_t i = 0; i < SWEEP_SAMPLE_SAMPLES; i += 3) set_output(1, i, "4 dogs"); /* as its processor leaves it */
        assert_ok(export_submission(trials, &(export_options){.timing = true}, data_path("sub"), &left_out, err));
        assert_true(left_out > 0); /* one failed, one has run half */
        snprintf(name, sizeof name, "%s", trial_path("sub", 1, sets[k].submission));
        compare_answers(1, name, false, false);
        assert_ok(saint_file_read(name, 1 << 20, &file, &n, err));
        if (!strstr(file, sets[k].has)) fail_msg("%s is not in %s", sets[k].has, file);
        free(file);
        if (k == 1) { /* normalised */
            set_output(1, 0, "The Two Dogs.");
            assert_ok(export_submission(trials, &(export_options){.timing = true}, data_path("sub"), NULL, err));
            assert_ok(saint_file_read(name, 1 << 20, &file, &n, err));
            assert_non_null(strstr(file, "\"answer\": \"2 dogs\""));
            free(file);
        }
        close_sample();
    }
    open_sample(SWEEP_SAMPLE_MANIFEST);
    saint_error e = {0};
    assert_int_equal(export_submission(trials, &(export_options){.timing = true}, data_path("sub"), NULL, &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, "found manifest"));
    close_sample();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lmms_files_hold_the_answers),   cmocka_unit_test(lmms_results_hold_the_scores),
        cmocka_unit_test(lmms_lines_have_its_keys),      cmocka_unit_test(lmms_records_of_mme_and_pope),
        cmocka_unit_test(mme_files_hold_whole_pictures), cmocka_unit_test(mme_wants_its_own_layout),
        cmocka_unit_test(servers_get_their_files),       cmocka_unit_test(folders_have_plain_names),      cmocka_unit_test(only_the_rows_that_pass),
    };
    return cmocka_run_group_tests_name("export folders", tests, data_make, data_remove);
}
