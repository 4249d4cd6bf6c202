/* table.h - a sweep as two tables: trials (a row per configuration) and samples (a row per record). One list of columns feeds CSV, JSONL,
 * LaTeX, Markdown, the axes of figures, the filter, and the table on the screen with its sorting.
 *
 *   table *t;  table_trials(sweep, &t, &err);
 *   int c = table_find(t, "gflops_total_mean");
 *   table_cell cell = table_get(t, row, c);            CELL_NUMBER, cell.number
 *
 * A table borrows the sweep and must not outlive it. It is for one thread at a time: texts of cells are put together on demand. */
#ifndef SAINT_APP_EXPORT_TABLE_H
#define SAINT_APP_EXPORT_TABLE_H

#include "sweep/store.h"

typedef struct table table;

typedef enum { CELL_EMPTY, CELL_BOOL, CELL_INTEGER, CELL_NUMBER, CELL_SINGLE, CELL_TEXT } cell_kind;

typedef struct {
    cell_kind kind;   /* CELL_EMPTY: not known or does not apply; CELL_SINGLE: a number that is stored as float */
    double number;    /* BOOL 0 or 1, INTEGER (below 2^53), NUMBER, SINGLE; never NaN or infinite */
    const char *text; /* TEXT; valid until the next call of table_get on this table */
} table_cell;

enum {
    COLUMN_VARIES = 1, /* differs from run to run, with the number of processes or with the machine: left out by --no-timing */
    COLUMN_BRIEF = 2,  /* in tables for people */
    COLUMN_SETTING = 4 /* a parameter: cfg_NAME */
};

typedef struct {
    const char *name; /* "gflops_total_mean" */
    const char *unit; /* "GFLOP", "" = none; "share" is 0..1 */
    const char *doc;  /* one sentence */
    unsigned flags;
    int decimals; /* for people; -1 = as many as the number has */
} table_column;

/* Rows sorted by ordinal. SAINT_MEMORY. */
saint_status table_trials(const sweep_data *s, table **out, saint_error *err);
/* Rows of the records there are, sorted by (ordinal, sample). SAINT_MEMORY. */
saint_status table_samples(const sweep_data *s, table **out, saint_error *err);
void table_free(table *t); /* NULL is allowed */

const sweep_data *table_sweep(const table *t);
size_t table_rows(const table *t);
int table_columns(const table *t);
const table_column *table_column_at(const table *t, int column); /* NULL past the end */
/* Column of a name, -1 when there is none. Parameters answer to their own names too (keep_num for cfg_keep_num), and a few short words
 * mean columns: acc, acc_low, acc_high, flops, latency, tokens, keep (table_alias). */
int table_find(const table *t, const char *name);
/* The known name that is most like this one. Never NULL. */
const char *table_nearest(const table *t, const char *name);
/* Short word i and the column it means in a table of trials; NULL past the end. */
const char *table_alias(int i, const char **name);
int table_trial_of(const table *t, size_t row);                 /* index into sweep_data.trial */
const eval_result *table_result_of(const table *t, size_t row); /* of a table of samples; NULL in one of trials */

table_cell table_get(table *t, size_t row, int column);
/* Whether any picture reached an LLM: a classifier's layers are all in its ViT. */
bool table_has_llm(table *t);
/* -1, 0, 1; empty cells come last whatever the direction; texts by bytes; ties by row, so that sorting is stable. */
int table_compare(table *t, size_t a, size_t b, int column, bool descending);
/* For people: decimals of the column, "" for an empty cell, "yes" or "no"; cut to size. */
void table_show(table *t, size_t row, int column, char *out, size_t size);

#endif
