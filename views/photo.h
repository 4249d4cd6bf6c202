/* photo.h - the photo in character cells, with what happened to its tokens.
 *
 * Two pixels to a cell (the upper half block), the overlay composed in RGB before the pixels become cells, so that any patch grid and any
 * scale work. Where the terminal cannot show that, one character per cell by brightness. */
#ifndef SAINT_VIEWS_PHOTO_H
#define SAINT_VIEWS_PHOTO_H

#include "engine.h"
#include "views/dither.h"
#include "views/pen.h"

typedef enum {
    SAINT_UI_PHOTO_DIM,     /* dropped patches dark and grey */
    SAINT_UI_PHOTO_OUTLINE, /* the photo as it is, a line around what is kept */
    SAINT_UI_PHOTO_HEAT,    /* tinted by `value` */
    SAINT_UI_PHOTO_DEATH,   /* dropped patches tinted by the step that dropped them */
    SAINT_UI_PHOTO_DIFF,    /* kept by both / only A / only B / neither */
    SAINT_UI_PHOTO_STYLES
} saint_ui_photo_style;

typedef struct {
    const saint_image *image; /* NULL: an empty pane saying so */
    saint_view_rect rect;     /* the network's square on the photo, as saint_preprocess gives it; all zero = the whole photo */
    bool whole;               /* show also the photo outside the square; default is what the network sees, padding hatched */
    saint_view_rect seen;     /* this part alone, from saint_ui_photo_zoom; all zero = everything */
    int grid_w, grid_h;       /* patches; 0 = only the photo */
    const uint8_t *kept;      /* [grid_h, grid_w] 1 = alive; NULL: all */
    const uint8_t *kept_b;    /* the other plan's, for SAINT_UI_PHOTO_DIFF; NULL: all */
    const float *value;       /* [grid_h, grid_w] for HEAT, NaN = none; NULL: none */
    float low, high;          /* range of value; equal = from the data */
    const int16_t *death;     /* [grid_h, grid_w] step that dropped the patch, 0..steps-1; -1 = alive */
    int steps;
    saint_ui_photo_style style;
    bool lines;   /* draw the patch grid where there is room */
    bool sharp;   /* 2 x 2 pixels per cell, two colours each */
    int cursor;   /* patch under the cursor, -1 = none */
    int n_linked; /* patches linked to the cursor's, with their similarity 0..1 */
    const int32_t *linked;
    const float *strength; /* [n_linked]; NULL: all 1 */
} saint_ui_photo;

/* The scaled photo and a copy to draw on; kept by the caller between frames so that a new mask costs no new scaling. Zeroed at first. */
typedef struct {
    int16_t patch; /* patch column or row, -1 outside the grid */
    bool photo;    /* inside the photo */
} saint_ui_photo_step;

typedef struct {
    const uint8_t *of; /* the picture it was made from: identity and size, never read */
    int of_w, of_h, w, h;
    saint_view_rect frame;
    uint8_t *scaled, *drawn;           /* [h, w, 3] */
    saint_ui_mixes *mixes;             /* where there are 256 colours */
    saint_ui_photo_step *column, *row; /* [w], [h]: what each pixel column and row shows */
} saint_ui_photo_cache;
void saint_ui_photo_cache_free(saint_ui_photo_cache *c); /* NULL is allowed */
/* Forget the pixels, for a picture that was replaced at the same address. */
void saint_ui_photo_cache_reset(saint_ui_photo_cache *c);

/* Columns and rows for a picture of width:height `aspect` in at most max_w x max_h cells; when `exact`, a size at which every patch of a
 * grid_w x grid_h grid covers whole pixels, if one fits that wastes less than a quarter of the best size. */
void saint_ui_photo_size(double aspect, int grid_w, int grid_h, int max_w, int max_h, bool exact, int *w, int *h);

/* The part of the picture to show so that a patch is `per_patch` columns wide, around (x, y) in patches, where at most max_w x max_h cells are
 * free: it fills them as far as the picture goes, and patches begin at whole pixels. Returns how many times larger that is than the whole
 * picture in the same place; 1 with *seen all zero where it would not be larger, or there is no grid. *fit (may be NULL): columns of a patch
 * when all is shown. */
double saint_ui_photo_zoom(const saint_ui_photo *photo, int max_w, int max_h, int per_patch, double x, double y, saint_view_rect *seen,
                           double *fit);

/* Draw centred in the pen's area. *where (may be NULL) is the rectangle of cells that shows the picture. cache may be NULL: it is then made
 * and freed here. Registers a hit `what` with the patch as value on every cell that shows one, when what is not 0. SAINT_MEMORY when memory
 * ends, with the pane left empty. */
saint_status saint_ui_photo_draw(saint_ui_pen p, const saint_ui_photo *photo, saint_ui_photo_cache *cache, saint_ui_rect *where,
                                 saint_error *err);
/* Patch shown at a cell of the canvas, when the picture fills `where`; -1 outside the grid. */
int saint_ui_photo_patch_at(const saint_ui_photo *photo, saint_ui_rect where, int x, int y);

/* ---- the parts, for tests and other pictures ---- */

/* Mean colour of the photo under every pixel of out [h, w, 3], seen through frame (photo coordinates, may reach outside: black). Exact area
 * average. */
void saint_ui_photo_scale(const saint_image *im, saint_view_rect frame, int w, int h, uint8_t *out);
/* rgb [2h, w, 3] to w x h cells of upper half blocks at the pen's corner. */
void saint_ui_photo_halves(saint_ui_pen p, const uint8_t *rgb, int w, int h);
/* rgb [2h, 2w, 3] to w x h cells of quarter blocks: each cell the split of its four pixels into two colours with the least error. */
void saint_ui_photo_quarters(saint_ui_pen p, const uint8_t *rgb, int w, int h);

#endif
