/* saint sweep as a user meets it: one process or many, interrupted, killed, without room, without rights; the result is always the same. */
#define _GNU_SOURCE
#include "support/program.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "formats/json.h"
#include "support/random.h"
#include "sweep/journal.h"
#include "sweep/plan.h"
#include "sweep/store.h"

#define LLAVA SAINT_FIXTURE_DIR "/llava-tiny-new"

/* 11 trials (unpruned, five thresholds, five random twins) on 28 questions. */
#define BASE "--model " LLAVA " --data scenes:data --set mode=llm --set saint_start=0 --set saint_end=0 --set saint_K=1 --threads 1"
#define GRID BASE " --grid saint_threshold=0.5:0.9:0.1"
enum { UNITS = 11 * 28 };

static char home[] = "/tmp/saint-cli-sweep-XXXXXX";
static char *reference; /* exports of a sweep that one process made in one go */

typedef struct {
    int status; /* exit status, 128 + signal */
    char *out, *err;
} result;

static char *slurp(const char *name)
{
    char path[512], *text;
    size_t n;
    snprintf(path, sizeof path, "%s/%s", home, name);
    assert_ok(saint_file_read(path, 1 << 26, &text, &n, err));
    return text;
}

static int status_of(int how) { return program_status(how); }

static pid_t start_va(const char *fmt, va_list ap)
{
    char args[2048], line[4096];
    (void)vsnprintf(args, sizeof args, fmt, ap);
    snprintf(line, sizeof line, "cd %s && exec %s sweep %s >out 2>err </dev/null", home, SAINT_BINARY, args);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(127);
    }
    return pid;
}

static pid_t start(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    pid_t pid = start_va(fmt, ap);
    va_end(ap);
    return pid;
}

static int ended(pid_t pid)
{
    int how;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    return status_of(how);
}

static result sweep(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    result r = {.status = ended(start_va(fmt, ap))};
    va_end(ap);
    r.out = slurp("out");
    r.err = slurp("err");
    return r;
}

static void forget(result r)
{
    free(r.out);
    free(r.err);
}

static void expect(result r, int status, const char *words)
{
    if (r.status != status) fail_msg("expected exit %d, found %d: %s", status, r.status, r.err);
    if (!strstr(r.err, words)) fail_msg("expected \"%s\" in: %s", words, r.err);
    forget(r);
}

static void refused(result r, const char *words)
{
    program_refused(r.status, r.out, r.err, words);
    forget(r);
}

/* ---- what is in a folder ------------------------------------------------------------------------------------------ */

/* The tables of trials and of samples as `saint export` writes them, without what may differ from run to run. */
static char *export_of(const char *folder)
{
    char line[1024], path[512];
    sweep_data *d;
    snprintf(path, sizeof path, "%s/%s", home, folder);
    assert_ok(sweep_load(path, false, &d, err));
    assert_true(d->complete);
    assert_int_equal(d->conflicts, 0);
    sweep_free(d);
    snprintf(line, sizeof line,
             "cd %s && %s export %s --no-timing >export 2>export.err && %s export %s --no-timing --format samples-csv >>export 2>>export.err",
             home, SAINT_BINARY, folder, SAINT_BINARY, folder);
    int status = status_of(system(line));
    if (status != 0) fail_msg("%s: exit %d: %s", line, status, slurp("export.err"));
    return slurp("export");
}

static void same_as_reference(const char *folder)
{
    char *text = export_of(folder);
    if (strcmp(text, reference) != 0) fail_msg("%s: another export than that of one process", folder);
    free(text);
}

typedef struct {
    size_t good, failed, attempts;
} lines;

static saint_status count_line(void *ud, const char *name, const sweep_head *h, saint_error *why)
{
    lines *l = ud;
    (void)name;
    (void)why;
    l->good += h->kind == SWEEP_LINE_RECORD && h->ok;
    l->failed += h->kind == SWEEP_LINE_RECORD && !h->ok;
    l->attempts += h->kind == SWEEP_LINE_ATTEMPT;
    return SAINT_OK;
}

/* Lines of all journals, as they lie on disk. */
static lines lines_of(const char *folder)
{
    char path[512];
    lines l = {0};
    sweep_cursors c = {0};
    sweep_plan p;
    snprintf(path, sizeof path, "%s/%s", home, folder);
    assert_ok(sweep_plan_read(path, &p, err));
    assert_ok(sweep_journals_read(path, p.id, &c, count_line, &l, err));
    sweep_cursors_free(&c);
    sweep_plan_free(&p);
    return l;
}

/* Wait until n writes have been made to the journals of a folder that a process is working on, or the process has ended. */
typedef struct {
    int fd;
} watch;

static watch watch_journals(const char *folder)
{
    char path[512];
    watch w = {inotify_init1(IN_CLOEXEC)};
    snprintf(path, sizeof path, "%s/%s/journal", home, folder);
    assert_true(w.fd >= 0 && inotify_add_watch(w.fd, path, IN_MODIFY) >= 0);
    return w;
}

/* false: they stopped coming because no process writes any more. */
static bool writes(watch w, int n, pid_t pid)
{
    while (n > 0) {
        char buf[4096] __attribute__((aligned(8)));
        struct pollfd p = {.fd = w.fd, .events = POLLIN};
        siginfo_t info = {0};
        if (poll(&p, 1, 100) == 0) { /* events wake it; the time is for a process that has ended */
            if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid) return false;
            continue;
        }
        ssize_t got = read(w.fd, buf, sizeof buf);
        for (char *at = buf; got > 0 && at < buf + got; at += sizeof(struct inotify_event) + ((struct inotify_event *)(void *)at)->len) n--;
    }
    return true;
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static void wrong_usage_is_one_line(void **state)
{
    (void)state;
    refused(sweep("--model %s --data scenes:data --grid keep_nun=3", LLAVA), "nearest is keep_num");
    refused(sweep(BASE " --grid saint_threshold=0.5:0.9"), "a grid needs values");
    refused(sweep("--model %s --data scenes:data --grid saint_threshold=0.5,0.9", LLAVA), "choose where tokens are pruned");
    refused(sweep("--model %s --data nope:data --preset hybrid", LLAVA), "nope");
    refused(sweep("--model %s --data scenes:/nonexistent --preset hybrid", LLAVA), "/nonexistent");
    refused(sweep("--model /nonexistent --data scenes:data --preset hybrid"), "/nonexistent");
    refused(sweep(GRID " --rank 3"), "--world");
    refused(sweep(GRID " --rank 3 --world 3"), "0 to world - 1");
    refused(sweep(GRID " --rank 0 --world 2 --jobs 2"), "leave --jobs out");
    refused(sweep(GRID " --jobs 0"), "--jobs 0");
    refused(sweep(GRID " --method sobol"), "count of points");
    refused(sweep(GRID " --method sideways"), "grid, list, random, lhs or sobol");
    refused(sweep(GRID " --samples nobody"), "no such sample");
    refused(sweep("nothing.json --model %s --data scenes:data", LLAVA), "nothing.json");
    refused(sweep("a.json b.json"), "one SPEC.json");
    refused(sweep("--status --out nowhere"), "nowhere/plan.json");
    refused(sweep(GRID " --out /proc/nowhere/sweep"), "give a folder that can be written with --out");
    refused(sweep(GRID " --out out/sweep"), "out"); /* a file is in the way */
    refused(sweep("--model %s --data imagefolder:data --preset hybrid", LLAVA), "no classifier");
}

static void an_incomplete_launcher_is_refused(void **state)
{
    (void)state;
    setenv("OMPI_COMM_WORLD_RANK", "1", 1);
    refused(sweep(GRID), "OMPI_COMM_WORLD_SIZE");
    unsetenv("OMPI_COMM_WORLD_RANK");
}

static void a_sweep_is_run_once(void **state)
{
    (void)state;
    result r = sweep(GRID " --out one --csv one.csv");
    assert_non_null(strstr(r.out, "unpruned"));
    assert_non_null(strstr(r.out, "random twin"));
    expect(r, 0, "complete: 308 units of 11 trials on 28 samples");
    lines l = lines_of("one");
    assert_int_equal(l.good, UNITS);
    assert_int_equal(l.attempts, 1);
    char *csv = slurp("one.csv");
    assert_memory_equal(csv, "schema,", 7);
    free(csv);
    expect(sweep(GRID " --out one"), 0, "complete");
    l = lines_of("one");
    assert_int_equal(l.good, UNITS);
    assert_int_equal(l.attempts, 1); /* nothing to do: not even a journal */
    r = sweep("--status --out one --json");
    cJSON *c;
    assert_ok(saint_json_parse(r.out, strlen(r.out), 1 << 24, "stdout", &c, err));
    assert_string_equal(cJSON_GetObjectItem(c, "state")->valuestring, "complete");
    assert_int_equal(cJSON_GetObjectItem(c, "done")->valueint, UNITS);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(c, "trials")), 11);
    cJSON_Delete(c);
    expect(r, 0, "complete");
    free(reference);
    reference = export_of("one");
    assert_non_null(strstr(reference, "saint_threshold"));
}

/* A folder that nobody has worked on yet: what is asked, and nothing else. */
static void only_what_is_asked(const char *from, const char *to)
{
    char line[512];
    snprintf(line, sizeof line, "cd %s && mkdir %s && cp %s/plan.json %s/spec.json %s", home, to, from, from, to);
    assert_int_equal(status_of(system(line)), 0);
}

static void a_folder_alone_goes_on(void **state)
{
    (void)state;
    refused(sweep("--out nowhere"), "nowhere: no sweep lies there");
    refused(sweep("--out one --limit 3"), "--limit: one alone goes on with what was asked of it");
    refused(sweep("--out one --data scenes:other"), "other");
    refused(sweep("--out one --model " SAINT_FIXTURE_DIR "/llava-tiny-liuhaotian"), "a sweep of another model");
    expect(sweep("--out one"), 0, "complete: 308 units");
    assert_int_equal(lines_of("one").attempts, 1); /* nothing was left to do */

    only_what_is_asked("one", "alone");
    expect(sweep("--status --out alone"), 75, "`saint sweep --out` with the folder alone");
    expect(sweep("--out alone --jobs 2"), 0, "complete: 308 units");
    same_as_reference("alone");
    assert_int_equal(lines_of("alone").good, UNITS);
}

/* What no line of a spec holds: wording, template, picture mode, parser, type, tower, repeats, from another working folder. */
static void a_folder_alone_keeps_every_option(void **state)
{
    (void)state;
    char line[1024], *text[2];
    result r = sweep("--model " SAINT_FIXTURE_DIR "/llava-tiny-liuhaotian --vision-tower " SAINT_FIXTURE_DIR "/clip-vit-tiny-patch4-36 --data scenes:data"
                     " --set mode=llm --set saint_start=0 --set saint_end=0 --set saint_K=1 --grid saint_threshold=0.5,0.6 --limit 4 --repeat 2"
                     " --prompts llava --template llava_hf --image-mode stretch --parser official --dtype bf16 --max-new-tokens 3 --threads 1 --out every");
    expect(r, 0, "complete: 40 units");
    only_what_is_asked("every", "all");
    snprintf(line, sizeof line, "mkdir -p %s/elsewhere && cd %s/elsewhere && %s sweep --threads 1 --out ../all 2>../err", home, home, SAINT_BINARY);
    if (status_of(system(line)) != 0) fail_msg("%s", slurp("err"));
    text[0] = export_of("every");
    text[1] = export_of("all");
    assert_string_equal(text[0], text[1]);
    free(text[0]);
    free(text[1]);
}

static void without_a_folder_the_name_comes_from_what_is_asked(void **state)
{
    (void)state;
    result r = sweep(BASE " --grid saint_threshold=0.5 --limit 2 --name 'my sweep'");
    char *at = strstr(r.err, "sweeps/my-sweep-");
    assert_non_null(at);
    char folder[64];
    snprintf(folder, sizeof folder, "%.24s", at);
    expect(r, 0, "complete: 6 units");
    assert_int_equal(lines_of(folder).good, 6);
    expect(sweep(BASE " --grid saint_threshold=0.5,0.6 --limit 3 --name 'my sweep'"), 0, "complete: 15 units"); /* the same one, extended */
    assert_int_equal(lines_of(folder).good, 15);
    expect(sweep(BASE " --grid saint_K=1,2 --limit 2 --name 'my sweep' --status"), 2, "plan.json"); /* another one, which is not there */
}

static void a_file_can_say_it_all(void **state)
{
    (void)state;
    char path[256];
    static const char spec[] =
        "{\"name\": \"file\", \"model\": \"" LLAVA "\", \"data\": \"scenes:data\", \"set\": {\"mode\": \"llm\", \"saint_start\": 0,"
        " \"saint_end\": 0, \"saint_K\": 1}, \"parameters\": {\"saint_threshold\": \"0.5:0.9:0.1\"}}";
    snprintf(path, sizeof path, "%s/spec.json", home);
    assert_ok(saint_file_write(path, spec, sizeof spec - 1, err));
    expect(sweep("spec.json --threads 1 --out one"), 0, "complete: 308 units"); /* the same identity, nothing left to do */
    expect(sweep("spec.json --threads 1 --limit 2 --out file --no-random --grid saint_threshold=0.5"), 0, "complete: 4 units of 2 trials");
}

/* Behind the next comma or newline that stands in no quotes. */
static const char *next_cell(const char *p)
{
    for (bool quoted = false; quoted || (*p != ',' && *p != '\n'); p++) {
        assert_true(*p != 0);
        if (*p == '"') quoted = !quoted;
    }
    return p + 1;
}

/* The value of a column in the second line of a CSV. */
static void column_is(const char *csv, const char *column, const char *value)
{
    const char *row = strchr(csv, '\n') + 1, *head = csv;
    size_t n = strlen(column);
    while (strncmp(head, column, n) != 0 || (head[n] != ',' && head[n] != '\n')) {
        head = next_cell(head);
        row = next_cell(row);
        if (head[-1] == '\n') fail_msg("no column %s", column);
    }
    n = strlen(value);
    if (strncmp(row, value, n) != 0 || !strchr(",\n", row[n])) fail_msg("%s: expected %s, found %.20s", column, value, row);
}

static void rows_say_how_they_were_chosen(void **state)
{
    (void)state;
    expect(sweep(BASE " --method sobol --count 2 --seed 7 --grid saint_threshold=0.5:0.9 --limit 1 --out drawn --csv drawn.csv"), 0, "complete");
    char *csv = slurp("drawn.csv");
    column_is(csv, "sweep_method", "sobol");
    column_is(csv, "sweep_seed", "7");
    free(csv);
    csv = slurp("one.csv");
    column_is(csv, "sweep_method", "grid");
    column_is(csv, "sweep_seed", "");
    free(csv);
}

/* Kernels of another tier sum in another order: told, and refused where somebody asks for it. */
static void other_kernels_are_told(void **state)
{
    (void)state;
#if defined(__x86_64__)
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return;
#else
    return;
#endif
    expect(sweep(GRID " --out tiers --tier generic --limit 1"), 0, "complete: 11 units");
    result r = sweep("--status --out tiers");
    assert_null(strstr(r.err, "different kernels"));
    forget(r);
    refused(sweep(GRID " --out tiers --limit 2 --tier avx2 --require-same-env"), "found cpu avx2, cpu generic");
    assert_int_equal(lines_of("tiers").good, 11);
    expect(sweep(GRID " --out tiers --limit 2 --tier generic --require-same-env"), 0, "complete: 22 units");
    r = sweep(GRID " --out tiers --limit 3 --tier avx2");
    assert_non_null(strstr(r.err, "different kernels or devices (cpu generic, cpu avx2)"));
    expect(r, 0, "complete: 33 units");
}

static void jobs_give_the_same(void **state)
{
    (void)state;
    expect(sweep(GRID " --out jobs --jobs 4"), 0, "complete: 308 units");
    same_as_reference("jobs");
    assert_int_equal(lines_of("jobs").good, UNITS);
}

static void eight_ranks_give_the_same(void **state)
{
    (void)state;
    pid_t pid[8];
    for (int r = 0; r < 8; r++) pid[r] = start(GRID " --out ranks --rank %d --world 8", r);
    for (int r = 0; r < 8; r++) assert_int_equal(ended(pid[r]), 0);
    same_as_reference("ranks");
    assert_int_equal(lines_of("ranks").good, UNITS); /* nothing twice */
}

/* Any of eight ranks is killed at any moment; three more finish. */
static void ranks_may_be_killed(void **state)
{
    (void)state;
    uint64_t rng = 4;
    pid_t pid[8];
    expect(sweep(GRID " --out killed --limit 1"), 0, "complete: 11 units"); /* so that the journals can be watched */
    watch w = watch_journals("killed");
    for (int r = 0; r < 8; r++) pid[r] = start(GRID " --out killed --rank %d --world 8", r);
    for (int r = 0; r < 8; r++) {
        (void)writes(w, 1 + (int)(test_random_bits(&rng) % 20), pid[r]);
        if (r != 5) kill(pid[r], SIGKILL);
    }
    kill(pid[5], SIGTERM);
    for (int r = 0; r < 8; r++) {
        int status = ended(pid[r]);
        assert_true(status == 0 || status == 75 || status == 137);
    }
    close(w.fd);
    assert_true(lines_of("killed").good < UNITS); /* or nothing was tested */
    expect(sweep("--status --out killed"), 75, "not complete");
    for (int r = 0; r < 3; r++) pid[r] = start(GRID " --out killed --rank %d --world 3", r);
    for (int r = 0; r < 3; r++) assert_int_equal(ended(pid[r]), 0);
    same_as_reference("killed");
}

static void fifty_kills_lose_nothing_and_repeat_nothing(void **state)
{
    (void)state;
    uint64_t rng = 50;
    int kills = 0, folders = 0;
    /* Where the test's own signals come late, a folder is complete before the fiftieth: then on with another one. */
    while (kills < 50) {
        char folder[24];
        size_t before = 0;
        assert_true(folders < 50);
        snprintf(folder, sizeof folder, "fifty-%d", folders++);
        expect(sweep(GRID " --out %s --limit 1", folder), 0, "complete");
        watch w = watch_journals(folder);
        for (int status = 137; status != 0 && kills < 50;) {
            pid_t pid = start(GRID " --out %s", folder);
            (void)writes(w, 1 + (int)(test_random_bits(&rng) % 6), pid);
            kill(pid, SIGKILL);
            status = ended(pid);
            assert_true(status == 137 || status == 0);
            kills += status == 137;
            lines l = lines_of(folder);
            assert_true(l.good >= before);
            before = l.good;
        }
        close(w.fd);
        expect(sweep(GRID " --out %s", folder), 0, "complete: 308 units");
        same_as_reference(folder);
        assert_int_equal(lines_of(folder).good, UNITS); /* whatever was written once was not run again */
    }
}

static void signals_end_it_gently(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGINT, SIGUSR1, SIGHUP};
    expect(sweep(GRID " --repeat 5 --out signals --limit 1"), 0, "complete");
    watch w = watch_journals("signals");
    for (int i = 0; i < 5; i++) {
        pid_t pid = start(GRID " --repeat 5 --out signals %s", i == 4 ? "--jobs 3" : "");
        assert_true(writes(w, 3, pid));
        kill(pid, i < 4 ? signals[i] : SIGTERM);
        assert_int_equal(ended(pid), 75);
        char *text = slurp("err");
        if (!strstr(text, "not complete: ") || !strstr(text, "the same command goes on")) fail_msg("%s", text);
        free(text);
        text = slurp("out");
        assert_string_equal(text, "");
        free(text);
    }
    close(w.fd);
    expect(sweep(GRID " --repeat 5 --out signals"), 0, "complete: 1540 units");
    assert_int_equal(lines_of("signals").good, 1540);
}

static void mpirun_gives_the_same(void **state)
{
    (void)state;
    char line[1024];
    if (system("command -v mpirun >/dev/null 2>&1") != 0) {
        printf("mpirun is not installed: left out\n");
        return;
    }
    snprintf(line, sizeof line,
             "cd %s && OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe -np 8 %s sweep " GRID
             " --out mpi >out 2>err </dev/null",
             home, SAINT_BINARY);
    int status = status_of(system(line));
    char *text = slurp("err");
    if (status != 0) fail_msg("exit %d: %s", status, text);
    free(text);
    same_as_reference("mpi");
    assert_int_equal(lines_of("mpi").good, UNITS);
}

/* ---- no room, no rights, no pictures ------------------------------------------------------------------------------ */

static void a_full_disk_loses_nothing(void **state)
{
    (void)state;
    for (rlim_t kib = 40; kib <= 120; kib += 40) {
        struct rlimit was, limit;
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
        limit = was;
        limit.rlim_cur = kib << 10;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        pid_t pid = start(GRID " --out full");
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
        assert_int_equal(ended(pid), 75);
        char *text = slurp("err");
        if (!strstr(text, ".jsonl: cannot be written: no file may grow that large here") || !strstr(text, "not complete"))
            fail_msg("%s", text);
        free(text);
    }
    assert_true(lines_of("full").good > 100);
    expect(sweep(GRID " --out full"), 0, "complete: 308 units");
    same_as_reference("full");
    assert_int_equal(lines_of("full").good, UNITS);
}

/* On a file system of its own: first too small, then for reading only. Needs rights that not every place gives. */
static int on_a_small_disk(void)
{
    char path[256], line[2048];
    int status;
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return 77;
    snprintf(path, sizeof path, "%s/disk", home);
    if (mkdir(path, 0755) != 0 || mount("none", path, "tmpfs", 0, "size=4k") != 0) return 77;
    snprintf(line, sizeof line, "cd %s && %s sweep " GRID " --out disk/s >out 2>err </dev/null", home, SAINT_BINARY);
    if (status_of(system(line)) != 75) return 1; /* no room for the plan even */
    if (mount(NULL, path, NULL, MS_REMOUNT, "size=192k") != 0) return 77;
    status = status_of(system(line));
    char *text = slurp("err");
    if (status != 75 || !strstr(text, "No space left on device") || !strstr(text, "not complete")) fail_msg("exit %d: %s", status, text);
    free(text);
    lines l = lines_of("disk/s");
    if (l.good < 50 || l.good >= UNITS) fail_msg("%zu records", l.good);
    if (mount(NULL, path, NULL, MS_REMOUNT | MS_RDONLY, NULL) != 0) return 77;
    status = status_of(system(line));
    text = slurp("err");
    if (status != 75 || !strstr(text, "Read-only file system")) fail_msg("exit %d: %s", status, text);
    free(text);
    snprintf(line, sizeof line, "cd %s && %s sweep --status --out disk/s >out 2>err", home, SAINT_BINARY);
    if (status_of(system(line)) != 75) return 1; /* it can be looked at all the same */
    if (mount(NULL, path, NULL, MS_REMOUNT, "size=8m") != 0) return 77;
    snprintf(line, sizeof line, "cd %s && %s sweep " GRID " --out disk/s >out 2>err </dev/null", home, SAINT_BINARY);
    status = status_of(system(line));
    if (status != 0) return 1;
    same_as_reference("disk/s");
    return lines_of("disk/s").good == UNITS ? 0 : 1;
}

static void a_small_disk_and_one_for_reading_only(void **state)
{
    (void)state;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) _exit(on_a_small_disk());
    int status = ended(pid);
    if (status == 77) printf("no file system of its own can be had: left out\n");
    else assert_int_equal(status, 0);
}

static void failures_are_tried_three_times(void **state)
{
    (void)state;
    char command[512];
    snprintf(command, sizeof command, "cp -r %s/data %s/broken && echo broken >%s/broken/color/0001.png", home, home, home);
    assert_int_equal(system(command), 0);
#define BROKEN                                                                                                                             \
    "--model " LLAVA " --data scenes:broken --set mode=llm --set saint_start=0 --set saint_end=0 --threads 1 --grid saint_threshold=0.5 "  \
                     "--no-random --out b"
    for (int i = 1; i <= 4; i++) {
        result r = sweep(BROKEN);
        assert_non_null(strstr(r.err, "4 units failed"));
        expect(r, 1, "complete: 56 units");
        lines l = lines_of("b");
        assert_int_equal(l.good, 52);
        assert_int_equal(l.failed, 4 * (i < 3 ? i : 3)); /* the two questions about it, in both trials */
    }
    expect(sweep(BROKEN " --retry-errors"), 1, "4 units failed");
    assert_int_equal(lines_of("b").failed, 16);
    forget(sweep("--status --out b --csv b.csv"));
    forget(sweep("--status --out b --csv bw.csv --errors-as-wrong"));
    char *left_out = slurp("b.csv"), *wrong = slurp("bw.csv");
    column_is(left_out, "n_error", "2");
    column_is(left_out, "errors_as_wrong", "0");
    column_is(wrong, "n_error", "2");
    column_is(wrong, "errors_as_wrong", "1");
    free(left_out);
    free(wrong);
    snprintf(command, sizeof command, "cp %s/data/color/0001.png %s/broken/color/0001.png", home, home);
    assert_int_equal(system(command), 0);
    expect(sweep(BROKEN " --retry-errors"), 0, "complete: 56 units");
    assert_int_equal(lines_of("b").good, 56);
}

/* The embedded model on 35 pictures: with two patches left it guesses, with half of them it does nearly as well as with all. */
#define EARLY "--data scenes:scenes --set mode=vit --set 'prune_mode[1]=random' --grid keep_num=3,289 --no-random --threads 1"

static void hopeless_trials_are_stopped(void **state)
{
    (void)state;
    char command[512], path[512], *want = NULL;
    snprintf(command, sizeof command, "cd %s && %s data scenes --seed 3 --count 5 --out scenes >/dev/null 2>&1", home, SAINT_BINARY);
    assert_int_equal(system(command), 0);
    result r = sweep(EARLY " --early-stop --out e1");
    assert_non_null(strstr(r.out, "; 1 configuration stopped early"));
    expect(r, 0, "complete: 180 units of 3 trials on 70 samples, 1 trial stopped early");
    assert_true(lines_of("e1").good < 190); /* one process runs no further than to the end of its block */
    snprintf(path, sizeof path, "%s/e1", home);
    sweep_data *d;
    assert_ok(sweep_load(path, true, &d, err));
    assert_string_equal(d->trial[1].state, "stopped");
    assert_int_equal(d->trial[1].summary.n_done, 40);
    assert_true(d->trial[1].summary.base.high < -0.1 && d->trial[2].summary.n_done == 70);
    sweep_free(d);
    want = export_of("e1");
    assert_non_null(strstr(want, ",stopped,scenes,"));
    assert_non_null(strstr(want, ",70,40,0,"));
    assert_non_null(strstr(want, "stopped after 40 of 70 samples: loses 0.")); /* how much is the model's own business */
#if defined(__SANITIZE_ADDRESS__)
    free(want); /* the embedded model takes minutes of what follows; ranks and kills are watched with a tiny one above */
    return;
#endif
    /* other processes may have run more of it by then: what counts is the same */
    expect(sweep(EARLY " --early-stop --out e3 --jobs 3"), 0, "1 trial stopped early");
    char *text = export_of("e3");
    assert_string_equal(text, want);
    free(text);
    /* killed before and behind the verdict, resumed by other ranks */
    expect(sweep(EARLY " --early-stop --out ek --limit 1"), 0, "complete: 3 units");
    watch w = watch_journals("ek");
    for (int i = 0; i < 2; i++) {
        pid_t pid = start(EARLY " --early-stop --out ek --rank %d --world 2", i);
        (void)writes(w, 60, pid);
        kill(pid, SIGKILL);
        (void)ended(pid);
    }
    close(w.fd);
    assert_true(lines_of("ek").good < 180); /* or nothing was tested */
    pid_t pid[3];
    for (int i = 0; i < 3; i++) pid[i] = start(EARLY " --early-stop --out ek --rank %d --world 3", i);
    for (int i = 0; i < 3; i++) assert_int_equal(ended(pid[i]), 0);
    text = export_of("ek");
    assert_string_equal(text, want);
    free(text);
    free(want);
    /* not asked for any more: it is run to its end, and nothing is run twice */
    expect(sweep(EARLY " --out e1"), 0, "complete: 210 units of 3 trials on 70 samples\n");
    assert_int_equal(lines_of("e1").good, 210);
}

static void where_nothing_is_lost_nothing_is_stopped(void **state)
{
    (void)state;
    /* answers of random weights are never right: the unpruned model loses to nothing */
    expect(sweep(GRID " --early-stop --out early"), 0, "complete: 308 units");
    same_as_reference("early");
}

static int begin(void **state)
{
    (void)state;
    char command[512];
    if (!mkdtemp(home)) return -1;
    snprintf(command, sizeof command, "cd %s && %s data scenes --seed 3 --count 2 --size 64 --out data >/dev/null 2>&1", home,
             SAINT_BINARY);
    return system(command);
}

static int end(void **state)
{
    (void)state;
    char command[128];
    free(reference);
    snprintf(command, sizeof command, "rm -rf %s", home);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_usage_is_one_line),
        cmocka_unit_test(an_incomplete_launcher_is_refused),
        cmocka_unit_test(a_sweep_is_run_once), /* and is the reference of those that follow */
        cmocka_unit_test(a_folder_alone_goes_on),
        cmocka_unit_test(a_folder_alone_keeps_every_option),
        cmocka_unit_test(without_a_folder_the_name_comes_from_what_is_asked),
        cmocka_unit_test(a_file_can_say_it_all),
        cmocka_unit_test(rows_say_how_they_were_chosen),
        cmocka_unit_test(other_kernels_are_told),
        cmocka_unit_test(jobs_give_the_same),
        cmocka_unit_test(eight_ranks_give_the_same),
        cmocka_unit_test(ranks_may_be_killed),
        cmocka_unit_test(fifty_kills_lose_nothing_and_repeat_nothing),
        cmocka_unit_test(signals_end_it_gently),
        cmocka_unit_test(mpirun_gives_the_same),
        cmocka_unit_test(a_full_disk_loses_nothing),
        cmocka_unit_test(a_small_disk_and_one_for_reading_only),
        cmocka_unit_test(failures_are_tried_three_times),
        cmocka_unit_test(hopeless_trials_are_stopped),
        cmocka_unit_test(where_nothing_is_lost_nothing_is_stopped),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
