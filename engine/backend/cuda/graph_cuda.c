/* graph_cuda.c - work that is recorded once and replayed: a CUDA graph, the host arguments of its operations, and what it must not contain.
 *
 * Capture is relaxed to this thread: others may go on using the device, but what they release to this backend's stream waits. */
#include <stdlib.h>
#include <string.h>

#include "backend/cuda/cuda.h"

/* Lists that the layers of a network share are kept once, so this is room for whole networks. */
enum { ARGUMENTS = 1 << 20, PIECES = 256 };

struct saint_recording {
    cudaGraphExec_t graph;
    char *host, *device; /* arguments, ARGUMENTS bytes on both sides; host only while recording */
    size_t used;
    struct {
        size_t at, bytes;
    } piece[PIECES];
    int n_pieces;
    const void *scratch; /* of the backend, when it was recorded */
};

saint_status saint_cuda_unrecorded(saint_cuda *c, const char *what, saint_error *err)
{
    if (!c->recording) return SAINT_OK;
    return saint_fail(err, SAINT_STATE, "CUDA device %d (%s): %s cannot be part of recorded work; do the work once before it is recorded", c->device, c->name,
                      what);
}

saint_status saint_cuda_recorded_argument(saint_cuda *c, const void *host, size_t bytes, const void **out, saint_error *err)
{
    saint_recording *r = c->recording;
    size_t room = (bytes + 255) / 256 * 256;
    for (int i = 0; i < r->n_pieces; i++)
        if (r->piece[i].bytes == bytes && memcmp(r->host + r->piece[i].at, host, bytes) == 0) {
            *out = r->device + r->piece[i].at;
            return SAINT_OK;
        }
    if (room > ARGUMENTS - r->used)
        return saint_fail(err, SAINT_STATE, "CUDA device %d (%s): the arguments of recorded work take more than %d bytes", c->device, c->name, ARGUMENTS);
    if (bytes) memcpy(r->host + r->used, host, bytes);
    if (r->n_pieces < PIECES) {
        r->piece[r->n_pieces].at = r->used;
        r->piece[r->n_pieces++].bytes = bytes;
    }
    *out = r->device + r->used;
    r->used += room;
    return SAINT_OK;
}

void saint_cuda_forget(saint_backend *b, saint_recording *r)
{
    saint_cuda *c = (saint_cuda *)b;
    if (!r) return;
    if (cudaSetDevice(c->device) != cudaSuccess) (void)cudaGetLastError();
    if (r->graph && cudaGraphExecDestroy(r->graph) != cudaSuccess) (void)cudaGetLastError(); /* one that runs goes when it is done */
    saint_cuda_release_now(c, r->device);
    free(r->host);
    free(r);
}

saint_status saint_cuda_record(saint_backend *b, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    if (s != SAINT_OK) return s;
    if (c->recording) return saint_fail(err, SAINT_STATE, "CUDA device %d (%s): work is being recorded already", c->device, c->name);
    saint_recording *r = calloc(1, sizeof *r);
    void *device = NULL;
    if (r) r->host = malloc(ARGUMENTS);
    s = r && r->host ? saint_cuda_alloc_for(c, "recorded arguments", ARGUMENTS, &device, err)
                     : saint_fail(err, SAINT_MEMORY, "no memory to record work of the device");
    if (r) r->device = device;
    if (s == SAINT_OK) {
        pthread_mutex_lock(&c->recording_lock);
        s = saint_cuda_check(c, cudaStreamBeginCapture(c->stream, cudaStreamCaptureModeThreadLocal), err, "cudaStreamBeginCapture");
        if (s == SAINT_OK) {
            c->recording = r;
            r->scratch = c->scratch;
            return SAINT_OK;
        }
        pthread_mutex_unlock(&c->recording_lock);
    }
    saint_cuda_forget(b, r);
    return s;
}

saint_status saint_cuda_recorded(saint_backend *b, saint_recording **out, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_recording *r = c->recording;
    cudaGraph_t graph = NULL;
    if (out) *out = NULL;
    if (!r) return saint_fail(err, SAINT_STATE, "CUDA device %d (%s): nothing is being recorded", c->device, c->name);
    cudaError_t e = cudaStreamEndCapture(c->stream, &graph);
    c->recording = NULL;
    pthread_mutex_unlock(&c->recording_lock);
    saint_status s = SAINT_OK;
    if (!out && e != cudaSuccess) (void)cudaGetLastError(); /* what spoiled it has been told */
    if (out) s = saint_cuda_check(c, e, err, "cudaStreamEndCapture");
    if (out && s == SAINT_OK) s = saint_cuda_check(c, cudaGraphInstantiate(&r->graph, graph, 0), err, "cudaGraphInstantiate");
    if (graph && cudaGraphDestroy(graph) != cudaSuccess) (void)cudaGetLastError();
    if (out && s == SAINT_OK && r->used) s = saint_cuda_upload(c, r->device, r->host, r->used, err);
    if (!out || s != SAINT_OK) {
        saint_cuda_forget(b, r);
        return s;
    }
    free(r->host);
    r->host = NULL;
    *out = r;
    return SAINT_OK;
}

bool saint_cuda_recording_valid(const saint_backend *b, const saint_recording *r)
{
    return r->scratch == ((const saint_cuda *)b)->scratch;
}

saint_status saint_cuda_replay(saint_backend *b, const saint_recording *r, saint_error *err)
{
    saint_cuda *c = (saint_cuda *)b;
    saint_status s = saint_cuda_enter(c, err);
    if (s == SAINT_OK) s = saint_cuda_unrecorded(c, "a replay", err);
    if (s != SAINT_OK) return s;
    if (!saint_cuda_recording_valid(b, r)) return saint_fail(err, SAINT_STATE, "CUDA device %d (%s): recorded work uses memory that is gone", c->device, c->name);
    return saint_cuda_check(c, cudaGraphLaunch(r->graph, c->stream), err, "cudaGraphLaunch");
}
