/* Models, data sets and pictures, each opened on a thread of its own behind the screen: a large model does not hold up the next picture.
 *
 * A newer request replaces a waiting one of its kind; what is being read is finished and dropped by its ticket. */
#define _GNU_SOURCE
#include "ui/loop/core.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "datasets/guess.h"
#include "defaults.h"
#include "scenes/scenes.h"

/* ---- shared things ---- */

ui_picture *ui_picture_ref(ui_picture *p)
{
    if (p) __atomic_add_fetch(&p->refs, 1, __ATOMIC_RELAXED);
    return p;
}

void ui_picture_unref(ui_picture *p)
{
    if (!p || __atomic_sub_fetch(&p->refs, 1, __ATOMIC_ACQ_REL)) return;
    saint_image_free(&p->image);
    free(p);
}

ui_data *ui_data_ref(ui_data *d)
{
    if (d) __atomic_add_fetch(&d->refs, 1, __ATOMIC_RELAXED);
    return d;
}

void ui_data_unref(ui_data *d)
{
    if (!d || __atomic_sub_fetch(&d->refs, 1, __ATOMIC_ACQ_REL)) return;
    saint_dataset_close(d->set);
    free(d->name);
    free(d);
}

void ui_machine_close(ui_machine *m)
{
    saint_worker_close(m->worker);
    ui_company_close(m->company);
    saint_session_close(m->session);
    saint_model_unref(m->model);
    saint_engine_close(m->engine);
    *m = (ui_machine){0};
}

void ui_loaded_free(ui_loaded *l)
{
    ui_machine_close(&l->machine);
    ui_data_unref(l->data);
    ui_picture_unref(l->picture);
    free(l->pixels);
    free(l->file);
    *l = (ui_loaded){0};
}

/* ---- requests ---- */

typedef enum { GET_MODEL, GET_DATA, GET_PICTURE, GET_AHEAD, GETS } get_kind;

typedef struct {
    bool waits;
    uint64_t ticket;
    const ui_options *opt;
    ui_machine old;
    char *path; /* folder, KIND:PATH, file */
    ui_data *data;
    size_t sample;
    ui_picture *picture;
    saint_model *model;
} request;

static void request_free(request *r)
{
    ui_machine_close(&r->old);
    free(r->path);
    ui_data_unref(r->data);
    ui_picture_unref(r->picture);
    saint_model_unref(r->model);
    *r = (request){0};
}

enum { RESULTS = 64 };

typedef struct {
    ui_loader *loader;
    get_kind kind;
    pthread_t thread;
    bool started, working;
} lane;

struct ui_loader {
    int fd, stop; /* stop: atomic */
    pthread_mutex_t lock;
    pthread_cond_t work;
    request get[GETS];
    lane lane[GETS];
    ui_loaded result[RESULTS]; /* ring */
    int first, n;
    uint64_t last;
};

static void ring(ui_loader *l)
{
    uint64_t one = 1;
    while (write(l->fd, &one, sizeof one) < 0 && errno == EINTR) {}
}

/* Progress that nobody has taken is replaced; a result always has room, because few requests are open. */
static void give(ui_loader *l, ui_loaded *out)
{
    pthread_mutex_lock(&l->lock);
    ui_loaded *newest = l->n ? &l->result[(l->first + l->n - 1) % RESULTS] : NULL;
    if (out->kind == UI_LOADED_PROGRESS && newest && newest->kind == UI_LOADED_PROGRESS) *newest = *out;
    else if (l->n < RESULTS) l->result[(l->first + l->n++) % RESULTS] = *out;
    else ui_loaded_free(out);
    pthread_mutex_unlock(&l->lock);
    ring(l);
}

/* ---- the work ---- */

static void open_model(const request *r, ui_loaded *out)
{
    char path[4096];
    ui_machine *m = &out->machine;
    saint_error *e = &out->error;
    const load_options *l = &r->opt->load;
    m->company = ui_company_open(&r->opt->session);
    saint_status s = m->company ? SAINT_OK : saint_fail(e, SAINT_MEMORY, "no memory for a model");
    if (s == SAINT_OK && l->shape && !r->path) s = saint_model_random(&m->model, l->shape, 1, r->opt->session.dtype, e);
    else if (s == SAINT_OK) {
        const char *given = r->path ? model_path(r->path, path, sizeof path) : NULL;
        if (given && given != path) snprintf(path, sizeof path, "%s", given);
        else if (!given) s = default_model(path, sizeof path, e);
        saint_model_options o = {.vision_tower = l->vision_tower, .template_name = l->template_name, .fit = l->image_mode};
        if (s == SAINT_OK) s = saint_model_load(&m->model, path, &o, e);
        if (s == SAINT_OK) out->file = strdup(path);
    }
    if (s == SAINT_OK) s = saint_engine_open(&m->engine, &r->opt->engine, e);
    if (s == SAINT_OK) s = saint_session_open(&m->session, m->engine, m->model, &r->opt->session, e);
    if (s == SAINT_OK) s = saint_worker_open(&m->worker, m->session, e);
    if (s == SAINT_OK) ui_company_watch(m->company, m->worker);
    if (s != SAINT_OK) ui_machine_close(m);
    e->code = s;
}

typedef struct {
    ui_loader *loader;
    uint64_t ticket;
    bool shown;
} teller;

/* The embedded pictures are made on first use, which takes some seconds: the first one is there at once, so that there is something to look
 * at and to run. */
static void show_first(teller *t)
{
    saint_scenes_scene scene;
    saint_scenes_question pair[2];
    saint_scenes_canvas *canvas = NULL;
    ui_loaded out = {.kind = UI_LOADED_FIRST, .ticket = t->ticket, .picture = calloc(1, sizeof *out.picture)};
    t->shown = true;
    if (!out.picture) return;
    out.picture->refs = 1;
    saint_scenes_describe(saint_scenes_key(SAINT_SCENES_TEST, SAINT_SCENES_OCR, DEFAULT_SCENES_SEED, 0), &scene);
    saint_scenes_pair(&scene, pair);
    out.file = strdup(pair[0].question);
    bool ok = out.file && saint_image_new(DEFAULT_SCENES_SIDE, DEFAULT_SCENES_SIDE, &out.picture->image, NULL) == SAINT_OK &&
              saint_scenes_canvas_new(DEFAULT_SCENES_SIDE, &canvas, NULL) == SAINT_OK;
    if (ok) saint_scenes_draw(&scene, canvas, out.picture->image.rgb);
    saint_scenes_canvas_free(canvas);
    if (ok) give(t->loader, &out);
    else ui_loaded_free(&out);
}

static bool tell(void *ctx, size_t done, size_t total)
{
    teller *t = ctx;
    if (!t->shown) show_first(t);
    ui_loaded out = {.kind = UI_LOADED_PROGRESS, .ticket = t->ticket, .done = done, .total = total};
    give(t->loader, &out);
    return !__atomic_load_n(&t->loader->stop, __ATOMIC_RELAXED);
}

bool ui_has_kind(const char *text)
{
    for (int k = 0; k < SAINT_DATA_KIND_COUNT; k++) {
        size_t n = strlen(saint_data_kind_name((saint_data_kind)k));
        if (!strncmp(text, saint_data_kind_name((saint_data_kind)k), n) && text[n] == ':') return true;
    }
    return false;
}

static void open_data(ui_loader *l, const request *r, ui_loaded *out)
{
    char name[4096];
    saint_dataset *set = NULL;
    saint_status s = SAINT_OK;
    const char *why = NULL;
    if (r->path && ui_has_kind(r->path)) snprintf(name, sizeof name, "%s", r->path);
    else if (r->path) {
        saint_data_kind kind = saint_data_guess(r->path, &why);
        snprintf(name, sizeof name, "%s:%s", saint_data_kind_name(kind), r->path);
        if (kind != SAINT_DATA_IMAGES) out->file = strdup(why);
    } else s = default_data(name, sizeof name, tell, &(teller){l, r->ticket, false}, &out->error);
    if (s == SAINT_OK) s = saint_dataset_open(name, NULL, &set, &out->error);
    out->error.code = s;
    if (s != SAINT_OK) return;
    ui_data *d = calloc(1, sizeof *d);
    if (d) *d = (ui_data){.refs = 1, .set = set, .name = strdup(name)};
    else saint_dataset_close(set);
    out->data = d;
    if (!d || !d->name) out->error.code = saint_fail(&out->error, SAINT_MEMORY, "%s: no memory", name);
}

static void prepare(const request *r, ui_loaded *out)
{
    const saint_preproc *p = saint_model_preproc(r->model);
    size_t side = (size_t)saint_model_get_info(r->model)->image_side;
    if (!side || !p) return; /* a language model alone */
    out->pixels = malloc(3 * side * side * sizeof *out->pixels);
    out->pixels_for = r->model;
    if (!out->pixels) out->error.code = saint_fail(&out->error, SAINT_MEMORY, "no memory for a picture of %zu x %zu", side, side);
    else out->error.code = saint_preprocess(p, &out->picture->image, out->pixels, &out->rect, &out->error);
}

static void open_picture(const request *r, ui_loaded *out)
{
    saint_error *e = &out->error;
    ui_picture *p = ui_picture_ref(r->picture);
    out->data = ui_data_ref(r->data);
    if (!p) {
        p = calloc(1, sizeof *p);
        if (!p) {
            e->code = saint_fail(e, SAINT_MEMORY, "no memory for a picture");
            return;
        }
        p->refs = 1;
        e->code = r->data ? saint_dataset_picture(r->data->set, r->sample, 0, &p->image, e) : saint_image_load(r->path, &p->image, e);
        if (r->path) out->file = strdup(r->path);
    }
    out->picture = p;
    if (e->code == SAINT_OK && r->model) prepare(r, out);
}

static void work(ui_loader *l, get_kind kind, request *r)
{
    static const ui_loaded_kind kinds[] = {UI_LOADED_MODEL, UI_LOADED_DATA, UI_LOADED_PICTURE, UI_LOADED_AHEAD};
    ui_loaded out = {.kind = kinds[kind], .ticket = r->ticket};
    double begin = saint_now();
    ui_machine_close(&r->old); /* before the next one needs its memory */
    if (kind == GET_MODEL) open_model(r, &out);
    else if (kind == GET_DATA) open_data(l, r, &out);
    else open_picture(r, &out);
    out.seconds = saint_now() - begin;
    request_free(r);
    give(l, &out);
}

static void *run_lane(void *arg)
{
    lane *me = arg;
    ui_loader *l = me->loader;
    pthread_mutex_lock(&l->lock);
    while (!l->stop) {
        if (!l->get[me->kind].waits) {
            pthread_cond_wait(&l->work, &l->lock);
            continue;
        }
        request r = l->get[me->kind];
        l->get[me->kind] = (request){0};
        me->working = true;
        pthread_mutex_unlock(&l->lock);
        work(l, me->kind, &r);
        pthread_mutex_lock(&l->lock);
        me->working = false;
        ring(l); /* who asked whether anything is under way asks again */
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

/* ---- for the loop ---- */

saint_status ui_loader_open(ui_loader **out, saint_error *err)
{
    *out = NULL;
    ui_loader *l = calloc(1, sizeof *l);
    if (!l) return saint_fail(err, SAINT_MEMORY, "no memory for the loader");
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->work, NULL);
    l->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    sigset_t all, old; /* signals belong to the thread that reads them */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    bool ok = l->fd >= 0;
    for (int i = 0; i < GETS && ok; i++) {
        l->lane[i] = (lane){.loader = l, .kind = (get_kind)i};
        ok = l->lane[i].started = pthread_create(&l->lane[i].thread, NULL, run_lane, &l->lane[i]) == 0;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    *out = l;
    if (ok) return SAINT_OK;
    ui_loader_close(l);
    *out = NULL;
    return saint_fail(err, SAINT_MEMORY, "no thread or descriptor for the loader");
}

void ui_loader_close(ui_loader *l)
{
    if (!l) return;
    pthread_mutex_lock(&l->lock);
    __atomic_store_n(&l->stop, 1, __ATOMIC_RELAXED);
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    for (int i = 0; i < GETS; i++)
        if (l->lane[i].started) pthread_join(l->lane[i].thread, NULL);
    for (int i = 0; i < GETS; i++) request_free(&l->get[i]);
    for (int i = 0; i < l->n; i++) ui_loaded_free(&l->result[(l->first + i) % RESULTS]);
    if (l->fd >= 0) close(l->fd);
    pthread_cond_destroy(&l->work);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

int ui_loader_fd(const ui_loader *l) { return l->fd; }

bool ui_loader_busy(ui_loader *l)
{
    pthread_mutex_lock(&l->lock);
    bool busy = l->n > 0;
    for (int i = 0; i < GETS; i++) busy = busy || l->get[i].waits || l->lane[i].working;
    pthread_mutex_unlock(&l->lock);
    return busy;
}

bool ui_loader_next(ui_loader *l, ui_loaded *out)
{
    uint64_t count;
    pthread_mutex_lock(&l->lock);
    while (read(l->fd, &count, sizeof count) < 0 && errno == EINTR) {}
    bool any = l->n > 0;
    if (any) {
        *out = l->result[l->first];
        l->first = (l->first + 1) % RESULTS;
        l->n--;
    }
    pthread_mutex_unlock(&l->lock);
    return any;
}

/* What r replaces is freed by the lane's own thread where that may wait, which is only an old machine. */
static uint64_t ask(ui_loader *l, get_kind kind, request r)
{
    pthread_mutex_lock(&l->lock);
    request *slot = &l->get[kind];
    if (slot->waits && slot->old.engine) { /* not closed yet: goes along */
        r.old = slot->old;
        slot->old = (ui_machine){0};
    }
    request_free(slot);
    r.waits = true;
    uint64_t ticket = r.ticket = ++l->last;
    *slot = r;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    return ticket;
}

uint64_t ui_loader_model(ui_loader *l, const ui_options *o, const char *dir, ui_machine old)
{
    return ask(l, GET_MODEL, (request){.opt = o, .path = dir ? strdup(dir) : NULL, .old = old});
}

uint64_t ui_loader_data(ui_loader *l, const char *kind_path)
{
    return ask(l, GET_DATA, (request){.path = kind_path ? strdup(kind_path) : NULL});
}

uint64_t ui_loader_sample(ui_loader *l, ui_data *d, size_t i, saint_model *m)
{
    return ask(l, GET_PICTURE, (request){.data = ui_data_ref(d), .sample = i, .model = m ? saint_model_ref(m) : NULL});
}

uint64_t ui_loader_ahead(ui_loader *l, ui_data *d, size_t i, saint_model *m)
{
    return ask(l, GET_AHEAD, (request){.data = ui_data_ref(d), .sample = i, .model = m ? saint_model_ref(m) : NULL});
}

uint64_t ui_loader_file(ui_loader *l, const char *path, saint_model *m)
{
    return ask(l, GET_PICTURE, (request){.path = strdup(path), .model = m ? saint_model_ref(m) : NULL});
}

uint64_t ui_loader_prepare(ui_loader *l, ui_picture *p, saint_model *m)
{
    return ask(l, GET_PICTURE, (request){.picture = ui_picture_ref(p), .model = saint_model_ref(m)});
}
