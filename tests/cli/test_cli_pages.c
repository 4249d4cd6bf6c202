/* The A/B, speed and layer pages in the program itself, driven by a script without a terminal. */
#define _GNU_SOURCE
#include "support/test.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/saint-pages-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* Exit status; what it printed goes to the test's own output. */
static int drive(const char *script)
{
    char path[128], command[2048];
    saint_error e;
    snprintf(path, sizeof path, "%s/script", folder);
    assert_int_equal(saint_file_write(path, script, strlen(script), &e), SAINT_OK);
    snprintf(command, sizeof command,
             "cd %s && XDG_STATE_HOME=%s XDG_CONFIG_HOME=%s XDG_CACHE_HOME=%s %s ui --model %s/llava-tiny-new --data images:%s/pictures "
             "--threads 2 "
             "--script script </dev/null 2>&1",
             folder, folder, folder, folder, SAINT_BINARY, SAINT_FIXTURE_DIR, SAINT_FIXTURE_DIR);
    int st = system(command);
    return WIFEXITED(st) ? WEXITSTATUS(st) : 128;
}

static void two_plans_are_compared_matched_measured(void **state)
{
    (void)state;
    assert_int_equal(drive("size 120x36\n"
                           "wait idle\n"
                           "set mode=vit prune_mode=None prune_mode[1]=grid keep_num=20\n"
                           "wait idle\n"
                           "pin\n"
                           "set prune_mode[1]=random keep_num=40\n"
                           "wait idle\n"
                           "page a/b\n"
                           "wait idle\n"
                           "expect \"ViT 1 grid 20\"\n"
                           "expect \"ViT 1 random 40\"\n"
                           "layer llm 1\n"
                           "expect \"LLM 1: 19 of\"\n"
                           "expect \"LLM 1: 39 of\"\n"
                           "expect \"keep_num[1]\"\n"
                           "key =\n"
                           "expect \"keep_num 40 -> 20: 19.00 tokens per layer, A has 19.00 (+0.00)\"\n"
                           "expect \"LLM 1: 19 of\"\n"
                           "key d\n"
                           "expect \"A and B\"\n"
                           "expect \"only A\"\n"
                           "key x\n"
                           "wait idle\n"
                           "expect \"prune_mode[1]\"\n"
                           "key u u\n"
                           "wait idle\n"
                           "page speed\n"
                           "wait idle\n"
                           "expect \"these are single runs\"\n"
                           "quit\n"),
                     1); /* the last line is a lie: a script that passes everything proves nothing */
    assert_int_equal(drive("size 200x60\n"
                           "wait idle\n"
                           "set mode=vit prune_mode=None prune_mode[1]=grid keep_num=20\n"
                           "page speed\n"
                           "wait idle\n"
                           "expect \"These are single runs\"\n"
                           "expect \"Selection costs\"\n"
                           "expect \"pays from\"\n"
                           "key m\n"
                           "wait idle\n"
                           "expect \"measured n=\"\n"
                           "expect \"before the first token, 95 %\"\n"
                           "expect-not \"These are single runs\"\n"
                           "page layers\n"
                           "wait idle\n"
                           "expect \"unpruned, alike from 0.75, K 5\"\n"
                           "expect \"mean cosine\"\n"
                           "key w\n"
                           "expect \"this plan, alike from 0.75\"\n"
                           "key + +\n"
                           "expect \"alike from 0.77\"\n"
                           "key v\n"
                           "expect \"grid drops\"\n"
                           "quit\n"
                           "expect-exit 0\n"),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_plans_are_compared_matched_measured, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
