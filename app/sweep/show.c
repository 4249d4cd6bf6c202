#define _GNU_SOURCE
#include "sweep/show.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- while it runs ----------------------------------------------------------------------------------------------- */

static void duration(double seconds, char *out, size_t size)
{
    if (seconds < 90) snprintf(out, size, "%.0f s", seconds);
    else if (seconds < 5400) snprintf(out, size, "%.0f min", seconds / 60);
    else if (seconds < 48 * 3600) snprintf(out, size, "%.1f h", seconds / 3600);
    else snprintf(out, size, "%.1f days", seconds / 86400);
}

void sweep_show_progress(void *ud, const sweep_progress *p)
{
    sweep_line_shown *l = ud;
    char line[256], left[32] = "";
    if (!l->shown) return;
    size_t finished = p->ok + p->failed;
    int n = snprintf(line, sizeof line, "%zu of %zu units, %.1f per second", finished, finished + p->left, p->rate);
    if (p->eta >= 0) {
        duration(p->eta, left, sizeof left);
        n += snprintf(line + n, sizeof line - (size_t)n, ", %s left", left);
    }
    if (p->failed) n += snprintf(line + n, sizeof line - (size_t)n, ", %zu failed", p->failed);
    if (p->stopped) n += snprintf(line + n, sizeof line - (size_t)n, ", %d of %d trials stopped early", p->stopped, p->trials);
    if (l->stop && __atomic_load_n(l->stop, __ATOMIC_RELAXED))
        n += snprintf(line + n, sizeof line - (size_t)n, "; finishing the sample at hand");
    else if (p->waiting) n += snprintf(line + n, sizeof line - (size_t)n, "; waiting for the other processes");
    fprintf(stderr, "\r%s%*s", line, l->width > n ? l->width - n : 0, "");
    l->width = n;
    fflush(stderr);
}

void sweep_show_wipe(sweep_line_shown *l)
{
    if (l->shown && l->width) fprintf(stderr, "\r%*s\r", l->width, "");
    l->width = 0;
}

/* ---- afterwards -------------------------------------------------------------------------------------------------- */

void sweep_show_sentence(const sweep_data *s, char *out, size_t size)
{
    int n = s->complete ? snprintf(out, size, "complete: %zu units of %d trials on %zu samples", s->done, s->n_trials, s->n_wanted)
                        : snprintf(out, size, "not complete: %zu of %zu units of %d trials on %zu samples", s->done, s->units, s->n_trials,
                                   s->n_wanted);
    if (n > 0 && (size_t)n < size && s->stopped) n += snprintf(out + n, size - (size_t)n, ", %zu trial%s stopped early", s->stopped, s->stopped == 1 ? "" : "s");
    if (n > 0 && (size_t)n < size && s->errors) n += snprintf(out + n, size - (size_t)n, ", %zu units failed", s->errors);
    if (n > 0 && (size_t)n < size && s->torn) n += snprintf(out + n, size - (size_t)n, ", %zu torn lines left out", s->torn);
    if (n > 0 && (size_t)n < size && s->conflicts)
        snprintf(out + n, size - (size_t)n, "; %zu units gave two different outputs: something here is not deterministic", s->conflicts);
}

/* What decides the last bits of a number. */
static bool same_numbers(const sweep_attempt *a, const sweep_attempt *b)
{
    return strcmp(a->kernels, b->kernels) == 0 && strcmp(a->device, b->device) == 0 && strcmp(a->driver, b->driver) == 0;
}

bool sweep_show_mixed(const sweep_data *s, const sweep_attempt *mine, char *out, size_t size)
{
    const sweep_attempt *kind[8] = {mine}, *last = NULL;
    size_t kinds = mine != NULL;
    int n = 0;
    for (size_t i = 0; i < (size_t)s->n_trials * s->n_samples; i++) {
        const eval_result *r = s->trial[i / s->n_samples].result[i % s->n_samples];
        if (!r || (last && last->id == r->attempt)) continue;
        last = NULL;
        for (uint64_t a = 0; a < s->n_attempts && !last; a++)
            if (s->attempt[a].id == r->attempt) last = &s->attempt[a];
        bool known = !last || !*last->kernels; /* a journal without its first line */
        for (size_t k = 0; k < kinds && !known; k++) known = same_numbers(kind[k], last);
        if (!known && kinds < sizeof kind / sizeof *kind) kind[kinds++] = last;
    }
    out[0] = 0;
    for (size_t k = 0; k < kinds && n >= 0 && (size_t)n < size; k++)
        n += snprintf(out + n, size - (size_t)n, "%s%s%s%s%s%s", k ? ", " : "", kind[k]->device, *kind[k]->driver ? " " : "", kind[k]->driver,
                      *kind[k]->device ? " " : "", kind[k]->kernels);
    return kinds > 1;
}

static void add_real(cJSON *o, const char *key, double d)
{
    if (isfinite(d)) cJSON_AddNumberToObject(o, key, d);
    else cJSON_AddNullToObject(o, key);
}

static cJSON *trial_json(const sweep_data *s, const sweep_trial *t)
{
    char id[17];
    cJSON *o = cJSON_CreateObject(), *values = NULL;
    const eval_summary *m = &t->summary;
    snprintf(id, sizeof id, "%016" PRIx64, t->trial.id);
    cJSON_AddNumberToObject(o, "ordinal", t->trial.ordinal);
    cJSON_AddStringToObject(o, "id", id);
    cJSON_AddStringToObject(o, "name", t->trial.name);
    cJSON_AddStringToObject(o, "state", t->state);
    if (t->note[0]) cJSON_AddStringToObject(o, "note", t->note);
    cJSON_AddBoolToObject(o, "baseline", t->trial.baseline);
    if (t->trial.twin_of >= 0) cJSON_AddNumberToObject(o, "twin_of", (double)t->trial.twin_of);
    values = cJSON_AddObjectToObject(o, "values");
    for (int a = 0; a < s->axes.n_params; a++)
        if (t->value[a][0]) cJSON_AddStringToObject(values, s->axes.param[a], t->value[a]);
    cJSON_AddNumberToObject(o, "n_done", (double)m->n_done);
    cJSON_AddNumberToObject(o, "n_error", (double)m->n_error);
    if (m->main_name && m->main_name[0]) {
        cJSON *metric = cJSON_AddObjectToObject(o, "metric");
        cJSON_AddStringToObject(metric, "name", m->main_name);
        add_real(metric, "value", m->main.value);
        add_real(metric, "low", m->main.low);
        add_real(metric, "high", m->main.high);
    }
    add_real(o, "agreement", m->agreement.value);
    add_real(o, "flops_ratio", m->flops_ratio);
    add_real(o, "keep_ratio", m->keep_ratio);
    add_real(o, "latency_s", m->lat_n ? m->latency.value : NAN);
    cJSON_AddBoolToObject(o, "pareto_flops", t->pareto_flops);
    return o;
}

cJSON *sweep_show_json(const sweep_data *s)
{
    cJSON *o = cJSON_CreateObject(), *trials;
    if (!o) return NULL;
    cJSON_AddStringToObject(o, "id", s->id);
    cJSON_AddStringToObject(o, "name", s->name);
    cJSON_AddStringToObject(o, "folder", s->folder);
    cJSON_AddStringToObject(o, "state", s->complete ? "complete" : s->done ? "running" : "planned");
    cJSON_AddStringToObject(o, "model", s->model);
    cJSON_AddStringToObject(o, "data", s->data);
    if (s->method) cJSON_AddStringToObject(o, "method", s->method);
    if (isfinite(s->seed)) cJSON_AddNumberToObject(o, "seed", s->seed);
    cJSON_AddNumberToObject(o, "samples", (double)s->n_wanted);
    cJSON_AddNumberToObject(o, "units", (double)s->units);
    cJSON_AddNumberToObject(o, "done", (double)s->done);
    cJSON_AddNumberToObject(o, "errors", (double)s->errors);
    cJSON_AddNumberToObject(o, "stopped", (double)s->stopped);
    cJSON_AddNumberToObject(o, "torn", (double)s->torn);
    cJSON_AddNumberToObject(o, "conflicts", (double)s->conflicts);
    cJSON_AddNumberToObject(o, "attempts", (double)s->n_attempts);
    trials = cJSON_AddArrayToObject(o, "trials");
    for (int i = 0; i < s->n_trials; i++) cJSON_AddItemToArray(trials, trial_json(s, &s->trial[i]));
    return o;
}
