/* saint data: make the embedded data set, as files in MME's layout or as a stream of records for training. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "scenes/scenes.h"

typedef struct {
    const char *seed, *count, *out, *split, *size, *threads, *grid, *start;
    bool stream, json;
} options;

typedef struct {
    long seed, count, size, threads, grid, start;
    saint_scenes_split split;
} numbers;

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static void catch_interrupts(void)
{
    struct sigaction a = {.sa_handler = on_interrupt};
    sigemptyset(&a.sa_mask);
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
}

/* ---- files -------------------------------------------------------------------------------------------------------- */

typedef struct {
    bool shown;
    double begin;
} progress_line;

static bool show_progress(void *ctx, size_t done, size_t total)
{
    progress_line *p = ctx;
    if (interrupted) return false;
    if (!p->shown) return true;
    double seconds = saint_now() - p->begin, left = done ? seconds * (double)(total - done) / (double)done : 0.0;
    fprintf(stderr, "\r%zu of %zu pictures", done, total);
    if (done && done < total) fprintf(stderr, ", %.0f s left  ", left);
    else fprintf(stderr, "              ");
    if (done == total) fputc('\n', stderr);
    return true;
}

static int write_files(const options *o, const numbers *n)
{
    saint_error e = {0};
    saint_scenes_export_summary sum;
    progress_line line = {.shown = isatty(STDERR_FILENO) == 1, .begin = saint_now()};
    saint_scenes_export_options x = {.out = o->out,
                                     .split = n->split,
                                     .seed = (uint32_t)n->seed,
                                     .count = (uint32_t)n->count,
                                     .size = (int)n->size,
                                     .threads = (int)n->threads,
                                     .progress = show_progress,
                                     .ctx = &line};
    catch_interrupts();
    saint_status s = saint_scenes_export(&x, &sum, &e);
    double seconds = saint_now() - line.begin;
    if (s != SAINT_OK) {
        if (line.shown) fputc('\n', stderr);
        return cli_fail("data", s, &e);
    }
    if (!o->json) {
        printf("%s: %zu pictures, %zu yes/no questions, %zu short answers; %zu files written, %zu kept; %.1f s\n", o->out, sum.pictures,
               sum.questions, sum.short_answers, sum.written, sum.kept, seconds);
        return EXIT_DONE;
    }
    cJSON *c = cJSON_CreateObject();
    cJSON_AddStringToObject(c, "kind", "scenes");
    cJSON_AddStringToObject(c, "out", o->out);
    cJSON_AddStringToObject(c, "split", saint_scenes_split_name(n->split));
    cJSON_AddNumberToObject(c, "seed", (double)n->seed);
    cJSON_AddNumberToObject(c, "count", (double)n->count);
    cJSON_AddNumberToObject(c, "size", (double)n->size);
    cJSON_AddNumberToObject(c, "version", SAINT_SCENES_VERSION);
    cJSON *tasks = cJSON_AddArrayToObject(c, "tasks");
    for (int t = 0; t < SAINT_SCENES_TASKS; t++)
        cJSON_AddItemToArray(tasks, cJSON_CreateString(saint_scenes_task_name((saint_scenes_task)t)));
    cJSON_AddNumberToObject(c, "pictures", (double)sum.pictures);
    cJSON_AddNumberToObject(c, "questions", (double)sum.questions);
    cJSON_AddNumberToObject(c, "short_answers", (double)sum.short_answers);
    cJSON_AddNumberToObject(c, "files_written", (double)sum.written);
    cJSON_AddNumberToObject(c, "files_kept", (double)sum.kept);
    cJSON_AddNumberToObject(c, "seconds", seconds);
    return cli_print_json(c);
}

/* ---- stream ------------------------------------------------------------------------------------------------------- */

static int stream_failed(bool wanted_end)
{
    if (interrupted) return EXIT_INTERRUPTED;
    if (errno == EPIPE && wanted_end) {
        __fpurge(stdout);
        clearerr(stdout);
        return EXIT_DONE;
    }
    return cli_stdout_failed(errno, EXIT_FAILED);
}

/* Count 0 is a stream without end: a reader that has had enough closes it, and that is how it is meant to stop. */
static int send_records(saint_scenes_stream *s, const numbers *n)
{
    uint8_t header[SAINT_SCENES_STREAM_HEADER];
    saint_scenes_stream_header((int)n->size, (int)n->grid, header);
    if (fwrite(header, 1, sizeof header, stdout) != sizeof header) return stream_failed(!n->count);
    for (long i = 0; !n->count || i < n->count; i++) {
        size_t bytes;
        const uint8_t *record = saint_scenes_stream_next(s, &bytes);
        if (interrupted || fwrite(record, 1, bytes, stdout) != bytes) return stream_failed(!n->count);
    }
    return fflush(stdout) == 0 ? EXIT_DONE : stream_failed(false);
}

static int write_stream(const numbers *n)
{
    saint_error e = {0};
    saint_scenes_stream *s = NULL;
    saint_scenes_stream_options o = {.split = n->split,
                                     .seed = (uint32_t)n->seed,
                                     .size = (int)n->size,
                                     .grid = (int)n->grid,
                                     .threads = (int)n->threads,
                                     .start = (uint64_t)n->start};
    saint_status status = saint_scenes_stream_open(&o, &s, &e);
    if (status != SAINT_OK) return cli_fail("data", status, &e);
    catch_interrupts();
    int leave = send_records(s, n);
    saint_scenes_stream_close(s);
    return leave;
}

/* ---- options ------------------------------------------------------------------------------------------------------ */

static bool read_numbers(const options *o, numbers *n)
{
    if (o->split && !saint_scenes_split_find(o->split, &n->split)) {
        cli_usage("data", "--split %s: expected train, validation or test", o->split);
        return false;
    }
    return cli_int("data", "seed", o->seed, 0, SAINT_SCENES_SEED_MAX, &n->seed) &&
           cli_int("data", "count", o->count, o->stream ? 0 : 1, 1000000000, &n->count) &&
           cli_int("data", "size", o->size, SAINT_SCENES_SIZE_MIN, SAINT_SCENES_SIZE_MAX, &n->size) &&
           cli_int("data", "threads", o->threads, 0, 1024, &n->threads) &&
           cli_int("data", "grid", o->grid, 1, SAINT_SCENES_GRID_MAX, &n->grid) &&
           cli_int("data", "start", o->start, 0, 30000000000, &n->start);
}

int cmd_data(int argc, char **argv)
{
    options o = {0};
    const cli_option table[] = {
        {"seed", "S", "which data set of all; default 0", NULL, &o.seed, NULL},
        {"count", "N", "pictures per task; with --stream: records, 0 = without end. Default 143 (2002 questions)", NULL, &o.count, NULL},
        {"out", "DIR", "folder to make: DIR/<task>/0001.png and 0001.txt, DIR/short_answers.jsonl", NULL, &o.out, NULL},
        {"split", "NAME", "train, validation or test (default); no scene is in two of them", NULL, &o.split, NULL},
        {"size", "PX", "side of the pictures; default 336", NULL, &o.size, NULL},
        {"threads", "N", "default: all CPUs", NULL, &o.threads, NULL},
        {"stream", NULL, "binary records on stdout for training; datasets/scenes/scenes.h describes them", &o.stream, NULL, NULL},
        {"grid", "G", "with --stream: G x G patch labels; default 24", NULL, &o.grid, NULL},
        {"start", "I", "with --stream: number of the first record; default 0", NULL, &o.start, NULL},
        {"json", NULL, "print JSON", &o.json, NULL, NULL},
        {0}};
    const cli_command c = {"data", "make the embedded data set",
                           "scenes [--seed S] [--count N] --out DIR [--split NAME] [--size PX] [--json]\n"
                           "       saint data scenes --stream [--count N] [--start I] [--grid G] [--split NAME] [--size PX] > RECORDS",
                           table};
    bool named = argc > 1 && argv[1][0] != '-';
    if (named && strcmp(argv[1], "scenes") != 0) return cli_usage("data", "%s: no such data set can be made; there is: scenes", argv[1]);
    int leave = cli_parse(&c, named ? argc - 1 : argc, named ? argv + 1 : argv);
    if (leave >= 0) return leave;
    if (!named) return cli_usage("data", "expected the name of a data set: saint data scenes ...");
    if (!o.stream && !o.out) return cli_usage("data", "--out DIR is needed, or --stream");
    if (o.stream && (o.out || o.json)) return cli_usage("data", "--stream writes records on stdout; it goes with neither --out nor --json");
    if (!o.stream && (o.grid || o.start)) return cli_usage("data", "--grid and --start belong to --stream");
    numbers n = {.seed = 0, .count = o.stream ? 0 : 143, .size = 336, .grid = 24, .split = SAINT_SCENES_TEST};
    if (!read_numbers(&o, &n)) return EXIT_USAGE;
    if (o.stream && isatty(STDOUT_FILENO)) return cli_usage("data", "--stream writes binary records; send stdout to a file or a pipe");
    return o.stream ? write_stream(&n) : write_files(&o, &n);
}
