#include "views/table.h"

#include <string.h>

static int row_at(const saint_ui_table *t, int position) { return t->order ? t->order[position] : position; }

static int compare(const saint_ui_table *t, const saint_ui_table_state *s, int a, int b)
{
    int c = t->compare(t->ud, a, b, s->sort, s->descending);
    return c ? c : (a > b) - (a < b);
}

/* Heap sort: no recursion, no allocation, and the row number as last key makes it stable. */
static void sift(const saint_ui_table *t, const saint_ui_table_state *s, int *order, int at, int n)
{
    for (int child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && compare(t, s, order[child + 1], order[child]) > 0) child++;
        if (compare(t, s, order[child], order[at]) <= 0) return;
        int swap = order[at];
        order[at] = order[child];
        order[child] = swap;
    }
}

void saint_ui_table_sort(const saint_ui_table *t, saint_ui_table_state *s, int *order)
{
    if (!t || !s || !order || t->n_rows < 1) return;
    int selected = s->at >= 0 && s->at < t->n_rows ? row_at(t, s->at) : -1;
    for (int i = 0; i < t->n_rows; i++) order[i] = i;
    if (t->compare && s->sort >= 0 && s->sort < t->n_columns) {
        for (int i = t->n_rows / 2 - 1; i >= 0; i--) sift(t, s, order, i, t->n_rows);
        for (int n = t->n_rows - 1; n > 0; n--) {
            int swap = order[0];
            order[0] = order[n];
            order[n] = swap;
            sift(t, s, order, 0, n);
        }
    }
    for (int i = 0; i < t->n_rows; i++)
        if (order[i] == selected) s->at = i;
}

bool saint_ui_table_key(const saint_ui_table *t, saint_ui_table_state *s, const saint_ui_event *e)
{
    if (!t || !s || !e || e->kind != SAINT_UI_PRESS || e->mods & (SAINT_UI_CTRL | SAINT_UI_ALT)) return false;
    int page = s->page > 1 ? s->page - 1 : 1;
    switch (e->key) {
    case SAINT_UI_KEY_UP: s->at--; break;
    case SAINT_UI_KEY_DOWN: s->at++; break;
    case SAINT_UI_KEY_PAGE_UP: s->at -= page; break;
    case SAINT_UI_KEY_PAGE_DOWN: s->at += page; break;
    case SAINT_UI_KEY_HOME: s->at = 0; break;
    case SAINT_UI_KEY_END: s->at = t->n_rows - 1; break;
    case SAINT_UI_KEY_LEFT: s->first--; break;
    case SAINT_UI_KEY_RIGHT: s->first++; break;
    default: return false;
    }
    if (s->at > t->n_rows - 1) s->at = t->n_rows - 1;
    if (s->at < 0) s->at = 0;
    if (s->first > t->n_columns - 1) s->first = t->n_columns - 1;
    if (s->first < 1) s->first = 1;
    return true;
}

enum { MOST_COLUMNS = 64, GAP = 2 };

static int natural(const saint_ui_table *t, int c)
{
    int w = saint_ui_text_width(t->column[c].title) + 1; /* with the arrow of the sorting */
    return w > t->column[c].width ? w : t->column[c].width;
}

/* Widths of the columns that fit from `first` on, column 0 before them; 0 = not shown. */
static void measure(const saint_ui_table *t, int first, int w, int width[MOST_COLUMNS])
{
    int n = t->n_columns < MOST_COLUMNS ? t->n_columns : MOST_COLUMNS, used = 0, growing = 0;
    memset(width, 0, MOST_COLUMNS * sizeof *width);
    for (int c = 0; c < n; c++) {
        if (c && c < first) continue;
        int need = natural(t, c);
        if (used + need > w) {
            if (!used || w - used > 6) width[c] = w - used, used = w; /* the last one is cut */
            break;
        }
        width[c] = need;
        used += need + GAP;
        growing += t->column[c].grow;
    }
    for (int c = 0, spare = w - used; c < n && growing > 0 && spare > 0; c++)
        if (width[c] && t->column[c].grow) {
            int more = spare / growing--;
            width[c] += more;
            spare -= more;
        }
}

static bool last_is_shown(const saint_ui_table *t, const int width[MOST_COLUMNS])
{
    int last = t->n_columns < MOST_COLUMNS ? t->n_columns - 1 : MOST_COLUMNS - 1;
    return last < 0 || width[last] >= natural(t, last);
}

static void settle(const saint_ui_table *t, saint_ui_table_state *s, int rows, int w)
{
    s->page = rows;
    if (s->at >= t->n_rows) s->at = t->n_rows - 1;
    if (s->at < 0) s->at = 0;
    if (s->top > s->at) s->top = s->at;
    if (rows > 0 && s->at >= s->top + rows) s->top = s->at - rows + 1;
    if (rows > 0 && s->top > t->n_rows - rows) s->top = t->n_rows - rows;
    if (s->top < 0) s->top = 0;
    if (s->first < 1) s->first = 1;
    int width[MOST_COLUMNS];
    while (s->first > 1) { /* no further to the right than needed to see the last column */
        measure(t, s->first - 1, w, width);
        if (!last_is_shown(t, width)) break;
        s->first--;
    }
}

static void heading(saint_ui_pen p, const saint_ui_table *t, const saint_ui_table_state *s, const int width[MOST_COLUMNS], int what)
{
    for (int c = 0, x = 0; c < t->n_columns && c < MOST_COLUMNS; c++) {
        if (!width[c]) continue;
        bool sorted = c == s->sort;
        saint_ui_role role = sorted ? SAINT_UI_ACCENT : SAINT_UI_MUTED;
        const char *arrow = sorted ? saint_ui_sym(p, s->descending ? SAINT_UI_SYM_DOWN : SAINT_UI_SYM_UP) : "";
        int title = saint_ui_text_width(t->column[c].title), room = width[c] - (sorted ? 1 : 0);
        int at = t->column[c].right && title < width[c] ? x + width[c] - title : x;
        if (t->column[c].right && sorted) saint_ui_text(p, at > x ? at - 1 : x, 0, 1, role, arrow), at += at == x;
        int used = saint_ui_text(p, at, 0, room, role, t->column[c].title);
        if (!t->column[c].right && sorted) saint_ui_text(p, at + used, 0, 1, role, arrow);
        if (what) saint_ui_hit_add(p, x, 0, width[c], 1, what + 1, c);
        x += width[c] + GAP;
    }
}

void saint_ui_table_draw(saint_ui_pen p, const saint_ui_table *t, saint_ui_table_state *s, bool focus, int what)
{
    saint_ui_clear(p, SAINT_UI_TEXT);
    saint_ui_table_state own = {.sort = -1};
    if (!s) s = &own;
    if (!t || !t->column || !t->cell || t->n_columns < 1 || p.area.w < 1 || p.area.h < 1) return;
    int head = p.area.h > 1 ? 1 : 0, rows = p.area.h - head, w = p.area.w, width[MOST_COLUMNS];
    bool scrolls = t->n_rows > rows && w > 10;
    if (scrolls) w--;
    settle(t, s, rows, w);
    measure(t, s->first, w, width);
    if (head) heading(p, t, s, width, what);
    for (int i = 0; i < rows && s->top + i < t->n_rows; i++) {
        int position = s->top + i, row = row_at(t, position), y = head + i;
        bool selected = position == s->at;
        saint_ui_role on = focus ? SAINT_UI_SELECT : SAINT_UI_SELECT_SOFT;
        if (selected) saint_ui_hline(p, 0, y, w, ' ', on);
        for (int c = 0, x = 0; c < t->n_columns && c < MOST_COLUMNS; c++) {
            if (!width[c]) continue;
            char text[256] = "";
            saint_ui_role role = SAINT_UI_TEXT;
            t->cell(t->ud, row, c, text, sizeof text, &role);
            saint_ui_style style = saint_ui_theme_style(p.theme, selected ? on : role);
            int n = saint_ui_text_width(text), at = t->column[c].right && n < width[c] ? x + width[c] - n : x;
            saint_ui_text_styled(p, at, y, width[c] - (at - x), style, text);
            x += width[c] + GAP;
        }
        if (what) saint_ui_hit_add(p, 0, y, w, 1, what, position);
    }
    if (t->n_rows < 1) saint_ui_text(p, 1, head, -1, SAINT_UI_MUTED, "nothing here yet");
    if (!scrolls) return;
    int knob = rows * rows / t->n_rows, from = (int)((int64_t)s->top * rows / t->n_rows);
    for (int i = 0; i < rows; i++) {
        bool on = i >= from && i <= from + knob;
        saint_ui_char(p, w, head + i,
                      saint_ui_pen_ascii(p) ? (on ? '#' : '|')
                      : on                  ? 0x2588
                                            : 0x2502,
                      saint_ui_theme_style(p.theme, on ? SAINT_UI_MUTED : SAINT_UI_FAINT));
    }
}
