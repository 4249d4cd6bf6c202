/* panes.h - panes and modules by name, for the tables in pages.c; each is defined in the file behind it. */
#ifndef SAINT_APP_UI_PANES_H
#define SAINT_APP_UI_PANES_H

#include "ui/charts/charts.h"
#include "ui/sweeps/sweeps.h"
#include "ui/ui.h"

extern const ui_pane ui_pane_log;     /* log.c */
extern const ui_module ui_module_plan;    /* edit.c: undo, the layer cursor */
extern const ui_module ui_module_inspect; /* inspect.c */
extern const ui_pane ui_pane_image, ui_pane_params, ui_pane_facts, ui_pane_token, ui_pane_strip, ui_pane_scores, ui_pane_tokens; /* pane_*.c */

extern const ui_module ui_module_scan; /* scan.c */
extern const ui_module ui_module_twins; /* sweeps_twin.c */
extern const ui_module ui_module_log;  /* log.c: how long a message stays */
extern const ui_module ui_module_compare;     /* matching.c */
extern const ui_pane ui_pane_compare_left;    /* page_compare.c */
extern const ui_pane ui_pane_compare_right;
extern const ui_pane ui_pane_compare_facts;   /* page_compare_facts.c */
extern const ui_module ui_module_speed;       /* measuring.c */
extern const ui_pane ui_pane_speed_bars;      /* page_speed.c */
extern const ui_pane ui_pane_speed_stacks;
extern const ui_pane ui_pane_speed_notes;
extern const ui_module ui_module_layers;      /* page_layers.c */
extern const ui_pane ui_pane_layers_vit;
extern const ui_pane ui_pane_layers_llm;

#endif
