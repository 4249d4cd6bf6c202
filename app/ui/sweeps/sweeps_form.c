/* sweeps_form.c - the form of a new sweep on the screen. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ui/sweeps/sweeps.h"

static const char *label_of(int row, char out[24])
{
    static const char *const names[FORM_ROWS] = {[FORM_NAME] = "name",     [FORM_METHOD] = "method",  [FORM_COUNT] = "points",
                                                 [FORM_LIMIT] = "samples", [FORM_REPEAT] = "repeats", [FORM_RANDOM] = "random twins"};
    if (row >= FORM_AXIS && row < FORM_METHOD) snprintf(out, 24, "parameter %d", row - FORM_AXIS + 1);
    else snprintf(out, 24, "%s", names[row] ? names[row] : "");
    return out;
}

static const char *doc_of(const sweep_form *f, int row)
{
    if (row >= FORM_AXIS && row < FORM_METHOD)
        return f->method == SWEEP_GRID ? "key=a,b,c or key=first:last:step; layers as keep_num[3-7]=96,144"
                                       : "key=first:last draws from that range; key=first:last:log in its logarithm";
    switch (row) {
    case FORM_NAME: return "a word by which the sweep is found again";
    case FORM_METHOD: return "grid: every combination; sobol, lhs, random: points drawn from ranges";
    case FORM_COUNT: return "how many points to draw";
    case FORM_LIMIT: return "the first samples of the data set; 0 = all of them";
    case FORM_REPEAT: return "runs of every sample; more than one tells how steady times are";
    case FORM_RANDOM: return "for every run one that drops as many tokens at random: what a method is worth";
    default: return "Enter starts it in the background";
    }
}

void sweeps_form_changed(ui *u)
{
    ui_sweeps *s = u->sweeps;
    sweep_ground g;
    s->form_error = (saint_error){0};
    s->form_good = sweeps_ground(u, &g) && sweep_form_check(&s->form, &g, &s->estimate, &s->form_error) == SAINT_OK;
}

/* ---- drawing ---- */

/* Lines for parameters as far as they are used, and one more. */
static bool row_shown(const sweep_form *f, int row)
{
    if (row <= FORM_AXIS || row >= FORM_METHOD) return sweep_form_row_used(f, row);
    for (int i = row - 1; i < FORM_METHOD; i++)
        if (f->line[i].text[0]) return true;
    return f->at == row;
}

static void estimate_text(const sweep_estimate *e, char *out, size_t size)
{
    char took[32], bytes[32];
    int n = snprintf(out, size, "%zu runs x %zu samples = %zu", e->runs, e->samples, e->units);
    if (isfinite(e->seconds) && n > 0 && (size_t)n < size)
        n += snprintf(out + n, size - (size_t)n, ", at most %s as timed here", saint_ui_duration(took, sizeof took, e->seconds));
    if (isfinite(e->bytes) && n > 0 && (size_t)n < size) snprintf(out + n, size - (size_t)n, ", %s", saint_ui_bytes(bytes, sizeof bytes, e->bytes));
}

static void draw_row(saint_ui_pen p, sweep_form *f, int row, int y, bool focus, bool bad)
{
    char label[24];
    bool here = focus && f->at == row;
    enum { LABEL = 14 };
    saint_ui_text(p, 1, y, LABEL, here ? SAINT_UI_STRONG : SAINT_UI_MUTED, label_of(row, label));
    saint_ui_pen value = saint_ui_pen_part(p, LABEL + 1, y, p.area.w - LABEL - 2, 1);
    saint_ui_hit_add(p, 0, y, p.area.w, 1, 1, row);
    if (sweep_form_is_text(row)) {
        saint_ui_line_draw(value, &f->line[row], here, bad);
        return;
    }
    char text[64];
    if (row == FORM_METHOD) snprintf(text, sizeof text, "%s %s %s", saint_ui_sym(p, SAINT_UI_SYM_LEFT), sweep_method_name((sweep_method)f->method), saint_ui_sym(p, SAINT_UI_SYM_RIGHT));
    else if (row == FORM_RANDOM) snprintf(text, sizeof text, "%s %s %s", saint_ui_sym(p, SAINT_UI_SYM_LEFT), f->random ? "yes" : "no", saint_ui_sym(p, SAINT_UI_SYM_RIGHT));
    else snprintf(text, sizeof text, " Start ");
    saint_ui_text(value, 0, 0, -1, here ? SAINT_UI_SELECT : row == FORM_START ? SAINT_UI_KEY : SAINT_UI_TEXT, text);
}

void sweeps_form_draw(ui *u, saint_ui_pen in)
{
    ui_sweeps *s = u->sweeps;
    sweep_form *f = &s->form;
    char text[200];
    int y = 0, foot = in.area.h > FORM_ROWS + 3 ? 4 : 3, room = in.area.h - foot, before = 0;
    saint_ui_clear(in, SAINT_UI_TEXT);
    for (int row = 0; row < f->at; row++) before += row_shown(f, row);
    int skip = before >= room ? before - room + 1 : 0; /* few rows: the one under the cursor stays in view */
    for (int row = 0; row < FORM_ROWS; row++) {
        if (!row_shown(f, row)) continue;
        if (skip-- > 0) continue;
        if (y >= room) break;
        draw_row(in, f, row, y++, u->focus == SAINT_UI_PANE_RUNS, !s->form_good && s->estimate.row == row);
    }
    y = in.area.h - foot + (foot > 3);
    saint_ui_text(in, 1, y, -1, SAINT_UI_FAINT, doc_of(f, f->at));
    if (!s->form_good) {
        saint_ui_paragraph(in, 1, y + 1, in.area.w - 2, 2, 0, SAINT_UI_BAD, s->form_error.text[0] ? s->form_error.text : "not possible now");
        return;
    }
    estimate_text(&s->estimate, text, sizeof text);
    saint_ui_text(in, 1, y + 1, -1, SAINT_UI_PREDICTED, text);
    if (s->estimate.note[0]) saint_ui_text(in, 1, y + 2, -1, SAINT_UI_WARN, s->estimate.note);
    else if (s->estimate.runs > FORM_ASK) saint_ui_textf(in, 1, y + 2, -1, SAINT_UI_WARN, "more than %d runs: you will be asked", FORM_ASK);
}

/* ---- keys ---- */

static void step_row(sweep_form *f, int by)
{
    int row = f->at;
    do row += by;
    while (row > 0 && row < FORM_ROWS && !row_shown(f, row));
    if (row >= 0 && row < FORM_ROWS) f->at = row;
}

static void step_value(sweep_form *f, int by)
{
    static const sweep_method order[] = {SWEEP_GRID, SWEEP_SOBOL, SWEEP_LHS, SWEEP_RANDOM};
    if (f->at == FORM_RANDOM) f->random = !f->random;
    if (f->at != FORM_METHOD) return;
    for (int i = 0; i < 4; i++)
        if ((int)order[i] == f->method) {
            f->method = (int)order[(i + 4 + by) % 4];
            return;
        }
}

bool sweeps_form_event(ui *u, const saint_ui_event *e)
{
    ui_sweeps *s = u->sweeps;
    sweep_form *f = &s->form;
    if (e->kind != SAINT_UI_PRESS && e->kind != SAINT_UI_PASTE) return false;
    bool press = e->kind == SAINT_UI_PRESS;
    if (press && e->key == SAINT_UI_KEY_ESCAPE) {
        s->form_open = false;
        return true;
    }
    if (press && (e->key == SAINT_UI_KEY_UP || e->key == SAINT_UI_KEY_BACK_TAB)) return step_row(f, -1), true;
    if (press && (e->key == SAINT_UI_KEY_DOWN || e->key == SAINT_UI_KEY_TAB)) return step_row(f, 1), true;
    if (press && e->key == SAINT_UI_KEY_ENTER) {
        if (f->at == FORM_START) sweeps_begin(u, false);
        else step_row(f, 1);
        return true;
    }
    if (sweep_form_is_text(f->at)) {
        if (!saint_ui_line_key(&f->line[f->at], e)) return true; /* letters must not become commands while one types */
    } else if (press && (e->key == SAINT_UI_KEY_LEFT || e->key == SAINT_UI_KEY_RIGHT || (e->key == SAINT_UI_KEY_CHAR && e->ch == ' ')))
        step_value(f, e->key == SAINT_UI_KEY_LEFT ? -1 : 1);
    else return true;
    sweeps_form_changed(u);
    return true;
}
