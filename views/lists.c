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

static void help_line(saint_ui_pen p, int y, const saint_ui_action *a, int what)
{
    enum { KEY_COLUMNS = 15 };
    saint_ui_text(p, 1, y, KEY_COLUMNS - 1, a->reason ? SAINT_UI_KEY_OFF : SAINT_UI_KEY, a->key);
    int x = 1 + KEY_COLUMNS;
    int room = p.area.w - x, reason = a->reason ? saint_ui_text_width(a->reason) + 4 : 0; /* the reason is what one wants to know */
    int doc = reason && room - reason < room / 3 ? room / 3 : room - reason;
    x += saint_ui_text(p, x, y, doc, a->reason ? SAINT_UI_DISABLED : SAINT_UI_TEXT, a->doc ? a->doc : a->label);
    if (a->reason) saint_ui_textf(p, x, y, p.area.w - x, SAINT_UI_WARN, "  (%s)", a->reason);
    if (what) saint_ui_hit_add(p, 0, y, p.area.w, 1, what, a->id);
}

/* The i-th line of the help: an action, a heading (*heading) or a blank (NULL). Groups come in the order in which the table first names
 * them. */
static int help_lines(const saint_ui_action *action, int n, const char *filter, int want, const saint_ui_action **found, bool *heading)
{
    int line = 0;
    for (int g = 0; g < n; g++) {
        bool first = passes(&action[g], filter);
        for (int i = 0; i < g && first; i++) first = !(passes(&action[i], filter) && same_group(action[i].group, action[g].group));
        if (!first) continue;
        if (line) line++;
        if (line++ == want) *found = &action[g], *heading = true;
        for (int i = g; i < n; i++) {
            if (!same_group(action[i].group, action[g].group) || !passes(&action[i], filter)) continue;
            if (line++ == want) *found = &action[i], *heading = false;
        }
    }
    return line;
}

/* Lines per column: the columns break before a heading where one is near. */
static int help_columns(int w, int h, int lines)
{
    int columns = w / 92 > 0 ? w / 92 : 1; /* sentences that can be read to their end are worth the scrolling */
    return lines <= h || columns < 1 ? 1 : columns > 3 ? 3 : columns;
}

int saint_ui_help_draw(saint_ui_pen p, const saint_ui_action *action, int n, const char *filter, int first, int what)
{
    saint_ui_clear(p, SAINT_UI_TEXT);
    if (!action || n < 1 || p.area.w < 1) return 0;
    const saint_ui_action *a = NULL;
    bool heading = false;
    int lines = help_lines(action, n, filter, -1, &a, &heading);
    if (!lines) {
        saint_ui_text(p, 1, 0, -1, SAINT_UI_MUTED, "no action matches the filter");
        return 0;
    }
    int columns = help_columns(p.area.w, p.area.h, lines), per = (lines + columns - 1) / columns, width = p.area.w / columns, line = 0,
        rows = 0;
    for (int column = 0; column < columns && line < lines; column++) {
        saint_ui_pen at = saint_ui_pen_part(p, column * width, 0, width - (columns > 1), p.area.h);
        int y = 0;
        for (; line < lines && (y < per || column == columns - 1); line++) {
            a = NULL;
            help_lines(action, n, filter, line, &a, &heading);
            if (!a && y == 0) continue;                                               /* no blank on top */
            if (a && heading && y > 0 && y >= per - 3 && column < columns - 1) break; /* no heading at the foot */
            if (a && heading && y >= first && y - first < p.area.h)
                saint_ui_text(at, 1, y - first, -1, SAINT_UI_ACCENT, a->group ? a->group : "other");
            else if (a && y >= first && y - first < p.area.h) help_line(at, y - first, a, what);
            y++;
        }
        if (y > rows) rows = y;
    }
    return rows;
}

int saint_ui_help_height(const saint_ui_action *action, int n, const char *filter)
{
    const saint_ui_action *a = NULL;
    bool heading = false;
    return action && n > 0 ? help_lines(action, n, filter, -1, &a, &heading) : 0;
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
