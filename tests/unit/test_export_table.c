/* Tables of a sweep: every column says what it is, and holds what the records say. */
#define _GNU_SOURCE
#include "support/sweep_tables.h"

#include <math.h>

static int column(table *t, const char *name)
{
    int c = table_find(t, name);
    if (c < 0) fail_msg("no column %s", name);
    return c;
}

static double number(table *t, size_t row, const char *name)
{
    table_cell c = table_get(t, row, column(t, name));
    if (c.kind == CELL_EMPTY || c.kind == CELL_TEXT) fail_msg("row %zu of %s holds no number", row, name);
    return c.number;
}

static const char *text(table *t, size_t row, const char *name)
{
    table_cell c = table_get(t, row, column(t, name));
    if (c.kind != CELL_TEXT) fail_msg("row %zu of %s holds no text", row, name);
    return c.text;
}

static bool is_empty(table *t, size_t row, const char *name) { return table_get(t, row, column(t, name)).kind == CELL_EMPTY; }

static void every_column_is_named_once_and_explained(void **state)
{
    (void)state;
    table *const all[] = {trials, samples};
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < table_columns(all[k]); i++) {
            const table_column *c = table_column_at(all[k], i);
            assert_true(c->name[0] && c->doc[0] && c->unit);
            for (int j = 0; j < i; j++) assert_string_not_equal(c->name, table_column_at(all[k], j)->name);
            assert_int_equal(table_find(all[k], c->name), i);
            for (size_t row = 0; row < table_rows(all[k]); row++) {
                table_cell cell = table_get(all[k], row, i);
                if (cell.kind == CELL_TEXT) assert_true(cell.text[0] != 0); /* a text without characters is an empty cell */
                else assert_true(isfinite(cell.number));
            }
        }
    assert_string_equal(table_column_at(trials, 0)->name, "schema");
    assert_string_equal(table_column_at(samples, 0)->name, "schema");
    assert_null(table_column_at(trials, table_columns(trials)));
    assert_null(table_column_at(trials, -1));
}

/* The columns of `words` in this order, all others behind them; * is any number of columns that are not named. */
static void stand_in_order(const table *t, const char *words)
{
    char word[64];
    int c = 0, n = 0;
    bool any = false;
    for (const char *p = words; sscanf(p, "%63s%n", word, &n) == 1; p += n) {
        if (strcmp(word, "*") == 0) {
            any = true;
            continue;
        }
        while (any && table_column_at(t, c) && strcmp(table_column_at(t, c)->name, word) != 0) c++;
        if (!table_column_at(t, c)) fail_msg("%s is not where it belongs", word);
        assert_string_equal(table_column_at(t, c++)->name, word);
        any = false;
    }
}

static void columns_stand_where_scripts_look(void **state)
{
    (void)state;
    stand_in_order(trials,
                   "schema sweep_id sweep_name trial_id ordinal is_baseline state dataset split prompt_ver dataset_sha256 n_total n_done n_error model "
                   "model_family model_sha256 weight_dtype compute_dtype kv_dtype mode compat vit_layer vit_keep_num vit_r llm_start llm_end "
                   "llm_threshold llm_k llm_gamma sys_len image_len cfg_prune_mode * max_new_tokens seed metric_name metric metric_stderr "
                   "metric_ci_low metric_ci_high ci_method accuracy * cat_color_acc * base_diff base_diff_ci_low base_diff_ci_high base_p base_p_holm "
                   "n_win n_loss img_tok_in img_tok_vit_out_mean img_tok_llm_in_mean img_tok_llm_out_mean equiv_tok_mean keep_ratio_mean "
                   "gflops_vit_mean gflops_prefill_mean gflops_decode_mean gflops_total_mean flops_ratio kv_mib_mean peak_rss_mib peak_dev_mib lat_n "
                   "lat_timing_valid lat_mean_ms lat_sd_ms lat_p50_ms lat_p90_ms lat_p99_ms t_vit_ms t_prune_ms t_prefill_ms t_ttft_ms t_tpot_ms "
                   "throughput_sps speedup speedup_ci_low speedup_ci_high pareto_flops pareto_latency device_kind device_name driver cpu n_threads "
                   "world_size hostname os app_version git_commit git_dirty build_flags env_fingerprint started_utc ended_utc wall_s *");
    stand_in_order(samples,
                   "schema sweep_id trial_id ordinal dataset uid cluster category repeat status error target output parsed score margin n_text_tok "
                   "img_tok_vit_in img_tok_llm_in img_tok_llm_out kept_per_layer n_new_tok stop_reason t_load_ms * t_total_ms timing_valid attempt_id "
                   "rank hostname device_name config_sha256 model_sha256 git_commit unit_key finished_utc *");
}

/* Every row stands on its own. */
static void rows_carry_their_origin(void **state)
{
    (void)state;
    static const char *const origin[] = {"schema",      "sweep_id",     "trial_id",      "ordinal",     "dataset",        "dataset_sha256",
                                         "model",       "model_sha256", "compute_dtype", "device_kind", "compat",         "config_sha256",
                                         "app_version", "git_commit",   "device_name",   "hostname",    "max_new_tokens", "mode"};
    table *const all[] = {trials, samples};
    for (int k = 0; k < 2; k++)
        for (size_t row = 0; row < table_rows(all[k]); row++)
            for (size_t i = 0; i < sizeof origin / sizeof *origin; i++)
                if (is_empty(all[k], row, origin[i])) fail_msg("row %zu does not say its %s", row, origin[i]);
}

static void first_and_further_tokens_have_their_times(void **state)
{
    (void)state;
    int counted = 0;
    for (size_t row = 0; row < table_rows(samples); row++) {
        const eval_result *e = table_result_of(samples, row);
        if (e->state != EVAL_OK) continue;
        int made = e->n_ids + (strcmp(e->stop, "eos") == 0);
        double ttft = number(samples, row, "t_ttft_ms"), decode = number(samples, row, "t_decode_ms");
        assert_true(fabs(ttft - number(samples, row, "t_preprocess_ms") - number(samples, row, "t_vit_ms") - number(samples, row, "t_prune_ms") -
                         number(samples, row, "t_projector_ms") - number(samples, row, "t_prefill_ms")) < 1e-9 * (1 + ttft));
        if (made < 2) assert_true(is_empty(samples, row, "t_tpot_ms"));
        else {
            assert_true(fabs(number(samples, row, "t_tpot_ms") * (made - 1) - decode) < 1e-9 * (1 + decode));
            counted++;
        }
    }
    assert_true(counted > 0);
    assert_false(is_empty(trials, 0, "t_ttft_ms"));
    assert_true(number(trials, 0, "t_ttft_ms") > 0);
}

static void trials_show_their_summaries(void **state)
{
    (void)state;
    assert_int_equal(table_rows(trials), SWEEP_SAMPLE_TRIALS);
    for (size_t row = 0; row < SWEEP_SAMPLE_TRIALS; row++) {
        const eval_summary *m = &sweep->trial[row].summary;
        assert_true(number(trials, row, "metric") == m->main.value && number(trials, row, "acc") == m->main.value);
        assert_true(number(trials, row, "accuracy") == m->main.value);
        assert_true(number(trials, row, "gflops_total_mean") == m->flops / 1e9);
        assert_true(number(trials, row, "lat_mean_ms") == m->latency.value * 1e3);
        assert_true(number(trials, row, "n_done") == (double)m->n_done && number(trials, row, "n_error") == (double)m->n_error);
        assert_int_equal(row == 0, is_empty(trials, row, "base_diff"));
        assert_int_equal(row == 0, is_empty(trials, row, "speedup"));
        assert_int_equal(row == 0, is_empty(trials, row, "agreement"));
        if (row) assert_true(number(trials, row, "base_diff") == m->base.diff && number(trials, row, "n_loss") == (double)m->base.loss);
    }
    assert_true(number(trials, 0, "flops_ratio") == 1);
    assert_true(is_empty(trials, 1, "lat_p99_ms")); /* of 24 samples there is none */
    assert_true(is_empty(trials, 9, "pareto_flops") && !is_empty(trials, 8, "pareto_flops"));
}

/* Also where a trial lacks what others have: its columns must not slip. */
static void every_metric_of_the_data_set_has_its_column(void **state)
{
    (void)state;
    table *t;
    saint_score *first = &sweep->trial[0].summary.score;
    const size_t slices = first->n_slices, metrics = first->all.n_metrics;
    saint_metric lost = first->all.metric[0];
    first->n_slices = 1; /* the first trial has answered less than the others */
    memmove(first->all.metric, first->all.metric + 1, --first->all.n_metrics * sizeof lost);
    assert_ok(table_trials(sweep, &t, err));
    for (size_t row = 0; row < SWEEP_SAMPLE_TRIALS; row++) {
        const saint_score *s = &sweep->trial[row].summary.score;
        for (size_t k = 0; k < s->all.n_metrics; k++) assert_true(number(t, row, s->all.metric[k].name) == s->all.metric[k].v.value);
        for (size_t i = 0; i < s->n_slices; i++)
            for (size_t k = 0; k < s->slice[i].n_metrics; k++) {
                char name[96];
                snprintf(name, sizeof name, "cat_%s_%s", s->slice[i].name, s->slice[i].metric[k].name);
                assert_true(number(t, row, name) == s->slice[i].metric[k].v.value);
            }
    }
    assert_true(is_empty(t, 0, "accuracy") && is_empty(t, 0, "cat_existence_acc") && !is_empty(t, 1, "cat_existence_acc"));
    table_free(t);
    memmove(first->all.metric + 1, first->all.metric, first->all.n_metrics++ * sizeof lost);
    first->all.metric[0] = lost;
    first->n_slices = slices;
    assert_int_equal(first->all.n_metrics, metrics);
}

static void configurations_are_read_from_their_canonical_text(void **state)
{
    (void)state;
    assert_string_equal(text(trials, 0, "method"), "unpruned");
    assert_string_equal(text(trials, 3, "method"), "iterative_drop_full_graph");
    assert_string_equal(text(trials, 5, "method"), "saint_drop (LLM)");
    assert_string_equal(text(trials, 7, "method"), "iterative_drop_full_graph + saint_drop (LLM)");
    assert_string_equal(text(trials, 8, "method"), "random twin");
    assert_true(number(trials, 8, "twin_of") == 2 && is_empty(trials, 2, "twin_of"));
    assert_true(number(trials, 3, "keep_num") == 145 && number(trials, 3, "vit_keep_num") == 145 && number(trials, 3, "vit_layer") == 9);
    assert_true(is_empty(trials, 5, "keep_num") && is_empty(trials, 5, "vit_layer"));
    assert_true(number(trials, 5, "llm_start") == 4 && number(trials, 5, "llm_end") == 7 && number(trials, 5, "llm_threshold") == 0.83);
    assert_string_equal(text(trials, 3, "cfg_prune_mode"), "9=iterative_drop_full_graph");
    assert_string_equal(text(trials, 7, "mode"), "hybrid");
    assert_string_equal(text(trials, 1, "compat"), "corrected");
    assert_true(number(trials, 5, "use_saint") == 1);
    char hex[65];
    saint_digest_hex(&sweep->trial[4].trial.digest, hex);
    assert_string_equal(text(trials, 4, "config_sha256"), hex);
    assert_memory_equal(text(trials, 4, "trial_id"), hex, 16);
}

static void samples_show_their_records(void **state)
{
    (void)state;
    assert_int_equal(table_rows(samples), sweep->done);
    size_t errors = 0;
    for (size_t row = 0; row < table_rows(samples); row++) {
        const eval_result *e = table_result_of(samples, row);
        assert_ptr_equal(e, sweep->trial[table_trial_of(samples, row)].result[e->sample]);
        if (row) { /* sorted by ordinal, then sample */
            double before = number(samples, row - 1, "ordinal") * 1e6 + number(samples, row - 1, "sample_ix");
            assert_true(before < number(samples, row, "ordinal") * 1e6 + number(samples, row, "sample_ix"));
        }
        assert_string_equal(text(samples, row, "uid"), saint_dataset_uid(sweep->dataset, e->sample));
        if (e->state != EVAL_OK) {
            errors++;
            assert_string_equal(text(samples, row, "status"), "error");
            assert_string_equal(text(samples, row, "error"), e->error);
            assert_true(is_empty(samples, row, "output") && is_empty(samples, row, "score") && is_empty(samples, row, "gflops_total"));
            continue;
        }
        assert_string_equal(text(samples, row, "output"), e->output);
        bool right = strcmp(text(samples, row, "target"), e->output) == 0;
        assert_true(number(samples, row, "score") == right);
        assert_true(number(samples, row, "t_total_ms") == e->s_total * 1e3 && number(samples, row, "margin") == (double)e->margin);
        assert_true(number(samples, row, "img_tok_llm_out") == e->llm_out);
    }
    assert_int_equal(errors, 1);
    assert_string_equal(text(samples, 2 * SWEEP_SAMPLE_SAMPLES, "kept_per_site"), "vit9:288");
}

/* What a record tells beyond answers and times; nothing where it does not. */
static void memory_company_and_layers(void **state)
{
    (void)state;
    enum { ROW = 2 * SWEEP_SAMPLE_SAMPLES, TRIAL = 2 };
    eval_result *e = (eval_result *)(uintptr_t)table_result_of(samples, ROW), was = *e;
    assert_true(is_empty(samples, ROW, "kept_per_layer") && is_empty(samples, ROW, "peak_rss_mib") && is_empty(samples, ROW, "wall_s"));
    assert_true(is_empty(trials, TRIAL, "peak_rss_mib") && is_empty(trials, TRIAL, "wall_s") && is_empty(trials, TRIAL, "started_utc"));
    assert_true(is_empty(trials, TRIAL, "timing_note") && !is_empty(trials, TRIAL, "ended_utc"));
    e->vit_layers = 12;
    e->llm_layers = 2;
    e->llm_in = 288;
    e->peak_rss = 3 << 20;
    e->peak_device = 5 << 20;
    e->s_wall = 1.5;
    e->timing_valid = false;
    e->company = EVAL_WITH_OTHERS;
    assert_string_equal(text(samples, ROW, "kept_per_layer"), "576|576|576|576|576|576|576|576|576|288|288|288|288|288");
    assert_true(number(samples, ROW, "peak_rss_mib") == 3 && number(trials, TRIAL, "peak_dev_mib") == 5);
    assert_true(number(samples, ROW, "wall_s") == 1.5);
    assert_true(is_empty(trials, TRIAL, "wall_s")); /* the other records of the trial do not tell */
    assert_non_null(strstr(text(trials, TRIAL, "timing_note"), "1 timed while another saint used the device; for times"));
    e->company = EVAL_WITH_RANKS;
    assert_non_null(strstr(text(samples, ROW, "timing_note"), "1 timed while other processes of this sweep used the device"));
    e->company = EVAL_ON_BUSY_CPUS;
    assert_non_null(strstr(text(samples, ROW, "timing_note"), "1 timed while other programs took more than a tenth of the CPUs; for times"));
    *e = was;
    e->attempt++; /* as after the sweep was extended */
    assert_non_null(strstr(text(trials, TRIAL, "timing_note"), "1 timed in another run than the unpruned model"));
    assert_non_null(strstr(text(samples, ROW, "timing_note"), "1 timed in another run"));
    assert_true(is_empty(samples, ROW + 1, "timing_note"));
    *e = was;
    assert_string_equal(text(trials, TRIAL, "build_flags"), "GNU 12 -O3");
    assert_string_equal(text(trials, TRIAL, "env_fingerprint"), "feed");
    assert_true(number(trials, TRIAL, "git_dirty") == 0);
}

/* Rows of different trials or samples must never share their key; the same unit always has the same one. */
static void unit_keys_tell_units_apart(void **state)
{
    (void)state;
    for (size_t a = 0; a < table_rows(samples); a += 7) {
        char key[65];
        snprintf(key, sizeof key, "%s", text(samples, a, "unit_key"));
        assert_int_equal(strlen(key), 64);
        for (size_t b = 0; b < table_rows(samples); b++) assert_int_equal(a == b, strcmp(key, text(samples, b, "unit_key")) == 0);
    }
}

/* The published code leaves preprocessing out of what it times. */
static void the_published_latency_is_there(void **state)
{
    (void)state;
    for (size_t row = 0; row < table_rows(trials); row++) {
        double sum = 0, n = 0;
        for (size_t k = 0; k < table_rows(samples); k++) {
            const eval_result *e = table_result_of(samples, k);
            if (table_trial_of(samples, k) != (int)row || e->state != EVAL_OK || !e->timing_valid) continue;
            sum += e->s_vit + e->s_selection + e->s_projector + e->s_prefill + e->s_decode;
            n++;
        }
        if (n > 0) assert_true(fabs(number(trials, row, "seed_latency") - sum / n) < 1e-9);
        else assert_true(is_empty(trials, row, "seed_latency"));
    }
}

static void names_are_found_and_guessed(void **state)
{
    (void)state;
    assert_int_equal(table_find(trials, "keep_num"), table_find(trials, "cfg_keep_num"));
    assert_int_equal(table_find(trials, "flops"), table_find(trials, "gflops_total_mean"));
    assert_int_equal(table_find(trials, "nonsense"), -1);
    assert_int_equal(table_find(trials, ""), -1);
    const char *meant;
    for (int i = 0; table_alias(i, &meant); i++)
        assert_true(table_find(trials, meant) >= 0 && table_find(trials, table_alias(i, &meant)) >= 0);
    static const char *const guesses[][2] = {{"keepnum", "keep_num"},
                                             {"acuracy", "accuracy"},
                                             {"lat_mean", "lat_mean_ms"},
                                             {"stat", "state"},
                                             {"gflops_totl_mean", "gflops_total_mean"},
                                             {"saint_treshold", "saint_threshold"},
                                             {"ordinl", "ordinal"}};
    for (size_t i = 0; i < sizeof guesses / sizeof *guesses; i++) assert_string_equal(table_nearest(trials, guesses[i][0]), guesses[i][1]);
    char monster[4096];
    memset(monster, 'x', sizeof monster - 1);
    monster[sizeof monster - 1] = 0;
    assert_non_null(table_nearest(trials, monster));
}

static void sorting_puts_empty_cells_last(void **state)
{
    (void)state;
    const int c = column(trials, "keep_num");
    for (int down = 0; down < 2; down++)
        for (size_t a = 0; a < table_rows(trials); a++)
            for (size_t b = 0; b < table_rows(trials); b++) {
                int ab = table_compare(trials, a, b, c, down), ba = table_compare(trials, b, a, c, down);
                assert_int_equal(ab, -ba);
                assert_int_equal(a == b, ab == 0);
                if (table_get(trials, a, c).kind == CELL_EMPTY && table_get(trials, b, c).kind != CELL_EMPTY) assert_int_equal(ab, 1);
            }
    assert_int_equal(table_compare(trials, 1, 4, c, false), 1); /* 433 and 73 */
    assert_int_equal(table_compare(trials, 1, 4, c, true), -1);
    assert_int_equal(table_compare(trials, 0, 1, column(trials, "name"), false), 1); /* unpruned, keep_num=433 */
}

static void cells_are_shown_for_people(void **state)
{
    (void)state;
    char out[32], tiny[5];
    table_show(trials, 3, column(trials, "metric"), out, sizeof out);
    assert_string_equal(out, "0.739");
    table_show(trials, 0, column(trials, "is_baseline"), out, sizeof out);
    assert_string_equal(out, "yes");
    table_show(trials, 0, column(trials, "base_diff"), out, sizeof out);
    assert_string_equal(out, "");
    table_show(trials, 5, column(trials, "llm_threshold"), out, sizeof out);
    assert_string_equal(out, "0.83");
    /* never half a character */
    char *name = sweep->trial[1].trial.name, odd[] = "aa\xc3\xa4\xc3\xa4";
    sweep->trial[1].trial.name = odd;
    table_show(trials, 1, column(trials, "name"), tiny, sizeof tiny);
    assert_string_equal(tiny, "aa\xc3\xa4");
    odd[1] = '\xc3';
    odd[2] = '\xa4';
    odd[3] = '\xc3';
    odd[4] = '\xa4';
    odd[5] = 0;
    table_show(trials, 1, column(trials, "name"), tiny, sizeof tiny);
    assert_string_equal(tiny, "a\xc3\xa4");
    sweep->trial[1].trial.name = name;
}

/* The same sweep on another machine, slower, in another order: everything that may differ is marked. */
static void what_varies_is_marked(void **state)
{
    (void)state;
    static char other[] = "elsewhere";
    static sweep_attempt there = {.id = 9, .threads = 64, .world = 8, .rank = 5, .started = 1};
    there.host = there.os = there.cpu = there.device = there.driver = there.kernels = other;
    there.version = sweep->attempt[0].version;
    there.commit = sweep->attempt[0].commit;
    sweep_data *b;
    table *t, *u;
    assert_ok(sweep_sample_make(data_folder, SWEEP_SAMPLE_SCENES, &b, err));
    b->attempt = &there;
    for (int i = 0; i < b->n_trials; i++) {
        sweep_trial *r = &b->trial[i];
        for (size_t k = 0; k < b->n_samples; k++) {
            eval_result *e = (eval_result *)(uintptr_t)r->result[k];
            if (!e) continue;
            e->attempt = 9;
            e->finished += 1000;
            e->reused = 0.5;
            e->timing_valid = k % 2;
            double *const seconds[] = {&e->s_load,      &e->s_preprocess, &e->s_vit,    &e->s_selection,
                                       &e->s_projector, &e->s_prefill,    &e->s_decode, &e->s_total};
            for (size_t n = 0; n < sizeof seconds / sizeof *seconds; n++) *seconds[n] *= 2 + (double)k;
        }
        saint_interval old = r->summary.main;
        eval_summary_free(&r->summary);
        assert_ok(eval_summarise(b->dataset, r->result, i ? b->trial[0].result : NULL, b->wanted, b->parser, &r->summary, err));
        assert_true(old.value == r->summary.main.value);
        r->summary.holm = sweep->trial[i].summary.holm;
        r->pareto_latency = !r->pareto_latency;
    }
    assert_ok(table_trials(b, &t, err));
    assert_ok(table_samples(b, &u, err));
    table *const all[][2] = {{trials, t}, {samples, u}};
    int differ = 0;
    for (int k = 0; k < 2; k++)
        for (int c = 0; c < table_columns(trials); c++) {
            const table_column *col = table_column_at(all[k][0], c);
            bool same = true;
            for (size_t row = 0; col && row < table_rows(all[k][0]); row++) {
                table_cell x = table_get(all[k][0], row, c), y = table_get(all[k][1], row, c);
                same = same && x.kind == y.kind && x.number == y.number && (x.kind != CELL_TEXT || strcmp(x.text, y.text) == 0);
            }
            if (!same && !(col->flags & COLUMN_VARIES)) fail_msg("%s differs between two runs and is not marked", col->name);
            differ += !same;
        }
    assert_true(differ > 25);
    table_free(t);
    table_free(u);
    sweep_sample_free(b);
}

/* Without the data set, without attempts, without any record: cells are empty and nothing falls over. */
static void bare_sweeps_have_tables(void **state)
{
    (void)state;
    sweep_data *b;
    table *t;
    assert_ok(sweep_sample_make(data_folder, SWEEP_SAMPLE_MANIFEST, &b, err));
    saint_dataset *d = b->dataset;
    static char hash[] = "00ff";
    b->dataset = NULL;
    b->attempt = NULL;
    b->data_sha256 = hash; /* the plan knows which one it was */
    for (int i = 0; i < b->n_trials; i++) {
        eval_summary_free(&b->trial[i].summary);
        b->trial[i].summary = (eval_summary){0};
        memset(b->trial[i].result, 0, b->n_samples * sizeof *b->trial[i].result);
    }
    assert_ok(table_trials(b, &t, err));
    assert_true(is_empty(t, 0, "metric") && is_empty(t, 0, "gflops_total_mean") && is_empty(t, 0, "lat_mean_ms") &&
                is_empty(t, 0, "hostname"));
    assert_true(is_empty(t, 0, "prompt_ver") && is_empty(t, 3, "base_diff") && is_empty(t, 3, "dominated_flops"));
    assert_string_equal(text(t, 0, "dataset"), "manifest");
    assert_string_equal(text(t, 0, "dataset_sha256"), "00ff");
    table_free(t);
    assert_ok(table_samples(b, &t, err));
    assert_int_equal(table_rows(t), 0);
    table_free(t);
    b->dataset = d;
    sweep_sample_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_column_is_named_once_and_explained),
        cmocka_unit_test(columns_stand_where_scripts_look),
        cmocka_unit_test(the_published_latency_is_there),
        cmocka_unit_test(rows_carry_their_origin),
        cmocka_unit_test(first_and_further_tokens_have_their_times),
        cmocka_unit_test(trials_show_their_summaries),
        cmocka_unit_test(every_metric_of_the_data_set_has_its_column),
        cmocka_unit_test(configurations_are_read_from_their_canonical_text),
        cmocka_unit_test(samples_show_their_records),
        cmocka_unit_test(memory_company_and_layers),
        cmocka_unit_test(unit_keys_tell_units_apart),
        cmocka_unit_test(names_are_found_and_guessed),
        cmocka_unit_test(sorting_puts_empty_cells_last),
        cmocka_unit_test(cells_are_shown_for_people),
        cmocka_unit_test(what_varies_is_marked),
        cmocka_unit_test(bare_sweeps_have_tables),
    };
    return cmocka_run_group_tests_name("export table", tests, sweep_tables_make, sweep_tables_remove);
}
