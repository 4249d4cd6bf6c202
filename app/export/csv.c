/* csv.c - see export.h. */
#include <stdlib.h>
#include <string.h>

#include "export/export.h"

/* Full-width forms of = + - @, which spreadsheets of some languages take for these. */
static const char *const wide[] = {"\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0"};

static bool is_number(const char *text)
{
    char *end;
    if (strspn(text, "+-.0123456789eE") != strlen(text)) return false; /* no hexadecimal, no inf, no white space */
    (void)strtod(text, &end);
    return end != text && *end == 0;
}

static bool would_run(const char *text)
{
    if (!*text || (strchr("=+-@\t\r", text[0]) == NULL && (text[0] & 0x80) == 0)) return false;
    bool marked = (text[0] & 0x80) == 0;
    for (size_t i = 0; i < sizeof wide / sizeof *wide && !marked; i++) marked = strncmp(text, wide[i], strlen(wide[i])) == 0;
    return marked && !is_number(text);
}

static void add_text(text_buf *out, const char *text)
{
    bool guard = text[0] == '\'' || would_run(text), quote = strpbrk(text, ",\"\n\r") != NULL;
    if (quote) text_char(out, '"');
    if (guard) text_char(out, '\'');
    for (const char *p = text; *p; p++) {
        if (*p == '"') text_char(out, '"');
        text_char(out, *p);
    }
    if (quote) text_char(out, '"');
}

static void add_cell(text_buf *out, const table_cell *c)
{
    switch (c->kind) {
    case CELL_TEXT: add_text(out, c->text); break;
    case CELL_SINGLE: text_single(out, (float)c->number); break;
    case CELL_BOOL:
    case CELL_INTEGER:
    case CELL_NUMBER: text_number(out, c->number); break;
    case CELL_EMPTY: break;
    }
}

static bool is_left_out(const table_column *c, const export_options *o) { return c->flags & COLUMN_VARIES && !o->timing; }

void export_csv(table *t, const export_options *o, text_buf *out)
{
    bool first = true;
    for (int c = 0; c < table_columns(t); c++) {
        if (is_left_out(table_column_at(t, c), o)) continue;
        if (!first) text_char(out, ',');
        add_text(out, table_column_at(t, c)->name);
        first = false;
    }
    text_char(out, '\n');
    for (size_t row = 0; row < table_rows(t); row++) {
        if (!export_wants(o, t, row)) continue;
        first = true;
        for (int c = 0; c < table_columns(t); c++) {
            if (is_left_out(table_column_at(t, c), o)) continue;
            if (!first) text_char(out, ',');
            table_cell cell = table_get(t, row, c);
            add_cell(out, &cell);
            first = false;
        }
        text_char(out, '\n');
    }
}
