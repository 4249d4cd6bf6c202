/* vqav2.c - VQAv2 (evaluation.md 1.6): questions, and annotations (120 MB of JSON) read one element at a time. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/internal.h"

enum { ANSWERS_MAX = 64 };

typedef struct {
    saint_dataset *d;
    const char *coco; /* part of the pictures' names */
    size_t unknown;   /* annotations of no question */
} reading;

static saint_status add(void *ctx, const cJSON *o, const char *where, saint_error *err)
{
    const reading *r = ctx;
    const char *coco = r->coco;
    saint_dataset *d = r->d;
    saint_digits a, b, c;
    const char *id, *image, *question;
    saint_status s = saint_record_text(o, "question_id", true, &a, &id, where, err);
    if (s == SAINT_OK) s = saint_record_text(o, "image_id", true, &b, &image, where, err);
    if (s == SAINT_OK) s = saint_record_text(o, "question", true, &c, &question, where, err);
    if (s != SAINT_OK) return s;
    char file[160];
    if (!*image || strlen(image) > 12 || strspn(image, "0123456789") != strlen(image))
        return saint_fail(err, SAINT_FORMAT, "%s: \"image_id\": expected a number of at most 12 digits, found %.40s", where, image);
    (void)snprintf(file, sizeof file, "%s/COCO_%s_%012llu.jpg", coco, coco, strtoull(image, NULL, 10));
    const char *images[] = {file};
    saint_sample sample = {.uid = id, .cluster = image, .question = question, .answer_index = -1, .images = images, .n_images = 1};
    return saint_data_add(d, &sample, where, err);
}

static saint_status answers_of(const cJSON *o, const char **v, size_t *n, const char *where, saint_error *err)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, "answers"), *a;
    *n = 0;
    if (!cJSON_IsArray(list)) return saint_fail(err, SAINT_FORMAT, "%s: expected the array \"answers\", found none", where);
    cJSON_ArrayForEach(a, list)
    {
        const cJSON *text = cJSON_IsString(a) ? a : cJSON_GetObjectItemCaseSensitive(a, "answer");
        if (!cJSON_IsString(text))
            return saint_fail(err, SAINT_FORMAT, "%s: \"answers\": expected texts or objects with \"answer\"", where);
        if (*n == ANSWERS_MAX) return saint_fail(err, SAINT_FORMAT, "%s: \"answers\": expected at most %d", where, ANSWERS_MAX);
        v[(*n)++] = text->valuestring;
    }
    return SAINT_OK;
}

static saint_status annotate(void *ctx, const cJSON *o, const char *where, saint_error *err)
{
    reading *r = ctx;
    saint_dataset *d = r->d;
    saint_digits a, b;
    const char *id, *type, *v[ANSWERS_MAX];
    size_t n, i;
    saint_status s = saint_record_text(o, "question_id", true, &a, &id, where, err);
    if (s == SAINT_OK) s = saint_record_text(o, "answer_type", false, &b, &type, where, err);
    if (s == SAINT_OK) s = answers_of(o, v, &n, where, err);
    if (s != SAINT_OK) return s;
    if (saint_dataset_find(d, id, &i)) return saint_data_set_answers(d, i, v, n, type, err);
    r->unknown++;
    return SAINT_OK;
}

static saint_status read_annotations(saint_dataset *d, const saint_source *src, saint_error *err)
{
    reading r = {.d = d};
    saint_status s = saint_json_stream_each(src, "annotations", false, annotate, &r, err);
    if (s == SAINT_OK && r.unknown) s = saint_data_note(d, err, "%zu annotations belong to no question of this file", r.unknown);
    return s;
}

/* The folder and file names of COCO's pictures say train2014, val2014 or test2015 for both test splits. */
static void coco_of(const char *split, char out[40])
{
    if (strncmp(split, "test", 4) == 0 && strlen(split) >= 4 && saint_ends_with(split, "2015")) (void)snprintf(out, 40, "test2015");
    else (void)snprintf(out, 40, "%.39s", split);
}

static const char *split_of(const saint_dataset *d) { return d->opt.split ? d->opt.split : saint_data_usual_split(SAINT_DATA_VQAV2); }

static saint_status parse(saint_dataset *d, const saint_source *a, const saint_source *b, saint_error *err)
{
    char coco[40];
    coco_of(split_of(d), coco);
    saint_status s = saint_json_stream_each(a, "questions", false, add, &(reading){.d = d, .coco = coco}, err);
    return s == SAINT_OK && b ? read_annotations(d, b, err) : s;
}

static saint_status open_vqav2(saint_dataset *d, saint_error *err)
{
    char name[128], other[128];
    char *questions = NULL, *base = NULL, *annotations = NULL;
    if (!d->opt.split && !saint_is_folder(d->path)) { /* v2_OpenEnded_mscoco_SPLIT_questions.json */
        const char *p = strstr(saint_path_name(d->path), "mscoco_"), *end = p ? strstr(p, "_questions") : NULL;
        if (end && end - p < 40 && !(d->opt.split = d->opt_split = strndup(p + 7, (size_t)(end - p - 7))))
            return saint_no_memory(err, d->path);
    }
    const char *split = split_of(d);
    (void)snprintf(name, sizeof name, "v2_OpenEnded_mscoco_%.40s_questions.json", split);
    (void)snprintf(other, sizeof other, "v2_mscoco_%.40s_annotations.json", split);
    const char *names[] = {name, NULL};
    saint_status s = saint_data_file(d, names, &questions, err);
    if (s == SAINT_OK && (!(base = saint_path_parent(questions)) || !(annotations = saint_path_join(base, other))))
        s = saint_no_memory(err, d->path);
    if (s == SAINT_OK) s = saint_data_root(d, base, NULL, err);
    if (s == SAINT_OK) s = saint_data_root(d, base, "images", err);
    bool labelled = s == SAINT_OK && saint_file_exists(annotations);
    if (s == SAINT_OK) s = saint_data_parse_files(d, questions, labelled ? annotations : NULL, err);
    if (s == SAINT_OK && !labelled) s = saint_data_note(d, err, "%s is not there: these questions have no right answers", other);
    d->mend = "unpack MSCOCO's pictures there";
    free(annotations);
    free(base);
    free(questions);
    return s;
}

static bool prompt(const saint_dataset *d, const saint_sample *s, saint_buf *out)
{
    (void)d;
    return saint_buf_text(out, s->question) && saint_buf_text(out, SAINT_SHORT);
}

const saint_adapter saint_adapter_vqav2 = {SAINT_DATA_VQAV2, 16, true, open_vqav2, parse, prompt};
