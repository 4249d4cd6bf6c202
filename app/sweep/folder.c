#define _GNU_SOURCE
#include "sweep/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static saint_status refused(const char *path, int why, saint_error *err)
{
    return saint_fail(err, SAINT_IO, "%s: cannot be made: %s; give a folder that can be written with --out", path, strerror(why));
}

static saint_status make(const char *path, saint_error *err)
{
    struct stat st;
    if (mkdir(path, 0777) == 0) return SAINT_OK;
    int why = errno;
    if (why == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) return SAINT_OK;
    return refused(path, why == EEXIST ? ENOTDIR : why, err);
}

saint_status sweep_folder_make(const char *folder, saint_error *err)
{
    char path[4096 + 16];
    if (strlen(folder) > 4000) return saint_fail(err, SAINT_INVALID, "--out: expected a path of at most 4000 bytes");
    snprintf(path, sizeof path, "%s", folder);
    for (char *p = path + 1; (p = strchr(p, '/')); p++) {
        struct stat st;
        *p = 0;
        if (stat(path, &st) != 0 && mkdir(path, 0777) != 0 && errno != EEXIST) return refused(path, errno, err);
        *p = '/';
    }
    saint_status s = make(folder, err);
    snprintf(path, sizeof path, "%s/journal", folder);
    if (s == SAINT_OK) s = make(path, err);
    snprintf(path, sizeof path, "%s/claims", folder);
    return s == SAINT_OK ? make(path, err) : s;
}

saint_status sweep_folder_sync(const char *folder, saint_error *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return saint_fail(err, SAINT_IO, "%s: cannot be opened: %s", folder, strerror(errno));
    /* EINVAL: a file system whose folders need no syncing */
    bool ok = fsync(fd) == 0 || errno == EINVAL || errno == EROFS;
    int why = errno;
    close(fd);
    return ok ? SAINT_OK : saint_fail(err, SAINT_IO, "%s: cannot be written: %s", folder, strerror(why));
}
