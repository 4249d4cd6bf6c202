/* device.cuh - the little that all kernels share: 16-bit types, reductions, copies into shared memory, the tensor core's instructions.
 * Everything that is not plain C++ is here, so that tests/gpu can compile the same kernels for the CPU (SAINT_EMULATE). */
#ifndef SAINT_BACKEND_CUDA_DEVICE_CUH
#define SAINT_BACKEND_CUDA_DEVICE_CUH

#include "backend/cuda/kernels.h"

struct f16 {
    unsigned short bits;
};
struct bf16 {
    unsigned short bits;
};

#ifdef SAINT_EMULATE
#include "gpu/emulate.h"
#else

#define SAINT_LAUNCH(kernel, grid, block, shared, stream, ...) \
    (kernel<<<(grid), (block), (shared), (stream)>>>(__VA_ARGS__), cudaGetLastError())
#define SAINT_SHARED(name) extern __shared__ __align__(16) unsigned char name[]

template <class T> __device__ __forceinline__ float widen(T x);
template <> __device__ __forceinline__ float widen(float x) { return x; }
template <> __device__ __forceinline__ float widen(f16 x)
{
    float y;
    asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
    return y;
}
template <> __device__ __forceinline__ float widen(bf16 x) { return __uint_as_float((unsigned)x.bits << 16); }

template <class T> __device__ __forceinline__ T narrow(float x);
template <> __device__ __forceinline__ float narrow<float>(float x) { return x; }
template <> __device__ __forceinline__ f16 narrow<f16>(float x)
{
    f16 y;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
    return y;
}
template <> __device__ __forceinline__ bf16 narrow<bf16>(float x)
{
    bf16 y;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
    return y;
}

/* Two values in one word, lo in the low half. */
template <class T> __device__ __forceinline__ unsigned pack2(float lo, float hi);
template <> __device__ __forceinline__ unsigned pack2<f16>(float lo, float hi)
{
    unsigned y;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(y) : "f"(hi), "f"(lo));
    return y;
}
template <> __device__ __forceinline__ unsigned pack2<bf16>(float lo, float hi)
{
    unsigned y;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(y) : "f"(hi), "f"(lo));
    return y;
}

template <class T> __device__ __forceinline__ T shuffle_xor(T x, int mask) { return __shfl_xor_sync(0xffffffffu, x, mask); }
__device__ __forceinline__ float shuffle(float x, int lane) { return __shfl_sync(0xffffffffu, x, lane); }

/* A product that is rounded by itself, as on the CPU: never half of a fused multiply-add. */
__device__ __forceinline__ float times(float a, float b) { return __fmul_rn(a, b); }
__device__ __forceinline__ double times(double a, double b) { return __dmul_rn(a, b); }

/* 16 bytes to shared memory behind the thread's back; zeros when not valid (src must be a readable address all the same). */
__device__ __forceinline__ void copy16(void *shared, const void *src, bool valid)
{
    unsigned to = (unsigned)__cvta_generic_to_shared(shared);
    int bytes = valid ? 16 : 0;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(src), "r"(bytes) : "memory");
}
__device__ __forceinline__ void copies_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int LEFT> __device__ __forceinline__ void copies_wait() { asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory"); }

/* Four 8 x 8 matrices of 16-bit values; lane l names row l % 8 of matrix l / 8. */
__device__ __forceinline__ void load_matrices(unsigned (&r)[4], const void *row)
{
    unsigned at = (unsigned)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(at)
                 : "memory");
}
__device__ __forceinline__ void load_matrices_turned(unsigned (&r)[4], const void *row)
{
    unsigned at = (unsigned)__cvta_generic_to_shared(row);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(at)
                 : "memory");
}

/* c[16, 8] += a[16, 16] b[16, 8], f32 sums */
template <class T> __device__ __forceinline__ void multiply(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1);
template <> __device__ __forceinline__ void multiply<f16>(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1)
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
template <> __device__ __forceinline__ void multiply<bf16>(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1)
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
#endif

/* V values that are read and written at once. */
template <class T, int V> struct alignas(sizeof(T) * V) pack {
    T v[V];
};

__device__ __forceinline__ float warp_sum(float x)
{
    for (int i = 16; i > 0; i >>= 1) x += shuffle_xor(x, i);
    return x;
}

__device__ __forceinline__ double warp_sum(double x)
{
    for (int i = 16; i > 0; i >>= 1) x += shuffle_xor(x, i);
    return x;
}

__device__ __forceinline__ float warp_max(float x)
{
    for (int i = 16; i > 0; i >>= 1) x = fmaxf(x, shuffle_xor(x, i));
    return x;
}

/* Sum over the block, the same in every thread and the same every time; part has room for 32. */
template <class T> __device__ __forceinline__ T block_sum(T x, T *part)
{
    int warps = (int)blockDim.x / 32, warp = (int)threadIdx.x / 32;
    x = warp_sum(x);
    __syncthreads(); /* part may still be read from the sum before */
    if (threadIdx.x % 32 == 0) part[warp] = x;
    __syncthreads();
    x = 0;
    for (int i = 0; i < warps; i++) x += part[i];
    return x;
}

__device__ __forceinline__ float block_max(float x, float *part)
{
    int warps = (int)blockDim.x / 32, warp = (int)threadIdx.x / 32;
    x = warp_max(x);
    __syncthreads();
    if (threadIdx.x % 32 == 0) part[warp] = x;
    __syncthreads();
    x = part[0];
    for (int i = 1; i < warps; i++) x = fmaxf(x, part[i]);
    return x;
}

/* Calls f<T>() for the element type. */
#define SAINT_FOR_TYPE(type, T, ...)              \
    do {                                          \
        if ((type) == SAINT_F16) {                \
            typedef f16 T;                        \
            __VA_ARGS__;                          \
        } else if ((type) == SAINT_BF16) {        \
            typedef bf16 T;                       \
            __VA_ARGS__;                          \
        } else {                                  \
            typedef float T;                      \
            __VA_ARGS__;                          \
        }                                         \
    } while (0)

static inline unsigned blocks_of(int64_t n, int64_t each) { return (unsigned)((n + each - 1) / each); }
static inline bool aligned_to(const void *p, size_t bytes) { return (uintptr_t)p % bytes == 0; }

#endif
