/* scienceqa.c - ScienceQA (evaluation.md 1.3): problems.json (one object, id -> problem) and pid_splits.json. The usual evaluation takes
 * the test problems that have a picture; the split "test_all" takes those without one as well. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/internal.h"

enum { CHOICES_MAX = 26 };

typedef struct {
    const char *split; /* name in the files */
    bool all;          /* problems without a picture too */
    saint_texts pids;  /* of the split; empty: each problem says its own split */
} wanted;

static saint_status choices_of(const cJSON *o, const char **v, size_t *n, const char *where, saint_error *err)
{
    const cJSON *c, *list = cJSON_GetObjectItemCaseSensitive(o, "choices");
    *n = 0;
    cJSON_ArrayForEach(c, list)
    {
        if (!cJSON_IsString(c) || *n == CHOICES_MAX)
            return saint_fail(err, SAINT_FORMAT, "%s: \"choices\": expected at most %d texts", where, CHOICES_MAX);
        v[(*n)++] = c->valuestring;
    }
    return *n ? SAINT_OK : saint_fail(err, SAINT_FORMAT, "%s: \"choices\": expected texts, found none", where);
}

static saint_status add(saint_dataset *d, const char *pid, const cJSON *o, const wanted *w, const char *where, saint_error *err)
{
    static const char *const keys[] = {"hint", "subject", "topic", "grade", "split", "image"};
    enum { KEYS = sizeof keys / sizeof *keys };
    saint_digits digits[KEYS], q;
    const char *value[KEYS], *question, *choices[CHOICES_MAX], *meta[2 * KEYS];
    size_t n_choices, n_meta = 0;
    int answer = -1;
    uint32_t id;
    saint_status s = saint_record_text(o, "question", true, &q, &question, where, err);
    for (int i = 0; i < KEYS && s == SAINT_OK; i++) s = saint_record_text(o, keys[i], false, &digits[i], &value[i], where, err);
    if (s != SAINT_OK) return s;
    bool in = w->pids.n ? saint_texts_find(&w->pids, pid, &id) : value[4] && strcmp(value[4], w->split) == 0;
    if (!in || (!value[5] && !w->all)) return SAINT_OK;
    s = choices_of(o, choices, &n_choices, where, err);
    if (s == SAINT_OK) s = saint_json_int(o, "answer", 0, (int)n_choices - 1, &answer, where, err);
    if (s != SAINT_OK) return s;
    for (int i = 0; i < 4; i++) {
        if (!value[i] || !value[i][0]) continue;
        meta[2 * n_meta] = keys[i];
        meta[2 * n_meta++ + 1] = value[i];
    }
    char letter[2] = {(char)('A' + (answer < 0 ? 0 : answer)), 0};
    const char *answers[] = {letter};
    saint_buf file = {0};
    bool ok = saint_buf_text(&file, w->split) && saint_buf_text(&file, "/") && saint_buf_text(&file, pid) && saint_buf_text(&file, "/") &&
              saint_buf_text(&file, value[5] ? value[5] : "") && saint_buf_add(&file, "", 1);
    const char *images[] = {file.data};
    saint_sample sample = {.uid = pid,
                           .cluster = pid,
                           .category = value[1],
                           .question = question,
                           .answer_index = answer,
                           .choices = choices,
                           .n_choices = n_choices,
                           .answers = answers,
                           .n_answers = answer >= 0,
                           .images = images,
                           .n_images = value[5] != NULL,
                           .meta = meta,
                           .n_meta = n_meta};
    s = ok ? saint_data_add(d, &sample, where, err) : saint_no_memory(err, where);
    saint_buf_free(&file);
    return s;
}

static saint_status read_splits(wanted *w, const saint_source *src, saint_error *err)
{
    saint_json_stream in;
    saint_status s = saint_json_stream_open(&in, src, w->split, false, err);
    while (s == SAINT_OK) {
        cJSON *o;
        uint32_t id;
        s = saint_json_stream_next(&in, NULL, &o, err);
        if (s != SAINT_OK || !o) break;
        if (!cJSON_IsString(o)) s = saint_fail(err, SAINT_FORMAT, "%s: \"%s\": expected a list of ids as texts", src->name, w->split);
        else if (!saint_texts_add(&w->pids, o->valuestring, &id)) s = saint_no_memory(err, src->name);
        cJSON_Delete(o);
    }
    return s;
}

static void want(const saint_dataset *d, wanted *w, char buf[40])
{
    const char *split = d->opt.split ? d->opt.split : saint_data_usual_split(SAINT_DATA_SCIENCEQA);
    w->all = saint_ends_with(split, "_all");
    (void)snprintf(buf, 40, "%.*s", (int)(strlen(split) - (w->all ? 4 : 0)), split);
    w->split = buf;
}

static saint_status parse(saint_dataset *d, const saint_source *a, const saint_source *b, saint_error *err)
{
    char split[40];
    wanted w = {0};
    saint_json_stream in;
    want(d, &w, split);
    saint_status s = b ? read_splits(&w, b, err) : SAINT_OK;
    if (s == SAINT_OK) s = saint_json_stream_open(&in, a, NULL, false, err);
    if (s == SAINT_OK && in.kind != '{')
        s = saint_fail(err, SAINT_FORMAT, "%s: expected an object with one member per problem, found an array", a->name);
    while (s == SAINT_OK) {
        cJSON *o, *key;
        char where[1024];
        s = saint_json_stream_next(&in, &key, &o, err);
        if (s != SAINT_OK || !o) break;
        s = add(d, key->valuestring, o, &w, saint_json_where(&in, where, sizeof where), err);
        cJSON_Delete(o);
        cJSON_Delete(key);
    }
    saint_texts_free(&w.pids);
    return s;
}

static saint_status open_scienceqa(saint_dataset *d, saint_error *err)
{
    static const char *const names[] = {"problems.json", "data/scienceqa/problems.json", "scienceqa/problems.json", NULL};
    char *path = NULL, *base = NULL, *splits = NULL;
    saint_status s = saint_data_file(d, names, &path, err);
    if (s == SAINT_OK && (!(base = saint_path_parent(path)) || !(splits = saint_path_join(base, "pid_splits.json"))))
        s = saint_no_memory(err, d->path);
    if (s == SAINT_OK) s = saint_data_root(d, base, "images", err);
    if (s == SAINT_OK) s = saint_data_root(d, base, NULL, err);
    if (s == SAINT_OK) s = saint_data_parse_files(d, path, saint_file_exists(splits) ? splits : NULL, err);
    d->mend = "unpack ScienceQA's pictures there";
    free(splits);
    free(base);
    free(path);
    return s;
}

static bool prompt(const saint_dataset *d, const saint_sample *s, saint_buf *out)
{
    (void)d;
    const char *hint = saint_sample_meta(s, "hint");
    bool ok = (!hint || (saint_buf_text(out, "Context: ") && saint_buf_text(out, hint) && saint_buf_text(out, "\n"))) &&
              saint_buf_text(out, s->question);
    for (size_t i = 0; ok && i < s->n_choices; i++) {
        char letter[8];
        (void)snprintf(letter, sizeof letter, "\n%c. ", (char)('A' + i));
        ok = saint_buf_text(out, letter) && saint_buf_text(out, s->choices[i]);
    }
    return ok && saint_buf_text(out, SAINT_LETTER);
}

const saint_adapter saint_adapter_scienceqa = {SAINT_DATA_SCIENCEQA, 16, true, open_scienceqa, parse, prompt};
