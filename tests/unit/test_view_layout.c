#include "support/test.h"

#include "views/layout.h"

static void panes_tile_the_screen(void **state)
{
    (void)state;
    static char owner[100 * 260];
    static const saint_ui_layout_wish wishes[] = {
        {0},
        {.grid_w = 24, .grid_h = 24, .fields = 9, .facts = 9},
        {.grid_w = 27, .grid_h = 27, .fields = 40, .facts = 30, .focus = SAINT_UI_PANE_PARAMS},
        {.grid_w = 64, .grid_h = 4, .aspect = 16, .fields = 1, .facts = 1},
        {.grid_w = 4, .grid_h = 64, .aspect = 0.0625},
        {.whole_image = true, .focus = SAINT_UI_PANE_RUNS},
    };
    for (int page = 0; page < SAINT_UI_PAGE_COUNT; page++)
        for (size_t k = 0; k < sizeof wishes / sizeof *wishes; k++)
            for (int h = 1; h <= 80; h++)
                for (int w = 1; w <= 250; w += w < 90 ? 1 : 7) {
                    saint_ui_layout l;
                    saint_ui_layout_make(&l, (saint_ui_page)page, w, h, &wishes[k]);
                    assert_true(l.n >= 1 && l.n <= SAINT_UI_LAYOUT_MOST);
                    memset(owner, 0, (size_t)w * (size_t)h);
                    int covered = 0;
                    for (int i = 0; i < l.n; i++) {
                        saint_ui_rect r = l.pane[i].rect;
                        if (r.x < 0 || r.y < 0 || r.w < 1 || r.h < 1 || r.x + r.w > w || r.y + r.h > h)
                            fail_msg("page %d %dx%d: pane %d outside", page, w, h, l.pane[i].id);
                        for (int y = r.y; y < r.y + r.h; y++)
                            for (int x = r.x; x < r.x + r.w; x++) {
                                if (owner[y * w + x]) fail_msg("page %d %dx%d: (%d, %d) has two panes", page, w, h, x, y);
                                owner[y * w + x] = 1;
                                covered++;
                            }
                        for (int j = 0; j < i; j++) assert_int_not_equal(l.pane[i].id, l.pane[j].id);
                    }
                    if (covered != w * h) fail_msg("page %d %dx%d: %d of %d cells have a pane", page, w, h, covered, w * h);
                }
}

static void panes_are_large_enough_to_be_of_use(void **state)
{
    (void)state;
    saint_ui_layout_wish wish = {.grid_w = 24, .grid_h = 24, .fields = 9, .facts = 9};
    for (int page = 0; page < SAINT_UI_PAGE_COUNT; page++)
        for (int h = 24; h <= 80; h++)
            for (int w = 80; w <= 250; w += 5) {
                saint_ui_layout l;
                saint_ui_layout_make(&l, (saint_ui_page)page, w, h, &wish);
                for (int i = 0; i < l.n; i++) {
                    saint_ui_pane_id id = l.pane[i].id;
                    if (id == SAINT_UI_PANE_HEADER || id == SAINT_UI_PANE_FOOTER || id == SAINT_UI_PANE_MESSAGE) {
                        assert_true(l.pane[i].rect.h == 1 && l.pane[i].rect.w == w);
                        continue;
                    }
                    if (id == SAINT_UI_PANE_STRIP) continue;
                    if (l.pane[i].rect.w < 30 || l.pane[i].rect.h < (id == SAINT_UI_PANE_PROGRESS ? 3 : 4))
                        fail_msg("%s at %dx%d: %s is %dx%d", saint_ui_page_title(page), w, h, saint_ui_pane_title(id), l.pane[i].rect.w,
                                 l.pane[i].rect.h);
                }
            }
}

static void patches_lie_on_cells_at_the_usual_sizes(void **state)
{
    (void)state;
    static const int sizes[][4] = {{120, 36, 48, 24}, {200, 60, 96, 48}};
    for (int i = 0; i < 2; i++) {
        saint_ui_layout l;
        saint_ui_layout_make(&l, SAINT_UI_PAGE_INSPECT, sizes[i][0], sizes[i][1],
                             &(saint_ui_layout_wish){.grid_w = 24, .grid_h = 24, .fields = 9, .facts = 9});
        saint_ui_rect r = saint_ui_layout_find(&l, SAINT_UI_PANE_IMAGE);
        assert_true(r.w - 2 >= sizes[i][2] && r.h - 2 >= sizes[i][3]);
    }
}

static void the_focus_goes_round_and_stays_where_only_one_fits(void **state)
{
    (void)state;
    saint_ui_layout l;
    saint_ui_layout_make(&l, SAINT_UI_PAGE_INSPECT, 200, 60, NULL);
    saint_ui_pane_id at = SAINT_UI_PANE_IMAGE;
    int n = 0;
    do {
        saint_ui_pane_id next = saint_ui_layout_next(&l, at, 1);
        assert_int_equal(saint_ui_layout_next(&l, next, -1), at);
        assert_int_not_equal(next, SAINT_UI_PANE_HEADER);
        at = next;
        n++;
    } while (at != SAINT_UI_PANE_IMAGE && n < 20);
    assert_true(n >= 4 && n < 20);
    saint_ui_layout_make(&l, SAINT_UI_PAGE_INSPECT, 60, 20, &(saint_ui_layout_wish){.focus = SAINT_UI_PANE_FACTS});
    assert_true(saint_ui_layout_find(&l, SAINT_UI_PANE_FACTS).w == 60);
    assert_int_equal(saint_ui_layout_find(&l, SAINT_UI_PANE_IMAGE).w, 0);
    assert_int_equal(saint_ui_layout_at(&l, 5, 5), SAINT_UI_PANE_FACTS);
    assert_int_equal(saint_ui_layout_at(&l, 60, 5), SAINT_UI_PANE_NONE);
    saint_ui_layout_make(&l, SAINT_UI_PAGE_INSPECT, 39, 20, NULL);
    assert_int_equal(l.pane[0].id, SAINT_UI_PANE_NOTICE);
    assert_int_equal(saint_ui_layout_next(&l, SAINT_UI_PANE_IMAGE, 1), SAINT_UI_PANE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(panes_tile_the_screen),
        cmocka_unit_test(panes_are_large_enough_to_be_of_use),
        cmocka_unit_test(patches_lie_on_cells_at_the_usual_sizes),
        cmocka_unit_test(the_focus_goes_round_and_stays_where_only_one_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
