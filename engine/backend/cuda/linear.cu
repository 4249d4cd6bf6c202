/* linear.cu - what cuBLASLt leaves of a linear layer, and the whole of it for a few rows. */
#include "backend/cuda/device.cuh"

extern "C" {
#include "backend/backend.h"
}

enum { THREADS = 256 };

__device__ __forceinline__ float activate(float x, int act)
{
    switch (act) {
    case SAINT_ACT_QUICK_GELU: return x / (1.0f + expf(-1.702f * x));
    case SAINT_ACT_GELU_ERF: return 0.5f * x * (1.0f + erff(x * 0.70710678f));
    case SAINT_ACT_GELU_TANH: return 0.5f * x * (1.0f + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
    case SAINT_ACT_RELU: return x > 0 ? x : 0;
    default: return x;
    }
}

/* Value of one element of column j from its sum, and what of residual and gate belongs to it. */
__device__ __forceinline__ float finish(const saint_cuda_epilogue_args &a, float v, int64_t j, float residual, float gate)
{
    if (a.bias) v += a.bias[j];
    v = activate(v, a.act);
    if (a.scale) v *= a.scale[j];
    if (a.residual) return v + residual;
    if (a.gate) return gate / (1.0f + expf(-gate)) * v;
    return v;
}

/* V elements a thread; Y: type of y and from, G: type of gate. */
template <class Y, class G, int V> __global__ void __launch_bounds__(THREADS) epilogue_kernel(const saint_cuda_epilogue_args a)
{
    int64_t per = a.n / V, i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= a.m * per) return;
    int64_t row = i / per, j = i % per * V, at = row * a.ld + j;
    pack<Y, V> p = *(const pack<Y, V> *)((const Y *)a.from + row * a.ldfrom + j), out;
    pack<float, V> residual;
    pack<G, V> gate;
    if (a.residual) residual = *(const pack<float, V> *)(a.residual + at);
    if (a.gate) gate = *(const pack<G, V> *)((const G *)a.gate + row * a.ldgate + j);
    for (int l = 0; l < V; l++)
        out.v[l] = narrow<Y>(finish(a, widen(p.v[l]), j + l, a.residual ? residual.v[l] : 0.0f, a.gate ? widen(gate.v[l]) : 0.0f));
    *(pack<Y, V> *)((Y *)a.y + at) = out;
}

template <class Y, class G> static cudaError_t epilogue(const saint_cuda_epilogue_args &a, cudaStream_t stream)
{
    const int V = 16 / (int)sizeof(Y);
    bool wide = a.n % V == 0 && a.ld % V == 0 && a.ldfrom % V == 0 && a.ldgate % V == 0 && aligned_to(a.from, 16) && aligned_to(a.y, 16) && aligned_to(a.residual, 16) &&
                aligned_to(a.gate, 16);
    if (wide) return SAINT_LAUNCH((epilogue_kernel<Y, G, V>), blocks_of(a.m * (a.n / V), THREADS), THREADS, 0, stream, a);
    return SAINT_LAUNCH((epilogue_kernel<Y, G, 1>), blocks_of(a.m * a.n, THREADS), THREADS, 0, stream, a);
}

cudaError_t saint_cuda_epilogue(const saint_cuda_epilogue_args *a, cudaStream_t stream)
{
    if (a->ytype != SAINT_F32) SAINT_FOR_TYPE(a->ytype, Y, return epilogue<Y, Y>(*a, stream));
    SAINT_FOR_TYPE(a->gate ? a->gate_type : SAINT_F32, G, return epilogue<float, G>(*a, stream));
}

/* ---- a few rows: bound by reading the weights ---- */

enum { ROWS_WARPS = 4 };

/* R rows at a time; V elements of a weight row in one load, 16 bytes or one element. */
template <class T, int R, int V> __global__ void __launch_bounds__(32 * ROWS_WARPS) rows_kernel(const saint_cuda_rows_args a)
{
    const saint_cuda_epilogue_args &e = a.epilogue;
    int lane = (int)threadIdx.x % 32;
    int64_t j = (int64_t)blockIdx.x * ROWS_WARPS + threadIdx.x / 32, row = (int64_t)blockIdx.y * R;
    int rows = e.m - row < R ? (int)(e.m - row) : R;
    if (j >= e.n) return; /* a whole warp */
    const T *w = (const T *)a.w + j * a.k, *x = (const T *)a.x + row * a.ldx;
    float sum[R];
    for (int r = 0; r < R; r++) sum[r] = 0;
#pragma unroll 4
    for (int64_t i = lane * V; i < a.k; i += 32 * V) {
        pack<T, V> p = *(const pack<T, V> *)(w + i);
#pragma unroll
        for (int r = 0; r < R; r++) {
            if (r >= rows) break;
            pack<T, V> q = *(const pack<T, V> *)(x + r * a.ldx + i);
#pragma unroll
            for (int l = 0; l < V; l++) sum[r] += widen(p.v[l]) * widen(q.v[l]);
        }
    }
#pragma unroll
    for (int r = 0; r < R; r++) {
        float s = warp_sum(sum[r]);
        if (lane != 0 || r >= rows) continue;
        int64_t at = (row + r) * e.ld + j;
        float v = finish(e, s, j, e.residual ? e.residual[at] : 0.0f, e.gate ? widen(((const T *)e.gate)[(row + r) * e.ldgate + j]) : 0.0f);
        if (e.ytype == SAINT_F32) ((float *)e.y)[at] = v;
        else ((T *)e.y)[at] = narrow<T>(v);
    }
}

template <class T> static cudaError_t rows(const saint_cuda_rows_args &a, cudaStream_t stream)
{
    const int V = 16 / (int)sizeof(T);
    bool wide = a.k % V == 0 && a.ldx % V == 0 && aligned_to(a.w, 16) && aligned_to(a.x, 16), one = a.epilogue.m == 1;
    auto kernel = one ? (wide ? rows_kernel<T, 1, V> : rows_kernel<T, 1, 1>) : (wide ? rows_kernel<T, 4, V> : rows_kernel<T, 4, 1>);
    dim3 grid(blocks_of(a.epilogue.n, ROWS_WARPS), blocks_of(a.epilogue.m, one ? 1 : 4));
    return SAINT_LAUNCH(kernel, grid, 32 * ROWS_WARPS, 0, stream, a);
}

cudaError_t saint_cuda_linear_rows(const saint_cuda_rows_args *a, cudaStream_t stream)
{
    SAINT_FOR_TYPE(a->type, T, return rows<T>(*a, stream));
}
