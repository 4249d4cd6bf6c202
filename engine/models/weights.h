/* weights.h - inside of a model: configurations and bound weights. Matrices are views into mapped files; vectors (norms, biases,
 * position tables) are small and widened to f32 once. */
#ifndef SAINT_MODELS_WEIGHTS_H
#define SAINT_MODELS_WEIGHTS_H

#include "formats/checkpoint.h"
#include "models/model.h"

typedef struct {
    const float *w, *b; /* b NULL for RMSNorm */
} saint_norm;

typedef struct {
    saint_matrix w;
    const float *b; /* NULL = no bias */
} saint_dense;

typedef struct {
    saint_norm ln1, ln2;
    saint_dense q, k, v, proj, fc1, fc2;
    const float *ls1, *ls2; /* LayerScale, or NULL */
} saint_vit_block;

typedef struct {
    int layers, dim, heads, mlp, side, patch, grid, prefix;
    int run; /* blocks to compute */
    float eps;
    saint_act act;
    bool mean_pool;  /* classifier pools patch tokens instead of the class token */
    int classes;
    saint_dense embed;         /* [dim, 3 * patch * patch] */
    const float *cls;          /* [prefix, dim] class (and distillation) token */
    const float *pos;          /* [prefix + grid * grid, dim] */
    saint_norm pre, post;      /* pre: CLIP; post: final norm of a classifier (w NULL = none) */
    saint_vit_block *block;    /* [layers] */
    saint_dense head, head_dist; /* head_dist.w.data NULL = none */
} saint_vit;

typedef struct {
    saint_norm norm1, norm2;
    saint_dense q, k, v, o, gate, up, down;
} saint_llm_block;

typedef struct {
    int layers, dim, heads, kv_heads, head_dim, mlp, vocab;
    float eps;
    float *inv_freq; /* [head_dim / 2] */
    int max_positions;
    saint_matrix embed;
    saint_norm norm;
    saint_matrix head;
    saint_llm_block *block;
    int eos[8], n_eos;
} saint_llm;

typedef struct {
    saint_dense fc1, fc2;
    saint_act act;
} saint_projector;

struct saint_model {
    int refs; /* atomic */
    saint_model_info info;
    saint_vit vit;
    saint_projector projector;
    saint_llm llm;
    saint_preproc preproc;
    saint_tokenizer *tokenizer;
    const saint_template *template;
    char **labels; /* [classes] or NULL */
    saint_checkpoint *files[2];
    void **owned; /* f32 vectors and random weights */
    int n_owned, cap_owned;
};

/* Memory that lives as long as the model; NULL when there is none. */
void *saint_model_alloc(saint_model *m, size_t bytes);

/* Public numbers from the bound configuration. */
void saint_model_fill_info(saint_model *m);

/* config.c: fill configurations from config.json (and files beside it). */
saint_status saint_config_vit_clip(const cJSON *c, const char *what, saint_vit *v, saint_error *err);
saint_status saint_config_llama(const cJSON *c, const char *what, saint_llm *l, saint_error *err);
saint_status saint_config_eos(const cJSON *c, const char *what, saint_llm *l, saint_error *err); /* eos_token_id: one or several */

/* bind.c: names of the checkpoint in canonical form, and the binding of each architecture. */
typedef struct saint_names saint_names;
saint_status saint_names_build(saint_names **out, const saint_checkpoint *a, const saint_checkpoint *b, saint_error *err);
void saint_names_free(saint_names *n);
const saint_tensor *saint_names_find(const saint_names *n, const char *canonical);
/* In order of canonical name; NULL past the end. */
const saint_tensor *saint_names_at(const saint_names *n, int i, const char **canonical);
/* How many canonical names start with the prefix. */
int saint_names_count(const saint_names *n, const char *prefix);
saint_status saint_bind_clip(saint_model *m, const saint_names *n, saint_error *err);
saint_status saint_bind_timm(saint_model *m, const saint_names *n, saint_error *err);
saint_status saint_bind_projector(saint_model *m, const saint_names *n, saint_error *err);
saint_status saint_bind_llama(saint_model *m, const saint_names *n, saint_error *err);

#endif
