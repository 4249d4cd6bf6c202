/* A sweep as a process of its own: what may be done when, how it is started, watched, stopped and taken up again. */
#define _GNU_SOURCE
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "ui/sweeps/child.h"

static char folder[] = "/tmp/saint-child-XXXXXX";

/* ---- the machine ---- */

static void a_refusal_changes_nothing(void **state)
{
    (void)state;
    for (int s = 0; s < CHILD_STATES; s++)
        for (int e = CHILD_START; e <= CHILD_CANCEL; e++) {
            child_state now = (child_state)s;
            const char *why = "unset";
            child_effect effect = child_step(&now, (child_event)e, 0, false, &why);
            if (why) {
                assert_int_equal(now, s);
                assert_int_equal(effect, CHILD_DO_NOTHING);
                assert_true(strlen(why) > 8);
            } else if (effect == CHILD_DO_SPAWN) {
                assert_false(child_alive((child_state)s)); /* never two of them */
                assert_int_equal(now, CHILD_RUNNING);
            } else if (effect != CHILD_DO_NOTHING) assert_true(child_alive((child_state)s) && child_alive(now));
        }
}

static void whatever_is_done_it_ends(void **state)
{
    (void)state;
    static const int codes[] = {0, 1, 2, 75, 127, -SIGTERM, -SIGKILL, -SIGSEGV, CHILD_CODE_UNKNOWN};
    for (int s = 0; s < CHILD_STATES; s++)
        for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
            for (int complete = 0; complete < 2; complete++) {
                child_state now = (child_state)s;
                child_step(&now, CHILD_ENDED, codes[i], complete, NULL);
                assert_false(child_alive(now));
                if (!child_alive((child_state)s)) assert_int_equal(now, s);
                else if (codes[i] == 0) assert_int_equal(now, CHILD_COMPLETE);
            }
}

typedef struct {
    child_state from;
    child_event event;
    int code;
    bool complete;
    child_state to;
    child_effect effect;
} row;

static void steps_are_as_told(void **state)
{
    (void)state;
    static const row rows[] = {
        {CHILD_IDLE, CHILD_START, 0, false, CHILD_RUNNING, CHILD_DO_SPAWN},
        {CHILD_RUNNING, CHILD_PAUSE, 0, false, CHILD_PAUSING, CHILD_DO_TERM},
        {CHILD_PAUSING, CHILD_ENDED, 75, false, CHILD_PAUSED, CHILD_DO_NOTHING},
        {CHILD_PAUSING, CHILD_ENDED, -SIGTERM, false, CHILD_PAUSED, CHILD_DO_NOTHING},
        {CHILD_PAUSING, CHILD_ENDED, 0, false, CHILD_COMPLETE, CHILD_DO_NOTHING}, /* it was on its last sample */
        {CHILD_PAUSING, CHILD_ENDED, 2, false, CHILD_FAILED, CHILD_DO_NOTHING},
        {CHILD_PAUSED, CHILD_START, 0, false, CHILD_RUNNING, CHILD_DO_SPAWN},
        {CHILD_PAUSED, CHILD_CANCEL, 0, false, CHILD_CANCELLED, CHILD_DO_NOTHING},
        {CHILD_RUNNING, CHILD_CANCEL, 0, false, CHILD_CANCELLING, CHILD_DO_TERM},
        {CHILD_PAUSING, CHILD_CANCEL, 0, false, CHILD_CANCELLING, CHILD_DO_NOTHING},
        {CHILD_CANCELLING, CHILD_CANCEL, 0, false, CHILD_CANCELLING, CHILD_DO_KILL},
        {CHILD_CANCELLING, CHILD_ENDED, -SIGKILL, false, CHILD_CANCELLED, CHILD_DO_NOTHING},
        {CHILD_CANCELLED, CHILD_START, 0, false, CHILD_RUNNING, CHILD_DO_SPAWN}, /* nothing was lost */
        {CHILD_RUNNING, CHILD_ENDED, 75, false, CHILD_PAUSED, CHILD_DO_NOTHING}, /* somebody else asked it */
        {CHILD_RUNNING, CHILD_ENDED, 1, false, CHILD_FAILED, CHILD_DO_NOTHING},
        {CHILD_RUNNING, CHILD_ENDED, -SIGSEGV, false, CHILD_FAILED, CHILD_DO_NOTHING},
        {CHILD_RUNNING, CHILD_ENDED, CHILD_CODE_UNKNOWN, true, CHILD_COMPLETE, CHILD_DO_NOTHING},
        {CHILD_RUNNING, CHILD_ENDED, CHILD_CODE_UNKNOWN, false, CHILD_PAUSED, CHILD_DO_NOTHING},
        {CHILD_COMPLETE, CHILD_RETRY, 0, true, CHILD_RUNNING, CHILD_DO_SPAWN},
        {CHILD_FAILED, CHILD_RETRY, 0, false, CHILD_RUNNING, CHILD_DO_SPAWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        child_state now = rows[i].from;
        const char *why;
        child_effect effect = child_step(&now, rows[i].event, rows[i].code, rows[i].complete, &why);
        if (now != rows[i].to || effect != rows[i].effect || why)
            fail_msg("row %zu: %s became %s, effect %d, %s", i, child_state_name(rows[i].from), child_state_name(now), (int)effect,
                     why ? why : "taken");
    }
    static const row refused[] = {
        {.from = CHILD_RUNNING, .event = CHILD_START}, {.from = CHILD_COMPLETE, .event = CHILD_START},
        {.from = CHILD_PAUSED, .event = CHILD_PAUSE},  {.from = CHILD_PAUSING, .event = CHILD_RETRY},
        {.from = CHILD_COMPLETE, .event = CHILD_CANCEL},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        child_state now = refused[i].from;
        const char *why;
        child_step(&now, refused[i].event, 0, false, &why);
        assert_non_null(why);
    }
}

/* ---- processes: this program started again, as one of the children below ---- */

static int child_main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "exit")) return atoi(argv[2]);
    if (!strcmp(what, "facts")) { /* what it was born with */
        sigset_t blocked;
        sigprocmask(SIG_SETMASK, NULL, &blocked);
        struct sigaction pipe_action;
        sigaction(SIGPIPE, NULL, &pipe_action);
        int open_ones = 0;
        for (int fd = 3; fd < 256; fd++) open_ones += fcntl(fd, F_GETFD) >= 0;
        char byte;
        printf("args %d last <%s> open %d blocked %d pipe %d leader %d nice %d stdin %ld\n", argc, argv[argc - 1], open_ones,
               sigismember(&blocked, SIGTERM), pipe_action.sa_handler == SIG_DFL, getsid(0) == getpid(),
               getpriority(PRIO_PROCESS, 0), (long)read(0, &byte, 1));
        fprintf(stderr, "and on stderr\n");
        return 0;
    }
    if (!strcmp(what, "stay")) { /* until somebody says so; 75 when asked nicely */
        sigset_t term;
        sigemptyset(&term);
        sigaddset(&term, SIGTERM);
        sigprocmask(SIG_BLOCK, &term, NULL);
        int ready = open(argv[2], O_WRONLY);
        if (ready < 0 || write(ready, "r", 1) != 1) return 1;
        close(ready);
        int got;
        sigwait(&term, &got);
        return 75;
    }
    return 99;
}

static const char *log_path(void)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/log", folder);
    return path;
}

/* Wait for the end through the descriptor, as the loop does. */
static int wait_for(child_process *p)
{
    assert_true(p->fd >= 0);
    struct pollfd fd = {.fd = p->fd, .events = POLLIN};
    int n;
    do n = poll(&fd, 1, 60000);
    while (n < 0 && errno == EINTR);
    assert_int_equal(n, 1);
    int code = 12345;
    assert_true(child_ended(p, &code));
    assert_int_equal(p->pid, 0);
    assert_int_equal(p->fd, -1);
    return code;
}

static child_process spawn(const char *const *argv)
{
    child_process p;
    assert_ok(child_spawn(&p, argv, log_path(), 5, err));
    assert_true(p.pid > 0 && p.ours);
    return p;
}

/* A child that has come up and waits. */
static child_process spawn_stay(void)
{
    char fifo[128], byte;
    snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    unlink(fifo);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    child_process p = spawn((const char *[]){"saint", "stay", fifo, NULL});
    int fd = open(fifo, O_RDONLY); /* until the child opens it */
    assert_true(fd >= 0);
    assert_int_equal(read(fd, &byte, 1), 1);
    close(fd);
    unlink(fifo);
    return p;
}

static void codes_come_back(void **state)
{
    (void)state;
    static const int codes[] = {0, 1, 2, 75};
    for (size_t i = 0; i < 4; i++) {
        char number[8];
        snprintf(number, sizeof number, "%d", codes[i]);
        child_process p = spawn((const char *[]){"saint", "exit", number, NULL});
        assert_int_equal(wait_for(&p), codes[i]);
        int code;
        assert_false(child_ended(&p, &code)); /* once */
    }
}

static void a_child_is_born_clean(void **state)
{
    (void)state;
    sigset_t block, before;
    sigemptyset(&block);
    sigaddset(&block, SIGTERM);
    sigprocmask(SIG_BLOCK, &block, &before); /* as the loop has it for its signalfd */
    signal(SIGPIPE, SIG_IGN);
    int leak = open("/dev/null", O_RDONLY); /* without CLOEXEC */
    unlink(log_path());
    child_process p = spawn((const char *[]){"saint", "facts", "$(touch x); 'a b'", NULL});
    assert_int_equal(wait_for(&p), 0);
    close(leak);
    sigprocmask(SIG_SETMASK, &before, NULL);
    char *text;
    size_t n;
    assert_ok(saint_file_read(log_path(), 4096, &text, &n, err));
    assert_non_null(strstr(text, "args 3 last <$(touch x); 'a b'> open 0 blocked 0 pipe 1 leader 1 nice "));
    assert_non_null(strstr(text, " stdin 0\n"));
    assert_non_null(strstr(text, "and on stderr\n"));
    int nice_is = -100;
    assert_int_equal(sscanf(strstr(text, "nice ") + 5, "%d", &nice_is), 1);
    assert_int_equal(nice_is, 5);
    free(text);
    struct stat st;
    assert_int_equal(stat(log_path(), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    p = spawn((const char *[]){"saint", "facts", "again", NULL});
    assert_int_equal(wait_for(&p), 0);
    assert_ok(saint_file_read(log_path(), 4096, &text, &n, err));
    assert_non_null(strstr(text, "a b")); /* the log grows */
    assert_non_null(strstr(text, "<again>"));
    free(text);
}

static void stopping_by_word_and_by_force(void **state)
{
    (void)state;
    child_process p = spawn_stay();
    int code;
    assert_false(child_ended(&p, &code));
    child_signal(&p, SIGTERM);
    assert_int_equal(wait_for(&p), 75);
    p = spawn_stay();
    child_signal(&p, SIGKILL);
    assert_int_equal(wait_for(&p), -SIGKILL);
    child_signal(&p, SIGKILL); /* nobody there: nobody is hit */
}

static void another_workbench_takes_it_up(void **state)
{
    (void)state;
    child_process p = spawn_stay(), q, none;
    assert_true(p.ticks > 0);
    assert_true(child_adopt(&q, p.pid, p.ticks));
    assert_false(q.ours);
    assert_false(child_adopt(&none, p.pid, p.ticks + 1)); /* a later process of the same number */
    assert_false(child_adopt(&none, 0, 5) || child_adopt(&none, 1, 5) || child_adopt(&none, p.pid, 0));
    int code;
    assert_false(child_ended(&q, &code));
    pid_t pid = p.pid;
    child_signal(&q, SIGTERM);
    assert_int_equal(wait_for(&q), CHILD_CODE_UNKNOWN); /* dead, if not yet waited for by its parent */
    assert_int_equal(wait_for(&p), 75);
    assert_false(child_adopt(&none, pid, p.ticks));
}

static void what_cannot_start_says_so(void **state)
{
    (void)state;
    child_process p;
    saint_error e;
    assert_int_equal(child_spawn(&p, (const char *[]){"saint", NULL}, "/nowhere/at/all/log", 0, &e), SAINT_IO);
    assert_non_null(strstr(e.text, "/nowhere/at/all/log"));
    assert_int_equal(p.pid, 0);
}

/* ---- the record beside it ---- */

static void a_record_comes_back(void **state)
{
    (void)state;
    launch_record r = {.state = CHILD_RUNNING, .pid = 4711, .ticks = 18446744073709551557u, .boot = "abc-def"}, back;
    assert_ok(launch_command(&r, 4, (const char *[]){"saint", "sweep", "--grid", "a\"b\n\xc3\xa4"}, err));
    assert_ok(launch_save(folder, &r, err));
    assert_ok(launch_load(folder, &back, err));
    assert_int_equal(back.argc, 4);
    for (int i = 0; i < 4; i++) assert_string_equal(back.argv[i], r.argv[i]);
    assert_null(back.argv[4]);
    assert_true(back.state == r.state && back.pid == r.pid && back.ticks == r.ticks);
    assert_string_equal(back.boot, r.boot);
    launch_free(&r);
    launch_free(&back);
    launch_free(&back);
    launch_free(NULL);
    char boot[40];
    launch_boot(boot);
    assert_true(strlen(boot) < 40);
}

static void a_damaged_record_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "[]", "{}", "{\"argv\":[]}", "{\"argv\":[1],\"state\":\"idle\"}", "{\"argv\":[\"saint\"]}",
        "{\"argv\":[\"saint\"],\"state\":\"no\"}", "{\"argv\":[\"saint\"],\"state\":\"idle\",\"pid\":-1}",
        "{\"argv\":[\"saint\"],\"state\":\"idle\",\"ticks\":5}", "{\"argv\":\"saint\",\"state\":\"idle\"}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        launch_record r;
        saint_error e = {0};
        assert_int_equal(launch_parse(bad[i], strlen(bad[i]), &r, &e), SAINT_FORMAT);
        assert_non_null(strstr(e.text, "launch.json"));
        assert_true(r.argc == 0 && !r.argv);
    }
    launch_record r;
    saint_error e;
    assert_int_equal(launch_load("/nowhere/at/all", &r, &e), SAINT_IO);
}

int main(int argc, char **argv)
{
    if (argc > 1) return child_main(argc, argv);
    if (!mkdtemp(folder)) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_changes_nothing),
        cmocka_unit_test(whatever_is_done_it_ends),
        cmocka_unit_test(steps_are_as_told),
        cmocka_unit_test(codes_come_back),
        cmocka_unit_test(a_child_is_born_clean),
        cmocka_unit_test(stopping_by_word_and_by_force),
        cmocka_unit_test(another_workbench_takes_it_up),
        cmocka_unit_test(what_cannot_start_says_so),
        cmocka_unit_test(a_record_comes_back),
        cmocka_unit_test(a_damaged_record_is_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char path[160];
    snprintf(path, sizeof path, "%s/launch.json", folder);
    unlink(path);
    unlink(log_path());
    rmdir(folder);
    return failed;
}
