/* The table of methods, ordered keys, the checked call and the batch. What each method decides is in test_methods.c. */
#include "support/test.h"

#include <math.h>

#include "select/internal.h"
#include "support/random.h"

static void the_table_is_consistent(void **state)
{
    (void)state;
    const char *order[] = {"saint_drop", "iterative_drop_full_graph", "random", "grid", "tome", "evit", "fastv"};
    int n = (int)(sizeof order / sizeof *order);
    for (int i = 0; i < n; i++) {
        const saint_method *m = saint_method_at(i);
        assert_non_null(m);
        assert_string_equal(m->name, order[i]);
        assert_ptr_equal(saint_method_find(order[i]), m);
        assert_int_equal(saint_method_index(m), i);
        assert_true(strlen(m->summary) > 10 && strlen(m->reference) > 5);
        assert_true(m->stages && m->count && m->select);
        assert_true(!m->fixed_budget || m->params & SAINT_PARAM_KEEP_NUM);
        assert_true(!m->reads_text || m->stages == 1u << SAINT_STAGE_LLM);
    }
    assert_null(saint_method_at(n));
    assert_null(saint_method_at(-1));
    assert_null(saint_method_find("saint"));
    assert_null(saint_method_find(NULL));
    saint_method other = *saint_method_at(0);
    assert_int_equal(saint_method_index(&other), -1);
    assert_int_equal(saint_method_index(NULL), -1);
}

static int descending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

static void keys_order_by_score_then_index(void **state)
{
    (void)state;
    float ladder[] = {INFINITY, 3.5f, 1.0f, 1e-45f, 0.0f, -1e-45f, -1.0f, -3.5f, -INFINITY};
    for (int i = 0; i + 1 < (int)(sizeof ladder / sizeof *ladder); i++) {
        assert_true(saint_order_key(ladder[i], 32766) > saint_order_key(ladder[i + 1], 0));
        assert_true(saint_order_key(ladder[i], 4) > saint_order_key(ladder[i], 5));
    }
    assert_true(saint_order_key(-0.0f, 3) == saint_order_key(0.0f, 3));
    for (int32_t i = 0; i < 40000; i += 111) assert_int_equal(saint_order_index(saint_order_key(-2.0f, i)), i);
}

static void sort_equals_qsort(void **state)
{
    (void)state;
    uint64_t seed = 1, key[700], want[700], tmp[700];
    for (int n = 0; n < 700; n += n < 40 ? 1 : 37) {
        for (int kind = 0; kind < 3; kind++) {
            for (int i = 0; i < n; i++) {
                float score = kind == 0 ? test_random(&seed) * 1e3f : kind == 1 ? (float)(test_random_bits(&seed) % 3) : 1.5f;
                key[i] = kind == 0 && i % 7 == 3 ? test_random_bits(&seed) : saint_order_key(score, (i * 7919) % 32768);
                want[i] = key[i];
            }
            qsort(want, (size_t)n, sizeof *want, descending);
            saint_order_sort(key, tmp, n);
            assert_memory_equal(key, want, (size_t)n * sizeof *key);
        }
    }
}

static void margin_is_the_gap_at_the_cut(void **state)
{
    (void)state;
    float score[] = {2, INFINITY, INFINITY, -1, -INFINITY, -INFINITY};
    uint64_t key[6], tmp[6];
    for (int i = 0; i < 6; i++) key[i] = saint_order_key(score[i], i);
    saint_order_sort(key, tmp, 6);
    float want[] = {INFINITY, 0, INFINITY, 3, INFINITY, 0, INFINITY};
    for (int cut = 0; cut <= 6; cut++) {
        float margin = saint_order_margin(key, 6, cut, score);
        assert_true(margin == want[cut]);
    }
}

static void budgets_count_the_prefix(void **state)
{
    (void)state;
    struct {
        int n, prefix, keep_num;
        float ratio;
        int forced, drop;
    } c[] = {{576, 1, 376, 0, -1, 201},    {576, 0, 376, 0, -1, 200},  {576, 1, 577, 0, -1, 0},   {576, 1, 9999, 0, -1, 0},
             {576, 1, 1, 0, -1, 576},      {576, 1, 0, 0, -1, 576},    {576, 2, 1, 0, -1, 576},   {576, 1, INT32_MAX, 0, -1, 0},
             {576, 1, -1, 0.5f, -1, 288},  {196, 1, -1, 0.7f, -1, 58}, {10, 1, -1, 0.6f, -1, 4},  {10, 0, -1, 0.61f, -1, 3},
             {5, 0, -1, 0.0f, -1, 5},      {5, 0, -1, 1.0f, -1, 0},    {30000, 0, -1, 0.3f, -1, 21000}, {1, 0, -1, 0.001f, -1, 0},
             {576, 1, 376, 0, 17, 17},     {0, 1, 5, 0, -1, 0}};
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        saint_select_in in = {.n = c[i].n, .n_prefix = c[i].prefix, .forced_drop = c[i].forced,
                              .p = {.keep_num = c[i].keep_num, .keep_ratio = c[i].ratio}};
        assert_int_equal(saint_budget_drop(&in), c[i].drop);
    }
}

/* A valid input of six tokens for any method. */
static float METRIC[6 * 2] = {1, 0, 0, 1, 1, 1, -1, 0, 0, -1, 2, 1};
static float ATTENTION[6] = {0.1f, 0.2f, 0.3f, 0.15f, 0.05f, 0.2f};
static saint_select_in valid_in(void)
{
    return (saint_select_in){.stage = SAINT_STAGE_VIT, .n = 6, .dim = 2, .n_prefix = 1, .metric = METRIC, .attention = ATTENTION,
                             .grid_w = 3, .grid_h = 2, .forced_drop = -1,
                             .p = {.keep_num = 4, .r = 2, .K = 1, .sim_threshold = 0.5f, .gamma = 10, .keep_ratio = 0.5f}};
}

static void refuse(const char *method, const saint_select_in *in, const char *word)
{
    saint_select_out out;
    saint_error e = {0};
    memset(&out, 0x5a, sizeof out);
    assert_int_equal(saint_select_run(saint_method_find(method), in, &out, &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, word));
    assert_null(out.kept); /* nothing to free */
    assert_int_equal(out.n_keep, 0);
}

static void bad_input_is_refused_by_name(void **state)
{
    (void)state;
    saint_select_in in;
#define REFUSE(method, change, word) in = valid_in(), change, refuse(method, &in, word)
    REFUSE("saint_drop", in.n = -1, "found -1");
    REFUSE("saint_drop", in.n = 32768, "32767");
    REFUSE("saint_drop", in.dim = 0, "width");
    REFUSE("saint_drop", in.n_prefix = -1, "n_prefix");
    REFUSE("saint_drop", in.p.K = -1, "K must");
    REFUSE("saint_drop", in.p.gamma = INFINITY, "gamma");
    REFUSE("saint_drop", in.p.sim_threshold = NAN, "sim_threshold");
    REFUSE("saint_drop", in.metric = NULL, "no metric");
    REFUSE("saint_drop", in.forced_drop = 4, "at most the 3");
    REFUSE("saint_drop", (in.n = 1, in.forced_drop = 1), "at most the 0");
    REFUSE("saint_drop", in.forced_drop = 7, "forced_drop");
    REFUSE("saint_drop", in.forced_drop = -2, "forced_drop");
    REFUSE("saint_drop", in.stage = (saint_stage)2, "stage");
    REFUSE("iterative_drop_full_graph", in.p.r = 0, "r must");
    REFUSE("iterative_drop_full_graph", in.p.keep_num = -2, "keep_num");
    REFUSE("iterative_drop_full_graph", in.metric = NULL, "no metric");
    REFUSE("random", (in.p.keep_num = -1, in.p.keep_ratio = 1.01f), "keep_ratio");
    REFUSE("random", (in.p.keep_num = -1, in.p.keep_ratio = NAN), "keep_ratio");
    REFUSE("random", (in.p.keep_num = -1, in.p.keep_ratio = -0.01f), "keep_ratio");
    REFUSE("grid", in.grid_w = 0, "0 x 2");
    REFUSE("grid", in.grid_h = 5000, "3 x 5000");
    REFUSE("grid", in.grid_h = 1, "row 3 is patch 3");
    REFUSE("tome", in.stage = SAINT_STAGE_LLM, "LLM");
    REFUSE("tome", in.metric = NULL, "no metric");
    REFUSE("tome", in.forced_drop = 4, "at most 3");
    REFUSE("tome", in.size = ((float[]){1, 1, 0, 1, 1, 1}), "row 2");
    REFUSE("evit", in.attention = NULL, "class token");
    REFUSE("evit", in.attention = ((float[]){0, 0, 0, 0, INFINITY, 0}), "row 4");
    REFUSE("fastv", in.stage = SAINT_STAGE_VIT, "ViT");
    REFUSE("fastv", (in.stage = SAINT_STAGE_LLM, in.attention = NULL), "last prompt token");
#undef REFUSE
    for (int i = 0; saint_method_at(i); i++) { /* whoever gets a metric gets it checked, and an unused bad parameter is no obstacle */
        float bad[12];
        memcpy(bad, METRIC, sizeof bad);
        bad[7] = i % 2 ? NAN : -INFINITY;
        in = valid_in();
        if (!(saint_method_at(i)->stages & 1u)) in.stage = SAINT_STAGE_LLM;
        in.metric = bad;
        refuse(saint_method_at(i)->name, &in, "row 3");
    }
}

static void unused_parameters_do_not_matter(void **state)
{
    (void)state;
    for (int i = 0; saint_method_at(i); i++) {
        const saint_method *m = saint_method_at(i);
        saint_select_in in = valid_in();
        if (!(m->stages & 1u)) in.stage = SAINT_STAGE_LLM;
        if (!(m->params & SAINT_PARAM_KEEP_NUM)) in.p.keep_num = -77;
        in.p.keep_ratio = NAN; /* keep_num rules */
        if (!(m->params & SAINT_PARAM_R)) in.p.r = -1;
        if (!(m->params & SAINT_PARAM_K)) in.p.K = -1;
        if (!(m->params & SAINT_PARAM_SIM_THRESHOLD)) in.p.sim_threshold = NAN;
        if (!(m->params & SAINT_PARAM_GAMMA)) in.p.gamma = NAN;
        if (!m->reads_attention) in.attention = NULL;
        saint_select_out out;
        assert_ok(saint_select_run(m, &in, &out, err));
        if (m->fixed_budget) assert_int_equal(out.n_keep, 3);
        int n_drop = -1;
        assert_ok(m->count(&in, &n_drop, err));
        assert_int_equal(n_drop, in.n - out.n_keep);
        saint_select_free(&out);
    }
}

/* Methods that break the contract in one way each; what.n_prefix says which. */
static saint_status broken_select(const saint_select_in *in, saint_select_out *out, saint_error *err)
{
    (void)err;
    int n = in->n, how = in->n_prefix;
    out->n_rounds = 1;
    for (int i = 0; i < n; i++) out->round[i] = i < 2 ? 0 : -1;
    for (int i = 2; i < n; i++) out->kept[out->n_keep++] = i;
    out->merge[out->n_merge++] = (saint_merge){0, 2};
    out->merge[out->n_merge++] = (saint_merge){1, 2};
    if (how == 1) out->n_keep = n + 1;
    if (how == 2) out->n_keep = -1;
    if (how == 3) out->kept[1] = out->kept[0];
    if (how == 4) out->kept[0] = n;
    if (how == 5) out->kept[0] = -1;
    if (how == 6) out->round[2] = 0;        /* survives and dropped */
    if (how == 7) out->round[0] = -1;       /* neither */
    if (how == 8) out->round[0] = 1;        /* a round that never was */
    if (how == 9) out->merge[1].from = 0;   /* merged twice */
    if (how == 10) out->merge[0].from = 3;  /* a survivor merged away */
    if (how == 11) out->merge[0].into = 1;  /* into a dropped one */
    if (how == 12) out->merge[0].into = n;
    if (how == 13) out->merge[0].from = -1;
    if (how == 14) out->n_merge = n + 1;
    if (how == 15) out->n_keep--, out->round[n - 1] = 0; /* not the number it was told */
    return SAINT_OK;
}

static void results_are_verified(void **state)
{
    (void)state;
    saint_method m = {.name = "broken", .stages = 1, .merges = true, .select = broken_select};
    saint_select_out out;
    saint_select_in in = valid_in();
    in.forced_drop = 2;
    in.n_prefix = 0;
    assert_ok(saint_select_run(&m, &in, &out, err));
    assert_int_equal(out.n_merge, 2);
    saint_select_free(&out);
    for (int how = 1; how <= 15; how++) {
        saint_error e = {0};
        in.n_prefix = how;
        if (saint_select_run(&m, &in, &out, &e) != SAINT_INVALID) fail_msg("breach %d went through", how);
        assert_non_null(strstr(e.text, "broken"));
        assert_null(out.kept);
    }
    in.n_prefix = 0;
    m.merges = false;
    assert_int_equal(saint_select_run(&m, &in, &out, NULL), SAINT_INVALID); /* merges although its row says it does not */
}

static void out_starts_empty(void **state)
{
    (void)state;
    saint_select_in in = valid_in();
    saint_select_out out;
    in.p.keep_num = 7; /* all */
    assert_ok(saint_select_run(saint_method_find("iterative_drop_full_graph"), &in, &out, err));
    assert_int_equal(out.n_keep, 6);
    assert_int_equal(out.n_rounds, 0);
    assert_int_equal(out.n_merge, 0);
    assert_true(out.margin == INFINITY);
    for (int i = 0; i < 6; i++) {
        assert_true(isnan(out.score[i]));
        assert_int_equal(out.neighbours[i], -1);
        assert_int_equal(out.round[i], -1);
    }
    saint_select_free(&out);
    saint_select_free(&out); /* twice is harmless */
    saint_select_free(NULL);
}

/* Image k of a batch: tokens 0..4 k alike, the others orthogonal, so that saint_drop counts 2 k + 1 at K = 1. */
enum { BN = 20 };
static void batch_image(float *x, int k)
{
    memset(x, 0, BN * BN * sizeof *x);
    for (int i = 0; i < BN; i++) x[i * BN + (i < 4 * k + 2 ? 0 : i)] = 1;
}

static void threads_change_nothing_in_a_batch(void **state)
{
    (void)state;
    enum { IMAGES = 9, N = 60, DIM = 16 };
    static float x[IMAGES][N * DIM];
    saint_pool *pool;
    saint_select_in in[IMAGES];
    saint_select_out one[IMAGES], many[IMAGES];
    uint64_t rng = 5;
    assert_ok(saint_pool_create(&pool, 4, err));
    for (int k = 0; k < IMAGES; k++) {
        test_random_tokens(&rng, x[k], N, DIM, 4, 0.3f);
        in[k] = valid_in();
        in[k].n = N - k;
        in[k].dim = DIM;
        in[k].metric = x[k];
        in[k].p.sim_threshold = 0.6f;
        in[k].p.K = 1;
    }
    const saint_method *m = saint_method_find("saint_drop");
    assert_ok(saint_select_batch(m, in, IMAGES, NULL, one, err));
    assert_ok(saint_select_batch(m, in, IMAGES, pool, many, err));
    int dropped = 0;
    for (int k = 0; k < IMAGES; k++) {
        assert_int_equal(one[k].n_keep, many[k].n_keep);
        assert_memory_equal(one[k].kept, many[k].kept, (size_t)one[k].n_keep * sizeof *one[k].kept);
        assert_memory_equal(one[k].score, many[k].score, (size_t)in[k].n * sizeof *one[k].score);
        dropped += in[k].n - one[k].n_keep;
        saint_select_free(&one[k]);
        saint_select_free(&many[k]);
    }
    assert_true(dropped > IMAGES);
    /* The first picture with an error is the one that is told. */
    saint_error e;
    x[5][2 * DIM] = NAN;
    x[7][9 * DIM] = NAN;
    assert_int_equal(saint_select_batch(m, in, IMAGES, pool, many, &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, "row 2 "));
    for (int k = 0; k < IMAGES; k++) assert_null(many[k].kept);
    saint_pool_destroy(pool);
}

static void a_batch_drops_the_mean_only_under_its_flag(void **state)
{
    (void)state;
    static float x[4][BN * BN];
    saint_select_in in[4];
    saint_select_out out[4];
    const saint_method *m = saint_method_find("saint_drop");
    int own[4] = {1, 3, 5, 7};
    for (int flag = 0; flag < 2; flag++)
        for (int stage = 0; stage < 2; stage++)
            for (int images = 0; images <= 4; images++) {
                int sum = 0;
                for (int k = 0; k < images; k++) {
                    batch_image(x[k], k);
                    in[k] = valid_in();
                    in[k].stage = (saint_stage)stage;
                    in[k].n = in[k].dim = BN;
                    in[k].metric = x[k];
                    in[k].compat = flag ? 1u << SAINT_COMPAT_BATCH_MEAN_RATE : 0;
                    sum += own[k];
                }
                assert_ok(saint_select_batch(m, in, images, NULL, out, err));
                for (int k = 0; k < images; k++) {
                    assert_int_equal(out[k].n_keep, BN - (flag && stage == SAINT_STAGE_VIT ? sum / images : own[k]));
                    saint_select_free(&out[k]);
                }
            }
    /* 1 + 3 = 2 each, not 2.5 rounded; a ragged batch has no published meaning. */
    in[0].compat = in[1].compat = 1u << SAINT_COMPAT_BATCH_MEAN_RATE;
    in[0].stage = in[1].stage = SAINT_STAGE_VIT;
    in[1].n = BN - 1;
    saint_error e;
    assert_int_equal(saint_select_batch(m, in, 2, NULL, out, &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, "batch_mean_rate"));
    in[0].p.keep_num = in[1].p.keep_num = 9; /* a fixed budget is no rate: each image its own */
    assert_ok(saint_select_batch(saint_method_find("random"), in, 2, NULL, out, err));
    assert_true(out[0].n_keep == 8 && out[1].n_keep == 8);
    saint_select_free(&out[0]);
    saint_select_free(&out[1]);
    in[0].compat = in[1].compat = 0;
    assert_ok(saint_select_batch(m, in, 2, NULL, out, err));
    saint_select_free(&out[0]);
    saint_select_free(&out[1]);
    assert_int_equal(saint_select_batch(m, in, -1, NULL, out, NULL), SAINT_INVALID);
}

static void a_failed_batch_leaves_nothing(void **state)
{
    (void)state;
    saint_select_in in[3] = {valid_in(), valid_in(), valid_in()};
    saint_select_out out[3];
    float bad[12] = {1, NAN};
    in[2].metric = bad;
    for (int flag = 0; flag < 2; flag++) {
        for (int k = 0; k < 3; k++) in[k].compat = flag ? 1u << SAINT_COMPAT_BATCH_MEAN_RATE : 0;
        memset(out, 0x5a, sizeof out);
        assert_int_equal(saint_select_batch(saint_method_find("saint_drop"), in, 3, NULL, out, NULL), SAINT_INVALID);
        for (int k = 0; k < 3; k++) assert_null(out[k].kept);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_consistent),      cmocka_unit_test(keys_order_by_score_then_index),
        cmocka_unit_test(sort_equals_qsort),            cmocka_unit_test(margin_is_the_gap_at_the_cut),
        cmocka_unit_test(budgets_count_the_prefix),     cmocka_unit_test(bad_input_is_refused_by_name),
        cmocka_unit_test(unused_parameters_do_not_matter), cmocka_unit_test(results_are_verified),
        cmocka_unit_test(out_starts_empty),             cmocka_unit_test(threads_change_nothing_in_a_batch),
        cmocka_unit_test(a_batch_drops_the_mean_only_under_its_flag),
        cmocka_unit_test(a_failed_batch_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
