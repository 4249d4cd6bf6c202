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

static int stopped[8];

static saint_status note_stop(void *ud, int trial, size_t n, double diff, double high, saint_error *err)
{
    (void)ud;
    (void)err;
    assert_true(diff <= high && high < -0.1 && n >= SWEEP_EARLY_PICTURES);
    stopped[trial]++;
    return SAINT_OK;
}

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

static void hopeless_trials_are_given_up(void **state)
{
    (void)state;
    saint_dataset *d = forty();
    sweep_spec spec;
    sweep_scene scene = sweep_scene_of_test();
    sweep_plan p;
    sweep_done done;
    sweep_early e;
    scene.dataset = d;
    sweep_spec_init(&spec);
    spec.early_stop = 0.1;
    spec.no_random = true;
    assert_ok(sweep_texts_add(&spec.set, "mode=llm", err));
    assert_ok(sweep_texts_add(&spec.set, "saint_start=0", err));
    assert_ok(sweep_texts_add(&spec.set, "saint_end=0", err));
    assert_ok(sweep_spec_grid(&spec, "saint_threshold=0.5,0.6,0.7,0.8", err));
    assert_ok(sweep_spec_finish(&spec, err));
    assert_ok(sweep_plan_make(&spec, &scene, &p, NULL, err));
    assert_ok(sweep_done_make(&p, &done, err));
    assert_ok(sweep_early_make(&p, d, &done, &e, err));
    for (uint32_t s = 0; s < 40; s++) {
        sweep_early_answer(&e, 0, s, s % 10 ? "star" : "moon");          /* right on 9 of 10 */
        sweep_early_answer(&e, 1, s, "moon");                            /* never right */
        sweep_early_answer(&e, 2, s, s % 10 > 1 ? "star" : "moon");      /* a little worse */
        sweep_early_answer(&e, 3, s, s % 10 && s % 2 ? "star" : "moon"); /* half as good */
        if (s < 19) sweep_early_answer(&e, 4, s, "moon");                /* too few to judge */
        memset(stopped, 0, sizeof stopped);
        assert_ok(sweep_early_look(&e, note_stop, NULL, err));
        if (s < 19) assert_int_equal(stopped[1], 0);
        assert_int_equal(stopped[0] + stopped[2] + stopped[4], 0);
    }
    assert_int_equal(e.looked, 38); /* looks at 20, 25, 31, 38: few, so that many tests stay a small risk */
    e.looked = 0;
    assert_ok(sweep_early_look(&e, note_stop, NULL, err));
    assert_int_equal(stopped[1], 1);
    assert_int_equal(stopped[3], 1);
    assert_int_equal(stopped[0] + stopped[2] + stopped[4], 0);
    done.stopped[1] = true; /* once is enough */
    e.looked = 0;
    memset(stopped, 0, sizeof stopped);
    assert_ok(sweep_early_look(&e, note_stop, NULL, err));
    assert_int_equal(stopped[1], 0);
    sweep_early_free(&e);
    p.early_stop = 0; /* not asked for */
    assert_ok(sweep_early_make(&p, d, &done, &e, err));
    assert_null(e.score);
    sweep_early_free(&e);
    sweep_done_free(&done);
    sweep_plan_free(&p);
    sweep_spec_free(&spec);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
