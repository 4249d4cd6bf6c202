/* ops_cuda.c - the table: each operation checks its arguments, brings host arguments to the device, and queues kernels. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cuda/cuda.h"
#include "backend/cuda/kernels.h"

static saint_status check_rows(const char *op, int64_t rows, saint_error *err)
{
    if (rows < 0 || rows > INT_MAX)
        return saint_fail(err, SAINT_INVALID, "%s: expected a number of rows from 0 to %d, found %lld", op, INT_MAX, (long long)rows);
    return SAINT_OK;
}

static saint_status check_heads(const char *op, int n_heads, int head_dim, int64_t ldx, saint_error *err)
{
    if (n_heads < 1 || head_dim < 1 || ldx < (int64_t)n_heads * head_dim)
        return saint_fail(err, SAINT_INVALID, "%s: expected at least one head in rows of %lld elements, found %d heads of %d", op,
                          (long long)ldx, n_heads, head_dim);
    return SAINT_OK;
}

/* ---- memory ---- */

static saint_status cuda_upload(saint_backend *b, void *dst, const void *host, size_t bytes, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    if (s != SAINT_OK) return s;
    return saint_cuda_upload(c, dst, host, bytes, err);
}

static saint_status cuda_download(saint_backend *b, void *host, const void *src, size_t bytes, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    if (s != SAINT_OK) return s;
    return saint_cuda_download(c, host, src, bytes, err);
}

static saint_status cuda_copy(saint_backend *b, void *dst, const void *src, size_t bytes, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    if (s != SAINT_OK) return s;
    if (!bytes) return SAINT_OK;
    return saint_cuda_check(c, cudaMemcpyAsync(dst, src, bytes, cudaMemcpyDeviceToDevice, c->stream), err, "copy of %zu bytes", bytes);
}

/* Data of any size for one operation: small ones through the ring, large ones into scratch. */
static saint_status operand(saint_cuda *c, const char *what, const void *host, size_t bytes, const void **out, saint_error *err)
{
    saint_status s;
    if (bytes <= SAINT_CUDA_RING_BYTES / 16) return saint_cuda_argument(c, host, bytes, out, err);
    void *p;
    if ((s = saint_cuda_scratch(c, what, bytes, &p, err)) != SAINT_OK) return s;
    *out = p;
    return saint_cuda_upload(c, p, host, bytes, err);
}

/* ---- rows ---- */

static saint_status norm(saint_cuda *c, const char *name, const float *x, int64_t rows, int64_t d, const float *w, const float *bias,
                         float eps, void *y, saint_dtype ytype, saint_error *err)
{
    saint_status s;
    if ((s = check_rows(name, rows, err)) != SAINT_OK) return s;
    if (d < 1 || d > INT_MAX) return saint_fail(err, SAINT_INVALID, "%s: expected width >= 1, found %lld", name, (long long)d);
    if (ytype != SAINT_F32 && ytype != SAINT_F16 && ytype != SAINT_BF16)
        return saint_fail(err, SAINT_INVALID, "%s: expected output F32, F16 or BF16, found %s", name, saint_dtype_name(ytype));
    if (!rows) return SAINT_OK;
    if ((s = saint_cuda_vector(c, w, d, &w, err)) != SAINT_OK) return s;
    if ((s = saint_cuda_vector(c, bias, d, &bias, err)) != SAINT_OK) return s;
    return saint_cuda_check(c, saint_cuda_norm(x, rows, d, w, bias, eps, y, ytype, c->stream), err, "%s of %lld x %lld", name,
                            (long long)rows, (long long)d);
}

static saint_status cuda_layernorm(saint_backend *b, const float *x, int64_t rows, int64_t d, const float *w, const float *bias, float eps,
                                   void *y, saint_dtype ytype, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    if (s != SAINT_OK) return s;
    if (!bias) return saint_fail(err, SAINT_INVALID, "layernorm: expected a bias, found none");
    return norm(c, "layernorm", x, rows, d, w, bias, eps, y, ytype, err);
}

static saint_status cuda_rmsnorm(saint_backend *b, const float *x, int64_t rows, int64_t d, const float *w, float eps, void *y,
                                 saint_dtype ytype, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    if (s != SAINT_OK) return s;
    return norm(c, "rmsnorm", x, rows, d, w, NULL, eps, y, ytype, err);
}

static saint_status cuda_patchify(saint_backend *b, const float *chw, int side_h, int side_w, int patch, void *out, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    if (s != SAINT_OK) return s;
    if (patch < 1 || side_h < patch || side_w < patch)
        return saint_fail(err, SAINT_INVALID, "patchify: expected a picture of at least one patch, found %d x %d with patch %d", side_h,
                          side_w, patch);
    const void *pixels;
    if ((s = operand(c, "pixels", chw, 3 * (size_t)side_h * (size_t)side_w * sizeof *chw, &pixels, err)) != SAINT_OK) return s;
    return saint_cuda_check(c, saint_cuda_patchify(pixels, side_h, side_w, patch, out, b->compute, c->stream), err, "patchify of %d x %d",
                            side_h, side_w);
}

/* The rows are collected on the host: a table is larger than all that is ever read of it. */
static saint_status cuda_embed(saint_backend *b, const saint_matrix *table, const int32_t *ids, int64_t n, float *y, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    if (s != SAINT_OK) return s;
    if ((s = check_rows("embed", n, err)) != SAINT_OK) return s;
    if (table->type != SAINT_F32 && table->type != SAINT_F16 && table->type != SAINT_BF16)
        return saint_fail(err, SAINT_UNSUPPORTED, "embed: expected a table of F32, F16 or BF16, found %s", saint_dtype_name(table->type));
    for (int64_t i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= table->rows)
            return saint_fail(err, SAINT_INVALID, "embed: expected ids in 0..%lld, found %d at place %lld", (long long)table->rows - 1,
                              ids[i], (long long)i);
    if (!n) return SAINT_OK;
    size_t row = (size_t)table->cols * saint_dtype_size(table->type), count = (size_t)n * (size_t)table->cols;
    char *rows = malloc((size_t)n * row);
    if (!rows) return saint_fail(err, SAINT_MEMORY, "embed: %zu bytes could not be allocated", (size_t)n * row);
    for (int64_t i = 0; i < n; i++) memcpy(rows + (size_t)i * row, (const char *)table->data + (size_t)ids[i] * row, row);
    const void *device;
    s = operand(c, "embeddings", rows, (size_t)n * row, &device, err);
    if (s == SAINT_OK)
        s = saint_cuda_check(c, saint_cuda_convert(device, table->type, y, SAINT_F32, count, c->stream), err, "embed of %lld rows",
                             (long long)n);
    free(rows);
    return s;
}

static saint_status cuda_positions(saint_backend *b, float *x, int n, int each, int prefix, int64_t d, const float *pos, const float *cls,
                                   saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    if (s != SAINT_OK) return s;
    if (n < 0 || prefix < 0 || each < prefix || d < 1)
        return saint_fail(err, SAINT_INVALID, "positions: expected pictures of at least their %d prefix rows, found %d of %d rows", prefix,
                          n, each);
    if (!n || !each) return SAINT_OK;
    if ((s = saint_cuda_vector(c, pos, each * d, &pos, err)) != SAINT_OK) return s;
    if ((s = saint_cuda_vector(c, prefix ? cls : NULL, prefix * d, &cls, err)) != SAINT_OK) return s;
    return saint_cuda_check(c, saint_cuda_positions(x, n, each, prefix, d, pos, cls, c->stream), err, "positions of %d x %d rows", n, each);
}

static saint_status cuda_pool_rows(saint_backend *b, const float *x, int64_t d, int n_seqs, const int32_t *cu, int skip, const float *size,
                                   float *y, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    if (s != SAINT_OK) return s;
    if (n_seqs < 0 || n_seqs > 65535 || skip < 0 || d < 1)
        return saint_fail(err, SAINT_INVALID, "pool_rows: expected sequences >= 0, skip >= 0 and width >= 1, found %d, %d and %lld", n_seqs,
                          skip, (long long)d);
    if (!n_seqs) return SAINT_OK;
    const void *bounds, *sizes;
    if ((s = saint_cuda_argument(c, cu, ((size_t)n_seqs + 1) * sizeof *cu, &bounds, err)) != SAINT_OK) return s;
    if ((s = saint_cuda_argument(c, size, (size_t)cu[n_seqs] * sizeof *size, &sizes, err)) != SAINT_OK) return s;
    return saint_cuda_check(c, saint_cuda_pool_rows(x, d, n_seqs, bounds, skip, sizes, y, c->stream), err, "pool_rows of %d sequences",
                            n_seqs);
}

static saint_status cuda_gather(saint_backend *b, const void *src, const int32_t *idx, int64_t n, size_t row_bytes, void *dst,
                                saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    if (s != SAINT_OK) return s;
    if ((s = check_rows("gather", n, err)) != SAINT_OK) return s;
    for (int64_t i = 0; i < n; i++)
        if (idx[i] < 0)
            return saint_fail(err, SAINT_INVALID, "gather: expected indices >= 0, found %d at place %lld", idx[i], (long long)i);
    if (!n || !row_bytes) return SAINT_OK;
    const void *list;
    if ((s = saint_cuda_argument(c, idx, (size_t)n * sizeof *idx, &list, err)) != SAINT_OK) return s;
    return saint_cuda_check(c, saint_cuda_gather(src, list, n, row_bytes, dst, c->stream), err, "gather of %lld rows", (long long)n);
}

static saint_status cuda_narrow(saint_backend *b, const float *x, size_t n, void *y, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    if (s != SAINT_OK) return s;
    if (!n) return SAINT_OK;
    return saint_cuda_check(c, saint_cuda_convert(x, SAINT_F32, y, b->compute, n, c->stream), err, "narrow of %zu", n);
}

static saint_status cuda_rope(saint_backend *b, void *x, int64_t rows, int64_t ldx, int n_heads, int head_dim, const int32_t *pos,
                              const float *inv_freq, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    if (s != SAINT_OK) return s;
    if ((s = check_rows("rope", rows, err)) != SAINT_OK) return s;
    if ((s = check_heads("rope", n_heads, head_dim, ldx, err)) != SAINT_OK) return s;
    if (head_dim % 2) return saint_fail(err, SAINT_UNSUPPORTED, "rope: expected an even head_dim, found %d", head_dim);
    if (!rows) return SAINT_OK;
    const void *positions;
    if ((s = saint_cuda_vector(c, inv_freq, head_dim / 2, &inv_freq, err)) != SAINT_OK) return s;
    if ((s = saint_cuda_argument(c, pos, (size_t)rows * sizeof *pos, &positions, err)) != SAINT_OK) return s;
    return saint_cuda_check(c, saint_cuda_rope(x, b->compute, rows, ldx, n_heads, head_dim, positions, inv_freq, c->stream), err,
                            "rope of %lld rows", (long long)rows);
}

saint_status saint_cuda_mean_heads_here(saint_backend *b, const void *x, int64_t rows, int64_t ldx, int n_heads, int head_dim, float *out,
                                        saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    if (s != SAINT_OK) return s;
    if ((s = check_rows("mean_heads", rows, err)) != SAINT_OK) return s;
    if ((s = check_heads("mean_heads", n_heads, head_dim, ldx, err)) != SAINT_OK) return s;
    if (!rows) return SAINT_OK;
    return saint_cuda_check(c, saint_cuda_mean_heads(x, b->compute, rows, ldx, n_heads, head_dim, out, c->stream), err,
                            "mean_heads of %lld rows", (long long)rows);
}

static saint_status cuda_mean_heads(saint_backend *b, const void *x, int64_t rows, int64_t ldx, int n_heads, int head_dim, float *out,
                                    saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    if (s != SAINT_OK) return s;
    size_t bytes = rows > 0 && head_dim > 0 ? (size_t)rows * (size_t)head_dim * sizeof *out : 0;
    void *mean;
    if ((s = saint_cuda_scratch(c, "mean_heads", bytes, &mean, err)) != SAINT_OK) return s;
    if ((s = saint_cuda_mean_heads_here(b, x, rows, ldx, n_heads, head_dim, mean, err)) != SAINT_OK) return s;
    return rows ? cuda_download(b, out, mean, bytes, err) : SAINT_OK;
}

/* ---- attention ---- */

static saint_status check_attention(const char *op, int n_heads, int n_kv_heads, int head_dim, saint_error *err)
{
    if (n_heads < 1 || n_kv_heads < 1 || n_heads % n_kv_heads)
        return saint_fail(err, SAINT_INVALID, "%s: expected heads to be a multiple of key heads, found %d and %d", op, n_heads, n_kv_heads);
    if (head_dim < 1 || head_dim > SAINT_CUDA_ATTENTION_HEAD_DIM)
        return saint_fail(err, SAINT_UNSUPPORTED, "%s: expected head_dim 1 to %d, found %d", op, SAINT_CUDA_ATTENTION_HEAD_DIM, head_dim);
    return SAINT_OK;
}

static saint_status check_sequences(const saint_attention_args *a, int *most_keys, saint_error *err)
{
    *most_keys = 0;
    for (int s = 0; s < a->n_seqs; s++) {
        int64_t nq = (int64_t)a->cu_q[s + 1] - a->cu_q[s], nk = (int64_t)a->cu_k[s + 1] - a->cu_k[s];
        if (a->cu_q[s] < 0 || a->cu_k[s] < 0 || nq < 0 || nk < 0)
            return saint_fail(err, SAINT_INVALID,
                              "attention: expected ascending row numbers, found queries %d..%d and keys %d..%d in sequence %d", a->cu_q[s],
                              a->cu_q[s + 1], a->cu_k[s], a->cu_k[s + 1], s);
        if (a->causal && nk < nq)
            return saint_fail(err, SAINT_INVALID, "attention: sequence %d has %lld queries and only %lld keys: causal rows would see none",
                              s, (long long)nq, (long long)nk);
        if (nk > *most_keys) *most_keys = (int)nk;
    }
    return SAINT_OK;
}

/* Few queries fill the device only when their keys are split. */
static int splits_of(const saint_cuda *c, const saint_attention_args *a, int queries, int most_keys)
{
    enum { FEW = 8, KEYS = 64, MOST = 64 };
    if (queries > FEW) return 1;
    int blocks = queries * a->n_heads, wanted = (2 * c->multiprocessors + blocks - 1) / blocks, possible = most_keys / KEYS;
    int n = wanted < possible ? wanted : possible;
    return n < 1 ? 1 : n > MOST ? MOST : n;
}

/* cu_q, cu_k and the list of blocks in one piece. Under the causal mask the last block of a sequence is the longest: it goes first. */
static saint_status cut(saint_cuda *c, const saint_attention_args *a, int each, saint_cuda_attention_args *out, saint_error *err)
{
    size_t n = (size_t)a->n_seqs + 1;
    int64_t blocks = 0;
    for (int s = 0; s < a->n_seqs; s++) blocks += (a->cu_q[s + 1] - a->cu_q[s] + each - 1) / each;
    if (blocks > INT_MAX / 2) return saint_fail(err, SAINT_INVALID, "attention: %lld blocks in one call are too many", (long long)blocks);
    int32_t *list = malloc((2 * n + 2 * (size_t)blocks) * sizeof *list), *at = list + 2 * n;
    if (!list) return saint_fail(err, SAINT_MEMORY, "attention: no memory for a list of %lld blocks", (long long)blocks);
    memcpy(list, a->cu_q, n * sizeof *list);
    memcpy(list + n, a->cu_k, n * sizeof *list);
    for (int s = 0; s < a->n_seqs; s++)
        for (int first = (a->cu_q[s + 1] - a->cu_q[s] - 1) / each * each; first >= 0 && a->cu_q[s + 1] > a->cu_q[s]; first -= each) {
            *at++ = s;
            *at++ = first;
        }
    const void *device;
    saint_status s = saint_cuda_argument(c, list, (2 * n + 2 * (size_t)blocks) * sizeof *list, &device, err);
    free(list);
    out->cu_q = device;
    out->cu_k = out->cu_q + n;
    out->blocks = out->cu_q + 2 * n;
    out->n_blocks = (int)blocks;
    return s;
}

static saint_status cuda_attention(saint_backend *b, const saint_attention_args *a, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    if (s != SAINT_OK) return s;
    int most_keys;
    if ((s = check_attention("attention", a->n_heads, a->n_kv_heads, a->head_dim, err)) != SAINT_OK) return s;
    if ((s = check_sequences(a, &most_keys, err)) != SAINT_OK) return s;
    int queries = a->n_seqs > 0 ? a->cu_q[a->n_seqs] : 0;
    if (!queries) return SAINT_OK;
    saint_cuda_attention_args d = {.q = a->q,
                                   .k = a->k,
                                   .v = a->v,
                                   .out = a->out,
                                   .type = b->compute,
                                   .ldq = a->ldq,
                                   .ldk = a->ldk,
                                   .ldv = a->ldv,
                                   .ldo = a->ldo,
                                   .n_heads = a->n_heads,
                                   .n_kv_heads = a->n_kv_heads,
                                   .head_dim = a->head_dim,
                                   .causal = a->causal,
                                   .scale = a->scale,
                                   .n_queries = queries,
                                   .splits = splits_of(c, a, queries, most_keys)};
    saint_cuda_attention_kind kind = saint_cuda_attention_kind_of(&d);
    if ((s = cut(c, a, kind == SAINT_CUDA_ATTENTION_WARP ? SAINT_CUDA_ATTENTION_WARP_QUERIES : SAINT_CUDA_ATTENTION_QUERIES, &d, err)) !=
        SAINT_OK)
        return s;
    d.key_bias = a->key_bias_here;
    if (a->key_bias) {
        const void *bias;
        if ((s = saint_cuda_argument(c, a->key_bias, (size_t)a->cu_k[a->n_seqs] * sizeof(float), &bias, err)) != SAINT_OK) return s;
        d.key_bias = bias;
    }
    if (d.splits > 1) {
        void *partial;
        if ((s = saint_cuda_scratch(c, "split attention",
                                    (size_t)d.splits * (size_t)queries * (size_t)a->n_heads * (size_t)(a->head_dim + 2) * sizeof(float),
                                    &partial, err)) != SAINT_OK)
            return s;
        d.partial = partial;
    }
    return saint_cuda_check(c, saint_cuda_attention(kind, &d, c->stream), err, "attention of %d queries, %d heads of %d", queries,
                            a->n_heads, a->head_dim);
}

/* mean NULL: scratch, and *out says where. */
static saint_status attention_row(saint_cuda *c, const saint_attention_row_args *a, float *mean, float **out, saint_error *err)
{
    saint_status s = saint_cuda_enter(c, err);
    if (s != SAINT_OK) return s;
    if ((s = check_attention("attention_row", a->n_heads, a->n_kv_heads, a->head_dim, err)) != SAINT_OK) return s;
    if (a->n_keys < 0) return saint_fail(err, SAINT_INVALID, "attention_row: expected keys >= 0, found %d", a->n_keys);
    if (!a->n_keys) return SAINT_OK;
    size_t n = (size_t)a->n_keys;
    void *scratch;
    const void *bias = a->key_bias_here;
    if (a->key_bias && (s = saint_cuda_argument(c, a->key_bias, n * sizeof(float), &bias, err)) != SAINT_OK) return s;
    if ((s = saint_cuda_scratch(c, "attention_row", (n * (size_t)a->n_heads + n) * sizeof(float), &scratch, err)) != SAINT_OK) return s;
    float *p = scratch;
    *out = mean ? mean : p + n * (size_t)a->n_heads;
    saint_cuda_attention_row_args r = {.q = a->q,
                                       .k = a->k,
                                       .type = c->base.compute,
                                       .ldk = a->ldk,
                                       .n_heads = a->n_heads,
                                       .n_kv_heads = a->n_kv_heads,
                                       .head_dim = a->head_dim,
                                       .n_keys = a->n_keys,
                                       .scale = a->scale,
                                       .key_bias = bias,
                                       .p = p,
                                       .mean = *out};
    return saint_cuda_check(c, saint_cuda_attention_row(&r, c->stream), err, "attention_row of %d keys", a->n_keys);
}

saint_status saint_cuda_attention_row_here(saint_backend *b, const saint_attention_row_args *a, saint_error *err)
{
    float *p;
    return attention_row((saint_cuda *)b, a, a->p, &p, err);
}

static saint_status cuda_attention_row(saint_backend *b, const saint_attention_row_args *a, saint_error *err)
{
    float *mean = NULL;
    saint_status s = attention_row((saint_cuda *)b, a, NULL, &mean, err);
    return s == SAINT_OK && mean ? cuda_download(b, a->p, mean, (size_t)a->n_keys * sizeof(float), err) : s;
}

const saint_backend_ops saint_cuda_ops = {
    .name = "cuda",
    .alloc = saint_cuda_alloc,
    .release = saint_cuda_release,
    .upload = cuda_upload,
    .download = cuda_download,
    .copy = cuda_copy,
    .sync = saint_cuda_sync,
    .layernorm = cuda_layernorm,
    .rmsnorm = cuda_rmsnorm,
    .linear = saint_cuda_linear,
    .linear_rows = saint_cuda_linear_few,
    .patchify = cuda_patchify,
    .embed = cuda_embed,
    .positions = cuda_positions,
    .pool_rows = cuda_pool_rows,
    .rope = cuda_rope,
    .attention = cuda_attention,
    .attention_row = cuda_attention_row,
    .mean_heads = cuda_mean_heads,
    .gather = cuda_gather,
    .narrow = cuda_narrow,
    .peak = saint_cuda_peak,
    .close = saint_cuda_close,
    .chooser = &saint_cuda_chooser,
    .fused = &saint_cuda_fused,
};
