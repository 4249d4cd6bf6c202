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
    bool *shown;   /* [n_rows] what the screen shows */
    bool filtered; /* which is not all there is */
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
                              f->filtered ? "; it has the runs that are shown here" : "");
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
    free(f->shown);
    free(f);
}

static bool is_hidden(const chart_axes *a, int slot) { return slot < 32 && a->hidden & 1u << slot; }

/* What the filter leaves, without the curves that are hidden: of one group of several only the figure drawn last knows the rows. */
static void find_shown(const ui_charts *c, const charts_pane *p, figure_errand *f)
{
    bool part = false;
    for (int g = 0; g < CHART_GROUPS; g++) part = part || is_hidden(&p->axes, CHART_SLOT_GROUP + g);
    for (int i = 0; i < c->data.n_rows; i++) {
        chart_role role = c->data.row[i].role;
        bool hidden = role == CHART_RANDOM ? is_hidden(&p->axes, CHART_SLOT_RANDOM) : role == CHART_UNPRUNED ? is_hidden(&p->axes, CHART_SLOT_UNPRUNED) : part;
        f->shown[i] = (!c->shown || c->shown[i]) && !hidden;
    }
    for (int k = 0; part && k < p->figure.plot.n_series; k++)
        for (int i = 0; p->figure.slot[k] < CHART_SLOT_RANDOM && i < p->figure.series[k].n; i++) f->shown[p->figure.row[k][i]] = true;
    for (int i = 0; i < c->data.n_rows; i++) f->filtered = f->filtered || !f->shown[i];
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
    if (!f || (path && !(f->path = strdup(path))) || !(f->shown = calloc((size_t)c->data.n_rows + 1, sizeof *f->shown))) {
        if (f) free(f->path);
        free(f);
        ui_say(u, SAINT_UI_SAY_BAD, "no memory for a figure");
        return;
    }
    f->set = run_set_ref(c->shown_set);
    f->w = w;
    f->h = h;
    find_shown(c, &c->pane[charts_focus(u)], f);
    snprintf(f->x, sizeof f->x, "%s", c->data.column[a->x].id);
    snprintf(f->y, sizeof f->y, "%s", c->data.column[a->y[0]].id);
    if (a->by >= 0) snprintf(f->by, sizeof f->by, "%s", c->data.column[a->by].id);
    bool curve = c->data.column[a->x].kind == CHART_PARAMETER;
    f->o = (figure_options){.kind = curve ? FIGURE_CURVE : FIGURE_PARETO, .x = f->x, .y = f->y, .by = f->by[0] ? f->by : NULL, .log_x = a->log_x, .shown = f->shown};
    if (errands_add(c->errands, work, done, release, f, &e) != SAINT_OK) {
        release(f);
        ui_say(u, SAINT_UI_SAY_BAD, "%s", e.text);
    }
}

void charts_figure_file(ui *u, const char *path) { add(u, path, 0, 0); }
void charts_figure_text(ui *u, int w, int h) { add(u, NULL, w, h); }
