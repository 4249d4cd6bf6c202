/* Layer statistics against closed forms and against slow, obvious code. */
#include "support/test.h"

#include <math.h>

#include "select/stats.h"
#include "support/random.h"

static void check(const float *x, int n, int dim, float tau, int K, double mean, double above, double degree_k, double rank)
{
    saint_layer_stats s;
    assert_ok(saint_layer_stats_of(x, n, dim, tau, K, &s, err));
    assert_int_equal(s.n, n);
    assert_float_equal(s.mean_cosine, mean, 1e-5);
    assert_float_equal(s.share_above, above, 1e-6);
    assert_float_equal(s.mean_degree, (float)(above * (n - 1)), 1e-4f);
    assert_float_equal(s.share_degree_k, degree_k, 1e-6);
    assert_float_equal(s.effective_rank, (float)rank, (float)(2e-4 * rank));
}

static void parallel_rows_have_rank_one(void **state)
{
    (void)state;
    float x[9 * 5];
    for (int i = 0; i < 9; i++)
        for (int d = 0; d < 5; d++) x[i * 5 + d] = (float)(i + 1) * (float)(d - 1); /* scaled copies of one row */
    check(x, 9, 5, 0.999f, 8, 1, 1, 1, 1);
    check(x, 9, 5, 0.999f, 9, 1, 1, 0, 1);
}

static void orthogonal_rows_have_full_rank(void **state)
{
    (void)state;
    float x[16 * 16] = {0};
    for (int i = 0; i < 16; i++) x[i * 16 + i] = (float)(i + 1);
    check(x, 16, 16, 0.5f, 1, 0, 0, 0, 16);
    check(x, 10, 16, 0.5f, 1, 0, 0, 0, 10); /* more columns than rows */
    check(x, 10, 16, -1.0f, 9, 0, 1, 1, 10); /* every cosine reaches -1 */
    check(x, 10, 16, 0.5f, 0, 0, 0, 1, 10);
}

static void three_spokes_span_a_plane(void **state)
{
    (void)state;
    float x[6];
    for (int i = 0; i < 3; i++) x[2 * i] = cosf(2.0943951f * (float)i), x[2 * i + 1] = sinf(2.0943951f * (float)i);
    check(x, 3, 2, 0.0f, 1, -0.5, 0, 0, 2);
}

static void two_orthogonal_clusters(void **state)
{
    (void)state;
    enum { A = 30, B = 10, N = A + B };
    float x[N * 8] = {0};
    for (int i = 0; i < N; i++) x[i * 8 + (i % 4 == 0 ? 3 : 6)] = 2.5f; /* every fourth in B */
    double pairs = (A * (A - 1.0) + B * (B - 1.0)) / (N * (N - 1.0)), a = (double)A / N, b = (double)B / N;
    check(x, N, 8, 0.9f, B, pairs, pairs, a, exp(-a * log(a) - b * log(b)));
}

static void zero_rows_are_like_nothing(void **state)
{
    (void)state;
    float x[4 * 3] = {1, 2, 3, 0, 0, 0, 1, 2, 3, 0, 0, 0};
    saint_layer_stats s;
    check(x, 4, 3, 0.5f, 1, 2.0 / 12, 2.0 / 12, 0.5, 1);
    assert_ok(saint_layer_stats_of(x, 4, 3, 0.5f, 1, &s, err));
    assert_int_equal(s.zero_rows, 2);
    memset(x, 0, sizeof x);
    assert_ok(saint_layer_stats_of(x, 4, 3, 0.5f, 1, &s, err));
    assert_true(s.effective_rank == 0 && s.mean_cosine == 0 && s.zero_rows == 4);
}

static void too_few_rows_have_no_pairs(void **state)
{
    (void)state;
    saint_layer_stats s;
    float x[2] = {3, 4};
    assert_ok(saint_layer_stats_of(NULL, 0, 2, 0.5f, 1, &s, err));
    assert_true(s.n == 0 && isnan(s.mean_cosine) && isnan(s.share_above) && isnan(s.share_degree_k) && s.effective_rank == 0);
    assert_ok(saint_layer_stats_of(x, 1, 2, 0.5f, 1, &s, err));
    assert_true(isnan(s.mean_cosine) && isnan(s.share_above) && s.share_degree_k == 0);
    assert_float_equal(s.effective_rank, 1, 1e-6);
}

static void bad_input_is_named(void **state)
{
    (void)state;
    saint_layer_stats s;
    saint_error e;
    float x[6] = {1, 2, 3, 4, NAN, 6};
    assert_int_equal(saint_layer_stats_of(x, 3, 2, 0.5f, 1, &s, &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, "row 2"));
    assert_int_equal(saint_layer_stats_of(x, 2, 0, 0.5f, 1, &s, &e), SAINT_INVALID);
    assert_int_equal(saint_layer_stats_of(x, 2, 2, NAN, 1, &s, &e), SAINT_INVALID);
    assert_int_equal(saint_layer_stats_of(x, 2, 2, 0.5f, -1, &s, &e), SAINT_INVALID);
    assert_int_equal(saint_layer_stats_of(NULL, 2, 2, 0.5f, 1, &s, &e), SAINT_INVALID);
}

/* Cyclic Jacobi: slow and hard to get wrong. */
static double jacobi_rank(double *a, int n)
{
    for (int sweep = 0; sweep < 30; sweep++)
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++) {
                double apq = a[p * n + q];
                if (fabs(apq) < 1e-300) continue;
                double t = (a[q * n + q] - a[p * n + p]) / (2 * apq);
                t = copysign(1.0, t) / (fabs(t) + sqrt(t * t + 1));
                double c = 1 / sqrt(t * t + 1), s = t * c;
                for (int k = 0; k < n; k++) {
                    double x = a[k * n + p], y = a[k * n + q];
                    a[k * n + p] = c * x - s * y, a[k * n + q] = s * x + c * y;
                }
                for (int k = 0; k < n; k++) {
                    double x = a[p * n + k], y = a[q * n + k];
                    a[p * n + k] = c * x - s * y, a[q * n + k] = s * x + c * y;
                }
            }
    double sum = 0, h = 0;
    for (int i = 0; i < n; i++) sum += a[i * n + i];
    for (int i = 0; i < n; i++) {
        double p = a[i * n + i] / sum;
        if (p > 1e-14) h -= p * log(p);
    }
    return exp(h);
}

static void random_tokens_equal_slow_code(void **state)
{
    (void)state;
    uint64_t seed = 5;
    struct {
        int n, dim, clusters, K;
        float noise, tau;
    } c[] = {{70, 24, 6, 3, 0.5f, 0.6f}, {24, 70, 5, 2, 0.7f, 0.5f}, {129, 33, 40, 4, 1.0f, 0.3f}, {65, 7, 3, 12, 0.2f, 0.9f},
             {64, 64, 64, 1, 0.0f, 0.2f}, {2, 9, 2, 1, 0.5f, 0.0f},   {5, 1, 2, 1, 0.5f, 0.0f}};
    for (size_t t = 0; t < sizeof c / sizeof *c; t++) {
        int n = c[t].n, dim = c[t].dim, pairs = 0, enough = 0;
        float *x = calloc((size_t)(n * dim), sizeof *x);
        double *gram = calloc((size_t)(n * n), sizeof *gram), mean = 0;
        test_random_tokens(&seed, x, n, dim, c[t].clusters, c[t].noise);
        for (int i = 0; i < n; i++) {
            int degree = 0;
            for (int j = 0; j < n; j++) {
                double xy = 0, xx = 0, yy = 0;
                for (int d = 0; d < dim; d++) {
                    double u = (double)x[i * dim + d], v = (double)x[j * dim + d];
                    xy += u * v, xx += u * u, yy += v * v;
                }
                gram[i * n + j] = xy / sqrt(xx * yy);
                if (i == j) continue;
                mean += gram[i * n + j];
                degree += gram[i * n + j] >= (double)c[t].tau;
            }
            pairs += degree;
            enough += degree >= c[t].K;
        }
        check(x, n, dim, c[t].tau, c[t].K, mean / n / (n - 1), (double)pairs / n / (n - 1), (double)enough / n, jacobi_rank(gram, n));
        free(x);
        free(gram);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parallel_rows_have_rank_one),  cmocka_unit_test(orthogonal_rows_have_full_rank),
        cmocka_unit_test(three_spokes_span_a_plane),    cmocka_unit_test(two_orthogonal_clusters),
        cmocka_unit_test(zero_rows_are_like_nothing),   cmocka_unit_test(too_few_rows_have_no_pairs),
        cmocka_unit_test(bad_input_is_named),           cmocka_unit_test(random_tokens_equal_slow_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
