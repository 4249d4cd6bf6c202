/* job.h - runs on a thread of their own, for programs with a loop of their own.
 *
 *   saint_worker_open(&w, session, &err);
 *   saint_worker_submit(w, &request, &job, &err);         at once; the request is copied
 *   poll {stdin, saint_worker_fd(w)}                      readable while events wait
 *   while (saint_worker_next_event(w, &e)) ...            SAINT_JOB_DONE: saint_worker_trace(w)
 *
 * The latest request wins: submitting while a job runs stops that job at its next layer, site or token, and what it finished stays in the
 * session's cache, so a dragged slider loses no work and needs no delay. Every submitted job ends with exactly one SAINT_JOB_DONE or
 * SAINT_JOB_FAILED. All functions may be called from any thread and none waits for a run, except closing.
 *
 * While a worker has a session, nobody else runs it; saint_session_forecast and saint_session_preview stay free to call at any time. */
#ifndef SAINT_RUN_JOB_H
#define SAINT_RUN_JOB_H

#include "run/session.h"

typedef struct saint_worker saint_worker;
typedef uint64_t saint_job; /* 1, 2, 3, ...; 0 is never a job */

typedef enum { SAINT_JOB_PROGRESS, SAINT_JOB_SITE, SAINT_JOB_TOKEN, SAINT_JOB_DONE, SAINT_JOB_FAILED } saint_job_event_kind;

typedef struct {
    saint_job_event_kind kind;
    saint_job job;
    saint_stage stage;
    int image, layer, done, total; /* layers of this stage, or tokens */
    int token;                     /* SAINT_JOB_TOKEN */
    double seconds;                /* since the job began to run */
    saint_error error;             /* SAINT_JOB_FAILED; code SAINT_CANCELLED when it was cancelled or superseded */
} saint_job_event;

/* The session is borrowed and must outlive the worker. SAINT_IO, SAINT_MEMORY when there is no thread or descriptor to be had. */
saint_status saint_worker_open(saint_worker **out, saint_session *s, saint_error *err);
/* Around every run, on the worker's thread: begin before it, end before its last event can be read, so that what end() wrote is there for who
 * has read that event. Both are given the request as it runs; a job that never began has neither. Set before the first job; ud is borrowed. */
typedef struct {
    void (*begin)(void *ud, saint_job job, const saint_request *r);
    void (*end)(void *ud, saint_job job, const saint_request *r);
    void *ud;
} saint_worker_watch;
void saint_worker_set_watch(saint_worker *w, const saint_worker_watch *watch);
/* Cancels what runs and waits for its next boundary. NULL is allowed. Events and the trace that nobody fetched are dropped. */
void saint_worker_close(saint_worker *w);

/* Copy the request (pictures or pixels, prompt or ids, settings) and return at once; *job may be NULL. A request that can be seen to be
 * wrong without running is refused here and supersedes nothing. A program that runs one picture again and again gives pixels
 * (saint_preprocess): they are smaller than most photos and need no further preparation. */
saint_status saint_worker_submit(saint_worker *w, const saint_request *r, saint_job *job, saint_error *err);
/* Stop what runs and forget what waits: their last event is SAINT_JOB_FAILED with SAINT_CANCELLED. */
void saint_worker_cancel(saint_worker *w);
/* A job runs or waits. */
bool saint_worker_busy(saint_worker *w);

/* An eventfd to poll for reading, open until the worker closes. Only look at it: saint_worker_next_event empties it. */
int saint_worker_fd(const saint_worker *w);
/* The oldest event; false when none waits. Progress that nobody has fetched is replaced by newer progress. */
bool saint_worker_next_event(saint_worker *w, saint_job_event *e);
/* One more reference to the trace of the last job that was done (saint_trace_unref), or NULL. */
saint_trace *saint_worker_trace(saint_worker *w);

#endif
