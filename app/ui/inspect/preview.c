/* preview.c - what the first changed site decides, before the run that is on its way has got there. */
#include "ui/ui.h"

void ui_preview(ui *u)
{
    ui_plan *p = &u->plan[UI_NOW];
    saint_trace_site_unref(p->preview);
    p->preview = NULL;
    int at = ui_first_change(u, UI_NOW), layer;
    saint_request r;
    saint_look *l;
    if (at >= u->cursor.n || !ui_stale(u, UI_NOW) || !ui_request(u, UI_NOW, &r)) return; /* a fresh trace knows it all */
    saint_stage stage = ui_stage_of(u, at, &layer);
    if (saint_look_open(&l, u->session, &r, 0, stage, layer, NULL) != SAINT_OK) return;
    if (saint_look_site(l) && saint_look_decide(l, NULL, &p->preview, NULL) != SAINT_OK) p->preview = NULL;
    saint_look_close(l);
}
