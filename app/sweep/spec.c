#define _GNU_SOURCE
#include "sweep/spec.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"
#include "sweep/spec_internal.h"

static const char *const method_names[SWEEP_METHOD_COUNT] = {"grid", "list", "random", "lhs", "sobol"};

const char *sweep_method_name(sweep_method m) { return (unsigned)m < SWEEP_METHOD_COUNT ? method_names[m] : "?"; }

/* ---- life -------------------------------------------------------------------------------------------------------- */

saint_status sweep_texts_add(sweep_texts *t, const char *text, saint_error *err)
{
    char **more = realloc(t->text, (t->n + 1) * sizeof *more);
    if (more) t->text = more;
    char *copy = more ? strdup(text) : NULL;
    if (!copy) return saint_fail(err, SAINT_MEMORY, "no memory for a sweep of this size");
    t->text[t->n++] = copy;
    return SAINT_OK;
}

void sweep_texts_free(sweep_texts *t)
{
    for (size_t i = 0; i < t->n; i++) free(t->text[i]);
    free(t->text);
    *t = (sweep_texts){0};
}

saint_status sweep_spec_text(char **field, const char *value, saint_error *err)
{
    char *copy = value ? strdup(value) : NULL;
    if (value && !copy) return saint_fail(err, SAINT_MEMORY, "no memory for a sweep of this size");
    free(*field);
    *field = copy;
    return SAINT_OK;
}

void sweep_spec_init(sweep_spec *s) { *s = (sweep_spec){.method = SWEEP_GRID, .seed = 1, .repeat = 1}; }

void sweep_spec_free(sweep_spec *s)
{
    if (!s) return;
    char *texts[] = {s->name, s->model, s->data, s->split, s->preset, s->compat};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) free(texts[i]);
    for (size_t i = 0; i < s->n_axes; i++) {
        free(s->axis[i].key);
        sweep_texts_free(&s->axis[i].value);
    }
    for (size_t i = 0; i < s->n_points; i++) sweep_texts_free(&s->point[i]);
    free(s->point);
    sweep_texts_free(&s->set);
    sweep_texts_free(&s->samples);
    sweep_spec_init(s);
}

/* ---- words and numbers ------------------------------------------------------------------------------------------- */

void sweep_number(double d, char *out, size_t size)
{
    if (d == floor(d) && fabs(d) < 1e15) {
        snprintf(out, size, "%.0f", d);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(out, size, "%.*g", digits, d);
        if (strtod(out, NULL) == d) return;
    }
}

static bool number(const char *text, double *out)
{
    char *end;
    errno = 0;
    if (!*text || isspace((unsigned char)*text)) return false;
    *out = strtod(text, &end);
    return !*end && !errno && isfinite(*out) && !strpbrk(text, "xXpP");
}

/* The row of params.def that a key names, -1 for preset and compat, -2 when there is none; layers behind it do not count. */
static int param_of(const char *key)
{
    size_t n = strcspn(key, "[");
    if (strcmp(key, "preset") == 0 || strcmp(key, "compat") == 0 || strncmp(key, "compat.", 7) == 0) return -1;
    for (int i = 0; saint_param_at(i); i++)
        if (strlen(saint_param_at(i)->name) == n && strncmp(saint_param_at(i)->name, key, n) == 0) return i;
    return -2;
}

/* ---- axes -------------------------------------------------------------------------------------------------------- */

saint_status sweep_axis_new(sweep_spec *s, const char *key, sweep_axis **out, saint_error *err)
{
    for (size_t i = 0; i < s->n_axes; i++)
        if (strcmp(s->axis[i].key, key) == 0) {
            *out = &s->axis[i];
            sweep_texts_free(&s->axis[i].value);
            s->axis[i].range = s->axis[i].log = false;
            return SAINT_OK;
        }
    if (s->n_axes == SWEEP_AXES_MAX)
        return saint_fail(err, SAINT_INVALID, "%.100s: expected at most %d parameters that vary", key, SWEEP_AXES_MAX);
    *out = &s->axis[s->n_axes];
    **out = (sweep_axis){.key = strdup(key)};
    if (!(*out)->key) return saint_fail(err, SAINT_MEMORY, "no memory for a sweep of this size");
    s->n_axes++;
    return SAINT_OK;
}

/* Values that are there already are left out: 0.8 and 0.80 are one. */
saint_status sweep_axis_value(sweep_axis *a, const char *text, saint_error *err)
{
    char shortest[32];
    double d;
    /* seeds do not fit a double: whole numbers stay as they are typed */
    if (text[strspn(text, "0123456789")] && number(text, &d)) {
        sweep_number(d, shortest, sizeof shortest);
        text = shortest;
    }
    if (!*text) return saint_fail(err, SAINT_INVALID, "%.100s: expected values between the commas", a->key);
    for (size_t i = 0; i < a->value.n; i++)
        if (strcmp(a->value.text[i], text) == 0) return SAINT_OK;
    if (a->value.n == SWEEP_VALUES_MAX)
        return saint_fail(err, SAINT_INVALID, "%.100s: expected at most %d values", a->key, SWEEP_VALUES_MAX);
    return sweep_texts_add(&a->value, text, err);
}

static saint_status add_steps(sweep_axis *a, double first, double last, double step, saint_error *err)
{
    double n = floor((last - first) / step + 1e-9);
    if (!(step != 0) || !isfinite(n) || n < 0)
        return saint_fail(err, SAINT_INVALID, "%.100s: expected first:last:step that gets from %g to %g", a->key, first, last);
    if (n >= SWEEP_VALUES_MAX) return saint_fail(err, SAINT_INVALID, "%.100s: expected at most %d values", a->key, SWEEP_VALUES_MAX);
    saint_status s = SAINT_OK;
    for (size_t i = 0; i <= (size_t)n && s == SAINT_OK; i++) {
        char text[32];
        snprintf(text, sizeof text, "%.12g", first + (double)i * step); /* 0.1:0.5:0.1 means 0.3, not 0.30000000000000004 */
        s = sweep_axis_value(a, text, err);
    }
    return s;
}

static saint_status add_products(sweep_axis *a, double first, double last, double by, saint_error *err)
{
    if (!(first > 0) || !(last > 0) || !(by > 0) || by == 1 || (by > 1) != (last >= first))
        return saint_fail(err, SAINT_INVALID, "%.100s: expected first:last*mult of positive numbers that gets from %g to %g", a->key, first,
                          last);
    saint_status s = SAINT_OK;
    double x = first;
    for (size_t i = 0; s == SAINT_OK && (by > 1 ? x <= last * (1 + 1e-9) : x >= last * (1 - 1e-9)); i++) {
        char text[32];
        snprintf(text, sizeof text, "%.12g", x);
        s = i < SWEEP_VALUES_MAX ? sweep_axis_value(a, text, err)
                                 : saint_fail(err, SAINT_INVALID, "%.100s: expected at most %d values", a->key, SWEEP_VALUES_MAX);
        x *= by;
    }
    return s;
}

saint_status sweep_axis_range(sweep_axis *a, double min, double max, bool logarithmic, saint_error *err)
{
    if (!(min <= max) || (logarithmic && !(min > 0)))
        return saint_fail(err, SAINT_INVALID, "%.100s: expected a range whose first end is the smaller one%s, found %g to %g", a->key,
                          logarithmic ? " and above 0" : "", min, max);
    a->range = true;
    a->log = logarithmic;
    a->min = min;
    a->max = max;
    return SAINT_OK;
}

/* The part behind "key=". */
saint_status sweep_axis_values(sweep_axis *a, const char *text, saint_error *err)
{
    char part[3][132] = {{0}};
    size_t n = 0, at = 0;
    bool times = false;
    double x[3] = {0};
    for (const char *p = text; *p && n < 3 && at < 131; p++) {
        if (*p == ':' || (*p == '*' && n == 1)) {
            times = *p == '*';
            at = 0;
            n++;
        } else {
            part[n][at++] = *p;
        }
    }
    if (strchr(text, ':') && !strchr(text, ',')) {
        bool even_log = n == 2 && !times && strcmp(part[2], "log") == 0;
        if (n < 1 || n > 2 || strlen(text) > 128 || !number(part[0], &x[0]) || !number(part[1], &x[1]) ||
            (n == 2 && !even_log && !number(part[2], &x[2])))
            return saint_fail(err, SAINT_INVALID, "%.100s=%.100s: expected a,b,c or first:last:step or first:last*mult or first:last",
                              a->key, text);
        if (n == 1 || even_log) return sweep_axis_range(a, x[0], x[1], even_log, err);
        return times ? add_products(a, x[0], x[1], x[2], err) : add_steps(a, x[0], x[1], x[2], err);
    }
    saint_status s = SAINT_OK;
    for (const char *p = text; s == SAINT_OK; p++) {
        size_t len = strcspn(p, ",");
        char value[256];
        if (len >= sizeof value)
            return saint_fail(err, SAINT_INVALID, "%.100s: expected values of at most %zu bytes", a->key, sizeof value - 1);
        memcpy(value, p, len);
        value[len] = 0;
        s = sweep_axis_value(a, value, err);
        p += len;
        if (!*p) break;
    }
    return s;
}

saint_status sweep_spec_grid(sweep_spec *s, const char *text, saint_error *err)
{
    const char *eq = strchr(text, '=');
    char key[128];
    sweep_axis *a;
    if (!eq || eq == text || eq - text > 127) return saint_fail(err, SAINT_INVALID, "%.100s: expected key=values", text);
    memcpy(key, text, (size_t)(eq - text));
    key[eq - text] = 0;
    saint_status st = sweep_axis_new(s, key, &a, err);
    return st == SAINT_OK ? sweep_axis_values(a, eq + 1, err) : st;
}

/* ---- order and checks -------------------------------------------------------------------------------------------- */

/* preset first (it replaces the base's), then compat, then params.def's order; a key for all layers before one that names some. */
static int rank_of(const char *key)
{
    int param = param_of(key);
    return strcmp(key, "preset") == 0 ? 0 : param < 0 ? 1 : 2 + 2 * param + (strchr(key, '[') != NULL);
}

int sweep_key_compare(const char *a, const char *b)
{
    int d = rank_of(a) - rank_of(b);
    return d ? d : strcmp(a, b);
}

static int by_key(const void *a, const void *b) { return sweep_key_compare(((const sweep_axis *)a)->key, ((const sweep_axis *)b)->key); }

static saint_status check_value(const char *key, const char *value, saint_error *err)
{
    if (strcmp(key, "preset") == 0) {
        char path[8192], why[160];
        if (preset_path(value, path, sizeof path)) return SAINT_OK;
        return saint_fail(err, SAINT_INVALID, "preset=%.100s: %s", value, preset_unknown(value, why, sizeof why));
    }
    saint_settings *scratch = malloc(sizeof *scratch);
    if (!scratch) return saint_fail(err, SAINT_MEMORY, "no memory for a sweep of this size");
    saint_settings_default(scratch);
    saint_status s = saint_settings_set(scratch, key, value, err);
    free(scratch);
    return s;
}

static saint_status check_axis(sweep_axis *a, sweep_method method, saint_error *err)
{
    saint_status s = SAINT_OK;
    if (!a->range) {
        if (!a->value.n) return saint_fail(err, SAINT_INVALID, "%.100s: expected at least one value", a->key);
        for (size_t i = 0; i < a->value.n && s == SAINT_OK; i++) s = check_value(a->key, a->value.text[i], err);
        return s;
    }
    int param = param_of(a->key);
    const char *type = param >= 0 ? saint_param_at(param)->type : "";
    if (param == -2) return check_value(a->key, "0", err); /* says which key is the nearest */
    if (strcmp(type, "INT") != 0 && strcmp(type, "FLOAT") != 0)
        return saint_fail(err, SAINT_INVALID, "%.100s: expected values, found a range; only numbers have ranges", a->key);
    if (method == SWEEP_GRID)
        return saint_fail(err, SAINT_INVALID, "%.100s: a grid needs values: expected first:last:step or first:last*mult, found %g:%g",
                          a->key, a->min, a->max);
    a->whole = type[0] == 'I';
    if (a->whole && (a->min != floor(a->min) || a->max != floor(a->max)))
        return saint_fail(err, SAINT_INVALID, "%.100s: expected a range of whole numbers, found %g:%g", a->key, a->min, a->max);
    char text[2][32];
    sweep_number(a->min, text[0], sizeof text[0]);
    sweep_number(a->max, text[1], sizeof text[1]);
    for (int i = 0; i < 2 && s == SAINT_OK; i++) s = check_value(a->key, text[i], err);
    return s;
}

static saint_status check_points(const sweep_spec *s, saint_error *err)
{
    saint_status st = SAINT_OK;
    for (size_t i = 0; i < s->n_points && st == SAINT_OK; i++)
        for (size_t k = 0; k < s->point[i].n && st == SAINT_OK; k++) {
            const char *text = s->point[i].text[k], *eq = strchr(text, '=');
            char key[128];
            snprintf(key, sizeof key, "%.*s", (int)(eq - text), text);
            st = check_value(key, eq + 1, err);
        }
    return st;
}

saint_status sweep_spec_finish(sweep_spec *s, saint_error *err)
{
    bool drawn = s->method == SWEEP_RANDOM || s->method == SWEEP_LHS || s->method == SWEEP_SOBOL;
    qsort(s->axis, s->n_axes, sizeof *s->axis, by_key);
    if (s->method == SWEEP_LIST) {
        if (s->n_axes)
            return saint_fail(err, SAINT_INVALID, "method list: expected \"trials\", found values for %.60s too; use method grid",
                              s->axis[0].key);
        if (!s->n_points) return saint_fail(err, SAINT_INVALID, "method list: expected \"trials\": [{\"key\": value}, ...]");
    } else if (s->n_points) {
        return saint_fail(err, SAINT_INVALID, "method %s: expected \"parameters\", found \"trials\"; they belong to method list",
                          sweep_method_name(s->method));
    }
    if (drawn && (!s->count || s->count > SWEEP_TRIALS_MAX))
        return saint_fail(err, SAINT_INVALID, "method %s: expected a count of points from 1 to %d", sweep_method_name(s->method),
                          SWEEP_TRIALS_MAX);
    if (drawn && !s->n_axes) return saint_fail(err, SAINT_INVALID, "method %s: expected parameters to draw", sweep_method_name(s->method));
    if (!drawn && s->count)
        return saint_fail(err, SAINT_INVALID, "method %s: count belongs to random, lhs and sobol", sweep_method_name(s->method));
    saint_status st = check_points(s, err);
    for (size_t i = 0; i < s->n_axes && st == SAINT_OK; i++) st = check_axis(&s->axis[i], s->method, err);
    return st;
}
