/* glyphs.h - the shapes of characters, for pictures of a canvas. Private to picture.c. */
#ifndef SAINT_VIEWS_GLYPHS_H
#define SAINT_VIEWS_GLYPHS_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the point (x, y) of a cell of 12 x 24 units is ink. */
bool saint_ui_glyph_ink(uint32_t ch, bool bold, double x, double y);

#endif
