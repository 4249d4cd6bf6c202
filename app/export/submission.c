/* submission.c - answers as the servers take them that hold the right ones of a test split: see export.h. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/export.h"
#include "export/json_text.h"

typedef struct {
    saint_data_kind kind;
    const char *file;       /* ends in .tsv: a table with the question and its options */
    const char *id, *answer; /* members of a JSON record */
} form;

static const form forms[] = {{SAINT_DATA_VQAV2, "vqav2_submission.json", "question_id", "answer"},
                             {SAINT_DATA_TEXTVQA, "textvqa_submission.json", "question_id", "answer"},
                             {SAINT_DATA_VIZWIZ, "vizwiz_submission.json", "image", "answer"},
                             {SAINT_DATA_GQA, "gqa_submission.json", "questionId", "prediction"},
                             {SAINT_DATA_MMBENCH, "mmbench_submission.tsv", NULL, NULL}};

static bool is_number(const char *text) { return *text && strlen(text) < 16 && (text[0] != '0' || !text[1]) && !text[strspn(text, "0123456789")]; }

/* VQAv2 counts its questions; ids of GQA and of VizWiz are texts, whatever they look like. */
static void add_record(const form *f, const char *id, const char *answer, text_buf *out)
{
    text_put(out, out->n ? ",\n{" : "[\n{");
    json_text(out, f->id);
    text_put(out, ": ");
    if (strcmp(f->id, "question_id") == 0 && is_number(id)) text_put(out, id);
    else json_text(out, id);
    text_put(out, ", ");
    json_text(out, f->answer);
    text_put(out, ": ");
    json_text(out, answer);
    text_char(out, '}');
}

/* Tables with quotes, as MMBench's own. */
static void add_cell(text_buf *out, const char *text, char end)
{
    bool quote = strpbrk(text, "\t\"\n\r") != NULL;
    if (quote) text_char(out, '"');
    for (; *text; text++) {
        if (*text == '"') text_char(out, '"');
        text_char(out, *text);
    }
    if (quote) text_char(out, '"');
    text_char(out, end);
}

static void add_row(const saint_sample *x, const char *answer, text_buf *out)
{
    if (!out->n) text_put(out, "index\tquestion\tA\tB\tC\tD\tE\tprediction\n");
    add_cell(out, x->uid, '\t');
    add_cell(out, x->question, '\t');
    for (size_t i = 0; i < 5; i++) add_cell(out, i < x->n_choices ? x->choices[i] : "", '\t');
    add_cell(out, answer, '\n');
}

static saint_status one_trial(const sweep_data *s, const sweep_trial *t, const form *f, const char *folder, size_t *left_out, saint_error *err)
{
    char name[128], *path = NULL, *file = NULL;
    text_buf out = {0};
    saint_status st = SAINT_OK;
    for (size_t i = 0; i < s->n_samples && st == SAINT_OK; i++) {
        const eval_result *e = t->result[i];
        saint_sample x;
        char *text = NULL;
        if (!e || e->state != EVAL_OK) {
            ++*left_out;
            continue;
        }
        if ((st = saint_dataset_item(s->dataset, i, &x, err)) != SAINT_OK) break;
        st = saint_score_submission(s->dataset, e->output, &text, err);
        if (st == SAINT_OK && f->id) add_record(f, x.uid, text, &out);
        else if (st == SAINT_OK) add_row(&x, text, &out);
        free(text);
        saint_sample_free(&x);
    }
    if (st == SAINT_OK && f->id) text_put(&out, out.n ? "\n]\n" : "[]\n");
    if (st == SAINT_OK) st = text_status(&out, folder, err);
    export_folder_name(t, name, sizeof name);
    if (st == SAINT_OK) st = export_make_folder(folder, name, &path, err);
    if (st == SAINT_OK && asprintf(&file, "%s/%s", path, f->file) < 0) {
        file = NULL;
        st = saint_fail(err, SAINT_MEMORY, "%s: no memory for a path", path);
    }
    if (st == SAINT_OK) st = saint_file_write(file, out.p ? out.p : "", out.n, err);
    free(file);
    free(path);
    text_free(&out);
    return st;
}

saint_status export_submission(table *t, const export_options *o, const char *folder, size_t *left_out, saint_error *err)
{
    const sweep_data *s = table_sweep(t);
    const form *f = NULL;
    size_t lost = 0;
    if (!s->dataset)
        return saint_fail(err, SAINT_IO,
                          "%s: expected the data set of the sweep, it is no longer there; put it back or use --format csv", s->data);
    saint_data_kind kind = saint_dataset_get_info(s->dataset)->kind;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (forms[i].kind == kind) f = &forms[i];
    if (!f)
        return saint_fail(err, SAINT_INVALID, "%s: expected vqav2, textvqa, vizwiz, gqa or mmbench for --format submission, found %s; use jsonl",
                          s->data, saint_data_kind_name(kind));
    saint_status st = SAINT_OK;
    for (size_t row = 0; row < table_rows(t) && st == SAINT_OK; row++)
        if (export_wants(o, t, row)) st = one_trial(s, &s->trial[table_trial_of(t, row)], f, folder, &lost, err);
    if (left_out) *left_out = lost;
    return st;
}
