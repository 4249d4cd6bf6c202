#define _GNU_SOURCE
#include "support/test.h"

#include <fcntl.h>
#include <math.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/dtype.h"
#include "base/file.h"
#include "base/sha256.h"

static void status_is_one_clean_line(void **state)
{
    (void)state;
    saint_error e = {0};
    assert_int_equal(saint_fail(&e, SAINT_FORMAT, "bad name '%s'", "a\nb\033[2J"), SAINT_FORMAT);
    assert_string_equal(e.text, "bad name 'a?b?[2J'");
    assert_int_equal(saint_fail(NULL, SAINT_IO, "nobody listens"), SAINT_IO);
    assert_string_equal(saint_status_text((saint_status)999), "an unknown status");
}

static void every_f16_survives_the_round_trip(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x10000; h++) {
        float f = saint_f16_to_f32((uint16_t)h);
        if (isnan(f)) assert_true(isnan(saint_f16_to_f32(saint_f32_to_f16(f))));
        else assert_int_equal(saint_f32_to_f16(f), h);
    }
}

static void f16_rounds_to_nearest_even(void **state)
{
    (void)state;
    assert_int_equal(saint_f32_to_f16(1.0f + 0x1p-11f), 0x3c00);             /* tie, even below */
    assert_int_equal(saint_f32_to_f16(1.0f + 0x1p-10f + 0x1p-11f), 0x3c02);  /* tie, even above */
    assert_int_equal(saint_f32_to_f16(65519.0f), 0x7bff);
    assert_int_equal(saint_f32_to_f16(65520.0f), 0x7c00);
    assert_int_equal(saint_f32_to_f16(0x1p-25f), 0);                         /* tie with zero */
    assert_int_equal(saint_f32_to_f16(0x1.8p-25f), 1);
    assert_int_equal(saint_f32_to_f16(-0x1p-24f), 0x8001);
}

static void bf16_rounds_to_nearest_even(void **state)
{
    (void)state;
    for (uint32_t b = 0; b < 0x10000; b++) {
        float f = saint_bf16_to_f32((uint16_t)b);
        if (isnan(f)) assert_true(isnan(saint_bf16_to_f32(saint_f32_to_bf16(f))));
        else assert_int_equal(saint_f32_to_bf16(f), b);
    }
    assert_int_equal(saint_f32_to_bf16(1.0f + 0x1p-8f), 0x3f80);
    assert_int_equal(saint_f32_to_bf16(1.0f + 0x1p-7f + 0x1p-8f), 0x3f82);
}

static void sha256_equals_the_standard(void **state)
{
    (void)state;
    struct {
        const char *text, *hex;
    } v[] = {{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
             {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
             {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        saint_sha256 s;
        char hex[65];
        saint_sha256_init(&s);
        for (const char *p = v[i].text; *p; p++) saint_sha256_update(&s, p, 1);
        saint_digest d = saint_sha256_final(&s);
        saint_digest_hex(&d, hex);
        assert_string_equal(hex, v[i].hex);
    }
}

/* Whatever this CPU has for it gives what plain C gives, in pieces of any size. */
static void sha256_is_the_same_in_plain_c(void **state)
{
    (void)state;
    enum { BYTES = 64 * 37 };
    uint8_t data[BYTES];
    uint32_t h[8], x = 1;
    saint_sha256 s, pieces;
    for (size_t i = 0; i < BYTES; i++) data[i] = (uint8_t)((x = x * 1664525u + 1013904223u) >> 24);
    saint_sha256_init(&s);
    saint_sha256_init(&pieces);
    memcpy(h, s.h, sizeof h);
    saint_sha256_blocks(h, data, BYTES / 64);
    saint_sha256_update(&s, data, BYTES);
    for (size_t at = 0, n = 1; at < BYTES; at += n, n = (n * 7 + 3) % 131 + 1) {
        if (n > BYTES - at) n = BYTES - at;
        saint_sha256_update(&pieces, data + at, n);
    }
    assert_memory_equal(s.h, h, sizeof h);
    assert_memory_equal(pieces.h, h, sizeof h);
}

static void sizes_do_not_overflow(void **state)
{
    (void)state;
    size_t n = 7;
    assert_false(saint_shape_count((int64_t[]){INT64_MAX, 3}, 2, &n));
    assert_false(saint_shape_count((int64_t[]){-1}, 1, &n));
    assert_int_equal(n, 7);
    assert_true(saint_shape_count(NULL, 0, &n));
    assert_int_equal(n, 1);
}

static void replaces_files_and_writes_into_the_rest(void **state)
{
    (void)state;
    char folder[] = "/tmp/saint-base-XXXXXX", path[64], link[64], fifo[64], got[8] = {0};
    struct stat st;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    snprintf(link, sizeof link, "%s/link", folder);
    snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    assert_ok(saint_file_write(path, "old", 3, err));
    assert_int_equal(symlink("file", link), 0);
    assert_ok(saint_file_write(link, "newer", 5, err));
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 5);
    /* a pipe stands for a device: a rename would put a file in its place */
    assert_int_equal(mkfifo(fifo, 0600), 0);
    int fd = open(fifo, O_RDONLY | O_NONBLOCK);
    assert_true(fd >= 0);
    assert_ok(saint_file_write(fifo, "through", 7, err));
    assert_int_equal(read(fd, got, sizeof got), 7);
    assert_memory_equal(got, "through", 7);
    close(fd);
    assert_int_equal(lstat(fifo, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    assert_int_equal(saint_file_write(folder, "x", 1, NULL), SAINT_IO);
    unlink(fifo);
    unlink(link);
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_is_one_clean_line),      cmocka_unit_test(every_f16_survives_the_round_trip),
        cmocka_unit_test(f16_rounds_to_nearest_even),    cmocka_unit_test(bf16_rounds_to_nearest_even),
        cmocka_unit_test(sha256_equals_the_standard),      cmocka_unit_test(sha256_is_the_same_in_plain_c),    cmocka_unit_test(sizes_do_not_overflow),
        cmocka_unit_test(replaces_files_and_writes_into_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
