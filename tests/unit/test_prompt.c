#include "support/test.h"

#include "formats/prompt.h"

/* A byte-level tokenizer whose ids are the bytes: spans can be read off as text. BOS is 256. */
static saint_tokenizer *bytes_tokenizer(const char *post_processor)
{
    static char json[16384];
    size_t n = (size_t)snprintf(json, sizeof json, "{\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false},\"decoder\":"
                                "{\"type\":\"ByteLevel\"},\"post_processor\":%s,\"added_tokens\":[{\"id\":256,\"content\":\"<s>\","
                                "\"special\":true}],\"model\":{\"merges\":[],\"vocab\":{", post_processor);
    int other = 0x100;
    for (int b = 0; b < 256; b++) {
        bool plain = (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
        n += (size_t)snprintf(json + n, sizeof json - n, "%s\"\\u%04x\":%d", b ? "," : "", (unsigned)(plain ? b : other++), b);
    }
    n += (size_t)snprintf(json + n, sizeof json - n, "}}}");
    assert_true(n < sizeof json);
    saint_tokenizer *t;
    assert_ok(saint_tokenizer_parse(&t, json, n, "t", err));
    return t;
}

static const char ADDS_BOS[] = "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<s>\"}},"
    "{\"Sequence\":{\"id\":\"A\"}}]}";

static void part_is(const int32_t *ids, int n, const char *want)
{
    char got[1024];
    assert_true(n >= 0 && n < (int)sizeof got);
    for (int i = 0; i < n; i++) got[i] = ids[i] == 256 ? '^' : (char)ids[i];
    got[n] = 0;
    assert_string_equal(got, want);
}

#define SYSTEM                                                                                            \
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, " \
    "detailed, and polite answers to the user's questions."

static void every_template_has_a_name_and_is_found(void **state)
{
    (void)state;
    int n = 0;
    for (const saint_template *t; (t = saint_template_at(n)); n++) assert_ptr_equal(saint_template_find(t->name), t);
    assert_int_equal(n, 3);
    assert_null(saint_template_find("vicuna_v2"));
    assert_null(saint_template_at(-1));
    assert_true(saint_template_find("vicuna_v1")->after_image_dummy_prefix);
    assert_false(saint_template_find("llava_hf")->after_image_dummy_prefix);
}

static void the_picture_lies_between_the_two_parts(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool image;
        const char *prefix, *suffix;
    } v[] = {
        {"vicuna_v1", true, "^" SYSTEM " USER: ", "\nWhat? ASSISTANT:"},
        {"vicuna_v1", false, "", "^" SYSTEM " USER: What? ASSISTANT:"},
        {"llava_hf", true, "^USER: ", "\nWhat? ASSISTANT:"},
        {"llava_hf", false, "", "^USER: What? ASSISTANT:"},
        {"plain", true, "^", "What?"},
        {"plain", false, "", "^What?"},
    };
    saint_tokenizer *t = bytes_tokenizer(ADDS_BOS);
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        saint_prompt p;
        assert_ok(saint_prompt_build(saint_template_find(v[i].name), t, "What?", v[i].image, &p, err));
        part_is(p.ids, p.n_prefix, v[i].prefix);
        part_is(p.ids + p.n_prefix, p.n_suffix, v[i].suffix);
        saint_prompt_free(&p);
        assert_null(p.ids);
    }
    saint_tokenizer_free(t);
}

static void a_question_cannot_write_tokens_or_place_pictures(void **state)
{
    (void)state;
    saint_tokenizer *t = bytes_tokenizer(ADDS_BOS);
    saint_prompt p;
    saint_error e = {0};
    assert_int_equal(saint_prompt_build(saint_template_find("plain"), t, "a <image> b", true, &p, &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, "<image>"));
    assert_null(p.ids);
    assert_ok(saint_prompt_build(saint_template_find("plain"), t, "<s><image>", false, &p, err));
    part_is(p.ids, p.n_suffix, "^<s><image>");
    saint_prompt_free(&p);
    assert_ok(saint_prompt_build(saint_template_find("plain"), t, "", true, &p, err));
    assert_int_equal(p.n_prefix, 1);
    assert_int_equal(p.n_suffix, 0);
    saint_prompt_free(&p);
    saint_tokenizer_free(t);
    t = bytes_tokenizer("null"); /* a tokenizer that does not put BOS in front by itself */
    assert_ok(saint_prompt_build(saint_template_find("plain"), t, "Q", false, &p, err));
    part_is(p.ids, p.n_suffix, "Q");
    saint_prompt_free(&p);
    saint_tokenizer_free(t);
    saint_prompt_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_template_has_a_name_and_is_found),
        cmocka_unit_test(the_picture_lies_between_the_two_parts),
        cmocka_unit_test(a_question_cannot_write_tokens_or_place_pictures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
