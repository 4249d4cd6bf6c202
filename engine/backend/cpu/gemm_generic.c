/* gemm_generic.c - the tier that runs everywhere: four-wide vectors of the compiler, no intrinsics. The reference of the others. */
#include "backend/cpu/gemm.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))

typedef float V __attribute__((vector_size(16)));
typedef int32_t I __attribute__((vector_size(16)));

enum { SAINT_GEMM_DOT_AHEAD = 512 };
#define VN 4
#define KERNEL_ROWS 4
#define KEEP_IN_REGISTERS(a) __asm__ volatile("" : : "m"(a))

INLINE V v_set1(float a)
{
    return (V){a, a, a, a};
}

INLINE V v_load(const void *p)
{
    V a;
    memcpy(&a, p, sizeof a);
    return a;
}

INLINE void v_store(void *p, V a)
{
    memcpy(p, &a, sizeof a);
}

INLINE V v_set1_at(const void *p)
{
    float a;
    memcpy(&a, p, sizeof a);
    return v_set1(a);
}

INLINE V v_load_part(const void *p, int n)
{
    V a = v_set1(0.0f);
    memcpy(&a, p, (size_t)n * sizeof(float));
    return a;
}

INLINE void v_store_part(void *p, V a, int n)
{
    memcpy(p, &a, (size_t)n * sizeof(float));
}

INLINE V v_load_bf16_part(const void *p, int n)
{
    float a[VN] = {0};
    saint_to_f32(a, p, SAINT_BF16, (size_t)n);
    return v_load(a);
}

INLINE V v_load_f16_part(const void *p, int n)
{
    float a[VN] = {0};
    saint_to_f32(a, p, SAINT_F16, (size_t)n);
    return v_load(a);
}

INLINE V v_load_bf16(const void *p)
{
    uint16_t h[VN];
    memcpy(h, p, sizeof h);
    return (V){saint_bf16_to_f32(h[0]), saint_bf16_to_f32(h[1]), saint_bf16_to_f32(h[2]), saint_bf16_to_f32(h[3])};
}

INLINE V v_load_f16(const void *p)
{
    return v_load_f16_part(p, VN);
}

INLINE void v_store_bf16_part(void *p, V a, int n)
{
    uint16_t h[VN];
    for (int i = 0; i < n; i++) h[i] = saint_f32_to_bf16(a[i]);
    memcpy(p, h, (size_t)n * sizeof h[0]);
}

INLINE void v_store_bf16(void *p, V a)
{
    v_store_bf16_part(p, a, VN);
}

INLINE V v_add(V a, V b)
{
    return a + b;
}

INLINE V v_sub(V a, V b)
{
    return a - b;
}

INLINE V v_mul(V a, V b)
{
    return a * b;
}

INLINE V v_div(V a, V b)
{
    return a / b;
}

INLINE V v_fma(V a, V b, V c)
{
    return a * b + c;
}

INLINE V v_pick(I mask, V a, V b)
{
    return (V)((mask & (I)a) | (~mask & (I)b));
}

/* b unless a is greater (less): so a NaN in b comes through */
INLINE V v_max(V a, V b)
{
    return v_pick(a > b, a, b);
}

INLINE V v_min(V a, V b)
{
    return v_pick(a < b, a, b);
}

INLINE V v_abs(V a)
{
    return (V)((I)a & 0x7fffffff);
}

INLINE V v_select_negative(V sign, V a, V b)
{
    return v_pick((I)sign >> 31, a, b);
}

INLINE V v_xor(V a, V b)
{
    return (V)((I)a ^ (I)b);
}

INLINE V v_round(V a) /* |a| < 2^22 */
{
    V magic = v_set1(12582912.0f);
    return (a + magic) - magic;
}

/* a 2^n, n whole and |n| <= 252: in two factors, so that subnormal and overflowing results are right */
INLINE V v_scale2(V a, V n)
{
    I i = (I)(n + v_set1(12582912.0f)) - 0x4b400000, half = i >> 1;
    return a * (V)((half + 127) << 23) * (V)((i - half + 127) << 23);
}

INLINE float v_sum(V a)
{
    return (a[0] + a[2]) + (a[1] + a[3]);
}

INLINE void v_prefetch(const void *p, size_t ahead)
{
    (void)p;
    (void)ahead;
}

INLINE void v_prefetch_l2(uintptr_t at)
{
    (void)at;
}

#include "backend/cpu/gemm_simd.inc"

static void pack_f32(const void *w, size_t pitch, saint_dtype type, int cols, int64_t k, void *panel)
{
    const size_t size = saint_dtype_size(type);
    float *out = panel;
    for (int64_t p = 0; p < k; p += VN) {
        int n = k - p < VN ? (int)(k - p) : VN;
        for (int j = 0; j < KERNEL_COLS; j++) {
            V a = v_set1(0.0f);
            if (j < cols) a = v_load_as(type, (const char *)w + (size_t)j * pitch + (size_t)p * size, n);
            for (int i = 0; i < n; i++) out[(p + i) * KERNEL_COLS + j] = a[i];
        }
    }
}

static const saint_gemm_kernel kernel_f32 = {KERNEL_ROWS, KERNEL_COLS, 1, 1024, SAINT_F32, pack_f32, tile_f32};
const saint_gemm_tier saint_gemm_generic = {&kernel_f32, widen, finish, dot, peak, read_bytes};
