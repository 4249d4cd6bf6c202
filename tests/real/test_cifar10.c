/* The embedded classifier on 846 photos it was not trained on (CIFAR-10's own pixels of test pictures): as many right as timm has, and few
 * fewer with SAINT. */
#include "support/cifar.h"

#define PHOTOS SAINT_SHARED_DIR "/data/cifar10/cifar10_test_batch_first846.bin"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SHARE = 9 }; /* every access is watched: some of the pictures show the same errors */
#else
enum { SHARE = 1 };
#endif
enum { RECORD = 1 + 3 * 32 * 32, BATCH = 47 };

typedef struct {
    int right;
    double patches; /* left behind the ViT, mean */
} score;

/* Planes of red, green, blue to interleaved bytes. */
static saint_image photo(const uint8_t *record)
{
    saint_image im = {.w = 32, .h = 32, .rgb = malloc(3 * 32 * 32)};
    assert_non_null(im.rgb);
    for (int i = 0; i < 32 * 32; i++)
        for (int c = 0; c < 3; c++) im.rgb[3 * i + c] = record[1 + c * 32 * 32 + i];
    return im;
}

static score run(saint_session *s, const char *bytes, int n, const saint_settings *settings)
{
    score out = {0};
    for (int first = 0; first < n; first += BATCH) {
        saint_image im[BATCH];
        for (int i = 0; i < BATCH; i++) im[i] = photo((const uint8_t *)bytes + (size_t)(first + i) * RECORD);
        saint_request q = {.images = im, .n_images = BATCH, .settings = *settings};
        saint_trace *t = run_request(s, &q);
        for (int i = 0; i < BATCH; i++) {
            out.right += cifar_class(&t->image[i]) == (uint8_t)bytes[(size_t)(first + i) * RECORD];
            out.patches += (double)t->image[i].vit_out / n;
            saint_image_free(&im[i]);
        }
        saint_trace_unref(t);
    }
    return out;
}

static void photos_are_recognised(void **state)
{
    (void)state;
    cJSON *record = cifar_record();
    const cJSON *lossless = cJSON_GetObjectItem(record, "lossless");
    int n = cJSON_GetObjectItem(lossless, "pictures")->valueint, right = cJSON_GetObjectItem(lossless, "right")->valueint;
    saint_engine *engine;
    saint_model *m;
    char *bytes;
    size_t size;
    assert_ok(saint_file_read(PHOTOS, 16 << 20, &bytes, &size, err));
    assert_int_equal(size, (size_t)n * RECORD);
    assert_int_equal(n % (SHARE * BATCH), 0);
    assert_ok(saint_engine_open(&engine, &(saint_engine_options){.n_threads = 2}, err));
    saint_session *s = cifar_session(engine, &m, 0);
    saint_settings settings;
    saint_settings_default(&settings);
    n /= SHARE;
    score plain = run(s, bytes, n, &settings);
    if (SHARE == 1) assert_in_range(plain.right, right - 2, right + 2); /* two classes may be equal to the last bits */
    else assert_true(plain.right > 0.75 * n);
    int patches = saint_model_get_info(m)->grid_w * saint_model_get_info(m)->grid_h;
    set_params(&settings, "mode=vit", "prune_mode[0-2]=saint_drop", "sim_threshold=0.75", NULL);
    score pruned = run(s, bytes, n, &settings);
    printf("  %d of %d right with %.0f patches (timm: %d), %d with %.1f\n", plain.right, n, plain.patches, right, pruned.right,
           pruned.patches);
    assert_true(plain.patches > patches - 1e-6 && pruned.patches < 0.95 * patches);
    assert_true(pruned.right > plain.right - n / (SHARE == 1 ? 20 : 10)); /* fewer pictures say less */
    saint_session_close(s);
    saint_model_unref(m);
    saint_engine_close(engine);
    free(bytes);
    cJSON_Delete(record);
}

int main(void)
{
    SAINT_NEED_SHARED("data/cifar10");
    const struct CMUnitTest tests[] = {cmocka_unit_test(photos_are_recognised)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
