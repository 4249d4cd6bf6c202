/* linear_cuda.c - linear layers: which product cuBLASLt does, what is left for a kernel behind it, and products that share their input. */
#include <limits.h>

#include "backend/cuda/cuda.h"
#include "backend/cuda/kernels.h"

static saint_status check_linear(const saint_backend *b, const saint_linear_args *a, saint_error *err)
{
    const saint_matrix *w = &a->w;
    if (w->type != SAINT_F32 && w->type != SAINT_F16 && w->type != SAINT_BF16)
        return saint_fail(err, SAINT_UNSUPPORTED, "linear: weights of type F32, F16 or BF16 are expected, found %s",
                          saint_dtype_name(w->type));
    if (a->ytype != SAINT_F32 && a->ytype != b->compute)
        return saint_fail(err, SAINT_INVALID, "linear: output of type F32 or %s is expected, found %s", saint_dtype_name(b->compute),
                          saint_dtype_name(a->ytype));
    if (a->residual && (a->ytype != SAINT_F32 || a->gate))
        return saint_fail(err, SAINT_INVALID, "linear: a residual goes with an F32 output and without a gate");
    if (a->m < 0 || a->m > INT_MAX || w->rows < 0 || w->cols < 1 || (a->m > 1 && (a->ldx < w->cols || a->ldy < w->rows)))
        return saint_fail(err, SAINT_INVALID,
                          "linear: rows of at least %lld and %lld elements are expected, found ldx %lld and ldy %lld for %lld rows",
                          (long long)w->cols, (long long)w->rows, (long long)a->ldx, (long long)a->ldy, (long long)a->m);
    return SAINT_OK;
}

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

static saint_gemm_key key_of(const saint_backend *b, const saint_linear_args *a, const void *w, const void *bias, const void *y,
                             saint_dtype ytype, int64_t ldy, const void *residual)
{
    return (saint_gemm_key){.m = a->m,
                            .n = a->w.rows,
                            .k = a->w.cols,
                            .ldx = a->m > 1 ? a->ldx : a->w.cols,
                            .ldy = a->m > 1 ? ldy : a->w.rows,
                            .type = (int32_t)b->compute,
                            .ytype = (int32_t)ytype,
                            .bias = bias != NULL,
                            .residual = residual != NULL,
                            .align_x = saint_alignment_of(a->x),
                            .align_w = saint_alignment_of(w),
                            .align_y = residual ? least(saint_alignment_of(y), saint_alignment_of(residual)) : saint_alignment_of(y),
                            .align_bias = bias ? saint_alignment_of(bias) : 0};
}

static saint_cuda_epilogue_args epilogue_of(const saint_backend *b, const saint_linear_args *a, const float *scale)
{
    return (saint_cuda_epilogue_args){.m = a->m,
                                      .n = a->w.rows,
                                      .ld = a->m > 1 ? a->ldy : a->w.rows,
                                      .act = (int)a->act,
                                      .scale = scale,
                                      .residual = a->residual,
                                      .gate = a->gate,
                                      .ldgate = a->m > 1 ? a->ldy : a->w.rows,
                                      .gate_type = b->compute,
                                      .ytype = a->ytype,
                                      .y = a->y};
}

static saint_status finish(saint_cuda *c, const saint_cuda_epilogue_args *e, saint_error *err)
{
    return saint_cuda_check(c, saint_cuda_epilogue(e, c->stream), err, "epilogue of %lld x %lld", (long long)e->m, (long long)e->n);
}

/* What cuBLASLt adds by itself: a bias of the type of y, and a residual when nothing stands between. The rest is one more pass. */
static saint_status product(saint_cuda *c, const saint_linear_args *a, const void *w, const float *scale, saint_error *err)
{
    saint_status s;
    saint_backend *b = &c->base;
    saint_cuda_epilogue_args e = epilogue_of(b, a, scale);
    const void *bias;
    if (a->residual && (a->act || a->scale)) { /* y must stay what it is until the end: the sums go elsewhere */
        void *sums;
        if ((s = saint_cuda_vector(c, a->bias, a->w.rows, &e.bias, err)) != SAINT_OK) return s;
        if ((s = saint_cuda_scratch(c, "sums of a linear layer", (size_t)a->m * (size_t)a->w.rows * sizeof(float), &sums, err)) != SAINT_OK)
            return s;
        saint_gemm_key key = key_of(b, a, w, NULL, sums, SAINT_F32, a->w.rows, NULL);
        if ((s = saint_cuda_matmul(c, &key, a->x, w, NULL, NULL, sums, err)) != SAINT_OK) return s;
        e.from = sums;
        e.ldfrom = a->w.rows;
        return finish(c, &e, err);
    }
    if ((s = saint_cuda_resident(c, a->bias, (size_t)a->w.rows, SAINT_F32, a->ytype, &bias, err)) != SAINT_OK) return s;
    saint_gemm_key key = key_of(b, a, w, bias, a->y, a->ytype, a->ldy, a->residual);
    if ((s = saint_cuda_matmul(c, &key, a->x, w, bias, a->residual, a->y, err)) != SAINT_OK) return s;
    if (!a->act && !a->scale && !a->gate) return SAINT_OK;
    e.from = a->y;
    e.ldfrom = e.ld;
    return finish(c, &e, err);
}

static saint_status linear(saint_cuda *c, const saint_linear_args *a, bool rows, saint_error *err)
{
    saint_status s;
    saint_backend *b = &c->base;
    if ((s = check_linear(b, a, err)) != SAINT_OK) return s;
    if (a->m == 0 || a->w.rows == 0) return SAINT_OK;
    const void *w;
    const float *scale;
    if ((s = saint_cuda_resident(c, a->w.data, (size_t)(a->w.rows * a->w.cols), a->w.type, b->compute, &w, err)) != SAINT_OK) return s;
    if ((s = saint_cuda_vector(c, a->scale, a->w.rows, &scale, err)) != SAINT_OK) return s;
    if (!rows || a->m > SAINT_CUDA_ROWS_MOST) return product(c, a, w, scale, err);
    saint_cuda_rows_args r = {
        .epilogue = epilogue_of(b, a, scale), .x = a->x, .w = w, .ldx = a->m > 1 ? a->ldx : a->w.cols, .k = a->w.cols, .type = b->compute};
    if ((s = saint_cuda_vector(c, a->bias, a->w.rows, &r.epilogue.bias, err)) != SAINT_OK) return s;
    return saint_cuda_check(c, saint_cuda_linear_rows(&r, c->stream), err, "linear_rows of %lld x %lld x %lld", (long long)a->m,
                            (long long)a->w.rows, (long long)a->w.cols);
}

saint_status saint_cuda_linear(saint_backend *b, const saint_linear_args *a, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    if (s != SAINT_OK) return s;
    return linear(c, a, false, err);
}

saint_status saint_cuda_linear_few(saint_backend *b, const saint_linear_args *a, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    if (s != SAINT_OK) return s;
    return linear(c, a, true, err);
}

/* ---- products that share their input ---- */

static saint_status check_joined(const saint_joined_args *a, int64_t *rows, saint_error *err)
{
    *rows = 0;
    if (a->n < 1 || a->n > SAINT_JOINED || a->m < 0 || a->m > INT_MAX)
        return saint_fail(err, SAINT_INVALID, "linear_joined: expected 1 to %d weights, found %d for %lld rows", SAINT_JOINED, a->n, (long long)a->m);
    for (int i = 0; i < a->n; i++) {
        const saint_matrix *w = &a->w[i];
        if (w->type != SAINT_F32 && w->type != SAINT_F16 && w->type != SAINT_BF16)
            return saint_fail(err, SAINT_UNSUPPORTED, "linear_joined: weights of type F32, F16 or BF16 are expected, found %s", saint_dtype_name(w->type));
        if (w->cols != a->w[0].cols || w->cols < 1 || w->rows < 1)
            return saint_fail(err, SAINT_INVALID, "linear_joined: expected weights of %lld columns, found %lld x %lld", (long long)a->w[0].cols,
                              (long long)w->rows, (long long)w->cols);
        *rows += w->rows;
    }
    if (a->m > 1 && (a->ldx < a->w[0].cols || a->ldy < *rows))
        return saint_fail(err, SAINT_INVALID, "linear_joined: rows of at least %lld and %lld elements are expected, found ldx %lld and ldy %lld",
                          (long long)a->w[0].cols, (long long)*rows, (long long)a->ldx, (long long)a->ldy);
    return SAINT_OK;
}

/* The biases below one another in type `to`; *out NULL where there is none. A weight without one beside others with one has zeros. */
static saint_status joined_bias(saint_cuda *c, const saint_joined_args *a, saint_dtype to, const void **out, saint_error *err)
{
    saint_resident_part part[SAINT_JOINED];
    bool any = false;
    for (int i = 0; i < a->n; i++) {
        part[i] = (saint_resident_part){a->bias[i], (size_t)a->w[i].rows, SAINT_F32};
        any = any || a->bias[i];
    }
    *out = NULL;
    return any ? saint_cuda_resident_joined(c, part, a->n, to, out, err) : SAINT_OK;
}

saint_status saint_cuda_linear_joined(saint_backend *b, const saint_joined_args *a, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_resident_part part[SAINT_JOINED];
    int64_t rows;
    const void *w, *bias;
    saint_status s = saint_cuda_enter(c, err);
    if (s == SAINT_OK) s = check_joined(a, &rows, err);
    if (s != SAINT_OK || a->m == 0) return s;
    bool few = a->rows && a->m <= SAINT_CUDA_ROWS_MOST;
    for (int i = 0; i < a->n; i++) part[i] = (saint_resident_part){a->w[i].data, (size_t)(a->w[i].rows * a->w[i].cols), a->w[i].type};
    if ((s = saint_cuda_resident_joined(c, part, a->n, b->compute, &w, err)) != SAINT_OK) return s;
    if ((s = joined_bias(c, a, few ? SAINT_F32 : b->compute, &bias, err)) != SAINT_OK) return s;
    saint_linear_args l = {.m = a->m, .x = a->x, .ldx = a->ldx, .w = {NULL, b->compute, rows, a->w[0].cols}, .y = a->y, .ytype = b->compute, .ldy = a->ldy};
    if (!few) {
        saint_gemm_key key = key_of(b, &l, w, bias, a->y, b->compute, a->ldy, NULL);
        return saint_cuda_matmul(c, &key, a->x, w, bias, NULL, a->y, err);
    }
    saint_cuda_rows_args r = {.epilogue = epilogue_of(b, &l, NULL), .x = a->x, .w = w, .ldx = a->m > 1 ? a->ldx : l.w.cols, .k = l.w.cols, .type = b->compute};
    r.epilogue.bias = bias;
    return saint_cuda_check(c, saint_cuda_linear_rows(&r, c->stream), err, "linear_joined of %lld x %lld x %lld", (long long)a->m, (long long)rows,
                            (long long)l.w.cols);
}

saint_status saint_cuda_swiglu(saint_backend *b, const void *x, int64_t rows, int64_t n, void *y, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    if (s != SAINT_OK) return s;
    if (rows < 0 || rows > INT_MAX || n < 1)
        return saint_fail(err, SAINT_INVALID, "swiglu: expected rows >= 0 and width >= 1, found %lld x %lld", (long long)rows, (long long)n);
    if (!rows) return SAINT_OK;
    saint_cuda_epilogue_args e = {.m = rows, .n = n, .ld = n, .from = (const char *)x + (size_t)n * saint_compute_size(b), .ldfrom = 2 * n, .gate = x,
                                  .ldgate = 2 * n, .gate_type = b->compute, .ytype = b->compute, .y = y};
    return finish(c, &e, err);
}
