/* pope.c - POPE (evaluation.md 1.2): <prefix>_{random,popular,adversarial}.json, JSON lines or (SEEM variants) an array. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/internal.h"

static const char *const categories[] = {"random", "popular", "adversarial"};

/* Which category a file name ends in, -1 for none; *prefix: the length of what comes before. */
static int category_of(const char *name, size_t *prefix)
{
    for (int i = 0; i < 3; i++) {
        char tail[32];
        for (int lines = 0; lines < 2; lines++) {
            (void)snprintf(tail, sizeof tail, "_%s.json%s", categories[i], lines ? "l" : "");
            if (!saint_ends_with(name, tail)) continue;
            *prefix = strlen(name) - strlen(tail);
            return i;
        }
    }
    return -1;
}

typedef struct {
    saint_dataset *d;
    const char *category;
} reading;

static saint_status add(void *ctx, const cJSON *o, const char *where, saint_error *err)
{
    const reading *r = ctx;
    const char *category = r->category;
    saint_dataset *d = r->d;
    saint_digits a, b, c, e;
    const char *id, *image, *text, *label;
    saint_status s = saint_record_text(o, "question_id", true, &a, &id, where, err);
    if (s == SAINT_OK) s = saint_record_text(o, "image", true, &b, &image, where, err);
    if (s == SAINT_OK) s = saint_record_text(o, "text", true, &c, &text, where, err);
    if (s == SAINT_OK) s = saint_record_text(o, "label", true, &e, &label, where, err);
    if (s != SAINT_OK) return s;
    if (strcmp(label, "yes") != 0 && strcmp(label, "no") != 0)
        return saint_fail(err, SAINT_FORMAT, "%s: \"label\": expected yes or no, found %.40s", where, label);
    saint_buf uid = {0};
    bool ok = saint_buf_text(&uid, category) && saint_buf_text(&uid, "/") && saint_buf_add(&uid, id, strlen(id) + 1);
    saint_sample sample = {.uid = uid.data,
                           .cluster = image,
                           .category = category,
                           .question = text,
                           .answer_index = -1,
                           .answers = &label,
                           .n_answers = 1,
                           .images = &image,
                           .n_images = 1};
    s = ok ? saint_data_add(d, &sample, where, err) : saint_no_memory(err, where);
    saint_buf_free(&uid);
    return s;
}

static saint_status parse(saint_dataset *d, const saint_source *a, const saint_source *b, saint_error *err)
{
    (void)b;
    size_t prefix;
    int c = category_of(a->name, &prefix);
    return saint_json_stream_each(a, NULL, true, add, &(reading){d, c < 0 ? "questions" : categories[c]}, err);
}

static bool is_pope(const char *folder, const char *name)
{
    (void)folder;
    size_t prefix;
    return category_of(name, &prefix) >= 0;
}

/* All files of a folder whose names differ in the category only. */
static saint_status open_family(saint_dataset *d, const char *folder, const char *prefix, saint_error *err)
{
    saint_list names;
    saint_status s = saint_list_folder(folder, is_pope, &names, err);
    if (s != SAINT_OK) return s;
    const char *first = NULL;
    size_t first_n = 0;
    int found = 0;
    for (int c = 0; c < 3 && s == SAINT_OK; c++) {
        for (size_t i = 0; i < names.n && s == SAINT_OK; i++) {
            size_t n;
            if (category_of(names.name[i], &n) != c) continue;
            if (prefix && (strlen(prefix) != n || strncmp(names.name[i], prefix, n) != 0)) continue;
            if (first && (n != first_n || strncmp(first, names.name[i], n) != 0)) {
                s = saint_fail(err, SAINT_INVALID, "%s: expected one variant of POPE, found %.*s and %.*s; name one: pope:%s/%.*s", folder,
                               (int)first_n, first, (int)n, names.name[i], folder, (int)first_n, first);
                break;
            }
            first = names.name[i];
            first_n = n;
            char *path = saint_path_join(folder, names.name[i]);
            s = path ? saint_data_parse_files(d, path, NULL, err) : saint_no_memory(err, folder);
            free(path);
            found++;
        }
    }
    if (s == SAINT_OK && !found)
        s = saint_fail(err, SAINT_IO, "%s%s%s: expected *_pope_random.json, *_pope_popular.json or *_pope_adversarial.json, found none",
                       folder, prefix ? "/" : "", prefix ? prefix : "");
    else if (s == SAINT_OK && found < 3) s = saint_data_note(d, err, "%d of POPE's 3 files are there", found);
    saint_list_free(&names);
    return s;
}

static saint_status open_pope(saint_dataset *d, saint_error *err)
{
    static const char *const where[] = {"val2014", "images", "../val2014", "../../val2014", "."};
    bool folder = saint_is_folder(d->path);
    char *base = folder ? saint_path_join(d->path, ".") : saint_path_parent(d->path);
    if (!base) return saint_no_memory(err, d->path);
    if (folder) base[strlen(base) - 2] = 0;
    saint_status s = SAINT_OK;
    for (size_t i = 0; i < sizeof where / sizeof *where && s == SAINT_OK; i++) s = saint_data_root(d, base, where[i], err);
    if (s == SAINT_OK && folder) s = open_family(d, base, NULL, err);
    else if (s == SAINT_OK && saint_file_exists(d->path)) s = saint_data_parse_files(d, d->path, NULL, err);
    else if (s == SAINT_OK) s = open_family(d, base, saint_path_name(d->path), err);
    free(base);
    d->mend = "unpack MSCOCO val2014.zip there";
    return s;
}

static bool prompt(const saint_dataset *d, const saint_sample *s, saint_buf *out)
{
    (void)d;
    size_t n;
    const char *p = saint_py_strip(s->question, strlen(s->question), &n);
    return saint_buf_add(out, p, n) && saint_buf_text(out, SAINT_SHORT);
}

const saint_adapter saint_adapter_pope = {SAINT_DATA_POPE, 128, true, open_pope, parse, prompt};
