/* Claims: of any number of processes one gets a block, and the dead do not keep theirs. And trials that are given up early. */
#define _GNU_SOURCE
#include "support/sweep_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "sweep/claim.h"
#include "sweep/early.h"
#include "sweep/folder.h"
#include "sweep/machine.h"

static char folder[128];
static sweep_plan plan;

static int begin(void **state)
{
    if (sweep_begin(state) != 0) return -1;
    saint_error e = {0};
    snprintf(folder, sizeof folder, "%s", sweep_path("s"));
    plan = sweep_plan_of(SWEEP_TWO);
    return sweep_plan_commit(&plan, folder, &e) == SAINT_OK ? 0 : -1;
}

static int end(void **state)
{
    sweep_plan_free(&plan);
    return sweep_end(state);
}

static void touch_journal(const char *name, double age)
{
    char path[256];
    snprintf(path, sizeof path, "%s/journal/%s.jsonl", folder, name);
    assert_ok(saint_file_write(path, "", 0, err));
    struct timespec t[2];
    clock_gettime(CLOCK_REALTIME, &t[0]);
    t[0].tv_sec -= (time_t)age;
    t[1] = t[0];
    assert_int_equal(utimensat(AT_FDCWD, path, t, 0), 0);
}

static sweep_claims *claims(const char *journal)
{
    sweep_claims *c;
    touch_journal(journal, 0);
    assert_ok(sweep_claims_open(&c, folder, &plan, journal, err));
    return c;
}

static bool claim(sweep_claims *c, size_t block)
{
    bool mine;
    assert_ok(sweep_claim(c, block, &mine, err));
    return mine;
}

#define ME "me-1-0000000000000001"
#define YOU "you-2-0000000000000002"

static void a_block_belongs_to_one(void **state)
{
    (void)state;
    sweep_claims *a = claims(ME), *b = claims(YOU);
    assert_true(claim(a, 0));
    assert_true(claim(a, 0)); /* it stays ours */
    assert_false(claim(b, 0));
    assert_true(claim(b, 1));
    assert_false(claim(a, 1));
    sweep_claims_close(a);
    sweep_claims_close(b);
    sweep_claims_close(NULL);
    b = claims("third-3-0000000000000003"); /* the process that claimed lives on, whatever it closed */
    assert_false(claim(b, 0));
    sweep_claims_close(b);
    b = claims(YOU);
    sweep_claims_clear(folder); /* whoever found the sweep complete tidies up under everybody's feet */
    assert_true(claim(b, 0));
    assert_true(claim(b, 7));
    sweep_claims_close(b);
}

static void the_dead_lose_theirs(void **state)
{
    (void)state;
    sweep_claims *mine = claims(ME);
    int how;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        sweep_claims *c = claims(YOU);
        _exit(claim(c, 5) && claim(c, 6) ? 0 : 1);
    }
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0); /* it has ended and nobody has asked: a zombie */
    assert_true(claim(mine, 5));
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    assert_true(claim(mine, 6));
    assert_true(claim(mine, 6));
    sweep_claims_close(mine);
}

static void write_claim(size_t block, const char *text, double age)
{
    char path[640], shape[257];
    snprintf(path, sizeof path, "%s/claims", folder);
    DIR *d = opendir(path);
    assert_non_null(d);
    shape[0] = 0;
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.') snprintf(shape, sizeof shape, "%s", e->d_name);
    closedir(d);
    snprintf(path, sizeof path, "%s/claims/%s/%zu.0", folder, shape, block);
    assert_ok(saint_file_write(path, text, strlen(text), err));
    struct timespec t[2];
    clock_gettime(CLOCK_REALTIME, &t[0]);
    t[0].tv_sec -= (time_t)age;
    t[1] = t[0];
    assert_int_equal(utimensat(AT_FDCWD, path, t, 0), 0);
}

static void other_machines_are_judged_by_their_heartbeat(void **state)
{
    (void)state;
    static const char other[] = "77 12345 another-boot-4026531836\n" YOU "\n";
    sweep_claims *mine = claims(ME);
    touch_journal(YOU, 0);
    write_claim(0, other, 100);
    assert_false(claim(mine, 0)); /* the claim is old, but its owner's journal is not */
    touch_journal(YOU, SWEEP_GRACE_SECONDS + 30);
    assert_true(claim(mine, 0));
    write_claim(1, "77 12345 another-boot-4026531836\nnobody-9-0000000000000009\n", 0); /* its journal is gone */
    assert_true(claim(mine, 1));
    sweep_claims_close(mine);
}

static void half_a_claim_counts_for_a_while(void **state)
{
    (void)state;
    static const char *const torn[] = {"", "77", "77 12345 here\n", "x y z\nw\n", "1 2 3\n../../x\n"};
    sweep_claims *mine = claims(ME);
    for (size_t i = 0; i < sizeof torn / sizeof *torn; i++) {
        write_claim(i, torn[i], 0);
        assert_false(claim(mine, i));
        write_claim(i, torn[i], SWEEP_GRACE_SECONDS + 30);
        assert_true(claim(mine, i));
    }
    sweep_claims_close(mine);
}

static void a_number_used_again_is_another_process(void **state)
{
    (void)state;
    sweep_process self, other;
    char text[160];
    sweep_process_self(&self);
    assert_int_equal(self.pid, getpid());
    assert_true(self.start > 0);
    assert_int_equal(sweep_process_alive(&self), 1);
    other = self;
    other.start++;
    assert_int_equal(sweep_process_alive(&other), 0);
    snprintf(other.space, sizeof other.space, "elsewhere");
    assert_int_equal(sweep_process_alive(&other), -1);
    sweep_process_text(&self, text, sizeof text);
    assert_true(sweep_process_parse(text, &other));
    assert_true(other.pid == self.pid && other.start == self.start && strcmp(other.space, self.space) == 0);
    assert_false(sweep_process_parse("12 x", &other));
}

/* Eight processes over the same 300 blocks: together they get each once. */
static void many_share_the_blocks_out(void **state)
{
    (void)state;
    enum { BLOCKS = 300, PROCESSES = 8 };
    static int owner[BLOCKS];
    int gate[2], out[2], go[2];
    assert_int_equal(pipe(gate), 0);
    assert_int_equal(pipe(out), 0);
    assert_int_equal(pipe(go), 0);
    for (int i = 0; i < PROCESSES; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid > 0) continue;
        char name[64], byte;
        close(gate[1]);
        close(go[1]);
        snprintf(name, sizeof name, "p-%d-000000000000000%d", i, i);
        sweep_claims *c = claims(name);
        (void)!read(gate[0], &byte, 1);
        for (int b = 0; b < BLOCKS; b++) {
            int mine[2] = {i, b};
            if (claim(c, (size_t)b) && write(out[1], mine, sizeof mine) != sizeof mine) _exit(1);
        }
        close(out[1]);
        (void)!read(go[0], &byte, 1); /* alive until all have been through: nobody inherits */
        _exit(0);
    }
    close(out[1]);
    close(gate[0]);
    close(gate[1]);
    close(go[0]);
    int mine[2], n = 0;
    memset(owner, 0xff, sizeof owner);
    while (read(out[0], mine, sizeof mine) == sizeof mine) {
        assert_int_equal(owner[mine[1]], -1);
        owner[mine[1]] = mine[0];
        n++;
    }
    assert_int_equal(n, BLOCKS);
    close(out[0]);
    close(go[1]);
    for (int i = 0; i < PROCESSES; i++) {
        int how;
        assert_true(wait(&how) > 0);
        assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    }
}

/* ---- early stop --------------------------------------------------------------------------------------------------- */

/* 40 pictures, one question each. */
static saint_dataset *forty(void)
{
    static char text[40 * 200];
    char path[256];
    size_t n = 0;
    saint_dataset *d;
    for (int i = 0; i < 40; i++)
        n += (size_t)snprintf(text + n, sizeof text - n,
                              "{\"uid\": \"q%02d\", \"question\": \"?\", \"answers\": [\"star\"], \"image\": \"p%02d.png\"}\n", i, i);
    snprintf(path, sizeof path, "%s/forty", sweep_home);
    (void)mkdir(path, 0755);
    assert_ok(saint_file_write(sweep_path("forty/manifest.jsonl"), text, n, err));
    snprintf(path, sizeof path, "manifest:%s/forty", sweep_home);
    assert_ok(saint_dataset_open(path, NULL, &d, err));
    return d;
}

/* What a trial answers to sample s. */
static const char *answer_of(int trial, uint32_t s)
{
    switch (trial) {
    case 0: return s % 10 ? "star" : "moon";          /* unpruned: right on 9 of 10 */
    case 1: return "moon";                            /* never right */
    case 2: return s % 10 > 1 ? "star" : "moon";      /* a little worse */
    case 3: return s % 10 && s % 2 ? "star" : "moon"; /* half as good */
    default: return s % 10 ? "star" : "moon";
    }
}

static sweep_plan forty_plan(const saint_dataset *d, double early_stop, bool random)
{
    sweep_spec spec;
    sweep_scene scene = sweep_scene_of_test();
    sweep_plan p;
    scene.dataset = d;
    sweep_spec_init(&spec);
    spec.early_stop = early_stop;
    spec.no_random = !random;
    assert_ok(sweep_texts_add(&spec.set, "mode=llm", err));
    assert_ok(sweep_texts_add(&spec.set, "saint_start=0", err));
    assert_ok(sweep_texts_add(&spec.set, "saint_end=0", err));
    assert_ok(sweep_spec_grid(&spec, "saint_threshold=0.5,0.6,0.7,0.8", err));
    assert_ok(sweep_spec_finish(&spec, err));
    assert_ok(sweep_plan_make(&spec, &scene, &p, NULL, err));
    sweep_spec_free(&spec);
    return p;
}

/* Judged at 20, 25, 31 and 38 samples, each time by the first so many and nothing else, whatever else is known. */
static void hopeless_trials_are_given_up(void **state)
{
    (void)state;
    saint_dataset *d = forty();
    sweep_plan p = forty_plan(d, 0.1, false);
    sweep_early e;
    uint32_t until[5], first[5] = {0};
    assert_ok(sweep_early_make(&p, d, &e, err));
    assert_int_equal(e.n_looks, 4);
    static const uint32_t looks[] = {20, 25, 31, 38};
    assert_memory_equal(e.look, looks, sizeof looks);
    for (uint32_t k = 0; k < 40; k++) {
        for (int t = 0; t < 5; t++)
            if (t < 4 || k < 19) sweep_early_record(&e, t, e.sample[k], answer_of(t, e.sample[k])); /* the last one: too few to judge */
        assert_ok(sweep_early_judge(&e, until, err));
        if (k + 1 < looks[0]) assert_int_equal(until[1], 40);
        assert_true(until[0] == 40 && until[2] == 40 && until[4] == 40);
        for (int t = 0; t < 5; t++) {
            if (first[t]) assert_int_equal(until[t], first[t]); /* a verdict stays */
            else if (until[t] < 40) first[t] = until[t];
        }
    }
    assert_int_equal(first[1], 20);
    assert_true(first[3] >= 20 && first[3] <= 38);
    char text[200];
    sweep_early_text(&e, 1, text, sizeof text);
    assert_non_null(strstr(text, "stopped after 20 of 40 samples: loses 0."));
    sweep_early_free(&e);
    sweep_plan_free(&p);
    saint_dataset_close(d);
}

/* All orders in which records can arrive end in the same verdicts: that of one process, of many, and of one that comes later. */
static void verdicts_do_not_depend_on_who_ran_what_when(void **state)
{
    (void)state;
    saint_dataset *d = forty();
    sweep_plan p = forty_plan(d, 0.1, true);
    uint32_t want[9], until[9];
    uint64_t rng = 11;
    assert_int_equal(p.n_trials, 9);
    for (int round = 0; round < 50; round++) {
        sweep_early e;
        int unit[9 * 40], n = 9 * 40;
        assert_ok(sweep_early_make(&p, d, &e, err));
        for (int i = 0; i < n; i++) unit[i] = i;
        for (int i = n - 1; i > 0 && round; i--) {
            int k = (int)(test_random_bits(&rng) % (uint64_t)(i + 1)), was = unit[i];
            unit[i] = unit[k];
            unit[k] = was;
        }
        for (int i = 0; i < n; i++) {
            int t = unit[i] / 40;
            uint32_t s = e.sample[unit[i] % 40];
            int64_t partner = p.trial[t].twin_of;
            const char *answer = answer_of((int)(partner >= 0 ? 4 : t == 0 ? 0 : (t + 1) / 2), s);
            if (round % 2 && s % 7 == 0) sweep_early_record(&e, t, s, NULL); /* failed at first */
            sweep_early_record(&e, t, s, answer);
            if (round % 3 == 0 || i == n - 1) assert_ok(sweep_early_judge(&e, until, err));
            if (round % 2) sweep_early_record(&e, t, s, NULL); /* the failure of another process, read late: no news */
        }
        assert_ok(sweep_early_judge(&e, until, err));
        if (!round) memcpy(want, until, sizeof want);
        else assert_memory_equal(want, until, sizeof want);
        sweep_early_free(&e);
    }
    int stopped = 0;
    for (int t = 1; t < 9; t++) {
        int64_t partner = p.trial[t].twin_of;
        if (partner >= 0) assert_int_equal(want[t], want[partner]); /* not hopeless itself: it ends with its partner */
        stopped += want[t] < 40;
    }
    assert_int_equal(stopped, 4);
    sweep_plan_free(&p);
    p = forty_plan(d, 0, true); /* not asked for */
    sweep_early e;
    assert_ok(sweep_early_make(&p, d, &e, err));
    assert_null(e.score);
    sweep_early_record(&e, 1, 0, "moon");
    assert_ok(sweep_early_judge(&e, until, err));
    for (int t = 0; t < 9; t++) assert_int_equal(until[t], 40);
    sweep_early_free(&e);
    sweep_plan_free(&p);
    saint_dataset_close(d);
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_block_belongs_to_one),
        T(the_dead_lose_theirs),
        T(other_machines_are_judged_by_their_heartbeat),
        T(half_a_claim_counts_for_a_while),
        T(a_number_used_again_is_another_process),
        T(many_share_the_blocks_out),
        T(hopeless_trials_are_given_up),
        T(verdicts_do_not_depend_on_who_ran_what_when),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
