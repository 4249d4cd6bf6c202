/* dtype.h - element types and the exact conversions between them. */
#ifndef SAINT_BASE_DTYPE_H
#define SAINT_BASE_DTYPE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* name as in safetensors, bytes per element */
#define SAINT_DTYPE_MAP(X) \
    X(F32, 4)              \
    X(F16, 2)              \
    X(BF16, 2)             \
    X(F64, 8)              \
    X(I64, 8)              \
    X(I32, 4)              \
    X(I16, 2)              \
    X(I8, 1)               \
    X(U8, 1)               \
    X(BOOL, 1)

typedef enum {
#define X(name, bytes) SAINT_##name,
    SAINT_DTYPE_MAP(X)
#undef X
        SAINT_DTYPE_COUNT
} saint_dtype;

size_t saint_dtype_size(saint_dtype t);
const char *saint_dtype_name(saint_dtype t);

/* 16-bit floats travel as uint16_t. Conversions round to nearest even; NaN stays NaN. */
static inline float saint_bf16_to_f32(uint16_t b)
{
    uint32_t u = (uint32_t)b << 16;
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static inline uint16_t saint_f32_to_bf16(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    if ((u & 0x7fffffffu) > 0x7f800000u) return (uint16_t)((u >> 16) | 0x40u);
    return (uint16_t)((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}

float saint_f16_to_f32(uint16_t h);
uint16_t saint_f32_to_f16(float f);

/* dst[i] = (float)src[i] for n elements of a float type (F32, F16, BF16, F64). src needs no alignment. */
void saint_to_f32(float *dst, const void *src, saint_dtype type, size_t n);

#endif
