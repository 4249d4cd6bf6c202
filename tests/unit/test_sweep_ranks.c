/* Which process of how many: from options and from the environments that launchers make. */
#include "support/test.h"

#include "sweep/ranks.h"

typedef struct {
    const char *name, *value;
} variable;

static const char *lookup(void *ud, const char *name)
{
    for (const variable *v = ud; v->name; v++)
        if (strcmp(v->name, name) == 0) return v->value;
    return NULL;
}

#define ENV(...)                                                                                                                           \
    (variable[])                                                                                                                           \
    {                                                                                                                                      \
        __VA_ARGS__, { NULL, NULL }                                                                                                        \
    }
#define NOTHING                                                                                                                            \
    (variable[])                                                                                                                           \
    {                                                                                                                                      \
        {                                                                                                                                  \
            NULL, NULL                                                                                                                     \
        }                                                                                                                                  \
    }

static sweep_rank found(variable *env, long rank, long world)
{
    sweep_rank r;
    assert_ok(sweep_rank_find(lookup, env, rank, world, &r, err));
    return r;
}

static void refused(variable *env, long rank, long world, const char *words)
{
    sweep_rank r;
    saint_error e = {0};
    assert_int_equal(sweep_rank_find(lookup, env, rank, world, &r, &e), SAINT_INVALID);
    assert_null(strchr(e.text, '\n'));
    if (!strstr(e.text, words)) fail_msg("expected \"%s\" in: %s", words, e.text);
}

static void is(const sweep_rank *r, const char *launcher, int rank, int world, int local_rank, int local_world)
{
    assert_string_equal(r->launcher, launcher);
    assert_int_equal(r->rank, rank);
    assert_int_equal(r->world, world);
    assert_int_equal(r->local_rank, local_rank);
    assert_int_equal(r->local_world, local_world);
}

static void launchers_are_recognised(void **state)
{
    (void)state;
    sweep_rank r = found(NOTHING, -1, -1);
    is(&r, "none", 0, 1, -1, 0);
    r = found(NOTHING, 3, 8);
    is(&r, "options", 3, 8, -1, 0);
    r = found(ENV({"OMPI_COMM_WORLD_RANK", "5"}, {"OMPI_COMM_WORLD_SIZE", "8"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                  {"OMPI_COMM_WORLD_LOCAL_SIZE", "4"}, {"PMIX_RANK", "5"}),
              -1, -1);
    is(&r, "openmpi", 5, 8, 1, 4);
    r = found(ENV({"PMIX_RANK", "2"}, {"SLURM_NTASKS", "4"}, {"SLURM_LOCALID", "2"}), -1, -1);
    is(&r, "pmix", 2, 4, 2, 0);
    r = found(ENV({"PMI_RANK", "0"}, {"PMI_SIZE", "2"}, {"MPI_LOCALRANKID", "0"}, {"MPI_LOCALNRANKS", "2"}), -1, -1);
    is(&r, "pmi", 0, 2, 0, 2);
    r = found(ENV({"SLURM_JOB_ID", "77"}, {"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "3"}, {"SLURM_NTASKS", "16"},
                  {"SLURM_STEP_NUM_TASKS", "4"}, {"SLURM_LOCALID", "3"}),
              -1, -1);
    is(&r, "slurm", 3, 4, 3, 0);
    assert_string_equal(r.job, "77");
    r = found(
        ENV({"SLURM_ARRAY_TASK_ID", "12"}, {"SLURM_ARRAY_TASK_COUNT", "4"}, {"SLURM_ARRAY_TASK_MIN", "10"}, {"SLURM_ARRAY_JOB_ID", "9"}),
        -1, -1);
    is(&r, "slurm-array", 2, 4, -1, 0);
    r = found(ENV({"SLURM_ARRAY_TASK_ID", "9"}, {"SLURM_ARRAY_TASK_COUNT", "3"}, {"SLURM_ARRAY_TASK_MIN", "1"}), -1,
              -1); /* --array=1,5,9 */
    is(&r, "slurm-array", 2, 3, -1, 0);
}

static void options_win(void **state)
{
    (void)state;
    sweep_rank r = found(ENV({"OMPI_COMM_WORLD_RANK", "5"}, {"OMPI_COMM_WORLD_SIZE", "8"}), 1, 2);
    is(&r, "options", 1, 2, -1, 0);
    r = found(ENV({"OMPI_COMM_WORLD_RANK", "5"}), 0, 1); /* and mend what is broken */
    is(&r, "options", 0, 1, -1, 0);
}

static void a_batch_script_is_no_step(void **state)
{
    (void)state;
    sweep_rank r = found(ENV({"SLURM_JOB_ID", "1"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}), -1, -1);
    is(&r, "none", 0, 1, -1, 0);
    r = found(ENV({"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "1"}), -1, -1);
    is(&r, "none", 0, 1, -1, 0);
    r = found(ENV({"PMIX_RANK", ""}), -1, -1); /* empty is not set */
    is(&r, "none", 0, 1, -1, 0);
}

static void what_is_incomplete_is_refused(void **state)
{
    (void)state;
    refused(NOTHING, 1, -1, "only --rank");
    refused(NOTHING, -1, 2, "only --world");
    refused(NOTHING, 2, 2, "from 0 to world - 1");
    refused(NOTHING, 0, 0, "from 0 to world - 1");
    refused(ENV({"OMPI_COMM_WORLD_RANK", "5"}), -1, -1, "not OMPI_COMM_WORLD_SIZE");
    refused(ENV({"OMPI_COMM_WORLD_SIZE", "5"}), -1, -1, "not OMPI_COMM_WORLD_RANK");
    refused(ENV({"OMPI_COMM_WORLD_RANK", "5"}, {"OMPI_COMM_WORLD_SIZE", "5"}), -1, -1,
            "OMPI_COMM_WORLD_RANK=5: expected a whole number from 0 to 4");
    refused(ENV({"OMPI_COMM_WORLD_RANK", "x"}, {"OMPI_COMM_WORLD_SIZE", "5"}), -1, -1, "whole number");
    refused(ENV({"PMIX_RANK", "1"}), -1, -1, "pmix: found PMIX_RANK but not PMIX_SIZE; give --rank and --world");
    refused(ENV({"PMI_SIZE", "2"}), -1, -1, "not PMI_RANK");
    refused(ENV({"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "3"}), -1, -1, "SLURM_PROCID but not");
    refused(ENV({"SLURM_STEP_ID", "0"}, {"SLURM_NTASKS", "4"}), -1, -1, "not SLURM_PROCID");
    refused(ENV({"SLURM_ARRAY_TASK_ID", "3"}), -1, -1, "not SLURM_ARRAY_TASK_COUNT");
    refused(ENV({"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "2"}, {"OMPI_COMM_WORLD_LOCAL_RANK", "-1"}), -1, -1, "LOCAL_RANK");
}

static void devices_are_taken_in_turns(void **state)
{
    (void)state;
    for (int local = -1; local < 9; local++) {
        sweep_rank r = {.rank = 21, .world = 64, .local_rank = local};
        assert_int_equal(sweep_rank_device(&r, 8), (local < 0 ? 21 : local) % 8);
        assert_int_equal(sweep_rank_device(&r, 1), 0);
        assert_int_equal(sweep_rank_device(&r, 0), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(launchers_are_recognised),
        cmocka_unit_test(options_win),
        cmocka_unit_test(a_batch_script_is_no_step),
        cmocka_unit_test(what_is_incomplete_is_refused),
        cmocka_unit_test(devices_are_taken_in_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
