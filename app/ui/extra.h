/* extra.h - what the A/B, speed and layer pages share: the state behind u->compare, u->speed and u->layers. */
#ifndef SAINT_APP_UI_EXTRA_H
#define SAINT_APP_UI_EXTRA_H

#include "ui/compare/compare.h"
#include "ui/layers/layers.h"
#include "ui/compare/match.h"
#include "ui/speed/measure.h"
#include "ui/speed/speed.h"
#include "ui/ui.h"

/* Lines that a key or the wheel scrolls a text by; 0 = it is neither. */
int ui_scroll_step(const saint_ui_event *e);

/* ---- measuring (measuring.c) ---- */

/* Repeated cold runs of the plans on the speed page, in turns, and what came out last. Results belong to versions: they are shown as long
 * as a slot has the version it was measured with. */
struct ui_speed {
    bool active; /* under way or about to begin */
    bool began;  /* the slots are settled and known */
    int n, slot[MEASURE_PLANS];
    uint64_t version[MEASURE_PLANS];
    measure_runs runs;
    double since; /* ui_now of the first run */
    int tokens;   /* answer tokens of every run */
    device_company company; /* while they were timed */
    int top;      /* scroll of the notes */
};
/* A slot's times: measured where they are of its present version, else of its last trace. */
void ui_speed_of(const ui *u, int slot, speed_plan *out);
/* Index of a slot in the measurement, when that is of its present version and has a whole round; -1 = no. */
int ui_speed_measured(const ui *u, int slot);

/* ---- matching (matching.c) ---- */

typedef enum { MATCH_IDLE, MATCH_TOKENS, MATCH_TIME } ui_match_kind;
typedef struct {
    ui_match_kind kind;
    match_knob knob;
    match_search search;
    saint_settings settings; /* of B, the knob turned */
    uint64_t version_a;
    double x;               /* value that is being run */
    measure_runs runs;      /* time: A and B in turns, for one value of the knob */
    measure_value ratio;    /* B over A at the best value */
    double ms_a, ms_b;      /* medians at the best value, seconds */
    bool tried;             /* MATCH_TIME: the plan as it is has been measured: */
    measure_value as_it_is; /* its ratio; no value that comes no nearer is worth a change */
    double ms_as_it_is[2];  /* as ms_a and ms_b */
    uint64_t timed_version; /* of the live plan that ratio, ms_a and ms_b are of, against A of version_a; 0 = none */
    int n_runs;             /* of all values together */
    device_company company; /* while they were timed */
    char report[256];       /* what came out last, "" = nothing yet */
} ui_match;

/* ---- A/B (page_compare.c) ---- */

struct ui_compare {
    bool diff, flip;
    int top;
    ui_match match;
    saint_ui_rect where[2]; /* cells that show the picture, left and right */
    /* Overlap of all layers, for these versions and traces. */
    compare_overlap all;
    const void *all_a, *all_b;
    uint64_t all_version_a, all_version_b;
};
/* What B is compared with: the pinned plan, or the unpruned model where none is. */
int ui_compare_left(const ui *u);

/* ---- layers (page_layers.c) ---- */

struct ui_layers {
    int slot;        /* whose tokens: UI_BASE, UI_NOW or UI_A */
    float threshold; /* what shares and degrees are counted with */
    int K;
    bool table;
    int curves;         /* which numbers are drawn */
    saint_trace *trace; /* with statistics, of what was asked last; ours; NULL while it runs */
    int asked_slot, asked_K;
    uint64_t asked_version;
    float asked_threshold;
    bool failed; /* what was asked last does not run: */
    saint_error error;
    saint_ui_plot_frame frame[2]; /* of the charts drawn last, by stage */
    saint_ui_table_state state[2];
};

#endif
