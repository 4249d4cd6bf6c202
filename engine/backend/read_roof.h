/* read_roof.h - how fast this machine reads given memory: the roof of everything that reads weights once and does little with them.
 *
 * It is measured on the very bytes that are compared with it. The same machine reads different pages at different speeds (where they lie
 * among the memories of its sockets, how large they are, and on a shared machine who else is reading), by a factor of two and more. */
#ifndef SAINT_BACKEND_READ_ROOF_H
#define SAINT_BACKEND_READ_ROOF_H

#include <stddef.h>

#include "base/pool.h"

/* Seconds in which the threads of the pool read all of these pieces once, in order, each with several streams as the products of single rows
 * do. Ends of pieces below 256 bytes are left out. */
typedef struct {
    const void *at;
    size_t bytes;
} saint_read_piece;
double saint_read_seconds(saint_pool *pool, const saint_read_piece *piece, int n);

#endif
