/* peek_cuda.c - looking at finished things in the device's memory from any thread: a stream and a little pinned memory of their own, so that the
 * thread that works with the backend neither waits nor is asked. */
#include <string.h>

#include "backend/cuda/cuda.h"

saint_status saint_cuda_window_open(saint_cuda *c, saint_error *err)
{
    saint_cuda_window *w = &c->window;
    saint_status s = saint_cuda_check(c, cudaStreamCreateWithFlags(&w->stream, cudaStreamNonBlocking), err, "cudaStreamCreate");
    if (s != SAINT_OK) return s;
    return saint_cuda_check(c, cudaMallocHost((void **)&w->host, SAINT_CUDA_WINDOW_BYTES), err, "cudaMallocHost of %d bytes", SAINT_CUDA_WINDOW_BYTES);
}

void saint_cuda_window_close(saint_cuda *c)
{
    if (c->window.host) cudaFreeHost(c->window.host);
    if (c->window.stream && cudaStreamDestroy(c->window.stream) != cudaSuccess) (void)cudaGetLastError();
}

static cudaError_t copy(saint_cuda_window *w, char *host, const char *src, size_t bytes)
{
    cudaError_t e = cudaSuccess;
    for (size_t at = 0; at < bytes && e == cudaSuccess;) {
        size_t n = bytes - at < SAINT_CUDA_WINDOW_BYTES ? bytes - at : SAINT_CUDA_WINDOW_BYTES;
        e = cudaMemcpyAsync(w->host, src + at, n, cudaMemcpyDeviceToHost, w->stream);
        if (e == cudaSuccess) e = cudaStreamSynchronize(w->stream);
        if (e == cudaSuccess) memcpy(host + at, w->host, n);
        at += n;
    }
    return e;
}

/* Of c only what never changes is read, and nothing is written: whether the device is lost finds out who works with it. */
saint_status saint_cuda_peek(saint_backend *b, void *host, const void *src, size_t bytes, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    pthread_mutex_lock(&c->window.lock);
    cudaError_t e = cudaSetDevice(c->device);
    if (e == cudaSuccess) e = copy(&c->window, host, src, bytes);
    if (e != cudaSuccess) (void)cudaGetLastError();
    pthread_mutex_unlock(&c->window.lock);
    if (e == cudaSuccess) return SAINT_OK;
    return saint_fail(err, SAINT_DEVICE, "CUDA device %d (%s): look at %zu bytes: %s (%s)", c->device, c->name, bytes, cudaGetErrorName(e), cudaGetErrorString(e));
}
