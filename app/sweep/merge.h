/* merge.h - journals into SQLite: one merger at a time, as often as anybody likes. */
#ifndef SAINT_APP_SWEEP_MERGE_H
#define SAINT_APP_SWEEP_MERGE_H

#include "datasets/dataset.h"
#include "sweep/db.h"

/* Take in what the journals got since the last merge, in one transaction. d: the data set where it is at hand (NULL: uids and scores are
 * left for a later merge). A unit keeps its first good record; another output for it is the event NONDETERMINISM. A failure is replaced by
 * a later try. SAINT_IO: nothing has changed. */
saint_status sweep_merge(sqlite3 *db, const char *folder, const saint_dataset *d, saint_error *err);

/* The database of a folder, merged as far as can be: as the merger when nobody else is, as a reader beside one, in memory where the folder
 * cannot be written. */
saint_status sweep_db_current(const char *folder, const sweep_plan *p, const saint_dataset *d, sqlite3 **out, saint_error *err);

/* The merger's lock: a number to give back, -1: the folder cannot be written, -2: somebody else has it (never with wait). */
int sweep_merge_lock(const char *folder, bool wait);
void sweep_merge_unlock(int lock);

#endif
