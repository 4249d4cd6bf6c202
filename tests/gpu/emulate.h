/* emulate.h - the device's side of the kernels as plain C++: the same sources run on the CPU, one block after the other, every thread of a
 * block a fibre. Slow and strict:
 *   a launch waits in its stream until somebody waits for the stream (fake_runtime.c),
 *   barriers and shuffles wait for all; a shuffle that some lane of the warp has left ends the test,
 *   copies to shared memory arrive as late as they may, in every third block at once; shared memory begins as NaN in every block,
 *   blocks run in ascending or descending order by turns,
 *   a warp runs as far ahead as it can, in ascending (even blocks) or descending order (odd ones), so a missing barrier shows,
 *   ldmatrix and mma.sync move values between lanes as the PTX manual lays them out. */
#ifndef SAINT_TESTS_GPU_EMULATE_H
#define SAINT_TESTS_GPU_EMULATE_H

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <tuple>

#include "gpu/fake_internal.h"

#undef __global__
#undef __device__
#undef __shared__
#undef __forceinline__
#undef __launch_bounds__
#undef __align__
#define __global__
#define __device__
#define __shared__ static __attribute__((section("emu_static")))
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(n) alignas(n)

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;

union emu_slot {
    struct {
        unsigned a[4], b[2];
    };
    double d;
    const void *p;
};
extern unsigned char *emu_shared;
void emu_block_barrier();
/* What this lane will say in its next exchange, to be filled; then the exchange waits for the warp and returns the 32 slots, valid until the
 * lane's next one. */
emu_slot *emu_offer();
const emu_slot *emu_exchange();
int emu_lane();
void emu_copy_later(void *to, const void *from, bool valid);
void emu_commit();
void emu_wait(int groups_left);
/* Who runs: which launch, block of it, thread of that, and how many barriers of the block lie behind it. False outside of kernels. */
struct emu_place {
    unsigned launch, block, thread, barriers;
};
bool emu_place_of(emu_place *out);
/* A copy behind a thread's back reads or writes 16 bytes. Does nothing but in programs with race.cc, which knows of all other accesses. */
void emu_touch(const void *at, bool write);
/* Memory of kernels that is no device's: stacks of the threads, and the program itself; shared memory, which each block has for itself. */
bool emu_is_own(const void *p);
bool emu_is_shared(const void *p);
typedef void (*emu_call)(void *ctx);
cudaError_t emu_launch(dim3 grid, dim3 block, size_t shared, emu_call call, void *ctx);
[[noreturn]] void emu_fail(const char *why);

/* A launch as it was asked for: a stream runs it late, a graph again and again. */
template <class... P> struct emu_held {
    void (*kernel)(P...);
    dim3 grid, block;
    size_t shared;
    std::tuple<P...> args;
    static void body(void *ctx) { std::apply(((emu_held *)ctx)->kernel, ((emu_held *)ctx)->args); }
    static cudaError_t run(void *ctx)
    {
        emu_held *h = (emu_held *)ctx;
        return emu_launch(h->grid, h->block, h->shared, body, h);
    }
    static void drop(void *ctx) { free(ctx); }
};
/* What a device says of a launch at once. */
cudaError_t emu_check(const void *kernel, dim3 grid, dim3 block, size_t shared);

template <class... P, class... A>
static cudaError_t emu_go(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared, cudaStream_t stream, const A &...args)
{
    if (fake_call("a kernel launch") != cudaSuccess || emu_check((const void *)kernel, grid, block, shared) != cudaSuccess) return cudaGetLastError();
    typedef emu_held<P...> held;
    static_assert(std::is_trivially_destructible<held>::value, "arguments of kernels are plain data");
    void *p = malloc(sizeof(held));
    if (!p) emu_fail("no memory for a launch");
    held h = {kernel, grid, block, shared, std::tuple<P...>((P)args...)};
    memcpy(p, (const void *)&h, sizeof h);
    fake_load((const void *)kernel, stream);
    (void)fake_queue(stream, held::run, held::drop, p);
    return cudaGetLastError(); /* of whatever came before, too, as behind <<<>>> */
}
#define SAINT_LAUNCH(kernel, grid, block, shared, stream, ...) emu_go(kernel, grid, block, shared, stream, __VA_ARGS__)
#define SAINT_SHARED(name) unsigned char *name = emu_shared
#define __syncthreads() emu_block_barrier()

template <class T> static inline float widen(T x);
template <> inline float widen(float x) { return x; }
template <> inline float widen(f16 x) { return saint_f16_to_f32(x.bits); }
template <> inline float widen(bf16 x) { return saint_bf16_to_f32(x.bits); }
template <class T> static inline T narrow(float x);
template <> inline float narrow<float>(float x) { return x; }
template <> inline f16 narrow<f16>(float x) { return f16{saint_f32_to_f16(x)}; }
template <> inline bf16 narrow<bf16>(float x) { return bf16{saint_f32_to_bf16(x)}; }
template <class T> static inline unsigned pack2(float lo, float hi) { return (unsigned)narrow<T>(lo).bits | (unsigned)narrow<T>(hi).bits << 16; }

static inline double shuffle_any(double x, int lane)
{
    emu_offer()->d = x;
    return emu_exchange()[lane].d;
}
template <class T> static inline T shuffle_xor(T x, int mask) { return (T)shuffle_any(x, emu_lane() ^ mask); }
static inline float shuffle(float x, int lane) { return (float)shuffle_any(x, lane & 31); }

static inline float times(float a, float b) { return a * b; } /* built without contraction */
static inline double times(double a, double b) { return a * b; }

static inline void copy16(void *shared, const void *src, bool valid) { emu_copy_later(shared, src, valid); }
static inline void copies_commit() { emu_commit(); }
template <int LEFT> static inline void copies_wait() { emu_wait(LEFT); }

static inline void emu_load_matrices(unsigned (&r)[4], const void *row, bool turned)
{
    emu_offer()->p = row;
    if ((uintptr_t)row % 16) emu_fail("ldmatrix: a row is not 16-byte aligned");
    const emu_slot *all = emu_exchange();
    int lane = emu_lane();
    for (int i = 0; i < 4; i++) {
        unsigned short v[2];
        for (int e = 0; e < 2; e++) {
            int y = turned ? 2 * (lane % 4) + e : lane / 4, x = turned ? lane / 4 : 2 * (lane % 4) + e;
            v[e] = ((const unsigned short *)all[8 * i + y].p)[x];
        }
        r[i] = v[0] | (unsigned)v[1] << 16;
    }
}
static inline void load_matrices(unsigned (&r)[4], const void *row) { emu_load_matrices(r, row, false); }
static inline void load_matrices_turned(unsigned (&r)[4], const void *row) { emu_load_matrices(r, row, true); }

template <class T> static inline float emu_half(unsigned word, int i)
{
    T x = {(unsigned short)(word >> 16 * i)};
    return widen(x);
}

template <class T> static inline void multiply(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1)
{
    emu_slot *mine = emu_offer();
    memcpy(mine->a, a, sizeof mine->a);
    mine->b[0] = b0;
    mine->b[1] = b1;
    const emu_slot *all = emu_exchange();
    int lane = emu_lane();
    for (int i = 0; i < 4; i++) {
        int row = lane / 4 + 8 * (i / 2), col = lane % 4 * 2 + i % 2;
        float sum = c[i];
        for (int k = 0; k < 16; k++) {
            float x = emu_half<T>(all[row % 8 * 4 + k % 8 / 2].a[row / 8 + 2 * (k / 8)], k % 2);
            float y = emu_half<T>(all[col * 4 + k % 8 / 2].b[k / 8], k % 2);
            sum += x * y;
        }
        c[i] = sum;
    }
}

#endif
