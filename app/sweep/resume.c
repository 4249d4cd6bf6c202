#define _GNU_SOURCE
#include "sweep/resume.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An optional text of the plan's identity. */
static saint_status take(const cJSON *identity, const char *key, char **out, const char *what, saint_error *err)
{
    const char *text = NULL;
    saint_status s = saint_json_string(identity, key, &text, what, err);
    if (s != SAINT_OK || !text) return s;
    *out = strdup(text);
    return *out ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for a sweep of this size");
}

saint_status sweep_resume_open(const char *folder, sweep_resume *out, saint_error *err)
{
    char what[4096 + 64];
    memset(out, 0, sizeof *out);
    saint_status s = sweep_plan_read(folder, &out->plan, err);
    if (s != SAINT_OK) return s;
    const sweep_plan *p = &out->plan;
    snprintf(what, sizeof what, "%.4096s/plan.json: identity", folder);
    cJSON *identity = cJSON_Parse(p->identity);
    if (!identity) s = saint_fail(err, SAINT_FORMAT, "%s: expected a JSON object", what);
    if (s == SAINT_OK) s = take(identity, "template", &out->template_name, what, err);
    if (s == SAINT_OK) s = take(identity, "image_mode", &out->image_mode, what, err);
    if (s == SAINT_OK) s = saint_json_int(identity, "numerics", 0, 1 << 20, &out->numerics, what, err);
    cJSON_Delete(identity);
    out->llava = strcmp(p->prompt, "llava") == 0;
    for (int i = 0; i < p->n_trials; i++)
        if (p->trial[i].max_new_tokens > out->max_new_tokens) out->max_new_tokens = p->trial[i].max_new_tokens;
    if (s == SAINT_OK && (!p->n_trials || !p->n_wanted)) /* who made it was killed between two files */
        s = saint_fail(err, SAINT_FORMAT, "%.4000s/spec.json: expected what the sweep asks for, found nothing yet; give the command that made the folder",
                       folder);
    if (s != SAINT_OK) sweep_resume_free(out);
    return s;
}

void sweep_resume_free(sweep_resume *r)
{
    if (!r) return;
    sweep_plan_free(&r->plan);
    free(r->template_name);
    free(r->image_mode);
    memset(r, 0, sizeof *r);
}

saint_status sweep_resume_check(const sweep_resume *r, const char *folder, const saint_model_info *model, const saint_dataset_info *data,
                                saint_error *err)
{
    char hex[65];
    saint_digest_hex(&model->digest, hex);
    if (strcmp(hex, r->plan.model_sha256) != 0)
        return saint_fail(err, SAINT_INVALID, "%.200s is a sweep of another model: expected SHA-256 %.16s..., found %.16s...; give the right one with --model",
                          folder, r->plan.model_sha256, hex);
    saint_digest_hex(&data->digest, hex);
    if (strcmp(hex, r->plan.data_sha256) != 0)
        return saint_fail(err, SAINT_INVALID, "%.200s is a sweep of other data: expected SHA-256 %.16s..., found %.16s...; give the right ones with --data",
                          folder, r->plan.data_sha256, hex);
    if (r->numerics != SWEEP_NUMERICS)
        return saint_fail(err, SAINT_INVALID, "%.200s was computed by an engine of other numbers: expected version %d of them, found %d; start again with another --out",
                          folder, SWEEP_NUMERICS, r->numerics);
    return SAINT_OK;
}
