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
    int ordinal;
    char *name;               /* "keep_num=96 saint_threshold=0.8": what differs from the sweep's base, for people */
    char *config;             /* canonical JSON: sorted keys, shortest round-trip numbers, every effective value of params.def */
} eval_trial;

void eval_trial_free(eval_trial *t); /* what it holds; NULL is allowed */
/* Fill id, digest, config, baseline from settings and max_new_tokens. Layers are written as ranges ("0-18":"None"). SAINT_MEMORY. */
saint_status eval_trial_identify(eval_trial *t, const saint_model_info *m, saint_error *err);
/* The settings of a canonical text: what a stored trial was run with. SAINT_FORMAT. */
saint_status eval_trial_parse(const char *config, saint_settings *out, int *max_new_tokens, saint_error *err);

#endif
