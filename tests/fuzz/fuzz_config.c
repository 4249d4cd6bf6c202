/* Any bytes as config.json, preprocessor_config.json and preset: a configuration in range, or one error. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "formats/json.h"
#include "models/weights.h"
#include "run/preset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_vit(const cJSON *c)
{
    saint_vit v = {0};
    if (saint_config_vit_clip(c, "fuzz", &v, NULL) == SAINT_OK &&
        (v.layers < 1 || v.layers >= SAINT_MAX_LAYERS || v.heads < 1 || v.dim % v.heads || v.grid * v.patch != v.side))
        abort();
}

static void check_llama(const cJSON *c)
{
    saint_llm l = {0};
    float inv_freq[512];
    if (saint_config_llama(c, "fuzz", &l, NULL) != SAINT_OK) return;
    if (l.layers < 1 || l.layers >= SAINT_MAX_LAYERS || l.kv_heads < 1 || l.heads % l.kv_heads || l.head_dim < 2 || l.head_dim > 1024 ||
        l.n_eos > 8)
        abort();
    l.inv_freq = inv_freq;
    if (saint_config_llama(c, "fuzz", &l, NULL) != SAINT_OK) abort();
}

static void check_preset(cJSON *c)
{
    static const saint_model_info info = {
        .vit_layers = 12, .vit_layers_run = 11, .vit_prefix = 1, .grid_w = 24, .grid_h = 24, .llm_layers = 12};
    saint_settings *s = malloc(sizeof *s);
    saint_preset p = {.name = "fuzz", .vit_layers = 24, .llm_layers = 32, .image_rows = 577, .json = c};
    saint_notes notes = {0};
    saint_plan plan;
    if (s && cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(c, "set"))) {
        saint_settings_default(s);
        if (saint_preset_apply(&p, &info, s, &notes, NULL) == SAINT_OK) (void)saint_plan_build(&plan, s, &info, &notes, NULL);
    }
    free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cJSON *c = NULL;
    if (saint_json_parse((const char *)data, size, 1 << 20, "fuzz", &c, NULL) != SAINT_OK) return 0;
    check_vit(c);
    check_llama(c);
    saint_preproc p = {.side = 224, .resize = 224};
    (void)saint_preproc_from_hf(c, "fuzz", &p, NULL);
    (void)saint_preproc_from_timm(c, "fuzz", &p, NULL);
    if (cJSON_IsObject(c)) check_preset(c);
    cJSON_Delete(c);
    return 0;
}
