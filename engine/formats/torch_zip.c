/* torch_zip.c - what torch.save has written since 1.6: a zip of stored entries, ARCHIVE/data.pkl describing the objects and
 * ARCHIVE/data/KEY holding the bytes of one storage each. */
#define _GNU_SOURCE
#include "formats/torch_zip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/unpickle.h"
#include "formats/utf8_check.h"

/* ---- zip ---- */

enum { END_BYTES = 22, END64_BYTES = 56, LOCATOR_BYTES = 20, CENTRAL_BYTES = 46, LOCAL_BYTES = 30, MAX_COMMENT = 65535 };

static uint64_t le(const unsigned char *p, int width)
{
    uint64_t v = 0;
    while (width-- > 0) v = v << 8 | p[width];
    return v;
}

typedef struct {
    uint64_t entries, bytes, offset;
    size_t end; /* where the directory must end at the latest */
} directory;

/* The end record is the last thing in the file, behind it only its own comment. */
static bool find_end(const saint_zip *z, size_t *at)
{
    if (z->bytes < END_BYTES) return false;
    size_t last = z->bytes - END_BYTES, stop = last > MAX_COMMENT ? last - MAX_COMMENT : 0;
    for (size_t i = last + 1; i-- > stop;)
        if (memcmp(z->data + i, "PK\5\6", 4) == 0 && le(z->data + i + 20, 2) == last - i) {
            *at = i;
            return true;
        }
    return false;
}

static saint_status bad_zip(const saint_zip *z, const char *words, saint_error *err)
{
    return saint_fail(err, SAINT_FORMAT, "%s: the PyTorch archive is damaged: %s: is the file cut short?", z->what, words);
}

static saint_status find_directory(const saint_zip *z, directory *d, saint_error *err)
{
    size_t at;
    if (!find_end(z, &at)) return bad_zip(z, "no zip directory at its end", err);
    const unsigned char *p = z->data + at;
    uint64_t disks = le(p + 4, 2) | le(p + 6, 2), here = le(p + 8, 2);
    *d = (directory){le(p + 10, 2), le(p + 12, 4), le(p + 16, 4), at};
    bool wide = d->entries == 0xffff || d->bytes == 0xffffffff || d->offset == 0xffffffff || here == 0xffff || disks == 0xffff;
    const unsigned char *locator = at >= LOCATOR_BYTES ? p - LOCATOR_BYTES : NULL;
    if (locator && memcmp(locator, "PK\6\7", 4) == 0) {
        uint64_t at64 = le(locator + 8, 8);
        if (at < LOCATOR_BYTES + END64_BYTES || at64 > at - LOCATOR_BYTES - END64_BYTES || memcmp(z->data + at64, "PK\6\6", 4) != 0)
            return bad_zip(z, "its zip64 record is not where it should be", err);
        p = z->data + at64;
        disks = le(p + 16, 4) | le(p + 20, 4);
        here = le(p + 24, 8);
        *d = (directory){le(p + 32, 8), le(p + 40, 8), le(p + 48, 8), (size_t)at64};
    } else if (wide) return bad_zip(z, "it needs a zip64 record and has none", err);
    if (disks != 0 || here != d->entries) return saint_fail(err, SAINT_UNSUPPORTED, "%s: a zip of several parts is not read", z->what);
    if (d->offset > d->end || d->bytes > d->end - d->offset) return bad_zip(z, "its directory lies outside the file", err);
    if (d->entries > d->bytes / CENTRAL_BYTES) return bad_zip(z, "its directory is too small for its entries", err);
    return SAINT_OK;
}

/* Fields that did not fit 32 bits, in the order of the standard, inside the extra field of id 1. */
static bool widen(const unsigned char *extra, size_t n, uint64_t *fields[3])
{
    while (n >= 4) {
        uint64_t id = le(extra, 2), len = le(extra + 2, 2);
        if (len > n - 4) return false;
        if (id == 1) {
            const unsigned char *p = extra + 4, *end = p + len;
            for (int i = 0; i < 3; i++) {
                if (*fields[i] != 0xffffffff) continue;
                if (end - p < 8) return false;
                *fields[i] = le(p, 8);
                p += 8;
            }
            return true;
        }
        extra += 4 + len;
        n -= 4 + (size_t)len;
    }
    return *fields[0] != 0xffffffff && *fields[1] != 0xffffffff && *fields[2] != 0xffffffff;
}

static int compare_names(const char *a, size_t an, const char *b, size_t bn)
{
    int c = memcmp(a, b, an < bn ? an : bn);
    return c ? c : (an > bn) - (an < bn);
}

static int by_entry_name(const void *a, const void *b)
{
    const saint_zip_entry *x = a, *y = b;
    return compare_names(x->name, x->name_n, y->name, y->name_n);
}

static saint_status read_directory(saint_zip *z, const directory *d, saint_error *err)
{
    const unsigned char *p = z->data + d->offset, *end = p + d->bytes;
    z->directory = (size_t)d->offset;
    z->entry = malloc(((size_t)d->entries + 1) * sizeof *z->entry);
    if (!z->entry) return saint_fail(err, SAINT_MEMORY, "%s: no memory for %llu zip entries", z->what, (unsigned long long)d->entries);
    for (uint64_t i = 0; i < d->entries; i++) {
        if (end - p < CENTRAL_BYTES || memcmp(p, "PK\1\2", 4) != 0) return bad_zip(z, "its directory is malformed", err);
        size_t name_n = (size_t)le(p + 28, 2), extra_n = (size_t)le(p + 30, 2),
               total = CENTRAL_BYTES + name_n + extra_n + (size_t)le(p + 32, 2);
        if ((size_t)(end - p) < total) return bad_zip(z, "its directory is malformed", err);
        uint64_t packed = le(p + 20, 4), bytes = le(p + 24, 4), header = le(p + 42, 4);
        saint_zip_entry e = {
            .name = (const char *)p + CENTRAL_BYTES, .name_n = name_n, .flags = (unsigned)le(p + 8, 2), .method = (unsigned)le(p + 10, 2)};
        if (!widen(p + CENTRAL_BYTES + name_n, extra_n, (uint64_t *[3]){&bytes, &packed, &header}))
            return bad_zip(z, "a zip64 size is missing", err);
        if (e.method == 0 && packed != bytes) return bad_zip(z, "a stored entry has two sizes", err);
        e.bytes = bytes;
        e.header = header;
        z->entry[z->n++] = e;
        p += total;
    }
    if (p != end) return bad_zip(z, "its directory is malformed", err);
    if (z->n) qsort(z->entry, z->n, sizeof *z->entry, by_entry_name);
    for (size_t i = 1; i < z->n; i++)
        if (by_entry_name(&z->entry[i - 1], &z->entry[i]) == 0) return bad_zip(z, "two entries have one name", err);
    return SAINT_OK;
}

saint_status saint_zip_open(saint_zip *out, const unsigned char *data, size_t bytes, const char *what, saint_error *err)
{
    directory d;
    *out = (saint_zip){.data = data, .bytes = bytes, .what = what};
    saint_status s = find_directory(out, &d, err);
    if (s == SAINT_OK) s = read_directory(out, &d, err);
    if (s != SAINT_OK) saint_zip_close(out);
    return s;
}

void saint_zip_close(saint_zip *z)
{
    free(z->entry);
    z->entry = NULL;
    z->n = 0;
}

const saint_zip_entry *saint_zip_find(const saint_zip *z, const char *name, size_t name_n)
{
    saint_zip_entry key = {.name = name, .name_n = name_n};
    return z->n ? bsearch(&key, z->entry, z->n, sizeof key, by_entry_name) : NULL;
}

saint_status saint_zip_contents(const saint_zip *z, const saint_zip_entry *e, const unsigned char **data, size_t *bytes, saint_error *err)
{
    int shown = e->name_n < 200 ? (int)e->name_n : 200;
    if ((e->flags & 0x2041) != 0) /* encrypted, strongly encrypted, or masked headers */
        return saint_fail(err, SAINT_UNSUPPORTED, "%s: the entry '%.*s' is encrypted: save it again with torch.save", z->what, shown,
                          e->name);
    if (e->method != 0)
        return saint_fail(err, SAINT_UNSUPPORTED,
                          "%s: the entry '%.*s' is compressed (method %u), which torch.save never does: save it again with it", z->what,
                          shown, e->name, e->method);
    if (e->header > z->directory || z->directory - e->header < LOCAL_BYTES) return bad_zip(z, "an entry lies outside the file", err);
    const unsigned char *p = z->data + e->header;
    size_t name_n = (size_t)le(p + 26, 2), skip = LOCAL_BYTES + name_n + (size_t)le(p + 28, 2), room = z->directory - (size_t)e->header;
    if (memcmp(p, "PK\3\4", 4) != 0 || room < skip || name_n != e->name_n || memcmp(p + LOCAL_BYTES, e->name, name_n) != 0)
        return bad_zip(z, "an entry is not where the directory says", err);
    if (e->bytes > room - skip) return bad_zip(z, "an entry lies outside the file", err);
    *data = p + skip;
    *bytes = (size_t)e->bytes;
    return SAINT_OK;
}

/* ---- the archive ---- */

typedef struct {
    saint_zip zip;
    char *path;    /* ARCHIVE/..., room for any entry name */
    size_t prefix; /* bytes of "ARCHIVE/" */
    size_t copy_limit;
    const char *what;
    saint_table *table;
    saint_error *err;
} archive;

static const saint_zip_entry *find_entry(const archive *a, const char *folder, const char *name, size_t name_n)
{
    size_t folder_n = strlen(folder);
    if (name_n > MAX_COMMENT) return NULL; /* no entry name is longer than 16 bits tell */
    memcpy(a->path + a->prefix, folder, folder_n);
    memcpy(a->path + a->prefix + folder_n, name, name_n);
    return saint_zip_find(&a->zip, a->path, a->prefix + folder_n + name_n);
}

/* The one folder of the archive that holds data.pkl. */
static saint_status find_prefix(archive *a)
{
    const saint_zip_entry *found = NULL;
    for (size_t i = 0; i < a->zip.n; i++) {
        const saint_zip_entry *e = &a->zip.entry[i];
        const char *slash = memchr(e->name, '/', e->name_n);
        size_t folder = slash ? (size_t)(slash - e->name) : 0;
        if (!folder || e->name_n - folder != 9 || memcmp(slash, "/data.pkl", 9) != 0) continue;
        if (found) return saint_fail(a->err, SAINT_FORMAT, "%s: expected one data.pkl in the PyTorch archive, found two", a->what);
        found = e;
        a->prefix = folder + 1;
    }
    if (!found) return saint_fail(a->err, SAINT_FORMAT, "%s: expected a PyTorch archive, found a zip without ARCHIVE/data.pkl", a->what);
    a->path = malloc(a->prefix + MAX_COMMENT + 16);
    if (!a->path) return saint_fail(a->err, SAINT_MEMORY, "%s: no memory", a->what);
    memcpy(a->path, found->name, a->prefix);
    if (find_entry(a, "", "constants.pkl", 13))
        return saint_fail(a->err, SAINT_UNSUPPORTED, "%s: a TorchScript program is not read: save its state_dict() with torch.save",
                          a->what);
    return SAINT_OK;
}

static saint_status check_byteorder(const archive *a)
{
    const unsigned char *p;
    size_t n;
    const saint_zip_entry *e = find_entry(a, "", "byteorder", 9);
    if (!e) return SAINT_OK; /* before 2.1 it was the machine's, and that was little-endian */
    saint_status s = saint_zip_contents(&a->zip, e, &p, &n, a->err);
    if (s != SAINT_OK) return s;
    if (n == 6 && memcmp(p, "little", 6) == 0) return SAINT_OK;
    return saint_fail(a->err, SAINT_UNSUPPORTED, "%s: expected byteorder 'little', found '%.*s': save it again on a little-endian machine",
                      a->what, n < 16 ? (int)n : 16, (const char *)p);
}

/* ---- tensors ---- */

typedef struct {
    saint_pickle_text name;
    const saint_pickle_tensor *t;
    saint_dtype type;
    const unsigned char *data; /* first element */
    size_t count, bytes;
} binding;

/* At most `most` bytes of a text from the file for an error line; nothing at all of one that is not UTF-8. */
static int shown(const saint_pickle_text *t, size_t most)
{
    if (!saint_utf8_valid(t->p, t->n)) return 0;
    return t->n < most ? (int)t->n : (int)most;
}

static saint_status bad_tensor(const archive *a, const binding *b, saint_status code, const char *words)
{
    return saint_fail(a->err, code, "%s: tensor '%.*s': %s", a->what, shown(&b->name, 200), b->name.p, words);
}

/* Elements, and the largest element index that the strides reach; false on overflow. */
static bool extent(const saint_pickle_tensor *t, size_t *count, uint64_t *last)
{
    uint64_t at = (uint64_t)t->offset;
    if (!saint_shape_count(t->size, t->rank, count)) return false;
    for (int i = 0; i < t->rank && *count; i++) {
        uint64_t reach;
        if (__builtin_mul_overflow((uint64_t)t->size[i] - 1, (uint64_t)t->stride[i], &reach) || __builtin_add_overflow(at, reach, &at))
            return false;
    }
    *last = at;
    return true;
}

static saint_status find_storage(const archive *a, const binding *b, const unsigned char **data, size_t *bytes)
{
    const saint_pickle_storage *st = b->t->storage;
    const saint_zip_entry *e = find_entry(a, "data/", st->key.p, st->key.n);
    size_t need = (size_t)st->count, element = saint_dtype_size(b->type);
    if (!e) return bad_tensor(a, b, SAINT_FORMAT, "the archive does not hold its storage: is the file cut short?");
    saint_status s = saint_zip_contents(&a->zip, e, data, bytes, a->err);
    if (s != SAINT_OK) return s;
    if (saint_pickle_is(&st->type->name, "UntypedStorage")) element = 1;
    if (!saint_mul_size(need, element, &need) || need > *bytes)
        return bad_tensor(a, b, SAINT_FORMAT, "its storage is smaller than the archive says: is the file damaged?");
    *bytes = need;
    return SAINT_OK;
}

static saint_status bind(const archive *a, binding *b)
{
    const saint_pickle_tensor *t = b->t;
    const unsigned char *data;
    size_t storage_bytes;
    uint64_t last;
    if (t->refusal) return bad_tensor(a, b, SAINT_UNSUPPORTED, t->refusal);
    if (!saint_pickle_tensor_type(t, &b->type)) {
        const saint_pickle_text *n = t->type ? &t->type->name : &t->storage->type->name;
        char words[160];
        snprintf(words, sizeof words, "its type %.*s is not read here: convert it first", shown(n, 80), n->p);
        return bad_tensor(a, b, SAINT_UNSUPPORTED, words);
    }
    saint_status s = find_storage(a, b, &data, &storage_bytes);
    if (s != SAINT_OK) return s;
    size_t element = saint_dtype_size(b->type), held = storage_bytes / element;
    if (!extent(t, &b->count, &last) || !saint_mul_size(b->count, element, &b->bytes) || (b->count && last >= held))
        return bad_tensor(a, b, SAINT_FORMAT, "its sizes and strides reach outside its storage");
    b->data = data + (b->count ? (size_t)t->offset * element : 0);
    return SAINT_OK;
}

/* Row-major without gaps; the stride of an extent of 1 says nothing. */
static bool contiguous(const saint_pickle_tensor *t, size_t count)
{
    uint64_t expected = 1;
    for (int i = t->rank - 1; i >= 0 && count; i--) {
        if (t->size[i] == 1) continue;
        if ((uint64_t)t->stride[i] != expected) return false;
        expected *= (uint64_t)t->size[i]; /* fits: the count of elements did */
    }
    return true;
}

static void gather(const binding *b, unsigned char *dst)
{
    const saint_pickle_tensor *t = b->t;
    size_t element = saint_dtype_size(b->type), index[SAINT_MAX_RANK] = {0}, at = 0;
    for (size_t i = 0; i < b->count; i++) {
        memcpy(dst + i * element, b->data + at * element, element);
        for (int k = t->rank - 1; k >= 0; k--) {
            at += (size_t)t->stride[k];
            if (++index[k] < (size_t)t->size[k]) break;
            at -= (size_t)t->stride[k] * index[k];
            index[k] = 0;
        }
    }
}

static saint_status add_tensor(archive *a, saint_pickle_text name, const saint_pickle_tensor *t)
{
    binding b = {.name = name, .t = t};
    saint_status s = bind(a, &b);
    if (s != SAINT_OK) return s;
    bool dense = contiguous(t, b.count), aligned = (uintptr_t)b.data % saint_dtype_size(b.type) == 0;
    /* A stride of 0 makes a huge tensor of a small file, and so do many tensors that need copies of one storage. */
    if ((!dense || !aligned) && b.bytes > a->copy_limit - a->table->copied_bytes)
        return bad_tensor(a, &b, SAINT_UNSUPPORTED, "the copies of expanded or misaligned views outgrow the file: save with .contiguous()");
    if (!dense) {
        unsigned char *copy = saint_table_copy_alloc(a->table, b.bytes);
        if (!copy) return bad_tensor(a, &b, SAINT_MEMORY, "no memory for its contiguous copy");
        gather(&b, copy);
        b.data = copy;
    }
    return saint_table_add(a->table, name.p, name.n, b.type, t->rank, t->size, b.data, b.bytes, a->what, a->err);
}

/* ---- the state_dict ---- */

/* An object that torch rebuilds from a storage in a way that is not implemented here: quantised, sparse, meta. */
static bool foreign_tensor(const saint_pickle_value *v)
{
    const saint_pickle_global *g = v->kind == SAINT_PICKLE_OPAQUE ? v->u.opaque : NULL;
    return g && g->module.n >= 5 && memcmp(g->module.p, "torch", 5) == 0 && g->name.n >= 8 && memcmp(g->name.p, "_rebuild", 8) == 0;
}

static saint_status refuse_foreign(const archive *a, saint_pickle_text name, const saint_pickle_global *g)
{
    binding b = {.name = name};
    char words[200];
    snprintf(words, sizeof words, "it is made by %.*s.%.*s, which is not read here: save it as an ordinary dense tensor",
             shown(&g->module, 60), g->module.p, shown(&g->name, 60), g->name.p);
    return bad_tensor(a, &b, SAINT_UNSUPPORTED, words);
}

static bool holds_tensors(const saint_pickle_value *v)
{
    if (v->kind != SAINT_PICKLE_DICT) return false;
    for (size_t i = 0; i + 1 < v->u.seq.n; i += 2) {
        const saint_pickle_value *item = v->u.seq.item[i + 1];
        if (v->u.seq.item[i]->kind == SAINT_PICKLE_STRING && (item->kind == SAINT_PICKLE_TENSOR || foreign_tensor(item))) return true;
    }
    return false;
}

/* The dict of tensors: the object itself, or what training scripts keep under the usual keys. */
static const saint_pickle_value *find_state_dict(const saint_pickle_value *root)
{
    static const char *const usual[] = {"state_dict", "model", "model_state_dict", "module"};
    for (int depth = 0; depth < 4; depth++) {
        const saint_pickle_value *inner = NULL;
        if (root->kind != SAINT_PICKLE_DICT) return NULL;
        for (size_t k = 0; k < sizeof usual / sizeof *usual && !inner; k++)
            for (size_t i = 0; i + 1 < root->u.seq.n && !inner; i += 2) {
                const saint_pickle_value *key = root->u.seq.item[i], *v = root->u.seq.item[i + 1];
                if (key->kind == SAINT_PICKLE_STRING && saint_pickle_is(&key->u.text, usual[k]) && v->kind == SAINT_PICKLE_DICT) inner = v;
            }
        if (!inner) return holds_tensors(root) ? root : NULL;
        root = inner;
    }
    return NULL;
}

static saint_status no_state_dict(const archive *a, const saint_pickle_value *root)
{
    const saint_pickle_global *g = root->kind == SAINT_PICKLE_OPAQUE ? root->u.opaque : NULL;
    if (g)
        return saint_fail(a->err, SAINT_UNSUPPORTED,
                          "%s: expected a state_dict, found an object of class %.*s.%.*s: save model.state_dict()", a->what,
                          shown(&g->module, 80), g->module.p, shown(&g->name, 80), g->name.p);
    return saint_fail(
        a->err, SAINT_UNSUPPORTED,
        "%s: expected a state_dict, or one under 'state_dict' or 'model', found neither: save model.state_dict() with torch.save", a->what);
}

static saint_status read_state_dict(archive *a, const saint_pickle_value *dict)
{
    for (size_t i = 0; i + 1 < dict->u.seq.n; i += 2) {
        const saint_pickle_value *key = dict->u.seq.item[i], *v = dict->u.seq.item[i + 1];
        if (key->kind != SAINT_PICKLE_STRING) continue;
        saint_status s = SAINT_OK;
        if (v->kind == SAINT_PICKLE_TENSOR) s = add_tensor(a, key->u.text, v->u.tensor);
        else if (foreign_tensor(v)) s = refuse_foreign(a, key->u.text, v->u.opaque);
        /* numbers, strings and foreign objects beside the tensors are no weights (_extra_state, epochs) */
        if (s != SAINT_OK) return s;
    }
    return saint_table_finish(a->table, a->what, a->err);
}

static saint_status read_objects(archive *a)
{
    const unsigned char *p;
    size_t n;
    saint_pickle *pickle;
    const saint_zip_entry *e = find_entry(a, "", "data.pkl", 8);
    saint_status s = saint_zip_contents(&a->zip, e, &p, &n, a->err);
    if (s == SAINT_OK) s = saint_pickle_read(&pickle, p, n, a->what, a->err);
    if (s != SAINT_OK) return s;
    const saint_pickle_value *root = saint_pickle_root(pickle), *dict = find_state_dict(root);
    s = dict ? read_state_dict(a, dict) : no_state_dict(a, root);
    saint_pickle_free(pickle);
    return s;
}

saint_status saint_torch_read(const unsigned char *data, size_t bytes, const char *what, saint_table *table, saint_error *err)
{
    archive a = {.what = what, .table = table, .err = err};
    /* transposed views of every storage fit many times over; an expanded one does not multiply a file without bound */
    a.copy_limit = bytes > SIZE_MAX / 4 - (1 << 20) ? SIZE_MAX : bytes * 4 + (1 << 20);
    saint_status s = saint_zip_open(&a.zip, data, bytes, what, err);
    if (s != SAINT_OK) return s;
    s = find_prefix(&a);
    if (s == SAINT_OK) s = check_byteorder(&a);
    if (s == SAINT_OK) s = read_objects(&a);
    free(a.path);
    saint_zip_close(&a.zip);
    return s;
}
