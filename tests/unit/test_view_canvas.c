#include "support/test.h"

#include "support/random.h"
#include "views/pen.h"

static void utf8_round_trip(void **state)
{
    (void)state;
    for (uint32_t ch = 1; ch < 0x110000; ch += ch < 0x3000 ? 1 : 17) {
        char bytes[5] = {0};
        int n = saint_ui_utf8_put(ch, bytes);
        bytes[n] = 0;
        const char *p = bytes;
        uint32_t want = ch >= 0xd800 && ch < 0xe000 ? 0xfffd : ch;
        assert_int_equal(saint_ui_utf8_next(&p), want);
        assert_int_equal(*p, 0);
    }
    const char *broken = "a\xc3(\xe2\x82\xf0\x9f\x98\xed\xa0\x80\xc0\x80z";
    int n = 0, bad = 0;
    for (uint32_t ch; (ch = saint_ui_utf8_next(&broken)); n++) bad += ch == 0xfffd;
    assert_int_equal(n, 14);
    assert_int_equal(bad, 11);
}

static void columns_of_characters(void **state)
{
    (void)state;
    assert_int_equal(saint_ui_text_width("plain"), 5);
    assert_int_equal(saint_ui_text_width("e\u0301a"), 2);
    assert_int_equal(saint_ui_text_width("\u732b\u306f"), 4);
    assert_int_equal(saint_ui_text_width("\U0001f600"), 2);
    assert_int_equal(saint_ui_text_width("\u2580\u28ff\u25cf\u2500"), 4);
    assert_int_equal(saint_ui_text_width(NULL), 0);
}

static void a_cut_never_exceeds_its_columns_or_its_bytes(void **state)
{
    (void)state;
    static const char *const letters[] = {"a", " ", "\u00e9", "\u732b", "o\u0308", "\u2580", "\U0001f600", "\xff"};
    uint64_t seed = 5;
    for (int round = 0; round < 5000; round++) {
        char text[256] = "", out[64];
        int n = (int)(test_random_bits(&seed) % 24), columns = (int)(test_random_bits(&seed) % 30);
        size_t size = 1 + test_random_bits(&seed) % sizeof out;
        for (int i = 0; i < n; i++) strcat(text, letters[test_random_bits(&seed) % 8]);
        memset(out, '#', sizeof out);
        int used = saint_ui_text_cut(out, size, text, columns, round % 2 ? "\u2026" : "...");
        assert_true(used <= columns);
        assert_true(strlen(out) < size);
        assert_int_equal(used, saint_ui_text_width(out));
        if (saint_ui_text_width(text) <= columns && strlen(text) < size) assert_string_equal(out, text);
        for (size_t i = size; i < sizeof out; i++) assert_int_equal(out[i], '#');
    }
}

static void wrapped_lines_hold_every_word(void **state)
{
    (void)state;
    static const char text[] = "Selection costs 0.21 ms and saves 26.8 ms:\nit pays \u732b\u732b\u732b averyveryverylongword indeed.";
    for (int columns = 1; columns < 60; columns++) {
        saint_ui_wrap w = {text};
        const char *line;
        size_t bytes, letters = 0, want = 0;
        int n = 0;
        while (saint_ui_wrap_next(&w, columns, &line, &bytes)) {
            char copy[256];
            snprintf(copy, sizeof copy, "%.*s", (int)bytes, line);
            if (columns > 1) assert_true(saint_ui_text_width(copy) <= columns);
            for (size_t i = 0; i < bytes; i++) letters += line[i] != ' ';
            n++;
            assert_true(n < 200);
        }
        for (const char *c = text; *c; c++) want += *c != ' ' && *c != '\n';
        assert_int_equal(letters, want);
        assert_int_equal(n, saint_ui_wrap_count(text, columns));
    }
}

static void numbers_are_short_and_right(void **state)
{
    (void)state;
    static const struct {
        double v;
        const char *text;
    } cases[] = {{0, "0"},          {1, "1"},           {9999, "9999"},     {10000, "10.0k"}, {123456, "123k"},
                 {999999, "1.00M"}, {4.18e12, "4.18T"}, {0.0031, "0.0031"}, {0.83, "0.830"},  {41.23, "41.23"},
                 {123.44, "123.4"}, {-2.5, "-2.500"},   {9999.6, "10.0k"}};
    char out[40];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(saint_ui_number(out, sizeof out, cases[i].v), cases[i].text);
    assert_string_equal(saint_ui_fixed(out, sizeof out, -0.001, 2), "0.00");
    assert_string_equal(saint_ui_fixed(out, sizeof out, (double)NAN, 2), "-");
    assert_string_equal(saint_ui_bytes(out, sizeof out, 1023), "1023 B");
    assert_string_equal(saint_ui_bytes(out, sizeof out, 114.2 * 1024 * 1024), "114.2 MiB");
    assert_string_equal(saint_ui_duration(out, sizeof out, 0.00021), "210 us");
    assert_string_equal(saint_ui_duration(out, sizeof out, 0.0279), "27.9 ms");
    assert_string_equal(saint_ui_duration(out, sizeof out, 192), "3:12");
    assert_string_equal(saint_ui_duration(out, sizeof out, 59.7), "1:00");
    assert_string_equal(saint_ui_duration(out, sizeof out, 7384), "2:03:04");
}

static void wide_characters_never_break(void **state)
{
    (void)state;
    saint_ui_canvas c = {0};
    saint_ui_rect all = {0, 0, 20, 1};
    assert_ok(saint_ui_canvas_resize(&c, 20, 1, err));
    uint64_t seed = 11;
    static const uint32_t letters[] = {'a', 0x732b, 0x301, 0x1f600, ' ', 7};
    for (int i = 0; i < 20000; i++) {
        int x = (int)(test_random_bits(&seed) % 24) - 2;
        saint_ui_canvas_put(&c, all, x, 0, letters[test_random_bits(&seed) % 6], (saint_ui_style){0});
        for (int k = 0; k < 20; k++) { /* every half has its other half */
            if (c.cell[k].width == 0) assert_true(k > 0 && c.cell[k - 1].width == 2);
            if (c.cell[k].width == 2) assert_true(k < 19 && c.cell[k + 1].width == 0);
        }
    }
    saint_ui_canvas_free(&c);
}

static void the_256_colours_are_the_nearest(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int i = 0; i < 3000; i++) {
        unsigned v = (unsigned)test_random_bits(&seed) & 0xffffff;
        saint_ui_color got = saint_ui_color_reduce(saint_ui_rgb(v >> 16, v >> 8 & 255, v & 255), SAINT_UI_256);
        assert_int_equal(got >> 24, 1);
        assert_true((got & 255) >= 16);
        int best = INT32_MAX, mine = 0;
        for (unsigned k = 16; k < 256; k++) {
            uint32_t p = saint_ui_color_value(saint_ui_palette(k), 0);
            int dr = (int)(v >> 16) - (int)(p >> 16), dg = (int)(v >> 8 & 255) - (int)(p >> 8 & 255), db = (int)(v & 255) - (int)(p & 255);
            int d = 3 * dr * dr + 5 * dg * dg + 2 * db * db;
            if (d < best) best = d;
            if (k == (got & 255)) mine = d;
        }
        assert_true(mine <= 2 * best + 40); /* greys give way to tinges */
    }
    for (unsigned k = 16; k < 256; k++) { /* its own colours stay */
        uint32_t p = saint_ui_color_value(saint_ui_palette(k), 0);
        saint_ui_color got = saint_ui_color_reduce(saint_ui_rgb(p >> 16, p >> 8 & 255, p & 255), SAINT_UI_256);
        assert_int_equal(saint_ui_color_value(got, 0), p);
    }
}

static void ascii_has_an_answer_for_everything(void **state)
{
    (void)state;
    for (uint32_t ch = 0; ch < 0x30000; ch++) {
        uint32_t a = saint_ui_ascii_of(ch);
        assert_true(a < 127);
    }
    assert_int_equal(saint_ui_ascii_of(0xe4), 'a');
    assert_int_equal(saint_ui_ascii_of(0x2500), '-');
    assert_int_equal(saint_ui_ascii_of(0x2588), '#');
}

static void themes_name_every_role(void **state)
{
    (void)state;
    for (int kind = 0; saint_ui_palette_name(kind); kind++)
        for (int tier = 0; saint_ui_tier_name(tier); tier++) {
            saint_ui_theme t;
            saint_ui_theme_make(&t, (saint_ui_palette_kind)kind, (saint_ui_tier)tier, SAINT_UI_BRAILLE);
            assert_int_equal(saint_ui_palette_find(saint_ui_palette_name(kind)), kind);
            for (int role = 0; role < SAINT_UI_ROLE_COUNT; role++) {
                assert_non_null(saint_ui_role_name(role));
                saint_ui_style s = t.style[role];
                assert_int_equal(saint_ui_color_reduce(s.fg, t.tier), s.fg); /* nothing the terminal lacks */
                assert_int_equal(saint_ui_color_reduce(s.bg, t.tier), s.bg);
                if (tier == SAINT_UI_MONO) assert_int_equal(s.fg | s.bg, 0);
            }
            /* What must be told apart is, also without colours. */
            static const saint_ui_role pairs[][2] = {
                {SAINT_UI_SELECT, SAINT_UI_TEXT},   {SAINT_UI_TAB, SAINT_UI_TAB_ACTIVE}, {SAINT_UI_BORDER, SAINT_UI_BORDER_FOCUS},
                {SAINT_UI_ONLY_A, SAINT_UI_ONLY_B}, {SAINT_UI_SITE, SAINT_UI_VIT},       {SAINT_UI_INPUT, SAINT_UI_CURSOR},
                {SAINT_UI_KEY, SAINT_UI_KEY_TEXT},  {SAINT_UI_STRONG, SAINT_UI_FAINT},   {SAINT_UI_MEASURED, SAINT_UI_PREDICTED}};
            for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
                saint_ui_style a = t.style[pairs[i][0]], b = t.style[pairs[i][1]];
                if (a.fg == b.fg && a.bg == b.bg && a.attr == b.attr)
                    fail_msg("%s, %s: %s looks like %s", saint_ui_palette_name(kind), saint_ui_tier_name(tier),
                             saint_ui_role_name((int)pairs[i][0]), saint_ui_role_name((int)pairs[i][1]));
            }
        }
}

static void the_last_hit_is_on_top(void **state)
{
    (void)state;
    saint_ui_canvas c = {0};
    saint_ui_hit room[2];
    saint_ui_hits hits = {.room = 2, .hit = room};
    assert_ok(saint_ui_canvas_resize(&c, 10, 5, err));
    saint_ui_pen p = saint_ui_pen_whole(&c, NULL, &hits);
    saint_ui_hit_add(p, 0, 0, 10, 5, 1, 0);
    saint_ui_hit_add(saint_ui_pen_part(p, 2, 2, 3, 2), 0, 0, 99, 99, 2, 7);
    saint_ui_hit_add(p, 0, 0, 10, 5, 3, 0); /* no room */
    assert_int_equal(saint_ui_hit_at(&hits, 4, 3)->what, 2);
    assert_int_equal(saint_ui_hit_at(&hits, 5, 3)->what, 1);
    assert_null(saint_ui_hit_at(&hits, 10, 0));
    saint_ui_canvas_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_round_trip),
        cmocka_unit_test(columns_of_characters),
        cmocka_unit_test(a_cut_never_exceeds_its_columns_or_its_bytes),
        cmocka_unit_test(wrapped_lines_hold_every_word),
        cmocka_unit_test(numbers_are_short_and_right),
        cmocka_unit_test(wide_characters_never_break),
        cmocka_unit_test(the_256_colours_are_the_nearest),
        cmocka_unit_test(ascii_has_an_answer_for_everything),
        cmocka_unit_test(themes_name_every_role),
        cmocka_unit_test(the_last_hit_is_on_top),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
