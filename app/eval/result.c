/* result.c - a finished run as a record. Its JSON is in result_json.c. */
#define _GNU_SOURCE
#include "eval/result.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "datasets/score.h"
#include "eval/fidelity.h"
#include "eval/internal.h"

double eval_result_ttft(const eval_result *r) { return r->s_preprocess + r->s_vit + r->s_selection + r->s_projector + r->s_prefill; }

int eval_result_steps(const eval_result *r)
{
    int made = r->n_ids + (strcmp(r->stop, "eos") == 0);
    return made > 1 ? made - 1 : 0;
}

void eval_result_shared(eval_result *r, device_company c)
{
    if (c == DEVICE_ALONE) return;
    r->timing_valid = false;
    if (r->company == EVAL_ALONE) r->company = c == DEVICE_SHARED ? EVAL_WITH_OTHERS : EVAL_ON_BUSY_CPUS;
}

void eval_result_free(eval_result *r)
{
    if (!r) return;
    free(r->error);
    free(r->output);
    free(r->ids);
    r->error = r->output = NULL;
    r->ids = NULL;
    r->n_ids = 0;
}

double eval_seconds(double s) { return isfinite(s) && s > 0 ? round(s * 1e9) / 1e9 : 0; }

/* Records are ordered by nothing but their keys; the time only tells people when. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + (double)(t.tv_nsec / 1000000) / 1e3;
}

static void clear(eval_result *r)
{
    memset(r, 0, sizeof *r);
    r->margin = r->kl = r->loss = NAN;
    r->diverged = -2;
    r->finished = now();
}

saint_status eval_result_fail(eval_result *out, saint_status why, const char *text, saint_error *err)
{
    clear(out);
    out->state = why == SAINT_MEMORY ? EVAL_MEMORY : EVAL_ERROR;
    out->error = eval_clean_text(text && *text ? text : saint_status_text(why));
    out->output = strdup("");
    if (out->error && out->output) return SAINT_OK;
    eval_result_free(out);
    return saint_fail(err, SAINT_MEMORY, "no memory for a record");
}

/* ---- answer ------------------------------------------------------------------------------------------------------ */

/* The likeliest classes, best first; the lowest class first on ties. */
static int best_classes(const saint_trace_image *im, int32_t out[EVAL_TOP])
{
    int n = im->n_logits < EVAL_TOP ? im->n_logits : EVAL_TOP;
    for (int k = 0; k < n; k++) {
        int best = -1;
        for (int i = 0; i < im->n_logits; i++) {
            bool taken = false;
            for (int j = 0; j < k; j++) taken |= out[j] == i;
            if (!taken && (best < 0 || im->logits[i] > im->logits[best])) best = i;
        }
        out[k] = best;
    }
    return n;
}

static char *class_names(const saint_model *m, const int32_t *id, int n)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (!f) return NULL;
    for (int i = 0; i < n; i++) {
        const char *name = saint_model_label(m, id[i]);
        if (i) fputc(SAINT_RANK_SEPARATOR, f);
        if (!name) fprintf(f, "%d", id[i]);
        for (const char *p = name; p && *p; p++) fputc(*p == SAINT_RANK_SEPARATOR ? ' ' : *p, f);
    }
    if (fclose(f) == 0) return text;
    free(text);
    return NULL;
}

static saint_status add_answer(eval_result *out, const saint_model *m, const saint_trace_image *im, saint_error *err)
{
    int32_t top[EVAL_TOP];
    bool classifier = saint_model_get_info(m)->llm_layers == 0;
    const int32_t *ids = classifier ? top : im->ids;
    out->n_ids = classifier ? best_classes(im, top) : im->n_ids;
    out->ids = malloc(((size_t)out->n_ids + 1) * sizeof *out->ids);
    char *text = classifier ? class_names(m, top, out->n_ids) : strdup(im->answer ? im->answer : "");
    out->output = text ? eval_clean_text(text) : NULL;
    free(text);
    if (!out->ids || !out->output) return saint_fail(err, SAINT_MEMORY, "no memory for an answer");
    if (out->n_ids) memcpy(out->ids, ids, (size_t)out->n_ids * sizeof *out->ids);
    snprintf(out->stop, sizeof out->stop, "%s", im->stop ? im->stop : "");
    return SAINT_OK;
}

/* ---- distributions ----------------------------------------------------------------------------------------------- */

static float margin_of(const saint_trace_image *im)
{
    float best = -INFINITY, second = -INFINITY;
    for (int i = 0; i < im->n_logits; i++) {
        float x = im->logits[i];
        if (x > best) {
            second = best;
            best = x;
        } else if (x > second) {
            second = x;
        }
    }
    return im->n_logits > 1 ? best - second : NAN;
}

static void compare(eval_result *out, const saint_model *m, const saint_trace_image *im, const saint_trace_image *base)
{
    out->kl = base->n_logits == im->n_logits ? (float)fidelity_kl(base->logits, im->logits, im->n_logits) : NAN;
    if (saint_model_get_info(m)->llm_layers) {
        out->diverged = fidelity_first_difference(base->ids, base->n_ids, im->ids, im->n_ids);
        return;
    }
    int32_t a[EVAL_TOP], b[EVAL_TOP];
    int n = best_classes(base, a), k = best_classes(im, b);
    out->diverged = n && k && a[0] == b[0] ? -1 : 0; /* the class is the answer; the four behind it are not */
}

/* ---- costs ------------------------------------------------------------------------------------------------------- */

bool eval_trace_vit_cold(const saint_trace *t) { return t->from_stage == SAINT_STAGE_VIT && t->from_layer < 0; }

bool eval_trace_llm_cold(const saint_trace *t)
{
    const saint_history *h = &t->image[0].history;
    for (int i = 0; i < h->n_layers; i++)
        if (h->layer[i].stage == SAINT_STAGE_LLM && h->layer[i].reused) return false;
    return t->layers_question == 0;
}

double eval_trace_layer_seconds(const saint_trace *t, saint_stage stage)
{
    const saint_history *h = &t->image[0].history;
    double sum = 0;
    for (int i = 0; i < h->n_layers; i++)
        if (h->layer[i].stage == stage) sum += h->layer[i].seconds;
    return sum;
}

void eval_result_total(eval_result *r)
{
    r->s_total = eval_seconds(r->s_preprocess + r->s_vit + r->s_selection + r->s_projector + r->s_prefill + r->s_decode);
}

static void add_seconds(eval_result *out, const saint_trace *t)
{
    const saint_history *h = &t->image[0].history;
    bool llm = eval_trace_llm_cold(t);
    double selection = 0;
    for (int i = 0; i < h->n_sites; i++) selection += h->site[i]->seconds;
    out->s_preprocess = eval_seconds(t->seconds.preprocess);
    out->s_vit = eval_seconds(eval_trace_vit_cold(t) ? t->seconds.vit : eval_trace_layer_seconds(t, SAINT_STAGE_VIT));
    out->s_selection = eval_seconds(selection);
    out->s_projector = eval_seconds(llm ? t->seconds.projector : 0);
    out->s_prefill = eval_seconds(llm ? t->seconds.prefill : eval_trace_layer_seconds(t, SAINT_STAGE_LLM));
    out->s_decode = eval_seconds(t->seconds.decode);
    eval_result_total(out);
    int reused = t->layers_reused + t->layers_question, all = reused + t->layers_run;
    out->reused = all ? round(1e9 * reused / all) / 1e9 : 0;
}

/* Picture tokens that leave the last layer of a stage. */
static int survivors(const saint_history *h, saint_stage stage)
{
    int n = 0, layer = -1;
    for (int i = 0; i < h->n_layers; i++)
        if (h->layer[i].stage == stage && h->layer[i].layer > layer) {
            layer = h->layer[i].layer;
            n = h->layer[i].image_in;
        }
    for (int i = 0; i < h->n_sites; i++)
        if (h->site[i]->stage == stage && h->site[i]->layer == layer) n = h->site[i]->n_keep;
    return n;
}

static void add_counts(eval_result *out, const saint_model *m, const saint_trace_image *im)
{
    const saint_history *h = &im->history;
    bool llm = saint_model_get_info(m)->llm_layers > 0;
    out->text = im->n_prefix + im->n_suffix;
    out->vit_in = im->vit_in;
    out->vit_out = im->vit_out;
    out->llm_in = llm ? im->llm_in - out->text : 0;
    out->llm_out = llm ? survivors(h, SAINT_STAGE_LLM) : 0;
    out->equivalent = round(im->equivalent * 1e9) / 1e9;
    out->vit_layers = saint_model_get_info(m)->vit_layers_run;
    out->llm_layers = saint_model_get_info(m)->llm_layers;
    out->n_sites = h->n_sites;
    for (int i = 0; i < h->n_sites; i++) {
        out->site[i].stage = (int16_t)h->site[i]->stage;
        out->site[i].layer = (int16_t)h->site[i]->layer;
        out->site[i].n_out = h->site[i]->n_keep;
    }
    out->flops_vit = im->flops_vit;
    out->flops_projector = im->flops_projector;
    out->flops_prefill = im->flops_prefill;
    out->flops_decode = im->flops_decode;
    out->kv_bytes = im->kv_bytes;
}

saint_status eval_result_of(eval_result *out, const saint_model *m, const saint_trace *t, const saint_trace *base, saint_error *err)
{
    const saint_trace_image *im = &t->image[0];
    clear(out);
    saint_status s = add_answer(out, m, im, err);
    if (s != SAINT_OK) {
        eval_result_free(out);
        return s;
    }
    out->margin = margin_of(im);
    if (base) compare(out, m, im, &base->image[0]);
    add_counts(out, m, im);
    add_seconds(out, t);
    return SAINT_OK;
}
