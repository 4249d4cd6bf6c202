/* screen_restore.h - the way back to a usable terminal when the process dies. Private to screen.c. */
#ifndef SAINT_VIEWS_SCREEN_RESTORE_H
#define SAINT_VIEWS_SCREEN_RESTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

/* Remember the terminal's modes and the bytes that leave the screen; install the handlers. bytes are copied (at most 255). */
void saint_ui_restore_arm(int fd, const struct termios *before);
void saint_ui_restore_bytes(const char *bytes, size_t n);
/* Whether the screen is up: what the handlers ask. */
void saint_ui_restore_active(bool active);
/* Put the old handlers back where ours are still installed. */
void saint_ui_restore_disarm(void);

#endif
