/* plans.h - the cache of prepared matrix products: what a product is told by, and which prepared ones are kept. Plain C, no device.
 *
 * Preparing one costs some hundred microseconds, running one a few: pruning makes row counts come back, so the last few thousand are kept. */
#ifndef SAINT_BACKEND_CUDA_PLANS_H
#define SAINT_BACKEND_CUDA_PLANS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/status.h"

/* y[m, n] = x[m, k] w[n, k]^T (+ bias) (+ y) */
typedef struct {
    int64_t m, n, k, ldx, ldy;
    int32_t type, ytype;               /* of x and w; of y: saint_dtype */
    int32_t bias, residual;            /* 0 or 1 */
    int32_t align_x, align_w, align_y, align_bias; /* bytes, powers of two up to 256 */
} saint_gemm_key;

/* Largest power of two up to 256 that divides the address. */
int32_t saint_alignment_of(const void *p);

typedef struct saint_gemm_plans saint_gemm_plans;
/* drop releases what a plan holds. At most `most` plans. */
saint_status saint_gemm_plans_new(saint_gemm_plans **out, int most, void (*drop)(void *ctx, void *plan), void *ctx, saint_error *err);
void saint_gemm_plans_free(saint_gemm_plans *p); /* drops all; NULL is allowed */
void *saint_gemm_plans_find(saint_gemm_plans *p, const saint_gemm_key *key); /* NULL when there is none */
/* Takes the plan over, also when this fails. The one that was used least recently goes when there is no room; the key must be new. */
saint_status saint_gemm_plans_put(saint_gemm_plans *p, const saint_gemm_key *key, void *plan, saint_error *err);
int saint_gemm_plans_count(const saint_gemm_plans *p);

#endif
