/* A whole research session as a script, on a tiny model: open, tune, inspect a token, A/B, sweep, exports, and what is found again the next
 * day. The figures that come out are not looked at here; that every step leads where it should is. */
#define _GNU_SOURCE
#include "support/test.h"

#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "formats/json.h"

#define LLAVA SAINT_FIXTURE_DIR "/llava-tiny-new"

static char folder[] = "/tmp/saint-session-XXXXXX";

static char *slurp(const char *name)
{
    char path[512], *text;
    size_t n;
    if (name[0] == '/') snprintf(path, sizeof path, "%s", name);
    else snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(saint_file_read(path, 1 << 24, &text, &n, err));
    return text;
}

static void spit(const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(saint_file_write(path, text, strlen(text), err));
}

/* Run the program with these words behind it; stdout and stderr go to files. */
static int run(const char *words)
{
    char command[4096];
    snprintf(command, sizeof command, "cd %s && exec %s %s >out 2>err </dev/null", folder, SAINT_BINARY, words);
    int st = system(command);
    return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}

/* Perform a script in the workbench; FOLDER in it is the test's. */
static void workbench(const char *script)
{
    char *text = strdup(script), words[1024];
    for (char *at; (at = strstr(text, "FOLDER"));) {
        char *longer = malloc(strlen(text) + sizeof folder);
        sprintf(longer, "%.*s%s%s", (int)(at - text), text, folder, at + 6);
        free(text);
        text = longer;
    }
    spit("script.tui", text);
    free(text);
    snprintf(words, sizeof words, "ui --model " LLAVA " --template llava_hf --data scenes:%s/scenes --script %s/script.tui", folder, folder);
    int status = run(words);
    if (status == 0) return;
    char *error = slurp("err");
    fail_msg("exit %d: %s", status, error);
}

/* Rows of a CSV file; answers may hold line feeds, in quotes. */
static int rows_of(const char *name)
{
    char *text = slurp(name);
    int n = 0;
    bool quoted = false;
    for (const char *p = text; *p; p++) {
        quoted ^= *p == '"';
        n += *p == '\n' && !quoted;
    }
    free(text);
    return n;
}

static bool has_gnuplot(void)
{
    int st = system("gnuplot --version >/dev/null 2>&1");
    return WIFEXITED(st) && WEXITSTATUS(st) == 0;
}

static void a_day_of_work(void **state)
{
    (void)state;
    workbench(
        /* open */
        "size 120x36\n"
        "wait idle\n"
        "expect \"llava-tiny-new\"\n"
        "expect \"1/\"\n"
        "sample +1\n"
        "wait idle\n"
        "expect \" 2/\"\n"
        /* tune */
        "set mode=vit prune_mode[1]=iterative_drop_full_graph keep_num=60\n"
        "wait idle\n"
        "set sim_threshold=0.5\n"
        "expect \"sim_threshold changes nothing\"\n"
        "undo\n"
        "set keep_num=30\n"
        "wait idle\n"
        "undo\n"
        "redo\n"
        "wait idle\n"
        "expect \"30\"\n"
        /* a token: to the layer that dropped it */
        "focus picture\n"
        "key Right Right Down\n"
        "why\n"
        "wait idle\n"
        "screen FOLDER/token.txt\n"
        /* A/B */
        "pin\n"
        "set keep_num=12\n"
        "page a/b\n"
        "wait idle\n"
        "expect \"A/B\"\n"
        "screen FOLDER/ab.txt\n"
        /* the runs of this morning */
        "page charts\n"
        "expect \"n = 1, this picture\"\n"
        "axes keep_num agreement\n"
        "expect \"agreement against keep_num\"\n"
        "key Home\n"
        "expect \"at 12\"\n"
        "chart-table\n"
        "expect \"keep_num\"\n"
        "chart-table\n"
        /* a sweep, by the form */
        "page sweep\n"
        "sweep-new keep_num=12,30,60 limit=4 name=night\n"
        "expect \"7 runs x 4 samples = 28\"\n"
        "expect \"Next, on Start: start\"\n" /* letters are typed now: the footer says what keys do */
        "expect-not \"p Pause\"\n"
        "sweep-start\n"
        "expect \"p Pause\"\n"
        "expect \"100%\"\n"
        "expect \"28/28\"\n"
        "expect \"complete\"\n"
        "sort-runs keep_num\n"
        "filter-runs keep_num <= 30\n"
        "expect \"2 of 7\"\n"
        "csv FOLDER/few.csv\n"
        "filter-runs all\n"
        "csv FOLDER/runs.csv\n"
        "csv samples FOLDER/samples.csv\n"
        "wait idle\n"
        /* the same sweep with one more value grows */
        "sweep-start keep_num=12,30,45,60 limit=4 name=night\n"
        "expect \"36/36\"\n"
        /* its charts */
        "page charts\n"
        "chart-data sweep\n"
        "expect \"n = 4, sweep night\"\n"
        "axes keep_num accuracy speedup\n"
        "expect \"accuracy and speedup against keep_num\"\n"
        "axes flops_ratio agreement\n"
        "expect \"Pareto front\"\n"
        "csv FOLDER/grown.csv\n"
        /* a run back into Inspect */
        "run-load 5\n"
        "wait idle\n"
        "expect \"parameters\"\n"
        "screen FOLDER/last.txt\n"
        "quit\n"
        "expect-exit 0\n");
    assert_int_equal(rows_of("few.csv"), 1 + 2);
    assert_int_equal(rows_of("runs.csv"), 1 + 7);
    assert_int_equal(rows_of("samples.csv"), 1 + 28);
    assert_int_equal(rows_of("grown.csv"), 1 + 9);
    char *last = slurp("last.txt");
    assert_non_null(strstr(last, "60")); /* keep_num of run 5 */
    free(last);
    /* what the workbench did is what the command line says */
    char words[1024];
    glob_t g;
    snprintf(words, sizeof words, "%s/state/saint-workbench/sweeps/night-*", folder);
    assert_int_equal(glob(words, 0, NULL, &g), 0);
    assert_int_equal(g.gl_pathc, 1);
    snprintf(words, sizeof words, "sweep %s/request.json --out %s --status --json", g.gl_pathv[0], g.gl_pathv[0]);
    int status = run(words);
    char *out = slurp("out"), *error = slurp("err");
    if (status != 0) fail_msg("exit %d: %s", status, error);
    assert_non_null(strstr(out, "36"));
    free(out);
    free(error);
    globfree(&g);
}

static void the_next_day(void **state)
{
    (void)state;
    workbench("size 120x36\n"
              "page sweep\n"
              "wait idle\n"
              "expect \"night\"\n"
              "expect \"36/36\"\n"
              "expect \"complete\"\n"
              "page charts\n"
              "expect \"sweep night\"\n");
    /* a script ends where something is not possible, and says where */
    spit("script.tui", "page sweep\nwait idle\nsweep-pause\n");
    char words[600];
    snprintf(words, sizeof words, "ui --model " LLAVA " --template llava_hf --data scenes:%s/scenes --script %s/script.tui", folder, folder);
    assert_int_equal(run(words), 1);
    char *error = slurp("err");
    assert_non_null(strstr(error, "script.tui:3: night: it is complete"));
    free(error);
}

/* Cell `column` of a line of CSV without quotes taken off, as text; "" when there is none. */
static void cell(const char *line, int column, char *out, size_t size)
{
    size_t n = 0;
    bool quoted = false;
    out[0] = 0;
    for (int at = 0; *line && *line != '\n'; line++) {
        if (*line == '"') quoted = !quoted;
        else if (*line == ',' && !quoted) at++;
        else if (at == column && n + 1 < size) out[n++] = *line, out[n] = 0;
        if (at > column) return;
    }
}

static int column_of(const char *heading, const char *name)
{
    char text[64];
    for (int i = 0; i < 200; i++) {
        cell(heading, i, text, sizeof text);
        if (!strcmp(text, name)) return i;
    }
    fail_msg("no column %s", name);
    return -1;
}

/* The random twin of a run comes back as it was in the sweep: the same tokens of this sample, so the same KL to the last digit shown. */
static void a_random_twin_becomes_a_plan(void **state)
{
    (void)state;
    workbench("size 200x60\n"
              "wait idle\n"
              "page inspect\n"
              "sample 1\n"
              "wait idle\n"
              "page sweep\n"
              "run-load 2\n"
              "wait idle\n"
              "expect \"run 2 of night is the live plan: at random, as many tokens as run 1 keeps\"\n"
              "screen FOLDER/twin.txt\n"
              "pin\n"
              "undo\n"
              "page sweep\n"
              "run-pin 4\n"
              "wait idle\n"
              "expect \"run 4 of night is plan A\"\n"
              "quit\n"
              "expect-exit 0\n");
    char *screen = slurp("twin.txt"), *csv = slurp("samples.csv"), text[64], number[32] = "", shown[32] = "";
    int ordinal = column_of(csv, "ordinal"), index = column_of(csv, "sample_ix"), kl = column_of(csv, "kl");
    for (const char *line = csv; (line = strchr(line, '\n')) && *++line;) {
        cell(line, ordinal, text, sizeof text);
        if (strcmp(text, "2") != 0) continue;
        cell(line, index, text, sizeof text);
        if (!strcmp(text, "0")) cell(line, kl, number, sizeof number);
    }
    assert_true(number[0]);
    snprintf(shown, sizeof shown, "KL %.2g nats", strtod(number, NULL));
    if (!strstr(screen, shown)) fail_msg("the sweep has %s, the screen not: %s", shown, screen);
    assert_true(strtod(number, NULL) > 0);
    free(screen);
    free(csv);
}

static void figures_of_it(void **state)
{
    (void)state;
    if (!has_gnuplot()) {
        print_message("no gnuplot: figures are not drawn\n");
        skip();
    }
    workbench("size 120x36\n"
              "wait idle\n"
              "page charts\n"
              "axes keep_num accuracy\n"
              "figure FOLDER/curve.svg\n"
              "wait idle\n"
              "expect \"curve.svg\"\n"
              "axes flops_ratio accuracy\n"
              "figure FOLDER/front.png\n"
              "wait idle\n"
              "preview\n"
              "expect \"\u256d\u2500 gnuplot\"\n"
              "key Esc\n"
              "expect-not \"\u256d\u2500 gnuplot\"\n");
    char *svg = slurp("curve.svg"), *png = slurp("front.png");
    assert_non_null(strstr(svg, "<svg"));
    assert_non_null(strstr(svg, "keep_num"));
    assert_memory_equal(png, "\x89PNG", 4);
    free(svg);
    free(png);
}

/* Of a sweep that takes a while: paused, gone on with, cancelled, left behind by a workbench that quits, and taken up by the next one. */
static void a_sweep_outlives_its_workbench(void **state)
{
    (void)state;
    workbench("size 120x36\n"
              "wait idle\n"
              "set mode=vit prune_mode[1]=iterative_drop_full_graph\n"
              "sweep-start keep_num=10:80:2 limit=0 name=long\n"
              "sweep-pause\n"
              "wait idle\n"
              "expect \"paused\"\n"
              "sweep-pause\n" /* goes on */
              "sweep-cancel yes\n"
              "wait idle\n"
              "expect \"cancelled\"\n"
              "sweep-pause\n"
              "quit\n" /* it asks, because something runs */
              "key y\n"
              "expect-exit 0\n");
    char path[512];
    glob_t g;
    snprintf(path, sizeof path, "%s/state/saint-workbench/sweeps/long-*/launch.json", folder);
    assert_int_equal(glob(path, 0, NULL, &g), 0);
    cJSON *c;
    assert_ok(saint_json_load(g.gl_pathv[0], 1 << 20, &c, err));
    assert_string_equal(cJSON_GetObjectItem(c, "state")->valuestring, "running");
    pid_t pid = (pid_t)cJSON_GetObjectItem(c, "pid")->valueint;
    assert_true(pid > 1);
    assert_int_equal(kill(pid, 0), 0); /* it runs on */
    cJSON_Delete(c);
    workbench("size 120x36\n"
              "page sweep\n"
              "sweep-select long\n" /* nothing here waits for stillness, which would be the end of the sweep */
              "sweep-cancel yes\n"
              "wait idle\n"
              "expect \"cancelled\"\n"
              "quit\n"
              "expect-exit 0\n");
    /* nothing of it is left running; what it did is on the disk */
    assert_ok(saint_json_load(g.gl_pathv[0], 1 << 20, &c, err));
    assert_string_equal(cJSON_GetObjectItem(c, "state")->valuestring, "cancelled");
    assert_int_equal(cJSON_GetObjectItem(c, "pid")->valueint, 0);
    cJSON_Delete(c);
    globfree(&g);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

/* A test that failed must not leave a sweep behind. */
static void stop_what_runs(void)
{
    char pattern[512];
    glob_t g;
    snprintf(pattern, sizeof pattern, "%s/state/saint-workbench/sweeps/*/launch.json", folder);
    if (glob(pattern, 0, NULL, &g) != 0) return;
    for (size_t i = 0; i < g.gl_pathc; i++) {
        cJSON *c;
        if (saint_json_load(g.gl_pathv[i], 1 << 20, &c, NULL) != SAINT_OK) continue;
        const cJSON *pid = cJSON_GetObjectItem(c, "pid");
        if (cJSON_IsNumber(pid) && pid->valueint > 1) kill((pid_t)pid->valueint, SIGKILL);
        cJSON_Delete(c);
    }
    globfree(&g);
}

int main(void)
{
    static const char *const names[] = {"XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"}, *const subs[] = {"state", "cache", "config"};
    char path[512], words[600];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_of_work),
        cmocka_unit_test(the_next_day),
        cmocka_unit_test(a_random_twin_becomes_a_plan),
        cmocka_unit_test(figures_of_it),
        cmocka_unit_test(a_sweep_outlives_its_workbench),
    };
    if (!mkdtemp(folder)) return 1;
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, subs[i]);
        setenv(names[i], path, 1);
    }
    setenv("HOME", folder, 1);
    snprintf(words, sizeof words, "data scenes --count 20 --size 56 --out %s/scenes", folder);
    if (run(words) != 0) {
        fputs("the data set of this test cannot be made\n", stderr);
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    stop_what_runs();
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return failed;
}
