/* script.h - one line of a script, read; the rest of scripts is behind core.h. */
#ifndef SAINT_APP_UI_SCRIPT_H
#define SAINT_APP_UI_SCRIPT_H

#include "engine.h"

typedef enum {
    UI_SCRIPT_NOTHING, /* empty, or a remark */
    UI_SCRIPT_COMMAND,
    UI_SCRIPT_SIZE,
    UI_SCRIPT_KEY,
    UI_SCRIPT_TYPE,
    UI_SCRIPT_MOUSE,
    UI_SCRIPT_WAIT,
    UI_SCRIPT_EXPECT,
    UI_SCRIPT_EXPECT_NOT,
    UI_SCRIPT_SCREEN,
    UI_SCRIPT_EXPECT_EXIT
} ui_script_kind;

typedef struct {
    ui_script_kind kind;
    char text[1024]; /* command, keys, text, file */
    int x, y;        /* size, cell (-1 = anywhere), exit status in x */
    int mouse;       /* saint_ui_mouse; 5 = a click */
    bool drag;       /* to x2, y2 */
    int x2, y2;
    double seconds; /* -1: until idle */
} ui_script_line;

/* Read one line without its end. SAINT_FORMAT says what was expected. Commands are not looked up. */
saint_status ui_script_parse(const char *line, ui_script_line *out, saint_error *err);

#endif
