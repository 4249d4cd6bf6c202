/* mmbench.c - MMBench (evaluation.md 1.7): one quoted table with the pictures as base64, circular copies at index + 1000000, and cells
 * of at most 64 characters that name the row whose picture they share. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/internal.h"

enum { LETTERS = 5, REFERENCE_MAX = 64 };
enum { INDEX, QUESTION, HINT, A, B, C, D, E, ANSWER, CATEGORY, L2, SOURCE, SPLIT, IMAGE, COLUMNS };

static const char *const column_name[COLUMNS] = {"index", "question", "hint",     "A",           "B",      "C",     "D",
                                                 "E",     "answer",   "category", "l2-category", "source", "split", "image"};

typedef struct {
    int column[COLUMNS]; /* -1: the file has none */
    size_t *reference;   /* [samples] 0, or 1 + where the cell starts */
    size_t n;
} layout;

static saint_status read_header(saint_table *t, layout *l, saint_error *err)
{
    bool more;
    for (int c = 0; c < COLUMNS; c++) l->column[c] = -1;
    saint_status s = saint_table_next(t, &more, err);
    if (s != SAINT_OK) return s;
    for (size_t i = 0; more && i < t->n_cells; i++) {
        saint_buf name = {0};
        if (!saint_table_cell(t, i, &name) || !saint_buf_add(&name, "", 1)) {
            saint_buf_free(&name);
            return saint_no_memory(err, t->what);
        }
        if (name.data[0] == 'L' && name.n > 1) name.data[0] = 'l'; /* some releases write L2-category */
        for (int c = 0; c < COLUMNS; c++)
            if (strcmp(name.data, column_name[c]) == 0) l->column[c] = (int)i;
        saint_buf_free(&name);
    }
    for (int c = 0; c < COLUMNS; c++)
        if (l->column[c] < 0 && (c == INDEX || c == QUESTION || c == A || c == B))
            return saint_fail(err, SAINT_FORMAT, "%s: expected a tab separated table with the column \"%s\", found none", t->what,
                              column_name[c]);
    return SAINT_OK;
}

/* All text cells of a row, "" for those that are not there; they point into buf. */
static saint_status read_cells(const saint_table *t, const layout *l, saint_buf *buf, const char *cell[COLUMNS], saint_error *err)
{
    size_t at[COLUMNS];
    buf->n = 0;
    for (int c = 0; c < IMAGE; c++) {
        at[c] = buf->n;
        size_t i = (size_t)l->column[c];
        bool there = l->column[c] >= 0 && i < t->n_cells;
        if ((there && !saint_table_cell(t, i, buf)) || !saint_buf_add(buf, "", 1)) return saint_no_memory(err, t->what);
        size_t n = buf->n - at[c] - 1;
        if (memchr(buf->data + at[c], 0, n) || !saint_utf8_valid(buf->data + at[c], n))
            return saint_fail(err, SAINT_FORMAT, "%s: row %zu: \"%s\": expected UTF-8 text, found other bytes", t->what, t->row,
                              column_name[c]);
    }
    for (int c = 0; c < IMAGE; c++) {
        cell[c] = buf->data + at[c];
        if (strcmp(cell[c], "nan") == 0 && c != QUESTION) cell[c] = "";
    }
    return SAINT_OK;
}

static saint_status remember_reference(layout *l, size_t i, size_t at, saint_error *err, const char *what)
{
    if (i >= l->n) {
        size_t n = l->n ? 2 * l->n : 1024;
        size_t *p = realloc(l->reference, n * sizeof *p);
        if (!p) return saint_no_memory(err, what);
        memset(p + l->n, 0, (n - l->n) * sizeof *p);
        l->reference = p;
        l->n = n;
    }
    l->reference[i] = at + 1;
    return SAINT_OK;
}

static saint_status add(saint_dataset *d, const saint_table *t, layout *l, const char *const cell[COLUMNS], saint_error *err)
{
    char where[1024], base[24], name[64] = "";
    (void)snprintf(where, sizeof where, "%s: row %zu", t->what, t->row);
    if (!cell[INDEX][0] || strlen(cell[INDEX]) > 15 || strspn(cell[INDEX], "0123456789") != strlen(cell[INDEX]))
        return saint_fail(err, SAINT_FORMAT, "%s: \"index\": expected a number, found %.40s", where, cell[INDEX]);
    (void)snprintf(base, sizeof base, "%llu", strtoull(cell[INDEX], NULL, 10) % 1000000);
    const char *choices[LETTERS], *answers[] = {cell[ANSWER]}, *images[] = {name};
    const char *meta[] = {"base", base, "hint", cell[HINT], "l2-category", cell[L2], "source", cell[SOURCE], "split", cell[SPLIT]};
    size_t n_choices = 0;
    for (size_t i = 0; i < LETTERS; i++) {
        choices[i] = cell[A + i];
        if (choices[i][0]) n_choices = i + 1;
    }
    int answer = strlen(cell[ANSWER]) == 1 && cell[ANSWER][0] >= 'A' && cell[ANSWER][0] <= 'E' ? cell[ANSWER][0] - 'A' : -1;
    if (cell[ANSWER][0] && (answer < 0 || (size_t)answer >= n_choices || !choices[answer][0]))
        return saint_fail(err, SAINT_FORMAT, "%s: \"answer\": expected the letter of an option, found %.40s", where, cell[ANSWER]);
    size_t image = l->column[IMAGE] >= 0 && (size_t)l->column[IMAGE] < t->n_cells ? (size_t)l->column[IMAGE] : SAINT_TABLE_CELLS;
    size_t bytes = image < SAINT_TABLE_CELLS ? t->cell[image].bytes : 0;
    (void)snprintf(name, sizeof name, "%s.jpg", cell[INDEX]);
    saint_sample s = {.uid = cell[INDEX],
                      .cluster = base,
                      .category = cell[CATEGORY],
                      .question = cell[QUESTION],
                      .embedded = bytes > 0,
                      .answer_index = answer,
                      .choices = choices,
                      .n_choices = n_choices,
                      .answers = answers,
                      .n_answers = answer >= 0,
                      .images = images,
                      .n_images = bytes > 0,
                      .meta = meta,
                      .n_meta = 5};
    saint_status status = saint_data_add(d, &s, where, err);
    if (status != SAINT_OK || !bytes) return status;
    saint_record *r = &d->record[d->n - 1];
    r->embed_at = t->cell[image].at;
    r->embed_bytes = bytes;
    return bytes <= REFERENCE_MAX ? remember_reference(l, d->n - 1, r->embed_at, err, where) : SAINT_OK;
}

static saint_status resolve(saint_dataset *d, const saint_source *src, const layout *l, saint_error *err)
{
    for (size_t i = 0; i < d->n && i < l->n; i++) {
        if (!l->reference[i]) continue;
        char name[REFERENCE_MAX + 1];
        size_t n = d->record[i].embed_bytes, target;
        memcpy(name, src->text + d->record[i].embed_at, n);
        name[n] = 0;
        if (!saint_dataset_find(d, name, &target))
            return saint_fail(err, SAINT_FORMAT, "%s: picture of %s: expected base64 text or the index of a row, found %.64s", src->name,
                              d->uids.name[i], name);
        if ((target < l->n && l->reference[target]) || !d->record[target].embedded)
            return saint_fail(err, SAINT_FORMAT, "%s: picture of %s: expected row %s to hold a picture, found none there", src->name,
                              d->uids.name[i], name);
        d->record[i].embed_at = d->record[target].embed_at;
        d->record[i].embed_bytes = d->record[target].embed_bytes;
    }
    return SAINT_OK;
}

static saint_status parse(saint_dataset *d, const saint_source *a, const saint_source *b, saint_error *err)
{
    (void)b;
    layout l = {0};
    saint_table t;
    saint_buf text = {0};
    saint_table_open(&t, a, '\t');
    saint_status s = read_header(&t, &l, err);
    while (s == SAINT_OK) {
        const char *cell[COLUMNS] = {0};
        bool more;
        s = saint_table_next(&t, &more, err);
        if (s != SAINT_OK || !more) break;
        s = read_cells(&t, &l, &text, cell, err);
        if (s == SAINT_OK) s = add(d, &t, &l, cell, err);
    }
    if (s == SAINT_OK) s = resolve(d, a, &l, err);
    saint_buf_free(&text);
    free(l.reference);
    d->info.has_pictures = l.column[IMAGE] >= 0;
    return s;
}

static bool is_table(const char *folder, const char *name)
{
    (void)folder;
    return saint_ends_with(name, ".tsv");
}

static saint_status open_mmbench(saint_dataset *d, saint_error *err)
{
    char *path = NULL;
    saint_status s = SAINT_OK;
    if (saint_is_folder(d->path)) {
        saint_list tables;
        s = saint_list_folder(d->path, is_table, &tables, err);
        if (s == SAINT_OK && tables.n != 1)
            s = saint_fail(err, SAINT_INVALID, "%s: expected one .tsv in this folder, found %zu; name the file", d->path, tables.n);
        if (s == SAINT_OK && !(path = saint_path_join(d->path, tables.name[0]))) s = saint_no_memory(err, d->path);
        saint_list_free(&tables);
    } else s = saint_data_file(d, (const char *const[]){"mmbench_dev_20230712.tsv", NULL}, &path, err);
    if (s == SAINT_OK) s = saint_map_open(path, &d->map, err);
    if (s == SAINT_OK) {
        const char *name = saint_path_name(path);
        d->chinese = strstr(name, "_cn") || strstr(name, "_CN");
        if (d->chinese) d->info.max_new_tokens = 256;
        s = parse(d, &(saint_source){path, d->map.data ? (const char *)d->map.data : "", d->map.bytes}, NULL, err);
    }
    free(path);
    return s;
}

static bool options(const saint_sample *s, saint_buf *out)
{
    bool ok = true;
    for (size_t i = 0; ok && i < s->n_choices; i++) {
        char letter[8];
        (void)snprintf(letter, sizeof letter, "\n%c. ", (char)('A' + i));
        if (s->choices[i][0]) ok = saint_buf_text(out, letter) && saint_buf_text(out, s->choices[i]);
    }
    return ok;
}

/* lmms-eval puts an empty line before its suffix, because the suffix begins with a newline of its own. */
static bool prompt(const saint_dataset *d, const saint_sample *s, saint_buf *out)
{
    const char *hint = saint_sample_meta(s, "hint");
    bool has_hint = hint && hint[0];
    if (d->opt.style == SAINT_PROMPT_LLAVA)
        return (!has_hint || (saint_buf_text(out, hint) && saint_buf_text(out, "\n"))) && saint_buf_text(out, s->question) &&
               options(s, out) && saint_buf_text(out, d->chinese ? "\n请直接回答选项字母。" : SAINT_LETTER);
    return (!has_hint || (saint_buf_text(out, hint) && saint_buf_text(out, " "))) && saint_buf_text(out, s->question) &&
           saint_buf_text(out, " ") && saint_buf_text(out, d->chinese ? "有如下几个选项：" : "There are several options:") &&
           options(s, out) && saint_buf_text(out, "\n") &&
           saint_buf_text(out, d->chinese ? "\n请直接使用所提供的选项字母作为答案回答。" : SAINT_LETTER);
}

const saint_adapter saint_adapter_mmbench = {SAINT_DATA_MMBENCH, 1024, true, open_mmbench, parse, prompt};
