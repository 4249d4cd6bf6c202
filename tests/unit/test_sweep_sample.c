/* The made-up sweep that tables, charts and exports are tested with must itself be sound. */
#define _GNU_SOURCE
#include "support/data_files.h"

#include "support/sweep_sample.h"

static void is_sound(void **state)
{
    (void)state;
    for (int kind = 0; kind < SWEEP_SAMPLE_KINDS; kind++) {
        sweep_data *s;
        assert_ok(sweep_sample_make(data_folder, (sweep_sample_kind)kind, &s, err));
        assert_int_equal(saint_dataset_count(s->dataset), SWEEP_SAMPLE_SAMPLES);
        size_t done = 0, errors = 0;
        for (int t = 0; t < s->n_trials; t++) {
            const eval_summary *m = &s->trial[t].summary;
            assert_true(m->main.value > 0 && m->main.value <= (kind == SWEEP_SAMPLE_MME ? 2800 : 1) && m->latency.value > 0 &&
                        m->flops > 0 && !(m->flops_ratio > 1));
            assert_true(m->agreement.value == 1 || t > 0);
            assert_true(m->keep_ratio > 0 && m->keep_ratio <= 1 && m->equivalent <= m->vit_in);
            for (size_t i = 0; i < s->n_samples; i++) {
                done += s->trial[t].result[i] != NULL;
                errors += s->trial[t].result[i] && s->trial[t].result[i]->state != EVAL_OK;
            }
        }
        assert_int_equal(done, s->done);
        assert_int_equal(errors, s->errors);
        assert_true(done < s->units && errors == 1);
        sweep_sample_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(is_sound)};
    return cmocka_run_group_tests_name("sweep sample", tests, data_make, data_remove);
}
