/* folders.c - the folder that is read, the rows that are written, and a folder per trial, named so that it can be told apart and typed. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "export/export.h"

saint_status export_open(const char *folder, bool summaries, sweep_data **out, saint_error *err)
{
    static const char *const names[] = {"plan.json", "eval.json"};
    bool there = false;
    *out = NULL;
    for (size_t i = 0; i < 2 && !there; i++) {
        char *path;
        if (asprintf(&path, "%s/%s", folder, names[i]) < 0) return saint_fail(err, SAINT_MEMORY, "%s: no memory for a path", folder);
        there = saint_file_exists(path);
        free(path);
    }
    if (there) return sweep_load(folder, summaries, out, err);
    return saint_fail(err, SAINT_INVALID,
                      "%s: expected the folder of a sweep or of an evaluation, found neither plan.json nor eval.json in it; `saint sweep --out "
                      "DIR` and `saint eval --out DIR` make them",
                      folder);
}

bool export_wants(const export_options *o, table *t, size_t row)
{
    return (!o->trials || o->trials[table_trial_of(t, row)]) && filter_pass(o->where, t, row);
}

void export_folder_name(const sweep_trial *t, char *out, size_t size)
{
    enum { NAME = 80 };
    char name[NAME + 1] = "";
    size_t n = 0;
    for (const char *p = t->trial.name ? t->trial.name : ""; *p && n < NAME; p++) {
        bool fine = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr(".=-", *p);
        if (fine || (n && name[n - 1] != '_')) name[n++] = fine ? *p : '_';
    }
    while (n && name[n - 1] == '_') n--;
    name[n] = 0;
    (void)snprintf(out, size, "%03d%s%s", t->trial.ordinal, n ? "-" : "", name);
}

static saint_status make(const char *path, saint_error *err)
{
    struct stat st;
    if (mkdir(path, 0777) == 0 || (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))) return SAINT_OK;
    return saint_fail(err, SAINT_IO, "%s: the folder cannot be made: %s", path, strerror(errno));
}

saint_status export_make_folder(const char *folder, const char *name, char **path, saint_error *err)
{
    if (asprintf(path, "%s/%s", folder, name) < 0) {
        *path = NULL;
        return saint_fail(err, SAINT_MEMORY, "%s: no memory for a path", folder);
    }
    saint_status s = make(folder, err);
    if (s == SAINT_OK) s = make(*path, err);
    if (s == SAINT_OK) return s;
    free(*path);
    *path = NULL;
    return s;
}
