/* Plans: what is the same sweep and what another one, what extends it, what is in it, and in which order it runs. */
#define _GNU_SOURCE
#include "support/sweep_files.h"

#include <fcntl.h>
#include <sys/wait.h>

#include "sweep/lines.h"
#include "sweep/order.h"

static void refused(saint_status s, const saint_error *e, const char *words)
{
    assert_int_equal(s, SAINT_INVALID);
    assert_null(strchr(e->text, '\n'));
    if (!strstr(e->text, words)) fail_msg("expected \"%s\" in: %s", words, e->text);
}

/* ---- what is in it ----------------------------------------------------------------------------------------------- */

static void baseline_and_twins_are_included(void **state)
{
    (void)state;
    sweep_plan p = sweep_plan_of(SWEEP_TWO);
    assert_int_equal(p.n_trials, 5);
    assert_int_equal(p.baseline, 0);
    assert_string_equal(p.trial[0].name, "unpruned");
    assert_string_equal(p.trial[1].name, "saint_threshold=0.6");
    assert_int_equal(p.trial[2].twin_of, 1);
    assert_int_equal(p.trial[4].twin_of, 3);
    assert_int_equal(p.n_axes, 1);
    assert_string_equal(p.axis[0], "saint_threshold");
    assert_string_equal(p.value[0], "");
    assert_string_equal(p.value[2], "0.6"); /* the twin shows its partner's value */
    assert_int_equal(p.n_wanted, SWEEP_SET_SAMPLES);
    assert_int_equal(sweep_plan_units(&p), 5 * SWEEP_SET_SAMPLES);
    sweep_plan_free(&p);
    p = sweep_plan_of("{" SWEEP_BASE
                      ", \"parameters\": {\"saint_threshold\": [0.6, 0.8]}, \"random\": false, \"limit\": 5, \"repeat\": 3}");
    assert_int_equal(p.n_trials, 3);
    assert_int_equal(sweep_plan_units(&p), 3 * 5 * 3);
    sweep_plan_free(&p);
    /* random dropping itself needs no twin */
    p = sweep_plan_of("{\"set\": {\"mode\": \"vit\", \"prune_mode[0]\": \"random\"}, \"parameters\": {\"keep_num\": [9, 16]}}");
    assert_int_equal(p.n_trials, 3);
    sweep_plan_free(&p);
}

static void points_that_mean_the_same_are_one(void **state)
{
    (void)state;
    saint_notes notes = {0};
    saint_error e = {0};
    sweep_plan p;
    assert_ok(sweep_try_plan("{" SWEEP_BASE
                             ", \"parameters\": {\"saint_threshold\": [0.6], \"mode\": [\"none\", \"llm\"], \"keep_num\": [3, 4]}}",
                             &p, &notes, err));
    assert_int_equal(p.n_trials, 3); /* unpruned, one threshold (keep_num belongs to the ViT), its twin */
    assert_int_equal(notes.n, 3);
    assert_non_null(strstr(notes.text[0], "2 of 4 points mean the unpruned model"));
    assert_non_null(strstr(notes.text[1], "1 of 4 points mean the same run"));
    assert_non_null(strstr(notes.text[2], "keep_num varies but changes nothing"));
    sweep_plan_free(&p);
    refused(sweep_try_plan("{\"parameters\": {\"saint_threshold\": [0.6, 0.8]}}", &p, NULL, &e), &e, "choose where tokens are pruned");
    p = sweep_plan_of("{}"); /* the unpruned model alone is a sweep */
    assert_int_equal(p.n_trials, 1);
    sweep_plan_free(&p);
}

static void points_that_do_not_fit_the_model_are_named(void **state)
{
    (void)state;
    sweep_plan p;
    saint_error e = {0};
    refused(sweep_try_plan("{\"set\": {\"mode\": \"llm\"}, \"parameters\": {\"saint_end\": [0, 40]}}", &p, NULL, &e), &e, "saint_end=40: ");
    refused(sweep_try_plan("{\"samples\": [\"nobody\"]}", &p, NULL, &e), &e, "no such sample");
    p = sweep_plan_of("{\"samples\": [\"color/0001.jpg#0,count/0002.jpg#1\"], \"limit\": 9}");
    assert_int_equal(p.n_wanted, 2);
    sweep_plan_free(&p);
}

static void presets_and_compat_vary_too(void **state)
{
    (void)state;
    sweep_plan p = sweep_plan_of(
        "{\"preset\": \"vit-only\", \"parameters\": {\"preset\": [\"none\", \"vit-only\", \"llm-only\", \"hybrid\"], \"compat\": "
        "[\"corrected\", \"reference\"]}, \"random\": false}");
    assert_int_equal(p.n_axes, 2);
    assert_string_equal(p.axis[0], "preset");
    assert_string_equal(p.trial[1].name, "preset=vit-only compat=corrected");
    for (int i = 0; i < p.n_trials; i++) {
        assert_int_equal(p.trial[i].ordinal, i);
        for (int k = 0; k < i; k++) assert_true(p.trial[i].id != p.trial[k].id);
    }
    sweep_plan_free(&p);
}

/* ---- identity ---------------------------------------------------------------------------------------------------- */

static bool same(const char *a, const char *b)
{
    sweep_plan p = sweep_plan_of(a), q = sweep_plan_of(b);
    bool equal = strcmp(p.id, q.id) == 0;
    assert_int_equal(equal, strcmp(p.identity, q.identity) == 0);
    sweep_plan_free(&p);
    sweep_plan_free(&q);
    return equal;
}

static void identity_is_what_is_asked_about(void **state)
{
    (void)state;
#define GRID(rest) "{" SWEEP_BASE ", \"parameters\": {\"saint_threshold\": [0.6, 0.8]}" rest "}"
    assert_true(same(GRID(""), "{\"parameters\": {\"saint_threshold\": \"0.6:0.8:0.2\"}, " SWEEP_BASE ", \"method\": \"grid\"}"));
    assert_true(same(GRID(""), "{" SWEEP_BASE ", \"parameters\": {\"saint_threshold\": [0.7]}}")); /* other values extend */
    assert_true(same(GRID(""), GRID(", \"limit\": 3, \"repeat\": 2, \"random\": false, \"early_stop\": true, \"name\": \"x\"")));
    assert_false(same(GRID(""), "{" SWEEP_BASE ", \"parameters\": {\"saint_threshold\": [0.6], \"saint_K\": [3]}}"));
    assert_false(same(
        GRID(""), "{\"set\": {\"mode\": \"llm\", \"saint_start\": 0, \"saint_end\": 1}, \"parameters\": {\"saint_threshold\": [0.6]}}"));
    assert_false(same(GRID(""), GRID(", \"compat\": \"reference\"")));
    assert_false(same(GRID(""), GRID(", \"max_new_tokens\": 3")));
    assert_false(same(GRID(""), "{" SWEEP_BASE ", \"method\": \"list\", \"trials\": [{\"saint_threshold\": 0.6}]}"));
#define DRAWN(count, max)                                                                                                                  \
    "{" SWEEP_BASE ", \"method\": \"sobol\", \"count\": " count ", \"parameters\": {\"saint_threshold\": {\"min\": 0.5, \"max\": " max "}" \
                                                                                                                                       "}" \
                                                                                                                                       "}"
    assert_true(same(DRAWN("3", "0.9"), DRAWN("9", "0.9")));
    assert_false(same(DRAWN("3", "0.9"), DRAWN("3", "0.8")));
}

/* ---- on disk ----------------------------------------------------------------------------------------------------- */

static void equal_plans(const sweep_plan *a, const sweep_plan *b)
{
    assert_string_equal(a->id, b->id);
    assert_string_equal(a->identity, b->identity);
    assert_int_equal(a->n_trials, b->n_trials);
    assert_int_equal(a->n_axes, b->n_axes);
    assert_int_equal(a->n_wanted, b->n_wanted);
    assert_int_equal(a->baseline, b->baseline);
    assert_string_equal(a->data, b->data);
    for (int i = 0; i < a->n_trials; i++) {
        assert_true(a->trial[i].id == b->trial[i].id);
        assert_string_equal(a->trial[i].config, b->trial[i].config);
        assert_string_equal(a->trial[i].name, b->trial[i].name);
        assert_int_equal(a->trial[i].twin_of, b->trial[i].twin_of);
        assert_int_equal(a->trial[i].baseline, b->trial[i].baseline);
        assert_int_equal(a->trial[i].max_new_tokens, b->trial[i].max_new_tokens);
        for (int k = 0; k < a->n_axes; k++) assert_string_equal(a->value[i * a->n_axes + k], b->value[i * b->n_axes + k]);
    }
}

static void a_folder_gives_the_plan_back(void **state)
{
    (void)state;
    sweep_plan p = sweep_plan_of(SWEEP_TWO), q;
    const char *folder = sweep_path("deep/down/sweep");
    assert_ok(sweep_plan_commit(&p, folder, err));
    assert_ok(sweep_plan_read(folder, &q, err));
    equal_plans(&p, &q);
    assert_int_equal(q.asks, 1);
    sweep_plan_free(&q);
    assert_ok(sweep_plan_commit(&p, folder, err)); /* the same again adds nothing */
    assert_ok(sweep_plan_read(folder, &q, err));
    assert_int_equal(q.asks, 1);
    sweep_plan_free(&q);
    sweep_plan_free(&p);
}

static void more_values_extend_and_keep_their_places(void **state)
{
    (void)state;
    sweep_plan p = sweep_plan_of("{" SWEEP_BASE ", \"parameters\": {\"saint_threshold\": [0.8]}, \"limit\": 4}"), q;
    assert_ok(sweep_plan_commit(&p, sweep_path("s"), err));
    sweep_plan_free(&p);
    p = sweep_plan_of("{" SWEEP_BASE ", \"parameters\": {\"saint_threshold\": [0.6, 0.8]}, \"limit\": 6, \"repeat\": 2}");
    assert_ok(sweep_plan_commit(&p, sweep_path("s"), err));
    sweep_plan_free(&p);
    p = sweep_plan_of("{" SWEEP_BASE ", \"parameters\": {\"saint_threshold\": [0.6]}, \"limit\": 2}"); /* less takes nothing away */
    assert_ok(sweep_plan_commit(&p, sweep_path("s"), err));
    sweep_plan_free(&p);
    assert_ok(sweep_plan_read(sweep_path("s"), &q, err));
    assert_int_equal(q.asks, 2);
    assert_int_equal(q.n_trials, 5);
    assert_int_equal(q.n_wanted, 6);
    assert_int_equal(q.repeats, 2);
    assert_string_equal(q.trial[1].name, "saint_threshold=0.8");
    assert_string_equal(q.trial[3].name, "saint_threshold=0.6");
    sweep_plan_free(&q);
}

static void another_sweep_is_refused_by_name(void **state)
{
    (void)state;
    saint_error e = {0};
    sweep_plan p = sweep_plan_of(SWEEP_TWO), q = sweep_plan_of("{" SWEEP_BASE ", \"parameters\": {\"saint_K\": [2, 3]}}");
    assert_ok(sweep_plan_commit(&p, sweep_path("s"), err));
    refused(sweep_plan_commit(&q, sweep_path("s"), &e), &e, "its parameters is [\"saint_threshold\"], expected [\"saint_K\"]");
    sweep_plan_free(&p);
    sweep_plan_free(&q);
}

/* Eight processes at the same moment, two of them with one value more: one plan.json, and everything asked is there. */
static void many_may_begin_at_once(void **state)
{
    (void)state;
    sweep_plan two = sweep_plan_of(SWEEP_TWO),
               three = sweep_plan_of("{" SWEEP_BASE ", \"parameters\": {\"saint_threshold\": [0.6, 0.8, 0.9]}}"), q;
    for (int round = 0; round < 10; round++) {
        int gate[2], how;
        pid_t pid[8];
        char name[32], byte;
        const char *folder;
        snprintf(name, sizeof name, "round%d", round);
        folder = sweep_path(name);
        assert_int_equal(pipe(gate), 0);
        for (int i = 0; i < 8; i++) {
            pid[i] = fork();
            assert_true(pid[i] >= 0);
            if (pid[i] == 0) {
                close(gate[1]);
                if (read(gate[0], &byte, 1) != 0) _exit(9); /* until all are there */
                _exit(sweep_plan_commit(i < 2 ? &three : &two, folder, NULL) == SAINT_OK ? 0 : 1);
            }
        }
        close(gate[0]);
        close(gate[1]);
        for (int i = 0; i < 8; i++) {
            assert_int_equal(waitpid(pid[i], &how, 0), pid[i]);
            assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
        }
        assert_ok(sweep_plan_read(folder, &q, err));
        assert_int_equal(q.n_trials, 7);
        assert_in_range(q.asks, 1, 2);
        sweep_plan_free(&q);
    }
    sweep_plan_free(&two);
    sweep_plan_free(&three);
}

static void a_torn_line_of_what_was_asked_is_left_out(void **state)
{
    (void)state;
    sweep_plan p = sweep_plan_of(SWEEP_TWO),
               more = sweep_plan_of("{" SWEEP_BASE ", \"parameters\": {\"saint_threshold\": [0.6, 0.8, 0.9]}}"), q;
    char path[256], *text;
    size_t n;
    assert_ok(sweep_plan_commit(&p, sweep_path("s"), err));
    snprintf(path, sizeof path, "%s/spec.json", sweep_path("s"));
    assert_ok(saint_file_read(path, 1 << 20, &text, &n, err));
    static const size_t cuts[] = {1, 2, 30, 300};
    for (size_t i = 0; i < 4; i++) {
        assert_ok(saint_file_write(path, text, n - cuts[i], err));
        assert_ok(sweep_plan_read(sweep_path("s"), &q, err));
        assert_int_equal(q.n_trials, 0);
        sweep_plan_free(&q);
        assert_ok(sweep_plan_commit(&more, sweep_path("s"), err)); /* begins on a line of its own */
        assert_ok(sweep_plan_read(sweep_path("s"), &q, err));
        equal_plans(&more, &q);
        sweep_plan_free(&q);
    }
    free(text);
    sweep_plan_free(&p);
    sweep_plan_free(&more);
}

static void damaged_plans_are_named(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "[]", "{}", "{\"v\":2}", "{\"v\":1,\"model\":{},\"data\":{}}"};
    saint_error e = {0};
    sweep_plan p = sweep_plan_of(SWEEP_TWO), q;
    char path[256];
    assert_ok(sweep_plan_commit(&p, sweep_path("s"), err));
    snprintf(path, sizeof path, "%s/plan.json", sweep_path("s"));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_ok(saint_file_write(path, bad[i], strlen(bad[i]), err));
        assert_int_equal(sweep_plan_read(sweep_path("s"), &q, &e), SAINT_FORMAT);
        assert_non_null(strstr(e.text, "plan.json"));
    }
    assert_int_equal(sweep_plan_read(sweep_path("nowhere"), &q, &e), SAINT_IO);
    sweep_plan_free(&p);
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

static void every_unit_is_in_one_block(void **state)
{
    (void)state;
    sweep_plan p = sweep_plan_of("{" SWEEP_BASE ", \"parameters\": {\"saint_threshold\": \"0.1:0.9:0.02\"}}"); /* 41 thresholds, 41 twins */
    sweep_order o;
    static int seen[200][SWEEP_SET_SAMPLES];
    memset(seen, 0, sizeof seen);
    assert_int_equal(p.n_trials, 83);
    assert_ok(sweep_order_make(&p, sweep_set, saint_model_get_info(sweep_model), &o, err));
    assert_int_equal(o.n_trials, 83);
    assert_int_equal(o.n_chunks, 2);
    assert_int_equal(o.n_samples, SWEEP_SET_SAMPLES);
    for (size_t b = 0; b < o.n_blocks; b++)
        for (size_t s = o.group[b / 2]; s < o.group[b / 2 + 1]; s++)
            for (int c = o.chunk[b % 2]; c < o.chunk[b % 2 + 1]; c++) seen[o.trial[c]][o.sample[s]]++;
    for (int t = 0; t < p.n_trials; t++)
        for (int s = 0; s < SWEEP_SET_SAMPLES; s++) assert_int_equal(seen[t][s], 1);
    /* a twin follows its partner, in the same chunk */
    for (int i = 0; i < o.n_trials; i++) {
        const eval_trial *t = &p.trial[o.trial[i]];
        if (t->twin_of < 0) continue;
        assert_int_equal(o.trial[i - 1], t->twin_of);
        for (int c = 0; c < o.n_chunks; c++) assert_int_not_equal(o.chunk[c], i);
    }
    /* Two processes, one of which needs three times as long: they meet in the last groups at most. */
    size_t own[2] = {SIZE_MAX, SIZE_MAX}, left = o.n_blocks, together = 0;
    int *by = calloc(o.n_blocks, sizeof *by);
    assert_non_null(by);
    for (int turn = 0; left > 0; turn++) {
        int who = turn % 4 == 3;
        size_t b = 0;
        while (b < o.n_blocks && (by[b] || !sweep_order_follows(&o, own[who], b))) b++;
        for (size_t any = 0; b == o.n_blocks && any < o.n_blocks; any++)
            if (!by[any]) b = any;
        by[b] = who + 1;
        own[who] = b / (size_t)o.n_chunks;
        left--;
    }
    assert_true(o.n_groups > 4);
    for (size_t g = 0; g < o.n_groups; g++) together += by[2 * g] != by[2 * g + 1];
    assert_true(together <= 1);
    free(by);
    sweep_order_free(&o);
    sweep_plan_free(&p);
}

static void beginnings_have_some_of_every_category(void **state)
{
    (void)state;
    sweep_plan p = sweep_plan_of(SWEEP_TWO);
    sweep_order o, again;
    assert_ok(sweep_order_make(&p, sweep_set, saint_model_get_info(sweep_model), &o, err));
    assert_ok(sweep_order_make(&p, sweep_set, saint_model_get_info(sweep_model), &again, err));
    assert_memory_equal(o.sample, again.sample, o.n_samples * sizeof *o.sample);
    for (int half = 1; half <= 2; half++) {
        int count[3] = {0};
        for (size_t i = 0; i < 12 * (size_t)half; i++) count[saint_dataset_category(sweep_set, o.sample[i])]++;
        for (int c = 0; c < 3; c++) assert_int_equal(count[c], 4 * half);
    }
    for (size_t i = 0; i < o.n_samples; i += 2) /* both questions about a picture one after the other */
        assert_int_equal(saint_dataset_cluster(sweep_set, o.sample[i]), saint_dataset_cluster(sweep_set, o.sample[i + 1]));
    sweep_order_free(&o);
    sweep_order_free(&again);
    sweep_plan_free(&p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, sweep_begin, sweep_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(baseline_and_twins_are_included),
        T(points_that_mean_the_same_are_one),
        T(points_that_do_not_fit_the_model_are_named),
        T(presets_and_compat_vary_too),
        T(identity_is_what_is_asked_about),
        T(a_folder_gives_the_plan_back),
        T(more_values_extend_and_keep_their_places),
        T(another_sweep_is_refused_by_name),
        T(many_may_begin_at_once),
        T(a_torn_line_of_what_was_asked_is_left_out),
        T(damaged_plans_are_named),
        T(every_unit_is_in_one_block),
        T(beginnings_have_some_of_every_category),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
