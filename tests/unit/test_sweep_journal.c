/* Journals: lines with a CRC, torn at every place, written where there is no room, read on from where reading stopped. */
#define _GNU_SOURCE
#include "support/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "sweep/folder.h"
#include "sweep/journal.h"

static char folder[64];

static int begin(void **state)
{
    (void)state;
    saint_error e = {0};
    snprintf(folder, sizeof folder, "/tmp/saint-journal-XXXXXX");
    return mkdtemp(folder) && sweep_folder_make(folder, &e) == SAINT_OK ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static const char plan[] = "0123456789abcdef";
static const sweep_rank alone = {.world = 1, .local_rank = -1, .launcher = "none"};

static sweep_launch launch(void)
{
    static char *argv[] = {"saint", "sweep", "\xff odd"};
    return (sweep_launch){.plan = plan,
                          .rank = &alone,
                          .dtype = "f32",
                          .backend = "cpu",
                          .device = "cpu",
                          .driver = "",
                          .kernels = "generic",
                          .threads = 2,
                          .argc = 3,
                          .argv = argv};
}

static eval_result result(uint64_t trial, uint32_t sample)
{
    static char output[] = "Yes";
    static int32_t ids[] = {3, 4};
    return (eval_result){.trial = trial,
                         .sample = sample,
                         .output = output,
                         .ids = ids,
                         .n_ids = 2,
                         .stop = "eos",
                         .margin = 0.5f,
                         .diverged = -1,
                         .s_total = 0.25,
                         .finished = 1.8e9};
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static void crc_equals_the_standard(void **state)
{
    (void)state;
    assert_int_equal(sweep_crc32("123456789", 9), 0xcbf43926);
    assert_int_equal(sweep_crc32("", 0), 0);
    assert_int_equal(sweep_crc32("The quick brown fox jumps over the lazy dog", 43), 0x414fa339);
}

static void a_line_is_whole_or_torn(void **state)
{
    (void)state;
    size_t n, at = 0;
    sweep_line line;
    char *sealed = sweep_line_seal("{\"v\":1,\"a\":[1,2]}", &n);
    assert_non_null(sealed);
    assert_int_equal(strlen(sealed), n);
    assert_true(sweep_line_next(sealed, n, &at, &line));
    assert_false(line.torn);
    assert_int_equal(at, n);
    assert_int_equal(line.n, strlen("{\"v\":1,\"a\":[1,2]"));
    assert_false(sweep_line_next(sealed, n, &at, &line));
    /* any bit that flips is noticed */
    for (size_t i = 0; i + 1 < n; i++)
        for (int bit = 0; bit < 8; bit++) {
            sealed[i] = (char)(sealed[i] ^ 1 << bit);
            at = 0;
            bool one = sweep_line_next(sealed, n, &at, &line);
            if (one && !line.torn) fail_msg("byte %zu bit %d: not noticed", i, bit);
            sealed[i] = (char)(sealed[i] ^ 1 << bit);
        }
    free(sealed);
}

typedef struct {
    size_t records, attempts, ends;
    uint32_t last;
} seen;

static saint_status look(void *ud, const char *name, const sweep_head *h, saint_error *why)
{
    seen *s = ud;
    (void)name;
    (void)why;
    s->records += h->kind == SWEEP_LINE_RECORD;
    s->attempts += h->kind == SWEEP_LINE_ATTEMPT;
    s->ends += h->kind == SWEEP_LINE_END;
    if (h->kind == SWEEP_LINE_RECORD) {
        cJSON *o = NULL;
        eval_result r;
        assert_ok(saint_json_parse(h->record, h->n, 1 << 20, "record", &o, err));
        assert_ok(eval_result_parse(o, &r, err));
        assert_int_equal(r.sample, h->sample);
        assert_true(r.trial == h->trial);
        eval_result_free(&r);
        cJSON_Delete(o);
        s->last = h->sample;
    }
    return SAINT_OK;
}

static char *only_journal(void)
{
    static char path[400];
    char journals[128];
    snprintf(journals, sizeof journals, "%s/journal", folder);
    DIR *d = opendir(journals);
    assert_non_null(d);
    int n = 0;
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", journals, e->d_name);
            n++;
        }
    closedir(d);
    assert_int_equal(n, 1);
    return path;
}

/* Bytes at a place of a file that is there: a file written anew would wait for the disk, and these are thousands. */
static void put(const char *path, size_t at, const char *text, size_t n)
{
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, text, n, (off_t)at), n);
    assert_int_equal(close(fd), 0);
}

static void write_three(int exit_status)
{
    sweep_journal *j;
    sweep_launch l = launch();
    assert_ok(sweep_journal_open(&j, folder, &l, err));
    for (uint32_t i = 0; i < 3; i++) {
        eval_result r = result(UINT64_C(0xfedcba9876543210), i);
        assert_ok(sweep_journal_record(j, &r, 1, err));
    }
    assert_ok(sweep_journal_close(j, exit_status, err));
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    seen s = {0};
    sweep_cursors c = {0};
    write_three(0);
    assert_ok(sweep_journals_read(folder, plan, &c, look, &s, err));
    assert_int_equal(s.attempts, 1);
    assert_int_equal(s.records, 3);
    assert_int_equal(s.ends, 1);
    assert_int_equal(c.n, 1);
    assert_int_equal(c.at[0].torn, 0);
    assert_false(c.at[0].tail);
    s = (seen){0};
    assert_ok(sweep_journals_read(folder, plan, &c, look, &s, err)); /* nothing twice */
    assert_int_equal(s.records + s.attempts + s.ends, 0);
    sweep_cursors_free(&c);
    /* of another plan */
    assert_ok(sweep_journals_read(folder, "ffffffffffffffff", &c, look, &s, err));
    assert_int_equal(s.records + s.attempts + s.ends, 0);
    assert_int_equal(c.at[0].foreign, 5);
    sweep_cursors_free(&c);
}

/* A process may die, and a disk may lose power, behind any byte. */
static void torn_at_every_byte(void **state)
{
    (void)state;
    size_t n, lines = 0, ends[8] = {0};
    char *text, *path;
    write_three(-1);
    path = only_journal();
    assert_ok(saint_file_read(path, 1 << 20, &text, &n, err));
    for (size_t i = 0; i < n; i++)
        if (text[i] == '\n') ends[lines++] = i + 1;
    assert_int_equal(lines, 4);
    for (size_t cut = 0; cut <= n; cut++) {
        seen s = {0};
        sweep_cursors c = {0};
        size_t whole = 0;
        while (whole < lines && ends[whole] <= cut) whole++;
        assert_int_equal(truncate(path, (off_t)cut), 0);
        assert_ok(sweep_journals_read(folder, plan, &c, look, &s, err));
        assert_int_equal(s.attempts + s.records, whole);
        size_t rest = cut - (whole ? ends[whole - 1] : 0);
        if (c.n) {
            assert_int_equal(c.at[0].torn, 0);
            assert_int_equal(c.at[0].tail, rest > 0);
            assert_int_equal(c.at[0].offset, cut - rest);
        }
        /* the rest arrives: reading goes on in the middle of nothing */
        put(path, cut, text + cut, n - cut);
        assert_ok(sweep_journals_read(folder, plan, &c, look, &s, err));
        assert_int_equal(s.attempts + s.records, 4);
        assert_int_equal(s.last, 2);
        sweep_cursors_free(&c);
    }
    free(text);
}

static void damage_costs_one_line(void **state)
{
    (void)state;
    size_t n;
    char *text, *path;
    write_three(-1);
    path = only_journal();
    assert_ok(saint_file_read(path, 1 << 20, &text, &n, err));
    for (size_t i = 0; i < n; i++) {
        seen s = {0};
        sweep_cursors c = {0};
        char was = text[i];
        put(path, i, was == '\n' ? "x" : "\n", 1);
        assert_ok(sweep_journals_read(folder, plan, &c, look, &s, err));
        assert_true(s.attempts + s.records >= 2 && s.attempts + s.records <= 3);
        assert_true(c.at[0].torn > 0 || c.at[0].tail); /* a last line without its end may still be coming */
        sweep_cursors_free(&c);
        put(path, i, &was, 1);
    }
    free(text);
}

static void names_that_are_no_journals_are_left_alone(void **state)
{
    (void)state;
    char path[128];
    seen s = {0};
    sweep_cursors c = {0};
    snprintf(path, sizeof path, "%s/journal/readme.txt", folder);
    assert_ok(saint_file_write(path, "hello\n", 6, err));
    snprintf(path, sizeof path, "%s/journal/.hidden.jsonl", folder);
    assert_ok(saint_file_write(path, "hello\n", 6, err));
    snprintf(path, sizeof path, "%s/journal/pipe.jsonl", folder);
    assert_int_equal(mkfifo(path, 0600), 0); /* must not hang anybody */
    assert_ok(sweep_journals_read(folder, plan, &c, look, &s, err));
    assert_int_equal(s.records, 0);
    sweep_cursors_free(&c);
}

/* ---- no room ----------------------------------------------------------------------------------------------------- */

/* In a child with a limit on the size of files: as many records as fit, then SAINT_IO; returns how many. */
static int fill(rlim_t bytes)
{
    saint_error e = {0};
    sweep_journal *j;
    sweep_launch l = launch();
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {bytes, bytes};
    if (sweep_journal_open(&j, folder, &l, &e) != SAINT_OK) return 250;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 251;
    int n = 0;
    for (; n < 200; n++) {
        eval_result r = result(1, (uint32_t)n);
        if (sweep_journal_record(j, &r, 1, &e) != SAINT_OK) break;
    }
    if (n == 200 || e.code != SAINT_IO || !strstr(e.text, "no file may grow that large") || strchr(e.text, '\n')) return 252;
    /* and again: the file must not get worse */
    eval_result r = result(1, 1000);
    if (sweep_journal_record(j, &r, 1, &e) == SAINT_OK) return 253;
    sweep_journal_close(j, -1, NULL);
    return n;
}

static void a_full_disk_loses_nothing(void **state)
{
    (void)state;
    for (rlim_t bytes = 4000; bytes < 5200; bytes += 97) {
        seen s = {0};
        sweep_cursors c = {0};
        int how;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) _exit(fill(bytes));
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFEXITED(how));
        assert_in_range(WEXITSTATUS(how), 1, 200);
        assert_ok(sweep_journals_read(folder, plan, &c, look, &s, err));
        assert_int_equal(s.records, WEXITSTATUS(how)); /* what was said to be written is there, and nothing else */
        assert_int_equal(c.at[0].torn, 0);
        assert_false(c.at[0].tail);
        sweep_cursors_free(&c);
        unlink(only_journal());
    }
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    (void)state;
    saint_error e = {0};
    sweep_journal *j;
    sweep_launch l = launch();
    assert_int_equal(sweep_journal_open(&j, "/nonexistent", &l, &e), SAINT_IO);
    assert_non_null(strstr(e.text, "/nonexistent/journal/"));
    assert_null(j);
    assert_ok(sweep_journal_close(NULL, 0, err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_equals_the_standard),
        cmocka_unit_test(a_line_is_whole_or_torn),
        cmocka_unit_test_setup_teardown(what_is_written_is_read, begin, end),
        cmocka_unit_test_setup_teardown(torn_at_every_byte, begin, end),
        cmocka_unit_test_setup_teardown(damage_costs_one_line, begin, end),
        cmocka_unit_test_setup_teardown(names_that_are_no_journals_are_left_alone, begin, end),
        cmocka_unit_test_setup_teardown(a_full_disk_loses_nothing, begin, end),
        cmocka_unit_test(a_folder_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
