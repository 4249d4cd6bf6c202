/* Scripts: lines of commands as typed behind ":", and a few words of their own.
 *
 *   size 120x36             the canvas (the terminal's own size is kept when it shows one)
 *   key , , <               keys by their names, separated by spaces
 *   type 384                text, letter by letter, as typed
 *   mouse press 10 5        press, drag, release, click, wheel-up, wheel-down at a cell; a second number pair drags there
 *   wait idle | wait 0.5    until nothing runs, loads or is due; seconds of the screen's clock
 *   expect "TEXT" [at X Y]  TEXT stands on the screen (beginning at that cell); waits for idleness first
 *   expect-not "TEXT"
 *   screen FILE             what is shown, as text, or as a picture when FILE ends in .png
 *   expect-exit 0           the program has been told to quit, with this status
 *   # remark
 *
 * Anything else is a command; one that is refused or fails ends the script. */
#define _GNU_SOURCE
#include "ui/loop/core.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/loop/script.h"
#include "views/picture.h"

struct ui_script {
    char *path, *text, *next;
    int line;
    ui_script_line now;
    bool waiting;    /* `now` is to be performed when the program is idle */
    double until;    /* `wait SECONDS` */
    double patience; /* real time at which waiting is given up */
    bool ended;
};

/* ---- reading ---- */

enum { SCRIPT_MOST = 1 << 20, PATIENCE_SECONDS = 300 };

static const char *word_of(const char **p, char *out, size_t size)
{
    while (**p == ' ' || **p == '\t') ++*p;
    size_t n = strcspn(*p, " \t");
    snprintf(out, size, "%.*s", (int)(n < size ? n : size - 1), *p);
    *p += n;
    while (**p == ' ' || **p == '\t') ++*p;
    return out;
}

/* A whole number of at most six digits. */
static bool number(const char *text, int *out)
{
    size_t n = strlen(text);
    if (!n || n > 6 || strspn(text, "0123456789") != n) return false;
    *out = atoi(text);
    return true;
}

/* "TEXT" with \" and \\ inside. */
static bool quoted(const char **p, char *out, size_t size)
{
    size_t n = 0;
    if (*(*p)++ != '"') return false;
    for (; **p && **p != '"'; ++*p) {
        if (**p == '\\' && (*p)[1]) ++*p;
        if (n + 1 >= size) return false;
        out[n++] = **p;
    }
    out[n] = 0;
    if (**p != '"') return false;
    ++*p;
    while (**p == ' ' || **p == '\t') ++*p;
    return true;
}

static bool mouse_kind(const char *word, ui_script_line *out)
{
    static const char *const names[] = {"press", "drag", "release", "wheel-up", "wheel-down", "click"};
    for (int i = 0; i < 6; i++)
        if (!strcmp(word, names[i])) return out->mouse = i, true;
    return false;
}

static saint_status parse_mouse(const char *p, ui_script_line *out, saint_error *err)
{
    char word[64];
    int *to[4] = {&out->x, &out->y, &out->x2, &out->y2}, n = 0;
    bool ok = mouse_kind(word_of(&p, word, sizeof word), out);
    while (ok && *p && n < 4) ok = number(word_of(&p, word, sizeof word), to[n++]);
    out->drag = n == 4;
    if (ok && !*p && (n == 2 || (n == 4 && out->mouse == SAINT_UI_MOUSE_DOWN))) return SAINT_OK;
    return saint_fail(err, SAINT_FORMAT, "mouse: expected press, drag, release, click, wheel-up or wheel-down and a column and a row");
}

static saint_status parse_expect(const char *p, ui_script_line *out, saint_error *err)
{
    char word[64];
    out->x = out->y = -1;
    if (!quoted(&p, out->text, sizeof out->text) || !out->text[0]) return saint_fail(err, SAINT_FORMAT, "%s: expected text in double quotes", out->kind == UI_SCRIPT_EXPECT ? "expect" : "expect-not");
    if (!*p) return SAINT_OK;
    bool ok = !strcmp(word_of(&p, word, sizeof word), "at") && number(word_of(&p, word, sizeof word), &out->x) &&
              number(word_of(&p, word, sizeof word), &out->y) && !*p;
    return ok ? SAINT_OK : saint_fail(err, SAINT_FORMAT, "expect: expected nothing or `at COLUMN ROW` behind the text");
}

static saint_status parse_keys(const char *p, ui_script_line *out, saint_error *err)
{
    char word[64];
    const char *all = p;
    saint_ui_event e;
    if (!*p) return saint_fail(err, SAINT_FORMAT, "key: expected the names of keys, such as `key Tab , Ctrl-P`");
    while (*p)
        if (!saint_ui_key_parse(word_of(&p, word, sizeof word), &e)) return saint_fail(err, SAINT_FORMAT, "key %s: no key of that name", word);
    snprintf(out->text, sizeof out->text, "%s", all);
    return SAINT_OK;
}

static saint_status parse_wait(const char *p, ui_script_line *out, saint_error *err)
{
    char *end;
    out->seconds = -1;
    if (!strcmp(p, "idle")) return SAINT_OK;
    double v = strtod(p, &end);
    if (end == p || *end || !(v >= 0) || v > 3600) return saint_fail(err, SAINT_FORMAT, "wait: expected `idle` or 0 to 3600 seconds");
    out->seconds = v;
    return SAINT_OK;
}

saint_status ui_script_parse(const char *line, ui_script_line *out, saint_error *err)
{
    static const struct {
        const char *word;
        ui_script_kind kind;
    } words[] = {{"size", UI_SCRIPT_SIZE},     {"key", UI_SCRIPT_KEY},       {"type", UI_SCRIPT_TYPE},
                 {"mouse", UI_SCRIPT_MOUSE},   {"wait", UI_SCRIPT_WAIT},     {"expect", UI_SCRIPT_EXPECT},
                 {"screen", UI_SCRIPT_SCREEN}, {"expect-not", UI_SCRIPT_EXPECT_NOT}, {"expect-exit", UI_SCRIPT_EXPECT_EXIT}};
    char word[64];
    const char *p = line;
    memset(out, 0, sizeof *out);
    word_of(&p, word, sizeof word);
    if (!word[0] || word[0] == '#') return SAINT_OK;
    out->kind = UI_SCRIPT_COMMAND;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(word, words[i].word)) out->kind = words[i].kind;
    const char *rest = out->kind == UI_SCRIPT_COMMAND ? line + strspn(line, " \t:") : p;
    if (strlen(rest) >= sizeof out->text) return saint_fail(err, SAINT_FORMAT, "%s: longer than %zu bytes", word, sizeof out->text - 1);
    switch (out->kind) {
    case UI_SCRIPT_MOUSE:
        /* `mouse on` and `mouse off` are the action */
        if (strcmp(p, "on") && strcmp(p, "off") && *p) return parse_mouse(p, out, err);
        out->kind = UI_SCRIPT_COMMAND;
        rest = line + strspn(line, " \t:");
        break;
    case UI_SCRIPT_EXPECT:
    case UI_SCRIPT_EXPECT_NOT: return parse_expect(p, out, err);
    case UI_SCRIPT_KEY: return parse_keys(p, out, err);
    case UI_SCRIPT_WAIT: return parse_wait(p, out, err);
    case UI_SCRIPT_SIZE:
        if (sscanf(p, "%5dx%5d%63s", &out->x, &out->y, word) == 2 && out->x > 0 && out->y > 0 && out->x <= SAINT_UI_CANVAS_MOST && out->y <= SAINT_UI_CANVAS_MOST)
            return SAINT_OK;
        return saint_fail(err, SAINT_FORMAT, "size %s: expected COLUMNSxROWS, such as 120x36", p);
    case UI_SCRIPT_EXPECT_EXIT:
        return number(p, &out->x) && out->x < 256 ? SAINT_OK : saint_fail(err, SAINT_FORMAT, "expect-exit %s: expected a status from 0 to 255", p);
    case UI_SCRIPT_SCREEN:
        if (!*p) return saint_fail(err, SAINT_FORMAT, "screen: expected a file");
        break;
    default: break;
    }
    snprintf(out->text, sizeof out->text, "%s", rest);
    return SAINT_OK;
}

/* Cut the next line off; false at the end. */
static bool next_line(ui_script *s, char **line)
{
    if (!*s->next) return false;
    *line = s->next;
    s->next += strcspn(s->next, "\n");
    if (*s->next) *s->next++ = 0;
    size_t n = strlen(*line);
    while (n && isspace((unsigned char)(*line)[n - 1])) (*line)[--n] = 0;
    s->line++;
    return true;
}

saint_status ui_script_load(const char *path, ui_script **out, saint_error *err)
{
    ui_script *s = calloc(1, sizeof *s);
    size_t n = 0;
    char *line;
    ui_script_line parsed;
    saint_status st = s && (s->path = strdup(path)) ? saint_file_read(path, SCRIPT_MOST, &s->text, &n, err) : saint_fail(err, SAINT_MEMORY, "%s: no memory", path);
    if (st == SAINT_OK && strlen(s->text) != n) st = saint_fail(err, SAINT_FORMAT, "%s: expected lines of text, found a zero byte", path);
    /* Everything is read once before anything happens: a slip in the last line is not found out after minutes. */
    char *copy = st == SAINT_OK ? strdup(s->text) : NULL;
    if (st == SAINT_OK && !copy) st = saint_fail(err, SAINT_MEMORY, "%s: no memory", path);
    for (char *text = s ? s->next = copy : NULL; st == SAINT_OK && text && next_line(s, &line);) {
        saint_error e = {0};
        st = ui_script_parse(line, &parsed, &e);
        if (st != SAINT_OK) saint_fail(err, st, "%s:%d: %s", path, s->line, e.text);
    }
    free(copy);
    if (st != SAINT_OK) {
        ui_script_close(s);
        return st;
    }
    s->next = s->text;
    s->line = 0;
    *out = s;
    return SAINT_OK;
}

void ui_script_close(ui_script *s)
{
    if (!s) return;
    free(s->path);
    free(s->text);
    free(s);
}

/* ---- performing ---- */

/* The cells as UTF-8, row by row, for looking things up in. */
static bool row_has(const saint_ui_canvas *c, int y, int from, bool only_there, const char *text)
{
    char row[4 * SAINT_UI_CANVAS_MOST + 1];
    size_t n = 0;
    for (int x = from; x < c->w; x++) {
        const saint_ui_cell *cell = saint_ui_canvas_at(c, x, y);
        if (cell->width) n += (size_t)saint_ui_utf8_put(cell->ch, row + n);
    }
    row[n] = 0;
    return only_there ? !strncmp(row, text, strlen(text)) : strstr(row, text) != NULL;
}

static bool on_screen(const ui *u, const ui_script_line *l)
{
    if (l->x >= 0) return l->x < u->canvas.w && l->y < u->canvas.h && row_has(&u->canvas, l->y, l->x, true, l->text);
    for (int y = 0; y < u->canvas.h; y++)
        if (row_has(&u->canvas, y, 0, false, l->text)) return true;
    return false;
}

/* Ends the program with status 1; with the screen, when that is what did not fit. */
static void fail(ui *u, bool screen, const char *format, ...)
{
    ui_script *s = u->core->script;
    char text[1024], *dump = screen ? saint_ui_canvas_dump(&u->canvas, false) : NULL, *all = NULL;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (asprintf(&all, "%s:%d: %s%s%s", s->path, s->line, text, dump ? "; the screen:\n" : "", dump ? dump : "") < 0) all = NULL;
    free(dump);
    free(u->core->last_words);
    u->core->last_words = all;
    s->ended = true;
    u->quit = true;
    u->exit_status = 1;
}

static void save_screen(ui *u, const char *path)
{
    saint_error e = {0};
    saint_status st;
    size_t n = strlen(path);
    if (n > 4 && !strcmp(path + n - 4, ".png")) {
        saint_image im = {0};
        const uint8_t *g = u->theme.ground, *i = u->theme.ink;
        st = saint_ui_picture(&u->canvas, (uint32_t)(g[0] << 16 | g[1] << 8 | g[2]), (uint32_t)(i[0] << 16 | i[1] << 8 | i[2]), &im, &e);
        if (st == SAINT_OK) st = saint_image_write_png(&im, path, &e);
        saint_image_free(&im);
    } else {
        char *text = saint_ui_canvas_dump(&u->canvas, false);
        st = text ? saint_file_write(path, text, strlen(text), &e) : saint_fail(&e, SAINT_MEMORY, "%s: no memory", path);
        free(text);
    }
    if (st != SAINT_OK) fail(u, false, "screen: %s", e.text);
}

static void click(ui *u, saint_ui_mouse kind, int x, int y)
{
    ui_event(u, &(saint_ui_event){.kind = SAINT_UI_MOUSE, .mouse = kind, .button = kind > SAINT_UI_MOUSE_UP ? 0 : 1, .x = x, .y = y});
    ui_frame(u);
}

static void play_mouse(ui *u, const ui_script_line *l)
{
    if (l->mouse < 5) click(u, (saint_ui_mouse)l->mouse, l->x, l->y);
    else {
        click(u, SAINT_UI_MOUSE_DOWN, l->x, l->y);
        click(u, SAINT_UI_MOUSE_UP, l->x, l->y);
    }
    if (!l->drag) return;
    click(u, SAINT_UI_MOUSE_DRAG, l->x2, l->y2);
    click(u, SAINT_UI_MOUSE_UP, l->x2, l->y2);
}

static void play_keys(ui *u, const char *keys)
{
    char word[64];
    while (*keys && !u->quit) {
        saint_ui_event e;
        if (!saint_ui_key_parse(word_of(&keys, word, sizeof word), &e)) continue;
        ui_event(u, &e);
        ui_frame(u);
    }
}

static void play_text(ui *u, const char *text)
{
    for (uint32_t ch; (ch = saint_ui_utf8_next(&text)) && !u->quit;) {
        saint_ui_event e = {.kind = SAINT_UI_PRESS, .key = SAINT_UI_KEY_CHAR, .ch = ch};
        if (ch == '\\' && *text == 'n') text++, e = (saint_ui_event){.kind = SAINT_UI_PRESS, .key = SAINT_UI_KEY_ENTER};
        ui_event(u, &e);
        ui_frame(u);
    }
}

static void play(ui *u, const ui_script_line *l)
{
    switch (l->kind) {
    case UI_SCRIPT_COMMAND:
        if (!ui_do(u, l->text)) fail(u, false, "%s", u->message);
        break;
    case UI_SCRIPT_SIZE:
        if (ui_front_headless(u->core->front)) ui_front_resize(u->core->front, l->x, l->y);
        ui_redraw(u);
        break;
    case UI_SCRIPT_KEY: play_keys(u, l->text); break;
    case UI_SCRIPT_TYPE: play_text(u, l->text); break;
    case UI_SCRIPT_MOUSE: play_mouse(u, l); break;
    case UI_SCRIPT_SCREEN: save_screen(u, l->text); break;
    case UI_SCRIPT_EXPECT:
        if (!on_screen(u, l)) fail(u, true, "expected \"%s\"", l->text);
        break;
    case UI_SCRIPT_EXPECT_NOT:
        if (on_screen(u, l)) fail(u, true, "expected no \"%s\"", l->text);
        break;
    case UI_SCRIPT_EXPECT_EXIT:
        if (!u->quit) fail(u, true, "expected the program to have quit");
        else if (u->exit_status != l->x) fail(u, false, "expected exit status %d, found %d", l->x, u->exit_status);
        break;
    default: break;
    }
}

static bool needs_idle(const ui_script_line *l)
{
    return l->kind == UI_SCRIPT_WAIT || l->kind == UI_SCRIPT_EXPECT || l->kind == UI_SCRIPT_EXPECT_NOT || l->kind == UI_SCRIPT_SCREEN;
}

/* One timer further, or to the end of `wait SECONDS`. false: the time has come. */
static bool turn_clock(ui *u, ui_script *s)
{
    double due = ui_next_due(u);
    bool timed = s->now.seconds > 0 && s->now.kind == UI_SCRIPT_WAIT;
    if (timed && !(s->until > 0)) s->until = ui_now(u) + s->now.seconds;
    if (u->core->frozen) {
        if (!isfinite(due) || (timed && due > s->until)) {
            if (timed) u->core->clock = s->until;
            return false;
        }
        if (due > u->core->clock) u->core->clock = due;
        ui_tick(u);
        return true;
    }
    return timed ? ui_now(u) < s->until : isfinite(due);
}

bool ui_script_waits(const ui_script *s) { return s && !s->ended && s->waiting; }

bool ui_script_step(ui *u)
{
    ui_script *s = u->core->script;
    char *line;
    while (s && !s->ended) {
        if (u->core->dirty) ui_frame(u);
        if (s->waiting) {
            if (!ui_idle(u) || turn_clock(u, s)) {
                if (saint_now() > s->patience) fail(u, true, "not idle after %d seconds", (int)PATIENCE_SECONDS);
                return !s->ended;
            }
            s->waiting = false;
            s->until = 0;
            if (u->core->dirty) ui_frame(u);
            play(u, &s->now);
            continue;
        }
        if (!next_line(s, &line)) {
            s->ended = true;
            break;
        }
        if (ui_script_parse(line, &s->now, NULL) != SAINT_OK) continue; /* looked at when it was loaded */
        if (u->quit && s->now.kind != UI_SCRIPT_EXPECT_EXIT && s->now.kind != UI_SCRIPT_NOTHING) {
            fail(u, false, "the program has quit already");
            break;
        }
        s->waiting = needs_idle(&s->now);
        s->patience = saint_now() + PATIENCE_SECONDS;
        if (!s->waiting) play(u, &s->now);
    }
    return false;
}

/* ---- recording ---- */

void ui_record(ui *u, const char *format, ...)
{
    FILE *f = u->core->record;
    if (!f || u->core->record_failed || u->core->depth || u->core->over.kind != UI_OVER_NONE) return;
    if (u->core->was_idle && !u->core->recorded_wait) fputs("wait idle\n", f);
    u->core->recorded_wait = false;
    if (u->core->record_w != u->canvas.w || u->core->record_h != u->canvas.h) {
        fprintf(f, "size %dx%d\n", u->canvas.w, u->canvas.h);
        u->core->record_w = u->canvas.w;
        u->core->record_h = u->canvas.h;
    }
    va_list args;
    va_start(args, format);
    vfprintf(f, format, args);
    va_end(args);
    fputc('\n', f);
    if (fflush(f) == 0 && !ferror(f)) return; /* a line at a time: what led to a crash is worth most */
    u->core->record_failed = errno ? errno : EIO;
    ui_say(u, SAINT_UI_SAY_BAD, "%s: the recording ends here: %s", u->core->opt->record, strerror(u->core->record_failed));
}
