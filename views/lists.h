/* lists.h - footer, help and palette, all from one table of actions given as data. */
#ifndef SAINT_VIEWS_LISTS_H
#define SAINT_VIEWS_LISTS_H

#include "views/lineedit.h"

typedef struct {
    int id;             /* the caller's; value of the hits */
    const char *key;    /* as shown: "?", "Ctrl-P", ",." */
    const char *label;  /* one or two words, for the footer */
    const char *name;   /* "layer.next", for the palette and the command row */
    const char *group;  /* heading in the help */
    const char *doc;    /* one sentence */
    const char *reason; /* why it does not work now; NULL = it does */
    int weight;         /* what stays in a narrow footer: the highest; 0 = not in the footer */
} saint_ui_action;

/* One row: keys and labels of the weightiest actions that fit, in the order of the table. Hits: `what`, value id. */
void saint_ui_footer_draw(saint_ui_pen p, const saint_ui_action *action, int n, int what);

/* Grouped list, in columns where it is wide, filtered by the words of `filter` (NULL = all), from line `first`. Returns the number of lines
 * of one column, for scrolling. */
int saint_ui_help_draw(saint_ui_pen p, const saint_ui_action *action, int n, const char *filter, int first, int what);

/* Rows of the list in one column of w: how high a box for it should be. */
int saint_ui_help_height(const saint_ui_action *action, int n, const char *filter, int w);

/* How well a pattern's letters appear in order in text: 0 = they do not, more is better. Case does not matter. at[strlen(pattern)] (may be
 * NULL) gets the byte positions that matched. */
int saint_ui_fuzzy(const char *pattern, const char *text, int *at);
/* The best matches of a pattern in names, labels and docs, best first: indices into action, at most `most`. Returns how many. */
int saint_ui_palette_match(const saint_ui_action *action, int n, const char *pattern, int *match, int most);
/* Input line on top, matches below with the selected one kept in view. Hits: `what`, value = position in match. */
void saint_ui_palette_draw(saint_ui_pen p, const saint_ui_action *action, const int *match, int n_match, saint_ui_line *input, int selected,
                           int what);

#endif
