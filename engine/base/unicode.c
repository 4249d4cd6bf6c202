/* unicode.c - UTF-8, character classes, lower case and canonical composition. */
#include "base/unicode.h"

#include <stdlib.h>
#include <string.h>

bool saint_buf_add(saint_buf *b, const char *bytes, size_t n)
{
    if (n > SIZE_MAX / 2 - b->n) return false;
    if (b->n + n > b->cap) {
        size_t cap = (b->n + n) * 2;
        char *p = realloc(b->data, cap);
        if (!p) return false;
        b->data = p;
        b->cap = cap;
    }
    if (n) memcpy(b->data + b->n, bytes, n);
    b->n += n;
    return true;
}

bool saint_buf_add_cp(saint_buf *b, uint32_t cp)
{
    char c[4];
    return saint_buf_add(b, c, saint_utf8_write(cp, c));
}

void saint_buf_free(saint_buf *b)
{
    free(b->data);
    *b = (saint_buf){0};
}

int32_t saint_utf8_next(const char *p, size_t n, size_t *len)
{
    const unsigned char *s = (const unsigned char *)p;
    unsigned lead = s[0];
    *len = 1;
    if (lead < 0x80) return (int32_t)lead;
    if (lead < 0xc2 || lead > 0xf4) return SAINT_UTF8_BAD;
    size_t want = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    unsigned lo = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80; /* no overlong forms */
    unsigned hi = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf; /* no surrogates, nothing above U+10FFFF */
    int32_t cp = (int32_t)(lead & (0x7fu >> want));
    for (size_t i = 1; i < want; i++) {
        if (i >= n || s[i] < lo || s[i] > hi) return SAINT_UTF8_BAD;
        cp = cp << 6 | (int32_t)(s[i] & 0x3fu);
        *len = i + 1;
        lo = 0x80;
        hi = 0xbf;
    }
    return cp;
}

size_t saint_utf8_write(uint32_t cp, char out[4])
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xe0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        out[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    out[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}

bool saint_utf8_valid(const char *p, size_t n)
{
    for (size_t i = 0, len; i < n; i += len)
        if (saint_utf8_next(p + i, n - i, &len) == SAINT_UTF8_BAD) return false;
    return true;
}

static bool in_ranges(const saint_uni_range *r, size_t count, uint32_t cp)
{
    size_t lo = 0, hi = count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (cp > r[mid].hi) lo = mid + 1;
        else if (cp < r[mid].lo) hi = mid;
        else return true;
    }
    return false;
}

bool saint_uni_is_letter(int32_t cp)
{
    if (cp < 0x80) return (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z');
    return in_ranges(saint_uni_letters, saint_uni_letters_count, (uint32_t)cp);
}

bool saint_uni_is_number(int32_t cp)
{
    if (cp < 0x80) return cp >= '0' && cp <= '9';
    return in_ranges(saint_uni_numbers, saint_uni_numbers_count, (uint32_t)cp);
}

bool saint_uni_is_space(int32_t cp)
{
    if (cp < 0x80) return cp == ' ' || (cp >= 9 && cp <= 13);
    return cp == 0x85 || cp == 0xa0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 || cp == 0x2029 || cp == 0x202f ||
           cp == 0x205f || cp == 0x3000;
}

static uint32_t lower_of(uint32_t cp)
{
    if (cp < 0x80) return cp >= 'A' && cp <= 'Z' ? cp + 32 : cp;
    size_t lo = 0, hi = saint_uni_lower_count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const saint_uni_shift *s = &saint_uni_lower[mid];
        if (cp > s->hi) lo = mid + 1;
        else if (cp < s->lo) hi = mid;
        else return (cp - s->lo) % (uint32_t)s->step ? cp : (uint32_t)((int32_t)cp + s->delta);
    }
    return cp;
}

bool saint_uni_lowercase(const char *text, size_t n, saint_buf *out)
{
    for (size_t i = 0, len; i < n; i += len) {
        int32_t cp = saint_utf8_next(text + i, n - i, &len);
        bool ok;
        if (cp == SAINT_UTF8_BAD) ok = saint_buf_add(out, text + i, len);
        else if (cp == 0x130) ok = saint_buf_add(out, "i\xcc\x87", 3); /* the one character whose lower case is two */
        else ok = saint_buf_add_cp(out, lower_of((uint32_t)cp));
        if (!ok) return false;
    }
    return true;
}

/* ---- NFC ---- */

enum { S_BASE = 0xac00, L_BASE = 0x1100, V_BASE = 0x1161, T_BASE = 0x11a7, L_COUNT = 19, V_COUNT = 21, T_COUNT = 28 };
enum { S_COUNT = L_COUNT * V_COUNT * T_COUNT };
#define RAW_BYTE 0x80000000u /* a byte that is no character travels through as this | byte */

typedef struct {
    uint32_t cp;
    uint32_t ccc;
} mark;

typedef struct {
    mark *v;
    size_t n, cap;
} marks;

static bool marks_add(marks *m, uint32_t cp, uint32_t ccc)
{
    if (m->n == m->cap) {
        size_t cap = m->cap ? m->cap * 2 : 64;
        mark *v = cap > SIZE_MAX / sizeof *v ? NULL : realloc(m->v, cap * sizeof *v);
        if (!v) return false;
        m->v = v;
        m->cap = cap;
    }
    m->v[m->n++] = (mark){cp, ccc};
    return true;
}

static uint32_t combining_class(uint32_t cp)
{
    size_t lo = 0, hi = saint_uni_ccc_count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (cp > saint_uni_ccc[mid].hi) lo = mid + 1;
        else if (cp < saint_uni_ccc[mid].lo) hi = mid;
        else return (uint32_t)saint_uni_ccc[mid].ccc;
    }
    return 0;
}

static bool decompose(marks *m, uint32_t cp)
{
    if (cp < 0xc0) return marks_add(m, cp, 0);
    if (cp >= S_BASE && cp < S_BASE + S_COUNT) {
        uint32_t s = cp - S_BASE, t = s % T_COUNT;
        return marks_add(m, L_BASE + s / (V_COUNT * T_COUNT), 0) && marks_add(m, V_BASE + s / T_COUNT % V_COUNT, 0) &&
               (t == 0 || marks_add(m, T_BASE + t, 0));
    }
    size_t lo = 0, hi = saint_uni_decompositions_count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const saint_uni_triple *d = &saint_uni_decompositions[mid];
        if (cp > d->cp) lo = mid + 1;
        else if (cp < d->cp) hi = mid;
        else return decompose(m, d->a) && (d->b == 0 || decompose(m, d->b));
    }
    return marks_add(m, cp, combining_class(cp));
}

/* The composite of two characters, 0 when there is none. */
static uint32_t compose(uint32_t a, uint32_t b)
{
    if (a >= L_BASE && a < L_BASE + L_COUNT && b >= V_BASE && b < V_BASE + V_COUNT)
        return S_BASE + ((a - L_BASE) * V_COUNT + (b - V_BASE)) * T_COUNT;
    if (a >= S_BASE && a < S_BASE + S_COUNT && (a - S_BASE) % T_COUNT == 0 && b > T_BASE && b < T_BASE + T_COUNT) return a + (b - T_BASE);
    size_t lo = 0, hi = saint_uni_compositions_count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const saint_uni_triple *d = &saint_uni_decompositions[saint_uni_compositions[mid]];
        if (a > d->a || (a == d->a && b > d->b)) lo = mid + 1;
        else if (a < d->a || b < d->b) hi = mid;
        else return d->cp;
    }
    return 0;
}

/* Stable counting sort of every run of combining marks: a hostile text of nothing but marks must not take quadratic time. */
static bool order_marks(marks *m)
{
    mark *scratch = NULL;
    for (size_t i = 0; i < m->n;) {
        if (m->v[i].ccc == 0) {
            i++;
            continue;
        }
        size_t end = i;
        bool sorted = true;
        for (; end < m->n && m->v[end].ccc; end++) sorted = sorted && (end == i || m->v[end - 1].ccc <= m->v[end].ccc);
        if (!sorted) {
            size_t at[257] = {0};
            if (!scratch && !(scratch = malloc(m->n * sizeof *scratch))) return false;
            memcpy(scratch, m->v + i, (end - i) * sizeof *scratch);
            for (size_t k = 0; k < end - i; k++) at[scratch[k].ccc + 1]++;
            for (size_t k = 1; k < 257; k++) at[k] += at[k - 1];
            for (size_t k = 0; k < end - i; k++) m->v[i + at[scratch[k].ccc]++] = scratch[k];
        }
        i = end;
    }
    free(scratch);
    return true;
}

static void compose_marks(marks *m)
{
    size_t out = 0, starter = SIZE_MAX;
    uint32_t last = 0; /* class of the last kept mark behind the starter; a mark of no greater class is blocked */
    for (size_t i = 0; i < m->n; i++) {
        mark c = m->v[i];
        bool adjacent = starter != SIZE_MAX && out == starter + 1;
        if (starter != SIZE_MAX && (adjacent || (last < c.ccc && last != 0))) {
            uint32_t joined = compose(m->v[starter].cp, c.cp);
            if (joined) {
                m->v[starter].cp = joined;
                continue;
            }
        }
        if (c.ccc == 0) starter = out;
        last = c.ccc;
        m->v[out++] = c;
    }
    m->n = out;
}

bool saint_uni_nfc(const char *text, size_t n, saint_buf *out)
{
    marks m = {0};
    size_t ascii = 0;
    while (ascii < n && (unsigned char)text[ascii] < 0x80) ascii++;
    if (ascii == n) return saint_buf_add(out, text, n);
    bool ok = true;
    for (size_t i = 0, len; ok && i < n; i += len) {
        int32_t cp = saint_utf8_next(text + i, n - i, &len);
        if (cp != SAINT_UTF8_BAD) ok = decompose(&m, (uint32_t)cp);
        else
            for (size_t k = 0; ok && k < len; k++) ok = marks_add(&m, RAW_BYTE | (unsigned char)text[i + k], 0);
    }
    ok = ok && order_marks(&m);
    if (ok) compose_marks(&m);
    for (size_t i = 0; ok && i < m.n; i++) {
        char byte = (char)(m.v[i].cp & 0xff);
        ok = m.v[i].cp & RAW_BYTE ? saint_buf_add(out, &byte, 1) : saint_buf_add_cp(out, m.v[i].cp);
    }
    free(m.v);
    return ok;
}
