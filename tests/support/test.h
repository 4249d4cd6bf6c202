/* test.h - cmocka with its prerequisites, and the two folders that tests read. */
#ifndef SAINT_TESTS_SUPPORT_TEST_H
#define SAINT_TESTS_SUPPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/status.h"

/* First line of main() in tests/real: a clone without ../shared skips, and says which folder was missing. */
#define SAINT_NEED_SHARED(sub)                                                                              \
    do {                                                                                                    \
        struct stat st_;                                                                                    \
        if (stat(SAINT_SHARED_DIR "/" sub, &st_) != 0) {                                                    \
            printf("SKIPPED: %s is not there\n", SAINT_SHARED_DIR "/" sub);                                 \
            return 77;                                                                                      \
        }                                                                                                   \
    } while (0)

/* Fails with the error's own sentence. */
#define assert_ok(call)                                                                \
    do {                                                                               \
        saint_error e_ = {0};                                                          \
        saint_error *err = &e_;                                                        \
        saint_status s_ = (call);                                                      \
        if (s_ != SAINT_OK) fail_msg("%s: %s", saint_status_text(s_), e_.text);        \
    } while (0)

#endif
