#include "run/settings.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum { T_INT, T_FLOAT, T_BOOL, T_MODE, T_METHOD, T_SEED } param_type;
typedef enum { S_GLOBAL, S_VIT, S_LLM } param_scope;
typedef enum {
#define P(id, name, type, scope, def, min, max, unit, doc) P_##id,
#include "run/params.def"
#undef P
    P_COUNT
} param_id;

static const saint_param_info info[] = {
#define P(id, name, type, scope, def, min, max, unit, doc) {name, #type, #scope, unit, doc, def, min, max},
#include "run/params.def"
#undef P
};
static const param_type types[] = {
#define P(id, name, type, scope, def, min, max, unit, doc) T_##type,
#include "run/params.def"
#undef P
};
static const param_scope scopes[] = {
#define P(id, name, type, scope, def, min, max, unit, doc) S_##scope,
#include "run/params.def"
#undef P
};

static const char *const compat_names[] = {
#define X(id, name, doc) name,
#include "select/compat.def"
#undef X
};
static const char *const compat_docs[] = {
#define X(id, name, doc) doc,
#include "select/compat.def"
#undef X
};
static const char *const mode_names[] = {"none", "vit", "llm", "hybrid"};

const saint_param_info *saint_param_at(int i)
{
    return i >= 0 && i < P_COUNT ? &info[i] : NULL;
}

const char *saint_compat_name(int i)
{
    return i >= 0 && i < SAINT_COMPAT_COUNT ? compat_names[i] : NULL;
}

const char *saint_compat_doc(int i)
{
    return i >= 0 && i < SAINT_COMPAT_COUNT ? compat_docs[i] : NULL;
}

const char *saint_mode_name(saint_mode m)
{
    return (unsigned)m < 4 ? mode_names[m] : "?";
}

const char *saint_method_label(int method)
{
    const saint_method *m = saint_method_at(method); /* one made by hand too */
    return m ? m->name : "None";
}

/* ---- values ---------------------------------------------------------------------------------------------- */

typedef struct {
    double number;
    int method;
    uint64_t seed;
} param_value;

static saint_status parse_number(param_id id, const char *text, double *out, saint_error *err)
{
    char *end = NULL;
    errno = 0;
    double d = strtod(text, &end); /* the program runs with LC_NUMERIC=C */
    if (end == text || *end || errno || !isfinite(d) || strpbrk(text, "xX")) /* strtod reads 0x10 */
        return saint_fail(err, SAINT_INVALID, "%s=%s: expected a number", info[id].name, text);
    if (types[id] == T_INT && d != floor(d))
        return saint_fail(err, SAINT_INVALID, "%s=%s: expected a whole number", info[id].name, text);
    if (d < info[id].min || d > info[id].max)
        return saint_fail(err, SAINT_INVALID, "%s=%s: expected a value from %g to %g", info[id].name, text, info[id].min, info[id].max);
    *out = d;
    return SAINT_OK;
}

static saint_status parse_bool(const char *name, const char *text, double *out, saint_error *err)
{
    static const char *const words[] = {"false", "true", "0", "1", "no", "yes", "off", "on"};
    for (int i = 0; i < 8; i++)
        if (strcmp(text, words[i]) == 0) {
            *out = i & 1;
            return SAINT_OK;
        }
    return saint_fail(err, SAINT_INVALID, "%s=%s: expected true or false", name, text);
}

static saint_status parse_method(param_id id, const char *text, int *out, saint_error *err)
{
    if (strcmp(text, "None") == 0 || strcmp(text, "none") == 0) {
        *out = SAINT_METHOD_NONE;
        return SAINT_OK;
    }
    const saint_method *m = saint_method_find(text);
    if (!m) return saint_fail(err, SAINT_INVALID, "%s=%s: no such method; `saint methods` lists them", info[id].name, text);
    saint_stage stage = scopes[id] == S_VIT ? SAINT_STAGE_VIT : SAINT_STAGE_LLM;
    if (!(m->stages & 1u << stage))
        return saint_fail(err, SAINT_INVALID, "%s=%s: this method does not work in the %s", info[id].name, text,
                          stage == SAINT_STAGE_VIT ? "ViT" : "LLM");
    *out = saint_method_index(m);
    return SAINT_OK;
}

static saint_status parse_value(param_id id, const char *text, param_value *v, saint_error *err)
{
    *v = (param_value){0};
    switch (types[id]) {
    case T_INT:
    case T_FLOAT: return parse_number(id, text, &v->number, err);
    case T_BOOL: return parse_bool(info[id].name, text, &v->number, err);
    case T_METHOD: return parse_method(id, text, &v->method, err);
    case T_MODE:
        for (int i = 0; i < 4; i++)
            if (strcmp(text, mode_names[i]) == 0) {
                v->number = i;
                return SAINT_OK;
            }
        return saint_fail(err, SAINT_INVALID, "mode=%s: expected none, vit, llm or hybrid", text);
    case T_SEED: {
        char *end = NULL;
        errno = 0;
        unsigned long long u = strtoull(text, &end, 10);
        if (end == text || *end || errno || strchr(text, '-'))
            return saint_fail(err, SAINT_INVALID, "%s=%s: expected a whole number from 0 to 2^64 - 1", info[id].name, text);
        v->seed = u;
        return SAINT_OK;
    }
    }
    return SAINT_OK;
}

/* One place that knows which field a per-layer parameter is. */
static void store_layer(saint_layer_settings *l, param_id id, const param_value *v)
{
    switch (id) {
    case P_PRUNE_MODE:
    case P_LLM_PRUNE_MODE: l->method = v->method; break;
    case P_KEEP_NUM:
    case P_LLM_KEEP_NUM: l->p.keep_num = (int32_t)v->number; break;
    case P_R:
    case P_LLM_R: l->p.r = (int32_t)v->number; break;
    case P_K:
    case P_SAINT_K: l->p.K = (int32_t)v->number; break;
    case P_SIM_THRESHOLD:
    case P_SAINT_THRESHOLD: l->p.sim_threshold = (float)v->number; break;
    case P_GAMMA:
    case P_SAINT_GAMMA: l->p.gamma = (float)v->number; break;
    case P_KEEP_RATIO:
    case P_LLM_KEEP_RATIO: l->p.keep_ratio = (float)v->number; break;
    case P_SEED:
    case P_LLM_SEED: l->p.seed = v->seed; break;
    default: break;
    }
}

static void store_global(saint_settings *s, param_id id, const param_value *v)
{
    int32_t n = (int32_t)v->number;
    switch (id) {
    case P_MODE:
        s->mode = (saint_mode)n;
        s->mode_given = true;
        break;
    case P_USE_SAINT:
        s->use_saint = n != 0;
        s->range_given = true;
        break;
    case P_SAINT_START:
        s->range_given = s->ends_given = true;
        s->saint_start = n;
        if (s->saint_end < n) s->saint_end = n;
        break;
    case P_SAINT_END:
        s->range_given = s->ends_given = true;
        s->saint_end = n;
        if (s->saint_start > n) s->saint_start = n;
        break;
    case P_SAINT_IMAGE_TOKEN_LENGTH: s->saint_image_token_length = n; break;
    case P_SAINT_SYS_LENGTH: s->saint_sys_length = n; break;
    default: break;
    }
}

static double load_layer(const saint_layer_settings *l, param_id id)
{
    switch (id) {
    case P_PRUNE_MODE:
    case P_LLM_PRUNE_MODE: return l->method;
    case P_KEEP_NUM:
    case P_LLM_KEEP_NUM: return l->p.keep_num;
    case P_R:
    case P_LLM_R: return l->p.r;
    case P_K:
    case P_SAINT_K: return l->p.K;
    case P_SIM_THRESHOLD:
    case P_SAINT_THRESHOLD: return (double)l->p.sim_threshold;
    case P_GAMMA:
    case P_SAINT_GAMMA: return (double)l->p.gamma;
    case P_KEEP_RATIO:
    case P_LLM_KEEP_RATIO: return (double)l->p.keep_ratio;
    case P_SEED:
    case P_LLM_SEED: return (double)l->p.seed;
    default: return 0;
    }
}

static double load_global(const saint_settings *s, param_id id)
{
    switch (id) {
    case P_MODE: return (int)s->mode;
    case P_USE_SAINT: return s->use_saint;
    case P_SAINT_START: return s->saint_start;
    case P_SAINT_END: return s->saint_end;
    case P_LLM_PRUNE_MODE: return s->llm_method;
    case P_SAINT_IMAGE_TOKEN_LENGTH: return s->saint_image_token_length;
    case P_SAINT_SYS_LENGTH: return s->saint_sys_length;
    default: return 0;
    }
}

bool saint_settings_get(const saint_settings *s, const char *name, int layer, double *out)
{
    int id = 0;
    while (id < P_COUNT && strcmp(info[id].name, name) != 0) id++;
    if (id == P_COUNT) return false;
    if (scopes[id] == S_GLOBAL || (id == P_LLM_PRUNE_MODE && layer == -1)) {
        *out = load_global(s, (param_id)id);
        return true;
    }
    if (layer < 0 || layer >= SAINT_MAX_LAYERS) return false;
    *out = load_layer(scopes[id] == S_VIT ? &s->vit[layer] : &s->llm[layer], (param_id)id);
    return true;
}

void saint_method_params_default(saint_stage stage, saint_method_params *p)
{
    saint_layer_settings l = {0};
    for (int id = 0; id < P_COUNT; id++)
        if (scopes[id] == (stage == SAINT_STAGE_VIT ? S_VIT : S_LLM))
            store_layer(&l, (param_id)id, &(param_value){.number = info[id].def, .method = SAINT_METHOD_NONE});
    *p = l.p;
}

bool saint_settings_range(const saint_settings *s, int llm_layers, int *first, int *last)
{
    enum { MADE_FOR = 32 };
    *first = s->saint_start;
    *last = s->saint_end;
    if (s->ends_given || *last < llm_layers || llm_layers < 1) return false;
    *first = *first * llm_layers / MADE_FOR;
    *last = (*last + 1) * llm_layers / MADE_FOR - 1;
    if (*last < *first) *last = *first;
    return true;
}

void saint_settings_default(saint_settings *s)
{
    memset(s, 0, sizeof *s);
    for (int id = 0; id < P_COUNT; id++)
        if (scopes[id] == S_GLOBAL) store_global(s, (param_id)id, &(param_value){.number = info[id].def});
    s->mode_given = s->range_given = s->ends_given = false;
    s->saint_start = (int32_t)info[P_SAINT_START].def;
    s->saint_end = (int32_t)info[P_SAINT_END].def;
    s->llm_method = saint_method_index(saint_method_find("saint_drop"));
    for (int i = 0; i < SAINT_MAX_LAYERS; i++) {
        saint_method_params_default(SAINT_STAGE_VIT, &s->vit[i].p);
        saint_method_params_default(SAINT_STAGE_LLM, &s->llm[i].p);
        s->vit[i].method = SAINT_METHOD_NONE;
        s->llm[i].method = SAINT_METHOD_UNSET;
    }
}

/* ---- keys ------------------------------------------------------------------------------------------------ */

/* Between the first len bytes of a, without their case, and b. */
static int edit_distance(const char *a, size_t len, const char *b)
{
    size_t n = strlen(b);
    int row[64];
    if (n > 62) n = 62;
    for (size_t j = 0; j <= n; j++) row[j] = (int)j;
    for (size_t i = 0; i < len; i++) {
        int diagonal = row[0];
        row[0] = (int)i + 1;
        for (size_t j = 0; j < n; j++) {
            int change = diagonal + (tolower((unsigned char)a[i]) != tolower((unsigned char)b[j]));
            diagonal = row[j + 1];
            int best = row[j] < diagonal ? row[j] : diagonal;
            row[j + 1] = change < best + 1 ? change : best + 1;
        }
    }
    return row[n];
}

static saint_status unknown_key(const char *key, saint_error *err)
{
    char best[64] = "";
    int least = INT_MAX;
    size_t len = strcspn(key, "["); /* the layers behind the name are no part of it */
    if (len > 256) len = 256;
    for (int i = 0; i < P_COUNT + SAINT_COMPAT_COUNT + 2; i++) {
        char name[64];
        if (i < P_COUNT) snprintf(name, sizeof name, "%s", info[i].name);
        else if (i < P_COUNT + SAINT_COMPAT_COUNT) snprintf(name, sizeof name, "compat.%s", compat_names[i - P_COUNT]);
        else snprintf(name, sizeof name, "%s", i == P_COUNT + SAINT_COMPAT_COUNT ? "compat" : "hand");
        int d = edit_distance(key, len, name);
        if (d < least) {
            least = d;
            memcpy(best, name, sizeof best);
        }
    }
    return saint_fail(err, SAINT_INVALID, "%.100s: no such parameter; the nearest is %s", key, best);
}

/* "[0-3,7]" behind a name -> set[layer]; plain name -> all. */
static saint_status parse_layers(const char *key, const char *bracket, bool set[SAINT_MAX_LAYERS], saint_error *err)
{
    const char *p = bracket + 1;
    memset(set, 0, SAINT_MAX_LAYERS * sizeof *set);
    for (;;) {
        char *end;
        if (!isdigit((unsigned char)*p)) break;
        long first = strtol(p, &end, 10), last = first;
        if (*end == '-') {
            p = end + 1;
            if (!isdigit((unsigned char)*p)) break;
            last = strtol(p, &end, 10);
        }
        if (first > last || last >= SAINT_MAX_LAYERS)
            return saint_fail(err, SAINT_INVALID, "%s: expected layers from 0 to %d in rising order", key, SAINT_MAX_LAYERS - 1);
        for (long i = first; i <= last; i++) set[i] = true;
        p = end;
        if (*p == ',') {
            p++;
            continue;
        }
        if (*p == ']' && !p[1]) return SAINT_OK;
        break;
    }
    return saint_fail(err, SAINT_INVALID, "%s: expected a list of layers such as [3] or [0-11,14]", key);
}

static saint_status set_compat(uint32_t *compat, const char *key, const char *value, saint_error *err)
{
    if (strcmp(key, "compat") == 0) {
        if (strcmp(value, "reference") == 0) *compat = (1u << SAINT_COMPAT_COUNT) - 1;
        else if (strcmp(value, "corrected") == 0) *compat = 0;
        else return saint_fail(err, SAINT_INVALID, "compat=%s: expected reference or corrected", value);
        return SAINT_OK;
    }
    for (int i = 0; i < SAINT_COMPAT_COUNT; i++)
        if (strcmp(key + 7, compat_names[i]) == 0) {
            double on = 0;
            saint_status s = parse_bool(key, value, &on, err);
            if (s != SAINT_OK) return s;
            *compat = on != 0 ? *compat | 1u << i : *compat & ~(1u << i);
            return SAINT_OK;
        }
    return unknown_key(key, err);
}

/* A stage that the user gives a method to is meant to run, unless he chose the mode himself. */
static void switch_stage_on(saint_settings *s, param_id id, const param_value *v)
{
    if (s->mode_given) return;
    if (id == P_PRUNE_MODE && v->method != SAINT_METHOD_NONE) s->mode = (saint_mode)((int)s->mode | 1);
    if ((id == P_LLM_PRUNE_MODE && v->method != SAINT_METHOD_NONE) || (id == P_USE_SAINT && v->number != 0))
        s->mode = (saint_mode)((int)s->mode | 2);
}

static saint_status set_hand(saint_settings *s, const char *value, saint_error *err)
{
    saint_hand h;
    saint_status st = saint_hand_parse(&h, value, err);
    if (st != SAINT_OK) return st;
    memcpy(&s->hand, &h, sizeof h);
    int stage = h.stage == SAINT_STAGE_LLM ? SAINT_MODE_LLM : SAINT_MODE_VIT;
    if (!h.on || s->mode_given || (int)s->mode & stage) return SAINT_OK;
    if (stage == SAINT_MODE_LLM && !s->range_given) s->use_saint = false; /* this place, and not the default range too */
    s->mode = (saint_mode)((int)s->mode | stage);
    return SAINT_OK;
}

saint_status saint_settings_set(saint_settings *s, const char *key, const char *value, saint_error *err)
{
    if (strcmp(key, "hand") == 0) return set_hand(s, value, err);
    if (strcmp(key, "compat") == 0 || strncmp(key, "compat.", 7) == 0) return set_compat(&s->compat, key, value, err);
    const char *bracket = strchr(key, '[');
    size_t len = bracket ? (size_t)(bracket - key) : strlen(key);
    int id = 0;
    while (id < P_COUNT && (strlen(info[id].name) != len || strncmp(info[id].name, key, len) != 0)) id++;
    if (id == P_COUNT) return unknown_key(key, err);
    param_value v;
    saint_status st = parse_value((param_id)id, value, &v, err);
    if (st != SAINT_OK) return st;
    if (scopes[id] == S_GLOBAL) {
        if (bracket) return saint_fail(err, SAINT_INVALID, "%s: this parameter has one value, not one per layer", key);
        store_global(s, (param_id)id, &v);
    } else {
        bool set[SAINT_MAX_LAYERS];
        if (bracket) {
            st = parse_layers(key, bracket, set, err);
            if (st != SAINT_OK) return st;
        } else {
            for (int i = 0; i < SAINT_MAX_LAYERS; i++) set[i] = true;
        }
        if (id == P_LLM_PRUNE_MODE && !bracket) {
            s->llm_method = v.method;
            s->range_given = true;
        } else {
            if (id == P_LLM_PRUNE_MODE && !s->range_given && v.method != SAINT_METHOD_NONE) s->use_saint = false;
            for (int i = 0; i < SAINT_MAX_LAYERS; i++)
                if (set[i]) store_layer(scopes[id] == S_VIT ? &s->vit[i] : &s->llm[i], (param_id)id, &v);
        }
    }
    switch_stage_on(s, (param_id)id, &v);
    return SAINT_OK;
}

static saint_status split_assignment(const char *text, char key[128], const char **value, saint_error *err)
{
    const char *eq = strchr(text, '=');
    if (!eq || eq == text || eq - text > 127)
        return saint_fail(err, SAINT_INVALID, "%.100s: expected key=value", text);
    memcpy(key, text, (size_t)(eq - text));
    key[eq - text] = 0;
    *value = eq + 1;
    return SAINT_OK;
}

saint_status saint_settings_assign(saint_settings *s, const char *assignment, saint_error *err)
{
    char key[128];
    const char *value = NULL;
    saint_status st = split_assignment(assignment, key, &value, err);
    return st == SAINT_OK ? saint_settings_set(s, key, value, err) : st;
}

saint_status saint_method_params_set(saint_method_params *p, unsigned *compat, const char *assignment, saint_error *err)
{
    char key[128];
    const char *value = NULL;
    saint_status st = split_assignment(assignment, key, &value, err);
    if (st != SAINT_OK) return st;
    if (strcmp(key, "compat") == 0 || strncmp(key, "compat.", 7) == 0) {
        st = set_compat(compat, key, value, err);
        /* The published ViT patch forgets to pass K and gamma on; the published function, which stands alone here, honours them. */
        if (st == SAINT_OK && strcmp(key, "compat") == 0) *compat &= ~(1u << SAINT_COMPAT_VIT_DEFAULT_K_GAMMA);
        return st;
    }
    for (int id = 0; id < P_COUNT; id++) {
        if (scopes[id] == S_GLOBAL || types[id] == T_METHOD || strcmp(info[id].name, key) != 0) continue;
        param_value v;
        saint_layer_settings l = {.p = *p};
        st = parse_value((param_id)id, value, &v, err);
        if (st != SAINT_OK) return st;
        store_layer(&l, (param_id)id, &v);
        *p = l.p;
        return SAINT_OK;
    }
    for (int id = 0; id < P_COUNT; id++)
        if (strcmp(info[id].name, key) == 0)
            return saint_fail(err, SAINT_INVALID, "%s: a parameter of whole runs; `saint select` takes those of one method", key);
    return unknown_key(key, err);
}
