#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sweep/journal.h"

/* ---- heads: a strict form, so that reading a million records again costs their CRCs and little more ---------------- */

typedef struct {
    const char *p, *end;
} text;

static bool skip(text *t, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(t->end - t->p) < n || memcmp(t->p, word, n) != 0) return false;
    t->p += n;
    return true;
}

static bool hex(text *t, int digits, uint64_t *out)
{
    *out = 0;
    for (int i = 0; i < digits; i++, t->p++) {
        int d = t->p == t->end ? -1 : *t->p >= '0' && *t->p <= '9' ? *t->p - '0' : *t->p >= 'a' && *t->p <= 'f' ? *t->p - 'a' + 10 : -1;
        if (d < 0) return false;
        *out = *out << 4 | (uint64_t)d;
    }
    return true;
}

static bool whole(text *t, uint32_t *out)
{
    uint64_t v = 0;
    const char *first = t->p;
    for (; t->p < t->end && *t->p >= '0' && *t->p <= '9' && v <= UINT32_MAX; t->p++) v = 10 * v + (uint64_t)(*t->p - '0');
    *out = (uint32_t)v;
    return t->p > first && v <= UINT32_MAX;
}

static bool record_head(text *t, sweep_head *out)
{
    uint32_t try;
    if (!skip(t, ",\"s\":") || !whole(t, &out->sample) || !skip(t, ",\"n\":") || !whole(t, &out->repeat) || !skip(t, ",\"try\":") ||
        !whole(t, &try) || try < 1 || try > 1000 || !skip(t, ",\"ok\":"))
        return false;
    out->try = (int)try;
    out->ok = skip(t, "true");
    return out->ok || skip(t, "false");
}

bool sweep_head_read(const sweep_line *line, const char *plan, sweep_head *out)
{
    text t = {line->text, line->text + line->n};
    char wanted[24];
    *out = (sweep_head){.kind = SWEEP_LINE_FOREIGN};
    if (!skip(&t, "{\"v\":")) return false;
    if (!skip(&t, "1,\"k\":\"")) return true; /* a later version's */
    char kind = t.p < t.end ? *t.p++ : 0;
    if (!skip(&t, "\",\"p\":\"")) return false;
    snprintf(wanted, sizeof wanted, "%.8s\"", plan);
    if (!skip(&t, wanted)) return true;
    switch (kind) {
    case 'a': out->kind = SWEEP_LINE_ATTEMPT; break;
    case 'e': out->kind = SWEEP_LINE_END; break;
    case 's': out->kind = SWEEP_LINE_STOPPED; break;
    case 'r': out->kind = SWEEP_LINE_RECORD; break;
    default: return false;
    }
    if ((kind == 's' || kind == 'r') && (!skip(&t, ",\"t\":\"") || !hex(&t, 16, &out->trial) || !skip(&t, "\""))) return false;
    if (kind == 'r' && !record_head(&t, out)) return false;
    if (!skip(&t, ",\"rec\":{")) return false;
    out->record = t.p - 1;
    out->n = (size_t)(t.end - out->record);
    return true;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

void sweep_cursors_free(sweep_cursors *c)
{
    free(c->at);
    *c = (sweep_cursors){0};
}

static sweep_cursor *cursor_of(sweep_cursors *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->at[i].name, name) == 0) return &c->at[i];
    sweep_cursor *more = realloc(c->at, (c->n + 1) * sizeof *more);
    if (!more) return NULL;
    c->at = more;
    more[c->n] = (sweep_cursor){0};
    memcpy(more[c->n].name, name, strlen(name) + 1);
    return &more[c->n++];
}

enum { CHUNK = 4 << 20 };

typedef struct {
    const char *plan;
    saint_status (*each)(void *ud, const char *name, const sweep_head *h, saint_error *err);
    void *ud;
} reader;

/* The lines of buf [n], which starts at the cursor. *used: bytes of whole lines. */
static saint_status read_lines(const reader *r, sweep_cursor *c, const char *buf, size_t n, size_t *used, saint_error *err)
{
    sweep_line line;
    sweep_head head;
    *used = 0;
    while (sweep_line_next(buf, n, used, &line)) {
        if (line.torn || !sweep_head_read(&line, r->plan, &head)) {
            c->torn++;
            continue;
        }
        if (head.kind == SWEEP_LINE_FOREIGN) {
            c->foreign++;
            continue;
        }
        saint_status s = r->each(r->ud, c->name, &head, err);
        if (s != SAINT_OK) return s;
    }
    return SAINT_OK;
}

static saint_status read_file(const reader *r, sweep_cursor *c, const char *path, int fd, saint_error *err)
{
    size_t room = CHUNK;
    char *buf = malloc(room);
    saint_status s = buf ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "%s: no memory to read it", path);
    while (s == SAINT_OK) {
        size_t got = 0, used = 0;
        ssize_t k = 1;
        while (got < room && (k = pread(fd, buf + got, room - got, (off_t)(c->offset + got))) != 0) {
            if (k < 0 && errno == EINTR) continue;
            if (k < 0) break;
            got += (size_t)k;
        }
        if (k < 0) s = saint_fail(err, SAINT_IO, "%s: cannot be read: %s", path, strerror(errno));
        else s = read_lines(r, c, buf, got, &used, err);
        if (s != SAINT_OK) break;
        c->offset += used;
        c->tail = used < got;
        if (got < room) break; /* the end of the file */
        if (used) continue;
        if (room > SWEEP_LINE_MAX) { /* no line is that long: whatever this is, it is not ours */
            c->torn++;
            break;
        }
        char *more = realloc(buf, 2 * room);
        if (!more) s = saint_fail(err, SAINT_MEMORY, "%s: no memory to read it", path);
        else buf = more, room *= 2;
    }
    free(buf);
    return s;
}

static saint_status read_journal(const reader *r, const char *folder, const char *name, sweep_cursors *all, saint_error *err)
{
    char path[4096 + 300];
    struct stat st;
    sweep_cursor *c = cursor_of(all, name);
    if (!c) return saint_fail(err, SAINT_MEMORY, "no memory for the journals");
    snprintf(path, sizeof path, "%s/journal/%s", folder, name);
    if (stat(path, &st) == 0 && (uint64_t)st.st_ino == c->inode && (size_t)st.st_size == c->offset) return SAINT_OK; /* nothing new */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) return SAINT_OK;
    if (fd < 0) return saint_fail(err, SAINT_IO, "%s: cannot be opened: %s", path, strerror(errno));
    saint_status s = SAINT_OK;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        if (c->inode != (uint64_t)st.st_ino || (size_t)st.st_size < c->offset) /* another file under this name: from the start */
            c->offset = c->torn = c->foreign = 0;
        c->inode = (uint64_t)st.st_ino;
        if ((size_t)st.st_size > c->offset) s = read_file(r, c, path, fd, err);
    }
    close(fd);
    return s;
}

static int is_journal(const struct dirent *d)
{
    size_t n = strlen(d->d_name);
    return n > 6 && n < sizeof((sweep_cursor *)0)->name && d->d_name[0] != '.' && strcmp(d->d_name + n - 6, ".jsonl") == 0;
}

saint_status sweep_journals_read(const char *folder, const char *plan, sweep_cursors *c,
                                 saint_status (*each)(void *ud, const char *name, const sweep_head *h, saint_error *err), void *ud,
                                 saint_error *err)
{
    char path[4096 + 16];
    struct dirent **names = NULL;
    const reader r = {plan, each, ud};
    snprintf(path, sizeof path, "%s/journal", folder);
    int n = scandir(path, &names, is_journal, alphasort);
    if (n < 0 && errno == ENOENT) return SAINT_OK;
    if (n < 0) return saint_fail(err, SAINT_IO, "%s: cannot be read: %s", path, strerror(errno));
    saint_status s = SAINT_OK;
    for (int i = 0; i < n; i++) {
        if (s == SAINT_OK) s = read_journal(&r, folder, names[i]->d_name, c, err);
        free(names[i]);
    }
    free(names);
    return s;
}
