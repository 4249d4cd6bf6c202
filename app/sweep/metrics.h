/* metrics.h - the scores of a finished sweep as rows of sweep.db, for whoever asks with SQL: derived, made again at any time. */
#ifndef SAINT_APP_SWEEP_METRICS_H
#define SAINT_APP_SWEEP_METRICS_H

#include "sweep/store.h"

/* Replace the tables metric and comparison, and the states of sweep and trials, by what s (with summaries) holds. Where the folder cannot
 * be written or somebody else merges just now, nothing happens. */
void sweep_metrics_store(const sweep_data *s);

#endif
