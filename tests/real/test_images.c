/* Real photos and a few thousand hostile picture files: each gives a picture or one clean line. */
#define _GNU_SOURCE
#include "support/test.h"

#include <dirent.h>
#include <math.h>
#include <stdbool.h>
#include <unistd.h>

#include "formats/image.h"

#define IMAGES SAINT_SHARED_DIR "/data/images"

typedef struct {
    int pictures, broken, unsupported;
    int64_t pixels;
} tally;

static bool ends_with(const char *s, const char *tail)
{
    size_t n = strlen(s), m = strlen(tail);
    return n >= m && strcmp(s + n - m, tail) == 0;
}

static void check_one(const char *path, tally *t)
{
    saint_image im;
    saint_error e = {0};
    saint_status s = saint_image_load(path, &im, &e);
    if (s == SAINT_OK) {
        assert_non_null(im.rgb);
        assert_in_range(im.w, 1, 32768);
        assert_in_range(im.h, 1, 32768);
        size_t bytes = 3 * (size_t)im.w * (size_t)im.h, sum = 0;
        for (size_t i = 0; i < bytes; i++) sum += im.rgb[i]; /* every byte is there for a sanitizer to see */
        assert_true(sum <= 255 * bytes);
        t->pixels += (int64_t)im.w * im.h;
        t->pictures++;
        saint_image_free(&im);
        return;
    }
    if (s != SAINT_FORMAT && s != SAINT_UNSUPPORTED) fail_msg("%s: %s: %s", path, saint_status_text(s), e.text);
    assert_null(im.rgb);
    assert_int_equal(e.code, s);
    assert_memory_equal(e.text, path, strlen(path)); /* the line says which file, */
    assert_non_null(strstr(e.text, "expected"));     /* what was expected, */
    assert_non_null(strstr(e.text, "found"));        /* what was found, */
    assert_non_null(strstr(e.text, "; "));           /* and how to mend it */
    for (const char *p = e.text; *p; p++) assert_true((unsigned char)*p >= ' ');
    if (s == SAINT_FORMAT) t->broken++;
    else t->unsupported++;
}

static void walk(const char *folder, tally *t)
{
    struct dirent **names;
    int n = scandir(folder, &names, NULL, alphasort);
    assert_true(n >= 0);
    for (int i = 0; i < n; i++) {
        char path[4096];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        if (names[i]->d_name[0] != '.' && stat(path, &st) == 0) {
            if (S_ISDIR(st.st_mode)) walk(path, t);
            else if (!ends_with(path, ".tar.gz")) check_one(path, t);
        }
        free(names[i]);
    }
    free(names);
}

static int files(const tally *t) { return t->pictures + t->broken + t->unsupported; }

static void report(const char *name, const tally *t)
{
    printf("  %-26s %5d files: %5d pictures (%lld Mpixel), %4d broken, %3d not supported\n", name, files(t), t->pictures,
           (long long)(t->pixels / 1000000), t->broken, t->unsupported);
}

static void every_photo_decodes(void **state)
{
    (void)state;
    tally coco = {0}, real = {0};
    walk(IMAGES "/coco_ccby", &coco);
    report("coco_ccby", &coco);
    assert_int_equal(coco.pictures, 53);
    assert_int_equal(files(&coco), 54); /* and index.tsv, which is no picture */
    walk(IMAGES "/real", &real);
    report("real", &real);
    assert_int_equal(real.broken, 1);      /* skimage_truncated.jpg */
    assert_int_equal(real.unsupported, 1); /* skimage_chessboard_GRAY_U16.tif */
    assert_true(real.pictures >= 30);
}

static void hostile_folders(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int at_least;
    } folder[] = {{"imagepng_bugfixes", 18},
                  {"jpegdecoder_crashtest", 100},
                  {"jpegdecoder_reftest", 66},
                  {"libjpegturbo_bugs", 29},
                  {"libpng_crashers", 23},
                  {"libpng_pngsuite", 50},
                  {"pillow", 36},
                  {"stb_pngsuite", 250}};
    for (size_t i = 0; i < sizeof folder / sizeof *folder; i++) {
        char path[4096];
        tally t = {0};
        snprintf(path, sizeof path, IMAGES "/hostile/%s", folder[i].name);
        walk(path, &t);
        report(folder[i].name, &t);
        assert_true(files(&t) >= folder[i].at_least);
        assert_true(t.pictures > 0);
    }
}

static void hostile_archives(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int at_least;
    } archive[] = {{"afl_jpeg_turbo", 915}, {"gofuzz_jpeg", 279}, {"gofuzz_png", 241}, {"imagepng_fuzz_decode", 1210}};
    char dir[] = P_tmpdir "/saint-images-XXXXXX", command[8192];
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < sizeof archive / sizeof *archive; i++) {
        char path[4096];
        tally t = {0};
        snprintf(command, sizeof command, "tar -xzf '" IMAGES "/hostile/%s.tar.gz' -C '%s'", archive[i].name, dir);
        FILE *tar = popen(command, "r");
        assert_non_null(tar);
        assert_int_equal(pclose(tar), 0);
        snprintf(path, sizeof path, "%s/%s", dir, archive[i].name);
        walk(path, &t);
        report(archive[i].name, &t);
        assert_true(files(&t) >= archive[i].at_least);
        assert_true(t.broken > 0);
    }
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    FILE *rm = popen(command, "r");
    assert_non_null(rm);
    assert_int_equal(pclose(rm), 0);
}

/* libjpeg-turbo repeats a chroma sample where the chroma plane is at most two samples wide, stb_image interpolates there as everywhere:
 * nothing but pictures of 3 or 4 columns is concerned. */
static bool chroma_two_samples_wide(const char *name)
{
    return strcmp(name, "jpg-size-3x3.jpg") == 0 || strcmp(name, "jpg-size-4x4.jpg") == 0;
}

/* libjpeg-turbo (Pillow) and stb_image round differently, and no more than that: in all 33 files, CMYK and progressive included. */
static void jpegs_equal_reference_decodes(void **state)
{
    (void)state;
    struct dirent **names;
    int n = scandir(IMAGES "/hostile/jpegdecoder_reftest", &names, NULL, alphasort), compared = 0;
    double worst = 0;
    assert_true(n > 60);
    for (int i = 0; i < n; i++) {
        char jpg[4096], png[4096];
        saint_image a, b;
        saint_error e = {0};
        if (ends_with(names[i]->d_name, ".jpg")) {
            snprintf(jpg, sizeof jpg, IMAGES "/hostile/jpegdecoder_reftest/%s", names[i]->d_name);
            snprintf(png, sizeof png, "%.*s.png", (int)strlen(jpg) - 4, jpg);
            assert_ok(saint_image_load(png, &b, err));
            saint_status s = saint_image_load(jpg, &a, &e);
            if (s != SAINT_OK) fail_msg("%s", e.text);
            assert_int_equal(a.w, b.w);
            assert_int_equal(a.h, b.h);
            double sum[3] = {0};
            for (size_t k = 0; k < 3 * (size_t)a.w * (size_t)a.h; k++) sum[k % 3] += abs(a.rgb[k] - b.rgb[k]);
            for (int c = 0; c < 3; c++) {
                double mean = sum[c] / ((double)a.w * a.h);
                if (chroma_two_samples_wide(names[i]->d_name)) {
                    assert_true(mean > 3 && mean < 40); /* when a new stb ends this, the exception must go */
                    continue;
                }
                if (mean > 3) fail_msg("%s channel %d: mean difference %.2f levels", jpg, c, mean);
                worst = fmax(worst, mean);
            }
            compared++;
            saint_image_free(&a);
            saint_image_free(&b);
        }
        free(names[i]);
    }
    free(names);
    printf("  %d JPEGs, worst mean difference of a channel %.3f levels\n", compared, worst);
    assert_int_equal(compared, 33);
}

int main(void)
{
    SAINT_NEED_SHARED("data/images");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_photo_decodes),
        cmocka_unit_test(hostile_folders),
        cmocka_unit_test(hostile_archives),
        cmocka_unit_test(jpegs_equal_reference_decodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
