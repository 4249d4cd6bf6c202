/* image_check.h - what a picture file says about itself, read before any decoder sees it; private to engine/formats. */
#ifndef SAINT_FORMATS_IMAGE_CHECK_H
#define SAINT_FORMATS_IMAGE_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { SAINT_IMAGE_MAX_SIDE = 32768 };
#define SAINT_IMAGE_MAX_PIXELS ((size_t)128 << 20)
#define SAINT_IMAGE_MAX_FILE ((size_t)256 << 20)

typedef enum {
    SAINT_PICTURE_JPEG,
    SAINT_PICTURE_PNG,
    SAINT_PICTURE_GIF,
    SAINT_PICTURE_BMP,
    SAINT_PICTURE_PNM,
    SAINT_PICTURE_TGA
} saint_picture_kind;

typedef struct {
    saint_picture_kind kind;
    int64_t w, h;
    size_t data;        /* PNM: where the samples start */
    int maxval, planes; /* PNM: largest sample; 1 or 3 */
} saint_picture;

/* Tell the kind and size of a picture of n bytes at b, and refuse in one line what is cut short, damaged in a way that stb_image would
 * not notice (or not survive), too large, or of a kind that is not implemented. Allocates nothing.
 * copy [n] receives *copied bytes when the file is a JPEG or a GIF: the parts that were checked, and only these are safe to decode;
 * for the other kinds *copied is 0 and b itself is. */
saint_status saint_picture_check(const uint8_t *b, size_t n, const char *what, uint8_t *copy, size_t *copied, saint_picture *out,
                                 saint_error *err);
saint_status saint_picture_check_jpeg(const uint8_t *b, size_t n, const char *what, uint8_t *copy, size_t *copied, saint_picture *out,
                                      saint_error *err);

/* One line each: a damaged file, a kind that we do not read. */
saint_status saint_picture_broken(const char *what, const char *kind, const char *found, saint_error *err);
saint_status saint_picture_unknown(const char *what, const char *found, saint_error *err);
saint_status saint_picture_size(const char *what, const saint_picture *p, saint_error *err);

#endif
