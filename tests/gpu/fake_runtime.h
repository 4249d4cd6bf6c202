/* fake_runtime.h - what tests may do to the emulated devices, and what they may ask of them. */
#ifndef SAINT_TESTS_GPU_FAKE_RUNTIME_H
#define SAINT_TESTS_GPU_FAKE_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

void fake_device_count(int n);          /* 0 to 8; from now on. At first there is one */
void fake_device_memory(size_t bytes);  /* how much each has */
size_t fake_device_used(void);          /* on all of them */
size_t fake_device_used_on(int device);
size_t fake_device_peak(void);          /* the most since the last call of this */
long fake_refused(void);                /* allocations that found no room */
void fake_device_fails(int error);      /* from now on, as after a fault in a kernel; 0: no longer */
void fake_miscalculates(bool wrong);    /* cuBLASLt's sums are a little off from now on */
long fake_heuristics(void);             /* how often a product was prepared */
long fake_launches(void);               /* kernels and products that ran, replayed ones included */
long fake_replays(void);                /* graphs that were launched */
long fake_stream_waits(void);           /* how often somebody waited for all of a stream, downloads to pageable memory included */
long fake_event_waits(void);            /* and for an event */
int fake_objects(void);                 /* streams, events, graphs, pinned blocks, descriptions of products that nobody has destroyed */

/* The call of the runtime or of cuBLASLt with this number, counted from now as 1, fails with the error (a cudaError_t; out of memory becomes
 * the library's own). 0: none. Calls that only give something back never fail. */
void fake_fail_call(long number, int error);
long fake_calls(void);                  /* since fake_fail_call */
const char *fake_failed_call(void);     /* "" while none has */
const char *fake_called(long number);   /* the name of call 1, 2, .. since fake_fail_call; "" when it was too many */

/* Copies to a device since the log was cleared, in the order in which they were asked for. */
typedef struct {
    const void *from, *to;
    size_t bytes;
    int pinned; /* from pinned memory */
    int stream; /* 1, 2, ... in the order in which streams were made since the log was cleared; streams older than that are 0 */
} fake_copy;
void fake_log_clear(void);
int fake_log(const fake_copy **out);

#ifdef __cplusplus
}
#endif
#endif
