#define _GNU_SOURCE /* barriers, signals, processes */
#include "support/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/pool.h"

enum { CHUNKS = 1000, THREADS = 4 };

typedef struct {
    _Atomic int seen[CHUNKS];
    _Atomic int busy[64]; /* by worker */
    _Atomic int wrong;
    int threads;
} count_ctx;

static void count(void *ctx, int chunk, int worker)
{
    count_ctx *c = ctx;
    if (worker < 0 || worker >= c->threads || atomic_fetch_add(&c->busy[worker], 1) != 0) atomic_fetch_add(&c->wrong, 1);
    atomic_fetch_add(&c->seen[chunk], 1);
    atomic_fetch_sub(&c->busy[worker], 1);
}

static void every_chunk_runs_once_on_a_worker_of_its_own(void **state)
{
    (void)state;
    const int threads[] = {1, 2, 3, THREADS, 17}, chunks[] = {0, 1, 2, 3, 64, CHUNKS};
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        saint_pool *p;
        assert_ok(saint_pool_create(&p, threads[t], err));
        assert_int_equal(saint_pool_threads(p), threads[t]);
        for (int round = 0; round < 20; round++)
            for (size_t n = 0; n < sizeof chunks / sizeof *chunks; n++) {
                static count_ctx c;
                memset(&c, 0, sizeof c);
                c.threads = threads[t];
                saint_pool_run(p, chunks[n], count, &c);
                assert_int_equal(c.wrong, 0);
                for (int i = 0; i < CHUNKS; i++) assert_int_equal(c.seen[i], i < chunks[n]);
            }
        saint_pool_destroy(p);
    }
}

/* Plain memory on purpose: what a job wrote must be seen by the caller, and by the next job on other threads (ThreadSanitizer). */
typedef struct {
    const long *in;
    long *out;
} chain_ctx;

static void chain(void *ctx, int chunk, int worker)
{
    chain_ctx *c = ctx;
    (void)worker;
    c->out[chunk] = c->in[(chunk + 1) % 16] + 1;
}

static void thousands_of_short_jobs_see_each_other(void **state)
{
    (void)state;
    saint_pool *p;
    assert_ok(saint_pool_create(&p, THREADS, err));
    long a[16] = {0}, b[16];
    for (int i = 0; i < 5000; i++) {
        saint_pool_run(p, 16, chain, &(chain_ctx){a, b});
        saint_pool_run(p, 16, chain, &(chain_ctx){b, a});
        if (i % 100 == 0) { /* long enough for the threads to fall asleep now and then */
            volatile int spin = 0;
            while (spin < 200000) spin = spin + 1;
        }
    }
    for (int i = 0; i < 16; i++) assert_int_equal(a[i], 10000);
    saint_pool_destroy(p);
}

typedef struct {
    pthread_barrier_t all;
    _Atomic int met;
} meet_ctx;

static void meet(void *ctx, int chunk, int worker)
{
    meet_ctx *c = ctx;
    (void)chunk;
    (void)worker;
    pthread_barrier_wait(&c->all);
    atomic_fetch_add(&c->met, 1);
}

/* As many chunks as threads that wait for one another: it only ends when all threads, also sleeping ones, take part. */
static void all_threads_take_part(void **state)
{
    (void)state;
    saint_pool *p;
    assert_ok(saint_pool_create(&p, THREADS, err));
    for (int i = 0; i < 200; i++) {
        meet_ctx c = {.met = 0};
        assert_int_equal(pthread_barrier_init(&c.all, NULL, THREADS), 0);
        saint_pool_run(p, THREADS, meet, &c);
        assert_int_equal(c.met, THREADS);
        pthread_barrier_destroy(&c.all);
    }
    saint_pool_destroy(p);
}

static void masks(void *ctx, int chunk, int worker)
{
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    _Atomic int *unblocked = ctx;
    (void)chunk;
    if (worker && (!sigismember(&now, SIGINT) || !sigismember(&now, SIGWINCH))) atomic_fetch_add(unblocked, 1);
}

static void threads_take_no_signals_and_the_caller_keeps_its_own(void **state)
{
    (void)state;
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    saint_pool *p;
    assert_ok(saint_pool_create(&p, THREADS, err));
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&before, SIGINT), sigismember(&after, SIGINT));
    _Atomic int unblocked = 0;
    saint_pool_run(p, 1000, masks, &unblocked);
    assert_int_equal(unblocked, 0);
    saint_pool_destroy(p);
}

static void bad_numbers_of_threads_are_refused(void **state)
{
    (void)state;
    saint_error e = {0};
    saint_pool *p = (saint_pool *)&e;
    assert_int_equal(saint_pool_create(&p, -1, &e), SAINT_INVALID);
    assert_null(p);
    assert_non_null(strstr(e.text, "-1"));
    assert_int_equal(saint_pool_create(&p, 1 << 20, NULL), SAINT_INVALID);
    saint_pool_destroy(NULL);
    assert_ok(saint_pool_create(&p, 0, err));
    assert_true(saint_pool_threads(p) >= 1);
    saint_pool_destroy(p);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* In a child with little address space the stacks of a thousand threads do not fit. */
static void a_start_that_fails_half_way_leaves_nothing(void **state)
{
    (void)state;
    if (SANITIZED) skip(); /* shadow memory does not fit under the limit */
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        struct rlimit limit = {256u << 20, 256u << 20};
        saint_error e = {0};
        saint_pool *p;
        if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(2);
        for (int i = 0; i < 20; i++)
            if (saint_pool_create(&p, 1000, &e) != SAINT_MEMORY || p || !strstr(e.text, "of 1000")) _exit(3);
        if (saint_pool_create(&p, 2, &e) != SAINT_OK) _exit(4);
        saint_pool_destroy(p);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_chunk_runs_once_on_a_worker_of_its_own),
        cmocka_unit_test(thousands_of_short_jobs_see_each_other),
        cmocka_unit_test(all_threads_take_part),
        cmocka_unit_test(threads_take_no_signals_and_the_caller_keeps_its_own),
        cmocka_unit_test(bad_numbers_of_threads_are_refused),
        cmocka_unit_test(a_start_that_fails_half_way_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
