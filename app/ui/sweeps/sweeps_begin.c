/* sweeps_begin.c - from the form to a running process: folder, request, command. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ui/loop/core.h"
#include "ui/sweeps/sweeps.h"

/* Seconds of one run as measured here last: of the unpruned model where it ran, because most of a sweep costs less. */
static double sample_seconds(const ui *u)
{
    static const int slots[] = {UI_BASE, UI_NOW};
    for (int i = 0; i < 2; i++) {
        const saint_trace *t = u->plan[slots[i]].trace;
        eval_result r = {0};
        if (!t || !u->model || eval_result_of(&r, u->model, t, NULL, NULL) != SAINT_OK) continue;
        double seconds = r.s_total;
        eval_result_free(&r);
        if (seconds > 0) return seconds;
    }
    return NAN;
}

void sweeps_first_focus(ui *u) { u->core->left[SAINT_UI_PAGE_SWEEP] = SAINT_UI_PANE_RUNS; }

bool sweeps_ground(ui *u, sweep_ground *out)
{
    const ui_options *o = u->core->opt;
    const char *missing = !u->info                ? "a sweep needs a model; it is still being opened"
                          : o->load.shape         ? "a sweep needs a model folder: random weights answer nothing"
                          : !u->subject.data      ? "a sweep needs a data set: `open KIND:PATH`"
                          : !u->subject.data_name ? "a sweep needs a data set with a name"
                                                  : NULL;
    if (missing) {
        ui_say(u, SAINT_UI_SAY_BAD, "%s", missing);
        return false;
    }
    *out = (sweep_ground){.base = &u->plan[UI_NOW].settings,
                          .info = u->info,
                          .dataset = u->subject.data,
                          .model = u->model_name,
                          .data = u->subject.data_name,
                          .dtype = saint_dtype_name(o->session.dtype),
                          .backend = u->session ? saint_session_backend(u->session) : "cpu",
                          .template_name = o->load.template_name,
                          .image_mode = o->load.image_mode,
                          .sample_seconds = sample_seconds(u)};
    return true;
}

/* ---- the command ---- */

typedef struct {
    const char *word[64];
    int n;
    char tower[PATH_MAX];
} command;

static void word(command *c, const char *text)
{
    if (c->n < 63) c->word[c->n++] = text;
}

static void option(command *c, const char *name, const char *value)
{
    if (!value) return;
    word(c, name);
    word(c, value);
}

/* Everything about what is run stands in request.json; the command says where and on what. */
static void make_command(const ui *u, const char *request, const char *folder, command *c)
{
    const load_options *l = &u->core->opt->load;
    c->n = 0;
    word(c, "saint");
    word(c, "sweep");
    word(c, request);
    option(c, "--out", folder);
    if (l->vision_tower) option(c, "--vision-tower", realpath(l->vision_tower, c->tower) ? c->tower : l->vision_tower); /* it may go on from another folder */
    option(c, "--template", l->template_name);
    option(c, "--image-mode", l->image_mode);
    option(c, "--backend", l->backend);
    option(c, "--device", l->device);
    option(c, "--dtype", l->dtype);
    option(c, "--threads", l->threads);
    option(c, "--tier", l->tier);
}

static saint_status write_request(const sweep_spec *spec, const char *path, saint_error *err)
{
    cJSON *c = sweep_spec_json(spec);
    char *text = c ? cJSON_Print(c) : NULL;
    saint_status s = text ? saint_file_write(path, text, strlen(text), err) : saint_fail(err, SAINT_MEMORY, "%s: no memory", path);
    cJSON_free(text);
    cJSON_Delete(c);
    return s;
}

/* NAME-12345678: the digits are those of the plan's identity, so the same sweep again goes on, and with more values grows. */
static saint_status folder_of(ui *u, const sweep_spec *spec, const sweep_ground *g, char *out, size_t size, saint_error *err)
{
    char root[4096];
    sweep_plan plan;
    const sweep_scene scene = {.model = g->model, .info = g->info, .data = g->data, .dataset = g->dataset, .dtype = g->dtype,
                               .backend = g->backend, .template_name = g->template_name, .image_mode = g->image_mode};
    if (!ui_path(u, UI_STATE, "sweeps", root, sizeof root)) return saint_fail(err, SAINT_IO, "there is no folder to keep sweeps in; the log says why");
    saint_status s = sweep_plan_make(spec, &scene, &plan, NULL, err);
    snprintf(out, size, "%s/%s-%.8s", root, plan.name, plan.id);
    sweep_plan_free(&plan);
    if (s != SAINT_OK) return s;
    if ((mkdir(root, 0700) != 0 && errno != EEXIST) || (mkdir(out, 0700) != 0 && errno != EEXIST))
        return saint_fail(err, SAINT_IO, "%s: cannot be made: %s", out, strerror(errno));
    return SAINT_OK;
}

/* A folder that runs already must not get a second process, nor a request that the first one does not know. */
static sweep_entry *listed(ui *u, const char *folder)
{
    char *full = realpath(folder, NULL);
    sweep_entry *e = NULL;
    for (int i = 0; full && i < u->sweeps->n; i++)
        if (strcmp(u->sweeps->entry[i]->folder, full) == 0) e = u->sweeps->entry[i];
    free(full);
    return e;
}

static sweep_entry *prepare(ui *u, const sweep_ground *g, saint_error *err)
{
    sweep_spec spec;
    char folder[4400], request[4500];
    command c;
    saint_status s = sweep_form_spec(&u->sweeps->form, g, &spec, NULL, err);
    if (s == SAINT_OK) s = folder_of(u, &spec, g, folder, sizeof folder, err);
    sweep_entry *e = s == SAINT_OK ? listed(u, folder) : NULL;
    if (e && child_alive(e->state)) s = saint_fail(err, SAINT_STATE, "%s is running; pause it first", e->name);
    snprintf(request, sizeof request, "%s/request.json", folder);
    if (s == SAINT_OK) s = write_request(&spec, request, err);
    sweep_spec_free(&spec);
    if (s != SAINT_OK) return NULL;
    make_command(u, request, folder, &c);
    launch_record r = {.state = CHILD_IDLE};
    s = launch_command(&r, c.n, c.word, err);
    if (s == SAINT_OK) s = launch_save(folder, &r, err);
    if (s == SAINT_OK && e) {
        launch_free(&e->launch);
        e->launch = r;
        e->state = CHILD_IDLE;
        return e;
    }
    launch_free(&r);
    return s == SAINT_OK ? sweeps_add(u, folder) : NULL;
}

void sweeps_begin(ui *u, bool sure)
{
    ui_sweeps *s = u->sweeps;
    sweep_ground g;
    saint_error err = {0};
    if (!sweeps_ground(u, &g)) return;
    if (sweep_form_check(&s->form, &g, &s->estimate, &err) != SAINT_OK) {
        s->form_good = false;
        s->form_error = err;
        if (s->estimate.row >= 0) s->form.at = s->estimate.row;
        ui_say(u, SAINT_UI_SAY_BAD, "%s", err.text);
        return;
    }
    if (s->estimate.runs > FORM_ASK && !sure) {
        char text[200], took[32];
        snprintf(text, sizeof text, "%zu runs of %zu samples, at most %s. Start?", s->estimate.runs, s->estimate.samples,
                 saint_ui_duration(took, sizeof took, s->estimate.seconds));
        ui_ask(u, text, "sweep-start yes");
        return;
    }
    sweep_entry *e = prepare(u, &g, &err);
    if (!e) {
        if (err.text[0]) ui_say(u, SAINT_UI_SAY_BAD, "%s", err.text);
        return;
    }
    for (int i = 0; i < s->n; i++)
        if (s->entry[i] == e) sweeps_select(u, i);
    char *name = strdup(s->form.line[FORM_NAME].text);
    if (name) free(e->name), e->name = name;
    s->form_open = false;
    if (sweeps_run(u, e, CHILD_START)) ui_say(u, SAINT_UI_SAY_GOOD, "sweep %s: %zu runs of %zu samples, in %s", e->name, s->estimate.runs, s->estimate.samples, e->folder);
    ui_go(u, SAINT_UI_PAGE_SWEEP);
}
