#define _GNU_SOURCE
#define NCURSES_WIDECHAR 1
#include "views/screen.h"

#include <curses.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "direct_terminfo.h"
#include "engine.h"
#include "views/screen_pairs.h"
#include "views/screen_restore.h"
#include "views/text.h"

enum {
    KEY_PASTE_BEGIN = KEY_MAX + 1,
    KEY_PASTE_END,
    KEY_MOUSE_DIGITS,
    KEY_CTRL_LEFT,
    KEY_CTRL_RIGHT,
    KEY_CTRL_UP,
    KEY_CTRL_DOWN,
    KEY_SHIFT_UP,
    KEY_SHIFT_DOWN
};

struct saint_ui_screen {
    SCREEN *curses;
    saint_ui_pairs pairs;
    saint_ui_tier tier;
    saint_ui_glyphs glyphs;
    bool line_drawing, mouse, marks, pasting, xterm, dragging;
    int cursor_x, cursor_y;
    struct termios before;
    double asked;     /* when the ground was asked for, 0 = not, or answered */
    bool in_answer;   /* between ESC ] and its end */
    bool in_mouse;    /* between ESC [ < and its end, where ncurses does not read that form */
    char answer[48];
    size_t n_answer;
};
static const double answer_seconds = 5; /* later Alt-] is a key again */

static bool starts_with(const char *s, const char *prefix) { return s && !strncmp(s, prefix, strlen(prefix)); }

/* Terminals that send xterm's key codes, so that one description with 24-bit colours serves them all. Not screen: it has no 24-bit colours
 * before version 5 and says so nowhere. */
static bool like_xterm(const char *term)
{
    static const char *const names[] = {"xterm", "tmux", "alacritty", "foot",    "kitty", "konsole", "wezterm",
                                        "vte",   "st-",  "contour",   "ghostty", "gnome", "iterm",   "mintty"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (starts_with(term, names[i])) return true;
    return false;
}

static SCREEN *open_direct(const char *before)
{
    if (!direct_terminfo[0]) return NULL;
    /* ncurses takes a compiled description from TERMINFO itself; only for the moment of opening, so that children do not inherit it. */
    char *kept = before ? strdup(before) : NULL; /* setenv may free what getenv gave */
    SCREEN *s = NULL;
    if (before && !kept) return NULL;
    if (setenv("TERMINFO", direct_terminfo, 1) == 0) s = newterm("saint-direct", stdout, stdin);
    if (kept) setenv("TERMINFO", kept, 1);
    else unsetenv("TERMINFO");
    free(kept);
    return s;
}

static saint_ui_tier tier_of(int n, bool no_color)
{
    if (no_color || n < 8) return SAINT_UI_MONO;
    return n >= 1 << 24 ? SAINT_UI_DIRECT : n >= 256 ? SAINT_UI_256 : n >= 16 ? SAINT_UI_16 : SAINT_UI_8;
}

static bool unicode_locale(void)
{
    const char *codes = nl_langinfo(CODESET);
    return codes && (!strcmp(codes, "UTF-8") || !strcmp(codes, "utf8"));
}

/* Capability without its padding ("$<2>"), appended to out. */
static size_t append(char *out, size_t n, size_t room, const char *capability)
{
    const char *c = tigetstr(capability);
    if (!c || c == (char *)-1) return n;
    for (; *c && n + 1 < room; c++) {
        if (c[0] == '$' && c[1] == '<') {
            const char *end = strchr(c, '>');
            if (end) {
                c = end;
                continue;
            }
        }
        out[n++] = *c;
    }
    return n;
}

static size_t append_text(char *out, size_t n, size_t room, const char *text)
{
    size_t length = strlen(text);
    if (n + length >= room) return n;
    memcpy(out + n, text, length);
    return n + length;
}

static void prepare_restore(saint_ui_screen *s)
{
    char bytes[256];
    size_t n = 0;
    if (s->xterm) n = append_text(bytes, n, sizeof bytes, "\033[?1006l\033[?1002l\033[?1000l\033[?2004l");
    n = append(bytes, n, sizeof bytes, "sgr0");
    n = append(bytes, n, sizeof bytes, "op");
    n = append(bytes, n, sizeof bytes, "rmkx");
    n = append(bytes, n, sizeof bytes, "cnorm");
    n = append(bytes, n, sizeof bytes, "rmcup");
    saint_ui_restore_bytes(bytes, n);
}

static void send(const char *text)
{
    for (size_t n = strlen(text); n > 0;) {
        ssize_t sent = write(STDOUT_FILENO, text, n);
        if (sent <= 0) return;
        text += sent;
        n -= (size_t)sent;
    }
}

static void define(const char *capability, int code)
{
    const char *c = tigetstr(capability);
    if (c && c != (char *)-1) define_key(c, code);
}

static void define_keys(void)
{
    define_key("\033[200~", KEY_PASTE_BEGIN);
    define_key("\033[201~", KEY_PASTE_END);
    /* The mouse as asked for below. ncurses reads it where the description says so; those of tmux and screen know only the older form. */
    if (!key_defined("\033[<")) define_key("\033[<", KEY_MOUSE_DIGITS);
    define("kLFT5", KEY_CTRL_LEFT);
    define("kRIT5", KEY_CTRL_RIGHT);
    define("kUP5", KEY_CTRL_UP);
    define("kDN5", KEY_CTRL_DOWN);
    define("kUP", KEY_SHIFT_UP);
    define("kDN", KEY_SHIFT_DOWN);
    /* what tmux, the Linux console and old xterms send where the description says something else */
    static const struct {
        const char *bytes;
        int code;
    } also[] = {{"\033[1~", KEY_HOME}, {"\033[4~", KEY_END}, {"\033[H", KEY_HOME}, {"\033[F", KEY_END},
                {"\033OH", KEY_HOME},  {"\033OF", KEY_END},  {"\033[A", KEY_UP},   {"\033[B", KEY_DOWN},
                {"\033[C", KEY_RIGHT}, {"\033[D", KEY_LEFT}, {"\033[Z", KEY_BTAB}};
    for (size_t i = 0; i < sizeof also / sizeof *also; i++)
        if (!key_defined(also[i].bytes)) define_key(also[i].bytes, also[i].code);
}

static void modes_on(saint_ui_screen *s)
{
    cbreak();
    noecho();
    nonl();
    intrflush(stdscr, FALSE);
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    leaveok(stdscr, FALSE);
    curs_set(s->cursor_x >= 0);
    struct termios now;
    if (tcgetattr(STDIN_FILENO, &now) == 0) { /* Ctrl-S and Ctrl-Q are keys; Ctrl-C and Ctrl-Z stay the terminal's */
        now.c_iflag &= ~(tcflag_t)(IXON | IXOFF);
        tcsetattr(STDIN_FILENO, TCSANOW, &now);
    }
    def_prog_mode();
    saint_ui_restore_active(true);
    if (s->xterm) send("\033[?2004h");
    if (s->mouse) {
        s->mouse = false;
        saint_ui_screen_mouse(s, true);
    }
}

static void choose_looks(saint_ui_screen *s, const saint_ui_screen_options *o)
{
    s->tier = tier_of(tigetnum("colors"), o->no_color);
    if (o->tier > (int)s->tier && o->tier <= SAINT_UI_MONO) s->tier = (saint_ui_tier)o->tier;
    /* The Linux console and real terminals have letters, lines and perhaps half blocks; braille and round corners they have not. */
    bool poor = starts_with(o->term, "linux") || starts_with(o->term, "vt") || starts_with(o->term, "dumb") || starts_with(o->term, "ansi");
    s->glyphs = o->ascii || !unicode_locale() || poor ? SAINT_UI_ASCII : SAINT_UI_BRAILLE;
    if (o->glyphs > (int)s->glyphs && o->glyphs <= SAINT_UI_ASCII) s->glyphs = (saint_ui_glyphs)o->glyphs;
    const char *acs = tigetstr("acsc"), *on = tigetstr("smacs");
    s->line_drawing = s->glyphs == SAINT_UI_ASCII && !o->ascii && acs && acs != (char *)-1 && *acs && on && on != (char *)-1 && *on;
    bool defaults = false;
    if (s->tier != SAINT_UI_MONO && start_color() == OK) defaults = use_default_colors() == OK;
    saint_ui_pairs_init(&s->pairs, s->tier, s->tier == SAINT_UI_MONO ? 0 : COLOR_PAIRS, defaults);
}

saint_status saint_ui_screen_open(saint_ui_screen **out, const saint_ui_screen_options *o, saint_error *err)
{
    static const saint_ui_screen_options plain = {0};
    if (!out) return saint_fail(err, SAINT_INVALID, "screen: no place for the result");
    *out = NULL;
    if (!o) o = &plain;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return saint_fail(err, SAINT_STATE, "the workbench needs a terminal on stdin and stdout; the other commands do not");
    if (stdscr) return saint_fail(err, SAINT_STATE, "a screen is open already");
    saint_ui_screen *s = calloc(1, sizeof *s);
    if (!s) return saint_fail(err, SAINT_MEMORY, "screen: no memory");
    s->cursor_x = -1;
    s->xterm = like_xterm(o->term) || starts_with(o->term, "screen") || starts_with(o->term, "rxvt");
    s->mouse = o->mouse && s->xterm;
    s->marks = o->marks;
    if (tcgetattr(STDIN_FILENO, &s->before) != 0) {
        free(s);
        return saint_fail(err, SAINT_IO, "the terminal's modes cannot be read");
    }
    saint_ui_restore_arm(STDOUT_FILENO, &s->before); /* before ncurses, which takes only signals that nobody has */
    bool wants_direct = o->tier <= SAINT_UI_DIRECT && !o->no_color && o->colorterm &&
                        (!strcmp(o->colorterm, "truecolor") || !strcmp(o->colorterm, "24bit"));
    if (wants_direct && like_xterm(o->term)) s->curses = open_direct(o->terminfo);
    if (!s->curses) s->curses = newterm(o->term, stdout, stdin);
    if (!s->curses) {
        saint_ui_restore_disarm();
        free(s);
        return saint_fail(err, SAINT_UNSUPPORTED, "no description of the terminal TERM=%s; try TERM=xterm-256color",
                          o->term ? o->term : "(not set)");
    }
    set_term(s->curses);
    const char *place = tigetstr("cup");
    if (!place || place == (char *)-1) { /* every row would go over the last one */
        endwin();
        delscreen(s->curses);
        saint_ui_restore_disarm();
        free(s);
        return saint_fail(err, SAINT_UNSUPPORTED, "a terminal of TERM=%s cannot place the cursor; try TERM=xterm-256color",
                          o->term ? o->term : "(not set)");
    }
    prepare_restore(s);
    set_escdelay(25);
    choose_looks(s, o);
    define_keys();
    modes_on(s);
    if (o->ask_ground && s->xterm && !starts_with(o->term, "screen") && s->tier != SAINT_UI_MONO) {
        send("\033]11;?\033\\");
        s->asked = saint_now();
    }
    *out = s;
    return SAINT_OK;
}

void saint_ui_screen_close(saint_ui_screen *s)
{
    if (!s) return;
    saint_ui_screen_suspend(s);
    saint_ui_restore_disarm();
    saint_ui_pairs_free(&s->pairs);
    delscreen(s->curses);
    free(s);
}

saint_ui_tier saint_ui_screen_tier(const saint_ui_screen *s) { return s ? s->tier : SAINT_UI_MONO; }
saint_ui_glyphs saint_ui_screen_glyphs(const saint_ui_screen *s) { return s ? s->glyphs : SAINT_UI_ASCII; }
bool saint_ui_screen_lines(const saint_ui_screen *s) { return s && s->line_drawing; }
int saint_ui_screen_fd(const saint_ui_screen *s) { return s ? STDIN_FILENO : -1; }
int saint_ui_screen_pairs(const saint_ui_screen *s) { return s ? (int)s->pairs.n : 0; }

void saint_ui_screen_size(saint_ui_screen *s, int *w, int *h)
{
    struct winsize size;
    if (s && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0 &&
        (size.ws_row != LINES || size.ws_col != COLS))
        resizeterm(size.ws_row, size.ws_col);
    if (w) *w = s && COLS > 0 ? COLS : 80;
    if (h) *h = s && LINES > 0 ? LINES : 24;
}

/* ---- cells ---- */

/* Line drawing of terminals without UTF-8: the letter of the VT100's second set. */
static wchar_t line_letter(uint32_t ch)
{
    switch (ch) {
    case 0x2500: return L'q';
    case 0x2502: return L'x';
    case 0x250c: return L'l';
    case 0x2510: return L'k';
    case 0x2514: return L'm';
    case 0x2518: return L'j';
    case 0x251c: return L't';
    case 0x2524: return L'u';
    case 0x252c: return L'w';
    case 0x2534: return L'v';
    case 0x253c: return L'n';
    default: return 0;
    }
}

static void put_cell(saint_ui_screen *s, int x, int y, const saint_ui_cell *cell)
{
    attr_t attr = 0;
    if (cell->attr & SAINT_UI_BOLD) attr |= A_BOLD;
    if (cell->attr & SAINT_UI_DIM) attr |= A_DIM;
    if (cell->attr & SAINT_UI_UNDERLINE) attr |= A_UNDERLINE;
    if (cell->attr & SAINT_UI_REVERSE) attr |= A_REVERSE;
    wchar_t text[3] = {(wchar_t)cell->ch, 0, 0};
    if (s->glyphs == SAINT_UI_ASCII && cell->ch > 126) {
        wchar_t letter = s->line_drawing ? line_letter(cell->ch) : 0;
        if (letter) attr |= A_ALTCHARSET;
        text[0] = letter ? letter : (wchar_t)saint_ui_ascii_of(cell->ch);
    } else if (cell->ch > 126 && wcwidth((wchar_t)cell->ch) != cell->width)
        text[0] = cell->width == 1 ? L'?' : L'\uff1f'; /* the library knows it otherwise */
    else if (cell->mark && s->glyphs != SAINT_UI_ASCII && wcwidth((wchar_t)cell->mark) == 0) text[1] = (wchar_t)cell->mark;
    int pair = saint_ui_pairs_get(&s->pairs, cell->fg, cell->bg, (cell->attr & SAINT_UI_PHOTO) != 0);
    cchar_t cc;
    if (setcchar(&cc, text, attr, (short)(pair < 32767 ? pair : 32767), &pair) == OK) mvadd_wch(y, x, &cc);
}

void saint_ui_screen_show(saint_ui_screen *s, const saint_ui_canvas *c)
{
    if (!s || !c || !c->cell) return;
    int w = c->w < COLS ? c->w : COLS, h = c->h < LINES ? c->h : LINES;
    if (c->w < COLS || c->h < LINES) erase();
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const saint_ui_cell *cell = saint_ui_canvas_at(c, x, y);
            if (cell->width == 0) continue;
            if (cell->width == 2 && x + 1 >= w) mvaddch(y, x, ' ');
            else put_cell(s, x, y, cell);
        }
    if (s->cursor_x >= 0) move(s->cursor_y < LINES ? s->cursor_y : LINES - 1, s->cursor_x < COLS ? s->cursor_x : COLS - 1);
    refresh();
}

void saint_ui_screen_cursor(saint_ui_screen *s, int x, int y)
{
    if (!s) return;
    if ((x >= 0) != (s->cursor_x >= 0)) curs_set(x >= 0);
    s->cursor_x = x;
    s->cursor_y = y > 0 ? y : 0;
}

void saint_ui_screen_redraw(saint_ui_screen *s)
{
    if (s) clearok(curscr, TRUE);
}

void saint_ui_screen_mark(saint_ui_screen *s, unsigned n)
{
    if (!s || !s->marks) return;
    char text[48];
    snprintf(text, sizeof text, "\033]777;saint-idle;%u\a", n);
    send(text); /* refresh() has flushed what ncurses held */
}

/* ---- input ---- */

void saint_ui_screen_mouse(saint_ui_screen *s, bool on)
{
    if (!s || !s->xterm || s->mouse == on) return;
    s->mouse = on;
    mousemask(on ? ALL_MOUSE_EVENTS | REPORT_MOUSE_POSITION : 0, NULL);
    mouseinterval(0);
    /* ncurses asks for presses only; dragging is one mode more. Positions come in the words that ncurses reads for this terminal: with
     * tmux's and screen's own descriptions those are single bytes, and SGR ones would arrive as keys. */
    const char *c = tigetstr("kmous");
    bool sgr = c && c != (char *)-1 && strncmp(c, "\033[<", 3) == 0;
    send(on ? sgr ? "\033[?1002h\033[?1006h" : "\033[?1002h" : "\033[?1002l\033[?1006l");
}

static saint_ui_event mouse_event(saint_ui_screen *s)
{
    MEVENT m;
    saint_ui_event e = {.kind = SAINT_UI_MOUSE};
    if (getmouse(&m) != OK) return (saint_ui_event){0};
    e.x = m.x;
    e.y = m.y;
    e.mods = (m.bstate & BUTTON_SHIFT ? SAINT_UI_SHIFT : 0u) | (m.bstate & BUTTON_CTRL ? SAINT_UI_CTRL : 0u) |
             (m.bstate & BUTTON_ALT ? SAINT_UI_ALT : 0u);
    static const mmask_t pressed[3] = {BUTTON1_PRESSED | BUTTON1_CLICKED, BUTTON2_PRESSED | BUTTON2_CLICKED,
                                       BUTTON3_PRESSED | BUTTON3_CLICKED};
    static const mmask_t released[3] = {BUTTON1_RELEASED, BUTTON2_RELEASED, BUTTON3_RELEASED};
    if (m.bstate & BUTTON4_PRESSED) return e.mouse = SAINT_UI_MOUSE_WHEEL_UP, e;
    if (m.bstate & BUTTON5_PRESSED) return e.mouse = SAINT_UI_MOUSE_WHEEL_DOWN, e;
    for (int i = 0; i < 3; i++) {
        e.button = i + 1;
        if (m.bstate & pressed[i]) return s->dragging = true, e.mouse = SAINT_UI_MOUSE_DOWN, e;
        if (m.bstate & released[i]) return s->dragging = false, e.mouse = SAINT_UI_MOUSE_UP, e;
    }
    e.button = 1;
    e.mouse = SAINT_UI_MOUSE_DRAG;
    return s->dragging ? e : (saint_ui_event){0};
}

static bool special(int code, saint_ui_event *e)
{
    static const struct {
        int code;
        saint_ui_key key;
        unsigned mods;
    } keys[] = {
        {KEY_UP, SAINT_UI_KEY_UP, 0},
        {KEY_DOWN, SAINT_UI_KEY_DOWN, 0},
        {KEY_LEFT, SAINT_UI_KEY_LEFT, 0},
        {KEY_RIGHT, SAINT_UI_KEY_RIGHT, 0},
        {KEY_HOME, SAINT_UI_KEY_HOME, 0},
        {KEY_END, SAINT_UI_KEY_END, 0},
        {KEY_PPAGE, SAINT_UI_KEY_PAGE_UP, 0},
        {KEY_NPAGE, SAINT_UI_KEY_PAGE_DOWN, 0},
        {KEY_ENTER, SAINT_UI_KEY_ENTER, 0},
        {KEY_BTAB, SAINT_UI_KEY_BACK_TAB, 0},
        {KEY_BACKSPACE, SAINT_UI_KEY_BACKSPACE, 0},
        {KEY_DC, SAINT_UI_KEY_DELETE, 0},
        {KEY_IC, SAINT_UI_KEY_INSERT, 0},
        {KEY_SLEFT, SAINT_UI_KEY_LEFT, SAINT_UI_SHIFT},
        {KEY_SRIGHT, SAINT_UI_KEY_RIGHT, SAINT_UI_SHIFT},
        {KEY_SR, SAINT_UI_KEY_UP, SAINT_UI_SHIFT},
        {KEY_SF, SAINT_UI_KEY_DOWN, SAINT_UI_SHIFT},
        {KEY_SHIFT_UP, SAINT_UI_KEY_UP, SAINT_UI_SHIFT},
        {KEY_SHIFT_DOWN, SAINT_UI_KEY_DOWN, SAINT_UI_SHIFT},
        {KEY_SHOME, SAINT_UI_KEY_HOME, SAINT_UI_SHIFT},
        {KEY_SEND, SAINT_UI_KEY_END, SAINT_UI_SHIFT},
        {KEY_CTRL_LEFT, SAINT_UI_KEY_LEFT, SAINT_UI_CTRL},
        {KEY_CTRL_RIGHT, SAINT_UI_KEY_RIGHT, SAINT_UI_CTRL},
        {KEY_CTRL_UP, SAINT_UI_KEY_UP, SAINT_UI_CTRL},
        {KEY_CTRL_DOWN, SAINT_UI_KEY_DOWN, SAINT_UI_CTRL},
        {KEY_SDC, SAINT_UI_KEY_DELETE, SAINT_UI_SHIFT},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].code == code) return e->key = keys[i].key, e->mods = keys[i].mods, true;
    if (code >= KEY_F(1) && code <= KEY_F(12)) return e->key = (saint_ui_key)(SAINT_UI_KEY_F1 + code - KEY_F(1)), true;
    return false;
}

static void character(wint_t ch, saint_ui_event *e)
{
    if (ch == '\r' || ch == '\n') e->key = SAINT_UI_KEY_ENTER;
    else if (ch == '\t') e->key = SAINT_UI_KEY_TAB;
    else if (ch == 127 || ch == 8) e->key = SAINT_UI_KEY_BACKSPACE;
    else if (ch == 0) e->ch = ' ', e->mods = SAINT_UI_CTRL;
    else if (ch < 27) e->ch = 'a' + ch - 1, e->mods = SAINT_UI_CTRL;
    else if (ch < 32) e->ch = '@' + ch, e->mods = SAINT_UI_CTRL;
    else e->ch = ch;
}

/* "11;rgb:ffff/ffff/ffff": one to four digits to a channel. */
static bool ground_of(const char *text, uint32_t *rgb)
{
    if (!starts_with(text, "11;rgb:")) return false;
    text += 7;
    *rgb = 0;
    for (int i = 0; i < 3; i++) {
        size_t n = strspn(text, "0123456789abcdefABCDEF");
        if (n < 1 || n > 4) return false;
        char digits[5] = {0};
        memcpy(digits, text, n);
        *rgb = *rgb << 8 | (uint32_t)(strtoul(digits, NULL, 16) * 255 / ((1ul << 4 * n) - 1));
        text += n;
        if (*text++ != (i < 2 ? '/' : 0)) return false;
    }
    return true;
}

/* The rest of an answer. It ends with BEL or ESC \, may come in pieces, and what is no answer is forgotten. */
static saint_ui_event read_answer(saint_ui_screen *s)
{
    wint_t ch = 0;
    while (s->in_answer && get_wch(&ch) != ERR) {
        bool end = ch == 7 || ch == '\\';
        if (!end && ch != 27 && s->n_answer + 1 < sizeof s->answer) s->answer[s->n_answer++] = ch < 128 ? (char)ch : '?';
        if (!end && s->n_answer + 1 < sizeof s->answer) continue;
        s->in_answer = false;
        s->asked = 0;
        s->answer[s->n_answer] = 0;
        saint_ui_event e = {.kind = SAINT_UI_GROUND};
        if (ground_of(s->answer, &e.ch)) return e;
    }
    return (saint_ui_event){0};
}

/* The rest of ESC [ < button ; column ; row, ending with M, or m for a button let go. It may come in pieces; what is no mouse is forgotten. */
static saint_ui_event read_mouse(saint_ui_screen *s)
{
    wint_t ch = 0;
    while (s->in_mouse && get_wch(&ch) == OK) {
        if ((ch < '0' || ch > '9') && ch != ';') s->in_mouse = false;
        if (s->in_mouse && s->n_answer + 1 < sizeof s->answer) s->answer[s->n_answer++] = (char)ch;
    }
    if (s->in_mouse) return (saint_ui_event){0};
    s->answer[s->n_answer] = 0;
    return saint_ui_mouse_digits(s->answer, ch, &s->dragging);
}

saint_ui_event saint_ui_screen_event(saint_ui_screen *s)
{
    saint_ui_event e = {0};
    if (!s) return e;
    for (;;) {
        if (s->in_mouse) {
            e = read_mouse(s);
            if (e.kind != SAINT_UI_NOTHING || s->in_mouse) return e;
        }
        if (s->in_answer) {
            e = read_answer(s);
            if (e.kind != SAINT_UI_NOTHING || s->in_answer) return e;
        }
        wint_t ch = 0;
        int kind = get_wch(&ch);
        if (kind == ERR) return e;
        if (kind == KEY_CODE_YES) {
            if (ch == KEY_PASTE_BEGIN || ch == KEY_PASTE_END) {
                s->pasting = ch == KEY_PASTE_BEGIN;
                continue;
            }
            if (ch == KEY_MOUSE_DIGITS) {
                s->in_mouse = true;
                s->n_answer = 0;
                continue;
            }
            if (ch == KEY_RESIZE) return e.kind = SAINT_UI_RESIZED, e;
            if (ch == KEY_MOUSE) {
                e = mouse_event(s);
                if (e.kind == SAINT_UI_NOTHING) continue;
                return e;
            }
            e.kind = SAINT_UI_PRESS;
            if (special((int)ch, &e)) return e;
            e = (saint_ui_event){0}; /* a key that has no meaning here */
            continue;
        }
        if (s->pasting) return (saint_ui_event){.kind = SAINT_UI_PASTE, .ch = ch == '\r' ? '\n' : ch};
        e.kind = SAINT_UI_PRESS;
        if (ch != 27) return character(ch, &e), e;
        wint_t next = 0; /* Escape with something close behind is Alt */
        int behind = get_wch(&next);
        if (behind == OK && next == ']' && s->asked > 0 && saint_now() - s->asked < answer_seconds) {
            s->in_answer = true;
            s->n_answer = 0;
            continue;
        }
        if (behind == ERR) e.key = SAINT_UI_KEY_ESCAPE;
        else if (behind == KEY_CODE_YES || next == 27) {
            if (behind == KEY_CODE_YES) ungetch((int)next);
            else unget_wch((wchar_t)next);
            e.key = SAINT_UI_KEY_ESCAPE;
        } else {
            character(next, &e);
            e.mods |= SAINT_UI_ALT;
        }
        return e;
    }
}

/* ---- away and back ---- */

void saint_ui_screen_suspend(saint_ui_screen *s)
{
    if (!s || isendwin()) return;
    bool mouse = s->mouse;
    if (mouse) saint_ui_screen_mouse(s, false);
    s->mouse = mouse; /* what resume brings back */
    if (s->xterm) send("\033[?2004l");
    endwin();
    saint_ui_restore_active(false);
    tcsetattr(STDIN_FILENO, TCSANOW, &s->before);
}

void saint_ui_screen_resume(saint_ui_screen *s)
{
    if (!s || !isendwin()) return;
    reset_prog_mode();
    clearok(curscr, TRUE);
    saint_ui_screen_size(s, NULL, NULL);
    refresh();
    modes_on(s);
}
