/* status.h - the thin rows: header with tabs, message line, progress; and the boxes over everything. */
#ifndef SAINT_VIEWS_STATUS_H
#define SAINT_VIEWS_STATUS_H

#include "views/pen.h"

typedef struct {
    const char *brand;       /* "SAINT" */
    const char *const *part; /* [n_parts] model, picture, device ...: what does not fit is left out from the end */
    int n_parts;
    const char *const *tab; /* [n_tabs] */
    int n_tabs, active;
} saint_ui_header;
/* One row. Hits: `what`, value = tab. */
void saint_ui_header_draw(saint_ui_pen p, const saint_ui_header *h, int what);

typedef enum { SAINT_UI_SAY_NOTHING, SAINT_UI_SAY_INFO, SAINT_UI_SAY_GOOD, SAINT_UI_SAY_WARN, SAINT_UI_SAY_BAD } saint_ui_say;

typedef struct {
    const char *name; /* "sweep #2" */
    int64_t done, total, failed;
    double seconds; /* spent; NaN = not known */
    bool paused;
} saint_ui_progress;

/* Seconds left; NaN until three are done, because the first ones tell little. */
double saint_ui_eta(const saint_ui_progress *g);
/* "sweep #2 ▰▰▰▱▱ 47%  40/85  ETA 3:12  1 failed" in one row; the bar takes what the words leave. */
void saint_ui_progress_draw(saint_ui_pen p, const saint_ui_progress *g);

typedef struct {
    saint_ui_say say;
    const char *text; /* NULL: nothing */
} saint_ui_said;

typedef struct {
    saint_ui_said say, more;           /* more stands behind it where both fit whole, else one of the two is shown: */
    bool more_first;                   /* more */
    const saint_ui_progress *progress; /* at the right; NULL = none */
} saint_ui_message;
/* Rows that a warning or an error takes so that nothing of it is cut, at most 4; everything else has one. */
int saint_ui_message_rows(const saint_ui_message *m, int w);
/* One row, or as many as the pen's area has for a warning or an error. */
void saint_ui_message_draw(saint_ui_pen p, const saint_ui_message *m);

/* A box of at most w x h cells in the middle, what is around it dimmed; gives the pen of its inside. */
saint_ui_pen saint_ui_overlay(saint_ui_pen p, int w, int h, const char *title, const char *note);
/* What is shown instead of everything below the least size. */
void saint_ui_too_small(saint_ui_pen p, int need_w, int need_h);
/* A pane's failure inside the pane: title and reason, the rest of the screen goes on. */
void saint_ui_failure(saint_ui_pen p, const char *what, const char *why);

#endif
