/* fields.c - params.def as fields: ranges tightened by the model, units, docs, which layers a field edits. */
#include "ui/inspect/fields.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reads.h"

static bool is(const char *a, const char *b) { return strcmp(a, b) == 0; }

/* ---- layers ---- */

typedef struct {
    const ui_fields_source *from;
    ui_fields *out;
    int n_marked[2];
    int shown[2]; /* layer whose value stands in the fields of a stage */
} maker;

static int layers_of(const ui_fields_source *from, saint_stage stage)
{
    if (!from->info) return SAINT_MAX_LAYERS;
    return stage == SAINT_STAGE_VIT ? from->info->vit_layers_run : from->info->llm_layers;
}

static bool is_marked(const ui_fields_source *from, saint_stage stage, int layer)
{
    if (!from->marked || layer >= layers_of(from, stage)) return false;
    return from->marked[(stage == SAINT_STAGE_LLM ? from->n_vit : 0) + layer] != 0;
}

/* The layer whose value a field shows: marked, under the cursor, pruned, or the first. */
static int shown_layer(const ui_fields_source *from, saint_stage stage)
{
    int n = layers_of(from, stage);
    for (int i = 0; i < n; i++)
        if (is_marked(from, stage, i)) return i;
    if (from->stage == stage && from->layer >= 0 && from->layer < n) return from->layer;
    saint_plan plan;
    if (from->info && saint_plan_build(&plan, from->settings, from->info, NULL, NULL) == SAINT_OK)
        for (int i = 0; i < plan.n_sites; i++)
            if (plan.site[i].stage == (int32_t)stage) return plan.site[i].layer;
    return 0;
}

/* "sim_threshold[3-5,9]" of the marked layers. */
static void marked_key(const maker *m, const char *name, saint_stage stage, char *out, size_t size)
{
    int n = layers_of(m->from, stage), used = snprintf(out, size, "%s[", name);
    const char *comma = "";
    for (int i = 0; i < n && (size_t)used < size; i++) {
        if (!is_marked(m->from, stage, i)) continue;
        int last = i;
        while (last + 1 < n && is_marked(m->from, stage, last + 1)) last++;
        used += snprintf(out + used, size - (size_t)used, last > i ? "%s%d-%d" : "%s%d", comma, i, last);
        comma = ",";
        i = last;
    }
    if ((size_t)used < size) snprintf(out + used, size - (size_t)used, "]");
}

/* ---- one field ---- */

static const char *const mode_choice[] = {"none", "vit", "llm", "hybrid"};
static const char *const compat_choice[] = {"corrected", "reference", "mixed"};

/* None and the methods of a stage, as a list for a field; the same order as method_value. */
enum { METHODS_MOST = 32 };
typedef struct {
    int n, index[METHODS_MOST];
    const char *name[METHODS_MOST];
} method_list;

static const method_list *methods_of(saint_stage stage)
{
    static _Thread_local method_list list[2]; /* made anew at every call: the table is constant, the cost is nothing */
    method_list *l = &list[stage == SAINT_STAGE_LLM];
    l->n = 1;
    l->index[0] = SAINT_METHOD_NONE;
    l->name[0] = "None";
    for (int i = 0; saint_method_at(i) && l->n < METHODS_MOST; i++) {
        if (!(saint_method_at(i)->stages & 1u << stage)) continue;
        l->index[l->n] = i;
        l->name[l->n++] = saint_method_at(i)->name;
    }
    return l;
}

static double choice_of_method(const method_list *l, double method)
{
    for (int i = 0; i < l->n; i++)
        if (l->index[i] == (int)method) return i;
    return 0;
}

static saint_ui_field_type type_of(const saint_param_info *p)
{
    if (is(p->type, "FLOAT")) return SAINT_UI_FIELD_FLOAT;
    if (is(p->type, "BOOL")) return SAINT_UI_FIELD_BOOL;
    return is(p->type, "MODE") || is(p->type, "METHOD") ? SAINT_UI_FIELD_CHOICE : SAINT_UI_FIELD_INT;
}

/* Bounds that mean something on this model: more rows than there are change nothing. A cosine below 0 never separates tokens; --set and the
 * command row still take one. */
static void tighten(saint_ui_field_spec *s, const saint_param_info *p, const saint_model_info *m)
{
    int patches = m ? m->grid_w * m->grid_h : 0, rows = patches + (m ? m->vit_prefix : 0);
    if (is(p->unit, "cosine")) s->min = 0, s->step = 0.01, s->big_step = 0.05;
    if (is(p->unit, "share")) s->step = 0.01, s->big_step = 0.1;
    if (is(p->name, "gamma") || is(p->name, "saint_gamma")) s->max = 100, s->step = 0.5, s->big_step = 5;
    if (is(p->type, "SEED")) s->min = 0, s->max = 9007199254740992.0, s->big_step = 100; /* what a double holds */
    if (!patches) return;
    if (is(p->name, "keep_num")) s->max = rows, s->def = round(s->def * rows / 577), s->big_step = fmax(1, round(rows / 16.0));
    if (is(p->name, "llm_keep_num")) s->max = patches, s->big_step = fmax(1, round(patches / 16.0));
    if (is(p->name, "r") || is(p->name, "llm_r")) s->max = patches, s->big_step = 8;
    if (is(p->name, "K") || is(p->name, "saint_K")) s->max = (patches + 1) / 2, s->big_step = 5;
    if (is(p->name, "saint_image_token_length")) s->max = rows, s->big_step = 16;
    if (is(p->name, "saint_sys_length")) s->max = fmax(255, rows), s->big_step = 4;
    if (is(p->unit, "layer") && m->llm_layers) {
        s->max = m->llm_layers - 1;
        s->def = fmin(round(s->def * m->llm_layers / 32), s->max);
    }
    s->def = fmin(s->def, s->max);
}

static void unset_text(const maker *m, saint_ui_field_spec *s, const char *name, char text[128])
{
    bool image = is(name, "saint_image_token_length"), sys = is(name, "saint_sys_length");
    int derived = image ? m->from->image_tokens : m->from->sys_length;
    if (is(name, "keep_num")) s->unset = "keep_ratio";
    else if (is(name, "llm_keep_num")) s->unset = "llm_keep_ratio";
    if (!image && !sys) return;
    if (derived >= 0) snprintf(text, 128, "%d derived", derived);
    else snprintf(text, 128, "derived");
    s->unset = text;
}

/* A float as the user typed it: 0.83 and not 0.829999983. */
static double clean(double v) { return round(v * 1e6) / 1e6; }

static double value_of(const saint_settings *s, const saint_param_info *p, int layer, const saint_model_info *m)
{
    double v = NAN;
    int first, last;
    if (!s || !saint_settings_get(s, p->name, layer, &v)) return NAN;
    if (m && saint_settings_range(s, m->llm_layers, &first, &last)) { /* what they mean for this model */
        if (!strcmp(p->name, "saint_start")) return first;
        if (!strcmp(p->name, "saint_end")) return last;
    }
    return is(p->type, "FLOAT") ? clean(v) : v;
}

/* Keep what belongs to a parameter across a new list: its state and the line that is being typed. */
static int add(maker *m, const ui_fields *old, const char *key, const saint_ui_field_spec *spec, double value, double other)
{
    ui_fields *f = m->out;
    if (f->n >= UI_FIELDS_MOST) return -1;
    int i = f->n++, was = old ? ui_fields_find(old, key) : -1;
    f->key[i] = key;
    f->spec[i] = *spec;
    f->layer_key[i][0] = 0;
    f->field[i] = was >= 0 ? old->field[was] : (saint_ui_field){.state = SAINT_UI_FIELD_SHOWN};
    f->field[i].value = value;
    f->field[i].other = other;
    f->slider[i] = was >= 0 ? old->slider[was] : (saint_ui_rect){0};
    return i;
}

/* Whether the layers that a field edits hold different values; of all layers those count where something reads them. */
static bool differs(const maker *m, const saint_param_info *p, saint_stage stage)
{
    saint_plan plan;
    double first = NAN, v;
    if (!m->n_marked[stage] && (!m->from->info || saint_plan_build(&plan, m->from->settings, m->from->info, NULL, NULL) != SAINT_OK)) return false;
    for (int i = 0; i < layers_of(m->from, stage); i++) {
        if (m->n_marked[stage] ? !is_marked(m->from, stage, i) : !saint_plan_site(&plan, stage, i)) continue;
        if (!saint_settings_get(m->from->settings, p->name, i, &v)) continue;
        if (!isnan(first) && v != first) return true;
        first = v;
    }
    return false;
}

static void add_param(maker *m, const ui_fields *old, int row)
{
    const saint_param_info *p = saint_param_at(row);
    const ui_fields_source *from = m->from;
    bool vit = is(p->scope, "VIT"), llm = is(p->scope, "LLM"), method = is(p->type, "METHOD");
    saint_stage stage = llm ? SAINT_STAGE_LLM : SAINT_STAGE_VIT;
    saint_ui_field_spec s = {.name = p->name, .unit = p->unit, .doc = p->doc, .type = type_of(p), .min = p->min, .max = p->max, .def = p->def};
    if (from->info && ((vit && !from->info->vit_layers) || (!vit && row > 0 && !from->info->llm_layers))) return;
    char key[192] = "";
    int layer = vit || llm ? m->shown[stage] : -1;
    if ((vit || llm) && m->n_marked[stage]) marked_key(m, p->name, stage, key, sizeof key);
    else if (vit && method) snprintf(key, sizeof key, "%s[%d]", p->name, layer); /* without a layer it would prune all of them */
    else if (llm && method) layer = -1;
    double value = value_of(from->settings, p, layer, from->info), other = value_of(from->other, p, layer, from->info);
    if (method) {
        const method_list *l = methods_of(stage);
        s.choice = l->name;
        s.n_choices = l->n;
        value = choice_of_method(l, value);
        other = NAN;
        s.def = llm ? choice_of_method(l, saint_method_index(saint_method_find("saint_drop"))) : 0;
    } else if (is(p->type, "MODE")) s.choice = mode_choice, s.n_choices = 4, other = NAN;
    int i = add(m, old, p->name, &s, value, s.type == SAINT_UI_FIELD_BOOL ? NAN : other);
    if (i < 0) return;
    ui_fields *f = m->out;
    memcpy(f->layer_key[i], key, sizeof key);
    tighten(&f->spec[i], p, from->info);
    unset_text(m, &f->spec[i], p->name, f->text[i]);
    if (key[0]) f->spec[i].name = f->layer_key[i];
    if ((vit || llm) && (!method || m->n_marked[stage]) && differs(m, p, stage)) {
        snprintf(f->text[i], sizeof f->text[i], "these layers differ, layer %d is shown; a change sets them all. %s", layer, p->doc);
        f->spec[i].doc = f->text[i];
    }
}

static void add_preset(maker *m, const ui_fields *old)
{
    const ui_presets *p = m->from->presets;
    if (!p || !p->n) return;
    int at = ui_presets_find(p, m->from->settings);
    saint_ui_field_spec s = {.name = "preset", .type = SAINT_UI_FIELD_CHOICE, .choice = p->choice, .n_choices = p->n + 1};
    s.doc = at >= 0 ? p->title[at] : "a named set of parameters; these settings are none of them";
    add(m, old, "preset", &s, at >= 0 ? at : p->n, NAN);
}

static void add_compat(maker *m, const ui_fields *old)
{
    uint32_t all = (1u << SAINT_COMPAT_COUNT) - 1, now = m->from->settings->compat & all;
    saint_ui_field_spec s = {.name = "compat",
                             .type = SAINT_UI_FIELD_CHOICE,
                             .choice = compat_choice,
                             .n_choices = now && now != all ? 3 : 2,
                             .doc = "corrected: what the paper means; reference: the published code, quirks included"};
    add(m, old, "compat", &s, !now ? 0 : now == all ? 1 : 2, NAN);
}

static void add_hand(maker *m, const ui_fields *old)
{
    const saint_hand *h = &m->from->settings->hand;
    if (!h->on) return;
    int kept = 0;
    for (int p = 0; p < SAINT_HAND_MOST; p++) kept += saint_hand_keeps(h, p);
    saint_ui_field_spec s = {.name = "hand", .type = SAINT_UI_FIELD_BOOL};
    int i = add(m, old, "hand", &s, 1, NAN);
    if (i < 0) return;
    snprintf(m->out->text[i], sizeof m->out->text[i], "%d tokens chosen by hand after %s layer %d; off forgets them", kept,
             h->stage == SAINT_STAGE_VIT ? "ViT" : "LLM", h->layer);
    m->out->spec[i].doc = m->out->text[i];
}

static void add_flags(maker *m, const ui_fields *old)
{
    for (int k = 0; k < SAINT_COMPAT_COUNT; k++) {
        saint_ui_field_spec s = {.type = SAINT_UI_FIELD_BOOL, .doc = saint_compat_doc(k)};
        int i = add(m, old, saint_compat_name(k), &s, m->from->settings->compat >> k & 1, NAN);
        if (i < 0) return;
        snprintf(m->out->layer_key[i], sizeof m->out->layer_key[i], "compat.%s", saint_compat_name(k));
        m->out->spec[i].name = m->out->layer_key[i];
    }
}

void ui_fields_make(ui_fields *f, const ui_fields_source *from)
{
    ui_fields old = *f;
    const char *focus = f->n > 0 && f->at >= 0 && f->at < f->n ? f->key[f->at] : NULL;
    maker m = {.from = from, .out = f};
    for (int stage = 0; stage < 2; stage++) {
        for (int i = 0; i < layers_of(from, (saint_stage)stage); i++) m.n_marked[stage] += is_marked(from, (saint_stage)stage, i);
        m.shown[stage] = shown_layer(from, (saint_stage)stage);
    }
    uint64_t read = params_read(from->settings, from->info);
    f->n = 0;
    add_preset(&m, &old);
    for (int i = 0; saint_param_at(i); i++) {
        if (read >> i & 1) add_param(&m, &old, i);
        if (i == 0) add_compat(&m, &old), add_hand(&m, &old); /* the mode is row 0 of the table */
    }
    for (int i = 0; from->all && saint_param_at(i); i++)
        if (!(read >> i & 1)) add_param(&m, &old, i);
    if (from->all) add_flags(&m, &old);
    int at = focus ? ui_fields_find(f, focus) : 0;
    f->at = at >= 0 ? at : f->at < f->n ? f->at : f->n - 1;
    if (f->at < 0) f->at = 0;
}

int ui_fields_find(const ui_fields *f, const char *key)
{
    for (int i = 0; i < f->n; i++)
        if (strcmp(f->key[i], key) == 0) return i;
    return -1;
}

const char *ui_fields_key(const ui_fields *f, int i) { return f->layer_key[i][0] ? f->layer_key[i] : f->key[i]; }

char *ui_fields_text(const ui_fields *f, int i, double value, char *out, size_t size)
{
    const saint_ui_field_spec *s = &f->spec[i];
    if (is(f->key[i], "hand")) snprintf(out, size, "off");
    else if (s->type == SAINT_UI_FIELD_BOOL) snprintf(out, size, "%s", value != 0 ? "true" : "false");
    else if (s->type == SAINT_UI_FIELD_CHOICE)
        snprintf(out, size, "%s", value >= 0 && value < s->n_choices ? s->choice[(int)value] : "");
    else snprintf(out, size, s->type == SAINT_UI_FIELD_INT ? "%.0f" : "%.7g", value);
    return out;
}
