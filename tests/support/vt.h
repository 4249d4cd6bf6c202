/* vt.h - a program on a pseudo terminal with an emulator behind it, for tests that look at the real screen.
 *
 * Nothing here sleeps: the program writes OSC 777 ; saint-idle ; n BEL behind each frame, in the same stream as the frame, and the test
 * waits for that. A wait that gets nothing for VT_PATIENCE_MS fails the test. */
#ifndef SAINT_TESTS_SUPPORT_VT_H
#define SAINT_TESTS_SUPPORT_VT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>
#include <vterm.h>

#include "views/canvas.h"

enum { VT_PATIENCE_MS = 20000 };

typedef struct {
    int master, slave, pid_fd; /* slave stays open, so that the modes the program leaves can be read */
    pid_t pid;
    VTerm *vt;
    VTermScreen *screen;
    int w, h;
    struct termios before;
    bool alternate, cursor_shown;
    int mouse;
    char *raw; /* all that the program wrote, marks taken out */
    size_t n_raw, room_raw;
    char mark[64]; /* the mark being read */
    size_t n_mark;
    unsigned last_mark, marks;
    bool end_seen, all_read; /* the program has ended; and all it wrote is here */
    size_t n_last;           /* bytes of the test's own last mark that are on their way */
} vt;

/* Start argv[0] with exactly these environment strings (NULL-terminated). false when it cannot be. */
bool vt_open(vt *t, int w, int h, char *const argv[], char *const env[]);
void vt_close(vt *t); /* kills what still runs */
/* Read until one mark more. false when the program ended or said nothing for too long. */
bool vt_wait_mark(vt *t);
bool vt_wait_marks(vt *t, unsigned n); /* n marks more: one read may bring several */
/* Read until the text stands on the screen somewhere. false when the program ended or said nothing for too long. */
bool vt_until(vt *t, const char *text);
bool vt_shows(const vt *t, const char *text); /* it does now */
void vt_send(vt *t, const char *bytes);
/* Send and wait for the frame. */
bool vt_type(vt *t, const char *bytes);
void vt_resize(vt *t, int w, int h); /* the program gets SIGWINCH */
/* Read what is left until the program ends; its wait status, -1 when it does not end. */
int vt_wait_exit(vt *t);

/* A cell as the emulator shows it; colours as the views write them. */
saint_ui_cell vt_cell(const vt *t, int x, int y);
/* A row without trailing blanks. */
void vt_row(const vt *t, int y, char *out, size_t size);
bool vt_modes_restored(const vt *t);
/* The later of two byte strings in all that was written: 1 = a, 2 = b, 0 = neither came. */
int vt_later(const vt *t, const char *a, const char *b);

#endif
