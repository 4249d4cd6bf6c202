/* memory.h - the most memory that this process needed for a piece of work. */
#ifndef SAINT_APP_EVAL_MEMORY_H
#define SAINT_APP_EVAL_MEMORY_H

#include <stdint.h>

/* Begin anew: the peak is what is resident now. Where the kernel does not allow that (/proc/self/clear_refs), the peak stays that of the
 * process's whole life, which is no less. */
void eval_memory_begin(void);
/* Most resident bytes since: VmHWM, which counts the pages of mapped weights that were read, checkpoints and pictures that wait. 0: this
 * system does not tell. */
uint64_t eval_memory_peak(void);

#endif
