/* transfer.c - the ways to the device: stages for weights, a ring for arguments, and the table of what is there already. */
#include <string.h>

#include "backend/cuda/cuda.h"
#include "backend/cuda/kernels.h"

saint_status saint_cuda_transfer_open(saint_cuda *c, saint_error *err)
{
    saint_cuda_stages *s = &c->stages;
    saint_status st = saint_residency_new(&c->resident, err);
    for (int i = 0; i < SAINT_CUDA_STAGES && st == SAINT_OK; i++) {
        st = saint_cuda_check(c, cudaMallocHost((void **)&s->host[i], SAINT_CUDA_STAGE_BYTES), err, "cudaMallocHost of %d bytes", SAINT_CUDA_STAGE_BYTES);
        if (st == SAINT_OK) st = saint_cuda_check(c, cudaEventCreateWithFlags(&s->free[i], cudaEventDisableTiming), err, "cudaEventCreate");
    }
    if (st == SAINT_OK)
        st = saint_cuda_check(c, cudaMallocHost((void **)&c->ring.host, SAINT_CUDA_RING_BYTES), err, "cudaMallocHost of %d bytes", SAINT_CUDA_RING_BYTES);
    void *p = NULL;
    if (st == SAINT_OK) st = saint_cuda_alloc_for(c, "arguments", SAINT_CUDA_RING_BYTES, &p, err);
    c->ring.device = p;
    c->ring.size = st == SAINT_OK ? SAINT_CUDA_RING_BYTES : 0;
    return st;
}

static void release_copy(void *ctx, void *device)
{
    saint_cuda_release_now(ctx, device);
}

void saint_cuda_transfer_close(saint_cuda *c)
{
    if (c->resident) saint_residency_clear(c->resident, release_copy, c);
    saint_residency_free(c->resident);
    for (int i = 0; i < SAINT_CUDA_STAGES; i++) {
        if (c->stages.free[i]) cudaEventDestroy(c->stages.free[i]);
        if (c->stages.host[i]) cudaFreeHost(c->stages.host[i]);
    }
    saint_cuda_ring *r = &c->ring;
    if (r->host) cudaFreeHost(r->host);
    saint_cuda_release_now(c, r->device);
    for (int i = 0; i < r->n_old; i++) {
        cudaFreeHost(r->old_host[i]);
        saint_cuda_release_now(c, r->old_device[i]);
    }
}

saint_status saint_cuda_upload(saint_cuda *c, void *dst, const void *host, size_t bytes, saint_error *err)
{
    for (size_t at = 0; at < bytes;) {
        saint_cuda_stages *s = &c->stages;
        size_t n = bytes - at < SAINT_CUDA_STAGE_BYTES ? bytes - at : SAINT_CUDA_STAGE_BYTES;
        int i = s->next;
        s->next = (i + 1) % SAINT_CUDA_STAGES;
        saint_status st = saint_cuda_check(c, cudaEventSynchronize(s->free[i]), err, "upload of %zu bytes", bytes);
        if (st != SAINT_OK) return st;
        memcpy(s->host[i], (const char *)host + at, n); /* here the mapped file is read */
        st = saint_cuda_check(c, cudaMemcpyAsync((char *)dst + at, s->host[i], n, cudaMemcpyHostToDevice, c->stream), err, "upload of %zu bytes", bytes);
        if (st == SAINT_OK) st = saint_cuda_check(c, cudaEventRecord(s->free[i], c->stream), err, "upload of %zu bytes", bytes);
        if (st != SAINT_OK) return st;
        at += n;
    }
    return SAINT_OK;
}

static saint_status grow_ring(saint_cuda *c, size_t bytes, saint_error *err)
{
    size_t size = c->ring.size;
    while (size < 4 * bytes) size *= 2;
    void *device = NULL, *host = NULL;
    saint_status s = saint_cuda_alloc_for(c, "arguments", size, &device, err);
    if (s == SAINT_OK) s = saint_cuda_check(c, cudaMallocHost(&host, size), err, "cudaMallocHost of %zu bytes", size);
    if (s != SAINT_OK) {
        saint_cuda_release_now(c, device);
        return s;
    }
    c->ring.old_host[c->ring.n_old] = c->ring.host;
    c->ring.old_device[c->ring.n_old++] = c->ring.device; /* sizes at least double: there is room for all that fit into memory */
    c->ring.host = host;
    c->ring.device = device;
    c->ring.size = size;
    return SAINT_OK;
}

saint_status saint_cuda_argument(saint_cuda *c, const void *host, size_t bytes, const void **out, saint_error *err)
{
    saint_cuda_ring *r = &c->ring;
    size_t room = (bytes + 255) / 256 * 256;
    *out = NULL;
    if (room > r->size - r->used) { /* what was queued may still read the ring */
        saint_status s = saint_cuda_check(c, cudaStreamSynchronize(c->stream), err, "wait for the device");
        if (s == SAINT_OK && 4 * room > r->size) s = grow_ring(c, room, err);
        if (s != SAINT_OK) return s;
        r->used = 0;
    }
    if (bytes) memcpy(r->host + r->used, host, bytes);
    char *to = r->device + r->used;
    cudaError_t e = bytes ? cudaMemcpyAsync(to, r->host + r->used, bytes, cudaMemcpyHostToDevice, c->stream) : cudaSuccess;
    r->used += room;
    *out = to;
    return saint_cuda_check(c, e, err, "arguments of %zu bytes", bytes);
}

/* Converted in pieces through scratch, so that a conversion needs no second copy of a large weight. */
static saint_status upload_converted(saint_cuda *c, const void *host, size_t count, saint_dtype from, void *device, saint_dtype to, saint_error *err)
{
    size_t in = saint_dtype_size(from), out = saint_dtype_size(to), piece = SAINT_CUDA_STAGE_BYTES / in;
    for (size_t at = 0; at < count; at += piece) {
        size_t n = count - at < piece ? count - at : piece;
        void *raw;
        saint_status s = saint_cuda_scratch(c, "a weight's conversion", n * in, &raw, err);
        if (s == SAINT_OK) s = saint_cuda_upload(c, raw, (const char *)host + at * in, n * in, err);
        if (s == SAINT_OK) s = saint_cuda_check(c, saint_cuda_convert(raw, from, (char *)device + at * out, to, n, c->stream), err, "conversion of %zu weights", n);
        if (s != SAINT_OK) return s;
    }
    return SAINT_OK;
}

saint_status saint_cuda_resident(saint_cuda *c, const void *host, size_t count, saint_dtype from, saint_dtype to, const void **out, saint_error *err)
{
    saint_resident_key key = {host, count, from, to};
    *out = NULL;
    if (!host) return SAINT_OK;
    void *device = saint_residency_find(c->resident, &key);
    if (!device) {
        size_t bytes = count * saint_dtype_size(to);
        saint_status s = saint_cuda_alloc_for(c, "a weight", bytes, &device, err);
        if (s == SAINT_OK && from == to) s = saint_cuda_upload(c, device, host, bytes, err);
        else if (s == SAINT_OK) s = upload_converted(c, host, count, from, device, to, err);
        if (s == SAINT_OK) s = saint_residency_put(c->resident, &key, device, bytes, err);
        if (s != SAINT_OK) {
            saint_cuda_release_now(c, device);
            return s;
        }
    }
    *out = device;
    return SAINT_OK;
}
