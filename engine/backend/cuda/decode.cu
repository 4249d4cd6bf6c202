/* decode.cu - one row of a language model at a time. Where the row stands (token, position, rows in each cache) is read from the device's
 * memory, so that a step can be recorded once and replayed; and the rotation of joined queries, keys and values, which prefill shares. */
#include "backend/cuda/device.cuh"

extern "C" {
#include "backend/fused.h"
}

enum { LANES = 32, WARPS = 4, THREADS = 256, COLUMNS = SAINT_CUDA_ATTENTION_HEAD_DIM / LANES };

/* ---- rope into the cache: half-split pairs, the same arithmetic as rope_kernel ---- */

template <class T> __global__ void rope_store_kernel(const saint_cuda_rope_store_args a)
{
    const saint_decode_layer *layer = (const saint_decode_layer *)a.layer;
    int d = a.head_dim, half = d / 2, width = a.n_kv_heads * d;
    int64_t at = (int64_t)blockIdx.x * blockDim.x + threadIdx.x, row = at / half;
    int i = (int)(at % half);
    if (row >= a.rows) return;
    T *keys = layer ? (T *)layer->k + (int64_t)layer->rows * width : (T *)a.k, *values = layer ? (T *)layer->v + (int64_t)layer->rows * width : (T *)a.v;
    float angle = (float)(layer ? layer->position : a.pos[row]) * a.inv_freq[i], cosine = cosf(angle), sine = sinf(angle);
    /* blockIdx.y: eight heads of queries, keys and values */
    int heads = a.n_heads + 2 * a.n_kv_heads;
    for (int h = (int)blockIdx.y * 8; h < heads && h < (int)blockIdx.y * 8 + 8; h++) {
        T *p = (T *)a.qkv + row * a.ld + (int64_t)h * d + i, *to = p;
        int kv = h - a.n_heads;
        if (kv >= a.n_kv_heads) {
            to = values + row * width + (int64_t)(kv - a.n_kv_heads) * d + i;
            to[0] = p[0];
            to[half] = p[half];
            continue;
        }
        if (kv >= 0) to = keys + row * width + (int64_t)kv * d + i;
        float lo = widen(p[0]), hi = widen(p[half]);
        to[0] = narrow<T>(lo * cosine - hi * sine);
        to[half] = narrow<T>(hi * cosine + lo * sine);
    }
}

cudaError_t saint_cuda_rope_store(const saint_cuda_rope_store_args *a, cudaStream_t stream)
{
    dim3 grid(blocks_of(a->rows * (a->head_dim / 2), 128), blocks_of(a->n_heads + 2 * a->n_kv_heads, 8));
    SAINT_FOR_TYPE(a->type, T, return SAINT_LAUNCH(rope_store_kernel<T>, grid, 128, 0, stream, *a));
}

/* ---- attention of one row: a block of four warps for each head and part of the keys ---- */

template <class T> __global__ void __launch_bounds__(LANES *WARPS) one_kernel(const saint_cuda_one_args a)
{
    __shared__ float q[SAINT_CUDA_ATTENTION_HEAD_DIM], part[WARPS][SAINT_CUDA_ATTENTION_HEAD_DIM], tops[WARPS], sums[WARPS];
    const saint_decode_layer *layer = (const saint_decode_layer *)a.layer;
    const int V = 16 / (int)sizeof(T);
    int lane = (int)threadIdx.x % LANES, warp = (int)threadIdx.x / LANES, d = a.head_dim, head = (int)blockIdx.x, n = layer->rows + 1;
    int64_t ld = (int64_t)a.n_kv_heads * d, from = (int64_t)(head / (a.n_heads / a.n_kv_heads)) * d;
    const T *k = (const T *)layer->k + from, *v = (const T *)layer->v + from;
    for (int c = (int)threadIdx.x; c < d; c += LANES * WARPS) q[c] = widen(((const T *)a.q)[(int64_t)head * d + c]);
    __syncthreads();
    int groups = (n + LANES - 1) / LANES, splits = (int)gridDim.y, split = (int)blockIdx.y;
    int begin = (int)((int64_t)groups * split / splits), end = (int)((int64_t)groups * (split + 1) / splits);
    float o[COLUMNS], top = -INFINITY, sum = 0;
#pragma unroll
    for (int i = 0; i < COLUMNS; i++) o[i] = 0;
    for (int group = begin + warp; group < end; group += WARPS) {
        int first = group * LANES, count = n - first < LANES ? n - first : LANES;
        float x = -INFINITY;
        if (lane < count) {
            const T *line = k + (first + lane) * ld;
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
            x *= a.scale;
        }
        float most = fmaxf(top, warp_max(x)), base = most == -INFINITY ? 0 : most, alpha = expf(top - base), p = expf(x - base);
        top = most;
        sum = sum * alpha + warp_sum(p);
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) o[i] *= alpha;
        for (int j = 0; j < count; j++) {
            float weight = shuffle(p, j);
            const T *line = v + (first + j) * ld;
#pragma unroll
            for (int i = 0; i < COLUMNS; i++)
                if (lane + LANES * i < d) o[i] += weight * widen(line[lane + LANES * i]);
        }
    }
#pragma unroll
    for (int i = 0; i < COLUMNS; i++)
        if (lane + LANES * i < d) part[warp][lane + LANES * i] = o[i];
    if (lane == 0) {
        tops[warp] = top;
        sums[warp] = sum;
    }
    __syncthreads();
    top = -INFINITY;
    for (int w = 0; w < WARPS; w++) top = fmaxf(top, tops[w]);
    float base = top == -INFINITY ? 0 : top;
    sum = 0;
    for (int w = 0; w < WARPS; w++) sum += sums[w] * expf(tops[w] - base);
    float *out = a.partial + ((int64_t)split * a.n_heads + head) * (d + 2);
    for (int c = (int)threadIdx.x; c < d; c += LANES * WARPS) {
        float y = 0;
        for (int w = 0; w < WARPS; w++) y += part[w][c] * expf(tops[w] - base);
        if (splits > 1) out[c] = y;
        else ((T *)a.out)[(int64_t)head * d + c] = narrow<T>(y / sum); /* there is at least one key */
    }
    if (splits > 1 && threadIdx.x == 0) {
        out[d] = top;
        out[d + 1] = sum;
    }
}

/* One block for each head: the parts brought to one maximum, in order of the keys. */
template <class T> __global__ void one_join_kernel(const saint_cuda_one_args a)
{
    int d = a.head_dim, head = (int)blockIdx.x;
    float top = -INFINITY, sum = 0;
    for (int i = 0; i < a.splits; i++) top = fmaxf(top, a.partial[((int64_t)i * a.n_heads + head) * (d + 2) + d]);
    float base = top == -INFINITY ? 0 : top;
    for (int i = 0; i < a.splits; i++) {
        const float *part = a.partial + ((int64_t)i * a.n_heads + head) * (d + 2);
        sum += part[d + 1] * expf(part[d] - base);
    }
    for (int c = (int)threadIdx.x; c < d; c += (int)blockDim.x) {
        float o = 0;
        for (int i = 0; i < a.splits; i++) {
            const float *part = a.partial + ((int64_t)i * a.n_heads + head) * (d + 2);
            o += part[c] * expf(part[d] - base);
        }
        ((T *)a.out)[(int64_t)head * d + c] = narrow<T>(o / sum);
    }
}

template <class T> static cudaError_t one(const saint_cuda_one_args &a, cudaStream_t stream)
{
    saint_cuda_one_args w = a;
    w.wide = a.head_dim * (int)sizeof(T) % 16 == 0; /* caches begin on 256 bytes */
    cudaError_t e = SAINT_LAUNCH(one_kernel<T>, dim3((unsigned)a.n_heads, (unsigned)a.splits), LANES * WARPS, 0, stream, w);
    if (e != cudaSuccess || a.splits <= 1) return e;
    return SAINT_LAUNCH(one_join_kernel<T>, (unsigned)a.n_heads, 64, 0, stream, w);
}

cudaError_t saint_cuda_attention_one(const saint_cuda_one_args *a, cudaStream_t stream)
{
    SAINT_FOR_TYPE(a->type, T, return one<T>(*a, stream));
}

/* ---- the token that goes in, the token that comes out ---- */

template <class T> __global__ void embed_token_kernel(const T *table, const int32_t *token, int64_t cols, float *x)
{
    int64_t c = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (c < cols) x[c] = widen(table[*token * cols + c]);
}

cudaError_t saint_cuda_embed_token(const void *table, saint_dtype type, const int32_t *token, int64_t cols, float *x, cudaStream_t stream)
{
    SAINT_FOR_TYPE(type, T, return SAINT_LAUNCH(embed_token_kernel<T>, blocks_of(cols, THREADS), THREADS, 0, stream, (const T *)table, token, cols, x));
}

enum { BEST_THREADS = 1024 };

/* The better of two candidates: the larger value, of equal ones the lower place. What is not a number never is larger than anything; that the
 * first logit is kept when it is none is what the host's loop does. */
__device__ __forceinline__ void better(float &value, int &at, float other, int other_at)
{
    if (other > value || (other == value && other_at < at)) {
        value = other;
        at = other_at;
    }
}

__global__ void __launch_bounds__(BEST_THREADS) best_kernel(const float *logits, int n, int32_t *token, saint_decode_layer *layers, int n_layers)
{
    __shared__ float values[BEST_THREADS / LANES];
    __shared__ int places[BEST_THREADS / LANES];
    float value = logits[0];
    int at = 0;
    for (int i = (int)threadIdx.x; i < n; i += BEST_THREADS) better(value, at, logits[i], i);
    for (int i = 16; i > 0; i >>= 1) {
        float other = shuffle_xor(value, i);
        int other_at = shuffle_xor(at, i);
        better(value, at, other, other_at);
    }
    if (threadIdx.x % LANES == 0) {
        values[threadIdx.x / LANES] = value;
        places[threadIdx.x / LANES] = at;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        for (int w = 1; w < BEST_THREADS / LANES; w++) better(value, at, values[w], places[w]);
        *token = at;
    }
    for (int i = (int)threadIdx.x; i < n_layers; i += BEST_THREADS) {
        layers[i].rows++;
        layers[i].position++;
    }
}

cudaError_t saint_cuda_take_best(const float *logits, int n, int32_t *token, void *layers, int n_layers, cudaStream_t stream)
{
    return SAINT_LAUNCH(best_kernel, 1, BEST_THREADS, 0, stream, logits, n, token, (saint_decode_layer *)layers, n_layers);
}
