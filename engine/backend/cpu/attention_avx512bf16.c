/* AVX-512 BF16: words are pairs of bf16, multiplied and added to f32 two at a time. Probabilities are rounded to bf16. */
#include "backend/cpu/attention_avx512.h"

#define KERNELS saint_attn_avx512bf16
#define PAIRS 1
#define EXP_UNIT 1.44269504f /* v_exp is 2^x: one multiplication less */

static inline vf madd(vf acc, vf a, vf b) { return _mm512_dpbf16_ps(acc, (__m512bh)a, (__m512bh)b); }

/* 2^x for x <= 0, relative error 3e-6, a thousandth of bf16's own; exactly 1 at 0; zero below -126; NaN stays NaN. */
static inline vf v_exp(vf x)
{
    vf n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC), f = x - n;
    vf p = _mm512_fmadd_ps(v_set1(0x1.3a031ap-7f), f, v_set1(0x1.c9fb80p-5f));
    p = _mm512_fmadd_ps(p, f, v_set1(0x1.ec0374p-3f));
    p = _mm512_fmadd_ps(p, f, v_set1(0x1.62e12ep-1f));
    p = _mm512_fmadd_ps(p, f, v_set1(1.0f));
    return _mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(x, v_set1(-126.0f), _CMP_NLT_UQ), p, n);
}

/* the first and the second value of every pair, as f32 */
static inline vf v_low(vf x) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(x), 16)); }
static inline vf v_high(vf x) { return _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32((int)0xffff0000u))); }

static inline void v_store_pairs(uint32_t *p, vf x) { _mm256_storeu_si256((__m256i *)p, (__m256i)_mm512_cvtneps_pbh(x)); }

/* dst[i] = (low[i], high[i]) for d columns, zeros up to the next multiple of 16; high NULL: zeros */
static inline void interleave(uint32_t *dst, const uint16_t *low, const uint16_t *high, int d)
{
    for (int i = 0; i < d; i += 16) {
        __mmask16 m = (__mmask16)(d - i < 16 ? (1u << (d - i)) - 1u : 0xffffu);
        __m512i lo = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, low + i)), hi = _mm512_setzero_si512();
        if (high) hi = _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, high + i)), 16);
        _mm512_storeu_si512(dst + i, _mm512_or_si512(lo, hi));
    }
}

#include "backend/cpu/attention.inc"
