/* Messages: the last one in its row, all of them on the Log page. */
#define _GNU_SOURCE
#include "ui/loop/core.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ui/panes.h"

enum { LINES = 2000 };

typedef struct {
    double at; /* seconds since the start */
    saint_ui_say say;
    char *source, *text;
} line;

struct ui_log {
    line line[LINES]; /* ring */
    int first, n;
    int top;     /* lines scrolled back from the newest, in rows of the pane */
    int rows;    /* of the pane at the last drawing */
    int wrapped; /* all rows that the lines take at this width */
};

ui_log *ui_log_open(void) { return calloc(1, sizeof(ui_log)); }

static void forget(line *l)
{
    free(l->source);
    free(l->text);
    *l = (line){0};
}

void ui_log_close(ui_log *l)
{
    for (int i = 0; l && i < l->n; i++) forget(&l->line[(l->first + i) % LINES]);
    free(l);
}

void ui_log_add(ui *u, saint_ui_say say, const char *source, const char *text)
{
    ui_log *l = u->log;
    if (!l) return;
    char *copy = strdup(text), *from = source ? strdup(source) : NULL;
    if (!copy) {
        free(from);
        return;
    }
    if (l->n == LINES) {
        forget(&l->line[l->first]);
        l->first = (l->first + 1) % LINES;
        l->n--;
    }
    l->line[(l->first + l->n++) % LINES] = (line){ui_now(u) - u->core->start, say, from, copy};
    if (l->top) l->top++; /* who reads old lines keeps them under the eyes */
    if (u->page == SAINT_UI_PAGE_LOG) ui_redraw(u);
}

static const double READ_SECONDS = 5;

/* What came by itself before it is old now. */
static void show(ui *u, saint_ui_say say, const char *text, bool unread)
{
    ui_core *c = u->core;
    snprintf(u->message, sizeof u->message, "%s", text);
    u->say = say;
    c->unread = unread;
    c->said = ui_now(u);
    c->report_say = SAINT_UI_SAY_NOTHING;
    ui_redraw(u);
}

void ui_say(ui *u, saint_ui_say say, const char *format, ...)
{
    char text[sizeof u->message];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (say == SAINT_UI_SAY_BAD) u->core->failed = true;
    ui_log_add(u, say, NULL, text);
    if (u->say == SAINT_UI_SAY_BAD && say < SAINT_UI_SAY_WARN && !u->core->depth) return; /* an error stays until the next key */
    show(u, say, text, true);
}

void ui_say_hint(ui *u, const char *format, ...)
{
    char text[sizeof u->message];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    show(u, SAINT_UI_SAY_INFO, text, false);
}

void ui_report(ui *u, saint_ui_say say, const char *format, ...)
{
    ui_core *c = u->core;
    va_list args;
    va_start(args, format);
    vsnprintf(c->report, sizeof c->report, format, args);
    va_end(args);
    ui_log_add(u, say, NULL, c->report);
    c->report_say = say;
    if (!c->unread && u->say < SAINT_UI_SAY_WARN) u->say = SAINT_UI_SAY_NOTHING;
    ui_redraw(u);
}

void ui_say_read(ui *u)
{
    u->core->unread = false;
    if (u->core->report_say != SAINT_UI_SAY_NOTHING && u->say < SAINT_UI_SAY_WARN) u->say = SAINT_UI_SAY_NOTHING;
}

void ui_say_row(const ui *u, saint_ui_message *in)
{
    const ui_core *c = u->core;
    bool first = u->say >= SAINT_UI_SAY_WARN || c->unread;
    saint_ui_said message = {u->say, u->say == SAINT_UI_SAY_NOTHING ? NULL : u->message},
                  report = {c->report_say, c->report_say == SAINT_UI_SAY_NOTHING ? NULL : c->report};
    in->say = message;
    in->more = report;
    in->more_first = !first;
}

/* One timer, and only while a report waits behind something unread. */
static bool waits(const ui *u)
{
    const ui_core *c = u->core;
    return c->unread && c->report_say != SAINT_UI_SAY_NOTHING && u->say != SAINT_UI_SAY_NOTHING && u->say < SAINT_UI_SAY_WARN && !c->frozen;
}

static double due(const ui *u) { return waits(u) ? u->core->said + READ_SECONDS : INFINITY; }

static void tick(ui *u)
{
    u->core->unread = false; /* both stay where there is room for both */
    ui_redraw(u);
}

const ui_module ui_module_log = {.name = "log", .due = due, .tick = tick};

/* ---- the page ---- */

static const saint_ui_role roles[] = {SAINT_UI_MUTED, SAINT_UI_TEXT, SAINT_UI_GOOD, SAINT_UI_WARN, SAINT_UI_BAD};

enum { TIME_COLUMNS = 10 };

static int text_rows(const line *l, int w)
{
    int n = saint_ui_wrap_count(l->text, w);
    return n > 0 ? n : 1;
}

static void put_line(saint_ui_pen p, int y, const line *l, int w)
{
    char when[24];
    int seconds = (int)l->at;
    snprintf(when, sizeof when, "%3d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if (y >= 0) saint_ui_text(p, 0, y, TIME_COLUMNS, SAINT_UI_FAINT, when);
    int skip = y < 0 ? -y : 0, rows = text_rows(l, w);
    saint_ui_paragraph(p, TIME_COLUMNS, y + skip, w, rows - skip, skip, roles[l->say], l->text);
}

static void draw(ui *u, saint_ui_pen p)
{
    ui_log *l = u->log;
    char note[64];
    snprintf(note, sizeof note, "%d lines%s", l->n, l->top ? ", End: newest" : "");
    saint_ui_pen in = saint_ui_pane_draw(
        p, &(saint_ui_pane){.title = saint_ui_pane_title(SAINT_UI_PANE_LOG), .detail = "since the start", .note = note, .focus = u->focus == SAINT_UI_PANE_LOG});
    in = saint_ui_pen_part(in, 1, 0, in.area.w - 2, in.area.h);
    int w = in.area.w - TIME_COLUMNS > 8 ? in.area.w - TIME_COLUMNS : 8, all = 0;
    for (int i = 0; i < l->n; i++) all += text_rows(&l->line[(l->first + i) % LINES], w);
    l->rows = in.area.h;
    l->wrapped = all;
    if (l->top > all - in.area.h) l->top = all - in.area.h;
    if (l->top < 0) l->top = 0;
    int y = all > in.area.h ? in.area.h - all + l->top : 0;
    for (int i = 0; i < l->n && y < in.area.h; i++) {
        const line *at = &l->line[(l->first + i) % LINES];
        int rows = text_rows(at, w);
        if (y + rows > 0) put_line(in, y, at, w);
        y += rows;
    }
}

static bool event(ui *u, const saint_ui_event *e, const saint_ui_hit *hit)
{
    ui_log *l = u->log;
    (void)hit;
    int by = 0;
    if (e->kind == SAINT_UI_MOUSE) by = e->mouse == SAINT_UI_MOUSE_WHEEL_UP ? 3 : e->mouse == SAINT_UI_MOUSE_WHEEL_DOWN ? -3 : 0;
    else if (e->kind == SAINT_UI_PRESS) switch (e->key) {
        case SAINT_UI_KEY_UP: by = 1; break;
        case SAINT_UI_KEY_DOWN: by = -1; break;
        case SAINT_UI_KEY_PAGE_UP: by = l->rows; break;
        case SAINT_UI_KEY_PAGE_DOWN: by = -l->rows; break;
        case SAINT_UI_KEY_HOME: by = l->wrapped; break;
        case SAINT_UI_KEY_END: by = -l->wrapped; break;
        default: break;
        }
    if (!by) return false;
    l->top += by;
    if (l->top > l->wrapped - l->rows) l->top = l->wrapped - l->rows;
    if (l->top < 0) l->top = 0;
    return true;
}

const ui_pane ui_pane_log = {.draw = draw, .event = event};
