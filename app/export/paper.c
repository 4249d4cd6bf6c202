/* paper.c - see paper.h. */
#include "export/paper.h"

#include <stdio.h>
#include <string.h>

/* Names of columns in table.h; those with a share are shown in percent. head NULL: the metric's own name. */
static const struct {
    const char *value, *low, *high, *head;
    double scale;
    int decimals;
    bool left;
} wanted[PAPER_COLUMNS] = {
    {"name", NULL, NULL, "configuration", 1, 0, true},
    {"method", NULL, NULL, "method", 1, 0, true},
    {"equiv_tok_mean", NULL, NULL, "tokens per LLM layer", 1, 1, false},
    {"keep_ratio_mean", NULL, NULL, "tokens left", 1, 1, false},
    {"gflops_total_mean", NULL, NULL, "cost", 1, 1, false},
    {"flops_ratio", NULL, NULL, "of unpruned", 1, 1, false},
    {"metric", "metric_ci_low", "metric_ci_high", NULL, 1, 1, false},
    {"base_diff", "base_diff_ci_low", "base_diff_ci_high", "difference to unpruned", 1, 1, false},
    {"base_p_holm", NULL, NULL, "p (Holm)", 1, 3, false},
    {"agreement", NULL, NULL, "same answer", 1, 1, false},
    {"lat_mean_ms", NULL, NULL, "latency", 1, 1, false},
    {"speedup", "speedup_ci_low", "speedup_ci_high", "speed-up", 1, 2, false},
    {"n_done", NULL, NULL, "samples", 1, 0, false},
};

/* Something to read: not empty everywhere, and of the samples not the number that the note gives. */
static bool is_worth(table *t, int column, const export_options *o)
{
    const bool counts = strcmp(table_column_at(t, column)->name, "n_done") == 0;
    for (size_t row = 0; row < table_rows(t); row++) {
        if (!export_wants(o, t, row)) continue;
        table_cell c = table_get(t, row, column);
        if (counts ? c.number != (double)table_sweep(t)->n_wanted : c.kind != CELL_EMPTY) return true;
    }
    return false;
}

static void find_metric(paper *p, table *t)
{
    int c = table_find(t, "metric_name");
    for (size_t row = 0; row < table_rows(t); row++) {
        table_cell cell = table_get(t, row, c);
        if (cell.kind != CELL_TEXT) continue;
        (void)snprintf(p->metric, sizeof p->metric, "%s", cell.text);
        for (char *q = p->metric; *q; q++)
            if (*q == '_') *q = ' ';
        return;
    }
}

void paper_open(paper *p, table *t, const export_options *o)
{
    *p = (paper){.mark = "in bold"};
    find_metric(p, t);
    for (int i = 0; i < PAPER_COLUMNS && wanted[i].value; i++) {
        int c = table_find(t, wanted[i].value);
        const table_column *col = table_column_at(t, c);
        if (!col || (col->flags & COLUMN_VARIES && !o->timing) || !is_worth(t, c, o)) continue;
        paper_column *out = &p->column[p->n++];
        bool share = strcmp(col->unit, "share") == 0, points = strcmp(col->unit, "points") == 0;
        const char *unit = share ? "%" : col->unit;
        if (share && strcmp(wanted[i].value, "base_diff") == 0) unit = "pp"; /* a difference of shares */
        if (strcmp(wanted[i].value, "equiv_tok_mean") == 0 || strcmp(wanted[i].value, "n_done") == 0) unit = ""; /* the head says it */
        const char *head = wanted[i].head ? wanted[i].head : p->metric;
        if (strcmp(wanted[i].value, "equiv_tok_mean") == 0 && !table_has_llm(t)) head = "tokens per layer";
        *out = (paper_column){.head = head,
                              .unit = unit,
                              .value = c,
                              .low = wanted[i].low ? table_find(t, wanted[i].low) : -1,
                              .high = wanted[i].high ? table_find(t, wanted[i].high) : -1,
                              .scale = share ? 100 : 1,
                              .decimals = points ? 2 : wanted[i].decimals,
                              .left = wanted[i].left,
                              .strong = strcmp(wanted[i].value, "name") == 0 || strcmp(wanted[i].value, "metric") == 0};
    }
}

static bool number_at(table *t, size_t row, int column, double *out)
{
    table_cell c = column >= 0 ? table_get(t, row, column) : (table_cell){0};
    *out = c.number;
    return c.kind != CELL_EMPTY && c.kind != CELL_TEXT;
}

void paper_cell(const paper *p, table *t, size_t row, int column, char value[PAPER_CELL], char interval[PAPER_CELL])
{
    const paper_column *c = &p->column[column];
    double x, low, high, smallest = 1;
    value[0] = interval[0] = 0;
    if (c->left) {
        table_show(t, row, c->value, value, PAPER_CELL);
        return;
    }
    if (!number_at(t, row, c->value, &x)) return;
    for (int i = 0; i < c->decimals; i++) smallest /= 10;
    bool p_value = strcmp(table_column_at(t, c->value)->name, "base_p_holm") == 0;
    if (p_value && x < smallest) (void)snprintf(value, PAPER_CELL, "< %.*f", c->decimals, smallest);
    else (void)snprintf(value, PAPER_CELL, "%.*f", c->decimals, x * c->scale);
    if (number_at(t, row, c->low, &low) && number_at(t, row, c->high, &high))
        (void)snprintf(interval, PAPER_CELL, "[%.*f, %.*f]", c->decimals, low * c->scale, c->decimals, high * c->scale);
}

bool paper_is_front(table *t, size_t row)
{
    table_cell c = table_get(t, row, table_find(t, "pareto_flops"));
    return c.kind == CELL_BOOL && c.number != 0;
}

static const sweep_trial *trial_of(const table *t, size_t row) { return &table_sweep(t)->trial[table_trial_of(t, row)]; }

bool paper_is_method(const paper *p, table *t, int column) { return strcmp(table_column_at(t, p->column[column].value)->name, "method") == 0; }

long paper_one_method(const paper *p, table *t, const export_options *o)
{
    char first[PAPER_CELL] = "", value[PAPER_CELL], interval[PAPER_CELL];
    long found = -1;
    for (int c = 0; c < p->n; c++) {
        if (!paper_is_method(p, t, c)) continue;
        for (size_t row = 0; row < table_rows(t); row++) {
            const eval_trial *x = &trial_of(t, row)->trial;
            if (x->baseline || x->twin_of >= 0 || !export_wants(o, t, row)) continue;
            paper_cell(p, t, row, c, value, interval);
            if (found >= 0 && strcmp(first, value) != 0) return -1;
            memcpy(first, value, sizeof first);
            found = (long)row;
        }
    }
    return found;
}

bool paper_below_partner(const table *t, size_t row, size_t above)
{
    const sweep_trial *x = trial_of(t, row);
    return row != above && x->trial.twin_of >= 0 && trial_of(t, above)->trial.ordinal == x->trial.twin_of;
}

static void add_word(table *t, const char *column, const char *before, const char *behind, text_buf *out)
{
    int c = table_find(t, column);
    table_cell cell = table_rows(t) ? table_get(t, 0, c) : (table_cell){0};
    if (cell.kind != CELL_TEXT) return;
    text_put(out, before);
    text_put(out, cell.text);
    text_put(out, behind);
}

static bool paper_has(const paper *p, table *t, const char *column)
{
    int c = table_find(t, column);
    for (int i = 0; i < p->n; i++)
        if (p->column[i].value == c) return true;
    return false;
}

/* Why times are missing, by the first row that says so. */
static void add_timing_note(table *t, text_buf *out)
{
    int c = table_find(t, "timing_note");
    for (size_t row = 0; row < table_rows(t); row++) {
        if (table_get(t, row, c).kind != CELL_TEXT) continue;
        text_put(out, "; ");
        text_put(out, table_get(t, row, table_find(t, "name")).text);
        text_put(out, ": ");
        text_put(out, table_get(t, row, c).text);
        return;
    }
}

static bool has_interval(const paper *p, table *t, const export_options *o)
{
    char value[PAPER_CELL], interval[PAPER_CELL];
    for (size_t row = 0; row < table_rows(t); row++)
        for (int c = 0; c < p->n && export_wants(o, t, row); c++) {
            paper_cell(p, t, row, c, value, interval);
            if (*interval) return true;
        }
    return false;
}

void paper_note(const paper *p, table *t, const export_options *o, text_buf *out)
{
    const sweep_data *s = table_sweep(t);
    add_word(t, "model", "", "", out);
    add_word(t, "dataset", " on ", "", out);
    text_format(out, " (%zu samples)", s->n_wanted);
    if (p->metric[0]) text_format(out, ", %s", p->metric);
    if (p->metric[0]) add_word(t, "parser", " read by the parser ", "", out);
    add_word(t, "compute_dtype", ", ", "", out);
    if (has_interval(p, t, o)) text_put(out, "; 95 % intervals in brackets");
    if (p->metric[0]) text_format(out, "; %s what nothing cheaper in FLOPs reaches", p->mark);
    if (s->stopped) text_format(out, "; %zu configuration%s stopped early", s->stopped, s->stopped == 1 ? "" : "s");
    if (!s->complete) text_format(out, "; NOT COMPLETE: %zu of %zu runs are done", s->done, s->units);
    const bool gpu = s->backend && strcmp(s->backend, "cpu") != 0;
    if (o->timing && paper_has(p, t, "lat_mean_ms")) add_word(t, gpu ? "device_name" : "cpu", "; timed on ", "", out);
    if (o->timing) add_timing_note(t, out);
    text_char(out, '.');
}
