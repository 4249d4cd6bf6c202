#define _GNU_SOURCE
#include "sweep/plan.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load.h"
#include "reads.h"

static saint_status no_memory(saint_error *err) { return saint_fail(err, SAINT_MEMORY, "no memory for a sweep of this size"); }

/* ---- life -------------------------------------------------------------------------------------------------------- */

void sweep_plan_free(sweep_plan *p)
{
    if (!p) return;
    char *texts[] = {p->identity, p->model, p->model_name,  p->model_family, p->model_format, p->model_sha256, p->weight_dtype, p->dtype,
                     p->backend,  p->data,  p->data_sha256, p->prompt,       p->split,        p->images,       p->spec,   p->vision_tower,
                     p->numerics};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) free(texts[i]);
    for (int i = 0; i < p->n_axes; i++) free(p->axis[i]);
    for (int i = 0; i < p->n_trials; i++) {
        eval_trial_free(&p->trial[i]);
        sweep_texts_free(&p->given[i]);
    }
    free(p->axis);
    free(p->trial);
    free(p->given);
    free(p->value);
    free(p->wanted);
    memset(p, 0, sizeof *p);
}

eval_trial *sweep_plan_new_trial(sweep_plan *p)
{
    int n = p->n_trials;
    if ((n & (n - 1)) == 0) { /* a power of two: full */
        size_t room = n ? 2 * (size_t)n : 1;
        eval_trial *trial = realloc(p->trial, room * sizeof *trial);
        if (trial) p->trial = trial;
        sweep_texts *given = trial ? realloc(p->given, room * sizeof *given) : NULL;
        if (!given) return NULL;
        p->given = given;
    }
    memset(&p->trial[n], 0, sizeof p->trial[n]);
    p->given[n] = (sweep_texts){0};
    p->trial[n].ordinal = n;
    p->trial[n].twin_of = -1;
    p->n_trials++;
    return &p->trial[n];
}

int sweep_plan_trial(const sweep_plan *p, uint64_t id)
{
    for (int i = 0; i < p->n_trials; i++)
        if (p->trial[i].id == id) return i;
    return -1;
}

void sweep_unit_key(const char *model_sha256, const char *config_sha256, const char *data_sha256, const char *uid, uint32_t repeat,
                    const char *numerics, char hex[65])
{
    char number[16];
    const char *const part[] = {model_sha256, config_sha256, data_sha256, uid, number, numerics};
    saint_sha256 h;
    snprintf(number, sizeof number, "%" PRIu32, repeat);
    saint_sha256_init(&h);
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) saint_sha256_update(&h, part[i] ? part[i] : "", strlen(part[i] ? part[i] : "") + 1);
    saint_digest d = saint_sha256_final(&h);
    saint_digest_hex(&d, hex);
}

size_t sweep_plan_units(const sweep_plan *p) { return (size_t)p->n_trials * p->n_wanted * p->repeats; }

static int by_key(const void *a, const void *b) { return sweep_key_compare(*(char *const *)a, *(char *const *)b); }

/* The distinct keys of all trials, in the order in which they act. */
static saint_status find_axes(sweep_plan *p, saint_error *err)
{
    for (int i = 0; i < p->n_axes; i++) free(p->axis[i]);
    free(p->axis);
    p->n_axes = 0;
    p->axis = calloc(SWEEP_AXES_MAX, sizeof *p->axis);
    if (!p->axis) return no_memory(err);
    for (int i = 0; i < p->n_trials; i++)
        for (size_t k = 0; k < p->given[i].n; k++) {
            const char *text = p->given[i].text[k];
            size_t len = strcspn(text, "=");
            int at = 0;
            while (at < p->n_axes && (strlen(p->axis[at]) != len || strncmp(p->axis[at], text, len) != 0)) at++;
            if (at < p->n_axes) continue;
            if (at == SWEEP_AXES_MAX)
                return saint_fail(err, SAINT_INVALID, "%.60s: expected at most %d parameters that vary", text, SWEEP_AXES_MAX);
            p->axis[at] = strndup(text, len);
            if (!p->axis[at]) return no_memory(err);
            p->n_axes++;
        }
    qsort(p->axis, (size_t)p->n_axes, sizeof *p->axis, by_key);
    return SAINT_OK;
}

static const char *member(const cJSON *o, const char *key, const char *otherwise)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    return cJSON_IsString(v) ? v->valuestring : otherwise;
}

/* What the identity tells about all trials at once. */
static saint_status read_identity(sweep_plan *p, saint_error *err)
{
    static const char own[] = "the model's own";
    cJSON *o = p->identity ? cJSON_Parse(p->identity) : NULL;
    const cJSON *seed = cJSON_GetObjectItemCaseSensitive(o, "seed"), *version = cJSON_GetObjectItemCaseSensitive(o, "numerics");
    snprintf(p->method, sizeof p->method, "%s", member(o, "method", ""));
    p->seed = cJSON_IsNumber(seed) ? seed->valuedouble : NAN;
    free(p->numerics);
    if (asprintf(&p->numerics, "%.0f %s %s %s %s %s", cJSON_IsNumber(version) ? version->valuedouble : 0, p->dtype ? p->dtype : "",
                 p->backend ? p->backend : "", p->prompt ? p->prompt : "", member(o, "template", own), member(o, "image_mode", own)) < 0)
        p->numerics = NULL;
    cJSON_Delete(o);
    return p->numerics ? SAINT_OK : no_memory(err);
}

saint_status sweep_plan_finish(sweep_plan *p, saint_error *err)
{
    static char none[] = "";
    saint_status s = find_axes(p, err);
    if (s == SAINT_OK) s = read_identity(p, err);
    if (s != SAINT_OK) return s;
    free(p->value);
    p->value = malloc(((size_t)p->n_trials * (size_t)p->n_axes + 1) * sizeof *p->value);
    if (!p->value) return no_memory(err);
    p->baseline = -1;
    for (int i = 0; i < p->n_trials; i++) {
        eval_trial *t = &p->trial[i];
        if (t->baseline && p->baseline < 0) p->baseline = i;
        t->twin_of = t->twin_id ? sweep_plan_trial(p, t->twin_id) : -1;
        for (int a = 0; a < p->n_axes; a++) {
            char **out = &p->value[i * p->n_axes + a];
            size_t len = strlen(p->axis[a]);
            *out = none;
            for (size_t k = 0; k < p->given[i].n; k++)
                if (strncmp(p->given[i].text[k], p->axis[a], len) == 0 && p->given[i].text[k][len] == '=')
                    *out = p->given[i].text[k] + len + 1;
        }
    }
    p->n_wanted = 0;
    for (size_t i = 0; i < p->n_samples; i++) p->n_wanted += p->wanted[i];
    return SAINT_OK;
}

/* ---- identity ---------------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b) { return strcmp((*(cJSON *const *)a)->string, (*(cJSON *const *)b)->string); }

/* The members of every object in the order of their names. */
static bool sort_members(cJSON *c)
{
    size_t n = 0;
    for (cJSON *v = c->child; v; v = v->next) {
        n++;
        if (!sort_members(v)) return false;
    }
    if (!cJSON_IsObject(c) || n < 2) return true;
    cJSON **v = malloc(n * sizeof *v);
    if (!v) return false;
    for (size_t i = 0; i < n; i++) v[i] = cJSON_DetachItemViaPointer(c, c->child);
    qsort(v, n, sizeof *v, by_name);
    for (size_t i = 0; i < n; i++) cJSON_AddItemToObject(c, v[i]->string, v[i]);
    free(v);
    return true;
}

static void add_text(cJSON *o, const char *key, const char *text)
{
    if (text) cJSON_AddStringToObject(o, key, text);
}

/* The longest answer: as asked, or as published for the data set. */
static int tokens_of(const sweep_spec *s, const sweep_scene *scene)
{
    if (!scene->info->llm_layers) return 0;
    return s->max_new_tokens ? s->max_new_tokens : saint_dataset_get_info(scene->dataset)->max_new_tokens;
}

static cJSON *identity_of(const sweep_spec *s, const sweep_plan *p, const sweep_scene *scene)
{
    cJSON *o = cJSON_CreateObject(), *spec = sweep_spec_json(s), *base = cJSON_AddObjectToObject(o, "base");
    cJSON_AddNumberToObject(o, "v", 1);
    cJSON_AddNumberToObject(o, "numerics", SWEEP_NUMERICS);
    cJSON_AddStringToObject(o, "model", p->model_sha256);
    cJSON_AddStringToObject(o, "data", p->data_sha256);
    cJSON_AddStringToObject(o, "prompt", p->prompt);
    cJSON_AddStringToObject(o, "dtype", p->dtype);
    cJSON_AddStringToObject(o, "backend", p->backend);
    cJSON_AddNumberToObject(o, "max_new_tokens", tokens_of(s, scene));
    cJSON_AddStringToObject(o, "method", sweep_method_name(s->method));
    add_text(o, "template", scene->template_name);
    add_text(o, "image_mode", scene->image_mode);
    add_text(base, "preset", s->preset);
    add_text(base, "compat", s->compat);
    if (s->set.n) cJSON_AddItemToObject(base, "set", cJSON_DetachItemFromObjectCaseSensitive(spec, "set"));
    if (s->method == SWEEP_GRID) { /* more values extend it */
        cJSON *keys = cJSON_AddArrayToObject(o, "parameters");
        for (size_t i = 0; i < s->n_axes; i++) cJSON_AddItemToArray(keys, cJSON_CreateString(s->axis[i].key));
    } else if (s->method != SWEEP_LIST) { /* more points extend it, drawn from the same ranges */
        cJSON_AddItemToObject(o, "parameters", cJSON_DetachItemFromObjectCaseSensitive(spec, "parameters"));
        cJSON_AddNumberToObject(o, "seed", (double)s->seed);
    }
    cJSON_Delete(spec);
    return o;
}

static saint_status set_identity(sweep_plan *p, cJSON *o, saint_error *err)
{
    saint_sha256 h;
    char hex[65];
    char *text = o && sort_members(o) ? cJSON_PrintUnformatted(o) : NULL;
    cJSON_Delete(o);
    if (!text) return no_memory(err);
    saint_sha256_init(&h);
    saint_sha256_update(&h, text, strlen(text));
    saint_digest d = saint_sha256_final(&h);
    saint_digest_hex(&d, hex);
    memcpy(p->id, hex, 16);
    p->identity = strdup(text);
    cJSON_free(text);
    return p->identity ? SAINT_OK : no_memory(err);
}

/* ---- the scene --------------------------------------------------------------------------------------------------- */

/* A path that stays right when somebody else starts from another folder. */
static char *from_root(const char *path)
{
    char here[4096], *out = NULL;
    if (path[0] == '/' || !getcwd(here, sizeof here)) return strdup(path);
    return asprintf(&out, "%s/%s", here, path) < 0 ? NULL : out;
}

static char *data_from_root(const char *kind_path)
{
    const char *colon = strchr(kind_path, ':');
    char *out = NULL, *path = colon && colon[1] ? from_root(colon + 1) : NULL;
    if (!path) return strdup(kind_path);
    if (asprintf(&out, "%.*s:%s", (int)(colon - kind_path), kind_path, path) < 0) out = NULL;
    free(path);
    return out;
}

static void set_name(sweep_plan *p, const char *name)
{
    snprintf(p->name, sizeof p->name, "%s", name && *name ? name : "sweep");
    for (char *c = p->name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("._-", *c)) *c = '-';
    if (p->name[0] == '.' || p->name[0] == '-') p->name[0] = '_';
}

static saint_status set_scene(sweep_plan *p, const sweep_spec *s, const sweep_scene *scene, saint_error *err)
{
    const saint_dataset_info *data = saint_dataset_get_info(scene->dataset);
    char model[65], digest[65];
    saint_digest_hex(&scene->info->digest, model);
    saint_digest_hex(&data->digest, digest);
    set_name(p, s->name);
    p->model = from_root(scene->model);
    p->vision_tower = scene->vision_tower ? from_root(scene->vision_tower) : NULL;
    p->model_name = strdup(scene->info->name);
    p->model_family = strdup(scene->info->architecture);
    p->model_format = strdup(scene->info->format);
    p->model_sha256 = strdup(model);
    p->model_sha256_sampled = scene->info->digest_sampled;
    p->model_params = (double)scene->info->n_params;
    p->weight_dtype = strdup(saint_dtype_name(scene->info->weight_type));
    p->dtype = strdup(scene->dtype);
    p->backend = strdup(scene->backend);
    p->data = data_from_root(scene->data);
    p->data_sha256 = strdup(digest);
    p->prompt = strdup(data->prompt_name);
    p->split = scene->split ? strdup(scene->split) : NULL;
    p->images = scene->images ? from_root(scene->images) : NULL;
    p->parser = scene->parser;
    p->n_samples = data->n;
    p->repeats = s->repeat;
    p->early_stop = s->early_stop;
    p->wanted = calloc(data->n + 1, sizeof *p->wanted);
    if (!p->model || !p->model_name || !p->model_family || !p->model_format || !p->model_sha256 || !p->weight_dtype || !p->dtype || !p->backend || !p->data ||
        !p->data_sha256 || !p->prompt || (scene->split && !p->split) || (scene->images && !p->images) ||
        (scene->vision_tower && !p->vision_tower) || !p->wanted)
        return no_memory(err);
    return SAINT_OK;
}

/* A uid, or several with commas between them where there is none of that name. */
static saint_status want(sweep_plan *p, const saint_dataset *d, const char *text, saint_error *err)
{
    size_t at;
    char name[512];
    if (saint_dataset_find(d, text, &at)) {
        p->wanted[at] = true;
        return SAINT_OK;
    }
    for (;;) {
        size_t n = strcspn(text, ",");
        snprintf(name, sizeof name, "%.*s", (int)(n < sizeof name ? n : sizeof name - 1), text);
        if (!saint_dataset_find(d, name, &at))
            return saint_fail(err, SAINT_INVALID, "sample %.100s: %.200s has no such sample; the first is %.100s", name, p->data,
                              saint_dataset_uid(d, 0));
        p->wanted[at] = true;
        if (!text[n]) return SAINT_OK;
        text += n + 1;
    }
}

static saint_status choose_samples(sweep_plan *p, const sweep_spec *s, const saint_dataset *d, saint_error *err)
{
    saint_status st = SAINT_OK;
    for (size_t i = 0; i < s->samples.n && st == SAINT_OK; i++) st = want(p, d, s->samples.text[i], err);
    size_t left = s->limit ? s->limit : p->n_samples;
    for (size_t i = 0; i < p->n_samples; i++) {
        bool in = s->samples.n ? p->wanted[i] : true;
        p->wanted[i] = in && left;
        left -= p->wanted[i];
    }
    return st;
}

/* ---- trials ------------------------------------------------------------------------------------------------------ */

/* preset, compat and --set as load_settings takes them, then the point's own values. A point's preset stands in for the base's. */
static saint_status settings_of(const sweep_spec *s, const sweep_texts *given, const saint_model_info *m, saint_settings *out,
                                saint_notes *notes, saint_error *err)
{
    const char *preset = s->preset;
    saint_status st = SAINT_OK;
    for (size_t k = 0; k < given->n; k++)
        if (strncmp(given->text[k], "preset=", 7) == 0) preset = given->text[k] + 7;
    saint_settings_default(out);
    if (preset) {
        char path[8192], why[160];
        saint_preset file;
        if (!preset_path(preset, path, sizeof path))
            return saint_fail(err, SAINT_INVALID, "preset %.100s: %s", preset, preset_unknown(preset, why, sizeof why));
        st = saint_preset_load(path, &file, err);
        if (st != SAINT_OK) return st;
        st = saint_preset_apply(&file, m, out, notes, err);
        saint_preset_free(&file);
    }
    if (st == SAINT_OK && s->compat) st = saint_settings_set(out, "compat", s->compat, err);
    for (size_t k = 0; k < s->set.n && st == SAINT_OK; k++) st = saint_settings_assign(out, s->set.text[k], err);
    for (size_t k = 0; k < given->n && st == SAINT_OK; k++)
        if (strncmp(given->text[k], "preset=", 7) != 0) st = saint_settings_assign(out, given->text[k], err);
    return st;
}

static char *name_of(const sweep_texts *given)
{
    size_t bytes = 8;
    for (size_t k = 0; k < given->n; k++) bytes += strlen(given->text[k]) + 1;
    char *name = malloc(bytes), *p = name;
    if (!name) return NULL;
    *p = 0;
    for (size_t k = 0; k < given->n; k++) p += sprintf(p, "%s%s", k ? " " : "", given->text[k]);
    if (!given->n) strcpy(name, "base");
    return name;
}

/* Take the last trial back. */
static void drop_last(sweep_plan *p)
{
    p->n_trials--;
    eval_trial_free(&p->trial[p->n_trials]);
    sweep_texts_free(&p->given[p->n_trials]);
}

static bool drops_at_random_only(const eval_trial *t, const saint_model_info *m)
{
    saint_plan p;
    int method = saint_method_index(saint_method_find("random"));
    if (t->settings.hand.on || saint_plan_build(&p, &t->settings, m, NULL, NULL) != SAINT_OK) return false;
    for (int i = 0; i < p.n_sites; i++)
        if (p.site[i].method != method) return false;
    return true;
}

static saint_status add_twin(sweep_plan *p, int of, const saint_model_info *m, saint_error *err)
{
    if (drops_at_random_only(&p->trial[of], m)) return SAINT_OK;
    eval_trial twin, *t;
    saint_status s = eval_trial_twin(&p->trial[of], m, &twin, err);
    if (s != SAINT_OK) return s;
    t = sweep_plan_new_trial(p);
    if (!t) {
        eval_trial_free(&twin);
        return no_memory(err);
    }
    int ordinal = t->ordinal;
    *t = twin;
    t->ordinal = ordinal;
    for (size_t k = 0; k < p->given[of].n && s == SAINT_OK; k++) s = sweep_texts_add(&p->given[ordinal], p->given[of].text[k], err);
    return s;
}

/* How many points meant what another one means already, and what somebody reads: bit i for what varies, in `set` for what does not. */
typedef struct {
    size_t points, unpruned, same;
    uint64_t read, set;
} doubles;

enum { READ_MOST = 64 };

static void see_read(doubles *d, const sweep_spec *s, const sweep_texts *given, const eval_trial *t, const saint_model_info *m, const sweep_points *points)
{
    for (size_t i = 0; i < s->set.n && i < READ_MOST; i++)
        if (assignment_read(s->set.text[i], &t->settings, m)) d->set |= (uint64_t)1 << i;
    for (size_t i = 0; i < points->n_keys && i < READ_MOST; i++)
        for (size_t k = 0; k < given->n; k++) {
            size_t n = strlen(points->key[i]);
            bool it = strncmp(given->text[k], points->key[i], n) == 0 && given->text[k][n] == '=';
            if (it && assignment_read(given->text[k], &t->settings, m)) d->read |= (uint64_t)1 << i;
        }
}

/* A parameter that varies and changes nothing is a mistake of the plan, which its table would not show. */
static void tell_unread(const doubles *d, const sweep_spec *s, const sweep_points *points, saint_notes *notes)
{
    if (d->unpruned == d->points) return; /* which is said in other words */
    for (size_t i = 0; i < points->n_keys && i < READ_MOST; i++)
        if (!(d->read >> i & 1)) saint_note(notes, "%s varies but changes nothing: no method that prunes here reads it", points->key[i]);
    for (size_t i = 0; i < s->set.n && i < READ_MOST; i++)
        if (!(d->set >> i & 1))
            saint_note(notes, "%.*s changes nothing: no method that prunes here reads it", (int)strcspn(s->set.text[i], "="), s->set.text[i]);
}

static saint_status add_point(sweep_plan *p, const sweep_spec *s, const sweep_points *points, size_t i, const sweep_scene *scene,
                              doubles *seen, saint_notes *notes, saint_error *err)
{
    const saint_model_info *m = scene->info;
    saint_error inner = {0};
    eval_trial *t = sweep_plan_new_trial(p);
    saint_status st = t ? SAINT_OK : no_memory(err);
    if (st != SAINT_OK) return st;
    int at = t->ordinal;
    for (size_t k = 0; k < points->n_keys && st == SAINT_OK; k++) {
        char text[400];
        if (!points->value[i * points->n_keys + k]) continue;
        snprintf(text, sizeof text, "%s=%s", points->key[k], points->value[i * points->n_keys + k]);
        st = sweep_texts_add(&p->given[at], text, err);
    }
    if (st == SAINT_OK && !(t->name = name_of(&p->given[at]))) st = no_memory(err);
    if (st != SAINT_OK) return st;
    t->max_new_tokens = tokens_of(s, scene);
    st = settings_of(s, &p->given[at], m, &t->settings, notes, &inner);
    if (st == SAINT_OK) st = eval_trial_identify(t, m, &inner);
    if (st != SAINT_OK) return saint_fail(err, st, "%.120s: %s", t->name, inner.text);
    int other = sweep_plan_trial(p, t->id);
    see_read(seen, s, &p->given[at], t, m, points);
    seen->points++;
    if (other != at) {
        seen->unpruned += p->trial[other].baseline;
        seen->same += !p->trial[other].baseline;
        drop_last(p);
        return SAINT_OK;
    }
    return s->no_random ? SAINT_OK : add_twin(p, at, m, err);
}

static saint_status add_baseline(sweep_plan *p, const sweep_spec *s, const sweep_scene *scene, saint_error *err)
{
    eval_trial *t = sweep_plan_new_trial(p);
    if (!t || !(t->name = strdup("unpruned"))) return no_memory(err);
    saint_settings_default(&t->settings);
    t->max_new_tokens = tokens_of(s, scene);
    return eval_trial_identify(t, scene->info, err);
}

static saint_status tell_doubles(const sweep_spec *s, const doubles *d, saint_notes *notes, saint_error *err)
{
    if (d->unpruned == d->points && (s->n_axes || s->n_points))
        return saint_fail(err, SAINT_INVALID,
                          "every point of this sweep means the unpruned model: choose where tokens are pruned, for example "
                          "--preset hybrid or --set mode=llm");
    if (d->unpruned) saint_note(notes, "%zu of %zu points mean the unpruned model, which is run once", d->unpruned, d->points);
    if (d->same) saint_note(notes, "%zu of %zu points mean the same run as another one and are run once", d->same, d->points);
    return SAINT_OK;
}

saint_status sweep_plan_make(const sweep_spec *s, const sweep_scene *scene, sweep_plan *out, saint_notes *notes, saint_error *err)
{
    sweep_points points = {0};
    doubles seen = {0};
    memset(out, 0, sizeof *out);
    saint_status st = set_scene(out, s, scene, err);
    if (st == SAINT_OK) st = choose_samples(out, s, scene->dataset, err);
    if (st == SAINT_OK) st = set_identity(out, identity_of(s, out, scene), err);
    if (st == SAINT_OK) st = add_baseline(out, s, scene, err);
    if (st == SAINT_OK) st = sweep_points_make(s, &points, err);
    for (size_t i = 0; i < points.n && st == SAINT_OK; i++) {
        st = add_point(out, s, &points, i, scene, &seen, notes, err);
        if (st == SAINT_OK && out->n_trials > SWEEP_TRIALS_MAX)
            st = saint_fail(err, SAINT_INVALID, "expected at most %d trials, random twins included; use fewer values, or --no-random",
                            SWEEP_TRIALS_MAX);
    }
    if (st == SAINT_OK) st = tell_doubles(s, &seen, notes, err);
    if (st == SAINT_OK) tell_unread(&seen, s, &points, notes);
    if (st == SAINT_OK) st = sweep_plan_finish(out, err);
    cJSON *spec = st == SAINT_OK ? sweep_spec_json(s) : NULL;
    char *text = spec ? cJSON_PrintUnformatted(spec) : NULL;
    if (st == SAINT_OK && !(out->spec = text ? strdup(text) : NULL)) st = no_memory(err);
    cJSON_free(text);
    cJSON_Delete(spec);
    sweep_points_free(&points);
    if (st != SAINT_OK) sweep_plan_free(out);
    return st;
}

static saint_status copy_trial(sweep_plan *p, const eval_trial *from, const char *name, const sweep_texts *given, saint_error *err)
{
    eval_trial *t = sweep_plan_new_trial(p);
    if (!t) return no_memory(err);
    int at = t->ordinal;
    *t = *from;
    t->ordinal = at;
    t->name = t->config = NULL;
    saint_status st = SAINT_OK;
    for (size_t k = 0; given && k < given->n && st == SAINT_OK; k++) st = sweep_texts_add(&p->given[at], given->text[k], err);
    if (st != SAINT_OK) return st;
    t->name = name ? strdup(name) : name_of(&p->given[at]);
    t->config = strdup(from->config);
    return t->name && t->config ? SAINT_OK : no_memory(err);
}

saint_status sweep_plan_one(const eval_trial *trial, const eval_trial *baseline, const sweep_texts *given, const bool *wanted,
                            const sweep_scene *scene, sweep_plan *out, saint_error *err)
{
    sweep_spec spec;
    char hex[65];
    memset(out, 0, sizeof *out);
    sweep_spec_init(&spec);
    saint_status st = sweep_spec_text(&spec.name, "eval", err);
    if (st == SAINT_OK) st = set_scene(out, &spec, scene, err);
    if (st == SAINT_OK) memcpy(out->wanted, wanted, out->n_samples * sizeof *wanted);
    cJSON *o = st == SAINT_OK ? identity_of(&spec, out, scene) : NULL;
    saint_digest_hex(&trial->digest, hex);
    if (o) cJSON_ReplaceItemInObject(o, "method", cJSON_CreateString("eval"));
    if (o) cJSON_AddStringToObject(o, "trial", hex);
    if (st == SAINT_OK) st = set_identity(out, o, err);
    if (st == SAINT_OK) st = copy_trial(out, baseline, "unpruned", NULL, err);
    if (st == SAINT_OK && trial->id != baseline->id) st = copy_trial(out, trial, NULL, given, err);
    if (st == SAINT_OK) st = sweep_plan_finish(out, err);
    if (st == SAINT_OK && !(out->spec = strdup("{}"))) st = no_memory(err);
    sweep_spec_free(&spec);
    if (st != SAINT_OK) sweep_plan_free(out);
    return st;
}

void sweep_plan_folder(const sweep_plan *p, char *out, size_t size) { snprintf(out, size, "sweeps/%s-%.8s", p->name, p->id); }
