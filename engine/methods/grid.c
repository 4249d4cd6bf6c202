/* grid.c - an evenly spread set of patches, whatever the picture shows.
 *
 * Patch (x, y) has the rank of its cell in the Bayer matrix of ordered dithering that covers the grid, and the highest ranks are dropped.
 * At a quarter of a full grid that is every second row and column, at half of it the checkerboard, and any budget in between is spread
 * as evenly as those; a smaller budget keeps a subset of a larger one. A grid made ragged by earlier pruning keeps what is left of the
 * lowest ranks. Rows without a patch (patch < 0: text inside the image window) rank below all and go last. */
#include "select/internal.h"

enum { GRID_MAX = 4096 }; /* ranks below 2^24, exact in f32 */

static uint32_t bayer_rank(uint32_t x, uint32_t y, int bits)
{
    uint32_t rank = 0;
    for (int b = 0; b < bits; b++) rank = rank << 2 | ((x ^ y) >> b & 1) << 1 | (y >> b & 1);
    return rank;
}

saint_status saint_grid_count(const saint_select_in *in, int *n_drop, saint_error *err)
{
    (void)err;
    *n_drop = saint_budget_drop(in);
    return SAINT_OK;
}

/* score: the rank. */
saint_status saint_grid_select(const saint_select_in *in, saint_select_out *out, saint_error *err)
{
    if (in->grid_w < 1 || in->grid_h < 1 || in->grid_w > GRID_MAX || in->grid_h > GRID_MAX)
        return saint_fail(err, SAINT_INVALID, "grid: the patch grid must be 1 x 1 to %d x %d, found %d x %d", (int)GRID_MAX, (int)GRID_MAX,
                          in->grid_w, in->grid_h);
    int bits = 0, side = in->grid_w > in->grid_h ? in->grid_w : in->grid_h;
    while (1 << bits < side) bits++;
    for (int i = 0; i < in->n; i++) {
        int p = in->patch ? in->patch[i] : i;
        if (p >= in->grid_w * in->grid_h)
            return saint_fail(err, SAINT_INVALID, "grid: row %d is patch %d, but a grid of %d x %d ends at %d", i, p, in->grid_w,
                              in->grid_h, in->grid_w * in->grid_h - 1);
        out->score[i] = p < 0 ? -1.0f : (float)bayer_rank((uint32_t)(p % in->grid_w), (uint32_t)(p / in->grid_w), bits);
    }
    return saint_drop_by_score(in, out, saint_budget_drop(in), true, false, err);
}
