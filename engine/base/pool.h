/* pool.h - one persistent thread pool: no globals, no OpenMP.
 *
 * Work is cut into chunks whose bounds never depend on the number of threads, and threads take chunks from an atomic counter:
 * results are the same bits for any thread count. */
#ifndef SAINT_BASE_POOL_H
#define SAINT_BASE_POOL_H

#include "base/status.h"

typedef struct saint_pool saint_pool;

/* Called once for every chunk; worker in [0, threads) names the calling thread so that it can use a scratch of its own. */
typedef void (*saint_pool_fn)(void *ctx, int chunk, int worker);

/* n_threads 0 = the CPUs this process may run on (sched_getaffinity). The calling thread works too, so n_threads - 1 are started. */
saint_status saint_pool_create(saint_pool **out, int n_threads, saint_error *err);
void saint_pool_destroy(saint_pool *p); /* NULL is allowed */
int saint_pool_threads(const saint_pool *p);

/* Run fn for chunks 0..n_chunks-1 and return when all are done. One caller at a time; not from inside fn. */
void saint_pool_run(saint_pool *p, int n_chunks, saint_pool_fn fn, void *ctx);

#endif
