/* The workbench from outside: what it refuses before a screen is up, and scripts without one. */
#define _GNU_SOURCE
#include "support/test.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

typedef struct {
    int status;
    char text[65536]; /* stdout and stderr */
} outcome;

static outcome last;

/* `saint ARGUMENTS` with nothing on stdin and no terminal anywhere. */
static const outcome *saint(const char *before, const char *arguments)
{
    char command[4096];
    snprintf(command, sizeof command, "%s '%s' %s </dev/null 2>&1", before, SAINT_BINARY, arguments);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    size_t n = fread(last.text, 1, sizeof last.text - 1, f);
    last.text[n] = 0;
    int status = pclose(f);
    assert_true(WIFEXITED(status));
    last.status = WEXITSTATUS(status);
    return &last;
}

static void refused(const char *before, const char *arguments, const char *says)
{
    saint(before, arguments);
    if (last.status != 2 || !strstr(last.text, says)) fail_msg("%s: status %d, it said: %s", arguments, last.status, last.text);
    if (strchr(last.text, '\n') != last.text + strlen(last.text) - 1) fail_msg("%s: more than one line: %s", arguments, last.text);
}

#define TINY "--model " SAINT_FIXTURE_DIR "/llava-tiny-new --data images:" SAINT_FIXTURE_DIR "/pictures "

static void without_a_terminal_it_says_what_it_needs(void **state)
{
    (void)state;
    saint("", "");
    assert_int_equal(last.status, 2);
    assert_non_null(strstr(last.text, "usage: saint COMMAND"));
    refused("", "ui", "needs a terminal");
    refused("", "--theme light", "needs a terminal");
}

static void what_is_wrong_is_said_before_anything_opens(void **state)
{
    (void)state;
    refused("", "--theme pink", "expected dark, light or contrast");
    refused("", "ui --preset no-such", "no such preset");
    refused("", "ui --set keep_nun=3", "the nearest is keep_num");
    refused("", "ui --set keep_num=many", "expected a number");
    refused("", "ui --compat somehow", "expected reference or corrected");
    refused("", "ui --threads 0", "expected a whole number");
    refused("", "ui --model a --shape vit-b16-224", "either --model DIR or --shape NAME");
    refused("", "ui --no-such-option", "no such option");
    refused("", "ui --script /nowhere/at.all", "/nowhere/at.all");
    refused("OMPI_COMM_WORLD_SIZE=8", "ui", "start it alone");
    refused("SLURM_STEP_NUM_TASKS=4", TINY "--script /dev/null", "start it alone");
    saint("", "ui --help");
    assert_int_equal(last.status, 0);
    assert_non_null(strstr(last.text, "--script FILE"));
    assert_non_null(strstr(last.text, "--no-mouse"));
}

static void write_script(const char *path, const char *text) { assert_ok(saint_file_write(path, text, strlen(text), err)); }

static void scripts_run_without_a_screen(void **state)
{
    (void)state;
    char path[64], record[64], arguments[1024], *text;
    size_t n;
    snprintf(path, sizeof path, "/tmp/saint-cli-ui-%d", getpid());
    snprintf(record, sizeof record, "/tmp/saint-cli-ui-record-%d", getpid());
    snprintf(arguments, sizeof arguments, TINY "--set keep_num=41 --script %s --record %s", path, record);
    write_script(path, "size 120x36\nwait idle\nexpect \"llava-tiny-new\"\nexpect \"a-32.png 1/5\"\nexpect \"answer in\"\nsample +1\nwait idle\n"
                       "expect \"b-32.png 2/5\"\nset keep_num=30\nwait idle\nkey 7\nexpect \"since the start\"\nquit\nexpect-exit 0\n");
    saint("", arguments);
    if (last.status != 0 || last.text[0]) fail_msg("status %d, it said: %s", last.status, last.text);
    assert_ok(saint_file_read(record, 1 << 16, &text, &n, err));
    assert_non_null(strstr(text, "sample +1\n")); /* a script that plays is recorded like hands */
    assert_non_null(strstr(text, "set keep_num=30\n"));
    free(text);
    write_script(path, "wait idle\nexpect \"c-32.png\"\n");
    saint("", arguments);
    assert_int_equal(last.status, 1);
    assert_non_null(strstr(last.text, ":2: expected \"c-32.png\"; the screen:\n"));
    write_script(path, "wait idle\nset keep_num=banana\n");
    saint("", arguments);
    assert_int_equal(last.status, 1);
    assert_non_null(strstr(last.text, ":2: "));
    write_script(path, "wait\n");
    refused("", arguments, ":1: wait");
    write_script(path, "key 7\nquit\n"); /* no room for the recording: the rest goes on, and nobody is left to believe in it */
    saint("trap '' XFSZ; ulimit -f 0;", arguments);
    assert_int_equal(last.status, 1);
    assert_non_null(strstr(last.text, "the recording is not whole: File too large"));
    unlink(path);
    unlink(record);
}

/* Nothing of the user's is touched by a script, and a session that is named is kept. */
static void sessions_are_kept_where_they_are_named(void **state)
{
    (void)state;
    char folder[] = "/tmp/saint-cli-ui-XXXXXX", path[64], session[64], before[256], arguments[1024], *text;
    size_t n;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/script", folder);
    snprintf(session, sizeof session, "%s/session.json", folder);
    snprintf(before, sizeof before, "XDG_STATE_HOME=%s/state", folder);
    write_script(path, "wait idle\nset keep_num=33\nlayer 1\nwait idle\n");
    snprintf(arguments, sizeof arguments, TINY "--script %s", path);
    saint(before, arguments);
    assert_int_equal(last.status, 0);
    snprintf(arguments, sizeof arguments, "%s/state/saint-workbench/session.json", folder);
    assert_false(saint_file_exists(arguments));
    snprintf(arguments, sizeof arguments, TINY "--script %s --session %s", path, session);
    saint(before, arguments);
    assert_int_equal(last.status, 0);
    assert_ok(saint_file_read(session, 1 << 20, &text, &n, err));
    assert_non_null(strstr(text, "\"33\""));
    assert_null(strstr(text, "llava-tiny-new")); /* what the command line asked for is for once */
    free(text);
    write_script(path, "wait idle\nexpect \"33\"\n");
    saint(before, arguments);
    if (last.status != 0) fail_msg("the plan did not come back: %s", last.text);
    snprintf(arguments, sizeof arguments, "rm -r '%s'", folder);
    assert_int_equal(system(arguments), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_terminal_it_says_what_it_needs),
        cmocka_unit_test(what_is_wrong_is_said_before_anything_opens),
        cmocka_unit_test(scripts_run_without_a_screen),
        cmocka_unit_test(sessions_are_kept_where_they_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
