/* iterative.c - SAINT's fixed budget over the full graph (published code: VLM/saint/prune.py iterative_drop_full_graph @baaff95).
 *
 * While more candidates are left than the budget: score_i = sum of cosines of i to all that are left (itself included), and the
 * min(n - keep, n / r) highest go. compat overwrite_r: the divisor becomes the size of the last step, as published
 * (36, 15, 35, 14, ... for 576 -> 375 at r = 16). Defined where the published code is not: n / r = 0 drops one (it divides by zero),
 * equal scores drop the lower index first.
 *
 * The sum of a row of the Gram matrix is the product of the token with the sum of all tokens left, so no N x N matrix is needed: O(N dim)
 * a round in doubles, closer to the exact sum than adding up f32 products. The cosine of a token to itself counts as exactly 1 (0 for a
 * zero row), not as the squared length that f32 left it with: two last tokens tie, as they should. */
#include "select/internal.h"

saint_status saint_iterative_count(const saint_select_in *in, int *n_drop, saint_error *err)
{
    (void)err;
    *n_drop = saint_budget_drop(in);
    return SAINT_OK;
}

static double dot_of(const float *unit, const double *x, int dim)
{
    double lane[8] = {0}, tail = 0;
    int d = 0;
    for (; d + 8 <= dim; d += 8)
        for (int l = 0; l < 8; l++) lane[l] += (double)unit[d + l] * x[d + l];
    for (; d < dim; d++) tail += (double)unit[d] * x[d];
    return ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7])) + tail;
}

/* What the squared length of a unit row lacks of 1; 0 for a zero row. */
static double self_error(const float *unit, int dim)
{
    double square = 0;
    for (int d = 0; d < dim; d++) square += (double)unit[d] * (double)unit[d];
    return square > 0 ? 1.0 - square : 0.0;
}

static void add_row(double *sum, const float *unit, int dim, double sign)
{
    for (int d = 0; d < dim; d++) sum[d] += sign * (double)unit[d];
}

/* score: of the round in which a token went, or of the last round for survivors; NaN when no round was needed. margin: the smallest of
 * all rounds, because each of them decides the next. */
saint_status saint_iterative_select(const saint_select_in *in, saint_select_out *out, saint_error *err)
{
    int to_drop = saint_budget_drop(in), n_left = in->n, divisor = in->p.r;
    size_t n = (size_t)in->n, dim = (size_t)in->dim;
    saint_scratch s;
    saint_status status =
        saint_scratch_open(&s, saint_scratch_bytes(n * dim, sizeof(float)) + saint_scratch_bytes(dim, sizeof(double)) +
                                   saint_scratch_bytes(n, sizeof(double)) + 2 * saint_scratch_bytes(n, sizeof(uint64_t)) +
                                   saint_scratch_bytes(n, sizeof(int32_t)), err);
    if (status != SAINT_OK) return status;
    float *unit = saint_scratch_take(&s, n * dim, sizeof *unit);
    double *sum = saint_scratch_take(&s, dim, sizeof *sum), *self = saint_scratch_take(&s, n, sizeof *self);
    uint64_t *key = saint_scratch_take(&s, n, sizeof *key), *tmp = saint_scratch_take(&s, n, sizeof *tmp);
    int32_t *left = saint_scratch_take(&s, n, sizeof *left);
    status = saint_unit_metric(in, unit, err);
    if (status == SAINT_OK) {
        memset(sum, 0, dim * sizeof *sum);
        for (int i = 0; i < in->n; i++) {
            left[i] = i;
            self[i] = self_error(unit + (size_t)i * dim, in->dim);
            add_row(sum, unit + (size_t)i * dim, in->dim, 1.0);
        }
        while (to_drop > 0) {
            int step = n_left / divisor;
            if (step < 1) step = 1;
            if (step > to_drop) step = to_drop;
            for (int k = 0; k < n_left; k++) {
                int i = left[k];
                out->score[i] = (float)(dot_of(unit + (size_t)i * dim, sum, in->dim) + self[i]);
                key[k] = saint_order_key(out->score[i], i);
            }
            saint_order_sort(key, tmp, n_left);
            out->margin = fminf(out->margin, saint_order_margin(key, n_left, step, out->score));
            for (int k = 0; k < step; k++) {
                int i = saint_order_index(key[k]);
                out->round[i] = (int16_t)out->n_rounds;
                add_row(sum, unit + (size_t)i * dim, in->dim, -1.0);
            }
            int m = 0;
            for (int k = 0; k < n_left; k++)
                if (out->round[left[k]] < 0) left[m++] = left[k];
            n_left = m;
            to_drop -= step;
            out->n_rounds++;
            if (in->compat & 1u << SAINT_COMPAT_OVERWRITE_R) divisor = step;
        }
        saint_keep_in_order(in, out);
    }
    saint_scratch_close(&s);
    return status;
}
