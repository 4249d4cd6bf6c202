/* picture.h - pictures that tests draw themselves; tests/oracle/preprocess_vectors.py draws the same bytes. */
#ifndef SAINT_TESTS_SUPPORT_PICTURE_H
#define SAINT_TESTS_SUPPORT_PICTURE_H

#include "formats/image.h"
#include "support/test.h"

/* Smooth ramps on the left, hard noise on the right. */
static inline saint_image draw_picture(int w, int h, uint32_t seed)
{
    saint_image im;
    assert_ok(saint_image_new(w, h, &im, err));
    uint8_t *p = im.rgb;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int c = 0; c < 3; c++) {
                seed = seed * 1664525u + 1013904223u;
                *p++ = (uint8_t)(2 * x < w ? (x * (c + 2) + y * (4 - c)) & 255 : (int)(seed >> 24));
            }
    return im;
}

#endif
