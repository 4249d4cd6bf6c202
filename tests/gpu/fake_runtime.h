/* fake_runtime.h - what tests may do to the emulated device. */
#ifndef SAINT_TESTS_GPU_FAKE_RUNTIME_H
#define SAINT_TESTS_GPU_FAKE_RUNTIME_H

#include <stddef.h>

void fake_device_memory(size_t bytes);  /* how much it has */
size_t fake_device_used(void);
void fake_device_fails(int error);      /* from now on, as after a fault in a kernel; 0: no longer */
long fake_heuristics(void);             /* how often a product was prepared */
/* How often somebody waited for the stream, and for an event, since the process began. */
long fake_stream_waits(void);
long fake_event_waits(void);

#endif
