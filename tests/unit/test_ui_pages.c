/* The A/B, speed and layer pages: as the files in fixtures/ui show them (SAINT_UPDATE_GOLDENS=1 writes them anew; read the difference
 * before committing it), at any size, and what their keys and actions change. */
#include "support/golden.h"
#include "support/test.h"

#include <math.h>

#include "support/random.h"
#include "support/ui_samples.h"
#include "ui/actions.h"
#include "ui/panes.h"
#include "views/picture.h"

static ui_sample s;

static int open_sample(void **state)
{
    (void)state;
    assert_ok(ui_sample_open(&s, err));
    return 0;
}

static int close_sample(void **state)
{
    (void)state;
    ui_sample_close(&s);
    return 0;
}

/* ---- goldens ------------------------------------------------------------------------------------------------------ */

static void draw(const char *name, saint_ui_page page, int w, int h, saint_ui_pane_id focus, bool styles)
{
    assert_ok(ui_sample_draw(&s, page, w, h, focus, err));
    saint_ui_canvas_reduce(&s.u.canvas, s.u.theme.tier);
    if (getenv("SAINT_UI_PICTURES")) { /* a folder: the same for the eye */
        char path[1024];
        snprintf(path, sizeof path, "%s/%s.png", getenv("SAINT_UI_PICTURES"), name);
        saint_image im = {0};
        assert_ok(saint_ui_picture(&s.u.canvas, 0x101418, 0xd8dee4, &im, err));
        assert_ok(saint_image_write_png(&im, path, err));
        saint_image_free(&im);
    }
    char *text = saint_ui_canvas_dump(&s.u.canvas, styles);
    assert_non_null(text);
    golden_is("ui", name, text);
    free(text);
}

static const struct {
    int w, h;
    const char *name;
} sizes[] = {{80, 24, "80x24"}, {120, 36, "120x36"}, {200, 60, "200x60"}};

static void pages_look_as_they_did(void **state)
{
    (void)state;
    static const struct {
        saint_ui_page page;
        const char *name;
        saint_ui_pane_id focus;
    } pages[] = {{SAINT_UI_PAGE_COMPARE, "compare", SAINT_UI_PANE_FACTS},
                 {SAINT_UI_PAGE_SPEED, "speed", SAINT_UI_PANE_NOTES},
                 {SAINT_UI_PAGE_LAYERS, "layers", SAINT_UI_PANE_CHART_B}};
    char name[64];
    for (size_t p = 0; p < sizeof pages / sizeof *pages; p++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            snprintf(name, sizeof name, "%s-%s", pages[p].name, sizes[i].name);
            draw(name, pages[p].page, sizes[i].w, sizes[i].h, pages[p].focus, i == 1);
        }
}

static void measure_all(ui *u)
{
    static const int slots[] = {UI_NOW, UI_BASE, UI_RANDOM};
    ui_speed *v = u->speed;
    measure_begin(&v->runs, 3, 0, 12, 0);
    v->n = 3;
    v->tokens = 8;
    for (int i = 0; i < 3; i++) {
        v->slot[i] = slots[i];
        v->version[i] = u->plan[slots[i]].version;
    }
    for (int i = 0; measure_next(&v->runs) >= 0; i++) {
        saint_timings t = u->plan[slots[i % 3]].trace->seconds;
        double wobble = 1 + 0.004 * sin(i * 1.3);
        t.vit *= wobble;
        t.prefill *= wobble;
        t.decode *= 7.0 / 3 * wobble;
        measure_add(&v->runs, &t);
    }
}

static void states_of_the_pages(void **state)
{
    (void)state;
    ui *u = &s.u;
    measure_all(u);
    draw("speed-measured-120x36", SAINT_UI_PAGE_SPEED, 120, 36, SAINT_UI_PANE_BARS, false);
    draw("compare-measured-120x36", SAINT_UI_PAGE_COMPARE, 120, 36, SAINT_UI_PANE_IMAGE, false);
    u->compare->diff = true;
    draw("compare-diff-120x36", SAINT_UI_PAGE_COMPARE, 120, 36, SAINT_UI_PANE_IMAGE, true);
    u->compare->diff = false;
    u->compare->flip = true;
    snprintf(u->compare->match.report, sizeof u->compare->match.report, "keep_num 376 -> 300: 200.1 tokens per layer, A has 200.0 (+0.1)");
    draw("compare-flip-80x24", SAINT_UI_PAGE_COMPARE, 80, 24, SAINT_UI_PANE_IMAGE, false);
    u->layers->table = true;
    draw("layers-table-120x36", SAINT_UI_PAGE_LAYERS, 120, 36, SAINT_UI_PANE_CHART_B, false);
    u->layers->table = false;
    u->layers->curves = 1;
    draw("layers-rank-120x36", SAINT_UI_PAGE_LAYERS, 120, 36, SAINT_UI_PANE_CHART, false);
    saint_ui_theme_make(&u->theme, SAINT_UI_DARK, SAINT_UI_MONO, SAINT_UI_ASCII);
    draw("speed-ascii-80x24", SAINT_UI_PAGE_SPEED, 80, 24, SAINT_UI_PANE_BARS, false);
    draw("layers-ascii-80x24", SAINT_UI_PAGE_LAYERS, 80, 24, SAINT_UI_PANE_CHART, false);
    u->compare->diff = true;
    u->compare->flip = false;
    draw("compare-ascii-80x24", SAINT_UI_PAGE_COMPARE, 80, 24, SAINT_UI_PANE_IMAGE, false);
}

/* A workbench in which nothing has run, and one whose plan was refused. */
static void little_is_enough(void **state)
{
    (void)state;
    ui *u = &s.u;
    for (int i = 0; i < UI_SLOTS; i++) {
        saint_trace_unref(u->plan[i].trace);
        u->plan[i].trace = NULL;
    }
    u->plan[UI_A].set = false;
    saint_trace_unref(u->layers->trace);
    u->layers->trace = NULL;
    draw("compare-nothing-80x24", SAINT_UI_PAGE_COMPARE, 80, 24, SAINT_UI_PANE_FACTS, false);
    draw("speed-nothing-80x24", SAINT_UI_PAGE_SPEED, 80, 24, SAINT_UI_PANE_NOTES, false);
    draw("layers-nothing-80x24", SAINT_UI_PAGE_LAYERS, 80, 24, SAINT_UI_PANE_CHART, false);
    u->plan[UI_NOW].error = (saint_error){.code = SAINT_INVALID, .text = "prune_mode[44]: the ViT of this model has layers 0 to 23"};
    u->layers->failed = true;
    u->layers->error = u->plan[UI_NOW].error;
    const saint_model_info *info = u->info;
    for (int k = 0; k < 2; k++) { /* with a model, and before there is one */
        for (int page = SAINT_UI_PAGE_COMPARE; page <= SAINT_UI_PAGE_LAYERS; page++)
            assert_ok(ui_sample_draw(&s, (saint_ui_page)page, 90, 30, SAINT_UI_PANE_NONE, err));
        u->info = NULL;
        u->cursor.n = u->cursor.n_vit = 0;
    }
    u->info = info;
}

static void any_size_draws(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int round = 0; round < 400; round++) {
        int w = 1 + (int)(test_random_bits(&seed) % 220), h = 1 + (int)(test_random_bits(&seed) % 70);
        saint_ui_theme_make(&s.u.theme, (saint_ui_palette_kind)(round % 3), (saint_ui_tier)(round % 5), (saint_ui_glyphs)(round % 3));
        s.u.compare->diff = round % 2;
        s.u.compare->top = round % 30;
        s.u.speed->top = round % 20;
        s.u.layers->table = round % 4 == 0;
        s.u.cursor.at = round % 55;
        assert_ok(ui_sample_draw(&s, (saint_ui_page)(SAINT_UI_PAGE_COMPARE + round % 3), w, h,
                                 (saint_ui_pane_id)(SAINT_UI_PANE_IMAGE + (int)(test_random_bits(&seed) % 12)), err));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages_look_as_they_did, open_sample, close_sample),
        cmocka_unit_test_setup_teardown(states_of_the_pages, open_sample, close_sample),
        cmocka_unit_test_setup_teardown(little_is_enough, open_sample, close_sample),
        cmocka_unit_test_setup_teardown(any_size_draws, open_sample, close_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
