#define _GNU_SOURCE
/* load.c - a model folder in, a validated model out. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "models/weights.h"

enum { MAX_CONFIG = 64 << 20 };

static const char *base_name(const char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--;
    size_t start = n;
    while (start && path[start - 1] != '/') start--;
    return path + start;
}

static void set_name(saint_model_info *info, const char *dir)
{
    const char *b = base_name(dir);
    size_t n = strcspn(b, "/");
    snprintf(info->name, sizeof info->name, "%.*s", (int)(n < 100 ? n : 100), b);
}

static char *path_join(const char *dir, const char *file)
{
    size_t n = strlen(dir) + strlen(file) + 2;
    char *p = malloc(n);
    if (p) snprintf(p, n, "%s/%s", dir, file);
    return p;
}

/* *out NULL and SAINT_OK when the file is not there. */
static saint_status load_json(const char *dir, const char *file, cJSON **out, saint_error *err)
{
    *out = NULL;
    char *path = path_join(dir, file);
    if (!path) return saint_fail(err, SAINT_MEMORY, "no memory");
    saint_status s = saint_file_exists(path) ? saint_json_load(path, MAX_CONFIG, out, err) : SAINT_OK;
    free(path);
    return s;
}

/* The containers of checkpoint.h, else the folder's only .pth (MAE distributes its weights that way). */
static saint_status open_weights(const char *dir, saint_checkpoint **out, saint_error *err)
{
    saint_error first = {0};
    saint_status s = saint_checkpoint_open_dir(out, dir, &first);
    if (s == SAINT_OK) return s;
    char only[512] = "";
    int found = 0;
    DIR *d = s == SAINT_IO ? opendir(dir) : NULL;
    for (struct dirent *e; d && (e = readdir(d));) {
        size_t n = strlen(e->d_name);
        if (n > 4 && n < 256 && strcmp(e->d_name + n - 4, ".pth") == 0 && found++ == 0) snprintf(only, sizeof only, "%s", e->d_name);
    }
    if (d) closedir(d);
    if (found == 1) {
        char *path = path_join(dir, only);
        s = path ? saint_checkpoint_open_file(out, path, err) : saint_fail(err, SAINT_MEMORY, "no memory");
        free(path);
        return s;
    }
    if (err) *err = first;
    return s;
}

static void compute_digest(saint_model *m, const saint_names *names, const saint_checkpoint *a, const saint_checkpoint *b)
{
    enum { WHOLE = 64 << 20, EDGE = 32 << 10 };
    saint_sha256 h;
    saint_sha256_init(&h);
    m->info.weight_bytes = saint_checkpoint_mapped_bytes(a) + (b ? saint_checkpoint_mapped_bytes(b) : 0);
    m->info.digest_sampled = m->info.weight_bytes > WHOLE;
    for (int i = 0;; i++) {
        const char *name;
        const saint_tensor *t = saint_names_at(names, i, &name);
        if (!t) break;
        saint_sha256_update(&h, name, strlen(name) + 1);
        saint_sha256_update(&h, saint_dtype_name(t->type), strlen(saint_dtype_name(t->type)) + 1);
        for (int k = 0; k < t->rank; k++) {
            char dim[24];
            saint_sha256_update(&h, dim, (size_t)snprintf(dim, sizeof dim, "%lld,", (long long)t->shape[k]));
        }
        if (m->info.digest_sampled && t->bytes > 2 * EDGE) {
            saint_sha256_update(&h, t->data, EDGE);
            saint_sha256_update(&h, (const char *)t->data + t->bytes - EDGE, EDGE);
        } else if (t->bytes) {
            saint_sha256_update(&h, t->data, t->bytes);
        }
    }
    m->info.digest = saint_sha256_final(&h);
}

/* ---- preprocessing ------------------------------------------------------------------------------------------ */

static void preproc_clip_default(saint_preproc *p, int side)
{
    static const float mean[3] = {0.48145466f, 0.4578275f, 0.40821073f}, std[3] = {0.26862954f, 0.26130258f, 0.27577711f};
    *p = (saint_preproc){.side = side, .resize = side, .fit = SAINT_FIT_CROP, .rounding = SAINT_ROUND_HF, .filter = SAINT_RESAMPLE_BICUBIC};
    memcpy(p->mean, mean, sizeof mean);
    memcpy(p->std, std, sizeof std);
    for (int i = 0; i < 3; i++) p->pad[i] = (uint8_t)(mean[i] * 255.0f); /* LLaVA: tuple(int(x * 255) for x in image_mean) */
}

static saint_status preproc_from_dir(saint_model *m, const char *dir, saint_error *err)
{
    saint_status s;
    cJSON *c = NULL;
    if ((s = load_json(dir, "preprocessor_config.json", &c, err)) != SAINT_OK) return s;
    s = c ? saint_preproc_from_hf(c, "preprocessor_config.json", &m->preproc, err) : SAINT_OK;
    cJSON_Delete(c);
    if (s == SAINT_OK && m->preproc.side != m->vit.side)
        s = saint_fail(err, SAINT_FORMAT, "%s/preprocessor_config.json: pictures of %d pixels, but the vision tower takes %d", dir,
                       m->preproc.side, m->vit.side);
    return s;
}

static saint_status set_fit(saint_model *m, const char *fit, saint_error *err)
{
    static const char *const names[] = {"pad", "crop", "stretch"};
    for (int i = 0; fit && i < 3; i++)
        if (strcmp(fit, names[i]) == 0) {
            m->preproc.fit = (saint_fit)i;
            return SAINT_OK;
        }
    return fit ? saint_fail(err, SAINT_INVALID, "%s: expected pad, crop or stretch", fit) : SAINT_OK;
}

/* ---- layouts ------------------------------------------------------------------------------------------------ */

static saint_status feature_layer(saint_model *m, const cJSON *c, const char *key, const char *what, saint_error *err)
{
    saint_status s;
    int layer = -2;
    if (cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(c, key)))
        return saint_fail(err, SAINT_UNSUPPORTED, "%s: %s with several layers is not implemented", what, key);
    if ((s = saint_json_int(c, key, -m->vit.layers - 1, m->vit.layers, &layer, what, err)) != SAINT_OK) return s;
    /* hidden_states[0] is the input of block 0, hidden_states[i] the output of block i - 1 */
    int run = layer < 0 ? m->vit.layers + 1 + layer : layer;
    if (run < 1) return saint_fail(err, SAINT_FORMAT, "%s: %s %d leaves no ViT block to run", what, key, layer);
    m->vit.run = run;
    return SAINT_OK;
}

static saint_status want_string(const cJSON *c, const char *key, const char *fallback, const char *a, const char *b, const char *what,
                                saint_error *err)
{
    saint_status s;
    const char *v = fallback;
    if ((s = saint_json_string(c, key, &v, what, err)) != SAINT_OK) return s;
    if (strcmp(v, a) != 0 && strcmp(v, b) != 0)
        return saint_fail(err, SAINT_UNSUPPORTED, "%s: %s \"%s\" is not implemented (\"%s\" is)", what, key, v, a);
    return SAINT_OK;
}

static saint_status llama_config(saint_model *m, const cJSON *c, const char *what, saint_error *err)
{
    saint_status s;
    if ((s = saint_config_llama(c, what, &m->llm, err)) != SAINT_OK) return s; /* first pass: sizes */
    m->llm.inv_freq = saint_model_alloc(m, (size_t)m->llm.head_dim / 2 * sizeof(float));
    if (!m->llm.inv_freq) return saint_fail(err, SAINT_MEMORY, "no memory");
    return saint_config_llama(c, what, &m->llm, err);
}

static saint_status config_llava_hf(saint_model *m, const cJSON *c, const char *what, saint_error *err)
{
    saint_status s;
    static const cJSON nothing = {.type = cJSON_Object};
    const cJSON *vision = cJSON_GetObjectItemCaseSensitive(c, "vision_config"), *text = cJSON_GetObjectItemCaseSensitive(c, "text_config");
    if ((s = want_string(c, "vision_feature_select_strategy", "default", "default", "default", what, err)) != SAINT_OK) return s;
    if ((s = saint_config_vit_clip(vision ? vision : &nothing, what, &m->vit, err)) != SAINT_OK) return s;
    if ((s = feature_layer(m, c, "vision_feature_layer", what, err)) != SAINT_OK) return s;
    if ((s = want_string(c, "projector_hidden_act", "gelu", "gelu", "gelu", what, err)) != SAINT_OK) return s;
    m->projector.act = SAINT_ACT_GELU_ERF;
    if ((s = llama_config(m, text ? text : &nothing, what, err)) != SAINT_OK) return s;
    preproc_clip_default(&m->preproc, m->vit.side);
    m->template = saint_template_find("llava_hf");
    return SAINT_OK;
}

static saint_status config_llava_liuhaotian(saint_model *m, const cJSON *c, const char *what, saint_error *err)
{
    saint_status s;
    const char *aspect = "square";
    if ((s = want_string(c, "mm_vision_select_feature", "patch", "patch", "patch", what, err)) != SAINT_OK) return s;
    if ((s = want_string(c, "mm_projector_type", "linear", "mlp2x_gelu", "mlp2x_gelu", what, err)) != SAINT_OK) return s;
    bool start_end = false;
    if ((s = saint_json_bool(c, "mm_use_im_start_end", &start_end, what, err)) != SAINT_OK) return s;
    if (start_end) return saint_fail(err, SAINT_UNSUPPORTED, "%s: mm_use_im_start_end true is not implemented", what);
    m->projector.act = SAINT_ACT_GELU_ERF;
    if ((s = feature_layer(m, c, "mm_vision_select_layer", what, err)) != SAINT_OK) return s;
    if ((s = llama_config(m, c, what, err)) != SAINT_OK) return s;
    preproc_clip_default(&m->preproc, m->vit.side);
    if ((s = saint_json_string(c, "image_aspect_ratio", &aspect, what, err)) != SAINT_OK) return s;
    if (strcmp(aspect, "pad") == 0) m->preproc.fit = SAINT_FIT_PAD;
    else if (strcmp(aspect, "square") != 0)
        return saint_fail(err, SAINT_UNSUPPORTED, "%s: image_aspect_ratio \"%s\" is not implemented (pad is)", what, aspect);
    m->template = saint_template_find("vicuna_v1");
    return SAINT_OK;
}

/* The folder of the separate CLIP tower: as told, inside the model, or a sibling of that name. */
static saint_status find_tower(const char *dir, const char *name, const char *told, char *out, size_t size, saint_error *err)
{
    const char *tail = base_name(name);
    for (int i = 0; i < 5; i++) {
        char candidate[1024], config[1100];
        if (i == 0) snprintf(candidate, sizeof candidate, "%s", told ? told : "");
        else if (i == 1) snprintf(candidate, sizeof candidate, "%s/vision_tower", dir);
        else if (i == 2) snprintf(candidate, sizeof candidate, "%s/../%s", dir, tail);
        else if (i == 3) snprintf(candidate, sizeof candidate, "%s/../../%s", dir, name);
        else snprintf(candidate, sizeof candidate, "%s", name);
        snprintf(config, sizeof config, "%s/config.json", candidate);
        if (candidate[0] && saint_file_exists(config)) {
            snprintf(out, size, "%s", candidate);
            return SAINT_OK;
        }
        if (i == 0 && told) break;
    }
    return saint_fail(err, SAINT_IO,
                      "%s: its vision tower %s was not found; put that folder beside the model or name it with --vision-tower", dir,
                      told ? told : name);
}

static saint_status tower_config(saint_model *m, const char *tower, saint_error *err)
{
    saint_status s;
    cJSON *c = NULL;
    if ((s = load_json(tower, "config.json", &c, err)) != SAINT_OK) return s;
    const cJSON *vision = cJSON_GetObjectItemCaseSensitive(c, "vision_config");
    s = saint_config_vit_clip(vision ? vision : c, "config.json of the vision tower", &m->vit, err);
    cJSON_Delete(c);
    return s;
}

/* timm: sizes are read off the tensors, the rest off config.json as the hub writes it. */
static saint_status config_timm(saint_model *m, const cJSON *c, const saint_names *n, const char *what, saint_error *err)
{
    saint_status s;
    saint_vit *v = &m->vit;
    const saint_tensor *patch = saint_names_find(n, "patch_embed.proj.weight"), *pos = saint_names_find(n, "pos_embed");
    const saint_tensor *fc1 = saint_names_find(n, "blocks.0.mlp.fc1.weight"), *head = saint_names_find(n, "head.weight");
    if (!patch || patch->rank != 4 || patch->shape[1] != 3 || patch->shape[2] != patch->shape[3] || !pos || pos->rank != 3 || !fc1 ||
        fc1->rank != 2 || !head || head->rank != 2)
        return saint_fail(err, SAINT_FORMAT,
                          "%s: not a timm ViT classifier: patch_embed.proj.weight, pos_embed, blocks.0.mlp.fc1.weight or "
                          "head.weight is missing or has an unexpected shape",
                          what);
    if (patch->shape[0] < 1 || patch->shape[0] > 1 << 16 || patch->shape[2] < 1 || patch->shape[2] > 1024 || pos->shape[1] > 1 << 20 ||
        fc1->shape[0] > 1 << 20 || head->shape[0] > 1 << 24 || head->shape[0] < 1)
        return saint_fail(err, SAINT_FORMAT, "%s: the shapes of the tensors are out of range", what);
    v->dim = (int)patch->shape[0];
    v->patch = (int)patch->shape[2];
    v->mlp = (int)fc1->shape[0];
    v->classes = (int)head->shape[0];
    v->prefix = saint_names_find(n, "dist_token") ? 2 : 1;
    int patches = (int)pos->shape[1] - v->prefix;
    while (v->grid * v->grid < patches) v->grid++;
    if (patches < 1 || v->grid * v->grid != patches)
        return saint_fail(err, SAINT_UNSUPPORTED, "%s: pos_embed of %d rows does not fit a square grid behind %d prefix tokens", what,
                          patches + v->prefix, v->prefix);
    v->side = v->grid * v->patch;
    char name[64];
    for (v->layers = 0; v->layers < 96; v->layers++) {
        snprintf(name, sizeof name, "blocks.%d.norm1.weight", v->layers);
        if (!saint_names_find(n, name)) break;
    }
    if (v->layers < 1 || v->layers > 95) return saint_fail(err, SAINT_FORMAT, "%s: found %d blocks, expected 1 to 95", what, v->layers);
    v->run = v->layers;
    v->eps = 1e-6f;
    v->act = SAINT_ACT_GELU_ERF;
    /* heads of 64 (tiny to large) or 80 (huge), unless the config tells */
    v->heads = v->dim % 64 == 0 && v->dim != 1280 ? v->dim / 64 : v->dim == 1280 ? 16 : 0;
    const cJSON *args = cJSON_GetObjectItemCaseSensitive(c, "model_args");
    if ((s = saint_json_int(c, "num_heads", 1, 1024, &v->heads, what, err)) != SAINT_OK) return s;
    if (args && (s = saint_json_int(args, "num_heads", 1, 1024, &v->heads, what, err)) != SAINT_OK) return s;
    if (!v->heads || v->dim % v->heads)
        return saint_fail(err, SAINT_FORMAT, "%s: the number of heads is not known for width %d; add \"num_heads\" to config.json", what,
                          v->dim);
    const char *architecture = "vit";
    if (c && (s = saint_json_string(c, "architecture", &architecture, what, err)) != SAINT_OK) return s;
    bool clip_style = strstr(architecture, "_clip_") != NULL;
    if (clip_style && strstr(architecture, "quickgelu")) v->act = SAINT_ACT_QUICK_GELU;
    if (clip_style) v->eps = 1e-5f;
    /* timm's own defaults for a ViT: bicubic, crop 0.9, mean = std = 0.5 */
    m->preproc = (saint_preproc){.side = v->side, .resize = (int)((double)v->side / 0.9), .fit = SAINT_FIT_CROP,
                                 .rounding = SAINT_ROUND_TORCHVISION, .filter = SAINT_RESAMPLE_BICUBIC,
                                 .mean = {0.5f, 0.5f, 0.5f}, .std = {0.5f, 0.5f, 0.5f}, .pad = {127, 127, 127}};
    const cJSON *pretrained = cJSON_GetObjectItemCaseSensitive(c, "pretrained_cfg");
    if (pretrained && (s = saint_preproc_from_timm(pretrained, what, &m->preproc, err)) != SAINT_OK) return s;
    if (m->preproc.side != v->side)
        return saint_fail(err, SAINT_FORMAT, "%s: input_size %d, but pos_embed and patch size make %d", what, m->preproc.side, v->side);
    return SAINT_OK;
}

static saint_status read_labels(saint_model *m, const cJSON *c, saint_error *err)
{
    const cJSON *names = cJSON_GetObjectItemCaseSensitive(c, "label_names"), *by_id = cJSON_GetObjectItemCaseSensitive(c, "id2label");
    if (!m->vit.classes || (!names && !by_id)) return SAINT_OK;
    m->labels = calloc((size_t)m->vit.classes, sizeof *m->labels);
    if (!m->labels) return saint_fail(err, SAINT_MEMORY, "no memory for labels");
    int i = 0;
    for (const cJSON *l = names ? names->child : by_id->child; l; l = l->next, i++) {
        int klass = names ? i : atoi(l->string ? l->string : "-1");
        if (klass < 0 || klass >= m->vit.classes || !cJSON_IsString(l) || m->labels[klass]) continue;
        m->labels[klass] = strdup(l->valuestring);
        if (!m->labels[klass]) return saint_fail(err, SAINT_MEMORY, "no memory for labels");
    }
    return SAINT_OK;
}

void saint_model_fill_info(saint_model *m)
{
    saint_model_info *i = &m->info;
    const saint_vit *v = &m->vit;
    const saint_llm *l = &m->llm;
    i->vit_layers = v->layers;
    i->vit_layers_run = v->run;
    i->vit_dim = v->dim;
    i->vit_heads = v->heads;
    i->vit_mlp = v->mlp;
    i->vit_prefix = v->prefix;
    i->image_side = v->side;
    i->patch = v->patch;
    i->grid_w = i->grid_h = v->grid;
    i->classes = v->classes;
    i->llm_layers = l->layers;
    i->llm_dim = l->dim;
    i->llm_heads = l->heads;
    i->llm_kv_heads = l->kv_heads;
    i->llm_head_dim = l->head_dim;
    i->llm_mlp = l->mlp;
    i->vocab = l->vocab;
}

typedef enum { KIND_LLAVA_HF, KIND_LLAVA_LIUHAOTIAN, KIND_CLIP, KIND_LLAMA, KIND_TIMM } model_kind;

static saint_status tell_kind(const cJSON *c, const char *dir, model_kind *kind, saint_error *err)
{
    saint_status s;
    const char *type = NULL, *architecture = NULL;
    if (c) {
        if ((s = saint_json_string(c, "model_type", &type, "config.json", err)) != SAINT_OK) return s;
        if ((s = saint_json_string(c, "architecture", &architecture, "config.json", err)) != SAINT_OK) return s;
    }
    if (c && cJSON_GetObjectItemCaseSensitive(c, "mm_vision_tower")) *kind = KIND_LLAVA_LIUHAOTIAN;
    else if (type && strcmp(type, "llava") == 0) *kind = KIND_LLAVA_HF;
    else if (type && (strcmp(type, "clip_vision_model") == 0 || strcmp(type, "clip") == 0)) *kind = KIND_CLIP;
    else if (type && strcmp(type, "llama") == 0) *kind = KIND_LLAMA;
    else if (!type || architecture) *kind = KIND_TIMM;
    else
        return saint_fail(err, SAINT_UNSUPPORTED,
                          "%s/config.json: model_type \"%s\" is not implemented (llava, clip_vision_model, llama and timm ViTs are)", dir,
                          type);
    return SAINT_OK;
}

static saint_status load_llm_side(saint_model *m, const char *dir, saint_error *err)
{
    saint_status s;
    cJSON *g = NULL;
    if ((s = load_json(dir, "generation_config.json", &g, err)) != SAINT_OK) return s;
    s = SAINT_OK;
    if (g && cJSON_GetObjectItemCaseSensitive(g, "eos_token_id")) s = saint_config_eos(g, "generation_config.json", &m->llm, err);
    cJSON_Delete(g);
    if (s != SAINT_OK) return s;
    if ((s = saint_tokenizer_load(&m->tokenizer, dir, err)) != SAINT_OK) return s;
    if (saint_tokenizer_size(m->tokenizer) > m->llm.vocab)
        return saint_fail(err, SAINT_FORMAT, "%s: the tokenizer has %d ids, but the embedding only %d rows", dir,
                          saint_tokenizer_size(m->tokenizer), m->llm.vocab);
    return SAINT_OK;
}

static saint_status bind_all(saint_model *m, model_kind kind, const cJSON *c, const char *dir, const saint_model_options *o,
                             saint_error *err)
{
    char tower[1100] = "";
    saint_names *names = NULL;
    saint_status s = open_weights(dir, &m->files[0], err);
    if (s == SAINT_OK && kind == KIND_LLAVA_LIUHAOTIAN) {
        const char *name = "";
        s = saint_json_string(c, "mm_vision_tower", &name, "config.json", err);
        if (s == SAINT_OK) s = find_tower(dir, name, o->vision_tower, tower, sizeof tower, err);
        if (s == SAINT_OK) s = tower_config(m, tower, err);
        if (s == SAINT_OK) s = saint_names_build(&names, m->files[0], NULL, err);
        bool embedded = s == SAINT_OK && saint_names_count(names, "vision.") > 0;
        saint_names_free(names);
        names = NULL;
        if (s == SAINT_OK && !embedded) s = open_weights(tower, &m->files[1], err);
    }
    if (s == SAINT_OK) s = saint_names_build(&names, m->files[0], m->files[1], err);
    static const char what[] = "config.json";
    if (s == SAINT_OK) {
        switch (kind) {
        case KIND_LLAVA_HF: s = config_llava_hf(m, c, what, err); break;
        case KIND_LLAVA_LIUHAOTIAN: s = config_llava_liuhaotian(m, c, what, err); break;
        case KIND_CLIP: {
            const cJSON *v = cJSON_GetObjectItemCaseSensitive(c, "vision_config");
            s = saint_config_vit_clip(v ? v : c, what, &m->vit, err);
            preproc_clip_default(&m->preproc, m->vit.side);
            break;
        }
        case KIND_LLAMA:
            s = llama_config(m, c, what, err);
            m->template = saint_template_find("plain");
            break;
        case KIND_TIMM: s = config_timm(m, c, names, dir, err); break;
        }
    }
    bool vlm = kind == KIND_LLAVA_HF || kind == KIND_LLAVA_LIUHAOTIAN;
    saint_fit fit = m->preproc.fit; /* LLaVA's own config decides over the tower's processor */
    if (s == SAINT_OK && (vlm || kind == KIND_CLIP)) s = preproc_from_dir(m, kind == KIND_LLAVA_LIUHAOTIAN ? tower : dir, err);
    if (kind == KIND_LLAVA_LIUHAOTIAN) m->preproc.fit = fit;
    if (s == SAINT_OK && (vlm || kind == KIND_CLIP)) s = saint_bind_clip(m, names, err);
    if (s == SAINT_OK && kind == KIND_TIMM) s = saint_bind_timm(m, names, err);
    if (s == SAINT_OK && vlm) s = saint_bind_projector(m, names, err);
    if (s == SAINT_OK && (vlm || kind == KIND_LLAMA)) s = saint_bind_llama(m, names, err);
    if (s == SAINT_OK && (vlm || kind == KIND_LLAMA)) s = load_llm_side(m, dir, err);
    if (s == SAINT_OK && kind == KIND_TIMM && c) s = read_labels(m, c, err);
    if (s == SAINT_OK) {
        static const char *const architecture[] = {"llava", "llava", "clip-vit", "llama", "timm-vit"};
        static const char *const layout[] = {"hf", "liuhaotian", "hf", "hf", "timm"};
        snprintf(m->info.architecture, sizeof m->info.architecture, "%s", architecture[kind]);
        snprintf(m->info.layout, sizeof m->info.layout, "%s", layout[kind]);
        snprintf(m->info.format, sizeof m->info.format, "%s", saint_checkpoint_format(m->files[0]));
        compute_digest(m, names, m->files[0], m->files[1]);
    }
    saint_names_free(names);
    return s;
}

/* A folder of ours may fix the template and the picture mode: saint.json {"template": .., "image_mode": ..}. */
static saint_status apply_options(saint_model *m, const char *dir, const saint_model_options *o, saint_error *err)
{
    saint_status s;
    cJSON *own = NULL;
    if ((s = load_json(dir, "saint.json", &own, err)) != SAINT_OK) return s;
    const char *template_name = NULL, *fit = NULL;
    s = SAINT_OK;
    if (own) s = saint_json_string(own, "template", &template_name, "saint.json", err);
    if (own && s == SAINT_OK) s = saint_json_string(own, "image_mode", &fit, "saint.json", err);
    if (o->template_name) template_name = o->template_name;
    if (s == SAINT_OK && template_name) {
        const saint_template *t = saint_template_find(template_name);
        if (t) m->template = t;
        else s = saint_fail(err, SAINT_INVALID, "%s: no such conversation template (vicuna_v1, llava_hf, plain)", template_name);
    }
    if (s == SAINT_OK) s = set_fit(m, o->fit ? o->fit : fit, err);
    cJSON_Delete(own);
    return s;
}

saint_status saint_model_load(saint_model **out, const char *dir, const saint_model_options *o, saint_error *err)
{
    static const saint_model_options none = {0};
    cJSON *c = NULL;
    model_kind kind = KIND_TIMM;
    *out = NULL;
    saint_model *m = calloc(1, sizeof *m);
    if (!m) return saint_fail(err, SAINT_MEMORY, "no memory for a model");
    m->refs = 1;
    if (!o) o = &none;
    saint_error inner = {0};
    saint_status s = load_json(dir, "config.json", &c, &inner);
    if (s == SAINT_OK) s = tell_kind(c, dir, &kind, &inner);
    if (s == SAINT_OK) s = bind_all(m, kind, c, dir, o, &inner);
    if (s == SAINT_OK) s = apply_options(m, dir, o, &inner);
    cJSON_Delete(c);
    if (s != SAINT_OK) {
        saint_model_unref(m);
        /* messages about tensors and keys do not know the folder they come from */
        return strstr(inner.text, dir) ? saint_fail(err, s, "%s", inner.text) : saint_fail(err, s, "%s: %s", dir, inner.text);
    }
    set_name(&m->info, dir);
    saint_model_fill_info(m);
    *out = m;
    return SAINT_OK;
}
