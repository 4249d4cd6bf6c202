/* plot.h - curves and points in character cells: 2 x 4 dots to a cell in braille, 2 x 2 in blocks, one in ASCII. */
#ifndef SAINT_VIEWS_PLOT_H
#define SAINT_VIEWS_PLOT_H

#include "views/pen.h"

typedef struct {
    const char *name;
    int n;
    const double *x, *y;      /* [n]; NaN leaves a gap */
    const double *low, *high; /* [n] error bars; NULL: none */
    const uint8_t *hollow;    /* [n] not final yet; NULL: all final */
    int color;                /* 0.. SAINT_UI_SERIES - 1; also picks the marker, so that colour is never alone */
    int axis;                 /* 0 left, 1 right */
    bool line, points, steps; /* steps: horizontal, then vertical */
} saint_ui_series;

typedef struct {
    const char *label, *unit;
    bool log;
    double low, high; /* equal: from the data */
} saint_ui_axis;

typedef struct {
    saint_ui_axis x, y[2];
    const saint_ui_series *series;
    int n_series;
    double cursor; /* x of the data cursor, NaN = none */
    bool guides;   /* a faint line at every tick */
    double mark;   /* a faint vertical line, such as the present setting; NaN = none */
} saint_ui_plot;

/* What was drawn where: from cells to data and back. */
typedef struct {
    saint_ui_rect cells;    /* of the canvas, the data area */
    int dots_x, dots_y;     /* per cell */
    double low[3], high[3]; /* x, left, right */
    bool log[3], used[3];
} saint_ui_plot_frame;

/* Draw in the pen's area; *frame (may be NULL) tells the geometry. Leaves out legend, labels and axes as the area gets small. */
void saint_ui_plot_draw(saint_ui_pen p, const saint_ui_plot *plot, saint_ui_plot_frame *frame);
/* Dot column or row of a value on axis 0 x, 1 left, 2 right; rows grow downwards. NaN outside a log axis. */
double saint_ui_plot_dot(const saint_ui_plot_frame *f, int axis, double v);
/* x value of a canvas column; NaN outside. */
double saint_ui_plot_x_at(const saint_ui_plot_frame *f, int column);
/* Index of the point of a series nearest to x (on the axis' own scale), -1 when there is none. */
int saint_ui_plot_nearest(const saint_ui_series *s, double x, bool log);
/* The next x of any series to the right (direction > 0) or left of x: what the cursor keys step through. NaN when there is none. */
double saint_ui_plot_step(const saint_ui_plot *plot, double x, int direction);
/* "keep_num 376   tok/s 23.0 +-0.2   accuracy 61.8" at the cursor. */
void saint_ui_plot_readout(const saint_ui_plot *plot, char *out, size_t size);

/* Round tick values inside [low, high]: at most `most`, at least 2 where the range allows; returns how many. decimals (may be NULL): digits
 * that tell them apart. */
int saint_ui_ticks(double low, double high, bool log, int most, double *tick, int *decimals);

/* The character that marks the points of a series here, for legends. */
uint32_t saint_ui_plot_marker(saint_ui_pen p, const saint_ui_series *s, bool hollow);

/* A curve alone, without axes: values left to right over the pen's width. */
void saint_ui_sparkline(saint_ui_pen p, const double *y, int n, saint_ui_role role);

#endif
