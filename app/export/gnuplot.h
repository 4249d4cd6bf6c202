/* gnuplot.h - figures of a sweep, drawn by one gnuplot child under the safety rules of terminal.md 3.3 (child.h): no shell, our own
 * quoting, data inline, time-outs, never a name of the user's inside a command. */
#ifndef SAINT_APP_EXPORT_GNUPLOT_H
#define SAINT_APP_EXPORT_GNUPLOT_H

#include "export/child.h"
#include "sweep/store.h"

/* PARETO: cost against score with the front. CURVE: score along a parameter, intervals, the unpruned model and random dropping beside it.
 * LAYERS: picture tokens left behind every layer. */
typedef enum { FIGURE_PARETO, FIGURE_CURVE, FIGURE_LAYERS } figure_kind;

typedef struct {
    figure_kind kind;
    const char *x, *y, *by; /* columns of trials.csv; NULL = the kind's own */
    bool log_x;
    int width, height; /* pixels; 0 = 1200 x 800; a PDF has 200 to the inch */
    const char *where; /* rows that are drawn, an expression of filter.h; NULL = all */
    const bool *shown; /* [n_trials] trials that are drawn besides; NULL = all */
} figure_options;

/* Write a figure of a sweep to path; the ending chooses PNG, SVG or PDF. Written beside and renamed. SAINT_UNSUPPORTED when gnuplot is not
 * installed (the line says how to get it), SAINT_INVALID for an ending or column that is not known, or when there is nothing to draw. */
saint_status figure_write(const sweep_data *s, const figure_options *o, const char *path, saint_error *err);
/* The same as text for a terminal of w x h cells (gnuplot's dumb terminal, plain characters); malloc'ed. */
saint_status figure_text(const sweep_data *s, const figure_options *o, int w, int h, char **out, saint_error *err);
/* Both with a child that is already there and stays: a screen that draws one figure after the other. */
saint_status figure_write_by(gnuplot *g, const sweep_data *s, const figure_options *o, const char *path, saint_error *err);
saint_status figure_text_by(gnuplot *g, const sweep_data *s, const figure_options *o, int w, int h, char **out, saint_error *err);

/* The ending of path is one that figure_write knows. SAINT_INVALID names those there are. */
saint_status figure_ending(const char *path, saint_error *err);

#endif
