#include "views/lists.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MOST_ACTIONS = 512 };

static int footer_width(const saint_ui_action *a) { return saint_ui_text_width(a->key) + 1 + saint_ui_text_width(a->label) + 2; }

void saint_ui_footer_draw(saint_ui_pen p, const saint_ui_action *action, int n, int what)
{
    saint_ui_clear(p, SAINT_UI_TEXT);
    if (!action || n < 1) return;
    bool shown[MOST_ACTIONS] = {false};
    if (n > MOST_ACTIONS) n = MOST_ACTIONS;
    /* The weightiest first, each only when it still fits. */
    for (int room = p.area.w - 1;;) {
        int best = -1;
        for (int i = 0; i < n; i++)
            if (!shown[i] && action[i].weight > 0 && (best < 0 || action[i].weight > action[best].weight)) best = i;
        if (best < 0 || footer_width(&action[best]) - 2 > room) break;
        shown[best] = true;
        room -= footer_width(&action[best]);
    }
    for (int i = 0, x = 1; i < n; i++) {
        if (!shown[i]) continue;
        bool off = action[i].reason != NULL;
        int from = x;
        x += saint_ui_text(p, x, 0, -1, off ? SAINT_UI_KEY_OFF : SAINT_UI_KEY, action[i].key) + 1;
        x += saint_ui_text(p, x, 0, -1, off ? SAINT_UI_KEY_OFF : SAINT_UI_KEY_TEXT, action[i].label);
        if (what) saint_ui_hit_add(p, from, 0, x - from, 1, what, action[i].id);
        x += 2;
    }
}

/* ---- help ---- */

static bool contains(const char *text, const char *word, size_t n)
{
    for (; text && *text; text++) {
        size_t k = 0;
        while (k < n && text[k] && tolower((unsigned char)text[k]) == tolower((unsigned char)word[k])) k++;
        if (k == n) return true;
    }
    return n == 0;
}

static bool passes(const saint_ui_action *a, const char *filter)
{
    while (filter && *filter) {
        while (*filter == ' ') filter++;
        size_t n = strcspn(filter, " ");
        if (n && !contains(a->name, filter, n) && !contains(a->label, filter, n) && !contains(a->doc, filter, n) &&
            !contains(a->group, filter, n) && !contains(a->key, filter, n))
            return false;
        filter += n;
    }
    return true;
}

static bool same_group(const char *a, const char *b) { return a == b || (a && b && !strcmp(a, b)); }

enum { KEY_COLUMNS = 15, DOC_AT = 1 + KEY_COLUMNS };

/* A heading, an action, or a blank (NULL), and the rows that it takes: sentences are wrapped, not cut. */
typedef struct {
    const saint_ui_action *action;
    bool heading;
    int rows;
} help_item;

static int doc_room(int w) { return w - DOC_AT > 8 ? w - DOC_AT : 8; }

static const char *doc_of(const saint_ui_action *a) { return a->doc ? a->doc : a->label; }

/* The reason stands behind the sentence where both fit into one row. */
static bool one_row(const saint_ui_action *a, int w)
{
    return saint_ui_text_width(doc_of(a)) + (a->reason ? saint_ui_text_width(a->reason) + 4 : 0) <= doc_room(w);
}

static int help_rows(const saint_ui_action *a, int w)
{
    if (one_row(a, w)) return 1;
    int n = saint_ui_wrap_count(doc_of(a), doc_room(w));
    if (a->reason) n += saint_ui_wrap_count(a->reason, doc_room(w));
    return n > 0 ? n : 1;
}

/* Groups come in the order in which the table first names them. item [2 * n + n] or NULL; returns how many there are, *rows all of theirs.
 */
static int help_items(const saint_ui_action *action, int n, const char *filter, int w, help_item *item, int *rows)
{
    int count = 0;
    *rows = 0;
    for (int g = 0; g < n; g++) {
        bool first = passes(&action[g], filter);
        for (int i = 0; i < g && first; i++) first = !(passes(&action[i], filter) && same_group(action[i].group, action[g].group));
        if (!first) continue;
        if (count) item[count++] = (help_item){NULL, false, 1};
        item[count++] = (help_item){&action[g], true, 1};
        for (int i = g; i < n; i++)
            if (same_group(action[i].group, action[g].group) && passes(&action[i], filter))
                item[count++] = (help_item){&action[i], false, help_rows(&action[i], w)};
    }
    for (int i = 0; i < count; i++) *rows += item[i].rows;
    return count;
}

/* y may lie above the pen: the rows above it are left out. */
static void help_draw(saint_ui_pen p, int y, const help_item *item, int what)
{
    const saint_ui_action *a = item->action;
    int room = doc_room(p.area.w), w = p.area.w;
    if (!a || y >= p.area.h || y + item->rows <= 0) return;
    if (item->heading) {
        saint_ui_text(p, 1, y, -1, SAINT_UI_ACCENT, a->group ? a->group : "other");
        return;
    }
    if (y >= 0) saint_ui_text(p, 1, y, KEY_COLUMNS - 1, a->reason ? SAINT_UI_KEY_OFF : SAINT_UI_KEY, a->key);
    saint_ui_role role = a->reason ? SAINT_UI_DISABLED : SAINT_UI_TEXT;
    if (one_row(a, w)) {
        int x = DOC_AT + saint_ui_text(p, DOC_AT, y, room, role, doc_of(a));
        if (a->reason) saint_ui_textf(p, x, y, w - x, SAINT_UI_WARN, "  (%s)", a->reason);
    } else {
        int skip = y < 0 ? -y : 0, doc = saint_ui_wrap_count(doc_of(a), room);
        if (skip < doc) saint_ui_paragraph(p, DOC_AT, y + skip, room, doc - skip, skip, role, doc_of(a));
        int from = y + doc, over = from < 0 ? -from : 0;
        if (a->reason) saint_ui_paragraph(p, DOC_AT, from + over, room, item->rows - doc - over, over, SAINT_UI_WARN, a->reason);
    }
    if (what) saint_ui_hit_add(p, 0, y, w, item->rows, what, a->id);
}

/* Rows per column: the columns break before a heading where one is near. */
static int help_columns(int w, int h, int rows)
{
    int columns = w / 92 > 0 ? w / 92 : 1; /* sentences that can be read to their end are worth the scrolling */
    return rows <= h || columns < 1 ? 1 : columns > 3 ? 3 : columns;
}

int saint_ui_help_draw(saint_ui_pen p, const saint_ui_action *action, int n, const char *filter, int first, int what)
{
    help_item item[3 * MOST_ACTIONS];
    saint_ui_clear(p, SAINT_UI_TEXT);
    if (!action || n < 1 || p.area.w < 1) return 0;
    if (n > MOST_ACTIONS) n = MOST_ACTIONS;
    int all, count = help_items(action, n, filter, p.area.w, item, &all);
    if (!count) {
        saint_ui_text(p, 1, 0, -1, SAINT_UI_MUTED, "no action matches the filter");
        return 0;
    }
    int columns = help_columns(p.area.w, p.area.h, all), width = p.area.w / columns - (columns > 1), at = 0, rows = 0;
    if (columns > 1) count = help_items(action, n, filter, width, item, &all);
    int per = (all + columns - 1) / columns;
    for (int column = 0; column < columns && at < count; column++) {
        saint_ui_pen part = saint_ui_pen_part(p, column * (p.area.w / columns), 0, width, p.area.h);
        int y = 0;
        for (; at < count && (y < per || column == columns - 1); at++) {
            if (!item[at].action && y == 0) continue;                                     /* no blank on top */
            if (item[at].heading && y > 0 && y >= per - 3 && column < columns - 1) break; /* no heading at the foot */
            help_draw(part, y - first, &item[at], what);
            y += item[at].rows;
        }
        if (y > rows) rows = y;
    }
    return rows;
}

int saint_ui_help_height(const saint_ui_action *action, int n, const char *filter, int w)
{
    help_item item[3 * MOST_ACTIONS];
    int rows = 0;
    if (!action || n < 1) return 0;
    help_items(action, n < MOST_ACTIONS ? n : MOST_ACTIONS, filter, w, item, &rows);
    return rows;
}

/* ---- palette ---- */

/* Letters in order. eager takes a later place where a word starts; that can leave no room for the rest, then the first places are taken. */
static int match_letters(const char *pattern, const char *text, int *at, bool eager)
{
    int score = 1, n = 0, last = -2;
    for (const char *q = pattern; *q; q++) {
        if (*q == ' ') continue;
        int found = -1, best = 0;
        for (int i = last < 0 ? 0 : last + 1; text[i] && best < 8; i++) {
            if (tolower((unsigned char)text[i]) != tolower((unsigned char)*q)) continue;
            bool start = i == 0 || !isalnum((unsigned char)text[i - 1]);
            int worth = i == last + 1 && last >= 0 ? 8 : start ? 6 : 1;
            if (worth > best) best = worth, found = i;
            if (!eager) break;
        }
        if (found < 0) return 0;
        score += best;
        last = found;
        if (at) at[n] = found;
        n++;
    }
    if (n == 0) return 1;
    int length = (int)strlen(text);
    return score * 16 + (length < 64 ? 15 - length / 5 : 0) + (last + 1 == n ? 8 : 0); /* short texts and prefixes first */
}

int saint_ui_fuzzy(const char *pattern, const char *text, int *at)
{
    if (!pattern || !text) return 0;
    int score = match_letters(pattern, text, at, true);
    return score ? score : match_letters(pattern, text, at, false);
}

int saint_ui_palette_match(const saint_ui_action *action, int n, const char *pattern, int *match, int most)
{
    int score[MOST_ACTIONS], found = 0;
    if (!action || !match || most < 1) return 0;
    if (n > MOST_ACTIONS) n = MOST_ACTIONS;
    for (int i = 0; i < n; i++) {
        int by_name = saint_ui_fuzzy(pattern ? pattern : "", action[i].name, NULL),
            by_label = saint_ui_fuzzy(pattern ? pattern : "", action[i].label, NULL);
        int by_doc = saint_ui_fuzzy(pattern ? pattern : "", action[i].doc, NULL) / 2;
        score[i] = by_name > by_label ? by_name : by_label;
        if (by_doc > score[i]) score[i] = by_doc;
        if (!pattern || !*pattern) score[i] = 1;
        if (!score[i]) continue;
        int place = found;
        while (place > 0 && score[match[place - 1]] < score[i]) place--;
        if (place >= most) continue;
        if (found < most) found++;
        memmove(match + place + 1, match + place, (size_t)(found - 1 - place) * sizeof *match);
        match[place] = i;
    }
    return found;
}

void saint_ui_palette_draw(saint_ui_pen p, const saint_ui_action *action, const int *match, int n_match, saint_ui_line *input, int selected,
                           int what)
{
    saint_ui_clear(p, SAINT_UI_TEXT);
    if (input) {
        saint_ui_text(p, 0, 0, -1, SAINT_UI_ACCENT, saint_ui_pen_ascii(p) ? ">" : "\u203a");
        saint_ui_line_draw(saint_ui_pen_part(p, 2, 0, p.area.w - 2, 1), input, true, false);
    }
    if (!action || !match) return;
    int rows = p.area.h - 1, top = selected >= rows ? selected - rows + 1 : 0;
    for (int i = 0; i < rows && top + i < n_match; i++) {
        const saint_ui_action *a = &action[match[top + i]];
        int y = i + 1, at[SAINT_UI_LINE_MOST];
        bool on = top + i == selected;
        if (on) saint_ui_hline(p, 0, y, p.area.w, ' ', SAINT_UI_SELECT);
        int key = saint_ui_text_width(a->key) + 1, name = p.area.w / 3 > 20 ? 20 : p.area.w / 3;
        saint_ui_role role = on ? SAINT_UI_SELECT : a->reason ? SAINT_UI_DISABLED : SAINT_UI_TEXT;
        saint_ui_text(p, 1, y, name, role, a->name);
        const char *pattern = input ? input->text : "";
        size_t letters = 0;
        for (const char *c = pattern; *c; c++) letters += *c != ' ';
        bool ascii = a->name != NULL;
        for (const char *c = a->name; c && *c; c++) ascii = ascii && (unsigned char)*c < 128; /* positions are bytes */
        if (!on && ascii && letters && saint_ui_fuzzy(pattern, a->name, at) > 1)
            for (size_t k = 0; k < letters; k++)
                if (at[k] < name - 1)
                    saint_ui_char(p, 1 + at[k], y, (uint32_t)(unsigned char)a->name[at[k]], saint_ui_theme_style(p.theme, SAINT_UI_MATCH));
        int x = name + 2;
        saint_ui_text(p, x, y, p.area.w - x - key - 1,
                      on          ? SAINT_UI_SELECT
                      : a->reason ? SAINT_UI_WARN
                                  : SAINT_UI_MUTED,
                      a->reason ? a->reason : a->doc);
        saint_ui_text_right(p, p.area.w - 1, y, key, on ? SAINT_UI_SELECT : a->reason ? SAINT_UI_KEY_OFF : SAINT_UI_KEY, a->key);
        if (what) saint_ui_hit_add(p, 0, y, p.area.w, 1, what, top + i);
    }
    if (!n_match) saint_ui_text(p, 2, 1, -1, SAINT_UI_MUTED, "nothing matches");
}
