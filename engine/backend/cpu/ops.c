/* The CPU backend's operations on rows. Chunks have a fixed number of rows, so results do not depend on the threads. */
#include "backend/cpu/ops.h"

#include <math.h>

enum { ROWS = 16, ELEMENTS = 1 << 14 };

static int chunks_of(int64_t n, int64_t size) { return (int)((n + size - 1) / size); }

static int64_t chunk_end(int chunk, int64_t size, int64_t n)
{
    int64_t end = ((int64_t)chunk + 1) * size;
    return end < n ? end : n;
}

static saint_status check_rows(const char *op, int64_t rows, saint_error *err)
{
    if (rows < 0) return saint_fail(err, SAINT_INVALID, "%s: expected a number of rows >= 0, found %lld", op, (long long)rows);
    return SAINT_OK;
}

static saint_status check_heads(const char *op, int n_heads, int head_dim, int64_t ldx, saint_error *err)
{
    if (n_heads < 1 || head_dim < 1 || ldx < (int64_t)n_heads * head_dim)
        return saint_fail(err, SAINT_INVALID, "%s: expected at least one head in rows of %lld elements, found %d heads of %d", op,
                          (long long)ldx, n_heads, head_dim);
    return SAINT_OK;
}

/* ---- patchify ---- */

typedef struct {
    const float *chw;
    int side_h, side_w, patch, gw;
    void *out;
    saint_dtype type;
} patchify_args;

static void patchify_row(void *ctx, int gy, int worker)
{
    const patchify_args *a = ctx;
    (void)worker;
    int p = a->patch;
    size_t at = (size_t)gy * (size_t)a->gw * 3 * (size_t)p * (size_t)p;
    for (int gx = 0; gx < a->gw; gx++)
        for (int c = 0; c < 3; c++)
            for (int y = 0; y < p; y++, at += (size_t)p) {
                size_t line = (size_t)c * (size_t)a->side_h + (size_t)gy * (size_t)p + (size_t)y;
                const float *x = a->chw + line * (size_t)a->side_w + (size_t)gx * (size_t)p;
                if (a->type == SAINT_F32) memcpy((float *)a->out + at, x, (size_t)p * sizeof *x);
                else
                    for (int i = 0; i < p; i++) ((uint16_t *)a->out)[at + (size_t)i] = saint_f32_to_bf16(x[i]);
            }
}

/* Pixels beyond the last whole patch are left out, as by a convolution without padding. */
saint_status saint_cpu_patchify(saint_backend *b, const float *chw, int side_h, int side_w, int patch, void *out, saint_error *err)
{
    if (patch < 1 || side_h < patch || side_w < patch)
        return saint_fail(err, SAINT_INVALID, "patchify: expected a picture of at least one patch, found %d x %d with patch %d", side_h,
                          side_w, patch);
    patchify_args a = {chw, side_h, side_w, patch, side_w / patch, out, b->compute};
    saint_pool_run(b->pool, side_h / patch, patchify_row, &a);
    return SAINT_OK;
}

/* ---- embed, gather ---- */

typedef struct {
    const saint_matrix *table;
    const int32_t *ids;
    int64_t n;
    float *y;
} embed_args;

static void embed_rows(void *ctx, int chunk, int worker)
{
    const embed_args *a = ctx;
    (void)worker;
    size_t cols = (size_t)a->table->cols, bytes = cols * saint_dtype_size(a->table->type);
    for (int64_t i = (int64_t)chunk * ROWS; i < chunk_end(chunk, ROWS, a->n); i++)
        saint_to_f32(a->y + (size_t)i * cols, (const char *)a->table->data + (size_t)a->ids[i] * bytes, a->table->type, cols);
}

saint_status saint_cpu_embed(saint_backend *b, const saint_matrix *table, const int32_t *ids, int64_t n, float *y, saint_error *err)
{
    saint_status s = check_rows("embed", n, err);
    if (s != SAINT_OK) return s;
    if (table->type != SAINT_F32 && table->type != SAINT_F16 && table->type != SAINT_BF16)
        return saint_fail(err, SAINT_UNSUPPORTED, "embed: expected a table of F32, F16 or BF16, found %s", saint_dtype_name(table->type));
    for (int64_t i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= table->rows)
            return saint_fail(err, SAINT_INVALID, "embed: expected ids in 0..%lld, found %d at place %lld", (long long)table->rows - 1,
                              ids[i], (long long)i);
    saint_pool_run(b->pool, chunks_of(n, ROWS), embed_rows, &(embed_args){table, ids, n, y});
    return SAINT_OK;
}

typedef struct {
    const char *src;
    const int32_t *idx;
    int64_t n;
    size_t bytes;
    char *dst;
} gather_args;

static void gather_rows(void *ctx, int chunk, int worker)
{
    const gather_args *a = ctx;
    (void)worker;
    for (int64_t i = (int64_t)chunk * ROWS; i < chunk_end(chunk, ROWS, a->n); i++)
        memcpy(a->dst + (size_t)i * a->bytes, a->src + (size_t)a->idx[i] * a->bytes, a->bytes);
}

saint_status saint_cpu_gather(saint_backend *b, const void *src, const int32_t *idx, int64_t n, size_t row_bytes, void *dst,
                              saint_error *err)
{
    saint_status s = check_rows("gather", n, err);
    if (s != SAINT_OK) return s;
    for (int64_t i = 0; i < n; i++)
        if (idx[i] < 0)
            return saint_fail(err, SAINT_INVALID, "gather: expected indices >= 0, found %d at place %lld", idx[i], (long long)i);
    saint_pool_run(b->pool, chunks_of(n, ROWS), gather_rows, &(gather_args){src, idx, n, row_bytes, dst});
    return SAINT_OK;
}

/* ---- element by element ---- */

typedef struct {
    float *x;
    const float *from;
    uint16_t *half;
    size_t n;
} element_args;

static void narrow_elements(void *ctx, int chunk, int worker)
{
    const element_args *a = ctx;
    (void)worker;
    size_t i = (size_t)chunk * ELEMENTS, end = (size_t)chunk_end(chunk, ELEMENTS, (int64_t)a->n);
    if (a->x) memcpy(a->x + i, a->from + i, (end - i) * sizeof *a->x);
    else
        for (; i < end; i++) a->half[i] = saint_f32_to_bf16(a->from[i]);
}

saint_status saint_cpu_narrow(saint_backend *b, const float *x, size_t n, void *y, saint_error *err)
{
    (void)err;
    bool f32 = b->compute == SAINT_F32;
    saint_pool_run(b->pool, chunks_of((int64_t)n, ELEMENTS), narrow_elements, &(element_args){f32 ? y : NULL, x, f32 ? NULL : y, n});
    return SAINT_OK;
}

/* ---- positions, pooling ---- */

typedef struct {
    float *x;
    int each, prefix;
    size_t d;
    const float *pos, *cls;
} position_args;

static void position_picture(void *ctx, int picture, int worker)
{
    const position_args *a = ctx;
    (void)worker;
    float *x = a->x + (size_t)picture * (size_t)a->each * a->d;
    memcpy(x, a->pos, (size_t)a->each * a->d * sizeof *x);
    for (size_t i = 0; i < (size_t)a->prefix * a->d; i++) x[i] += a->cls[i];
}

saint_status saint_cpu_positions(saint_backend *b, float *x, int n, int each, int prefix, int64_t d, const float *pos, const float *cls,
                                 saint_error *err)
{
    if (n < 0 || prefix < 0 || each < prefix || d < 1)
        return saint_fail(err, SAINT_INVALID, "positions: expected pictures of at least their %d prefix rows, found %d of %d rows", prefix, n, each);
    saint_pool_run(b->pool, n, position_picture, &(position_args){x, each, prefix, (size_t)d, pos, cls});
    return SAINT_OK;
}

typedef struct {
    const float *x, *size;
    const int32_t *cu;
    int skip;
    int64_t d;
    float *y;
} pool_args;

static void pool_sequence(void *ctx, int seq, int worker)
{
    const pool_args *a = ctx;
    (void)worker;
    float *y = a->y + seq * a->d, weight = 0;
    for (int64_t c = 0; c < a->d; c++) y[c] = 0;
    for (int64_t i = (int64_t)a->cu[seq] + a->skip; i < a->cu[seq + 1]; i++) {
        const float *row = a->x + i * a->d;
        for (int64_t c = 0; c < a->d; c++) y[c] += a->size[i] * row[c];
        weight += a->size[i];
    }
    for (int64_t c = 0; c < a->d; c++) y[c] /= weight > 0 ? weight : 1;
}

saint_status saint_cpu_pool_rows(saint_backend *b, const float *x, int64_t d, int n_seqs, const int32_t *cu, int skip, const float *size,
                                 float *y, saint_error *err)
{
    if (n_seqs < 0 || skip < 0 || d < 1)
        return saint_fail(err, SAINT_INVALID, "pool_rows: expected sequences >= 0, skip >= 0 and width >= 1, found %d, %d and %lld", n_seqs, skip,
                          (long long)d);
    saint_pool_run(b->pool, n_seqs, pool_sequence, &(pool_args){x, size, cu, skip, d, y});
    return SAINT_OK;
}

/* ---- rope, mean over heads ---- */

typedef struct {
    saint_cpu *cpu;
    void *x;
    int64_t rows, ldx;
    int n_heads, head_dim;
    const int32_t *pos;
    const float *inv_freq;
} rope_args;

static void rotate_f32(float *restrict x, float *restrict y, const float *restrict cosine, const float *restrict sine, int half)
{
    for (int i = 0; i < half; i++) {
        float lo = x[i], hi = y[i];
        x[i] = lo * cosine[i] - hi * sine[i];
        y[i] = hi * cosine[i] + lo * sine[i];
    }
}

static void rotate_bf16(uint16_t *restrict x, uint16_t *restrict y, const float *restrict cosine, const float *restrict sine, int half)
{
    for (int i = 0; i < half; i++) {
        float lo = saint_bf16_to_f32(x[i]), hi = saint_bf16_to_f32(y[i]);
        x[i] = saint_f32_to_bf16(lo * cosine[i] - hi * sine[i]);
        y[i] = saint_f32_to_bf16(hi * cosine[i] + lo * sine[i]);
    }
}

static void rope_rows(void *ctx, int chunk, int worker)
{
    const rope_args *a = ctx;
    int half = a->head_dim / 2;
    float *cosine = a->cpu->scratch[worker], *sine = cosine + half;
    for (int64_t r = (int64_t)chunk * ROWS; r < chunk_end(chunk, ROWS, a->rows); r++) {
        for (int i = 0; i < half; i++) {
            float angle = (float)a->pos[r] * a->inv_freq[i]; /* rounded to f32 before the cosine, as transformers does */
            cosine[i] = cosf(angle);
            sine[i] = sinf(angle);
        }
        for (int h = 0; h < a->n_heads; h++) {
            int64_t at = r * a->ldx + (int64_t)h * a->head_dim;
            if (a->cpu->base.compute == SAINT_F32) rotate_f32((float *)a->x + at, (float *)a->x + at + half, cosine, sine, half);
            else rotate_bf16((uint16_t *)a->x + at, (uint16_t *)a->x + at + half, cosine, sine, half);
        }
    }
}

saint_status saint_cpu_rope(saint_backend *b, void *x, int64_t rows, int64_t ldx, int n_heads, int head_dim, const int32_t *pos,
                            const float *inv_freq, saint_error *err)
{
    saint_cpu *cpu = (saint_cpu *)b;
    saint_status s = check_rows("rope", rows, err);
    if (s == SAINT_OK) s = check_heads("rope", n_heads, head_dim, ldx, err);
    if (s != SAINT_OK) return s;
    if (head_dim % 2 || (size_t)head_dim * sizeof(float) > cpu->scratch_bytes)
        return saint_fail(err, SAINT_UNSUPPORTED, "rope: expected an even head_dim up to %zu, found %d", cpu->scratch_bytes / sizeof(float),
                          head_dim);
    rope_args a = {cpu, x, rows, ldx, n_heads, head_dim, pos, inv_freq};
    saint_pool_run(b->pool, chunks_of(rows, ROWS), rope_rows, &a);
    return SAINT_OK;
}

typedef struct {
    const void *x;
    saint_dtype type;
    int64_t rows, ldx;
    int n_heads, head_dim;
    float *out;
} mean_args;

static void mean_rows(void *ctx, int chunk, int worker)
{
    const mean_args *a = ctx;
    (void)worker;
    for (int64_t r = (int64_t)chunk * ROWS; r < chunk_end(chunk, ROWS, a->rows); r++) {
        float *out = a->out + r * a->head_dim;
        for (int c = 0; c < a->head_dim; c++) out[c] = 0.0f;
        for (int h = 0; h < a->n_heads; h++) {
            int64_t at = r * a->ldx + (int64_t)h * a->head_dim;
            if (a->type == SAINT_F32)
                for (int c = 0; c < a->head_dim; c++) out[c] += ((const float *)a->x)[at + c];
            else
                for (int c = 0; c < a->head_dim; c++) out[c] += saint_bf16_to_f32(((const uint16_t *)a->x)[at + c]);
        }
        for (int c = 0; c < a->head_dim; c++) out[c] /= (float)a->n_heads; /* a division, not * (1 / n): selection reads these bits */
    }
}

saint_status saint_cpu_mean_heads(saint_backend *b, const void *x, int64_t rows, int64_t ldx, int n_heads, int head_dim, float *out,
                                  saint_error *err)
{
    saint_status s = check_rows("mean_heads", rows, err);
    if (s == SAINT_OK) s = check_heads("mean_heads", n_heads, head_dim, ldx, err);
    if (s != SAINT_OK) return s;
    mean_args a = {x, b->compute, rows, ldx, n_heads, head_dim, out};
    saint_pool_run(b->pool, chunks_of(rows, ROWS), mean_rows, &a);
    return SAINT_OK;
}
