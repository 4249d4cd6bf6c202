/* history.h - undo and redo of settings: an array of plain values with a label each. Knows no clock and no screen. */
#ifndef SAINT_APP_HISTORY_H
#define SAINT_APP_HISTORY_H

#include "engine.h"

typedef struct ui_history ui_history;

enum { UI_HISTORY_MOST = 400 }; /* the oldest go; a value is about 8 KB */

/* `first` is what undo ends at. NULL without memory. */
ui_history *ui_history_open(const saint_settings *first);
void ui_history_close(ui_history *h); /* NULL is allowed */
/* Forget everything and start from `first`. */
void ui_history_reset(ui_history *h, const saint_settings *first);

/* The settings became `now` at time `at` (seconds). key: what changed, NULL = something of its own. A change of the same key within 300 ms of
 * the last one replaces it, so a held arrow or a drag is one entry; when that leads back to where the entry began, the entry goes. What was
 * undone is forgotten. false: equal to what is on top, nothing was added. */
bool ui_history_add(ui_history *h, const saint_settings *now, const char *key, const char *label, double at);
/* The settings to go back to, or NULL when there is none; *label (may be NULL) is what is taken back. */
const saint_settings *ui_history_undo(ui_history *h, const char **label);
/* The settings to bring again, or NULL; *label is what comes again. */
const saint_settings *ui_history_redo(ui_history *h, const char **label);
/* Entries that undo and redo would give. */
int ui_history_undos(const ui_history *h);
int ui_history_redos(const ui_history *h);
/* Label of the i-th last change, 0 = the one that undo would take back; NULL past the end. */
const char *ui_history_label(const ui_history *h, int i);

#endif
