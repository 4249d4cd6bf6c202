/* Every call of the runtime, of cuBLASLt and every launch fails once: one error that says what failed and where, nothing leaks, and the same
 * session goes on. */
#include "support/requests.h"

#include "gpu/fake_runtime.h"

static saint_engine *engine;

typedef struct {
    const char *name;
    int times, swallowed;
} tally;
static tally seen[64];
static int n_seen;

static tally *tally_of(const char *name)
{
    for (int i = 0; i < n_seen; i++)
        if (strcmp(seen[i].name, name) == 0) return &seen[i];
    assert_true(n_seen < 64);
    seen[n_seen].name = name;
    return &seen[n_seen++];
}

static saint_status run_twice(saint_session *s, saint_request *q, saint_trace **out, saint_error *e)
{
    saint_status st = SAINT_OK;
    *out = NULL;
    for (int i = 0; i < 2 && st == SAINT_OK; i++) { /* the second one records and replays */
        saint_trace_unref(*out);
        *out = NULL;
        st = saint_session_run(s, q, NULL, out, e);
    }
    return st;
}

/* Calls that are worth a run: all to open, the first and the last of each kind, and every so many. */
static bool *choose(long opening, long all, long samples)
{
    bool *chosen = calloc((size_t)all + 1, sizeof *chosen);
    long stride = (all - opening) / samples + 1;
    assert_non_null(chosen);
    for (long n = 1; n <= all; n++) {
        bool first = true, last = true;
        for (long k = opening + 1; k < n && first; k++) first = strcmp(fake_called(k), fake_called(n)) != 0;
        for (long k = n + 1; k <= all && last; k++) last = strcmp(fake_called(k), fake_called(n)) != 0;
        chosen[n] = n <= opening || first || last || (n - opening) % stride == 0;
    }
    return chosen;
}

static void fail_each(saint_model *m, saint_session_options o, saint_request *q, int error, long samples)
{
    saint_session *s;
    saint_trace *want, *t;
    saint_error e = {0};
    fake_fail_call(0, 0);
    assert_ok(saint_session_open(&s, engine, m, &o, err));
    long opening = fake_calls();
    assert_ok(run_twice(s, q, &want, err));
    long all = fake_calls(), failures = 0;
    bool *chosen = choose(opening, all, samples);
    saint_session_close(s);
    assert_int_equal(fake_device_used() + (size_t)fake_objects(), 0);
    for (long n = 1; n <= all; n++) {
        if (!chosen[n]) continue;
        fake_fail_call(n, error);
        e.text[0] = 0;
        t = NULL;
        saint_status st = saint_session_open(&s, engine, m, &o, &e);
        bool opened = st == SAINT_OK;
        if (opened) st = run_twice(s, q, &t, &e);
        char failed[64];
        snprintf(failed, sizeof failed, "%s", fake_failed_call());
        tally *x = tally_of(fake_failed_call());
        x->times++;
        x->swallowed += st == SAINT_OK;
        fake_fail_call(0, 0);
        if (st != SAINT_OK) {
            failures++;
            assert_null(t);
            if (st != SAINT_DEVICE && st != SAINT_MEMORY) fail_msg("%s failed: status %d, \"%s\"", failed, st, e.text);
            if (!strstr(e.text, "CUDA")) fail_msg("%s failed: \"%s\" does not say where", failed, e.text);
            if (strcmp(failed, "cudaGetDeviceCount") != 0 && !strstr(e.text, "device 0 (")) fail_msg("%s failed: \"%s\" names no device", failed, e.text);
            if (strchr(e.text, '\n')) fail_msg("%s failed: more than one line", failed);
        }
        if (opened && st != SAINT_OK) assert_ok(run_twice(s, q, &t, err)); /* the same session goes on */
        if (opened) {
            for (int i = 0; i < t->n_images; i++) assert_same_bits(t->image[i].logits, want->image[i].logits, want->image[i].n_logits, "logits");
            for (int i = 0; i < t->image[0].n_ids; i++) assert_int_equal(t->image[0].ids[i], want->image[0].ids[i]);
            saint_trace_unref(t);
            saint_session_close(s);
        }
        if (fake_device_used() || fake_objects()) fail_msg("%s failed: %zu bytes and %d objects are left", failed, fake_device_used(), fake_objects());
    }
    printf("  %ld calls, %ld to open; %ld made to fail with error %d\n", all, opening, failures, error);
    saint_trace_unref(want);
    free(chosen);
}

static void every_call_may_fail(void **state)
{
    (void)state;
    static const struct {
        const char *folder;
        int error, tokens;
        long samples;
    } cases[] = {{"clip-vit-tiny", 1, 0, 8}, {"llama-tiny", 1, 4, 10}, {"llama-tiny", 2, 4, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        saint_model *m = load_tiny(cases[i].folder);
        random_step x = first_step(m);
        x.q.cold = true;
        x.q.max_new_tokens = cases[i].tokens;
        x.q.ignore_eos = true;
        fail_each(m, (saint_session_options){.backend = "cuda", .dtype = SAINT_BF16}, &x.q, cases[i].error, cases[i].samples);
        saint_model_unref(m);
    }
    for (int i = 0; i < n_seen; i++) printf("  %-36s failed %3d times, went unnoticed %d times\n", seen[i].name, seen[i].times, seen[i].swallowed);
    for (int i = 0; i < n_seen; i++)
        if (seen[i].swallowed && strcmp(seen[i].name, "cudaSetDevice") != 0) /* giving memory back goes without it */
            fail_msg("%s failed and nobody said so", seen[i].name);
    assert_true(n_seen >= 25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_call_may_fail)};
    assert_ok(saint_engine_open(&engine, &(saint_engine_options){.n_threads = 2}, err));
    draw_pictures();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free_pictures();
    saint_engine_close(engine);
    return failed;
}
