/* panes.h - panes and modules by name, for the tables in pages.c; each is defined in the file behind it. */
#ifndef SAINT_APP_UI_PANES_H
#define SAINT_APP_UI_PANES_H

#include "ui/ui.h"

extern const ui_pane ui_pane_log;     /* log.c */
extern const ui_pane ui_pane_picture; /* pages.c, until the Inspect page brings its own */

#endif
