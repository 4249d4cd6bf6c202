#include "base/dtype.h"

size_t saint_dtype_size(saint_dtype t)
{
    static const uint8_t size[] = {
#define X(name, bytes) bytes,
        SAINT_DTYPE_MAP(X)
#undef X
    };
    return (unsigned)t < SAINT_DTYPE_COUNT ? size[t] : 0;
}

const char *saint_dtype_name(saint_dtype t)
{
    static const char *const name[] = {
#define X(name, bytes) #name,
        SAINT_DTYPE_MAP(X)
#undef X
    };
    return (unsigned)t < SAINT_DTYPE_COUNT ? name[t] : "?";
}

float saint_f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exp = (h >> 10) & 31u, man = h & 0x3ffu, u;
    if (exp == 31)
        u = sign | 0x7f800000u | (man << 13);
    else if (exp)
        u = sign | ((exp + 112) << 23) | (man << 13);
    else if (!man)
        u = sign;
    else { /* subnormal: shift until the leading one is implicit */
        exp = 113;
        while (!(man & 0x400u)) {
            man <<= 1;
            exp--;
        }
        u = sign | (exp << 23) | ((man & 0x3ffu) << 13);
    }
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

uint16_t saint_f32_to_f16(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    uint16_t sign = (uint16_t)((u >> 16) & 0x8000u);
    u &= 0x7fffffffu;
    if (u > 0x7f800000u) return (uint16_t)(sign | 0x7e00u);
    if (u >= 0x477ff000u) return (uint16_t)(sign | 0x7c00u); /* rounds past the largest finite value */
    if (u < 0x38800000u) {                                   /* subnormal or zero in f16 */
        if (u < 0x33000000u) return sign;
        uint32_t man = (u & 0x7fffffu) | 0x800000u, shift = 126 - (u >> 23);
        uint32_t half = man >> shift, rest = man & ((1u << shift) - 1), mid = 1u << (shift - 1);
        return (uint16_t)(sign | (half + (rest > mid || (rest == mid && (half & 1)))));
    }
    uint32_t rounded = u + 0xfffu + ((u >> 13) & 1u);
    return (uint16_t)(sign | ((rounded - 0x38000000u) >> 13));
}

void saint_to_f32(float *dst, const void *src, saint_dtype type, size_t n)
{
    const unsigned char *p = src;
    uint16_t h;
    double d;
    switch (type) {
    case SAINT_F32: memcpy(dst, src, n * sizeof *dst); break;
    case SAINT_F16:
        for (size_t i = 0; i < n; i++) {
            memcpy(&h, p + 2 * i, sizeof h);
            dst[i] = saint_f16_to_f32(h);
        }
        break;
    case SAINT_BF16:
        for (size_t i = 0; i < n; i++) {
            memcpy(&h, p + 2 * i, sizeof h);
            dst[i] = saint_bf16_to_f32(h);
        }
        break;
    case SAINT_F64:
        for (size_t i = 0; i < n; i++) {
            memcpy(&d, p + 8 * i, sizeof d);
            dst[i] = (float)d;
        }
        break;
    default: memset(dst, 0, n * sizeof *dst); break;
    }
}
