#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/sample_points.h"
#include "sweep/spec.h"

void sweep_points_free(sweep_points *p)
{
    if (!p) return;
    for (size_t i = 0; p->key && i < p->n_keys; i++) free(p->key[i]);
    for (size_t i = 0; p->value && i < p->n * p->n_keys; i++) free(p->value[i]);
    free(p->key);
    free(p->value);
    *p = (sweep_points){0};
}

static saint_status make_room(sweep_points *p, size_t n, size_t n_keys, saint_error *err)
{
    *p = (sweep_points){.n = n, .n_keys = n_keys};
    p->key = calloc(n_keys + 1, sizeof *p->key);
    p->value = calloc(n * n_keys + 1, sizeof *p->value);
    return p->key && p->value ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for %zu trials", n);
}

static saint_status copy(char **out, const char *text, saint_error *err)
{
    *out = strdup(text);
    return *out ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for a sweep of this size");
}

/* ---- grid: the last key changes fastest -------------------------------------------------------------------------- */

static saint_status grid(const sweep_spec *s, sweep_points *p, saint_error *err)
{
    size_t n = 1;
    for (size_t k = 0; k < s->n_axes; k++) {
        n *= s->axis[k].value.n;
        if (n > SWEEP_TRIALS_MAX)
            return saint_fail(err, SAINT_INVALID, "the grid has more than %d points; use fewer values, or method sobol with a count",
                              SWEEP_TRIALS_MAX);
    }
    if (!s->n_axes) n = 1; /* the base alone */
    saint_status st = make_room(p, n, s->n_axes, err);
    for (size_t i = 0; i < n && st == SAINT_OK; i++) {
        size_t rest = i;
        for (size_t k = s->n_axes; k-- > 0 && st == SAINT_OK;) {
            const sweep_texts *v = &s->axis[k].value;
            st = copy(&p->value[i * p->n_keys + k], v->text[rest % v->n], err);
            rest /= v->n;
        }
    }
    return st;
}

/* ---- list -------------------------------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b) { return sweep_key_compare(*(char *const *)a, *(char *const *)b); }

static saint_status list(const sweep_spec *s, sweep_points *p, saint_error *err)
{
    size_t most = 0, n = 0;
    saint_status st = SAINT_OK;
    for (size_t i = 0; i < s->n_points; i++) most += s->point[i].n;
    char **key = calloc(most + 1, sizeof *key);
    if (!key) return saint_fail(err, SAINT_MEMORY, "no memory for a sweep of this size");
    for (size_t i = 0; i < s->n_points && st == SAINT_OK; i++)
        for (size_t k = 0; k < s->point[i].n && st == SAINT_OK; k++) {
            const char *text = s->point[i].text[k];
            size_t len = strcspn(text, "="), at = 0;
            while (at < n && (strlen(key[at]) != len || strncmp(key[at], text, len) != 0)) at++;
            if (at < n) continue;
            if (n == SWEEP_AXES_MAX) {
                st = saint_fail(err, SAINT_INVALID, "%.60s: expected at most %d parameters that vary", text, SWEEP_AXES_MAX);
                break;
            }
            key[n] = strndup(text, len);
            if (!key[n++]) st = saint_fail(err, SAINT_MEMORY, "no memory for a sweep of this size");
        }
    if (st == SAINT_OK) st = make_room(p, s->n_points, n, err);
    if (st != SAINT_OK) {
        for (size_t i = 0; i < n; i++) free(key[i]);
        free(key);
        return st;
    }
    qsort(key, n, sizeof *key, by_key);
    memcpy(p->key, key, n * sizeof *key);
    free(key);
    for (size_t i = 0; i < p->n && st == SAINT_OK; i++)
        for (size_t k = 0; k < s->point[i].n && st == SAINT_OK; k++) {
            const char *text = s->point[i].text[k];
            size_t len = strcspn(text, "="), at = 0;
            while (strlen(p->key[at]) != len || strncmp(p->key[at], text, len) != 0) at++;
            if (p->value[i * n + at]) st = saint_fail(err, SAINT_INVALID, "trial %zu: %.60s is there twice", i, p->key[at]);
            else st = copy(&p->value[i * n + at], text + len + 1, err);
        }
    return st;
}

/* ---- drawn ------------------------------------------------------------------------------------------------------- */

/* u in [0, 1) -> a value as text. Six digits: nobody reads more, and none is lost on the way to f32. */
static saint_status value_at(const sweep_axis *a, double u, char **out, saint_error *err)
{
    char text[64];
    if (!a->range) {
        size_t i = (size_t)(u * (double)a->value.n);
        return copy(out, a->value.text[i < a->value.n ? i : a->value.n - 1], err);
    }
    double wide = a->whole ? 1 : 0, x;
    if (a->log) x = a->min * pow((a->max + wide) / a->min, u);
    else x = a->min + u * (a->max - a->min + wide);
    if (a->whole) x = floor(x);
    if (x > a->max) x = a->max;
    snprintf(text, sizeof text, a->whole ? "%.0f" : "%.6g", x);
    return copy(out, text, err);
}

static saint_status drawn(const sweep_spec *s, sweep_points *p, saint_error *err)
{
    size_t n = s->count, dims = s->n_axes;
    double *u = malloc(n * dims * sizeof *u);
    saint_status st = make_room(p, n, dims, err);
    if (!u && st == SAINT_OK) st = saint_fail(err, SAINT_MEMORY, "no memory for %zu points", n);
    if (st == SAINT_OK && s->method == SWEEP_LHS) {
        st = sweep_latin_hypercube(s->seed, n, dims, u, err);
    } else if (st == SAINT_OK) {
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < dims; k++)
                u[i * dims + k] = s->method == SWEEP_SOBOL ? sweep_sobol(s->seed, (uint32_t)i, (unsigned)k) : sweep_uniform(s->seed, i, k);
    }
    for (size_t i = 0; i < n * dims && st == SAINT_OK; i++) st = value_at(&s->axis[i % dims], u[i], &p->value[i], err);
    free(u);
    return st;
}

saint_status sweep_points_make(const sweep_spec *s, sweep_points *out, saint_error *err)
{
    saint_status st;
    *out = (sweep_points){0};
    switch (s->method) {
    case SWEEP_LIST: st = list(s, out, err); break;
    case SWEEP_GRID: st = grid(s, out, err); break;
    default: st = drawn(s, out, err); break;
    }
    for (size_t k = 0; k < s->n_axes && st == SAINT_OK; k++) st = copy(&out->key[k], s->axis[k].key, err);
    if (st != SAINT_OK) sweep_points_free(out);
    return st;
}
