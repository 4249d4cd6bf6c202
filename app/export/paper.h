/* paper.h - the few columns of a table of trials that a paper shows, as texts: what Markdown, LaTeX and a terminal have in common. */
#ifndef SAINT_APP_EXPORT_PAPER_H
#define SAINT_APP_EXPORT_PAPER_H

#include "export/export.h"

enum { PAPER_COLUMNS = 16, PAPER_CELL = 160 };

typedef struct {
    const char *head, *unit; /* unit "" = none */
    int value, low, high;    /* columns of the table; low, high -1 = no interval */
    double scale;
    int decimals;
    bool left;   /* text: aligned left */
    bool strong; /* in bold where the row is on the front */
} paper_column;

typedef struct {
    paper_column column[PAPER_COLUMNS];
    int n;
    char metric[64];  /* what column "metric" of the table is called here */
    const char *mark; /* how the front is shown: "in bold" */
} paper;

/* The columns that have a value in some row. */
void paper_open(paper *p, table *t, const export_options *o);
/* Value and interval of a cell; "" = none. */
void paper_cell(const paper *p, table *t, size_t row, int column, char value[PAPER_CELL], char interval[PAPER_CELL]);
/* On the Pareto front of FLOPs. */
bool paper_is_front(table *t, size_t row);
/* Whether a column of the paper is that of the methods. */
bool paper_is_method(const paper *p, table *t, int column);
/* A row whose method all configurations have, so that it is enough to say it once; -1: they have several, or there is none. */
long paper_one_method(const paper *p, table *t, const export_options *o);
/* The row is the random twin of the one above: it needs no longer name than that. */
bool paper_below_partner(const table *t, size_t row, size_t above);
/* "models/x on scenes (24 samples), accuracy read by lmms; 95 % intervals; ..." */
void paper_note(const paper *p, table *t, const export_options *o, text_buf *out);

#endif
