/* pane_image.c - the photo with what is kept of it at the layer under the cursor: marks, the patch under the microscope and those like it, and
 * the mouse on them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/inspect/inspect.h"
#include "ui/panes.h"

enum { LINKED_MOST = UI_NEAR_MOST };

typedef struct {
    uint8_t *kept, *kept_a;
    float *score;
    int16_t *death;
    int alive, patches;
    int32_t linked[LINKED_MOST];
    float strength[LINKED_MOST];
    int n_linked;
} picture;

static bool allocate(picture *p, int patches)
{
    size_t n = (size_t)patches;
    *p = (picture){.patches = patches};
    p->kept = malloc(n);
    p->kept_a = malloc(n);
    p->score = malloc(n * sizeof *p->score);
    p->death = malloc(n * sizeof *p->death);
    return p->kept && p->kept_a && p->score && p->death;
}

static void release(picture *p)
{
    free(p->kept);
    free(p->kept_a);
    free(p->score);
    free(p->death);
}

/* Patches to tint beside the one under the cursor: those that count as its neighbours, or the few most like it where there is no threshold. */
static void link_neighbours(const ui_token *t, picture *p)
{
    enum { FEW = 8 };
    if (!t || !t->n_near) return;
    float tau = t->n_above >= 0 ? t->site->p.sim_threshold : -2, low = t->near[t->n_near - 1].similarity, high = t->near[0].similarity;
    if (tau > low) low = tau;
    for (int i = 0; i < t->n_near && p->n_linked < (t->n_above >= 0 ? LINKED_MOST : FEW); i++) {
        if (t->near[i].similarity < tau) break;
        p->linked[p->n_linked] = t->near[i].patch;
        p->strength[p->n_linked++] = high > low ? 0.25f + 0.75f * (t->near[i].similarity - low) / (high - low) : 1;
    }
}

static bool any_number(const float *v, int n)
{
    for (int i = 0; i < n; i++)
        if (!isnan(v[i])) return true;
    return false;
}

static const char *style_words(const ui *u, const picture *p, bool similar)
{
    switch (u->style) {
    case SAINT_UI_PHOTO_OUTLINE: return "kept outlined";
    case SAINT_UI_PHOTO_HEAT: return similar ? "heat: similarity to the patch" : any_number(p->score, p->patches) ? "heat: score" : "heat: no scores at this layer";
    case SAINT_UI_PHOTO_DEATH: return "layer of death";
    case SAINT_UI_PHOTO_DIFF: return u->plan[UI_A].trace ? "this plan and A" : "no plan is pinned as A";
    default: return "dropped dim";
    }
}

static void note_text(const ui *u, const picture *p, char *out, size_t size)
{
    char name[24], round[48] = "";
    if (!u->info) {
        snprintf(out, size, "%s", u->subject.loading ? "opening" : "");
        return;
    }
    const saint_trace_site *s = ui_site(u, UI_NOW, u->cursor.at);
    if (u->cursor.round >= 0 && s) snprintf(round, sizeof round, " round %d/%d", u->cursor.round + 1, s->n_rounds);
    ui_known known = ui_mask_known(u, UI_NOW, u->cursor.at);
    ui_layer_name(u, u->cursor.at, name, sizeof name);
    if (p->alive < 0) snprintf(out, size, "%s%s \u00b7 %s", name, round, ui_running(u, UI_NOW, NULL) ? "running" : "not known yet");
    else
        snprintf(out, size, "%s%s \u00b7 %d/%d kept \u00b7 %.0f %%%s", name, round, p->alive, p->patches, 100.0 * p->alive / p->patches,
                 known == UI_KNOWN_STALE ? " \u00b7 stale" : known == UI_KNOWN_PREVIEW ? " \u00b7 predicted" : "");
}

static saint_ui_photo photo_of(const ui *u, const picture *p, bool similar)
{
    const saint_model_info *m = u->info;
    saint_ui_photo photo = {.image = u->subject.image.rgb ? &u->subject.image : NULL,
                            .rect = u->subject.rect,
                            .grid_w = m ? m->grid_w : 0,
                            .grid_h = m ? m->grid_h : 0,
                            .style = u->style,
                            .lines = u->grid_lines,
                            .sharp = u->sharp,
                            .steps = u->cursor.n,
                            .cursor = u->patch,
                            .n_linked = p ? p->n_linked : 0,
                            .linked = p ? p->linked : NULL,
                            .strength = p ? p->strength : NULL};
    if (p && p->alive >= 0) {
        photo.kept = p->kept;
        photo.death = p->death;
    }
    if (p) photo.value = similar ? ui_inspect_of(u)->lens.similarity : p->score;
    if (p && u->plan[UI_A].trace && ui_mask(u, UI_A, u->cursor.at, -1, p->kept_a, NULL, NULL) >= 0) photo.kept_b = p->kept_a;
    else if (u->style == SAINT_UI_PHOTO_DIFF) photo.style = SAINT_UI_PHOTO_DIM;
    return photo;
}

static void draw_photo(ui *u, saint_ui_pen in, const saint_ui_photo *photo)
{
    saint_error e = {0};
    if (u->subject.error.code != SAINT_OK) saint_ui_failure(in, "this picture cannot be opened", u->subject.error.text);
    else if (saint_ui_photo_draw(in, photo, &u->photo, &ui_inspect_of(u)->photo, &e) != SAINT_OK) saint_ui_failure(in, "the picture cannot be drawn", e.text);
}

static void draw(ui *u, saint_ui_pen pen)
{
    char note[160] = "", detail[160], zoom[80], answer[160] = "";
    picture p = {.alive = -1};
    bool ready = u->info && u->info->vit_layers && allocate(&p, u->info->grid_w * u->info->grid_h), similar = false;
    if (ready) {
        p.alive = ui_mask(u, UI_NOW, u->cursor.at, u->cursor.round, p.kept, p.score, p.death);
        const ui_token *t = ui_lens_look(u, !ui_stale(u, UI_NOW) || !u->live);
        link_neighbours(t, &p);
        similar = t && u->style == SAINT_UI_PHOTO_HEAT && !any_number(p.score, p.patches) && ui_inspect_of(u)->lens.similarity;
        note_text(u, &p, note, sizeof note);
    }
    saint_ui_photo photo = photo_of(u, ready ? &p : NULL, similar);
    bool frame = pen.area.w >= 4 && pen.area.h >= 3; /* the view is chosen before the frame that names it */
    ui_zoom_view(u, &photo, pen.area.w - (frame ? 2 : 0), pen.area.h - (frame ? 2 : 0));
    snprintf(detail, sizeof detail, "%s%s%s", style_words(u, &p, similar), !u->painting ? "" : u->paint ? " \u00b7 painting in" : " \u00b7 painting out",
             ui_zoom_words(u, zoom, sizeof zoom));
    bool alone = !saint_ui_layout_find(&u->layout, SAINT_UI_PANE_FACTS).w;
    if (alone) ui_answer_words(u, answer, sizeof answer, pen.area.w - 12 - saint_ui_text_width(note));
    saint_ui_pen in = saint_ui_pane_draw(pen, &(saint_ui_pane){.title = saint_ui_pane_title(SAINT_UI_PANE_IMAGE),
                                                               .detail = ready ? detail : u->subject.file,
                                                               .note = note,
                                                               .foot = answer,
                                                               .focus = u->focus == SAINT_UI_PANE_IMAGE,
                                                               .stale = u->subject.loading});
    draw_photo(u, in, &photo);
    release(&p);
}

/* ---- mouse ---- */

/* The patch under the mouse, from where the picture was drawn: registering every cell would cost more than the picture. */
static int patch_at(const ui *u, int x, int y)
{
    if (!u->info || !u->subject.image.rgb) return -1;
    saint_ui_photo photo = {.image = &u->subject.image, .rect = u->subject.rect, .seen = ui_inspect_of(u)->seen, .grid_w = u->info->grid_w, .grid_h = u->info->grid_h};
    return saint_ui_photo_patch_at(&photo, ui_inspect_of(u)->photo, x, y);
}

static void press(ui *u, int patch, int button)
{
    ui_inspect *in = ui_inspect_of(u);
    u->patch = patch;
    if (!u->painting || button > 3 || button == 2) return;
    in->brush_down = true;
    in->brush_keep = (button == 3) != (u->paint != 0);
    in->brush_since = ui_now(u);
    in->brush_last = ui_paint(u, patch, in->brush_keep) ? patch : -1;
}

/* The middle button holds the picture: the view goes the other way. */
static bool pan_to(ui *u, int x, int y)
{
    ui_inspect *in = ui_inspect_of(u);
    if (in->photo.w < 1 || in->photo.h < 1) return true;
    u->zoom_x -= (x - in->pan_x) * in->view[2] / in->photo.w;
    u->zoom_y -= (y - in->pan_y) * in->view[3] / in->photo.h;
    in->pan_x = x;
    in->pan_y = y;
    return true;
}

static bool event(ui *u, const saint_ui_event *e, const saint_ui_hit *hit)
{
    (void)hit;
    ui_inspect *in = ui_inspect_of(u);
    if (e->kind != SAINT_UI_MOUSE) return false;
    int patch = patch_at(u, e->x, e->y);
    switch (e->mouse) {
    case SAINT_UI_MOUSE_DOWN:
        in->pan = e->button == 2 && in->seen.w > 0;
        in->pan_x = e->x;
        in->pan_y = e->y;
        if (in->pan) return true;
        if (patch < 0) return false;
        press(u, patch, e->button);
        return true;
    case SAINT_UI_MOUSE_DRAG:
        if (in->pan) return pan_to(u, e->x, e->y);
        if (patch < 0) return true; /* beside the picture: goes on when it comes back */
        if (in->brush_down && patch != u->patch) {
            if (in->brush_last >= 0) ui_paint_line(u, in->brush_last, patch, in->brush_keep);
            else ui_paint(u, patch, in->brush_keep);
            in->brush_last = patch;
        }
        u->patch = patch;
        in->zoom_follow = true; /* at its edge the view moves along */
        return true;
    case SAINT_UI_MOUSE_UP:
        in->pan = false;
        in->brush_down = false;
        in->brush_last = -1;
        return true;
    case SAINT_UI_MOUSE_WHEEL_UP: return ui_do(u, "layer -1");
    case SAINT_UI_MOUSE_WHEEL_DOWN: return ui_do(u, "layer +1");
    }
    return false;
}

const ui_pane ui_pane_image = {.draw = draw, .event = event};
