#include "run/preset.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/json.h"

#define TRY(call)                              \
    do {                                       \
        saint_status s_ = (call);              \
        if (s_ != SAINT_OK) return s_;         \
    } while (0)

static saint_status copy_string(const cJSON *c, const char *key, char *out, size_t size, const char *what, saint_error *err)
{
    const char *v = "";
    TRY(saint_json_string(c, key, &v, what, err));
    snprintf(out, size, "%s", v);
    return SAINT_OK;
}

static saint_status read_preset(const char *path, saint_preset *p, saint_error *err)
{
    static const char *const known[] = {"name", "title", "doc", "reference", "made_for", "set"};
    for (const cJSON *x = p->json->child; x; x = x->next) {
        size_t i = 0;
        while (i < sizeof known / sizeof *known && strcmp(x->string, known[i]) != 0) i++;
        if (i == sizeof known / sizeof *known) return saint_fail(err, SAINT_FORMAT, "%s: no such member \"%s\" in a preset", path, x->string);
    }
    TRY(copy_string(p->json, "name", p->name, sizeof p->name, path, err));
    TRY(copy_string(p->json, "title", p->title, sizeof p->title, path, err));
    TRY(copy_string(p->json, "doc", p->doc, sizeof p->doc, path, err));
    TRY(copy_string(p->json, "reference", p->reference, sizeof p->reference, path, err));
    const cJSON *made = cJSON_GetObjectItemCaseSensitive(p->json, "made_for");
    if (made) {
        TRY(saint_json_int(made, "vit_layers", 1, SAINT_MAX_LAYERS, &p->vit_layers, path, err));
        TRY(saint_json_int(made, "llm_layers", 1, SAINT_MAX_LAYERS, &p->llm_layers, path, err));
        TRY(saint_json_int(made, "image_rows", 1, 1 << 20, &p->image_rows, path, err));
    }
    if (!p->name[0] || !cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(p->json, "set")))
        return saint_fail(err, SAINT_FORMAT, "%s: expected an object with \"name\" and \"set\"", path);
    return SAINT_OK;
}

saint_status saint_preset_load(const char *path, saint_preset *out, saint_error *err)
{
    memset(out, 0, sizeof *out);
    TRY(saint_json_load(path, 1 << 20, &out->json, err));
    saint_status s = cJSON_IsObject(out->json) ? read_preset(path, out, err) : saint_fail(err, SAINT_FORMAT, "%s: expected a JSON object", path);
    if (s != SAINT_OK) saint_preset_free(out);
    return s;
}

void saint_preset_free(saint_preset *p)
{
    cJSON_Delete(p->json);
    memset(p, 0, sizeof *p);
}

static saint_status value_text(const cJSON *v, const char *preset, char *out, size_t size, saint_error *err)
{
    if (cJSON_IsString(v)) snprintf(out, size, "%s", v->valuestring);
    else if (cJSON_IsBool(v)) snprintf(out, size, "%s", cJSON_IsTrue(v) ? "true" : "false");
    else if (cJSON_IsNumber(v)) snprintf(out, size, "%.9g", v->valuedouble);
    else return saint_fail(err, SAINT_FORMAT, "preset %s: %s: expected a string, a number or a boolean", preset, v->string);
    return SAINT_OK;
}

/* `last` is the deepest layer that has an effect: a site scaled behind it moves there. */
typedef struct {
    int depth, made_for, last;
} scaling;

/* A number that is no layer stays as it is, for the setter to refuse. */
static bool scales(long layer, const scaling *s)
{
    return s->made_for && s->depth && s->depth != s->made_for && layer >= 0 && layer < SAINT_MAX_LAYERS;
}

static long scale_layer(long layer, const scaling *s)
{
    if (!scales(layer, s)) return layer;
    long scaled = layer * s->depth / s->made_for;
    return scaled < s->last ? scaled : s->last;
}

/* The last layer of a range: scaled by its open end, so that "the first half" stays the first half. */
static long scale_last(long layer, const scaling *s)
{
    if (!scales(layer, s)) return layer;
    long end = (layer + 1) * s->depth / s->made_for;
    return end > s->last ? s->last : end > 0 ? end - 1 : 0;
}

/* "name[0-11]" -> the same range of a network of another depth. */
static void scale_key(const char *key, const scaling *scale, char *out, size_t size)
{
    const char *bracket = strchr(key, '[');
    if (!bracket) {
        snprintf(out, size, "%s", key);
        return;
    }
    size_t used = (size_t)snprintf(out, size, "%.*s", (int)(bracket - key + 1), key);
    for (const char *p = bracket + 1; *p && used + 1 < size;) {
        if (*p < '0' || *p > '9') {
            out[used++] = *p++;
            continue;
        }
        char *end;
        long v = strtol(p, &end, 10);
        bool last = p[-1] == '-';
        used += (size_t)snprintf(out + used, size - used, "%ld", last ? scale_last(v, scale) : scale_layer(v, scale));
        p = end;
    }
    out[used < size ? used : size - 1] = 0;
}

saint_status saint_preset_apply(const saint_preset *p, const saint_model_info *m, saint_settings *s, saint_notes *notes, saint_error *err)
{
    const scaling vit = {m->vit_layers, p->vit_layers, m->vit_layers_run - 1}, llm = {m->llm_layers, p->llm_layers, m->llm_layers - 1};
    int rows = m->grid_w * m->grid_h + m->vit_prefix;
    const cJSON *set = cJSON_GetObjectItemCaseSensitive(p->json, "set");
    for (const cJSON *v = set->child; v; v = v->next) {
        char value[64], key[160];
        TRY(value_text(v, p->name, value, sizeof value, err));
        bool in_llm = strncmp(v->string, "llm_", 4) == 0 || strncmp(v->string, "saint_", 6) == 0;
        scale_key(v->string, in_llm ? &llm : &vit, key, sizeof key);
        if (strcmp(v->string, "saint_start") == 0)
            snprintf(value, sizeof value, "%ld", scale_layer(strtol(value, NULL, 10), &llm));
        if (strcmp(v->string, "saint_end") == 0) snprintf(value, sizeof value, "%ld", scale_last(strtol(value, NULL, 10), &llm));
        if (strncmp(v->string, "keep_num", 8) == 0 && p->image_rows && m->vit_layers && rows != p->image_rows && strtol(value, NULL, 10) > 0) {
            int scaled = (int)fmin((double)strtol(value, NULL, 10) * rows / p->image_rows + 0.5, 1e9);
            saint_note(notes, "preset %s: keep_num %s of %d rows scaled to %d of %d", p->name, value, p->image_rows, scaled, rows);
            snprintf(value, sizeof value, "%d", scaled);
        }
        saint_error inner = {0};
        saint_status st = saint_settings_set(s, key, value, &inner);
        if (st != SAINT_OK) return saint_fail(err, st, "preset %s: %s", p->name, inner.text);
    }
    s->mode_given = false;
    if (p->vit_layers && m->vit_layers && m->vit_layers != p->vit_layers)
        saint_note(notes, "preset %s: ViT layers scaled from a depth of %d to %d", p->name, p->vit_layers, m->vit_layers);
    if (p->llm_layers && m->llm_layers && m->llm_layers != p->llm_layers)
        saint_note(notes, "preset %s: LLM layers scaled from a depth of %d to %d", p->name, p->llm_layers, m->llm_layers);
    return SAINT_OK;
}
