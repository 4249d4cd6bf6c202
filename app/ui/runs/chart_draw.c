#define _GNU_SOURCE
#include "ui/runs/chart_draw.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void draw_legend(saint_ui_pen p, const chart_figure *f, uint32_t hidden, int pick, int what)
{
    int x = 1;
    for (int i = f->plot.n_series - 1; i >= 0; i--) { /* what is drawn last is what one looks for first */
        const saint_ui_series *s = &f->series[i];
        if (p.area.w - x < 6) break;
        bool off = hidden & 1u << f->slot[i];
        int from = x;
        saint_ui_style style = saint_ui_theme_style(p.theme, off ? SAINT_UI_DISABLED : (saint_ui_role)(SAINT_UI_SERIES_0 + s->color % SAINT_UI_SERIES));
        saint_ui_char(p, x, 0, s->points || saint_ui_pen_ascii(p) ? saint_ui_plot_marker(p, s, off) : 0x2501, style);
        x += 2;
        saint_ui_style text = saint_ui_theme_style(p.theme, off ? SAINT_UI_DISABLED : SAINT_UI_TEXT);
        if (i == pick) text.attr |= SAINT_UI_UNDERLINE;
        x += saint_ui_text_styled(p, x, 0, -1, text, s->name);
        if (f->plot.y[1].label && *f->plot.y[1].label) x += saint_ui_text(p, x, 0, -1, SAINT_UI_MUTED, s->axis ? " \u2192" : " \u2190");
        if (what) saint_ui_hit_add(p, from, 0, x - from, 1, what, i);
        x += 3;
    }
    char label[128];
    const saint_ui_axis *ax = &f->plot.x;
    if (!ax->label) return;
    snprintf(label, sizeof label, ax->unit && *ax->unit ? "x: %s (%s)" : "x: %s", ax->label, ax->unit ? ax->unit : "");
    if (saint_ui_text_width(label) + x < p.area.w) saint_ui_text_right(p, p.area.w - 1, 0, -1, SAINT_UI_MUTED, label);
}

void chart_draw(saint_ui_pen p, const chart_figure *f, uint32_t hidden, int pick, int plot, int legend, saint_ui_plot_frame *frame)
{
    /* The legend is drawn here, so that it answers the mouse; the plot leaves its row free when nothing has a name. */
    saint_ui_series nameless[CHART_SERIES_MOST];
    saint_ui_plot bare = f->plot;
    memcpy(nameless, f->series, sizeof nameless);
    for (int i = 0; i < bare.n_series; i++) nameless[i].name = NULL;
    bare.series = nameless;
    bare.x.label = NULL;
    if (plot) saint_ui_hit_add(p, 0, 0, p.area.w, p.area.h, plot, 0);
    saint_ui_plot_draw(p, &bare, frame);
    if (p.area.h >= 6 && p.area.w >= 16) draw_legend(saint_ui_pen_part(p, 0, 0, p.area.w, 1), f, hidden, pick, legend);
}

/* printf behind what is there; the bytes then there. */
__attribute__((format(printf, 4, 5))) static size_t more(char *out, size_t size, size_t n, const char *format, ...)
{
    va_list args;
    if (n >= size) return n;
    va_start(args, format);
    int k = vsnprintf(out + n, size - n, format, args);
    va_end(args);
    return k < 0 ? n : n + (size_t)k;
}

void chart_readout(const chart_data *d, const chart_figure *f, char *out, size_t size)
{
    char number[40], low[40];
    size_t n = 0;
    double x = f->plot.cursor;
    out[0] = 0;
    if (isnan(x)) return;
    int row = chart_figure_row(f);
    if (row >= 0) n = more(out, size, n, "run %d at ", d->row[row].key);
    n = more(out, size, n, "%s", saint_ui_number(number, sizeof number, x));
    for (int i = f->plot.n_series - 1; i >= 0; i--) {
        const saint_ui_series *s = &f->series[i];
        int k = saint_ui_plot_nearest(s, x, f->plot.x.log);
        bool level = f->slot[i] == CHART_SLOT_UNPRUNED && s->line;
        if (k < 0 || f->slot[i] == CHART_SLOT_FRONT || (s->x[k] != x && !level)) continue;
        n = more(out, size, n, "   %s %s", s->name, saint_ui_number(number, sizeof number, s->y[k]));
        if (s->low && s->high && isfinite(s->high[k] - s->low[k]))
            n = more(out, size, n, " [%s, %s]", saint_ui_number(low, sizeof low, s->low[k]), saint_ui_number(number, sizeof number, s->high[k]));
        const chart_row *r = &d->row[f->row[i][k]];
        n = more(out, size, n, " n = %d%s", r->n, r->hollow ? " so far" : "");
    }
}
