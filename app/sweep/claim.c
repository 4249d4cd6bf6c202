#define _GNU_SOURCE
#include "sweep/claim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sweep/machine.h"

struct sweep_claims {
    char folder[4096], dir[4096 + 64], own[4096 + 128];
    char text[512]; /* what our claims say: the process and its journal */
    char journal[300];
    int copies; /* of `own`, made anew when a file system allows no more links to one file */
    bool no_links;
};

/* The trials, samples and repeats decide what a block is: another shape has other claims. */
static void shape_of(const sweep_plan *p, char out[17])
{
    saint_sha256 h;
    char hex[65];
    saint_sha256_init(&h);
    for (int i = 0; i < p->n_trials; i++) saint_sha256_update(&h, &p->trial[i].id, sizeof p->trial[i].id);
    saint_sha256_update(&h, p->wanted, p->n_samples * sizeof *p->wanted);
    saint_sha256_update(&h, &p->repeats, sizeof p->repeats);
    saint_digest d = saint_sha256_final(&h);
    saint_digest_hex(&d, hex);
    memcpy(out, hex, 16);
    out[16] = 0;
}

static saint_status refused(const char *path, int why, saint_error *err)
{
    return saint_fail(err, SAINT_IO, "%s: cannot be written: %s", path, strerror(why));
}

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) return false;
    bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    int why = errno;
    if (close(fd) != 0 || !ok) {
        unlink(path);
        errno = why;
        return false;
    }
    return true;
}

static saint_status make_own(sweep_claims *c, saint_error *err)
{
    if (c->own[0]) unlink(c->own);
    snprintf(c->own, sizeof c->own, "%s/.%ld-%d-%.16s", c->dir, (long)getpid(), c->copies++, c->journal + strlen(c->journal) - 16);
    if (write_text(c->own, c->text)) return SAINT_OK;
    int why = errno;
    saint_status s = refused(c->own, why, err);
    c->own[0] = 0;
    return s;
}

saint_status sweep_claims_open(sweep_claims **out, const char *folder, const sweep_plan *p, const char *journal, saint_error *err)
{
    char shape[17], process[160];
    sweep_process self;
    sweep_claims *c = calloc(1, sizeof *c);
    *out = NULL;
    if (!c) return saint_fail(err, SAINT_MEMORY, "no memory for claims");
    shape_of(p, shape);
    snprintf(c->folder, sizeof c->folder, "%s", folder);
    snprintf(c->dir, sizeof c->dir, "%s/claims/%s", c->folder, shape);
    snprintf(c->journal, sizeof c->journal, "%s", journal);
    sweep_process_self(&self);
    sweep_process_text(&self, process, sizeof process);
    snprintf(c->text, sizeof c->text, "%s\n%s\n", process, journal);
    saint_status s = mkdir(c->dir, 0777) != 0 && errno != EEXIST ? refused(c->dir, errno, err) : SAINT_OK;
    if (s == SAINT_OK) s = make_own(c, err);
    if (s != SAINT_OK) free(c);
    else *out = c;
    return s;
}

void sweep_claims_close(sweep_claims *c)
{
    if (!c) return;
    if (c->own[0]) unlink(c->own);
    free(c);
}

/* SAINT_STATE: there is one already. */
static saint_status make_claim(sweep_claims *c, const char *path, saint_error *err)
{
    if (!c->no_links) {
        if (link(c->own, path) == 0) return SAINT_OK;
        if (errno == EMLINK) {
            saint_status s = make_own(c, err);
            if (s != SAINT_OK) return s;
            if (link(c->own, path) == 0) return SAINT_OK;
        }
        if (errno == ENOENT && (mkdir(c->dir, 0777) == 0 || errno == EEXIST)) { /* somebody has tidied up: the sweep was complete */
            saint_status s = make_own(c, err);
            if (s != SAINT_OK) return s;
            if (link(c->own, path) == 0) return SAINT_OK;
        }
        if (errno == EEXIST) return SAINT_STATE;
        if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS && errno != EMLINK) return refused(path, errno, err);
        c->no_links = true;
    }
    if (write_text(path, c->text)) return SAINT_OK;
    return errno == EEXIST ? SAINT_STATE : refused(path, errno, err);
}

static bool changed(const char *path, double *out)
{
    struct stat st;
    if (stat(path, &st) != 0) return false;
    *out = (double)st.st_mtim.tv_sec + (double)st.st_mtim.tv_nsec * 1e-9;
    return true;
}

/* A file untouched for the grace by the clock of its own file system, which our journal shows. */
static bool silent(const sweep_claims *c, const char *path)
{
    char own[4096 + 320];
    double theirs, ours;
    snprintf(own, sizeof own, "%s/journal/%s.jsonl", c->folder, c->journal);
    utimensat(AT_FDCWD, own, NULL, 0);
    if (!changed(own, &ours)) return false;
    return !changed(path, &theirs) || ours - theirs > SWEEP_GRACE_SECONDS;
}

typedef enum { OWNER_SELF, OWNER_ALIVE, OWNER_GONE } owner;

static owner owner_of(const sweep_claims *c, const char *path)
{
    char text[512] = "", journal[4096 + 320];
    sweep_process p;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    text[n > 0 ? n : 0] = 0;
    if (strcmp(text, c->text) == 0) return OWNER_SELF;
    char *line = strchr(text, '\n'), *end = line ? strchr(line + 1, '\n') : NULL;
    if (!end || !sweep_process_parse(text, &p) || memchr(line + 1, '/', (size_t)(end - line - 1)))
        return silent(c, path) ? OWNER_GONE : OWNER_ALIVE; /* it may be about to write its name */
    *end = 0;
    int alive = sweep_process_alive(&p);
    if (alive >= 0) return alive ? OWNER_ALIVE : OWNER_GONE;
    snprintf(journal, sizeof journal, "%s/journal/%s.jsonl", c->folder, line + 1);
    return silent(c, journal) ? OWNER_GONE : OWNER_ALIVE;
}

saint_status sweep_claim(sweep_claims *c, size_t block, bool *mine, saint_error *err)
{
    *mine = false;
    for (int turn = 0; turn < 1 << 20; turn++) {
        char path[4096 + 128];
        snprintf(path, sizeof path, "%s/%zu.%d", c->dir, block, turn);
        saint_status s = make_claim(c, path, err);
        if (s == SAINT_OK) {
            *mine = true;
            return SAINT_OK;
        }
        if (s != SAINT_STATE) return s;
        owner o = owner_of(c, path);
        if (o != OWNER_GONE) {
            *mine = o == OWNER_SELF;
            return SAINT_OK;
        }
    }
    return SAINT_OK;
}

void sweep_claims_clear(const char *folder)
{
    char path[4096 + 16], inner[4096 + 300], file[4096 + 600];
    snprintf(path, sizeof path, "%s/claims", folder);
    DIR *d = opendir(path), *shape;
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.') continue;
        snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
        shape = opendir(inner);
        for (struct dirent *f; shape && (f = readdir(shape));) {
            if (strcmp(f->d_name, ".") == 0 || strcmp(f->d_name, "..") == 0) continue;
            snprintf(file, sizeof file, "%s/%s", inner, f->d_name);
            unlink(file);
        }
        if (shape) closedir(shape);
        rmdir(inner);
    }
    if (d) closedir(d);
}
