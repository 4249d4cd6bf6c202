#include "support/test.h"

#include <math.h>
#include <stdlib.h>

#include "support/picture.h"
#include "support/random.h"
#include "views/photo.h"

/* The mean over one pixel, sampled finely. */
static void brute(const saint_image *im, saint_view_rect f, int w, int h, int x, int y, double out[3])
{
    enum { FINE = 40 };
    double n = 0;
    out[0] = out[1] = out[2] = 0;
    for (int v = 0; v < FINE; v++)
        for (int u = 0; u < FINE; u++) {
            double px = f.x0 + (x + (u + 0.5) / FINE) * f.w / w, py = f.y0 + (y + (v + 0.5) / FINE) * f.h / h;
            if (px < 0 || py < 0 || px >= im->w || py >= im->h) continue;
            const uint8_t *p = im->rgb + 3 * ((size_t)py * (size_t)im->w + (size_t)px);
            for (int c = 0; c < 3; c++) out[c] += p[c];
            n++;
        }
    for (int c = 0; c < 3 && n > 0; c++) out[c] /= n;
}

static void scaling_is_the_area_average(void **state)
{
    (void)state;
    static const struct {
        int w, h;
        saint_view_rect f;
    } cases[] = {{13, 7, {0, 0, 40, 30}}, {40, 30, {0, 0, 40, 30}},         {96, 20, {0, 0, 40, 30}},
                 {8, 8, {0, -5, 40, 40}}, {9, 5, {3.25, 4.5, 20.5, 11.75}}, {1, 1, {0, 0, 40, 30}}};
    saint_image im = draw_picture(40, 30, 5);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t out[96 * 30 * 3];
        saint_ui_photo_scale(&im, cases[i].f, cases[i].w, cases[i].h, out);
        for (int y = 0; y < cases[i].h; y++)
            for (int x = 0; x < cases[i].w; x++) {
                double want[3];
                brute(&im, cases[i].f, cases[i].w, cases[i].h, x, y, want);
                for (int c = 0; c < 3; c++)
                    if (fabs(out[3 * (y * cases[i].w + x) + c] - want[c]) > 6)
                        fail_msg("case %zu (%d, %d): %d for %.1f", i, x, y, out[3 * (y * cases[i].w + x) + c], want[c]);
            }
    }
    saint_image_free(&im);
}

static void half_blocks_are_two_pixels(void **state)
{
    (void)state;
    saint_ui_canvas c = {0};
    saint_ui_theme theme;
    uint8_t rgb[20 * 10 * 3];
    uint64_t seed = 9;
    for (size_t i = 0; i < sizeof rgb; i++) rgb[i] = (uint8_t)test_random_bits(&seed);
    saint_ui_theme_make(&theme, SAINT_UI_DARK, SAINT_UI_DIRECT, SAINT_UI_BRAILLE);
    assert_ok(saint_ui_canvas_resize(&c, 22, 7, err));
    saint_ui_photo_halves(saint_ui_pen_part(saint_ui_pen_whole(&c, &theme, NULL), 1, 1, 20, 5), rgb, 20, 5);
    for (int y = 0; y < 5; y++)
        for (int x = 0; x < 20; x++) {
            const saint_ui_cell *cell = saint_ui_canvas_at(&c, x + 1, y + 1);
            const uint8_t *a = rgb + 3 * (2 * y * 20 + x), *b = a + 60;
            assert_int_equal(cell->fg, saint_ui_rgb(a[0], a[1], a[2]));
            assert_int_equal(cell->bg, saint_ui_rgb(b[0], b[1], b[2]));
            assert_int_equal(cell->ch, 0x2580);
        }
    assert_int_equal(saint_ui_canvas_at(&c, 0, 0)->bg, 0);
    assert_int_equal(saint_ui_canvas_at(&c, 21, 6)->bg, 0);
    saint_ui_canvas_free(&c);
}

/* Squared error of a cell against its four pixels. */
static int cell_error(const saint_ui_cell *cell, const uint8_t *const px[4])
{
    static const uint16_t glyph[16] = {' ',    0x2598, 0x259d, 0x2580, 0x2596, 0x258c, 0x259e, 0x259b,
                                       0x2597, 0x259a, 0x2590, 0x259c, 0x2584, 0x2599, 0x259f, 0x2588};
    int mask = -1, sum = 0;
    for (int i = 0; i < 16; i++)
        if (glyph[i] == cell->ch) mask = i;
    assert_true(mask >= 0);
    for (int i = 0; i < 4; i++) {
        uint32_t v = (mask >> i & 1 ? cell->fg : cell->bg) & 0xffffff;
        for (int c = 0; c < 3; c++) sum += (px[i][c] - (int)(v >> (16 - 8 * c) & 255)) * (px[i][c] - (int)(v >> (16 - 8 * c) & 255));
    }
    return sum;
}

static void quarter_blocks_are_the_best_split(void **state)
{
    (void)state;
    saint_ui_canvas c = {0};
    uint64_t seed = 4;
    assert_ok(saint_ui_canvas_resize(&c, 1, 1, err));
    for (int round = 0; round < 3000; round++) {
        uint8_t rgb[12];
        for (int i = 0; i < 12; i++) rgb[i] = (uint8_t)(round % 3 ? test_random_bits(&seed) : (test_random_bits(&seed) % 2) * 255);
        const uint8_t *const px[4] = {rgb, rgb + 3, rgb + 6, rgb + 9};
        saint_ui_photo_quarters(saint_ui_pen_whole(&c, NULL, NULL), rgb, 1, 1);
        int got = cell_error(c.cell, px), best = INT32_MAX;
        for (int mask = 0; mask < 16; mask++) { /* every split, every colour the rounded mean */
            int error = 0;
            for (int side = 0; side < 2; side++)
                for (int ch = 0; ch < 3; ch++) {
                    int sum = 0, n = 0;
                    for (int i = 0; i < 4; i++)
                        if ((mask >> i & 1) == side) sum += px[i][ch], n++;
                    int mean = n ? (sum + n / 2) / n : 0;
                    for (int i = 0; i < 4; i++)
                        if ((mask >> i & 1) == side) error += (px[i][ch] - mean) * (px[i][ch] - mean);
                }
            if (error < best) best = error;
        }
        assert_int_equal(got, best);
    }
    saint_ui_canvas_free(&c);
}

static void sizes_keep_the_shape_and_the_patches(void **state)
{
    (void)state;
    for (int max_w = 0; max_w < 140; max_w += 3)
        for (int max_h = 0; max_h < 60; max_h++) {
            static const double aspects[] = {1, 1.5, 0.3, 12, NAN, 0};
            for (size_t i = 0; i < sizeof aspects / sizeof *aspects; i++) {
                int w, h;
                saint_ui_photo_size(aspects[i], 24, 24, max_w, max_h, true, &w, &h);
                assert_true(w >= 0 && w <= max_w && h >= 0 && h <= max_h);
                assert_int_equal(w > 0, max_w > 0 && max_h > 0);
                assert_int_equal(h > 0, w > 0);
            }
            int w, h;
            saint_ui_photo_size(1, 24, 24, max_w, max_h, true, &w, &h);
            if (w >= 24 && abs(w - 2 * h) > 1) fail_msg("%d x %d in %d x %d is no square", w, h, max_w, max_h);
        }
    int w, h;
    saint_ui_photo_size(1, 24, 24, 50, 30, true, &w, &h);
    assert_true(w == 48 && h == 24);
    saint_ui_photo_size(1, 24, 24, 100, 50, true, &w, &h);
    assert_true(w == 96 && h == 48);
    saint_ui_photo_size(1, 27, 27, 60, 27, true, &w, &h); /* two columns a patch need 27 rows */
    assert_true(w == 54 && h == 27);
}

enum { G = 8 };

static double light(const saint_ui_canvas *c, saint_ui_rect where, const saint_ui_photo *ph, int patch, double *chroma)
{
    double sum = 0, spread = 0, n = 0;
    for (int y = where.y; y < where.y + where.h; y++)
        for (int x = where.x; x < where.x + where.w; x++) {
            if (saint_ui_photo_patch_at(ph, where, x, y) != patch) continue;
            const saint_ui_cell *cell = saint_ui_canvas_at(c, x, y);
            for (int half = 0; half < 2; half++) {
                uint32_t v = (half || cell->ch != 0x2580 ? cell->bg : cell->fg) & 0xffffff;
                int r = (int)(v >> 16), g = (int)(v >> 8 & 255), b = (int)(v & 255), high = r > g ? r : g, low = r < g ? r : g;
                sum += r + g + b;
                spread += (high > b ? high : b) - (low < b ? low : b);
                n++;
            }
        }
    if (chroma) *chroma = n > 0 ? spread / n : 0;
    return n > 0 ? sum / n : 0;
}

static void dropped_patches_are_darker_and_greyer(void **state)
{
    (void)state;
    saint_image im;
    assert_ok(saint_image_new(64, 64, &im, err));
    for (int i = 0; i < 64 * 64; i++) memcpy(im.rgb + 3 * i, (uint8_t[]){200, 120, 60}, 3);
    uint8_t kept[G * G];
    for (int i = 0; i < G * G; i++) kept[i] = (uint8_t)((i * 5 + i / 3) % 3 == 0);
    saint_ui_canvas c = {0};
    assert_ok(saint_ui_canvas_resize(&c, 48, 24, err)); /* whole cells per patch */
    for (int tier = SAINT_UI_DIRECT; tier <= SAINT_UI_MONO; tier++)
        for (int glyphs = SAINT_UI_BRAILLE; glyphs <= SAINT_UI_ASCII; glyphs++) {
            saint_ui_theme theme;
            saint_ui_rect where;
            saint_ui_theme_make(&theme, SAINT_UI_DARK, (saint_ui_tier)tier, (saint_ui_glyphs)glyphs);
            saint_ui_photo ph = {.image = &im, .grid_w = G, .grid_h = G, .kept = kept, .cursor = -1};
            saint_ui_canvas_clear(&c, (saint_ui_style){0});
            assert_ok(saint_ui_photo_draw(saint_ui_pen_whole(&c, &theme, NULL), &ph, NULL, &where, err));
            assert_true(where.w == 48 && where.h == 24);
            for (int i = 0; i < G * G; i++) {
                if (tier <= SAINT_UI_256) {
                    double chroma, level = light(&c, where, &ph, i, &chroma);
                    if (kept[i]) assert_true(level > 340 && chroma > 120);
                    else if (!(level < 220 && chroma < 40)) fail_msg("patch %d: level %g, chroma %g", i, level, chroma);
                    continue;
                }
                for (int y = 0; y < 24; y++) /* one character each: a dot is dropped, everything else is kept */
                    for (int x = 0; x < 48; x++)
                        if (saint_ui_photo_patch_at(&ph, where, x, y) == i)
                            assert_int_equal(saint_ui_canvas_at(&c, x, y)->ch == '.', !kept[i]);
            }
        }
    saint_ui_canvas_free(&c);
    saint_image_free(&im);
}

/* With 8 or 16 colours characters carry the brightness and the nearest hue; greys, and with NO_COLOR all, have the terminal's own colour. */
static void few_colours_show_the_hue(void **state)
{
    (void)state;
    static const struct {
        uint8_t rgb[3];
        int dark, light; /* palette index, -1 = none */
    } cases[] = {{{200, 20, 20}, 1, 1},  {{20, 160, 40}, 2, 2},     {{150, 100, 60}, 3, -1}, {{30, 40, 220}, 4, 4}, {{200, 40, 180}, 5, 5},
                 {{40, 200, 200}, 6, -1}, {{120, 120, 118}, -1, -1}, {{255, 255, 255}, -1, -1}, {{20, 2, 2}, -1, -1}};
    saint_image im;
    saint_ui_canvas c = {0};
    assert_ok(saint_image_new(16, 16, &im, err));
    assert_ok(saint_ui_canvas_resize(&c, 8, 4, err));
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (int tier = SAINT_UI_16; tier <= SAINT_UI_MONO; tier++)
            for (int light = 0; light < 2; light++) {
                saint_ui_theme theme;
                for (int i = 0; i < 16 * 16; i++) memcpy(im.rgb + 3 * i, cases[k].rgb, 3);
                saint_ui_theme_make(&theme, light ? SAINT_UI_LIGHT : SAINT_UI_DARK, (saint_ui_tier)tier, SAINT_UI_BRAILLE);
                assert_ok(saint_ui_photo_draw(saint_ui_pen_whole(&c, &theme, NULL), &(saint_ui_photo){.image = &im, .grid_w = 2, .grid_h = 2, .cursor = -1},
                                              NULL, NULL, err));
                const int want = tier == SAINT_UI_MONO ? -1 : light ? cases[k].light : cases[k].dark;
                const saint_ui_color plain = saint_ui_theme_style(&theme, SAINT_UI_STRONG).fg;
                const saint_ui_color got = saint_ui_canvas_at(&c, 4, 2)->fg;
                if (got != (want < 0 ? plain : saint_ui_palette((unsigned)want))) fail_msg("colour %zu, tier %d, light %d: %x", k, tier, light, got);
            }
    saint_ui_canvas_free(&c);
    saint_image_free(&im);
}

static void a_new_mask_needs_no_new_scaling(void **state)
{
    (void)state;
    saint_image im = draw_picture(64, 48, 3);
    uint8_t kept[G * G] = {0};
    saint_ui_canvas a = {0}, b = {0};
    saint_ui_photo_cache cache = {0};
    saint_ui_theme theme;
    saint_ui_theme_make(&theme, SAINT_UI_DARK, SAINT_UI_DIRECT, SAINT_UI_BRAILLE);
    assert_ok(saint_ui_canvas_resize(&a, 40, 20, err));
    assert_ok(saint_ui_canvas_resize(&b, 40, 20, err));
    uint64_t seed = 8;
    for (int i = 0; i < 40; i++) { /* with and without the cache: the same cells */
        for (int k = 0; k < G * G; k++) kept[k] = test_random_bits(&seed) & 1;
        saint_ui_photo ph = {.image = &im,
                             .rect = {0, -8, 64, 64},
                             .grid_w = G,
                             .grid_h = G,
                             .kept = kept,
                             .style = (saint_ui_photo_style)(i % SAINT_UI_PHOTO_STYLES),
                             .cursor = i % 3 ? i : -1,
                             .whole = i % 7 == 0,
                             .sharp = i % 5 == 0,
                             .lines = i % 2};
        int w = 10 + i % 4 * 10;
        assert_ok(saint_ui_photo_draw(saint_ui_pen_part(saint_ui_pen_whole(&a, &theme, NULL), 0, 0, w, 20), &ph, &cache, NULL, err));
        assert_ok(saint_ui_photo_draw(saint_ui_pen_part(saint_ui_pen_whole(&b, &theme, NULL), 0, 0, w, 20), &ph, NULL, NULL, err));
        assert_memory_equal(a.cell, b.cell, 40 * 20 * sizeof *a.cell);
    }
    saint_ui_photo_cache_free(&cache);
    saint_ui_canvas_free(&a);
    saint_ui_canvas_free(&b);
    saint_image_free(&im);
}

static uint32_t of(const uint8_t *p) { return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2]; }

/* A flat field of any colour becomes one or two of the fixed colours; their mean is nearer to it than any single one, or no further; and a
 * colour that there is stays itself. */
static void few_colours_make_many(void **state)
{
    (void)state;
    saint_ui_mixes *mixes = calloc(1, sizeof *mixes);
    assert_non_null(mixes);
    uint64_t seed = 4;
    double single = 0, mixed = 0;
    for (int n = 0; n < 3000; n++) {
        uint8_t field[8 * 8 * 3], color[3];
        for (int c = 0; c < 3; c++) color[c] = (uint8_t)test_random_bits(&seed);
        bool fixed = n % 10 == 0, grey = n % 10 == 1;
        uint32_t nearest = saint_ui_color_value(saint_ui_color_reduce(saint_ui_rgb(color[0], color[1], color[2]), SAINT_UI_256), 0);
        for (int c = 0; c < 3; c++) {
            if (fixed) color[c] = (uint8_t)(nearest >> (16 - 8 * c));
            else if (grey) color[c] = color[0];
        }
        for (int i = 0; i < 64; i++) memcpy(field + 3 * i, color, 3);
        saint_ui_dither(field, 8, 8, mixes);
        double mean[3] = {0};
        uint32_t seen[2] = {of(field), of(field)};
        for (int i = 0; i < 64; i++) {
            const uint8_t *p = field + 3 * i;
            saint_ui_color reduced = saint_ui_color_reduce(saint_ui_rgb(p[0], p[1], p[2]), SAINT_UI_256);
            assert_int_equal(saint_ui_color_value(reduced, 0), of(p)); /* it is one of them */
            if (of(p) != seen[0]) seen[1] = of(p);
            assert_true(of(p) == seen[0] || of(p) == seen[1]);
            assert_memory_equal(p, field + 3 * ((i / 8 % 4) * 8 + i % 4), 3); /* the pattern repeats every four pixels */
            for (int c = 0; c < 3; c++) mean[c] += p[c] / 64.0;
        }
        if (fixed) { /* to a quarter of its last bits */
            for (int c = 0; c < 3; c++) assert_true(fabs(mean[c] - color[c]) < 12);
            continue;
        }
        if (grey) {
            for (int i = 0; i < 64; i++) assert_true(field[3 * i] == field[3 * i + 1] && field[3 * i] == field[3 * i + 2]);
            assert_true(fabs(mean[0] - color[0]) < 8);
            continue;
        }
        for (int c = 0; c < 3; c++) {
            double a = (nearest >> (16 - 8 * c) & 255) - (double)color[c], b = mean[c] - color[c];
            single += a * a;
            mixed += b * b;
        }
    }
    assert_true(mixed < 0.5 * single);
    free(mixes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scaling_is_the_area_average),           cmocka_unit_test(half_blocks_are_two_pixels),
        cmocka_unit_test(quarter_blocks_are_the_best_split),     cmocka_unit_test(sizes_keep_the_shape_and_the_patches),
        cmocka_unit_test(dropped_patches_are_darker_and_greyer), cmocka_unit_test(a_new_mask_needs_no_new_scaling),
        cmocka_unit_test(few_colours_make_many),                 cmocka_unit_test(few_colours_show_the_hue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
