#define _GNU_SOURCE
#include "device_use.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char ours[] = "saint used this device: ";

/* ---- names ------------------------------------------------------------------------------------------------------- */

const char *device_use_folder(void)
{
    const char *t = getenv("TMPDIR");
    return t && *t ? t : "/tmp";
}

/* The n-th of a list with commas, as far as it is a name for a file. */
static void entry_of(const char *list, int n, char *out, size_t size)
{
    size_t used = 0;
    for (; n > 0 && *list; list++) n -= *list == ',';
    for (; *list && *list != ',' && used + 1 < size; list++)
        if ((*list >= '0' && *list <= '9') || (*list >= 'a' && *list <= 'z') || (*list >= 'A' && *list <= 'Z') || *list == '-')
            out[used++] = *list;
    out[used] = 0;
}

void device_use_name(const saint_session_options *o, const char *visible, char out[DEVICE_USE_NAME])
{
    char entry[DEVICE_USE_NAME - 8] = "";
    if (!o->backend || strcmp(o->backend, "cuda") != 0) {
        snprintf(out, DEVICE_USE_NAME, "cpu");
        return;
    }
    if (visible) entry_of(visible, o->device, entry, sizeof entry);
    if (!entry[0]) snprintf(out, DEVICE_USE_NAME, "cuda%d", o->device);
    else snprintf(out, DEVICE_USE_NAME, strspn(entry, "0123456789") == strlen(entry) ? "cuda%s" : "cuda-%s", entry);
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

const char *device_company_note(device_company c)
{
    static const char *const note[] = {"", "other programs took more than a tenth of the CPUs meanwhile: these times do not count",
                                       "another saint used the device meanwhile: these times do not count"};
    return note[c];
}

const char *device_company_word(device_company c)
{
    static const char *const word[] = {"", "busy CPUs", "shared"};
    return word[c];
}

const char *device_company_while(device_company c)
{
    static const char *const what[] = {"", "other programs took more than a tenth of the CPUs", "another saint used the device"};
    return what[c];
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

/* Empty, or a mark, or what is left of one: nothing else is ever written over. Nor is what would end the process: a limit on the size of
 * files has a signal of its own. */
static bool takes_marks(int fd, off_t size)
{
    char text[sizeof ours];
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < DEVICE_USE_MARK) return false;
    size_t n = size < (off_t)sizeof ours - 1 ? (size_t)size : sizeof ours - 1;
    return size <= DEVICE_USE_MARK && pread(fd, text, n, 0) == (ssize_t)n && memcmp(text, ours, n) == 0;
}

/* A folder that everybody may write in may hold anything under that name: only a plain file of ours tells something, and opening the rest
 * must not wait. */
static void open_file(device_use *u)
{
    enum { MANNERS = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY };
    struct stat st;
    u->fd = open(u->path, O_RDWR | O_CREAT | MANNERS, 0600);
    u->writable = u->fd >= 0;
    if (u->fd < 0) u->fd = open(u->path, O_RDONLY | MANNERS);
    if (u->fd < 0) return;
    if (fstat(u->fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid()) {
        close(u->fd);
        u->fd = -1;
    } else u->writable = u->writable && takes_marks(u->fd, st.st_size);
}

static void hold(const device_use *u, short type)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_len = 1};
    (void)fcntl(u->fd, F_OFD_SETLK, &l); /* of the open file: it outlives other handles of this process, and not the process */
}

static bool held_by_others(const device_use *u)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    return fcntl(u->fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;
}

static int read_mark(const device_use *u, char mark[DEVICE_USE_MARK]) { return (int)pread(u->fd, mark, DEVICE_USE_MARK, 0); }

/* No two are the same, so it is enough that the last one stays. */
static void leave_mark(device_use *u)
{
    struct timespec now;
    char text[DEVICE_USE_MARK + 1];
    clock_gettime(CLOCK_MONOTONIC, &now);
    int n = snprintf(text, sizeof text, "%sprocess %ld, %llu, at %lld.%09ld", ours, (long)getpid(), (unsigned long long)++u->begins,
                     (long long)now.tv_sec, now.tv_nsec);
    for (; n < DEVICE_USE_MARK; n++) text[n] = ' ';
    text[DEVICE_USE_MARK - 1] = '\n';
    if (u->writable && pwrite(u->fd, text, DEVICE_USE_MARK, 0) == DEVICE_USE_MARK) {
        memcpy(u->seen, text, DEVICE_USE_MARK);
        u->n_seen = DEVICE_USE_MARK;
    } else u->n_seen = read_mark(u, u->seen); /* a full disk */
}

/* False: somebody has removed or replaced the file, and who came since has met in the new one. */
static bool same_file(device_use *u)
{
    struct stat st;
    if (fstat(u->fd, &st) == 0 && st.st_nlink > 0) return true;
    close(u->fd);
    open_file(u);
    return false;
}

/* ---- use --------------------------------------------------------------------------------------------------------- */

void device_use_open(device_use *u, const char *folder, const char *device)
{
    *u = (device_use){.fd = -1, .was_alone = true};
    if (asprintf(&u->path, "%s/saint-%ld-%s.lock", folder, (long)geteuid(), device) < 0) u->path = NULL;
    if (u->path) open_file(u);
}

void device_use_watch_cpus(device_use *u, const char *stat)
{
    cpu_load_begin(&u->load, stat);
    u->watches = true;
}

void device_use_begin(device_use *u)
{
    if (u->watches) (void)cpu_load_others(&u->load); /* what was before the use is a window of its own */
    if (u->fd < 0) return;
    (void)same_file(u);
    if (u->fd < 0) return;
    hold(u, F_RDLCK); /* first: who reads the mark before it is there looks for the lock after that */
    leave_mark(u);
    u->was_alone = !held_by_others(u);
}

static bool alone(device_use *u)
{
    char mark[DEVICE_USE_MARK];
    if (u->fd < 0) return true;
    if (!same_file(u)) {
        device_use_begin(u);
        return false;
    }
    int n = read_mark(u, mark); /* before looking for the lock: see device_use_begin */
    bool same = n == u->n_seen && (n <= 0 || memcmp(mark, u->seen, (size_t)n) == 0), now = !held_by_others(u);
    bool both = now && u->was_alone && same;
    u->was_alone = now;
    u->n_seen = n;
    if (n > 0) memcpy(u->seen, mark, (size_t)n);
    return both;
}

device_company device_use_company(device_use *u)
{
    bool disturbed = u->watches && cpu_load_disturbed(&u->load); /* another saint is busy, too: it goes first */
    return !alone(u) ? DEVICE_SHARED : disturbed ? DEVICE_DISTURBED : DEVICE_ALONE;
}

void device_use_end(device_use *u)
{
    if (u->fd >= 0) hold(u, F_UNLCK);
}

const char *device_use_blind(const device_use *u) { return u->fd >= 0 ? NULL : u->path ? u->path : ""; }

void device_use_close(device_use *u)
{
    if (u->fd >= 0) close(u->fd);
    free(u->path);
    u->fd = -1;
    u->path = NULL;
}

void device_use_start(device_use *u, const saint_session_options *o)
{
    char name[DEVICE_USE_NAME];
    device_use_name(o, getenv("CUDA_VISIBLE_DEVICES"), name);
    device_use_open(u, device_use_folder(), name);
    device_use_watch_cpus(u, getenv("SAINT_PROC_STAT"));
    device_use_begin(u);
}
