/* plan.h - what a sweep consists of: its identity, its trials, its samples. The same in every process that works on it.
 *
 * Identity: model, data set, numbers (type, backend), base settings, method and the parameters that vary, but neither their values nor the
 * number of samples: more values, points, samples or repeats extend a sweep, and what is finished stays finished. A sweep is a rectangle:
 * every trial on every sample.
 *
 *   FOLDER/plan.json   identity and where model and data lay: written once
 *   FOLDER/spec.json   one sealed line (lines.h) for each thing asked: the spec, and the trials and samples that it added */
#ifndef SAINT_APP_SWEEP_PLAN_H
#define SAINT_APP_SWEEP_PLAN_H

#include "datasets/score.h"
#include "eval/trial.h"
#include "sweep/spec.h"

enum { SWEEP_NUMERICS = 1 }; /* raised when the engine computes other numbers than before */

typedef struct {
    char id[17], name[64];    /* id: first 16 digits of SHA-256 of identity */
    char *identity;           /* canonical JSON */
    char *vision_tower;       /* as --vision-tower, from the root; NULL = none was given */
    char *model, *model_name, *model_family, *model_format, *model_sha256; /* model: folder, from the root where it could be told */
    bool model_sha256_sampled;
    double model_params;
    char *weight_dtype, *dtype, *backend;
    char *data, *data_sha256, *prompt, *split, *images; /* data: KIND:PATH; split, images: NULL = the usual ones */
    saint_parser parser;
    size_t n_samples;         /* of the data set */
    bool *wanted;             /* [n_samples] */
    size_t n_wanted;
    unsigned repeats;
    double early_stop;        /* 0 = never */
    int n_axes;
    char **axis;              /* [n_axes] keys that vary, in the order in which they act */
    int n_trials, baseline;   /* index of the baseline, -1 = none */
    eval_trial *trial;        /* [n_trials] by ordinal */
    sweep_texts *given;       /* [n_trials] "key=value" that make the trial differ from the base; of a random twin those of its partner */
    char **value;             /* [n_trials * n_axes] the same as a table, "" = not set by this trial; texts lie in given */
    char *spec;               /* what was asked last, JSON */
    char method[16];          /* how its points were chosen: grid, list, random, lhs, sobol; eval = a single one */
    double seed;              /* of points that were drawn; NaN = none were */
    char *numerics;           /* what besides model, configuration and data decides an output: "1 f32 cpu lmms-0.3" and the like */
    int asks;                 /* lines of spec.json that count */
} sweep_plan;

/* What a plan is about. */
typedef struct {
    const char *model;        /* its folder */
    const char *vision_tower; /* NULL = the model's own */
    const saint_model_info *info;
    const char *data;         /* KIND:PATH as given */
    const char *split, *images; /* NULL = the usual ones */
    const saint_dataset *dataset;
    const char *dtype, *backend;
    const char *template_name, *image_mode; /* as given; NULL = the model's own */
    saint_parser parser;
} sweep_scene;

/* The plan that a finished spec means. notes (may be NULL): points that mean the same run, and the like. SAINT_INVALID names the point that
 * does not fit the model. */
saint_status sweep_plan_make(const sweep_spec *s, const sweep_scene *scene, sweep_plan *out, saint_notes *notes, saint_error *err);
void sweep_plan_free(sweep_plan *p); /* what it holds; NULL is allowed */

/* The plan of a single configuration beside the unpruned model (trial may be that itself), as `saint eval` runs it. given: "key=value" as
 * asked; wanted [samples of the data set]. */
saint_status sweep_plan_one(const eval_trial *trial, const eval_trial *baseline, const sweep_texts *given, const bool *wanted,
                            const sweep_scene *scene, sweep_plan *out, saint_error *err);

/* The index of a trial by id, -1 = not in the plan. */
int sweep_plan_trial(const sweep_plan *p, uint64_t id);
/* SHA-256 of what a unit is, hexadecimal: equal keys mean equal outputs. uid NULL, numerics NULL = "". */
void sweep_unit_key(const char *model_sha256, const char *config_sha256, const char *data_sha256, const char *uid, uint32_t repeat,
                    const char *numerics, char hex[65]);
/* trials * wanted * repeats */
size_t sweep_plan_units(const sweep_plan *p);

/* Make FOLDER hold the plan: create it, or compare the identity (SAINT_INVALID names the member that differs) and add what is missing.
 * Any number of processes may do so at the same time. SAINT_IO: the folder cannot be written. */
saint_status sweep_plan_commit(const sweep_plan *p, const char *folder, saint_error *err);
/* The plan of a folder, everything asked so far together. SAINT_FORMAT names the file and line. */
saint_status sweep_plan_read(const char *folder, sweep_plan *out, saint_error *err);
/* Where a sweep goes that was given no folder: "sweeps/NAME-12345678". */
void sweep_plan_folder(const sweep_plan *p, char *out, size_t size);

/* inside sweep/ */
/* plan.json as an object, owned by the caller, and back: all but what stands in spec.json. SAINT_FORMAT names the member. */
cJSON *sweep_plan_json(const sweep_plan *p);
saint_status sweep_plan_take(const cJSON *o, sweep_plan *p, const char *what, saint_error *err);
/* Room for one more trial; its fields are zero. NULL: no memory. */
eval_trial *sweep_plan_new_trial(sweep_plan *p);
/* Axes, values, ordinals of partners, baseline and counts, once all trials and samples are there. */
saint_status sweep_plan_finish(sweep_plan *p, saint_error *err);
/* Parse the text of a line of spec.json onto a plan whose identity is read. */
saint_status sweep_plan_add_line(sweep_plan *p, const char *text, size_t n, const char *what, saint_error *err);
/* The line that takes `have` to `p`, NULL in *out when nothing is missing; malloc'ed text. */
saint_status sweep_plan_line(const sweep_plan *p, const sweep_plan *have, char **out, saint_error *err);

#endif
