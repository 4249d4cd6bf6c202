/* The normaliser and the readers of answers against the published code's own results (evaluation.md, appendix B), traps included. */
#include "support/test.h"

#include "datasets/score_internal.h"
#include "datasets/vqa_normalize.h"

static void normal_is(bool (*f)(const char *, saint_buf *), const char *text, const char *want)
{
    saint_buf b = {0};
    assert_true(f(text, &b) && saint_buf_add(&b, "", 1));
    if (strcmp(b.data, want) != 0) fail_msg("\"%s\": expected \"%s\", found \"%s\"", text, want, b.data);
    saint_buf_free(&b);
}

static void golden_vectors_of_the_normaliser(void **state)
{
    (void)state;
    static const char *const golden[][2] = {
        {"Yes.", "yes"},
        {"The Dog", "dog"},
        {"two", "2"},
        {"1,000", "1000"},
        {"3.5", "3.5"},
        {"a b-c", "b c"},
        {"U.S.A.", "usa"},
        {"dont know", "don't know"},
        {"it's", "it 's"},
        {"men's room", "men 's room"},
        {"10/12/2010", "10 12 2010"},
        {"none", "0"},
        {"no, sir", "no sir"},
        {"$5.99", "$5.99"},
        {"St. John's", "st john 's"},
        {"hello world!", "hello world"},
        {"\"coca-cola\"", "coca cola"},
        {"n/a", "n"},
        {"4:30 pm", "4:30 pm"},
        {"An apple, a pear", "apple pear"},
        {"co- op", "co op"},
        {"e.g. this", "eg this"},
        {"Unanswerable", "unanswerable"},
        {"", ""},
        {"the", ""},
        {"1,2 x/y", "12 x y"},
        {"100%", "100%"},
        {"x - y", "x y"},
        {"twenty-one", "twenty 1"},
        {"what's up?", "what 's up"},
    };
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) normal_is(saint_vqa_normalize, golden[i][0], golden[i][1]);
}

static void oddities_of_the_normaliser(void **state)
{
    (void)state;
    /* 40 full stops: 32 go */
    normal_is(saint_vqa_normalize, "a.......................................x", "a.......x");
    normal_is(saint_vqa_normalize, "3.", "3");
    normal_is(saint_vqa_normalize, "..5", ".5");
    normal_is(saint_vqa_normalize, "one\ttwo\nthree", "1 2 3");
    normal_is(saint_vqa_normalize, "  CAF\xc3\x89 ", "caf\xc3\xa9");
    normal_is(saint_vqa_normalize, "none zero ten", "0 0 10");
    normal_is(saint_vqa_normalize, "Im Ive", "im ive"); /* keys with capitals never match */
    normal_is(saint_vqa_normalize, "'ow'sat", "'ow 'sat");
    normal_is(saint_vqa_normalize, "yall'd've couldnt've", "y'all'd've couldn't've");
    normal_is(saint_vqa_normalize, "a:b#c~d^e|f&g*h", "a:b#c~d^e|f&g*h");
    normal_is(saint_vqa_normalize, "(x)", "x");
    normal_is(saint_vqa_official, "1,000 a-b", "1000 ab"); /* a digit, a comma, a digit: every mark goes */
    normal_is(saint_vqa_official, "x,y", "x y");           /* else a comma is a space */
    normal_is(saint_vqa_official, "x, y", "x y");
    normal_is(saint_vqa_official, "what's that?", "what's that");
    normal_is(saint_vqa_clean, " a\nb\t", "a b");
}

static void soft_score_over_ten_people(void **state)
{
    (void)state;
    static const double want[11] = {0, .3, .6, .9, 1, 1, 1, 1, 1, 1, 1};
    for (size_t m = 0; m <= 10; m++) assert_true(saint_vqa_soft_score(m, 10) == want[m]);
    assert_true(saint_vqa_soft_score(0, 0) == 0);
    assert_true(saint_vqa_soft_score(3, 3) > 0.66 && saint_vqa_soft_score(3, 3) < 0.67); /* two others agree with each */
}

typedef struct {
    const char *text;
    int code;
} pair;
enum { YES = SAINT_ANSWER_YES, NO = SAINT_ANSWER_NO, OTHER = SAINT_ANSWER_OTHER };

static void mme_answers(void **state)
{
    (void)state;
    static const pair lmms[] = {{"Yes", YES},
                                {"No.", NO},
                                {"yes, it is", YES},
                                {"Not really", NO},
                                {"I think no", OTHER},
                                {"", OTHER},
                                {"Y", YES},
                                {"n", NO},
                                {"Unknown", OTHER},
                                {"  YES ", YES},
                                {"Nope", NO},
                                {"Know", NO},
                                {"It's no", OTHER},
                                {"Yes/No", YES},
                                {"y.", YES},
                                {"x", OTHER},
                                {"\xe2\x80\x9cNo\xe2\x80\x9d", NO},
                                {"\xe4\xb8\x8d\xe4\xb8\x8d"
                                 "no",
                                 NO},
                                {"...", OTHER},
                                {"Y.e.s", YES}};
    static const pair official[] = {{"Yes", YES},    {"No.", NO}, {"Y", OTHER}, {"  YES ", OTHER}, {" no", NO},
                                    {"y.es", OTHER}, {"", OTHER}, {"Know", NO}, {"\nyes", YES}};
    for (size_t i = 0; i < sizeof lmms / sizeof *lmms; i++)
        if (saint_parse_mme(lmms[i].text, SAINT_PARSER_LMMS) != lmms[i].code) fail_msg("lmms \"%s\"", lmms[i].text);
    for (size_t i = 0; i < sizeof official / sizeof *official; i++)
        if (saint_parse_mme(official[i].text, SAINT_PARSER_OFFICIAL) != official[i].code) fail_msg("official \"%s\"", official[i].text);
}

static void pope_answers(void **state)
{
    (void)state;
    static const pair official[] = {{"Yes", YES},           {"No", NO},    {"no.", NO},       {"No, there is not", NO}, {"NO", YES},
                                    {"There is none", YES}, {"", YES},     {"Yes.\nNo", YES}, {"There is not one", NO}, {"n,o", NO},
                                    {"Yes.No", YES},        {"knot", YES}, {"no\n", YES},     {"nothing", YES}};
    static const pair lmms[] = {{"Yes", YES}, {" no ", NO}, {"Yes.", OTHER}, {"No, it is not", OTHER}, {"NO", NO}, {"", OTHER}};
    for (size_t i = 0; i < sizeof official / sizeof *official; i++)
        if (saint_parse_pope(official[i].text, SAINT_PARSER_OFFICIAL) != official[i].code) fail_msg("official \"%s\"", official[i].text);
    for (size_t i = 0; i < sizeof lmms / sizeof *lmms; i++)
        if (saint_parse_pope(lmms[i].text, SAINT_PARSER_LMMS) != lmms[i].code) fail_msg("lmms \"%s\"", lmms[i].text);
}

static void scienceqa_answers(void **state)
{
    (void)state;
    static const pair lmms[] = {{"A", 0}, {" b\n", 1}, {"A.", OTHER}, {"A. foo", OTHER}, {"D", OTHER}, {"", OTHER}};
    static const pair official[] = {{"A", 0},
                                    {"B. foo", 1},
                                    {"B.foo", OTHER},
                                    {"b", OTHER},
                                    {"The answer is C.", 2},
                                    {"The answer is C", OTHER},
                                    {"So: The answer is B, yes", 1},
                                    {"The answer is A. The answer is B.", OTHER},
                                    {"D", OTHER},
                                    {"The answer is D.", OTHER},
                                    {" A", OTHER},
                                    {"The answer is B\n", OTHER}};
    for (size_t i = 0; i < sizeof lmms / sizeof *lmms; i++)
        if (saint_parse_scienceqa(lmms[i].text, 3, SAINT_PARSER_LMMS) != lmms[i].code) fail_msg("lmms \"%s\"", lmms[i].text);
    for (size_t i = 0; i < sizeof official / sizeof *official; i++)
        if (saint_parse_scienceqa(official[i].text, 3, SAINT_PARSER_OFFICIAL) != official[i].code)
            fail_msg("official \"%s\"", official[i].text);
}

static void seed_answers(void **state)
{
    (void)state;
    assert_int_equal(saint_parse_seed(" Because", SAINT_PARSER_LMMS), 1); /* the first character, whatever it begins */
    assert_int_equal(saint_parse_seed("c", SAINT_PARSER_LMMS), 2);
    assert_int_equal(saint_parse_seed("(A)", SAINT_PARSER_LMMS), OTHER);
    assert_int_equal(saint_parse_seed("", SAINT_PARSER_LMMS), OTHER);
    assert_int_equal(saint_parse_seed("C", SAINT_PARSER_OFFICIAL), 2);
    assert_int_equal(saint_parse_seed("c", SAINT_PARSER_OFFICIAL), OTHER);
    assert_int_equal(saint_parse_seed("C.", SAINT_PARSER_OFFICIAL), OTHER);
}

static void mmbench_answers(void **state)
{
    (void)state;
    static const char *const choices[] = {"a red ball", "Blue", "", "a dog"};
    static const pair want[] = {{"B", 1},
                                {"The answer is B", 1},
                                {"A cat sits here", OTHER},
                                {"A cat here", 0},
                                {"It is A. or so", 0},
                                {"(D)", 3},
                                {"B).", 1},
                                {"B or D", OTHER},
                                {":D, yes", 3},
                                {"it is blue", 1},
                                {"a red ball and a dog", OTHER},
                                {"I see a RED BALL", 0},
                                {"", OTHER},
                                {"B\nD.", 1},
                                {"Failed to obtain answer via API B", OTHER},
                                {"A dog on a mat", 3},
                                {"E", 4}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        int got = saint_parse_mmbench(want[i].text, choices, 4);
        if (got != want[i].code) fail_msg("\"%s\": expected %d, found %d", want[i].text, want[i].code, got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_vectors_of_the_normaliser),
        cmocka_unit_test(oddities_of_the_normaliser),
        cmocka_unit_test(soft_score_over_ten_people),
        cmocka_unit_test(mme_answers),
        cmocka_unit_test(pope_answers),
        cmocka_unit_test(scienceqa_answers),
        cmocka_unit_test(seed_answers),
        cmocka_unit_test(mmbench_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
