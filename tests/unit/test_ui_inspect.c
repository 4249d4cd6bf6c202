/* The Inspect page under the user's hands: keys and mouse on a screen that nobody sees, a tiny model that really runs, a clock that stands. */
#include "support/tiny_workbench.h"

#include <math.h>

#include "support/random.h"
#include "eval/fidelity.h"
#include "ui/inspect/estimate.h"
#include "ui/inspect/inspect.h"

static ui *opened(void)
{
    static ui_options one; /* the workbench keeps it */
    one = tiny_workbench;
    ui *u;
    one.data = NULL;
    one.image = SAINT_FIXTURE_DIR "/pictures/e-36.png";
    assert_ok(ui_new(&one, &u, err));
    ui_frame(u);
    ui_begin(u);
    until_idle(u);
    assert_non_null(u->plan[UI_NOW].trace);
    return u;
}

static void mouse(ui *u, saint_ui_mouse kind, int button, int x, int y)
{
    ui_event(u, &(saint_ui_event){.kind = SAINT_UI_MOUSE, .mouse = kind, .button = button, .x = x, .y = y});
    ui_frame(u);
}

static void act(ui *u, const char *command)
{
    if (!ui_do(u, command)) fail_msg("%s: %s", command, u->message);
    ui_frame(u);
}

static double value(const ui *u, const char *name, int layer)
{
    double v = NAN;
    assert_true(saint_settings_get(&u->plan[UI_NOW].settings, name, layer, &v));
    return v;
}

static int column_of_site(const ui *u, int i)
{
    const saint_plan *p = &u->plan[UI_NOW].trace->plan;
    return ui_column_of(u, (saint_stage)p->site[i].stage, p->site[i].layer);
}

static bool on_screen(const ui *u, const char *text)
{
    char *dump = saint_ui_canvas_dump(&u->canvas, false);
    bool found = dump && strstr(dump, text);
    free(dump);
    return found;
}

/* ---- parameters ---- */

static void keys_change_the_plan_and_the_mask_at_once(void **state)
{
    (void)state;
    ui *u = opened();
    int patches = u->info->grid_w * u->info->grid_h;
    uint8_t *mask = malloc((size_t)patches), *later = malloc((size_t)patches);
    act(u, "focus parameters");
    act(u, "field keep_num");
    int at = column_of_site(u, 0);
    act(u, "layer first");
    ui_layer(u, at);
    for (int step = 1; step <= 12; step++) {
        press(u, step % 3 ? "Left" : "Shift-Left");
        /* before anything has run: decided from cached features */
        assert_true(ui_stale(u, UI_NOW));
        assert_int_equal(ui_mask_known(u, UI_NOW, at), UI_KNOWN_PREVIEW);
        int alive = ui_mask(u, UI_NOW, at, -1, mask, NULL, NULL);
        assert_int_equal(alive, (int)value(u, "keep_num", 1) - u->info->vit_prefix);
        assert_true(on_screen(u, "predicted"));
        if (step % 4) continue;
        until_idle(u);
        assert_int_equal(ui_mask_known(u, UI_NOW, at), UI_KNOWN_RUN);
        assert_int_equal(ui_mask(u, UI_NOW, at, -1, later, NULL, NULL), alive);
        assert_memory_equal(mask, later, (size_t)patches);
    }
    assert_int_equal(ui_history_undos(u->history), 1); /* the clock stands: one long press */
    free(mask);
    free(later);
    ui_close(u);
}

static void typing_sets_and_refuses(void **state)
{
    (void)state;
    ui *u = opened();
    act(u, "focus parameters");
    act(u, "field saint_end");
    press(u, "Enter 2 Enter");
    assert_true(value(u, "saint_end", 0) == 2);
    press(u, "Enter 9 9");
    assert_int_equal(u->fields.field[u->fields.at].state, SAINT_UI_FIELD_EDITED);
    assert_true(on_screen(u, "0 to 3"));
    press(u, "Enter"); /* stays open */
    assert_int_equal(u->fields.field[u->fields.at].state, SAINT_UI_FIELD_EDITED);
    press(u, "q , u"); /* letters belong to the editor */
    assert_false(u->quit);
    press(u, "Esc");
    assert_true(value(u, "saint_end", 0) == 2);
    assert_false(ui_do(u, "set saint_end=40"));
    assert_true(value(u, "saint_end", 0) == 2);
    assert_int_equal(u->fields.field[ui_fields_find(&u->fields, "saint_end")].state, SAINT_UI_FIELD_REJECTED);
    assert_false(ui_do(u, "set keep_nun=3"));
    assert_non_null(strstr(u->message, "keep_num"));
    assert_false(ui_do(u, "set"));
    ui_close(u);
}

static void coupled_fields_go_along_and_come_back_together(void **state)
{
    (void)state;
    ui *u = opened();
    double start = value(u, "saint_start", 0), end = value(u, "saint_end", 0);
    act(u, "set saint_start=3");
    assert_true(value(u, "saint_start", 0) == 3 && value(u, "saint_end", 0) == 3);
    assert_non_null(strstr(u->message, "saint_end follows to 3"));
    act(u, "undo");
    assert_true(value(u, "saint_start", 0) == start && value(u, "saint_end", 0) == end);
    act(u, "redo");
    assert_true(value(u, "saint_end", 0) == 3);
    until_idle(u);
    assert_true(on_screen(u, "derived"));
    ui_close(u);
}

static void presets_are_a_field(void **state)
{
    (void)state;
    ui *u = opened();
    act(u, "set compat.overwrite_r=true");
    act(u, "set preset=llm-only");
    assert_int_equal(u->plan[UI_NOW].settings.mode, SAINT_MODE_LLM);
    assert_true(u->plan[UI_NOW].settings.compat != 0); /* another question */
    int i = ui_fields_find(&u->fields, "preset");
    assert_string_equal(u->fields.spec[i].choice[(int)u->fields.field[i].value], "llm-only");
    act(u, "set saint_K=2");
    i = ui_fields_find(&u->fields, "preset");
    assert_string_equal(u->fields.spec[i].choice[(int)u->fields.field[i].value], "custom");
    assert_false(ui_do(u, "set preset=nothing"));
    act(u, "undo");
    act(u, "undo");
    act(u, "undo");
    assert_int_equal(u->plan[UI_NOW].settings.mode, SAINT_MODE_HYBRID);
    assert_int_equal(u->plan[UI_NOW].settings.compat, 0);
    ui_close(u);
}

static void only_what_is_read_is_shown_first(void **state)
{
    (void)state;
    ui *u = opened();
    act(u, "focus parameters");
    int few = u->fields.n;
    assert_true(ui_fields_find(&u->fields, "sim_threshold") < 0); /* the ViT's method has none */
    press(u, "*");
    assert_true(u->fields.n > few);
    assert_true(ui_fields_find(&u->fields, "sim_threshold") >= 0 && ui_fields_find(&u->fields, "overwrite_r") >= 0);
    press(u, "*");
    assert_int_equal(u->fields.n, few);
    act(u, "field r");
    act(u, "set r=3");
    press(u, "r");
    assert_true(value(u, "r", 0) == 16);
    press(u, "R");
    assert_int_equal(u->plan[UI_NOW].settings.mode, SAINT_MODE_NONE);
    act(u, "undo");
    assert_int_equal(u->plan[UI_NOW].settings.mode, SAINT_MODE_HYBRID);
    ui_close(u);
}

static const saint_ui_hit *hit_of(const ui *u, int what, int of)
{
    for (int i = u->hits.n - 1; i >= 0; i--)
        if (u->hits.hit[i].what == what && u->hits.hit[i].value == of) return &u->hits.hit[i];
    fail_msg("nothing to click on: %d %d", what, of);
    return NULL;
}

static void sliders_are_dragged(void **state)
{
    (void)state;
    ui *u = opened();
    act(u, "focus parameters");
    int i = ui_fields_find(&u->fields, "keep_num");
    saint_ui_rect r = hit_of(u, UI_HIT_SLIDER, i)->rect;
    mouse(u, SAINT_UI_MOUSE_DOWN, 1, r.x, r.y);
    assert_int_equal(u->fields.at, i);
    assert_true(value(u, "keep_num", 0) == -1);
    for (int x = r.x; x < r.x + r.w + 20; x++) mouse(u, SAINT_UI_MOUSE_DRAG, 1, x, r.y + 3); /* beyond the end, beside the row */
    assert_true(value(u, "keep_num", 0) == u->info->grid_w * u->info->grid_h + u->info->vit_prefix);
    mouse(u, SAINT_UI_MOUSE_UP, 1, r.x, r.y);
    mouse(u, SAINT_UI_MOUSE_DRAG, 1, r.x, r.y);
    assert_true(value(u, "keep_num", 0) > 0); /* the button is up */
    assert_int_equal(ui_history_undos(u->history), 1);
    double was = value(u, "keep_num", 0);
    mouse(u, SAINT_UI_MOUSE_WHEEL_DOWN, 0, r.x, r.y);
    assert_true(value(u, "keep_num", 0) == was - 1);
    u->fields.at = 0; /* another one is chosen: where all fields are in view the wheel turns the one below the mouse, */
    mouse(u, SAINT_UI_MOUSE_WHEEL_UP, 0, r.x, r.y);
    assert_true(value(u, "keep_num", 0) == was);
    assert_int_equal(u->fields.at, i);
    ui_front_resize(u->core->front, 80, 24); /* where they are not it moves over them, and changes none that only passes */
    u->fields.at = 0;
    ui_frame(u);
    saint_ui_rect small = hit_of(u, UI_HIT_FIELD, 2)->rect;
    uint64_t version = u->plan[UI_NOW].version;
    mouse(u, SAINT_UI_MOUSE_WHEEL_DOWN, 0, small.x, small.y);
    assert_int_equal(u->fields.at, 1);
    assert_int_equal(u->plan[UI_NOW].version, version);
    ui_front_resize(u->core->front, 120, 36);
    ui_frame(u);
    i = ui_fields_find(&u->fields, "use_saint");
    r = hit_of(u, UI_HIT_FIELD, i)->rect;
    mouse(u, SAINT_UI_MOUSE_DOWN, 1, r.x + r.w - 1, r.y);
    assert_false(u->plan[UI_NOW].settings.use_saint);
    until_idle(u);
    ui_close(u);
}

/* ---- the strip ---- */

static void layers_are_walked_and_played(void **state)
{
    (void)state;
    ui *u = opened();
    act(u, "focus layers");
    act(u, "layer first");
    press(u, ". . ,");
    assert_int_equal(u->cursor.at, 1);
    act(u, "layer llm 2");
    assert_int_equal(u->cursor.at, u->cursor.n_vit + 2);
    act(u, "layer 3");
    assert_int_equal(u->cursor.at, u->cursor.n_vit + 3);
    act(u, "layer v0");
    assert_int_equal(u->cursor.at, 0);
    assert_false(ui_do(u, "layer 77"));
    assert_false(ui_do(u, "layer"));
    press(u, "Left Left"); /* the end of the strip */
    assert_int_equal(u->cursor.at, 0);
    press(u, ">");
    assert_int_equal(u->cursor.at, column_of_site(u, 0));
    const saint_trace_site *s = ui_site(u, UI_NOW, u->cursor.at);
    assert_true(s->n_rounds > 3);
    press(u, "End");
    assert_int_equal(u->cursor.at, u->cursor.n - 1);
    press(u, "<");
    assert_int_equal(u->cursor.at, column_of_site(u, u->plan[UI_NOW].trace->plan.n_sites - 1));
    /* play: through every layer and every iteration, then it stops */
    act(u, "layer first");
    press(u, "Space");
    assert_true(u->cursor.playing);
    int steps = 0, alive = u->info->grid_w * u->info->grid_h, rounds = 0;
    while (u->cursor.playing && steps < 500) {
        int now = ui_mask(u, UI_NOW, u->cursor.at, u->cursor.round, NULL, NULL, NULL);
        assert_true(now >= 0 && now <= alive);
        alive = now;
        rounds += u->cursor.round >= 0;
        u->core->clock = ui_next_due(u);
        ui_tick(u);
        ui_frame(u);
        steps++;
    }
    assert_true(steps > u->cursor.n && rounds >= s->n_rounds - 1);
    assert_int_equal(u->cursor.at, u->cursor.n - 1);
    assert_true(isinf(ui_next_due(u))); /* nothing ticks any more */
    press(u, "{ {"); /* and back, one by one */
    assert_int_equal(u->cursor.at, u->cursor.n - 3);
    ui_close(u);
}

static void layers_are_edited_on_the_strip(void **state)
{
    (void)state;
    ui *u = opened();
    act(u, "focus layers");
    act(u, "layer vit 0");
    press(u, "Up");
    assert_true(u->plan[UI_NOW].settings.vit[0].method == 0); /* the first of the table: saint_drop */
    press(u, "- - -");
    assert_true(fabs(value(u, "sim_threshold", 0) - 0.72) < 1e-6);
    assert_true(fabs(value(u, "sim_threshold", 1) - 0.75) < 1e-6);
    press(u, "Down");
    assert_int_equal(u->plan[UI_NOW].settings.vit[0].method, SAINT_METHOD_NONE);
    act(u, "layer llm 3"); /* outside of the range that runs, which stays */
    act(u, "method fastv");
    assert_true(u->plan[UI_NOW].settings.use_saint);
    assert_string_equal(saint_method_label(u->plan[UI_NOW].settings.llm[3].method), "fastv");
    assert_false(ui_do(u, "method tome")); /* not in the LLM */
    act(u, "mark llm");
    act(u, "threshold 0.5");
    for (int i = 0; i < u->info->llm_layers; i++) assert_true(value(u, "saint_threshold", i) == 0.5);
    act(u, "mark none");
    act(u, "layer llm 0");
    press(u, "Enter . . Enter"); /* 0 and 2 */
    assert_true(u->marked[u->cursor.n_vit] && u->marked[u->cursor.n_vit + 2] && !u->marked[u->cursor.n_vit + 1]);
    act(u, "method random");
    assert_string_equal(saint_method_label(u->plan[UI_NOW].settings.llm[0].method), "random");
    assert_string_equal(saint_method_label(u->plan[UI_NOW].settings.llm[2].method), "random");
    assert_string_equal(u->fields.spec[ui_fields_find(&u->fields, "llm_prune_mode")].name, "llm_prune_mode[0,2]");
    until_idle(u);
    assert_true(u->plan[UI_NOW].error.code == SAINT_OK);
    act(u, "set mode=none"); /* a method chosen on the strip is meant to run */
    act(u, "mark none");
    act(u, "layer vit 1");
    act(u, "method grid");
    assert_int_equal(u->plan[UI_NOW].settings.mode, SAINT_MODE_VIT);
    until_idle(u);
    assert_int_equal(u->plan[UI_NOW].trace->plan.n_sites, 1);
    ui_close(u);
}

static void the_strip_takes_the_mouse(void **state)
{
    (void)state;
    ui *u = opened();
    saint_ui_rect first = hit_of(u, UI_HIT_LAYER, 0)->rect, last = hit_of(u, UI_HIT_LAYER, u->cursor.n - 1)->rect;
    mouse(u, SAINT_UI_MOUSE_DOWN, 1, last.x, last.y);
    assert_int_equal(u->cursor.at, u->cursor.n - 1);
    assert_int_equal(u->focus, SAINT_UI_PANE_STRIP);
    mouse(u, SAINT_UI_MOUSE_DRAG, 1, first.x, first.y);
    assert_int_equal(u->cursor.at, 0);
    mouse(u, SAINT_UI_MOUSE_UP, 1, first.x, first.y);
    mouse(u, SAINT_UI_MOUSE_WHEEL_DOWN, 0, first.x, first.y);
    assert_int_equal(u->cursor.at, 1);
    mouse(u, SAINT_UI_MOUSE_DOWN, 3, first.x, first.y); /* the right button marks */
    for (int i = 1; i < 4; i++) {
        saint_ui_rect r = hit_of(u, UI_HIT_LAYER, i)->rect;
        mouse(u, SAINT_UI_MOUSE_DRAG, 3, r.x, r.y);
    }
    mouse(u, SAINT_UI_MOUSE_UP, 3, first.x, first.y);
    for (int i = 0; i < u->cursor.n; i++) assert_int_equal(u->marked[i], i < 4);
    assert_int_equal(u->cursor.at, 1);
    ui_close(u);
}

/* ---- the microscope ---- */

static void a_patch_is_explained(void **state)
{
    (void)state;
    ui *u = opened();
    int patches = u->info->grid_w * u->info->grid_h, dead = -1, first = column_of_site(u, 0);
    int16_t *death = malloc((size_t)patches * sizeof *death);
    ui_mask(u, UI_NOW, u->cursor.n - 1, -1, NULL, NULL, death);
    for (int p = 0; p < patches; p++)
        if (death[p] == first) dead = p;
    assert_true(dead >= 0);
    act(u, "focus picture");
    char text[64];
    snprintf(text, sizeof text, "patch %d", dead);
    act(u, text);
    act(u, "layer last");
    press(u, "Enter"); /* to where it died */
    assert_int_equal(u->cursor.at, first);
    snprintf(text, sizeof text, "#%d dropped after ViT %d", dead, first);
    assert_true(on_screen(u, text));
    assert_true(on_screen(u, "would stay"));
    const ui_token *t = ui_lens_look(u, true);
    assert_true(t->n_hints == 1 && !strcmp(t->hint[0].key, "keep_num") && t->n_near > 0);
    /* what it says is so */
    snprintf(text, sizeof text, "set keep_num=%d", (int)t->hint[0].value);
    act(u, text);
    until_idle(u);
    ui_mask(u, UI_NOW, first, -1, NULL, NULL, death);
    assert_int_equal(death[dead], -1);
    assert_false(on_screen(u, "dropped after ViT"));
    act(u, "undo");
    until_idle(u);
    int w = u->info->grid_w;
    press(u, "Left Up Right Down");
    assert_int_equal(u->patch, dead % w && dead / w ? dead : u->patch);
    act(u, "patch none");
    press(u, "Right"); /* the arrows bring the cursor back */
    assert_true(u->patch >= 0);
    assert_false(ui_do(u, "patch 100000"));
    assert_false(ui_do(u, "patch 1,900"));
    act(u, "patch 2,3");
    assert_int_equal(u->patch, 3 * w + 2);
    saint_ui_rect photo = ui_inspect_of(u)->photo;
    mouse(u, SAINT_UI_MOUSE_DOWN, 1, photo.x, photo.y);
    assert_int_equal(u->patch, 0);
    mouse(u, SAINT_UI_MOUSE_DRAG, 1, photo.x + photo.w - 1, photo.y + photo.h - 1);
    assert_int_equal(u->patch, patches - 1);
    mouse(u, SAINT_UI_MOUSE_UP, 1, photo.x, photo.y);
    assert_int_equal(ui_history_undos(u->history), 0); /* looking paints nothing */
    free(death);
    ui_close(u);
}

static void marks_and_views_are_switched(void **state)
{
    (void)state;
    ui *u = opened();
    act(u, "focus picture");
    for (int i = 0; i < SAINT_UI_PHOTO_STYLES; i++) {
        press(u, "m");
        assert_true(u->style != SAINT_UI_PHOTO_DIFF); /* nothing is pinned to differ from */
    }
    act(u, "marks heat");
    assert_true(on_screen(u, "heat: score"));
    act(u, "layer vit 0");
    act(u, "patch 4,4");
    until_idle(u);
    assert_true(on_screen(u, "heat: similarity"));
    act(u, "marks death");
    assert_true(on_screen(u, "layer of death"));
    assert_false(ui_do(u, "marks rainbow"));
    press(u, "z");
    assert_true(u->whole_image && !saint_ui_layout_find(&u->layout, SAINT_UI_PANE_PARAMS).w);
    press(u, "Esc");
    assert_false(u->whole_image);
    press(u, "g Z");
    assert_true(u->grid_lines && u->sharp);
    ui_close(u);
}

/* ---- by hand ---- */

static void tokens_are_painted(void **state)
{
    (void)state;
    ui *u = opened();
    int patches = u->info->grid_w * u->info->grid_h, n = u->cursor.n_vit;
    uint8_t *before = malloc((size_t)patches), *mask = malloc((size_t)patches);
    act(u, "set mode=none");
    act(u, "focus picture");
    act(u, "layer llm 1");
    until_idle(u);
    act(u, "patch 4,4");
    int patch = u->patch;
    press(u, "Space");
    assert_false(u->plan[UI_NOW].settings.hand.on); /* painting is off */
    press(u, "p Space");
    assert_true(u->painting && u->plan[UI_NOW].settings.hand.on);
    assert_int_equal(ui_mask(u, UI_NOW, n + 1, -1, mask, NULL, NULL), patches - 1); /* at once */
    assert_int_equal(mask[patch], 0);
    assert_int_equal(u->plan[UI_NOW].settings.mode, SAINT_MODE_LLM);
    assert_false(u->plan[UI_NOW].settings.use_saint); /* this place alone */
    until_idle(u);
    assert_int_equal(u->plan[UI_NOW].trace->image[0].history.n_sites, 1);
    assert_int_equal(u->plan[UI_NOW].trace->image[0].history.site[0]->n_keep, patches - 1);
    assert_true(u->plan[UI_NOW].trace->layers_reused >= n + 1); /* the LLM runs from there */
    press(u, "Space"); /* in again */
    assert_true(saint_hand_keeps(&u->plan[UI_NOW].settings.hand, patch));
    /* a drag over the middle row, with a jump: no hole, one entry */
    memcpy(before, u->plan[UI_NOW].settings.hand.keep, (size_t)patches / 8);
    int undos = ui_history_undos(u->history);
    saint_ui_rect r = ui_inspect_of(u)->photo;
    mouse(u, SAINT_UI_MOUSE_DOWN, 1, r.x, r.y + r.h / 2);
    u->core->clock += 5; /* a slow hand */
    mouse(u, SAINT_UI_MOUSE_DRAG, 1, r.x + r.w / 2, r.y + r.h / 2);
    u->core->clock += 5;
    mouse(u, SAINT_UI_MOUSE_DRAG, 1, r.x + r.w - 1, r.y + r.h / 2);
    mouse(u, SAINT_UI_MOUSE_UP, 1, r.x + r.w - 1, r.y + r.h / 2);
    assert_int_equal(ui_mask(u, UI_NOW, n + 1, -1, mask, NULL, NULL), patches - u->info->grid_w);
    assert_true(ui_history_undos(u->history) - undos <= 1);
    until_idle(u);
    assert_int_equal(u->plan[UI_NOW].trace->image[0].history.site[0]->n_keep, patches - u->info->grid_w);
    /* the right button paints the other way, a wide brush reaches round */
    act(u, "brush 3");
    mouse(u, SAINT_UI_MOUSE_DOWN, 3, r.x + r.w / 2, r.y + r.h / 2);
    mouse(u, SAINT_UI_MOUSE_UP, 3, r.x + r.w / 2, r.y + r.h / 2);
    assert_int_equal(ui_mask(u, UI_NOW, n + 1, -1, mask, NULL, NULL), patches - u->info->grid_w + 3);
    assert_false(ui_do(u, "method grid")); /* by hand is by hand */
    act(u, "hand off");
    assert_false(u->plan[UI_NOW].settings.hand.on);
    while (ui_undo(u)) {
    }
    assert_int_equal(u->plan[UI_NOW].settings.mode, SAINT_MODE_HYBRID);
    until_idle(u);
    free(before);
    free(mask);
    ui_close(u);
}

static void the_dead_cannot_be_painted_back_later(void **state)
{
    (void)state;
    ui *u = opened();
    int patches = u->info->grid_w * u->info->grid_h, first = column_of_site(u, 0), dead = -1;
    int16_t *death = malloc((size_t)patches * sizeof *death);
    ui_mask(u, UI_NOW, u->cursor.n - 1, -1, NULL, NULL, death);
    for (int p = 0; p < patches; p++)
        if (death[p] == first) dead = p;
    u->patch = dead;
    act(u, "focus picture");
    act(u, "layer last");
    act(u, "paint keep");
    act(u, "token keep");
    assert_false(u->plan[UI_NOW].settings.hand.on);
    assert_non_null(strstr(u->message, "was dropped after ViT"));
    ui_layer(u, first);
    act(u, "token keep"); /* where it died: a list that begins with what the method kept */
    assert_true(u->plan[UI_NOW].settings.hand.on);
    until_idle(u);
    ui_mask(u, UI_NOW, first, -1, NULL, NULL, death);
    assert_int_equal(death[dead], -1);
    assert_true(on_screen(u, "by hand") || on_screen(u, "hand"));
    free(death);
    ui_close(u);
}

/* ---- numbers ---- */

static void predictions_are_what_is_then_measured(void **state)
{
    (void)state;
    ui *u = opened();
    static const char *const plans[] = {"preset=none", "mode=vit prune_mode[1]=grid keep_num=40", "mode=hybrid prune_mode[0]=random keep_num=60 use_saint=false llm_prune_mode[1]=grid llm_keep_num=20",
                                        "mode=llm llm_prune_mode[2]=iterative_drop_full_graph llm_keep_ratio=0.3"};
    for (int i = 0; i < 4; i++) {
        char command[200];
        ui_estimate before, after;
        snprintf(command, sizeof command, "set %s", plans[i]);
        act(u, command);
        assert_true(ui_estimate_of(u, UI_NOW, &before));
        assert_int_equal(before.known, UI_KNOWN_PREVIEW);
        assert_true(before.encode > 0 && before.prefill > 0);
        assert_true(on_screen(u, "predicted"));
        until_idle(u);
        assert_true(ui_estimate_of(u, UI_NOW, &after));
        assert_int_equal(after.known, UI_KNOWN_RUN);
        assert_true(before.tokens == after.tokens && before.vit_out == after.vit_out);
        assert_true(fabs(before.flops - after.flops) <= 1e-9 * after.flops);
        int tokens = u->plan[UI_NOW].trace->image[0].n_ids; /* how long the answer is cannot be foreseen */
        double row = 2.0 * u->info->llm_kv_heads * u->info->llm_head_dim * 4 * u->info->llm_layers;
        assert_true(fabs(before.kv_bytes - after.kv_bytes) <= row * (tokens + 64));
        assert_false(on_screen(u, "predicted"));
        assert_true(on_screen(u, "counted") && (on_screen(u, "measured") || on_screen(u, "cached")));
    }
    ui_close(u);
}

static void divergence_is_that_of_the_softmaxes(void **state)
{
    (void)state;
    static const float a[] = {0, 1, 2}, b[] = {2, 1, 0}, shifted[] = {100, 101, 102}, sure[] = {0, 200, 0};
    assert_true(fidelity_kl(a, a, 3) == 0);
    assert_true(fidelity_kl(a, shifted, 3) < 1e-9);
    double p[3], q[3], sp = 0, sq = 0, kl = 0;
    for (int i = 0; i < 3; i++) sp += p[i] = exp((double)a[i]), sq += q[i] = exp((double)b[i]);
    for (int i = 0; i < 3; i++) kl += p[i] / sp * log(p[i] / sp / (q[i] / sq));
    assert_true(fabs(fidelity_kl(a, b, 3) - kl) < 1e-12);
    assert_true(fidelity_kl(a, sure, 3) > 100 && fidelity_kl(sure, a, 3) < 2);
    assert_true(isnan(fidelity_kl(a, b, 0)));
}

/* ---- anything at all ---- */

static void check_state(const ui *u)
{
    assert_true(u->cursor.at >= 0 && u->cursor.at < u->cursor.n);
    assert_true(u->patch >= -1 && u->patch < u->info->grid_w * u->info->grid_h);
    assert_true(u->fields.at >= 0 && u->fields.at < u->fields.n && u->fields.n <= UI_FIELDS_MOST);
    saint_plan p;
    saint_error e = {0};
    if (saint_plan_build(&p, &u->plan[UI_NOW].settings, u->info, NULL, &e) != SAINT_OK) fail_msg("a plan that cannot be: %s", e.text);
    const saint_trace_site *s = ui_site(u, UI_NOW, u->cursor.at);
    assert_true(u->cursor.round < 0 || !s || u->cursor.round <= s->n_rounds || ui_stale(u, UI_NOW));
}

static void random_hands_break_nothing(void **state)
{
    (void)state;
    static const char *const keys[] = {"Left", "Right",  "Up", "Down", "Shift-Left", "Shift-Right", "Home", "End", "Enter", "Esc", "Space", "Tab", "u", "Ctrl-R", ",", ".", "<", ">",
                                       "{",    "}",      "m",  "z",    "g",          "Z",           "p",    "B",   "r",     "R",      "*",     "+",   "-", "8",      "0", "F5", "L", "Shift-Tab"};
    ui *u = opened();
    saint_settings first;
    memcpy(&first, &u->plan[UI_NOW].settings, sizeof first);
    uint64_t seed = 99;
    int most = 0;
    for (int i = 0; i < 2500; i++) {
        uint64_t r = test_random_bits(&seed);
        if (r % 3) {
            saint_ui_event e;
            assert_true(saint_ui_key_parse(keys[(r >> 8) % (sizeof keys / sizeof *keys)], &e));
            ui_event(u, &e);
        } else {
            int x = (int)((r >> 8) % (uint64_t)u->canvas.w), y = 1 + (int)((r >> 24) % (uint64_t)(u->canvas.h - 2)); /* tabs and footer are another test's */
            saint_ui_event e = {.kind = SAINT_UI_MOUSE, .mouse = (saint_ui_mouse)((r >> 40) % 5), .button = 1 + (int)((r >> 44) % 3), .x = x, .y = y};
            ui_event(u, &e);
        }
        u->core->clock += (double)((r >> 50) % 5) * 0.1;
        if (i % 3 == 0) ui_frame(u);
        if (i % 50 == 0) ui_wait(u, 0);
        if (i % 400 == 0) until_idle(u);
        ui_tick(u);
        check_state(u);
        if (ui_history_undos(u->history) > most) most = ui_history_undos(u->history);
    }
    u->live = true;
    until_idle(u);
    assert_true(most > 10);
    saint_settings last;
    memcpy(&last, &u->plan[UI_NOW].settings, sizeof last);
    int n = ui_history_undos(u->history), back = 0;
    while (ui_undo(u)) back++;
    assert_int_equal(back, n);
    if (n < UI_HISTORY_MOST - 1) assert_memory_equal(&u->plan[UI_NOW].settings, &first, sizeof first);
    for (int i = 0; i < n; i++) assert_true(ui_redo(u));
    assert_memory_equal(&u->plan[UI_NOW].settings, &last, sizeof last);
    until_idle(u);
    ui_close(u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_change_the_plan_and_the_mask_at_once),
        cmocka_unit_test(typing_sets_and_refuses),
        cmocka_unit_test(coupled_fields_go_along_and_come_back_together),
        cmocka_unit_test(presets_are_a_field),
        cmocka_unit_test(only_what_is_read_is_shown_first),
        cmocka_unit_test(sliders_are_dragged),
        cmocka_unit_test(layers_are_walked_and_played),
        cmocka_unit_test(layers_are_edited_on_the_strip),
        cmocka_unit_test(the_strip_takes_the_mouse),
        cmocka_unit_test(a_patch_is_explained),
        cmocka_unit_test(marks_and_views_are_switched),
        cmocka_unit_test(tokens_are_painted),
        cmocka_unit_test(the_dead_cannot_be_painted_back_later),
        cmocka_unit_test(predictions_are_what_is_then_measured),
        cmocka_unit_test(divergence_is_that_of_the_softmaxes),
        cmocka_unit_test(random_hands_break_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
