#define _GNU_SOURCE
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static saint_status open_regular(const char *path, int *fd, size_t *bytes, saint_error *err)
{
    struct stat st;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang the program */
    if (*fd < 0) return saint_fail(err, SAINT_IO, "%s: cannot be opened: %s", path, strerror(errno));
    if (fstat(*fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(*fd);
        return saint_fail(err, SAINT_IO, "%s: expected a regular file, found %s", path,
                          S_ISDIR(st.st_mode) ? "a directory" : "something else");
    }
    *bytes = (size_t)st.st_size;
    return SAINT_OK;
}

saint_status saint_file_read(const char *path, size_t max_bytes, char **out, size_t *n, saint_error *err)
{
    int fd;
    size_t size;
    saint_status s = open_regular(path, &fd, &size, err);
    if (s != SAINT_OK) return s;
    if (size > max_bytes) {
        close(fd);
        return saint_fail(err, SAINT_FORMAT, "%s: expected at most %zu bytes, found %zu", path, max_bytes, size);
    }
    char *p = malloc(size + 1);
    if (!p) {
        close(fd);
        return saint_fail(err, SAINT_MEMORY, "%s: no memory for %zu bytes", path, size);
    }
    size_t got = 0;
    while (got < size) {
        ssize_t r = read(fd, p + got, size - got);
        if (r < 0 && errno == EINTR) continue;
        if (r <= 0) break;
        got += (size_t)r;
    }
    close(fd);
    if (got != size) {
        free(p);
        return saint_fail(err, SAINT_IO, "%s: expected %zu bytes, could read only %zu", path, size, got);
    }
    p[size] = 0;
    *out = p;
    *n = size;
    return SAINT_OK;
}

static bool write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t w = write(fd, p, n);
        if (w < 0 && errno == EINTR) continue;
        if (w <= 0) return false;
        p += w;
        n -= (size_t)w;
    }
    return true;
}

/* A device, a pipe or a terminal is written into: renaming over it would put a file in its place (as root, even over /dev/null). */
static saint_status write_into(const char *path, const void *data, size_t n, saint_error *err)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return saint_fail(err, SAINT_IO, "%s: cannot be written: %s", path, strerror(errno));
    bool ok = write_all(fd, data, n);
    int why = errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        why = errno;
    }
    return ok ? SAINT_OK : saint_fail(err, SAINT_IO, "%s: cannot be written: %s", path, strerror(why));
}

/* The new content appears under its name whole or not at all. */
static saint_status replace(const char *path, const void *data, size_t n, saint_error *err)
{
    size_t len = strlen(path) + 16;
    char *tmp = malloc(len);
    if (!tmp) return saint_fail(err, SAINT_MEMORY, "%s: no memory", path);
    snprintf(tmp, len, "%s.XXXXXX", path);
    int fd = mkostemp(tmp, O_CLOEXEC);
    if (fd < 0) {
        saint_fail(err, SAINT_IO, "%s: cannot be written: %s", path, strerror(errno));
        free(tmp);
        return SAINT_IO;
    }
    mode_t mask = umask(0);
    umask(mask);
    bool ok = write_all(fd, data, n) && fchmod(fd, 0666 & ~mask) == 0 && fsync(fd) == 0;
    int why = errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        why = errno;
    }
    if (ok && rename(tmp, path) != 0) {
        ok = false;
        why = errno;
    }
    if (!ok) {
        unlink(tmp);
        saint_fail(err, SAINT_IO, "%s: cannot be written: %s", path, strerror(why));
    }
    free(tmp);
    return ok ? SAINT_OK : SAINT_IO;
}

saint_status saint_file_write(const char *path, const void *data, size_t n, saint_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0) return replace(path, data, n, err);
    if (!S_ISREG(st.st_mode)) return write_into(path, data, n, err);
    char *target = realpath(path, NULL); /* a link stays a link */
    if (!target) return saint_fail(err, SAINT_IO, "%s: cannot be written: %s", path, strerror(errno));
    saint_status s = replace(target, data, n, err);
    free(target);
    return s;
}

bool saint_file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

saint_status saint_map_open(const char *path, saint_map *out, saint_error *err)
{
    int fd;
    size_t size;
    *out = (saint_map){0};
    saint_status s = open_regular(path, &fd, &size, err);
    if (s != SAINT_OK) return s;
    if (size) {
        void *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED) {
            s = saint_fail(err, SAINT_IO, "%s: cannot be mapped: %s", path, strerror(errno));
            close(fd);
            return s;
        }
        out->data = p;
    }
    out->bytes = size;
    close(fd);
    return SAINT_OK;
}

void saint_map_close(saint_map *m)
{
    if (m && m->data) munmap((void *)(uintptr_t)m->data, m->bytes);
    if (m) *m = (saint_map){0};
}
