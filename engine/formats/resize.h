/* resize.h - Pillow's resize on a window of a padded canvas; private to engine/formats.
 *
 * A centre crop of a very long picture, or a very long picture padded to a square, would be gigabytes if it were made first and cut after.
 * Every output sample depends on its own row and column only, so the window alone is computed, with the same bits. */
#ifndef SAINT_FORMATS_RESIZE_H
#define SAINT_FORMATS_RESIZE_H

#include "formats/image.h"

/* A w x h canvas of one colour with the photo pasted at (x, y); the photo lies inside. Borrows the photo. */
typedef struct {
    const saint_image *photo;
    int w, h, x, y;
    uint8_t colour[3];
} saint_canvas;

/* out (made here, owned by the caller) = columns x0..x0+w-1 and rows y0..y0+h-1 of Image.resize((full_w, full_h), filter) of the canvas. */
saint_status saint_canvas_resize(const saint_canvas *in, int full_w, int full_h, int x0, int y0, int w, int h, saint_resample filter,
                                 saint_image *out, saint_error *err);

#endif
