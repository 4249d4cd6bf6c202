/* manifest.c - the plain format that converters write (evaluation.md 1.12), one object per line:
 * {"uid", "cluster", "category", "question", "choices": [..], "answers": [..], "image": ["images/x.jpg"], "meta": {}}
 * Only one of question and image is needed; a list of one may be a text, "answer" is another name of "answers", and a record without uid
 * is called by its number. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/internal.h"

enum { LIST_MAX = 4096 };

/* The texts of a member that is a text, a number or a list of those. */
static saint_status list_of(const cJSON *o, const char *key, saint_digits *digits, const char **v, size_t *n, const char *where,
                            saint_error *err)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, key), *item;
    *n = 0;
    if (!cJSON_IsArray(list)) {
        saint_status s = saint_record_text(o, key, false, digits, v, where, err);
        *n = s == SAINT_OK && *v;
        return s;
    }
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsString(item) || *n == LIST_MAX)
            return saint_fail(err, SAINT_FORMAT, "%s: \"%s\": expected at most %d texts", where, key, LIST_MAX);
        v[(*n)++] = item->valuestring;
    }
    return SAINT_OK;
}

/* Which choice the first answer means: its letter or its text. */
static int right_choice(const char *const *choices, size_t n, const char *answer)
{
    if (strlen(answer) == 1 && answer[0] >= 'A' && (size_t)(answer[0] - 'A') < n && n <= 26) return answer[0] - 'A';
    for (size_t i = 0; i < n; i++)
        if (strcmp(choices[i], answer) == 0) return (int)i;
    return -1;
}

typedef struct {
    const char *choices[LIST_MAX], *answers[LIST_MAX], *images[LIST_MAX], *meta[2 * 64];
    saint_dataset *d;
} lists;

static saint_status add(void *ctx, const cJSON *o, const char *where, saint_error *err)
{
    lists *l = ctx;
    saint_dataset *d = l->d;
    saint_digits digits[7];
    char number[24];
    saint_sample s = {.answer_index = -1, .choices = l->choices, .answers = l->answers, .images = l->images, .meta = l->meta};
    saint_status status = saint_record_text(o, "uid", false, &digits[0], &s.uid, where, err);
    if (status == SAINT_OK) status = saint_record_text(o, "cluster", false, &digits[1], &s.cluster, where, err);
    if (status == SAINT_OK) status = saint_record_text(o, "category", false, &digits[2], &s.category, where, err);
    if (status == SAINT_OK) status = saint_record_text(o, "question", false, &digits[3], &s.question, where, err);
    if (status == SAINT_OK) status = list_of(o, "choices", &digits[4], l->choices, &s.n_choices, where, err);
    if (status == SAINT_OK) status = list_of(o, "answers", &digits[5], l->answers, &s.n_answers, where, err);
    if (status == SAINT_OK && !s.n_answers) status = list_of(o, "answer", &digits[5], l->answers, &s.n_answers, where, err);
    if (status == SAINT_OK) status = list_of(o, "image", &digits[6], l->images, &s.n_images, where, err);
    if (status != SAINT_OK) return status;
    if (!s.uid) {
        (void)snprintf(number, sizeof number, "%zu", d->n + 1);
        s.uid = number;
    }
    if (!s.question && !s.n_images) return saint_fail(err, SAINT_FORMAT, "%s: expected \"question\" or \"image\", found neither", where);
    if (s.n_choices && s.n_answers) {
        s.answer_index = right_choice(s.choices, s.n_choices, s.answers[0]);
        if (s.answer_index < 0)
            return saint_fail(err, SAINT_FORMAT, "%s: \"answers\": expected a choice or its letter, found %.60s", where, s.answers[0]);
    }
    const cJSON *m;
    cJSON_ArrayForEach(m, cJSON_GetObjectItemCaseSensitive(o, "meta"))
    {
        if (!m->string || !cJSON_IsString(m) || s.n_meta == 64) continue; /* only texts are kept: nothing here is needed for a score */
        l->meta[2 * s.n_meta] = m->string;
        l->meta[2 * s.n_meta++ + 1] = m->valuestring;
    }
    if (!s.cluster) s.cluster = s.n_images ? s.images[0] : s.uid;
    return saint_data_add(d, &s, where, err);
}

static saint_status parse(saint_dataset *d, const saint_source *a, const saint_source *b, saint_error *err)
{
    (void)b;
    lists *l = malloc(sizeof *l);
    if (!l) return saint_no_memory(err, a->name);
    l->d = d;
    saint_status s = saint_json_stream_each(a, NULL, true, add, l, err);
    free(l);
    return s;
}

static saint_status open_manifest(saint_dataset *d, saint_error *err)
{
    static const char *const names[] = {"manifest.jsonl", "manifest.json", NULL};
    char *path = NULL, *base = NULL;
    saint_status s = saint_data_file(d, names, &path, err);
    if (s == SAINT_OK && !(base = saint_path_parent(path))) s = saint_no_memory(err, d->path);
    if (s == SAINT_OK) s = saint_data_root(d, base, NULL, err);
    if (s == SAINT_OK) s = saint_data_parse_files(d, path, NULL, err);
    d->mend = "its path is relative to the manifest";
    free(base);
    free(path);
    return s;
}

/* The question as it is; choices are listed as in ScienceQA. */
static bool prompt(const saint_dataset *d, const saint_sample *s, saint_buf *out)
{
    (void)d;
    bool ok = saint_buf_text(out, s->question);
    for (size_t i = 0; ok && i < s->n_choices; i++) {
        char letter[4] = {'A', '.', ' ', 0};
        letter[0] = (char)('A' + (i < 26 ? i : 25));
        ok = saint_buf_text(out, "\n") && (s->n_choices > 26 || saint_buf_text(out, letter)) && saint_buf_text(out, s->choices[i]);
    }
    return ok && (!s->n_choices || saint_buf_text(out, SAINT_LETTER));
}

const saint_adapter saint_adapter_manifest = {SAINT_DATA_MANIFEST, 128, true, open_manifest, parse, prompt};
