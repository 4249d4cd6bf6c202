/* gemm_bench.h - our matrix products against the roofs of this machine and against a library, in turns. */
#ifndef SAINT_BACKEND_GEMM_BENCH_H
#define SAINT_BACKEND_GEMM_BENCH_H

#include <cjson/cJSON.h>

#include "base/status.h"

/* A library to compare with: y[m, n] = x[m, k] w[n, k]^T, f32, row-major and dense, on as many threads as the bench uses. */
typedef struct {
    const char *name, *config;
    void (*linear)(void *ctx, int m, int n, int k, const float *x, const float *w, float *y);
    void *ctx;
} saint_gemm_peer;

/* Measures on `threads` threads (0 = all), at least seconds_per_row for every row; needs about 0.6 GB. All rows of a shape and its
 * roofs take turns, so drift hits them alike; weights are read from a ring larger than the caches, as in a network. peer may be NULL.
 *
 * Returns an object that the caller deletes, or NULL with err filled:
 *   {suite, threads, tier, blas, read_gbs, rows: [{m, n, k, kernel, tier, compute, weights, seconds: {median, min, max}, rounds,
 *    gflops, roof_gflops, of_roof, [gbs, of_read]}]}
 * roof_gflops is what the same threads do with multiply-adds on registers, same tier and type; of_read (rows with m = 1) compares with reading memory. */
cJSON *saint_gemm_bench(int threads, double seconds_per_row, const saint_gemm_peer *peer, saint_error *err);

#endif
