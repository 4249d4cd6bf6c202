#define _GNU_SOURCE
#include "ui/charts/charts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/gnuplot.h"

/* Everything the thread needs is its own or shared and never changed. */
typedef struct {
    run_set *set;
    figure_options o;
    char x[64], y[64], by[64];
    char *path; /* NULL: as text */
    int w, h;
    char *text;
    double seconds;
    bool filtered; /* the screen shows fewer runs than the figure */
    saint_status status;
    saint_error error;
} figure_errand;

static void work(void *ud)
{
    figure_errand *f = ud;
    double start = saint_now();
    f->status = f->path ? figure_write(f->set->data, &f->o, f->path, &f->error)
                        : figure_text(f->set->data, &f->o, f->w, f->h, &f->text, &f->error);
    f->seconds = saint_now() - start;
}

static void done(void *context, void *ud)
{
    ui *u = context;
    ui_charts *c = u->charts;
    figure_errand *f = ud;
    char took[32];
    if (f->status != SAINT_OK) ui_say(u, SAINT_UI_SAY_BAD, "%s", f->error.text);
    else if (f->path) ui_say(u, SAINT_UI_SAY_GOOD, "%s: written by gnuplot in %s%s", f->path, saint_ui_duration(took, sizeof took, f->seconds),
                              f->filtered ? "; it has all runs, also those that are filtered out or hidden here" : "");
    else {
        free(c->preview);
        c->preview = f->text;
        c->preview_w = f->w;
        c->preview_h = f->h;
        f->text = NULL;
    }
}

static void release(void *ud)
{
    figure_errand *f = ud;
    run_set_unref(f->set);
    free(f->path);
    free(f->text);
    free(f);
}

static void add(ui *u, const char *path, int w, int h)
{
    ui_charts *c = u->charts;
    const chart_axes *a = &c->pane[charts_focus(u)].axes;
    saint_error e = {0};
    if (!c->shown_set || a->x < 0 || a->y[0] < 0) {
        ui_say(u, SAINT_UI_SAY_BAD, "there is nothing to draw yet");
        return;
    }
    figure_errand *f = calloc(1, sizeof *f);
    if (!f || (path && !(f->path = strdup(path)))) {
        free(f);
        ui_say(u, SAINT_UI_SAY_BAD, "no memory for a figure");
        return;
    }
    f->set = run_set_ref(c->shown_set);
    f->w = w;
    f->h = h;
    f->filtered = a->hidden != 0;
    for (int i = 0; i < c->data.n_rows && c->shown; i++) f->filtered = f->filtered || !c->shown[i];
    snprintf(f->x, sizeof f->x, "%s", c->data.column[a->x].id);
    snprintf(f->y, sizeof f->y, "%s", c->data.column[a->y[0]].id);
    if (a->by >= 0) snprintf(f->by, sizeof f->by, "%s", c->data.column[a->by].id);
    bool curve = c->data.column[a->x].kind == CHART_PARAMETER;
    f->o = (figure_options){.kind = curve ? FIGURE_CURVE : FIGURE_PARETO, .x = f->x, .y = f->y, .by = f->by[0] ? f->by : NULL, .log_x = a->log_x};
    if (errands_add(c->errands, work, done, release, f, &e) != SAINT_OK) {
        release(f);
        ui_say(u, SAINT_UI_SAY_BAD, "%s", e.text);
    }
}

void charts_figure_file(ui *u, const char *path) { add(u, path, 0, 0); }
void charts_figure_text(ui *u, int w, int h) { add(u, NULL, w, h); }
