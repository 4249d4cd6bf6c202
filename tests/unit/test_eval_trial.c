/* Identity of configurations: one spelling for one meaning, and the way back. */
#include "support/tiny.h"

#include "eval/trial.h"

static eval_trial make(const saint_model_info *m, const saint_settings *s, int max_new)
{
    eval_trial t = {.settings = *s, .max_new_tokens = max_new, .twin_of = -1};
    assert_ok(eval_trial_identify(&t, m, err));
    return t;
}

static eval_trial of(const saint_model *model, const char *const *assignments)
{
    saint_settings s;
    saint_settings_default(&s);
    for (int i = 0; assignments[i]; i++) set_param(&s, assignments[i]);
    return make(saint_model_get_info(model), &s, 16);
}
#define OF(model, ...) of(model, (const char *const[]){__VA_ARGS__, NULL})

static void spelling_is_canonical(void **state)
{
    (void)state;
    eval_trial t = OF(llava, "prune_mode[1]=iterative_drop_full_graph", "keep_num[1]=40", "llm_prune_mode[0,2]=saint_drop", "saint_threshold=0.83");
    assert_string_equal(t.config, "{\"compat\":[],\"keep_num\":{\"1\":40},\"keep_ratio\":{\"1\":0.65},\"llm_prune_mode\":{\"0\":\"saint_drop\",\"1\":"
                                  "\"None\",\"2\":\"saint_drop\",\"3\":\"None\"},\"max_new_tokens\":16}");
    eval_trial_free(&t);
}

static int run_all(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(spelling_is_canonical)};
    return run_tiny_group("eval_trial", tests, sizeof tests / sizeof *tests);
}

int main(void) { return run_all(); }
