/* text.h - UTF-8, columns, cutting and wrapping; independent of the locale, so a view looks the same everywhere. */
#ifndef SAINT_VIEWS_TEXT_H
#define SAINT_VIEWS_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Decode one code point and move on; broken bytes give U+FFFD one byte at a time, the end gives 0 and stays. */
uint32_t saint_ui_utf8_next(const char **p);
/* Encode into out[4]; the number of bytes. Surrogates and values past U+10FFFF become U+FFFD. */
int saint_ui_utf8_put(uint32_t ch, char out[4]);
/* Columns of a code point: 0 for combining marks, 2 for East Asian wide, 1 otherwise (control characters count as the space that is drawn).
 */
int saint_ui_char_width(uint32_t ch);
/* Columns of a string; NULL is 0. */
int saint_ui_text_width(const char *s);
/* Bytes of the longest prefix of s with at most `columns` columns; combining marks stay with their letter. */
size_t saint_ui_text_fit(const char *s, int columns);
/* Copy s cut to `columns` columns with `tail` (such as "...") as its end when it was cut; always terminated, never half a character.
 * Returns the columns of the result. */
int saint_ui_text_cut(char *out, size_t size, const char *s, int columns, const char *tail);

/* Lines of a text at a width: breaks at spaces and line feeds, inside words only when a word is wider than the line. */
typedef struct {
    const char *rest;
} saint_ui_wrap;
/* Start with {text}. Gives begin and byte length of the next line; 0 when the text is used up. */
int saint_ui_wrap_next(saint_ui_wrap *w, int columns, const char **line, size_t *bytes);
int saint_ui_wrap_count(const char *s, int columns);

/* Numbers as people read them: 4 significant digits, "1.23k" "4.56M" "7.89G", "-" for NaN. Never depends on the locale. Return out. */
char *saint_ui_number(char *out, size_t size, double v);
char *saint_ui_fixed(char *out, size_t size, double v, int decimals);
char *saint_ui_bytes(char *out, size_t size, double bytes);      /* 12.3 MiB */
char *saint_ui_duration(char *out, size_t size, double seconds); /* 0.31 ms, 12.5 s, 3:12, 2:03:04 */

#endif
