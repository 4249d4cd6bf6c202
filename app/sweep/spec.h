/* spec.h - what a sweep is asked to try: a SPEC.json, the options of the command line, or both, as one plain value.
 *
 *   {"name": "threshold", "model": "models/scenes-vlm", "data": "scenes:test", "preset": "hybrid", "set": {"saint_K": 5},
 *    "parameters": {"saint_threshold": "0.6:0.9:0.05", "keep_num[3-7]": [96, 144], "preset": ["vit-only", "hybrid"]}}
 *   {"method": "sobol", "count": 32, "seed": 1, "parameters": {"saint_threshold": {"min": 0.5, "max": 0.95}}, ...}
 *   {"method": "list", "trials": [{"keep_num": 96}, {"keep_num": 144, "saint_threshold": 0.8}], ...}
 *
 * Methods: grid (every combination), list, random, lhs (Latin hypercube), sobol. */
#ifndef SAINT_APP_SWEEP_SPEC_H
#define SAINT_APP_SWEEP_SPEC_H

#include "engine.h"

enum {
    SWEEP_AXES_MAX = 64,      /* parameters that vary */
    SWEEP_VALUES_MAX = 4096,  /* of one parameter */
    SWEEP_TRIALS_MAX = 8192,  /* of a whole sweep, random twins included */
    SWEEP_SPEC_BYTES = 4 << 20
};

typedef enum { SWEEP_GRID, SWEEP_LIST, SWEEP_RANDOM, SWEEP_LHS, SWEEP_SOBOL, SWEEP_METHOD_COUNT } sweep_method;
const char *sweep_method_name(sweep_method m);

typedef struct {
    size_t n;
    char **text;
} sweep_texts;

/* One parameter that varies: the values to try, or a range to draw from (random, lhs, sobol). */
typedef struct {
    char *key;      /* "saint_threshold", "keep_num[3-7]", "preset", "compat.overwrite_r" */
    sweep_texts value;
    bool range, log, whole; /* range: values.n is 0; log: even in its logarithm; whole: whole numbers */
    double min, max;
} sweep_axis;

typedef struct {
    char *name, *model, *data, *split, *preset, *compat; /* NULL: not given */
    sweep_texts set;                                      /* "key=value" in the order in which they act */
    sweep_method method;
    uint64_t seed;
    size_t count;                                         /* of points to draw */
    size_t n_axes;
    sweep_axis axis[SWEEP_AXES_MAX];                      /* in the order in which they act: sweep_spec_finish */
    size_t n_points;
    sweep_texts *point;                                   /* list: "key=value" of each trial */
    sweep_texts samples;                                  /* uids; n = 0: all */
    size_t limit;                                         /* first samples of the data set; 0 = all */
    unsigned repeat;                                      /* runs of every sample, from 1 */
    int max_new_tokens;                                   /* 0 = what the data set's set-up generates */
    bool no_random;                                       /* leave the random twins out */
    double early_stop;                                    /* stop a trial that is sure to lose more than this; 0 = never */
} sweep_spec;

void sweep_spec_init(sweep_spec *s);
void sweep_spec_free(sweep_spec *s); /* what it holds; NULL is allowed */

/* Read a file on top of *s. SAINT_FORMAT names the member and, when it is not known, the nearest. */
saint_status sweep_spec_load(sweep_spec *s, const char *path, saint_error *err);
saint_status sweep_spec_parse(sweep_spec *s, const cJSON *c, const char *what, saint_error *err);
/* "key=a,b,c", "key=first:last:step", "key=first:last*mult", "key=first:last" and "key=first:last:log" (ranges to draw from). A key that is
 * there already gets the new values. SAINT_INVALID. */
saint_status sweep_spec_grid(sweep_spec *s, const char *text, saint_error *err);
saint_status sweep_spec_method(sweep_spec *s, const char *name, const char *what, saint_error *err);
/* Replace a text of *s. */
saint_status sweep_spec_text(char **field, const char *value, saint_error *err);
saint_status sweep_texts_add(sweep_texts *t, const char *text, saint_error *err);
void sweep_texts_free(sweep_texts *t);

/* Bring the axes into their order, check that keys and values exist and fit the method. */
saint_status sweep_spec_finish(sweep_spec *s, saint_error *err);
/* The spec as JSON, readable by sweep_spec_parse; owned by the caller. NULL: no memory. */
cJSON *sweep_spec_json(const sweep_spec *s);

/* The points a finished spec means: value[p * n_keys + k], NULL where point p does not set key k. */
typedef struct {
    size_t n, n_keys;
    char **key;   /* [n_keys] in the order in which they act */
    char **value; /* [n * n_keys] */
} sweep_points;
/* SAINT_INVALID when there are more than SWEEP_TRIALS_MAX. */
saint_status sweep_points_make(const sweep_spec *s, sweep_points *out, saint_error *err);
void sweep_points_free(sweep_points *p); /* NULL is allowed */

/* The order in which keys act: preset, compat, then that of params.def, a key for all layers before one that names some. */
int sweep_key_compare(const char *a, const char *b);
/* Numbers in the shortest form that reads back the same: at least 32 bytes. */
void sweep_number(double d, char *out, size_t size);

#endif
