/* chart_draw.h - a chart with its legend, and the line that reads its cursor. */
#ifndef SAINT_APP_UI_CHART_DRAW_H
#define SAINT_APP_UI_CHART_DRAW_H

#include "ui/runs/chart.h"

/* Draw in the pen's area; the curves whose slots are set in `hidden` are greyed in the legend, the one with index pick is underlined
 * (-1 = none). Places for the mouse: `plot` over everything, `legend` with the index of a curve (0: none of both). */
void chart_draw(saint_ui_pen p, const chart_figure *f, uint32_t hidden, int pick, int plot, int legend, saint_ui_plot_frame *frame);
/* "run 3 at 145   accuracy 0.739 [0.514, 0.964] n = 23   random drop 0.583": what stands at the cursor, no more; "" without one. */
void chart_readout(const chart_data *d, const chart_figure *f, char *out, size_t size);

#endif
