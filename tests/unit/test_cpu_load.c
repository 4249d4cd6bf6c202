/* What other programs take of this process's CPUs: the arithmetic on texts of /proc/stat, and the real one beside a process that is busy. */
#define _GNU_SOURCE
#include "support/test.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cpu_load.h"
#include "support/busy_cpus.h"

static cpu_set_t cpus(int first, int n)
{
    cpu_set_t s;
    CPU_ZERO(&s);
    for (int i = first; i < first + n; i++) CPU_SET((size_t)i, &s);
    return s;
}

static void near(double is, double expected) { assert_true(fabs(is - expected) < 1e-9); }

static const char before[] = "cpu  400 0 100 9000 50 0 0 0 0 0\n"
                             "cpu0 100 10 50 4000 20 1 2 3 7 9\n"
                             "cpu1 200 0 50 5000 30 0 0 0 0 0\n"
                             "cpu12 900 0 0 0 0 0 0 0 0 0\n"
                             "intr 12345 cpu1\n";

static void busy_is_all_but_idle_and_waiting_of_our_cpus(void **state)
{
    (void)state;
    cpu_set_t both = cpus(0, 2), one = cpus(1, 1), last = cpus(12, 1);
    cpu_moment m = cpu_load_parse(before, &both, 100);
    assert_int_equal(m.n_cpus, 2);
    near(m.busy, 1.66 + 2.50); /* guests' ticks are in the first column already */
    m = cpu_load_parse(before, &one, 100);
    near(m.busy, 2.50);
    near(cpu_load_parse(before, &last, 100).busy, 9);
}

static void a_text_that_does_not_tell_of_every_cpu_tells_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "cpu\n", "cpu0", "cpu0 \n", "cpu0 1 2 3\ncpu1 1 2 3 4 5 6 7 8\n", "cpu0 x\ncpu1 y\n", "cpux 1 2 3 4 5 6 7 8\n",
                                        "cpu0 1 2 3 4 5 6 7 8", "cpu99999999999999999999 1 2 3 4 5 6 7 8\n", "\n\n\n"};
    cpu_set_t both = cpus(0, 2);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) assert_int_equal(cpu_load_parse(texts[i], &both, 100).n_cpus, 0);
}

static void the_share_of_others_is_what_we_did_not_use(void **state)
{
    (void)state;
    cpu_moment a = {.at = 10, .busy = 100, .own = 7, .n_cpus = 2}, b = {.at = 12, .busy = 103.5, .own = 10, .n_cpus = 2};
    near(cpu_load_between(&a, &b), 0.5 / 4);
    b.own = 10.6; /* the two clocks differ by a tick or two */
    near(cpu_load_between(&a, &b), 0);
    b.n_cpus = 1; /* one was taken away */
    assert_true(isnan(cpu_load_between(&a, &b)));
    assert_true(isnan(cpu_load_between(&a, &a)));
}

/* Until a window is over. */
static void pass(const cpu_load *l)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    double until = (double)t.tv_sec + 1e-9 * (double)t.tv_nsec + l->window;
    do clock_gettime(CLOCK_MONOTONIC, &t);
    while ((double)t.tv_sec + 1e-9 * (double)t.tv_nsec < until);
}

static void a_window_says_disturbed_and_the_next_one_that_it_is_over(void **state)
{
    (void)state;
    char path[] = "/tmp/saint-load-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    cpu_load l;
    busy_cpus(path, 0);
    cpu_load_begin(&l, path);
    l.window = 1e9;
    assert_true(isnan(cpu_load_others(&l)));
    assert_false(cpu_load_disturbed(&l)); /* not known */
    l.window = 1e-3;
    busy_cpus(path, 1000000); /* by far more than this process used */
    pass(&l);
    assert_true(cpu_load_disturbed(&l));
    l.window = 1e9;
    assert_true(cpu_load_disturbed(&l)); /* until the next window has passed */
    l.window = 1e-3;
    pass(&l);
    assert_false(cpu_load_disturbed(&l));
    near(cpu_load_others(&l), 0);
    assert_int_equal(remove(path), 0);
    pass(&l);
    assert_true(isnan(cpu_load_others(&l)));
    cpu_load_begin(&l, path);
    assert_false(cpu_load_disturbed(&l));
}

static void this_machine_tells(void **state)
{
    (void)state;
    cpu_load l;
    cpu_load_begin(&l, NULL);
    l.window = 0.05;
    pass(&l);
    assert_true(cpu_load_others(&l) >= 0);
    assert_true(l.last.n_cpus > 0 && l.last.busy > 0 && l.last.own > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(busy_is_all_but_idle_and_waiting_of_our_cpus),
        cmocka_unit_test(a_text_that_does_not_tell_of_every_cpu_tells_nothing),
        cmocka_unit_test(the_share_of_others_is_what_we_did_not_use),
        cmocka_unit_test(a_window_says_disturbed_and_the_next_one_that_it_is_over),
        cmocka_unit_test(this_machine_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
