#include "views/photo_draw.h"

#include <math.h>
#include <string.h>

/* Where a pixel lies. */
typedef enum { IN_PATCH, IN_PAD, IN_PHOTO_ONLY, IN_NOTHING } place;

typedef struct {
    const saint_ui_photo *ph;
    const saint_ui_theme *theme;
    const saint_ui_photo_cache *c;
    int w, h;           /* pixels */
    double per_patch;   /* pixels across a patch */
    double cell_aspect; /* height of a pixel over its width */
    float low, high;
    bool light;
} scene;

static place where_is(const scene *s, int x, int y, int *patch)
{
    saint_ui_photo_step column = s->c->column[x], row = s->c->row[y];
    bool photo = column.photo && row.photo;
    *patch = -1;
    if (s->ph->grid_w < 1 || s->ph->grid_h < 1) return photo ? IN_PATCH : IN_NOTHING;
    if (column.patch < 0 || row.patch < 0) return photo ? IN_PHOTO_ONLY : IN_NOTHING;
    *patch = row.patch * s->ph->grid_w + column.patch;
    return photo ? IN_PATCH : IN_PAD;
}

static void mix(uint8_t *p, const uint8_t q[3], double share)
{
    for (int c = 0; c < 3; c++) p[c] = (uint8_t)lround(p[c] + (q[c] - p[c]) * share);
}

static double luminance(const uint8_t *p) { return (0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2]) / 255; }

/* Grey and near the ground, yet enough of the picture left to see what was thrown away. */
static void fade(const scene *s, uint8_t *p, double depth)
{
    uint8_t grey = (uint8_t)lround(255 * luminance(p));
    mix(p, (uint8_t[]){grey, grey, grey}, 0.85);
    mix(p, s->theme->ground, depth);
}

static void hatch(const scene *s, uint8_t *p, int x, int y)
{
    int step = (int)lround(y * s->cell_aspect);
    bool on = (x + step) % 4 < 1;
    memcpy(p, s->theme->ground, 3);
    mix(p, s->theme->ink, on ? 0.15 : 0.05);
}

static bool is_kept(const uint8_t *mask, int patch) { return !mask || patch < 0 || mask[patch]; }

static const uint8_t only_a[3] = {60, 160, 235}, only_b[3] = {250, 145, 50}, cursor_color[3] = {255, 255, 255},
                     cursor_dark[3] = {10, 10, 20}, cursor_edge[3] = {235, 30, 90}, link_color[3] = {250, 60, 200},
                     line_kept[3] = {255, 200, 60};

static double scaled_value(const scene *s, int patch)
{
    double v = s->ph->value && patch >= 0 ? (double)s->ph->value[patch] : NAN;
    return s->high > s->low ? (v - (double)s->low) / (double)(s->high - s->low) : v - v + 0.5;
}

static double depth_of(const scene *s, int patch)
{
    int step = s->ph->death && patch >= 0 ? s->ph->death[patch] : -1;
    return step < 0 ? NAN : s->ph->steps > 1 ? (double)step / (s->ph->steps - 1) : 0.5;
}

/* Tints carry the picture's brightness, so that its content stays readable beneath. */
static void tint(uint8_t *p, const uint8_t rgb[3], double share)
{
    double light = 0.6 + 0.5 * luminance(p);
    uint8_t shaded[3];
    for (int c = 0; c < 3; c++) shaded[c] = (uint8_t)fmin(255, rgb[c] * light);
    mix(p, shaded, share);
}

static void style_pixel(const scene *s, uint8_t *p, int patch)
{
    const saint_ui_photo *ph = s->ph;
    bool kept = is_kept(ph->kept, patch);
    uint8_t rgb[3];
    switch (ph->style) {
    case SAINT_UI_PHOTO_OUTLINE:
        if (!kept) fade(s, p, 0.35);
        break;
    case SAINT_UI_PHOTO_HEAT: {
        double v = scaled_value(s, patch);
        if (isnan(v)) {
            if (!kept) fade(s, p, 0.80);
            break;
        }
        saint_ui_heat(v, rgb);
        tint(p, rgb, 0.78);
        if (!kept) mix(p, s->theme->ground, 0.4);
        break;
    }
    case SAINT_UI_PHOTO_DEATH: {
        double v = depth_of(s, patch);
        if (isnan(v)) break;
        saint_ui_depth(v, rgb);
        fade(s, p, 0.3);
        tint(p, rgb, 0.75);
        break;
    }
    case SAINT_UI_PHOTO_DIFF: {
        bool b = is_kept(ph->kept_b, patch);
        if (kept && !b) tint(p, only_a, 0.72);
        else if (b && !kept) tint(p, only_b, 0.72);
        else if (!kept) fade(s, p, 0.78);
        break;
    }
    default:
        if (!kept) fade(s, p, 0.72);
    }
}

/* Lines lie on the pixel row or column before the border, only where patches have several pixels. */
static bool border(const scene *s, int x, int y, int patch, bool *kept_edge)
{
    int right = -1, below = -1;
    place a = x + 1 < s->w ? where_is(s, x + 1, y, &right) : IN_NOTHING, b = y + 1 < s->h ? where_is(s, x, y + 1, &below) : IN_NOTHING;
    int left = -1, above = -1;
    place l = x > 0 ? where_is(s, x - 1, y, &left) : IN_NOTHING, t = y > 0 ? where_is(s, x, y - 1, &above) : IN_NOTHING;
    bool me = is_kept(s->ph->kept, patch);
    *kept_edge = me && ((a == IN_PATCH && !is_kept(s->ph->kept, right)) || (b == IN_PATCH && !is_kept(s->ph->kept, below)) ||
                        (l == IN_PATCH && !is_kept(s->ph->kept, left)) || (t == IN_PATCH && !is_kept(s->ph->kept, above)));
    return (a == IN_PATCH && right != patch) || (b == IN_PATCH && below != patch);
}

/* First and last pixel of a patch along one axis; false when it has none. */
static bool extent(const saint_ui_photo_step *step, int n, int patch, int *first, int *last)
{
    *first = -1;
    for (int i = 0; i < n; i++)
        if (step[i].patch == patch) {
            if (*first < 0) *first = i;
            *last = i;
        }
    return *first >= 0;
}

static void mark_patch(const scene *s, uint8_t *rgb, int patch, const uint8_t color[3], double inside, bool edge)
{
    int x0, x1 = 0, y0, y1 = 0;
    if (patch < 0 || patch >= s->ph->grid_w * s->ph->grid_h) return;
    if (!extent(s->c->column, s->w, patch % s->ph->grid_w, &x0, &x1) || !extent(s->c->row, s->h, patch / s->ph->grid_w, &y0, &y1)) return;
    for (int y = y0; y <= y1; y++)
        for (int x = x0; x <= x1; x++) {
            uint8_t *p = rgb + 3 * ((size_t)y * (size_t)s->w + (size_t)x);
            bool rim = x == x0 || x == x1 || y == y0 || y == y1;
            if (edge && rim) memcpy(p, color, 3);
            else mix(p, color, inside);
        }
}

static void range_of(scene *s)
{
    s->low = s->ph->low;
    s->high = s->ph->high;
    if (s->low < s->high || !s->ph->value) return;
    s->low = INFINITY;
    s->high = -INFINITY;
    for (int i = 0; i < s->ph->grid_w * s->ph->grid_h; i++) {
        float v = s->ph->value[i];
        if (!isfinite(v)) continue;
        if (v < s->low) s->low = v;
        if (v > s->high) s->high = v;
    }
    if (!(s->low <= s->high)) s->low = s->high = 0;
}

static void overlay(const scene *s, uint8_t *rgb)
{
    for (int y = 0; y < s->h; y++)
        for (int x = 0; x < s->w; x++) {
            int patch;
            uint8_t *p = rgb + 3 * ((size_t)y * (size_t)s->w + (size_t)x);
            place at = where_is(s, x, y, &patch);
            if (at == IN_NOTHING) memcpy(p, s->theme->ground, 3);
            else if (at == IN_PHOTO_ONLY) fade(s, p, 0.6), mix(p, s->theme->ground, 0.3);
            else if (at == IN_PAD) {
                hatch(s, p, x, y);
                if (s->ph->kept && s->ph->kept[patch]) mix(p, line_kept, 0.22); /* a padding token that survives is worth seeing */
            } else if (patch >= 0) style_pixel(s, p, patch);
            if ((at != IN_PATCH && at != IN_PAD) || patch < 0 || s->per_patch < 2) continue;
            bool edge = false, line = border(s, x, y, patch, &edge);
            if (s->ph->style == SAINT_UI_PHOTO_OUTLINE && edge) mix(p, line_kept, 0.85);
            else if (s->ph->lines && line && s->per_patch >= 4) mix(p, s->theme->ground, 0.35);
        }
    for (int i = 0; i < s->ph->n_linked && s->ph->linked; i++) {
        double strength = s->ph->strength ? (double)s->ph->strength[i] : 1;
        mark_patch(s, rgb, s->ph->linked[i], link_color, 0.15 + 0.55 * fmin(1, fmax(0, strength)), false);
    }
}

static void cursor(const scene *s, uint8_t *rgb)
{
    if (s->ph->cursor >= 0 && s->ph->grid_w > 0) {
        bool roomy = s->per_patch >= 3;
        mark_patch(s, rgb, s->ph->cursor, roomy ? cursor_edge : s->light ? cursor_dark : cursor_color, roomy ? 0 : 1, true);
    }
}

/* ---- one character per cell, where there are no half blocks or no colours ---- */

static char letter_of(const scene *s, int patch, bool kept)
{
    const saint_ui_photo *ph = s->ph;
    static const char base[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    if (patch < 0) return 0;
    if (ph->style == SAINT_UI_PHOTO_HEAT) {
        double v = scaled_value(s, patch);
        return isnan(v) ? (char)(kept ? '#' : '.') : base[(int)(9.999 * fmin(1, fmax(0, v)))];
    }
    if (ph->style == SAINT_UI_PHOTO_DEATH) {
        int step = ph->death ? ph->death[patch] : -1;
        return step < 0 ? 0 : base[step < 35 ? step : 35];
    }
    if (ph->style == SAINT_UI_PHOTO_DIFF) {
        bool b = is_kept(ph->kept_b, patch);
        return kept && b ? '=' : kept ? 'A' : b ? 'B' : '.';
    }
    return 0;
}

/* Where there are 8 or 16 colours: the one that is nearest in hue. Mixtures of them would be noise; brightness is in the characters. */
static saint_ui_color hue_of(const scene *s, const uint8_t *px, saint_ui_color otherwise)
{
    enum { YELLOW = 3, CYAN = 6 };
    int low = 255, high = 0, index = 0;
    for (int c = 0; c < 3; c++) {
        if (px[c] < low) low = px[c];
        if (px[c] > high) high = px[c];
    }
    if (s->theme->tier != SAINT_UI_8 && s->theme->tier != SAINT_UI_16) return otherwise;
    if (high < 40 || high - low < high / 4) return otherwise; /* grey */
    for (int c = 0; c < 3; c++) index |= (5 * (px[c] - low) >= 2 * (high - low)) << c;
    if (s->light && (index == YELLOW || index == CYAN)) return otherwise; /* which nobody reads on white */
    return saint_ui_palette((unsigned)index);
}

static void characters(saint_ui_pen p, const scene *s, const uint8_t *rgb)
{
    static const char ramp[] = "::;-=+*#%@"; /* '.' and the blank are what was dropped */
    for (int y = 0; y < s->h; y++)
        for (int x = 0; x < s->w; x++) {
            int patch;
            place at = where_is(s, x, y, &patch);
            bool kept = is_kept(s->ph->kept, patch);
            const uint8_t *px = rgb + 3 * ((size_t)y * (size_t)s->w + (size_t)x);
            double bright = luminance(px);
            if (s->light) bright = 1 - bright;
            char ch = letter_of(s, patch, kept);
            saint_ui_role role = kept ? SAINT_UI_STRONG : SAINT_UI_FAINT;
            if (s->ph->style == SAINT_UI_PHOTO_DIFF && ch)
                role = ch == 'A' ? SAINT_UI_ONLY_A : ch == 'B' ? SAINT_UI_ONLY_B : ch == '=' ? SAINT_UI_BOTH : SAINT_UI_DROPPED;
            if (!ch) ch = kept ? ramp[(int)(9.999 * bright)] : bright > 0.08 ? '.' : ' ';
            if (at == IN_PAD) ch = (x + 2 * y) % 4 < 1 ? '/' : ' ', role = SAINT_UI_FAINT;
            if (at == IN_NOTHING) ch = ' ';
            if (at == IN_PHOTO_ONLY) ch = bright > 0.1 ? ',' : ' ', role = SAINT_UI_FAINT;
            saint_ui_style style = saint_ui_theme_style(p.theme, role);
            if (at == IN_PATCH && kept && role == SAINT_UI_STRONG) style.fg = hue_of(s, px, style.fg);
            for (int i = 0; i < s->ph->n_linked && s->ph->linked; i++)
                if (patch >= 0 && s->ph->linked[i] == patch)
                    style = saint_ui_theme_style(p.theme, SAINT_UI_MATCH), style.attr |= SAINT_UI_BOLD;
            if (patch >= 0 && patch == s->ph->cursor) style.attr ^= SAINT_UI_REVERSE;
            saint_ui_char(p, x, y, (uint32_t)(unsigned char)ch, style);
        }
}

/* Colours but no half blocks: one pixel per cell, on the ground colour of a blank; what was dropped also carries a dot. */
static void blanks(saint_ui_pen p, const scene *s, const uint8_t *rgb)
{
    for (int y = 0; y < s->h; y++)
        for (int x = 0; x < s->w; x++) {
            int patch;
            where_is(s, x, y, &patch);
            const uint8_t *px = rgb + 3 * ((size_t)y * (size_t)s->w + (size_t)x);
            uint8_t ink[3];
            memcpy(ink, px, 3);
            mix(ink, s->theme->ink, 0.35);
            saint_ui_style style = {saint_ui_rgb(ink[0], ink[1], ink[2]), saint_ui_rgb(px[0], px[1], px[2]), SAINT_UI_PHOTO};
            saint_ui_char(p, x, y, patch >= 0 && !is_kept(s->ph->kept, patch) ? '.' : ' ', style);
        }
}

void saint_ui_photo_compose(saint_ui_pen p, const saint_ui_photo *ph, saint_ui_photo_cache *c)
{
    static const saint_ui_theme plain = {.tier = SAINT_UI_MONO, .glyphs = SAINT_UI_ASCII, .ink = {220, 220, 220}};
    scene s = {.ph = ph, .theme = p.theme ? p.theme : &plain, .c = c, .w = c->w, .h = c->h};
    double square = ph->rect.w > 0 && ph->rect.h > 0 ? ph->rect.w : ph->image->w;
    if (ph->grid_w > 0) s.per_patch = c->w * (square / c->frame.w) / ph->grid_w;
    s.cell_aspect = c->h == p.area.h ? 2 : 1;
    s.light = s.theme->kind == SAINT_UI_LIGHT;
    range_of(&s);
    bool color = s.theme->tier == SAINT_UI_DIRECT || s.theme->tier == SAINT_UI_256;
    if (!color) {
        characters(p, &s, c->scaled);
        return;
    }
    overlay(&s, c->drawn);
    if (s.theme->tier == SAINT_UI_256 && c->w == p.area.w && c->mixes) saint_ui_dither(c->drawn, c->w, c->h, c->mixes);
    cursor(&s, c->drawn); /* of one colour, whatever the photo is made of */
    if (c->w == 2 * p.area.w) saint_ui_photo_quarters(p, c->drawn, p.area.w, p.area.h);
    else if (c->h == 2 * p.area.h) saint_ui_photo_halves(p, c->drawn, p.area.w, p.area.h);
    else blanks(p, &s, c->drawn);
}
