#define _GNU_SOURCE
#include "ui/errands.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct errand {
    struct errand *next;
    void (*work)(void *ud);
    void (*done)(void *context, void *ud);
    void (*release)(void *ud);
    void *ud;
} errand;

typedef struct {
    errand *first, **end;
} queue;

struct errands {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    queue waiting, finished;
    int open; /* waiting, under way or not delivered */
    bool stop;
    int fd;
};

static void put(queue *q, errand *e)
{
    e->next = NULL;
    *q->end = e;
    q->end = &e->next;
}

static errand *take(queue *q)
{
    errand *e = q->first;
    if (!e) return NULL;
    q->first = e->next;
    if (!q->first) q->end = &q->first;
    return e;
}

static void *run(void *ud)
{
    errands *e = ud;
    pthread_mutex_lock(&e->lock);
    for (;;) {
        errand *one;
        while (!e->stop && !e->waiting.first) pthread_cond_wait(&e->wake, &e->lock);
        if (e->stop) break;
        one = take(&e->waiting);
        pthread_mutex_unlock(&e->lock);
        one->work(one->ud);
        pthread_mutex_lock(&e->lock);
        put(&e->finished, one);
        uint64_t count = 1;
        while (write(e->fd, &count, sizeof count) < 0 && errno == EINTR) {}
    }
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

saint_status errands_open(errands **out, saint_error *err)
{
    errands *e = calloc(1, sizeof *e);
    *out = NULL;
    if (!e) return saint_fail(err, SAINT_MEMORY, "no memory for a thread");
    e->waiting.end = &e->waiting.first;
    e->finished.end = &e->finished.first;
    e->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (e->fd < 0) {
        free(e);
        return saint_fail(err, SAINT_IO, "no event descriptor: %s", strerror(errno));
    }
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->wake, NULL);
    sigset_t all, before; /* signals are the loop's */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&e->thread, NULL, run, e);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        close(e->fd);
        pthread_mutex_destroy(&e->lock);
        pthread_cond_destroy(&e->wake);
        free(e);
        return saint_fail(err, SAINT_MEMORY, "no thread: %s", strerror(failed));
    }
    *out = e;
    return SAINT_OK;
}

static void drop(queue *q)
{
    for (errand *one; (one = take(q));) {
        if (one->release) one->release(one->ud);
        free(one);
    }
}

void errands_close(errands *e)
{
    if (!e) return;
    pthread_mutex_lock(&e->lock);
    e->stop = true;
    pthread_cond_signal(&e->wake);
    pthread_mutex_unlock(&e->lock);
    pthread_join(e->thread, NULL);
    drop(&e->waiting);
    drop(&e->finished);
    close(e->fd);
    pthread_mutex_destroy(&e->lock);
    pthread_cond_destroy(&e->wake);
    free(e);
}

int errands_fd(const errands *e) { return e->fd; }

saint_status errands_add(errands *e, void (*work)(void *), void (*done)(void *, void *), void (*release)(void *), void *ud, saint_error *err)
{
    errand *one = malloc(sizeof *one);
    if (!one) return saint_fail(err, SAINT_MEMORY, "no memory for an errand");
    *one = (errand){.work = work, .done = done, .release = release, .ud = ud};
    pthread_mutex_lock(&e->lock);
    put(&e->waiting, one);
    e->open++;
    pthread_cond_signal(&e->wake);
    pthread_mutex_unlock(&e->lock);
    return SAINT_OK;
}

int errands_deliver(errands *e, void *context)
{
    uint64_t count;
    while (read(e->fd, &count, sizeof count) < 0 && errno == EINTR) {}
    int n = 0;
    for (;; n++) {
        pthread_mutex_lock(&e->lock);
        errand *one = take(&e->finished);
        e->open -= one != NULL;
        pthread_mutex_unlock(&e->lock);
        if (!one) return n;
        if (one->done) one->done(context, one->ud); /* may add the next one */
        if (one->release) one->release(one->ud);
        free(one);
    }
}

bool errands_busy(errands *e)
{
    pthread_mutex_lock(&e->lock);
    bool busy = e->open > 0;
    pthread_mutex_unlock(&e->lock);
    return busy;
}
