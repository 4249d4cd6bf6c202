#define _GNU_SOURCE
#include "views/screen_restore.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A signal handler can be given nothing, so this is the one piece of global state of the views. Everything is prepared beforehand: the
 * handler only writes bytes and sets the terminal's modes, which POSIX allows there; no curses, no stdio, no allocation. */
enum { MOST_BYTES = 255, SIGNALS = 10 };
static const int watched[SIGNALS] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTERM, SIGHUP, SIGINT, SIGQUIT};
static struct {
    volatile sig_atomic_t active;
    int fd;
    struct termios before;
    char bytes[MOST_BYTES + 1];
    size_t n;
    struct sigaction old[SIGNALS];
    bool armed, at_exit;
    char stack[32768]; /* a stack that overflowed cannot run its own handler */
} restore;

static void leave_screen(void)
{
    if (!restore.active) return;
    restore.active = 0;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGTTOU, &ignore, NULL); /* in the background tcsetattr would stop us here for good */
    for (size_t at = 0; at < restore.n;) {
        ssize_t sent = write(restore.fd, restore.bytes + at, restore.n - at);
        if (sent <= 0) break;
        at += (size_t)sent;
    }
    tcsetattr(restore.fd, TCSANOW, &restore.before);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    leave_screen();
    for (int i = 0; i < SIGNALS; i++)
        if (watched[i] == number) sigaction(number, &restore.old[i], NULL);
    /* A fault of the processor comes again by itself when we return, with its address, for whoever was there before us. */
    bool fault = number == SIGSEGV || number == SIGBUS || number == SIGILL || number == SIGFPE;
    if (!fault || !info || info->si_code <= 0) raise(number);
}

void saint_ui_restore_arm(int fd, const struct termios *before)
{
    restore.fd = fd;
    restore.before = *before;
    restore.n = 0;
    if (!restore.at_exit) restore.at_exit = atexit(leave_screen) == 0;
    if (restore.armed) return;
    stack_t stack = {.ss_sp = restore.stack, .ss_size = sizeof restore.stack}, now;
    if (sigaltstack(NULL, &now) == 0 && now.ss_flags & SS_DISABLE) sigaltstack(&stack, NULL); /* a sanitizer may have brought its own */
    struct sigaction act = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
    act.sa_sigaction = on_signal;
    sigemptyset(&act.sa_mask);
    for (int i = 0; i < SIGNALS; i++) {
        sigaction(watched[i], NULL, &restore.old[i]);
        /* Who ignores a signal or handles a request to end means it; crashes are always ours first. */
        bool crash = i < 6, plain = !(restore.old[i].sa_flags & SA_SIGINFO) && restore.old[i].sa_handler == SIG_DFL;
        if (crash || plain) sigaction(watched[i], &act, NULL);
    }
    restore.armed = true;
}

void saint_ui_restore_bytes(const char *bytes, size_t n)
{
    restore.n = n < MOST_BYTES ? n : MOST_BYTES;
    memcpy(restore.bytes, bytes, restore.n);
}

void saint_ui_restore_active(bool active) { restore.active = active; }

void saint_ui_restore_disarm(void)
{
    restore.active = 0;
    if (!restore.armed) return;
    for (int i = 0; i < SIGNALS; i++) {
        struct sigaction now;
        if (sigaction(watched[i], NULL, &now) == 0 && now.sa_flags & SA_SIGINFO && now.sa_sigaction == on_signal)
            sigaction(watched[i], &restore.old[i], NULL);
    }
    restore.armed = false;
}
