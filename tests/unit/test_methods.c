/* What each method decides: the recorded cases of the published code, slow and obvious code, and the edges. */
#include "support/golden_prune.h"
#include "support/random.h"

#include "select/internal.h"

enum { MAX_N = 600 };
static const saint_stage VIT = SAINT_STAGE_VIT, LLM = SAINT_STAGE_LLM;

static saint_select_in tokens(saint_stage stage, const float *x, int n, int dim)
{
    return (saint_select_in){.stage = stage, .n = n, .dim = dim, .metric = x, .forced_drop = -1,
                             .p = {.keep_num = n, .r = 16, .K = 5, .sim_threshold = 0.75f, .gamma = 10, .keep_ratio = 0.5f}};
}

static saint_select_out run(const char *method, const saint_select_in *in)
{
    saint_select_out out;
    assert_ok(saint_select_run(saint_method_find(method), in, &out, err));
    return out;
}

static void expect_kept(const char *method, const saint_select_in *in, int n, const int32_t *want)
{
    saint_select_out out = run(method, in);
    assert_int_equal(out.n_keep, n);
    for (int i = 0; i < n; i++) assert_int_equal(out.kept[i], want[i]);
    saint_select_free(&out);
}
#define EXPECT(method, in, ...)                                            \
    do {                                                                   \
        const int32_t want_[] = {__VA_ARGS__};                             \
        expect_kept(method, in, (int)(sizeof want_ / sizeof *want_), want_); \
    } while (0)

static void recorded_cases_equal_the_published_functions(void **state)
{
    (void)state;
    golden_tally t = golden_run(SAINT_FIXTURE_DIR "/prune");
    assert_int_equal(t.failed, 0);
    assert_int_equal(t.exact + t.tied, 76);
}

static double cosine(const float *x, int dim, int i, int j)
{
    double xy = 0, xx = 0, yy = 0;
    for (int d = 0; d < dim; d++) {
        double u = (double)x[i * dim + d], v = (double)x[j * dim + d];
        xy += u * v, xx += u * u, yy += v * v;
    }
    return xx * yy > 0 ? xy / sqrt(xx * yy) : 0;
}

/* Selection sort: the highest score first, the first of equals. */
static void rank_tokens(const double *score, int n, int32_t *rank)
{
    for (int i = 0; i < n; i++) rank[i] = i;
    for (int k = 0; k < n; k++) {
        int best = k;
        for (int j = k + 1; j < n; j++)
            if (score[rank[j]] > score[rank[best]] || (score[rank[j]] == score[rank[best]] && rank[j] < rank[best])) best = j;
        int32_t t = rank[k];
        rank[k] = rank[best], rank[best] = t;
    }
}

/* --- saint_drop ------------------------------------------------------------------------------------------------------------------- */

static void slow_saint_drop(const saint_select_in *in, int drop, saint_select_out *out, int32_t *kept, int *n_kept)
{
    int n = in->n, n_a = (n + 1) / 2, n_b = n / 2, votes = 0;
    double score[MAX_N];
    int32_t rank[MAX_N];
    for (int a = 0; a < n_a; a++) {
        double hits = 0, all = 0;
        int c = 0;
        for (int b = 0; b < n_b; b++) {
            double s = cosine(in->metric, in->dim, 2 * a, 2 * b + 1);
            all += s;
            if (s >= (double)in->p.sim_threshold) hits += s, c++;
        }
        score[a] = c ? c * exp((double)in->p.gamma * (hits / c - (double)in->p.sim_threshold)) : all / n_b;
        votes += c >= in->p.K;
        assert_int_equal(out->neighbours[2 * a], c);
        assert_float_equal(out->score[2 * a], (float)score[a], (float)(2e-5 * fabs(score[a]) + 1e-6));
    }
    if (drop < 0) drop = votes;
    rank_tokens(score, n_a, rank);
    *n_kept = 0;
    bool dropped[MAX_N] = {0};
    for (int k = 0; k < drop; k++) dropped[2 * rank[k]] = true;
    if (in->stage == SAINT_STAGE_VIT && drop) {
        for (int k = drop; k < n_a; k++) kept[(*n_kept)++] = 2 * rank[k];
        for (int b = 0; b < n_b; b++) kept[(*n_kept)++] = 2 * b + 1;
    } else {
        for (int i = 0; i < n; i++)
            if (!dropped[i]) kept[(*n_kept)++] = i;
    }
    double gap = drop > 0 && drop < n_a ? score[rank[drop - 1]] - score[rank[drop]] : INFINITY;
    if (isinf(gap)) assert_true(isinf(out->margin));
    else assert_float_equal(out->margin, (float)gap, (float)(4e-5 * fabs(score[rank[0]])));
}

static void saint_drop_equals_slow_code(void **state)
{
    (void)state;
    uint64_t seed = 11;
    static float x[MAX_N * 48];
    int32_t kept[MAX_N];
    int sizes[] = {2, 3, 5, 16, 33, 64, 127, 130, 257};
    int dropped_some = 0, runs = 0;
    for (size_t t = 0; t < sizeof sizes / sizeof *sizes; t++)
        for (int v = 0; v < 8; v++) {
            int n = sizes[t], dim = (int[]){48, 17, 8, 3}[v % 4], n_kept;
            test_random_tokens(&seed, x, n, dim, 2 + n / 12, 0.6f);
            saint_select_in in = tokens(v & 1 ? LLM : VIT, x, n, dim);
            in.p.K = (int[]){5, 1, 0, 3}[v / 2];
            in.p.gamma = (float[]){10, 4, 0, -3}[v / 2];
            in.p.sim_threshold = (float[]){0.55f, 0.7f, 0.3f, 0.82f}[(v + (int)t) % 4];
            in.forced_drop = v == 6 ? n / 4 : -1;
            saint_select_out out = run("saint_drop", &in);
            slow_saint_drop(&in, in.forced_drop, &out, kept, &n_kept);
            assert_int_equal(out.n_keep, n_kept);
            assert_memory_equal(out.kept, kept, (size_t)n_kept * sizeof *kept);
            for (int i = 1; i < n; i += 2) {
                assert_true(isnan(out.score[i]));
                assert_int_equal(out.neighbours[i], -1);
                assert_int_equal(out.round[i], -1);
            }
            assert_int_equal(out.n_rounds, n_kept < n);
            dropped_some += n_kept < n;
            runs++;
            saint_select_free(&out);
        }
    assert_true(dropped_some > runs / 2);
}

static void saint_drop_at_its_edges(void **state)
{
    (void)state;
    float x[9 * 2];
    for (int i = 0; i < 9; i++) x[2 * i] = 1, x[2 * i + 1] = 2;
    saint_select_in in = tokens(LLM, x, 5, 2);
    in.p.K = 2;
    EXPECT("saint_drop", &in, 1, 3); /* all equal: every even token has both odd ones */
    in.stage = VIT;
    EXPECT("saint_drop", &in, 1, 3);
    in.p.K = 3; /* more than there are */
    EXPECT("saint_drop", &in, 0, 1, 2, 3, 4);
    in.forced_drop = 2; /* equal scores: the lower index goes first */
    EXPECT("saint_drop", &in, 4, 1, 3);
    in.forced_drop = 3;
    EXPECT("saint_drop", &in, 1, 3);
    in.forced_drop = -1;
    in.n = 1; /* a lone token has no partner and stays, at any K */
    in.p.K = 0;
    EXPECT("saint_drop", &in, 0);
    in.n = 2;
    EXPECT("saint_drop", &in, 1);
    in.p.K = 1;
    EXPECT("saint_drop", &in, 1);
    in.p.K = 2;
    EXPECT("saint_drop", &in, 0, 1);
    in.n = 0;
    saint_select_out out = run("saint_drop", &in);
    assert_int_equal(out.n_keep, 0);
    saint_select_free(&out);
}

static void thresholds_outside_of_cosines_are_exact(void **state)
{
    (void)state;
    uint64_t seed = 3;
    static float x[64 * 7];
    for (int i = 0; i < 64; i++) /* parallel and opposite rows of odd lengths: products round to both sides of 1 and -1 */
        for (int d = 0; d < 7; d++) x[i * 7 + d] = (float)(d + 1) * (i % 4 < 2 ? 1.0f : -1.0f) * (1.1f + test_random(&seed));
    for (int i = 0; i < 64; i++)
        for (int d = 1; d < 7; d++) x[i * 7 + d] = x[i * 7] * (float)(d + 1) * 0.37f;
    saint_select_in in = tokens(LLM, x, 64, 7);
    for (int v = 0; v < 5; v++) {
        in.p.sim_threshold = (float[]){-1.0f, -7.0f, 1.0001f, 40.0f, nextafterf(1.0f, 2.0f)}[v];
        saint_select_out out = run("saint_drop", &in);
        assert_int_equal(out.n_keep, v < 2 ? 32 : 64);
        for (int i = 0; i < 64; i += 2) assert_int_equal(out.neighbours[i], v < 2 ? 32 : 0);
        saint_select_free(&out);
    }
}

static void a_cosine_equal_to_the_threshold_counts(void **state)
{
    (void)state;
    static float x[40 * 2]; /* 20 partners: a full vector of them and a rest */
    for (int i = 0; i < 40; i++) x[2 * i + (i == 6)] = (float)(i + 1); /* one axis, but for token 6: products of exactly 1 and 0 */
    saint_select_in in = tokens(LLM, x, 40, 2);
    for (int tau = 0; tau < 2; tau++) {
        in.p.sim_threshold = (float)tau;
        saint_select_out out = run("saint_drop", &in);
        for (int i = 0; i < 40; i += 2) assert_int_equal(out.neighbours[i], i == 6 && tau ? 0 : 20);
        saint_select_free(&out);
    }
}

static void overflowing_scores_keep_an_order(void **state)
{
    (void)state;
    /* exp(gamma * .) is infinite for tokens 2, 4 and 6; 0 points away from everything and 8 has a finite score of 0. */
    float x[10 * 2] = {-1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0};
    saint_select_in in = tokens(VIT, x, 10, 2);
    in.p.gamma = 1e30f;
    in.p.K = 5;
    in.p.sim_threshold = 0.5f;
    saint_select_out out = run("saint_drop", &in);
    assert_true(isinf(out.score[2]) && isinf(out.score[4]) && isinf(out.score[6]) && isfinite(out.score[0]));
    assert_true(isinf(out.margin));
    saint_select_free(&out);
    EXPECT("saint_drop", &in, 8, 0, 1, 3, 5, 7, 9);
    in.forced_drop = 2; /* the first two of the infinite ones */
    EXPECT("saint_drop", &in, 6, 8, 0, 1, 3, 5, 7, 9);
    out = run("saint_drop", &in);
    assert_true(out.margin == 0);
    saint_select_free(&out);
    in.p.gamma = -1e30f; /* and underflow: scores of 0 still beat negative ones */
    in.forced_drop = 4;
    EXPECT("saint_drop", &in, 0, 1, 3, 5, 7, 9);
}

static void zero_keys_resemble_nothing(void **state)
{
    (void)state;
    float x[6 * 2] = {0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0};
    saint_select_in in = tokens(LLM, x, 6, 2);
    in.p.K = 1;
    in.p.sim_threshold = 0.5f;
    saint_select_out out = run("saint_drop", &in);
    assert_true(out.neighbours[0] == 0 && out.score[0] == 0 && out.neighbours[2] == 2);
    saint_select_free(&out);
    EXPECT("saint_drop", &in, 0, 1, 3, 5);
    in.p.keep_num = 2; /* the graph: the four parallel tokens go first */
    EXPECT("iterative_drop_full_graph", &in, 0, 5);
    for (int i = 0; i < 12; i++) x[i] *= 1e-42f; /* lengths whose squares f32 cannot hold */
    EXPECT("saint_drop", &in, 0, 1, 3, 5);
    for (int i = 0; i < 12; i++) x[i] *= 1e38f, x[i] *= 1e38f;
    EXPECT("saint_drop", &in, 0, 1, 3, 5);
}

static void vit_ignores_K_and_gamma_only_under_its_flag(void **state)
{
    (void)state;
    uint64_t seed = 8;
    static float x[100 * 16];
    test_random_tokens(&seed, x, 100, 16, 8, 0.5f);
    saint_select_in in = tokens(VIT, x, 100, 16), five_ten = in;
    five_ten.p.sim_threshold = in.p.sim_threshold = 0.6f;
    in.p.K = 3;
    in.p.gamma = 1;
    saint_select_out a = run("saint_drop", &in), b = run("saint_drop", &five_ten);
    assert_int_not_equal(a.n_keep, b.n_keep);
    saint_select_free(&a);
    in.compat = 1u << SAINT_COMPAT_VIT_DEFAULT_K_GAMMA;
    a = run("saint_drop", &in);
    assert_int_equal(a.n_keep, b.n_keep);
    assert_memory_equal(a.kept, b.kept, (size_t)a.n_keep * sizeof *a.kept);
    saint_select_free(&a);
    in.stage = LLM; /* the LLM code passes them */
    a = run("saint_drop", &in);
    assert_int_not_equal(a.n_keep, b.n_keep);
    saint_select_free(&a);
    saint_select_free(&b);
}

/* --- iterative_drop_full_graph ---------------------------------------------------------------------------------------------------- */

/* Returns the smallest gap at the cut of any round. */
static double slow_iterative(const saint_select_in *in, int16_t *round, int keep)
{
    int n = in->n, left = n, r = in->p.r;
    double margin = INFINITY;
    for (int i = 0; i < n; i++) round[i] = -1;
    for (int step = 0; left > keep; step++) {
        double score[MAX_N];
        int32_t rank[MAX_N];
        for (int i = 0; i < n; i++) {
            score[i] = round[i] < 0 ? 0 : -INFINITY;
            for (int j = 0; j < n && round[i] < 0; j++)
                if (round[j] < 0) score[i] += cosine(in->metric, in->dim, i, j);
        }
        rank_tokens(score, n, rank);
        int k = left / r < 1 ? 1 : left / r;
        if (k > left - keep) k = left - keep;
        for (int i = 0; i < k; i++) round[rank[i]] = (int16_t)step;
        if (k < left) margin = fmin(margin, score[rank[k - 1]] - score[rank[k]]);
        if (in->compat & 1u << SAINT_COMPAT_OVERWRITE_R) r = k;
        left -= k;
    }
    return margin;
}

static void iterative_equals_slow_code(void **state)
{
    (void)state;
    uint64_t seed = 21;
    static float x[MAX_N * 48];
    int16_t round[MAX_N];
    for (int v = 0; v < 24; v++) {
        int n = (int[]){1, 2, 7, 40, 65, 110}[v % 6], dim = (int[]){48, 5, 8}[v % 3], prefix = v % 2, keep = n * (v % 5) / 5;
        test_random_tokens(&seed, x, n, dim, 1 + n / 9, 0.8f);
        saint_select_in in = tokens(VIT, x, n, dim);
        in.n_prefix = prefix;
        in.p.keep_num = keep + prefix;
        in.p.r = (int[]){16, 1, 3, 1000}[v / 6];
        in.compat = v & 4 ? 1u << SAINT_COMPAT_OVERWRITE_R : 0;
        saint_select_out out = run("iterative_drop_full_graph", &in);
        double margin = slow_iterative(&in, round, keep);
        if (isinf(margin)) assert_true(isinf(out.margin));
        else assert_float_equal(out.margin, (float)margin, 2e-5f);
        assert_int_equal(out.n_keep, keep);
        assert_memory_equal(out.round, round, (size_t)n * sizeof *round);
        for (int k = 1; k < keep; k++) assert_true(out.kept[k] > out.kept[k - 1]);
        saint_select_free(&out);
    }
}

static void expect_steps(int n, int keep_num, int r, unsigned compat, const int *steps, int n_steps)
{
    uint64_t seed = 2;
    static float x[MAX_N * 8];
    test_random_tokens(&seed, x, n, 8, 30, 0.7f);
    saint_select_in in = tokens(VIT, x, n, 8);
    in.n_prefix = 1;
    in.p.keep_num = keep_num;
    in.p.r = r;
    in.compat = compat;
    saint_select_out out = run("iterative_drop_full_graph", &in);
    assert_int_equal(out.n_rounds, n_steps);
    for (int s = 0; s < n_steps; s++) {
        int count = 0;
        for (int i = 0; i < n; i++) count += out.round[i] == s;
        assert_int_equal(count, steps[s]);
    }
    saint_select_free(&out);
}

static void iterative_steps_are_the_documented_ones(void **state)
{
    (void)state;
    const int published[] = {36, 15, 35, 14, 34, 13, 33, 12, 9}, paper[] = {36, 33, 31, 29, 27, 26, 19}, ones[] = {1, 1, 1}, all[] = {201};
    unsigned overwrite = 1u << SAINT_COMPAT_OVERWRITE_R;
    expect_steps(576, 376, 16, overwrite, published, 9);
    expect_steps(576, 376, 16, 0, paper, 7);
    expect_steps(576, 376, 1, 0, all, 1);
    expect_steps(576, 376, 1, overwrite, all, 1);
    expect_steps(576, 574, 600, 0, ones, 3);                        /* r > n: one at a time */
    expect_steps(576, 574, 600, overwrite, (int[]){1, 2}, 2);       /* then the divisor is 1 */
}

static void iterative_drops_ties_in_order(void **state)
{
    (void)state;
    float x[7 * 3];
    for (int i = 0; i < 21; i++) x[i] = 1;
    saint_select_in in = tokens(VIT, x, 7, 3);
    in.p.keep_num = 3;
    in.p.r = 3;
    EXPECT("iterative_drop_full_graph", &in, 4, 5, 6);
    saint_select_out out = run("iterative_drop_full_graph", &in);
    assert_true(out.margin == 0);
    saint_select_free(&out);
    in.p.keep_num = -1; /* by ratio: half of 7 rounds up */
    EXPECT("iterative_drop_full_graph", &in, 3, 4, 5, 6);
}

/* --- random, grid ----------------------------------------------------------------------------------------------------------------- */

static void random_is_splitmix64_by_patch(void **state)
{
    (void)state;
    /* The first three outputs for seed 0, as published with the generator. */
    const uint64_t first[] = {0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f};
    saint_select_in in = tokens(VIT, NULL, 3, 0);
    saint_select_out out = run("random", &in);
    for (int i = 0; i < 3; i++) assert_true(out.score[i] == (float)(first[i] >> 40) * 0x1p-24f);
    saint_select_free(&out);
    in.p.keep_num = 2;
    EXPECT("random", &in, 1, 2);
    out = run("random", &in);
    assert_true(out.margin == (float)(first[0] - first[1]) * 0x1p-64f);
    saint_select_free(&out);
    in.p.keep_num = 1;
    EXPECT("random", &in, 2);
}

/* Ascending patch ids of the survivors. */
static void kept_patches(const char *method, const saint_select_in *in, bool *present)
{
    saint_select_out out = run(method, in);
    memset(present, 0, MAX_N * sizeof *present);
    for (int k = 0; k < out.n_keep; k++) {
        assert_true(k == 0 || out.kept[k] > out.kept[k - 1]); /* old order */
        present[in->patch ? in->patch[out.kept[k]] : out.kept[k]] = true;
    }
    saint_select_free(&out);
}

static void baselines_do_not_depend_on_the_order_and_nest(void **state)
{
    (void)state;
    int32_t shuffled[576];
    uint64_t seed = 4;
    for (int i = 0; i < 576; i++) shuffled[i] = i;
    for (int i = 575; i > 0; i--) {
        int j = (int)(test_random_bits(&seed) % (uint64_t)(i + 1));
        int32_t t = shuffled[i];
        shuffled[i] = shuffled[j], shuffled[j] = t;
    }
    for (int m = 0; m < 2; m++) {
        const char *name = m ? "grid" : "random";
        bool smaller[MAX_N] = {0}, a[MAX_N], b[MAX_N];
        for (int keep = 0; keep <= 576; keep += 36) {
            saint_select_in in = tokens(LLM, NULL, 576, 0);
            in.grid_w = in.grid_h = 24;
            in.p.seed = 99;
            in.p.keep_num = keep;
            kept_patches(name, &in, a);
            in.patch = shuffled;
            kept_patches(name, &in, b);
            assert_memory_equal(a, b, sizeof a);
            int count = 0;
            for (int i = 0; i < 576; i++) {
                count += a[i];
                assert_true(a[i] || !smaller[i]);
            }
            assert_int_equal(count, keep);
            memcpy(smaller, a, sizeof a);
        }
    }
    bool a[MAX_N], b[MAX_N]; /* another seed is another set */
    saint_select_in in = tokens(VIT, NULL, 576, 0);
    in.p.keep_num = 288;
    kept_patches("random", &in, a);
    in.p.seed = 1;
    kept_patches("random", &in, b);
    int common = 0;
    for (int i = 0; i < 576; i++) common += a[i] && b[i];
    assert_true(common > 144 - 50 && common < 144 + 50); /* 144 expected, standard deviation 6 */
}

static void rows_without_a_patch(void **state)
{
    (void)state;
    int32_t patch[] = {3, -1, 0, 1, -1, 2};
    saint_select_in in = tokens(LLM, NULL, 6, 0);
    in.patch = patch;
    in.grid_w = in.grid_h = 2;
    in.p.keep_num = 3;
    EXPECT("grid", &in, 1, 2, 4); /* text first, then patch 0 */
    saint_select_out out = run("random", &in); /* equal ranks: defined all the same */
    assert_int_equal(out.n_keep, 3);
    assert_true(out.score[1] == out.score[4]);
    saint_select_free(&out);
    for (int i = 0; i < 6; i++) patch[i] = -1; /* all equal: the first ones go */
    EXPECT("random", &in, 3, 4, 5);
    EXPECT("grid", &in, 3, 4, 5);
}

static void grid_is_even(void **state)
{
    (void)state;
    bool kept[MAX_N];
    saint_select_in in = tokens(VIT, NULL, 576, 0);
    in.grid_w = in.grid_h = 24;
    in.p.keep_num = 144; /* every second row and column */
    kept_patches("grid", &in, kept);
    for (int i = 0; i < 576; i++) assert_int_equal(kept[i], i % 2 == 0 && i / 24 % 2 == 0);
    in.p.keep_num = 288; /* the checkerboard */
    kept_patches("grid", &in, kept);
    for (int i = 0; i < 576; i++) assert_int_equal(kept[i], (i + i / 24) % 2 == 0);
    for (int keep = 0; keep <= 576; keep++) { /* nine blocks of 8 x 8 share any budget within one or two tokens of each other */
        in.p.keep_num = keep;
        kept_patches("grid", &in, kept);
        int low = 64, high = 0;
        for (int block = 0; block < 9; block++) {
            int count = 0;
            for (int i = 0; i < 64; i++) count += kept[(block / 3 * 8 + i / 8) * 24 + block % 3 * 8 + i % 8];
            if (count < low) low = count;
            if (count > high) high = count;
        }
        assert_true(high - low <= 1);
    }
}

static void grid_spreads_over_what_is_left(void **state)
{
    (void)state;
    int32_t patch[MAX_N];
    int n = 0;
    for (int i = 0; i < 14 * 14; i++)
        if (i % 14 < 9 && i % 5 != 2) patch[n++] = i; /* a ragged rest of a 14 x 14 grid */
    saint_select_in in = tokens(VIT, NULL, n, 0);
    in.patch = patch;
    in.grid_w = in.grid_h = 14;
    for (int keep = 0; keep <= n; keep++) {
        bool kept[MAX_N];
        in.p.keep_num = keep;
        kept_patches("grid", &in, kept);
        int top = 0, all_top = 0;
        for (int i = 0; i < n; i++) top += patch[i] < 98 && kept[patch[i]], all_top += patch[i] < 98;
        assert_true(abs(top * n - keep * all_top) <= 6 * n);
    }
    in.n = 3; /* a strip */
    in.grid_w = 3;
    in.grid_h = 1;
    in.patch = NULL;
    in.p.keep_num = 2;
    EXPECT("grid", &in, 0, 2);
}

/* --- tome ------------------------------------------------------------------------------------------------------------------------- */

static void tome_equals_slow_code(void **state)
{
    (void)state;
    uint64_t seed = 31;
    static float x[MAX_N * 24];
    int32_t rank[MAX_N], want[MAX_N];
    for (int v = 0; v < 24; v++) {
        int n = (int[]){2, 3, 9, 64, 131, 200}[v % 6], dim = (int[]){24, 7}[v % 2], prefix = v / 6 % 3, keep = n - n * (v % 4) / 6;
        test_random_tokens(&seed, x, n, dim, 2 + n / 5, 0.7f);
        saint_select_in in = tokens(VIT, x, n, dim);
        in.n_prefix = prefix;
        in.p.keep_num = keep + prefix;
        int r = n - keep < n / 2 ? n - keep : n / 2, n_want = 0;
        double score[MAX_N];
        int32_t partner[MAX_N];
        for (int i = 0; i < n; i++) { /* over positions of the whole sequence, as published; prefix rows have no similarity */
            score[i] = -INFINITY;
            if ((i + prefix) % 2) continue;
            for (int j = 0; j < n; j++)
                if ((j + prefix) % 2 && cosine(x, dim, i, j) > score[i]) score[i] = cosine(x, dim, i, j), partner[i] = j;
        }
        rank_tokens(score, n, rank);
        bool gone[MAX_N] = {0};
        for (int k = 0; k < r; k++) gone[rank[k]] = true;
        if (r == 0) {
            for (int i = 0; i < n; i++) want[n_want++] = i;
        } else {
            for (int k = 0; k < n; k++) { /* a: in old order behind a class token, else by score; -INFINITY = b */
                int i = prefix ? k : rank[k];
                if (!gone[i] && score[i] > -INFINITY) want[n_want++] = i;
            }
            for (int i = 0; i < n; i++)
                if (score[i] == -INFINITY) want[n_want++] = i;
        }
        saint_select_out out = run("tome", &in);
        assert_int_equal(out.n_keep, n - r);
        assert_int_equal(n_want, n - r);
        assert_memory_equal(out.kept, want, (size_t)n_want * sizeof *want);
        assert_int_equal(out.n_merge, r);
        for (int k = 0; k < r; k++) {
            assert_int_equal(out.merge[k].from, rank[k]);
            assert_int_equal(out.merge[k].into, partner[rank[k]]);
        }
        saint_select_free(&out);
    }
}

static void tome_at_its_edges(void **state)
{
    (void)state;
    float x[5 * 2] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, size[5] = {1, 4, 1, 2, 9};
    saint_select_in in = tokens(VIT, x, 5, 2);
    in.size = size;
    in.p.keep_num = 0; /* at most half: 2 of 5 */
    EXPECT("tome", &in, 4, 1, 3);
    saint_select_out out = run("tome", &in);
    assert_true(out.n_merge == 2 && out.merge[0].from == 0 && out.merge[0].into == 1 && out.merge[1].from == 2 && out.merge[1].into == 1);
    saint_select_free(&out);
    in.n_prefix = 1; /* the class token shifts parity: 1 and 3 are a */
    EXPECT("tome", &in, 0, 2, 4);
    in.p.keep_num = 5;
    EXPECT("tome", &in, 3, 0, 2, 4);
    in.p.keep_num = 6;
    EXPECT("tome", &in, 0, 1, 2, 3, 4);
    in.p.keep_num = 0;
    in.n = 1;
    EXPECT("tome", &in, 0);
    in.n = 2;
    EXPECT("tome", &in, 0);
    in.n_prefix = 0;
    EXPECT("tome", &in, 1);
}

/* --- attention -------------------------------------------------------------------------------------------------------------------- */

static void attention_methods_keep_the_top(void **state)
{
    (void)state;
    float a[7] = {0.1f, 0.3f, 0.3f, 0.05f, 0.2f, 0.3f, 0.0f};
    saint_select_in in = tokens(VIT, NULL, 7, 0);
    in.attention = a;
    in.n_prefix = 1;
    in.p.keep_num = 3; /* two of three equal ones: the lower indices */
    EXPECT("evit", &in, 1, 2);
    in.p.keep_num = 6;
    EXPECT("evit", &in, 1, 2, 5, 4, 0);
    in.p.keep_num = 8; /* nothing to choose: the order stays */
    EXPECT("evit", &in, 0, 1, 2, 3, 4, 5, 6);
    in.p.keep_num = -1; /* ceil(0.7 * 7) = 5 */
    in.p.keep_ratio = 0.7f;
    EXPECT("evit", &in, 1, 2, 5, 4, 0);
    saint_select_out out = run("evit", &in);
    assert_float_equal(out.margin, 0.05f, 1e-7f);
    assert_true(out.score[3] == a[3] && out.round[3] == 0 && out.round[0] == -1);
    saint_select_free(&out);
    in.stage = LLM;
    in.n_prefix = 0;
    in.p.keep_num = 4;
    EXPECT("fastv", &in, 1, 2, 4, 5);
    in.forced_drop = 5;
    EXPECT("fastv", &in, 1, 2);
}

/* --- all methods ------------------------------------------------------------------------------------------------------------------ */

static void every_method_at_every_edge(void **state)
{
    (void)state;
    uint64_t seed = 77;
    static float x[64 * 4], same[64 * 4], attention[64];
    int32_t patch[64];
    for (int i = 0; i < 64 * 4; i++) same[i] = 0.25f;
    for (int i = 0; i < 64; i++) attention[i] = test_random(&seed), patch[i] = i;
    test_random_tokens(&seed, x, 64, 4, 5, 0.5f);
    for (int m = 0; saint_method_at(m); m++)
        for (int n = 0; n <= 64; n = n < 4 ? n + 1 : n * 2 - 1)
            for (int v = 0; v < 12; v++) {
                const saint_method *method = saint_method_at(m);
                saint_select_in in = tokens(method->stages & 1u ? VIT : LLM, v & 1 ? same : x, n, 4);
                in.attention = v & 1 ? same : attention;
                in.patch = patch;
                in.grid_w = in.grid_h = 8;
                in.n_prefix = 1;
                in.p.keep_num = (int[]){0, 1, n / 2 + 1, n, n + 1, n + 50}[v / 2];
                in.p.K = v % 3;
                saint_select_out out = run(method->name, &in);
                int budget = in.p.keep_num - 1 < 0 ? 0 : in.p.keep_num - 1 > n ? n : in.p.keep_num - 1, n_drop = -1;
                if (method->merges && budget < n - n / 2) budget = n - n / 2;
                if (method->fixed_budget) assert_int_equal(out.n_keep, budget);
                assert_ok(method->count(&in, &n_drop, err));
                assert_int_equal(n_drop, n - out.n_keep);
                if (out.n_keep == n) {
                    for (int i = 0; i < n; i++) assert_int_equal(out.kept[i], i);
                    assert_true(isinf(out.margin) && out.n_rounds == 0);
                }
                assert_true(out.margin >= 0);
                saint_select_free(&out);
            }
}

static void the_same_input_gives_the_same_bits(void **state)
{
    (void)state;
    uint64_t seed = 6;
    static float x[3][200 * 32], attention[200];
    for (int b = 0; b < 3; b++) test_random_tokens(&seed, x[b], 200, 32, 20, 0.6f);
    for (int i = 0; i < 200; i++) attention[i] = test_random(&seed);
    for (int m = 0; saint_method_at(m); m++) {
        const saint_method *method = saint_method_at(m);
        saint_select_in in[3];
        saint_select_out batch[3];
        for (int b = 0; b < 3; b++) {
            in[b] = tokens(method->stages & 1u ? VIT : LLM, x[b], 200, 32);
            in[b].attention = attention;
            in[b].grid_w = in[b].grid_h = 15;
            in[b].p.keep_num = 120;
            in[b].p.sim_threshold = 0.5f;
        }
        assert_ok(saint_select_batch(method, in, 3, NULL, batch, err));
        for (int b = 2; b >= 0; b--) {
            saint_select_out one = run(method->name, &in[b]);
            assert_int_equal(one.n_keep, batch[b].n_keep);
            assert_memory_equal(one.kept, batch[b].kept, (size_t)one.n_keep * sizeof *one.kept);
            assert_memory_equal(one.score, batch[b].score, 200 * sizeof *one.score);
            assert_memory_equal(&one.margin, &batch[b].margin, sizeof one.margin);
            saint_select_free(&one);
            saint_select_free(&batch[b]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_cases_equal_the_published_functions),
        cmocka_unit_test(saint_drop_equals_slow_code),
        cmocka_unit_test(saint_drop_at_its_edges),
        cmocka_unit_test(thresholds_outside_of_cosines_are_exact),
        cmocka_unit_test(a_cosine_equal_to_the_threshold_counts),
        cmocka_unit_test(overflowing_scores_keep_an_order),
        cmocka_unit_test(zero_keys_resemble_nothing),
        cmocka_unit_test(vit_ignores_K_and_gamma_only_under_its_flag),
        cmocka_unit_test(iterative_equals_slow_code),
        cmocka_unit_test(iterative_steps_are_the_documented_ones),
        cmocka_unit_test(iterative_drops_ties_in_order),
        cmocka_unit_test(random_is_splitmix64_by_patch),
        cmocka_unit_test(baselines_do_not_depend_on_the_order_and_nest),
        cmocka_unit_test(rows_without_a_patch),
        cmocka_unit_test(grid_is_even),
        cmocka_unit_test(grid_spreads_over_what_is_left),
        cmocka_unit_test(tome_equals_slow_code),
        cmocka_unit_test(tome_at_its_edges),
        cmocka_unit_test(attention_methods_keep_the_top),
        cmocka_unit_test(every_method_at_every_edge),
        cmocka_unit_test(the_same_input_gives_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
