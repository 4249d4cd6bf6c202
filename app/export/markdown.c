/* markdown.c - see export.h. */
#include <string.h>

#include "export/paper.h"

/* What Markdown or a pipe table would take for its own; control characters become spaces. */
static void add_plain(text_buf *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("\\`*_{}[]<>#!|~&$", *text)) text_char(out, '\\');
        text_char(out, (unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text);
    }
}

static void add_row(const paper *p, table *t, size_t row, text_buf *out)
{
    char value[PAPER_CELL], interval[PAPER_CELL];
    const bool front = paper_is_front(t, row);
    for (int c = 0; c < p->n; c++) {
        const char *bold = front && p->column[c].strong ? "**" : "";
        paper_cell(p, t, row, c, value, interval);
        text_put(out, "| ");
        if (*value) text_put(out, bold);
        add_plain(out, value);
        if (*value) text_put(out, bold);
        if (*interval) {
            text_char(out, ' ');
            add_plain(out, interval);
        }
        text_char(out, ' ');
    }
    text_put(out, "|\n");
}

void export_markdown(table *t, const export_options *o, text_buf *out)
{
    paper p;
    paper_open(&p, t, o);
    for (int c = 0; c < p.n; c++) {
        text_put(out, "| ");
        add_plain(out, p.column[c].head);
        if (*p.column[c].unit) text_format(out, " (%s)", p.column[c].unit);
        text_char(out, ' ');
    }
    text_put(out, "|\n");
    for (int c = 0; c < p.n; c++) text_put(out, p.column[c].left ? "| :-- " : "| --: ");
    text_put(out, "|\n");
    for (size_t row = 0; row < table_rows(t); row++)
        if (export_wants(o, t, row)) add_row(&p, t, row, out);
    text_buf note = {0};
    paper_note(&p, t, o, &note);
    text_char(out, '\n');
    if (note.p) add_plain(out, note.p);
    out->failed = out->failed || note.failed;
    text_free(&note);
    text_char(out, '\n');
}
