#define _GNU_SOURCE
#include "sweep/merge.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "sweep/journal.h"
#include "sweep/merge_rows.h"

/* ---- cursors ----------------------------------------------------------------------------------------------------- */

static saint_status load_cursors(sqlite3 *db, sweep_cursors *c, saint_error *err)
{
    sqlite3_stmt *q = NULL;
    saint_status s = sweep_db_prepare(db, "SELECT path, inode, offset, bad_lines, foreign_lines FROM journal_cursor", &q, err);
    while (s == SAINT_OK && sqlite3_step(q) == SQLITE_ROW) {
        sweep_cursor *more = realloc(c->at, (c->n + 1) * sizeof *more);
        if (!more) {
            s = saint_fail(err, SAINT_MEMORY, "no memory for the journals");
            break;
        }
        c->at = more;
        sweep_cursor *x = &c->at[c->n++];
        *x = (sweep_cursor){.inode = (uint64_t)sqlite3_column_int64(q, 1),
                            .offset = (size_t)sqlite3_column_int64(q, 2),
                            .torn = (size_t)sqlite3_column_int64(q, 3),
                            .foreign = (size_t)sqlite3_column_int64(q, 4)};
        snprintf(x->name, sizeof x->name, "%s", (const char *)sqlite3_column_text(q, 0));
    }
    sqlite3_finalize(q);
    return s;
}

static saint_status store_cursors(sqlite3 *db, const sweep_cursors *c, saint_error *err)
{
    sqlite3_stmt *q = NULL;
    saint_status s = sweep_db_prepare(
        db, "REPLACE INTO journal_cursor (path, inode, offset, bad_lines, foreign_lines, tail) VALUES (?,?,?,?,?,?)", &q, err);
    for (size_t i = 0; i < c->n && s == SAINT_OK; i++) {
        const sweep_cursor *x = &c->at[i];
        sqlite3_bind_text(q, 1, x->name, -1, SQLITE_STATIC);
        sqlite3_bind_int64(q, 2, (sqlite3_int64)x->inode);
        sqlite3_bind_int64(q, 3, (sqlite3_int64)x->offset);
        sqlite3_bind_int64(q, 4, (sqlite3_int64)x->torn);
        sqlite3_bind_int64(q, 5, (sqlite3_int64)x->foreign);
        sqlite3_bind_int(q, 6, x->tail);
        s = sweep_db_step(db, q, err);
    }
    sqlite3_finalize(q);
    return s;
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

typedef struct {
    sweep_rows *rows;
    bool unknown; /* a record of a trial that the plan does not have */
} merging;

static saint_status take(void *ud, const char *name, const sweep_head *h, saint_error *err)
{
    merging *m = ud;
    cJSON *o = NULL;
    if (h->kind == SWEEP_LINE_RECORD && sweep_rows_trial(m->rows, h->trial) < 0) {
        m->unknown = true;
        return SAINT_OK;
    }
    /* A line is whole by its CRC: what cannot be read was written by something else. It is counted, not fatal. */
    if (saint_json_parse(h->record, h->n, SWEEP_LINE_MAX, name, &o, NULL) != SAINT_OK || !cJSON_IsObject(o)) {
        cJSON_Delete(o);
        return sweep_rows_event(m->rows, name, "UNREADABLE", "a line that is whole but no record", err);
    }
    saint_status s = SAINT_OK;
    switch (h->kind) {
    case SWEEP_LINE_ATTEMPT: s = sweep_rows_attempt(m->rows, name, o, err); break;
    case SWEEP_LINE_END: s = sweep_rows_end(m->rows, name, o, err); break;
    case SWEEP_LINE_STOPPED: s = sweep_rows_stopped(m->rows, h->trial, o, err); break;
    case SWEEP_LINE_RECORD: s = sweep_rows_record(m->rows, name, h, o, err); break;
    case SWEEP_LINE_FOREIGN: break;
    }
    cJSON_Delete(o);
    return s;
}

static saint_status merge_once(sqlite3 *db, const char *folder, const sweep_plan *p, const saint_dataset *d, bool *unknown,
                               saint_error *err)
{
    sweep_cursors c = {0};
    merging m = {0};
    saint_status s = sweep_rows_open(&m.rows, db, p, d, err);
    if (s == SAINT_OK) s = sweep_rows_plan(m.rows, err);
    if (s == SAINT_OK) s = load_cursors(db, &c, err);
    if (s == SAINT_OK) s = sweep_journals_read(folder, p->id, &c, take, &m, err);
    if (s == SAINT_OK) s = store_cursors(db, &c, err);
    sweep_rows_close(m.rows);
    sweep_cursors_free(&c);
    *unknown = m.unknown;
    return s;
}

saint_status sweep_merge(sqlite3 *db, const char *folder, const saint_dataset *d, saint_error *err)
{
    int asks = -1;
    for (;;) {
        sweep_plan plan;
        bool unknown = false;
        saint_status s = sweep_plan_read(folder, &plan, err);
        if (s != SAINT_OK) return s;
        /* Nobody writes a record before its trial is in the plan, but both may have appeared since the plan was read. */
        bool grown = plan.asks != asks;
        asks = plan.asks;
        s = sweep_db_run(db, "BEGIN IMMEDIATE", err);
        if (s == SAINT_OK) s = merge_once(db, folder, &plan, d, &unknown, err);
        if (s == SAINT_OK && unknown && grown) {
            s = sweep_db_run(db, "ROLLBACK", err);
            sweep_plan_free(&plan);
            if (s != SAINT_OK) return s;
            continue;
        }
        if (s == SAINT_OK) s = sweep_db_run(db, "COMMIT", err);
        if (s != SAINT_OK) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        sweep_plan_free(&plan);
        return s;
    }
}

/* ---- who merges --------------------------------------------------------------------------------------------------- */

int sweep_merge_lock(const char *folder, bool wait)
{
    char path[4096 + 32];
    snprintf(path, sizeof path, "%s/merge.lock", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) return -1;
    int rc;
    do rc = flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB);
    while (rc != 0 && errno == EINTR);
    if (rc == 0) return fd;
    int why = errno;
    close(fd);
    return why == EWOULDBLOCK ? -2 : -1;
}

void sweep_merge_unlock(int lock)
{
    if (lock >= 0) close(lock);
}

static saint_status in_memory(const char *folder, const saint_dataset *d, sqlite3 **out, saint_error *err)
{
    saint_status s = sweep_db_open_memory(out, err);
    if (s != SAINT_OK) return s;
    s = sweep_merge(*out, folder, d, err);
    if (s != SAINT_OK) {
        sweep_db_close(*out);
        *out = NULL;
    }
    return s;
}

saint_status sweep_db_current(const char *folder, const sweep_plan *p, const saint_dataset *d, sqlite3 **out, saint_error *err)
{
    *out = NULL;
    int lock = sweep_merge_lock(folder, false);
    if (lock == -2) { /* what the other one has merged is at most one merge old */
        if (sweep_db_open_reading(folder, p, out, NULL) == SAINT_OK) return SAINT_OK;
        lock = sweep_merge_lock(folder, true); /* the first merge is on its way: wait for it */
    }
    if (lock < 0) return in_memory(folder, d, out, err);
    saint_status s = sweep_db_open(folder, p, out, err);
    if (s == SAINT_OK) s = sweep_merge(*out, folder, d, err);
    if (s != SAINT_OK) {
        sweep_db_close(*out);
        *out = NULL;
    }
    sweep_merge_unlock(lock);
    /* A full disk or one that is for reading only: the journals are what counts, and they can be read. */
    return s == SAINT_IO ? in_memory(folder, d, out, err) : s;
}
