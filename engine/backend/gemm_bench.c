#define _POSIX_C_SOURCE 200809L /* nanosleep, posix_memalign */
#include "backend/gemm_bench.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/cpu/gemm.h"
#include "backend/read_roof.h"
#include "base/clock.h"

enum {
    MAX_VARIANTS = 24,
    MAX_ROUNDS = 2000,
    MIN_ROUNDS = 5,
};
static const size_t ring_bytes = (size_t)384 << 20; /* past any last-level cache we know */

typedef struct {
    int m, n, k;
    bool all_tiers; /* the lower tiers run here too */
} shape;

static const shape shapes[] = {
    {64, 4096, 1024, true},     /* ViT-L fc1 after heavy pruning */
    {289, 4096, 1024, false},   /* the same after half the tokens went */
    {577, 1024, 1024, true},    /* ViT-L projection */
    {577, 4096, 1024, false},   /* fc1 */
    {577, 1024, 4096, false},   /* fc2 */
    {257, 5120, 1280, false},   /* ViT-H fc1 */
    {640, 11008, 4096, false},  /* LLaMA up */
    {1, 11008, 4096, false},    /* decode */
};

typedef struct {
    saint_cpu_tier tier;
    saint_dtype compute, weights;
    bool peer;
    saint_backend *backend;
    double seconds[MAX_ROUNDS], roof[MAX_ROUNDS];
} variant;

typedef struct {
    saint_pool *pool;
    int threads;
    const saint_gemm_peer *peer; /* NULL: none here */
    saint_backend *backend[SAINT_TIER_COUNT][2];
    variant *variants;
    char *ring;
    size_t at;
    void *x, *y;
    double read_seconds[MAX_ROUNDS];
} bench;

/* ---- roofs --------------------------------------------------------------------------------------------------------------- */

typedef struct {
    double (*peak)(int64_t count);
    int64_t count;
    double operations[256];
} roof_job;

static void roof_chunk(void *ctx, int chunk, int worker)
{
    roof_job *job = ctx;
    (void)worker;
    job->operations[chunk] = job->peak(job->count);
}

/* Operations per second of all threads on registers alone, in the arithmetic of v. */
static double roof_of(bench *b, const variant *v)
{
    const saint_gemm_bf16 *pairs = v->compute == SAINT_BF16 ? saint_gemm_bf16_of(v->tier) : NULL;
    roof_job job = {.peak = pairs ? pairs->peak : saint_gemm_tier_of(v->tier)->peak, .count = 200000};
    double start = saint_now(), sum = 0;
    saint_pool_run(b->pool, b->threads, roof_chunk, &job);
    for (int i = 0; i < b->threads; i++) sum += job.operations[i];
    return sum / (saint_now() - start);
}

/* The next `bytes` of the ring, so that what is read was not read lately. */
static const char *ring_next(bench *b, size_t bytes)
{
    if (b->at + bytes > ring_bytes) b->at = 0;
    const char *p = b->ring + b->at;
    b->at += (bytes + 4095) / 4096 * 4096;
    return p;
}

static double read_seconds(bench *b, size_t bytes)
{
    return saint_read_seconds(b->pool, &(saint_read_piece){ring_next(b, bytes), bytes}, 1);
}

/* ---- rows ---------------------------------------------------------------------------------------------------------------- */

/* A library's threads spin on for some milliseconds after a call; whoever comes next would be measured against them. */
static void settle(const bench *b)
{
    struct timespec pause = {.tv_nsec = 30 * 1000 * 1000};
    if (b->threads > 1 && b->peer) nanosleep(&pause, NULL);
}

static double run_variant(bench *b, const shape *s, const variant *v)
{
    const char *w = ring_next(b, (size_t)s->n * (size_t)s->k * saint_dtype_size(v->weights));
    double start;
    if (v->peer) {
        settle(b);
        start = saint_now();
        b->peer->linear(b->peer->ctx, s->m, s->n, s->k, b->x, (const float *)(const void *)w, b->y);
        double seconds = saint_now() - start;
        settle(b);
        return seconds;
    }
    saint_linear_args a = {
        .m = s->m, .x = b->x, .ldx = s->k, .w = {w, v->weights, s->n, s->k}, .y = b->y, .ytype = v->compute, .ldy = s->n};
    start = saint_now();
    if (s->m == 1) v->backend->op->linear_rows(v->backend, &a, NULL);
    else v->backend->op->linear(v->backend, &a, NULL);
    return saint_now() - start;
}

static int list_variants(bench *b, const shape *s)
{
    static const saint_dtype compute[] = {SAINT_BF16, SAINT_F32}, weights[] = {SAINT_BF16, SAINT_F16, SAINT_F32};
    int n = 0;
    saint_cpu_tier best = saint_cpu_best_tier();
    for (int t = (int)best; t >= (s->all_tiers ? 0 : (int)best); t--)
        for (int c = 0; c < 2; c++)
            for (int w = 0; w < 3; w++) {
                bool common = compute[c] == SAINT_BF16 ? w < 2 : w > 0; /* what checkpoints and settings meet */
                if (!common || (t != (int)best && weights[w] == SAINT_BF16)) continue;
                variant *v = &b->variants[n++];
                v->tier = (saint_cpu_tier)t;
                v->compute = compute[c];
                v->weights = weights[w];
                v->peer = false;
                v->backend = b->backend[t][c];
            }
    if (b->peer) {
        variant *v = &b->variants[n++];
        v->tier = best;
        v->compute = v->weights = SAINT_F32;
        v->peer = true;
    }
    return n;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, int n) /* sorts v */
{
    qsort(v, (size_t)n, sizeof *v, compare);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static cJSON *row_json(const bench *b, const shape *s, variant *v, int rounds, double read_rate)
{
    cJSON *row = cJSON_CreateObject(), *seconds;
    double work = 2.0 * s->m * s->n * s->k, mid = median(v->seconds, rounds),
           bytes = (double)s->n * s->k * (double)saint_dtype_size(v->weights);
    cJSON_AddNumberToObject(row, "m", s->m);
    cJSON_AddNumberToObject(row, "n", s->n);
    cJSON_AddNumberToObject(row, "k", s->k);
    cJSON_AddStringToObject(row, "kernel", v->peer ? b->peer->name : "saint");
    cJSON_AddStringToObject(row, "tier", v->peer ? b->peer->config : saint_cpu_tier_name(v->tier));
    cJSON_AddStringToObject(row, "compute", saint_dtype_name(v->compute));
    cJSON_AddStringToObject(row, "weights", saint_dtype_name(v->weights));
    seconds = cJSON_AddObjectToObject(row, "seconds");
    cJSON_AddNumberToObject(seconds, "median", mid);
    cJSON_AddNumberToObject(seconds, "min", v->seconds[0]);
    cJSON_AddNumberToObject(seconds, "max", v->seconds[rounds - 1]);
    cJSON_AddNumberToObject(row, "rounds", rounds);
    cJSON_AddNumberToObject(row, "gflops", work / mid * 1e-9);
    double roof = median(v->roof, rounds);
    cJSON_AddNumberToObject(row, "roof_gflops", roof * 1e-9);
    cJSON_AddNumberToObject(row, "of_roof", work / mid / roof);
    if (s->m == 1) {
        cJSON_AddNumberToObject(row, "gbs", bytes / mid * 1e-9);
        cJSON_AddNumberToObject(row, "of_read", bytes / mid / read_rate);
    }
    return row;
}

/* All variants of one shape in turns; what comes first changes from round to round. */
static bool bench_shape(bench *b, const shape *s, double seconds_per_row, cJSON *rows)
{
    int n = list_variants(b, s), rounds = 0;
    const size_t read_bytes = (size_t)128 << 20;
    double start = saint_now();
    for (int i = 0; i < n; i++) run_variant(b, s, &b->variants[i]); /* pages and threads come up */
    while (rounds < MAX_ROUNDS && (rounds < MIN_ROUNDS || saint_now() - start < seconds_per_row * n)) {
        for (int i = 0; i < n; i++) {
            variant *v = &b->variants[(i + rounds) % n];
            v->seconds[rounds] = run_variant(b, s, v);
            v->roof[rounds] = roof_of(b, v);
        }
        if (s->m == 1) b->read_seconds[rounds] = read_seconds(b, read_bytes);
        rounds++;
    }
    double read_rate = s->m == 1 ? (double)read_bytes / median(b->read_seconds, rounds) : 0;
    for (int i = 0; i < n; i++)
        if (!cJSON_AddItemToArray(rows, row_json(b, s, &b->variants[i], rounds, read_rate))) return false;
    return true;
}

/* ---- the suite ----------------------------------------------------------------------------------------------------------- */

static void bench_close(bench *b)
{
    for (int t = 0; t < SAINT_TIER_COUNT; t++)
        for (int c = 0; c < 2; c++) saint_backend_close(b->backend[t][c]);
    saint_pool_destroy(b->pool);
    free(b->variants);
    free(b->ring);
    free(b->x);
    free(b->y);
}

static saint_status bench_open(bench *b, int threads, saint_error *err)
{
    saint_status status = saint_pool_create(&b->pool, threads, err);
    if (status) return status;
    b->threads = saint_pool_threads(b->pool);
    if (b->threads > 256)
        return saint_fail(err, SAINT_INVALID, "bench: at most 256 threads are measured, found %d; name a number", b->threads);
    static const saint_dtype compute[] = {SAINT_BF16, SAINT_F32};
    for (int t = 0; t <= (int)saint_cpu_best_tier(); t++)
        for (int c = 0; c < 2; c++) {
            status = saint_backend_cpu_open(&b->backend[t][c], b->pool, compute[c], saint_cpu_tier_name((saint_cpu_tier)t), err);
            if (status) return status;
        }
    size_t x_max = 0, y_max = 0;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        size_t x = (size_t)shapes[i].m * (size_t)shapes[i].k, y = (size_t)shapes[i].m * (size_t)shapes[i].n;
        x_max = x > x_max ? x : x_max;
        y_max = y > y_max ? y : y_max;
    }
    b->variants = calloc(MAX_VARIANTS, sizeof *b->variants);
    b->x = malloc(x_max * sizeof(float));
    b->y = malloc(y_max * sizeof(float));
    void *ring = NULL;
    if (posix_memalign(&ring, 4096, ring_bytes) == 0) b->ring = ring;
    if (!b->variants || !b->x || !b->y || !b->ring)
        return saint_fail(err, SAINT_MEMORY, "bench: %zu bytes for weights could not be allocated; free some memory", ring_bytes);
    /* 0x3cxx is an ordinary number as f16 (1 to 1.25), as bf16 and, in pairs, as f32: one ring serves all types. */
    for (size_t i = 0; i < ring_bytes; i += 2) memcpy(b->ring + i, &(uint16_t){(uint16_t)(0x3c00 + i / 2 * 37 % 251)}, 2);
    memcpy(b->x, b->ring, x_max * sizeof(float));
    memset(b->y, 0, y_max * sizeof(float));
    return SAINT_OK;
}

cJSON *saint_gemm_bench(int threads, double seconds_per_row, const saint_gemm_peer *peer, saint_error *err)
{
    bench b = {.peer = peer};
    cJSON *report = NULL;
    if (bench_open(&b, threads, err)) goto done;
    report = cJSON_CreateObject();
    cJSON_AddStringToObject(report, "suite", "gemm");
    cJSON_AddNumberToObject(report, "threads", b.threads);
    cJSON_AddStringToObject(report, "tier", saint_cpu_tier_name(saint_cpu_best_tier()));
    cJSON_AddStringToObject(report, "blas", b.peer ? b.peer->config : "none");
    double best = 0;
    for (int i = 0; i < 5; i++) {
        double rate = (double)((size_t)256 << 20) / read_seconds(&b, (size_t)256 << 20);
        best = rate > best ? rate : best;
    }
    cJSON_AddNumberToObject(report, "read_gbs", best * 1e-9);
    cJSON *rows = cJSON_AddArrayToObject(report, "rows");
    bool ok = rows != NULL;
    for (size_t i = 0; ok && i < sizeof shapes / sizeof shapes[0]; i++) ok = bench_shape(&b, &shapes[i], seconds_per_row, rows);
    if (!ok) {
        saint_fail(err, SAINT_MEMORY, "bench: the report could not be allocated");
        cJSON_Delete(report);
        report = NULL;
    }
done:
    bench_close(&b);
    return report;
}
