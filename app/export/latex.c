/* latex.c - see export.h. */
#include <stdio.h>
#include <string.h>

#include "export/paper.h"

/* Printed as it is under T1 or OT1 and any input encoding of this century; control characters become spaces. */
static void add_plain(text_buf *out, const char *text)
{
    static const struct {
        char c;
        const char *tex;
    } marks[] = {{'\\', "\\textbackslash{}"},
                 {'{', "\\{"},
                 {'}', "\\}"},
                 {'$', "\\$"},
                 {'&', "\\&"},
                 {'#', "\\#"},
                 {'%', "\\%"},
                 {'_', "\\_"},
                 {'~', "\\textasciitilde{}"},
                 {'^', "\\textasciicircum{}"},
                 {'<', "\\textless{}"},
                 {'>', "\\textgreater{}"},
                 {'|', "\\textbar{}"},
                 {'"', "\\textquotedbl{}"},
                 {'\'', "\\textquotesingle{}"},
                 {'`', "\\textasciigrave{}"},
                 {'-', "{-}"},
                 {'[', "{[}"},
                 {']', "{]}"}}; /* no ligatures; no optional argument behind a line's end */
    for (; *text; text++) {
        const char *tex = NULL;
        for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
            if (marks[i].c == *text) tex = marks[i].tex;
        if (tex) text_put(out, tex);
        else text_char(out, (unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text);
    }
}

/* A number with a minus sign of its own. */
static void add_number(text_buf *out, const char *text)
{
    text_char(out, '$');
    for (; *text; text++) text_char(out, *text);
    text_char(out, '$');
}

/* ---- narrow enough for a page ---------------------------------------------------------------------------------------------- */

/* In lines of about the same length, the unit below them. */
static void add_head(const paper_column *c, text_buf *out)
{
    size_t n = strlen(c->head), at = n, best = n;
    for (size_t i = 0; i < n && n > 10; i++) {
        size_t off = i > n / 2 ? i - n / 2 : n / 2 - i;
        if (c->head[i] == ' ' && off < best) {
            best = off;
            at = i;
        }
    }
    char first[PAPER_CELL];
    (void)snprintf(first, sizeof first, "%.*s", (int)at, c->head);
    text_put(out, c->left ? "\\shortstack[l]{" : "\\shortstack[r]{");
    add_plain(out, first);
    if (at < n) {
        text_put(out, "\\\\ ");
        add_plain(out, c->head + at + 1);
    }
    if (*c->unit) {
        text_put(out, "\\\\ (");
        add_plain(out, c->unit);
        text_char(out, ')');
    }
    text_char(out, '}');
}

typedef struct {
    const paper *p;
    bool no_method;
    size_t above; /* the row that was written last; its own number = none */
} layout;

static bool shown(const layout *l, table *t, int column) { return !l->no_method || !paper_is_method(l->p, t, column); }

/* Intervals stand below their values. */
static void add_intervals(const layout *l, table *t, size_t row, text_buf *out)
{
    char value[PAPER_CELL], interval[PAPER_CELL];
    text_put(out, " \\\\[-2pt]\n   ");
    for (int c = 0, n = 0; c < l->p->n; c++) {
        if (!shown(l, t, c)) continue;
        text_put(out, n++ ? " & " : " ");
        paper_cell(l->p, t, row, c, value, interval);
        if (!*interval) continue;
        text_put(out, "{\\tiny ");
        add_number(out, interval);
        text_char(out, '}');
    }
}

static void add_row(layout *l, table *t, size_t row, text_buf *out)
{
    char value[PAPER_CELL], interval[PAPER_CELL];
    bool front = paper_is_front(t, row), any = false;
    for (int c = 0, n = 0; c < l->p->n; c++) {
        if (!shown(l, t, c)) continue;
        paper_cell(l->p, t, row, c, value, interval);
        any = any || *interval;
        text_put(out, n++ ? " & " : "    ");
        if (!*value) continue;
        const bool strong = front && l->p->column[c].strong;
        if (strong) text_put(out, l->p->column[c].left ? "\\textbf{" : "{\\boldmath");
        if (c == 0 && paper_below_partner(t, row, l->above)) text_put(out, "\\quad random twin");
        else if (l->p->column[c].left) add_plain(out, value);
        else add_number(out, value);
        if (strong) text_char(out, '}');
    }
    if (any) add_intervals(l, t, row, out);
    text_put(out, any ? " \\\\[1pt]\n" : " \\\\\n");
    l->above = row;
}

/* A box, so that a table that is too wide all the same is scaled down instead of running off the page. */
void export_latex(table *t, const export_options *o, text_buf *out)
{
    paper p;
    text_buf note = {0};
    paper_open(&p, t, o);
    paper_note(&p, t, o, &note);
    const long method = paper_one_method(&p, t, o);
    layout l = {.p = &p, .no_method = method >= 0, .above = table_rows(t)};
    text_put(out, "% needs \\usepackage{booktabs}, \\usepackage{graphicx}, \\usepackage[T1]{fontenc} and \\usepackage{textcomp}\n"
                  "\\begin{table}\n\\centering\n\\caption{");
    if (note.p) add_plain(out, note.p);
    if (method >= 0) {
        text_put(out, " All configurations: ");
        table_cell cell = table_get(t, (size_t)method, table_find(t, "method"));
        if (cell.kind == CELL_TEXT) add_plain(out, cell.text);
        text_char(out, '.');
    }
    text_put(out, "}\n\\smallskip\n\\footnotesize\n\\setlength{\\tabcolsep}{4pt}\n\\setbox0=\\hbox{\\begin{tabular}{");
    for (int c = 0; c < p.n; c++)
        if (shown(&l, t, c)) text_char(out, p.column[c].left ? 'l' : 'r');
    text_put(out, "}\n\\toprule\n");
    for (int c = 0, n = 0; c < p.n; c++) {
        if (!shown(&l, t, c)) continue;
        text_put(out, n++ ? " & " : "    ");
        add_head(&p.column[c], out);
    }
    text_put(out, " \\\\\n\\midrule\n");
    for (size_t row = 0; row < table_rows(t); row++)
        if (export_wants(o, t, row)) add_row(&l, t, row, out);
    text_put(out, "\\bottomrule\n\\end{tabular}}\n\\ifdim\\wd0>\\linewidth\\resizebox{\\linewidth}{!}{\\box0}\\else\\box0\\fi\n\\end{table}\n");
    out->failed = out->failed || note.failed;
    text_free(&note);
}
