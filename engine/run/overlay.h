/* overlay.h - the photo once per prune site, with the patches that are gone dimmed: what `saint run --overlay` writes. */
#ifndef SAINT_RUN_OVERLAY_H
#define SAINT_RUN_OVERLAY_H

#include "formats/preprocess.h"

typedef struct {
    const char *title;   /* printable ASCII, drawn under the panel; cut with "..." after two lines; NULL: none */
    const uint8_t *kept; /* [grid_h, grid_w] row-major, 0 = dropped; NULL: all kept */
    const float *heat;   /* [grid_h, grid_w] 0..1, tints the patches; NULL: none */
} saint_overlay_panel;

/* Draw n_panels panels in rows onto *out (made here, owned by the caller, at most about 2000 pixels wide). rect is where saint_preprocess
 * says the network's square lies on the photo; it is cut into grid_w x grid_h patches. Padding that the network sees beside the photo is
 * hatched, parts of the photo that a centre crop hides are faded. SAINT_INVALID for an impossible grid, rect or number of panels. */
saint_status saint_overlay_draw(const saint_image *photo, saint_view_rect rect, int grid_w, int grid_h, const saint_overlay_panel *panels,
                                int n_panels, saint_image *out, saint_error *err);

#endif
