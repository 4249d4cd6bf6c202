/* gemm.h - what the tiers of the CPU GEMM give to its driver (gemm.c). One constant table per tier, no state.
 *
 * A panel is `cols` columns of the product (rows of W) packed so that a tile reads it front to back: f32 [k][cols], or for bf16
 * arithmetic [(k + 1) / 2][cols] pairs. Missing columns and the odd last k are packed as zeros, so a tile is always full width and
 * a column has the same bits wherever it stands. A tile sums over k in order for every row by itself: rows have the same bits
 * whatever other rows are in the tile, and splitting k into blocks (`more`) changes nothing. */
#ifndef SAINT_BACKEND_CPU_GEMM_H
#define SAINT_BACKEND_CPU_GEMM_H

#include "backend/cpu/cpu.h"

enum {
    SAINT_GEMM_MAX_ROWS = 16,            /* rows of the tallest tile */
    SAINT_GEMM_MAX_COLS = 64,            /* columns of the widest panel */
    SAINT_GEMM_PANEL_BYTES = 256 * 1024, /* a packed panel stays in L2 beside the rows that stream past it */
    SAINT_GEMM_BLOCK_ROWS = 768,         /* rows that share one packing of a panel */
    SAINT_GEMM_SHARED_BYTES = 4 << 20,   /* all of x packed, for few rows: see the turned product in gemm.c */
    SAINT_GEMM_WIDE_K = 4096,            /* longest K block of an f32 kernel */
    SAINT_GEMM_DOT_ROWS = 4              /* rows of x that share one reading of the weights in `dot` */
};

/* A tile's way from sums to y: all pointers stand at the tile's first element; ld counts elements of residual, gate and y alike. */
typedef struct {
    const float *bias, *scale;
    const float *residual;
    const void *gate;
    void *y;
    int64_t ld;
    saint_act act;
    saint_dtype gate_type, ytype;
} saint_gemm_finish;

/* Packs `cols` rows of k weights of `type` (f32, f16, bf16; any alignment), rows `pitch` bytes apart. */
typedef void (*saint_gemm_pack_fn)(const void *w, size_t pitch, saint_dtype type, int cols, int64_t k, void *panel);

/* c[rows, panel columns] = (more ? c : 0) + x[rows, k] panel; x rows `pitch` bytes apart, c rows ldc floats apart.
 * ahead: what will be packed next is called into L2 while the sums go on, so that its latency hides. */
typedef struct {
    uintptr_t at;  /* a slice of one row of weights; any address will do, nothing is read */
    size_t stride; /* bytes of it per step */
    int64_t steps; /* steps per slice, at least 1; then comes the slice */
    size_t pitch;  /* that many bytes further */
} saint_gemm_ahead;
typedef void (*saint_gemm_tile_fn)(int rows, int64_t k, const void *x, size_t pitch, const void *panel, float *c, int64_t ldc, bool more,
                                   saint_gemm_ahead ahead);

/* The same for a number of rows that is known when compiling. */
typedef void (*saint_gemm_tile_rows_fn)(int64_t k, const void *x, size_t pitch, const void *panel, float *c, int64_t ldc, bool more,
                                        saint_gemm_ahead ahead);

/* One kind of arithmetic: f32, or bf16 in pairs. */
typedef struct {
    int rows, cols;     /* of a full tile */
    int step_k;         /* products that one step of a tile adds to each sum */
    int64_t block_k;    /* even; panel bytes are cols * block_k * element <= SAINT_GEMM_PANEL_BYTES */
    saint_dtype type;   /* of its elements */
    saint_gemm_pack_fn pack;
    saint_gemm_tile_fn tile;
} saint_gemm_kernel;

/* c[i, j] = sum_k x[i, k] w[j, k] for rows <= SAINT_GEMM_DOT_ROWS and any cols; both pitches in bytes */
typedef void (*saint_gemm_dot_fn)(int rows, int cols, int64_t k, const void *x, size_t xpitch, saint_dtype xtype, const void *w,
                                  size_t wpitch, saint_dtype wtype, float *c, int64_t ldc);

/* What a CPU with bf16 arithmetic adds to an f32 tier. */
typedef struct {
    const saint_gemm_kernel *kernel;
    saint_gemm_dot_fn dot;              /* x and w both bf16 */
    double (*peak)(int64_t count);
} saint_gemm_bf16;

typedef struct {
    const saint_gemm_kernel *f32;
    /* dst[rows, k] f32, rows k apart = bf16 x[rows, k], rows `pitch` bytes apart */
    void (*widen)(const void *x, size_t pitch, int rows, int64_t k, float *dst);
    void (*finish)(const saint_gemm_finish *f, float *c, int64_t ldc, int rows, int cols);
    saint_gemm_dot_fn dot; /* any of the types */
    /* Roof: `count` rounds of multiply-adds on registers only; returns the floating-point operations done. */
    double (*peak)(int64_t count);
    /* Reads n bytes (a multiple of 256) as fast as loads go; the sum keeps the compiler from dropping them. */
    uint64_t (*read)(const void *p, size_t n);
} saint_gemm_tier;

/* The f32 kernels of a tier (every tier has some), and its bf16 arithmetic or NULL: then x is widened and the f32 kernels run. */
const saint_gemm_tier *saint_gemm_tier_of(saint_cpu_tier t);
const saint_gemm_bf16 *saint_gemm_bf16_of(saint_cpu_tier t);

extern const saint_gemm_tier saint_gemm_generic;
#if defined(__x86_64__)
extern const saint_gemm_tier saint_gemm_avx2, saint_gemm_avx512;
extern const saint_gemm_bf16 saint_gemm_avx512bf16;
#endif

#endif
