/* export.h - a sweep written for others to read: tables, and the result files of lmms-eval and of MME.
 *
 * Everything is UTF-8 with LF and numbers with a point, and comes sorted by (ordinal, sample): the same sweep gives the same bytes, however
 * many processes made it. `timing` false leaves out every column that can differ from run to run (table.h, COLUMN_VARIES). */
#ifndef SAINT_APP_EXPORT_EXPORT_H
#define SAINT_APP_EXPORT_EXPORT_H

#include "export/filter.h"
#include "export/text.h"

typedef struct {
    bool timing;
    const filter *where; /* rows that are written; NULL = all */
    const bool *trials;  /* [n_trials] rows of which trials; NULL = all */
} export_options;

/* sweep_load, after a look whether folder is one of `saint sweep` at all: SAINT_INVALID says what is missing. */
saint_status export_open(const char *folder, bool summaries, sweep_data **out, saint_error *err);

/* Whether a row is written. */
bool export_wants(const export_options *o, table *t, size_t row);

/* RFC 4180 with LF. A cell is quoted where it must be; an empty one means that there is no value, so a text without characters is too.
 * Spreadsheets run cells that begin with = + - @ (also as full-width characters), a tab or a carriage return as formulas: such a text, and
 * one that begins with ', gets one ' in front unless it is a plain number. Taking one leading ' off gives the text back. */
void export_csv(table *t, const export_options *o, text_buf *out);
/* One object per row, columns as keys, numbers and yes/no as such, no key where there is no value. */
void export_jsonl(table *t, const export_options *o, text_buf *out);

/* The columns for people (COLUMN_BRIEF) of a table of trials, intervals beside their values, the Pareto front in bold, and a line that
 * says what was measured. */
void export_markdown(table *t, const export_options *o, text_buf *out);
/* The same with columns of spaces, for a terminal `width` characters wide: what it has no room for is left out, least important first.
 * 0: all of it. */
void export_plain(table *t, const export_options *o, int width, text_buf *out);
/* The same as a table for booktabs. Everything that means something to TeX is written so that it is printed. */
void export_latex(table *t, const export_options *o, text_buf *out);

/* A folder per trial, OUT/000-NAME: files of lmms-eval 0.3, results.json and samples_TASK.jsonl. t: trials. SAINT_IO without the data
 * set. Existing files are replaced. */
saint_status export_lmms(table *t, const export_options *o, const char *folder, saint_error *err);
/* A folder per trial with TASK.txt as MME's calculation.py reads them: image TAB question TAB answer TAB prediction, pictures with both
 * answers only. *left_out (may be NULL): answers that are missing their other. SAINT_INVALID for a data set of another layout. */
saint_status export_mme(table *t, const export_options *o, const char *folder, size_t *left_out, saint_error *err);

/* A folder per trial with the file that a benchmark's server takes, for test splits whose answers nobody has: VQAv2 and TextVQA [{question_id,
 * answer}], VizWiz [{image, answer}], GQA [{questionId, prediction}], MMBench index TAB question TAB A ... E TAB prediction. *left_out (may be
 * NULL): samples without an answer, which servers refuse. SAINT_INVALID for another data set. */
saint_status export_submission(table *t, const export_options *o, const char *folder, size_t *left_out, saint_error *err);

/* 000-NAME with nothing in it but letters, digits and - . _ = */
void export_folder_name(const sweep_trial *t, char *out, size_t size);
/* Make folder/name (and folder); malloc'ed path. */
saint_status export_make_folder(const char *folder, const char *name, char **path, saint_error *err);

#endif
