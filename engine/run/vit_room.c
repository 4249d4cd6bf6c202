/* vit_room.c - what a ViT run computes in, and its work as one recording.
 *
 * Small batches are bound by the host: some 230 launches of a few microseconds each. On a backend that records, the rows and the scratch of a
 * batch stay where they are between runs of the same shape; the first run of a plan is done plainly, the second is recorded, and from then on all
 * blocks are one launch. Only where nothing of the host's is needed between the blocks: nobody who looks at single layers, no checkpoints, and
 * sites, if any, that the backend decides by a budget. The host follows: how many rows are left at each site it knows without asking. */
#include <stdlib.h>
#include <string.h>

#include "backend/fused.h"
#include "run/internal.h"

/* Whether all blocks of this run can be one piece of work. */
static bool recordable(const saint_run *r)
{
    const saint_vit *c = &r->m->vit;
    return r->b->op->fused && !r->s->plain && saint_sites_recordable(r, SAINT_STAGE_VIT, c->dim / c->heads, c->grid * c->grid);
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
    memset(room, 0, sizeof *room);
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
        saint_sites_rewind(sites); /* nothing is left of a run that went well */
        r->s->room.sites = sites;
    } else {
        saint_sites_close(sites);
    }
}

/* The script of this run's plan: a known one, or the place of the one that was used least recently. */
static saint_vit_script *script_of(saint_run *r, saint_vit_room *room)
{
    const saint_plan *p = &r->t->plan;
    int n = 0;
    while (n < p->n_sites && p->site[n].stage == SAINT_STAGE_VIT) n++; /* sites are sorted by stage */
    saint_vit_script *old = &room->script[0];
    for (int i = 0; i < SAINT_VIT_SCRIPTS; i++) {
        saint_vit_script *s = &room->script[i];
        if (s->used && s->n_sites == n && s->compat == p->compat && memcmp(s->site, p->site, (size_t)n * sizeof *s->site) == 0) {
            s->used = ++room->clock;
            return s;
        }
        if (s->used < old->used) old = s;
    }
    forget(r->b, old);
    old->n_sites = n;
    old->compat = p->compat;
    memcpy(old->site, p->site, (size_t)n * sizeof *old->site);
    old->used = ++room->clock;
    return old;
}

static saint_status blocks(saint_run *r, saint_vit_forward *f, saint_rows *rows, saint_sites *sites)
{
    saint_status s = SAINT_OK;
    double unused = 0;
    for (int i = 0; i < r->m->vit.run && s == SAINT_OK; i++) {
        const saint_site *site = saint_plan_site(&r->t->plan, SAINT_STAGE_VIT, i);
        saint_vit_readings read = {.here = true};
        s = saint_sites_read(sites, i, saint_rows_total(rows), &read.metric, &read.attention);
        if (s == SAINT_OK) s = saint_vit_attend(f, i, rows, &read, r->err);
        if (s == SAINT_OK && site) {
            saint_site_input in = saint_vit_site_input(r, site, NULL, NULL);
            s = saint_sites_run(sites, r, &in, rows, NULL, &unused);
        }
        if (s == SAINT_OK) s = saint_vit_mlp(f, i, rows, r->err);
    }
    return s;
}

/* The host's side of the rows goes back to where it was: nothing has been done yet. */
static saint_status record(saint_run *r, saint_vit_forward *f, saint_rows *rows, saint_sites *sites, saint_recording **out)
{
    const saint_fused_ops *op = r->b->op->fused;
    saint_rows before = *rows;
    size_t bytes = ((size_t)rows->n_seqs + 1) * sizeof *rows->cu;
    int32_t *cu = malloc(bytes);
    if (!cu) return saint_fail(r->err, SAINT_MEMORY, "no memory to record a ViT");
    memcpy(cu, rows->cu, bytes);
    saint_status s = op->record(r->b, r->err);
    if (s == SAINT_OK) {
        s = blocks(r, f, rows, sites);
        if (s == SAINT_OK) s = op->recorded(r->b, out, r->err);
        else (void)op->recorded(r->b, NULL, NULL);
    }
    if (sites) saint_sites_rewind(sites);
    *rows = before;
    memcpy(rows->cu, cu, bytes);
    free(cu);
    return s;
}

saint_status saint_vit_room_replay(saint_run *r, saint_vit_forward *f, saint_rows *rows, saint_sites *sites, bool *done)
{
    saint_vit_room *room = &r->s->room;
    const saint_fused_ops *op = r->b->op->fused;
    saint_status s = SAINT_OK;
    *done = false;
    if (!recordable(r)) return SAINT_OK;
    saint_vit_script *script = script_of(r, room);
    if (script->work && !op->recording_valid(r->b, script->work)) {
        op->forget(r->b, script->work);
        script->work = NULL;
    }
    /* the first run brings the weights to the device and prepares the products */
    if (script->runs++ == 0 || script->never || rows->n_seqs == 0) return SAINT_OK;
    if (sites && (s = saint_sites_post(sites)) != SAINT_OK) return s;
    if (!script->work) {
        saint_error why = {0}, *err = r->err;
        r->err = &why;
        s = record(r, f, rows, sites, &script->work);
        r->err = err;
        if (s == SAINT_STATE) { /* too many arguments for one recording: it goes without, and this run does, too */
            script->never = true;
            return SAINT_OK;
        }
        if (s != SAINT_OK && err) *err = why;
    }
    if (s == SAINT_OK) s = op->replay(r->b, script->work, r->err);
    if (s == SAINT_OK && sites) saint_sites_follow(sites);
    *done = s == SAINT_OK;
    return s;
}
