/* json.c - a strict RFC 8259 validator in front of cJSON.
 *
 * cJSON is laxer than the standard (control characters in strings, any byte above 0x7f, numbers such as 01 or .5, garbage behind the
 * value) and has limits of its own (numbers of 64 characters or more, strings end at the first NUL). The validator reads the text once,
 * refuses what the standard refuses, and rewrites the two things that cJSON cannot hold:
 *   - a number of more than 63 characters becomes the same number with 40 significant digits;
 *   - the escape \u0000 becomes U+FFFD, because a C string would silently end there and two different keys would become one. */
#define _GNU_SOURCE
#include "formats/json.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "formats/utf8_check.h"

enum {
    CJSON_NUMBER = 63,     /* the longest number that cJSON reads */
    MAX_VALUES = 16 << 20, /* a node is 64 bytes and "[0,0," spends two on one: bounds memory where max_bytes does not */
    KEPT_DIGITS = 40
};

typedef struct {
    const unsigned char *p;
    size_t n, at;
    size_t values;
    const char *what;
    saint_error *err;
    saint_status status;
    char *fixed; /* the rewritten text, NULL while nothing had to be */
    size_t fixed_n;
    size_t copied; /* how much of p is in `fixed` already */
} guard;

static bool refuse(guard *g, size_t at, const char *expected)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at; i++) {
        column++;
        if (g->p[i] == '\n') {
            line++;
            column = 1;
        }
    }
    if (at >= g->n)
        g->status = saint_fail(g->err, SAINT_FORMAT, "%s: not JSON at line %zu, column %zu: expected %s, found the end of the text",
                               g->what, line, column, expected);
    else if (g->p[at] > 0x20 && g->p[at] < 0x7f)
        g->status = saint_fail(g->err, SAINT_FORMAT, "%s: not JSON at line %zu, column %zu: expected %s, found '%c'", g->what, line, column,
                               expected, g->p[at]);
    else
        g->status = saint_fail(g->err, SAINT_FORMAT, "%s: not JSON at line %zu, column %zu: expected %s, found byte 0x%02x", g->what, line,
                               column, expected, g->p[at]);
    return false;
}

/* Replace p[from, to) by text, which is never longer, so that a buffer of n bytes always suffices. */
static bool rewrite(guard *g, size_t from, size_t to, const char *text, size_t len)
{
    if (!g->fixed && !(g->fixed = malloc(g->n + 1))) {
        g->status = saint_fail(g->err, SAINT_MEMORY, "%s: no memory for %zu bytes", g->what, g->n + 1);
        return false;
    }
    memcpy(g->fixed + g->fixed_n, g->p + g->copied, from - g->copied);
    g->fixed_n += from - g->copied;
    memcpy(g->fixed + g->fixed_n, text, len);
    g->fixed_n += len;
    g->copied = to;
    return true;
}

static int peek(const guard *g) { return g->at < g->n ? g->p[g->at] : -1; }

static bool is_digit(int c) { return c >= '0' && c <= '9'; }

static void skip_space(guard *g)
{
    for (int c = peek(g); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = peek(g)) g->at++;
}

/* Four hexadecimal digits at `at`, or -1. */
static int hex4(const guard *g, size_t at)
{
    int v = 0;
    if (g->n - at < 4) return -1;
    for (size_t i = at; i < at + 4; i++) {
        int c = g->p[i];
        int d = is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (d < 0) return -1;
        v = v * 16 + d;
    }
    return v;
}

/* at is the backslash */
static bool check_escape(guard *g)
{
    size_t start = g->at++;
    int c = peek(g);
    if (c < 0) return refuse(g, g->at, "an escape sequence");
    if (c != 'u') {
        if (c == 0 || !strchr("\"\\/bfnrt", c)) return refuse(g, g->at, "one of \"\\/bfnrtu behind a backslash");
        g->at++;
        return true;
    }
    int unit = hex4(g, ++g->at);
    if (unit < 0) return refuse(g, g->at, "four hexadecimal digits");
    g->at += 4;
    if (unit == 0) return rewrite(g, start, g->at, "\xef\xbf\xbd", 3);
    if (unit >= 0xdc00 && unit <= 0xdfff) return refuse(g, start, "a leading surrogate before this trailing one");
    if (unit < 0xd800 || unit > 0xdbff) return true;
    if (g->n - g->at < 6 || g->p[g->at] != '\\' || g->p[g->at + 1] != 'u') return refuse(g, g->at, "the second half of a surrogate pair");
    int low = hex4(g, g->at + 2);
    if (low < 0xdc00 || low > 0xdfff) return refuse(g, g->at, "the second half of a surrogate pair");
    g->at += 6;
    return true;
}

static bool check_string(guard *g)
{
    g->at++; /* the opening quote */
    for (;;) {
        int c = peek(g);
        if (c < 0) return refuse(g, g->at, "a closing '\"'");
        if (c == '"') {
            g->at++;
            return true;
        }
        if (c < 0x20) return refuse(g, g->at, "control characters in strings to be escaped");
        if (c == '\\') {
            if (!check_escape(g)) return false;
            continue;
        }
        size_t step = saint_utf8_step(g->p + g->at, g->n - g->at);
        if (!step) return refuse(g, g->at, "valid UTF-8");
        g->at += step;
    }
}

typedef struct {
    bool negative;
    char digit[KEPT_DIGITS + 1]; /* significant digits; the last one is odd when something non-zero was cut behind it */
    size_t digits;
    int64_t exponent; /* of digit[0] */
} decimal;

/* The number token p[0, n), already known to follow the grammar, without the zeros around it. */
static void to_decimal(const unsigned char *p, size_t n, decimal *d)
{
    *d = (decimal){.negative = p[0] == '-'};
    int64_t point = 0, exponent = 0; /* point: digits between the first significant digit and the decimal point */
    bool seen_point = false, cut = false;
    size_t i = d->negative;
    for (; i < n && p[i] != 'e' && p[i] != 'E'; i++) {
        if (p[i] == '.') {
            seen_point = true;
            continue;
        }
        if (d->digits == 0 && p[i] == '0') {
            if (seen_point) point--;
            continue;
        }
        if (!seen_point) point++;
        if (d->digits < KEPT_DIGITS) d->digit[d->digits++] = (char)p[i];
        else if (p[i] != '0') cut = true;
    }
    if (i < n) {
        bool minus = p[++i] == '-';
        if (p[i] == '-' || p[i] == '+') i++;
        for (; i < n; i++)
            if (exponent < 1000000000000) exponent = exponent * 10 + (p[i] - '0');
        if (minus) exponent = -exponent;
    }
    if (cut && (d->digit[KEPT_DIGITS - 1] == '0' || d->digit[KEPT_DIGITS - 1] == '5')) d->digit[KEPT_DIGITS - 1]++;
    d->exponent = exponent + point - 1;
}

/* Larger than every finite double after rounding: at or above 1.797693134862315808e308. */
static bool too_large(const decimal *d)
{
    static const char limit[] = "1797693134862315808";
    if (d->digits == 0 || d->exponent < 308) return false;
    if (d->exponent > 308) return true;
    for (size_t i = 0; i < sizeof limit - 1; i++) {
        char c = i < d->digits ? d->digit[i] : '0';
        if (c != limit[i]) return c > limit[i];
    }
    return true;
}

static bool finish_number(guard *g, size_t start, bool has_exponent)
{
    size_t n = g->at - start;
    if (n <= CJSON_NUMBER && !has_exponent) return true;
    decimal d;
    to_decimal(g->p + start, n, &d);
    if (too_large(&d)) return refuse(g, start, "a number that a double can hold");
    if (n <= CJSON_NUMBER) return true;
    char text[KEPT_DIGITS + 32];
    int len;
    if (d.digits == 0 || d.exponent < -400) len = snprintf(text, sizeof text, "%s0", d.negative ? "-" : "");
    else len = snprintf(text, sizeof text, "%s%c.%s0e%d", d.negative ? "-" : "", d.digit[0], d.digit + 1, (int)d.exponent);
    return rewrite(g, start, g->at, text, (size_t)len);
}

static bool check_number(guard *g)
{
    size_t start = g->at;
    bool has_exponent = false;
    if (peek(g) == '-') g->at++;
    if (!is_digit(peek(g))) return refuse(g, g->at, "a digit");
    if (peek(g) == '0') g->at++;
    else
        while (is_digit(peek(g))) g->at++;
    if (is_digit(peek(g))) return refuse(g, g->at, "no digit behind a leading zero");
    if (peek(g) == '.') {
        g->at++;
        if (!is_digit(peek(g))) return refuse(g, g->at, "a digit behind the decimal point");
        while (is_digit(peek(g))) g->at++;
    }
    if (peek(g) == 'e' || peek(g) == 'E') {
        has_exponent = true;
        g->at++;
        if (peek(g) == '-' || peek(g) == '+') g->at++;
        if (!is_digit(peek(g))) return refuse(g, g->at, "a digit in the exponent");
        while (is_digit(peek(g))) g->at++;
    }
    return finish_number(g, start, has_exponent);
}

static bool check_literal(guard *g, const char *word)
{
    size_t len = strlen(word);
    if (g->n - g->at < len || memcmp(g->p + g->at, word, len) != 0) return refuse(g, g->at, "a JSON value");
    g->at += len;
    return true;
}

static bool check_value(guard *g, int depth);

static bool check_container(guard *g, int depth, bool object)
{
    int closing = object ? '}' : ']';
    if (depth > SAINT_JSON_MAX_DEPTH) return refuse(g, g->at, "at most 64 levels of nesting");
    g->at++;
    skip_space(g);
    if (peek(g) == closing) {
        g->at++;
        return true;
    }
    for (;;) {
        if (object) {
            if (peek(g) != '"') return refuse(g, g->at, "a key in double quotes");
            if (!check_string(g)) return false;
            skip_space(g);
            if (peek(g) != ':') return refuse(g, g->at, "':'");
            g->at++;
            skip_space(g);
        }
        if (!check_value(g, depth)) return false;
        skip_space(g);
        if (peek(g) == closing) {
            g->at++;
            return true;
        }
        if (peek(g) != ',') return refuse(g, g->at, object ? "',' or '}'" : "',' or ']'");
        g->at++;
        skip_space(g);
    }
}

/* depth: containers around this value. Recursion is bounded by SAINT_JSON_MAX_DEPTH. */
static bool check_value(guard *g, int depth)
{
    if (++g->values > MAX_VALUES) return refuse(g, g->at, "at most 16777216 values");
    switch (peek(g)) {
    case '{': return check_container(g, depth + 1, true);
    case '[': return check_container(g, depth + 1, false);
    case '"': return check_string(g);
    case 't': return check_literal(g, "true");
    case 'f': return check_literal(g, "false");
    case 'n': return check_literal(g, "null");
    case '-': return check_number(g);
    default: return is_digit(peek(g)) ? check_number(g) : refuse(g, g->at, "a JSON value");
    }
}

static bool check_text(guard *g)
{
    skip_space(g);
    if (!check_value(g, 0)) return false;
    size_t end = g->at;
    skip_space(g);
    if (g->at < g->n) return refuse(g, g->at, "nothing behind the value");
    g->n = end; /* cJSON need not see the white space */
    if (!g->fixed) return true;
    return rewrite(g, end, end, "", 0);
}

saint_status saint_json_parse(const char *text, size_t n, size_t max_bytes, const char *what, cJSON **out, saint_error *err)
{
    *out = NULL;
    if (n > max_bytes) return saint_fail(err, SAINT_FORMAT, "%s: expected at most %zu bytes of JSON, found %zu", what, max_bytes, n);
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* the mark that Windows editors write */
        text += 3;
        n -= 3;
    }
    guard g = {.p = (const unsigned char *)text, .n = n, .what = what, .err = err};
    if (!check_text(&g)) {
        free(g.fixed);
        return g.status;
    }
    cJSON *tree = g.fixed ? cJSON_ParseWithLength(g.fixed, g.fixed_n) : cJSON_ParseWithLength(text, g.n);
    free(g.fixed);
    if (!tree) return saint_fail(err, SAINT_MEMORY, "%s: no memory for the tree of %zu JSON values", what, g.values);
    *out = tree;
    return SAINT_OK;
}

saint_status saint_json_load(const char *path, size_t max_bytes, cJSON **out, saint_error *err)
{
    char *text;
    size_t n;
    *out = NULL;
    saint_status s = saint_file_read(path, max_bytes, &text, &n, err);
    if (s != SAINT_OK) return s;
    s = saint_json_parse(text, n, max_bytes, path, out, err);
    free(text);
    return s;
}

static const char *describe(const cJSON *v, char *buf, size_t n)
{
    if (cJSON_IsNumber(v)) snprintf(buf, n, "%.15g", v->valuedouble);
    else if (cJSON_IsString(v)) {
        const unsigned char *t = (const unsigned char *)v->valuestring;
        size_t len = strlen(v->valuestring), cut = 0;
        for (size_t step = 1; step && cut + 4 <= 40; cut += step) step = saint_utf8_step(t + cut, len - cut);
        snprintf(buf, n, "the string \"%.*s\"", (int)cut, v->valuestring);
    } else if (cJSON_IsBool(v)) snprintf(buf, n, "%s", cJSON_IsTrue(v) ? "true" : "false");
    else snprintf(buf, n, "%s", cJSON_IsArray(v) ? "an array" : cJSON_IsObject(v) ? "an object" : "null");
    return buf;
}

/* The member, or NULL when there is none. null counts as none: Hugging Face writes every unset option as null. */
static saint_status member(const cJSON *object, const char *key, const cJSON **value, const char *what, saint_error *err)
{
    char buf[80];
    *value = NULL;
    if (object && !cJSON_IsObject(object))
        return saint_fail(err, SAINT_FORMAT, "%s: expected an object with the key \"%s\", found %s", what, key,
                          describe(object, buf, sizeof buf));
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, key);
    if (v && !cJSON_IsNull(v)) *value = v;
    return SAINT_OK;
}

saint_status saint_json_int(const cJSON *object, const char *key, int min, int max, int *value, const char *what, saint_error *err)
{
    char buf[80];
    const cJSON *v;
    saint_status s = member(object, key, &v, what, err);
    if (s != SAINT_OK || !v) return s;
    double d = v->valuedouble;
    if (!cJSON_IsNumber(v) || d != floor(d) || d < min || d > max)
        return saint_fail(err, SAINT_FORMAT, "%s: \"%s\": expected a whole number from %d to %d, found %s", what, key, min, max,
                          describe(v, buf, sizeof buf));
    *value = (int)d;
    return SAINT_OK;
}

saint_status saint_json_double(const cJSON *object, const char *key, double *value, const char *what, saint_error *err)
{
    char buf[80];
    const cJSON *v;
    saint_status s = member(object, key, &v, what, err);
    if (s != SAINT_OK || !v) return s;
    if (!cJSON_IsNumber(v) || !isfinite(v->valuedouble))
        return saint_fail(err, SAINT_FORMAT, "%s: \"%s\": expected a number, found %s", what, key, describe(v, buf, sizeof buf));
    *value = v->valuedouble;
    return SAINT_OK;
}

saint_status saint_json_bool(const cJSON *object, const char *key, bool *value, const char *what, saint_error *err)
{
    char buf[80];
    const cJSON *v;
    saint_status s = member(object, key, &v, what, err);
    if (s != SAINT_OK || !v) return s;
    if (!cJSON_IsBool(v))
        return saint_fail(err, SAINT_FORMAT, "%s: \"%s\": expected true or false, found %s", what, key, describe(v, buf, sizeof buf));
    *value = cJSON_IsTrue(v);
    return SAINT_OK;
}

saint_status saint_json_string(const cJSON *object, const char *key, const char **value, const char *what, saint_error *err)
{
    char buf[80];
    const cJSON *v;
    saint_status s = member(object, key, &v, what, err);
    if (s != SAINT_OK || !v) return s;
    if (!cJSON_IsString(v))
        return saint_fail(err, SAINT_FORMAT, "%s: \"%s\": expected a string, found %s", what, key, describe(v, buf, sizeof buf));
    *value = v->valuestring;
    return SAINT_OK;
}
