/* attention_avx512.h - what the two AVX-512 tiers share: sixteen lanes, 6 x 64 register tiles, the transposition of words. */
#ifndef SAINT_BACKEND_CPU_ATTENTION_AVX512_H
#define SAINT_BACKEND_CPU_ATTENTION_AVX512_H

#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "backend/cpu/attention.h"

#define W 16
#define MR 6
#define NV 4

typedef __m512 vf;

static inline vf v_load(const float *p) { return _mm512_loadu_ps(p); }

static inline void v_store(float *p, vf v) { _mm512_storeu_ps(p, v); }

static inline vf v_set1(float x) { return _mm512_set1_ps(x); }

static inline vf v_word_load(const uint32_t *p) { return _mm512_castsi512_ps(_mm512_loadu_si512(p)); }

static inline vf v_word_set1(const uint32_t *p)
{
    float x;
    memcpy(&x, p, sizeof x);
    return _mm512_set1_ps(x);
}

static inline vf v_madd_f32(vf acc, vf a, vf b) { return _mm512_fmadd_ps(a, b, acc); }

static inline vf v_max(vf a, vf b) { return _mm512_max_ps(a, b); }

static inline float v_max_lanes(vf a) { return _mm512_reduce_max_ps(a); }

static inline void transpose16(uint32_t *dst, const char *src, size_t ld)
{
    __m512i r[16], t[16];
    for (int i = 0; i < 16; i++) r[i] = _mm512_loadu_si512(src + (size_t)i * ld);
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    /* r[4 g + c] holds, in 128-bit lane l, column 4 l + c of rows 4 g .. 4 g + 3 */
    for (int c = 0; c < 4; c++) {
        __m512i a = _mm512_shuffle_i32x4(r[c], r[4 + c], 0x88), b = _mm512_shuffle_i32x4(r[c], r[4 + c], 0xdd);
        __m512i e = _mm512_shuffle_i32x4(r[8 + c], r[12 + c], 0x88), f = _mm512_shuffle_i32x4(r[8 + c], r[12 + c], 0xdd);
        _mm512_storeu_si512(dst + c * SAINT_ATTN_KEYS, _mm512_shuffle_i32x4(a, e, 0x88));
        _mm512_storeu_si512(dst + (4 + c) * SAINT_ATTN_KEYS, _mm512_shuffle_i32x4(b, f, 0x88));
        _mm512_storeu_si512(dst + (8 + c) * SAINT_ATTN_KEYS, _mm512_shuffle_i32x4(a, e, 0xdd));
        _mm512_storeu_si512(dst + (12 + c) * SAINT_ATTN_KEYS, _mm512_shuffle_i32x4(b, f, 0xdd));
    }
}

/* dst[depth][NB] = transpose of rows [rows][depth] that are ld bytes apart; both multiples of 16 */
static inline void transpose(uint32_t *dst, const void *src, size_t ld, int rows, int depth)
{
    for (int j = 0; j < rows; j += 16)
        for (int i = 0; i < depth; i += 16)
            transpose16(dst + i * SAINT_ATTN_KEYS + j, (const char *)src + (size_t)j * ld + (size_t)i * 4, ld);
}

#endif
