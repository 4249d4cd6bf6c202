/* The search that matches one plan to another, the knobs, and repeated measuring: against exhaustive search and binomial sums. */
#include "support/tiny.h"

#include <math.h>

#include "ui/compare/match.h"
#include "ui/speed/measure.h"

/* ---- the search --------------------------------------------------------------------------------------------------- */

static int search_table(match_search *s, const double *y, int lo)
{
    double x;
    int asked = 0;
    while (match_next(s, &x)) {
        assert_true(x >= s->lo && x <= s->hi && x == floor(x));
        match_put(s, x, y[(int)x - lo]);
        assert_true(++asked < 64);
    }
    return asked;
}

static void halving_finds_the_best_integer(void **state)
{
    (void)state;
    uint64_t rng = 9;
    for (int round = 0; round < 600; round++) {
        int n = 1 + pick(&rng, 600), lo = pick(&rng, 50) - 10;
        static double y[600];
        double value = pick(&rng, 100), slope = round & 1 ? 1 : -1; /* rising or falling, with steps of every size and flat parts */
        for (int i = 0; i < n; i++, value += pick(&rng, 3) ? 0.25 * pick(&rng, 40) * slope : 0) y[i] = value;
        double target = y[0] + (y[n - 1] - y[0]) * (0.01 * pick(&rng, 120) - 0.1), best = INFINITY;
        for (int i = 0; i < n; i++)
            if (fabs(y[i] - target) < best) best = fabs(y[i] - target);
        match_search s;
        match_begin(&s, lo, lo + n - 1, true, target, 0, 100);
        int asked = search_table(&s, y, lo);
        if (fabs(s.best_y - target) != best)
            fail_msg("round %d: %g at %g is %g off, the best is %g off", round, s.best_y, s.best_x, fabs(s.best_y - target), best);
        assert_true(s.best_y == y[(int)s.best_x - lo]);
        assert_true(asked <= 3 + (int)ceil(log2(n)));
        bool inside = (target >= y[0] && target <= y[n - 1]) || (target <= y[0] && target >= y[n - 1]);
        assert_int_equal(s.reached, inside);
    }
}

static double wave(double x) { return x + 0.3 * sin(9 * x); } /* leads from 0 to 1.1, not without turning back */

static void searches_of_shares_end_close(void **state)
{
    (void)state;
    match_search s;
    double x;
    for (int i = 0; i <= 20; i++) {
        double target = 1.1 * i / 20;
        match_begin(&s, 0, 1, false, target, 0, 60);
        while (match_next(&s, &x)) match_put(&s, x, wave(x));
        bool inside = target >= 0 && target <= wave(1);
        if (inside) assert_true(s.reached && fabs(s.best_y - target) < 1e-4);
        else assert_true(!s.reached && s.best_x == 1);
    }
    match_begin(&s, 0, 1, false, 0.4, 0.02, 60); /* near is enough */
    while (match_next(&s, &x)) match_put(&s, x, x);
    assert_true(s.reached && fabs(s.best_y - 0.4) <= 0.02 && s.n < 9);
    match_begin(&s, 0, 1, false, 0.4, 0, 4); /* few questions */
    while (match_next(&s, &x)) match_put(&s, x, x);
    assert_int_equal(s.n, 4);
    match_begin(&s, 0, 1, false, 0.4, 0, 20); /* a run that fails */
    assert_true(match_next(&s, &x));
    match_put(&s, x, 1);
    match_put(&s, 0, NAN);
    assert_true(s.done && !match_next(&s, &x) && s.best_y == 1);
    match_begin(&s, 1, 0, true, 0.4, 0, 20);
    assert_false(match_next(&s, &x));
    match_begin(&s, 0, 1, true, NAN, 0, 20);
    assert_false(match_next(&s, &x));
    match_begin(&s, 3, 3, true, 7, 0, 20); /* one value */
    assert_true(match_next(&s, &x) && x == 3);
    match_put(&s, 3, 5);
    assert_true(s.done && !s.reached && s.best_x == 3);
}

/* ---- the knob ----------------------------------------------------------------------------------------------------- */

static void expect_knobs(const saint_settings *s, const saint_model_info *m, const char *want)
{
    match_knob k[8];
    char text[1024] = "";
    int n = match_knobs(s, m, k, 8);
    for (int i = 0; i < n; i++) {
        size_t at = strlen(text);
        snprintf(text + at, sizeof text - at, "%s%.40s=%.3g/%d", i ? " " : "", k[i].key, k[i].now, k[i].layers);
        assert_true(k[i].lo < k[i].hi);
    }
    assert_string_equal(text, want);
}

static void knobs_are_what_the_plan_reads(void **state)
{
    (void)state;
    const saint_model_info *m = saint_model_get_info(llava);
    saint_settings s;
    saint_settings_default(&s);
    set_params(&s, "mode=hybrid", "use_saint=false", NULL);
    expect_knobs(&s, m, "");
    set_params(&s, "prune_mode[1]=iterative_drop_full_graph", "keep_num=40", "llm_prune_mode[0-2]=saint_drop", "saint_threshold=0.5", NULL);
    expect_knobs(&s, m, "keep_num=40/1 saint_threshold=0.5/3");
    set_param(&s, "saint_threshold[2]=0.75");
    expect_knobs(&s, m, "keep_num=40/1 saint_threshold[0]=0.5/1");
    set_params(&s, "keep_num=-1", "keep_ratio=0.25", "llm_prune_mode[2]=grid", "llm_keep_num=7", NULL);
    expect_knobs(&s, m, "llm_keep_num=7/1 keep_ratio=0.25/1 saint_threshold=0.5/2");
    match_knob k;
    saint_plan p;
    assert_int_equal(match_knobs(&s, m, &k, 1), 1);
    assert_ok(match_turn(&s, &k, 12, err));
    assert_ok(saint_plan_build(&p, &s, m, NULL, err));
    assert_int_equal(saint_plan_site(&p, SAINT_STAGE_LLM, 2)->p.keep_num, 12);
}

static void budget_site(uint64_t *rng, saint_settings *s, const saint_model_info *m, saint_stage stage, int layer)
{
    static const char *const names[2][4] = {{"prune_mode", "keep_num", "keep_ratio", "r"},
                                            {"llm_prune_mode", "llm_keep_num", "llm_keep_ratio", "llm_r"}};
    static const char *const methods[2][4] = {{"iterative_drop_full_graph", "random", "tome", "evit"},
                                              {"iterative_drop_full_graph", "random", "grid", "fastv"}};
    const char *const *name = names[stage == SAINT_STAGE_LLM];
    char text[96];
    snprintf(text, sizeof text, "%s[%d]=%s", name[0], layer, methods[stage == SAINT_STAGE_LLM][pick(rng, 4)]);
    set_param(s, text);
    set_number(s, name[1], layer, pick(rng, 2) ? -1 : 1 + pick(rng, m->grid_w * m->grid_h + 4));
    set_number(s, name[2], layer, 0.3 + 0.1 * pick(rng, 8));
    set_number(s, name[3], layer, 1 + pick(rng, 12));
}

static void predictions_are_what_runs_report(void **state)
{
    (void)state;
    saint_model *const models[] = {llava, timm, clip};
    uint64_t rng = 21;
    double seen;
    for (int k = 0; k < 3; k++) {
        const saint_model_info *m = saint_model_get_info(models[k]);
        saint_session *s = open_session(engine, models[k], 1 << 26);
        for (int round = 0; round < 40; round++) {
            saint_request q = plain_request(models[k], 1);
            q.max_new_tokens = 0;
            for (int i = 0; i < 2; i++) {
                budget_site(&rng, &q.settings, m, SAINT_STAGE_VIT, pick(&rng, m->vit_layers_run));
                if (m->llm_layers) budget_site(&rng, &q.settings, m, SAINT_STAGE_LLM, pick(&rng, m->llm_layers));
            }
            if (round % 7 == 0) set_param(&q.settings, "compat.overwrite_r=true");
            assert_true(match_predict(&q.settings, m, &seen));
            saint_trace *t = run_request(s, &q);
            if (seen != t->image[0].equivalent) fail_msg("model %d round %d: %g, the run %g", k, round, seen, t->image[0].equivalent);
            saint_trace_unref(t);
        }
        saint_request vote = plain_request(models[k], 1);
        set_param(&vote.settings, m->llm_layers ? "llm_prune_mode[1]=saint_drop" : "prune_mode[0]=saint_drop");
        assert_false(match_predict(&vote.settings, m, &seen));
        saint_session_close(s);
    }
    saint_request q = plain_request(llava, 1);
    set_params(&q.settings, "llm_prune_mode[1]=grid", "saint_sys_length=3", NULL); /* a window of the user's: only a run can tell */
    assert_false(match_predict(&q.settings, saint_model_get_info(llava), &seen));
}

static void the_best_budget_by_prediction_is_the_best_there_is(void **state)
{
    (void)state;
    const saint_model_info *m = saint_model_get_info(llava);
    saint_request q = plain_request(llava, 1);
    match_knob knob;
    match_search s;
    set_params(&q.settings, "prune_mode[0]=random", "keep_num=30", "llm_prune_mode[1]=grid", "llm_keep_ratio=0.6", NULL);
    assert_true(match_knobs(&q.settings, m, &knob, 1) == 1 && strcmp(knob.key, "keep_num") == 0);
    for (double target = 0; target < m->grid_w * m->grid_h; target += 2.7) {
        double best = INFINITY, x, y;
        for (x = knob.lo; x <= knob.hi; x++) {
            assert_ok(match_turn(&q.settings, &knob, x, err));
            assert_true(match_predict(&q.settings, m, &y));
            if (fabs(y - target) < best) best = fabs(y - target);
        }
        match_begin(&s, knob.lo, knob.hi, true, target, 0, 64);
        while (match_next(&s, &x)) {
            assert_ok(match_turn(&q.settings, &knob, x, err));
            assert_true(match_predict(&q.settings, m, &y));
            match_put(&s, x, y);
        }
        assert_true(fabs(s.best_y - target) == best);
    }
}

/* ---- measuring ---------------------------------------------------------------------------------------------------- */

/* P(low < median < high) for the k-th smallest and largest of n, by counting. */
static double coverage(int n, int k)
{
    double below = 0;
    for (int i = 0; i < k; i++) {
        double c = 1;
        for (int j = 0; j < i; j++) c = c * (n - j) / (j + 1);
        below += c * pow(0.5, n);
    }
    return 1 - 2 * below;
}

static void medians_have_intervals_of_order(void **state)
{
    (void)state;
    for (int n = 1; n <= MEASURE_MOST; n++) {
        double x[MEASURE_MOST];
        for (int i = 0; i < n; i++) x[(i * 7 + 3) % n] = i + 1; /* 1..n: a value is its rank; 7 shares a factor with some n */
        if (n % 7 == 0)
            for (int i = 0; i < n; i++) x[i] = n - i;
        measure_value v = measure_median(x, n);
        assert_true(v.n == n && v.median == (n + 1) / 2.0);
        int k = 0;
        while (k + 1 <= n / 2 && coverage(n, k + 1) >= 0.95) k++;
        if (k == 0) {
            assert_true(isnan(v.low) && isnan(v.high) && n < MEASURE_LEAST);
            continue;
        }
        assert_true(n >= MEASURE_LEAST);
        if (v.low != k || v.high != n + 1 - k) fail_msg("n %d: %g..%g, expected %d..%d", n, v.low, v.high, k, n + 1 - k);
    }
    assert_true(isnan(measure_median(NULL, 0).median));
}

static void plans_take_turns(void **state)
{
    (void)state;
    static measure_runs m;
    measure_begin(&m, 3, 1, 10, 0);
    int done, total;
    for (int i = 0; i < 33; i++) {
        measure_progress(&m, &done, &total);
        assert_true(done == i && total == 33);
        assert_int_equal(measure_next(&m), i % 3);
        assert_int_equal(m.n, i < 3 ? 0 : i / 3 - 1);
        measure_add(&m, &(saint_timings){.vit = i < 3 ? 1000 : i % 3 + 1 + 0.01 * (i / 3), .prefill = i % 3, .preprocess = 5, .decode = 2});
    }
    assert_int_equal(measure_next(&m), -1);
    measure_progress(&m, &done, &total);
    assert_true(m.done && m.n == 10 && done == total);
    measure_add(&m, &(saint_timings){.vit = 9}); /* late: does not count */
    assert_int_equal(m.n, 10);
    measure_value v = measure_of(&m, 1, MEASURE_ENCODER), f = measure_of(&m, 1, MEASURE_FIRST), all = measure_of(&m, 1, MEASURE_TOTAL),
                  r = measure_ratio(&m, 1, 2, MEASURE_PREFILL);
    assert_true(fabs(v.median - 2.055) < 1e-12 && fabs(v.low - 2.02) < 1e-12 && fabs(v.high - 2.09) < 1e-12); /* warm-up forgotten */
    assert_true(fabs(f.median - 3.055) < 1e-12 && fabs(all.median - 10.055) < 1e-12);
    assert_true(r.median == 2 && r.low == 2);
    assert_true(isnan(measure_ratio(&m, 0, 1, MEASURE_PREFILL).median)); /* nothing to divide by */
}

static void measuring_ends_when_it_knows(void **state)
{
    (void)state;
    static measure_runs m;
    uint64_t rng = 4;
    for (int noisy = 0; noisy < 2; noisy++) {
        measure_begin(&m, 2, 0, 40, 0.02);
        while (measure_next(&m) >= 0) measure_add(&m, &(saint_timings){.vit = 1 + (noisy ? 0.5 : 0.01) * pick(&rng, 100) / 100.0});
        if (noisy) assert_true(m.n > 8);
        else assert_int_equal(m.n, MEASURE_LEAST);
        for (int p = 0; p < 2 && m.n < 40; p++) {
            measure_value v = measure_of(&m, p, MEASURE_TOTAL);
            assert_true(v.high - v.low <= 0.04 * v.median);
        }
    }
    measure_begin(&m, 0, 1, 10, 0);
    assert_int_equal(measure_next(&m), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halving_finds_the_best_integer),
        cmocka_unit_test(searches_of_shares_end_close),
        cmocka_unit_test(knobs_are_what_the_plan_reads),
        cmocka_unit_test(predictions_are_what_runs_report),
        cmocka_unit_test(the_best_budget_by_prediction_is_the_best_there_is),
        cmocka_unit_test(medians_have_intervals_of_order),
        cmocka_unit_test(plans_take_turns),
        cmocka_unit_test(measuring_ends_when_it_knows),
    };
    return run_tiny_group("tests", tests, sizeof tests / sizeof *tests);
}
