/* llm.h - LLaMA in the steps that prune sites cut it into: one whole block at a time, with a key-value cache of its own length per layer.
 */
#ifndef SAINT_MODELS_LLM_H
#define SAINT_MODELS_LLM_H

#include "models/model.h"
#include "models/rows.h"

/* Keys (after RoPE) and values of one layer. Counted references: checkpoints and runs share what prefill wrote; decode appends behind `len`
 * of the run, which no checkpoint reads. */
typedef struct {
    int refs; /* atomic: the last holder of a checkpoint may be another thread than the one that runs */
    saint_backend *b;
    int len, cap, width; /* rows used, rows there is room for, kv_heads * head_dim */
    void *k, *v;         /* compute type [cap, width] */
} saint_kv;

saint_status saint_kv_new(saint_kv **out, saint_backend *b, int cap, int width, saint_error *err);
saint_kv *saint_kv_ref(saint_kv *kv);
void saint_kv_unref(saint_kv *kv); /* NULL is allowed */

typedef struct saint_llm_forward saint_llm_forward;
saint_status saint_llm_open(saint_llm_forward **out, saint_backend *b, const saint_model *m, int max_rows, saint_error *err);
void saint_llm_close(saint_llm_forward *f); /* NULL is allowed */

/* y f32 backend [n, dim] = embedding rows */
saint_status saint_llm_embed(saint_llm_forward *f, const int32_t *ids, int n, float *y, saint_error *err);

/* Where the rows of a block stand, and what selection reads of it. */
typedef struct {
    const int32_t *pos; /* [T] rotary position of each row */
    bool pos_here;      /* pos lies in the backend's memory (for a backend with a chooser) */
    float *metric;      /* f32 [kv->len after the call, head_dim]: mean over key-value heads of all cached keys; or NULL */
    float *attention;   /* f32 [kv->len after the call]: attention of the last row; or NULL */
    bool here;          /* metric and attention lie in the backend's memory, and nobody waits; else on the host */
} saint_llm_readings;

/* One block over the rows of one sequence in prefill, appending their keys and values to kv. */
saint_status saint_llm_prefill(saint_llm_forward *f, int layer, float *x, int t, saint_kv *kv, const saint_llm_readings *at, saint_error *err);

/* One block over the rows of one sequence, appending their keys and values to kv. decode picks the kernels for single rows.
 * pos [T]: rotary position of each row. last_attention: host f32 [kv->len after the call], attention of the last row, or NULL. */
saint_status saint_llm_block_run(saint_llm_forward *f, int layer, float *x, int t, const int32_t *pos, saint_kv *kv, bool decode,
                                 float *last_attention, saint_error *err);

/* metric host f32 [n, head_dim]: mean over key-value heads of the cached keys of rows first..first+n-1 */
saint_status saint_llm_metric(saint_llm_forward *f, const saint_kv *kv, int first, int n, float *metric, saint_error *err);

/* logits host f32 [vocab] of one row x [dim] */
saint_status saint_llm_logits(saint_llm_forward *f, const float *x, float *logits, saint_error *err);

#endif
