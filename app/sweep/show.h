/* show.h - a sweep for people and programs: the line that moves while it runs, what it came to, its figures as JSON. */
#ifndef SAINT_APP_SWEEP_SHOW_H
#define SAINT_APP_SWEEP_SHOW_H

#include "sweep/store.h"
#include "sweep/work.h"

typedef struct {
    bool shown;      /* on a terminal */
    int width;       /* of what stands there */
    const int *stop; /* flag of stop.h */
} sweep_line_shown;

/* sweep_worker.progress: ud is a sweep_line_shown. */
void sweep_show_progress(void *ud, const sweep_progress *p);
void sweep_show_wipe(sweep_line_shown *l);

/* One sentence: "complete: 8000 units, 41 trials" or what is missing. */
void sweep_show_sentence(const sweep_data *s, char *out, size_t size);
/* Whether records come from devices or kernels whose last bits differ, those of `mine` (may be NULL: texts device, driver, kernels) counted in.
 * out: their names, with commas between them. */
bool sweep_show_mixed(const sweep_data *s, const sweep_attempt *mine, char *out, size_t size);
/* {id, name, folder, state, units, done, errors, stopped, torn, conflicts, trials: [...]}; owned by the caller, NULL: no memory. */
cJSON *sweep_show_json(const sweep_data *s);

#endif
