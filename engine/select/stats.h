/* stats.h - what the tokens of one layer look like to a similarity method: the numbers behind the layer chart. */
#ifndef SAINT_SELECT_STATS_H
#define SAINT_SELECT_STATS_H

#include "base/status.h"

/* All from the cosines of the rows of a metric. A zero row has cosine 0 to every row. */
typedef struct {
    int n, zero_rows;
    float mean_cosine;    /* over all pairs of different tokens; NaN for n < 2 */
    float share_above;    /* of those pairs, with cosine >= threshold; NaN for n < 2 */
    float share_degree_k; /* of the tokens, those with at least K partners at cosine >= threshold; NaN for n = 0 */
    float mean_degree;    /* partners at cosine >= threshold per token; NaN for n = 0 */
    float effective_rank; /* exp(entropy of the eigenvalues of the cosine matrix over their sum), 1..min(n, dim): 1 when all rows are
                           * parallel, n when they are orthogonal; not centred; 0 when there is no non-zero row */
} saint_layer_stats;

/* metric [n, dim] row-major, finite (else SAINT_INVALID naming the row), not normalised; threshold finite, K >= 0. One thread, one
 * allocation; about n^2 dim / 2 + n s^2 / 2 + 4 s^3 / 3 multiplications with s = min(n, dim). */
saint_status saint_layer_stats_of(const float *metric, int n, int dim, float sim_threshold, int K, saint_layer_stats *out,
                                  saint_error *err);

/* Cosines of row `row` to all n rows of a metric [n, dim], itself included, by the arithmetic of the methods: a product that reaches a
 * threshold here reaches it there. out [n]. */
saint_status saint_cosines_of(const float *metric, int n, int dim, int row, float *out, saint_error *err);

#endif
