#define _GNU_SOURCE
#include "ui/runs/live_runs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int number, twin;
    chart_role role;
    eval_trial trial;
    eval_result result;
    device_company company;
    saint_trace *pending; /* waits for the unpruned run to be compared with; NULL: compared, or nothing to compare */
    char *picture, *question;
} live_run;

enum { PENDING_MOST = 32 }; /* traces are large */

struct live_runs {
    int n, next; /* rows; number of the next one */
    char model[256], family[64], sha256[65], dtype[8], device[24]; /* what ran them */
    live_run *run[LIVE_MOST];
    /* the unpruned run of the picture and question that were looked at last */
    saint_trace *base;
    char *base_picture, *base_question;
};

static void run_free(live_run *r)
{
    if (!r) return;
    eval_trial_free(&r->trial);
    eval_result_free(&r->result);
    saint_trace_unref(r->pending);
    free(r->picture);
    free(r->question);
    free(r);
}

saint_status live_open(live_runs **out, saint_error *err)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return saint_fail(err, SAINT_MEMORY, "no memory for the runs of this session");
    (*out)->next = 1;
    return SAINT_OK;
}

static void forget_base(live_runs *l)
{
    saint_trace_unref(l->base);
    free(l->base_picture);
    free(l->base_question);
    l->base = NULL;
    l->base_picture = l->base_question = NULL;
}

void live_clear(live_runs *l)
{
    for (int i = 0; l && i < l->n; i++) run_free(l->run[i]);
    if (!l) return;
    l->n = 0;
    forget_base(l);
}

void live_close(live_runs *l)
{
    live_clear(l);
    free(l);
}

static bool same_subject(const char *a_picture, const char *a_question, const char *b_picture, const char *b_question)
{
    return a_picture && b_picture && strcmp(a_picture, b_picture) == 0 && strcmp(a_question ? a_question : "", b_question ? b_question : "") == 0;
}
static bool of_subject(const live_run *r, const char *picture, const char *question)
{
    return same_subject(r->picture, r->question, picture, question);
}

int live_count(const live_runs *l, const char *picture, const char *question)
{
    int n = 0;
    for (int i = 0; l && i < l->n; i++) n += of_subject(l->run[i], picture, question);
    return n;
}

const saint_settings *live_settings(const live_runs *l, int number)
{
    for (int i = 0; l && i < l->n; i++)
        if (l->run[i]->number == number) return &l->run[i]->trial.settings;
    return NULL;
}

/* ---- adding ---- */

/* The record once more, now with the unpruned run beside it. */
static saint_status compare(live_runs *l, const saint_model *m, live_run *r, saint_trace *t, saint_error *err)
{
    eval_result fresh = {0};
    saint_trace *base = l->base && same_subject(r->picture, r->question, l->base_picture, l->base_question) ? l->base : NULL;
    saint_status s = eval_result_of(&fresh, m, t, base, err);
    if (s != SAINT_OK) return s;
    fresh.trial = r->trial.id;
    fresh.timing_valid = true;
    eval_result_shared(&fresh, r->company);
    eval_result_free(&r->result);
    r->result = fresh;
    saint_trace *keep = base ? NULL : saint_trace_ref(t);
    saint_trace_unref(r->pending);
    r->pending = keep;
    return SAINT_OK;
}

static void limit_pending(live_runs *l)
{
    for (int i = l->n - 1, n = 0; i >= 0; i--)
        if (l->run[i]->pending && ++n > PENDING_MOST) {
            saint_trace_unref(l->run[i]->pending);
            l->run[i]->pending = NULL;
        }
}

static saint_status take_base(live_runs *l, const saint_model *m, saint_trace *t, const char *picture, const char *question, saint_error *err)
{
    char *p = strdup(picture), *q = strdup(question ? question : "");
    if (!p || !q) {
        free(p);
        free(q);
        return saint_fail(err, SAINT_MEMORY, "no memory for the runs of this session");
    }
    forget_base(l);
    l->base = saint_trace_ref(t);
    l->base_picture = p;
    l->base_question = q;
    saint_status s = SAINT_OK;
    for (int i = 0; i < l->n && s == SAINT_OK; i++)
        if (l->run[i]->pending && of_subject(l->run[i], picture, question)) {
            saint_trace *own = saint_trace_ref(l->run[i]->pending);
            s = compare(l, m, l->run[i], own, err);
            saint_trace_unref(own);
        }
    return s;
}

static live_run *find(live_runs *l, uint64_t id, const char *picture, const char *question)
{
    for (int i = 0; i < l->n; i++)
        if (l->run[i]->trial.id == id && of_subject(l->run[i], picture, question)) return l->run[i];
    return NULL;
}

static live_run *append(live_runs *l, eval_trial *trial, const char *picture, const char *question)
{
    live_run *r = calloc(1, sizeof *r);
    if (!r || !(r->picture = strdup(picture)) || !(r->question = strdup(question ? question : ""))) {
        run_free(r);
        return NULL;
    }
    if (l->n == LIVE_MOST) {
        run_free(l->run[0]);
        memmove(l->run, l->run + 1, (size_t)--l->n * sizeof *l->run);
    }
    r->trial = *trial;
    r->number = r->trial.ordinal = l->next++;
    l->run[l->n++] = r;
    return r;
}

saint_status live_add(live_runs *l, const saint_model *m, chart_role role, int twin, const saint_settings *s, saint_trace *t, device_company company,
                      const char *picture, const char *question, int *number, saint_error *err)
{
    eval_trial trial = {.settings = *s, .twin_of = -1};
    saint_status st = eval_trial_identify(&trial, saint_model_get_info(m), err);
    if (st != SAINT_OK) {
        eval_trial_free(&trial);
        return st;
    }
    live_run *r = find(l, trial.id, picture, question);
    bool fresh = !r;
    if (fresh) r = append(l, &trial, picture, question);
    if (!r || !fresh) eval_trial_free(&trial);
    if (!r) return saint_fail(err, SAINT_MEMORY, "no memory for the runs of this session");
    r->company = company;
    r->role = r->trial.baseline ? CHART_UNPRUNED : role;
    r->twin = role == CHART_RANDOM ? twin : -1;
    if (number) *number = r->number;
    const saint_model_info *info = saint_model_get_info(m);
    snprintf(l->model, sizeof l->model, "%s", info->name);
    snprintf(l->family, sizeof l->family, "%s", info->architecture);
    saint_digest_hex(&info->digest, l->sha256);
    snprintf(l->dtype, sizeof l->dtype, "%s", t->dtype);
    snprintf(l->device, sizeof l->device, "%s", t->device);
    if (r->trial.baseline) st = take_base(l, m, t, picture, question, err);
    if (st == SAINT_OK) st = compare(l, m, r, t, err);
    limit_pending(l);
    return st;
}

/* ---- what a configuration says ---- */

static void text_of(const cJSON *c, char *out, size_t size)
{
    out[0] = 0;
    if (cJSON_IsString(c)) snprintf(out, size, "%s", c->valuestring);
    else if (cJSON_IsBool(c)) snprintf(out, size, "%s", cJSON_IsTrue(c) ? "true" : "false");
    else if (cJSON_IsNumber(c)) snprintf(out, size, "%.9g", c->valuedouble);
}

void live_value(const cJSON *config, const char *key, char *out, size_t size)
{
    const cJSON *c = cJSON_GetObjectItemCaseSensitive(config, key);
    out[0] = 0;
    if (!cJSON_IsObject(c)) {
        text_of(c, out, size);
        return;
    }
    for (const cJSON *v = c->child; v; v = v->next) {
        char text[64];
        text_of(v, text, sizeof text);
        if (strcmp(text, "None") == 0) continue; /* layers that are left alone */
        if (out[0] && strcmp(out, text) != 0) {
            out[0] = 0;
            return;
        }
        snprintf(out, size, "%s", text);
    }
}

/* ---- as a sweep ---- */

static saint_interval one(double v) { return (saint_interval){.value = v, .low = NAN, .high = NAN, .se = NAN, .n = isfinite(v) ? 1u : 0u, .method = ""}; }

/* What one sample says; intervals and percentiles stay n/a. */
static void summarise(const eval_result *r, const eval_result *base, eval_summary *y)
{
    double flops = r->flops_vit + r->flops_projector + r->flops_prefill + r->flops_decode;
    *y = (eval_summary){.n_total = 1, .n_done = 1, .main_name = "", .main = one(NAN)};
    y->base = (saint_paired){.diff = NAN, .se = NAN, .low = NAN, .high = NAN, .t = NAN, .df = NAN, .p = NAN};
    y->mcnemar = y->holm = NAN;
    bool known = base && r->diverged >= -1 && base->output && r->output;
    y->agreement = one(known ? (strcmp(base->output, r->output) == 0 ? 1 : 0) : NAN);
    y->kl = one((double)r->kl);
    y->diverged = known && r->diverged >= 0 ? (double)r->diverged : (double)NAN;
    y->vit_in = r->vit_in, y->vit_out = r->vit_out, y->llm_in = r->llm_in, y->llm_out = r->llm_out;
    y->equivalent = r->equivalent;
    y->keep_ratio = r->vit_in > 0 ? (double)r->llm_out / r->vit_in : (double)NAN;
    y->flops_vit = r->flops_vit, y->flops_projector = r->flops_projector, y->flops_prefill = r->flops_prefill;
    y->flops_decode = r->flops_decode;
    y->flops = flops;
    double full = base ? base->flops_vit + base->flops_projector + base->flops_prefill + base->flops_decode : NAN;
    y->flops_ratio = flops / full;
    y->kv_bytes = (double)r->kv_bytes;
    y->lat_n = r->timing_valid ? 1 : 0;
    y->latency = one(r->timing_valid ? r->s_total : NAN);
    y->lat_sd = y->p50 = y->p90 = y->p99 = y->throughput = NAN;
    y->speedup = one(NAN);
    if (!r->timing_valid) return;
    y->s_preprocess = r->s_preprocess, y->s_vit = r->s_vit, y->s_selection = r->s_selection, y->s_projector = r->s_projector;
    y->s_prefill = r->s_prefill, y->s_decode = r->s_decode;
    y->throughput = r->s_total > 0 ? 1 / r->s_total : NAN;
    y->speedup = one(base && base->timing_valid && r->s_total > 0 ? base->s_total / r->s_total : NAN);
}

typedef struct {
    sweep_data data; /* first: what the caller holds is this */
    eval_result *copy;
    const eval_result **pointer;
} live_copy;

static saint_status copy_run(live_copy *c, int at, const live_run *r, const eval_result *base, saint_error *err)
{
    sweep_trial *t = &c->data.trial[at];
    t->trial = r->trial;
    t->trial.name = NULL;
    t->trial.config = strdup(r->trial.config);
    t->trial.twin_of = r->role == CHART_RANDOM ? r->twin : -1;
    t->trial.baseline = r->role == CHART_UNPRUNED;
    t->state = "complete";
    c->copy[at] = r->result;
    c->copy[at].output = r->result.output ? strdup(r->result.output) : NULL;
    c->copy[at].error = NULL;
    c->copy[at].ids = NULL;
    c->copy[at].n_ids = 0;
    c->pointer[at] = &c->copy[at];
    t->result = &c->pointer[at];
    summarise(&r->result, base, &t->summary);
    if (!t->trial.config || (r->result.output && !c->copy[at].output)) return saint_fail(err, SAINT_MEMORY, "no memory for a table");
    return SAINT_OK;
}

/* Settings that differ between rows become the axes; the names of rows say them. */
static saint_status fill_axes(sweep_data *d, saint_error *err)
{
    const saint_param_info *info;
    saint_status s = SAINT_OK;
    cJSON **config = calloc((size_t)d->n_trials, sizeof(cJSON *));
    int n_params = 0;
    while (saint_param_at(n_params)) n_params++;
    d->axes.param = calloc((size_t)n_params, sizeof(char *));
    for (int i = 0; i < d->n_trials && config; i++) {
        config[i] = cJSON_Parse(d->trial[i].trial.config);
        d->trial[i].value = calloc((size_t)n_params, sizeof(char *));
        if (!config[i] || !d->trial[i].value) s = SAINT_MEMORY;
    }
    for (int k = 0; s == SAINT_OK && config && d->axes.param && (info = saint_param_at(k)); k++) {
        char first[64], text[64];
        bool differs = false, known = false;
        for (int i = 0; i < d->n_trials; i++) {
            live_value(config[i], info->name, text, sizeof text);
            if (!text[0] || d->trial[i].trial.baseline) continue;
            if (known) differs = differs || strcmp(first, text) != 0;
            else snprintf(first, sizeof first, "%s", text), known = true;
        }
        if (!differs) continue;
        d->axes.param[d->axes.n_params] = strdup(info->name);
        for (int i = 0; i < d->n_trials; i++) {
            live_value(config[i], info->name, text, sizeof text);
            d->trial[i].value[d->axes.n_params] = strdup(d->trial[i].trial.baseline ? "" : text);
        }
        d->axes.n_params++;
    }
    for (int i = 0; i < d->n_trials && config; i++) cJSON_Delete(config[i]);
    if (!config || !d->axes.param) s = SAINT_MEMORY;
    free(config);
    return s == SAINT_OK ? s : saint_fail(err, s, "no memory for a table");
}

static saint_status name_rows(sweep_data *d, saint_error *err)
{
    for (int i = 0; i < d->n_trials; i++) {
        char text[256] = "";
        size_t n = 0;
        const sweep_trial *t = &d->trial[i];
        if (t->trial.baseline) n = (size_t)snprintf(text, sizeof text, "unpruned");
        else if (t->trial.twin_of >= 0) n = (size_t)snprintf(text, sizeof text, "random as run %lld", (long long)t->trial.twin_of);
        for (int k = 0; k < d->axes.n_params && n < sizeof text - 1 && !t->trial.baseline && t->trial.twin_of < 0; k++)
            if (t->value[k] && t->value[k][0])
                n += (size_t)snprintf(text + n, sizeof text - n, "%s%s=%s", n ? " " : "", d->axes.param[k], t->value[k]);
        if (!n) snprintf(text, sizeof text, "run %d", t->trial.ordinal);
        if (!(d->trial[i].trial.name = strdup(text))) return saint_fail(err, SAINT_MEMORY, "no memory for a table");
    }
    return SAINT_OK;
}

saint_status live_sweep(const live_runs *l, const char *picture, const char *question, sweep_data **out, saint_error *err)
{
    *out = NULL;
    size_t n = (size_t)live_count(l, picture, question);
    live_copy *c = calloc(1, sizeof *c);
    if (!c) return saint_fail(err, SAINT_MEMORY, "no memory for a table");
    sweep_data *d = &c->data;
    d->trial = calloc(n + 1, sizeof *d->trial);
    c->copy = calloc(n + 1, sizeof *c->copy);
    c->pointer = calloc(n + 1, sizeof *c->pointer);
    d->wanted = calloc(1, sizeof *d->wanted);
    d->data = strdup(picture ? picture : "");
    d->model = strdup(l ? l->model : "");
    d->model_family = strdup(l ? l->family : "");
    d->model_sha256 = strdup(l ? l->sha256 : "");
    d->dtype = strdup(l ? l->dtype : "");
    d->backend = strdup(l ? l->device : "");
    d->baseline = -1;
    d->n_samples = d->n_wanted = 1;
    snprintf(d->name, sizeof d->name, "this picture, n = 1");
    saint_status s = d->trial && c->copy && c->pointer && d->wanted && d->data && d->model && d->model_family && d->model_sha256 && d->dtype && d->backend ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for a table");
    const eval_result *base = NULL;
    for (int i = 0; l && i < l->n; i++)
        if (l->run[i]->role == CHART_UNPRUNED && of_subject(l->run[i], picture, question)) base = &l->run[i]->result;
    for (int i = 0; l && i < l->n && s == SAINT_OK; i++) {
        if (!of_subject(l->run[i], picture, question)) continue;
        if (l->run[i]->role == CHART_UNPRUNED) d->baseline = d->n_trials;
        s = copy_run(c, d->n_trials++, l->run[i], base, err);
    }
    if (s == SAINT_OK) d->wanted[0] = true;
    d->units = d->done = (size_t)d->n_trials;
    d->complete = true;
    if (s == SAINT_OK) s = fill_axes(d, err);
    if (s == SAINT_OK) s = name_rows(d, err);
    if (s != SAINT_OK) live_sweep_free(d);
    else *out = d;
    return s;
}

void live_sweep_free(sweep_data *s)
{
    if (!s) return;
    live_copy *c = (live_copy *)(void *)s;
    for (int i = 0; i < s->n_trials && s->trial; i++) {
        eval_trial_free(&s->trial[i].trial);
        for (int k = 0; k < s->axes.n_params && s->trial[i].value; k++) free(s->trial[i].value[k]);
        free(s->trial[i].value);
        free(c->copy[i].output);
    }
    for (int k = 0; k < s->axes.n_params && s->axes.param; k++) free(s->axes.param[k]);
    free(s->axes.param);
    free(s->trial);
    free(c->copy);
    free(c->pointer);
    free(s->wanted);
    char *const texts[] = {s->data, s->model, s->model_family, s->model_sha256, s->dtype, s->backend};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) free(texts[i]);
    free(c);
}
