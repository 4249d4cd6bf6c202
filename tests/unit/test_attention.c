#include "support/test.h"

#include <math.h>

#include "backend/cpu/attention.h"
#include "backend/cpu/cpu.h"

/* Attention against the textbook formula in double, on every tier that this CPU has, in both compute types. Gaps between rows and all
 * scratch hold NaN, and buffers end exactly behind their last element. */

static const saint_dtype types[] = {SAINT_F32, SAINT_BF16};

static uint32_t seed = 1;

static float uniform(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (float)(seed >> 8) * 0x1p-23f - 1.0f;
}

static float normal_like(void) { return uniform() + uniform() + uniform(); }

/* rows of width numbers ld apart, as the compute type, and `behind` elements of NaN behind them */
static void *make_rows(saint_dtype type, int64_t rows, int64_t width, int64_t ld, float size, int behind)
{
    if (!rows) return malloc(1);
    size_t n = (size_t)((rows - 1) * ld + width + behind), bytes = n * saint_dtype_size(type);
    void *p = malloc(bytes);
    assert_non_null(p);
    memset(p, 0xff, bytes);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < width; i++) {
            float x = size * normal_like();
            if (type == SAINT_F32) ((float *)p)[r * ld + i] = x;
            else ((uint16_t *)p)[r * ld + i] = saint_f32_to_bf16(x);
        }
    return p;
}

static double get(const void *p, saint_dtype type, int64_t i)
{
    return type == SAINT_F32 ? (double)((const float *)p)[i] : (double)saint_bf16_to_f32(((const uint16_t *)p)[i]);
}

static void poison(saint_backend *b)
{
    saint_cpu *cpu = (saint_cpu *)b;
    for (int i = 0; i < cpu->workers; i++) memset(cpu->scratch[i], 0xff, cpu->scratch_bytes);
}

typedef struct {
    int heads, kv, dim, seqs;
    int nq[4], nk[4];
    bool causal, biased;
    int gap;    /* elements between rows */
    int behind; /* elements behind the last row: the sanitizer does not see what vector intrinsics read */
    float size;
} shape;

typedef struct {
    saint_dtype type;
    saint_attention_args a;
    int32_t cu_q[8], cu_k[8];
    void *q, *k, *v, *out;
    float *bias;
} problem;

static bool decoding; /* the test at hand asks for one row at a time, as decoding does */

static void make_problem(problem *p, saint_dtype type, const shape *s)
{
    memset(p, 0, sizeof *p);
    p->type = type;
    for (int i = 0; i < s->seqs; i++) {
        p->cu_q[i + 1] = p->cu_q[i] + s->nq[i];
        p->cu_k[i + 1] = p->cu_k[i] + s->nk[i];
    }
    int tq = p->cu_q[s->seqs], tk = p->cu_k[s->seqs], wq = s->heads * s->dim, wk = s->kv * s->dim;
    float size = s->size > 0 ? s->size : 1.0f;
    p->a = (saint_attention_args){.ldq = wq + s->gap,
                                  .ldk = wk + 2 * s->gap,
                                  .ldv = wk + 3 * s->gap,
                                  .ldo = wq + s->gap,
                                  .n_heads = s->heads,
                                  .n_kv_heads = s->kv,
                                  .head_dim = s->dim,
                                  .n_seqs = s->seqs,
                                  .cu_q = p->cu_q,
                                  .cu_k = p->cu_k,
                                  .causal = s->causal,
                                  .rows = decoding,
                                  .scale = 1.0f / sqrtf((float)s->dim)};
    p->a.q = p->q = make_rows(type, tq, wq, p->a.ldq, size, s->behind);
    p->a.k = p->k = make_rows(type, tk, wk, p->a.ldk, size, s->behind);
    p->a.v = p->v = make_rows(type, tk, wk, p->a.ldv, 1.0f, s->behind);
    p->a.out = p->out = make_rows(type, tq, wq, p->a.ldo, 1.0f, s->behind);
    if (s->biased) {
        p->bias = malloc((size_t)(tk ? tk : 1) * sizeof *p->bias);
        assert_non_null(p->bias);
        for (int j = 0; j < tk; j++) p->bias[j] = logf((float)(1 + j % 5));
        p->a.key_bias = p->bias;
    }
}

static void free_problem(problem *p)
{
    free(p->q);
    free(p->k);
    free(p->v);
    free(p->out);
    free(p->bias);
}

/* Probabilities of one row in double; returns the number of keys it sees. */
static int reference_row(const problem *p, int s, int i, int h, double *prob)
{
    const saint_attention_args *a = &p->a;
    int nq = a->cu_q[s + 1] - a->cu_q[s], nk = a->cu_k[s + 1] - a->cu_k[s], kv = h / (a->n_heads / a->n_kv_heads);
    int see = a->causal ? i + 1 + nk - nq : nk;
    double top = -INFINITY, sum = 0;
    for (int j = 0; j < see; j++) {
        double dot = 0;
        for (int c = 0; c < a->head_dim; c++)
            dot += get(p->q, p->type, (a->cu_q[s] + i) * a->ldq + h * a->head_dim + c) *
                   get(p->k, p->type, (a->cu_k[s] + j) * a->ldk + kv * a->head_dim + c);
        prob[j] = dot * (double)a->scale + (a->key_bias ? (double)a->key_bias[a->cu_k[s] + j] : 0);
        if (prob[j] > top) top = prob[j];
    }
    for (int j = 0; j < see; j++) sum += prob[j] = exp(prob[j] - top);
    for (int j = 0; j < see; j++) prob[j] /= sum;
    return see;
}

static void compare_to_reference(const problem *p, const char *tier)
{
    const saint_attention_args *a = &p->a;
    /* f32: rounding of a dot product and of the exponential; bf16: probability and result are each rounded to 8 bits */
    for (int s = 0; s < a->n_seqs; s++)
        for (int i = 0; i < a->cu_q[s + 1] - a->cu_q[s]; i++)
            for (int h = 0; h < a->n_heads; h++) {
                double prob[1024];
                int see = reference_row(p, s, i, h, prob), kv = h / (a->n_heads / a->n_kv_heads);
                for (int c = 0; c < a->head_dim; c++) {
                    double want = 0, weight = 0;
                    for (int j = 0; j < see; j++) {
                        double v = get(p->v, p->type, (a->cu_k[s] + j) * a->ldv + kv * a->head_dim + c);
                        want += prob[j] * v;
                        weight += prob[j] * fabs(v);
                    }
                    double found = get(p->out, p->type, (a->cu_q[s] + i) * a->ldo + h * a->head_dim + c);
                    double bound = p->type == SAINT_F32 ? 4e-6 * weight : 0x1.02p-8 * (weight + fabs(want));
                    if (!(fabs(found - want) <= bound))
                        fail_msg("%s %s: sequence %d query %d head %d column %d: expected %.9g, found %.9g (weight %g)", tier,
                                 saint_dtype_name(p->type), s, i, h, c, want, found, weight);
                }
            }
}

/* fn for every tier this CPU has and both compute types, on a pool of three threads */
static void on_every_tier(void (*fn)(saint_backend *b))
{
    saint_pool *pool;
    assert_ok(saint_pool_create(&pool, 3, err));
    for (saint_cpu_tier t = SAINT_TIER_GENERIC; t <= saint_cpu_best_tier(); t++)
        for (size_t i = 0; i < 2; i++) {
            saint_backend *b;
            assert_ok(saint_backend_cpu_open(&b, pool, types[i], saint_cpu_tier_name(t), err));
            poison(b);
            fn(b);
            saint_backend_close(b);
        }
    saint_pool_destroy(pool);
}

static void check_shapes(saint_backend *b)
{
    static const shape shapes[] = {
        {.heads = 2, .kv = 2, .dim = 64, .seqs = 2, .nq = {70, 13}, .nk = {70, 13}},
        {.heads = 2, .kv = 1, .dim = 128, .seqs = 1, .nq = {67}, .nk = {131}, .causal = true},
        {.heads = 3, .kv = 3, .dim = 80, .seqs = 3, .nq = {5, 0, 64}, .nk = {64, 7, 65}, .gap = 7},
        {.heads = 2, .kv = 2, .dim = 8, .seqs = 2, .nq = {33, 1}, .nk = {33, 129}, .causal = true, .gap = 1},
        {.heads = 4, .kv = 2, .dim = 16, .seqs = 1, .nq = {197}, .nk = {200}, .biased = true},
        {.heads = 1, .kv = 1, .dim = 256, .seqs = 1, .nq = {7}, .nk = {66}, .biased = true, .causal = true},
        {.heads = 2, .kv = 2, .dim = 1, .seqs = 1, .nq = {9}, .nk = {70}},
        {.heads = 2, .kv = 1, .dim = 3, .seqs = 1, .nq = {66}, .nk = {66}, .causal = true, .gap = 2},
        {.heads = 1, .kv = 1, .dim = 72, .seqs = 1, .nq = {2}, .nk = {63}},
        {.heads = 1, .kv = 1, .dim = 72, .seqs = 1, .nq = {2}, .nk = {63}, .behind = 500},
        {.heads = 1, .kv = 1, .dim = 64, .seqs = 1, .nq = {14}, .nk = {1}, .behind = 5000},
        {.heads = 1, .kv = 1, .dim = 33, .seqs = 4, .nq = {1, 1, 1, 1}, .nk = {1, 64, 65, 300}, .biased = true},
        {.heads = 1, .kv = 1, .dim = 250, .seqs = 1, .nq = {6}, .nk = {16}},
        {.heads = 8, .kv = 2, .dim = 128, .seqs = 1, .nq = {1}, .nk = {317}, .causal = true, .gap = 128},
        {.heads = 1, .kv = 1, .dim = 16, .seqs = 1, .nq = {433}, .nk = {433}, .causal = true}, /* several blocks of queries */
        {.heads = 70, .kv = 70, .dim = 32, .seqs = 2, .nq = {1, 2}, .nk = {37, 3}, .causal = true}, /* several groups of heads */
        {.heads = 40, .kv = 5, .dim = 64, .seqs = 1, .nq = {1}, .nk = {1000}, .causal = true},
        {.heads = 65, .kv = 1, .dim = 8, .seqs = 1, .nq = {1}, .nk = {40}, .causal = true},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        problem p;
        make_problem(&p, b->compute, &shapes[i]);
        assert_ok(b->op->attention(b, &p.a, err));
        compare_to_reference(&p, b->tier);
        free_problem(&p);
    }
}

static void attention_equals_the_formula(void **state)
{
    decoding = *state != NULL;
    on_every_tier(check_shapes);
}

/* Sharp distributions: scores of +-100 and more, where exp would overflow without the running maximum. */
static void check_sharp(saint_backend *b)
{
    shape s = {.heads = 1, .kv = 1, .dim = 64, .seqs = 1, .nq = {20}, .nk = {200}, .size = 4.0f};
    problem p;
    make_problem(&p, b->compute, &s);
    assert_ok(b->op->attention(b, &p.a, err));
    for (int64_t i = 0; i < 20; i++) {
        double prob[1024], top = 0;
        int best = 0, see = reference_row(&p, 0, (int)i, 0, prob);
        for (int j = 0; j < see; j++)
            if (prob[j] > top) top = prob[best = j];
        for (int c = 0; c < 64; c++) {
            double found = get(p.out, p.type, i * p.a.ldo + c);
            assert_true(isfinite(found));
            if (top > 0.99999) assert_true(fabs(found - get(p.v, p.type, best * p.a.ldv + c)) < 1e-2 * 3);
        }
    }
    free_problem(&p);
}

static void large_scores_stay_finite(void **state)
{
    decoding = *state != NULL;
    on_every_tier(check_sharp);
}

/* Two keys with scores 0 and -x and values 0 and 1: the result is e^-x / (1 + e^-x). */
static void check_exponential(saint_backend *b)
{
    enum { N = 300 };
    float x[N], v[2] = {0, 1}, k[2] = {0, -1}, out[N];
    uint16_t hx[N], hv[2] = {0, 0x3f80}, hk[2] = {0, 0xbf80}, hout[N];
    for (int i = 0; i < N; i++) {
        hx[i] = saint_f32_to_bf16((float)i * 0.3f);
        x[i] = b->compute == SAINT_F32 ? (float)i * 0.3f : saint_bf16_to_f32(hx[i]);
    }
    bool f32 = b->compute == SAINT_F32;
    int32_t cu_q[] = {0, N}, cu_k[] = {0, 2};
    saint_attention_args a = {.q = f32 ? (void *)x : hx,
                              .k = f32 ? (void *)k : hk,
                              .v = f32 ? (void *)v : hv,
                              .ldq = 1,
                              .ldk = 1,
                              .ldv = 1,
                              .n_heads = 1,
                              .n_kv_heads = 1,
                              .head_dim = 1,
                              .n_seqs = 1,
                              .cu_q = cu_q,
                              .cu_k = cu_k,
                              .rows = decoding,
                              .scale = 1,
                              .out = f32 ? (void *)out : hout,
                              .ldo = 1};
    assert_ok(b->op->attention(b, &a, err));
    for (int i = 0; i < N; i++) {
        double e = exp(-(double)x[i]), want = e / (1 + e), found = f32 ? (double)out[i] : (double)saint_bf16_to_f32(hout[i]);
        double bound = f32 ? 2e-7 : 0x1.02p-7;
        if (x[i] > 86.9f && found == 0) continue; /* where exponentials end */
        if (!(fabs(found - want) <= bound * want))
            fail_msg("%s %s: e^-%g: expected %.9g, found %.9g, off by %.3g of it", b->tier, saint_dtype_name(b->compute), (double)x[i],
                     want, found, fabs(found - want) / want);
    }
}

static void the_exponential_is_accurate(void **state)
{
    decoding = *state != NULL;
    on_every_tier(check_exponential);
}

/* ---- the same bits ---- */

static size_t row_bytes(const problem *p) { return (size_t)(p->a.n_heads * p->a.head_dim) * saint_dtype_size(p->type); }

static const char *row_of(const problem *p, const void *out, int64_t row)
{
    return (const char *)out + (size_t)(row * p->a.ldo) * saint_dtype_size(p->type);
}

/* Queries [from, to) of sequence s alone, against that sequence's first keys, must give the bits of the whole call. */
static void expect_same_rows(saint_backend *b, const problem *p, int s, int from, int to, int keys)
{
    size_t size = saint_dtype_size(p->type);
    saint_attention_args a = p->a;
    int32_t cu_q[2] = {0, to - from}, cu_k[2] = {0, keys};
    a.n_seqs = 1;
    a.cu_q = cu_q;
    a.cu_k = cu_k;
    a.q = (const char *)p->q + (size_t)((p->cu_q[s] + from) * p->a.ldq) * size;
    a.k = (const char *)p->k + (size_t)(p->cu_k[s] * p->a.ldk) * size;
    a.v = (const char *)p->v + (size_t)(p->cu_k[s] * p->a.ldv) * size;
    if (a.key_bias) a.key_bias += p->cu_k[s];
    char *out = malloc((size_t)((to - from) * a.ldo) * size);
    assert_non_null(out);
    a.out = out;
    poison(b);
    assert_ok(b->op->attention(b, &a, err));
    for (int i = from; i < to; i++)
        if (memcmp(row_of(p, out, i - from), row_of(p, p->out, p->cu_q[s] + i), row_bytes(p)) != 0)
            fail_msg("%s %s: query %d of %d..%d with %d keys has other bits than in the whole call", b->tier, saint_dtype_name(p->type), i,
                     from, to, keys);
    free(out);
}

static void check_bits(saint_backend *b)
{
    static const shape shapes[] = {
        {.heads = 2, .kv = 2, .dim = 64, .seqs = 2, .nq = {31, 205}, .nk = {31, 205}, .causal = true},
        {.heads = 2, .kv = 1, .dim = 20, .seqs = 2, .nq = {70, 140}, .nk = {70, 150}, .causal = true, .biased = true},
        {.heads = 1, .kv = 1, .dim = 80, .seqs = 2, .nq = {9, 210}, .nk = {77, 130}},
        {.heads = 1, .kv = 1, .dim = 16, .seqs = 2, .nq = {5, SAINT_ATTN_ROWS + 90}, .nk = {5, SAINT_ATTN_ROWS + 90}, .causal = true},
    };
    for (size_t n = 0; n < sizeof shapes / sizeof *shapes; n++) {
        const shape *s = &shapes[n];
        problem p;
        make_problem(&p, b->compute, s);
        assert_ok(b->op->attention(b, &p.a, err));
        int nq = s->nq[1], nk = s->nk[1];
        expect_same_rows(b, &p, 0, 0, s->nq[0], s->nk[0]); /* without the rest of the batch */
        expect_same_rows(b, &p, 1, 0, nq, nk);
        const int cuts[] = {1, 5, 63, 64, 65, 100, nq - 1};
        for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++) { /* prefill in two parts: the first does not see later keys at all */
            expect_same_rows(b, &p, 1, 0, cuts[c], s->causal ? nk - nq + cuts[c] : nk);
            expect_same_rows(b, &p, 1, cuts[c], nq, nk);
        }
        for (int i = 0; i < nq; i += 37) expect_same_rows(b, &p, 1, i, i + 1, s->causal ? nk - nq + i + 1 : nk);
        free_problem(&p);
    }
}

static void a_query_has_its_bits_whatever_comes_with_it(void **state)
{
    decoding = *state != NULL;
    on_every_tier(check_bits);
}

static void threads_do_not_change_bits(void **state)
{
    decoding = *state != NULL;
    const shape s = {.heads = 4, .kv = 2, .dim = 64, .seqs = 3, .nq = {100, 3, 350}, .nk = {100, 9, 350}, .causal = true};
    for (size_t i = 0; i < 2; i++) {
        problem p;
        make_problem(&p, types[i], &s);
        size_t bytes = (size_t)(p.cu_q[3] * p.a.ldo) * saint_dtype_size(types[i]);
        void *first = NULL;
        for (int threads = 1; threads <= 5; threads += 2) {
            saint_pool *pool;
            saint_backend *b;
            assert_ok(saint_pool_create(&pool, threads, err));
            assert_ok(saint_backend_cpu_open(&b, pool, types[i], NULL, err));
            poison(b);
            assert_ok(b->op->attention(b, &p.a, err));
            if (!first) {
                assert_non_null(first = malloc(bytes));
                memcpy(first, p.out, bytes);
            }
            assert_memory_equal(first, p.out, bytes);
            saint_backend_close(b);
            saint_pool_destroy(pool);
        }
        free(first);
        free_problem(&p);
    }
}

/* ---- edges ---- */

static void check_edges(saint_backend *b)
{
    shape s = {.heads = 2, .kv = 1, .dim = 8, .seqs = 3, .nq = {3, 0, 2}, .nk = {0, 5, 0}, .gap = 1};
    problem p;
    make_problem(&p, b->compute, &s);
    assert_ok(b->op->attention(b, &p.a, err)); /* no keys: zeros */
    for (int r = 0; r < 5; r++)
        for (int c = 0; c < 16; c++) assert_true(get(p.out, p.type, r * p.a.ldo + c) == 0.0);

    saint_error e = {0};
    saint_attention_args a = p.a;
    a.causal = true;
    assert_int_equal(b->op->attention(b, &a, &e), SAINT_INVALID);
    a = p.a;
    a.n_kv_heads = 3;
    assert_int_equal(b->op->attention(b, &a, &e), SAINT_INVALID);
    a = p.a;
    a.head_dim = SAINT_ATTN_HEAD_DIM + 1;
    assert_int_equal(b->op->attention(b, &a, &e), SAINT_UNSUPPORTED);
    assert_non_null(strstr(e.text, "257"));
    a = p.a;
    int32_t down[] = {0, 3, 2, 5};
    a.cu_q = down;
    assert_int_equal(b->op->attention(b, &a, &e), SAINT_INVALID);
    a = p.a;
    a.n_seqs = 0;
    assert_ok(b->op->attention(b, &a, err));
    free_problem(&p);
}

static void empty_sequences_and_bad_shapes(void **state)
{
    decoding = *state != NULL;
    on_every_tier(check_edges);
}

/* A key with bias -inf is as if it were not there; a scale of zero is the plain mean; NaN shows. */
static void check_bias_and_scale(saint_backend *b)
{
    shape s = {.heads = 1, .kv = 1, .dim = 16, .seqs = 1, .nq = {3}, .nk = {70}, .biased = true};
    problem p;
    make_problem(&p, b->compute, &s);
    for (int j = 0; j < 66; j++) p.bias[j] = -INFINITY; /* the whole first tile and more */
    assert_ok(b->op->attention(b, &p.a, err));
    compare_to_reference(&p, b->tier);
    p.a.key_bias = NULL;
    p.a.scale = 0.0f;
    assert_ok(b->op->attention(b, &p.a, err));
    compare_to_reference(&p, b->tier);
    p.a.scale = -0.5f;
    assert_ok(b->op->attention(b, &p.a, err));
    compare_to_reference(&p, b->tier);
    p.a.scale = 0.25f;
    if (p.type == SAINT_F32) ((float *)p.k)[17 * p.a.ldk] = NAN;
    else ((uint16_t *)p.k)[17 * p.a.ldk] = 0x7fc0;
    assert_ok(b->op->attention(b, &p.a, err));
    for (int c = 0; c < 16; c++) assert_true(isnan(get(p.out, p.type, c)));
    free_problem(&p);
}

static void bias_and_scale_have_no_forbidden_values(void **state)
{
    decoding = *state != NULL;
    on_every_tier(check_bias_and_scale);
}

/* ---- one row ---- */

static void check_row(saint_backend *b)
{
    static const shape shapes[] = {
        {.heads = 4, .kv = 4, .dim = 64, .seqs = 1, .nq = {1}, .nk = {577}},
        {.heads = 4, .kv = 2, .dim = 20, .seqs = 1, .nq = {1}, .nk = {65}, .biased = true, .gap = 3},
        {.heads = 1, .kv = 1, .dim = 3, .seqs = 1, .nq = {1}, .nk = {1}},
    };
    for (size_t n = 0; n < sizeof shapes / sizeof *shapes; n++) {
        const shape *s = &shapes[n];
        problem p;
        make_problem(&p, b->compute, s);
        float found[600];
        double want[600] = {0};
        saint_attention_row_args a = {.q = p.q, .k = p.k, .ldk = p.a.ldk, .n_heads = s->heads, .n_kv_heads = s->kv, .head_dim = s->dim,
                                      .n_keys = s->nk[0], .scale = p.a.scale, .key_bias = p.bias, .p = found};
        poison(b);
        assert_ok(b->op->attention_row(b, &a, err));
        for (int h = 0; h < s->heads; h++) {
            double prob[1024];
            reference_row(&p, 0, 0, h, prob);
            for (int j = 0; j < s->nk[0]; j++) want[j] += prob[j] / s->heads;
        }
        double total = 0;
        for (int j = 0; j < s->nk[0]; j++) {
            assert_true(fabs((double)found[j] - want[j]) <= 3e-6 * want[j]);
            total += (double)found[j];
        }
        assert_true(fabs(total - 1) < 1e-6);
        a.n_keys = 0;
        assert_ok(b->op->attention_row(b, &a, err));
        a.n_keys = -1;
        assert_int_equal(b->op->attention_row(b, &a, NULL), SAINT_INVALID);
        free_problem(&p);
    }
}

static void one_row_of_probabilities_equals_the_formula(void **state)
{
    (void)state;
    on_every_tier(check_row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attention_equals_the_formula),
        {"attention_equals_the_formula, decoding", attention_equals_the_formula, NULL, NULL, "rows"},
        cmocka_unit_test(large_scores_stay_finite),
        {"large_scores_stay_finite, decoding", large_scores_stay_finite, NULL, NULL, "rows"},
        cmocka_unit_test(the_exponential_is_accurate),
        {"the_exponential_is_accurate, decoding", the_exponential_is_accurate, NULL, NULL, "rows"},
        cmocka_unit_test(a_query_has_its_bits_whatever_comes_with_it),
        {"a_query_has_its_bits_whatever_comes_with_it, decoding", a_query_has_its_bits_whatever_comes_with_it, NULL, NULL, "rows"},
        cmocka_unit_test(threads_do_not_change_bits),
        {"threads_do_not_change_bits, decoding", threads_do_not_change_bits, NULL, NULL, "rows"},
        cmocka_unit_test(empty_sequences_and_bad_shapes),
        {"empty_sequences_and_bad_shapes, decoding", empty_sequences_and_bad_shapes, NULL, NULL, "rows"},
        cmocka_unit_test(bias_and_scale_have_no_forbidden_values),
        {"bias_and_scale_have_no_forbidden_values, decoding", bias_and_scale_have_no_forbidden_values, NULL, NULL, "rows"},
        cmocka_unit_test(one_row_of_probabilities_equals_the_formula),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
