/* What lies under the tokenizers: characters, classes, composition, and where texts are cut. */
#define _GNU_SOURCE
#include "support/test.h"

#include "formats/tokenizer_internal.h"

#define BAR "\xe2\x96\x81"

/* Where the Hugging Face library cuts with the same expressions. */
static void expressions_cut_where_they_should(void **state)
{
    (void)state;
    static const struct {
        saint_cut cut;
        const char *text, *parts;
    } v[] = {
        {SAINT_CUT_GPT2, "I'm  don't WE'LL 'sup",
         "I|'m| | don|'t| WE|'|LL| '|sup"},
        {SAINT_CUT_GPT2, "a 12345 x67",
         "a| 12345| x|67"},
        {SAINT_CUT_GPT2, "x!?  \n\n  y ",
         "x|!?|  \n\n | y| "},
        {SAINT_CUT_GPT2, "\n \t\n z",
         "\n \t\n| z"},
        {SAINT_CUT_GPT2, "_foo\tbar ...\n\nend   ",
         "_|foo|\t|bar| ...|\n|\n|end|   "},
        {SAINT_CUT_GPT2, "'\305\277''re",
         "'|\305\277|''|re"},
        {SAINT_CUT_GPT2, "\344\270\255\346\226\207123\302\275 \331\243",
         "\344\270\255\346\226\207|123\302\275| \331\243"},
        {SAINT_CUT_GPT2, "e\314\201 \343\200\200a\302\240b",
         "e|\314\201| |\343\200\200|a|\302\240|b"},
        {SAINT_CUT_LLAMA3, "I'm  don't WE'LL 'sup",
         "I|'m| | don|'t| WE|'LL| '|sup"},
        {SAINT_CUT_LLAMA3, "a 12345 x67",
         "a| |123|45| x|67"},
        {SAINT_CUT_LLAMA3, "x!?  \n\n  y ",
         "x|!?|  \n\n| | y| "},
        {SAINT_CUT_LLAMA3, "\n \t\n z",
         "\n \t\n| z"},
        {SAINT_CUT_LLAMA3, "_foo\tbar ...\n\nend   ",
         "_foo|\tbar| ...\n\n|end|   "},
        {SAINT_CUT_LLAMA3, "'\305\277''re",
         "'\305\277|''|re"},
        {SAINT_CUT_LLAMA3, "\344\270\255\346\226\207123\302\275 \331\243",
         "\344\270\255\346\226\207|123|\302\275| |\331\243"},
        {SAINT_CUT_LLAMA3, "e\314\201 \343\200\200a\302\240b",
         "e|\314\201| |\343\200\200a|\302\240b"},
        {SAINT_CUT_QWEN2, "I'm  don't WE'LL 'sup",
         "I|'m| | don|'t| WE|'LL| '|sup"},
        {SAINT_CUT_QWEN2, "a 12345 x67",
         "a| |1|2|3|4|5| x|6|7"},
        {SAINT_CUT_QWEN2, "x!?  \n\n  y ",
         "x|!?|  \n\n| | y| "},
        {SAINT_CUT_QWEN2, "\n \t\n z",
         "\n \t\n| z"},
        {SAINT_CUT_QWEN2, "_foo\tbar ...\n\nend   ",
         "_foo|\tbar| ...\n\n|end|   "},
        {SAINT_CUT_QWEN2, "'\305\277''re",
         "'\305\277|''|re"},
        {SAINT_CUT_QWEN2, "\344\270\255\346\226\207123\302\275 \331\243",
         "\344\270\255\346\226\207|1|2|3|\302\275| |\331\243"},
        {SAINT_CUT_QWEN2, "e\314\201 \343\200\200a\302\240b",
         "e|\314\201| |\343\200\200a|\302\240b"},
        {SAINT_CUT_CLIP, "I'm  don't WE'LL 'sup",
         "I|'m|don|'t|WE|'|LL|'s|up"},
        {SAINT_CUT_CLIP, "a 12345 x67",
         "a|1|2|3|4|5|x|6|7"},
        {SAINT_CUT_CLIP, "x!?  \n\n  y ",
         "x|!?|y"},
        {SAINT_CUT_CLIP, "\n \t\n z",
         "z"},
        {SAINT_CUT_CLIP, "_foo\tbar ...\n\nend   ",
         "_|foo|bar|...|end"},
        {SAINT_CUT_CLIP, "'\305\277''re",
         "'|\305\277|''|re"},
        {SAINT_CUT_CLIP, "\344\270\255\346\226\207123\302\275 \331\243",
         "\344\270\255\346\226\207|1|2|3|\302\275|\331\243"},
        {SAINT_CUT_CLIP, "e\314\201 \343\200\200a\302\240b",
         "e|\314\201|a|b"},
        {SAINT_CUT_DIGITS, "ab12 \302\275c", "ab|1|2| |\302\275|c"},
        {SAINT_CUT_NUMBERS, "ab12 \302\275c", "ab|12| |\302\275|c"},
        {SAINT_CUT_BARS, "a" BAR BAR "b c", "a|" BAR "|" BAR "b c"},
    };
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        size_t n = strlen(v[i].text), len;
        char got[256] = "";
        size_t n_got = 0;
        for (size_t k = 0; k < n; k += len) {
            bool matched;
            len = saint_tok_cut_next(v[i].cut, v[i].text + k, n - k, &matched);
            assert_true(len > 0 && len <= n - k);
            assert_true(matched || v[i].cut == SAINT_CUT_CLIP);
            if (matched) n_got += (size_t)snprintf(got + n_got, sizeof got - n_got, "%s%.*s", n_got ? "|" : "", (int)len, v[i].text + k);
        }
        assert_string_equal(got, v[i].parts);
    }
}

static void characters_are_classified_as_in_unicode(void **state)
{
    (void)state;
    assert_true(saint_uni_is_letter(0x4e2d) && saint_uni_is_letter(0x1c89) && !saint_uni_is_letter(0x2581));
    assert_true(saint_uni_is_number(0xbd) && saint_uni_is_number(0x2167) && saint_uni_is_number(0x663) && !saint_uni_is_number('a'));
    assert_true(saint_uni_is_space(0x85) && saint_uni_is_space(0x3000) && !saint_uni_is_space(0x1c) && !saint_uni_is_space(0x200b));
    assert_false(saint_uni_is_letter(SAINT_UTF8_BAD) || saint_uni_is_number(SAINT_UTF8_BAD) || saint_uni_is_space(SAINT_UTF8_BAD));
    long letters = 0, numbers = 0; /* of Unicode 17, surrogates left out */
    for (int32_t cp = 0; cp < 0x110000; cp++) {
        letters += saint_uni_is_letter(cp);
        numbers += saint_uni_is_number(cp);
    }
    assert_int_equal(letters, 141028);
    assert_int_equal(numbers, 1911);
    saint_buf low = {0};
    const char in[] = "\316\243A\311\204\342\204\246\306\205\306\204"; /* SIGMA A U+0244 OHM-SIGN U+0185 U+0184 */
    assert_true(saint_uni_lowercase(in, strlen(in), &low) && saint_buf_add(&low, "", 1));
    assert_string_equal(low.data, "\317\203a\312\211\317\211\306\205\306\205");
    saint_buf_free(&low);
}

static void nfc_is(const char *in, const char *want)
{
    saint_buf b = {0};
    assert_true(saint_uni_nfc(in, strlen(in), &b) && saint_buf_add(&b, "", 1));
    assert_string_equal(b.data, want);
    saint_buf_free(&b);
}

static void composition_follows_the_standard(void **state)
{
    (void)state;
    nfc_is("plain", "plain");
    nfc_is("a\xcc\x81\xcc\xa3", "\xe1\xba\xa1\xcc\x81");           /* the dot below comes first, and composes */
    nfc_is("\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xed\x95\x9c"); /* Hangul, computed */
    nfc_is("\xe2\x84\xab", "\xc3\x85");                             /* the Angstrom sign is a singleton */
    nfc_is("\xe0\xa5\x98", "\xe0\xa4\x95\xe0\xa4\xbc");             /* U+0958 is excluded from composition */
    nfc_is("e\xff\xcc\x81", "e\xff\xcc\x81");                       /* broken bytes pass, and block */
    nfc_is("a\xcc\x8d\xcc\x81", "a\xcc\x8d\xcc\x81");             /* a mark of the same class blocks */
    nfc_is("\xcc\x81" "a", "\xcc\x81" "a");
    nfc_is("\xef\xa4\x80", "\xe8\xb1\x88");
    saint_buf marks = {0}, out = {0};
    for (int i = 0; i < 100000; i++) /* must not take quadratic time */
        assert_true(saint_buf_add(&marks, i % 2 ? "\xcc\x81" : "\xcc\xa3", 2));
    assert_true(saint_uni_nfc(marks.data, marks.n, &out));
    assert_int_equal(out.n, marks.n);
    assert_memory_equal(out.data, "\xcc\xa3\xcc\xa3", 4);
    saint_buf_free(&marks);
    saint_buf_free(&out);
}

static void broken_utf8_is_told_from_text(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        int32_t cp;
        size_t len;
    } v[] = {{"A", 'A', 1},
             {"\xc3\xa9", 0xe9, 2},
             {"\xe4\xb8\xad", 0x4e2d, 3},
             {"\xf4\x8f\xbf\xbf", 0x10ffff, 4},
             {"\x80", SAINT_UTF8_BAD, 1},
             {"\xc0\x80", SAINT_UTF8_BAD, 1},         /* overlong */
             {"\xe0\x9f\xbf", SAINT_UTF8_BAD, 1},
             {"\xf0\x8f\xbf\xbf", SAINT_UTF8_BAD, 1},
             {"\xed\xa0\x80", SAINT_UTF8_BAD, 1},     /* a surrogate */
             {"\xf4\x90\x80\x80", SAINT_UTF8_BAD, 1}, /* above U+10FFFF */
             {"\xf5\x80", SAINT_UTF8_BAD, 1},
             {"\xe4\xb8", SAINT_UTF8_BAD, 2},         /* cut short: its valid start */
             {"\xf0\x9f\x98" "a", SAINT_UTF8_BAD, 3}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        size_t len;
        assert_int_equal(saint_utf8_next(v[i].bytes, strlen(v[i].bytes), &len), v[i].cp);
        assert_int_equal(len, v[i].len);
        assert_int_equal(saint_utf8_valid(v[i].bytes, strlen(v[i].bytes)), v[i].cp != SAINT_UTF8_BAD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_cut_where_they_should),
        cmocka_unit_test(characters_are_classified_as_in_unicode),
        cmocka_unit_test(composition_follows_the_standard),
        cmocka_unit_test(broken_utf8_is_told_from_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
