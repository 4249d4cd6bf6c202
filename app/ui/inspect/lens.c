/* lens.c - the microscope's questions put to the session, and its answer kept until something changes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ui/inspect/inspect.h"

static bool similarity(void *ud, int patch, float *out) { return saint_look_similarity(ud, patch, out, NULL) == SAINT_OK; }

static bool stays(void *ud, const saint_method_params *p, int patch, bool *out)
{
    saint_look *l = ud;
    saint_trace_site *s = NULL;
    if (!saint_look_site(l)) return false;
    saint_site site = *saint_look_site(l);
    site.p = *p;
    if (saint_look_decide(l, &site, &s, NULL) != SAINT_OK) return false;
    *out = false;
    for (int i = 0; i < s->n_keep && !*out; i++) *out = s->kept[i] == patch;
    saint_trace_site_unref(s);
    return true;
}

static bool same_question(const ui *u, const ui_lens *l, const void *record)
{
    return l->asked && l->version == u->plan[UI_NOW].version && l->record == record && l->patch == u->patch && l->at == u->cursor.at &&
           l->round == u->cursor.round;
}

/* Similarities where the patch last was: at the site that is spoken about, or at the layer under the cursor. */
static void ask(ui *u, ui_lens *l, bool hints)
{
    ui_token *t = &l->token;
    saint_request r;
    saint_look *look = NULL;
    int layer, patches = u->info->grid_w * u->info->grid_h, at = t->column >= 0 ? t->column : u->cursor.at;
    saint_stage stage = ui_stage_of(u, at, &layer);
    for (int p = 0; p < patches; p++) l->similarity[p] = NAN;
    l->complete = true; /* what cannot be answered now is asked again when something changes */
    if (t->fate == UI_FATE_UNKNOWN || (t->site && t->known < UI_KNOWN_PREVIEW) || !ui_request(u, UI_NOW, &r)) return;
    if (saint_look_open(&look, u->session, &r, 0, stage, layer, NULL) != SAINT_OK) return;
    ui_probe probe = {look, similarity, hints ? stays : NULL};
    ui_token_probe(t, u->plan[UI_NOW].settings.compat, u->info->vit_prefix, patches, &probe);
    (void)saint_look_similarity(look, t->patch, l->similarity, NULL);
    l->complete = hints;
    saint_look_close(look);
}

const ui_token *ui_lens_look(ui *u, bool hints)
{
    ui_lens *l = &ui_inspect_of(u)->lens;
    if (u->patch < 0 || !u->info || u->patch >= u->info->grid_w * u->info->grid_h) return NULL;
    const void *record = u->plan[UI_NOW].trace; /* a new run and a new preview are new records */
    const void *preview = u->plan[UI_NOW].preview;
    if (preview) record = preview;
    if (same_question(u, l, record) && (l->complete || !hints)) return &l->token;
    if (!l->similarity) l->similarity = malloc((size_t)(u->info->grid_w * u->info->grid_h) * sizeof *l->similarity);
    if (!l->similarity) return NULL;
    l->version = u->plan[UI_NOW].version;
    l->record = record;
    l->patch = u->patch;
    l->at = u->cursor.at;
    l->round = u->cursor.round;
    l->asked = true;
    ui_token_look(u, UI_NOW, u->patch, u->cursor.at, u->cursor.round, &l->token);
    ask(u, l, hints);
    return &l->token;
}
