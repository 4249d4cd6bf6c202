#define _GNU_SOURCE
/* What a sweep is asked to try. First byte 'g': --grid options, one a line; else SPEC.json. Whatever is accepted means points, and says
 * itself again as JSON. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static saint_status grids(sweep_spec *s, const char *text, size_t n)
{
    saint_status st = SAINT_OK;
    for (size_t at = 0; at < n && st == SAINT_OK;) {
        const char *end = memchr(text + at, '\n', n - at);
        size_t len = end ? (size_t)(end - text) - at : n - at;
        char *line = strndup(text + at, len);
        if (line) st = sweep_spec_grid(s, line, NULL);
        free(line);
        at += len + 1;
    }
    return st;
}

static void again(const sweep_spec *s)
{
    sweep_spec copy;
    sweep_points a, b;
    cJSON *c = sweep_spec_json(s), *d;
    sweep_spec_init(&copy);
    if (!c || sweep_spec_parse(&copy, c, "again", NULL) != SAINT_OK || sweep_spec_finish(&copy, NULL) != SAINT_OK) abort();
    d = sweep_spec_json(&copy);
    if (!d || !cJSON_Compare(c, d, true)) abort();
    saint_status x = sweep_points_make(s, &a, NULL), y = sweep_points_make(&copy, &b, NULL);
    if (x != y || (x == SAINT_OK && (a.n != b.n || a.n_keys != b.n_keys))) abort();
    if (x == SAINT_OK) {
        for (size_t i = 0; i < a.n * a.n_keys; i++)
            if (!a.value[i] != !b.value[i] || (a.value[i] && strcmp(a.value[i], b.value[i]) != 0)) abort();
        sweep_points_free(&a);
        sweep_points_free(&b);
    }
    cJSON_Delete(c);
    cJSON_Delete(d);
    sweep_spec_free(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sweep_spec s;
    saint_status st;
    if (!size) return 0;
    sweep_spec_init(&s);
    if (data[0] == 'g') {
        st = grids(&s, (const char *)data + 1, size - 1);
    } else {
        cJSON *c = NULL;
        st = saint_json_parse((const char *)data, size, SWEEP_SPEC_BYTES, "fuzz", &c, NULL);
        if (st == SAINT_OK) st = sweep_spec_parse(&s, c, "fuzz", NULL);
        cJSON_Delete(c);
    }
    if (st == SAINT_OK) st = sweep_spec_finish(&s, NULL);
    if (st == SAINT_OK) again(&s);
    sweep_spec_free(&s);
    return 0;
}
