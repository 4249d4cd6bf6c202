#include "views/lineedit.h"

#include <string.h>

/* Start of the next or previous character, combining marks taken along. */
static int right_of(const saint_ui_line *l, int at)
{
    const char *p = l->text + at;
    if (!saint_ui_utf8_next(&p)) return at;
    for (const char *q = p; *q; p = q)
        if (saint_ui_char_width(saint_ui_utf8_next(&q)) > 0) break;
    return (int)(p - l->text);
}

static int left_of(const saint_ui_line *l, int at)
{
    int here = 0;
    while (here < at) {
        int next = right_of(l, here);
        if (next >= at) break;
        here = next;
    }
    return here;
}

static void erase(saint_ui_line *l, int from, int to)
{
    memmove(l->text + from, l->text + to, strlen(l->text + to) + 1);
    l->cursor = from;
}

void saint_ui_line_set(saint_ui_line *l, const char *text)
{
    if (!l) return;
    *l = (saint_ui_line){0};
    if (!text) return;
    size_t n = strlen(text);
    if (n >= sizeof l->text) {
        n = sizeof l->text - 1;
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) n--;
    }
    memcpy(l->text, text, n);
    l->cursor = (int)n;
}

static void insert(saint_ui_line *l, uint32_t ch)
{
    char bytes[4];
    if (l->selected) l->text[0] = 0, l->cursor = l->first = 0;
    l->selected = false;
    if (ch < 32 || ch == 127) ch = ' '; /* pasted line ends */
    int n = saint_ui_utf8_put(ch, bytes);
    size_t length = strlen(l->text);
    if (length + (size_t)n >= sizeof l->text) return;
    memmove(l->text + l->cursor + n, l->text + l->cursor, length - (size_t)l->cursor + 1);
    memcpy(l->text + l->cursor, bytes, (size_t)n);
    l->cursor += n;
}

static int word_before(const saint_ui_line *l)
{
    int at = l->cursor;
    while (at > 0 && l->text[at - 1] == ' ') at--;
    while (at > 0 && l->text[at - 1] != ' ') at--;
    return at;
}

static bool control(saint_ui_line *l, uint32_t ch)
{
    switch (ch) {
    case 'a': l->cursor = 0; break;
    case 'e': l->cursor = (int)strlen(l->text); break;
    case 'b': l->cursor = left_of(l, l->cursor); break;
    case 'f': l->cursor = right_of(l, l->cursor); break;
    case 'd': erase(l, l->cursor, right_of(l, l->cursor)); break;
    case 'h':
        if (l->cursor > 0) erase(l, left_of(l, l->cursor), l->cursor);
        break;
    case 'k': l->text[l->cursor] = 0; break;
    case 'u': erase(l, 0, l->cursor); break;
    case 'w': erase(l, word_before(l), l->cursor); break;
    default: return false;
    }
    l->selected = false;
    return true;
}

bool saint_ui_line_key(saint_ui_line *l, const saint_ui_event *e)
{
    if (!l || !e) return false;
    if (e->kind == SAINT_UI_PASTE) return insert(l, e->ch), true;
    if (e->kind != SAINT_UI_PRESS) return false;
    bool all = l->selected;
    switch (e->key) {
    case SAINT_UI_KEY_CHAR:
        if (e->mods & SAINT_UI_CTRL) return control(l, e->ch);
        if (e->mods & SAINT_UI_ALT || e->ch < 32) return false;
        insert(l, e->ch);
        return true;
    case SAINT_UI_KEY_LEFT: l->cursor = all ? 0 : left_of(l, l->cursor); break;
    case SAINT_UI_KEY_RIGHT: l->cursor = all ? (int)strlen(l->text) : right_of(l, l->cursor); break;
    case SAINT_UI_KEY_HOME: l->cursor = 0; break;
    case SAINT_UI_KEY_END: l->cursor = (int)strlen(l->text); break;
    case SAINT_UI_KEY_BACKSPACE:
        if (all) erase(l, 0, (int)strlen(l->text));
        else if (l->cursor > 0) erase(l, left_of(l, l->cursor), l->cursor);
        break;
    case SAINT_UI_KEY_DELETE:
        if (all) erase(l, 0, (int)strlen(l->text));
        else erase(l, l->cursor, right_of(l, l->cursor));
        break;
    default: return false;
    }
    l->selected = false;
    return true;
}

static int columns_between(const saint_ui_line *l, int from, int to)
{
    const char *p = l->text + from;
    int n = 0;
    while (p < l->text + to) n += saint_ui_char_width(saint_ui_utf8_next(&p));
    return n;
}

void saint_ui_line_draw(saint_ui_pen p, saint_ui_line *l, bool focus, bool bad)
{
    if (!l || p.area.w < 1) return;
    saint_ui_role role = bad ? SAINT_UI_INPUT_BAD : SAINT_UI_INPUT;
    if (l->cursor < 0 || l->cursor > (int)strlen(l->text)) l->cursor = (int)strlen(l->text);
    if (l->first > l->cursor || l->first < 0) l->first = l->cursor;
    while (columns_between(l, l->first, l->cursor) >= p.area.w && l->first < l->cursor) l->first = right_of(l, l->first);
    while (l->first > 0 && columns_between(l, left_of(l, l->first), (int)strlen(l->text)) < p.area.w) l->first = left_of(l, l->first);
    saint_ui_hline(p, 0, 0, p.area.w, ' ', role);
    saint_ui_style style = saint_ui_theme_style(p.theme, l->selected && focus ? SAINT_UI_SELECT : role);
    int x = 0;
    bool ascii = saint_ui_pen_ascii(p);
    for (const char *c = l->text + l->first; *c;) {
        bool here = (int)(c - l->text) == l->cursor && focus;
        uint32_t ch = saint_ui_utf8_next(&c);
        int w = saint_ui_char_width(ch);
        if (x + w > p.area.w) break;
        saint_ui_char(p, x, 0, ascii ? (w == 2 ? '?' : saint_ui_ascii_of(ch)) : ch,
                      here ? saint_ui_theme_style(p.theme, SAINT_UI_CURSOR) : style);
        x += w;
    }
    if (focus && !l->text[l->cursor])
        saint_ui_char(p, columns_between(l, l->first, l->cursor), 0, ' ', saint_ui_theme_style(p.theme, SAINT_UI_CURSOR));
}
