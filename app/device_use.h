/* device_use.h - who uses a device: every process of this user that runs a model tells the others, and can ask whether it was alone.
 *
 * One small file per device, the same for all (TMPDIR/saint-UID-cpu.lock). Whoever uses the device holds a lock on it that all may hold in
 * common; the lock goes with its process, however that ends. A use that began and ended between two questions has left the file changed:
 * each begins by writing its own mark. Nobody ever waits here, and nobody takes the lock for himself: asking only looks.
 *
 * And who else: of other programs nothing is known but what they take of the CPUs that this process may use (cpu_load.h), up to half a second late.
 *
 * A run never fails for it. What then is not told: with no file of ours at that path and no way to make one (a read-only folder, a link, a
 * pipe, somebody else's file), nothing, and everybody seems alone; where it can be read but not written, uses shorter than a sample. Processes
 * that look in different folders (another TMPDIR, another machine) do not see each other; nor does anybody see who else uses an accelerator. */
#ifndef SAINT_APP_DEVICE_USE_H
#define SAINT_APP_DEVICE_USE_H

#include <stdbool.h>

#include "cpu_load.h"
#include "engine.h"

/* Whether times count; of several, the last in this order. */
typedef enum {
    DEVICE_ALONE,     /* they do */
    DEVICE_DISTURBED, /* they do not: other programs took a good part of the CPUs */
    DEVICE_SHARED     /* they do not: another saint of this user used the device */
} device_company;
static inline device_company device_company_both(device_company a, device_company b) { return a > b ? a : b; }
/* In the words of every command: why times do not count, "" where they do; in a word beside a figure; and while what they were taken. */
const char *device_company_note(device_company c);
const char *device_company_word(device_company c);
const char *device_company_while(device_company c);

enum { DEVICE_USE_MARK = 96, DEVICE_USE_NAME = 64 };

/* One user of a device; one thread at a time. */
typedef struct {
    char *path;
    int fd;          /* -1: nothing can be told */
    bool writable;   /* and it is ours to write */
    bool was_alone;  /* at the last question */
    uint64_t begins;
    int n_seen;      /* bytes of the mark that stood there at the last question */
    char seen[DEVICE_USE_MARK];
    bool watches; /* the CPUs */
    cpu_load load;
} device_use;

/* The folder of the files: TMPDIR, or /tmp. */
const char *device_use_folder(void);
/* "cpu", "cuda0": the device of a session as the machine counts it. visible: CUDA_VISIBLE_DEVICES or NULL, by which a process sees fewer
 * devices under other numbers; devices given by UUID have names of their own. */
void device_use_name(const saint_session_options *o, const char *visible, char out[DEVICE_USE_NAME]);

/* Nothing is used yet, and no CPU is looked at. */
void device_use_open(device_use *u, const char *folder, const char *device);
/* Looks at the load of the CPUs, too; stat as in cpu_load_begin. */
void device_use_watch_cpus(device_use *u, const char *stat);
/* Used from here on: others see it. May follow itself, and an end. */
void device_use_begin(device_use *u);
/* Who else used the device now, at the question before (or at the begin), or between them. */
device_company device_use_company(device_use *u);
static inline bool device_use_alone(device_use *u) { return device_use_company(u) == DEVICE_ALONE; }
void device_use_end(device_use *u);
/* Which file tells nothing of other processes, because it cannot be had; NULL: it tells. */
const char *device_use_blind(const device_use *u);
void device_use_close(device_use *u); /* ends it too */

/* Open, watch and begin, for the device of a session, where all programs of this user look. The environment's SAINT_PROC_STAT names another
 * file than /proc/stat; an empty one tells of no load. */
void device_use_start(device_use *u, const saint_session_options *o);

#endif
