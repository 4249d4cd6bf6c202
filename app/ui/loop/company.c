/* Whether runs have the device to themselves: the worker's thread tells the other processes when a run begins and ends, and asks whether it was
 * alone. The loop's own thread waits for no file, and an idle workbench uses no device. */
#define _GNU_SOURCE
#include "ui/loop/core.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "device_use.h"

enum { PICTURES = 64 };

struct ui_company {
    device_use use; /* the worker's thread */
    pthread_mutex_t lock;
    saint_job last; /* that ended */
    device_company last_company;
    struct {
        saint_digest picture;
        device_company company;
    } known[PICTURES]; /* of which layers in the cache were not timed alone; a ring */
    int n;
};

ui_company *ui_company_open(const saint_session_options *o)
{
    ui_company *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    pthread_mutex_init(&c->lock, NULL);
    device_use_start(&c->use, o);
    return c;
}

void ui_company_close(ui_company *c)
{
    if (!c) return;
    device_use_close(&c->use);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static device_company known(const ui_company *c, const saint_digest *picture)
{
    device_company all = DEVICE_ALONE;
    for (int i = 0; i < c->n && i < PICTURES; i++)
        if (memcmp(&c->known[i].picture, picture, sizeof *picture) == 0) all = device_company_both(all, c->known[i].company);
    return all;
}

static void begin(void *ud, saint_job job, const saint_request *r)
{
    (void)job;
    (void)r;
    device_use_begin(&((ui_company *)ud)->use);
}

static void end(void *ud, saint_job job, const saint_request *r)
{
    static const saint_digest none;
    ui_company *c = ud;
    const saint_digest *picture = r->has_picture_key ? &r->picture_key : &none;
    device_company now = device_use_company(&c->use);
    device_use_end(&c->use);
    pthread_mutex_lock(&c->lock);
    c->last = job;
    c->last_company = now;
    if (now > known(c, picture)) {
        c->known[c->n % PICTURES].picture = *picture;
        c->known[c->n++ % PICTURES].company = now;
    }
    pthread_mutex_unlock(&c->lock);
}

void ui_company_watch(ui_company *c, saint_worker *w)
{
    device_use_end(&c->use);
    saint_worker_set_watch(w, &(saint_worker_watch){.begin = begin, .end = end, .ud = c});
}

device_company ui_company_of(ui_company *c, saint_job job, const saint_digest *picture)
{
    pthread_mutex_lock(&c->lock);
    device_company all = c->last == job ? c->last_company : DEVICE_ALONE;
    if (picture) all = device_company_both(all, known(c, picture));
    pthread_mutex_unlock(&c->lock);
    return all;
}
