/* work.h - one process working on a sweep: claim blocks, run them, write the journal, until nothing is left anywhere. */
#ifndef SAINT_APP_SWEEP_WORK_H
#define SAINT_APP_SWEEP_WORK_H

#include "datasets/dataset.h"
#include "device_use.h"
#include "sweep/journal.h"
#include "sweep/plan.h"

typedef struct {
    size_t units, ok, failed, left; /* of the whole sweep, as far as this process has read */
    size_t mine;                    /* records of this process */
    int trials, stopped;
    double elapsed, rate, eta;      /* seconds, units per second of all processes, seconds; eta < 0: not known yet */
    bool waiting;                   /* for other processes to finish what they have claimed */
} sweep_progress;

typedef struct {
    const char *folder;
    const saint_model *model;
    saint_dataset *data;
    saint_session *session;
    int threads;                    /* of this process */
    sweep_launch launch;
    bool exclusive;                 /* no other rank was given the same device */
    device_use *use;                /* begun; NULL: do not look */
    bool retry_errors;              /* also those that have failed SWEEP_TRIES times */
    const int *stop;                /* atomic flag: finish the sample, then SAINT_CANCELLED */
    void (*progress)(void *ud, const sweep_progress *p); /* after every record, and while waiting; NULL = nobody looks */
    void *ud;
} sweep_worker;

/* Work until every unit of the folder's plan has a record, whoever made it, also when the plan grows meanwhile. SAINT_CANCELLED: asked to
 * stop. SAINT_IO: the journal cannot be written; what was written is safe. exit_status(status) goes into the journal's last line. */
saint_status sweep_work(const sweep_worker *w, int (*exit_status)(saint_status s), saint_error *err);

#endif
