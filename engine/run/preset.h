/* preset.h - named settings in presets/NAME.json, brought to the depth and grid of the model at hand. */
#ifndef SAINT_RUN_PRESET_H
#define SAINT_RUN_PRESET_H

#include "run/plan.h"

typedef struct {
    char name[64], title[160], doc[512], reference[256];
    int vit_layers, llm_layers, image_rows; /* made for; 0 = any */
    cJSON *json;                            /* owned: saint_preset_free */
} saint_preset;

saint_status saint_preset_load(const char *path, saint_preset *out, saint_error *err);
void saint_preset_free(saint_preset *p);
/* Apply to *s as if each member of "set" were given by --set. Layers scale as floor(layer * depth / made_for depth), the last layer of a
 * range by its open end, keep_num with the number of rows; each scaling is a note. The user's own mode still wins afterwards: mode_given is
 * left false. */
saint_status saint_preset_apply(const saint_preset *p, const saint_model_info *m, saint_settings *s, saint_notes *notes, saint_error *err);

#endif
