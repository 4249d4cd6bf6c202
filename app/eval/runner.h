/* runner.h - samples through the engine: pictures decoded ahead, every trial of a block on one picture before the next one, so that the
 * features are computed once. */
#ifndef SAINT_APP_EVAL_RUNNER_H
#define SAINT_APP_EVAL_RUNNER_H

#include "datasets/dataset.h"
#include "device_use.h"
#include "eval/result.h"
#include "eval/trial.h"

typedef struct eval_runner eval_runner; /* a data set without questions: "Describe the image." is asked */

typedef struct {
    saint_session *session;      /* with a checkpoint budget; borrowed, used by this runner alone */
    const saint_model *model;
    const saint_dataset *data;
    int decoders;                /* threads that read and preprocess pictures ahead; 0 = 1 */
    size_t ahead_bytes;          /* most memory of pictures waiting; 0 = 256 MiB */
    bool timing_valid;           /* no other process of the same work uses the device */
    device_use *use;             /* begun; asked behind every run, and what was timed in company is marked; NULL = nobody looks */
    uint64_t attempt;
    const int *stop;             /* atomic flag: finish the sample, then SAINT_CANCELLED; NULL = never */
} eval_options;

/* One unit of the plan. The caller orders units by sample where it can; same sample = same picture = shared features. */
typedef struct {
    const eval_trial *trial;
    uint32_t sample, repeat;
    const eval_trial *partner; /* of a random twin: the trial with id twin_id, run silently where its record of this sample and repeat is
                                * not at hand; NULL = it is among the units */
} eval_unit;

saint_status eval_runner_open(eval_runner **out, const eval_options *o, saint_error *err);
void eval_runner_close(eval_runner *r); /* NULL is allowed */
/* Samples that will come behind those of the next eval_runner_run, in order: their pictures are read ahead across calls. A hint, copied;
 * it replaces the one before. */
void eval_runner_expect(eval_runner *r, const uint32_t *sample, size_t n);
/* A checkpoint budget with which the trials of one picture share what they have in common: the baseline's layers and those of `chains`
 * more runs (0 = 3), at most half of this machine's memory. */
size_t eval_checkpoint_bytes(const saint_model_info *m, int max_new_tokens, int chains);
/* Run units in order, one sample's units together where they can be: what was computed for a sample is kept until another one comes, also
 * from call to call. baseline: the unpruned trial, run once per sample (and kept for the sample) so that fidelity is always there; its own
 * records are given out only for units that name it. random twins take their counts from `twin` units of the same sample, which run first.
 * done() gets each record as soon as it is finished and takes what it holds; false stops. A sample that fails is a record, not an error;
 * an error is what makes going on pointless (SAINT_MEMORY, the device is gone, SAINT_CANCELLED). */
saint_status eval_runner_run(eval_runner *r, const eval_unit *unit, size_t n, const eval_trial *baseline,
                             bool (*done)(void *ud, eval_result *record), void *ud, saint_error *err);

#endif
