#include "run/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/cpu.h"
#include "backend/self_check.h"
#include "base/clock.h"
#include "run/cost.h"
#include "run/internal.h"

struct saint_engine {
    saint_pool *pool;
    char tier[24];
};

saint_status saint_engine_open(saint_engine **out, const saint_engine_options *o, saint_error *err)
{
    *out = NULL;
    saint_engine *e = calloc(1, sizeof *e);
    if (!e) return saint_fail(err, SAINT_MEMORY, "no memory for an engine");
    if (o && o->tier) snprintf(e->tier, sizeof e->tier, "%s", o->tier);
    saint_status s = saint_pool_create(&e->pool, o ? o->n_threads : 0, err);
    if (s != SAINT_OK) {
        saint_engine_close(e);
        return s;
    }
    *out = e;
    return SAINT_OK;
}

void saint_engine_close(saint_engine *e)
{
    if (!e) return;
    saint_pool_destroy(e->pool);
    free(e);
}

bool saint_engine_has_tier(const char *tier)
{
    saint_cpu_tier best = saint_cpu_best_tier();
    for (int t = 0; t <= (int)best; t++)
        if (strcmp(saint_cpu_tier_name((saint_cpu_tier)t), tier) == 0) return true;
    return false;
}

saint_pool *saint_engine_pool(const saint_engine *e) { return e->pool; }

int saint_engine_threads(const saint_engine *e) { return saint_pool_threads(e->pool); }

/* What can be had again goes first: the room of a ViT that nobody computes in, then checkpoints. */
static bool reclaim(void *ud, size_t bytes)
{
    saint_session *s = ud;
    if (s->room.f) {
        saint_vit_room_close(s->b, &s->room);
        return true;
    }
    return saint_cache_shrink(s->cache, bytes);
}

saint_status saint_session_open_on(saint_session **out, saint_engine *e, saint_model *m, saint_backend *b, size_t checkpoint_bytes,
                                   saint_error *err)
{
    *out = NULL;
    saint_session *s = calloc(1, sizeof *s);
    if (!s) {
        saint_backend_close(b);
        return saint_fail(err, SAINT_MEMORY, "no memory for a session");
    }
    pthread_mutex_init(&s->lock, NULL); /* default attributes: cannot fail on Linux */
    s->engine = e;
    s->m = saint_model_ref(m);
    s->b = b;
    saint_status st = saint_cache_open(&s->cache, checkpoint_bytes, err);
    if (st != SAINT_OK) {
        saint_session_close(s);
        return st;
    }
    b->reclaim = reclaim;
    b->reclaim_ud = s;
    *out = s;
    return SAINT_OK;
}

int saint_engine_devices(saint_device *out, int cap, char *why, size_t size)
{
    enum { MOST = 64 };
    saint_cuda_device found[MOST];
    int n = saint_cuda_devices(found, MOST, why, size);
    for (int i = 0; i < n && i < cap && i < MOST; i++) {
        const saint_cuda_device *d = &found[i];
        out[i] = (saint_device){.index = d->index, .capability = d->capability, .multiprocessors = d->multiprocessors, .bytes = d->bytes};
        memcpy(out[i].name, d->name, sizeof out[i].name);
    }
    return n;
}

saint_status saint_engine_check_device(saint_engine *e, int device, saint_dtype dtype, saint_error *err)
{
    saint_backend *b = NULL;
    saint_status s = saint_backend_cuda_open(&b, device, dtype, err);
    return s == SAINT_OK ? saint_backend_self_check(b, e->pool, err) : s;
}

/* A device that was asked for and cannot be used is an error and no reason to compute elsewhere in silence. Whoever leaves the choice open gets
 * a device that passes its self check. */
static saint_status choose_backend(saint_engine *e, const saint_session_options *o, bool *cuda, saint_error *err)
{
    const char *name = o->backend ? o->backend : "cpu";
    bool open = strcmp(name, "auto") == 0;
    saint_error why = {0};
    *cuda = strcmp(name, "cuda") == 0 || (open && saint_engine_check_device(e, o->device, o->dtype, &why) == SAINT_OK);
    if (*cuda || open || strcmp(name, "cpu") == 0) return SAINT_OK;
    return saint_fail(err, SAINT_INVALID, "backend '%s' is not known; expected auto, cpu or cuda", name);
}

saint_status saint_session_open(saint_session **out, saint_engine *e, saint_model *m, const saint_session_options *o, saint_error *err)
{
    saint_backend *b = NULL;
    bool cuda;
    *out = NULL;
    saint_status st = choose_backend(e, o, &cuda, err);
    if (st == SAINT_OK && cuda) st = saint_backend_cuda_open(&b, o->device, o->dtype, err);
    else if (st == SAINT_OK) st = saint_backend_cpu_open(&b, e->pool, o->dtype, e->tier[0] ? e->tier : NULL, err);
    if (st == SAINT_OK) st = saint_session_open_on(out, e, m, b, o->checkpoint_bytes, err);
    if (st == SAINT_OK) (*out)->plain = o->plain;
    return st;
}

void saint_session_close(saint_session *s)
{
    if (!s) return;
    saint_cache_close(s->cache); /* before the backend that owns its memory */
    saint_decoder_close(s->decoder);
    if (s->b) saint_vit_room_close(s->b, &s->room);
    saint_backend_close(s->b);
    saint_model_unref(s->m);
    free(s->last.llm);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

const char *saint_session_tier(const saint_session *s) { return s->b->tier; }

const char *saint_session_backend(const saint_session *s)
{
    return s->b->op->name;
}

size_t saint_session_peak_bytes(saint_session *s) { return s->b->op->peak ? s->b->op->peak(s->b) : 0; }

saint_digest saint_session_picture_key(const saint_session *s, const float *pixels, int n_images)
{
    return saint_key_pixels(s, pixels, n_images);
}

/* ---- helpers of a run ----------------------------------------------------------------------------------------- */

bool saint_run_stopped(saint_run *r) { return r->ob && r->ob->cancel && __atomic_load_n(r->ob->cancel, __ATOMIC_RELAXED) != 0; }

bool saint_run_event(saint_run *r, const saint_event *e)
{
    if (saint_run_stopped(r)) return false;
    if (!r->ob || !r->ob->event) return true;
    saint_event copy = *e;
    copy.seconds = saint_now() - r->start;
    return r->ob->event(r->ob->ud, &copy);
}

saint_status saint_run_tap(saint_run *r, const float *backend_data, int64_t rows, int64_t cols, const char *fmt, int layer)
{
    if (!r->ob || !r->ob->tap) return SAINT_OK;
    size_t bytes = (size_t)rows * (size_t)cols * sizeof(float);
    float *host = malloc(bytes ? bytes : 1);
    if (!host) return saint_fail(r->err, SAINT_MEMORY, "no memory to look at an intermediate result");
    saint_status s = r->b->op->download(r->b, host, backend_data, bytes, r->err);
    char name[48];
    snprintf(name, sizeof name, fmt, layer);
    if (s == SAINT_OK) r->ob->tap(r->ob->ud, name, host, rows, cols);
    free(host);
    return s;
}

void saint_run_tap_host(saint_run *r, const float *data, int64_t rows, int64_t cols, const char *fmt, int layer)
{
    if (!r->ob || !r->ob->tap) return;
    char name[48];
    snprintf(name, sizeof name, fmt, layer);
    r->ob->tap(r->ob->ud, name, data, rows, cols);
}

bool saint_run_remembers(const saint_run *r)
{
    return !r->req->cold && saint_cache_budget(r->s->cache) > 0;
}

/* On the way to a cached checkpoint everything is kept, because a preview may ask for any method at any layer. */
static bool everything_is_read(const saint_run *r)
{
    return (r->ob && r->ob->tap) || saint_run_remembers(r);
}

bool saint_run_reads_metric(const saint_run *r, saint_stage stage, int layer)
{
    return everything_is_read(r) || r->req->want_stats || saint_plan_site(&r->t->plan, stage, layer);
}

bool saint_run_reads_attention(const saint_run *r, saint_stage stage, int layer)
{
    const saint_site *site = saint_plan_site(&r->t->plan, stage, layer);
    return everything_is_read(r) || (site && saint_method_at(site->method)->reads_attention);
}

/* A device that works ahead notes the time by itself: saint_sites_mark. */
static bool layers_are_timed(const saint_run *r)
{
    if (!r->b->async || (r->ob && r->ob->tap)) return true;
    return !r->b->op->chooser && (saint_run_remembers(r) || r->req->want_stats);
}

saint_status saint_run_layer_done(saint_run *r)
{
    return layers_are_timed(r) ? r->b->op->sync(r->b, r->err) : SAINT_OK;
}

double saint_run_layer_seconds(const saint_run *r, double elapsed)
{
    return layers_are_timed(r) ? elapsed : 0;
}

/* ---- stages ---------------------------------------------------------------------------------------------------- */

static saint_status classify(saint_run *r, saint_vit_forward *f, const saint_rows *rows)
{
    int classes = r->m->vit.classes, n = r->t->n_images;
    float *logits = malloc((size_t)n * (size_t)classes * sizeof *logits);
    if (!logits) return saint_fail(r->err, SAINT_MEMORY, "no memory for logits");
    double begin = saint_now();
    saint_status s = saint_vit_classify(f, rows, logits, r->err);
    r->t->seconds.vit += saint_now() - begin;
    for (int i = 0; i < n && s == SAINT_OK; i++) {
        saint_trace_image *im = &r->t->image[i];
        im->logits = malloc((size_t)classes * sizeof *im->logits);
        if (!im->logits) s = saint_fail(r->err, SAINT_MEMORY, "no memory for logits");
        else memcpy(im->logits, logits + (size_t)i * (size_t)classes, (size_t)classes * sizeof *logits);
        im->n_logits = classes;
        im->flops_vit += saint_cost_classifier(&r->m->info);
    }
    if (s == SAINT_OK) saint_run_tap_host(r, logits, n, classes, "logits", 0);
    free(logits);
    return s;
}

/* The language model for every picture; rows is NULL when the ViT was skipped. */
static saint_status answer(saint_run *r, saint_vit_forward *f, const saint_rows *rows, const saint_text *text)
{
    saint_backend *b = r->b;
    saint_status s = SAINT_OK;
    for (int i = 0; i < r->t->n_images && s == SAINT_OK; i++) {
        const saint_llm_reuse *l = &r->reuse.llm[i];
        int first = rows ? rows->cu[i] + r->m->vit.prefix : 0, n = rows ? rows->cu[i + 1] - first : l->n_features;
        void *projected = NULL;
        double begin = saint_now();
        if (rows) s = saint_run_tap(r, rows->x + (size_t)first * (size_t)rows->dim, n, rows->dim, "vit.features", 0);
        if (s == SAINT_OK && l->full + l->question == 0) { /* else the first block has read them already */
            s = b->op->alloc(b, (size_t)n * (size_t)r->m->llm.dim * sizeof(float), &projected, r->err);
            if (s == SAINT_OK) s = saint_vit_project(f, rows, first, n, projected, r->err);
            if (s == SAINT_OK) s = b->op->sync(b, r->err);
            if (s == SAINT_OK) s = saint_run_tap(r, projected, n, r->m->llm.dim, "projector.out", 0);
        }
        r->t->seconds.projector += saint_now() - begin;
        r->t->image[i].flops_projector = saint_cost_projector(&r->m->info, n);
        if (s == SAINT_OK) s = saint_run_llm(r, i, projected, n, rows ? rows->patch + first : NULL, text);
        b->op->release(b, projected);
    }
    return s;
}

static saint_status see(saint_run *r, const float *pixels, const saint_text *text)
{
    saint_rows rows = {0};
    saint_vit_forward *f = NULL;
    saint_status s = saint_run_vit(r, pixels, &rows, &f);
    if (s == SAINT_OK && r->m->vit.classes) s = classify(r, f, &rows);
    if (s == SAINT_OK && r->m->llm.layers) s = answer(r, f, &rows, text);
    saint_vit_room_leave(r, &rows, f, s == SAINT_OK);
    return s;
}

/* The last run is what forecasts compare with and previews look at, from here on and also when it is cancelled. */
static saint_status remember(saint_run *r)
{
    saint_timeline *last = &r->s->last;
    int n = r->reuse.llm ? r->reuse.n_images : 0;
    saint_llm_timeline *llm = calloc((size_t)n + 1, sizeof *llm), *old;
    if (!llm) return saint_fail(r->err, SAINT_MEMORY, "no memory for the timelines of %d pictures", n);
    pthread_mutex_lock(&r->s->lock);
    old = last->llm;
    last->llm = llm;
    last->n_llm = n;
    last->known = true;
    last->plan = r->t->plan;
    last->picture = r->reuse.picture;
    last->prompt = r->reuse.prompt;
    memcpy(last->vit_key, r->reuse.vit_key, sizeof last->vit_key);
    last->n_vit = r->reuse.has_vit ? r->m->vit.run : 0;
    pthread_mutex_unlock(&r->s->lock);
    free(old);
    return SAINT_OK;
}

static saint_status find_reuse(saint_run *r, const saint_text *text, const float *pixels)
{
    saint_cache_begin(r->s->cache);
    saint_status s = saint_reuse_find(r->s, r->req, &r->t->plan, text, pixels, true, &r->reuse, r->err);
    if (s != SAINT_OK) return s;
    if (r->ob && r->ob->tap) { /* somebody wants to see everything that is computed from the first missing block on */
        r->reuse.skip_vit = false;
        for (int i = 0; r->reuse.llm && i < r->reuse.n_images; i++) r->reuse.llm[i].question = 0;
    }
    saint_reuse_start(&r->reuse, &r->t->from_stage, &r->t->from_layer);
    return r->req->cold ? SAINT_OK : remember(r);
}

static saint_status run_stages(saint_run *r)
{
    const saint_request *q = r->req;
    saint_text text = {0};
    float *owned = NULL;
    const float *pixels = NULL;
    saint_status s = saint_request_text(r->s, q, &text, r->err);
    if (s == SAINT_OK && q->n_images > 0) {
        double begin = saint_now();
        saint_view_rect *rect = malloc((size_t)q->n_images * sizeof *rect);
        s = rect ? saint_request_pixels(r->s, q, r->s->engine->pool, rect, &pixels, &owned, r->err)
                 : saint_fail(r->err, SAINT_MEMORY, "no memory for %d pictures", q->n_images);
        for (int i = 0; s == SAINT_OK && i < q->n_images; i++) r->t->image[i].rect = rect[i];
        free(rect);
        if (!q->pixels) r->t->seconds.preprocess = saint_now() - begin;
    }
    if (s == SAINT_OK) s = find_reuse(r, &text, pixels);
    if (s == SAINT_OK && r->reuse.has_vit && !r->reuse.skip_vit) {
        s = see(r, pixels, &text);
    } else if (s == SAINT_OK) {
        for (int i = 0; r->reuse.has_vit && i < q->n_images && s == SAINT_OK; i++) s = saint_run_vit_skipped(r, i);
        if (s == SAINT_OK && r->reuse.has_vit) s = answer(r, NULL, NULL, &text);
        else if (s == SAINT_OK) s = saint_run_llm(r, 0, NULL, 0, NULL, &text);
    }
    free(owned);
    free(text.ids);
    return s;
}

static saint_status run_checked(saint_session *s, const saint_request *q, const saint_observer *ob, saint_trace **out, saint_error *err)
{
    int n = q->n_images > 0 ? q->n_images : 1;
    saint_run r = {.s = s, .b = s->b, .m = s->m, .req = q, .ob = ob, .err = err, .start = saint_now()};
    r.t = saint_trace_new(n);
    if (!r.t) return saint_fail(err, SAINT_MEMORY, "no memory for a trace");
    saint_status st = saint_plan_build(&r.t->plan, &q->settings, &s->m->info, &r.t->notes, err);
    if (st == SAINT_OK) {
        r.t->mode = saint_plan_mode(&r.t->plan);
        r.t->threads = saint_pool_threads(s->engine->pool);
        snprintf(r.t->device, sizeof r.t->device, "%s", s->b->op->name);
        snprintf(r.t->tier, sizeof r.t->tier, "%s", s->b->tier);
        snprintf(r.t->dtype, sizeof r.t->dtype, "%s", s->b->compute == SAINT_F32 ? "f32" : s->b->compute == SAINT_F16 ? "f16" : "bf16");
        st = run_stages(&r);
        saint_reuse_free(&r.reuse);
    }
    r.t->seconds.total = saint_now() - r.start;
    if (st != SAINT_OK) {
        saint_trace_unref(r.t);
        return st;
    }
    *out = r.t;
    return SAINT_OK;
}

saint_status saint_session_run(saint_session *s, const saint_request *q, const saint_observer *ob, saint_trace **out, saint_error *err)
{
    *out = NULL;
    saint_status st = saint_request_check(s, q, err);
    if (st != SAINT_OK) return st;
    if (__atomic_exchange_n(&s->running, true, __ATOMIC_ACQUIRE))
        return saint_fail(err, SAINT_STATE, "this session is running another request; wait for it or open a second session");
    st = run_checked(s, q, ob, out, err);
    __atomic_store_n(&s->running, false, __ATOMIC_RELEASE);
    return st;
}
