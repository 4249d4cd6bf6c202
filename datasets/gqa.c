/* gqa.c - GQA (evaluation.md 1.5): one object, question id -> question. Ids stay text. */
#include <stdlib.h>

#include "datasets/internal.h"

static saint_status add(saint_dataset *d, const char *qid, const cJSON *o, const char *where, saint_error *err)
{
    saint_digits a, b, c, e;
    const char *image, *question, *answer, *type = NULL;
    saint_status s = saint_record_text(o, "imageId", true, &a, &image, where, err);
    if (s == SAINT_OK) s = saint_record_text(o, "question", true, &b, &question, where, err);
    if (s == SAINT_OK) s = saint_record_text(o, "answer", false, &c, &answer, where, err);
    const cJSON *types = cJSON_GetObjectItemCaseSensitive(o, "types");
    if (s == SAINT_OK && cJSON_IsObject(types)) s = saint_record_text(types, "structural", false, &e, &type, where, err);
    if (s != SAINT_OK) return s;
    saint_buf file = {0};
    bool ok = saint_buf_text(&file, image) && saint_buf_add(&file, ".jpg", 5);
    const char *images[] = {file.data};
    saint_sample sample = {.uid = qid,
                           .cluster = image,
                           .category = type,
                           .question = question,
                           .answer_index = -1,
                           .answers = &answer,
                           .n_answers = answer ? 1 : 0,
                           .images = images,
                           .n_images = 1};
    s = ok ? saint_data_add(d, &sample, where, err) : saint_no_memory(err, where);
    saint_buf_free(&file);
    return s;
}

static saint_status parse(saint_dataset *d, const saint_source *a, const saint_source *b, saint_error *err)
{
    (void)b;
    saint_json_stream in;
    saint_status s = saint_json_stream_open(&in, a, NULL, false, err);
    if (s == SAINT_OK && in.kind != '{')
        s = saint_fail(err, SAINT_FORMAT, "%s: expected an object with one member per question id, found an array; use the official file",
                       a->name);
    while (s == SAINT_OK) {
        cJSON *o, *key;
        char where[1024];
        s = saint_json_stream_next(&in, &key, &o, err);
        if (s != SAINT_OK || !o) break;
        s = add(d, key->valuestring, o, saint_json_where(&in, where, sizeof where), err);
        cJSON_Delete(o);
        cJSON_Delete(key);
    }
    return s;
}

static saint_status open_gqa(saint_dataset *d, saint_error *err)
{
    saint_buf name = {0}, deep = {0};
    const char *split = d->opt.split ? d->opt.split : saint_data_usual_split(SAINT_DATA_GQA);
    bool ok = saint_buf_text(&name, split) && saint_buf_add(&name, "_questions.json", 16) && saint_buf_text(&deep, "questions1.2/") &&
              saint_buf_text(&deep, name.data) && saint_buf_add(&deep, "", 1);
    const char *names[] = {name.data, deep.data, NULL};
    char *path = NULL, *base = NULL;
    saint_status s = ok ? saint_data_file(d, names, &path, err) : saint_no_memory(err, d->path);
    if (s == SAINT_OK && !(base = saint_path_parent(path))) s = saint_no_memory(err, d->path);
    if (s == SAINT_OK) s = saint_data_root(d, base, "images", err);
    if (s == SAINT_OK) s = saint_data_root(d, base, "../images", err);
    if (s == SAINT_OK) s = saint_data_parse_files(d, path, NULL, err);
    d->mend = "unpack GQA's images.zip there";
    free(base);
    free(path);
    saint_buf_free(&name);
    saint_buf_free(&deep);
    return s;
}

static bool prompt(const saint_dataset *d, const saint_sample *s, saint_buf *out)
{
    (void)d;
    return saint_buf_text(out, s->question) && saint_buf_text(out, SAINT_SHORT);
}

const saint_adapter saint_adapter_gqa = {SAINT_DATA_GQA, 16, true, open_gqa, parse, prompt};
