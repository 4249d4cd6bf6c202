/* json_stream.c - walks through a JSON container of any length and makes a tree of one element at a time.
 *
 * A tree of VQAv2's annotations would take a gigabyte. Here only brackets and strings are followed up to the end of an element; the
 * element itself goes through the guarded parser. */
#include <stdio.h>
#include <string.h>

#include "datasets/internal.h"

static saint_status broken(const saint_json_stream *s, const char *expected, saint_error *err)
{
    if (s->at >= s->n)
        return saint_fail(err, SAINT_FORMAT, "%s: expected %s, found the end of the file behind record %zu; download or unpack it again",
                          s->what, expected, s->record);
    return saint_fail(err, SAINT_FORMAT, "%s: expected %s at byte %zu (record %zu), found '%c'", s->what, expected, s->at, s->record + 1,
                      s->p[s->at] > 32 && s->p[s->at] < 127 ? s->p[s->at] : '?');
}

static void skip_space(saint_json_stream *s)
{
    while (s->at < s->n && (s->p[s->at] == ' ' || s->p[s->at] == '\n' || s->p[s->at] == '\r' || s->p[s->at] == '\t')) s->at++;
}

static int peek(const saint_json_stream *s) { return s->at < s->n ? (unsigned char)s->p[s->at] : -1; }

static void skip_string(saint_json_stream *s)
{
    for (s->at++; s->at < s->n && s->p[s->at] != '"'; s->at++)
        if (s->p[s->at] == '\\' && s->at + 1 < s->n) s->at++;
    if (s->at < s->n) s->at++;
}

/* From the first byte of a value to the one behind it. Whether it is a value at all is for the parser to say. */
static void skip_value(saint_json_stream *s)
{
    size_t depth = 0;
    while (s->at < s->n) {
        char c = s->p[s->at];
        if (c == '"') {
            skip_string(s);
            if (!depth) return;
            continue;
        }
        if (c == '{' || c == '[') depth++;
        else if (c == '}' || c == ']') {
            if (!depth) return; /* of the container around */
            if (--depth == 0) {
                s->at++;
                return;
            }
        } else if (!depth && (c == ',' || c == ':' || c == ' ' || c == '\n' || c == '\r' || c == '\t')) return;
        s->at++;
    }
}

/* A member's name and the colon behind it. */
static saint_status read_key(saint_json_stream *s, size_t *from, size_t *to, saint_error *err)
{
    if (peek(s) != '"') return broken(s, "a key in double quotes", err);
    *from = s->at;
    skip_string(s);
    *to = s->at;
    skip_space(s);
    if (peek(s) != ':') return broken(s, "':'", err);
    s->at++;
    skip_space(s);
    return SAINT_OK;
}

static bool same_key(const saint_json_stream *s, size_t from, size_t to, const char *key)
{
    size_t n = strlen(key);
    return to - from == n + 2 && memcmp(s->p + from + 1, key, n) == 0;
}

static saint_status find_member(saint_json_stream *s, const char *key, saint_error *err)
{
    if (peek(s) != '{') return broken(s, "an object", err);
    s->at++;
    skip_space(s);
    while (peek(s) == '"') {
        size_t from, to;
        saint_status status = read_key(s, &from, &to, err);
        if (status != SAINT_OK) return status;
        if (same_key(s, from, to, key)) return SAINT_OK;
        skip_value(s);
        skip_space(s);
        if (peek(s) != ',') break;
        s->at++;
        skip_space(s);
    }
    return saint_fail(err, SAINT_FORMAT,
                      "%s: expected the key \"%s\", found none; this is another file of the distribution or a broken one", s->what, key);
}

saint_status saint_json_stream_open(saint_json_stream *s, const saint_source *src, const char *key, bool lines, saint_error *err)
{
    *s = (saint_json_stream){.p = src->text, .n = src->n, .what = src->name};
    if (s->n >= 3 && memcmp(s->p, "\xef\xbb\xbf", 3) == 0) s->at = 3;
    skip_space(s);
    if (key) {
        saint_status status = find_member(s, key, err);
        if (status != SAINT_OK) return status;
    }
    int c = peek(s);
    if (c != '[' && (c != '{' || (lines && key))) return broken(s, lines ? "JSON lines or an array" : "an array or an object", err);
    s->kind = c == '{' && lines ? 'l' : (char)c;
    if (s->kind != 'l') s->at++;
    return SAINT_OK;
}

/* Past the comma to the next element, or past the closing bracket. */
static saint_status step(saint_json_stream *s, saint_error *err)
{
    char closing = s->kind == '{' ? '}' : ']';
    skip_space(s);
    if (s->kind == 'l') {
        s->done = s->at >= s->n;
        return SAINT_OK;
    }
    if (peek(s) == closing) {
        s->at++;
        s->done = true;
        return SAINT_OK;
    }
    if (s->record) {
        if (peek(s) != ',') return broken(s, s->kind == '{' ? "',' or '}'" : "',' or ']'", err);
        s->at++;
        skip_space(s);
    }
    return s->at < s->n ? SAINT_OK : broken(s, "another record", err);
}

const char *saint_json_where(const saint_json_stream *s, char *buf, size_t n)
{
    (void)snprintf(buf, n, "%s: record %zu", s->what, s->record);
    return buf;
}

static saint_status parse(const saint_json_stream *s, size_t from, size_t to, cJSON **out, saint_error *err)
{
    saint_status status = saint_json_parse(s->p + from, to - from, SAINT_JSON_RECORD_MAX, s->what, out, NULL);
    if (status == SAINT_OK) return status;
    char where[1024]; /* again, only to say where it is */
    (void)snprintf(where, sizeof where, "%s: record %zu at byte %zu", s->what, s->record + 1, from);
    return saint_json_parse(s->p + from, to - from, SAINT_JSON_RECORD_MAX, where, out, err);
}

saint_status saint_json_stream_next(saint_json_stream *s, cJSON **key, cJSON **value, saint_error *err)
{
    *value = NULL;
    if (key) *key = NULL;
    if (s->done) return SAINT_OK;
    saint_status status = step(s, err);
    if (status != SAINT_OK || s->done) return status;
    if (s->kind == '{') {
        size_t from, to;
        status = read_key(s, &from, &to, err);
        if (status == SAINT_OK && key) status = parse(s, from, to, key, err);
        if (status != SAINT_OK) return status;
    }
    size_t from = s->at;
    skip_value(s);
    if (s->at == from) status = broken(s, "a value", err);
    else status = parse(s, from, s->at, value, err);
    if (status != SAINT_OK && key) {
        cJSON_Delete(*key);
        *key = NULL;
    }
    s->record++;
    return status;
}

bool saint_json_is_lines(const saint_source *src)
{
    saint_json_stream s = {.p = src->text, .n = src->n, .what = src->name};
    if (s.n >= 3 && memcmp(s.p, "\xef\xbb\xbf", 3) == 0) s.at = 3;
    skip_space(&s);
    if (peek(&s) != '{') return false;
    skip_value(&s);
    skip_space(&s);
    return s.at < s.n;
}

saint_status saint_json_stream_each(const saint_source *src, const char *key, bool lines,
                                    saint_status (*each)(void *ctx, const cJSON *o, const char *where, saint_error *err), void *ctx,
                                    saint_error *err)
{
    saint_json_stream in;
    saint_status s = saint_json_stream_open(&in, src, key, lines, err);
    while (s == SAINT_OK) {
        cJSON *o;
        char where[1024];
        s = saint_json_stream_next(&in, NULL, &o, err);
        if (s != SAINT_OK || !o) break;
        s = each(ctx, o, saint_json_where(&in, where, sizeof where), err);
        cJSON_Delete(o);
    }
    return s;
}

saint_status saint_record_text(const cJSON *o, const char *key, bool required, saint_digits *d, const char **out, const char *where,
                               saint_error *err)
{
    *out = NULL;
    const cJSON *v = cJSON_IsObject(o) ? cJSON_GetObjectItemCaseSensitive(o, key) : NULL;
    if (!cJSON_IsObject(o)) return saint_fail(err, SAINT_FORMAT, "%s: expected an object with the key \"%s\"", where, key);
    if (cJSON_IsString(v)) {
        *out = v->valuestring;
        return SAINT_OK;
    }
    if (cJSON_IsNumber(v) && v->valuedouble >= -9007199254740992.0 && v->valuedouble <= 9007199254740992.0 &&
        v->valuedouble == (double)(int64_t)v->valuedouble) {
        (void)snprintf(d->digits, sizeof d->digits, "%lld", (long long)v->valuedouble);
        *out = d->digits;
        return SAINT_OK;
    }
    if (!v || cJSON_IsNull(v))
        return required ? saint_fail(err, SAINT_FORMAT, "%s: expected the key \"%s\", found none", where, key) : SAINT_OK;
    return saint_fail(err, SAINT_FORMAT, "%s: \"%s\": expected a text or a whole number, found something else", where, key);
}
