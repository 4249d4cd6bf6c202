/* Points in the unit cube: Sobol against scipy.stats.qmc (1.17), the strata of a Latin hypercube, and that nothing depends on the machine.
 */
#include "support/test.h"

#include <math.h>
#include <stdbool.h>

#include "sweep/sample_points.h"

enum { DIMENSIONS = 8 };
static const unsigned dimension[DIMENSIONS] = {0, 1, 2, 3, 4, 10, 31, 63};
static const struct {
    uint32_t index;
    double x[DIMENSIONS];
} scipy[] = {
    {0, {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0}},
    {1, {0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5}},
    {2, {0.75, 0.25, 0.25, 0.25, 0.75, 0.75, 0.25, 0.75}},
    {3, {0.25, 0.75, 0.75, 0.75, 0.25, 0.25, 0.75, 0.25}},
    {7, {0.125, 0.625, 0.375, 0.125, 0.125, 0.625, 0.875, 0.375}},
    {100, {0.4140625, 0.2578125, 0.7734375, 0.7265625, 0.8828125, 0.4609375, 0.4140625, 0.6484375}},
    {1023, {0.0009765625, 0.7529296875, 0.6123046875, 0.1455078125, 0.1865234375, 0.6787109375, 0.6142578125, 0.0400390625}},
    {4095,
     {0.000244140625, 0.941162109375, 0.334228515625, 0.901611328125, 0.940185546875, 0.569580078125, 0.087646484375, 0.553466796875}},
};

static void sobol_equals_scipy(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scipy / sizeof *scipy; i++)
        for (int d = 0; d < DIMENSIONS; d++)
            if (sweep_sobol(0, scipy[i].index, dimension[d]) != scipy[i].x[d])
                fail_msg("point %u, dimension %u: %.17g, expected %.17g", scipy[i].index, dimension[d],
                         sweep_sobol(0, scipy[i].index, dimension[d]), scipy[i].x[d]);
}

/* Centred L2 discrepancy, as scipy.stats.qmc.discrepancy computes it. */
static double discrepancy(const double *u, size_t n, size_t dims)
{
    double one = 0, two = 0;
    for (size_t i = 0; i < n; i++) {
        double product = 1;
        for (size_t d = 0; d < dims; d++) {
            double c = fabs(u[i * dims + d] - 0.5);
            product *= 1 + 0.5 * c - 0.5 * c * c;
        }
        one += product;
        for (size_t j = 0; j < n; j++) {
            product = 1;
            for (size_t d = 0; d < dims; d++) {
                double a = u[i * dims + d], b = u[j * dims + d];
                product *= 1 + 0.5 * fabs(a - 0.5) + 0.5 * fabs(b - 0.5) - 0.5 * fabs(a - b);
            }
            two += product;
        }
    }
    return pow(13.0 / 12, (double)dims) - 2.0 / (double)n * one + 1.0 / ((double)n * (double)n) * two;
}

static void sobol_is_as_even_as_it_should_be(void **state)
{
    (void)state;
    enum { N = 256, D = 4 };
    static double plain[N * D], shifted[N * D], random[N * D];
    for (uint32_t i = 0; i < N; i++)
        for (unsigned d = 0; d < D; d++) {
            plain[i * D + d] = sweep_sobol(0, i, d);
            shifted[i * D + d] = sweep_sobol(5, i, d);
            random[i * D + d] = sweep_uniform(5, i, d);
        }
    assert_true(fabs(discrepancy(plain, N, D) - 0.00012570491511532111) < 1e-15); /* scipy's number */
    assert_true(discrepancy(shifted, N, D) < 2.5e-4);
    assert_true(discrepancy(random, N, D) > 1e-3);
    assert_true(memcmp(plain, shifted, sizeof plain) != 0);
    for (unsigned d = 0; d < D; d++) { /* a shift keeps one point in every 256th */
        bool seen[N] = {0};
        for (size_t i = 0; i < N; i++) {
            size_t k = (size_t)(shifted[i * D + d] * N);
            assert_false(seen[k]);
            seen[k] = true;
        }
    }
}

static void a_latin_hypercube_has_one_point_per_stratum(void **state)
{
    (void)state;
    static double u[1000 * 6], again[1000 * 6], other[1000 * 6];
    for (size_t n = 1; n <= 1000; n = n * 3 + 1) {
        assert_ok(sweep_latin_hypercube(9, n, 6, u, err));
        assert_ok(sweep_latin_hypercube(9, n, 6, again, err));
        assert_memory_equal(u, again, n * 6 * sizeof *u);
        assert_ok(sweep_latin_hypercube(10, n, 6, other, err));
        assert_true(memcmp(u, other, n * 6 * sizeof *u) != 0);
        for (size_t d = 0; d < 6; d++) {
            bool seen[1000] = {0};
            for (size_t i = 0; i < n; i++) {
                double x = u[i * 6 + d];
                assert_true(x >= 0 && x < 1);
                size_t k = (size_t)(x * (double)n);
                assert_false(seen[k]);
                seen[k] = true;
            }
        }
    }
    assert_ok(sweep_latin_hypercube(1, 0, 3, u, err));
}

static void random_numbers_are_uniform_and_independent(void **state)
{
    (void)state;
    enum { N = 20000 };
    double mean = 0, square = 0, product = 0;
    for (uint64_t i = 0; i < N; i++) {
        double a = sweep_uniform(3, i, 0), b = sweep_uniform(3, i, 1);
        assert_true(a >= 0 && a < 1);
        mean += a / N;
        square += a * a / N;
        product += (a - 0.5) * (b - 0.5) / N;
    }
    assert_true(fabs(mean - 0.5) < 0.01 && fabs(square - 1.0 / 3) < 0.01 && fabs(product) < 0.003);
    assert_true(sweep_uniform(3, 0, 0) != sweep_uniform(4, 0, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sobol_equals_scipy),
        cmocka_unit_test(sobol_is_as_even_as_it_should_be),
        cmocka_unit_test(a_latin_hypercube_has_one_point_per_stratum),
        cmocka_unit_test(random_numbers_are_uniform_and_independent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
