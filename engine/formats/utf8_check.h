/* utf8_check.h - the strict UTF-8 of RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef SAINT_FORMATS_UTF8_CHECK_H
#define SAINT_FORMATS_UTF8_CHECK_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character that starts at p (1..4) with n bytes left, 0 when there is no valid one. */
static inline size_t saint_utf8_step(const unsigned char *p, size_t n)
{
    if (n == 0) return 0;
    if (p[0] < 0x80) return 1;
    if (p[0] < 0xc2 || p[0] > 0xf4) return 0;
    size_t len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (n < len) return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if (p[0] == 0xe0 && p[1] < 0xa0) return 0; /* overlong */
    if (p[0] == 0xed && p[1] > 0x9f) return 0; /* surrogate */
    if (p[0] == 0xf0 && p[1] < 0x90) return 0; /* overlong */
    if (p[0] == 0xf4 && p[1] > 0x8f) return 0; /* above U+10FFFF */
    return len;
}

static inline bool saint_utf8_valid(const char *text, size_t n)
{
    const unsigned char *p = (const unsigned char *)text;
    for (size_t i = 0; i < n;) {
        size_t step = saint_utf8_step(p + i, n - i);
        if (!step) return false;
        i += step;
    }
    return true;
}

#endif
