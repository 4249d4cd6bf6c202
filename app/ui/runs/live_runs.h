/* live_runs.h - the runs of this session, remembered: what was set, what it took, whether the answer stayed the unpruned one.
 *
 * Every finished run of the live plan is one row, n = 1: one picture, one question, one measurement. Rows of one picture and question can be
 * had in the form of a sweep, so that tables, charts, figures and exports are the same code; its name says that it is none. */
#ifndef SAINT_APP_UI_LIVE_RUNS_H
#define SAINT_APP_UI_LIVE_RUNS_H

#include "sweep/store.h"
#include "ui/runs/chart.h"

enum { LIVE_MOST = 1000 }; /* rows; the oldest goes first */

typedef struct live_runs live_runs;

saint_status live_open(live_runs **out, saint_error *err);
void live_close(live_runs *l); /* NULL is allowed */
void live_clear(live_runs *l); /* another model */

/* Remember a run of picture 0 of t; company: while it was timed. The same plan on the same picture and question again replaces the row's measurement. A plan that drops
 * nothing is CHART_UNPRUNED whatever role says; that run fills in the agreement of all rows of its picture and question, also of those
 * that came before. twin: number of the run whose token counts a CHART_RANDOM row took. number (may be NULL): of the row, from 1. */
saint_status live_add(live_runs *l, const saint_model *m, chart_role role, int twin, const saint_settings *s, saint_trace *t, device_company company,
                      const char *picture, const char *question, int *number, saint_error *err);
/* Rows of this picture and question. */
int live_count(const live_runs *l, const char *picture, const char *question);
/* Settings of a row; NULL when it is gone. */
const saint_settings *live_settings(const live_runs *l, int number);

/* The rows of a picture and question as a sweep of one sample: ordinals are the rows' numbers, the data set is NULL, no metric (nothing
 * was scored), agreement and KL where the unpruned model ran. Borrows nothing. SAINT_MEMORY. live_sweep_free. */
saint_status live_sweep(const live_runs *l, const char *picture, const char *question, sweep_data **out, saint_error *err);
void live_sweep_free(sweep_data *s); /* NULL is allowed */

/* What a canonical configuration (eval_trial.config) sets key to: a number or a name, "" where it says nothing or several things (layers
 * that differ). */
void live_value(const cJSON *config, const char *key, char *out, size_t size);

#endif
