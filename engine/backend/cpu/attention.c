/* attention.c - cuts attention into jobs (sequence, head, block of queries) and picks the tier's kernels. */
#include "backend/cpu/attention.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

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

saint_status saint_cpu_attention(saint_backend *b, const saint_attention_args *a, saint_error *err)
{
    saint_cpu *cpu = (saint_cpu *)b;
    int jobs = 0;
    saint_status s = check_heads("attention", a->n_heads, a->n_kv_heads, a->head_dim, err);
    if (s == SAINT_OK) s = check_sequences(a, &jobs, err);
    if (s != SAINT_OK) return s;
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
