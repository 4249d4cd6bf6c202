#define _GNU_SOURCE
#include "ui/sweeps/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the machine ---- */

const char *child_state_name(child_state s)
{
    static const char *const name[CHILD_STATES] = {"idle",   "running",   "pausing",  "cancelling",
                                                   "paused", "cancelled", "complete", "failed"};
    return (int)s >= 0 && s < CHILD_STATES ? name[s] : "";
}

bool child_alive(child_state s) { return s == CHILD_RUNNING || s == CHILD_PAUSING || s == CHILD_CANCELLING; }

static child_state ended(child_state s, int code, bool complete)
{
    if (code == 0 || (code == CHILD_CODE_UNKNOWN && complete)) return CHILD_COMPLETE;
    if (s == CHILD_CANCELLING) return CHILD_CANCELLED;
    /* 75: it finished its sample and can go on. Asked to stop, any signal means that it did. */
    if (code == 75 || code == CHILD_CODE_UNKNOWN || (s == CHILD_PAUSING && code < 0)) return CHILD_PAUSED;
    return CHILD_FAILED;
}

child_effect child_step(child_state *s, child_event e, int code, bool complete, const char **why)
{
    const char *no = NULL;
    child_effect effect = CHILD_DO_NOTHING;
    switch (e) {
    case CHILD_START:
    case CHILD_RETRY:
        if (*s == CHILD_RUNNING) no = "it is running";
        else if (child_alive(*s)) no = "it is finishing its sample; wait until it has stopped";
        else if (*s == CHILD_COMPLETE && e == CHILD_START) no = "it is complete: nothing is left to run";
        else *s = CHILD_RUNNING, effect = CHILD_DO_SPAWN;
        break;
    case CHILD_PAUSE:
        if (*s == CHILD_RUNNING) *s = CHILD_PAUSING, effect = CHILD_DO_TERM;
        else no = child_alive(*s) ? "it is finishing its sample already" : "it is not running";
        break;
    case CHILD_CANCEL:
        if (*s == CHILD_RUNNING) *s = CHILD_CANCELLING, effect = CHILD_DO_TERM;
        else if (*s == CHILD_PAUSING) *s = CHILD_CANCELLING; /* it was told to stop before */
        else if (*s == CHILD_CANCELLING) effect = CHILD_DO_KILL; /* asked twice: at once. What was reported is on the disk. */
        else if (*s == CHILD_PAUSED || *s == CHILD_FAILED || *s == CHILD_IDLE) *s = CHILD_CANCELLED;
        else no = *s == CHILD_COMPLETE ? "it is complete" : "it is cancelled already";
        break;
    case CHILD_ENDED:
        if (child_alive(*s)) *s = ended(*s, code, complete);
        break;
    }
    if (why) *why = no;
    return effect;
}

/* ---- the process ---- */

static int pidfd_of(pid_t pid)
{
#ifdef SYS_pidfd_open
    long fd = syscall(SYS_pidfd_open, pid, 0);
    if (fd >= 0) (void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    return (int)fd;
#else
    (void)pid;
    return -1;
#endif
}

/* Field 22 of /proc/PID/stat, 0 when there is no such process. The name in field 2 may hold anything but ends at the last bracket. */
static uint64_t start_ticks(pid_t pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0) return 0;
    text[n] = 0;
    char *p = strrchr(text, ')');
    if (!p || p[1] != ' ') return 0;
    if (p[2] == 'Z' || p[2] == 'X') return 0;
    p += 2;
    for (int field = 3; field < 22 && p; field++) p = strchr(p + 1, ' ');
    return p ? strtoull(p + 1, NULL, 10) : 0;
}

/* Everything from `first` on, with calls that are allowed between fork and exec. */
static void close_from(int first)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, (unsigned)first, ~0U, 0) == 0) return;
#endif
    struct rlimit limit;
    int most = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 65536 ? (int)limit.rlim_cur : 65536;
    for (int fd = first; fd < most; fd++) close(fd);
}

/* Between fork and exec of a process with threads: system calls only. Does not return. */
static void become(const char *const *argv, int log, int report, int niceness)
{
    sigset_t none;
    sigemptyset(&none);
    for (int s = 1; s < NSIG; s++) signal(s, SIG_DFL); /* an ignored SIGPIPE would be inherited */
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    setpriority(PRIO_PROCESS, 0, niceness);
    int empty = open("/dev/null", O_RDONLY);
    /* Move what is needed out of the way of 0..3 first: any of them may be one of these numbers. */
    int high_report = fcntl(report, F_DUPFD, 10), high_log = fcntl(log, F_DUPFD, 10), high_empty = fcntl(empty, F_DUPFD, 10);
    if (high_report < 0 || high_log < 0 || high_empty < 0) _exit(127);
    if (dup2(high_empty, 0) < 0 || dup2(high_log, 1) < 0 || dup2(high_log, 2) < 0 || dup2(high_report, 3) < 0) _exit(127);
    fcntl(3, F_SETFD, FD_CLOEXEC);
    close_from(4);
    execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
    int why = errno;
    ssize_t told = write(3, &why, sizeof why);
    (void)told;
    _exit(127);
}

saint_status child_spawn(child_process *out, const char *const *argv, const char *log, int niceness, saint_error *err)
{
    *out = (child_process){.fd = -1};
    int report[2], file = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (file < 0) return saint_fail(err, SAINT_IO, "%s: cannot be written: %s", log, strerror(errno));
    if (pipe2(report, O_CLOEXEC) != 0) {
        close(file);
        return saint_fail(err, SAINT_IO, "no pipe for a new process: %s", strerror(errno));
    }
    pid_t pid = fork();
    if (pid == 0) become(argv, file, report[1], niceness);
    int why = errno;
    close(report[1]);
    close(file);
    if (pid < 0) {
        close(report[0]);
        return saint_fail(err, SAINT_IO, "no new process: %s", strerror(why));
    }
    ssize_t n;
    do n = read(report[0], &why, sizeof why);
    while (n < 0 && errno == EINTR); /* ends when exec closed the other side */
    close(report[0]);
    if (n == (ssize_t)sizeof why) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
        return saint_fail(err, SAINT_IO, "the program cannot start itself again: %s", strerror(why));
    }
    *out = (child_process){.pid = pid, .fd = pidfd_of(pid), .ours = true, .ticks = start_ticks(pid)};
    return SAINT_OK;
}

bool child_adopt(child_process *out, pid_t pid, uint64_t ticks)
{
    *out = (child_process){.fd = -1};
    if (pid <= 1 || !ticks) return false;
    int fd = pidfd_of(pid);
    /* Looked up behind the descriptor: it now holds this process whatever becomes of the number. */
    if (start_ticks(pid) != ticks) {
        if (fd >= 0) close(fd);
        return false;
    }
    *out = (child_process){.pid = pid, .fd = fd, .ticks = ticks};
    return true;
}

bool child_ended(child_process *p, int *code)
{
    if (p->pid <= 0) return false;
    *code = CHILD_CODE_UNKNOWN;
    if (p->ours) {
        int status;
        pid_t got = waitpid(p->pid, &status, WNOHANG);
        if (got == 0) return false;
        if (got == p->pid) *code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    } else if (start_ticks(p->pid) == p->ticks) return false;
    child_leave(p);
    return true;
}

void child_signal(const child_process *p, int signal)
{
    if (p->pid <= 1) return;
#ifdef SYS_pidfd_send_signal
    if (p->fd >= 0 && syscall(SYS_pidfd_send_signal, p->fd, signal, NULL, 0) == 0) return;
#endif
    /* ours: the number is its own until we have waited for it */
    if (p->ours || start_ticks(p->pid) == p->ticks) kill(p->pid, signal);
}

void child_leave(child_process *p)
{
    if (p->fd >= 0) close(p->fd);
    *p = (child_process){.fd = -1};
}
