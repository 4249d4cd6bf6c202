/* sweep_sample.h - a small sweep in memory: made-up but likely numbers, the same on every machine. For tables, charts and exports.
 *
 * 10 trials on 24 samples (12 pictures, a Yes and a No question each): the unpruned baseline, four ViT budgets (iterative_drop_full_graph
 * after layer 9), two thresholds in the LLM, a hybrid, and two random twins. One sample of ordinal 3 failed; ordinal 9 has run only half.
 */
#ifndef SAINT_TESTS_SUPPORT_SWEEP_SAMPLE_H
#define SAINT_TESTS_SUPPORT_SWEEP_SAMPLE_H

#include "sweep/store.h"

typedef enum {
    SWEEP_SAMPLE_SCENES,   /* MME's layout, three tasks */
    SWEEP_SAMPLE_MANIFEST, /* manifest.jsonl, free text answers, no categories */
    SWEEP_SAMPLE_MME,      /* the same files as MME: points, perception */
    SWEEP_SAMPLE_POPE,     /* one category; f1 */
    SWEEP_SAMPLE_KINDS
} sweep_sample_kind;

enum { SWEEP_SAMPLE_TRIALS = 10, SWEEP_SAMPLE_SAMPLES = 24, SWEEP_SAMPLE_LAYERS = 12 };

/* folder: an existing folder (of the test's own); the files of the data set are written below it. Every summary, state and Pareto mark is
 * filled. The caller frees with sweep_sample_free, never with sweep_free: no journal is behind it. */
saint_status sweep_sample_make(const char *folder, sweep_sample_kind kind, sweep_data **out, saint_error *err);
void sweep_sample_free(sweep_data *s); /* NULL is allowed */

#endif
