#define _GNU_SOURCE
#include "sweep/lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

uint32_t sweep_crc32(const void *data, size_t n)
{
    /* four bits at a time: sixteen words need no table on disk and no state */
    static const uint32_t table[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                       0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    const unsigned char *p = data;
    uint32_t c = 0xffffffffu;
    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        c = c >> 4 ^ table[c & 15];
        c = c >> 4 ^ table[c & 15];
    }
    return ~c;
}

static const char tail[] = ",\"crc\":\"";
enum { TAIL = sizeof tail - 1, CRC = 8, END = 2, SEAL = TAIL + CRC + END }; /* ,"crc":" 0a1b2c3d "} */

char *sweep_line_seal(const char *object, size_t *n)
{
    size_t body = strlen(object) - 1; /* without the closing brace */
    char *line = malloc(body + SEAL + 2);
    if (!line) return NULL;
    memcpy(line, object, body);
    *n = body + (size_t)snprintf(line + body, SEAL + 2, "%s%08x\"}\n", tail, sweep_crc32(object, body));
    return line;
}

static bool whole(const char *p, size_t n)
{
    char crc[CRC + 1];
    if (n <= SEAL || p[0] != '{' || memcmp(p + n - END, "\"}", END) != 0 || memcmp(p + n - SEAL, tail, TAIL) != 0) return false;
    snprintf(crc, sizeof crc, "%08x", sweep_crc32(p, n - SEAL));
    return memcmp(p + n - END - CRC, crc, CRC) == 0;
}

bool sweep_line_next(const char *buf, size_t n, size_t *at, sweep_line *out)
{
    const char *p = buf + *at, *newline = *at < n ? memchr(p, '\n', n - *at) : NULL;
    if (!newline) return false;
    size_t len = (size_t)(newline - p);
    *at += len + 1;
    *out = (sweep_line){.text = p, .torn = !whole(p, len)};
    out->n = out->torn ? len : len - SEAL;
    return true;
}

saint_status sweep_line_append(int fd, const char *path, const char *object, saint_error *err)
{
    size_t n = 0;
    struct stat before;
    char *line = sweep_line_seal(object, &n);
    if (!line) return saint_fail(err, SAINT_MEMORY, "%s: no memory for a line", path);
    if (fstat(fd, &before) != 0) before.st_size = -1;
    size_t done = 0;
    int why = 0;
    while (done < n) { /* a second turn only tells why the first was cut short */
        ssize_t w = write(fd, line + done, n - done);
        if (w > 0) done += (size_t)w;
        else if (w == 0 || errno != EINTR) break;
    }
    if (done < n) why = errno;
    free(line);
    if (done == n) return SAINT_OK;
    /* A reader would see the part as a torn line and leave it out; without it the file stays clean. */
    if (done && before.st_size >= 0 && ftruncate(fd, before.st_size) != 0) why = errno;
    return saint_fail(err, SAINT_IO, "%s: cannot be written: %s", path, why == EFBIG ? "no file may grow that large here" : strerror(why));
}
