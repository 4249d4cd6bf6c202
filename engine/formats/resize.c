/* Image.resize of Pillow (src/libImaging/Resample.c is the reference for the arithmetic): a horizontal pass, then a vertical one, each
 * with normalised weights rounded to 22 fractional bits and a result rounded to 8 bits. A side that keeps its size has no pass. */
#include "formats/resize.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum { FRACTION = 22 };

/* Weights of n neighbouring outputs. Taps are padded to an even number with zeros, because pmaddwd takes two at a time. */
typedef struct {
    int taps;          /* weights per output */
    int *first, *used; /* [n] first source index, number of taps that are inside the source */
    int32_t *weight;   /* [n, taps] */
    uint32_t *pair;    /* [n, taps / 2, 2]: low and high halves of two neighbouring weights as 16-bit pairs */
} filter_table;

static double bicubic(double x)
{
    const double a = -0.5;
    if (x < 0) x = -x;
    if (x < 1) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

static double bilinear(double x)
{
    if (x < 0) x = -x;
    return x < 1 ? 1 - x : 0;
}

static void table_free(filter_table *t)
{
    free(t->first);
    free(t->used);
    free(t->weight);
    free(t->pair);
}

/* weight = high * 2^15 + low with 0 <= low < 2^15: both fit the signed 16-bit factors of pmaddwd. */
static uint32_t pack_low(int32_t a, int32_t b) { return ((uint32_t)a & 0x7fffu) | ((uint32_t)b & 0x7fffu) << 16; }

static uint32_t pack_high(int32_t a, int32_t b) { return ((uint32_t)(a >> 15) & 0xffffu) | (uint32_t)(b >> 15) << 16; }

static saint_status table_make(filter_table *t, int in, int full, int x0, int n, saint_resample filter, saint_error *err)
{
    double (*f)(double) = filter == SAINT_RESAMPLE_BICUBIC ? bicubic : bilinear;
    double scale = (double)in / full, filter_scale = scale < 1 ? 1 : scale;
    double support = (filter == SAINT_RESAMPLE_BICUBIC ? 2.0 : 1.0) * filter_scale, step = 1.0 / filter_scale;
    t->taps = ((int)ceil(support) * 2 + 2) & ~1;
    size_t cells = (size_t)n * (size_t)t->taps;
    double *w = malloc((size_t)t->taps * sizeof *w);
    t->first = malloc((size_t)n * sizeof *t->first);
    t->used = malloc((size_t)n * sizeof *t->used);
    t->weight = calloc(cells, sizeof *t->weight);
    t->pair = malloc(cells * sizeof *t->pair);
    if (!w || !t->first || !t->used || !t->weight || !t->pair) {
        free(w);
        return saint_fail(err, SAINT_MEMORY, "resize: no memory for the weights of %d pixels", n);
    }
    for (int i = 0; i < n; i++) {
        double centre = (x0 + i + 0.5) * scale, sum = 0;
        int from = (int)(centre - support + 0.5), to = (int)(centre + support + 0.5);
        if (from < 0) from = 0;
        if (to > in) to = in;
        int used = to - from;
        int32_t *row = t->weight + (size_t)i * (size_t)t->taps;
        for (int k = 0; k < used; k++) sum += w[k] = f((k + from - centre + 0.5) * step);
        for (int k = 0; k < used; k++) {
            double v = (sum != 0 ? w[k] / sum : w[k]) * (1 << FRACTION);
            row[k] = (int32_t)(v < 0 ? v - 0.5 : v + 0.5);
        }
        t->first[i] = from;
        t->used[i] = used;
        for (int k = 0; k < t->taps; k += 2) {
            uint32_t *pair = t->pair + (size_t)i * (size_t)t->taps + k;
            pair[0] = pack_low(row[k], row[k + 1]);
            pair[1] = pack_high(row[k], row[k + 1]);
        }
    }
    free(w);
    return SAINT_OK;
}

static inline uint8_t clip8(int32_t sum)
{
    int v = sum >> FRACTION;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

#if defined(__SSE2__)
/* High and low sums wrap like the 32-bit sum they make together, so the result is exact whenever Pillow's is. */
static inline __m128i join(__m128i low, __m128i high)
{
    __m128i sum = _mm_add_epi32(_mm_add_epi32(_mm_slli_epi32(high, 15), low), _mm_set1_epi32(1 << (FRACTION - 1)));
    return _mm_srai_epi32(sum, FRACTION);
}

static inline __m128i load4(const uint8_t *p)
{
    int32_t v;
    memcpy(&v, p, sizeof v);
    return _mm_cvtsi32_si128(v);
}
#endif

/* Outputs from..to-1 of one row of the horizontal pass: src holds the source row and at least 8 readable bytes behind it. */
static void horizontal(const filter_table *t, int from, int to, const uint8_t *src, uint8_t *dst)
{
    for (int i = from; i < to; i++) {
        const uint8_t *p = src + 3 * (size_t)t->first[i];
#if defined(__SSE2__)
        const uint32_t *pair = t->pair + (size_t)i * (size_t)t->taps;
        __m128i low = _mm_setzero_si128(), high = low, zero = low;
        for (int k = 0; k < t->used[i]; k += 2) { /* an odd tap is paired with a weight of zero */
            __m128i two = _mm_unpacklo_epi8(_mm_unpacklo_epi8(load4(p + 3 * k), load4(p + 3 * k + 3)), zero);
            low = _mm_add_epi32(low, _mm_madd_epi16(two, _mm_set1_epi32((int)pair[k])));
            high = _mm_add_epi32(high, _mm_madd_epi16(two, _mm_set1_epi32((int)pair[k + 1])));
        }
        __m128i v = join(low, high);
        v = _mm_packus_epi16(_mm_packs_epi32(v, v), zero);
        uint32_t rgb = (uint32_t)_mm_cvtsi128_si32(v);
        dst[3 * i] = (uint8_t)rgb;
        dst[3 * i + 1] = (uint8_t)(rgb >> 8);
        dst[3 * i + 2] = (uint8_t)(rgb >> 16);
#else
        const int32_t *w = t->weight + (size_t)i * (size_t)t->taps;
        int32_t r = 1 << (FRACTION - 1), g = r, b = r;
        for (int k = 0; k < t->used[i]; k++) {
            r += p[3 * k] * w[k];
            g += p[3 * k + 1] * w[k];
            b += p[3 * k + 2] * w[k];
        }
        dst[3 * i] = clip8(r);
        dst[3 * i + 1] = clip8(g);
        dst[3 * i + 2] = clip8(b);
#endif
    }
}

/* One output row of the vertical pass over n bytes: rows lie `stride` bytes apart from src on. */
static void vertical(const filter_table *t, int i, const uint8_t *src, size_t stride, size_t n, uint8_t *dst)
{
    const int32_t *w = t->weight + (size_t)i * (size_t)t->taps;
    int used = t->used[i];
    size_t x = 0;
#if defined(__SSE2__)
    const uint32_t *pair = t->pair + (size_t)i * (size_t)t->taps;
    __m128i zero = _mm_setzero_si128();
    for (; x + 16 <= n; x += 16) {
        __m128i low[4] = {zero, zero, zero, zero}, high[4] = {zero, zero, zero, zero};
        for (int k = 0; k < used; k += 2) {
            const uint8_t *p = src + (size_t)k * stride + x;
            __m128i a = _mm_loadu_si128((const __m128i *)(const void *)p);
            __m128i b = k + 1 < used ? _mm_loadu_si128((const __m128i *)(const void *)(p + stride)) : zero;
            __m128i ab = _mm_unpacklo_epi8(a, b), cd = _mm_unpackhi_epi8(a, b);
            __m128i v[4] = {_mm_unpacklo_epi8(ab, zero), _mm_unpackhi_epi8(ab, zero), _mm_unpacklo_epi8(cd, zero),
                            _mm_unpackhi_epi8(cd, zero)};
            __m128i wl = _mm_set1_epi32((int)pair[k]), wh = _mm_set1_epi32((int)pair[k + 1]);
            for (int q = 0; q < 4; q++) {
                low[q] = _mm_add_epi32(low[q], _mm_madd_epi16(v[q], wl));
                high[q] = _mm_add_epi32(high[q], _mm_madd_epi16(v[q], wh));
            }
        }
        __m128i ab = _mm_packs_epi32(join(low[0], high[0]), join(low[1], high[1]));
        __m128i cd = _mm_packs_epi32(join(low[2], high[2]), join(low[3], high[3]));
        _mm_storeu_si128((__m128i *)(void *)(dst + x), _mm_packus_epi16(ab, cd));
    }
#endif
    for (; x < n; x++) {
        int32_t sum = 1 << (FRACTION - 1);
        for (int k = 0; k < used; k++) sum += src[(size_t)k * stride + x] * w[k];
        dst[x] = clip8(sum);
    }
}

/* Row y of the canvas into row [w, 3]; false when it is all padding. */
static bool canvas_row(const saint_canvas *in, int y, uint8_t *row)
{
    if (y < in->y || y >= in->y + in->photo->h) return false;
    memcpy(row + 3 * (size_t)in->x, in->photo->rgb + 3 * (size_t)(y - in->y) * (size_t)in->photo->w, 3 * (size_t)in->photo->w);
    return true;
}

/* Rows from..to-1 of the canvas after the horizontal pass: mid [to - from, w, 3]. */
static saint_status first_pass(const saint_canvas *in, const filter_table *t, int x0, int w, int from, int to, uint8_t *mid,
                               saint_error *err)
{
    size_t row_bytes = 3 * (size_t)w;
    uint8_t *row = malloc(3 * (size_t)in->w + 8), *padding = malloc(row_bytes);
    if (!row || !padding) {
        free(row);
        free(padding);
        return saint_fail(err, SAINT_MEMORY, "resize: no memory for a row of %d pixels", in->w);
    }
    memset(row + 3 * (size_t)in->w, 0, 8);
    for (int x = 0; x < in->w; x++) memcpy(row + 3 * (size_t)x, in->colour, 3);
    if (t->weight) horizontal(t, 0, w, row, padding);
    else memcpy(padding, row, row_bytes);
    /* Outputs that do not reach the photo are padding in every row. */
    int begin = 0, end = w;
    while (t->weight && begin < end && t->first[begin] + t->used[begin] <= in->x) begin++;
    while (t->weight && end > begin && t->first[end - 1] >= in->x + in->photo->w) end--;
    for (int y = from; y < to; y++) {
        uint8_t *dst = mid + (size_t)(y - from) * row_bytes;
        bool photo = canvas_row(in, y, row);
        if (photo && !t->weight) memcpy(dst, row + 3 * (size_t)x0, row_bytes);
        else memcpy(dst, padding, row_bytes);
        if (photo && t->weight) horizontal(t, begin, end, row, dst);
    }
    free(row);
    free(padding);
    return SAINT_OK;
}

saint_status saint_canvas_resize(const saint_canvas *in, int full_w, int full_h, int x0, int y0, int w, int h, saint_resample filter,
                                 saint_image *out, saint_error *err)
{
    filter_table across = {0}, down = {0};
    uint8_t *mid = NULL;
    saint_status s = saint_image_new(w, h, out, err);
    if (s == SAINT_OK && full_w != in->w) s = table_make(&across, in->w, full_w, x0, w, filter, err);
    if (s == SAINT_OK && full_h != in->h) s = table_make(&down, in->h, full_h, y0, h, filter, err);
    if (s == SAINT_OK && !down.weight) s = first_pass(in, &across, x0, w, y0, y0 + h, out->rgb, err);
    if (s == SAINT_OK && down.weight) {
        /* Only the rows that the vertical pass will read, as Pillow does. */
        int from = down.first[0], to = down.first[h - 1] + down.used[h - 1];
        size_t row_bytes = 3 * (size_t)w;
        mid = malloc((size_t)(to - from) * row_bytes);
        if (!mid) s = saint_fail(err, SAINT_MEMORY, "resize: no memory for %dx%d pixels", w, to - from);
        if (s == SAINT_OK) s = first_pass(in, &across, x0, w, from, to, mid, err);
        for (int y = 0; s == SAINT_OK && y < h; y++)
            vertical(&down, y, mid + (size_t)(down.first[y] - from) * row_bytes, row_bytes, row_bytes, out->rgb + (size_t)y * row_bytes);
    }
    free(mid);
    table_free(&across);
    table_free(&down);
    if (s != SAINT_OK) saint_image_free(out);
    return s;
}

saint_status saint_image_resize(const saint_image *in, int w, int h, saint_resample filter, saint_image *out, saint_error *err)
{
    saint_canvas canvas = {.photo = in, .w = in->w, .h = in->h};
    return saint_canvas_resize(&canvas, w, h, 0, 0, w, h, filter, out, err);
}
