/* Token selection on the device against the methods' own code: published cases, random matrices, ragged batches, windows, quirks, ties. */
#include "gpu/device_select.h"

#include "base/file.h"
#include "support/golden_prune.h"

static saint_backend *device;
static device_select how;
static uint64_t seed = 17;

static int pick(int n) { return (int)(test_random_bits(&seed) % (uint64_t)n); }

static saint_status by_device(const saint_method *m, const saint_select_in *in, int n_images, saint_select_out *out, saint_error *err)
{
    return device_select_batch(&how, m, in, n_images, out, err);
}

static void published_cases_are_the_published_lists(void **state)
{
    (void)state;
    how = (device_select){.b = device, .width = 4, .seed = 1};
    golden_tally t = golden_run_by(SAINT_FIXTURE_DIR "/prune", by_device);
    assert_int_equal(t.failed, 0);
    assert_true(t.exact + t.tied > 3);
#if defined SAINT_SHARED_DIR && !defined SAINT_WATCHED
    if (!saint_file_exists(SAINT_SHARED_DIR "/golden/prune/cases.json")) return;
    t = golden_run_by(SAINT_SHARED_DIR "/golden/prune", by_device);
    assert_int_equal(t.failed, 0);
    assert_int_equal(t.exact + t.tied, 215);
#endif
}

typedef struct {
    int compared, same_bits, close;
} tally;

/* The lists; scores to the last bits, which exp() may round otherwise. Where the cut was close nothing is demanded of a list. */
static void compare_outcomes(const char *what, const saint_select_in *in, const saint_select_out *a, const saint_select_out *b, int n_images, tally *t)
{
    for (int s = 0; s < n_images; s++) {
        bool same = a[s].n_keep == b[s].n_keep && memcmp(a[s].kept, b[s].kept, (size_t)a[s].n_keep * sizeof *a[s].kept) == 0;
        bool close = !(b[s].margin > 1e-4f);
        t->compared++;
        t->same_bits += same && (in[s].n == 0 || memcmp(a[s].score, b[s].score, (size_t)in[s].n * sizeof *a[s].score) == 0);
        t->close += close;
        if (!same && !close) fail_msg("%s, picture %d of %d tokens: other survivors (%d and %d), margin %g", what, s, in[s].n, a[s].n_keep, b[s].n_keep, (double)b[s].margin);
        if (!same) continue;
        assert_int_equal(a[s].n_rounds, b[s].n_rounds);
        assert_int_equal(a[s].n_merge, b[s].n_merge);
        assert_memory_equal(a[s].round, b[s].round, (size_t)in[s].n * sizeof *a[s].round);
        assert_memory_equal(a[s].neighbours, b[s].neighbours, (size_t)in[s].n * sizeof *a[s].neighbours);
        if (a[s].n_merge) assert_memory_equal(a[s].merge, b[s].merge, (size_t)a[s].n_merge * sizeof *a[s].merge);
        for (int i = 0; i < in[s].n; i++) {
            float x = a[s].score[i], y = b[s].score[i];
            if (isnan(x) != isnan(y) || fabsf(x - y) > 1e-6f * fmaxf(1, fabsf(y))) fail_msg("%s: score %d is %.9g, expected %.9g", what, i, (double)x, (double)y);
        }
        if (!(a[s].margin == b[s].margin || fabsf(a[s].margin - b[s].margin) <= 1e-5f)) fail_msg("%s: margin %g, expected %g", what, (double)a[s].margin, (double)b[s].margin);
    }
}

enum { MOST_IMAGES = 4 };

/* Random tokens of up to four pictures. `same`: as many in each. */
typedef struct {
    saint_select_in in[MOST_IMAGES];
    void *owned[4 * MOST_IMAGES];
    int n_owned, n_images;
} batch;

static void *own(batch *b, void *p) { return b->owned[b->n_owned++] = p; }

static batch make_batch(const saint_method *m, int n_images, int n, int dim, int prefix, bool same, saint_stage stage)
{
    batch b = {.n_images = n_images};
    saint_method_params p = {.keep_num = pick(3) ? pick(n + prefix + 3) : -1, .r = 1 + pick(20), .K = pick(7), .sim_threshold = 0.2f + 0.15f * (float)pick(6),
                             .gamma = (float)pick(14), .keep_ratio = 0.1f * (float)pick(11), .seed = (uint64_t)pick(4)};
    if (pick(9) == 0) p.sim_threshold = pick(2) ? -2 : 1.5f; /* all, none */
    if (p.keep_num < 0 && !(m->params & SAINT_PARAM_KEEP_RATIO)) p.keep_num = 0;
    unsigned compat = (unsigned)pick(2) << SAINT_COMPAT_OVERWRITE_R | (unsigned)pick(2) << SAINT_COMPAT_VIT_DEFAULT_K_GAMMA |
                      (unsigned)(same && pick(2)) << SAINT_COMPAT_BATCH_MEAN_RATE;
    int grid = 1;
    while (grid * grid < n) grid++;
    int clusters = 1 + pick(1 + n / 3);
    for (int s = 0; s < n_images; s++) {
        int k = same || n < 2 ? n : n - pick(n);
        float *metric = own(&b, calloc((size_t)(k * dim) + 1, sizeof *metric)), *size = own(&b, calloc((size_t)k + 1, sizeof *size));
        float *attention = own(&b, calloc((size_t)k + 1, sizeof *attention));
        int32_t *patch = own(&b, calloc((size_t)k + 1, sizeof *patch));
        test_random_tokens(&seed, metric, k, dim, clusters, 0.4f);
        for (int i = 0; i < k; i++) {
            if (i && pick(30) == 0) memcpy(metric + i * dim, metric + pick(i) * dim, (size_t)dim * sizeof *metric); /* twins tie */
            if (pick(60) == 0) memset(metric + i * dim, 0, (size_t)dim * sizeof *metric);
            attention[i] = fabsf(test_random(&seed)) / (float)k;
            size[i] = (float)(1 + pick(3));
            patch[i] = i;
        }
        for (int i = k - 1; i > 0; i--) { /* in an order that earlier sites left */
            int j = pick(i + 1);
            int32_t t = patch[i];
            patch[i] = patch[j];
            patch[j] = t;
        }
        b.in[s] = (saint_select_in){.stage = stage, .n = k, .dim = dim, .n_prefix = prefix, .metric = metric, .attention = attention, .size = size, .patch = patch,
                                    .grid_w = grid, .grid_h = grid, .p = p, .compat = compat, .forced_drop = -1};
    }
    return b;
}

static void free_batch(batch *b)
{
    for (int i = 0; i < b->n_owned; i++) free(b->owned[i]);
}

static void one_batch(const saint_method *m, batch *b, tally *t)
{
    saint_select_out mine[MOST_IMAGES], want[MOST_IMAGES];
    assert_ok(saint_select_batch(m, b->in, b->n_images, NULL, want, err));
    assert_ok(device_select_batch(&how, m, b->in, b->n_images, mine, err));
    compare_outcomes(m->name, b->in, mine, want, b->n_images, t);
    for (int s = 0; s < b->n_images; s++) {
        saint_select_free(&mine[s]);
        saint_select_free(&want[s]);
    }
#ifdef SAINT_EMULATED
    assert_int_equal(how.stream_waits, 0); /* nobody waits for the device ... */
    assert_int_equal(how.event_waits, m->fixed_budget ? 0 : 1); /* ... but for the mailbox of votes */
#endif
}

static void all_methods(int rounds, const int *sizes, int n_sizes)
{
    for (int i = 0; saint_method_at(i); i++) {
        const saint_method *m = saint_method_at(i);
        tally t = {0};
        assert_int_not_equal(m->rule, SAINT_RULE_NONE);
        for (int k = 0; k < rounds * n_sizes; k++) {
            static const int dims[] = {8, 13, 32, 64, 3, 80};
            bool vit = m->stages & 1u << SAINT_STAGE_VIT && (pick(2) || !(m->stages & 1u << SAINT_STAGE_LLM)), same = pick(2);
            how = (device_select){.b = device, .behind = vit || pick(2) ? 0 : 5, .width = 4 + pick(5), .seed = (uint64_t)k};
            batch b = make_batch(m, 1 + pick(MOST_IMAGES), sizes[k % n_sizes], dims[pick(6)], vit ? pick(3) : 0, same || how.behind, vit ? SAINT_STAGE_VIT : SAINT_STAGE_LLM);
            one_batch(m, &b, &t);
            free_batch(&b);
        }
        printf("  %-26s %d decisions, %d with the same bits, %d with a margin of 1e-4 or less\n", m->name, t.compared, t.same_bits, t.close);
        assert_true(rounds == 1 || t.compared > t.close);
    }
}

static void random_batches_are_the_cpus(void **state)
{
    (void)state;
    static const int sizes[] = {1, 2, 3, 5, 16, 31, 32, 33, 64, 100, 144, 197};
#ifdef SAINT_WATCHED
    const int rounds = 2; /* each access is looked at */
#else
    const int rounds = 6;
#endif
    all_methods(rounds, sizes, sizeof sizes / sizeof *sizes);
}

static void large_pictures_are_the_cpus(void **state)
{
    (void)state;
    static const int sizes[] = {576, 1024, 1369};
#ifdef SAINT_EMULATED
    all_methods(1, sizes, 1);
#else
    all_methods(4, sizes, 3);
    static const int most[] = {SAINT_CHOOSE_TOKENS, SAINT_CHOOSE_TOKENS - 1};
    all_methods(1, most, 2);
#endif
}

static void wrong_data_and_wrong_calls_are_told(void **state)
{
    (void)state;
    saint_select_out out[MOST_IMAGES], want[MOST_IMAGES];
    for (int i = 0; saint_method_at(i); i++) {
        const saint_method *m = saint_method_at(i);
        bool attention = saint_rule_reads_attention((saint_rule)m->rule);
        if (!attention && !saint_rule_reads_metric((saint_rule)m->rule)) continue;
        how = (device_select){.b = device, .width = 4};
        batch b = make_batch(m, 2, 40, 16, 1, true, m->stages & 1u << SAINT_STAGE_VIT ? SAINT_STAGE_VIT : SAINT_STAGE_LLM);
        float *bad = (float *)(uintptr_t)(attention ? b.in[1].attention : b.in[1].metric);
        bad[attention ? 23 : 23 * 16 + 5] = NAN;
        bad[attention ? 31 : 31 * 16] = INFINITY;
        saint_error a = {0}, c = {0};
        assert_int_equal(device_select_batch(&how, m, b.in, 2, out, &a), SAINT_INVALID);
        assert_int_equal(saint_select_batch(m, b.in, 2, NULL, want, &c), SAINT_INVALID);
        assert_string_equal(a.text, c.text);
        free_batch(&b);
        saint_select_free(&out[0]);
    }
    batch b = make_batch(saint_method_find("random"), 1, 40, 16, 1, true, SAINT_STAGE_VIT);
    saint_error e = {0};
    int32_t drop = 41, cu[2] = {0, 41}, cu_to[2];
    float one;
    saint_choose_args args = {.rule = SAINT_RULE_RANDOM, .n_seqs = 1, .cu = cu, .n_prefix = 1, .window = -1, .n_drop = &drop, .d = 4, .cu_to = cu_to};
    assert_int_equal(device->op->chooser->choose(device, &args, &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, "of 40 candidates at most 40 can go, asked to drop 41"));
    args.n_drop = NULL;
    assert_int_equal(device->op->chooser->choose(device, &args, &e), SAINT_INVALID);
    args = (saint_choose_args){.rule = SAINT_RULE_VOTES, .n_seqs = 1, .cu = cu, .window = -1, .metric = &one, .dim = SAINT_CHOOSE_DIM + 1, .d = 4, .cu_to = cu_to};
    assert_int_equal(device->op->chooser->choose(device, &args, &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, "1 to 256"));
    args.dim = 8;
    cu[1] = SAINT_CHOOSE_TOKENS + 1;
    assert_int_equal(device->op->chooser->choose(device, &args, &e), SAINT_INVALID);
    cu[1] = 0;
    assert_int_equal(device->op->chooser->choose(device, &args, &e), SAINT_INVALID);
    b.in[0].n = SAINT_CHOOSE_TOKENS + 1;
    assert_false(saint_rule_fits(saint_method_find("random"), b.in, 1));
    free_batch(&b);
}

int main(int argc, char **argv)
{
    char why[160];
    if (saint_cuda_devices(NULL, 0, why, sizeof why) == 0) {
        printf("SKIPPED: %s\n", why);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_cases_are_the_published_lists),
        cmocka_unit_test(random_batches_are_the_cpus),
        cmocka_unit_test(large_pictures_are_the_cpus),
        cmocka_unit_test(wrong_data_and_wrong_calls_are_told),
    };
    assert_ok(saint_backend_cuda_open(&device, 0, SAINT_F32, err));
    if (argc > 1) cmocka_set_test_filter(argv[1]); /* for tools that are too slow for all of it */
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    saint_backend_close(device);
    return failed;
}
