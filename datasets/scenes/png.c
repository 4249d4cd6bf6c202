/* png.c - a quick PNG writer: the picture's noise leaves nothing to find for a search of repeats, so filters and one Huffman code do
 * nearly as well as a full deflate and take a tenth of the time. Format: RFC 2083, RFC 1950, RFC 1951. */
#include "scenes/internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- filters ------------------------------------------------------------------------------------------------------ */

static int absolute(int v)
{
    return v < 0 ? -v : v;
}

/* The row as differences to what is left and above; type 1 left, 2 above, 3 the mean of both, which averages noise away. Paeth's filter
 * is slower and no better on noise. Rows start with three zero bytes of margin. */
static void filter_row(int type, const uint8_t *row, const uint8_t *above, size_t n, uint8_t *out)
{
    if (type == 1)
        for (size_t i = 0; i < n; i++) out[i] = (uint8_t)(row[i] - *(row + i - 3));
    else if (type == 2)
        for (size_t i = 0; i < n; i++) out[i] = (uint8_t)(row[i] - above[i]);
    else
        for (size_t i = 0; i < n; i++) out[i] = (uint8_t)(row[i] - (*(row + i - 3) + above[i]) / 2);
}

static long cost_of(const uint8_t *v, size_t n)
{
    long sum = 0;
    for (size_t i = 0; i < n; i++) sum += absolute((int8_t)v[i]);
    return sum;
}

static void filter(const uint8_t *rgb, int w, int h, uint8_t *out, uint8_t *work)
{
    static const int types[] = {1, 2, 3};
    size_t n = (size_t)w * 3, stride = n + 3;
    uint8_t *row = work + 3, *above = row + stride, *trial = above + stride;
    memset(work, 0, 3 * stride + 3);
    for (int y = 0; y < h; y++) {
        long best = -1;
        memcpy(row, rgb + (size_t)y * n, n);
        for (int k = 0; k < 3; k++) {
            filter_row(types[k], row, above, n, trial);
            long cost = cost_of(trial, n);
            if (best >= 0 && cost >= best) continue;
            best = cost;
            out[0] = (uint8_t)types[k];
            memcpy(out + 1, trial, n);
        }
        memcpy(above, row, n);
        out += n + 1;
    }
}

/* ---- Huffman ------------------------------------------------------------------------------------------------------ */

enum { SYMBOLS = 257, END = 256, LONGEST = 15 };

/* Code lengths by merging the two lightest trees; halve the weights until no code is longer than deflate allows. */
static void code_lengths(const uint32_t *count, uint8_t *length)
{
    uint32_t weight[SYMBOLS];
    for (int i = 0; i < SYMBOLS; i++) weight[i] = count[i];
    for (;;) {
        uint32_t node[2 * SYMBOLS];
        int parent[2 * SYMBOLS], live[SYMBOLS], n = 0, next = SYMBOLS, longest = 0;
        for (int i = 0; i < SYMBOLS; i++)
            if (weight[i]) {
                node[i] = weight[i];
                live[n++] = i;
            }
        while (n > 1) {
            int low[2];
            for (int k = 0; k < 2; k++) {
                int at = 0;
                for (int i = 1; i < n; i++)
                    if (node[live[i]] < node[live[at]]) at = i;
                low[k] = live[at];
                live[at] = live[--n];
            }
            node[next] = node[low[0]] + node[low[1]];
            parent[low[0]] = parent[low[1]] = next;
            live[n++] = next++;
        }
        for (int i = 0; i < SYMBOLS; i++) {
            int depth = 0;
            if (weight[i])
                for (int k = i; k != next - 1; k = parent[k]) depth++;
            length[i] = (uint8_t)depth;
            if (depth > longest) longest = depth;
        }
        if (longest <= LONGEST) return;
        for (int i = 0; i < SYMBOLS; i++) weight[i] = (weight[i] + 1) / 2;
    }
}

static void canonical_codes(const uint8_t *length, uint16_t *code)
{
    unsigned next = 0;
    for (unsigned n = 1; n <= LONGEST; n++, next <<= 1)
        for (int i = 0; i < SYMBOLS; i++) {
            if (length[i] != n) continue;
            unsigned turned = 0;
            for (unsigned bit = 0; bit < n; bit++) turned |= (next >> bit & 1u) << (n - 1 - bit); /* codes are sent from their top bit */
            code[i] = (uint16_t)turned;
            next++;
        }
}

typedef struct {
    uint8_t *at;
    uint64_t bits;
    unsigned n;
} bit_writer;

static void put_bits(bit_writer *w, unsigned value, unsigned n)
{
    w->bits |= (uint64_t)value << w->n;
    w->n += n;
    if (w->n < 32) return;
    for (int i = 0; i < 4; i++) *w->at++ = (uint8_t)(w->bits >> (8 * i));
    w->bits >>= 32;
    w->n -= 32;
}

static void flush_bits(bit_writer *w)
{
    for (int left = (int)w->n; left > 0; left -= 8, w->bits >>= 8) *w->at++ = (uint8_t)w->bits;
}

/* One deflate block with a code of its own, whose lengths are sent as plain 4-bit numbers: 16 code lengths of 4 are a complete code. */
static uint8_t *deflate(const uint8_t *in, size_t n, uint8_t *out)
{
    static const uint8_t order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    uint32_t count[SYMBOLS] = {0};
    uint8_t length[SYMBOLS];
    uint16_t code[SYMBOLS] = {0};
    bit_writer w = {.at = out};
    for (size_t i = 0; i < n; i++) count[in[i]]++;
    count[END] = 1;
    code_lengths(count, length);
    canonical_codes(length, code);
    put_bits(&w, 1, 1);            /* the last block */
    put_bits(&w, 2, 2);            /* dynamic codes */
    put_bits(&w, SYMBOLS - 257, 5);
    put_bits(&w, 0, 5);            /* one distance code, never used */
    put_bits(&w, 19 - 4, 4);
    for (int i = 0; i < 19; i++) put_bits(&w, order[i] < 16 ? 4 : 0, 3);
    for (int i = 0; i <= SYMBOLS; i++) {
        unsigned v = i < SYMBOLS ? length[i] : 1, turned = (v & 1) << 3 | (v & 2) << 1 | (v & 4) >> 1 | (v & 8) >> 3;
        put_bits(&w, turned, 4);
    }
    for (size_t i = 0; i < n; i++) put_bits(&w, code[in[i]], length[in[i]]);
    put_bits(&w, code[END], length[END]);
    flush_bits(&w);
    return w.at;
}

/* ---- the file ----------------------------------------------------------------------------------------------------- */

static uint32_t adler32(const uint8_t *p, size_t n)
{
    uint32_t a = 1, b = 0;
    while (n) {
        size_t k = n < 5552 ? n : 5552; /* as many as cannot overflow b */
        n -= k;
        for (; k; k--) b += a += *p++;
        a %= 65521;
        b %= 65521;
    }
    return b << 16 | a;
}

static uint32_t crc32(const uint8_t *p, size_t n)
{
    uint32_t table[256], crc = 0xffffffffu;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t v = i;
        for (int k = 0; k < 8; k++) v = v & 1 ? 0xedb88320u ^ v >> 1 : v >> 1;
        table[i] = v;
    }
    for (size_t i = 0; i < n; i++) crc = table[(crc ^ p[i]) & 255] ^ crc >> 8;
    return ~crc;
}

static uint8_t *big_endian(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) *p++ = (uint8_t)(v >> (24 - 8 * i));
    return p;
}

/* The data of n bytes lies at p + 8; puts length, name and checksum around it. */
static uint8_t *chunk(uint8_t *p, const char *name, size_t n)
{
    big_endian(p, (uint32_t)n);
    memcpy(p + 4, name, 4);
    return big_endian(p + 8 + n, crc32(p + 4, n + 4));
}

uint8_t *saint_scenes_png(const uint8_t *rgb, int w, int h, size_t *bytes)
{
    size_t row = (size_t)w * 3, raw = (row + 1) * (size_t)h;
    /* No symbol's code is longer than 15 bits, so two bytes each are always enough. */
    uint8_t *plain = malloc(raw), *work = malloc(3 * (row + 3) + 3), *out = malloc(2 * raw + 1024);
    if (plain && work && out) {
        filter(rgb, w, h, plain, work);
        memcpy(out, "\x89PNG\r\n\x1a\n", 8);
        uint8_t *p = out + 8, *data = p + 8;
        big_endian(data, (uint32_t)w);
        big_endian(data + 4, (uint32_t)h);
        memcpy(data + 8, "\x08\x02\0\0\0", 5); /* 8 bits, RGB */
        p = chunk(p, "IHDR", 13);
        data = p + 8;
        data[0] = 0x78;
        data[1] = 0x01;
        uint8_t *end = big_endian(deflate(plain, raw, data + 2), adler32(plain, raw));
        p = chunk(p, "IDAT", (size_t)(end - data));
        p = chunk(p, "IEND", 0);
        *bytes = (size_t)(p - out);
    } else {
        free(out);
        out = NULL;
    }
    free(plain);
    free(work);
    return out;
}
