#define _GNU_SOURCE
/* bind.c - from tensor names to weights. All published layouts are first brought to one set of canonical names:
 *   vision.*  CLIP tower     proj.{0,2}.*  projector     llm.*  LLaMA     anything else keeps its name (timm). */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "models/weights.h"

typedef struct {
    char *canonical;
    const saint_tensor *t;
} entry;

struct saint_names {
    entry *e;
    int n;
};

static const struct {
    const char *from, *to;
} prefixes[] = {
    /* longest first where one starts with another */
    {"model.vision_tower.vision_tower.vision_model.", "vision."},
    {"model.vision_tower.vision_model.", "vision."},
    {"model.vision_tower.", "vision."},
    {"vision_tower.vision_model.", "vision."},
    {"vision_tower.", "vision."},
    {"vision_model.", "vision."},
    {"model.multi_modal_projector.linear_1.", "proj.0."},
    {"model.multi_modal_projector.linear_2.", "proj.2."},
    {"multi_modal_projector.linear_1.", "proj.0."},
    {"multi_modal_projector.linear_2.", "proj.2."},
    {"model.mm_projector.", "proj."},
    {"mm_projector.", "proj."},
    {"language_model.model.", "llm."},
    {"model.language_model.", "llm."},
    {"language_model.lm_head.", "llm.lm_head."},
    {"lm_head.", "llm.lm_head."},
    {"model.", "llm."},
};

static char *canonical_name(const char *name)
{
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t n = strlen(prefixes[i].from);
        if (strncmp(name, prefixes[i].from, n) != 0) continue;
        size_t size = strlen(prefixes[i].to) + strlen(name + n) + 1;
        char *out = malloc(size);
        if (out) snprintf(out, size, "%s%s", prefixes[i].to, name + n);
        return out;
    }
    return strdup(name);
}

/* Part of published checkpoints, never needed. */
static bool ignored(const char *name)
{
    const char *dot = strrchr(name, '.');
    return (dot && (strcmp(dot, ".inv_freq") == 0 || strcmp(dot, ".position_ids") == 0)) || strncmp(name, "text_model.", 11) == 0 ||
           strcmp(name, "logit_scale") == 0 || strstr(name, "_projection.weight") != NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->canonical, ((const entry *)b)->canonical);
}

saint_status saint_names_build(saint_names **out, const saint_checkpoint *a, const saint_checkpoint *b, saint_error *err)
{
    int total = saint_checkpoint_count(a) + (b ? saint_checkpoint_count(b) : 0);
    saint_names *n = calloc(1, sizeof *n);
    if (n) n->e = calloc((size_t)total + 1, sizeof *n->e);
    if (!n || !n->e) {
        saint_names_free(n);
        return saint_fail(err, SAINT_MEMORY, "no memory for %d tensor names", total);
    }
    for (int i = 0; i < total; i++) {
        int na = saint_checkpoint_count(a);
        const saint_tensor *t = i < na ? saint_checkpoint_at(a, i) : saint_checkpoint_at(b, i - na);
        if (ignored(t->name)) continue;
        n->e[n->n].t = t;
        n->e[n->n].canonical = canonical_name(t->name);
        if (!n->e[n->n++].canonical) {
            saint_names_free(n);
            return saint_fail(err, SAINT_MEMORY, "no memory for %d tensor names", total);
        }
    }
    qsort(n->e, (size_t)n->n, sizeof *n->e, by_name);
    for (int i = 1; i < n->n; i++)
        if (strcmp(n->e[i - 1].canonical, n->e[i].canonical) == 0) {
            saint_fail(err, SAINT_FORMAT, "tensors %s and %s mean the same weight", n->e[i - 1].t->name, n->e[i].t->name);
            saint_names_free(n);
            return SAINT_FORMAT;
        }
    *out = n;
    return SAINT_OK;
}

void saint_names_free(saint_names *n)
{
    if (!n) return;
    for (int i = 0; n->e && i < n->n; i++) free(n->e[i].canonical);
    free(n->e);
    free(n);
}

const saint_tensor *saint_names_find(const saint_names *n, const char *canonical)
{
    entry key = {.canonical = (char *)(uintptr_t)canonical};
    const entry *e = bsearch(&key, n->e, (size_t)n->n, sizeof *n->e, by_name);
    return e ? e->t : NULL;
}

const saint_tensor *saint_names_at(const saint_names *n, int i, const char **canonical)
{
    if (i < 0 || i >= n->n) return NULL;
    *canonical = n->e[i].canonical;
    return n->e[i].t;
}

int saint_names_count(const saint_names *n, const char *prefix)
{
    int count = 0;
    for (int i = 0; i < n->n; i++) count += strncmp(n->e[i].canonical, prefix, strlen(prefix)) == 0;
    return count;
}

/* ---- typed, checked look-ups ------------------------------------------------------------------------------ */

typedef struct {
    saint_model *m;
    const saint_names *n;
    saint_error *err;
    saint_status status; /* the first failure sticks, so that binding code reads as a list */
} binder;

static void shape_text(const saint_tensor *t, char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "[");
    for (int i = 0; i < t->rank && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%lld", i ? ", " : "", (long long)t->shape[i]);
    if (used < size) snprintf(out + used, size - used, "]");
}

static bool is_float(saint_dtype t)
{
    return t == SAINT_F32 || t == SAINT_F16 || t == SAINT_BF16;
}

#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
static const saint_tensor *look_up(binder *b, bool optional, const char *fmt, ...)
{
    char name[256];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(name, sizeof name, fmt, ap);
    va_end(ap);
    if (b->status != SAINT_OK) return NULL;
    const saint_tensor *t = saint_names_find(b->n, name);
    if (!t) {
        if (!optional) b->status = saint_fail(b->err, SAINT_FORMAT, "the checkpoint lacks the tensor %s that its config asks for", name);
        return NULL;
    }
    if (!is_float(t->type)) {
        b->status =
            saint_fail(b->err, SAINT_UNSUPPORTED, "tensor %s: expected F32, F16 or BF16, found %s", t->name, saint_dtype_name(t->type));
        return NULL;
    }
    return t;
}

static void check_count(binder *b, const saint_tensor *t, int64_t rows, int64_t cols)
{
    size_t want = (size_t)(rows * cols), have = 0;
    bool ok = saint_shape_count(t->shape, t->rank, &have) && have == want;
    if (ok && rows > 1 && cols > 1) ok = t->rank >= 2 && t->shape[0] == rows; /* [rows, cols], or conv [rows, c, h, w] */
    if (ok) return;
    char found[96];
    shape_text(t, found, sizeof found);
    b->status =
        saint_fail(b->err, SAINT_FORMAT, "tensor %s: expected %lld x %lld, found %s", t->name, (long long)rows, (long long)cols, found);
}

static saint_matrix matrix(binder *b, const saint_tensor *t, int64_t rows, int64_t cols)
{
    saint_matrix w = {0};
    if (!t || b->status != SAINT_OK) return w;
    check_count(b, t, rows, cols);
    if (b->status != SAINT_OK) return w;
    w.data = t->data;
    w.type = t->type;
    w.rows = rows;
    w.cols = cols;
    b->m->info.n_params += (uint64_t)(rows * cols);
    b->m->info.weight_type = t->type;
    return w;
}

/* Small vectors are widened once: every kernel then reads f32. */
static const float *vector(binder *b, const saint_tensor *t, int64_t n)
{
    if (!t || b->status != SAINT_OK) return NULL;
    check_count(b, t, 1, n);
    if (b->status != SAINT_OK) return NULL;
    float *v = saint_model_alloc(b->m, (size_t)n * sizeof *v);
    if (!v) {
        b->status = saint_fail(b->err, SAINT_MEMORY, "no memory for %s", t->name);
        return NULL;
    }
    saint_to_f32(v, t->data, t->type, (size_t)n);
    b->m->info.n_params += (uint64_t)n;
    return v;
}

/* prefix.weight [rows, cols] and prefix.bias [rows] */
static saint_dense dense(binder *b, bool bias_needed, int64_t rows, int64_t cols, const char *prefix)
{
    saint_dense d;
    d.w = matrix(b, look_up(b, false, "%s.weight", prefix), rows, cols);
    d.b = vector(b, look_up(b, !bias_needed, "%s.bias", prefix), rows);
    return d;
}

static saint_norm norm(binder *b, bool bias, int64_t n, const char *prefix)
{
    saint_norm v = {0};
    v.w = vector(b, look_up(b, false, "%s.weight", prefix), n);
    if (bias) v.b = vector(b, look_up(b, false, "%s.bias", prefix), n);
    return v;
}

static char *join(char *buf, size_t size, const char *fmt, int layer, const char *tail)
{
    int used = snprintf(buf, size, fmt, layer);
    if (used > 0 && (size_t)used < size) snprintf(buf + used, size - (size_t)used, "%s", tail);
    return buf;
}

static bool alloc_vit_blocks(binder *b, saint_vit *v)
{
    v->block = saint_model_alloc(b->m, (size_t)v->layers * sizeof *v->block);
    if (!v->block) b->status = saint_fail(b->err, SAINT_MEMORY, "no memory for %d layers", v->layers);
    return v->block != NULL;
}

saint_status saint_bind_clip(saint_model *m, const saint_names *n, saint_error *err)
{
    binder b = {m, n, err, SAINT_OK};
    saint_vit *v = &m->vit;
    int64_t d = v->dim, rows = v->prefix + (int64_t)v->grid * v->grid;
    char p[128];
    if (!alloc_vit_blocks(&b, v)) return b.status;
    v->embed.w = matrix(&b, look_up(&b, false, "vision.embeddings.patch_embedding.weight"), d, 3 * (int64_t)v->patch * v->patch);
    v->embed.b = vector(&b, look_up(&b, true, "vision.embeddings.patch_embedding.bias"), d);
    v->cls = vector(&b, look_up(&b, false, "vision.embeddings.class_embedding"), d);
    v->pos = vector(&b, look_up(&b, false, "vision.embeddings.position_embedding.weight"), rows * d);
    v->pre = norm(&b, true, d, "vision.pre_layrnorm");
    /* LLaVA never needs the blocks behind its feature layer, and some checkpoints leave them out */
    int have = v->layers;
    while (have > v->run && saint_names_count(n, join(p, sizeof p, "vision.encoder.layers.%d", have - 1, ".")) == 0) have--;
    v->layers = have;
    for (int i = 0; i < v->layers && b.status == SAINT_OK; i++) {
        saint_vit_block *k = &v->block[i];
        static const char at[] = "vision.encoder.layers.%d";
        k->ln1 = norm(&b, true, d, join(p, sizeof p, at, i, ".layer_norm1"));
        k->q = dense(&b, true, d, d, join(p, sizeof p, at, i, ".self_attn.q_proj"));
        k->k = dense(&b, true, d, d, join(p, sizeof p, at, i, ".self_attn.k_proj"));
        k->v = dense(&b, true, d, d, join(p, sizeof p, at, i, ".self_attn.v_proj"));
        k->proj = dense(&b, true, d, d, join(p, sizeof p, at, i, ".self_attn.out_proj"));
        k->ln2 = norm(&b, true, d, join(p, sizeof p, at, i, ".layer_norm2"));
        k->fc1 = dense(&b, true, v->mlp, d, join(p, sizeof p, at, i, ".mlp.fc1"));
        k->fc2 = dense(&b, true, d, v->mlp, join(p, sizeof p, at, i, ".mlp.fc2"));
    }
    return b.status;
}

/* The fused [3 dim, dim] projection of timm as three views of its rows. */
static void split_qkv(binder *b, saint_vit_block *k, saint_dense qkv, int64_t d)
{
    if (b->status != SAINT_OK) return;
    saint_dense *part[3] = {&k->q, &k->k, &k->v};
    size_t bytes = (size_t)(d * d) * saint_dtype_size(qkv.w.type);
    for (int i = 0; i < 3; i++) {
        part[i]->w = (saint_matrix){(const char *)qkv.w.data + (size_t)i * bytes, qkv.w.type, d, d};
        part[i]->b = qkv.b ? qkv.b + i * d : NULL;
    }
}

static void refuse_tensors(binder *b, const char *const *names)
{
    for (; *names && b->status == SAINT_OK; names++)
        if (saint_names_find(b->n, *names))
            b->status = saint_fail(b->err, SAINT_UNSUPPORTED, "tensor %s: this variant of the timm ViT is not implemented", *names);
}

saint_status saint_bind_timm(saint_model *m, const saint_names *n, saint_error *err)
{
    static const char *const unsupported[] = {"blocks.0.attn.q_norm.weight", "blocks.0.attn.k_norm.weight", "reg_token", "attn_pool.latent",
                                              "blocks.0.mlp.fc1_g.weight", "blocks.0.attn.rel_pos.relative_position_bias_table", NULL};
    binder b = {m, n, err, SAINT_OK};
    saint_vit *v = &m->vit;
    int64_t d = v->dim, rows = v->prefix + (int64_t)v->grid * v->grid;
    char p[128];
    refuse_tensors(&b, unsupported);
    if (b.status != SAINT_OK || !alloc_vit_blocks(&b, v)) return b.status;
    v->embed.w = matrix(&b, look_up(&b, false, "patch_embed.proj.weight"), d, 3 * (int64_t)v->patch * v->patch);
    v->embed.b = vector(&b, look_up(&b, true, "patch_embed.proj.bias"), d);
    float *cls = saint_model_alloc(m, (size_t)v->prefix * (size_t)d * sizeof *cls);
    const float *one = vector(&b, look_up(&b, false, "cls_token"), d);
    const float *dist = v->prefix > 1 ? vector(&b, look_up(&b, false, "dist_token"), d) : NULL;
    if (!cls) return saint_fail(err, SAINT_MEMORY, "no memory for the class token");
    if (b.status == SAINT_OK) memcpy(cls, one, (size_t)d * sizeof *cls);
    if (b.status == SAINT_OK && dist) memcpy(cls + d, dist, (size_t)d * sizeof *cls);
    v->cls = cls;
    v->pos = vector(&b, look_up(&b, false, "pos_embed"), rows * d);
    if (saint_names_find(n, "norm_pre.weight")) v->pre = norm(&b, true, d, "norm_pre");
    for (int i = 0; i < v->layers && b.status == SAINT_OK; i++) {
        saint_vit_block *k = &v->block[i];
        k->ln1 = norm(&b, true, d, join(p, sizeof p, "blocks.%d", i, ".norm1"));
        split_qkv(&b, k, dense(&b, false, 3 * d, d, join(p, sizeof p, "blocks.%d", i, ".attn.qkv")), d);
        k->proj = dense(&b, true, d, d, join(p, sizeof p, "blocks.%d", i, ".attn.proj"));
        k->ln2 = norm(&b, true, d, join(p, sizeof p, "blocks.%d", i, ".norm2"));
        k->fc1 = dense(&b, true, v->mlp, d, join(p, sizeof p, "blocks.%d", i, ".mlp.fc1"));
        k->fc2 = dense(&b, true, d, v->mlp, join(p, sizeof p, "blocks.%d", i, ".mlp.fc2"));
        k->ls1 = vector(&b, look_up(&b, true, "blocks.%d.ls1.gamma", i), d);
        k->ls2 = vector(&b, look_up(&b, true, "blocks.%d.ls2.gamma", i), d);
    }
    v->mean_pool = saint_names_find(n, "fc_norm.weight") != NULL;
    v->post = norm(&b, true, d, v->mean_pool ? "fc_norm" : "norm");
    v->head = dense(&b, true, v->classes, d, "head");
    if (saint_names_find(n, "head_dist.weight")) v->head_dist = dense(&b, true, v->classes, d, "head_dist");
    return b.status;
}

saint_status saint_bind_projector(saint_model *m, const saint_names *n, saint_error *err)
{
    binder b = {m, n, err, SAINT_OK};
    m->projector.fc1 = dense(&b, true, m->llm.dim, m->vit.dim, "proj.0");
    m->projector.fc2 = dense(&b, true, m->llm.dim, m->llm.dim, "proj.2");
    return b.status;
}

saint_status saint_bind_llama(saint_model *m, const saint_names *n, saint_error *err)
{
    binder b = {m, n, err, SAINT_OK};
    saint_llm *l = &m->llm;
    int64_t d = l->dim, q = (int64_t)l->heads * l->head_dim, kv = (int64_t)l->kv_heads * l->head_dim;
    char p[128];
    l->block = saint_model_alloc(m, (size_t)l->layers * sizeof *l->block);
    if (!l->block) return saint_fail(err, SAINT_MEMORY, "no memory for %d layers", l->layers);
    l->embed = matrix(&b, look_up(&b, false, "llm.embed_tokens.weight"), l->vocab, d);
    l->norm = norm(&b, false, d, "llm.norm");
    const saint_tensor *head = look_up(&b, true, "llm.lm_head.weight"); /* absent when tied to the embedding */
    l->head = head ? matrix(&b, head, l->vocab, d) : l->embed;
    for (int i = 0; i < l->layers && b.status == SAINT_OK; i++) {
        saint_llm_block *k = &l->block[i];
        static const char at[] = "llm.layers.%d";
        k->norm1 = norm(&b, false, d, join(p, sizeof p, at, i, ".input_layernorm"));
        k->norm2 = norm(&b, false, d, join(p, sizeof p, at, i, ".post_attention_layernorm"));
        k->q = dense(&b, false, q, d, join(p, sizeof p, at, i, ".self_attn.q_proj"));
        k->k = dense(&b, false, kv, d, join(p, sizeof p, at, i, ".self_attn.k_proj"));
        k->v = dense(&b, false, kv, d, join(p, sizeof p, at, i, ".self_attn.v_proj"));
        k->o = dense(&b, false, d, q, join(p, sizeof p, at, i, ".self_attn.o_proj"));
        k->gate = dense(&b, false, l->mlp, d, join(p, sizeof p, at, i, ".mlp.gate_proj"));
        k->up = dense(&b, false, l->mlp, d, join(p, sizeof p, at, i, ".mlp.up_proj"));
        k->down = dense(&b, false, d, l->mlp, join(p, sizeof p, at, i, ".mlp.down_proj"));
    }
    return b.status;
}
