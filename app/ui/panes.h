/* panes.h - panes and modules by name, for the tables in pages.c; each is defined in the file behind it. */
#ifndef SAINT_APP_UI_PANES_H
#define SAINT_APP_UI_PANES_H

#include "ui/ui.h"

extern const ui_pane ui_pane_log;     /* log.c */
extern const ui_module ui_module_plan;    /* edit.c: undo, the layer cursor */
extern const ui_module ui_module_inspect; /* inspect.c */
extern const ui_pane ui_pane_image, ui_pane_params, ui_pane_facts, ui_pane_token, ui_pane_strip; /* pane_*.c */

extern const ui_module ui_module_scan; /* scan.c */

#endif
