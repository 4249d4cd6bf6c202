/* cli.h - one way for all subcommands to read their options, and one table for all of them to be helped from. */
#ifndef SAINT_APP_CLI_H
#define SAINT_APP_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include "engine.h"

/* Exit statuses of the program. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 75 };

enum { CLI_LIST_MAX = 512 };
typedef struct {
    int n;
    const char *v[CLI_LIST_MAX];
} cli_list;

/* Exactly one of flag, text, list is set. */
typedef struct {
    const char *name;  /* "model", without dashes; "out,o" has a short form too: --out FILE or -o FILE */
    const char *value; /* "DIR", NULL for a flag */
    const char *help;
    bool *flag;
    const char **text;
    cli_list *list;
} cli_option;

typedef struct {
    const char *name, *summary, *usage;
    const cli_option *options; /* ends with name NULL */
} cli_command;

/* Read argv[1..]. Returns -1 to go on, or the exit status with which to leave (help was printed: 0; wrong usage: 2). */
int cli_parse(const cli_command *c, int argc, char **argv);
/* The same for a command that takes words besides options; they may stand anywhere, and all behind -- are words. */
int cli_parse_words(const cli_command *c, int argc, char **argv, cli_list *words);
/* One line on stderr, and the exit status that belongs to it. */
int cli_fail(const char *command, saint_status s, const saint_error *e);
int cli_usage(const char *command, const char *fmt, ...);
/* Whole number option. Returns false after complaining. */
bool cli_int(const char *command, const char *option, const char *text, long min, long max, long *out);
/* A remark that changes nothing about the exit status, as one line on stderr. */
void cli_note(const char *command, const char *text);
/* Text of a file, a model or an argument for a terminal: no control characters, broken UTF-8 as '?', the middle left out beyond max bytes. */
void cli_put_clean(FILE *f, const char *text, size_t max);
/* Print an object on stdout as valid UTF-8, whatever the names in it, and free it. */
int cli_print_json(cJSON *c);
/* Flush stdout. Returns status, or EXIT_FAILED after one line on stderr when not all of it could be written. */
int cli_close_stdout(int status);
/* The same for a write that has just failed with errno `why` (0: not known). */
int cli_stdout_failed(int why, int status);

#endif
