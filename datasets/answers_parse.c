/* answers_parse.c - the formats of answer files. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/answers_internal.h"
#include "datasets/score.h"

enum { LINE_MAX = 1 << 20 };

static const cJSON *first_member(const cJSON *o, const char *const *keys)
{
    for (size_t i = 0; keys[i]; i++) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, keys[i]);
        if (v) return v;
    }
    return NULL;
}

/* Text or a whole number as text; NULL when it is something else. */
static const char *text_of(const cJSON *v, saint_digits *d)
{
    if (cJSON_IsString(v)) return v->valuestring;
    if (!cJSON_IsNumber(v)) return NULL;
    (void)snprintf(d->digits, sizeof d->digits, "%.17g", v->valuedouble);
    return d->digits;
}

/* A list is a ranking: its parts with the separator between them. */
static saint_status joined(const cJSON *list, saint_buf *out, const char *where, saint_error *err)
{
    const cJSON *v;
    const char separator = SAINT_RANK_SEPARATOR;
    bool ok = true, first = true;
    cJSON_ArrayForEach(v, list)
    {
        saint_digits d;
        const char *text = text_of(v, &d);
        if (!text) return saint_fail(err, SAINT_FORMAT, "%s: expected an answer that is a text or a list of texts", where);
        ok = ok && (first || saint_buf_add(out, &separator, 1)) && saint_buf_text(out, text);
        first = false;
    }
    return ok && saint_buf_add(out, "", 1) ? SAINT_OK : saint_no_memory(err, where);
}

static saint_status one_record(void *ctx, const cJSON *o, const char *where, saint_error *err)
{
    saint_matcher *m = ctx;
    static const char *const ids[] = {"uid", "question_id", "questionId", "index", "qid", "id", NULL};
    static const char *const questions[] = {"prompt", "question", NULL}, *const images[] = {"image", NULL},
                             *const categories[] = {"category", NULL};
    static const char *const answers[] = {"answer", "prediction", "output", "response", "filtered_resps", "text", NULL};
    saint_digits id, number;
    saint_answer_row row = {0};
    saint_buf list = {0};
    if (!cJSON_IsObject(o)) return saint_fail(err, SAINT_FORMAT, "%s: expected an object with \"uid\" and \"answer\"", where);
    const cJSON *doc = cJSON_GetObjectItemCaseSensitive(o, "doc"), *about = cJSON_IsObject(doc) ? doc : o;
    const cJSON *answer = first_member(o, answers);
    if (!answer) return saint_fail(err, SAINT_FORMAT, "%s: expected \"answer\" (or \"text\", \"prediction\"), found none", where);
    row.id = text_of(first_member(about, ids), &id);
    row.question = cJSON_GetStringValue(first_member(about, questions));
    row.image = cJSON_GetStringValue(first_member(about, images));
    row.category = cJSON_GetStringValue(first_member(about, categories));
    if (!row.question && answer->string && strcmp(answer->string, "text") != 0)
        row.question = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, "text")); /* POPE's own rows: text is the question */
    if (!row.id && row.image && m->d->info.kind == SAINT_DATA_VIZWIZ) row.id = row.image;
    saint_status s = SAINT_OK;
    if (cJSON_IsNull(answer)) row.null = true;
    else if (cJSON_IsArray(answer)) {
        s = joined(answer, &list, where, err);
        row.text = list.data;
    } else if (!(row.text = text_of(answer, &number)))
        s = saint_fail(err, SAINT_FORMAT, "%s: expected an answer that is a text, a number or a list", where);
    if (s == SAINT_OK) s = saint_match(m, &row, where, err);
    saint_buf_free(&list);
    return s;
}

static saint_status records(saint_matcher *m, const saint_source *src, bool lines, saint_error *err)
{
    return saint_json_stream_each(src, NULL, lines, one_record, m, err);
}

/* {id: text} or {id: index}; an index is a letter of ScienceQA. */
static saint_status dictionary(saint_matcher *m, const saint_source *src, const char *key, saint_error *err)
{
    saint_json_stream in;
    saint_status s = saint_json_stream_open(&in, src, key, false, err);
    while (s == SAINT_OK) {
        cJSON *o, *name = NULL;
        char where[1024], letter[2] = {0};
        s = saint_json_stream_next(&in, &name, &o, err);
        if (s != SAINT_OK || !o) break;
        saint_json_where(&in, where, sizeof where);
        saint_answer_row row = {.id = name ? name->valuestring : NULL, .null = cJSON_IsNull(o)};
        if (cJSON_IsString(o)) row.text = o->valuestring;
        else if (cJSON_IsNumber(o) && o->valuedouble >= -1 && o->valuedouble < 26) {
            letter[0] = o->valuedouble < 0 ? '?' : (char)('A' + (int)o->valuedouble);
            row.text = letter;
        }
        if (!row.id || (!row.text && !row.null))
            s = saint_fail(err, SAINT_FORMAT, "%s: expected \"id\": \"answer\", found something else", where);
        else s = saint_match(m, &row, where, err);
        cJSON_Delete(o);
        cJSON_Delete(name);
    }
    return s;
}

/* A file with one object: one answer, a file of ScienceQA results, or a dictionary. */
static saint_status one_object(saint_matcher *m, const saint_source *src, saint_error *err)
{
    static const char *const alone[] = {"answer", "text", "prediction", "filtered_resps", NULL};
    saint_json_stream in;
    char kind = 0;
    saint_status s = saint_json_stream_open(&in, src, NULL, false, err);
    while (s == SAINT_OK && kind != 'o') { /* outputs win over results: they can be read by either parser */
        cJSON *o, *name = NULL;
        s = saint_json_stream_next(&in, &name, &o, err);
        if (s != SAINT_OK || !o) break;
        for (size_t i = 0; alone[i] && name; i++)
            if (strcmp(name->valuestring, alone[i]) == 0 && !kind) kind = '1';
        if (name && cJSON_IsObject(o) && strcmp(name->valuestring, "outputs") == 0) kind = 'o';
        if (name && cJSON_IsObject(o) && strcmp(name->valuestring, "results") == 0) kind = 'r';
        cJSON_Delete(o);
        cJSON_Delete(name);
    }
    if (s != SAINT_OK) return s;
    if (kind == '1') return records(m, src, true, err);
    return dictionary(m, src, kind == 'o' ? "outputs" : kind == 'r' ? "results" : NULL, err);
}

/* ---- MME's result files ------------------------------------------------------------------------------------------------ */

static saint_status result_text(saint_matcher *m, const saint_source *src, saint_error *err)
{
    saint_status s = SAINT_OK;
    char *line = malloc(LINE_MAX);
    if (!line) return saint_no_memory(err, src->name);
    size_t at = src->n >= 3 && memcmp(src->text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    for (size_t number = 1; at < src->n && s == SAINT_OK; number++) {
        const char *p = src->text + at, *newline = memchr(p, '\n', src->n - at);
        size_t n = newline ? (size_t)(newline - p) : src->n - at, inner;
        char where[1024], *f[4];
        int fields = 1;
        at += n + 1;
        (void)snprintf(where, sizeof where, "%s: line %zu", src->name, number);
        while (n && p[n - 1] == '\r') n--;
        (void)saint_py_strip(p, n, &inner);
        if (!inner) continue;
        if (n >= LINE_MAX || memchr(p, 0, n) || !saint_utf8_valid(p, n)) {
            s = saint_fail(err, SAINT_FORMAT, "%s: expected a line of UTF-8 text below %d bytes", where, LINE_MAX);
            break;
        }
        memcpy(line, p, n);
        line[n] = 0;
        f[0] = line;
        for (char *tab; fields < 4 && (tab = strchr(f[fields - 1], '\t')); f[fields++] = tab + 1) *tab = 0;
        if (fields < 4) {
            s = saint_fail(err, SAINT_FORMAT, "%s: expected image TAB question TAB right answer TAB prediction, found %d columns", where,
                           fields);
            break;
        }
        saint_answer_row row = {.question = f[1], .image = f[0], .category = m->file_category, .label = f[2], .text = f[3]};
        s = saint_match(m, &row, where, err);
    }
    free(line);
    return s;
}

/* ---- tables -------------------------------------------------------------------------------------------------------------- */

static saint_status table(saint_matcher *m, const saint_source *src, char comma, saint_error *err)
{
    saint_table t;
    saint_buf id = {0}, text = {0};
    size_t index = SAINT_TABLE_CELLS, prediction = SAINT_TABLE_CELLS;
    saint_table_open(&t, src, comma);
    bool more = true;
    saint_status s = saint_table_next(&t, &more, err);
    for (size_t i = 0; s == SAINT_OK && more && i < t.n_cells; i++) {
        id.n = 0;
        if (!saint_table_cell(&t, i, &id) || !saint_buf_add(&id, "", 1)) s = saint_no_memory(err, src->name);
        else if (strcmp(id.data, "index") == 0 || strcmp(id.data, "uid") == 0) index = i;
        else if (strcmp(id.data, "prediction") == 0 || strcmp(id.data, "answer") == 0)
            prediction = strcmp(id.data, "prediction") == 0 || prediction == SAINT_TABLE_CELLS ? i : prediction;
    }
    if (s == SAINT_OK && (index == SAINT_TABLE_CELLS || prediction == SAINT_TABLE_CELLS))
        s = saint_fail(err, SAINT_FORMAT, "%s: expected a table with the columns index and prediction", src->name);
    while (s == SAINT_OK) {
        s = saint_table_next(&t, &more, err);
        if (s != SAINT_OK || !more) break;
        char where[1024];
        (void)snprintf(where, sizeof where, "%s: row %zu", src->name, t.row);
        id.n = text.n = 0;
        if (index >= t.n_cells || prediction >= t.n_cells) {
            s = saint_fail(err, SAINT_FORMAT, "%s: expected as many columns as in the first row, found %zu", where, t.n_cells);
            break;
        }
        if (!saint_table_cell(&t, index, &id) || !saint_buf_add(&id, "", 1) || !saint_table_cell(&t, prediction, &text) ||
            !saint_buf_add(&text, "", 1))
            s = saint_no_memory(err, where);
        else if (memchr(id.data, 0, id.n - 1) || memchr(text.data, 0, text.n - 1) || !saint_utf8_valid(id.data, id.n - 1) ||
                 !saint_utf8_valid(text.data, text.n - 1))
            s = saint_fail(err, SAINT_FORMAT, "%s: expected UTF-8 text, found other bytes", where);
        else s = saint_match(m, &(saint_answer_row){.id = id.data, .text = text.data}, where, err);
    }
    saint_buf_free(&id);
    saint_buf_free(&text);
    return s;
}

saint_status saint_answers_parse(saint_matcher *m, const saint_source *src, saint_error *err)
{
    m->order = 0;
    if (saint_ends_with(src->name, ".txt")) return result_text(m, src, err);
    if (saint_ends_with(src->name, ".tsv")) return table(m, src, '\t', err);
    if (saint_ends_with(src->name, ".csv")) return table(m, src, ',', err);
    size_t at = 0;
    while (at < src->n && (unsigned char)src->text[at] <= ' ') at++;
    if (at < src->n && src->text[at] == '{' && !saint_json_is_lines(src)) return one_object(m, src, err);
    return records(m, src, true, err);
}
