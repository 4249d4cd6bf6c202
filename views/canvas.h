/* canvas.h - a rectangle of character cells: what every view draws on.
 *
 * Views never touch the terminal. A canvas becomes a screen (screen.h), a text for the tests (saint_ui_canvas_dump) or a picture
 * (picture.h). Drawing outside it, or outside the clip rectangle that is passed along, does nothing. */
#ifndef SAINT_VIEWS_CANVAS_H
#define SAINT_VIEWS_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* The terminal's own colour is 0, so a zeroed style is plain text. */
typedef uint32_t saint_ui_color;
enum { SAINT_UI_COLOR_DEFAULT = 0, SAINT_UI_COLOR_IS_PALETTE = 1 << 24, SAINT_UI_COLOR_IS_RGB = 2 << 24 };

static inline saint_ui_color saint_ui_rgb(unsigned r, unsigned g, unsigned b)
{
    return (saint_ui_color)SAINT_UI_COLOR_IS_RGB | (r & 255) << 16 | (g & 255) << 8 | (b & 255);
}
static inline saint_ui_color saint_ui_palette(unsigned i) { return (saint_ui_color)SAINT_UI_COLOR_IS_PALETTE | (i & 255); }

enum {
    SAINT_UI_BOLD = 1,
    SAINT_UI_DIM = 2,
    SAINT_UI_UNDERLINE = 4,
    SAINT_UI_REVERSE = 8,
    SAINT_UI_PHOTO = 16 /* colours of a photo: the screen may round them, because there are too many for its table */
};

typedef struct {
    saint_ui_color fg, bg;
    uint16_t attr;
} saint_ui_style;

typedef struct {
    uint32_t ch;   /* code point; 0 behind a character of two columns */
    uint32_t mark; /* one combining mark, 0 = none */
    saint_ui_color fg, bg;
    uint16_t attr;
    uint8_t width;    /* 1, 2, or 0 for the second half of a character of two columns */
    uint8_t reserved; /* 0: no padding, so equal cells are equal bytes */
} saint_ui_cell;

typedef struct {
    int x, y, w, h;
} saint_ui_rect;

typedef struct {
    int w, h;
    saint_ui_cell *cell; /* [h, w] row-major, owned: saint_ui_canvas_free */
} saint_ui_canvas;

/* What a terminal can show; colours that it lacks are rounded by saint_ui_canvas_reduce. */
typedef enum { SAINT_UI_DIRECT, SAINT_UI_256, SAINT_UI_16, SAINT_UI_8, SAINT_UI_MONO } saint_ui_tier;

enum { SAINT_UI_CANVAS_MOST = 4096 }; /* columns or rows */

/* Make or change the size; all cells become blank. Sizes below 1 and above SAINT_UI_CANVAS_MOST are SAINT_INVALID. */
saint_status saint_ui_canvas_resize(saint_ui_canvas *c, int w, int h, saint_error *err);
void saint_ui_canvas_free(saint_ui_canvas *c); /* NULL is allowed */
/* Every cell a space of this style. */
void saint_ui_canvas_clear(saint_ui_canvas *c, saint_ui_style style);

saint_ui_rect saint_ui_rect_meet(saint_ui_rect a, saint_ui_rect b); /* intersection; w or h 0 when there is none */
bool saint_ui_rect_has(saint_ui_rect r, int x, int y);

/* One character at (x, y) of the canvas. Control characters become spaces, combining marks join the cell before, a character of two
 * columns that would cross the clip becomes a space. style.bg SAINT_UI_COLOR_DEFAULT keeps nothing of what was there. */
void saint_ui_canvas_put(saint_ui_canvas *c, saint_ui_rect clip, int x, int y, uint32_t ch, saint_ui_style style);
/* Change colours and attributes, keep the characters. */
void saint_ui_canvas_restyle(saint_ui_canvas *c, saint_ui_rect area, saint_ui_style style);
/* The cell, or NULL outside. */
const saint_ui_cell *saint_ui_canvas_at(const saint_ui_canvas *c, int x, int y);

/* Round all colours to what the tier shows: the 240 fixed colours of 256, the 16 or 8 of ANSI, none. */
void saint_ui_canvas_reduce(saint_ui_canvas *c, saint_ui_tier tier);
saint_ui_color saint_ui_color_reduce(saint_ui_color c, saint_ui_tier tier);
/* 24-bit value of a colour; palette entries by xterm's table, the default as given. */
uint32_t saint_ui_color_value(saint_ui_color c, uint32_t otherwise);
/* Replace what is not ASCII by the nearest ASCII character of the same width; keep_lines leaves box-drawing lines alone. */
void saint_ui_canvas_to_ascii(saint_ui_canvas *c, bool keep_lines);
uint32_t saint_ui_ascii_of(uint32_t ch);

/* The characters as UTF-8 lines without trailing blanks; with_styles adds the same rectangle once more as one letter per distinct style and
 * a legend. Returns a string for free(), NULL when memory ends. */
char *saint_ui_canvas_dump(const saint_ui_canvas *c, bool with_styles);

#endif
