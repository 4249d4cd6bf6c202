#define _GNU_SOURCE
#include "support/test.h"

#include <unistd.h>

#include "base/file.h"
#include "formats/checkpoint.h"

static _Alignas(16) unsigned char file[1 << 16];

/* header text (padded by hand where wanted), then n bytes 0, 1, 2, ... Returns the size of the file. */
static size_t make(const char *header, size_t n)
{
    size_t len = strlen(header);
    memset(file, 0, 8);
    for (int i = 0; i < 8; i++) file[i] = (unsigned char)((uint64_t)len >> (8 * i));
    memcpy(file + 8, header, len);
    for (size_t i = 0; i < n; i++) file[8 + len + i] = (unsigned char)i;
    return 8 + len + n;
}

static void refused(saint_status expected, const char *header, size_t n, const char *part)
{
    saint_checkpoint *c;
    saint_error e = {0};
    saint_status s = saint_checkpoint_open_memory(&c, file, make(header, n), "t.safetensors", &e);
    if (s != expected) fail_msg("status %d instead of %d (%s): %s", s, expected, e.text, header);
    assert_null(c);
    if (!strstr(e.text, part) || strncmp(e.text, "t.safetensors: ", 15) != 0)
        fail_msg("'%s' does not say '%s' for: %s", e.text, part, header);
}

static void tensors_are_found_in_place(void **state)
{
    (void)state;
    const char *h = "{\"b\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]},\"__metadata__\":{\"k\":\"v\"},"
                    "\"a\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[8,10]},\"e\":{\"dtype\":\"I64\",\"shape\":[0,5],\"data_"
                    "offsets\":[8,8]}}  ";
    size_t n = make(h, 10);
    saint_checkpoint *c;
    assert_int_equal(strlen(h) % 8, 0);
    assert_ok(saint_checkpoint_open_memory(&c, file, n, "t", err));
    assert_int_equal(saint_checkpoint_count(c), 3);
    assert_int_equal(saint_checkpoint_copied_bytes(c), 0);
    assert_int_equal(saint_checkpoint_mapped_bytes(c), n);
    const saint_tensor *t = saint_checkpoint_at(c, 0);
    assert_string_equal(t->name, "a");
    assert_true(t->type == SAINT_BF16 && t->rank == 0 && t->bytes == 2 && t->data == file + n - 2);
    t = saint_checkpoint_find(c, "b");
    assert_true(t->type == SAINT_F32 && t->rank == 2 && t->shape[0] == 2 && t->shape[1] == 1 && t->data == file + n - 10);
    t = saint_checkpoint_find(c, "e");
    assert_true(t->bytes == 0 && t->data && (uintptr_t)t->data % 8 == 0);
    assert_null(saint_checkpoint_find(c, "c"));
    assert_null(saint_checkpoint_at(c, 3));
    assert_null(saint_checkpoint_at(c, -1));
    saint_checkpoint_close(c);
    saint_checkpoint_close(NULL);
}

static void a_misaligned_tensor_is_copied_once(void **state)
{
    (void)state;
    const char *h = "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_"
                    "offsets\":[8,11]}}   ";
    size_t n = make(h, 11);
    assert_int_not_equal((uintptr_t)(file + n - 11) % 4, 0);
    saint_checkpoint *c;
    assert_ok(saint_checkpoint_open_memory(&c, file, n, "t", err));
    const saint_tensor *a = saint_checkpoint_find(c, "a"), *b = saint_checkpoint_find(c, "b");
    assert_int_equal((uintptr_t)a->data % 4, 0);
    assert_memory_equal(a->data, file + n - 11, 8);
    assert_ptr_equal(b->data, file + n - 3);
    assert_int_equal(saint_checkpoint_copied_bytes(c), 8);
    saint_checkpoint_close(c);
}

#define T(type, shape, begin, end) "{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

static void hostile_headers_are_refused(void **state)
{
    (void)state;
    refused(SAINT_FORMAT, "{\"a\":" T("F32", "[2]", "0", "8") "}", 7, "is the file cut short");
    refused(SAINT_FORMAT, "{\"a\":" T("F32", "[2]", "0", "8") "}", 9, "fill all 9");
    refused(SAINT_FORMAT, "{\"a\":" T("F32", "[2]", "8", "0") "}", 8, "found 8 to 0");
    refused(SAINT_FORMAT, "{\"a\":" T("F32", "[2]", "4", "12") "}", 12, "hole");
    refused(SAINT_FORMAT, "{\"a\":" T("F32", "[2]", "0", "8") ",\"b\":" T("F32", "[2]", "4", "12") "}", 12, "overlap");
    refused(SAINT_FORMAT, "{\"a\":" T("F32", "[2]", "0", "8") ",\"b\":" T("F32", "[2]", "0", "8") "}", 8, "overlap");
    refused(SAINT_FORMAT, "{\"a\":" T("F32", "[2]", "0", "8") ",\"a\":" T("F32", "[2]", "8", "16") "}", 16, "'a' twice");
    refused(SAINT_FORMAT, "{\"a\":" T("F32", "[2]", "0", "8") ",\"\\u0061\":" T("F32", "[2]", "8", "16") "}", 16, "'a' twice");
    refused(SAINT_FORMAT, "{\"a\":" T("F32", "[3]", "0", "8") "}", 8, "do not give the 8 bytes");
    refused(SAINT_FORMAT, "{\"a\":" T("F32", "[4611686018427387904,4]", "0", "0") "}", 0, "2^53");
    refused(SAINT_FORMAT, "{\"a\":" T("F32", "[4503599627370496,4503599627370496]", "0", "0") "}", 0, "do not give");
    refused(SAINT_FORMAT, "{\"a\":" T("F32", "[4503599627370496,4503599627370496,0]", "0", "0") "}", 0, "do not give");
    refused(SAINT_FORMAT, "{\"a\":" T("F32", "[-2]", "0", "8") "}", 8, "whole numbers");
    refused(SAINT_FORMAT, "{\"a\":" T("F32", "[2.5]", "0", "8") "}", 8, "whole numbers");
    refused(SAINT_FORMAT, "{\"a\":" T("F32", "2", "0", "8") "}", 8, "expected an array");
    refused(SAINT_FORMAT, "{\"a\":" T("F32", "[2]", "0", "9007199254740993") "}", 8, "2^53");
    refused(SAINT_FORMAT, "{\"a\":" T("F32", "[2]", "0", "18446744073709551624") "}", 8, "2^53");
    refused(SAINT_FORMAT, "{\"a\":" T("F32", "[2]", "-1", "7") "}", 8, "2^53");
    refused(SAINT_FORMAT, "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", 8, "two whole numbers");
    refused(SAINT_FORMAT, "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,8]}}", 8, "two whole numbers");
    refused(SAINT_FORMAT, "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "data_offsets is missing");
    refused(SAINT_FORMAT, "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "dtype is there twice");
    refused(SAINT_FORMAT, "{\"a\":{\"dtype\":4,\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "expected a string");
    refused(SAINT_FORMAT, "{\"a\":3}", 0, "expected an object");
    refused(SAINT_FORMAT, "{\"__metadata__\":{\"a\":3}}", 0, "'a'");
    refused(SAINT_FORMAT, "{\"__metadata__\":3}", 0, "__metadata__");
    refused(SAINT_FORMAT, "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "twice");
    refused(SAINT_FORMAT, "{\"\xff\":" T("F32", "[2]", "0", "8") "}", 8, "UTF-8");
    refused(SAINT_FORMAT, "{\"a\":" T("F32", "[2]", "0", "8") "} x", 8, "nothing behind");
    refused(SAINT_UNSUPPORTED, "{\"a\":" T("F8_E4M3", "[8]", "0", "8") "}", 8, "dtype F8_E4M3");
    refused(SAINT_UNSUPPORTED, "{\"a\":" T("U16", "[4]", "0", "8") "}", 8, "dtype U16");
    refused(SAINT_UNSUPPORTED, "{\"a\":" T("U8", "[1,1,1,1,1,1,1,1,1]", "0", "1") "}", 1, "8 dimensions");
}

static void files_of_other_kinds_are_named(void **state)
{
    (void)state;
    const struct {
        const char *bytes;
        size_t n;
        saint_status status;
        const char *part;
    } v[] = {{"", 0, SAINT_FORMAT, "empty file"},
             {"\x10\0\0\0\0\0\0\0{}", 10, SAINT_FORMAT, "found the length 16"},
             {"\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, SAINT_FORMAT, "found the length 18446744073709551615"},
             {"\x02\0\0\0\0\0\0", 7, SAINT_FORMAT, "found neither"},
             {"\x01\0\0\0\0\0\0\0{", 9, SAINT_FORMAT, "begins with '{'"},
             {"GGUF\3\0\0\0\0\0", 10, SAINT_UNSUPPORTED, "GGUF"},
             {"\x80\x02\x8a\x0al\xfc\x9c", 7, SAINT_UNSUPPORTED, "torch >= 1.6"},
             {"version https://git-lfs.github.com/spec/v1\noid", 46, SAINT_FORMAT, "git lfs pull"}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        saint_checkpoint *c;
        saint_error e = {0};
        assert_int_equal(saint_checkpoint_open_memory(&c, v[i].bytes, v[i].n, "f", &e), v[i].status);
        if (!strstr(e.text, v[i].part)) fail_msg("'%s' does not say '%s'", e.text, v[i].part);
    }
}

/* ---- files and folders ---- */

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/saint-st-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int drop_dir(void **state)
{
    (void)state;
    char cmd[128];
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
    return system(cmd);
}

static const char *in_dir(const char *name)
{
    static char path[4][192];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

static void put_file(const char *name, const char *text) { assert_ok(saint_file_write(in_dir(name), text, strlen(text), err)); }

static void put_tensor(const char *file_name, const char *name, float value)
{
    const saint_tensor t = {.name = name, .type = SAINT_F32, .rank = 1, .shape = {1}, .data = &value, .bytes = 4};
    assert_ok(saint_safetensors_write(in_dir(file_name), &t, 1, NULL, err));
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    const uint16_t half[3] = {1, 2, 3};
    const double wide[2] = {0.5, -1};
    const uint8_t bytes[5] = {9, 8, 7, 6, 5};
    const float f[1] = {3.25f};
    const saint_tensor t[] = {{.name = "z\"q\\\n\xe2\x82\xac", .type = SAINT_U8, .rank = 1, .shape = {5}, .data = bytes, .bytes = 5},
                              {.name = "half", .type = SAINT_F16, .rank = 2, .shape = {1, 3}, .data = half, .bytes = 6},
                              {.name = "none", .type = SAINT_I32, .rank = 2, .shape = {0, 3}, .data = NULL, .bytes = 0},
                              {.name = "scalar", .type = SAINT_F32, .rank = 0, .data = f, .bytes = 4},
                              {.name = "wide", .type = SAINT_F64, .rank = 1, .shape = {2}, .data = wide, .bytes = 16}};
    const char *const meta[] = {"format", "pt", "quote\"", "\t", NULL};
    const int n = sizeof t / sizeof *t;
    assert_ok(saint_safetensors_write(in_dir("w.safetensors"), t, n, meta, err));
    saint_checkpoint *c;
    assert_ok(saint_checkpoint_open_file(&c, in_dir("w.safetensors"), err));
    assert_int_equal(saint_checkpoint_count(c), n);
    assert_int_equal(saint_checkpoint_copied_bytes(c), 0); /* every tensor lies aligned in the file */
    for (int i = 0; i < n; i++) {
        const saint_tensor *r = saint_checkpoint_find(c, t[i].name);
        assert_non_null(r);
        assert_true(r->type == t[i].type && r->rank == t[i].rank && r->bytes == t[i].bytes);
        assert_memory_equal(r->shape, t[i].shape, sizeof r->shape);
        if (r->bytes) assert_memory_equal(r->data, t[i].data, r->bytes);
    }
    saint_checkpoint_close(c);
    /* the order of the arguments does not show in the file */
    saint_tensor reversed[sizeof t / sizeof *t];
    for (int i = 0; i < n; i++) reversed[i] = t[n - 1 - i];
    assert_ok(saint_safetensors_write(in_dir("r.safetensors"), reversed, n, meta, err));
    char *a, *b;
    size_t na, nb;
    assert_ok(saint_file_read(in_dir("w.safetensors"), 1 << 20, &a, &na, err));
    assert_ok(saint_file_read(in_dir("r.safetensors"), 1 << 20, &b, &nb, err));
    assert_int_equal(na, nb);
    assert_memory_equal(a, b, na);
    assert_int_equal((unsigned char)a[0] % 8, 0);
    assert_non_null(strstr(a + 8, "{\"__metadata__\":{\"format\":\"pt\",\"quote\\\"\":\"\\u0009\"},\"wide\":"));
    free(a);
    free(b);
}

static void the_writer_refuses_nonsense(void **state)
{
    (void)state;
    const float f[2] = {0};
    const saint_tensor good = {.name = "a", .type = SAINT_F32, .rank = 1, .shape = {2}, .data = f, .bytes = 8};
    saint_tensor bad[2] = {good, good};
    saint_error e;
    const char *path = in_dir("bad.safetensors");
    assert_int_equal(saint_safetensors_write(path, bad, 2, NULL, &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, "'a' twice"));
    bad[0].bytes = 7;
    assert_int_equal(saint_safetensors_write(path, bad, 1, NULL, &e), SAINT_INVALID);
    bad[0] = good;
    bad[0].name = "__metadata__";
    assert_int_equal(saint_safetensors_write(path, bad, 1, NULL, &e), SAINT_INVALID);
    bad[0].name = "\xff";
    assert_int_equal(saint_safetensors_write(path, bad, 1, NULL, &e), SAINT_INVALID);
    bad[0] = good;
    bad[0].rank = 9;
    assert_int_equal(saint_safetensors_write(path, bad, 1, NULL, &e), SAINT_INVALID);
    assert_int_equal(saint_safetensors_write(path, &good, 1, (const char *const[]){"k", "1", "k", "2", NULL}, &e), SAINT_INVALID);
    assert_int_equal(saint_safetensors_write(path, &good, 1, (const char *const[]){"k", NULL}, &e), SAINT_INVALID);
    assert_false(saint_file_exists(path));
    assert_int_equal(saint_safetensors_write("/nonexistent/x/y", &good, 1, NULL, &e), SAINT_IO);
    assert_ok(saint_safetensors_write(in_dir("empty.safetensors"), NULL, 0, NULL, err));
    saint_checkpoint *c;
    assert_ok(saint_checkpoint_open_file(&c, in_dir("empty.safetensors"), err));
    assert_int_equal(saint_checkpoint_count(c), 0);
    saint_checkpoint_close(c);
}

static void shards_are_one_checkpoint(void **state)
{
    (void)state;
    saint_checkpoint *c;
    put_tensor("s1.safetensors", "a.x", 1);
    put_tensor("s2.safetensors", "a.b", 2);
    put_file("model.safetensors.index.json",
             "{\"metadata\":{\"total_size\":8},\"weight_map\":{\"a.x\":\"s1.safetensors\",\"a.b\":\"s2.safetensors\"}}");
    assert_ok(saint_checkpoint_open_dir(&c, dir, err));
    assert_int_equal(saint_checkpoint_count(c), 2);
    assert_string_equal(saint_checkpoint_at(c, 0)->name, "a.b");
    assert_true(*(const float *)saint_checkpoint_find(c, "a.x")->data == 1 && *(const float *)saint_checkpoint_at(c, 0)->data == 2);
    assert_true(saint_checkpoint_mapped_bytes(c) > 8);
    saint_checkpoint_close(c);
    put_tensor("model.safetensors", "whole", 3); /* one file goes before an index */
    assert_ok(saint_checkpoint_open_dir(&c, dir, err));
    assert_non_null(saint_checkpoint_find(c, "whole"));
    saint_checkpoint_close(c);
}

static void broken_indexes_are_refused(void **state)
{
    (void)state;
    const struct {
        const char *json;
        saint_status status;
        const char *part;
    } v[] = {
        {"{\"weight_map\":{\"a\":\"gone.safetensors\"}}", SAINT_IO, "the shard 'gone.safetensors'"},
        {"{\"weight_map\":{\"a\":\"s1.safetensors\",\"b\":\"s1.safetensors\"}}", SAINT_FORMAT, "tensor 'b' in the shard 's1.safetensors'"},
        {"{\"weight_map\":{\"a\":\"s1.safetensors\",\"a\":\"s1.safetensors\"}}", SAINT_FORMAT, "'a' twice"},
        {"{\"weight_map\":{\"a\":\"../s1.safetensors\"}}", SAINT_FORMAT, "same folder"},
        {"{\"weight_map\":{\"a\":\"/etc/passwd\"}}", SAINT_FORMAT, "same folder"},
        {"{\"weight_map\":{\"a\":\"..\"}}", SAINT_FORMAT, "same folder"},
        {"{\"weight_map\":{\"a\":\"\"}}", SAINT_FORMAT, "same folder"},
        {"{\"weight_map\":{\"a\":3}}", SAINT_FORMAT, "same folder"},
        {"{\"weight_map\":{}}", SAINT_FORMAT, "weight_map"},
        {"{\"weight_map\":[\"a\"]}", SAINT_FORMAT, "weight_map"},
        {"[]", SAINT_FORMAT, "weight_map"},
        {"{", SAINT_FORMAT, "not JSON"}};
    put_tensor("s1.safetensors", "a", 1);
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        saint_checkpoint *c;
        saint_error e = {0};
        put_file("model.safetensors.index.json", v[i].json);
        saint_status s = saint_checkpoint_open_dir(&c, dir, &e);
        if (s != v[i].status || !strstr(e.text, v[i].part)) fail_msg("%d '%s' for %s", s, e.text, v[i].json);
        assert_null(c);
    }
}

static void a_folder_without_weights_says_what_is_missing(void **state)
{
    (void)state;
    saint_checkpoint *c;
    saint_error e;
    assert_int_equal(saint_checkpoint_open_dir(&c, dir, &e), SAINT_IO);
    assert_non_null(strstr(e.text, "expected model.safetensors"));
    assert_int_equal(saint_checkpoint_open_dir(&c, in_dir("gone"), &e), SAINT_IO);
    put_file("plain", "x");
    assert_int_equal(saint_checkpoint_open_dir(&c, in_dir("plain"), &e), SAINT_IO);
    assert_non_null(strstr(e.text, "expected a model folder"));
    assert_int_equal(saint_checkpoint_open_file(&c, in_dir("gone"), &e), SAINT_IO);
    assert_int_equal(saint_checkpoint_open_file(&c, dir, &e), SAINT_IO);
}

static void many_tensors_are_no_problem(void **state)
{
    (void)state;
    enum { N = 20000 };
    saint_tensor *t = calloc(N, sizeof *t);
    char *names = malloc((size_t)N * 16);
    int32_t *values = malloc(N * sizeof *values);
    for (int i = 0; i < N; i++) {
        snprintf(names + 16 * i, 16, "t.%d", i);
        values[i] = i;
        t[i] = (saint_tensor){.name = names + 16 * i, .type = SAINT_I32, .rank = 1, .shape = {1}, .data = values + i, .bytes = 4};
    }
    assert_ok(saint_safetensors_write(in_dir("many.safetensors"), t, N, NULL, err));
    saint_checkpoint *c;
    assert_ok(saint_checkpoint_open_file(&c, in_dir("many.safetensors"), err));
    for (int i = 0; i < N; i++) assert_int_equal(*(const int32_t *)saint_checkpoint_find(c, t[i].name)->data, i);
    saint_checkpoint_close(c);
    free(t);
    free(names);
    free(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_are_found_in_place),
        cmocka_unit_test(a_misaligned_tensor_is_copied_once),
        cmocka_unit_test(hostile_headers_are_refused),
        cmocka_unit_test(files_of_other_kinds_are_named),
        cmocka_unit_test_setup_teardown(what_is_written_is_read_back, make_dir, drop_dir),
        cmocka_unit_test_setup_teardown(the_writer_refuses_nonsense, make_dir, drop_dir),
        cmocka_unit_test_setup_teardown(shards_are_one_checkpoint, make_dir, drop_dir),
        cmocka_unit_test_setup_teardown(broken_indexes_are_refused, make_dir, drop_dir),
        cmocka_unit_test_setup_teardown(a_folder_without_weights_says_what_is_missing, make_dir, drop_dir),
        cmocka_unit_test_setup_teardown(many_tensors_are_no_problem, make_dir, drop_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
