/* jobs.h - several processes of this program on this machine. */
#ifndef SAINT_APP_SWEEP_JOBS_H
#define SAINT_APP_SWEEP_JOBS_H

#include "engine.h"

enum { SWEEP_JOBS_MAX = 256 };

typedef struct {
    int done, failed, interrupted; /* processes by their exit status: 0, 1 or 2, 75 */
    int killed;                    /* by a signal */
    int status;                    /* of the first that failed */
} sweep_jobs;

/* Fork n processes that end with the exit status child(ud, index) returns, and wait for all of them. To be called while this process has
 * no other threads. SAINT_IO: no more processes to be had (those that were made are asked to stop and waited for). */
saint_status sweep_jobs_run(int n, int (*child)(void *ud, int index), void *ud, sweep_jobs *out, saint_error *err);

#endif
