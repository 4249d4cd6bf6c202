/* layout.h - which pane lies where: a pure function of the page, the size of the screen and a few wishes. */
#ifndef SAINT_VIEWS_LAYOUT_H
#define SAINT_VIEWS_LAYOUT_H

#include "views/canvas.h"

#define SAINT_UI_PAGE_MAP(X)                                                                                                               \
    X(INSPECT, "Inspect") X(COMPARE, "A/B") X(SPEED, "Speed") X(LAYERS, "Layers") X(CHARTS, "Charts") X(SWEEP, "Sweep") X(LOG, "Log")

typedef enum {
#define X(name, title) SAINT_UI_PAGE_##name,
    SAINT_UI_PAGE_MAP(X)
#undef X
        SAINT_UI_PAGE_COUNT
} saint_ui_page;
const char *saint_ui_page_title(int page); /* NULL past the end */

typedef enum {
    SAINT_UI_PANE_NONE,
    SAINT_UI_PANE_HEADER,
    SAINT_UI_PANE_STRIP,
    SAINT_UI_PANE_MESSAGE,
    SAINT_UI_PANE_FOOTER, /* rows without a frame */
    SAINT_UI_PANE_NOTICE, /* the screen is too small for anything else */
    SAINT_UI_PANE_IMAGE,
    SAINT_UI_PANE_IMAGE_B, /* the photo; the other plan's */
    SAINT_UI_PANE_PARAMS,
    SAINT_UI_PANE_FACTS,
    SAINT_UI_PANE_TOKEN, /* parameters; numbers of this picture; the patch under the cursor */
    SAINT_UI_PANE_CHART,
    SAINT_UI_PANE_CHART_B,
    SAINT_UI_PANE_BARS,
    SAINT_UI_PANE_STACKS,
    SAINT_UI_PANE_NOTES,
    SAINT_UI_PANE_PROGRESS,
    SAINT_UI_PANE_RUNS,
    SAINT_UI_PANE_LOG,
    SAINT_UI_PANE_COUNT
} saint_ui_pane_id;

enum { SAINT_UI_LAYOUT_MOST = 14, SAINT_UI_LEAST_W = 40, SAINT_UI_LEAST_H = 12 };

typedef struct {
    int grid_w, grid_h;     /* patches of the picture; 0 = unknown */
    double aspect;          /* width over height of what is shown; 0 = 1 */
    int fields;             /* parameters to show */
    int facts;              /* lines of the facts */
    bool whole_image;       /* the picture over everything, the token below it where there is room */
    saint_ui_pane_id focus; /* the pane that stays where only one fits */
} saint_ui_layout_wish;

typedef struct {
    int n;
    struct {
        saint_ui_pane_id id;
        saint_ui_rect rect;
    } pane[SAINT_UI_LAYOUT_MOST];
} saint_ui_layout;

/* Panes that cover the screen without a gap or an overlap; none is empty. wish may be NULL. From SAINT_UI_LEAST_W x SAINT_UI_LEAST_H to 80
 * x 24 one pane at a time; below, a notice. w, h >= 1. */
void saint_ui_layout_make(saint_ui_layout *out, saint_ui_page page, int w, int h, const saint_ui_layout_wish *wish);
/* Where a pane is; w = 0 when this layout does not show it. */
saint_ui_rect saint_ui_layout_find(const saint_ui_layout *l, saint_ui_pane_id id);
/* The pane under a cell; SAINT_UI_PANE_NONE outside. */
saint_ui_pane_id saint_ui_layout_at(const saint_ui_layout *l, int x, int y);
/* The next pane that can have the focus, in reading order; direction -1 goes back. */
saint_ui_pane_id saint_ui_layout_next(const saint_ui_layout *l, saint_ui_pane_id from, int direction);
const char *saint_ui_pane_title(saint_ui_pane_id id);

#endif
