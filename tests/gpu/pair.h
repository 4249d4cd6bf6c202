/* pair.h - the CUDA backend and the CPU's beside it, and numbers that both can hold: for tests of operations. */
#ifndef SAINT_TESTS_GPU_PAIR_H
#define SAINT_TESTS_GPU_PAIR_H

#include "support/test.h"

#include <math.h>

#include "backend/backend.h"
#include "support/random.h"

static saint_pool *pool;
static uint64_t seed = 3;

/* The same operations on both: a CPU backend of f32 sees the values that the device's compute type can hold. */
typedef struct {
    saint_backend *gpu, *cpu;
    saint_dtype type;
    double limit;    /* NMSE of results of the compute type or behind a product */
    double f32limit; /* NMSE of f32 results of operations without products */
} pair;

/* The device knows weights by their address, so they stay until the backend is closed. */
static void *kept[1 << 14];
static int n_kept;

static inline void *keep(void *p)
{
    assert_true(n_kept < (int)(sizeof kept / sizeof *kept));
    return kept[n_kept++] = p;
}

static inline uint16_t to16(saint_dtype t, float x)
{
    return t == SAINT_F16 ? saint_f32_to_f16(x) : saint_f32_to_bf16(x);
}

static inline float from16(saint_dtype t, uint16_t h)
{
    return t == SAINT_F16 ? saint_f16_to_f32(h) : saint_bf16_to_f32(h);
}

static inline float *numbers(size_t n, float scale)
{
    float *p = malloc((n + 1) * sizeof *p);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++) p[i] = scale * (test_random(&seed) + test_random(&seed));
    return p;
}

/* n numbers that the type holds exactly. */
static inline float *rounded(saint_dtype t, size_t n, float scale)
{
    float *p = numbers(n, scale);
    for (size_t i = 0; t != SAINT_F32 && i < n; i++) p[i] = from16(t, to16(t, p[i]));
    return p;
}

/* A device copy of n numbers in type t, `lead` bytes into an allocation (to be released by base). */
typedef struct {
    void *base, *at;
} buffer;

static inline buffer put(const pair *p, saint_dtype t, const float *x, size_t n, size_t lead)
{
    buffer b;
    size_t bytes = n * saint_dtype_size(t);
    assert_ok(p->gpu->op->alloc(p->gpu, bytes + lead, &b.base, err));
    b.at = (char *)b.base + lead;
    if (!x) return b;
    uint16_t *h = malloc(bytes + 4);
    for (size_t i = 0; t != SAINT_F32 && i < n; i++) h[i] = to16(t, x[i]);
    assert_ok(p->gpu->op->upload(p->gpu, b.at, t == SAINT_F32 ? (const void *)x : h, bytes, err));
    free(h);
    return b;
}

static inline float *get(const pair *p, saint_dtype t, buffer b, size_t n)
{
    size_t bytes = n * saint_dtype_size(t);
    float *x = malloc((n + 1) * sizeof *x);
    uint16_t *h = malloc(bytes + 4);
    assert_ok(p->gpu->op->download(p->gpu, t == SAINT_F32 ? (void *)x : h, b.at, bytes, err));
    for (size_t i = 0; t != SAINT_F32 && i < n; i++) x[i] = from16(t, h[i]);
    free(h);
    return x;
}

static inline void drop(const pair *p, buffer b)
{
    p->gpu->op->release(p->gpu, b.base);
}

static inline void compare(const char *what, const float *found, const float *want, size_t n, double limit)
{
    double diff = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(found[i]) != isnan(want[i])) fail_msg("%s: element %zu is %g, expected %g", what, i, (double)found[i], (double)want[i]);
        if (isnan(want[i])) continue;
        double d = (double)found[i] - (double)want[i];
        diff += d * d;
        norm += (double)want[i] * (double)want[i];
    }
    double nmse = norm > 0 ? diff / norm : diff;
    if (!(nmse <= limit)) fail_msg("%s: NMSE %.3g, expected at most %.3g", what, nmse, limit);
}

static inline void *weight(saint_dtype t, const float *x, size_t n)
{
    void *w = malloc(n * saint_dtype_size(t));
    for (size_t i = 0; i < n; i++)
        if (t == SAINT_F32) ((float *)w)[i] = x[i];
        else ((uint16_t *)w)[i] = to16(t, x[i]);
    return w;
}

static inline void in_all_types(void (*fn)(const pair *p))
{
    /* NMSE of one rounding to f16 is 2^-22 / 12, to bf16 2^-16 / 12; a few of them meet */
    static const struct {
        saint_dtype type;
        double limit;
    } kinds[] = {{SAINT_F32, 1e-9}, {SAINT_F16, 1e-6}, {SAINT_BF16, 6e-5}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        pair p = {.type = kinds[i].type, .limit = kinds[i].limit, .f32limit = 1e-9};
        assert_ok(saint_backend_cpu_open(&p.cpu, pool, SAINT_F32, NULL, err));
        assert_ok(saint_backend_cuda_open(&p.gpu, 0, p.type, err));
        fn(&p);
        saint_backend_close(p.cpu);
        saint_backend_close(p.gpu);
        while (n_kept) free(kept[--n_kept]);
    }
}

#endif
