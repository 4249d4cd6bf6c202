/* pen.h - what a view draws with: a canvas, the part of it that is the view's, the theme, and the list of what can be clicked. */
#ifndef SAINT_VIEWS_PEN_H
#define SAINT_VIEWS_PEN_H

#include "views/text.h"
#include "views/theme.h"

/* Places that answer the mouse, registered while drawing. `what` and `value` mean what the view's header says; the last one that holds a
 * point is on top. */
typedef struct {
    saint_ui_rect rect; /* of the canvas */
    int what, value;
} saint_ui_hit;

typedef struct {
    int n, room;
    saint_ui_hit *hit; /* [room] the caller's; more than room are forgotten */
} saint_ui_hits;

const saint_ui_hit *saint_ui_hit_at(const saint_ui_hits *hits, int x, int y); /* NULL: nothing there */

/* Coordinates of all drawing are relative to area's corner; nothing outside clip changes. A plain value. */
typedef struct {
    saint_ui_canvas *canvas;
    saint_ui_rect area, clip; /* of the canvas; clip lies inside area and canvas */
    const saint_ui_theme *theme;
    saint_ui_hits *hits; /* NULL: nobody clicks */
} saint_ui_pen;

saint_ui_pen saint_ui_pen_whole(saint_ui_canvas *c, const saint_ui_theme *theme, saint_ui_hits *hits);
/* A part, in the pen's own coordinates; it may be larger than the pen, what lies outside is not drawn. */
saint_ui_pen saint_ui_pen_part(saint_ui_pen p, int x, int y, int w, int h);
/* A part in coordinates of the canvas, as layouts give it. */
saint_ui_pen saint_ui_pen_at(saint_ui_pen p, saint_ui_rect rect);
bool saint_ui_pen_ascii(saint_ui_pen p);

void saint_ui_clear(saint_ui_pen p, saint_ui_role role);
void saint_ui_char(saint_ui_pen p, int x, int y, uint32_t ch, saint_ui_style style);
void saint_ui_hline(saint_ui_pen p, int x, int y, int w, uint32_t ch, saint_ui_role role);
/* Text from (x, y) in at most `columns` columns, cut with an ellipsis; columns < 0: up to the right edge. Returns the columns used. */
int saint_ui_text(saint_ui_pen p, int x, int y, int columns, saint_ui_role role, const char *s);
int saint_ui_text_styled(saint_ui_pen p, int x, int y, int columns, saint_ui_style style, const char *s);
/* The same, ending before column x (right edge exclusive). Returns the columns used. */
int saint_ui_text_right(saint_ui_pen p, int x, int y, int columns, saint_ui_role role, const char *s);
/* printf into a line of at most 511 bytes. */
int saint_ui_textf(saint_ui_pen p, int x, int y, int columns, saint_ui_role role, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 6, 7)))
#endif
    ;
/* Wrapped text in h rows; returns the number of lines it takes, drawn or not. first skips lines. Where more follow below the last row, that one ends in an ellipsis. */
int saint_ui_paragraph(saint_ui_pen p, int x, int y, int w, int h, int first, saint_ui_role role, const char *s);
/* Place for the mouse. */
void saint_ui_hit_add(saint_ui_pen p, int x, int y, int w, int h, int what, int value);

/* A pane: frame, title on the upper edge, note on the lower edge at the right; gives the pen of the inside. Panes of fewer than 3 rows or 4
 * columns have no frame. */
typedef struct {
    const char *title, *detail; /* detail: behind the title, quieter */
    const char *note;           /* lower edge, right */
    const char *foot;           /* lower edge, left: where the note leaves room */
    bool focus, stale;
} saint_ui_pane;
saint_ui_pen saint_ui_pane_draw(saint_ui_pen p, const saint_ui_pane *pane);

/* A bar of w columns filled to share 0..1, in eighths of a column where the characters allow. */
void saint_ui_bar(saint_ui_pen p, int x, int y, int w, double share, saint_ui_role fill, saint_ui_role rest);

/* Symbols that have an ASCII form; views take them from here. */
typedef enum {
    SAINT_UI_SYM_ELLIPSIS,
    SAINT_UI_SYM_DOT,
    SAINT_UI_SYM_ARROW_RIGHT,
    SAINT_UI_SYM_LEFT,
    SAINT_UI_SYM_RIGHT,
    SAINT_UI_SYM_UP,
    SAINT_UI_SYM_DOWN,
    SAINT_UI_SYM_KNOB,
    SAINT_UI_SYM_LIVE,
    SAINT_UI_SYM_NOT_LIVE,
    SAINT_UI_SYM_TIMES,
    SAINT_UI_SYM_PLUS_MINUS,
    SAINT_UI_SYM_GOOD,
    SAINT_UI_SYM_BAD,
    SAINT_UI_SYM_H,
    SAINT_UI_SYM_V,
    SAINT_UI_SYM_TL,
    SAINT_UI_SYM_TR,
    SAINT_UI_SYM_BL,
    SAINT_UI_SYM_BR,
    SAINT_UI_SYM_TEE_L,
    SAINT_UI_SYM_TEE_R,
    SAINT_UI_SYM_TEE_T,
    SAINT_UI_SYM_TEE_B,
    SAINT_UI_SYM_CROSS,
    SAINT_UI_SYM_COUNT
} saint_ui_symbol;
const char *saint_ui_sym(saint_ui_pen p, saint_ui_symbol s);
uint32_t saint_ui_sym_char(saint_ui_pen p, saint_ui_symbol s);

#endif
