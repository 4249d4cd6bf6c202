/* Trials on the screen: filtered, sorted, the Pareto set alone, and the same row selected through all of it. */
#define _GNU_SOURCE
#include "support/test.h"

#include <ftw.h>

#include "support/sweep_sample.h"
#include "ui/errands.h"
#include "ui/runs/run_table.h"

static char folder[] = "/tmp/saint-runs-XXXXXX";

static int released;
static void release(sweep_data *d)
{
    released++;
    sweep_sample_free(d);
}

static run_set *make(void)
{
    sweep_data *d;
    assert_ok(sweep_sample_make(folder, SWEEP_SAMPLE_SCENES, &d, err));
    run_set *s = run_set_new(d, release);
    assert_non_null(s);
    return s;
}

static int column(const run_table *r, const char *head)
{
    for (int i = 0; i < r->n_columns; i++)
        if (!strcmp(r->head[i].title, head)) return i;
    fail_msg("no column %s", head);
    return -1;
}

/* Ordinals as they stand on the screen. */
static void expect_order(const run_table *r, int n, const int *want)
{
    assert_int_equal(r->n_rows, n);
    for (int i = 0; i < n; i++) {
        run_table at = *r;
        at.state.at = i;
        if (run_table_trial(&at) != want[i]) fail_msg("row %d is run %d, not %d", i, run_table_trial(&at), want[i]);
    }
}

static void select_run(run_table *r, int trial)
{
    for (r->state.at = 0; r->state.at < r->n_rows; r->state.at++)
        if (run_table_trial(r) == trial) return;
    fail_msg("run %d is not shown", trial);
}

static void filters_leave_what_fits(void **state)
{
    (void)state;
    run_set *s = make();
    run_table r;
    saint_error e = {0};
    char note[200];
    bool shown[SWEEP_SAMPLE_TRIALS];
    run_table_init(&r);
    assert_int_equal(run_table_filter(&r, "acc > 1", &e), SAINT_INVALID);
    assert_ok(run_table_show(&r, s, err));
    assert_int_equal(r.n_rows, SWEEP_SAMPLE_TRIALS);
    assert_ok(run_table_filter(&r, "keep_num <= 289 && keep_num > 100", err));
    expect_order(&r, 3, (const int[]){2, 3, 7}); /* random twins have no keep_num of their own */
    run_table_shown(&r, shown);
    for (int i = 0; i < SWEEP_SAMPLE_TRIALS; i++) assert_int_equal(shown[i], i == 2 || i == 3 || i == 7);
    run_table_note(&r, note, sizeof note);
    assert_string_equal(note, "3 of 10 \u00b7 keep_num <= 289 && keep_num > 100");
    assert_int_equal(run_table_filter(&r, "keep_nun > 3", &e), SAINT_INVALID); /* as before, and the nearest name is told */
    assert_non_null(strstr(e.text, "keep_num"));
    assert_int_equal(r.n_rows, 3);
    run_table_pareto(&r, true);
    for (int i = 0; i < r.n_rows; i++) {
        r.state.at = i;
        const sweep_trial *t = &s->data->trial[run_table_trial(&r)];
        assert_true(t->pareto_flops || t->pareto_latency);
    }
    run_table_pareto(&r, false);
    assert_ok(run_table_filter(&r, "  ", err));
    assert_int_equal(r.n_rows, SWEEP_SAMPLE_TRIALS);
    run_table_free(&r);
    run_table_free(&r);
    run_set_unref(s);
}

static void sorting_keeps_the_row(void **state)
{
    (void)state;
    run_set *s = make();
    run_table r;
    saint_error e = {0};
    run_table_init(&r);
    assert_ok(run_table_show(&r, s, err));
    select_run(&r, 4);
    assert_ok(run_table_sort(&r, "keep_num", err));
    expect_order(&r, 10, (const int[]){1, 2, 8, 7, 3, 4, 9, 0, 5, 6}); /* largest first, what has none last; a random twin beside its partner */
    assert_int_equal(run_table_trial(&r), 4);
    assert_ok(run_table_sort(&r, "keep_num", err));
    expect_order(&r, 10, (const int[]){4, 9, 3, 2, 8, 7, 1, 0, 5, 6});
    assert_int_equal(run_table_trial(&r), 4);
    assert_ok(run_table_sort(&r, "gflops_total_mean", err)); /* by a column that was not shown it is, from now on */
    assert_int_equal(run_table_trial(&r), 4);
    int c = column(&r, "state");
    assert_int_equal(c, r.n_columns - 1);
    assert_int_equal(run_table_sort(&r, "acuracy", &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, "acuracy"));
    for (int i = 0; i < 40; i++) { /* every column in turn, whatever they are */
        assert_ok(run_table_sort(&r, NULL, err));
        assert_int_equal(run_table_trial(&r), 4);
    }
    /* read again: the same sorting, the same run, the same filter */
    assert_ok(run_table_sort(&r, "state", err));
    assert_ok(run_table_filter(&r, "acc > 0.5", err));
    run_set *again = make();
    int rows = r.n_rows;
    assert_ok(run_table_show(&r, again, err));
    assert_int_equal(r.n_rows, rows);
    assert_int_equal(run_table_trial(&r), 4);
    assert_string_equal(r.head[r.state.sort].title, "state");
    assert_ok(run_table_show(&r, NULL, err));
    assert_int_equal(run_table_trial(&r), -1);
    run_table_free(&r);
    run_set_unref(s);
    run_set_unref(again);
}

static void clicks_and_keys(void **state)
{
    (void)state;
    run_set *s = make();
    run_table r;
    bool open;
    run_table_init(&r);
    assert_ok(run_table_show(&r, s, err));
    saint_ui_event down = {.kind = SAINT_UI_MOUSE, .mouse = SAINT_UI_MOUSE_DOWN, .button = 1};
    saint_ui_hit row = {.what = 7, .value = 3}, head = {.what = 8, .value = column(&r, "keep_num")};
    assert_true(run_table_event(&r, &down, &row, 7, &open));
    assert_false(open);
    assert_true(run_table_event(&r, &down, &row, 7, &open)); /* twice on the same row */
    assert_true(open);
    assert_true(run_table_event(&r, &down, &head, 7, &open));
    assert_int_equal(r.state.sort, head.value);
    assert_true(r.state.descending);
    assert_false(run_table_event(&r, &down, NULL, 7, &open));
    saint_ui_event e = {.kind = SAINT_UI_MOUSE, .mouse = SAINT_UI_MOUSE_WHEEL_DOWN};
    for (int i = 0; i < 9; i++) assert_true(run_table_event(&r, &e, NULL, 7, &open));
    assert_int_equal(r.state.at, 9);
    e.mouse = SAINT_UI_MOUSE_WHEEL_UP;
    for (int i = 0; i < 9; i++) run_table_event(&r, &e, NULL, 7, &open);
    assert_int_equal(r.state.at, 0);
    saint_ui_key_parse("End", &e);
    assert_true(run_table_event(&r, &e, NULL, 7, &open));
    assert_int_equal(r.state.at, 9);
    run_table_free(&r);
    run_set_unref(s);
}

static void shared_sweeps_go_with_the_last(void **state)
{
    (void)state;
    released = 0;
    run_set *s = make();
    run_table r;
    run_table_init(&r);
    assert_ok(run_table_show(&r, s, err));
    run_set_unref(s);
    assert_int_equal(released, 0);
    run_table_free(&r);
    assert_int_equal(released, 1);
    run_set_unref(NULL);
}

/* ---- errands ---- */

static int order[8], n_order, n_released;

static void note_work(void *ud) { ++*(int *)ud; }
static void note_done(void *context, void *ud)
{
    assert_ptr_equal(context, order);
    order[n_order++] = *(int *)ud;
}
static void note_release(void *ud)
{
    n_released++;
    free(ud);
}

static void errands_come_back_in_order(void **state)
{
    (void)state;
    errands *e;
    assert_ok(errands_open(&e, err));
    assert_false(errands_busy(e));
    for (int i = 0; i < 5; i++) {
        int *v = malloc(sizeof *v);
        *v = 10 * i;
        assert_ok(errands_add(e, note_work, note_done, note_release, v, err));
    }
    assert_true(errands_busy(e));
    while (errands_busy(e)) errands_deliver(e, order);
    assert_int_equal(n_order, 5);
    for (int i = 0; i < 5; i++) assert_int_equal(order[i], 10 * i + 1);
    assert_int_equal(n_released, 5);
    int *v = malloc(sizeof *v);
    *v = 0;
    assert_ok(errands_add(e, note_work, note_done, note_release, v, err));
    errands_close(e); /* done or not, it is let go */
    assert_int_equal(n_released, 6);
    assert_int_equal(n_order, 5);
    errands_close(NULL);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_leave_what_fits), cmocka_unit_test(sorting_keeps_the_row),          cmocka_unit_test(clicks_and_keys),
        cmocka_unit_test(shared_sweeps_go_with_the_last), cmocka_unit_test(errands_come_back_in_order),
    };
    if (!mkdtemp(folder)) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return failed;
}
