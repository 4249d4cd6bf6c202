/* transfer.c - the ways to the device and back: stages for weights, a ring for arguments, a mailbox for small results, and the table of what
 * is on the device already.
 *
 * Weights travel on a stream of their own, in the order in which they are first used. Nobody waits for one but the first operation that reads
 * it: while the device computes one layer the host reads the next one's pages and the copy engine moves them. */
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
        st = saint_cuda_check(c, cudaMallocHost((void **)&c->mailbox, SAINT_CUDA_MAILBOX_BYTES), err, "cudaMallocHost of %d bytes", SAINT_CUDA_MAILBOX_BYTES);
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
    saint_cuda_release_now(c, c->raw);
    if (c->mailbox) cudaFreeHost(c->mailbox);
    if (r->host) cudaFreeHost(r->host);
    saint_cuda_release_now(c, r->device);
    for (int i = 0; i < r->n_old; i++) {
        cudaFreeHost(r->old_host[i]);
        saint_cuda_release_now(c, r->old_device[i]);
    }
}

static saint_status upload(saint_cuda *c, cudaStream_t stream, void *dst, const void *host, size_t bytes, saint_error *err)
{
    for (size_t at = 0; at < bytes;) {
        saint_cuda_stages *s = &c->stages;
        size_t n = bytes - at < SAINT_CUDA_STAGE_BYTES ? bytes - at : SAINT_CUDA_STAGE_BYTES;
        int i = s->next;
        s->next = (i + 1) % SAINT_CUDA_STAGES;
        saint_status st = saint_cuda_check(c, cudaEventSynchronize(s->free[i]), err, "upload of %zu bytes", bytes);
        if (st != SAINT_OK) return st;
        memcpy(s->host[i], (const char *)host + at, n); /* here the mapped file is read */
        st = saint_cuda_check(c, cudaMemcpyAsync((char *)dst + at, s->host[i], n, cudaMemcpyHostToDevice, stream), err, "upload of %zu bytes", bytes);
        if (st == SAINT_OK) st = saint_cuda_check(c, cudaEventRecord(s->free[i], stream), err, "upload of %zu bytes", bytes);
        if (st != SAINT_OK) return st;
        at += n;
    }
    return SAINT_OK;
}

saint_status saint_cuda_upload(saint_cuda *c, void *dst, const void *host, size_t bytes, saint_error *err)
{
    saint_status s = saint_cuda_unrecorded(c, "an upload", err);
    return s == SAINT_OK ? upload(c, c->stream, dst, host, bytes, err) : s;
}

saint_status saint_cuda_download(saint_cuda *c, void *host, const void *src, size_t bytes, saint_error *err)
{
    saint_status s = saint_cuda_unrecorded(c, "a download", err);
    void *to = bytes <= SAINT_CUDA_MAILBOX_BYTES ? c->mailbox : host; /* large ones are staged by the driver */
    if (s == SAINT_OK && bytes)
        s = saint_cuda_check(c, cudaMemcpyAsync(to, src, bytes, cudaMemcpyDeviceToHost, c->stream), err, "download of %zu bytes", bytes);
    if (s == SAINT_OK) s = saint_cuda_check(c, cudaStreamSynchronize(c->stream), err, "download of %zu bytes", bytes);
    if (s == SAINT_OK && bytes && to != host) memcpy(host, to, bytes);
    return s;
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
    if (c->recording) return saint_cuda_recorded_argument(c, host, bytes, out, err);
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

/* Converted in pieces, so that a conversion needs no second copy of a large weight. */
static saint_status upload_converted(saint_cuda *c, const void *host, size_t count, saint_dtype from, void *device, saint_dtype to, saint_error *err)
{
    size_t in = saint_dtype_size(from), out = saint_dtype_size(to), piece = SAINT_CUDA_RAW_BYTES / in;
    saint_status s = c->raw ? SAINT_OK : saint_cuda_alloc_on(c, c->copies, "a weight's conversion", SAINT_CUDA_RAW_BYTES, &c->raw, err);
    for (size_t at = 0; at < count && s == SAINT_OK; at += piece) {
        size_t n = count - at < piece ? count - at : piece;
        s = upload(c, c->copies, c->raw, (const char *)host + at * in, n * in, err);
        if (s == SAINT_OK)
            s = saint_cuda_check(c, saint_cuda_convert(c->raw, from, (char *)device + at * out, to, n, c->copies), err, "conversion of %zu weights", n);
    }
    return s;
}

static saint_status upload_parts(saint_cuda *c, const saint_resident_part *part, int n, saint_dtype to, char *device, saint_error *err)
{
    saint_status s = SAINT_OK;
    for (int i = 0; i < n && s == SAINT_OK; i++) {
        size_t bytes = part[i].count * saint_dtype_size(to);
        if (!part[i].host) s = saint_cuda_check(c, cudaMemsetAsync(device, 0, bytes, c->copies), err, "cudaMemsetAsync of %zu bytes", bytes);
        else if (part[i].from == to) s = upload(c, c->copies, device, part[i].host, bytes, err);
        else s = upload_converted(c, part[i].host, part[i].count, part[i].from, device, to, err);
        device += bytes;
    }
    if (s == SAINT_OK) s = saint_cuda_check(c, cudaEventRecord(c->arrived, c->copies), err, "cudaEventRecord");
    return s == SAINT_OK ? saint_cuda_check(c, cudaStreamWaitEvent(c->stream, c->arrived, 0), err, "cudaStreamWaitEvent") : s;
}

saint_status saint_cuda_resident_joined(saint_cuda *c, const saint_resident_part *part, int n, saint_dtype to, const void **out, saint_error *err)
{
    saint_resident_key key = {.host = part[0].host, .from = part[0].from, .to = to};
    for (int i = 0; i < n; i++) key.count += part[i].count;
    for (int i = 1; i < n; i++) key.joined[i - 1] = part[i].host;
    *out = NULL;
    void *device = saint_residency_find(c->resident, &key);
    if (!device) {
        size_t bytes = key.count * saint_dtype_size(to);
        saint_status s = saint_cuda_unrecorded(c, "a weight that is not on the device yet", err);
        if (s == SAINT_OK) s = saint_cuda_alloc_on(c, c->copies, "a weight", bytes, &device, err);
        if (s == SAINT_OK) s = upload_parts(c, part, n, to, device, err);
        if (s == SAINT_OK) s = saint_residency_put(c->resident, &key, device, bytes, err);
        if (s != SAINT_OK) {
            if (device && cudaFreeAsync(device, c->copies) != cudaSuccess) (void)cudaGetLastError(); /* behind what is on its way there */
            return s;
        }
    }
    *out = device;
    return SAINT_OK;
}

saint_status saint_cuda_resident(saint_cuda *c, const void *host, size_t count, saint_dtype from, saint_dtype to, const void **out, saint_error *err)
{
    *out = NULL;
    return host ? saint_cuda_resident_joined(c, &(saint_resident_part){host, count, from}, 1, to, out, err) : SAINT_OK;
}
