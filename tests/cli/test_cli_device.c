/* Several programs on one device: whoever measures notices every other one, however short, and says so wherever it writes a time. */
#define _GNU_SOURCE
#include "support/data_files.h"
#include "support/program.h"

#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>

#include "device_use.h"

#define LLAVA SAINT_FIXTURE_DIR "/llava-tiny-new"
#define TIMM SAINT_FIXTURE_DIR "/timm-vit-tiny"
#define PICTURE SAINT_FIXTURE_DIR "/pictures/a-32.png"
#define RUN "run --model " TIMM " --image " PICTURE " --threads 1"
static const char words[] = "another saint used the device meanwhile";

enum { PICTURES = 150 };

static program_run r;

static void saint(const char *args) { program_in(&r, data_folder, args); }

static device_use opened(void)
{
    device_use u;
    device_use_open(&u, data_folder, "cpu"); /* TMPDIR: see main */
    return u;
}

/* ---- what each command says when it was not alone ------------------------------------------------------------------------ */

static void says(const char *args, bool shared)
{
    saint(args);
    cJSON *c = program_json(&r);
    if (cJSON_IsTrue(json_get(c, "timing_valid")) == shared) fail_msg("%s: %s", args, r.out);
    const cJSON *note = cJSON_GetObjectItem(c, "timing_note");
    if (shared && (!cJSON_IsString(note) || !strstr(note->valuestring, words))) fail_msg("%s: no timing_note", args);
    if (!shared) assert_null(note);
    cJSON_Delete(c);
}

static void times_come_with_their_company(void **state)
{
    (void)state;
    static const char *const rows[] = {
        RUN " --json",
        "run --model " LLAVA " --image " PICTURE " --prompt 'Is it red?' --max-new-tokens 2 --json",
        "bench --model " TIMM " --repeat 1 --json",
        "bench --suite select --repeat 1 --json",
        "select --method saint_drop --stage vit --keys keys.npy --json",
    };
    static const char header[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (6, 4), }";
    char npy[128 + 6 * 4 * 4] = "\x93NUMPY\x01";
    npy[8] = 118;
    memset(npy + 10, ' ', 118);
    memcpy(npy + 10, header, sizeof header - 1);
    npy[127] = '\n';
    for (int i = 0; i < 24; i++) memcpy(npy + 128 + 4 * i, &(float){(float)((i * 7) % 5) - 2}, 4);
    data_write_bytes("keys.npy", npy, sizeof npy);
    device_use other = opened();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        says(rows[i], false);
        device_use_begin(&other);
        says(rows[i], true);
        assert_int_equal(strstr(rows[i], "bench") != NULL, strstr(r.err, words) != NULL);
        device_use_end(&other);
    }
    saint(RUN);
    assert_non_null(strstr(r.out, " ms (measured)\n"));
    device_use_begin(&other);
    saint(RUN);
    assert_non_null(strstr(r.out, " ms (measured while another saint used the device)\n"));
    saint("bench --suite select --repeat 1");
    assert_int_equal(r.status, 0);
    assert_non_null(strstr(r.err, words));
    assert_non_null(strstr(r.out, "selection, one thread"));
    device_use_close(&other);
}

static void the_demonstration_says_it_too(void **state)
{
    (void)state;
    device_use other = opened();
    char cache[600];
    snprintf(cache, sizeof cache, "%s/cache", data_folder);
    assert_int_equal(setenv("XDG_CACHE_HOME", cache, 1), 0);
    for (int shared = 0; shared < 2; shared++) {
        if (shared) device_use_begin(&other);
        saint("demo --model " LLAVA " --template llava_hf --samples 1 --repeat 1");
        if (r.status != 0) fail_msg("exit %d: %s", r.status, r.err);
        assert_int_equal(strstr(r.err, words) != NULL, shared);
    }
    device_use_close(&other);
    assert_int_equal(unsetenv("XDG_CACHE_HOME"), 0);
}

/* Every command that runs a model leaves its mark, also one that fails before it has computed anything with it. */
static void whoever_runs_a_model_is_noticed(void **state)
{
    (void)state;
    static const char *const users[] = {
        RUN,
        "run --model " TIMM " --image nowhere.png",
        "eval --model " TIMM " --data images:pictures --limit 1",
        "sweep --model " TIMM " --data images:pictures --limit 1 --set 'prune_mode[0]=grid' --set keep_num=20 --out noticed",
        "bench --model " TIMM " --repeat 1",
        "bench --suite select --repeat 1",
    };
    static const char *const others[] = {"methods", "presets", "info", "models", "--help", "run --help", "export noticed", "sweep --status --out noticed"};
    char path[600], *bytes;
    size_t n;
    assert_ok(saint_file_read(PICTURE, 1 << 20, &bytes, &n, err));
    data_write_bytes("pictures/a.png", bytes, n);
    free(bytes);
    snprintf(path, sizeof path, "%s", data_path("nowhere.png"));
    assert_false(saint_file_exists(path));
    device_use mine = opened();
    device_use_begin(&mine);
    for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
        assert_true(device_use_alone(&mine));
        saint(users[i]);
        if (device_use_alone(&mine)) fail_msg("%s came and went without a word: %s", users[i], r.err);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        saint(others[i]);
        if (!device_use_alone(&mine)) fail_msg("%s uses no device", others[i]);
    }
    device_use_close(&mine);
}

/* ---- a sweep and an evaluation beside which runs come and go ------------------------------------------------------------- */

static pid_t start(const char *args)
{
    char line[4096];
    snprintf(line, sizeof line, "cd %s && exec %s %s >/dev/null 2>&1 </dev/null", data_folder, SAINT_BINARY, args);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(127);
    }
    return pid;
}

/* Wait for one more write to a file of the folder. false: the process has ended. */
static bool written(int fd, pid_t pid)
{
    char buf[4096] __attribute__((aligned(8)));
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        siginfo_t info = {0};
        if (poll(&p, 1, 100) > 0) return read(fd, buf, sizeof buf) > 0; /* the time is for a process that has ended */
        if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid) return false;
    }
}

typedef struct {
    int all, valid;
} counts;

/* Of the column timing_valid, and timing_note beside it. */
static counts count(const char *folder)
{
    char args[600];
    counts c = {0};
    snprintf(args, sizeof args, "export %s --format samples-csv", folder);
    saint(args);
    if (r.status != 0) fail_msg("%s: %s", args, r.err);
    int column = 0;
    const char *at = strstr(r.out, ",timing_valid,");
    assert_non_null(at);
    for (const char *p = r.out; p <= at; p++) column += *p == ',';
    for (char *line = strchr(r.out, '\n'); line && line[1];) {
        char *p = line + 1, *end = strchr(p, '\n');
        assert_non_null(end);
        bool quoted = false, noted;
        *end = 0;
        noted = strstr(p, "timed while another saint used the device") != NULL;
        for (int k = 0; k < column; p++) {
            if (*p == '"') quoted = !quoted;
            k += *p == ',' && !quoted;
            assert_true(*p);
        }
        bool valid = *p == '1';
        if (p[1] != ',' || (*p != '0' && !valid)) fail_msg("timing_valid is %.8s", p);
        assert_int_equal(valid, !noted);
        c.all++;
        c.valid += valid;
        line = end;
    }
    return c;
}

/* The command is stopped three times, and a run comes and goes while it stands still: it sees nothing but what that has left. */
static counts beside_runs(const char *first, const char *whole, const char *watched, const char *folder)
{
    enum { RUNS = 3 };
    int fd = inotify_init1(IN_CLOEXEC), how;
    saint(first); /* a few units before, so that there is a folder to watch */
    if (r.status != 0) fail_msg("%s: exit %d: %s", first, r.status, r.err);
    assert_true(fd >= 0 && inotify_add_watch(fd, data_path(watched), IN_MODIFY) >= 0);
    counts before = count(folder);
    assert_true(before.all > 0 && before.valid == before.all);
    pid_t pid = start(whole);
    for (int i = 0; i < RUNS; i++) {
        if (!written(fd, pid)) fail_msg("%s has ended before run %d", whole, i);
        assert_int_equal(kill(pid, SIGSTOP), 0);
        assert_int_equal(waitpid(pid, &how, WUNTRACED), pid);
        assert_true(WIFSTOPPED(how));
        says(RUN " --json", true);
        assert_int_equal(kill(pid, SIGCONT), 0);
    }
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_int_equal(program_status(how), 0);
    close(fd);
    counts after = count(folder);
    int marked = after.all - after.valid;
    if (marked < 1 || after.valid <= before.valid) fail_msg("%s: %d of %d times count, before it were %d", folder, after.valid, after.all, before.valid);
    return after;
}

static void make_pictures(void)
{
    char name[64], *bytes;
    size_t n;
    assert_ok(saint_file_read(PICTURE, 1 << 20, &bytes, &n, err));
    for (int i = 0; i < PICTURES; i++) {
        snprintf(name, sizeof name, "many/%03d.png", i);
        data_write_bytes(name, bytes, n);
    }
    free(bytes);
}

#define MANY " --model " TIMM " --data images:many --set 'prune_mode[0]=grid' --set keep_num=20 --threads 1"

static void short_runs_beside_a_sweep(void **state)
{
    (void)state;
    make_pictures();
    counts c = beside_runs("sweep" MANY " --limit 1 --out swept", "sweep" MANY " --out swept", "swept/journal", "swept");
    assert_true(c.all >= 2 * PICTURES);
    saint("export swept");
    assert_non_null(strstr(r.out, "timed while another saint used the device; for times run it in one process"));
    saint("sweep" MANY " --out alone --json");
    cJSON_Delete(program_json(&r));
    c = count("alone");
    assert_true(c.all >= 2 * PICTURES && c.valid == c.all);
}

static void short_runs_beside_an_evaluation(void **state)
{
    (void)state;
    make_pictures();
    counts c = beside_runs("eval" MANY " --limit 1 --out evaluated", "eval" MANY " --out evaluated", "evaluated", "evaluated");
    assert_int_equal(c.all, 2 * PICTURES);
    saint("eval" MANY " --out alone2 --json");
    cJSON *o = program_json(&r);
    assert_int_equal(json_get(o, "timings_ms.n")->valueint, PICTURES);
    cJSON_Delete(o);
    assert_int_equal(count("alone2").valid, 2 * PICTURES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_come_with_their_company),
        cmocka_unit_test(the_demonstration_says_it_too),
        cmocka_unit_test(whoever_runs_a_model_is_noticed),
        cmocka_unit_test(short_runs_beside_a_sweep),
        cmocka_unit_test(short_runs_beside_an_evaluation),
    };
    if (data_make(NULL) != 0 || setenv("TMPDIR", data_folder, 1) != 0) return 1;
    return cmocka_run_group_tests(tests, NULL, data_remove);
}
