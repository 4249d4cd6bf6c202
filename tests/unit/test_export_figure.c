/* Figures: the child that draws them is trusted with nothing, and what it draws is what the sweep holds. */
#define _GNU_SOURCE
#include "support/data_files.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <time.h>

#include "export/child.h"
#include "export/figure_internal.h"
#include "export/gnuplot.h"
#include "support/random.h"
#include "support/sweep_sample.h"

static sweep_data *sweep;
static gnuplot *child; /* NULL: not installed here */

static int make(void **state)
{
    if (data_make(state) != 0) return -1;
    assert_ok(sweep_sample_make(data_folder, SWEEP_SAMPLE_SCENES, &sweep, err));
    saint_error e = {0};
    saint_status s = gnuplot_open(&child, NULL, &e);
    if (s == SAINT_UNSUPPORTED) printf("gnuplot is not installed: what needs it is skipped\n");
    else if (s != SAINT_OK) fail_msg("%s", e.text);
    return 0;
}

static int unmake(void **state)
{
    gnuplot_close(child);
    sweep_sample_free(sweep);
    return data_remove(state);
}

#define NEED_GNUPLOT()                                                                                                                     \
    if (!child) skip()

/* ---- scripts -------------------------------------------------------------------------------------------------------------- */

/* Quoted texts without a quote inside (not even doubled: gnuplot 5.4 ends a text at some of those), between them nothing but our own ".\047."
 * and nowhere anything that ends a line. */
static void check_quoted(const char *p)
{
    static const char joint[] = ".\"\\047\".";
    for (;;) {
        assert_int_equal(*p++, '\'');
        for (; *p != '\''; p++) assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
        if (!*++p) return;
        assert_memory_equal(p, joint, sizeof joint - 1);
        p += sizeof joint - 1;
    }
}

static void random_bytes(uint64_t *rng, char *out, size_t most)
{
    size_t n = test_random_bits(rng) % most;
    for (size_t i = 0; i < n; i++) {
        uint64_t k = test_random_bits(rng);
        out[i] = k % 3 ? "'\"`\\$@#!;|<>\n\r\t{}()%^&*"[k / 3 % 23] : (char)(1 + k / 3 % 255);
    }
    out[n] = 0;
}

static void any_bytes_become_one_quoted_text(void **state)
{
    (void)state;
    uint64_t rng = 2;
    text_buf t = {0};
    for (int i = 0; i < 100000; i++) {
        char text[64];
        random_bytes(&rng, text, sizeof text);
        text_clear(&t);
        child_quote(&t, text);
        check_quoted(t.p);
    }
    text_free(&t);
}

static void numbers_are_numbers(void **state)
{
    (void)state;
    text_buf t = {0};
    child_number(&t, 0.1);
    text_char(&t, ' ');
    child_number(&t, -INFINITY);
    text_char(&t, ' ');
    child_number(&t, NAN);
    assert_string_equal(t.p, "0.10000000000000001 NaN NaN");
    text_free(&t);
}

static void blocks_end_where_nobody_can_guess(void **state)
{
    (void)state;
    text_buf t = {0};
    child_block a, b;
    assert_ok(child_block_open(&a, &t, "x", err));
    assert_ok(child_block_open(&b, &t, "x", err));
    assert_true(strlen(a.end) >= 32);
    assert_string_not_equal(a.end, b.end);
    text_free(&t);
}

/* ---- the child ------------------------------------------------------------------------------------------------------------ */

static bool owned(void) { return saint_file_exists(data_path("owned")); }

static void run_ok(const char *script, char **out, size_t *n)
{
    text_buf t = {0};
    text_put(&t, script);
    assert_ok(gnuplot_run(child, &t, 10000, out, n, err));
    text_free(&t);
}

/* What gnuplot makes of a quoted text is the text, control characters as spaces; and nothing of it is run. */
static void quoted_texts_are_texts_to_gnuplot(void **state)
{
    (void)state;
    NEED_GNUPLOT();
    uint64_t rng = 21;
    for (int i = 0; i < 400; i++) {
        char text[80], touch[600], *out;
        size_t n;
        text_buf script = {0}, want = {0};
        snprintf(touch, sizeof touch, "`touch %s`", data_path("owned"));
        if (i == 0) snprintf(text, sizeof text, "%.79s", touch);
        else random_bytes(&rng, text, sizeof text);
        text_put(&script, "set print '-'\nprint ");
        child_quote(&script, text);
        text_put(&script, "\nset print\n");
        assert_ok(gnuplot_run(child, &script, 10000, &out, &n, err));
        text_put(&want, "");
        for (const char *p = text; *p;) {
            size_t k = text_character(p);
            if (k == 0) text_char(&want, '?');
            else if ((unsigned char)*p < 0x20 || *p == 0x7f) text_char(&want, ' ');
            else text_bytes(&want, p, k);
            p += k ? k : 1;
        }
        text_char(&want, '\n');
        assert_string_equal(out, want.p);
        free(out);
        text_free(&script);
        text_free(&want);
    }
    assert_false(owned());
}

static void failed(const char *script, int limit_ms, saint_status want, const char *words)
{
    text_buf t = {0};
    saint_error e = {0};
    char *out;
    size_t n;
    text_put(&t, script);
    saint_status s = gnuplot_run(child, &t, limit_ms, &out, &n, &e);
    if (s != want) fail_msg("%s: expected status %d, found %d: %s", script, want, s, e.text);
    assert_null(out);
    assert_null(strchr(e.text, '\n'));
    if (!strstr(e.text, words)) fail_msg("expected \"%s\" in: %s", words, e.text);
    text_free(&t);
}

static void a_child_that_misbehaves_is_replaced(void **state)
{
    (void)state;
    NEED_GNUPLOT();
    char *out;
    size_t n;
    failed("plot nosuch(x)\n", 10000, SAINT_INVALID, "undefined function: nosuch");
    run_ok("set print '-'\nprint 1+1\n", &out, &n); /* an error costs nothing */
    assert_string_equal(out, "2\n");
    free(out);
    failed("while (1) { x = 1 }\n", 300, SAINT_IO, "did not answer within 0.3 s");
    run_ok("set print '-'\nprint 1+2\n", &out, &n);
    assert_string_equal(out, "3\n");
    free(out);
    failed("exit\n", 10000, SAINT_IO, "ended in the middle");
    run_ok("x = 5\nset print '-'\nprint x\n", &out, &n);
    free(out);
    failed("set print '-'\nprint x\n", 10000, SAINT_INVALID, "undefined variable: x"); /* nothing stays from figure to figure */
    failed("set print '-'\ns = 'x'\ndo for [i=1:12] { s = s.s }\ndo for [i=1:40000] { print s }\n", 60000, SAINT_IO, "of output");
    run_ok("set print '-'\nprint 7\n", &out, &n);
    assert_string_equal(out, "7\n");
    free(out);
}

/* A program of ours in its place. */
static void impostor(const char *name, const char *script, saint_status want, const char *words)
{
    saint_error e = {0};
    gnuplot *g = (gnuplot *)1;
    data_write(name, script);
    assert_int_equal(chmod(data_path(name), 0755), 0);
    saint_status s = gnuplot_open(&g, data_path(name), &e);
    if (s != want) fail_msg("%s: status %d: %s", name, s, e.text);
    assert_null(g);
    assert_null(strchr(e.text, '\n'));
    if (!strstr(e.text, words)) fail_msg("expected \"%s\" in: %s", words, e.text);
}

static void what_is_no_gnuplot_is_told(void **state)
{
    (void)state;
    saint_error e = {0};
    gnuplot *g;
    assert_int_equal(gnuplot_open(&g, data_path("nothing-here"), &e), SAINT_UNSUPPORTED);
    assert_non_null(strstr(e.text, "not installed"));
    assert_non_null(strstr(e.text, "gnuplot-nox"));
    assert_null(g);
    impostor("ends", "#!/bin/sh\necho 'no display' >&2\nexit 3\n", SAINT_IO, "no display");
    impostor("deaf", "#!/bin/sh\nexec <&-\nexit 0\n", SAINT_IO, "ended in the middle");
    data_write("no-program", "text\n");
    assert_int_equal(gnuplot_open(&g, data_path("no-program"), &e), SAINT_UNSUPPORTED);
}

/* ---- figures -------------------------------------------------------------------------------------------------------------- */

static char *read_all(const char *name, size_t *n)
{
    char *text;
    assert_ok(saint_file_read(data_path(name), 64 << 20, &text, n, err));
    return text;
}

static void every_kind_is_drawn_in_every_format(void **state)
{
    (void)state;
    NEED_GNUPLOT();
    static const char *const endings[] = {"png", "svg", "PDF"}, *const begin[] = {"\x89PNG", "<?xml", "%PDF"};
    for (int kind = 0; kind < 3; kind++)
        for (int i = 0; i < 3; i++) {
            char name[32];
            size_t n;
            snprintf(name, sizeof name, "figure%d.%s", kind, endings[i]);
            assert_ok(figure_write_by(child, sweep, &(figure_options){.kind = (figure_kind)kind}, data_path(name), err));
            char *text = read_all(name, &n);
            assert_true(n > 2000 && memcmp(text, begin[i], 4) == 0);
            free(text);
        }
    size_t n;
    char *svg = read_all("figure0.svg", &n);
    static const char *const words[] = {"cost of a sample (GFLOP)",
                                        "accuracy (%)",
                                        "unpruned",
                                        "random, same token counts",
                                        "Pareto front",
                                        "iterative_drop_full_graph + saint_drop (LLM)",
                                        "keep_num=145"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strstr(svg, words[i])) fail_msg("the figure does not say %s", words[i]);
    free(svg);
    assert_ok(
        figure_write_by(child, sweep, &(figure_options){.kind = FIGURE_PARETO, .width = 640, .height = 480}, data_path("small.svg"), err));
    svg = read_all("small.svg", &n);
    assert_non_null(strstr(svg, "width=\"640\" height=\"480\""));
    free(svg);
}

static void figures_without_a_child_at_hand(void **state)
{
    (void)state;
    NEED_GNUPLOT();
    size_t n;
    char *text;
    assert_ok(figure_write(sweep, &(figure_options){.kind = FIGURE_CURVE, .log_x = true}, data_path("alone.svg"), err));
    free(read_all("alone.svg", &n));
    for (int kind = 0; kind < 3; kind++) {
        assert_ok(figure_text(sweep, &(figure_options){.kind = (figure_kind)kind}, 90, 30, &text, err));
        int lines = 0;
        for (const char *p = text; *p; p++) {
            assert_true(*p == '\n' || (*p >= 0x20 && *p < 0x7f)); /* no form feed, no escape sequence */
            lines += *p == '\n';
            assert_true(*p != ' ' || p[1] != '\n');
        }
        assert_true(lines > 20 && lines < 40);
        assert_non_null(strstr(text, kind == FIGURE_LAYERS ? "layers passed" : kind == FIGURE_CURVE ? "keep_num (rows)" : "GFLOP"));
        free(text);
    }
    assert_ok(figure_text_by(child, sweep, &(figure_options){.kind = FIGURE_PARETO}, 1, 1, &text, err));
    free(text);
}

/* The front is what nothing drawn beats in both: dearer and not better is off it, where more is better on the x axis too slower and not
 * better. */
static void the_front_knows_which_way_is_better(void **state)
{
    (void)state;
    static const char *const axes[] = {"gflops_total_mean", "lat_mean_ms", "throughput_sps", "speedup"};
    table *t;
    assert_ok(table_trials(sweep, &t, err));
    for (int a = 0; a < 4; a++) {
        figure_data d;
        const double way = a < 2 ? 1 : -1; /* of less */
        assert_ok(figure_points(t, &(figure_options){.kind = FIGURE_PARETO, .x = axes[a]}, &d, err));
        assert_true(d.n_front > 1);
        for (int f = 0; f < d.n_front; f++) {
            if (f) assert_true(d.front[f].x > d.front[f - 1].x && way * (d.front[f].y - d.front[f - 1].y) > 0);
            for (int i = 0; i < d.n; i++)
                for (int k = 0; k < d.series[i].n; k++) {
                    const figure_point *p = &d.series[i].point[k];
                    if (!p->partial && way * p->x < way * d.front[f].x) assert_true(p->y < d.front[f].y);
                    if (!p->partial && p->x == d.front[f].x) assert_true(p->y <= d.front[f].y);
                }
        }
        figure_free(&d);
    }
    table_free(t);
}

/* Points of a Latin hypercube would be a curve each: they are points of their method, and no line joins them. */
static void scattered_settings_are_points(void **state)
{
    (void)state;
    sweep_data *s;
    table *t;
    figure_data d;
    assert_ok(sweep_sample_make(data_folder, SWEEP_SAMPLE_SCENES, &s, err));
    assert_ok(table_trials(s, &t, err));
    assert_ok(figure_points(t, &(figure_options){.kind = FIGURE_CURVE}, &d, err));
    assert_false(d.scattered);
    figure_free(&d);
    for (int i = 1; i < s->n_trials; i++) { /* each another threshold */
        char value[32];
        snprintf(value, sizeof value, "0.%d", 50 + (s->trial[i].trial.twin_of >= 0 ? (int)s->trial[i].trial.twin_of : i));
        free(s->trial[i].value[1]);
        s->trial[i].value[1] = strdup(value);
    }
    assert_ok(figure_points(t, &(figure_options){.kind = FIGURE_CURVE, .x = "flops_ratio"}, &d, err));
    assert_true(d.scattered);
    for (int i = 0; i < d.n; i++) assert_null(strstr(d.series[i].name, "0.5"));
    figure_free(&d);
    assert_ok(figure_points(t, &(figure_options){.kind = FIGURE_CURVE, .x = "flops_ratio", .by = "keep_num"}, &d, err));
    assert_false(d.scattered); /* who says what tells curves apart gets them */
    figure_free(&d);
    table_free(t);
    sweep_sample_free(s);
}

/* A twin stands where its partner does, which has the settings. */
static void twins_are_told_apart_by_their_partners(void **state)
{
    (void)state;
    table *t;
    figure_data d;
    assert_ok(table_trials(sweep, &t, err));
    assert_ok(figure_points(t, &(figure_options){.kind = FIGURE_CURVE, .x = "flops_ratio", .by = "vit_keep_num"}, &d, err));
    int twins = 0;
    for (int i = 0; i < d.n; i++)
        if (d.series[i].kind == SERIES_TWIN) {
            assert_true(!strcmp(d.series[i].name, "random, vit_keep_num=289") || !strcmp(d.series[i].name, "random, vit_keep_num=73"));
            twins++;
        }
    assert_int_equal(twins, 2);
    figure_free(&d);
    table_free(t);
}

static void refused(figure_options o, const char *name, saint_status want, const char *words)
{
    saint_error e = {0};
    data_write(name, "an older figure");
    saint_status s = figure_write_by(child, sweep, &o, data_path(name), &e);
    if (s != want) fail_msg("status %d: %s", s, e.text);
    if (!strstr(e.text, words)) fail_msg("expected \"%s\" in: %s", words, e.text);
    size_t n;
    char *text = read_all(name, &n);
    assert_string_equal(text, "an older figure"); /* a figure that failed replaces nothing */
    free(text);
}

static void what_cannot_be_drawn_is_said(void **state)
{
    (void)state;
    NEED_GNUPLOT();
    refused((figure_options){.kind = FIGURE_PARETO}, "figure.gif", SAINT_INVALID, ".png, .svg or .pdf");
    refused((figure_options){.kind = FIGURE_PARETO}, "png", SAINT_INVALID, ".png, .svg or .pdf");
    refused((figure_options){.kind = FIGURE_CURVE, .x = "keepnum"}, "x.png", SAINT_INVALID, "the nearest is keep_num");
    refused((figure_options){.kind = FIGURE_CURVE, .y = "latency_ms"}, "x.png", SAINT_INVALID, "no such column");
    refused((figure_options){.kind = FIGURE_CURVE, .by = "methd"}, "x.png", SAINT_INVALID, "the nearest is method");
    refused((figure_options){.kind = FIGURE_CURVE, .where = "acc>"}, "x.png", SAINT_INVALID, "filter:");
    refused((figure_options){.kind = FIGURE_CURVE, .where = "acc>2"}, "x.png", SAINT_INVALID, "no row has both");
    refused((figure_options){.kind = FIGURE_LAYERS, .where = "is_baseline"}, "x.png", SAINT_INVALID, "drops tokens");
}

/* The same sweep gives the same bytes (a PDF carries the time of day). */
static void a_figure_is_drawn_the_same_twice(void **state)
{
    (void)state;
    NEED_GNUPLOT();
    static const char *const names[][2] = {{"one.png", "two.png"}, {"one.svg", "two.svg"}, {"one.pdf", "two.pdf"}};
    for (int i = 0; i < 3; i++) {
        char *text[2];
        size_t n[2];
        for (int k = 0; k < 2; k++) {
            assert_ok(figure_write(sweep, &(figure_options){.kind = FIGURE_CURVE}, data_path(names[i][k]), err));
            text[k] = read_all(names[i][k], &n[k]);
        }
        assert_true(n[0] == n[1] && memcmp(text[0], text[1], n[0]) == 0);
        if (i == 2) assert_null(memmem(text[0], n[0], "CreationDate", 12)); /* both may have been drawn in one second */
        free(text[0]);
        free(text[1]);
    }
}

/* Names that would be commands if anything were done with them but printing. */
static void names_are_never_commands(void **state)
{
    (void)state;
    NEED_GNUPLOT();
    static const char *const attack[] = {"`touch %s`",
                                         "'; system('touch %s'); '",
                                         "\"; system(\"touch %s\"); \"",
                                         "x\nsystem 'touch %s'\n",
                                         "x\nEND\n! touch %s\n",
                                         "'\n! touch %s\n'",
                                         "@{x} $(touch %s) ${x} < touch %s",
                                         "\\' ; ! touch %s",
                                         "x''; system(\"touch %s\") #",
                                         "'; system(\"touch %s\") #",
                                         "x'' . system(\"touch %s\") . ''",
                                         "' %s"};
    sweep_data *s;
    assert_ok(sweep_sample_make(data_folder, SWEEP_SAMPLE_SCENES, &s, err));
    for (size_t i = 0; i < sizeof attack / sizeof *attack; i++) {
        char text[1200];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
        snprintf(text, sizeof text, attack[i], data_path("owned"), data_path("owned"));
#pragma GCC diagnostic pop
        free(s->model);
        free(s->axes.param[0]);
        s->model = strdup(text);
        s->axes.param[0] = strdup(text);
        for (int k = 0; k < s->n_trials; k++) {
            free(s->trial[k].trial.name);
            s->trial[k].trial.name = strdup(text);
            free(s->trial[k].value[1]);
            s->trial[k].value[1] = strdup(text);
        }
        for (int kind = 0; kind < 3; kind++)
            for (int by = 0; by < 2; by++)
                assert_ok(figure_write_by(
                    child, s,
                    &(figure_options){.kind = (figure_kind)kind, .x = kind == FIGURE_CURVE ? "name" : NULL, .by = by ? "name" : NULL},
                    data_path("hostile.svg"), err));
        if (owned()) fail_msg("this was run: %s", text);
    }
    sweep_sample_free(s);
}

/* Where a picture is to be written changes nothing about what gnuplot is told. */
static void paths_are_only_ours(void **state)
{
    (void)state;
    NEED_GNUPLOT();
    size_t n;
    data_write("odd '`x`\" | folder/x", "");
    assert_ok(figure_write_by(child, sweep, &(figure_options){.kind = FIGURE_PARETO}, data_path("odd '`x`\" | folder/|touch.png"), err));
    free(read_all("odd '`x`\" | folder/|touch.png", &n));
    saint_error e = {0};
    assert_int_equal(figure_write_by(child, sweep, &(figure_options){.kind = FIGURE_PARETO}, data_path("no/such/folder.png"), &e),
                     SAINT_IO);
    assert_non_null(strstr(e.text, "no/such/folder.png"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_bytes_become_one_quoted_text),
        cmocka_unit_test(numbers_are_numbers),
        cmocka_unit_test(blocks_end_where_nobody_can_guess),
        cmocka_unit_test(quoted_texts_are_texts_to_gnuplot),
        cmocka_unit_test(a_child_that_misbehaves_is_replaced),
        cmocka_unit_test(what_is_no_gnuplot_is_told),
        cmocka_unit_test(the_front_knows_which_way_is_better),
        cmocka_unit_test(scattered_settings_are_points),
        cmocka_unit_test(twins_are_told_apart_by_their_partners),
        cmocka_unit_test(every_kind_is_drawn_in_every_format),
        cmocka_unit_test(figures_without_a_child_at_hand),
        cmocka_unit_test(what_cannot_be_drawn_is_said),
        cmocka_unit_test(a_figure_is_drawn_the_same_twice),
        cmocka_unit_test(names_are_never_commands),
        cmocka_unit_test(paths_are_only_ours),
    };
    return cmocka_run_group_tests_name("export figure", tests, make, unmake);
}
