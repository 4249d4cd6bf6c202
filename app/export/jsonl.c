/* jsonl.c - see export.h. */
#include <string.h>

#include "export/export.h"
#include "export/json_text.h"

static void add_cell(text_buf *out, const table_cell *c)
{
    switch (c->kind) {
    case CELL_TEXT: json_text(out, c->text); break;
    case CELL_BOOL: text_put(out, c->number != 0 ? "true" : "false"); break;
    case CELL_SINGLE: text_single(out, (float)c->number); break;
    case CELL_INTEGER:
    case CELL_NUMBER: text_number(out, c->number); break;
    case CELL_EMPTY: text_put(out, "null"); break;
    }
}

void export_jsonl(table *t, const export_options *o, text_buf *out)
{
    for (size_t row = 0; row < table_rows(t); row++) {
        if (!export_wants(o, t, row)) continue;
        text_char(out, '{');
        for (int c = 0, n = 0; c < table_columns(t); c++) {
            if (table_column_at(t, c)->flags & COLUMN_VARIES && !o->timing) continue;
            table_cell cell = table_get(t, row, c);
            if (cell.kind == CELL_EMPTY) continue;
            if (n++) text_put(out, ", ");
            json_text(out, table_column_at(t, c)->name);
            text_put(out, ": ");
            add_cell(out, &cell);
        }
        text_put(out, "}\n");
    }
}
