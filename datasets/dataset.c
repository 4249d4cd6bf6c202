/* dataset.c - opening by kind, samples out of records, pictures. */
#define _GNU_SOURCE
#include "datasets/dataset.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "datasets/guess.h"
#include "datasets/internal.h"

static const saint_adapter *const adapters[] = {
    &saint_adapter_scenes,      &saint_adapter_mme,      &saint_adapter_pope,    &saint_adapter_scienceqa, &saint_adapter_textvqa,
    &saint_adapter_vqav2,       &saint_adapter_gqa,      &saint_adapter_mmbench, &saint_adapter_seed,      &saint_adapter_vizwiz,
    &saint_adapter_imagefolder, &saint_adapter_manifest, &saint_adapter_images,
};

const saint_adapter *saint_adapter_of(saint_data_kind k)
{
    for (size_t i = 0; i < sizeof adapters / sizeof *adapters; i++)
        if (adapters[i]->kind == k) return adapters[i];
    return NULL;
}

static const struct {
    const char *name, *doc;
} kinds[] = {
#define X(id, name, doc) {name, doc},
    SAINT_DATA_KINDS(X)
#undef X
};

const char *saint_data_usual_split(saint_data_kind k)
{
    switch (k) {
    case SAINT_DATA_SCIENCEQA: return "test";
    case SAINT_DATA_GQA: return "testdev_balanced";
    case SAINT_DATA_TEXTVQA:
    case SAINT_DATA_VIZWIZ: return "val";
    case SAINT_DATA_VQAV2: return "val2014";
    case SAINT_DATA_SEED: return "image";
    default: return "";
    }
}

const char *saint_data_kind_name(saint_data_kind k) { return (unsigned)k < SAINT_DATA_KIND_COUNT ? kinds[k].name : ""; }
const char *saint_data_kind_doc(saint_data_kind k) { return (unsigned)k < SAINT_DATA_KIND_COUNT ? kinds[k].doc : ""; }

saint_status saint_no_memory(saint_error *err, const char *what) { return saint_fail(err, SAINT_MEMORY, "%s: no memory", what); }

/* ---- building ---------------------------------------------------------------------------------------------------- */

saint_status saint_data_new(saint_data_kind k, const char *path, const saint_dataset_options *opt, saint_dataset **out, saint_error *err)
{
    saint_dataset *d = *out = calloc(1, sizeof *d);
    if (!d) return saint_no_memory(err, path);
    d->adapter = saint_adapter_of(k);
    d->path = strdup(path);
    if (opt) d->opt.style = opt->style;
    if (opt && opt->images) d->opt.images = d->opt_images = strdup(opt->images);
    if (opt && opt->split) d->opt.split = d->opt_split = strdup(opt->split);
    saint_status s =
        d->path && (!opt || ((!opt->images || d->opt_images) && (!opt->split || d->opt_split))) ? SAINT_OK : saint_no_memory(err, path);
    if (s == SAINT_OK && d->opt.images) {
        if (!saint_is_folder(d->opt.images))
            s = saint_fail(err, SAINT_IO, "%s: expected the folder of the pictures, found none", d->opt.images);
        else s = saint_data_root(d, d->opt.images, NULL, err);
    }
    if (s != SAINT_OK) {
        saint_dataset_close(d);
        *out = NULL;
        return s;
    }
    d->info = (saint_dataset_info){.kind = k,
                                   .path = d->path,
                                   .has_pictures = true,
                                   .max_new_tokens = d->adapter->max_new_tokens,
                                   .prompt_name = d->adapter->kind == SAINT_DATA_SCENES ? "as written" : d->opt.style == SAINT_PROMPT_LLAVA ? "llava" : "lmms-0.3"};
    return SAINT_OK;
}

/* Strings behind one another. */
static bool pack(saint_arena *a, const char *const *v, size_t n, const char **out)
{
    saint_buf b = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) ok = saint_buf_add(&b, v[i], strlen(v[i]) + 1);
    if (ok) ok = (*out = saint_arena_add(a, b.data ? b.data : "", b.n)) != NULL;
    saint_buf_free(&b);
    return ok;
}

static bool small(const saint_sample *s)
{
    return s->n_images < UINT32_MAX && s->n_choices < UINT32_MAX && s->n_answers < UINT32_MAX && s->n_meta < UINT32_MAX / 2;
}

saint_status saint_data_add(saint_dataset *d, const saint_sample *s, const char *where, saint_error *err)
{
    uint32_t id;
    if (!s->uid || !s->uid[0]) return saint_fail(err, SAINT_FORMAT, "%s: expected an id, found an empty one", where);
    if (saint_texts_find(&d->uids, s->uid, &id))
        return saint_fail(err, SAINT_FORMAT, "%s: expected every id once, found %s again (first as sample %u)", where, s->uid, id + 1);
    if (d->n == d->cap) {
        size_t cap = d->cap ? 2 * d->cap : 256;
        saint_record *r = realloc(d->record, cap * sizeof *r);
        if (!r) return saint_no_memory(err, where);
        d->record = r;
        d->cap = cap;
    }
    saint_record *r = &d->record[d->n];
    *r = (saint_record){.n_images = (uint32_t)s->n_images,
                        .n_choices = (uint32_t)s->n_choices,
                        .n_answers = (uint32_t)s->n_answers,
                        .n_meta = (uint32_t)s->n_meta,
                        .answer_index = s->answer_index,
                        .embedded = s->embedded};
    bool ok = small(s) &&
              (r->question = saint_arena_add(&d->text, s->question ? s->question : "", strlen(s->question ? s->question : ""))) &&
              pack(&d->text, s->images, s->n_images, &r->images) && pack(&d->text, s->choices, s->n_choices, &r->choices) &&
              pack(&d->text, s->answers, s->n_answers, &r->answers) && pack(&d->text, s->meta, 2 * s->n_meta, &r->meta) &&
              saint_texts_add(&d->clusters, s->cluster ? s->cluster : s->uid, &r->cluster) &&
              saint_texts_add(&d->categories, s->category ? s->category : "", &r->category) && saint_texts_add(&d->uids, s->uid, &id);
    if (!ok) return saint_no_memory(err, where);
    d->n++;
    return SAINT_OK;
}

saint_status saint_data_set_answers(saint_dataset *d, size_t i, const char *const *answers, size_t n, const char *category,
                                    saint_error *err)
{
    saint_record *r = &d->record[i];
    if (!pack(&d->text, answers, n, &r->answers) || (category && !saint_texts_add(&d->categories, category, &r->category)))
        return saint_no_memory(err, d->path);
    r->n_answers = (uint32_t)n;
    return SAINT_OK;
}

saint_status saint_data_note(saint_dataset *d, saint_error *err, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const char **note = realloc(d->note, (d->info.n_notes + 1) * sizeof *note);
    if (!note) return saint_no_memory(err, d->path);
    d->note = note;
    d->info.notes = note;
    note[d->info.n_notes] = saint_arena_add(&d->text, text, strlen(text));
    if (!note[d->info.n_notes]) return saint_no_memory(err, d->path);
    d->info.n_notes++;
    return SAINT_OK;
}

saint_status saint_data_root(saint_dataset *d, const char *folder, const char *sub, saint_error *err)
{
    if (d->n_roots == SAINT_DATA_ROOTS) return SAINT_OK;
    char *root = sub ? saint_path_join(folder, sub) : strdup(folder);
    if (!root) return saint_no_memory(err, folder);
    d->root[d->n_roots++] = root;
    return SAINT_OK;
}

static void hash_list(saint_sha256 *h, const char *list, size_t n)
{
    uint8_t count[4] = {(uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24)};
    saint_sha256_update(h, count, sizeof count);
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(list) + 1;
        saint_sha256_update(h, list, len);
        list += len;
    }
}

saint_status saint_data_finish(saint_dataset *d, saint_error *err)
{
    if (d->n == 0)
        return saint_fail(err, SAINT_FORMAT, "%s: expected at least one sample of %s, found none", d->path, kinds[d->info.kind].name);
    saint_sha256 h;
    saint_sha256_init(&h);
    d->info.n = d->n;
    d->info.has_answers = d->adapter->right_answers;
    for (size_t i = 0; i < d->n; i++) {
        const saint_record *r = &d->record[i];
        if (r->n_answers == 0) d->info.has_answers = false;
        hash_list(&h, d->uids.name[i], 1);
        hash_list(&h, r->question, 1);
        hash_list(&h, r->images, r->n_images);
        hash_list(&h, r->choices, r->n_choices);
        hash_list(&h, r->answers, r->n_answers);
    }
    d->info.digest = saint_sha256_final(&h);
    return SAINT_OK;
}

/* ---- opening ------------------------------------------------------------------------------------------------------ */

/* Nothing that is a kind stands before a colon. Whoever names a folder alone is told what it looks like: for a score the kind is not ours to
 * choose. */
static saint_status refuse_kind(const char *kind_path, saint_error *err)
{
    char all[256] = "";
    for (int i = 0; i < SAINT_DATA_KIND_COUNT; i++) {
        if (strcmp(kinds[i].name, kind_path) == 0)
            return saint_fail(err, SAINT_INVALID, "%s: expected %s:PATH, found no path; it reads %s", kind_path, kind_path, kinds[i].doc);
        size_t used = strlen(all);
        (void)snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", kinds[i].name);
    }
    struct stat st;
    if (stat(kind_path, &st) == 0) {
        const char *why;
        const char *like = kinds[saint_data_guess(kind_path, &why)].name;
        return saint_fail(err, SAINT_INVALID, "%s: expected KIND:PATH; this looks like %s:%s (%s)", kind_path, like, kind_path, why);
    }
    return saint_fail(err, SAINT_INVALID, "%s: expected KIND:PATH with KIND one of %s", kind_path, all);
}

static saint_status split_kind(const char *kind_path, saint_data_kind *k, const char **path, saint_error *err)
{
    size_t n = strcspn(kind_path, ":");
    for (int i = 0; i < SAINT_DATA_KIND_COUNT; i++)
        if (strlen(kinds[i].name) == n && strncmp(kinds[i].name, kind_path, n) == 0 && kind_path[n] == ':') {
            *k = (saint_data_kind)i;
            *path = kind_path + n + 1;
            if (**path) return SAINT_OK;
            return saint_fail(err, SAINT_INVALID, "%s: expected %s:PATH, found no path; it reads %s", kind_path, kinds[i].name,
                              kinds[i].doc);
        }
    return refuse_kind(kind_path, err);
}

saint_status saint_dataset_open(const char *kind_path, const saint_dataset_options *opt, saint_dataset **out, saint_error *err)
{
    saint_data_kind kind = SAINT_DATA_SCENES;
    const char *path = kind_path;
    *out = NULL;
    saint_status s = split_kind(kind_path, &kind, &path, err);
    if (s != SAINT_OK) return s;
    saint_dataset *d;
    s = saint_data_new(kind, path, opt, &d, err);
    if (s != SAINT_OK) return s;
    s = d->adapter->open(d, err);
    if (s == SAINT_OK) s = saint_data_finish(d, err);
    if (s != SAINT_OK) saint_dataset_close(d);
    else *out = d;
    return s;
}

void saint_dataset_close(saint_dataset *d)
{
    if (!d) return;
    for (size_t i = 0; d->ocr && i < d->clusters.n; i++) free(d->ocr[i]);
    free(d->ocr);
    for (int i = 0; i < d->n_roots; i++) free(d->root[i]);
    saint_map_close(&d->map);
    saint_texts_free(&d->uids);
    saint_texts_free(&d->clusters);
    saint_texts_free(&d->categories);
    saint_arena_free(&d->text);
    free(d->record);
    free(d->note);
    free(d->class_name);
    free(d->path);
    free(d->opt_images);
    free(d->opt_split);
    free(d);
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

const saint_dataset_info *saint_dataset_get_info(const saint_dataset *d) { return &d->info; }
size_t saint_dataset_count(const saint_dataset *d) { return d->n; }
const char *saint_dataset_uid(const saint_dataset *d, size_t i) { return d->uids.name[i]; }
uint32_t saint_dataset_cluster(const saint_dataset *d, size_t i) { return d->record[i].cluster; }
uint32_t saint_dataset_category(const saint_dataset *d, size_t i) { return d->record[i].category; }
size_t saint_dataset_cluster_count(const saint_dataset *d) { return d->clusters.n; }
size_t saint_dataset_category_count(const saint_dataset *d) { return d->categories.n; }
const char *saint_dataset_category_name(const saint_dataset *d, uint32_t category) { return d->categories.name[category]; }

bool saint_dataset_find(const saint_dataset *d, const char *uid, size_t *i)
{
    uint32_t id;
    if (!saint_texts_find(&d->uids, uid, &id)) return false;
    *i = id;
    return true;
}

static const char **unpack(const char **at, const char *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        *at++ = list;
        list += strlen(list) + 1;
    }
    return at;
}

saint_status saint_dataset_item(const saint_dataset *d, size_t i, saint_sample *out, saint_error *err)
{
    *out = (saint_sample){0};
    if (i >= d->n) return saint_fail(err, SAINT_INVALID, "%s: expected a sample below %zu, found %zu", d->path, d->n, i);
    const saint_record *r = &d->record[i];
    size_t n = (size_t)r->n_images + r->n_choices + r->n_answers + 2 * (size_t)r->n_meta;
    const char **v = malloc((n ? n : 1) * sizeof *v);
    if (!v) return saint_no_memory(err, d->path);
    *out = (saint_sample){.uid = d->uids.name[i],
                          .cluster = d->clusters.name[r->cluster],
                          .category = d->categories.name[r->category],
                          .question = r->question,
                          .embedded = r->embedded,
                          .answer_index = r->answer_index,
                          .n_images = r->n_images,
                          .n_choices = r->n_choices,
                          .n_answers = r->n_answers,
                          .n_meta = r->n_meta,
                          .owned = v};
    out->images = v;
    out->choices = v = unpack(v, r->images, r->n_images);
    out->answers = v = unpack(v, r->choices, r->n_choices);
    out->meta = v = unpack(v, r->answers, r->n_answers);
    (void)unpack(v, r->meta, 2 * (size_t)r->n_meta);
    return SAINT_OK;
}

void saint_sample_free(saint_sample *s)
{
    if (!s) return;
    free(s->owned);
    *s = (saint_sample){0};
}

const char *saint_sample_meta(const saint_sample *s, const char *key)
{
    for (size_t i = 0; i < s->n_meta; i++)
        if (strcmp(s->meta[2 * i], key) == 0) return s->meta[2 * i + 1];
    return NULL;
}

saint_status saint_dataset_prompt(const saint_dataset *d, size_t i, char **out, saint_error *err)
{
    saint_sample s;
    saint_buf b = {0};
    *out = NULL;
    saint_status status = saint_dataset_item(d, i, &s, err);
    if (status != SAINT_OK) return status;
    if (d->adapter->prompt(d, &s, &b) && saint_buf_add(&b, "", 1)) *out = b.data;
    else {
        saint_buf_free(&b);
        status = saint_no_memory(err, d->path);
    }
    saint_sample_free(&s);
    return status;
}

/* ---- pictures ------------------------------------------------------------------------------------------------------ */

static saint_status check_picture(const saint_dataset *d, const saint_sample *s, size_t k, saint_error *err)
{
    if (k < s->n_images) return SAINT_OK;
    if (!d->info.has_pictures)
        return saint_fail(err, SAINT_STATE, "%s: these are result files without pictures; name the folder of the released data set",
                          d->path);
    return saint_fail(err, SAINT_INVALID, "%s: %s: expected a picture below %zu, found %zu", d->path, s->uid, s->n_images, k);
}

saint_status saint_dataset_picture_path(const saint_dataset *d, size_t i, size_t k, char **out, saint_error *err)
{
    saint_sample s;
    *out = NULL;
    saint_status status = saint_dataset_item(d, i, &s, err);
    if (status != SAINT_OK) return status;
    status = check_picture(d, &s, k, err);
    if (status == SAINT_OK && s.embedded)
        status = saint_fail(err, SAINT_STATE, "%s: %s: the picture is inside this file and has no path", d->path, s.uid);
    if (status == SAINT_OK && s.images[k][0] == '/') {
        *out = strdup(s.images[k]);
        if (!*out) status = saint_no_memory(err, d->path);
        else if (!saint_file_exists(*out)) status = saint_fail(err, SAINT_IO, "%s: the picture of %s is not there", *out, s.uid);
    } else if (status == SAINT_OK) {
        for (int r = 0; r < d->n_roots && !*out && status == SAINT_OK; r++) {
            char *path = saint_path_join(d->root[r], s.images[k]);
            if (!path) status = saint_no_memory(err, d->path);
            else if (saint_file_exists(path)) *out = path;
            else free(path);
        }
        if (status == SAINT_OK && !*out)
            status = saint_fail(err, SAINT_IO, "%s/%s: the picture of %s is not there; %s, or name the folder of the pictures",
                                d->n_roots ? d->root[0] : d->path, s.images[k], s.uid,
                                d->mend ? d->mend : "unpack the pictures of the data set");
    }
    if (status != SAINT_OK) {
        free(*out);
        *out = NULL;
    }
    saint_sample_free(&s);
    return status;
}

static saint_status embedded_picture(const saint_dataset *d, size_t i, saint_image *out, saint_error *err)
{
    const saint_record *r = &d->record[i];
    char what[512];
    uint8_t *bytes;
    size_t n;
    (void)snprintf(what, sizeof what, "%s: picture of %s", d->path, d->uids.name[i]);
    if (r->embed_at > d->map.bytes || r->embed_bytes > d->map.bytes - r->embed_at || !r->embed_bytes)
        return saint_fail(err, SAINT_FORMAT, "%s: expected base64 text, found an empty cell", what);
    saint_status s = saint_base64_decode((const char *)d->map.data + r->embed_at, r->embed_bytes, what, &bytes, &n, err);
    if (s != SAINT_OK) return s;
    s = saint_image_decode(bytes, n, what, out, err);
    free(bytes);
    return s;
}

saint_status saint_dataset_picture(const saint_dataset *d, size_t i, size_t k, saint_image *out, saint_error *err)
{
    char *path;
    *out = (saint_image){0};
    if (i < d->n && d->record[i].embedded)
        return k == 0 ? embedded_picture(d, i, out, err) : saint_fail(err, SAINT_INVALID, "%s: one picture per sample", d->path);
    saint_status s = saint_dataset_picture_path(d, i, k, &path, err);
    if (s != SAINT_OK) return s;
    s = saint_image_load(path, out, err);
    free(path);
    return s;
}
