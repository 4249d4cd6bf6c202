/* LayerNorm and RMSNorm. Statistics are two-pass sums in sixteen f32 lanes folded in a fixed order: the same bits for any row
 * position, batch and thread count, on every tier. */
#include "backend/cpu/ops.h"

#include <math.h>

enum { ROWS = 16, LANES = 16, PIECE = 256 };

/* Sixteen lanes in four vectors that every x86-64 and every ARMv8 has; elements past the last sixteen go to their own lanes. */
typedef float v4 __attribute__((vector_size(16)));
typedef struct {
    v4 v[4];
} lanes;

static inline lanes load16(const float *x)
{
    lanes l;
    memcpy(&l, x, sizeof l);
    return l;
}

static float fold(const lanes *s)
{
    v4 a = (s->v[0] + s->v[1]) + (s->v[2] + s->v[3]);
    return (a[0] + a[1]) + (a[2] + a[3]);
}

static float sum_of(const float *x, int64_t d)
{
    lanes s = {0};
    int64_t i = 0;
    for (; i + LANES <= d; i += LANES) {
        lanes t = load16(x + i);
        for (int k = 0; k < 4; k++) s.v[k] += t.v[k];
    }
    for (int k = 0; i < d; i++, k++) s.v[k / 4][k % 4] += x[i];
    return fold(&s);
}

static float sum_of_squares(const float *x, int64_t d, float centre)
{
    lanes s = {0};
    int64_t i = 0;
    for (; i + LANES <= d; i += LANES) {
        lanes t = load16(x + i);
        for (int k = 0; k < 4; k++) {
            v4 c = t.v[k] - centre;
            s.v[k] += c * c;
        }
    }
    for (int k = 0; i < d; i++, k++) {
        float c = x[i] - centre;
        s.v[k / 4][k % 4] += c * c;
    }
    return fold(&s);
}

typedef struct {
    const float *x, *w, *bias; /* bias NULL: RMSNorm */
    int64_t rows, d;
    float eps;
    void *y;
    saint_dtype ytype;
} norm_args;

static void norm_row(const norm_args *a, int64_t row)
{
    const float *x = a->x + row * a->d;
    float mean = a->bias ? sum_of(x, a->d) / (float)a->d : 0.0f;
    float rstd = 1.0f / sqrtf(sum_of_squares(x, a->d, mean) / (float)a->d + a->eps);
    for (int64_t i = 0; i < a->d; i += PIECE) {
        float piece[PIECE];
        int64_t n = a->d - i < PIECE ? a->d - i : PIECE;
        float *y = a->ytype == SAINT_F32 ? (float *)a->y + row * a->d + i : piece;
        if (a->bias)
            for (int64_t j = 0; j < n; j++) y[j] = (x[i + j] - mean) * rstd * a->w[i + j] + a->bias[i + j];
        else
            for (int64_t j = 0; j < n; j++) y[j] = x[i + j] * rstd * a->w[i + j];
        if (a->ytype == SAINT_BF16) {
            uint16_t *h = (uint16_t *)a->y + row * a->d + i;
            for (int64_t j = 0; j < n; j++) h[j] = saint_f32_to_bf16(piece[j]);
        }
    }
}

static void norm_rows(void *ctx, int chunk, int worker)
{
    const norm_args *a = ctx;
    (void)worker;
    int64_t first = (int64_t)chunk * ROWS, end = first + ROWS < a->rows ? first + ROWS : a->rows;
    for (int64_t r = first; r < end; r++) norm_row(a, r);
}

static saint_status norm(saint_backend *b, const char *name, norm_args *a, saint_error *err)
{
    if (a->rows < 0 || a->d < 1)
        return saint_fail(err, SAINT_INVALID, "%s: expected rows >= 0 and width >= 1, found %lld x %lld", name, (long long)a->rows,
                          (long long)a->d);
    if (a->ytype != SAINT_F32 && a->ytype != SAINT_BF16)
        return saint_fail(err, SAINT_INVALID, "%s: expected output F32 or BF16, found %s", name, saint_dtype_name(a->ytype));
    saint_pool_run(b->pool, (int)((a->rows + ROWS - 1) / ROWS), norm_rows, a);
    return SAINT_OK;
}

saint_status saint_cpu_layernorm(saint_backend *b, const float *x, int64_t rows, int64_t d, const float *w, const float *bias, float eps,
                                 void *y, saint_dtype ytype, saint_error *err)
{
    if (!bias) return saint_fail(err, SAINT_INVALID, "layernorm: expected a bias, found none");
    return norm(b, "layernorm", &(norm_args){x, w, bias, rows, d, eps, y, ytype}, err);
}

saint_status saint_cpu_rmsnorm(saint_backend *b, const float *x, int64_t rows, int64_t d, const float *w, float eps, void *y,
                               saint_dtype ytype, saint_error *err)
{
    return norm(b, "rmsnorm", &(norm_args){x, w, NULL, rows, d, eps, y, ytype}, err);
}
