/* table.h - rows and columns: sorted, selected, scrolled both ways. The cells come from a callback, so a table of any length costs what is
 * shown. */
#ifndef SAINT_VIEWS_TABLE_H
#define SAINT_VIEWS_TABLE_H

#include "views/event.h"
#include "views/pen.h"

typedef struct {
    const char *title;
    int width;  /* least columns; the title counts too */
    bool right; /* align */
    bool grow;  /* takes spare columns */
} saint_ui_column;

typedef struct {
    int n_rows, n_columns;
    const saint_ui_column *column;
    /* Text of a cell into out; *role is SAINT_UI_TEXT on entry. row is the caller's, before sorting. */
    void (*cell)(void *ud, int row, int column, char *out, size_t size, saint_ui_role *role);
    /* Order of two rows by a column; NULL: the table cannot be sorted. NaN and what is not known belong last in both directions. */
    int (*compare)(void *ud, int row_a, int row_b, int column, bool descending);
    void *ud;
    const int *order; /* [n_rows] which row is shown where; NULL: as they are */
} saint_ui_table;

typedef struct {
    int at, top; /* position of the selection and of the first row shown, in order */
    int first;   /* first scrolling column; column 0 always stays */
    int sort;    /* column, -1 = none */
    bool descending;
    int page; /* rows shown at the last drawing, for PgUp and PgDn */
} saint_ui_table_state;

/* Order rows by state->sort, equal ones as they were: order[n_rows] is the caller's. The selection stays on its row. */
void saint_ui_table_sort(const saint_ui_table *t, saint_ui_table_state *state, int *order);
/* Up, Down, PgUp, PgDn, Home, End, Left, Right. true when handled. Sorting is the caller's, because he holds the order. */
bool saint_ui_table_key(const saint_ui_table *t, saint_ui_table_state *state, const saint_ui_event *e);
/* Header line and rows. Hits: `what` with the position of a row, `what` + 1 with the column of a heading. Corrects the state to what can be
 * shown. */
void saint_ui_table_draw(saint_ui_pen p, const saint_ui_table *t, saint_ui_table_state *state, bool focus, int what);

#endif
