/* Whole pages: equal to the files in fixtures/views (SAINT_UPDATE_GOLDENS=1 writes them anew; read the difference before committing it),
 * and harmless at any size. */
#include "support/golden.h"
#include "support/test.h"

#include <dirent.h>

#include "support/random.h"
#include "support/view_samples.h"
#include "views/picture.h"

typedef struct {
    const char *name;
    int w, h;
    saint_ui_page page;
    saint_ui_tier tier;
    saint_ui_glyphs glyphs;
    saint_ui_palette_kind kind;
    saint_ui_photo_style style;
    sample_overlay overlay;
    saint_ui_pane_id focus;
} golden;

static const golden goldens[] = {
    {"inspect-80x24", 80, 24, SAINT_UI_PAGE_INSPECT, SAINT_UI_DIRECT, SAINT_UI_BRAILLE, SAINT_UI_DARK, SAINT_UI_PHOTO_DIM,
     SAMPLE_NO_OVERLAY, SAINT_UI_PANE_PARAMS},
    {"inspect-120x36", 120, 36, SAINT_UI_PAGE_INSPECT, SAINT_UI_256, SAINT_UI_BRAILLE, SAINT_UI_LIGHT, SAINT_UI_PHOTO_OUTLINE,
     SAMPLE_NO_OVERLAY, SAINT_UI_PANE_IMAGE},
    {"inspect-200x60", 200, 60, SAINT_UI_PAGE_INSPECT, SAINT_UI_DIRECT, SAINT_UI_BRAILLE, SAINT_UI_DARK, SAINT_UI_PHOTO_HEAT,
     SAMPLE_NO_OVERLAY, SAINT_UI_PANE_STRIP},
    {"inspect-ascii-mono", 80, 24, SAINT_UI_PAGE_INSPECT, SAINT_UI_MONO, SAINT_UI_ASCII, SAINT_UI_DARK, SAINT_UI_PHOTO_DIM,
     SAMPLE_NO_OVERLAY, SAINT_UI_PANE_PARAMS},
    {"death-16", 80, 24, SAINT_UI_PAGE_INSPECT, SAINT_UI_16, SAINT_UI_BLOCKS, SAINT_UI_DARK, SAINT_UI_PHOTO_DEATH, SAMPLE_NO_OVERLAY,
     SAINT_UI_PANE_IMAGE},
    {"compare-ascii-8", 120, 36, SAINT_UI_PAGE_COMPARE, SAINT_UI_8, SAINT_UI_ASCII, SAINT_UI_DARK, SAINT_UI_PHOTO_DIFF, SAMPLE_NO_OVERLAY,
     SAINT_UI_PANE_IMAGE},
    {"speed-80x24", 80, 24, SAINT_UI_PAGE_SPEED, SAINT_UI_256, SAINT_UI_BRAILLE, SAINT_UI_DARK, 0, SAMPLE_NO_OVERLAY, SAINT_UI_PANE_BARS},
    {"speed-mono", 120, 36, SAINT_UI_PAGE_SPEED, SAINT_UI_MONO, SAINT_UI_ASCII, SAINT_UI_DARK, 0, SAMPLE_NO_OVERLAY, SAINT_UI_PANE_BARS},
    {"layers-120x36", 120, 36, SAINT_UI_PAGE_LAYERS, SAINT_UI_DIRECT, SAINT_UI_BRAILLE, SAINT_UI_DARK, 0, SAMPLE_NO_OVERLAY,
     SAINT_UI_PANE_CHART},
    {"charts-80x24", 80, 24, SAINT_UI_PAGE_CHARTS, SAINT_UI_DIRECT, SAINT_UI_BLOCKS, SAINT_UI_LIGHT, 0, SAMPLE_NO_OVERLAY,
     SAINT_UI_PANE_CHART},
    {"charts-ascii", 120, 36, SAINT_UI_PAGE_CHARTS, SAINT_UI_MONO, SAINT_UI_ASCII, SAINT_UI_DARK, 0, SAMPLE_NO_OVERLAY,
     SAINT_UI_PANE_CHART},
    {"sweep-80x24", 80, 24, SAINT_UI_PAGE_SWEEP, SAINT_UI_256, SAINT_UI_BRAILLE, SAINT_UI_CONTRAST, 0, SAMPLE_NO_OVERLAY,
     SAINT_UI_PANE_RUNS},
    {"sweep-200x60", 200, 60, SAINT_UI_PAGE_SWEEP, SAINT_UI_DIRECT, SAINT_UI_BRAILLE, SAINT_UI_DARK, 0, SAMPLE_NO_OVERLAY,
     SAINT_UI_PANE_RUNS},
    {"help-120x36", 120, 36, SAINT_UI_PAGE_SPEED, SAINT_UI_DIRECT, SAINT_UI_BRAILLE, SAINT_UI_DARK, 0, SAMPLE_HELP, SAINT_UI_PANE_BARS},
    {"palette-80x24", 80, 24, SAINT_UI_PAGE_SPEED, SAINT_UI_256, SAINT_UI_BRAILLE, SAINT_UI_LIGHT, 0, SAMPLE_PALETTE, SAINT_UI_PANE_BARS},
    {"log-60x14", 60, 14, SAINT_UI_PAGE_LOG, SAINT_UI_8, SAINT_UI_BRAILLE, SAINT_UI_DARK, 0, SAMPLE_NO_OVERLAY, SAINT_UI_PANE_LOG},
    {"too-small", 30, 6, SAINT_UI_PAGE_INSPECT, SAINT_UI_256, SAINT_UI_BRAILLE, SAINT_UI_DARK, 0, SAMPLE_NO_OVERLAY, SAINT_UI_PANE_IMAGE},
};

static void pages_look_as_they_did(void **state)
{
    (void)state;
    sample s;
    assert_ok(sample_make(&s, NULL, err));
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) {
        const golden *g = &goldens[i];
        saint_ui_canvas c = {0};
        saint_ui_theme theme;
        saint_ui_theme_make(&theme, g->kind, g->tier, g->glyphs);
        assert_ok(saint_ui_canvas_resize(&c, g->w, g->h, err));
        assert_ok(sample_page(saint_ui_pen_whole(&c, &theme, NULL), &s, g->page, g->style, g->overlay, g->focus, err));
        saint_ui_canvas_reduce(&c, g->tier);
        char *text = saint_ui_canvas_dump(&c, true);
        assert_non_null(text);
        golden_is("views", g->name, text);
        free(text);
        saint_ui_canvas_free(&c);
    }
    sample_free(&s);
}

static void any_size_draws_inside_its_rectangle(void **state)
{
    (void)state;
    enum { FRAME = 2 };
    sample s;
    saint_ui_canvas c = {0};
    assert_ok(sample_make(&s, NULL, err));
    uint64_t seed = 31;
    for (int round = 0; round < 900; round++) {
        /* every small size, then others up to 250 x 80 */
        int w = round < 400 ? 1 + round % 20 : 1 + (int)(test_random_bits(&seed) % 250),
            h = round < 400 ? 1 + round / 20 : 1 + (int)(test_random_bits(&seed) % 80);
        saint_ui_theme theme;
        saint_ui_hit room[64];
        saint_ui_hits hits = {.room = 64, .hit = room};
        saint_ui_theme_make(&theme, (saint_ui_palette_kind)(round % 3), (saint_ui_tier)(round % 5), (saint_ui_glyphs)(round / 5 % 3));
        theme.lines = round % 2;
        assert_ok(saint_ui_canvas_resize(&c, w + 2 * FRAME, h + 2 * FRAME, err));
        saint_ui_canvas_clear(&c, (saint_ui_style){.attr = SAINT_UI_UNDERLINE | SAINT_UI_DIM});
        saint_ui_canvas before = {0};
        assert_ok(saint_ui_canvas_resize(&before, c.w, c.h, err));
        memcpy(before.cell, c.cell, (size_t)c.w * (size_t)c.h * sizeof *c.cell);
        saint_ui_pen p = saint_ui_pen_part(saint_ui_pen_whole(&c, &theme, &hits), FRAME, FRAME, w, h);
        /* each pane at the whole size too, so that views meet sizes that the layout would not give them */
        saint_ui_page page = (saint_ui_page)(test_random_bits(&seed) % SAINT_UI_PAGE_COUNT);
        saint_ui_pane_id id =
            (saint_ui_pane_id)(SAINT_UI_PANE_IMAGE + (int)(test_random_bits(&seed) % (SAINT_UI_PANE_COUNT - SAINT_UI_PANE_IMAGE)));
        sample_at(&s, (int)(test_random_bits(&seed) % SAMPLE_STEPS));
        if (round % 2) sample_pane(p, &s, page, id, (saint_ui_photo_style)(round % SAINT_UI_PHOTO_STYLES), round % 3 == 0, NULL);
        else
            assert_ok(sample_page(p, &s, page, (saint_ui_photo_style)(round % SAINT_UI_PHOTO_STYLES),
                                  (sample_overlay)(round / 2 % SAMPLE_OVERLAYS), id, err));
        for (int y = 0; y < c.h; y++)
            for (int x = 0; x < c.w; x++) {
                const saint_ui_cell *cell = saint_ui_canvas_at(&c, x, y);
                if (x >= FRAME && y >= FRAME && x < FRAME + w && y < FRAME + h) {
                    if (theme.glyphs == SAINT_UI_ASCII && cell->ch > 126 && !(theme.lines && cell->ch >= 0x2500 && cell->ch < 0x2580))
                        fail_msg("%dx%d page %d: U+%04X in ASCII", w, h, (int)page, cell->ch);
                    if (theme.glyphs == SAINT_UI_BLOCKS && cell->ch > 0x2800 && cell->ch < 0x2900) fail_msg("braille among blocks");
                    continue;
                }
                if (memcmp(cell, saint_ui_canvas_at(&before, x, y), sizeof *cell))
                    fail_msg("%dx%d page %d pane %d: drawn at (%d, %d), outside", w, h, (int)page, (int)id, x, y);
            }
        saint_ui_canvas_free(&before);
    }
    saint_ui_canvas_free(&c);
    sample_free(&s);
}

static void nothing_is_needed(void **state)
{
    (void)state;
    saint_ui_canvas c = {0};
    saint_ui_pen none = saint_ui_pen_whole(NULL, NULL, NULL);
    assert_ok(saint_ui_canvas_resize(&c, 30, 10, err));
    for (int k = 0; k < 2; k++) { /* no canvas; a canvas and no theme */
        saint_ui_pen p = k ? saint_ui_pen_whole(&c, NULL, NULL) : none;
        saint_ui_field_draw(p, NULL, NULL, 0, true, 1, 0, NULL);
        saint_ui_fields_draw(p, NULL, NULL, 3, 0, NULL, true, 1);
        saint_ui_strip_draw(p, NULL, 1);
        saint_ui_plot_draw(p, NULL, NULL);
        saint_ui_sparkline(p, NULL, 3, SAINT_UI_TEXT);
        saint_ui_bars_draw(p, NULL);
        saint_ui_stacks_draw(p, NULL, 3, NULL, 2, NULL, 1);
        saint_ui_facts_draw(p, NULL, 3, 0, NULL, NULL, NULL);
        saint_ui_table_draw(p, NULL, NULL, true, 1);
        saint_ui_footer_draw(p, NULL, 3, 1);
        saint_ui_help_draw(p, NULL, 3, NULL, 0, 1);
        saint_ui_palette_draw(p, NULL, NULL, 0, NULL, 0, 1);
        saint_ui_header_draw(p, NULL, 1);
        saint_ui_message_draw(p, NULL);
        saint_ui_progress_draw(p, NULL);
        saint_ui_pane_draw(p, NULL);
        saint_ui_failure(p, NULL, NULL);
        assert_ok(saint_ui_photo_draw(p, NULL, NULL, NULL, err));
        saint_ui_text(p, 0, 0, -1, SAINT_UI_TEXT, NULL);
        sample s;
        assert_ok(sample_make(&s, NULL, err));
        assert_ok(sample_page(p, &s, SAINT_UI_PAGE_INSPECT, SAINT_UI_PHOTO_DIM, SAMPLE_PALETTE, SAINT_UI_PANE_IMAGE, err));
        sample_free(&s);
    }
    saint_ui_canvas_free(&c);
}

static void tables_sort_scroll_and_keep_their_row(void **state)
{
    (void)state;
    static const int values[] = {5, 3, 9, 3, 7, 1, 9, 2};
    saint_ui_column column[] = {{"a", 2, true, false}, {"b", 4, true, false}};
    int order[8];
    saint_ui_table t = {.n_rows = 8,
                        .n_columns = 2,
                        .column = column,
                        .cell = sample_cell,
                        .compare = sample_compare,
                        .ud = (void *)(uintptr_t)values,
                        .order = order};
    saint_ui_table_state s = {.at = 4, .sort = -1};
    for (int i = 0; i < 8; i++) order[i] = i;
    s.sort = 1;
    saint_ui_table_sort(&t, &s, order);
    static const int up[] = {5, 7, 1, 3, 0, 4, 2, 6};
    assert_memory_equal(order, up, sizeof up);
    assert_int_equal(order[s.at], 4);
    s.descending = true;
    saint_ui_table_sort(&t, &s, order);
    static const int down[] = {2, 6, 4, 0, 1, 3, 7, 5};
    assert_memory_equal(order, down, sizeof down);
    assert_int_equal(order[s.at], 4);
    saint_ui_canvas c = {0};
    assert_ok(saint_ui_canvas_resize(&c, 12, 4, err));
    static const char *const keys[] = {"Up", "Down", "PgUp", "PgDn", "Home", "End", "Left", "Right"};
    uint64_t seed = 1;
    for (int i = 0; i < 500; i++) { /* the selection is always on the screen */
        saint_ui_event e;
        saint_ui_key_parse(keys[test_random_bits(&seed) % 8], &e);
        assert_true(saint_ui_table_key(&t, &s, &e));
        saint_ui_table_draw(saint_ui_pen_whole(&c, NULL, NULL), &t, &s, true, 0);
        assert_true(s.at >= 0 && s.at < 8 && s.at >= s.top && s.at < s.top + 3 && s.top >= 0 && s.top <= 5 && s.first >= 1);
    }
    saint_ui_canvas_free(&c);
}

static void footers_keep_what_weighs_most(void **state)
{
    (void)state;
    saint_ui_canvas c = {0};
    saint_ui_hit room[64];
    for (int w = 8; w <= 240; w += 4) {
        saint_ui_hits hits = {.room = 64, .hit = room};
        assert_ok(saint_ui_canvas_resize(&c, w, 1, err));
        saint_ui_footer_draw(saint_ui_pen_whole(&c, NULL, &hits), sample_actions, sample_n_actions, 9);
        assert_true(hits.n > 0);
        int lightest = 1000;
        bool help = false;
        for (int i = 0; i < hits.n; i++)
            for (int k = 0; k < sample_n_actions; k++)
                if (sample_actions[k].id == hits.hit[i].value) {
                    help = help || k == 0;
                    if (sample_actions[k].weight < lightest) lightest = sample_actions[k].weight;
                }
        assert_true(help); /* the weightiest of all */
        for (int k = 0; k < sample_n_actions; k++) {
            bool shown = false;
            for (int i = 0; i < hits.n; i++) shown = shown || hits.hit[i].value == sample_actions[k].id;
            if (sample_actions[k].weight > lightest) assert_true(shown);
        }
    }
    saint_ui_canvas_free(&c);
}

static void fuzzy_finds_what_is_meant(void **state)
{
    (void)state;
    int at[8], match[8];
    assert_int_equal(saint_ui_fuzzy("xyz", "layer.step", NULL), 0);
    assert_true(saint_ui_fuzzy("ls", "layer.step", at) > 0);
    assert_true(at[0] == 0 && at[1] == 6);
    assert_true(saint_ui_fuzzy("ab", "xab a", at) > 0); /* a later word start must not lose the match */
    assert_true(saint_ui_fuzzy("swe", "sweep.field", NULL) > saint_ui_fuzzy("swe", "selects where", NULL));
    int n = saint_ui_palette_match(sample_actions, sample_n_actions, "undo", match, 8);
    assert_true(n >= 1);
    assert_string_equal(sample_actions[match[0]].name, "undo");
    n = saint_ui_palette_match(sample_actions, sample_n_actions, "", match, 8);
    assert_int_equal(n, 8);
    for (int i = 0; i < 8; i++) assert_int_equal(match[i], i);
    assert_int_equal(saint_ui_palette_match(sample_actions, sample_n_actions, "qqqq", match, 8), 0);
}

static void strips_have_a_column_for_every_layer(void **state)
{
    (void)state;
    saint_ui_strip_layer layer[120];
    saint_ui_canvas c = {0};
    for (int vit = 0; vit <= 60; vit += 12)
        for (int llm = 0; llm <= 60; llm += 20)
            for (int w = 4; w <= 250; w += 3) {
                saint_ui_hit room[160];
                saint_ui_hits hits = {.room = 160, .hit = room};
                int n = vit + llm;
                for (int i = 0; i < n; i++)
                    layer[i] = (saint_ui_strip_layer){.stage = i < vit ? SAINT_STAGE_VIT : SAINT_STAGE_LLM,
                                                      .layer = i < vit ? i : i - vit,
                                                      .tokens = n - i,
                                                      .site = i % 5 == 0};
                saint_ui_strip s = {.layer = layer, .n = n, .cursor = n / 2};
                assert_ok(saint_ui_canvas_resize(&c, w, 3, err));
                saint_ui_pen p = saint_ui_pen_whole(&c, NULL, &hits);
                saint_ui_strip_draw(p, &s, 4);
                if (n && w >= 12) assert_true(hits.n > 0);
                int before = -1;
                for (int i = 0; i < n; i++) {
                    saint_ui_rect r = saint_ui_strip_column(p, &s, i);
                    if (r.w < 1) fail_msg("%d + %d layers, %d columns: layer %d is not shown", vit, llm, w, i);
                    assert_true(r.x >= before && r.x + r.w <= w);
                    before = r.x;
                }
            }
    saint_ui_canvas_free(&c);
}

static void pictures_of_a_canvas_show_its_cells(void **state)
{
    (void)state;
    saint_ui_canvas c = {0};
    saint_image im = {0};
    assert_ok(saint_ui_canvas_resize(&c, 4, 2, err));
    saint_ui_rect all = {0, 0, 4, 2};
    saint_ui_canvas_put(&c, all, 1, 0, 0x2580, (saint_ui_style){saint_ui_rgb(255, 0, 0), saint_ui_rgb(0, 255, 0), 0});
    saint_ui_canvas_put(&c, all, 2, 1, 0x2588, (saint_ui_style){saint_ui_rgb(0, 0, 255), 0, SAINT_UI_REVERSE});
    assert_ok(saint_ui_picture(&c, 0x101112, 0xf0f1f2, &im, err));
    assert_true(im.w == 48 && im.h == 48);
    const uint8_t *p = im.rgb + 3 * (3 * 48 + 18);
    assert_true(p[0] == 255 && p[1] == 0);
    p = im.rgb + 3 * (20 * 48 + 18);
    assert_true(p[0] == 0 && p[1] == 255);
    p = im.rgb + 3 * (30 * 48 + 30);
    assert_true(p[0] == 0x10 && p[2] == 0x12); /* reversed: the ground covers the blue */
    assert_true(im.rgb[0] == 0x10);
    saint_image_free(&im);
    saint_ui_canvas_free(&c);
}

/* Views draw into memory: curses, the environment, printing and exits are the business of screen*.c and of the program. */
static void only_the_screen_knows_curses(void **state)
{
    (void)state;
    static const char *const words[] = {"<curses.h>", "<ncurses", "<term.h>", " printf(", " exit(", "abort("};
    DIR *folder = opendir(SAINT_SOURCE_DIR "/views");
    assert_non_null(folder);
    int read = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        size_t n = strlen(entry->d_name);
        if (n < 3 || entry->d_name[n - 2] != '.') continue;
        char path[1024];
        snprintf(path, sizeof path, "%s/views/%s", SAINT_SOURCE_DIR, entry->d_name);
        char *text;
        size_t length;
        assert_ok(saint_file_read(path, 1 << 20, &text, &length, err));
        if (strstr(text, "getenv(")) fail_msg("%s reads the environment: the program passes what it found there", entry->d_name);
        for (size_t i = 0; i < sizeof words / sizeof *words && strncmp(entry->d_name, "screen", 6) != 0; i++)
            if (strstr(text, words[i])) fail_msg("%s has %s", entry->d_name, words[i]);
        free(text);
        read++;
    }
    closedir(folder);
    assert_true(read > 25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_look_as_they_did),
        cmocka_unit_test(any_size_draws_inside_its_rectangle),
        cmocka_unit_test(nothing_is_needed),
        cmocka_unit_test(tables_sort_scroll_and_keep_their_row),
        cmocka_unit_test(footers_keep_what_weighs_most),
        cmocka_unit_test(fuzzy_finds_what_is_meant),
        cmocka_unit_test(strips_have_a_column_for_every_layer),
        cmocka_unit_test(pictures_of_a_canvas_show_its_cells),
        cmocka_unit_test(only_the_screen_knows_curses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
