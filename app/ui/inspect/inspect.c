/* inspect.c - the Inspect page as a module: its own state, playing through the layers, and the actions of strip, picture and fields. */
#include "ui/inspect/inspect.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/actions.h"
#include "ui/panes.h"

ui_inspect *ui_inspect_of(const ui *u) { return u->inspect; }

const char *ui_known_word(ui_known k)
{
    static const char *const words[] = {"not known", "stale", "predicted", "measured"};
    return words[k];
}

char *ui_layer_name(const ui *u, int column, char *out, size_t size)
{
    int layer;
    saint_stage stage = ui_stage_of(u, column, &layer);
    snprintf(out, size, "%s %d", stage == SAINT_STAGE_VIT ? "ViT" : "LLM", layer);
    return out;
}

/* ---- module ---- */

static saint_status open_inspect(ui *u, saint_error *err)
{
    u->inspect = calloc(1, sizeof *u->inspect);
    if (!u->inspect) return saint_fail(err, SAINT_MEMORY, "no memory for the Inspect page");
    u->inspect->drag_field = u->inspect->brush_last = -1;
    return SAINT_OK;
}

static void forget_lens(ui *u)
{
    free(u->inspect->lens.similarity);
    u->inspect->lens = (ui_lens){0};
}

static void close_inspect(ui *u)
{
    if (!u->inspect) return;
    forget_lens(u);
    ui_presets_free(&u->inspect->presets);
    free(u->inspect);
    u->inspect = NULL;
}

/* ---- playing ---- */

static const double STEP_SECONDS = 0.15; /* slower than 10 Hz */

static int rounds_at(const ui *u, int column)
{
    const saint_trace_site *s = ui_site(u, UI_NOW, column);
    return s && s->n_rounds > 1 ? s->n_rounds : 0;
}

/* One step forwards (+1) or back (-1) through layers and the rounds inside them. false: there is none. */
static bool scrub(ui *u, int step)
{
    int at = u->cursor.at, rounds = rounds_at(u, at), round = u->cursor.round < 0 ? rounds - 1 : u->cursor.round;
    if (rounds && round + step >= 0 && round + step < rounds) {
        u->cursor.round = round + step == rounds - 1 ? -1 : round + step; /* the last round is all of them */
        return true;
    }
    if (at + step < 0 || at + step >= u->cursor.n) return false;
    ui_layer(u, at + step);
    if (step > 0 && rounds_at(u, at + step)) u->cursor.round = 0;
    return true;
}

static double due(const ui *u) { return u->cursor.playing ? u->cursor.next_tick : INFINITY; }

static void tick(ui *u)
{
    u->cursor.next_tick = ui_now(u) + STEP_SECONDS;
    if (!scrub(u, 1)) u->cursor.playing = false;
    ui_redraw(u);
}

void ui_do_play(ui *u, const char *argument)
{
    bool on = *argument ? !strcmp(argument, "on") : !u->cursor.playing;
    u->cursor.playing = on && u->cursor.n > 0;
    if (u->cursor.playing && u->cursor.at == u->cursor.n - 1) ui_layer(u, 0);
    u->cursor.next_tick = ui_now(u) + STEP_SECONDS;
}

static void save(ui *u, cJSON *into) { cJSON_AddBoolToObject(into, "all_fields", u->inspect->all_fields); }

static void load(ui *u, const cJSON *from) { u->inspect->all_fields = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(from, "all_fields")); }

static void model(ui *u)
{
    forget_lens(u);
    u->zoom = 0;
}

static void subject(ui *u) { u->inspect->lens.asked = false; }

const ui_module ui_module_inspect = {.name = "inspect",
                                     .open = open_inspect,
                                     .close = close_inspect,
                                     .model = model,
                                     .subject = subject,
                                     .due = due,
                                     .tick = tick,
                                     .save = save,
                                     .load = load};

/* ---- layers ---- */

/* A whole number with nothing behind it. */
static bool number(const char *text, int *out)
{
    char *end;
    long n = strtol(text, &end, 10);
    if (end == text || *end || n < -100000 || n > 100000) return false;
    *out = (int)n;
    return true;
}

/* "9" in the stage under the cursor, "vit 9", "llm 3", "V9", "L3". -1: no such layer. */
static int column_named(const ui *u, const char *text)
{
    int layer, now;
    saint_stage stage = ui_stage_of(u, u->cursor.at, &now);
    if (tolower((unsigned char)*text) == 'v') stage = SAINT_STAGE_VIT;
    else if (tolower((unsigned char)*text) == 'l') stage = SAINT_STAGE_LLM;
    while (*text && !isdigit((unsigned char)*text)) text++;
    return number(text, &layer) ? ui_column_of(u, stage, layer) : -1;
}

void ui_do_layer(ui *u, const char *argument)
{
    int n, at;
    u->cursor.playing = false;
    if (!strcmp(argument, "first")) ui_layer(u, 0);
    else if (!strcmp(argument, "last")) ui_layer(u, u->cursor.n - 1);
    else if ((*argument == '+' || *argument == '-') && number(argument, &n)) ui_layer(u, u->cursor.at + n);
    else if ((at = column_named(u, argument)) >= 0) ui_layer(u, at);
    else ui_say(u, SAINT_UI_SAY_BAD, "layer %s: expected a layer of this model, such as 9, vit 9, llm 3, +1, first or last", argument);
}

void ui_do_step(ui *u, const char *argument) { ui_do_layer(u, argument); }

static bool is_site(const ui *u, const saint_plan *plan, int column)
{
    int layer;
    saint_stage stage = ui_stage_of(u, column, &layer);
    return saint_plan_site(plan, stage, layer) != NULL;
}

void ui_do_site(ui *u, const char *argument)
{
    saint_plan plan;
    int step = *argument == '-' ? -1 : 1, at = u->cursor.at + step;
    u->cursor.playing = false;
    if (!u->info || saint_plan_build(&plan, &u->plan[UI_NOW].settings, u->info, NULL, NULL) != SAINT_OK) return;
    while (at >= 0 && at < u->cursor.n && !is_site(u, &plan, at)) at += step;
    if (at >= 0 && at < u->cursor.n) ui_layer(u, at);
    else ui_say(u, SAINT_UI_SAY_INFO, plan.n_sites ? "no prune site further that way" : "this plan drops no tokens");
}

void ui_do_round(ui *u, const char *argument)
{
    u->cursor.playing = false;
    if (!scrub(u, *argument == '-' ? -1 : 1)) ui_say(u, SAINT_UI_SAY_INFO, "no layer further that way");
}

/* "" toggles the layer under the cursor; all, none, sites, vit, llm, or layers as in a key. */
void ui_do_mark(ui *u, const char *argument)
{
    saint_plan plan;
    if (!u->marked) return;
    bool known = saint_plan_build(&plan, &u->plan[UI_NOW].settings, u->info, NULL, NULL) == SAINT_OK;
    int at = *argument ? column_named(u, argument) : u->cursor.at, n = 0;
    static const char *const sets[] = {"all", "none", "sites", "vit", "llm"};
    int set = -1;
    for (int i = 0; i < 5; i++)
        if (!strcmp(argument, sets[i])) set = i;
    if (set < 0 && at < 0) {
        ui_say(u, SAINT_UI_SAY_BAD, "mark %s: expected all, none, sites, vit, llm or a layer", argument);
        return;
    }
    for (int c = 0; c < u->cursor.n && set >= 0; c++) {
        bool llm = c >= u->cursor.n_vit;
        u->marked[c] = set == 0 || (set == 2 && known && is_site(u, &plan, c)) || (set == 3 && !llm) || (set == 4 && llm);
    }
    if (set < 0) u->marked[at] = !u->marked[at];
    for (int c = 0; c < u->cursor.n; c++) n += u->marked[c];
    if (n) ui_say(u, SAINT_UI_SAY_INFO, "%d layer%s marked: parameters and methods are set for %s together", n, n > 1 ? "s" : "", n > 1 ? "them" : "it");
    else ui_say(u, SAINT_UI_SAY_INFO, "no layer is marked");
}

/* Columns that a change on the strip is for: the marked ones of the cursor's stage, or the one under the cursor. */
static int targets(const ui *u, int *out)
{
    int n = 0, layer;
    saint_stage stage = ui_stage_of(u, u->cursor.at, &layer);
    for (int c = 0; c < u->cursor.n && u->marked; c++)
        if (u->marked[c] && ui_stage_of(u, c, NULL) == stage) out[n++] = c;
    if (!n && u->cursor.n) out[n++] = u->cursor.at;
    return n;
}

static int method_at(const ui *u, const saint_plan *plan, int column)
{
    int layer;
    saint_stage stage = ui_stage_of(u, column, &layer);
    const saint_site *s = saint_plan_site(plan, stage, layer);
    return s ? s->method : SAINT_METHOD_NONE;
}

/* The next method of a stage in the order of the table, None first. */
static int next_method(int method, saint_stage stage, int step)
{
    int n = 0;
    while (saint_method_at(n)) n++;
    for (int i = 0; i <= n; i++) {
        method = method < 0 ? (step > 0 ? 0 : n - 1) : method + step;
        if (method < 0 || method >= n) return SAINT_METHOD_NONE;
        if (saint_method_at(method)->stages & 1u << stage) return method;
    }
    return SAINT_METHOD_NONE;
}

static void layers_key(const ui *u, const char *vit, const char *llm, char *out, size_t size)
{
    int target[2 * SAINT_MAX_LAYERS], n = targets(u, target), layer, used;
    saint_stage stage = ui_stage_of(u, u->cursor.at, &layer);
    used = snprintf(out, size, "%s[", stage == SAINT_STAGE_VIT ? vit : llm);
    for (int i = 0; i < n && (size_t)used < size; i++) {
        ui_stage_of(u, target[i], &layer);
        used += snprintf(out + used, size - (size_t)used, i ? ",%d" : "%d", layer);
    }
    if ((size_t)used < size) snprintf(out + used, size - (size_t)used, "]");
}

/* "+1", "-1", or a name: of the layer under the cursor or of those that are marked. */
void ui_do_method(ui *u, const char *argument)
{
    saint_plan plan;
    int layer, step;
    saint_stage stage = ui_stage_of(u, u->cursor.at, &layer);
    if (!u->info || saint_plan_build(&plan, &u->plan[UI_NOW].settings, u->info, NULL, NULL) != SAINT_OK) return;
    const saint_hand *h = &u->plan[UI_NOW].settings.hand;
    if (h->on && h->stage == (int32_t)stage && h->layer == layer) {
        ui_say(u, SAINT_UI_SAY_BAD, "the tokens of this layer are chosen by hand; `hand off` gives it back to a method");
        return;
    }
    const char *name = argument;
    if (number(argument, &step)) name = saint_method_label(next_method(method_at(u, &plan, u->cursor.at), stage, step < 0 ? -1 : 1));
    char key[640];
    layers_key(u, "prune_mode", "llm_prune_mode", key, sizeof key);
    ui_assign_layers(u, stage, key, name);
}

/* The threshold of the layer under the cursor, by a difference or a value. */
void ui_do_threshold(ui *u, const char *argument)
{
    int layer;
    saint_stage stage = ui_stage_of(u, u->cursor.at, &layer);
    const char *names[] = {"sim_threshold", "saint_threshold"};
    double now = 0, v;
    char key[640], text[32], *end;
    v = strtod(argument, &end);
    if (end == argument || *end || !isfinite(v)) {
        ui_say(u, SAINT_UI_SAY_BAD, "threshold %s: expected a cosine such as 0.8, or a step such as +0.01", argument);
        return;
    }
    saint_settings_get(&u->plan[UI_NOW].settings, names[stage == SAINT_STAGE_LLM], layer, &now);
    if (*argument == '+' || *argument == '-') v = fmin(fmax(round((now + v) * 1e4) / 1e4, 0), 1);
    snprintf(text, sizeof text, "%.7g", v);
    layers_key(u, names[0], names[1], key, sizeof key);
    ui_assign(u, key, text);
}

/* ---- the picture ---- */

void ui_do_marks(ui *u, const char *argument)
{
    static const char *const names[] = {"dim", "outline", "heat", "death", "diff"};
    static const char *const says[] = {"dropped tokens are dim", "a line around what is kept", "tint: the score of the method at this layer", "tint: the layer that dropped a token",
                                       "kept by both plans, only by A, only by this one"};
    int style = *argument ? -1 : ((int)u->style + 1) % (u->plan[UI_A].trace ? SAINT_UI_PHOTO_STYLES : SAINT_UI_PHOTO_DIFF);
    for (int i = 0; i < SAINT_UI_PHOTO_STYLES && *argument; i++)
        if (!strcmp(argument, names[i])) style = i;
    if (style < 0) ui_say(u, SAINT_UI_SAY_BAD, "marks %s: expected dim, outline, heat, death or diff", argument);
    else {
        u->style = (saint_ui_photo_style)style;
        ui_say(u, SAINT_UI_SAY_INFO, "%s", says[style]);
    }
}

static void toggle(bool *flag, const char *argument) { *flag = *argument ? !strcmp(argument, "on") : !*flag; }

void ui_do_grid(ui *u, const char *argument) { toggle(&u->grid_lines, argument); }
void ui_do_sharp(ui *u, const char *argument) { toggle(&u->sharp, argument); }

/* up, down, left, right, none, a patch, or X,Y. */
void ui_do_patch(ui *u, const char *argument)
{
    static const char *const ways[] = {"left", "right", "up", "down"};
    static const int dx[] = {-1, 1, 0, 0}, dy[] = {0, 0, -1, 1};
    int w = u->info ? u->info->grid_w : 0, h = u->info ? u->info->grid_h : 0, x, y, n, used = 0;
    if (w < 1) return;
    u->inspect->zoom_follow = true;
    for (int i = 0; i < 4; i++) {
        if (strcmp(argument, ways[i]) != 0) continue;
        if (u->patch < 0) {
            u->patch = h / 2 * w + w / 2;
            return;
        }
        x = u->patch % w + dx[i], y = u->patch / w + dy[i];
        if (x >= 0 && x < w && y >= 0 && y < h) u->patch = y * w + x;
        return;
    }
    if (!strcmp(argument, "none")) u->patch = -1;
    else if (number(argument, &n) && n >= 0 && n < w * h) u->patch = n;
    else if (sscanf(argument, "%d,%d%n", &x, &y, &used) == 2 && !argument[used] && x >= 0 && x < w && y >= 0 && y < h) u->patch = y * w + x;
    else ui_say(u, SAINT_UI_SAY_BAD, "patch %s: expected 0 to %d, X,Y, left, right, up, down or none", argument, w * h - 1);
}

/* To the layer that decided about the patch under the cursor. */
void ui_do_why(ui *u, const char *argument)
{
    (void)argument;
    ui_token t;
    char name[24];
    if (u->patch < 0) {
        ui_do_patch(u, "left");
        return;
    }
    ui_token_look(u, UI_NOW, u->patch, u->cursor.n - 1, -1, &t);
    int to = t.fate == UI_FATE_DROPPED || t.fate == UI_FATE_MERGED ? t.column : -1;
    if (to < 0) {
        ui_say(u, SAINT_UI_SAY_INFO, t.fate == UI_FATE_UNKNOWN ? "nothing has run yet" : "patch %d survives to the end", u->patch);
        return;
    }
    if (to == u->cursor.at) ui_say(u, SAINT_UI_SAY_INFO, "this is the layer that dropped patch %d", u->patch);
    else ui_layer(u, to), ui_say(u, SAINT_UI_SAY_INFO, "patch %d goes here, after %s", u->patch, ui_layer_name(u, to, name, sizeof name));
}

/* off, drop, keep; "" goes round. */
void ui_do_paint(ui *u, const char *argument)
{
    int now = !u->painting ? 0 : u->paint ? 2 : 1, next = (now + 1) % 3;
    if (*argument) next = !strcmp(argument, "keep") ? 2 : !strcmp(argument, "drop") ? 1 : 0;
    u->painting = next > 0;
    u->paint = next == 2;
    ui_inspect_of(u)->brush_down = false;
    if (u->painting)
        ui_say(u, SAINT_UI_SAY_INFO, "painting tokens %s: drag; the right button does the opposite, Space turns the one under the cursor; Esc ends it", u->paint ? "in" : "out");
    else ui_say(u, SAINT_UI_SAY_INFO, "no more painting%s", u->plan[UI_NOW].settings.hand.on ? "; the list stays (hand off forgets it)" : "");
}

/* keep or drop the patch under the cursor; "" turns it round while painting. */
void ui_do_token(ui *u, const char *argument)
{
    if (u->patch < 0) {
        ui_say(u, SAINT_UI_SAY_BAD, "no patch is under the cursor; arrows on the picture choose one");
        return;
    }
    if (!*argument && !u->painting) {
        ui_say(u, SAINT_UI_SAY_WARN, "painting is off; p turns it on");
        return;
    }
    uint8_t *kept = u->info ? malloc((size_t)(u->info->grid_w * u->info->grid_h)) : NULL;
    bool known = kept && ui_mask(u, UI_NOW, u->cursor.at, -1, kept, NULL, NULL) >= 0;
    bool keep = *argument ? !strcmp(argument, "keep") : known && !kept[u->patch];
    free(kept);
    ui_paint(u, u->patch, keep);
}

void ui_do_brush(ui *u, const char *argument)
{
    ui_inspect *in = ui_inspect_of(u);
    int n;
    in->brush_size = number(argument, &n) && n >= 1 && n <= 5 ? n / 2 : (in->brush_size + 1) % 3;
    ui_say(u, SAINT_UI_SAY_INFO, "the brush covers %d x %d patches", 2 * in->brush_size + 1, 2 * in->brush_size + 1);
}

/* off, or a list as for --set hand=. */
void ui_do_hand(ui *u, const char *argument) { ui_assign(u, "hand", *argument ? argument : "off"); }

/* ---- fields ---- */

void ui_do_field(ui *u, const char *argument)
{
    ui_fields *f = &u->fields;
    int n;
    if (!f->n) return;
    if (number(argument, &n)) f->at = f->at + n < 0 ? 0 : f->at + n >= f->n ? f->n - 1 : f->at + n;
    else {
        int i = ui_fields_find(f, argument);
        if (i < 0) {
            ui_say(u, SAINT_UI_SAY_BAD, "field %s: it is not shown; `fields all` shows every parameter", argument);
            return;
        }
        f->at = i;
    }
    /* What it means, where the pane has no row left for that. */
    const saint_ui_field_spec *s = &f->spec[f->at];
    if (s->doc && *s->doc && saint_ui_layout_find(&u->layout, SAINT_UI_PANE_PARAMS).h - 2 <= f->n) ui_say_hint(u, "%s: %s", s->name, s->doc);
}

void ui_do_fields(ui *u, const char *argument)
{
    bool *all = &ui_inspect_of(u)->all_fields;
    *all = *argument ? !strcmp(argument, "all") : !*all;
    ui_say(u, SAINT_UI_SAY_INFO, *all ? "every parameter, also what no method of this plan reads" : "the parameters that the methods of this plan read");
}

/* The field under the focus, by key, or everything. */
void ui_do_reset(ui *u, const char *argument)
{
    if (!strcmp(argument, "all")) {
        saint_settings s;
        memset(&s, 0, sizeof s);
        saint_settings_default(&s);
        ui_replace(u, &s, "reset of all parameters");
        return;
    }
    ui_fields *f = &u->fields;
    int i = *argument ? ui_fields_find(f, argument) : f->at;
    if (i < 0 || i >= f->n) {
        ui_say(u, SAINT_UI_SAY_BAD, "reset %s: no such field is shown", argument);
        return;
    }
    if (saint_ui_field_reset(&f->spec[i], &f->field[i]) == SAINT_UI_FIELD_CHANGED) ui_apply_field(u, i);
}
