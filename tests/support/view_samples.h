/* view_samples.h - whole pages of made-up but likely numbers, drawn by the views: for goldens, the gallery, and tests of any size. */
#ifndef SAINT_TESTS_SUPPORT_VIEW_SAMPLES_H
#define SAINT_TESTS_SUPPORT_VIEW_SAMPLES_H

#include "views/bars.h"
#include "views/field.h"
#include "views/layout.h"
#include "views/lists.h"
#include "views/photo.h"
#include "views/plot.h"
#include "views/status.h"
#include "views/strip.h"
#include "views/table.h"

enum {
    SAMPLE_GRID = 24,
    SAMPLE_PATCHES = SAMPLE_GRID * SAMPLE_GRID,
    SAMPLE_VIT = 23,
    SAMPLE_LLM = 32,
    SAMPLE_STEPS = SAMPLE_VIT + SAMPLE_LLM,
    SAMPLE_RUNS = 40
};

typedef struct {
    saint_image image; /* [owned] */
    saint_view_rect rect;
    int16_t death[SAMPLE_PATCHES]; /* step, -1 = survives */
    float score[SAMPLE_PATCHES];
    uint8_t kept[SAMPLE_PATCHES], kept_b[SAMPLE_PATCHES]; /* at `step` */
    int tokens[SAMPLE_STEPS];
    int step;
} sample;

/* Takes the picture over; the square is padded as LLaVA does it. NULL rgb: a picture that the sample draws itself. */
saint_status sample_make(sample *s, saint_image *image, saint_error *err);
void sample_free(sample *s);
/* The survivors of a step. */
void sample_at(sample *s, int step);

typedef enum { SAMPLE_NO_OVERLAY, SAMPLE_HELP, SAMPLE_PALETTE, SAMPLE_OVERLAYS } sample_overlay;

extern const saint_ui_action sample_actions[];
extern const int sample_n_actions;

/* One pane at the pen's size. */
void sample_pane(saint_ui_pen p, sample *s, saint_ui_page page, saint_ui_pane_id id, saint_ui_photo_style style, bool focus,
                 saint_error *err);
/* A table of an int per row: column 0 the row, column 1 ud[row]. */
void sample_cell(void *ud, int row, int column, char *out, size_t size, saint_ui_role *role);
int sample_compare(void *ud, int a, int b, int column, bool descending);

/* One whole screen. */
saint_status sample_page(saint_ui_pen p, sample *s, saint_ui_page page, saint_ui_photo_style style, sample_overlay overlay,
                         saint_ui_pane_id focus, saint_error *err);

#endif
