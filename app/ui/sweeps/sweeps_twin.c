/* A random twin of a sweep as a plan. It drops as many tokens at every site as its partner does, which differs from picture to picture: so
 * the partner runs first, on the picture that is shown, and the twin's ranks come from the seed that the sweep used for this sample. */
#define _GNU_SOURCE
#include "ui/sweeps/sweeps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/panes.h"

struct sweep_twin {
    eval_trial twin; /* digest and settings alone: its texts are the sweep's */
    saint_settings partner;
    int ordinal, partner_ordinal;
    char sweep[64];
    bool pin;
};

void sweeps_twin_forget(ui_sweeps *s)
{
    free(s->twin);
    s->twin = NULL;
}

bool sweeps_twin(ui *u, const sweep_data *d, const sweep_trial *t, bool pin)
{
    const sweep_trial *partner = NULL;
    for (int i = 0; i < d->n_trials; i++)
        if (d->trial[i].trial.ordinal == t->trial.twin_of) partner = &d->trial[i];
    if (!partner || !u->worker || u->subject.error.code != SAINT_OK) {
        ui_say(u, SAINT_UI_SAY_BAD, "run %d drops at random as many tokens as run %lld: that takes %s", t->trial.ordinal,
               (long long)t->trial.twin_of,
               !partner     ? "that run, which is not in the sweep"
               : !u->worker ? "a model to run it"
                            : "a picture to run it on");
        return false;
    }
    struct sweep_twin *w = malloc(sizeof *w);
    if (!w) {
        ui_say(u, SAINT_UI_SAY_BAD, "no memory for a plan");
        return false;
    }
    *w = (struct sweep_twin){.twin = t->trial,
                             .partner = partner->trial.settings,
                             .ordinal = t->trial.ordinal,
                             .partner_ordinal = partner->trial.ordinal,
                             .pin = pin};
    w->twin.name = w->twin.config = NULL;
    snprintf(w->sweep, sizeof w->sweep, "%.60s", d->name);
    sweeps_twin_forget(u->sweeps);
    u->sweeps->twin = w;
    ui_kick(u);
    return true;
}

/* What the partner left at each of its sites, by chance. */
static void settings_of(const ui *u, const struct sweep_twin *w, const saint_trace *t, saint_settings *out)
{
    const char *uid = u->subject.file ? u->subject.file : "";
    uint64_t seed = eval_twin_seed(&w->twin, uid, 0);
    int method = saint_method_index(saint_method_find("random"));
    const saint_history *h = &t->image[0].history;
    *out = w->twin.settings;
    for (int i = 0; i < h->n_sites; i++) {
        bool llm = h->site[i]->stage == SAINT_STAGE_LLM;
        saint_layer_settings *l = llm ? &out->llm[h->site[i]->layer] : &out->vit[h->site[i]->layer];
        l->method = method;
        l->p.keep_num = h->site[i]->n_keep + (llm ? 0 : u->info->vit_prefix);
        l->p.seed = seed;
    }
}

static bool want(ui *u, saint_request *out)
{
    if (!u->sweeps->twin || !ui_request(u, UI_NOW, out)) return false;
    out->settings = u->sweeps->twin->partner;
    out->want_stats = false;
    if (out->max_new_tokens > 1) out->max_new_tokens = 1; /* only what is left matters */
    return true;
}

static void ran(ui *u, saint_trace *t, const saint_error *why)
{
    struct sweep_twin *w = u->sweeps->twin;
    char label[120];
    saint_settings settings;
    if (!w || (!t && why->code == SAINT_CANCELLED)) return; /* asked again */
    u->sweeps->twin = NULL;
    snprintf(label, sizeof label, "run %d of %s", w->ordinal, w->sweep);
    memset(&settings, 0, sizeof settings);
    if (!t)
        ui_say(u, SAINT_UI_SAY_BAD, "%s: run %d, whose token counts it takes, does not run on this picture: %s", label, w->partner_ordinal,
               why->text);
    else {
        settings_of(u, w, t, &settings);
        if (w->pin) sweeps_pin(u, &settings);
        else ui_replace(u, &settings, label);
        ui_say(u, SAINT_UI_SAY_INFO, "%s is %s: at random, as many tokens as run %d keeps of this picture%s", label,
               w->pin ? "plan A" : "the live plan", w->partner_ordinal, w->pin ? "" : "; u takes it back");
    }
    free(w);
}

static bool busy(const ui *u) { return u->sweeps->twin != NULL; }

static void model(ui *u)
{
    if (u->sweeps) sweeps_twin_forget(u->sweeps);
}

const ui_module ui_module_twins = {.name = "twins", .model = model, .want = want, .ran = ran, .busy = busy};
