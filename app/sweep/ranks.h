/* ranks.h - which process of how many this one is, told by whoever started it: options, mpirun, Slurm.
 *
 * Ranks never talk to each other; the number decides nothing but the device and who shows the progress. A launcher whose environment is
 * incomplete is an error: eight processes that all believe to be the only one would do the same work eight times. */
#ifndef SAINT_APP_SWEEP_RANKS_H
#define SAINT_APP_SWEEP_RANKS_H

#include "engine.h"

typedef struct {
    int rank, world;              /* 0 <= rank < world */
    int local_rank, local_world;  /* among the processes of this machine; -1, 0 = not known */
    const char *launcher;         /* "none", "options", "jobs", "openmpi", "pmix", "pmi", "slurm", "slurm-array" */
    char job[64];                 /* of the batch system, "" = none */
} sweep_rank;

/* lookup gives the value of an environment variable or NULL (getenv for programs, a table for tests). rank, world: of --rank and --world,
 * -1 = not given; they win over any launcher. SAINT_INVALID: something is missing or out of range; the line says what. */
saint_status sweep_rank_find(const char *(*lookup)(void *ud, const char *name), void *ud, long rank, long world, sweep_rank *out,
                             saint_error *err);

/* Which of the machine's `devices` accelerators this process takes: in turns by the number among the processes of this machine, or, where
 * nobody tells that, by the rank. A launcher that shows each process one device of its own needs no turns: devices is 1 there. */
int sweep_rank_device(const sweep_rank *r, int devices);

#endif
