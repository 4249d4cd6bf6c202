#define _GNU_SOURCE /* strdup */
#include "support/inspect_sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ui/panes.h"

enum { SITE_VIT = 19, FIRST_LLM = 7, LAST_LLM = 16, ROUNDS = 7, TEXT_ROWS = 59, VOCABULARY = 4 };

static const saint_model_info shape = {.name = "llava-1.5-7b",
                                       .architecture = "llava",
                                       .vit_layers = 24,
                                       .vit_layers_run = SAMPLE_VIT,
                                       .vit_dim = 1024,
                                       .vit_heads = 16,
                                       .vit_mlp = 4096,
                                       .vit_prefix = 1,
                                       .image_side = 336,
                                       .patch = 14,
                                       .grid_w = SAMPLE_GRID,
                                       .grid_h = SAMPLE_GRID,
                                       .llm_layers = SAMPLE_LLM,
                                       .llm_dim = 4096,
                                       .llm_heads = 32,
                                       .llm_kv_heads = 32,
                                       .llm_head_dim = 128,
                                       .llm_mlp = 11008,
                                       .vocab = 32000};

/* Tokens that die at a step, in the order of the patches; the score falls with the distance from the middle of the list. */
static saint_trace_site *site_of(const sample *s, int step)
{
    bool vit = step < SAMPLE_VIT;
    int n = 0, kept = 0, gone = 0;
    int32_t in[SAMPLE_PATCHES];
    for (int p = 0; p < SAMPLE_PATCHES; p++)
        if (s->death[p] < 0 || s->death[p] >= step) in[n++] = p;
    for (int i = 0; i < n; i++) kept += s->death[in[i]] != step;
    saint_trace_site *t = saint_trace_site_new(n, kept, 0);
    if (!t) return NULL;
    t->stage = vit ? SAINT_STAGE_VIT : SAINT_STAGE_LLM;
    t->layer = vit ? step : step - SAMPLE_VIT;
    t->method = saint_method_find(vit ? "iterative_drop_full_graph" : "saint_drop");
    saint_method_params_default(t->stage, &t->p);
    t->image_in = n;
    t->n_rounds = n > kept ? (vit ? ROUNDS : 1) : 0;
    t->seconds = vit ? 310e-6 : 85e-6;
    t->margin = 0.25f;
    kept = 0;
    for (int i = 0; i < n; i++) {
        bool dies = s->death[in[i]] == step;
        t->in[i] = in[i];
        t->round[i] = -1;
        t->neighbours[i] = vit ? -1 : dies ? 6 + i % 7 : i % 5;
        if (dies) t->round[i] = (int16_t)(vit ? gone++ * ROUNDS / (n - t->n_keep) : 0);
        else t->kept[kept++] = in[i];
        t->score[i] = (float)(dies ? 40 + (i * 37 % 101) * 0.25 : 5 + (i * 53 % 97) * 0.3);
    }
    return t;
}

/* A run of the plan, or of the model without it. */
static saint_trace *run_of(const ui *u, const sample *s, bool pruned)
{
    saint_trace *t = saint_trace_new(1);
    if (!t) return NULL;
    saint_trace_image *im = &t->image[0];
    saint_settings plain;
    saint_settings_default(&plain);
    (void)saint_settings_set(&plain, "use_saint", "false", NULL);
    (void)saint_plan_build(&t->plan, pruned ? &u->plan[UI_NOW].settings : &plain, u->info, &t->notes, NULL);
    t->mode = saint_plan_mode(&t->plan);
    strcpy(t->device, "cpu");
    strcpy(t->dtype, "f32");
    t->threads = 2;
    im->rect = s->rect;
    im->vit_in = SAMPLE_PATCHES;
    im->n_prefix = 35;
    im->n_suffix = TEXT_ROWS - 35;
    im->flops_vit = saint_cost_vit_embed(u->info);
    int before = SAMPLE_PATCHES;
    double seen = 0;
    for (int step = 0; step < SAMPLE_STEPS; step++) {
        bool vit = step < SAMPLE_VIT;
        int behind = pruned ? s->tokens[step] : SAMPLE_PATCHES, extra = vit ? 1 : TEXT_ROWS;
        saint_trace_layer *y = &im->history.layer[im->history.n_layers++];
        *y = (saint_trace_layer){.stage = vit ? SAINT_STAGE_VIT : SAINT_STAGE_LLM, .layer = vit ? step : step - SAMPLE_VIT, .n_in = before + extra, .n_out = behind + extra, .image_in = before};
        y->flops = vit ? saint_cost_vit_layer(u->info, before + 1, behind + 1) : saint_cost_llm_layer(u->info, before + TEXT_ROWS, 0);
        y->seconds = y->flops * 2e-12;
        y->reused = pruned && step < 9;
        *(vit ? &im->flops_vit : &im->flops_prefill) += y->flops;
        if (!vit) {
            seen += before;
            im->kv_bytes += (size_t)(before + TEXT_ROWS + 1) * 2 * 4096 * 4;
        }
        if (pruned && behind < before) {
            saint_trace_site *site = site_of(s, step);
            if (site) im->history.site[im->history.n_sites++] = site;
        }
        before = behind;
        if (step == SAMPLE_VIT - 1) im->vit_out = behind;
    }
    im->flops_projector = saint_cost_projector(u->info, im->vit_out);
    im->equivalent = seen / SAMPLE_LLM;
    im->n_logits = VOCABULARY;
    im->logits = calloc(VOCABULARY, sizeof *im->logits);
    im->ids = calloc(2, sizeof *im->ids);
    im->answer = strdup("Yes");
    if (im->logits) im->logits[1] = pruned ? 2.0f : 2.5f;
    im->n_ids = 1;
    im->stop = "eos";
    return t;
}

static saint_status assign(saint_settings *s, saint_error *err)
{
    static const char *const list[] = {"mode=hybrid",  "prune_mode[19]=iterative_drop_full_graph", "keep_num[19]=376", "r[19]=16", "saint_start=7",
                                       "saint_end=16", "saint_threshold=0.83"};
    saint_settings_default(s);
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        saint_status st = saint_settings_assign(s, list[i], err);
        if (st != SAINT_OK) return st;
    }
    return SAINT_OK;
}

saint_status inspect_sample_make(inspect_sample *s, saint_error *err)
{
    memset(s, 0, sizeof *s);
    ui *u = &s->u;
    saint_status st = sample_make(&s->s, NULL, err);
    if (st != SAINT_OK) return st;
    s->info = shape;
    u->info = &s->info;
    u->cursor = (ui_cursor){.n = SAMPLE_STEPS, .n_vit = SAMPLE_VIT, .at = SITE_VIT, .round = -1};
    u->marked = s->marked;
    u->patch = -1;
    u->live = u->mouse = true;
    u->page = SAINT_UI_PAGE_INSPECT;
    u->focus = SAINT_UI_PANE_PARAMS;
    u->subject.image = s->s.image;
    u->subject.rect = s->s.rect;
    u->subject.version = 1;
    u->subject.answers = (char *)(uintptr_t) "Yes";
    if ((st = assign(&u->plan[UI_NOW].settings, err)) != SAINT_OK) return st;
    if ((st = ui_module_inspect.open(u, err)) != SAINT_OK || (st = ui_module_plan.open(u, err)) != SAINT_OK) return st;
    ui_presets_load(&u->inspect->presets, u->info);
    for (int slot = 0; slot < UI_SLOTS; slot++) u->plan[slot].version = 1;
    u->plan[UI_NOW].trace = run_of(u, &s->s, true);
    u->plan[UI_BASE].trace = run_of(u, &s->s, false);
    u->plan[UI_NOW].trace_version = u->plan[UI_BASE].trace_version = 1;
    saint_settings_default(&u->plan[UI_BASE].settings);
    (void)saint_settings_set(&u->plan[UI_BASE].settings, "use_saint", "false", NULL);
    return u->plan[UI_NOW].trace && u->plan[UI_BASE].trace ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for a sample");
}

void inspect_sample_free(inspect_sample *s)
{
    ui *u = &s->u;
    for (int slot = 0; slot < UI_SLOTS; slot++) {
        saint_trace_unref(u->plan[slot].trace);
        saint_trace_site_unref(u->plan[slot].preview);
    }
    ui_module_plan.close(u);
    ui_module_inspect.close(u);
    saint_ui_photo_cache_free(&u->photo);
    sample_free(&s->s);
}

void inspect_sample_look(inspect_sample *s, int patch)
{
    ui *u = &s->u;
    u->patch = patch;
    (void)ui_lens_look(u, true); /* without a session: fate and rank */
    ui_lens *l = &u->inspect->lens;
    ui_token *t = &l->token;
    for (int i = 0; i < 6; i++) t->near[i] = (ui_near){patch + (i % 2 ? -1 : 1) * (1 + i / 2 * SAMPLE_GRID), 0.95f - 0.02f * (float)i};
    t->n_near = 6;
    t->n_above = t->votes >= 0 ? 6 : -1;
    if (t->site && t->votes >= 0) {
        t->hint[t->n_hints++] = (ui_hint){.key = "saint_threshold", .value = 0.8713, .at_least = t->round >= 0, .searched = true};
        t->hint[t->n_hints++] = (ui_hint){.key = "saint_K", .value = 7, .at_least = t->round >= 0};
    } else if (t->site) t->hint[t->n_hints++] = (ui_hint){.key = "keep_num", .value = 431, .at_least = t->round >= 0};
}

void inspect_sample_draw(inspect_sample *s, saint_ui_canvas *c)
{
    ui *u = &s->u;
    ui_fields_refresh(u);
    saint_ui_layout_make(&u->layout, u->page, c->w, c->h,
                         &(saint_ui_layout_wish){.grid_w = SAMPLE_GRID, .grid_h = SAMPLE_GRID, .aspect = 1, .fields = u->fields.n, .facts = 9, .whole_image = u->whole_image, .focus = u->focus});
    u->hits.n = 0;
    saint_ui_pen whole = saint_ui_pen_whole(c, &u->theme, &u->hits);
    for (int i = 0; i < u->layout.n; i++) {
        const ui_pane *pane = ui_pane_of(u->page, u->layout.pane[i].id);
        if (pane && pane->draw) pane->draw(u, saint_ui_pen_at(whole, u->layout.pane[i].rect));
    }
}
