/* wb_measure.c - how fast the workbench feels, measured from the other side of the terminal. Not a test: an idle machine and a person.
 *
 *   wb_measure MODEL_DIR DATA            (KIND:PATH)
 *   wb_measure --storm MODEL_DIR DATA    what it runs itself on the inner terminal: worker messages as fast as a tiny model gives them */
#define _GNU_SOURCE
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/workbench.h"
#include "ui/loop/core.h"

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(const char *what, double *v, int n, const char *limit)
{
    qsort(v, (size_t)n, sizeof *v, by_value);
    printf("%-34s median %7.2f   worst %7.2f   of %d   (%s)\n", what, v[n / 2], v[n - 1], n, limit);
    fflush(stdout);
}

static void must(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "wb_measure: %s\n", what);
    exit(1);
}

static const wb_env env = {"xterm-256color", "C.UTF-8", "truecolor", NULL};

/* ---- from exec to the first frame, to the first answer ---- */

static void measure_start(const char *const *args)
{
    double first[15], answer[15];
    for (int i = 0; i < 15; i++) {
        vt t;
        double begin = saint_now();
        must(wb_open(&t, 120, 36, &env, "frames", args), "it does not start");
        must(vt_wait_mark(&t), "no frame");
        first[i] = 1e3 * (saint_now() - begin);
        must(vt_until(&t, "answer in") || vt_until(&t, "classes in"), "no answer");
        answer[i] = 1e3 * (saint_now() - begin);
        vt_send(&t, "q");
        vt_wait_exit(&t);
        vt_close(&t);
    }
    report("exec to first frame, ms", first, 15, "at most 100");
    report("exec to first answer, ms", answer, 15, "model, picture and run");
}

/* ---- from a key to the frame with another mask ---- */

static void kept(const vt *t, char out[64])
{
    char row[1024];
    out[0] = 0;
    for (int y = 0; y < t->h; y++) {
        vt_row(t, y, row, sizeof row);
        char *at = strstr(row, " kept");
        if (!at) continue;
        char *begin = at;
        while (begin > row && begin[-1] != ' ') begin--;
        snprintf(out, 64, "%.*s", (int)(at - begin), begin);
        return;
    }
}

static void measure_keys(const char *const *args)
{
    double ms[60];
    int n = 0;
    vt t;
    must(wb_open(&t, 120, 36, &env, "frames", args), "it does not start");
    must(vt_until(&t, "answer in") || vt_until(&t, "classes in"), "no answer");
    must(vt_type(&t, ":field keep_num\r"), "no keep_num");
    for (int i = 0; i < 60; i++) {
        char before[64], after[64];
        kept(&t, before);
        double begin = saint_now();
        vt_send(&t, i % 20 < 10 ? "\033[1;2D" : "\033[1;2C"); /* Shift: a big step */
        do must(vt_wait_mark(&t), "no frame");
        while (kept(&t, after), !strcmp(before, after) && saint_now() - begin < 2);
        if (strcmp(before, after)) ms[n++] = 1e3 * (saint_now() - begin);
        while (!vt_shows(&t, "answer in")) must(vt_wait_mark(&t), "no answer");
    }
    if (n) report("key to changed mask, ms", ms, n, "at most 16, at 120x36");
    double step[40];
    for (int i = 0; i < 40; i++) {
        double begin = saint_now();
        must(vt_type(&t, i % 20 < 10 ? "," : "."), "no frame");
        step[i] = 1e3 * (saint_now() - begin);
    }
    report("layer step, ms", step, 40, "key to frame");
    vt_send(&t, "q");
    vt_wait_exit(&t);
    vt_close(&t);
}

/* ---- wake-ups of all threads while nothing happens ---- */

static long switches(pid_t pid)
{
    char path[64];
    long sum = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        char file[400], line[256];
        snprintf(file, sizeof file, "%s/%s/status", path, e->d_name);
        FILE *f = fopen(file, "r");
        for (long v; f && fgets(line, sizeof line, f);)
            if (sscanf(line, "voluntary_ctxt_switches: %ld", &v) == 1) sum += v;
        if (f) fclose(f);
    }
    if (d) closedir(d);
    return sum;
}

static void measure_stillness(const char *const *args)
{
    vt t;
    must(wb_open(&t, 120, 36, &env, "idle", args), "it does not start");
    must(vt_until(&t, "answer in") || vt_until(&t, "classes in"), "no answer");
    must(vt_type(&t, "\014"), "not idle");
    struct timespec second = {3, 0}; /* until the session is written, which it is once behind the last key */
    nanosleep(&second, NULL);
    long before = switches(t.pid);
    second.tv_sec = 5;
    nanosleep(&second, NULL);
    printf("%-34s %ld   (0 wanted)\n", "wake-ups in 5 s of stillness", switches(t.pid) - before);
    vt_send(&t, "q");
    vt_wait_exit(&t);
    vt_close(&t);
}

/* ---- many messages ---- */

static double thread_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* On the inner terminal: a run of the live plan is asked for again and again, so that messages never end. */
static int storm(const char *model, const char *data)
{
    ui_options o = {.load = {.model = model}, .data = data, .engine = {.n_threads = 1}};
    ui *u;
    if (ui_new(&o, &u, NULL) != SAINT_OK) return 1;
    ui_frame(u);
    ui_begin(u);
    while (!ui_idle(u) || !u->plan[UI_NOW].trace) ui_wait(u, 1);
    double begin = saint_now(), cpu = thread_seconds();
    unsigned frames = u->core->frames;
    long messages = 0;
    const saint_trace *last = u->plan[UI_NOW].trace;
    while (saint_now() - begin < 4) {
        const saint_trace *t = u->plan[UI_NOW].trace;
        if (t != last && t) { /* layers, sites, tokens, end */
            const saint_history *h = &t->image[0].history;
            messages += h->n_layers + h->n_sites + t->image[0].n_ids + 1;
        }
        last = t;
        if (!ui_running(u, UI_NOW, NULL)) ui_do(u, "run");
        if (u->core->dirty && saint_now() - u->core->last_frame >= 1.0 / 30) ui_frame(u);
        ui_wait(u, 0.002);
    }
    double seconds = saint_now() - begin;
    cpu = thread_seconds() - cpu;
    frames = u->core->frames - frames;
    ui_front_close(u->core->front);
    u->core->front = NULL;
    dprintf(1, "\r\nstorm: %.0f messages/s, %.1f frames/s, %.1f %% of a core\r\n", (double)messages / seconds, frames / seconds, 100 * cpu / seconds);
    ui_close(u);
    return 0;
}

static void measure_storm(const char *self, const char *model, const char *data)
{
    vt t;
    char *argv[] = {(char *)(uintptr_t)self, "--storm", (char *)(uintptr_t)model, (char *)(uintptr_t)data, NULL};
    char home[300];
    snprintf(home, sizeof home, "HOME=%s", wb_home);
    char *inner[] = {"TERM=xterm-256color", "LC_ALL=C.UTF-8", "COLORTERM=truecolor", home, NULL};
    must(vt_open(&t, 120, 36, argv, inner), "no storm");
    vt_wait_exit(&t);
    const char *said = t.raw ? strstr(t.raw, "storm: ") : NULL;
    must(said != NULL, "the storm said nothing");
    printf("%-34s %.*s   (under 20 %% at 2,000/s)\n", "worker messages on the screen", (int)strcspn(said + 7, "\r"), said + 7);
    vt_close(&t);
}

int main(int argc, char **argv)
{
    if (argc == 4 && !strcmp(argv[1], "--storm")) return storm(argv[2], argv[3]);
    if (argc != 3) return fprintf(stderr, "usage: wb_measure MODEL_DIR KIND:PATH\n"), 2;
    const char *const args[] = {"--model", argv[1], "--data", argv[2], NULL};
    wb_begin();
    measure_start(args);
    measure_keys(args);
    measure_stillness(args);
    measure_storm(argv[0], SAINT_FIXTURE_DIR "/llava-tiny-new", "images:" SAINT_FIXTURE_DIR "/pictures");
    wb_end();
    return 0;
}
