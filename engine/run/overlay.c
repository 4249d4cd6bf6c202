#define _GNU_SOURCE
#include "run/overlay.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/font.h"

enum {
    WIDE = 448,   /* a panel's width for a few panels, */
    NARROW = 300, /* and for many: six instead of four side by side */
    MANY = 12,
    TALLEST = 672,
    ACROSS = 2000,
    GAP = 16,
    TEXT_SCALE = 2,
    ADVANCE = (FONT_W + 1) * TEXT_SCALE,
    LINE = (FONT_H + 3) * TEXT_SCALE,
    MOST_PANELS = 256,
    MOST_PATCHES = 1024 /* along one side */
};

typedef struct {
    uint8_t r, g, b;
} colour;

static const colour paper = {250, 250, 248}, ink = {32, 34, 38}, line_bright = {255, 196, 0}, line_dark = {24, 24, 28};
static const colour hatch_light = {214, 216, 220}, hatch_dark = {176, 180, 186};

/* What all panels share: the scaled photo, and for each column and row of a panel which patch it shows. */
typedef struct {
    saint_image photo;    /* scaled */
    int w, h;             /* of a panel */
    int photo_x, photo_y; /* of the scaled photo in the panel */
    int *column, *row;    /* [w], [h]: patch column or row, -1 outside the network's square */
    int grid_w, grid_h;
} stage;

static uint8_t *pixel(saint_image *im, int x, int y) { return im->rgb + 3 * ((size_t)y * (size_t)im->w + (size_t)x); }

static void put(saint_image *im, int x, int y, colour c)
{
    uint8_t *p = pixel(im, x, y);
    p[0] = c.r;
    p[1] = c.g;
    p[2] = c.b;
}

static uint8_t mix_byte(int a, int b, int percent) { return (uint8_t)((a * (100 - percent) + b * percent + 50) / 100); }

static colour mix(colour a, colour b, int percent)
{
    return (colour){mix_byte(a.r, b.r, percent), mix_byte(a.g, b.g, percent), mix_byte(a.b, b.b, percent)};
}

/* ---- text ---- */

static int text_limit(int width) { return (width + TEXT_SCALE) / ADVANCE; }

static void draw_letter(saint_image *im, int x, int y, char letter)
{
    int c = letter >= 32 && letter <= 126 ? letter - 32 : '?' - 32;
    if (letter == 'g' || letter == 'p' || letter == 'q' || letter == 'y') y += 2 * TEXT_SCALE;
    for (int v = 0; v < FONT_H * TEXT_SCALE; v++)
        for (int u = 0; u < FONT_W * TEXT_SCALE; u++)
            if (overlay_font[c][v / TEXT_SCALE] >> (FONT_W - 1 - u / TEXT_SCALE) & 1) put(im, x + u, y + v, ink);
}

/* Up to n letters, the last three of them dots when there are more to come. */
static void draw_line(saint_image *im, int x, int y, const char *text, int n, bool cut)
{
    for (int i = 0; i < n; i++) draw_letter(im, x + i * ADVANCE, y, cut && i >= n - 3 ? '.' : text[i]);
}

/* Letters of the first line: all, or up to the last space that still fits. */
static int first_line(const char *text, int limit)
{
    if (strnlen(text, (size_t)limit + 1) <= (size_t)limit) return (int)strlen(text);
    for (int i = limit; i > limit / 3; i--)
        if (text[i] == ' ') return i;
    return limit;
}

static int title_lines(const char *title, int limit)
{
    if (!title || !*title) return 0;
    return title[first_line(title, limit)] ? 2 : 1;
}

static void draw_title(saint_image *im, int x, int y, const char *title, int limit)
{
    if (!title) return;
    int n = first_line(title, limit);
    draw_line(im, x, y, title, n, false);
    const char *rest = title + n;
    while (*rest == ' ') rest++;
    int m = (int)strnlen(rest, (size_t)limit + 1);
    draw_line(im, x, y + LINE, rest, m > limit ? limit : m, m > limit);
}

/* ---- one panel ---- */

/* Dark violet over red to pale yellow, so that a print in grey keeps the order. */
static colour heat_colour(float v)
{
    static const colour stop[] = {{13, 8, 61}, {106, 23, 110}, {188, 55, 84}, {249, 142, 9}, {252, 255, 164}};
    if (!(v > 0)) v = 0; /* and NaN */
    if (v > 1) v = 1;
    int at = (int)(v * 400.0f + 0.5f), i = at / 100;
    return i >= 4 ? stop[4] : mix(stop[i], stop[i + 1], at % 100);
}

/* What lies at a place of the panel before any patch is judged. */
static colour photo_or_hatch(const stage *s, int x, int y)
{
    int px = x - s->photo_x, py = y - s->photo_y;
    if (px >= 0 && py >= 0 && px < s->photo.w && py < s->photo.h) {
        const uint8_t *p = s->photo.rgb + 3 * ((size_t)py * (size_t)s->photo.w + (size_t)px);
        return (colour){p[0], p[1], p[2]};
    }
    return (x + y) % 10 < 3 ? hatch_dark : hatch_light;
}

static colour dimmed(colour c)
{
    int grey = (c.r * 299 + c.g * 587 + c.b * 114 + 500) / 1000;
    int level = 18 + grey * 30 / 100;
    return (colour){(uint8_t)level, (uint8_t)level, (uint8_t)(level + 4)};
}

static bool is_kept(const stage *s, const saint_overlay_panel *panel, int gx, int gy)
{
    return !panel->kept || panel->kept[(size_t)gy * (size_t)s->grid_w + (size_t)gx] != 0;
}

static colour panel_colour(const stage *s, const saint_overlay_panel *panel, int x, int y)
{
    int gx = s->column[x], gy = s->row[y];
    bool on_photo = x >= s->photo_x && x < s->photo_x + s->photo.w && y >= s->photo_y && y < s->photo_y + s->photo.h;
    if (gx < 0 || gy < 0) return on_photo ? mix(photo_or_hatch(s, x, y), paper, 75) : paper;
    colour c = photo_or_hatch(s, x, y);
    if (panel->heat) c = mix(c, heat_colour(panel->heat[(size_t)gy * (size_t)s->grid_w + (size_t)gx]), 55);
    return is_kept(s, panel, gx, gy) ? c : dimmed(c);
}

/* 1: kept, 0: dropped, -1: outside the square. */
static int side_of(const stage *s, const saint_overlay_panel *panel, int x, int y)
{
    if (x < 0 || y < 0 || x >= s->w || y >= s->h || s->column[x] < 0 || s->row[y] < 0) return -1;
    return is_kept(s, panel, s->column[x], s->row[y]);
}

/* The outline lies inside the kept area, one bright pixel with a dark one outside, so that it shows on any photo. */
static bool outline(const stage *s, const saint_overlay_panel *panel, int x, int y, colour *c)
{
    int here = side_of(s, panel, x, y);
    if (here < 0) return false;
    for (int v = -1; v <= 1; v++)
        for (int u = -1; u <= 1; u++) {
            int there = side_of(s, panel, x + u, y + v);
            if (there < 0 || there == here) continue;
            *c = here ? line_bright : line_dark;
            return true;
        }
    return false;
}

static void draw_panel(const stage *s, const saint_overlay_panel *panel, saint_image *out, int left, int top)
{
    for (int y = 0; y < s->h; y++)
        for (int x = 0; x < s->w; x++) {
            colour c;
            if (!outline(s, panel, x, y, &c)) c = panel_colour(s, panel, x, y);
            put(out, left + x, top + y, c);
        }
}

/* ---- the sheet ---- */

/* For each of n panel pixels the patch whose share of [from, from + extent) it lies in. */
static void fill_map(int *map, int n, double scale, double view_from, double from, double extent, int patches)
{
    for (int i = 0; i < n; i++) {
        double at = ((i + 0.5) / scale + view_from - from) / extent * patches;
        map[i] = at >= 0 && at < patches ? (int)at : -1;
    }
}

static saint_status stage_make(stage *s, const saint_image *photo, saint_view_rect r, int n_panels, saint_error *err)
{
    /* The view holds the whole photo and the whole square. */
    double x0 = fmin(0, r.x0), y0 = fmin(0, r.y0), x1 = fmax(photo->w, r.x0 + r.w), y1 = fmax(photo->h, r.y0 + r.h);
    double scale = fmin((n_panels > MANY ? NARROW : WIDE) / (x1 - x0), TALLEST / (y1 - y0));
    s->w = (int)fmax(1, round((x1 - x0) * scale));
    s->h = (int)fmax(1, round((y1 - y0) * scale));
    s->photo_x = (int)round(-x0 * scale);
    s->photo_y = (int)round(-y0 * scale);
    int w = (int)fmax(1, round(photo->w * scale)), h = (int)fmax(1, round(photo->h * scale));
    s->column = malloc((size_t)s->w * sizeof *s->column);
    s->row = malloc((size_t)s->h * sizeof *s->row);
    if (!s->column || !s->row) return saint_fail(err, SAINT_MEMORY, "overlay: no memory for a panel of %dx%d pixels", s->w, s->h);
    fill_map(s->column, s->w, scale, x0, r.x0, r.w, s->grid_w);
    fill_map(s->row, s->h, scale, y0, r.y0, r.h, s->grid_h);
    return saint_image_resize(photo, w, h, SAINT_RESAMPLE_BICUBIC, &s->photo, err);
}

static saint_status check_arguments(const saint_image *photo, saint_view_rect r, int grid_w, int grid_h, int n_panels, saint_error *err)
{
    double far = 4.0 * 32768;
    if (n_panels < 1 || n_panels > MOST_PANELS)
        return saint_fail(err, SAINT_INVALID, "overlay: expected 1 to %d panels, found %d; draw fewer prune sites", MOST_PANELS, n_panels);
    if (grid_w < 1 || grid_h < 1 || grid_w > MOST_PATCHES || grid_h > MOST_PATCHES)
        return saint_fail(err, SAINT_INVALID, "overlay: expected a grid of 1 to %d patches a side, found %dx%d", MOST_PATCHES, grid_w,
                          grid_h);
    if (!photo->rgb || photo->w < 1 || photo->h < 1)
        return saint_fail(err, SAINT_INVALID, "overlay: expected a photo, found an empty picture");
    if (!(r.w > 0 && r.w < far && r.h > 0 && r.h < far && fabs(r.x0) < far && fabs(r.y0) < far))
        return saint_fail(err, SAINT_INVALID, "overlay: expected a square near the photo, found %g x %g at (%g, %g)", r.w, r.h, r.x0, r.y0);
    return SAINT_OK;
}

static saint_status draw_sheet(const stage *s, const saint_overlay_panel *panels, int n, saint_image *out, saint_error *err)
{
    int most = (ACROSS - GAP) / (s->w + GAP), limit = text_limit(s->w), lines = 0;
    if (most > n) most = n;
    int rows = (n + most - 1) / most, columns = (n + rows - 1) / rows; /* 5 panels are 3 + 2, not 4 + 1 */
    for (int i = 0; i < n; i++) {
        int k = limit > 3 ? title_lines(panels[i].title, limit) : 0;
        if (k > lines) lines = k;
    }
    int cell_h = s->h + (lines ? GAP / 2 + lines * LINE : 0) + GAP;
    saint_status status = saint_image_new(GAP + columns * (s->w + GAP), GAP + rows * cell_h, out, err);
    if (status != SAINT_OK) return status;
    for (int y = 0; y < out->h; y++)
        for (int x = 0; x < out->w; x++) put(out, x, y, paper);
    for (int i = 0; i < n; i++) {
        int left = GAP + i % columns * (s->w + GAP), top = GAP + i / columns * cell_h;
        draw_panel(s, &panels[i], out, left, top);
        if (lines) draw_title(out, left, top + s->h + GAP / 2, panels[i].title, limit);
    }
    return SAINT_OK;
}

saint_status saint_overlay_draw(const saint_image *photo, saint_view_rect rect, int grid_w, int grid_h, const saint_overlay_panel *panels,
                                int n_panels, saint_image *out, saint_error *err)
{
    stage s = {.grid_w = grid_w, .grid_h = grid_h};
    *out = (saint_image){0};
    saint_status status = check_arguments(photo, rect, grid_w, grid_h, n_panels, err);
    if (status == SAINT_OK) status = stage_make(&s, photo, rect, n_panels, err);
    if (status == SAINT_OK) status = draw_sheet(&s, panels, n_panels, out, err);
    saint_image_free(&s.photo);
    free(s.column);
    free(s.row);
    return status;
}
