/* The whole program on a real terminal's other side: it starts, answers, is resized, stopped, killed, and always gives the terminal back. */
#define _GNU_SOURCE
#include "support/test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/wait.h>

#include "base/file.h"
#include "device_use.h"
#include "support/workbench.h"

static const wb_env direct = {"xterm-256color", "C.UTF-8", "truecolor", NULL};
static const wb_env colors_256 = {"xterm-256color", "C.UTF-8", "", NULL};
#define TINY "--model", SAINT_FIXTURE_DIR "/llava-tiny-new", "--data", "images:" SAINT_FIXTURE_DIR "/pictures"
static const char *const tiny[] = {TINY, NULL};

static void start_with(vt *t, const wb_env *e, int w, int h, const char *const *args)
{
    assert_true(wb_open(t, w, h, e, "idle", args));
    if (!vt_wait_mark(t)) fail_msg("no first mark; it wrote: %s", t->raw ? t->raw : "nothing");
}

static void start(vt *t, const wb_env *e, int w, int h) { start_with(t, e, w, h, tiny); }

static void assert_restored(vt *t, bool xterm)
{
    assert_true(vt_modes_restored(t));
    assert_true(t->cursor_shown);
    assert_false(t->alternate);
    if (!xterm) return;
    assert_int_equal(t->mouse, VTERM_PROP_MOUSE_NONE);
    assert_int_equal(vt_later(t, "\033[?2004h", "\033[?2004l"), 2);
    assert_int_equal(vt_later(t, "\033[?1049h", "\033[?1049l"), 2);
}

static void assert_exit(vt *t, int code)
{
    int status = vt_wait_exit(t);
    if (!(WIFEXITED(status) && WEXITSTATUS(status) == code)) fail_msg("wait status %x instead of exit %d; %s", status, code, t->raw);
}

static void fresh_home(void)
{
    wb_end();
    wb_begin();
}

static void it_opens_answers_keys_and_leaves(void **state)
{
    (void)state;
    fresh_home();
    vt t;
    start(&t, &direct, 120, 36);
    assert_true(vt_until(&t, "llava-tiny-new"));
    assert_true(vt_until(&t, "a-32.png 1/5"));
    assert_true(vt_type(&t, "]"));
    assert_true(vt_until(&t, "b-32.png 2/5"));
    assert_true(vt_type(&t, "7"));
    assert_true(vt_until(&t, "since the start"));
    assert_true(vt_type(&t, "?"));
    assert_true(vt_until(&t, "Everywhere"));
    assert_true(vt_type(&t, "\033"));
    assert_false(vt_shows(&t, "Everywhere"));
    assert_true(vt_type(&t, ":samp"));
    assert_true(vt_until(&t, "sample"));
    assert_true(vt_type(&t, "\t 4\r"));
    assert_true(vt_until(&t, "d-28.png 4/5"));
    vt_send(&t, "q");
    assert_exit(&t, 0);
    assert_restored(&t, true);
    vt_close(&t);
}

/* Others see it while it works and not while it is idle; its figures say when others were there. */
static void it_shares_the_device(void **state)
{
    (void)state;
    fresh_home();
    vt t;
    device_use other;
    device_use_open(&other, wb_home, "cpu");
    start(&t, &direct, 120, 36);
    assert_true(vt_until(&t, "a-32.png 1/5"));
    device_use_begin(&other);
    assert_true(device_use_alone(&other)); /* idle, it holds nothing */
    assert_true(vt_shows(&t, "measured") && !vt_shows(&t, "shared"));
    assert_true(vt_type(&t, "7"));
    assert_true(vt_until(&t, "since the start"));
    assert_true(vt_type(&t, "1"));
    assert_true(device_use_alone(&other)); /* pages are no work */
    assert_true(vt_type(&t, "]"));
    assert_true(vt_until(&t, "b-32.png 2/5"));
    assert_false(device_use_alone(&other)); /* it came and went */
    assert_true(device_use_alone(&other));
    assert_true(vt_shows(&t, "shared"));
    device_use_end(&other);
    assert_true(vt_type(&t, "]"));
    assert_true(vt_until(&t, "c-"));
    assert_true(vt_shows(&t, "measured") && !vt_shows(&t, "shared"));
    assert_true(vt_type(&t, "["));
    assert_true(vt_until(&t, "b-32.png 2/5"));
    assert_true(vt_shows(&t, "shared")); /* from the cache, where the times are those of that run */
    device_use_begin(&other);
    assert_true(vt_type(&t, "3"));
    assert_true(vt_type(&t, "m"));
    assert_true(vt_until(&t, "another saint used the device meanwhile"));
    assert_true(vt_shows(&t, ", shared"));
    device_use_end(&other);
    assert_true(vt_type(&t, "m"));
    assert_true(vt_until(&t, "measured n="));
    assert_false(vt_shows(&t, "shared"));
    vt_send(&t, "q");
    assert_exit(&t, 0);
    vt_close(&t);
    device_use_close(&other);
}

static void every_terminal_is_served(void **state)
{
    (void)state;
    static const struct {
        wb_env env;
        bool xterm, color;
    } cases[] = {
        {{"xterm-256color", "C.UTF-8", "truecolor", NULL}, true, true}, {{"xterm-256color", "C.UTF-8", "", NULL}, true, true},
        {{"xterm-256color", "C.UTF-8", "truecolor", "NO_COLOR=1"}, true, false}, {{"xterm-256color", "C", "", NULL}, true, true},
        {{"tmux-256color", "C", "", NULL}, true, true}, {{"xterm", "C.UTF-8", "", NULL}, true, true},
        {{"linux", "C.UTF-8", "", NULL}, false, true}, {{"vt100", "C", "", NULL}, false, false},
        {{"screen-256color", "C.UTF-8", "truecolor", NULL}, true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vt t;
        fresh_home();
        start(&t, &cases[i].env, 100, 30);
        if (!vt_until(&t, "SAINT")) fail_msg("%s: nothing to see", cases[i].env.term);
        bool color = false;
        for (int y = 0; y < 30; y++)
            for (int x = 0; x < 100; x++) {
                saint_ui_cell c = vt_cell(&t, x, y);
                color = color || c.fg != SAINT_UI_COLOR_DEFAULT || c.bg != SAINT_UI_COLOR_DEFAULT;
            }
        assert_int_equal(color, cases[i].color);
        vt_send(&t, "q");
        assert_exit(&t, 0);
        assert_true(vt_modes_restored(&t));
        assert_restored(&t, cases[i].xterm);
        vt_close(&t);
    }
}

static void a_storm_of_sizes_ends_in_the_last_one(void **state)
{
    (void)state;
    fresh_home();
    vt t;
    start(&t, &direct, 120, 36);
    uint32_t rng = 12345;
    for (int i = 0; i < 400; i++) {
        rng = rng * 1664525u + 1013904223u;
        vt_resize(&t, 1 + (int)(rng >> 8) % 250, 1 + (int)(rng >> 20) % 70);
        if (i % 16 == 0) assert_true(vt_wait_mark(&t));
    }
    vt_resize(&t, 101, 33);
    assert_true(vt_type(&t, "7"));
    assert_true(vt_until(&t, "since the start"));
    char row[1024];
    vt_row(&t, 32, row, sizeof row);
    while (!strstr(row, "Help") && vt_wait_mark(&t)) vt_row(&t, 32, row, sizeof row); /* frames of older sizes may come before */
    assert_non_null(strstr(row, "Help"));              /* the footer is the last row */
    assert_int_equal(vt_cell(&t, 100, 30).ch, 0x256f); /* and the pane ends in the last column */
    vt_resize(&t, 30, 8);
    assert_true(vt_until(&t, "is the least"));
    vt_send(&t, "q");
    assert_exit(&t, 0);
    assert_restored(&t, true);
    vt_close(&t);
}

static void the_terminal_comes_back_after_any_death(void **state)
{
    (void)state;
    static const struct {
        int signal, exit_code, by_signal;
    } deaths[] = {{SIGTERM, 128 + SIGTERM, 0}, {SIGHUP, 128 + SIGHUP, 0}, {SIGINT, 128 + SIGINT, 0},
                  {SIGQUIT, 0, SIGQUIT},       {SIGSEGV, 0, SIGSEGV},     {SIGABRT, 0, SIGABRT}};
    for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++) {
        vt t;
        fresh_home();
        start(&t, i % 2 ? &direct : &colors_256, 80, 24);
        assert_true(t.alternate);
        assert_false(vt_modes_restored(&t));
        assert_true(vt_type(&t, "7"));
        kill(t.pid, deaths[i].signal);
        int status = vt_wait_exit(&t);
        if (deaths[i].by_signal) {
            bool sanitized = WIFEXITED(status) && WEXITSTATUS(status) == 1 && deaths[i].by_signal == SIGSEGV; /* it reports and exits itself */
            if (!sanitized && !(WIFSIGNALED(status) && WTERMSIG(status) == deaths[i].by_signal)) fail_msg("death %zu: status %x", i, status);
        } else {
            char path[400], *text;
            size_t n;
            if (!(WIFEXITED(status) && WEXITSTATUS(status) == deaths[i].exit_code)) fail_msg("death %zu: status %x; %s", i, status, t.raw);
            snprintf(path, sizeof path, "%s/state/saint-workbench/session.json", wb_home);
            assert_ok(saint_file_read(path, 1 << 20, &text, &n, err));
            assert_non_null(strstr(text, "\"Log\"")); /* asked to end, it keeps the session */
            free(text);
        }
        assert_restored(&t, true);
        vt_close(&t);
    }
}

static void a_terminal_that_goes_away_ends_it(void **state)
{
    (void)state;
    fresh_home();
    vt t;
    int status = -1;
    start(&t, &colors_256, 80, 24);
    close(t.master);
    close(t.slave);
    t.master = t.slave = -1;
    assert_int_equal(waitpid(t.pid, &status, 0), t.pid);
    t.pid = -1;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 128 + SIGHUP);
    vt_close(&t);
}

/* A shell with job control starts it; it is stopped from the keyboard and comes back in another size. */
static void it_can_be_stopped_and_woken(void **state)
{
    (void)state;
    fresh_home();
    vt t;
    char command[4096], home[400];
    snprintf(command, sizeof command, "set -m; '%.1000s' --model '%.1000s/llava-tiny-new' --data 'images:%.1000s/pictures'; echo \"stopped with $?\"; read x; fg; echo \"left with $?\"",
             SAINT_BINARY, SAINT_FIXTURE_DIR, SAINT_FIXTURE_DIR);
    snprintf(home, sizeof home, "XDG_STATE_HOME=%s", wb_home);
    char *argv[] = {"/bin/bash", "--norc", "-c", command, NULL},
         *env[] = {"TERM=xterm-256color", "LC_ALL=C.UTF-8", "SAINT_WB_SYNC=idle", home, "PATH=/usr/bin:/bin", NULL};
    assert_true(vt_open(&t, 80, 24, argv, env));
    assert_true(vt_until(&t, "a-32.png"));
    assert_true(t.alternate);
    vt_send(&t, "\032");
    assert_true(vt_until(&t, "stopped with 148"));
    assert_false(t.alternate);
    assert_true(t.cursor_shown);
    assert_int_equal(vt_later(&t, "\033[?2004h", "\033[?2004l"), 2);
    vt_resize(&t, 100, 30);
    vt_send(&t, "\r");
    assert_true(vt_until(&t, "a-32.png"));
    assert_true(t.alternate);
    assert_true(vt_type(&t, "7"));
    assert_true(vt_until(&t, "since the start"));
    char row[1024];
    vt_row(&t, 29, row, sizeof row);
    assert_non_null(strstr(row, "Help"));
    vt_send(&t, "q");
    assert_true(vt_until(&t, "left with 0"));
    assert_false(t.alternate);
    vt_close(&t);
}

static void the_mouse_is_used_and_left_alone(void **state)
{
    (void)state;
    fresh_home();
    vt t;
    start(&t, &colors_256, 120, 36);
    assert_int_equal(t.mouse, VTERM_PROP_MOUSE_DRAG);
    char row[1024], click[80];
    vt_row(&t, 0, row, sizeof row);
    int x = (int)(strstr(row, "7 Log") - row);
    snprintf(click, sizeof click, "\033[<0;%d;1M\033[<0;%d;1m", x + 1, x + 1);
    assert_true(vt_type(&t, click));
    assert_true(vt_until(&t, "since the start"));
    vt_row(&t, 35, row, sizeof row);
    x = (int)(strstr(row, "Help") - row);
    snprintf(click, sizeof click, "\033[<0;%d;36M\033[<0;%d;36m", x + 1, x + 1);
    assert_true(vt_type(&t, click));
    assert_true(vt_until(&t, "Everywhere"));
    assert_true(vt_type(&t, "\033"));
    assert_true(vt_type(&t, "M"));
    assert_int_equal(t.mouse, VTERM_PROP_MOUSE_NONE);
    vt_send(&t, "q");
    assert_exit(&t, 0);
    vt_close(&t);
    start(&t, &colors_256, 120, 36); /* it remembers */
    assert_int_equal(t.mouse, VTERM_PROP_MOUSE_NONE);
    assert_true(vt_type(&t, "M"));
    vt_send(&t, "q");
    assert_exit(&t, 0);
    vt_close(&t);
    static const char *const without[] = {TINY, "--no-mouse", NULL};
    start_with(&t, &colors_256, 120, 36, without);
    assert_null(strstr(t.raw, "\033[?1000h"));
    assert_null(strstr(t.raw, "\033[?1002h"));
    vt_send(&t, "q");
    assert_exit(&t, 0);
    vt_close(&t);
    start(&t, &colors_256, 120, 36); /* an option is for once */
    assert_int_equal(t.mouse, VTERM_PROP_MOUSE_DRAG);
    vt_send(&t, "q");
    assert_exit(&t, 0);
    vt_close(&t);
}

/* The terminal is asked for its ground and answers when it likes, in pieces; what looks like it later is keys again. */
static void the_ground_decides_the_theme(void **state)
{
    (void)state;
    fresh_home();
    vt t;
    start(&t, &direct, 120, 36);
    assert_non_null(strstr(t.raw, "\033]11;?"));
    saint_ui_color dark = vt_cell(&t, 2, 0).bg;
    vt_send(&t, "\033]11;rgb:fd");
    assert_true(vt_type(&t, "fd/f6f6/e3e3\033\\"));
    saint_ui_color light = vt_cell(&t, 2, 0).bg;
    assert_int_not_equal(dark, light);
    assert_true(vt_type(&t, "7"));
    assert_true(vt_until(&t, "since the start"));
    assert_true(vt_type(&t, ":theme dark\r"));
    assert_int_equal(vt_cell(&t, 2, 0).bg, dark);
    vt_send(&t, "q");
    assert_exit(&t, 0);
    vt_close(&t);
    start(&t, &direct, 120, 36); /* who has chosen is not asked again */
    assert_null(strstr(t.raw, "\033]11;?"));
    assert_int_equal(vt_cell(&t, 2, 0).bg, dark);
    vt_send(&t, "q");
    assert_exit(&t, 0);
    vt_close(&t);
    fresh_home();
    static const wb_env says_light = {"xterm-256color", "C.UTF-8", "truecolor", "COLORFGBG=0;15"};
    start(&t, &says_light, 120, 36);
    assert_null(strstr(t.raw, "\033]11;?"));
    assert_int_equal(vt_cell(&t, 2, 0).bg, light);
    vt_send(&t, "q");
    assert_exit(&t, 0);
    vt_close(&t);
}

static void a_broken_picture_is_passed(void **state)
{
    (void)state;
    fresh_home();
    char path[400], data[400], *bytes;
    size_t n;
    assert_ok(saint_file_read(SAINT_FIXTURE_DIR "/pictures/a-32.png", 1 << 20, &bytes, &n, err));
    for (const char *name = "abcd"; *name; name++) {
        snprintf(path, sizeof path, "%s/%c.png", wb_home, *name);
        assert_ok(saint_file_write(path, bytes, *name == 'b' || *name == 'c' ? n / 2 : n, err));
    }
    free(bytes);
    snprintf(data, sizeof data, "images:%s", wb_home);
    const char *const args[] = {"--model", SAINT_FIXTURE_DIR "/llava-tiny-new", "--data", data, NULL};
    vt t;
    start_with(&t, &colors_256, 120, 36, args);
    assert_true(vt_until(&t, "a.png 1/4"));
    assert_true(vt_type(&t, "]"));
    assert_true(vt_until(&t, "/b.png: expected"));
    assert_true(vt_type(&t, "]"));
    assert_true(vt_until(&t, "/c.png: expected"));
    assert_true(vt_type(&t, "]"));
    assert_true(vt_until(&t, "d.png 4/4"));
    assert_true(vt_type(&t, "["));
    assert_true(vt_until(&t, "/c.png: expected"));
    assert_true(vt_type(&t, ":sample 1\r"));
    assert_true(vt_until(&t, "a.png 1/4"));
    snprintf(path, sizeof path, ":open %s/d.png\r", wb_home);
    assert_true(vt_type(&t, path));
    char row[1024];
    do vt_row(&t, 0, row, sizeof row); /* its name, not its folders */
    while (!strstr(row, " d.png ") && vt_wait_mark(&t));
    assert_non_null(strstr(row, " d.png "));
    assert_null(strstr(row, "/d.png"));
    vt_send(&t, "q");
    assert_exit(&t, 0);
    vt_close(&t);
}

static void escape_ends_painting(void **state)
{
    (void)state;
    fresh_home();
    vt t;
    start(&t, &colors_256, 120, 36);
    assert_true(vt_type(&t, ":focus picture\r"));
    assert_true(vt_type(&t, "p"));
    assert_true(vt_until(&t, "painting out"));
    assert_true(vt_type(&t, "\033"));
    assert_true(vt_until(&t, "no more painting"));
    assert_false(vt_shows(&t, "painting out"));
    vt_send(&t, "q");
    assert_exit(&t, 0);
    vt_close(&t);
}

static void the_session_comes_back(void **state)
{
    (void)state;
    fresh_home();
    vt t;
    start(&t, &colors_256, 120, 36);
    assert_true(vt_type(&t, "]"));
    assert_true(vt_until(&t, "b-32.png 2/5"));
    assert_true(vt_type(&t, ":question Is it red?\r"));
    assert_true(vt_type(&t, ":theme light\r"));
    assert_true(vt_type(&t, "7"));
    vt_send(&t, "q");
    assert_exit(&t, 0);
    vt_close(&t);
    static const char *const model[] = {"--model", SAINT_FIXTURE_DIR "/llava-tiny-new", NULL};
    char path[400], *text;
    size_t n;
    snprintf(path, sizeof path, "%s/state/saint-workbench/session.json", wb_home);
    assert_ok(saint_file_read(path, 1 << 20, &text, &n, err));
    assert_non_null(strstr(text, "light"));
    assert_null(strstr(text, "pictures")); /* --data was for once */
    free(text);
    static const char session[] = "{\"page\":\"Log\",\"data\":\"images:" SAINT_FIXTURE_DIR "/pictures\",\"sample\":\"c-32.png\",\"question\":\"Is it blue?\"}";
    assert_ok(saint_file_write(path, session, sizeof session - 1, err));
    start_with(&t, &colors_256, 200, 36, model);
    assert_true(vt_until(&t, "c-32.png 3/5"));
    assert_true(vt_until(&t, "Is it blue?"));
    assert_true(vt_shows(&t, "since the start"));
    vt_send(&t, "q");
    assert_exit(&t, 0);
    vt_close(&t);
    /* and a damaged one is said so and survived */
    assert_ok(saint_file_write(path, "{\"page\":", 8, err));
    start(&t, &colors_256, 120, 36);
    assert_true(vt_type(&t, "7"));
    assert_true(vt_until(&t, "the last session cannot be read"));
    vt_send(&t, "q");
    assert_exit(&t, 0);
    vt_close(&t);
}

/* Nobody can ask a killed program to keep anything: it has done so a moment after the last key. */
static void a_killed_program_has_kept_the_session(void **state)
{
    (void)state;
    fresh_home();
    vt t;
    char path[400];
    snprintf(path, sizeof path, "%s/state/saint-workbench", wb_home);
    start(&t, &colors_256, 120, 36);
    int watch = inotify_init1(IN_CLOEXEC);
    assert_true(watch >= 0 && inotify_add_watch(watch, path, IN_MOVED_TO) >= 0);
    assert_true(vt_type(&t, ":set keep_num=21\r"));
    assert_true(vt_type(&t, "7"));
    bool kept = false;
    while (!kept) {
        char events[4096], *text;
        size_t n;
        struct pollfd p = {.fd = watch, .events = POLLIN};
        if (poll(&p, 1, VT_PATIENCE_MS) != 1) fail_msg("the session was never written");
        assert_true(read(watch, events, sizeof events) > 0);
        char file[450];
        snprintf(file, sizeof file, "%s/session.json", path);
        if (!saint_file_exists(file)) continue;
        assert_ok(saint_file_read(file, 1 << 20, &text, &n, err));
        kept = strstr(text, "\"Log\"") != NULL;
        free(text);
    }
    close(watch);
    kill(t.pid, SIGKILL);
    vt_close(&t);
    start(&t, &colors_256, 120, 36);
    assert_true(vt_shows(&t, "since the start")); /* the page */
    assert_true(vt_type(&t, "1"));
    assert_true(vt_until(&t, "21"));
    vt_send(&t, "q");
    assert_exit(&t, 0);
    vt_close(&t);
}

static void what_is_missing_is_said(void **state)
{
    (void)state;
    fresh_home();
    vt t;
    static const char *const nothing[] = {"--model", "/nowhere/at/all", "--data", "images:" SAINT_FIXTURE_DIR "/pictures", NULL};
    start_with(&t, &colors_256, 160, 36, nothing);
    assert_true(vt_until(&t, "/nowhere/at/all"));
    assert_true(vt_until(&t, "a-32.png 1/5")); /* the pictures are there all the same */
    assert_true(vt_type(&t, "!"));
    assert_true(vt_until(&t, "run: /nowhere/at/all"));
    vt_send(&t, "q");
    assert_exit(&t, 0);
    vt_close(&t);
    static const wb_env ranks = {"xterm-256color", "C.UTF-8", "", "OMPI_COMM_WORLD_SIZE=8"};
    assert_true(wb_open(&t, 80, 24, &ranks, "idle", tiny));
    assert_exit(&t, 2);
    assert_non_null(strstr(t.raw, "OMPI_COMM_WORLD_SIZE"));
    vt_close(&t);
    /* a place for the session that cannot be is said when it is too late to see the log */
    char blocked[300], below[400];
    snprintf(blocked, sizeof blocked, "%s/blocked", wb_home);
    snprintf(below, sizeof below, "XDG_STATE_HOME=%.300s/state", blocked);
    assert_ok(saint_file_write(blocked, "", 0, err));
    const wb_env no_place = {"xterm-256color", "C.UTF-8", "", below};
    assert_true(wb_open(&t, 120, 36, &no_place, "idle", tiny));
    assert_true(vt_until(&t, "answer in"));
    vt_send(&t, "q");
    assert_exit(&t, 0);
    assert_non_null(strstr(t.raw, "the session is not kept"));
    vt_close(&t);
    static const wb_env unknown = {"no-such-terminal", "C.UTF-8", "", "ASAN_OPTIONS=detect_leaks=0"};
    assert_true(wb_open(&t, 80, 24, &unknown, "idle", tiny));
    assert_exit(&t, 2);
    assert_non_null(strstr(t.raw, "TERM=no-such-terminal"));
    assert_true(vt_modes_restored(&t));
    vt_close(&t);
}

static void what_libraries_print_stays_off_the_screen(void **state)
{
    (void)state;
    fresh_home();
    /* the loader of shared objects complains on stderr before main(); what matters is that nothing of ours lands there while the screen is up */
    vt t;
    start(&t, &colors_256, 100, 30);
    char path[64], target[256];
    snprintf(path, sizeof path, "/proc/%d/fd/2", (int)t.pid);
    ssize_t n = readlink(path, target, sizeof target - 1);
    assert_true(n > 0);
    target[n] = 0;
    assert_int_equal(strncmp(target, "pipe:", 5), 0);
    int fd = open(path, O_WRONLY | O_NONBLOCK);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a library speaks\n", 17), 17);
    close(fd);
    assert_true(vt_type(&t, "7"));
    assert_true(vt_until(&t, "a library speaks"));
    vt_send(&t, "q");
    assert_exit(&t, 0);
    vt_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_opens_answers_keys_and_leaves),
        cmocka_unit_test(it_shares_the_device),
        cmocka_unit_test(every_terminal_is_served),
        cmocka_unit_test(a_storm_of_sizes_ends_in_the_last_one),
        cmocka_unit_test(the_terminal_comes_back_after_any_death),
        cmocka_unit_test(a_terminal_that_goes_away_ends_it),
        cmocka_unit_test(it_can_be_stopped_and_woken),
        cmocka_unit_test(the_mouse_is_used_and_left_alone),
        cmocka_unit_test(the_ground_decides_the_theme),
        cmocka_unit_test(a_broken_picture_is_passed),
        cmocka_unit_test(escape_ends_painting),
        cmocka_unit_test(the_session_comes_back),
        cmocka_unit_test(a_killed_program_has_kept_the_session),
        cmocka_unit_test(what_is_missing_is_said),
        cmocka_unit_test(what_libraries_print_stays_off_the_screen),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    wb_end();
    return failed;
}
