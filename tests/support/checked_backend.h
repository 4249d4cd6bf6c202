/* checked_backend.h - a CPU backend whose memory nobody but its operations can touch.
 *
 * Allocations lie in pages that are mapped without access; every operation opens them on entry and closes them on return. Host code that
 * reads or writes a backend pointer dies with SIGSEGV and one line that says so. Operations also refuse host pointers where the contract
 * wants backend memory and the other way round. A device behaves like this, so what runs here runs there. */
#ifndef SAINT_TESTS_SUPPORT_CHECKED_BACKEND_H
#define SAINT_TESTS_SUPPORT_CHECKED_BACKEND_H

#include "backend/backend.h"

/* inner is taken over. Install the message for SIGSEGV with saint_checked_report. */
saint_status saint_checked_backend_open(saint_backend **out, saint_backend *inner, saint_error *err);
void saint_checked_report(void);
/* Operations that ran, without memory management; and of them those that brought results to the host. */
long saint_checked_backend_calls(const saint_backend *b);
long saint_checked_backend_reads(const saint_backend *b);

#endif
