/* sweep_form.h - a sweep as it is being defined: lines of text, what they mean, and what running them takes. Pure. */
#ifndef SAINT_APP_UI_SWEEP_FORM_H
#define SAINT_APP_UI_SWEEP_FORM_H

#include "datasets/dataset.h"
#include "sweep/plan.h"
#include "views/lineedit.h"

enum { FORM_AXES = 6, FORM_ASK = 500 }; /* lines for parameters; runs from which on the user is asked */

/* Rows of the form, in order. */
typedef enum { FORM_NAME, FORM_AXIS, FORM_METHOD = FORM_AXIS + FORM_AXES, FORM_COUNT, FORM_LIMIT, FORM_REPEAT, FORM_RANDOM, FORM_START, FORM_ROWS } form_row;

typedef struct {
    saint_ui_line line[FORM_ROWS]; /* of the rows that are text */
    int method;                    /* of sweep_method; list is not among them */
    bool random;                   /* with a random twin of every run */
    int at;                        /* row under the cursor */
} sweep_form;

/* What the sweep would lie on; borrowed. */
typedef struct {
    const saint_settings *base;
    const saint_model_info *info;
    const saint_dataset *dataset;
    const char *model, *data; /* folder; KIND:PATH */
    const char *dtype, *backend, *template_name, *image_mode;
    double sample_seconds; /* one run of one sample, as measured here last; NaN = not known */
} sweep_ground;

/* Empty lines, the grid, random twins, the first 200 samples. */
void sweep_form_init(sweep_form *f, const char *name);
/* "keep_num=64:576:32 saint_threshold=0.75,0.83 limit=200 repeat=3 name=s2 method=sobol count=32 random=off": words on top of what is there,
 * as behind `sweep new` and in scripts. SAINT_INVALID names the word. */
saint_status sweep_form_read(sweep_form *f, const char *text, saint_error *err);
/* A parameter of the present plan with values around its own, for the first line. "" when the plan prunes nothing. */
void sweep_form_propose(const saint_settings *base, const saint_model_info *m, char *out, size_t size);
bool sweep_form_is_text(int row);
/* Whether a row means anything with the chosen method: count belongs to those that draw. */
bool sweep_form_row_used(const sweep_form *f, int row);

/* The spec that the form means, finished. *row (may be NULL) is the line at fault. SAINT_INVALID. sweep_spec_free in any case. */
saint_status sweep_form_spec(const sweep_form *f, const sweep_ground *g, sweep_spec *out, int *row, saint_error *err);

typedef struct {
    size_t runs, samples, units; /* trials with baseline and twins; of the data set; their product with repeats */
    double seconds, bytes;       /* at most, when nothing can be shared between runs; of the records. NaN = not known */
    char note[240];              /* what else is to be known, "" = nothing */
    int row;                     /* line at fault, -1 = none */
} sweep_estimate;
/* What running it would take. SAINT_INVALID: it cannot be run; err says why, out->row where. */
saint_status sweep_form_check(const sweep_form *f, const sweep_ground *g, sweep_estimate *out, saint_error *err);

/* Settings as assignments that give the same plan, also of what the plan does not read now but a sweep may switch on. SAINT_INVALID: tokens
 * were painted by hand, which belongs to one picture. */
saint_status sweep_base_texts(const saint_settings *s, const saint_model_info *m, sweep_texts *out, saint_error *err);

#endif
