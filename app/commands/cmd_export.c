/* saint export: the numbers of a sweep or of an evaluation for other programs. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "export/export.h"

typedef enum { AS_CSV, AS_SAMPLES, AS_JSONL, AS_LMMS, AS_MME, AS_SUBMISSION, AS_LATEX, AS_MARKDOWN, AS_TEXT, FORMATS } format;

static const struct {
    const char *name;
    bool folder, samples; /* writes a folder; rows are records */
} formats[FORMATS] = {{"csv", false, false}, {"samples-csv", false, true}, {"jsonl", false, false},   {"lmms-eval", true, false},
                      {"mme", true, false},  {"submission", true, false}, {"latex", false, false},
                      {"markdown", false, false}, {"text", false, false}};

typedef struct {
    const char *folder, *format, *out, *where;
    bool no_timing, errors_as_wrong, columns;
} options;

typedef struct {
    const options *o;
    format as;
    sweep_data *sweep;
    table *trials, *samples;
    filter *where;
    bool *wanted; /* trials whose rows are written */
    text_buf text;
} job;

/* Records of the trials that pass, behind the trials themselves: the key "schema" tells them apart. */
static saint_status write_jsonl(job *j, const export_options *x, saint_error *err)
{
    j->wanted = malloc((size_t)j->sweep->n_trials + 1);
    if (!j->wanted) return saint_fail(err, SAINT_MEMORY, "no memory for %d trials", j->sweep->n_trials);
    for (size_t row = 0; row < table_rows(j->trials); row++)
        j->wanted[table_trial_of(j->trials, row)] = filter_pass(j->where, j->trials, row);
    saint_status s = table_samples(j->sweep, &j->samples, err);
    if (s != SAINT_OK) return s;
    export_jsonl(j->trials, x, &j->text);
    export_jsonl(j->samples, &(export_options){.timing = x->timing, .trials = j->wanted}, &j->text);
    return SAINT_OK;
}

static saint_status write_folder(job *j, const export_options *x, saint_error *err)
{
    size_t left_out = 0;
    char note[160];
    if (j->as == AS_LMMS) return export_lmms(j->trials, x, j->o->out, err);
    const bool mme = j->as == AS_MME;
    saint_status s = (mme ? export_mme : export_submission)(j->trials, x, j->o->out, &left_out, err);
    (void)snprintf(note, sizeof note,
                   mme ? "%zu answers are left out: MME counts pictures with both answers only" : "%zu answers are missing: servers want one to every question",
                   left_out);
    if (s == SAINT_OK && left_out) cli_note("export", note);
    return s;
}

/* name TAB unit TAB what it is, without the columns that --no-timing leaves out. */
static void list_columns(const table *t, bool timing, text_buf *out)
{
    for (int i = 0; i < table_columns(t); i++) {
        const table_column *c = table_column_at(t, i);
        if (timing || !(c->flags & COLUMN_VARIES)) text_format(out, "%s\t%s\t%s\n", c->name, c->unit, c->doc);
    }
}

static saint_status convert(job *j, saint_error *err)
{
    export_options x = {.timing = !j->o->no_timing};
    table *t;
    saint_status s = formats[j->as].samples ? table_samples(j->sweep, &j->samples, err) : table_trials(j->sweep, &j->trials, err);
    if (s != SAINT_OK) return s;
    t = formats[j->as].samples ? j->samples : j->trials;
    if (j->o->columns) {
        list_columns(t, x.timing, &j->text);
        return text_status(&j->text, j->o->folder, err);
    }
    if (j->o->where) s = filter_parse(j->o->where, t, &j->where, err);
    if (s != SAINT_OK) return s;
    x.where = j->where;
    if (formats[j->as].folder) return write_folder(j, &x, err);
    if (j->as == AS_JSONL) s = write_jsonl(j, &x, err);
    else if (j->as == AS_LATEX) export_latex(t, &x, &j->text);
    else if (j->as == AS_MARKDOWN) export_markdown(t, &x, &j->text);
    else if (j->as == AS_TEXT) export_plain(t, &x, 0, &j->text);
    else export_csv(t, &x, &j->text);
    return s == SAINT_OK ? text_status(&j->text, j->o->folder, err) : s;
}

/* Numbers of half a sweep are worth having, but nobody should take them for all of it. */
static void warn(const sweep_data *s)
{
    char note[256];
    if (!s->complete) {
        (void)snprintf(note, sizeof note,
                       "not complete: %zu of %zu runs are done; %s goes on", s->done, s->units,
                       s->method && strcmp(s->method, "eval") == 0 ? "the same `saint eval` command" : "`saint sweep --out` with this folder");
        cli_note("export", note);
    }
    if (!s->dataset) {
        (void)snprintf(note, sizeof note, "%.160s is no longer there: no scores, questions or answers to compare with",
                       s->data ? s->data : "the data set");
        cli_note("export", note);
    }
}

static int run(job *j)
{
    saint_error e = {0};
    saint_status s = export_open(j->o->folder, !formats[j->as].samples, &j->sweep, &e);
    if (s == SAINT_OK && j->o->errors_as_wrong) s = sweep_errors_as_wrong(j->sweep, &e);
    if (s == SAINT_OK) s = convert(j, &e);
    if (s == SAINT_OK && j->o->out && !formats[j->as].folder) s = saint_file_write(j->o->out, j->text.p ? j->text.p : "", j->text.n, &e);
    if (s != SAINT_OK) return cli_fail("export", s, &e);
    warn(j->sweep);
    if (!j->o->out && j->text.n) fwrite(j->text.p, 1, j->text.n, stdout);
    return cli_close_stdout(EXIT_DONE);
}

static bool read_format(const char *name, format *as)
{
    for (*as = AS_CSV; name && *as < FORMATS; *as = (format)(*as + 1))
        if (strcmp(formats[*as].name, name) == 0) return true;
    *as = AS_CSV;
    return name == NULL;
}

int cmd_export(int argc, char **argv)
{
    options o = {0};
    cli_list words = {0};
    const cli_option table_of_options[] = {
        {"format", "NAME",
         "csv (default): a row per configuration; samples-csv: a row per answer; jsonl: both; lmms-eval, mme: result files of these, a "
         "folder per configuration; submission: what the servers of VQAv2, TextVQA, VizWiz, GQA and MMBench take, likewise; latex, markdown: a table for a paper; text: one to read",
         NULL, &o.format, NULL},
        {"no-timing", NULL, "leave out times, machines and whatever else differs from run to run: the same bytes every time", &o.no_timing,
         NULL, NULL},
        {"errors-as-wrong", NULL, "count failed samples as wrong answers; otherwise they are left out of the scores", &o.errors_as_wrong, NULL, NULL},
        {"where", "EXPR", "only rows for which this is true, such as 'acc>=0.58 && keep_num<400'", NULL, &o.where, NULL},
        {"columns", NULL, "list the columns instead, with unit and meaning", &o.columns, NULL, NULL},
        {"out,o", "FILE|DIR", "where to write; default: stdout", NULL, &o.out, NULL},
        {0}};
    const cli_command c = {
        "export", "the numbers of a sweep or of an evaluation for other programs",
        "DIR [--format csv|samples-csv|jsonl|lmms-eval|mme|submission|latex|markdown|text] [--no-timing] [--where EXPR] [--columns] [-o FILE|DIR]",
        table_of_options};
    job j = {.o = &o};
    int leave = cli_parse_words(&c, argc, argv, &words);
    if (leave >= 0) return leave;
    if (words.n != 1) return cli_usage("export", "expected one folder, found %d; `saint sweep --out DIR` and `saint eval --out DIR` make one", words.n);
    if (!read_format(o.format, &j.as))
        return cli_usage("export", "--format %s: expected csv, samples-csv, jsonl, lmms-eval, mme, submission, latex, markdown or text", o.format);
    if (formats[j.as].folder && o.columns)
        return cli_usage("export", "--columns lists those of csv, samples-csv and jsonl, not of %s", formats[j.as].name);
    if (formats[j.as].folder && !o.out) return cli_usage("export", "--format %s writes a folder: -o DIR is missing", formats[j.as].name);
    o.folder = words.v[0];
    if (o.out && strcmp(o.out, "-") == 0 && !formats[j.as].folder) o.out = NULL;
    leave = run(&j);
    text_free(&j.text);
    filter_free(j.where);
    table_free(j.samples);
    table_free(j.trials);
    free(j.wanted);
    sweep_free(j.sweep);
    return leave;
}
