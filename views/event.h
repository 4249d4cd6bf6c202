/* event.h - what the user did, as the reducers and the loop see it; made by screen.c from the terminal or by a script. */
#ifndef SAINT_VIEWS_EVENT_H
#define SAINT_VIEWS_EVENT_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    SAINT_UI_NOTHING,
    SAINT_UI_PRESS, /* a key: `key` is a saint_ui_key, or SAINT_UI_KEY_CHAR with the character in `ch` */
    SAINT_UI_PASTE, /* one character of pasted text in `ch`: never a command */
    SAINT_UI_MOUSE,
    SAINT_UI_RESIZED,
    SAINT_UI_GONE,  /* the terminal was closed */
    SAINT_UI_GROUND /* the terminal says its ground: 0xrrggbb in `ch` */
} saint_ui_event_kind;

typedef enum {
    SAINT_UI_KEY_CHAR,
    SAINT_UI_KEY_UP,
    SAINT_UI_KEY_DOWN,
    SAINT_UI_KEY_LEFT,
    SAINT_UI_KEY_RIGHT,
    SAINT_UI_KEY_HOME,
    SAINT_UI_KEY_END,
    SAINT_UI_KEY_PAGE_UP,
    SAINT_UI_KEY_PAGE_DOWN,
    SAINT_UI_KEY_ENTER,
    SAINT_UI_KEY_ESCAPE,
    SAINT_UI_KEY_TAB,
    SAINT_UI_KEY_BACK_TAB,
    SAINT_UI_KEY_BACKSPACE,
    SAINT_UI_KEY_DELETE,
    SAINT_UI_KEY_INSERT,
    SAINT_UI_KEY_F1,
    SAINT_UI_KEY_F12 = SAINT_UI_KEY_F1 + 11,
    SAINT_UI_KEY_COUNT
} saint_ui_key;

enum { SAINT_UI_SHIFT = 1, SAINT_UI_CTRL = 2, SAINT_UI_ALT = 4 };

typedef enum {
    SAINT_UI_MOUSE_DOWN,
    SAINT_UI_MOUSE_DRAG,
    SAINT_UI_MOUSE_UP,
    SAINT_UI_MOUSE_WHEEL_UP,
    SAINT_UI_MOUSE_WHEEL_DOWN
} saint_ui_mouse;

typedef struct {
    saint_ui_event_kind kind;
    saint_ui_key key;
    uint32_t ch; /* with SAINT_UI_CTRL the plain letter: Ctrl-P is 'p' */
    unsigned mods;
    saint_ui_mouse mouse;
    int button, x, y; /* button 1 left, 2 middle, 3 right */
} saint_ui_event;

/* Name as in footers and key tables ("Enter", "Ctrl-P", "<", "PgUp", "F5", "Shift-Left"), and back. The name goes to out[16]. false when
 * unknown. */
const char *saint_ui_key_name(const saint_ui_event *e, char out[24]);
bool saint_ui_key_parse(const char *name, saint_ui_event *e);

/* What the mouse did, from the digits of its SGR report "button;column;row" (columns and rows from 1) and its last letter, M or m. *dragging
 * is kept between calls: moving counts only while a button is down. SAINT_UI_NOTHING for what is no report. */
saint_ui_event saint_ui_mouse_digits(const char *digits, uint32_t end, bool *dragging);

#endif
