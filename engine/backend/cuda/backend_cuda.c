/* backend_cuda.c - the CUDA backend: devices, life, memory, errors. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cuda/cuda.h"
#include "backend/cuda/kernels.h"

/* ---- errors ---- */

saint_status saint_cuda_check(saint_cuda *c, cudaError_t e, saint_error *err, const char *fmt, ...)
{
    if (e == cudaSuccess) return SAINT_OK;
    char what[160];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    (void)cudaGetLastError(); /* an error of one call ends with it ... */
    /* a stream that records must not be asked; the recording is lost, and the next call finds out */
    cudaError_t again = c->stream && !c->recording ? cudaStreamQuery(c->stream) : cudaSuccess;
    (void)cudaGetLastError(); /* "not ready" counts as one, and the next launch would report it as its own */
    if (again != cudaSuccess && again != cudaErrorNotReady && !c->broken) { /* ... unless the device's context is lost */
        c->broken = true;
        snprintf(c->why, sizeof c->why, "%.120s: %s", what, cudaGetErrorName(e));
    }
    return saint_fail(err, e == cudaErrorMemoryAllocation ? SAINT_MEMORY : SAINT_DEVICE, "CUDA device %d (%s): %s: %s (%s)%s", c->device, c->name, what,
                      cudaGetErrorName(e), cudaGetErrorString(e), c->broken ? "; the device cannot be used any more by this process" : "");
}

saint_status saint_cuda_enter(saint_cuda *c, saint_error *err)
{
    if (c->broken)
        return saint_fail(err, SAINT_DEVICE, "CUDA device %d (%s) failed before (%s); start the program again, or use --backend cpu", c->device, c->name, c->why);
    return saint_cuda_check(c, cudaSetDevice(c->device), err, "cudaSetDevice");
}

/* ---- memory ---- */

/* What has been released is free for any stream and of any size. */
static saint_status give_back(saint_cuda *c, saint_error *err)
{
    cudaMemPool_t pool;
    saint_status s = saint_cuda_check(c, cudaStreamSynchronize(c->stream), err, "wait for the device");
    if (s == SAINT_OK) s = saint_cuda_check(c, cudaDeviceGetDefaultMemPool(&pool, c->device), err, "cudaDeviceGetDefaultMemPool");
    return s == SAINT_OK ? saint_cuda_check(c, cudaMemPoolTrimTo(pool, 0), err, "cudaMemPoolTrimTo") : s;
}

saint_status saint_cuda_alloc_on(saint_cuda *c, cudaStream_t stream, const char *what, size_t bytes, void **out, saint_error *err)
{
    *out = NULL;
    saint_status s = saint_cuda_unrecorded(c, "an allocation", err);
    if (s != SAINT_OK) return s;
    cudaError_t e = cudaMallocAsync(out, bytes ? bytes : 1, stream);
    while (e == cudaErrorMemoryAllocation && c->base.reclaim && c->base.reclaim(c->base.reclaim_ud, bytes)) {
        (void)cudaGetLastError();
        if ((s = give_back(c, err)) != SAINT_OK) return s;
        e = cudaMallocAsync(out, bytes ? bytes : 1, stream);
    }
    if (e == cudaErrorMemoryAllocation) {
        (void)cudaGetLastError();
        size_t available = 0, total = 0;
        *out = NULL;
        if (give_back(c, NULL) != SAINT_OK) (void)cudaGetLastError(); /* so that what the pool holds counts as free */
        if (cudaMemGetInfo(&available, &total) != cudaSuccess) (void)cudaGetLastError();
        return saint_fail(err, SAINT_MEMORY, "CUDA device %d (%s): %.1f MiB for %s were needed, %.1f of %.1f MiB are free and %.1f MiB hold weights; "
                          "use fewer pictures at a time, a 16-bit --dtype, or --backend cpu", c->device, c->name, (double)bytes / 1048576, what,
                          (double)available / 1048576, (double)total / 1048576,
                          c->resident ? (double)saint_residency_bytes(c->resident) / 1048576 : 0.0);
    }
    return saint_cuda_check(c, e, err, "cudaMallocAsync of %zu bytes for %s", bytes, what);
}

saint_status saint_cuda_alloc_for(saint_cuda *c, const char *what, size_t bytes, void **out, saint_error *err)
{
    return saint_cuda_alloc_on(c, c->stream, what, bytes, out, err);
}

void saint_cuda_release_now(saint_cuda *c, void *p)
{
    if (p && cudaFreeAsync(p, c->stream) != cudaSuccess) (void)cudaGetLastError();
}

saint_status saint_cuda_scratch(saint_cuda *c, const char *what, size_t bytes, void **out, saint_error *err)
{
    if (bytes > c->scratch_bytes) {
        void *p;
        size_t room = bytes + bytes / 4;
        saint_status s = saint_cuda_unrecorded(c, "memory that grows", err);
        if (s != SAINT_OK) return s;
        saint_cuda_release_now(c, c->scratch); /* first, so that both need not fit at once; what is queued finishes before it goes */
        c->scratch = NULL;
        c->scratch_bytes = 0;
        s = saint_cuda_alloc_for(c, what, room, &p, err);
        if (s != SAINT_OK) return s;
        c->scratch = p;
        c->scratch_bytes = room;
    }
    *out = c->scratch;
    return SAINT_OK;
}

saint_status saint_cuda_alloc(saint_backend *b, size_t bytes, void **out, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    *out = NULL;
    saint_status s = saint_cuda_enter(c, err);
    return s == SAINT_OK ? saint_cuda_alloc_for(c, "hidden states", bytes, out, err) : s;
}

void saint_cuda_release(saint_backend *b, void *p)
{
    saint_cuda *c = (saint_cuda *)b; /* on any thread: nothing of c is written here */
    if (!p) return;
    if (cudaSetDevice(c->device) != cudaSuccess) (void)cudaGetLastError(); /* the stream knows its device */
    pthread_mutex_lock(&c->recording_lock); /* a stream that records takes no memory back */
    saint_cuda_release_now(c, p);
    pthread_mutex_unlock(&c->recording_lock);
}

/* Everything of ours comes from the default pool of the device, which counts. */
size_t saint_cuda_peak(saint_backend *b)
{
    saint_cuda *c = (saint_cuda *)b;
    cudaMemPool_t pool;
    uint64_t most = 0, now = 0, anew = 0;
    cudaError_t e = c->broken ? cudaErrorUnknown : cudaDeviceGetDefaultMemPool(&pool, c->device);
    if (e == cudaSuccess) e = cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemHigh, &most);
    if (e == cudaSuccess) e = cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &now);
    if (e == cudaSuccess) e = cudaMemPoolSetAttribute(pool, cudaMemPoolAttrUsedMemHigh, &anew);
    if (e == cudaSuccess) return (size_t)(now > most ? now : most); /* nothing was asked for since: what is held is the most */
    (void)cudaGetLastError();
    return 0;
}

saint_status saint_cuda_sync(saint_backend *b, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    if (s == SAINT_OK) s = saint_cuda_unrecorded(c, "waiting", err);
    return s == SAINT_OK ? saint_cuda_check(c, cudaStreamSynchronize(c->stream), err, "wait for the device") : s;
}

/* ---- life ---- */

int saint_cuda_devices(saint_cuda_device *out, int cap, char *why, size_t size)
{
    int n = 0;
    cudaError_t e = cudaGetDeviceCount(&n);
    if (e != cudaSuccess) {
        (void)cudaGetLastError();
        snprintf(why, size, e == cudaErrorInsufficientDriver ? "no NVIDIA driver for CUDA %d.%d (%s)" : "no CUDA device, CUDA %d.%d (%s)",
                 CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10, cudaGetErrorString(e));
        return 0;
    }
    if (n == 0) snprintf(why, size, "no CUDA device");
    for (int i = 0; i < n && i < cap; i++) {
        struct cudaDeviceProp p;
        out[i] = (saint_cuda_device){.index = i};
        if (cudaGetDeviceProperties(&p, i) != cudaSuccess) {
            (void)cudaGetLastError();
            continue;
        }
        snprintf(out[i].name, sizeof out[i].name, "%.63s", p.name);
        out[i].capability = 10 * p.major + p.minor;
        out[i].multiprocessors = p.multiProcessorCount;
        out[i].bytes = p.totalGlobalMem;
    }
    return n;
}

void saint_cuda_close(saint_backend *b)
{
    saint_cuda *c = (saint_cuda *)b;
    if (cudaSetDevice(c->device) != cudaSuccess) (void)cudaGetLastError();
    if (c->recording) (void)saint_cuda_recorded(b, NULL, NULL);
    /* nothing travels to or from what goes, and no kernel of the library runs on when the library is let go */
    if (c->copies && cudaStreamSynchronize(c->copies) != cudaSuccess) (void)cudaGetLastError();
    if (c->stream && cudaStreamSynchronize(c->stream) != cudaSuccess) (void)cudaGetLastError();
    if (c->stream) {
        saint_cuda_release_now(c, c->scratch);
        saint_cuda_choose_close(c);
        saint_cuda_window_close(c);
        saint_cuda_transfer_close(c);
        saint_cuda_lt_close(c);
        if (cudaStreamSynchronize(c->stream) != cudaSuccess) (void)cudaGetLastError();
        if (cudaStreamDestroy(c->stream) != cudaSuccess) (void)cudaGetLastError();
    }
    if (c->arrived && cudaEventDestroy(c->arrived) != cudaSuccess) (void)cudaGetLastError();
    if (c->copies && cudaStreamDestroy(c->copies) != cudaSuccess) (void)cudaGetLastError();
    (void)cudaGetLastError(); /* of a lost device: another one's first launch on this thread would report it */
    pthread_mutex_destroy(&c->recording_lock);
    pthread_mutex_destroy(&c->window.lock);
    free(c);
}

/* Freed memory stays with the pool: giving it back to the driver at every wait would cost more than the waits. */
static cudaError_t keep_memory(int device)
{
    cudaMemPool_t pool;
    uint64_t all = UINT64_MAX;
    cudaError_t e = cudaDeviceGetDefaultMemPool(&pool, device);
    return e == cudaSuccess ? cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &all) : e;
}

static saint_status open_device(saint_cuda *c, saint_error *err)
{
    struct cudaDeviceProp p;
    saint_status s = saint_cuda_enter(c, err);
    if (s == SAINT_OK) s = saint_cuda_check(c, cudaGetDeviceProperties(&p, c->device), err, "cudaGetDeviceProperties");
    if (s != SAINT_OK) return s;
    snprintf(c->name, sizeof c->name, "%.63s", p.name);
    snprintf(c->base.tier, sizeof c->base.tier, "sm_%d", 10 * p.major + p.minor);
    c->multiprocessors = p.multiProcessorCount;
    if (p.major < 8)
        return saint_fail(err, SAINT_UNSUPPORTED, "CUDA device %d (%s): compute capability %d.%d; this build needs 8.0 or later", c->device, c->name, p.major,
                          p.minor);
    s = saint_cuda_check(c, cudaStreamCreateWithFlags(&c->stream, cudaStreamNonBlocking), err, "cudaStreamCreate");
    if (s == SAINT_OK) s = saint_cuda_check(c, cudaStreamCreateWithFlags(&c->copies, cudaStreamNonBlocking), err, "cudaStreamCreate");
    if (s == SAINT_OK) s = saint_cuda_check(c, cudaEventCreateWithFlags(&c->arrived, cudaEventDisableTiming), err, "cudaEventCreate");
    if (s == SAINT_OK) s = saint_cuda_check(c, keep_memory(c->device), err, "cudaMemPoolSetAttribute");
    if (s == SAINT_OK) s = saint_cuda_check(c, saint_cuda_attention_prepare(), err, "cudaFuncSetAttribute of attention");
    if (s == SAINT_OK) s = saint_cuda_transfer_open(c, err);
    if (s == SAINT_OK) s = saint_cuda_choose_open(c, err);
    if (s == SAINT_OK) s = saint_cuda_window_open(c, err);
    return s == SAINT_OK ? saint_cuda_lt_open(c, err) : s;
}

saint_status saint_backend_cuda_open(saint_backend **out, int device, saint_dtype compute, saint_error *err)
{
    char why[160] = "";
    *out = NULL;
    if (compute != SAINT_F32 && compute != SAINT_F16 && compute != SAINT_BF16)
        return saint_fail(err, SAINT_INVALID, "CUDA backend: expected compute type F32, F16 or BF16, found %s", saint_dtype_name(compute));
    int n = saint_cuda_devices(NULL, 0, why, sizeof why);
    if (n == 0) return saint_fail(err, SAINT_DEVICE, "CUDA: %s; use --backend cpu", why);
    if (device < 0 || device >= n) return saint_fail(err, SAINT_INVALID, "CUDA device %d: expected 0 to %d", device, n - 1);
    saint_cuda *c = calloc(1, sizeof *c);
    if (!c) return saint_fail(err, SAINT_MEMORY, "no memory for a CUDA backend");
    c->base = (saint_backend){.op = &saint_cuda_ops, .compute = compute, .async = true};
    c->device = device;
    pthread_mutex_init(&c->recording_lock, NULL); /* default attributes: cannot fail on Linux */
    pthread_mutex_init(&c->window.lock, NULL);
    saint_status s = open_device(c, err);
    if (s != SAINT_OK) {
        saint_cuda_close(&c->base);
        return s;
    }
    *out = &c->base;
    return SAINT_OK;
}
