/* stb.h - the two calls that we make into stb_image and stb_image_write; private to engine/formats. */
#ifndef SAINT_FORMATS_STB_H
#define SAINT_FORMATS_STB_H

#include <stddef.h>
#include <stdint.h>

/* Decode bytes that saint_picture_check has passed into RGB [h, w, 3]. NULL on failure, then *why is stb's own words. Owned by the caller:
 * saint_stb_free. */
uint8_t *saint_stb_decode(const uint8_t *bytes, size_t n, int *w, int *h, const char **why);
/* rgb [h, w, 3] as a PNG file in memory of *n bytes; NULL when memory is exhausted. Owned by the caller: saint_stb_free. */
uint8_t *saint_stb_png(const uint8_t *rgb, int w, int h, size_t *n);
void saint_stb_free(void *p);

#endif
