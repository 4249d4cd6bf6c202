/* store.h - a sweep folder, or one of `saint eval --out` (of_eval.h), read back: plan, trials, every record, and the scores made from them.
 *
 *   FOLDER/plan.json          what the sweep is: written once, never changed; other processes compare
 *   FOLDER/spec.json          what was asked, as given; extended sweeps add a line
 *   FOLDER/journal/NAME.jsonl  append-only, one file per process (journal.h)
 *   FOLDER/sweep.db           SQLite, made from the journals by one merger at a time; may be deleted, is made again
 *   FOLDER/merge.lock */
#ifndef SAINT_APP_SWEEP_STORE_H
#define SAINT_APP_SWEEP_STORE_H

#include "eval/summary.h"
#include "eval/trial.h"

typedef struct {
    int n_params;             /* parameters that vary in this sweep, in the order of params.def */
    char **param;             /* [n_params] names */
} sweep_axes;

/* One process of one launch, as the first line of its journal tells. Texts are "" where nothing is known. */
typedef struct {
    uint64_t id;              /* eval_result.attempt */
    char *host, *os, *cpu;
    char *device, *driver, *kernels; /* saint_trace.device and .tier; driver of an accelerator */
    char *version, *commit;   /* of the program */
    char *build;              /* its compiler and options */
    char *fingerprint;        /* SHA-256 over all of these texts: equal where machine, device and program are */
    int dirty;                /* 1: built from a changed working tree, 0: not, -1: not known */
    int threads, rank, world;
    double started;           /* Unix time */
} sweep_attempt;

typedef struct {
    eval_trial trial;
    char **value;             /* [axes.n_params] as text, "" where it does not apply (baseline) */
    const char *state;        /* "planned", "running" (some records), "complete", "stopped" (early) */
    const eval_result **result; /* [n_samples] first repeat; NULL = not done */
    eval_summary summary;
    bool pareto_flops, pareto_latency;
    char note[160];           /* why it was stopped, "" = it was not */
} sweep_trial;

typedef struct {
    char id[17], name[64];    /* first 16 digits of the plan's SHA-256 */
    char *folder, *model, *model_sha256, *model_family, *data, *dtype, *backend; /* as planned */
    const char *method;       /* how its points were chosen: grid, list, random, lhs, sobol, eval; NULL = not known */
    double seed;              /* of points that were drawn, below 2^53; where method is none of random, lhs and sobol it means nothing */
    const char *numerics;     /* sweep_plan.numerics */
    char *weight_dtype, *data_sha256, *split; /* of the plan; NULL = not known (split: the usual one) */
    saint_dataset *dataset;   /* opened again for scoring; NULL when it is no longer there (then only stored numbers are shown) */
    size_t n_samples;         /* samples of the data set */
    bool *wanted;             /* [n_samples] which of them the sweep asks for */
    size_t n_wanted;
    saint_parser parser;
    sweep_axes axes;
    int n_trials, baseline;   /* index of the baseline, -1 = none */
    sweep_trial *trial;       /* by ordinal */
    size_t units, done, errors, torn, conflicts; /* torn: unreadable journal lines; conflicts: two different outputs for one unit */
    uint64_t n_attempts;
    const sweep_attempt *attempt; /* [n_attempts]; NULL = not known */
    bool errors_as_wrong;     /* failed samples are in the scores: sweep_errors_as_wrong */
    bool complete;            /* every unit has a record: otherwise nothing calls it complete */
    const void *records;      /* owned */
    size_t stopped;           /* trials given up early; what is left of them is not among units */
} sweep_data;

/* Read (and merge, when the lock is free) a sweep folder. summaries: scores, intervals and Pareto marks too, which cost more than the rest.
 * A folder that cannot be written is read all the same. SAINT_IO, SAINT_FORMAT naming file and line. */
saint_status sweep_load(const char *folder, bool summaries, sweep_data **out, saint_error *err);
/* Bring what sweep_load gave up to date: only what is new is read, so a running sweep can be watched every second. *changed (may be NULL):
 * whether anything is. Records and trials that were there may lie elsewhere afterwards; on failure the old state stays. */
saint_status sweep_refresh(sweep_data *s, bool summaries, bool *changed, saint_error *err);
/* Score everything again with failed samples as wrong answers; they are left out otherwise. */
saint_status sweep_errors_as_wrong(sweep_data *s, saint_error *err);
void sweep_free(sweep_data *s); /* NULL is allowed */

#endif
