/* field.h - a parameter under the user's hands: shown with its range, stepped, typed, dragged. A pure reducer and a row of drawing. */
#ifndef SAINT_VIEWS_FIELD_H
#define SAINT_VIEWS_FIELD_H

#include "views/lineedit.h"

typedef enum { SAINT_UI_FIELD_INT, SAINT_UI_FIELD_FLOAT, SAINT_UI_FIELD_BOOL, SAINT_UI_FIELD_CHOICE } saint_ui_field_type;

/* What does not change while it is edited; made from the table of parameters. */
typedef struct {
    const char *name, *unit, *doc;
    saint_ui_field_type type;
    double min, max, def;  /* of a choice: 0 .. n_choices - 1 */
    double step, big_step; /* 0 = chosen from the range */
    const char *const *choice;
    int n_choices;
    const char *locked; /* why it cannot be changed ("derived from keep_num"); NULL = it can */
    const char *unset;  /* what -1 means where -1 is allowed ("derived"); NULL = a number like any other */
} saint_ui_field_spec;

typedef enum {
    SAINT_UI_FIELD_SHOWN,
    SAINT_UI_FIELD_EDITED,  /* a line editor is open */
    SAINT_UI_FIELD_PENDING, /* changed, not applied yet */
    SAINT_UI_FIELD_APPLIED,
    SAINT_UI_FIELD_REJECTED /* the engine refused; `error` says why */
} saint_ui_field_state;

typedef struct {
    double value;
    double other; /* the other plan's value, a tick on the slider; NaN = none */
    saint_ui_field_state state;
    saint_ui_line line;
    char error[112];
} saint_ui_field;

typedef enum {
    SAINT_UI_FIELD_IGNORED, /* the key was not for the field */
    SAINT_UI_FIELD_SAME,    /* handled, the value is as before */
    SAINT_UI_FIELD_CHANGED  /* value is new and within its range; state is pending */
} saint_ui_field_result;

/* Closed: Left/Right or -/+ step, Shift or Ctrl takes the big step, Home/End the bounds, Enter or a digit opens the editor, Space toggles
 * or takes the next choice. Open: the line's keys; Enter applies when the text is good, Escape forgets it. */
saint_ui_field_result saint_ui_field_key(const saint_ui_field_spec *spec, saint_ui_field *f, const saint_ui_event *e);
/* A click or drag at share 0..1 of the slider. */
saint_ui_field_result saint_ui_field_slide(const saint_ui_field_spec *spec, saint_ui_field *f, double share);
/* Steps of the wheel. */
saint_ui_field_result saint_ui_field_step(const saint_ui_field_spec *spec, saint_ui_field *f, int steps, bool big);
saint_ui_field_result saint_ui_field_reset(const saint_ui_field_spec *spec, saint_ui_field *f);

/* Read "376", "0.83", "50%" (of the upper bound), "+32", "-10%" (of the present value; where negative numbers are allowed "-1" is a
 * number), "on", the first letters of a choice. false with the reason in error[112]. */
bool saint_ui_field_parse(const saint_ui_field_spec *spec, double now, const char *text, double *out, char error[112]);
char *saint_ui_field_format(const saint_ui_field_spec *spec, double v, char *out, size_t size);
/* Share of the range, 0..1: logarithmic where the range spans more than three decades above zero. */
double saint_ui_field_share(const saint_ui_field_spec *spec, double v);

/* One row: name, value, unit, slider or choices with bounds where there is room. columns of the name are given so that rows align; 0 = its
 * own. Registers the row as hit `what` with `value`, and the slider as hit `what` + 1 with the same value, when what is not 0; *slider (may
 * be NULL) is where it lies on the canvas. */
void saint_ui_field_draw(saint_ui_pen p, const saint_ui_field_spec *spec, saint_ui_field *f, int name_columns, bool focus, int what,
                         int value, saint_ui_rect *slider);

/* A list of fields, the one with the focus (at, -1 = none) kept in view; *top (may be NULL) is the first row shown and stays the caller's.
 * Names are aligned. The doc of the field with the focus stands in the last row when doc is true and there is room. */
void saint_ui_fields_draw(saint_ui_pen p, const saint_ui_field_spec *spec, saint_ui_field *f, int n, int at, int *top, bool doc, int what);

#endif
