/* trial.c - the identity of a configuration: what its settings mean for one model, in one spelling. */
#define _GNU_SOURCE
#include "eval/trial.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void eval_trial_free(eval_trial *t)
{
    if (!t) return;
    free(t->name);
    free(t->config);
    t->name = t->config = NULL;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

/* Parameters of a layer: the name at each stage and where a site has it. Whatever is not listed here has one value and is written by
 * globals(); a test compares both with params.def. */
typedef enum { INT, REAL, SEED } value_type;
static const struct {
    const char *name[2]; /* by stage */
    unsigned bit;
    value_type type;
    size_t at;
} layered[] = {
    {{"keep_num", "llm_keep_num"}, SAINT_PARAM_KEEP_NUM, INT, offsetof(saint_method_params, keep_num)},
    {{"r", "llm_r"}, SAINT_PARAM_R, INT, offsetof(saint_method_params, r)},
    {{"sim_threshold", "saint_threshold"}, SAINT_PARAM_SIM_THRESHOLD, REAL, offsetof(saint_method_params, sim_threshold)},
    {{"K", "saint_K"}, SAINT_PARAM_K, INT, offsetof(saint_method_params, K)},
    {{"gamma", "saint_gamma"}, SAINT_PARAM_GAMMA, REAL, offsetof(saint_method_params, gamma)},
    {{"keep_ratio", "llm_keep_ratio"}, SAINT_PARAM_KEEP_RATIO, REAL, offsetof(saint_method_params, keep_ratio)},
    {{"seed", "llm_seed"}, SAINT_PARAM_SEED, SEED, offsetof(saint_method_params, seed)},
};
enum { LAYERED = sizeof layered / sizeof *layered, MEMBERS = 2 * LAYERED + 16 };

/* The members of the object, each `"key":value`, to be sorted. */
typedef struct {
    char *text[MEMBERS];
    int n;
    bool lost; /* no memory for one */
} members;

#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
static void add(members *o, const char *fmt, ...)
{
    va_list ap;
    char *text = NULL;
    va_start(ap, fmt);
    if (o->n == MEMBERS || vasprintf(&text, fmt, ap) < 0) o->lost = true;
    else o->text[o->n++] = text;
    va_end(ap);
}

/* The shortest text that gives the same f32 again. */
static void put_real(float x, char *out, size_t size)
{
    *out = 0;
    for (int digits = 1; digits <= 9; digits++) {
        char text[32];
        snprintf(text, sizeof text, "%.*g", digits, (double)x);
        if ((float)strtod(text, NULL) == x && (!*out || strlen(text) < strlen(out))) snprintf(out, size, "%s", text);
    }
}

static void put_value(int k, const saint_method_params *p, char *out, size_t size)
{
    const char *field = (const char *)p + layered[k].at;
    int32_t i;
    float f;
    uint64_t u;
    switch (layered[k].type) {
    case INT:
        memcpy(&i, field, sizeof i);
        snprintf(out, size, "%" PRId32, i);
        break;
    case REAL:
        memcpy(&f, field, sizeof f);
        put_real(f, out, size);
        break;
    case SEED: /* 64 bits: more than a JSON number holds */
        memcpy(&u, field, sizeof u);
        snprintf(out, size, "\"%" PRIu64 "\"", u);
        break;
    }
}

/* {"0-3":VALUE,"7":VALUE} from one text per layer, "" = none there. NULL: no memory. */
static char *ranges(char (*value)[64], int layers)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (!f) return NULL;
    fputc('{', f);
    for (int i = 0, next; i < layers; i = next) {
        for (next = i + 1; next < layers && strcmp(value[i], value[next]) == 0;) next++;
        if (!value[i][0]) continue;
        fprintf(f, "%s\"%d", ftell(f) > 1 ? "," : "", i);
        if (next - i > 1) fprintf(f, "-%d", next - 1);
        fprintf(f, "\":%s", value[i]);
    }
    fputc('}', f);
    if (fclose(f) == 0) return text;
    free(text);
    return NULL;
}

static void add_ranges(members *o, const char *key, char (*value)[64], int layers)
{
    char *text = ranges(value, layers);
    if (text) add(o, "\"%s\":%s", key, text);
    else o->lost = true;
    free(text);
}

static void add_layered(members *o, const saint_plan *p, saint_stage stage, bool twin)
{
    for (int k = 0; k < LAYERED; k++) {
        char value[SAINT_MAX_LAYERS][64] = {{0}};
        bool any = false;
        if (twin && (layered[k].bit & (SAINT_PARAM_KEEP_NUM | SAINT_PARAM_KEEP_RATIO | SAINT_PARAM_SEED))) continue;
        for (int i = 0; i < p->n_sites; i++) {
            const saint_site *s = &p->site[i];
            if (s->stage != (int32_t)stage || !(saint_method_at(s->method)->params & layered[k].bit)) continue;
            put_value(k, &s->p, value[s->layer], sizeof value[0]);
            any = true;
        }
        if (any) add_ranges(o, layered[k].name[stage == SAINT_STAGE_LLM], value, SAINT_MAX_LAYERS);
    }
}

static void add_methods(members *o, const saint_plan *p, saint_stage stage, const char *key, int layers)
{
    char value[SAINT_MAX_LAYERS][64] = {{0}};
    for (int i = 0; i < layers; i++) {
        const saint_site *s = saint_plan_site(p, stage, i);
        /* what lies under a list made by hand has no effect */
        snprintf(value[i], sizeof value[i], "\"%s\"",
                 saint_method_label(s && s->method != SAINT_METHOD_HAND ? s->method : SAINT_METHOD_NONE));
    }
    add_ranges(o, key, value, layers);
}

/* One method on neighbouring layers is what saint_start, saint_end and llm_prune_mode say together; a list made by hand may replace it in
 * between. */
static bool one_range(const saint_plan *p, int *first, int *last, int *method)
{
    *first = -1;
    for (int i = 0; i < p->n_sites; i++) {
        const saint_site *s = &p->site[i];
        if (s->stage != SAINT_STAGE_LLM || s->method == SAINT_METHOD_HAND) continue;
        if (*first < 0) *first = s->layer;
        else if (s->method != *method) return false;
        for (int k = *first < s->layer ? *last + 1 : s->layer; k < s->layer; k++) {
            const saint_site *between = saint_plan_site(p, SAINT_STAGE_LLM, k);
            if (!between || between->method != SAINT_METHOD_HAND) return false;
        }
        *last = s->layer;
        *method = s->method;
    }
    return *first >= 0;
}

static void add_llm(members *o, const saint_plan *p, const saint_model_info *m, bool twin)
{
    int first = 0, last = 0, method = 0;
    bool range = one_range(p, &first, &last, &method);
    add(o, "\"use_saint\":%s", range ? "true" : "false");
    if (range) {
        add(o, "\"llm_prune_mode\":\"%s\"", saint_method_label(method));
        add(o, "\"saint_start\":%d", first);
        add(o, "\"saint_end\":%d", last);
    } else {
        add_methods(o, p, SAINT_STAGE_LLM, "llm_prune_mode", m->llm_layers);
    }
    add_layered(o, p, SAINT_STAGE_LLM, twin);
    add(o, "\"saint_image_token_length\":%d", p->image_token_length);
    add(o, "\"saint_sys_length\":%d", p->sys_length);
}

/* Flags that can matter: those that place the LLM's window or move its decoding do not without a site there. */
static void add_compat(members *o, const saint_plan *p, saint_mode mode)
{
    uint32_t llm_only =
        1u << SAINT_COMPAT_SYS_LENGTH_36 | 1u << SAINT_COMPAT_IMAGE_LENGTH_COUNTS_CLS | 1u << SAINT_COMPAT_DECODE_POSITION_PLUS_ONE;
    uint32_t flags = p->compat & ~(mode & SAINT_MODE_LLM ? 0 : llm_only);
    const char *name[32];
    int n = 0;
    char list[1024] = "";
    for (int i = 0; saint_compat_name(i); i++)
        if (flags & 1u << i) name[n++] = saint_compat_name(i);
    size_t used = 0;
    for (int i = 0; i < n; i++) used += (size_t)snprintf(list + used, sizeof list - used, "%s\"%s\"", i ? "," : "", name[i]);
    add(o, "\"compat\":[%s]", list);
}

/* The text that --set takes. */
static void add_hand(members *o, const saint_hand *h)
{
    char *text = malloc(SAINT_HAND_TEXT);
    if (text) add(o, "\"hand\":\"%s\"", saint_hand_text(h, text, SAINT_HAND_TEXT));
    else o->lost = true;
    free(text);
}

static int by_key(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    size_t n = strcspn(x + 1, "\"") + 1, k = strcspn(y + 1, "\"") + 1; /* without the closing quote, which would sort among letters */
    int c = memcmp(x, y, n < k ? n : k);
    return c ? c : (n > k) - (n < k);
}

static char *joined(members *o)
{
    size_t bytes = 3;
    qsort(o->text, (size_t)o->n, sizeof *o->text, by_key);
    for (int i = 0; i < o->n; i++) bytes += strlen(o->text[i]) + 1;
    char *text = o->lost ? NULL : malloc(bytes), *p = text;
    if (p) *p++ = '{';
    for (int i = 0; i < o->n; i++) {
        if (p) p += sprintf(p, "%s%s", i ? "," : "", o->text[i]);
        free(o->text[i]);
    }
    if (p) strcpy(p, "}");
    return text;
}

static char *canonical(const eval_trial *t, const saint_plan *p, const saint_model_info *m)
{
    members o = {0};
    saint_mode mode = saint_plan_mode(p);
    add(&o, "\"mode\":\"%s\"", saint_mode_name(mode));
    if (m->llm_layers) add(&o, "\"max_new_tokens\":%d", t->max_new_tokens);
    if (t->twin_id) add(&o, "\"twin_of\":\"%016" PRIx64 "\"", t->twin_id);
    if (p->hand.on) add_hand(&o, &p->hand);
    if (p->n_sites) add_compat(&o, p, mode);
    if (mode & SAINT_MODE_VIT) {
        add_methods(&o, p, SAINT_STAGE_VIT, "prune_mode", m->vit_layers_run);
        add_layered(&o, p, SAINT_STAGE_VIT, t->twin_id != 0);
    }
    if (mode & SAINT_MODE_LLM) add_llm(&o, p, m, t->twin_id != 0);
    return joined(&o);
}

saint_status eval_trial_identify(eval_trial *t, const saint_model_info *m, saint_error *err)
{
    saint_plan p;
    saint_status s = saint_plan_build(&p, &t->settings, m, NULL, err);
    if (s != SAINT_OK) return s;
    char *text = canonical(t, &p, m);
    if (!text) return saint_fail(err, SAINT_MEMORY, "no memory for the identity of a trial");
    free(t->config);
    t->config = text;
    t->baseline = p.n_sites == 0;
    saint_sha256 h;
    saint_sha256_init(&h);
    saint_sha256_update(&h, text, strlen(text));
    t->digest = saint_sha256_final(&h);
    t->id = 0;
    for (int i = 0; i < 8; i++) t->id = t->id << 8 | t->digest.byte[i];
    return SAINT_OK;
}

/* ---- and back ---------------------------------------------------------------------------------------------------- */

static saint_status wrong(saint_error *err, const char *key, const char *expected)
{
    return saint_fail(err, SAINT_FORMAT, "trial: %.100s: expected %s", key, expected);
}

/* A scalar as the text that --set takes. */
static bool scalar(const cJSON *v, char *out, size_t size)
{
    if (cJSON_IsString(v)) return (size_t)snprintf(out, size, "%s", v->valuestring) < size;
    if (cJSON_IsBool(v)) return snprintf(out, size, "%s", cJSON_IsTrue(v) ? "true" : "false") > 0;
    return cJSON_IsNumber(v) && isfinite(v->valuedouble) && (size_t)snprintf(out, size, "%.9g", v->valuedouble) < size;
}

static saint_status set_text(saint_settings *out, const char *key, const char *value, saint_error *err)
{
    saint_error e = {0};
    saint_status s = saint_settings_set(out, key, value, &e);
    return s == SAINT_OK ? s : saint_fail(err, SAINT_FORMAT, "trial: %s", e.text);
}

static saint_status set(saint_settings *out, const char *key, const cJSON *v, saint_error *err)
{
    char value[128];
    return scalar(v, value, sizeof value) ? set_text(out, key, value, err) : wrong(err, key, "a number, a word or true or false");
}

static saint_status set_ranges(saint_settings *out, const cJSON *object, saint_error *err)
{
    saint_status s = SAINT_OK;
    for (const cJSON *v = object->child; v && s == SAINT_OK; v = v->next) {
        char key[64];
        if (!isdigit((unsigned char)v->string[0]) || (size_t)snprintf(key, sizeof key, "%s[%s]", object->string, v->string) >= sizeof key)
            return wrong(err, object->string, "layers as \"3\" or \"0-11\"");
        s = set(out, key, v, err);
    }
    return s;
}

static saint_status set_compat(saint_settings *out, const cJSON *list, saint_error *err)
{
    saint_status s = SAINT_OK;
    if (!cJSON_IsArray(list)) return wrong(err, "compat", "a list of flags");
    for (const cJSON *v = list->child; v && s == SAINT_OK; v = v->next) {
        char key[96];
        if (!cJSON_IsString(v) || (size_t)snprintf(key, sizeof key, "compat.%s", v->valuestring) >= sizeof key)
            return wrong(err, "compat", "a list of flags");
        s = set_text(out, key, "true", err);
    }
    return s;
}

/* What is no parameter of settings.h. *taken: it was one of these. */
static saint_status parse_other(const cJSON *v, saint_settings *out, int *max_new_tokens, uint64_t *twin, bool *taken, saint_error *err)
{
    *taken = true;
    if (strcmp(v->string, "compat") == 0) return set_compat(out, v, err);
    if (strcmp(v->string, "hand") == 0)
        return cJSON_IsString(v) ? set_text(out, v->string, v->valuestring, err) : wrong(err, v->string, "a list");
    if (strcmp(v->string, "max_new_tokens") == 0) {
        if (!cJSON_IsNumber(v) || !(v->valuedouble >= 0 && v->valuedouble <= 1 << 20) || v->valuedouble != floor(v->valuedouble))
            return wrong(err, v->string, "a whole number from 0 to 1048576");
        *max_new_tokens = (int)v->valuedouble;
        return SAINT_OK;
    }
    if (strcmp(v->string, "twin_of") == 0) {
        const char *id = cJSON_IsString(v) ? v->valuestring : "";
        if (strlen(id) != 16 || strspn(id, "0123456789abcdef") != 16) return wrong(err, v->string, "16 hexadecimal digits");
        *twin = strtoull(id, NULL, 16);
        return SAINT_OK;
    }
    *taken = false;
    return SAINT_OK;
}

/* The mode first and the range of LLM layers in order, because one of them may move others. */
static saint_status parse_members(const cJSON *o, saint_settings *out, int *max_new_tokens, uint64_t *twin, saint_error *err)
{
    static const char *const first[] = {"mode", "use_saint", "saint_start", "saint_end"};
    saint_status s = SAINT_OK;
    for (size_t i = 0; i < sizeof first / sizeof *first && s == SAINT_OK; i++) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, first[i]);
        if (v) s = set(out, first[i], v, err);
    }
    int start = out->saint_start;
    for (const cJSON *v = o->child; v && s == SAINT_OK; v = v->next) {
        bool taken = false;
        for (size_t i = 0; i < sizeof first / sizeof *first; i++) taken |= strcmp(v->string, first[i]) == 0;
        if (!taken) s = parse_other(v, out, max_new_tokens, twin, &taken, err);
        if (s != SAINT_OK || taken) continue;
        s = cJSON_IsObject(v) ? set_ranges(out, v, err) : set(out, v->string, v, err);
    }
    if (s == SAINT_OK && cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(o, "saint_start")) &&
        start != cJSON_GetObjectItemCaseSensitive(o, "saint_start")->valuedouble)
        s = wrong(err, "saint_start", "a layer that is not behind saint_end");
    return s;
}

static saint_status parse(const char *config, saint_settings *out, int *max_new_tokens, uint64_t *twin, saint_error *err)
{
    cJSON *o = NULL;
    saint_settings_default(out);
    *max_new_tokens = 0;
    *twin = 0;
    saint_status s = saint_json_parse(config, strlen(config), 1 << 20, "trial", &o, err);
    if (s != SAINT_OK) return s;
    if (!cJSON_IsObject(o)) s = wrong(err, "configuration", "a JSON object");
    else if (!cJSON_IsString(cJSON_GetObjectItemCaseSensitive(o, "mode"))) s = wrong(err, "mode", "none, vit, llm or hybrid");
    else s = parse_members(o, out, max_new_tokens, twin, err);
    cJSON_Delete(o);
    return s;
}

saint_status eval_trial_parse(const char *config, saint_settings *out, int *max_new_tokens, saint_error *err)
{
    uint64_t twin;
    return parse(config, out, max_new_tokens, &twin, err);
}

saint_status eval_trial_restore(const char *config, const saint_model_info *m, eval_trial *out, saint_error *err)
{
    saint_error e = {0};
    memset(out, 0, sizeof *out);
    out->twin_of = -1;
    saint_status s = parse(config, &out->settings, &out->max_new_tokens, &out->twin_id, err);
    if (s != SAINT_OK) return s;
    s = eval_trial_identify(out, m, &e);
    if (s == SAINT_OK && strcmp(out->config, config) == 0) return SAINT_OK;
    if (s == SAINT_OK)
        s = saint_fail(err, SAINT_FORMAT, "trial: %.120s: expected the text that this program writes for %s: %.120s", config, m->name,
                       out->config);
    else s = saint_fail(err, s == SAINT_MEMORY ? s : SAINT_FORMAT, "trial: %s", e.text);
    eval_trial_free(out);
    return s;
}

/* ---- twins ------------------------------------------------------------------------------------------------------- */

static void make_random(saint_settings *s, saint_stage stage, int layer)
{
    saint_layer_settings *l = stage == SAINT_STAGE_LLM ? &s->llm[layer] : &s->vit[layer];
    l->method = saint_method_index(saint_method_find("random"));
    s->mode = (saint_mode)((int)s->mode | (stage == SAINT_STAGE_LLM ? 2 : 1));
}

saint_status eval_trial_twin(const eval_trial *partner, const saint_model_info *m, eval_trial *out, saint_error *err)
{
    saint_plan p;
    memset(out, 0, sizeof *out);
    saint_status s = saint_plan_build(&p, &partner->settings, m, NULL, err);
    if (s != SAINT_OK) return s;
    if (p.n_sites == 0) return saint_fail(err, SAINT_INVALID, "a trial that drops nothing has no random twin");
    saint_settings *r = &out->settings;
    saint_settings_default(r);
    r->use_saint = false;
    r->mode_given = r->range_given = true;
    /* A wrong window would have random dropping lose text; the flags that make one stay behind. */
    r->compat = p.compat & ~(1u << SAINT_COMPAT_SYS_LENGTH_36 | 1u << SAINT_COMPAT_IMAGE_LENGTH_COUNTS_CLS);
    for (int i = 0; i < p.n_sites; i++) make_random(r, (saint_stage)p.site[i].stage, p.site[i].layer);
    out->max_new_tokens = partner->max_new_tokens;
    out->twin_of = partner->ordinal;
    out->twin_id = partner->id;
    if (asprintf(&out->name, "random twin of %s", partner->name ? partner->name : "the other") < 0) {
        out->name = NULL;
        return saint_fail(err, SAINT_MEMORY, "no memory for a trial");
    }
    s = eval_trial_identify(out, m, err);
    if (s != SAINT_OK) eval_trial_free(out);
    return s;
}

uint64_t eval_twin_seed(const eval_trial *twin, const char *uid, uint32_t repeat)
{
    saint_sha256 h;
    uint8_t number[4] = {(uint8_t)repeat, (uint8_t)(repeat >> 8), (uint8_t)(repeat >> 16), (uint8_t)(repeat >> 24)};
    saint_sha256_init(&h);
    saint_sha256_update(&h, &twin->digest, sizeof twin->digest);
    saint_sha256_update(&h, uid, strlen(uid) + 1);
    saint_sha256_update(&h, number, sizeof number);
    saint_digest d = saint_sha256_final(&h);
    uint64_t seed = 0;
    for (int i = 0; i < 8; i++) seed = seed << 8 | d.byte[i];
    return seed;
}
