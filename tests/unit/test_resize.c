#include "support/picture.h"

#include <stdbool.h>

#include "base/file.h"
#include "formats/json.h"
#include "formats/resize.h"

#define FIXTURES SAINT_FIXTURE_DIR "/preprocess/"

static int number(const cJSON *o, const char *key)
{
    int v = -1;
    assert_ok(saint_json_int(o, key, 0, 100000, &v, "cases.json", err));
    return v;
}

static void bytes_equal_pillow(void **state)
{
    (void)state;
    cJSON *all, *c;
    int n = 0;
    assert_ok(saint_json_load(FIXTURES "cases.json", 1 << 20, &all, err));
    cJSON_ArrayForEach(c, cJSON_GetObjectItem(all, "resize"))
    {
        const char *file = NULL, *filter = NULL;
        char path[512], *want;
        size_t bytes;
        saint_image out, in = draw_picture(number(c, "w"), number(c, "h"), (uint32_t)number(c, "seed"));
        assert_ok(saint_json_string(c, "file", &file, "cases.json", err));
        assert_ok(saint_json_string(c, "filter", &filter, "cases.json", err));
        snprintf(path, sizeof path, FIXTURES "%s", file);
        assert_ok(saint_file_read(path, 1 << 20, &want, &bytes, err));
        saint_resample f = strcmp(filter, "bicubic") == 0 ? SAINT_RESAMPLE_BICUBIC : SAINT_RESAMPLE_BILINEAR;
        assert_ok(saint_image_resize(&in, number(c, "to_w"), number(c, "to_h"), f, &out, err));
        assert_int_equal(bytes, 3 * (size_t)out.w * (size_t)out.h);
        assert_memory_equal(out.rgb, want, bytes);
        saint_image_free(&in);
        saint_image_free(&out);
        free(want);
        n++;
    }
    assert_int_equal(n, 12);
    cJSON_Delete(all);
}

/* A window of a padded canvas is the same bytes as the canvas made, resized whole, and cut. */
static void a_window_is_a_cut_of_the_whole(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 60; seed++) {
        uint32_t r = seed * 2654435761u;
        int w = 1 + (int)(r % 50), h = 1 + (int)(r / 50 % 50), cw = w + (int)(r >> 13) % 20, ch = h + (int)(r >> 17) % 20;
        saint_image photo = draw_picture(w, h, seed), whole, resized, window;
        saint_canvas canvas = {.photo = &photo, .w = cw, .h = ch, .x = (cw - w) / 2, .y = (ch - h) / 2, .colour = {122, 116, 104}};
        assert_ok(saint_image_new(cw, ch, &whole, err));
        for (int y = 0; y < ch; y++)
            for (int x = 0; x < cw; x++) {
                int px = x - canvas.x, py = y - canvas.y;
                bool inside = px >= 0 && px < w && py >= 0 && py < h;
                memcpy(whole.rgb + 3 * (y * cw + x), inside ? photo.rgb + 3 * (py * w + px) : canvas.colour, 3);
            }
        int full_w = seed % 7 == 0 ? cw : 1 + (int)(r >> 5) % 70, full_h = seed % 5 == 0 ? ch : 1 + (int)(r >> 9) % 70;
        int x0 = full_w / 3, y0 = full_h / 4, ow = full_w - x0 - full_w / 5, oh = full_h - y0;
        saint_resample f = seed & 1 ? SAINT_RESAMPLE_BICUBIC : SAINT_RESAMPLE_BILINEAR;
        assert_ok(saint_image_resize(&whole, full_w, full_h, f, &resized, err));
        assert_ok(saint_canvas_resize(&canvas, full_w, full_h, x0, y0, ow, oh, f, &window, err));
        for (int y = 0; y < oh; y++)
            assert_memory_equal(window.rgb + 3 * y * ow, resized.rgb + 3 * ((y + y0) * full_w + x0), 3 * (size_t)ow);
        saint_image_free(&photo);
        saint_image_free(&whole);
        saint_image_free(&resized);
        saint_image_free(&window);
    }
}

static void one_colour_stays_one_colour(void **state)
{
    (void)state;
    static const int size[][4] = {{1, 1, 300, 200}, {301, 203, 7, 5}, {3000, 2, 3, 2}, {40, 40, 41, 39}};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        for (int level = 0; level < 256; level += 51) {
            saint_image in, out;
            assert_ok(saint_image_new(size[i][0], size[i][1], &in, err));
            memset(in.rgb, level, 3 * (size_t)in.w * (size_t)in.h);
            assert_ok(saint_image_resize(&in, size[i][2], size[i][3], SAINT_RESAMPLE_BICUBIC, &out, err));
            for (int k = 0; k < 3 * out.w * out.h; k++) assert_int_equal(out.rgb[k], level);
            saint_image_free(&in);
            saint_image_free(&out);
        }
}

static void impossible_sizes_are_refused(void **state)
{
    (void)state;
    saint_image in = draw_picture(4, 4, 1), out = {0};
    static const int size[][2] = {{0, 4}, {4, 0}, {-1, 4}, {32769, 1}, {1, 32769}, {32768, 32768}};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        saint_error e = {0};
        assert_int_equal(saint_image_resize(&in, size[i][0], size[i][1], SAINT_RESAMPLE_BICUBIC, &out, &e), SAINT_INVALID);
        assert_null(out.rgb);
        assert_non_null(strstr(e.text, "found"));
    }
    saint_image_free(&in);
    saint_image_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_equal_pillow),
        cmocka_unit_test(a_window_is_a_cut_of_the_whole),
        cmocka_unit_test(one_colour_stays_one_colour),
        cmocka_unit_test(impossible_sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
