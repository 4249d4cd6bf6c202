#include "views/picture.h"

#include <stdlib.h>

#include "views/glyphs.h"

enum { CW = SAINT_UI_PICTURE_CELL_W, CH = SAINT_UI_PICTURE_CELL_H, SAMPLES = 4, SLOTS = 1024 };

/* Coverage of a character, kept because a screen repeats a few hundred of them. */
typedef struct {
    uint32_t ch;
    bool bold, filled;
    uint8_t cover[CH][CW];
} glyph;

static void rasterise(glyph *g)
{
    for (int y = 0; y < CH; y++)
        for (int x = 0; x < CW; x++) {
            int n = 0;
            for (int v = 0; v < SAMPLES; v++)
                for (int u = 0; u < SAMPLES; u++) n += saint_ui_glyph_ink(g->ch, g->bold, x + (u + 0.5) / SAMPLES, y + (v + 0.5) / SAMPLES);
            g->cover[y][x] = (uint8_t)(n * 255 / (SAMPLES * SAMPLES));
        }
}

static const glyph *find(glyph *slots, uint32_t ch, bool bold)
{
    size_t at = (ch * 2654435761u + bold) % SLOTS;
    glyph *g = &slots[at];
    if (!g->filled || g->ch != ch || g->bold != bold) { /* a collision costs a second drawing, nothing else */
        g->ch = ch;
        g->bold = bold;
        g->filled = true;
        rasterise(g);
    }
    return g;
}

static uint32_t mix(uint32_t a, uint32_t b, unsigned share)
{
    uint32_t out = 0;
    for (int shift = 0; shift < 24; shift += 8)
        out |= ((a >> shift & 255) * (255 - share) + (b >> shift & 255) * share + 127) / 255 << shift;
    return out;
}

static void draw_cell(saint_image *im, const saint_ui_cell *cell, int column, int row, uint32_t ground, uint32_t ink, glyph *slots)
{
    uint32_t fg = saint_ui_color_value(cell->fg, ink), bg = saint_ui_color_value(cell->bg, ground);
    if (cell->attr & SAINT_UI_REVERSE) {
        uint32_t swap = fg;
        fg = bg;
        bg = swap;
    }
    if (cell->attr & SAINT_UI_DIM) fg = mix(fg, bg, 110);
    const glyph *g = find(slots, cell->width == 0 ? ' ' : cell->ch, (cell->attr & SAINT_UI_BOLD) != 0);
    for (int y = 0; y < CH; y++) {
        uint8_t *p = im->rgb + 3 * ((size_t)(row * CH + y) * (size_t)im->w + (size_t)column * CW);
        for (int x = 0; x < CW; x++) {
            unsigned cover = g->cover[y][x];
            if (cell->attr & SAINT_UI_UNDERLINE && y == CH - 3) cover = 255;
            uint32_t v = mix(bg, fg, cover);
            *p++ = (uint8_t)(v >> 16);
            *p++ = (uint8_t)(v >> 8);
            *p++ = (uint8_t)v;
        }
    }
}

saint_status saint_ui_picture(const saint_ui_canvas *c, uint32_t ground, uint32_t ink, saint_image *out, saint_error *err)
{
    if (!c || !c->cell || !out) return saint_fail(err, SAINT_INVALID, "picture: no canvas");
    saint_image im;
    saint_status s = saint_image_new(c->w * CW, c->h * CH, &im, err);
    if (s != SAINT_OK) return s;
    glyph *slots = calloc(SLOTS, sizeof *slots);
    if (!slots) {
        saint_image_free(&im);
        return saint_fail(err, SAINT_MEMORY, "picture: no memory for the glyphs");
    }
    for (int y = 0; y < c->h; y++)
        for (int x = 0; x < c->w; x++) draw_cell(&im, saint_ui_canvas_at(c, x, y), x, y, ground, ink, slots);
    free(slots);
    *out = im;
    return SAINT_OK;
}
