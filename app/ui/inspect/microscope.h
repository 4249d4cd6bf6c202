/* microscope.h - one patch under the token microscope: where it went and why, and what would have kept it. Pure: everything it knows comes from
 * the records of sites and from two questions that the caller answers (ui_probe). */
#ifndef SAINT_APP_MICROSCOPE_H
#define SAINT_APP_MICROSCOPE_H

#include "ui/ui.h"

typedef enum {
    UI_FATE_UNKNOWN, /* nothing has run */
    UI_FATE_ALIVE,   /* behind the column that was asked about */
    UI_FATE_DROPPED,
    UI_FATE_MERGED,
} ui_fate;

typedef struct {
    int patch;
    float similarity;
} ui_near;

/* One parameter that would have changed the fate. */
typedef struct {
    const char *key; /* "sim_threshold", "llm_keep_num" */
    double value;
    bool at_least;   /* from value on upwards; else value and below */
    bool searched;   /* found by deciding again at many values; else counted from the ranks, and then decided again at the edge */
    bool impossible; /* no value of this parameter would */
} ui_hint;

enum { UI_NEAR_MOST = 24, UI_HINT_MOST = 3 };

typedef struct {
    int patch;
    ui_fate fate;
    ui_known known;             /* how far the record can be believed */
    int column;                 /* of the site spoken about; -1 = none has looked at this patch */
    const saint_trace_site *site; /* the record, borrowed; NULL = none */
    int at;                     /* index of the patch in site->in, -1 = it was no candidate (outside a wrong window) */
    int round;                  /* that dropped it, -1 */
    float score;                /* NaN: not ranked */
    int rank, n_ranked;         /* place in the order of dropping, from 1; how many were ranked */
    int n_dropped;
    float last_dropped, first_kept; /* scores on both sides of the cut; NaN = no such side */
    bool highest_go;            /* the method drops the highest scores */
    bool safe;                  /* the method could not have dropped it here: an odd token of saint_drop, or nothing was ranked */
    int votes, votes_needed;    /* saint_drop: tokens above the threshold, and K; -1 = the method has no such count */
    int into;                   /* UI_FATE_MERGED: the patch that took it in */
    int dies;                   /* ALIVE: the column that drops it later, -1 = none that is known */
    /* filled by ui_token_probe */
    int n_near, n_above;        /* most similar candidates, best first; how many of all reach the threshold (-1: there is none) */
    ui_near near[UI_NEAR_MOST];
    int n_hints;
    ui_hint hint[UI_HINT_MOST];
} ui_token;

/* What only the session can answer. Any may be NULL. */
typedef struct {
    void *ud;
    /* Cosines of a patch to all patches at the place of a site; false: not cached. */
    bool (*similarity)(void *ud, int patch, float *out);
    /* Whether the patch stays at that site with other parameters; false: cannot be decided. */
    bool (*stays)(void *ud, const saint_method_params *p, int patch, bool *stays);
} ui_probe;

/* Fate of a patch behind column `at` (with `round` inside of it, -1 = all): of the dead the site that dropped it, of the living the last site
 * that decided about it. Cheap. */
void ui_token_look(const ui *u, int slot, int patch, int at, int round, ui_token *out);
/* Neighbours and hints, by asking; some twenty selections. compat: the flags of the settings. patches: of the grid. */
void ui_token_probe(ui_token *t, unsigned compat, int vit_prefix, int patches, const ui_probe *probe);

/* The ranked candidates of a site in the order of dropping, the first to go first: indices into s->in, order [n_in]. Returns how many. */
int ui_drop_order(const saint_trace_site *s, int32_t *order);

#endif
