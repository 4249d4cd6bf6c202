#define _GNU_SOURCE
#include "sweep/alone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

static bool only_one(int fd)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        (void)flock(fd, LOCK_SH);
        return true;
    }
    /* asking has given up our share: take it again, behind whoever is asking just now */
    while (flock(fd, LOCK_SH) != 0 && errno == EINTR) continue;
    return false;
}

const char *sweep_alone_folder(void)
{
    const char *t = getenv("TMPDIR");
    return t && *t ? t : "/tmp";
}

void sweep_alone_begin(sweep_alone *a, const char *folder, const char *device)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/saint-%ld-%s.lock", folder, (long)getuid(), device);
    a->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    a->was = true;
    if (a->fd < 0) return;
    while (flock(a->fd, LOCK_SH) != 0 && errno == EINTR) continue;
    a->was = only_one(a->fd);
}

bool sweep_alone_now(sweep_alone *a)
{
    bool now = a->fd < 0 || only_one(a->fd), both = now && a->was;
    a->was = now;
    return both;
}

void sweep_alone_mark(sweep_alone *a, eval_result *r)
{
    if (sweep_alone_now(a)) return;
    r->timing_valid = false;
    if (r->company == EVAL_ALONE) r->company = EVAL_WITH_OTHERS;
}

void sweep_alone_end(sweep_alone *a)
{
    if (a->fd >= 0) close(a->fd);
    a->fd = -1;
}
