/* settings.h - every knob of a run as one plain value: what --set, presets, sweeps and the screen edit.
 *
 * Settings are what the user asked for; a plan (plan.h) is what they mean for one model. */
#ifndef SAINT_RUN_SETTINGS_H
#define SAINT_RUN_SETTINGS_H

#include <cjson/cJSON.h>

#include "select/method.h"

enum { SAINT_MAX_LAYERS = 96, SAINT_METHOD_NONE = -1, SAINT_METHOD_UNSET = -2 };

typedef enum { SAINT_MODE_NONE, SAINT_MODE_VIT, SAINT_MODE_LLM, SAINT_MODE_HYBRID } saint_mode;

typedef struct {
    int32_t method; /* saint_method_at index, SAINT_METHOD_NONE, or (LLM only) SAINT_METHOD_UNSET = as saint_start..saint_end say */
    saint_method_params p;
} saint_layer_settings;

/* Tokens chosen by hand: at one place, which becomes a prune site when it is none, this list replaces the method. The survivors are the
 * tokens that are present there and marked, in the order in which they arrive: not the order in which a ViT method would have left them, so
 * the same set after saint_drop or evit in the ViT is another sequence. A wrong image window of the LLM hides what lies outside of it from
 * the list as it does from every method. */
enum { SAINT_HAND_MOST = 2048 };
typedef struct {
    int32_t on; /* 0 = nothing is chosen by hand */
    int32_t stage, layer;
    int32_t reserved;
    uint64_t keep[SAINT_HAND_MOST / 64]; /* bit p % 64 of word p / 64: original patch p stays */
} saint_hand;

static inline bool saint_hand_keeps(const saint_hand *h, int patch) { return h->keep[patch / 64] >> (patch % 64) & 1; }
static inline void saint_hand_mark(saint_hand *h, int patch, bool keep)
{
    uint64_t bit = (uint64_t)1 << (patch % 64);
    h->keep[patch / 64] = keep ? h->keep[patch / 64] | bit : h->keep[patch / 64] & ~bit;
}
/* "off", or STAGE:LAYER:PATCHES: "vit:19:0-20,35", "llm:7:none". SAINT_INVALID says what was expected. */
saint_status saint_hand_parse(saint_hand *out, const char *text, saint_error *err);
/* The same text for a list; returns out. Every list fits into SAINT_HAND_TEXT bytes. */
enum { SAINT_HAND_TEXT = 6 * SAINT_HAND_MOST };
char *saint_hand_text(const saint_hand *h, char *out, size_t size);

typedef struct {
    saint_mode mode;
    bool mode_given; /* set by the user himself, so that choosing a prune_mode no longer switches a stage on */
    bool use_saint;
    bool range_given; /* use_saint, saint_start or saint_end was set: naming single layers no longer replaces the range */
    bool ends_given;  /* saint_start or saint_end was set: they mean these very layers, see saint_settings_range */
    int32_t saint_start, saint_end;
    int32_t llm_method; /* from saint_start to saint_end */
    int32_t saint_image_token_length, saint_sys_length;
    uint32_t compat; /* bits of compat.def */
    saint_hand hand;
    saint_layer_settings vit[SAINT_MAX_LAYERS], llm[SAINT_MAX_LAYERS];
} saint_settings;

void saint_settings_default(saint_settings *s);

/* Assign one parameter by name: "keep_num", "prune_mode[19]", "sim_threshold[0-11]", "compat", "compat.overwrite_r", "hand" (no row of the
 * table: saint_hand_parse reads its value; it switches its stage on as a method does, and alone not the default range of the LLM too).
 * A value is checked for type and range. SAINT_INVALID names the nearest known key or the range. Setting a method without having set
 * `mode` switches its stage on; llm_prune_mode[layers] alone means those layers and not the default range too. saint_start > saint_end pushes the other end along. */
saint_status saint_settings_set(saint_settings *s, const char *key, const char *value, saint_error *err);
/* The value of one parameter of the table by its name, of one layer where it has one per layer (layer -1: llm_prune_mode alone, the method from
 * saint_start to saint_end). Methods are indices or SAINT_METHOD_NONE / _UNSET, modes saint_mode, truths 0 and 1; a seed beyond 2^53 is
 * rounded. false: no such name or layer. */
bool saint_settings_get(const saint_settings *s, const char *name, int layer, double *out);
/* The LLM layers from saint_start to saint_end. When neither was set, the published 7 to 16 of 32 layers are scaled to an LLM that has not so
 * many, as presets are. true: scaled. */
bool saint_settings_range(const saint_settings *s, int llm_layers, int *first, int *last);
/* "key=value" */
saint_status saint_settings_assign(saint_settings *s, const char *assignment, saint_error *err);
/* The settings of one method for `saint select`: the same names act on p; saint_threshold / saint_K / saint_gamma are accepted too.
 * compat=reference means the published function, so all flags but vit_default_k_gamma: that quirk is its caller's, and has to be named. */
saint_status saint_method_params_set(saint_method_params *p, unsigned *compat, const char *assignment, saint_error *err);
void saint_method_params_default(saint_stage stage, saint_method_params *p);

const char *saint_mode_name(saint_mode m);
const char *saint_method_label(int method); /* name, or "None" */

/* The table as data, for lists and help. NULL past the end. */
typedef struct {
    const char *name, *type, *scope, *unit, *doc;
    double def, min, max;
} saint_param_info;
const saint_param_info *saint_param_at(int i);

/* Flag names of compat.def; NULL past the end. */
const char *saint_compat_name(int i);
const char *saint_compat_doc(int i);

#endif
