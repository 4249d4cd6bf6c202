/* result_json.c - records as lines of JSON and back. Numbers survive the way: cJSON prints what 15 digits hold, the rest is written out. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/internal.h"
#include "utf8.h"

static const char *const state_name[] = {"ok", "error", "oom"};
static const char *const stage_name[] = {"vit", "llm"};
static const char *const company_name[] = {"", "ranks", "others", "programs"};
enum { COMPANIES = sizeof company_name / sizeof *company_name };

char *eval_clean_text(const char *text)
{
    static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
    char *out = malloc(3 * strlen(text) + 1);
    size_t k = 0;
    for (const unsigned char *p = (const unsigned char *)text; out && *p;) {
        size_t n = utf8_length(p);
        memcpy(out + k, n ? (const char *)p : replacement, n ? n : 3);
        k += n ? n : 3;
        p += n ? n : 1;
    }
    if (out) out[k] = 0;
    return out;
}

/* ---- out --------------------------------------------------------------------------------------------------------- */

static void add_number(cJSON *o, const char *key, double x)
{
    char text[32];
    snprintf(text, sizeof text, "%.15g", x);
    if (!isfinite(x)) cJSON_AddNullToObject(o, key);
    else if (strtod(text, NULL) == x) cJSON_AddNumberToObject(o, key, x);
    else {
        snprintf(text, sizeof text, "%.17g", x);
        cJSON_AddRawToObject(o, key, text);
    }
}

/* Nine digits tell floats apart. */
static void add_float(cJSON *o, const char *key, float x)
{
    char text[32];
    snprintf(text, sizeof text, "%.9g", (double)x);
    if (isfinite(x)) cJSON_AddNumberToObject(o, key, strtod(text, NULL));
    else cJSON_AddNullToObject(o, key);
}

static void add_hex(cJSON *o, const char *key, uint64_t x)
{
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, x);
    cJSON_AddStringToObject(o, key, text);
}

static void add_text(cJSON *o, const char *key, const char *text)
{
    char *clean = text ? eval_clean_text(text) : NULL;
    if (clean) cJSON_AddStringToObject(o, key, clean);
    else cJSON_AddNullToObject(o, key);
    free(clean);
}

static cJSON *sites_json(const eval_result *r)
{
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < r->n_sites; i++) {
        cJSON *site = cJSON_CreateArray();
        cJSON_AddItemToArray(site, cJSON_CreateString(stage_name[r->site[i].stage == SAINT_STAGE_LLM]));
        cJSON_AddItemToArray(site, cJSON_CreateNumber(r->site[i].layer));
        cJSON_AddItemToArray(site, cJSON_CreateNumber(r->site[i].n_out));
        cJSON_AddItemToArray(list, site);
    }
    return list;
}

/* The plain numbers of a record, in the order in which they are written. */
typedef struct {
    const char *key;
    size_t at;
    double max;
} field;

#define AT(name) offsetof(eval_result, name)
static const field counts[] = {{"n_text_tok", AT(text), 1 << 24},
                               {"n_img_tok_vit_in", AT(vit_in), 1 << 24},
                               {"n_img_tok_vit_out", AT(vit_out), 1 << 24},
                               {"n_img_tok_llm_in", AT(llm_in), 1 << 24},
                               {"n_img_tok_llm_out", AT(llm_out), 1 << 24},
                               {"vit_layers", AT(vit_layers), SAINT_MAX_LAYERS},
                               {"llm_layers", AT(llm_layers), SAINT_MAX_LAYERS}};
static const field numbers[] = {{"equiv_tok", AT(equivalent), 1 << 24},
                                {"flops_vit", AT(flops_vit), 1e30},
                                {"flops_projector", AT(flops_projector), 1e30},
                                {"flops_prefill", AT(flops_prefill), 1e30},
                                {"flops_decode", AT(flops_decode), 1e30},
                                {"t_load_s", AT(s_load), 1e9},
                                {"t_prep_s", AT(s_preprocess), 1e9},
                                {"t_vit_s", AT(s_vit), 1e9},
                                {"t_prune_s", AT(s_selection), 1e9},
                                {"t_proj_s", AT(s_projector), 1e9},
                                {"t_prefill_s", AT(s_prefill), 1e9},
                                {"t_decode_s", AT(s_decode), 1e9},
                                {"t_total_s", AT(s_total), 1e9},
                                {"t_wall_s", AT(s_wall), 1e9},
                                {"reused", AT(reused), 1},
                                {"finished", AT(finished), 1e12}};
#undef AT

static double number_of(const eval_result *r, const field *f)
{
    double x;
    memcpy(&x, (const char *)r + f->at, sizeof x);
    return x;
}

static int count_of(const eval_result *r, const field *f)
{
    int x;
    memcpy(&x, (const char *)r + f->at, sizeof x);
    return x;
}

cJSON *eval_result_json(const eval_result *r)
{
    cJSON *o = cJSON_CreateObject();
    if (!o) return NULL;
    add_hex(o, "trial", r->trial);
    cJSON_AddNumberToObject(o, "sample_ix", r->sample);
    cJSON_AddNumberToObject(o, "repeat_ix", r->repeat);
    cJSON_AddStringToObject(o, "status", state_name[r->state]);
    if (r->error) add_text(o, "error", r->error);
    add_text(o, "output", r->output ? r->output : "");
    cJSON *ids = cJSON_CreateIntArray(r->ids ? r->ids : (const int32_t[]){0}, r->ids ? r->n_ids : 0);
    if (ids) cJSON_AddItemToObject(o, "out_ids", ids);
    cJSON_AddStringToObject(o, "stop_reason", r->stop);
    add_float(o, "first_logit_margin", r->margin);
    add_float(o, "kl", r->kl);
    if (isfinite(r->loss)) add_float(o, "loss", r->loss);
    cJSON_AddNumberToObject(o, "diverged", r->diverged);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) cJSON_AddNumberToObject(o, counts[i].key, count_of(r, &counts[i]));
    cJSON_AddItemToObject(o, "sites", sites_json(r));
    add_number(o, "kv_bytes", (double)r->kv_bytes);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) add_number(o, numbers[i].key, number_of(r, &numbers[i]));
    add_number(o, "peak_rss", (double)r->peak_rss);
    add_number(o, "peak_dev_mem", (double)r->peak_device);
    cJSON_AddBoolToObject(o, "timing_valid", r->timing_valid);
    if (r->company) cJSON_AddStringToObject(o, "timing_shared_with", company_name[r->company]);
    add_hex(o, "attempt", r->attempt);
    return o;
}

/* ---- in ---------------------------------------------------------------------------------------------------------- */

static const char what[] = "result";

static saint_status expected(saint_error *err, const char *key, const char *text)
{
    return saint_fail(err, SAINT_FORMAT, "%s: %s: expected %s", what, key, text);
}

static saint_status parse_hex(const cJSON *c, const char *key, bool needed, uint64_t *out, saint_error *err)
{
    const char *text = NULL;
    saint_status s = saint_json_string(c, key, &text, what, err);
    if (s != SAINT_OK || (!text && !needed)) return s;
    if (!text || strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16) return expected(err, key, "16 hexadecimal digits");
    *out = strtoull(text, NULL, 16);
    return SAINT_OK;
}

static saint_status parse_number(const cJSON *c, const char *key, double max, double *out, saint_error *err)
{
    saint_status s = saint_json_double(c, key, out, what, err);
    if (s == SAINT_OK && !(*out >= 0 && *out <= max)) return expected(err, key, "a number that is not negative and not absurd");
    return s;
}

static saint_status parse_float(const cJSON *c, const char *key, float *out, saint_error *err)
{
    double x = NAN;
    saint_status s = saint_json_double(c, key, &x, what, err);
    if (s == SAINT_OK && !isnan(x) && fabs(x) > 3.4e38) return expected(err, key, "a number that an f32 holds");
    *out = (float)x;
    return s;
}

static saint_status parse_index(const cJSON *c, const char *key, uint32_t *out, saint_error *err)
{
    double x = -1;
    saint_status s = saint_json_double(c, key, &x, what, err);
    if (s != SAINT_OK) return s;
    if (!(x >= 0 && x <= UINT32_MAX) || x != floor(x)) return expected(err, key, "a whole number from 0 to 4294967295");
    *out = (uint32_t)x;
    return SAINT_OK;
}

static saint_status parse_text(const cJSON *c, const char *key, char **out, saint_error *err)
{
    const char *text = NULL;
    saint_status s = saint_json_string(c, key, &text, what, err);
    if (s != SAINT_OK || !text) return s;
    *out = strdup(text);
    return *out ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "%s: no memory", what);
}

enum { IDS_MAX = 1 << 20 };

static saint_status parse_ids(const cJSON *c, eval_result *out, saint_error *err)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(c, "out_ids"), *x;
    if (!list) return SAINT_OK;
    int n = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : -1, k = 0;
    if (n < 0 || n > IDS_MAX) return expected(err, "out_ids", "a list of token ids");
    out->ids = malloc(((size_t)n + 1) * sizeof *out->ids);
    if (!out->ids) return saint_fail(err, SAINT_MEMORY, "%s: no memory", what);
    cJSON_ArrayForEach(x, list)
    {
        if (!cJSON_IsNumber(x) || !(x->valuedouble >= 0 && x->valuedouble <= INT32_MAX) || x->valuedouble != floor(x->valuedouble))
            return expected(err, "out_ids", "a list of token ids");
        out->ids[k++] = (int32_t)x->valuedouble;
    }
    out->n_ids = k;
    return SAINT_OK;
}

static bool whole(const cJSON *c, int max, int *out)
{
    if (!cJSON_IsNumber(c) || !(c->valuedouble >= 0 && c->valuedouble <= max) || c->valuedouble != floor(c->valuedouble)) return false;
    *out = (int)c->valuedouble;
    return true;
}

static saint_status parse_sites(const cJSON *c, eval_result *out, saint_error *err)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(c, "sites"), *x;
    if (!list) return SAINT_OK;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > EVAL_SITES) return expected(err, "sites", "a list of prune sites");
    cJSON_ArrayForEach(x, list)
    {
        const cJSON *stage = cJSON_GetArrayItem(x, 0);
        int layer, n;
        bool vit = cJSON_IsString(stage) && strcmp(stage->valuestring, "vit") == 0;
        bool llm = cJSON_IsString(stage) && strcmp(stage->valuestring, "llm") == 0;
        if (!cJSON_IsArray(x) || cJSON_GetArraySize(x) != 3 || (!vit && !llm) ||
            !whole(cJSON_GetArrayItem(x, 1), SAINT_MAX_LAYERS - 1, &layer) || !whole(cJSON_GetArrayItem(x, 2), 1 << 24, &n))
            return expected(err, "sites", "[\"vit\" or \"llm\", layer, survivors] for each");
        int i = out->n_sites++;
        out->site[i].stage = llm ? SAINT_STAGE_LLM : SAINT_STAGE_VIT;
        out->site[i].layer = (int16_t)layer;
        out->site[i].n_out = n;
    }
    return SAINT_OK;
}

static saint_status parse_state(const cJSON *c, eval_result *out, saint_error *err)
{
    const char *status = NULL, *stop = "";
    saint_status s = saint_json_string(c, "status", &status, what, err);
    if (s == SAINT_OK) s = saint_json_string(c, "stop_reason", &stop, what, err);
    if (s != SAINT_OK) return s;
    int i = 0;
    while (status && i < 3 && strcmp(status, state_name[i]) != 0) i++;
    if (!status || i == 3) return expected(err, "status", "ok, error or oom");
    if (strlen(stop) >= sizeof out->stop) return expected(err, "stop_reason", "eos, length or nothing");
    out->state = (eval_state)i;
    memcpy(out->stop, stop, strlen(stop) + 1);
    return SAINT_OK;
}

static saint_status parse_company(const cJSON *c, eval_company *out, saint_error *err)
{
    const char *text = "";
    saint_status s = saint_json_string(c, "timing_shared_with", &text, what, err);
    int i = 0;
    while (s == SAINT_OK && i < COMPANIES && strcmp(text, company_name[i]) != 0) i++;
    if (i == COMPANIES) return expected(err, "timing_shared_with", "ranks, others or programs");
    if (s == SAINT_OK) *out = (eval_company)i;
    return s;
}

static saint_status parse_bytes(const cJSON *c, const char *key, uint64_t *out, saint_error *err)
{
    double x = 0;
    saint_status s = parse_number(c, key, 0x1p53, &x, err);
    if (s == SAINT_OK) *out = (uint64_t)x;
    return s;
}

static saint_status parse_numbers(const cJSON *c, eval_result *out, saint_error *err)
{
    saint_status s = SAINT_OK;
    for (size_t i = 0; i < sizeof counts / sizeof *counts && s == SAINT_OK; i++) {
        int x = 0;
        s = saint_json_int(c, counts[i].key, 0, (int)counts[i].max, &x, what, err);
        memcpy((char *)out + counts[i].at, &x, sizeof x);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && s == SAINT_OK; i++) {
        double x = 0;
        s = parse_number(c, numbers[i].key, numbers[i].max, &x, err);
        memcpy((char *)out + numbers[i].at, &x, sizeof x);
    }
    if (s == SAINT_OK) s = parse_bytes(c, "kv_bytes", &out->kv_bytes, err);
    if (s == SAINT_OK) s = parse_bytes(c, "peak_rss", &out->peak_rss, err);
    if (s == SAINT_OK) s = parse_bytes(c, "peak_dev_mem", &out->peak_device, err);
    if (s == SAINT_OK) s = parse_float(c, "first_logit_margin", &out->margin, err);
    if (s == SAINT_OK) s = parse_float(c, "kl", &out->kl, err);
    if (s == SAINT_OK) s = parse_float(c, "loss", &out->loss, err);
    if (s == SAINT_OK) s = saint_json_int(c, "diverged", -2, IDS_MAX, &out->diverged, what, err);
    return s;
}

saint_status eval_result_parse(const cJSON *c, eval_result *out, saint_error *err)
{
    memset(out, 0, sizeof *out);
    out->diverged = -2;
    if (!cJSON_IsObject(c)) return saint_fail(err, SAINT_FORMAT, "%s: expected an object", what);
    saint_status s = parse_hex(c, "trial", true, &out->trial, err);
    if (s == SAINT_OK) s = parse_index(c, "sample_ix", &out->sample, err);
    if (s == SAINT_OK) s = parse_index(c, "repeat_ix", &out->repeat, err);
    if (s == SAINT_OK) s = parse_state(c, out, err);
    if (s == SAINT_OK) s = parse_text(c, "error", &out->error, err);
    if (s == SAINT_OK) s = parse_text(c, "output", &out->output, err);
    if (s == SAINT_OK && out->state == EVAL_OK && !out->output) s = expected(err, "output", "the answer of a run that went well");
    if (s == SAINT_OK && out->state != EVAL_OK && !out->error) s = expected(err, "error", "what went wrong");
    if (s == SAINT_OK && !out->output && !(out->output = strdup(""))) s = saint_fail(err, SAINT_MEMORY, "%s: no memory", what);
    if (s == SAINT_OK) s = parse_ids(c, out, err);
    if (s == SAINT_OK) s = parse_sites(c, out, err);
    if (s == SAINT_OK) s = parse_numbers(c, out, err);
    if (s == SAINT_OK) s = saint_json_bool(c, "timing_valid", &out->timing_valid, what, err);
    if (s == SAINT_OK) s = parse_company(c, &out->company, err);
    if (s == SAINT_OK) s = parse_hex(c, "attempt", false, &out->attempt, err);
    if (s != SAINT_OK) eval_result_free(out);
    return s;
}
