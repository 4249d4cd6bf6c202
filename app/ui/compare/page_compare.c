/* page_compare.c - the A/B page: two plans on one picture, layer by layer in step. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/extra.h"
#include "ui/inspect/inspect.h"
#include "views/bars.h"

int ui_compare_left(const ui *u) { return u->plan[UI_A].set ? UI_A : UI_BASE; }

static const char *left_name(const ui *u) { return u->plan[UI_A].set ? "A" : "A (unpruned)"; }

/* ---- pictures ----------------------------------------------------------------------------------------------------- */

typedef struct {
    int n; /* patches */
    uint8_t *kept[2];
    float *score;
    int16_t *death;
    int left[2]; /* tokens behind the cursor; -1 = not known */
} masks;

static void masks_free(masks *m)
{
    for (int k = 0; k < 2; k++) free(m->kept[k]);
    free(m->score);
    free(m->death);
}

/* Both masks behind the cursor; score and death of `slot`. false without memory or model. */
static bool masks_of(const ui *u, int slot, masks *m)
{
    *m = (masks){.left = {-1, -1}};
    if (!u->info || u->cursor.n < 1) return false;
    m->n = u->info->grid_w * u->info->grid_h;
    size_t n = (size_t)m->n + 1;
    for (int k = 0; k < 2; k++) m->kept[k] = calloc(n, 1);
    m->score = calloc(n, sizeof *m->score);
    m->death = calloc(n, sizeof *m->death);
    if (!m->kept[0] || !m->kept[1] || !m->score || !m->death) {
        masks_free(m);
        return false;
    }
    const int slots[2] = {ui_compare_left(u), UI_NOW};
    for (int k = 0; k < 2; k++) {
        bool here = slots[k] == slot;
        m->left[k] = ui_mask(u, slots[k], u->cursor.at, u->cursor.round, m->kept[k], here ? m->score : NULL, here ? m->death : NULL);
    }
    return true;
}

static saint_ui_photo photo_of(const ui *u, const masks *m, bool diff, int side)
{
    saint_ui_photo photo = {.image = u->subject.image.rgb ? &u->subject.image : NULL,
                            .rect = u->subject.rect,
                            .lines = u->grid_lines,
                            .sharp = u->sharp,
                            .cursor = u->patch,
                            .style = diff                              ? SAINT_UI_PHOTO_DIFF
                                     : u->style == SAINT_UI_PHOTO_DIFF ? SAINT_UI_PHOTO_DIM
                                                                       : u->style};
    if (u->info) {
        photo.grid_w = u->info->grid_w;
        photo.grid_h = u->info->grid_h;
    }
    if (m) {
        photo.kept = m->left[diff ? 0 : side] >= 0 ? m->kept[diff ? 0 : side] : NULL;
        photo.kept_b = diff && m->left[1] >= 0 ? m->kept[1] : NULL;
        photo.value = m->score;
        photo.death = m->death;
        photo.steps = u->cursor.n;
    }
    return photo;
}

/* Both show the same part of the picture: the left one, which is drawn first, chooses it. */
static void choose_view(ui *u, saint_ui_pen p, bool right, saint_ui_photo *photo)
{
    bool frame = p.area.w >= 4 && p.area.h >= 3;
    if (!u->inspect) return; /* a page alone, as tests draw it */
    if (right) photo->seen = ui_inspect_of(u)->seen;
    else ui_zoom_view(u, photo, p.area.w - (frame ? 2 : 0), p.area.h - (frame ? 2 : 0));
}

/* The words of the title in the colours of the picture: a legend where there is room for it. */
static void name_colors(saint_ui_pen p, const char *title, const char *detail)
{
    static const struct {
        const char *words;
        saint_ui_role role;
    } parts[] = {{"only A", SAINT_UI_ONLY_A}, {"only B", SAINT_UI_ONLY_B}};
    const int x = 4 + saint_ui_text_width(title); /* as saint_ui_pane_draw puts it */
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *at = strstr(detail, parts[i].words);
        if (at && x + (int)(at - detail) + (int)strlen(parts[i].words) + 3 < p.area.w)
            saint_ui_text(p, x + (int)(at - detail), 0, -1, parts[i].role, parts[i].words);
    }
}

static void draw_picture(ui *u, saint_ui_pen p, bool right)
{
    const ui_compare *c = u->compare;
    bool diff = c->diff && !right, now = right || c->flip;
    int slot = now ? UI_NOW : ui_compare_left(u), side = now ? 1 : 0, layer = 0;
    char note[160] = "", detail[240] = "", zoom[80];
    masks m;
    bool known = masks_of(u, slot, &m);
    const char *stage = known && ui_stage_of(u, u->cursor.at, &layer) == SAINT_STAGE_VIT ? "ViT" : "LLM";
    saint_ui_photo photo = photo_of(u, known ? &m : NULL, diff, side);
    choose_view(u, p, right, &photo);
    if (known && m.left[side] >= 0) snprintf(note, sizeof note, "%s %d: %d of %d%s", stage, layer, m.left[side], m.n, u->inspect ? ui_zoom_words(u, zoom, sizeof zoom) : "");
    double share;
    if (ui_running(u, slot, &share)) snprintf(detail, sizeof detail, "running %.0f %%", 100 * share);
    else if (u->plan[slot].error.code != SAINT_OK) snprintf(detail, sizeof detail, "failed");
    else if (diff) snprintf(detail, sizeof detail, "both, only A, only B");
    else if (u->info) compare_summary(&u->plan[slot].settings, u->info, detail, sizeof detail);
    saint_ui_pen in = saint_ui_pane_draw(p, &(saint_ui_pane){.title = diff  ? "A and B"
                                                                      : now ? (right ? "B" : "B, in A's place")
                                                                            : left_name(u),
                                                             .detail = detail,
                                                             .note = note,
                                                             .focus = u->focus == (right ? SAINT_UI_PANE_IMAGE_B : SAINT_UI_PANE_IMAGE),
                                                             .stale = ui_stale(u, slot)});
    if (diff) name_colors(p, "A and B", detail);
    saint_error e = {0};
    if (u->subject.error.code != SAINT_OK) saint_ui_failure(in, "this picture cannot be opened", u->subject.error.text);
    else if (saint_ui_photo_draw(in, &photo, right ? &u->photo_b : &u->photo, &u->compare->where[right], &e) != SAINT_OK)
        saint_ui_failure(in, "the picture cannot be drawn", e.text);
    if (known) masks_free(&m);
}

static void draw_left(ui *u, saint_ui_pen p) { draw_picture(u, p, false); }
static void draw_right(ui *u, saint_ui_pen p) { draw_picture(u, p, true); }

static int patch_under(const ui *u, const saint_ui_event *e, bool right)
{
    saint_ui_photo photo = {.image = u->subject.image.rgb ? &u->subject.image : NULL,
                            .rect = u->subject.rect,
                            .seen = u->inspect ? u->inspect->seen : (saint_view_rect){0},
                            .grid_w = u->info ? u->info->grid_w : 0,
                            .grid_h = u->info ? u->info->grid_h : 0};
    return saint_ui_photo_patch_at(&photo, u->compare->where[right], e->x, e->y);
}

/* Arrows and the mouse move the cursor over the patches, the wheel moves over the layers. */
static bool picture_event(ui *u, const saint_ui_event *e, bool right)
{
    int w = u->info ? u->info->grid_w : 0, n = w * (u->info ? u->info->grid_h : 0), at = u->patch;
    if (n < 1) return false;
    if (e->kind == SAINT_UI_MOUSE) {
        int under = patch_under(u, e, right);
        if (e->mouse == SAINT_UI_MOUSE_WHEEL_UP || e->mouse == SAINT_UI_MOUSE_WHEEL_DOWN)
            ui_layer(u, u->cursor.at + (e->mouse == SAINT_UI_MOUSE_WHEEL_DOWN ? 1 : -1));
        else if (e->mouse != SAINT_UI_MOUSE_UP && under >= 0) u->patch = under;
        return true;
    }
    if (e->kind != SAINT_UI_PRESS) return false;
    bool arrow = e->key == SAINT_UI_KEY_LEFT || e->key == SAINT_UI_KEY_RIGHT || e->key == SAINT_UI_KEY_UP || e->key == SAINT_UI_KEY_DOWN;
    if (arrow && (at < 0 || at >= n)) at = n / 2 + w / 2;
    else if (e->key == SAINT_UI_KEY_LEFT && at % w > 0) at--;
    else if (e->key == SAINT_UI_KEY_RIGHT && at % w < w - 1) at++;
    else if (e->key == SAINT_UI_KEY_UP && at >= w) at -= w;
    else if (e->key == SAINT_UI_KEY_DOWN && at + w < n) at += w;
    u->patch = at;
    if (u->inspect) u->inspect->zoom_follow = true;
    return arrow;
}

static bool left_event(ui *u, const saint_ui_event *e, const saint_ui_hit *hit)
{
    (void)hit;
    return picture_event(u, e, false);
}

static bool right_event(ui *u, const saint_ui_event *e, const saint_ui_hit *hit)
{
    (void)hit;
    return picture_event(u, e, true);
}

const ui_pane ui_pane_compare_left = {.draw = draw_left, .event = left_event};
const ui_pane ui_pane_compare_right = {.draw = draw_right, .event = right_event};

/* ---- actions ------------------------------------------------------------------------------------------------------ */

/* The live plan with all it knows becomes A. */
static void pin(ui *u)
{
    ui_plan *a = &u->plan[UI_A], *b = &u->plan[UI_NOW];
    saint_trace_unref(a->trace);
    saint_trace_site_unref(a->preview);
    a->settings = b->settings;
    a->version = b->version;
    a->trace = b->trace ? saint_trace_ref(b->trace) : NULL;
    a->trace_version = b->trace_version;
    a->preview = NULL;
    a->has_forecast = b->has_forecast;
    a->forecast = b->forecast;
    a->error = b->error;
    a->set = true;
}

void ui_do_pin(ui *u, const char *argument)
{
    (void)argument;
    pin(u);
    if (ui_stale(u, UI_A)) ui_want(u, UI_A);
    ui_say(u, SAINT_UI_SAY_GOOD, "pinned as A; change the plan and compare on page 2");
}

void ui_do_unpin(ui *u, const char *argument)
{
    (void)argument;
    ui_plan *a = &u->plan[UI_A];
    saint_trace_unref(a->trace);
    saint_trace_site_unref(a->preview);
    *a = (ui_plan){.version = a->version};
    ui_say(u, SAINT_UI_SAY_INFO, "A is the unpruned model again");
}

/* What was pinned becomes the live plan and the other way round; a second time brings both back. */
void ui_do_swap(ui *u, const char *argument)
{
    (void)argument;
    saint_settings a = u->plan[UI_A].settings;
    pin(u);
    ui_replace(u, &a, "swap A and B");
    if (ui_stale(u, UI_A)) ui_want(u, UI_A);
}

void ui_do_diff(ui *u, const char *argument)
{
    u->compare->diff = *argument ? strcmp(argument, "on") == 0 : !u->compare->diff;
    if (u->compare->diff) u->compare->flip = false;
}

void ui_do_flip(ui *u, const char *argument)
{
    u->compare->flip = *argument ? strcmp(argument, "b") == 0 : !u->compare->flip;
    if (u->compare->flip) u->compare->diff = false;
}
