/* The containers that need little: PNG, GIF, BMP, PNM, TGA. JPEG is in jpeg_check.c.
 *
 * stb_image reads past the end of a file as zeros and so turns a cut file into a picture with a black or grey part. An evaluation must
 * not score such a picture: Pillow, which the published processors use, refuses it too. */
#include "formats/image_check.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static uint32_t le16(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }

static uint32_t le32(const uint8_t *p) { return le16(p) | le16(p + 2) << 16; }

static uint32_t be32(const uint8_t *p) { return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]; }

saint_status saint_picture_broken(const char *what, const char *kind, const char *found, saint_error *err)
{
    return saint_fail(err, SAINT_FORMAT, "%s: expected a whole %s picture, found %s; take an intact copy of the file", what, kind, found);
}

saint_status saint_picture_unknown(const char *what, const char *found, saint_error *err)
{
    return saint_fail(err, SAINT_UNSUPPORTED,
                      "%s: expected a JPEG (baseline or progressive, 8 bit), PNG, GIF, BMP, PGM, PPM or TGA picture, found %s; "
                      "convert it, for example with: magick IN OUT.png",
                      what, found);
}

saint_status saint_picture_size(const char *what, const saint_picture *p, saint_error *err)
{
    if (p->w < 1 || p->h < 1)
        return saint_fail(err, SAINT_FORMAT,
                          "%s: expected a picture of at least 1x1 pixels, found %lldx%lld; take an intact copy of the file", what,
                          (long long)p->w, (long long)p->h);
    if (p->w > SAINT_IMAGE_MAX_SIDE || p->h > SAINT_IMAGE_MAX_SIDE || (size_t)p->w * (size_t)p->h > SAINT_IMAGE_MAX_PIXELS)
        return saint_fail(err, SAINT_UNSUPPORTED,
                          "%s: expected sides of at most %d and at most %zu megapixels, found %lldx%lld; scale the picture down first",
                          what, SAINT_IMAGE_MAX_SIDE, SAINT_IMAGE_MAX_PIXELS >> 20, (long long)p->w, (long long)p->h);
    return SAINT_OK;
}

/* ---- PNG ---- */

static void crc_table(uint32_t table[256])
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++) c = (c >> 1) ^ ((c & 1) ? 0xedb88320u : 0);
        table[i] = c;
    }
}

static uint32_t crc32_of(const uint32_t table[256], const uint8_t *p, size_t n)
{
    uint32_t c = ~0u;
    for (size_t i = 0; i < n; i++) c = (c >> 8) ^ table[(c ^ p[i]) & 255];
    return ~c;
}

/* Bytes of the filtered picture that IDAT must inflate to, from above (interlacing adds at most a row start per pass and row). */
static uint64_t png_raw_bytes(const uint8_t *ihdr)
{
    static const int channels[7] = {1, 0, 3, 1, 2, 0, 4};
    uint64_t w = be32(ihdr), h = be32(ihdr + 4), bits = ihdr[8], color = ihdr[9];
    return ((w * bits * (uint64_t)(color < 7 ? channels[color] : 4) + 7) / 8 + 16) * h * 2;
}

static saint_status check_png(const uint8_t *b, size_t n, const char *what, saint_picture *out, saint_error *err)
{
    uint32_t table[256];
    uint64_t idat = 0, raw = 0;
    char found[64];
    crc_table(table);
    for (size_t at = 8;;) {
        if (n - at < 12) return saint_picture_broken(what, "PNG", "the end of the file before IEND", err);
        const uint8_t *c = b + at, *type = c + 4;
        uint32_t len = be32(c);
        if (len > n - at - 12) return saint_picture_broken(what, "PNG", "the end of the file inside a chunk", err);
        bool critical = !(type[0] & 0x20);
        if (memcmp(type, "CgBI", 4) == 0)
            return saint_picture_unknown(what, "an Apple-optimised PNG (CgBI), whose colours are stored otherwise", err);
        if (critical && crc32_of(table, type, len + 4u) != be32(c + 8 + len)) {
            snprintf(found, sizeof found, "a wrong checksum in chunk %.4s", (const char *)type);
            return saint_picture_broken(what, "PNG", found, err);
        }
        if (at == 8) {
            if (memcmp(type, "IHDR", 4) != 0 || len != 13) return saint_picture_broken(what, "PNG", "no IHDR at its start", err);
            out->w = be32(c + 8);
            out->h = be32(c + 12);
            saint_status s = saint_picture_size(what, out, err);
            if (s != SAINT_OK) return s;
            raw = png_raw_bytes(c + 8);
        }
        if (memcmp(type, "IDAT", 4) == 0) idat += len;
        if (memcmp(type, "IEND", 4) == 0) break;
        at += 12 + (size_t)len;
    }
    /* Deflate expands at most 1032 times: too few bytes cannot hold the picture, and far too many would inflate without end. */
    if (idat * 1032 * 2 + 4096 < raw / 2) return saint_picture_broken(what, "PNG", "too few compressed bytes for its size", err);
    if (idat > 65536 + raw) return saint_picture_broken(what, "PNG", "many more compressed bytes than its size needs", err);
    return SAINT_OK;
}

/* ---- GIF: only up to the end of the first frame, an animation is never decoded further ---- */

static bool gif_blocks(const uint8_t *b, size_t n, size_t *at)
{
    for (;;) {
        if (*at >= n) return false;
        size_t len = b[(*at)++];
        if (len == 0) return true;
        if (len > n - *at) return false;
        *at += len;
    }
}

/* The copy ends with the first frame. It has no transparent colour, since Pillow drops alpha and keeps the colour below where stb paints
 * black, and no background colour, which stb paints with red and blue exchanged: what the first frame does not cover is black. */
static saint_status check_gif(const uint8_t *b, size_t n, const char *what, uint8_t *copy, size_t *copied, saint_picture *out,
                              saint_error *err)
{
    const char *cut = "the end of the file inside its first frame";
    if (n < 13) return saint_picture_broken(what, "GIF", cut, err);
    out->w = le16(b + 6);
    out->h = le16(b + 8);
    /* stb needs nine bytes for each pixel of the canvas, however small the frame. */
    if (out->w * out->h > 1 << 25)
        return saint_fail(err, SAINT_UNSUPPORTED, "%s: expected a GIF of at most 32 megapixels, found %lldx%lld; convert it to PNG", what,
                          (long long)out->w, (long long)out->h);
    size_t at = 13 + ((b[10] & 0x80) ? (size_t)6 << (b[10] & 7) : 0);
    memcpy(copy, b, n);
    copy[11] = 0;
    for (;;) {
        if (at >= n) return saint_picture_broken(what, "GIF", cut, err);
        int tag = b[at++];
        if (tag == 0x21) {
            if (n - at >= 3 && b[at] == 0xf9 && b[at + 1] == 4) copy[at + 2] &= 0xfe;
            if (at++ >= n || !gif_blocks(b, n, &at)) return saint_picture_broken(what, "GIF", cut, err);
        } else if (tag == 0x2c) {
            if (n - at < 10) return saint_picture_broken(what, "GIF", cut, err);
            int flags = b[at + 8];
            at += 9 + ((flags & 0x80) ? (size_t)6 << (flags & 7) : 0) + 1;
            if (at >= n || !gif_blocks(b, n, &at)) return saint_picture_broken(what, "GIF", cut, err);
            *copied = at;
            return SAINT_OK;
        } else {
            return saint_picture_broken(what, "GIF", tag == 0x3b ? "no frame" : "an unknown block", err);
        }
    }
}

/* ---- BMP ---- */

/* Every index must have a colour, because stb reads its palette from the stack whether it was filled or not. */
static bool bmp_indices_in_range(const uint8_t *rows, size_t stride, int64_t w, int64_t h, uint32_t bits, uint32_t colours)
{
    for (int64_t y = 0; y < h; y++)
        for (int64_t x = 0; x < w; x++) {
            uint64_t bit = (uint64_t)x * bits;
            uint32_t v = rows[(size_t)y * stride + bit / 8];
            v = (v >> (8 - bits - bit % 8)) & ((1u << bits) - 1);
            if (v >= colours) return false;
        }
    return true;
}

static saint_status check_bmp(const uint8_t *b, size_t n, const char *what, saint_picture *out, saint_error *err)
{
    const char *cut = "the end of the file before the last row";
    if (n < 30) return saint_picture_broken(what, "BMP", cut, err);
    uint32_t offset = le32(b + 10), header = le32(b + 14), bits;
    if (header == 12) {
        out->w = le16(b + 18);
        out->h = le16(b + 20);
        bits = le16(b + 24);
    } else {
        if (n < 54) return saint_picture_broken(what, "BMP", cut, err);
        out->w = (int32_t)le32(b + 18);
        out->h = (int32_t)le32(b + 22);
        if (out->h < 0) out->h = -out->h;
        bits = le16(b + 28);
        if (le32(b + 30) != 0 && le32(b + 30) != 3) return saint_picture_unknown(what, "a compressed BMP", err);
    }
    saint_status s = saint_picture_size(what, out, err);
    if (s != SAINT_OK) return s;
    if (header == 12 && bits < 24) return saint_picture_unknown(what, "an OS/2 BMP with a palette", err);
    if (bits != 1 && bits != 4 && bits != 8 && bits != 16 && bits != 24 && bits != 32)
        return saint_picture_broken(what, "BMP", "an impossible number of bits per pixel", err);
    uint64_t stride = ((uint64_t)out->w * bits + 31) / 32 * 4;
    uint64_t need = offset + stride * (uint64_t)(out->h - 1) + ((uint64_t)out->w * bits + 7) / 8;
    if (offset < 14u + header || header > n) return saint_picture_broken(what, "BMP", "rows that begin inside the header", err);
    if (need > n) return saint_picture_broken(what, "BMP", cut, err);
    if (bits < 16 && !bmp_indices_in_range(b + offset, (size_t)stride, out->w, out->h, bits, (offset - 14 - header) / 4))
        return saint_picture_broken(what, "BMP", "a pixel beyond its palette", err);
    return SAINT_OK;
}

/* ---- PNM ---- */

static bool pnm_number(const uint8_t *b, size_t n, size_t *at, int64_t *value)
{
    for (;;) {
        while (*at < n && (b[*at] == ' ' || (b[*at] >= '\t' && b[*at] <= '\r'))) (*at)++;
        if (*at >= n || b[*at] != '#') break;
        while (*at < n && b[*at] != '\n') (*at)++;
    }
    size_t first = *at;
    *value = 0;
    while (*at < n && b[*at] >= '0' && b[*at] <= '9' && *value < 1000000) *value = *value * 10 + (b[(*at)++] - '0');
    return *at > first;
}

static saint_status check_pnm(const uint8_t *b, size_t n, const char *what, saint_picture *out, saint_error *err)
{
    size_t at = 2;
    int64_t maxval;
    if (b[1] != '5' && b[1] != '6') return saint_picture_unknown(what, "a PNM file other than binary PGM (P5) or PPM (P6)", err);
    if (!pnm_number(b, n, &at, &out->w) || !pnm_number(b, n, &at, &out->h) || !pnm_number(b, n, &at, &maxval))
        return saint_picture_broken(what, "PNM", "no width, height and largest value in its header", err);
    if (maxval < 1 || maxval > 65535) return saint_picture_broken(what, "PNM", "a largest value outside 1..65535", err);
    saint_status s = saint_picture_size(what, out, err);
    if (s != SAINT_OK) return s;
    out->data = at + 1; /* exactly one white space ends the header */
    out->maxval = (int)maxval;
    out->planes = b[1] == '6' ? 3 : 1;
    uint64_t need = (uint64_t)out->w * (uint64_t)out->h * (uint64_t)out->planes * (maxval > 255 ? 2 : 1);
    if (out->data > n || need > n - out->data) return saint_picture_broken(what, "PNM", "the end of the file before the last row", err);
    return SAINT_OK;
}

/* ---- TGA: has no magic, so the header must make sense ---- */

static bool looks_like_tga(const uint8_t *b, size_t n)
{
    if (n < 18 || b[1] > 1) return false;
    int type = b[2] & 7, bits = b[16];
    if (b[2] != type && b[2] != type + 8) return false;
    if (b[1] == 1) return type == 1 && (bits == 8 || bits == 16) && (b[7] == 15 || b[7] == 16 || b[7] == 24 || b[7] == 32);
    return (type == 3 && bits == 8) || (type == 3 && bits == 16) || (type == 2 && (bits == 15 || bits == 16 || bits == 24 || bits == 32));
}

static saint_status check_tga(const uint8_t *b, size_t n, const char *what, saint_picture *out, saint_error *err)
{
    const char *cut = "the end of the file before the last row";
    out->w = le16(b + 12);
    out->h = le16(b + 14);
    saint_status s = saint_picture_size(what, out, err);
    if (s != SAINT_OK) return s;
    size_t pixels = (size_t)out->w * (size_t)out->h, bytes = (b[16] + 7u) / 8, at = 18u + b[0];
    if (b[1] == 1) {
        if (le16(b + 3) != 0) return saint_picture_unknown(what, "a TGA whose palette does not begin at 0", err);
        at += (size_t)le16(b + 5) * ((b[7] + 7u) / 8);
    }
    if (b[17] & 0x10) return saint_picture_unknown(what, "a TGA stored from right to left", err);
    if (at > n) return saint_picture_broken(what, "TGA", cut, err);
    if (b[2] < 8) return pixels * bytes > n - at ? saint_picture_broken(what, "TGA", cut, err) : SAINT_OK;
    for (size_t done = 0; done < pixels;) {
        if (at >= n) return saint_picture_broken(what, "TGA", cut, err);
        size_t run = (b[at] & 127u) + 1, size = b[at] & 128 ? bytes : run * bytes;
        at++;
        if (size > n - at) return saint_picture_broken(what, "TGA", cut, err);
        at += size;
        done += run;
    }
    return SAINT_OK;
}

/* ---- all ---- */

/* Files that people do hand in, so that the line can name them. NULL: not known. */
static const char *other_kind(const uint8_t *b, size_t n)
{
    static const struct {
        const char *magic;
        size_t at, n;
        const char *name;
    } known[] = {{"WEBP", 8, 4, "a WebP file"},
                 {"ftypavif", 4, 8, "an AVIF file"},
                 {"ftypheic", 4, 8, "a HEIC file"},
                 {"ftypmif1", 4, 8, "a HEIF file"},
                 {"II*\0", 0, 4, "a TIFF file"},
                 {"MM\0*", 0, 4, "a TIFF file"},
                 {"8BPS", 0, 4, "a Photoshop file"},
                 {"\0\0\1\0", 0, 4, "an icon file"},
                 {"%PDF", 0, 4, "a PDF file"},
                 {"jP  ", 4, 4, "a JPEG 2000 file"},
                 {"\xff\x4f\xff\x51", 0, 4, "a JPEG 2000 file"},
                 {"\xff\x0a", 0, 2, "a JPEG XL file"},
                 {"JXL ", 4, 4, "a JPEG XL file"},
                 {"#?RADIANCE", 0, 10, "a Radiance HDR file"},
                 {"\x76\x2f\x31\x01", 0, 4, "an OpenEXR file"},
                 {"<svg", 0, 4, "an SVG file"},
                 {"<?xml", 0, 5, "an XML file"},
                 {"\x1f\x8b", 0, 2, "a gzip file"},
                 {"PK\3\4", 0, 4, "a zip file"},
                 {"<!DOCTYPE", 0, 9, "a web page"},
                 {"<html", 0, 5, "a web page"},
                 {"version https://git-lfs", 0, 23, "a Git LFS pointer (the picture itself was not fetched)"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (n >= known[i].at + known[i].n && memcmp(b + known[i].at, known[i].magic, known[i].n) == 0) return known[i].name;
    return NULL;
}

saint_status saint_picture_check(const uint8_t *b, size_t n, const char *what, uint8_t *copy, size_t *copied, saint_picture *out,
                                 saint_error *err)
{
    *out = (saint_picture){0};
    *copied = 0;
    const char *other = other_kind(b, n);
    saint_status s;
    if (n == 0) return saint_fail(err, SAINT_FORMAT, "%s: expected a picture, found an empty file; take an intact copy of the file", what);
    if (n > SAINT_IMAGE_MAX_FILE)
        return saint_fail(err, SAINT_UNSUPPORTED,
                          "%s: expected a picture file of at most %zu MiB, found %zu bytes; scale the picture down first", what,
                          SAINT_IMAGE_MAX_FILE >> 20, n);
    if (other) return saint_picture_unknown(what, other, err);
    if (n >= 3 && memcmp(b, "\xff\xd8\xff", 3) == 0) {
        out->kind = SAINT_PICTURE_JPEG;
        s = saint_picture_check_jpeg(b, n, what, copy, copied, out, err);
    } else if (n >= 8 && memcmp(b, "\x89PNG\r\n\x1a\n", 8) == 0) {
        out->kind = SAINT_PICTURE_PNG;
        s = check_png(b, n, what, out, err);
    } else if (n >= 6 && (memcmp(b, "GIF87a", 6) == 0 || memcmp(b, "GIF89a", 6) == 0)) {
        out->kind = SAINT_PICTURE_GIF;
        s = check_gif(b, n, what, copy, copied, out, err);
    } else if (n >= 2 && memcmp(b, "BM", 2) == 0) {
        out->kind = SAINT_PICTURE_BMP;
        s = check_bmp(b, n, what, out, err);
    } else if (n >= 3 && b[0] == 'P' && b[1] >= '1' && b[1] <= '7' && (b[2] <= ' ' || b[2] == '#')) {
        out->kind = SAINT_PICTURE_PNM;
        s = check_pnm(b, n, what, out, err);
    } else if (looks_like_tga(b, n)) {
        out->kind = SAINT_PICTURE_TGA;
        s = check_tga(b, n, what, out, err);
    } else {
        char found[64];
        snprintf(found, sizeof found, "a file that begins with bytes %02x %02x %02x %02x", b[0], n > 1 ? b[1] : 0, n > 2 ? b[2] : 0,
                 n > 3 ? b[3] : 0);
        return saint_picture_unknown(what, found, err);
    }
    return s != SAINT_OK ? s : saint_picture_size(what, out, err);
}
