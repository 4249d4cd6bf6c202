/* The panes of the Inspect page drawn from a run that is the same everywhere, against pictures of them; and at any size, inside their rectangle. */
#include "support/golden.h"
#include "support/test.h"

#include "support/random.h"
#include "support/inspect_sample.h"
#include "ui/panes.h"

typedef struct {
    const char *name;
    int w, h;
    saint_ui_tier tier;
    saint_ui_glyphs glyphs;
    saint_ui_palette_kind kind;
    void (*set)(inspect_sample *s);
} golden;

static void as_it_is(inspect_sample *s) { (void)s; }

static void token_under_the_cursor(inspect_sample *s)
{
    s->u.focus = SAINT_UI_PANE_IMAGE;
    s->u.cursor.at = SAMPLE_VIT + 9;
    int patch = 5 * SAMPLE_GRID;
    while (s->s.death[patch] != SAMPLE_VIT + 9) patch++;
    inspect_sample_look(s, patch);
}

static void survivor_and_marks(inspect_sample *s)
{
    s->u.focus = SAINT_UI_PANE_STRIP;
    s->u.style = SAINT_UI_PHOTO_DEATH;
    s->u.cursor.at = SAMPLE_STEPS - 1;
    for (int i = 3; i < 9; i++) s->marked[i] = 1;
    s->marked[19] = 1; /* the site of the ViT */
    int patch = 8 * SAMPLE_GRID;
    while (s->s.death[patch] >= 0) patch++;
    inspect_sample_look(s, patch);
}

/* Another budget, whose run is on its way: the strip counts what can be counted, the rest is of the old run. */
static void changed(inspect_sample *s)
{
    saint_error e;
    s->u.plan[UI_NOW].version = 2;
    assert_int_equal(saint_settings_set(&s->u.plan[UI_NOW].settings, "keep_num[19]", "200", &e), SAINT_OK);
    s->u.cursor.at = SAMPLE_VIT + 12;
}

static void round_of_many(inspect_sample *s)
{
    s->u.cursor.round = 2;
    s->u.style = SAINT_UI_PHOTO_OUTLINE;
    s->u.inspect->all_fields = true;
    s->u.fields.top = 9;
}

static void heat_painting(inspect_sample *s)
{
    s->u.style = SAINT_UI_PHOTO_HEAT;
    s->u.painting = true;
    s->u.focus = SAINT_UI_PANE_IMAGE;
    assert_int_equal(saint_settings_set(&s->u.plan[UI_NOW].settings, "hand", "vit:19:0-300", NULL), SAINT_OK);
    s->u.plan[UI_NOW].version = 2;
}

static void nothing_yet(inspect_sample *s)
{
    for (int slot = 0; slot < UI_SLOTS; slot++) {
        saint_trace_unref(s->u.plan[slot].trace);
        s->u.plan[slot].trace = NULL;
    }
}

static const golden goldens[] = {
    {"inspect-80x24", 80, 24, SAINT_UI_DIRECT, SAINT_UI_BRAILLE, SAINT_UI_DARK, as_it_is},
    {"inspect-120x36", 120, 36, SAINT_UI_256, SAINT_UI_BRAILLE, SAINT_UI_DARK, token_under_the_cursor},
    {"inspect-200x60", 200, 60, SAINT_UI_256, SAINT_UI_BRAILLE, SAINT_UI_LIGHT, survivor_and_marks},
    {"token-80x24", 80, 24, SAINT_UI_16, SAINT_UI_BRAILLE, SAINT_UI_DARK, token_under_the_cursor},
    {"changed-120x36", 120, 36, SAINT_UI_256, SAINT_UI_BLOCKS, SAINT_UI_DARK, changed},
    {"round-120x36", 120, 36, SAINT_UI_8, SAINT_UI_BRAILLE, SAINT_UI_CONTRAST, round_of_many},
    {"painting-100x30", 100, 30, SAINT_UI_256, SAINT_UI_BRAILLE, SAINT_UI_DARK, heat_painting},
    {"ascii-80x24", 80, 24, SAINT_UI_MONO, SAINT_UI_ASCII, SAINT_UI_DARK, survivor_and_marks},
    {"nothing-60x20", 60, 20, SAINT_UI_256, SAINT_UI_BRAILLE, SAINT_UI_DARK, nothing_yet},
};

static void panes_look_as_they_did(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) {
        const golden *g = &goldens[i];
        inspect_sample *s = malloc(sizeof *s);
        saint_ui_canvas c = {0};
        saint_ui_hit room[4096];
        assert_ok(inspect_sample_make(s, err));
        s->u.hits = (saint_ui_hits){.room = 4096, .hit = room};
        saint_ui_theme_make(&s->u.theme, g->kind, g->tier, g->glyphs);
        g->set(s);
        assert_ok(saint_ui_canvas_resize(&c, g->w, g->h, err));
        inspect_sample_draw(s, &c);
        saint_ui_canvas_reduce(&c, g->tier);
        char *text = saint_ui_canvas_dump(&c, true);
        assert_non_null(text);
        golden_is("ui", g->name, text);
        free(text);
        saint_ui_canvas_free(&c);
        inspect_sample_free(s);
        free(s);
    }
}

static void any_state_draws_inside_its_rectangle_at_any_size(void **state)
{
    (void)state;
    enum { FRAME = 2 };
    static const saint_ui_pane_id ids[] = {SAINT_UI_PANE_IMAGE, SAINT_UI_PANE_PARAMS, SAINT_UI_PANE_FACTS, SAINT_UI_PANE_TOKEN, SAINT_UI_PANE_STRIP};
    inspect_sample *s = malloc(sizeof *s);
    assert_ok(inspect_sample_make(s, err));
    uint64_t seed = 41;
    saint_ui_hit room[256];
    for (int round = 0; round < 600; round++) {
        int w = 1 + (int)(test_random_bits(&seed) % (round % 3 ? 40 : 220)), h = 1 + (int)(test_random_bits(&seed) % (round % 3 ? 16 : 70));
        saint_ui_canvas c = {0}, before = {0};
        ui *u = &s->u;
        saint_ui_theme_make(&u->theme, (saint_ui_palette_kind)(round % 3), (saint_ui_tier)(round % 5), (saint_ui_glyphs)(round / 5 % 3));
        u->style = (saint_ui_photo_style)(test_random_bits(&seed) % SAINT_UI_PHOTO_STYLES);
        u->cursor.at = (int)(test_random_bits(&seed) % SAMPLE_STEPS);
        u->cursor.round = (int)(test_random_bits(&seed) % 4) - 1;
        u->patch = (int)(test_random_bits(&seed) % (SAMPLE_PATCHES + 1)) - 1;
        u->focus = ids[test_random_bits(&seed) % 5];
        u->inspect->all_fields = test_random_bits(&seed) % 2;
        u->inspect->facts_top = (int)(test_random_bits(&seed) % 12);
        u->plan[UI_NOW].version = 1 + test_random_bits(&seed) % 2;
        s->marked[test_random_bits(&seed) % SAMPLE_STEPS] ^= 1;
        assert_ok(saint_ui_canvas_resize(&c, w + 2 * FRAME, h + 2 * FRAME, err));
        saint_ui_canvas_clear(&c, (saint_ui_style){.attr = SAINT_UI_UNDERLINE | SAINT_UI_DIM});
        assert_ok(saint_ui_canvas_resize(&before, c.w, c.h, err));
        memcpy(before.cell, c.cell, (size_t)c.w * (size_t)c.h * sizeof *c.cell);
        saint_ui_hits hits = {.room = 256, .hit = room};
        ui_fields_refresh(u);
        saint_ui_pane_id id = ids[test_random_bits(&seed) % 5];
        ui_pane_of(SAINT_UI_PAGE_INSPECT, id)->draw(u, saint_ui_pen_part(saint_ui_pen_whole(&c, &u->theme, &hits), FRAME, FRAME, w, h));
        for (int y = 0; y < c.h; y++)
            for (int x = 0; x < c.w; x++) {
                const saint_ui_cell *cell = saint_ui_canvas_at(&c, x, y);
                if (x >= FRAME && y >= FRAME && x < FRAME + w && y < FRAME + h) {
                    if (u->theme.glyphs == SAINT_UI_ASCII && cell->ch > 126) fail_msg("%dx%d pane %d: U+%04X in ASCII", w, h, (int)id, cell->ch);
                    continue;
                }
                if (memcmp(cell, saint_ui_canvas_at(&before, x, y), sizeof *cell)) fail_msg("%dx%d pane %d: drawn at (%d, %d), outside", w, h, (int)id, x, y);
            }
        saint_ui_canvas_free(&before);
        saint_ui_canvas_free(&c);
    }
    inspect_sample_free(s);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(panes_look_as_they_did),
        cmocka_unit_test(any_state_draws_inside_its_rectangle_at_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
