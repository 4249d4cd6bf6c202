/* shapes.c - models of published shapes with random weights, so that speed can be measured without a checkpoint. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/weights.h"

typedef struct {
    const char *name;
    int vit_layers, vit_run, vit_dim, vit_heads, vit_mlp, side, patch, classes;
    saint_act act;
    int llm_layers, llm_dim, llm_heads, llm_mlp, vocab;
} shape;

static const shape shapes[] = {
    {"vit-b16-224", 12, 12, 768, 12, 3072, 224, 16, 1000, SAINT_ACT_GELU_ERF, 0, 0, 0, 0, 0},
    {"vit-l14-336", 24, 23, 1024, 16, 4096, 336, 14, 0, SAINT_ACT_QUICK_GELU, 0, 0, 0, 0, 0}, /* the tower of LLaVA-1.5 */
    {"vit-h14-224", 32, 32, 1280, 16, 5120, 224, 14, 1000, SAINT_ACT_GELU_ERF, 0, 0, 0, 0, 0},
    {"llava-1.5-7b", 24, 23, 1024, 16, 4096, 336, 14, 0, SAINT_ACT_QUICK_GELU, 32, 4096, 32, 11008, 32000},
    {"llava-1.5-13b", 24, 23, 1024, 16, 4096, 336, 14, 0, SAINT_ACT_QUICK_GELU, 40, 5120, 40, 13824, 32000},
};

const char *saint_shape_name(int i)
{
    return i >= 0 && (size_t)i < sizeof shapes / sizeof *shapes ? shapes[i].name : NULL;
}

typedef struct {
    saint_model *m;
    uint64_t state;
    saint_dtype type;
    bool failed;
} maker;

static uint64_t next(maker *k)
{
    /* splitmix64 */
    uint64_t z = (k->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void *take(maker *k, size_t bytes)
{
    void *p = k->failed ? NULL : saint_model_alloc(k->m, bytes);
    k->failed = k->failed || !p;
    return p;
}

/* Uniform values whose sums keep unit variance: a weight of `cols` inputs has standard deviation 1 / sqrt(cols). */
static saint_matrix matrix(maker *k, int64_t rows, int64_t cols)
{
    saint_matrix w = {.type = k->type, .rows = rows, .cols = cols};
    size_t n = (size_t)(rows * cols);
    void *p = take(k, n * saint_dtype_size(k->type));
    if (!p) return w;
    float scale = sqrtf(3.0f / (float)cols) / 32768.0f;
    for (size_t i = 0; i < n; i += 4) {
        uint64_t bits = next(k);
        for (size_t j = i; j < i + 4 && j < n; j++, bits >>= 16) {
            float v = (float)(int16_t)(bits & 0xffff) * scale;
            if (k->type == SAINT_F32) ((float *)p)[j] = v;
            else ((uint16_t *)p)[j] = k->type == SAINT_BF16 ? saint_f32_to_bf16(v) : saint_f32_to_f16(v);
        }
    }
    w.data = p;
    k->m->info.weight_bytes += n * saint_dtype_size(k->type);
    return w;
}

static const float *constant(maker *k, int64_t n, float value, float noise)
{
    float *p = take(k, (size_t)n * sizeof *p);
    for (int64_t i = 0; p && i < n; i++) p[i] = value + noise * ((float)(next(k) >> 40) / 8388608.0f - 1.0f);
    return p;
}

static saint_dense dense(maker *k, int64_t rows, int64_t cols, bool bias)
{
    saint_dense d = {.w = matrix(k, rows, cols)};
    if (bias) d.b = constant(k, rows, 0, 0.02f);
    return d;
}

static saint_norm norm(maker *k, int64_t n, bool bias)
{
    saint_norm v = {.w = constant(k, n, 1, 0.1f)};
    if (bias) v.b = constant(k, n, 0, 0.02f);
    return v;
}

static void make_vit(maker *k, const shape *s)
{
    saint_vit *v = &k->m->vit;
    bool clip = s->classes == 0;
    int64_t d = s->vit_dim;
    *v = (saint_vit){.layers = s->vit_layers,
                     .dim = s->vit_dim,
                     .heads = s->vit_heads,
                     .mlp = s->vit_mlp,
                     .side = s->side,
                     .patch = s->patch,
                     .grid = s->side / s->patch,
                     .prefix = 1,
                     .run = s->vit_run,
                     .eps = clip ? 1e-5f : 1e-6f,
                     .act = s->act,
                     .classes = s->classes};
    v->embed = dense(k, d, 3 * (int64_t)s->patch * s->patch, !clip);
    v->cls = constant(k, d, 0, 0.5f);
    v->pos = constant(k, (1 + (int64_t)v->grid * v->grid) * d, 0, 0.1f);
    if (clip) v->pre = norm(k, d, true);
    else {
        v->post = norm(k, d, true);
        v->head = dense(k, s->classes, d, true);
    }
    v->block = take(k, (size_t)v->layers * sizeof *v->block);
    for (int i = 0; i < v->layers && !k->failed; i++)
        v->block[i] = (saint_vit_block){.ln1 = norm(k, d, true),
                                        .ln2 = norm(k, d, true),
                                        .q = dense(k, d, d, true),
                                        .k = dense(k, d, d, true),
                                        .v = dense(k, d, d, true),
                                        .proj = dense(k, d, d, true),
                                        .fc1 = dense(k, s->vit_mlp, d, true),
                                        .fc2 = dense(k, d, s->vit_mlp, true)};
}

static void make_llm(maker *k, const shape *s)
{
    enum { OWN_BYTES = 768 << 20 }; /* far larger than any cache: sharing weights between layers does not flatter the clock */
    saint_llm *l = &k->m->llm;
    int64_t d = s->llm_dim;
    *l = (saint_llm){.layers = s->llm_layers,
                     .dim = s->llm_dim,
                     .heads = s->llm_heads,
                     .kv_heads = s->llm_heads,
                     .head_dim = s->llm_dim / s->llm_heads,
                     .mlp = s->llm_mlp,
                     .vocab = s->vocab,
                     .eps = 1e-5f,
                     .max_positions = 4096,
                     .eos = {2},
                     .n_eos = 1};
    l->inv_freq = take(k, (size_t)l->head_dim / 2 * sizeof *l->inv_freq);
    for (int i = 0; l->inv_freq && i < l->head_dim / 2; i++) l->inv_freq[i] = 1.0f / powf(10000.0f, (float)(2 * i) / (float)l->head_dim);
    l->embed = matrix(k, s->vocab, d);
    l->norm = norm(k, d, false);
    l->head = matrix(k, s->vocab, d);
    k->m->projector = (saint_projector){.fc1 = dense(k, d, s->vit_dim, true), .fc2 = dense(k, d, d, true), .act = SAINT_ACT_GELU_ERF};
    l->block = take(k, (size_t)l->layers * sizeof *l->block);
    size_t layer_bytes = (size_t)(4 * d * d + 3 * d * s->llm_mlp) * saint_dtype_size(k->type);
    int own = (int)(OWN_BYTES / layer_bytes) + 1;
    for (int i = 0; i < l->layers && !k->failed; i++) {
        if (i >= own) {
            l->block[i] = l->block[i % own];
            k->m->info.weight_bytes += layer_bytes;
            continue;
        }
        l->block[i] = (saint_llm_block){.norm1 = norm(k, d, false), .norm2 = norm(k, d, false), .q = dense(k, d, d, false),
                                        .k = dense(k, d, d, false), .v = dense(k, d, d, false), .o = dense(k, d, d, false),
                                        .gate = dense(k, s->llm_mlp, d, false), .up = dense(k, s->llm_mlp, d, false),
                                        .down = dense(k, d, s->llm_mlp, false)};
    }
}

saint_status saint_model_random(saint_model **out, const char *name, uint64_t seed, saint_dtype weight_type, saint_error *err)
{
    const shape *s = NULL;
    *out = NULL;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (strcmp(shapes[i].name, name) == 0) s = &shapes[i];
    if (!s)
        return saint_fail(err, SAINT_INVALID, "%s: no such shape (vit-b16-224, vit-l14-336, vit-h14-224, llava-1.5-7b, llava-1.5-13b)",
                          name);
    saint_model *m = calloc(1, sizeof *m);
    if (!m) return saint_fail(err, SAINT_MEMORY, "no memory for a model");
    m->refs = 1;
    maker k = {.m = m, .state = seed, .type = weight_type};
    make_vit(&k, s);
    if (s->llm_layers) make_llm(&k, s);
    if (k.failed) {
        saint_model_unref(m);
        return saint_fail(err, SAINT_MEMORY, "no memory for random weights of shape %s", name);
    }
    static const saint_preproc clip = {.fit = SAINT_FIT_PAD,
                                       .filter = SAINT_RESAMPLE_BICUBIC,
                                       .mean = {0.48145466f, 0.4578275f, 0.40821073f},
                                       .std = {0.26862954f, 0.26130258f, 0.27577711f},
                                       .pad = {122, 116, 104}};
    m->preproc = clip;
    m->preproc.side = m->preproc.resize = s->side;
    saint_model_fill_info(m);
    m->info.weight_type = weight_type;
    m->info.n_params = m->info.weight_bytes / saint_dtype_size(weight_type);
    m->info.random_weights = true;
    snprintf(m->info.name, sizeof m->info.name, "%s", s->name);
    snprintf(m->info.architecture, sizeof m->info.architecture, "%s", s->llm_layers ? "llava" : s->classes ? "timm-vit" : "clip-vit");
    snprintf(m->info.layout, sizeof m->info.layout, "random");
    saint_sha256 h;
    saint_sha256_init(&h);
    saint_sha256_update(&h, s->name, strlen(s->name) + 1);
    saint_sha256_update(&h, &seed, sizeof seed);
    saint_sha256_update(&h, &weight_type, sizeof weight_type);
    m->info.digest = saint_sha256_final(&h);
    *out = m;
    return SAINT_OK;
}
