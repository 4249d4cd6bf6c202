/* errands.h - work that must not hold up the screen: one thread, one queue, results handed back on the thread of the loop.
 *
 * Reading a sweep's folder and drawing a figure are such errands; a model's runs have a worker of their own (engine job.h). */
#ifndef SAINT_APP_UI_ERRANDS_H
#define SAINT_APP_UI_ERRANDS_H

#include "engine.h"

typedef struct errands errands;

saint_status errands_open(errands **out, saint_error *err);
/* Waits for the one under way; the rest is dropped without having been done. NULL is allowed. */
void errands_close(errands *e);
/* Readable when errands_deliver has something to do. */
int errands_fd(const errands *e);
/* Queue: work(ud) on the thread, then done(context, ud) by errands_deliver, then release(ud), in any case. SAINT_MEMORY: nothing happens, ud
 * stays the caller's. */
saint_status errands_add(errands *e, void (*work)(void *ud), void (*done)(void *context, void *ud), void (*release)(void *ud), void *ud,
                         saint_error *err);
/* Hand over what is finished; returns how many. */
int errands_deliver(errands *e, void *context);
bool errands_busy(errands *e); /* one waits, is under way, or is not delivered yet */

#endif
