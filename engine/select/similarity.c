/* similarity.c - unit rows and their products. */
#include <float.h>

#include "select/internal.h"

static double sum_of_squares(const float *x, int dim)
{
    /* Doubles: f32 squares would overflow for rows that f32 holds. Eight lanes so that the compiler can use vectors. */
    double lane[8] = {0}, tail = 0;
    int d = 0;
    for (; d + 8 <= dim; d += 8)
        for (int l = 0; l < 8; l++) lane[l] += (double)x[d + l] * (double)x[d + l];
    for (; d < dim; d++) tail += (double)x[d] * (double)x[d];
    return ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7])) + tail;
}

saint_status saint_unit_rows(const saint_select_in *in, float *unit, saint_error *err)
{
    if (!in->metric) return saint_fail(err, SAINT_INVALID, "this method compares the keys of the tokens, and no metric was given");
    for (int i = 0; i < in->n; i++) {
        const float *x = in->metric + (size_t)i * (size_t)in->dim;
        float *u = unit + (size_t)i * (size_t)in->dim;
        double norm = sqrt(sum_of_squares(x, in->dim));
        float norm32 = (float)norm;
        if (norm32 >= FLT_MIN && norm32 <= FLT_MAX) {
            for (int d = 0; d < in->dim; d++) u[d] = x[d] / norm32;
        } else if (norm > 0) {
            for (int d = 0; d < in->dim; d++) u[d] = (float)((double)x[d] / norm);
        } else {
            memset(u, 0, (size_t)in->dim * sizeof *u);
        }
    }
    return SAINT_OK;
}

size_t saint_similarity_scratch(void)
{
    return 64;
}

void saint_similarity(int m, int n, int dim, const float *a, int lda, const float *b, int ldb, float *c, int ldc, void *scratch)
{
    (void)scratch;
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            const float *x = a + (size_t)i * (size_t)lda, *y = b + (size_t)j * (size_t)ldb;
            float lane[8] = {0}, tail = 0;
            int d = 0;
            for (; d + 8 <= dim; d += 8)
                for (int l = 0; l < 8; l++) lane[l] += x[d + l] * y[d + l];
            for (; d < dim; d++) tail += x[d] * y[d];
            c[(size_t)i * (size_t)ldc + (size_t)j] =
                ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7])) + tail;
        }
}
