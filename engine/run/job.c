#define _POSIX_C_SOURCE 200809L /* sigset_t, pthread_sigmask */
#include "run/job.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "run/internal.h"

/* A deep copy of a request. */
typedef struct {
    saint_job job;
    saint_request q;
    saint_image *images;
    float *pixels;
    char *prompt;
    int32_t *ids;
} parcel;

struct saint_worker {
    saint_session *session;
    int fd;
    pthread_t thread;
    int cancel; /* atomic: polled by the run */
    saint_worker_watch watch;

    pthread_mutex_t lock;
    pthread_cond_t work;
    parcel *next; /* waits for the thread */
    saint_job running, last;
    bool stop;
    saint_trace *trace;
    saint_job_event *event; /* ring */
    size_t head, n_events, cap;
};

/* ---- copies of requests ---------------------------------------------------------------------------------------- */

static void parcel_free(parcel *p)
{
    if (!p) return;
    for (int i = 0; p->images && i < p->q.n_images; i++) saint_image_free(&p->images[i]);
    free(p->images);
    free(p->pixels);
    free(p->prompt);
    free(p->ids);
    free(p);
}

static void *copy_of(const void *data, size_t bytes)
{
    void *p = malloc(bytes ? bytes : 1);
    return p && bytes ? memcpy(p, data, bytes) : p;
}

static bool copy_images(parcel *p, const saint_request *q)
{
    size_t n = (size_t)q->n_images;
    p->images = calloc(n, sizeof *p->images);
    if (!p->images) return false;
    for (size_t i = 0; i < n; i++) {
        p->images[i] = q->images[i];
        p->images[i].rgb = copy_of(q->images[i].rgb, 3 * (size_t)q->images[i].w * (size_t)q->images[i].h);
        if (!p->images[i].rgb) return false;
    }
    return true;
}

/* What saint_request_check let pass, so every count is in its range. */
static saint_status parcel_new(const saint_session *s, const saint_request *q, parcel **out, saint_error *err)
{
    size_t side = (size_t)s->m->vit.side, n = (size_t)q->n_images;
    parcel *p = calloc(1, sizeof *p);
    bool ok = p != NULL;
    if (ok) p->q = *q;
    if (ok && n && q->pixels) ok = (p->pixels = copy_of(q->pixels, n * 3 * side * side * sizeof *q->pixels)) != NULL;
    else if (ok && n) ok = copy_images(p, q);
    if (ok && q->prompt) ok = (p->prompt = copy_of(q->prompt, strlen(q->prompt) + 1)) != NULL;
    if (ok && q->ids && s->m->llm.layers) ok = (p->ids = copy_of(q->ids, (size_t)(q->n_prefix + q->n_suffix) * sizeof *q->ids)) != NULL;
    if (!ok) {
        parcel_free(p);
        return saint_fail(err, SAINT_MEMORY, "no memory for a copy of the request");
    }
    p->q.images = p->images;
    p->q.pixels = p->pixels;
    p->q.prompt = p->prompt;
    p->q.ids = p->ids;
    *out = p;
    return SAINT_OK;
}

/* ---- events, under the lock ------------------------------------------------------------------------------------ */

/* Room for `more` events; a full queue that cannot grow loses what is not the end of a job. */
static bool reserve(saint_worker *w, size_t more)
{
    if (w->n_events + more <= w->cap) return true;
    size_t cap = w->cap ? 2 * w->cap : 64;
    while (cap < w->n_events + more) cap *= 2;
    saint_job_event *ring = malloc(cap * sizeof *ring);
    if (!ring) return false;
    for (size_t i = 0; i < w->n_events; i++) ring[i] = w->event[(w->head + i) % w->cap];
    free(w->event);
    w->event = ring;
    w->head = 0;
    w->cap = cap;
    return true;
}

/* Jobs that have no last event yet: room for it is always kept. */
static size_t open_jobs(const saint_worker *w) { return (w->running ? 1u : 0u) + (w->next ? 1u : 0u); }

static void signal_fd(saint_worker *w)
{
    uint64_t one = 1;
    ssize_t n;
    do n = write(w->fd, &one, sizeof one);
    while (n < 0 && errno == EINTR); /* a full counter is readable already */
}

static void push(saint_worker *w, const saint_job_event *e)
{
    saint_job_event *newest = w->n_events ? &w->event[(w->head + w->n_events - 1) % w->cap] : NULL;
    bool last = e->kind == SAINT_JOB_DONE || e->kind == SAINT_JOB_FAILED;
    if (newest && newest->kind == SAINT_JOB_PROGRESS && newest->job == e->job && e->kind == SAINT_JOB_PROGRESS) {
        *newest = *e;
        return;
    }
    if (!last && !reserve(w, open_jobs(w) + 1)) return;
    w->event[(w->head + w->n_events++) % w->cap] = *e;
    if (w->n_events == 1) signal_fd(w);
}

static void push_failed(saint_worker *w, saint_job job, const saint_error *error)
{
    push(w, &(saint_job_event){.kind = SAINT_JOB_FAILED, .job = job, .error = *error});
}

static void drop_next(saint_worker *w, const char *why)
{
    parcel *p = w->next;
    saint_error e = {0};
    if (!p) return;
    (void)saint_fail(&e, SAINT_CANCELLED, "%s before it began", why);
    push_failed(w, p->job, &e);
    w->next = NULL;
    parcel_free(p);
}

/* ---- the thread ------------------------------------------------------------------------------------------------ */

static bool on_event(void *ud, const saint_event *e)
{
    static const saint_job_event_kind kinds[] = {
        [SAINT_EVENT_LAYER] = SAINT_JOB_PROGRESS, [SAINT_EVENT_SITE] = SAINT_JOB_SITE, [SAINT_EVENT_TOKEN] = SAINT_JOB_TOKEN};
    saint_worker *w = ud;
    pthread_mutex_lock(&w->lock);
    push(w, &(saint_job_event){.kind = kinds[e->kind],
                               .job = w->running,
                               .stage = e->stage,
                               .image = e->image,
                               .layer = e->layer,
                               .done = e->done,
                               .total = e->total,
                               .token = e->token,
                               .seconds = e->seconds});
    pthread_mutex_unlock(&w->lock);
    return true;
}

/* Under the lock, which is released while the job runs. */
static void run_next(saint_worker *w)
{
    parcel *p = w->next;
    saint_observer ob = {.event = on_event, .ud = w, .cancel = &w->cancel};
    saint_trace *t = NULL;
    saint_error e = {0};
    w->next = NULL;
    w->running = p->job;
    __atomic_store_n(&w->cancel, 0, __ATOMIC_RELAXED);
    saint_worker_watch watch = w->watch;
    pthread_mutex_unlock(&w->lock);
    if (watch.begin) watch.begin(watch.ud, p->job, &p->q);
    saint_status s = saint_session_run(w->session, &p->q, &ob, &t, &e);
    if (watch.end) watch.end(watch.ud, p->job, &p->q);
    parcel_free(p);
    pthread_mutex_lock(&w->lock);
    saint_trace *old = NULL;
    if (s == SAINT_OK) {
        old = w->trace;
        w->trace = t;
        push(w, &(saint_job_event){.kind = SAINT_JOB_DONE, .job = w->running, .seconds = t->seconds.total});
    } else {
        e.code = s;
        push_failed(w, w->running, &e);
    }
    w->running = 0;
    saint_trace_unref(old);
}

static void *worker_main(void *arg)
{
    saint_worker *w = arg;
    pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        if (w->next) run_next(w);
        else pthread_cond_wait(&w->work, &w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* ---- public ---------------------------------------------------------------------------------------------------- */

static int start_thread(saint_worker *w)
{
    sigset_t all, old; /* signals belong to the thread that reads them */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int e = pthread_create(&w->thread, NULL, worker_main, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return e;
}

static void release(saint_worker *w)
{
    if (w->fd >= 0) close(w->fd);
    pthread_cond_destroy(&w->work);
    pthread_mutex_destroy(&w->lock);
    parcel_free(w->next);
    saint_trace_unref(w->trace);
    free(w->event);
    free(w);
}

saint_status saint_worker_open(saint_worker **out, saint_session *s, saint_error *err)
{
    *out = NULL;
    saint_worker *w = calloc(1, sizeof *w);
    if (!w) return saint_fail(err, SAINT_MEMORY, "no memory for a worker");
    w->session = s;
    pthread_mutex_init(&w->lock, NULL); /* default attributes: cannot fail on Linux */
    pthread_cond_init(&w->work, NULL);
    w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int e = w->fd < 0 ? errno : start_thread(w);
    if (e) {
        saint_status st = w->fd < 0 ? saint_fail(err, SAINT_IO, "worker: no descriptor for its events (%s)", strerror(e))
                                    : saint_fail(err, SAINT_MEMORY, "worker: its thread could not be started (%s)", strerror(e));
        release(w);
        return st;
    }
    *out = w;
    return SAINT_OK;
}

void saint_worker_set_watch(saint_worker *w, const saint_worker_watch *watch)
{
    pthread_mutex_lock(&w->lock);
    w->watch = *watch;
    pthread_mutex_unlock(&w->lock);
}

void saint_worker_close(saint_worker *w)
{
    if (!w) return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    __atomic_store_n(&w->cancel, 1, __ATOMIC_RELAXED);
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    release(w);
}

saint_status saint_worker_submit(saint_worker *w, const saint_request *r, saint_job *job, saint_error *err)
{
    parcel *p = NULL;
    saint_plan plan;
    if (job) *job = 0;
    saint_status s = saint_request_check(w->session, r, err);
    if (s == SAINT_OK) s = saint_plan_build(&plan, &r->settings, &w->session->m->info, NULL, err);
    if (s == SAINT_OK) s = parcel_new(w->session, r, &p, err);
    if (s != SAINT_OK) return s;
    pthread_mutex_lock(&w->lock);
    if (!reserve(w, open_jobs(w) + 2)) { /* the last events of those there are, and of this one */
        pthread_mutex_unlock(&w->lock);
        parcel_free(p);
        return saint_fail(err, SAINT_MEMORY, "no memory for the events of a job");
    }
    drop_next(w, "superseded");
    p->job = ++w->last;
    w->next = p;
    if (w->running) __atomic_store_n(&w->cancel, 1, __ATOMIC_RELAXED);
    if (job) *job = p->job;
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
    return SAINT_OK;
}

void saint_worker_cancel(saint_worker *w)
{
    pthread_mutex_lock(&w->lock);
    drop_next(w, "cancelled");
    if (w->running) __atomic_store_n(&w->cancel, 1, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&w->lock);
}

bool saint_worker_busy(saint_worker *w)
{
    pthread_mutex_lock(&w->lock);
    bool busy = w->running || w->next;
    pthread_mutex_unlock(&w->lock);
    return busy;
}

int saint_worker_fd(const saint_worker *w) { return w->fd; }

bool saint_worker_next_event(saint_worker *w, saint_job_event *e)
{
    pthread_mutex_lock(&w->lock);
    bool any = w->n_events > 0;
    if (any) {
        *e = w->event[w->head];
        w->head = (w->head + 1) % w->cap;
        if (--w->n_events == 0) {
            uint64_t count;
            ssize_t n;
            do n = read(w->fd, &count, sizeof count);
            while (n < 0 && errno == EINTR);
        }
    }
    pthread_mutex_unlock(&w->lock);
    return any;
}

saint_trace *saint_worker_trace(saint_worker *w)
{
    pthread_mutex_lock(&w->lock);
    saint_trace *t = w->trace ? saint_trace_ref(w->trace) : NULL;
    pthread_mutex_unlock(&w->lock);
    return t;
}
