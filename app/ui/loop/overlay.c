/* What lies over the page: help, palette, the ":" row, a question. One at a time; Escape leaves it. */
#include "ui/loop/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HIT_HELP = UI_HIT_CORE + 10, HIT_CHOICE, HIT_YES, HIT_NO };

void ui_over_free(ui_over *o)
{
    for (int i = 0; i < o->n_done; i++) free(o->done[i]);
    for (int i = 0; i < o->n_past; i++) free(o->past[i]);
    o->n_done = o->n_past = 0;
}

static void rematch(ui *u)
{
    ui_over *o = &u->core->over;
    saint_ui_action list[UI_ACTION_COUNT];
    char key[UI_ACTION_COUNT][UI_KEY_TEXT];
    int n = ui_action_list(u, false, list, key);
    o->n_match = saint_ui_palette_match(list, n, o->line.text, o->match, UI_OVER_MATCHES);
    o->at = 0;
}

void ui_over_open(ui *u, ui_over_kind kind, const char *text)
{
    ui_over *o = &u->core->over;
    o->kind = kind;
    saint_ui_line_set(&o->line, text);
    o->filtering = false;
    o->at = o->top = 0;
    o->past_at = o->n_past;
    if (kind == UI_OVER_PALETTE) rematch(u);
    if (kind == UI_OVER_COMMAND) ui_complete(u, o);
    u->core->dirty = u->core->urgent = true;
}

void ui_over_close(ui *u)
{
    u->core->over.kind = UI_OVER_NONE;
    u->core->dirty = u->core->urgent = true;
}

void ui_prompt(ui *u, const char *text) { ui_over_open(u, UI_OVER_COMMAND, text); }

void ui_ask(ui *u, const char *question, const char *command)
{
    ui_over *o = &u->core->over;
    snprintf(o->question, sizeof o->question, "%s", question);
    snprintf(o->command, sizeof o->command, "%s", command);
    ui_over_open(u, UI_OVER_ASK, NULL);
}

/* ---- help ---- */

static bool plain(const saint_ui_event *e, uint32_t ch) { return e->kind == SAINT_UI_PRESS && e->key == SAINT_UI_KEY_CHAR && !e->mods && e->ch == ch; }

static void help_key(ui *u, const saint_ui_event *e)
{
    ui_over *o = &u->core->over;
    if (e->key == SAINT_UI_KEY_ESCAPE) {
        if (!o->filtering && !o->line.text[0]) ui_over_close(u);
        else saint_ui_line_set(&o->line, NULL);
        o->filtering = false;
        return;
    }
    if (o->filtering) {
        if (e->key == SAINT_UI_KEY_ENTER) o->filtering = false;
        else if (saint_ui_line_key(&o->line, e)) o->top = 0;
        return;
    }
    if (plain(e, 'q') || plain(e, '?')) ui_over_close(u);
    else if (plain(e, '/')) o->filtering = true;
    else if (e->key == SAINT_UI_KEY_DOWN || plain(e, 'j')) o->top++;
    else if (e->key == SAINT_UI_KEY_UP || plain(e, 'k')) o->top--;
    else if (e->key == SAINT_UI_KEY_PAGE_DOWN || plain(e, ' ')) o->top += o->page;
    else if (e->key == SAINT_UI_KEY_PAGE_UP) o->top -= o->page;
    else if (e->key == SAINT_UI_KEY_HOME) o->top = 0;
    else if (e->key == SAINT_UI_KEY_END) o->top = 100000;
}

static void help_draw(ui *u, saint_ui_pen whole)
{
    ui_over *o = &u->core->over;
    saint_ui_action list[UI_ACTION_COUNT];
    char key[UI_ACTION_COUNT][UI_KEY_TEXT];
    int n = ui_action_list(u, false, list, key), w = whole.area.w >= 196 ? 192 : whole.area.w - 2 < 118 ? whole.area.w - 2 : 118;
    int h = saint_ui_help_height(list, n, o->line.text, w - 2);
    saint_ui_pen in = saint_ui_overlay(whole, w, (h < 8 ? 8 : h) + 3, "help", o->filtering ? "Enter keep  Esc all" : "/ filter  click does it  Esc close");
    saint_ui_pen top = saint_ui_pen_part(in, 1, 0, in.area.w - 2, 1), body = saint_ui_pen_part(in, 0, 1, in.area.w, in.area.h - 1);
    if (o->filtering || o->line.text[0]) {
        int x = saint_ui_text(top, 0, 0, -1, SAINT_UI_ACCENT, "/ ");
        saint_ui_line_draw(saint_ui_pen_part(top, x, 0, top.area.w - x, 1), &o->line, o->filtering, false);
    } else saint_ui_text(top, 0, 0, -1, SAINT_UI_MUTED, "Keys as in the footer, h j k l as arrows; every name works behind \":\" and in scripts.");
    int lines = saint_ui_help_draw(body, list, n, o->line.text, 1 << 20, 0); /* only to learn how long it is */
    o->page = body.area.h;
    if (o->top > lines - body.area.h) o->top = lines - body.area.h;
    if (o->top < 0) o->top = 0;
    saint_ui_help_draw(body, list, n, o->line.text, o->top, HIT_HELP);
}

/* ---- palette ---- */

static int listed(ui *u, int position, char command[160])
{
    saint_ui_action list[UI_ACTION_COUNT];
    char key[UI_ACTION_COUNT][UI_KEY_TEXT];
    ui_over *o = &u->core->over;
    ui_action_list(u, false, list, key);
    if (position < 0 || position >= o->n_match) return -1;
    snprintf(command, 160, "%s", list[o->match[position]].name);
    return list[o->match[position]].id;
}

/* What needs words is continued in the ":" row. */
static void choose(ui *u, int position)
{
    char command[160];
    int id = listed(u, position, command);
    ui_over_close(u);
    if (id < 0) return;
    const char *argument = ui_action_at(id)->argument;
    if (*argument && *argument != '[') {
        strcat(command, " ");
        ui_prompt(u, command);
    } else ui_do(u, command);
}

static void palette_key(ui *u, const saint_ui_event *e)
{
    ui_over *o = &u->core->over;
    int by = e->key == SAINT_UI_KEY_UP ? -1 : e->key == SAINT_UI_KEY_DOWN || e->key == SAINT_UI_KEY_TAB ? 1 : e->key == SAINT_UI_KEY_PAGE_UP ? -8 :
             e->key == SAINT_UI_KEY_PAGE_DOWN ? 8 : 0;
    if (e->kind == SAINT_UI_PRESS && e->key == SAINT_UI_KEY_ESCAPE) ui_over_close(u);
    else if (e->kind == SAINT_UI_PRESS && e->key == SAINT_UI_KEY_ENTER) choose(u, o->at);
    else if (e->kind == SAINT_UI_PRESS && by) {
        o->at += by;
        if (o->at >= o->n_match) o->at = o->n_match - 1;
        if (o->at < 0) o->at = 0;
    } else if (saint_ui_line_key(&o->line, e)) rematch(u);
}

static void palette_draw(ui *u, saint_ui_pen whole)
{
    ui_over *o = &u->core->over;
    saint_ui_action list[UI_ACTION_COUNT];
    char key[UI_ACTION_COUNT][UI_KEY_TEXT];
    ui_action_list(u, false, list, key);
    saint_ui_pen in = saint_ui_overlay(whole, 96, 20, "what to do", "Enter do it  Esc close");
    saint_ui_palette_draw(in, list, o->match, o->n_match, &o->line, o->at, HIT_CHOICE);
}

/* ---- the ":" row ---- */

static void remember(ui_over *o, const char *text)
{
    if (!*text || (o->n_past && !strcmp(o->past[o->n_past - 1], text))) return;
    char *copy = malloc(strlen(text) + 1);
    if (!copy) return;
    strcpy(copy, text);
    if (o->n_past == UI_HISTORY_LINES) {
        free(o->past[0]);
        memmove(o->past, o->past + 1, (UI_HISTORY_LINES - 1) * sizeof *o->past);
        o->n_past--;
    }
    o->past[o->n_past++] = copy;
}

static void recall(ui_over *o, int by)
{
    if (o->past_at == o->n_past) o->typed = o->line;
    int at = o->past_at + by;
    if (at < 0 || at > o->n_past) return;
    o->past_at = at;
    if (at == o->n_past) o->line = o->typed;
    else saint_ui_line_set(&o->line, o->past[at]);
}

/* What all candidates have in common is typed first; false: nothing more than stands there. */
static bool complete_common(ui *u)
{
    ui_over *o = &u->core->over;
    char text[SAINT_UI_LINE_MOST];
    if (o->n_fits < 2 || o->done_at >= 0 || o->n_common <= (int)strlen(o->line.text + o->done_from)) return false;
    snprintf(text, sizeof text, "%.*s%.*s", o->done_from, o->line.text, o->n_common, o->done[0]);
    saint_ui_line_set(&o->line, text);
    ui_complete(u, o);
    return true;
}

/* The next candidate takes the place of the word; typing goes on behind it. */
static void complete(ui *u, int by)
{
    ui_over *o = &u->core->over;
    if (!o->n_done) return;
    o->done_at = o->done_at < 0 ? (by > 0 ? 0 : o->n_done - 1) : (o->done_at + by + o->n_done) % o->n_done;
    char text[SAINT_UI_LINE_MOST];
    snprintf(text, sizeof text, "%.*s%s", o->done_from, o->line.text, o->done[o->done_at]);
    int from = o->done_from, at = o->done_at, only = o->n_done == 1;
    saint_ui_line_set(&o->line, text);
    if (only) ui_complete(u, o); /* nothing to choose: the next word's turn */
    else o->done_from = from, o->done_at = at;
}

static void enter(ui *u)
{
    ui_over *o = &u->core->over;
    char command[SAINT_UI_LINE_MOST];
    const char *p = o->line.text;
    while (*p == ' ' || *p == ':') p++;
    snprintf(command, sizeof command, "%s", p);
    size_t n = strlen(command);
    while (n && command[n - 1] == ' ') command[--n] = 0;
    remember(o, command);
    ui_over_close(u);
    if (*command) ui_do(u, command);
}

/* Ctrl-U takes what stands behind the name first: where "i" or "o" began the row, that is all the user sees as theirs. */
static bool clear_words(saint_ui_line *l, const saint_ui_event *e)
{
    int from = (int)strcspn(l->text, " ");
    if (e->kind != SAINT_UI_PRESS || e->key != SAINT_UI_KEY_CHAR || e->ch != 'u' || e->mods != SAINT_UI_CTRL || !l->text[from] || l->cursor <= from + 1) return false;
    memmove(l->text + from + 1, l->text + l->cursor, strlen(l->text + l->cursor) + 1);
    l->cursor = from + 1;
    return true;
}

static void command_key(ui *u, const saint_ui_event *e)
{
    ui_over *o = &u->core->over;
    bool press = e->kind == SAINT_UI_PRESS;
    if (press && (e->key == SAINT_UI_KEY_ESCAPE || (e->key == SAINT_UI_KEY_BACKSPACE && !o->line.text[0]))) ui_over_close(u);
    else if (press && e->key == SAINT_UI_KEY_ENTER) enter(u);
    else if (press && e->key == SAINT_UI_KEY_TAB) {
        if (!complete_common(u)) complete(u, 1);
    }
    else if (press && e->key == SAINT_UI_KEY_BACK_TAB) complete(u, -1);
    else if (press && (e->key == SAINT_UI_KEY_UP || e->key == SAINT_UI_KEY_DOWN)) {
        recall(o, e->key == SAINT_UI_KEY_UP ? -1 : 1);
        ui_complete(u, o);
    } else if (clear_words(&o->line, e) || saint_ui_line_key(&o->line, e)) ui_complete(u, o);
}

/* The row itself over the message row, candidates above it. */
static void command_draw(ui *u, saint_ui_pen whole)
{
    ui_over *o = &u->core->over;
    saint_ui_rect row = saint_ui_layout_find(&u->layout, SAINT_UI_PANE_MESSAGE);
    if (!row.w) row = (saint_ui_rect){0, whole.area.h - 1, whole.area.w, 1};
    saint_ui_pen p = saint_ui_pen_at(whole, row);
    saint_ui_clear(p, SAINT_UI_INPUT);
    saint_ui_text(p, 0, 0, -1, SAINT_UI_ACCENT, ":");
    saint_ui_line_draw(saint_ui_pen_part(p, 1, 0, row.w - 1, 1), &o->line, true, false);
    int n = o->n_done < 8 ? o->n_done : 8;
    if (n > row.y - 2) n = row.y - 2 > 0 ? row.y - 2 : 0;
    if (!n) return;
    int top = o->done_at >= n ? o->done_at - n + 1 : 0, more = o->n_fits > n;
    int w = 24;
    for (int i = 0; i < o->n_done; i++) {
        const ui_action *a = o->done_from == 0 ? ui_action_find(o->done[i], strcspn(o->done[i], " ")) : NULL;
        int need = saint_ui_text_width(o->done[i]) + (a ? 22 + saint_ui_text_width(a->doc) - saint_ui_text_width(o->done[i]) : 0) + 2;
        if (need > w) w = need;
    }
    int x = 1 + o->done_from < row.w - w ? 1 + o->done_from : row.w - w;
    if (x < 0) x = 0;
    if (w > row.w) w = row.w;
    saint_ui_pen box = saint_ui_pen_at(whole, (saint_ui_rect){x, row.y - n - more, w, n + more});
    if (more) {
        saint_ui_hline(box, 0, n, w, ' ', SAINT_UI_SELECT_SOFT);
        saint_ui_textf(box, 1, n, w - 2, SAINT_UI_SELECT_SOFT, "%d to %d of %d", top + 1, top + n, o->n_fits);
    }
    for (int i = 0; i < n; i++) {
        int at = top + i;
        saint_ui_role role = at == o->done_at ? SAINT_UI_SELECT : SAINT_UI_SELECT_SOFT;
        saint_ui_hline(box, 0, i, w, ' ', role);
        saint_ui_text(box, 1, i, w - 2, role, o->done[at]);
        const ui_action *a = o->done_from == 0 ? ui_action_find(o->done[at], strcspn(o->done[at], " ")) : NULL;
        if (a) saint_ui_text(box, 21, i, w - 22, role, a->doc);
        saint_ui_hit_add(box, 0, i, w, 1, HIT_CHOICE, at);
    }
}

/* ---- a question ---- */

static void answer(ui *u, bool yes)
{
    char command[sizeof u->core->over.command];
    snprintf(command, sizeof command, "%s", u->core->over.command);
    ui_over_close(u);
    if (yes) ui_do(u, command);
}

static void ask_draw(ui *u, saint_ui_pen whole)
{
    ui_over *o = &u->core->over;
    int w = 60, lines = saint_ui_wrap_count(o->question, w - 4);
    saint_ui_pen in = saint_ui_overlay(whole, w, lines + 5, "please say", NULL);
    int n = saint_ui_paragraph(in, 1, 0, in.area.w - 2, in.area.h - 2, 0, SAINT_UI_TEXT, o->question);
    int x = 1 + saint_ui_text(in, 1, n + 1, -1, SAINT_UI_KEY, "y"), from = 1;
    x += saint_ui_text(in, x, n + 1, -1, SAINT_UI_KEY_TEXT, " yes") + 3;
    saint_ui_hit_add(in, from, n + 1, x - 3 - from, 1, HIT_YES, 0);
    from = x;
    x += saint_ui_text(in, x, n + 1, -1, SAINT_UI_KEY, "n");
    x += saint_ui_text(in, x, n + 1, -1, SAINT_UI_KEY_TEXT, " no");
    saint_ui_hit_add(in, from, n + 1, x - from, 1, HIT_NO, 0);
}

/* ---- all of them ---- */

static void mouse(ui *u, const saint_ui_event *e)
{
    ui_over *o = &u->core->over;
    const saint_ui_hit *hit = saint_ui_hit_at(&u->hits, e->x, e->y);
    int wheel = e->mouse == SAINT_UI_MOUSE_WHEEL_UP ? -1 : e->mouse == SAINT_UI_MOUSE_WHEEL_DOWN ? 1 : 0;
    if (wheel && o->kind == UI_OVER_HELP) o->top += 3 * wheel;
    else if (wheel && o->kind == UI_OVER_PALETTE) {
        o->at += wheel;
        if (o->at >= o->n_match) o->at = o->n_match - 1;
        if (o->at < 0) o->at = 0;
    }
    if (e->mouse != SAINT_UI_MOUSE_DOWN) return;
    if (hit && hit->what == HIT_CHOICE && o->kind == UI_OVER_PALETTE) choose(u, hit->value);
    else if (hit && hit->what == HIT_CHOICE && o->kind == UI_OVER_COMMAND) {
        o->done_at = hit->value - 1;
        complete(u, 1);
    } else if (hit && hit->what == HIT_HELP) {
        ui_over_close(u);
        ui_do(u, ui_action_at(hit->value)->name);
    } else if (hit && hit->what == HIT_YES) answer(u, true);
    else if (hit && hit->what == HIT_NO) answer(u, false);
    else if (o->kind != UI_OVER_ASK && (!hit || hit->what < UI_HIT_CORE)) ui_over_close(u); /* a click beside it */
}

void ui_over_event(ui *u, const saint_ui_event *e)
{
    if (e->kind == SAINT_UI_MOUSE) {
        if (u->mouse) mouse(u, e);
        return;
    }
    switch (u->core->over.kind) {
    case UI_OVER_HELP: help_key(u, e); break;
    case UI_OVER_PALETTE: palette_key(u, e); break;
    case UI_OVER_COMMAND: command_key(u, e); break;
    case UI_OVER_ASK:
        if (plain(e, 'y') || e->key == SAINT_UI_KEY_ENTER) answer(u, true);
        else if (plain(e, 'n') || e->key == SAINT_UI_KEY_ESCAPE) answer(u, false);
        break;
    default: break;
    }
}

void ui_over_draw(ui *u, saint_ui_pen whole)
{
    switch (u->core->over.kind) {
    case UI_OVER_HELP: help_draw(u, whole); break;
    case UI_OVER_PALETTE: palette_draw(u, whole); break;
    case UI_OVER_COMMAND: command_draw(u, whole); break;
    case UI_OVER_ASK: ask_draw(u, whole); break;
    default: break;
    }
}

void ui_do_help(ui *u, const char *argument) { ui_over_open(u, UI_OVER_HELP, argument); }
void ui_do_palette(ui *u, const char *argument) { ui_over_open(u, UI_OVER_PALETTE, argument); }
void ui_do_command(ui *u, const char *argument) { ui_over_open(u, UI_OVER_COMMAND, argument); }
