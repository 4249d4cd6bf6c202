/* scenes.h - one scene by its key, and the digest of its picture: shared by the tests of the generator. */
#ifndef SAINT_TESTS_SUPPORT_SCENES_H
#define SAINT_TESTS_SUPPORT_SCENES_H

#include "support/test.h"

#include <stdlib.h>

#include "base/sha256.h"
#include "scenes/scenes.h"

static inline saint_scenes_scene scene_at(saint_scenes_split split, saint_scenes_task task, uint32_t seed, uint32_t index)
{
    saint_scenes_scene s;
    saint_scenes_describe(saint_scenes_key(split, task, seed, index), &s);
    return s;
}

static inline void hash_of(const saint_scenes_scene *s, int size, char hex[65])
{
    saint_scenes_canvas *c;
    saint_sha256 sha;
    size_t bytes = (size_t)size * (size_t)size * 3;
    uint8_t *rgb = malloc(bytes);
    assert_non_null(rgb);
    assert_ok(saint_scenes_canvas_new(size, &c, err));
    memset(rgb, 0xa5, bytes);
    saint_scenes_draw(s, c, rgb);
    saint_sha256_init(&sha);
    saint_sha256_update(&sha, rgb, bytes);
    saint_digest d = saint_sha256_final(&sha);
    saint_digest_hex(&d, hex);
    saint_scenes_canvas_free(c);
    free(rgb);
}

#endif
