/* lines.h - one JSON object per line, each with its own CRC-32, so that a reader can tell a whole line from the remains of one.
 *
 *   {"v":1,...,"crc":"0a1b2c3d"}\n       the CRC is that of everything before ,"crc"
 *
 * A process that dies, a full disk or a power cut leave at most one torn line at the end of a file; whatever is torn is not done. */
#ifndef SAINT_APP_SWEEP_LINES_H
#define SAINT_APP_SWEEP_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine.h"

enum { SWEEP_LINE_MAX = 64 << 20 };

/* CRC-32 of IEEE 802.3, as zlib's crc32(0, data, n). */
uint32_t sweep_crc32(const void *data, size_t n);

/* object: the text of a JSON object, "{...}". The line with its newline, malloc'ed; NULL: no memory. *n: its bytes. */
char *sweep_line_seal(const char *object, size_t *n);

typedef struct {
    const char *text; /* the object as it was sealed, without crc and closing brace: [n] bytes, not terminated */
    size_t n;
    bool torn;        /* the line is there, but not whole */
} sweep_line;

/* The next line of buf [n] behind *at, which moves behind its newline. false: no newline any more; what is left from *at is a line that is
 * still being written, or was never finished. */
bool sweep_line_next(const char *buf, size_t n, size_t *at, sweep_line *out);

/* Append one sealed line to fd (opened with O_APPEND) in a single write. When it cannot be written whole, what was written of it is taken
 * back. SAINT_IO naming path and reason. */
saint_status sweep_line_append(int fd, const char *path, const char *object, saint_error *err);

#endif
