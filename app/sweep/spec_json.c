#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nearest.h"
#include "sweep/spec_internal.h"

/* ---- in ---------------------------------------------------------------------------------------------------------- */

static const char *const members[] = {"name",    "model",  "data",   "split",          "preset",     "compat",
                                      "set",     "method", "seed",   "count",          "parameters", "trials",
                                      "samples", "limit",  "repeat", "max_new_tokens", "random",     "early_stop"};

static saint_status value_text(const cJSON *v, const char *what, char *out, size_t size, saint_error *err)
{
    if (cJSON_IsString(v) && strlen(v->valuestring) < size) snprintf(out, size, "%s", v->valuestring);
    else if (cJSON_IsBool(v)) snprintf(out, size, "%s", cJSON_IsTrue(v) ? "true" : "false");
    else if (cJSON_IsNumber(v)) sweep_number(v->valuedouble, out, size);
    else
        return saint_fail(err, SAINT_FORMAT, "%s: %.100s: expected a short text, a number or a boolean", what,
                          v->string ? v->string : "a list of values");
    return SAINT_OK;
}

/* {"key": value, ...} as "key=value" texts. */
static saint_status assignments(const cJSON *object, const char *what, sweep_texts *out, saint_error *err)
{
    saint_status s = SAINT_OK;
    if (!cJSON_IsObject(object)) return saint_fail(err, SAINT_FORMAT, "%s: expected an object of parameters and their values", what);
    for (const cJSON *v = object->child; v && s == SAINT_OK; v = v->next) {
        char value[256], text[400];
        if (strlen(v->string) > 127) return saint_fail(err, SAINT_FORMAT, "%s: %.100s...: no such parameter", what, v->string);
        s = value_text(v, what, value, sizeof value, err);
        snprintf(text, sizeof text, "%s=%s", v->string, value);
        if (s == SAINT_OK) s = sweep_texts_add(out, text, err);
    }
    return s;
}

static saint_status read_axis(sweep_spec *s, const cJSON *v, const char *what, saint_error *err)
{
    sweep_axis *a;
    saint_status st = strlen(v->string) <= 127 ? sweep_axis_new(s, v->string, &a, err)
                                               : saint_fail(err, SAINT_FORMAT, "%s: %.100s...: no such parameter", what, v->string);
    if (st != SAINT_OK) return st;
    if (cJSON_IsArray(v)) {
        for (const cJSON *x = v->child; x && st == SAINT_OK; x = x->next) {
            char text[256];
            st = value_text(x, what, text, sizeof text, err);
            if (st == SAINT_OK) st = sweep_axis_value(a, text, err);
        }
        return st;
    }
    if (cJSON_IsObject(v)) {
        static const char *const known[] = {"min", "max", "log"};
        double min = NAN, max = NAN;
        bool even_log = false;
        for (const cJSON *x = v->child; x; x = x->next)
            if (strcmp(x->string, "min") != 0 && strcmp(x->string, "max") != 0 && strcmp(x->string, "log") != 0)
                return saint_fail(err, SAINT_FORMAT, "%s: %s: no such member \"%.60s\" of a range; the nearest is \"%s\"", what, v->string,
                                  x->string, nearest_word(x->string, known, 3));
        if ((st = saint_json_double(v, "min", &min, what, err)) != SAINT_OK ||
            (st = saint_json_double(v, "max", &max, what, err)) != SAINT_OK ||
            (st = saint_json_bool(v, "log", &even_log, what, err)) != SAINT_OK)
            return st;
        if (!isfinite(min) || !isfinite(max))
            return saint_fail(err, SAINT_FORMAT, "%s: %s: expected a range with \"min\" and \"max\"", what, v->string);
        return sweep_axis_range(a, min, max, even_log, err);
    }
    char text[256];
    st = value_text(v, what, text, sizeof text, err);
    return st == SAINT_OK ? sweep_axis_values(a, text, err) : st;
}

static saint_status read_trials(sweep_spec *s, const cJSON *list, const char *what, saint_error *err)
{
    int n = cJSON_GetArraySize(list);
    if (!cJSON_IsArray(list) || n < 1 || n > SWEEP_TRIALS_MAX)
        return saint_fail(err, SAINT_FORMAT, "%s: trials: expected a list of 1 to %d objects", what, SWEEP_TRIALS_MAX);
    for (size_t i = 0; i < s->n_points; i++) sweep_texts_free(&s->point[i]);
    free(s->point);
    s->n_points = 0;
    s->point = calloc((size_t)n, sizeof *s->point);
    if (!s->point) return saint_fail(err, SAINT_MEMORY, "no memory for %d trials", n);
    saint_status st = SAINT_OK;
    for (const cJSON *v = list->child; v && st == SAINT_OK; v = v->next) st = assignments(v, what, &s->point[s->n_points++], err);
    return st;
}

static saint_status read_texts(const cJSON *list, const char *key, const char *what, sweep_texts *out, saint_error *err)
{
    saint_status s = SAINT_OK;
    if (!cJSON_IsArray(list)) return saint_fail(err, SAINT_FORMAT, "%s: %s: expected a list of texts", what, key);
    sweep_texts_free(out);
    for (const cJSON *v = list->child; v && s == SAINT_OK; v = v->next)
        s = cJSON_IsString(v) ? sweep_texts_add(out, v->valuestring, err)
                              : saint_fail(err, SAINT_FORMAT, "%s: %s: expected a list of texts", what, key);
    return s;
}

saint_status sweep_spec_method(sweep_spec *s, const char *name, const char *what, saint_error *err)
{
    const char *method_names[SWEEP_METHOD_COUNT];
    for (int i = 0; i < SWEEP_METHOD_COUNT; i++) {
        method_names[i] = sweep_method_name((sweep_method)i);
        if (strcmp(method_names[i], name) == 0) {
            s->method = (sweep_method)i;
            return SAINT_OK;
        }
    }
    return saint_fail(err, SAINT_FORMAT, "%s: method %.60s: expected grid, list, random, lhs or sobol; the nearest is %s", what, name,
                      nearest_word(name, method_names, SWEEP_METHOD_COUNT));
}

static saint_status read_member(sweep_spec *s, const cJSON *c, const cJSON *v, const char *what, saint_error *err)
{
    const char *key = v->string, *text = NULL;
    char **fields[] = {&s->name, &s->model, &s->data, &s->split, &s->preset, &s->compat};
    saint_status st;
    int n = 0;
    double d = 0;
    bool b = true;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strcmp(key, members[i]) == 0) {
            st = saint_json_string(c, key, &text, what, err);
            return st == SAINT_OK && text ? sweep_spec_text(fields[i], text, err) : st;
        }
    if (strcmp(key, "set") == 0) return cJSON_IsArray(v) ? read_texts(v, key, what, &s->set, err) : assignments(v, what, &s->set, err);
    if (strcmp(key, "parameters") == 0) {
        if (!cJSON_IsObject(v))
            return saint_fail(err, SAINT_FORMAT, "%s: parameters: expected an object of parameters and their values", what);
        st = SAINT_OK;
        for (const cJSON *x = v->child; x && st == SAINT_OK; x = x->next) st = read_axis(s, x, what, err);
        return st;
    }
    if (strcmp(key, "trials") == 0) return read_trials(s, v, what, err);
    if (strcmp(key, "samples") == 0) return read_texts(v, key, what, &s->samples, err);
    if (strcmp(key, "method") == 0) {
        st = saint_json_string(c, key, &text, what, err);
        return st == SAINT_OK && text ? sweep_spec_method(s, text, what, err) : st;
    }
    if (strcmp(key, "random") == 0) {
        st = saint_json_bool(c, key, &b, what, err);
        s->no_random = !b;
        return st;
    }
    if (strcmp(key, "early_stop") == 0 && cJSON_IsBool(v)) {
        s->early_stop = cJSON_IsTrue(v) ? 0.1 : 0;
        return SAINT_OK;
    }
    if (strcmp(key, "early_stop") == 0 || strcmp(key, "seed") == 0) {
        if ((st = saint_json_double(c, key, &d, what, err)) != SAINT_OK) return st;
        bool seed = key[0] == 's';
        if (!(d >= 0) || d > (seed ? 9007199254740992.0 : 1) || (seed && d != floor(d)))
            return saint_fail(err, SAINT_FORMAT,
                              seed ? "%s: seed: expected a whole number from 0 to 2^53"
                                   : "%s: early_stop: expected true, false or a loss from 0 to 1",
                              what);
        if (seed) s->seed = (uint64_t)d;
        else s->early_stop = d;
        return SAINT_OK;
    }
    bool repeat = strcmp(key, "repeat") == 0, tokens = strcmp(key, "max_new_tokens") == 0;
    st = saint_json_int(c, key, tokens ? 0 : 1, repeat ? 1000 : 1 << 20, &n, what, err);
    if (st != SAINT_OK || !n) return st;
    if (repeat) s->repeat = (unsigned)n;
    else if (tokens) s->max_new_tokens = n;
    else if (strcmp(key, "count") == 0) s->count = (size_t)n;
    else s->limit = (size_t)n;
    return SAINT_OK;
}

saint_status sweep_spec_parse(sweep_spec *s, const cJSON *c, const char *what, saint_error *err)
{
    saint_status st = SAINT_OK;
    const size_t n = sizeof members / sizeof *members;
    if (!cJSON_IsObject(c)) return saint_fail(err, SAINT_FORMAT, "%s: expected a JSON object", what);
    for (const cJSON *v = c->child; v && st == SAINT_OK; v = v->next) {
        size_t i = 0;
        while (i < n && strcmp(v->string, members[i]) != 0) i++;
        if (i == n)
            return saint_fail(err, SAINT_FORMAT, "%s: no such member \"%.60s\" in a sweep; the nearest is \"%s\"; what varies stands in \"parameters\"",
                              what, v->string, nearest_word(v->string, members, n));
        if (cJSON_GetObjectItemCaseSensitive(c, v->string) != v)
            return saint_fail(err, SAINT_FORMAT, "%s: \"%.60s\" is there twice", what, v->string);
        st = read_member(s, c, v, what, err);
    }
    if (st == SAINT_OK && s->n_points && !cJSON_GetObjectItemCaseSensitive(c, "method") && !s->n_axes) s->method = SWEEP_LIST;
    return st;
}

saint_status sweep_spec_load(sweep_spec *s, const char *path, saint_error *err)
{
    cJSON *c = NULL;
    saint_status st = saint_json_load(path, SWEEP_SPEC_BYTES, &c, err);
    if (st == SAINT_OK) st = sweep_spec_parse(s, c, path, err);
    cJSON_Delete(c);
    return st;
}

/* ---- out --------------------------------------------------------------------------------------------------------- */

static cJSON *texts_json(const sweep_texts *t)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < t->n; i++) cJSON_AddItemToArray(list, cJSON_CreateString(t->text[i]));
    return list;
}

static cJSON *axis_json(const sweep_axis *a)
{
    if (!a->range) return texts_json(&a->value);
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "min", a->min);
    cJSON_AddNumberToObject(o, "max", a->max);
    if (a->log) cJSON_AddBoolToObject(o, "log", true);
    return o;
}

static void add_points(cJSON *o, const sweep_spec *s)
{
    cJSON *list = cJSON_AddArrayToObject(o, "trials");
    for (size_t i = 0; i < s->n_points; i++) {
        cJSON *point = cJSON_CreateObject();
        cJSON_AddItemToArray(list, point);
        for (size_t k = 0; k < s->point[i].n; k++) {
            const char *text = s->point[i].text[k], *eq = strchr(text, '=');
            char key[128];
            snprintf(key, sizeof key, "%.*s", (int)(eq - text), text);
            cJSON_AddStringToObject(point, key, eq + 1);
        }
    }
}

cJSON *sweep_spec_json(const sweep_spec *s)
{
    cJSON *o = cJSON_CreateObject();
    const char *texts[] = {s->name, s->model, s->data, s->split, s->preset, s->compat};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i]) cJSON_AddStringToObject(o, members[i], texts[i]);
    if (s->set.n) cJSON_AddItemToObject(o, "set", texts_json(&s->set));
    cJSON_AddStringToObject(o, "method", sweep_method_name(s->method));
    if (s->method > SWEEP_LIST) {
        cJSON_AddNumberToObject(o, "seed", (double)s->seed);
        cJSON_AddNumberToObject(o, "count", (double)s->count);
    }
    if (s->n_axes) {
        cJSON *axes = cJSON_AddObjectToObject(o, "parameters");
        for (size_t i = 0; i < s->n_axes; i++) cJSON_AddItemToObject(axes, s->axis[i].key, axis_json(&s->axis[i]));
    }
    if (s->n_points) add_points(o, s);
    if (s->samples.n) cJSON_AddItemToObject(o, "samples", texts_json(&s->samples));
    if (s->limit) cJSON_AddNumberToObject(o, "limit", (double)s->limit);
    if (s->repeat != 1) cJSON_AddNumberToObject(o, "repeat", s->repeat);
    if (s->max_new_tokens) cJSON_AddNumberToObject(o, "max_new_tokens", s->max_new_tokens);
    if (s->no_random) cJSON_AddBoolToObject(o, "random", false);
    if (s->early_stop > 0) cJSON_AddNumberToObject(o, "early_stop", s->early_stop);
    return o;
}
