/* evit.c - EViT's top-k by class-token attention (ICLR 2022), without training and without its fused token.
 *
 * score = attention of the class token, mean over heads, as given. Survivors are in descending score order, as published. keep_ratio
 * rounds up, as published. */
#include "select/internal.h"

saint_status saint_evit_count(const saint_select_in *in, int *n_drop, saint_error *err)
{
    (void)err;
    *n_drop = saint_budget_drop(in);
    return SAINT_OK;
}

saint_status saint_evit_select(const saint_select_in *in, saint_select_out *out, saint_error *err)
{
    memcpy(out->score, in->attention, (size_t)in->n * sizeof *out->score);
    int n_drop = saint_budget_drop(in);
    /* Nothing to choose: the published code leaves the block alone, order included. */
    return saint_drop_by_score(in, out, n_drop, false, n_drop > 0, err);
}
