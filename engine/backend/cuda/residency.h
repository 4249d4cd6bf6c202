/* residency.h - which host arrays have a copy on the device: host address, element type and count to device address. Plain C, no device. */
#ifndef SAINT_BACKEND_CUDA_RESIDENCY_H
#define SAINT_BACKEND_CUDA_RESIDENCY_H

#include <stdbool.h>

#include "base/dtype.h"
#include "base/status.h"

typedef struct {
    const void *host;
    size_t count;
    saint_dtype from, to;  /* as the host has it, as the device has it */
    const void *joined[2]; /* what lies behind it on the device, when several arrays are one there; else NULL */
} saint_resident_key;

typedef struct saint_residency saint_residency;
saint_status saint_residency_new(saint_residency **out, saint_error *err);
void saint_residency_free(saint_residency *r); /* the device copies are the caller's; NULL is allowed */
/* The device address, or NULL when it has not been put. */
void *saint_residency_find(const saint_residency *r, const saint_resident_key *key);
/* The key must be new. bytes: what the copy takes on the device. */
saint_status saint_residency_put(saint_residency *r, const saint_resident_key *key, void *device, size_t bytes, saint_error *err);
/* Calls fn with every device address, in no order, and forgets them all. */
void saint_residency_clear(saint_residency *r, void (*fn)(void *ctx, void *device), void *ctx);
size_t saint_residency_count(const saint_residency *r);
size_t saint_residency_bytes(const saint_residency *r);

#endif
