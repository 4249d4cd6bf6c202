/* The picture larger: at every size `z` and `+` show patches larger, the cursor stays in view, the mouse finds the patch it points at; and
 * with the cursor on the picture the answer is on the screen, and what is known of the token is there once. A tiny model, a screen that
 * nobody sees. */
#define _GNU_SOURCE
#include "support/tiny_workbench.h"

#include <math.h>
#include <stdlib.h>

#include "ui/extra.h"
#include "ui/inspect/inspect.h"

static ui *opened(void)
{
    ui *u;
    assert_ok(ui_new(&tiny_workbench, &u, err));
    ui_begin(u);
    until_idle(u);
    assert_true(ui_do(u, "set mode=vit prune_mode=None prune_mode[1]=grid keep_num=20"));
    assert_true(ui_do(u, "layer vit 1"));
    assert_true(ui_do(u, "focus picture"));
    until_idle(u);
    return u;
}

static void size(ui *u, int w, int h)
{
    ui_front_resize(u->core->front, w, h);
    ui_frame(u);
}

static void mouse(ui *u, saint_ui_mouse what, int button, unsigned mods, int x, int y)
{
    ui_event(u, &(saint_ui_event){.kind = SAINT_UI_MOUSE, .mouse = what, .button = button, .mods = mods, .x = x, .y = y});
    ui_frame(u);
}

/* Columns that show a patch. */
static int columns_of(const ui *u, int patch)
{
    int n = 0, w = u->info->grid_w;
    for (int i = 0; i < u->photo.w; i++) n += u->photo.column[i].patch == patch % w;
    return n;
}

static int rows_of(const ui *u, int patch)
{
    int n = 0, w = u->info->grid_w;
    for (int i = 0; i < u->photo.h; i++) n += u->photo.row[i].patch == patch / w;
    return n;
}

static const struct {
    int w, h;
} sizes[] = {{80, 24}, {100, 30}, {120, 36}, {132, 50}, {200, 60}, {81, 60}, {250, 24}, {60, 20}, {40, 12}};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void z_enlarges_at_every_size(void **state)
{
    (void)state;
    ui *u = opened();
    int last = u->info->grid_w * u->info->grid_h - 1;
    for (int i = 0; i < SIZES; i++)
        for (int patch = 0; patch <= last; patch += last / 3) {
            size(u, sizes[i].w, sizes[i].h);
            u->patch = patch;
            ui_frame(u);
            int before = columns_of(u, patch) * rows_of(u, patch);
            press(u, "z");
            int after = columns_of(u, patch) * rows_of(u, patch);
            if (2 * after < 3 * before) fail_msg("%d x %d, patch %d: %d pixels, zoomed %d", sizes[i].w, sizes[i].h, patch, before, after);
            press(u, "z");
            assert_int_equal(columns_of(u, patch) * rows_of(u, patch), before);
            assert_int_equal(u->zoom, 0);
        }
    ui_close(u);
}

static bool shows(ui *u, const char *text)
{
    char *dump = saint_ui_canvas_dump(&u->canvas, false);
    bool found = strstr(dump, text) != NULL;
    free(dump);
    return found;
}

static void steps_go_in_and_out(void **state)
{
    (void)state;
    ui *u = opened();
    size(u, 120, 36);
    u->patch = 3;
    ui_frame(u);
    int all = columns_of(u, 3), was = all;
    assert_false(shows(u, "zoom"));
    for (int i = 0; i < 3; i++) {
        press(u, "+");
        int now = columns_of(u, 3);
        assert_true(now > was);
        assert_int_equal(now, u->zoom); /* whole columns */
        was = now;
    }
    char words[64];
    snprintf(words, sizeof words, "zoom %.1fx", u->zoom / u->inspect->fit);
    assert_true(shows(u, words));
    for (int i = 0; i < 3; i++) {
        press(u, "-");
        int now = columns_of(u, 3);
        assert_true(now < was);
        was = now;
    }
    assert_int_equal(was, all);
    press(u, "+");
    press(u, "0");
    assert_int_equal(columns_of(u, 3), all);
    for (int i = 0; i < 20; i++) press(u, "+"); /* ends somewhere */
    for (int i = 0; i < 20; i++) press(u, "-");
    assert_int_equal(columns_of(u, 3), all);
    assert_true(ui_do(u, "zoom 24"));
    ui_frame(u);
    assert_int_equal(columns_of(u, 3), 24);
    assert_false(ui_do(u, "zoom 999"));
    press(u, "Esc");
    assert_int_equal(columns_of(u, 3), all);
    ui_close(u);
}

/* Wherever the cursor goes it is in view, all of its patch where that fits. */
static void the_view_follows_the_cursor(void **state)
{
    (void)state;
    ui *u = opened();
    for (int i = 0; i < 5; i++) {
        size(u, sizes[i].w, sizes[i].h);
        u->patch = 0;
        ui_frame(u);
        press(u, "z");
        press(u, "+");
        static const char *const way[] = {"Right", "Down", "Left", "Up"};
        for (int k = 0; k < 4; k++)
            for (int step = 0; step < u->info->grid_w; step++) {
                press(u, way[k]);
                assert_int_equal(columns_of(u, u->patch), u->zoom);
                assert_int_equal(rows_of(u, u->patch), u->zoom);
            }
        press(u, "Esc");
    }
    ui_close(u);
}

static void the_mouse_finds_what_it_points_at(void **state)
{
    (void)state;
    ui *u = opened();
    size(u, 120, 36);
    u->patch = 27;
    ui_frame(u);
    press(u, "z");
    press(u, "+");
    saint_ui_rect r = u->inspect->photo;
    int across = u->photo.w / r.w, down = u->photo.h / r.h; /* pixels of a cell */
    for (int y = r.y; y < r.y + r.h; y += 2)
        for (int x = r.x; x < r.x + r.w; x += 3) {
            const saint_ui_photo_step *column = &u->photo.column[(x - r.x) * across], *row = &u->photo.row[(y - r.y) * down];
            if (column->patch < 0 || row->patch < 0 || u->photo.row[(y - r.y) * down + down - 1].patch != row->patch) continue;
            int want = row->patch * u->info->grid_w + column->patch;
            mouse(u, SAINT_UI_MOUSE_DOWN, 1, 0, x, y);
            mouse(u, SAINT_UI_MOUSE_UP, 1, 0, x, y);
            assert_int_equal(u->patch, want);
        }
    /* The middle button moves the picture along, Ctrl and the wheel make it larger. */
    double x = u->zoom_x;
    int patch = u->patch, zoom = u->zoom;
    mouse(u, SAINT_UI_MOUSE_DOWN, 2, 0, r.x + 40, r.y + 5);
    mouse(u, SAINT_UI_MOUSE_DRAG, 1, 0, r.x + 40 - u->zoom, r.y + 5);
    mouse(u, SAINT_UI_MOUSE_UP, 2, 0, r.x + 40, r.y + 5);
    assert_int_equal(u->patch, patch);
    assert_true(fabs(u->zoom_x - (x + 1)) < 1e-6 || u->inspect->view[0] + u->inspect->view[2] > u->info->grid_w - 0.01);
    mouse(u, SAINT_UI_MOUSE_WHEEL_UP, 0, SAINT_UI_CTRL, r.x + 4, r.y + 4);
    assert_true(u->zoom > zoom);
    mouse(u, SAINT_UI_MOUSE_WHEEL_DOWN, 0, SAINT_UI_CTRL, r.x + 4, r.y + 4);
    assert_int_equal(u->zoom, zoom);
    ui_close(u);
}

static void panning_stops_at_the_edges(void **state)
{
    (void)state;
    ui *u = opened();
    size(u, 120, 36);
    u->patch = 0;
    ui_frame(u);
    press(u, "z");
    press(u, "+");
    static const char *const way[] = {"Shift-Right", "Shift-Down", "Shift-Left", "Shift-Up"};
    for (int k = 0; k < 4; k++)
        for (int i = 0; i < 20; i++) {
            press(u, way[k]);
            const double *v = u->inspect->view;
            assert_true(v[0] > -1e-6 && v[0] + v[2] < u->info->grid_w + 1e-6);
            assert_true(v[1] > -1e-6 && v[1] + v[3] < u->info->grid_h + 1e-6);
        }
    assert_int_equal(u->patch, 0); /* the cursor stays where it was */
    ui_close(u);
}

static int count(ui *u, const char *text)
{
    char *dump = saint_ui_canvas_dump(&u->canvas, false);
    int n = 0;
    for (const char *p = dump; (p = strstr(p, text)); p++) n++;
    free(dump);
    return n;
}

static void the_focus_comes_back(void **state)
{
    (void)state;
    ui *u = opened();
    size(u, 120, 36);
    assert_true(ui_do(u, "focus parameters"));
    press(u, "z");
    assert_int_equal(u->focus, SAINT_UI_PANE_IMAGE); /* its keys are what is wanted now */
    press(u, "z");
    assert_int_equal(u->focus, SAINT_UI_PANE_PARAMS);
    press(u, "z");
    press(u, "4"); /* another page, and back */
    press(u, "1");
    assert_false(u->whole_image);
    assert_int_equal(u->focus, SAINT_UI_PANE_PARAMS);
    ui_close(u);
}

/* From 80 x 24 on. */
static void the_answer_stays_and_the_token_is_there_once(void **state)
{
    (void)state;
    ui *u = opened();
    free(u->subject.answers);
    u->subject.answers = strdup("certainly"); /* words that stand nowhere else */
    for (int w = 80; w <= 220; w += 20)
        for (int h = 24; h <= 64; h += 4)
            for (int zoomed = 0; zoomed < 2; zoomed++) {
                size(u, w, h);
                u->patch = 9;
                if (zoomed) press(u, "z");
                ui_frame(u);
                if (!shows(u, "right: certainly")) fail_msg("%d x %d%s: no answer on the screen", w, h, zoomed ? ", zoomed" : "");
                int n = count(u, "#9 ");
                if (n > 1 || (!zoomed && n < 1)) fail_msg("%d x %d%s: the token %d times", w, h, zoomed ? ", zoomed" : "", n);
                if (zoomed) press(u, "Esc");
            }
    ui_close(u);
}

/* Columns that show a patch in one of the caches of the A/B page. */
static int columns_in(const ui *u, const saint_ui_photo_cache *c, int patch)
{
    int n = 0;
    for (int i = 0; i < c->w; i++) n += c->column[i].patch == patch % u->info->grid_w;
    return n;
}

/* Beside another plan both pictures show the same part: z and + make it larger, arrows keep the cursor in it, the mouse finds its patch. */
static void both_pictures_of_a_comparison_are_enlarged(void **state)
{
    (void)state;
    for (int s = 0; s < 5; s++) {
        ui *u = opened();
        const int w = u->info->grid_w, n = w * u->info->grid_h;
        size(u, sizes[s].w, sizes[s].h);
        u->patch = 0;
        press(u, "2");
        press(u, "z");
        const int larger = columns_in(u, &u->photo, 0);
        press(u, "z");
        assert_true(larger > columns_in(u, &u->photo, 0) && columns_in(u, &u->photo, n - 1) > 0); /* and back: all of it */
        assert_true(ui_do(u, "focus picture"));
        press(u, "+");
        press(u, "+");
        assert_true(columns_in(u, &u->photo, 0) > 0);
        assert_int_equal(columns_in(u, &u->photo, n - 1), 0);
        for (int i = 0; i < w; i++) {
            assert_true(columns_in(u, &u->photo, u->patch) > 0);
            for (int k = 0; k < w; k++) assert_true(!columns_in(u, &u->photo, k) == !columns_in(u, &u->photo_b, k));
            const saint_ui_rect where = u->compare->where[1];
            const int patch = u->patch;
            int found = 0;
            for (int x = where.x; x < where.x + where.w; x++) {
                mouse(u, SAINT_UI_MOUSE_DOWN, 1, 0, x, where.y + where.h - 1);
                mouse(u, SAINT_UI_MOUSE_UP, 1, 0, x, where.y + where.h - 1);
                found += u->patch % w == patch % w;
            }
            assert_true(found > 0);
            u->patch = patch;
            press(u, "Right");
        }
        press(u, "0");
        assert_true(columns_in(u, &u->photo, 0) > 0 && columns_in(u, &u->photo_b, n - 1) > 0);
        ui_close(u);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(z_enlarges_at_every_size),    cmocka_unit_test(steps_go_in_and_out),
        cmocka_unit_test(the_view_follows_the_cursor), cmocka_unit_test(the_mouse_finds_what_it_points_at),
        cmocka_unit_test(panning_stops_at_the_edges), cmocka_unit_test(both_pictures_of_a_comparison_are_enlarged),
                                       cmocka_unit_test(the_focus_comes_back),  cmocka_unit_test(the_answer_stays_and_the_token_is_there_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
