/* fastv.c - FastV's top-k by the attention of the last prompt token (ECCV 2024).
 *
 * score = that attention row over the image columns, mean over heads, as given. Survivors keep their old order and their position ids. The
 * row is computed after the question, so the decision belongs to that question. */
#include "select/internal.h"

saint_status saint_fastv_count(const saint_select_in *in, int *n_drop, saint_error *err)
{
    (void)err;
    *n_drop = saint_budget_drop(in);
    return SAINT_OK;
}

saint_status saint_fastv_select(const saint_select_in *in, saint_select_out *out, saint_error *err)
{
    memcpy(out->score, in->attention, (size_t)in->n * sizeof *out->score);
    return saint_drop_by_score(in, out, saint_budget_drop(in), false, false, err);
}
