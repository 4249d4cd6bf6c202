#define _GNU_SOURCE
#include "support/checked_backend.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096 };
static const size_t RESERVE = (size_t)1 << 36; /* addresses, not memory: nothing is ever used twice, so stale pointers show too */

typedef struct {
    saint_backend base;
    saint_backend *inner;
    char *arena;
    size_t used;
    long calls, reads;
    pthread_mutex_t lock; /* the last reference to a checkpoint may go on another thread */
} checked;

static checked *of(saint_backend *b)
{
    return (checked *)b;
}

static void set_access(checked *c, int access)
{
    if (c->used) mprotect(c->arena, c->used, access);
}

static bool inside(const checked *c, const void *p)
{
    return (uintptr_t)p >= (uintptr_t)c->arena && (uintptr_t)p < (uintptr_t)c->arena + RESERVE;
}

static saint_status want(const checked *c, const char *op, const char *name, const void *p, bool backend, saint_error *err)
{
    if (!p || inside(c, p) == backend) return SAINT_OK;
    return saint_fail(err, SAINT_STATE, "%s: %s is %s memory, expected %s memory", op, name, backend ? "host" : "backend", backend ? "backend" : "host");
}

#define BACKEND(p) if ((s = want(c, __func__, #p, p, true, err)) != SAINT_OK) return s
#define HOST(p) if ((s = want(c, __func__, #p, p, false, err)) != SAINT_OK) return s
#define RUN(call)                                \
    do {                                         \
        pthread_mutex_lock(&c->lock);            \
        c->calls++;                              \
        set_access(c, PROT_READ | PROT_WRITE);   \
        s = c->inner->op->call;                  \
        set_access(c, PROT_NONE);                \
        pthread_mutex_unlock(&c->lock);          \
        return s;                                \
    } while (0)
#define ENTER               \
    checked *c = of(b);     \
    saint_status s = SAINT_OK

static saint_status checked_alloc(saint_backend *b, size_t bytes, void **out, saint_error *err)
{
    ENTER;
    size_t room = (bytes / PAGE + 1) * PAGE;
    pthread_mutex_lock(&c->lock);
    *out = NULL;
    if (room > RESERVE - c->used) s = saint_fail(err, SAINT_MEMORY, "the checked backend has used up its addresses");
    else {
        char *p = c->arena + c->used;
        if (mprotect(p, room, PROT_READ | PROT_WRITE) != 0) s = saint_fail(err, SAINT_MEMORY, "%zu bytes", bytes);
        else {
            memset(p, 0xff, room); /* NaN */
            mprotect(p, room, PROT_NONE);
            c->used += room;
            *out = p;
        }
    }
    pthread_mutex_unlock(&c->lock);
    return s;
}

static void checked_release(saint_backend *b, void *p)
{
    (void)b;
    (void)p; /* its pages are never given out again */
}

static saint_status checked_upload(saint_backend *b, void *dst, const void *host, size_t bytes, saint_error *err)
{
    ENTER;
    BACKEND(dst);
    HOST(host);
    RUN(upload(c->inner, dst, host, bytes, err));
}

static saint_status checked_download(saint_backend *b, void *host, const void *src, size_t bytes, saint_error *err)
{
    ENTER;
    HOST(host);
    BACKEND(src);
    c->reads++;
    RUN(download(c->inner, host, src, bytes, err));
}

static saint_status checked_copy(saint_backend *b, void *dst, const void *src, size_t bytes, saint_error *err)
{
    ENTER;
    BACKEND(dst);
    BACKEND(src);
    RUN(copy(c->inner, dst, src, bytes, err));
}

static saint_status checked_sync(saint_backend *b, saint_error *err)
{
    ENTER;
    RUN(sync(c->inner, err));
}

static saint_status checked_layernorm(saint_backend *b, const float *x, int64_t rows, int64_t d, const float *w, const float *bias, float eps,
                                      void *y, saint_dtype ytype, saint_error *err)
{
    ENTER;
    BACKEND(x);
    HOST(w);
    HOST(bias);
    BACKEND(y);
    RUN(layernorm(c->inner, x, rows, d, w, bias, eps, y, ytype, err));
}

static saint_status checked_rmsnorm(saint_backend *b, const float *x, int64_t rows, int64_t d, const float *w, float eps, void *y,
                                    saint_dtype ytype, saint_error *err)
{
    ENTER;
    BACKEND(x);
    HOST(w);
    BACKEND(y);
    RUN(rmsnorm(c->inner, x, rows, d, w, eps, y, ytype, err));
}

static saint_status check_linear(const checked *c, const saint_linear_args *a, saint_error *err)
{
    saint_status s;
    BACKEND(a->x);
    HOST(a->w.data);
    HOST(a->bias);
    HOST(a->scale);
    BACKEND(a->residual);
    BACKEND(a->gate);
    BACKEND(a->y);
    return SAINT_OK;
}

static saint_status checked_linear(saint_backend *b, const saint_linear_args *a, saint_error *err)
{
    ENTER;
    if ((s = check_linear(c, a, err)) != SAINT_OK) return s;
    RUN(linear(c->inner, a, err));
}

static saint_status checked_linear_rows(saint_backend *b, const saint_linear_args *a, saint_error *err)
{
    ENTER;
    if ((s = check_linear(c, a, err)) != SAINT_OK) return s;
    RUN(linear_rows(c->inner, a, err));
}

static saint_status checked_patchify(saint_backend *b, const float *chw, int side_h, int side_w, int patch, void *out, saint_error *err)
{
    ENTER;
    HOST(chw);
    BACKEND(out);
    RUN(patchify(c->inner, chw, side_h, side_w, patch, out, err));
}

static saint_status checked_embed(saint_backend *b, const saint_matrix *table, const int32_t *ids, int64_t n, float *y, saint_error *err)
{
    ENTER;
    HOST(table->data);
    HOST(ids);
    BACKEND(y);
    RUN(embed(c->inner, table, ids, n, y, err));
}

static saint_status checked_positions(saint_backend *b, float *x, int n, int each, int prefix, int64_t d, const float *pos, const float *cls,
                                      saint_error *err)
{
    ENTER;
    BACKEND(x);
    HOST(pos);
    HOST(cls);
    RUN(positions(c->inner, x, n, each, prefix, d, pos, cls, err));
}

static saint_status checked_pool_rows(saint_backend *b, const float *x, int64_t d, int n_seqs, const int32_t *cu, int skip, const float *size,
                                      float *y, saint_error *err)
{
    ENTER;
    BACKEND(x);
    HOST(cu);
    HOST(size);
    BACKEND(y);
    RUN(pool_rows(c->inner, x, d, n_seqs, cu, skip, size, y, err));
}

static saint_status checked_rope(saint_backend *b, void *x, int64_t rows, int64_t ldx, int n_heads, int head_dim, const int32_t *pos,
                                 const float *inv_freq, saint_error *err)
{
    ENTER;
    BACKEND(x);
    HOST(pos);
    HOST(inv_freq);
    RUN(rope(c->inner, x, rows, ldx, n_heads, head_dim, pos, inv_freq, err));
}

static saint_status checked_attention(saint_backend *b, const saint_attention_args *a, saint_error *err)
{
    ENTER;
    BACKEND(a->q);
    BACKEND(a->k);
    BACKEND(a->v);
    HOST(a->cu_q);
    HOST(a->cu_k);
    HOST(a->key_bias);
    BACKEND(a->out);
    RUN(attention(c->inner, a, err));
}

static saint_status checked_attention_row(saint_backend *b, const saint_attention_row_args *a, saint_error *err)
{
    ENTER;
    BACKEND(a->q);
    BACKEND(a->k);
    HOST(a->key_bias);
    HOST(a->p);
    c->reads++;
    RUN(attention_row(c->inner, a, err));
}

static saint_status checked_mean_heads(saint_backend *b, const void *x, int64_t rows, int64_t ldx, int n_heads, int head_dim, float *out,
                                       saint_error *err)
{
    ENTER;
    BACKEND(x);
    HOST(out);
    c->reads++;
    RUN(mean_heads(c->inner, x, rows, ldx, n_heads, head_dim, out, err));
}

static saint_status checked_gather(saint_backend *b, const void *src, const int32_t *idx, int64_t n, size_t row_bytes, void *dst, saint_error *err)
{
    ENTER;
    BACKEND(src);
    HOST(idx);
    BACKEND(dst);
    RUN(gather(c->inner, src, idx, n, row_bytes, dst, err));
}

static saint_status checked_narrow(saint_backend *b, const float *x, size_t n, void *y, saint_error *err)
{
    ENTER;
    BACKEND(x);
    BACKEND(y);
    RUN(narrow(c->inner, x, n, y, err));
}

static void checked_close(saint_backend *b)
{
    checked *c = of(b);
    saint_backend_close(c->inner);
    if (c->arena) munmap(c->arena, RESERVE);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static const saint_backend_ops ops = {
    .name = "checked",
    .alloc = checked_alloc,
    .release = checked_release,
    .upload = checked_upload,
    .download = checked_download,
    .copy = checked_copy,
    .sync = checked_sync,
    .layernorm = checked_layernorm,
    .rmsnorm = checked_rmsnorm,
    .linear = checked_linear,
    .linear_rows = checked_linear_rows,
    .patchify = checked_patchify,
    .embed = checked_embed,
    .positions = checked_positions,
    .pool_rows = checked_pool_rows,
    .rope = checked_rope,
    .attention = checked_attention,
    .attention_row = checked_attention_row,
    .mean_heads = checked_mean_heads,
    .gather = checked_gather,
    .narrow = checked_narrow,
    .close = checked_close,
};

saint_status saint_checked_backend_open(saint_backend **out, saint_backend *inner, saint_error *err)
{
    *out = NULL;
    checked *c = calloc(1, sizeof *c);
    if (!c) {
        saint_backend_close(inner);
        return saint_fail(err, SAINT_MEMORY, "no memory for a checked backend");
    }
    c->base = (saint_backend){.op = &ops, .compute = inner->compute, .pool = inner->pool, .async = true};
    memcpy(c->base.tier, inner->tier, sizeof c->base.tier);
    c->inner = inner;
    pthread_mutex_init(&c->lock, NULL);
    void *p = mmap(NULL, RESERVE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        checked_close(&c->base);
        return saint_fail(err, SAINT_MEMORY, "no addresses for a checked backend");
    }
    c->arena = p;
    *out = &c->base;
    return SAINT_OK;
}

long saint_checked_backend_calls(const saint_backend *b)
{
    return ((const checked *)b)->calls;
}

long saint_checked_backend_reads(const saint_backend *b)
{
    return ((const checked *)b)->reads;
}

static void on_segv(int signal_number)
{
    static const char text[] = "FAILED: host code touched backend memory outside of an operation\n";
    (void)signal_number;
    ssize_t n = write(STDERR_FILENO, text, sizeof text - 1);
    (void)n;
    _exit(86);
}

void saint_checked_report(void)
{
    struct sigaction a = {.sa_handler = on_segv};
    sigaction(SIGSEGV, &a, NULL);
}
