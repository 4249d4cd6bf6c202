/* screen_pairs.h - numbers for pairs of colours. Private to screen.c.
 *
 * ncurses needs a number for every pair of foreground and background. 1 to 255 are the theme's, because only those fit the old calls; a
 * photo's come behind, each defined once and never again, because re-defining one makes ncurses search the whole screen. */
#ifndef SAINT_VIEWS_SCREEN_PAIRS_H
#define SAINT_VIEWS_SCREEN_PAIRS_H

#include "views/canvas.h"

typedef struct {
    uint64_t key; /* fg << 32 | bg; 0 = free, (0, 0) is pair 0 and never stored */
    int pair;
} saint_ui_pair_slot;

typedef struct {
    saint_ui_pair_slot *slot;
    size_t room, n;   /* room is a power of two */
    int theme, photo; /* next numbers */
    int most;         /* pairs the terminal has */
    saint_ui_tier tier;
    bool defaults; /* -1 works as the terminal's own colour */
} saint_ui_pairs;

void saint_ui_pairs_init(saint_ui_pairs *p, saint_ui_tier tier, int most, bool defaults);
void saint_ui_pairs_free(saint_ui_pairs *p);
/* The pair for these colours, defined when it is new. A full table gives the nearest thing: the foreground alone, then plain. */
int saint_ui_pairs_get(saint_ui_pairs *p, saint_ui_color fg, saint_ui_color bg, bool photo);

#endif
