#include "views/dots.h"

#include <math.h>

/* bit 0 upper left, 1 upper right, 2 lower left, 3 lower right */
static const uint16_t quarter[16] = {' ',    0x2598, 0x259d, 0x2580, 0x2596, 0x258c, 0x259e, 0x259b,
                                     0x2597, 0x259a, 0x2590, 0x259c, 0x2584, 0x2599, 0x259f, 0x2588};

void saint_ui_dots_per_cell(saint_ui_pen p, int *across, int *down)
{
    saint_ui_glyphs g = p.theme ? p.theme->glyphs : SAINT_UI_ASCII;
    *across = g == SAINT_UI_ASCII ? 1 : 2;
    *down = g == SAINT_UI_BRAILLE ? 4 : g == SAINT_UI_BLOCKS ? 2 : 1;
}

void saint_ui_dot(saint_ui_pen p, int x, int y, saint_ui_style style)
{
    static const uint8_t braille[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    int across, down;
    saint_ui_dots_per_cell(p, &across, &down);
    if (x < 0 || y < 0 || x >= p.area.w * across || y >= p.area.h * down) return;
    int cx = x / across, cy = y / down;
    if (down == 1) {
        saint_ui_char(p, cx, cy, '.', style);
        return;
    }
    const saint_ui_cell *cell = saint_ui_canvas_at(p.canvas, p.area.x + cx, p.area.y + cy);
    uint32_t before = cell ? cell->ch : ' ';
    if (down == 4) {
        uint32_t mask = before >= 0x2800 && before < 0x2900 ? before & 0xff : 0;
        saint_ui_char(p, cx, cy, 0x2800u | mask | braille[y % 4][x % 2], style);
    } else {
        unsigned mask = 0;
        for (unsigned i = 1; i < 16; i++)
            if (quarter[i] == before) mask = i;
        saint_ui_char(p, cx, cy, quarter[mask | 1u << (y % 2 * 2 + x % 2)], style);
    }
}

/* Liang and Barsky: narrow [*t0, *t1] to where d * t <= q. */
static bool narrow(double d, double q, double *t0, double *t1)
{
    if (d == 0) return q >= 0;
    double t = q / d;
    if (d < 0 && t > *t0) *t0 = t;
    if (d > 0 && t < *t1) *t1 = t;
    return *t0 <= *t1;
}

void saint_ui_dot_line(saint_ui_pen p, double x0, double y0, double x1, double y1, saint_ui_style style)
{
    int across, down;
    saint_ui_dots_per_cell(p, &across, &down);
    double w = p.area.w * across - 1, h = p.area.h * down - 1, dx = x1 - x0, dy = y1 - y0, t0 = 0, t1 = 1;
    if (!isfinite(dx) || !isfinite(dy) || w < 0 || h < 0) return;
    if (!narrow(-dx, x0 + 0.5, &t0, &t1) || !narrow(dx, w + 0.49 - x0, &t0, &t1) || !narrow(-dy, y0 + 0.5, &t0, &t1) ||
        !narrow(dy, h + 0.49 - y0, &t0, &t1))
        return;
    double ax = x0 + t0 * dx, ay = y0 + t0 * dy, bx = x0 + t1 * dx, by = y0 + t1 * dy;
    int n = (int)ceil(fmax(fabs(bx - ax), fabs(by - ay)));
    for (int i = 0; i <= n; i++) {
        double t = n ? (double)i / n : 0;
        saint_ui_dot(p, (int)lround(ax + t * (bx - ax)), (int)lround(ay + t * (by - ay)), style);
    }
}
