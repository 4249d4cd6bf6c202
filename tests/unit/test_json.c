#define _GNU_SOURCE
#include "support/test.h"

#include <math.h>
#include <unistd.h>

#include "formats/json.h"

static saint_status parse(const char *text, size_t n, cJSON **out, saint_error *e)
{
    return saint_json_parse(text, n, 1 << 20, "t.json", out, e);
}

static void refused(const char *text, const char *part)
{
    saint_error e = {0};
    cJSON *v = (cJSON *)(uintptr_t)1;
    if (parse(text, strlen(text), &v, &e) != SAINT_FORMAT) fail_msg("accepted: %s", text);
    assert_null(v);
    if (!strstr(e.text, part) || strncmp(e.text, "t.json: ", 8) != 0) fail_msg("'%s' does not say '%s' for: %s", e.text, part, text);
}

static double number(const char *text)
{
    cJSON *v;
    assert_ok(parse(text, strlen(text), &v, err));
    assert_true(cJSON_IsNumber(v));
    double d = v->valuedouble;
    cJSON_Delete(v);
    return d;
}

static void what_the_standard_refuses_is_refused(void **state)
{
    (void)state;
    refused("", "end of the text");
    refused("  ", "end of the text");
    refused("{} {}", "nothing behind the value");
    refused("[1,]", "a JSON value");
    refused("{\"a\":1,}", "a key in double quotes");
    refused("{a:1}", "a key in double quotes");
    refused("{\"a\" 1}", "':'");
    refused("[1 2]", "',' or ']'");
    refused("[01]", "leading zero");
    refused("[.5]", "a JSON value");
    refused("[1.]", "behind the decimal point");
    refused("[1e]", "exponent");
    refused("[+1]", "a JSON value");
    refused("[-]", "a digit");
    refused("[NaN]", "a JSON value");
    refused("[Infinity]", "a JSON value");
    refused("[nul]", "a JSON value");
    refused("[\"a\tb\"]", "control characters");
    refused("[\"\\x\"]", "behind a backslash");
    refused("[\"\\u12g4\"]", "hexadecimal");
    refused("[\"\\ud800\"]", "surrogate");
    refused("[\"\\udc00\"]", "surrogate");
    refused("[\"\\ud800\\u0041\"]", "surrogate");
    refused("[\"abc", "closing");
    refused("[\"\xff\"]", "valid UTF-8");
    refused("[\"\xc0\xaf\"]", "valid UTF-8");         /* overlong */
    refused("[\"\xed\xa0\x80\"]", "valid UTF-8");     /* surrogate */
    refused("[\"\xf4\x90\x80\x80\"]", "valid UTF-8"); /* above U+10FFFF */
    refused("\xff\xfe[\0]\0", "byte 0xff");           /* UTF-16 */
    refused("[1e309]", "a number that a double can hold");
    refused("[1.7976931348623159e308]", "a number that a double can hold");
    refused("\n\n  [1,\n tru]", "line 4, column 2");
}

static void a_nul_byte_does_not_end_the_text(void **state)
{
    (void)state;
    saint_error e;
    cJSON *v;
    assert_int_equal(parse("{}\0x", 4, &v, &e), SAINT_FORMAT);
    assert_int_equal(parse("[\"a\0b\"]", 7, &v, &e), SAINT_FORMAT);
    assert_int_equal(parse("[\"\\\0\"]", 6, &v, &e), SAINT_FORMAT);
}

static void depth_and_size_are_bounded(void **state)
{
    (void)state;
    char text[2 * SAINT_JSON_MAX_DEPTH + 8];
    cJSON *v;
    saint_error e;
    for (int depth = SAINT_JSON_MAX_DEPTH; depth <= SAINT_JSON_MAX_DEPTH + 1; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        saint_status s = parse(text, 2 * (size_t)depth, &v, &e);
        assert_int_equal(s, depth <= SAINT_JSON_MAX_DEPTH ? SAINT_OK : SAINT_FORMAT);
        cJSON_Delete(v);
    }
    assert_non_null(strstr(e.text, "64 levels"));
    assert_int_equal(saint_json_parse("[1,2]", 5, 4, "t.json", &v, &e), SAINT_FORMAT);
    assert_string_equal(e.text, "t.json: expected at most 4 bytes of JSON, found 5");
    size_t n = (size_t)100000; /* a hostile tower must not exhaust the stack */
    char *tower = malloc(n);
    memset(tower, '[', n);
    assert_int_equal(parse(tower, n, &v, &e), SAINT_FORMAT);
    free(tower);
}

static void numbers_are_exact(void **state)
{
    (void)state;
    assert_true(number("9007199254740991") == 9007199254740991.0);
    assert_true(number("-0.1") == -0.1);
    assert_true(number("1.7976931348623157e308") == 0x1.fffffffffffffp1023);
    assert_true(number("1e-400") == 0);
    assert_true(number("5e-324") == 0x1p-1074);
    char text[400] = "0.";
    memset(text + 2, '0', 100);
    strcpy(text + 102, "1");
    assert_true(number(text) == 1e-101);
    memset(text, '1', 309);
    text[309] = 0;
    assert_true(number(text) == 1.1111111111111111e308);
    assert_true(number("1000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000e-100") ==
                1e-1);
    assert_true(number("-3.14159265358979323846264338327950288419716939937510582097494459230781640628620899") == -3.14159265358979323846);
    assert_true(number("0.000000000000000000000000000000000000000000000000000000000000000000000000000000000e9999999999999999999999") == 0);
    char huge[500];
    memset(huge, '9', 400);
    huge[400] = 0;
    refused(huge, "a number that a double can hold");
    /* the digit that decides between two doubles lies far behind the ones that are kept */
    assert_true(number("9007199254740993.0000000000000000000000000000000000000000000000000000000000000001") == 9007199254740994.0);
    assert_true(number("9007199254740993.0000000000000000000000000000000000000000000000000000000000000000") == 9007199254740992.0);
}

static void text_survives(void **state)
{
    (void)state;
    const char text[] = "\xef\xbb\xbf {\"a\\u0000b\": \"\\ud83d\\ude00 \xe2\x82\xac \\n\"} \r\n\t ";
    cJSON *v;
    assert_ok(parse(text, sizeof text - 1, &v, err));
    assert_string_equal(v->child->string, "a\xef\xbf\xbd"
                                          "b"); /* a C string would have ended at the NUL */
    assert_string_equal(v->child->valuestring, "\xf0\x9f\x98\x80 \xe2\x82\xac \n");
    cJSON_Delete(v);
}

static void members_are_typed(void **state)
{
    (void)state;
    const char text[] = "{\"i\": 7, \"f\": 0.5, \"b\": true, \"s\": \"x\", \"n\": null, \"a\": []}";
    cJSON *v;
    saint_error e;
    int i = -1;
    double d = -1;
    bool b = false;
    const char *s = "unset";
    assert_ok(parse(text, sizeof text - 1, &v, err));
    assert_ok(saint_json_int(v, "i", 0, 10, &i, "t", err));
    assert_ok(saint_json_double(v, "f", &d, "t", err));
    assert_ok(saint_json_bool(v, "b", &b, "t", err));
    assert_ok(saint_json_string(v, "s", &s, "t", err));
    assert_int_equal(i, 7);
    assert_true(d == 0.5 && b);
    assert_string_equal(s, "x");
    assert_ok(saint_json_int(v, "missing", 0, 10, &i, "t", err));
    assert_ok(saint_json_int(v, "n", 0, 10, &i, "t", err));
    assert_ok(saint_json_int(NULL, "i", 0, 10, &i, "t", err));
    assert_ok(saint_json_double(v, "missing", &d, "t", err));
    assert_ok(saint_json_bool(v, "missing", &b, "t", err));
    assert_true(i == 7 && d == 0.5 && b);
    assert_ok(saint_json_string(v, "missing", &s, "t", err));
    assert_ok(saint_json_string(v, "n", &s, "t", err));
    assert_string_equal(s, "x"); /* defaults survive what a file leaves out */
    assert_int_equal(saint_json_int(v, "i", 8, 10, &i, "t", &e), SAINT_FORMAT);
    assert_string_equal(e.text, "t: \"i\": expected a whole number from 8 to 10, found 7");
    assert_int_equal(saint_json_int(v, "f", 0, 10, &i, "t", &e), SAINT_FORMAT);
    assert_string_equal(e.text, "t: \"f\": expected a whole number from 0 to 10, found 0.5");
    assert_int_equal(saint_json_int(v, "s", 0, 10, &i, "t", &e), SAINT_FORMAT);
    assert_int_equal(saint_json_double(v, "s", &d, "t", &e), SAINT_FORMAT);
    assert_string_equal(e.text, "t: \"s\": expected a number, found the string \"x\"");
    assert_int_equal(saint_json_bool(v, "i", &b, "t", &e), SAINT_FORMAT);
    assert_int_equal(saint_json_string(v, "a", &s, "t", &e), SAINT_FORMAT);
    assert_string_equal(e.text, "t: \"a\": expected a string, found an array");
    assert_int_equal(saint_json_int(v->child, "i", 0, 10, &i, "t", &e), SAINT_FORMAT); /* not an object */
    assert_true(i == 7 && d == 0.5 && b);
    cJSON_Delete(v);
}

static void load_names_the_file(void **state)
{
    (void)state;
    saint_error e;
    cJSON *v;
    assert_int_equal(saint_json_load("/nonexistent/x.json", 100, &v, &e), SAINT_IO);
    assert_null(v);
    assert_non_null(strstr(e.text, "/nonexistent/x.json"));
    char path[] = "/tmp/saint-json-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, "{\"k\": 3}\n", 9) == 9 && close(fd) == 0);
    int k = 0;
    assert_ok(saint_json_load(path, 100, &v, err));
    assert_ok(saint_json_int(v, "k", 0, 5, &k, path, err));
    assert_int_equal(k, 3);
    cJSON_Delete(v);
    assert_int_equal(saint_json_load(path, 8, &v, &e), SAINT_FORMAT);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_standard_refuses_is_refused),
        cmocka_unit_test(a_nul_byte_does_not_end_the_text),
        cmocka_unit_test(depth_and_size_are_bounded),
        cmocka_unit_test(numbers_are_exact),
        cmocka_unit_test(text_survives),
        cmocka_unit_test(members_are_typed),
        cmocka_unit_test(load_names_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
