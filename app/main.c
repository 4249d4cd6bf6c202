#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "nearest.h"
#include "version.h"

static const struct {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"ui", "the workbench: live pruning on the screen; also `saint` alone", cmd_ui},
    {"demo", "the embedded model on unseen pictures, unpruned and in the three modes", cmd_demo},
    {"run", "one picture, one prompt: answer, kept tokens, timings, FLOPs", cmd_run},
    {"select", "one selection rule alone on a feature matrix (.npy)", cmd_select},
    {"eval", "a data set through the engine, scored as published, beside the unpruned model", cmd_eval},
    {"sweep", "many configurations on a data set: durable, resumable, in many processes", cmd_sweep},
    {"score", "score logged answers without a model", cmd_score},
    {"export", "the numbers of a sweep for other programs: CSV, JSONL, lmms-eval, MME, LaTeX, Markdown", cmd_export},
    {"plot", "figures of a sweep: Pareto front, curves with intervals, layers", cmd_plot},
    {"bench", "honest speed: GEMM, selection, whole networks", cmd_bench},
    {"data", "make the embedded data set, as files or as a stream for training", cmd_data},
    {"models", "what a model folder holds", cmd_models},
    {"methods", "the token reduction methods and their parameters", cmd_methods},
    {"presets", "named parameter sets", cmd_presets},
    {"info", "version, CPU, kernels, paths", cmd_info},
    {"doctor", "check this machine and the installation", cmd_doctor},
};

static void usage(FILE *f)
{
    fprintf(f, "SAINT Workbench %s (%s): visual-token pruning, measured\n\nusage: saint COMMAND [options]\n       saint [options of ui]\n\n",
            saint_version, saint_commit);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) fprintf(f, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`saint COMMAND --help` shows the options of a command.\n", f);
}

/* The manual page, made from the same tables as --help. */
static int man_page(void)
{
    printf(".TH SAINT 1 \"\" \"saint %s\" \"SAINT Workbench\"\n", saint_version);
    fputs(".SH NAME\nsaint \\- visual\\-token pruning, measured\n.SH SYNOPSIS\n"
          ".B saint\n.I COMMAND\n[options]\n.SH DESCRIPTION\n"
          "Runs Vision Transformers and LLaVA\\-1.5 with token pruning inside the network (SAINT, arXiv 2503.11549), says which patches "
          "went, at which\n"
          "layer and why, what that cost and what it bought.\n.SH COMMANDS\n",
          stdout);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char name[32], how[] = "--help=man";
        snprintf(name, sizeof name, "%s", commands[i].name);
        int status = commands[i].run(2, (char *[]){name, how, NULL});
        if (status != EXIT_DONE) return status;
    }
    fputs(".SH EXIT STATUS\n0 done; 1 the run failed; 2 wrong usage or bad input, one line on stderr; 75 interrupted, resumable.\n",
          stdout);
    return EXIT_DONE;
}

/* A caller may have closed 0, 1 or 2; the next file opened would take that number, and what we print would land in it. Writing to a
 * placeholder that is open for reading fails just as a closed stream does. */
static void hold_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0) (void)open("/dev/null", O_RDONLY);
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) return cmd_ui(argc, argv);
        usage(stderr);
        return EXIT_USAGE;
    }
    if (argc > 2 && strcmp(argv[1], "help") == 0) return dispatch(3, (char *[]){argv[0], argv[2], "--help", NULL});
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("saint %s (%s)\n", saint_version, saint_commit);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--man") == 0) return man_page();
    if (strcmp(argv[1], "--commands") == 0) {
        for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) puts(commands[i].name);
        return EXIT_DONE;
    }
    if (strncmp(argv[1], "--", 2) == 0 && argv[1][2]) return cmd_ui(argc, argv);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0) return commands[i].run(argc - 1, argv + 1);
    fputs("saint: ", stderr);
    cli_put_clean(stderr, argv[1], 200);
    const char *names[sizeof commands / sizeof *commands], *like;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) names[i] = commands[i].name;
    like = nearest_meant(argv[1], names, sizeof commands / sizeof *commands);
    if (like) fprintf(stderr, ": no such command; the nearest is %s\n", like);
    else fputs(": no such command; `saint --help` lists them\n", stderr);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    hold_standard_streams();
    setlocale(LC_CTYPE, ""); /* numbers stay in the C locale */
    signal(SIGPIPE, SIG_IGN);
    return cli_close_stdout(dispatch(argc, argv));
}
