#include "run/preset.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/json.h"

static saint_status copy_string(const cJSON *c, const char *key, char *out, size_t size, const char *what, saint_error *err)
{
    saint_status s;
    const char *v = "";
    if ((s = saint_json_string(c, key, &v, what, err)) != SAINT_OK) return s;
    snprintf(out, size, "%s", v);
    return SAINT_OK;
}

static saint_status read_preset(const char *path, saint_preset *p, saint_error *err)
{
    saint_status s;
    static const char *const known[] = {"name", "title", "doc", "reference", "made_for", "set"};
    for (const cJSON *x = p->json->child; x; x = x->next) {
        size_t i = 0;
        while (i < sizeof known / sizeof *known && strcmp(x->string, known[i]) != 0) i++;
        if (i == sizeof known / sizeof *known)
            return saint_fail(err, SAINT_FORMAT, "%s: no such member \"%s\" in a preset", path, x->string);
    }
    if ((s = copy_string(p->json, "name", p->name, sizeof p->name, path, err)) != SAINT_OK) return s;
    if ((s = copy_string(p->json, "title", p->title, sizeof p->title, path, err)) != SAINT_OK) return s;
    if ((s = copy_string(p->json, "doc", p->doc, sizeof p->doc, path, err)) != SAINT_OK) return s;
    if ((s = copy_string(p->json, "reference", p->reference, sizeof p->reference, path, err)) != SAINT_OK) return s;
    const cJSON *made = cJSON_GetObjectItemCaseSensitive(p->json, "made_for");
    if (made) {
        if ((s = saint_json_int(made, "vit_layers", 1, SAINT_MAX_LAYERS, &p->vit_layers, path, err)) != SAINT_OK) return s;
        if ((s = saint_json_int(made, "llm_layers", 1, SAINT_MAX_LAYERS, &p->llm_layers, path, err)) != SAINT_OK) return s;
        if ((s = saint_json_int(made, "image_rows", 1, 1 << 20, &p->image_rows, path, err)) != SAINT_OK) return s;
    }
    if (!p->name[0] || !cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(p->json, "set")))
        return saint_fail(err, SAINT_FORMAT, "%s: expected an object with \"name\" and \"set\"", path);
    return SAINT_OK;
}

saint_status saint_preset_load(const char *path, saint_preset *out, saint_error *err)
{
    saint_status s;
    memset(out, 0, sizeof *out);
    if ((s = saint_json_load(path, 1 << 20, &out->json, err)) != SAINT_OK) return s;
    s =
        cJSON_IsObject(out->json) ? read_preset(path, out, err) : saint_fail(err, SAINT_FORMAT, "%s: expected a JSON object", path);
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
    if (cJSON_IsString(v) && strlen(v->valuestring) >= size) /* half of a list would be another list */
        return saint_fail(err, SAINT_FORMAT, "preset %s: %s: a value of at most %zu bytes, found %zu", preset, v->string, size - 1, strlen(v->valuestring));
    return SAINT_OK;
}

/* `deepest` is the last layer that has an effect: a site that scales behind it moves there. */
typedef struct {
    int depth, made_for, deepest;
} scaling;

static bool scales(int layer, const scaling *s)
{
    return s->made_for && s->depth && s->depth != s->made_for &&
           layer < s->made_for; /* no layer of its network: for the settings to refuse */
}

static int scale_layer(int layer, const scaling *s)
{
    if (!scales(layer, s)) return layer;
    int scaled = layer * s->depth / s->made_for;
    return scaled < s->deepest ? scaled : s->deepest;
}

/* The last layer of a range: scaled by its open end, so that "the first half" stays the first half; a range keeps at least its first. */
static int scale_last(int first, int last, const scaling *s)
{
    if (!scales(last, s)) return last;
    int scaled = (last + 1) * s->depth / s->made_for - 1, least = scale_layer(first, s);
    if (scaled > s->deepest) scaled = s->deepest;
    if (last < first) return least - 1; /* not in rising order: still not */
    return scaled > least ? scaled : least;
}

/* A layer number in front of *end, or -1. Whatever is larger than any network stays so, for the settings to refuse. */
static int layer_number(const char *p, const char **end)
{
    int v = 0;
    *end = p;
    if (!isdigit((unsigned char)*p)) return -1;
    for (; isdigit((unsigned char)*p); p++)
        if (v <= SAINT_MAX_LAYERS) v = 10 * v + (*p - '0');
    *end = p;
    return v;
}

/* "name[0-11]" -> the same range of a network of another depth. */
static void scale_key(const char *key, const scaling *scale, char *out, size_t size)
{
    size_t used = 0;
    int first = 0; /* of the range at hand, in the layers the preset was made for */
    bool inside = false;
    for (const char *p = key; *p && used + 12 < size;) {
        const char *end;
        int v = inside ? layer_number(p, &end) : -1;
        if (v < 0) {
            inside |= *p == '[';
            out[used++] = *p++;
            continue;
        }
        bool last = p[-1] == '-';
        used += (size_t)snprintf(out + used, size - used, "%d", last ? scale_last(first, v, scale) : scale_layer(v, scale));
        first = v;
        p = end;
    }
    out[used] = 0;
}

/* saint_start and saint_end are one range under two names. */
static void scale_range(const saint_preset *p, const char *name, const scaling *scale, char *value, size_t size)
{
    const char *end;
    int v = layer_number(value, &end);
    if (v < 0 || *end) return; /* not a layer: the settings will say so */
    const cJSON *start = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(p->json, "set"), "saint_start");
    int first = cJSON_IsNumber(start) && start->valuedouble >= 0 && start->valuedouble <= v ? (int)start->valuedouble : v;
    bool last = strcmp(name, "saint_end") == 0;
    snprintf(value, size, "%d", last ? scale_last(first, v, scale) : scale_layer(v, scale));
}

saint_status saint_preset_apply(const saint_preset *p, const saint_model_info *m, saint_settings *s, saint_notes *notes, saint_error *err)
{
    saint_status st;
    const scaling vit = {m->vit_layers, p->vit_layers, m->vit_layers_run - 1}, llm = {m->llm_layers, p->llm_layers, m->llm_layers - 1};
    int rows = m->grid_w * m->grid_h + m->vit_prefix;
    const cJSON *set = cJSON_GetObjectItemCaseSensitive(p->json, "set");
    for (const cJSON *v = set->child; v; v = v->next) {
        char value[SAINT_HAND_TEXT], key[160]; /* a list made by hand is the longest value there is */
        if ((st = value_text(v, p->name, value, sizeof value, err)) != SAINT_OK) return st;
        bool in_llm = strncmp(v->string, "llm_", 4) == 0 || strncmp(v->string, "saint_", 6) == 0;
        scale_key(v->string, in_llm ? &llm : &vit, key, sizeof key);
        if (strcmp(v->string, "saint_start") == 0 || strcmp(v->string, "saint_end") == 0)
            scale_range(p, v->string, &llm, value, sizeof value);
        if (strncmp(v->string, "keep_num", 8) == 0 && p->image_rows && m->vit_layers && rows != p->image_rows &&
            strtol(value, NULL, 10) > 0) {
            int scaled = (int)fmin((double)strtol(value, NULL, 10) * rows / p->image_rows + 0.5, 1e9);
            saint_note(notes, "preset %s: keep_num %s of %d rows scaled to %d of %d", p->name, value, p->image_rows, scaled, rows);
            snprintf(value, sizeof value, "%d", scaled);
        }
        saint_error inner = {0};
        st = saint_settings_set(s, key, value, &inner);
        if (st != SAINT_OK) return saint_fail(err, st, "preset %s: %s", p->name, inner.text);
    }
    s->mode_given = false;
    if (p->vit_layers && m->vit_layers && m->vit_layers != p->vit_layers)
        saint_note(notes, "preset %s: ViT layers scaled from a depth of %d to %d", p->name, p->vit_layers, m->vit_layers);
    if (p->llm_layers && m->llm_layers && m->llm_layers != p->llm_layers)
        saint_note(notes, "preset %s: LLM layers scaled from a depth of %d to %d", p->name, p->llm_layers, m->llm_layers);
    return SAINT_OK;
}
