/* Summaries of hand-made records against numbers that NumPy and SciPy computed from the same formulas. */
#define _GNU_SOURCE
#include <math.h>

#include "support/data_files.h"

#include "eval/summary.h"

enum { N = 80 }; /* 40 pictures, two questions each; every other one is about colours */

static eval_result mine[N], theirs[N];
static const eval_result *result[N], *base[N];

static char *answer(int i, bool right) { return strdup((i % 2 == 0) == right ? "Yes" : "No"); }

static void fill(eval_result *r, int i, bool right, double seconds)
{
    *r = (eval_result){
        .sample = (uint32_t)i, .output = answer(i, right), .diverged = -2, .kl = NAN, .margin = NAN, .text = 20, .vit_in = 576};
    r->s_total = seconds;
    r->timing_valid = true;
}

static saint_dataset *make_records(void)
{
    char name[64];
    for (int p = 0; p < N / 2; p++) {
        snprintf(name, sizeof name, "s/%s/%02d.txt", p < 20 ? "color" : "count", p);
        data_write(name, "Is it?\tYes\nIs it not?\tNo\n");
    }
    saint_dataset *d = data_open("scenes", "s");
    assert_int_equal(saint_dataset_count(d), N);
    for (int i = 0; i < N; i++) {
        bool right = i * 7 % 5 != 0, base_right = i * 3 % 7 != 0;
        fill(&theirs[i], i, base_right, 0.020 + 0.002 * (i * 11 % 19));
        theirs[i].diverged = -1;
        theirs[i].kl = 0;
        theirs[i].flops_vit = 2e9 + 3e7 * i;
        base[i] = &theirs[i];
        eval_result *r = &mine[i];
        fill(r, i, right, 0.010 + 0.001 * (i * 13 % 17));
        r->s_vit = 0.001 * i;
        r->timing_valid = i % 11 != 3;
        r->kl = (float)(0.01 * (i * 5 % 9));
        r->diverged = right == base_right ? -1 : i % 4;
        r->flops_vit = 5e8;
        r->flops_prefill = 5e8 + 1e7 * i;
        r->llm_in = 300;
        r->llm_out = 100 + i;
        r->vit_out = 300;
        result[i] = r;
    }
    free(mine[10].output);
    mine[10].output = strdup("");
    mine[10].state = EVAL_ERROR;
    result[77] = result[78] = result[79] = NULL;
    return d;
}

static void free_records(void)
{
    for (int i = 0; i < N; i++) {
        eval_result_free(&mine[i]);
        eval_result_free(&theirs[i]);
    }
}

static void is(const char *what, double got, double want)
{
    if (!(fabs(got - want) <= 1e-9 * fmax(1e-3, fabs(want)))) fail_msg("%s: %.17g, expected %.17g", what, got, want);
}

static void errors_are_wrong_answers_where_one_says_so(void **state)
{
    (void)state;
    eval_summary s, w;
    saint_dataset *d = make_records();
    assert_ok(eval_summarise(d, result, base, NULL, SAINT_PARSER_LMMS, &s, err));
    assert_ok(eval_summarise_errors_as_wrong(d, result, base, NULL, SAINT_PARSER_LMMS, &w, err));
    assert_true(w.n_error == 1 && s.main.n == 76 && w.main.n == 77 && w.base.n == 77);
    is("right answers", w.main.value * 77, s.main.value * 76);
    assert_true(w.base.loss - s.base.loss + w.base.tie - s.base.tie == 1 && w.base.win == s.base.win);
    is("KL", w.kl.value, s.kl.value); /* it said nothing that could agree */
    is("FLOPs", w.flops, s.flops);
    eval_summary_free(&s);
    eval_summary_free(&w);
    free_records();
    saint_dataset_close(d);
}

static void numbers_are_those_of_scipy(void **state)
{
    (void)state;
    eval_summary s;
    saint_dataset *d = make_records();
    assert_ok(eval_summarise(d, result, base, NULL, SAINT_PARSER_LMMS, &s, err));
    assert_true(s.n_total == 80 && s.n_done == 77 && s.n_error == 1);
    assert_string_equal(s.main_name, "accuracy");
    is("accuracy", s.main.value, 0.8026315789473685);
    is("accuracy low", s.main.low, 0.7220072115155514);
    is("accuracy high", s.main.high, 0.8832559463791856);
    is("total", saint_score_metric(&s.score.all, "total")->v.value, 278.50877192982455);
    is("difference", s.base.diff, -0.05263157894736842);
    is("difference low", s.base.low, -0.15863541984020005);
    is("difference high", s.base.high, 0.05337226194546321);
    is("difference p", s.base.p, 0.32119465640208583);
    assert_true(s.base.win == 8 && s.base.loss == 12 && s.base.n == 76);
    is("McNemar", s.mcnemar, 0.5034446716308594);
    assert_true(isnan(s.holm));
    is("agreement", s.agreement.value, 0.7368421052631579);
    is("agreement low", s.agreement.low, 0.6388576451726203);
    is("agreement high", s.agreement.high, 0.8348265653536954);
    is("KL", s.kl.value, 0.039078946887074334);
    is("KL low", s.kl.low, 0.03473914825957905);
    is("KL high", s.kl.high, 0.04341874551456962);
    is("diverged", s.diverged, 1.45);
    is("FLOPs", s.flops, 1383684210.5263157);
    is("FLOPs ratio", s.flops_ratio, 0.43911808919325207);
    is("ViT FLOPs", s.flops_vit, 5e8);
    is("keep ratio", s.keep_ratio, 0.2402229532163742);
    assert_int_equal(s.lat_n, 69);
    is("latency", s.latency.value, 0.017681159420289853);
    is("latency low", s.latency.low, 0.016529429198857123);
    is("latency high", s.latency.high, 0.018832889641722583);
    is("latency sd", s.lat_sd, 0.004983775894378467);
    is("p50", s.p50, 0.018);
    is("p90", s.p90, 0.025);
    assert_true(isnan(s.p99)); /* 69 samples say nothing about it */
    is("throughput", s.throughput, 56.55737704918033);
    is("speed-up", s.speedup.value, 2.1065573770491803);
    assert_true(s.speedup.low < 2.1065 && s.speedup.low > 1.5 && s.speedup.high > 2.1066 && s.speedup.high < 3);
    assert_string_equal(s.speedup.method, "bootstrap");
    eval_summary_free(&s);
    saint_dataset_close(d);
    free_records();
}

/* Any subset as the caller asks; records outside of it are not even looked at. */
static void only_wanted_samples_count(void **state)
{
    (void)state;
    bool wanted[N] = {false};
    eval_summary s, all;
    saint_dataset *d = make_records();
    for (int i = 0; i < 20; i++) wanted[i] = i != 5;
    mine[40].output[0] = '?';
    assert_ok(eval_summarise(d, result, base, wanted, SAINT_PARSER_LMMS, &s, err));
    assert_true(s.n_total == 19 && s.n_done == 19 && s.n_error == 1 && s.score.n == 18);
    assert_int_equal(s.base.n, 18);
    assert_true(isnan(s.p90) && !isnan(s.p50));
    is("FLOPs", s.flops, 1e9 + 1e7 * (19 * 20 / 2 - 5 - 10) / 18);
    assert_true(s.main.n == 18);
    /* nine clusters: no interval is invented */
    for (int i = 18; i < 20; i++) wanted[i] = false;
    wanted[10] = wanted[11] = false;
    eval_summary_free(&s);
    assert_ok(eval_summarise(d, result, base, wanted, SAINT_PARSER_LMMS, &s, err));
    assert_true(isnan(s.kl.low) && isnan(s.latency.low) && isnan(s.speedup.low) && !isnan(s.kl.value) && !isnan(s.speedup.value));
    assert_true(isnan(s.base.low));
    eval_summary_free(&s);
    /* times of different runs are of different days, and make no speed-up */
    assert_ok(eval_summarise(d, result, base, NULL, SAINT_PARSER_LMMS, &all, err));
    for (int i = 0; i < N; i++) mine[i].attempt = 7;
    assert_ok(eval_summarise(d, result, base, NULL, SAINT_PARSER_LMMS, &s, err));
    assert_true(isnan(s.speedup.value) && s.apart == all.speedup.n && all.apart == 0);
    assert_true(s.lat_n == all.lat_n && s.latency.value == all.latency.value);
    eval_summary_free(&s);
    size_t pairs = 0;
    for (int i = 0; i < 30; i++) {
        theirs[i].attempt = 7;
        pairs += result[i] && base[i] && mine[i].state == EVAL_OK && theirs[i].state == EVAL_OK && mine[i].timing_valid && theirs[i].timing_valid;
    }
    assert_ok(eval_summarise(d, result, base, NULL, SAINT_PARSER_LMMS, &s, err));
    assert_true(pairs > 2 && s.speedup.n == pairs && s.apart == all.speedup.n - pairs);
    eval_summary_free(&s);
    eval_summary_free(&all);
    for (int i = 0; i < N; i++) mine[i].attempt = theirs[i].attempt = 0;
    /* the same numbers from any address and in any state of memory */
    assert_ok(eval_summarise(d, result, base, NULL, SAINT_PARSER_LMMS, &s, err));
    assert_ok(eval_summarise(d, result, base, NULL, SAINT_PARSER_LMMS, &all, err));
    assert_memory_equal(&s.agreement, &all.agreement, sizeof s.agreement);
    assert_memory_equal(&s.speedup, &all.speedup, sizeof s.speedup);
    eval_summary_free(&s);
    eval_summary_free(&all);
    saint_dataset_close(d);
    free_records();
}

static void the_baseline_stands_alone(void **state)
{
    (void)state;
    eval_summary s;
    saint_dataset *d = make_records();
    assert_ok(eval_summarise(d, base, NULL, NULL, SAINT_PARSER_LMMS, &s, err));
    assert_int_equal(s.base.n, 0);
    assert_true(isnan(s.base.diff) && isnan(s.mcnemar) && isnan(s.flops_ratio) && isnan(s.speedup.value));
    is("agreement", s.agreement.value, 1); /* as the records themselves say */
    is("KL", s.kl.value, 0);
    assert_true(isnan(s.diverged));
    eval_summary_free(&s);
    assert_ok(eval_summarise(d, base, base, NULL, SAINT_PARSER_LMMS, &s, err));
    assert_true(s.base.diff == 0 && s.base.tie == N && s.mcnemar == 1 && s.flops_ratio == 1 && s.speedup.value == 1);
    eval_summary_free(&s);
    const eval_result *none[N] = {NULL};
    assert_ok(eval_summarise(d, none, base, NULL, SAINT_PARSER_LMMS, &s, err));
    assert_true(s.n_total == N && s.n_done == 0 && s.score.n == 0 && s.main_name[0] == 0 && isnan(s.main.value) && isnan(s.flops));
    cJSON *o = eval_summary_json(&s);
    assert_non_null(o);
    cJSON_Delete(o);
    eval_summary_free(&s);
    saint_dataset_close(d);
    free_records();
}

static void pictures_without_answers_have_fidelity(void **state)
{
    (void)state;
    eval_summary s;
    for (int i = 0; i < 12; i++) {
        char name[32];
        snprintf(name, sizeof name, "pictures/%02d.png", i);
        data_write(name, "");
    }
    saint_dataset *d = data_open("images", "pictures");
    for (int i = 0; i < 12; i++) {
        fill(&mine[i], i, i % 3 == 0, 1);
        fill(&theirs[i], i, true, 2);
        result[i] = &mine[i];
        base[i] = &theirs[i];
    }
    assert_ok(eval_summarise(d, result, base, NULL, SAINT_PARSER_LMMS, &s, err));
    assert_true(s.score.n == 0 && s.main_name[0] == 0 && s.base.n == 0);
    is("agreement", s.agreement.value, 1.0 / 3);
    is("speed-up", s.speedup.value, 2);
    cJSON *o = eval_summary_json(&s);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(o, "metrics")), 0);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(o, "main")));
    assert_int_equal(cJSON_GetObjectItem(o, "n")->valueint, 12);
    cJSON_Delete(o);
    eval_summary_free(&s);
    saint_dataset_close(d);
    for (int i = 0; i < 12; i++) {
        eval_result_free(&mine[i]);
        eval_result_free(&theirs[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_scipy),
        cmocka_unit_test(errors_are_wrong_answers_where_one_says_so),
        cmocka_unit_test(only_wanted_samples_count),
        cmocka_unit_test(the_baseline_stands_alone),
        cmocka_unit_test(pictures_without_answers_have_fidelity),
    };
    return cmocka_run_group_tests(tests, data_make, data_remove);
}
