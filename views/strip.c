#include "views/strip.h"

#include <stdio.h>
#include <string.h>

/* Where things are in the pen's columns. Several layers share a column when there are more layers than columns. */
typedef struct {
    int left, caption; /* first column of the bars; first column of the text behind them */
    int per;           /* columns a layer takes, */
    int share;         /* or layers a column stands for */
    int gap_at;        /* index of the first LLM layer */
    int gap;
} plan;

enum { STAGE_LABEL = 3, CAPTION_LEAST = 16, CAPTION_MOST = 40 };

static plan measure(int w, const saint_ui_strip *s)
{
    plan l = {.left = w > 20 ? STAGE_LABEL : 0, .per = 1, .share = 1, .gap_at = s->n};
    for (int i = 0; i < s->n; i++)
        if (s->layer[i].stage == SAINT_STAGE_LLM) {
            l.gap_at = i;
            break;
        }
    l.gap = l.gap_at > 0 && l.gap_at < s->n ? (l.left ? 3 : 1) : 0;
    int room = w - l.left - l.gap, caption = w >= 60 ? w / 4 : 0;
    if (caption && caption < CAPTION_LEAST) caption = CAPTION_LEAST;
    if (caption > CAPTION_MOST) caption = CAPTION_MOST;
    if (s->n > room - caption && s->n <= room) caption = 0;
    room -= caption;
    if (room < 1) room = 1;
    int n = s->n > 0 ? s->n : 1;
    if (n <= room) l.per = room / n < 4 ? room / n : 4;
    int vit = l.gap_at, llm = n - l.gap_at;
    while (l.share < n && (vit + l.share - 1) / l.share + (llm + l.share - 1) / l.share > room) l.share++;
    int used = l.left + l.gap + (n <= room ? n * l.per : (vit + l.share - 1) / l.share + (llm + l.share - 1) / l.share);
    l.caption = used + 2;
    return l;
}

/* The LLM starts a column of its own, also when columns are shared. */
static int column_of(const plan *l, int i)
{
    int x = l->left;
    if (l->share == 1) x += i * l->per;
    else if (i < l->gap_at) x += i / l->share;
    else x += (l->gap_at + l->share - 1) / l->share + (i - l->gap_at) / l->share;
    return x + (i >= l->gap_at ? l->gap : 0);
}

saint_ui_rect saint_ui_strip_column(saint_ui_pen p, const saint_ui_strip *s, int i)
{
    if (!s || !s->layer || i < 0 || i >= s->n) return (saint_ui_rect){0};
    plan l = measure(p.area.w, s);
    return saint_ui_rect_meet((saint_ui_rect){p.area.x + column_of(&l, i), p.area.y, l.per, p.area.h}, p.clip);
}

static int most_tokens(const saint_ui_strip *s)
{
    int most = s->most;
    for (int i = 0; i < s->n && s->most <= 0; i++)
        if (s->layer[i].tokens > most) most = s->layer[i].tokens;
    return most > 0 ? most : 1;
}

static saint_ui_role role_of(const saint_ui_strip_layer *layer, bool cursor)
{
    if (layer->tokens < 0) return SAINT_UI_FAINT;
    if (layer->stale && !cursor) return SAINT_UI_STALE;
    if (cursor) return SAINT_UI_STRONG;
    if (layer->site) return SAINT_UI_SITE;
    return layer->stage == SAINT_STAGE_LLM ? SAINT_UI_LLM : SAINT_UI_VIT;
}

/* One bar of h rows, w columns. */
static void bar(saint_ui_pen p, int x, int w, int h, const saint_ui_strip_layer *layer, int most, bool cursor)
{
    bool ascii = saint_ui_pen_ascii(p);
    saint_ui_style style = saint_ui_theme_style(p.theme, role_of(layer, cursor));
    int64_t tokens = layer->tokens > most ? most : layer->tokens;
    int levels = ascii ? h * 10 : h * 8, level = layer->tokens < 0 ? 0 : (int)((tokens * levels + most / 2) / most);
    if (layer->tokens > 0 && level < 1) level = 1;
    for (int row = 0; row < h; row++) {
        int unit = ascii ? 10 : 8, part = level - (h - 1 - row) * unit;
        uint32_t ch = ' ';
        if (part >= unit) ch = ascii ? (layer->site ? 'X' : '#') : 0x2588;
        else if (part > 0 && ascii) ch = h == 1 ? (uint32_t)'0' + (uint32_t)part : part >= 5 ? (layer->site ? 'X' : '#') : '.';
        else if (part > 0) ch = 0x2580u + (uint32_t)part;
        else if (row == h - 1) ch = layer->tokens < 0 ? (ascii ? '?' : 0xb7) : (ascii ? '_' : 0x2581);
        for (int i = 0; i < w; i++) saint_ui_char(p, x + i, row, ch, style);
    }
}

static void marks(saint_ui_pen p, const saint_ui_strip *s, const plan *l, int y)
{
    bool ascii = saint_ui_pen_ascii(p);
    for (int i = 0; i < s->n; i++) {
        const saint_ui_strip_layer *layer = &s->layer[i];
        bool here = i == s->cursor;
        if (!layer->site && !here && !layer->marked) continue;
        saint_ui_style style = saint_ui_theme_style(p.theme, layer->marked ? SAINT_UI_ACCENT : here ? SAINT_UI_STRONG : SAINT_UI_SITE);
        uint32_t ch = layer->marked && !here ? (layer->site ? (ascii ? '@' : 0x25cf) : ascii ? 'o' : 0x25cb) : here && layer->site ? (ascii ? 'A' : 0x25b2) : here ? (ascii ? '^' : 0x25b3) : ascii ? 'x' : 0x25c6;
        saint_ui_char(p, column_of(l, i) + (l->per > 2 ? (l->per - 1) / 2 : 0), y, ch, style);
    }
}

static void numbers(saint_ui_pen p, const saint_ui_strip *s, const plan *l, int y)
{
    int end = -1;
    int every = l->per * 5 / l->share >= 4 ? 5 : 10;
    char text[16];
    if (s->cursor >= 0 && s->cursor < s->n) { /* drawn last, but its place is taken first */
        snprintf(text, sizeof text, "%d", s->layer[s->cursor].layer);
    } else text[0] = 0;
    int mine = s->cursor >= 0 && s->cursor < s->n ? column_of(l, s->cursor) : -9, mine_w = (int)strlen(text);
    for (int i = 0; i < s->n; i++) {
        char number[16];
        int x = column_of(l, i);
        snprintf(number, sizeof number, "%d", s->layer[i].layer);
        int w = (int)strlen(number);
        bool last_of_stage = i + 1 == l->gap_at;
        if (s->layer[i].layer % every || x <= end || (x + w > mine - 1 && x < mine + mine_w + 1) || (last_of_stage && w > l->per + 1))
            continue;
        end = x + saint_ui_text(p, x, y, w, SAINT_UI_MUTED, number);
    }
    if (mine >= 0) saint_ui_text(p, mine, y, -1, SAINT_UI_LAYER_CURSOR, text);
}

static void caption(saint_ui_pen p, const saint_ui_strip *s, int x, int rows)
{
    if (s->cursor < 0 || s->cursor >= s->n || p.area.w - x < 8) return;
    const saint_ui_strip_layer *layer = &s->layer[s->cursor];
    int y = 0, at = x;
    at += saint_ui_textf(p, at, y, -1, SAINT_UI_STRONG, "%s %d", layer->stage == SAINT_STAGE_LLM ? "LLM" : "ViT", layer->layer) + 1;
    if (layer->tokens >= 0) at += saint_ui_textf(p, at, y, -1, SAINT_UI_TEXT, "%d/%d", layer->tokens, most_tokens(s)) + 1;
    else at += saint_ui_text(p, at, y, -1, SAINT_UI_MUTED, "not known yet") + 1;
    if (layer->stale) at += saint_ui_text(p, at, y, -1, SAINT_UI_MUTED, "stale") + 1;
    if (s->playing) saint_ui_text(p, at, y, -1, SAINT_UI_ACCENT, saint_ui_pen_ascii(p) ? ">" : "\u25b6");
    if (rows > 1 && layer->name) saint_ui_text(p, x, ++y, -1, layer->site ? SAINT_UI_SITE : SAINT_UI_MUTED, layer->name);
    if (rows > 2 && s->rounds > 0) {
        y++;
        if (s->round >= 0) saint_ui_textf(p, x, y, -1, SAINT_UI_MUTED, "iteration %d of %d", s->round + 1, s->rounds);
        else saint_ui_textf(p, x, y, -1, SAINT_UI_MUTED, "%d iterations", s->rounds);
    } else if (rows > 2 && layer->reused) saint_ui_text(p, x, ++y, -1, SAINT_UI_MUTED, "from the cache");
}

void saint_ui_strip_draw(saint_ui_pen p, const saint_ui_strip *s, int what)
{
    saint_ui_clear(p, SAINT_UI_TEXT);
    if (!s || !s->layer || s->n < 1 || p.area.h < 1) return;
    plan l = measure(p.area.w, s);
    int h = p.area.h, bars = h < 2 ? 1 : h < 3 ? 1 : h - 2, most = most_tokens(s);
    if (l.left) {
        if (l.gap_at > 0) saint_ui_text(p, 1, bars - 1, 1, SAINT_UI_VIT, "V");
        if (l.gap_at < s->n) saint_ui_text(p, column_of(&l, l.gap_at) - 2, bars - 1, 1, SAINT_UI_LLM, "L");
    }
    for (int i = 0; i < s->n; i++) {
        saint_ui_strip_layer layer = s->layer[i];
        int x = column_of(&l, i), last = i;
        while (l.share > 1 && last + 1 < s->n && column_of(&l, last + 1) == x) { /* a column of several: the fewest tokens, any site */
            const saint_ui_strip_layer *next = &s->layer[++last];
            if (next->tokens >= 0 && (layer.tokens < 0 || next->tokens < layer.tokens)) layer.tokens = next->tokens;
            layer.site = layer.site || next->site;
            layer.marked = layer.marked || next->marked;
        }
        bar(p, x, l.per > 2 ? l.per - 1 : l.per, bars, &layer, most, s->cursor >= i && s->cursor <= last);
        if (s->cursor >= i && s->cursor <= last && h == 1) {
            saint_ui_rect r = saint_ui_rect_meet((saint_ui_rect){p.area.x + x, p.area.y, l.per > 2 ? l.per - 1 : l.per, 1}, p.clip);
            saint_ui_canvas_restyle(p.canvas, r, saint_ui_theme_style(p.theme, SAINT_UI_LAYER_CURSOR));
        }
        if (layer.marked && h == 1) { /* no row for marks */
            saint_ui_rect r = saint_ui_rect_meet((saint_ui_rect){p.area.x + x, p.area.y, l.per > 2 ? l.per - 1 : l.per, 1}, p.clip);
            saint_ui_style style = saint_ui_theme_style(p.theme, SAINT_UI_ACCENT);
            style.attr |= SAINT_UI_UNDERLINE;
            saint_ui_canvas_restyle(p.canvas, r, style);
        }
        if (what) saint_ui_hit_add(p, x, 0, l.per, h, what, i);
        i = last;
    }
    if (h >= 2) marks(p, s, &l, bars);
    if (h >= 3) numbers(p, s, &l, bars + 1);
    caption(p, s, l.caption, h);
}
