/* result.h - one unit of work and its record: one sample of a data set under one configuration.
 *
 * The record is the only primary data of an evaluation: it is what journals hold, what the store keeps and what every table, chart and
 * score is computed from. As a line of JSON it is complete: nothing else is needed to score it again. */
#ifndef SAINT_APP_EVAL_RESULT_H
#define SAINT_APP_EVAL_RESULT_H

#include <cjson/cJSON.h>

#include "device_use.h"
#include "engine.h"

typedef enum { EVAL_OK, EVAL_ERROR, EVAL_MEMORY } eval_state; /* "ok", "error", "oom" */

enum { EVAL_SITES = 2 * SAINT_MAX_LAYERS, EVAL_TOP = 5 };

/* Who else used the device while a unit ran, as far as is known: why its times do not count. */
typedef enum {
    EVAL_ALONE,       /* nobody; or not recorded */
    EVAL_WITH_RANKS,  /* other processes of the same sweep */
    EVAL_WITH_OTHERS, /* another saint of this user */
    EVAL_ON_BUSY_CPUS /* other programs took a good part of the CPUs: cpu_load.h */
} eval_company;

typedef struct {
    uint64_t trial;          /* eval_trial.id: the configuration */
    uint32_t sample;         /* index in the data set */
    uint32_t repeat;
    eval_state state;
    char *error;             /* one line; NULL when ok */
    char *output;            /* answer as generated, trimmed; of a classifier its five best class names joined by SAINT_RANK_SEPARATOR */
    int32_t *ids;            /* [n_ids] answer tokens; of a classifier its five best classes */
    int n_ids;
    char stop[8];            /* "eos", "length", "" */
    /* the first answer token (or the class), from the logits in f32 */
    float margin;            /* best minus second logit */
    float kl;                /* KL(unpruned || this) of that distribution, nats; NaN where no baseline ran beside it */
    float loss;              /* cross entropy of the right class, nats; NaN where there is none or it was not recorded */
    int diverged;            /* first answer token that differs from the unpruned one; -1 = none; -2 = not known */
    /* tokens */
    int text, vit_in, vit_out, llm_in, llm_out; /* text: rows of the prompt; llm_in, llm_out: picture tokens before the first and behind
                                                 * the last LLM layer */
    double equivalent;
    int vit_layers, llm_layers; /* that the network has and runs; 0 = not recorded, or none */
    int n_sites;
    struct {
        int16_t stage, layer;
        int32_t n_out;
    } site[EVAL_SITES];      /* survivors of every prune site */
    double flops_vit, flops_projector, flops_prefill, flops_decode;
    uint64_t kv_bytes;
    /* seconds; parts that came from the checkpoint cache are those of the run that computed them, so that a row says what this
     * configuration costs on its own; reused tells how much of it was not spent again. s_total: preprocessing to the last token, reading
     * the picture (s_load) not included */
    double s_load, s_preprocess, s_vit, s_selection, s_projector, s_prefill, s_decode, s_total;
    double reused;           /* share 0..1 of the layers taken from the cache */
    bool timing_valid;       /* the process had the device alone */
    eval_company company;    /* who was there otherwise */
    double s_wall;           /* seconds that the process spent on this unit, whatever for: waiting for the picture, the unpruned run when it
                              * came first; 0 = not recorded */
    uint64_t peak_rss;       /* most resident bytes of the process while it did so (memory.h), 0 = not recorded */
    uint64_t peak_device;    /* most bytes in use on an accelerator, weights included; 0 = there is none, or not recorded */
    uint64_t attempt;        /* which process of which launch */
    double finished;         /* Unix time */
} eval_result;

/* Seconds from preprocessing to the end of the prompt; decoding steps behind the first token (the end of the text is one), 0 = none. */
double eval_result_ttft(const eval_result *r);
int eval_result_steps(const eval_result *r);
/* Another saint used the device while it was timed: its times do not count. */
void eval_result_shared(eval_result *r, device_company c);
void eval_result_free(eval_result *r);                       /* the strings; NULL is allowed */
/* A finished run of picture 0 as a record (trial, sample, repeat, attempt are the caller's). base: the unpruned run of the same sample for
 * fidelity, NULL = none. model gives class names. SAINT_MEMORY. */
saint_status eval_result_of(eval_result *out, const saint_model *m, const saint_trace *t, const saint_trace *base, saint_error *err);
/* A record of what went wrong instead: state EVAL_ERROR or EVAL_MEMORY by the status. SAINT_MEMORY. */
saint_status eval_result_fail(eval_result *out, saint_status why, const char *text, saint_error *err);
/* Text for records: valid UTF-8, whatever a tokenizer or a file name holds; malloc'ed, NULL: no memory. */
char *eval_clean_text(const char *text);
/* One object, keys of evaluation.md 5.4, numbers that round-trip; owned by the caller. NULL: no memory. */
cJSON *eval_result_json(const eval_result *r);
/* Back, bounded and checked: SAINT_FORMAT naming the key. */
saint_status eval_result_parse(const cJSON *c, eval_result *out, saint_error *err);

#endif
