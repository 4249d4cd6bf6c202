/* method.h - what a token reduction method is: one file in engine/methods/ and one row in methods.def.
 *
 * A method sees the candidate tokens of one image at one prune site (prefix tokens such as CLS already taken off) and answers which
 * survive, in which order, and what happens to the others. It decides in f32, touches no network, and is a pure function of its input:
 * the same code serves `saint select`, the executor, live previews, and results that come from a GPU. */
#ifndef SAINT_SELECT_METHOD_H
#define SAINT_SELECT_METHOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"
#include "base/status.h"

typedef enum { SAINT_STAGE_VIT, SAINT_STAGE_LLM } saint_stage;

/* Parameters of one site; which ones a method reads is in its row. A plain value: compare and copy freely. Filled from params.def. */
typedef struct {
    int32_t keep_num;      /* rows that survive, prefix tokens (CLS) included */
    int32_t r;             /* iterative drop: divisor of the step */
    int32_t K;             /* saint_drop: neighbours a token needs before it counts */
    float sim_threshold;   /* cosine */
    float gamma;
    float keep_ratio;      /* share of candidates that survive; used when keep_num is -1 */
    uint64_t seed;         /* random */
} saint_method_params;

/* Behaviours of the published code that differ from the paper's meaning; see compat.def. Bit = 1 << SAINT_COMPAT_x. */
typedef enum {
#define X(id, name, doc) SAINT_COMPAT_##id,
#include "select/compat.def"
#undef X
    SAINT_COMPAT_COUNT
} saint_compat;

typedef struct {
    saint_stage stage;
    int layer;
    int n, dim;             /* candidates; width of the metric */
    int n_prefix;           /* rows in front of the candidates that are never dropped (1 for CLS) */
    const float *metric;    /* [n, dim] mean over heads of the keys, not normalised */
    const float *attention; /* [n] attention of the class token (ViT) or the last prompt token (LLM), mean over heads; only for methods that
                               declare it */
    const float *size;      /* [n] how many patches each token stands for; NULL = 1 each */
    const int32_t *patch;   /* [n] original patch id of each row, row-major in a grid_w x grid_h grid */
    int grid_w, grid_h;
    saint_method_params p;
    unsigned compat;
    const uint64_t *hand;   /* SAINT_METHOD_HAND alone: bit p % 64 of word p / 64 set = original patch p stays */
    int hand_patches;       /* patches that hand has bits for; others go */
    int forced_drop;        /* >= 0: drop exactly this many (batch-mean rate of the published code); -1: the method decides */
} saint_select_in;

/* A dropped token that is merged into a survivor: hidden[into] and hidden[from] become their size-weighted mean. Local indices. */
typedef struct {
    int32_t from, into;
} saint_merge;

typedef struct {
    int n_keep;
    int32_t *kept;       /* [n] local indices of survivors in the order the next layer sees (first n_keep valid) */
    float *score;        /* [n] what the method ranked by, in order of entry; NaN where a token was never ranked */
    int32_t *neighbours; /* [n] tokens above the threshold; -1 where the method has no such count */
    int16_t *round;      /* [n] iteration in which the token was dropped (0-based), -1 for survivors */
    int n_rounds;
    float margin;        /* distance between the last dropped and the first kept score; INFINITY when nothing was dropped or all were */
    int n_merge;
    saint_merge *merge;  /* [n]; empty for methods that only drop */
} saint_select_out;

typedef struct {
    const char *name, *summary, *reference; /* reference: paper and the published code it equals */
    unsigned stages;      /* bit (1 << SAINT_STAGE_x) for each stage it makes sense at */
    unsigned params;      /* bit per field below that the method reads */
    bool reads_attention; /* needs saint_select_in.attention */
    bool reads_text;      /* its decision at an LLM site depends on the question, so it cannot be reused for another one */
    bool merges;
    bool fixed_budget;    /* survivors are known before the data is seen */
    int rule;             /* saint_rule (backend/choose.h): a backend that selects by itself can do this one; 0 = the code below alone */
    /* How many of n candidates it would drop on its own. Cheap for fixed budgets; for votes it is the count of the published code. */
    saint_status (*count)(const saint_select_in *in, int *n_drop, saint_error *err);
    saint_status (*select)(const saint_select_in *in, saint_select_out *out, saint_error *err);
} saint_method;

enum {
    SAINT_PARAM_KEEP_NUM = 1, SAINT_PARAM_R = 2, SAINT_PARAM_K = 4, SAINT_PARAM_SIM_THRESHOLD = 8, SAINT_PARAM_GAMMA = 16,
    SAINT_PARAM_KEEP_RATIO = 32, SAINT_PARAM_SEED = 64
};

/* A list made by hand is no row of the table, because it cannot be chosen by name, but it is a method like the others where it is used. */
enum { SAINT_METHOD_HAND = -3 };

/* The table: NULL when unknown / past the end. saint_method_at also knows SAINT_METHOD_HAND, saint_method_find does not. */
const saint_method *saint_method_find(const char *name);
const saint_method *saint_method_at(int i);
int saint_method_index(const saint_method *m);

/* Checked call: validates sizes, parameters and finiteness of the metric (NaN is SAINT_INVALID with the row), then runs the method and
 * verifies that what it returns is a permutation of a subset. out's arrays are allocated here; free with saint_select_free. */
saint_status saint_select_run(const saint_method *m, const saint_select_in *in, saint_select_out *out, saint_error *err);
/* A batch at one site, one picture a chunk on the pool's threads (NULL: on the caller's). With SAINT_COMPAT_BATCH_MEAN_RATE all images
 * drop int(mean of their counts), as published; otherwise each its own. Same bits for any number of threads. */
saint_status saint_select_batch(const saint_method *m, const saint_select_in *in, int n_images, saint_pool *pool, saint_select_out *out,
                                saint_error *err);
void saint_select_free(saint_select_out *out); /* NULL is allowed */

#endif
