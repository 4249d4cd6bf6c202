/* AVX2 and FMA: eight lanes, 6 x 16 register tiles. */
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "backend/cpu/attention.h"

#define KERNELS saint_attn_avx2
#define W 8
#define MR 6
#define NV 2
#define PAIRS 0
#define EXP_UNIT 1.0f

typedef __m256 vf;

static inline vf v_load(const float *p) { return _mm256_loadu_ps(p); }

static inline void v_store(float *p, vf v) { _mm256_storeu_ps(p, v); }

static inline vf v_set1(float x) { return _mm256_set1_ps(x); }

static inline vf v_word_load(const uint32_t *p) { return _mm256_castsi256_ps(_mm256_loadu_si256((const __m256i *)p)); }

static inline vf v_word_set1(const uint32_t *p)
{
    float x;
    memcpy(&x, p, sizeof x);
    return _mm256_set1_ps(x);
}

static inline vf madd(vf acc, vf a, vf b) { return _mm256_fmadd_ps(a, b, acc); }

static inline vf v_madd_f32(vf acc, vf a, vf b) { return _mm256_fmadd_ps(a, b, acc); }

static inline vf v_max(vf a, vf b) { return _mm256_max_ps(a, b); }

static inline float v_max_lanes(vf a)
{
    __m128 x = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    x = _mm_max_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_max_ss(x, _mm_movehdup_ps(x)));
}

/* e^x for x <= 0, relative error about 1e-7; exactly 1 at 0; zero below -87, where f32 has no normal numbers left; NaN stays NaN. */
static inline vf v_exp(vf x)
{
    vf n = _mm256_round_ps(x * v_set1(1.44269504f), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    vf f = _mm256_fnmadd_ps(n, v_set1(0.693359375f), x); /* ln 2 in two parts; the first product is exact */
    f = _mm256_fmadd_ps(n, v_set1(2.12194440e-4f), f);
    vf p = _mm256_fmadd_ps(v_set1(0x1.6a24d8p-10f), f, v_set1(0x1.12397ep-7f));
    p = _mm256_fmadd_ps(p, f, v_set1(0x1.5558efp-5f));
    p = _mm256_fmadd_ps(p, f, v_set1(0x1.555492p-3f));
    p = _mm256_fmadd_ps(p, f, v_set1(0x1.fffffcp-2f));
    p = _mm256_fmadd_ps(p, f, v_set1(1.0f));
    p = _mm256_fmadd_ps(p, f, v_set1(1.0f));
    __m256i power = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
    return _mm256_and_ps(p * _mm256_castsi256_ps(power), _mm256_cmp_ps(x, v_set1(-87.0f), _CMP_NLT_UQ));
}

static inline void transpose8(uint32_t *dst, const char *src, size_t ld)
{
    vf r[8], t[8];
    for (int i = 0; i < 8; i++) r[i] = _mm256_loadu_ps((const float *)(const void *)(src + (size_t)i * ld));
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    for (int i = 0; i < 4; i++) {
        _mm256_storeu_ps((float *)(void *)(dst + i * SAINT_ATTN_KEYS), _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
        _mm256_storeu_ps((float *)(void *)(dst + (i + 4) * SAINT_ATTN_KEYS), _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
    }
}

/* dst[depth][NB] = transpose of rows [rows][depth] that are ld bytes apart; both multiples of 8 */
static void transpose(uint32_t *dst, const void *src, size_t ld, int rows, int depth)
{
    for (int j = 0; j < rows; j += 8)
        for (int i = 0; i < depth; i += 8)
            transpose8(dst + i * SAINT_ATTN_KEYS + j, (const char *)src + (size_t)j * ld + (size_t)i * 4, ld);
}

#include "backend/cpu/attention.inc"
