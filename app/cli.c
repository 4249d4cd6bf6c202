#define _GNU_SOURCE
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_help(const cli_command *c)
{
    printf("saint %s - %s\n\nusage: saint %s %s\n\n", c->name, c->summary, c->name, c->usage);
    for (const cli_option *o = c->options; o->name; o++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "", o->list ? " ..." : "");
        printf("  %-30s %s\n", left, o->help);
    }
    printf("  %-30s %s\n", "--help", "this text");
}

/* Roff wants its own meaning of a dash and of a leading dot kept apart from ours. */
static void print_roff(const char *text)
{
    for (const char *p = text; *p; p++) {
        if (*p == '-' || *p == '\\') putchar('\\');
        putchar(*p);
    }
}

static void print_man(const cli_command *c)
{
    printf(".SS \"saint %s\"\n", c->name);
    print_roff(c->summary);
    printf(".\n.PP\n.B saint %s\n", c->name);
    print_roff(c->usage);
    putchar('\n');
    for (const cli_option *o = c->options; o->name; o++) {
        printf(".TP\n.B \\-\\-");
        print_roff(o->name);
        if (o->value) {
            putchar(' ');
            print_roff(o->value);
        }
        printf("\n\\&");
        print_roff(o->help);
        putchar('\n');
    }
}

/* One option a line, with its value's name when it takes one: what bash completion reads. */
static void print_completion(const cli_command *c)
{
    for (const cli_option *o = c->options; o->name; o++) printf("--%s %s\n", o->name, o->value ? o->value : "");
    puts("--help ");
}

int cli_usage(const char *command, const char *fmt, ...)
{
    va_list ap;
    fprintf(stderr, "saint %s: ", command);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    return EXIT_USAGE;
}

int cli_fail(const char *command, saint_status s, const saint_error *e)
{
    fprintf(stderr, "saint %s: %s\n", command, e->text[0] ? e->text : saint_status_text(s));
    switch (s) {
    case SAINT_CANCELLED: return EXIT_INTERRUPTED;
    case SAINT_INVALID:
    case SAINT_IO:
    case SAINT_FORMAT:
    case SAINT_UNSUPPORTED: return EXIT_USAGE;
    default: return EXIT_FAILED;
    }
}

static const cli_option *find(const cli_command *c, const char *name, size_t n)
{
    for (const cli_option *o = c->options; o->name; o++)
        if (strlen(o->name) == n && strncmp(o->name, name, n) == 0) return o;
    return NULL;
}

/* The option that shares the longest beginning with what was typed. */
static const char *nearest(const cli_command *c, const char *name)
{
    const char *best = c->options->name;
    size_t longest = 0;
    for (const cli_option *o = c->options; o->name; o++) {
        size_t n = 0;
        while (o->name[n] && o->name[n] == name[n]) n++;
        if (n > longest) {
            longest = n;
            best = o->name;
        }
    }
    return best;
}

int cli_parse(const cli_command *c, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        if (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0) {
            print_help(c);
            return EXIT_DONE;
        }
        if (strcmp(a, "--help=man") == 0 || strcmp(a, "--help=complete") == 0) {
            (a[7] == 'm' ? print_man : print_completion)(c);
            return EXIT_DONE;
        }
        if (strncmp(a, "--", 2) != 0 || !a[2])
            return cli_usage(c->name, "%s: unexpected argument; `saint %s --help` shows the options", a, c->name);
        size_t n = strcspn(a + 2, "=");
        const cli_option *o = find(c, a + 2, n);
        if (!o) return cli_usage(c->name, "%s: no such option; the nearest is --%s", a, nearest(c, a + 2));
        if (o->flag) {
            if (a[2 + n]) return cli_usage(c->name, "--%s takes no value", o->name);
            *o->flag = true;
            continue;
        }
        const char *value = a[2 + n] ? a + 3 + n : i + 1 < argc ? argv[++i] : NULL;
        if (!value) return cli_usage(c->name, "--%s needs a value: %s", o->name, o->value);
        if (o->text) {
            *o->text = value;
        } else {
            if (o->list->n == CLI_LIST_MAX) return cli_usage(c->name, "--%s: more than %d", o->name, CLI_LIST_MAX);
            o->list->v[o->list->n++] = value;
        }
    }
    return -1;
}

bool cli_int(const char *command, const char *option, const char *text, long min, long max, long *out)
{
    if (!text) return true;
    char *end;
    errno = 0;
    long v = strtol(text, &end, 10);
    if (end == text || *end || errno || v < min || v > max) {
        cli_usage(command, "--%s %s: expected a whole number from %ld to %ld", option, text, min, max);
        return false;
    }
    *out = v;
    return true;
}

int cli_print_json(cJSON *c)
{
    char *text = c ? cJSON_Print(c) : NULL;
    cJSON_Delete(c);
    if (!text) {
        fputs("saint: no memory for the answer\n", stderr);
        return EXIT_FAILED;
    }
    int ok = puts(text) >= 0 && fflush(stdout) == 0;
    cJSON_free(text);
    if (!ok) perror("saint: stdout");
    return ok ? EXIT_DONE : EXIT_FAILED;
}
