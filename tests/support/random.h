/* random.h - seeded numbers for tests, the same on every machine. */
#ifndef SAINT_TESTS_SUPPORT_RANDOM_H
#define SAINT_TESTS_SUPPORT_RANDOM_H

#include <math.h>
#include <stdint.h>

static inline uint64_t test_random_bits(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    uint64_t x = *state ^ *state >> 32;
    x *= 0xd6e8feb86659fd93u;
    return x ^ x >> 32;
}

/* Uniform in [-1, 1). */
static inline float test_random(uint64_t *state)
{
    return (float)(test_random_bits(state) >> 40) * 0x1p-23f - 1.0f;
}

/* x [n, dim]: rows around `clusters` random centres, so that cosines are spread over the whole range. */
static inline void test_random_tokens(uint64_t *state, float *x, int n, int dim, int clusters, float noise)
{
    uint64_t centres = test_random_bits(state);
    for (int i = 0; i < n; i++) {
        uint64_t centre = centres + test_random_bits(state) % (uint64_t)clusters * 0x9e3779b97f4a7c15u;
        for (int d = 0; d < dim; d++) x[i * dim + d] = test_random(&centre) + noise * test_random(state);
    }
}

#endif
