#define _GNU_SOURCE
#include "ui/sweeps/sweeps.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the list ---- */

sweep_entry *sweeps_selected(const ui *u)
{
    const ui_sweeps *s = u->sweeps;
    return s && s->at >= 0 && s->at < s->n ? s->entry[s->at] : NULL;
}

run_set *sweeps_set(const ui *u)
{
    const sweep_entry *s = sweeps_selected(u);
    return s ? s->set : NULL;
}

uint64_t sweeps_filter_version(const ui *u) { return u->sweeps ? u->sweeps->filter_version : 0; }

void sweeps_shown(const ui *u, bool *shown)
{
    if (u->sweeps) run_table_shown(&u->sweeps->runs, shown);
}

/* The table shows what the selected sweep holds now. */
static void show_selected(ui *u)
{
    saint_error e = {0};
    double start = saint_now();
    if (run_table_show(&u->sweeps->runs, sweeps_set(u), &e) != SAINT_OK) ui_say(u, SAINT_UI_SAY_WARN, "%s", e.text);
    u->sweeps->filter_version++;
    u->sweeps->shown_in = saint_now() - start;
    ui_redraw(u);
}

void sweeps_select(ui *u, int at)
{
    ui_sweeps *s = u->sweeps;
    if (at < 0 || at >= s->n || at == s->at) return;
    s->at = at;
    if (!s->entry[at]->set && s->entry[at]->error.code == SAINT_OK) sweeps_read(u, s->entry[at]);
    show_selected(u);
}

static void entry_free(sweep_entry *e)
{
    if (!e) return;
    child_leave(&e->process);
    launch_free(&e->launch);
    run_set_unref(e->set);
    free(e->folder);
    free(e->name);
    free(e);
}

/* ---- reading ---- */

/* Grows with every record and every extension: sizes of the journals and of spec.json. */
static uint64_t stamp_of(const char *folder)
{
    char path[4500];
    struct stat st;
    uint64_t sum = 0;
    snprintf(path, sizeof path, "%s/spec.json", folder);
    if (stat(path, &st) == 0) sum += (uint64_t)st.st_size * 1000003;
    snprintf(path, sizeof path, "%s/journal", folder);
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        char file[4800];
        if (e->d_name[0] == '.') continue;
        snprintf(file, sizeof file, "%s/%s", path, e->d_name);
        if (stat(file, &st) == 0) sum += (uint64_t)st.st_size + 1;
    }
    if (d) closedir(d);
    return sum;
}

typedef struct {
    char *folder;
    sweep_data *data;
    uint64_t stamp;
    saint_status status;
    saint_error error;
} read_errand;

static void read_work(void *ud)
{
    read_errand *r = ud;
    r->stamp = stamp_of(r->folder); /* before: what comes while it is read is read the next time */
    r->status = sweep_load(r->folder, true, &r->data, &r->error);
}

static void read_done(void *context, void *ud)
{
    ui *u = context;
    read_errand *r = ud;
    sweep_entry *e = NULL;
    for (int i = 0; i < u->sweeps->n; i++)
        if (strcmp(u->sweeps->entry[i]->folder, r->folder) == 0) e = u->sweeps->entry[i];
    if (!e) return;
    e->reading = false;
    e->error = r->error;
    if (r->status == SAINT_OK) {
        run_set *fresh = run_set_new(r->data, sweep_free);
        if (!fresh) return;
        r->data = NULL;
        run_set_unref(e->set);
        e->set = fresh;
        e->stamp = r->stamp;
        if (fresh->data->name[0]) {
            char *name = strdup(fresh->data->name);
            if (name) free(e->name), e->name = name;
        }
        if (e->done_then == SIZE_MAX) e->done_then = fresh->data->done;
        if (e == sweeps_selected(u)) show_selected(u);
    }
    if (e->again) sweeps_read(u, e);
}

static void read_release(void *ud)
{
    read_errand *r = ud;
    sweep_free(r->data);
    free(r->folder);
    free(r);
}

void sweeps_read(ui *u, sweep_entry *e)
{
    saint_error err = {0};
    if (e->reading) {
        e->again = true;
        return;
    }
    e->again = false;
    read_errand *r = calloc(1, sizeof *r);
    if (r && (r->folder = strdup(e->folder)) && errands_add(u->sweeps->errands, read_work, read_done, read_release, r, &err) == SAINT_OK) {
        e->reading = true;
        return;
    }
    if (r) read_release(r);
    ui_say(u, SAINT_UI_SAY_BAD, "%s: no memory to read it", e->folder);
}

/* ---- folders ---- */

char *sweeps_path(const char *typed, char *out, size_t size)
{
    const char *home = getenv("HOME");
    if (strncmp(typed, "~/", 2) == 0 && home) snprintf(out, size, "%s%s", home, typed + 1);
    else snprintf(out, size, "%s", typed);
    size_t n = strlen(out);
    while (n > 1 && out[n - 1] == '/') out[--n] = 0;
    return out;
}

static bool is_sweep(const char *folder)
{
    char path[4800];
    snprintf(path, sizeof path, "%s/plan.json", folder);
    if (saint_file_exists(path)) return true;
    snprintf(path, sizeof path, "%s/launch.json", folder);
    return saint_file_exists(path);
}

/* What an earlier workbench left: its process may run on. */
static void take_up(ui *u, sweep_entry *e)
{
    char boot[40];
    saint_error err;
    e->process.fd = -1;
    e->done_then = SIZE_MAX;
    e->since = ui_now(u);
    if (launch_load(e->folder, &e->launch, &err) != SAINT_OK) return; /* made by hand: it can be looked at */
    e->state = e->launch.state;
    if (!child_alive(e->state)) return;
    launch_boot(boot);
    if (strcmp(boot, e->launch.boot) == 0 && child_adopt(&e->process, e->launch.pid, e->launch.ticks)) return;
    child_step(&e->state, CHILD_ENDED, CHILD_CODE_UNKNOWN, false, NULL); /* paused until the records say more */
}

/* NAME of a folder NAME-12345678, until its plan is read. */
static char *name_of(const char *folder)
{
    const char *slash = strrchr(folder, '/');
    char *name = strdup(slash ? slash + 1 : folder);
    size_t n = name ? strlen(name) : 0;
    if (n > 9 && name[n - 9] == '-' && strspn(name + n - 8, "0123456789abcdef") == 8) name[n - 9] = 0;
    return name;
}

sweep_entry *sweeps_add(ui *u, const char *folder)
{
    ui_sweeps *s = u->sweeps;
    char *full = realpath(folder, NULL);
    if (!full || !is_sweep(full)) {
        ui_say(u, SAINT_UI_SAY_BAD, "%s: expected the folder of a sweep (with plan.json), found %s", folder, full ? "another one" : "nothing there");
        free(full);
        return NULL;
    }
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->entry[i]->folder, full) == 0) {
            free(full);
            sweeps_select(u, i);
            return s->entry[i];
        }
    sweep_entry *e = s->n < SWEEPS_MOST ? calloc(1, sizeof *e) : NULL;
    if (e) e->name = name_of(full);
    if (!e || !e->name) {
        ui_say(u, SAINT_UI_SAY_BAD, "%s: there are %d sweeps in the list already", folder, s->n);
        free(e);
        free(full);
        return NULL;
    }
    e->folder = full;
    take_up(u, e);
    s->entry[s->n++] = e;
    return e;
}

/* Sweeps of earlier workbenches, the one that was touched last selected. */
static void find_sweeps(ui *u)
{
    char root[4096];
    struct stat st;
    time_t last = 0;
    int best = -1;
    if (!ui_path(u, UI_STATE, "sweeps", root, sizeof root)) return;
    DIR *d = opendir(root);
    for (struct dirent *e; d && (e = readdir(d));) {
        char folder[4500], journal[4600];
        if (e->d_name[0] == '.' || u->sweeps->n >= SWEEPS_MOST) continue;
        snprintf(folder, sizeof folder, "%s/%s", root, e->d_name);
        if (!is_sweep(folder) || !sweeps_add(u, folder)) continue;
        snprintf(journal, sizeof journal, "%s/journal", folder);
        if (stat(journal, &st) == 0 && st.st_mtime >= last) last = st.st_mtime, best = u->sweeps->n - 1;
    }
    if (d) closedir(d);
    sweeps_select(u, best >= 0 ? best : u->sweeps->n - 1);
}

/* ---- the process ---- */

static void keep_record(ui *u, sweep_entry *e)
{
    saint_error err;
    e->launch.state = e->state;
    if (e->launch.argc && launch_save(e->folder, &e->launch, &err) != SAINT_OK) ui_say(u, SAINT_UI_SAY_WARN, "%s", err.text);
}

bool sweeps_run(ui *u, sweep_entry *e, child_event why)
{
    const char *refused;
    char log[4500];
    saint_error err;
    child_state before = e->state;
    if (!e->launch.argc) {
        ui_say(u, SAINT_UI_SAY_BAD, "%s was not started here; `saint sweep` with its own options goes on with it", e->name);
        return false;
    }
    if (child_step(&e->state, why, 0, e->set && e->set->data->complete, &refused) != CHILD_DO_SPAWN) {
        ui_say(u, SAINT_UI_SAY_BAD, "%s: %s", e->name, refused ? refused : "nothing to do");
        return false;
    }
    snprintf(log, sizeof log, "%s/log.txt", e->folder);
    const char *argv[LAUNCH_ARGS_MOST + 2];
    int n = 0;
    for (; n < e->launch.argc; n++) argv[n] = e->launch.argv[n];
    if (why == CHILD_RETRY) argv[n++] = "--retry-errors"; /* also those that were tried as often as a sweep does by itself */
    argv[n] = NULL;
    if (child_spawn(&e->process, argv, log, 5, &err) != SAINT_OK) {
        e->state = before;
        ui_say(u, SAINT_UI_SAY_BAD, "%s", err.text);
        return false;
    }
    e->launch.pid = e->process.pid;
    e->launch.ticks = e->process.ticks;
    launch_boot(e->launch.boot);
    e->since = ui_now(u);
    e->done_then = e->set ? e->set->data->done : SIZE_MAX;
    e->error = (saint_error){0};
    keep_record(u, e);
    u->sweeps->next_poll = ui_now(u) + 1;
    ui_redraw(u);
    return true;
}

void sweeps_stop(ui *u, sweep_entry *e, child_event why)
{
    const char *refused;
    child_effect effect = child_step(&e->state, why, 0, false, &refused);
    if (refused) {
        ui_say(u, SAINT_UI_SAY_BAD, "%s: %s", e->name, refused);
        return;
    }
    if (effect == CHILD_DO_TERM) child_signal(&e->process, SIGTERM);
    if (effect == CHILD_DO_KILL) child_signal(&e->process, SIGKILL);
    keep_record(u, e);
    ui_say(u, SAINT_UI_SAY_INFO, "%s: %s", e->name,
           effect == CHILD_DO_KILL       ? "stopped at once; what was finished is kept"
           : e->state == CHILD_CANCELLED ? "cancelled; what was finished is kept in its folder"
                                         : "it finishes its sample and stops; what was finished is kept");
    ui_redraw(u);
}

void sweeps_log_line(const sweep_entry *e, char *out, size_t size)
{
    char path[4500], tail[2048];
    out[0] = 0;
    snprintf(path, sizeof path, "%s/log.txt", e->folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    off_t end = lseek(fd, 0, SEEK_END), from = end > (off_t)sizeof tail - 1 ? end - (off_t)sizeof tail + 1 : 0;
    ssize_t n = pread(fd, tail, sizeof tail - 1, from);
    close(fd);
    while (n > 0 && (tail[n - 1] == '\n' || tail[n - 1] == '\r' || tail[n - 1] == ' ')) n--;
    if (n <= 0) return;
    tail[n] = 0;
    char *line = tail;
    for (char *p = tail; *p; p++)
        if (*p == '\n' || *p == '\r') line = p + 1;
    snprintf(out, size, "%s", line);
}

static void ended(ui *u, sweep_entry *e, int code)
{
    char line[400];
    bool complete = e->set && e->set->data->complete;
    child_step(&e->state, CHILD_ENDED, code, complete, NULL);
    e->code = code;
    e->launch.pid = 0;
    keep_record(u, e);
    sweeps_read(u, e);
    sweeps_log_line(e, line, sizeof line);
    if (e->state == CHILD_COMPLETE) ui_say(u, SAINT_UI_SAY_GOOD, "sweep %s is complete", e->name);
    else if (e->state != CHILD_FAILED) ui_say(u, SAINT_UI_SAY_INFO, "sweep %s is %s; p goes on with it", e->name, child_state_name(e->state));
    else if (code < 0) ui_say(u, SAINT_UI_SAY_WARN, "sweep %s was killed by signal %d; R starts it again", e->name, -code);
    else ui_say(u, SAINT_UI_SAY_WARN, "sweep %s failed: %s", e->name, line[0] ? line : "its log is empty");
    ui_redraw(u);
}

static void look_after(ui *u, sweep_entry *e)
{
    int code;
    if (!child_alive(e->state)) return;
    if (child_ended(&e->process, &code)) ended(u, e, code);
    else if (!e->reading && stamp_of(e->folder) != e->stamp) sweeps_read(u, e);
}

/* ---- progress ---- */

bool sweeps_progress(const ui *u, const sweep_entry *e, saint_ui_progress *out)
{
    const sweep_data *d = e->set ? e->set->data : NULL;
    *out = (saint_ui_progress){.name = e->name, .seconds = NAN, .paused = e->state == CHILD_PAUSED || e->state == CHILD_PAUSING};
    if (!d) return child_alive(e->state);
    out->done = (int64_t)d->done;
    out->total = (int64_t)d->units;
    out->failed = (int64_t)d->errors;
    /* What an earlier process did took no time of this one. */
    if (child_alive(e->state) && e->done_then != SIZE_MAX && d->done >= e->done_then + 3)
        out->seconds = (ui_now(u) - e->since) * (double)d->done / (double)(d->done - e->done_then);
    return true;
}

static bool progress(ui *u, saint_ui_progress *out)
{
    for (int i = 0; i < u->sweeps->n; i++)
        if (child_alive(u->sweeps->entry[i]->state)) return sweeps_progress(u, u->sweeps->entry[i], out);
    return false;
}

/* ---- the module ---- */

static saint_status open_sweeps(ui *u, saint_error *err)
{
    ui_sweeps *s = calloc(1, sizeof *s);
    if (!s) return saint_fail(err, SAINT_MEMORY, "no memory for sweeps");
    u->sweeps = s;
    s->at = -1;
    run_table_init(&s->runs);
    saint_status st = errands_open(&s->errands, err);
    sweeps_first_focus(u);
    if (st == SAINT_OK) find_sweeps(u);
    return st;
}

static void close_sweeps(ui *u)
{
    ui_sweeps *s = u->sweeps;
    if (!s) return;
    errands_close(s->errands);
    run_table_free(&s->runs);
    sweeps_chart_free(s);
    sweeps_twin_forget(s);
    for (int i = 0; i < s->n; i++) entry_free(s->entry[i]);
    free(s);
    u->sweeps = NULL;
}

static int fds(ui *u, struct pollfd *out, int room)
{
    int n = 0;
    if (room > 0) out[n++] = (struct pollfd){.fd = errands_fd(u->sweeps->errands), .events = POLLIN};
    for (int i = 0; i < u->sweeps->n && n < room; i++)
        if (child_alive(u->sweeps->entry[i]->state) && u->sweeps->entry[i]->process.fd >= 0)
            out[n++] = (struct pollfd){.fd = u->sweeps->entry[i]->process.fd, .events = POLLIN};
    return n;
}

static void ready(ui *u, const struct pollfd *p, int n)
{
    if (errands_deliver(u->sweeps->errands, u)) ui_redraw(u);
    for (int k = 0; k < n; k++)
        for (int i = 0; i < u->sweeps->n; i++)
            if (p[k].revents && child_alive(u->sweeps->entry[i]->state) && u->sweeps->entry[i]->process.fd == p[k].fd)
                look_after(u, u->sweeps->entry[i]);
}

static double due(const ui *u)
{
    for (int i = 0; i < u->sweeps->n; i++)
        if (child_alive(u->sweeps->entry[i]->state)) return u->sweeps->next_poll;
    return INFINITY;
}

static void tick(ui *u)
{
    /* Every second, and for a sweep of thousands of runs as seldom as leaves nine tenths of this thread to the user. */
    u->sweeps->next_poll = ui_now(u) + fmax(1, 20 * u->sweeps->shown_in);
    for (int i = 0; i < u->sweeps->n; i++) look_after(u, u->sweeps->entry[i]);
}

/* Scripts wait for what was started from here; what ran before may take days. */
static bool busy(const ui *u)
{
    if (errands_busy(u->sweeps->errands)) return true;
    for (int i = 0; i < u->sweeps->n; i++)
        if (child_alive(u->sweeps->entry[i]->state) && u->sweeps->entry[i]->process.ours) return true;
    return false;
}

bool sweeps_hold_quit(ui *u, const char *argument)
{
    int running = 0;
    const sweep_entry *last = NULL;
    for (int i = 0; u->sweeps && i < u->sweeps->n; i++)
        if (child_alive(u->sweeps->entry[i]->state)) running++, last = u->sweeps->entry[i];
    if (!running || strcmp(argument, "now") == 0) return false;
    if (strcmp(argument, "stop") == 0) {
        for (int i = 0; i < u->sweeps->n; i++)
            if (u->sweeps->entry[i]->state == CHILD_RUNNING) sweeps_stop(u, u->sweeps->entry[i], CHILD_PAUSE);
        return false;
    }
    char text[256];
    if (running == 1)
        snprintf(text, sizeof text, "Sweep %.60s runs on behind and is found again at the next start; nothing finished is lost. Quit? (`quit stop` stops it first)", last->name);
    else snprintf(text, sizeof text, "%d sweeps run on behind and are found again at the next start; nothing finished is lost. Quit? (`quit stop` stops them first)", running);
    ui_ask(u, text, "quit now");
    return true;
}

static void save(ui *u, cJSON *into)
{
    cJSON *list = cJSON_AddArrayToObject(into, "sweeps");
    for (int i = 0; i < u->sweeps->n; i++) cJSON_AddItemToArray(list, cJSON_CreateString(u->sweeps->entry[i]->folder));
    if (sweeps_selected(u)) cJSON_AddStringToObject(into, "sweep", sweeps_selected(u)->folder);
}

static void load(ui *u, const cJSON *from)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(from, "sweeps"), *last = cJSON_GetObjectItemCaseSensitive(from, "sweep"), *c;
    cJSON_ArrayForEach(c, list)
    {
        char *full = cJSON_IsString(c) ? realpath(c->valuestring, NULL) : NULL;
        if (full && is_sweep(full)) sweeps_add(u, full); /* one that is gone is gone */
        free(full);
    }
    for (int i = 0; i < u->sweeps->n && cJSON_IsString(last); i++)
        if (strcmp(u->sweeps->entry[i]->folder, last->valuestring) == 0) sweeps_select(u, i);
}

const ui_module ui_module_sweeps = {.name = "sweeps",
                                    .open = open_sweeps,
                                    .close = close_sweeps,
                                    .fds = fds,
                                    .ready = ready,
                                    .due = due,
                                    .tick = tick,
                                    .busy = busy,
                                    .progress = progress,
                                    .save = save,
                                    .load = load};
