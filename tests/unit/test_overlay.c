#include "support/picture.h"

#include <math.h>
#include <stdbool.h>

#include "run/overlay.h"

enum { GRID = 4, PANEL = 448, GAP = 16 };

static const uint8_t *at(const saint_image *im, int x, int y) { return im->rgb + 3 * (y * im->w + x); }

static saint_image flat(int w, int h, int r, int g, int b)
{
    saint_image im;
    assert_ok(saint_image_new(w, h, &im, err));
    for (int i = 0; i < w * h; i++) {
        im.rgb[3 * i] = (uint8_t)r;
        im.rgb[3 * i + 1] = (uint8_t)g;
        im.rgb[3 * i + 2] = (uint8_t)b;
    }
    return im;
}

static int sum(const uint8_t *p) { return p[0] + p[1] + p[2]; }

/* A red square photo; the first patch of the second row is dropped. Patches are 112 pixels in the panel. */
static void dropped_patches_are_grey_and_dark(void **state)
{
    (void)state;
    uint8_t kept[GRID * GRID];
    memset(kept, 1, sizeof kept);
    kept[GRID] = 0;
    saint_image photo = flat(64, 64, 200, 20, 20), out;
    saint_overlay_panel panel = {.kept = kept};
    assert_ok(saint_overlay_draw(&photo, (saint_view_rect){0, 0, 64, 64}, GRID, GRID, &panel, 1, &out, err));
    assert_true(out.w == PANEL + 2 * GAP && out.h == PANEL + 2 * GAP);
    for (int gy = 0; gy < GRID; gy++)
        for (int gx = 0; gx < GRID; gx++) {
            const uint8_t *p = at(&out, GAP + 112 * gx + 56, GAP + 112 * gy + 56);
            if (gy == 1 && gx == 0) assert_true(p[0] == p[1] && p[0] < 60);
            else assert_true(p[0] == 200 && p[1] == 20 && p[2] == 20);
        }
    /* The edge between the two lies exactly between pixels 111 and 112: bright on the kept side, dark on the other. */
    assert_true(sum(at(&out, GAP + 112, GAP + 112 + 56)) > 400);
    assert_true(sum(at(&out, GAP + 111, GAP + 112 + 56)) < 100);
    assert_true(at(&out, GAP + 113, GAP + 112 + 56)[0] == 200);
    saint_image_free(&out);
    saint_image_free(&photo);
}

static void padding_is_hatched_and_a_crop_faded(void **state)
{
    (void)state;
    saint_image photo = flat(80, 40, 10, 10, 200), out;
    saint_overlay_panel panel = {0};
    assert_ok(saint_overlay_draw(&photo, (saint_view_rect){0, -20, 80, 80}, GRID, GRID, &panel, 1, &out, err));
    assert_true(out.w == PANEL + 2 * GAP && out.h == PANEL + 2 * GAP);
    int shades = 0, last = -1;
    for (int x = 0; x < 40; x++) { /* two alternating greys above the photo */
        const uint8_t *p = at(&out, GAP + 100 + x, GAP + 50);
        assert_true(abs(p[0] - p[2]) < 12 && p[0] > 150);
        shades += p[0] != last;
        last = p[0];
    }
    assert_true(shades > 5);
    assert_true(at(&out, GAP + 100, GAP + 224)[2] == 200 && at(&out, GAP + 100, GAP + 224)[0] == 10);
    saint_image_free(&out);
    assert_ok(saint_overlay_draw(&photo, (saint_view_rect){20, 0, 40, 40}, GRID, GRID, &panel, 1, &out, err));
    assert_true(out.w == PANEL + 2 * GAP && out.h == PANEL / 2 + 2 * GAP);
    assert_true(at(&out, GAP + 50, GAP + 100)[0] > 150);  /* left of the square */
    assert_true(at(&out, GAP + 224, GAP + 100)[0] == 10); /* in it */
    assert_true(at(&out, GAP + 400, GAP + 100)[0] > 150);
    saint_image_free(&out);
    saint_image_free(&photo);
}

static void heat_tints_in_order(void **state)
{
    (void)state;
    float heat[GRID * GRID];
    for (int i = 0; i < GRID * GRID; i++) heat[i] = (float)i / (GRID * GRID - 1);
    heat[5] = NAN;
    heat[6] = 7.0f;
    saint_image photo = flat(64, 64, 128, 128, 128), out;
    saint_overlay_panel panel = {.heat = heat};
    assert_ok(saint_overlay_draw(&photo, (saint_view_rect){0, 0, 64, 64}, GRID, GRID, &panel, 1, &out, err));
    int first = sum(at(&out, GAP + 56, GAP + 56)), hot = sum(at(&out, GAP + 112 * 3 + 56, GAP + 112 * 3 + 56));
    assert_true(first < 300 && hot > first + 150);
    assert_int_equal(sum(at(&out, GAP + 112 + 56, GAP + 112 + 56)), first); /* NaN counts as 0, */
    assert_int_equal(sum(at(&out, GAP + 224 + 56, GAP + 112 + 56)), hot);   /* 7 as 1 */
    saint_image_free(&out);
    saint_image_free(&photo);
}

static bool ink_in(const saint_image *im, int x0, int y0, int x1, int y1)
{
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            if (sum(at(im, x, y)) < 150) return true;
    return false;
}

static void titles_wrap_and_are_cut(void **state)
{
    (void)state;
    saint_image photo = flat(32, 32, 255, 255, 255), out;
    char all[96] = {0}, endless[500];
    for (int i = 0; i < 95; i++) all[i] = (char)(32 + i);
    memset(endless, 'W', sizeof endless - 1);
    endless[499] = 0;
    const char *titles[] = {"one", "two words that are too long for one line of the panel", all, endless, "", NULL, "\xc3\xa9\x01\n"};
    int height[7];
    for (int i = 0; i < 7; i++) {
        saint_overlay_panel panel = {.title = titles[i]};
        assert_ok(saint_overlay_draw(&photo, (saint_view_rect){0, 0, 32, 32}, GRID, GRID, &panel, 1, &out, err));
        height[i] = out.h;
        if (i < 4 || i == 6) assert_true(ink_in(&out, GAP, GAP + PANEL + 4, out.w - GAP, out.h - 4));
        for (int y = 0; y < out.h; y++)
            for (int x = 0; x < GAP; x++) assert_true(sum(at(&out, x, y)) > 700 && sum(at(&out, out.w - 1 - x, y)) > 700);
        saint_image_free(&out);
    }
    assert_true(height[0] > height[4] && height[4] == height[5] && height[6] == height[0]);
    assert_true(height[1] > height[0] && height[2] == height[1] && height[3] == height[1]);
    saint_image_free(&photo);
}

static void any_number_of_panels_fits(void **state)
{
    (void)state;
    static saint_overlay_panel panels[257];
    saint_image photo = draw_picture(60, 40, 3), out;
    for (int i = 0; i < 257; i++) panels[i].title = "layer";
    static const int counts[] = {1, 2, 4, 5, 12, 13, 40, 256};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        assert_ok(saint_overlay_draw(&photo, (saint_view_rect){0, -10, 60, 60}, 24, 24, panels, counts[i], &out, err));
        assert_true(out.w <= 2000);
        saint_image_free(&out);
    }
    assert_int_equal(saint_overlay_draw(&photo, (saint_view_rect){0, -10, 60, 60}, 24, 24, panels, 257, &out, NULL), SAINT_INVALID);
    saint_image_free(&photo);
}

static void odd_shapes_and_wrong_arguments(void **state)
{
    (void)state;
    saint_image wide = draw_picture(32768, 1, 1), tall = draw_picture(1, 32768, 1), dot = draw_picture(1, 1, 1), none = {0}, out;
    saint_overlay_panel panel = {.title = "a title on a panel of one pixel"};
    assert_ok(saint_overlay_draw(&wide, (saint_view_rect){0, -16383, 32768, 32768}, 24, 24, &panel, 1, &out, err));
    saint_image_free(&out);
    assert_ok(saint_overlay_draw(&tall, (saint_view_rect){0, 16383, 1, 1}, 24, 24, &panel, 1, &out, err));
    saint_image_free(&out);
    assert_ok(saint_overlay_draw(&dot, (saint_view_rect){0, 0, 1, 1}, 1024, 1, &panel, 1, &out, err));
    saint_image_free(&out);
    saint_view_rect good = {0, 0, 1, 1};
    static const saint_view_rect bad[] = {{0, 0, 0, 1}, {0, 0, 1, -1}, {NAN, 0, 1, 1}, {0, INFINITY, 1, 1}, {0, 0, 1e9, 1}, {1e9, 0, 1, 1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(saint_overlay_draw(&dot, bad[i], 4, 4, &panel, 1, &out, NULL), SAINT_INVALID);
    assert_int_equal(saint_overlay_draw(&dot, good, 0, 4, &panel, 1, &out, NULL), SAINT_INVALID);
    assert_int_equal(saint_overlay_draw(&dot, good, 4, 1025, &panel, 1, &out, NULL), SAINT_INVALID);
    assert_int_equal(saint_overlay_draw(&dot, good, 4, 4, &panel, 0, &out, NULL), SAINT_INVALID);
    assert_int_equal(saint_overlay_draw(&none, good, 4, 4, &panel, 1, &out, NULL), SAINT_INVALID);
    assert_null(out.rgb);
    saint_image_free(&wide);
    saint_image_free(&tall);
    saint_image_free(&dot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dropped_patches_are_grey_and_dark),
        cmocka_unit_test(padding_is_hatched_and_a_crop_faded),
        cmocka_unit_test(heat_tints_in_order),
        cmocka_unit_test(titles_wrap_and_are_cut),
        cmocka_unit_test(any_number_of_panels_fits),
        cmocka_unit_test(odd_shapes_and_wrong_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
