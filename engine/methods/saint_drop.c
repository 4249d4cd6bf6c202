/* saint_drop.c - SAINT's bipartite vote (arXiv 2503.11549; published code: ViT/saint/prune.py and VLM modeling_llama.py @baaff95).
 *
 * Even positions of the candidate list are a, odd ones b. c_i counts the b whose cosine to a_i reaches sim_threshold. The number to drop is
 * #{i : c_i >= K}; dropped are the a with the highest
 *     score_i = c_i * exp(gamma * (mean cosine of those c_i - sim_threshold))   when c_i > 0,   else the mean cosine over all b.
 * b is never dropped here. ViT: survivors of a come first, in descending score order, then b, and the next layer splits this order;
 * when nothing is dropped the order stays. LLM: old order. Defined where the published code is not: equal scores drop the lower index
 * first; a lone token has no b and stays. */
#include "select/internal.h"

typedef struct {
    int K;
    float gamma;
} vote_params;

static vote_params params_of(const saint_select_in *in)
{
    if (in->stage == SAINT_STAGE_VIT && in->compat & 1u << SAINT_COMPAT_VIT_DEFAULT_K_GAMMA) return (vote_params){SAINT_PUBLISHED_K, SAINT_PUBLISHED_GAMMA};
    return (vote_params){in->p.K, in->p.gamma};
}

typedef float f32x4 __attribute__((vector_size(16)));
typedef int32_t i32x4 __attribute__((vector_size(16)));

/* Votes of one row: how many of n products reach `reach`, and the sum of (product - tau) over them. Sums the excess and not the product:
 * it is small and the subtraction is exact near tau, so f32 lanes lose nothing that exp(gamma * .) could show. Vectors are spelled out
 * because compilers leave the masked sum scalar, at four times the cost. */
static int count_votes(const float *s, int n, float reach, float tau, double *excess)
{
    const f32x4 reach4 = {reach, reach, reach, reach}, tau4 = {tau, tau, tau, tau};
    i32x4 count[4] = {{0}};
    f32x4 sum[4] = {{0}};
    int j = 0, total = 0;
    for (; j + 16 <= n; j += 16)
        for (int l = 0; l < 4; l++) {
            f32x4 v;
            memcpy(&v, s + j + 4 * l, sizeof v);
            i32x4 hit = v >= reach4; /* -1 where true */
            count[l] -= hit;
            sum[l] += (f32x4)((i32x4)(v - tau4) & hit);
        }
    double x = 0;
    for (; j < n; j++)
        if (s[j] >= reach) {
            total++;
            x += (double)(s[j] - tau);
        }
    for (int l = 0; l < 4; l++)
        for (int i = 0; i < 4; i++) {
            total += count[l][i];
            x += (double)sum[l][i];
        }
    *excess = x;
    return total;
}

static float mean_product(const float *s, int n)
{
    double sum = 0;
    for (int j = 0; j < n; j++) sum += (double)s[j];
    return (float)(sum / n);
}

/* votes [n_a]; score [n_a] or NULL when only the votes are wanted. */
static saint_status vote(const saint_select_in *in, int32_t *votes, float *score, saint_error *err)
{
    int n_a = (in->n + 1) / 2, n_b = in->n / 2, ld = 2 * in->dim, block = saint_similarity_rows(n_a, n_b);
    size_t n_unit = (size_t)in->n * (size_t)in->dim, n_sim = (size_t)block * (size_t)n_b;
    saint_scratch s;
    saint_status status = saint_scratch_open(&s, saint_scratch_bytes(n_unit, sizeof(float)) + saint_scratch_bytes(n_sim, sizeof(float)) +
                                                     saint_scratch_bytes(saint_similarity_scratch(), 1), err);
    if (status != SAINT_OK) return status;
    float *unit = saint_scratch_take(&s, n_unit, sizeof *unit), *sim = saint_scratch_take(&s, n_sim, sizeof *sim);
    void *inner = saint_scratch_take(&s, saint_similarity_scratch(), 1);
    status = saint_unit_metric(in, unit, err);
    float tau = in->p.sim_threshold, reach = saint_reach(tau), gamma = params_of(in).gamma;
    for (int first = 0; status == SAINT_OK && first < n_a; first += block) {
        int rows = n_a - first < block ? n_a - first : block;
        saint_similarity(rows, n_b, in->dim, unit + (size_t)first * (size_t)ld, ld, unit + in->dim, ld, sim, n_b, inner);
        for (int i = 0; i < rows; i++) {
            const float *row = sim + (size_t)i * (size_t)n_b;
            double excess;
            int c = count_votes(row, n_b, reach, tau, &excess);
            votes[first + i] = c;
            if (score) score[first + i] = c > 0 ? (float)c * expf(gamma * (float)(excess / c)) : mean_product(row, n_b);
        }
    }
    saint_scratch_close(&s);
    return status;
}

static int enough_votes(const saint_select_in *in, const int32_t *votes)
{
    int drop = 0, n_a = (in->n + 1) / 2, K = params_of(in).K;
    for (int i = 0; i < n_a; i++) drop += votes[i] >= K;
    return drop;
}

saint_status saint_saint_drop_count(const saint_select_in *in, int *n_drop, saint_error *err)
{
    *n_drop = 0;
    if (in->n < 2) return SAINT_OK;
    saint_scratch s;
    size_t n_a = ((size_t)in->n + 1) / 2;
    saint_status status = saint_scratch_open(&s, saint_scratch_bytes(n_a, sizeof(int32_t)), err);
    if (status != SAINT_OK) return status;
    int32_t *votes = saint_scratch_take(&s, n_a, sizeof *votes);
    status = vote(in, votes, NULL, err);
    if (status == SAINT_OK) *n_drop = enough_votes(in, votes);
    saint_scratch_close(&s);
    return status;
}

/* neighbours: c_i for a; -1 and score NaN for b. */
saint_status saint_saint_drop_select(const saint_select_in *in, saint_select_out *out, saint_error *err)
{
    int n_a = (in->n + 1) / 2, n_b = in->n / 2;
    if (in->forced_drop > (n_b ? n_a : 0))
        return saint_fail(err, SAINT_INVALID, "saint_drop: of %d tokens at most the %d at even positions can go, asked to drop %d", in->n,
                          n_b ? n_a : 0, in->forced_drop);
    if (n_b == 0) { /* a lone token */
        saint_keep_in_order(in, out);
        return SAINT_OK;
    }
    saint_scratch s;
    size_t count = (size_t)n_a;
    saint_status status = saint_scratch_open(&s, 2 * saint_scratch_bytes(count, sizeof(uint64_t)) +
                                                     2 * saint_scratch_bytes(count, sizeof(int32_t)), err);
    if (status != SAINT_OK) return status;
    uint64_t *key = saint_scratch_take(&s, count, sizeof *key), *tmp = saint_scratch_take(&s, count, sizeof *tmp);
    int32_t *votes = saint_scratch_take(&s, count, sizeof *votes);
    float *score = saint_scratch_take(&s, count, sizeof *score);
    status = vote(in, votes, score, err);
    if (status == SAINT_OK) {
        int drop = in->forced_drop >= 0 ? in->forced_drop : enough_votes(in, votes);
        for (int i = 0; i < n_a; i++) {
            out->score[2 * i] = score[i];
            out->neighbours[2 * i] = votes[i];
            key[i] = saint_order_key(score[i], 2 * i);
        }
        saint_order_sort(key, tmp, n_a);
        for (int k = 0; k < drop; k++) out->round[saint_order_index(key[k])] = 0;
        out->n_rounds = drop > 0;
        out->margin = saint_order_margin(key, n_a, drop, out->score);
        if (in->stage == SAINT_STAGE_VIT && drop > 0) {
            for (int k = drop; k < n_a; k++) out->kept[out->n_keep++] = saint_order_index(key[k]);
            for (int j = 0; j < n_b; j++) out->kept[out->n_keep++] = 2 * j + 1;
        } else {
            saint_keep_in_order(in, out);
        }
    }
    saint_scratch_close(&s);
    return status;
}
