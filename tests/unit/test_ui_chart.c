/* Runs as curves: what is drawn from a table, and what a table of a sweep holds. */
#define _GNU_SOURCE
#include "support/test.h"

#include <ftw.h>
#include <math.h>

#include "support/sweep_sample.h"
#include "ui/runs/chart.h"

enum { KEEP, THRESHOLD, ACCURACY, SPEED, FLOPS, COLUMNS };

/* Six runs of keep_num at two thresholds, two random twins, the unpruned model. */
static void sample(chart_data *d)
{
    static const chart_column column[COLUMNS] = {{"keep_num", "rows", "cfg_keep_num", CHART_PARAMETER, 0, 0, NULL},
                                                 {"threshold", "cosine", "", CHART_PARAMETER, 0, 0, NULL},
                                                 {"accuracy", "", "metric", CHART_QUALITY, 1, 0, NULL},
                                                 {"speedup", "", "", CHART_COST, 1, 0, NULL},
                                                 {"flops", "", "", CHART_COST, -1, 0, NULL}};
    static const double rows[9][COLUMNS] = {
        {NAN, NAN, 0.96, 1.0, 10},   {400, 0.8, 0.95, 1.2, 8}, {200, 0.8, 0.90, 1.5, 6},  {100, 0.8, 0.70, 1.9, 4}, {400, 0.9, 0.955, 1.1, 9},
        {200, 0.9, 0.92, 1.4, 6.5}, {100, 0.9, 0.75, 1.7, 5}, {200, NAN, 0.85, 1.55, 6}, {100, NAN, 0.60, 1.95, 4},
    };
    assert_ok(chart_data_make(d, 9, COLUMNS, err));
    memcpy(d->column, column, sizeof column);
    for (int i = 0; i < 9; i++) {
        d->row[i] = (chart_row){.role = i == 0 ? CHART_UNPRUNED : i > 6 ? CHART_RANDOM : CHART_RUN, .n = 50, .key = 100 + i, .hollow = i == 3};
        for (int c = 0; c < COLUMNS; c++) {
            d->value[chart_at(d, i, c)] = rows[i][c];
            if (c != ACCURACY) continue;
            d->low[chart_at(d, i, c)] = rows[i][c] - 0.03;
            d->high[chart_at(d, i, c)] = rows[i][c] + 0.02;
        }
    }
}

static const saint_ui_series *named(const chart_figure *f, const char *name)
{
    for (int i = 0; i < f->plot.n_series; i++)
        if (!strcmp(f->series[i].name, name)) return &f->series[i];
    return NULL;
}

static void a_parameter_gives_curves_and_a_level(void **state)
{
    (void)state;
    chart_data d;
    sample(&d);
    chart_axes a = {.x = KEEP, .y = {ACCURACY, -1}, .by = THRESHOLD};
    chart_figure f;
    assert_ok(chart_build(&d, &a, NULL, 300, 200, &f, err));
    assert_int_equal(f.plot.n_series, 4);
    const saint_ui_series *s = named(&f, "threshold 0.8");
    assert_non_null(s);
    assert_int_equal(s->n, 3);
    assert_true(s->line && s->points && s->axis == 0);
    static const double x[] = {100, 200, 400}, y[] = {0.70, 0.90, 0.95};
    for (int i = 0; i < 3; i++) {
        assert_true(s->x[i] == x[i] && s->y[i] == y[i]);
        assert_true(s->low[i] == y[i] - 0.03 && s->high[i] == y[i] + 0.02);
        assert_int_equal(s->hollow[i], i == 0);
    }
    assert_int_equal(named(&f, "threshold 0.9")->n, 3);
    assert_int_equal(named(&f, "random drop")->n, 2);
    s = named(&f, "unpruned");
    assert_int_equal(s->n, 2); /* a level from end to end, with its interval */
    assert_true(s->x[0] == 100 && s->x[1] == 400 && s->y[0] == 0.96 && s->y[1] == 0.96 && s->low[1] == 0.96 - 0.03 && s->line && !s->points);
    assert_false(f.crowded);
    assert_int_equal(f.left_out, 0);
    assert_true(f.plot.mark == 300 && f.plot.cursor == 200);
    int row = chart_figure_row(&f);
    assert_true(row == 2 || row == 5 || row == 7);
    chart_figure_free(&f);
    chart_figure_free(&f);
    chart_data_free(&d);
}

static void runs_that_differ_in_more_are_not_joined(void **state)
{
    (void)state;
    chart_data d;
    sample(&d);
    chart_axes a = {.x = KEEP, .y = {ACCURACY, SPEED}, .by = -1};
    chart_figure f;
    assert_ok(chart_build(&d, &a, NULL, NAN, NAN, &f, err));
    assert_true(f.crowded);
    assert_int_equal(named(&f, "accuracy")->n, 6);
    assert_false(named(&f, "accuracy")->line);
    assert_int_equal(named(&f, "speedup")->axis, 1);
    assert_int_equal(chart_figure_row(&f), -1);
    chart_figure_free(&f);
    bool shown[9] = {true, true, true, true}; /* what a filter leaves */
    assert_ok(chart_build(&d, &a, shown, NAN, NAN, &f, err));
    assert_false(f.crowded);
    assert_int_equal(named(&f, "accuracy")->n, 3);
    assert_true(named(&f, "accuracy")->line);
    assert_null(named(&f, "random drop"));
    chart_figure_free(&f);
    for (int i = 1; i < 4; i++) d.value[chart_at(&d, i, THRESHOLD)] = 0.5 + 0.1 * i; /* as a Latin hypercube would: no two x alike, and all else */
    assert_ok(chart_build(&d, &a, shown, NAN, NAN, &f, err));
    assert_false(f.crowded);
    assert_int_equal(named(&f, "accuracy")->n, 3);
    assert_false(named(&f, "accuracy")->line);
    assert_false(named(&f, "speedup")->line);
    chart_figure_free(&f);
    chart_data_free(&d);
}

/* A point is on the front when no other is at least as good in both and better in one. */
static void the_front_is_what_nothing_beats(void **state)
{
    (void)state;
    chart_data d;
    sample(&d);
    for (int which = 0; which < 2; which++) {
        chart_axes a = {.x = which ? FLOPS : SPEED, .y = {ACCURACY, -1}, .by = -1, .front = true};
        chart_figure f;
        assert_ok(chart_build(&d, &a, NULL, NAN, NAN, &f, err));
        const saint_ui_series *s = named(&f, "Pareto front");
        assert_non_null(s);
        assert_true(s->steps && s->line && !s->points);
        int sign = which ? -1 : 1, k = 0;
        bool on[9] = {false};
        for (int i = 0; i < 9; i++) {
            bool beaten = d.row[i].hollow; /* half a run takes no part */
            for (int j = 0; j < 9; j++) {
                if (d.row[j].hollow) continue;
                double dx = sign * (d.value[chart_at(&d, j, a.x)] - d.value[chart_at(&d, i, a.x)]);
                double dy = d.value[chart_at(&d, j, ACCURACY)] - d.value[chart_at(&d, i, ACCURACY)];
                beaten = beaten || (dx >= 0 && dy >= 0 && dx + dy > 0);
            }
            on[i] = !beaten;
            k += !beaten;
        }
        assert_int_equal(s->n, k);
        for (int i = 0; i < s->n; i++) {
            assert_true(on[f.row[s - f.series][i]]);
            if (!i) continue;
            /* the step goes across at the y of the point before: never better than what can be had there */
            bool worse_x = sign * (s->x[i] - s->x[i - 1]) < 0;
            assert_true(worse_x && s->y[i] > s->y[i - 1]);
        }
        assert_int_equal(named(&f, "unpruned")->n, 1); /* a point: it has a cost */
        assert_false(named(&f, "accuracy")->line);
        chart_figure_free(&f);
    }
    chart_data_free(&d);
}

static void zooming_and_hiding(void **state)
{
    (void)state;
    chart_data d;
    sample(&d);
    chart_axes a = {.x = KEEP, .y = {ACCURACY, -1}, .by = THRESHOLD, .from = 150, .to = 250};
    chart_figure f;
    assert_ok(chart_build(&d, &a, NULL, NAN, NAN, &f, err));
    assert_int_equal(named(&f, "threshold 0.8")->n, 1);
    assert_true(f.plot.x.low == 150 && f.plot.x.high == 250);
    chart_figure_free(&f);
    a.from = a.to = 0;
    a.hidden = 1u << CHART_SLOT_RANDOM | 1u << 1;
    assert_ok(chart_build(&d, &a, NULL, NAN, NAN, &f, err));
    assert_int_equal(f.plot.n_series, 4); /* the legend still names them */
    assert_int_equal(named(&f, "random drop (hidden)")->n, 0);
    assert_int_equal(named(&f, "threshold 0.9 (hidden)")->n, 0);
    assert_int_equal(named(&f, "threshold 0.8")->n, 3);
    chart_figure_free(&f);
    chart_data_free(&d);
}

/* Methods against each other: words become curves, and no axis. */
static void words_tell_curves_apart(void **state)
{
    (void)state;
    static char *const label[] = {"tome", "saint_drop"};
    chart_data d;
    chart_figure f;
    chart_axes a;
    assert_ok(chart_data_make(&d, 6, 3, err));
    strcpy(d.column[0].name, "keep_num");
    strcpy(d.column[1].name, "accuracy");
    strcpy(d.column[2].name, "method");
    d.column[1].kind = CHART_QUALITY;
    d.column[1].better = 1;
    d.n_numbers = 2;
    d.column[2].n_labels = 2;
    d.column[2].label = malloc(2 * sizeof(char *));
    for (int k = 0; k < 2; k++) d.column[2].label[k] = strdup(label[k]);
    for (int i = 0; i < 6; i++) d.value[3 * i] = 100 * (i / 2), d.value[3 * i + 1] = 0.1 * i, d.value[3 * i + 2] = i % 2;
    chart_axes_default(&d, 0, &a);
    assert_true(a.x == 0 && a.y[0] == 1 && a.by == 2); /* it is what keeps them from sharing their x */
    assert_ok(chart_build(&d, &a, NULL, NAN, NAN, &f, err));
    assert_false(f.crowded);
    assert_int_equal(named(&f, "tome")->n, 3);
    assert_true(named(&f, "saint_drop")->line);
    chart_figure_free(&f);
    a = (chart_axes){.x = 2, .y = {1, -1}, .by = -1};
    assert_ok(chart_build(&d, &a, NULL, NAN, NAN, &f, err));
    assert_int_equal(f.plot.n_series, 0);
    chart_figure_free(&f);
    chart_data_free(&d);
}

static void nothing_and_too_much(void **state)
{
    (void)state;
    chart_data d;
    chart_figure f;
    chart_axes a;
    assert_ok(chart_data_make(&d, 0, 0, err));
    chart_axes_default(&d, 0, &a);
    assert_int_equal(a.x, -1);
    assert_ok(chart_build(&d, &a, NULL, NAN, NAN, &f, err));
    assert_int_equal(f.plot.n_series, 0);
    chart_figure_free(&f);
    assert_ok(chart_build(NULL, &a, NULL, NAN, NAN, &f, err));
    chart_figure_free(&f);
    chart_data_free(&d);
    /* more values than curves: said, not mixed */
    assert_ok(chart_data_make(&d, 60, 3, err));
    strcpy(d.column[0].name, "x");
    strcpy(d.column[1].name, "y");
    strcpy(d.column[2].name, "by");
    for (int i = 0; i < 60; i++) d.value[3 * i] = i, d.value[3 * i + 1] = i % 7, d.value[3 * i + 2] = i % 10;
    a = (chart_axes){.x = 0, .y = {1, 2}, .by = 2, .front = true};
    assert_ok(chart_build(&d, &a, NULL, NAN, NAN, &f, err));
    assert_int_equal(f.left_out, 60 - 6 * CHART_GROUPS);
    assert_int_equal(named(&f, "by 0")->n, 6);
    assert_int_equal(f.plot.n_series, CHART_GROUPS + 1);
    chart_figure_free(&f);
    assert_int_equal(chart_values(&d, 2), 10);
    chart_data_free(&d);
    chart_data_free(&d);
}

static void axes_find_their_columns_again(void **state)
{
    (void)state;
    chart_data d, e;
    sample(&d);
    chart_axes a;
    chart_axes_default(&d, 0, &a);
    assert_true(a.x == KEEP && a.y[0] == ACCURACY && a.by == THRESHOLD);
    chart_axes_default(&d, 1, &a);
    assert_true(a.x == SPEED && a.y[0] == ACCURACY && a.front);
    a.guides = false;
    a.y[1] = FLOPS;
    assert_ok(chart_data_make(&e, 1, 3, err));
    strcpy(e.column[0].name, "flops");
    strcpy(e.column[1].name, "accuracy");
    strcpy(e.column[2].name, "speedup");
    for (int i = 0; i < 3; i++) e.value[i] = 1, e.column[i].kind = i == 1 ? CHART_QUALITY : CHART_COST, e.column[i].better = i ? 1 : -1;
    chart_axes_move(&d, &e, 1, &a);
    assert_true(a.x == 2 && a.y[0] == 1 && a.y[1] == 0 && !a.guides && a.front);
    a.x = -1;
    chart_axes_move(&d, &e, 1, &a);
    assert_true(a.x == 2 && a.y[0] == 1 && a.y[1] == -1);
    strcpy(e.column[1].name, "other");
    chart_axes_move(&e, &d, 1, &a);
    assert_true(a.x == SPEED && a.y[0] == ACCURACY);
    chart_data_free(&d);
    chart_data_free(&e);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

static char folder[] = "/tmp/saint-chart-XXXXXX";

static bool same(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static void a_sweep_becomes_a_table(void **state)
{
    (void)state;
    sweep_data *s;
    chart_data d;
    chart_axes a;
    assert_ok(sweep_sample_make(folder, SWEEP_SAMPLE_SCENES, &s, err));
    assert_ok(chart_of_sweep(s, &d, err));
    assert_int_equal(d.n_rows, SWEEP_SAMPLE_TRIALS);
    assert_int_equal(chart_column_find(&d, "keep_num"), 0);
    assert_true(chart_column_find(&d, "saint_threshold") > 0 && chart_column_find(&d, "mode") >= d.n_numbers);
    int keep = 0, accuracy = chart_column_find(&d, "accuracy"), ms = chart_column_find(&d, "lat_mean_ms");
    assert_true(accuracy > 0 && ms > 0 && chart_column_find(&d, "metric") < 0);
    assert_string_equal(d.column[accuracy].id, "metric");
    assert_string_equal(d.column[keep].id, "cfg_keep_num");
    for (int i = 0; i < d.n_rows; i++) {
        const eval_summary *y = &s->trial[i].summary;
        size_t at = chart_at(&d, i, accuracy);
        assert_int_equal(d.row[i].key, i);
        if (!same(d.value[at], y->main.value) || !same(d.low[at], y->main.low) || !same(d.high[at], y->main.high))
            fail_msg("row %d: %g [%g, %g], not %g [%g, %g]", i, d.value[at], d.low[at], d.high[at], y->main.value, y->main.low, y->main.high);
        at = chart_at(&d, i, ms);
        assert_true(fabs(d.value[at] - y->latency.value * 1e3) < 1e-9);
        assert_true(isnan(y->latency.low) ? isnan(d.low[at]) : d.low[at] < d.value[at] && d.high[at] > d.value[at]);
        assert_int_equal(d.row[i].hollow, i == 9);
        assert_int_equal(d.row[i].failed, i == 3);
        assert_int_equal(d.row[i].n, i == 9 ? 12 : i == 3 ? 23 : 24);
        assert_int_equal(d.row[i].role, i == 0 ? CHART_UNPRUNED : i >= 8 ? CHART_RANDOM : CHART_RUN);
    }
    /* a random twin stands above the run whose counts it took, and the unpruned model nowhere */
    assert_true(d.value[chart_at(&d, 8, keep)] == 289 && d.value[chart_at(&d, 9, keep)] == 73 && isnan(d.value[chart_at(&d, 0, keep)]));
    chart_axes_default(&d, 0, &a);
    assert_true(a.x == keep && a.y[0] == accuracy);
    chart_axes_default(&d, 1, &a);
    assert_true(a.x == chart_column_find(&d, "speedup") && a.y[0] == accuracy && a.front);
    assert_non_null(strstr(d.title, "sample on scenes:"));
    chart_data_free(&d);
    sweep_sample_free(s);
}

int main(void)
{
    if (!mkdtemp(folder)) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parameter_gives_curves_and_a_level),
        cmocka_unit_test(runs_that_differ_in_more_are_not_joined),
        cmocka_unit_test(the_front_is_what_nothing_beats),
        cmocka_unit_test(zooming_and_hiding),
        cmocka_unit_test(words_tell_curves_apart),
        cmocka_unit_test(nothing_and_too_much),
        cmocka_unit_test(axes_find_their_columns_again),
        cmocka_unit_test(a_sweep_becomes_a_table),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return failed;
}
