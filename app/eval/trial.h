/* trial.h - one configuration: settings, and their canonical text, which is its identity. */
#ifndef SAINT_APP_EVAL_TRIAL_H
#define SAINT_APP_EVAL_TRIAL_H

#include <cjson/cJSON.h>

#include "engine.h"

typedef struct {
    uint64_t id;              /* first 8 bytes of digest, big end first */
    saint_digest digest;      /* SHA-256 of `config` */
    saint_settings settings;
    int max_new_tokens;       /* 0 = what the data set's set-up generates */
    bool baseline;            /* the unpruned model */
    int64_t twin_of;          /* random dropping with the token counts of that ordinal; -1 = not a twin */
    uint64_t twin_id;         /* id of that trial, which is part of this one's identity; 0 = not a twin */
    int ordinal;
    char *name;               /* "keep_num=96 saint_threshold=0.8": what differs from the sweep's base, for people */
    char *config;             /* canonical JSON: sorted keys, shortest round-trip numbers, every effective value of params.def */
} eval_trial;

void eval_trial_free(eval_trial *t); /* what it holds; NULL is allowed */
/* Fill id, digest, config, baseline from settings, max_new_tokens and twin_id. Layers are written as ranges ("0-18":"None"). What the
 * chosen methods do not read and what belongs to a stage without a site is left out, so settings that mean the same plan are one trial.
 * SAINT_INVALID: the settings do not fit the model (saint_plan_build). SAINT_MEMORY. */
saint_status eval_trial_identify(eval_trial *t, const saint_model_info *m, saint_error *err);
/* The settings of a canonical text: what a stored trial was run with. Of a twin: random dropping at its places; how many tokens go there
 * is in its partner's records. SAINT_FORMAT names the key. */
saint_status eval_trial_parse(const char *config, saint_settings *out, int *max_new_tokens, saint_error *err);
/* The whole trial of a canonical text: settings, identity, twin_id; twin_of is -1, ordinal 0 and name NULL. SAINT_FORMAT: not the text
 * that eval_trial_identify writes for this model. */
saint_status eval_trial_restore(const char *config, const saint_model_info *m, eval_trial *out, saint_error *err);
/* The random twin of an identified trial: the same places, method `random`, names and twin_of filled. SAINT_INVALID: nothing is dropped. */
saint_status eval_trial_twin(const eval_trial *partner, const saint_model_info *m, eval_trial *out, saint_error *err);
/* Seed of a twin's random sites for a sample and repeat: the same in every process, and another one for every trial, sample and repeat. */
uint64_t eval_twin_seed(const eval_trial *twin, const char *uid, uint32_t repeat);

#endif
