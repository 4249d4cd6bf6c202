/* match.h - making one plan cost what another one costs: which knob can be turned, and the search along it. Pure: the caller counts or runs
 * the plans that the search asks about. */
#ifndef SAINT_APP_UI_MATCH_H
#define SAINT_APP_UI_MATCH_H

#include "engine.h"

/* ---- the search ---- */

typedef struct {
    double lo, hi; /* bounds of the knob */
    bool integer;
    double resolution; /* of a knob that is no integer: bounds closer than this are one */
    double target;
    double close; /* a value this near to the target is good enough; 0: as near as can be */
    int most;     /* values to ask for at most */

    double y_lo, y_hi; /* at the present bounds, NaN = not asked yet */
    double best_x, best_y;
    int n;
    bool done, reached; /* reached: the target lies between what the bounds give, or was met */
} match_search;

/* A value between lo and hi (both included) for which f comes nearest to target. f need not rise, only lead from one bound to the other;
 * where it goes up and down on its way the result is one of the crossings. */
void match_begin(match_search *s, double lo, double hi, bool integer, double target, double close, int most);
/* The value to ask for next; false when the search is over: best_x, best_y. */
bool match_next(const match_search *s, double *x);
/* f(x) of the value that match_next gave; NaN (the run failed) ends the search. */
void match_put(match_search *s, double x, double y);

/* ---- the knob ---- */

typedef struct {
    char key[40]; /* as --set takes it */
    bool integer;
    double lo, hi, now;
    int layers; /* sites it acts on */
} match_knob;
/* What can be turned in these settings, the most useful first: budgets before thresholds because their effect is known without running,
 * the ViT before the LLM. A knob acts on all sites of its stage where they agree in it, on the first of them otherwise. Returns how many.
 */
int match_knobs(const saint_settings *s, const saint_model_info *m, match_knob *out, int most);
/* Picture tokens that a layer sees on average, as a trace will say, without running: false where a vote, a window or a hand decides. */
bool match_predict(const saint_settings *s, const saint_model_info *m, double *equivalent);
/* Set the knob. */
saint_status match_turn(saint_settings *s, const match_knob *k, double x, saint_error *err);

#endif
