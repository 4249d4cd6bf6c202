/* of_eval.h - the folder of `saint eval --out` read as a sweep of one configuration: whatever reads sweeps reads it too. Nothing is written
 * there; the database is made in memory. */
#ifndef SAINT_APP_SWEEP_OF_EVAL_H
#define SAINT_APP_SWEEP_OF_EVAL_H

#include "datasets/dataset.h"
#include "sweep/db.h"

/* Whether a folder is one. */
bool sweep_of_eval(const char *folder);
/* What was evaluated, from runs.jsonl: model, data set and parser as of the last launch, the samples of all. SAINT_INVALID: written by a
 * version that did not tell; the line says how to mend. SAINT_FORMAT names the line. */
saint_status sweep_of_eval_plan(const char *folder, sweep_plan *out, saint_error *err);
/* Its records: failures, then what went well. d NULL: the data set is gone. */
saint_status sweep_of_eval_db(const char *folder, const sweep_plan *p, const saint_dataset *d, sqlite3 **out, saint_error *err);

#endif
