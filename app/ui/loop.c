/* The loop: one poll over terminal, signals, worker, loader, what libraries print, and the modules' own descriptors. Still means asleep. */
#define _GNU_SOURCE
#include "ui/core.h"

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
static void pump_errors(ui *u)
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
    pump_errors(u);
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

static const int signals[] = {SIGTERM, SIGHUP, SIGINT, SIGWINCH, SIGTSTP, SIGCONT};

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
    if (!u->core->frozen) left = fmin(left, ui_next_due(u) - now);
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
    return !u->quit;
}

static void run(ui *u)
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

/* ---- from start to end ---- */

static bool environment(const char *name)
{
    const char *v = getenv(name);
    return v && *v;
}

/* The ground of the terminal, where it says so: COLORFGBG is "15;0" or "0;default;15". */
static saint_ui_palette_kind ground(void)
{
    const char *v = getenv("COLORFGBG"), *last = v ? strrchr(v, ';') : NULL;
    return last && (!strcmp(last + 1, "7") || !strcmp(last + 1, "15")) ? SAINT_UI_LIGHT : SAINT_UI_DARK;
}

static saint_status open_front(ui *u, const ui_options *o, saint_error *err)
{
    ui_core *c = u->core;
    const char *sync = getenv("SAINT_WB_SYNC"); /* marks in the output for those who watch: "frames", "idle" */
    c->mark_frames = sync && !strcmp(sync, "frames");
    c->mark_idle = sync && !strcmp(sync, "idle");
    ui_front_options f = {.headless = o->script && !isatty(STDOUT_FILENO), .w = 120, .h = 36};
    f.screen = (saint_ui_screen_options){.term = getenv("TERM"), .colorterm = getenv("COLORTERM"), .no_color = o->no_color || environment("NO_COLOR"),
                                         .ascii = o->ascii, .mouse = u->mouse, .marks = c->mark_frames || c->mark_idle};
    saint_status s = ui_front_open(&c->front, &f, err);
    if (s != SAINT_OK) return s;
    saint_ui_tier tier;
    saint_ui_glyphs glyphs;
    bool lines;
    ui_front_looks(c->front, &tier, &glyphs, &lines);
    int kind = o->theme ? saint_ui_palette_find(o->theme) : c->theme >= 0 ? c->theme : (int)ground();
    saint_ui_theme_make(&u->theme, (saint_ui_palette_kind)(kind < 0 ? 0 : kind), tier, glyphs);
    u->theme.lines = lines;
    c->frozen = f.headless;
    return SAINT_OK;
}

/* From here to close_core stderr is a pipe into the log, where a screen is up. */
static void hold_stderr(ui_core *c)
{
    int p[2];
    if (pipe2(p, O_CLOEXEC | O_NONBLOCK) != 0) return;
    c->err_saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (c->err_saved < 0 || dup2(p[1], STDERR_FILENO) < 0) {
        close(p[0]);
        close(p[1]);
        return;
    }
    close(p[1]);
    c->err_pipe = p[0];
}

static void release_stderr(ui *u)
{
    ui_core *c = u->core;
    if (c->err_pipe < 0) return;
    pump_errors(u);
    fflush(stderr);
    dup2(c->err_saved, STDERR_FILENO);
    close(c->err_saved);
    close(c->err_pipe);
    c->err_pipe = -1;
}

static saint_status open_core(ui *u, const ui_options *o, saint_error *err)
{
    ui_core *c = u->core;
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaddset(&set, signals[i]);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* before any thread starts */
    c->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (c->signal_fd < 0) return saint_fail(err, SAINT_IO, "signalfd: %s", strerror(errno));
    u->log = ui_log_open();
    u->jobs = ui_jobs_open();
    c->subjects = ui_subjects_open();
    if (!u->log || !u->jobs || !c->subjects) return saint_fail(err, SAINT_MEMORY, "no memory to begin with");
    saint_status s = ui_loader_open(&u->loader, err);
    if (s == SAINT_OK && o->script) s = ui_script_load(o->script, &c->script, err);
    if (s == SAINT_OK && o->record && !(c->record = fopen(o->record, "we")))
        s = saint_fail(err, SAINT_IO, "%s: cannot be written: %s", o->record, strerror(errno));
    for (int i = 0; ui_module_at(i) && s == SAINT_OK; i++) {
        if (ui_module_at(i)->open) s = ui_module_at(i)->open(u, err);
        c->modules_open = i + 1;
    }
    return s;
}

static void close_core(ui *u)
{
    ui_core *c = u->core;
    ui_machine m = {u->engine, u->model, u->session, u->worker};
    for (int i = c->modules_open - 1; i >= 0; i--)
        if (ui_module_at(i)->close) ui_module_at(i)->close(u);
    ui_loader_close(u->loader);
    ui_jobs_close(u);
    u->worker = NULL;
    ui_machine_close(&m);
    ui_subjects_close(u);
    ui_script_close(c->script);
    ui_over_free(&c->over);
    ui_log_close(u->log);
    saint_ui_photo_cache_free(&u->photo);
    saint_ui_photo_cache_free(&u->photo_b);
    saint_ui_canvas_free(&u->canvas);
    free(c->hit_room);
    free(c->last_words);
    cJSON_Delete(c->session);
    free(u->marked);
    free(u->model_name);
    if (c->record) fclose(c->record);
    if (c->signal_fd >= 0) close(c->signal_fd);
    free(c);
    free(u);
}

static void begin(ui *u, const ui_options *o)
{
    const cJSON *kept = cJSON_GetObjectItemCaseSensitive(u->core->session, "model");
    ui_machine_open(u, o->load.model ? o->load.model : cJSON_IsString(kept) ? kept->valuestring : NULL);
    ui_subject_begin(u);
}

int ui_main(const ui_options *o)
{
    saint_error e = {0};
    ui *u = calloc(1, sizeof *u);
    if (u) u->core = calloc(1, sizeof *u->core);
    if (!u || !u->core) return cli_fail("ui", SAINT_MEMORY, &e);
    ui_core *c = u->core;
    *c = (ui_core){.opt = o, .signal_fd = -1, .err_pipe = -1, .theme = -1};
    u->live = true;
    u->mouse = !o->no_mouse;
    u->patch = -1;
    u->cursor.round = -1;
    u->focus = SAINT_UI_PANE_PARAMS;
    for (int i = 0; i < SAINT_UI_PAGE_COUNT; i++) c->left[i] = SAINT_UI_PANE_NONE;
    for (int i = 0; i < UI_SLOTS; i++) saint_settings_default(&u->plan[i].settings);
    saint_status s = open_core(u, o, &e);
    if (s == SAINT_OK) ui_session_load(u);
    if (s == SAINT_OK) s = open_front(u, o, &e);
    int status;
    if (s == SAINT_OK) {
        c->start = ui_now(u);
        if (!ui_front_headless(c->front)) hold_stderr(c);
        ui_frame(u); /* something to look at before anything is opened */
        begin(u, o);
        run(u);
        ui_session_save(u);
        ui_front_close(c->front);
        release_stderr(u);
        status = u->exit_status;
        if (c->last_words) fprintf(stderr, "saint ui: %s\n", c->last_words);
    } else status = cli_fail("ui", s, &e);
    close_core(u);
    return status;
}
