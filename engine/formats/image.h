/* image.h - pictures in and out, and the exact arithmetic of Pillow's resize. */
#ifndef SAINT_FORMATS_IMAGE_H
#define SAINT_FORMATS_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct {
    int w, h;
    uint8_t *rgb; /* [h, w, 3] row-major, owned by whoever loaded it: saint_image_free */
} saint_image;

/* Decode JPEG, PNG, BMP, GIF (first frame), PNM, TGA... by stb_image into 8-bit RGB; alpha is dropped, EXIF is not applied (as LLaVA's
 * loaders do). Files over 256 MiB, sides over 32768 and pictures over 128 megapixels are refused before any decoding, and so are files
 * that were cut anywhere or, for PNG, whose checksums do not match: a partly grey picture must not be scored.
 * Against Pillow: JPEG differs by the decoder's rounding (below one level on average); 16-bit grey is scaled to 8 bits where
 * Pillow's convert("RGB") clips it. */
saint_status saint_image_load(const char *path, saint_image *out, saint_error *err);
saint_status saint_image_decode(const void *bytes, size_t n, const char *what, saint_image *out, saint_error *err);
void saint_image_free(saint_image *im); /* NULL is allowed */
saint_status saint_image_new(int w, int h, saint_image *out, saint_error *err); /* black */

typedef enum { SAINT_RESAMPLE_BILINEAR, SAINT_RESAMPLE_BICUBIC } saint_resample;

/* Pillow's Image.resize, bit for bit (two passes, 22-bit fixed point, antialiased; evaluation.md 2.3). Horizontal pass first, as in all
 * Pillow versions below 13, with which the published results were made; 13 does the vertical one first where the height shrinks much
 * more than the width. */
saint_status saint_image_resize(const saint_image *in, int w, int h, saint_resample filter, saint_image *out, saint_error *err);

/* PNG, 8-bit RGB, written beside and renamed. */
saint_status saint_image_write_png(const saint_image *im, const char *path, saint_error *err);

#endif
