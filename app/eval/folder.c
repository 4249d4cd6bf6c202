#define _GNU_SOURCE
#include "eval/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "datasets/score.h"
#include "sweep/folder.h"
#include "sweep/lines.h"

static const char *const file_name[EVAL_FILES] = {"answers.jsonl", "baseline.jsonl", "errors.jsonl", "runs.jsonl"};

struct eval_folder {
    char *path[EVAL_FILES];
    int fd[EVAL_FILES], lock;
    double synced;
    bool dirty[EVAL_FILES];
};

static saint_status io(saint_error *err, const char *path, const char *what)
{
    int why = errno;
    return saint_fail(err, SAINT_IO, "%s: %s: %s", path, what, strerror(why));
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static cJSON *answer_json(const char *output)
{
    if (!strchr(output, SAINT_RANK_SEPARATOR)) return cJSON_CreateString(output);
    cJSON *list = cJSON_CreateArray();
    char *copy = strdup(output), *rest = copy;
    const char separator[] = {SAINT_RANK_SEPARATOR, 0};
    for (char *word; copy && (word = strsep(&rest, separator));) cJSON_AddItemToArray(list, cJSON_CreateString(word));
    free(copy);
    return list;
}

char *eval_line_text(const char *uid, const eval_result *r)
{
    cJSON *head = cJSON_CreateObject(), *body = eval_result_json(r);
    char *clean = eval_clean_text(uid), *text = NULL;
    if (head && clean) cJSON_AddStringToObject(head, "uid", clean);
    if (head && r->state == EVAL_OK) cJSON_AddItemToObject(head, "answer", answer_json(r->output ? r->output : ""));
    char *first = head && clean ? cJSON_PrintUnformatted(head) : NULL, *second = body ? cJSON_PrintUnformatted(body) : NULL;
    if (first && second && asprintf(&text, "%.*s,%s", (int)strlen(first) - 1, first, second + 1) < 0) text = NULL;
    cJSON_free(first);
    cJSON_free(second);
    cJSON_Delete(head);
    cJSON_Delete(body);
    free(clean);
    return text;
}

saint_status eval_line_parse(const char *text, size_t n, char **uid, eval_result *out, saint_error *err)
{
    cJSON *o = NULL;
    const char *name = NULL;
    *uid = NULL;
    saint_status s = saint_json_parse(text, n, SWEEP_LINE_MAX, "record", &o, err);
    if (s != SAINT_OK) return s;
    s = eval_result_parse(o, out, err);
    if (s == SAINT_OK) {
        s = saint_json_string(o, "uid", &name, "record", err);
        if (s == SAINT_OK && !name) s = saint_fail(err, SAINT_FORMAT, "record: uid: expected the name of a sample");
        if (s == SAINT_OK && !(*uid = strdup(name))) s = saint_fail(err, SAINT_MEMORY, "record: no memory");
        if (s != SAINT_OK) eval_result_free(out);
    }
    cJSON_Delete(o);
    return s;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static saint_status differs(const char *path, const cJSON *have, const cJSON *want, saint_error *err)
{
    for (const cJSON *w = want->child; w; w = w->next) {
        const cJSON *h = cJSON_GetObjectItemCaseSensitive(have, w->string);
        if (cJSON_Compare(h, w, true)) continue;
        char *a = h ? cJSON_PrintUnformatted(h) : NULL, *b = cJSON_PrintUnformatted(w);
        saint_status s =
            saint_fail(err, SAINT_INVALID, "%s: this folder holds another evaluation: its %s is %.120s, not %.120s; choose another --out",
                       path, w->string, a ? a : "not there", b ? b : "?");
        cJSON_free(a);
        cJSON_free(b);
        return s;
    }
    return SAINT_OK;
}

/* The identity that is there, or ours written. */
static saint_status claim(const char *folder, const eval_folder *f, const cJSON *identity, saint_error *err)
{
    char *path = NULL, *text = NULL;
    cJSON *have = NULL;
    if (asprintf(&path, "%s/eval.json", folder) < 0) return saint_fail(err, SAINT_MEMORY, "%s: no memory", folder);
    saint_status s = SAINT_OK;
    if (saint_file_exists(path)) {
        s = saint_json_load(path, 1 << 20, &have, err);
        if (s == SAINT_OK) s = differs(path, have, identity, err);
    } else if (saint_file_exists(f->path[EVAL_ANSWERS])) {
        s = saint_fail(err, SAINT_INVALID, "%s: answers without eval.json that says of what; choose another --out", f->path[EVAL_ANSWERS]);
    } else if (!(text = cJSON_Print(identity))) {
        s = saint_fail(err, SAINT_MEMORY, "%s: no memory", folder);
    } else {
        s = saint_file_write(path, text, strlen(text), err);
    }
    cJSON_free(text);
    cJSON_Delete(have);
    free(path);
    return s;
}

/* Open for appending; what a killed process left of a line goes, so that the next one starts on its own. */
static saint_status open_file(const char *path, int *fd, saint_error *err)
{
    struct stat st;
    *fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (*fd < 0) return io(err, path, "cannot be written");
    if (fstat(*fd, &st) != 0) return io(err, path, "cannot be read");
    if (!S_ISREG(st.st_mode)) return saint_fail(err, SAINT_INVALID, "%s: expected a file", path);
    char block[4096];
    for (off_t end = st.st_size; end > 0;) {
        off_t from = end > (off_t)sizeof block ? end - (off_t)sizeof block : 0;
        ssize_t n = pread(*fd, block, (size_t)(end - from), from);
        if (n != end - from) return io(err, path, "cannot be read");
        const char *newline = memrchr(block, '\n', (size_t)n);
        if (!newline && from > 0) {
            end = from;
            continue;
        }
        off_t whole = newline ? from + (newline - block) + 1 : 0;
        if (whole < st.st_size && ftruncate(*fd, whole) != 0) return io(err, path, "cannot be cut behind its last whole line");
        break;
    }
    return SAINT_OK;
}

static saint_status make_folder(const char *folder, saint_error *err)
{
    char *path = strdup(folder);
    if (!path) return saint_fail(err, SAINT_MEMORY, "%s: no memory", folder);
    saint_status s = SAINT_OK;
    for (char *p = path + 1; s == SAINT_OK; p++) {
        char c = *p;
        if (c && c != '/') continue;
        *p = 0;
        if (mkdir(path, 0755) != 0 && errno != EEXIST) s = io(err, path, "this folder cannot be made");
        *p = c;
        if (!c) break;
    }
    free(path);
    return s;
}

static saint_status lock_folder(eval_folder *f, const char *folder, saint_error *err)
{
    f->lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->lock < 0) return io(err, folder, "expected a folder");
    if (flock(f->lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return SAINT_OK; /* some file systems know no locks */
    return saint_fail(err, SAINT_INVALID, "%s: another process evaluates into this folder; wait for it or choose another --out", folder);
}

saint_status eval_folder_open(eval_folder **out, const char *folder, const cJSON *identity, saint_error *err)
{
    eval_folder *f = *out = calloc(1, sizeof *f);
    if (!f) return saint_fail(err, SAINT_MEMORY, "%s: no memory", folder);
    f->lock = -1;
    for (int i = 0; i < EVAL_FILES; i++) f->fd[i] = -1;
    saint_status s = make_folder(folder, err);
    if (s == SAINT_OK) s = lock_folder(f, folder, err);
    for (int i = 0; i < EVAL_FILES && s == SAINT_OK; i++)
        if (asprintf(&f->path[i], "%s/%s", folder, file_name[i]) < 0) {
            f->path[i] = NULL;
            s = saint_fail(err, SAINT_MEMORY, "%s: no memory", folder);
        }
    if (s == SAINT_OK) s = claim(folder, f, identity, err);
    for (int i = 0; i < EVAL_FILES && s == SAINT_OK; i++) s = open_file(f->path[i], &f->fd[i], err);
    if (s == SAINT_OK) s = sweep_folder_sync(folder, err);
    if (s != SAINT_OK) {
        eval_folder_close(f);
        *out = NULL;
    }
    return s;
}

void eval_folder_close(eval_folder *f)
{
    if (!f) return;
    for (int i = 0; i < EVAL_FILES; i++) {
        if (f->fd[i] >= 0 && f->dirty[i]) (void)fdatasync(f->fd[i]);
        if (f->fd[i] >= 0) close(f->fd[i]);
        free(f->path[i]);
    }
    if (f->lock >= 0) close(f->lock);
    free(f);
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

/* One line into its place; false: it is none of ours. */
static bool take(const sweep_line *line, uint64_t id, const saint_dataset *d, eval_result **record)
{
    char *uid = NULL, *text = NULL;
    eval_result r;
    size_t i;
    if (line->torn || asprintf(&text, "%.*s}", (int)line->n, line->text) < 0) return false;
    bool ok = eval_line_parse(text, strlen(text), &uid, &r, NULL) == SAINT_OK;
    free(text);
    if (!ok) return false;
    ok = r.trial == id && r.state == EVAL_OK && saint_dataset_find(d, uid, &i);
    free(uid);
    if (ok && !record[i] && (record[i] = malloc(sizeof r))) *record[i] = r;
    else eval_result_free(&r); /* the first one counts */
    return ok;
}

saint_status eval_folder_read(eval_folder *f, eval_file which, uint64_t id, const saint_dataset *d, eval_result **record, size_t *torn,
                              saint_error *err)
{
    saint_map map;
    struct stat st;
    *torn = 0;
    if (fstat(f->fd[which], &st) != 0) return io(err, f->path[which], "cannot be read");
    if (st.st_size == 0) return SAINT_OK;
    saint_status s = saint_map_open(f->path[which], &map, err);
    if (s != SAINT_OK) return s;
    sweep_line line;
    for (size_t at = 0; sweep_line_next((const char *)map.data, map.bytes, &at, &line);) *torn += !take(&line, id, d, record);
    saint_map_close(&map);
    return SAINT_OK;
}

saint_status eval_folder_add(eval_folder *f, eval_file which, const char *uid, const eval_result *r, saint_error *err)
{
    eval_file to = r->state == EVAL_OK ? which : EVAL_ERRORS;
    char *text = eval_line_text(uid, r);
    if (!text) return saint_fail(err, SAINT_MEMORY, "%s: no memory for a line", f->path[to]);
    saint_status s = sweep_line_append(f->fd[to], f->path[to], text, err);
    free(text);
    f->dirty[to] = true;
    double now = saint_now();
    if (s != SAINT_OK || now - f->synced < 1) return s;
    f->synced = now;
    for (int i = 0; i < EVAL_FILES && s == SAINT_OK; i++) {
        if (f->dirty[i] && fdatasync(f->fd[i]) != 0) s = io(err, f->path[i], "cannot be written to the disk");
        f->dirty[i] = false;
    }
    return s;
}

saint_status eval_folder_launch(eval_folder *f, const cJSON *o, saint_error *err)
{
    char *text = cJSON_PrintUnformatted(o);
    if (!text) return saint_fail(err, SAINT_MEMORY, "%s: no memory for a line", f->path[EVAL_RUNS]);
    saint_status s = sweep_line_append(f->fd[EVAL_RUNS], f->path[EVAL_RUNS], text, err);
    cJSON_free(text);
    if (s == SAINT_OK && fdatasync(f->fd[EVAL_RUNS]) != 0) s = io(err, f->path[EVAL_RUNS], "cannot be written to the disk");
    return s;
}
