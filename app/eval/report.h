/* report.h - one finished evaluation as JSON (DESIGN.md 3, `saint eval`) and as text. */
#ifndef SAINT_APP_EVAL_REPORT_H
#define SAINT_APP_EVAL_REPORT_H

#include "eval/summary.h"
#include "eval/trial.h"

typedef struct {
    const saint_model *model;
    const saint_dataset *data;
    const saint_session *session;
    int threads;
    saint_dtype dtype;
    const eval_trial *trial, *baseline;
    const eval_summary *mine, *base;   /* the same numbers when the trial is the unpruned model */
    const eval_result *const *result;  /* [samples of data] */
    size_t n_kept;                     /* records that an earlier run had left */
    const saint_notes *notes;
} eval_report;

cJSON *eval_report_json(const eval_report *in); /* owned by the caller; NULL: no memory */
void eval_report_text(const eval_report *in);     /* on stdout */
void eval_report_warnings(const eval_report *in); /* on stderr */

#endif
