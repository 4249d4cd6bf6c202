/* backend_cpu.c - the table of the CPU backend: choice of tier, memory, and the scratch of every worker. */
#include "backend/backend.h"

#include <stdlib.h>
#include <string.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/ops.h"

enum { ALIGN = 64 };

/* ---- tiers ---- */

static saint_status tier_by_name(const char *name, saint_cpu_tier *out, saint_error *err)
{
    saint_cpu_tier best = saint_cpu_best_tier();
    *out = best;
    if (!name) return SAINT_OK;
    for (int t = 0; t < SAINT_TIER_COUNT; t++)
        if (!strcmp(name, saint_cpu_tier_name((saint_cpu_tier)t))) {
            *out = (saint_cpu_tier)t;
            if (*out <= best) return SAINT_OK;
            return saint_fail(err, SAINT_UNSUPPORTED, "CPU tier '%s': this CPU has no such instructions; the best it runs is '%s'", name,
                              saint_cpu_tier_name(best));
        }
    return saint_fail(err, SAINT_INVALID, "CPU tier '%s' is not known; expected generic, avx2, avx512 or avx512bf16", name);
}

/* ---- memory ---- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define POISON 1
#endif
#endif

static void *aligned(size_t bytes)
{
    if (bytes > PTRDIFF_MAX - ALIGN) return NULL;
    size_t n = bytes ? (bytes + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
    void *p = aligned_alloc(ALIGN, n);
#ifdef POISON
    if (p) memset(p, 0xff, n); /* NaN in every float type: what is read before it was written shows in the results */
#endif
    return p;
}

static saint_status cpu_alloc(saint_backend *b, size_t bytes, void **out, saint_error *err)
{
    (void)b;
    *out = aligned(bytes);
    if (!*out) return saint_fail(err, SAINT_MEMORY, "CPU memory: %zu bytes could not be allocated", bytes);
    return SAINT_OK;
}

static void cpu_release(saint_backend *b, void *p)
{
    (void)b;
    free(p);
}

static saint_status cpu_copy(saint_backend *b, void *dst, const void *src, size_t bytes, saint_error *err)
{
    (void)b;
    (void)err;
    if (bytes) memmove(dst, src, bytes);
    return SAINT_OK;
}

static saint_status cpu_sync(saint_backend *b, saint_error *err)
{
    (void)b;
    (void)err;
    return SAINT_OK;
}

/* ---- life ---- */

static void cpu_close(saint_backend *b)
{
    saint_cpu *cpu = (saint_cpu *)b;
    if (cpu->scratch)
        for (int i = 0; i < cpu->workers; i++) free(cpu->scratch[i]);
    free(cpu->scratch);
    free(cpu->parts);
    free(cpu);
}

static const saint_backend_ops cpu_ops = {
    .name = "cpu",
    .alloc = cpu_alloc,
    .release = cpu_release,
    .upload = cpu_copy,
    .download = cpu_copy,
    .copy = cpu_copy,
    .sync = cpu_sync,
    .layernorm = saint_cpu_layernorm,
    .rmsnorm = saint_cpu_rmsnorm,
    .linear = saint_cpu_linear,
    .linear_rows = saint_cpu_linear_rows,
    .patchify = saint_cpu_patchify,
    .embed = saint_cpu_embed,
    .positions = saint_cpu_positions,
    .pool_rows = saint_cpu_pool_rows,
    .rope = saint_cpu_rope,
    .attention = saint_cpu_attention,
    .attention_row = saint_cpu_attention_row,
    .mean_heads = saint_cpu_mean_heads,
    .gather = saint_cpu_gather,
    .narrow = saint_cpu_narrow,
    .close = cpu_close,
};

saint_status saint_backend_cpu_open(saint_backend **out, saint_pool *pool, saint_dtype compute, const char *tier, saint_error *err)
{
    *out = NULL;
    if (compute != SAINT_F32 && compute != SAINT_BF16)
        return saint_fail(err, SAINT_INVALID, "CPU backend: expected compute type F32 or BF16, found %s", saint_dtype_name(compute));
    saint_cpu_tier t;
    saint_status s = tier_by_name(tier, &t, err);
    if (s != SAINT_OK) return s;

    saint_cpu *cpu = calloc(1, sizeof *cpu);
    if (!cpu) return saint_fail(err, SAINT_MEMORY, "CPU backend: %zu bytes could not be allocated", sizeof *cpu);
    cpu->base = (saint_backend){.op = &cpu_ops, .compute = compute, .pool = pool};
    memcpy(cpu->base.tier, saint_cpu_tier_name((saint_cpu_tier)t), strlen(saint_cpu_tier_name((saint_cpu_tier)t)) + 1);
    cpu->tier = t;
    cpu->workers = saint_pool_threads(pool);
    size_t gemm = saint_cpu_gemm_scratch_bytes(), attention = saint_cpu_attention_scratch_bytes();
    cpu->scratch_bytes = gemm > attention ? gemm : attention;
    cpu->scratch = calloc((size_t)cpu->workers, sizeof *cpu->scratch);
    bool ok = cpu->scratch != NULL;
    for (int i = 0; ok && i < cpu->workers; i++) ok = (cpu->scratch[i] = aligned(cpu->scratch_bytes)) != NULL;
    if (!ok) {
        s = saint_fail(err, SAINT_MEMORY, "CPU backend: %zu bytes for each of %d threads could not be allocated; use fewer threads",
                       cpu->scratch_bytes, cpu->workers);
        cpu_close(&cpu->base);
        return s;
    }
    *out = &cpu->base;
    return SAINT_OK;
}

void saint_backend_close(saint_backend *b)
{
    if (b) b->op->close(b);
}
