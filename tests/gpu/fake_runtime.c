/* fake_runtime.c - CUDA devices made of host memory, for the CUDA backend's own code. Late and strict: a stream does nothing before somebody
 * waits for it, so a buffer that the host fills again too early, or a kernel that does not wait for a copy on another stream, gives wrong
 * numbers; allocations are NaN and end before a page that nobody may touch, and so is pinned memory that a copy is on its way to; a recorded
 * graph reads its memory when it is replayed; an error is remembered until somebody asks for the last one. What it cannot do, it refuses, and
 * pinned memory that goes while a copy needs it ends the test. */
#define _GNU_SOURCE
#include "gpu/fake_runtime.h"

#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "gpu/fake_internal.h"

enum { PAGE = 4096, MOST_BLOCKS = 1 << 16, MOST_DEVICES = 8, MOST_PINNED = 256, MOST_LOG = 1 << 16, MOST_CALLS = 1 << 15, MOST_KERNELS = 256 };

typedef struct {
    fake_work run;
    void (*drop)(void *ctx);
    void *ctx;
} work;

typedef struct {
    work *w;
    int n, cap;
    int refs; /* of graphs: the handle, executables, launches under way */
} work_list;

struct CUstream_st {
    work_list todo;
    long base; /* pieces of work that were done before todo.w[0] */
    int done;  /* of todo */
    bool running;
    work_list *recording;
    bool spoiled; /* a call that no recording survives */
    int number, device;
    struct CUstream_st *next; /* of all */
};

struct CUevent_st {
    struct CUstream_st *s;
    long at; /* all work of s before this one */
};

static struct {
    char *base, *start;
    size_t pages, room;
    int device;
} block[MOST_BLOCKS];
static int n_blocks;
static struct {
    char *p;
    size_t bytes;
} pinned[MOST_PINNED];
static int n_pinned, n_devices = 1, objects, streams_made;
static size_t limit = (size_t)1 << 32, used[MOST_DEVICES], most[MOST_DEVICES], peak; /* most: since it was last reset */
static cudaError_t sticky;
static long refused, launches, replays, calls, fail_at, stream_waits, event_waits;
static cudaError_t fail_with;
static const char *failed = "", *called[MOST_CALLS];
static fake_copy copies_seen[MOST_LOG];
static int n_copies;
static struct CUstream_st *streams;
static struct {
    const void *kernel;
    size_t shared;
    int device;
} allowed[MOST_KERNELS];
static struct {
    const void *kernel;
    int device;
} loaded[MOST_KERNELS];
static int n_allowed, n_loaded;
static _Thread_local int current;
static _Thread_local cudaError_t last; /* that nobody has asked for */
static _Thread_local struct CUstream_st *recorder; /* the stream that this thread records */
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP; /* checkpoints are released on any thread */

static void enter(void) { pthread_mutex_lock(&lock); }

cudaError_t fake_told(cudaError_t e)
{
    if (e != cudaSuccess) last = e;
    return e;
}

static cudaError_t leave(cudaError_t e)
{
    pthread_mutex_unlock(&lock);
    return fake_told(e);
}

/* ---- for tests ---- */

void fake_device_count(int n) { n_devices = n; }

void fake_device_memory(size_t bytes) { limit = bytes; }

size_t fake_device_used(void)
{
    size_t sum = 0;
    for (int i = 0; i < MOST_DEVICES; i++) sum += used[i];
    return sum;
}

size_t fake_device_used_on(int device) { return used[device]; }

size_t fake_device_peak(void)
{
    size_t top = peak;
    peak = fake_device_used();
    return top;
}

long fake_refused(void) { return refused; }

void fake_device_fails(int error) { sticky = (cudaError_t)error; }

long fake_launches(void) { return launches; }

long fake_replays(void) { return replays; }

long fake_stream_waits(void) { return stream_waits; }

long fake_event_waits(void) { return event_waits; }

int fake_objects(void) { return objects; }

void fake_fail_call(long number, int error)
{
    calls = 0;
    fail_at = number;
    fail_with = (cudaError_t)error;
    failed = "";
}

long fake_calls(void) { return calls; }

const char *fake_failed_call(void) { return failed; }

void fake_log_clear(void)
{
    n_copies = 0;
    streams_made = 0;
}

int fake_log(const fake_copy **out)
{
    *out = copies_seen;
    return n_copies;
}

const char *fake_called(long number) { return number >= 1 && number <= calls && number < MOST_CALLS ? called[number] : ""; }

cudaError_t fake_count(const char *name)
{
    enter();
    if (calls + 1 < MOST_CALLS) called[calls + 1] = name;
    bool fails = ++calls == fail_at;
    if (fails) failed = name;
    pthread_mutex_unlock(&lock);
    return fails ? fail_with : cudaSuccess;
}

cudaError_t fake_call(const char *name) { return fake_told(fake_count(name)); }

void fake_count_object(int change) { objects += change; }

void fake_count_launch(void) { launches++; }

cudaError_t fake_sticky(void) { return sticky; }

/* ---- streams ---- */

static void add(work_list *l, const work *w)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 64;
        l->w = realloc(l->w, (size_t)l->cap * sizeof *l->w);
        if (!l->w) abort();
    }
    l->w[l->n++] = *w;
}

static void drop_all(work_list *l, int from)
{
    for (int i = from; i < l->n; i++) l->w[i].drop(l->w[i].ctx);
    l->n = 0;
}

/* Everything up to number `end` of the stream's work. */
static cudaError_t run_until(struct CUstream_st *s, long end)
{
    if (s->running) return cudaSuccess; /* only an event may lead back here, and it names work that is done */
    s->running = true;
    while (s->base + s->done < end && s->done < s->todo.n) {
        work w = s->todo.w[s->done++];
        if (!sticky) {
            cudaError_t e = w.run(w.ctx);
            if (e != cudaSuccess) sticky = e;
        }
        w.drop(w.ctx);
    }
    s->running = false;
    if (s->done == s->todo.n) {
        s->base += s->todo.n;
        s->done = s->todo.n = 0;
    }
    return sticky;
}

static cudaError_t run_all(struct CUstream_st *s) { return run_until(s, s->base + s->todo.n); }

static cudaError_t spoil(struct CUstream_st *s)
{
    s->spoiled = true;
    return cudaErrorStreamCaptureUnsupported;
}

/* Calls that a thread may not make while it records, whatever stream they are about. */
static cudaError_t unsafe_call(const char *name)
{
    cudaError_t e = fake_call(name);
    return e == cudaSuccess && recorder ? fake_told(spoil(recorder)) : e;
}

cudaError_t fake_queue(cudaStream_t s, fake_work run, void (*drop)(void *ctx), void *ctx)
{
    work w = {run, drop, ctx};
    enter();
    if (sticky || s->device != current) { /* a stream of another device than the calling thread's */
        drop(ctx);
        return leave(sticky ? sticky : cudaErrorInvalidResourceHandle);
    }
    add(s->recording ? s->recording : &s->todo, &w);
    return leave(cudaSuccess);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *s, unsigned flags)
{
    cudaError_t e = fake_call("cudaStreamCreateWithFlags");
    *s = NULL;
    if (e != cudaSuccess || flags != cudaStreamNonBlocking) return fake_told(e != cudaSuccess ? e : cudaErrorNotSupported);
    *s = calloc(1, sizeof **s);
    if (!*s) return cudaErrorMemoryAllocation;
    (*s)->device = current;
    (*s)->number = ++streams_made;
    enter();
    (*s)->next = streams;
    streams = *s;
    fake_count_object(1);
    return leave(cudaSuccess);
}

cudaError_t cudaStreamDestroy(cudaStream_t s)
{
    enter();
    run_all(s);
    drop_all(&s->todo, s->done);
    free(s->todo.w);
    struct CUstream_st **at = &streams;
    while (*at != s) at = &(*at)->next;
    *at = s->next;
    free(s);
    fake_count_object(-1);
    return leave(cudaSuccess);
}

cudaError_t cudaStreamQuery(cudaStream_t s)
{
    enter();
    if (s->recording) return leave(spoil(s));
    return leave(sticky ? sticky : s->todo.n ? cudaErrorNotReady : cudaSuccess);
}

cudaError_t cudaStreamSynchronize(cudaStream_t s)
{
    cudaError_t e = unsafe_call("cudaStreamSynchronize");
    if (e != cudaSuccess) return e;
    enter();
    stream_waits++;
    return leave(s->recording ? spoil(s) : run_all(s));
}

/* ---- events ---- */

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *out, unsigned flags)
{
    cudaError_t e = fake_call("cudaEventCreateWithFlags");
    (void)flags;
    *out = e == cudaSuccess ? calloc(1, sizeof **out) : NULL;
    if (*out) fake_count_object(1);
    return e;
}

cudaError_t cudaEventDestroy(cudaEvent_t e)
{
    free(e);
    fake_count_object(-1);
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s)
{
    cudaError_t f = fake_call("cudaEventRecord");
    if (f != cudaSuccess) return f;
    enter();
    if (s->recording) return leave(spoil(s));
    e->s = s;
    e->at = s->base + s->todo.n;
    return leave(sticky);
}

static cudaError_t note_time(void *ctx)
{
    struct CUevent_st *e = *(struct CUevent_st **)ctx;
    e->at = 0;
    return cudaSuccess;
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t e, cudaStream_t s, unsigned flags)
{
    if (flags == cudaEventRecordDefault) return cudaEventRecord(e, s);
    cudaError_t f = fake_call("cudaEventRecordWithFlags");
    if (f != cudaSuccess) return f;
    if (flags != cudaEventRecordExternal || !s->recording) return fake_told(cudaErrorNotSupported);
    struct CUevent_st **held = malloc(sizeof *held);
    if (!held) return cudaErrorMemoryAllocation;
    *held = e;
    e->s = s;
    e->at = LONG_MAX; /* until it is replayed */
    return fake_queue(s, note_time, free, held);
}

cudaError_t cudaEventSynchronize(cudaEvent_t e)
{
    cudaError_t f = unsafe_call("cudaEventSynchronize");
    if (f != cudaSuccess) return f;
    enter();
    event_waits++;
    return leave(e->s ? run_until(e->s, e->at) : sticky);
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to)
{
    cudaError_t f = unsafe_call("cudaEventElapsedTime");
    *ms = 0.5f; /* of a device that takes no time */
    if (f != cudaSuccess) return f;
    enter();
    bool done = from->s && to->s && from->s->base + from->s->done >= from->at && to->s->base + to->s->done >= to->at;
    return leave(done ? sticky : cudaErrorNotReady);
}

static cudaError_t wait_for(void *ctx)
{
    struct CUevent_st *e = ctx;
    return e->s ? run_until(e->s, e->at) : cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t e, unsigned flags)
{
    cudaError_t f = fake_call("cudaStreamWaitEvent");
    (void)flags;
    if (f != cudaSuccess) return f;
    if (s->recording) return fake_told(spoil(s));
    struct CUevent_st *copy = malloc(sizeof *copy); /* the event may be recorded again */
    if (!copy) return cudaErrorMemoryAllocation;
    *copy = *e;
    return fake_queue(s, wait_for, free, copy);
}

/* ---- graphs ---- */

static void unref(void *graph)
{
    work_list *g = graph;
    if (--g->refs > 0) return;
    drop_all(g, 0);
    free(g->w);
    free(g);
}

cudaError_t cudaStreamBeginCapture(cudaStream_t s, enum cudaStreamCaptureMode mode)
{
    cudaError_t e = fake_call("cudaStreamBeginCapture");
    if (e != cudaSuccess) return e;
    enter();
    if (s->recording) return leave(cudaErrorIllegalState);
    if (mode != cudaStreamCaptureModeThreadLocal) return leave(cudaErrorNotSupported);
    s->recording = calloc(1, sizeof *s->recording);
    s->spoiled = false;
    if (s->recording) s->recording->refs = 1;
    if (s->recording) recorder = s;
    return leave(s->recording ? sticky : cudaErrorMemoryAllocation);
}

cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t *out)
{
    cudaError_t e = fake_call("cudaStreamEndCapture");
    enter();
    work_list *g = s->recording;
    *out = NULL;
    if (!g) return leave(cudaErrorIllegalState);
    if (recorder != s) return leave(cudaErrorStreamCaptureWrongThread);
    s->recording = NULL;
    recorder = NULL;
    if (e != cudaSuccess || s->spoiled) {
        unref(g);
        return leave(e != cudaSuccess ? e : cudaErrorStreamCaptureInvalidated);
    }
    fake_count_object(1);
    *out = (cudaGraph_t)(void *)g;
    return leave(cudaSuccess);
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *out, cudaGraph_t graph, unsigned long long flags)
{
    cudaError_t e = fake_call("cudaGraphInstantiate");
    (void)flags;
    *out = NULL;
    if (e != cudaSuccess) return e;
    enter();
    ((work_list *)(void *)graph)->refs++;
    fake_count_object(1);
    *out = (cudaGraphExec_t)(void *)graph;
    return leave(cudaSuccess);
}

cudaError_t cudaGraphDestroy(cudaGraph_t g)
{
    enter();
    unref(g);
    fake_count_object(-1);
    return leave(cudaSuccess);
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t g)
{
    enter();
    unref(g);
    fake_count_object(-1);
    return leave(cudaSuccess);
}

static cudaError_t play(void *graph)
{
    work_list *g = graph;
    for (int i = 0; i < g->n && !sticky; i++) {
        cudaError_t e = g->w[i].run(g->w[i].ctx);
        if (e != cudaSuccess) return e;
    }
    return sticky;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t s)
{
    cudaError_t e = fake_call("cudaGraphLaunch");
    if (e != cudaSuccess) return e;
    enter();
    if (s->recording) return leave(spoil(s));
    ((work_list *)(void *)graph)->refs++;
    replays++;
    return leave(fake_queue(s, play, unref, graph));
}

/* ---- devices ---- */

cudaError_t cudaGetDeviceCount(int *n)
{
    cudaError_t e = fake_call("cudaGetDeviceCount");
    *n = e == cudaSuccess ? n_devices : 0;
    return fake_told(e != cudaSuccess ? e : n_devices ? cudaSuccess : cudaErrorNoDevice);
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int device)
{
    cudaError_t e = fake_call("cudaGetDeviceProperties");
    if (e != cudaSuccess) return e;
    if (device < 0 || device >= n_devices) return fake_told(cudaErrorInvalidDevice);
    memset(p, 0, sizeof *p);
    strcpy(p->name, "emulated");
    p->major = 9;
    p->multiProcessorCount = 132;
    p->totalGlobalMem = limit;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device)
{
    cudaError_t e = fake_call("cudaSetDevice");
    if (e != cudaSuccess) return e;
    if (device < 0 || device >= n_devices) return fake_told(cudaErrorInvalidDevice);
    current = device;
    return cudaSuccess;
}

cudaError_t cudaGetLastError(void)
{
    cudaError_t e = sticky ? sticky : last;
    last = cudaSuccess;
    return e;
}

const char *cudaGetErrorName(cudaError_t e)
{
    switch (e) {
    case cudaErrorIllegalAddress: return "cudaErrorIllegalAddress";
    case cudaErrorInvalidConfiguration: return "cudaErrorInvalidConfiguration";
    case cudaErrorInvalidValue: return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation: return "cudaErrorMemoryAllocation";
    case cudaErrorStreamCaptureUnsupported: return "cudaErrorStreamCaptureUnsupported";
    case cudaErrorStreamCaptureInvalidated: return "cudaErrorStreamCaptureInvalidated";
    default: return "an error";
    }
}

const char *cudaGetErrorString(cudaError_t e)
{
    (void)e;
    return "of the emulated device";
}

cudaError_t cudaFuncSetAttribute(const void *f, enum cudaFuncAttribute attribute, int value)
{
    cudaError_t e = fake_call("cudaFuncSetAttribute");
    if (e != cudaSuccess) return e;
    enter();
    int i = 0;
    while (i < n_allowed && (allowed[i].kernel != f || allowed[i].device != current)) i++;
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 || value > 227 * 1024 || i == MOST_KERNELS) return leave(cudaErrorInvalidValue);
    allowed[i].kernel = f;
    allowed[i].device = current;
    allowed[i].shared = (size_t)value;
    if (i == n_allowed) n_allowed++;
    return leave(cudaSuccess);
}

void fake_load(const void *kernel, cudaStream_t s)
{
    int i = 0;
    enter();
    while (i < n_loaded && (loaded[i].kernel != kernel || loaded[i].device != current)) i++;
    if (i == n_loaded && s->recording) (void)spoil(s);
    if (i == n_loaded && n_loaded < MOST_KERNELS) {
        loaded[i].kernel = kernel;
        loaded[n_loaded++].device = current;
    }
    pthread_mutex_unlock(&lock);
}

size_t fake_shared_of(const void *kernel)
{
    size_t most_shared = 0;
    enter();
    for (int i = 0; i < n_allowed; i++)
        if (allowed[i].kernel == kernel && allowed[i].device == current) most_shared = allowed[i].shared;
    pthread_mutex_unlock(&lock);
    return most_shared;
}

/* ---- memory ---- */

typedef struct {
    void *to;
    const void *from;
    size_t bytes;
    char held[]; /* what a copy from pageable memory has taken at once */
} copying;

static cudaError_t copy_now(void *ctx)
{
    copying *c = ctx;
    memcpy(c->to, c->from, c->bytes);
    return cudaSuccess;
}

/* cudaFreeHost need not wait, and the copy engine would read or write what is somebody else's by then. */
static void nobody_copies(const struct CUstream_st *s, const char *p, size_t bytes)
{
    for (int i = s->done; i < s->todo.n && !sticky; i++) {
        const copying *c = s->todo.w[i].ctx;
        if (s->todo.w[i].run != copy_now || (((const char *)c->to >= p + bytes || (const char *)c->to + c->bytes <= p) &&
                                             ((const char *)c->from >= p + bytes || (const char *)c->from + c->bytes <= p)))
            continue;
        fprintf(stderr, "FAILED: pinned memory goes while a copy of %zu bytes needs it\n", c->bytes);
        abort();
    }
}

cudaError_t cudaMallocHost(void **p, size_t bytes)
{
    cudaError_t e = unsafe_call("cudaMallocHost");
    *p = NULL;
    if (e != cudaSuccess) return e;
    enter();
    *p = n_pinned < MOST_PINNED ? malloc(bytes) : NULL;
    if (!*p) return leave(cudaErrorMemoryAllocation);
    pinned[n_pinned].p = *p;
    pinned[n_pinned++].bytes = bytes;
    fake_count_object(1);
    return leave(cudaSuccess);
}

cudaError_t cudaFreeHost(void *p)
{
    enter();
    if (recorder) return leave(spoil(recorder));
    for (int i = 0; i < n_pinned; i++)
        if (pinned[i].p == p) {
            for (struct CUstream_st *s = streams; s; s = s->next) nobody_copies(s, pinned[i].p, pinned[i].bytes);
            pinned[i] = pinned[--n_pinned];
            free(p);
            fake_count_object(-1);
            return leave(cudaSuccess);
        }
    return leave(cudaErrorInvalidValue);
}

static bool is_pinned(const void *p, size_t bytes)
{
    for (int i = 0; i < n_pinned; i++)
        if ((const char *)p >= pinned[i].p && (const char *)p + bytes <= pinned[i].p + pinned[i].bytes) return true;
    return false;
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *pool, int device)
{
    cudaError_t e = fake_call("cudaDeviceGetDefaultMemPool");
    *pool = (cudaMemPool_t)(intptr_t)(device + 1);
    return e;
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, enum cudaMemPoolAttr attribute, void *value)
{
    cudaError_t e = fake_call("cudaMemPoolSetAttribute");
    if (e != cudaSuccess || attribute != cudaMemPoolAttrUsedMemHigh) return e;
    if (*(uint64_t *)value) return cudaErrorInvalidValue;
    most[(intptr_t)pool - 1] = 0;
    return cudaSuccess;
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, enum cudaMemPoolAttr attribute, void *value)
{
    cudaError_t e = fake_call("cudaMemPoolGetAttribute");
    if (e != cudaSuccess) return e;
    if (attribute != cudaMemPoolAttrUsedMemHigh && attribute != cudaMemPoolAttrUsedMemCurrent) return cudaErrorInvalidValue;
    *(uint64_t *)value = (attribute == cudaMemPoolAttrUsedMemHigh ? most : used)[(intptr_t)pool - 1];
    return cudaSuccess;
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t keep)
{
    (void)pool;
    (void)keep;
    return unsafe_call("cudaMemPoolTrimTo");
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    cudaError_t e = fake_call("cudaMemGetInfo");
    if (e != cudaSuccess) return e;
    *available = limit > used[current] ? limit - used[current] : 0;
    *total = limit;
    return cudaSuccess;
}

cudaError_t cudaMallocAsync(void **p, size_t bytes, cudaStream_t s)
{
    size_t room = (bytes + 255) / 256 * 256, pages = (room + PAGE - 1) / PAGE + 1;
    cudaError_t e = fake_call("cudaMallocAsync");
    *p = NULL;
    if (e != cudaSuccess) return e;
    enter();
    if (s->recording) return leave(spoil(s));
    if (sticky) return leave(sticky);
    if (used[s->device] > limit || room > limit - used[s->device] || n_blocks == MOST_BLOCKS) {
        refused++;
        return leave(cudaErrorMemoryAllocation);
    }
    char *base = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) return leave(cudaErrorMemoryAllocation);
    memset(base, 0xff, (pages - 1) * PAGE);
    mprotect(base + (pages - 1) * PAGE, PAGE, PROT_NONE);
    char *start = base + (pages - 1) * PAGE - room; /* 256-byte aligned, as the real one, and at the end of its pages */
    block[n_blocks].base = base;
    block[n_blocks].start = start;
    block[n_blocks].device = s->device;
    block[n_blocks].room = room;
    block[n_blocks++].pages = pages;
    used[s->device] += room;
    most[s->device] = used[s->device] > most[s->device] ? used[s->device] : most[s->device];
    if (fake_device_used() > peak) peak = fake_device_used();
    *p = start;
    return leave(cudaSuccess);
}

typedef struct {
    char *base;
    size_t bytes;
} mapping;

static cudaError_t unmap(void *ctx)
{
    (void)ctx;
    return cudaSuccess;
}

static void drop_mapping(void *ctx)
{
    mapping *m = ctx;
    munmap(m->base, m->bytes);
    free(m);
}

/* In its place in the stream the memory goes; what is allocated later may count on it at once. */
cudaError_t cudaFreeAsync(void *p, cudaStream_t s)
{
    enter();
    if (s->recording) return leave(spoil(s));
    for (int i = n_blocks - 1; i >= 0; i--)
        if (block[i].start == p) {
            mapping *m = malloc(sizeof *m);
            if (!m) abort();
            *m = (mapping){block[i].base, block[i].pages * PAGE};
            used[block[i].device] -= block[i].room;
            block[i] = block[--n_blocks];
            if (sticky) drop_mapping(m);
            else fake_queue(s, unmap, drop_mapping, m);
            return leave(cudaSuccess);
        }
    return leave(cudaErrorInvalidValue);
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t s)
{
    cudaError_t e = fake_call("cudaMemcpyAsync");
    if (e != cudaSuccess) return e;
    enter();
    if (sticky) return leave(sticky);
    bool up = kind == cudaMemcpyHostToDevice, down = kind == cudaMemcpyDeviceToHost, held = up && !is_pinned(from, bytes);
    if (s->recording && ((up && held) || (down && !is_pinned(to, bytes)))) return leave(spoil(s));
    copying *c = malloc(sizeof *c + (held ? bytes : 0));
    if (!c) return leave(cudaErrorMemoryAllocation);
    *c = (copying){to, from, bytes};
    if (held) c->from = memcpy(c->held, from, bytes);
    if (up && n_copies < MOST_LOG) copies_seen[n_copies++] = (fake_copy){from, to, bytes, !held, s->number};
    if (down && !s->recording && is_pinned(to, bytes)) memset(to, 0xff, bytes); /* until it has arrived */
    e = fake_queue(s, copy_now, free, c);
    if (e == cudaSuccess && down && !is_pinned(to, bytes)) {
        stream_waits++;
        e = run_all(s);
    }
    return leave(e);
}

typedef struct {
    void *to;
    int value;
    size_t bytes;
} setting;

static cudaError_t set_now(void *ctx)
{
    setting *x = ctx;
    memset(x->to, x->value, x->bytes);
    return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t s)
{
    cudaError_t e = fake_call("cudaMemsetAsync");
    setting *x = e == cudaSuccess ? malloc(sizeof *x) : NULL;
    if (e != cudaSuccess || !x) return e != cudaSuccess ? e : cudaErrorMemoryAllocation;
    *x = (setting){to, value, bytes};
    return fake_queue(s, set_now, free, x);
}
