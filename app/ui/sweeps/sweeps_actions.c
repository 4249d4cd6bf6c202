/* sweeps_actions.c - what keys and commands do on the Sweep page. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "export/export.h"
#include "ui/actions.h"
#include "ui/sweeps/sweeps.h"

/* ---- new ones ---- */

/* s1, s2 .. the first that no folder has. */
static void next_name(const ui *u, char out[32])
{
    for (int k = 1;; k++) {
        bool taken = false;
        snprintf(out, 32, "s%d", k);
        for (int i = 0; i < u->sweeps->n && !taken; i++) {
            const char *slash = strrchr(u->sweeps->entry[i]->folder, '/'), *base = slash ? slash + 1 : u->sweeps->entry[i]->folder;
            size_t n = strlen(out);
            taken = strcmp(u->sweeps->entry[i]->name, out) == 0 || (strncmp(base, out, n) == 0 && (base[n] == '-' || !base[n]));
        }
        if (!taken) return;
    }
}

static bool fill_form(ui *u, const char *words)
{
    sweep_form *f = &u->sweeps->form;
    saint_error err;
    char name[32], first[128];
    next_name(u, name);
    sweep_form_init(f, name);
    if (sweep_form_read(f, words, &err) != SAINT_OK) {
        ui_say(u, SAINT_UI_SAY_BAD, "%s", err.text);
        return false;
    }
    if (!f->line[FORM_AXIS].text[0]) {
        sweep_form_propose(&u->plan[UI_NOW].settings, u->info, first, sizeof first);
        saint_ui_line_set(&f->line[FORM_AXIS], first);
    }
    return true;
}

void ui_do_sweep_new(ui *u, const char *argument)
{
    sweep_ground g;
    if (!sweeps_ground(u, &g) || !fill_form(u, argument)) return;
    u->sweeps->form_open = true;
    ui_go(u, SAINT_UI_PAGE_SWEEP);
    u->focus = SAINT_UI_PANE_RUNS;
    sweeps_form_changed(u);
}

void ui_do_sweep_start(ui *u, const char *argument)
{
    bool sure = strcmp(argument, "yes") == 0;
    if (*argument && !sure && !fill_form(u, argument)) return;
    if (!*argument && !u->sweeps->form_open) {
        ui_say(u, SAINT_UI_SAY_BAD, "sweep-start: name parameters and values, such as keep_num=96,144,192, or open the form with n");
        return;
    }
    sweeps_begin(u, sure);
}

/* The field under the cursor as the first parameter. */
void ui_do_sweep_field(ui *u, const char *argument)
{
    char words[200] = "";
    int at = u->fields.at;
    if (*argument) snprintf(words, sizeof words, "%s", argument);
    else if (at >= 0 && at < u->fields.n && u->fields.key[at] && strcmp(u->fields.key[at], "preset") != 0) {
        const saint_ui_field_spec *s = &u->fields.spec[at];
        char low[40], high[40];
        const char *key = u->fields.key[at];
        if (s->type == SAINT_UI_FIELD_CHOICE || s->type == SAINT_UI_FIELD_BOOL) {
            int n = snprintf(words, sizeof words, "%s=", key);
            for (int i = 0; s->type == SAINT_UI_FIELD_CHOICE && i < s->n_choices && n > 0 && (size_t)n < sizeof words; i++)
                n += snprintf(words + n, sizeof words - (size_t)n, "%s%s", i ? "," : "", s->choice[i]);
            if (s->type == SAINT_UI_FIELD_BOOL) snprintf(words + n, sizeof words - (size_t)n, "true,false");
        } else {
            double least = s->unset && s->min < 0 ? 0 : s->min;
            snprintf(low, sizeof low, "%.6g", s->type == SAINT_UI_FIELD_INT ? (double)(long)(least + (s->max - least) / 8) : least + (s->max - least) / 2);
            snprintf(high, sizeof high, "%.6g", s->max);
            double step = s->type == SAINT_UI_FIELD_INT ? (double)(long)((s->max - least) / 8) : (s->max - least) / 20;
            snprintf(words, sizeof words, "%s=%s:%s:%.6g", key, low, high, step > 0 ? step : 1);
        }
    }
    ui_do_sweep_new(u, words);
}

/* ---- those that are there ---- */

static sweep_entry *need(ui *u)
{
    sweep_entry *e = sweeps_selected(u);
    if (!e) ui_say(u, SAINT_UI_SAY_BAD, "there is no sweep; n defines one from the live plan");
    return e;
}

void ui_do_sweep_pause(ui *u, const char *argument)
{
    sweep_entry *e = need(u);
    if (!e) return;
    bool off = strcmp(argument, "off") == 0, on = strcmp(argument, "on") == 0;
    if (on || (!off && e->state == CHILD_RUNNING)) sweeps_stop(u, e, CHILD_PAUSE);
    else if (sweeps_run(u, e, CHILD_START)) ui_say(u, SAINT_UI_SAY_INFO, "%s goes on; what is finished is not run again", e->name);
}

void ui_do_sweep_cancel(ui *u, const char *argument)
{
    sweep_entry *e = need(u);
    if (!e) return;
    if (strcmp(argument, "yes") != 0 && e->state == CHILD_RUNNING) {
        char text[200];
        const sweep_data *d = e->set ? e->set->data : NULL;
        snprintf(text, sizeof text, "Cancel %.60s? The %zu of %zu samples that are finished are kept; p goes on with it later.", e->name, d ? d->done : 0, d ? d->units : 0);
        ui_ask(u, text, "sweep-cancel yes");
        return;
    }
    sweeps_stop(u, e, CHILD_CANCEL);
}

void ui_do_sweep_retry(ui *u, const char *argument)
{
    (void)argument;
    sweep_entry *e = need(u);
    if (e && sweeps_run(u, e, CHILD_RETRY)) ui_say(u, SAINT_UI_SAY_INFO, "%s: failed samples and what is left run again", e->name);
}

void ui_do_sweep_open(ui *u, const char *argument)
{
    char path[4096];
    if (!*argument) {
        ui_prompt(u, "sweep-open ");
        return;
    }
    sweep_entry *e = sweeps_add(u, sweeps_path(argument, path, sizeof path));
    if (!e) return;
    for (int i = 0; i < u->sweeps->n; i++)
        if (u->sweeps->entry[i] == e) sweeps_select(u, i);
    if (!e->set && !e->reading) sweeps_read(u, e);
    ui_go(u, SAINT_UI_PAGE_SWEEP);
}

void ui_do_sweep_select(ui *u, const char *argument)
{
    ui_sweeps *s = u->sweeps;
    char *end;
    long n = strtol(argument, &end, 10);
    bool step = argument[0] == '+' || argument[0] == '-';
    int to = -1;
    if (*argument && !*end) to = (int)(step ? s->at + n : n - 1);
    for (int i = 0; i < s->n && to < 0 && !step; i++)
        if (strcmp(s->entry[i]->name, argument) == 0) to = i;
    if (to < 0 || to >= s->n) ui_say(u, SAINT_UI_SAY_BAD, "there are %d sweeps; name one or give its number", s->n);
    else sweeps_select(u, to);
}

/* ---- the table ---- */

void ui_do_filter_runs(ui *u, const char *argument)
{
    ui_sweeps *s = u->sweeps;
    saint_error err;
    char text[320];
    if (!*argument) {
        snprintf(text, sizeof text, "filter-runs %s", s->runs.filter_text[0] ? s->runs.filter_text : "acc >= 0.9");
        ui_prompt(u, text);
        return;
    }
    if (run_table_filter(&s->runs, strcmp(argument, "all") == 0 ? "" : argument, &err) != SAINT_OK) ui_say(u, SAINT_UI_SAY_BAD, "%s", err.text);
    else ui_say(u, SAINT_UI_SAY_INFO, "%d of %zu runs; `filter-runs all` shows the others again", s->runs.n_rows, s->runs.t ? table_rows(s->runs.t) : 0);
    s->filter_version++;
}

void ui_do_sort_runs(ui *u, const char *argument)
{
    ui_sweeps *s = u->sweeps;
    saint_error err;
    if (run_table_sort(&s->runs, argument, &err) != SAINT_OK) ui_say(u, SAINT_UI_SAY_BAD, "%s", err.text);
    else if (s->runs.state.sort >= 0)
        ui_say(u, SAINT_UI_SAY_INFO, "sorted by %s, %s first; a click on a heading does it too", s->runs.head[s->runs.state.sort].title,
               s->runs.state.descending ? "largest" : "smallest");
}

void ui_do_pareto(ui *u, const char *argument)
{
    (void)argument;
    run_table *r = &u->sweeps->runs;
    run_table_pareto(r, !r->pareto);
    u->sweeps->filter_version++;
    if (r->pareto && r->t && !r->n_rows) ui_say(u, SAINT_UI_SAY_INFO, "the front takes only runs with all their samples: none yet; P shows all");
}

/* ---- a run as a plan ---- */

/* NULL after saying that there is none. */
static const sweep_trial *trial_of(ui *u, const sweep_data *d, int ordinal)
{
    for (int i = 0; i < d->n_trials; i++)
        if (d->trial[i].trial.ordinal == ordinal) return &d->trial[i];
    ui_say(u, SAINT_UI_SAY_BAD, "there is no run %d", ordinal);
    return NULL;
}

static void warn_of_model(ui *u, const sweep_data *d)
{
    char own[65];
    if (!u->info || !d->model_sha256 || !*d->model_sha256) return;
    saint_digest_hex(&u->info->digest, own);
    if (strncmp(own, d->model_sha256, 64) != 0) ui_say(u, SAINT_UI_SAY_WARN, "these runs were made on another model (%s)", d->model ? d->model : "?");
}

void sweeps_load_trial(ui *u, const sweep_data *d, int ordinal)
{
    char label[96];
    const sweep_trial *t = trial_of(u, d, ordinal);
    if (!t) return;
    sweeps_twin_forget(u->sweeps);
    if (t->trial.twin_of >= 0) {
        if (!sweeps_twin(u, d, t, false)) return;
        warn_of_model(u, d);
        ui_go(u, SAINT_UI_PAGE_INSPECT);
        return;
    }
    snprintf(label, sizeof label, "run %d of %.60s", ordinal, d->name);
    ui_replace(u, &t->trial.settings, label);
    ui_say(u, SAINT_UI_SAY_INFO, "%s is the live plan; u takes it back", label);
    warn_of_model(u, d);
    ui_go(u, SAINT_UI_PAGE_INSPECT);
}

/* Ordinal given, else of the selected row; -1 after saying why. */
static int run_of(ui *u, const char *argument, const sweep_data **d)
{
    run_set *set = sweeps_set(u);
    char *end;
    long n = strtol(argument, &end, 10);
    if (!set) {
        ui_say(u, SAINT_UI_SAY_BAD, "there is no sweep to take a run from");
        return -1;
    }
    *d = set->data;
    if (*argument && !*end) return (int)n;
    int trial = run_table_trial(&u->sweeps->runs);
    if (trial < 0) ui_say(u, SAINT_UI_SAY_BAD, "no run is selected");
    return trial < 0 ? -1 : set->data->trial[trial].trial.ordinal;
}

void ui_do_run_load(ui *u, const char *argument)
{
    const sweep_data *d;
    int ordinal = run_of(u, argument, &d);
    if (ordinal >= 0) sweeps_load_trial(u, d, ordinal);
}

void sweeps_pin(ui *u, const saint_settings *s)
{
    ui_plan *a = &u->plan[UI_A];
    a->settings = *s;
    a->set = true;
    a->version++;
    a->error = (saint_error){0};
    ui_want(u, UI_A);
}

void ui_do_run_pin(ui *u, const char *argument)
{
    const sweep_data *d;
    int ordinal = run_of(u, argument, &d);
    const sweep_trial *t = ordinal >= 0 ? trial_of(u, d, ordinal) : NULL;
    if (!t) return;
    if (t->trial.twin_of >= 0) {
        if (sweeps_twin(u, d, t, true)) warn_of_model(u, d);
        return;
    }
    sweeps_pin(u, &t->trial.settings);
    ui_say(u, SAINT_UI_SAY_GOOD, "run %d of %s is plan A", ordinal, d->name);
    warn_of_model(u, d);
}

/* ---- files ---- */

typedef struct {
    run_set *set;
    char path[4096];
    saint_status status;
    saint_error error;
    size_t rows;
} csv_errand;

static void csv_work(void *ud)
{
    csv_errand *c = ud;
    table *t = NULL;
    text_buf out = {0};
    c->status = table_samples(c->set->data, &t, &c->error);
    if (c->status == SAINT_OK) {
        export_csv(t, &(export_options){.timing = true}, &out);
        c->rows = table_rows(t);
        c->status = text_status(&out, c->path, &c->error);
        if (c->status == SAINT_OK) c->status = saint_file_write(c->path, out.p, out.n, &c->error);
    }
    text_free(&out);
    table_free(t);
}

static void csv_done(void *context, void *ud)
{
    csv_errand *c = ud;
    if (c->status == SAINT_OK) ui_say(context, SAINT_UI_SAY_GOOD, "%s: %zu samples", c->path, c->rows);
    else ui_say(context, SAINT_UI_SAY_BAD, "%s", c->error.text);
}

static void csv_release(void *ud)
{
    csv_errand *c = ud;
    run_set_unref(c->set);
    free(c);
}

static void samples_csv(ui *u, const char *path)
{
    saint_error err;
    csv_errand *c = calloc(1, sizeof *c);
    if (!c) {
        ui_say(u, SAINT_UI_SAY_BAD, "no memory for a table");
        return;
    }
    c->set = run_set_ref(sweeps_set(u));
    snprintf(c->path, sizeof c->path, "%s", path);
    if (errands_add(u->sweeps->errands, csv_work, csv_done, csv_release, c, &err) == SAINT_OK) return;
    csv_release(c);
    ui_say(u, SAINT_UI_SAY_BAD, "%s", err.text);
}

void ui_do_runs_csv(ui *u, const char *argument)
{
    ui_sweeps *s = u->sweeps;
    char path[4096], text[200];
    saint_error err = {0};
    bool samples = strncmp(argument, "samples ", 8) == 0;
    if (!s->runs.t) {
        ui_say(u, SAINT_UI_SAY_BAD, "there is no sweep to write");
        return;
    }
    if (!*argument) {
        snprintf(text, sizeof text, "csv %.100s.csv", sweeps_selected(u)->name);
        ui_prompt(u, text);
        return;
    }
    sweeps_path(samples ? argument + 8 : argument, path, sizeof path);
    if (samples) {
        samples_csv(u, path);
        return;
    }
    text_buf out = {0};
    export_csv(s->runs.t, &(export_options){.timing = true, .where = s->runs.filter}, &out);
    saint_status st = text_status(&out, path, &err);
    if (st == SAINT_OK) st = saint_file_write(path, out.p, out.n, &err);
    text_free(&out);
    if (st != SAINT_OK) ui_say(u, SAINT_UI_SAY_BAD, "%s", err.text);
    else ui_say(u, SAINT_UI_SAY_GOOD, "%s: %s%s", path, s->runs.filter ? "the runs that the filter leaves" : "all runs so far",
                s->runs.set->data->complete ? "" : "; the sweep is not complete");
}
