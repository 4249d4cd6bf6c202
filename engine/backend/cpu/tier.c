/* tier.c - which kernels this CPU runs. */
#include <stdatomic.h>

#include "backend/cpu/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

static const char *const tier_names[SAINT_TIER_COUNT] = {"generic", "avx2", "avx512", "avx512bf16"};

const char *saint_cpu_tier_name(saint_cpu_tier t) { return (unsigned)t < SAINT_TIER_COUNT ? tier_names[t] : "?"; }

static saint_cpu_tier ask(void)
{
#if defined(__x86_64__)
    unsigned a, b, c = 0, d;
    bool f16c = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C); /* __builtin_cpu_supports of clang 14 does not know it */
    if (!f16c || !__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return SAINT_TIER_GENERIC;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl") ||
        !__builtin_cpu_supports("avx512dq"))
        return SAINT_TIER_AVX2;
    return __builtin_cpu_supports("avx512bf16") ? SAINT_TIER_AVX512BF16 : SAINT_TIER_AVX512;
#else
    return SAINT_TIER_GENERIC;
#endif
}

/* Asked once: in a virtual machine CPUID leaves the guest and takes longer than a small product. Two threads that ask at the same time
 * store the same answer. */
saint_cpu_tier saint_cpu_best_tier(void)
{
    static atomic_int known; /* tier + 1; 0 = not asked */
    int t = atomic_load_explicit(&known, memory_order_relaxed);
    if (!t) {
        t = (int)ask() + 1;
        atomic_store_explicit(&known, t, memory_order_relaxed);
    }
    return (saint_cpu_tier)(t - 1);
}
