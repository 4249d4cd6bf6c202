/* plain.c - the table for people as it is read on a terminal. See export.h. */
#include <stdio.h>
#include <string.h>

#include "export/paper.h"

enum { HEAD_LINES = 4, GAP = 2, NAME_MOST = 48 };

typedef struct {
    paper p;
    table *t;
    const export_options *o;
    bool left_out[PAPER_COLUMNS];
    int width[PAPER_COLUMNS];
    char head[PAPER_COLUMNS][HEAD_LINES][PAPER_CELL];
} plain;

static int characters(const char *text)
{
    int n = 0;
    for (size_t k; *text; text += k, n++) k = text_character(text) ? text_character(text) : 1;
    return n;
}

/* Control characters become spaces; what is longer than most ends in ".." */
static void clean(const char *text, int most, char *out, size_t size)
{
    const bool cut = characters(text) > most;
    size_t used = 0;
    for (int n = 0; *text && (!cut || n + 2 < most) && used + 8 < size; n++) {
        size_t k = text_character(text) ? text_character(text) : 1;
        if (k == 1 && ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)) out[used++] = ' ';
        else {
            memcpy(out + used, text, k);
            used += k;
        }
        text += k;
    }
    (void)snprintf(out + used, size - used, "%s", cut ? ".." : "");
}

/* The first column is marked where the row is on the front, and says no more of a twin than that it is one. */
static void cell_text(const plain *l, size_t row, size_t above, int column, char out[2 * PAPER_CELL])
{
    char value[PAPER_CELL], interval[PAPER_CELL], name[PAPER_CELL];
    paper_cell(&l->p, l->t, row, column, value, interval);
    if (column == 0) {
        clean(paper_below_partner(l->t, row, above) ? "  random twin" : value, NAME_MOST, name, sizeof name);
        (void)snprintf(out, 2 * PAPER_CELL, "%s%s", paper_is_front(l->t, row) && l->p.metric[0] ? "* " : "  ", name);
    } else {
        clean(value, NAME_MOST, name, sizeof name);
        (void)snprintf(out, 2 * PAPER_CELL, *interval ? "%s %s" : "%s", name, interval);
    }
}

/* Words of the head in lines no wider than the cells below, or than the longest word. */
static void break_head(plain *l, int column)
{
    const paper_column *c = &l->p.column[column];
    char text[PAPER_CELL];
    (void)snprintf(text, sizeof text, *c->unit ? "%s (%s)" : "%s%s", c->head, c->unit);
    int line = 0, *width = &l->width[column];
    for (const char *p = text; *p; p += strcspn(p, " "), p += *p == ' ')
        if ((int)strcspn(p, " ") > *width) *width = (int)strcspn(p, " ");
    for (const char *p = text; *p; p += strcspn(p, " "), p += *p == ' ') {
        const int n = (int)strcspn(p, " ");
        char *at = l->head[column][line];
        if (*at && (int)strlen(at) + 1 + n > *width && line + 1 < HEAD_LINES) at = l->head[column][++line];
        const size_t used = strlen(at);
        (void)snprintf(at + used, PAPER_CELL - used, "%s%.*s", used ? " " : column ? "" : "  ", n, p);
        if ((int)strlen(at) > *width) *width = (int)strlen(at);
    }
}

static int total(const plain *l)
{
    int n = 0;
    for (int c = 0; c < l->p.n; c++)
        if (!l->left_out[c]) n += l->width[c] + (c ? GAP : 0);
    return n;
}

/* Columns that other columns tell nearly as well go first. */
static void make_room(plain *l, int width)
{
    static const char *const first[] = {"method",      "gflops_total_mean", "base_p_holm", "keep_ratio_mean", "lat_mean_ms",
                                        "agreement",   "flops_ratio",       "n_done",      "base_diff",       "equiv_tok_mean"};
    for (size_t i = 0; i < sizeof first / sizeof *first && total(l) > width; i++)
        for (int c = 1; c < l->p.n; c++)
            if (strcmp(table_column_at(l->t, l->p.column[c].value)->name, first[i]) == 0) l->left_out[c] = true;
}

static void put_cell(const plain *l, int column, const char *text, text_buf *out)
{
    const int room = l->width[column] - characters(text);
    if (column) text_put(out, "  ");
    for (int i = 0; i < room && !l->p.column[column].left; i++) text_char(out, ' ');
    text_put(out, text);
    for (int i = 0; i < room && l->p.column[column].left; i++) text_char(out, ' ');
}

static void end_line(text_buf *out)
{
    while (out->n && !out->failed && out->p[out->n - 1] == ' ') out->p[--out->n] = 0;
    text_char(out, '\n');
}

/* A paragraph in lines of at most width characters; 0: one line. */
static void put_wrapped(const char *text, int width, text_buf *out)
{
    int at = 0;
    while (*text) {
        const size_t n = strcspn(text, " ");
        char word[PAPER_CELL];
        (void)snprintf(word, sizeof word, "%.*s", (int)(n < sizeof word ? n : sizeof word - 1), text);
        clean(word, PAPER_CELL, word, sizeof word);
        const int letters = characters(word);
        if (at && width && at + 1 + letters > width) {
            text_char(out, '\n');
            at = 0;
        }
        if (at) text_char(out, ' ');
        text_put(out, word);
        at += letters + (at > 0);
        text += n + (text[n] == ' ');
    }
    text_char(out, '\n');
}

void export_plain(table *t, const export_options *o, int width, text_buf *out)
{
    plain l = {.t = t, .o = o};
    char text[2 * PAPER_CELL];
    text_buf note = {0};
    paper_open(&l.p, t, o);
    l.p.mark = "with a *";
    const long method = paper_one_method(&l.p, t, o);
    for (int c = 0; c < l.p.n; c++) {
        size_t above = table_rows(t);
        l.left_out[c] = method >= 0 && paper_is_method(&l.p, t, c);
        for (size_t row = 0; row < table_rows(t); row++) {
            if (!export_wants(o, t, row)) continue;
            cell_text(&l, row, above, c, text);
            if (characters(text) > l.width[c]) l.width[c] = characters(text);
            above = row;
        }
        break_head(&l, c);
    }
    if (width > 0) make_room(&l, width);
    for (int line = 0, more = 1; line < HEAD_LINES && more; line++) {
        more = 0;
        for (int c = 0; c < l.p.n; c++) more |= line + 1 < HEAD_LINES && !l.left_out[c] && *l.head[c][line + 1];
        for (int c = 0; c < l.p.n; c++)
            if (!l.left_out[c]) put_cell(&l, c, l.head[c][line], out);
        end_line(out);
    }
    size_t above = table_rows(t);
    for (size_t row = 0; row < table_rows(t); row++) {
        if (!export_wants(o, t, row)) continue;
        for (int c = 0; c < l.p.n; c++) {
            if (l.left_out[c]) continue;
            cell_text(&l, row, above, c, text);
            put_cell(&l, c, text, out);
        }
        end_line(out);
        above = row;
    }
    paper_note(&l.p, t, o, &note);
    if (method >= 0) {
        table_cell cell = table_get(t, (size_t)method, table_find(t, "method"));
        text_put(&note, " All configurations: ");
        if (cell.kind == CELL_TEXT) text_put(&note, cell.text);
        text_char(&note, '.');
    }
    text_char(out, '\n');
    if (note.p) put_wrapped(note.p, width, out);
    out->failed = out->failed || note.failed;
    text_free(&note);
}
