/* The model: opened behind the screen, taken over when it is there, exchanged for another one. */
#define _GNU_SOURCE
#include "ui/loop/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the plan to begin with ---- */

static saint_status preset_settings(const ui *u, const char *name, saint_settings *s, saint_notes *notes, saint_error *err)
{
    char path[8192], why[160];
    saint_preset p;
    if (!preset_path(name, path, sizeof path)) return saint_fail(err, SAINT_IO, "%s: %s", name, preset_unknown(name, why, sizeof why));
    saint_status st = saint_preset_load(path, &p, err);
    if (st != SAINT_OK) return st;
    st = saint_preset_apply(&p, u->info, s, notes, err);
    saint_preset_free(&p);
    return st;
}

/* --preset, --compat and --set, as `saint run` reads them. */
static saint_status asked_settings(const ui *u, saint_settings *s, saint_notes *notes, saint_error *err)
{
    const load_options *l = &u->core->opt->load;
    saint_status st = SAINT_OK;
    if (l->preset) st = preset_settings(u, l->preset, s, notes, err);
    if (st == SAINT_OK && l->compat) st = saint_settings_set(s, "compat", l->compat, err);
    for (int i = 0; i < l->set.n && st == SAINT_OK; i++) st = saint_settings_assign(s, l->set.v[i], err);
    return st;
}

static bool fits(const ui *u, const saint_settings *s, saint_error *err)
{
    saint_plan plan;
    return saint_plan_build(&plan, s, u->info, NULL, err) == SAINT_OK;
}

/* What was asked for on the command line, what the session holds or the last model had, or SAINT in both halves, whatever fits first. */
static void choose_settings(ui *u)
{
    const load_options *l = &u->core->opt->load;
    ui_plan *p = &u->plan[UI_NOW];
    saint_settings s;
    saint_notes notes = {0};
    saint_error e = {0};
    memset(&s, 0, sizeof s);
    saint_settings_default(&s);
    bool asked = (l->preset || l->compat || l->set.n) && !u->core->asked_used;
    u->core->asked_used = true;
    if (asked) {
        if (asked_settings(u, &s, &notes, &e) == SAINT_OK && fits(u, &s, &e)) {
            memcpy(&p->settings, &s, sizeof s);
            memcpy(&u->core->asked, &s, sizeof s);
            p->set = true;
        } else ui_say(u, SAINT_UI_SAY_BAD, "%s", e.text);
    } else if (p->set && !fits(u, &p->settings, &e)) {
        ui_log_add(u, SAINT_UI_SAY_WARN, NULL, e.text);
        p->set = false;
    }
    if (!p->set) {
        memset(&s, 0, sizeof s);
        saint_settings_default(&s);
        const char *usual = u->info->llm_layers ? "hybrid" : "vit-classifier";
        if (preset_settings(u, usual, &s, &notes, &e) != SAINT_OK || !fits(u, &s, &e)) {
            memset(&s, 0, sizeof s);
            saint_settings_default(&s);
            (void)saint_settings_set(&s, "use_saint", "false", NULL);
            ui_log_add(u, SAINT_UI_SAY_WARN, NULL, e.text);
        }
        memcpy(&p->settings, &s, sizeof s);
        p->set = true;
    }
    if (u->plan[UI_A].set && !fits(u, &u->plan[UI_A].settings, &e)) {
        u->plan[UI_A].set = false;
        ui_log_add(u, SAINT_UI_SAY_WARN, NULL, e.text);
    }
    for (int i = 0; i < notes.n; i++) ui_log_add(u, SAINT_UI_SAY_INFO, NULL, notes.text[i]);
}

/* ---- coming and going ---- */

static void tell_modules(ui *u)
{
    ui_stop_guests(u, "another model");
    for (int i = 0; ui_module_at(i); i++)
        if (ui_module_at(i)->model) ui_module_at(i)->model(u);
}

void ui_machine_adopt(ui *u, ui_loaded *l)
{
    if (l->ticket != u->core->model_ticket) return; /* another one was asked for meanwhile */
    u->core->opening = false;
    const bool back = u->core->model_back;
    u->core->model_back = false;
    if (l->error.code != SAINT_OK) {
        ui_say(u, SAINT_UI_SAY_BAD, "%s", l->error.text);
        if (back) ui_machine_open(u, u->model_name);
        else u->model_error = l->error;
        return;
    }
    ui_machine *m = &l->machine;
    u->engine = m->engine;
    u->model = m->model;
    u->session = m->session;
    u->worker = m->worker;
    u->company = m->company;
    *m = (ui_machine){0};
    u->info = saint_model_get_info(u->model);
    u->model_error = (saint_error){0};
    free(u->model_name);
    u->model_name = l->file;
    l->file = NULL;
    char seconds[32];
    ui_report(u, SAINT_UI_SAY_INFO, "%s opened in %s: %d ViT and %d LLM layers, %s %s", u->info->name, saint_ui_duration(seconds, sizeof seconds, l->seconds),
           u->info->vit_layers_run, u->info->llm_layers, saint_session_backend(u->session), saint_session_tier(u->session));
    choose_settings(u);
    ui_jobs_model(u);
    tell_modules(u);
    ui_subject_model(u);
    if (!u->info->vit_layers) ui_changed(u); /* no picture to wait for */
}

/* The old one is handed to the loader, which waits for what still runs in it. */
static ui_machine let_go(ui *u)
{
    ui_machine m = {u->engine, u->model, u->session, u->worker, u->company};
    u->info = NULL;
    tell_modules(u);
    u->engine = NULL;
    u->model = NULL;
    u->session = NULL;
    u->worker = NULL;
    u->company = NULL;
    ui_jobs_model(u);
    ui_subject_model(u);
    return m;
}

void ui_machine_open(ui *u, const char *dir)
{
    ui_machine old = u->worker ? let_go(u) : (ui_machine){0};
    u->core->opening = true;
    u->model_error = (saint_error){0};
    u->core->model_ticket = ui_loader_model(u->loader, u->core->opt, dir, old);
    ui_redraw(u);
}

void ui_do_model(ui *u, const char *argument)
{
    if (!*argument) {
        ui_prompt(u, "model ");
        return;
    }
    u->core->model_chosen = true;
    const bool had = u->worker || u->core->model_back;
    ui_machine_open(u, strcmp(argument, "embedded") ? argument : NULL);
    u->core->model_back = had; /* a slip of the finger does not cost the model that was there */
}
