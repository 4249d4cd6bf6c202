/* saint data as a user meets it: files, streams, exit statuses. What is in them is tested in unit/test_scenes.c. */
#define _GNU_SOURCE
#include "support/test.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "formats/json.h"
#include "scenes/scenes.h"

static char folder[] = "/tmp/saint-data-XXXXXX";

typedef struct {
    int status;
    size_t bytes;
    char *out, *err;
} result;

static void slurp(const char *name, char **text, size_t *n)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(saint_file_read(path, 1 << 26, text, n, err));
}

/* Run `saint data ARGS` through the shell; %s in args is the scratch folder. */
static result data(const char *args)
{
    char command[2048], filled[1024];
    result r;
    size_t n;
    snprintf(filled, sizeof filled, args, folder);
    snprintf(command, sizeof command, "%s data %s >%s/out 2>%s/err </dev/null", SAINT_BINARY, filled, folder, folder);
    int st = system(command);
    r.status = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
    slurp("out", &r.out, &r.bytes);
    slurp("err", &r.err, &n);
    return r;
}

static void done(result r)
{
    free(r.out);
    free(r.err);
}

static void refused(const char *args, const char *words)
{
    result r = data(args);
    assert_int_equal(r.status, 2);
    assert_int_equal(r.bytes, 0);
    const char *newline = strchr(r.err, '\n');
    if (!newline || newline[1] || !strstr(r.err, words)) fail_msg("expected one line with \"%s\", found: %s", words, r.err);
    done(r);
}

static int number(const cJSON *c, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(c, key);
    assert_true(cJSON_IsNumber(v));
    return v->valueint;
}

static void the_summary_is_json_and_the_second_run_keeps_all(void **state)
{
    (void)state;
    for (int again = 0; again < 2; again++) {
        result r = data("scenes --seed 5 --count 2 --size 56 --split validation --out %s/made --json");
        cJSON *c;
        assert_int_equal(r.status, 0);
        assert_string_equal(r.err, ""); /* no progress bar: stderr is no terminal */
        assert_ok(saint_json_parse(r.out, r.bytes, r.bytes, "stdout", &c, err));
        assert_string_equal(cJSON_GetObjectItemCaseSensitive(c, "split")->valuestring, "validation");
        assert_int_equal(number(c, "pictures"), 14);
        assert_int_equal(number(c, "questions"), 28);
        assert_int_equal(number(c, "files_written"), again ? 0 : 28);
        assert_int_equal(number(c, "files_kept"), again ? 28 : 0);
        cJSON_Delete(c);
        done(r);
    }
    refused("scenes --seed 6 --count 2 --size 56 --split validation --out %s/made", "choose another --out");
    refused("scenes --seed 5 --count 1 --size 56 --split validation --out %s/made", "expected at most 1");
    refused("scenes --out %s", "choose another --out");
}

static void wrong_usage_is_one_line(void **state)
{
    (void)state;
    refused("", "expected the name of a data set");
    refused("imagenet --out %s/x", "imagenet: no such data set");
    refused("scenes", "--out DIR is needed");
    refused("scenes --out %s/x --split dev", "expected train, validation or test");
    refused("scenes --out %s/x --seed -1", "--seed -1");
    refused("scenes --out %s/x --seed 134217728", "--seed 134217728");
    refused("scenes --out %s/x --count 0", "--count 0");
    refused("scenes --out %s/x --count 2000000", "1000000");
    refused("scenes --out %s/x --size 20", "--size 20");
    refused("scenes --out %s/x --grid 24", "belong to --stream");
    refused("scenes --stream --out %s/x", "goes with neither");
    refused("scenes --stream --grid 0", "--grid 0");
    refused("scenes --out %s/err/x", "cannot be made"); /* below a file */
    char path[64];
    snprintf(path, sizeof path, "%s/x", folder);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_stream_is_the_same_from_any_start(void **state)
{
    (void)state;
    result all = data("scenes --stream --count 40 --size 56 --grid 4 --seed 2 --split train --threads 2");
    assert_int_equal(all.status, 0);
    assert_string_equal(all.err, "");
    result rest = data("scenes --stream --count 7 --start 33 --size 56 --grid 4 --seed 2 --split train --threads 1");
    assert_int_equal(rest.status, 0);
    size_t body = rest.bytes - SAINT_SCENES_STREAM_HEADER;
    assert_memory_equal(all.out, rest.out, SAINT_SCENES_STREAM_HEADER);
    assert_memory_equal(all.out + all.bytes - body, rest.out + SAINT_SCENES_STREAM_HEADER, body);
    done(all);
    done(rest);
}

static int shell(const char *fmt, const char *after)
{
    char command[1024];
    snprintf(command, sizeof command, fmt, SAINT_BINARY, after);
    int st = system(command);
    return WIFEXITED(st) ? WEXITSTATUS(st) : -1;
}

static void a_reader_that_has_enough_ends_an_endless_stream(void **state)
{
    (void)state;
    assert_int_equal(
        shell("exec 3>&1; bash -c '%s data scenes --stream --size 56 2>/dev/null | head -c 100000 >/dev/null; exit ${PIPESTATUS[0]}%s'",
              ""),
        0);
    /* A counted one that is cut short has failed. */
    assert_int_equal(
        shell("bash -c '%s data scenes --stream --size 56 --count 100000 2>/dev/null | head -c 100000 >/dev/null; exit ${PIPESTATUS[0]}%s'",
              ""),
        1);
    assert_int_equal(shell("%s data scenes --stream --size 56 --count 10 >/dev/full 2>/dev/null%s", ""), 1);
}

/* On a file system of its own, which not every place gives. */
static void a_full_disk_is_a_failure_and_no_wrong_input(void **state)
{
    (void)state;
    char line[512];
    snprintf(line, sizeof line,
             "unshare -m true 2>/dev/null || exit 77; unshare -m sh -c 'mkdir -p %s/disk && mount -t tmpfs -o size=100k none %s/disk || exit 77; "
             "%s data scenes --count 3 --out %s/disk/d 2>%s/err'",
             folder, folder, SAINT_BINARY, folder, folder);
    int how = system(line);
    if (!WIFEXITED(how) || WEXITSTATUS(how) == 77 || WEXITSTATUS(how) == 127) {
        printf("no file system of its own can be had: left out\n");
        return;
    }
    char *text;
    size_t n;
    snprintf(line, sizeof line, "%s/err", folder);
    assert_ok(saint_file_read(line, 1 << 16, &text, &n, err));
    if (WEXITSTATUS(how) != 1 || !strstr(text, "cannot be written: No space left on device")) fail_msg("exit %d: %s", WEXITSTATUS(how), text);
    free(text);
}

static int scratch(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int clean(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_summary_is_json_and_the_second_run_keeps_all),
        cmocka_unit_test(wrong_usage_is_one_line),
        cmocka_unit_test(a_stream_is_the_same_from_any_start),
        cmocka_unit_test(a_full_disk_is_a_failure_and_no_wrong_input),
        cmocka_unit_test(a_reader_that_has_enough_ends_an_endless_stream),
    };
    return cmocka_run_group_tests(tests, scratch, clean);
}
