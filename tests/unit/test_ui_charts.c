/* The Charts and Sweep pages, drawn from a made-up sweep: as they did before (fixtures/views; SAINT_UPDATE_GOLDENS=1 writes them anew), and
 * what keys and commands do to them. */
#define _GNU_SOURCE
#include "support/golden.h"
#include "support/ui_bench.h"

#include <math.h>

#include "base/file.h"
#include "support/random.h"
#include "support/sweep_sample.h"
#include "ui/charts/charts.h"
#include "ui/sweeps/sweeps.h"

static void replace(char **field, const char *text)
{
    free(*field);
    *field = strdup(text);
}

/* The sample as the sweep that is selected, as if its folder had been read. */
static sweep_entry *give_sample(ui_bench *b)
{
    ui *u = b->u;
    sweep_data *d;
    saint_error e = {0};
    assert_ok(sweep_sample_make(b->home, SWEEP_SAMPLE_SCENES, &d, err));
    replace(&d->data, "scenes:test"); /* goldens do not know where the test's folder lies */
    sweep_entry *s = calloc(1, sizeof *s);
    s->folder = strdup("/sweeps/sample-5a17c0ff");
    s->name = strdup("sample");
    s->process.fd = -1;
    s->set = run_set_new(d, sweep_sample_free);
    d->done = 226;
    d->units = 240;
    d->errors = 1;
    d->complete = false;
    s->state = CHILD_PAUSED;
    u->sweeps->entry[u->sweeps->n++] = s;
    u->sweeps->at = 0;
    assert_int_equal(run_table_show(&u->sweeps->runs, s->set, &e), SAINT_OK);
    u->sweeps->filter_version++;
    return s;
}

static const struct {
    const char *name;
    int w, h;
    saint_ui_tier tier;
    saint_ui_glyphs glyphs;
    const char *keys; /* pressed before it is looked at */
    saint_ui_page page;
} goldens[] = {
    {"ui-charts-80x24", 80, 24, SAINT_UI_256, SAINT_UI_BRAILLE, "Right Right", SAINT_UI_PAGE_CHARTS},
    {"ui-charts-120x36", 120, 36, SAINT_UI_DIRECT, SAINT_UI_BRAILLE, "Tab Right", SAINT_UI_PAGE_CHARTS},
    {"ui-charts-200x60", 200, 60, SAINT_UI_DIRECT, SAINT_UI_BLOCKS, "", SAINT_UI_PAGE_CHARTS},
    {"ui-charts-ascii", 80, 24, SAINT_UI_MONO, SAINT_UI_ASCII, "End", SAINT_UI_PAGE_CHARTS},
    {"ui-charts-axes", 80, 24, SAINT_UI_256, SAINT_UI_BRAILLE, "c Down Down", SAINT_UI_PAGE_CHARTS},
    {"ui-charts-table", 120, 36, SAINT_UI_256, SAINT_UI_BRAILLE, "v Down Down", SAINT_UI_PAGE_CHARTS},
    {"ui-sweep-80x24", 80, 24, SAINT_UI_256, SAINT_UI_BRAILLE, "s s Down", SAINT_UI_PAGE_SWEEP},
    {"ui-sweep-120x36", 120, 36, SAINT_UI_DIRECT, SAINT_UI_BRAILLE, "Down Down Down", SAINT_UI_PAGE_SWEEP},
    {"ui-sweep-200x60", 200, 60, SAINT_UI_DIRECT, SAINT_UI_BRAILLE, "P", SAINT_UI_PAGE_SWEEP},
};

static void pages_look_as_they_did(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) {
        ui_bench b;
        ui_bench_open(&b, goldens[i].w, goldens[i].h);
        saint_ui_theme_make(&b.u->theme, SAINT_UI_DARK, goldens[i].tier, goldens[i].glyphs);
        give_sample(&b);
        ui_go(b.u, goldens[i].page);
        ui_draw(b.u);
        ui_bench_keys(&b, goldens[i].keys);
        ui_draw(b.u);
        /* the panes alone: header and footer belong to others, and change with every new action */
        saint_ui_canvas body = {0};
        assert_ok(saint_ui_canvas_resize(&body, goldens[i].w, goldens[i].h - 3, err));
        memcpy(body.cell, b.u->canvas.cell + goldens[i].w, (size_t)goldens[i].w * (size_t)(goldens[i].h - 3) * sizeof *body.cell);
        saint_ui_canvas_reduce(&body, goldens[i].tier);
        char *text = saint_ui_canvas_dump(&body, true);
        golden_is("views", goldens[i].name, text);
        free(text);
        saint_ui_canvas_free(&body);
        ui_bench_close(&b);
    }
}

/* The form as it stands with an estimate, and with a fault; keys stay in its lines. */
static void the_form(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int w, h;
        bool good;
    } cases[] = {{"ui-sweep-form-80x24", 80, 24, true}, {"ui-sweep-form-120x36", 120, 36, false}};
    for (size_t i = 0; i < 2; i++) {
        ui_bench b;
        ui_bench_open(&b, cases[i].w, cases[i].h);
        ui_sweeps *s = b.u->sweeps;
        replace(&b.u->subject.data_name, "scenes:test");
        sweep_form_init(&s->form, "s1");
        assert_ok(sweep_form_read(&s->form, "keep_num=72:576:72 saint_threshold=0.7,0.8 limit=200 method=sobol", err));
        s->form_open = true;
        s->form_good = cases[i].good;
        s->estimate = (sweep_estimate){.runs = 801, .samples = 200, .units = 160200, .seconds = 9120, .bytes = 1.44e8, .row = FORM_AXIS};
        saint_fail(&s->form_error, SAINT_INVALID, "keep_num: 577: expected a value from -1 to 576");
        b.u->focus = SAINT_UI_PANE_RUNS;
        ui_go(b.u, SAINT_UI_PAGE_SWEEP);
        b.u->focus = SAINT_UI_PANE_RUNS;
        ui_draw(b.u);
        saint_ui_canvas body = {0};
        assert_ok(saint_ui_canvas_resize(&body, cases[i].w, cases[i].h - 3, err));
        memcpy(body.cell, b.u->canvas.cell + cases[i].w, (size_t)cases[i].w * (size_t)(cases[i].h - 3) * sizeof *body.cell);
        char *text = saint_ui_canvas_dump(&body, true);
        golden_is("views", cases[i].name, text);
        free(text);
        saint_ui_canvas_free(&body);
        ui_bench_type(&b, "q"); /* no letter is a command while one types */
        assert_false(b.u->quit);
        assert_string_equal(s->form.line[FORM_AXIS].text, "keep_num=72:576:72q");
        ui_bench_keys(&b, "Down Down Down Right Down Space 1"); /* method: the next one */
        assert_int_equal(s->form.method, SWEEP_LHS);
        ui_bench_keys(&b, "Esc");
        assert_false(s->form_open);
        free(b.u->subject.data_name);
        b.u->subject.data_name = NULL;
        ui_bench_close(&b);
    }
}

/* What is drawn at any size, with any key: inside its canvas, and the state stays sane. */
static void no_key_and_no_size_hurts(void **state)
{
    (void)state;
    static const char *const keys[] = {"c", "y", "g", "v", "d", "Space", "+", "-", "0", "Left", "Right", "Up", "Down", "Home", "End", "Esc",
                                       "Tab", "Enter", "n", "s", "P", "PgDn", "PgUp", "5", "6", ">", "<", "Shift-Right", "x", "a"};
    uint64_t rng = 99;
    ui_bench b;
    ui_bench_open(&b, 80, 24);
    give_sample(&b);
    for (int i = 0; i < 1500; i++) {
        if (i % 25 == 0) ui_front_resize(b.u->core->front, 1 + (int)(test_random_bits(&rng) % 210), 1 + (int)(test_random_bits(&rng) % 70));
        if (i % 40 == 0) ui_go(b.u, i % 80 ? SAINT_UI_PAGE_CHARTS : SAINT_UI_PAGE_SWEEP);
        ui_bench_keys(&b, keys[test_random_bits(&rng) % (sizeof keys / sizeof *keys)]);
        if (i % 7 == 0 && b.u->canvas.w > 0) {
            saint_ui_event e = {.kind = SAINT_UI_MOUSE,
                                .mouse = (saint_ui_mouse)(test_random_bits(&rng) % 5),
                                .button = 1,
                                .x = (int)(test_random_bits(&rng) % (uint64_t)b.u->canvas.w),
                                .y = (int)(test_random_bits(&rng) % (uint64_t)b.u->canvas.h)};
            ui_event(b.u, &e);
            ui_draw(b.u);
        }
        assert_false(b.u->quit);
    }
    ui_bench_close(&b);
}

static void axes_by_name(void **state)
{
    (void)state;
    ui_bench b;
    ui_bench_open(&b, 120, 36);
    give_sample(&b);
    ui_go(b.u, SAINT_UI_PAGE_CHARTS);
    ui_draw(b.u);
    assert_shows(&b, "n = 12 to 24, sweep sample");
    assert_true(ui_do(b.u, "axes keep_num accuracy gflops_total_mean"));
    assert_shows(&b, "accuracy and gflops_total_mean against keep_num");
    assert_true(ui_do(b.u, "axes flops acc")); /* short words of the table */
    assert_shows(&b, "accuracy against gflops_total_mean");
    assert_shows(&b, "Pareto front");
    assert_false(ui_do(b.u, "axes keep_nun accuracy"));
    assert_false(ui_do(b.u, "axes keep_num"));
    assert_shows(&b, "accuracy against gflops_total_mean"); /* as before */
    assert_true(ui_do(b.u, "axes keep_num acc none saint_threshold"));
    assert_shows(&b, "\u25cf saint_threshold 0.7");
    ui_bench_keys(&b, "c Right"); /* the chooser: another x */
    assert_shows(&b, "x logarithmic");
    ui_bench_keys(&b, "Esc");
    assert_shows_not(&b, "x logarithmic");
    ui_bench_close(&b);
}

static void the_cursor_reads_and_links(void **state)
{
    (void)state;
    ui_bench b;
    ui_bench_open(&b, 120, 36);
    sweep_entry *s = give_sample(&b);
    ui_charts *c = b.u->charts;
    ui_go(b.u, SAINT_UI_PAGE_CHARTS);
    ui_draw(b.u);
    ui_do(b.u, "axes keep_num accuracy");
    ui_bench_keys(&b, "Home");
    assert_true(c->pane[0].cursor == 73);
    ui_bench_keys(&b, "Right");
    assert_true(c->pane[0].cursor == 145);
    assert_shows(&b, "run 3 at 145   accuracy 0.739 [0.514, 0.964] n = 23");
    /* the other chart stands at the same run */
    int speed = chart_column_find(&c->data, "speedup");
    assert_true(c->pane[1].cursor == c->data.value[chart_at(&c->data, 3, speed)]);
    ui_bench_keys(&b, "End");
    assert_true(c->pane[0].cursor == 433);
    ui_bench_keys(&b, "Esc");
    assert_true(isnan(c->pane[0].cursor) && isnan(c->pane[1].cursor));
    /* zoom around it, and back */
    ui_bench_keys(&b, "Home Right + +");
    assert_true(c->pane[0].axes.from > 73 && c->pane[0].axes.to < 433 && c->pane[0].axes.from < 145 && c->pane[0].axes.to > 145);
    ui_bench_keys(&b, "0");
    assert_true(c->pane[0].axes.from >= c->pane[0].axes.to);
    /* what a filter leaves out is not drawn */
    int before = c->pane[0].figure.series[c->pane[0].figure.plot.n_series - 1].n;
    assert_true(ui_do(b.u, "filter-runs keep_num < 200"));
    ui_draw(b.u);
    assert_true(c->pane[0].figure.series[c->pane[0].figure.plot.n_series - 1].n < before);
    /* hiding: the curve goes, its name stays */
    ui_bench_keys(&b, "Space");
    assert_shows(&b, "(hidden)");
    ui_bench_keys(&b, "Space");
    assert_shows_not(&b, "(hidden)");
    assert_ptr_equal(c->shown_set, s->set);
    ui_bench_close(&b);
}

static void sources_are_kept_apart(void **state)
{
    (void)state;
    ui_bench b;
    ui_bench_open(&b, 120, 36);
    ui_go(b.u, SAINT_UI_PAGE_CHARTS);
    assert_shows(&b, "no run of this picture yet");
    assert_false(ui_do(b.u, "chart-data sweep")); /* there is none */
    give_sample(&b);
    assert_shows(&b, "sweep sample"); /* nothing was chosen: what has data */
    assert_true(ui_do(b.u, "chart-data session"));
    assert_shows(&b, "no run of this picture yet");
    assert_true(ui_do(b.u, "chart-data"));
    assert_shows(&b, "sweep sample");
    ui_bench_close(&b);
}

static void the_table_of_a_sweep(void **state)
{
    (void)state;
    ui_bench b;
    char path[128], *text;
    size_t n;
    ui_bench_open(&b, 120, 36);
    give_sample(&b);
    ui_go(b.u, SAINT_UI_PAGE_SWEEP);
    assert_shows(&b, "paused");
    assert_shows(&b, "94%");
    assert_shows(&b, "1 failed");
    assert_true(ui_do(b.u, "filter-runs acc >= 0.9"));
    assert_shows(&b, " of 10 \u00b7 acc >= 0.9");
    assert_false(ui_do(b.u, "filter-runs acc >="));
    assert_shows(&b, " of 10 \u00b7 acc >= 0.9");
    assert_true(ui_do(b.u, "sort-runs keep_num"));
    assert_false(ui_do(b.u, "sort-runs nonsense"));
    snprintf(path, sizeof path, "csv %s/runs.csv", b.home);
    assert_true(ui_do(b.u, path));
    assert_ok(saint_file_read(path + 4, 1 << 20, &text, &n, err));
    int lines = 0;
    for (char *p = text; (p = strchr(p, '\n')); p++) lines++;
    assert_int_equal(lines, 1 + b.u->sweeps->runs.n_rows); /* what the filter leaves */
    assert_true(strncmp(text, "schema,", 7) == 0);
    free(text);
    snprintf(path, sizeof path, "csv samples %s/samples.csv", b.home);
    assert_true(ui_do(b.u, path));
    while (errands_busy(b.u->sweeps->errands)) errands_deliver(b.u->sweeps->errands, b.u);
    assert_ok(saint_file_read(path + 12, 1 << 20, &text, &n, err));
    lines = 0;
    for (char *p = text; (p = strchr(p, '\n')); p++) lines++;
    assert_int_equal(lines, 1 + 9 * SWEEP_SAMPLE_SAMPLES + SWEEP_SAMPLE_SAMPLES / 2);
    free(text);
    snprintf(path, sizeof path, "csv /nowhere/at/all.csv");
    assert_false(ui_do(b.u, path));
    ui_bench_close(&b);
}

static void runs_become_plans(void **state)
{
    (void)state;
    ui_bench b;
    ui_bench_open(&b, 120, 36);
    sweep_entry *s = give_sample(&b);
    ui_go(b.u, SAINT_UI_PAGE_SWEEP);
    ui_draw(b.u);
    assert_true(ui_do(b.u, "run-pin 7"));
    assert_true(b.u->plan[UI_A].set);
    assert_memory_equal(&b.u->plan[UI_A].settings, &s->set->data->trial[7].trial.settings, sizeof(saint_settings));
    assert_false(ui_do(b.u, "run-pin 8")); /* a random twin has no settings of its own */
    assert_shows(&b, "run 2");
    assert_false(ui_do(b.u, "run-load 77"));
    assert_false(ui_do(b.u, "run-load 9"));
    assert_int_equal(b.u->page, SAINT_UI_PAGE_SWEEP);
    assert_true(ui_do(b.u, "run-load 3"));
    assert_int_equal(b.u->page, SAINT_UI_PAGE_INSPECT);
    assert_int_equal(b.u->plan[UI_NOW].settings.vit[9].p.keep_num, 145);
    ui_bench_close(&b);
}

static void what_is_not_possible_says_why(void **state)
{
    (void)state;
    ui_bench b;
    ui_bench_open(&b, 120, 36);
    ui_go(b.u, SAINT_UI_PAGE_SWEEP);
    static const char *const commands[] = {"sweep-new", "sweep-start keep_num=1,2", "sweep-pause", "sweep-cancel", "sweep-retry", "csv x.csv",
                                           "filter-runs acc > 1", "sort-runs acc", "run-load 1", "run-pin", "sweep-select 3",
                                           "sweep-open /nowhere", "figure x.png", "sweep-start"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        b.u->message[0] = 0;
        if (ui_do(b.u, commands[i])) fail_msg("%s did something", commands[i]);
        if (strlen(b.u->message) < 10) fail_msg("%s: %s", commands[i], b.u->message);
        ui_draw(b.u);
    }
    give_sample(&b);
    assert_false(ui_do(b.u, "sweep-pause")); /* it was not started here */
    assert_shows(&b, "was not started here");
    ui_bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_look_as_they_did), cmocka_unit_test(the_form),     cmocka_unit_test(no_key_and_no_size_hurts), cmocka_unit_test(axes_by_name),
        cmocka_unit_test(the_cursor_reads_and_links), cmocka_unit_test(sources_are_kept_apart),   cmocka_unit_test(the_table_of_a_sweep),
        cmocka_unit_test(runs_become_plans),          cmocka_unit_test(what_is_not_possible_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
