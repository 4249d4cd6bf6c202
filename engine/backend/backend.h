/* backend.h - what the networks ask of a device: some twenty semantic operations behind one table.
 *
 * Data. Hidden states are token-packed rows [T, d] with cu_seqlens[B + 1], so ragged batches cost nothing. The residual stream is
 * always f32. Inputs and outputs of GEMM and attention have the backend's compute type: F32 (strict), BF16 or (CUDA) F16 (fast, f32
 * accumulation).
 *
 * Memory. Hidden states and what is computed from them lie in the backend's own memory, which only its operations may touch: arguments
 * named x, y, q, k, v, out, src, dst, residual and gate. Everything else is host memory, read during the call: index lists, positions,
 * pixels, key_bias; and weights (matrices, and vectors named w, bias, scale, pos, cls, inv_freq), which must keep their address and
 * their values as long as the backend lives, because a device keeps a copy. Results that say `host` are complete when the call returns.
 *
 * Bits. On the CPU every output row depends on its own input row and the weights only: never on the other rows of the call, the
 * batch or the thread count. `linear` and `linear_rows` may sum in different orders from one another; the caller picks by meaning
 * (prefill or decode), never by the number of rows. */
#ifndef SAINT_BACKEND_BACKEND_H
#define SAINT_BACKEND_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"
#include "base/pool.h"
#include "base/status.h"

typedef struct saint_backend saint_backend;
typedef struct saint_chooser_ops saint_chooser_ops; /* choose.h */
typedef struct saint_fused_ops saint_fused_ops; /* fused.h */

typedef enum {
    SAINT_ACT_NONE,
    SAINT_ACT_QUICK_GELU, /* x * sigmoid(1.702 x): CLIP */
    SAINT_ACT_GELU_ERF,   /* timm, LLaVA projector */
    SAINT_ACT_GELU_TANH,
    SAINT_ACT_RELU
} saint_act;

/* A weight [rows, cols] row-major, as stored in the checkpoint (output features x input features). Mapped, never copied. */
typedef struct {
    const void *data;
    saint_dtype type; /* F32, F16 or BF16 */
    int64_t rows, cols;
} saint_matrix;

/* y[m, n] = epilogue(sum_k x[m, k] w[n, k] + bias[n])
 * epilogue, in this order: act; then * scale[n]; then one of: + residual[m, n], or silu(gate[m, n]) * value. */
typedef struct {
    int64_t m;
    const void *x;     /* [m, w.cols], compute type, rows ldx elements apart */
    int64_t ldx;
    saint_matrix w;
    const float *bias;     /* [n] or NULL */
    saint_act act;
    const float *scale;    /* [n] or NULL: LayerScale */
    const float *residual; /* f32 [m, n], rows ldy apart, may be y itself; or NULL */
    const void *gate;      /* compute type [m, n], rows ldy apart; or NULL: SwiGLU */
    void *y;               /* [m, n], rows ldy elements apart */
    saint_dtype ytype;     /* F32 or the compute type; F32 when residual is given */
    int64_t ldy;
} saint_linear_args;

/* Softmax attention over packed sequences. Sequence s has queries cu_q[s]..cu_q[s+1]-1 and keys cu_k[s]..cu_k[s+1]-1.
 * causal: query i of nq sees key j of nk when j <= i + nk - nq. Query head h reads key head h / (n_heads / n_kv_heads). */
typedef struct {
    const void *q, *k, *v; /* compute type; head h of a row starts at h * head_dim */
    int64_t ldq, ldk, ldv; /* elements between rows */
    int n_heads, n_kv_heads, head_dim;
    int n_seqs;
    const int32_t *cu_q, *cu_k; /* host, [n_seqs + 1] */
    bool causal;
    float scale;
    const float *key_bias; /* host f32 [total keys], added to the scaled score (log token size, ToMe); or NULL */
    const float *key_bias_here; /* the same in backend memory, instead of key_bias; only on backends that choose */
    bool rows;             /* decode: every query for itself; as with linear_rows, the caller picks by meaning */
    void *out;             /* compute type [total queries, n_heads * head_dim], rows ldo apart */
    int64_t ldo;
} saint_attention_args;

/* Attention probabilities of one query row, mean over its heads: p[j] = mean_h softmax_j(scale q_h . k_hj). */
typedef struct {
    const void *q; /* compute type, one row [n_heads * head_dim] */
    const void *k; /* compute type [n_keys, ...] */
    int64_t ldk;
    int n_heads, n_kv_heads, head_dim, n_keys;
    float scale;
    const float *key_bias; /* host [n_keys] or NULL */
    float *p;              /* host f32 [n_keys] */
    const float *key_bias_here; /* see saint_attention_args */
} saint_attention_row_args;

typedef struct {
    const char *name;

    saint_status (*alloc)(saint_backend *b, size_t bytes, void **out, saint_error *err);
    void (*release)(saint_backend *b, void *p); /* NULL is allowed */
    saint_status (*upload)(saint_backend *b, void *dst, const void *host, size_t bytes, saint_error *err);
    saint_status (*download)(saint_backend *b, void *host, const void *src, size_t bytes, saint_error *err);
    saint_status (*copy)(saint_backend *b, void *dst, const void *src, size_t bytes, saint_error *err);
    saint_status (*sync)(saint_backend *b, saint_error *err);

    /* y[T, d] = (x - mean) / sqrt(var + eps) * w + bias, biased variance, all in f32; y of ytype; y may be x when ytype is F32 */
    saint_status (*layernorm)(saint_backend *b, const float *x, int64_t rows, int64_t d, const float *w, const float *bias, float eps,
                              void *y, saint_dtype ytype, saint_error *err);
    /* y[T, d] = x / sqrt(mean(x^2) + eps) * w */
    saint_status (*rmsnorm)(saint_backend *b, const float *x, int64_t rows, int64_t d, const float *w, float eps, void *y,
                            saint_dtype ytype, saint_error *err);
    saint_status (*linear)(saint_backend *b, const saint_linear_args *a, saint_error *err);      /* prefill, encoder: any m */
    saint_status (*linear_rows)(saint_backend *b, const saint_linear_args *a, saint_error *err); /* decode, heads: small m */
    /* pixels host f32 [3, side_h, side_w] -> patches [gh * gw, 3 * patch * patch] of the compute type, element order (channel, y, x) */
    saint_status (*patchify)(saint_backend *b, const float *chw, int side_h, int side_w, int patch, void *out, saint_error *err);
    /* y[i, :] = (f32) table[ids[i], :]; ids on the host, checked against table.rows */
    saint_status (*embed)(saint_backend *b, const saint_matrix *table, const int32_t *ids, int64_t n, float *y, saint_error *err);
    /* x[i, p, :] = pos[p, :] + cls[p, :] for p < prefix, pos[p, :] for the other p < each, in each of n pictures */
    saint_status (*positions)(saint_backend *b, float *x, int n, int each, int prefix, int64_t d, const float *pos, const float *cls,
                              saint_error *err);
    /* y[s, :] = sum_i size[i] x[i, :] / sum_i size[i] over rows i of sequence s behind its first `skip`; cu [n_seqs + 1], size on the host */
    saint_status (*pool_rows)(saint_backend *b, const float *x, int64_t d, int n_seqs, const int32_t *cu, int skip, const float *size,
                              float *y, saint_error *err);
    /* Rotary embedding in place, half-split pairs (i, i + head_dim / 2) as in Hugging Face LLaMA; pos on the host [T] */
    saint_status (*rope)(saint_backend *b, void *x, int64_t rows, int64_t ldx, int n_heads, int head_dim, const int32_t *pos,
                         const float *inv_freq /* host [head_dim / 2] */, saint_error *err);
    saint_status (*attention)(saint_backend *b, const saint_attention_args *a, saint_error *err);
    saint_status (*attention_row)(saint_backend *b, const saint_attention_row_args *a, saint_error *err);
    /* out[i, c] = mean over heads of x[i, h * head_dim + c], in f32, heads summed in order; out is host f32 [rows, head_dim] */
    saint_status (*mean_heads)(saint_backend *b, const void *x, int64_t rows, int64_t ldx, int n_heads, int head_dim, float *out,
                               saint_error *err);
    /* dst[i, :] = src[idx[i], :], rows of `bytes` bytes; idx on the host; dst and src must not overlap */
    saint_status (*gather)(saint_backend *b, const void *src, const int32_t *idx, int64_t n, size_t row_bytes, void *dst,
                           saint_error *err);
    /* f32 -> compute type */
    saint_status (*narrow)(saint_backend *b, const float *x, size_t n, void *y, saint_error *err);
    /* Most bytes of the device in use by this process since the last call; 0 = not known. NULL: its memory is the process's own */
    size_t (*peak)(saint_backend *b);
    void (*close)(saint_backend *b);
    const saint_chooser_ops *chooser; /* token selection in backend memory; NULL: the host's code decides */
    const saint_fused_ops *fused; /* joined products, decoding without the host, recorded work; NULL: none of it */
} saint_backend_ops;

struct saint_backend {
    const saint_backend_ops *op;
    saint_dtype compute; /* F32, BF16 or F16 */
    saint_pool *pool;    /* borrowed; NULL on a device */
    bool async;          /* operations return before they are done; sync or a download waits */
    /* Asked by a device that is out of memory, before it gives up: release something of the backend's, true when there was something. On the
     * thread of the operation. NULL: nobody has anything to spare. */
    bool (*reclaim)(void *ud, size_t bytes);
    void *reclaim_ud;
    char tier[24];       /* which kernels run, for `info`: "generic", "avx2", "avx512", "avx512bf16", "sm_90" */
};

static inline size_t saint_compute_size(const saint_backend *b)
{
    return saint_dtype_size(b->compute);
}

/* CPU backend. compute F32 = strict, BF16 = fast; BF16 works on every tier (converted to f32 where there is no bf16 arithmetic).
 * tier NULL = the best this CPU can run; naming one the CPU lacks is SAINT_UNSUPPORTED. The pool is borrowed. */
saint_status saint_backend_cpu_open(saint_backend **out, saint_pool *pool, saint_dtype compute, const char *tier, saint_error *err);

/* CUDA backend on device 0, 1, ... of this process; compute F32 (strict: no TF32, no split sums), F16 or BF16. Weights are copied to the
 * device on first use. Without a driver or a device: SAINT_DEVICE; in a build without CUDA: SAINT_UNSUPPORTED. Out of device memory is
 * SAINT_MEMORY and leaves the backend usable; after an error that the device does not recover from every call is SAINT_DEVICE. One thread
 * at a time, except release. */
saint_status saint_backend_cuda_open(saint_backend **out, int device, saint_dtype compute, saint_error *err);

typedef struct {
    int index;
    char name[64];
    int capability, multiprocessors; /* 90: compute capability 9.0 */
    size_t bytes;
} saint_cuda_device;
/* How many CUDA devices there are; the first `cap` are told in out. 0: why says why. */
int saint_cuda_devices(saint_cuda_device *out, int cap, char *why, size_t size);

void saint_backend_close(saint_backend *b); /* NULL is allowed */

#endif
