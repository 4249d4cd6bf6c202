#define _GNU_SOURCE
#include "formats/checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "formats/json.h"
#include "formats/safetensors.h"
#include "formats/tensor_table.h"
#include "formats/torch_zip.h"

enum { MAX_INDEX = 100000000, MAX_SHARDS = 4096 };

typedef struct {
    saint_map map; /* empty when the memory is the caller's */
    saint_table table;
    const char *format;
} container;

struct saint_checkpoint {
    container *file;
    int n_files;
    size_t mapped;
    saint_tensor *merged; /* of several files, sorted by name; NULL: file[0].table is all there is */
    int n_merged;
};

static bool starts_with(const unsigned char *p, size_t n, const char *magic, size_t magic_n)
{
    return n >= magic_n && memcmp(p, magic, magic_n) == 0;
}

static saint_status refuse_kind(const unsigned char *p, size_t n, const char *what, saint_error *err)
{
    if (n == 0) return saint_fail(err, SAINT_FORMAT, "%s: expected safetensors or a PyTorch archive, found an empty file", what);
    if (starts_with(p, n, "\x80", 1) || (n > 262 && memcmp(p + 257, "ustar", 5) == 0))
        return saint_fail(err, SAINT_UNSUPPORTED,
                          "%s: a bare pickle, as PyTorch before 1.6 wrote, is not read: re-save with torch >= 1.6 or as safetensors", what);
    if (starts_with(p, n, "GGUF", 4))
        return saint_fail(err, SAINT_UNSUPPORTED, "%s: GGUF is not read: use the Hugging Face folder of the model (safetensors)", what);
    if (starts_with(p, n, "version https://git-lfs", 23))
        return saint_fail(err, SAINT_FORMAT, "%s: a Git LFS pointer, not the weights themselves: run `git lfs pull` in its folder", what);
    return saint_fail(err, SAINT_FORMAT, "%s: expected safetensors or a PyTorch archive (zip), found neither", what);
}

static saint_status read_container(const unsigned char *p, size_t n, const char *what, container *f, saint_error *err)
{
    bool safetensors = n > 8 && p[8] == '{';
    f->format = safetensors ? "safetensors" : "torch_zip";
    /* Byte 8 comes first: a header length may by chance read "PK\3\4", but a zip's byte 8 is its compression method. */
    if (safetensors) return saint_safetensors_read(p, n, what, &f->table, err);
    if (starts_with(p, n, "PK\3\4", 4) || starts_with(p, n, "PK\5\6", 4)) return saint_torch_read(p, n, what, &f->table, err);
    return refuse_kind(p, n, what, err);
}

static saint_status new_checkpoint(saint_checkpoint **out, int n_files, const char *what, saint_error *err)
{
    saint_checkpoint *c = calloc(1, sizeof *c);
    if (c) c->file = calloc((size_t)n_files, sizeof *c->file);
    if (!c || !c->file) {
        free(c);
        return saint_fail(err, SAINT_MEMORY, "%s: no memory", what);
    }
    c->n_files = n_files;
    *out = c;
    return SAINT_OK;
}

void saint_checkpoint_close(saint_checkpoint *c)
{
    if (!c) return;
    for (int i = 0; i < c->n_files; i++) {
        saint_table_free(&c->file[i].table);
        saint_map_close(&c->file[i].map);
    }
    free(c->file);
    free(c->merged);
    free(c);
}

static saint_status map_container(saint_checkpoint *c, int i, const char *path, saint_error *err)
{
    container *f = &c->file[i];
    saint_status s = saint_map_open(path, &f->map, err);
    if (s != SAINT_OK) return s;
    c->mapped += f->map.bytes;
    return read_container(f->map.data, f->map.bytes, path, f, err);
}

saint_status saint_checkpoint_open_file(saint_checkpoint **out, const char *path, saint_error *err)
{
    saint_checkpoint *c = NULL;
    *out = NULL;
    saint_status s = new_checkpoint(&c, 1, path, err);
    if (s != SAINT_OK) return s;
    s = map_container(c, 0, path, err);
    if (s == SAINT_OK) *out = c;
    else saint_checkpoint_close(c);
    return s;
}

saint_status saint_checkpoint_open_memory(saint_checkpoint **out, const void *data, size_t bytes, const char *what, saint_error *err)
{
    saint_checkpoint *c = NULL;
    *out = NULL;
    saint_status s = new_checkpoint(&c, 1, what, err);
    if (s != SAINT_OK) return s;
    c->mapped = bytes;
    s = read_container(data, bytes, what, &c->file[0], err);
    if (s == SAINT_OK) *out = c;
    else saint_checkpoint_close(c);
    return s;
}

/* ---- several files under one index ---- */

typedef struct {
    const char *name, *shard; /* both in the JSON tree */
} placement;

typedef struct {
    const char *dir, *path; /* of the index */
    placement *place;
    int n, n_shards;
    saint_error *err;
} sharding;

static int by_shard(const void *a, const void *b)
{
    const placement *x = a, *y = b;
    int c = strcmp(x->shard, y->shard);
    return c ? c : strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b) { return strcmp(((const saint_tensor *)a)->name, ((const saint_tensor *)b)->name); }

/* A shard lies beside its index: a downloaded index must not be able to point anywhere else. */
static bool plain_file_name(const char *s)
{
    return *s && strlen(s) < 256 && !strchr(s, '/') && !strchr(s, '\\') && strcmp(s, ".") != 0 && strcmp(s, "..") != 0;
}

static saint_status read_index(sharding *x, const cJSON *root)
{
    const cJSON *map = cJSON_IsObject(root) ? cJSON_GetObjectItemCaseSensitive(root, "weight_map") : NULL;
    if (!cJSON_IsObject(map) || !map->child)
        return saint_fail(x->err, SAINT_FORMAT, "%s: expected an object \"weight_map\" of tensor names and shards, found none", x->path);
    size_t n = 0;
    for (const cJSON *v = map->child; v; v = v->next) n++;
    if (n > SAINT_MAX_TENSORS)
        return saint_fail(x->err, SAINT_UNSUPPORTED, "%s: expected at most %d tensors, found %zu", x->path, SAINT_MAX_TENSORS, n);
    x->place = malloc(n * sizeof *x->place);
    if (!x->place) return saint_fail(x->err, SAINT_MEMORY, "%s: no memory for %zu names", x->path, n);
    for (const cJSON *v = map->child; v; v = v->next) {
        if (!cJSON_IsString(v) || !plain_file_name(v->valuestring))
            return saint_fail(x->err, SAINT_FORMAT, "%s: tensor '%.200s': expected the name of a file in the same folder, found '%.100s'",
                              x->path, v->string, cJSON_IsString(v) ? v->valuestring : "something else");
        x->place[x->n++] = (placement){v->string, v->valuestring};
    }
    qsort(x->place, n, sizeof *x->place, by_shard);
    x->n_shards = 1;
    for (int i = 1; i < x->n; i++) x->n_shards += strcmp(x->place[i - 1].shard, x->place[i].shard) != 0;
    if (x->n_shards > MAX_SHARDS)
        return saint_fail(x->err, SAINT_UNSUPPORTED, "%s: expected at most %d shards, found %d", x->path, MAX_SHARDS, x->n_shards);
    return SAINT_OK;
}

static saint_status open_shard(const sharding *x, saint_checkpoint *c, int i, const char *shard)
{
    char *path;
    if (asprintf(&path, "%s/%s", x->dir, shard) < 0) return saint_fail(x->err, SAINT_MEMORY, "%s: no memory", x->path);
    saint_status s;
    if (saint_file_exists(path)) s = map_container(c, i, path, x->err);
    else s = saint_fail(x->err, SAINT_IO, "%s: names the shard '%s', which is not in the folder: fetch that file again", x->path, shard);
    free(path);
    return s;
}

static saint_status merge_shards(const sharding *x, saint_checkpoint *c)
{
    c->merged = malloc((size_t)x->n * sizeof *c->merged);
    if (!c->merged) return saint_fail(x->err, SAINT_MEMORY, "%s: no memory for %d tensors", x->path, x->n);
    int file = -1;
    for (int i = 0; i < x->n; i++) {
        const placement *p = &x->place[i];
        if (i == 0 || strcmp(p[-1].shard, p->shard) != 0) {
            saint_status s = open_shard(x, c, ++file, p->shard);
            if (s != SAINT_OK) return s;
        }
        const saint_tensor *t = saint_table_find(&c->file[file].table, p->name);
        if (!t)
            return saint_fail(x->err, SAINT_FORMAT,
                              "%s: expected tensor '%.200s' in the shard '%s', which does not hold it: files of two models?", x->path,
                              p->name, p->shard);
        c->merged[c->n_merged++] = *t;
    }
    qsort(c->merged, (size_t)c->n_merged, sizeof *c->merged, by_name);
    for (int i = 1; i < c->n_merged; i++)
        if (strcmp(c->merged[i - 1].name, c->merged[i].name) == 0)
            return saint_fail(x->err, SAINT_FORMAT, "%s: expected every name once, found tensor '%.200s' twice", x->path,
                              c->merged[i].name);
    return SAINT_OK;
}

static saint_status open_index(saint_checkpoint **out, const char *dir, const char *path, saint_error *err)
{
    cJSON *root;
    saint_checkpoint *c = NULL;
    sharding x = {.dir = dir, .path = path, .err = err};
    saint_status s = saint_json_load(path, MAX_INDEX, &root, err);
    if (s != SAINT_OK) return s;
    s = read_index(&x, root);
    if (s == SAINT_OK) s = new_checkpoint(&c, x.n_shards, path, err);
    if (s == SAINT_OK) s = merge_shards(&x, c);
    free(x.place);
    cJSON_Delete(root);
    if (s == SAINT_OK) *out = c;
    else saint_checkpoint_close(c);
    return s;
}

saint_status saint_checkpoint_open_dir(saint_checkpoint **out, const char *dir, saint_error *err)
{
    static const struct {
        const char *name;
        bool index;
    } kind[] = {{"model.safetensors", false},
                {"model.safetensors.index.json", true},
                {"pytorch_model.bin", false},
                {"pytorch_model.bin.index.json", true}};
    struct stat st;
    *out = NULL;
    if (stat(dir, &st) != 0) return saint_fail(err, SAINT_IO, "%s: cannot be opened: %s", dir, strerror(errno));
    if (!S_ISDIR(st.st_mode)) return saint_fail(err, SAINT_IO, "%s: expected a model folder, found a file", dir);
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++) {
        char *path;
        if (asprintf(&path, "%s/%s", dir, kind[i].name) < 0) return saint_fail(err, SAINT_MEMORY, "%s: no memory", dir);
        if (!saint_file_exists(path)) {
            free(path);
            continue;
        }
        saint_status s = kind[i].index ? open_index(out, dir, path, err) : saint_checkpoint_open_file(out, path, err);
        free(path);
        return s;
    }
    return saint_fail(err, SAINT_IO, "%s: expected model.safetensors or pytorch_model.bin (or the .index.json of either), found none", dir);
}

/* ---- access ---- */

static const saint_tensor *all(const saint_checkpoint *c, int *n)
{
    *n = c->merged ? c->n_merged : c->file[0].table.n;
    return c->merged ? c->merged : c->file[0].table.t;
}

const char *saint_checkpoint_format(const saint_checkpoint *c) { return c->file[0].format; }

int saint_checkpoint_count(const saint_checkpoint *c)
{
    int n;
    all(c, &n);
    return n;
}

const saint_tensor *saint_checkpoint_at(const saint_checkpoint *c, int i)
{
    int n;
    const saint_tensor *t = all(c, &n);
    return i >= 0 && i < n ? t + i : NULL;
}

const saint_tensor *saint_checkpoint_find(const saint_checkpoint *c, const char *name)
{
    int n;
    const saint_tensor *t = all(c, &n), key = {.name = name};
    return n ? bsearch(&key, t, (size_t)n, sizeof *t, by_name) : NULL;
}

size_t saint_checkpoint_mapped_bytes(const saint_checkpoint *c) { return c->mapped; }

size_t saint_checkpoint_copied_bytes(const saint_checkpoint *c)
{
    size_t n = 0;
    for (int i = 0; i < c->n_files; i++) n += c->file[i].table.copied_bytes;
    return n;
}
