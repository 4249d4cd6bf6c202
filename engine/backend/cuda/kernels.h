/* kernels.h - launchers of the device kernels: what they compute is told in backend.h, one name there is one name here. All pointers are
 * device memory. Each queues its work on the stream and returns what the launch said. Element types: saint_dtype F32, F16 or BF16. */
#ifndef SAINT_BACKEND_CUDA_KERNELS_H
#define SAINT_BACKEND_CUDA_KERNELS_H

#include <cuda_runtime_api.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "backend/choose.h"
#include "base/dtype.h"

/* bias NULL: RMSNorm */
cudaError_t saint_cuda_norm(const float *x, int64_t rows, int64_t d, const float *w, const float *bias, float eps, void *y,
                            saint_dtype ytype, cudaStream_t stream);
cudaError_t saint_cuda_patchify(const float *chw, int side_h, int side_w, int patch, void *out, saint_dtype type, cudaStream_t stream);
/* dst[i] = (dst type) src[i] */
cudaError_t saint_cuda_convert(const void *src, saint_dtype from, void *dst, saint_dtype to, size_t n, cudaStream_t stream);
cudaError_t saint_cuda_positions(float *x, int n, int each, int prefix, int64_t d, const float *pos, const float *cls, cudaStream_t stream);
cudaError_t saint_cuda_pool_rows(const float *x, int64_t d, int n_seqs, const int32_t *cu, int skip, const float *size, float *y,
                                 cudaStream_t stream);
cudaError_t saint_cuda_rope(void *x, saint_dtype type, int64_t rows, int64_t ldx, int n_heads, int head_dim, const int32_t *pos,
                            const float *inv_freq, cudaStream_t stream);
cudaError_t saint_cuda_mean_heads(const void *x, saint_dtype type, int64_t rows, int64_t ldx, int n_heads, int head_dim, float *out,
                                  cudaStream_t stream);
cudaError_t saint_cuda_gather(const void *src, const int32_t *idx, int64_t n, size_t row_bytes, void *dst, cudaStream_t stream);

/* What is left of a linear layer behind the product: y = epilogue(from + bias). */
typedef struct {
    int64_t m, n, ld;  /* rows of y and residual are ld elements apart */
    const void *from;  /* type of y, rows ld apart (y itself), or f32 rows n apart when y is f32 and from is not y */
    int64_t ldfrom;
    const float *bias; /* or NULL */
    int act;           /* saint_act */
    const float *scale, *residual;
    const void *gate; /* type gate_type, rows ldgate apart */
    int64_t ldgate;
    saint_dtype gate_type, ytype;
    void *y;
} saint_cuda_epilogue_args;
cudaError_t saint_cuda_epilogue(const saint_cuda_epilogue_args *a, cudaStream_t stream);

/* The whole linear layer for a few rows: one warp for each output column, the weights are read once. epilogue.from is not used. */
typedef struct {
    saint_cuda_epilogue_args epilogue;
    const void *x, *w; /* type [m, k] rows ldx apart; type [n, k] */
    int64_t ldx, k;
    saint_dtype type;
} saint_cuda_rows_args;
enum { SAINT_CUDA_ROWS_MOST = 8 }; /* more rows are better served by cuBLASLt */
cudaError_t saint_cuda_linear_rows(const saint_cuda_rows_args *a, cudaStream_t stream);

typedef struct {
    const void *q, *k, *v;
    void *out;
    saint_dtype type;
    int64_t ldq, ldk, ldv, ldo;
    int n_heads, n_kv_heads, head_dim;
    const int32_t *cu_q, *cu_k;
    const int32_t *blocks; /* [n_blocks][2]: sequence, first query within it */
    int n_blocks;
    int causal;
    float scale;
    const float *key_bias;
    int n_queries;  /* of the call */
    int splits;     /* parts that the keys are cut into, at least 1; more only with few queries */
    float *partial; /* splits > 1: [splits][n_queries][n_heads][head_dim + 2] */
    int wide;       /* set by the launcher */
} saint_cuda_attention_args;

/* Which kernel takes a call. Follows from shapes and alignment alone. */
typedef enum {
    SAINT_CUDA_ATTENTION_TENSOR, /* 16-bit types, head_dim 64, 80 or 128, rows 16-byte aligned: mma.sync, 64 queries a block */
    SAINT_CUDA_ATTENTION_F32,    /* f32, head_dim 64, 80 or 128, rows 16-byte aligned: plain FMA, 64 queries a block */
    SAINT_CUDA_ATTENTION_WARP    /* anything up to head_dim 256: one warp for each query and head */
} saint_cuda_attention_kind;
enum { SAINT_CUDA_ATTENTION_QUERIES = 64, SAINT_CUDA_ATTENTION_WARP_QUERIES = 4, SAINT_CUDA_ATTENTION_HEAD_DIM = 256 };
saint_cuda_attention_kind saint_cuda_attention_kind_of(const saint_cuda_attention_args *a);
cudaError_t saint_cuda_attention(saint_cuda_attention_kind kind, const saint_cuda_attention_args *a, cudaStream_t stream);
/* Lets the attention kernels use the shared memory they need on the current device. Once per device. */
cudaError_t saint_cuda_attention_prepare(void);

/* decode.cu, see backend/fused.h. layer: a saint_decode_layer, or NULL with pos, k and v. */
typedef struct {
    void *qkv, *k, *v;
    saint_dtype type;
    int64_t rows, ld;
    int n_heads, n_kv_heads, head_dim;
    const int32_t *pos;
    const float *inv_freq;
    const void *layer;
} saint_cuda_rope_store_args;
cudaError_t saint_cuda_rope_store(const saint_cuda_rope_store_args *a, cudaStream_t stream);

typedef struct {
    const void *q, *layer;
    void *out;
    saint_dtype type;
    int n_heads, n_kv_heads, head_dim, splits;
    float scale;
    float *partial; /* [splits][n_heads][head_dim + 2] */
    int wide;       /* set by the launcher */
} saint_cuda_one_args;
cudaError_t saint_cuda_attention_one(const saint_cuda_one_args *a, cudaStream_t stream);
cudaError_t saint_cuda_embed_token(const void *table, saint_dtype type, const int32_t *token, int64_t cols, float *x, cudaStream_t stream);
cudaError_t saint_cuda_take_best(const float *logits, int n, int32_t *token, void *layers, int n_layers, cudaStream_t stream);

/* p[h, j] for n_heads rows of n_keys (scratch), then mean[j] over heads in order */
typedef struct {
    const void *q, *k;
    saint_dtype type;
    int64_t ldk;
    int n_heads, n_kv_heads, head_dim, n_keys;
    float scale;
    const float *key_bias;
    float *p, *mean;
} saint_cuda_attention_row_args;
cudaError_t saint_cuda_attention_row(const saint_cuda_attention_row_args *a, cudaStream_t stream);

/* One site, see backend/choose.h: the same names mean the same. cu, n_drop and everything below `scratch` are device memory too. */
typedef struct {
    int rule, n_seqs, rows, most; /* rows before; candidates of the longest sequence, at most SAINT_CHOOSE_TOKENS */
    const int32_t *cu, *n_drop;
    int n_prefix, window, in_order;
    const float *metric, *attention;
    int dim;
    float threshold, reach, gamma;
    int K, r, batch_mean, overwrite_r, grid_w, grid_bits;
    uint64_t seed;
    int64_t d;
    float *x, *x_to;
    saint_row_table from, to;
    saint_choice_record record;
    /* scratch */
    float *unit;             /* [rows, dim] */
    int32_t *bad, *partner;  /* [rows] */
    double *self;            /* [rows] */
    int32_t *list, *cu_to;   /* [rows], [n_seqs + 1]: results too */
} saint_cuda_choose_args;
/* Lets the kernels below use the shared memory they need on the current device. Once per device. */
cudaError_t saint_cuda_choose_prepare(void);
/* Scores, order, record. */
cudaError_t saint_cuda_choose(const saint_cuda_choose_args *a, cudaStream_t stream);
/* Merges (SAINT_RULE_MATCH), list, tables and cu_to. */
cudaError_t saint_cuda_compact(const saint_cuda_choose_args *a, cudaStream_t stream);
/* x_to by the list; rows_to: how many rows there are at most. */
cudaError_t saint_cuda_gather_list(const saint_cuda_choose_args *a, int rows_to, cudaStream_t stream);

#ifdef __cplusplus
}
#endif
#endif
