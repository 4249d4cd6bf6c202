/* self_check.h - whether a device computes what the CPU computes, asked before somebody who left the choice to the program is given it. */
#ifndef SAINT_BACKEND_SELF_CHECK_H
#define SAINT_BACKEND_SELF_CHECK_H

#include "backend/backend.h"

/* A product with a bias, one of a single row, and causal attention over its rows, on b and on the CPU (f32, on the pool). SAINT_DEVICE when they
 * differ by more than roundings of b's type make; otherwise what an operation said. A few milliseconds once the device is awake. Closes b,
 * which keeps copies of the numbers that this makes up. */
saint_status saint_backend_self_check(saint_backend *b, saint_pool *pool, saint_error *err);

#endif
