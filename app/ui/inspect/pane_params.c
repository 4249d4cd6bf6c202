/* pane_params.c - the parameters: stepped, typed, dragged. */
#include <stdio.h>
#include <string.h>

#include "ui/inspect/inspect.h"
#include "ui/panes.h"

void ui_fields_refresh(ui *u)
{
    ui_inspect *in = ui_inspect_of(u);
    const saint_trace *t = u->plan[UI_NOW].trace;
    ui_fields_source from = {.settings = &u->plan[UI_NOW].settings,
                             .other = u->plan[UI_A].set ? &u->plan[UI_A].settings : NULL,
                             .info = u->info,
                             .presets = &in->presets,
                             .marked = u->marked,
                             .n_vit = u->cursor.n_vit,
                             .image_tokens = t && t->n_images ? t->image[0].vit_out : -1,
                             .sys_length = t && t->n_images ? t->image[0].n_prefix : -1,
                             .all = in->all_fields};
    from.stage = ui_stage_of(u, u->cursor.at, &from.layer);
    ui_fields_make(&u->fields, &from);
}

static void draw(ui *u, saint_ui_pen pen)
{
    char note[96];
    ui_fields *f = &u->fields;
    int undos = ui_history_undos(u->history), marked = 0;
    for (int c = 0; c < u->cursor.n && u->marked; c++) marked += u->marked[c];
    snprintf(note, sizeof note, "%s %s  undo %d%s", u->live ? "live" : "manual", saint_ui_sym(pen, u->live ? SAINT_UI_SYM_LIVE : SAINT_UI_SYM_NOT_LIVE), undos,
             ui_inspect_of(u)->all_fields ? "  all" : "");
    char detail[64];
    if (marked) snprintf(detail, sizeof detail, "%d layer%s marked", marked, marked > 1 ? "s" : "");
    else snprintf(detail, sizeof detail, "%s", saint_mode_name(u->plan[UI_NOW].settings.mode));
    bool focus = u->focus == SAINT_UI_PANE_PARAMS;
    saint_ui_pen in = saint_ui_pane_draw(
        pen, &(saint_ui_pane){.title = saint_ui_pane_title(SAINT_UI_PANE_PARAMS), .detail = detail, .note = note, .focus = focus});
    saint_ui_fields_draw(in, f->spec, f->field, f->n, focus ? f->at : -1, &f->top, true, UI_HIT_FIELD);
}

/* What a key or the mouse did to a field. */
static bool settle(ui *u, int i, saint_ui_field_result r)
{
    saint_ui_field *f = &u->fields.field[i];
    if (r == SAINT_UI_FIELD_CHANGED) ui_apply_field(u, i);
    else if (r == SAINT_UI_FIELD_SAME && f->error[0] && f->state != SAINT_UI_FIELD_EDITED) ui_say(u, SAINT_UI_SAY_WARN, "%s", f->error);
    return r != SAINT_UI_FIELD_IGNORED;
}

/* Beside the sliders: the arrows of a choice turn it, a second click on a number opens its editor. */
static bool click(ui *u, int i, int x, const saint_ui_hit *hit, bool again)
{
    saint_ui_field *f = &u->fields.field[i];
    const saint_ui_field_spec *s = &u->fields.spec[i];
    bool turns = s->type == SAINT_UI_FIELD_BOOL || s->type == SAINT_UI_FIELD_CHOICE;
    bool whole_row = hit->rect.w >= saint_ui_layout_find(&u->layout, SAINT_UI_PANE_PARAMS).w - 2;
    if (f->state == SAINT_UI_FIELD_EDITED || (turns ? whole_row : !again)) return true;
    if (turns && x <= hit->rect.x + 1 && s->type == SAINT_UI_FIELD_CHOICE) return settle(u, i, saint_ui_field_step(s, f, -1, false));
    saint_ui_event key = {.kind = SAINT_UI_PRESS, .key = turns ? SAINT_UI_KEY_CHAR : SAINT_UI_KEY_ENTER, .ch = turns ? ' ' : 0};
    return settle(u, i, saint_ui_field_key(s, f, &key));
}

static bool mouse(ui *u, const saint_ui_event *e, const saint_ui_hit *hit)
{
    ui_fields *f = &u->fields;
    ui_inspect *in = ui_inspect_of(u);
    bool field = hit && (hit->what == UI_HIT_FIELD || hit->what == UI_HIT_SLIDER) && hit->value >= 0 && hit->value < f->n;
    int step = e->mouse == SAINT_UI_MOUSE_WHEEL_UP ? 1 : e->mouse == SAINT_UI_MOUSE_WHEEL_DOWN ? -1 : 0;
    if (step) {
        int i = field ? hit->value : -1;
        if (i < 0) return false;
        bool scrolls = f->n > saint_ui_layout_find(&u->layout, SAINT_UI_PANE_PARAMS).h - 2;
        if (!scrolls) f->at = i;
        if (i != f->at) { /* the list is scrolled until a field is chosen: the wheel must not change what it only passes */
            f->at = f->at - step < 0 ? 0 : f->at - step >= f->n ? f->n - 1 : f->at - step;
            return true;
        }
        return settle(u, i, saint_ui_field_step(&f->spec[i], &f->field[i], step, (e->mods & SAINT_UI_CTRL) != 0));
    }
    if (e->mouse == SAINT_UI_MOUSE_UP) {
        in->drag_field = -1;
        return true;
    }
    if (e->mouse == SAINT_UI_MOUSE_DOWN) {
        if (!field) return false;
        bool again = f->at == hit->value;
        f->at = hit->value;
        in->drag_field = -1;
        if (hit->what != UI_HIT_SLIDER) return click(u, f->at, e->x, hit, again);
        in->drag_field = f->at;
        f->slider[f->at] = hit->rect;
    }
    int i = in->drag_field;
    if (i < 0 || i >= f->n || f->slider[i].w < 1) return true;
    double share = f->slider[i].w > 1 ? (double)(e->x - f->slider[i].x) / (f->slider[i].w - 1) : 0;
    return settle(u, i, saint_ui_field_slide(&f->spec[i], &f->field[i], share));
}

static bool event(ui *u, const saint_ui_event *e, const saint_ui_hit *hit)
{
    ui_fields *f = &u->fields;
    if (!f->n || f->at < 0 || f->at >= f->n) return false;
    if (e->kind == SAINT_UI_MOUSE) return mouse(u, e, hit);
    return settle(u, f->at, saint_ui_field_key(&f->spec[f->at], &f->field[f->at], e));
}

static bool captures(const ui *u)
{
    const ui_fields *f = &u->fields;
    return f->at >= 0 && f->at < f->n && f->field[f->at].state == SAINT_UI_FIELD_EDITED;
}

static const saint_ui_action edit_keys[] = {{.key = "Enter", .label = "Set", .weight = 4}, {.key = "Esc", .label = "Leave it", .weight = 5},
                                            {.key = "50% +32 -10%", .label = "also", .weight = 2}, {.key = "Ctrl-U", .label = "Empty", .weight = 1}};
const ui_pane ui_pane_params = {.draw = draw, .event = event, .captures = captures, .keys = edit_keys, .n_keys = sizeof edit_keys / sizeof *edit_keys};
