/* llm_decode.h - greedy decoding that a device does by itself: one row a step, from the token that was taken to the next one, with one number
 * that crosses. Only on backends with fused operations (backend/fused.h); elsewhere saint_llm_block_run and the host do it.
 *
 * A decoder outlives the runs: its buffers keep their addresses and the caches of a run are told to it by their own, so a step that was
 * recorded for one answer is replayed for the next. The first step of each bucket of lengths is done plainly, the second is recorded, and
 * from then on it is replayed. */
#ifndef SAINT_MODELS_LLM_DECODE_H
#define SAINT_MODELS_LLM_DECODE_H

#include "models/llm.h"

typedef struct saint_decoder saint_decoder;

/* *out NULL with SAINT_OK: this backend has none. plain: no step is recorded. */
saint_status saint_decoder_open(saint_decoder **out, saint_backend *b, const saint_model *m, bool plain, saint_error *err);
void saint_decoder_close(saint_decoder *d); /* NULL is allowed */

/* Takes up an answer: the caches [layers] as prefill left them, the rotary position of the next row in the first layer and in the others
 * (they differ in one published quirk), and the first token. The caches must live until the last step. */
saint_status saint_decoder_begin(saint_decoder *d, saint_kv *const *kv, int position, int position_behind, int token, saint_error *err);
/* Appends the row of the last token to all caches and gives the next one: the largest logit, the lowest on ties. */
saint_status saint_decoder_step(saint_decoder *d, int *token, saint_error *err);
/* Logits of the last step, host f32 [vocab]. */
saint_status saint_decoder_logits(saint_decoder *d, float *logits, saint_error *err);

/* How steps were done since the decoder was opened. */
typedef struct {
    long plain, recorded, replayed;
} saint_decoder_count;
saint_decoder_count saint_decoder_counted(const saint_decoder *d);

#endif
