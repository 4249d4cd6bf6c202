#define _GNU_SOURCE
#include "sweep/of_eval.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/merge_rows.h"

enum { FILE_BYTES = 1 << 30 };

static bool is_there(const char *folder, const char *name)
{
    char path[4096 + 32];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return saint_file_exists(path);
}

bool sweep_of_eval(const char *folder) { return !is_there(folder, "plan.json") && is_there(folder, "eval.json"); }

/* ---- lines ------------------------------------------------------------------------------------------------------- */

/* Every whole line of a file as an object; a file that is not there has none. what: "FOLDER/NAME:LINE". */
static saint_status each_line(const char *folder, const char *name, saint_status (*each)(void *ud, const cJSON *o, const char *what, saint_error *err),
                              void *ud, saint_error *err)
{
    char path[4096 + 32], what[4096 + 64], *text = NULL;
    size_t n = 0, at = 0;
    sweep_line line;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!saint_file_exists(path)) return SAINT_OK;
    saint_status s = saint_file_read(path, FILE_BYTES, &text, &n, err);
    for (int k = 1; s == SAINT_OK && sweep_line_next(text, n, &at, &line); k++) {
        char *object = NULL;
        cJSON *o = NULL;
        snprintf(what, sizeof what, "%s:%d", path, k);
        if (line.torn) continue; /* as good as not there */
        if (asprintf(&object, "%.*s}", (int)line.n, line.text) < 0) s = saint_fail(err, SAINT_MEMORY, "%s: no memory", what);
        else s = saint_json_parse(object, line.n + 1, SWEEP_LINE_MAX, what, &o, err);
        if (s == SAINT_OK) s = each(ud, o, what, err);
        free(object);
        cJSON_Delete(o);
    }
    free(text);
    return s;
}

/* ---- plan -------------------------------------------------------------------------------------------------------- */

/* The last line tells where model and data lie and who reads the answers. */
static saint_status take_place(void *ud, const cJSON *o, const char *what, saint_error *err)
{
    sweep_plan *p = ud, fresh = {.repeats = 1};
    saint_status s = sweep_plan_take(cJSON_GetObjectItemCaseSensitive(o, "asked_of"), &fresh, what, err);
    if (s == SAINT_OK && p->id[0] && strcmp(p->id, fresh.id) != 0)
        s = saint_fail(err, SAINT_FORMAT, "%s: expected launches of one evaluation, found %s and %s", what, p->id, fresh.id);
    if (s != SAINT_OK) {
        sweep_plan_free(&fresh);
        return s;
    }
    sweep_plan_free(p);
    *p = fresh;
    return s;
}

static saint_status take_asked(void *ud, const cJSON *o, const char *what, saint_error *err)
{
    const char *text = NULL;
    saint_status s = saint_json_string(o, "asked", &text, what, err);
    if (s == SAINT_OK && (!text || !*text)) s = saint_fail(err, SAINT_FORMAT, "%s: expected a text \"asked\"", what);
    return s == SAINT_OK ? sweep_plan_add_line(ud, text, strlen(text) - 1, what, err) : s;
}

saint_status sweep_of_eval_plan(const char *folder, sweep_plan *out, saint_error *err)
{
    memset(out, 0, sizeof *out);
    saint_status s = each_line(folder, "runs.jsonl", take_place, out, err);
    if (s == SAINT_OK && !out->id[0])
        s = saint_fail(err, SAINT_INVALID, "%s: runs.jsonl does not tell what was asked; the same `saint eval --out` command again adds that",
                       folder);
    if (s == SAINT_OK) s = each_line(folder, "runs.jsonl", take_asked, out, err);
    if (s == SAINT_OK) s = sweep_plan_finish(out, err);
    if (s != SAINT_OK) sweep_plan_free(out);
    return s;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

typedef struct {
    sweep_rows *rows;
    const char *name;
    int try; /* failures of one sample come in the order of their tries */
} reading;

static saint_status take_launch(void *ud, const cJSON *o, const char *what, saint_error *err)
{
    reading *r = ud;
    (void)what;
    return sweep_rows_attempt(r->rows, r->name, o, err);
}

/* What is no record of this evaluation is left out, as the evaluation itself leaves it out. */
static saint_status take_record(void *ud, const cJSON *o, const char *what, saint_error *err)
{
    reading *r = ud;
    const char *trial = NULL, *status = "";
    double sample = -1, repeat = 0;
    (void)what;
    if (saint_json_string(o, "trial", &trial, "record", NULL) != SAINT_OK || saint_json_string(o, "status", &status, "record", NULL) != SAINT_OK ||
        saint_json_double(o, "sample_ix", &sample, "record", NULL) != SAINT_OK || saint_json_double(o, "repeat_ix", &repeat, "record", NULL) != SAINT_OK ||
        !trial || !(sample >= 0 && sample < 1e9) || repeat != 0)
        return SAINT_OK;
    const sweep_head h = {.kind = SWEEP_LINE_RECORD,
                          .trial = strtoull(trial, NULL, 16),
                          .sample = (uint32_t)sample,
                          .try = ++r->try,
                          .ok = strcmp(status, "ok") == 0};
    return sweep_rows_trial(r->rows, h.trial) < 0 ? SAINT_OK : sweep_rows_record(r->rows, r->name, &h, o, err);
}

saint_status sweep_of_eval_db(const char *folder, const sweep_plan *p, const saint_dataset *d, sqlite3 **out, saint_error *err)
{
    static const char *const files[] = {"errors.jsonl", "baseline.jsonl", "answers.jsonl"};
    reading r = {0};
    saint_status s = sweep_db_open_memory(out, err);
    if (s != SAINT_OK) return s;
    s = sweep_db_run(*out, "BEGIN", err);
    if (s == SAINT_OK) s = sweep_rows_open(&r.rows, *out, p, d, err);
    if (s == SAINT_OK) s = sweep_rows_plan(r.rows, err);
    r.name = "runs.jsonl";
    if (s == SAINT_OK) s = each_line(folder, r.name, take_launch, &r, err);
    for (size_t i = 0; i < sizeof files / sizeof *files && s == SAINT_OK; i++) {
        r.name = files[i];
        s = each_line(folder, files[i], take_record, &r, err);
    }
    sweep_rows_close(r.rows);
    if (s == SAINT_OK) s = sweep_db_run(*out, "COMMIT", err);
    if (s == SAINT_OK) return s;
    sweep_db_close(*out);
    *out = NULL;
    return s;
}
