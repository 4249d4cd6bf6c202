/* What the readers are made of: the JSON walker, quoted tables, base64, Python's strings. */
#include "support/test.h"

#include "datasets/internal.h"

static saint_source source(const char *text) { return (saint_source){"file", text, strlen(text)}; }

/* The elements of a container, printed without spaces, keys with '='. */
static void walk(const char *text, const char *key, bool lines, const char *want)
{
    saint_source src = source(text);
    saint_json_stream s;
    char got[512] = "";
    assert_ok(saint_json_stream_open(&s, &src, key, lines, err));
    for (;;) {
        cJSON *k, *v;
        assert_ok(saint_json_stream_next(&s, &k, &v, err));
        if (!v) break;
        char *p = cJSON_PrintUnformatted(v);
        if (k) strcat(strcat(got, k->valuestring), "=");
        strcat(strcat(got, p), ";");
        cJSON_free(p);
        cJSON_Delete(k);
        cJSON_Delete(v);
    }
    assert_string_equal(got, want);
}

static void broken(const char *text, const char *key, bool lines, const char *words)
{
    saint_source src = source(text);
    saint_json_stream s;
    saint_error e = {0};
    saint_status status = saint_json_stream_open(&s, &src, key, lines, &e);
    for (cJSON *v = NULL; status == SAINT_OK; cJSON_Delete(v)) {
        status = saint_json_stream_next(&s, NULL, &v, &e);
        if (status == SAINT_OK && !v) fail_msg("%s was accepted", text);
    }
    assert_int_equal(status, SAINT_FORMAT);
    if (!strstr(e.text, words)) fail_msg("expected \"%s\" in: %s", words, e.text);
    assert_non_null(strstr(e.text, "file"));
}

static void json_is_walked_element_by_element(void **state)
{
    (void)state;
    walk("[]", NULL, false, "");
    walk(" [ 1 , \"a,]\\\"\" ,{\"b\":[2,{}]},null ] ", NULL, false, "1;\"a,]\\\"\";{\"b\":[2,{}]};null;");
    walk("{\"a\":1,\"b\":{\"c\":[]}}", NULL, false, "a=1;b={\"c\":[]};");
    walk("{\"x\":{\"data\":[9]},\"y\":\"data\",\"data\":[{\"a\":1},{\"a\":2}],\"z\":[1]}", "data", false, "{\"a\":1};{\"a\":2};");
    walk("\xef\xbb\xbf{\"a\":1}\n\n{\"a\":2}", NULL, true, "{\"a\":1};{\"a\":2};");
    walk("[{\"a\":1},\r\n{\"a\":2}]", NULL, true, "{\"a\":1};{\"a\":2};"); /* an array is as good as lines */
    walk("{\"t\":{\"a\":1}}", "t", false, "a=1;");
}

static void broken_json_names_the_place(void **state)
{
    (void)state;
    broken("", NULL, false, "end of the file");
    broken("[1", NULL, false, "end of the file");
    broken("[1,", NULL, false, "end of the file");
    broken("[1 2]", NULL, false, "',' or ']'");
    broken("[,1]", NULL, false, "a value");
    broken("[{\"a\":1},{\"a\":}]", NULL, false, "record 2");
    broken("{\"a\" 1}", NULL, false, "':'");
    broken("{a:1}", NULL, false, "double quotes");
    broken("{\"a\":[1]}", "data", false, "\"data\"");
    broken("{\"data\":7}", "data", false, "an array or an object");
    broken("[[[[", NULL, false, "end of the");
    broken("{\"a\":1} x", NULL, true, "record 2");
    broken("[\"\\ud800\"]", NULL, false, "record 1");
}

static void table_row(saint_table *t, const char *want)
{
    bool more;
    saint_buf got = {0};
    assert_ok(saint_table_next(t, &more, err));
    assert_true(more);
    for (size_t i = 0; i < t->n_cells; i++) assert_true(saint_table_cell(t, i, &got) && saint_buf_add(&got, "|", 1));
    assert_true(saint_buf_add(&got, "", 1));
    assert_string_equal(got.data, want);
    saint_buf_free(&got);
}

static void quoted_tables_are_read_as_python_does(void **state)
{
    (void)state;
    saint_source src =
        source("index\tquestion\r\n1\t\"two\nlines\tand a tab\"\n\n2\t\"say \"\"hi\"\"\"\n3\ta \"word\"\n4\t\"x\"y\n5\t\n6\t\"\"");
    saint_table t;
    bool more;
    saint_error e = {0};
    saint_table_open(&t, &src, '\t');
    table_row(&t, "index|question|");
    table_row(&t, "1|two\nlines\tand a tab|");
    table_row(&t, "2|say \"hi\"|");
    table_row(&t, "3|a \"word\"|");
    table_row(&t, "4|xy|");
    table_row(&t, "5||");
    table_row(&t, "6||");
    assert_ok(saint_table_next(&t, &more, err));
    assert_false(more);
    src = source("a\tb\n1\t\"never closed\n2\tx\n");
    saint_table_open(&t, &src, '\t');
    table_row(&t, "a|b|");
    assert_int_equal(saint_table_next(&t, &more, &e), SAINT_FORMAT);
    assert_non_null(strstr(e.text, "row 2"));
}

static void base64(const char *text, const char *want)
{
    uint8_t *p;
    size_t n;
    assert_ok(saint_base64_decode(text, strlen(text), "cell", &p, &n, err));
    assert_int_equal(n, strlen(want));
    assert_memory_equal(p, want, n);
    free(p);
}

static void base64_is_strict(void **state)
{
    (void)state;
    static const char *const bad[] = {"A", "AA=A", "AAA*", "AA=", "====", "A===", "AAAA=", "AA==AA=="};
    base64("", "");
    base64("TWFu", "Man");
    base64("TWE=", "Ma");
    base64("TQ==", "M");
    base64("TWE", "Ma"); /* without padding, as some writers leave it */
    base64("TW\nFu TQ=\r\n=", "ManM");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t *p;
        size_t n;
        if (saint_base64_decode(bad[i], strlen(bad[i]), "cell", &p, &n, NULL) != SAINT_FORMAT) fail_msg("%s was accepted", bad[i]);
        assert_null(p);
    }
}

static void text_is(bool ok, saint_buf *b, const char *want)
{
    assert_true(ok && saint_buf_add(b, "", 1));
    assert_string_equal(b->data, want);
    saint_buf_free(b);
}

static void strings_are_pythons(void **state)
{
    (void)state;
    saint_buf b = {0};
    text_is(saint_py_capitalize("What Does NASA say", &b), &b, "What does nasa say");
    text_is(saint_py_capitalize("\xc3\xa9"
                                "cole \xc3\x89T\xc3\x89",
                                &b),
            &b,
            "\xc3\x89"
            "cole \xc3\xa9t\xc3\xa9");
    text_is(saint_py_capitalize("", &b), &b, "");
    text_is(saint_py_capitalize("1ST", &b), &b, "1st");
    size_t n;
    const char *p = saint_py_strip("\xc2\xa0\t x y \x1c\xe3\x80\x80", 12, &n);
    assert_int_equal(n, 3);
    assert_memory_equal(p, "x y", 3);
    (void)saint_py_strip("  ", 2, &n);
    assert_int_equal(n, 0);
}

static void the_key_of_a_question_survives_templates(void **state)
{
    (void)state;
    static const char *const same[] = {"Is it red? Please answer yes or no.",
                                       "  is it  RED? ",
                                       "Is it red?\nAnswer the question using a single word or phrase.",
                                       "<image>\nIs it red?\nReference OCR token: A, B\nAnswer",
                                       "Reference OCR token: A, B\nIs it red?",
                                       "Is it red?  Please answer yes or no.\nAnswer the question using a single word or phrase."};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        saint_buf b = {0};
        text_is(saint_question_key(same[i], &b), &b, "is it red?");
    }
    saint_buf b = {0};
    text_is(saint_question_key("", &b), &b, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_walked_element_by_element),
        cmocka_unit_test(broken_json_names_the_place),
        cmocka_unit_test(quoted_tables_are_read_as_python_does),
        cmocka_unit_test(base64_is_strict),
        cmocka_unit_test(strings_are_pythons),
        cmocka_unit_test(the_key_of_a_question_survives_templates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
