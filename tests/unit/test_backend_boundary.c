#define _XOPEN_SOURCE 700
/* The executor on a backend whose memory only the operations may touch: what a device is like. Same bits as on the plain CPU backend. */
#include "support/requests.h"

#include <sys/wait.h>
#include <unistd.h>

#include "run/internal.h"
#include "support/checked_backend.h"

static saint_engine *engine;

static saint_backend *open_checked(void)
{
    saint_backend *cpu, *b;
    assert_ok(saint_backend_cpu_open(&cpu, saint_engine_pool(engine), SAINT_F32, NULL, err));
    assert_ok(saint_checked_backend_open(&b, cpu, err));
    return b;
}

static saint_session *checked_session(saint_model *m, size_t budget)
{
    saint_session *s;
    assert_ok(saint_session_open_on(&s, engine, m, open_checked(), budget, err));
    return s;
}

static void tap(void *ud, const char *name, const float *data, int64_t rows, int64_t cols)
{
    float *sum = ud;
    (void)name;
    for (int64_t i = 0; i < rows * cols; i++) *sum += data[i];
}

/* Random plans, batches, questions, statistics, previews, with and without a cache and an observer. */
static void walk(const char *folder, size_t budget, uint64_t seed, int steps)
{
    saint_model *m = load_tiny(folder);
    saint_session *checked = checked_session(m, budget), *plain = open_session(engine, m, budget);
    random_step x = first_step(m);
    int done = 0;
    for (int i = 0; i < steps; i++) {
        saint_trace *a = NULL, *b = NULL;
        saint_error ea = {0}, eb = {0};
        float sum_a = 0, sum_b = 0;
        saint_observer ob_a = {.tap = tap, .ud = &sum_a}, ob_b = {.tap = tap, .ud = &sum_b};
        bool look = i % 3 == 0;
        saint_status sa = saint_session_run(checked, &x.q, look ? &ob_a : NULL, &a, &ea), sb = saint_session_run(plain, &x.q, look ? &ob_b : NULL, &b, &eb);
        if (sa != sb || strcmp(ea.text, eb.text) != 0) fail_msg("step %d: %d \"%s\", plain %d \"%s\"", i, sa, ea.text, sb, eb.text);
        if (sa == SAINT_OK) {
            assert_same_trace(a, b);
            assert_same_bits(&sum_a, &sum_b, 1, "taps");
            for (int k = 0; k < a->image[0].history.n_sites && budget; k++) {
                const saint_trace_site *site = a->image[0].history.site[k];
                const saint_site *planned = saint_plan_site(&a->plan, site->stage, site->layer);
                saint_trace_site *p = NULL;
                saint_error e = {0};
                if (saint_session_preview(checked, 0, planned, a->plan.compat, &p, &e) == SAINT_OK) saint_trace_site_unref(p);
            }
        }
        done += sa == SAINT_OK;
        saint_trace_unref(a);
        saint_trace_unref(b);
        next_step(&seed, &x);
    }
    assert_true(done * 2 > steps);
    assert_true(saint_checked_backend_calls(checked->b) > steps);
    saint_session_close(checked);
    saint_session_close(plain);
    saint_model_unref(m);
}

static void no_host_code_touches_backend_memory(void **state)
{
    (void)state;
    static const char *const folders[] = {"llava-tiny-new", "clip-vit-tiny", "timm-vit-tiny", "mae-vit-tiny", "deit-distilled-ls-tiny", "llama-tiny"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        walk(folders[i], 1 << 28, 5 + i, i == 0 ? 40 : 15);
        walk(folders[i], 0, 50 + i, 10);
    }
}

/* A look that nobody asked for costs a device a round trip. */
static void a_plain_run_reads_nothing_back_but_its_answer(void **state)
{
    (void)state;
    saint_model *m = load_tiny("llava-tiny-new");
    saint_backend *b = open_checked();
    saint_session *s;
    assert_ok(saint_session_open_on(&s, engine, m, b, 0, err));
    random_step x = first_step(m);
    long calls = saint_checked_backend_calls(b);
    saint_trace_unref(run_request(s, &x.q));
    calls = saint_checked_backend_calls(b) - calls;
    assert_int_equal(saint_checked_backend_reads(b), 1); /* the logits of the last row */
    printf("  %ld operations\n", calls);
    set_params(&x.q.settings, "prune_mode[0]=saint_drop", "sim_threshold[0]=0.85", NULL);
    long before = saint_checked_backend_reads(b);
    saint_trace_unref(run_request(s, &x.q));
    assert_int_equal(saint_checked_backend_reads(b) - before, 2); /* and the metric of the one site */
    saint_session_close(s);
    saint_model_unref(m);
}

/* The guard itself: in a child, because it ends the process. */
static int fate_of(void (*fn)(saint_backend *b))
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stderr)) _exit(2);
        saint_checked_report();
        saint_pool *pool;
        saint_backend *cpu, *b;
        if (saint_pool_create(&pool, 1, NULL) != SAINT_OK || saint_backend_cpu_open(&cpu, pool, SAINT_F32, NULL, NULL) != SAINT_OK ||
            saint_checked_backend_open(&b, cpu, NULL) != SAINT_OK)
            _exit(3);
        fn(b);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void touch(saint_backend *b)
{
    void *p;
    if (b->op->alloc(b, 100, &p, NULL) == SAINT_OK) *(volatile float *)p = 1;
}

static void behave(saint_backend *b)
{
    void *p;
    float host[32] = {0};
    if (b->op->alloc(b, 128, &p, NULL) != SAINT_OK || b->op->upload(b, p, host, 128, NULL) != SAINT_OK) _exit(4);
}

static void the_guard_bites(void **state)
{
    (void)state;
    assert_int_equal(fate_of(behave), 0);
    assert_int_equal(fate_of(touch), 86);
    saint_backend *b = open_checked();
    float host[4] = {0};
    saint_error e = {0};
    assert_int_equal(b->op->narrow(b, host, 4, host, &e), SAINT_STATE);
    assert_non_null(strstr(e.text, "x is host memory"));
    saint_backend_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_host_code_touches_backend_memory),
        cmocka_unit_test(a_plain_run_reads_nothing_back_but_its_answer),
        cmocka_unit_test(the_guard_bites),
    };
    saint_checked_report();
    assert_ok(saint_engine_open(&engine, &(saint_engine_options){.n_threads = 2}, err));
    draw_pictures();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free_pictures();
    saint_engine_close(engine);
    return failed;
}
