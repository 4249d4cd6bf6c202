/* sweep_base.c - settings as the assignments that lead to them. */
#define _GNU_SOURCE
#include "ui/sweeps/sweep_form.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The fewest digits that read back as the same f32. */
static void put_float(float v, char *out, size_t size)
{
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(out, size, "%.*g", digits, (double)v);
        if (strtof(out, NULL) == v) return;
    }
}

enum { VALUE = 96 };

typedef void (*put_layer)(const saint_layer_settings *l, char out[VALUE]);

static void put_method(const saint_layer_settings *l, char out[VALUE])
{
    snprintf(out, VALUE, "%s", l->method == SAINT_METHOD_UNSET ? "" : saint_method_label(l->method));
}
static void put_keep(const saint_layer_settings *l, char out[VALUE]) { snprintf(out, VALUE, "%" PRId32, l->p.keep_num); }
static void put_r(const saint_layer_settings *l, char out[VALUE]) { snprintf(out, VALUE, "%" PRId32, l->p.r); }
static void put_K(const saint_layer_settings *l, char out[VALUE]) { snprintf(out, VALUE, "%" PRId32, l->p.K); }
static void put_threshold(const saint_layer_settings *l, char out[VALUE]) { put_float(l->p.sim_threshold, out, VALUE); }
static void put_gamma(const saint_layer_settings *l, char out[VALUE]) { put_float(l->p.gamma, out, VALUE); }
static void put_ratio(const saint_layer_settings *l, char out[VALUE]) { put_float(l->p.keep_ratio, out, VALUE); }
static void put_seed(const saint_layer_settings *l, char out[VALUE]) { snprintf(out, VALUE, "%" PRIu64, l->p.seed); }

static const struct {
    const char *name[2]; /* ViT, LLM */
    put_layer put;
} layered[] = {
    {{"prune_mode", "llm_prune_mode"}, put_method},
    {{"keep_num", "llm_keep_num"}, put_keep},
    {{"r", "llm_r"}, put_r},
    {{"sim_threshold", "saint_threshold"}, put_threshold},
    {{"K", "saint_K"}, put_K},
    {{"gamma", "saint_gamma"}, put_gamma},
    {{"keep_ratio", "llm_keep_ratio"}, put_ratio},
    {{"seed", "llm_seed"}, put_seed},
};

static saint_status add(sweep_texts *out, const char *key, const char *value, saint_error *err)
{
    char text[256];
    snprintf(text, sizeof text, "%s=%s", key, value);
    return sweep_texts_add(out, text, err);
}

/* One parameter of a stage: nothing where it is the default, the name alone where all layers share a value, else ranges. */
static saint_status add_layered(sweep_texts *out, const char *name, put_layer put, const saint_layer_settings *now,
                                const saint_layer_settings *plain, int layers, saint_error *err)
{
    char value[VALUE], other[VALUE];
    bool alike = put != put_method;
    put(&now[0], value);
    for (int i = 1; i < SAINT_MAX_LAYERS && alike; i++) put(&now[i], other), alike = strcmp(value, other) == 0;
    put(&plain[0], other);
    if (alike) return strcmp(value, other) == 0 ? SAINT_OK : add(out, name, value, err);
    saint_status s = SAINT_OK;
    for (int i = 0, next; i < layers && s == SAINT_OK; i = next) {
        char usual[VALUE], key[128];
        put(&now[i], value);
        put(&plain[i], usual);
        for (next = i + 1; next < layers; next++) {
            put(&now[next], other);
            if (strcmp(value, other) != 0) break;
        }
        if (strcmp(value, usual) == 0 || !value[0]) continue;
        if (next - i > 1) snprintf(key, sizeof key, "%s[%d-%d]", name, i, next - 1);
        else snprintf(key, sizeof key, "%s[%d]", name, i);
        s = add(out, key, value, err);
    }
    return s;
}

static saint_status add_number(sweep_texts *out, const char *key, int now, int plain, saint_error *err)
{
    char value[32];
    snprintf(value, sizeof value, "%d", now);
    return now == plain ? SAINT_OK : add(out, key, value, err);
}

/* Where it acts first: the mode, then the range of LLM layers, because setting one of them moves others. */
static saint_status add_globals(const saint_settings *s, const saint_settings *plain, sweep_texts *out, saint_error *err)
{
    saint_status st = s->mode_given || s->mode != plain->mode ? add(out, "mode", saint_mode_name(s->mode), err) : SAINT_OK;
    /* Naming single layers switches the range off by itself, and saying so would ask for the range too; use_saint=true would switch a stage
     * on that is off. */
    bool single = false;
    for (int i = 0; i < SAINT_MAX_LAYERS; i++) single = single || s->llm[i].method >= 0;
    bool say = s->range_given ? !s->use_saint || s->mode & SAINT_MODE_LLM || s->mode_given : !s->use_saint && !single;
    if (st == SAINT_OK && say) st = add(out, "use_saint", s->use_saint ? "true" : "false", err);
    if (st == SAINT_OK) st = add_number(out, "saint_start", s->saint_start, plain->saint_start, err);
    if (st == SAINT_OK) st = add_number(out, "saint_end", s->saint_end, plain->saint_end, err);
    if (st == SAINT_OK && s->llm_method != plain->llm_method) st = add(out, "llm_prune_mode", saint_method_label(s->llm_method), err);
    if (st == SAINT_OK) st = add_number(out, "saint_image_token_length", s->saint_image_token_length, plain->saint_image_token_length, err);
    if (st == SAINT_OK) st = add_number(out, "saint_sys_length", s->saint_sys_length, plain->saint_sys_length, err);
    for (int i = 0; saint_compat_name(i) && st == SAINT_OK; i++) {
        char key[96];
        snprintf(key, sizeof key, "compat.%s", saint_compat_name(i));
        bool now = s->compat >> i & 1, usual = plain->compat >> i & 1;
        if (now != usual) st = add(out, key, now ? "true" : "false", err);
    }
    return st;
}

saint_status sweep_base_texts(const saint_settings *s, const saint_model_info *m, sweep_texts *out, saint_error *err)
{
    saint_settings plain, back;
    *out = (sweep_texts){0};
    if (s->hand.on)
        return saint_fail(err, SAINT_INVALID, "tokens were painted by hand: they belong to this picture and cannot be swept; undo them first");
    saint_settings_default(&plain);
    saint_status st = add_globals(s, &plain, out, err);
    for (size_t i = 0; i < sizeof layered / sizeof *layered && st == SAINT_OK; i++) {
        st = add_layered(out, layered[i].name[0], layered[i].put, s->vit, plain.vit, m->vit_layers, err);
        if (st == SAINT_OK) st = add_layered(out, layered[i].name[1], layered[i].put, s->llm, plain.llm, m->llm_layers, err);
    }
    if (st != SAINT_OK) return st;
    /* A sweep of another plan than the one on the screen would be worse than none. */
    eval_trial a = {.settings = *s, .twin_of = -1}, b = {.twin_of = -1};
    saint_settings_default(&back);
    for (size_t i = 0; i < out->n && st == SAINT_OK; i++) st = saint_settings_assign(&back, out->text[i], err);
    b.settings = back;
    if (st == SAINT_OK) st = eval_trial_identify(&a, m, err);
    if (st == SAINT_OK) st = eval_trial_identify(&b, m, err);
    if (st == SAINT_OK && a.id != b.id)
        st = saint_fail(err, SAINT_INVALID, "this plan cannot be written as parameters; it reads back as %.200s", b.config);
    eval_trial_free(&a);
    eval_trial_free(&b);
    return st;
}
