/* vit_room.c - what a ViT run computes in, and its work as one recording.
 *
 * Small batches are bound by the host: some 230 launches of a few microseconds each. On a backend that records, the rows and the scratch of a
 * batch stay where they are between runs of the same shape; the first run of a plan is done plainly, the second is recorded, and from then on all
 * blocks are one launch, or those behind a checkpoint. Only where nothing of the host's is needed between the blocks: nobody with a tap, and
 * sites, if any, that the backend decides by a budget. The host follows: how many rows are left at each site it knows without asking.
 *
 * What checkpoints and statistics need of each layer a recording leaves in the stage, always at the same addresses; behind it are queued the
 * copies to where it stays. So the stage may take no more than half of what checkpoints may take; where it would, nothing is recorded. */
#include <stdlib.h>
#include <string.h>

#include "backend/fused.h"
#include "run/internal.h"

enum { STAGE_OF_STATISTICS = 256 << 20 }; /* at most, where nothing is remembered */

static size_t rows_of(const saint_run *r)
{
    const saint_vit *c = &r->m->vit;
    return (size_t)r->t->n_images * (size_t)(c->prefix + c->grid * c->grid);
}

/* Of one layer: hidden states, logarithms of the sizes, mean keys and attentions. */
static size_t slot_bytes(const saint_run *r)
{
    const saint_vit *c = &r->m->vit;
    return (rows_of(r) * (size_t)(c->dim + c->dim / c->heads + 2) * sizeof(float) + 255) / 256 * 256;
}

static size_t stage_bytes(const saint_run *r) { return (size_t)r->m->vit.run * slot_bytes(r); }

/* Whether all blocks of this run can be one piece of work. */
static bool recordable(const saint_run *r)
{
    const saint_vit *c = &r->m->vit;
    size_t most = saint_run_remembers(r) ? saint_cache_budget(r->s->cache) / 2 : STAGE_OF_STATISTICS;
    bool fits = !saint_sites_looked_at(r) || stage_bytes(r) <= most;
    return fits && r->b->op->fused && !r->s->plain && saint_sites_recordable(r, SAINT_STAGE_VIT, c->dim / c->heads, c->grid * c->grid);
}

static void forget(saint_backend *b, saint_vit_script *s)
{
    if (s->work) b->op->fused->forget(b, s->work);
    memset(s, 0, sizeof *s);
}

static void forget_all(saint_backend *b, saint_vit_room *room)
{
    for (int i = 0; i < SAINT_VIT_SCRIPTS; i++) forget(b, &room->script[i]);
}

void saint_vit_room_close(saint_backend *b, saint_vit_room *room)
{
    forget_all(b, room);
    saint_sites_close(room->sites);
    saint_vit_close(room->f);
    if (room->rows.b) saint_rows_free(&room->rows);
    b->op->release(b, room->stage);
    memset(room, 0, sizeof *room);
}

bool saint_vit_room_reclaim(saint_backend *b, saint_vit_room *room)
{
    if (room->f) {
        saint_vit_room_close(b, room);
        return true;
    }
    bool any = room->stage != NULL;
    for (int i = 0; i < SAINT_VIT_SCRIPTS; i++) any |= room->script[i].work != NULL;
    if (!any || room->busy) return false;
    forget_all(b, room); /* they write into the stage */
    b->op->release(b, room->stage);
    room->stage = NULL;
    return true;
}

void saint_vit_room_unstage(saint_run *r) { r->s->room.busy = false; }

/* Where a layer's parts are in its slot. */
static saint_vit_slot slot_of(const saint_run *r, int layer, int rows)
{
    size_t all = rows_of(r), dim = (size_t)r->m->vit.dim, width = dim / (size_t)r->m->vit.heads;
    float *x = (float *)(void *)(r->s->room.stage + (size_t)layer * slot_bytes(r));
    float *metric = x + all * (dim + 1);
    return (saint_vit_slot){.x = x, .bias = x + all * dim, .metric = metric, .attention = metric + (size_t)rows * width};
}

saint_vit_slot saint_vit_room_staged(const saint_run *r, const saint_rows *rows, int layer, saint_rows *then)
{
    saint_vit_slot slot = slot_of(r, layer, saint_rows_total(rows));
    *then = *rows;
    then->x = slot.x;
    then->table = (saint_row_table){.bias = slot.bias};
    return slot;
}

/* Every gather swaps two buffers; a recording begins where the first one began. */
static void straighten(saint_rows *rows)
{
    float *x = rows->x;
    saint_row_table t = rows->table;
    if ((uintptr_t)rows->x > (uintptr_t)rows->spare) {
        rows->x = rows->spare;
        rows->spare = x;
    }
    if ((uintptr_t)rows->table.patch > (uintptr_t)rows->table_spare.patch) {
        rows->table = rows->table_spare;
        rows->table_spare = t;
    }
}

saint_status saint_vit_room_enter(saint_run *r, int n_images, int total, saint_rows *rows, saint_vit_forward **f)
{
    saint_vit_room *room = &r->s->room;
    bool wanted = recordable(r);
    if (wanted && room->f && (room->rows.n_seqs != n_images || room->rows.cap != total)) saint_vit_room_close(r->b, room);
    if (wanted && room->f) {
        *rows = room->rows;
        *f = room->f;
        memset(&room->rows, 0, sizeof room->rows); /* the run's, until it leaves */
        room->f = NULL;
        rows->ahead = false;
        straighten(rows);
        return SAINT_OK;
    }
    saint_status s = saint_rows_alloc(rows, r->b, n_images, total, r->m->vit.dim, r->err);
    if (s == SAINT_OK) straighten(rows);
    return s == SAINT_OK ? saint_vit_open(f, r->b, r->m, total, r->err) : s;
}

void saint_vit_room_leave(saint_run *r, saint_rows *rows, saint_vit_forward *f, bool well)
{
    saint_vit_room *room = &r->s->room;
    bool ours = recordable(r);
    if (well && f && ours) {
        room->rows = *rows;
        room->f = f;
        memset(rows, 0, sizeof *rows);
        return;
    }
    if (ours) saint_vit_room_close(r->b, room); /* recordings of rows that go */
    saint_vit_close(f);
    if (rows->b) saint_rows_free(rows);
}

saint_status saint_vit_room_sites(saint_run *r, saint_rows *rows, saint_history *const *history, saint_sites **out)
{
    saint_vit_room *room = &r->s->room;
    const saint_vit *c = &r->m->vit;
    *out = NULL;
    if (recordable(r) && room->sites) {
        *out = room->sites;
        room->sites = NULL;
        if (saint_sites_reuse(*out, r, rows, history)) return SAINT_OK;
        forget_all(r->b, room); /* they know the memory that goes */
        saint_sites_close(*out);
        *out = NULL;
    }
    return saint_sites_open(out, r, SAINT_STAGE_VIT, rows, c->dim / c->heads, c->grid * c->grid, history);
}

void saint_vit_room_keep_sites(saint_run *r, saint_sites *sites)
{
    if (sites && recordable(r)) {
        saint_sites_rest(sites);
        r->s->room.sites = sites;
    } else {
        saint_sites_close(sites);
    }
}

/* The script of this run's plan from this layer on: a known one, or the place of the one that was used least recently. */
static saint_vit_script *script_of(saint_run *r, saint_vit_room *room, int start, const saint_rows *rows)
{
    const saint_plan *p = &r->t->plan;
    bool counts = r->req->want_stats, remembers = saint_run_remembers(r);
    int n = 0, total = saint_rows_total(rows);
    while (n < p->n_sites && p->site[n].stage == SAINT_STAGE_VIT) n++; /* sites are sorted by stage */
    saint_vit_script *old = &room->script[0];
    for (int i = 0; i < SAINT_VIT_SCRIPTS; i++) {
        saint_vit_script *s = &room->script[i];
        bool same = s->used && s->n_sites == n && s->compat == p->compat && s->start == start && s->rows == total && s->merged == rows->merged &&
                    s->weighed == rows->weighed && s->counts == counts && s->remembers == remembers;
        if (same && memcmp(s->site, p->site, (size_t)n * sizeof *s->site) == 0) {
            s->used = ++room->clock;
            return s;
        }
        if (s->used < old->used) old = s;
    }
    forget(r->b, old);
    old->n_sites = n;
    old->compat = p->compat;
    old->start = start;
    old->rows = total;
    old->merged = rows->merged;
    old->weighed = rows->weighed;
    old->counts = counts;
    old->remembers = remembers;
    memcpy(old->site, p->site, (size_t)n * sizeof *old->site);
    old->used = ++room->clock;
    return old;
}

static saint_status attend(saint_run *r, saint_vit_forward *f, int layer, saint_rows *rows, saint_sites *sites)
{
    saint_vit_readings read = {.here = true};
    int total = saint_rows_total(rows);
    bool staged = saint_sites_looked_at(r);
    size_t n = (size_t)total;
    saint_vit_slot slot = staged ? slot_of(r, layer, total) : (saint_vit_slot){0};
    if (staged) saint_sites_stage(sites, slot.metric, slot.attention);
    saint_status s = saint_sites_read(sites, layer, total, &read.metric, &read.attention);
    if (s == SAINT_OK) s = saint_sites_mark(sites, layer, 0, SAINT_PART_BEGIN);
    if (s == SAINT_OK) s = saint_vit_attend(f, layer, rows, &read, r->err);
    if (s == SAINT_OK) s = saint_sites_mark(sites, layer, 0, SAINT_PART_END);
    if (s != SAINT_OK || !staged || !saint_run_remembers(r)) return s;
    s = r->b->op->copy(r->b, slot.x, rows->x, n * (size_t)rows->dim * sizeof(float), r->err);
    if (s == SAINT_OK && rows->merged && (rows->ahead || rows->weighed)) s = r->b->op->copy(r->b, slot.bias, rows->table.bias, n * sizeof(float), r->err);
    return s;
}

/* start: layer whose attention is done. */
static saint_status blocks(saint_run *r, int start, saint_vit_forward *f, saint_rows *rows, saint_sites *sites)
{
    saint_status s = SAINT_OK;
    double unused = 0;
    for (int i = start < 0 ? 0 : start; i < r->m->vit.run && s == SAINT_OK; i++) {
        const saint_site *site = saint_plan_site(&r->t->plan, SAINT_STAGE_VIT, i);
        if (i != start) s = attend(r, f, i, rows, sites);
        if (s == SAINT_OK && site) {
            saint_site_input in = saint_vit_site_input(r, site, NULL, NULL);
            s = saint_sites_run(sites, r, &in, rows, NULL, &unused);
        }
        if (s == SAINT_OK) s = saint_sites_mark(sites, i, 1, SAINT_PART_BEGIN);
        if (s == SAINT_OK) s = saint_vit_mlp(f, i, rows, r->err);
        if (s == SAINT_OK) s = saint_sites_mark(sites, i, 1, SAINT_PART_END);
    }
    return s;
}

/* The host's side of the rows goes back to where it was: nothing has been done yet. */
static saint_status record(saint_run *r, int start, saint_vit_forward *f, saint_rows *rows, saint_sites *sites, saint_recording **out)
{
    const saint_fused_ops *op = r->b->op->fused;
    saint_rows before = *rows;
    size_t bytes = ((size_t)rows->n_seqs + 1) * sizeof *rows->cu;
    int32_t *cu = malloc(bytes);
    if (!cu) return saint_fail(r->err, SAINT_MEMORY, "no memory to record a ViT");
    memcpy(cu, rows->cu, bytes);
    saint_status s = op->record(r->b, r->err);
    if (sites) saint_sites_record(sites);
    if (s == SAINT_OK) {
        s = blocks(r, start, f, rows, sites);
        if (s == SAINT_OK) s = op->recorded(r->b, out, r->err);
        else (void)op->recorded(r->b, NULL, NULL);
    }
    if (sites) saint_sites_recorded(sites);
    *rows = before;
    memcpy(rows->cu, cu, bytes);
    free(cu);
    return s;
}

/* Where there is no memory for it the run goes on as ever. */
static bool make_stage(saint_run *r, saint_vit_room *room)
{
    void *p = NULL;
    if (room->stage || !saint_sites_looked_at(r)) return true;
    r->s->adding = true;
    saint_status s = r->b->op->alloc(r->b, stage_bytes(r), &p, NULL);
    r->s->adding = false;
    room->stage = p;
    return s == SAINT_OK;
}

/* script->work stays NULL where it cannot be. */
static saint_status record_script(saint_run *r, int start, saint_vit_forward *f, saint_rows *rows, saint_sites *sites, saint_vit_script *script)
{
    saint_error why = {0}, *err = r->err;
    r->err = &why;
    r->s->adding = true; /* a recording is an economy as a checkpoint is */
    saint_status s = record(r, start, f, rows, sites, &script->work);
    r->s->adding = false;
    r->err = err;
    if (s == SAINT_STATE || s == SAINT_MEMORY) { /* too many arguments for one recording, or no room: it goes without, and this run does, too */
        script->never = true;
        return SAINT_OK;
    }
    if (s != SAINT_OK && err) *err = why;
    return s;
}

static saint_status replay(saint_run *r, int start, saint_vit_forward *f, saint_rows *rows, saint_sites *sites, bool *done)
{
    saint_vit_room *room = &r->s->room;
    const saint_fused_ops *op = r->b->op->fused;
    saint_status s = SAINT_OK;
    saint_vit_script *script = script_of(r, room, start, rows);
    if (script->work && !op->recording_valid(r->b, script->work)) {
        op->forget(r->b, script->work);
        script->work = NULL;
    }
    /* sizes that the host's logarithms are taken of would be arguments of the recording */
    if (rows->n_seqs == 0 || (rows->merged && !rows->weighed)) return SAINT_OK;
    if (sites && (s = saint_sites_post(sites)) != SAINT_OK) return s; /* the first time, too: from then on the tables stay where they are */
    /* the first run brings the weights to the device and prepares the products */
    if (script->runs++ == 0 || script->never || !make_stage(r, room)) return SAINT_OK;
    if (!script->work && (s = record_script(r, start, f, rows, sites, script)) != SAINT_OK) return s;
    if (!script->work) return SAINT_OK;
    if (sites && start >= 0) s = saint_sites_load(sites);
    if (s == SAINT_OK) s = op->replay(r->b, script->work, r->err);
    if (s == SAINT_OK && sites) saint_sites_follow(sites);
    *done = s == SAINT_OK;
    return s;
}

saint_status saint_vit_room_replay(saint_run *r, int start, saint_vit_forward *f, saint_rows *rows, saint_sites *sites, bool *done)
{
    *done = false;
    if (!recordable(r)) return SAINT_OK;
    r->s->room.busy = true; /* memory that is asked for meanwhile must not take the script away */
    saint_status s = replay(r, start, f, rows, sites, done);
    r->s->room.busy = *done;
    return s;
}
