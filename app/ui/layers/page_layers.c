/* page_layers.c - the layer page: how alike the picture's tokens are behind every layer, in curves or as a table.
 *
 * Its runs are its own, because their statistics are counted with the page's threshold and not with that of any site: they go on from the
 * checkpoints of the slot's run, so that another threshold costs the counting alone. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/extra.h"

enum { CURVE_SETS = 3, K_MOST = 65536, ROW_HIT = 1 }; /* ROW_HIT: a row of the table, + 1 a heading */

static const char *slot_name(int slot) { return slot == UI_BASE ? "unpruned" : slot == UI_A ? "plan A" : "this plan"; }

/* ---- its runs ----------------------------------------------------------------------------------------------------- */

static saint_status open_layers(ui *u, saint_error *err)
{
    u->layers = calloc(1, sizeof *u->layers);
    if (!u->layers) return saint_fail(err, SAINT_MEMORY, "no memory for the layer page");
    u->layers->slot = UI_BASE;
    u->layers->threshold = 0.75f;
    u->layers->K = 5;
    u->layers->state[0].sort = u->layers->state[1].sort = -1;
    return SAINT_OK;
}

static void drop(ui *u)
{
    saint_trace_unref(u->layers->trace);
    u->layers->trace = NULL;
    u->layers->failed = false;
}

static void close_layers(ui *u)
{
    if (u->layers) drop(u);
    free(u->layers);
    u->layers = NULL;
}

static bool same_asked(const ui *u)
{
    const ui_layers *l = u->layers;
    return l->asked_slot == l->slot && l->asked_version == u->plan[l->slot].version && l->asked_threshold == l->threshold &&
           l->asked_K == l->K;
}

static bool fresh(const ui *u) { return u->layers->trace && same_asked(u); }

/* Statistics are missing that somebody looks at. */
static bool needed(const ui *u)
{
    const ui_layers *l = u->layers;
    bool there = l->slot != UI_A || u->plan[UI_A].set;
    return u->page == SAINT_UI_PAGE_LAYERS && u->info && u->worker && there && !u->subject.loading &&
           (u->subject.pixels || !u->info->vit_layers) && !fresh(u) && !(l->failed && same_asked(u));
}

static bool want(ui *u, saint_request *out)
{
    ui_layers *l = u->layers;
    if (!needed(u)) return false;
    l->asked_slot = l->slot;
    l->asked_version = u->plan[l->slot].version;
    l->asked_threshold = l->threshold;
    l->asked_K = l->K;
    drop(u);
    if (!ui_request(u, l->slot, out)) return false;
    out->max_new_tokens = 0;
    out->want_stats = out->stats_given = true;
    out->stats_threshold = l->threshold;
    out->stats_K = l->K;
    return true;
}

static void ran(ui *u, saint_trace *t, const saint_error *why)
{
    ui_layers *l = u->layers;
    if (t) {
        saint_trace_unref(l->trace);
        l->trace = saint_trace_ref(t);
        l->failed = false;
    } else if (why->code != SAINT_CANCELLED) {
        l->failed = true;
        l->error = *why;
    }
}

static bool busy(const ui *u) { return needed(u); }

static void save(ui *u, cJSON *into)
{
    const ui_layers *l = u->layers;
    cJSON_AddNumberToObject(into, "slot", l->slot);
    cJSON_AddNumberToObject(into, "threshold", round((double)l->threshold * 1e4) / 1e4);
    cJSON_AddNumberToObject(into, "K", l->K);
    cJSON_AddNumberToObject(into, "curves", l->curves);
    cJSON_AddBoolToObject(into, "table", l->table);
}

/* A member within its range, else what was there. */
static double member(const cJSON *from, const char *name, double low, double high, double otherwise)
{
    const cJSON *c = cJSON_GetObjectItemCaseSensitive(from, name);
    return cJSON_IsNumber(c) && c->valuedouble >= low && c->valuedouble <= high ? c->valuedouble : otherwise;
}

static void load(ui *u, const cJSON *from)
{
    ui_layers *l = u->layers;
    int slot = (int)member(from, "slot", 0, UI_SLOTS - 1, l->slot);
    if (slot == UI_NOW || slot == UI_A || slot == UI_BASE) l->slot = slot;
    l->threshold = (float)member(from, "threshold", -1, 1, (double)l->threshold);
    l->K = (int)member(from, "K", 0, K_MOST, l->K);
    l->curves = (int)member(from, "curves", 0, CURVE_SETS - 1, l->curves);
    l->table = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(from, "table"));
}

const ui_module ui_module_layers = {.name = "layers",
                                    .open = open_layers,
                                    .close = close_layers,
                                    .model = drop,
                                    .subject = drop,
                                    .busy = busy,
                                    .want = want,
                                    .ran = ran,
                                    .save = save,
                                    .load = load};

/* ---- chart -------------------------------------------------------------------------------------------------------- */

/* Of the cursor's layer, where it is of this stage; -1. */
static int cursor_layer(const ui *u, saint_stage stage)
{
    int layer;
    return u->cursor.n > 0 && ui_stage_of(u, u->cursor.at, &layer) == stage ? layer : -1;
}

/* With the movements where there is room for them. */
static void phases_text(const layers_curve *c, const layers_phases *p, int columns, char *out, size_t size)
{
    int n = 0;
    if (!p->found) {
        n = snprintf(out, size, "no three phases (cosine up, down and up by %.2f)", LAYERS_MOVE);
        if (n > columns) snprintf(out, size, "no three phases");
        return;
    }
    n = snprintf(out, size, "aligner 0-%d, explorer %d-%d, aggregator %d-%d", p->peak, p->peak + 1, p->valley, p->valley + 1, c->n - 1);
    if (n > columns) snprintf(out, size, "aligner 0-%d, expl. %d-%d, aggr. %d-%d", p->peak, p->peak + 1, p->valley, p->valley + 1, c->n - 1);
    else if (n > 0 && n + 23 <= columns) snprintf(out + n, size - (size_t)n, " (%+.2f, %+.2f, %+.2f)", p->rise, -p->fall, p->again);
}

enum { NARROW = 52 };

typedef struct {
    saint_ui_series series[4];
    double site_y[SAINT_MAX_LAYERS];
    char name[2][40];
    saint_ui_plot plot;
} chart;

/* narrow: names of a few letters; the pane's title tells the rest. */
static void make_chart(const ui *u, const layers_curve *c, saint_stage stage, bool narrow, chart *g)
{
    memset(g, 0, sizeof *g);
    int set = u->layers->curves, n = 0;
    if (narrow) snprintf(g->name[0], sizeof g->name[0], "pairs");
    else snprintf(g->name[0], sizeof g->name[0], "pairs >= %.2f", (double)c->threshold);
    snprintf(g->name[1], sizeof g->name[1], "%s >= %d", narrow ? "tokens" : "tokens with", c->K);
    g->series[n++] = (saint_ui_series){.name = narrow ? "cosine" : "mean cosine", .y = c->cosine, .line = true, .color = 0};
    if (set == 0) {
        g->series[n++] = (saint_ui_series){.name = g->name[0], .y = c->above, .line = true, .color = 1};
        g->series[n++] = (saint_ui_series){.name = g->name[1], .y = c->degree_k, .line = true, .color = 2};
    } else if (set == 1) g->series[n++] = (saint_ui_series){.name = "effective rank", .y = c->rank, .line = true, .color = 4, .axis = 1};
    else g->series[n++] = (saint_ui_series){.name = "neighbours per token", .y = c->degree, .line = true, .color = 5, .axis = 1};
    bool sites = false;
    for (int i = 0; i < c->n; i++) {
        g->site_y[i] = c->site[i] ? c->cosine[i] : (double)NAN;
        sites = sites || c->site[i];
    }
    if (sites) g->series[n++] = (saint_ui_series){.name = "prune site", .y = g->site_y, .points = true, .color = 3};
    double low = 0;
    for (int i = 0; i < n; i++) {
        g->series[i].n = c->n;
        g->series[i].x = c->layer;
        for (int k = 0; k < c->n && g->series[i].axis == 0; k++)
            if (g->series[i].y[k] < low) low = g->series[i].y[k];
    }
    int at = cursor_layer(u, stage);
    g->plot = (saint_ui_plot){.series = g->series, .n_series = n, .guides = true, .cursor = at >= 0 ? at : (double)NAN, .mark = NAN};
    g->plot.x = (saint_ui_axis){.label = stage == SAINT_STAGE_VIT ? "ViT layer" : "LLM layer", .low = 0, .high = c->n > 1 ? c->n - 1 : 1};
    g->plot.y[0] = (saint_ui_axis){.low = low, .high = 1};
}

static void draw_chart(ui *u, saint_ui_pen in, const layers_curve *c, saint_stage stage)
{
    chart g;
    char text[120];
    bool narrow = in.area.w < NARROW;
    layers_phases p = layers_phases_of(c->cosine, c->n);
    make_chart(u, c, stage, narrow, &g);
    int below = in.area.h >= 8 ? 1 : 0;
    saint_ui_plot_draw(saint_ui_pen_part(in, 0, 0, in.area.w, in.area.h - below), &g.plot, &u->layers->frame[stage]);
    phases_text(c, &p, in.area.w - 2, text, sizeof text);
    if (below) saint_ui_text(in, 1, in.area.h - 1, in.area.w - 2, p.found ? SAINT_UI_ACCENT : SAINT_UI_MUTED, text);
}

/* ---- table -------------------------------------------------------------------------------------------------------- */

typedef struct {
    const layers_curve *c;
    layers_phases phases;
} rows;

static void cell(void *ud, int row, int column, char *out, size_t size, saint_ui_role *role)
{
    const rows *r = ud;
    const layers_curve *c = r->c;
    const saint_trace_site *s = c->site[row];
    const char *phase = layers_phase_name(&r->phases, row);
    out[0] = 0;
    switch (column) {
    case 0: snprintf(out, size, "%.0f", c->layer[row]); break;
    case 1: snprintf(out, size, "%d", c->tokens[row]); break;
    case 2: saint_ui_fixed(out, size, c->cosine[row], 3); break;
    case 3: saint_ui_fixed(out, size, c->above[row], 3); break;
    case 4: saint_ui_fixed(out, size, c->degree_k[row], 3); break;
    case 5: saint_ui_fixed(out, size, c->degree[row], 1); break;
    case 6: saint_ui_fixed(out, size, c->rank[row], 1); break;
    case 7: snprintf(out, size, "%s", phase ? phase : "-"); break;
    default:
        if (s) snprintf(out, size, "%s drops %d", s->method->name, s->image_in - s->n_keep);
        *role = SAINT_UI_SITE;
    }
}

static saint_ui_table table_of(rows *r)
{
    static const saint_ui_column column[] = {{"layer", 5, true, false}, {"tokens", 6, true, false},  {"cosine", 6, true, false},
                                             {"pairs", 5, true, false}, {">=K", 5, true, false},     {"alike", 5, true, false},
                                             {"rank", 5, true, false},  {"phase", 10, false, false}, {"site", 12, false, true}};
    return (saint_ui_table){.n_rows = r->c->n, .n_columns = sizeof column / sizeof *column, .column = column, .cell = cell, .ud = r};
}

static void draw_table(ui *u, saint_ui_pen in, const layers_curve *c, saint_stage stage, bool focus)
{
    rows r = {c, layers_phases_of(c->cosine, c->n)};
    saint_ui_table t = table_of(&r);
    int at = cursor_layer(u, stage);
    if (at >= 0) u->layers->state[stage].at = at;
    saint_ui_table_draw(in, &t, &u->layers->state[stage], focus && at >= 0, ROW_HIT);
}

/* ---- panes -------------------------------------------------------------------------------------------------------- */

static void draw(ui *u, saint_ui_pen p, saint_stage stage)
{
    ui_layers *l = u->layers;
    saint_ui_pane_id id = stage == SAINT_STAGE_VIT ? SAINT_UI_PANE_CHART : SAINT_UI_PANE_CHART_B;
    layers_curve *c = malloc(sizeof *c);
    char detail[80], note[256] = "";
    bool focus = u->focus == id, there = u->info && (stage == SAINT_STAGE_VIT ? u->info->vit_layers : u->info->llm_layers) > 0;
    snprintf(detail, sizeof detail, "%s, alike from %.2f, K %d", slot_name(l->slot), (double)l->threshold, l->K);
    if (c) layers_curve_of(l->trace, stage, c);
    int at = cursor_layer(u, stage);
    if (c && c->known && !l->table && at >= 0) {
        chart g;
        make_chart(u, c, stage, p.area.w < NARROW, &g);
        saint_ui_plot_readout(&g.plot, note, sizeof note);
    }
    saint_ui_pen in = saint_ui_pane_draw(
        p, &(saint_ui_pane){
               .title = stage == SAINT_STAGE_VIT ? "ViT" : "LLM", .detail = detail, .note = note, .focus = focus, .stale = !fresh(u)});
    if (l->failed && same_asked(u)) saint_ui_failure(in, "no statistics", l->error.text);
    else if (!there && u->info)
        saint_ui_text(in, 1, 0, -1, SAINT_UI_MUTED, stage == SAINT_STAGE_VIT ? "this model has no ViT" : "this model has no LLM");
    else if (l->slot == UI_A && !u->plan[UI_A].set) saint_ui_text(in, 1, 0, -1, SAINT_UI_MUTED, "no plan is pinned as A");
    else if (!c || !c->known) saint_ui_text(in, 1, 0, -1, SAINT_UI_MUTED, u->worker ? "waiting for the run" : "no model yet");
    else if (l->table) draw_table(u, in, c, stage, focus);
    else draw_chart(u, in, c, stage);
    free(c);
}

static void draw_vit(ui *u, saint_ui_pen p) { draw(u, p, SAINT_STAGE_VIT); }
static void draw_llm(ui *u, saint_ui_pen p) { draw(u, p, SAINT_STAGE_LLM); }

static bool go_to(ui *u, saint_stage stage, int layer)
{
    int n = stage == SAINT_STAGE_VIT ? u->cursor.n_vit : u->cursor.n - u->cursor.n_vit;
    if (n < 1) return false;
    layer = layer < 0 ? 0 : layer >= n ? n - 1 : layer;
    ui_layer(u, ui_column_of(u, stage, layer));
    return true;
}

static bool event(ui *u, const saint_ui_event *e, const saint_ui_hit *hit, saint_stage stage)
{
    int at = cursor_layer(u, stage);
    if (e->kind == SAINT_UI_MOUSE) {
        bool wheel = e->mouse == SAINT_UI_MOUSE_WHEEL_DOWN || e->mouse == SAINT_UI_MOUSE_WHEEL_UP;
        double x = saint_ui_plot_x_at(&u->layers->frame[stage], e->x);
        if (wheel) return go_to(u, stage, at + (e->mouse == SAINT_UI_MOUSE_WHEEL_DOWN ? 1 : -1));
        if (e->mouse == SAINT_UI_MOUSE_UP) return true;
        if (u->layers->table) return hit && hit->what == ROW_HIT && go_to(u, stage, hit->value);
        return isfinite(x) && go_to(u, stage, (int)lround(x));
    }
    if (e->kind != SAINT_UI_PRESS) return false;
    int *first = &u->layers->state[stage].first;
    if (u->layers->table && (e->key == SAINT_UI_KEY_LEFT || e->key == SAINT_UI_KEY_RIGHT)) {
        *first += e->key == SAINT_UI_KEY_RIGHT ? 1 : *first > 0 ? -1 : 0; /* the drawing corrects what is too much */
        return true;
    }
    switch (e->key) {
    case SAINT_UI_KEY_LEFT:
    case SAINT_UI_KEY_UP: return go_to(u, stage, at < 0 ? 0 : at - 1);
    case SAINT_UI_KEY_RIGHT:
    case SAINT_UI_KEY_DOWN: return go_to(u, stage, at + 1);
    case SAINT_UI_KEY_HOME: return go_to(u, stage, 0);
    case SAINT_UI_KEY_END: return go_to(u, stage, SAINT_MAX_LAYERS);
    default: return false;
    }
}

static bool event_vit(ui *u, const saint_ui_event *e, const saint_ui_hit *hit) { return event(u, e, hit, SAINT_STAGE_VIT); }
static bool event_llm(ui *u, const saint_ui_event *e, const saint_ui_hit *hit) { return event(u, e, hit, SAINT_STAGE_LLM); }

const ui_pane ui_pane_layers_vit = {.draw = draw_vit, .event = event_vit};
const ui_pane ui_pane_layers_llm = {.draw = draw_llm, .event = event_llm};

/* ---- actions ------------------------------------------------------------------------------------------------------ */

/* A number, or a step with a sign ("+0.05"). */
static bool stepped(const char *text, double now, double *out)
{
    char *end;
    double v = strtod(text, &end);
    if (end == text || *end || !isfinite(v)) return false;
    *out = text[0] == '+' || text[0] == '-' ? now + v : v;
    return true;
}

void ui_do_similarity(ui *u, const char *argument)
{
    double v;
    if (!stepped(argument, (double)u->layers->threshold, &v)) {
        ui_say(u, SAINT_UI_SAY_BAD, "similarity: expected a cosine or a step such as +0.05, found \"%s\"", argument);
        return;
    }
    u->layers->threshold = (float)(v < -1 ? -1 : v > 1 ? 1 : round(v * 1e4) / 1e4);
    ui_kick(u);
}

void ui_do_neighbours(ui *u, const char *argument)
{
    double v;
    if (!stepped(argument, u->layers->K, &v)) {
        ui_say(u, SAINT_UI_SAY_BAD, "neighbours: expected a number or a step such as +1, found \"%s\"", argument);
        return;
    }
    u->layers->K = (int)(v < 0 ? 0 : v > K_MOST ? K_MOST : v);
    ui_kick(u);
}

void ui_do_curves_of(ui *u, const char *argument)
{
    static const struct {
        const char *name;
        int slot;
    } names[] = {{"unpruned", UI_BASE}, {"now", UI_NOW}, {"a", UI_A}};
    ui_layers *l = u->layers;
    int next = -1;
    for (int i = 0; i < 3; i++)
        if (*argument ? strcmp(argument, names[i].name) == 0 : names[i].slot == l->slot) next = *argument ? i : (i + 1) % 3;
    if (!*argument && next >= 0 && names[next].slot == UI_A && !u->plan[UI_A].set) next = 0;
    if (next < 0) {
        ui_say(u, SAINT_UI_SAY_BAD, "curves: expected unpruned, now or a, found %s", argument);
        return;
    }
    l->slot = names[next].slot;
    ui_want(u, l->slot);
    ui_kick(u);
}

void ui_do_curves(ui *u, const char *argument)
{
    static const char *const names[CURVE_SETS] = {"shares", "rank", "neighbours"};
    int next = *argument ? -1 : (u->layers->curves + 1) % CURVE_SETS;
    for (int i = 0; i < CURVE_SETS; i++)
        if (strcmp(argument, names[i]) == 0) next = i;
    if (next < 0) ui_say(u, SAINT_UI_SAY_BAD, "curves: expected shares, rank or neighbours, found %s", argument);
    else u->layers->curves = next;
}

void ui_do_layers_table(ui *u, const char *argument) { u->layers->table = *argument ? strcmp(argument, "on") == 0 : !u->layers->table; }
