/* figure.c - series of points as a script for gnuplot, and what comes back as a file or as text. */
#define _GNU_SOURCE
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "export/figure_internal.h"

enum { PREVIEW_MS = 5000, EXPORT_MS = 30000 };

typedef enum { OUT_PNG, OUT_SVG, OUT_PDF, OUT_TEXT } output;

/* How the legend below the figure is laid out: columns as there is room for, names cut where there is none. */
typedef struct {
    int rows, letters; /* letters: most of a name */
    double share;      /* of the height that it takes, together with what stands below it */
} legend;

typedef struct {
    text_buf script;
    const figure_options *o;
    const figure_data *d;
    output as;
    int w, h;          /* cells of OUT_TEXT */
    double scale;      /* of everything, against 1200 x 800 */
    double wide, high; /* of the picture, in units of that scale */
    legend legend;
    saint_error *err;
    saint_status status;
} drawing;

/* ---- looks ---------------------------------------------------------------------------------------------------------------- */

/* Okabe and Ito's colours, which the colour-blind can tell apart; the marks differ too, because print is grey. Random dropping is grey
 * itself, with a mark of its own, and the unpruned model black. */
static const struct {
    const char *color;
    int mark, dash;
} looks[] = {{"#0072B2", 7, 1}, {"#D55E00", 5, 1}, {"#009E73", 9, 1}, {"#CC79A7", 15, 1}, {"#E69F00", 7, 1}, {"#56B4E9", 5, 1},
             {"#0072B2", 9, 4}, {"#D55E00", 7, 4}, {"#009E73", 5, 4}, {"#CC79A7", 9, 4},  {"#E69F00", 5, 4}, {"#56B4E9", 15, 4}};

static const char *const grays[] = {"#666666", "#999999", "#444444", "#BBBBBB"};

/* Series number n of its kind. */
static const char *color_of(series_kind kind, int n)
{
    if (kind == SERIES_BASELINE) return "#000000";
    return kind == SERIES_TWIN ? grays[n % 4] : looks[(size_t)n % (sizeof looks / sizeof *looks)].color;
}

static int mark_of(series_kind kind, int n)
{
    if (kind == SERIES_BASELINE) return 13;
    return kind == SERIES_TWIN ? 11 : looks[(size_t)n % (sizeof looks / sizeof *looks)].mark;
}

static int dash_of(series_kind kind, int n) { return kind == SERIES_TWIN ? 2 : looks[(size_t)n % (sizeof looks / sizeof *looks)].dash; }

static int number_in_kind(const figure_data *d, int at, int step)
{
    int n = 0;
    for (int i = at % step; i < at; i += step) n += d->series[i].kind == d->series[at].kind;
    return n;
}

static bool is_text(const drawing *g) { return g->as == OUT_TEXT; }

/* Letters: of axes, and of legend, title and labels. Sizes are points of a terminal whose picture is 1200 wide. */
static double letters(const drawing *g, bool small)
{
    static const double size[][2] = {{20, 16}, {26, 21}, {7.2, 5.8}, {1, 1}};
    return size[g->as][small] * g->scale;
}

static void set_terminal(drawing *g)
{
    text_buf *s = &g->script;
    const int w = g->o->width > 0 ? g->o->width : 1200, h = g->o->height > 0 ? g->o->height : 800;
    g->scale = fmin(w / 1200.0, h / 800.0);
    g->wide = w / g->scale;
    g->high = h / g->scale;
    const double font = letters(g, false);
    switch (g->as) {
    case OUT_PNG:
        text_format(s, "set terminal pngcairo noenhanced size %d,%d font 'sans,%.1f' linewidth %.2f", w, h, font, 2 * g->scale);
        break;
    case OUT_SVG:
        text_format(s, "set terminal svg noenhanced size %d,%d font 'sans-serif,%.1f' linewidth %.2f", w, h, font, 2 * g->scale);
        break;
    case OUT_PDF:
        text_format(s, "set terminal pdfcairo noenhanced size %.3fin,%.3fin font 'sans,%.1f' fontscale 1 linewidth %.2f pointscale %.3f",
                    w / 200.0, h / 200.0, font, 1.2 * g->scale, 0.5 * g->scale);
        break;
    case OUT_TEXT: text_format(s, "set terminal dumb noenhanced size %d,%d", g->w, g->h); break;
    }
    text_put(s, g->as == OUT_TEXT ? "\n" : " background '#ffffff'\n");
}

static size_t characters(const char *text)
{
    size_t n = 0;
    for (; *text; text++) n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

enum { ROW = 30, LEGEND_ROWS = 8 }; /* height of a row at the foot; most of them, so that the figure itself has room */

static legend plan_legend(const drawing *g, int n, size_t longest, int below)
{
    const double letter = 13.3, line = 90, room = g->wide - 60; /* width of one, and of the sample of a line */
    const int needed = (n + LEGEND_ROWS - 1) / LEGEND_ROWS;
    int columns = (int)(room / ((double)longest * letter + line));
    if (columns < needed) columns = needed;
    if (columns < 1) columns = 1;
    const int rows = (n + columns - 1) / columns;
    return (legend){.rows = rows, .letters = (int)((room / columns - line) / letter), .share = ((rows + below) * ROW + 15) / g->high};
}

/* The legend gets the foot of the picture to itself, so that it never lies on data. more: entries besides the series; below: rows under it.
 */
static void set_legend(drawing *g, int step, int more, int below)
{
    static const double spacing[] = {1.13, 0.89, 1.13, 1}; /* a row of the terminal's own idea becomes one of ours */
    size_t longest = 8;
    int n = more;
    for (int i = 0; i < g->d->n; i += step, n++) {
        size_t length = characters(g->d->series[i].name);
        if (length > longest) longest = length;
    }
    g->legend = plan_legend(g, n, longest, below);
    text_format(&g->script,
                "set key at screen %.4f, screen %.4f left top Left reverse vertical maxrows %d samplen 2.5 spacing %.2f font ',%.1f'\n",
                30 / g->wide, g->legend.share, g->legend.rows, spacing[g->as], letters(g, true));
}

static void set_common(drawing *g)
{
    text_buf *s = &g->script;
    text_put(s, "set encoding utf8\nset datafile missing 'NaN'\nset tics nomirror out\n");
    if (is_text(g)) {
        text_put(s, "set border 3\nset key above\n");
        if (g->o->kind == FIGURE_LAYERS) return;
        text_put(s, "set title "); /* its labels of y are nowhere to be seen */
        child_quote(s, g->d->y.label);
        text_char(s, '\n');
        return;
    }
    text_put(s, "set border 3 lc '#444444'\nset grid lc '#DDDDDD' lt 1 dt 1\nset bars 0.6\nset label 100 ");
    child_quote(s, g->d->title);
    text_format(s, " at screen 0.5, screen %.4f center textcolor '#444444' font ',%.1f'\n", 1 - 28 / g->high, letters(g, true));
}

/* Range of an axis with some room at its ends; a share does not go beyond 100 %. */
static void set_range(drawing *g, char which, double low, double high, const figure_axis *a)
{
    const bool log = which == 'x' && g->o->log_x, share = strstr(a->label, "(%)") != NULL;
    const double room = high > low ? 0.04 * (high - low) : fabs(high) > 0 ? 0.1 * fabs(high) : 1;
    double from = low - room, to = high + room;
    if (log) {
        from = low * pow(low / high, 0.04) / (high > low ? 1 : 1.5);
        to = high * pow(high / low, 0.04) * (high > low ? 1 : 1.5);
    }
    if (share && low >= 0 && high <= 100) {
        from = fmax(from, 0);
        to = fmin(to, 101);
    }
    if (low >= 0 && !log) from = fmax(from, 0);
    text_format(&g->script, "set %crange [%.17g:%.17g]\n", which, from, to);
}

static void reach(double v, double *low, double *high)
{
    if (!isfinite(v)) return;
    *low = fmin(*low, v);
    *high = fmax(*high, v);
}

static void set_ranges(drawing *g)
{
    double x[2] = {INFINITY, -INFINITY}, y[2] = {INFINITY, -INFINITY};
    const figure_point *b = &g->d->base;
    for (int i = 0; i < g->d->n; i++)
        for (int k = 0; k < g->d->series[i].n; k++) {
            const figure_point *p = &g->d->series[i].point[k];
            reach(p->x, &x[0], &x[1]);
            reach(p->y, &y[0], &y[1]);
            if (is_text(g)) continue; /* which has no room for bars */
            reach(p->low, &y[0], &y[1]);
            reach(p->high, &y[0], &y[1]);
        }
    if (isfinite(b->y)) reach(b->y, &y[0], &y[1]);
    if (isfinite(b->y) && !is_text(g)) reach(b->low, &y[0], &y[1]);
    if (isfinite(b->y) && !is_text(g)) reach(b->high, &y[0], &y[1]);
    set_range(g, 'x', x[0], x[1], &g->d->x);
    set_range(g, 'y', y[0], y[1], &g->d->y);
}

static void set_axis(drawing *g, char which, const figure_axis *a)
{
    text_buf *s = &g->script;
    text_format(s, "set %clabel ", which);
    child_quote(s, a->label);
    text_char(s, '\n');
    if (!a->n_categories) return;
    text_format(s, "set %ctics (", which);
    for (int i = 0; i < a->n_categories; i++) {
        if (i) text_put(s, ", ");
        child_quote(s, a->category[i]);
        text_format(s, " %d", i);
    }
    text_put(s, ")\n");
}

/* Series that have a point at the same place of x would hide each other's intervals: those are drawn a little apart. */
static double aside(const drawing *g, int series, double x, double low, double high)
{
    int others = 0, before = 0;
    if (g->o->kind == FIGURE_LAYERS || is_text(g)) return x;
    for (int i = 0; i < g->d->n; i++)
        for (int k = 0; k < g->d->series[i].n; k++)
            if (i != series && g->d->series[i].point[k].x == x) {
                others++;
                before += i < series;
                break;
            }
    double shift = fmin(0.006, 0.016 / (others + 1)) * (before - others / 2.0);
    return g->o->log_x ? x * pow(high / low, shift) : x + shift * (high - low);
}

/* ---- data ----------------------------------------------------------------------------------------------------------------- */

/* Columns x, y, low, high, 1 where samples are missing. series: its number, -1 = none of these. */
static void add_block(drawing *g, const char *name, const figure_point *p, int n, int series)
{
    double low = INFINITY, high = -INFINITY;
    child_block b;
    if (g->status == SAINT_OK) g->status = child_block_open(&b, &g->script, name, g->err);
    if (g->status != SAINT_OK) return;
    for (int i = 0; i < g->d->n; i++)
        for (int k = 0; k < g->d->series[i].n; k++) reach(g->d->series[i].point[k].x, &low, &high);
    for (int i = 0; i < n; i++) {
        const double v[] = {series < 0 ? p[i].x : aside(g, series, p[i].x, low, high), p[i].y, p[i].low, p[i].high, p[i].partial};
        for (int k = 0; k < 5; k++) {
            if (k) text_char(&g->script, ' ');
            child_number(&g->script, v[k]);
        }
        text_char(&g->script, '\n');
    }
    child_block_close(&b, &g->script);
}

static void add_blocks(drawing *g)
{
    char name[16];
    for (int i = 0; i < g->d->n; i++) {
        (void)snprintf(name, sizeof name, "s%d", i);
        add_block(g, name, g->d->series[i].point, g->d->series[i].n, i);
    }
    if (g->d->n_front) add_block(g, "front", g->d->front, g->d->n_front, -1);
}

static bool any_partial(const figure_series *s)
{
    for (int i = 0; i < s->n; i++)
        if (s->point[i].partial) return true;
    return false;
}

static bool any_interval(const figure_series *s)
{
    for (int i = 0; i < s->n; i++)
        if (isfinite(s->point[i].low) && isfinite(s->point[i].high)) return true;
    return false;
}

/* ---- points --------------------------------------------------------------------------------------------------------------- */

/* plot clauses are joined by commas */
static void clause(drawing *g, bool *first)
{
    text_put(&g->script, *first ? "plot " : ", \\\n     ");
    *first = false;
}

static void title(drawing *g, const char *text)
{
    text_put(&g->script, " title ");
    const size_t most = is_text(g) ? (g->w > 40 ? (size_t)g->w - 24 : 16) : g->legend.letters > 8 ? (size_t)g->legend.letters : 8;
    if (characters(text) <= most) {
        child_quote(&g->script, text);
        return;
    }
    char name[FIGURE_NAME + 4] = "";
    size_t n = 0;
    for (size_t k = 0; k + 2 < most && text[n]; k++) n += text_character(text + n) ? text_character(text + n) : 1;
    (void)snprintf(name, sizeof name, "%.*s..", (int)n, text);
    child_quote(&g->script, name);
}

static void draw_series(drawing *g, int i, bool lines, bool *first)
{
    text_buf *s = &g->script;
    const figure_series *r = &g->d->series[i];
    const int n = number_in_kind(g->d, i, 1), mark = mark_of(r->kind, n);
    const char *color = color_of(r->kind, n);
    static const double unit[] = {1, 0.45, 1, 1}; /* the SVG terminal thinks bigger of a point */
    const double size = (r->kind == SERIES_BASELINE ? 2.2 : 1.5) * unit[g->as];
    if (!is_text(g) && any_interval(r)) {
        clause(g, first);
        text_format(s, "$s%d using 1:2:3:4 with yerrorbars notitle lc '%s' lw 0.7 pt 0", i, color);
    }
    clause(g, first);
    text_format(s, "$s%d using 1:2 with %s", i, lines ? "linespoints" : "points");
    if (!is_text(g)) text_format(s, " lc '%s' dt %d lw 1.2 pt %d ps %.2f", color, dash_of(r->kind, n), mark, size);
    title(g, r->name);
    if (is_text(g) || !any_partial(r)) return;
    clause(g, first); /* hollow */
    text_format(s, "$s%d using 1:($5 > 0 ? $2 : NaN) with points notitle lc '#ffffff' pt %d ps %.2f", i, mark, 0.55 * size);
}

/* What the unpruned model reaches, as a line across. */
static void draw_base(drawing *g, bool *first, bool named)
{
    text_buf *s = &g->script;
    if (!isfinite(g->d->base.y)) return;
    clause(g, first);
    child_number(s, g->d->base.y);
    text_put(s, is_text(g) ? " with lines" : " with lines lc '#000000' dt (5,6) lw 0.9");
    if (named) title(g, "unpruned");
    else text_put(s, " notitle");
}

/* Its interval, as a band behind everything. */
static void set_band(drawing *g)
{
    text_buf *s = &g->script;
    const figure_point *b = &g->d->base;
    if (is_text(g) || !isfinite(b->y) || !isfinite(b->low) || !isfinite(b->high)) return;
    text_put(s, "set object 1 rectangle from graph 0, first ");
    child_number(s, b->low);
    text_put(s, " to graph 1, first ");
    child_number(s, b->high);
    text_put(s, " behind fillcolor '#000000' fillstyle solid 0.06 noborder\n");
}

/* ---- the front ------------------------------------------------------------------------------------------------------------ */

enum { FOOT_ROWS = 5, FOOT_LETTERS = 400, NUMBERED_MOST = 24 };

typedef struct {
    char row[FOOT_ROWS][FOOT_LETTERS];
    int n;
} foot;

/* "Pareto front: 1 keep_num=73   2 keep_num=145 ..." in rows that fit; nothing when it does not fit at all. */
static void write_foot(const drawing *g, table *t, foot *f)
{
    const size_t room = (size_t)((g->wide - 60) / 11.8);
    const int column = table_find(t, "name");
    f->n = 0;
    if (is_text(g) || g->d->n_front < 1 || g->d->n_front > NUMBERED_MOST) return;
    (void)snprintf(f->row[0], FOOT_LETTERS, "on the front:");
    for (int i = 0, row = 0; i < g->d->n_front; i++) {
        char name[FIGURE_NAME] = "", entry[FIGURE_NAME + 16];
        table_show(t, g->d->front[i].row, column, name, sizeof name);
        (void)snprintf(entry, sizeof entry, "   %d  %s", i + 1, name);
        if (i && characters(f->row[row]) + characters(entry) > room) {
            if (++row == FOOT_ROWS) return;
            f->row[row][0] = 0;
        }
        size_t n = strlen(f->row[row]);
        (void)snprintf(f->row[row] + n, FOOT_LETTERS - n, "%s", entry);
        if (i + 1 == g->d->n_front) f->n = row + 1;
    }
}

/* Numbers at the points, names at the foot: names beside points would lie on others. */
static void number_front(drawing *g, const foot *f)
{
    text_buf *s = &g->script;
    for (int i = 0; f->n && i < g->d->n_front; i++) {
        text_format(s, "set label %d '%d' at ", i + 1, i + 1);
        child_number(s, g->d->front[i].x);
        text_char(s, ',');
        child_number(s, g->d->front[i].y);
        text_format(s, " left offset character 0.7,0.7 textcolor '#000000' font ',%.1f' front\n", letters(g, true));
    }
    for (int i = 0; i < f->n; i++) {
        text_format(s, "set label %d ", 50 + i);
        child_quote(s, f->row[i]);
        text_format(s, " at screen %.4f, screen %.4f left textcolor '#444444' font ',%.1f'\n", 30 / g->wide,
                    ((f->n - i - 1) * ROW + 25) / g->high, letters(g, true));
    }
}

static void draw_points(drawing *g, table *t)
{
    text_buf *s = &g->script;
    const bool pareto = g->o->kind == FIGURE_PARETO;
    bool first = true;
    foot f = {.n = 0};
    set_common(g);
    set_axis(g, 'x', &g->d->x);
    set_axis(g, 'y', &g->d->y);
    if (g->o->log_x) text_put(s, "set logscale x\n");
    set_ranges(g);
    if (!is_text(g)) {
        if (pareto) write_foot(g, t, &f);
        set_legend(g, 1, pareto ? g->d->n_front > 1 : isfinite(g->d->base.y), f.n);
        text_format(s, "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset tmargin at screen %.4f\nset bmargin at screen %.4f\n",
                    160 / g->wide, 1 - 40 / g->wide, 1 - 55 / g->high, g->legend.share + 132 / g->high);
    }
    add_blocks(g);
    if (pareto) number_front(g, &f);
    else set_band(g);
    if (pareto && g->d->n_front > 1) {
        clause(g, &first);
        text_format(s, "$front using 1:2 with %s%s title 'Pareto front'", g->d->fast_x ? "fsteps" : "steps",
                    is_text(g) ? "" : " lc '#AAAAAA' lw 2.5");
    }
    if (!pareto || !is_text(g)) draw_base(g, &first, !pareto);
    for (int i = 0; i < g->d->n; i++) draw_series(g, i, !pareto && !g->d->scattered, &first);
    text_char(s, '\n');
}

/* ---- layers --------------------------------------------------------------------------------------------------------------- */

static double most_tokens(const figure_data *d)
{
    double most = 1;
    for (int i = 0; i < d->n; i++)
        for (int k = 0; k < d->series[i].n; k++) most = fmax(most, d->series[i].point[k].y);
    return most;
}

/* Where a panel lies: alone over the whole width, or one of two with the same scale of tokens. */
static void place_panel(drawing *g, int stage, bool both)
{
    const double left = 160 / g->wide, gap = 30 / g->wide, right = 1 - 40 / g->wide, middle = (left + right) / 2;
    text_format(
        &g->script, "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset tmargin at screen %.4f\nset bmargin at screen %.4f\n",
        both && stage ? middle + gap : left, both && !stage ? middle - gap / 2 : right, 1 - 55 / g->high, g->legend.share + 132 / g->high);
}

static void draw_panel(drawing *g, int stage, double end, bool both)
{
    text_buf *s = &g->script;
    const bool second = both && stage;
    bool first = true;
    text_format(s, "set xlabel '%s'\nset ylabel '%s'\n", stage ? "LLM layers passed" : "ViT layers passed",
                second ? "" : "picture tokens left");
    text_format(s, "set xrange [0:%.17g]\nset yrange [0:%.17g]\n", end, 1.05 * most_tokens(g->d));
    if (second && !is_text(g)) text_put(s, "set key off\nset format y ''\nunset label 100\n");
    for (int i = stage; i < g->d->n; i += 2) {
        const figure_series *r = &g->d->series[i];
        const int n = number_in_kind(g->d, i, 2);
        if (!r->n && stage) continue;
        clause(g, &first);
        if (r->n) text_format(s, "$s%d using 1:2 with steps", i);
        else text_put(s, "NaN with lines"); /* its name belongs into the legend all the same */
        if (!is_text(g)) text_format(s, " lc '%s' dt %d lw 1.6", color_of(r->kind, n), dash_of(r->kind, n));
        title(g, r->name);
    }
    text_char(s, '\n');
}

static void draw_layers(drawing *g)
{
    text_buf *s = &g->script;
    const bool vit = g->d->vit_end > 0, llm = g->d->llm_end > 0, both = vit && llm;
    set_common(g);
    if (!is_text(g)) set_legend(g, 2, 0, 0);
    add_blocks(g);
    if (both) text_put(s, is_text(g) ? "set multiplot layout 2,1\n" : "set multiplot\n");
    for (int stage = 0; stage < 2; stage++) {
        if (!(stage ? llm : vit)) continue;
        if (!is_text(g)) place_panel(g, stage, both);
        draw_panel(g, stage, stage ? g->d->llm_end : g->d->vit_end, both);
    }
    if (both) text_put(s, "unset multiplot\n");
}

/* ---- result --------------------------------------------------------------------------------------------------------------- */

/* A figure that is not whole must not replace one that is. */
static bool is_whole(output as, const char *p, size_t n)
{
    if (as == OUT_PNG) return n > 20 && memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0 && memmem(p + n - 16, 16, "IEND", 4) != NULL;
    if (as == OUT_SVG) return n > 20 && memmem(p, n, "<svg", 4) && memmem(p, n, "</svg>", 6);
    if (as == OUT_PDF) return n > 20 && memcmp(p, "%PDF", 4) == 0 && memmem(p + n - 20, 20, "%%EOF", 5);
    return n > 0;
}

/* The same sweep gives the same bytes: the moment at which a PDF was drawn becomes spaces, which nothing behind it notices. */
static void forget_time(char *p, size_t n)
{
    static const char key[] = "/CreationDate (";
    for (char *end = p + n, *at; (at = memmem(p, (size_t)(end - p), key, sizeof key - 1)) != NULL; p = at) {
        char *close = memchr(at, ')', (size_t)(end - at));
        if (!close) return;
        memset(at, ' ', (size_t)(close + 1 - at));
    }
}

static saint_status draw(gnuplot *child, table *t, drawing *g, char **out, size_t *n)
{
    figure_data d;
    saint_status s = g->o->kind == FIGURE_LAYERS ? figure_layers(t, g->o, &d, g->err) : figure_points(t, g->o, &d, g->err);
    if (s != SAINT_OK) return s;
    g->d = &d;
    set_terminal(g);
    if (g->o->kind == FIGURE_LAYERS) draw_layers(g);
    else draw_points(g, t);
    s = g->status;
    if (s == SAINT_OK) s = gnuplot_run(child, &g->script, is_text(g) ? PREVIEW_MS : EXPORT_MS, out, n, g->err);
    if (s == SAINT_OK && !is_whole(g->as, *out, *n)) {
        free(*out);
        *out = NULL;
        s = saint_fail(g->err, SAINT_IO, "gnuplot %s drew nothing that can be used (%zu bytes)", gnuplot_version(child), *n);
    }
    if (s == SAINT_OK && g->as == OUT_PDF) forget_time(*out, *n);
    figure_free(&d);
    return s;
}

static saint_status render(gnuplot *child, const sweep_data *sweep, const figure_options *o, output as, int w, int h, char **out, size_t *n,
                           saint_error *err)
{
    table *t = NULL;
    drawing g = {.o = o, .as = as, .w = w, .h = h, .err = err};
    *out = NULL;
    *n = 0;
    saint_status s = table_trials(sweep, &t, err);
    if (s == SAINT_OK) s = draw(child, t, &g, out, n);
    text_free(&g.script);
    table_free(t);
    return s;
}

static bool output_of(const char *path, output *as)
{
    static const char *const ending[] = {".png", ".svg", ".pdf"};
    size_t n = strlen(path);
    for (int i = 0; i < 3; i++)
        if (n > 4 && strcasecmp(path + n - 4, ending[i]) == 0) {
            *as = (output)i;
            return true;
        }
    return false;
}

saint_status figure_ending(const char *path, saint_error *err)
{
    output as = OUT_PNG;
    if (output_of(path, &as)) return SAINT_OK;
    return saint_fail(err, SAINT_INVALID, "%s: expected a name that ends in .png, .svg or .pdf", path);
}

saint_status figure_write_by(gnuplot *child, const sweep_data *sweep, const figure_options *o, const char *path, saint_error *err)
{
    static const char *const terminal[] = {"pngcairo", "svg", "pdfcairo"};
    output as = OUT_PNG;
    char *bytes;
    size_t n;
    if (!output_of(path, &as)) return figure_ending(path, err);
    if (!gnuplot_has_terminal(child, terminal[as]))
        return saint_fail(err, SAINT_UNSUPPORTED,
                          "%s: this gnuplot (%s) was built without %s; install gnuplot-nox, or choose another ending", path,
                          gnuplot_version(child), terminal[as]);
    saint_status s = render(child, sweep, o, as, 0, 0, &bytes, &n, err);
    if (s == SAINT_OK) s = saint_file_write(path, bytes, n, err);
    free(bytes);
    return s;
}

/* The dumb terminal begins with a form feed, and its lines end in spaces. */
static void tidy(char *text)
{
    char *to = text, *line = text;
    for (const char *p = text; *p; p++) {
        if (*p == '\f' || *p == '\r') continue;
        if (*p == '\n')
            while (to > line && to[-1] == ' ') to--;
        *to++ = *p;
        if (*p == '\n') line = to;
    }
    *to = 0;
}

saint_status figure_text_by(gnuplot *child, const sweep_data *sweep, const figure_options *o, int w, int h, char **out, saint_error *err)
{
    size_t n;
    saint_status s = render(child, sweep, o, OUT_TEXT, w < 40 ? 40 : w, h < 12 ? 12 : h, out, &n, err);
    if (s == SAINT_OK) tidy(*out);
    return s;
}

saint_status figure_write(const sweep_data *sweep, const figure_options *o, const char *path, saint_error *err)
{
    gnuplot *g;
    saint_status s = figure_ending(path, err);
    if (s == SAINT_OK) s = gnuplot_open(&g, NULL, err);
    if (s != SAINT_OK) return s;
    s = figure_write_by(g, sweep, o, path, err);
    gnuplot_close(g);
    return s;
}

saint_status figure_text(const sweep_data *sweep, const figure_options *o, int w, int h, char **out, saint_error *err)
{
    gnuplot *g;
    *out = NULL;
    saint_status s = gnuplot_open(&g, NULL, err);
    if (s != SAINT_OK) return s;
    s = figure_text_by(g, sweep, o, w, h, out, err);
    gnuplot_close(g);
    return s;
}
