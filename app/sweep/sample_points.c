#include "sweep/sample_points.h"

#include <stdbool.h>
#include <stdlib.h>

/* ---- random ------------------------------------------------------------------------------------------------------ */

/* SplitMix64's finisher: every bit of the result depends on every bit of x. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static uint64_t bits(uint64_t seed, uint64_t index, uint64_t dimension)
{
    uint64_t x = mix(seed + 0x9e3779b97f4a7c15u);
    x = mix(x ^ (index + 0x9e3779b97f4a7c15u) * 0xd1342543de82ef95u);
    return mix(x ^ (dimension + 1) * 0xaef17502108ef2d9u);
}

double sweep_uniform(uint64_t seed, uint64_t index, uint64_t dimension) { return (double)(bits(seed, index, dimension) >> 11) * 0x1p-53; }

/* ---- Latin hypercube --------------------------------------------------------------------------------------------- */

saint_status sweep_latin_hypercube(uint64_t seed, size_t n, size_t dimensions, double *u, saint_error *err)
{
    size_t *stratum = n ? malloc(n * sizeof *stratum) : NULL;
    if (n && !stratum) return saint_fail(err, SAINT_MEMORY, "no memory for %zu points", n);
    for (size_t d = 0; d < dimensions; d++) {
        for (size_t i = 0; i < n; i++) stratum[i] = i;
        for (size_t i = n; i-- > 1;) { /* Fisher and Yates */
            size_t j = (size_t)(bits(seed, i, 2 * d) % (i + 1)), keep = stratum[i];
            stratum[i] = stratum[j];
            stratum[j] = keep;
        }
        for (size_t i = 0; i < n; i++) {
            double x = ((double)stratum[i] + sweep_uniform(seed, i, 2 * d + 1)) / (double)n;
            u[i * dimensions + d] = x < 1 ? x : 0x1.fffffffffffffp-1;
        }
    }
    free(stratum);
    return SAINT_OK;
}

/* ---- Sobol ------------------------------------------------------------------------------------------------------- */

/* Primitive polynomial (bit k: coefficient of x^k) and initial direction numbers m_1.. of each dimension, from S. Joe and F. Y. Kuo,
 * "Constructing Sobol sequences with better two-dimensional projections", SIAM J. Sci. Comput. 30 (2008): new-joe-kuo-6. */
static const struct {
    uint16_t polynomial, m[9];
} directions[SWEEP_SOBOL_DIMENSIONS] = {
    {1, {0}},
    {3, {1}},
    {7, {1, 3}},
    {11, {1, 3, 1}},
    {13, {1, 1, 1}},
    {19, {1, 1, 3, 3}},
    {25, {1, 3, 5, 13}},
    {37, {1, 1, 5, 5, 17}},
    {41, {1, 1, 5, 5, 5}},
    {47, {1, 1, 7, 11, 19}},
    {55, {1, 1, 5, 1, 1}},
    {59, {1, 1, 1, 3, 11}},
    {61, {1, 3, 5, 5, 31}},
    {67, {1, 3, 3, 9, 7, 49}},
    {91, {1, 1, 1, 15, 21, 21}},
    {97, {1, 3, 1, 13, 27, 49}},
    {103, {1, 1, 1, 15, 7, 5}},
    {109, {1, 3, 1, 15, 13, 25}},
    {115, {1, 1, 5, 5, 19, 61}},
    {131, {1, 3, 7, 11, 23, 15, 103}},
    {137, {1, 3, 7, 13, 13, 15, 69}},
    {143, {1, 1, 3, 13, 7, 35, 63}},
    {145, {1, 3, 5, 9, 1, 25, 53}},
    {157, {1, 3, 1, 13, 9, 35, 107}},
    {167, {1, 3, 1, 5, 27, 61, 31}},
    {171, {1, 1, 5, 11, 19, 41, 61}},
    {185, {1, 3, 5, 3, 3, 13, 69}},
    {191, {1, 1, 7, 13, 1, 19, 1}},
    {193, {1, 3, 7, 5, 13, 19, 59}},
    {203, {1, 1, 3, 9, 25, 29, 41}},
    {211, {1, 3, 5, 13, 23, 1, 55}},
    {213, {1, 3, 7, 3, 13, 59, 17}},
    {229, {1, 3, 1, 3, 5, 53, 69}},
    {239, {1, 1, 5, 5, 23, 33, 13}},
    {241, {1, 1, 7, 7, 1, 61, 123}},
    {247, {1, 1, 7, 9, 13, 61, 49}},
    {253, {1, 3, 3, 5, 3, 55, 33}},
    {285, {1, 3, 1, 15, 31, 13, 49, 245}},
    {299, {1, 3, 5, 15, 31, 59, 63, 97}},
    {301, {1, 3, 1, 11, 11, 11, 77, 249}},
    {333, {1, 3, 1, 11, 27, 43, 71, 9}},
    {351, {1, 1, 7, 15, 21, 11, 81, 45}},
    {355, {1, 3, 7, 3, 25, 31, 65, 79}},
    {357, {1, 3, 1, 1, 19, 11, 3, 205}},
    {361, {1, 1, 5, 9, 19, 21, 29, 157}},
    {369, {1, 3, 7, 11, 1, 33, 89, 185}},
    {391, {1, 3, 3, 3, 15, 9, 79, 71}},
    {397, {1, 3, 7, 11, 15, 39, 119, 27}},
    {425, {1, 1, 3, 1, 11, 31, 97, 225}},
    {451, {1, 1, 1, 3, 23, 43, 57, 177}},
    {463, {1, 3, 7, 7, 17, 17, 37, 71}},
    {487, {1, 3, 1, 5, 27, 63, 123, 213}},
    {501, {1, 1, 3, 5, 11, 43, 53, 133}},
    {529, {1, 3, 5, 5, 29, 17, 47, 173, 479}},
    {539, {1, 3, 3, 11, 3, 1, 109, 9, 69}},
    {545, {1, 1, 1, 5, 17, 39, 23, 5, 343}},
    {557, {1, 3, 1, 5, 25, 15, 31, 103, 499}},
    {563, {1, 1, 1, 11, 11, 17, 63, 105, 183}},
    {601, {1, 1, 5, 11, 9, 29, 97, 231, 363}},
    {607, {1, 1, 5, 15, 19, 45, 41, 7, 383}},
    {617, {1, 3, 7, 7, 31, 19, 83, 137, 221}},
    {623, {1, 1, 1, 3, 23, 15, 111, 223, 83}},
    {631, {1, 1, 5, 13, 31, 15, 55, 25, 161}},
    {637, {1, 1, 3, 13, 25, 47, 39, 87, 257}},
};

/* Direction number k (from 0) of a dimension, as a fraction of 2^32. */
static void direction_numbers(unsigned dimension, uint32_t v[32])
{
    unsigned polynomial = directions[dimension].polynomial, degree = 0;
    while (polynomial >> (degree + 1)) degree++;
    if (dimension == 0) { /* the radical inverse: all m are 1 */
        for (unsigned k = 0; k < 32; k++) v[k] = UINT32_C(1) << (31 - k);
        return;
    }
    for (unsigned k = 0; k < 32; k++) {
        if (k < degree) {
            v[k] = (uint32_t)directions[dimension].m[k] << (31 - k);
            continue;
        }
        v[k] = v[k - degree] ^ v[k - degree] >> degree;
        for (unsigned j = 1; j < degree; j++)
            if (polynomial >> (degree - j) & 1) v[k] ^= v[k - j];
    }
}

double sweep_sobol(uint64_t seed, uint32_t index, unsigned dimension)
{
    uint32_t v[32], x = 0, gray = index ^ index >> 1;
    direction_numbers(dimension, v);
    for (unsigned k = 0; k < 32; k++)
        if (gray >> k & 1) x ^= v[k];
    if (seed) x ^= (uint32_t)(bits(seed, 0, dimension) >> 32);
    return (double)x * 0x1p-32;
}
