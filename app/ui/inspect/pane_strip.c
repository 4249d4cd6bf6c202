/* pane_strip.c - the strip over all layers: the cursor every page shares, and the layers that are edited together. */
#include <stdlib.h>

#include "ui/inspect/inspect.h"
#include "ui/panes.h"

static void draw(ui *u, saint_ui_pen pen)
{
    if (u->cursor.n < 1) {
        saint_ui_clear(pen, SAINT_UI_TEXT);
        return;
    }
    saint_ui_strip_layer *layer = calloc((size_t)u->cursor.n, sizeof *layer);
    if (!layer) return;
    ui_strip_layers(u, UI_NOW, layer);
    const saint_trace_site *s = ui_site(u, UI_NOW, u->cursor.at);
    saint_ui_strip_draw(pen,
                        &(saint_ui_strip){.layer = layer,
                                          .n = u->cursor.n,
                                          .cursor = u->cursor.at,
                                          .most = u->info ? u->info->grid_w * u->info->grid_h : 0,
                                          .rounds = s && s->n_rounds > 1 ? s->n_rounds : 0,
                                          .round = u->cursor.round,
                                          .focus = u->focus == SAINT_UI_PANE_STRIP,
                                          .playing = u->cursor.playing},
                        UI_HIT_LAYER);
    free(layer);
}

static bool event(ui *u, const saint_ui_event *e, const saint_ui_hit *hit)
{
    ui_inspect *in = ui_inspect_of(u);
    if (e->kind == SAINT_UI_PRESS) {
        if (e->key == SAINT_UI_KEY_HOME) ui_layer(u, 0);
        else if (e->key == SAINT_UI_KEY_END) ui_layer(u, u->cursor.n - 1);
        else return false;
        return true;
    }
    if (e->kind != SAINT_UI_MOUSE) return false;
    int at = hit && hit->what == UI_HIT_LAYER ? hit->value : -1;
    u->cursor.playing = u->cursor.playing && e->mouse == SAINT_UI_MOUSE_UP;
    switch (e->mouse) {
    case SAINT_UI_MOUSE_DOWN:
        if (at < 0) return false;
        in->strip_drag = e->button == 3 ? 2 : 1;
        if (in->strip_drag == 2 && u->marked) in->strip_mark = !u->marked[at];
        break;
    case SAINT_UI_MOUSE_DRAG: break;
    case SAINT_UI_MOUSE_UP: in->strip_drag = 0; return true;
    case SAINT_UI_MOUSE_WHEEL_UP: ui_layer(u, u->cursor.at - 1); return true;
    case SAINT_UI_MOUSE_WHEEL_DOWN: ui_layer(u, u->cursor.at + 1); return true;
    }
    if (at >= 0 && in->strip_drag == 2 && u->marked) u->marked[at] = in->strip_mark;
    else if (at >= 0 && at != u->cursor.at) ui_layer(u, at);
    return true;
}

const ui_pane ui_pane_strip = {.draw = draw, .event = event};
