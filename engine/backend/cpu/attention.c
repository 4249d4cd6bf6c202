/* attention.c - cuts attention into jobs (sequence, head, block of queries) and picks the tier's kernels. */
#include "backend/cpu/attention.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/cpu.h"

static const saint_attn_kernels *kernels_of(const saint_cpu *cpu)
{
#if defined(__x86_64__)
    switch (cpu->tier) {
    case SAINT_TIER_AVX512BF16: return cpu->base.compute == SAINT_BF16 ? &saint_attn_avx512bf16 : &saint_attn_avx512;
    case SAINT_TIER_AVX512: return &saint_attn_avx512;
    case SAINT_TIER_AVX2: return &saint_attn_avx2;
    default: break;
    }
#endif
    (void)cpu;
    return &saint_attn_generic;
}

size_t saint_cpu_attention_scratch_bytes(void) { return sizeof(saint_attn_scratch); }

static saint_status check_heads(const char *op, int n_heads, int n_kv_heads, int head_dim, saint_error *err)
{
    if (n_heads < 1 || n_kv_heads < 1 || n_heads % n_kv_heads)
        return saint_fail(err, SAINT_INVALID, "%s: expected heads to be a multiple of key heads, found %d and %d", op, n_heads, n_kv_heads);
    if (head_dim < 1 || head_dim > SAINT_ATTN_HEAD_DIM)
        return saint_fail(err, SAINT_UNSUPPORTED, "%s: expected head_dim 1 to %d, found %d", op, SAINT_ATTN_HEAD_DIM, head_dim);
    return SAINT_OK;
}

/* Blocks of a sequence: as few as fit, of equal size. This may depend on the number of queries because no row's bits depend on it. */
static int blocks_of(int nq) { return (nq + SAINT_ATTN_ROWS - 1) / SAINT_ATTN_ROWS; }

static int rows_of(int nq)
{
    int blocks = blocks_of(nq), rows = (nq + blocks - 1) / blocks;
    return (rows + 11) / 12 * 12; /* whole register tiles in every tier; SAINT_ATTN_ROWS is such a number */
}

static const void *at(const saint_attention_args *a, saint_dtype type, const void *base, int64_t row, int64_t ld, int head)
{
    return (const char *)base + (size_t)(row * ld + (int64_t)head * a->head_dim) * saint_dtype_size(type);
}

typedef struct {
    saint_cpu *cpu;
    const saint_attention_args *a;
    const saint_attn_kernels *kernels;
} attention_job;

static void attention_chunk(void *ctx, int chunk, int worker)
{
    const attention_job *job = ctx;
    const saint_attention_args *a = job->a;
    saint_dtype type = job->cpu->base.compute;
    int s = 0, nq = 0;
    for (;; s++) {
        nq = a->cu_q[s + 1] - a->cu_q[s];
        int jobs = blocks_of(nq) * a->n_heads;
        if (chunk < jobs) break;
        chunk -= jobs;
    }
    int rows = rows_of(nq), head = chunk % a->n_heads, kv = head / (a->n_heads / a->n_kv_heads);
    int first = (blocks_of(nq) - 1 - chunk / a->n_heads) * rows; /* under the causal mask the last block is the longest: it goes first */
    int nk = a->cu_k[s + 1] - a->cu_k[s];
    saint_attn_block b = {
        .q = at(a, type, a->q, a->cu_q[s] + first, a->ldq, head),
        .k = at(a, type, a->k, a->cu_k[s], a->ldk, kv),
        .v = at(a, type, a->v, a->cu_k[s], a->ldv, kv),
        .type = type,
        .ldq = a->ldq,
        .ldk = a->ldk,
        .ldv = a->ldv,
        .ldo = a->ldo,
        .nq = nq - first < rows ? nq - first : rows,
        .nk = nk,
        .head_dim = a->head_dim,
        .visible = a->causal ? first + 1 + nk - nq : nk,
        .causal = a->causal,
        .scale = a->scale,
        .key_bias = a->key_bias ? a->key_bias + a->cu_k[s] : NULL,
    };
    b.out = (char *)a->out + (size_t)((a->cu_q[s] + first) * a->ldo + (int64_t)head * a->head_dim) * saint_dtype_size(type);
    job->kernels->block(&b, job->cpu->scratch[worker]);
}

static saint_status check_sequences(const saint_attention_args *a, int *jobs, saint_error *err)
{
    int64_t total = 0;
    for (int s = 0; s < a->n_seqs; s++) {
        int64_t nq = (int64_t)a->cu_q[s + 1] - a->cu_q[s], nk = (int64_t)a->cu_k[s + 1] - a->cu_k[s];
        if (a->cu_q[s] < 0 || a->cu_k[s] < 0 || nq < 0 || nk < 0)
            return saint_fail(err, SAINT_INVALID,
                              "attention: expected ascending row numbers, found queries %d..%d and keys %d..%d in sequence %d", a->cu_q[s],
                              a->cu_q[s + 1], a->cu_k[s], a->cu_k[s + 1], s);
        if (a->causal && nk < nq)
            return saint_fail(err, SAINT_INVALID, "attention: sequence %d has %lld queries and only %lld keys: causal rows would see none",
                              s, (long long)nq, (long long)nk);
        total += (int64_t)blocks_of((int)nq) * a->n_heads;
    }
    if (total > INT_MAX) return saint_fail(err, SAINT_INVALID, "attention: %lld jobs in one call are too many", (long long)total);
    *jobs = (int)total;
    return SAINT_OK;
}

/* ---- decode: one row at a time ---- */

typedef struct {
    saint_cpu *cpu;
    const saint_attention_args *a;
    const saint_attn_kernels *kernels;
    int row, first_key, keys;  /* of the query; the keys it sees */
    int pieces, groups;        /* chunks: pieces of keys by groups of heads */
    size_t part, stride;       /* floats of one head, of all heads */
} one_job;

static void piece_chunk(void *ctx, int chunk, int worker)
{
    const one_job *job = ctx;
    const saint_attention_args *a = job->a;
    saint_dtype type = job->cpu->base.compute;
    int i = chunk / job->groups, group = chunk % job->groups, from = i * SAINT_ATTN_PIECE, per = a->n_heads / a->n_kv_heads;
    int kv0 = (int)((int64_t)group * a->n_kv_heads / job->groups), kv1 = (int)((int64_t)(group + 1) * a->n_kv_heads / job->groups);
    job->kernels->piece(
        &(saint_attn_piece){
            .q = at(a, type, a->q, job->row, a->ldq, 0),
            .k = at(a, type, a->k, job->first_key + from, a->ldk, 0),
            .v = at(a, type, a->v, job->first_key + from, a->ldv, 0),
            .type = type,
            .ldk = a->ldk,
            .ldv = a->ldv,
            .n = job->keys - from < SAINT_ATTN_PIECE ? job->keys - from : SAINT_ATTN_PIECE,
            .first_kv = kv0,
            .n_kv = kv1 - kv0,
            .per_kv = per,
            .head_dim = a->head_dim,
            .scale = a->scale,
            .part = job->cpu->parts + (size_t)i * job->stride + (size_t)(kv0 * per) * job->part,
        },
        job->cpu->scratch[worker]);
}

static void merge_chunk(void *ctx, int head, int worker)
{
    const one_job *job = ctx;
    const saint_attention_args *a = job->a;
    saint_dtype type = job->cpu->base.compute;
    (void)worker;
    job->kernels->merge(&(saint_attn_merge){
        .part = job->cpu->parts + (size_t)head * job->part,
        .stride = job->stride,
        .pieces = job->pieces,
        .head_dim = a->head_dim,
        .type = type,
        .out = (char *)a->out + (size_t)(job->row * a->ldo + (int64_t)head * a->head_dim) * saint_dtype_size(type),
    });
}

/* Fewest groups of heads that fit the kernels and give every thread something to do; no bit depends on them. */
static int groups_of(const saint_attention_args *a, int pieces, int workers)
{
    int fit = SAINT_ATTN_PIECE_HEADS / (a->n_heads / a->n_kv_heads), groups = (a->n_kv_heads + fit - 1) / fit;
    while (groups < a->n_kv_heads && pieces * groups < 4 * workers) groups++;
    return groups;
}

static saint_status attend_row(one_job *job, saint_error *err)
{
    saint_cpu *cpu = job->cpu;
    const saint_attention_args *a = job->a;
    if (job->keys == 0) {
        size_t size = saint_dtype_size(cpu->base.compute);
        memset((char *)a->out + (size_t)(job->row * a->ldo) * size, 0, (size_t)(a->n_heads * a->head_dim) * size);
        return SAINT_OK;
    }
    job->pieces = (job->keys + SAINT_ATTN_PIECE - 1) / SAINT_ATTN_PIECE;
    job->groups = groups_of(a, job->pieces, cpu->workers);
    job->part = job->kernels->part_floats(a->head_dim);
    job->stride = job->part * (size_t)a->n_heads;
    size_t n = job->stride * (size_t)job->pieces;
    if (n > cpu->n_parts) { /* some more than is needed now: the cache grows with every token */
        size_t bytes = (n + 4 * job->stride) * sizeof *cpu->parts;
        float *p = realloc(cpu->parts, bytes);
        if (!p) return saint_fail(err, SAINT_MEMORY, "attention: %zu bytes could not be allocated", bytes);
        cpu->parts = p;
        cpu->n_parts = bytes / sizeof *p;
    }
    saint_pool_run(cpu->base.pool, job->pieces * job->groups, piece_chunk, job);
    saint_pool_run(cpu->base.pool, a->n_heads, merge_chunk, job);
    return SAINT_OK;
}

/* A bias on the keys and very many heads to a key head are left to the general way: neither is decoding. */
static bool by_rows(const saint_attention_args *a) { return a->rows && !a->key_bias && a->n_heads / a->n_kv_heads <= SAINT_ATTN_PIECE_HEADS; }

static saint_status attend_rows(saint_cpu *cpu, const saint_attention_args *a, saint_error *err)
{
    saint_status status = SAINT_OK;
    for (int s = 0; s < a->n_seqs; s++) {
        int nq = a->cu_q[s + 1] - a->cu_q[s], nk = a->cu_k[s + 1] - a->cu_k[s];
        for (int i = 0; i < nq && status == SAINT_OK; i++)
            status = attend_row(&(one_job){.cpu = cpu, .a = a, .kernels = kernels_of(cpu), .row = a->cu_q[s] + i, .first_key = a->cu_k[s],
                                           .keys = a->causal ? i + 1 + nk - nq : nk}, err);
    }
    return status;
}

saint_status saint_cpu_attention(saint_backend *b, const saint_attention_args *a, saint_error *err)
{
    saint_cpu *cpu = (saint_cpu *)b;
    int jobs = 0;
    saint_status s = check_heads("attention", a->n_heads, a->n_kv_heads, a->head_dim, err);
    if (s == SAINT_OK) s = check_sequences(a, &jobs, err);
    if (s != SAINT_OK) return s;
    if (by_rows(a)) return attend_rows(cpu, a, err);
    saint_pool_run(b->pool, jobs, attention_chunk, &(attention_job){cpu, a, kernels_of(cpu)});
    return SAINT_OK;
}

/* ---- one row of probabilities ---- */

typedef struct {
    saint_cpu *cpu;
    const saint_attention_row_args *a;
    const saint_attn_kernels *kernels;
    float *p; /* [n_heads, n_keys] */
} row_job;

static void row_chunk(void *ctx, int head, int worker)
{
    const row_job *job = ctx;
    const saint_attention_row_args *a = job->a;
    saint_dtype type = job->cpu->base.compute;
    size_t size = saint_dtype_size(type);
    int kv = head / (a->n_heads / a->n_kv_heads), n = a->n_keys;
    float *p = job->p + (size_t)head * (size_t)n;
    job->kernels->scores(
        &(saint_attn_scores){
            .q = (const char *)a->q + (size_t)head * (size_t)a->head_dim * size,
            .k = (const char *)a->k + (size_t)kv * (size_t)a->head_dim * size,
            .type = type,
            .ldk = a->ldk,
            .nk = n,
            .head_dim = a->head_dim,
            .s = p,
        },
        job->cpu->scratch[worker]);
    float top = -INFINITY;
    for (int j = 0; j < n; j++) {
        p[j] = p[j] * a->scale + (a->key_bias ? a->key_bias[j] : 0.0f);
        if (p[j] > top) top = p[j];
    }
    double sum = 0; /* the sum is the only place where many roundings would meet */
    for (int j = 0; j < n; j++) {
        p[j] = expf(p[j] - top);
        sum += (double)p[j];
    }
    for (int j = 0; j < n; j++) p[j] = (float)((double)p[j] / sum);
}

saint_status saint_cpu_attention_row(saint_backend *b, const saint_attention_row_args *a, saint_error *err)
{
    saint_cpu *cpu = (saint_cpu *)b;
    saint_status s = check_heads("attention_row", a->n_heads, a->n_kv_heads, a->head_dim, err);
    if (s != SAINT_OK) return s;
    if (a->n_keys < 0) return saint_fail(err, SAINT_INVALID, "attention_row: expected keys >= 0, found %d", a->n_keys);
    if (!a->n_keys) return SAINT_OK;
    size_t n = (size_t)a->n_keys, bytes = n * (size_t)a->n_heads * sizeof(float);
    float *p = malloc(bytes);
    if (!p) return saint_fail(err, SAINT_MEMORY, "attention_row: %zu bytes could not be allocated", bytes);
    saint_pool_run(b->pool, a->n_heads, row_chunk, &(row_job){cpu, a, kernels_of(cpu), p});
    for (size_t j = 0; j < n; j++) {
        float sum = 0.0f;
        for (size_t h = 0; h < (size_t)a->n_heads; h++) sum += p[h * n + j];
        a->p[j] = sum / (float)a->n_heads;
    }
    free(p);
    return SAINT_OK;
}
