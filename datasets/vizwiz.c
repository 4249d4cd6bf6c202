/* vizwiz.c - VizWiz-VQA (evaluation.md 1.8): an array, one question per picture, ten answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/internal.h"

enum { ANSWERS_MAX = 64 };

static saint_status add(void *ctx, const cJSON *o, const char *where, saint_error *err)
{
    saint_dataset *d = ctx;
    saint_digits a, b, c;
    const char *image, *question, *type, *v[ANSWERS_MAX];
    size_t n = 0;
    saint_status s = saint_record_text(o, "image", true, &a, &image, where, err);
    if (s == SAINT_OK) s = saint_record_text(o, "question", true, &b, &question, where, err);
    if (s == SAINT_OK) s = saint_record_text(o, "answer_type", false, &c, &type, where, err);
    if (s != SAINT_OK) return s;
    const cJSON *answer;
    cJSON_ArrayForEach(answer, cJSON_GetObjectItemCaseSensitive(o, "answers"))
    {
        const cJSON *text = cJSON_IsString(answer) ? answer : cJSON_GetObjectItemCaseSensitive(answer, "answer");
        if (!cJSON_IsString(text) || n == ANSWERS_MAX)
            return saint_fail(err, SAINT_FORMAT, "%s: \"answers\": expected at most %d objects with \"answer\"", where, ANSWERS_MAX);
        v[n++] = text->valuestring;
    }
    saint_sample sample = {.uid = image,
                           .cluster = image,
                           .category = type,
                           .question = question,
                           .answer_index = -1,
                           .answers = v,
                           .n_answers = n,
                           .images = &image,
                           .n_images = 1};
    return saint_data_add(d, &sample, where, err);
}

static saint_status parse(saint_dataset *d, const saint_source *a, const saint_source *b, saint_error *err)
{
    (void)b;
    return saint_json_stream_each(a, NULL, true, add, d, err);
}

static saint_status open_vizwiz(saint_dataset *d, saint_error *err)
{
    const char *split = d->opt.split ? d->opt.split : saint_data_usual_split(SAINT_DATA_VIZWIZ);
    char deep[96], flat[64];
    char *path = NULL, *base = NULL;
    (void)snprintf(deep, sizeof deep, "Annotations/%.40s.json", split);
    (void)snprintf(flat, sizeof flat, "%.40s.json", split);
    const char *names[] = {deep, flat, "annotations/val.json", NULL};
    saint_status s = saint_data_file(d, names, &path, err);
    if (s == SAINT_OK && !(base = saint_path_parent(path))) s = saint_no_memory(err, d->path);
    const char *const below[] = {"", "../", "images/", "../images/"};
    for (int i = 0; i < 4 && s == SAINT_OK; i++) {
        char sub[80];
        (void)snprintf(sub, sizeof sub, "%s%.40s", below[i], split);
        s = saint_data_root(d, base, sub, err);
    }
    if (s == SAINT_OK) s = saint_data_parse_files(d, path, NULL, err);
    d->mend = "unpack VizWiz's val.zip there";
    free(base);
    free(path);
    return s;
}

static bool prompt(const saint_dataset *d, const saint_sample *s, saint_buf *out)
{
    bool ok = d->opt.style == SAINT_PROMPT_LMMS ? saint_py_capitalize(s->question, out) : saint_buf_text(out, s->question);
    return ok && saint_buf_text(out, "\nWhen the provided information is insufficient, respond with 'Unanswerable'." SAINT_SHORT);
}

const saint_adapter saint_adapter_vizwiz = {SAINT_DATA_VIZWIZ, 1024, true, open_vizwiz, parse, prompt};
