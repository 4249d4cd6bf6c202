/* latex.c - see export.h. */
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

static void add_row(const paper *p, table *t, size_t row, text_buf *out)
{
    char value[PAPER_CELL], interval[PAPER_CELL];
    bool front = paper_is_front(t, row);
    for (int c = 0; c < p->n; c++) {
        paper_cell(p, t, row, c, value, interval);
        text_put(out, c ? " & " : "    ");
        if (!*value) continue;
        const bool strong = front && p->column[c].strong;
        if (strong) text_put(out, p->column[c].left ? "\\textbf{" : "{\\boldmath");
        if (p->column[c].left) add_plain(out, value);
        else add_number(out, value);
        if (strong) text_char(out, '}');
        if (!*interval) continue;
        text_put(out, " {\\scriptsize ");
        add_number(out, interval);
        text_char(out, '}');
    }
    text_put(out, " \\\\\n");
}

void export_latex(table *t, const export_options *o, text_buf *out)
{
    paper p;
    text_buf note = {0};
    paper_open(&p, t, o);
    paper_note(&p, t, o, &note);
    text_put(out, "% needs \\usepackage{booktabs}, \\usepackage[T1]{fontenc} and \\usepackage{textcomp}\n"
                  "\\begin{table}\n\\centering\n\\caption{");
    if (note.p) add_plain(out, note.p);
    text_put(out, "}\n\\begin{tabular}{");
    for (int c = 0; c < p.n; c++) text_char(out, p.column[c].left ? 'l' : 'r');
    text_put(out, "}\n\\toprule\n");
    for (int c = 0; c < p.n; c++) {
        text_put(out, c ? " & " : "    ");
        add_plain(out, p.column[c].head);
        if (*p.column[c].unit) {
            text_put(out, " (");
            add_plain(out, p.column[c].unit);
            text_char(out, ')');
        }
    }
    text_put(out, " \\\\\n\\midrule\n");
    for (size_t row = 0; row < table_rows(t); row++)
        if (export_wants(o, t, row)) add_row(&p, t, row, out);
    text_put(out, "\\bottomrule\n\\end{tabular}\n\\end{table}\n");
    out->failed = out->failed || note.failed;
    text_free(&note);
}
