/* Random keys, mouse, pastes and sizes: nothing crashes, nothing hangs, the terminal comes back. Meant for the sanitized build.
 *
 *   SAINT_RANDOM_SECONDS=60 SAINT_RANDOM_SEED=7 pty_workbench_random      longer, or again as it was */
#define _GNU_SOURCE
#include "support/test.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "support/workbench.h"

enum { CHUNKS = 120, EVENTS = 12 };

typedef struct {
    uint64_t state;
    char bytes[4096];
    size_t n;
} dice;

static uint32_t roll(dice *d, uint32_t n)
{
    d->state ^= d->state << 13;
    d->state ^= d->state >> 7;
    d->state ^= d->state << 17;
    return (uint32_t)(d->state >> 32) % n;
}

static void add(dice *d, const char *text)
{
    size_t n = strlen(text);
    if (d->n + n + 1 > sizeof d->bytes) return;
    memcpy(d->bytes + d->n, text, n + 1);
    d->n += n;
}

static void add_event(dice *d, int w, int h)
{
    static const char *const keys[] = {"\033[A", "\033[B", "\033[C", "\033[D", "\033[5~", "\033[6~", "\033[H", "\033[F", "\t", "\033[Z", "\r", "\177",
                                       "\033[3~", "\033", "\033[1;2A", "\033[1;2B", "\033[1;2C", "\033[1;2D", "\033[1;5C", "\020", "\022", "\014", "\033OP", "\033[15~", " ", "\025", "\033x"};
    static const char *const words[] = {":page speed\r", ":set keep_num=30\r", ":theme light\r", ":sample 3\r", ":filter a\r", ":filter all\r", ":scan\r", ":layer 2\r",
                                        ":question Is it?\r", ":live off\r", ":live on\r", ":undo\r", ":help\r", ":set mode=llm\r", ":set mode=hybrid\r", ":mouse on\r",
                                        ":nonsense\r", ":zoom on\r", ":zoom 12\r", ":focus picture\r", ":page inspect\r", ":patch 9\r", ":set saint_threshold=0.9\r", ":pin\r", "\033"};
    char text[96];
    switch (roll(d, 12)) {
    case 0:
    case 1:
    case 2: add(d, keys[roll(d, sizeof keys / sizeof *keys)]); break;
    case 3:
    case 4:
    case 5:
    case 6:
        text[0] = (char)(33 + roll(d, 94));
        text[1] = 0;
        if (text[0] != 'q' || roll(d, 8) == 0) add(d, text);
        break;
    case 7:
        snprintf(text, sizeof text, "\033[<%u;%u;%u%c", (unsigned)(roll(d, 3) ? 0 : roll(d, 3)), roll(d, (uint32_t)w) + 1, roll(d, (uint32_t)h) + 1, roll(d, 3) ? 'M' : 'm');
        add(d, text);
        break;
    case 8:
        snprintf(text, sizeof text, "\033[<%u;%u;%uM", (roll(d, 4) ? 64 : 80) + roll(d, 2), roll(d, (uint32_t)w) + 1, roll(d, (uint32_t)h) + 1);
        add(d, text);
        break;
    case 9:
        for (unsigned i = roll(d, 6) + 1; i > 0; i--) {
            snprintf(text, sizeof text, "\033[<32;%u;%uM", roll(d, (uint32_t)w) + 1, roll(d, (uint32_t)h) + 1);
            add(d, text);
        }
        break;
    case 10: add(d, words[roll(d, sizeof words / sizeof *words)]); break;
    default: add(d, roll(d, 4) ? "\032" : "\033[200~pasted q\rtext \xc3\xa4\033[201~"); break;
    }
}

/* What the workbench may have started in its folder must not outlive the test. */
static void reap(void)
{
    DIR *proc = opendir("/proc");
    for (struct dirent *e; proc && (e = readdir(proc));) {
        char path[300], cwd[400];
        int pid = atoi(e->d_name);
        if (pid <= 1 || pid == getpid()) continue;
        snprintf(path, sizeof path, "/proc/%d/cwd", pid);
        ssize_t n = readlink(path, cwd, sizeof cwd - 1);
        if (n <= 0) continue;
        cwd[n] = 0;
        if (!strncmp(cwd, wb_home, strlen(wb_home))) kill(pid, SIGKILL);
    }
    if (proc) closedir(proc);
}

static void start(vt *t, dice *d)
{
    static const wb_env env[] = {{"xterm-256color", "C.UTF-8", "truecolor", NULL}, {"xterm-256color", "C.UTF-8", "", NULL}, {"xterm", "C", "", NULL}};
    static const char *const args[] = {"--model", SAINT_FIXTURE_DIR "/llava-tiny-new", "--data", "images:" SAINT_FIXTURE_DIR "/pictures", NULL};
    assert_true(wb_open(t, 20 + (int)roll(d, 180), 8 + (int)roll(d, 50), &env[roll(d, 3)], "frames", args));
    assert_true(vt_wait_mark(t));
}

static void stopped(vt *t, uint64_t seed, int chunk)
{
    int status = vt_wait_exit(t);
    bool fine = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    size_t from = t->n_raw > 6000 ? t->n_raw - 6000 : 0;
    if (!fine) fail_msg("seed %llu, chunk %d: wait status %x; it wrote: %s", (unsigned long long)seed, chunk, (unsigned)status, t->raw ? t->raw + from : "nothing");
    assert_true(vt_modes_restored(t));
    vt_close(t);
}

static void anything_may_happen(void **state)
{
    (void)state;
    const char *seconds = getenv("SAINT_RANDOM_SECONDS"), *given = getenv("SAINT_RANDOM_SEED");
    double most = seconds ? atof(seconds) : 0;
    uint64_t seed = given ? strtoull(given, NULL, 10) : most > 0 ? (uint64_t)time(NULL) : 20250503;
    dice d = {.state = seed * 2654435761u + 88172645463325252u};
    time_t end = time(NULL) + (time_t)most;
    vt t;
    if (most > 0) printf("seed %llu\n", (unsigned long long)seed);
    start(&t, &d);
    int chunk = 0, starts = 1;
    for (; most > 0 ? time(NULL) < end : chunk < CHUNKS; chunk++) {
        d.n = 0;
        if (roll(&d, 10) == 0) vt_resize(&t, 1 + (int)roll(&d, 220), 1 + (int)roll(&d, 70));
        for (int i = 0; i < EVENTS; i++) add_event(&d, t.w, t.h);
        add(&d, "\014"); /* always one that makes a frame */
        vt_send(&t, d.bytes);
        if (vt_wait_mark(&t)) continue;
        stopped(&t, seed, chunk);
        start(&t, &d);
        starts++;
    }
    for (int i = 0; i < 8; i++) vt_send(&t, "\033"); /* out of whatever is open */
    vt_send(&t, ":quit\r");
    stopped(&t, seed, chunk);
    if (most > 0) printf("%d chunks of %d events, %d starts\n", chunk, (int)EVENTS, starts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(anything_may_happen)};
    wb_begin();
    if (chdir(wb_home) != 0) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    reap();
    if (chdir("/") != 0) return 1;
    wb_end();
    return failed;
}
