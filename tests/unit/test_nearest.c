/* Did you mean. */
#include "support/test.h"

#include "nearest.h"

static const char *const words[] = {"run", "select", "sweep", "score", "export"};
enum { N = sizeof words / sizeof *words };

static void the_fewest_letters_win(void **state)
{
    (void)state;
    assert_string_equal(nearest_word("swep", words, N), "sweep");
    assert_string_equal(nearest_word("EXPRT", words, N), "export");
    assert_string_equal(nearest_word("", words, N), "run"); /* all of it to add: the shortest */
    assert_string_equal(nearest_word("zzzzzz", words, N), "run"); /* all equally far: the first */
    assert_string_equal(nearest_word("x", words, 0), "");
}

static void what_is_nothing_like_it_was_not_meant(void **state)
{
    (void)state;
    assert_string_equal(nearest_meant("scroe", words, N), "score");
    assert_string_equal(nearest_meant("rnu", words, N), "run"); /* two letters swapped are one mistake */
    assert_null(nearest_meant("selfish", words, N));
    assert_null(nearest_meant("frobnicate", words, N));
    assert_null(nearest_meant("", words, N));
    assert_null(nearest_meant("x", words, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_fewest_letters_win), cmocka_unit_test(what_is_nothing_like_it_was_not_meant)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
