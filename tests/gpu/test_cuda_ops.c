/* Every operation on CUDA against the CPU. Runs on a device, and on the emulated device in every build with CUDA. */
#include "gpu/pair.h"

/* ---- rows ---- */

static void norms(const pair *p)
{
    static const int64_t shapes[][2] = {{1, 4}, {3, 5}, {7, 64}, {5, 1024}, {2, 1280}, {3, 4096}, {2, 5119}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int kind = 0; kind < 4; kind++) {
            int64_t rows = shapes[i][0], d = shapes[i][1];
            size_t n = (size_t)(rows * d);
            bool layer = kind & 1;
            saint_dtype ytype = kind & 2 ? p->type : SAINT_F32;
            float *x = numbers(n, 2), *w = keep(numbers((size_t)d, 1)), *bias = keep(numbers((size_t)d, 1)), *want = malloc(n * sizeof *want);
            buffer gx = put(p, SAINT_F32, x, n, 0), gy = put(p, ytype, NULL, n, 0);
            if (layer) {
                assert_ok(p->cpu->op->layernorm(p->cpu, x, rows, d, w, bias, 1e-5f, want, SAINT_F32, err));
                assert_ok(p->gpu->op->layernorm(p->gpu, gx.at, rows, d, w, bias, 1e-5f, gy.at, ytype, err));
            } else {
                assert_ok(p->cpu->op->rmsnorm(p->cpu, x, rows, d, w, 1e-5f, want, SAINT_F32, err));
                assert_ok(p->gpu->op->rmsnorm(p->gpu, gx.at, rows, d, w, 1e-5f, gy.at, ytype, err));
            }
            float *y = get(p, ytype, gy, n);
            compare(layer ? "layernorm" : "rmsnorm", y, want, n, ytype == SAINT_F32 ? p->f32limit : p->limit);
            if (ytype == SAINT_F32 && layer) { /* in place */
                free(y);
                assert_ok(p->gpu->op->layernorm(p->gpu, gx.at, rows, d, w, bias, 1e-5f, gx.at, SAINT_F32, err));
                y = get(p, SAINT_F32, gx, n);
                compare("layernorm in place", y, want, n, p->f32limit);
            }
            drop(p, gx);
            drop(p, gy);
            free(y);
            free(x);
            free(want);
        }
}

static void moves(const pair *p)
{
    enum { H = 13, W = 9, PATCH = 4, GRID = (H / PATCH) * (W / PATCH), EACH = 3 * PATCH * PATCH };
    float *chw = rounded(p->type, 3 * H * W, 1), want[GRID * EACH];
    buffer g = put(p, p->type, NULL, GRID * EACH, 0);
    assert_ok(p->cpu->op->patchify(p->cpu, chw, H, W, PATCH, want, err));
    assert_ok(p->gpu->op->patchify(p->gpu, chw, H, W, PATCH, g.at, err));
    float *y = get(p, p->type, g, GRID * EACH);
    assert_memory_equal(y, want, sizeof want);
    free(y);
    drop(p, g);
    /* a picture that is larger than the ring gives room to */
    enum { SIDE = 336 };
    float *big = rounded(p->type, 3 * SIDE * SIDE, 1), *patches = malloc(3 * SIDE * SIDE * sizeof *patches);
    g = put(p, p->type, NULL, 3 * SIDE * SIDE, 0);
    assert_ok(p->cpu->op->patchify(p->cpu, big, SIDE, SIDE, 14, patches, err));
    assert_ok(p->gpu->op->patchify(p->gpu, big, SIDE, SIDE, 14, g.at, err));
    y = get(p, p->type, g, 3 * SIDE * SIDE);
    assert_memory_equal(y, patches, 3 * SIDE * SIDE * sizeof *y);
    free(y);
    free(big);
    free(patches);
    drop(p, g);
    free(chw);

    for (int t = SAINT_F32; t <= SAINT_BF16; t++)
        for (int cols = 7; cols <= 64; cols += 57) {
            static const int32_t ids[] = {3, 0, 19, 3, 7};
            float *table = rounded((saint_dtype)t, (size_t)(20 * cols), 1), *rows = malloc((size_t)(5 * cols) * sizeof *rows);
            uint16_t *half = malloc((size_t)(20 * cols) * sizeof *half);
            for (int i = 0; t != SAINT_F32 && i < 20 * cols; i++) half[i] = to16((saint_dtype)t, table[i]);
            saint_matrix m = {t == SAINT_F32 ? (const void *)table : half, (saint_dtype)t, 20, cols};
            g = put(p, SAINT_F32, NULL, (size_t)(5 * cols), 0);
            assert_ok(p->cpu->op->embed(p->cpu, &m, ids, 5, rows, err));
            assert_ok(p->gpu->op->embed(p->gpu, &m, ids, 5, g.at, err));
            y = get(p, SAINT_F32, g, (size_t)(5 * cols));
            assert_memory_equal(y, rows, (size_t)(5 * cols) * sizeof *rows);
            saint_error e = {0};
            assert_int_equal(p->gpu->op->embed(p->gpu, &m, (const int32_t[]){20}, 1, g.at, &e), SAINT_INVALID);
            drop(p, g);
            free(y);
            free(table);
            free(rows);
            free(half);
        }

    for (int bytes = 1; bytes <= 64; bytes = bytes < 4 ? bytes + 3 : bytes + 12) { /* 1, 4, 16, 28, 40, 52, 64: all three kernels */
        static const int32_t idx[] = {9, 2, 2, 0, 5};
        unsigned char src[10 * 64], out[5 * 64], expected[5 * 64];
        for (size_t i = 0; i < sizeof src; i++) src[i] = (unsigned char)test_random_bits(&seed);
        void *a, *b;
        assert_ok(p->gpu->op->alloc(p->gpu, sizeof src, &a, err));
        assert_ok(p->gpu->op->alloc(p->gpu, sizeof out, &b, err));
        assert_ok(p->gpu->op->upload(p->gpu, a, src, sizeof src, err));
        assert_ok(p->cpu->op->gather(p->cpu, src, idx, 5, (size_t)bytes, expected, err));
        assert_ok(p->gpu->op->gather(p->gpu, a, idx, 5, (size_t)bytes, b, err));
        assert_ok(p->gpu->op->download(p->gpu, out, b, 5 * (size_t)bytes, err));
        assert_memory_equal(out, expected, 5 * (size_t)bytes);
        p->gpu->op->release(p->gpu, a);
        p->gpu->op->release(p->gpu, b);
    }

    for (size_t n = 1; n < 5000; n = n * 3 + 2) {
        float *x = numbers(n, 3);
        buffer gx = put(p, SAINT_F32, x, n, 0), gy = put(p, p->type, NULL, n, 0);
        assert_ok(p->gpu->op->narrow(p->gpu, gx.at, n, gy.at, err));
        y = get(p, p->type, gy, n);
        for (size_t i = 0; i < n; i++) assert_true(y[i] == (p->type == SAINT_F32 ? x[i] : from16(p->type, to16(p->type, x[i]))));
        drop(p, gx);
        drop(p, gy);
        free(x);
        free(y);
    }
}

static void rows_of_pictures(const pair *p)
{
    enum { N = 3, EACH = 10, D = 37, ROWS = N * EACH };
    static const int32_t cu[N + 1] = {0, 9, 11, 30};
    static float pos[EACH * D], cls[2 * D];
    for (int i = 0; i < EACH * D; i++) pos[i] = test_random(&seed);
    for (int i = 0; i < 2 * D; i++) cls[i] = test_random(&seed);
    float want[ROWS * D], pooled[N * D], size[ROWS];
    for (int i = 0; i < ROWS; i++) size[i] = (float)(1 + i % 3);
    for (int prefix = 0; prefix <= 2; prefix++) {
        buffer g = put(p, SAINT_F32, NULL, ROWS * D, 0), q = put(p, SAINT_F32, NULL, N * D, 0);
        assert_ok(p->cpu->op->positions(p->cpu, want, N, EACH, prefix, D, pos, cls, err));
        assert_ok(p->gpu->op->positions(p->gpu, g.at, N, EACH, prefix, D, pos, cls, err));
        float *y = get(p, SAINT_F32, g, ROWS * D);
        assert_memory_equal(y, want, sizeof want);
        free(y);
        assert_ok(p->cpu->op->pool_rows(p->cpu, want, D, N, cu, prefix, size, pooled, err));
        assert_ok(p->gpu->op->pool_rows(p->gpu, g.at, D, N, cu, prefix, size, q.at, err));
        y = get(p, SAINT_F32, q, N * D);
        compare("pool_rows", y, pooled, N * D, p->f32limit);
        free(y);
        drop(p, g);
        drop(p, q);
    }
}

static void heads(const pair *p)
{
    static const int shapes[][3] = {{5, 3, 8}, {9, 16, 64}, {4, 2, 128}, {3, 17, 6}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        int rows = shapes[i][0], n = shapes[i][1], hd = shapes[i][2], ld = n * hd + 3;
        size_t count = (size_t)(rows * ld);
        float *x = rounded(p->type, count, 1), *rotated = malloc(count * sizeof *rotated), *inv = keep(malloc((size_t)hd * sizeof *inv));
        int32_t pos[16];
        for (int k = 0; k < rows; k++) pos[k] = 7 * k * k;
        for (int k = 0; k < hd / 2; k++) inv[k] = powf(10000, -2.0f * (float)k / (float)hd);
        buffer g = put(p, p->type, x, count, 0);
        float *mean = malloc((size_t)(rows * hd) * sizeof *mean), *want = malloc((size_t)(rows * hd) * sizeof *want);
        assert_ok(p->cpu->op->mean_heads(p->cpu, x, rows, ld, n, hd, want, err));
        assert_ok(p->gpu->op->mean_heads(p->gpu, g.at, rows, ld, n, hd, mean, err));
        assert_memory_equal(mean, want, (size_t)(rows * hd) * sizeof *mean); /* selection reads these bits */
        memcpy(rotated, x, count * sizeof *x);
        assert_ok(p->cpu->op->rope(p->cpu, rotated, rows, ld, n, hd, pos, inv, err));
        assert_ok(p->gpu->op->rope(p->gpu, g.at, rows, ld, n, hd, pos, inv, err));
        float *y = get(p, p->type, g, count);
        compare("rope", y, rotated, count, p->limit);
        free(x);
        free(y);
        free(rotated);
        free(mean);
        free(want);
        drop(p, g);
    }
}

/* Arguments of one operation that outgrow the ring: the first of them must stay readable. */
static void large_arguments(const pair *p)
{
    enum { ROWS = 700000, SEQS = 9 };
    int32_t cu[SEQS + 1];
    for (int i = 0; i <= SEQS; i++) cu[i] = (int32_t)((int64_t)ROWS * i / SEQS);
    float *x = numbers(ROWS, 1), *size = numbers(ROWS, 1), want[SEQS];
    for (int i = 0; i < ROWS; i++) size[i] = 1 + fabsf(size[i]);
    buffer gx = put(p, SAINT_F32, x, ROWS, 0), gy = put(p, SAINT_F32, NULL, SEQS, 0);
    for (int again = 0; again < 3; again++) {
        assert_ok(p->cpu->op->pool_rows(p->cpu, x, 1, SEQS, cu, again, size, want, err));
        assert_ok(p->gpu->op->pool_rows(p->gpu, gx.at, 1, SEQS, cu, again, size, gy.at, err));
        float *y = get(p, SAINT_F32, gy, SEQS);
        compare("pool_rows of very many rows", y, want, SEQS, 1e-7);
        free(y);
    }
    drop(p, gx);
    drop(p, gy);
    free(x);
    free(size);
}

/* ---- linear ---- */

static void linear_case(const pair *p, int m, int n, int k, saint_dtype wtype, int act, int what, bool rows)
{
    enum { BIAS = 1, SCALE = 2, RESIDUAL = 4, GATE = 8, F32OUT = 16, PITCH = 32 };
    int pad = what & PITCH ? 8 : 0, ldx = k + pad, ldy = n + pad;
    size_t nx = (size_t)m * (size_t)ldx, ny = (size_t)m * (size_t)ldy;
    saint_dtype narrower = p->type == SAINT_F32 ? wtype : wtype == SAINT_F32 ? p->type : wtype;
    float *w = rounded(narrower, (size_t)n * (size_t)k, 1.0f / sqrtf((float)k)), *x = rounded(p->type, nx, 1), *bias = keep(numbers((size_t)n, 0.5f)), *scale = keep(numbers((size_t)n, 1));
    float *gate = rounded(p->type, ny, 1), *residual = numbers(ny, 1), *want = malloc(ny * sizeof *want);
    for (size_t i = 0; p->type != SAINT_F32 && i < (size_t)n * (size_t)k; i++) w[i] = from16(p->type, to16(p->type, w[i]));
    void *stored = keep(weight(wtype, w, (size_t)n * (size_t)k));
    saint_dtype ytype = what & (RESIDUAL | F32OUT) ? SAINT_F32 : p->type;
    saint_linear_args a = {.m = m, .x = x, .ldx = ldx, .w = {w, SAINT_F32, n, k}, .bias = what & BIAS ? bias : NULL, .act = (saint_act)act,
                           .scale = what & SCALE ? scale : NULL, .residual = what & RESIDUAL ? want : NULL, .gate = what & GATE ? gate : NULL, .y = want,
                           .ytype = SAINT_F32, .ldy = ldy};
    buffer gx = put(p, p->type, x, nx, 0), gy = put(p, ytype, residual, ny, 0), gg = put(p, p->type, gate, ny, 0);
    memcpy(want, residual, ny * sizeof *want);
    assert_ok(p->cpu->op->linear(p->cpu, &a, err));
    saint_linear_args d = a;
    d.x = gx.at;
    d.w = (saint_matrix){stored, wtype, n, k};
    d.residual = a.residual ? gy.at : NULL;
    d.gate = a.gate ? gg.at : NULL;
    d.y = gy.at;
    d.ytype = ytype;
    if (rows) assert_ok(p->gpu->op->linear_rows(p->gpu, &d, err));
    else assert_ok(p->gpu->op->linear(p->gpu, &d, err));
    float *y = get(p, ytype, gy, ny);
    for (int i = 0; i < m; i++) /* what lies between the rows is nobody's, and nobody writes it */
        for (int j = n; j < ldy; j++) {
            float was = ytype == SAINT_F32 ? residual[i * ldy + j] : from16(ytype, to16(ytype, residual[i * ldy + j]));
            assert_true(y[i * ldy + j] == was);
            want[i * ldy + j] = was;
        }
    char name[160];
    snprintf(name, sizeof name, "linear%s %d x %d x %d, weights %s, act %d, parts %d", rows ? "_rows" : "", m, n, k, saint_dtype_name(wtype), act, what);
    compare(name, y, want, ny, p->limit);
    drop(p, gx);
    drop(p, gy);
    drop(p, gg);
    free(x);
    free(y);
    free(gate);
    free(residual);
    free(want);
    free(w);
}

static void linears(const pair *p)
{
    static const int shapes[][3] = {{1, 8, 8}, {5, 24, 64}, {9, 33, 50}, {17, 48, 588}, {2, 7, 3}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int what = 0; what < 64; what++) {
            if ((what & 4) && (what & 8)) continue; /* a residual or a gate */
            if (i > 1 && what % 5 != 0) continue;
            int act = (int)(test_random_bits(&seed) % 5), m = shapes[i][0], n = shapes[i][1], k = shapes[i][2];
            saint_dtype wtype = (saint_dtype)(what % 3);
            if (m == 1 && what & 32) m = 3;
            linear_case(p, m, n, k, wtype, what % 2 ? act : 0, what, false);
            linear_case(p, m, n, k, wtype, what % 2 ? 0 : act, what, true);
        }
}

/* ---- attention ---- */

static void attention_case(const pair *p, int hd, int nh, int nkv, int n_seqs, const int32_t *cu_q, const int32_t *cu_k, bool causal, bool biased, bool odd)
{
    int tq = cu_q[n_seqs], tk = cu_k[n_seqs], ldq = nh * hd + (odd ? 1 : 8), ldk = nkv * hd + (odd ? 3 : 8), ldo = nh * hd;
    float *q = rounded(p->type, (size_t)(tq * ldq), 1), *k = rounded(p->type, (size_t)(tk * ldk), 1), *v = rounded(p->type, (size_t)(tk * ldk), 1);
    float *bias = numbers((size_t)tk, 1), *want = calloc((size_t)(tq * ldo) + 1, sizeof *want);
    buffer gq = put(p, p->type, q, (size_t)(tq * ldq), 0), gk = put(p, p->type, k, (size_t)(tk * ldk), 0), gv = put(p, p->type, v, (size_t)(tk * ldk), 0),
           go = put(p, p->type, NULL, (size_t)(tq * ldo), 0);
    saint_attention_args a = {.q = q, .k = k, .v = v, .ldq = ldq, .ldk = ldk, .ldv = ldk, .n_heads = nh, .n_kv_heads = nkv, .head_dim = hd, .n_seqs = n_seqs,
                              .cu_q = cu_q, .cu_k = cu_k, .causal = causal, .scale = 1.0f / sqrtf((float)hd), .key_bias = biased ? bias : NULL, .out = want,
                              .ldo = ldo};
    assert_ok(p->cpu->op->attention(p->cpu, &a, err));
    a.q = gq.at;
    a.k = gk.at;
    a.v = gv.at;
    a.out = go.at;
    assert_ok(p->gpu->op->attention(p->gpu, &a, err));
    float *y = get(p, p->type, go, (size_t)(tq * ldo));
    char name[160];
    snprintf(name, sizeof name, "attention of %d queries and %d keys in %d sequences, %d heads of %d (%d of keys)%s%s%s", tq, tk, n_seqs, nh, hd, nkv,
             causal ? ", causal" : "", biased ? ", biased" : "", odd ? ", odd rows" : "");
    compare(name, y, want, (size_t)(tq * ldo), p->limit);
    free(y);
    drop(p, gq);
    drop(p, gk);
    drop(p, gv);
    drop(p, go);

    int n = cu_k[1];
    if (tq && n) {
        float *row = malloc((size_t)n * sizeof *row), *found = malloc((size_t)n * sizeof *found);
        gq = put(p, p->type, q, (size_t)(tq * ldq), 0);
        gk = put(p, p->type, k, (size_t)(tk * ldk), 0);
        saint_attention_row_args r = {.q = q, .k = k, .ldk = ldk, .n_heads = nh, .n_kv_heads = nkv, .head_dim = hd, .n_keys = n, .scale = a.scale,
                                      .key_bias = a.key_bias, .p = row};
        assert_ok(p->cpu->op->attention_row(p->cpu, &r, err));
        r.q = gq.at;
        r.k = gk.at;
        r.p = found;
        assert_ok(p->gpu->op->attention_row(p->gpu, &r, err));
        compare("attention_row", found, row, (size_t)n, p->limit);
        drop(p, gq);
        drop(p, gk);
        free(row);
        free(found);
    }
    free(q);
    free(k);
    free(v);
    free(bias);
    free(want);
}

static void attentions(const pair *p)
{
    static const int32_t one[] = {0, 1}, same[] = {0, 70, 70, 135, 330}, few[] = {0, 5}, many[] = {0, 200}, last[] = {0, 3}, wide[] = {0, 129};
    static const int dims[] = {64, 80, 128, 16, 8, 20, 256};
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++) {
        int hd = dims[i];
        attention_case(p, hd, 2, 2, 4, same, same, false, false, false); /* a batch of pictures, one of them empty */
        attention_case(p, hd, 2, 2, 4, same, same, false, true, false);  /* merged tokens */
        attention_case(p, hd, 4, 2, 1, wide, wide, true, false, false);  /* prefill, grouped heads */
        attention_case(p, hd, 2, 1, 1, wide, many, true, i % 2, false);  /* more keys than queries */
        attention_case(p, hd, 4, 1, 1, one, many, true, false, false);   /* decode: keys are split */
        attention_case(p, hd, 2, 2, 1, last, many, true, true, true);
        attention_case(p, hd, 3, 3, 1, few, few, true, false, true);
        attention_case(p, hd, 1, 1, 1, one, one, false, false, false);
    }
    saint_error e = {0};
    saint_attention_args bad = {.n_heads = 3, .n_kv_heads = 2, .head_dim = 64};
    assert_int_equal(p->gpu->op->attention(p->gpu, &bad, &e), SAINT_INVALID);
    bad = (saint_attention_args){.n_heads = 1, .n_kv_heads = 1, .head_dim = 257};
    assert_int_equal(p->gpu->op->attention(p->gpu, &bad, &e), SAINT_UNSUPPORTED);
}

/* ---- all of it, in each type ---- */

static void norms_equal_the_cpu(void **state)
{
    (void)state;
    in_all_types(norms);
}

static void moves_equal_the_cpu(void **state)
{
    (void)state;
    in_all_types(moves);
    in_all_types(rows_of_pictures);
    in_all_types(large_arguments);
}

static void heads_equal_the_cpu(void **state)
{
    (void)state;
    in_all_types(heads);
}

static void linears_equal_the_cpu(void **state)
{
    (void)state;
    in_all_types(linears);
}

static void attention_equals_the_cpu(void **state)
{
    (void)state;
    in_all_types(attentions);
}

int main(int argc, char **argv)
{
    char why[160];
    if (saint_cuda_devices(NULL, 0, why, sizeof why) == 0) {
        printf("SKIPPED: %s\n", why);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms_equal_the_cpu),   cmocka_unit_test(moves_equal_the_cpu),      cmocka_unit_test(heads_equal_the_cpu),
        cmocka_unit_test(linears_equal_the_cpu), cmocka_unit_test(attention_equals_the_cpu),
    };
    assert_ok(saint_pool_create(&pool, 2, err));
    if (argc > 1) cmocka_set_test_filter(argv[1]); /* for tools that are too slow for all of it */
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    saint_pool_destroy(pool);
    return failed;
}
