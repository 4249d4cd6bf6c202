/* edit.c - changes of the live plan: checked against the model, undone and redone, coupled fields said; and the layer cursor. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reads.h"
#include "ui/loop/core.h"
#include "ui/inspect/inspect.h"

/* ---- the field that shows a key ---- */

static saint_ui_field *field_of(ui *u, const char *key)
{
    for (int i = 0; i < u->fields.n; i++)
        if (!strcmp(u->fields.key[i], key) || !strcmp(ui_fields_key(&u->fields, i), key)) return &u->fields.field[i];
    return NULL;
}

static bool refuse(ui *u, const char *key, const char *why)
{
    saint_ui_field *f = field_of(u, key);
    if (f) {
        f->state = SAINT_UI_FIELD_REJECTED;
        snprintf(f->error, sizeof f->error, "%.100s", why);
    }
    ui_say(u, SAINT_UI_SAY_BAD, "%s", why);
    return false;
}

static void accepted(ui *u, const char *key)
{
    saint_ui_field *f = field_of(u, key);
    if (!f || f->state == SAINT_UI_FIELD_EDITED) return;
    f->error[0] = 0;
    f->state = u->worker ? SAINT_UI_FIELD_PENDING : SAINT_UI_FIELD_APPLIED;
}

/* ---- changing ---- */

static bool same(const saint_settings *a, const saint_settings *b) { return memcmp(a, b, sizeof *a) == 0; }

static bool fits(ui *u, const char *key, const saint_settings *s)
{
    saint_plan plan;
    saint_error e = {0};
    return !u->info || saint_plan_build(&plan, s, u->info, NULL, &e) == SAINT_OK || refuse(u, key, e.text);
}

static void take(ui *u, const saint_settings *s)
{
    memcpy(&u->plan[UI_NOW].settings, s, sizeof *s);
    ui_changed(u);
}

/* The other end of a range that was pushed along. */
static void say_coupled(ui *u, const char *key, const saint_settings *was, const saint_settings *now)
{
    bool start = !strcmp(key, "saint_start"), end = !strcmp(key, "saint_end");
    if (start && was->saint_end != now->saint_end) ui_say(u, SAINT_UI_SAY_INFO, "saint_end follows to %d", now->saint_end);
    if (end && was->saint_start != now->saint_start) ui_say(u, SAINT_UI_SAY_INFO, "saint_start follows to %d", now->saint_start);
    if (was->mode != now->mode && strcmp(key, "mode") != 0) ui_say(u, SAINT_UI_SAY_INFO, "mode is now %s", saint_mode_name(now->mode));
}

bool ui_edit(ui *u, const saint_settings *s, const char *key, const char *label, double at)
{
    if (!fits(u, key, s)) return false;
    accepted(u, key);
    if (same(&u->plan[UI_NOW].settings, s)) return true;
    saint_settings was;
    memcpy(&was, &u->plan[UI_NOW].settings, sizeof was);
    if (u->history) ui_history_add(u->history, s, key, label, at);
    take(u, s);
    say_coupled(u, key, &was, s);
    return true;
}

static bool change(ui *u, const char *key, const saint_settings *s, const char *label) { return ui_edit(u, s, key, label, ui_now(u)); }

static bool apply_preset(ui *u, const char *name)
{
    const ui_presets *p = &ui_inspect_of(u)->presets;
    int i = 0;
    while (i < p->n && strcmp(p->name[i], name) != 0) i++;
    if (i == p->n) {
        if (!strcmp(name, "custom")) return true; /* what the settings are anyway */
        char text[160];
        snprintf(text, sizeof text, "preset %.80s: no such preset for this model", name);
        return refuse(u, "preset", text);
    }
    saint_settings s;
    char label[96];
    memcpy(&s, &p->settings[i], sizeof s);
    s.compat = u->plan[UI_NOW].settings.compat; /* which code is meant is another question */
    snprintf(label, sizeof label, "preset %s", name);
    return change(u, "preset", &s, label);
}

/* What nothing reads changes nothing, which nobody would see. */
static void tell_unread(ui *u, const char *assignment)
{
    saint_notes notes = {0};
    if (!u->info) return;
    note_unread(assignment, &u->plan[UI_NOW].settings, u->info, &notes);
    if (notes.n) ui_say(u, SAINT_UI_SAY_INFO, "%s", notes.text[0]);
}

bool ui_assign(ui *u, const char *key, const char *value)
{
    saint_error e = {0};
    saint_settings s;
    char label[112], whole[800];
    if (!strcmp(key, "preset")) return apply_preset(u, value);
    memcpy(&s, &u->plan[UI_NOW].settings, sizeof s);
    if (saint_settings_set(&s, key, value, &e) != SAINT_OK) return refuse(u, key, e.text);
    snprintf(label, sizeof label, "%.60s=%.40s", key, value);
    if (!change(u, key, &s, label)) return false;
    if (snprintf(whole, sizeof whole, "%s=%s", key, value) < (int)sizeof whole) tell_unread(u, whole);
    return true;
}

void ui_stage_alone(saint_settings *s, saint_stage stage)
{
    bool vit = stage == SAINT_STAGE_VIT;
    for (int i = 0; i < SAINT_MAX_LAYERS; i++) (vit ? s->vit : s->llm)[i].method = vit ? SAINT_METHOD_NONE : SAINT_METHOD_UNSET;
    if (!vit) s->use_saint = false;
    s->mode = (saint_mode)((int)s->mode | (vit ? SAINT_MODE_VIT : SAINT_MODE_LLM));
}

bool ui_assign_layers(ui *u, saint_stage stage, const char *key, const char *value)
{
    saint_error e = {0};
    saint_settings s;
    char label[160];
    memcpy(&s, &u->plan[UI_NOW].settings, sizeof s);
    int bit = stage == SAINT_STAGE_VIT ? SAINT_MODE_VIT : SAINT_MODE_LLM;
    bool was_off = !((int)s.mode & bit);
    s.range_given = s.range_given || !was_off; /* the range that is running stays */
    if (was_off && strcmp(value, "None") != 0) { /* a method that is chosen is meant to run */
        if (strchr(key, '[')) ui_stage_alone(&s, stage);
        else s.use_saint = true; /* the method of the whole range */
        s.mode = (saint_mode)((int)s.mode | bit);
    }
    if (saint_settings_set(&s, key, value, &e) != SAINT_OK) return refuse(u, key, e.text);
    snprintf(label, sizeof label, "%.100s=%.40s", key, value);
    return change(u, key, &s, label);
}

bool ui_apply_field(ui *u, int i)
{
    ui_fields *f = &u->fields;
    char text[160], key[192];
    snprintf(key, sizeof key, "%s", ui_fields_key(f, i));
    ui_fields_text(f, i, f->field[i].value, text, sizeof text);
    bool vit = !strcmp(f->key[i], "prune_mode"), llm = !strcmp(f->key[i], "llm_prune_mode");
    if (vit || llm) return ui_assign_layers(u, vit ? SAINT_STAGE_VIT : SAINT_STAGE_LLM, key, text);
    return ui_assign(u, key, text);
}

void ui_replace(ui *u, const saint_settings *s, const char *label)
{
    if (!fits(u, "", s) || same(&u->plan[UI_NOW].settings, s)) return;
    if (u->history) ui_history_add(u->history, s, NULL, label, ui_now(u));
    take(u, s);
}

/* ---- undo ---- */

static bool go_back(ui *u, const saint_settings *(*step)(ui_history *, const char **), const char *verb, const char *none)
{
    const char *label = "";
    const saint_settings *s = u->history ? step(u->history, &label) : NULL;
    if (!s) {
        ui_say(u, SAINT_UI_SAY_INFO, "%s", none);
        return false;
    }
    ui_say(u, SAINT_UI_SAY_INFO, "%s: %s", verb, label);
    take(u, s);
    return true;
}

bool ui_undo(ui *u) { return go_back(u, ui_history_undo, "taken back", "nothing to take back"); }
bool ui_redo(ui *u) { return go_back(u, ui_history_redo, "again", "nothing was taken back"); }

void ui_do_undo(ui *u, const char *argument)
{
    (void)argument;
    ui_undo(u);
}

void ui_do_redo(ui *u, const char *argument)
{
    (void)argument;
    ui_redo(u);
}

/* "keep_num=96 r=8": several as one entry. */
void ui_do_set(ui *u, const char *argument)
{
    saint_settings s;
    saint_error e = {0};
    char word[SAINT_HAND_TEXT + 160];
    const char *p = argument;
    int n = 0;
    memcpy(&s, &u->plan[UI_NOW].settings, sizeof s);
    while (*p) {
        size_t length = strcspn(p, " ");
        if (length >= sizeof word) length = sizeof word - 1;
        memcpy(word, p, length);
        word[length] = 0;
        p += length + strspn(p + length, " ");
        char *equals = strchr(word, '=');
        if (equals && !strncmp(word, "preset=", 7) && !*p && !n) {
            ui_assign(u, "preset", equals + 1);
            return;
        }
        if (saint_settings_assign(&s, word, &e) != SAINT_OK) {
            if (equals) *equals = 0;
            refuse(u, word, e.text);
            return;
        }
        n++;
    }
    if (!n) {
        ui_say(u, SAINT_UI_SAY_BAD, "set: expected KEY=VALUE, such as set keep_num=96 or set sim_threshold[3-5]=0.8");
        return;
    }
    char *equals = strchr(word, '=');
    if (equals && n == 1) *equals = 0;
    if (!change(u, n == 1 ? word : "", &s, argument)) return;
    if (n == 1) accepted(u, word);
    for (p = argument; *p; p += strcspn(p, " "), p += strspn(p, " ")) {
        snprintf(word, sizeof word, "%.*s", (int)strcspn(p, " "), p);
        tell_unread(u, word);
    }
}

/* ---- the layer cursor ---- */

void ui_layer(ui *u, int at)
{
    if (at >= u->cursor.n) at = u->cursor.n - 1;
    if (at < 0) at = 0;
    u->cursor.at = at;
    u->cursor.round = -1;
    ui_redraw(u);
}

/* Before the first run the cursor stands where tokens go first. */
static int first_site(const ui *u)
{
    saint_plan plan;
    if (saint_plan_build(&plan, &u->plan[UI_NOW].settings, u->info, NULL, NULL) != SAINT_OK || !plan.n_sites) return u->cursor.n - 1;
    int at = ui_column_of(u, (saint_stage)plan.site[0].stage, plan.site[0].layer);
    return at >= 0 ? at : 0;
}

static void model_came(ui *u)
{
    ui_inspect *i = ui_inspect_of(u);
    free(u->marked);
    u->marked = NULL;
    u->cursor.n = u->cursor.n_vit = 0;
    u->cursor.playing = false;
    ui_presets_free(&i->presets);
    if (!u->info) return;
    u->cursor.n_vit = u->info->vit_layers_run;
    u->cursor.n = u->cursor.n_vit + u->info->llm_layers;
    u->marked = calloc((size_t)u->cursor.n + 1, 1);
    ui_presets_load(&i->presets, u->info);
    if (!u->core->kept_layer || u->cursor.at >= u->cursor.n) u->cursor.at = first_site(u);
    u->core->kept_layer = true;
    if (u->patch >= u->info->grid_w * u->info->grid_h) u->patch = -1;
    ui_history_reset(u->history, &u->plan[UI_NOW].settings);
}

/* ---- module ---- */

static saint_status open_plan(ui *u, saint_error *err)
{
    u->history = ui_history_open(&u->plan[UI_NOW].settings);
    return u->history ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for the list of changes");
}

static void close_plan(ui *u)
{
    ui_history_close(u->history);
    u->history = NULL;
}

/* What was changed has been run. */
static void arrived(ui *u, int slot)
{
    if (slot != UI_NOW || ui_stale(u, UI_NOW)) return;
    for (int i = 0; i < u->fields.n; i++)
        if (u->fields.field[i].state == SAINT_UI_FIELD_PENDING) u->fields.field[i].state = SAINT_UI_FIELD_APPLIED;
}

const ui_module ui_module_plan = {.name = "plan", .open = open_plan, .close = close_plan, .model = model_came, .arrived = arrived};
