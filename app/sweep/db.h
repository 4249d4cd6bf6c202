/* db.h - the SQLite file of a sweep: made from the journals, so it may be deleted at any time.
 *
 * One writer at a time (merge.lock). WAL on local disks; on network file systems a rollback journal. */
#ifndef SAINT_APP_SWEEP_DB_H
#define SAINT_APP_SWEEP_DB_H

#include <sqlite3.h>

#include "sweep/plan.h"

enum { SWEEP_DB_APPLICATION = 1396787540, SWEEP_DB_VERSION = 3 };

/* Open FOLDER/sweep.db for writing, made anew when it is damaged, of another version or of another plan. SAINT_IO: it cannot be written. */
saint_status sweep_db_open(const char *folder, const sweep_plan *p, sqlite3 **out, saint_error *err);
/* Open it for reading only. SAINT_STATE: there is none that can be read. */
saint_status sweep_db_open_reading(const char *folder, const sweep_plan *p, sqlite3 **out, saint_error *err);
/* The same tables in memory, for a folder that cannot be written. */
saint_status sweep_db_open_memory(sqlite3 **out, saint_error *err);
void sweep_db_close(sqlite3 *db); /* NULL is allowed */

/* Run statements without results. */
saint_status sweep_db_run(sqlite3 *db, const char *sql, saint_error *err);
saint_status sweep_db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, saint_error *err);
/* Step a statement that gives no rows, and reset it. */
saint_status sweep_db_step(sqlite3 *db, sqlite3_stmt *s, saint_error *err);
/* Bind values from the first on: types has a letter for each, t text (copied; NULL is NULL), i int64_t, d double (NaN and what is infinite
 * become NULL). */
void sweep_db_bind(sqlite3_stmt *s, const char *types, ...);
/* One statement with values, run once. */
saint_status sweep_db_put(sqlite3 *db, const char *sql, saint_error *err, const char *types, ...);
/* The single number a query gives; what when there is none. */
double sweep_db_number(sqlite3 *db, const char *sql, double what);
/* What SQLite complains about, as an error. */
saint_status sweep_db_error(sqlite3 *db, saint_error *err);

#endif
