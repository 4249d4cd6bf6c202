/* gemm_avx512bf16.c - the tier for CPUs with VDPBF16PS: 12 x 32 tiles over pairs of bf16. All f32 work is the avx512 tier's. */
#include "backend/cpu/gemm.h"

#if defined(__AVX512BF16__)

#include "backend/cpu/gemm_avx512.inc"

enum { TILE_ROWS = 12, TILE_COLS = 32, DOT_AHEAD = 2048 };

INLINE __m512bh pair_of(uint32_t bits)
{
    return (__m512bh)_mm512_set1_epi32((int)bits);
}

/* Loops over rows run to the full height with a test inside: clang unrolls only constant counts early enough to keep sums in registers. */
INLINE void tile_rows(const int rows, int64_t k, const char *x, size_t pitch, const uint32_t *panel, float *c, int64_t ldc, bool more,
                      saint_gemm_ahead ahead)
{
    __m512 left[TILE_ROWS], right[TILE_ROWS];
    const char *base[(TILE_ROWS + 2) / 3]; /* three rows per base pointer: one addressing mode each */
    UNROLL for (int i = 0; i < (TILE_ROWS + 2) / 3; i++) base[i] = x + (size_t)(3 * i < rows ? 3 * i : 0) * pitch;
    UNROLL for (int i = 0; i < TILE_ROWS; i++) if (i < rows) {
        left[i] = more ? _mm512_loadu_ps(c + i * ldc) : _mm512_setzero_ps();
        right[i] = more ? _mm512_loadu_ps(c + i * ldc + 16) : _mm512_setzero_ps();
    }
    for (int64_t pairs = k / 2; pairs > 0;) {
        uintptr_t at = ahead.at;
        int64_t steps = ahead.steps < pairs ? ahead.steps : pairs;
        for (int64_t p = 0; p < steps; p++) {
            _mm_prefetch((const char *)at, _MM_HINT_T1);
            at += ahead.stride;
            __m512bh l = (__m512bh)_mm512_loadu_si512(panel), r = (__m512bh)_mm512_loadu_si512(panel + 16);
            UNROLL for (int i = 0; i < TILE_ROWS; i++) if (i < rows) {
                uint32_t bits;
                memcpy(&bits, base[i / 3] + (size_t)(i % 3) * pitch, sizeof bits);
                left[i] = _mm512_dpbf16_ps(left[i], pair_of(bits), l);
                right[i] = _mm512_dpbf16_ps(right[i], pair_of(bits), r);
            }
            UNROLL for (int i = 0; i < (TILE_ROWS + 2) / 3; i++) base[i] += 2 * sizeof(uint16_t);
            panel += TILE_COLS;
        }
        pairs -= steps;
        ahead.at += ahead.pitch;
    }
    if (k & 1) { /* the panel holds a zero beside the last k; so must the pair of x, whatever lies behind its row */
        __m512bh l = (__m512bh)_mm512_loadu_si512(panel), r = (__m512bh)_mm512_loadu_si512(panel + 16);
        UNROLL for (int i = 0; i < TILE_ROWS; i++) if (i < rows) {
            uint16_t last;
            memcpy(&last, base[i / 3] + (size_t)(i % 3) * pitch, sizeof last);
            left[i] = _mm512_dpbf16_ps(left[i], pair_of(last), l);
            right[i] = _mm512_dpbf16_ps(right[i], pair_of(last), r);
        }
    }
    UNROLL for (int i = 0; i < TILE_ROWS; i++) if (i < rows) {
        _mm512_storeu_ps(c + i * ldc, left[i]);
        _mm512_storeu_ps(c + i * ldc + 16, right[i]);
    }
}

/* One function for each height. */
#define TILE(n)                                                                                                                       \
    static void tile_##n(int64_t k, const void *x, size_t pitch, const void *panel, float *c, int64_t ldc, bool more,                 \
                         saint_gemm_ahead ahead)                                                                                      \
    {                                                                                                                                 \
        tile_rows(n, k, x, pitch, panel, c, ldc, more, ahead);                                                                        \
    }
TILE(1)
TILE(2)
TILE(3)
TILE(4)
TILE(5)
TILE(6)
TILE(7)
TILE(8)
TILE(9)
TILE(10)
TILE(11)
TILE(12)
#undef TILE

static void tile_bf16(int rows, int64_t k, const void *x, size_t pitch, const void *panel, float *c, int64_t ldc, bool more,
                     saint_gemm_ahead ahead)
{
    static const saint_gemm_tile_rows_fn of_rows[TILE_ROWS] = {tile_1, tile_2, tile_3, tile_4,  tile_5,  tile_6,
                                                               tile_7, tile_8, tile_9, tile_10, tile_11, tile_12};
    of_rows[rows - 1](k, x, pitch, panel, c, ldc, more, ahead);
}

/* n <= 16 weights of two rows as bf16, half a vector each; f16 and f32 are rounded to nearest even */
INLINE __m512i load_two(const saint_dtype type, const char *a, const char *b, int n)
{
    const __mmask16 mask = mask_of(n);
    if (type == SAINT_BF16) {
        __m256i ha = n < 16 ? _mm256_maskz_loadu_epi16(mask, a) : _mm256_loadu_si256((const void *)a);
        __m256i hb = n < 16 ? _mm256_maskz_loadu_epi16(mask, b) : _mm256_loadu_si256((const void *)b);
        return two_halves(ha, hb);
    }
    __m512 fa, fb;
    if (type == SAINT_F16) {
        fa = n < 16 ? v_load_f16_part(a, n) : v_load_f16(a);
        fb = n < 16 ? v_load_f16_part(b, n) : v_load_f16(b);
    } else {
        fa = n < 16 ? v_load_part(a, n) : _mm512_loadu_ps(a);
        fb = n < 16 ? v_load_part(b, n) : _mm512_loadu_ps(b);
    }
    return (__m512i)_mm512_cvtne2ps_pbh(fb, fa);
}

INLINE void pack_block(const saint_dtype type, const char *w, size_t pitch, int cols, int n, uint32_t *out)
{
    __m512i r[8];
    UNROLL for (int i = 0; i < 8; i++) {
        /* An absent row reads a present one; its lanes are set to zero. */
        int row = pack_row(i);
        r[i] = load_two(type, w + (size_t)(row < cols ? row : 0) * pitch, w + (size_t)(row + 4 < cols ? row + 4 : 0) * pitch, n);
        __mmask16 present = (__mmask16)((row < cols ? 0xff : 0) | (row + 4 < cols ? 0xff00 : 0));
        if (cols < 16) r[i] = _mm512_maskz_mov_epi32(present, r[i]);
    }
    transpose_16x8(r);
    UNROLL for (int i = 0; i < 8; i++) {
        if (2 * i < n) _mm512_storeu_si512(out + i * TILE_COLS, r[i]);
    }
}

INLINE void pack_type(const saint_dtype type, const char *w, size_t pitch, int cols, int64_t k, uint32_t *panel)
{
    const size_t size = type == SAINT_F32 ? 4 : 2;
    for (int j = 0; j < TILE_COLS; j += 16) {
        const char *rows = w + (size_t)(j < cols ? j : 0) * pitch;
        int64_t p = 0;
        if (cols - j >= 16)
            for (; p + 16 <= k; p += 16) pack_block(type, rows + (size_t)p * size, pitch, 16, 16, panel + p / 2 * TILE_COLS + j);
        for (; p < k; p += 16)
            pack_block(type, rows + (size_t)p * size, pitch, cols - j, k - p < 16 ? (int)(k - p) : 16, panel + p / 2 * TILE_COLS + j);
    }
}

static void pack_bf16(const void *w, size_t pitch, saint_dtype type, int cols, int64_t k, void *panel)
{
    if (type == SAINT_F32) pack_type(SAINT_F32, w, pitch, cols, k, panel);
    else if (type == SAINT_F16) pack_type(SAINT_F16, w, pitch, cols, k, panel);
    else pack_type(SAINT_BF16, w, pitch, cols, k, panel);
}

INLINE __m512bh load_32(const char *p, int n)
{
    return (__m512bh)(n < 32 ? _mm512_maskz_loadu_epi16((__mmask32)((1u << n) - 1), p) : _mm512_loadu_si512(p));
}

/* ---- dot: as in gemm_simd.inc, 32 products a step ------------------------------------------------------------------------------ */

INLINE void dot_block(const int rows, int64_t k, const char *x, size_t xpitch, const char *const w[4], int cols, float *c, int64_t ldc,
                      int64_t cstride)
{
    __m512 acc[SAINT_GEMM_DOT_ROWS][4];
    UNROLL for (int i = 0; i < SAINT_GEMM_DOT_ROWS; i++) if (i < rows) {
        UNROLL for (int j = 0; j < 4; j++) acc[i][j] = _mm512_setzero_ps();
    }
    for (int64_t p = 0; p < k; p += 32) {
        int n = k - p < 32 ? (int)(k - p) : 32;
        __m512bh a[SAINT_GEMM_DOT_ROWS];
        UNROLL for (int i = 0; i < SAINT_GEMM_DOT_ROWS; i++) if (i < rows) a[i] = load_32(x + (size_t)i * xpitch + 2 * (size_t)p, n);
        UNROLL for (int j = 0; j < 4; j++) {
            const char *at = w[j] + 2 * (size_t)p;
            _mm_prefetch((const char *)((uintptr_t)at + DOT_AHEAD), _MM_HINT_T0);
            __m512bh b = load_32(at, n);
            UNROLL for (int i = 0; i < SAINT_GEMM_DOT_ROWS; i++) if (i < rows) acc[i][j] = _mm512_dpbf16_ps(acc[i][j], a[i], b);
        }
    }
    UNROLL for (int i = 0; i < SAINT_GEMM_DOT_ROWS; i++) if (i < rows) {
        UNROLL for (int j = 0; j < 4; j++) {
            if (j < cols) c[i * ldc + j * cstride] = v_sum(acc[i][j]);
        }
    }
}

static void dot_bf16(int rows, int cols, int64_t k, const void *x, size_t xpitch, saint_dtype xtype, const void *w, size_t wpitch,
                     saint_dtype wtype, float *c, int64_t ldc)
{
    (void)xtype;
    (void)wtype;
    int quarter = (cols + 3) / 4; /* four streams that are each contiguous in memory */
    for (int j = 0; j < quarter; j++) {
        const char *ws[4];
        int n = 0;
        for (int s = 0; s < 4; s++) {
            bool in = j + s * quarter < cols;
            ws[s] = (const char *)w + (size_t)(in ? j + s * quarter : j) * wpitch;
            n += in;
        }
        switch (rows) {
        case 1: dot_block(1, k, x, xpitch, ws, n, c + j, ldc, quarter); break;
        case 2: dot_block(2, k, x, xpitch, ws, n, c + j, ldc, quarter); break;
        case 3: dot_block(3, k, x, xpitch, ws, n, c + j, ldc, quarter); break;
        default: dot_block(4, k, x, xpitch, ws, n, c + j, ldc, quarter); break;
        }
    }
}

static double peak_bf16(int64_t count)
{
    __m512 acc[12];
    __m512bh a = pair_of(0x3f803f80u), b = pair_of(0x3f003f00u);
    UNROLL for (int i = 0; i < 12; i++) acc[i] = _mm512_set1_ps((float)i);
    for (int64_t n = 0; n < count; n++) {
        UNROLL for (int i = 0; i < 12; i++) acc[i] = _mm512_dpbf16_ps(acc[i], a, b);
        __asm__ volatile("" : "+v"(a));
    }
    UNROLL for (int i = 1; i < 12; i++) acc[0] = _mm512_add_ps(acc[0], acc[i]);
    return (double)count * 12 * 16 * 4 + (_mm512_reduce_add_ps(acc[0]) < 0 ? 1 : 0); /* the sum is used, so the loop stays */
}

static const saint_gemm_kernel kernel_bf16 = {TILE_ROWS, TILE_COLS, 2, 4096, SAINT_BF16, pack_bf16, tile_bf16};
const saint_gemm_bf16 saint_gemm_avx512bf16 = {&kernel_bf16, dot_bf16, peak_bf16};

#endif
