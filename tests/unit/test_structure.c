/* The rules of the tree: which folder may include which, and what the libraries never do. */
#include "support/test.h"

#include <glob.h>

#include "base/file.h"

/* Rank of a folder; a file may include its own rank and below. Same rank, other folder: only where listed as siblings. */
static int rank_of(const char *path)
{
    static const struct {
        const char *prefix;
        int rank;
    } order[] = {{"base/", 0},   {"formats/", 1}, {"backend/", 1}, {"select/", 2}, {"methods/", 2},
                 {"models/", 2}, {"run/", 3},     {"engine.h", 4}};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (strncmp(path, order[i].prefix, strlen(order[i].prefix)) == 0) return order[i].rank;
    return -1;
}

typedef void (*check_fn)(const char *relative, const char *text);

static int for_each(const char *pattern, check_fn check)
{
    glob_t g = {0};
    char full[512];
    snprintf(full, sizeof full, "%s/%s", SAINT_SOURCE_DIR, pattern);
    if (glob(full, 0, NULL, &g) != 0) return 0;
    for (size_t i = 0; i < g.gl_pathc; i++) {
        char *text;
        size_t n;
        assert_ok(saint_file_read(g.gl_pathv[i], 1 << 24, &text, &n, err));
        check(g.gl_pathv[i] + strlen(SAINT_SOURCE_DIR) + 1, text);
        free(text);
    }
    int n = (int)g.gl_pathc;
    globfree(&g);
    return n;
}

static void check_includes(const char *file, const char *text)
{
    int own = rank_of(file + strlen("engine/"));
    if (own < 0) fail_msg("%s: a new folder needs a rank in this test", file);
    for (const char *p = strstr(text, "#include \""); p; p = strstr(p + 1, "#include \"")) {
        char name[128];
        if (sscanf(p, "#include \"%127[^\"]\"", name) != 1) continue;
        int other = rank_of(name);
        if (other > own) fail_msg("%s includes %s, which stands above it", file, name);
    }
}

static void the_engine_includes_downwards_only(void **state)
{
    (void)state;
    int n = for_each("engine/*/*.[ch]", check_includes) + for_each("engine/*/*/*.[ch]", check_includes) +
            for_each("engine/*/*.def", check_includes);
    assert_true(n > 50);
}

static void check_manners(const char *file, const char *text)
{
    static const char *const never[] = {" exit(", " abort(", " getenv(", " printf(", "fprintf(stderr", "signal(SIG", "curses.h", "perror("};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (strstr(text, never[i])) fail_msg("%s has \"%s\": a library neither ends the process nor talks to the user", file, never[i]);
}

static void libraries_never_print_exit_or_read_the_environment(void **state)
{
    (void)state;
    int n = for_each("engine/*/*.[ch]", check_manners) + for_each("engine/*/*/*.[ch]", check_manners) +
            for_each("datasets/*.[ch]", check_manners) + for_each("datasets/*/*.[ch]", check_manners);
    assert_true(n > 50);
}

/* Drawing needs the words for errors, not the engine behind them. */
static void check_views(const char *file, const char *text)
{
    for (const char *p = strstr(text, "#include \""); p; p = strstr(p + 1, "#include \"")) {
        char name[128];
        if (sscanf(p, "#include \"%127[^\"]\"", name) != 1) continue;
        if (strcmp(name, "engine.h") != 0 && rank_of(name) > 0) fail_msg("%s includes %s: views see engine.h and base types", file, name);
    }
}

static void check_outside(const char *file, const char *text)
{
    for (const char *p = strstr(text, "#include \""); p; p = strstr(p + 1, "#include \"")) {
        char name[128];
        if (sscanf(p, "#include \"%127[^\"]\"", name) != 1) continue;
        if (strcmp(name, "engine.h") != 0 && rank_of(name) >= 0)
            fail_msg("%s includes %s: outside of the engine there is only engine.h", file, name);
    }
}

static void the_program_sees_the_engine_through_one_header(void **state)
{
    (void)state;
    assert_true(for_each("app/*.[ch]", check_outside) + for_each("app/*/*.[ch]", check_outside) > 20);
    assert_true(for_each("app/*/*/*.[ch]", check_outside) > 20);
    assert_true(for_each("views/*.[ch]", check_views) > 5);
}

/* A page knows the state (ui.h), never the loop that runs it. One exception: a sweep is begun with the command line of the workbench. */
static void check_page(const char *file, const char *text)
{
    if (strstr(text, "\"ui/loop/core.h\"") && !strstr(file, "/loop/") && strcmp(file, "app/ui/sweeps/sweeps_begin.c") != 0)
        fail_msg("%s includes ui/loop/core.h: a page knows ui/ui.h", file);
}

static void pages_do_not_know_the_loop(void **state)
{
    (void)state;
    assert_true(for_each("app/ui/*/*.[ch]", check_page) > 20);
}

/* What shows runs (runs) lies under the pages, and of two pages that meet only one knows the other. */
static void check_below(const char *file, const char *text)
{
    static const char *const order[] = {"runs", "inspect", "compare", "speed", "layers", "sweeps", "charts", "loop"};
    enum { N = sizeof order / sizeof *order };
    char folder[32], other[32];
    int own = -1;
    if (sscanf(file, "app/ui/%31[^/]/", folder) != 1) return;
    for (int i = 0; i < N; i++)
        if (!strcmp(folder, order[i])) own = i;
    if (own < 0) fail_msg("%s: the folder has no place in the order of the user interface", file);
    for (const char *p = strstr(text, "#include \"ui/"); p; p = strstr(p + 1, "#include \"ui/")) {
        if (sscanf(p, "#include \"ui/%31[^/\"]/", other) != 1) continue;
        for (int i = own + 1; i < N; i++)
            if (!strcmp(other, order[i]) && strcmp(file, "app/ui/sweeps/sweeps_begin.c") != 0) fail_msg("%s includes a file of ui/%s, which lies above it", file, other);
    }
}

static void the_folders_of_the_interface_have_an_order(void **state)
{
    (void)state;
    assert_true(for_each("app/ui/*/*.[ch]", check_below) > 20);
}

static void check_length(const char *file, const char *text)
{
    int lines = 0;
    for (const char *p = text; (p = strchr(p, '\n')); p++) lines++;
    if (lines > 900) fail_msg("%s has %d lines: more than one idea", file, lines);
}

static void files_stay_readable(void **state)
{
    (void)state;
    static const char *const where[] = {"engine/*/*.[ch]", "engine/*/*/*.[ch]", "app/*.[ch]", "app/*/*.[ch]", "app/*/*/*.[ch]",
                                        "views/*.[ch]",    "datasets/*.[ch]",   "datasets/*/*.[ch]"};
    for (size_t i = 0; i < sizeof where / sizeof *where; i++) for_each(where[i], check_length);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_engine_includes_downwards_only),
        cmocka_unit_test(libraries_never_print_exit_or_read_the_environment),
        cmocka_unit_test(the_program_sees_the_engine_through_one_header),
        cmocka_unit_test(pages_do_not_know_the_loop),
        cmocka_unit_test(the_folders_of_the_interface_have_an_order),
        cmocka_unit_test(files_stay_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
