/* Who uses a device: seen by all others while it lasts, and behind it by who asked before; no file and no process can make anybody wait. */
#define _GNU_SOURCE
#include "support/data_files.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "device_use.h"
#include "support/busy_cpus.h"

/* A device of its own for each test, because tests come in any order. */
static const char *fresh(void)
{
    static int n;
    static char name[16];
    snprintf(name, sizeof name, "test%d", ++n);
    return name;
}

static const char *file_of(const char *device)
{
    char name[64];
    snprintf(name, sizeof name, "saint-%ld-%s.lock", (long)geteuid(), device);
    return data_path(name);
}

static device_use opened(const char *device)
{
    device_use u;
    device_use_open(&u, data_folder, device);
    return u;
}

static device_use begun(const char *device)
{
    device_use u = opened(device);
    device_use_begin(&u);
    return u;
}

/* ---- another process that does as it is told: b begins, e ends, u does both, a asks, q quits ----------------------------- */

typedef struct {
    pid_t pid;
    int to, from;
} other;

static void obey(const char *device, int in, int out)
{
    device_use u = opened(device);
    char order;
    while (read(in, &order, 1) == 1 && order != 'q') {
        char answer = '.';
        if (order == 'b' || order == 'u') device_use_begin(&u);
        if (order == 'e' || order == 'u') device_use_end(&u);
        if (order == 'a') answer = device_use_alone(&u) ? 'y' : 'n';
        if (write(out, &answer, 1) != 1) break;
    }
    _exit(0);
}

static other start(const char *device)
{
    int to[2], from[2];
    assert_true(pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(to[1]);
        close(from[0]);
        obey(device, to[0], from[1]);
    }
    close(to[0]);
    close(from[1]);
    return (other){pid, to[1], from[0]};
}

static char tell(const other *o, char order)
{
    char answer = 0;
    struct pollfd p = {.fd = o->from, .events = POLLIN};
    assert_int_equal(write(o->to, &order, 1), 1);
    if (poll(&p, 1, 60000) != 1) fail_msg("the other process says nothing to %c", order);
    assert_int_equal(read(o->from, &answer, 1), 1);
    return answer;
}

static void gone(other *o, int sig)
{
    int how;
    if (sig) assert_int_equal(kill(o->pid, sig), 0);
    else assert_int_equal(write(o->to, "q", 1), 1); /* its brothers hold copies of the pipe's end */
    close(o->to);
    assert_int_equal(waitpid(o->pid, &how, 0), o->pid);
    assert_true(sig ? WIFSIGNALED(how) : WIFEXITED(how) && WEXITSTATUS(how) == 0);
    close(o->from);
}

/* ---- tests ------------------------------------------------------------------------------------------------------------ */

static void whoever_uses_it_is_seen(void **state)
{
    (void)state;
    const char *device = fresh();
    device_use a = begun(device), b = opened(device);
    assert_true(device_use_alone(&a)); /* open is no use */
    device_use_begin(&b);
    assert_false(device_use_alone(&a));
    assert_false(device_use_alone(&a)); /* still there */
    assert_false(device_use_alone(&b)); /* it was not alone from its begin on */
    device_use_end(&b);
    assert_false(device_use_alone(&a)); /* it was there at the question before */
    assert_true(device_use_alone(&a));
    device_use_close(&b);
    device_use_end(&a);
    device_use_begin(&a); /* its own begins are nobody else's */
    assert_true(device_use_alone(&a));
    device_use_begin(&a);
    assert_true(device_use_alone(&a));
    device_use c = begun(device);
    device_use_close(&a); /* ends it */
    assert_false(device_use_alone(&c));
    assert_true(device_use_alone(&c));
    device_use_close(&c);
    device_use_close(&c);
}

static void other_devices_are_others(void **state)
{
    (void)state;
    device_use a = begun(fresh()), b = begun(fresh());
    assert_true(device_use_alone(&a) && device_use_alone(&b));
    device_use_close(&a);
    device_use_close(&b);
}

/* Thousands that come and go between two questions, from several processes: none is missed. */
static void short_uses_are_not_missed(void **state)
{
    (void)state;
    enum { OTHERS = 3, ROUNDS = 700 };
    const char *device = fresh();
    other o[OTHERS];
    for (int i = 0; i < OTHERS; i++) o[i] = start(device);
    device_use a = begun(device);
    for (int r = 0; r < ROUNDS; r++)
        for (int i = 0; i < OTHERS; i++) {
            assert_true(device_use_alone(&a));
            tell(&o[i], 'u');
            assert_false(device_use_alone(&a));
        }
    for (int i = 0; i < OTHERS; i++) gone(&o[i], 0);
    assert_true(device_use_alone(&a));
    device_use_close(&a);
}

/* Two that measure: each sees the other, and whose use ends last has the device alone again. */
static void two_that_measure_see_each_other(void **state)
{
    (void)state;
    const char *device = fresh();
    other o = start(device);
    device_use a = begun(device);
    tell(&o, 'b');
    assert_int_equal(tell(&o, 'a'), 'n');
    assert_false(device_use_alone(&a));
    device_use_end(&a);
    assert_int_equal(tell(&o, 'a'), 'n');
    assert_int_equal(tell(&o, 'a'), 'y');
    device_use_begin(&a);
    device_use_end(&a);
    assert_int_equal(tell(&o, 'a'), 'n');
    assert_int_equal(tell(&o, 'a'), 'y');
    gone(&o, 0);
    device_use_close(&a);
}

static void killed_ones_use_nothing(void **state)
{
    (void)state;
    const char *device = fresh();
    device_use a = begun(device);
    for (int i = 0; i < 20; i++) {
        other o = start(device);
        tell(&o, 'b');
        assert_false(device_use_alone(&a));
        gone(&o, SIGKILL);
        assert_false(device_use_alone(&a));
        assert_true(device_use_alone(&a));
    }
    device_use_close(&a);
}

/* One that was stopped in the middle of its use, or of anything else, keeps nobody from beginning, asking and ending. */
static void stopped_ones_stop_nobody(void **state)
{
    (void)state;
    const char *device = fresh();
    other o = start(device);
    tell(&o, 'b');
    assert_int_equal(kill(o.pid, SIGSTOP), 0);
    device_use a = begun(device);
    assert_false(device_use_alone(&a));
    device_use_end(&a);
    device_use_begin(&a);
    assert_false(device_use_alone(&a));
    gone(&o, SIGKILL);
    device_use_close(&a);
}

static void *come_and_go(void *arg)
{
    device_use u = opened(arg);
    for (int i = 0; i < 300; i++) {
        device_use_begin(&u);
        (void)device_use_alone(&u);
        device_use_end(&u);
    }
    device_use_close(&u);
    return NULL;
}

static void threads_use_their_own(void **state)
{
    (void)state;
    char device[16];
    pthread_t t[4];
    snprintf(device, sizeof device, "%s", fresh());
    device_use a = begun(device);
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&t[i], NULL, come_and_go, device), 0);
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    assert_false(device_use_alone(&a));
    assert_true(device_use_alone(&a));
    device_use_close(&a);
}

/* ---- files --------------------------------------------------------------------------------------------------------- */

static size_t content(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t n = read(fd, out, size);
    close(fd);
    assert_true(n >= 0);
    return (size_t)n;
}

/* What lies there is left as it is; the lock works on it, short uses are not told. */
static void foreign_files_are_left_alone(void **state)
{
    (void)state;
    static const char *const texts[] = {"mine, and I want it back", "saint uses nothing", "\n"};
    for (int i = 0; i < 4; i++) {
        char text[4096], now[5000];
        const char *device = fresh(), *path = file_of(device);
        if (i < 3) snprintf(text, sizeof text, "%s", texts[i]);
        else { /* begins like a mark and is none */
            memset(text, 'x', sizeof text - 1);
            memcpy(text, "saint used this device: ", 24);
            text[sizeof text - 1] = 0;
        }
        data_write(strrchr(path, '/') + 1, text);
        device_use a = begun(device), b = begun(device);
        assert_false(device_use_alone(&a));
        device_use_close(&b);
        assert_false(device_use_alone(&a));
        assert_true(device_use_alone(&a));
        device_use_close(&a);
        assert_int_equal(content(path, now, sizeof now), strlen(text));
        assert_memory_equal(now, text, strlen(text));
    }
}

static void damaged_marks_do_no_harm(void **state)
{
    (void)state;
    for (int size = 0; size < DEVICE_USE_MARK; size += 5) {
        const char *device = fresh(), *path = file_of(device);
        device_use a = begun(device), b = opened(device);
        assert_int_equal(truncate(path, size), 0);
        assert_false(device_use_alone(&a)); /* somebody was there, whoever */
        assert_true(device_use_alone(&a));
        device_use_begin(&b);
        device_use_end(&b);
        assert_false(device_use_alone(&a));
        assert_true(device_use_alone(&a));
        device_use_close(&a);
        device_use_close(&b);
        assert_int_equal(truncate(path, size), 0); /* and at the next begin */
        a = begun(device);
        b = begun(device);
        device_use_close(&b);
        assert_false(device_use_alone(&a));
        device_use_close(&a);
    }
}

/* Cleaners of temporary folders. Who comes behind them meets in the new file. */
static void removed_files_come_again(void **state)
{
    (void)state;
    for (int replace = 0; replace < 2; replace++) {
        const char *device = fresh();
        char path[512], aside[520];
        snprintf(path, sizeof path, "%s", file_of(device));
        snprintf(aside, sizeof aside, "%s.new", path);
        device_use a = begun(device);
        assert_true(device_use_alone(&a));
        if (replace) {
            data_write(strrchr(aside, '/') + 1, "");
            assert_int_equal(rename(aside, path), 0);
        } else assert_int_equal(unlink(path), 0);
        other o = start(device);
        tell(&o, 'b');
        assert_false(device_use_alone(&a)); /* both are in the new one now */
        assert_false(device_use_alone(&a));
        assert_int_equal(tell(&o, 'a'), 'n');
        tell(&o, 'e');
        assert_false(device_use_alone(&a));
        assert_true(device_use_alone(&a));
        assert_int_equal(unlink(path), 0);
        tell(&o, 'b'); /* from nothing to nothing */
        assert_false(device_use_alone(&a));
        gone(&o, 0);
        device_use_close(&a);
    }
}

/* Nothing can be told, and nothing waits or breaks. */
static void told_nothing(const char *folder, const char *device)
{
    device_use a, b;
    device_use_open(&a, folder, device);
    device_use_open(&b, folder, device);
    assert_true(a.fd < 0 && b.fd < 0);
    device_use_begin(&a);
    device_use_begin(&b);
    assert_true(device_use_alone(&a) && device_use_alone(&b));
    device_use_end(&a);
    device_use_close(&a);
    device_use_close(&b);
}

static void without_a_file_nothing_is_told(void **state)
{
    (void)state;
    char now[64];
    told_nothing(data_path("no such folder"), fresh());
    device_use seeing = opened(fresh()), blind;
    device_use_open(&blind, "/no such folder", "cpu");
    assert_null(device_use_blind(&seeing));
    assert_non_null(strstr(device_use_blind(&blind), "/no such folder/saint-"));
    device_use_close(&seeing);
    device_use_close(&blind);
    const char *device = fresh();
    assert_int_equal(mkdir(file_of(device), 0700), 0);
    told_nothing(data_folder, device);
    device = fresh();
    assert_int_equal(mkfifo(file_of(device), 0600), 0);
    told_nothing(data_folder, device);
    device = fresh();
    data_write("precious", "precious");
    assert_int_equal(symlink(data_path("precious"), file_of(device)), 0);
    told_nothing(data_folder, device);
    device = fresh();
    assert_int_equal(symlink(data_path("not there"), file_of(device)), 0);
    told_nothing(data_folder, device);
    assert_int_equal(content(data_path("precious"), now, sizeof now), 8);
    assert_memory_equal(now, "precious", 8);
    assert_false(saint_file_exists(data_path("not there")));
    char *folder = malloc(6000);
    assert_non_null(folder);
    memset(folder, 'f', 5999);
    folder[0] = '/';
    folder[5999] = 0;
    told_nothing(folder, fresh());
    free(folder);
}

/* Root may do what others may not. */
static void as_nobody(void)
{
    if (geteuid() != 0) return;
    if (setuid(65534) != 0) _exit(3);
}

static void in_a_child(int (*check)(const char *device), const char *device)
{
    int how;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) _exit(check(device));
    assert_int_equal(waitpid(pid, &how, 0), pid);
    if (!WIFEXITED(how) || WEXITSTATUS(how) != 0) fail_msg("wait status %x", how);
}

static int check_read_only(const char *device)
{
    as_nobody();
    int fd = open(file_of(device), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 || fchmod(fd, 0400) != 0) return 10;
    close(fd);
    device_use a = begun(device), b = begun(device);
    if (a.fd < 0 || a.writable || device_use_alone(&a)) return 11;
    device_use_close(&b);
    if (device_use_alone(&a) || !device_use_alone(&a)) return 12;
    device_use_close(&a);
    return 0;
}

/* Its owner could lie about it: it is not asked. */
static int check_of_others(const char *device)
{
    if (geteuid() != 0) return 0;
    const char *mine = file_of(device);
    char path[600];
    int fd = open(mine, O_CREAT | O_RDWR | O_CLOEXEC, 0666);
    if (fd < 0 || fchmod(fd, 0666) != 0 || fchown(fd, 65533, 65533) != 0) return 20;
    snprintf(path, sizeof path, "%s", mine);
    device_use a = begun(device);
    if (a.fd >= 0) return 21;
    device_use_close(&a);
    return 0;
}

/* A full disk, as far as a file can tell: the lock needs no room. A limit of a shell on the size of files kills whoever does not ask. */
static int check_full(const char *device)
{
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_FSIZE, &none) != 0) return 30;
    device_use a = begun(device), b = begun(device);
    if (a.fd < 0 || device_use_alone(&a)) return 31;
    device_use_close(&b);
    if (device_use_alone(&a) || !device_use_alone(&a)) return 32;
    device_use_close(&a);
    return 0;
}

static void what_can_only_be_read_holds_the_lock(void **state)
{
    (void)state;
    assert_int_equal(chmod(data_folder, 01777), 0);
    in_a_child(check_read_only, fresh());
    in_a_child(check_of_others, fresh());
    in_a_child(check_full, fresh());
}

/* ---- names --------------------------------------------------------------------------------------------------------- */

static void named(const char *backend, int device, const char *visible, const char *want)
{
    char out[DEVICE_USE_NAME];
    device_use_name(&(saint_session_options){.backend = backend, .device = device}, visible, out);
    assert_string_equal(out, want);
}

static void devices_have_the_machines_names(void **state)
{
    (void)state;
    named(NULL, 0, NULL, "cpu");
    named("cpu", 3, "7", "cpu");
    named("cuda", 0, NULL, "cuda0");
    named("cuda", 3, "", "cuda3");
    named("cuda", 0, "5", "cuda5");
    named("cuda", 1, "5,2", "cuda2");
    named("cuda", 1, " 5 , 2 ", "cuda2");
    named("cuda", 2, "5,2", "cuda2");
    named("cuda", 0, "GPU-8932f937-d72c", "cuda-GPU-8932f937-d72c");
    named("cuda", 0, "MIG-GPU-a/../../etc/passwd", "cuda-MIG-GPU-aetcpasswd");
    named("cuda", 0, "/,1", "cuda0");
    char visible[400];
    memset(visible, 'z', sizeof visible - 1);
    visible[sizeof visible - 1] = 0;
    char out[DEVICE_USE_NAME];
    device_use_name(&(saint_session_options){.backend = "cuda"}, visible, out);
    assert_true(strlen(out) < DEVICE_USE_NAME && strncmp(out, "cuda-zzzz", 9) == 0);
}

/* ---- other programs ------------------------------------------------------------------------------------------------- */

static void busy_cpus_are_company_and_another_saint_goes_first(void **state)
{
    (void)state;
    const char *device = fresh();
    char stat[256];
    snprintf(stat, sizeof stat, "%s", data_path("stat"));
    busy_cpus(stat, 0);
    device_use u = opened(device), quiet = opened(device);
    device_use_watch_cpus(&u, stat);
    device_use_begin(&u);
    u.load.window = 1e9;
    assert_int_equal(device_use_company(&u), DEVICE_ALONE); /* nothing is known */
    u.load.window = 0;                                      /* every question ends a window */
    busy_cpus(stat, 10000000);
    assert_int_equal(device_use_company(&u), DEVICE_DISTURBED);
    assert_int_equal(device_use_company(&u), DEVICE_ALONE);
    busy_cpus(stat, 20000000);
    device_use_begin(&u); /* what was before a use is no matter */
    assert_int_equal(device_use_company(&u), DEVICE_ALONE);
    busy_cpus(stat, 30000000);
    device_use_begin(&quiet);
    assert_int_equal(device_use_company(&u), DEVICE_SHARED);
    device_use_end(&quiet);
    assert_int_equal(device_use_company(&u), DEVICE_SHARED); /* at the question before */
    busy_cpus(stat, 40000000);
    assert_int_equal(device_use_company(&u), DEVICE_DISTURBED);
    assert_int_equal(device_use_company(&quiet), DEVICE_SHARED); /* with u, and it looks at no CPU */
    device_use_close(&u);
    device_use_close(&quiet);
    for (device_company a = DEVICE_ALONE; a <= DEVICE_SHARED; a++) {
        assert_true((a == DEVICE_ALONE) == (device_company_word(a)[0] == 0) && (a == DEVICE_ALONE) == (device_company_note(a)[0] == 0));
        assert_int_equal(device_company_both(a, DEVICE_DISTURBED), a == DEVICE_SHARED ? DEVICE_SHARED : DEVICE_DISTURBED);
    }
}

static void all_look_in_the_same_folder(void **state)
{
    (void)state;
    char name[64];
    assert_int_equal(setenv("TMPDIR", data_folder, 1), 0);
    assert_string_equal(device_use_folder(), data_folder);
    device_use a, b;
    device_use_start(&a, &(saint_session_options){.backend = "cpu"});
    snprintf(name, sizeof name, "saint-%ld-cpu.lock", (long)geteuid());
    assert_true(saint_file_exists(data_path(name)));
    device_use_start(&b, &(saint_session_options){.backend = "cpu"});
    assert_false(device_use_alone(&a));
    device_use_close(&a);
    device_use_close(&b);
    assert_int_equal(setenv("TMPDIR", "", 1), 0);
    assert_string_equal(device_use_folder(), "/tmp");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_uses_it_is_seen),
        cmocka_unit_test(other_devices_are_others),
        cmocka_unit_test(short_uses_are_not_missed),
        cmocka_unit_test(two_that_measure_see_each_other),
        cmocka_unit_test(killed_ones_use_nothing),
        cmocka_unit_test(stopped_ones_stop_nobody),
        cmocka_unit_test(threads_use_their_own),
        cmocka_unit_test(foreign_files_are_left_alone),
        cmocka_unit_test(damaged_marks_do_no_harm),
        cmocka_unit_test(removed_files_come_again),
        cmocka_unit_test(without_a_file_nothing_is_told),
        cmocka_unit_test(what_can_only_be_read_holds_the_lock),
        cmocka_unit_test(devices_have_the_machines_names),
        cmocka_unit_test(busy_cpus_are_company_and_another_saint_goes_first),
        cmocka_unit_test(all_look_in_the_same_folder),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, data_make, data_remove);
}
