/* Every layer of every tiny model against a float32 PyTorch run (tests/oracle), with and without pruning. */
#include "support/oracle.h"

static void all_cases(const char *tier, int threads)
{
    saint_engine *engine;
    oracle_options o = {.label = tier ? tier : "best", .limit = 1e-5, .exact = true}; /* DESIGN.md section 4 */
    assert_ok(saint_engine_open(&engine, &(saint_engine_options){.tier = tier, .n_threads = threads}, err));
    oracle_cases(engine, &o);
    saint_engine_close(engine);
}

static void every_layer_equals_pytorch_on_the_best_tier(void **state)
{
    (void)state;
    all_cases(NULL, 2);
}

static void every_layer_equals_pytorch_in_generic_c(void **state)
{
    (void)state;
    all_cases("generic", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layer_equals_pytorch_on_the_best_tier),
        cmocka_unit_test(every_layer_equals_pytorch_in_generic_c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
