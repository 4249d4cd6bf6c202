/* table_internal.h - what table.c, table_trials.c and table_samples.c share. */
#ifndef SAINT_APP_EXPORT_TABLE_INTERNAL_H
#define SAINT_APP_EXPORT_TABLE_INTERNAL_H

#include <cjson/cJSON.h>

#include "export/table.h"
#include "export/text.h"

typedef struct column column;
typedef void (*column_get)(table *t, size_t row, const column *c, table_cell *out);

/* A column of a list: where a number lies inside eval_summary or eval_result, and how it gets its unit. Dividing by 1e9 gives a rounder
 * number than multiplying with 1e-9. */
struct column {
    table_column show;
    column_get get;
    size_t offset;
    double scale, per;          /* the number is value * scale / per; 0 = 1 */
    const char *slice, *metric; /* of saint_score, for columns made from the scores that a data set has; slice NULL = all of it */
    char *owned[2];             /* name and doc, where they are made */
};

typedef struct {
    cJSON *config; /* of eval_trial.config; NULL = it is none */
    char *hash;    /* SHA-256 of it, hexadecimal */
} table_trial;

struct table {
    const sweep_data *s;
    column *col;
    int n;
    size_t rows;
    uint32_t *row_trial, *row_sample; /* [rows]; row_sample NULL in a table of trials */
    table_trial *trial;               /* [s->n_trials] */
    char data_hash[65];               /* of the data set, "" without it */
    text_buf text;                    /* of the cell that was asked for last */
    int *dominated[2];                /* [s->n_trials] by pareto_cost, made when somebody asks; NULL = not yet */
    /* the answer that was read last: parsed and score come from one reading */
    size_t judged;
    char *parsed;
    double score;
};

/* Append a column, or a list that ends with name NULL. False: no memory. */
bool table_add(table *t, const column *c);
bool table_add_all(table *t, const column *c);
/* The same with a name and a doc of its own, which the table takes over (NULL: no memory, false). */
bool table_add_made(table *t, const column *c, char *name, char *doc);

/* Bring the columns that `order` names (its last is NULL) to the front, in that order, and leave the others behind them as they are. "cfg_" stands for all
 * parameters, "@" for what is_score says; names that there are not are passed over. False: no memory. */
bool table_order(table *t, const char *const *order, bool (*is_score)(const column *c));

/* A getter, and its unused column. */
#define GETTER(name) static void name(table *t, size_t row, const column *c, table_cell *out)
#define UNUSED_COLUMN (void)c

/* Columns that both tables have: sweep, trial and data set (table_identity.c); model and places of pruning, then cfg_NAME for every
 * parameter (table_settings.c); machine and time (table_identity.c). */
bool table_add_identity(table *t);
bool table_add_place(table *t);
bool table_add_model(table *t);
bool table_add_settings(table *t);
/* Common part of both constructors. */
saint_status table_new(const sweep_data *s, table **out, saint_error *err);

const sweep_trial *table_row_trial(const table *t, size_t row);
/* The number at `from` + c->offset in the unit of the column. */
double column_number(const column *c, const void *from);
/* Cells. NaN and infinity are empty; the text is copied. */
void cell_number(table_cell *out, double x);
void cell_single(table_cell *out, float x);
void cell_integer(table_cell *out, double x);
void cell_bool(table_cell *out, bool yes);
void cell_text(table *t, table_cell *out, const char *text); /* NULL and "" are empty */
/* The text that was written into t->text (cleared before). */
void cell_written(table *t, table_cell *out);
/* Unix time as 2026-01-31T12:00:00Z. */
void cell_time(table *t, table_cell *out, double unix_time);

#endif
