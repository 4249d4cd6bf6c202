/* The only translation unit that contains stb. Its warnings are silenced here and nowhere else. */
#include "formats/stb.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* One buffer of the largest picture we accept (128 megapixels, RGBA, 16 bit) is 1 GiB; anything above is a decompression bomb. */
#define LARGEST_BUFFER ((size_t)5 << 28)

/* Buffers start as zeros: a file that leaves part of a table or of a picture undefined gives the same pixels each time, not old heap. */
static void *stb_new(size_t n)
{
    return n > LARGEST_BUFFER ? NULL : calloc(1, n ? n : 1);
}

static void *stb_grow(void *p, size_t old, size_t n)
{
    if (n > LARGEST_BUFFER) return NULL;
    char *q = realloc(p, n);
    if (q && n > old) memset(q + old, 0, n - old);
    return q;
}

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_NO_STDIO
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STBI_NO_PSD
#define STBI_NO_PIC
#define STBI_NO_PNM /* 2.27 mixes up 8 and 16 bit there; image.c reads PNM itself */
#define STBI_MAX_DIMENSIONS 32768
#define STBI_ASSERT(x) ((void)0) /* the engine never aborts; the fuzzers and sanitizers watch what an assert would */
#define STBI_MALLOC(n) stb_new(n)
#define STBI_REALLOC_SIZED(p, old, n) stb_grow(p, old, n)
#define STBI_REALLOC(p, n) stb_grow(p, n, n)
#define STBI_FREE(p) free(p)

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#define STBIW_ASSERT(x) ((void)0)

#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wimplicit-fallthrough"
#pragma GCC diagnostic ignored "-Wpedantic"
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <stb_image.h>
#include <stb_image_write.h>

uint8_t *saint_stb_decode(const uint8_t *bytes, size_t n, int *w, int *h, const char **why)
{
    int channels;
    *why = "";
    if (n > INT_MAX) {
        *why = "too many bytes";
        return NULL;
    }
    uint8_t *rgb = stbi_load_from_memory(bytes, (int)n, w, h, &channels, 3);
    if (!rgb) *why = stbi_failure_reason() ? stbi_failure_reason() : "no reason given";
    return rgb;
}

uint8_t *saint_stb_png(const uint8_t *rgb, int w, int h, size_t *n)
{
    int bytes = 0;
    uint8_t *png = stbi_write_png_to_mem(rgb, 0, w, h, 3, &bytes);
    *n = (size_t)bytes;
    return png;
}

void saint_stb_free(void *p)
{
    free(p);
}
