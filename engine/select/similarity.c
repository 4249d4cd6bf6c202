/* similarity.c - unit rows and their products. */
#include <float.h>

#include "backend/cpu/cpu.h"
#include "select/internal.h"
#include "select/stats.h"

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

int saint_non_finite_row(const float *x, int n, int dim)
{
    for (int i = 0; i < n; i++) {
        const float *row = x + (size_t)i * (size_t)dim;
        uint32_t bad = 0;
        for (int d = 0; d < dim; d++) {
            uint32_t u;
            memcpy(&u, row + d, sizeof u);
            bad |= (uint32_t)((u & 0x7f800000u) == 0x7f800000u);
        }
        if (bad) return i;
    }
    return -1;
}

int saint_unit_rows(const float *x, int n, int dim, float *unit)
{
    int zero_rows = 0;
    for (int i = 0; i < n; i++, x += dim, unit += dim) {
        double norm = sqrt(sum_of_squares(x, dim));
        float norm32 = (float)norm;
        if (norm32 >= FLT_MIN && norm32 <= FLT_MAX) {
            for (int d = 0; d < dim; d++) unit[d] = x[d] / norm32;
        } else if (norm > 0) { /* too small or too large for f32, but a direction all the same */
            for (int d = 0; d < dim; d++) unit[d] = (float)((double)x[d] / norm);
        } else {
            memset(unit, 0, (size_t)dim * sizeof *unit);
            zero_rows++;
        }
    }
    return zero_rows;
}

saint_status saint_unit_metric(const saint_select_in *in, float *unit, saint_error *err)
{
    if (!in->metric) return saint_fail(err, SAINT_INVALID, "this method compares the keys of the tokens, and no metric was given");
    saint_unit_rows(in->metric, in->n, in->dim, unit);
    return SAINT_OK;
}

saint_status saint_cosines_of(const float *metric, int n, int dim, int row, float *out, saint_error *err)
{
    saint_scratch s;
    size_t n_unit = (size_t)n * (size_t)dim;
    saint_status status =
        saint_scratch_open(&s, saint_scratch_bytes(n_unit, sizeof(float)) + saint_scratch_bytes(saint_similarity_scratch(), 1), err);
    if (status != SAINT_OK) return status;
    float *unit = saint_scratch_take(&s, n_unit, sizeof *unit);
    void *inner = saint_scratch_take(&s, saint_similarity_scratch(), 1);
    saint_unit_rows(metric, n, dim, unit);
    saint_similarity(1, n, dim, unit + (size_t)row * (size_t)dim, dim, unit, dim, out, n, inner);
    saint_scratch_close(&s);
    return SAINT_OK;
}

size_t saint_similarity_scratch(void)
{
    return saint_cpu_gemm_scratch_bytes();
}

void saint_similarity(int m, int n, int dim, const float *a, int lda, const float *b, int ldb, float *c, int ldc, void *scratch)
{
    saint_cpu_sgemm_nt(m, n, dim, a, lda, b, ldb, c, ldc, scratch);
}
