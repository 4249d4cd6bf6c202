/* merge_rows.h - the rows of sweep.db: what each kind of line becomes. */
#ifndef SAINT_APP_SWEEP_MERGE_ROWS_H
#define SAINT_APP_SWEEP_MERGE_ROWS_H

#include "datasets/dataset.h"
#include "sweep/db.h"
#include "sweep/journal.h"

typedef struct sweep_rows sweep_rows;

saint_status sweep_rows_open(sweep_rows **out, sqlite3 *db, const sweep_plan *p, const saint_dataset *d, saint_error *err);
void sweep_rows_close(sweep_rows *r); /* NULL is allowed */
int sweep_rows_trial(const sweep_rows *r, uint64_t id); /* ordinal, -1 */

/* Model, data set, samples, sweep, trials: what is missing or has changed. */
saint_status sweep_rows_plan(sweep_rows *r, saint_error *err);
/* name: of the journal. */
saint_status sweep_rows_attempt(sweep_rows *r, const char *name, const cJSON *o, saint_error *err);
saint_status sweep_rows_end(sweep_rows *r, const char *name, const cJSON *o, saint_error *err);
saint_status sweep_rows_stopped(sweep_rows *r, uint64_t trial, const cJSON *o, saint_error *err);
saint_status sweep_rows_record(sweep_rows *r, const char *name, const sweep_head *h, const cJSON *o, saint_error *err);
saint_status sweep_rows_event(sweep_rows *r, const char *name, const char *code, const char *text, saint_error *err);

#endif
