#include "models/llm.h"

#include <math.h>
#include <stdlib.h>

#include "backend/fused.h"
#include "models/weights.h"

struct saint_llm_forward {
    saint_backend *b;
    const saint_model *m;
    int cap;
    /* compute type: h [cap, dim], q and attn [cap, heads * head_dim], gate and up [cap, mlp]. Where products are joined, rows of q go on with
     * the keys and values of the block at hand, and rows of gate with up's. */
    void *h, *q, *attn, *gate, *up;
    int64_t q_width; /* elements between rows of q */
    float *logits;                  /* backend f32 [vocab] */
};

saint_status saint_kv_new(saint_kv **out, saint_backend *b, int cap, int width, saint_error *err)
{
    saint_kv *kv = calloc(1, sizeof *kv);
    *out = NULL;
    if (!kv) return saint_fail(err, SAINT_MEMORY, "no memory for a key-value cache");
    *kv = (saint_kv){.refs = 1, .b = b, .cap = cap, .width = width};
    size_t bytes = (size_t)cap * (size_t)width * saint_compute_size(b);
    saint_status s = b->op->alloc(b, bytes, &kv->k, err);
    if (s == SAINT_OK) s = b->op->alloc(b, bytes, &kv->v, err);
    if (s != SAINT_OK) {
        saint_kv_unref(kv);
        return s;
    }
    *out = kv;
    return SAINT_OK;
}

saint_kv *saint_kv_ref(saint_kv *kv)
{
    __atomic_add_fetch(&kv->refs, 1, __ATOMIC_RELAXED);
    return kv;
}

void saint_kv_unref(saint_kv *kv)
{
    if (!kv || __atomic_sub_fetch(&kv->refs, 1, __ATOMIC_ACQ_REL) > 0) return;
    kv->b->op->release(kv->b, kv->k);
    kv->b->op->release(kv->b, kv->v);
    free(kv);
}

saint_status saint_llm_open(saint_llm_forward **out, saint_backend *b, const saint_model *m, int max_rows, saint_error *err)
{
    const saint_llm *l = &m->llm;
    *out = NULL;
    saint_llm_forward *f = calloc(1, sizeof *f);
    if (!f) return saint_fail(err, SAINT_MEMORY, "no memory for an LLM run");
    f->b = b;
    f->m = m;
    f->cap = max_rows;
    size_t e = saint_compute_size(b), rows = (size_t)max_rows, q = (size_t)l->heads * (size_t)l->head_dim;
    size_t joined = b->op->fused ? 2 * (size_t)l->kv_heads * (size_t)l->head_dim : 0;
    f->q_width = (int64_t)(q + joined);
    const struct {
        void **p;
        size_t width;
    } buffers[] = {{&f->h, (size_t)l->dim}, {&f->q, q + joined}, {&f->attn, q}, {&f->gate, (size_t)l->mlp * (b->op->fused ? 2 : 1)}, {&f->up, (size_t)l->mlp}};
    saint_status s = SAINT_OK;
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers && s == SAINT_OK; i++)
        s = b->op->alloc(b, rows * buffers[i].width * e, buffers[i].p, err);
    void *p = NULL;
    if (s == SAINT_OK) s = b->op->alloc(b, (size_t)l->vocab * sizeof(float), &p, err);
    f->logits = p;
    if (s != SAINT_OK) {
        saint_llm_close(f);
        return s;
    }
    *out = f;
    return SAINT_OK;
}

void saint_llm_close(saint_llm_forward *f)
{
    if (!f) return;
    void *buffers[] = {f->h, f->q, f->attn, f->gate, f->up, f->logits};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) f->b->op->release(f->b, buffers[i]);
    free(f);
}

saint_status saint_llm_embed(saint_llm_forward *f, const int32_t *ids, int n, float *y, saint_error *err)
{
    return f->b->op->embed(f->b, &f->m->llm.embed, ids, n, y, err);
}

/* Decode reads each weight once for one row: its own kernels. Both kinds share every argument. */
static saint_status linear(saint_llm_forward *f, bool decode, const saint_linear_args *a, saint_error *err)
{
    return decode ? f->b->op->linear_rows(f->b, a, err) : f->b->op->linear(f->b, a, err);
}

static saint_status project(saint_llm_forward *f, bool decode, const void *x, int64_t t, const saint_dense *w, const void *gate, void *y,
                            saint_error *err)
{
    saint_linear_args a = {.m = t, .x = x, .ldx = w->w.cols, .w = w->w, .bias = w->b, .gate = gate, .y = y, .ytype = f->b->compute,
                           .ldy = w->w.rows};
    return linear(f, decode, &a, err);
}

static saint_status add_projected(saint_llm_forward *f, bool decode, const void *x, int64_t t, const saint_dense *w, float *y,
                                  saint_error *err)
{
    saint_linear_args a = {.m = t, .x = x, .ldx = w->w.cols, .w = w->w, .bias = w->b, .residual = y, .y = y, .ytype = SAINT_F32,
                           .ldy = w->w.rows};
    return linear(f, decode, &a, err);
}

/* f->q := queries of the rows in f->h, and their keys and values behind those in kv, all of them rotated. */
static saint_status read_rows(saint_llm_forward *f, const saint_llm_block *w, int t, const saint_llm_readings *at, saint_kv *kv, bool decode, saint_error *err)
{
    saint_status s;
    saint_backend *b = f->b;
    const saint_llm *l = &f->m->llm;
    size_t behind = (size_t)kv->len * (size_t)kv->width * saint_compute_size(b);
    char *k = (char *)kv->k + behind, *v = (char *)kv->v + behind;
    if (b->op->fused) {
        saint_joined_args a = {.m = t, .x = f->h, .ldx = l->dim, .n = 3, .w = {w->q.w, w->k.w, w->v.w}, .bias = {w->q.b, w->k.b, w->v.b}, .y = f->q,
                               .ldy = f->q_width, .rows = decode};
        saint_qkv qkv = {.qkv = f->q, .ld = f->q_width, .n_heads = l->heads, .n_kv_heads = l->kv_heads, .head_dim = l->head_dim, .inv_freq = l->inv_freq};
        if ((s = b->op->fused->linear_joined(b, &a, err)) != SAINT_OK) return s;
        return at->pos_here ? b->op->chooser->rope_store(b, &qkv, t, at->pos, k, v, err) : b->op->fused->rope_store(b, &qkv, t, at->pos, k, v, err);
    }
    if ((s = project(f, decode, f->h, t, &w->q, NULL, f->q, err)) != SAINT_OK) return s;
    if ((s = project(f, decode, f->h, t, &w->k, NULL, k, err)) != SAINT_OK) return s;
    if ((s = project(f, decode, f->h, t, &w->v, NULL, v, err)) != SAINT_OK) return s;
    if ((s = b->op->rope(b, f->q, t, f->q_width, l->heads, l->head_dim, at->pos, l->inv_freq, err)) != SAINT_OK) return s;
    return b->op->rope(b, k, t, kv->width, l->kv_heads, l->head_dim, at->pos, l->inv_freq, err);
}

/* f->up := silu(gate) * up of the rows in f->h. */
static saint_status gated(saint_llm_forward *f, const saint_llm_block *w, int t, bool decode, saint_error *err)
{
    saint_status s;
    saint_backend *b = f->b;
    const saint_llm *l = &f->m->llm;
    if (b->op->fused) {
        saint_joined_args a = {.m = t, .x = f->h, .ldx = l->dim, .n = 2, .w = {w->gate.w, w->up.w}, .bias = {w->gate.b, w->up.b}, .y = f->gate,
                               .ldy = 2 * (int64_t)l->mlp, .rows = decode};
        if ((s = b->op->fused->linear_joined(b, &a, err)) != SAINT_OK) return s;
        return b->op->fused->swiglu(b, f->gate, t, l->mlp, f->up, err);
    }
    if ((s = project(f, decode, f->h, t, &w->gate, NULL, f->gate, err)) != SAINT_OK) return s;
    return project(f, decode, f->h, t, &w->up, f->gate, f->up, err);
}

/* Behind the attention of a block. */
static saint_status read_keys(saint_llm_forward *f, int t, const saint_kv *kv, const saint_llm_readings *at, saint_error *err)
{
    saint_status s;
    saint_backend *b = f->b;
    const saint_llm *l = &f->m->llm;
    saint_attention_row_args row = {.q = (char *)f->q + (size_t)(t - 1) * (size_t)f->q_width * saint_compute_size(b), .k = kv->k, .ldk = kv->width,
                                    .n_heads = l->heads, .n_kv_heads = l->kv_heads, .head_dim = l->head_dim, .n_keys = kv->len,
                                    .scale = 1.0f / sqrtf((float)l->head_dim), .p = at->attention};
    if (at->attention && (s = at->here ? b->op->chooser->attention_row(b, &row, err) : b->op->attention_row(b, &row, err)) != SAINT_OK) return s;
    if (at->metric && at->here) return b->op->chooser->mean_heads(b, kv->k, kv->len, kv->width, l->kv_heads, l->head_dim, at->metric, err);
    return at->metric ? saint_llm_metric(f, kv, 0, kv->len, at->metric, err) : SAINT_OK;
}

static saint_status run_block(saint_llm_forward *f, int layer, float *x, int t, saint_kv *kv, bool decode, const saint_llm_readings *at,
                              saint_error *err)
{
    saint_status s;
    saint_backend *b = f->b;
    const saint_llm *l = &f->m->llm;
    const saint_llm_block *w = &l->block[layer];
    int64_t q_width = (int64_t)l->heads * l->head_dim;
    float scale = 1.0f / sqrtf((float)l->head_dim);
    if (kv->len + t > kv->cap)
        return saint_fail(err, SAINT_STATE, "layer %d: %d rows do not fit a cache of %d", layer, kv->len + t, kv->cap);

    if ((s = b->op->rmsnorm(b, x, t, l->dim, w->norm1.w, l->eps, f->h, b->compute, err)) != SAINT_OK) return s;
    if ((s = read_rows(f, w, t, at, kv, decode, err)) != SAINT_OK) return s;
    kv->len += t;

    int32_t cu_q[2] = {0, t}, cu_k[2] = {0, kv->len};
    saint_attention_args a = {.q = f->q, .k = kv->k, .v = kv->v, .ldq = f->q_width, .ldk = kv->width, .ldv = kv->width, .n_heads = l->heads,
                              .n_kv_heads = l->kv_heads, .head_dim = l->head_dim, .n_seqs = 1, .cu_q = cu_q, .cu_k = cu_k, .causal = true,
                              .rows = decode, .scale = scale, .out = f->attn, .ldo = q_width};
    if ((s = b->op->attention(b, &a, err)) != SAINT_OK) return s;
    if ((s = read_keys(f, t, kv, at, err)) != SAINT_OK) return s;
    if ((s = add_projected(f, decode, f->attn, t, &w->o, x, err)) != SAINT_OK) return s;

    if ((s = b->op->rmsnorm(b, x, t, l->dim, w->norm2.w, l->eps, f->h, b->compute, err)) != SAINT_OK) return s;
    if ((s = gated(f, w, t, decode, err)) != SAINT_OK) return s;
    return add_projected(f, decode, f->up, t, &w->down, x, err);
}

saint_status saint_llm_block_run(saint_llm_forward *f, int layer, float *x, int t, const int32_t *pos, saint_kv *kv, bool decode,
                                 float *last_attention, saint_error *err)
{
    return run_block(f, layer, x, t, kv, decode, &(saint_llm_readings){.pos = pos, .attention = last_attention}, err);
}

saint_status saint_llm_prefill(saint_llm_forward *f, int layer, float *x, int t, saint_kv *kv, const saint_llm_readings *at, saint_error *err)
{
    return run_block(f, layer, x, t, kv, false, at, err);
}

saint_status saint_llm_metric(saint_llm_forward *f, const saint_kv *kv, int first, int n, float *metric, saint_error *err)
{
    const saint_llm *l = &f->m->llm;
    const char *k = (const char *)kv->k + (size_t)first * (size_t)kv->width * saint_compute_size(f->b);
    return f->b->op->mean_heads(f->b, k, n, kv->width, l->kv_heads, l->head_dim, metric, err);
}

saint_status saint_llm_logits(saint_llm_forward *f, const float *x, float *logits, saint_error *err)
{
    saint_status s;
    saint_backend *b = f->b;
    const saint_llm *l = &f->m->llm;
    if ((s = b->op->rmsnorm(b, x, 1, l->dim, l->norm.w, l->eps, f->h, b->compute, err)) != SAINT_OK) return s;
    saint_linear_args a = {.m = 1, .x = f->h, .ldx = l->dim, .w = l->head, .y = f->logits, .ytype = SAINT_F32, .ldy = l->vocab};
    if ((s = b->op->linear_rows(b, &a, err)) != SAINT_OK) return s;
    return b->op->download(b, logits, f->logits, (size_t)l->vocab * sizeof *logits, err);
}
