/* Scripts: what a line means, what is refused, and whole scripts on a screen that nobody sees. */
#define _GNU_SOURCE
#include "support/test.h"

#include <unistd.h>

#include "base/file.h"
#include "ui/loop/core.h"
#include "ui/loop/script.h"

static ui_script_line parsed(const char *text)
{
    ui_script_line l;
    saint_error e = {0};
    if (ui_script_parse(text, &l, &e) != SAINT_OK) fail_msg("%s: %s", text, e.text);
    return l;
}

static void lines_mean_what_they_say(void **state)
{
    (void)state;
    assert_int_equal(parsed("").kind, UI_SCRIPT_NOTHING);
    assert_int_equal(parsed("  # a remark").kind, UI_SCRIPT_NOTHING);
    ui_script_line l = parsed("size 120x36");
    assert_int_equal(l.kind, UI_SCRIPT_SIZE);
    assert_int_equal(l.x, 120);
    assert_int_equal(l.y, 36);
    l = parsed("key , , < Ctrl-P Shift-Left");
    assert_int_equal(l.kind, UI_SCRIPT_KEY);
    assert_string_equal(l.text, ", , < Ctrl-P Shift-Left");
    l = parsed("type 384 and more");
    assert_int_equal(l.kind, UI_SCRIPT_TYPE);
    assert_string_equal(l.text, "384 and more");
    l = parsed("mouse press 10 5");
    assert_int_equal(l.kind, UI_SCRIPT_MOUSE);
    assert_int_equal(l.mouse, SAINT_UI_MOUSE_DOWN);
    assert_int_equal(l.x, 10);
    assert_int_equal(l.y, 5);
    assert_false(l.drag);
    l = parsed("mouse press 10 5 20 6");
    assert_true(l.drag);
    assert_int_equal(l.x2, 20);
    assert_int_equal(parsed("mouse click 1 1").mouse, 5);
    assert_int_equal(parsed("mouse off").kind, UI_SCRIPT_COMMAND); /* the action of that name */
    assert_true(parsed("wait idle").seconds < 0);
    assert_true(parsed("wait 0.5").seconds == 0.5);
    l = parsed("expect \"a \\\"b\\\" \\\\\" at 3 4");
    assert_int_equal(l.kind, UI_SCRIPT_EXPECT);
    assert_string_equal(l.text, "a \"b\" \\");
    assert_int_equal(l.x, 3);
    assert_int_equal(l.y, 4);
    assert_int_equal(parsed("expect \"x\"").x, -1);
    assert_int_equal(parsed("expect-not \"x\"").kind, UI_SCRIPT_EXPECT_NOT);
    assert_int_equal(parsed("screen a.png").kind, UI_SCRIPT_SCREEN);
    assert_int_equal(parsed("expect-exit 130").x, 130);
    l = parsed(":set keep_num=96");
    assert_int_equal(l.kind, UI_SCRIPT_COMMAND);
    assert_string_equal(l.text, "set keep_num=96");
    assert_string_equal(parsed("  layer 19").text, "layer 19");
}

static void what_is_wrong_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"size 120", "size 0x4", "size 99999x3", "size 12x3 4", "key", "key Hyper-Q", "mouse press 1", "mouse press 1 2 3",
                                      "mouse drag 1 2 3 4", "mouse poke 1 2", "mouse press -1 2", "wait", "wait forever", "wait -1", "wait nan",
                                      "expect", "expect x", "expect \"\"", "expect \"x", "expect \"x\" at 3", "expect \"x\" in 3 4", "screen",
                                      "expect-exit", "expect-exit 256", "expect-exit x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ui_script_line l;
        saint_error e = {0};
        if (ui_script_parse(bad[i], &l, &e) != SAINT_FORMAT || !e.text[0]) fail_msg("\"%s\" was accepted", bad[i]);
    }
    char *longer = malloc(5000);
    memset(longer, 'x', 4999);
    longer[4999] = 0;
    ui_script_line l;
    assert_int_equal(ui_script_parse(longer, &l, NULL), SAINT_FORMAT);
    free(longer);
}

/* A whole script; returns the exit status, *words (may be NULL) what it said last. */
static int play(const char *text, char *words, size_t size)
{
    char path[] = "/tmp/saint-script-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    ui *u;
    ui_options o = {.headless = true, .script = path};
    saint_error e = {0};
    saint_status s = ui_new(&o, &u, &e);
    unlink(path);
    if (words) words[0] = 0;
    if (s != SAINT_OK) {
        if (words) snprintf(words, size, "%s", e.text);
        return 2;
    }
    ui_run(u);
    int status = u->exit_status;
    if (words && u->core->last_words) snprintf(words, size, "%s", u->core->last_words);
    ui_close(u);
    return status;
}

static void scripts_are_performed(void **state)
{
    (void)state;
    char words[8192];
    assert_int_equal(play("size 100x30\npage log\nexpect \"since the start\"\nexpect-not \"Everywhere\"\nkey ?\nexpect \"Everywhere\"\nkey Esc\n"
                          "expect-not \"Everywhere\"\ntype :theme light\\n\nexpect \"theme light\"\nquit\nexpect-exit 0\n",
                          words, sizeof words),
                     0);
    assert_string_equal(words, "");
    assert_int_equal(play("size 80x24\nexpect \"no such words\"\n", words, sizeof words), 1);
    assert_non_null(strstr(words, ":2: expected \"no such words\"; the screen:\n SAINT"));
    assert_int_equal(play("page log\n\nrun\n", words, sizeof words), 1);
    assert_non_null(strstr(words, ":3: run: there is no model"));
    assert_int_equal(play("quit\npage log\n", words, sizeof words), 1);
    assert_non_null(strstr(words, ":2: the program has quit already"));
    assert_int_equal(play("quit\nexpect-exit 3\n", words, sizeof words), 1);
    assert_int_equal(play("page log\nsize oops\n", words, sizeof words), 2); /* before anything happens */
    assert_non_null(strstr(words, ":2: size oops"));
    assert_int_equal(play("# nothing at all\n", words, sizeof words), 0);
    assert_int_equal(play("wait 5\nwait idle\nquit\n", words, sizeof words), 0); /* the clock is turned, nobody waits */
}

static void the_mouse_clicks_what_is_seen(void **state)
{
    (void)state;
    char words[8192];
    assert_int_equal(play("size 120x36\nmouse click 112 0\nexpect \"since the start\"\nmouse click 2 35\nexpect \"Everywhere\"\nkey Esc\n"
                          "mouse off\nmouse click 60 0\nexpect \"since the start\"\n",
                          words, sizeof words),
                     0);
    assert_string_equal(words, "");
}

static void screens_are_written(void **state)
{
    (void)state;
    char words[8192], script[512], *text;
    size_t n;
    snprintf(script, sizeof script, "size 60x20\npage log\nscreen /tmp/saint-screen-%d.txt\nscreen /tmp/saint-screen-%d.png\n", getpid(), getpid());
    assert_int_equal(play(script, words, sizeof words), 0);
    char path[64];
    snprintf(path, sizeof path, "/tmp/saint-screen-%d.txt", getpid());
    assert_ok(saint_file_read(path, 1 << 20, &text, &n, err));
    assert_non_null(strstr(text, "SAINT"));
    free(text);
    unlink(path);
    snprintf(path, sizeof path, "/tmp/saint-screen-%d.png", getpid());
    saint_image im;
    assert_ok(saint_image_load(path, &im, err));
    assert_int_equal(im.w, 60 * 12);
    assert_int_equal(im.h, 20 * 24);
    saint_image_free(&im);
    unlink(path);
    assert_int_equal(play("screen /nowhere/at/all.txt\n", words, sizeof words), 1);
}

/* What is recorded plays again and ends in the same place. */
static void records_play_again(void **state)
{
    (void)state;
    char path[64], *text;
    size_t n;
    snprintf(path, sizeof path, "/tmp/saint-record-%d", getpid());
    ui *u;
    ui_options o = {.headless = true, .record = path};
    assert_ok(ui_new(&o, &u, err));
    ui_frame(u);
    static const char *const keys[] = {"7", "?", "Esc", ":", "t", "h", "e", "m", "e", "Space", "l", "i", "g", "h", "t", "Enter", "Up", "Tab"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        saint_ui_event e;
        assert_true(saint_ui_key_parse(keys[i], &e));
        ui_event(u, &e);
        ui_frame(u);
    }
    ui_close(u);
    assert_ok(saint_file_read(path, 1 << 20, &text, &n, err));
    assert_string_equal(text, "size 120x36\npage log\ntheme light\nkey Up\nfocus next\n");
    char words[256];
    assert_int_equal(play(text, words, sizeof words), 0);
    free(text);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_mean_what_they_say), cmocka_unit_test(what_is_wrong_is_refused),      cmocka_unit_test(scripts_are_performed),
        cmocka_unit_test(the_mouse_clicks_what_is_seen), cmocka_unit_test(screens_are_written), cmocka_unit_test(records_play_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
