/* Two plans as numbers, against computations made another way. */
#include "support/tiny.h"

#include <math.h>

#include "eval/fidelity.h"
#include "ui/compare/compare.h"

/* ---- tokens ------------------------------------------------------------------------------------------------------- */

static void overlaps_count_sets(void **state)
{
    (void)state;
    uint64_t rng = 5;
    compare_overlap sum = {0};
    double all_both = 0, all_any = 0;
    for (int round = 0; round < 50; round++) {
        uint8_t a[200], b[200];
        int n = 1 + pick(&rng, 200), size_a = 0, size_b = 0, meet = 0;
        for (int i = 0; i < n; i++) {
            size_a += a[i] = (uint8_t)(pick(&rng, 3) > 0);
            size_b += b[i] = (uint8_t)(pick(&rng, 2));
            meet += a[i] * b[i];
        }
        compare_overlap o = compare_masks(a, b, n);
        assert_int_equal(o.both, meet);
        assert_int_equal(o.only_a, size_a - meet);
        assert_int_equal(o.only_b, size_b - meet);
        assert_int_equal(o.both + o.only_a + o.only_b + o.neither, n);
        if (size_a + size_b > meet) assert_true(fabs(o.jaccard - (double)meet / (size_a + size_b - meet)) < 1e-15);
        compare_add(&sum, &o);
        all_both += meet;
        all_any += size_a + size_b - meet;
    }
    assert_true(fabs(sum.jaccard - all_both / all_any) < 1e-15);
    uint8_t none[4] = {0}, some[4] = {1, 0, 1, 0};
    assert_true(isnan(compare_masks(none, none, 4).jaccard));
    assert_true(isnan(compare_masks(none, none, 0).jaccard));
    assert_true(compare_masks(some, some, 4).jaccard == 1 && compare_masks(some, none, 4).jaccard == 0);
}

/* ---- answers ------------------------------------------------------------------------------------------------------ */

/* Probabilities first, then the textbook sum, in extended precision. */
static double kl_of(const float *a, const float *b, int n)
{
    long double za = 0, zb = 0, ma = -INFINITY, mb = -INFINITY, kl = 0;
    for (int i = 0; i < n; i++) {
        if (a[i] > ma) ma = a[i];
        if (b[i] > mb) mb = b[i];
    }
    for (int i = 0; i < n; i++) {
        za += expl(a[i] - ma);
        zb += expl(b[i] - mb);
    }
    for (int i = 0; i < n; i++) {
        long double p = expl(a[i] - ma) / za, q = expl(b[i] - mb) / zb;
        if (p > 0) kl += p * logl(p / q);
    }
    return (double)kl;
}

static void divergence_is_that_of_the_probabilities(void **state)
{
    (void)state;
    enum { N = 700 };
    static float a[N], b[N];
    uint64_t rng = 77;
    for (int round = 0; round < 40; round++) {
        float scale = round % 4 == 0 ? 40.0f : 3.0f, shift = round % 3 == 0 ? 5000.0f : round % 3 == 1 ? -5000.0f : 0.0f;
        for (int i = 0; i < N; i++) {
            a[i] = shift + scale * (float)(test_random_bits(&rng) >> 40) * 0x1p-24f;
            b[i] = a[i] - 2 * shift + (float)(test_random_bits(&rng) >> 40) * 0x1p-24f;
        }
        double want = kl_of(a, b, N), got = fidelity_kl(a, b, N);
        if (fabs(got - want) > 1e-9 * (1 + want)) fail_msg("round %d: %.15g, expected %.15g", round, got, want);
        assert_true(got >= 0);
        assert_true(fidelity_kl(a, a, N) < 1e-12);
    }
    a[3] = INFINITY;
    assert_true(isnan(fidelity_kl(a, b, N)) && isnan(fidelity_kl(b, a, N)));
    a[3] = NAN;
    assert_true(isnan(fidelity_kl(a, b, N)));
    assert_true(isnan(fidelity_kl(b, b, 0)));
    const float two[2] = {0, 0}, sure[2] = {800, 0};
    assert_true(fabs(fidelity_kl(two, sure, 2) - (0.5 * 800 - log(2))) < 1e-9); /* exp(800) would overflow */
    assert_true(fabs(fidelity_kl(sure, two, 2) - log(2)) < 1e-12);
    assert_true(fabs(fidelity_probability(two, 2, 1) - 0.5) < 1e-15 && isnan(fidelity_probability(two, 2, 2)));
    const float tie[3] = {1, 2, 2};
    assert_int_equal(fidelity_top(tie, 3), 1);
    assert_int_equal(fidelity_top(tie, 0), -1);
}

static saint_trace *answer_of(const int32_t *ids, int n, const char *stop)
{
    saint_trace *t = saint_trace_new(1);
    assert_non_null(t);
    t->image[0].ids = malloc((size_t)(n + 1) * sizeof *ids);
    if (n) memcpy(t->image[0].ids, ids, (size_t)n * sizeof *ids);
    t->image[0].n_ids = n;
    t->image[0].stop = stop;
    return t;
}

static void the_first_token_that_differs(void **state)
{
    (void)state;
    const int32_t one[] = {5, 7, 9, 2}, two[] = {5, 7, 8, 2};
    const struct {
        const int32_t *a, *b;
        int n_a, n_b;
        const char *stop_a, *stop_b;
        int want;
    } cases[] = {{one, one, 4, 4, "eos", "eos", COMPARE_SAME},
                 {one, two, 4, 4, "eos", "length", 2},
                 {one, two, 2, 2, "eos", "eos", COMPARE_SAME},
                 {one, one, 4, 3, "eos", "eos", 3},
                 {one, two, 0, 2, "eos", "eos", 0},
                 {one, one, 0, 0, "eos", "eos", COMPARE_SAME},
                 {one, one, 0, 0, "", "", COMPARE_UNKNOWN},
                 {one, one, 4, 0, "eos", "", COMPARE_UNKNOWN}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        saint_trace *a = answer_of(cases[i].a, cases[i].n_a, cases[i].stop_a), *b = answer_of(cases[i].b, cases[i].n_b, cases[i].stop_b);
        compare_answers r = compare_answers_of(a, b);
        if (r.diverged != cases[i].want) fail_msg("case %zu: %d, expected %d", i, r.diverged, cases[i].want);
        assert_true(isnan(r.kl) && r.top_a == -1);
        saint_trace_unref(a);
        saint_trace_unref(b);
    }
    assert_int_equal(compare_answers_of(NULL, NULL).diverged, COMPARE_UNKNOWN);
}

/* ---- real runs ---------------------------------------------------------------------------------------------------- */

static void answers_of_runs(void **state)
{
    (void)state;
    saint_session *s = open_session(engine, llava, 0);
    saint_request full = plain_request(llava, 1), less = busy_request(llava, 1);
    saint_trace *a = run_request(s, &full), *b = run_request(s, &less);
    compare_answers r = compare_answers_of(a, b);
    const saint_trace_image *x = &a->image[0], *y = &b->image[0];
    assert_true(fabs(r.kl - kl_of(x->logits, y->logits, x->n_logits)) < 1e-9 && r.kl > 0);
    assert_int_equal(r.top_a, x->ids[0]);
    assert_int_equal(r.top_b, y->ids[0]);
    assert_true(r.p_a > 0 && r.p_a < 1);
    saint_trace_unref(a);
    saint_trace_unref(b);
    saint_session_close(s);
}

/* ---- settings ----------------------------------------------------------------------------------------------------- */

static void expect_difference(const saint_settings *a, const saint_settings *b, const char *want)
{
    compare_difference d[24];
    char text[4096] = "";
    int n = compare_settings(a, b, saint_model_get_info(llava), d, 24);
    assert_true(n >= 0 && n <= 24);
    for (int i = 0; i < n; i++) {
        size_t at = strlen(text);
        snprintf(text + at, sizeof text - at, "%s%.56s: %.32s > %.32s", i ? "; " : "", d[i].key, d[i].a, d[i].b);
    }
    assert_string_equal(text, want);
}

static void differences_name_what_acts(void **state)
{
    (void)state;
    saint_settings a, b;
    saint_settings_default(&a);
    set_param(&a, "use_saint=false");
    b = a;
    expect_difference(&a, &b, "");
    set_params(&b, "prune_mode[1]=iterative_drop_full_graph", "keep_num=40", NULL);
    expect_difference(&a, &b, "prune_mode[1]: None > iterative_drop_full_graph; keep_num[1]: - > 40; r[1]: - > 16");
    a = b;
    set_param(&a, "sim_threshold=0.2"); /* nobody reads it */
    expect_difference(&a, &b, "");
    set_params(&b, "keep_num=-1", "keep_ratio=0.5", NULL);
    expect_difference(&a, &b, "keep_num[1]: 40 > -; keep_ratio[1]: - > 0.5");
    a = b;
    set_params(&b, "llm_prune_mode[0-2]=saint_drop", "saint_threshold=0.9", "saint_threshold[1]=0.8", "compat.overwrite_r=true",
               "saint_sys_length=4", NULL);
    expect_difference(&a, &b,
                      "llm_prune_mode[0-2]: None > saint_drop; saint_threshold[0]: - > 0.9; saint_threshold[1]: - > 0.8; "
                      "saint_threshold[2]: - > 0.9; saint_K[0-2]: - > 5; saint_gamma[0-2]: - > 10; compat.overwrite_r: false > true; "
                      "saint_sys_length: derived > 4");
    a = b;
    b.hand = (saint_hand){.on = 1, .stage = SAINT_STAGE_LLM, .layer = 2, .keep = {7, 1}};
    expect_difference(&a, &b,
                      "llm_prune_mode[2]: saint_drop > hand; saint_threshold[2]: 0.9 > -; saint_K[2]: 5 > -; saint_gamma[2]: 10 > -; "
                      "tokens chosen by hand: - > 4 at LLM 2");
    a = b;
    saint_hand_mark(&b.hand, 9, true);
    expect_difference(&a, &b, "tokens chosen by hand: 4 at LLM 2 > 5 at LLM 2");
    a.hand.on = b.hand.on = 0; /* nothing of it acts */
    expect_difference(&a, &b, "");
    b = a;
    set_param(&b, "prune_mode[77]=grid"); /* no such layer */
    compare_difference d[2];
    assert_int_equal(compare_settings(&a, &b, saint_model_get_info(llava), d, 2), -1);
}

static void plans_in_a_few_words(void **state)
{
    (void)state;
    const saint_model_info *m = saint_model_get_info(llava);
    saint_settings s;
    char text[200], cut[16];
    saint_settings_default(&s);
    set_param(&s, "use_saint=false");
    assert_string_equal(compare_summary(&s, m, text, sizeof text), "no pruning");
    set_params(&s, "prune_mode[1]=iterative_drop_full_graph", "keep_num=40", "llm_prune_mode[0-2]=saint_drop", "saint_threshold=0.9", NULL);
    assert_string_equal(compare_summary(&s, m, text, sizeof text), "ViT 1 iterative_drop_full_graph 40, LLM 0-2 saint_drop 0.9");
    set_params(&s, "saint_threshold[1]=0.8", "llm_prune_mode[3]=random", "keep_num=-1", "keep_ratio=0.25", NULL);
    assert_string_equal(
        compare_summary(&s, m, text, sizeof text),
        "ViT 1 iterative_drop_full_graph 0.25, LLM 0 saint_drop 0.9, LLM 1 saint_drop 0.8, LLM 2 saint_drop 0.9, LLM 3 random 0.9");
    assert_string_equal(compare_summary(&s, m, cut, sizeof cut), "ViT 1 iterative");
    s.hand = (saint_hand){.on = 1, .stage = SAINT_STAGE_LLM, .layer = 2, .keep = {7, 1}};
    compare_summary(&s, m, text, sizeof text);
    assert_non_null(strstr(text, "LLM 2 hand, LLM 3"));
    set_param(&s, "prune_mode[77]=grid");
    assert_string_equal(compare_summary(&s, m, text, sizeof text), "refused");
}

/* Assigning every difference to A makes a plan that is B's to the last byte. */
static void differences_turn_one_plan_into_the_other(void **state)
{
    (void)state;
    const saint_model_info *m = saint_model_get_info(llava);
    uint64_t rng = 3;
    int lines = 0;
    for (int round = 0; round < 150; round++) {
        saint_settings s[2];
        compare_difference d[200];
        saint_plan plan[3];
        for (int k = 0; k < 2; k++) {
            saint_settings_default(&s[k]);
            set_params(&s[k], "mode=hybrid", "use_saint=false", NULL);
            for (int i = 0; i < 3; i++) {
                random_site(&rng, &s[k], m, SAINT_STAGE_VIT, pick(&rng, m->vit_layers_run));
                random_site(&rng, &s[k], m, SAINT_STAGE_LLM, pick(&rng, m->llm_layers));
            }
            if (pick(&rng, 3) == 0) set_param(&s[k], "compat=reference");
        }
        for (int k = 0; k < 2; k++) assert_ok(saint_plan_build(&plan[k], &s[k], m, NULL, err));
        int n = compare_settings(&s[0], &s[1], m, d, 200);
        assert_true(n >= 0 && n <= 200);
        lines += n;
        for (int i = 0; i < n; i++) {
            const char *share = strstr(d[i].key, "keep_ratio");
            if (strcmp(d[i].b, "-") == 0) continue;
            assert_ok(saint_settings_set(&s[0], d[i].key, d[i].b, err));
            char number[COMPARE_KEY]; /* a share counts where no number is given */
            snprintf(number, sizeof number, "%s%s", share == d[i].key ? "keep_num" : "llm_keep_num", share ? share + 10 : "");
            if (share) assert_ok(saint_settings_set(&s[0], number, "-1", err));
        }
        assert_ok(saint_plan_build(&plan[2], &s[0], m, NULL, err));
        for (int i = 0; i < plan[2].n_sites; i++) /* a share that the budget's number makes idle is no difference */
            for (int k = 1; k < 3; k++)
                if (plan[k].site[i].p.keep_num >= 0) plan[k].site[i].p.keep_ratio = 0;
        if (memcmp(&plan[1], &plan[2], sizeof plan[1]) != 0) fail_msg("round %d: %d differences do not lead to the other plan", round, n);
    }
    assert_true(lines > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overlaps_count_sets),
        cmocka_unit_test(divergence_is_that_of_the_probabilities),
        cmocka_unit_test(the_first_token_that_differs),
        cmocka_unit_test(answers_of_runs),
        cmocka_unit_test(differences_name_what_acts),
        cmocka_unit_test(plans_in_a_few_words),
        cmocka_unit_test(differences_turn_one_plan_into_the_other),
    };
    return run_tiny_group("tests", tests, sizeof tests / sizeof *tests);
}
