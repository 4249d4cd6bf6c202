/* charts.h - the Charts page: runs of this session, or those of a sweep, as curves. */
#ifndef SAINT_APP_UI_CHARTS_H
#define SAINT_APP_UI_CHARTS_H

#include "ui/errands.h"
#include "ui/runs/live_runs.h"
#include "ui/runs/run_table.h"
#include "ui/ui.h"

typedef enum { CHARTS_SESSION, CHARTS_SWEEP } charts_source;

/* Rows of the axis chooser: four columns, then switches. */
enum { CHOOSE_X, CHOOSE_LEFT, CHOOSE_RIGHT, CHOOSE_BY, CHOOSE_LOG_X, CHOOSE_LOG_LEFT, CHOOSE_FRONT, CHOOSE_GUIDES, CHOOSE_ROWS };
enum { CHARTS_PANES = 2, CHARTS_COLUMNS = 100 };

typedef struct {
    chart_axes axes;
    bool chosen;        /* by the user: another table does not bring the default back */
    char wanted[300];   /* axes of the last session, until a table has their columns */
    double cursor;      /* x; NaN = none */
    int pick;           /* slot of the curve that Space hides; one that is not there: the first of the legend, which is drawn last */
    chart_figure figure; /* as drawn last */
    saint_ui_plot_frame frame;
} charts_pane;

struct ui_charts {
    live_runs *live;
    errands *errands;
    int now_number; /* row of the run that the live plan made last; 0 = none */

    charts_source source;
    bool source_chosen, session_stale;
    run_set *session, *shown_set; /* the rows of this picture; what data was made from */
    bool *shown;                  /* [n_rows] what the sweep's filter leaves */
    uint64_t shown_filter;        /* of which filter */
    chart_data data;
    charts_pane pane[CHARTS_PANES];
    double mark[CHARTS_PANES]; /* the live plan's own x */
    uint64_t mark_version;

    int chooser, choose_at, choose_top; /* pane, -1 = closed */
    saint_ui_field_spec choose_spec[CHOOSE_ROWS];
    saint_ui_field choose_field[CHOOSE_ROWS];
    const char *choose_name[CHARTS_COLUMNS + 1];

    bool table;
    run_table runs;

    char *preview; /* text of gnuplot; NULL = none shown */
    int preview_w, preview_h;
    bool preview_wanted;
};

extern const ui_module ui_module_charts;
extern const ui_pane ui_pane_chart, ui_pane_chart_b; /* page Charts */

/* ---- between the files of the page ---- */

/* Bring data up to date with what it is made from; cheap when nothing changed. */
void charts_refresh(ui *u);
/* Index of the curve that Space hides. */
int charts_pick(const charts_pane *p);
/* Which of the two panes has the focus, 0 when none. */
int charts_focus(const ui *u);
/* What the numbers are: "this picture, n = 1", "s2 on scenes:test, n = 200". */
void charts_origin(const ui_charts *c, char *out, size_t size);
/* Load a row into Inspect. */
void charts_load_row(ui *u, int row);
void charts_draw_chooser(ui *u, saint_ui_pen in);
bool charts_chooser_event(ui *u, const saint_ui_event *e);
void charts_chooser_open(ui *u, int pane);
/* Ask gnuplot: a file, or text for w x h cells. */
void charts_figure_file(ui *u, const char *path);
void charts_figure_text(ui *u, int w, int h);

#endif
