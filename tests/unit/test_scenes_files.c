/* The Scenes data set as files and as records: layout, resuming, refusing, and the PNG writer. */
#define _GNU_SOURCE
#include "support/test.h"

#include <unistd.h>

#include "base/file.h"
#include "base/sha256.h"
#include "support/scenes.h"

/* ---- files -------------------------------------------------------------------------------------------------------- */

static void remove_tree(const char *folder)
{
    char command[400];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

static void read_text(const char *folder, const char *name, char **text, size_t *n)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(saint_file_read(path, 1 << 26, text, n, err));
}

static void write_text(const char *folder, const char *name, const char *text, size_t n)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(saint_file_write(path, text, n, err));
}

static bool stop_after_one(void *ctx, size_t done, size_t total)
{
    int *calls = ctx;
    assert_true(done <= total);
    return (*calls)++ < 1;
}

static void files_have_the_layout_of_mme(void **state)
{
    (void)state;
    char folder[] = "/tmp/saint-scenes-XXXXXX", name[64], *text, *again;
    size_t n, m;
    assert_non_null(mkdtemp(folder));
    saint_scenes_export_options o = {.out = folder, .split = SAINT_SCENES_TEST, .seed = 4, .count = 3, .size = 64, .threads = 2};
    saint_scenes_export_summary sum;
    assert_ok(saint_scenes_export(&o, &sum, err));
    assert_int_equal(sum.pictures, 21);
    assert_int_equal(sum.questions, 42);
    assert_int_equal(sum.written, 42);
    assert_int_equal(sum.kept, 0);
    for (int t = 0; t < SAINT_SCENES_TASKS; t++)
        for (uint32_t i = 0; i < 3; i++) {
            saint_scenes_scene s = scene_at(SAINT_SCENES_TEST, (saint_scenes_task)t, 4, i);
            saint_scenes_canvas *c;
            saint_image im;
            static uint8_t rgb[64 * 64 * 3];
            char path[500], q1[200], a1[8], q2[200], a2[8], rest[8];
            snprintf(name, sizeof name, "%s/%04u.txt", saint_scenes_task_name((saint_scenes_task)t), i + 1);
            read_text(folder, name, &text, &n);
            assert_int_equal(sscanf(text, "%199[^\t\n]\t%7[^\n]\n%199[^\t\n]\t%7[^\n]\n%7s", q1, a1, q2, a2, rest), 4);
            assert_true(strcmp(a1, "Yes") == 0 ? strcmp(a2, "No") == 0 : strcmp(a1, "No") == 0 && strcmp(a2, "Yes") == 0);
            free(text);
            snprintf(path, sizeof path, "%s/%s/%04u.png", folder, saint_scenes_task_name((saint_scenes_task)t), i + 1);
            assert_ok(saint_image_load(path, &im, err)); /* the engine's decoder reads our PNG and finds the drawn bytes */
            assert_ok(saint_scenes_canvas_new(64, &c, err));
            saint_scenes_draw(&s, c, rgb);
            assert_int_equal(im.w, 64);
            assert_int_equal(im.h, 64);
            assert_memory_equal(im.rgb, rgb, sizeof rgb);
            saint_scenes_canvas_free(c);
            saint_image_free(&im);
        }
    read_text(folder, "short_answers.jsonl", &text, &n);
    assert_non_null(strstr(text, "{\"uid\": \"existence/0001.png#s0\", \"image\": \"existence/0001.png\", \"question\": \""));
    assert_true(sum.short_answers > 21);
    free(text);

    read_text(folder, "color/0002.png", &text, &n); /* a lost file, an unfinished one and more pictures: only what is missing is written */
    write_text(folder, "color/0002.png", text, n / 2);
    snprintf(name, sizeof name, "%s/count/0001.txt", folder);
    assert_int_equal(unlink(name), 0);
    o.count = 4;
    o.threads = 1;
    assert_ok(saint_scenes_export(&o, &sum, err));
    assert_int_equal(sum.written, 2 + 7 * 2);
    assert_int_equal(sum.kept, 40);
    read_text(folder, "color/0002.png", &again, &m);
    assert_int_equal(n, m);
    assert_memory_equal(text, again, n);
    free(text);
    free(again);
    remove_tree(folder);
}

static void a_folder_with_something_else_is_left_alone(void **state)
{
    (void)state;
    char folder[] = "/tmp/saint-scenes-XXXXXX", *text;
    size_t n;
    saint_error e;
    assert_non_null(mkdtemp(folder));
    saint_scenes_export_options o = {.out = folder, .split = SAINT_SCENES_TEST, .count = 1, .size = 56};
    saint_scenes_export_summary sum;
    write_text(folder, "thesis.txt", "precious", 8);
    assert_int_equal(saint_scenes_export(&o, &sum, &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, "choose another --out"));
    remove_tree(folder);

    assert_ok(saint_scenes_export(&o, &sum, err));
    o.seed = 1; /* another data set */
    assert_int_equal(saint_scenes_export(&o, &sum, &e), SAINT_INVALID);
    o.seed = 0;
    o.split = SAINT_SCENES_TRAIN;
    assert_int_equal(saint_scenes_export(&o, &sum, &e), SAINT_INVALID);
    o.split = SAINT_SCENES_TEST;
    write_text(folder, "OCR/0001.txt", "Is this mine?\tYes\n", 18);
    assert_int_equal(saint_scenes_export(&o, &sum, &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, "OCR/0001.txt"));
    read_text(folder, "OCR/0001.txt", &text, &n);
    assert_int_equal(n, 18);
    free(text);
    remove_tree(folder);
}

static void an_interrupted_export_goes_on(void **state)
{
    (void)state;
    char folder[] = "/tmp/saint-scenes-XXXXXX", *text;
    size_t n;
    int calls = 0;
    saint_error e;
    assert_non_null(mkdtemp(folder));
    saint_scenes_export_options o = {
        .out = folder, .split = SAINT_SCENES_TEST, .count = 20, .size = 56, .progress = stop_after_one, .ctx = &calls};
    saint_scenes_export_summary sum;
    assert_int_equal(saint_scenes_export(&o, &sum, &e), SAINT_CANCELLED);
    read_text(folder, "scenes.json", &text, &n);
    assert_non_null(strstr(text, "\"complete\": false"));
    free(text);
    o.progress = NULL;
    assert_ok(saint_scenes_export(&o, &sum, err));
    assert_int_equal(sum.kept, 2 * 64);
    assert_int_equal(sum.written, 2 * (140 - 64));
    read_text(folder, "scenes.json", &text, &n);
    assert_non_null(strstr(text, "\"complete\": true"));
    free(text);
    remove_tree(folder);
}

static void wrong_options_are_named(void **state)
{
    (void)state;
    saint_error e;
    saint_scenes_export_summary sum;
    saint_scenes_export_options o = {.out = "/tmp/saint-scenes-never", .split = SAINT_SCENES_TEST, .count = 0, .size = 336};
    saint_scenes_stream *s = NULL;
    saint_scenes_split split;
    uint8_t label[1];
    assert_int_equal(saint_scenes_export(&o, &sum, &e), SAINT_INVALID);
    o.count = 1;
    o.size = 8;
    assert_int_equal(saint_scenes_export(&o, &sum, &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, "8"));
    assert_int_equal(access("/tmp/saint-scenes-never", F_OK), -1);
    assert_int_equal(saint_scenes_stream_open(&(saint_scenes_stream_options){.size = 336, .grid = 0}, &s, &e), SAINT_INVALID);
    assert_int_equal(saint_scenes_stream_open(&(saint_scenes_stream_options){.size = 4000, .grid = 24}, &s, &e), SAINT_INVALID);
    saint_scenes_scene scene = scene_at(SAINT_SCENES_TEST, SAINT_SCENES_COUNT, 0, 0);
    assert_int_equal(saint_scenes_labels(&scene, SAINT_SCENES_GRID_MAX + 1, label, &e), SAINT_INVALID);
    assert_false(saint_scenes_split_find("dev", &split));
    assert_true(saint_scenes_split_find("validation", &split));
    assert_int_equal(split, SAINT_SCENES_VALIDATION);
}

/* Pictures of a few pixels with few or many grey values: every way through filters and codes. */
static void png_is_read_back(void **state)
{
    (void)state;
    static const int sides[][2] = {{1, 1}, {3, 1}, {1, 5}, {17, 9}, {300, 200}};
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++)
        for (unsigned values = 1; values <= 256; values *= 4) {
            int w = sides[i][0], h = sides[i][1];
            size_t n = (size_t)w * (size_t)h * 3, bytes;
            uint8_t *rgb = malloc(n), *png;
            uint32_t random = 1;
            saint_image im;
            assert_non_null(rgb);
            for (size_t k = 0; k < n; k++) {
                random = random * 1664525u + 1013904223u;
                unsigned v = (random >> 24) % values;
                rgb[k] = (uint8_t)(values == 64 ? v & (v >> 3) & (v >> 1) : v); /* one that is lopsided: long codes */
            }
            png = saint_scenes_png(rgb, w, h, &bytes);
            assert_non_null(png);
            assert_ok(saint_image_decode(png, bytes, "test", &im, err));
            assert_int_equal(im.w, w);
            assert_int_equal(im.h, h);
            assert_memory_equal(im.rgb, rgb, n);
            saint_image_free(&im);
            free(png);
            free(rgb);
        }
}

/* ---- records ------------------------------------------------------------------------------------------------------ */

static uint64_t word_at(const uint8_t *p, int n)
{
    uint64_t v = 0;
    for (int i = n; i--;) v = v << 8 | p[i];
    return v;
}

static void check_record(const uint8_t *p, size_t bytes, uint64_t i, int size, int grid)
{
    saint_scenes_task task = (saint_scenes_task)(i % SAINT_SCENES_TASKS);
    uint64_t key = saint_scenes_key(SAINT_SCENES_TRAIN, task, 9, (uint32_t)(i / SAINT_SCENES_TASKS));
    saint_scenes_scene s;
    saint_scenes_questions all;
    uint8_t label[64];
    char hex[65], have[65];
    saint_scenes_describe(key, &s);
    saint_scenes_ask(&s, &all);
    assert_int_equal(word_at(p, 4), bytes - 4);
    assert_int_equal(word_at(p + 4, 4), SAINT_SCENES_TRAIN);
    assert_true(word_at(p + 8, 8) == key);
    assert_int_equal(word_at(p + 16, 4), task);
    assert_int_equal(word_at(p + 20, 4), all.n);
    const uint8_t *end = p + bytes, *q = p + 24;
    saint_sha256 sha;
    saint_sha256_init(&sha);
    saint_sha256_update(&sha, q, (size_t)(size * size * 3));
    saint_digest d = saint_sha256_final(&sha);
    saint_digest_hex(&d, have);
    hash_of(&s, size, hex);
    assert_string_equal(hex, have);
    q += size * size * 3;
    assert_ok(saint_scenes_labels(&s, grid, label, err));
    assert_memory_equal(q, label, (size_t)(grid * grid));
    q += grid * grid;
    for (int k = 0; k < all.n; k++) {
        size_t n = word_at(q + 2, 2), m = word_at(q + 4, 2);
        assert_int_equal(q[0], all.q[k].task);
        assert_int_equal(q[1], all.q[k].yes_no ? all.q[k].answer[0] == 'Y' : 2);
        assert_int_equal(n, strlen(all.q[k].question));
        assert_memory_equal(q + 6, all.q[k].question, n);
        assert_int_equal(m, strlen(all.q[k].answer));
        assert_memory_equal(q + 6 + n, all.q[k].answer, m);
        q += 6 + n + m;
    }
    assert_ptr_equal(q, end);
}

static void records_hold_what_the_header_says(void **state)
{
    (void)state;
    enum { SIZE = 60, GRID = 8 };
    uint8_t header[SAINT_SCENES_STREAM_HEADER];
    saint_scenes_stream_header(SIZE, GRID, header);
    assert_memory_equal(header, "SAINTSCN", 8);
    assert_int_equal(word_at(header + 8, 4), SAINT_SCENES_VERSION);
    assert_int_equal(word_at(header + 12, 4), SIZE);
    assert_int_equal(word_at(header + 16, 4), GRID);
    assert_int_equal(word_at(header + 20, 4), 124);
    assert_int_equal(word_at(header + 24, 4), SAINT_SCENES_TASKS);
    for (int threads = 1; threads <= 3; threads += 2) {
        saint_scenes_stream *s;
        assert_ok(saint_scenes_stream_open(
            &(saint_scenes_stream_options){
                .split = SAINT_SCENES_TRAIN, .seed = 9, .size = SIZE, .grid = GRID, .threads = threads, .start = 5},
            &s, err));
        for (uint64_t i = 5; i < 75; i++) {
            size_t bytes;
            const uint8_t *p = saint_scenes_stream_next(s, &bytes);
            check_record(p, bytes, i, SIZE, GRID);
        }
        saint_scenes_stream_close(s);
    }
    saint_scenes_stream_close(NULL);
    saint_scenes_canvas_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_have_the_layout_of_mme),
        cmocka_unit_test(a_folder_with_something_else_is_left_alone),
        cmocka_unit_test(an_interrupted_export_goes_on),
        cmocka_unit_test(wrong_options_are_named),
        cmocka_unit_test(png_is_read_back),
        cmocka_unit_test(records_hold_what_the_header_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
