/* text.c - see text.h. */
#include "export/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

static bool reserve(text_buf *t, size_t more)
{
    if (t->failed) return false;
    if (more < t->room - t->n && t->p) return true;
    size_t room = t->room ? t->room : 256;
    while (room - t->n <= more && room <= SIZE_MAX / 2) room *= 2;
    char *p = room - t->n > more ? realloc(t->p, room) : NULL;
    if (!p) {
        t->failed = true;
        return false;
    }
    t->p = p;
    t->room = room;
    return true;
}

void text_bytes(text_buf *t, const void *bytes, size_t n)
{
    if (!reserve(t, n)) return;
    if (n) memcpy(t->p + t->n, bytes, n);
    t->n += n;
    t->p[t->n] = 0;
}

void text_put(text_buf *t, const char *text) { text_bytes(t, text, strlen(text)); }

void text_char(text_buf *t, char c) { text_bytes(t, &c, 1); }

void text_format(text_buf *t, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n < 0) t->failed = true;
    else if (reserve(t, (size_t)n)) {
        (void)vsnprintf(t->p + t->n, (size_t)n + 1, fmt, again);
        t->n += (size_t)n;
    }
    va_end(again);
    va_end(ap);
}

/* A decimal of k digits that stands for x is what x looks like in any k' > k digits too, so nothing below 15 needs a try: %g drops zeros.
 */
void text_number(text_buf *t, double x)
{
    char s[40];
    if (x == 0) x = 0; /* -0 */
    if (fabs(x) < 0x1p53 && x == floor(x)) (void)snprintf(s, sizeof s, "%.0f", x);
    else
        for (int digits = 15; digits <= 17; digits++) {
            (void)snprintf(s, sizeof s, "%.*g", digits, x);
            if (strtod(s, NULL) == x) break;
        }
    text_put(t, s);
}

void text_single(text_buf *t, float x)
{
    char s[40];
    for (int digits = 6; digits <= 9; digits++) {
        (void)snprintf(s, sizeof s, "%.*g", digits, (double)(x == 0 ? 0 : x));
        if (strtof(s, NULL) == x) break;
    }
    text_put(t, s);
}

size_t text_character(const char *p) { return utf8_length((const unsigned char *)p); }

void text_utf8(text_buf *t, const char *text)
{
    while (*text) {
        size_t n = text_character(text);
        if (n) text_bytes(t, text, n);
        else text_put(t, "\xef\xbf\xbd"); /* U+FFFD */
        text += n ? n : 1;
    }
}

void text_clear(text_buf *t)
{
    t->n = 0;
    if (t->p) t->p[0] = 0;
}

void text_free(text_buf *t)
{
    free(t->p);
    *t = (text_buf){0};
}

saint_status text_status(const text_buf *t, const char *what, saint_error *err)
{
    return t->failed ? saint_fail(err, SAINT_MEMORY, "%s: no memory beyond %zu bytes", what, t->n) : SAINT_OK;
}
