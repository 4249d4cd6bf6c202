/* picture.h - a canvas as pixels: screenshots without a terminal. */
#ifndef SAINT_VIEWS_PICTURE_H
#define SAINT_VIEWS_PICTURE_H

#include "engine.h"
#include "views/canvas.h"

enum { SAINT_UI_PICTURE_CELL_W = 12, SAINT_UI_PICTURE_CELL_H = 24 };

/* Draw every cell into 12 x 24 pixels; ground and ink (0xrrggbb) stand for the terminal's own colours. Letters come from a small font of
 * our own, blocks, lines, braille and the symbols of the views are drawn; other characters become boxes. *out is made here:
 * saint_image_free. */
saint_status saint_ui_picture(const saint_ui_canvas *c, uint32_t ground, uint32_t ink, saint_image *out, saint_error *err);

#endif
