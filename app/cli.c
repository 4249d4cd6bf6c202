#define _GNU_SOURCE
#include "cli.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nearest.h"
#include "utf8.h"

/* ---- text from outside ------------------------------------------------------------------------------------------- */

void cli_put_clean(FILE *f, const char *text, size_t max)
{
    size_t total = strlen(text), cut = total > max ? max / 2 : total;
    for (size_t i = 0; i < total;) {
        if (i >= cut && total > max && i < total - max / 2) {
            fprintf(f, " ... (%zu bytes) ... ", total);
            i = total - max / 2;
            while (i < total && ((unsigned char)text[i] & 0xc0) == 0x80) i++;
            continue;
        }
        const unsigned char *p = (const unsigned char *)text + i;
        size_t n = utf8_length(p);
        bool control = n == 0 || p[0] < 0x20 || p[0] == 0x7f || (p[0] == 0xc2 && p[1] < 0xa0);
        if (control) fputc(n ? ' ' : '?', f);
        else fwrite(p, 1, n, f);
        i += n ? n : 1;
    }
}

static void put_utf8(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        size_t n = utf8_length(p);
        if (n) fwrite(p, 1, n, stdout);
        else fputs("\xef\xbf\xbd", stdout); /* U+FFFD */
        p += n ? n : 1;
    }
}

/* ---- help -------------------------------------------------------------------------------------------------------- */

/* "out,o": bytes of the long name, and the letter of the short one, 0 = none. */
static int name_bytes(const cli_option *o) { return (int)strcspn(o->name, ","); }

static char letter_of(const cli_option *o) { return o->name[name_bytes(o)] ? o->name[name_bytes(o) + 1] : 0; }

static void print_help(const cli_command *c)
{
    printf("saint %s - %s\n\nusage: saint %s %s\n\n", c->name, c->summary, c->name, c->usage);
    for (const cli_option *o = c->options; o->name; o++) {
        char left[64], brief[8] = "";
        if (letter_of(o)) snprintf(brief, sizeof brief, "-%c, ", letter_of(o));
        snprintf(left, sizeof left, "%s--%.*s%s%s%s", brief, name_bytes(o), o->name, o->value ? " " : "", o->value ? o->value : "", o->list ? " ..." : "");
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
        char name[64];
        snprintf(name, sizeof name, "%.*s", name_bytes(o), o->name);
        printf(".TP\n.B ");
        if (letter_of(o)) printf("\\-%c, ", letter_of(o));
        printf("\\-\\-");
        print_roff(name);
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
    for (const cli_option *o = c->options; o->name; o++) {
        printf("--%.*s %s\n", name_bytes(o), o->name, o->value ? o->value : "");
        if (letter_of(o)) printf("-%c %s\n", letter_of(o), o->value ? o->value : "");
    }
    puts("--help ");
}

enum { LINE_MAX_BYTES = 2000 }; /* an argument may be as long as the kernel allows, a message may not */

static void complain(const char *command, const char *text)
{
    fprintf(stderr, "saint %s: ", command);
    cli_put_clean(stderr, text, LINE_MAX_BYTES);
    fputc('\n', stderr);
}

int cli_usage(const char *command, const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    complain(command, n < 0 ? "wrong usage" : text);
    if (n >= 0) free(text);
    return EXIT_USAGE;
}

void cli_note(const char *command, const char *text)
{
    fprintf(stderr, "saint %s: note: ", command);
    cli_put_clean(stderr, text, LINE_MAX_BYTES);
    fputc('\n', stderr);
}

/* Whether an error ends in a reason that no other input would mend: only its words tell a full disk from a path that does not exist. */
static bool the_disk_failed(const char *text)
{
    static const int reasons[] = {ENOSPC, EDQUOT, EIO, EFBIG};
    size_t n = strlen(text);
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        const char *words = strerror(reasons[i]);
        if (n >= strlen(words) && strcmp(text + n - strlen(words), words) == 0) return true;
    }
    return false;
}

int cli_fail(const char *command, saint_status s, const saint_error *e)
{
    complain(command, e->text[0] ? e->text : saint_status_text(s));
    switch (s) {
    case SAINT_CANCELLED: return EXIT_INTERRUPTED;
    case SAINT_IO: return the_disk_failed(e->text) ? EXIT_FAILED : EXIT_USAGE;
    case SAINT_INVALID:
    case SAINT_FORMAT:
    case SAINT_UNSUPPORTED: return EXIT_USAGE;
    default: return EXIT_FAILED;
    }
}

static const cli_option *find(const cli_command *c, const char *name, size_t n)
{
    for (const cli_option *o = c->options; o->name; o++)
        if ((size_t)name_bytes(o) == n && strncmp(o->name, name, n) == 0) return o;
    return NULL;
}

static const cli_option *find_letter(const cli_command *c, char letter)
{
    for (const cli_option *o = c->options; o->name; o++)
        if (letter && letter_of(o) == letter) return o;
    return NULL;
}

/* The option that begins as what was typed does, or else the one with the fewest letters to change. */
static const cli_option *nearest(const cli_command *c, const char *name)
{
    enum { MOST = 64, BYTES = 32 };
    char text[MOST][BYTES];
    const char *names[MOST], *like;
    const cli_option *best = c->options;
    size_t longest = 0, n = 0;
    for (const cli_option *o = c->options; o->name; o++) {
        size_t same = 0;
        while (o->name[same] && o->name[same] != ',' && o->name[same] == name[same]) same++;
        if (same > longest) {
            longest = same;
            best = o;
        }
        if (n == MOST) continue;
        snprintf(text[n], BYTES, "%.*s", name_bytes(o), o->name);
        names[n] = text[n];
        n++;
    }
    if (longest > 2 || !n) return best;
    like = nearest_word(name, names, n);
    return find(c, like, strlen(like));
}

enum { VALUE_MAX_BYTES = 4096 }; /* the longest path there is; beyond it messages would lose their reason */

/* The option that an argument means, NULL when there is none; *value: what is attached to it (--name=value, -nvalue), NULL = nothing. */
static const cli_option *option_of(const cli_command *c, const char *a, const char **value)
{
    size_t n = strcspn(a, "=");
    bool is_long = a[1] == '-';
    const cli_option *o = is_long ? find(c, a + 2, n - 2) : find_letter(c, a[1]);
    *value = NULL;
    if (is_long && a[n]) *value = a + n + 1;
    if (!is_long && a[2]) *value = a + 2;
    return o;
}

/* Store one option. next: the argument behind it, NULL at the end; *used: it was the value. -1: go on. */
static int take(const cli_command *c, const char *a, const char *next, bool *used)
{
    const char *value;
    const cli_option *o = option_of(c, a, &value);
    *used = false;
    if (!o && a[1] == '-') {
        const cli_option *like = nearest(c, a + 2);
        return cli_usage(c->name, "%s: no such option; the nearest is --%.*s", a, name_bytes(like), like->name);
    }
    if (!o) return cli_usage(c->name, "%s: no such option; `saint %s --help` shows them", a, c->name);
    const int n = name_bytes(o);
    if (o->flag) {
        if (value) return cli_usage(c->name, "--%.*s takes no value", n, o->name);
        *o->flag = true;
        return -1;
    }
    *used = !value && next;
    if (*used) value = next;
    if (!value || (!*value && strcmp(o->value, "TEXT") != 0)) return cli_usage(c->name, "--%.*s needs a value: %s", n, o->name, o->value);
    size_t bytes = strlen(value);
    if (bytes > VALUE_MAX_BYTES && strcmp(o->value, "TEXT") != 0)
        return cli_usage(c->name, "--%.*s: expected %s of at most %d bytes, found %zu", n, o->name, o->value, (int)VALUE_MAX_BYTES, bytes);
    if (o->text) {
        *o->text = value;
        return -1;
    }
    if (o->list->n == CLI_LIST_MAX) return cli_usage(c->name, "--%.*s: more than %d", n, o->name, CLI_LIST_MAX);
    o->list->v[o->list->n++] = value;
    return -1;
}

int cli_parse_words(const cli_command *c, int argc, char **argv, cli_list *words)
{
    bool all_words = false;
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        if (!all_words && (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0)) {
            print_help(c);
            return EXIT_DONE;
        }
        if (!all_words && (strcmp(a, "--help=man") == 0 || strcmp(a, "--help=complete") == 0)) {
            (a[7] == 'm' ? print_man : print_completion)(c);
            return EXIT_DONE;
        }
        if (words && !all_words && strcmp(a, "--") == 0) {
            all_words = true;
            continue;
        }
        if (all_words || a[0] != '-' || !a[1] || strcmp(a, "--") == 0) {
            if (!words) return cli_usage(c->name, "%s: unexpected argument; `saint %s --help` shows the options", a, c->name);
            if (words->n == CLI_LIST_MAX) return cli_usage(c->name, "more than %d arguments", CLI_LIST_MAX);
            words->v[words->n++] = a;
            continue;
        }
        bool used;
        int leave = take(c, a, i + 1 < argc ? argv[i + 1] : NULL, &used);
        if (leave >= 0) return leave;
        i += used;
    }
    return -1;
}

int cli_parse(const cli_command *c, int argc, char **argv) { return cli_parse_words(c, argc, argv, NULL); }

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
    put_utf8(text);
    putchar('\n');
    cJSON_free(text);
    return cli_close_stdout(EXIT_DONE);
}

int cli_stdout_failed(int why, int status)
{
    static bool told;
    struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};
    /* A reader that has had enough (`saint methods | head`) wants no word about it. */
    bool left = why == EPIPE || (poll(&p, 1, 0) == 1 && p.revents & POLLERR);
    if (!told && !left) fprintf(stderr, "saint: stdout: cannot be written: %s\n", why ? strerror(why) : "an earlier write failed");
    told = true;
    return status == EXIT_DONE ? EXIT_FAILED : status;
}

int cli_close_stdout(int status)
{
    errno = 0;
    return fflush(stdout) == 0 && !ferror(stdout) ? status : cli_stdout_failed(errno, status);
}
