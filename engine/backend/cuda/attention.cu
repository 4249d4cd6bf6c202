/* attention.cu - softmax attention over packed sequences in one pass: running maximum and sum (Milakov and Gimelshein 2018), tiles of
 * keys against tiles of queries as in FlashAttention-2. No matrix of N x N ever exists. Tiles are anchored at key 0 and each query is a
 * row of its own, so a query's bits depend on neither the batch nor the other queries of the call. */
#include "backend/cuda/device.cuh"

static const float LOG2E = 1.44269504f;

/* Where a block of queries stands. */
struct span {
    int first, rows;   /* queries, counted over all sequences; rows of them are there */
    int key, nk;       /* first key, keys of the sequence */
    int visible;       /* keys that the first query sees; each further one sees one more when causal */
    int head, kv_head;
};

__device__ __forceinline__ span span_of(const saint_cuda_attention_args &a, int queries)
{
    span s;
    int block = (int)blockIdx.x, seq = a.blocks[2 * block], first = a.blocks[2 * block + 1];
    int nq = a.cu_q[seq + 1] - a.cu_q[seq];
    s.first = a.cu_q[seq] + first;
    s.rows = nq - first < queries ? nq - first : queries;
    s.key = a.cu_k[seq];
    s.nk = a.cu_k[seq + 1] - s.key;
    s.visible = a.causal ? first + 1 + s.nk - nq : s.nk;
    s.head = (int)blockIdx.y;
    s.kv_head = s.head / (a.n_heads / a.n_kv_heads);
    return s;
}

/* Keys that any of the block's queries sees. */
__device__ __forceinline__ int keys_of(const saint_cuda_attention_args &a, const span &s)
{
    int n = a.causal ? s.visible + s.rows - 1 : s.nk;
    return n < s.nk ? n : s.nk;
}

/* ---- 16-bit types on the tensor cores: 4 warps of 16 queries against tiles of 64 keys, two tiles in flight ---- */

enum { QUERIES = SAINT_CUDA_ATTENTION_QUERIES, KEYS = 64, WARPS = 4 };

/* Rows of D values with 16 bytes of padding: rows of an 8 x 8 matrix lie in different banks. */
template <class T, int D> __device__ __forceinline__ void load_tile(T *tile, const T *src, int64_t ld, int rows, int most)
{
    const int CHUNKS = D / 8;
    for (int i = (int)threadIdx.x; i < most * CHUNKS; i += 32 * WARPS) {
        int row = i / CHUNKS, chunk = i % CHUNKS;
        bool there = row < rows;
        copy16(tile + row * (D + 8) + chunk * 8, src + (there ? row : 0) * ld + chunk * 8, there);
    }
}

template <int D> constexpr int tensor_shared()
{
    return (QUERIES + 4 * KEYS) * (D + 8) * 2;
}

template <class T, int D> __global__ void __launch_bounds__(32 * WARPS) tensor_kernel(const saint_cuda_attention_args a)
{
    const int LD = D + 8;
    SAINT_SHARED(shared);
    T *q_tile = (T *)shared, *k_tiles = q_tile + QUERIES * LD, *v_tiles = k_tiles + 2 * KEYS * LD;
    span s = span_of(a, QUERIES);
    int lane = (int)threadIdx.x % 32, warp = (int)threadIdx.x / 32, group = lane / 4, pair = lane % 4 * 2;
    int n = keys_of(a, s), tiles = (n + KEYS - 1) / KEYS;
    const T *k = (const T *)a.k + s.key * a.ldk + (int64_t)s.kv_head * D, *v = (const T *)a.v + s.key * a.ldv + (int64_t)s.kv_head * D;
    const float *bias = a.key_bias ? a.key_bias + s.key : NULL;
    /* The thread's two rows and what they see. */
    int row = warp * 16 + group, sees0 = a.causal ? s.visible + row : s.nk, sees1 = a.causal ? s.visible + row + 8 : s.nk;
    float scale = a.scale * LOG2E;

    load_tile<T, D>(q_tile, (const T *)a.q + s.first * a.ldq + (int64_t)s.head * D, a.ldq, s.rows, QUERIES);
    load_tile<T, D>(k_tiles, k, a.ldk, n, KEYS);
    load_tile<T, D>(v_tiles, v, a.ldv, n, KEYS);
    copies_commit();

    unsigned q[D / 16][4];
    float o[D / 8][4], top0 = -INFINITY, top1 = -INFINITY, sum0 = 0, sum1 = 0;
#pragma unroll
    for (int j = 0; j < D / 8; j++)
#pragma unroll
        for (int i = 0; i < 4; i++) o[j][i] = 0;

    for (int t = 0; t < tiles; t++) {
        const T *k_tile = k_tiles + (t % 2) * KEYS * LD, *v_tile = v_tiles + (t % 2) * KEYS * LD;
        if (t + 1 < tiles) {
            int next = (t + 1) * KEYS;
            load_tile<T, D>(k_tiles + ((t + 1) % 2) * KEYS * LD, k + next * a.ldk, a.ldk, n - next, KEYS);
            load_tile<T, D>(v_tiles + ((t + 1) % 2) * KEYS * LD, v + next * a.ldv, a.ldv, n - next, KEYS);
            copies_commit();
            copies_wait<1>();
        } else {
            copies_wait<0>();
        }
        __syncthreads();
        if (t == 0)
#pragma unroll
            for (int i = 0; i < D / 16; i++) load_matrices(q[i], q_tile + (warp * 16 + lane % 16) * LD + i * 16 + lane / 16 * 8);

        /* x = q k^T: 16 queries by 64 keys; two groups of 8 keys from one load */
        float x[KEYS / 8][4];
#pragma unroll
        for (int j = 0; j < KEYS / 8; j++)
#pragma unroll
            for (int i = 0; i < 4; i++) x[j][i] = 0;
#pragma unroll
        for (int i = 0; i < D / 16; i++)
#pragma unroll
            for (int j = 0; j < KEYS / 16; j++) {
                unsigned b[4];
                load_matrices(b, k_tile + (j * 16 + lane % 8 + lane / 16 * 8) * LD + i * 16 + lane / 8 % 2 * 8);
                multiply<T>(x[2 * j], q[i], b[0], b[1]);
                multiply<T>(x[2 * j + 1], q[i], b[2], b[3]);
            }

        /* base-2 exponents: scale and bias already carry log2 e */
        float max0 = top0, max1 = top1;
        int key = t * KEYS + pair;
#pragma unroll
        for (int j = 0; j < KEYS / 8; j++, key += 8) {
            float b0 = 0, b1 = 0;
            if (bias) {
                b0 = key < n ? bias[key] * LOG2E : 0;
                b1 = key + 1 < n ? bias[key + 1] * LOG2E : 0;
            }
            x[j][0] = key < n && key < sees0 ? x[j][0] * scale + b0 : -INFINITY;
            x[j][1] = key + 1 < n && key + 1 < sees0 ? x[j][1] * scale + b1 : -INFINITY;
            x[j][2] = key < n && key < sees1 ? x[j][2] * scale + b0 : -INFINITY;
            x[j][3] = key + 1 < n && key + 1 < sees1 ? x[j][3] * scale + b1 : -INFINITY;
            max0 = fmaxf(max0, fmaxf(x[j][0], x[j][1]));
            max1 = fmaxf(max1, fmaxf(x[j][2], x[j][3]));
        }
#pragma unroll
        for (int i = 1; i <= 2; i *= 2) { /* the four threads of a row */
            max0 = fmaxf(max0, shuffle_xor(max0, i));
            max1 = fmaxf(max1, shuffle_xor(max1, i));
        }
        float base0 = max0 == -INFINITY ? 0 : max0, base1 = max1 == -INFINITY ? 0 : max1; /* a row that sees nothing yet */
        float alpha0 = exp2f(top0 - base0), alpha1 = exp2f(top1 - base1), part0 = 0, part1 = 0;
        top0 = max0;
        top1 = max1;
#pragma unroll
        for (int j = 0; j < KEYS / 8; j++) {
            x[j][0] = exp2f(x[j][0] - base0);
            x[j][1] = exp2f(x[j][1] - base0);
            x[j][2] = exp2f(x[j][2] - base1);
            x[j][3] = exp2f(x[j][3] - base1);
            part0 += x[j][0] + x[j][1];
            part1 += x[j][2] + x[j][3];
        }
        sum0 = sum0 * alpha0 + part0;
        sum1 = sum1 * alpha1 + part1;
#pragma unroll
        for (int j = 0; j < D / 8; j++) {
            o[j][0] *= alpha0;
            o[j][1] *= alpha0;
            o[j][2] *= alpha1;
            o[j][3] *= alpha1;
        }

        /* o += p v: the sums of two groups of 8 keys are the left operand for 16 keys as they lie */
#pragma unroll
        for (int i = 0; i < KEYS / 16; i++) {
            unsigned p[4] = {pack2<T>(x[2 * i][0], x[2 * i][1]), pack2<T>(x[2 * i][2], x[2 * i][3]), pack2<T>(x[2 * i + 1][0], x[2 * i + 1][1]),
                             pack2<T>(x[2 * i + 1][2], x[2 * i + 1][3])};
#pragma unroll
            for (int j = 0; j < D / 16; j++) {
                unsigned b[4];
                load_matrices_turned(b, v_tile + (i * 16 + lane % 16) * LD + j * 16 + lane / 16 * 8);
                multiply<T>(o[2 * j], p, b[0], b[1]);
                multiply<T>(o[2 * j + 1], p, b[2], b[3]);
            }
        }
        __syncthreads(); /* the next round overwrites this tile */
    }

#pragma unroll
    for (int i = 1; i <= 2; i *= 2) {
        sum0 += shuffle_xor(sum0, i);
        sum1 += shuffle_xor(sum1, i);
    }
    float inverse0 = sum0 > 0 ? 1.0f / sum0 : 0, inverse1 = sum1 > 0 ? 1.0f / sum1 : 0;
    if (sum0 != sum0) inverse0 = sum0; /* NaN stays NaN */
    if (sum1 != sum1) inverse1 = sum1;
    T *out = (T *)a.out + (s.first + row) * a.ldo + (int64_t)s.head * D + pair;
#pragma unroll
    for (int j = 0; j < D / 8; j++) {
        if (row < s.rows) *(unsigned *)(out + j * 8) = pack2<T>(o[j][0] * inverse0, o[j][1] * inverse0);
        if (row + 8 < s.rows) *(unsigned *)(out + 8 * a.ldo + j * 8) = pack2<T>(o[j][2] * inverse1, o[j][3] * inverse1);
    }
}

/* ---- f32, plain multiply-adds: 16 x 16 threads, each 4 queries by 4 keys, then 4 queries by D / 16 columns ---- */

enum { SIDE = 16, EACH = 4 };

template <int D> constexpr int f32_shared()
{
    return ((QUERIES + KEYS) * (D + 4) + QUERIES * (KEYS + 4)) * (int)sizeof(float); /* keys, then values: 83 KiB fit every device from 8.0 on */
}

/* Rows of D values, 4 values of padding, zeros where there is no row. */
template <int D> __device__ __forceinline__ void load_rows(float *tile, const float *src, int64_t ld, int rows)
{
    for (int i = (int)threadIdx.x; i < QUERIES * (D / 4); i += SIDE * SIDE) {
        int row = i / (D / 4), c = i % (D / 4) * 4;
        pack<float, 4> p = {{0, 0, 0, 0}};
        if (row < rows) p = *(const pack<float, 4> *)(src + row * ld + c);
        *(pack<float, 4> *)(tile + row * (D + 4) + c) = p;
    }
}

template <int D> __global__ void __launch_bounds__(SIDE *SIDE) f32_kernel(const saint_cuda_attention_args a)
{
    const int LD = D + 4, LDP = KEYS + 4;
    SAINT_SHARED(shared);
    float *q = (float *)shared, *k = q + QUERIES * LD, *v = k, *p = k + KEYS * LD;
    span s = span_of(a, QUERIES);
    int tx = (int)threadIdx.x % SIDE, ty = (int)threadIdx.x / SIDE, n = keys_of(a, s);
    const float *keys = (const float *)a.k + s.key * a.ldk + (int64_t)s.kv_head * D;
    const float *values = (const float *)a.v + s.key * a.ldv + (int64_t)s.kv_head * D, *bias = a.key_bias ? a.key_bias + s.key : NULL;
    float o[EACH][D / SIDE], top[EACH], sum[EACH];
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        top[i] = -INFINITY;
        sum[i] = 0;
#pragma unroll
        for (int c = 0; c < D / SIDE; c++) o[i][c] = 0;
    }
    load_rows<D>(q, (const float *)a.q + s.first * a.ldq + (int64_t)s.head * D, a.ldq, s.rows);
    for (int first = 0; first < n; first += KEYS) {
        __syncthreads(); /* the values of the round before are used up */
        load_rows<D>(k, keys + first * a.ldk, a.ldk, n - first);
        __syncthreads();
        float x[EACH][EACH];
#pragma unroll
        for (int i = 0; i < EACH; i++)
#pragma unroll
            for (int j = 0; j < EACH; j++) x[i][j] = 0;
#pragma unroll 4
        for (int c = 0; c < D; c += 4) {
            pack<float, 4> left[EACH], right[EACH];
#pragma unroll
            for (int i = 0; i < EACH; i++) {
                left[i] = *(const pack<float, 4> *)(q + (ty * EACH + i) * LD + c);
                right[i] = *(const pack<float, 4> *)(k + (tx + SIDE * i) * LD + c);
            }
#pragma unroll
            for (int i = 0; i < EACH; i++)
#pragma unroll
                for (int j = 0; j < EACH; j++)
#pragma unroll
                    for (int l = 0; l < 4; l++) x[i][j] += left[i].v[l] * right[j].v[l];
        }
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            int row = ty * EACH + i, sees = a.causal ? s.visible + row : s.nk;
            float most = top[i], part = 0;
#pragma unroll
            for (int j = 0; j < EACH; j++) {
                int key = first + tx + SIDE * j;
                x[i][j] = key < n && key < sees ? x[i][j] * a.scale + (bias ? bias[key] : 0.0f) : -INFINITY;
                most = fmaxf(most, x[i][j]);
            }
#pragma unroll
            for (int l = 1; l < SIDE; l *= 2) most = fmaxf(most, shuffle_xor(most, l));
            float base = most == -INFINITY ? 0 : most, alpha = expf(top[i] - base);
            top[i] = most;
#pragma unroll
            for (int j = 0; j < EACH; j++) {
                float e = expf(x[i][j] - base);
                p[row * LDP + tx + SIDE * j] = e;
                part += e;
            }
#pragma unroll
            for (int l = 1; l < SIDE; l *= 2) part += shuffle_xor(part, l);
            sum[i] = sum[i] * alpha + part;
#pragma unroll
            for (int c = 0; c < D / SIDE; c++) o[i][c] *= alpha;
        }
        __syncthreads(); /* the keys are used up, too */
        load_rows<D>(v, values + first * a.ldv, a.ldv, n - first);
        __syncthreads();
#pragma unroll 4
        for (int j = 0; j < KEYS; j++) {
            float left[EACH];
#pragma unroll
            for (int i = 0; i < EACH; i++) left[i] = p[(ty * EACH + i) * LDP + j];
#pragma unroll
            for (int c = 0; c < D / SIDE; c++) {
                float right = v[j * LD + tx + SIDE * c];
#pragma unroll
                for (int i = 0; i < EACH; i++) o[i][c] += left[i] * right;
            }
        }
    }
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        int row = ty * EACH + i;
        if (row >= s.rows) continue;
        float *out = (float *)a.out + (s.first + row) * a.ldo + (int64_t)s.head * D;
#pragma unroll
        for (int c = 0; c < D / SIDE; c++) out[tx + SIDE * c] = sum[i] == 0 ? 0.0f : o[i][c] / sum[i];
    }
}

/* ---- anything else, and few queries: one warp for each query and head; keys may be split between blocks ---- */

enum { LANES = 32, MOST_COLUMNS = SAINT_CUDA_ATTENTION_HEAD_DIM / LANES };

template <class T> __global__ void __launch_bounds__(LANES *SAINT_CUDA_ATTENTION_WARP_QUERIES) warp_kernel(const saint_cuda_attention_args a)
{
    __shared__ float queries[SAINT_CUDA_ATTENTION_WARP_QUERIES][SAINT_CUDA_ATTENTION_HEAD_DIM];
    span s = span_of(a, SAINT_CUDA_ATTENTION_WARP_QUERIES);
    const int V = 16 / (int)sizeof(T);
    int lane = (int)threadIdx.x % LANES, row = (int)threadIdx.x / LANES, d = a.head_dim, columns = (d + LANES - 1) / LANES;
    bool there = row < s.rows;
    float *q = queries[row];
    const T *from = (const T *)a.q + (s.first + (there ? row : 0)) * a.ldq + (int64_t)s.head * d;
    for (int c = lane; c < d; c += LANES) q[c] = widen(from[c]);
    __syncthreads();
    if (!there) return; /* a whole warp; no barrier of the block follows */
    const T *k = (const T *)a.k + s.key * a.ldk + (int64_t)s.kv_head * d, *v = (const T *)a.v + s.key * a.ldv + (int64_t)s.kv_head * d;
    const float *bias = a.key_bias ? a.key_bias + s.key : NULL;
    int n = a.causal ? s.visible + row : s.nk;
    n = n < s.nk ? n : s.nk;
    /* this block's part of the keys, in whole groups of 32 */
    int groups = (n + LANES - 1) / LANES, split = (int)blockIdx.z;
    int begin = (int)((int64_t)groups * split / a.splits) * LANES, end = (int)((int64_t)groups * (split + 1) / a.splits) * LANES;
    if (end > n) end = n;
    float o[MOST_COLUMNS], top = -INFINITY, sum = 0;
#pragma unroll
    for (int i = 0; i < MOST_COLUMNS; i++) o[i] = 0;
    for (int first = begin; first < end; first += LANES) {
        int key = first + lane, count = end - first < LANES ? end - first : LANES;
        float x = -INFINITY;
        if (key < end) {
            const T *line = k + key * a.ldk;
            x = 0;
            if (a.wide) { /* 16 bytes in one load */
#pragma unroll 4
                for (int c = 0; c < d; c += V) {
                    pack<T, V> values = *(const pack<T, V> *)(line + c);
#pragma unroll
                    for (int l = 0; l < V; l++) x += q[c + l] * widen(values.v[l]);
                }
            } else {
                for (int c = 0; c < d; c++) x += q[c] * widen(line[c]);
            }
            x = x * a.scale + (bias ? bias[key] : 0.0f);
        }
        float most = fmaxf(top, warp_max(x)), base = most == -INFINITY ? 0 : most, alpha = expf(top - base), p = expf(x - base);
        top = most;
        sum = sum * alpha + warp_sum(p);
#pragma unroll
        for (int i = 0; i < MOST_COLUMNS; i++) o[i] *= alpha;
        for (int j = 0; j < count; j++) {
            float weight = shuffle(p, j);
            const T *line = v + (first + j) * a.ldv;
#pragma unroll
            for (int i = 0; i < MOST_COLUMNS; i++)
                if (i < columns && lane + LANES * i < d) o[i] += weight * widen(line[lane + LANES * i]);
        }
    }
    if (a.splits > 1) {
        float *part = a.partial + (((int64_t)split * a.n_queries + s.first + row) * a.n_heads + s.head) * (d + 2);
#pragma unroll
        for (int i = 0; i < MOST_COLUMNS; i++)
            if (lane + LANES * i < d) part[lane + LANES * i] = o[i];
        if (lane == 0) {
            part[d] = top;
            part[d + 1] = sum;
        }
        return;
    }
    T *out = (T *)a.out + (s.first + row) * a.ldo + (int64_t)s.head * d;
#pragma unroll
    for (int i = 0; i < MOST_COLUMNS; i++)
        if (lane + LANES * i < d) out[lane + LANES * i] = narrow<T>(sum == 0 ? 0.0f : o[i] / sum);
}

/* One block for each query and head: the parts of warp_kernel brought to one maximum, in order of the keys. */
template <class T> __global__ void join_kernel(const saint_cuda_attention_args a)
{
    int d = a.head_dim, head = (int)blockIdx.y;
    int64_t query = blockIdx.x, rows = a.n_queries;
    float top = -INFINITY, sum = 0;
    for (int i = 0; i < a.splits; i++) top = fmaxf(top, a.partial[((i * rows + query) * a.n_heads + head) * (d + 2) + d]);
    float base = top == -INFINITY ? 0 : top;
    for (int i = 0; i < a.splits; i++) {
        const float *part = a.partial + ((i * rows + query) * a.n_heads + head) * (d + 2);
        sum += part[d + 1] * expf(part[d] - base);
    }
    T *out = (T *)a.out + query * a.ldo + (int64_t)head * d;
    for (int c = (int)threadIdx.x; c < d; c += (int)blockDim.x) {
        float o = 0;
        for (int i = 0; i < a.splits; i++) {
            const float *part = a.partial + ((i * rows + query) * a.n_heads + head) * (d + 2);
            o += part[c] * expf(part[d] - base);
        }
        out[c] = narrow<T>(sum == 0 ? 0.0f : o / sum);
    }
}

/* ---- choice ---- */

static bool rows_aligned(const void *p, int64_t ld, size_t size)
{
    return aligned_to(p, 16) && (size_t)ld * size % 16 == 0;
}

saint_cuda_attention_kind saint_cuda_attention_kind_of(const saint_cuda_attention_args *a)
{
    size_t size = a->type == SAINT_F32 ? 4 : 2;
    bool tiled = (a->head_dim == 64 || a->head_dim == 80 || a->head_dim == 128) && rows_aligned(a->q, a->ldq, size) &&
                 rows_aligned(a->k, a->ldk, size) && rows_aligned(a->v, a->ldv, size) && rows_aligned(a->out, a->ldo, size);
    if (!tiled || a->splits > 1) return SAINT_CUDA_ATTENTION_WARP;
    return a->type == SAINT_F32 ? SAINT_CUDA_ATTENTION_F32 : SAINT_CUDA_ATTENTION_TENSOR;
}

template <int D> static cudaError_t f32_launch(const saint_cuda_attention_args &a, dim3 grid, cudaStream_t stream)
{
    return SAINT_LAUNCH(f32_kernel<D>, grid, SIDE * SIDE, f32_shared<D>(), stream, a);
}

template <class T, int D> static cudaError_t tensor_launch(const saint_cuda_attention_args &a, dim3 grid, cudaStream_t stream)
{
    return SAINT_LAUNCH((tensor_kernel<T, D>), grid, 32 * WARPS, tensor_shared<D>(), stream, a);
}

template <class T> static cudaError_t warp_launch(const saint_cuda_attention_args &a, dim3 grid, cudaStream_t stream)
{
    saint_cuda_attention_args w = a;
    w.wide = a.head_dim * (int)sizeof(T) % 16 == 0 && rows_aligned(a.k, a.ldk, sizeof(T));
    grid.z = (unsigned)a.splits;
    cudaError_t e = SAINT_LAUNCH(warp_kernel<T>, grid, LANES * SAINT_CUDA_ATTENTION_WARP_QUERIES, 0, stream, w);
    if (e != cudaSuccess || a.splits <= 1) return e;
    return SAINT_LAUNCH(join_kernel<T>, dim3((unsigned)a.n_queries, (unsigned)a.n_heads), 64, 0, stream, a);
}

cudaError_t saint_cuda_attention(saint_cuda_attention_kind kind, const saint_cuda_attention_args *a, cudaStream_t stream)
{
    dim3 grid((unsigned)a->n_blocks, (unsigned)a->n_heads);
    if (kind == SAINT_CUDA_ATTENTION_WARP) SAINT_FOR_TYPE(a->type, T, return warp_launch<T>(*a, grid, stream));
    if (kind == SAINT_CUDA_ATTENTION_F32)
        return a->head_dim == 64 ? f32_launch<64>(*a, grid, stream) : a->head_dim == 80 ? f32_launch<80>(*a, grid, stream) : f32_launch<128>(*a, grid, stream);
    if (a->type == SAINT_F16)
        return a->head_dim == 64   ? tensor_launch<f16, 64>(*a, grid, stream)
               : a->head_dim == 80 ? tensor_launch<f16, 80>(*a, grid, stream)
                                   : tensor_launch<f16, 128>(*a, grid, stream);
    return a->head_dim == 64   ? tensor_launch<bf16, 64>(*a, grid, stream)
           : a->head_dim == 80 ? tensor_launch<bf16, 80>(*a, grid, stream)
                               : tensor_launch<bf16, 128>(*a, grid, stream);
}

template <class K> static cudaError_t allow(cudaError_t before, K kernel, int bytes)
{
    return before != cudaSuccess ? before : cudaFuncSetAttribute((const void *)kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
}

cudaError_t saint_cuda_attention_prepare(void)
{
    cudaError_t e = allow(cudaSuccess, f32_kernel<64>, f32_shared<64>());
    e = allow(e, f32_kernel<80>, f32_shared<80>());
    e = allow(e, f32_kernel<128>, f32_shared<128>());
    e = allow(e, tensor_kernel<f16, 64>, tensor_shared<64>());
    e = allow(e, tensor_kernel<f16, 80>, tensor_shared<80>());
    e = allow(e, tensor_kernel<f16, 128>, tensor_shared<128>());
    e = allow(e, tensor_kernel<bf16, 64>, tensor_shared<64>());
    e = allow(e, tensor_kernel<bf16, 80>, tensor_shared<80>());
    return allow(e, tensor_kernel<bf16, 128>, tensor_shared<128>());
}

/* ---- probabilities of one row ---- */

enum { ROW_THREADS = 256 };

/* One block for each head. */
template <class T> __global__ void __launch_bounds__(ROW_THREADS) row_kernel(const saint_cuda_attention_row_args a)
{
    __shared__ float q[SAINT_CUDA_ATTENTION_HEAD_DIM], part[32];
    __shared__ double parts[32];
    int d = a.head_dim, head = (int)blockIdx.x, kv = head / (a.n_heads / a.n_kv_heads);
    for (int c = (int)threadIdx.x; c < d; c += ROW_THREADS) q[c] = widen(((const T *)a.q)[(int64_t)head * d + c]);
    __syncthreads();
    float *p = a.p + (int64_t)head * a.n_keys, top = -INFINITY;
    for (int j = (int)threadIdx.x; j < a.n_keys; j += ROW_THREADS) {
        const T *line = (const T *)a.k + j * a.ldk + (int64_t)kv * d;
        float x = 0;
        for (int c = 0; c < d; c++) x += q[c] * widen(line[c]);
        p[j] = x * a.scale + (a.key_bias ? a.key_bias[j] : 0.0f);
        top = fmaxf(top, p[j]);
    }
    top = block_max(top, part);
    double sum = 0; /* the sum is the only place where many roundings would meet */
    for (int j = (int)threadIdx.x; j < a.n_keys; j += ROW_THREADS) {
        p[j] = expf(p[j] - top);
        sum += (double)p[j];
    }
    sum = block_sum(sum, parts);
    for (int j = (int)threadIdx.x; j < a.n_keys; j += ROW_THREADS) p[j] = (float)((double)p[j] / sum);
}

__global__ void row_mean_kernel(const float *p, int n_heads, int n_keys, float *mean)
{
    int j = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    if (j >= n_keys) return;
    float sum = 0;
    for (int h = 0; h < n_heads; h++) sum += p[(int64_t)h * n_keys + j];
    mean[j] = sum / (float)n_heads;
}

cudaError_t saint_cuda_attention_row(const saint_cuda_attention_row_args *a, cudaStream_t stream)
{
    cudaError_t e = cudaSuccess;
    SAINT_FOR_TYPE(a->type, T, e = SAINT_LAUNCH(row_kernel<T>, (unsigned)a->n_heads, ROW_THREADS, 0, stream, *a));
    if (e != cudaSuccess) return e;
    return SAINT_LAUNCH(row_mean_kernel, blocks_of(a->n_keys, 128), 128, 0, stream, a->p, a->n_heads, a->n_keys, a->mean);
}
