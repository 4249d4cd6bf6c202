/* The tables of the CUDA backend that need no device: weights by address, prepared products by shape. */
#include "support/test.h"

#include "backend/cuda/plans.h"
#include "backend/cuda/residency.h"
#include "support/random.h"

static char host[4096], device[4096];
static int seen[4096], n_seen;

static void note(void *ctx, void *p)
{
    assert_ptr_equal(ctx, host);
    seen[(char *)p - device]++;
    n_seen++;
}

static void weights_are_found_by_address_count_and_types(void **state)
{
    (void)state;
    saint_residency *r;
    assert_ok(saint_residency_new(&r, err));
    enum { N = 3000 }; /* grows several times */
    for (int i = 0; i < N; i++) {
        saint_resident_key k = {host + i / 3, (size_t)(1 + i % 3), SAINT_F16, SAINT_F32, {NULL}};
        assert_null(saint_residency_find(r, &k));
        assert_ok(saint_residency_put(r, &k, device + i, 10, err));
        for (int back = 0; back < 5 && back <= i; back++) {
            saint_resident_key old = {host + (i - back) / 3, (size_t)(1 + (i - back) % 3), SAINT_F16, SAINT_F32, {NULL}};
            assert_ptr_equal(saint_residency_find(r, &old), device + i - back);
        }
    }
    assert_int_equal(saint_residency_count(r), N);
    assert_int_equal(saint_residency_bytes(r), 10 * N);
    for (int i = 0; i < N; i++) {
        saint_resident_key k = {host + i / 3, (size_t)(1 + i % 3), SAINT_F16, SAINT_F32, {NULL}};
        assert_ptr_equal(saint_residency_find(r, &k), device + i);
        k.to = SAINT_BF16; /* another copy of the same weight */
        assert_null(saint_residency_find(r, &k));
        k = (saint_resident_key){host + i / 3, (size_t)(1 + i % 3), SAINT_BF16, SAINT_F32, {NULL}};
        assert_null(saint_residency_find(r, &k));
        k = (saint_resident_key){host + i / 3, (size_t)(4 + i % 3), SAINT_F16, SAINT_F32, {NULL}};
        assert_null(saint_residency_find(r, &k));
    }
    saint_error e = {0};
    saint_resident_key k = {host, 1, SAINT_F16, SAINT_F32, {NULL}};
    assert_int_equal(saint_residency_put(r, &k, device, 1, &e), SAINT_STATE);
    saint_residency_clear(r, note, host);
    assert_int_equal(n_seen, N);
    for (int i = 0; i < N; i++) assert_int_equal(seen[i], 1);
    assert_int_equal(saint_residency_count(r), 0);
    assert_null(saint_residency_find(r, &k));
    saint_residency_free(r);
    saint_residency_free(NULL);
}

typedef struct {
    int live, dropped;
} tally;

static void drop(void *ctx, void *plan)
{
    tally *t = ctx;
    t->live--;
    t->dropped++;
    free(plan);
}

static saint_gemm_key random_key(uint64_t *seed)
{
    saint_gemm_key k = {.m = 1 + (int64_t)(test_random_bits(seed) % 40), .n = 8 << test_random_bits(seed) % 2, .k = 64, .ldx = 64, .ldy = 16,
                        .type = SAINT_BF16, .ytype = test_random_bits(seed) % 2 ? SAINT_F32 : SAINT_BF16, .bias = (int32_t)(test_random_bits(seed) % 2),
                        .align_x = 16, .align_w = 256, .align_y = 16};
    return k;
}

/* Against a list that is searched from front to back. */
static void products_are_kept_by_shape_and_the_oldest_goes(void **state)
{
    (void)state;
    enum { MOST = 50 };
    tally t = {0};
    saint_gemm_plans *p;
    assert_ok(saint_gemm_plans_new(&p, MOST, drop, &t, err));
    struct {
        saint_gemm_key key;
        int *plan;
    } list[MOST]; /* most recently used last */
    int n = 0, hits = 0;
    uint64_t seed = 9;
    for (int i = 0; i < 20000; i++) {
        saint_gemm_key k = random_key(&seed);
        int at = 0;
        while (at < n && memcmp(&list[at].key, &k, sizeof k) != 0) at++;
        int *plan = saint_gemm_plans_find(p, &k);
        if (at < n) {
            assert_ptr_equal(plan, list[at].plan);
            assert_int_equal(*plan, (int)k.m);
            hits++;
        } else {
            assert_null(plan);
            plan = malloc(sizeof *plan);
            *plan = (int)k.m;
            t.live++;
            assert_ok(saint_gemm_plans_put(p, &k, plan, err));
            if (n == MOST) at = 0;
            else n++;
        }
        if (at < n - 1) memmove(&list[at], &list[at + 1], (size_t)(n - 1 - at) * sizeof *list);
        list[n - 1].key = k;
        list[n - 1].plan = plan;
        assert_int_equal(saint_gemm_plans_count(p), n);
        assert_int_equal(t.live, n);
    }
    assert_true(hits > 1000 && t.dropped > 1000);
    saint_error e = {0};
    int *again = malloc(sizeof *again);
    t.live++;
    assert_int_equal(saint_gemm_plans_put(p, &list[0].key, again, &e), SAINT_STATE);
    saint_gemm_plans_free(p);
    assert_int_equal(t.live, 0);
    saint_gemm_plans_free(NULL);
}

static void every_field_of_a_product_tells_it(void **state)
{
    (void)state;
    tally t = {0};
    saint_gemm_plans *p;
    assert_ok(saint_gemm_plans_new(&p, 8, drop, &t, err));
    const saint_gemm_key base = {10, 20, 30, 40, 50, SAINT_F16, SAINT_F16, 0, 0, 16, 16, 16, 16};
    int *plan = malloc(sizeof *plan);
    t.live++;
    assert_ok(saint_gemm_plans_put(p, &base, plan, err));
    for (int i = 0; i < 13; i++) {
        saint_gemm_key k = base;
        int64_t *wide[] = {&k.m, &k.n, &k.k, &k.ldx, &k.ldy};
        int32_t *narrow[] = {&k.type, &k.ytype, &k.bias, &k.residual, &k.align_x, &k.align_w, &k.align_y, &k.align_bias};
        if (i < 5) ++*wide[i];
        else ++*narrow[i - 5];
        assert_null(saint_gemm_plans_find(p, &k));
    }
    assert_ptr_equal(saint_gemm_plans_find(p, &base), plan);
    saint_gemm_plans_free(p);
}

static void alignment_is_the_largest_power_of_two(void **state)
{
    (void)state;
    for (uintptr_t a = 1; a <= 4096; a++) {
        int32_t n = saint_alignment_of((const void *)a);
        assert_true(n >= 1 && n <= 256 && a % (uintptr_t)n == 0 && (n == 256 || a % (2 * (uintptr_t)n) != 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_found_by_address_count_and_types),
        cmocka_unit_test(products_are_kept_by_shape_and_the_oldest_goes),
        cmocka_unit_test(every_field_of_a_product_tells_it),
        cmocka_unit_test(alignment_is_the_largest_power_of_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
