#include "views/text.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "views/unicode_width.inc"

uint32_t saint_ui_utf8_next(const char **p)
{
    const unsigned char *s = (const unsigned char *)*p;
    if (!s || !*s) return 0;
    int more = *s < 0x80 ? 0 : *s >= 0xc2 && *s < 0xe0 ? 1 : *s >= 0xe0 && *s < 0xf0 ? 2 : *s >= 0xf0 && *s < 0xf5 ? 3 : -1;
    uint32_t ch = more <= 0 ? *s : *s & (0x3fu >> more);
    for (int i = 1; i <= more; i++) {
        if ((s[i] & 0xc0) != 0x80) more = -1;
        else ch = ch << 6 | (s[i] & 0x3fu);
    }
    static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
    if (more < 0 || ch < smallest[more] || (ch >= 0xd800 && ch < 0xe000) || ch > 0x10ffff) {
        *p += 1;
        return 0xfffd;
    }
    *p += more + 1;
    return ch;
}

int saint_ui_utf8_put(uint32_t ch, char out[4])
{
    if ((ch >= 0xd800 && ch < 0xe000) || ch > 0x10ffff) ch = 0xfffd;
    if (ch < 0x80) return out[0] = (char)ch, 1;
    int more = ch < 0x800 ? 1 : ch < 0x10000 ? 2 : 3;
    static const unsigned lead[] = {0, 0xc0, 0xe0, 0xf0};
    for (int i = more; i > 0; i--) {
        out[i] = (char)(0x80 | (ch & 0x3f));
        ch >>= 6;
    }
    out[0] = (char)(lead[more] | ch);
    return more + 1;
}

static bool in_table(const uint32_t (*table)[2], size_t n, uint32_t ch)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (ch > table[mid][1]) lo = mid + 1;
        else hi = mid;
    }
    return lo < n && ch >= table[lo][0];
}

int saint_ui_char_width(uint32_t ch)
{
    if (ch < 0x300) return 1;
    if (in_table(zero_width, sizeof zero_width / sizeof *zero_width, ch)) return 0;
    return in_table(double_width, sizeof double_width / sizeof *double_width, ch) ? 2 : 1;
}

int saint_ui_text_width(const char *s)
{
    int n = 0;
    for (uint32_t ch; (ch = saint_ui_utf8_next(&s));) n += saint_ui_char_width(ch);
    return n;
}

size_t saint_ui_text_fit(const char *s, int columns)
{
    const char *p = s, *good = s;
    int n = 0;
    for (uint32_t ch; (ch = saint_ui_utf8_next(&p));) {
        n += saint_ui_char_width(ch);
        if (n > columns) break;
        good = p;
    }
    return (size_t)(good - s);
}

int saint_ui_text_cut(char *out, size_t size, const char *s, int columns, const char *tail)
{
    if (!out || !size) return 0;
    out[0] = 0;
    if (!s || columns <= 0) return 0;
    size_t n = saint_ui_text_fit(s, columns), extra = 0;
    if (s[n]) { /* does not fit: the tail takes the last columns */
        extra = saint_ui_text_fit(tail ? tail : "", columns);
        char end[32];
        snprintf(end, sizeof end, "%.*s", (int)(extra < sizeof end ? extra : 0), tail ? tail : "");
        extra = strlen(end);
        n = saint_ui_text_fit(s, columns - saint_ui_text_width(end));
        if (n + extra >= size) extra = 0;
        if (n < size && extra) memcpy(out + n, end, extra);
    }
    while (n + extra >= size && n > 0) { /* the buffer ends first: cut at a character */
        n--;
        while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80) n--;
    }
    memcpy(out, s, n);
    out[n + extra] = 0;
    return saint_ui_text_width(out);
}

int saint_ui_wrap_next(saint_ui_wrap *w, int columns, const char **line, size_t *bytes)
{
    if (!w || !w->rest || !*w->rest) return 0;
    if (columns < 1) columns = 1;
    const char *s = w->rest, *p = s, *space = NULL;
    int n = 0;
    *line = s;
    for (;;) {
        const char *here = p;
        uint32_t ch = saint_ui_utf8_next(&p);
        if (ch == 0 || ch == '\n') {
            *bytes = (size_t)(here - s);
            w->rest = p;
            return 1;
        }
        if (ch == ' ') space = here;
        n += saint_ui_char_width(ch);
        if (n <= columns) continue;
        if (space) { /* also when the space itself is what hangs over */
            *bytes = (size_t)(space - s);
            w->rest = space + 1;
        } else { /* one word wider than the line; a character of two columns in a line of one still has to go somewhere */
            *bytes = (size_t)((here > s ? here : p) - s);
            w->rest = s + *bytes;
        }
        return 1;
    }
}

int saint_ui_wrap_count(const char *s, int columns)
{
    saint_ui_wrap w = {s};
    const char *line;
    size_t bytes;
    int n = 0;
    while (saint_ui_wrap_next(&w, columns, &line, &bytes)) n++;
    return n;
}

/* printf's decimal separator follows the locale; ours is a point. */
static char *pointed(char *out)
{
    for (char *c = out; *c; c++)
        if (*c == ',') *c = '.';
    return out;
}

char *saint_ui_fixed(char *out, size_t size, double v, int decimals)
{
    if (!out || !size) return out;
    if (isnan(v)) snprintf(out, size, "-");
    else if (isinf(v)) snprintf(out, size, v < 0 ? "-inf" : "inf");
    else {
        if (decimals < 0) decimals = 0;
        snprintf(out, size, "%.*f", decimals > 15 ? 15 : decimals, v);
        if (out[0] == '-' && strspn(out + 1, "0.,") == strlen(out + 1)) memmove(out, out + 1, strlen(out)); /* no -0.00 */
    }
    return pointed(out);
}

char *saint_ui_number(char *out, size_t size, double v)
{
    if (!out || !size) return out;
    double a = fabs(v);
    if (!(a < INFINITY)) return saint_ui_fixed(out, size, v, 0);
    if (a < 1e4 && v == floor(v)) return saint_ui_fixed(out, size, v, 0);
    static const struct {
        double from, unit;
        const char *name;
    } big[] = {{999.95e12, 1e15, "P"}, {999.95e9, 1e12, "T"}, {999.95e6, 1e9, "G"}, {999.95e3, 1e6, "M"}, {9999.5, 1e3, "k"}};
    for (size_t i = 0; i < sizeof big / sizeof *big; i++)
        if (a >= big[i].from) {
            char number[40];
            double q = a / big[i].unit;
            saint_ui_fixed(number, sizeof number, v / big[i].unit, q < 9.995 ? 2 : q < 99.95 ? 1 : 0);
            snprintf(out, size, "%s%s", number, big[i].name);
            return out;
        }
    if (a < 1e-4) {
        snprintf(out, size, "%.2g", v);
        return pointed(out);
    }
    return saint_ui_fixed(out, size, v, a < 0.09995 ? 4 : a < 9.9995 ? 3 : a < 99.995 ? 2 : 1);
}

char *saint_ui_bytes(char *out, size_t size, double bytes)
{
    if (!out || !size) return out;
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    int i = 0;
    while (fabs(bytes) >= 1023.5 && i < 4) {
        bytes /= 1024;
        i++;
    }
    char number[40];
    saint_ui_fixed(number, sizeof number, bytes, i == 0 ? 0 : fabs(bytes) < 9.995 ? 2 : 1);
    snprintf(out, size, "%s %s", number, unit[i]);
    return out;
}

char *saint_ui_duration(char *out, size_t size, double s)
{
    if (!out || !size) return out;
    char number[40];
    double a = fabs(s);
    if (!(a < 1e9)) snprintf(out, size, "-");
    else if (a < 0.9995e-3 && a > 0) snprintf(out, size, "%s us", saint_ui_fixed(number, sizeof number, s * 1e6, a < 99.5e-6 ? 1 : 0));
    else if (a < 0.9995) snprintf(out, size, "%s ms", saint_ui_fixed(number, sizeof number, s * 1e3, a < 9.995e-3 ? 2 : 1));
    else if (a < 59.5) snprintf(out, size, "%s s", saint_ui_fixed(number, sizeof number, s, a < 9.995 ? 2 : 1));
    else if (a < 3600 - 0.5) snprintf(out, size, "%d:%02d", (int)(s + 0.5) / 60, (int)(s + 0.5) % 60);
    else snprintf(out, size, "%d:%02d:%02d", (int)(s + 0.5) / 3600, (int)(s + 0.5) / 60 % 60, (int)(s + 0.5) % 60);
    return out;
}
