/* answers.c - which sample an answer belongs to. */
#define _GNU_SOURCE
#include "datasets/answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "datasets/answers_internal.h"

static saint_status name_it(saint_named *l, const char *name, saint_error *err)
{
    if (l->n < SAINT_NAMED) {
        l->name[l->n] = strndup(name, 120);
        if (!l->name[l->n]) return saint_no_memory(err, "answers");
    }
    l->n++;
    return SAINT_OK;
}

/* ---- picture and question ------------------------------------------------------------------------------------------------ */

/* Data sets whose questions read the same in every prompt, so that an answer's own question can be checked. */
static bool comparable(saint_data_kind k)
{
    return k == SAINT_DATA_MME || k == SAINT_DATA_SCENES || k == SAINT_DATA_POPE || k == SAINT_DATA_TEXTVQA || k == SAINT_DATA_GQA ||
           k == SAINT_DATA_VQAV2 || k == SAINT_DATA_VIZWIZ;
}

/* Picture without its ending, what is asked; of POPE also the file, because the same question stands in several. */
static bool alias_key(const saint_dataset *d, const char *category, const char *picture, const char *question, saint_buf *out)
{
    const char *name = saint_path_name(picture), *dot = strrchr(name, '.');
    size_t n = dot ? (size_t)(dot - picture) : strlen(picture);
    if (d->info.kind == SAINT_DATA_POPE && (!saint_buf_text(out, category ? category : "") || !saint_buf_add(out, "\n", 1))) return false;
    return saint_buf_add(out, picture, n) && saint_buf_add(out, "\n", 1) && saint_question_key(question, out) && saint_buf_add(out, "", 1);
}

static saint_status index_questions(saint_matcher *m, saint_error *err)
{
    const saint_dataset *d = m->d;
    m->alias_head = malloc((d->n + 1) * sizeof *m->alias_head);
    m->alias_next = malloc((d->n + 1) * sizeof *m->alias_next);
    if (!m->alias_head || !m->alias_next) return saint_no_memory(err, d->path);
    saint_buf key = {0};
    saint_status s = SAINT_OK;
    for (size_t i = d->n; i-- > 0 && s == SAINT_OK;) { /* backwards: chains start with their first sample */
        const saint_record *r = &d->record[i];
        uint32_t id;
        size_t before = m->alias.n;
        key.n = 0;
        if (!alias_key(d, d->categories.name[r->category], d->clusters.name[r->cluster], r->question, &key) ||
            !saint_texts_add(&m->alias, key.data, &id)) {
            s = saint_no_memory(err, d->path);
            break;
        }
        m->alias_next[i] = m->alias.n > before ? SIZE_MAX : m->alias_head[id];
        m->alias_head[id] = i;
    }
    saint_buf_free(&key);
    return s;
}

/* The first sample with this picture and question that has no answer yet, else the first; SIZE_MAX when there is none. */
static saint_status by_question(saint_matcher *m, const char *category, const char *picture, const char *question, size_t *i,
                                saint_error *err)
{
    *i = SIZE_MAX;
    if (!m->alias_head) {
        saint_status s = index_questions(m, err);
        if (s != SAINT_OK) return s;
    }
    saint_buf key = {0};
    uint32_t id;
    bool ok = alias_key(m->d, category, picture, question, &key);
    if (ok && saint_texts_find(&m->alias, key.data, &id)) {
        *i = m->alias_head[id];
        for (size_t k = *i; k != SIZE_MAX; k = m->alias_next[k]) {
            if (m->out->text[k]) continue;
            *i = k;
            break;
        }
    }
    saint_buf_free(&key);
    return ok ? SAINT_OK : saint_no_memory(err, m->d->path);
}

static saint_status asks_the_same(const saint_dataset *d, size_t i, const char *question, bool *same, saint_error *err)
{
    saint_buf a = {0}, b = {0};
    bool ok = saint_question_key(d->record[i].question, &a) && saint_question_key(question, &b);
    *same = ok && a.n == b.n && (a.n == 0 || memcmp(a.data, b.data, a.n) == 0);
    saint_buf_free(&a);
    saint_buf_free(&b);
    return ok ? SAINT_OK : saint_no_memory(err, d->path);
}

/* ---- one row ------------------------------------------------------------------------------------------------------------- */

static bool find_in(const saint_dataset *d, const char *category, const char *id, size_t *i)
{
    char uid[512];
    if (!category) return false;
    int n = snprintf(uid, sizeof uid, "%s/%s", category, id);
    return n > 0 && (size_t)n < sizeof uid && saint_dataset_find(d, uid, i);
}

static const char *only_category(const saint_dataset *d) { return d->categories.n == 1 ? d->categories.name[0] : NULL; }

/* The k-th sample of a category (or of all). */
static size_t in_order(const saint_dataset *d, const char *category, size_t k)
{
    for (size_t i = 0; i < d->n; i++)
        if ((!category || strcmp(d->categories.name[d->record[i].category], category) == 0) && k-- == 0) return i;
    return SIZE_MAX;
}

/* What the row is about: by id, by picture and question, by order. *odd: found by its id, but it asks something else. */
static saint_status find_sample(saint_matcher *m, const saint_answer_row *row, size_t *i, bool *odd, saint_error *err)
{
    const saint_dataset *d = m->d;
    const char *category = row->category ? row->category : m->file_category ? m->file_category : only_category(d), *image = row->image;
    const char *question = row->question;
    uint32_t asked;
    saint_status s = SAINT_OK;
    bool found = false, same = true;
    *i = SIZE_MAX;
    *odd = false;
    if (row->id && m->asked.n && saint_texts_find(&m->asked, row->id, &asked)) {
        category = m->asked_category[asked] ? m->asked_category[asked] : category;
        return by_question(m, category, m->asked_image[asked], m->asked_text[asked], i, err);
    }
    if (row->id) found = saint_dataset_find(d, row->id, i);
    if (row->id && !found && d->info.kind == SAINT_DATA_POPE) found = find_in(d, category, row->id, i);
    if (found && question && comparable(d->info.kind)) s = asks_the_same(d, *i, question, &same, err);
    if (s != SAINT_OK || (found && same)) return s;
    if (found) *odd = true;
    *i = SIZE_MAX;
    if (!question || !comparable(d->info.kind)) return SAINT_OK;
    if (image && (d->info.kind == SAINT_DATA_MME || d->info.kind == SAINT_DATA_SCENES)) {
        char picture[1024];
        int n = snprintf(picture, sizeof picture, "%s/%s", category ? category : "", image);
        if (n > 0 && (size_t)n < sizeof picture) s = by_question(m, category, picture, question, i, err);
    } else if (image) s = by_question(m, category, image, question, i, err);
    else if (row->id) s = by_question(m, category, row->id, question, i, err);
    else { /* neither id nor picture: the order counts, if the question agrees */ size_t k = in_order(d, category, m->order);
        if (k == SIZE_MAX) return SAINT_OK;
        s = asks_the_same(d, k, question, &same, err);
        if (s == SAINT_OK && same) *i = k;
        else *odd = true;
    }
    if (*i != SIZE_MAX) *odd = false;
    return s;
}

static bool same_word(const char *a, const char *b)
{
    size_t n, m;
    const char *x = saint_py_strip(a, strlen(a), &n), *y = saint_py_strip(b, strlen(b), &m);
    return n == m && strncasecmp(x, y, n) == 0;
}

saint_status saint_match(saint_matcher *m, const saint_answer_row *row, const char *where, saint_error *err)
{
    saint_answers *out = m->out;
    size_t i;
    bool odd;
    if (!row->id && !row->question)
        return saint_fail(err, SAINT_FORMAT, "%s: expected \"uid\" or \"question_id\", found neither; add one to every line", where);
    saint_status s = find_sample(m, row, &i, &odd, err);
    if (s != SAINT_OK) return s;
    out->records++;
    if (!row->id && !row->image) m->order++;
    const char *name = row->id ? row->id : row->image ? row->image : row->question;
    if (odd) return name_it(&out->otherwise, name, err);
    if (i == SIZE_MAX) return name_it(&out->unknown, name, err);
    const saint_record *r = &m->d->record[i];
    name = m->d->uids.name[i];
    if (row->label && r->n_answers && !same_word(row->label, r->answers)) s = name_it(&out->mislabelled, name, err);
    if (s != SAINT_OK || row->null) return s; /* an answer that is null is a missing one */
    if (!out->text[i]) {
        out->text[i] = strdup(row->text);
        out->matched++;
        return out->text[i] ? SAINT_OK : saint_no_memory(err, where);
    }
    s = name_it(&out->duplicate, name, err);
    if (s == SAINT_OK && strcmp(out->text[i], row->text) != 0) s = name_it(&out->conflicting, name, err);
    return s;
}

/* ---- files ----------------------------------------------------------------------------------------------------------------- */

saint_status saint_matcher_open(saint_matcher *m, const saint_dataset *d, saint_answers *out, saint_error *err)
{
    *m = (saint_matcher){.d = d, .out = out};
    *out = (saint_answers){.text = calloc(d->n + 1, sizeof *out->text)};
    return out->text ? SAINT_OK : saint_no_memory(err, d->path);
}

void saint_matcher_close(saint_matcher *m)
{
    for (size_t i = 0; i < m->asked.n; i++) {
        if (m->asked_image) free(m->asked_image[i]);
        if (m->asked_text) free(m->asked_text[i]);
        if (m->asked_category) free(m->asked_category[i]);
    }
    free(m->asked_image);
    free(m->asked_text);
    free(m->asked_category);
    saint_texts_free(&m->asked);
    saint_texts_free(&m->alias);
    free(m->alias_head);
    free(m->alias_next);
}

static saint_status keep_question(void *ctx, const cJSON *o, const char *where, saint_error *err)
{
    saint_matcher *m = ctx;
    saint_digits a, b, c, e;
    const char *id, *image, *text, *category;
    uint32_t n;
    saint_status s = saint_record_text(o, "question_id", true, &a, &id, where, err);
    if (s == SAINT_OK) s = saint_record_text(o, "image", true, &b, &image, where, err);
    if (s == SAINT_OK) s = saint_record_text(o, "text", true, &c, &text, where, err);
    if (s == SAINT_OK) s = saint_record_text(o, "category", false, &e, &category, where, err);
    if (s != SAINT_OK) return s;
    size_t before = m->asked.n;
    if (!saint_texts_add(&m->asked, id, &n)) return saint_no_memory(err, where);
    if (m->asked.n == before) return saint_fail(err, SAINT_FORMAT, "%s: expected every question_id once, found %s again", where, id);
    size_t cap = m->asked.n;
    char ***list[] = {&m->asked_image, &m->asked_text, &m->asked_category};
    const char *value[] = {image, text, category};
    for (int k = 0; k < 3; k++) {
        if ((cap & (cap - 1)) == 0) { /* a power of two: double */
            char **p = realloc(*list[k], 2 * cap * sizeof *p);
            if (!p) {
                m->asked.n = before;
                return saint_no_memory(err, where);
            }
            *list[k] = p;
        }
        (*list[k])[n] = NULL;
    }
    for (int k = 0; k < 3; k++)
        if (value[k] && !((*list[k])[n] = strdup(value[k]))) return saint_no_memory(err, where);
    return SAINT_OK;
}

static saint_status read_questions(saint_matcher *m, const char *path, saint_error *err)
{
    saint_map map;
    saint_status s = saint_map_open(path, &map, err);
    if (s != SAINT_OK) return s;
    s = saint_json_stream_each(&(saint_source){path, map.data ? (const char *)map.data : "", map.bytes}, NULL, true, keep_question, m, err);
    saint_map_close(&map);
    return s;
}

/* MME's files are named by their category; of POPE's the name ends in it or holds it. */
static const char *category_of(const saint_dataset *d, const char *path)
{
    const char *name = saint_path_name(path), *dot = strrchr(name, '.'), *hit = NULL;
    size_t n = dot ? (size_t)(dot - name) : strlen(name);
    for (size_t c = 0; c < d->categories.n; c++) {
        const char *category = d->categories.name[c];
        if (strlen(category) == n && strncmp(category, name, n) == 0) return category;
        if (d->info.kind == SAINT_DATA_POPE && strstr(name, category)) hit = category;
    }
    return hit;
}

static saint_status one_file(saint_matcher *m, const char *path, saint_error *err)
{
    saint_map map;
    saint_status s = saint_map_open(path, &map, err);
    if (s != SAINT_OK) return s;
    m->file_category = category_of(m->d, path);
    s = saint_answers_parse(m, &(saint_source){path, map.data ? (const char *)map.data : "", map.bytes}, err);
    saint_map_close(&map);
    return s;
}

static bool is_answers(const char *folder, const char *name)
{
    (void)folder;
    return saint_ends_with(name, ".txt") || saint_ends_with(name, ".jsonl") || saint_ends_with(name, ".json") ||
           saint_ends_with(name, ".tsv") || saint_ends_with(name, ".csv");
}

static saint_status folder(saint_matcher *m, const char *path, saint_error *err)
{
    saint_list files;
    size_t used = 0;
    saint_status s = saint_list_folder(path, is_answers, &files, err);
    if (s != SAINT_OK) return s;
    for (size_t i = 0; i < files.n && s == SAINT_OK; i++) {
        if (saint_ends_with(files.name[i], ".txt") && !category_of(m->d, files.name[i])) continue; /* a README */
        char *file = saint_path_join(path, files.name[i]);
        s = file ? one_file(m, file, err) : saint_no_memory(err, path);
        free(file);
        used++;
    }
    if (s == SAINT_OK && !used)
        s = saint_fail(err, SAINT_FORMAT, "%s: expected answer files (<task>.txt, .jsonl, .json, .tsv), found none", path);
    saint_list_free(&files);
    return s;
}

saint_status saint_answers_finish(saint_matcher *m, const char *path, saint_error *err)
{
    const saint_dataset *d = m->d;
    saint_answers *out = m->out;
    for (size_t i = 0; i < d->n; i++) {
        if (out->text[i]) continue;
        saint_status s = name_it(&out->missing, d->uids.name[i], err);
        if (s != SAINT_OK) return s;
    }
    if (out->matched) return SAINT_OK;
    const char *why = out->otherwise.n ? "; their questions differ: another version of the data set?" : "";
    const char *hint =
        d->info.kind == SAINT_DATA_POPE && !out->otherwise.n ? "; LLaVA's answers need its llava_pope_test.jsonl as --questions" : "";
    const char *first = out->otherwise.n ? out->otherwise.name[0] : out->unknown.n ? out->unknown.name[0] : "none";
    return saint_fail(err, SAINT_FORMAT,
                      "%s: expected answers to %s, found none among %zu (first: %.80s; an id of the data set: %.80s)%s%s", path, d->path,
                      out->records, first, d->uids.name[0], why, hint);
}

saint_status saint_answers_load(const saint_dataset *d, const char *path, const char *questions, saint_answers *out, saint_error *err)
{
    saint_matcher m;
    saint_status s = saint_matcher_open(&m, d, out, err);
    if (s == SAINT_OK && questions) s = read_questions(&m, questions, err);
    if (s == SAINT_OK) s = saint_is_folder(path) ? folder(&m, path, err) : one_file(&m, path, err);
    if (s == SAINT_OK) s = saint_answers_finish(&m, path, err);
    saint_matcher_close(&m);
    if (s != SAINT_OK) saint_answers_free(d, out);
    return s;
}

static void forget(saint_named *l)
{
    for (size_t i = 0; i < SAINT_NAMED; i++) free(l->name[i]);
    *l = (saint_named){0};
}

void saint_answers_free(const saint_dataset *d, saint_answers *a)
{
    for (size_t i = 0; a->text && i < d->n; i++) free(a->text[i]);
    free(a->text);
    a->text = NULL;
    saint_named *all[] = {&a->unknown, &a->duplicate, &a->conflicting, &a->missing, &a->mislabelled, &a->otherwise};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) forget(all[i]);
}
