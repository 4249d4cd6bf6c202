/* mme.c - the result files that MME's calculation.py reads: see export.h. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/export.h"

/* A tab or a newline would move the columns. */
static void add_field(text_buf *out, const char *text)
{
    for (; *text; text++) text_char(out, *text == '\t' || *text == '\n' || *text == '\r' ? ' ' : *text);
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static saint_status add_line(const sweep_data *s, size_t i, const char *answer, text_buf *out, saint_error *err)
{
    saint_sample x;
    saint_status st = saint_dataset_item(s->dataset, i, &x, err);
    if (st != SAINT_OK) return st;
    add_field(out, name_of(x.n_images ? x.images[0] : x.cluster));
    text_char(out, '\t');
    add_field(out, x.question);
    text_char(out, '\t');
    add_field(out, x.n_answers ? x.answers[0] : "");
    text_char(out, '\t');
    add_field(out, answer);
    text_char(out, '\n');
    saint_sample_free(&x);
    return SAINT_OK;
}

static const char *answer_of(const sweep_trial *t, size_t i)
{
    const eval_result *e = t->result[i];
    return e && e->state == EVAL_OK ? e->output : NULL;
}

/* The two questions of a picture are neighbours in the data set; the script takes lines two by two. */
static saint_status one_task(const sweep_data *s, const sweep_trial *t, uint32_t category, text_buf *out, size_t *left_out,
                             saint_error *err)
{
    const saint_dataset *d = s->dataset;
    saint_status st = SAINT_OK;
    for (size_t i = 0; i < s->n_samples && st == SAINT_OK; i++) {
        if (saint_dataset_category(d, i) != category) continue;
        const char *first = answer_of(t, i);
        bool pair = i + 1 < s->n_samples && saint_dataset_cluster(d, i) == saint_dataset_cluster(d, i + 1);
        const char *second = pair ? answer_of(t, i + 1) : NULL;
        if (first && second) {
            st = add_line(s, i, first, out, err);
            if (st == SAINT_OK) st = add_line(s, i + 1, second, out, err);
        } else *left_out += (size_t)(first != NULL) + (size_t)(second != NULL);
        i += pair;
    }
    return st;
}

static saint_status one_trial(const sweep_data *s, const sweep_trial *t, const char *folder, size_t *left_out, saint_error *err)
{
    char name[128], *path = NULL, *file = NULL;
    text_buf out = {0};
    export_folder_name(t, name, sizeof name);
    saint_status st = export_make_folder(folder, name, &path, err);
    for (uint32_t c = 0; c < saint_dataset_category_count(s->dataset) && st == SAINT_OK; c++) {
        text_clear(&out);
        st = one_task(s, t, c, &out, left_out, err);
        if (st == SAINT_OK) st = text_status(&out, path, err);
        if (st != SAINT_OK || !out.n) continue;
        if (asprintf(&file, "%s/%s.txt", path, saint_dataset_category_name(s->dataset, c)) < 0)
            st = saint_fail(err, SAINT_MEMORY, "%s: no memory for a path", path);
        else {
            st = saint_file_write(file, out.p, out.n, err);
            free(file);
        }
    }
    text_free(&out);
    free(path);
    return st;
}

saint_status export_mme(table *t, const export_options *o, const char *folder, size_t *left_out, saint_error *err)
{
    const sweep_data *s = table_sweep(t);
    size_t lost = 0;
    if (!s->dataset)
        return saint_fail(err, SAINT_IO,
                          "%s: expected the data set of the sweep, it is no longer there; put it back or use --format csv", s->data);
    saint_data_kind kind = saint_dataset_get_info(s->dataset)->kind;
    if (kind != SAINT_DATA_MME && kind != SAINT_DATA_SCENES)
        return saint_fail(err, SAINT_INVALID, "%s: expected a data set in MME's layout (mme, scenes) for --format mme, found %s; use jsonl",
                          s->data, saint_data_kind_name(kind));
    saint_status st = SAINT_OK;
    for (size_t row = 0; row < table_rows(t) && st == SAINT_OK; row++)
        if (export_wants(o, t, row)) st = one_trial(s, &s->trial[table_trial_of(t, row)], folder, &lost, err);
    if (left_out) *left_out = lost;
    return st;
}
