/* saint plot: figures of a sweep, for a paper or for the terminal. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "export/export.h"
#include "export/gnuplot.h"

typedef struct {
    const char *folder, *kind, *size, *out;
    figure_options figure;
} options;

static bool read_kind(const char *name, figure_kind *kind)
{
    static const char *const names[] = {"pareto", "curve", "layers"};
    for (int i = 0; name && i < 3; i++)
        if (strcmp(names[i], name) == 0) {
            *kind = (figure_kind)i;
            return true;
        }
    return name == NULL;
}

static bool read_size(const char *text, int *w, int *h)
{
    int end = 0;
    enum { LEAST = 200, MOST = 10000 };
    if (!text) return true;
    return sscanf(text, "%5dx%5d%n", w, h, &end) == 2 && !text[end] && *w >= LEAST && *w <= MOST && *h >= LEAST && *h <= MOST;
}

/* The preview leaves the line of the next prompt free. */
static void terminal_size(int *w, int *h)
{
    struct winsize size = {0};
    *w = 80;
    *h = 24;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
        *w = size.ws_col;
        *h = size.ws_row - 1;
    }
    *w = *w > 250 ? 250 : *w;
    *h = *h > 100 ? 100 : *h;
}

static saint_status preview(const options *o, const sweep_data *s, saint_error *err)
{
    char *text;
    int w, h;
    terminal_size(&w, &h);
    saint_status st = figure_text(s, &o->figure, w, h, &text, err);
    if (st == SAINT_OK) fputs(text, stdout);
    free(text);
    return st;
}

static int run(const options *o)
{
    saint_error e = {0};
    sweep_data *s = NULL;
    /* A name that cannot be written should not cost the reading of a large sweep. */
    saint_status st = o->out ? figure_ending(o->out, &e) : SAINT_OK;
    if (st == SAINT_OK) st = export_open(o->folder, true, &s, &e);
    if (st == SAINT_OK && !s->dataset) {
        char note[256];
        (void)snprintf(note, sizeof note, "%.160s is no longer there: no scores, questions or answers to compare with", s->data ? s->data : "the data set");
        cli_note("plot", note);
    }
    if (st == SAINT_OK) st = o->out ? figure_write(s, &o->figure, o->out, &e) : preview(o, s, &e);
    sweep_free(s);
    return st == SAINT_OK ? cli_close_stdout(EXIT_DONE) : cli_fail("plot", st, &e);
}

int cmd_plot(int argc, char **argv)
{
    options o = {0};
    cli_list words = {0};
    const cli_option table_of_options[] = {
        {"kind", "NAME", "pareto (default): cost against score; curve: score along a parameter; layers: tokens left behind every layer",
         NULL, &o.kind, NULL},
        {"x", "COL", "column of the table of `saint export`; default: gflops_total_mean (pareto), the first swept parameter (curve)", NULL,
         &o.figure.x, NULL},
        {"y", "COL", "column; default: the metric of the data set", NULL, &o.figure.y, NULL},
        {"by", "COL", "column whose values become series; default: the method and what else was swept", NULL, &o.figure.by, NULL},
        {"where", "EXPR", "only rows for which this is true, such as 'keep_num>100 && !baseline'", NULL, &o.figure.where, NULL},
        {"log-x", NULL, "logarithmic x axis", &o.figure.log_x, NULL, NULL},
        {"size", "WxH", "in pixels; default 1200x800, of which a PDF has 200 to the inch", NULL, &o.size, NULL},
        {"out,o", "FILE", "name that ends in .png, .svg or .pdf; default: a preview as text", NULL, &o.out, NULL},
        {0}};
    const cli_command c = {"plot", "figures of a sweep through gnuplot",
                           "DIR [--kind pareto|curve|layers] [--x COL] [--y COL] [--by COL] [--where EXPR] [-o FILE.png|.svg|.pdf]", table_of_options};
    int leave = cli_parse_words(&c, argc, argv, &words);
    if (leave >= 0) return leave;
    if (words.n != 1) return cli_usage("plot", "expected one folder, found %d; `saint sweep --out DIR` and `saint eval --out DIR` make one", words.n);
    if (!read_kind(o.kind, &o.figure.kind)) return cli_usage("plot", "--kind %s: expected pareto, curve or layers", o.kind);
    if (!read_size(o.size, &o.figure.width, &o.figure.height))
        return cli_usage("plot", "--size %s: expected WIDTHxHEIGHT, each from 200 to 10000", o.size);
    if (o.figure.kind == FIGURE_LAYERS && (o.figure.x || o.figure.y || o.figure.by))
        return cli_usage("plot", "--x, --y and --by belong to pareto and curve; --kind layers has axes of its own");
    o.folder = words.v[0];
    return run(&o);
}
