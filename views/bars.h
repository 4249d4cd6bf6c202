/* bars.h - measured against predicted, per stage or stacked per plan. */
#ifndef SAINT_VIEWS_BARS_H
#define SAINT_VIEWS_BARS_H

#include "views/pen.h"

typedef struct {
    const char *label;
    double measured;  /* NaN = not measured yet */
    double low, high; /* interval of the measurement; equal or NaN = none */
    double predicted; /* NaN = no prediction */
    double baseline;  /* the same without pruning; NaN = none */
} saint_ui_bar_row;

typedef struct {
    const saint_ui_bar_row *row;
    int n, first; /* first row shown */
    double most;  /* value of a full bar; 0 = the largest */
    const char *unit;
    int decimals;
    bool legend;
} saint_ui_bars;

/* One line per row: label, bar of the measurement with a tick at the prediction and one at the baseline, values. Two lines per row, the
 * second for the prediction, where there is room. Returns the lines that all rows would take. */
int saint_ui_bars_draw(saint_ui_pen p, const saint_ui_bars *b);

typedef struct {
    const char *label;
    const double *part; /* [n_parts], NaN = none */
} saint_ui_stack;

/* One bar per stack, cut into parts of the same order and colours, the total behind; the legend below. */
void saint_ui_stacks_draw(saint_ui_pen p, const saint_ui_stack *stack, int n, const char *const *part_name, int n_parts, const char *unit,
                          int decimals);

/* ---- facts: what two plans did, side by side ---- */

typedef struct {
    const char *label, *a, *b, *delta; /* any may be NULL; a line with a label alone is a heading */
    saint_ui_role role;                /* of delta, or of b where there is no delta; SAINT_UI_TEXT plain */
} saint_ui_fact;

/* Columns: label, a, b, delta; headings name them (NULL = none). A column whose values are all NULL is left out, and b where only it has
 * values takes the whole width, wrapped. Returns the lines that all rows take. */
int saint_ui_facts_draw(saint_ui_pen p, const saint_ui_fact *fact, int n, int first, const char *head_a, const char *head_b,
                        const char *head_delta);

#endif
