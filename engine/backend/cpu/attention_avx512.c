/* AVX-512 in f32; bf16 tensors are widened while they are packed. */
#include "backend/cpu/attention_avx512.h"

#define KERNELS saint_attn_avx512
#define PAIRS 0
#define EXP_UNIT 1.0f

static inline vf madd(vf acc, vf a, vf b) { return _mm512_fmadd_ps(a, b, acc); }

/* e^x for x <= 0, relative error about 1e-7; exactly 1 at 0; zero below -87, where f32 has no normal numbers left; NaN stays NaN. */
static inline vf v_exp(vf x)
{
    vf n = _mm512_roundscale_ps(x * v_set1(1.44269504f), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    vf f = _mm512_fnmadd_ps(n, v_set1(0.693359375f), x); /* ln 2 in two parts; the first product is exact */
    f = _mm512_fmadd_ps(n, v_set1(2.12194440e-4f), f);
    vf p = _mm512_fmadd_ps(v_set1(0x1.6a24d8p-10f), f, v_set1(0x1.12397ep-7f));
    p = _mm512_fmadd_ps(p, f, v_set1(0x1.5558efp-5f));
    p = _mm512_fmadd_ps(p, f, v_set1(0x1.555492p-3f));
    p = _mm512_fmadd_ps(p, f, v_set1(0x1.fffffcp-2f));
    p = _mm512_fmadd_ps(p, f, v_set1(1.0f));
    p = _mm512_fmadd_ps(p, f, v_set1(1.0f));
    return _mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(x, v_set1(-87.0f), _CMP_NLT_UQ), p, n);
}

#include "backend/cpu/attention.inc"
