#include "ui/inspect/estimate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- behind a run ---- */

static void of_run(const ui *u, const saint_trace *t, ui_estimate *e)
{
    const saint_trace_image *im = &t->image[0];
    e->known = UI_KNOWN_RUN;
    e->tokens = im->equivalent;
    e->vit_in = im->vit_in;
    e->vit_out = im->vit_out;
    e->flops = im->flops_vit + im->flops_projector + im->flops_prefill;
    e->kv_bytes = (double)im->kv_bytes;
    e->encode = u->info->vit_layers ? 0 : NAN;
    e->prefill = u->info->llm_layers ? 0 : NAN;
    e->select = 0;
    for (int i = 0; i < im->history.n_layers; i++) {
        const saint_trace_layer *y = &im->history.layer[i];
        *(y->stage == SAINT_STAGE_VIT ? &e->encode : &e->prefill) += y->seconds;
        e->cached[y->stage] += y->reused;
        e->layers[y->stage]++;
    }
    for (int i = 0; i < im->history.n_sites; i++) e->select += im->history.site[i]->seconds;
    if (e->encode == 0) e->encode = NAN; /* a device that nobody timed layer by layer */
    if (e->prefill == 0) e->prefill = NAN;
}

/* ---- before it ---- */

static const saint_trace_layer *layer_of(const saint_trace *t, saint_stage stage, int layer)
{
    for (int i = 0; t && t->n_images && i < t->image[0].history.n_layers; i++) {
        const saint_trace_layer *y = &t->image[0].history.layer[i];
        if (y->stage == stage && y->layer == layer) return y;
    }
    return NULL;
}

/* Rows that decoding added to every layer's cache. */
static int decoded_rows(const saint_trace_image *im)
{
    int n = im->n_ids - (im->stop && !strcmp(im->stop, "length"));
    return n > 0 ? n : 0;
}

/* text: rows beside the picture. like: a run to take times, text and type from. */
static void predict(const ui *u, const saint_ui_strip_layer *strip, const saint_trace *like, ui_estimate *e)
{
    const saint_model_info *m = u->info;
    const saint_trace_image *im = &like->image[0];
    int n = m->grid_w * m->grid_h, text = im->n_prefix + im->n_suffix, more = decoded_rows(im);
    double seen[2] = {0, 0}, seconds[2] = {0, 0}, size = !strcmp(like->dtype, "f32") ? 4 : 2;
    bool timed = true;
    e->vit_in = e->vit_out = n;
    e->flops = saint_cost_vit_embed(m) + (m->classes ? saint_cost_classifier(m) : 0);
    for (int c = 0; c < u->cursor.n; c++) {
        saint_stage stage = strip[c].stage;
        bool vit = stage == SAINT_STAGE_VIT;
        int behind = strip[c].tokens;
        double flops = vit ? saint_cost_vit_layer(m, n + m->vit_prefix, behind + m->vit_prefix) : saint_cost_llm_layer(m, n + text, 0);
        const saint_trace_layer *y = layer_of(like, stage, strip[c].layer);
        if (y && y->seconds > 0 && y->flops > 0) seconds[!vit] += y->seconds * flops / y->flops;
        else timed = false;
        seen[!vit] += n;
        e->flops += flops;
        if (!vit) e->kv_bytes += 2 * (double)(n + text + more) * m->llm_kv_heads * m->llm_head_dim * size;
        n = behind;
        if (vit) e->vit_out = n;
        e->layers[stage]++;
    }
    if (m->llm_layers) e->flops += saint_cost_projector(m, e->vit_out) + saint_cost_llm_head(m);
    e->tokens = m->llm_layers ? seen[1] / m->llm_layers : seen[0] / (m->vit_layers_run ? m->vit_layers_run : 1);
    if (timed && m->vit_layers) e->encode = seconds[0];
    if (timed && m->llm_layers) e->prefill = seconds[1];
}

bool ui_estimate_of(const ui *u, int slot, ui_estimate *e)
{
    const ui_plan *p = &u->plan[slot];
    *e = (ui_estimate){.encode = NAN, .prefill = NAN, .select = NAN};
    if (!u->info || u->cursor.n < 1) return false;
    bool ran = p->trace && p->trace->n_images > 0;
    if (ran && p->trace_version == p->version && p->error.code == SAINT_OK) {
        of_run(u, p->trace, e);
        e->company = p->company;
        return true;
    }
    const saint_trace *like = ran ? p->trace : u->plan[UI_BASE].trace;
    saint_ui_strip_layer *strip = u->info->vit_layers && like && like->n_images ? calloc((size_t)u->cursor.n, sizeof *strip) : NULL;
    if (!strip) return false;
    ui_strip_layers(u, slot, strip);
    bool known = true;
    e->known = UI_KNOWN_PREVIEW;
    for (int c = 0; c < u->cursor.n; c++) {
        known = known && strip[c].tokens >= 0;
        if (strip[c].stale) e->known = UI_KNOWN_STALE;
    }
    if (known) predict(u, strip, like, e);
    free(strip);
    return known;
}
