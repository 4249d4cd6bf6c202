/* npy.c - the header of a .npy file is a Python dict literal; only the three keys and the literals that NumPy writes are understood. */
#define _GNU_SOURCE
#include "formats/npy.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/dtype.h"
#include "base/file.h"

enum { MAX_RANK = 8, HAS_DESCR = 1, HAS_ORDER = 2, HAS_SHAPE = 4 };

typedef struct {
    const char *p, *end;
    const char *what;
    saint_error *err;
    char descr[16];
    bool fortran;
    int rank;
    int64_t shape[MAX_RANK];
} header;

static void skip_space(header *h)
{
    while (h->p < h->end && (*h->p == ' ' || *h->p == '\n' || *h->p == '\t')) h->p++;
}

static bool take(header *h, char c)
{
    skip_space(h);
    if (h->p == h->end || *h->p != c) return false;
    h->p++;
    return true;
}

static saint_status expected(header *h, const char *words)
{
    return saint_fail(h->err, SAINT_FORMAT, "%s: the .npy header is malformed: expected %s", h->what, words);
}

/* A quoted string without escapes, which is all that NumPy writes here. */
static saint_status read_string(header *h, char *out, size_t room)
{
    char quote = take(h, '\'') ? '\'' : take(h, '"') ? '"' : 0;
    size_t n = 0;
    if (!quote) return expected(h, "a quoted string");
    while (h->p < h->end && *h->p != quote && *h->p != '\\' && n + 1 < room) out[n++] = *h->p++;
    out[n] = 0;
    if (h->p == h->end || *h->p != quote) return expected(h, "a short string and its closing quote");
    h->p++;
    return SAINT_OK;
}

static bool take_word(header *h, const char *word)
{
    size_t n = strlen(word);
    skip_space(h);
    if ((size_t)(h->end - h->p) < n || memcmp(h->p, word, n) != 0) return false;
    h->p += n;
    return true;
}

static saint_status read_shape(header *h)
{
    bool comma = true;
    h->rank = 0;
    if (!take(h, '(')) return expected(h, "a tuple for 'shape'");
    while (!take(h, ')')) {
        int64_t v = 0;
        if (!comma) return expected(h, "',' or ')' in 'shape'");
        if (h->rank == MAX_RANK)
            return saint_fail(h->err, SAINT_UNSUPPORTED, "%s: expected at most %d dimensions, found more", h->what, MAX_RANK);
        skip_space(h);
        const char *start = h->p;
        for (; h->p < h->end && *h->p >= '0' && *h->p <= '9'; h->p++)
            if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *h->p - '0', &v)) return expected(h, "extents below 2^63");
        if (h->p == start) return expected(h, "a whole number in 'shape'");
        h->shape[h->rank++] = v;
        comma = take(h, ',');
    }
    if (h->rank == 1 && !comma) return expected(h, "a tuple for 'shape', such as (3,)");
    return SAINT_OK;
}

static saint_status read_member(header *h, int *have)
{
    char key[16];
    saint_status s = read_string(h, key, sizeof key);
    if (s != SAINT_OK) return s;
    int bit = strcmp(key, "descr") == 0           ? HAS_DESCR
              : strcmp(key, "fortran_order") == 0 ? HAS_ORDER
              : strcmp(key, "shape") == 0         ? HAS_SHAPE
                                                  : 0;
    if (!bit || (*have & bit)) return expected(h, "the keys 'descr', 'fortran_order' and 'shape', each once");
    *have |= bit;
    if (!take(h, ':')) return expected(h, "':' behind a key");
    if (bit == HAS_SHAPE) return read_shape(h);
    if (bit == HAS_ORDER) {
        h->fortran = take_word(h, "True");
        return h->fortran || take_word(h, "False") ? SAINT_OK : expected(h, "True or False for 'fortran_order'");
    }
    skip_space(h);
    if (h->p < h->end && *h->p == '[')
        return saint_fail(h->err, SAINT_UNSUPPORTED, "%s: expected float32, found an array of records", h->what);
    return read_string(h, h->descr, sizeof h->descr);
}

static saint_status read_header(header *h)
{
    int have = 0;
    bool comma = true;
    if (!take(h, '{')) return expected(h, "'{'");
    while (!take(h, '}')) {
        if (!comma) return expected(h, "',' or '}'");
        saint_status s = read_member(h, &have);
        if (s != SAINT_OK) return s;
        comma = take(h, ',');
    }
    if (have != (HAS_DESCR | HAS_ORDER | HAS_SHAPE)) return expected(h, "all of 'descr', 'fortran_order' and 'shape'");
    skip_space(h);
    return h->p == h->end ? SAINT_OK : expected(h, "nothing but spaces behind the dict");
}

/* Where the header text lies; *data is where the array begins. */
static saint_status find_header(const unsigned char *b, size_t n, header *h, size_t *data)
{
    if (n < 10 || memcmp(b, "\x93NUMPY", 6) != 0)
        return saint_fail(h->err, SAINT_FORMAT, "%s: expected a NumPy .npy file, found something else", h->what);
    if (b[6] < 1 || b[6] > 3 || b[7] != 0)
        return saint_fail(h->err, SAINT_UNSUPPORTED, "%s: expected .npy version 1.0, 2.0 or 3.0, found %d.%d", h->what, b[6], b[7]);
    size_t start = b[6] == 1 ? 10 : 12, len = b[8] | (size_t)b[9] << 8;
    if (n < start) return saint_fail(h->err, SAINT_FORMAT, "%s: the .npy header is cut short", h->what);
    if (b[6] > 1) len |= (size_t)b[10] << 16 | (size_t)b[11] << 24;
    if (len > n - start)
        return saint_fail(h->err, SAINT_FORMAT, "%s: expected a .npy header of %zu bytes, found only %zu", h->what, len, n - start);
    h->p = (const char *)b + start;
    h->end = h->p + len;
    *data = start + len;
    return SAINT_OK;
}

static saint_status read_descr(const header *h, saint_dtype *type)
{
    if (strcmp(h->descr, "<f4") == 0) *type = SAINT_F32;
    else if (strcmp(h->descr, "<f2") == 0) *type = SAINT_F16;
    else if (strcmp(h->descr, "<f8") == 0) *type = SAINT_F64;
    else
        return saint_fail(h->err, SAINT_UNSUPPORTED,
                          "%s: expected dtype '<f4' ('<f2' and '<f8' are converted), found '%s': save a.astype('<f4')", h->what, h->descr);
    return SAINT_OK;
}

static saint_status refuse_value(const header *h, size_t at, bool overflow)
{
    char where[8 * 24] = "";
    size_t used = 0;
    int64_t index[MAX_RANK];
    for (int i = h->rank - 1; i >= 0; i--) {
        index[i] = (int64_t)(at % (size_t)h->shape[i]);
        at /= (size_t)h->shape[i];
    }
    for (int i = 0; i < h->rank; i++)
        used += (size_t)snprintf(where + used, sizeof where - used, "%s%lld", i ? ", " : "", (long long)index[i]);
    return saint_fail(h->err, SAINT_FORMAT, "%s: expected finite float32 values, found %s at [%s]", h->what,
                      overflow ? "one that is too large" : "NaN or infinity", where);
}

static saint_status read_values(const header *h, const unsigned char *src, saint_dtype type, size_t count, float *out)
{
    saint_to_f32(out, src, type, count);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(out[i])) {
            double d = 0;
            if (type == SAINT_F64) memcpy(&d, src + 8 * i, sizeof d);
            return refuse_value(h, i, type == SAINT_F64 && isfinite(d));
        }
    return SAINT_OK;
}

saint_status saint_npy_parse(const void *bytes, size_t n, const char *what, saint_npy *out, saint_error *err)
{
    header h = {.what = what, .err = err};
    size_t data = 0, count, need;
    saint_dtype type = SAINT_F32;
    *out = (saint_npy){0};
    saint_status s = find_header(bytes, n, &h, &data);
    if (s == SAINT_OK) s = read_header(&h);
    if (s == SAINT_OK) s = read_descr(&h, &type);
    if (s != SAINT_OK) return s;
    if (h.fortran)
        return saint_fail(err, SAINT_UNSUPPORTED, "%s: expected C order, found Fortran order: save numpy.ascontiguousarray(a)", what);
    if (!saint_shape_count(h.shape, h.rank, &count) || !saint_mul_size(count, saint_dtype_size(type), &need) || need != n - data)
        return saint_fail(err, SAINT_FORMAT, "%s: the .npy shape does not give the %zu bytes behind the header: is the file cut short?",
                          what, n - data);
    size_t room;
    float *values = saint_mul_size(count ? count : 1, sizeof *values, &room) ? malloc(room) : NULL;
    if (!values) return saint_fail(err, SAINT_MEMORY, "%s: no memory for %zu values", what, count);
    s = read_values(&h, (const unsigned char *)bytes + data, type, count, values);
    if (s != SAINT_OK) {
        free(values);
        return s;
    }
    out->rank = h.rank;
    for (int i = 0; i < h.rank; i++) out->shape[i] = h.shape[i];
    out->data = values;
    return SAINT_OK;
}

saint_status saint_npy_load(const char *path, saint_npy *out, saint_error *err)
{
    saint_map m;
    *out = (saint_npy){0};
    saint_status s = saint_map_open(path, &m, err);
    if (s != SAINT_OK) return s;
    s = saint_npy_parse(m.data, m.bytes, path, out, err);
    saint_map_close(&m);
    return s;
}

void saint_npy_free(saint_npy *a)
{
    if (!a) return;
    free(a->data);
    *a = (saint_npy){0};
}
