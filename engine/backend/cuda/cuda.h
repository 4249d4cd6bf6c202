/* cuda.h - inside of the CUDA backend: what its files share. Nobody above engine/backend includes this. */
#ifndef SAINT_BACKEND_CUDA_CUDA_H
#define SAINT_BACKEND_CUDA_CUDA_H

#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <pthread.h>

#include "backend/choose.h"
#include "backend/cuda/plans.h"
#include "backend/cuda/residency.h"
#include "backend/fused.h"

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

/* Pinned memory that what selection is waited for arrives in. */
typedef struct {
    char *host;
    size_t room;
    cudaEvent_t arrived;
} saint_cuda_tray;

/* For those who look at finished things on other threads. */
typedef struct {
    pthread_mutex_t lock;
    cudaStream_t stream;
    char *host; /* pinned */
} saint_cuda_window;

typedef struct {
    saint_backend base; /* first: a saint_backend * is a saint_cuda * */
    int device, multiprocessors;
    char name[64];
    bool broken; /* an error that does not go away: every further call says so */
    char why[256];
    cudaStream_t stream;
    cudaStream_t copies; /* weights on their way; `stream` waits for those that it reads, and computes meanwhile */
    cudaEvent_t arrived;
    saint_lt_api lt;
    cublasLtHandle_t handle;
    saint_gemm_plans *plans;
    void *workspace;
    saint_residency *resident;
    saint_cuda_stages stages;
    saint_cuda_ring ring;
    char *mailbox; /* pinned: small results on their way to the host */
    void *raw;     /* a piece of a weight before its conversion, on the device; NULL until there is one */
    void *scratch; /* grows */
    size_t scratch_bytes;
    saint_cuda_tray tray;
    saint_cuda_window window;
    cudaEvent_t mark[SAINT_MARKS]; /* made when first used */
    saint_recording *recording;   /* under way, or NULL */
    pthread_mutex_t recording_lock; /* held while one is: memory that is released meanwhile, on other threads, waits */
} saint_cuda;

enum {
    SAINT_CUDA_STAGE_BYTES = 32 << 20,
    SAINT_CUDA_RING_BYTES = 4 << 20,
    SAINT_CUDA_WORKSPACE_BYTES = 32 << 20,
    SAINT_CUDA_MAILBOX_BYTES = 1 << 20,
    SAINT_CUDA_TRAY_BYTES = 16 << 20, /* at most */
    SAINT_CUDA_WINDOW_BYTES = 1 << 18,
    SAINT_CUDA_RAW_BYTES = 8 << 20
};

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
/* Device memory, valid for work of that stream from now on; when there is none: what was wanted for, how much, and how much is free. */
saint_status saint_cuda_alloc_on(saint_cuda *c, cudaStream_t stream, const char *what, size_t bytes, void **out, saint_error *err);
saint_status saint_cuda_alloc_for(saint_cuda *c, const char *what, size_t bytes, void **out, saint_error *err); /* of c->stream */
void saint_cuda_release_now(saint_cuda *c, void *p); /* NULL is allowed; queued work may still read it */
/* Scratch of at least so many bytes, valid until the next call of this. */
saint_status saint_cuda_scratch(saint_cuda *c, const char *what, size_t bytes, void **out, saint_error *err);

/* transfer.c */
saint_status saint_cuda_transfer_open(saint_cuda *c, saint_error *err);
void saint_cuda_transfer_close(saint_cuda *c);
/* Host bytes to the device; the host memory may be used again when this returns. */
saint_status saint_cuda_upload(saint_cuda *c, void *dst, const void *host, size_t bytes, saint_error *err);
/* Device bytes to the host; waits. */
saint_status saint_cuda_download(saint_cuda *c, void *host, const void *src, size_t bytes, saint_error *err);
/* Host bytes through the ring: *out is valid for the operations queued until the ring comes round, which waits for them. */
saint_status saint_cuda_argument(saint_cuda *c, const void *host, size_t bytes, const void **out, saint_error *err);
/* The device's copy of `count` weights, made on first use, converted when the types differ. host NULL gives NULL. */
saint_status saint_cuda_resident(saint_cuda *c, const void *host, size_t count, saint_dtype from, saint_dtype to, const void **out, saint_error *err);
static inline saint_status saint_cuda_vector(saint_cuda *c, const float *host, int64_t n, const float **out, saint_error *err)
{
    const void *p = NULL;
    saint_status s = saint_cuda_resident(c, host, (size_t)n, SAINT_F32, SAINT_F32, &p, err);
    *out = (const float *)p;
    return s;
}
/* The same of up to SAINT_JOINED arrays, one behind the other on the device. The first must be there; zeros stand for another that is NULL. */
typedef struct {
    const void *host;
    size_t count;
    saint_dtype from;
} saint_resident_part;
saint_status saint_cuda_resident_joined(saint_cuda *c, const saint_resident_part *part, int n, saint_dtype to, const void **out, saint_error *err);

/* lt.c */
saint_status saint_cuda_lt_open(saint_cuda *c, saint_error *err);
void saint_cuda_lt_close(saint_cuda *c);
/* y = x w^T + bias + residual, see saint_gemm_key. bias and residual: of the type of y; residual may be y. */
saint_status saint_cuda_matmul(saint_cuda *c, const saint_gemm_key *key, const void *x, const void *w, const void *bias, const void *residual, void *y,
                               saint_error *err);

/* graph_cuda.c: recorded work */
saint_status saint_cuda_record(saint_backend *b, saint_error *err);
saint_status saint_cuda_recorded(saint_backend *b, saint_recording **out, saint_error *err);
bool saint_cuda_recording_valid(const saint_backend *b, const saint_recording *r);
saint_status saint_cuda_replay(saint_backend *b, const saint_recording *r, saint_error *err);
void saint_cuda_forget(saint_backend *b, saint_recording *r);
/* A host argument of the operation that is being recorded. */
saint_status saint_cuda_recorded_argument(saint_cuda *c, const void *host, size_t bytes, const void **out, saint_error *err);
/* What cannot be recorded: says so, by name. */
saint_status saint_cuda_unrecorded(saint_cuda *c, const char *what, saint_error *err);

/* linear_cuda.c */
saint_status saint_cuda_linear(saint_backend *b, const saint_linear_args *a, saint_error *err);
saint_status saint_cuda_linear_few(saint_backend *b, const saint_linear_args *a, saint_error *err);
saint_status saint_cuda_linear_joined(saint_backend *b, const saint_joined_args *a, saint_error *err);
saint_status saint_cuda_swiglu(saint_backend *b, const void *x, int64_t rows, int64_t n, void *y, saint_error *err);

/* decode_cuda.c */
extern const saint_fused_ops saint_cuda_fused;
saint_status saint_cuda_rope_store_here(saint_backend *b, const saint_qkv *a, int64_t rows, const int32_t *pos, void *k, void *v, saint_error *err);

/* ops_cuda.c */
extern const saint_backend_ops saint_cuda_ops;
saint_status saint_cuda_mean_heads_here(saint_backend *b, const void *x, int64_t rows, int64_t ldx, int n_heads, int head_dim, float *out,
                                        saint_error *err);
saint_status saint_cuda_attention_row_here(saint_backend *b, const saint_attention_row_args *a, saint_error *err);

/* choose_cuda.c */
extern const saint_chooser_ops saint_cuda_chooser;
saint_status saint_cuda_choose_open(saint_cuda *c, saint_error *err);
void saint_cuda_choose_close(saint_cuda *c);

/* peek_cuda.c */
saint_status saint_cuda_window_open(saint_cuda *c, saint_error *err);
void saint_cuda_window_close(saint_cuda *c);
saint_status saint_cuda_peek(saint_backend *b, void *host, const void *src, size_t bytes, saint_error *err);

#endif
