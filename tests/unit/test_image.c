/* Pictures of every kind that the engine reads (tests/oracle/picture_corpus.py drew them), whole, cut and damaged. */
#define _GNU_SOURCE
#include "support/picture.h"

#include <dirent.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/file.h"

#define CORPUS SAINT_SOURCE_DIR "/tests/fuzz/corpus/picture"

typedef struct {
    uint8_t *b;
    size_t n;
} bytes;

static bytes read_bytes(const char *name)
{
    char path[1024], *p;
    size_t n;
    snprintf(path, sizeof path, CORPUS "/%s", name);
    assert_ok(saint_file_read(path, 1 << 20, &p, &n, err));
    return (bytes){(uint8_t *)p, n};
}

static void each_kind_decodes(void **state)
{
    (void)state;
    struct dirent **names;
    int n = scandir(CORPUS, &names, NULL, alphasort), pictures = 0;
    assert_true(n > 2);
    for (int i = 0; i < n; i++) {
        if (names[i]->d_name[0] != '.') {
            saint_image im;
            char path[1024];
            snprintf(path, sizeof path, CORPUS "/%s", names[i]->d_name);
            saint_error e = {0};
            saint_status st = saint_image_load(path, &im, &e);
            /* Damaged so that an addition overflows: stb_image 2.27 (Debian 12) goes on, 2.28 (Ubuntu 24.04) refuses them. */
            bool refused = st == SAINT_FORMAT && strncmp(names[i]->d_name, "overflow_", 9) == 0;
            if (st != SAINT_OK && !refused) fail_msg("%s", e.text);
            pictures += !refused;
            if (!refused) saint_image_free(&im);
        }
        free(names[i]);
    }
    free(names);
    assert_true(pictures >= 29);
}

/* All lossless forms of the one picture are the same bytes. */
static void lossless_kinds_agree(void **state)
{
    (void)state;
    static const char *const same[] = {"rgba.png", "rgb.bmp", "rgba.bmp", "rgb.ppm", "rgb.tga", "rle.tga"};
    static const char *const palette[] = {"palette.bmp", "palette.tga", "still.gif", "animated.gif"};
    static const char *const grey[] = {"grey.pgm", "la.png"};
    static const struct {
        const char *first, *const *others;
        size_t n;
    } group[] = {{"rgb.png", same, 6}, {"palette.png", palette, 4}, {"grey.png", grey, 2}};
    for (size_t g = 0; g < 3; g++) {
        saint_image want, im;
        char path[1024];
        snprintf(path, sizeof path, CORPUS "/%s", group[g].first);
        assert_ok(saint_image_load(path, &want, err));
        for (size_t i = 0; i < group[g].n; i++) {
            snprintf(path, sizeof path, CORPUS "/%s", group[g].others[i]);
            assert_ok(saint_image_load(path, &im, err));
            assert_true(im.w == want.w && im.h == want.h);
            if (memcmp(im.rgb, want.rgb, 3 * (size_t)im.w * (size_t)im.h) != 0)
                fail_msg("%s differs from %s", group[g].others[i], group[g].first);
            saint_image_free(&im);
        }
        saint_image_free(&want);
    }
}

/* A file that was cut anywhere is refused; a GIF may lack what follows its first frame. */
static void a_cut_file_is_no_picture(void **state)
{
    (void)state;
    struct dirent **names;
    int n = scandir(CORPUS, &names, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        bool gif = strstr(names[i]->d_name, ".gif") != NULL;
        if (names[i]->d_name[0] != '.') {
            bytes f = read_bytes(names[i]->d_name);
            int pictures = 0;
            for (size_t k = 0; k < f.n; k++) {
                uint8_t *cut = malloc(k ? k : 1); /* an own allocation of exactly k bytes: a read past it is seen */
                assert_non_null(cut);
                memcpy(cut, f.b, k);
                saint_image im;
                saint_error e = {0};
                saint_status s = saint_image_decode(cut, k, "cut", &im, &e);
                if (s == SAINT_OK) {
                    pictures++;
                    saint_image_free(&im);
                } else {
                    assert_true(s == SAINT_FORMAT || s == SAINT_UNSUPPORTED);
                    assert_non_null(strstr(e.text, "found"));
                }
                free(cut);
            }
            int spare = strstr(names[i]->d_name, ".bmp") ? 3 : strstr(names[i]->d_name, ".tga") ? 26 : 0; /* row padding, footer */
            if (!gif && pictures > spare) fail_msg("%s: %d of %zu cuts gave a picture", names[i]->d_name, pictures, f.n);
            if (gif) assert_true(pictures > 0);
            free(f.b);
        }
        free(names[i]);
    }
    free(names);
}

static void refused(const void *b, size_t n, saint_status status, const char *found)
{
    saint_image im;
    saint_error e = {0};
    saint_status s = saint_image_decode(b, n, "a.bin", &im, &e);
    if (s != status || !strstr(e.text, found)) fail_msg("expected '%s', found %s: %s", found, saint_status_text(s), e.text);
    assert_null(im.rgb);
    assert_memory_equal(e.text, "a.bin: expected", 15);
    assert_non_null(strstr(e.text, "; ")); /* and how to mend it */
}

static void other_files_are_named(void **state)
{
    (void)state;
#define REFUSED(text, status, found) refused(text, sizeof text - 1, status, found)
    REFUSED("", SAINT_FORMAT, "an empty file");
    REFUSED("RIFF\x10\0\0\0WEBPVP8 ", SAINT_UNSUPPORTED, "WebP");
    REFUSED("II*\0abcdefgh", SAINT_UNSUPPORTED, "TIFF");
    REFUSED("\0\0\0\x18"
            "ftypheic",
            SAINT_UNSUPPORTED, "HEIC");
    REFUSED("%PDF-1.7", SAINT_UNSUPPORTED, "PDF");
    REFUSED("version https://git-lfs.github.com/spec/v1", SAINT_UNSUPPORTED, "Git LFS");
    REFUSED("hello, this is no picture", SAINT_UNSUPPORTED, "68 65 6c 6c");
    REFUSED("P3\n1 1\n255\n1 2 3\n", SAINT_UNSUPPORTED, "PNM");
    REFUSED("P6\n1 1\n0\n\1\2\3", SAINT_FORMAT, "largest value");
    REFUSED("P6\n0 1\n255\n\1\2\3", SAINT_FORMAT, "0x1");
    REFUSED("P5\n32769 1\n255\n\1\2\3", SAINT_UNSUPPORTED, "32769x1");
    REFUSED("P5\n16384 16384\n255\n\1\2\3", SAINT_UNSUPPORTED, "16384x16384");
    REFUSED("GIF89a\xff\x7f\xff\x7f\x80\0\0", SAINT_UNSUPPORTED, "32767x32767");
    REFUSED("\xff\xd8\xff\xd9", SAINT_FORMAT, "before all of its data");
    /* A frame header that promises 8000 x 8000 pixels on nothing. */
    REFUSED("\xff\xd8\xff\xc0\0\x0b\x08\x1f\x40\x1f\x40\1\1\x11\0\xff\xd9", SAINT_FORMAT, "too few bytes");
    REFUSED("\xff\xd8\xff\xc9\0\x0b\x08\0\x08\0\x08\1\1\x11\0\xff\xd9", SAINT_UNSUPPORTED, "arithmetic");
    REFUSED("\xff\xd8\xff\xc3\0\x0b\x08\0\x08\0\x08\1\1\x11\0\xff\xd9", SAINT_UNSUPPORTED, "lossless");
    REFUSED("\xff\xd8\xff\xc1\0\x0b\x0c\0\x08\0\x08\1\1\x11\0\xff\xd9", SAINT_UNSUPPORTED, "12 bits");
    REFUSED("\xff\xd8\xff\xc0\0\x0b\x08\0\x08\0\x08\1\1\x11\0\xff\xda\0\x08\1\1\0\0\x3f\0\xff\xd9", SAINT_FORMAT,
            "Huffman table is missing");
#undef REFUSED
}

/* 257 codes in one Huffman table would overrun the arrays of the decoder. */
static void an_oversized_huffman_table_is_refused(void **state)
{
    (void)state;
    uint8_t b[1024] = {0xff, 0xd8, 0xff, 0xc4};
    for (int tables = 0; tables < 2; tables++) {
        size_t at = 6;
        if (tables) { /* behind a good one */
            memset(b + at, 0, 17);
            b[at + 1] = 1;
            at += 18;
        }
        memset(b + at, 0, 17);
        b[at + 15] = 255;
        b[at + 16] = 2;
        at += 17 + 257;
        b[4] = (uint8_t)((at - 4) >> 8);
        b[5] = (uint8_t)(at - 4);
        refused(b, at + 100, SAINT_FORMAT, "too many codes");
    }
}

static void damaged_pngs_are_refused(void **state)
{
    (void)state;
    bytes f = read_bytes("rgb.png");
    for (size_t i = 8; i < f.n; i++) { /* every byte but the signature lies under a length, a type or a checksum */
        f.b[i] ^= 0x10;
        saint_image im;
        if (saint_image_decode(f.b, f.n, "png", &im, NULL) == SAINT_OK) fail_msg("byte %zu can be changed", i);
        f.b[i] ^= 0x10;
    }
    free(f.b);
}

static size_t put_chunk(uint8_t *b, const char *type, const uint8_t *data, size_t n)
{
    uint32_t c = ~0u;
    for (int i = 0; i < 4; i++) b[i] = (uint8_t)(n >> (24 - 8 * i));
    memcpy(b + 4, type, 4);
    if (n) memcpy(b + 8, data, n);
    for (size_t i = 4; i < n + 8; i++) {
        c ^= b[i];
        for (int k = 0; k < 8; k++) c = (c >> 1) ^ ((c & 1) ? 0xedb88320u : 0);
    }
    for (int i = 0; i < 4; i++) b[n + 8 + (size_t)i] = (uint8_t)(~c >> (24 - 8 * i));
    return n + 12;
}

/* Many compressed bytes on one pixel would inflate to gigabytes; few on a huge picture cannot be true. */
static void png_bombs_are_refused(void **state)
{
    (void)state;
    static uint8_t b[300000], zeros[200000];
    const uint8_t dot[13] = {0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0}, huge[13] = {0, 0, 0x20, 0, 0, 0, 0x20, 0, 8, 2, 0, 0, 0};
    memcpy(b, "\x89PNG\r\n\x1a\n", 8);
    size_t n = 8 + put_chunk(b + 8, "IHDR", dot, 13);
    n += put_chunk(b + n, "IDAT", zeros, sizeof zeros);
    n += put_chunk(b + n, "IEND", NULL, 0);
    refused(b, n, SAINT_FORMAT, "many more compressed bytes");
    n = 8 + put_chunk(b + 8, "IHDR", huge, 13);
    n += put_chunk(b + n, "IDAT", zeros, 2000);
    n += put_chunk(b + n, "IEND", NULL, 0);
    refused(b, n, SAINT_FORMAT, "too few compressed bytes");
}

/* A progressive JPEG of a few kilobytes whose thousands of scans each pass over 16 megapixels. */
static void a_jpeg_of_endless_scans_is_refused(void **state)
{
    (void)state;
    static uint8_t b[300000];
    static const uint8_t head[] = {0xff, 0xd8, 0xff, 0xdb, 0, 67, 0}, frame[] = {0xff, 0xc2, 0, 11, 8, 16, 0, 16, 0, 1, 1, 0x11, 0};
    static const uint8_t tables[] = {0xff, 0xc4, 0, 20, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t scan[] = {0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0, 0};
    size_t n = sizeof head;
    memcpy(b, head, n);
    memset(b + n, 1, 64);
    n += 64;
    memcpy(b + n, frame, sizeof frame);
    n += sizeof frame;
    memcpy(b + n, tables, sizeof tables);
    n += sizeof tables;
    while (n + sizeof scan + 2 < sizeof b) {
        memcpy(b + n, scan, sizeof scan);
        n += sizeof scan;
    }
    refused(b, n, SAINT_FORMAT, "more scans");
}

static void a_pixel_beyond_the_palette_is_refused(void **state)
{
    (void)state;
    bytes f = read_bytes("palette.bmp");
    uint32_t offset = (uint32_t)(f.b[10] | f.b[11] << 8), colours = (offset - 54) / 4;
    if (colours < 256) {
        f.b[offset + 3] = (uint8_t)colours;
        refused(f.b, f.n, SAINT_FORMAT, "beyond its palette");
    }
    f.b[10] = 54; /* no palette at all */
    f.b[11] = 0;
    refused(f.b, f.n, SAINT_FORMAT, "beyond its palette");
    free(f.b);
}

static void pnm_samples_are_scaled(void **state)
{
    (void)state;
    saint_image im;
    assert_ok(saint_image_decode("P5 # c\n2 1\n31\n\0\x1f", 16, "pgm", &im, err));
    assert_true(im.w == 2 && im.h == 1 && im.rgb[0] == 0 && im.rgb[3] == 255 && im.rgb[5] == 255);
    saint_image_free(&im);
    assert_ok(saint_image_decode("P6 1 1 1023\n\1\xff\3\xff\0\0", 18, "ppm", &im, err));
    assert_true(im.rgb[0] == 127 && im.rgb[1] == 255 && im.rgb[2] == 0);
    saint_image_free(&im);
}

static void png_comes_back(void **state)
{
    (void)state;
    char dir[] = P_tmpdir "/saint-png-XXXXXX", path[128];
    static const int size[][2] = {{1, 1}, {1, 50}, {300, 200}, {517, 3}};
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/a.png", dir);
    for (uint32_t i = 0; i < 4; i++) {
        saint_image a = draw_picture(size[i][0], size[i][1], i), b;
        assert_ok(saint_image_write_png(&a, path, err));
        assert_ok(saint_image_load(path, &b, err));
        assert_true(a.w == b.w && a.h == b.h);
        assert_memory_equal(a.rgb, b.rgb, 3 * (size_t)a.w * (size_t)a.h);
        saint_image_free(&a);
        saint_image_free(&b);
    }
    unlink(path);
    saint_error e;
    saint_image a = draw_picture(2, 2, 1), none = {0};
    snprintf(path, sizeof path, "%s/none/a.png", dir);
    assert_int_equal(saint_image_write_png(&a, path, &e), SAINT_IO);
    assert_int_equal(saint_image_load(path, &none, &e), SAINT_IO);
    assert_int_equal(saint_image_load(dir, &none, &e), SAINT_IO);
    assert_int_not_equal(saint_image_write_png(&none, path, &e), SAINT_OK);
    saint_image_free(&a);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_decodes),
        cmocka_unit_test(lossless_kinds_agree),
        cmocka_unit_test(a_cut_file_is_no_picture),
        cmocka_unit_test(other_files_are_named),
        cmocka_unit_test(an_oversized_huffman_table_is_refused),
        cmocka_unit_test(damaged_pngs_are_refused),
        cmocka_unit_test(a_pixel_beyond_the_palette_is_refused),
        cmocka_unit_test(pnm_samples_are_scaled),
        cmocka_unit_test(png_comes_back),
        cmocka_unit_test(png_bombs_are_refused),
        cmocka_unit_test(a_jpeg_of_endless_scans_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
