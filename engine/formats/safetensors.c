/* safetensors.c - u64 little-endian header length, a JSON header, then the bytes of the tensors without holes or overlaps. */
#define _GNU_SOURCE
#include "formats/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/file.h"
#include "formats/json.h"
#include "formats/utf8_check.h"

enum { MAX_HEADER = 100000000 /* the limit of the published format */ };

static uint64_t read_u64(const unsigned char *p)
{
    uint64_t v = 0;
    for (int i = 7; i >= 0; i--) v = v << 8 | p[i];
    return v;
}

/* JSON numbers are doubles here: whole numbers are exact only below 2^53. */
static bool exact_size(const cJSON *v, uint64_t *out)
{
    if (!cJSON_IsNumber(v)) return false;
    double d = v->valuedouble;
    if (!(d >= 0 && d <= 9007199254740991.0) || d != floor(d)) return false;
    *out = (uint64_t)d;
    return true;
}

typedef struct {
    uint64_t begin, end;
    const char *name;
} span;

typedef struct {
    const unsigned char *data; /* first byte behind the header */
    uint64_t bytes;
    const char *what;
    saint_table *table;
    span *spans;
    saint_error *err;
} reader;

static saint_status check_metadata(const reader *r, const cJSON *m)
{
    if (!cJSON_IsObject(m)) return saint_fail(r->err, SAINT_FORMAT, "%s: __metadata__: expected an object of strings", r->what);
    for (const cJSON *v = m->child; v; v = v->next)
        if (!cJSON_IsString(v))
            return saint_fail(r->err, SAINT_FORMAT, "%s: __metadata__: expected a string for '%.100s', found something else", r->what,
                              v->string);
    return SAINT_OK;
}

static saint_status read_shape(const reader *r, const cJSON *array, const char *name, int64_t shape[SAINT_MAX_RANK], int *rank)
{
    *rank = 0;
    if (!cJSON_IsArray(array)) return saint_fail(r->err, SAINT_FORMAT, "%s: tensor '%.200s': shape: expected an array", r->what, name);
    for (const cJSON *v = array->child; v; v = v->next) {
        uint64_t extent;
        if (*rank == SAINT_MAX_RANK)
            return saint_fail(r->err, SAINT_UNSUPPORTED, "%s: tensor '%.200s': expected at most %d dimensions, found more", r->what, name,
                              SAINT_MAX_RANK);
        if (!exact_size(v, &extent))
            return saint_fail(r->err, SAINT_FORMAT, "%s: tensor '%.200s': shape: expected whole numbers from 0 to 2^53 - 1", r->what, name);
        shape[(*rank)++] = (int64_t)extent;
    }
    return SAINT_OK;
}

/* The three members of a tensor's entry, each exactly once; others are ignored as the published reader does. */
static saint_status find_members(const reader *r, const cJSON *entry, const cJSON *found[3])
{
    static const char *const key[3] = {"dtype", "shape", "data_offsets"};
    found[0] = found[1] = found[2] = NULL;
    if (!cJSON_IsObject(entry))
        return saint_fail(r->err, SAINT_FORMAT, "%s: tensor '%.200s': expected an object with dtype, shape and data_offsets", r->what,
                          entry->string);
    for (const cJSON *v = entry->child; v; v = v->next)
        for (int k = 0; k < 3; k++)
            if (strcmp(v->string, key[k]) == 0) {
                if (found[k])
                    return saint_fail(r->err, SAINT_FORMAT, "%s: tensor '%.200s': %s is there twice", r->what, entry->string, key[k]);
                found[k] = v;
            }
    for (int k = 0; k < 3; k++)
        if (!found[k]) return saint_fail(r->err, SAINT_FORMAT, "%s: tensor '%.200s': %s is missing", r->what, entry->string, key[k]);
    return SAINT_OK;
}

static saint_status read_tensor(reader *r, const cJSON *entry)
{
    const cJSON *found[3];
    const char *name = entry->string;
    saint_dtype type;
    int rank;
    int64_t shape[SAINT_MAX_RANK];
    saint_status s = find_members(r, entry, found);
    if (s != SAINT_OK) return s;
    if (!cJSON_IsString(found[0])) return saint_fail(r->err, SAINT_FORMAT, "%s: tensor '%.200s': dtype: expected a string", r->what, name);
    if (!saint_dtype_parse(found[0]->valuestring, &type))
        return saint_fail(
            r->err, SAINT_UNSUPPORTED,
            "%s: tensor '%.200s': dtype %.20s is not read here (F32 F16 BF16 F64 I64 I32 I16 I8 U8 BOOL are): convert it first", r->what,
            name, found[0]->valuestring);
    s = read_shape(r, found[1], name, shape, &rank);
    if (s != SAINT_OK) return s;
    uint64_t begin, end;
    const cJSON *first = cJSON_IsArray(found[2]) ? found[2]->child : NULL;
    if (!first || !first->next || first->next->next || !exact_size(first, &begin) || !exact_size(first->next, &end))
        return saint_fail(r->err, SAINT_FORMAT, "%s: tensor '%.200s': data_offsets: expected two whole numbers from 0 to 2^53 - 1", r->what,
                          name);
    if (begin > end || end > r->bytes)
        return saint_fail(
            r->err, SAINT_FORMAT,
            "%s: tensor '%.200s': expected bytes inside the %llu that follow the header, found %llu to %llu: is the file cut short?",
            r->what, name, (unsigned long long)r->bytes, (unsigned long long)begin, (unsigned long long)end);
    r->spans[r->table->n] = (span){begin, end, name};
    return saint_table_add(r->table, name, strlen(name), type, rank, shape, r->data + begin, (size_t)(end - begin), r->what, r->err);
}

static int by_begin(const void *a, const void *b)
{
    const span *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* The published format allows neither: the spans in order must tile the data. */
static saint_status check_tiling(const reader *r, int n)
{
    uint64_t at = 0;
    if (n) qsort(r->spans, (size_t)n, sizeof *r->spans, by_begin);
    for (int i = 0; i < n; i++) {
        const span *s = &r->spans[i];
        if (s->begin != at)
            return saint_fail(r->err, SAINT_FORMAT, "%s: tensor '%.200s' begins at byte %llu, expected %llu: tensors %s", r->what, s->name,
                              (unsigned long long)s->begin, (unsigned long long)at, s->begin < at ? "overlap" : "leave a hole");
        at = s->end;
    }
    if (at != r->bytes)
        return saint_fail(r->err, SAINT_FORMAT, "%s: the tensors end at byte %llu of the data, expected them to fill all %llu", r->what,
                          (unsigned long long)at, (unsigned long long)r->bytes);
    return SAINT_OK;
}

static saint_status read_entries(reader *r, const cJSON *header)
{
    size_t n = 0;
    bool metadata = false;
    for (const cJSON *v = header->child; v; v = v->next) n++;
    if (n > SAINT_MAX_TENSORS)
        return saint_fail(r->err, SAINT_UNSUPPORTED, "%s: expected at most %d tensors, found %zu", r->what, SAINT_MAX_TENSORS, n);
    r->spans = malloc((n + 1) * sizeof *r->spans);
    if (!r->spans) return saint_fail(r->err, SAINT_MEMORY, "%s: no memory for %zu tensors", r->what, n);
    for (const cJSON *v = header->child; v; v = v->next) {
        saint_status s;
        if (strcmp(v->string, "__metadata__") == 0) {
            s = metadata ? saint_fail(r->err, SAINT_FORMAT, "%s: __metadata__ is there twice", r->what) : check_metadata(r, v);
            metadata = true;
        } else s = read_tensor(r, v);
        if (s != SAINT_OK) return s;
    }
    return check_tiling(r, r->table->n);
}

saint_status saint_safetensors_read(const unsigned char *data, size_t bytes, const char *what, saint_table *table, saint_error *err)
{
    cJSON *header;
    if (bytes < 8) return saint_fail(err, SAINT_FORMAT, "%s: expected a safetensors file, found only %zu bytes", what, bytes);
    uint64_t n = read_u64(data), limit = bytes - 8 < MAX_HEADER ? bytes - 8 : MAX_HEADER;
    if (n > limit)
        return saint_fail(err, SAINT_FORMAT, "%s: expected a safetensors header of at most %llu bytes, found the length %llu", what,
                          (unsigned long long)limit, (unsigned long long)n);
    if (n < 2 || data[8] != '{') return saint_fail(err, SAINT_FORMAT, "%s: expected a safetensors header that begins with '{'", what);
    saint_status s = saint_json_parse((const char *)data + 8, (size_t)n, MAX_HEADER, what, &header, err);
    if (s != SAINT_OK) return s;
    reader r = {.data = data + 8 + n, .bytes = bytes - 8 - n, .what = what, .table = table, .err = err};
    s = read_entries(&r, header);
    free(r.spans);
    cJSON_Delete(header);
    return s == SAINT_OK ? saint_table_finish(table, what, err) : s;
}

/* ---- writing ---- */

typedef struct {
    char *p;
    size_t n, cap;
    bool failed;
} text;

static void put(text *t, const char *s, size_t n)
{
    if (t->failed) return;
    if (t->cap - t->n < n) {
        size_t cap = (t->cap + n) * 2 + 256;
        char *p = realloc(t->p, cap);
        if (!p) {
            t->failed = true;
            return;
        }
        t->p = p;
        t->cap = cap;
    }
    memcpy(t->p + t->n, s, n);
    t->n += n;
}

static void put_quoted(text *t, const char *s)
{
    char esc[8];
    put(t, "\"", 1);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\') {
            put(t, "\\", 1);
            put(t, s, 1);
        } else if (c < 0x20) put(t, esc, (size_t)snprintf(esc, sizeof esc, "\\u%04x", c));
        else put(t, s, 1);
    }
    put(t, "\"", 1);
}

static saint_status check_writable(const saint_tensor *t, const char *path, saint_error *err)
{
    size_t need;
    if (!t->name || !saint_utf8_valid(t->name, strlen(t->name)) || strcmp(t->name, "__metadata__") == 0)
        return saint_fail(err, SAINT_INVALID, "%s: expected tensor names in UTF-8 other than __metadata__", path);
    if (!saint_dtype_size(t->type) || t->rank < 0 || t->rank > SAINT_MAX_RANK || !saint_shape_count(t->shape, t->rank, &need) ||
        !saint_mul_size(need, saint_dtype_size(t->type), &need) || need != t->bytes || (need && !t->data))
        return saint_fail(err, SAINT_INVALID, "%s: tensor '%.200s': its dtype, shape and bytes do not fit together", path, t->name);
    for (int i = 0; i < t->rank; i++)
        if (t->shape[i] > 9007199254740991)
            return saint_fail(err, SAINT_INVALID, "%s: tensor '%.200s': an extent is 2^53 or more", path, t->name);
    return SAINT_OK;
}

static saint_status put_metadata(text *h, const char *const *metadata, const char *path, saint_error *err)
{
    put(h, "\"__metadata__\":{", 16);
    for (size_t i = 0; metadata[i]; i += 2) {
        if (!metadata[i + 1] || !saint_utf8_valid(metadata[i], strlen(metadata[i])) ||
            !saint_utf8_valid(metadata[i + 1], strlen(metadata[i + 1])))
            return saint_fail(err, SAINT_INVALID, "%s: expected metadata in pairs of UTF-8 strings", path);
        for (size_t k = 0; k < i; k += 2)
            if (strcmp(metadata[k], metadata[i]) == 0)
                return saint_fail(err, SAINT_INVALID, "%s: metadata '%.100s' is there twice", path, metadata[i]);
        if (i) put(h, ",", 1);
        put_quoted(h, metadata[i]);
        put(h, ":", 1);
        put_quoted(h, metadata[i + 1]);
    }
    put(h, "}", 1);
    return SAINT_OK;
}

static void put_entry(text *h, const saint_tensor *t, size_t begin)
{
    char num[64];
    put_quoted(h, t->name);
    put(h, num, (size_t)snprintf(num, sizeof num, ":{\"dtype\":\"%s\",\"shape\":[", saint_dtype_name(t->type)));
    for (int i = 0; i < t->rank; i++) put(h, num, (size_t)snprintf(num, sizeof num, "%s%lld", i ? "," : "", (long long)t->shape[i]));
    put(h, num, (size_t)snprintf(num, sizeof num, "],\"data_offsets\":[%zu,%zu]}", begin, begin + t->bytes));
}

/* Wide elements first, so that every tensor is aligned though the format allows no padding between them; then by name. */
static int by_width(const void *a, const void *b)
{
    const saint_tensor *x = *(const saint_tensor *const *)a, *y = *(const saint_tensor *const *)b;
    size_t wx = saint_dtype_size(x->type), wy = saint_dtype_size(y->type);
    if (wx != wy) return wx > wy ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const saint_tensor *const *)a)->name, (*(const saint_tensor *const *)b)->name);
}

/* order: n pointers into t, left in the order of the file */
static saint_status plan_file(const saint_tensor *t, int n, const saint_tensor **order, const char *path, size_t *data_bytes,
                              saint_error *err)
{
    *data_bytes = 0;
    for (int i = 0; i < n; i++) {
        saint_status s = check_writable(&t[i], path, err);
        if (s != SAINT_OK) return s;
        if (!saint_add_size(*data_bytes, t[i].bytes, data_bytes)) return saint_fail(err, SAINT_INVALID, "%s: too many bytes", path);
        order[i] = &t[i];
    }
    if (!n) return SAINT_OK;
    qsort(order, (size_t)n, sizeof *order, by_name);
    for (int i = 1; i < n; i++)
        if (strcmp(order[i - 1]->name, order[i]->name) == 0)
            return saint_fail(err, SAINT_INVALID, "%s: expected every name once, found tensor '%.200s' twice", path, order[i]->name);
    qsort(order, (size_t)n, sizeof *order, by_width);
    return SAINT_OK;
}

static saint_status build_header(const saint_tensor *const *order, int n, const char *const *metadata, const char *path, text *h,
                                 saint_error *err)
{
    size_t begin = 0;
    put(h, "{", 1);
    if (metadata) {
        saint_status s = put_metadata(h, metadata, path, err);
        if (s != SAINT_OK) return s;
    }
    for (int i = 0; i < n; i++) {
        if (i || metadata) put(h, ",", 1);
        put_entry(h, order[i], begin);
        begin += order[i]->bytes;
    }
    put(h, "}", 1);
    while (h->n % 8 && !h->failed) put(h, " ", 1);
    if (h->failed) return saint_fail(err, SAINT_MEMORY, "%s: no memory for the header", path);
    if (h->n > MAX_HEADER) return saint_fail(err, SAINT_INVALID, "%s: a header of %zu bytes is over the limit of the format", path, h->n);
    return SAINT_OK;
}

saint_status saint_safetensors_write(const char *path, const saint_tensor *t, int n, const char *const *metadata, saint_error *err)
{
    text h = {0};
    size_t data_bytes, total;
    unsigned char *file = NULL;
    if (n < 0) return saint_fail(err, SAINT_INVALID, "%s: expected a count of tensors, found %d", path, n);
    const saint_tensor **order = malloc(((size_t)n + 1) * sizeof *order);
    if (!order) return saint_fail(err, SAINT_MEMORY, "%s: no memory for %d tensors", path, n);
    saint_status s = plan_file(t, n, order, path, &data_bytes, err);
    if (s == SAINT_OK) s = build_header(order, n, metadata, path, &h, err);
    if (s == SAINT_OK && (!saint_add_size(data_bytes, h.n + 8, &total) || !(file = malloc(total))))
        s = saint_fail(err, SAINT_MEMORY, "%s: no memory for %zu bytes", path, data_bytes);
    if (s == SAINT_OK) {
        size_t at = 8;
        for (int i = 0; i < 8; i++) file[i] = (unsigned char)((uint64_t)h.n >> (8 * i));
        memcpy(file + at, h.p, h.n);
        at += h.n;
        for (int i = 0; i < n; i++)
            if (order[i]->bytes) {
                memcpy(file + at, order[i]->data, order[i]->bytes);
                at += order[i]->bytes;
            }
        s = saint_file_write(path, file, total, err);
    }
    free(file);
    free(h.p);
    free(order);
    return s;
}
