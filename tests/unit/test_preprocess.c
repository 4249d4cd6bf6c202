#include "support/picture.h"

#include <math.h>

#include "formats/npy.h"
#include "formats/preprocess.h"

#define FIXTURES SAINT_FIXTURE_DIR "/preprocess/"

static const saint_preproc clip_defaults = {.side = 224,
                                            .resize = 224,
                                            .fit = SAINT_FIT_CROP,
                                            .rounding = SAINT_ROUND_HF,
                                            .filter = SAINT_RESAMPLE_BICUBIC,
                                            .mean = {0.48145466f, 0.4578275f, 0.40821073f},
                                            .std = {0.26862954f, 0.26130258f, 0.27577711f},
                                            .pad = {122, 116, 104}};

static int number(const cJSON *o, const char *key)
{
    int v = -1;
    assert_ok(saint_json_int(o, key, 0, 100000, &v, "cases.json", err));
    return v;
}

static void floats_equal_the_published_processors(void **state)
{
    (void)state;
    cJSON *all, *c;
    int n = 0;
    float worst = 0;
    assert_ok(saint_json_load(FIXTURES "cases.json", 1 << 20, &all, err));
    cJSON_ArrayForEach(c, cJSON_GetObjectItem(all, "preprocess"))
    {
        const char *name = NULL, *source = NULL;
        char path[512];
        saint_npy want;
        saint_preproc p = clip_defaults;
        assert_ok(saint_json_string(c, "name", &name, "cases.json", err));
        assert_ok(saint_json_string(c, "source", &source, "cases.json", err));
        const cJSON *config = cJSON_GetObjectItem(c, "config");
        if (strcmp(source, "hf") == 0) assert_ok(saint_preproc_from_hf(config, name, &p, err));
        else assert_ok(saint_preproc_from_timm(config, name, &p, err));
        snprintf(path, sizeof path, FIXTURES "%s.npy", name);
        assert_ok(saint_npy_load(path, &want, err));
        assert_int_equal(want.rank, 3);
        assert_int_equal(want.shape[0], 3);
        assert_int_equal(want.shape[1], p.side);
        assert_int_equal(want.shape[2], p.side);
        saint_image im = draw_picture(number(c, "w"), number(c, "h"), (uint32_t)number(c, "seed"));
        size_t count = 3 * (size_t)p.side * (size_t)p.side;
        float *pixels = malloc(count * sizeof *pixels);
        assert_non_null(pixels);
        assert_ok(saint_preprocess(&p, &im, pixels, NULL, err));
        for (size_t i = 0; i < count; i++) {
            float d = fabsf(pixels[i] - want.data[i]);
            if (d > 1e-6f) fail_msg("%s: value %zu is %.8g, expected %.8g", name, i, (double)pixels[i], (double)want.data[i]);
            worst = fmaxf(worst, d);
        }
        free(pixels);
        saint_npy_free(&want);
        saint_image_free(&im);
        n++;
    }
    printf("  %d cases, worst difference %g\n", n, (double)worst);
    assert_int_equal(n, 18);
    cJSON_Delete(all);
}

static void rect_says_where_the_square_lies(void **state)
{
    (void)state;
    static float pixels[3 * 28 * 28];
    saint_image im = draw_picture(61, 40, 1);
    saint_view_rect r;
    saint_preproc p = clip_defaults;
    p.side = p.resize = 28;
    p.fit = SAINT_FIT_PAD;
    assert_ok(saint_preprocess(&p, &im, pixels, &r, err));
    assert_true(r.x0 == 0 && r.y0 == -10 && r.w == 61 && r.h == 61);
    p.fit = SAINT_FIT_STRETCH;
    assert_ok(saint_preprocess(&p, &im, pixels, &r, err));
    assert_true(r.x0 == 0 && r.y0 == 0 && r.w == 61 && r.h == 40);
    p.fit = SAINT_FIT_CROP; /* 42 x 28, cut from column 7 */
    assert_ok(saint_preprocess(&p, &im, pixels, &r, err));
    assert_true(fabs(r.x0 - 7 * 61.0 / 42) < 1e-12 && r.y0 == 0 && fabs(r.w - 28 * 61.0 / 42) < 1e-12 && r.h == 40);
    p.resize = 32; /* 48 x 32, cut from column 10 and row 2 */
    assert_ok(saint_preprocess(&p, &im, pixels, &r, err));
    assert_true(fabs(r.x0 - 10 * 61.0 / 48) < 1e-12 && fabs(r.y0 - 2 * 40.0 / 32) < 1e-12);
    assert_true(fabs(r.w - 28 * 61.0 / 48) < 1e-12 && fabs(r.h - 28 * 40.0 / 32) < 1e-12);
    saint_image_free(&im);
}

static void extreme_shapes_cost_little(void **state)
{
    (void)state;
    static float pixels[3 * 28 * 28];
    static const saint_fit fits[] = {SAINT_FIT_PAD, SAINT_FIT_CROP, SAINT_FIT_STRETCH};
    for (int portrait = 0; portrait < 2; portrait++)
        for (size_t f = 0; f < 3; f++) {
            saint_image im;
            saint_preproc p = clip_defaults;
            p.side = p.resize = 28;
            p.fit = fits[f];
            assert_ok(saint_image_new(portrait ? 1 : 32768, portrait ? 32768 : 1, &im, err));
            memset(im.rgb, 255, 3 * 32768);
            assert_ok(saint_preprocess(&p, &im, pixels, NULL, err));
            float white = (1 - p.mean[0]) / p.std[0], padding = (122 / 255.0f - p.mean[0]) / p.std[0];
            assert_true(fabsf(pixels[14 * 28 + 14] - (p.fit == SAINT_FIT_PAD ? padding : white)) < 0.05f);
            saint_image_free(&im);
        }
}

static void wrong_settings_are_refused(void **state)
{
    (void)state;
    static float pixels[3 * 28 * 28];
    saint_image im = draw_picture(8, 8, 1), none = {0};
    saint_preproc good = clip_defaults, p;
    good.side = good.resize = 28;
    p = good, p.side = 0;
    assert_int_equal(saint_preprocess(&p, &im, pixels, NULL, NULL), SAINT_INVALID);
    p = good, p.resize = 27;
    assert_int_equal(saint_preprocess(&p, &im, pixels, NULL, NULL), SAINT_INVALID);
    p = good, p.resize = 5000;
    assert_int_equal(saint_preprocess(&p, &im, pixels, NULL, NULL), SAINT_INVALID);
    p = good, p.std[1] = 0;
    assert_int_equal(saint_preprocess(&p, &im, pixels, NULL, NULL), SAINT_INVALID);
    p = good, p.mean[2] = NAN;
    assert_int_equal(saint_preprocess(&p, &im, pixels, NULL, NULL), SAINT_INVALID);
    assert_int_equal(saint_preprocess(&good, &none, pixels, NULL, NULL), SAINT_INVALID);
    assert_ok(saint_preprocess(&good, &im, pixels, NULL, err));
    saint_image_free(&im);
}

static saint_status read_settings(bool hf, const char *text, saint_preproc *p, saint_error *e)
{
    cJSON *config;
    assert_ok(saint_json_parse(text, strlen(text), 1 << 16, "test", &config, err));
    saint_status s =
        hf ? saint_preproc_from_hf(config, "preprocessor_config.json", p, e) : saint_preproc_from_timm(config, "config.json", p, e);
    cJSON_Delete(config);
    return s;
}

static void refused_settings_are_named(void **state)
{
    (void)state;
    static const struct {
        bool hf;
        const char *text, *named;
        saint_status status;
    } c[] = {
        {true, "{\"image_processor_type\":\"Qwen2VLImageProcessor\"}", "Qwen2VLImageProcessor", SAINT_UNSUPPORTED},
        {true, "{\"do_resize\":false}", "do_resize", SAINT_UNSUPPORTED},
        {true, "{\"do_center_crop\":false,\"size\":224}", "do_center_crop", SAINT_UNSUPPORTED},
        {true, "{\"do_rescale\":false}", "do_rescale", SAINT_UNSUPPORTED},
        {true, "{\"rescale_factor\":0.0078431}", "rescale_factor", SAINT_UNSUPPORTED},
        {true, "{\"resample\":1}", "resample", SAINT_UNSUPPORTED},
        {true, "{\"do_pad\":true}", "do_pad", SAINT_UNSUPPORTED},
        {true, "{\"do_thumbnail\":true}", "do_thumbnail", SAINT_UNSUPPORTED},
        {true, "{\"image_grid_pinpoints\":[[336,672]]}", "image_grid_pinpoints", SAINT_UNSUPPORTED},
        {true, "{\"size\":{\"longest_edge\":224}}", "size", SAINT_UNSUPPORTED},
        {true, "{\"size\":{\"height\":224,\"width\":225}}", "size", SAINT_UNSUPPORTED},
        {true, "{\"size\":224,\"crop_size\":336}", "crop_size", SAINT_UNSUPPORTED},
        {true, "{\"size\":0}", "size", SAINT_FORMAT},
        {true, "{\"size\":[224,224]}", "size", SAINT_FORMAT},
        {true, "{\"size\":224.5}", "size", SAINT_FORMAT},
        {true, "{\"image_mean\":[0.5,0.5]}", "image_mean", SAINT_FORMAT},
        {true, "{\"image_mean\":[0.5,0.5,1.5]}", "image_mean", SAINT_FORMAT},
        {true, "{\"image_std\":[0.5,0.5,0]}", "image_std", SAINT_FORMAT},
        {true, "{\"image_std\":\"x\"}", "image_std", SAINT_FORMAT},
        {true, "[]", "object", SAINT_FORMAT},
        {false, "{\"crop_mode\":\"squash\"}", "squash", SAINT_UNSUPPORTED},
        {false, "{\"crop_mode\":\"border\"}", "border", SAINT_UNSUPPORTED},
        {false, "{\"interpolation\":\"lanczos\"}", "lanczos", SAINT_UNSUPPORTED},
        {false, "{\"crop_pct\":1.14}", "crop_pct", SAINT_UNSUPPORTED},
        {false, "{\"crop_pct\":0}", "crop_pct", SAINT_UNSUPPORTED},
        {false, "{\"crop_pct\":0.001}", "crop_pct", SAINT_UNSUPPORTED},
        {false, "{\"input_size\":[1,224,224]}", "input_size", SAINT_UNSUPPORTED},
        {false, "{\"input_size\":[3,224,256]}", "input_size", SAINT_UNSUPPORTED},
        {false, "{\"input_size\":[3,0,0]}", "input_size", SAINT_FORMAT},
        {false, "{\"input_size\":[3,1e300,1e300]}", "input_size", SAINT_FORMAT},
        {false, "{\"input_size\":224}", "input_size", SAINT_FORMAT},
        {false, "{\"std\":[0,0,0]}", "std", SAINT_FORMAT},
        {false, "3", "object", SAINT_FORMAT},
    };
    for (size_t i = 0; i < sizeof c / sizeof *c; i++) {
        saint_preproc p = clip_defaults;
        saint_error e = {0};
        saint_status s = read_settings(c[i].hf, c[i].text, &p, &e);
        if (s != c[i].status || !strstr(e.text, c[i].named)) fail_msg("%s gave %s: %s", c[i].text, saint_status_text(s), e.text);
        assert_non_null(strstr(e.text, "found"));
        assert_memory_equal(&p, &clip_defaults, sizeof p); /* untouched */
    }
}

static void settings_lie_on_top_of_the_callers(void **state)
{
    (void)state;
    saint_error e;
    saint_preproc p = clip_defaults;
    p.fit = SAINT_FIT_PAD;
    assert_int_equal(read_settings(true, "{\"do_pad\":null,\"size\":null,\"processor_class\":\"x\",\"do_thumbnail\":false}", &p, &e),
                     SAINT_OK);
    assert_int_equal(p.fit, SAINT_FIT_PAD); /* LLaVA's config.json says pad, its processor says nothing */
    assert_int_equal(p.side, 224);
    assert_int_equal(read_settings(true,
                                   "{\"size\":{\"shortest_edge\":336},\"crop_size\":336,\"image_mean\":[0.48145466,0.4578275,0.40821073]}",
                                   &p, &e),
                     SAINT_OK);
    assert_true(p.side == 336 && p.resize == 336 && p.fit == SAINT_FIT_CROP);
    assert_true(p.pad[0] == 122 && p.pad[1] == 116 && p.pad[2] == 104);
    p = clip_defaults;
    assert_int_equal(read_settings(false, "{\"input_size\":[3,384,384],\"crop_pct\":0.9,\"mean\":[0.5,0.5,0.5]}", &p, &e), SAINT_OK);
    assert_true(p.side == 384 && p.resize == 426 && p.rounding == SAINT_ROUND_TORCHVISION && p.filter == SAINT_RESAMPLE_BICUBIC);
    assert_true(p.mean[1] == 0.5f && p.std[1] == clip_defaults.std[1] && p.pad[1] == 127);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_equal_the_published_processors),
        cmocka_unit_test(rect_says_where_the_square_lies),
        cmocka_unit_test(extreme_shapes_cost_little),
        cmocka_unit_test(wrong_settings_are_refused),
        cmocka_unit_test(refused_settings_are_named),
        cmocka_unit_test(settings_lie_on_top_of_the_callers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
