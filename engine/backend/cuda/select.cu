/* select.cu - who stays: scores, order and record of one prune site, for all sequences of a batch (backend/choose.h).
 *
 * The arithmetic is that of engine/select and engine/methods, sum by sum in the same order, because a list that follows from it decides all
 * later ones: unit rows by eight double sums, cosines by one fused sum over the width, votes by sixteen sums, the full graph in doubles. Two
 * things are not the same: exp() of a vote's score is computed in double and rounded, where the CPU's expf is as good but another, and a CPU
 * without fused multiply-add rounds cosines twice. Both move a score by its last bit, and a list only where two scores are that near.
 *
 * One block orders a sequence in shared memory: 64-bit keys, score above index, so that no two are equal and any sorting network gives the
 * one right order. */
#include "backend/cuda/device.cuh"

namespace {

enum { THREADS = 512, ROWS = 8, LANES = 16, COLS = 4 * LANES, STEP = 32, PITCH = STEP + 4 };

struct sequence {
    int at, n; /* first candidate row, candidates */
};

__device__ sequence sequence_of(const saint_cuda_choose_args &a, int s)
{
    int at = a.cu[s] + a.n_prefix, n = a.cu[s + 1] - at;
    n = a.window >= 0 && a.window < n ? a.window : n;
    return sequence{at, n < 0 ? 0 : n};
}

/* Even and odd tokens. ToMe counts the rows in front. */
struct halves {
    int first_a, first_b, n_a, n_b;
};

__device__ halves halves_of(const saint_cuda_choose_args &a, int n)
{
    int first = a.rule == SAINT_RULE_MATCH ? a.n_prefix & 1 : 0, n_a = (n + 1 - first) / 2;
    return halves{first, 1 - first, n_a, n - n_a};
}

/* ---- scores ---- */

__device__ bool finite(float x) { return fabsf(x) <= 3.402823466e38f; }

/* Eight lanes for a row. */
__global__ void unit_kernel(const float *x, int rows, int dim, float *unit, int32_t *bad)
{
    int row = (int)(blockIdx.x * blockDim.x + threadIdx.x) / 8, lane = (int)threadIdx.x % 8, whole = dim & ~7, wrong = 0;
    bool real = row < rows; /* lanes of no row go along, because their warp meets below */
    x += (int64_t)(real ? row : 0) * dim;
    unit += (int64_t)row * dim;
    double sum = 0, tail = 0;
    for (int d = lane; d < whole; d += 8) {
        wrong |= !finite(x[d]);
        sum += (double)x[d] * (double)x[d]; /* exact products: fused or not is the same */
    }
    for (int d = whole; d < dim; d++) {
        wrong |= !finite(x[d]);
        tail += (double)x[d] * (double)x[d];
    }
    sum += shuffle_xor(sum, 4);
    sum += shuffle_xor(sum, 1);
    sum += shuffle_xor(sum, 2);
    for (int i = 4; i > 0; i /= 2) wrong |= shuffle_xor(wrong, i);
    if (!real) return;
    double norm = sqrt(sum + tail);
    float norm32 = (float)norm;
    bool plain = norm32 >= 1.175494351e-38f && norm32 <= 3.402823466e38f;
    for (int d = lane; d < dim; d += 8) unit[d] = plain ? x[d] / norm32 : norm > 0 ? (float)((double)x[d] / norm) : 0.0f;
    if (lane == 0) bad[row] = wrong;
}

/* sim[ROWS][n_b] = cosines of the a of this block and all b: one sum for a pair, over the width in order. */
__device__ void cosines(const saint_cuda_choose_args &a, sequence q, halves h, int first, float *as, float *bs, float *sim)
{
    int r = (int)threadIdx.x / LANES, l = (int)threadIdx.x % LANES, width = (a.dim + STEP - 1) / STEP * STEP;
    const float *unit = a.unit + (int64_t)q.at * a.dim;
    for (int e = (int)threadIdx.x; e < ROWS * width; e += (int)blockDim.x) {
        int i = first + e / width, k = e % width;
        as[e] = i < h.n_a && k < a.dim ? unit[(int64_t)(h.first_a + 2 * i) * a.dim + k] : 0.0f;
    }
    for (int col = 0; col < h.n_b; col += COLS) {
        float sum[4] = {0, 0, 0, 0};
        for (int k0 = 0; k0 < width; k0 += STEP) {
            __syncthreads();
            for (int e = (int)threadIdx.x; e < COLS * STEP; e += (int)blockDim.x) {
                int j = col + e / STEP, k = k0 + e % STEP;
                bs[e / STEP * PITCH + e % STEP] = j < h.n_b && k < a.dim ? unit[(int64_t)(h.first_b + 2 * j) * a.dim + k] : 0.0f;
            }
            __syncthreads();
            for (int k = 0; k < STEP; k += 4) {
                pack<float, 4> x = *(const pack<float, 4> *)(as + r * width + k0 + k);
#pragma unroll
                for (int c = 0; c < 4; c++) {
                    pack<float, 4> y = *(const pack<float, 4> *)(bs + (l + LANES * c) * PITCH + k);
                    for (int i = 0; i < 4; i++) sum[c] = fmaf(x.v[i], y.v[i], sum[c]);
                }
            }
        }
#pragma unroll
        for (int c = 0; c < 4; c++)
            if (col + l + LANES * c < h.n_b) sim[r * h.n_b + col + l + LANES * c] = sum[c];
    }
    __syncthreads();
}

/* Votes and score of one row of cosines, from its sixteen sums. */
__device__ float vote_score(const saint_cuda_choose_args &a, const float *sim, int n_b, const int *count, const float *sum, int *votes)
{
    int c = 0;
    double excess = 0;
    for (int j = n_b & ~(LANES - 1); j < n_b; j++)
        if (sim[j] >= a.reach) {
            c++;
            excess += (double)(sim[j] - a.threshold);
        }
    for (int l = 0; l < LANES; l++) {
        c += count[l];
        excess += (double)sum[l];
    }
    *votes = c;
    if (c > 0) return (float)c * (float)exp((double)(a.gamma * (float)(excess / c)));
    double all = 0;
    for (int j = 0; j < n_b; j++) all += (double)sim[j];
    return (float)(all / n_b);
}

/* Sixteen lanes for each of eight a. Shared: the a, a tile of the b, all their cosines. */
__global__ void compare_kernel(saint_cuda_choose_args a)
{
    SAINT_SHARED(raw);
    __shared__ int count[ROWS * LANES];
    __shared__ float best[ROWS * LANES];
    sequence q = sequence_of(a, (int)blockIdx.y);
    halves h = halves_of(a, q.n);
    int first = (int)blockIdx.x * ROWS, r = (int)threadIdx.x / LANES, l = (int)threadIdx.x % LANES, i = first + r;
    if (first >= h.n_a || h.n_b == 0) return;
    float *as = (float *)raw, *bs = as + ROWS * ((a.dim + STEP - 1) / STEP * STEP), *sim = bs + COLS * PITCH, *own = sim + r * h.n_b;
    cosines(a, q, h, first, as, bs, sim);
    int token = h.first_a + 2 * i;
    if (a.rule == SAINT_RULE_VOTES) {
        int hits = 0;
        float sum = 0;
        for (int j = l; j < (h.n_b & ~(LANES - 1)); j += LANES)
            if (own[j] >= a.reach) {
                hits++;
                sum += own[j] - a.threshold;
            }
        count[threadIdx.x] = hits;
        best[threadIdx.x] = sum;
    } else {
        int at = l; /* the first of the highest */
        for (int j = l + LANES; j < h.n_b; j += LANES)
            if (own[j] > own[at]) at = j;
        count[threadIdx.x] = at;
    }
    __syncthreads();
    if (l != 0 || i >= h.n_a) return;
    if (a.rule == SAINT_RULE_VOTES) {
        int votes;
        a.record.score[q.at + token] = vote_score(a, own, h.n_b, count + r * LANES, best + r * LANES, &votes);
        a.record.neighbours[q.at + token] = votes;
        return;
    }
    int top = 0;
    for (int k = 0; k < LANES && k < h.n_b; k++) {
        int j = count[r * LANES + k];
        if (own[j] > own[top] || (own[j] == own[top] && j < top)) top = j;
    }
    a.record.score[q.at + token] = own[top];
    a.partner[q.at + token] = h.first_b + 2 * top;
}

/* ---- order ---- */

__device__ uint64_t order_key(float score, int index)
{
    score += 0.0f; /* -0 becomes +0 */
    uint32_t u;
    memcpy(&u, &score, sizeof u);
    u = u & 0x80000000u ? ~u : u | 0x80000000u;
    return (uint64_t)u << 32 | (uint32_t)~(uint32_t)index;
}

__device__ int order_index(uint64_t key) { return (int)~(uint32_t)key; }

__device__ int power_above(int n)
{
    int p = 1;
    while (p < n) p *= 2;
    return p;
}

/* Largest first; p a power of two. */
__device__ void sort_keys(uint64_t *key, int p)
{
    for (int k = 2; k <= p; k *= 2)
        for (int j = k / 2; j > 0; j /= 2) {
            __syncthreads();
            for (int t = (int)threadIdx.x; t < p / 2; t += (int)blockDim.x) {
                int i = 2 * t - (t & (j - 1));
                uint64_t x = key[i], y = key[i + j];
                if ((x < y) == ((i & k) == 0)) {
                    key[i] = y;
                    key[i + j] = x;
                }
            }
        }
    __syncthreads();
}

/* Sum of x over the threads before this one; *all over all. part has room for THREADS. */
__device__ int sum_before(int x, int *part, int *all)
{
    __syncthreads();
    part[threadIdx.x] = x;
    __syncthreads();
    for (int d = 1; d < THREADS; d *= 2) {
        int add = (int)threadIdx.x >= d ? part[threadIdx.x - d] : 0;
        __syncthreads();
        part[threadIdx.x] += add;
        __syncthreads();
    }
    *all = part[THREADS - 1];
    return part[threadIdx.x] - x;
}

/* kept[0..] = those of the tokens first, first + step, ... (n of them) that no round dropped, in order. Returns how many. */
__device__ int keep_in_order(const int32_t *round, int first, int step, int n, int32_t *kept, int *part)
{
    int each = (n + THREADS - 1) / THREADS, from = (int)threadIdx.x * each, mine = 0, all;
    __syncthreads(); /* others have written what this thread reads */
    for (int i = from; i < from + each && i < n; i++) mine += round[first + step * i] < 0;
    int at = sum_before(mine, part, &all);
    for (int i = from; i < from + each && i < n; i++)
        if (round[first + step * i] < 0) kept[at++] = first + step * i;
    return all;
}

__device__ float margin_at(const uint64_t *key, int n, int first, const float *score)
{
    if (first <= 0 || first >= n) return INFINITY;
    float a = score[order_index(key[first - 1])], b = score[order_index(key[first])];
    return a == b ? 0.0f : fabsf(a - b);
}

/* The record of one sequence, columns at its first candidate. */
struct columns {
    float *score;
    int32_t *neighbours, *round, *kept, *from, *into;
};

__device__ columns columns_of(const saint_cuda_choose_args &a, sequence q)
{
    return columns{a.record.score + q.at, a.record.neighbours + q.at, a.record.round + q.at, a.record.kept + q.at, a.record.merge_from + q.at,
                   a.record.merge_into + q.at};
}

__device__ void conclude(const saint_cuda_choose_args &a, int n_keep, int n_rounds, int n_merge, float margin, int bad_row)
{
    if (threadIdx.x) return;
    saint_choice c = {};
    c.n_keep = n_keep;
    c.n_rounds = n_rounds;
    c.n_merge = n_merge;
    c.bad_row = bad_row;
    c.margin = margin;
    a.record.choice[blockIdx.x] = c;
}

/* The first candidate that fails, -1 when none does. */
template <class F> __device__ int first_bad(int n, float *part, F fails)
{
    float first = -INFINITY; /* negated, because there is a maximum already; exact for so few tokens */
    for (int i = (int)threadIdx.x; i < n; i += (int)blockDim.x)
        if (fails(i)) first = fmaxf(first, -(float)i);
    first = block_max(first, part);
    return first == -INFINITY ? -1 : (int)-first;
}

/* ---- rules ---- */

/* How many of a sequence have votes enough. */
__device__ double enough(const saint_cuda_choose_args &a, int s)
{
    sequence q = sequence_of(a, s);
    double n = 0;
    if (q.n > 1)
        for (int i = 2 * (int)threadIdx.x; i < q.n; i += 2 * (int)blockDim.x) n += a.record.neighbours[q.at + i] >= a.K;
    return n;
}

__global__ void __launch_bounds__(THREADS) votes_kernel(saint_cuda_choose_args a)
{
    SAINT_SHARED(raw);
    __shared__ int part[THREADS];
    __shared__ double sums[32];
    __shared__ float tops[32];
    uint64_t *key = (uint64_t *)raw;
    sequence q = sequence_of(a, (int)blockIdx.x);
    halves h = halves_of(a, q.n);
    columns c = columns_of(a, q);
    int bad = first_bad(q.n, tops, [&](int i) { return a.bad[q.at + i] != 0; });
    double votes = 0;
    for (int s = 0; a.batch_mean && s < a.n_seqs; s++) votes += enough(a, s);
    if (!a.batch_mean) votes = enough(a, (int)blockIdx.x);
    votes = block_sum(votes, sums);
    int drop = h.n_b == 0 ? 0 : a.batch_mean ? (int)((int64_t)votes / a.n_seqs) : (int)votes, p = power_above(h.n_a), n_keep;
    drop = drop < h.n_a ? drop : h.n_a; /* the mean of a batch may ask for more than a short sequence has */
    for (int i = (int)threadIdx.x; i < q.n; i += (int)blockDim.x) {
        c.round[i] = -1;
        if (i % 2 && h.n_b) c.score[i] = NAN;
        if (i % 2 && h.n_b) c.neighbours[i] = -1;
    }
    if (h.n_b == 0) { /* a lone token */
        for (int i = (int)threadIdx.x; i < q.n; i += (int)blockDim.x) {
            c.score[i] = NAN;
            c.neighbours[i] = -1;
        }
        n_keep = keep_in_order(c.round, 0, 1, q.n, c.kept, part);
        conclude(a, n_keep, 0, 0, INFINITY, bad);
        return;
    }
    for (int i = (int)threadIdx.x; i < p; i += (int)blockDim.x) key[i] = i < h.n_a ? order_key(c.score[2 * i], 2 * i) : 0;
    sort_keys(key, p);
    for (int k = (int)threadIdx.x; k < drop; k += (int)blockDim.x) c.round[order_index(key[k])] = 0;
    __syncthreads();
    if (!a.in_order && drop > 0) {
        for (int k = drop + (int)threadIdx.x; k < h.n_a; k += (int)blockDim.x) c.kept[k - drop] = order_index(key[k]);
        for (int j = (int)threadIdx.x; j < h.n_b; j += (int)blockDim.x) c.kept[h.n_a - drop + j] = 2 * j + 1;
        n_keep = q.n - drop;
    } else {
        n_keep = keep_in_order(c.round, 0, 1, q.n, c.kept, part);
    }
    conclude(a, n_keep, drop > 0, 0, margin_at(key, h.n_a, drop, c.score), bad);
}

__device__ uint64_t random_rank(uint64_t seed, int patch)
{
    uint64_t z = seed + (uint64_t)((int64_t)patch + 1) * 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

__device__ uint32_t bayer_rank(uint32_t x, uint32_t y, int bits)
{
    uint32_t rank = 0;
    for (int b = 0; b < bits; b++) rank = rank << 2 | ((x ^ y) >> b & 1) << 1 | (y >> b & 1);
    return rank;
}

/* The cut by random ranks: all above the last that goes, and the first of those equal to it until the budget is met. */
__device__ void drop_random(const saint_cuda_choose_args &a, sequence q, columns c, const uint64_t *key, int drop)
{
    uint64_t last = key[drop - 1];
    for (int i = (int)threadIdx.x; i < q.n; i += (int)blockDim.x) {
        uint64_t rank = random_rank(a.seed, a.from.patch[q.at + i]);
        if (rank > last) c.round[i] = 0;
        if (rank != last) continue; /* one token, unless two rows have the same patch */
        int above = 0, before = 0;
        while (above < drop && key[above] > last) above++;
        for (int j = 0; j < i; j++) before += random_rank(a.seed, a.from.patch[q.at + j]) == last;
        if (before < drop - above) c.round[i] = 0;
    }
}

/* One score for a token, one cut: random, grid, attention. */
__global__ void __launch_bounds__(THREADS) rank_kernel(saint_cuda_choose_args a)
{
    SAINT_SHARED(raw);
    __shared__ int part[THREADS];
    __shared__ float tops[32];
    uint64_t *key = (uint64_t *)raw;
    sequence q = sequence_of(a, (int)blockIdx.x);
    columns c = columns_of(a, q);
    bool high = a.rule == SAINT_RULE_RANDOM || a.rule == SAINT_RULE_GRID; /* the highest go */
    int drop = a.n_drop[blockIdx.x], p = power_above(q.n), first = high ? drop : q.n - drop;
    int bad = first_bad(high ? 0 : q.n, tops, [&](int i) { return !finite(a.attention[q.at + i]); });
    for (int i = (int)threadIdx.x; i < p; i += (int)blockDim.x) {
        key[i] = 0;
        if (i >= q.n) continue;
        int patch = a.from.patch[q.at + i];
        uint64_t rank = random_rank(a.seed, patch);
        float score = a.rule == SAINT_RULE_RANDOM ? (float)(rank >> 40) * 0x1p-24f
                      : a.rule != SAINT_RULE_GRID ? a.attention[q.at + i]
                      : patch < 0                 ? -1.0f
                                                  : (float)bayer_rank((uint32_t)(patch % a.grid_w), (uint32_t)(patch / a.grid_w), a.grid_bits);
        c.score[i] = score;
        c.neighbours[i] = -1;
        c.round[i] = -1;
        key[i] = a.rule == SAINT_RULE_RANDOM ? rank : order_key(score, i);
    }
    sort_keys(key, p);
    float margin;
    if (a.rule == SAINT_RULE_RANDOM) {
        if (drop > 0) drop_random(a, q, c, key, drop);
        margin = drop > 0 && drop < q.n ? (float)(key[drop - 1] - key[drop]) * 0x1p-64f : INFINITY;
    } else {
        for (int k = (high ? 0 : first) + (int)threadIdx.x; k < (high ? first : q.n); k += (int)blockDim.x) c.round[order_index(key[k])] = 0;
        margin = margin_at(key, q.n, first, c.score);
    }
    __syncthreads();
    if (a.rule == SAINT_RULE_TOP_SORTED && !a.in_order && drop > 0) {
        for (int k = (int)threadIdx.x; k < q.n - drop; k += (int)blockDim.x) c.kept[k] = order_index(key[k]);
    } else {
        keep_in_order(c.round, 0, 1, q.n, c.kept, part);
    }
    conclude(a, q.n - drop, drop > 0, 0, margin, bad);
}

/* score = cosines of a token to all that are left: its product with their sum. Eight lanes for a token; all threads meet. */
__device__ void graph_scores(const saint_cuda_choose_args &a, sequence q, const double *sum, const int32_t *left, int n_left, float *score, uint64_t *key, int p)
{
    int lane = (int)threadIdx.x % 8, whole = a.dim & ~7;
    for (int base = 0; base < p; base += THREADS / 8) {
        int k = base + (int)threadIdx.x / 8, i = left[k < n_left ? k : 0];
        const float *unit = a.unit + (int64_t)(q.at + i) * a.dim;
        double dot = 0, tail = 0;
        for (int d = lane; d < whole; d += 8) dot += times((double)unit[d], sum[d]);
        for (int d = whole; d < a.dim; d++) tail += times((double)unit[d], sum[d]);
        dot += shuffle_xor(dot, 4);
        dot += shuffle_xor(dot, 1);
        dot += shuffle_xor(dot, 2);
        if (lane || k >= p) continue;
        float s = (float)(dot + tail + a.self[q.at + i]);
        if (k < n_left) score[i] = s;
        key[k] = k < n_left ? order_key(s, i) : 0;
    }
}

__global__ void __launch_bounds__(THREADS, 1) graph_kernel(saint_cuda_choose_args a)
{
    SAINT_SHARED(raw);
    __shared__ int part[THREADS];
    __shared__ float tops[32];
    __shared__ double sum[SAINT_CHOOSE_DIM];
    sequence q = sequence_of(a, (int)blockIdx.x);
    columns c = columns_of(a, q);
    uint64_t *key = (uint64_t *)raw;
    int32_t *left = (int32_t *)(key + power_above(a.most));
    const float *unit = a.unit + (int64_t)q.at * a.dim;
    int to_drop = a.n_drop[blockIdx.x], n_left = q.n, divisor = a.r, rounds = 0;
    float margin = INFINITY;
    int bad = first_bad(q.n, tops, [&](int i) { return a.bad[q.at + i] != 0; });
    for (int i = (int)threadIdx.x; i < q.n; i += (int)blockDim.x) {
        double square = 0;
        for (int d = 0; d < a.dim; d++) square += (double)unit[(int64_t)i * a.dim + d] * (double)unit[(int64_t)i * a.dim + d];
        a.self[q.at + i] = square > 0 ? 1.0 - square : 0.0;
        c.score[i] = NAN;
        c.neighbours[i] = -1;
        c.round[i] = -1;
        left[i] = i;
    }
    for (int d = (int)threadIdx.x; d < a.dim; d += (int)blockDim.x) {
        double s = 0;
#pragma unroll 4
        for (int i = 0; i < q.n; i++) s += (double)unit[(int64_t)i * a.dim + d]; /* in order */
        sum[d] = s;
    }
    __syncthreads();
    while (to_drop > 0) {
        int step = n_left / divisor, p = power_above(n_left);
        if (step < 1) step = 1;
        if (step > to_drop) step = to_drop;
        graph_scores(a, q, sum, left, n_left, c.score, key, p);
        sort_keys(key, p);
        margin = fminf(margin, margin_at(key, n_left, step, c.score));
        for (int k = (int)threadIdx.x; k < n_left; k += (int)blockDim.x) {
            int i = order_index(key[k]);
            if (k < step) c.round[i] = rounds;
            else left[k - step] = i; /* in any order: no two keys are equal */
        }
        for (int d = (int)threadIdx.x; d < a.dim; d += (int)blockDim.x) {
            double s = sum[d];
            for (int k = 0; k < step; k++) s -= (double)unit[(int64_t)order_index(key[k]) * a.dim + d];
            sum[d] = s;
        }
        n_left -= step;
        to_drop -= step;
        rounds++;
        if (a.overwrite_r) divisor = step;
        __syncthreads();
    }
    int n_keep = keep_in_order(c.round, 0, 1, q.n, c.kept, part);
    conclude(a, n_keep, rounds, 0, margin, bad);
}

__global__ void __launch_bounds__(THREADS) match_kernel(saint_cuda_choose_args a)
{
    SAINT_SHARED(raw);
    __shared__ int part[THREADS];
    __shared__ float tops[32];
    uint64_t *key = (uint64_t *)raw;
    sequence q = sequence_of(a, (int)blockIdx.x);
    halves h = halves_of(a, q.n);
    columns c = columns_of(a, q);
    int r = a.n_drop[blockIdx.x], p = power_above(h.n_a), n_keep;
    int bad = first_bad(q.n, tops, [&](int i) { return a.bad[q.at + i] != 0; });
    for (int i = (int)threadIdx.x; i < q.n; i += (int)blockDim.x) {
        c.round[i] = -1;
        c.neighbours[i] = -1;
        if (r == 0 || i % 2 != h.first_a) c.score[i] = NAN;
    }
    if (r == 0) {
        n_keep = keep_in_order(c.round, 0, 1, q.n, c.kept, part);
        conclude(a, n_keep, 0, 0, INFINITY, bad);
        return;
    }
    for (int i = (int)threadIdx.x; i < p; i += (int)blockDim.x) {
        int token = h.first_a + 2 * i;
        key[i] = i < h.n_a ? order_key(c.score[token], token) : 0;
    }
    sort_keys(key, p);
    for (int k = (int)threadIdx.x; k < r; k += (int)blockDim.x) {
        int token = order_index(key[k]);
        c.round[token] = 0;
        c.from[k] = token;
        c.into[k] = a.partner[q.at + token];
    }
    __syncthreads();
    if (a.in_order) {
        keep_in_order(c.round, 0, 1, q.n, c.kept, part);
    } else {
        if (a.n_prefix) keep_in_order(c.round, h.first_a, 2, h.n_a, c.kept, part);
        for (int k = r + (int)threadIdx.x; !a.n_prefix && k < h.n_a; k += (int)blockDim.x) c.kept[k - r] = order_index(key[k]);
        for (int j = (int)threadIdx.x; j < h.n_b; j += (int)blockDim.x) c.kept[h.n_a - r + j] = h.first_b + 2 * j;
    }
    conclude(a, q.n - r, 1, r, margin_at(key, h.n_a, r, c.score), bad);
}

size_t power_of(int n)
{
    size_t p = 1;
    while (p < (size_t)n) p *= 2;
    return p;
}

size_t compare_bytes(int dim, int most)
{
    size_t width = (size_t)((dim + STEP - 1) / STEP * STEP);
    return (ROWS * width + COLS * PITCH + ROWS * ((size_t)most / 2 + 1)) * sizeof(float);
}

size_t graph_bytes(int most) { return power_of(most) * sizeof(uint64_t) + (size_t)most * sizeof(int32_t); }

} // namespace

cudaError_t saint_cuda_choose_prepare(void)
{
    cudaError_t e = cudaFuncSetAttribute((const void *)compare_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                         (int)compare_bytes(SAINT_CHOOSE_DIM, SAINT_CHOOSE_TOKENS));
    return e == cudaSuccess ? cudaFuncSetAttribute((const void *)graph_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                                   (int)graph_bytes(SAINT_CHOOSE_TOKENS))
                            : e;
}

cudaError_t saint_cuda_choose(const saint_cuda_choose_args *a, cudaStream_t stream)
{
    cudaError_t e = cudaSuccess;
    unsigned n = (unsigned)a->n_seqs;
    size_t keys = power_of(a->most) * sizeof(uint64_t);
    if (saint_rule_reads_metric((saint_rule)a->rule))
        e = SAINT_LAUNCH(unit_kernel, blocks_of(a->rows, 32), 256, 0, stream, a->metric, a->rows, a->dim, a->unit, a->bad);
    if (e == cudaSuccess && (a->rule == SAINT_RULE_VOTES || a->rule == SAINT_RULE_MATCH) && a->most > 1)
        e = SAINT_LAUNCH(compare_kernel, dim3(blocks_of(a->most / 2 + 1, ROWS), n), ROWS * LANES, compare_bytes(a->dim, a->most), stream, *a);
    if (e != cudaSuccess) return e;
    if (a->rule == SAINT_RULE_VOTES) return SAINT_LAUNCH(votes_kernel, n, THREADS, keys, stream, *a);
    if (a->rule == SAINT_RULE_MATCH) return SAINT_LAUNCH(match_kernel, n, THREADS, keys, stream, *a);
    if (a->rule == SAINT_RULE_FULL_GRAPH) return SAINT_LAUNCH(graph_kernel, n, THREADS, graph_bytes(a->most), stream, *a);
    return SAINT_LAUNCH(rank_kernel, n, THREADS, keys, stream, *a);
}
