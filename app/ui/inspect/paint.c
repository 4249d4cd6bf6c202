/* paint.c - tokens taken out and in by hand, at the layer under the cursor. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/inspect/inspect.h"

/* The list at the cursor: the one that is there, or what is kept there now. false: nothing is known yet. */
static bool list_here(ui *u, saint_hand *out, uint8_t *before)
{
    int layer, patches = u->info->grid_w * u->info->grid_h, at = u->cursor.at;
    saint_stage stage = ui_stage_of(u, at, &layer);
    const saint_hand *h = &u->plan[UI_NOW].settings.hand;
    memset(before, 1, (size_t)patches);
    if (at > 0 && ui_mask(u, UI_NOW, at - 1, -1, before, NULL, NULL) < 0) return false;
    if (h->on && h->stage == (int32_t)stage && h->layer == layer) {
        memcpy(out, h, sizeof *out);
        return true;
    }
    uint8_t *kept = malloc((size_t)patches);
    bool known = kept && ui_mask(u, UI_NOW, at, -1, kept, NULL, NULL) >= 0;
    memset(out, 0, sizeof *out);
    out->on = 1;
    out->stage = (int32_t)stage;
    out->layer = layer;
    for (int p = 0; known && p < patches; p++) saint_hand_mark(out, p, kept[p]);
    free(kept);
    return known;
}

/* A list is meant to act: its stage runs, and if it did not before, then with this site alone. */
static void put_list(saint_settings *s, const saint_hand *h)
{
    int bit = h->stage == SAINT_STAGE_LLM ? SAINT_MODE_LLM : SAINT_MODE_VIT;
    memcpy(&s->hand, h, sizeof s->hand);
    if (!((int)s->mode & bit)) ui_stage_alone(s, (saint_stage)h->stage);
}

static void say_gone(ui *u, int patch)
{
    char name[24];
    int16_t *death = malloc((size_t)(u->info->grid_w * u->info->grid_h) * sizeof *death);
    if (death && u->cursor.at > 0 && ui_mask(u, UI_NOW, u->cursor.at - 1, -1, NULL, NULL, death) >= 0 && death[patch] >= 0)
        ui_say(u, SAINT_UI_SAY_WARN, "patch %d was dropped after %s; only there it can be brought back", patch, ui_layer_name(u, death[patch], name, sizeof name));
    free(death);
}

/* Cells of the brush around a patch. */
static void brush(const ui *u, int patch, int size, bool keep, saint_hand *h, const uint8_t *before)
{
    int w = u->info->grid_w, n = w * u->info->grid_h, x0 = patch % w, y0 = patch / w;
    for (int y = y0 - size; y <= y0 + size; y++)
        for (int x = x0 - size; x <= x0 + size; x++) {
            int p = y * w + x;
            if (x >= 0 && x < w && y >= 0 && p < n && before[p]) saint_hand_mark(h, p, keep);
        }
}

static bool paint_all(ui *u, const int *patch, int n, bool keep)
{
    ui_inspect *in = ui_inspect_of(u);
    int patches = u->info ? u->info->grid_w * u->info->grid_h : 0;
    if (patches < 1 || patches > SAINT_HAND_MOST || u->cursor.n < 1) {
        ui_say(u, SAINT_UI_SAY_BAD, patches > SAINT_HAND_MOST ? "painting: this model has more patches than a list by hand holds" : "painting: no model is open");
        return false;
    }
    saint_hand h;
    saint_settings s;
    char label[64], name[24];
    uint8_t *before = malloc((size_t)patches);
    bool ok = before && list_here(u, &h, before), any = false;
    if (!ok) ui_say(u, SAINT_UI_SAY_BAD, "painting: what reaches this layer is not known yet; run the plan first");
    for (int i = 0; ok && i < n; i++) {
        any = any || before[patch[i]];
        brush(u, patch[i], in->brush_size, keep, &h, before);
    }
    if (ok && n == 1 && !any) say_gone(u, patch[0]);
    free(before);
    if (!ok || !any) return false;
    memcpy(&s, &u->plan[UI_NOW].settings, sizeof s);
    put_list(&s, &h);
    snprintf(label, sizeof label, "tokens by hand at %s", ui_layer_name(u, u->cursor.at, name, sizeof name));
    /* One drag is one entry of undo, however long it takes. */
    return ui_edit(u, &s, "hand", label, in->brush_down ? in->brush_since : ui_now(u));
}

bool ui_paint(ui *u, int patch, bool keep) { return paint_all(u, &patch, 1, keep); }

void ui_paint_line(ui *u, int from, int to, bool keep)
{
    enum { MOST = 512 };
    int w = u->info ? u->info->grid_w : 1, list[MOST], n = 0;
    int x0 = from % w, y0 = from / w, dx = to % w - x0, dy = to / w - y0, steps = abs(dx) > abs(dy) ? abs(dx) : abs(dy);
    for (int i = 0; i <= steps && n < MOST; i++) { /* without the first, which the last call painted */
        int x = x0 + (steps ? (int)lround((double)dx * i / steps) : 0), y = y0 + (steps ? (int)lround((double)dy * i / steps) : 0);
        if (i || from == to) list[n++] = y * w + x;
    }
    if (n) paint_all(u, list, n, keep);
}
