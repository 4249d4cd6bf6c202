/* fake_internal.h - what the two halves of the emulated device share: fake_runtime.c and fake_lt.c, and the launches of emulate.h. */
#ifndef SAINT_TESTS_GPU_FAKE_INTERNAL_H
#define SAINT_TESTS_GPU_FAKE_INTERNAL_H

#include <cuda_runtime_api.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Work for a stream: kept until somebody waits for it, so that memory which the host changes too early is seen changed. The stream takes ctx
 * over and drops it; a graph that the stream is recording keeps it instead. */
typedef cudaError_t (*fake_work)(void *ctx);
cudaError_t fake_queue(cudaStream_t s, fake_work run, void (*drop)(void *ctx), void *ctx);
/* Counts one call; what it has to fail with, or cudaSuccess. fake_call: a call of the runtime, which remembers its last error. */
cudaError_t fake_count(const char *name);
cudaError_t fake_call(const char *name);
/* The error of a call of the runtime, remembered for cudaGetLastError. */
cudaError_t fake_told(cudaError_t e);
/* A kernel is about to be launched: loaded when it is so for the first time on a device, which allocates and waits as no recording may. */
void fake_load(const void *kernel, cudaStream_t s);
/* Dynamic shared memory that a kernel may use on the calling thread's device, as cudaFuncSetAttribute has said; 0: it has not. */
size_t fake_shared_of(const void *kernel);
void fake_count_object(int change);
void fake_count_launch(void);
cudaError_t fake_sticky(void);

#ifdef __cplusplus
}
#endif
#endif
