/* sweep_tables.h - the two tables of the sample sweep, for tests of what reads them: sweep_tables_make and _remove go around the group. */
#ifndef SAINT_TESTS_SUPPORT_SWEEP_TABLES_H
#define SAINT_TESTS_SUPPORT_SWEEP_TABLES_H

#include "export/table.h"
#include "support/data_files.h"
#include "support/sweep_sample.h"

static sweep_data *sweep;
static table *trials, *samples;

static inline int sweep_tables_make(void **state)
{
    if (data_make(state) != 0) return -1;
    assert_ok(sweep_sample_make(data_folder, SWEEP_SAMPLE_SCENES, &sweep, err));
    assert_ok(table_trials(sweep, &trials, err));
    assert_ok(table_samples(sweep, &samples, err));
    return 0;
}

static inline int sweep_tables_remove(void **state)
{
    table_free(trials);
    table_free(samples);
    sweep_sample_free(sweep);
    return data_remove(state);
}

#endif
