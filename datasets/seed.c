/* seed.c - SEED-Bench v1 (evaluation.md 1.9). Without a split: the picture questions, and the video ones too when the middle frames that
 * LLaVA extracts are there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/internal.h"

enum { TYPES_MAX = 64 };

typedef struct {
    saint_dataset *d;
    saint_texts names;
    struct {
        char id[24];
        uint32_t name;
    } type[TYPES_MAX];
    int n;
    size_t left_out;
} types;

static saint_status read_types(types *t, const saint_source *src, saint_error *err)
{
    saint_json_stream in;
    saint_status s = saint_json_stream_open(&in, src, "question_type", false, err);
    while (s == SAINT_OK) {
        cJSON *o, *key;
        s = saint_json_stream_next(&in, &key, &o, err);
        if (s != SAINT_OK || !o) break;
        if (!key || !cJSON_IsNumber(o) || t->n == TYPES_MAX)
            s = saint_fail(err, SAINT_FORMAT, "%s: \"question_type\": expected at most %d names with numbers", src->name, TYPES_MAX);
        else if (!saint_texts_add(&t->names, key->valuestring, &t->type[t->n].name)) s = saint_no_memory(err, src->name);
        else (void)snprintf(t->type[t->n++].id, sizeof t->type[0].id, "%.0f", o->valuedouble);
        cJSON_Delete(o);
        cJSON_Delete(key);
    }
    return s;
}

static bool wanted(const saint_dataset *d, const char *type)
{
    bool video = strcmp(type, "video") == 0;
    if (d->opt.split) return strcmp(d->opt.split, "all") == 0 || strcmp(d->opt.split, type) == 0;
    return !video || (d->n_roots && saint_is_folder(d->root[d->n_roots - 1]));
}

static saint_status add(void *ctx, const cJSON *o, const char *where, saint_error *err)
{
    types *t = ctx;
    saint_dataset *d = t->d;
    static const char *const keys[] = {"question_id",      "question", "answer",   "data_type", "data_id",
                                       "question_type_id", "choice_a", "choice_b", "choice_c",  "choice_d"};
    enum { ID, QUESTION, ANSWER, DATA_TYPE, DATA_ID, TYPE, CHOICE, KEYS = 10 };
    saint_digits digits[KEYS];
    const char *v[KEYS], *category = "";
    saint_status s = SAINT_OK;
    for (int i = 0; i < KEYS && s == SAINT_OK; i++)
        s = saint_record_text(o, keys[i], i != ANSWER && i != TYPE, &digits[i], &v[i], where, err);
    if (s != SAINT_OK) return s;
    if (strcmp(v[DATA_TYPE], "image") != 0 && strcmp(v[DATA_TYPE], "video") != 0)
        return saint_fail(err, SAINT_FORMAT, "%s: \"data_type\": expected image or video, found %.40s", where, v[DATA_TYPE]);
    if (!wanted(d, v[DATA_TYPE])) {
        t->left_out++;
        return SAINT_OK;
    }
    int answer = v[ANSWER] && strlen(v[ANSWER]) == 1 && v[ANSWER][0] >= 'A' && v[ANSWER][0] <= 'D' ? v[ANSWER][0] - 'A' : -1;
    if (v[ANSWER] && answer < 0)
        return saint_fail(err, SAINT_FORMAT, "%s: \"answer\": expected A, B, C or D, found %.40s", where, v[ANSWER]);
    for (int i = 0; v[TYPE] && i < t->n; i++)
        if (strcmp(t->type[i].id, v[TYPE]) == 0) category = t->names.name[t->type[i].name];
    bool video = v[DATA_TYPE][0] == 'v';
    saint_buf file = {0};
    bool ok =
        saint_buf_text(&file, video ? v[ID] : v[DATA_ID]) && saint_buf_text(&file, video ? ".png" : "") && saint_buf_add(&file, "", 1);
    const char *images[] = {file.data}, *meta[] = {"data_type", v[DATA_TYPE], "data_id", v[DATA_ID]};
    saint_sample sample = {.uid = v[ID],
                           .cluster = v[DATA_ID],
                           .category = category,
                           .question = v[QUESTION],
                           .answer_index = answer,
                           .choices = v + CHOICE,
                           .n_choices = 4,
                           .answers = &v[ANSWER],
                           .n_answers = answer >= 0,
                           .images = images,
                           .n_images = 1,
                           .meta = meta,
                           .n_meta = 2};
    s = ok ? saint_data_add(d, &sample, where, err) : saint_no_memory(err, where);
    saint_buf_free(&file);
    return s;
}

static saint_status parse(saint_dataset *d, const saint_source *a, const saint_source *b, saint_error *err)
{
    (void)b;
    types *t = calloc(1, sizeof *t);
    if (!t) return saint_no_memory(err, a->name);
    t->d = d;
    saint_status s = read_types(t, a, err);
    if (s == SAINT_OK) s = saint_json_stream_each(a, "questions", false, add, t, err);
    if (s == SAINT_OK && t->left_out)
        s = saint_data_note(d, err, "%zu questions left out: they are about videos, of which no frames are there, or not of the split",
                            t->left_out);
    saint_texts_free(&t->names);
    free(t);
    return s;
}

static saint_status open_seed(saint_dataset *d, saint_error *err)
{
    static const char *const names[] = {"SEED-Bench.json", NULL};
    char *path = NULL, *base = NULL;
    saint_status s = saint_data_file(d, names, &path, err);
    if (s == SAINT_OK && !(base = saint_path_parent(path))) s = saint_no_memory(err, d->path);
    if (s == SAINT_OK) s = saint_data_root(d, base, "SEED-Bench-image", err);
    if (s == SAINT_OK) s = saint_data_root(d, base, "SEED-Bench-video-image", err); /* the last one: see wanted() */
    if (s == SAINT_OK) s = saint_data_parse_files(d, path, NULL, err);
    d->mend = "unpack SEED-Bench-image.zip there";
    free(base);
    free(path);
    return s;
}

static bool prompt(const saint_dataset *d, const saint_sample *s, saint_buf *out)
{
    (void)d;
    bool ok = saint_buf_text(out, s->question);
    for (size_t i = 0; ok && i < s->n_choices; i++) {
        char letter[8];
        (void)snprintf(letter, sizeof letter, "\n%c. ", (char)('A' + i));
        ok = saint_buf_text(out, letter) && saint_buf_text(out, s->choices[i]);
    }
    return ok && saint_buf_text(out, SAINT_LETTER);
}

const saint_adapter saint_adapter_seed = {SAINT_DATA_SEED, 1024, true, open_seed, parse, prompt};
