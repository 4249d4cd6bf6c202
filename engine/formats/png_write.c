#include "base/file.h"
#include "formats/image.h"
#include "formats/image_check.h"
#include "formats/stb.h"

saint_status saint_image_write_png(const saint_image *im, const char *path, saint_error *err)
{
    size_t n;
    saint_picture p = {.w = im->w, .h = im->h};
    saint_status s = saint_picture_size(path, &p, err);
    if (s != SAINT_OK) return s;
    uint8_t *png = saint_stb_png(im->rgb, im->w, im->h, &n);
    if (!png) return saint_fail(err, SAINT_MEMORY, "%s: no memory to compress %dx%d pixels", path, im->w, im->h);
    s = saint_file_write(path, png, n, err);
    saint_stb_free(png);
    return s;
}
