/* ui_samples.h - a workbench with made-up runs of a made-up model: the state that pages draw, without a model, a thread or a clock. */
#ifndef SAINT_TESTS_SUPPORT_UI_SAMPLES_H
#define SAINT_TESTS_SUPPORT_UI_SAMPLES_H

#include "ui/extra.h"

/* The shape of LLaVA-1.5-7B. */
extern const saint_model_info ui_sample_model;
/* The plan of these settings, run: token counts by the budget or, for votes, a tenth of what is there; survivors, scores, times, statistics
 * and logits by formulas. slow: factor on all times. Owned by the caller; NULL without memory. */
saint_trace *ui_sample_trace(const saint_settings *s, const char *answer, double slow);

typedef struct {
    ui u;
    saint_ui_hit room[1 << 16];
} ui_sample;
/* Hybrid as the live plan, another one pinned, the unpruned model and random dropping beside them; all of them have run; the modules of
 * these pages are open. SAINT_MEMORY. */
saint_status ui_sample_open(ui_sample *s, saint_error *err);
void ui_sample_close(ui_sample *s);
/* Lay out and draw the panes of a page at a size; header, strip and footer stay empty. */
saint_status ui_sample_draw(ui_sample *s, saint_ui_page page, int w, int h, saint_ui_pane_id focus, saint_error *err);

#endif
