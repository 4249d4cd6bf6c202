#include "support/test.h"

#include <math.h>

#include "backend/cpu/cpu.h"

/* The small operations against double, in both compute types, on one and on three threads; scratch holds NaN. */

static uint32_t seed = 7;

static float uniform(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (float)(seed >> 8) * 0x1p-23f - 1.0f;
}

static float *numbers(size_t n)
{
    float *p = malloc(n ? n * sizeof *p : 1);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++) p[i] = uniform() * 2 + uniform();
    return p;
}

/* n numbers of the compute type; the f32 they stand for goes to exact */
static void *narrowed(saint_dtype type, const float *x, size_t n, float *exact)
{
    void *p = malloc(n * saint_dtype_size(type));
    assert_non_null(p);
    for (size_t i = 0; i < n; i++) {
        uint16_t h = saint_f32_to_bf16(x[i]);
        if (type == SAINT_F32) ((float *)p)[i] = exact[i] = x[i];
        else {
            ((uint16_t *)p)[i] = h;
            exact[i] = saint_bf16_to_f32(h);
        }
    }
    return p;
}

static double get(const void *p, saint_dtype type, int64_t i)
{
    return type == SAINT_F32 ? (double)((const float *)p)[i] : (double)saint_bf16_to_f32(((const uint16_t *)p)[i]);
}

static void on_both_types(void (*fn)(saint_backend *b))
{
    static const saint_dtype types[] = {SAINT_F32, SAINT_BF16};
    for (int threads = 1; threads <= 3; threads += 2)
        for (size_t i = 0; i < 2; i++) {
            saint_pool *pool;
            saint_backend *b;
            assert_ok(saint_pool_create(&pool, threads, err));
            assert_ok(saint_backend_cpu_open(&b, pool, types[i], NULL, err));
            saint_cpu *cpu = (saint_cpu *)b;
            for (int w = 0; w < cpu->workers; w++) memset(cpu->scratch[w], 0xff, cpu->scratch_bytes);
            fn(b);
            saint_backend_close(b);
            saint_pool_destroy(pool);
        }
}

/* ---- norms ---- */

static void expect_norm(saint_backend *b, int64_t rows, int64_t d, float offset, bool layer, saint_dtype ytype)
{
    float *x = numbers((size_t)(rows * d)), *w = numbers((size_t)d), *bias = numbers((size_t)d), eps = 1e-5f;
    for (int64_t i = 0; i < rows * d; i++) x[i] += offset;
    void *y = malloc((size_t)(rows * d) * saint_dtype_size(ytype));
    assert_non_null(y);
    if (layer) assert_ok(b->op->layernorm(b, x, rows, d, w, bias, eps, y, ytype, err));
    else assert_ok(b->op->rmsnorm(b, x, rows, d, w, eps, y, ytype, err));
    for (int64_t r = 0; r < rows; r++) {
        double mean = 0, var = 0;
        for (int64_t i = 0; layer && i < d; i++) mean += (double)x[r * d + i] / (double)d;
        for (int64_t i = 0; i < d; i++) var += ((double)x[r * d + i] - mean) * ((double)x[r * d + i] - mean) / (double)d;
        for (int64_t i = 0; i < d; i++) {
            double z = ((double)x[r * d + i] - mean) / sqrt(var + (double)eps), add = layer ? (double)bias[i] : 0;
            double want = z * (double)w[i] + add, found = get(y, ytype, r * d + i);
            /* the mean is an f32: its own rounding is as large as |offset| says */
            double bound = 2e-6 * (1 + fabs(want) + fabs((double)offset)) + (ytype == SAINT_BF16 ? 0x1.01p-8 * fabs(want) : 0);
            if (!(fabs(found - want) <= bound))
                fail_msg("%s %lld x %lld row %lld column %lld: expected %.9g, found %.9g", layer ? "layernorm" : "rmsnorm", (long long)rows,
                         (long long)d, (long long)r, (long long)i, want, found);
        }
    }
    if (ytype == SAINT_F32 && rows > 1) { /* in place, and one row alone: the same bits */
        float *last = malloc((size_t)d * sizeof *last);
        assert_non_null(last);
        if (layer) {
            assert_ok(b->op->layernorm(b, x + (rows - 1) * d, 1, d, w, bias, eps, last, SAINT_F32, err));
            assert_ok(b->op->layernorm(b, x, rows, d, w, bias, eps, x, SAINT_F32, err));
        } else {
            assert_ok(b->op->rmsnorm(b, x + (rows - 1) * d, 1, d, w, eps, last, SAINT_F32, err));
            assert_ok(b->op->rmsnorm(b, x, rows, d, w, eps, x, SAINT_F32, err));
        }
        assert_memory_equal(x, y, (size_t)(rows * d) * sizeof *x);
        assert_memory_equal(x + (rows - 1) * d, last, (size_t)d * sizeof *x);
        free(last);
    }
    free(x);
    free(w);
    free(bias);
    free(y);
}

static void check_norms(saint_backend *b)
{
    static const int64_t shapes[][2] = {{1, 1}, {3, 5}, {17, 64}, {33, 100}, {5, 1024}, {2, 4097}, {40, 16}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int layer = 0; layer < 2; layer++) {
            expect_norm(b, shapes[i][0], shapes[i][1], 0.0f, layer, SAINT_F32);
            expect_norm(b, shapes[i][0], shapes[i][1], 0.0f, layer, SAINT_BF16);
            expect_norm(b, shapes[i][0], shapes[i][1], 100.0f, layer, SAINT_F32); /* cancellation: needs two passes */
        }
    float x = 1;
    assert_ok(b->op->layernorm(b, &x, 0, 4, &x, &x, 1e-5f, &x, SAINT_F32, err));
    saint_error e = {0};
    assert_int_equal(b->op->layernorm(b, &x, 1, 0, &x, &x, 1e-5f, &x, SAINT_F32, &e), SAINT_INVALID);
    assert_int_equal(b->op->rmsnorm(b, &x, 1, 1, &x, 1e-5f, &x, SAINT_F16, &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, "F16"));
}

static void norms_equal_the_formula(void **state)
{
    (void)state;
    on_both_types(check_norms);
}

/* ---- moves ---- */

static void check_patchify(saint_backend *b)
{
    static const int shapes[][3] = {{28, 42, 14}, {8, 8, 8}, {5, 7, 1}, {17, 33, 16}};
    for (size_t n = 0; n < sizeof shapes / sizeof *shapes; n++) {
        int h = shapes[n][0], w = shapes[n][1], p = shapes[n][2], gh = h / p, gw = w / p;
        size_t pixels = (size_t)(3 * h * w), count = (size_t)(gh * gw * 3 * p * p);
        float *chw = numbers(pixels);
        void *out = malloc(count * saint_compute_size(b));
        assert_non_null(out);
        assert_ok(b->op->patchify(b, chw, h, w, p, out, err));
        int64_t at = 0;
        for (int gy = 0; gy < gh; gy++)
            for (int gx = 0; gx < gw; gx++)
                for (int c = 0; c < 3; c++)
                    for (int y = 0; y < p; y++)
                        for (int x = 0; x < p; x++, at++) {
                            float want = chw[(c * h + gy * p + y) * w + gx * p + x];
                            if (b->compute == SAINT_BF16) want = saint_bf16_to_f32(saint_f32_to_bf16(want));
                            assert_true(get(out, b->compute, at) == (double)want);
                        }
        free(chw);
        free(out);
    }
    float x = 0;
    assert_int_equal(b->op->patchify(b, &x, 13, 14, 14, &x, NULL), SAINT_INVALID);
    assert_int_equal(b->op->patchify(b, &x, 14, 14, 0, &x, NULL), SAINT_INVALID);
}

static void check_embed(saint_backend *b)
{
    enum { TABLE = 50, WIDTH = 37, N = 40 };
    float *x = numbers(TABLE * WIDTH), exact[TABLE * WIDTH], y[N * WIDTH];
    int32_t ids[N];
    for (int i = 0; i < N; i++) ids[i] = (i * 31 + 49) % TABLE;
    for (int t = 0; t < 3; t++) {
        saint_dtype type = (const saint_dtype[]){SAINT_F32, SAINT_BF16, SAINT_F16}[t];
        char *data = malloc(1 + TABLE * WIDTH * sizeof(float)); /* + 1: tensors of a mapped file need not be aligned */
        assert_non_null(data);
        for (size_t i = 0; i < TABLE * WIDTH; i++) {
            uint16_t h = type == SAINT_F16 ? saint_f32_to_f16(x[i]) : saint_f32_to_bf16(x[i]);
            exact[i] = type == SAINT_F32 ? x[i] : type == SAINT_F16 ? saint_f16_to_f32(h) : saint_bf16_to_f32(h);
            if (type == SAINT_F32) memcpy(data + 1 + i * 4, &x[i], 4);
            else memcpy(data + 1 + i * 2, &h, 2);
        }
        saint_matrix table = {data + 1, type, TABLE, WIDTH};
        memset(y, 0xff, sizeof y);
        assert_ok(b->op->embed(b, &table, ids, N, y, err));
        for (int i = 0; i < N; i++) assert_memory_equal(y + i * WIDTH, exact + ids[i] * WIDTH, WIDTH * sizeof *y);
        saint_error e = {0};
        assert_int_equal(b->op->embed(b, &table, (const int32_t[]){1, 2, TABLE}, 3, y, &e), SAINT_INVALID);
        assert_non_null(strstr(e.text, "found 50 at place 2"));
        assert_int_equal(b->op->embed(b, &table, (const int32_t[]){-1}, 1, y, &e), SAINT_INVALID);
        table.type = SAINT_I8;
        assert_int_equal(b->op->embed(b, &table, ids, 1, y, &e), SAINT_UNSUPPORTED);
        free(data);
    }
    free(x);
}

static void check_gather(saint_backend *b)
{
    enum { ROWS = 90, BYTES = 29 };
    unsigned char src[ROWS * BYTES], dst[ROWS * BYTES];
    int32_t idx[ROWS];
    for (size_t i = 0; i < sizeof src; i++) src[i] = (unsigned char)(i * 37 + i / 251);
    for (int i = 0; i < ROWS; i++) idx[i] = (i * 7 + 3) % ROWS; /* order is the list's, not ascending */
    memset(dst, 0, sizeof dst);
    assert_ok(b->op->gather(b, src, idx, 77, BYTES, dst, err));
    for (int i = 0; i < 77; i++) assert_memory_equal(dst + i * BYTES, src + idx[i] * BYTES, BYTES);
    for (size_t i = 77 * BYTES; i < sizeof dst; i++) assert_int_equal(dst[i], 0);
    saint_error e = {0};
    assert_int_equal(b->op->gather(b, src, (const int32_t[]){0, -5}, 2, BYTES, dst, &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, "found -5 at place 1"));
    assert_int_equal(b->op->gather(b, src, idx, -1, BYTES, dst, &e), SAINT_INVALID);
    assert_ok(b->op->gather(b, NULL, NULL, 0, BYTES, NULL, err));
}

static void check_narrow(saint_backend *b)
{
    static const size_t sizes[] = {0, 1, 7, 16384, 50001};
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
        size_t count = sizes[n];
        float *x = numbers(count);
        void *half = malloc(count * saint_compute_size(b) + 1);
        assert_non_null(half);
        assert_ok(b->op->narrow(b, x, count, half, err));
        for (size_t i = 0; i < count; i++) {
            float want = b->compute == SAINT_F32 ? x[i] : saint_bf16_to_f32(saint_f32_to_bf16(x[i]));
            assert_true(get(half, b->compute, (int64_t)i) == (double)want);
        }
        free(x);
        free(half);
    }
}

static void check_positions(saint_backend *b)
{
    enum { N = 3, EACH = 7, D = 19 };
    for (int prefix = 0; prefix <= 2; prefix++) {
        float *pos = numbers(EACH * D), *cls = numbers(2 * D), *x = numbers(N * EACH * D);
        assert_ok(b->op->positions(b, x, N, EACH, prefix, D, pos, cls, err));
        for (int i = 0; i < N * EACH * D; i++) {
            int at = i % (EACH * D);
            float want = at < prefix * D ? pos[at] + cls[at] : pos[at];
            assert_true(x[i] == want);
        }
        saint_error e = {0};
        assert_int_equal(b->op->positions(b, x, N, 1, 2, D, pos, cls, &e), SAINT_INVALID);
        free(pos);
        free(cls);
        free(x);
    }
}

/* Rows behind the first `skip` of each sequence; one sequence has nothing else. */
static void check_pool_rows(saint_backend *b)
{
    enum { SEQS = 4, ROWS = 31, D = 21 };
    static const int32_t cu[SEQS + 1] = {0, 9, 11, 30, 31};
    float *x = numbers(ROWS * D), *y = numbers(SEQS * D), size[ROWS];
    for (int i = 0; i < ROWS; i++) size[i] = (float)(1 + i % 4);
    assert_ok(b->op->pool_rows(b, x, D, SEQS, cu, 2, size, y, err));
    for (int s = 0; s < SEQS; s++)
        for (int c = 0; c < D; c++) {
            double sum = 0, weight = 0;
            for (int i = cu[s] + 2; i < cu[s + 1]; i++) sum += (double)size[i] * (double)x[i * D + c], weight += (double)size[i];
            double want = weight > 0 ? sum / weight : 0;
            if (!(fabs((double)y[s * D + c] - want) <= 1e-6 * (1 + fabs(want)))) fail_msg("pool_rows: sequence %d column %d: %g, expected %g", s, c, (double)y[s * D + c], want);
        }
    saint_error e = {0};
    assert_int_equal(b->op->pool_rows(b, x, D, SEQS, cu, -1, size, y, &e), SAINT_INVALID);
    free(x);
    free(y);
}

static void pooling_weighs_rows(void **state)
{
    (void)state;
    on_both_types(check_pool_rows);
}

static void moves_are_exact(void **state)
{
    (void)state;
    on_both_types(check_patchify);
    on_both_types(check_embed);
    on_both_types(check_gather);
    on_both_types(check_narrow);
    on_both_types(check_positions);
}

/* ---- rope, mean over heads ---- */

static void expect_rope(saint_backend *b, int64_t rows, int heads, int dim, int gap)
{
    int64_t ld = heads * dim + gap;
    size_t n = (size_t)(rows * ld);
    float *x = numbers(n), *exact = numbers(n), *inv = numbers((size_t)dim / 2);
    int32_t *pos = malloc((size_t)rows * sizeof *pos);
    assert_non_null(pos);
    void *y = narrowed(b->compute, x, n, exact);
    for (int i = 0; i < dim / 2; i++) inv[i] = powf(10000.0f, -2.0f * (float)i / (float)dim);
    for (int64_t r = 0; r < rows; r++) pos[r] = (int32_t)(r * 37 % 4096); /* kept tokens keep their positions: gaps, any order */
    assert_ok(b->op->rope(b, y, rows, ld, heads, dim, pos, inv, err));
    for (int64_t r = 0; r < rows; r++) {
        for (int h = 0; h < heads; h++)
            for (int i = 0; i < dim; i++) {
                int k = i % (dim / 2), half = dim / 2;
                double angle = (double)((float)pos[r] * inv[k]); /* the f32 product is part of the definition */
                int64_t at = r * ld + h * dim;
                double lo = (double)exact[at + k], hi = (double)exact[at + half + k];
                double want = i < half ? lo * cos(angle) - hi * sin(angle) : hi * cos(angle) + lo * sin(angle);
                double bound = 1e-6 + (b->compute == SAINT_BF16 ? 0x1.01p-8 * fabs(want) : 0);
                if (!(fabs(get(y, b->compute, at + i) - want) <= bound))
                    fail_msg("rope row %lld head %d column %d: expected %.9g, found %.9g", (long long)r, h, i, want,
                             get(y, b->compute, at + i));
            }
        for (int64_t i = heads * dim; i < ld; i++) assert_true(get(y, b->compute, r * ld + i) == (double)exact[r * ld + i]); /* gap */
    }
    free(x);
    free(exact);
    free(inv);
    free(pos);
    free(y);
}

static void check_rope(saint_backend *b)
{
    expect_rope(b, 1, 1, 2, 0);
    expect_rope(b, 37, 3, 8, 5);
    expect_rope(b, 50, 2, 128, 0);
    float x[4] = {0};
    saint_error e = {0};
    assert_int_equal(b->op->rope(b, x, 1, 3, 1, 3, &(int32_t){0}, x, &e), SAINT_UNSUPPORTED);
    assert_int_equal(b->op->rope(b, x, 1, 3, 2, 2, &(int32_t){0}, x, &e), SAINT_INVALID); /* heads wider than the row */
}

static void rope_equals_the_formula(void **state)
{
    (void)state;
    on_both_types(check_rope);
}

static void check_mean_heads(saint_backend *b)
{
    static const int shapes[][4] = {{1, 1, 1, 0}, {40, 3, 8, 2}, {19, 16, 64, 0}, {5, 7, 33, 1}};
    for (size_t n = 0; n < sizeof shapes / sizeof *shapes; n++) {
        int rows = shapes[n][0], heads = shapes[n][1], dim = shapes[n][2], ld = heads * dim + shapes[n][3];
        size_t count = (size_t)(rows * ld);
        float *x = numbers(count), *exact = numbers(count), *out = numbers((size_t)(rows * dim));
        void *y = narrowed(b->compute, x, count, exact);
        assert_ok(b->op->mean_heads(b, y, rows, ld, heads, dim, out, err));
        for (int r = 0; r < rows; r++)
            for (int c = 0; c < dim; c++) {
                float sum = 0; /* the order and the division are the definition: same bits */
                for (int h = 0; h < heads; h++) sum += exact[r * ld + h * dim + c];
                assert_true(out[r * dim + c] == sum / (float)heads);
            }
        free(x);
        free(exact);
        free(out);
        free(y);
    }
    float x[4] = {0};
    assert_int_equal(b->op->mean_heads(b, x, 1, 3, 2, 2, x, NULL), SAINT_INVALID);
}

static void mean_over_heads_sums_in_order_and_divides(void **state)
{
    (void)state;
    on_both_types(check_mean_heads);
}

/* ---- the backend itself ---- */

static void check_memory(saint_backend *b)
{
    void *p, *q;
    saint_error e = {0};
    assert_ok(b->op->alloc(b, 100, &p, err));
    assert_ok(b->op->alloc(b, 0, &q, err));
    assert_non_null(q);
    assert_int_equal((uintptr_t)p % 64, 0);
    b->op->release(b, q);
    assert_ok(b->op->upload(b, p, "hello", 6, err));
    assert_ok(b->op->copy(b, (char *)p + 10, p, 6, err));
    char back[6];
    assert_ok(b->op->download(b, back, (char *)p + 10, 6, err));
    assert_string_equal(back, "hello");
    assert_ok(b->op->copy(b, NULL, NULL, 0, err));
    assert_ok(b->op->sync(b, err));
    b->op->release(b, p);
    b->op->release(b, NULL);
    assert_int_equal(b->op->alloc(b, SIZE_MAX - 7, &p, &e), SAINT_MEMORY);
    assert_null(p);
    assert_non_null(strstr(e.text, "18446744073709551608 bytes"));
    assert_int_equal(saint_compute_size(b), b->compute == SAINT_F32 ? 4 : 2);
    assert_string_equal(b->op->name, "cpu");
}

static void memory_is_aligned_and_checked(void **state)
{
    (void)state;
    on_both_types(check_memory);
}

static void tiers_are_chosen_by_name(void **state)
{
    (void)state;
    saint_pool *pool;
    saint_backend *b;
    saint_error e = {0};
    assert_ok(saint_pool_create(&pool, 1, err));
    saint_cpu_tier best = saint_cpu_best_tier();
    for (saint_cpu_tier t = SAINT_TIER_GENERIC; t < SAINT_TIER_COUNT; t++) {
        saint_status s = saint_backend_cpu_open(&b, pool, SAINT_F32, saint_cpu_tier_name(t), &e);
        assert_int_equal(s, t <= best ? SAINT_OK : SAINT_UNSUPPORTED);
        if (s == SAINT_OK) assert_string_equal(b->tier, saint_cpu_tier_name(t));
        saint_backend_close(b);
    }
    assert_ok(saint_backend_cpu_open(&b, pool, SAINT_BF16, NULL, err));
    assert_string_equal(b->tier, saint_cpu_tier_name(best));
    saint_backend_close(b);
    assert_int_equal(saint_backend_cpu_open(&b, pool, SAINT_F32, "mmx", &e), SAINT_INVALID);
    assert_null(b);
    assert_non_null(strstr(e.text, "'mmx'"));
    assert_int_equal(saint_backend_cpu_open(&b, pool, SAINT_F16, NULL, &e), SAINT_INVALID);
    assert_string_equal(saint_cpu_tier_name((saint_cpu_tier)99), "?");
    saint_backend_close(NULL);
    saint_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms_equal_the_formula),       cmocka_unit_test(moves_are_exact),
        cmocka_unit_test(rope_equals_the_formula),       cmocka_unit_test(mean_over_heads_sums_in_order_and_divides),
        cmocka_unit_test(memory_is_aligned_and_checked), cmocka_unit_test(tiers_are_chosen_by_name),
        cmocka_unit_test(pooling_weighs_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
