/* The runs of a session: rows, what they are compared with, and the sweep of one sample that they can be had as. */
#include "support/test.h"

#include <math.h>

#include "support/tiny.h"
#include "ui/runs/live_runs.h"

typedef struct {
    saint_session *s;
    live_runs *l;
} bench;

static bench open_bench(void)
{
    bench b = {0};
    assert_ok(saint_session_open(&b.s, engine, llava, &(saint_session_options){.dtype = SAINT_F32, .checkpoint_bytes = 64 << 20}, err));
    assert_ok(live_open(&b.l, err));
    return b;
}

static void close_bench(bench *b)
{
    live_close(b->l);
    saint_session_close(b->s);
}

/* Run with these settings and remember it; the number of the row. */
static int run_beside(bench *b, device_company company, chart_role role, int twin, const char *picture_name, const char *set, const char *more)
{
    saint_request q = plain_request(llava, 1);
    if (set) set_param(&q.settings, set);
    if (more) set_param(&q.settings, more);
    saint_trace *t;
    assert_ok(saint_session_run(b->s, &q, NULL, &t, err));
    int number = 0;
    assert_ok(live_add(b->l, llava, role, twin, &q.settings, t, company, picture_name, q.prompt, &number, err));
    saint_trace_unref(t);
    return number;
}

static int run(bench *b, chart_role role, int twin, const char *picture_name, const char *set, const char *more)
{
    return run_beside(b, DEVICE_ALONE, role, twin, picture_name, set, more);
}

static const sweep_trial *of(const sweep_data *d, int number)
{
    for (int i = 0; i < d->n_trials; i++)
        if (d->trial[i].trial.ordinal == number) return &d->trial[i];
    fail_msg("no row %d", number);
    return NULL;
}

static void the_unpruned_run_completes_what_was_there(void **state)
{
    (void)state;
    bench b = open_bench();
    sweep_data *d;
    int a = run(&b, CHART_RUN, -1, "a.png", "prune_mode[1]=saint_drop", "sim_threshold=0.6");
    int c = run(&b, CHART_RUN, -1, "a.png", "prune_mode[1]=saint_drop", "sim_threshold=0.8");
    assert_int_equal(live_count(b.l, "a.png", questions[0]), 2);
    assert_ok(live_sweep(b.l, "a.png", questions[0], &d, err));
    assert_int_equal(d->baseline, -1);
    assert_true(isnan(of(d, a)->summary.agreement.value) && isnan(of(d, a)->summary.speedup.value) && isnan(of(d, a)->summary.kl.value));
    live_sweep_free(d);
    int base = run(&b, CHART_RUN, -1, "a.png", NULL, NULL); /* it drops nothing, whatever it was called */
    int random = run(&b, CHART_RANDOM, c, "a.png", "prune_mode[1]=random", "keep_num=20");
    assert_ok(live_sweep(b.l, "a.png", questions[0], &d, err));
    assert_int_equal(d->n_trials, 4);
    assert_int_equal(d->trial[d->baseline].trial.ordinal, base);
    assert_string_equal(of(d, base)->trial.name, "unpruned");
    for (int i = 0; i < 4; i++) {
        const eval_summary *y = &d->trial[i].summary;
        assert_true(y->agreement.value == 0 || y->agreement.value == 1);
        assert_true(isnan(y->agreement.low) && isnan(y->latency.low) && isnan(y->p50)); /* of one picture nothing is sure */
        assert_true(y->n_total == 1 && y->n_done == 1 && y->kl.value >= 0 && y->flops_ratio > 0 && y->flops_ratio <= 1 && y->speedup.value > 0);
        assert_true(y->main_name[0] == 0);
    }
    assert_true(of(d, base)->summary.agreement.value == 1 && of(d, base)->summary.speedup.value == 1 && of(d, base)->summary.flops_ratio == 1);
    assert_true(of(d, random)->trial.twin_of == c && of(d, c)->trial.twin_of == -1);
    assert_true(of(d, a)->summary.vit_out < of(d, c)->summary.vit_out);
    live_sweep_free(d);
    close_bench(&b);
}

static void what_differs_is_an_axis(void **state)
{
    (void)state;
    bench b = open_bench();
    sweep_data *d;
    run(&b, CHART_RUN, -1, "a.png", "prune_mode[1]=saint_drop", "sim_threshold=0.6");
    run(&b, CHART_RUN, -1, "a.png", "prune_mode[1]=saint_drop", "sim_threshold=0.8");
    run(&b, CHART_UNPRUNED, -1, "a.png", NULL, NULL);
    assert_ok(live_sweep(b.l, "a.png", questions[0], &d, err));
    assert_int_equal(d->axes.n_params, 1);
    assert_string_equal(d->axes.param[0], "sim_threshold");
    assert_string_equal(of(d, 1)->value[0], "0.6");
    assert_string_equal(of(d, 2)->value[0], "0.8");
    assert_string_equal(of(d, 3)->value[0], "");
    assert_string_equal(of(d, 2)->trial.name, "sim_threshold=0.8");
    live_sweep_free(d);
    close_bench(&b);
}

static void the_same_again_is_the_same_row(void **state)
{
    (void)state;
    bench b = open_bench();
    int a = run(&b, CHART_RUN, -1, "a.png", "prune_mode[1]=saint_drop", NULL);
    assert_int_equal(run(&b, CHART_RUN, -1, "a.png", "prune_mode[1]=saint_drop", "saint_gamma=3"), a); /* nothing reads saint_gamma here */
    assert_int_equal(live_count(b.l, "a.png", questions[0]), 1);
    int other = run(&b, CHART_RUN, -1, "b.png", "prune_mode[1]=saint_drop", NULL); /* another picture */
    assert_true(other != a);
    assert_int_equal(live_count(b.l, "a.png", questions[0]), 1);
    assert_int_equal(live_count(b.l, "b.png", questions[0]), 1);
    assert_int_equal(live_count(b.l, "b.png", "something else?"), 0);
    const saint_settings *s = live_settings(b.l, other);
    assert_non_null(s);
    assert_int_equal(s->vit[1].method, live_settings(b.l, a)->vit[1].method);
    assert_null(live_settings(b.l, 99));
    /* an unpruned run of another picture says nothing about this one */
    run(&b, CHART_UNPRUNED, -1, "b.png", NULL, NULL);
    sweep_data *d;
    assert_ok(live_sweep(b.l, "a.png", questions[0], &d, err));
    assert_true(isnan(d->trial[0].summary.agreement.value));
    live_sweep_free(d);
    live_clear(b.l);
    assert_int_equal(live_count(b.l, "a.png", questions[0]), 0);
    assert_null(live_settings(b.l, a));
    close_bench(&b);
}

/* Times that were taken while another saint used the device are none; the rest of the row is as good as ever. */
static void shared_times_do_not_count(void **state)
{
    (void)state;
    bench b = open_bench();
    sweep_data *d;
    int base = run(&b, CHART_UNPRUNED, -1, "a.png", NULL, NULL);
    int alone = run(&b, CHART_RUN, -1, "a.png", "prune_mode[1]=saint_drop", "sim_threshold=0.6");
    int beside = run_beside(&b, DEVICE_SHARED, CHART_RUN, -1, "a.png", "prune_mode[1]=saint_drop", "sim_threshold=0.8");
    assert_ok(live_sweep(b.l, "a.png", questions[0], &d, err));
    const eval_summary *y = &of(d, alone)->summary, *z = &of(d, beside)->summary;
    assert_true(y->lat_n == 1 && y->latency.value > 0 && y->throughput > 0 && y->speedup.value > 0);
    assert_true(z->lat_n == 0 && isnan(z->latency.value) && isnan(z->throughput) && isnan(z->speedup.value));
    assert_true(z->flops > 0 && z->n_done == 1 && !isnan(z->agreement.value));
    assert_int_equal(of(d, beside)->result[0]->company, EVAL_WITH_OTHERS);
    live_sweep_free(d);
    assert_int_equal(run_beside(&b, DEVICE_SHARED, CHART_UNPRUNED, -1, "a.png", NULL, NULL), base); /* nothing to be faster than */
    assert_int_equal(run(&b, CHART_RUN, -1, "a.png", "prune_mode[1]=saint_drop", "sim_threshold=0.8"), beside);
    assert_ok(live_sweep(b.l, "a.png", questions[0], &d, err));
    z = &of(d, beside)->summary;
    assert_true(z->lat_n == 1 && z->latency.value > 0 && isnan(z->speedup.value));
    live_sweep_free(d);
    close_bench(&b);
}

static void no_more_than_it_can_hold(void **state)
{
    (void)state;
    bench b = open_bench();
    saint_request q = plain_request(llava, 1);
    set_param(&q.settings, "prune_mode[1]=saint_drop");
    saint_trace *t;
    assert_ok(saint_session_run(b.s, &q, NULL, &t, err));
    for (int i = 0; i < LIVE_MOST + 5; i++) {
        char text[32];
        snprintf(text, sizeof text, "gamma=%d.5", i % 900);
        set_param(&q.settings, text);
        snprintf(text, sizeof text, "p%d", i / 900);
        assert_ok(live_add(b.l, llava, CHART_RUN, -1, &q.settings, t, DEVICE_ALONE, text, "?", NULL, err));
    }
    saint_trace_unref(t);
    assert_int_equal(live_count(b.l, "p0", "?") + live_count(b.l, "p1", "?"), LIVE_MOST);
    assert_int_equal(live_count(b.l, "p0", "?"), 895);
    assert_null(live_settings(b.l, 5));
    assert_non_null(live_settings(b.l, 6));
    close_bench(&b);
}

static void configurations_are_read(void **state)
{
    (void)state;
    cJSON *c = cJSON_Parse("{\"mode\":\"vit\",\"keep_num\":{\"3\":96,\"5-7\":96},\"r\":{\"3\":16,\"5\":8},"
                           "\"prune_mode\":{\"0-2\":\"None\",\"3\":\"tome\",\"4-11\":\"None\"},\"seed\":{\"3\":\"18446744073709551615\"},"
                           "\"use_saint\":false,\"saint_start\":7}");
    static const char *const want[][2] = {{"mode", "vit"},   {"keep_num", "96"},         {"r", ""},         {"prune_mode", "tome"},
                                          {"nothing", ""},   {"use_saint", "false"},     {"saint_start", "7"},
                                          {"seed", "18446744073709551615"}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        char text[64];
        live_value(c, want[i][0], text, sizeof text);
        assert_string_equal(text, want[i][1]);
    }
    cJSON_Delete(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_unpruned_run_completes_what_was_there),
        cmocka_unit_test(what_differs_is_an_axis),
        cmocka_unit_test(the_same_again_is_the_same_row),
        cmocka_unit_test(shared_times_do_not_count),
        cmocka_unit_test(no_more_than_it_can_hold),
        cmocka_unit_test(configurations_are_read),
    };
    return run_tiny_group("live runs", tests, sizeof tests / sizeof *tests);
}
