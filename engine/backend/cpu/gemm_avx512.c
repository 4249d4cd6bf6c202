/* gemm_avx512.c - the f32 tier for 512-bit CPUs: 12 x 32 tiles. */
#include "backend/cpu/gemm.h"

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)

#include "backend/cpu/gemm_avx512.inc"

typedef __m512 V;
enum { SAINT_GEMM_DOT_AHEAD = 2048 };
#define VN 16
#define KERNEL_ROWS 12
#define KEEP_IN_REGISTERS(a) __asm__ volatile("" : "+v"(a))

INLINE V v_set1(float a)
{
    return _mm512_set1_ps(a);
}

INLINE V v_load(const void *p)
{
    return _mm512_loadu_ps(p);
}

INLINE void v_store(void *p, V a)
{
    _mm512_storeu_ps(p, a);
}

INLINE V v_set1_at(const void *p)
{
    float a;
    memcpy(&a, p, sizeof a);
    return _mm512_set1_ps(a);
}

INLINE void v_store_part(void *p, V a, int n)
{
    _mm512_mask_storeu_ps(p, mask_of(n), a);
}

/* to nearest even, NaN quiet: the bits of saint_f32_to_bf16 */
INLINE __m256i v_narrow(V a)
{
    __m512i u = _mm512_castps_si512(a), odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
    __m512i h = _mm512_srli_epi32(_mm512_add_epi32(u, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff))), 16);
    __mmask16 nan = _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
    return _mm512_cvtepi32_epi16(_mm512_mask_or_epi32(h, nan, _mm512_srli_epi32(u, 16), _mm512_set1_epi32(0x40)));
}

INLINE void v_store_bf16(void *p, V a)
{
    _mm256_storeu_si256(p, v_narrow(a));
}

INLINE void v_store_bf16_part(void *p, V a, int n)
{
    _mm256_mask_storeu_epi16(p, mask_of(n), v_narrow(a));
}

INLINE V v_add(V a, V b)
{
    return _mm512_add_ps(a, b);
}

INLINE V v_sub(V a, V b)
{
    return _mm512_sub_ps(a, b);
}

INLINE V v_mul(V a, V b)
{
    return _mm512_mul_ps(a, b);
}

INLINE V v_div(V a, V b)
{
    return _mm512_div_ps(a, b);
}

INLINE V v_fma(V a, V b, V c)
{
    return _mm512_fmadd_ps(a, b, c);
}

INLINE V v_max(V a, V b) /* b when either is NaN, as the instruction does */
{
    return _mm512_max_ps(a, b);
}

INLINE V v_min(V a, V b)
{
    return _mm512_min_ps(a, b);
}

INLINE V v_abs(V a)
{
    return _mm512_abs_ps(a);
}

INLINE V v_select_negative(V sign, V a, V b)
{
    return _mm512_mask_blend_ps(_mm512_movepi32_mask(_mm512_castps_si512(sign)), b, a);
}

INLINE V v_xor(V a, V b)
{
    return _mm512_xor_ps(a, b);
}

INLINE V v_round(V a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

INLINE V v_scale2(V a, V n)
{
    return _mm512_scalef_ps(a, n);
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

/* n <= 8 weights of a row as 8 floats */
INLINE __m256i load_half(const saint_dtype type, const char *p, int n)
{
    __mmask8 mask = (__mmask8)mask_of(n);
    if (type == SAINT_F32) return n < 8 ? _mm256_maskz_loadu_epi32(mask, p) : _mm256_loadu_si256((const void *)p);
    __m128i h = n < 8 ? _mm_maskz_loadu_epi16(mask, p) : _mm_loadu_si128((const void *)p);
    if (type == SAINT_F16) return _mm256_castps_si256(_mm256_cvtph_ps(h));
    return _mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16);
}

INLINE void pack_block(const saint_dtype type, const char *w, size_t pitch, int cols, int n, float *out)
{
    __m512i r[8];
    UNROLL for (int i = 0; i < 8; i++) {
        int row = pack_row(i);
        __m256i a = row < cols ? load_half(type, w + (size_t)row * pitch, n) : _mm256_setzero_si256();
        __m256i b = row + 4 < cols ? load_half(type, w + (size_t)(row + 4) * pitch, n) : _mm256_setzero_si256();
        r[i] = two_halves(a, b);
    }
    transpose_16x8(r);
    UNROLL for (int i = 0; i < 8; i++) {
        if (i < n) _mm512_storeu_si512(out + i * KERNEL_COLS, r[i]);
    }
}

INLINE void pack_type(const saint_dtype type, const char *w, size_t pitch, int cols, int64_t k, float *panel)
{
    const size_t size = type == SAINT_F32 ? 4 : 2;
    for (int j = 0; j < KERNEL_COLS; j += 16) {
        const char *rows = w + (size_t)(j < cols ? j : 0) * pitch;
        int64_t p = 0;
        if (cols - j >= 16)
            for (; p + 8 <= k; p += 8) pack_block(type, rows + (size_t)p * size, pitch, 16, 8, panel + p * KERNEL_COLS + j);
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

static const saint_gemm_kernel kernel_f32 = {KERNEL_ROWS, KERNEL_COLS, 1, 2048, SAINT_F32, pack_f32, tile_f32};
const saint_gemm_tier saint_gemm_avx512 = {&kernel_f32, widen, finish, dot, peak, read_bytes};

#endif
