#define _GNU_SOURCE
#include "sweep/jobs.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "sweep/stop.h"

static void count(sweep_jobs *out, int how)
{
    if (WIFSIGNALED(how)) {
        out->killed++;
        return;
    }
    int status = WEXITSTATUS(how);
    if (status == EXIT_DONE) out->done++;
    else if (status == EXIT_INTERRUPTED) out->interrupted++;
    else {
        if (!out->failed) out->status = status;
        out->failed++;
    }
}

saint_status sweep_jobs_run(int n, int (*child)(void *ud, int index), void *ud, sweep_jobs *out, saint_error *err)
{
    pid_t pid[SWEEP_JOBS_MAX] = {0};
    int running = 0;
    saint_status s = SAINT_OK;
    *out = (sweep_jobs){0};
    fflush(NULL); /* or every child would print it again */
    const int *stop = sweep_stop_catch();
    pid_t parent = getpid();
    for (int i = 0; i < n && s == SAINT_OK; i++) {
        pid[i] = fork();
        if (pid[i] == 0) {
            sweep_stop_catch_in_job();
            if (getppid() != parent) _exit(EXIT_INTERRUPTED); /* it died before we could ask to be told */
            int status = child(ud, i);
            fflush(NULL);
            _exit(status);
        }
        if (pid[i] < 0) {
            s = saint_fail(err, SAINT_IO, "--jobs: process %d of %d cannot be made: %s", i + 1, n, strerror(errno));
            pid[i] = 0;
            break;
        }
        running++;
    }
    sweep_stop_tell(pid, n);
    if (s != SAINT_OK || __atomic_load_n(stop, __ATOMIC_RELAXED)) /* asked before they could be told */
        for (int i = 0; i < n; i++)
            if (pid[i] > 0) kill(pid[i], SIGUSR2);
    while (running) {
        int how;
        pid_t p = waitpid(-1, &how, 0);
        if (p < 0 && errno == EINTR) continue;
        if (p < 0) break;
        for (int i = 0; i < n; i++)
            if (pid[i] == p) {
                pid[i] = 0;
                running--;
                count(out, how);
            }
    }
    sweep_stop_tell(NULL, 0);
    return s;
}
