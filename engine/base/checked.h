/* checked.h - size arithmetic for numbers that come from files. All return false on overflow and then leave *out alone. */
#ifndef SAINT_BASE_CHECKED_H
#define SAINT_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool saint_mul_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline bool saint_add_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

/* Product of a shape, every extent >= 0; an empty shape is a scalar, 1. */
static inline bool saint_shape_count(const int64_t *shape, int rank, size_t *out)
{
    size_t n = 1;
    for (int i = 0; i < rank; i++)
        if (shape[i] < 0 || !saint_mul_size(n, (size_t)shape[i], &n)) return false;
    *out = n;
    return true;
}

#endif
