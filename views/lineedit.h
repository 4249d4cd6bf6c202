/* lineedit.h - one line of text under a cursor: for fields, questions, filters and the command row. */
#ifndef SAINT_VIEWS_LINEEDIT_H
#define SAINT_VIEWS_LINEEDIT_H

#include "views/event.h"
#include "views/pen.h"

enum { SAINT_UI_LINE_MOST = 512 };

typedef struct {
    char text[SAINT_UI_LINE_MOST]; /* UTF-8, terminated */
    int cursor;                    /* byte offset, always at the start of a character */
    int first;                     /* byte offset of the first character shown; the drawing keeps the cursor visible */
    bool selected;                 /* all of it: the next character replaces it */
} saint_ui_line;

void saint_ui_line_set(saint_ui_line *l, const char *text); /* cursor at the end; cut at a character when too long */
/* Characters, Left, Right, Home, End, Backspace, Delete, Ctrl-A E B F D H K U W. true when it was for the line, whether or not it changed.
 */
bool saint_ui_line_key(saint_ui_line *l, const saint_ui_event *e);
/* One row over the pen's width. */
void saint_ui_line_draw(saint_ui_pen p, saint_ui_line *l, bool focus, bool bad);

#endif
