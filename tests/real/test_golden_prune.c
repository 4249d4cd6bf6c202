/* All recorded cases of the published selection functions. */
#include "support/golden_prune.h"

static void all_cases_equal_the_published_functions(void **state)
{
    (void)state;
    golden_tally t = golden_run(SAINT_SHARED_DIR "/golden/prune");
    assert_int_equal(t.failed, 0);
    assert_int_equal(t.exact + t.tied, 215);
}

int main(void)
{
    SAINT_NEED_SHARED("golden/prune/cases.json");
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_cases_equal_the_published_functions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
