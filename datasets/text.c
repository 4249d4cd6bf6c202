/* text.c - strings the way the published Python sees them: code points, Unicode white space. */
#include <string.h>

#include "datasets/internal.h"

bool saint_py_is_space(int32_t cp) { return saint_uni_is_space(cp) || (cp >= 0x1c && cp <= 0x1f); }

const char *saint_py_strip(const char *text, size_t n, size_t *out_n)
{
    size_t from = 0, to = 0;
    bool seen = false;
    for (size_t i = 0, len; i < n; i += len) {
        if (saint_py_is_space(saint_utf8_next(text + i, n - i, &len))) continue;
        if (!seen) from = i;
        seen = true;
        to = i + len;
    }
    *out_n = to - from;
    return text + from;
}

bool saint_buf_text(saint_buf *b, const char *text) { return saint_buf_add(b, text, strlen(text)); }

bool saint_buf_replace(saint_buf *b, const char *text, const char *from, const char *to)
{
    for (const char *hit; (hit = strstr(text, from)); text = hit + strlen(from))
        if (!saint_buf_add(b, text, (size_t)(hit - text)) || !saint_buf_text(b, to)) return false;
    return saint_buf_text(b, text);
}

/* The character whose lower case is cp, cp itself when there is none. */
static uint32_t upper_of(uint32_t cp)
{
    if (cp < 0x80) return cp >= 'a' && cp <= 'z' ? cp - 32 : cp;
    for (size_t i = 0; i < saint_uni_lower_count; i++) {
        const saint_uni_shift *s = &saint_uni_lower[i];
        int64_t from = (int64_t)cp - s->delta;
        if (from >= s->lo && from <= s->hi && (from - s->lo) % s->step == 0) return (uint32_t)from;
    }
    return cp;
}

bool saint_py_capitalize(const char *text, saint_buf *out)
{
    size_t n = strlen(text), len = 0;
    if (!n) return true;
    int32_t first = saint_utf8_next(text, n, &len);
    bool ok = first == SAINT_UTF8_BAD ? saint_buf_add(out, text, len) : saint_buf_add_cp(out, upper_of((uint32_t)first));
    return ok && saint_uni_lowercase(text + len, n - len, out);
}

static bool starts_with(const char *text, size_t n, const char *head) { return n >= strlen(head) && memcmp(text, head, strlen(head)) == 0; }

bool saint_question_key(const char *text, saint_buf *out)
{
    static const char ask[] = "please answer yes or no.";
    size_t n = 0, len;
    for (;; text += n + 1) {
        n = strcspn(text, "\n");
        size_t m;
        const char *line = saint_py_strip(text, n, &m);
        bool skip = m == 0 || starts_with(line, m, "Reference OCR token:") || (m == 7 && starts_with(line, m, "<image>"));
        if (!skip || !text[n]) break;
    }
    size_t from = out->n;
    saint_buf lower = {0};
    bool ok = saint_uni_lowercase(text, n, &lower), space = false;
    for (size_t i = 0; ok && i < lower.n; i += len) {
        int32_t cp = saint_utf8_next(lower.data + i, lower.n - i, &len);
        if (saint_py_is_space(cp)) {
            space = out->n > from;
            continue;
        }
        ok = (!space || saint_buf_add(out, " ", 1)) && saint_buf_add(out, lower.data + i, len);
        space = false;
    }
    saint_buf_free(&lower);
    size_t tail = sizeof ask - 1;
    if (ok && out->n - from >= tail && memcmp(out->data + out->n - tail, ask, tail) == 0) {
        out->n -= tail;
        while (out->n > from && out->data[out->n - 1] == ' ') out->n--;
    }
    return ok;
}
