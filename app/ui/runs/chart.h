/* chart.h - runs as a table of numbers, and that table as curves. Pure: no screen, no state of the workbench.
 *
 * Two things fill the table: a sweep that was read from its folder (chart_of_sweep) and the runs of this session (live_runs.h). They are
 * never joined: what one picture answered is no accuracy, and the title says which of the two it is and on how many samples. */
#ifndef SAINT_APP_UI_CHART_H
#define SAINT_APP_UI_CHART_H

#include "sweep/store.h"
#include "views/plot.h"

typedef enum {
    CHART_PARAMETER, /* what was set */
    CHART_QUALITY,   /* what came out: accuracy, agreement */
    CHART_COST       /* what it took: tokens, FLOPs, time */
} chart_kind;

typedef struct {
    char name[64], unit[16];
    char id[64]; /* in trials.csv */
    chart_kind kind;
    int better; /* 1: more is better, -1: less, 0: neither */
    int n_labels; /* of words instead of numbers (the method): its values are indices into label; 0 = numbers */
    char **label; /* [n_labels] owned */
} chart_column;

typedef enum { CHART_RUN, CHART_UNPRUNED, CHART_RANDOM } chart_role; /* RANDOM: random dropping at the token counts of another run */

typedef struct {
    chart_role role;
    bool hollow; /* not all of its samples are there yet */
    bool failed; /* some samples failed */
    int n;       /* samples behind its numbers */
    int key;     /* ordinal of the trial, number of the run */
    char *name;  /* [owned] what differs, for people */
} chart_row;

typedef struct {
    char *title; /* [owned] */
    bool one_picture; /* every row is one run of one picture: n = 1 */
    int n_rows, n_columns;
    int n_numbers;             /* the first n_numbers columns hold numbers; those of words come behind them and can only tell curves apart */
    chart_column *column;      /* [n_columns] owned */
    chart_row *row;            /* [n_rows] owned */
    double *value, *low, *high; /* [n_rows, n_columns] row-major, owned; NaN: not known, no interval */
} chart_data;

/* An empty table of that size: values NaN. SAINT_MEMORY. */
saint_status chart_data_make(chart_data *d, int n_rows, int n_columns, saint_error *err);
void chart_data_free(chart_data *d); /* NULL is allowed */
/* The column of that name, -1 when there is none. */
int chart_column_find(const chart_data *d, const char *name);
static inline size_t chart_at(const chart_data *d, int row, int column) { return (size_t)row * (size_t)d->n_columns + (size_t)column; }

/* ---- curves ---- */

enum { CHART_SERIES_MOST = 12, CHART_GROUPS = 4 };

typedef struct {
    int x, y[2]; /* columns; y[1] -1: no right axis; x or y[0] -1: nothing to draw */
    int by;      /* one curve per value of this column, -1: all in one */
    bool log_x, log_y[2];
    bool front;      /* draw the Pareto front (x and y both measured) */
    bool guides;
    double from, to; /* part of x that is shown; from >= to: all */
    uint32_t hidden; /* bit per slot, see chart_slot */
} chart_axes;

/* What a curve shows keeps its slot however many rows there are, so that hiding one stays with it. */
typedef enum { CHART_SLOT_GROUP = 0, CHART_SLOT_RANDOM = CHART_GROUPS, CHART_SLOT_UNPRUNED, CHART_SLOT_FRONT, CHART_SLOT_RIGHT } chart_slot;

typedef struct {
    saint_ui_plot plot; /* points into this struct: do not copy it */
    saint_ui_series series[CHART_SERIES_MOST];
    int slot[CHART_SERIES_MOST];
    int *row[CHART_SERIES_MOST]; /* [series.n] row of each point */
    char name[CHART_SERIES_MOST][80];
    bool crowded; /* several runs share an x within one curve: they differ in something else, so no line joins them */
    int left_out; /* runs of more values of `by` than there are curves */
    void *store;  /* owned */
} chart_figure;

/* Fill *out from the rows with shown[row] (NULL: all). mark and cursor are x values, NaN = none. SAINT_MEMORY; chart_figure_free. */
saint_status chart_build(const chart_data *d, const chart_axes *a, const bool *shown, double mark, double cursor, chart_figure *out,
                         saint_error *err);
void chart_figure_free(chart_figure *f); /* NULL is allowed */
/* The row nearest to the cursor on the first curve that has one, -1 = none. */
int chart_figure_row(const chart_figure *f);

/* Axes that say most about a table: the parameter with the most values against the first quality and the first cost (which 0), or cost
 * against quality with the front (which 1). */
void chart_axes_default(const chart_data *d, int which, chart_axes *out);
/* Keep axes across tables: columns of the same names, the default's where one is gone. */
void chart_axes_move(const chart_data *from, const chart_data *to, int which, chart_axes *a);
/* Number of different finite values of a column in rows of role RUN (counted up to 1000). */
int chart_values(const chart_data *d, int column);

/* ---- sweeps ---- */

/* The table of a sweep with its summaries: one row per trial that has any record. SAINT_MEMORY. */
saint_status chart_of_sweep(const sweep_data *s, chart_data *out, saint_error *err);

#endif
