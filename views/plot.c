#include "views/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "views/dots.h"

enum { MOST_TICKS = 24 };

/* ---- ticks ---- */

int saint_ui_ticks(double low, double high, bool log, int most, double *tick, int *decimals)
{
    int n = 0, places = 0;
    if (most > MOST_TICKS) most = MOST_TICKS;
    if (!isfinite(low) || !isfinite(high) || !(low < high) || most < 1 || !tick || high - low > 1e300) return 0;
    if (log && low > 0) {
        /* one, two or three ticks per decade, or every k-th decade, whatever is the richest that fits */
        int from = (int)floor(log10(low)), to = (int)ceil(log10(high));
        static const double inner[3][3] = {{1, 2, 5}, {1, 3, 0}, {1, 0, 0}};
        for (int rich = 0; rich < 3; rich++) {
            n = 0;
            for (int d = from; d <= to && n <= most; d++)
                for (int i = 0; i < 3; i++) {
                    double v = inner[rich][i] * pow(10, d);
                    if (v >= low * (1 - 1e-12) && v <= high * (1 + 1e-12) && n <= most) {
                        if (n < most) tick[n] = v;
                        n++;
                    }
                }
            if (n >= 2 && n <= most) {
                if (decimals) *decimals = -1; /* each as short as it can be */
                return n;
            }
        }
        if (n > most) {
            int each = (to - from + most) / most;
            n = 0;
            for (int d = from; d <= to && n < most; d += each) {
                double v = pow(10, d);
                if (v >= low * (1 - 1e-12) && v <= high * (1 + 1e-12)) tick[n++] = v;
            }
            if (decimals) *decimals = -1;
            return n;
        }
    }
    double raw = (high - low) / most, unit = pow(10, floor(log10(raw)));
    static const double step_of[] = {1, 2, 2.5, 5, 10, 20, 25, 50};
    for (size_t i = 0; i < sizeof step_of / sizeof *step_of; i++) {
        double step = step_of[i] * unit, first = ceil(low / step - 1e-9) * step;
        int count = (int)floor((high - first) / step + 1e-9) + 1;
        if (count > most) continue;
        for (n = 0; n < count; n++) tick[n] = fabs(first + n * step) < step * 1e-9 ? 0 : first + n * step;
        while (places < 12 && fabs(step * pow(10, places) - round(step * pow(10, places))) > 1e-6) places++;
        break;
    }
    if (decimals) *decimals = places;
    return n;
}

static void tick_text(char *out, size_t size, double v, int decimals)
{
    if (decimals < 0 || fabs(v) >= 1e5) {
        if (fabs(v) >= 1e-3 && fabs(v) < 1e5) {
            int places = 0;
            while (places < 4 && fabs(v * pow(10, places) - round(v * pow(10, places))) > 1e-6) places++;
            saint_ui_fixed(out, size, v, places);
        } else if (v != 0 && (fabs(v) < 1e-3 || fabs(v) >= 1e15)) {
            snprintf(out, size, "%.0e", v);
        } else saint_ui_number(out, size, v);
        return;
    }
    saint_ui_fixed(out, size, v, decimals);
}

/* ---- scale ---- */

static double on_scale(double v, bool log) { return log ? (v > 0 ? log10(v) : NAN) : v; }

double saint_ui_plot_dot(const saint_ui_plot_frame *f, int axis, double v)
{
    if (!f || axis < 0 || axis > 2) return NAN;
    double low = on_scale(f->low[axis], f->log[axis]), high = on_scale(f->high[axis], f->log[axis]);
    double share = (on_scale(v, f->log[axis]) - low) / (high - low);
    int n = axis == 0 ? f->cells.w * f->dots_x : f->cells.h * f->dots_y;
    return axis == 0 ? share * (n - 1) : (1 - share) * (n - 1);
}

double saint_ui_plot_x_at(const saint_ui_plot_frame *f, int column)
{
    if (!f || !f->used[0] || column < f->cells.x || column >= f->cells.x + f->cells.w) return NAN;
    int n = f->cells.w * f->dots_x;
    double share = n > 1 ? ((column - f->cells.x) * f->dots_x + (f->dots_x - 1) / 2.0) / (n - 1) : 0.5;
    double low = on_scale(f->low[0], f->log[0]), high = on_scale(f->high[0], f->log[0]), v = low + share * (high - low);
    return f->log[0] ? pow(10, v) : v;
}

static void stretch(double v, bool log, double *low, double *high)
{
    if (!isfinite(v) || fabs(v) > 1e300 || (log && v <= 0)) return;
    if (!(*low <= v)) *low = v;
    if (!(*high >= v)) *high = v;
}

/* Range of an axis: as asked, or of the data with a little air; round where that is near. */
static void range(const saint_ui_plot *plot, int axis, saint_ui_plot_frame *f)
{
    const saint_ui_axis *a = axis == 0 ? &plot->x : &plot->y[axis - 1];
    double low = NAN, high = NAN;
    bool log = a->log;
    for (int i = 0; i < plot->n_series; i++) {
        const saint_ui_series *s = &plot->series[i];
        if (axis && (s->axis ? 2 : 1) != axis) continue;
        for (int k = 0; k < s->n && s->x && s->y; k++) {
            if (isnan(s->x[k]) || isnan(s->y[k])) continue;
            stretch(axis ? s->y[k] : s->x[k], log, &low, &high);
            if (axis && s->low) stretch(s->low[k], log, &low, &high);
            if (axis && s->high) stretch(s->high[k], log, &low, &high);
        }
    }
    f->used[axis] = !isnan(low);
    if (isnan(low)) low = log ? 1 : 0, high = log ? 10 : 1;
    if (a->low < a->high && (!log || a->low > 0) && isfinite(a->low) && isfinite(a->high)) low = a->low, high = a->high;
    else if (log) {
        if (high < low * 1.01) low /= 2, high *= 2;
    } else {
        if (high - low < 1e-9 * fmax(fabs(high), 1e-300)) {
            double d = high != 0 ? fabs(high) * 0.1 : 1;
            low -= d, high += d;
        } else if (axis) {
            double air = (high - low) * 0.04;
            low = low >= 0 && low < air * 3 ? 0 : low - air;
            high += air;
        }
    }
    f->low[axis] = low;
    f->high[axis] = high;
    f->log[axis] = log;
}

/* ---- drawing ---- */

static const uint16_t markers[SAINT_UI_SERIES][2] = {{0x25cf, 0x25cb}, {0x25a0, 0x25a1}, {0x25b2, 0x25b3},
                                                     {0x25c6, 0x25c7}, {0x2605, 0x2606}, {0x25bc, 0x25bd}};
static const char ascii_markers[SAINT_UI_SERIES + 1] = "o#^x*v";

static int color_of(const saint_ui_series *s) { return s->color >= 0 ? s->color % SAINT_UI_SERIES : 0; }

uint32_t saint_ui_plot_marker(saint_ui_pen p, const saint_ui_series *s, bool hollow)
{
    if (!s) return ' ';
    int c = color_of(s);
    if (saint_ui_pen_ascii(p)) return hollow ? '?' : (uint32_t)ascii_markers[c];
    return markers[c][hollow];
}

static saint_ui_role series_role(const saint_ui_series *s) { return (saint_ui_role)(SAINT_UI_SERIES_0 + color_of(s)); }

static void draw_errors(saint_ui_pen data, const saint_ui_plot_frame *f, const saint_ui_series *s, saint_ui_style style)
{
    int axis = s->axis ? 2 : 1;
    style.attr |= SAINT_UI_DIM; /* of few samples the bars are long: they must not drown the points */
    for (int i = 0; i < s->n && s->low && s->high; i++) {
        double x = saint_ui_plot_dot(f, 0, s->x[i]), a = saint_ui_plot_dot(f, axis, s->low[i]), b = saint_ui_plot_dot(f, axis, s->high[i]);
        if (!isfinite(x) || !isfinite(a) || !isfinite(b)) continue;
        saint_ui_dot_line(data, x, a, x, b, style);
        for (int cap = -1; cap <= 1 && f->dots_x > 1; cap++) {
            saint_ui_dot(data, (int)lround(x) + cap, (int)lround(a), style);
            saint_ui_dot(data, (int)lround(x) + cap, (int)lround(b), style);
        }
    }
}

static void draw_series(saint_ui_pen data, const saint_ui_plot_frame *f, const saint_ui_series *s)
{
    if (!s->x || !s->y) return;
    int axis = s->axis ? 2 : 1;
    saint_ui_style style = saint_ui_theme_style(data.theme, series_role(s));
    draw_errors(data, f, s, style);
    double px = NAN, py = NAN;
    for (int i = 0; i < s->n; i++) {
        double x = saint_ui_plot_dot(f, 0, s->x[i]), y = saint_ui_plot_dot(f, axis, s->y[i]);
        if (s->line && s->steps) {
            saint_ui_dot_line(data, px, py, x, py, style);
            saint_ui_dot_line(data, x, py, x, y, style);
        } else if (s->line) saint_ui_dot_line(data, px, py, x, y, style);
        if (s->n == 1 && s->line) saint_ui_dot_line(data, x, y, x, y, style);
        px = x, py = y;
    }
    if (!s->points) return;
    /* Close markers say nothing that the line does not, and in few rows they hide it. */
    if (s->line && (s->n > data.area.w / 2 || data.area.h < 6)) return;
    style.attr |= SAINT_UI_BOLD;
    for (int i = 0; i < s->n; i++) {
        double x = saint_ui_plot_dot(f, 0, s->x[i]), y = saint_ui_plot_dot(f, axis, s->y[i]);
        if (!(x > -0.5 && y > -0.5 && x < f->cells.w * f->dots_x - 0.5 && y < f->cells.h * f->dots_y - 0.5)) continue;
        saint_ui_char(data, (int)lround(x) / f->dots_x, (int)lround(y) / f->dots_y, saint_ui_plot_marker(data, s, s->hollow && s->hollow[i]), style);
    }
}

static void draw_legend(saint_ui_pen p, const saint_ui_plot *plot, const saint_ui_plot_frame *f)
{
    int x = 1;
    for (int i = 0; i < plot->n_series; i++) {
        const saint_ui_series *s = &plot->series[i];
        if (!s->name || p.area.w - x < 6) continue;
        saint_ui_style style = saint_ui_theme_style(p.theme, series_role(s));
        if (s->points || saint_ui_pen_ascii(p)) saint_ui_char(p, x, 0, saint_ui_plot_marker(p, s, false), style);
        else saint_ui_char(p, x, 0, 0x2501, style);
        x += 2;
        x += saint_ui_text(p, x, 0, -1, SAINT_UI_TEXT, s->name);
        if (f->used[2] && f->used[1]) x += saint_ui_text(p, x, 0, -1, SAINT_UI_MUTED, s->axis ? " \u2192" : " \u2190");
        x += 3;
    }
    char label[96];
    if (!plot->x.label) return;
    snprintf(label, sizeof label, plot->x.unit && *plot->x.unit ? "x: %s (%s)" : "x: %s", plot->x.label, plot->x.unit ? plot->x.unit : "");
    if (saint_ui_text_width(label) + x < p.area.w) saint_ui_text_right(p, p.area.w - 1, 0, -1, SAINT_UI_MUTED, label);
}

typedef struct {
    int left, right, top, bottom; /* margins */
    double tick[3][MOST_TICKS];
    int n[3], decimals[3];
} margins;

static int widest(const margins *m, int axis)
{
    int w = 0;
    for (int i = 0; i < m->n[axis]; i++) {
        char text[32];
        tick_text(text, sizeof text, m->tick[axis][i], m->decimals[axis]);
        int n = (int)strlen(text);
        if (n > w) w = n;
    }
    return w;
}

static margins arrange(saint_ui_pen p, const saint_ui_plot *plot, const saint_ui_plot_frame *f)
{
    margins m = {0};
    int w = p.area.w, h = p.area.h;
    m.top = h >= 6 && w >= 16 ? 1 : 0;
    m.bottom = h >= 5 && w >= 12 ? 2 : 0;
    int rows = h - m.top - m.bottom;
    for (int axis = 1; axis <= 2; axis++)
        if (f->used[axis] || axis == 1)
            m.n[axis] = saint_ui_ticks(f->low[axis], f->high[axis], f->log[axis], rows / 3 + 1, m.tick[axis], &m.decimals[axis]);
    if (w >= 20 && h >= 3) {
        m.left = widest(&m, 1) + 2;
        m.right = f->used[2] ? widest(&m, 2) + 2 : 1;
    } else if (m.bottom) m.left = 1;
    if (m.left + m.right > w / 2) m.left = m.right = 0;
    m.n[0] = saint_ui_ticks(f->low[0], f->high[0], f->log[0], (w - m.left - m.right) / 9 + 1, m.tick[0], &m.decimals[0]);
    (void)plot;
    return m;
}

static void draw_axes(saint_ui_pen p, saint_ui_pen data, const saint_ui_plot *plot, const saint_ui_plot_frame *f, const margins *m)
{
    saint_ui_style faint = saint_ui_theme_style(p.theme, SAINT_UI_FAINT);
    int w = data.area.w, h = data.area.h, x0 = m->left, y0 = m->top;
    bool ascii = saint_ui_pen_ascii(p);
    uint32_t dotted = ascii ? '.' : 0x2508;
    for (int axis = 1; axis <= 2 && m->left; axis++) {
        int x = axis == 1 ? x0 - 1 : x0 + w;
        if (axis == 2 && !f->used[2]) continue;
        for (int y = 0; y < h; y++) saint_ui_char(p, x, y0 + y, saint_ui_sym_char(p, SAINT_UI_SYM_V), faint);
        int last = -2;
        for (int i = m->n[axis] - 1; i >= 0; i--) {
            int y = (int)lround(saint_ui_plot_dot(f, axis, m->tick[axis][i])) / f->dots_y;
            char text[32];
            if (y < 0 || y >= h || y <= last) continue;
            last = y;
            tick_text(text, sizeof text, m->tick[axis][i], m->decimals[axis]);
            saint_ui_char(p, x, y0 + y, saint_ui_sym_char(p, axis == 1 ? SAINT_UI_SYM_TEE_R : SAINT_UI_SYM_TEE_L), faint);
            if (axis == 1) saint_ui_text_right(p, x, y0 + y, -1, SAINT_UI_MUTED, text);
            else saint_ui_text(p, x + 1, y0 + y, -1, SAINT_UI_MUTED, text);
            for (int c = 0; c < w && plot->guides && axis == 1; c++) saint_ui_char(data, c, y, dotted, faint);
        }
    }
    if (!m->bottom) return;
    int y = y0 + h, end = -1;
    for (int x = 0; x < w; x++) saint_ui_char(p, x0 + x, y, saint_ui_sym_char(p, SAINT_UI_SYM_H), faint);
    if (m->left) saint_ui_char(p, x0 - 1, y, saint_ui_pen_ascii(p) && !(p.theme && p.theme->lines) ? '+' : 0x2514, faint);
    if (f->used[2] && m->left) saint_ui_char(p, x0 + w, y, saint_ui_pen_ascii(p) && !(p.theme && p.theme->lines) ? '+' : 0x2518, faint);
    for (int i = 0; i < m->n[0]; i++) {
        int x = (int)lround(saint_ui_plot_dot(f, 0, m->tick[0][i])) / f->dots_x;
        char text[32];
        if (x < 0 || x >= w) continue;
        tick_text(text, sizeof text, m->tick[0][i], m->decimals[0]);
        int n = (int)strlen(text), at = x0 + x - n / 2;
        if (at < 0) at = 0;
        if (at + n > p.area.w) at = p.area.w - n;
        if (at <= end) continue;
        saint_ui_char(p, x0 + x, y, saint_ui_sym_char(p, SAINT_UI_SYM_TEE_T), faint);
        end = at + saint_ui_text(p, at, y + 1, n, SAINT_UI_MUTED, text);
    }
}

static void vertical(saint_ui_pen data, const saint_ui_plot_frame *f, double x, uint32_t ch, saint_ui_role role)
{
    double dot = saint_ui_plot_dot(f, 0, x);
    if (!(dot > -0.5 && dot < data.area.w * f->dots_x - 0.5)) return;
    for (int y = 0; y < data.area.h; y++) saint_ui_char(data, (int)lround(dot) / f->dots_x, y, ch, saint_ui_theme_style(data.theme, role));
}

void saint_ui_plot_draw(saint_ui_pen p, const saint_ui_plot *plot, saint_ui_plot_frame *frame)
{
    saint_ui_plot_frame own, *f = frame ? frame : &own;
    *f = (saint_ui_plot_frame){.cells = {p.area.x, p.area.y, 0, 0}, .dots_x = 1, .dots_y = 1};
    saint_ui_clear(p, SAINT_UI_TEXT);
    if (!plot || p.area.w < 1 || p.area.h < 1) return;
    static const saint_ui_series none = {0};
    saint_ui_plot safe = *plot;
    if (!safe.series || safe.n_series < 0) safe.series = &none, safe.n_series = 0;
    for (int axis = 0; axis < 3; axis++) range(&safe, axis, f);
    margins m = arrange(p, &safe, f);
    saint_ui_pen data = saint_ui_pen_part(p, m.left, m.top, p.area.w - m.left - m.right, p.area.h - m.top - m.bottom);
    f->cells = data.area;
    saint_ui_dots_per_cell(p, &f->dots_x, &f->dots_y);
    if (data.area.w < 1 || data.area.h < 1) return;
    draw_axes(p, data, &safe, f, &m);
    bool ascii = saint_ui_pen_ascii(p);
    vertical(data, f, safe.mark, ascii ? ':' : 0x2506, SAINT_UI_MUTED);
    vertical(data, f, safe.cursor, ascii ? '|' : 0x2502, SAINT_UI_ACCENT);
    for (int i = 0; i < safe.n_series; i++) draw_series(data, f, &safe.series[i]);
    if (m.top) draw_legend(saint_ui_pen_part(p, 0, 0, p.area.w, 1), &safe, f);
    if (!f->used[0]) saint_ui_text(data, data.area.w > 12 ? (data.area.w - 12) / 2 : 0, data.area.h / 2, -1, SAINT_UI_MUTED, "no data yet");
    for (int i = 0; i < safe.n_series && !isnan(safe.cursor); i++) { /* the points that the cursor reads */
        const saint_ui_series *s = &safe.series[i];
        int k = saint_ui_plot_nearest(s, safe.cursor, f->log[0]);
        if (k < 0) continue;
        double x = saint_ui_plot_dot(f, 0, s->x[k]), y = saint_ui_plot_dot(f, s->axis ? 2 : 1, s->y[k]);
        if (!(fabs(x - saint_ui_plot_dot(f, 0, safe.cursor)) < f->dots_x)) continue; /* near it only: elsewhere nothing is read */
        if (!(x > -0.5 && y > -0.5 && x < f->cells.w * f->dots_x - 0.5 && y < f->cells.h * f->dots_y - 0.5)) continue;
        saint_ui_style style = saint_ui_theme_style(p.theme, series_role(s));
        style.attr |= SAINT_UI_BOLD | SAINT_UI_REVERSE;
        saint_ui_char(data, (int)lround(x) / f->dots_x, (int)lround(y) / f->dots_y, saint_ui_plot_marker(data, s, s->hollow && s->hollow[k]), style);
    }
}

/* ---- the data cursor ---- */

int saint_ui_plot_nearest(const saint_ui_series *s, double x, bool log)
{
    int best = -1;
    double distance = INFINITY, at = on_scale(x, log);
    for (int i = 0; s && s->x && s->y && i < s->n; i++) {
        double d = fabs(on_scale(s->x[i], log) - at);
        if (isnan(s->y[i]) || !(d < distance)) continue;
        distance = d;
        best = i;
    }
    return best;
}

double saint_ui_plot_step(const saint_ui_plot *plot, double x, int direction)
{
    double best = NAN;
    for (int i = 0; plot && plot->series && i < plot->n_series; i++) {
        const saint_ui_series *s = &plot->series[i];
        for (int k = 0; s->x && s->y && k < s->n; k++) {
            double v = s->x[k];
            if (isnan(v) || isnan(s->y[k]) || (!isnan(x) && (direction > 0 ? v <= x : v >= x))) continue;
            if (isnan(best) || (direction > 0 ? v < best : v > best)) best = v;
        }
    }
    return best;
}

void saint_ui_plot_readout(const saint_ui_plot *plot, char *out, size_t size)
{
    if (!out || !size) return;
    out[0] = 0;
    if (!plot || isnan(plot->cursor)) return;
    char number[40];
    size_t n =
        (size_t)snprintf(out, size, "%s %s", plot->x.label ? plot->x.label : "x", saint_ui_number(number, sizeof number, plot->cursor));
    for (int i = 0; i < plot->n_series && plot->series && n < size; i++) {
        const saint_ui_series *s = &plot->series[i];
        int k = saint_ui_plot_nearest(s, plot->cursor, plot->x.log);
        if (k < 0) continue;
        n += (size_t)snprintf(out + n, size - n, "   %s %s", s->name ? s->name : "y", saint_ui_number(number, sizeof number, s->y[k]));
        if (s->low && s->high && n < size && isfinite(s->high[k] - s->low[k])) {
            char low[40];
            n += (size_t)snprintf(out + n, size - n, " [%s, %s]", saint_ui_number(low, sizeof low, s->low[k]),
                                  saint_ui_number(number, sizeof number, s->high[k]));
        }
    }
}

void saint_ui_sparkline(saint_ui_pen p, const double *y, int n, saint_ui_role role)
{
    if (!y || n < 1 || p.area.w < 1 || p.area.h < 1) return;
    double low = 0, high = 0;
    for (int i = 0; i < n; i++) {
        stretch(y[i], false, &low, &high);
    }
    if (!(high > low)) high = low + 1;
    saint_ui_style style = saint_ui_theme_style(p.theme, role);
    int across, down;
    saint_ui_dots_per_cell(p, &across, &down);
    int w = p.area.w * across, h = p.area.h * down;
    bool ascii = saint_ui_pen_ascii(p);
    for (int x = 0; x < w; x++) {
        double v = y[(int)((int64_t)x * n / w)];
        if (!isfinite(v)) continue;
        double share = fmin(fmax((v - low) / (high - low), 0), 1);
        int level = (int)lround(share * (h - 1));
        if (ascii && p.area.h == 1) saint_ui_char(p, x, 0, (uint32_t) "_.-=*#"[(int)(5.999 * share)], style);
        else
            for (int k = 0; k <= level; k++) saint_ui_dot(p, x, h - 1 - k, style);
    }
}
