/* One frame: layout, header, panes, message row, footer, overlays. Reads the state; what it corrects is the focus and the size. */
#include "ui/loop/core.h"
#include "ui/inspect/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HIT_TAB = UI_HIT_CORE + 1, HIT_ACTION };

static double aspect_of(const ui *u)
{
    const ui_subject *s = &u->subject;
    if (s->rect.w > 0 && s->rect.h > 0) return s->rect.w / s->rect.h;
    return s->image.h > 0 && !u->info ? (double)s->image.w / s->image.h : 1;
}

static void lay_out(ui *u)
{
    if (u->inspect) ui_fields_refresh(u); /* how many there are decides how much room they get */
    saint_ui_layout_wish wish = {.grid_w = u->info ? u->info->grid_w : 0,
                                 .grid_h = u->info ? u->info->grid_h : 0,
                                 .aspect = aspect_of(u),
                                 .fields = u->fields.n,
                                 .facts = u->page == SAINT_UI_PAGE_COMPARE ? 10 : u->info && u->info->llm_layers ? (u->canvas.h >= 50 ? 13 : 11) : 9, /* all, and lines for a long answer */
                                 .whole_image = u->whole_image,
                                 .focus = u->focus};
    saint_ui_layout_make(&u->layout, u->page, u->canvas.w, u->canvas.h, &wish);
    if (saint_ui_layout_find(&u->layout, u->focus).w) return;
    saint_ui_pane_id first = saint_ui_layout_next(&u->layout, SAINT_UI_PANE_NONE, 1);
    if (first != SAINT_UI_PANE_NONE) u->focus = first;
}

static void draw_header(ui *u, saint_ui_pen p)
{
    const char *tab[SAINT_UI_PAGE_COUNT], *part[3];
    char model[200], sample[400];
    const ui_subject *s = &u->subject;
    for (int i = 0; i < SAINT_UI_PAGE_COUNT; i++) tab[i] = saint_ui_page_title(i);
    if (u->info) snprintf(model, sizeof model, "%s%s", u->info->name, u->info->random_weights ? " (random weights)" : "");
    else snprintf(model, sizeof model, "%s", u->core->opening ? "opening the model" : "no model");
    char of[32] = "";
    const char *name = s->file ? s->file : "";
    if (name[0] == '/') name = strrchr(name, '/') + 1; /* a file of the user's: its folders would push its name off the row */
    char cut[40];
    if (p.area.w < 110 && saint_ui_text_width(name) > 20) { /* the end of a long name tells more than its beginning, and its number goes before both */
        const char *end = name + strlen(name) - 16;
        while ((*end & 0xc0) == 0x80) end++;
        snprintf(cut, sizeof cut, "%s%s", saint_ui_sym(p, SAINT_UI_SYM_ELLIPSIS), end);
        name = cut;
    }
    if (s->filter) snprintf(of, sizeof of, " /%.12s", ui_filter_text(u));
    if (s->data && s->count) snprintf(sample, sizeof sample, "%.300s %zu/%zu%s", name, s->at + 1, s->count, of);
    else snprintf(sample, sizeof sample, "%.390s", name);
    part[0] = model;
    part[1] = sample;
    part[2] = u->info && !u->info->llm_layers ? NULL : s->question;
    saint_ui_header_draw(p, &(saint_ui_header){.brand = "SAINT", .part = part, .n_parts = 3, .tab = tab, .n_tabs = SAINT_UI_PAGE_COUNT, .active = (int)u->page},
                         HIT_TAB);
}

/* An error that does not fit takes rows of the page above it until the next key: its end says how to mend it. */
static void draw_message(ui *u, saint_ui_pen whole, saint_ui_rect where)
{
    saint_ui_progress progress;
    bool any = false;
    for (int i = 0; ui_module_at(i) && !any; i++)
        if (ui_module_at(i)->progress) any = ui_module_at(i)->progress(u, &progress);
    saint_ui_message row = {.progress = any ? &progress : NULL};
    ui_say_row(u, &row);
    int n = saint_ui_message_rows(&row, where.w);
    if (n > where.y) n = 1;
    where.y -= n - 1;
    where.h = n;
    saint_ui_message_draw(saint_ui_pen_at(whole, where), &row);
}

static void draw_footer(ui *u, saint_ui_pen p)
{
    const ui_pane *pane = ui_pane_of(u->page, u->focus);
    if (pane && pane->captures && pane->captures(u)) { /* no action has its key now, and a click would end what is typed */
        saint_ui_footer_draw(p, pane->keys, pane->n_keys, 0);
        return;
    }
    saint_ui_action list[UI_ACTION_COUNT];
    char key[UI_ACTION_COUNT][UI_KEY_TEXT];
    int n = ui_action_list(u, true, list, key);
    for (int i = 0; i < n; i++)
        if (!ui_action_at(list[i].id)->keys[0]) list[i].weight = 0; /* no key, no place */
    saint_ui_footer_draw(p, list, n, HIT_ACTION);
}

/* Pages that have nothing to show before there is a model say why there is none. */
static bool draw_without_model(ui *u, saint_ui_pane_id id, saint_ui_pen p)
{
    bool page = u->page == SAINT_UI_PAGE_COMPARE || u->page == SAINT_UI_PAGE_SPEED || u->page == SAINT_UI_PAGE_LAYERS;
    if (u->info || !page || id == SAINT_UI_PANE_STRIP) return false;
    bool first = id == saint_ui_layout_next(&u->layout, SAINT_UI_PANE_NONE, 1);
    saint_ui_pen in = saint_ui_pane_draw(p, &(saint_ui_pane){.title = saint_ui_pane_title(id), .detail = "no model", .focus = u->focus == id});
    if (!first) return true;
    if (u->model_error.code == SAINT_OK) saint_ui_text(in, 1, 0, -1, SAINT_UI_MUTED, u->core->opening ? "the model is being opened" : "there is no model; `model FOLDER` opens one");
    else saint_ui_failure(in, "there is no model", u->model_error.text);
    return true;
}

static void draw_pane(ui *u, saint_ui_pane_id id, saint_ui_pen p)
{
    const ui_pane *pane = ui_pane_of(u->page, id);
    if (id == SAINT_UI_PANE_HEADER) draw_header(u, p);
    else if (id == SAINT_UI_PANE_FOOTER) draw_footer(u, p);
    else if (id == SAINT_UI_PANE_NOTICE) saint_ui_too_small(p, SAINT_UI_LEAST_W, SAINT_UI_LEAST_H);
    else if (draw_without_model(u, id, p)) return;
    else if (pane && pane->draw) pane->draw(u, p);
    else saint_ui_pane_draw(p, &(saint_ui_pane){.title = saint_ui_pane_title(id), .focus = u->focus == id});
}

static bool resize(ui *u)
{
    int w, h;
    ui_front_size(u->core->front, &w, &h);
    if (w == u->canvas.w && h == u->canvas.h && u->canvas.cell) return true;
    /* Every cell of a photo may be a place for the mouse. */
    int room = (w * h < 200000 ? w * h : 200000) + 4096;
    saint_ui_hit *hit = realloc(u->core->hit_room, (size_t)room * sizeof *hit);
    if (!hit) return false;
    u->core->hit_room = hit;
    u->hits = (saint_ui_hits){.room = room, .hit = hit};
    return saint_ui_canvas_resize(&u->canvas, w, h, NULL) == SAINT_OK;
}

void ui_draw(ui *u)
{
    if (!resize(u)) return;
    u->hits.n = 0;
    u->core->cursor_x = -1;
    saint_ui_canvas_clear(&u->canvas, saint_ui_theme_style(&u->theme, SAINT_UI_TEXT));
    lay_out(u);
    saint_ui_pen whole = saint_ui_pen_whole(&u->canvas, &u->theme, &u->hits);
    for (int i = 0; i < u->layout.n; i++) /* the message comes behind what it may cover */
        if (u->layout.pane[i].id != SAINT_UI_PANE_MESSAGE) draw_pane(u, u->layout.pane[i].id, saint_ui_pen_at(whole, u->layout.pane[i].rect));
    saint_ui_rect message = saint_ui_layout_find(&u->layout, SAINT_UI_PANE_MESSAGE);
    if (message.w) draw_message(u, whole, message);
    ui_over_draw(u, whole);
}

void ui_click(ui *u, const saint_ui_hit *hit)
{
    char command[64];
    if (hit->what == HIT_TAB) ui_go(u, (saint_ui_page)hit->value);
    else if (hit->what == HIT_ACTION) {
        const ui_action *a = ui_action_at(hit->value);
        const char *keys = a->keys;
        saint_ui_event e;
        char argument[48] = "";
        ui_action_key(&keys, &e, argument, sizeof argument); /* a click is the first key of the row */
        snprintf(command, sizeof command, "%s %s", a->name, argument);
        ui_do(u, command);
    }
}
