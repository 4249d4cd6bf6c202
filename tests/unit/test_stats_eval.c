/* Intervals and tests of scores against SciPy's values and against what they promise: coverage. */
#include "support/test.h"

#include <math.h>

#include "datasets/stats.h"

static void near_to(double got, double want, double relative)
{
    if (!(fabs(got - want) <= relative * fmax(fabs(want), 1e-300))) fail_msg("expected %.17g, found %.17g", want, got);
}

static void distributions_equal_scipy(void **state)
{
    (void)state;
    near_to(saint_normal_quantile(0.975), 1.959963984540054, 1e-13);
    near_to(saint_normal_quantile(1e-6), -4.753424308822899, 1e-12);
    static const double t[][4] = {{1, 12.706204736174694, 0.20871440016015272, 0.8788810584091566},
                                  {2, 4.302652729749462, 0.16162351590802015, 0.9351941398892446},
                                  {9, 2.262157162798205, 0.11295318633652467, 0.9830690861585072},
                                  {30, 2.0422724563012378, 0.10175047926905843, 0.9909421754659666},
                                  {1186, 1.9619662213826845, 0.09692677952430075, 0.9937232281913739}};
    for (size_t i = 0; i < 5; i++) {
        near_to(saint_t_quantile(0.975, t[i][0]), t[i][1], 1e-11);
        near_to(saint_t_quantile(0.025, t[i][0]), -t[i][1], 1e-11);
        near_to(saint_t_cdf(-1.3, t[i][0]), t[i][2], 1e-11);
        near_to(saint_t_cdf(2.5, t[i][0]), t[i][3], 1e-11);
    }
    assert_true(isnan(saint_t_quantile(0.5, 0)) && isnan(saint_t_cdf(1, 0)));
}

static void wilson_equals_scipy(void **state)
{
    (void)state;
    static const double w[][4] = {{0, 10, 0, 0.27753279986288926},
                                  {3, 10, 0.10779126740630102, 0.6032218525388546},
                                  {10, 10, 0.7224672001371109, 1},
                                  {140, 200, 0.6332093162728073, 0.759252553176286}};
    for (size_t i = 0; i < 4; i++) {
        saint_interval r = saint_stats_wilson(w[i][0], (size_t)w[i][1]);
        near_to(r.low, w[i][2], 1e-13);
        near_to(r.high, w[i][3], 1e-13);
    }
    saint_interval none = saint_stats_wilson(0, 0);
    assert_true(isnan(none.value) && isnan(none.low) && isnan(none.high));
}

static void series(double x[30], double y[30], uint32_t cluster[30])
{
    for (int i = 0; i < 30; i++) {
        x[i] = i * 7919 % 101 / 100.0;
        y[i] = (i * 104729 + 13) % 97 / 96.0;
        cluster[i] = (uint32_t)i / 2 + 40; /* numbers need not start at 0 */
    }
}

static void means_have_clustered_intervals(void **state)
{
    (void)state;
    double x[30], y[30];
    uint32_t cluster[30];
    saint_interval r;
    series(x, y, cluster);
    assert_ok(saint_stats_mean(x, cluster, 30, 1, &r, err));
    near_to(r.value, 0.491, 1e-14);
    near_to(r.se, 0.04243373468221316, 1e-12);
    near_to(r.low, 0.39998869073495313, 1e-11);
    near_to(r.high, 0.5820113092650467, 1e-11);
    assert_int_equal(r.clusters, 15);
    assert_string_equal(r.method, "clustered");
    assert_ok(saint_stats_mean(x, cluster, 18, 1, &r, err)); /* nine clusters are too few */
    assert_true(isfinite(r.value) && isnan(r.low) && isnan(r.high));
    assert_string_equal(r.method, "");
    const double half[12] = {0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5};
    assert_ok(saint_stats_mean(half, NULL, 12, 1, &r, err)); /* no spread says nothing about how sure it is */
    assert_true(r.value == 0.5 && isnan(r.low));
    const double right[12] = {200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200};
    assert_ok(saint_stats_mean(right, NULL, 12, 200, &r, err));
    assert_string_equal(r.method, "wilson");
    assert_true(r.value == 200 && r.high == 200);
    near_to(r.low, 200 * saint_stats_wilson(12, 12).low, 1e-15);
    assert_ok(saint_stats_mean(right, cluster, 12, 200, &r, err)); /* six pictures, not twelve answers */
    near_to(r.low, 200 * saint_stats_wilson(6, 6).low, 1e-15);
    assert_ok(saint_stats_mean(right, NULL, 0, 200, &r, err));
    assert_true(isnan(r.value) && r.n == 0);
}

static void paired_differences_equal_scipy(void **state)
{
    (void)state;
    double x[30], y[30];
    uint32_t cluster[30];
    saint_paired r;
    series(x, y, cluster);
    assert_ok(saint_stats_paired(x, y, NULL, 30, &r, err));
    near_to(r.diff, -0.01420833333333333, 1e-12);
    near_to(r.se, 0.07631870517598019, 1e-12);
    near_to(r.t, -0.18617104811423246, 1e-11);
    near_to(r.p, 0.8536068047891269, 1e-11);
    near_to(r.low, -0.17029761140843455, 1e-11);
    near_to(r.high, 0.1418809447417679, 1e-11);
    assert_int_equal(r.win + r.loss + r.tie, 30);
    assert_ok(saint_stats_paired(x, y, cluster, 30, &r, err));
    near_to(r.se, 0.06405875626592317, 1e-12);
    near_to(r.t, -0.22180157969897435, 1e-11);
    near_to(r.p, 0.8276711143140568, 1e-11);
    assert_true(r.df == 14);
    assert_ok(saint_stats_paired(x, x, cluster, 30, &r, err));
    assert_true(r.diff == 0 && isnan(r.p) && isnan(r.low) && r.tie == 30);
    assert_ok(saint_stats_paired(x, y, NULL, 1, &r, err));
    assert_true(isfinite(r.diff) && isnan(r.p) && isnan(r.se));
}

static void mcnemar_is_exact(void **state)
{
    (void)state;
    near_to(saint_stats_mcnemar(1, 9), 0.021484375, 1e-12);
    near_to(saint_stats_mcnemar(15, 3), 0.007537841796875, 1e-12);
    near_to(saint_stats_mcnemar(0, 4), 0.125, 1e-12);
    near_to(saint_stats_mcnemar(40, 75), 0.001412957498607674, 1e-11);
    assert_true(saint_stats_mcnemar(10, 10) == 1 && saint_stats_mcnemar(0, 0) == 1);
    assert_true(saint_stats_mcnemar(0, 1) == 1);
}

static void holm_by_hand(void **state)
{
    (void)state;
    double p[6] = {0.01, 0.04, NAN, 0.03, 0.005, 0.9}, out[6];
    assert_ok(saint_stats_holm(p, 6, out, err));
    /* sorted 0.005*5, 0.01*4, 0.03*3, 0.04*2 -> max so far, 0.9*1 */
    near_to(out[4], 0.025, 1e-14);
    near_to(out[0], 0.04, 1e-14);
    near_to(out[3], 0.09, 1e-14);
    near_to(out[1], 0.09, 1e-14);
    near_to(out[5], 0.9, 1e-14);
    assert_true(isnan(out[2]));
    double same[2] = {0.7, 0.8};
    assert_ok(saint_stats_holm(same, 2, same, err));
    assert_true(same[0] == 1 && same[1] == 1);
}

static void mean_of_one(const double *total, const size_t *rows, size_t strata, size_t columns, double *out)
{
    (void)columns;
    out[0] = 0;
    for (size_t s = 0; s < strata; s++) out[0] += total[s] / (double)rows[s];
    out[1] = NAN;
}

static void bootstrap_agrees_with_theory(void **state)
{
    (void)state;
    enum { N = 400 };
    double x[N], mean = 0, square = 0;
    for (int i = 0; i < N; i++) mean += (x[i] = i * 7919 % 401 / 400.0);
    mean /= N;
    for (int i = 0; i < N; i++) square += (x[i] - mean) * (x[i] - mean);
    double se = sqrt(square / N / N);
    const size_t one[] = {0, N}, two[] = {0, 150, N}, few[] = {0, 9, N};
    saint_interval r[2], again[2];
    assert_ok(saint_stats_bootstrap(&(saint_clusters){x, 1, 1, one}, mean_of_one, 2, 7, r, err));
    near_to(r[0].value, mean, 1e-13);
    near_to(r[0].se, se, 0.06);
    near_to(r[0].high - r[0].low, 2 * 1.96 * se, 0.08);
    assert_true(isnan(r[1].value) && isnan(r[1].low)); /* undefined is never given an interval */
    assert_ok(saint_stats_bootstrap(&(saint_clusters){x, 1, 1, one}, mean_of_one, 2, 7, again, err));
    assert_true(again[0].low == r[0].low && again[0].high == r[0].high);
    assert_ok(saint_stats_bootstrap(&(saint_clusters){x, 1, 1, one}, mean_of_one, 2, 8, again, err));
    assert_true(again[0].low != r[0].low);
    /* two strata: drawn apart, their variances add */
    double part[2] = {0, 0}, spread[2] = {0, 0};
    for (int i = 0; i < N; i++) part[i >= 150] += x[i] / (i >= 150 ? 250 : 150);
    for (int i = 0; i < N; i++) spread[i >= 150] += (x[i] - part[i >= 150]) * (x[i] - part[i >= 150]);
    assert_ok(saint_stats_bootstrap(&(saint_clusters){x, 1, 2, two}, mean_of_one, 2, 7, r, err));
    near_to(r[0].value, part[0] + part[1], 1e-13);
    near_to(r[0].se, sqrt(spread[0] / 150 / 150 + spread[1] / 250 / 250), 0.06);
    assert_ok(saint_stats_bootstrap(&(saint_clusters){x, 1, 2, few}, mean_of_one, 2, 7, r, err));
    assert_true(isfinite(r[0].value) && isnan(r[0].low)); /* nine clusters in a stratum */
    double flat[20] = {0};
    const size_t twenty[] = {0, 20};
    assert_ok(saint_stats_bootstrap(&(saint_clusters){flat, 1, 1, twenty}, mean_of_one, 2, 7, r, err));
    assert_true(r[0].value == 0 && isnan(r[0].low));
}

static uint64_t rng = 1;
static double uniform(void)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (double)(rng >> 11) * 0x1p-53;
}

/* 95 % intervals hold the truth about 95 times in 100, also when the answers about one picture fail together. */
static void intervals_cover_what_they_promise(void **state)
{
    (void)state;
    enum { TRIALS = 1000, PICTURES = 60 };
    int clustered = 0, alone = 0, naive = 0;
    for (int t = 0; t < TRIALS; t++) {
        double x[2 * PICTURES], single[PICTURES];
        uint32_t cluster[2 * PICTURES];
        for (uint32_t c = 0; c < PICTURES; c++) {
            double easy = uniform() < 0.5 ? 0.95 : 0.35; /* mean 0.65 */
            for (uint32_t k = 0; k < 2; k++) {
                x[2 * c + k] = uniform() < easy;
                cluster[2 * c + k] = c;
            }
            single[c] = uniform() < 0.65;
        }
        saint_interval r;
        assert_ok(saint_stats_mean(x, cluster, 2 * PICTURES, 1, &r, err));
        clustered += r.low <= 0.65 && 0.65 <= r.high;
        r = saint_stats_wilson(r.value * 2 * PICTURES, 2 * PICTURES);
        naive += r.low <= 0.65 && 0.65 <= r.high;
        assert_ok(saint_stats_mean(single, NULL, PICTURES, 1, &r, err));
        alone += r.low <= 0.65 && 0.65 <= r.high;
    }
    assert_in_range(clustered, 930, 970);
    assert_in_range(alone, 930, 970);
    assert_in_range(naive, 0, clustered - 20); /* forgetting the pictures promises too much */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distributions_equal_scipy),
        cmocka_unit_test(wilson_equals_scipy),
        cmocka_unit_test(means_have_clustered_intervals),
        cmocka_unit_test(paired_differences_equal_scipy),
        cmocka_unit_test(mcnemar_is_exact),
        cmocka_unit_test(holm_by_hand),
        cmocka_unit_test(bootstrap_agrees_with_theory),
        cmocka_unit_test(intervals_cover_what_they_promise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
