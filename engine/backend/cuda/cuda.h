/* cuda.h - inside of the CUDA backend: what its files share. Nobody above engine/backend includes this. */
#ifndef SAINT_BACKEND_CUDA_CUDA_H
#define SAINT_BACKEND_CUDA_CUDA_H

#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include "backend/choose.h"
#include "backend/cuda/plans.h"
#include "backend/cuda/residency.h"

/* cuBLASLt by its names: opened at run time, because it is half a gigabyte that a machine without a GPU does not need. */
#define SAINT_LT_FUNCTIONS(X)                                                                                                     \
    X(Create) X(Destroy) X(GetVersion) X(GetStatusString) X(MatmulDescCreate) X(MatmulDescDestroy) X(MatmulDescSetAttribute)      \
    X(MatrixLayoutCreate) X(MatrixLayoutDestroy) X(MatmulPreferenceCreate) X(MatmulPreferenceDestroy)                             \
    X(MatmulPreferenceSetAttribute) X(MatmulAlgoGetHeuristic) X(Matmul)
typedef struct {
    void *library;
#define X(name) __typeof__(cublasLt##name) *name;
    SAINT_LT_FUNCTIONS(X)
#undef X
} saint_lt_api;
saint_status saint_lt_load(saint_lt_api *out, saint_error *err);
void saint_lt_unload(saint_lt_api *api);

/* Pinned memory that small arguments and large weights pass through on their way to the device. */
enum { SAINT_CUDA_STAGES = 2 };
typedef struct {
    char *host[SAINT_CUDA_STAGES];
    cudaEvent_t free[SAINT_CUDA_STAGES]; /* the copy out of the stage is done */
    int next;
} saint_cuda_stages;

enum { SAINT_CUDA_RINGS = 32 };
typedef struct {
    char *host, *device; /* the same bytes on both sides */
    size_t size, used;
    char *old_host[SAINT_CUDA_RINGS], *old_device[SAINT_CUDA_RINGS]; /* outgrown: arguments of the operation at hand may lie there */
    int n_old;
} saint_cuda_ring;

/* Pinned memory that the few numbers somebody waits for arrive in. */
typedef struct {
    int32_t *host;
    size_t room;
    cudaEvent_t arrived;
} saint_cuda_mailbox;

typedef struct {
    saint_backend base; /* first: a saint_backend * is a saint_cuda * */
    int device, multiprocessors;
    char name[64];
    bool broken; /* an error that does not go away: every further call says so */
    char why[256];
    cudaStream_t stream;
    saint_lt_api lt;
    cublasLtHandle_t handle;
    saint_gemm_plans *plans;
    void *workspace;
    saint_residency *resident;
    saint_cuda_stages stages;
    saint_cuda_ring ring;
    void *scratch; /* grows */
    size_t scratch_bytes;
    saint_cuda_mailbox mailbox;
    cudaEvent_t mark[SAINT_MARKS]; /* made when first used */
} saint_cuda;

enum { SAINT_CUDA_STAGE_BYTES = 32 << 20, SAINT_CUDA_RING_BYTES = 4 << 20, SAINT_CUDA_WORKSPACE_BYTES = 32 << 20 };

/* backend_cuda.c */
saint_status saint_cuda_alloc(saint_backend *b, size_t bytes, void **out, saint_error *err);
size_t saint_cuda_peak(saint_backend *b);
void saint_cuda_release(saint_backend *b, void *p);
saint_status saint_cuda_sync(saint_backend *b, saint_error *err);
void saint_cuda_close(saint_backend *b);
/* Every operation begins with this: the right device for the calling thread, and no broken backend. */
saint_status saint_cuda_enter(saint_cuda *c, saint_error *err);
/* What a call of the runtime or a launch returned: which call, which sizes, which device. */
#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
saint_status saint_cuda_check(saint_cuda *c, cudaError_t e, saint_error *err, const char *fmt, ...);
/* Device memory; when there is none: what was wanted for, how much, and how much is free. */
saint_status saint_cuda_alloc_for(saint_cuda *c, const char *what, size_t bytes, void **out, saint_error *err);
void saint_cuda_release_now(saint_cuda *c, void *p); /* NULL is allowed; queued work may still read it */
/* Scratch of at least so many bytes, valid until the next call of this. */
saint_status saint_cuda_scratch(saint_cuda *c, const char *what, size_t bytes, void **out, saint_error *err);

/* transfer.c */
saint_status saint_cuda_transfer_open(saint_cuda *c, saint_error *err);
void saint_cuda_transfer_close(saint_cuda *c);
/* Host bytes to the device; the host memory may be used again when this returns. */
saint_status saint_cuda_upload(saint_cuda *c, void *dst, const void *host, size_t bytes, saint_error *err);
/* Host bytes through the ring: *out is valid for the operations queued until the ring comes round, which waits for them. */
saint_status saint_cuda_argument(saint_cuda *c, const void *host, size_t bytes, const void **out, saint_error *err);
/* The device's copy of `count` weights, made on first use, converted when the types differ. host NULL gives NULL. */
saint_status saint_cuda_resident(saint_cuda *c, const void *host, size_t count, saint_dtype from, saint_dtype to, const void **out, saint_error *err);

/* lt.c */
saint_status saint_cuda_lt_open(saint_cuda *c, saint_error *err);
void saint_cuda_lt_close(saint_cuda *c);
/* y = x w^T + bias + residual, see saint_gemm_key. bias and residual: of the type of y; residual may be y. */
saint_status saint_cuda_matmul(saint_cuda *c, const saint_gemm_key *key, const void *x, const void *w, const void *bias, const void *residual, void *y,
                               saint_error *err);

/* ops_cuda.c */
extern const saint_backend_ops saint_cuda_ops;
saint_status saint_cuda_mean_heads_here(saint_backend *b, const void *x, int64_t rows, int64_t ldx, int n_heads, int head_dim, float *out,
                                        saint_error *err);
saint_status saint_cuda_attention_row_here(saint_backend *b, const saint_attention_row_args *a, saint_error *err);

/* choose_cuda.c */
extern const saint_chooser_ops saint_cuda_chooser;
saint_status saint_cuda_choose_open(saint_cuda *c, saint_error *err);
void saint_cuda_choose_close(saint_cuda *c);

#endif
