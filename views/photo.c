#include "views/photo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "views/photo_draw.h"

void saint_ui_photo_cache_free(saint_ui_photo_cache *c)
{
    if (!c) return;
    free(c->scaled);
    free(c->drawn);
    free(c->mixes);
    free(c->column);
    free(c->row);
    *c = (saint_ui_photo_cache){0};
}

void saint_ui_photo_cache_reset(saint_ui_photo_cache *c)
{
    if (c) c->of = NULL;
}

void saint_ui_photo_size(double aspect, int grid_w, int grid_h, int max_w, int max_h, bool exact, int *w, int *h)
{
    if (!(aspect > 1e-3)) aspect = 1e-3;
    if (aspect > 1e3) aspect = 1e3;
    int best_w = 0, best_h = 0;
    if (max_w >= 1 && max_h >= 1) {
        best_w = max_w;
        best_h = (int)lround(best_w / aspect / 2);
        if (best_h > max_h) {
            best_h = max_h;
            best_w = (int)lround(best_h * 2 * aspect);
        }
        best_w = best_w < 1 ? 1 : best_w > max_w ? max_w : best_w;
        best_h = best_h < 1 ? 1 : best_h;
        if (exact && grid_w > 0 && grid_h > 0 && fabs(aspect * grid_h / grid_w - 1) < 0.01) {
            /* One patch is k x k pixels: k columns, k / 2 rows, so an odd k needs an even number of patch rows. */
            int k = best_w / grid_w;
            while (k > 0 && (k * grid_h % 2 || k * grid_h / 2 > max_h)) k--;
            if (k > 0 && k * grid_w * 4 >= best_w * 3) {
                best_w = k * grid_w;
                best_h = k * grid_h / 2;
            }
        }
    }
    if (w) *w = best_w;
    if (h) *h = best_h;
}

/* Weight of source sample i in [from, to). */
static double covered(double from, double to, int i)
{
    double a = from > i ? from : i, b = to < i + 1 ? to : i + 1;
    return b > a ? b - a : 0;
}

void saint_ui_photo_scale(const saint_image *im, saint_view_rect frame, int w, int h, uint8_t *out)
{
    if (!out || w < 1 || h < 1) return;
    memset(out, 0, (size_t)w * (size_t)h * 3);
    if (!im || !im->rgb || !(frame.w > 0) || !(frame.h > 0)) return;
    for (int y = 0; y < h; y++) {
        double top = frame.y0 + y * frame.h / h, bottom = frame.y0 + (y + 1) * frame.h / h;
        int y0 = top < 0 ? 0 : (int)top, y1 = bottom > im->h ? im->h : (int)ceil(bottom);
        for (int x = 0; x < w; x++) {
            double left = frame.x0 + x * frame.w / w, right = frame.x0 + (x + 1) * frame.w / w, sum[3] = {0}, weight = 0;
            int x0 = left < 0 ? 0 : (int)left, x1 = right > im->w ? im->w : (int)ceil(right);
            for (int v = y0; v < y1; v++) {
                double wy = covered(top, bottom, v);
                const uint8_t *row = im->rgb + 3 * (size_t)v * (size_t)im->w;
                for (int u = x0; u < x1; u++) {
                    double wt = wy * covered(left, right, u);
                    for (int c = 0; c < 3; c++) sum[c] += wt * row[3 * u + c];
                    weight += wt;
                }
            }
            for (int c = 0; c < 3 && weight > 0; c++)
                out[3 * ((size_t)y * (size_t)w + (size_t)x) + (size_t)c] = (uint8_t)lround(sum[c] / weight);
        }
    }
}

static saint_ui_color color_at(const uint8_t *p) { return saint_ui_rgb(p[0], p[1], p[2]); }

void saint_ui_photo_halves(saint_ui_pen p, const uint8_t *rgb, int w, int h)
{
    if (!rgb) return;
    size_t stride = 3 * (size_t)(w > 0 ? w : 0);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const uint8_t *upper = rgb + 2 * (size_t)y * stride + 3 * (size_t)x, *lower = upper + stride;
            saint_ui_style style = {color_at(upper), color_at(lower), SAINT_UI_PHOTO};
            saint_ui_char(p, x, y, style.fg == style.bg ? ' ' : 0x2580, style);
        }
}

/* Squared error of the pixels in `mask` against their mean, which is given too. */
static int spread(const uint8_t *const px[4], unsigned mask, int mean[3])
{
    int n = 0, error = 0;
    mean[0] = mean[1] = mean[2] = 0;
    for (int i = 0; i < 4; i++)
        if (mask >> i & 1) {
            n++;
            for (int c = 0; c < 3; c++) mean[c] += px[i][c];
        }
    if (!n) return 0;
    for (int c = 0; c < 3; c++) mean[c] = (mean[c] + n / 2) / n;
    for (int i = 0; i < 4; i++)
        if (mask >> i & 1)
            for (int c = 0; c < 3; c++) error += (px[i][c] - mean[c]) * (px[i][c] - mean[c]);
    return error;
}

void saint_ui_photo_quarters(saint_ui_pen p, const uint8_t *rgb, int w, int h)
{
    /* bit 0 upper left, 1 upper right, 2 lower left, 3 lower right; only splits that leave the upper left pixel in front are needed */
    static const uint16_t glyph[16] = {' ',    0x2598, 0x259d, 0x2580, 0x2596, 0x258c, 0x259e, 0x259b,
                                       0x2597, 0x259a, 0x2590, 0x259c, 0x2584, 0x2599, 0x259f, 0x2588};
    if (!rgb) return;
    size_t stride = 6 * (size_t)(w > 0 ? w : 0);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const uint8_t *at = rgb + 2 * (size_t)y * stride + 6 * (size_t)x;
            const uint8_t *const px[4] = {at, at + 3, at + stride, at + stride + 3};
            int best_error = INT32_MAX, front[3] = {0}, back[3] = {0};
            unsigned best = 15;
            for (unsigned mask = 15;; mask -= 2) { /* all in front first: a flat cell is a blank */
                int a[3], b[3], error = spread(px, mask, a) + spread(px, ~mask & 15, b);
                if (error < best_error) {
                    best_error = error;
                    best = mask;
                    memcpy(front, a, sizeof a);
                    memcpy(back, b, sizeof b);
                }
                if (mask == 1) break;
            }
            if (best == 15) memcpy(back, front, sizeof back);
            saint_ui_style style = {saint_ui_rgb((unsigned)front[0], (unsigned)front[1], (unsigned)front[2]),
                                    saint_ui_rgb((unsigned)back[0], (unsigned)back[1], (unsigned)back[2]), SAINT_UI_PHOTO};
            saint_ui_char(p, x, y, best == 15 ? ' ' : glyph[best], style);
        }
}

/* Rectangles come from settings and files: an empty or absurd one means the whole photo. */
static bool usable(saint_view_rect r) { return r.w > 1e-3 && r.h > 1e-3 && r.w < 1e7 && r.h < 1e7 && fabs(r.x0) < 1e7 && fabs(r.y0) < 1e7; }

/* What is seen: the network's square, or that and the whole photo. */
static saint_view_rect seen_frame(const saint_ui_photo *ph)
{
    saint_view_rect photo = {0, 0, ph->image->w, ph->image->h}, r = ph->rect;
    if (usable(ph->seen)) return ph->seen;
    if (!usable(r)) return photo;
    if (!ph->whole) return r;
    double x1 = fmax(r.x0 + r.w, photo.w), y1 = fmax(r.y0 + r.h, photo.h);
    r.x0 = fmin(r.x0, 0);
    r.y0 = fmin(r.y0, 0);
    r.w = x1 - r.x0;
    r.h = y1 - r.y0;
    return r;
}

int saint_ui_photo_patch_at(const saint_ui_photo *ph, saint_ui_rect where, int x, int y)
{
    if (!ph || !ph->image || ph->grid_w < 1 || ph->grid_h < 1 || !saint_ui_rect_has(where, x, y)) return -1;
    saint_view_rect f = seen_frame(ph), r = ph->rect;
    if (!usable(r)) r = (saint_view_rect){0, 0, ph->image->w, ph->image->h};
    double px = f.x0 + (x - where.x + 0.5) / where.w * f.w, py = f.y0 + (y - where.y + 0.5) / where.h * f.h;
    double gx = floor((px - r.x0) / r.w * ph->grid_w), gy = floor((py - r.y0) / r.h * ph->grid_h);
    if (!(gx >= 0 && gx < ph->grid_w && gy >= 0 && gy < ph->grid_h)) return -1;
    return (int)gy * ph->grid_w + (int)gx;
}

/* Where a view of `length` begins so that `middle` is in its middle, but nothing beside the picture is shown without need; on a whole pixel
 * of size `pixel` counted from `from`. */
static double begin_at(double middle, double length, double from, double all, double pixel)
{
    double at = middle - length / 2;
    if (length >= all) return from - (length - all) / 2;
    at = from + round((at - from) / pixel) * pixel;
    return fmin(fmax(at, from), from + all - length);
}

double saint_ui_photo_zoom(const saint_ui_photo *ph, int max_w, int max_h, int per_patch, double x, double y, saint_view_rect *seen,
                           double *fit)
{
    if (seen) *seen = (saint_view_rect){0};
    if (fit) *fit = 0;
    if (!ph || !ph->image || !ph->image->rgb || ph->grid_w < 1 || ph->grid_h < 1 || max_w < 1 || max_h < 1) return 1;
    saint_ui_photo whole = *ph;
    whole.seen = (saint_view_rect){0};
    saint_view_rect all = seen_frame(&whole), r = usable(ph->rect) ? ph->rect : all;
    int w, h;
    saint_ui_photo_size(all.w / all.h, ph->grid_w, ph->grid_h, max_w, max_h, !ph->whole, &w, &h);
    double now = w / all.w * r.w / ph->grid_w, pixel = r.w / ph->grid_w / per_patch; /* columns of a patch; photo units of a column */
    if (fit) *fit = now;
    if (per_patch <= now * 1.001) return 1;
    double columns = fmin(max_w, ceil(all.w / pixel - 1e-6)), rows = fmin(max_h, ceil(all.h / pixel / 2 - 1e-6));
    saint_view_rect part = {.w = columns * pixel, .h = 2 * rows * pixel};
    part.x0 = begin_at(r.x0 + x * r.w / ph->grid_w, part.w, all.x0, all.w, pixel);
    part.y0 = begin_at(r.y0 + y * r.h / ph->grid_h, part.h, all.y0, all.h, pixel);
    if (seen) *seen = part;
    return per_patch / now;
}

/* Pixels per cell on this terminal. */
static void pixels(saint_ui_pen p, const saint_ui_photo *ph, int *across, int *down)
{
    bool color = p.theme && (p.theme->tier == SAINT_UI_DIRECT || p.theme->tier == SAINT_UI_256), blocks = !saint_ui_pen_ascii(p);
    *across = color && blocks && ph->sharp ? 2 : 1;
    *down = color && blocks ? 2 : 1;
}

/* Pixels of one axis: [from, from + length) of the photo is seen, [start, start + span) of it is cut into `grid` patches. */
static void steps(saint_ui_photo_step *step, int n, double from, double length, double start, double span, int grid, int photo)
{
    for (int i = 0; i < n; i++) {
        double at = from + (i + 0.5) / n * length, patch = floor((at - start) / span * grid);
        step[i].photo = at >= 0 && at < photo;
        step[i].patch = (int16_t)(patch >= 0 && patch < grid && patch < INT16_MAX ? patch : -1);
    }
}

static saint_status prepare(saint_ui_photo_cache *c, const saint_ui_photo *ph, saint_view_rect frame, int w, int h, saint_error *err)
{
    size_t n = (size_t)w * (size_t)h * 3;
    bool same = c->of == ph->image->rgb && c->of_w == ph->image->w && c->of_h == ph->image->h && c->w == w && c->h == h &&
                c->frame.x0 == frame.x0 && c->frame.y0 == frame.y0 && c->frame.w == frame.w && c->frame.h == frame.h;
    if (!same) {
        uint8_t *scaled = realloc(c->scaled, n);
        if (scaled) c->scaled = scaled;
        uint8_t *drawn = realloc(c->drawn, n);
        if (drawn) c->drawn = drawn;
        saint_ui_photo_step *column = realloc(c->column, (size_t)w * sizeof *column);
        if (column) c->column = column;
        saint_ui_photo_step *row = realloc(c->row, (size_t)h * sizeof *row);
        if (row) c->row = row;
        c->of = NULL;
        if (!scaled || !drawn || !column || !row) return saint_fail(err, SAINT_MEMORY, "photo: no memory for %d x %d pixels", w, h);
        saint_ui_photo_scale(ph->image, frame, w, h, c->scaled);
        c->of = ph->image->rgb;
        c->of_w = ph->image->w;
        c->of_h = ph->image->h;
        c->w = w;
        c->h = h;
        c->frame = frame;
    }
    memcpy(c->drawn, c->scaled, n);
    saint_view_rect r = ph->rect;
    if (!usable(r)) r = (saint_view_rect){0, 0, ph->image->w, ph->image->h};
    steps(c->column, w, frame.x0, frame.w, r.x0, r.w, ph->grid_w, ph->image->w);
    steps(c->row, h, frame.y0, frame.h, r.y0, r.h, ph->grid_h, ph->image->h);
    return SAINT_OK;
}

saint_status saint_ui_photo_draw(saint_ui_pen p, const saint_ui_photo *ph, saint_ui_photo_cache *cache, saint_ui_rect *where,
                                 saint_error *err)
{
    if (where) *where = (saint_ui_rect){p.area.x, p.area.y, 0, 0};
    if (!p.canvas || p.area.w < 1 || p.area.h < 1) return SAINT_OK;
    if (!ph || !ph->image || !ph->image->rgb || ph->image->w < 1 || ph->image->h < 1) {
        saint_ui_text(p, p.area.w > 10 ? (p.area.w - 10) / 2 : 0, p.area.h / 2, -1, SAINT_UI_MUTED, "no picture");
        return SAINT_OK;
    }
    saint_view_rect frame = seen_frame(ph);
    int w, h, across, down;
    saint_ui_photo_size(frame.w / frame.h, ph->grid_w, ph->grid_h, p.area.w, p.area.h, !ph->whole && !usable(ph->seen), &w, &h);
    pixels(p, ph, &across, &down);
    saint_ui_photo_cache own = {0}, *c = cache ? cache : &own;
    saint_status s = prepare(c, ph, frame, w * across, h * down, err);
    bool dithers =
        p.theme && p.theme->tier == SAINT_UI_256 && across == 1; /* quarter blocks choose two colours for four pixels on their own */
    if (s == SAINT_OK && dithers && !c->mixes && !(c->mixes = calloc(1, sizeof *c->mixes)))
        s = saint_fail(err, SAINT_MEMORY, "photo: no memory for mixtures of colours");
    if (s == SAINT_OK) {
        int x = (p.area.w - w) / 2, y = (p.area.h - h) / 2;
        saint_ui_pen inner = saint_ui_pen_part(p, x, y, w, h);
        saint_ui_photo_compose(inner, ph, c);
        if (where) *where = inner.area;
    }
    saint_ui_photo_cache_free(&own);
    return s;
}
