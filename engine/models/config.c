/* config.c - config.json of the Hugging Face and liuhaotian layouts. Absent keys take the defaults of the published config classes, because
 * hub files leave them out; keys that would change the result and are not implemented are refused by name. */
#include <math.h>
#include <string.h>

#include "models/weights.h"

static saint_status act_by_name(const char *name, const char *what, const char *key, saint_act *out, saint_error *err)
{
    static const struct {
        const char *name;
        saint_act act;
    } known[] = {{"quick_gelu", SAINT_ACT_QUICK_GELU}, {"gelu", SAINT_ACT_GELU_ERF},          {"gelu_new", SAINT_ACT_GELU_TANH},
                 {"relu", SAINT_ACT_RELU},             {"gelu_pytorch_tanh", SAINT_ACT_GELU_TANH}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i].name) == 0) {
            *out = known[i].act;
            return SAINT_OK;
        }
    return saint_fail(err, SAINT_UNSUPPORTED, "%s: %s \"%s\" is not implemented", what, key, name);
}

saint_status saint_config_vit_clip(const cJSON *c, const char *what, saint_vit *v, saint_error *err)
{
    saint_status s;
    const char *act = "quick_gelu", *type = NULL;
    double eps = 1e-5;
    /* defaults of transformers' CLIPVisionConfig */
    v->layers = 12;
    v->dim = 768;
    v->heads = 12;
    v->mlp = 3072;
    v->side = 224;
    v->patch = 32;
    if ((s = saint_json_string(c, "model_type", &type, what, err)) != SAINT_OK) return s;
    if (type && strcmp(type, "clip_vision_model") != 0)
        return saint_fail(err, SAINT_UNSUPPORTED, "%s: vision tower of model_type \"%s\" is not implemented (clip_vision_model is)", what,
                          type);
    if ((s = saint_json_int(c, "num_hidden_layers", 1, 95, &v->layers, what, err)) != SAINT_OK) return s;
    if ((s = saint_json_int(c, "hidden_size", 1, 1 << 16, &v->dim, what, err)) != SAINT_OK) return s;
    if ((s = saint_json_int(c, "num_attention_heads", 1, 1 << 10, &v->heads, what, err)) != SAINT_OK) return s;
    if ((s = saint_json_int(c, "intermediate_size", 1, 1 << 20, &v->mlp, what, err)) != SAINT_OK) return s;
    if ((s = saint_json_int(c, "image_size", 1, 8192, &v->side, what, err)) != SAINT_OK) return s;
    if ((s = saint_json_int(c, "patch_size", 1, 1024, &v->patch, what, err)) != SAINT_OK) return s;
    if ((s = saint_json_double(c, "layer_norm_eps", &eps, what, err)) != SAINT_OK) return s;
    if ((s = saint_json_string(c, "hidden_act", &act, what, err)) != SAINT_OK) return s;
    if ((s = act_by_name(act, what, "hidden_act", &v->act, err)) != SAINT_OK) return s;
    if (v->dim % v->heads) return saint_fail(err, SAINT_FORMAT, "%s: hidden_size %d is not a multiple of %d heads", what, v->dim, v->heads);
    if (v->side % v->patch)
        return saint_fail(err, SAINT_FORMAT, "%s: image_size %d is not a multiple of patch_size %d", what, v->side, v->patch);
    v->eps = (float)eps;
    v->grid = v->side / v->patch;
    v->prefix = 1;
    v->run = v->layers;
    return SAINT_OK;
}

static saint_status refuse_true(const cJSON *c, const char *key, const char *what, saint_error *err)
{
    saint_status s;
    bool on = false;
    if ((s = saint_json_bool(c, key, &on, what, err)) != SAINT_OK) return s;
    return on ? saint_fail(err, SAINT_UNSUPPORTED, "%s: %s true is not implemented", what, key) : SAINT_OK;
}

/* transformers 5 moved rope_theta into rope_parameters; older files keep it on top and name scaling separately. */
static saint_status read_rope(const cJSON *c, const char *what, double *theta, saint_error *err)
{
    saint_status s;
    static const char *const keys[] = {"rope_scaling", "rope_parameters"};
    if ((s = saint_json_double(c, "rope_theta", theta, what, err)) != SAINT_OK) return s;
    for (int i = 0; i < 2; i++) {
        const cJSON *r = cJSON_GetObjectItemCaseSensitive(c, keys[i]);
        if (!r || cJSON_IsNull(r)) continue;
        const char *type = "default";
        if (!cJSON_IsObject(r)) return saint_fail(err, SAINT_FORMAT, "%s: %s is not an object", what, keys[i]);
        if ((s = saint_json_string(r, "type", &type, what, err)) != SAINT_OK) return s;
        if ((s = saint_json_string(r, "rope_type", &type, what, err)) != SAINT_OK) return s;
        if (strcmp(type, "default") != 0)
            return saint_fail(err, SAINT_UNSUPPORTED, "%s: %s of type \"%s\" is not implemented", what, keys[i], type);
        if ((s = saint_json_double(r, "rope_theta", theta, what, err)) != SAINT_OK) return s;
    }
    return SAINT_OK;
}

saint_status saint_config_eos(const cJSON *c, const char *what, saint_llm *l, saint_error *err)
{
    const cJSON *e = cJSON_GetObjectItemCaseSensitive(c, "eos_token_id");
    if (!e || cJSON_IsNull(e)) return SAINT_OK;
    const cJSON *item = cJSON_IsArray(e) ? e->child : e;
    l->n_eos = 0;
    for (; item; item = cJSON_IsArray(e) ? item->next : NULL) {
        if (!cJSON_IsNumber(item) || item->valuedouble < 0 || item->valuedouble > 1e9 || l->n_eos == 8)
            return saint_fail(err, SAINT_FORMAT, "%s: eos_token_id: expected one to eight token ids", what);
        l->eos[l->n_eos++] = (int)item->valuedouble;
    }
    return SAINT_OK;
}

saint_status saint_config_llama(const cJSON *c, const char *what, saint_llm *l, saint_error *err)
{
    saint_status s;
    const char *act = "silu", *type = NULL;
    double eps = 1e-6, theta = 10000;
    /* defaults of transformers' LlamaConfig */
    l->dim = 4096;
    l->mlp = 11008;
    l->layers = 32;
    l->heads = 32;
    l->vocab = 32000;
    l->max_positions = 2048;
    l->eos[0] = 2;
    l->n_eos = 1;
    if ((s = saint_json_string(c, "model_type", &type, what, err)) != SAINT_OK) return s;
    if (type && strcmp(type, "llama") != 0 && strcmp(type, "vicuna") != 0 && strncmp(type, "llava", 5) != 0)
        return saint_fail(err, SAINT_UNSUPPORTED, "%s: language model of model_type \"%s\" is not implemented (llama is)", what, type);
    if ((s = saint_json_int(c, "hidden_size", 1, 1 << 17, &l->dim, what, err)) != SAINT_OK) return s;
    if ((s = saint_json_int(c, "intermediate_size", 1, 1 << 20, &l->mlp, what, err)) != SAINT_OK) return s;
    if ((s = saint_json_int(c, "num_hidden_layers", 1, 95, &l->layers, what, err)) != SAINT_OK) return s;
    if ((s = saint_json_int(c, "num_attention_heads", 1, 1 << 10, &l->heads, what, err)) != SAINT_OK) return s;
    l->kv_heads = l->heads;
    if ((s = saint_json_int(c, "num_key_value_heads", 1, 1 << 10, &l->kv_heads, what, err)) != SAINT_OK) return s;
    if ((s = saint_json_int(c, "vocab_size", 1, 1 << 24, &l->vocab, what, err)) != SAINT_OK) return s;
    if ((s = saint_json_int(c, "max_position_embeddings", 1, 1 << 24, &l->max_positions, what, err)) != SAINT_OK) return s;
    if (l->heads % l->kv_heads)
        return saint_fail(err, SAINT_FORMAT, "%s: %d attention heads are not a multiple of %d key-value heads", what, l->heads,
                          l->kv_heads);
    l->head_dim = l->dim / l->heads;
    if ((s = saint_json_int(c, "head_dim", 1, 1024, &l->head_dim, what, err)) != SAINT_OK) return s;
    if (l->head_dim < 2 || l->head_dim > 1024 || l->head_dim % 2)
        return saint_fail(err, SAINT_FORMAT, "%s: heads of width %d, expected an even number up to 1024", what, l->head_dim);
    if ((s = saint_json_double(c, "rms_norm_eps", &eps, what, err)) != SAINT_OK) return s;
    if ((s = saint_json_string(c, "hidden_act", &act, what, err)) != SAINT_OK) return s;
    if (strcmp(act, "silu") != 0)
        return saint_fail(err, SAINT_UNSUPPORTED, "%s: hidden_act \"%s\" is not implemented in the LLM", what, act);
    if ((s = refuse_true(c, "attention_bias", what, err)) != SAINT_OK) return s;
    if ((s = refuse_true(c, "mlp_bias", what, err)) != SAINT_OK) return s;
    if ((s = read_rope(c, what, &theta, err)) != SAINT_OK) return s;
    if ((s = saint_config_eos(c, what, l, err)) != SAINT_OK) return s;
    if (!(theta > 0) || !(eps >= 0)) return saint_fail(err, SAINT_FORMAT, "%s: rope_theta or rms_norm_eps is not positive", what);
    l->eps = (float)eps;
    /* transformers: 1 / theta^(arange(0, d, 2) / d), in f32 */
    for (int i = 0; l->inv_freq && i < l->head_dim / 2; i++)
        l->inv_freq[i] = 1.0f / powf((float)theta, (float)(2 * i) / (float)l->head_dim);
    return SAINT_OK;
}
