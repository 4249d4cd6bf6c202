#include "ui/charts/charts.h"

#include <math.h>
#include <stdio.h>

static const char *const labels[CHOOSE_ROWS] = {"x", "left y", "right y", "one curve per", "x logarithmic", "left y logarithmic", "Pareto front",
                                                "guides"};
static const char *const docs[CHOOSE_ROWS] = {
    "what the runs are spread over: a parameter, or a cost",
    "what is read at the left",
    "a second thing, read at the right; of all runs together",
    "each value of this parameter becomes a curve of its own",
    NULL,
    NULL,
    "the runs that no other beats in both axes; where x is a cost",
    "a faint line at every tick",
};

static void take(ui_charts *c)
{
    chart_axes *a = &c->pane[c->chooser].axes;
    const saint_ui_field *f = c->choose_field;
    a->x = (int)f[CHOOSE_X].value - 1;
    a->y[0] = (int)f[CHOOSE_LEFT].value - 1;
    a->y[1] = (int)f[CHOOSE_RIGHT].value - 1;
    a->by = (int)f[CHOOSE_BY].value - 1;
    a->log_x = f[CHOOSE_LOG_X].value != 0;
    a->log_y[0] = f[CHOOSE_LOG_LEFT].value != 0;
    a->front = f[CHOOSE_FRONT].value != 0;
    for (int i = 0; i < CHARTS_PANES; i++) c->pane[i].axes.guides = f[CHOOSE_GUIDES].value != 0;
    a->from = a->to = 0;
    c->pane[c->chooser].chosen = true;
    c->pane[c->chooser].cursor = NAN;
    c->mark_version = 0;
}

void charts_chooser_open(ui *u, int pane)
{
    ui_charts *c = u->charts;
    int n = c->data.n_columns < CHARTS_COLUMNS ? c->data.n_columns : CHARTS_COLUMNS;
    const chart_axes *a = &c->pane[pane].axes;
    c->choose_name[0] = "none";
    for (int i = 0; i < n; i++) c->choose_name[i + 1] = c->data.column[i].name;
    const double value[CHOOSE_ROWS] = {a->x + 1, a->y[0] + 1, a->y[1] + 1, a->by + 1, a->log_x, a->log_y[0], a->front, a->guides};
    for (int i = 0; i < CHOOSE_ROWS; i++) {
        c->choose_spec[i] = (saint_ui_field_spec){.name = labels[i], .doc = docs[i], .type = SAINT_UI_FIELD_BOOL};
        if (i <= CHOOSE_BY) {
            c->choose_spec[i].type = SAINT_UI_FIELD_CHOICE;
            c->choose_spec[i].choice = c->choose_name;
            c->choose_spec[i].n_choices = i == CHOOSE_BY ? n + 1 : (c->data.n_numbers < n ? c->data.n_numbers : n) + 1;
        }
        c->choose_field[i] = (saint_ui_field){.value = value[i], .other = NAN};
    }
    c->chooser = pane;
    c->choose_at = c->choose_top = 0;
}

bool charts_chooser_event(ui *u, const saint_ui_event *e)
{
    ui_charts *c = u->charts;
    if (e->kind != SAINT_UI_PRESS && e->kind != SAINT_UI_PASTE) return false;
    saint_ui_field *f = &c->choose_field[c->choose_at];
    saint_ui_field_result r = saint_ui_field_key(&c->choose_spec[c->choose_at], f, e);
    if (r == SAINT_UI_FIELD_CHANGED) {
        f->state = SAINT_UI_FIELD_APPLIED;
        take(c);
    }
    if (r != SAINT_UI_FIELD_IGNORED || f->state == SAINT_UI_FIELD_EDITED) return true;
    bool done = e->key == SAINT_UI_KEY_ESCAPE || e->key == SAINT_UI_KEY_ENTER || (e->key == SAINT_UI_KEY_CHAR && (e->ch == 'c' || e->ch == 'q'));
    if (done) c->chooser = -1;
    else if (e->key == SAINT_UI_KEY_UP && c->choose_at > 0) c->choose_at--;
    else if (e->key == SAINT_UI_KEY_DOWN && c->choose_at < CHOOSE_ROWS - 1) c->choose_at++;
    return true;
}

void charts_draw_chooser(ui *u, saint_ui_pen in)
{
    ui_charts *c = u->charts;
    saint_ui_pen box = saint_ui_overlay(in, 60, CHOOSE_ROWS + 4, "axes", "arrows, letters   Esc close");
    saint_ui_fields_draw(box, c->choose_spec, c->choose_field, CHOOSE_ROWS, c->choose_at, &c->choose_top, true, 0);
}
