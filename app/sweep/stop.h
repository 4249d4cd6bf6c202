/* stop.h - signals that end a sweep gently: the first asks for the sample at hand to be finished, the second leaves at once.
 *
 * SIGINT, SIGTERM, SIGHUP and SIGUSR1 (what Slurm sends before it takes a job away). A process with jobs passes them on to its children as
 * SIGUSR2; those listen to nothing else, because a terminal signals the whole group and they would hear everything twice. */
#ifndef SAINT_APP_SWEEP_STOP_H
#define SAINT_APP_SWEEP_STOP_H

#include <stdbool.h>
#include <sys/types.h>

/* Catch the signals; the flag becomes 1 with the first. The same flag in every call. */
const int *sweep_stop_catch(void);
/* In a child of a process that has called sweep_stop_catch. */
const int *sweep_stop_catch_in_job(void);
/* Children that hear of it: [n], kept by the caller while any runs. NULL: none any more. */
void sweep_stop_tell(const pid_t *pid, int n);

#endif
