/* text.h - a text that grows, and numbers that read back as what they were. */
#ifndef SAINT_APP_EXPORT_TEXT_H
#define SAINT_APP_EXPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "engine.h"

/* All zero is an empty text. Out of memory is remembered: the writers below then do nothing, and text_status tells. */
typedef struct {
    char *p; /* [n], with a terminating 0 behind it; NULL while nothing was written */
    size_t n, room;
    bool failed;
} text_buf;

void text_bytes(text_buf *t, const void *bytes, size_t n);
void text_put(text_buf *t, const char *text);
void text_char(text_buf *t, char c);
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void text_format(text_buf *t, const char *fmt, ...);
/* Shortest decimal that strtod (strtof) reads as the same number; x must be finite. */
void text_number(text_buf *t, double x);
void text_single(text_buf *t, float x);
/* Valid UTF-8: what is none becomes U+FFFD. */
void text_utf8(text_buf *t, const char *text);
void text_clear(text_buf *t); /* keeps its memory */
void text_free(text_buf *t);
/* SAINT_MEMORY naming what, when something could not be written. */
saint_status text_status(const text_buf *t, const char *what, saint_error *err);

/* Bytes of the UTF-8 character at p, 0 when there is none (at the end of the text too). */
size_t text_character(const char *p);

#endif
