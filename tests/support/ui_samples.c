#include "support/ui_samples.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/loop/core.h"
#include "ui/panes.h"

const saint_model_info ui_sample_model = {.name = "llava-1.5-7b",
                                          .architecture = "llava",
                                          .vit_layers = 24,
                                          .vit_layers_run = 23,
                                          .vit_dim = 1024,
                                          .vit_heads = 16,
                                          .vit_mlp = 4096,
                                          .vit_prefix = 1,
                                          .image_side = 336,
                                          .patch = 14,
                                          .grid_w = 24,
                                          .grid_h = 24,
                                          .llm_layers = 32,
                                          .llm_dim = 4096,
                                          .llm_heads = 32,
                                          .llm_kv_heads = 32,
                                          .llm_head_dim = 128,
                                          .llm_mlp = 11008,
                                          .vocab = 32064,
                                          .weight_type = SAINT_F16};

enum { PREFIX = 35, SUFFIX = 25, LOGITS = 50, STEPS = 3 };

/* ---- one run ------------------------------------------------------------------------------------------------------ */

static unsigned rank_of(int patch, int layer) { return ((unsigned)patch * 2654435761u + (unsigned)layer * 40503u) % 1009u; }

/* A site that drops n of the patches alive, those of the highest rank, and says so as a method would. */
static saint_trace_site *make_site(const saint_site *site, uint8_t *alive, int n_in, int n_keep)
{
    saint_trace_site *s = saint_trace_site_new(n_in, n_keep, 0);
    if (!s) return NULL;
    s->stage = (saint_stage)site->stage;
    s->layer = site->layer;
    s->method = saint_method_at(site->method);
    s->p = site->p;
    s->image_in = n_in;
    s->n_rounds = 1;
    s->seconds = 0.0002 + 0.000001 * n_in;
    int k = 0, patches = ui_sample_model.grid_w * ui_sample_model.grid_h;
    for (int p = 0; p < patches; p++)
        if (alive[p]) s->in[k++] = p;
    for (int i = 0; i < n_in; i++) {
        int before = 0;
        unsigned mine = rank_of(s->in[i], 0);
        for (int j = 0; j < n_in; j++) {
            unsigned other = rank_of(s->in[j], 0);
            before += other < mine || (other == mine && j < i);
        }
        s->score[i] = (float)mine / 100.0f;
        s->neighbours[i] = (int32_t)(mine % 20);
        s->round[i] = before < n_keep ? -1 : 0;
    }
    k = 0;
    for (int i = 0; i < n_in; i++)
        if (s->round[i] < 0) s->kept[k++] = s->in[i];
        else alive[s->in[i]] = 0;
    return s;
}

static int survivors(const saint_site *site, int n)
{
    const saint_method *m = saint_method_at(site->method);
    int prefix = site->stage == SAINT_STAGE_VIT ? ui_sample_model.vit_prefix : 0;
    if (!m->fixed_budget) return n - n / 10;
    int keep = site->p.keep_num >= 0 ? site->p.keep_num - prefix : (int)ceil((double)site->p.keep_ratio * n);
    return keep < n ? keep : n;
}

static saint_layer_stats stats_at(double t, int n)
{
    double c = 0.25 + 0.3 * exp(-pow((t - 0.25) / 0.15, 2)) + 0.45 * t * t;
    return (saint_layer_stats){.n = n,
                               .mean_cosine = (float)c,
                               .share_above = (float)pow(c, 3),
                               .share_degree_k = (float)sqrt(c),
                               .mean_degree = (float)(pow(c, 3) * n),
                               .effective_rank = (float)(64 * (1 - c))};
}

static bool run_layer(saint_trace_image *im, const saint_plan *plan, saint_stage stage, int layer, uint8_t *alive, int *n, double slow)
{
    const saint_model_info *m = &ui_sample_model;
    bool vit = stage == SAINT_STAGE_VIT;
    int other = vit ? m->vit_prefix : PREFIX + SUFFIX, layers = vit ? m->vit_layers_run : m->llm_layers;
    saint_trace_layer *y = &im->history.layer[im->history.n_layers++];
    *y = (saint_trace_layer){.stage = stage, .layer = layer, .n_in = *n + other, .image_in = *n, .has_stats = true};
    y->stats = stats_at((double)layer / (layers - 1), *n);
    y->stats_threshold = 0.75f;
    y->stats_K = 5;
    const saint_site *site = saint_plan_site(plan, stage, layer);
    if (site) {
        int keep = survivors(site, *n);
        saint_trace_site *s = make_site(site, alive, *n, keep);
        if (!s) return false;
        saint_history_add(&im->history, s, false);
        saint_trace_site_unref(s);
        *n = keep;
    }
    y->n_out = *n + other;
    y->flops = vit ? saint_cost_vit_layer(m, y->n_in, y->n_out) : saint_cost_llm_layer(m, y->n_in, 0);
    y->seconds = slow * (y->flops / 8e12 + 0.00002);
    return true;
}

static bool answer(saint_trace_image *im, const char *text, int left)
{
    im->logits = malloc(LOGITS * sizeof *im->logits);
    im->ids = malloc((STEPS + 1) * sizeof *im->ids);
    im->answer = malloc(strlen(text) + 1);
    if (!im->logits || !im->ids || !im->answer) return false;
    strcpy(im->answer, text);
    im->n_logits = LOGITS;
    for (int i = 0; i < LOGITS; i++) im->logits[i] = (float)(4 * sin(i * 1.7) + (i == 7 ? 3 : 0) - 0.002 * left * cos(i));
    im->n_ids = STEPS;
    for (int i = 0; i < STEPS; i++) im->ids[i] = i == 2 ? (int32_t)strlen(text) : 7 + i;
    im->stop = "eos";
    return true;
}

static bool fill(saint_trace *t, const char *text, double slow)
{
    const saint_model_info *m = &ui_sample_model;
    saint_trace_image *im = &t->image[0];
    uint8_t alive[24 * 24];
    int n = m->grid_w * m->grid_h;
    memset(alive, 1, sizeof alive);
    for (int i = 0; i < m->vit_layers_run; i++)
        if (!run_layer(im, &t->plan, SAINT_STAGE_VIT, i, alive, &n, slow)) return false;
    im->vit_in = m->grid_w * m->grid_h;
    im->vit_out = n;
    im->n_prefix = PREFIX;
    im->n_suffix = SUFFIX;
    im->llm_in = n + PREFIX + SUFFIX;
    for (int i = 0; i < m->llm_layers; i++)
        if (!run_layer(im, &t->plan, SAINT_STAGE_LLM, i, alive, &n, slow)) return false;
    im->flops_vit = saint_cost_vit_embed(m);
    im->flops_projector = saint_cost_projector(m, im->vit_out);
    im->flops_prefill = saint_cost_llm_head(m);
    for (int i = 0; i < im->history.n_layers; i++) {
        const saint_trace_layer *y = &im->history.layer[i];
        bool vit = y->stage == SAINT_STAGE_VIT;
        *(vit ? &im->flops_vit : &im->flops_prefill) += y->flops;
        *(vit ? &t->seconds.vit : &t->seconds.prefill) += y->seconds;
        if (vit) continue;
        im->equivalent += (double)y->image_in / m->llm_layers;
        im->kv_bytes += 2 * (size_t)(y->n_in + STEPS) * 4096 * 2;
    }
    for (int i = 0; i < im->history.n_sites; i++) t->seconds.selection += im->history.site[i]->seconds;
    t->seconds.preprocess = 0.002;
    t->seconds.projector = slow * im->flops_projector / 8e12;
    t->seconds.decode = STEPS * 0.0044;
    return answer(im, text, n);
}

saint_trace *ui_sample_trace(const saint_settings *s, const char *text, double slow)
{
    saint_trace *t = saint_trace_new(1);
    saint_error e;
    if (!t) return NULL;
    snprintf(t->device, sizeof t->device, "cpu");
    snprintf(t->dtype, sizeof t->dtype, "bf16");
    snprintf(t->tier, sizeof t->tier, "avx512");
    if (saint_plan_build(&t->plan, s, &ui_sample_model, NULL, &e) == SAINT_OK && fill(t, text, slow)) return t;
    saint_trace_unref(t);
    return NULL;
}

/* ---- the workbench ------------------------------------------------------------------------------------------------ */

static saint_status picture(saint_image *im, saint_error *err)
{
    saint_status st = saint_image_new(96, 96, im, err);
    for (int y = 0; st == SAINT_OK && y < 96; y++)
        for (int x = 0; x < 96; x++) {
            uint8_t *p = im->rgb + 3 * (y * 96 + x);
            bool disc = (x - 40) * (x - 40) + (y - 52) * (y - 52) < 600;
            p[0] = (uint8_t)(disc ? 220 : 40 + x);
            p[1] = (uint8_t)(disc ? 60 : 90 + y);
            p[2] = (uint8_t)(disc ? 40 : 160 - x / 2);
        }
    return st;
}

static bool set_all(saint_settings *s, const char *const *assignment)
{
    saint_settings_default(s);
    for (; *assignment; assignment++)
        if (saint_settings_assign(s, *assignment, NULL) != SAINT_OK) return false;
    return true;
}

saint_status ui_sample_open(ui_sample *s, saint_error *err)
{
    static const char *const now[] = {"prune_mode[19]=iterative_drop_full_graph", "mode=hybrid", NULL},
                             *const a[] = {"mode=llm", "saint_threshold=0.9", NULL}, *const base[] = {"use_saint=false", NULL},
                             *const random[] = {"use_saint=false", "prune_mode[19]=random", "llm_prune_mode[7]=random", "llm_keep_num=200",
                                                NULL};
    static const struct {
        int slot;
        const char *const *settings;
        const char *answer;
        double slow;
    } plans[] = {{UI_NOW, now, "A red disc on a lawn", 1.04},
                 {UI_A, a, "A red disc on a lawn", 1.02},
                 {UI_BASE, base, "A red disc", 1},
                 {UI_RANDOM, random, "A ball", 1.03}};
    memset(s, 0, sizeof *s);
    ui *u = &s->u;
    u->info = &ui_sample_model;
    u->cursor = (ui_cursor){.n = 55, .n_vit = 23, .at = 30, .round = -1};
    u->patch = -1;
    u->hits = (saint_ui_hits){.room = sizeof s->room / sizeof *s->room, .hit = s->room};
    u->subject.answers = NULL;
    u->jobs = ui_jobs_open();
    saint_status st = u->jobs ? picture(&u->subject.image, err) : saint_fail(err, SAINT_MEMORY, "no memory for jobs");
    saint_ui_theme_make(&u->theme, SAINT_UI_DARK, SAINT_UI_DIRECT, SAINT_UI_BRAILLE);
    for (size_t i = 0; st == SAINT_OK && i < sizeof plans / sizeof *plans; i++) {
        ui_plan *p = &u->plan[plans[i].slot];
        p->set = true;
        p->version = p->trace_version = 1 + i;
        if (set_all(&p->settings, plans[i].settings)) p->trace = ui_sample_trace(&p->settings, plans[i].answer, plans[i].slow);
        if (!p->trace) st = saint_fail(err, SAINT_MEMORY, "no memory for a trace");
    }
    if (st == SAINT_OK) st = ui_module_compare.open(u, err);
    if (st == SAINT_OK) st = ui_module_speed.open(u, err);
    if (st == SAINT_OK) st = ui_module_layers.open(u, err);
    if (st != SAINT_OK) return st;
    u->layers->trace = saint_trace_ref(u->plan[UI_BASE].trace);
    u->layers->asked_slot = UI_BASE;
    u->layers->asked_version = u->plan[UI_BASE].version;
    u->layers->asked_threshold = u->layers->threshold;
    u->layers->asked_K = u->layers->K;
    return SAINT_OK;
}

void ui_sample_close(ui_sample *s)
{
    ui *u = &s->u;
    if (u->compare) ui_module_compare.close(u);
    if (u->speed) ui_module_speed.close(u);
    if (u->layers) ui_module_layers.close(u);
    ui_jobs_close(u);
    saint_image_free(&u->subject.image);
    saint_ui_photo_cache_free(&u->photo);
    saint_ui_photo_cache_free(&u->photo_b);
    saint_ui_canvas_free(&u->canvas);
}

saint_status ui_sample_draw(ui_sample *s, saint_ui_page page, int w, int h, saint_ui_pane_id focus, saint_error *err)
{
    ui *u = &s->u;
    saint_status st = saint_ui_canvas_resize(&u->canvas, w, h, err);
    if (st != SAINT_OK) return st;
    u->page = page;
    u->focus = focus;
    u->hits.n = 0;
    saint_ui_layout_make(
        &u->layout, page, w, h,
        &(saint_ui_layout_wish){.grid_w = 24, .grid_h = 24, .fields = 9, .facts = page == SAINT_UI_PAGE_COMPARE ? 10 : 9, .focus = focus});
    saint_ui_pen whole = saint_ui_pen_whole(&u->canvas, &u->theme, &u->hits);
    for (int i = 0; i < u->layout.n; i++) {
        const ui_pane *pane = ui_pane_of(page, u->layout.pane[i].id);
        if (pane && u->layout.pane[i].id >= SAINT_UI_PANE_IMAGE) pane->draw(u, saint_ui_pen_at(whole, u->layout.pane[i].rect));
    }
    return SAINT_OK;
}
