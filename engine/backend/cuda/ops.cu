/* ops.cu - the small operations on rows: memory-bound, so each reads once, writes once, 16 bytes at a time where rows allow. */
#include "backend/cuda/device.cuh"

enum { THREADS = 256 };

/* ---- norms: one block for each row ---- */

template <class T, int V>
__global__ void __launch_bounds__(THREADS) norm_kernel(const float *x, int d, const float *w, const float *bias, float eps, T *y)
{
    __shared__ float part[32];
    x += (int64_t)blockIdx.x * d;
    y += (int64_t)blockIdx.x * d;
    int step = (int)blockDim.x * V;
    float mean = 0, sum = 0;
    if (bias) {
        for (int i = (int)threadIdx.x * V; i < d; i += step) {
            pack<float, V> p = *(const pack<float, V> *)(x + i);
            for (int j = 0; j < V; j++) sum += p.v[j];
        }
        mean = block_sum(sum, part) / (float)d;
        sum = 0;
    }
    for (int i = (int)threadIdx.x * V; i < d; i += step) { /* the row is in the cache now */
        pack<float, V> p = *(const pack<float, V> *)(x + i);
        for (int j = 0; j < V; j++) sum += (p.v[j] - mean) * (p.v[j] - mean);
    }
    float rstd = 1.0f / sqrtf(block_sum(sum, part) / (float)d + eps);
    for (int i = (int)threadIdx.x * V; i < d; i += step) {
        pack<float, V> p = *(const pack<float, V> *)(x + i), f = *(const pack<float, V> *)(w + i), c;
        pack<T, V> out;
        if (bias) c = *(const pack<float, V> *)(bias + i);
        for (int j = 0; j < V; j++) out.v[j] = narrow<T>((p.v[j] - mean) * rstd * f.v[j] + (bias ? c.v[j] : 0.0f));
        *(pack<T, V> *)(y + i) = out;
    }
}

template <class T>
static cudaError_t norm(const float *x, int64_t rows, int64_t d, const float *w, const float *bias, float eps, T *y, cudaStream_t stream)
{
    bool wide = d % 4 == 0 && aligned_to(x, 16) && aligned_to(w, 16) && aligned_to(bias, 16) && aligned_to(y, 16);
    auto kernel = wide ? norm_kernel<T, 4> : norm_kernel<T, 1>;
    int threads = d <= 1024 ? 128 : THREADS;
    return SAINT_LAUNCH(kernel, (unsigned)rows, threads, 0, stream, x, (int)d, w, bias, eps, y);
}

cudaError_t saint_cuda_norm(const float *x, int64_t rows, int64_t d, const float *w, const float *bias, float eps, void *y,
                            saint_dtype ytype, cudaStream_t stream)
{
    SAINT_FOR_TYPE(ytype, T, return norm(x, rows, d, w, bias, eps, (T *)y, stream));
}

/* ---- moves ---- */

template <class T> __global__ void patchify_kernel(const float *chw, int side_h, int side_w, int patch, int gw, int64_t n, T *out)
{
    for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += (int64_t)gridDim.x * blockDim.x) {
        int64_t each = 3 * (int64_t)patch * patch, row = i / each;
        int at = (int)(i % each), c = at / (patch * patch), y = at / patch % patch, x = at % patch;
        int64_t line = (int64_t)c * side_h + row / gw * patch + y;
        out[i] = narrow<T>(chw[line * side_w + row % gw * patch + x]);
    }
}

cudaError_t saint_cuda_patchify(const float *chw, int side_h, int side_w, int patch, void *out, saint_dtype type, cudaStream_t stream)
{
    int gw = side_w / patch;
    int64_t n = (int64_t)(side_h / patch) * gw * 3 * patch * patch;
    SAINT_FOR_TYPE(type, T, return SAINT_LAUNCH(patchify_kernel<T>, blocks_of(n, THREADS), THREADS, 0, stream, chw, side_h, side_w, patch, gw, n, (T *)out));
}

template <class S, class D, int V> __global__ void convert_kernel(const S *src, D *dst, size_t n)
{
    size_t first = ((size_t)blockIdx.x * blockDim.x + threadIdx.x) * V;
    if (first + V <= n) {
        pack<S, V> p = *(const pack<S, V> *)(src + first);
        pack<D, V> q;
        for (int j = 0; j < V; j++) q.v[j] = narrow<D>(widen(p.v[j]));
        *(pack<D, V> *)(dst + first) = q;
    } else {
        for (size_t i = first; i < n; i++) dst[i] = narrow<D>(widen(src[i]));
    }
}

/* A weight that lies behind another may begin anywhere. */
template <class S, class D> static cudaError_t convert_to(const S *src, D *dst, size_t n, cudaStream_t stream)
{
    bool wide = aligned_to(src, 4 * sizeof *src) && aligned_to(dst, 4 * sizeof *dst);
    auto kernel = wide ? convert_kernel<S, D, 4> : convert_kernel<S, D, 1>;
    return SAINT_LAUNCH(kernel, blocks_of((int64_t)n, (wide ? 4 : 1) * THREADS), THREADS, 0, stream, src, dst, n);
}

template <class S> static cudaError_t convert(const S *src, void *dst, saint_dtype to, size_t n, cudaStream_t stream)
{
    if (to == SAINT_F16) return convert_to(src, (f16 *)dst, n, stream);
    if (to == SAINT_BF16) return convert_to(src, (bf16 *)dst, n, stream);
    return convert_to(src, (float *)dst, n, stream);
}

cudaError_t saint_cuda_convert(const void *src, saint_dtype from, void *dst, saint_dtype to, size_t n, cudaStream_t stream)
{
    SAINT_FOR_TYPE(from, S, return convert((const S *)src, dst, to, n, stream));
}

__global__ void positions_kernel(float *x, int64_t rows, int each, int prefix, int64_t d, const float *pos, const float *cls)
{
    for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < rows * d; i += (int64_t)gridDim.x * blockDim.x) {
        int64_t at = i % (each * d);
        x[i] = at < prefix * d ? pos[at] + cls[at] : pos[at];
    }
}

cudaError_t saint_cuda_positions(float *x, int n, int each, int prefix, int64_t d, const float *pos, const float *cls, cudaStream_t stream)
{
    int64_t rows = (int64_t)n * each;
    return SAINT_LAUNCH(positions_kernel, blocks_of(rows * d, 4 * THREADS), THREADS, 0, stream, x, rows, each, prefix, d, pos, cls);
}

/* One block for 256 columns of each sequence, rows in order as the CPU sums them. */
__global__ void pool_kernel(const float *x, int64_t d, const int32_t *cu, int skip, const float *size, float *y)
{
    int64_t c = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    int seq = (int)blockIdx.y;
    if (c >= d) return;
    float sum = 0, weight = 0;
    for (int i = cu[seq] + skip; i < cu[seq + 1]; i++) {
        sum += size[i] * x[i * d + c];
        weight += size[i];
    }
    y[seq * d + c] = sum / (weight > 0 ? weight : 1);
}

cudaError_t saint_cuda_pool_rows(const float *x, int64_t d, int n_seqs, const int32_t *cu, int skip, const float *size, float *y,
                                 cudaStream_t stream)
{
    dim3 grid(blocks_of(d, THREADS), (unsigned)n_seqs);
    return SAINT_LAUNCH(pool_kernel, grid, THREADS, 0, stream, x, d, cu, skip, size, y);
}

/* Rows of `units` units, one block for each. */
template <class U> __global__ void gather_kernel(const U *src, const int32_t *idx, int64_t units, U *dst)
{
    src += idx[blockIdx.x] * units;
    dst += (int64_t)blockIdx.x * units;
    for (int64_t i = threadIdx.x; i < units; i += blockDim.x) dst[i] = src[i];
}

cudaError_t saint_cuda_gather(const void *src, const int32_t *idx, int64_t n, size_t row_bytes, void *dst, cudaStream_t stream)
{
    int64_t bytes = (int64_t)row_bytes;
    if (bytes % 16 == 0 && aligned_to(src, 16) && aligned_to(dst, 16))
        return SAINT_LAUNCH(gather_kernel<uint4>, (unsigned)n, 128, 0, stream, (const uint4 *)src, idx, bytes / 16, (uint4 *)dst);
    if (bytes % 4 == 0 && aligned_to(src, 4) && aligned_to(dst, 4))
        return SAINT_LAUNCH(gather_kernel<unsigned>, (unsigned)n, 128, 0, stream, (const unsigned *)src, idx, bytes / 4, (unsigned *)dst);
    return SAINT_LAUNCH(gather_kernel<unsigned char>, (unsigned)n, 128, 0, stream, (const unsigned char *)src, idx, bytes, (unsigned char *)dst);
}

/* ---- rope, mean over heads ---- */

template <class T> __global__ void rope_kernel(T *x, int64_t rows, int64_t ldx, int n_heads, int head_dim, const int32_t *pos, const float *inv_freq)
{
    int half = head_dim / 2;
    int64_t at = (int64_t)blockIdx.x * blockDim.x + threadIdx.x, row = at / half;
    int i = (int)(at % half);
    if (row >= rows) return;
    float angle = (float)pos[row] * inv_freq[i], cosine = cosf(angle), sine = sinf(angle);
    /* blockIdx.y: eight heads, so that a short prompt still fills the device */
    for (int h = (int)blockIdx.y * 8; h < n_heads && h < (int)blockIdx.y * 8 + 8; h++) {
        T *p = x + row * ldx + (int64_t)h * head_dim + i;
        float lo = widen(p[0]), hi = widen(p[half]);
        p[0] = narrow<T>(lo * cosine - hi * sine);
        p[half] = narrow<T>(hi * cosine + lo * sine);
    }
}

cudaError_t saint_cuda_rope(void *x, saint_dtype type, int64_t rows, int64_t ldx, int n_heads, int head_dim, const int32_t *pos,
                            const float *inv_freq, cudaStream_t stream)
{
    dim3 grid(blocks_of(rows * (head_dim / 2), THREADS), blocks_of(n_heads, 8));
    SAINT_FOR_TYPE(type, T, return SAINT_LAUNCH(rope_kernel<T>, grid, THREADS, 0, stream, (T *)x, rows, ldx, n_heads, head_dim, pos, inv_freq));
}

template <class T> __global__ void mean_kernel(const T *x, int64_t rows, int64_t ldx, int n_heads, int head_dim, float *out)
{
    int64_t at = (int64_t)blockIdx.x * blockDim.x + threadIdx.x, row = at / head_dim;
    if (row >= rows) return;
    x += row * ldx + at % head_dim;
    float sum = 0;
    for (int h = 0; h < n_heads; h++) sum += widen(x[(int64_t)h * head_dim]); /* in order: selection reads these bits */
    out[at] = sum / (float)n_heads;
}

cudaError_t saint_cuda_mean_heads(const void *x, saint_dtype type, int64_t rows, int64_t ldx, int n_heads, int head_dim, float *out,
                                  cudaStream_t stream)
{
    SAINT_FOR_TYPE(type, T, return SAINT_LAUNCH(mean_kernel<T>, blocks_of(rows * head_dim, THREADS), THREADS, 0, stream, (const T *)x, rows, ldx, n_heads, head_dim, out));
}
