#include "support/test.h"

#include <math.h>

#include "support/random.h"
#include "views/dots.h"
#include "views/plot.h"

static bool dot_at(const saint_ui_canvas *c, const saint_ui_plot_frame *f, int x, int y)
{
    static const uint8_t braille[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    static const uint16_t quarter[16] = {' ',    0x2598, 0x259d, 0x2580, 0x2596, 0x258c, 0x259e, 0x259b,
                                         0x2597, 0x259a, 0x2590, 0x259c, 0x2584, 0x2599, 0x259f, 0x2588};
    const saint_ui_cell *cell = saint_ui_canvas_at(c, f->cells.x + x / f->dots_x, f->cells.y + y / f->dots_y);
    if (f->dots_y == 1) return cell->ch == '.';
    if (f->dots_y == 4) return cell->ch >= 0x2800 && cell->ch < 0x2900 && cell->ch & braille[y % 4][x % 2];
    for (int i = 0; i < 16; i++)
        if (quarter[i] == cell->ch) return i >> (y % 2 * 2 + x % 2) & 1;
    return false;
}

static void ticks_are_round_inside_and_few(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int round = 0; round < 20000; round++) {
        double low = pow(10, 6.0 * test_random(&seed)) * (round % 2 ? 1 : -1), high = low + pow(10, 8.0 * test_random(&seed));
        bool log = round % 3 == 0 && low > 0;
        int most = 2 + (int)(test_random_bits(&seed) % 12), decimals;
        double tick[24];
        int n = saint_ui_ticks(low, high, log, most, tick, &decimals);
        if (!(low < high)) continue;
        assert_true(n >= 0 && n <= most);
        for (int i = 0; i < n; i++) {
            assert_true(tick[i] >= low - 1e-9 * (fabs(low) + fabs(high)) && tick[i] <= high + 1e-9 * (fabs(low) + fabs(high)));
            if (i) assert_true(tick[i] > tick[i - 1]);
        }
        if (!log && most >= 4 && high - low > 1e-6 * fabs(low)) assert_true(n >= 2);
    }
    double tick[24];
    int decimals;
    assert_int_equal(saint_ui_ticks(64, 577, false, 6, tick, &decimals), 5);
    assert_true(tick[0] == 100 && tick[4] == 500 && decimals == 0);
    assert_int_equal(saint_ui_ticks(1, 1000, true, 4, tick, &decimals), 4);
    assert_true(tick[3] == 1000);
    assert_int_equal(saint_ui_ticks(NAN, 1, false, 5, tick, NULL), 0);
    assert_int_equal(saint_ui_ticks(2, 1, false, 5, tick, NULL), 0);
}

static void every_point_of_a_curve_is_a_dot(void **state)
{
    (void)state;
    for (int glyphs = SAINT_UI_BRAILLE; glyphs <= SAINT_UI_ASCII; glyphs++)
        for (int log = 0; log < 2; log++) {
            enum { N = 200 };
            double x[N], y[N];
            for (int i = 0; i < N; i++) x[i] = 1 + i, y[i] = 3 + sin(i / 20.0) * 2.5;
            saint_ui_series s = {.name = "s", .n = N, .x = x, .y = y, .line = true};
            saint_ui_plot plot = {.series = &s, .n_series = 1, .cursor = NAN, .mark = NAN, .x.log = log, .y[0].log = log};
            saint_ui_canvas c = {0};
            saint_ui_theme theme;
            saint_ui_plot_frame f;
            saint_ui_theme_make(&theme, SAINT_UI_DARK, SAINT_UI_256, (saint_ui_glyphs)glyphs);
            assert_ok(saint_ui_canvas_resize(&c, 90, 24, err));
            saint_ui_plot_draw(saint_ui_pen_whole(&c, &theme, NULL), &plot, &f);
            assert_true(f.cells.w > 70 && f.cells.h > 18);
            int w = f.cells.w * f.dots_x, h = f.cells.h * f.dots_y;
            for (int i = 0; i < N; i++) {
                double px = saint_ui_plot_dot(&f, 0, x[i]), py = saint_ui_plot_dot(&f, 1, y[i]);
                assert_true(px >= -0.01 && px < w && py >= -0.01 && py < h);
                bool near = false; /* the line is drawn between points, so a point is met up to rounding */
                for (int d = -1; d <= 1; d++)
                    for (int e = -1; e <= 1; e++) {
                        int u = (int)lround(px) + d, v = (int)lround(py) + e;
                        if (u >= 0 && v >= 0 && u < w && v < h) near = near || dot_at(&c, &f, u, v);
                    }
                assert_true(near);
            }
            for (int u = 0; u < w; u++) { /* no dots away from the curve */
                double at =
                    log ? pow(10, log10(x[0]) + (log10(x[N - 1]) - log10(x[0])) * u / (w - 1)) : x[0] + (x[N - 1] - x[0]) * u / (w - 1);
                for (int v = 0; v < h; v++) {
                    if (!dot_at(&c, &f, u, v)) continue;
                    double best = 1e9;
                    for (int i = 0; i < N; i++)
                        if (fabs(x[i] - at) < 6 * (log ? at / 20 + 1 : 1)) best = fmin(best, fabs(saint_ui_plot_dot(&f, 1, y[i]) - v));
                    assert_true(best < 6);
                }
            }
            saint_ui_canvas_free(&c);
        }
}

static void columns_and_values_agree(void **state)
{
    (void)state;
    double x[] = {64, 576}, y[] = {1, 2};
    saint_ui_series s = {.n = 2, .x = x, .y = y, .line = true};
    for (int log = 0; log < 2; log++) {
        saint_ui_plot plot = {.series = &s, .n_series = 1, .cursor = NAN, .mark = NAN, .x.log = log};
        saint_ui_canvas c = {0};
        saint_ui_theme theme;
        saint_ui_plot_frame f;
        saint_ui_theme_make(&theme, SAINT_UI_DARK, SAINT_UI_256, SAINT_UI_BRAILLE);
        assert_ok(saint_ui_canvas_resize(&c, 60, 12, err));
        saint_ui_plot_draw(saint_ui_pen_whole(&c, &theme, NULL), &plot, &f);
        for (int column = f.cells.x; column < f.cells.x + f.cells.w; column++) {
            double v = saint_ui_plot_x_at(&f, column);
            assert_int_equal((int)(saint_ui_plot_dot(&f, 0, v) + 1e-6) / f.dots_x, column - f.cells.x);
        }
        assert_true(isnan(saint_ui_plot_x_at(&f, f.cells.x - 1)));
        saint_ui_canvas_free(&c);
    }
}

static void lines_stay_inside(void **state)
{
    (void)state;
    uint64_t seed = 6;
    saint_ui_canvas c = {0};
    saint_ui_theme theme;
    saint_ui_theme_make(&theme, SAINT_UI_DARK, SAINT_UI_256, SAINT_UI_BRAILLE);
    assert_ok(saint_ui_canvas_resize(&c, 30, 20, err));
    for (int i = 0; i < 3000; i++) {
        saint_ui_pen p = saint_ui_pen_part(saint_ui_pen_whole(&c, &theme, NULL), 5, 4, 20, 10);
        double scale = i % 2 ? 60 : 1e5;
        saint_ui_dot_line(p, test_random(&seed) * scale, test_random(&seed) * scale, test_random(&seed) * scale, test_random(&seed) * scale,
                          (saint_ui_style){0});
    }
    int dots = 0;
    for (int y = 0; y < 20; y++)
        for (int x = 0; x < 30; x++) {
            bool inside = x >= 5 && x < 25 && y >= 4 && y < 14;
            if (!inside) assert_int_equal(saint_ui_canvas_at(&c, x, y)->ch, ' ');
            else dots += saint_ui_canvas_at(&c, x, y)->ch != ' ';
        }
    assert_int_equal(dots, 200);
    saint_ui_dot_line(saint_ui_pen_whole(&c, &theme, NULL), NAN, 0, 1, 1, (saint_ui_style){0});
    saint_ui_dot_line(saint_ui_pen_whole(&c, &theme, NULL), -1e308, 0, 1e308, 1, (saint_ui_style){0});
    saint_ui_canvas_free(&c);
}

static void the_cursor_reads_and_steps(void **state)
{
    (void)state;
    double x[] = {64, 128, 256, 512}, y[] = {30, 28, NAN, 22}, low[] = {29, 27, NAN, 21}, high[] = {31, 29, NAN, 23};
    saint_ui_series s = {.name = "tok/s", .n = 4, .x = x, .y = y, .low = low, .high = high, .line = true};
    saint_ui_plot plot = {.series = &s, .n_series = 1, .cursor = 130, .mark = NAN, .x.label = "keep_num"};
    assert_int_equal(saint_ui_plot_nearest(&s, 130, false), 1);
    assert_int_equal(saint_ui_plot_nearest(&s, 250, false), 1); /* the hole is no point */
    assert_int_equal(saint_ui_plot_nearest(&s, 300, true), 3);  /* nearer on the axis as it is drawn */
    assert_int_equal(saint_ui_plot_nearest(&s, 300, false), 1);
    assert_int_equal(saint_ui_plot_nearest(&s, 400, false), 3);
    assert_true(saint_ui_plot_step(&plot, 128, 1) == 512);
    assert_true(saint_ui_plot_step(&plot, 128, -1) == 64);
    assert_true(isnan(saint_ui_plot_step(&plot, 64, -1)));
    assert_true(saint_ui_plot_step(&plot, NAN, 1) == 64);
    char out[128];
    saint_ui_plot_readout(&plot, out, sizeof out);
    assert_string_equal(out, "keep_num 130   tok/s 28 [27, 29]");
    for (size_t n = 1; n < sizeof out; n++) { /* any buffer */
        char small[128];
        memset(small, '#', sizeof small);
        saint_ui_plot_readout(&plot, small, n);
        assert_true(strlen(small) < n);
        assert_int_equal(small[n], '#');
    }
}

static void absurd_data_draws_something(void **state)
{
    (void)state;
    static const double odd[] = {0, -0.0, 1, -1, 1e300, -1e300, 1e-300, NAN, INFINITY, -INFINITY, 5e-324, 1.7e308, 42, 42.0000001};
    uint64_t seed = 21;
    saint_ui_canvas c = {0};
    assert_ok(saint_ui_canvas_resize(&c, 60, 20, err));
    for (int round = 0; round < 3000; round++) {
        enum { N = 6 };
        double v[4][N];
        uint8_t hollow[N];
        for (int k = 0; k < 4; k++)
            for (int i = 0; i < N; i++) v[k][i] = odd[test_random_bits(&seed) % (sizeof odd / sizeof *odd)], hollow[i] = (uint8_t)(i % 2);
        saint_ui_series s[2] = {{.name = "a",
                                 .n = N,
                                 .x = v[0],
                                 .y = v[1],
                                 .low = v[2],
                                 .high = v[3],
                                 .hollow = hollow,
                                 .line = true,
                                 .points = true,
                                 .color = (int)(round % 9) - 1},
                                {.n = N, .x = v[0], .y = v[2], .axis = 1, .line = true, .steps = round % 2}};
        saint_ui_plot plot = {.series = s,
                              .n_series = round % 3,
                              .cursor = odd[test_random_bits(&seed) % 14],
                              .mark = odd[test_random_bits(&seed) % 14],
                              .guides = true,
                              .x = {.label = "x", .log = round % 5 == 0, .low = odd[round % 14], .high = odd[round % 13]},
                              .y = {{.log = round % 4 == 0}, {.log = round % 7 == 0}}};
        saint_ui_theme theme;
        saint_ui_theme_make(&theme, SAINT_UI_DARK, SAINT_UI_256, (saint_ui_glyphs)(round % 3));
        int w = 1 + (int)(test_random_bits(&seed) % 58), h = 1 + (int)(test_random_bits(&seed) % 18);
        saint_ui_canvas_clear(&c, (saint_ui_style){.attr = SAINT_UI_BOLD});
        saint_ui_plot_draw(saint_ui_pen_part(saint_ui_pen_whole(&c, &theme, NULL), 1, 1, w, h), &plot, NULL);
        for (int y = 0; y < 20; y++)
            for (int x = 0; x < 60; x++)
                if (x < 1 || y < 1 || x > w || y > h)
                    assert_true(saint_ui_canvas_at(&c, x, y)->ch == ' ' && saint_ui_canvas_at(&c, x, y)->attr == SAINT_UI_BOLD);
        char out[64];
        saint_ui_plot_readout(&plot, out, sizeof out);
        saint_ui_sparkline(saint_ui_pen_part(saint_ui_pen_whole(&c, &theme, NULL), 1, 1, w, h), v[1], N, SAINT_UI_TEXT);
    }
    saint_ui_canvas_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_round_inside_and_few), cmocka_unit_test(every_point_of_a_curve_is_a_dot),
        cmocka_unit_test(columns_and_values_agree),       cmocka_unit_test(lines_stay_inside),
        cmocka_unit_test(the_cursor_reads_and_steps),     cmocka_unit_test(absurd_data_draws_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
