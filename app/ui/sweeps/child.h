/* child.h - a sweep in the background: a process of its own, and the state machine of what may be done with it.
 *
 * The machine is pure: what happened goes in, what is to be done comes out. The process is started without a shell, in a session of its
 * own so that a closed terminal does not reach it, and watched through a descriptor that poll() understands: no signal handler. */
#ifndef SAINT_APP_UI_CHILD_H
#define SAINT_APP_UI_CHILD_H

#include <stdint.h>
#include <sys/types.h>

#include "engine.h"

typedef enum {
    CHILD_IDLE, /* nothing runs: never started here, or found on the disk */
    CHILD_RUNNING,
    CHILD_PAUSING,    /* asked to finish its sample */
    CHILD_CANCELLING, /* the same, and not to be taken up again by itself */
    CHILD_PAUSED,
    CHILD_CANCELLED,
    CHILD_COMPLETE,
    CHILD_FAILED,
    CHILD_STATES
} child_state;
const char *child_state_name(child_state s); /* "running"; "" out of range */
bool child_alive(child_state s);             /* a process runs */

typedef enum {
    CHILD_START,  /* run what is left */
    CHILD_RETRY,  /* the same, also when nothing is left but failed samples */
    CHILD_PAUSE,
    CHILD_CANCEL,
    CHILD_ENDED   /* with a code */
} child_event;

typedef enum { CHILD_DO_NOTHING, CHILD_DO_SPAWN, CHILD_DO_TERM, CHILD_DO_KILL } child_effect;

/* Code of a process that was not ours to wait for. */
enum { CHILD_CODE_UNKNOWN = -1000 };

/* One step. code is read for CHILD_ENDED: exit status 0.., or minus the signal, or CHILD_CODE_UNKNOWN; complete tells then whether the
 * folder holds a record of every unit. *why (not NULL) says in one sentence why an event is refused, else NULL; the state is then as
 * before. */
child_effect child_step(child_state *s, child_event e, int code, bool complete, const char **why);

typedef struct {
    pid_t pid;      /* 0 = none */
    int fd;         /* readable when the process has ended; -1 = this kernel has no such descriptor: ask child_ended now and then */
    bool ours;      /* can be waited for; false: started by an earlier workbench */
    uint64_t ticks; /* start time of the process, field 22 of /proc/PID/stat: tells it from a later one of the same number */
} child_process;

/* Start argv [ends with NULL] from the running program's own file: stdin empty, stdout and stderr appended to log (made 0600), every
 * other descriptor closed, signals as a fresh process has them, nice by `niceness`. SAINT_IO when it cannot be started. */
saint_status child_spawn(child_process *out, const char *const *argv, const char *log, int niceness, saint_error *err);
/* Take up a process that an earlier workbench started. false: it is gone. */
bool child_adopt(child_process *out, pid_t pid, uint64_t ticks);
/* Whether it has ended, with its code; the process is forgotten then. Never waits. */
bool child_ended(child_process *p, int *code);
void child_signal(const child_process *p, int signal);
/* Forget it, let it run on. */
void child_leave(child_process *p);

/* ---- what a workbench writes beside a sweep, so that the next one can take it up: FOLDER/launch.json ---- */

enum { LAUNCH_ARGS_MOST = 512 };

typedef struct {
    int argc;
    char **argv; /* [argc + 1] owned: the command, "saint" first */
    child_state state;
    pid_t pid; /* of the last start; 0 = none */
    uint64_t ticks;
    char boot[40]; /* /proc/sys/kernel/random/boot_id: after a restart of the machine the number means nothing */
} launch_record;

saint_status launch_save(const char *folder, const launch_record *r, saint_error *err);
/* SAINT_IO: there is none. SAINT_FORMAT: it is damaged. launch_free in any case. */
saint_status launch_load(const char *folder, launch_record *out, saint_error *err);
saint_status launch_parse(const char *text, size_t n, launch_record *out, saint_error *err);
void launch_free(launch_record *r); /* what it holds; NULL is allowed */
/* Copy a command. SAINT_MEMORY, SAINT_INVALID (too long). */
saint_status launch_command(launch_record *r, int argc, const char *const *argv, saint_error *err);
/* Id of this boot; "" when the system does not say. */
void launch_boot(char out[40]);

#endif
