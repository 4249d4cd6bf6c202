/* model.h - a loaded model: configuration, bound weights, tokenizer, preprocessing. Immutable after loading, shared by sessions. */
#ifndef SAINT_MODELS_MODEL_H
#define SAINT_MODELS_MODEL_H

#include "backend/backend.h"
#include "base/sha256.h"
#include "formats/preprocess.h"
#include "formats/prompt.h"

typedef struct saint_model saint_model;

typedef struct {
    char name[128];         /* last part of the folder's path, or the shape's name */
    char architecture[48];  /* "llava", "clip-vit", "timm-vit", "llama" */
    char layout[24];        /* tensor names: "hf", "hf-new", "liuhaotian", "timm", "random" */
    char format[16];        /* files: "safetensors", "torch_zip"; "" for random weights */
    int vit_layers;         /* stored; 0 = no ViT */
    int vit_layers_run;     /* blocks that are computed: LLaVA takes its features before the last */
    int vit_dim, vit_heads, vit_mlp, vit_prefix; /* prefix: class token, distillation token */
    int image_side, patch, grid_w, grid_h;
    int classes;            /* 0 = no classifier head */
    int llm_layers;         /* 0 = no LLM */
    int llm_dim, llm_heads, llm_kv_heads, llm_head_dim, llm_mlp, vocab;
    uint64_t n_params, weight_bytes; /* mapped, not copied */
    saint_dtype weight_type;         /* of the matrices */
    saint_digest digest;             /* over names, types, shapes and bytes of all tensors in order of name */
    bool digest_sampled;             /* models over 64 MiB: the first and last 32 KiB of each tensor instead of all bytes */
    bool random_weights;
} saint_model_info;

typedef struct {
    const char *vision_tower; /* folder of the CLIP tower of a liuhaotian checkpoint; NULL = look beside the model */
    const char *template_name; /* conversation template; NULL = the layout's own */
    const char *fit;           /* "pad", "crop", "stretch"; NULL = the checkpoint's own */
} saint_model_options;

/* Load the folder `dir`. Everything is validated here: names, shapes, types, files; what is not supported is refused by name. */
saint_status saint_model_load(saint_model **out, const char *dir, const saint_model_options *o, saint_error *err);
/* A model of a published shape with random weights, for measuring speed without a checkpoint. Layers share one set of weights larger
 * than any cache, so that llava-1.5-13b fits a small machine; answers are noise. NULL-terminated names: saint_shape_name(i). */
saint_status saint_model_random(saint_model **out, const char *shape, uint64_t seed, saint_dtype weight_type, saint_error *err);
const char *saint_shape_name(int i);
saint_model *saint_model_ref(saint_model *m);
void saint_model_unref(saint_model *m); /* NULL is allowed */

const saint_model_info *saint_model_get_info(const saint_model *m); /* borrowed, life of m */
const saint_preproc *saint_model_preproc(const saint_model *m);
const saint_tokenizer *saint_model_tokenizer(const saint_model *m); /* NULL for classifiers and random shapes */
const saint_template *saint_model_template(const saint_model *m);
/* Name of a class, or NULL when the checkpoint does not name it. */
const char *saint_model_label(const saint_model *m, int klass);

#endif
