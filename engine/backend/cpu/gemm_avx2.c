/* gemm_avx2.c - the f32 tier for AVX2 + FMA + F16C: 6 x 16 tiles. */
#include "backend/cpu/gemm.h"

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

typedef __m256 V;
enum { SAINT_GEMM_DOT_AHEAD = 2048 };
#define VN 8
#define KERNEL_ROWS 6
#define KEEP_IN_REGISTERS(a) __asm__ volatile("" : "+x"(a))

/* lanes below n set */
INLINE __m256i mask_of(int n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

INLINE V v_set1(float a)
{
    return _mm256_set1_ps(a);
}

INLINE V v_load(const void *p)
{
    return _mm256_loadu_ps(p);
}

INLINE void v_store(void *p, V a)
{
    _mm256_storeu_ps(p, a);
}

INLINE V v_set1_at(const void *p)
{
    float a;
    memcpy(&a, p, sizeof a);
    return _mm256_set1_ps(a);
}

INLINE V v_load_part(const void *p, int n)
{
    return _mm256_maskload_ps(p, mask_of(n));
}

INLINE void v_store_part(void *p, V a, int n)
{
    _mm256_maskstore_ps(p, mask_of(n), a);
}

INLINE V v_widen_bf16(__m128i h)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16));
}

INLINE __m128i load_halves(const void *p, int n) /* AVX2 has no 16-bit masks */
{
    uint16_t h[VN] = {0};
    memcpy(h, p, (size_t)n * sizeof h[0]);
    return _mm_loadu_si128((const void *)h);
}

INLINE V v_load_bf16(const void *p)
{
    return v_widen_bf16(_mm_loadu_si128(p));
}

INLINE V v_load_bf16_part(const void *p, int n)
{
    return v_widen_bf16(load_halves(p, n));
}

INLINE V v_load_f16(const void *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128(p));
}

INLINE V v_load_f16_part(const void *p, int n)
{
    return _mm256_cvtph_ps(load_halves(p, n));
}

/* to nearest even, NaN quiet: the bits of saint_f32_to_bf16 */
INLINE __m128i v_narrow(V a)
{
    __m256i u = _mm256_castps_si256(a), top = _mm256_srli_epi32(u, 16), odd = _mm256_and_si256(top, _mm256_set1_epi32(1));
    __m256i h = _mm256_srli_epi32(_mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
    __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(a, a, _CMP_UNORD_Q));
    h = _mm256_blendv_epi8(h, _mm256_or_si256(top, _mm256_set1_epi32(0x40)), nan);
    return _mm_packus_epi32(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));
}

INLINE void v_store_bf16(void *p, V a)
{
    _mm_storeu_si128(p, v_narrow(a));
}

INLINE void v_store_bf16_part(void *p, V a, int n)
{
    uint16_t h[VN];
    _mm_storeu_si128((void *)h, v_narrow(a));
    memcpy(p, h, (size_t)n * sizeof h[0]);
}

INLINE V v_add(V a, V b)
{
    return _mm256_add_ps(a, b);
}

INLINE V v_sub(V a, V b)
{
    return _mm256_sub_ps(a, b);
}

INLINE V v_mul(V a, V b)
{
    return _mm256_mul_ps(a, b);
}

INLINE V v_div(V a, V b)
{
    return _mm256_div_ps(a, b);
}

INLINE V v_fma(V a, V b, V c)
{
    return _mm256_fmadd_ps(a, b, c);
}

INLINE V v_max(V a, V b) /* b when either is NaN, as the instruction does */
{
    return _mm256_max_ps(a, b);
}

INLINE V v_min(V a, V b)
{
    return _mm256_min_ps(a, b);
}

INLINE V v_abs(V a)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}

INLINE V v_select_negative(V sign, V a, V b)
{
    return _mm256_blendv_ps(b, a, sign);
}

INLINE V v_xor(V a, V b)
{
    return _mm256_xor_ps(a, b);
}

INLINE V v_round(V a)
{
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* a 2^n, n whole and |n| <= 252: in two factors, so that subnormal and overflowing results are right */
INLINE V v_scale2(V a, V n)
{
    __m256i i = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(i, 1), bias = _mm256_set1_epi32(127);
    V lo = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
    V hi = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(i, half), bias), 23));
    return _mm256_mul_ps(_mm256_mul_ps(a, lo), hi);
}

INLINE float v_sum(V a)
{
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}

INLINE void v_prefetch(const void *p, size_t ahead)
{
    _mm_prefetch((const char *)((uintptr_t)p + ahead), _MM_HINT_T0); /* past the end of the weights it does nothing */
}

INLINE void v_prefetch_l2(uintptr_t at)
{
    _mm_prefetch((const char *)at, _MM_HINT_T1);
}

#include "backend/cpu/gemm_simd.inc"

/* r[i] lane j <-> r[j] lane i */
INLINE void transpose8(V r[8])
{
    V t[8];
    UNROLL for (int i = 0; i < 8; i += 4) {
        V a = _mm256_unpacklo_ps(r[i], r[i + 1]), b = _mm256_unpackhi_ps(r[i], r[i + 1]);
        V c = _mm256_unpacklo_ps(r[i + 2], r[i + 3]), d = _mm256_unpackhi_ps(r[i + 2], r[i + 3]);
        t[i] = _mm256_shuffle_ps(a, c, 0x44);
        t[i + 1] = _mm256_shuffle_ps(a, c, 0xee);
        t[i + 2] = _mm256_shuffle_ps(b, d, 0x44);
        t[i + 3] = _mm256_shuffle_ps(b, d, 0xee);
    }
    UNROLL for (int i = 0; i < 4; i++) {
        r[i] = _mm256_permute2f128_ps(t[i], t[4 + i], 0x20);
        r[4 + i] = _mm256_permute2f128_ps(t[i], t[4 + i], 0x31);
    }
}

INLINE void pack_block(const saint_dtype type, const char *w, size_t pitch, int cols, int n, float *out)
{
    V r[8];
    UNROLL for (int j = 0; j < 8; j++) r[j] = j < cols ? v_load_as(type, w + (size_t)j * pitch, n) : v_set1(0.0f);
    transpose8(r);
    UNROLL for (int i = 0; i < 8; i++) {
        if (i < n) v_store(out + i * KERNEL_COLS, r[i]);
    }
}

INLINE void pack_type(const saint_dtype type, const char *w, size_t pitch, int cols, int64_t k, float *panel)
{
    const size_t size = type == SAINT_F32 ? 4 : 2;
    for (int j = 0; j < KERNEL_COLS; j += 8) {
        const char *rows = w + (size_t)(j < cols ? j : 0) * pitch;
        int64_t p = 0;
        if (cols - j >= 8)
            for (; p + 8 <= k; p += 8) pack_block(type, rows + (size_t)p * size, pitch, 8, 8, panel + p * KERNEL_COLS + j);
        for (; p < k; p += 8)
            pack_block(type, rows + (size_t)p * size, pitch, cols - j, k - p < 8 ? (int)(k - p) : 8, panel + p * KERNEL_COLS + j);
    }
}

static void pack_f32(const void *w, size_t pitch, saint_dtype type, int cols, int64_t k, void *panel)
{
    if (type == SAINT_F32) pack_type(SAINT_F32, w, pitch, cols, k, panel);
    else if (type == SAINT_F16) pack_type(SAINT_F16, w, pitch, cols, k, panel);
    else pack_type(SAINT_BF16, w, pitch, cols, k, panel);
}

static const saint_gemm_kernel kernel_f32 = {KERNEL_ROWS, KERNEL_COLS, 1, 4096, SAINT_F32, pack_f32, tile_f32};
const saint_gemm_tier saint_gemm_avx2 = {&kernel_f32, widen, finish, dot, peak, read_bytes};

#endif
