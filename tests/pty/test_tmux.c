/* A smoke test in tmux, the terminal most people of this trade work in: a shell with job control, stopping and coming back at another size,
 * 256 and 24-bit colours, mouse bytes. What it waits for are tmux's own words (pipe-pane), never a time. Skipped without tmux. */
#define _GNU_SOURCE
#include "support/test.h"

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

static char home[] = "/tmp/saint-tmux-XXXXXX";
static int shells;     /* opened so far: a server that was killed may still be busy ending */
static int words = -1; /* all that the pane writes */

/* Run tmux on a server of our own; its output, which the next call replaces. */
static const char *tmux(const char *format, ...)
{
    static char out[1 << 18];
    char arguments[2048], command[2304];
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(arguments, sizeof arguments, format, ap);
    va_end(ap);
    (void)snprintf(command, sizeof command, "tmux -S %s/socket%d -f /dev/null %s 2>&1", home, shells, arguments);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    size_t n = fread(out, 1, sizeof out - 1, f);
    out[n] = 0;
    if (pclose(f) != 0) fail_msg("%s: %s", command, out);
    return out;
}

static double end_of_patience;

/* Wait until the pane writes something. */
static void more(void)
{
    struct pollfd p = {.fd = words, .events = POLLIN};
    double left = end_of_patience - saint_now();
    char junk[4096];
    if (left <= 0 || poll(&p, 1, (int)(left * 1e3) + 1) != 1) fail_msg("it never came; the pane:\n%s", tmux("capture-pane -p -t s"));
    assert_true(read(words, junk, sizeof junk) > 0);
}

/* The pane's text, colours included when asked, as soon as it has `want`. */
static const char *until(const char *want, bool colors)
{
    end_of_patience = saint_now() + 60;
    for (;;) {
        const char *screen = tmux("capture-pane -p %s -t s", colors ? "-e" : "");
        if (strstr(screen, want)) return screen;
        more();
    }
}

static void open_shell(const char *environment, int w, int h)
{
    char fifo[64];
    shells++;
    (void)snprintf(fifo, sizeof fifo, "%s/words", home);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    words = open(fifo, O_RDWR | O_CLOEXEC); /* both ways, so that it never ends */
    assert_true(words >= 0);
    /* Leaks are looked for elsewhere: the program may be leaving when the server is killed, and the tracer of that look, hung up with the
     * terminal, would leave it turning for ever. */
    tmux("new-session -d -s s -x %d -y %d \"env -u NO_COLOR -u COLORTERM ASAN_OPTIONS=detect_leaks=0 HOME=%s "
         "XDG_STATE_HOME=%s/state XDG_CACHE_HOME=%s/cache XDG_CONFIG_HOME=%s/config LC_ALL=C.UTF-8 PS1='ready> ' %s bash --norc --noprofile -i\"",
         w, h, home, home, home, home, environment);
    tmux("pipe-pane -t s 'cat > %s'", fifo);
    until("ready>", false);
}

static int close_shell(void **state)
{
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "tmux -S %s/socket%d kill-server 2>/dev/null; rm -f %s/words", home, shells, home);
    (void)!system(command);
    if (words >= 0) close(words);
    words = -1;
    return 0;
}

static void start_program(void)
{
    tmux("send-keys -t s -l 'clear; %s --model %s/llava-tiny-new --data images:%s/pictures'", SAINT_BINARY, SAINT_FIXTURE_DIR,
         SAINT_FIXTURE_DIR);
    tmux("send-keys -t s Enter");
    until("answer in", false);
}

static int columns(const char *screen, const char *word)
{
    const char *p = strstr(screen, word), *line = p;
    int n = 0;
    while (line && line > screen && line[-1] != '\n') line--;
    for (; p && line < p; line++) n += (*line & 0xc0) != 0x80; /* characters, not bytes */
    return p ? n : -1;
}

static void it_stops_and_comes_back_at_another_size(void **state)
{
    (void)state;
    open_shell("TERM=tmux-256color", 100, 30);
    start_program();
    int before = columns(until("7 Log", false), "7 Log");
    tmux("send-keys -t s C-z");
    until("Stopped", false);
    tmux("resize-window -t s -x 120 -y 36");
    tmux("send-keys -t s -l fg");
    tmux("send-keys -t s Enter");
    until("7 Log", false);
    while (columns(until("7 Log", false), "7 Log") != before + 20) more(); /* the tabs stand at the right edge */
    tmux("send-keys -t s q");
    until("ready>", false);
    assert_null(strstr(tmux("capture-pane -p -t s"), "7 Log")); /* the shell's own screen is back */
}

static void colours_are_what_the_terminal_has(void **state)
{
    (void)state;
    open_shell("TERM=tmux-256color", 100, 30);
    start_program();
    const char *screen = tmux("capture-pane -p -e -t s");
    assert_non_null(strstr(screen, "38;5;"));
    assert_null(strstr(screen, "38;2;"));
    close_shell(NULL);
    open_shell("TERM=tmux-256color COLORTERM=truecolor", 100, 30);
    start_program();
    assert_non_null(strstr(tmux("capture-pane -p -e -t s"), "38;2;"));
}

static void a_click_reaches_a_tab(void **state)
{
    (void)state;
    open_shell("TERM=tmux-256color", 100, 30);
    start_program();
    assert_int_equal(atoi(tmux("display-message -p -t s '#{mouse_any_flag}'")), 1);
    int x = columns(until("7 Log", false), "7 Log") + 2;
    /* Pressed and released, in the words that the program asked tmux for. */
    if (atoi(tmux("display-message -p -t s '#{mouse_sgr_flag}'")) == 1)
        tmux("send-keys -t s -H 1b 5b 3c 30 3b %x %x 3b 31 4d 1b 5b 3c 30 3b %x %x 3b 31 6d", '0' + x / 10, '0' + x % 10, '0' + x / 10,
             '0' + x % 10);
    else tmux("send-keys -t s -H 1b 5b 4d 20 %x 21 1b 5b 4d 23 %x 21", 32 + x, 32 + x);
    until("since the start", false);
    tmux("send-keys -t s q");
    until("ready>", false);
    assert_int_equal(atoi(tmux("display-message -p -t s '#{mouse_any_flag}'")), 0);
}

/* A program that was hung up may still be writing its session. */
static int end(void **state)
{
    (void)state;
    char command[64];
    int left = 1;
    (void)snprintf(command, sizeof command, "rm -rf %s 2>/dev/null", home);
    for (int i = 0; left && i < 1000; i++) left = system(command);
    return left;
}

int main(void)
{
    if (system("tmux -V >/dev/null 2>&1") != 0 || system("bash --version >/dev/null 2>&1") != 0) {
        fputs("skipped: tmux is not installed\n", stderr);
        return 77;
    }
    if (!mkdtemp(home)) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(it_stops_and_comes_back_at_another_size, close_shell),
        cmocka_unit_test_teardown(colours_are_what_the_terminal_has, close_shell),
        cmocka_unit_test_teardown(a_click_reaches_a_tab, close_shell),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
