/* random.c - the baseline every pruning method has to beat.
 *
 * The rank of patch p is output p (from 0) of splitmix64 started at `seed` (Steele, Lea, Flood 2014), so a patch has the same rank
 * whatever the order of the tokens, the layer or what went before: the same seed and budget keep the same set, and a smaller budget
 * keeps a subset of a larger one. The highest ranks are dropped; equal ranks (rows without a patch of their own) by index. */
#include "select/internal.h"

static uint64_t splitmix64_output(uint64_t seed, int64_t p)
{
    uint64_t z = seed + ((uint64_t)p + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

saint_status saint_random_count(const saint_select_in *in, int *n_drop, saint_error *err)
{
    (void)err;
    *n_drop = saint_budget_drop(in);
    return SAINT_OK;
}

/* score: the top 24 bits of the rank in [0, 1), what an f32 holds; the decision uses all 64. */
saint_status saint_random_select(const saint_select_in *in, saint_select_out *out, saint_error *err)
{
    size_t n = (size_t)in->n;
    int n_drop = saint_budget_drop(in);
    saint_scratch s;
    saint_status status = saint_scratch_open(&s, 3 * saint_scratch_bytes(n, sizeof(uint64_t)), err);
    if (status != SAINT_OK) return status;
    uint64_t *rank = saint_scratch_take(&s, n, sizeof *rank), *sorted = saint_scratch_take(&s, n, sizeof *sorted);
    uint64_t *tmp = saint_scratch_take(&s, n, sizeof *tmp);
    for (int i = 0; i < in->n; i++) {
        sorted[i] = rank[i] = splitmix64_output(in->p.seed, in->patch ? in->patch[i] : i);
        out->score[i] = (float)(rank[i] >> 40) * 0x1p-24f;
    }
    saint_order_sort(sorted, tmp, in->n);
    if (n_drop > 0) {
        uint64_t last = sorted[n_drop - 1]; /* all above it go, and the first of the equal ones until the budget is met */
        int equal = n_drop;
        for (int k = 0; k < n_drop; k++) equal -= sorted[k] > last;
        for (int i = 0; i < in->n; i++)
            if (rank[i] > last || (rank[i] == last && equal-- > 0)) out->round[i] = 0;
        out->n_rounds = 1;
        if (n_drop < in->n) out->margin = (float)(last - sorted[n_drop]) * 0x1p-64f;
    }
    saint_keep_in_order(in, out);
    saint_scratch_close(&s);
    return SAINT_OK;
}
