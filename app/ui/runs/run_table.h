/* run_table.h - the trials of a sweep as a table on the screen: sorted by any column, filtered by an expression, the Pareto set alone. */
#ifndef SAINT_APP_UI_RUN_TABLE_H
#define SAINT_APP_UI_RUN_TABLE_H

#include "export/filter.h"
#include "views/table.h"

/* A sweep that several hold: a page, a table, a figure that is being drawn on another thread. Never changed once it is here. */
typedef struct {
    int refs; /* atomic */
    sweep_data *data;
    void (*release)(sweep_data *);
} run_set;
run_set *run_set_new(sweep_data *data, void (*release)(sweep_data *)); /* NULL: no memory, data is still the caller's */
run_set *run_set_ref(run_set *s);
void run_set_unref(run_set *s); /* NULL is allowed */

enum { RUN_COLUMNS = 48 };

typedef struct {
    run_set *set;
    table *t;
    int n_columns, column[RUN_COLUMNS]; /* of t; -1: the state */
    saint_ui_column head[RUN_COLUMNS];
    int n_rows, *row, *order; /* rows of t that are shown; their order */
    int *partner;             /* [rows of t] of a random twin: the row of the run whose counts it took; of others: their own */
    saint_ui_table_state state;
    bool pareto;
    char filter_text[256];
    filter *filter;
} run_table;

void run_table_init(run_table *r);
void run_table_free(run_table *r);
/* Show another sweep, or the same one read again: sorting, filter and the selected trial stay. set NULL: empty. A filter whose columns are
 * gone is dropped: SAINT_INVALID says so, and everything is shown. SAINT_MEMORY. */
saint_status run_table_show(run_table *r, run_set *set, saint_error *err);
/* An expression of filter.h, "" = all rows. SAINT_INVALID: as before. */
saint_status run_table_filter(run_table *r, const char *text, saint_error *err);
void run_table_pareto(run_table *r, bool on);
/* Sort by the column of this name (as in the heading or in trials.csv); the same again turns it round. NULL: the next column that is
 * shown. SAINT_INVALID names the nearest. */
saint_status run_table_sort(run_table *r, const char *column, saint_error *err);
/* Index into data->trial of the selected row, -1 = none. */
int run_table_trial(const run_table *r);
/* shown[n_trials] as filter and Pareto leave them, by row of t. */
void run_table_shown(const run_table *r, bool *shown);
/* "12 of 40 · acc >= 0.58 · Pareto" */
void run_table_note(const run_table *r, char *out, size_t size);

/* Hits: `what` rows, `what` + 1 headings. */
void run_table_draw(saint_ui_pen p, run_table *r, bool focus, int what);
/* Keys of the table and clicks; true: taken. *open: a row was opened by a second click on it. */
bool run_table_event(run_table *r, const saint_ui_event *e, const saint_ui_hit *hit, int what, bool *open);

#endif
