/* unicode.h - UTF-8 steps, a growing byte string, character classes, lower case and NFC. */
#ifndef SAINT_BASE_UNICODE_H
#define SAINT_BASE_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing byte string. A failed append leaves it as it was and returns false (no memory). */
typedef struct {
    char *data;
    size_t n, cap;
} saint_buf;
bool saint_buf_add(saint_buf *b, const char *bytes, size_t n);
bool saint_buf_add_cp(saint_buf *b, uint32_t cp);
void saint_buf_free(saint_buf *b);

enum { SAINT_UTF8_BAD = -1 };
/* The character at p (n > 0 bytes left) and its length; a byte sequence that is no character gives SAINT_UTF8_BAD and the length of its
 * maximal valid start (at least 1), which is what one U+FFFD stands for. */
int32_t saint_utf8_next(const char *p, size_t n, size_t *len);
size_t saint_utf8_write(uint32_t cp, char out[4]);
bool saint_utf8_valid(const char *p, size_t n);

bool saint_uni_is_letter(int32_t cp); /* \p{L}; SAINT_UTF8_BAD is in no class */
bool saint_uni_is_number(int32_t cp); /* \p{N} */
bool saint_uni_is_space(int32_t cp);  /* White_Space */

/* Append the transformed text to out; bytes that are no character pass unchanged. False: no memory. */
bool saint_uni_lowercase(const char *text, size_t n, saint_buf *out);
bool saint_uni_nfc(const char *text, size_t n, saint_buf *out);

typedef struct {
    uint32_t lo, hi;
} saint_uni_range;
typedef struct {
    uint32_t lo, hi;
    int32_t step, delta; /* every step-th character from lo to hi maps to itself + delta */
} saint_uni_shift;
typedef struct {
    uint32_t lo, hi;
    int32_t ccc;
} saint_uni_class;
typedef struct {
    uint32_t cp, a, b; /* b = 0: a singleton */
} saint_uni_triple;

extern const saint_uni_range saint_uni_letters[], saint_uni_numbers[];
extern const saint_uni_shift saint_uni_lower[];
extern const saint_uni_class saint_uni_ccc[];
extern const saint_uni_triple saint_uni_decompositions[];
extern const uint16_t saint_uni_compositions[];
extern const size_t saint_uni_letters_count, saint_uni_numbers_count, saint_uni_lower_count, saint_uni_ccc_count,
    saint_uni_decompositions_count, saint_uni_compositions_count;

#endif
