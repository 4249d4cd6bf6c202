#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "commands.h"

static const struct {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"run", "one picture, one prompt: answer, kept tokens, timings, FLOPs", cmd_run},
    {"select", "one selection rule alone on a feature matrix (.npy)", cmd_select},
    {"score", "score logged answers without a model", cmd_score},
    {"bench", "honest speed: GEMM, selection, whole networks", cmd_bench},
    {"models", "what a model folder holds", cmd_models},
    {"methods", "the token reduction methods and their parameters", cmd_methods},
    {"presets", "named parameter sets", cmd_presets},
    {"info", "version, CPU, kernels, paths", cmd_info},
    {"doctor", "check this machine and the installation", cmd_doctor},
};

static void usage(FILE *f)
{
    fputs("SAINT Workbench " SAINT_VERSION " (" SAINT_COMMIT "): visual-token pruning, measured\n\nusage: saint COMMAND [options]\n\n", f);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) fprintf(f, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`saint COMMAND --help` shows the options of a command.\n", f);
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, ""); /* numbers stay in the C locale */
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("saint " SAINT_VERSION " (" SAINT_COMMIT ")");
        return EXIT_DONE;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0) return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "saint: %s: no such command; `saint --help` lists them\n", argv[1]);
    return EXIT_USAGE;
}
