/* busy_cpus.h - a /proc/stat of one's own, on which every CPU of this process was busy for so many ticks. */
#ifndef SAINT_TESTS_SUPPORT_BUSY_CPUS_H
#define SAINT_TESTS_SUPPORT_BUSY_CPUS_H

#include <sched.h>
#include <stdio.h>

#include "support/test.h"

static inline void busy_cpus(const char *path, unsigned long ticks)
{
    cpu_set_t mine;
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(sched_getaffinity(0, sizeof mine, &mine), 0);
    for (int i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET((size_t)i, &mine)) fprintf(f, "cpu%d %lu 0 0 0 0 0 0 0\n", i, ticks);
    assert_int_equal(fclose(f), 0);
}

#endif
