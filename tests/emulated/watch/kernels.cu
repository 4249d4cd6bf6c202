/* kernels.cu - four ways for threads to be in each other's way, and the same work in order: what race.cc has to tell apart. */
#include "backend/cuda/device.cuh"

enum { THREADS = 64 };

/* Each reads what its neighbour has written to shared memory. */
__global__ void neighbours_kernel(bool ordered, float *x)
{
    __shared__ float s[THREADS];
    s[threadIdx.x] = (float)threadIdx.x;
    if (ordered) __syncthreads();
    x[blockIdx.x * THREADS + threadIdx.x] = s[(threadIdx.x + 1) % THREADS];
}

/* A tile is filled again while others may still read it. */
__global__ void rounds_kernel(bool ordered, float *x)
{
    __shared__ float s[THREADS];
    float sum = 0;
    for (int i = 0; i < 3; i++) {
        s[threadIdx.x] = (float)i;
        __syncthreads();
        sum += s[(threadIdx.x + 1) % THREADS];
        if (ordered) __syncthreads();
    }
    x[blockIdx.x * THREADS + threadIdx.x] = sum;
}

/* Two blocks write to the same place in the device's memory. */
__global__ void blocks_kernel(bool ordered, float *x)
{
    if (threadIdx.x == 0) x[ordered ? blockIdx.x : 0] = 1;
}

/* A copy that its own thread has waited for, and nobody else. */
__global__ void copies_kernel(bool ordered, float *x)
{
    SAINT_SHARED(raw);
    float *s = (float *)raw;
    if (threadIdx.x < THREADS / 4) copy16(s + 4 * threadIdx.x, x + 4 * threadIdx.x, true);
    copies_commit();
    copies_wait<0>();
    if (ordered) __syncthreads();
    x[(1 + blockIdx.x) * THREADS + threadIdx.x] = s[threadIdx.x];
}

extern "C" cudaError_t watch_launch(int which, bool ordered, float *x, cudaStream_t stream)
{
    auto kernel = which == 0 ? neighbours_kernel : which == 1 ? rounds_kernel : which == 2 ? blocks_kernel : copies_kernel;
    return SAINT_LAUNCH(kernel, 2, THREADS, THREADS * sizeof(float), stream, ordered, x);
}
