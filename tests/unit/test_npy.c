#define _GNU_SOURCE
#include "support/test.h"

#include <unistd.h>

#include "formats/npy.h"

static unsigned char file[4096];

/* A .npy file with this header text and these bytes behind it; version 1 to 3. Returns its size. */
static size_t make(int version, const char *header, const void *data, size_t n)
{
    size_t len = strlen(header), at = version == 1 ? 10 : 12;
    memset(file, 0, sizeof file);
    memcpy(file, "\x93NUMPY", 6);
    file[6] = (unsigned char)version;
    file[8] = (unsigned char)len;
    file[9] = (unsigned char)(len >> 8);
    memcpy(file + at, header, len);
    if (n) memcpy(file + at + len, data, n);
    return at + len + n;
}

static void refused(saint_status expected, size_t n, const char *part)
{
    saint_npy a;
    saint_error e = {0};
    saint_status s = saint_npy_parse(file, n, "t.npy", &a, &e);
    if (s != expected) fail_msg("status %d instead of %d: %s", s, expected, e.text);
    if (!strstr(e.text, part) || strncmp(e.text, "t.npy: ", 7) != 0) fail_msg("'%s' does not say '%s'", e.text, part);
    assert_null(a.data);
}

static void every_version_is_read(void **state)
{
    (void)state;
    const float v[6] = {1, 2, 3, 4, 5, -0.5f};
    for (int version = 1; version <= 3; version++) {
        saint_npy a;
        size_t n = make(version, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }       \n", v, sizeof v);
        assert_ok(saint_npy_parse(file, n, "t.npy", &a, err));
        assert_true(a.rank == 2 && a.shape[0] == 2 && a.shape[1] == 3);
        assert_memory_equal(a.data, v, sizeof v);
        saint_npy_free(&a);
        assert_null(a.data);
    }
}

static void shapes_of_every_form_are_read(void **state)
{
    (void)state;
    const struct {
        const char *shape;
        int rank;
        size_t count;
    } v[] = {{"()", 0, 1},
             {"(3,)", 1, 3},
             {"(1,3)", 2, 3},
             {"( 3 , 1 , )", 2, 3},
             {"(0,)", 1, 0},
             {"(3,0,9)", 3, 0},
             {"(1,1,1,1,1,1,1,2)", 8, 2}};
    const float data[3] = {7, 8, 9};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        char h[128];
        saint_npy a;
        snprintf(h, sizeof h, "{\"shape\": %s,\"fortran_order\":False, 'descr':'<f4'}", v[i].shape); /* any order, any quotes */
        size_t n = make(1, h, data, 4 * v[i].count);
        assert_ok(saint_npy_parse(file, n, "t.npy", &a, err));
        assert_int_equal(a.rank, v[i].rank);
        assert_non_null(a.data);
        assert_memory_equal(a.data, data, 4 * v[i].count);
        saint_npy_free(&a);
    }
}

static void half_and_double_are_converted(void **state)
{
    (void)state;
    const uint16_t half[2] = {0x3c00, 0xc100};
    const double wide[2] = {0.1, -2.5};
    saint_npy a;
    size_t n = make(1, "{'descr': '<f2', 'fortran_order': False, 'shape': (2,), }", half, sizeof half);
    assert_ok(saint_npy_parse(file, n, "t.npy", &a, err));
    assert_true(a.data[0] == 1.0f && a.data[1] == -2.5f);
    saint_npy_free(&a);
    n = make(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", wide, sizeof wide);
    assert_ok(saint_npy_parse(file, n, "t.npy", &a, err));
    assert_true(a.data[0] == 0.1f && a.data[1] == -2.5f);
    saint_npy_free(&a);
}

static void bad_values_are_named_by_position(void **state)
{
    (void)state;
    uint32_t bits[6] = {0, 0, 0, 0, 0x7fc00000, 0};
    const char *h = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
    refused(SAINT_FORMAT, make(1, h, bits, sizeof bits), "NaN or infinity at [1, 1]");
    bits[4] = 0;
    bits[2] = 0xff800000;
    refused(SAINT_FORMAT, make(1, h, bits, sizeof bits), "NaN or infinity at [0, 2]");
    const double wide[1] = {1e39};
    refused(SAINT_FORMAT, make(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", wide, 8), "too large at [0]");
}

static void what_is_not_read_is_named(void **state)
{
    (void)state;
    const float v[4] = {0};
    refused(SAINT_UNSUPPORTED, make(1, "{'descr': '>f4', 'fortran_order': False, 'shape': (4,), }", v, 16), "'>f4'");
    refused(SAINT_UNSUPPORTED, make(1, "{'descr': '|O', 'fortran_order': False, 'shape': (4,), }", v, 16), "'|O'");
    refused(SAINT_UNSUPPORTED, make(1, "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }", v, 16), "'<i8'");
    refused(SAINT_UNSUPPORTED, make(1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4,), }", v, 16), "records");
    refused(SAINT_UNSUPPORTED, make(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2,2), }", v, 16), "Fortran");
    refused(SAINT_UNSUPPORTED, make(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,4), }", v, 16), "8 dimensions");
    refused(SAINT_UNSUPPORTED, make(4, "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }", v, 16), "version");
}

static void malformed_headers_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), } x",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-4,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2 2,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,,2), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': [4], }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4,",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (4,), }",
        "{'descr': '<f4', 'shape': (4,), }",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (4,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), 'x': (1,)}",
        "{'descr': '<f4' 'fortran_order': False, 'shape': (4,), }",
        "{'descr': '<f4\\'', 'fortran_order': False, 'shape': (4,), }",
        "{'descr': __import__('os'), 'fortran_order': False, 'shape': (4,), }",
    };
    const float v[4] = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) refused(SAINT_FORMAT, make(1, bad[i], v, 16), "header is malformed");
}

static void sizes_must_fit(void **state)
{
    (void)state;
    const float v[4] = {0};
    const char *h = "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }";
    size_t n = make(1, h, v, 16);
    refused(SAINT_FORMAT, n - 1, "cut short");
    refused(SAINT_FORMAT, n + 1, "cut short");
    refused(SAINT_FORMAT, 30, "header of");
    refused(SAINT_FORMAT, 9, "NumPy");
    file[6] = 2;
    refused(SAINT_FORMAT, 11, "cut short");
    refused(SAINT_FORMAT, make(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,4), }", v, 0), "shape");
    saint_npy a;
    saint_error e;
    assert_int_equal(saint_npy_load("/nonexistent/a.npy", &a, &e), SAINT_IO);
    saint_npy_free(NULL);
}

static void a_file_is_loaded(void **state)
{
    (void)state;
    const float v[2] = {3, 4};
    char path[] = "/tmp/saint-npy-XXXXXX";
    int fd = mkstemp(path);
    size_t n = make(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", v, sizeof v);
    assert_true(fd >= 0 && write(fd, file, n) == (ssize_t)n && close(fd) == 0);
    saint_npy a;
    assert_ok(saint_npy_load(path, &a, err));
    unlink(path);
    assert_memory_equal(a.data, v, sizeof v);
    saint_npy_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_is_read),
        cmocka_unit_test(shapes_of_every_form_are_read),
        cmocka_unit_test(half_and_double_are_converted),
        cmocka_unit_test(bad_values_are_named_by_position),
        cmocka_unit_test(what_is_not_read_is_named),
        cmocka_unit_test(malformed_headers_are_refused),
        cmocka_unit_test(sizes_must_fit),
        cmocka_unit_test(a_file_is_loaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
