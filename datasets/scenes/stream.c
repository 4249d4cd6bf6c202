/* stream.c - scenes as binary records for training, without files. The format is described in scenes.h. */
#include "scenes/internal.h"

#include <string.h>

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

size_t saint_scenes_record_max(int size, int grid)
{
    return 24 + (size_t)size * (size_t)size * 3 + (size_t)grid * (size_t)grid + SAINT_SCENES_QUESTIONS_MAX * (sizeof(saint_scenes_question) + 6);
}

uint64_t saint_scenes_record_key(saint_scenes_split split, uint32_t seed, uint64_t i)
{
    return saint_scenes_key(split, (saint_scenes_task)(i % SAINT_SCENES_TASKS), seed, (uint32_t)(i / SAINT_SCENES_TASKS));
}

size_t saint_scenes_record(uint64_t key, saint_scenes_canvas *c, int size, int grid, uint8_t *out)
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
    p += (size_t)size * (size_t)size * 3;
    if (saint_scenes_labels(&s, grid, p, NULL) != SAINT_OK) return 0;
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
