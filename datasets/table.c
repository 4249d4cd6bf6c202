/* table.c - tab or comma separated tables whose cells may be quoted, with newlines and doubled quotes inside, as Python's csv reads
 * them; and base64. */
#include <stdlib.h>
#include <string.h>

#include "datasets/internal.h"

void saint_table_open(saint_table *t, const saint_source *src, char comma)
{
    *t = (saint_table){.p = src->text, .n = src->n, .comma = comma, .what = src->name};
    if (t->n >= 3 && memcmp(t->p, "\xef\xbb\xbf", 3) == 0) t->at = 3;
}

/* One cell; t->at ends on what closes it. */
static saint_status read_cell(saint_table *t, size_t i, saint_error *err)
{
    const char *p = t->p;
    size_t from = t->at;
    bool quoted = from < t->n && p[from] == '"', open = quoted;
    if (quoted) t->at++;
    while (t->at < t->n) {
        char c = p[t->at];
        if (open) {
            if (c == '"' && t->at + 1 < t->n && p[t->at + 1] == '"') t->at++;
            else if (c == '"') open = false;
        } else if (c == t->comma || c == '\n' || c == '\r') break;
        t->at++;
    }
    if (open)
        return saint_fail(err, SAINT_FORMAT, "%s: row %zu: expected a closing quote, found the end of the file; download it again", t->what,
                          t->row + 1);
    t->cell[i].at = from;
    t->cell[i].bytes = t->at - from;
    t->cell[i].escaped = quoted;
    size_t n = t->at - from;
    if (quoted && n >= 2 && !memchr(p + from + 1, '"', n - 2)) { /* nothing but the outer quotes to undo */
        t->cell[i].at++;
        t->cell[i].bytes -= 2;
        t->cell[i].escaped = false;
    }
    return SAINT_OK;
}

saint_status saint_table_next(saint_table *t, bool *more, saint_error *err)
{
    *more = false;
    while (t->at < t->n && (t->p[t->at] == '\n' || t->p[t->at] == '\r')) t->at++; /* empty lines */
    if (t->at >= t->n) return SAINT_OK;
    t->n_cells = 0;
    for (;;) {
        if (t->n_cells == SAINT_TABLE_CELLS)
            return saint_fail(err, SAINT_FORMAT, "%s: row %zu: expected at most %d columns", t->what, t->row + 1, SAINT_TABLE_CELLS);
        saint_status s = read_cell(t, t->n_cells++, err);
        if (s != SAINT_OK) return s;
        if (t->at >= t->n || t->p[t->at] != t->comma) break;
        t->at++;
    }
    t->row++;
    *more = true;
    return SAINT_OK;
}

bool saint_table_cell(const saint_table *t, size_t i, saint_buf *out)
{
    const char *p = t->p + t->cell[i].at;
    size_t n = t->cell[i].bytes;
    if (!t->cell[i].escaped) return saint_buf_add(out, p, n);
    bool open = true; /* p[0] is the opening quote */
    for (size_t k = 1; k < n; k++) {
        if (open && p[k] == '"') {
            if (k + 1 < n && p[k + 1] == '"') k++;
            else {
                open = false;
                continue;
            }
        }
        if (!saint_buf_add(out, p + k, 1)) return false;
    }
    return true;
}

static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

saint_status saint_base64_decode(const char *text, size_t n, const char *what, uint8_t **out, size_t *bytes, saint_error *err)
{
    uint8_t *p = *out = malloc(n / 4 * 3 + 3);
    uint32_t word = 0;
    int have = 0, padding = 0;
    if (!p) return saint_no_memory(err, what);
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (c == '\n' || c == '\r' || c == ' ' || c == '\t') continue;
        int v = sextet(c);
        if (c == '=' && have + padding >= 2 && have + padding < 4) {
            padding++;
            continue;
        }
        if (v < 0 || padding) {
            free(*out);
            *out = NULL;
            return saint_fail(err, SAINT_FORMAT, "%s: expected base64 text, found '%c' at its byte %zu", what, c > 32 && c < 127 ? c : '?',
                              i);
        }
        word = word << 6 | (uint32_t)v;
        if (++have == 4) {
            *p++ = (uint8_t)(word >> 16);
            *p++ = (uint8_t)(word >> 8);
            *p++ = (uint8_t)word;
            have = 0;
            word = 0;
        }
    }
    if (have == 1 || (padding && have + padding != 4)) {
        free(*out);
        *out = NULL;
        return saint_fail(err, SAINT_FORMAT, "%s: expected base64 text in groups of four, found it cut", what);
    }
    if (have >= 2) *p++ = (uint8_t)(word >> (have == 2 ? 4 : 10));
    if (have == 3) *p++ = (uint8_t)(word >> 2);
    *bytes = (size_t)(p - *out);
    return SAINT_OK;
}
