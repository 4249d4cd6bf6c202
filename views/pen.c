#include "views/pen.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const saint_ui_hit *saint_ui_hit_at(const saint_ui_hits *hits, int x, int y)
{
    for (int i = hits ? hits->n - 1 : -1; i >= 0; i--)
        if (saint_ui_rect_has(hits->hit[i].rect, x, y)) return &hits->hit[i];
    return NULL;
}

saint_ui_pen saint_ui_pen_whole(saint_ui_canvas *c, const saint_ui_theme *theme, saint_ui_hits *hits)
{
    saint_ui_rect all = c && c->cell ? (saint_ui_rect){0, 0, c->w, c->h} : (saint_ui_rect){0};
    return (saint_ui_pen){c, all, all, theme, hits};
}

saint_ui_pen saint_ui_pen_at(saint_ui_pen p, saint_ui_rect rect)
{
    if (rect.w < 0) rect.w = 0;
    if (rect.h < 0) rect.h = 0;
    p.area = rect;
    p.clip = saint_ui_rect_meet(p.clip, rect);
    return p;
}

saint_ui_pen saint_ui_pen_part(saint_ui_pen p, int x, int y, int w, int h)
{
    return saint_ui_pen_at(p, (saint_ui_rect){p.area.x + x, p.area.y + y, w, h});
}

bool saint_ui_pen_ascii(saint_ui_pen p) { return !p.theme || p.theme->glyphs == SAINT_UI_ASCII; }

void saint_ui_char(saint_ui_pen p, int x, int y, uint32_t ch, saint_ui_style style)
{
    saint_ui_canvas_put(p.canvas, p.clip, p.area.x + x, p.area.y + y, ch, style);
}

void saint_ui_clear(saint_ui_pen p, saint_ui_role role)
{
    saint_ui_style style = saint_ui_theme_style(p.theme, role);
    for (int y = p.clip.y; y < p.clip.y + p.clip.h; y++)
        for (int x = p.clip.x; x < p.clip.x + p.clip.w; x++) saint_ui_canvas_put(p.canvas, p.clip, x, y, ' ', style);
}

void saint_ui_hline(saint_ui_pen p, int x, int y, int w, uint32_t ch, saint_ui_role role)
{
    if (w > p.area.w - x) w = p.area.w - x;
    saint_ui_style style = saint_ui_theme_style(p.theme, role);
    for (int i = 0; i < w; i++) saint_ui_char(p, x + i, y, ch, style);
}

int saint_ui_text_styled(saint_ui_pen p, int x, int y, int columns, saint_ui_style style, const char *s)
{
    int room = p.area.w - x;
    if (columns < 0 || columns > room) columns = room;
    if (!s || columns <= 0) return 0;
    int used = 0;
    size_t n = saint_ui_text_fit(s, columns);
    const char *end = s + n;
    bool cut = *end != 0;
    if (cut) end = s + saint_ui_text_fit(s, columns - 1);
    for (const char *c = s; c < end;) {
        uint32_t ch = saint_ui_utf8_next(&c);
        if (ch > 127 && saint_ui_pen_ascii(p) && !(ch >= 0x2500 && ch < 0x2580)) {
            int width = saint_ui_char_width(ch);
            for (int i = 0; i < width; i++) saint_ui_char(p, x + used + i, y, width == 2 ? '?' : saint_ui_ascii_of(ch), style);
            used += width;
            continue;
        }
        saint_ui_char(p, x + used, y, ch, style);
        used += saint_ui_char_width(ch);
    }
    if (cut) {
        saint_ui_char(p, x + used, y, saint_ui_sym_char(p, SAINT_UI_SYM_ELLIPSIS), style);
        used++;
    }
    return used;
}

int saint_ui_text(saint_ui_pen p, int x, int y, int columns, saint_ui_role role, const char *s)
{
    return saint_ui_text_styled(p, x, y, columns, saint_ui_theme_style(p.theme, role), s);
}

int saint_ui_text_right(saint_ui_pen p, int x, int y, int columns, saint_ui_role role, const char *s)
{
    int w = saint_ui_text_width(s);
    if (columns >= 0 && w > columns) w = columns;
    if (x - w < 0) w = x;
    return w > 0 ? saint_ui_text(p, x - w, y, w, role, s) : 0;
}

int saint_ui_textf(saint_ui_pen p, int x, int y, int columns, saint_ui_role role, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    return saint_ui_text(p, x, y, columns, role, line);
}

int saint_ui_paragraph(saint_ui_pen p, int x, int y, int w, int h, int first, saint_ui_role role, const char *s)
{
    saint_ui_wrap wrap = {s};
    const char *line;
    size_t bytes;
    int n = 0;
    while (saint_ui_wrap_next(&wrap, w, &line, &bytes)) {
        if (n >= first && n - first < h) {
            char text[1024];
            saint_ui_wrap after = wrap;
            const char *next;
            size_t next_bytes;
            bool more = n - first == h - 1 && saint_ui_wrap_next(&after, w, &next, &next_bytes); /* the last line that fits says so */
            snprintf(text, sizeof text, "%.*s%s", (int)(bytes < sizeof text - 8 ? bytes : sizeof text - 8), line, more ? " \u2026" : "");
            saint_ui_text(p, x, y + n - first, w, role, text);
        }
        n++;
    }
    return n;
}

void saint_ui_hit_add(saint_ui_pen p, int x, int y, int w, int h, int what, int value)
{
    saint_ui_rect rect = saint_ui_rect_meet((saint_ui_rect){p.area.x + x, p.area.y + y, w, h}, p.clip);
    if (!p.hits || p.hits->n >= p.hits->room || rect.w < 1 || rect.h < 1) return;
    p.hits->hit[p.hits->n++] = (saint_ui_hit){rect, what, value};
}

/* ---- panes ---- */

static void frame(saint_ui_pen p, saint_ui_style style)
{
    int w = p.area.w, h = p.area.h;
    uint32_t across = saint_ui_sym_char(p, SAINT_UI_SYM_H), down = saint_ui_sym_char(p, SAINT_UI_SYM_V);
    for (int x = 1; x < w - 1; x++) {
        saint_ui_char(p, x, 0, across, style);
        saint_ui_char(p, x, h - 1, across, style);
    }
    for (int y = 1; y < h - 1; y++) {
        saint_ui_char(p, 0, y, down, style);
        saint_ui_char(p, w - 1, y, down, style);
    }
    saint_ui_char(p, 0, 0, saint_ui_sym_char(p, SAINT_UI_SYM_TL), style);
    saint_ui_char(p, w - 1, 0, saint_ui_sym_char(p, SAINT_UI_SYM_TR), style);
    saint_ui_char(p, 0, h - 1, saint_ui_sym_char(p, SAINT_UI_SYM_BL), style);
    saint_ui_char(p, w - 1, h - 1, saint_ui_sym_char(p, SAINT_UI_SYM_BR), style);
}

saint_ui_pen saint_ui_pane_draw(saint_ui_pen p, const saint_ui_pane *pane)
{
    static const saint_ui_pane plain = {0};
    if (!pane) pane = &plain;
    saint_ui_clear(p, SAINT_UI_TEXT);
    int w = p.area.w, h = p.area.h;
    if (w < 4 || h < 3) return p;
    frame(p, saint_ui_theme_style(p.theme, pane->focus ? SAINT_UI_BORDER_FOCUS : SAINT_UI_BORDER));
    int x = 2;
    if (pane->title && *pane->title && w > 6) {
        saint_ui_role role = pane->stale ? SAINT_UI_STALE : pane->focus ? SAINT_UI_TITLE_FOCUS : SAINT_UI_TITLE;
        saint_ui_char(p, x++, 0, ' ', saint_ui_theme_style(p.theme, SAINT_UI_TEXT));
        x += saint_ui_text(p, x, 0, w - 6, role, pane->title);
        saint_ui_char(p, x++, 0, ' ', saint_ui_theme_style(p.theme, SAINT_UI_TEXT));
    }
    int room = w - 3 - x;
    if (pane->detail && *pane->detail && room > 6) {
        x += saint_ui_text(p, x, 0, room - 1, SAINT_UI_MUTED, pane->detail);
        saint_ui_char(p, x++, 0, ' ', saint_ui_theme_style(p.theme, SAINT_UI_TEXT));
    }
    int taken = 0;
    if (pane->note && *pane->note && w > 8) {
        int n = saint_ui_text_width(pane->note);
        if (n > w - 6) n = w - 6;
        taken = n + 2;
        saint_ui_char(p, w - 4 - n, h - 1, ' ', saint_ui_theme_style(p.theme, SAINT_UI_TEXT));
        saint_ui_text(p, w - 3 - n, h - 1, n, SAINT_UI_MUTED, pane->note);
        saint_ui_char(p, w - 3, h - 1, ' ', saint_ui_theme_style(p.theme, SAINT_UI_TEXT));
    }
    room = w - 6 - taken;
    if (pane->foot && *pane->foot && room > 8) {
        int n = saint_ui_text(p, 3, h - 1, room - 2, SAINT_UI_STRONG, pane->foot);
        saint_ui_char(p, 2, h - 1, ' ', saint_ui_theme_style(p.theme, SAINT_UI_TEXT));
        saint_ui_char(p, 3 + n, h - 1, ' ', saint_ui_theme_style(p.theme, SAINT_UI_TEXT));
    }
    return saint_ui_pen_part(p, 1, 1, w - 2, h - 2);
}

void saint_ui_bar(saint_ui_pen p, int x, int y, int w, double share, saint_ui_role fill, saint_ui_role rest)
{
    if (w > p.area.w - x) w = p.area.w - x;
    if (w <= 0) return;
    if (!(share > 0)) share = 0;
    if (share > 1) share = 1;
    bool ascii = saint_ui_pen_ascii(p);
    saint_ui_style full = saint_ui_theme_style(p.theme, fill), empty = saint_ui_theme_style(p.theme, rest);
    int eighths = (int)(share * w * 8 + 0.5), whole = ascii ? (eighths + 4) / 8 : eighths / 8, part = eighths % 8;
    if (share > 0 && eighths == 0) part = 1; /* something is not nothing */
    for (int i = 0; i < w; i++) {
        if (i < whole) saint_ui_char(p, x + i, y, ascii ? '#' : 0x2588, full);
        else if (i == whole && part && !ascii) saint_ui_char(p, x + i, y, 0x2590u - (uint32_t)part, full);
        else saint_ui_char(p, x + i, y, ascii ? '.' : 0xb7, empty);
    }
}

static const struct {
    const char *rich, *plain;
} symbols[SAINT_UI_SYM_COUNT] = {
    [SAINT_UI_SYM_ELLIPSIS] = {"\u2026", "~"}, [SAINT_UI_SYM_DOT] = {"\u00b7", "."},   [SAINT_UI_SYM_ARROW_RIGHT] = {"\u2192", ">"},
    [SAINT_UI_SYM_LEFT] = {"\u2039", "<"},     [SAINT_UI_SYM_RIGHT] = {"\u203a", ">"}, [SAINT_UI_SYM_UP] = {"\u25b2", "^"},
    [SAINT_UI_SYM_DOWN] = {"\u25bc", "v"},     [SAINT_UI_SYM_KNOB] = {"\u25cf", "O"},  [SAINT_UI_SYM_LIVE] = {"\u25cf", "*"},
    [SAINT_UI_SYM_NOT_LIVE] = {"\u25cb", "o"}, [SAINT_UI_SYM_TIMES] = {"\u00d7", "x"}, [SAINT_UI_SYM_PLUS_MINUS] = {"\u00b1", "+-"},
    [SAINT_UI_SYM_GOOD] = {"\u2713", "+"},     [SAINT_UI_SYM_BAD] = {"\u2717", "!"},   [SAINT_UI_SYM_H] = {"\u2500", "-"},
    [SAINT_UI_SYM_V] = {"\u2502", "|"},        [SAINT_UI_SYM_TL] = {"\u256d", "+"},    [SAINT_UI_SYM_TR] = {"\u256e", "+"},
    [SAINT_UI_SYM_BL] = {"\u2570", "+"},       [SAINT_UI_SYM_BR] = {"\u256f", "+"},    [SAINT_UI_SYM_TEE_L] = {"\u251c", "|"},
    [SAINT_UI_SYM_TEE_R] = {"\u2524", "|"},    [SAINT_UI_SYM_TEE_T] = {"\u252c", "+"}, [SAINT_UI_SYM_TEE_B] = {"\u2534", "+"},
    [SAINT_UI_SYM_CROSS] = {"\u253c", "+"},
};

const char *saint_ui_sym(saint_ui_pen p, saint_ui_symbol s)
{
    if ((int)s < 0 || s >= SAINT_UI_SYM_COUNT) return "";
    static const char *const square[] = {"\u2500", "\u2502", "\u250c", "\u2510", "\u2514", "\u2518",
                                         "\u251c", "\u2524", "\u252c", "\u2534", "\u253c"};
    if (!saint_ui_pen_ascii(p)) return symbols[s].rich;
    return s >= SAINT_UI_SYM_H && p.theme && p.theme->lines ? square[s - SAINT_UI_SYM_H] : symbols[s].plain;
}

uint32_t saint_ui_sym_char(saint_ui_pen p, saint_ui_symbol s)
{
    const char *text = saint_ui_sym(p, s);
    return saint_ui_utf8_next(&text);
}
