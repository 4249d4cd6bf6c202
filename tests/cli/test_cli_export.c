/* saint export and saint plot as a user meets them, on a sweep that really ran. */
#define _GNU_SOURCE
#include "support/program.h"

#include <locale.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "formats/json.h"

#define LLAVA SAINT_FIXTURE_DIR "/llava-tiny-new"

static char home[] = "/tmp/saint-cli-export-XXXXXX";
static bool gnuplot_here;

typedef struct {
    int status;
    char *out, *err;
} result;

static char *slurp(const char *name)
{
    char path[512], *text;
    size_t n;
    snprintf(path, sizeof path, "%s/%s", home, name);
    assert_ok(saint_file_read(path, 1 << 26, &text, &n, err));
    return text;
}

/* `ENVIRONMENT saint ARGS` in a folder of the test's own. */
static result saint_in(const char *environment, const char *fmt, ...)
{
    char args[2048], line[4096];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(args, sizeof args, fmt, ap);
    va_end(ap);
    snprintf(line, sizeof line, "cd %s && %s %s %s >out 2>err </dev/null", home, environment, SAINT_BINARY, args);
    int how = system(line);
    return (result){program_status(how), slurp("out"), slurp("err")};
}
#define saint(...) saint_in("", __VA_ARGS__)

static void forget(result r)
{
    free(r.out);
    free(r.err);
}

static char *output_of(result r)
{
    if (r.status != 0) fail_msg("exit %d: %s", r.status, r.err);
    assert_string_equal(r.err, "");
    free(r.err);
    return r.out;
}

static void refused(result r, const char *words)
{
    program_refused(r.status, r.out, r.err, words);
    forget(r);
}

/* One sweep for all tests: unpruned, three budgets, their random twins, on 14 questions. */
static int make(void **state)
{
    (void)state;
    if (!mkdtemp(home)) return -1;
    forget(saint("data scenes --count 1 --size 64 --out data"));
    result r = saint("sweep --model " LLAVA " --data scenes:data --set 'prune_mode[0]=iterative_drop_full_graph' --grid keep_num=20,40,60 "
                     "--max-new-tokens 3 --threads 1 --name cli --out sw");
    if (r.status != 0) fail_msg("the sweep failed: %d %s", r.status, r.err);
    forget(r);
    gnuplot_here = system("gnuplot --version >/dev/null 2>&1") == 0;
    if (!gnuplot_here) printf("gnuplot is not installed: figures are skipped\n");
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", home);
    return system(command);
}

static int lines(const char *text)
{
    int n = 0;
    for (; *text; text++) n += *text == '\n';
    return n;
}

static void every_format_comes_out(void **state)
{
    (void)state;
    char *csv = output_of(saint("export sw")), *again = output_of(saint("export --format csv sw")),
         *samples = output_of(saint("export sw --format samples-csv")), *json = output_of(saint("export sw --format=jsonl")),
         *md = output_of(saint("export sw --format markdown")), *tex = output_of(saint("export sw --format latex"));
    assert_string_equal(csv, again);
    assert_memory_equal(csv, "schema,sweep_id,", 16);
    assert_int_equal(lines(csv), 1 + 7);
    assert_int_equal(lines(samples), 1 + 7 * 14);
    assert_int_equal(lines(json), 7 + 7 * 14);
    assert_non_null(strstr(md, "| unpruned |"));
    assert_non_null(strstr(tex, "\\begin{tabular}"));
    assert_non_null(strstr(tex, "keep\\_num=20"));
    int trials = 0;
    for (char *p = json, *end; (end = strchr(p, '\n')); p = end + 1) {
        cJSON *c;
        assert_ok(saint_json_parse(p, (size_t)(end - p), 1 << 20, "line", &c, err));
        trials += strcmp(cJSON_GetObjectItemCaseSensitive(c, "schema")->valuestring, "saint.trials/2") == 0;
        assert_non_null(cJSON_GetObjectItemCaseSensitive(c, "git_commit"));
        cJSON_Delete(c);
    }
    assert_int_equal(trials, 7);
    free(csv);
    free(again);
    free(samples);
    free(json);
    free(md);
    free(tex);
}

static void files_are_what_stdout_would_be(void **state)
{
    (void)state;
    char *csv = output_of(saint("export sw --no-timing")), *file;
    free(output_of(saint("export sw --no-timing -o t.csv")));
    assert_string_equal(file = slurp("t.csv"), csv);
    free(file);
    free(output_of(saint("export sw --no-timing -ot2.csv")));
    assert_string_equal(file = slurp("t2.csv"), csv);
    free(file);
    free(output_of(saint("export --out=t3.csv -- sw")));
    free(slurp("t3.csv"));
    char *dash = output_of(saint("export sw --no-timing -o -"));
    assert_string_equal(dash, csv);
    assert_null(strstr(csv, "lat_mean_ms"));
    assert_null(strstr(csv, "hostname"));
    free(dash);
    free(csv);
}

/* The same sweep made again, by other processes: not one byte differs. */
static void without_times_two_runs_are_one(void **state)
{
    (void)state;
    result r = saint("sweep --model " LLAVA " --data scenes:data --set 'prune_mode[0]=iterative_drop_full_graph' --grid keep_num=20,40,60 "
                     "--max-new-tokens 3 --threads 1 --name cli --out sw2 --jobs 3");
    assert_int_equal(r.status, 0);
    forget(r);
    static const char *const formats[] = {"csv", "samples-csv", "jsonl", "latex", "markdown", "text"};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        char *a = output_of(saint("export sw --no-timing --format %s", formats[i])),
             *b = output_of(saint("export sw2 --no-timing --format %s", formats[i]));
        assert_string_equal(a, b);
        assert_true(strlen(a) > 500);
        free(a);
        free(b);
    }
    free(output_of(saint("export sw --no-timing --format lmms-eval -o l1")));
    free(output_of(saint("export sw2 --no-timing --format lmms-eval -o l2")));
    free(output_of(saint("export sw --format mme -o m1")));
    free(output_of(saint("export sw2 --format mme -o m2")));
    char command[256];
    snprintf(command, sizeof command, "cd %s && diff -r l1 l2 && diff -r m1 m2", home);
    assert_int_equal(system(command), 0);
}

static double accuracy(const char *answers)
{
    cJSON *c;
    char *text = output_of(saint("score --data scenes:data --answers %s --json", answers));
    assert_ok(saint_json_parse(text, strlen(text), 1 << 20, "score", &c, err));
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(c, "metrics"), "accuracy");
    double x = cJSON_GetObjectItemCaseSensitive(v, "value")->valuedouble;
    cJSON_Delete(c);
    free(text);
    return x;
}

/* What others score from our files is what we say. */
static void result_files_score_the_same(void **state)
{
    (void)state;
    free(output_of(saint("export sw --format lmms-eval -o lmms --where 'ordinal==3'")));
    free(output_of(saint("export sw --format mme -o mme --where 'ordinal==3'")));
    char *row = output_of(saint("export sw --format jsonl --where 'ordinal==3'"));
    cJSON *c;
    assert_ok(saint_json_parse(row, strcspn(row, "\n"), 1 << 20, "row", &c, err));
    double ours = cJSON_GetObjectItemCaseSensitive(c, "metric")->valuedouble;
    assert_true(accuracy("lmms/003-*/samples_scenes.jsonl") == ours);
    assert_true(accuracy("mme/003-*") == ours);
    cJSON_Delete(c);
    assert_int_equal(lines(row), 1 + 14); /* the samples of that trial alone */
    free(row);
}

static void rows_can_be_chosen(void **state)
{
    (void)state;
    char *csv = output_of(saint("export sw --where 'keep_num<50 && !baseline'"));
    assert_int_equal(lines(csv), 1 + 2);
    free(csv);
    csv = output_of(saint("export sw --format samples-csv --where 'baseline && category==color'"));
    assert_int_equal(lines(csv), 1 + 2);
    free(csv);
    refused(saint("export sw --where 'keepnum<50'"), "the nearest is keep_num");
    refused(saint("export sw --format samples-csv --where 'acc>'"), "filter:");
}

/* Numbers stay as they are whatever the language of the terminal. */
static void a_locale_changes_no_number(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8"};
    char *plain = output_of(saint("export sw --format csv"));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char environment[64];
        if (!setlocale(LC_ALL, names[i])) continue; /* not installed here */
        setlocale(LC_ALL, "C");
        snprintf(environment, sizeof environment, "LC_ALL=%s", names[i]);
        char *german = output_of(saint_in(environment, "export sw --format csv"));
        assert_string_equal(plain, german);
        free(german);
        if (gnuplot_here) free(output_of(saint_in(environment, "plot sw -o german.svg")));
    }
    free(plain);
}

static void columns_are_listed_with_their_meaning(void **state)
{
    (void)state;
    char *list = output_of(saint("export sw --columns")), *csv = output_of(saint("export sw")),
         *brief = output_of(saint("export sw --columns --no-timing"));
    int commas = 0;
    for (const char *p = csv; *p != '\n'; p++) commas += *p == ',';
    assert_int_equal(lines(list), commas + 1);
    assert_true(lines(brief) < lines(list));
    assert_non_null(strstr(list, "\nlat_mean_ms\tms\tpreprocessing to the last token, measured\n"));
    assert_null(strstr(brief, "lat_mean_ms"));
    refused(saint("export sw --columns --format mme -o x"), "not of mme");
    free(list);
    free(csv);
    free(brief);
}

static void wrong_usage_is_one_line(void **state)
{
    (void)state;
    refused(saint("export"), "expected one folder, found 0");
    refused(saint("export sw sw2"), "found 2");
    refused(saint("export nowhere"), "nowhere");
    refused(saint("export data"), "data: expected the folder of a sweep or of an evaluation, found neither plan.json nor eval.json");
    refused(saint("export sw --format xml"), "expected csv, samples-csv");
    refused(saint("export sw --format mme"), "-o DIR is missing");
    refused(saint("export sw --format lmms-eval"), "-o DIR is missing");
    refused(saint("export sw -o no/such/folder/x.csv"), "no/such/folder");
    refused(saint("export sw -x"), "-x: no such option");
    refused(saint("export sw -o"), "--out needs a value");
    refused(saint("export sw --fromat csv"), "the nearest is --format");
    refused(saint("plot"), "expected one folder");
    refused(saint("plot sw --kind pie"), "expected pareto, curve or layers");
    refused(saint("plot sw --size 10"), "WIDTHxHEIGHT");
    refused(saint("plot sw --size 100x100x"), "WIDTHxHEIGHT");
    refused(saint("plot sw --kind layers --x keep_num"), "axes of its own");
    refused(saint("plot sw -o figure.bmp"), ".png, .svg or .pdf");
    refused(saint("plot nowhere -o figure.png"), "nowhere: expected the folder of a sweep");
}

static void help_shows_short_options(void **state)
{
    (void)state;
    char *help = output_of(saint("export --help")), *words = output_of(saint("export --help=complete")),
         *man = output_of(saint("plot --help=man"));
    assert_non_null(strstr(help, "-o, --out FILE|DIR"));
    assert_non_null(strstr(words, "\n-o FILE|DIR\n"));
    assert_non_null(strstr(words, "--out FILE|DIR"));
    assert_non_null(strstr(man, "\\-o, \\-\\-out FILE"));
    free(help);
    free(words);
    free(man);
}

static void without_gnuplot_it_is_said(void **state)
{
    (void)state;
    refused(saint_in("PATH=", "plot sw -o figure.png"), "gnuplot is not installed and figures are drawn by it: install gnuplot-nox");
    refused(saint_in("PATH=/nowhere", "plot sw"), "install gnuplot-nox");
    char *csv = output_of(saint_in("PATH=", "export sw"));
    assert_int_equal(lines(csv), 8);
    free(csv);
}

static void figures_are_drawn(void **state)
{
    (void)state;
    if (!gnuplot_here) skip();
    static const char *const kinds[] = {"pareto", "curve", "layers"};
    for (int i = 0; i < 3; i++) {
        char name[32];
        free(output_of(saint("plot sw --kind %s -o %s.svg --size 900x600", kinds[i], kinds[i])));
        snprintf(name, sizeof name, "%s.svg", kinds[i]);
        char *svg = slurp(name);
        assert_non_null(strstr(svg, "</svg>"));
        assert_non_null(strstr(svg, "width=\"900\" height=\"600\""));
        assert_non_null(strstr(svg, i == 2 ? "ViT layers passed" : i ? "keep_num (rows)" : "cost of a sample (GFLOP)"));
        free(svg);
        char *text = output_of(saint("plot sw --kind %s", kinds[i]));
        assert_true(lines(text) >= 20);
        free(text);
    }
    free(output_of(saint("plot sw --kind curve --y agreement --by twin_of --log-x -o a.png")));
    free(output_of(saint("plot sw --kind curve --where '!baseline && twin_of==\"\"' -o b.pdf")));
    refused(saint("plot sw --y nothing -o c.png"), "nothing: no such column");
    refused(saint("plot sw --where 'acc>7' -o c.png"), "no row has both");
}

/* What is done so far is worth an export, but nobody must take it for all of it. */
static void half_a_sweep_says_so(void **state)
{
    (void)state;
    char command[512]; /* a machine that went down in the middle: half of what was written is there */
    snprintf(command, sizeof command,
             "cd %s && cp -r sw half && rm half/sweep.db* && for f in half/journal/*; do head -n 50 $f >j && mv j $f; done", home);
    assert_int_equal(system(command), 0);
    result r = saint("export half");
    assert_int_equal(r.status, 0);
    assert_non_null(strstr(r.err, "not complete"));
    assert_int_equal(lines(r.out), 1 + 7);
    forget(r);
    r = saint("export half --format markdown");
    assert_non_null(strstr(r.out, "NOT COMPLETE"));
    forget(r);
}

/* Without the data set there are no questions and no scores to compute, but the rest is there. */
static void a_lost_data_set_costs_only_its_columns(void **state)
{
    (void)state;
    char command[256];
    snprintf(command, sizeof command, "cd %s && mv data data-away", home);
    assert_int_equal(system(command), 0);
    result r = saint("export sw");
    refused(saint("export sw --format mme -o gone"), "no longer there");
    refused(saint("export sw --format lmms-eval -o gone"), "no longer there");
    snprintf(command, sizeof command, "cd %s && mv data-away data", home);
    assert_int_equal(system(command), 0);
    assert_int_equal(r.status, 0);
    assert_non_null(strstr(r.err, "no longer there"));
    assert_int_equal(lines(r.out), 8);
    forget(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_comes_out),
        cmocka_unit_test(files_are_what_stdout_would_be),
        cmocka_unit_test(without_times_two_runs_are_one),
        cmocka_unit_test(result_files_score_the_same),
        cmocka_unit_test(rows_can_be_chosen),
        cmocka_unit_test(a_locale_changes_no_number),
        cmocka_unit_test(columns_are_listed_with_their_meaning),
        cmocka_unit_test(wrong_usage_is_one_line),
        cmocka_unit_test(help_shows_short_options),
        cmocka_unit_test(without_gnuplot_it_is_said),
        cmocka_unit_test(figures_are_drawn),
        cmocka_unit_test(half_a_sweep_says_so),
        cmocka_unit_test(a_lost_data_set_costs_only_its_columns),
    };
    return cmocka_run_group_tests_name("cli export", tests, make, unmake);
}
