#define _GNU_SOURCE /* sched_getaffinity */
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_THREADS = 1024, SPINS = 2000 }; /* some 50 microseconds: longer than the gap between two operations of a layer */

/* One word holds the job's generation (high half) and the chunks nobody has taken yet (low half). A thread takes a chunk by a
 * compare-and-swap on the whole word, so a thread that woke late can never take a chunk of a job it did not see: and nobody has to
 * wait for threads that are still asleep. fn, ctx and n_chunks are written before a job is published and stay until its last chunk
 * is done, hence whoever took a chunk may read them. */
struct saint_pool {
    int threads, started;
    pthread_t *tid;

    _Atomic uint64_t ticket;
    _Atomic int done;
    saint_pool_fn fn;
    void *ctx;
    int n_chunks;

    pthread_mutex_t lock;
    pthread_cond_t work, finished;
    int sleeping; /* under lock */
    bool stop;    /* under lock */
};

typedef struct {
    saint_pool *pool;
    int worker;
} start_arg;

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

/* Work until the job has no free chunk. */
static void take_chunks(saint_pool *p, int worker)
{
    for (;;) {
        uint64_t t = atomic_load_explicit(&p->ticket, memory_order_acquire);
        do
            if (!(uint32_t)t) return;
        while (!atomic_compare_exchange_weak_explicit(&p->ticket, &t, t - 1, memory_order_acq_rel, memory_order_acquire));
        int n = p->n_chunks;
        p->fn(p->ctx, n - (int)(uint32_t)t, worker);
        if (atomic_fetch_add_explicit(&p->done, 1, memory_order_acq_rel) + 1 == n) {
            pthread_mutex_lock(&p->lock); /* the caller looks at `done` under the lock before it sleeps */
            pthread_cond_signal(&p->finished);
            pthread_mutex_unlock(&p->lock);
        }
    }
}

static bool work_waits(saint_pool *p) { return (uint32_t)atomic_load_explicit(&p->ticket, memory_order_acquire) != 0; }

static void *thread_main(void *arg)
{
    start_arg a = *(start_arg *)arg;
    free(arg);
    for (;;) {
        for (int i = 0; i < SPINS && !work_waits(a.pool); i++) relax();
        if (!work_waits(a.pool)) {
            pthread_mutex_lock(&a.pool->lock);
            a.pool->sleeping++;
            while (!a.pool->stop && !work_waits(a.pool)) pthread_cond_wait(&a.pool->work, &a.pool->lock);
            a.pool->sleeping--;
            bool stop = a.pool->stop;
            pthread_mutex_unlock(&a.pool->lock);
            if (stop) return NULL;
        }
        take_chunks(a.pool, a.worker);
    }
}

static int usable_cpus(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN); /* more CPUs than a cpu_set_t can name */
    return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : (int)n;
}

static saint_status start_threads(saint_pool *p, saint_error *err)
{
    /* Signals belong to the thread that reads them (a signalfd in the program): these threads take none. */
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    saint_status s = SAINT_OK;
    while (s == SAINT_OK && p->started < p->threads - 1) {
        start_arg *a = malloc(sizeof *a);
        int e = -1;
        if (a) {
            *a = (start_arg){p, p->started + 1};
            e = pthread_create(&p->tid[p->started], NULL, thread_main, a);
        }
        if (e) {
            free(a);
            s = saint_fail(err, SAINT_MEMORY, "thread pool: thread %d of %d could not be started (%s); ask for fewer threads",
                           p->started + 1, p->threads, e < 0 ? "out of memory" : strerror(e));
        } else p->started++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return s;
}

saint_status saint_pool_create(saint_pool **out, int n_threads, saint_error *err)
{
    *out = NULL;
    if (n_threads < 0 || n_threads > MAX_THREADS)
        return saint_fail(err, SAINT_INVALID, "thread pool: expected 0 (one per CPU) to %d threads, found %d", MAX_THREADS, n_threads);
    saint_pool *p = calloc(1, sizeof *p);
    if (!p) return saint_fail(err, SAINT_MEMORY, "thread pool: out of memory");
    p->threads = n_threads ? n_threads : usable_cpus();
    p->tid = calloc((size_t)p->threads, sizeof *p->tid);
    if (!p->tid) {
        free(p);
        return saint_fail(err, SAINT_MEMORY, "thread pool: out of memory for %d threads", n_threads);
    }
    pthread_mutex_init(&p->lock, NULL); /* default attributes: these three cannot fail on Linux */
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->finished, NULL);
    saint_status s = start_threads(p, err);
    if (s != SAINT_OK) {
        saint_pool_destroy(p);
        return s;
    }
    *out = p;
    return SAINT_OK;
}

void saint_pool_destroy(saint_pool *p)
{
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->started; i++) pthread_join(p->tid[i], NULL);
    pthread_cond_destroy(&p->finished);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
    free(p->tid);
    free(p);
}

int saint_pool_threads(const saint_pool *p) { return p->threads; }

void saint_pool_run(saint_pool *p, int n_chunks, saint_pool_fn fn, void *ctx)
{
    if (p->threads == 1 || n_chunks <= 1) {
        for (int i = 0; i < n_chunks; i++) fn(ctx, i, 0);
        return;
    }
    p->fn = fn;
    p->ctx = ctx;
    p->n_chunks = n_chunks;
    atomic_store_explicit(&p->done, 0, memory_order_relaxed);
    uint64_t generation = (atomic_load_explicit(&p->ticket, memory_order_relaxed) >> 32) + 1;

    pthread_mutex_lock(&p->lock); /* a thread decides to sleep under the lock: no wake-up is lost */
    atomic_store_explicit(&p->ticket, generation << 32 | (uint32_t)n_chunks, memory_order_release);
    if (p->sleeping) pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);

    take_chunks(p, 0);
    for (int i = 0; i < SPINS && atomic_load_explicit(&p->done, memory_order_acquire) != n_chunks; i++) relax();
    if (atomic_load_explicit(&p->done, memory_order_acquire) == n_chunks) return;
    pthread_mutex_lock(&p->lock);
    while (atomic_load_explicit(&p->done, memory_order_acquire) != n_chunks) pthread_cond_wait(&p->finished, &p->lock);
    pthread_mutex_unlock(&p->lock);
}
