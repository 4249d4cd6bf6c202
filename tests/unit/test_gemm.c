/* The CPU GEMM against sums in double: every tier this CPU runs, every weight type, odd sizes, misaligned weights, every epilogue.
 * Inputs end at a page that may not be touched, padding and scratch are NaN, so a byte too many or a stale value shows. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "support/test.h"

#include <math.h>
#include <sys/mman.h>

#include "backend/cpu/gemm.h"

enum { PAGE = 4096, MAX_GUARDED = 16 };

typedef struct {
    void *map[MAX_GUARDED];
    size_t bytes[MAX_GUARDED];
    int n;
} guarded;

/* `bytes` bytes that end `shift` bytes before a forbidden page, filled with NaN of any width */
static void *guarded_alloc(guarded *g, size_t bytes, size_t shift)
{
    size_t body = (bytes + shift + PAGE - 1) / PAGE * PAGE + PAGE;
    char *p = mmap(NULL, body + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED && g->n < MAX_GUARDED);
    assert_int_equal(mprotect(p + body, PAGE, PROT_NONE), 0);
    memset(p, 0xff, body);
    g->map[g->n] = p;
    g->bytes[g->n++] = body + PAGE;
    return p + body - shift - bytes;
}

static void guarded_free(guarded *g)
{
    while (g->n) {
        g->n--;
        munmap(g->map[g->n], g->bytes[g->n]);
    }
}

/* ---- a backend by hand, so that its scratch can be poisoned ------------------------------------------------------------------ */

enum { MAX_WORKERS = 3 };

typedef struct {
    saint_cpu cpu;
    void *scratch[MAX_WORKERS];
} bench_cpu;

static void cpu_make(bench_cpu *c, saint_cpu_tier tier, saint_dtype compute, int threads)
{
    *c = (bench_cpu){.cpu = {.base = {.compute = compute}, .tier = tier, .workers = threads}};
    c->cpu.scratch = c->scratch;
    c->cpu.scratch_bytes = saint_cpu_gemm_scratch_bytes();
    for (int i = 0; i < threads; i++) {
        assert_int_equal(posix_memalign(&c->scratch[i], 64, (c->cpu.scratch_bytes + 63) / 64 * 64), 0);
        memset(c->scratch[i], 0xff, c->cpu.scratch_bytes);
    }
    assert_ok(saint_pool_create(&c->cpu.base.pool, threads, err));
}

static void cpu_drop(bench_cpu *c)
{
    saint_pool_destroy(c->cpu.base.pool);
    for (int i = 0; i < c->cpu.workers; i++) free(c->scratch[i]);
}

static void cpu_poison(bench_cpu *c)
{
    for (int i = 0; i < c->cpu.workers; i++) memset(c->scratch[i], 0xff, c->cpu.scratch_bytes);
}

/* ---- numbers ------------------------------------------------------------------------------------------------------------- */

static uint32_t seed;

static float noise(void) /* about [-1, 1) */
{
    seed = seed * 1664525u + 1013904223u;
    return (float)(int32_t)seed * 0x1p-31f;
}

static float get(const void *p, saint_dtype type, size_t i)
{
    float f;
    saint_to_f32(&f, (const char *)p + i * saint_dtype_size(type), type, 1);
    return f;
}

static void put(void *p, saint_dtype type, size_t i, float f)
{
    char *at = (char *)p + i * saint_dtype_size(type);
    uint16_t h = type == SAINT_F16 ? saint_f32_to_f16(f) : saint_f32_to_bf16(f);
    if (type == SAINT_F32) memcpy(at, &f, sizeof f);
    else memcpy(at, &h, sizeof h);
}

typedef struct {
    int m, n, k;
    guarded mem;
    saint_linear_args a;
    saint_dtype compute;
    float *bias, *scale, *residual;
    void *gate;
    double *sum, *mass; /* [m, n]: sum x w, sum |x w| */
} problem;

enum { PAD_X = 3, PAD_Y = 5 };

/* rounded: weights as bf16 arithmetic sees them */
static void problem_make(problem *t, int m, int n, int k, saint_dtype compute, saint_dtype wtype, saint_dtype ytype, bool rounded)
{
    *t = (problem){.m = m, .n = n, .k = k, .compute = compute};
    seed = (uint32_t)(m * 7919 + n * 104729 + k * 31 + (int)wtype);
    size_t xs = saint_dtype_size(compute), ys = saint_dtype_size(ytype), ws = saint_dtype_size(wtype);
    int64_t ldx = k + PAD_X, ldy = n + PAD_Y;
    char *x = guarded_alloc(&t->mem, (size_t)((m - 1) * ldx + k) * xs, 0);
    char *w = guarded_alloc(&t->mem, (size_t)n * (size_t)k * ws, wtype == SAINT_F32 ? 2 : 0); /* f32 weights misaligned too */
    char *y = guarded_alloc(&t->mem, (size_t)((m - 1) * ldy + n) * ys, 0);
    t->residual = guarded_alloc(&t->mem, (size_t)((m - 1) * ldy + n) * sizeof(float), 0);
    t->gate = guarded_alloc(&t->mem, (size_t)((m - 1) * ldy + n) * xs, 0);
    t->bias = guarded_alloc(&t->mem, (size_t)n * sizeof(float), 0);
    t->scale = guarded_alloc(&t->mem, (size_t)n * sizeof(float), 0);
    for (int i = 0; i < m; i++)
        for (int p = 0; p < k; p++) put(x, compute, (size_t)(i * ldx + p), noise());
    for (size_t i = 0; i < (size_t)n * (size_t)k; i++) put(w, wtype, i, noise());
    for (int j = 0; j < n; j++) {
        t->bias[j] = noise();
        t->scale[j] = 1.0f + noise();
    }
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            t->residual[i * ldy + j] = noise();
            put(t->gate, compute, (size_t)(i * ldy + j), 4 * noise());
        }
    t->sum = calloc((size_t)m * (size_t)n, sizeof(double));
    t->mass = calloc((size_t)m * (size_t)n, sizeof(double));
    float *wide = malloc((size_t)k * sizeof(float) * 2 + 8), *row = wide + k;
    for (int j = 0; j < n; j++) {
        saint_to_f32(wide, w + (size_t)j * (size_t)k * ws, wtype, (size_t)k);
        if (rounded)
            for (int p = 0; p < k; p++) wide[p] = saint_bf16_to_f32(saint_f32_to_bf16(wide[p]));
        for (int i = 0; i < m; i++) {
            double s = 0, q = 0;
            saint_to_f32(row, x + (size_t)(i * ldx) * xs, compute, (size_t)k);
            for (int p = 0; p < k; p++) {
                double v = (double)row[p] * (double)wide[p];
                s += v;
                q += fabs(v);
            }
            t->sum[i * n + j] = s;
            t->mass[i * n + j] = q;
        }
    }
    free(wide);
    t->a = (saint_linear_args){.m = m, .x = x, .ldx = ldx, .w = {w, wtype, n, k}, .y = y, .ytype = ytype, .ldy = ldy};
}

static void problem_free(problem *t)
{
    guarded_free(&t->mem);
    free(t->sum);
    free(t->mass);
}

static double act_of(saint_act act, double v)
{
    switch (act) {
    case SAINT_ACT_QUICK_GELU: return v / (1 + exp(-1.702 * v));
    case SAINT_ACT_GELU_ERF: return 0.5 * v * erfc(-v * 0.70710678118654752440);
    case SAINT_ACT_GELU_TANH: return v / (1 + exp(-2 * 0.79788456080286535588 * (v + 0.044715 * v * v * v)));
    case SAINT_ACT_RELU: return v > 0 ? v : 0;
    case SAINT_ACT_NONE: break;
    }
    return v;
}

static bool same(double y, double want, double tolerance)
{
    return fabs(y - want) <= tolerance; /* false for NaN */
}

/* y against the epilogue of the sums in double; padding must be as it was */
static void problem_check(const problem *t, const char *what)
{
    const saint_linear_args *a = &t->a;
    for (int i = 0; i < t->m; i++) {
        for (int j = 0; j < t->n; j++) {
            size_t at = (size_t)i * (size_t)a->ldy + (size_t)j;
            double v = t->sum[i * t->n + j], slack = t->mass[i * t->n + j] * 0x1p-24 * (2 + sqrt(t->k)),
                   bias = a->bias ? (double)a->bias[j] : 0;
            v += bias;
            slack += 0x1p-24 * (fabs(v) + fabs(bias));
            double y = act_of(a->act, v);
            slack = slack * 1.2 + 4e-7 * (fabs(y) + 1e-3); /* no slope above 1.13 */
            if (a->scale) {
                y *= (double)a->scale[j];
                slack *= fabs((double)a->scale[j]);
            }
            if (a->residual) y += (double)t->residual[at];
            if (a->gate) {
                double g = (double)get(a->gate, t->compute, at), silu = g / (1 + exp(-g));
                y *= silu;
                slack *= fabs(silu);
            }
            slack += 6e-7 * fabs(y);
            if (a->ytype == SAINT_BF16) slack += fabs(y) * 0x1p-8;
            double got = (double)get(a->y, a->ytype, at);
            if (!same(got, y, slack))
                fail_msg("%s: %d x %d x %d at (%d, %d): expected %.9g +- %.2g, found %.9g", what, t->m, t->n, t->k, i, j, y, slack, got);
        }
        if (i + 1 < t->m)
            for (int j = t->n; j < t->n + PAD_Y; j++) assert_true(isnan(get(a->y, a->ytype, (size_t)i * (size_t)a->ldy + (size_t)j)));
    }
}

typedef saint_status (*linear_fn)(saint_backend *b, const saint_linear_args *a, saint_error *err);

/* fn(tier, compute, rounded weights?) for whatever runs here */
#define EACH_TIER(tier) for (saint_cpu_tier tier = SAINT_TIER_GENERIC; tier <= saint_cpu_best_tier(); tier++)

static bool rounds_weights(saint_cpu_tier tier, saint_dtype compute, linear_fn fn)
{
    return fn == saint_cpu_linear && compute == SAINT_BF16 && saint_gemm_bf16_of(tier);
}

static const saint_dtype compute_types[] = {SAINT_F32, SAINT_BF16}, weight_types[] = {SAINT_F32, SAINT_F16, SAINT_BF16};

/* ---- tests --------------------------------------------------------------------------------------------------------------- */

static void products_equal_double_sums(void **state)
{
    (void)state;
    static const int sizes[][3] = {{1, 1, 1},    {2, 3, 2},     {5, 7, 3},    {3, 33, 31},  {12, 32, 64},  {13, 31, 33}, {25, 65, 127},
                                   {70, 19, 77}, {11, 200, 16}, {6, 16, 130}, {7, 5, 5000}, {14, 34, 4099}, {1, 130, 1025},
                                   {31, 129, 131}, {60, 150, 70}};
    static const linear_fn fns[] = {saint_cpu_linear, saint_cpu_linear_rows};
    EACH_TIER (tier)
        for (size_t c = 0; c < 2; c++) {
            bench_cpu cpu;
            cpu_make(&cpu, tier, compute_types[c], 1);
            for (size_t wt = 0; wt < 3; wt++)
                for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
                    for (size_t f = 0; f < 2; f++) {
                        problem t;
                        problem_make(&t, sizes[s][0], sizes[s][1], sizes[s][2], compute_types[c], weight_types[wt], SAINT_F32,
                                     rounds_weights(tier, compute_types[c], fns[f]));
                        cpu_poison(&cpu);
                        assert_ok(fns[f](&cpu.cpu.base, &t.a, err));
                        problem_check(&t, saint_cpu_tier_name(tier));
                        problem_free(&t);
                    }
            cpu_drop(&cpu);
        }
}

static void every_epilogue(void **state)
{
    (void)state;
    static const linear_fn fns[] = {saint_cpu_linear, saint_cpu_linear_rows};
    EACH_TIER (tier)
        for (size_t c = 0; c < 2; c++) {
            bench_cpu cpu;
            cpu_make(&cpu, tier, compute_types[c], 2);
            for (int e = 0; e < 5 * 2 * 2 * 4 * 2; e++) {
                saint_act act = (saint_act)(e % 5);
                int bias = e / 5 % 2, scale = e / 10 % 2, last = e / 20 % 4, f = e / 80; /* last: nothing, residual, y itself, gate */
                for (int narrow = 0; narrow < (c && last != 1 && last != 2 ? 2 : 1); narrow++) {
                    problem t;
                    problem_make(&t, 15, 45, 9, compute_types[c], weight_types[e % 3], narrow ? SAINT_BF16 : SAINT_F32,
                                 rounds_weights(tier, compute_types[c], fns[f]));
                    t.a.act = act;
                    if (bias) t.a.bias = t.bias;
                    if (scale) t.a.scale = t.scale;
                    if (last == 1) t.a.residual = t.residual;
                    if (last == 2) {
                        for (int i = 0; i < t.m; i++)
                            memcpy((float *)t.a.y + i * t.a.ldy, t.residual + i * t.a.ldy, (size_t)t.n * sizeof(float));
                        t.a.residual = t.a.y;
                    }
                    if (last == 3) t.a.gate = t.gate;
                    cpu_poison(&cpu);
                    assert_ok(fns[f](&cpu.cpu.base, &t.a, err));
                    char what[64];
                    snprintf(what, sizeof what, "%s act %d bias %d scale %d last %d narrow %d rows %d", saint_cpu_tier_name(tier), act,
                             bias, scale, last, narrow, f);
                    problem_check(&t, what);
                    problem_free(&t);
                }
            }
            cpu_drop(&cpu);
        }
}

/* k = 1 and w = 1 make y = act(x) */
static void activations_are_close_everywhere(void **state)
{
    (void)state;
    enum { COUNT = 4001 };
    EACH_TIER (tier) {
        bench_cpu cpu;
        cpu_make(&cpu, tier, SAINT_F32, 1);
        float *x = malloc(COUNT * sizeof *x), *y = malloc(COUNT * sizeof *y), one = 1;
        for (int act = SAINT_ACT_QUICK_GELU; act <= SAINT_ACT_RELU; act++) {
            double worst = 0;
            for (int i = 0; i < COUNT; i++) x[i] = (float)(i - COUNT / 2) * 0.0075f;
            saint_linear_args a = {
                .m = COUNT, .x = x, .ldx = 1, .w = {&one, SAINT_F32, 1, 1}, .act = (saint_act)act, .y = y, .ytype = SAINT_F32, .ldy = 1};
            assert_ok(saint_cpu_linear(&cpu.cpu.base, &a, err));
            for (int i = 0; i < COUNT; i++) {
                double want = act_of((saint_act)act, (double)x[i]), off = fabs((double)y[i] - want) / (fabs(want) + 1e-3);
                if (!(off <= worst)) worst = off;
            }
            if (!(worst <= 1e-6)) fail_msg("%s act %d: error %.3g", saint_cpu_tier_name(tier), act, worst);
            /* the ends: what x * sigmoid(..) and max give in IEEE arithmetic */
            x[0] = NAN;
            x[1] = INFINITY;
            x[2] = 1e30f;
            x[3] = -1e30f;
            x[4] = 0.0f;
            x[5] = -3e38f;
            assert_ok(saint_cpu_linear(&cpu.cpu.base, &a, err));
            assert_true(isnan(y[0]));
            assert_true(isinf(y[1]) && y[1] > 0);
            assert_true(y[2] == 1e30f && y[3] == 0.0f && y[4] == 0.0f && y[5] == 0.0f);
        }
        free(x);
        free(y);
        cpu_drop(&cpu);
    }
}

static void nan_and_inf_go_through(void **state)
{
    (void)state;
    static const linear_fn fns[] = {saint_cpu_linear, saint_cpu_linear_rows};
    EACH_TIER (tier)
        for (int e = 0; e < 2 * 3 * 2; e++) {
            bench_cpu cpu;
            problem t;
            cpu_make(&cpu, tier, compute_types[e % 2], 1);
            problem_make(&t, 14, 35, 37, compute_types[e % 2], weight_types[e / 2 % 3], SAINT_F32, false);
            put((void *)(uintptr_t)t.a.x, t.compute, (size_t)(3 * t.a.ldx + 36), NAN);
            put((void *)(uintptr_t)t.a.w.data, t.a.w.type, 34 * 37 + 5, INFINITY);
            assert_ok(fns[e / 6](&cpu.cpu.base, &t.a, err));
            const float *y = t.a.y;
            for (int i = 0; i < t.m; i++)
                for (int j = 0; j < t.n; j++) {
                    float v = y[i * t.a.ldy + j];
                    if (i == 3) assert_true(isnan(v));
                    else if (j == 34) assert_true(!isfinite(v));
                    else assert_true(isfinite(v));
                }
            problem_free(&t);
            cpu_drop(&cpu);
        }
}

static void rows_and_threads_change_no_bit(void **state)
{
    (void)state;
    enum { M = 61, N = 133, K = 129 };
    static const linear_fn fns[] = {saint_cpu_linear, saint_cpu_linear_rows};
    EACH_TIER (tier)
        for (int e = 0; e < 2 * 3 * 2; e++) {
            problem t;
            bench_cpu one, other;
            linear_fn fn = fns[e / 6];
            problem_make(&t, M, N, K, compute_types[e % 2], weight_types[e / 2 % 3], SAINT_F32, false);
            t.a.bias = t.bias;
            t.a.act = SAINT_ACT_GELU_ERF;
            cpu_make(&one, tier, t.compute, 1);
            assert_ok(fn(&one.cpu.base, &t.a, err));
            float *y = calloc(M * N, sizeof *y);
            for (int threads = 1; threads <= MAX_WORKERS; threads++) {
                cpu_make(&other, tier, t.compute, threads);
                for (int m = 1; m <= M; m += threads == 1 ? 1 : 20) {
                    int from = (m * 7) % (M - m + 1);
                    saint_linear_args a = t.a;
                    a.m = m;
                    a.x = (const char *)t.a.x + (size_t)(from * t.a.ldx) * saint_dtype_size(t.compute);
                    a.y = y;
                    a.ldy = N;
                    assert_ok(fn(&other.cpu.base, &a, err));
                    for (int i = 0; i < m; i++)
                        assert_memory_equal(y + i * N, (const float *)t.a.y + (from + i) * t.a.ldy, N * sizeof *y);
                }
                cpu_drop(&other);
            }
            free(y);
            cpu_drop(&one);
            problem_free(&t);
        }
}

/* Taller than a row block and, in K, longer than a panel: one running sum all the same. */
static void blocks_change_no_bit(void **state)
{
    (void)state;
    enum { M = SAINT_GEMM_BLOCK_ROWS + 13, N = 3, K = 4500 };
    EACH_TIER (tier)
        for (size_t c = 0; c < 2; c++) {
            bench_cpu cpu;
            cpu_make(&cpu, tier, compute_types[c], 2);
            size_t size = saint_dtype_size(compute_types[c]);
            char *x = malloc(M * K * size);
            uint16_t *w = malloc(N * K * sizeof *w);
            float *y = malloc(M * N * sizeof *y), row[N], residual[N] = {0};
            seed = 5;
            for (size_t i = 0; i < M * K; i++) put(x, compute_types[c], i, noise());
            for (size_t i = 0; i < N * K; i++) w[i] = saint_f32_to_bf16(noise());
            saint_linear_args a = {.m = M, .x = x, .ldx = K, .w = {w, SAINT_BF16, N, K}, .y = y, .ytype = SAINT_F32, .ldy = N};
            assert_ok(saint_cpu_linear(&cpu.cpu.base, &a, err));
            for (size_t i = 0; i < M; i += 97) {
                a.m = 1;
                a.x = x + i * K * size;
                a.y = row;
                a.residual = residual; /* the scratch path instead of the direct one */
                assert_ok(saint_cpu_linear(&cpu.cpu.base, &a, err));
                assert_memory_equal(row, y + i * N, sizeof row);
            }
            free(x);
            free(w);
            free(y);
            cpu_drop(&cpu);
        }
}

/* The turned product packs x instead of the weights when the rows fill its lanes; one row alone never does. */
static void turning_changes_no_bit(void **state)
{
    (void)state;
    enum { M = 64, N = 131, K = 3201 };
    EACH_TIER (tier)
        for (size_t c = 0; c < 2; c++) {
            bench_cpu cpu;
            cpu_make(&cpu, tier, compute_types[c], 2);
            size_t size = saint_dtype_size(compute_types[c]);
            char *x = malloc(M * K * size), *w = malloc(N * K * size);
            float *y = malloc(M * N * sizeof *y), *other = malloc(M * N * sizeof *y);
            seed = 6;
            for (size_t i = 0; i < M * K; i++) put(x, compute_types[c], i, noise());
            for (size_t i = 0; i < N * K; i++) put(w, compute_types[c], i, noise());
            saint_linear_args a = {.m = M,
                                   .x = x,
                                   .ldx = K,
                                   .w = {w, compute_types[c], N, K},
                                   .act = SAINT_ACT_QUICK_GELU,
                                   .y = y,
                                   .ytype = SAINT_F32,
                                   .ldy = N};
            assert_ok(saint_cpu_linear(&cpu.cpu.base, &a, err));
            a.y = other;
            static const int cuts[] = {0, 1, 33, 64}; /* one row, 32, 31 */
            for (int i = 0; i < 3; i++) {
                a.m = cuts[i + 1] - cuts[i];
                a.x = x + (size_t)cuts[i] * K * size;
                a.y = other + cuts[i] * N;
                cpu_poison(&cpu);
                assert_ok(saint_cpu_linear(&cpu.cpu.base, &a, err));
            }
            assert_memory_equal(y, other, M * N * sizeof *y);
            a.m = 40; /* not turned where panels are 32 wide */
            a.x = x + 24 * K * size;
            a.y = other;
            assert_ok(saint_cpu_linear(&cpu.cpu.base, &a, err));
            assert_memory_equal(y + 24 * N, other, 40 * N * sizeof *y);
            free(x);
            free(w);
            free(y);
            free(other);
            cpu_drop(&cpu);
        }
}

static void nothing_is_nothing(void **state)
{
    (void)state;
    bench_cpu cpu;
    cpu_make(&cpu, saint_cpu_best_tier(), SAINT_F32, 1);
    float w = 2, y = 7, bias = 3;
    saint_linear_args a = {.m = 0, .w = {&w, SAINT_F32, 1, 1}, .y = &y, .ytype = SAINT_F32};
    assert_ok(saint_cpu_linear(&cpu.cpu.base, &a, err));
    assert_ok(saint_cpu_linear_rows(&cpu.cpu.base, &a, err));
    assert_true(y == 7);
    a = (saint_linear_args){.m = 1, .x = &w, .w = {&w, SAINT_F32, 1, 0}, .bias = &bias, .y = &y, .ytype = SAINT_F32, .ldy = 1};
    assert_ok(saint_cpu_linear(&cpu.cpu.base, &a, err)); /* an empty sum is 0 */
    assert_true(y == 3);
    y = 7;
    assert_ok(saint_cpu_linear_rows(&cpu.cpu.base, &a, err));
    assert_true(y == 3);
    cpu_drop(&cpu);
}

static void wrong_arguments_are_told(void **state)
{
    (void)state;
    bench_cpu cpu;
    cpu_make(&cpu, SAINT_TIER_GENERIC, SAINT_F32, 1);
    float w[4] = {0}, x[4] = {0}, y[4] = {0};
    const saint_linear_args good = {.m = 2, .x = x, .ldx = 2, .w = {w, SAINT_F32, 2, 2}, .y = y, .ytype = SAINT_F32, .ldy = 2};
    saint_linear_args a = good;
    saint_error e;
    assert_ok(saint_cpu_linear(&cpu.cpu.base, &a, err));
    a.w.type = SAINT_I8;
    assert_int_equal(saint_cpu_linear(&cpu.cpu.base, &a, &e), SAINT_UNSUPPORTED);
    assert_non_null(strstr(e.text, "I8"));
    a = good;
    a.ytype = SAINT_BF16;
    assert_int_equal(saint_cpu_linear(&cpu.cpu.base, &a, &e), SAINT_INVALID);
    a = good;
    a.ldx = 1;
    assert_int_equal(saint_cpu_linear_rows(&cpu.cpu.base, &a, &e), SAINT_INVALID);
    a = good;
    a.residual = y;
    a.gate = x;
    assert_int_equal(saint_cpu_linear_rows(&cpu.cpu.base, &a, &e), SAINT_INVALID);
    cpu_drop(&cpu);
}

static void sgemm_equals_double_sums(void **state)
{
    (void)state;
    static const int sizes[][3] = {{1, 1, 1}, {13, 33, 65}, {40, 70, 64}, {5, 9, 2100}};
    void *scratch = NULL;
    assert_int_equal(posix_memalign(&scratch, 64, (saint_cpu_gemm_scratch_bytes() + 63) / 64 * 64), 0);
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        problem t;
        problem_make(&t, sizes[s][0], sizes[s][1], sizes[s][2], SAINT_F32, SAINT_F32, SAINT_F32, false);
        float *w = malloc((size_t)t.n * (size_t)(t.k + 1) * sizeof *w);
        for (int j = 0; j < t.n; j++) memcpy(w + j * (t.k + 1), (const char *)t.a.w.data + (size_t)(j * t.k) * 4, (size_t)t.k * 4);
        memset(scratch, 0xff, saint_cpu_gemm_scratch_bytes());
        saint_cpu_sgemm_nt(t.m, t.n, t.k, t.a.x, t.a.ldx, w, t.k + 1, t.a.y, t.a.ldy, scratch);
        problem_check(&t, "sgemm");
        problem_free(&t);
        free(w);
    }
    free(scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_equal_double_sums),
        cmocka_unit_test(every_epilogue),
        cmocka_unit_test(activations_are_close_everywhere),
        cmocka_unit_test(nan_and_inf_go_through),
        cmocka_unit_test(rows_and_threads_change_no_bit),
        cmocka_unit_test(blocks_change_no_bit),
        cmocka_unit_test(turning_changes_no_bit),
        cmocka_unit_test(nothing_is_nothing),
        cmocka_unit_test(wrong_arguments_are_told),
        cmocka_unit_test(sgemm_equals_double_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
