#include "formats/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "formats/image_check.h"
#include "formats/stb.h"

saint_status saint_image_new(int w, int h, saint_image *out, saint_error *err)
{
    *out = (saint_image){0};
    if (w < 1 || h < 1 || w > SAINT_IMAGE_MAX_SIDE || h > SAINT_IMAGE_MAX_SIDE || (size_t)w * (size_t)h > SAINT_IMAGE_MAX_PIXELS)
        return saint_fail(err, SAINT_INVALID, "picture: expected sides of 1 to %d and at most %zu megapixels, found %dx%d",
                          SAINT_IMAGE_MAX_SIDE, SAINT_IMAGE_MAX_PIXELS >> 20, w, h);
    out->rgb = calloc((size_t)w * (size_t)h, 3);
    if (!out->rgb) return saint_fail(err, SAINT_MEMORY, "picture: no memory for %dx%d pixels", w, h);
    out->w = w;
    out->h = h;
    return SAINT_OK;
}

void saint_image_free(saint_image *im)
{
    if (!im) return;
    free(im->rgb);
    *im = (saint_image){0};
}

/* Samples are scaled to 0..255 by rounding v * 255 / maxval, as Pillow does. */
static saint_status decode_pnm(const uint8_t *b, const saint_picture *p, saint_image *out, saint_error *err)
{
    saint_status s = saint_image_new((int)p->w, (int)p->h, out, err);
    if (s != SAINT_OK) return s;
    const uint8_t *q = b + p->data;
    size_t pixels = (size_t)p->w * (size_t)p->h;
    unsigned maxval = (unsigned)p->maxval;
    for (size_t i = 0; i < pixels; i++)
        for (int c = 0; c < 3; c++) {
            if (c < p->planes) {
                unsigned v = *q++;
                if (maxval > 255) v = v << 8 | *q++;
                v = (v * 255 * 2 + maxval) / (maxval * 2);
                out->rgb[3 * i + (size_t)c] = (uint8_t)(v > 255 ? 255 : v);
            } else {
                out->rgb[3 * i + (size_t)c] = out->rgb[3 * i];
            }
        }
    return SAINT_OK;
}

static saint_status decode_checked(const uint8_t *b, size_t n, const saint_picture *p, const char *what, saint_image *out, saint_error *err)
{
    static const char *const names[] = {"JPEG", "PNG", "GIF", "BMP", "PNM", "TGA"};
    if (p->kind == SAINT_PICTURE_PNM) return decode_pnm(b, p, out, err);
    const char *why;
    int w = 0, h = 0;
    uint8_t *rgb = saint_stb_decode(b, n, &w, &h, &why);
    if (!rgb && strcmp(why, "outofmem") == 0)
        return saint_fail(err, SAINT_MEMORY, "%s: no memory to decode %lldx%lld pixels", what, (long long)p->w, (long long)p->h);
    if (!rgb) {
        char found[96];
        snprintf(found, sizeof found, "data that do not decode (%s)", why);
        return saint_picture_broken(what, names[p->kind], found, err);
    }
    if (w != p->w || h != p->h) {
        saint_stb_free(rgb);
        return saint_picture_broken(what, names[p->kind], "two sizes in one file", err);
    }
    *out = (saint_image){.w = w, .h = h, .rgb = rgb};
    return SAINT_OK;
}

saint_status saint_image_decode(const void *bytes, size_t n, const char *what, saint_image *out, saint_error *err)
{
    const uint8_t *b = bytes;
    saint_picture p;
    size_t copied = 0;
    *out = (saint_image){0};
    uint8_t *copy = n <= SAINT_IMAGE_MAX_FILE ? malloc(n + 1) : NULL; /* a larger file is refused before the copy is touched */
    if (!copy && n <= SAINT_IMAGE_MAX_FILE) return saint_fail(err, SAINT_MEMORY, "%s: no memory for %zu bytes", what, n);
    saint_status s = saint_picture_check(b, n, what, copy, &copied, &p, err);
    if (s == SAINT_OK) s = decode_checked(copied ? copy : b, copied ? copied : n, &p, what, out, err);
    free(copy);
    return s;
}

saint_status saint_image_load(const char *path, saint_image *out, saint_error *err)
{
    char *bytes = NULL;
    size_t n = 0;
    *out = (saint_image){0};
    saint_status s = saint_file_read(path, SAINT_IMAGE_MAX_FILE, &bytes, &n, err); /* not a map: a file that shrinks must not be a SIGBUS */
    if (s == SAINT_OK) s = saint_image_decode(bytes, n, path, out, err);
    free(bytes);
    return s;
}
