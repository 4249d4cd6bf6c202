/* dither.h - photos in the 240 fixed colours: two of them in a fixed pattern where no single one comes near. */
#ifndef SAINT_VIEWS_DITHER_H
#define SAINT_VIEWS_DITHER_H

#include <stdint.h>

/* What was found out for colours seen before; zeroed at first. A plain value of the caller's. */
enum { SAINT_UI_MIXES = 8192 };
typedef struct {
    struct {
        uint32_t of;               /* colour + 1 at 6 bits a channel, 0 = empty */
        uint8_t a[3], b[3], share; /* share: sixteenths of b */
    } mix[SAINT_UI_MIXES];
} saint_ui_mixes;

/* rgb [h, w, 3] becomes colours of the 6 x 6 x 6 cube and the 24 greys, whose mean over a few pixels is the colour that was there. The
 * pattern depends on nothing but the place, so that what does not change does not flicker. */
void saint_ui_dither(uint8_t *rgb, int w, int h, saint_ui_mixes *mixes);

#endif
