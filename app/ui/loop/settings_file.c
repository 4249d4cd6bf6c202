#define _GNU_SOURCE
#include "ui/loop/settings_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where settings keep each parameter of a layer, beside its method; a test compares the names with params.def. */
typedef enum { INT, REAL, SEED } value_kind;
static const struct {
    const char *name[2]; /* by stage */
    value_kind kind;
    size_t at;
} layered[] = {
    {{"keep_num", "llm_keep_num"}, INT, offsetof(saint_method_params, keep_num)},
    {{"r", "llm_r"}, INT, offsetof(saint_method_params, r)},
    {{"K", "saint_K"}, INT, offsetof(saint_method_params, K)},
    {{"sim_threshold", "saint_threshold"}, REAL, offsetof(saint_method_params, sim_threshold)},
    {{"gamma", "saint_gamma"}, REAL, offsetof(saint_method_params, gamma)},
    {{"keep_ratio", "llm_keep_ratio"}, REAL, offsetof(saint_method_params, keep_ratio)},
    {{"seed", "llm_seed"}, SEED, offsetof(saint_method_params, seed)},
};
enum { LAYERED = sizeof layered / sizeof *layered, VALUE_ROOM = 64 };

typedef char values[SAINT_MAX_LAYERS][VALUE_ROOM]; /* "" = as by default */

/* The shortest text that gives the same number again: more digits could lie beyond a limit of the table. */
static void real_text(float f, char *out)
{
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(out, VALUE_ROOM, "%.*g", digits, (double)f);
        if ((float)strtod(out, NULL) == f) return;
    }
}

static void value_text(int k, const saint_method_params *p, char *out)
{
    const char *field = (const char *)p + layered[k].at;
    int32_t i;
    float f;
    uint64_t u;
    if (layered[k].kind == INT) memcpy(&i, field, sizeof i), snprintf(out, VALUE_ROOM, "%" PRId32, i);
    else if (layered[k].kind == REAL) memcpy(&f, field, sizeof f), real_text(f, out);
    else memcpy(&u, field, sizeof u), snprintf(out, VALUE_ROOM, "%" PRIu64, u);
}

/* {"0-3": "376", "7": "96"}: neighbours with one value share a member. */
static bool add_layers(cJSON *to, const char *name, values v)
{
    cJSON *o = NULL;
    for (int i = 0, next; i < SAINT_MAX_LAYERS; i = next) {
        char range[32];
        for (next = i + 1; next < SAINT_MAX_LAYERS && !strcmp(v[i], v[next]);) next++;
        if (!v[i][0]) continue;
        if (!o && !(o = cJSON_AddObjectToObject(to, name))) return false;
        if (next - i > 1) snprintf(range, sizeof range, "%d-%d", i, next - 1);
        else snprintf(range, sizeof range, "%d", i);
        if (!cJSON_AddStringToObject(o, range, v[i])) return false;
    }
    return true;
}

static bool add_stage(cJSON *c, const saint_layer_settings *l, const saint_layer_settings *plain, int stage)
{
    values v;
    memset(v, 0, sizeof v);
    for (int i = 0; i < SAINT_MAX_LAYERS; i++)
        if (l[i].method != plain[i].method) snprintf(v[i], VALUE_ROOM, "%s", saint_method_label(l[i].method));
    bool ok = add_layers(c, stage == SAINT_STAGE_VIT ? "prune_mode" : "llm_prune_mode", v);
    for (int k = 0; k < LAYERED && ok; k++) {
        memset(v, 0, sizeof v);
        for (int i = 0; i < SAINT_MAX_LAYERS; i++) {
            char usual[VALUE_ROOM];
            value_text(k, &plain[i].p, usual);
            value_text(k, &l[i].p, v[i]);
            if (!strcmp(v[i], usual)) v[i][0] = 0;
        }
        ok = add_layers(c, layered[k].name[stage], v);
    }
    return ok;
}

static bool add_number(cJSON *c, const char *name, int32_t v, int32_t usual)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId32, v);
    return v == usual || cJSON_AddStringToObject(c, name, text);
}

static bool add_hand(cJSON *c, const saint_hand *h)
{
    char text[SAINT_HAND_TEXT];
    return !h->on || cJSON_AddStringToObject(c, "hand", saint_hand_text(h, text, sizeof text));
}

cJSON *ui_settings_write(const saint_settings *s)
{
    saint_settings plain;
    saint_settings_default(&plain);
    cJSON *c = cJSON_CreateObject();
    bool ok = c && cJSON_AddStringToObject(c, "mode", saint_mode_name(s->mode)) && cJSON_AddBoolToObject(c, "mode_given", s->mode_given) &&
              cJSON_AddBoolToObject(c, "range_given", s->range_given) &&
              cJSON_AddBoolToObject(c, "ends_given", s->ends_given) && cJSON_AddBoolToObject(c, "use_saint", s->use_saint) &&
              add_number(c, "saint_start", s->saint_start, plain.saint_start) && add_number(c, "saint_end", s->saint_end, plain.saint_end) &&
              cJSON_AddStringToObject(c, "llm_method", saint_method_label(s->llm_method)) &&
              add_number(c, "saint_image_token_length", s->saint_image_token_length, plain.saint_image_token_length) &&
              add_number(c, "saint_sys_length", s->saint_sys_length, plain.saint_sys_length);
    for (int i = 0; ok && saint_compat_name(i); i++) {
        char name[96];
        snprintf(name, sizeof name, "compat.%s", saint_compat_name(i));
        if (s->compat & 1u << i) ok = cJSON_AddBoolToObject(c, name, true) != NULL;
    }
    ok = ok && add_stage(c, s->vit, plain.vit, SAINT_STAGE_VIT) && add_stage(c, s->llm, plain.llm, SAINT_STAGE_LLM) && add_hand(c, &s->hand);
    if (ok) return c;
    cJSON_Delete(c);
    return NULL;
}

/* ---- reading ---- */

static saint_status read_layers(const cJSON *o, saint_settings *s, saint_error *err)
{
    char key[192];
    saint_status st = SAINT_OK;
    for (const cJSON *v = o->child; v && st == SAINT_OK; v = v->next) {
        if (!cJSON_IsString(v)) return saint_fail(err, SAINT_FORMAT, "plan: %s: expected text", o->string);
        snprintf(key, sizeof key, "%.80s[%.80s]", o->string, v->string);
        st = saint_settings_set(s, key, v->valuestring, err);
    }
    return st;
}

static saint_status read_member(const cJSON *v, saint_settings *s, saint_error *err)
{
    const char *name = v->string;
    static const char *const later[] = {"mode_given", "range_given", "ends_given", "use_saint", "mode"};
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        if (!strcmp(name, later[i])) return SAINT_OK;
    if (!strcmp(name, "llm_method") && cJSON_IsString(v)) {
        const saint_method *m = saint_method_find(v->valuestring);
        s->llm_method = m && m->stages & 1u << SAINT_STAGE_LLM ? saint_method_index(m) : SAINT_METHOD_NONE;
        if (m || !strcmp(v->valuestring, "None")) return SAINT_OK;
        return saint_fail(err, SAINT_INVALID, "plan: llm_method: no method %s", v->valuestring);
    }
    if (cJSON_IsObject(v)) return read_layers(v, s, err);
    if (cJSON_IsBool(v)) return saint_settings_set(s, name, cJSON_IsTrue(v) ? "true" : "false", err);
    return cJSON_IsString(v) ? saint_settings_set(s, name, v->valuestring, err)
                             : saint_fail(err, SAINT_FORMAT, "plan: %s: expected text", name);
}

saint_status ui_settings_read(const cJSON *c, saint_settings *out, saint_error *err)
{
    saint_settings s;
    const char *mode = NULL;
    saint_settings_default(&s);
    bool mode_given = false, range_given = false, ends_given, use_saint = s.use_saint;
    if (!cJSON_IsObject(c)) return saint_fail(err, SAINT_FORMAT, "plan: expected an object");
    for (const cJSON *v = c->child; v; v = v->next) {
        saint_status st = read_member(v, &s, err);
        if (st != SAINT_OK) return st;
    }
    /* What setting single values would switch along is put as it was. */
    ends_given = s.ends_given;
    saint_status st = saint_json_string(c, "mode", &mode, "plan", err);
    if (st == SAINT_OK && mode) st = saint_settings_set(&s, "mode", mode, err);
    if (st == SAINT_OK && !mode) s.mode = SAINT_MODE_NONE;
    if (st == SAINT_OK) st = saint_json_bool(c, "mode_given", &mode_given, "plan", err);
    if (st == SAINT_OK) st = saint_json_bool(c, "range_given", &range_given, "plan", err);
    if (st == SAINT_OK) st = saint_json_bool(c, "ends_given", &ends_given, "plan", err);
    if (st == SAINT_OK) st = saint_json_bool(c, "use_saint", &use_saint, "plan", err);
    if (st != SAINT_OK) return st;
    s.mode_given = mode_given;
    s.range_given = range_given;
    s.ends_given = ends_given;
    s.use_saint = use_saint;
    memcpy(out, &s, sizeof s); /* padding too: settings are compared as bytes */
    return SAINT_OK;
}
