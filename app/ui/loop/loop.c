/* The loop: one poll over terminal, signals, worker, loader, what libraries print, and the modules' own descriptors. Still means asleep. */
#define _GNU_SOURCE
#include "ui/loop/core.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const double FRAME_SECONDS = 1.0 / 30;

double ui_now(const ui *u) { return u->core->frozen ? u->core->clock : saint_now(); }

void ui_redraw(ui *u)
{
    u->core->dirty = true;
    u->core->said_idle = false;
}

/* ---- timers and stillness ---- */

double ui_next_due(ui *u)
{
    double due = INFINITY;
    for (int i = 0; ui_module_at(i); i++)
        if (ui_module_at(i)->due) due = fmin(due, ui_module_at(i)->due(u));
    return due;
}

void ui_tick(ui *u)
{
    double now = ui_now(u);
    for (int i = 0; ui_module_at(i); i++) {
        const ui_module *m = ui_module_at(i);
        if (m->tick && m->due && m->due(u) <= now) m->tick(u);
    }
}

bool ui_idle(ui *u)
{
    if (ui_loader_busy(u->loader) || ui_jobs_busy(u)) return false;
    for (int i = 0; ui_module_at(i); i++)
        if (ui_module_at(i)->busy && ui_module_at(i)->busy(u)) return false;
    return true;
}

void ui_stop_guests(ui *u, const char *why)
{
    for (int i = 0; ui_module_at(i); i++)
        if (ui_module_at(i)->stop) ui_module_at(i)->stop(u, why);
}

/* ---- what comes from the threads ---- */

static void pump_loader(ui *u)
{
    ui_loaded l;
    while (ui_loader_next(u->loader, &l)) {
        ui_redraw(u);
        if (l.kind == UI_LOADED_MODEL) {
            ui_machine_adopt(u, &l);
            ui_loaded_free(&l);
        } else ui_subject_loaded(u, &l);
    }
}

/* What libraries print while the screen is up, line by line into the log. */
void ui_pump_stderr(ui *u)
{
    ui_core *c = u->core;
    char bytes[1024];
    ssize_t n;
    if (c->err_pipe < 0) return;
    while ((n = read(c->err_pipe, bytes, sizeof bytes)) > 0)
        for (ssize_t i = 0; i < n; i++) {
            bool end = bytes[i] == '\n' || c->err_n + 1 == sizeof c->err_line;
            if (bytes[i] != '\n') c->err_line[c->err_n++] = bytes[i];
            if (!end || !c->err_n) continue;
            c->err_line[c->err_n] = 0;
            c->err_n = 0;
            ui_log_add(u, SAINT_UI_SAY_WARN, "stderr", c->err_line);
        }
}

void ui_pump(ui *u)
{
    pump_loader(u);
    ui_jobs_events(u);
    ui_pump_stderr(u);
}

/* ---- frames ---- */

void ui_frame(ui *u)
{
    ui_core *c = u->core;
    ui_draw(u);
    ui_front_show(c->front, &u->canvas, c->cursor_x, c->cursor_y);
    c->dirty = c->urgent = false;
    c->last_frame = saint_now();
    c->frames++;
    if (c->mark_frames) ui_front_mark(c->front, c->frames);
}

/* ---- signals ---- */

static void suspend(ui *u)
{
    sigset_t stop, old;
    ui_front_suspend(u->core->front);
    signal(SIGTSTP, SIG_DFL); /* ncurses has one of its own, which would draw */
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    kill(getpid(), SIGTSTP);
    pthread_sigmask(SIG_UNBLOCK, &stop, &old); /* here it stops; where nobody could wake us, the system lets it pass */
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    ui_front_resume(u->core->front);
    ui_redraw(u);
    u->core->urgent = true;
}

static void pump_signals(ui *u)
{
    struct signalfd_siginfo s;
    bool stop = false, woken = false;
    while (read(u->core->signal_fd, &s, sizeof s) == sizeof s) {
        switch ((int)s.ssi_signo) {
        case SIGWINCH:
            ui_redraw(u);
            u->core->urgent = true;
            break;
        case SIGTSTP: stop = true; break;
        case SIGCONT: woken = true; break;
        default:
            u->core->died = (int)s.ssi_signo;
            u->exit_status = 128 + (int)s.ssi_signo;
            u->quit = true;
        }
    }
    if (stop) suspend(u);
    else if (woken) { /* somebody stopped us without asking: the modes may be the shell's */
        ui_front_resume(u->core->front);
        ui_redraw(u);
        u->core->urgent = true;
    }
}

/* ---- poll ---- */

enum { OWN = 5, MODULE_FDS = 16, MODULES_MOST = 16 };

typedef struct {
    struct pollfd fd[OWN + MODULE_FDS];
    int n, first[MODULES_MOST + 1];
} poll_set;

static void add_fd(poll_set *s, int fd)
{
    if (fd >= 0) s->fd[s->n++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void gather(ui *u, poll_set *s)
{
    *s = (poll_set){0};
    add_fd(s, u->core->signal_fd);
    add_fd(s, ui_front_fd(u->core->front));
    add_fd(s, u->core->err_pipe);
    add_fd(s, ui_loader_fd(u->loader));
    /* A frame that is due shows all that comes until then: no need to wake for each message. */
    if (u->worker && (!u->core->dirty || ui_script_waits(u->core->script))) add_fd(s, saint_worker_fd(u->worker));
    int i = 0;
    for (; ui_module_at(i) && i < MODULES_MOST; i++) {
        s->first[i] = s->n;
        if (ui_module_at(i)->fds) s->n += ui_module_at(i)->fds(u, s->fd + s->n, OWN + MODULE_FDS - s->n);
    }
    s->first[i] = s->n;
}

static int timeout_of(ui *u, double most)
{
    double left = most, now = ui_now(u);
    if (!u->core->frozen) left = fmin(left, fmin(ui_next_due(u), u->core->save_at) - now);
    if (u->core->dirty) left = fmin(left, u->core->last_frame + FRAME_SECONDS - saint_now());
    if (left <= 0) return 0;
    return isfinite(left) ? (int)fmin(ceil(left * 1000), 1e6) : -1;
}

static void pump_screen(ui *u)
{
    saint_ui_event e;
    int n = 0;
    while (!u->quit && (e = ui_front_event(u->core->front)).kind != SAINT_UI_NOTHING) {
        if (n == 0) u->core->was_idle = ui_idle(u);
        /* A click needs the places of the frame that it was made on. */
        if (e.kind == SAINT_UI_MOUSE && n && u->core->dirty) ui_frame(u);
        ui_event(u, &e);
        n++;
    }
    if (n) ui_session_touched(u);
}

static void say_idle(ui *u)
{
    ui_core *c = u->core;
    if (c->said_idle || c->dirty || !ui_idle(u)) return;
    c->said_idle = true;
    if (c->mark_idle) ui_front_mark(c->front, ++c->idles);
}

bool ui_wait(ui *u, double seconds)
{
    poll_set s;
    gather(u, &s);
    int n = poll(s.fd, (nfds_t)s.n, timeout_of(u, seconds));
    if (n < 0 && errno != EINTR) return false;
    for (int i = 0; n > 0 && i < s.n; i++)
        if (s.fd[i].fd == ui_front_fd(u->core->front) && s.fd[i].revents & (POLLHUP | POLLERR | POLLNVAL) && !(s.fd[i].revents & POLLIN)) {
            u->core->died = SIGHUP; /* the terminal is gone */
            u->exit_status = 128 + SIGHUP;
            u->quit = true;
        }
    pump_signals(u);
    ui_pump(u);
    for (int i = 0; n > 0 && ui_module_at(i) && i < MODULES_MOST; i++) {
        int count = s.first[i + 1] - s.first[i];
        bool any = false;
        for (int k = 0; k < count; k++) any = any || s.fd[s.first[i] + k].revents;
        if (any && ui_module_at(i)->ready) ui_module_at(i)->ready(u, s.fd + s.first[i], count);
    }
    if (!u->core->frozen) ui_tick(u);
    ui_session_tick(u);
    return !u->quit;
}

void ui_run(ui *u)
{
    ui_core *c = u->core;
    ui_frame(u);
    while (!u->quit) {
        pump_screen(u); /* ncurses holds bytes that poll() does not see */
        bool more = ui_script_step(u);
        if (c->script && !more && ui_front_headless(c->front)) break;
        if (u->quit) break;
        if (c->dirty && (c->urgent || saint_now() - c->last_frame >= FRAME_SECONDS)) ui_frame(u);
        say_idle(u);
        /* A script whose clock can be turned goes on at once; else it waits for the threads. */
        ui_wait(u, more && ui_idle(u) ? (c->frozen ? 0 : 0.01) : INFINITY);
    }
    if (c->script) ui_script_step(u); /* expect-exit */
}
