/* dots.h - dots inside character cells. Private to the plots. */
#ifndef SAINT_VIEWS_DOTS_H
#define SAINT_VIEWS_DOTS_H

#include "views/pen.h"

void saint_ui_dots_per_cell(saint_ui_pen p, int *across, int *down);
/* Set the dot (x, y), counted from the pen's corner; joins dots that the cell already has. */
void saint_ui_dot(saint_ui_pen p, int x, int y, saint_ui_style style);
/* A line between dots, cut at the pen's area. */
void saint_ui_dot_line(saint_ui_pen p, double x0, double y0, double x1, double y1, saint_ui_style style);

#endif
