#define _GNU_SOURCE
#include "sweep/db.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

static const char *const schema[] = {
#include "sweep/schema.def"
};

saint_status sweep_db_error(sqlite3 *db, saint_error *err)
{
    const char *name = db ? sqlite3_db_filename(db, "main") : NULL;
    int code = db ? sqlite3_errcode(db) & 0xff : SQLITE_NOMEM;
    saint_status s = code == SQLITE_NOMEM ? SAINT_MEMORY : code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? SAINT_FORMAT : SAINT_IO;
    return saint_fail(err, s, "%s: %s", name && *name ? name : "sweep.db", db ? sqlite3_errmsg(db) : "no memory");
}

saint_status sweep_db_run(sqlite3 *db, const char *sql, saint_error *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? SAINT_OK : sweep_db_error(db, err);
}

saint_status sweep_db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, saint_error *err)
{
    return sqlite3_prepare_v2(db, sql, -1, out, NULL) == SQLITE_OK ? SAINT_OK : sweep_db_error(db, err);
}

saint_status sweep_db_step(sqlite3 *db, sqlite3_stmt *s, saint_error *err)
{
    int rc = sqlite3_step(s);
    saint_status st = rc == SQLITE_DONE || rc == SQLITE_ROW ? SAINT_OK : sweep_db_error(db, err);
    sqlite3_reset(s);
    return st;
}

static void bind(sqlite3_stmt *s, const char *types, va_list ap)
{
    for (int i = 1; *types; types++, i++) {
        if (*types == 't') sqlite3_bind_text(s, i, va_arg(ap, const char *), -1, SQLITE_TRANSIENT);
        else if (*types == 'i') sqlite3_bind_int64(s, i, va_arg(ap, int64_t));
        else {
            double d = va_arg(ap, double);
            if (isfinite(d)) sqlite3_bind_double(s, i, d);
            else sqlite3_bind_null(s, i);
        }
    }
}

void sweep_db_bind(sqlite3_stmt *s, const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    bind(s, types, ap);
    va_end(ap);
}

saint_status sweep_db_put(sqlite3 *db, const char *sql, saint_error *err, const char *types, ...)
{
    sqlite3_stmt *s = NULL;
    va_list ap;
    saint_status st = sweep_db_prepare(db, sql, &s, err);
    va_start(ap, types);
    if (st == SAINT_OK) {
        bind(s, types, ap);
        st = sweep_db_step(db, s, err);
    }
    va_end(ap);
    sqlite3_finalize(s);
    return st;
}

double sweep_db_number(sqlite3 *db, const char *sql, double what)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL)
        what = sqlite3_column_double(s, 0);
    sqlite3_finalize(s);
    return what;
}

void sweep_db_close(sqlite3 *db) { sqlite3_close(db); }

/* Memory that processes share does not work across machines, and WAL needs it. */
static bool on_network(const char *folder)
{
    static const unsigned long kinds[] = {0x6969, 0x0BD00BD0, 0x47504653, 0x19830326, 0xFE534D42, 0x65735546};
    struct statfs f;
    if (statfs(folder, &f) != 0) return true;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (((unsigned long)f.f_type & 0xffffffffu) == kinds[i]) return true;
    return false;
}

static saint_status open_file(const char *folder, int flags, sqlite3 **out, saint_error *err)
{
    char path[4096 + 32];
    snprintf(path, sizeof path, "%s/sweep.db", folder);
    saint_status s = sqlite3_open_v2(path, out, flags, NULL) == SQLITE_OK ? SAINT_OK : sweep_db_error(*out, err);
    if (s == SAINT_OK) {
        sqlite3_busy_timeout(*out, 10000);
    } else {
        sqlite3_close(*out);
        *out = NULL;
    }
    return s;
}

/* 1 ours, 0 empty, -1 something else: another program's, version's or plan's. */
static int whose(sqlite3 *db, const sweep_plan *p)
{
    char sql[128];
    if (sweep_db_number(db, "SELECT count(*) FROM sqlite_master", -1) == 0) return 0;
    if ((int)sweep_db_number(db, "PRAGMA application_id", 0) != SWEEP_DB_APPLICATION) return -1;
    if ((int)sweep_db_number(db, "PRAGMA user_version", 0) != SWEEP_DB_VERSION) return -1;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM sweep WHERE sweep_id <> '%.16s'", p->id);
    return sweep_db_number(db, sql, -1) == 0 ? 1 : -1;
}

static saint_status make_tables(sqlite3 *db, saint_error *err)
{
    char sql[160];
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d;", SWEEP_DB_APPLICATION, SWEEP_DB_VERSION);
    saint_status s = sweep_db_run(db, sql, err);
    for (size_t i = 0; i < sizeof schema / sizeof *schema && s == SAINT_OK; i++) s = sweep_db_run(db, schema[i], err);
    return s;
}

static void remove_files(const char *folder)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    for (int i = 0; i < 4; i++) {
        char path[4096 + 48];
        snprintf(path, sizeof path, "%s/sweep.db%s", folder, endings[i]);
        unlink(path);
    }
}

static saint_status prepare(const char *folder, sqlite3 *db, saint_error *err)
{
    saint_status s = sweep_db_run(db,
                                  on_network(folder) ? "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;"
                                                     : "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;",
                                  err);
    return s == SAINT_OK ? sweep_db_run(db, "PRAGMA foreign_keys = ON", err) : s;
}

saint_status sweep_db_open(const char *folder, const sweep_plan *p, sqlite3 **out, saint_error *err)
{
    saint_status s = SAINT_OK;
    for (int turn = 0; turn < 2; turn++) {
        s = open_file(folder, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, out, err);
        if (s == SAINT_OK) s = prepare(folder, *out, err);
        int mine = s == SAINT_OK ? whose(*out, p) : -1;
        if (mine == 1) return SAINT_OK;
        if (mine == 0) {
            s = sweep_db_run(*out, "BEGIN IMMEDIATE", err);
            if (s == SAINT_OK) s = make_tables(*out, err);
            if (s == SAINT_OK) s = sweep_db_run(*out, "COMMIT", err);
            if (s == SAINT_OK) return s;
        }
        sqlite3_close(*out);
        *out = NULL;
        if (s == SAINT_IO || s == SAINT_MEMORY) return s;
        remove_files(folder); /* everything in it can be made again */
    }
    return s;
}

saint_status sweep_db_open_reading(const char *folder, const sweep_plan *p, sqlite3 **out, saint_error *err)
{
    saint_status s = open_file(folder, SQLITE_OPEN_READONLY, out, err);
    if (s == SAINT_OK && whose(*out, p) == 1) return s;
    sqlite3_close(*out);
    *out = NULL;
    return saint_fail(err, SAINT_STATE, "%s/sweep.db: not there yet", folder);
}

saint_status sweep_db_open_memory(sqlite3 **out, saint_error *err)
{
    if (sqlite3_open_v2(":memory:", out, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
        saint_status s = sweep_db_error(*out, err);
        sqlite3_close(*out);
        *out = NULL;
        return s;
    }
    saint_status s = make_tables(*out, err);
    if (s != SAINT_OK) {
        sqlite3_close(*out);
        *out = NULL;
    }
    return s;
}
