/* screen.h - a canvas on the real terminal, and the terminal's keys as events. The only part of the views that knows ncurses.
 *
 * One screen at a time. The program passes what it found in the environment; TERMINFO alone is set for a moment while 24-bit colours are
 * opened. setlocale(LC_CTYPE, "") comes before. */
#ifndef SAINT_VIEWS_SCREEN_H
#define SAINT_VIEWS_SCREEN_H

#include "views/event.h"
#include "views/theme.h"

typedef struct saint_ui_screen saint_ui_screen;

typedef struct {
    const char *term;      /* $TERM */
    const char *colorterm; /* $COLORTERM */
    const char *terminfo;  /* $TERMINFO, put back after the moment in which it is another one; NULL = not set */
    bool no_color;         /* $NO_COLOR is set and not empty, or --no-color */
    bool ascii;            /* --ascii */
    int tier, glyphs;      /* at most this (saint_ui_tier, saint_ui_glyphs); 0 = the best there is */
    bool mouse;
    bool ask_ground; /* ask the terminal for the colour of its ground; the answer comes as SAINT_UI_GROUND some time later, or never */
    bool marks; /* write an in-band mark after every frame (saint_ui_screen_mark), for tests */
} saint_ui_screen_options;

/* Take the terminal of stdin and stdout. SAINT_STATE when they are no terminal or a screen is open; SAINT_UNSUPPORTED for an unknown $TERM.
 * From here on the terminal is restored whatever ends the process, SIGKILL excepted: by close, exit, SIGTERM, SIGHUP, SIGINT, SIGQUIT, or a
 * crash. Handlers that were there before run afterwards. Programs that read the first four by signalfd block them, then these handlers
 * never run. */
saint_status saint_ui_screen_open(saint_ui_screen **out, const saint_ui_screen_options *o, saint_error *err);
void saint_ui_screen_close(saint_ui_screen *s); /* NULL is allowed */

saint_ui_tier saint_ui_screen_tier(const saint_ui_screen *s);
saint_ui_glyphs saint_ui_screen_glyphs(const saint_ui_screen *s);
bool saint_ui_screen_lines(const saint_ui_screen *s); /* ASCII, but with line drawing: for saint_ui_theme.lines */
int saint_ui_screen_fd(const saint_ui_screen *s);     /* to poll for input */

/* Ask the kernel for the size and adopt it; call after SIGWINCH or an event SAINT_UI_RESIZED, and before the first frame. */
void saint_ui_screen_size(saint_ui_screen *s, int *w, int *h);
/* Show the canvas; cells beyond the screen are cut. Only what changed is sent. */
void saint_ui_screen_show(saint_ui_screen *s, const saint_ui_canvas *c);
/* Where the terminal's own cursor stands (input methods and screen readers follow it); x < 0 hides it. */
void saint_ui_screen_cursor(saint_ui_screen *s, int x, int y);
void saint_ui_screen_redraw(saint_ui_screen *s); /* the next frame is sent whole: Ctrl-L */
void saint_ui_screen_mouse(saint_ui_screen *s, bool on);
/* The next event, SAINT_UI_NOTHING when there is none; never waits longer than an Escape key is ambiguous (25 ms). Call until nothing is
 * left: ncurses holds bytes that poll() does not see. */
saint_ui_event saint_ui_screen_event(saint_ui_screen *s);

/* Give the terminal back to the shell and take it again: around raise(SIGSTOP) or a child program. The size may have changed. */
void saint_ui_screen_suspend(saint_ui_screen *s);
void saint_ui_screen_resume(saint_ui_screen *s);

/* OSC 777 ; saint-idle ; n BEL behind everything sent so far, when options.marks: a test knows that frame n is on its screen. */
void saint_ui_screen_mark(saint_ui_screen *s, unsigned n);
/* Pairs of colours in use, for diagnosis. */
int saint_ui_screen_pairs(const saint_ui_screen *s);

#endif
