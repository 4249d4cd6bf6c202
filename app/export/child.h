/* child.h - a gnuplot child that lives from figure to figure and is not trusted with anything (terminal.md 3.3).
 *
 * It is started without a shell, without start-up files, with a clean environment, in an empty folder of its own, with limits on memory and
 * time. It never opens a file of ours: what it draws comes back through a pipe. Whatever does not behave is killed and started again.
 *
 * What a script may hold: our own words, numbers by child_number, and texts by child_quote. Nothing else: double quotes run back-ticks,
 * `plot '< x'` runs x, and a data block can be ended from inside. */
#ifndef SAINT_APP_EXPORT_CHILD_H
#define SAINT_APP_EXPORT_CHILD_H

#include "export/text.h"

typedef struct gnuplot gnuplot;

/* Start the child. program NULL: gnuplot from PATH. SAINT_UNSUPPORTED: it is not installed, and how to get it. SAINT_IO. */
saint_status gnuplot_open(gnuplot **out, const char *program, saint_error *err);
void gnuplot_close(gnuplot *g); /* NULL is allowed */
/* "5.4 patchlevel 4" */
const char *gnuplot_version(const gnuplot *g);
bool gnuplot_has_terminal(const gnuplot *g, const char *name);

/* Run a script that begins with its own `set terminal`; what it wrote to its output is *out [*n], malloc'ed with a 0 behind it. At most
 * limit_ms and 64 MiB. SAINT_INVALID: gnuplot reported an error, in its words. SAINT_IO: it died or did not answer; the next call starts
 * another one. */
saint_status gnuplot_run(gnuplot *g, const text_buf *script, int limit_ms, char **out, size_t *n, saint_error *err);

/* 'text' as an expression that gives it as it is, but control characters as spaces and broken UTF-8 as ?: the only way in which a text gets
 * into a script. A ' is "\047", joined on. */
void child_quote(text_buf *script, const char *text);
/* %.17g, or NaN. */
void child_number(text_buf *script, double x);
/* $name << END ... END around lines of numbers, with an end that nobody can guess: name is one of our own words. */
typedef struct {
    char end[40];
} child_block;
saint_status child_block_open(child_block *b, text_buf *script, const char *name, saint_error *err);
void child_block_close(const child_block *b, text_buf *script);

#endif
