/* filter.h - an expression over the rows of a table: `acc>=0.58 && keep_num<400`.
 *
 *   any of     a || b          (or)                  value     a number, 'text', "text", a column, a bare word beside a text column
 *   all of     a && b          (and)                 column    every name of the table (table_find), short words too
 *   not        !a              (not)                 alone     a column alone is true when it is yes, not 0 or not ""
 *   compare    a < <= > >= == != b                   empty     a cell without a value makes every comparison false, but == "" true
 *   contains   a ~ b           (upper or lower case alike, ASCII)
 *
 * Texts compare by bytes; a number and a text by what they look like written. */
#ifndef SAINT_APP_EXPORT_FILTER_H
#define SAINT_APP_EXPORT_FILTER_H

#include "export/table.h"

typedef struct filter filter;

/* Read an expression for a table; a text of nothing but spaces lets every row pass. SAINT_INVALID: where it stopped making sense and, for a
 * name that is not known, the nearest one. SAINT_MEMORY. */
saint_status filter_parse(const char *text, const table *t, filter **out, saint_error *err);
/* t: the table of filter_parse, or another one made from the same sweep by the same function. f NULL: every row passes. */
bool filter_pass(const filter *f, table *t, size_t row);
void filter_free(filter *f); /* NULL is allowed */

#endif
