/* compact.cu - what a decision does to the rows: merges, the list of survivors, the tables that travel with them, the hidden state. */
#include "backend/cuda/device.cuh"

namespace {

enum { THREADS = 256 };

/* Rows of sequence s in front of its candidates, candidates, and all. */
struct bounds {
    int first, front, n, all;
};

__device__ bounds bounds_of(const saint_cuda_choose_args &a, int s)
{
    bounds b;
    b.first = a.cu[s];
    b.all = a.cu[s + 1] - b.first;
    b.front = a.n_prefix < b.all ? a.n_prefix : b.all;
    b.n = b.all - b.front;
    if (a.window >= 0 && a.window < b.n) b.n = a.window;
    return b;
}

/* One block for a candidate: x := mean of itself and all that merge into it, weighted by size and added in the order of the list. A token
 * that merges is nobody's target, so no block reads what another writes. */
__global__ void merge_kernel(saint_cuda_choose_args a)
{
    int s = (int)blockIdx.y, i = (int)blockIdx.x;
    bounds b = bounds_of(a, s);
    int at = b.first + b.front, n = a.record.choice[s].n_merge;
    if (i >= b.n || n == 0) return;
    const int32_t *from = a.record.merge_from + at, *into = a.record.merge_into + at;
    float own = a.from.size[at + i], sum = 0;
    for (int k = 0; k < n; k++)
        if (into[k] == i) sum += a.from.size[at + from[k]];
    if (sum == 0) return;
    float *y = a.x + (int64_t)(at + i) * a.d;
    for (int64_t c = threadIdx.x; c < a.d; c += blockDim.x) {
        float v = times(y[c], own);
        for (int k = 0; k < n; k++)
            if (into[k] == i) v += times(a.x[(int64_t)(at + from[k]) * a.d + c], a.from.size[at + from[k]]);
        y[c] = v / (own + sum);
    }
    __syncthreads();
    if (threadIdx.x == 0) a.from.size[at + i] = own + sum;
}

/* One block for a sequence: where its rows begin follows from what the others before it keep. */
__global__ void list_kernel(saint_cuda_choose_args a)
{
    __shared__ double part[32];
    int s = (int)blockIdx.x;
    double before = 0;
    for (int q = (int)threadIdx.x; q < s; q += (int)blockDim.x) {
        bounds b = bounds_of(a, q);
        before += b.all - b.n + a.record.choice[q].n_keep;
    }
    int base = (int)block_sum(before, part);
    bounds b = bounds_of(a, s);
    int keep = a.record.choice[s].n_keep, total = b.all - b.n + keep, at = b.first + b.front;
    if (threadIdx.x == 0) {
        a.cu_to[s + 1] = base + total;
        if (s == 0) a.cu_to[0] = 0;
    }
    for (int t = (int)threadIdx.x; t < total; t += (int)blockDim.x) {
        int row = t < b.front ? b.first + t : t < b.front + keep ? at + a.record.kept[at + t - b.front] : at + b.n + (t - b.front - keep);
        float size = a.from.size[row];
        a.list[base + t] = row;
        a.to.patch[base + t] = a.from.patch[row];
        a.to.pos[base + t] = a.from.pos[row];
        a.to.size[base + t] = size;
        a.to.bias[base + t] = logf(size);
    }
}

/* One block for a row that may be there. */
template <class U> __global__ void gather_kernel(const U *x, const int32_t *list, const int32_t *rows, int64_t units, U *to)
{
    if ((int)blockIdx.x >= *rows) return;
    x += list[blockIdx.x] * units;
    to += (int64_t)blockIdx.x * units;
    for (int64_t i = threadIdx.x; i < units; i += blockDim.x) to[i] = x[i];
}

} // namespace

cudaError_t saint_cuda_compact(const saint_cuda_choose_args *a, cudaStream_t stream)
{
    cudaError_t e = cudaSuccess;
    unsigned n = (unsigned)a->n_seqs;
    if (a->rule == SAINT_RULE_MATCH && a->most > 0) e = SAINT_LAUNCH(merge_kernel, dim3((unsigned)a->most, n), 128, 0, stream, *a);
    return e == cudaSuccess ? SAINT_LAUNCH(list_kernel, n, THREADS, 0, stream, *a) : e;
}

cudaError_t saint_cuda_gather_list(const saint_cuda_choose_args *a, int rows_to, cudaStream_t stream)
{
    if (rows_to == 0) return cudaSuccess;
    const int32_t *total = a->cu_to + a->n_seqs;
    if (a->d % 4 == 0 && aligned_to(a->x, 16) && aligned_to(a->x_to, 16))
        return SAINT_LAUNCH(gather_kernel<uint4>, (unsigned)rows_to, 128, 0, stream, (const uint4 *)a->x, a->list, total, a->d / 4, (uint4 *)a->x_to);
    return SAINT_LAUNCH(gather_kernel<unsigned>, (unsigned)rows_to, 128, 0, stream, (const unsigned *)a->x, a->list, total, a->d, (unsigned *)a->x_to);
}
