/* photo_draw.h - the overlay on the pixels, and the pixels on the cells. Private to photo.c. */
#ifndef SAINT_VIEWS_PHOTO_DRAW_H
#define SAINT_VIEWS_PHOTO_DRAW_H

#include "views/photo.h"

/* Draw the overlay into cache->drawn and put it on the pen's area, whose cells divide the pixels evenly. */
void saint_ui_photo_compose(saint_ui_pen p, const saint_ui_photo *ph, saint_ui_photo_cache *c);

#endif
