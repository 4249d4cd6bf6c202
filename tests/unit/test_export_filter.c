/* The filter over rows of a table: its grammar, its words for what it does not understand, and the Pareto front. */
#define _GNU_SOURCE
#include "support/sweep_tables.h"

#include <math.h>

#include "export/filter.h"
#include "export/pareto.h"
#include "support/random.h"

/* Ordinals that pass, as digits. */
static const char *passing(const char *text)
{
    static char out[32];
    filter *f;
    size_t n = 0;
    assert_ok(filter_parse(text, trials, &f, err));
    for (size_t row = 0; row < table_rows(trials); row++)
        if (filter_pass(f, trials, row)) out[n++] = (char)('0' + row);
    out[n] = 0;
    filter_free(f);
    return out;
}

static void rows_pass_as_the_expression_says(void **state)
{
    (void)state;
    static const struct {
        const char *text, *rows;
    } cases[] = {
        {"", "0123456789"},
        {"  \t ", "0123456789"},
        {"acc>=0.95", "01257"},
        {"acc >= 0.7 && keep_num < 400", "237"},
        {"acc>=0.7 and keep_num<400", "237"},
        {"keep_num == 289", "27"},
        {"keep_num = 289", "27"},
        {"keep_num != 289", "134"}, /* where there is none, nothing is known */
        {"keep_num == ''", "05689"},
        {"!(keep_num == \"\")", "12347"},
        {"baseline", "0"},
        {"not baseline && ordinal <= 2", "12"},
        {"is_baseline == yes || twin_of == 2", "08"},
        {"is_baseline == no and ordinal<3", "12"},
        {"mode == vit", "123489"},
        {"mode == 'vit' && method ~ RANDOM", "89"},
        {"state != complete", "9"},
        {"n_done < n_total", "9"},
        {"0.95 <= acc", "01257"},
        {"ordinal<2||ordinal>7&&ordinal<9", "018"}, /* and binds closer */
        {"(ordinal<2||ordinal>7)&&ordinal<9", "018"},
        {"(ordinal<2||ordinal>6)&&ordinal>0", "1789"},
        {"!!(ordinal<2)", "01"},
        {"name ~ threshold", "567"},
        {"ordinal >= 1e0 && ordinal < +.3e1", "12"},
        {"base_diff < -0.2", "349"},
        {"pareto_flops", "347"},
        {"cfg_keep_num>400", "1"},
        {"acc", "0123456789"},
        {"kl", "123456789"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (strcmp(passing(cases[i].text), cases[i].rows) != 0)
            fail_msg("%s: rows %s, expected %s", cases[i].text, passing(cases[i].text), cases[i].rows);
    }
}

/* `!` belongs to what follows as a whole, a comparison too. */
static void not_takes_the_whole_comparison(void **state)
{
    (void)state;
    assert_string_equal(passing("!ordinal<2"), "23456789");
    assert_string_equal(passing("!ordinal<2 && ordinal<4"), "23");
}

static void refused(const char *text, const char *words)
{
    filter *f = (filter *)1;
    saint_error e = {0};
    saint_status s = filter_parse(text, trials, &f, &e);
    if (s != SAINT_INVALID) fail_msg("%s: status %d", text, s);
    assert_null(f);
    assert_null(strchr(e.text, '\n'));
    if (!strstr(e.text, words)) fail_msg("%s: expected \"%s\" in: %s", text, words, e.text);
}

static void what_is_not_understood_is_said(void **state)
{
    (void)state;
    refused("keepnum<400", "keepnum: no such column; the nearest is keep_num");
    refused("acc>=0.5 && latencyy<3", "the nearest is latency");
    refused("keep_num < fourhundred", "fourhundred: no such column");
    refused("acc>=", "a column or a value at character 6, found the end");
    refused("acc>=0.5 &&", "a column or a value");
    refused("(acc>=0.5", "expected ) at character 10");
    refused("acc>=0.5)", "expected && or || at character 9");
    refused("acc 0.5", "&& or ||");
    refused("0.5", "behind a value");
    refused("'text'", "behind a value");
    refused("acc<0.5<1", "&& or ||");
    refused("name == 'open", "a closing quote");
    refused("acc >< 3", "a column or a value at character 6");
    refused("acc & 3", "&& or ||");
    refused("acc == 0x10", "0x10: no such column");
    refused("acc == 1e999", "1e999");
    refused("acc == nan", "nan: no such column");
    char deep[512] = "", many[8192] = "acc>0", word[400] = "";
    memset(deep, '(', 300);
    refused(deep, "fewer parentheses");
    memset(deep, '!', 300);
    refused(deep, "fewer parentheses");
    for (int i = 0; i < 400; i++) strcat(many, "||acc>0");
    refused(many, "fewer conditions");
    memset(word, 'a', 300);
    refused(word, "a shorter name");
    snprintf(many, sizeof many, "name == '%s'", word);
    refused(many, "a shorter text");
}

static void records_are_filtered_too(void **state)
{
    (void)state;
    filter *f;
    size_t n = 0;
    assert_ok(filter_parse("ordinal==3 && (score==0 || status!=ok)", samples, &f, err));
    for (size_t row = 0; row < table_rows(samples); row++) {
        if (!filter_pass(f, samples, row)) continue;
        const eval_result *e = table_result_of(samples, row);
        assert_int_equal(table_trial_of(samples, row), 3);
        if (e->state == EVAL_OK) n++;
    }
    const eval_summary *m = &sweep->trial[3].summary;
    assert_int_equal(n, (size_t)round((1 - m->main.value) * (double)(m->n_done - m->n_error)));
    filter_free(f);
    assert_true(filter_pass(NULL, samples, 0));
}

/* Any text is either an expression or one sentence about why it is none. */
static void any_text_ends_well(void **state)
{
    (void)state;
    static const char *const parts[] = {"acc", "keep_num", "(", ")",   "!",   "&&", "||",       "<", ">=", "==", "~",    "0.5",
                                        "'x'", "\"y\"",    " ", "not", "and", "zz", "\xc3\xa4", "'", "-",  ".",  "state"};
    uint64_t rng = 6;
    int fine = 0;
    for (int i = 0; i < 40000; i++) {
        char text[200] = "";
        filter *f;
        saint_error e = {0};
        for (uint64_t k = test_random_bits(&rng) % 9; k; k--) strcat(text, parts[test_random_bits(&rng) % (sizeof parts / sizeof *parts)]);
        saint_status s = filter_parse(text, trials, &f, &e);
        assert_true(s == SAINT_OK || (s == SAINT_INVALID && e.text[0]));
        for (size_t row = 0; s == SAINT_OK && row < 3; row++) (void)filter_pass(f, trials, row);
        fine += s == SAINT_OK;
        filter_free(f);
    }
    assert_true(fine > 3000);
}

/* ---- the front ------------------------------------------------------------------------------------------------------------ */

/* On the front is what no other point beats: cheaper and as good, or as cheap and better; of equal points the first. */
static bool beaten(const double *cost, const double *value, size_t n, size_t i)
{
    if (isnan(cost[i]) || isnan(value[i])) return true;
    for (size_t k = 0; k < n; k++) {
        if (k == i || isnan(cost[k]) || isnan(value[k]) || cost[k] > cost[i] || value[k] < value[i]) continue;
        if (cost[k] < cost[i] || value[k] > value[i] || k < i) return true;
    }
    return false;
}

static void the_front_is_what_nothing_beats(void **state)
{
    (void)state;
    uint64_t rng = 17;
    for (int round = 0; round < 3000; round++) {
        double cost[24], value[24];
        bool front[24];
        size_t n = (size_t)(test_random_bits(&rng) % 25);
        for (size_t i = 0; i < n; i++) { /* few different numbers, so that there are ties */
            cost[i] = test_random_bits(&rng) % 12 ? (double)(test_random_bits(&rng) % 9) : NAN;
            value[i] = test_random_bits(&rng) % 12 ? (double)(test_random_bits(&rng) % 9) / 8 : NAN;
        }
        assert_ok(pareto_front(cost, value, n, front, err));
        for (size_t i = 0; i < n; i++) assert_int_equal(front[i], !beaten(cost, value, n, i));
    }
}

static void half_a_trial_is_on_no_front(void **state)
{
    (void)state;
    sweep_data *s;
    assert_ok(sweep_sample_make(data_folder, SWEEP_SAMPLE_SCENES, &s, err));
    s->trial[9].summary.main.value = 1; /* cheap and right, as far as it went */
    assert_ok(pareto_mark(s, err));
    assert_false(s->trial[9].pareto_flops || s->trial[9].pareto_latency);
    s->trial[9].summary.n_done = s->trial[9].summary.n_total;
    assert_ok(pareto_mark(s, err));
    for (int i = 0; i < s->n_trials; i++) {
        bool cheapest = s->trial[i].summary.flops < s->trial[9].summary.flops;
        assert_int_equal(s->trial[i].pareto_flops, i == 9 || cheapest);
    }
    sweep_sample_free(s);
}

static void set_answer(sweep_data *s, int trial, size_t i, const char *text)
{
    eval_result *e = (eval_result *)(uintptr_t)s->trial[trial].result[i];
    free(e->output);
    e->output = strdup(text);
}

static void dominated_means_beyond_doubt(void **state)
{
    (void)state;
    sweep_data *s;
    int by[SWEEP_SAMPLE_TRIALS];
    assert_ok(sweep_sample_make(data_folder, SWEEP_SAMPLE_SCENES, &s, err));
    /* 7 answers all, 8 (which costs more) none that 7 answers but a few, and 2 one less than 7 */
    for (size_t i = 0; i < s->n_samples; i++) {
        saint_sample x;
        assert_ok(saint_dataset_item(s->dataset, i, &x, err));
        const char *right = x.answers[0], *wrong = strcmp(right, "Yes") == 0 ? "No" : "Yes";
        set_answer(s, 7, i, right);
        set_answer(s, 8, i, i % 4 ? wrong : right);
        set_answer(s, 2, i, i == 5 ? wrong : right);
        saint_sample_free(&x);
    }
    for (int i = 0; i < s->n_trials; i++) {
        eval_summary_free(&s->trial[i].summary);
        assert_ok(
            eval_summarise(s->dataset, s->trial[i].result, i ? s->trial[0].result : NULL, s->wanted, s->parser, &s->trial[i].summary, err));
    }
    assert_ok(pareto_mark(s, err));
    assert_true(s->trial[7].pareto_flops && !s->trial[8].pareto_flops && !s->trial[2].pareto_flops);
    for (pareto_cost c = PARETO_FLOPS; c < PARETO_COSTS; c++) {
        assert_ok(pareto_dominated(s, c, by, err));
        assert_int_equal(by[8], 7);
        assert_int_equal(by[2], -1); /* one sample proves nothing */
        assert_int_equal(by[7], -1);
        assert_int_equal(by[9], -1);
    }
    saint_dataset *d = s->dataset;
    s->dataset = NULL;
    assert_ok(pareto_dominated(s, PARETO_FLOPS, by, err));
    for (int i = 0; i < s->n_trials; i++) assert_int_equal(by[i], -1);
    s->dataset = d;
    table *t;
    assert_ok(table_trials(s, &t, err));
    table_cell c = table_get(t, 8, table_find(t, "dominated_flops"));
    assert_true(c.kind == CELL_INTEGER && c.number == 7);
    assert_int_equal(table_get(t, 2, table_find(t, "dominated_flops")).kind, CELL_EMPTY);
    table_free(t);
    sweep_sample_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_pass_as_the_expression_says),
        cmocka_unit_test(not_takes_the_whole_comparison),
        cmocka_unit_test(what_is_not_understood_is_said),
        cmocka_unit_test(records_are_filtered_too),
        cmocka_unit_test(any_text_ends_well),
        cmocka_unit_test(the_front_is_what_nothing_beats),
        cmocka_unit_test(half_a_trial_is_on_no_front),
        cmocka_unit_test(dominated_means_beyond_doubt),
    };
    return cmocka_run_group_tests_name("export filter", tests, sweep_tables_make, sweep_tables_remove);
}
