/* From the first byte of memory to the last: what is opened in which order, and closed again. */
#define _GNU_SOURCE
#include "ui/loop/core.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Read as data by the loop: nothing runs in a handler. */
static const int signals[] = {SIGTERM, SIGHUP, SIGINT, SIGWINCH, SIGTSTP, SIGCONT};

static bool environment(const char *name)
{
    const char *v = getenv(name);
    return v && *v;
}

/* The ground of the terminal, where it says so: COLORFGBG is "15;0" or "0;default;15". */
static int ground(void)
{
    const char *v = getenv("COLORFGBG"), *last = v ? strrchr(v, ';') : NULL;
    if (!last || !last[1]) return -1;
    return !strcmp(last + 1, "7") || !strcmp(last + 1, "15") ? SAINT_UI_LIGHT : SAINT_UI_DARK;
}

static saint_status open_front(ui *u, const ui_options *o, saint_error *err)
{
    ui_core *c = u->core;
    const char *sync = getenv("SAINT_WB_SYNC"); /* marks in the output for those who watch: "frames", "idle" */
    c->mark_frames = sync && !strcmp(sync, "frames");
    c->mark_idle = sync && !strcmp(sync, "idle");
    ui_front_options f = {.headless = o->headless || (o->script && !isatty(STDOUT_FILENO)), .w = 120, .h = 36};
    int kind = o->theme ? saint_ui_palette_find(o->theme) : c->theme >= 0 ? c->theme : ground();
    c->theme_asked = kind < 0; /* dark until the terminal answers */
    f.screen = (saint_ui_screen_options){.term = getenv("TERM"), .colorterm = getenv("COLORTERM"), .terminfo = getenv("TERMINFO"), .no_color = o->no_color || environment("NO_COLOR"),
                                         .ascii = o->ascii, .mouse = u->mouse, .ask_ground = c->theme_asked, .marks = c->mark_frames || c->mark_idle};
    saint_status s = ui_front_open(&c->front, &f, err);
    if (s != SAINT_OK) return s;
    saint_ui_tier tier;
    saint_ui_glyphs glyphs;
    bool lines;
    ui_front_looks(c->front, &tier, &glyphs, &lines);
    saint_ui_theme_make(&u->theme, (saint_ui_palette_kind)(kind < 0 ? 0 : kind), tier, glyphs);
    u->theme.lines = lines;
    c->frozen = f.headless;
    return SAINT_OK;
}

/* From here to release_stderr it is a pipe into the log, where a screen is up. */
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
    ui_pump_stderr(u);
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

void ui_close(ui *u)
{
    ui_core *c = u->core;
    ui_machine m = {u->engine, u->model, u->session, u->worker, u->company};
    for (int i = c->modules_open - 1; i >= 0; i--)
        if (ui_module_at(i)->close) ui_module_at(i)->close(u);
    ui_front_close(c->front);
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
    free(c->written);
    cJSON_Delete(c->session);
    free(u->marked);
    free(u->model_name);
    if (c->record) fclose(c->record);
    if (c->signal_fd >= 0) close(c->signal_fd);
    free(c);
    free(u);
}

void ui_begin(ui *u)
{
    const ui_options *o = u->core->opt;
    const cJSON *kept = cJSON_GetObjectItemCaseSensitive(u->core->session, "model");
    ui_machine_open(u, o->load.model ? o->load.model : cJSON_IsString(kept) ? kept->valuestring : NULL);
    ui_subject_begin(u);
}

saint_status ui_new(const ui_options *o, ui **out, saint_error *err)
{
    ui *u = *out = calloc(1, sizeof *u);
    if (u) u->core = calloc(1, sizeof *u->core);
    if (!u || !u->core) {
        free(u);
        *out = NULL;
        return saint_fail(err, SAINT_MEMORY, "no memory to begin with");
    }
    ui_core *c = u->core;
    *c = (ui_core){.opt = o, .signal_fd = -1, .err_pipe = -1, .theme = -1, .save_at = INFINITY};
    u->live = true;
    u->mouse = !o->no_mouse;
    u->patch = -1;
    u->cursor.round = -1;
    u->focus = SAINT_UI_PANE_PARAMS;
    for (int i = 0; i < UI_SLOTS; i++) saint_settings_default(&u->plan[i].settings);
    saint_status s = open_core(u, o, err);
    if (s == SAINT_OK) ui_session_load(u);
    if (s == SAINT_OK) s = open_front(u, o, err);
    if (s != SAINT_OK) {
        ui_close(u);
        *out = NULL;
        return s;
    }
    c->start = ui_now(u);
    if (!ui_front_headless(c->front)) hold_stderr(c);
    return SAINT_OK;
}

int ui_main(const ui_options *o)
{
    saint_error e = {0};
    ui *u;
    saint_status s = ui_new(o, &u, &e);
    if (s == SAINT_STATE) return cli_usage("ui", "%s", e.text); /* no terminal */
    if (s != SAINT_OK) return cli_fail("ui", s, &e);
    ui_frame(u); /* something to look at before anything is opened */
    ui_begin(u);
    ui_run(u);
    ui_session_save(u);
    ui_front_close(u->core->front);
    u->core->front = NULL;
    release_stderr(u);
    int status = u->exit_status;
    if (u->core->last_words) fprintf(stderr, "saint ui: %s\n", u->core->last_words);
    if (u->core->record_failed) { /* who asked for a recording has none that is whole */
        fprintf(stderr, "saint ui: %s: the recording is not whole: %s\n", o->record, strerror(u->core->record_failed));
        if (status == 0) status = EXIT_FAILED;
    }
    ui_close(u);
    return status;
}
