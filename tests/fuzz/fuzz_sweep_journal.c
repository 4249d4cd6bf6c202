#define _GNU_SOURCE
/* Lines of journals and of spec.json, whatever is in them. First byte: 'l' the bytes of a file as they are; 'o' an object, which is sealed
 * and must come back whole; 'p' an object that is a line of spec.json; 'e' one that is plan.json, or what runs.jsonl of an evaluation has of
 * it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/journal.h"
#include "sweep/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char plan_id[] = "0123456789abcdef";

static void take(const sweep_line *line)
{
    sweep_head h;
    cJSON *o = NULL;
    eval_result r;
    if (line->torn || !sweep_head_read(line, plan_id, &h) || h.kind == SWEEP_LINE_FOREIGN) return;
    if (h.record < line->text || h.record + h.n != line->text + line->n) abort();
    if (saint_json_parse(h.record, h.n, SWEEP_LINE_MAX, "fuzz", &o, NULL) == SAINT_OK && h.kind == SWEEP_LINE_RECORD &&
        eval_result_parse(o, &r, NULL) == SAINT_OK)
        eval_result_free(&r);
    cJSON_Delete(o);
}

static size_t lines(const char *text, size_t n)
{
    size_t at = 0, before = 0, found = 0;
    sweep_line line;
    for (; sweep_line_next(text, n, &at, &line); before = at, found++) {
        if (at <= before || at > n || line.n > at - before) abort();
        take(&line);
    }
    if (at < n && memchr(text + at, '\n', n - at)) abort(); /* a line was left over */
    return found;
}

static void sealed(const char *text, size_t n)
{
    size_t bytes;
    char *object = strndup(text, n), *line;
    if (object && strlen(object) >= 2 && object[0] == '{' && !strchr(object, '\n')) {
        line = sweep_line_seal(object, &bytes);
        size_t at = 0;
        sweep_line l;
        if (line && (!sweep_line_next(line, bytes, &at, &l) || l.torn || at != bytes || l.n != strlen(object) - 1)) abort();
        if (line) take(&l);
        free(line);
    }
    free(object);
}

static void asked(const char *text, size_t n)
{
    sweep_plan p = {.n_samples = 20, .repeats = 1};
    p.wanted = calloc(21, sizeof *p.wanted);
    if (p.wanted && n && sweep_plan_add_line(&p, text, n - 1, "fuzz", NULL) == SAINT_OK && sweep_plan_finish(&p, NULL) == SAINT_OK) {
        char *line = NULL;
        sweep_plan empty = {.wanted = calloc(21, sizeof *p.wanted)};
        for (int i = 0; i < p.n_trials; i++)
            if (sweep_plan_trial(&p, p.trial[i].id) != i) abort(); /* one of each */
        if (empty.wanted && p.spec && sweep_plan_line(&p, &empty, &line, NULL) != SAINT_OK) abort();
        free(line);
        free(empty.wanted);
    }
    sweep_plan_free(&p);
}

static void place(const char *text, size_t n)
{
    cJSON *o = NULL;
    sweep_plan p = {.repeats = 1};
    if (saint_json_parse(text, n, SWEEP_LINE_MAX, "fuzz", &o, NULL) == SAINT_OK && sweep_plan_take(o, &p, "fuzz", NULL) == SAINT_OK) {
        cJSON *again = sweep_plan_json(&p);
        sweep_plan q = {.repeats = 1};
        if (!again || sweep_plan_take(again, &q, "fuzz", NULL) != SAINT_OK || q.n_samples != p.n_samples || strcmp(q.id, p.id) != 0) abort();
        sweep_plan_free(&q);
        cJSON_Delete(again);
    }
    sweep_plan_free(&p);
    cJSON_Delete(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data + 1;
    if (!size) return 0;
    switch (data[0]) {
    case 'l': lines(text, size - 1); break;
    case 'o': sealed(text, size - 1); break;
    case 'p': asked(text, size - 1); break;
    case 'e': place(text, size - 1); break;
    default: break;
    }
    return 0;
}
