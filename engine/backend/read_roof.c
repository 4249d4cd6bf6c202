#include "backend/read_roof.h"

#include "backend/cpu/gemm.h"
#include "base/clock.h"

enum { READ_CHUNK = 2 * 1024 * 1024 };

typedef struct {
    uint64_t (*read)(const void *p, size_t n);
    const char *at;
    size_t bytes;
    _Atomic uint64_t sum; /* the reads' results are used, so the reads stay */
} read_job;

static void read_chunk(void *ctx, int chunk, int worker)
{
    read_job *job = ctx;
    (void)worker;
    size_t from = (size_t)chunk * READ_CHUNK, left = job->bytes - from, n = left < (size_t)READ_CHUNK ? left : (size_t)READ_CHUNK;
    job->sum ^= job->read(job->at + from, n / 256 * 256);
}

double saint_read_seconds(saint_pool *pool, const saint_read_piece *piece, int n)
{
    read_job job = {.read = saint_gemm_tier_of(saint_cpu_best_tier())->read};
    double start = saint_now();
    for (int i = 0; i < n; i++) {
        job.at = piece[i].at;
        job.bytes = piece[i].bytes;
        saint_pool_run(pool, (int)((piece[i].bytes + READ_CHUNK - 1) / READ_CHUNK), read_chunk, &job);
    }
    return saint_now() - start;
}
