/* hand.c - survivors chosen by hand: the marked patches that are there, in the order in which they arrive. Rows that are no patch (text inside a
 * wrong image window) stay, because nobody can have marked them. No scores, no neighbours, no margin. */
#include "select/internal.h"

static saint_status check(const saint_select_in *in, saint_error *err)
{
    if (in->hand && in->patch) return SAINT_OK;
    return saint_fail(err, SAINT_INVALID, "a selection by hand needs a list of patches and none was given");
}

static bool stays(const saint_select_in *in, int i)
{
    int32_t p = in->patch[i];
    return p < 0 || (p < in->hand_patches && in->hand[p / 64] >> (p % 64) & 1);
}

static saint_status hand_count(const saint_select_in *in, int *n_drop, saint_error *err)
{
    saint_status s = check(in, err);
    *n_drop = 0;
    for (int i = 0; s == SAINT_OK && i < in->n; i++) *n_drop += !stays(in, i);
    return s;
}

static saint_status hand_select(const saint_select_in *in, saint_select_out *out, saint_error *err)
{
    saint_status s = check(in, err);
    if (s != SAINT_OK) return s;
    for (int i = 0; i < in->n; i++) {
        if (stays(in, i)) continue;
        out->round[i] = 0;
        out->n_rounds = 1;
    }
    saint_keep_in_order(in, out);
    return SAINT_OK;
}

const saint_method saint_method_hand = {.name = "hand",
                                        .summary = "keep the tokens that were chosen by hand",
                                        .reference = "ours",
                                        .stages = 1u << SAINT_STAGE_VIT | 1u << SAINT_STAGE_LLM,
                                        .fixed_budget = true,
                                        .count = hand_count,
                                        .select = hand_select};
