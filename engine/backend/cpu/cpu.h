/* cpu.h - inside of the CPU backend: what its kernels share. Nobody above engine/backend includes this, but select/ may use sgemm. */
#ifndef SAINT_BACKEND_CPU_CPU_H
#define SAINT_BACKEND_CPU_CPU_H

#include "backend/backend.h"

typedef enum { SAINT_TIER_GENERIC, SAINT_TIER_AVX2, SAINT_TIER_AVX512, SAINT_TIER_AVX512BF16, SAINT_TIER_COUNT } saint_cpu_tier;

/* tier.c: the best tier this CPU runs. */
saint_cpu_tier saint_cpu_best_tier(void);
const char *saint_cpu_tier_name(saint_cpu_tier t);

typedef struct {
    saint_backend base; /* first: a saint_backend * is a saint_cpu * */
    saint_cpu_tier tier;
    int workers;
    size_t scratch_bytes;
    float *parts;   /* of a decoded row's attention; grows with the longest cache */
    size_t n_parts;
    void **scratch; /* [workers], each scratch_bytes long and 64-byte aligned: packing panels, attention tiles */
} saint_cpu;

/* gemm.c */
size_t saint_cpu_gemm_scratch_bytes(void); /* what a worker's scratch must hold */
saint_status saint_cpu_linear(saint_backend *b, const saint_linear_args *a, saint_error *err);
saint_status saint_cpu_linear_rows(saint_backend *b, const saint_linear_args *a, saint_error *err);
/* c[m, n] = sum_k a[m, k] b[n, k], f32, one thread, best tier of this CPU; scratch of saint_cpu_gemm_scratch_bytes(). For selection. */
void saint_cpu_sgemm_nt(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc,
                        void *scratch);

/* attention.c */
size_t saint_cpu_attention_scratch_bytes(void);
saint_status saint_cpu_attention(saint_backend *b, const saint_attention_args *a, saint_error *err);
saint_status saint_cpu_attention_row(saint_backend *b, const saint_attention_row_args *a, saint_error *err);

#endif
