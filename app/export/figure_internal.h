/* figure_internal.h - what is drawn (figure_data.c), as a script (figure.c). */
#ifndef SAINT_APP_EXPORT_FIGURE_INTERNAL_H
#define SAINT_APP_EXPORT_FIGURE_INTERNAL_H

#include "export/filter.h"
#include "export/gnuplot.h"
#include "export/table.h"

enum { FIGURE_SERIES = 24, FIGURE_NAME = 128, FIGURE_CATEGORIES = 40 };

typedef struct {
    double x, y, low, high; /* low, high NaN = no interval */
    size_t row;
    bool partial; /* not all samples yet */
} figure_point;

typedef enum { SERIES_METHOD, SERIES_TWIN, SERIES_BASELINE } series_kind;

typedef struct {
    char name[FIGURE_NAME];
    series_kind kind;
    figure_point *point; /* owned */
    int n;
} figure_series;

typedef struct {
    char label[FIGURE_NAME];                       /* with unit */
    char category[FIGURE_CATEGORIES][FIGURE_NAME]; /* of a column of texts, numbered from 0 */
    int n_categories;
} figure_axis;

typedef struct {
    figure_series series[FIGURE_SERIES];
    int n;
    figure_axis x, y;
    char title[2 * FIGURE_NAME];
    figure_point base;   /* the unpruned model; y NaN = none */
    figure_point *front; /* [n_front] by x; owned */
    int n_front;
    bool scattered;          /* points of a sample of settings: hardly two of them differ in x alone, so no line joins them */
    bool fast_x;             /* more is better on the x axis too: the front runs the other way */
    double vit_end, llm_end; /* layers: where the axes end, half a layer behind the last; 0 = no such panel */
} figure_data;

/* Points of a figure of the kinds PARETO and CURVE. SAINT_INVALID as figure_write. */
saint_status figure_points(table *t, const figure_options *o, figure_data *out, saint_error *err);
/* Lines of LAYERS: series 2 i in the ViT and 2 i + 1 in the LLM of the same trial, which may be empty. */
saint_status figure_layers(table *t, const figure_options *o, figure_data *out, saint_error *err);
void figure_free(figure_data *d);

/* inside figure_*.c */
/* Whether a row is drawn at all. */
bool figure_wants(table *t, size_t row, const figure_options *o, const filter *where);
figure_series *figure_series_of(figure_data *d, const char *name, series_kind kind, saint_error *err); /* NULL: too many */
saint_status figure_add_point(figure_series *s, const figure_point *p, saint_error *err);
void figure_title(table *t, const char *ending, char *out, size_t size);

#endif
