/* tome.c - ToMe's bipartite soft matching (ICLR 2023).
 *
 * Even positions of the whole sequence, prefix rows counted, are a, odd ones b; prefix rows (class, distillation token) neither merge
 * nor are merged into. score_i = highest cosine of a_i to a b, the first of equals its partner; the r = n - keep tokens of a with the
 * highest score, at most half of the candidates, merge into their partners as means weighted by `size` (the caller does the arithmetic from
 * out->merge). Order: what is left of a, then b; a is in its old order when there is a class token and in descending score order
 * otherwise, as published; r = 0 leaves the old order. Equal scores merge the lower index first. */
#include "select/internal.h"

saint_status saint_tome_count(const saint_select_in *in, int *n_drop, saint_error *err)
{
    (void)err;
    int r = saint_budget_drop(in), most = in->n / 2;
    *n_drop = r < most ? r : most;
    return SAINT_OK;
}

/* partner[i], score[i] for the n_a rows of a. */
static saint_status match(const saint_select_in *in, int first_a, int n_a, int n_b, int32_t *partner, float *score, saint_error *err)
{
    int ld = 2 * in->dim, first_b = 1 - first_a, block = saint_similarity_rows(n_a, n_b);
    size_t n_unit = (size_t)in->n * (size_t)in->dim, n_sim = (size_t)block * (size_t)n_b;
    saint_scratch s;
    saint_status status = saint_scratch_open(&s, saint_scratch_bytes(n_unit, sizeof(float)) + saint_scratch_bytes(n_sim, sizeof(float)) +
                                                     saint_scratch_bytes(saint_similarity_scratch(), 1), err);
    if (status != SAINT_OK) return status;
    float *unit = saint_scratch_take(&s, n_unit, sizeof *unit), *sim = saint_scratch_take(&s, n_sim, sizeof *sim);
    void *inner = saint_scratch_take(&s, saint_similarity_scratch(), 1);
    status = saint_unit_metric(in, unit, err);
    for (int first = 0; status == SAINT_OK && first < n_a; first += block) {
        int rows = n_a - first < block ? n_a - first : block;
        saint_similarity(rows, n_b, in->dim, unit + (size_t)first_a * (size_t)in->dim + (size_t)first * (size_t)ld, ld,
                         unit + (size_t)first_b * (size_t)in->dim, ld, sim, n_b, inner);
        for (int i = 0; i < rows; i++) {
            const float *row = sim + (size_t)i * (size_t)n_b;
            int best = 0;
            for (int j = 1; j < n_b; j++)
                if (row[j] > row[best]) best = j;
            partner[first + i] = first_b + 2 * best;
            score[first + i] = row[best];
        }
    }
    saint_scratch_close(&s);
    return status;
}

saint_status saint_tome_select(const saint_select_in *in, saint_select_out *out, saint_error *err)
{
    int first_a = in->n_prefix & 1, n_a = (in->n + 1 - first_a) / 2, n_b = in->n - n_a, r = 0;
    if (in->forced_drop > in->n / 2)
        return saint_fail(err, SAINT_INVALID, "tome: of %d tokens at most %d can merge in one call, asked for %d", in->n, in->n / 2,
                          in->forced_drop);
    saint_tome_count(in, &r, NULL);
    if (r == 0) {
        saint_keep_in_order(in, out);
        return SAINT_OK;
    }
    saint_scratch s;
    size_t count = (size_t)n_a;
    saint_status status = saint_scratch_open(&s, 2 * saint_scratch_bytes(count, sizeof(uint64_t)) +
                                                     2 * saint_scratch_bytes(count, sizeof(int32_t)), err);
    if (status != SAINT_OK) return status;
    uint64_t *key = saint_scratch_take(&s, count, sizeof *key), *tmp = saint_scratch_take(&s, count, sizeof *tmp);
    int32_t *partner = saint_scratch_take(&s, count, sizeof *partner);
    float *score = saint_scratch_take(&s, count, sizeof *score);
    status = match(in, first_a, n_a, n_b, partner, score, err);
    if (status == SAINT_OK) {
        for (int i = 0; i < n_a; i++) {
            int token = first_a + 2 * i;
            out->score[token] = score[i];
            key[i] = saint_order_key(score[i], token);
        }
        saint_order_sort(key, tmp, n_a);
        for (int k = 0; k < r; k++) {
            int token = saint_order_index(key[k]);
            out->round[token] = 0;
            out->merge[out->n_merge++] = (saint_merge){token, partner[token / 2]};
        }
        out->n_rounds = 1;
        out->margin = saint_order_margin(key, n_a, r, out->score);
        for (int i = 0; i < n_a; i++) { /* ranked or old order, see above */
            int token = in->n_prefix ? first_a + 2 * i : saint_order_index(key[i]);
            if (out->round[token] < 0) out->kept[out->n_keep++] = token;
        }
        for (int j = 0; j < n_b; j++) out->kept[out->n_keep++] = 1 - first_a + 2 * j;
    }
    saint_scratch_close(&s);
    return status;
}
