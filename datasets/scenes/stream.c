/* stream.c - scenes as binary records for training, without files. The format is described in scenes.h. */
#include "scenes/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/pool.h"

enum { BATCH = 32 };

struct saint_scenes_stream {
    saint_scenes_stream_options o;
    saint_pool *pool;
    saint_scenes_canvas **canvas; /* one per worker */
    uint8_t *record;              /* BATCH records of stride bytes */
    size_t stride, bytes[BATCH];
    int next;                     /* in the batch; BATCH = make another */
};

static uint8_t *little_endian(uint8_t *p, uint64_t v, int n)
{
    for (int i = 0; i < n; i++) *p++ = (uint8_t)(v >> (8 * i));
    return p;
}

void saint_scenes_stream_header(int size, int grid, uint8_t out[SAINT_SCENES_STREAM_HEADER])
{
    memcpy(out, "SAINTSCN", 8);
    uint8_t *p = little_endian(out + 8, SAINT_SCENES_VERSION, 4);
    p = little_endian(p, (uint64_t)size, 4);
    p = little_endian(p, (uint64_t)grid, 4);
    p = little_endian(p, SAINT_SCENES_CLASSES, 4);
    p = little_endian(p, SAINT_SCENES_TASKS, 4);
    little_endian(p, 0, 4);
}

/* Write one record and return its length. */
static size_t make_record(uint64_t key, saint_scenes_canvas *c, int grid, uint8_t *out)
{
    saint_scenes_scene s;
    saint_scenes_questions all;
    saint_scenes_describe(key, &s);
    saint_scenes_ask(&s, &all);
    uint8_t *p = little_endian(out + 4, key >> 62, 4);
    p = little_endian(p, key, 8);
    p = little_endian(p, (uint64_t)s.task, 4);
    p = little_endian(p, (uint64_t)all.n, 4);
    saint_scenes_draw(&s, c, p);
    p += (size_t)c->size * (size_t)c->size * 3;
    saint_scenes_labels(&s, grid, p, NULL); /* fails only for a grid that stream_open has refused */
    p += (size_t)grid * (size_t)grid;
    for (int i = 0; i < all.n; i++) {
        const saint_scenes_question *q = &all.q[i];
        size_t n = strlen(q->question), m = strlen(q->answer);
        *p++ = (uint8_t)q->task;
        *p++ = (uint8_t)(q->yes_no ? q->answer[0] == 'Y' : 2);
        p = little_endian(p, n, 2);
        p = little_endian(p, m, 2);
        memcpy(p, q->question, n);
        memcpy(p + n, q->answer, m);
        p += n + m;
    }
    little_endian(out, (uint64_t)(p - out - 4), 4);
    return (size_t)(p - out);
}

static void work(void *ctx, int chunk, int worker)
{
    saint_scenes_stream *s = ctx;
    uint64_t i = s->o.start + (uint64_t)chunk;
    uint64_t key = saint_scenes_key(s->o.split, (saint_scenes_task)(i % SAINT_SCENES_TASKS), s->o.seed, (uint32_t)(i / SAINT_SCENES_TASKS));
    s->bytes[chunk] = make_record(key, s->canvas[worker], s->o.grid, s->record + (size_t)chunk * s->stride);
}

saint_status saint_scenes_stream_open(const saint_scenes_stream_options *o, saint_scenes_stream **out, saint_error *err)
{
    if (o->grid < 1 || o->grid > SAINT_SCENES_GRID_MAX)
        return saint_fail(err, SAINT_INVALID, "scenes: expected a grid of 1 to %d patches, found %d", SAINT_SCENES_GRID_MAX, o->grid);
    if (o->seed > SAINT_SCENES_SEED_MAX)
        return saint_fail(err, SAINT_INVALID, "scenes: expected a seed of 0 to %d, found %u", SAINT_SCENES_SEED_MAX, o->seed);
    saint_scenes_stream *s = calloc(1, sizeof *s);
    if (!s) return saint_fail(err, SAINT_MEMORY, "scenes: no memory for a stream");
    s->o = *o;
    s->next = BATCH;
    saint_status status = saint_pool_create(&s->pool, o->threads, err);
    int workers = status == SAINT_OK ? saint_pool_threads(s->pool) : 0;
    if (status == SAINT_OK && !(s->canvas = calloc((size_t)workers + 1, sizeof *s->canvas)))
        status = saint_fail(err, SAINT_MEMORY, "scenes: no memory for %d workers", workers);
    for (int i = 0; i < workers && status == SAINT_OK; i++) status = saint_scenes_canvas_new(o->size, &s->canvas[i], err);
    if (status == SAINT_OK) {
        size_t picture = (size_t)o->size * (size_t)o->size * 3, labels = (size_t)o->grid * (size_t)o->grid;
        s->stride = 24 + picture + labels + SAINT_SCENES_QUESTIONS_MAX * (sizeof(saint_scenes_question) + 6);
        s->record = malloc(BATCH * s->stride);
        if (!s->record) status = saint_fail(err, SAINT_MEMORY, "scenes: no memory for %d records of %zu bytes", BATCH, s->stride);
    }
    if (status == SAINT_OK) *out = s;
    else saint_scenes_stream_close(s);
    return status;
}

const uint8_t *saint_scenes_stream_next(saint_scenes_stream *s, size_t *bytes)
{
    if (s->next == BATCH) {
        saint_pool_run(s->pool, BATCH, work, s);
        s->o.start += BATCH;
        s->next = 0;
    }
    *bytes = s->bytes[s->next];
    return s->record + (size_t)s->next++ * s->stride;
}

void saint_scenes_stream_close(saint_scenes_stream *s)
{
    if (!s) return;
    for (int i = 0; s->canvas && i < saint_pool_threads(s->pool); i++) saint_scenes_canvas_free(s->canvas[i]);
    free(s->canvas);
    free(s->record);
    saint_pool_destroy(s->pool);
    free(s);
}
