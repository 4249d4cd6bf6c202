/* alone.h - whether this process has its device to itself: a lock that every sweep of a user holds in common while it measures, and that
 * can be had alone only by the only one. */
#ifndef SAINT_APP_SWEEP_ALONE_H
#define SAINT_APP_SWEEP_ALONE_H

#include <stdbool.h>

#include "eval/result.h"

typedef struct {
    int fd;   /* -1: not to be told */
    bool was; /* at the last question */
} sweep_alone;

/* The folder of the lock that all programs of this user share: TMPDIR, or /tmp. */
const char *sweep_alone_folder(void);
/* folder: where the lock file lies, the same for all; device: "cpu", "cuda0". */
void sweep_alone_begin(sweep_alone *a, const char *folder, const char *device);
/* True when nobody else held the lock now and at the question before. */
bool sweep_alone_now(sweep_alone *a);
/* Asks, and writes into a record that was finished just now whether its times count. */
void sweep_alone_mark(sweep_alone *a, eval_result *r);
void sweep_alone_end(sweep_alone *a);

#endif
