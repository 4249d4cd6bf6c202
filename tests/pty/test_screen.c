#define _GNU_SOURCE
#include "support/test.h"

#include <signal.h>
#include <sys/wait.h>

#include "support/view_samples.h"
#include "support/vt.h"

typedef struct {
    const char *term, *locale, *colorterm, *no_color;
    saint_ui_tier tier;
    saint_ui_glyphs glyphs;
    bool lines;
} tier_case;

static const tier_case direct = {"xterm-256color", "C.UTF-8", "truecolor", "", SAINT_UI_DIRECT, SAINT_UI_BRAILLE, false};
static const tier_case colors_256 = {"xterm-256color", "C.UTF-8", "", "", SAINT_UI_256, SAINT_UI_BRAILLE, false};

static void start(vt *t, const tier_case *c, int w, int h)
{
    char term[64], locale[64], colorterm[64], no_color[64];
    snprintf(term, sizeof term, "TERM=%s", c->term);
    snprintf(locale, sizeof locale, "LC_ALL=%s", c->locale);
    snprintf(colorterm, sizeof colorterm, "COLORTERM=%s", c->colorterm);
    snprintf(no_color, sizeof no_color, "NO_COLOR=%s", c->no_color);
    char *argv[] = {SAINT_SCREEN_CHILD, NULL}, *env[] = {term, locale, colorterm, no_color, "ASAN_OPTIONS=handle_abort=0", NULL};
    assert_true(vt_open(t, w, h, argv, env));
    assert_true(vt_wait_mark(t));
}

static int channel_distance(saint_ui_color a, saint_ui_color b)
{
    int most = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        int d = abs((int)(a >> shift & 255) - (int)(b >> shift & 255));
        if (d > most) most = d;
    }
    return a >> 24 == b >> 24 ? most : 256;
}

/* The child's page, drawn here, against every cell of the emulator. */
static void assert_screen(vt *t, const tier_case *c)
{
    sample data;
    saint_ui_canvas canvas = {0};
    saint_ui_theme theme;
    assert_ok(sample_make(&data, NULL, err));
    assert_ok(saint_ui_canvas_resize(&canvas, t->w, t->h, err));
    saint_ui_theme_make(&theme, SAINT_UI_DARK, c->tier, c->glyphs);
    theme.lines = c->lines;
    assert_ok(sample_page(saint_ui_pen_whole(&canvas, &theme, NULL), &data, SAINT_UI_PAGE_INSPECT, SAINT_UI_PHOTO_DIM, SAMPLE_NO_OVERLAY,
                          SAINT_UI_PANE_PARAMS, err));
    saint_ui_canvas_reduce(&canvas, c->tier);
    int photo = 0;
    for (int y = 0; y < t->h; y++)
        for (int x = 0; x < t->w; x++) {
            saint_ui_cell want = *saint_ui_canvas_at(&canvas, x, y), got = vt_cell(t, x, y);
            if (got.ch != want.ch) fail_msg("(%d, %d): U+%04X on the screen, U+%04X drawn", x, y, got.ch, want.ch);
            bool is_photo = (want.attr & SAINT_UI_PHOTO) != 0;
            int slack = is_photo && c->tier == SAINT_UI_DIRECT ? 8 : 0; /* five bits per channel */
            photo += is_photo;
            if (channel_distance(got.bg, want.bg) > slack) fail_msg("(%d, %d) ground %08x, drawn %08x", x, y, got.bg, want.bg);
            if (want.ch != ' ' && channel_distance(got.fg, want.fg) > slack)
                fail_msg("(%d, %d) ink %08x, drawn %08x", x, y, got.fg, want.fg);
            if (want.ch == ' ' && !(want.attr & (SAINT_UI_REVERSE | SAINT_UI_UNDERLINE))) continue;
            unsigned mask = SAINT_UI_REVERSE | SAINT_UI_BOLD;
            if ((got.attr & mask) != (want.attr & mask)) fail_msg("(%d, %d) attributes %x, drawn %x", x, y, got.attr, want.attr);
        }
    if (c->tier <= SAINT_UI_256 && t->w >= 80) assert_true(photo > 300);
    saint_ui_canvas_free(&canvas);
    sample_free(&data);
}

static void assert_restored(vt *t, const tier_case *c)
{
    assert_true(vt_modes_restored(t));
    assert_true(t->cursor_shown);
    assert_false(t->alternate);
    if (strncmp(c->term, "xterm", 5)) return;
    assert_int_equal(t->mouse, VTERM_PROP_MOUSE_NONE);
    assert_int_equal(vt_later(t, "\033[?2004h", "\033[?2004l"), 2);
    assert_int_equal(vt_later(t, "\033[?1049h", "\033[?1049l"), 2);
}

static void every_tier_shows_what_was_drawn(void **state)
{
    (void)state;
    static const tier_case cases[] = {
        {"xterm-256color", "C.UTF-8", "truecolor", "", SAINT_UI_DIRECT, SAINT_UI_BRAILLE, false},
        {"xterm-256color", "C.UTF-8", "", "", SAINT_UI_256, SAINT_UI_BRAILLE, false},
        {"xterm-256color", "C.UTF-8", "truecolor", "1", SAINT_UI_MONO, SAINT_UI_BRAILLE, false},
        {"tmux-256color", "C", "", "", SAINT_UI_256, SAINT_UI_ASCII, true}, /* its description has no rep, which libvterm 0.1 gets wrong */
        {"xterm-256color", "C", "24bit", "", SAINT_UI_DIRECT, SAINT_UI_ASCII, true},
        {"xterm", "C.UTF-8", "", "", SAINT_UI_8, SAINT_UI_BRAILLE, false},
        {"linux", "C.UTF-8", "", "", SAINT_UI_8, SAINT_UI_ASCII, true},
        {"vt100", "C", "", "", SAINT_UI_MONO, SAINT_UI_ASCII, true},
        {"screen-256color", "C.UTF-8", "truecolor", "", SAINT_UI_256, SAINT_UI_BRAILLE, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vt t;
        start(&t, &cases[i], 100, 30);
        assert_screen(&t, &cases[i]);
        vt_send(&t, "q");
        int status = vt_wait_exit(&t);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        assert_restored(&t, &cases[i]);
        vt_close(&t);
    }
}

static void the_terminal_comes_back_after_any_death(void **state)
{
    (void)state;
    static const struct {
        int signal; /* sent from outside; 0: the key */
        const char *key;
        int exit_code, by_signal;
    } deaths[] = {{0, "q", 0, 0},
                  {0, "E", 3, 0},
                  {SIGTERM, "", 0, SIGTERM},
                  {SIGHUP, "", 0, SIGHUP},
                  {SIGINT, "", 0, SIGINT},
                  {SIGQUIT, "", 0, SIGQUIT},
                  {SIGSEGV, "", 0, SIGSEGV},
                  {0, "N", 0, SIGSEGV},
                  {0, "A", 0, SIGABRT}};
    for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++) {
        vt t;
        start(&t, i % 2 ? &direct : &colors_256, 80, 24);
        assert_true(t.alternate);
        assert_false(vt_modes_restored(&t));
        if (deaths[i].signal) kill(t.pid, deaths[i].signal);
        else vt_send(&t, deaths[i].key);
        int status = vt_wait_exit(&t);
        if (deaths[i].by_signal) {
            /* a sanitizer reports a crash and exits itself */
            bool sanitized = WIFEXITED(status) && WEXITSTATUS(status) == 1 && deaths[i].by_signal == SIGSEGV;
            if (!sanitized && !(WIFSIGNALED(status) && WTERMSIG(status) == deaths[i].by_signal))
                fail_msg("death %zu: status %x", i, status);
        } else assert_true(WIFEXITED(status) && WEXITSTATUS(status) == deaths[i].exit_code);
        assert_restored(&t, &colors_256);
        vt_close(&t);
    }
}

static void keys_mouse_and_paste_arrive(void **state)
{
    static const struct {
        const char *bytes, *shows;
    } cases[] = {
        {"x", "key x"},
        {"\033[A", "key Up"},
        {"\033OB", "key Down"},
        {"\033[1;2C", "key Shift-Right"},
        {"\033[1;5D", "key Ctrl-Left"},
        {"\033[5~", "key PgUp"},
        {"\033[H", "key Home"},
        {"\033[4~", "key End"},
        {"\r", "key Enter"},
        {"\t", "key Tab"},
        {"\033[Z", "key Shift-Tab"},
        {"\177", "key Backspace"},
        {"\020", "key Ctrl-P"},
        {"\033", "key Esc"},
        {"\033m", "key Alt-m"},
        {"\033OP", "key F1"},
        {" ", "key Space"},
        {"\xc3\xa4", "key \xc3\xa4"},
        {"\033[<0;11;6M", "mouse 0 button 1 at 10 5"},
        {"\033[<32;13;6M", "mouse 1 button 1 at 12 5"},
        {"\033[<0;13;6m", "mouse 2 button 1 at 12 5"},
        {"\033[<64;3;4M", "mouse 3 button 0 at 2 3"},
        {"\033[<65;3;4M", "mouse 4 button 0 at 2 3"},
        {"\x13", "key Ctrl-S"},
    };
    /* the descriptions of tmux and screen do not know this form of the mouse's reports, their programs send it */
    static const tier_case in_tmux = {"tmux-256color", "C.UTF-8", "", "", SAINT_UI_256, SAINT_UI_BRAILLE, false};
    vt t;
    start(&t, *state ? &in_tmux : &colors_256, 80, 24);
    assert_int_equal(t.mouse, VTERM_PROP_MOUSE_DRAG);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char row[1024];
        if (!vt_type(&t, cases[i].bytes)) fail_msg("case %zu: no answer to the key of '%s'", i, cases[i].shows);
        vt_row(&t, 0, row, sizeof row);
        if (strncmp(row, cases[i].shows, strlen(cases[i].shows))) fail_msg("case %zu: '%s' expected, '%s' shown", i, cases[i].shows, row);
    }
    char row[1024];
    vt_send(&t, "\033[200~q\rE\033[201~"); /* pasted letters are no commands */
    assert_true(vt_wait_marks(&t, 3));
    vt_row(&t, 0, row, sizeof row);
    assert_memory_equal(row, "paste q/E", 9);
    vt_close(&t);
}

static void a_new_size_is_a_new_screen(void **state)
{
    (void)state;
    static const int sizes[][2] = {{120, 36}, {80, 24}, {41, 13}, {30, 8}, {1, 1}, {200, 60}, {79, 23}};
    vt t;
    start(&t, &direct, 100, 30);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        vt_resize(&t, sizes[i][0], sizes[i][1]);
        assert_true(vt_wait_mark(&t));
        assert_screen(&t, &direct);
    }
    vt_send(&t, "q");
    assert_int_equal(vt_wait_exit(&t), 0);
    assert_restored(&t, &direct);
    vt_close(&t);
}

static void suspend_gives_the_terminal_back_and_resume_takes_it(void **state)
{
    (void)state;
    vt t;
    start(&t, &direct, 80, 24);
    assert_true(vt_type(&t, "Z"));
    assert_true(t.alternate);
    assert_int_equal(vt_later(&t, "\033[?1049l", "in the shell"), 2);
    assert_int_equal(vt_later(&t, "\033[?1049h", "in the shell"), 1);
    assert_int_equal(vt_later(&t, "\033[?2004h", "\033[?2004l"), 1);
    assert_true(vt_type(&t, "\014"));
    char row[1024];
    vt_row(&t, 0, row, sizeof row);
    assert_memory_equal(row, "key Ctrl-L", 10);
    vt_send(&t, "q");
    assert_int_equal(vt_wait_exit(&t), 0);
    assert_restored(&t, &direct);
    vt_close(&t);
}

static void what_cannot_be_a_screen_says_so(void **state)
{
    (void)state;
    static char *const terms[] = {"TERM=no-such-terminal", "TERM=dumb"}; /* the second cannot place its cursor */
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++) {
        vt t;
        char *argv[] = {SAINT_SCREEN_CHILD, NULL},
             *env[] = {terms[i], "LC_ALL=C.UTF-8", "ASAN_OPTIONS=detect_leaks=0" /* ncurses keeps what it tried */, NULL};
        assert_true(vt_open(&t, 80, 24, argv, env));
        int status = vt_wait_exit(&t);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 2);
        assert_non_null(strstr(t.raw, terms[i]));
        assert_true(vt_modes_restored(&t));
        vt_close(&t);
    }
}

static void an_unchanged_frame_costs_nothing(void **state)
{
    (void)state;
    vt t;
    start(&t, &direct, 120, 36);
    assert_true(vt_type(&t, "x"));
    size_t before = t.n_raw;
    assert_true(vt_type(&t, "x"));
    assert_true(t.n_raw - before < 64); /* at most the cursor's way */
    vt_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tier_shows_what_was_drawn),
        cmocka_unit_test(the_terminal_comes_back_after_any_death),
        cmocka_unit_test(keys_mouse_and_paste_arrive),
        {"keys_mouse_and_paste_arrive in tmux", keys_mouse_and_paste_arrive, NULL, NULL, "tmux"},
        cmocka_unit_test(a_new_size_is_a_new_screen),
        cmocka_unit_test(suspend_gives_the_terminal_back_and_resume_takes_it),
        cmocka_unit_test(what_cannot_be_a_screen_says_so),
        cmocka_unit_test(an_unchanged_frame_costs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
