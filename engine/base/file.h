/* file.h - whole files into memory and onto disk. */
#ifndef SAINT_BASE_FILE_H
#define SAINT_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* Read a regular file of at most max_bytes; *out is malloc'ed and has a terminating 0 behind its n bytes. SAINT_IO names the path. */
saint_status saint_file_read(const char *path, size_t max_bytes, char **out, size_t *n, saint_error *err);
/* Write beside `path`, fsync, rename over it: a reader sees the old file or the whole new one. A link keeps pointing at what was
 * written; what is no regular file (a device, a pipe) is written into and stays what it is. */
saint_status saint_file_write(const char *path, const void *data, size_t n, saint_error *err);
bool saint_file_exists(const char *path);

/* A read-only map of a whole regular file. */
typedef struct {
    const unsigned char *data;
    size_t bytes;
} saint_map;
saint_status saint_map_open(const char *path, saint_map *out, saint_error *err);
void saint_map_close(saint_map *m);

#endif
