/* export.c - a split as files in MME's flat layout. Repeatable: what is there and right is kept, what is there and wrong is not touched. */
#define _GNU_SOURCE
#include "scenes/internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/pool.h"

enum { BATCH = 64, PATH_BYTES = 4096 };

typedef struct {
    const saint_scenes_export_options *o;
    saint_scenes_canvas **canvas; /* one per worker */
    uint8_t **rgb;
    size_t first;                 /* index of the batch's first picture */
    saint_status status[BATCH];
    saint_error error[BATCH];
    int written[BATCH];
} job;

/* ---- one file ----------------------------------------------------------------------------------------------------- */

/* Beside and renamed, so that a killed run leaves whole files; not fsync'ed, because everything can be made again. */
static saint_status write_file(const char *path, const void *data, size_t n, saint_error *err)
{
    char temporary[PATH_BYTES + 8];
    snprintf(temporary, sizeof temporary, "%s.part", path);
    FILE *f = fopen(temporary, "wb");
    bool ok = f && fwrite(data, 1, n, f) == n;
    if (f && fclose(f) != 0) ok = false;
    if (ok && rename(temporary, path) == 0) return SAINT_OK;
    saint_status s = saint_fail(err, SAINT_IO, "%s: cannot be written: %s", path, strerror(errno));
    if (f) unlink(temporary);
    return s;
}

/* Keep the file when it holds these bytes, write it when it is missing or an unfinished beginning of them, refuse when it is another. */
static saint_status ensure_file(const char *path, const void *data, size_t n, int *written, saint_error *err)
{
    struct stat st;
    if (stat(path, &st) == 0) {
        char *have = NULL;
        size_t bytes = 0;
        if (!S_ISREG(st.st_mode) || (size_t)st.st_size > n)
            return saint_fail(err, SAINT_INVALID, "%s: holds something else than this split; choose another --out or move the file away",
                              path);
        saint_status s = saint_file_read(path, n, &have, &bytes, err);
        if (s != SAINT_OK) return s;
        bool same = memcmp(have, data, bytes) == 0;
        free(have);
        if (!same)
            return saint_fail(err, SAINT_INVALID, "%s: holds something else than this split; choose another --out or move the file away",
                              path);
        if (bytes == n) return SAINT_OK;
    }
    *written += 1;
    return write_file(path, data, n, err);
}

static saint_status path_of(char out[PATH_BYTES], const char *folder, const char *task, uint32_t index, const char *ending,
                            saint_error *err)
{
    int n = snprintf(out, PATH_BYTES, "%s/%s/%04u.%s", folder, task, index + 1, ending);
    return n < PATH_BYTES ? SAINT_OK : saint_fail(err, SAINT_INVALID, "%.200s...: the path is too long", folder);
}

/* ---- one picture -------------------------------------------------------------------------------------------------- */

static uint64_t key_of(const saint_scenes_export_options *o, size_t picture)
{
    return saint_scenes_key(o->split, (saint_scenes_task)(picture / o->count), o->seed, (uint32_t)(picture % o->count));
}

static saint_status make_picture(const job *j, size_t picture, int worker, int *written, saint_error *err)
{
    saint_scenes_scene s;
    saint_scenes_question q[2];
    char path[PATH_BYTES], text[2 * sizeof(saint_scenes_question) + 8];
    size_t bytes = 0;
    saint_scenes_describe(key_of(j->o, picture), &s);
    saint_scenes_pair(&s, q);
    int n = snprintf(text, sizeof text, "%s\t%s\n%s\t%s\n", q[0].question, q[0].answer, q[1].question, q[1].answer);
    saint_scenes_draw(&s, j->canvas[worker], j->rgb[worker]);
    uint8_t *png = saint_scenes_png(j->rgb[worker], j->o->size, j->o->size, &bytes);
    if (!png) return saint_fail(err, SAINT_MEMORY, "scenes: no memory to compress %d x %d pixels", j->o->size, j->o->size);
    const char *task = saint_scenes_task_name(s.task);
    uint32_t index = (uint32_t)(picture % j->o->count);
    saint_status status = path_of(path, j->o->out, task, index, "png", err);
    if (status == SAINT_OK) status = ensure_file(path, png, bytes, written, err);
    if (status == SAINT_OK) status = path_of(path, j->o->out, task, index, "txt", err);
    if (status == SAINT_OK) status = ensure_file(path, text, (size_t)n, written, err);
    free(png);
    return status;
}

static void work(void *ctx, int chunk, int worker)
{
    job *j = ctx;
    j->written[chunk] = 0;
    j->status[chunk] = make_picture(j, j->first + (size_t)chunk, worker, &j->written[chunk], &j->error[chunk]);
}

static saint_status make_pictures(job *j, saint_pool *pool, saint_scenes_export_summary *out, saint_error *err)
{
    const saint_scenes_export_options *o = j->o;
    size_t total = (size_t)o->count * SAINT_SCENES_TASKS;
    for (j->first = 0; j->first < total; j->first += BATCH) {
        if (o->progress && !o->progress(o->ctx, j->first, total))
            return saint_fail(err, SAINT_CANCELLED, "%s: stopped after %zu of %zu pictures; the same command goes on from there", o->out,
                              j->first, total);
        int n = (int)(total - j->first < BATCH ? total - j->first : BATCH);
        saint_pool_run(pool, n, work, j);
        for (int i = 0; i < n; i++) {
            if (j->status[i] != SAINT_OK) {
                if (err) *err = j->error[i];
                return j->status[i];
            }
            out->written += (size_t)j->written[i];
            out->kept += (size_t)(2 - j->written[i]);
        }
        out->pictures += (size_t)n;
        out->questions += 2 * (size_t)n;
    }
    if (o->progress) o->progress(o->ctx, total, total);
    return SAINT_OK;
}

/* ---- short answers ------------------------------------------------------------------------------------------------ */

/* Names and questions hold neither quotes nor backslashes: plain text is JSON. */
static saint_status write_short_answers(const saint_scenes_export_options *o, saint_scenes_export_summary *out, saint_error *err)
{
    char path[PATH_BYTES], *text = NULL;
    size_t bytes = 0, total = (size_t)o->count * SAINT_SCENES_TASKS;
    FILE *f = open_memstream(&text, &bytes);
    if (!f) return saint_fail(err, SAINT_MEMORY, "%s: no memory for the short answers", o->out);
    for (size_t i = 0; i < total; i++) {
        saint_scenes_scene s;
        saint_scenes_questions all;
        saint_scenes_describe(key_of(o, i), &s);
        saint_scenes_ask(&s, &all);
        const char *folder = saint_scenes_task_name(s.task);
        unsigned number = (unsigned)(i % o->count) + 1;
        for (int k = 0, short_one = 0; k < all.n; k++) {
            const saint_scenes_question *q = &all.q[k];
            if (q->yes_no) continue;
            fprintf(
                f,
                "{\"uid\": \"%s/%04u.png#s%d\", \"image\": \"%s/%04u.png\", \"question\": \"%s\", \"answer\": \"%s\", \"task\": \"%s\"}\n",
                folder, number, short_one++, folder, number, q->question, q->answer, saint_scenes_task_name(q->task));
            out->short_answers++;
        }
    }
    bool ok = !ferror(f);
    if (fclose(f) != 0 || !ok) {
        free(text);
        return saint_fail(err, SAINT_MEMORY, "%s: no memory for the short answers", o->out);
    }
    int n = snprintf(path, sizeof path, "%s/short_answers.jsonl", o->out);
    saint_status s =
        n < PATH_BYTES ? write_file(path, text, bytes, err) : saint_fail(err, SAINT_INVALID, "%.200s...: the path is too long", o->out);
    free(text);
    return s;
}

/* ---- the folder --------------------------------------------------------------------------------------------------- */

static saint_status make_folder(const char *path, saint_error *err)
{
    struct stat st;
    if (mkdir(path, 0777) == 0 || (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))) return SAINT_OK;
    return saint_fail(err, SAINT_IO, "%s: the folder cannot be made: %s", path, strerror(errno));
}

static bool folder_is_empty(const char *path)
{
    DIR *d = opendir(path);
    int n = 0;
    for (struct dirent *e; d && (e = readdir(d));) n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    if (d) closedir(d);
    return n == 0;
}

/* scenes.json begins with what decides the bytes; count and complete follow, because they may grow. */
static int write_identity(char *text, size_t size, const saint_scenes_export_options *o)
{
    return snprintf(text, size, "{\"kind\": \"scenes\", \"version\": %d, \"split\": \"%s\", \"seed\": %u, \"size\": %d, ",
                    SAINT_SCENES_VERSION, saint_scenes_split_name(o->split), o->seed, o->size);
}

static saint_status write_label(const char *path, const saint_scenes_export_options *o, bool complete, saint_error *err)
{
    char text[320];
    int n = write_identity(text, sizeof text, o);
    n += snprintf(text + n, sizeof text - (size_t)n, "\"count\": %u, \"complete\": %s}\n", o->count, complete ? "true" : "false");
    return saint_file_write(path, text, (size_t)n, err);
}

/* A folder is ours when it is new or empty, or when its label names the same split, seed, size and version and no larger count. */
static saint_status claim_folder(const saint_scenes_export_options *o, const char *label, saint_error *err)
{
    char mine[256], *have = NULL;
    size_t bytes = 0;
    unsigned count = 0;
    saint_status s = make_folder(o->out, err);
    if (s != SAINT_OK) return s;
    if (!saint_file_exists(label)) {
        if (!folder_is_empty(o->out))
            return saint_fail(err, SAINT_INVALID,
                              "%s: expected a new or empty folder, or one that this command made, found other files; choose another --out",
                              o->out);
        return write_label(label, o, false, err);
    }
    s = saint_file_read(label, 4096, &have, &bytes, err);
    if (s != SAINT_OK) return s;
    size_t n = (size_t)write_identity(mine, sizeof mine, o);
    bool same = bytes > n && memcmp(have, mine, n) == 0 && sscanf(have + n, "\"count\": %u", &count) == 1;
    if (!same)
        s = saint_fail(err, SAINT_INVALID, "%s: expected %.*s..., found %.*s...; choose another --out", label, (int)n - 2, mine,
                       (int)(bytes < 100 ? bytes : 100), have);
    else if (count > o->count)
        s = saint_fail(err, SAINT_INVALID, "%s: the folder holds %u pictures per task, expected at most %u; choose another --out", label,
                       count, o->count);
    free(have);
    return s == SAINT_OK ? write_label(label, o, false, err) : s;
}

static saint_status check_options(const saint_scenes_export_options *o, saint_error *err)
{
    if (o->count < 1 || o->count > 1000000)
        return saint_fail(err, SAINT_INVALID, "scenes: expected 1 to 1000000 pictures per task, found %u", o->count);
    if (o->seed > SAINT_SCENES_SEED_MAX)
        return saint_fail(err, SAINT_INVALID, "scenes: expected a seed of 0 to %d, found %u", SAINT_SCENES_SEED_MAX, o->seed);
    if (strlen(o->out) > PATH_BYTES - 64) return saint_fail(err, SAINT_INVALID, "%.200s...: the path is too long", o->out);
    return SAINT_OK;
}

static saint_status make_canvases(job *j, int workers, saint_error *err)
{
    j->canvas = calloc((size_t)workers, sizeof *j->canvas);
    j->rgb = calloc((size_t)workers, sizeof *j->rgb);
    if (!j->canvas || !j->rgb) return saint_fail(err, SAINT_MEMORY, "scenes: no memory for %d workers", workers);
    for (int i = 0; i < workers; i++) {
        saint_status s = saint_scenes_canvas_new(j->o->size, &j->canvas[i], err);
        if (s != SAINT_OK) return s;
        j->rgb[i] = malloc((size_t)j->o->size * (size_t)j->o->size * 3);
        if (!j->rgb[i]) return saint_fail(err, SAINT_MEMORY, "scenes: no memory for %d x %d pixels", j->o->size, j->o->size);
    }
    return SAINT_OK;
}

static void free_canvases(job *j, int workers)
{
    for (int i = 0; i < workers; i++) {
        if (j->canvas) saint_scenes_canvas_free(j->canvas[i]);
        if (j->rgb) free(j->rgb[i]);
    }
    free(j->canvas);
    free(j->rgb);
}

saint_status saint_scenes_export(const saint_scenes_export_options *o, saint_scenes_export_summary *out, saint_error *err)
{
    char label[PATH_BYTES], folder[PATH_BYTES];
    saint_pool *pool = NULL;
    int workers = 0;
    *out = (saint_scenes_export_summary){0};
    saint_status s = check_options(o, err);
    if (s != SAINT_OK) return s;
    job *j = calloc(1, sizeof *j);
    if (!j) return saint_fail(err, SAINT_MEMORY, "scenes: no memory");
    j->o = o;
    s = saint_pool_create(&pool, o->threads, err);
    if (s == SAINT_OK) workers = saint_pool_threads(pool);
    if (s == SAINT_OK) s = make_canvases(j, workers, err); /* checks the size before the folder is touched */
    snprintf(label, sizeof label, "%s/scenes.json", o->out);
    if (s == SAINT_OK) s = claim_folder(o, label, err);
    for (int t = 0; t < SAINT_SCENES_TASKS && s == SAINT_OK; t++) {
        snprintf(folder, sizeof folder, "%s/%s", o->out, saint_scenes_task_name((saint_scenes_task)t));
        s = make_folder(folder, err);
    }
    if (s == SAINT_OK) s = make_pictures(j, pool, out, err);
    if (s == SAINT_OK) s = write_short_answers(o, out, err);
    if (s == SAINT_OK) s = write_label(label, o, true, err);
    free_canvases(j, workers);
    saint_pool_destroy(pool);
    free(j);
    return s;
}
