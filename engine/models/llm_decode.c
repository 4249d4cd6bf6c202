#include "models/llm_decode.h"

#include <math.h>
#include <stdlib.h>

#include "backend/fused.h"
#include "models/weights.h"

enum { BUCKETS = 5 }; /* 1, 2, 4, 8 and SAINT_DECODE_SPLITS parts of the longest cache */

struct saint_decoder {
    saint_backend *b;
    const saint_model *m;
    int layers;
    bool plain;
    saint_kv *const *kv; /* of the answer at hand */
    float *x, *logits, *partial;
    void *h, *qkv, *attn, *gate_up, *mlp; /* compute type, one row each */
    int32_t *token;
    saint_decode_layer *layer; /* backend [layers] */
    saint_recording *work[BUCKETS];
    bool tried[BUCKETS]; /* a plain step of this bucket is done: its kernels are loaded and all weights are on the device */
    saint_decoder_count count;
};

saint_status saint_decoder_open(saint_decoder **out, saint_backend *b, const saint_model *m, bool plain, saint_error *err)
{
    const saint_llm *l = &m->llm;
    *out = NULL;
    if (!b->op->fused || !l->layers) return SAINT_OK;
    saint_decoder *d = calloc(1, sizeof *d);
    if (!d) return saint_fail(err, SAINT_MEMORY, "no memory to decode");
    d->b = b;
    d->m = m;
    d->layers = l->layers;
    d->plain = plain;
    size_t e = saint_compute_size(b), q = (size_t)l->heads * (size_t)l->head_dim, kv = (size_t)l->kv_heads * (size_t)l->head_dim;
    void *x = NULL, *logits = NULL, *partial = NULL, *token = NULL, *layer = NULL;
    const struct {
        void **p;
        size_t bytes;
    } buffers[] = {{&x, (size_t)l->dim * sizeof(float)},
                   {&logits, (size_t)l->vocab * sizeof(float)},
                   {&partial, saint_decode_partial(l->heads, l->head_dim) * sizeof(float)},
                   {&token, sizeof(int32_t)},
                   {&layer, (size_t)l->layers * sizeof(saint_decode_layer)},
                   {&d->h, (size_t)l->dim * e},
                   {&d->qkv, (q + 2 * kv) * e},
                   {&d->attn, q * e},
                   {&d->gate_up, 2 * (size_t)l->mlp * e},
                   {&d->mlp, (size_t)l->mlp * e}};
    saint_status s = SAINT_OK;
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers && s == SAINT_OK; i++) s = b->op->alloc(b, buffers[i].bytes, buffers[i].p, err);
    d->x = x;
    d->logits = logits;
    d->partial = partial;
    d->token = token;
    d->layer = layer;
    if (s != SAINT_OK) {
        saint_decoder_close(d);
        return s;
    }
    *out = d;
    return SAINT_OK;
}

void saint_decoder_close(saint_decoder *d)
{
    if (!d) return;
    for (int i = 0; i < BUCKETS; i++) d->b->op->fused->forget(d->b, d->work[i]);
    void *buffers[] = {d->x, d->logits, d->partial, d->token, d->layer, d->h, d->qkv, d->attn, d->gate_up, d->mlp};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) d->b->op->release(d->b, buffers[i]);
    free(d);
}

saint_status saint_decoder_begin(saint_decoder *d, saint_kv *const *kv, int position, int position_behind, int token, saint_error *err)
{
    saint_backend *b = d->b;
    saint_decode_layer *layer = calloc((size_t)d->layers, sizeof *layer);
    if (!layer) return saint_fail(err, SAINT_MEMORY, "no memory to decode with %d layers", d->layers);
    for (int i = 0; i < d->layers; i++)
        layer[i] = (saint_decode_layer){.k = kv[i]->k, .v = kv[i]->v, .rows = kv[i]->len, .position = i ? position_behind : position};
    int32_t id = token;
    saint_status s = b->op->upload(b, d->layer, layer, (size_t)d->layers * sizeof *layer, err);
    if (s == SAINT_OK) s = b->op->upload(b, d->token, &id, sizeof id, err);
    free(layer);
    d->kv = kv;
    return s;
}

/* ---- one step ---------------------------------------------------------------------------------------------------- */

static saint_status product(saint_decoder *d, const void *x, const saint_dense *w, float *residual, saint_error *err)
{
    saint_linear_args a = {.m = 1, .x = x, .ldx = w->w.cols, .w = w->w, .bias = w->b, .residual = residual, .y = residual, .ytype = SAINT_F32, .ldy = w->w.rows};
    return d->b->op->linear_rows(d->b, &a, err);
}

static saint_status block(saint_decoder *d, int i, int most, saint_error *err)
{
    saint_status s;
    saint_backend *b = d->b;
    const saint_fused_ops *f = b->op->fused;
    const saint_llm *l = &d->m->llm;
    const saint_llm_block *w = &l->block[i];
    int64_t width = (int64_t)(l->heads + 2 * l->kv_heads) * l->head_dim;
    saint_qkv qkv = {.qkv = d->qkv, .ld = width, .n_heads = l->heads, .n_kv_heads = l->kv_heads, .head_dim = l->head_dim, .inv_freq = l->inv_freq};
    saint_joined_args in = {.m = 1, .x = d->h, .ldx = l->dim, .n = 3, .w = {w->q.w, w->k.w, w->v.w}, .bias = {w->q.b, w->k.b, w->v.b}, .y = d->qkv,
                            .ldy = width, .rows = true};
    saint_joined_args up = {.m = 1, .x = d->h, .ldx = l->dim, .n = 2, .w = {w->gate.w, w->up.w}, .bias = {w->gate.b, w->up.b}, .y = d->gate_up,
                            .ldy = 2 * (int64_t)l->mlp, .rows = true};
    if ((s = b->op->rmsnorm(b, d->x, 1, l->dim, w->norm1.w, l->eps, d->h, b->compute, err)) != SAINT_OK) return s;
    if ((s = f->linear_joined(b, &in, err)) != SAINT_OK) return s;
    if ((s = f->rope_append(b, &qkv, &d->layer[i], err)) != SAINT_OK) return s;
    if ((s = f->attention_one(b, &qkv, &d->layer[i], 1.0f / sqrtf((float)l->head_dim), most, d->partial, d->attn, err)) != SAINT_OK) return s;
    if ((s = product(d, d->attn, &w->o, d->x, err)) != SAINT_OK) return s;
    if ((s = b->op->rmsnorm(b, d->x, 1, l->dim, w->norm2.w, l->eps, d->h, b->compute, err)) != SAINT_OK) return s;
    if ((s = f->linear_joined(b, &up, err)) != SAINT_OK) return s;
    if ((s = f->swiglu(b, d->gate_up, 1, l->mlp, d->mlp, err)) != SAINT_OK) return s;
    return product(d, d->mlp, &w->down, d->x, err);
}

/* From the last token to the next, with nothing of the host's in between. most: keys of the longest cache, for all layers alike, so that steps have few shapes. */
static saint_status work(saint_decoder *d, int most, saint_error *err)
{
    saint_status s;
    saint_backend *b = d->b;
    const saint_llm *l = &d->m->llm;
    if ((s = b->op->fused->embed_token(b, &l->embed, d->token, d->x, err)) != SAINT_OK) return s;
    for (int i = 0; i < d->layers; i++)
        if ((s = block(d, i, most, err)) != SAINT_OK) return s;
    if ((s = b->op->rmsnorm(b, d->x, 1, l->dim, l->norm.w, l->eps, d->h, b->compute, err)) != SAINT_OK) return s;
    saint_linear_args a = {.m = 1, .x = d->h, .ldx = l->dim, .w = l->head, .y = d->logits, .ytype = SAINT_F32, .ldy = l->vocab};
    if ((s = b->op->linear_rows(b, &a, err)) != SAINT_OK) return s;
    return b->op->fused->take_best(b, d->logits, l->vocab, d->token, d->layer, d->layers, err);
}

static saint_status record(saint_decoder *d, int most, saint_recording **out, saint_error *err)
{
    saint_backend *b = d->b;
    saint_status s = b->op->fused->record(b, err);
    if (s != SAINT_OK) return s;
    s = work(d, most, err);
    if (s == SAINT_OK) return b->op->fused->recorded(b, out, err);
    (void)b->op->fused->recorded(b, NULL, NULL);
    return s;
}

saint_status saint_decoder_step(saint_decoder *d, int *token, saint_error *err)
{
    saint_backend *b = d->b;
    const saint_fused_ops *f = b->op->fused;
    saint_status s = SAINT_OK;
    int most = 0, bucket = 0;
    for (int i = 0; i < d->layers; i++) {
        if (d->kv[i]->len >= d->kv[i]->cap) return saint_fail(err, SAINT_STATE, "layer %d: a cache of %d rows is full", i, d->kv[i]->cap);
        if (d->kv[i]->len >= most) most = d->kv[i]->len + 1;
    }
    while (1 << bucket < saint_decode_bucket(most)) bucket++;
    saint_recording **r = &d->work[bucket];
    if (*r && !f->recording_valid(b, *r)) {
        f->forget(b, *r);
        *r = NULL;
    }
    if (!*r && !d->plain && d->tried[bucket]) {
        s = record(d, most, r, err);
        d->count.recorded += s == SAINT_OK;
    }
    if (s == SAINT_OK) s = *r ? f->replay(b, *r, err) : work(d, most, err);
    if (s != SAINT_OK) return s;
    if (*r) d->count.replayed++;
    else d->count.plain++;
    d->tried[bucket] = true;
    for (int i = 0; i < d->layers; i++) d->kv[i]->len++;
    int32_t id = 0;
    s = b->op->download(b, &id, d->token, sizeof id, err);
    *token = id;
    return s;
}

saint_status saint_decoder_logits(saint_decoder *d, float *logits, saint_error *err)
{
    return d->b->op->download(d->b, logits, d->logits, (size_t)d->m->llm.vocab * sizeof *logits, err);
}

saint_decoder_count saint_decoder_counted(const saint_decoder *d) { return d->count; }
