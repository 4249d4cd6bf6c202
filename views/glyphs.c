#include "views/glyphs.h"

#include <math.h>
#include <stddef.h>

#include "base/font.h"
#include "views/canvas.h"

enum { W = 12, H = 24 };

/* ---- letters: a bitmap of 5 x 7, its steps rounded by interpolation ---- */

static double bit(int c, int column, int row)
{
    return column >= 0 && column < FONT_W && row >= 0 && row < FONT_H && overlay_font[c][row] >> (FONT_W - 1 - column) & 1;
}

static bool letter_ink(uint32_t ch, bool bold, double x, double y)
{
    int c = (int)ch - 32;
    double down = ch == 'g' || ch == 'p' || ch == 'q' || ch == 'y' ? 2 : 0;
    double fx = (x - 1) / 2 - 0.5, fy = (y - 3.5) / 2 - 0.5 - down;
    for (int pass = 0; pass < (bold ? 2 : 1); pass++) {
        double u = fx - pass * 0.36 + (bold ? 0.18 : 0);
        int i = (int)floor(u), j = (int)floor(fy);
        double a = u - i, b = fy - j;
        double v = (1 - b) * ((1 - a) * bit(c, i, j) + a * bit(c, i + 1, j)) + b * ((1 - a) * bit(c, i, j + 1) + a * bit(c, i + 1, j + 1));
        if (v > 0.44) return true;
    }
    return false;
}

/* ---- lines ---- */

static bool near_segment(double x, double y, double x0, double y0, double x1, double y1, double half)
{
    double dx = x1 - x0, dy = y1 - y0, n = dx * dx + dy * dy, t = n > 0 ? ((x - x0) * dx + (y - y0) * dy) / n : 0;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return hypot(x - x0 - t * dx, y - y0 - t * dy) <= half;
}

/* Arms of a box character in the order up, right, down, left: 0 none, 1 light, 2 heavy. */
static const struct {
    uint16_t ch;
    uint8_t arm[4];
} boxes[] = {
    {0x2500, {0, 1, 0, 1}}, {0x2501, {0, 2, 0, 2}}, {0x2502, {1, 0, 1, 0}}, {0x2503, {2, 0, 2, 0}}, {0x250c, {0, 1, 1, 0}},
    {0x2510, {0, 0, 1, 1}}, {0x2514, {1, 1, 0, 0}}, {0x2518, {1, 0, 0, 1}}, {0x251c, {1, 1, 1, 0}}, {0x2524, {1, 0, 1, 1}},
    {0x252c, {0, 1, 1, 1}}, {0x2534, {1, 1, 0, 1}}, {0x253c, {1, 1, 1, 1}}, {0x2537, {1, 2, 0, 2}}, {0x252f, {0, 2, 1, 2}},
    {0x2574, {0, 0, 0, 1}}, {0x2576, {0, 1, 0, 0}}, {0x2575, {1, 0, 0, 0}}, {0x2577, {0, 0, 1, 0}},
};

static bool box_ink(uint32_t ch, double x, double y)
{
    for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++) {
        if (boxes[i].ch != ch) continue;
        const uint8_t *arm = boxes[i].arm;
        double dx = fabs(x - W / 2.0), dy = fabs(y - H / 2.0);
        return (arm[0] && dx <= 0.8 * arm[0] && y <= H / 2.0 + 0.8) || (arm[2] && dx <= 0.8 * arm[2] && y >= H / 2.0 - 0.8) ||
               (arm[1] && dy <= 0.8 * arm[1] && x >= W / 2.0 - 0.8) || (arm[3] && dy <= 0.8 * arm[3] && x <= W / 2.0 + 0.8);
    }
    if (ch >= 0x256d && ch <= 0x2570) { /* rounded corners: an arc of radius 6 and the rest of the upright */
        double cx = ch == 0x256d || ch == 0x2570 ? W : 0, cy = ch <= 0x256e ? H / 2.0 + 6 : H / 2.0 - 6;
        bool toward = ch <= 0x256e ? y >= cy : y <= cy;
        if (toward) return fabs(x - W / 2.0) <= 0.8;
        return fabs(hypot(x - cx, y - cy) - 6) <= 0.8;
    }
    bool horizontal = ch == 0x2504 || ch == 0x2508;
    if (horizontal || ch == 0x2506 || ch == 0x250a) {
        double along = horizontal ? x / W : y / H, across = horizontal ? fabs(y - H / 2.0) : fabs(x - W / 2.0);
        double part = along * (ch == 0x2504 || ch == 0x2506 ? 3 : 4);
        return across <= 0.8 && part - floor(part) > 0.2 && part - floor(part) < 0.8;
    }
    return false;
}

static bool block_ink(uint32_t ch, double x, double y)
{
    static const uint8_t quarters[10] = {4, 8,  1, 13, 9,
                                         7, 11, 2, 6,  14}; /* U+2596.. : 1 upper left, 2 upper right, 4 lower left, 8 lower right */
    if (ch == 0x2580) return y < H / 2.0;
    if (ch <= 0x2588) return y >= H - (ch - 0x2580) * H / 8.0;
    if (ch <= 0x258f) return x < (0x2590 - ch) * W / 8.0;
    if (ch == 0x2590) return x >= W / 2.0;
    if (ch <= 0x2593) { /* shades: a screen of dots */
        int i = (int)(x / 1.5) & 1, j = (int)(y / 1.5) & 1;
        return ch == 0x2591 ? i & j : ch == 0x2592 ? (i ^ j) == 0 : i | j;
    }
    if (ch >= 0x2596 && ch <= 0x259f) return quarters[ch - 0x2596] >> ((x >= W / 2.0) + 2 * (y >= H / 2.0)) & 1;
    return false;
}

static bool braille_ink(uint32_t ch, double x, double y)
{
    static const uint8_t mask[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    int i = x >= W / 2.0, j = (int)(y / (H / 4.0));
    if (j > 3 || j < 0 || !(ch & mask[j][i])) return false;
    return hypot(x - (i * 6 + 3), y - (j * 6 + 3)) <= 2.0;
}

/* ---- symbols ---- */

static bool triangle(double x, double y, double ax, double ay, double bx, double by, double cx, double cy)
{
    double a = (bx - ax) * (y - ay) - (by - ay) * (x - ax), b = (cx - bx) * (y - by) - (cy - by) * (x - bx),
           c = (ax - cx) * (y - cy) - (ay - cy) * (x - cx);
    return (a >= 0 && b >= 0 && c >= 0) || (a <= 0 && b <= 0 && c <= 0);
}

static bool hollow(bool outer, bool inner) { return outer && !inner; }

static bool star(double x, double y, double radius)
{
    double dx = x - 6, dy = y - 12.5, angle = atan2(dx, -dy), r = hypot(dx, dy),
           part = fmod(angle + 7 * 3.14159265358979, 2 * 3.14159265358979 / 5);
    double t = fabs(part / (3.14159265358979 / 5) - 1); /* 0 in a notch, 1 at a tip */
    return r <= radius * (0.42 + 0.58 * t * t);
}

static bool symbol_ink(uint32_t ch, double x, double y)
{
    double r = hypot(x - 6, y - 12.5), d = fabs(x - 6) + fabs(y - 12.5);
    switch (ch) {
    case 0xb7: return hypot(x - 6, y - 12) <= 1.3;
    case 0x2022: return r <= 2.6;
    case 0x25cf: return r <= 4.6;
    case 0x25cb: return r <= 4.6 && r >= 3.1;
    case 0x25a0: return fabs(x - 6) <= 4.2 && fabs(y - 12.5) <= 4.2;
    case 0x25a1: return hollow(fabs(x - 6) <= 4.2 && fabs(y - 12.5) <= 4.2, fabs(x - 6) <= 2.8 && fabs(y - 12.5) <= 2.8);
    case 0x25c6: return d <= 5.6;
    case 0x25c7: return d <= 5.6 && d >= 3.8;
    case 0x2605: return star(x, y, 5.8);
    case 0x2606: return hollow(star(x, y, 5.8), star(x, y, 3.6));
    case 0x25b2: return triangle(x, y, 6, 7, 1, 17, 11, 17);
    case 0x25b3: return hollow(triangle(x, y, 6, 7, 1, 17, 11, 17), triangle(x, y, 6, 10, 3.4, 15.6, 8.6, 15.6));
    case 0x25bc: return triangle(x, y, 6, 17, 1, 7, 11, 7);
    case 0x25bd: return hollow(triangle(x, y, 6, 17, 1, 7, 11, 7), triangle(x, y, 6, 14, 3.4, 8.4, 8.6, 8.4));
    case 0x25b6: return triangle(x, y, 1.5, 7, 1.5, 18, 11, 12.5);
    case 0x25c0: return triangle(x, y, 10.5, 7, 10.5, 18, 1, 12.5);
    case 0x25b8: return triangle(x, y, 3, 8.5, 3, 16.5, 9.5, 12.5);
    case 0x25c2: return triangle(x, y, 9, 8.5, 9, 16.5, 2.5, 12.5);
    case 0x25b0: return y >= 7 && y <= 18 && x + (y - 12.5) * 0.25 >= 2 && x + (y - 12.5) * 0.25 <= 10;
    case 0x25b1:
        return y >= 7 && y <= 18 && x + (y - 12.5) * 0.25 >= 2 && x + (y - 12.5) * 0.25 <= 10 &&
               !(y >= 8.4 && y <= 16.6 && x + (y - 12.5) * 0.25 >= 3.5 && x + (y - 12.5) * 0.25 <= 8.5);
    case 0x25b4: return triangle(x, y, 6, 9, 2, 16, 10, 16);
    case 0x25be: return triangle(x, y, 6, 16, 2, 9, 10, 9);
    case 0x2026: return y > 15.5 && y < 18 && fmod(x + 0.8, 4) < 2.2;
    case 0x2039: return near_segment(x, y, 7.5, 8, 4, 12.5, 0.9) || near_segment(x, y, 4, 12.5, 7.5, 17, 0.9);
    case 0x203a: return near_segment(x, y, 4.5, 8, 8, 12.5, 0.9) || near_segment(x, y, 8, 12.5, 4.5, 17, 0.9);
    case 0x2190:
        return near_segment(x, y, 1.5, 12.5, 10.5, 12.5, 0.9) || near_segment(x, y, 1.5, 12.5, 5, 9, 0.9) ||
               near_segment(x, y, 1.5, 12.5, 5, 16, 0.9);
    case 0x2192:
        return near_segment(x, y, 1.5, 12.5, 10.5, 12.5, 0.9) || near_segment(x, y, 10.5, 12.5, 7, 9, 0.9) ||
               near_segment(x, y, 10.5, 12.5, 7, 16, 0.9);
    case 0x2191:
        return near_segment(x, y, 6, 7, 6, 18, 0.9) || near_segment(x, y, 6, 7, 2.5, 10.5, 0.9) || near_segment(x, y, 6, 7, 9.5, 10.5, 0.9);
    case 0x2193:
        return near_segment(x, y, 6, 7, 6, 18, 0.9) || near_segment(x, y, 6, 18, 2.5, 14.5, 0.9) ||
               near_segment(x, y, 6, 18, 9.5, 14.5, 0.9);
    case 0xd7: return near_segment(x, y, 2.5, 9, 9.5, 16, 0.9) || near_segment(x, y, 9.5, 9, 2.5, 16, 0.9);
    case 0x2717: return near_segment(x, y, 2, 8, 10, 17, 1.1) || near_segment(x, y, 9.5, 8, 2.5, 17, 1.1);
    case 0x2713: return near_segment(x, y, 2, 13, 4.8, 16.8, 1.1) || near_segment(x, y, 4.8, 16.8, 10, 7.5, 1.1);
    case 0xb1:
        return near_segment(x, y, 2, 11, 10, 11, 0.9) || near_segment(x, y, 6, 7, 6, 15, 0.9) || near_segment(x, y, 2, 17.5, 10, 17.5, 0.9);
    case 0x2212: return near_segment(x, y, 2, 12.5, 10, 12.5, 0.9);
    case 0x394: return hollow(triangle(x, y, 6, 4, 0.5, 17.5, 11.5, 17.5), triangle(x, y, 6, 8, 3.2, 15.6, 8.8, 15.6));
    case 0xb0: return hypot(x - 6, y - 6.5) <= 2.6 && hypot(x - 6, y - 6.5) >= 1.2;
    case 0x2265:
        return near_segment(x, y, 2.5, 6.5, 9, 10.5, 0.9) || near_segment(x, y, 9, 10.5, 2.5, 14.5, 0.9) ||
               near_segment(x, y, 2.5, 17.5, 9.5, 17.5, 0.9);
    case 0x2264:
        return near_segment(x, y, 9.5, 6.5, 3, 10.5, 0.9) || near_segment(x, y, 3, 10.5, 9.5, 14.5, 0.9) ||
               near_segment(x, y, 2.5, 17.5, 9.5, 17.5, 0.9);
    case 0x21e7: return triangle(x, y, 6, 6, 1.5, 12, 10.5, 12) || (fabs(x - 6) <= 1.8 && y >= 12 && y <= 17);
    default: return hollow(fabs(x - 6) <= 4.5 && fabs(y - 12.5) <= 7, fabs(x - 6) <= 3.4 && fabs(y - 12.5) <= 5.9); /* not drawn: a box */
    }
}

bool saint_ui_glyph_ink(uint32_t ch, bool bold, double x, double y)
{
    if (ch <= ' ' || ch == 0xa0 || ch == 0x2800) return false;
    if (ch < 127) return letter_ink(ch, bold, x, y);
    if (ch >= 0x2500 && ch < 0x2580) return box_ink(ch, x, y);
    if (ch < 0x25a0 && ch >= 0x2580) return block_ink(ch, x, y);
    if (ch >= 0x2800 && ch < 0x2900) return braille_ink(ch, x, y);
    if (ch >= 0xc0 && ch < 0x180 && ch != 0xd7) return letter_ink(saint_ui_ascii_of(ch), bold, x, y);
    return symbol_ink(ch, x, y);
}
