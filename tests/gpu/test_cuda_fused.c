/* What only devices do (backend/fused.h) against the plain operations of the CPU, and work that is recorded against work that is done. */
#include "gpu/pair.h"

#include "backend/fused.h"

static const saint_fused_ops *fused(const pair *p)
{
    assert_non_null(p->gpu->op->fused);
    assert_null(p->cpu->op->fused);
    return p->gpu->op->fused;
}

static void *part(const pair *p, const buffer *b, size_t elements)
{
    return (char *)b->at + elements * saint_compute_size(p->gpu);
}

/* ---- products ---- */

static void joined_case(const pair *p, int m, int k, const int *n, int parts, int with_bias, bool rows, int pad)
{
    int total = 0, ldx = k + pad;
    for (int i = 0; i < parts; i++) total += n[i];
    int ldy = total + pad;
    float *x = rounded(p->type, (size_t)(m * ldx), 1), *want = calloc((size_t)(m * ldy), sizeof *want);
    buffer gx = put(p, p->type, x, (size_t)(m * ldx), 0), gy = put(p, p->type, want, (size_t)(m * ldy), 0);
    saint_joined_args a = {.m = m, .x = gx.at, .ldx = ldx, .n = parts, .y = gy.at, .ldy = ldy, .rows = rows};
    for (int i = 0, at = 0; i < parts; at += n[i++]) {
        saint_dtype type = (saint_dtype)((i + m) % 3);
        saint_dtype narrower = p->type == SAINT_F32 ? type : type == SAINT_F32 ? p->type : type;
        size_t count = (size_t)n[i] * (size_t)k;
        float *w = rounded(narrower, count, 1.0f / sqrtf((float)k));
        for (size_t j = 0; p->type != SAINT_F32 && j < count; j++) w[j] = from16(p->type, to16(p->type, w[j]));
        a.w[i] = (saint_matrix){keep(weight(type, w, count)), type, n[i], k};
        a.bias[i] = with_bias >> i & 1 ? keep(rounded(p->type, (size_t)n[i], 0.5f)) : NULL;
        saint_linear_args one = {.m = m, .x = x, .ldx = ldx, .w = {w, SAINT_F32, n[i], k}, .bias = a.bias[i], .y = want + at, .ytype = SAINT_F32, .ldy = ldy};
        assert_ok(p->cpu->op->linear(p->cpu, &one, err));
        free(w);
    }
    for (int again = 0; again < 2; again++) assert_ok(fused(p)->linear_joined(p->gpu, &a, err)); /* the second time from the device's own copy */
    float *y = get(p, p->type, gy, (size_t)(m * ldy));
    char name[120];
    snprintf(name, sizeof name, "%d joined products of %d x %d, biases %d%s", parts, m, k, with_bias, rows ? ", rows" : "");
    compare(name, y, want, (size_t)(m * ldy), p->limit);
    drop(p, gx);
    drop(p, gy);
    free(x);
    free(y);
    free(want);
}

static void products(const pair *p)
{
    static const int even[] = {64, 64, 64}, grouped[] = {48, 16, 16}, odd[] = {7, 3, 5};
    for (int bias = 0; bias < 8; bias++) {
        joined_case(p, 9, 64, even, 3, bias, false, 0);
        joined_case(p, 1, 64, grouped, 3, bias, true, 0);
        joined_case(p, 5, 33, odd, 3, bias, bias % 2, 3);
        joined_case(p, 12, 40, grouped, 2, bias % 4, true, 8); /* too many rows for the kernel of few */
    }
    saint_error e = {0};
    saint_joined_args bad = {.m = 1, .n = 4};
    assert_int_equal(fused(p)->linear_joined(p->gpu, &bad, &e), SAINT_INVALID);

    for (int n = 5; n <= 64; n += 59) {
        enum { ROWS = 7 };
        float *x = rounded(p->type, (size_t)(ROWS * 2 * n), 2), *want = malloc((size_t)(ROWS * n) * sizeof *want);
        for (int i = 0; i < ROWS * n; i++) {
            float g = x[i / n * 2 * n + i % n];
            want[i] = g / (1 + expf(-g)) * x[i / n * 2 * n + n + i % n];
        }
        buffer gx = put(p, p->type, x, (size_t)(ROWS * 2 * n), 0), gy = put(p, p->type, NULL, (size_t)(ROWS * n), 0);
        assert_ok(fused(p)->swiglu(p->gpu, gx.at, ROWS, n, gy.at, err));
        float *y = get(p, p->type, gy, (size_t)(ROWS * n));
        compare("swiglu", y, want, (size_t)(ROWS * n), p->limit);
        drop(p, gx);
        drop(p, gy);
        free(x);
        free(y);
        free(want);
    }
}

/* ---- caches ---- */

enum { CAP = 700 };

/* A cache of `rows` rows on both sides: the same numbers. */
typedef struct {
    buffer k, v, layer;
    float *hk, *hv; /* [CAP, width] */
    int width, rows;
} cache;

static cache make_cache(const pair *p, int width, int rows, int position)
{
    cache c = {.width = width, .rows = rows, .hk = rounded(p->type, (size_t)(CAP * width), 1), .hv = rounded(p->type, (size_t)(CAP * width), 1)};
    c.k = put(p, p->type, c.hk, (size_t)(CAP * width), 0);
    c.v = put(p, p->type, c.hv, (size_t)(CAP * width), 0);
    saint_decode_layer layer = {.k = c.k.at, .v = c.v.at, .rows = rows, .position = position};
    assert_ok(p->gpu->op->alloc(p->gpu, sizeof layer, &c.layer.base, err));
    c.layer.at = c.layer.base;
    assert_ok(p->gpu->op->upload(p->gpu, c.layer.at, &layer, sizeof layer, err));
    return c;
}

static void drop_cache(const pair *p, cache *c)
{
    drop(p, c->k);
    drop(p, c->v);
    drop(p, c->layer);
    free(c->hk);
    free(c->hv);
}

static float *frequencies(int hd)
{
    float *inv = keep(malloc((size_t)hd * sizeof *inv));
    for (int k = 0; k < hd / 2; k++) inv[k] = powf(10000, -2.0f * (float)k / (float)hd);
    return inv;
}

/* What the CPU makes of rows of queries, keys and values: rotated in place, keys and values in the cache behind `at`. */
static void cpu_store(const pair *p, float *qkv, int rows, int ld, int nh, int nkv, int hd, const int32_t *pos, const float *inv, float *k, float *v)
{
    assert_ok(p->cpu->op->rope(p->cpu, qkv, rows, ld, nh, hd, pos, inv, err));
    for (int i = 0; i < rows; i++) {
        memcpy(k + i * nkv * hd, qkv + i * ld + nh * hd, (size_t)(nkv * hd) * sizeof *k);
        memcpy(v + i * nkv * hd, qkv + i * ld + (nh + nkv) * hd, (size_t)(nkv * hd) * sizeof *v);
    }
    assert_ok(p->cpu->op->rope(p->cpu, k, rows, nkv * hd, nkv, hd, pos, inv, err));
}

static void same_cache(const pair *p, const cache *c, const char *what)
{
    float *k = get(p, p->type, c->k, (size_t)(CAP * c->width)), *v = get(p, p->type, c->v, (size_t)(CAP * c->width));
    compare(what, k, c->hk, (size_t)(CAP * c->width), p->limit);
    assert_memory_equal(v, c->hv, (size_t)(CAP * c->width) * sizeof *v); /* moved, and nothing else touched */
    free(k);
    free(v);
}

static void caches(const pair *p)
{
    static const int shapes[][3] = {{4, 2, 64}, {3, 3, 8}, {8, 1, 128}, {16, 16, 6}, {2, 2, 80}, {1, 1, 256}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        int nh = shapes[i][0], nkv = shapes[i][1], hd = shapes[i][2], ld = (nh + 2 * nkv) * hd;
        static const int lengths[] = {0, 1, 31, 63, 255, 256, 511, 640};
        float *inv = frequencies(hd);
        for (size_t j = 0; j < sizeof lengths / sizeof *lengths; j++) {
            int rows = lengths[j], position = rows + 3;
            cache c = make_cache(p, nkv * hd, rows, position);
            float *x = rounded(p->type, (size_t)ld, 1), *want = malloc((size_t)(nh * hd) * sizeof *want);
            buffer g = put(p, p->type, x, (size_t)ld, 0), out = put(p, p->type, NULL, (size_t)(nh * hd), 0),
                   partial = put(p, SAINT_F32, NULL, saint_decode_partial(nh, hd), 0);
            saint_qkv qkv = {.qkv = g.at, .ld = ld, .n_heads = nh, .n_kv_heads = nkv, .head_dim = hd, .inv_freq = inv};
            int32_t pos = position, cu_q[2] = {0, 1}, cu_k[2] = {0, rows + 1};
            cpu_store(p, x, 1, ld, nh, nkv, hd, &pos, inv, c.hk + rows * c.width, c.hv + rows * c.width);
            assert_ok(fused(p)->rope_append(p->gpu, &qkv, c.layer.at, err));
            same_cache(p, &c, "keys that are appended");
            float scale = 1.0f / sqrtf((float)hd);
            saint_attention_args a = {.q = x, .k = c.hk, .v = c.hv, .ldq = ld, .ldk = c.width, .ldv = c.width, .n_heads = nh, .n_kv_heads = nkv,
                                      .head_dim = hd, .n_seqs = 1, .cu_q = cu_q, .cu_k = cu_k, .causal = true, .scale = scale, .out = want, .ldo = nh * hd};
            assert_ok(p->cpu->op->attention(p->cpu, &a, err));
            for (int most = rows + 1; most <= 5000; most = most * 2 + 1) { /* any bucket that the keys fit into */
                assert_ok(fused(p)->attention_one(p->gpu, &qkv, c.layer.at, scale, most, partial.at, out.at, err));
                float *y = get(p, p->type, out, (size_t)(nh * hd));
                compare("attention of one row", y, want, (size_t)(nh * hd), p->limit * 4);
                free(y);
            }
            drop(p, g);
            drop(p, out);
            drop(p, partial);
            drop_cache(p, &c);
            free(x);
            free(want);
        }
        enum { ROWS = 9 };
        int32_t pos[ROWS];
        for (int k = 0; k < ROWS; k++) pos[k] = 5 * k + k * k;
        cache c = make_cache(p, nkv * hd, 0, 0);
        float *x = rounded(p->type, (size_t)(ROWS * ld), 1);
        buffer g = put(p, p->type, x, (size_t)(ROWS * ld), 0);
        saint_qkv qkv = {.qkv = g.at, .ld = ld, .n_heads = nh, .n_kv_heads = nkv, .head_dim = hd, .inv_freq = inv};
        cpu_store(p, x, ROWS, ld, nh, nkv, hd, pos, inv, c.hk + 2 * c.width, c.hv + 2 * c.width);
        assert_ok(fused(p)->rope_store(p->gpu, &qkv, ROWS, pos, part(p, &c.k, (size_t)(2 * c.width)), part(p, &c.v, (size_t)(2 * c.width)), err));
        same_cache(p, &c, "keys that are stored");
        float *y = get(p, p->type, g, (size_t)(ROWS * ld));
        for (int r = 0; r < ROWS; r++) compare("queries that are rotated", y + r * ld, x + r * ld, (size_t)(nh * hd), p->limit);
        free(x);
        free(y);
        drop(p, g);
        drop_cache(p, &c);
    }
}

/* ---- tokens ---- */

static int best(const float *x, int n)
{
    int at = 0;
    for (int i = 1; i < n; i++)
        if (x[i] > x[at]) at = i;
    return at;
}

static void tokens(const pair *p)
{
    enum { LAYERS = 3, COLS = 37, VOCAB = 3001 };
    for (int kind = 0; kind < 40; kind++) {
        int n = 1 + (kind * 997) % VOCAB;
        float *x = numbers((size_t)n, 2);
        for (int i = 0; kind % 5 == 1 && i < n; i++) x[i] = roundf(x[i]); /* ties */
        for (int i = 0; kind % 5 == 2 && i < n; i += 3) x[(i * 7) % n] = NAN;
        if (kind % 5 == 3) x[0] = NAN;
        if (kind % 5 == 4) x[n - 1] = INFINITY;
        saint_decode_layer layer[LAYERS] = {{.rows = 4, .position = 9}, {.rows = 1, .position = 0}, {.rows = 0, .position = 77}}, after[LAYERS];
        void *g_layer, *g_token;
        buffer g = put(p, SAINT_F32, x, (size_t)n, 0);
        assert_ok(p->gpu->op->alloc(p->gpu, sizeof layer, &g_layer, err));
        assert_ok(p->gpu->op->alloc(p->gpu, sizeof(int32_t), &g_token, err));
        assert_ok(p->gpu->op->upload(p->gpu, g_layer, layer, sizeof layer, err));
        assert_ok(fused(p)->take_best(p->gpu, g.at, n, g_token, g_layer, LAYERS, err));
        int32_t token = -1;
        assert_ok(p->gpu->op->download(p->gpu, &token, g_token, sizeof token, err));
        assert_int_equal(token, best(x, n));
        assert_ok(p->gpu->op->download(p->gpu, after, g_layer, sizeof after, err));
        for (int i = 0; i < LAYERS; i++) {
            assert_int_equal(after[i].rows, layer[i].rows + 1);
            assert_int_equal(after[i].position, layer[i].position + 1);
        }
        saint_dtype type = (saint_dtype)(kind % 3);
        float *table = rounded(type, (size_t)(VOCAB * COLS), 1);
        saint_matrix m = {keep(weight(type, table, VOCAB * COLS)), type, VOCAB, COLS};
        buffer row = put(p, SAINT_F32, NULL, COLS, 0);
        assert_ok(fused(p)->embed_token(p->gpu, &m, g_token, row.at, err));
        float *y = get(p, SAINT_F32, row, COLS);
        assert_memory_equal(y, table + token * COLS, COLS * sizeof *y);
        free(y);
        free(table);
        drop(p, row);
        drop(p, g);
        p->gpu->op->release(p->gpu, g_layer);
        p->gpu->op->release(p->gpu, g_token);
        free(x);
    }
}

/* ---- recordings ---- */

static void recordings(const pair *p)
{
    enum { ROWS = 20, D = 16, KEPT = 5 };
    const saint_fused_ops *f = fused(p);
    int32_t *idx = malloc(KEPT * sizeof *idx);
    for (int i = 0; i < KEPT; i++) idx[i] = 3 * i + 1;
    float *x = numbers(ROWS * D, 1), *other = numbers(ROWS * D, 1);
    buffer from = put(p, SAINT_F32, x, ROWS * D, 0), to = put(p, SAINT_F32, NULL, KEPT * D, 0);
    saint_recording *r = NULL;
    assert_ok(p->gpu->op->gather(p->gpu, from.at, idx, KEPT, D * sizeof *x, to.at, err)); /* what is recorded was done before: its kernel is loaded */
    assert_ok(f->record(p->gpu, err));
    assert_ok(p->gpu->op->gather(p->gpu, from.at, idx, KEPT, D * sizeof *x, to.at, err));
    assert_ok(f->recorded(p->gpu, &r, err));
    for (int i = 0; i < KEPT; i++) idx[i] = 0; /* the recording has its own */
    free(idx);
    for (int round = 0; round < 3; round++) {
        const float *now = round == 1 ? other : x;
        assert_ok(p->gpu->op->upload(p->gpu, from.at, now, ROWS * D * sizeof *x, err));
        assert_true(f->recording_valid(p->gpu, r));
        assert_ok(f->replay(p->gpu, r, err));
        float *y = get(p, SAINT_F32, to, KEPT * D);
        for (int i = 0; i < KEPT; i++) assert_memory_equal(y + i * D, now + (3 * i + 1) * D, D * sizeof *y);
        free(y);
    }
    f->forget(p->gpu, r);
    f->forget(p->gpu, NULL);

    /* what cannot be recorded says so, spoils nothing but the recording, and everything goes on */
    saint_error e = {0};
    float host[4];
    void *memory;
    const float *fresh = keep(numbers(D, 1));
    for (int kind = 0; kind < 5; kind++) {
        assert_ok(f->record(p->gpu, err));
        assert_int_equal(f->record(p->gpu, &e), SAINT_STATE);
        saint_status s = kind == 0   ? p->gpu->op->download(p->gpu, host, from.at, sizeof host, &e)
                         : kind == 1 ? p->gpu->op->upload(p->gpu, from.at, host, sizeof host, &e)
                         : kind == 2 ? p->gpu->op->sync(p->gpu, &e)
                         : kind == 3 ? p->gpu->op->alloc(p->gpu, 64, &memory, &e)
                                     : p->gpu->op->rmsnorm(p->gpu, from.at, 1, D, fresh, 1e-5f, to.at, SAINT_F32, &e);
        assert_int_equal(s, SAINT_STATE);
        assert_non_null(strstr(e.text, "recorded"));
        assert_ok(f->recorded(p->gpu, NULL, err));
        assert_int_equal(f->recorded(p->gpu, NULL, &e), SAINT_STATE);
        assert_ok(p->gpu->op->sync(p->gpu, err));
    }
    float *y = get(p, SAINT_F32, from, ROWS * D);
    assert_memory_equal(y, x, ROWS * D * sizeof *y); /* nothing of it was done */
    free(y);
    drop(p, from);
    drop(p, to);
    free(x);
    free(other);
}

static void products_equal_the_cpu(void **state)
{
    (void)state;
    in_all_types(products);
}

static void caches_equal_the_cpu(void **state)
{
    (void)state;
    in_all_types(caches);
}

static void tokens_equal_the_cpu(void **state)
{
    (void)state;
    in_all_types(tokens);
}

static void recordings_do_it_again(void **state)
{
    (void)state;
    in_all_types(recordings);
}

int main(int argc, char **argv)
{
    char why[160];
    if (saint_cuda_devices(NULL, 0, why, sizeof why) == 0) {
        printf("SKIPPED: %s\n", why);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_equal_the_cpu),
        cmocka_unit_test(caches_equal_the_cpu),
        cmocka_unit_test(tokens_equal_the_cpu),
        cmocka_unit_test(recordings_do_it_again),
    };
    assert_ok(saint_pool_create(&pool, 2, err));
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    saint_pool_destroy(pool);
    return failed;
}
