/* sweeps.h - the Sweep page: sweeps of this model and others, run in the background, watched, filtered, taken into Inspect. */
#ifndef SAINT_APP_UI_SWEEPS_H
#define SAINT_APP_UI_SWEEPS_H

#include "ui/sweeps/child.h"
#include "ui/errands.h"
#include "ui/runs/run_table.h"
#include "ui/sweeps/sweep_form.h"
#include "ui/ui.h"

extern const ui_module ui_module_sweeps;
extern const ui_pane ui_pane_sweep_progress, ui_pane_sweep_runs, ui_pane_sweep_chart;

/* ---- for the Charts page ---- */

/* The sweep that is selected, as read last; borrowed, NULL = none. Another pointer whenever it was read again. */
run_set *sweeps_set(const ui *u);
/* Rises with every change of filter and Pareto. */
uint64_t sweeps_filter_version(const ui *u);
/* What they leave, by row of table_trials. */
void sweeps_shown(const ui *u, bool *shown);
/* Trial `ordinal` of a sweep (or row of the session) becomes the live plan, on the Inspect page. */
void sweeps_load_trial(ui *u, const sweep_data *d, int ordinal);
/* A path as the user types it: ~/ is his home. Returns out. */
char *sweeps_path(const char *typed, char *out, size_t size);

/* ---- for the one who quits ---- */

/* Sweeps run: ask what is to become of them (and have `quit` done again). true: he was asked, do not quit yet. argument: of `quit`; "now"
 * leaves them running, "stop" has them finish their sample first. */
bool sweeps_hold_quit(ui *u, const char *argument);

/* ---- between the files of the page ---- */

enum { SWEEPS_MOST = 64 };

typedef struct {
    char *folder, *name;
    launch_record launch;
    child_state state;
    child_process process;
    run_set *set;        /* as read last, NULL = not yet */
    saint_error error;   /* why it could not be read; code SAINT_OK: it could */
    bool reading, again; /* an errand is under way; another one is wanted behind it */
    uint64_t stamp;      /* of the files that were read */
    double since;        /* when this process was seen first, by ui_now */
    size_t done_then;    /* units that were there already; SIZE_MAX = not read yet */
    int code;            /* of the process that ended last */
} sweep_entry;

struct ui_sweeps {
    int n, at; /* at: the selected one */
    sweep_entry *entry[SWEEPS_MOST];
    errands *errands;
    double next_poll, shown_in; /* shown_in: seconds that bringing a sweep to the screen took last, of this thread */
    run_table runs;
    uint64_t filter_version;
    bool form_open, form_good;
    sweep_form form;
    sweep_estimate estimate;
    saint_error form_error;
    /* the chart beside the table */
    struct sweep_twin *twin; /* wanted as a plan, its partner's run is under way; NULL = none */
    run_set *charted;
    struct sweep_chart *chart;
};

sweep_entry *sweeps_selected(const ui *u); /* NULL: there is none */
void sweeps_select(ui *u, int at);
/* Take a folder into the list (or find it there) and select it. NULL after saying why not. */
sweep_entry *sweeps_add(ui *u, const char *folder);
/* Have it read again, beside the screen. */
void sweeps_read(ui *u, sweep_entry *s);
/* The command of the record runs; says what happens. */
bool sweeps_run(ui *u, sweep_entry *s, child_event why);
/* Stop it as asked; says what happens and what is kept. */
void sweeps_stop(ui *u, sweep_entry *s, child_event why);
/* Start what the form means: folder, request.json, the process. */
void sweeps_begin(ui *u, bool sure);
/* The table has the keys when the page is opened first. */
void sweeps_first_focus(ui *u);
/* What a new sweep would lie on; false after saying what is missing. */
bool sweeps_ground(ui *u, sweep_ground *out);
void sweeps_form_changed(ui *u); /* check it again */
bool sweeps_form_event(ui *u, const saint_ui_event *e);
void sweeps_form_draw(ui *u, saint_ui_pen in);
/* Progress of an entry; false: nothing is known. */
bool sweeps_progress(const ui *u, const sweep_entry *s, saint_ui_progress *out);
void sweeps_chart_free(ui_sweeps *s);
/* A random twin becomes the live plan, or A, as soon as its partner's counts for this picture are known. false after saying why not. */
bool sweeps_twin(ui *u, const sweep_data *d, const sweep_trial *t, bool pin);
void sweeps_twin_forget(ui_sweeps *s);
/* Settings become plan A and run. */
void sweeps_pin(ui *u, const saint_settings *s);
/* Last line of a log, "" when there is none. */
void sweeps_log_line(const sweep_entry *s, char *out, size_t size);

#endif
