/* decode_cuda.c - backend/fused.h on CUDA: checks, weights, and the launches of decode.cu. */
#include <limits.h>

#include "backend/cuda/cuda.h"
#include "backend/cuda/kernels.h"

static saint_status check_qkv(const char *op, const saint_qkv *a, int64_t rows, saint_error *err)
{
    if (a->n_heads < 1 || a->n_kv_heads < 1 || a->n_heads % a->n_kv_heads)
        return saint_fail(err, SAINT_INVALID, "%s: expected heads to be a multiple of key heads, found %d and %d", op, a->n_heads, a->n_kv_heads);
    if (a->head_dim < 2 || a->head_dim % 2 || a->head_dim > SAINT_CUDA_ATTENTION_HEAD_DIM)
        return saint_fail(err, SAINT_UNSUPPORTED, "%s: expected an even head_dim from 2 to %d, found %d", op, SAINT_CUDA_ATTENTION_HEAD_DIM, a->head_dim);
    if (rows < 0 || rows > INT_MAX || (rows > 1 && a->ld < (int64_t)(a->n_heads + 2 * a->n_kv_heads) * a->head_dim))
        return saint_fail(err, SAINT_INVALID, "%s: expected rows of at least %d heads, found %lld rows %lld elements apart", op,
                          a->n_heads + 2 * a->n_kv_heads, (long long)rows, (long long)a->ld);
    return SAINT_OK;
}

static saint_cuda_rope_store_args rope_args(const saint_backend *b, const saint_qkv *a, int64_t rows, const float *inv_freq)
{
    return (saint_cuda_rope_store_args){.qkv = a->qkv, .type = b->compute, .rows = rows, .ld = a->ld, .n_heads = a->n_heads,
                                        .n_kv_heads = a->n_kv_heads, .head_dim = a->head_dim, .inv_freq = inv_freq};
}

static saint_status cuda_rope_store(saint_backend *b, const saint_qkv *a, int64_t rows, const int32_t *pos, void *k, void *v, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    const void *positions;
    if (s == SAINT_OK) s = check_qkv("rope_store", a, rows, err);
    if (s != SAINT_OK || !rows) return s;
    if ((s = saint_cuda_argument(c, pos, (size_t)rows * sizeof *pos, &positions, err)) != SAINT_OK) return s;
    return saint_cuda_rope_store_here(b, a, rows, positions, k, v, err);
}

saint_status saint_cuda_rope_store_here(saint_backend *b, const saint_qkv *a, int64_t rows, const int32_t *pos, void *k, void *v, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    const float *inv_freq;
    if (s == SAINT_OK) s = check_qkv("rope_store", a, rows, err);
    if (s != SAINT_OK || !rows) return s;
    if ((s = saint_cuda_vector(c, a->inv_freq, a->head_dim / 2, &inv_freq, err)) != SAINT_OK) return s;
    saint_cuda_rope_store_args r = rope_args(b, a, rows, inv_freq);
    r.pos = pos;
    r.k = k;
    r.v = v;
    return saint_cuda_check(c, saint_cuda_rope_store(&r, c->stream), err, "rope_store of %lld rows", (long long)rows);
}

static saint_status cuda_rope_append(saint_backend *b, const saint_qkv *a, const saint_decode_layer *layer, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    const float *inv_freq;
    if (s == SAINT_OK) s = check_qkv("rope_append", a, 1, err);
    if (s == SAINT_OK) s = saint_cuda_vector(c, a->inv_freq, a->head_dim / 2, &inv_freq, err);
    if (s != SAINT_OK) return s;
    saint_cuda_rope_store_args r = rope_args(b, a, 1, inv_freq);
    r.layer = layer;
    return saint_cuda_check(c, saint_cuda_rope_store(&r, c->stream), err, "rope_append of %d heads of %d", a->n_heads + 2 * a->n_kv_heads, a->head_dim);
}

static saint_status cuda_attention_one(saint_backend *b, const saint_qkv *a, const saint_decode_layer *layer, float scale, int most, float *partial,
                                       void *out, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    if (s == SAINT_OK) s = check_qkv("attention_one", a, 1, err);
    if (s != SAINT_OK) return s;
    saint_cuda_one_args d = {.q = a->qkv, .layer = layer, .out = out, .type = b->compute, .n_heads = a->n_heads, .n_kv_heads = a->n_kv_heads,
                             .head_dim = a->head_dim, .splits = saint_decode_bucket(most), .scale = scale, .partial = partial};
    return saint_cuda_check(c, saint_cuda_attention_one(&d, c->stream), err, "attention_one of at most %d keys, %d heads of %d", most, a->n_heads,
                            a->head_dim);
}

/* The whole table goes to the device: the host does not know which row is read. */
static saint_status cuda_embed_token(saint_backend *b, const saint_matrix *table, const int32_t *token, float *x, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    const void *device;
    if (s != SAINT_OK) return s;
    if (table->type != SAINT_F32 && table->type != SAINT_F16 && table->type != SAINT_BF16)
        return saint_fail(err, SAINT_UNSUPPORTED, "embed_token: expected a table of F32, F16 or BF16, found %s", saint_dtype_name(table->type));
    if ((s = saint_cuda_resident(c, table->data, (size_t)(table->rows * table->cols), table->type, table->type, &device, err)) != SAINT_OK) return s;
    return saint_cuda_check(c, saint_cuda_embed_token(device, table->type, token, table->cols, x, c->stream), err, "embed_token of %lld columns",
                            (long long)table->cols);
}

static saint_status cuda_take_best(saint_backend *b, const float *logits, int n, int32_t *token, saint_decode_layer *layers, int n_layers, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    if (s != SAINT_OK) return s;
    if (n < 1 || n_layers < 0) return saint_fail(err, SAINT_INVALID, "take_best: expected at least one logit, found %d", n);
    return saint_cuda_check(c, saint_cuda_take_best(logits, n, token, layers, n_layers, c->stream), err, "take_best of %d logits", n);
}

const saint_fused_ops saint_cuda_fused = {
    .linear_joined = saint_cuda_linear_joined,
    .swiglu = saint_cuda_swiglu,
    .rope_store = cuda_rope_store,
    .embed_token = cuda_embed_token,
    .rope_append = cuda_rope_append,
    .attention_one = cuda_attention_one,
    .take_best = cuda_take_best,
    .record = saint_cuda_record,
    .recorded = saint_cuda_recorded,
    .recording_valid = saint_cuda_recording_valid,
    .replay = saint_cuda_replay,
    .forget = saint_cuda_forget,
};
