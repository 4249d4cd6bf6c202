/* vit_room.c - what a ViT run computes in, and its work as one recording.
 *
 * Small batches are bound by the host: some 230 launches of a few microseconds each. On a backend that records, the rows and the scratch of a
 * batch stay where they are between runs of the same shape; the first such run is done plainly, the second is recorded, and from then on all
 * blocks are one launch. Only where nothing of the host's is needed between the blocks: no site, nobody who looks at single layers, no
 * checkpoints. */
#include <string.h>

#include "backend/fused.h"
#include "run/internal.h"

/* Whether all blocks of this run can be one piece of work. */
static bool recordable(const saint_run *r)
{
    if (!r->b->op->fused || r->s->plain) return false;
    for (int i = 0; i < r->m->vit.run; i++)
        if (saint_plan_site(&r->t->plan, SAINT_STAGE_VIT, i) || saint_run_reads_metric(r, SAINT_STAGE_VIT, i) ||
            saint_run_reads_attention(r, SAINT_STAGE_VIT, i))
            return false;
    return true;
}

void saint_vit_room_close(saint_backend *b, saint_vit_room *room)
{
    if (room->work) b->op->fused->forget(b, room->work);
    saint_vit_close(room->f);
    if (room->rows.b) saint_rows_free(&room->rows);
    memset(room, 0, sizeof *room);
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
        return SAINT_OK;
    }
    saint_status s = saint_rows_alloc(rows, r->b, n_images, total, r->m->vit.dim, r->err);
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
    if (ours) saint_vit_room_close(r->b, room); /* a recording of rows that go */
    saint_vit_close(f);
    if (rows->b) saint_rows_free(rows);
}

static saint_status blocks(saint_run *r, saint_vit_forward *f, saint_rows *rows)
{
    saint_status s = SAINT_OK;
    for (int i = 0; i < r->m->vit.run && s == SAINT_OK; i++) {
        s = saint_vit_attend(f, i, rows, &(saint_vit_readings){0}, r->err);
        if (s == SAINT_OK) s = saint_vit_mlp(f, i, rows, r->err);
    }
    return s;
}

saint_status saint_vit_room_replay(saint_run *r, saint_vit_forward *f, saint_rows *rows, bool *done)
{
    saint_vit_room *room = &r->s->room;
    const saint_fused_ops *op = r->b->op->fused;
    saint_status s = SAINT_OK;
    *done = false;
    if (!recordable(r)) return SAINT_OK;
    if (room->work && !op->recording_valid(r->b, room->work)) {
        op->forget(r->b, room->work);
        room->work = NULL;
    }
    if (room->runs++ == 0) return SAINT_OK; /* this one brings the weights to the device and prepares the products */
    if (!room->work) {
        if ((s = op->record(r->b, r->err)) != SAINT_OK) return s;
        s = blocks(r, f, rows);
        if (s == SAINT_OK) s = op->recorded(r->b, &room->work, r->err);
        else (void)op->recorded(r->b, NULL, NULL);
    }
    if (s == SAINT_OK) s = op->replay(r->b, room->work, r->err);
    *done = s == SAINT_OK;
    return s;
}
