/* table_settings.c - the columns that say what was run: model, mode, places and parameters, read from the canonical text of a trial. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/table_internal.h"

static const cJSON *config_of(const table *t, size_t row) { return t->trial[t->row_trial[row]].config; }

static const cJSON *member(const table *t, size_t row, const char *key) { return cJSON_GetObjectItemCaseSensitive(config_of(t, row), key); }

/* ---- values ------------------------------------------------------------------------------------------------------------- */

static void write_scalar(text_buf *t, const cJSON *v)
{
    if (cJSON_IsString(v)) text_utf8(t, v->valuestring);
    else if (cJSON_IsBool(v)) text_put(t, cJSON_IsTrue(v) ? "yes" : "no");
    else if (cJSON_IsNumber(v)) text_number(t, v->valuedouble);
}

/* Seeds are texts because a JSON number has 53 bits; what fits is a number all the same. */
static bool whole(const char *p, double *out)
{
    char *end;
    if (strlen(p) > 15 || strspn(p, "0123456789") != strlen(p) || !*p) return false;
    *out = (double)strtoull(p, &end, 10);
    return true;
}

static void scalar_cell(table *t, const cJSON *v, table_cell *out)
{
    double x;
    if (cJSON_IsBool(v)) cell_bool(out, cJSON_IsTrue(v));
    else if (cJSON_IsNumber(v)) cell_number(out, v->valuedouble);
    else if (cJSON_IsString(v) && whole(v->valuestring, &x)) cell_integer(out, x);
    else if (cJSON_IsString(v)) cell_text(t, out, v->valuestring);
}

static bool same(const cJSON *a, const cJSON *b) { return cJSON_Compare(a, b, true); }

static bool is_none(const cJSON *v) { return cJSON_IsString(v) && strcmp(v->valuestring, "None") == 0; }

/* {"0-8": 289, "9": 145} as "0-8=289 9=145", and as 289 alone when all layers have the same; layers without a method are left out. */
static void ranges_cell(table *t, const cJSON *object, bool layers, table_cell *out)
{
    const cJSON *v, *first = NULL;
    bool alike = !layers;
    text_clear(&t->text);
    cJSON_ArrayForEach(v, object)
    {
        if (is_none(v)) continue;
        if (!first) first = v;
        else alike = alike && same(first, v);
        if (t->text.n) text_char(&t->text, ' ');
        text_utf8(&t->text, v->string);
        text_char(&t->text, '=');
        write_scalar(&t->text, v);
    }
    if (first && alike) scalar_cell(t, first, out);
    else cell_written(t, out);
}

static void setting_cell(table *t, const cJSON *v, table_cell *out)
{
    if (cJSON_IsObject(v)) ranges_cell(t, v, strcmp(v->string, "prune_mode") == 0 || strcmp(v->string, "llm_prune_mode") == 0, out);
    else if (v) scalar_cell(t, v, out);
}

GETTER(get_setting) { setting_cell(t, member(t, row, c->show.name + strlen("cfg_")), out); }

/* vit_keep_num is keep_num under the name of the published tables. */
static const struct {
    const char *name, *setting;
} renamed[] = {{"vit_keep_num", "keep_num"},
               {"vit_r", "r"},
               {"llm_threshold", "saint_threshold"},
               {"llm_k", "saint_K"},
               {"llm_gamma", "saint_gamma"},
               {"sys_len", "saint_sys_length"},
               {"image_len", "saint_image_token_length"}};

GETTER(get_renamed)
{
    for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++)
        if (strcmp(renamed[i].name, c->show.name) == 0) setting_cell(t, member(t, row, renamed[i].setting), out);
}

/* ---- places ------------------------------------------------------------------------------------------------------------- */

/* Layers of a list of methods that have one: "9" or "0-3,7"; methods joined by +, each once. */
static void places(table *t, const cJSON *object, bool names, table_cell *out)
{
    const cJSON *v, *w;
    text_clear(&t->text);
    cJSON_ArrayForEach(v, object)
    {
        bool seen = is_none(v);
        for (w = object->child; names && w != v && !seen; w = w->next) seen = same(v, w);
        if (seen) continue;
        if (t->text.n) text_char(&t->text, names ? '+' : ',');
        if (names) write_scalar(&t->text, v);
        else text_utf8(&t->text, v->string);
    }
    double x;
    if (!names && t->text.n && whole(t->text.p, &x)) cell_integer(out, x);
    else cell_written(t, out);
}

GETTER(get_vit_layer)
{
    UNUSED_COLUMN;
    places(t, member(t, row, "prune_mode"), false, out);
}

GETTER(get_vit_method)
{
    UNUSED_COLUMN;
    places(t, member(t, row, "prune_mode"), true, out);
}

GETTER(get_llm_method)
{
    const cJSON *v = member(t, row, "llm_prune_mode");
    UNUSED_COLUMN;
    if (cJSON_IsObject(v)) places(t, v, true, out);
    else if (cJSON_IsString(v)) cell_text(t, out, v->valuestring);
}

/* First or last layer of the LLM with a method. */
GETTER(get_llm_end)
{
    bool last = strcmp(c->show.name, "llm_end") == 0;
    const cJSON *v = member(t, row, last ? "saint_end" : "saint_start"), *list = member(t, row, "llm_prune_mode"), *i;
    if (v) scalar_cell(t, v, out);
    if (v || !cJSON_IsObject(list)) return;
    long found = -1;
    cJSON_ArrayForEach(i, list)
    {
        char *end;
        long a = strtol(i->string, &end, 10), b = *end == '-' ? strtol(end + 1, NULL, 10) : a;
        if (is_none(i)) continue;
        if (last || found < 0) found = last ? b : a;
    }
    if (found >= 0) cell_integer(out, (double)found);
}

/* ---- the whole ---------------------------------------------------------------------------------------------------------- */

/* In words that fit a legend. */
GETTER(get_method)
{
    const sweep_trial *r = table_row_trial(t, row);
    UNUSED_COLUMN;
    if (r->trial.baseline) {
        cell_text(t, out, "unpruned");
        return;
    }
    if (r->trial.twin_of >= 0) {
        cell_text(t, out, "random twin");
        return;
    }
    if (r->trial.settings.hand.on) {
        cell_text(t, out, "by hand");
        return;
    }
    table_cell vit = {0}, llm = {0};
    get_vit_method(t, row, NULL, &vit);
    char name[160] = "";
    if (vit.kind == CELL_TEXT) (void)snprintf(name, sizeof name, "%.100s", vit.text);
    get_llm_method(t, row, NULL, &llm);
    if (llm.kind == CELL_TEXT) {
        size_t n = strlen(name);
        (void)snprintf(name + n, sizeof name - n, "%s%.40s (LLM)", n ? " + " : "", llm.text);
    }
    cell_text(t, out, name);
}

GETTER(get_mode)
{
    const cJSON *v = member(t, row, "mode");
    UNUSED_COLUMN;
    if (cJSON_IsString(v)) cell_text(t, out, v->valuestring);
    else cell_text(t, out, saint_mode_name(table_row_trial(t, row)->trial.settings.mode));
}

GETTER(get_compat)
{
    uint32_t flags = table_row_trial(t, row)->trial.settings.compat, all = (1u << SAINT_COMPAT_COUNT) - 1;
    UNUSED_COLUMN;
    if (flags == 0 || flags == all) {
        cell_text(t, out, flags ? "reference" : "corrected");
        return;
    }
    text_clear(&t->text);
    for (int i = 0; saint_compat_name(i); i++)
        if (flags & 1u << i) text_format(&t->text, "%s%s", t->text.n ? "+" : "", saint_compat_name(i));
    cell_written(t, out);
}

GETTER(get_max_new_tokens)
{
    int n = table_row_trial(t, row)->trial.max_new_tokens;
    UNUSED_COLUMN;
    if (!n && t->s->dataset) n = saint_dataset_get_info(t->s->dataset)->max_new_tokens;
    if (n) cell_integer(out, n);
}

/* The seed of random methods, wherever one is. A random twin draws anew for every sample. */
GETTER(get_seed)
{
    const cJSON *v = member(t, row, "seed");
    const eval_trial *trial = &table_row_trial(t, row)->trial;
    UNUSED_COLUMN;
    if (trial->twin_id && t->row_sample && t->s->dataset) {
        text_clear(&t->text);
        text_format(&t->text, "%" PRIu64, eval_twin_seed(trial, saint_dataset_uid(t->s->dataset, t->row_sample[row]), table_result_of(t, row)->repeat));
        cell_written(t, out);
        return;
    }
    setting_cell(t, v ? v : member(t, row, "llm_seed"), out);
}

/* ---- model -------------------------------------------------------------------------------------------------------------- */

GETTER(get_model)
{
    const char *path = t->s->model ? t->s->model : "", *end = path + strlen(path);
    (void)row;
    UNUSED_COLUMN;
    while (end > path && end[-1] == '/') end--;
    const char *from = end;
    while (from > path && from[-1] != '/') from--;
    char name[256];
    (void)snprintf(name, sizeof name, "%.*s", (int)(end - from), from);
    cell_text(t, out, name);
}

GETTER(get_of_sweep)
{
    (void)row;
    const char *const *text = (const char *const *)(const void *)((const char *)t->s + c->offset);
    cell_text(t, out, *text);
}

GETTER(get_config_hash)
{
    UNUSED_COLUMN;
    cell_text(t, out, t->trial[t->row_trial[row]].hash);
}

static const column model_columns[] = {
    {{"model", "", "last part of the model's path", 0, -1}, .get = get_model},
    {{"model_family", "", "architecture", 0, -1}, .get = get_of_sweep, .offset = offsetof(sweep_data, model_family)},
    {{"model_sha256", "", "SHA-256 over the model's tensors", 0, -1}, .get = get_of_sweep, .offset = offsetof(sweep_data, model_sha256)},
    {{"weight_dtype", "", "type of the stored weights", 0, -1}, .get = get_of_sweep, .offset = offsetof(sweep_data, weight_dtype)},
    {{"compute_dtype", "", "type the engine computes in", 0, -1}, .get = get_of_sweep, .offset = offsetof(sweep_data, dtype)},
    {{"kv_dtype", "", "type of keys and values", 0, -1}, .get = get_of_sweep, .offset = offsetof(sweep_data, dtype)},
    {{"device_kind", "", "cpu or cuda", 0, -1}, .get = get_of_sweep, .offset = offsetof(sweep_data, backend)},
    {{"mode", "", "where tokens are pruned: none, vit, llm, hybrid", 0, -1}, .get = get_mode},
    {{"method", "", "what drops the tokens", COLUMN_BRIEF, -1}, .get = get_method},
    {{"compat", "", "corrected, reference, or the flags of the published code that are on", 0, -1}, .get = get_compat},
    {{"vit_layer", "layer", "ViT layers with a method", 0, -1}, .get = get_vit_layer},
    {{"vit_method", "", "methods in the ViT", 0, -1}, .get = get_vit_method},
    {{"vit_keep_num", "rows", "keep_num of the ViT layers with a method", 0, -1}, .get = get_renamed},
    {{"vit_r", "", "r of these", 0, -1}, .get = get_renamed},
    {{"llm_method", "", "methods in the LLM", 0, -1}, .get = get_llm_method},
    {{"llm_start", "layer", "first LLM layer with a method", 0, -1}, .get = get_llm_end},
    {{"llm_end", "layer", "last LLM layer with a method", 0, -1}, .get = get_llm_end},
    {{"llm_threshold", "cosine", "saint_threshold of these", 0, -1}, .get = get_renamed},
    {{"llm_k", "tokens", "saint_K of these", 0, -1}, .get = get_renamed},
    {{"llm_gamma", "", "saint_gamma of these", 0, -1}, .get = get_renamed},
    {{"sys_len", "rows", "saint_sys_length; -1 = derived", 0, -1}, .get = get_renamed},
    {{"image_len", "rows", "saint_image_token_length; -1 = derived", 0, -1}, .get = get_renamed},
    {{"max_new_tokens", "tokens", "most tokens of an answer", 0, -1}, .get = get_max_new_tokens},
    {{"seed", "", "seed of random dropping; a random twin has one for every sample, in the table of samples", 0, -1}, .get = get_seed},
    {{"config_sha256", "", "SHA-256 of the canonical configuration", 0, -1}, .get = get_config_hash},
    {{NULL, NULL, NULL, 0, 0}, .get = NULL}};

bool table_add_model(table *t) { return table_add_all(t, model_columns); }

/* ---- cfg_ --------------------------------------------------------------------------------------------------------------- */

static bool add_setting(table *t, const char *name, const char *unit, const char *doc)
{
    const column c = {.show = {.unit = unit, .flags = COLUMN_SETTING, .decimals = -1}, .get = get_setting};
    char *own = malloc(strlen(name) + sizeof "cfg_");
    if (own) (void)sprintf(own, "cfg_%s", name);
    return table_add_made(t, &c, own, strdup(doc));
}

/* What has a column of its own. */
static bool known_elsewhere(const table *t, const char *name)
{
    static const char *const elsewhere[] = {"mode", "compat", "max_new_tokens", "twin_of"};
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        if (strcmp(elsewhere[i], name) == 0) return true;
    for (int i = 0; i < t->n; i++)
        if (t->col[i].show.flags & COLUMN_SETTING && strcmp(t->col[i].show.name + strlen("cfg_"), name) == 0) return true;
    return false;
}

/* Every parameter there is, so that tables of different sweeps can be put below each other; then what configurations hold besides. */
bool table_add_settings(table *t)
{
    bool ok = true;
    for (int i = 0; saint_param_at(i) && ok; i++) {
        const saint_param_info *p = saint_param_at(i);
        if (!known_elsewhere(t, p->name)) ok = add_setting(t, p->name, p->unit, p->doc);
    }
    for (int i = 0; i < t->s->n_trials && ok; i++) {
        const cJSON *v;
        cJSON_ArrayForEach(v, t->trial[i].config)
        {
            if (v->string && !known_elsewhere(t, v->string)) ok = ok && add_setting(t, v->string, "", "part of the configuration");
        }
    }
    return ok;
}
