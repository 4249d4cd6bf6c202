#define _GNU_SOURCE
#include "eval/ahead.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef enum { IN_WORK, READY } slot_state;
typedef struct {
    uint32_t sample;
    slot_state state;
    bool dropped; /* nobody wants it any more, but its thread still works on it */
    eval_picture *picture;
} slot;

struct eval_ahead {
    eval_ahead_options o;
    pthread_mutex_t lock;
    pthread_cond_t work, done; /* for threads; for the caller */
    pthread_t *thread;
    int n_threads;
    uint32_t *queue; /* samples to come, from `next` on */
    size_t n_queue, next;
    slot *slot;
    size_t n_slots, cap; /* cap: most slots */
    size_t in_work;
    bool hold, quit;
};

void eval_picture_free(eval_picture *p)
{
    if (!p) return;
    free(p->pixels);
    free(p);
}

/* Read and preprocess; NULL: no memory even to say so. */
static eval_picture *make(const eval_ahead_options *o, uint32_t sample)
{
    eval_picture *p = calloc(1, sizeof *p);
    saint_image photo = {0};
    if (!p) return NULL;
    size_t side = (size_t)o->preproc->side;
    p->sample = sample;
    double begin = saint_now();
    p->status = saint_dataset_picture(o->data, sample, 0, &photo, &p->error);
    double loaded = saint_now();
    if (p->status == SAINT_OK) {
        p->pixels = malloc(3 * side * side * sizeof *p->pixels);
        if (!p->pixels) p->status = saint_fail(&p->error, SAINT_MEMORY, "no memory for a picture of %zu x %zu", side, side);
    }
    if (p->status == SAINT_OK) p->status = saint_preprocess(o->preproc, &photo, p->pixels, NULL, &p->error);
    p->s_load = loaded - begin;
    p->s_preprocess = saint_now() - loaded;
    saint_image_free(&photo);
    if (p->status != SAINT_OK) {
        free(p->pixels);
        p->pixels = NULL;
    }
    return p;
}

static slot *find(eval_ahead *a, uint32_t sample)
{
    for (size_t i = 0; i < a->n_slots; i++)
        if (a->slot[i].sample == sample && !a->slot[i].dropped) return &a->slot[i];
    return NULL;
}

static void drop(eval_ahead *a, slot *s)
{
    *s = a->slot[--a->n_slots];
}

/* The next sample worth starting. */
static bool next_of(eval_ahead *a, uint32_t *sample)
{
    while (a->next < a->n_queue && find(a, a->queue[a->next])) a->next++;
    if (a->hold || a->next == a->n_queue || a->n_slots == a->cap) return false;
    *sample = a->queue[a->next++];
    return true;
}

/* Slots move when others go, so a thread finds its own again by the sample; a dropped one and a new one of the same sample may coexist. */
static slot *own(eval_ahead *a, uint32_t sample, const eval_picture *token)
{
    for (size_t i = 0; i < a->n_slots; i++)
        if (a->slot[i].state == IN_WORK && a->slot[i].sample == sample && a->slot[i].picture == token) return &a->slot[i];
    return NULL;
}

static void *work(void *arg)
{
    eval_ahead *a = arg;
    eval_picture token; /* its address marks this thread's slot */
    uint32_t sample;
    pthread_mutex_lock(&a->lock);
    while (!a->quit) {
        if (!next_of(a, &sample)) {
            pthread_cond_wait(&a->work, &a->lock);
            continue;
        }
        a->slot[a->n_slots++] = (slot){.sample = sample, .state = IN_WORK, .picture = &token};
        a->in_work++;
        pthread_mutex_unlock(&a->lock);
        eval_picture *p = make(&a->o, sample);
        pthread_mutex_lock(&a->lock);
        a->in_work--;
        slot *s = own(a, sample, &token);
        if (s->dropped || !p) { /* without memory the caller makes it himself and learns why it cannot be */
            eval_picture_free(p);
            drop(a, s);
            pthread_cond_broadcast(&a->work);
        } else {
            s->picture = p;
            s->state = READY;
        }
        pthread_cond_broadcast(&a->done);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

saint_status eval_ahead_open(eval_ahead **out, const eval_ahead_options *o, saint_error *err)
{
    eval_ahead *a = *out = calloc(1, sizeof *a);
    if (!a) return saint_fail(err, SAINT_MEMORY, "no memory for pictures");
    size_t each = 3 * (size_t)o->preproc->side * (size_t)o->preproc->side * sizeof(float), n = o->threads > 0 ? (size_t)o->threads : 1;
    a->o = *o;
    a->hold = o->in_turns;
    a->cap = each && o->bytes / each > 1 ? o->bytes / each : 1;
    if (a->cap > 65536) a->cap = 65536;
    pthread_mutex_init(&a->lock, NULL); /* default attributes: cannot fail on Linux */
    pthread_cond_init(&a->work, NULL);
    pthread_cond_init(&a->done, NULL);
    a->slot = calloc(a->cap, sizeof *a->slot);
    a->thread = calloc(n, sizeof *a->thread);
    saint_status s = a->slot && a->thread ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for pictures");
    for (size_t i = 0; i < n && s == SAINT_OK; i++) {
        if (pthread_create(&a->thread[i], NULL, work, a) == 0) a->n_threads++;
        else if (i == 0) s = saint_fail(err, SAINT_IO, "no thread to read pictures with");
    }
    if (s != SAINT_OK) {
        eval_ahead_close(a);
        *out = NULL;
    }
    return s;
}

void eval_ahead_close(eval_ahead *a)
{
    if (!a) return;
    pthread_mutex_lock(&a->lock);
    a->quit = true;
    pthread_cond_broadcast(&a->work);
    pthread_mutex_unlock(&a->lock);
    for (int i = 0; i < a->n_threads; i++) pthread_join(a->thread[i], NULL);
    for (size_t i = 0; i < a->n_slots; i++) eval_picture_free(a->slot[i].picture);
    pthread_cond_destroy(&a->work);
    pthread_cond_destroy(&a->done);
    pthread_mutex_destroy(&a->lock);
    free(a->thread);
    free(a->slot);
    free(a->queue);
    free(a);
}

static bool wanted(const eval_ahead *a, uint32_t sample)
{
    /* only the first ones can be in a slot: further ones would not have been started */
    for (size_t i = 0; i < a->n_queue && i < 2 * a->cap; i++)
        if (a->queue[i] == sample) return true;
    return false;
}

saint_status eval_ahead_want(eval_ahead *a, const uint32_t *sample, size_t n, saint_error *err)
{
    uint32_t *queue = malloc((n + 1) * sizeof *queue);
    if (!queue) return saint_fail(err, SAINT_MEMORY, "no memory for the names of %zu pictures", n);
    if (n) memcpy(queue, sample, n * sizeof *queue);
    pthread_mutex_lock(&a->lock);
    free(a->queue);
    a->queue = queue;
    a->n_queue = n;
    a->next = 0;
    for (size_t i = a->n_slots; i-- > 0;) {
        slot *s = &a->slot[i];
        if (wanted(a, s->sample)) continue;
        if (s->state == IN_WORK) {
            s->dropped = true;
            continue;
        }
        eval_picture_free(s->picture);
        drop(a, s);
    }
    pthread_cond_broadcast(&a->work);
    pthread_mutex_unlock(&a->lock);
    return SAINT_OK;
}

/* Whether a thread is at it or will come to it. */
static bool coming(eval_ahead *a, uint32_t sample)
{
    if (find(a, sample)) return true;
    while (a->next < a->n_queue && find(a, a->queue[a->next])) a->next++;
    return a->n_slots < a->cap && a->next < a->n_queue && a->queue[a->next] == sample;
}

saint_status eval_ahead_take(eval_ahead *a, uint32_t sample, eval_picture **out, saint_error *err)
{
    slot *s;
    *out = NULL;
    pthread_mutex_lock(&a->lock);
    if (a->o.in_turns) {
        a->hold = false;
        pthread_cond_broadcast(&a->work);
    }
    while ((!(s = find(a, sample)) || s->state != READY) && coming(a, sample)) pthread_cond_wait(&a->done, &a->lock);
    if (a->o.in_turns) {
        a->hold = true;
        while (a->in_work) pthread_cond_wait(&a->done, &a->lock);
        s = find(a, sample); /* slots may have moved */
    }
    if (s && s->state == READY) {
        *out = s->picture;
        drop(a, s);
        pthread_cond_broadcast(&a->work);
    }
    pthread_mutex_unlock(&a->lock);
    if (!*out) *out = make(&a->o, sample);
    return *out ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for a picture");
}
