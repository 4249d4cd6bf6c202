/* Four lanes that every machine has, written in the compilers' vector types; multiplications and additions are rounded apart. */
#include <math.h>
#include <string.h>

#include "backend/cpu/attention.h"

#define KERNELS saint_attn_generic
#define W 4
#define MR 4
#define NV 2
#define PAIRS 0
#define EXP_UNIT 1.0f

typedef float vf __attribute__((vector_size(16)));
typedef int32_t vi __attribute__((vector_size(16)));
typedef uint32_t vu __attribute__((vector_size(16)));

static inline vf v_load(const float *p)
{
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void v_store(float *p, vf v) { memcpy(p, &v, sizeof v); }

static inline vf v_set1(float x) { return (vf){x, x, x, x}; }

static inline vf v_word_load(const uint32_t *p)
{
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline vf v_word_set1(const uint32_t *p)
{
    float x;
    memcpy(&x, p, sizeof x);
    return v_set1(x);
}

static inline vf madd(vf acc, vf a, vf b) { return acc + a * b; }

static inline vf v_madd_f32(vf acc, vf a, vf b) { return acc + a * b; }

static inline vf v_max(vf a, vf b)
{
    vi more = a > b;
    return (vf)(((vi)a & more) | ((vi)b & ~more));
}

static inline float v_max_lanes(vf a)
{
    float x = a[0] > a[1] ? a[0] : a[1], y = a[2] > a[3] ? a[2] : a[3];
    return x > y ? x : y;
}

/* e^x for x <= 0, relative error about 1e-7; exactly 1 at 0; zero below -87, where f32 has no normal numbers left; NaN stays NaN. */
static inline vf v_exp(vf x)
{
    const float magic = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer in the low bits */
    vf shifted = x * 1.44269504f + magic, n = shifted - magic;
    vf f = (x - n * 0.693359375f) + n * 2.12194440e-4f; /* ln 2 in two parts; the first product is exact */
    vf p = f * 0x1.6a24d8p-10f + 0x1.12397ep-7f;
    p = p * f + 0x1.5558efp-5f;
    p = p * f + 0x1.555492p-3f;
    p = p * f + 0x1.fffffcp-2f;
    p = p * f + 1.0f;
    p = p * f + 1.0f;
    vu power = ((vu)shifted - (0x4b400000u - 127u)) << 23;
    vi zero = x < -87.0f;
    return (vf)((vi)(p * (vf)power) & ~zero);
}

/* dst[depth][NB] = transpose of rows [rows][depth] that are ld bytes apart */
static void transpose(uint32_t *dst, const void *src, size_t ld, int rows, int depth)
{
    for (int j = 0; j < rows; j++)
        for (int i = 0; i < depth; i++) memcpy(dst + i * SAINT_ATTN_KEYS + j, (const char *)src + (size_t)j * ld + (size_t)i * 4, 4);
}

#include "backend/cpu/attention.inc"
