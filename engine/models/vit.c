#include "models/vit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/fused.h"
#include "models/weights.h"

struct saint_vit_forward {
    saint_backend *b;
    const saint_model *m;
    int cap;
    void *h, *q, *k, *v, *mlp; /* compute type: [cap, dim] each, mlp [cap, max(mlp, patch pixels, projector width)] */
    void *joined;              /* [cap, 3 * dim]: rows that q, k and v lie in where products are joined; else NULL */
    int64_t ld;                /* elements between rows of q, k and v */
    float *key_bias;           /* host [cap], log size of merged tokens */
    float *pooled;             /* backend f32 [cap, dim] */
};

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

saint_status saint_vit_open(saint_vit_forward **out, saint_backend *b, const saint_model *m, int max_rows, saint_error *err)
{
    const saint_vit *v = &m->vit;
    *out = NULL;
    saint_vit_forward *f = calloc(1, sizeof *f);
    if (!f) return saint_fail(err, SAINT_MEMORY, "no memory for a ViT run");
    f->b = b;
    f->m = m;
    f->cap = max_rows;
    size_t e = saint_compute_size(b), rows = (size_t)max_rows, d = (size_t)v->dim;
    size_t wide = (size_t)max64(max64(v->mlp, 3 * (int64_t)v->patch * v->patch), m->llm.dim);
    void **buffers[] = {&f->h, &f->q, &f->k, &f->v};
    saint_status s = SAINT_OK;
    f->ld = v->dim;
    for (int i = 0; i < (b->op->fused ? 1 : 4) && s == SAINT_OK; i++) s = b->op->alloc(b, rows * d * e, buffers[i], err);
    if (b->op->fused && s == SAINT_OK) {
        s = b->op->alloc(b, 3 * rows * d * e, &f->joined, err);
        f->ld = 3 * (int64_t)v->dim;
        f->q = f->joined;
        f->k = f->joined ? (char *)f->joined + d * e : NULL;
        f->v = f->joined ? (char *)f->joined + 2 * d * e : NULL;
    }
    if (s == SAINT_OK) s = b->op->alloc(b, rows * wide * e, &f->mlp, err);
    void *p = NULL;
    if (s == SAINT_OK) s = b->op->alloc(b, rows * d * sizeof(float), &p, err);
    f->pooled = p;
    f->key_bias = malloc((rows ? rows : 1) * sizeof *f->key_bias);
    if (s == SAINT_OK && !f->key_bias) s = saint_fail(err, SAINT_MEMORY, "no memory for %d rows", max_rows);
    if (s != SAINT_OK) {
        saint_vit_close(f);
        return s;
    }
    *out = f;
    return SAINT_OK;
}

void saint_vit_close(saint_vit_forward *f)
{
    if (!f) return;
    bool apart = !f->b->op->fused;
    void *buffers[] = {f->h, apart ? f->q : NULL, apart ? f->k : NULL, apart ? f->v : NULL, f->joined, f->mlp, f->pooled};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) f->b->op->release(f->b, buffers[i]);
    free(f->key_bias);
    free(f);
}

static saint_status linear(saint_vit_forward *f, const void *x, int64_t rows, const saint_dense *w, saint_act act, void *y,
                           saint_error *err)
{
    saint_linear_args a = {.m = rows, .x = x, .ldx = w->w.cols, .w = w->w, .bias = w->b, .act = act, .y = y, .ytype = f->b->compute,
                           .ldy = w->w.rows};
    return f->b->op->linear(f->b, &a, err);
}

/* y += scale * (x w^T + bias), the residual stream in f32 */
static saint_status linear_residual(saint_vit_forward *f, const void *x, int64_t rows, const saint_dense *w, const float *scale, float *y,
                                    saint_error *err)
{
    saint_linear_args a = {.m = rows, .x = x, .ldx = w->w.cols, .w = w->w, .bias = w->b, .scale = scale, .residual = y, .y = y,
                           .ytype = SAINT_F32, .ldy = w->w.rows};
    return f->b->op->linear(f->b, &a, err);
}

/* f->q, f->k, f->v := those of the rows in f->h */
static saint_status read_rows(saint_vit_forward *f, const saint_vit_block *w, int64_t rows, saint_error *err)
{
    saint_status s;
    saint_backend *b = f->b;
    if (b->op->fused) {
        saint_joined_args a = {.m = rows, .x = f->h, .ldx = f->m->vit.dim, .n = 3, .w = {w->q.w, w->k.w, w->v.w}, .bias = {w->q.b, w->k.b, w->v.b},
                               .y = f->joined, .ldy = f->ld};
        return b->op->fused->linear_joined(b, &a, err);
    }
    if ((s = linear(f, f->h, rows, &w->q, SAINT_ACT_NONE, f->q, err)) != SAINT_OK) return s;
    if ((s = linear(f, f->h, rows, &w->k, SAINT_ACT_NONE, f->k, err)) != SAINT_OK) return s;
    return linear(f, f->h, rows, &w->v, SAINT_ACT_NONE, f->v, err);
}

saint_status saint_vit_embed(saint_vit_forward *f, const float *pixels, int n, saint_rows *rows, saint_error *err)
{
    saint_status s;
    saint_backend *b = f->b;
    const saint_vit *v = &f->m->vit;
    int patches = v->grid * v->grid, each = v->prefix + patches;
    size_t d = (size_t)v->dim, image = 3 * (size_t)v->side * (size_t)v->side;
    rows->merged = rows->weighed = false;
    for (int i = 0; i <= n; i++) rows->cu[i] = i * each;
    for (int i = 0; i < n * each; i++) {
        int at = i % each;
        rows->patch[i] = at < v->prefix ? -1 : at - v->prefix;
        rows->pos[i] = at;
        rows->size[i] = 1;
    }
    /* position embedding first, so that the patch projection adds itself as a residual */
    if ((s = b->op->positions(b, rows->x, n, each, v->prefix, v->dim, v->pos, v->cls, err)) != SAINT_OK) return s;
    for (int i = 0; i < n; i++) {
        if ((s = b->op->patchify(b, pixels + (size_t)i * image, v->side, v->side, v->patch, f->mlp, err)) != SAINT_OK) return s;
        if ((s = linear_residual(f, f->mlp, patches, &v->embed, NULL, rows->x + (size_t)(i * each + v->prefix) * d, err)) != SAINT_OK) return s;
    }
    if (v->pre.w &&
        (s = b->op->layernorm(b, rows->x, (int64_t)n * each, v->dim, v->pre.w, v->pre.b, v->eps, rows->x, SAINT_F32, err)) != SAINT_OK)
        return s;
    return SAINT_OK;
}

/* ToMe: attention in proportion to the patches a token stands for; not in a MAE (its head reads the mean of the patches), which learned with most
 * patches missing and is merged without, as published. */
static bool proportional(const saint_vit_forward *f, const saint_rows *rows) { return rows->merged && !f->m->vit.mean_pool; }

static const float *proportional_bias(saint_vit_forward *f, const saint_rows *rows)
{
    if (!proportional(f, rows) || rows->ahead || rows->weighed) return NULL;
    for (int i = 0; i < saint_rows_total(rows); i++) f->key_bias[i] = logf(rows->size[i]);
    return f->key_bias;
}

static saint_status read_keys(saint_vit_forward *f, int64_t t, const saint_vit_readings *out, saint_error *err)
{
    saint_backend *b = f->b;
    int heads = f->m->vit.heads, hd = f->m->vit.dim / heads;
    if (!out->metric) return SAINT_OK;
    return out->here ? b->op->chooser->mean_heads(b, f->k, t, f->ld, heads, hd, out->metric, err)
                     : b->op->mean_heads(b, f->k, t, f->ld, heads, hd, out->metric, err);
}

saint_status saint_vit_attend(saint_vit_forward *f, int layer, saint_rows *rows, const saint_vit_readings *out, saint_error *err)
{
    saint_status s;
    saint_backend *b = f->b;
    const saint_vit *v = &f->m->vit;
    const saint_vit_block *k = &v->block[layer];
    int64_t t = saint_rows_total(rows), d = v->dim;
    int hd = v->dim / v->heads;
    float scale = 1.0f / sqrtf((float)hd);
    const float *bias = proportional_bias(f, rows), *here = NULL;
    if (proportional(f, rows) && (rows->ahead || rows->weighed)) here = rows->table.bias;
    if ((s = b->op->layernorm(b, rows->x, t, d, k->ln1.w, k->ln1.b, v->eps, f->h, b->compute, err)) != SAINT_OK) return s;
    if ((s = read_rows(f, k, t, err)) != SAINT_OK) return s;
    if ((s = read_keys(f, t, out, err)) != SAINT_OK) return s;
    for (int i = 0; out->attention && i < rows->n_seqs; i++) {
        int first = rows->cu[i], n = rows->cu[i + 1] - first;
        size_t at = (size_t)first * (size_t)f->ld * saint_compute_size(b);
        saint_attention_row_args row = {.q = (char *)f->q + at,
                                        .k = (char *)f->k + at,
                                        .ldk = f->ld,
                                        .n_heads = v->heads,
                                        .n_kv_heads = v->heads,
                                        .head_dim = hd,
                                        .n_keys = n,
                                        .scale = scale,
                                        .key_bias = bias ? bias + first : NULL,
                                        .key_bias_here = here ? here + first : NULL,
                                        .p = out->attention + first};
        s = out->here ? b->op->chooser->attention_row(b, &row, err) : b->op->attention_row(b, &row, err);
        if (s != SAINT_OK) return s;
    }
    saint_attention_args a = {.q = f->q, .k = f->k, .v = f->v, .ldq = f->ld, .ldk = f->ld, .ldv = f->ld, .n_heads = v->heads, .n_kv_heads = v->heads,
                              .head_dim = hd, .n_seqs = rows->n_seqs, .cu_q = rows->cu, .cu_k = rows->cu, .scale = scale, .key_bias = bias,
                              .key_bias_here = here, .out = f->h, .ldo = d};
    if ((s = b->op->attention(b, &a, err)) != SAINT_OK) return s;
    return linear_residual(f, f->h, t, &k->proj, k->ls1, rows->x, err);
}

saint_status saint_vit_mlp(saint_vit_forward *f, int layer, saint_rows *rows, saint_error *err)
{
    saint_status s;
    saint_backend *b = f->b;
    const saint_vit *v = &f->m->vit;
    const saint_vit_block *k = &v->block[layer];
    int64_t t = saint_rows_total(rows);
    if ((s = b->op->layernorm(b, rows->x, t, v->dim, k->ln2.w, k->ln2.b, v->eps, f->h, b->compute, err)) != SAINT_OK) return s;
    if ((s = linear(f, f->h, t, &k->fc1, v->act, f->mlp, err)) != SAINT_OK) return s;
    return linear_residual(f, f->mlp, t, &k->fc2, k->ls2, rows->x, err);
}

/* logits host [rows, classes] */
static saint_status head(saint_vit_forward *f, const float *pooled, int rows, const saint_dense *w, float *logits, saint_error *err)
{
    saint_status s;
    saint_backend *b = f->b;
    const saint_vit *v = &f->m->vit;
    size_t bytes = (size_t)rows * (size_t)v->classes * sizeof *logits;
    void *y = NULL;
    if ((s = b->op->layernorm(b, pooled, rows, v->dim, v->post.w, v->post.b, v->eps, f->h, b->compute, err)) != SAINT_OK) return s;
    if ((s = b->op->alloc(b, bytes, &y, err)) != SAINT_OK) return s;
    saint_linear_args a = {.m = rows, .x = f->h, .ldx = v->dim, .w = w->w, .bias = w->b, .y = y, .ytype = SAINT_F32, .ldy = v->classes};
    s = b->op->linear_rows(b, &a, err);
    if (s == SAINT_OK) s = b->op->download(b, logits, y, bytes, err);
    b->op->release(b, y);
    return s;
}

saint_status saint_vit_classify(saint_vit_forward *f, const saint_rows *rows, float *logits, saint_error *err)
{
    saint_status s;
    saint_backend *b = f->b;
    const saint_vit *v = &f->m->vit;
    size_t d = (size_t)v->dim, n = (size_t)rows->n_seqs, classes = (size_t)v->classes;
    /* merged tokens weigh as many patches as they stand for */
    s = v->mean_pool ? b->op->pool_rows(b, rows->x, v->dim, rows->n_seqs, rows->cu, v->prefix, rows->size, f->pooled, err)
                     : b->op->gather(b, rows->x, rows->cu, (int64_t)n, d * sizeof(float), f->pooled, err);
    if (s != SAINT_OK) return s;
    if ((s = head(f, f->pooled, (int)n, &v->head, logits, err)) != SAINT_OK) return s;
    if (!v->head_dist.w.data) return SAINT_OK;
    /* distilled DeiT: the mean of both heads, the second one on the distillation token */
    float *second = malloc(n * classes * sizeof *second);
    int32_t *at = malloc(n * sizeof *at);
    s = second && at ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for logits");
    for (size_t i = 0; i < n && s == SAINT_OK; i++) at[i] = rows->cu[i] + 1;
    if (s == SAINT_OK) s = b->op->gather(b, rows->x, at, (int64_t)n, d * sizeof(float), f->pooled, err);
    if (s == SAINT_OK) s = head(f, f->pooled, (int)n, &v->head_dist, second, err);
    for (size_t i = 0; i < n * classes && s == SAINT_OK; i++) logits[i] = (logits[i] + second[i]) / 2;
    free(second);
    free(at);
    return s;
}

saint_status saint_vit_project(saint_vit_forward *f, const saint_rows *rows, int first, int n, float *out, saint_error *err)
{
    saint_status s;
    saint_backend *b = f->b;
    const saint_projector *p = &f->m->projector;
    const float *x = rows->x + (size_t)first * (size_t)rows->dim;
    if ((s = b->op->narrow(b, x, (size_t)n * (size_t)rows->dim, f->h, err)) != SAINT_OK) return s;
    if ((s = linear(f, f->h, n, &p->fc1, p->act, f->mlp, err)) != SAINT_OK) return s;
    saint_linear_args a = {.m = n, .x = f->mlp, .ldx = p->fc2.w.cols, .w = p->fc2.w, .bias = p->fc2.b, .y = out, .ytype = SAINT_F32,
                           .ldy = p->fc2.w.rows};
    return b->op->linear(b, &a, err);
}
