#include "views/canvas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "views/text.h"

static const saint_ui_cell blank = {.ch = ' ', .width = 1};

saint_status saint_ui_canvas_resize(saint_ui_canvas *c, int w, int h, saint_error *err)
{
    if (!c || w < 1 || h < 1 || w > SAINT_UI_CANVAS_MOST || h > SAINT_UI_CANVAS_MOST)
        return saint_fail(err, SAINT_INVALID, "canvas: %d x %d cells, expected 1..%d each", w, h, SAINT_UI_CANVAS_MOST);
    if (!c->cell || c->w != w || c->h != h) {
        saint_ui_cell *cell = realloc(c->cell, (size_t)w * (size_t)h * sizeof *cell);
        if (!cell) return saint_fail(err, SAINT_MEMORY, "canvas: no memory for %d x %d cells", w, h);
        *c = (saint_ui_canvas){w, h, cell};
    }
    saint_ui_canvas_clear(c, (saint_ui_style){0});
    return SAINT_OK;
}

void saint_ui_canvas_free(saint_ui_canvas *c)
{
    if (!c) return;
    free(c->cell);
    *c = (saint_ui_canvas){0};
}

void saint_ui_canvas_clear(saint_ui_canvas *c, saint_ui_style style)
{
    if (!c || !c->cell) return;
    saint_ui_cell cell = blank;
    cell.fg = style.fg;
    cell.bg = style.bg;
    cell.attr = style.attr;
    for (size_t i = 0; i < (size_t)c->w * (size_t)c->h; i++) c->cell[i] = cell;
}

saint_ui_rect saint_ui_rect_meet(saint_ui_rect a, saint_ui_rect b)
{
    int64_t x0 = a.x > b.x ? a.x : b.x, y0 = a.y > b.y ? a.y : b.y;
    int64_t ax = (int64_t)a.x + a.w, bx = (int64_t)b.x + b.w, ay = (int64_t)a.y + a.h, by = (int64_t)b.y + b.h;
    int64_t x1 = ax < bx ? ax : bx, y1 = ay < by ? ay : by;
    if (a.w <= 0 || b.w <= 0 || a.h <= 0 || b.h <= 0 || x1 <= x0 || y1 <= y0) return (saint_ui_rect){(int)x0, (int)y0, 0, 0};
    return (saint_ui_rect){(int)x0, (int)y0, (int)(x1 - x0), (int)(y1 - y0)};
}

bool saint_ui_rect_has(saint_ui_rect r, int x, int y) { return x >= r.x && y >= r.y && x - r.x < r.w && y - r.y < r.h; }

const saint_ui_cell *saint_ui_canvas_at(const saint_ui_canvas *c, int x, int y)
{
    if (!c || !c->cell || x < 0 || y < 0 || x >= c->w || y >= c->h) return NULL;
    return &c->cell[(size_t)y * (size_t)c->w + (size_t)x];
}

/* A cell that is about to be overwritten may be half of a wide character: the other half becomes a blank of its own colours. */
static void part(saint_ui_canvas *c, int x, int y)
{
    saint_ui_cell *row = c->cell + (size_t)y * (size_t)c->w;
    if (row[x].width == 0 && x > 0 && row[x - 1].width == 2) {
        row[x - 1].ch = ' ';
        row[x - 1].mark = 0;
        row[x - 1].width = 1;
    }
    if (row[x].width == 2 && x + 1 < c->w) {
        row[x + 1].ch = ' ';
        row[x + 1].mark = 0;
        row[x + 1].width = 1;
    }
}

void saint_ui_canvas_put(saint_ui_canvas *c, saint_ui_rect clip, int x, int y, uint32_t ch, saint_ui_style style)
{
    if (!c || !c->cell || !saint_ui_rect_has(clip, x, y) || !saint_ui_canvas_at(c, x, y)) return;
    saint_ui_cell *cell = &c->cell[(size_t)y * (size_t)c->w + (size_t)x];
    if (ch < 32 || (ch >= 127 && ch < 160)) ch = ' ';
    int width = saint_ui_char_width(ch);
    if (width == 0) { /* a mark belongs to the character before */
        int before = x - 1;
        if (before >= 0 && cell[-1].width == 0) before--;
        if (before >= 0 && saint_ui_rect_has(clip, before, y)) c->cell[(size_t)y * (size_t)c->w + (size_t)before].mark = ch;
        return;
    }
    if (width == 2 && (!saint_ui_rect_has(clip, x + 1, y) || x + 1 >= c->w)) {
        ch = ' ';
        width = 1;
    }
    part(c, x, y);
    if (width == 2) part(c, x + 1, y);
    *cell = (saint_ui_cell){.ch = ch, .fg = style.fg, .bg = style.bg, .attr = style.attr, .width = (uint8_t)width};
    if (width == 2) cell[1] = (saint_ui_cell){.fg = style.fg, .bg = style.bg, .attr = style.attr};
}

void saint_ui_canvas_restyle(saint_ui_canvas *c, saint_ui_rect area, saint_ui_style style)
{
    if (!c || !c->cell) return;
    area = saint_ui_rect_meet(area, (saint_ui_rect){0, 0, c->w, c->h});
    for (int y = area.y; y < area.y + area.h; y++)
        for (int x = area.x; x < area.x + area.w; x++) {
            saint_ui_cell *cell = &c->cell[(size_t)y * (size_t)c->w + (size_t)x];
            cell->fg = style.fg;
            cell->bg = style.bg;
            cell->attr = style.attr;
        }
}

/* ---- colours ---- */

static const uint8_t ansi[16][3] = {
    {0, 0, 0},       {205, 0, 0}, {0, 205, 0}, {205, 205, 0}, {0, 0, 238},   {205, 0, 205}, {0, 205, 205}, {229, 229, 229},
    {127, 127, 127}, {255, 0, 0}, {0, 255, 0}, {255, 255, 0}, {92, 92, 255}, {255, 0, 255}, {0, 255, 255}, {255, 255, 255},
};
static const int cube[6] = {0, 95, 135, 175, 215, 255};

uint32_t saint_ui_color_value(saint_ui_color c, uint32_t otherwise)
{
    if (c >> 24 == 2) return c & 0xffffff;
    if (c >> 24 != 1) return otherwise;
    unsigned i = c & 255;
    if (i < 16) return (uint32_t)ansi[i][0] << 16 | (uint32_t)ansi[i][1] << 8 | ansi[i][2];
    if (i >= 232) return (8 + 10 * (i - 232)) * 0x10101u;
    i -= 16;
    return (uint32_t)cube[i / 36] << 16 | (uint32_t)cube[i / 6 % 6] << 8 | (uint32_t)cube[i % 6];
}

/* The eye weighs green most and blue least. */
static int distance(int r, int g, int b, uint32_t v)
{
    int dr = r - (int)(v >> 16), dg = g - (int)(v >> 8 & 255), db = b - (int)(v & 255);
    return 3 * dr * dr + 5 * dg * dg + 2 * db * db;
}

static int nearest_level(int v)
{
    int best = 0;
    for (int i = 1; i < 6; i++)
        if (abs(cube[i] - v) < abs(cube[best] - v)) best = i;
    return best;
}

/* The first 16 entries are the user's to change, so only the fixed ones are used: a cube of 6 x 6 x 6 and 24 greys. */
static saint_ui_color reduce_256(uint32_t v)
{
    int r = (int)(v >> 16), g = (int)(v >> 8 & 255), b = (int)(v & 255);
    int grey = ((3 * r + 5 * g + 2 * b + 5) / 10 - 8 + 5) / 10;
    grey = grey < 0 ? 0 : grey > 23 ? 23 : grey;
    unsigned of_cube = (unsigned)(16 + 36 * nearest_level(r) + 6 * nearest_level(g) + nearest_level(b)), of_grey = (unsigned)(232 + grey);
    int d_cube = distance(r, g, b, saint_ui_color_value(saint_ui_palette(of_cube), 0));
    int d_grey = distance(r, g, b, saint_ui_color_value(saint_ui_palette(of_grey), 0));
    int high = r > g ? (r > b ? r : b) : g > b ? g : b, low = r < g ? (r < b ? r : b) : g < b ? g : b;
    if (high - low > 24) d_grey *= 2; /* a tinge that is lost is seen sooner than a tone that is off */
    return saint_ui_palette(d_grey < d_cube ? of_grey : of_cube);
}

saint_ui_color saint_ui_color_reduce(saint_ui_color c, saint_ui_tier tier)
{
    if (tier == SAINT_UI_DIRECT || c >> 24 == 0 || c >> 24 > 2) return c;
    if (tier == SAINT_UI_MONO) return SAINT_UI_COLOR_DEFAULT;
    if (tier == SAINT_UI_256) return c >> 24 == 2 ? reduce_256(c & 0xffffff) : c;
    unsigned n = tier == SAINT_UI_16 ? 16 : 8, best = 0;
    if (c >> 24 == 1 && (c & 255) < n) return c;
    uint32_t v = saint_ui_color_value(c, 0);
    for (unsigned i = 1; i < n; i++) {
        int r = (int)(v >> 16), g = (int)(v >> 8 & 255), b = (int)(v & 255);
        if (distance(r, g, b, saint_ui_color_value(saint_ui_palette(i), 0)) <
            distance(r, g, b, saint_ui_color_value(saint_ui_palette(best), 0)))
            best = i;
    }
    return saint_ui_palette(best);
}

void saint_ui_canvas_reduce(saint_ui_canvas *c, saint_ui_tier tier)
{
    if (!c || !c->cell || tier == SAINT_UI_DIRECT) return;
    for (size_t i = 0; i < (size_t)c->w * (size_t)c->h; i++) {
        c->cell[i].fg = saint_ui_color_reduce(c->cell[i].fg, tier);
        c->cell[i].bg = saint_ui_color_reduce(c->cell[i].bg, tier);
    }
}

/* ---- ASCII ---- */

static uint32_t ascii_of_block(uint32_t ch)
{
    if (ch == 0x2580) return '"';                      /* upper half */
    if (ch <= 0x2583) return ch == 0x2581 ? '_' : '.'; /* lower eighths */
    if (ch <= 0x2586) return ch == 0x2584 ? 'o' : ch == 0x2585 ? 'o' : 'O';
    if (ch <= 0x258a) return '#';
    if (ch <= 0x258f) return '|'; /* left blocks */
    if (ch >= 0x2591 && ch <= 0x2593) return (uint32_t) ".:#"[ch - 0x2591];
    return '#';
}

static uint32_t ascii_of_line(uint32_t ch)
{
    switch (ch) {
    case 0x2500:
    case 0x2501:
    case 0x2504:
    case 0x2508:
    case 0x2574:
    case 0x2576:
    case 0x2578:
    case 0x257a: return '-';
    case 0x2502:
    case 0x2503:
    case 0x2506:
    case 0x250a:
    case 0x2575:
    case 0x2577: return '|';
    case 0x2550: return '=';
    default: return '+';
    }
}

/* Letters with accents of Latin-1 and Latin Extended-A, from U+00C0. */
static const char latin[] = "AAAAAAACEEEEIIIIDNOOOOOxOUUUUYTsaaaaaaaceeeeiiiidnooooo/ouuuuytyAaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGg"
                            "GgGgHhHhIiIiIiIiIiJjJjKkkLlLlLlLlLlNnNnNnnNnOoOoOoOoRrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";

uint32_t saint_ui_ascii_of(uint32_t ch)
{
    static const struct {
        uint16_t ch;
        char to;
    } table[] = {
        {0xa0, ' '},   {0xab, '<'},   {0xb0, 'o'},   {0xb1, '~'},   {0xb2, '2'},    {0xb3, '3'},   {0xb5, 'u'},    {0xb7, '.'},
        {0xbb, '>'},   {0x2010, '-'}, {0x2011, '-'}, {0x2012, '-'}, {0x2013, '-'},  {0x2014, '-'}, {0x2018, '\''}, {0x2019, '\''},
        {0x201c, '"'}, {0x201d, '"'}, {0x2022, '*'}, {0x2026, '~'}, {0x2032, '\''}, {0x2039, '<'}, {0x203a, '>'},  {0x2190, '<'},
        {0x2191, '^'}, {0x2192, '>'}, {0x2193, 'v'}, {0x21e7, '^'}, {0x21b5, '<'},  {0x2206, 'd'}, {0x0394, 'd'},  {0x03bc, 'u'},
        {0x03b3, 'g'}, {0x2212, '-'}, {0x221a, 'v'}, {0x221e, '8'}, {0x2248, '~'},  {0x2260, '!'}, {0x2264, '<'},  {0x2265, '>'},
        {0x25a0, '#'}, {0x25a1, 'o'}, {0x25b0, '#'}, {0x25b1, '-'}, {0x25b2, '^'},  {0x25b3, '^'}, {0x25b4, '^'},  {0x25b6, '>'},
        {0x25b8, '>'}, {0x25bc, 'v'}, {0x25be, 'v'}, {0x25c0, '<'}, {0x25c2, '<'},  {0x25c6, '#'}, {0x25c7, 'o'},  {0x25cb, 'o'},
        {0x25cf, '*'}, {0x25c9, '@'}, {0x2605, '*'}, {0x2606, '*'}, {0x2713, 'v'},  {0x2717, 'x'}, {0x2718, 'x'},  {0x2715, 'x'},
        {0x2716, 'x'}, {0x25e6, 'o'}, {0x2736, '*'}, {0x2261, '='},
    };
    if (ch < 127) return ch;
    if (ch >= 0x2500 && ch < 0x2580) return ascii_of_line(ch);
    if (ch >= 0x2580 && ch < 0x25a0) return ascii_of_block(ch);
    if (ch > 0x2800 && ch < 0x2900) return (ch & 0xff & ~0xe4u) == 0 ? '.' : (ch & 0x1b) == 0 ? '_' : '*';
    if (ch == 0x2800) return ' ';
    if (ch >= 0xc0 && ch < 0xc0 + sizeof latin - 1) return (uint32_t)latin[ch - 0xc0];
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].ch == ch) return (uint32_t)table[i].to;
    return '?';
}

void saint_ui_canvas_to_ascii(saint_ui_canvas *c, bool keep_lines)
{
    if (!c || !c->cell) return;
    for (size_t i = 0; i < (size_t)c->w * (size_t)c->h; i++) {
        saint_ui_cell *cell = &c->cell[i];
        cell->mark = 0;
        if (cell->width == 0) {
            cell->ch = '?';
            cell->width = 1;
        } else if (!(keep_lines && cell->ch >= 0x2500 && cell->ch < 0x2580)) {
            cell->ch = cell->width == 2 ? '?' : saint_ui_ascii_of(cell->ch);
            cell->width = 1;
        }
    }
}

/* ---- dump ---- */

typedef struct {
    char *text;
    size_t n, room;
    bool failed;
} sink;

static void add(sink *s, const char *bytes, size_t n)
{
    if (s->n + n + 1 > s->room) {
        size_t room = 2 * (s->n + n) + 256;
        char *text = realloc(s->text, room);
        if (!text) {
            s->failed = true;
            return;
        }
        s->text = text;
        s->room = room;
    }
    memcpy(s->text + s->n, bytes, n);
    s->n += n;
    s->text[s->n] = 0;
}

static void add_char(sink *s, uint32_t ch)
{
    char bytes[4];
    add(s, bytes, (size_t)saint_ui_utf8_put(ch, bytes));
}

static void end_line(sink *s, size_t start)
{
    while (!s->failed && s->n > start && s->text[s->n - 1] == ' ') s->n--;
    add(s, "\n", 1);
}

static void add_color(sink *s, const char *what, saint_ui_color c)
{
    char text[32];
    if (c >> 24 == 2) snprintf(text, sizeof text, " %s #%06x", what, c & 0xffffffu);
    else if (c >> 24 == 1) snprintf(text, sizeof text, " %s %u", what, c & 255u);
    else text[0] = 0;
    add(s, text, strlen(text));
}

static bool same_style(const saint_ui_cell *a, const saint_ui_style *b) { return a->fg == b->fg && a->bg == b->bg && a->attr == b->attr; }

enum { LETTERS = 61 };

static void dump_styles(sink *s, const saint_ui_canvas *c)
{
    static const char letter[LETTERS + 1] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ012345678";
    saint_ui_style seen[LETTERS];
    int n = 0;
    bool more = false;
    for (int y = 0; y < c->h; y++) {
        size_t start = s->n;
        for (int x = 0; x < c->w; x++) {
            const saint_ui_cell *cell = saint_ui_canvas_at(c, x, y);
            int i = 0;
            if (same_style(cell, &(saint_ui_style){0})) {
                add(s, " ", 1);
                continue;
            }
            while (i < n && !same_style(cell, &seen[i])) i++;
            if (i == n && n < LETTERS) seen[n++] = (saint_ui_style){cell->fg, cell->bg, cell->attr};
            if (i == LETTERS) more = true;
            add(s, i == LETTERS ? "?" : &letter[i], 1);
        }
        end_line(s, start);
    }
    for (int i = 0; i < n; i++) {
        add(s, &letter[i], 1);
        add_color(s, "fg", seen[i].fg);
        add_color(s, "bg", seen[i].bg);
        if (seen[i].attr & SAINT_UI_BOLD) add(s, " bold", 5);
        if (seen[i].attr & SAINT_UI_DIM) add(s, " dim", 4);
        if (seen[i].attr & SAINT_UI_UNDERLINE) add(s, " underline", 10);
        if (seen[i].attr & SAINT_UI_REVERSE) add(s, " reverse", 8);
        if (seen[i].attr & SAINT_UI_PHOTO) add(s, " photo", 6);
        add(s, "\n", 1);
    }
    if (more) add(s, "? more styles\n", 14);
}

char *saint_ui_canvas_dump(const saint_ui_canvas *c, bool with_styles)
{
    if (!c || !c->cell) return NULL;
    sink s = {0};
    for (int y = 0; y < c->h; y++) {
        size_t start = s.n;
        for (int x = 0; x < c->w; x++) {
            const saint_ui_cell *cell = saint_ui_canvas_at(c, x, y);
            if (cell->width == 0) continue;
            add_char(&s, cell->ch);
            if (cell->mark) add_char(&s, cell->mark);
        }
        end_line(&s, start);
    }
    if (with_styles) {
        add(&s, "--- styles\n", 11);
        dump_styles(&s, c);
    }
    if (!s.failed) return s.text;
    free(s.text);
    return NULL;
}
