/* A walk over all segments of a JPEG file before stb_image decodes it.
 *
 * stb_image 2.27 trusts Huffman counts (a table of more than 256 symbols overruns its arrays), decodes with tables that were never
 * defined, paints grey where data are missing, and gives up at a byte of junk between two segments, which libjpeg skips. So the walk
 * copies what it has checked, and stb sees nothing but that copy. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "formats/image_check.h"

/* A picture may have many scans, and each costs a pass over its blocks: this many blocks are some seconds of work. */
#define MOST_BLOCKS ((uint64_t)1 << 28)

typedef struct {
    const uint8_t *b;
    size_t n, at;
    const char *what;
    saint_error *err;
    bool have_frame, progressive;
    int comps;
    uint8_t id[4], h[4], v[4], tq[4];
    uint64_t blocks[4], work;
    unsigned dc, ac, quant; /* bit i: table i is defined */
    unsigned seen;          /* bit i: component i has had a scan */
    saint_picture *out;
    uint8_t *copy;
    size_t copied;
} walk;

static saint_status broken(const walk *j, const char *found) { return saint_picture_broken(j->what, "JPEG", found, j->err); }

/* The next marker, past fill bytes and, as in libjpeg, junk and stray restart markers; -1 at the end of the file. */
static int next_marker(walk *j)
{
    for (;;) {
        while (j->at < j->n && j->b[j->at] != 0xff) j->at++;
        while (j->at < j->n && j->b[j->at] == 0xff) j->at++;
        if (j->at >= j->n) return -1;
        int marker = j->b[j->at++];
        if (marker > 1 && !(marker >= 0xd0 && marker <= 0xd7)) return marker;
    }
}

static void keep(walk *j, const uint8_t *p, size_t n)
{
    memcpy(j->copy + j->copied, p, n);
    j->copied += n;
}

static saint_status huffman_tables(walk *j, const uint8_t *p, size_t n)
{
    while (n) {
        if (n < 17 || (p[0] >> 4) > 1 || (p[0] & 15) > 3) return broken(j, "a damaged Huffman table");
        size_t symbols = 0;
        for (int i = 1; i <= 16; i++) symbols += p[i];
        if (symbols > 256 || symbols > n - 17) return broken(j, "a Huffman table with too many codes");
        unsigned bit = 1u << (p[0] & 15);
        if (p[0] >> 4) j->ac |= bit;
        else j->dc |= bit;
        p += 17 + symbols;
        n -= 17 + symbols;
    }
    return SAINT_OK;
}

static saint_status quantisation_tables(walk *j, const uint8_t *p, size_t n)
{
    while (n) {
        size_t size = (p[0] >> 4) ? 129 : 65;
        if ((p[0] >> 4) > 1 || (p[0] & 15) > 3 || n < size) return broken(j, "a damaged quantisation table");
        j->quant |= 1u << (p[0] & 15);
        p += size;
        n -= size;
    }
    return SAINT_OK;
}

static saint_status frame(walk *j, int marker, const uint8_t *p, size_t n)
{
    if (j->have_frame) return broken(j, "two frame headers");
    if (marker == 0xc3 || marker == 0xc7 || marker == 0xcb || marker == 0xcf)
        return saint_picture_unknown(j->what, "a lossless JPEG", j->err);
    if (marker >= 0xc9) return saint_picture_unknown(j->what, "a JPEG with arithmetic coding", j->err);
    if (marker >= 0xc5) return saint_picture_unknown(j->what, "a hierarchical JPEG", j->err);
    if (n < 6) return broken(j, "a cut frame header");
    if (p[0] != 8) {
        char found[48];
        snprintf(found, sizeof found, "a JPEG of %d bits per sample", p[0]);
        return saint_picture_unknown(j->what, found, j->err);
    }
    j->out->h = p[1] << 8 | p[2];
    j->out->w = p[3] << 8 | p[4];
    j->comps = p[5];
    if (j->out->h == 0) return saint_picture_unknown(j->what, "a JPEG whose height is given after its data", j->err);
    saint_status s = saint_picture_size(j->what, j->out, j->err);
    if (s != SAINT_OK) return s;
    if (j->comps != 1 && j->comps != 3 && j->comps != 4)
        return saint_picture_unknown(j->what, "a JPEG of neither 1, 3 nor 4 components", j->err);
    if (n != 6 + 3 * (size_t)j->comps) return broken(j, "a frame header of the wrong length");
    int hmax = 1, vmax = 1;
    for (int i = 0; i < j->comps; i++) {
        const uint8_t *c = p + 6 + 3 * i;
        j->id[i] = c[0];
        j->h[i] = c[1] >> 4;
        j->v[i] = c[1] & 15;
        j->tq[i] = c[2];
        if (!j->h[i] || j->h[i] > 4 || !j->v[i] || j->v[i] > 4 || j->tq[i] > 3) return broken(j, "impossible sampling factors");
        if (j->h[i] > hmax) hmax = j->h[i];
        if (j->v[i] > vmax) vmax = j->v[i];
    }
    uint64_t all = 0;
    for (int i = 0; i < j->comps; i++) {
        if (hmax % j->h[i] || vmax % j->v[i]) return saint_picture_unknown(j->what, "a JPEG with fractional chroma sampling", j->err);
        uint64_t w = ((uint64_t)j->out->w * j->h[i] + (uint64_t)hmax - 1) / (uint64_t)hmax;
        uint64_t h = ((uint64_t)j->out->h * j->v[i] + (uint64_t)vmax - 1) / (uint64_t)vmax;
        j->blocks[i] = (w + 7) / 8 * ((h + 7) / 8);
        all += j->blocks[i];
    }
    /* Each block takes one bit or more: a header that promises a huge picture on few bytes costs no memory. */
    if (all / 8 > j->n) return broken(j, "far too few bytes for its size");
    j->have_frame = true;
    j->progressive = marker == 0xc2;
    return SAINT_OK;
}

static saint_status scan(walk *j, const uint8_t *p, size_t n)
{
    if (!j->have_frame) return broken(j, "picture data before the frame header");
    size_t comps = n ? p[0] : 0;
    if (comps < 1 || comps > (size_t)j->comps || n != 4 + 2 * comps) return broken(j, "a damaged scan header");
    bool needs_dc = p[1 + 2 * comps] == 0 && (!j->progressive || (p[3 + 2 * comps] >> 4) == 0);
    bool needs_ac = !j->progressive || p[1 + 2 * comps] > 0;
    for (size_t k = 0; k < comps; k++) {
        int i = 0;
        while (i < j->comps && j->id[i] != p[1 + 2 * k]) i++;
        int td = p[2 + 2 * k] >> 4, ta = p[2 + 2 * k] & 15;
        if (i == j->comps || td > 3 || ta > 3) return broken(j, "a damaged scan header");
        if ((needs_dc && !(j->dc >> td & 1)) || (needs_ac && !(j->ac >> ta & 1))) return broken(j, "data whose Huffman table is missing");
        if (!(j->quant >> j->tq[i] & 1)) return broken(j, "data whose quantisation table is missing");
        j->seen |= 1u << i;
        j->work += j->blocks[i];
    }
    if (j->work > MOST_BLOCKS) return broken(j, "more scans than any real picture has");
    return SAINT_OK;
}

/* From the first byte of entropy-coded data to the marker behind it. */
static void skip_data(walk *j)
{
    while (j->at + 1 < j->n) {
        const uint8_t *ff = memchr(j->b + j->at, 0xff, j->n - j->at);
        if (!ff) break;
        j->at = (size_t)(ff - j->b);
        size_t k = j->at + 1; /* fill bytes may stand before the marker */
        while (k < j->n && j->b[k] == 0xff) k++;
        if (k == j->n) break;
        if (j->b[k] != 0 && !(j->b[k] >= 0xd0 && j->b[k] <= 0xd7)) return;
        j->at = k + 1;
    }
    j->at = j->n;
}

/* Check one segment of `len` bytes at `at` (length field included) and keep it when a decoder needs it. */
static saint_status segment(walk *j, int marker, size_t len)
{
    const uint8_t *body = j->b + j->at + 2;
    saint_status s = SAINT_OK;
    if (marker == 0xc4) s = huffman_tables(j, body, len - 2);
    else if (marker == 0xdb) s = quantisation_tables(j, body, len - 2);
    else if (marker == 0xcc) s = saint_picture_unknown(j->what, "a JPEG with arithmetic coding", j->err);
    else if (marker == 0xda) s = scan(j, body, len - 2);
    else if (marker == 0xdd) s = len == 4 ? SAINT_OK : broken(j, "a damaged restart interval");
    else if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc8) s = frame(j, marker, body, len - 2);
    else if (marker != 0xe0 && marker != 0xee) return marker >= 0xe0 && marker != 0xf0 ? SAINT_OK : broken(j, "an unknown marker");
    if (s != SAINT_OK) return s;
    keep(j, (const uint8_t[]){0xff, (uint8_t)marker}, 2); /* JFIF and Adobe segments tell the colour space and stay too */
    keep(j, j->b + j->at, len);
    return SAINT_OK;
}

saint_status saint_picture_check_jpeg(const uint8_t *b, size_t n, const char *what, uint8_t *copy, size_t *copied, saint_picture *out,
                                      saint_error *err)
{
    walk j = {.b = b, .n = n, .at = 2, .what = what, .err = err, .out = out, .copy = copy};
    keep(&j, b, 2);
    for (;;) {
        int marker = next_marker(&j);
        if (marker < 0)
            return broken(&j, j.seen ? "the end of the file before the end of the picture" : "the end of the file before any data");
        if (marker == 0xd9) break;
        if (marker == 0xd8) return broken(&j, "a second beginning of a picture");
        if (n - j.at < 2) return broken(&j, "the end of the file inside a segment");
        size_t len = (size_t)b[j.at] << 8 | b[j.at + 1];
        if (len < 2 || len > n - j.at) return broken(&j, "the end of the file inside a segment");
        saint_status s = segment(&j, marker, len);
        if (s != SAINT_OK) return s;
        j.at += len;
        if (marker == 0xda) {
            size_t from = j.at;
            skip_data(&j);
            keep(&j, b + from, j.at - from);
        }
    }
    if (!j.have_frame || j.seen != (1u << j.comps) - 1) return broken(&j, "the end of the picture before all of its data");
    keep(&j, (const uint8_t[]){0xff, 0xd9}, 2);
    *copied = j.copied;
    return SAINT_OK;
}
