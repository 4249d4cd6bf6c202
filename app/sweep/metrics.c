#define _GNU_SOURCE
#include "sweep/metrics.h"

#include <stdio.h>
#include <string.h>

#include "sweep/db.h"
#include "sweep/merge.h"
#include "version.h"

static saint_status put_metric(sqlite3 *db, sqlite3_stmt *q, const sweep_trial *t, const char *name, const char *slice,
                               const saint_interval *v, bool higher)
{
    sweep_db_bind(q, "ittddddtiiiiit", (int64_t)t->trial.ordinal + 1, name, slice, v->value, v->se, v->low, v->high,
                  v->method ? v->method : "", (int64_t)v->n, (int64_t)v->clusters, (int64_t)t->summary.n_error,
                  (int64_t)(strcmp(t->state, "complete") == 0), (int64_t)higher, saint_version);
    return sweep_db_step(db, q, NULL);
}

static saint_status put_slice(sqlite3 *db, sqlite3_stmt *q, const sweep_trial *t, const saint_slice *slice, const char *name)
{
    saint_status s = SAINT_OK;
    for (size_t i = 0; i < slice->n_metrics && s == SAINT_OK; i++)
        s = put_metric(db, q, t, slice->metric[i].name, name, &slice->metric[i].v, strcmp(slice->metric[i].name, "ce_loss") != 0);
    return s;
}

static saint_status put_metrics(sqlite3 *db, const sweep_data *s)
{
    sqlite3_stmt *q = NULL;
    saint_status st = sweep_db_run(db, "DELETE FROM metric", NULL);
    if (st == SAINT_OK)
        st = sweep_db_prepare(
            db,
            "REPLACE INTO metric (trial_id, name, slice, value, stderr, ci_low, ci_high, ci_method, n, n_clusters, n_error,"
            " complete, higher_is_better, scorer_ver) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            &q, NULL);
    for (int i = 0; i < s->n_trials && st == SAINT_OK; i++) {
        const sweep_trial *t = &s->trial[i];
        const eval_summary *m = &t->summary;
        st = put_slice(db, q, t, &m->score.all, "");
        for (size_t k = 0; k < m->score.n_slices && st == SAINT_OK; k++) {
            char name[256];
            snprintf(name, sizeof name, "%s/%s", m->score.slice[k].group, m->score.slice[k].name);
            st = put_slice(db, q, t, &m->score.slice[k], name);
        }
        if (st == SAINT_OK) st = put_metric(db, q, t, "agreement", "", &m->agreement, true);
        if (st == SAINT_OK) st = put_metric(db, q, t, "kl", "", &m->kl, false);
        if (st == SAINT_OK && m->lat_n) st = put_metric(db, q, t, "latency_s", "", &m->latency, false);
        if (st == SAINT_OK && m->lat_n) st = put_metric(db, q, t, "speedup", "", &m->speedup, true);
    }
    sqlite3_finalize(q);
    return st;
}

static saint_status put_comparisons(sqlite3 *db, const sweep_data *s)
{
    sqlite3_stmt *q = NULL;
    saint_status st = sweep_db_run(db, "DELETE FROM comparison", NULL);
    if (st == SAINT_OK)
        st = sweep_db_prepare(
            db,
            "REPLACE INTO comparison (trial_id, base_trial_id, metric, diff, se, ci_low, ci_high, test, stat, p, p_holm, n, n_win,"
            " n_loss, n_tie) VALUES (?,?,'score',?,?,?,?,'mcnemar',?,?,?,?,?,?,?)",
            &q, NULL);
    for (int i = 0; i < s->n_trials && st == SAINT_OK; i++) {
        const eval_summary *m = &s->trial[i].summary;
        if (i == s->baseline || s->baseline < 0) continue;
        sweep_db_bind(q, "iidddddddiiii", (int64_t)i + 1, (int64_t)s->baseline + 1, m->base.diff, m->base.se, m->base.low, m->base.high,
                      m->base.t, m->mcnemar, m->holm, (int64_t)m->base.n, (int64_t)m->base.win, (int64_t)m->base.loss, (int64_t)m->base.tie);
        st = sweep_db_step(db, q, NULL);
    }
    sqlite3_finalize(q);
    return st;
}

static saint_status put_states(sqlite3 *db, const sweep_data *s)
{
    sqlite3_stmt *q = NULL;
    saint_status st =
        sweep_db_run(db, "UPDATE attempt SET rows = (SELECT count(*) FROM result WHERE attempt_id = attempt.attempt_id)", NULL);
    if (st == SAINT_OK)
        st = sweep_db_run(db, s->complete ? "UPDATE sweep SET state = 'complete'" : "UPDATE sweep SET state = 'partial'", NULL);
    if (st == SAINT_OK)
        st = sweep_db_prepare(db,
                              "UPDATE trial SET state = ?, note = nullif(?, '') WHERE trial_id = ?",
                              &q, NULL);
    for (int i = 0; i < s->n_trials && st == SAINT_OK; i++) {
        sweep_db_bind(q, "tti", s->trial[i].state, s->trial[i].note, (int64_t)i + 1);
        st = sweep_db_step(db, q, NULL);
    }
    sqlite3_finalize(q);
    return st;
}

void sweep_metrics_store(const sweep_data *s)
{
    sqlite3 *db = NULL;
    int lock;
    sweep_plan plan;
    if (sweep_plan_read(s->folder, &plan, NULL) != SAINT_OK) return;
    lock = sweep_merge_lock(s->folder, false);
    saint_status st = lock >= 0 ? sweep_db_open(s->folder, &plan, &db, NULL) : SAINT_STATE;
    if (st == SAINT_OK) st = sweep_db_run(db, "BEGIN IMMEDIATE", NULL);
    if (st == SAINT_OK) st = put_metrics(db, s);
    if (st == SAINT_OK) st = put_comparisons(db, s);
    if (st == SAINT_OK) st = put_states(db, s);
    if (db) sweep_db_run(db, st == SAINT_OK ? "COMMIT" : "ROLLBACK", NULL);
    sweep_db_close(db);
    sweep_merge_unlock(lock);
    sweep_plan_free(&plan);
}
