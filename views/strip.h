/* strip.h - one strip over all ViT and LLM layers: how many picture tokens each one sees, where they are dropped, where the cursor is. */
#ifndef SAINT_VIEWS_STRIP_H
#define SAINT_VIEWS_STRIP_H

#include "engine.h"
#include "views/pen.h"

typedef struct {
    saint_stage stage;
    int layer;
    int tokens;       /* picture tokens behind this layer; -1 = not known yet */
    bool site;        /* tokens are dropped here */
    bool reused;      /* taken from the cache */
    bool stale;       /* tokens are those of another run: drawn faint */
    bool marked;      /* chosen by the user, to be edited together */
    const char *name; /* of the method, for the caption; NULL = none */
} saint_ui_strip_layer;

typedef struct {
    const saint_ui_strip_layer *layer; /* [n], ViT layers first */
    int n, cursor;
    int most;          /* tokens of a full bar; 0 = the largest */
    int rounds, round; /* iterations inside the cursor's site, 0 = none; the one shown, -1 = all */
    bool focus, playing;
} saint_ui_strip;

/* Any height: one row of bars; a row of marks below when there are two; layer numbers from three; the bars take what is left. A hit `what`
 * with the layer's index covers each column when what is not 0. */
void saint_ui_strip_draw(saint_ui_pen p, const saint_ui_strip *s, int what);
/* Columns of the canvas that layer i takes; w = 0 when it is not shown. */
saint_ui_rect saint_ui_strip_column(saint_ui_pen p, const saint_ui_strip *s, int i);

#endif
