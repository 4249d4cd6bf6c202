/* What the CUDA backend does when the device runs short of memory or fails: the errors a user sees, and that the process goes on. */
#include "support/requests.h"

#include "gpu/fake_runtime.h"
#include "sweep/ranks.h"

static saint_engine *engine;

static void memory_that_runs_out_is_named_and_the_session_goes_on(void **state)
{
    (void)state;
    saint_model *m = load_tiny("llava-tiny-new");
    saint_session *s;
    saint_session_options o = {.dtype = SAINT_F32, .backend = "cuda", .checkpoint_bytes = 1 << 24};
    random_step x = first_step(m);
    int failed_open = 0, failed_run = 0, passed = 0;
    saint_trace *want = NULL;
    fake_device_memory((size_t)1 << 32);
    fake_device_peak();
    assert_ok(saint_session_open(&s, engine, m, &o, err));
    want = run_request(s, &x.q);
    saint_session_close(s);
    assert_int_equal(fake_device_used(), 0);
    const size_t peak = fake_device_peak(); /* with all checkpoints: less is enough */
    for (size_t memory = 0; memory < peak + (3 << 20); memory += memory < peak - (9 << 20) ? 9 << 20 : 300000) {
        saint_error e = {0};
        fake_device_memory(memory);
        saint_status st = saint_session_open(&s, engine, m, &o, &e);
        if (st != SAINT_OK) {
            assert_int_equal(st, SAINT_MEMORY);
            assert_non_null(strstr(e.text, "were needed"));
            assert_non_null(strstr(e.text, "are free"));
            failed_open++;
            assert_int_equal(fake_device_used(), 0);
            continue;
        }
        saint_trace *t = NULL;
        st = saint_session_run(s, &x.q, NULL, &t, &e);
        if (st != SAINT_OK) {
            assert_int_equal(st, SAINT_MEMORY);
            assert_non_null(strstr(e.text, "CUDA device 0 (emulated)"));
            assert_non_null(strstr(e.text, "MiB"));
            failed_run++;
            fake_device_memory((size_t)1 << 32); /* others gave memory back: the same session goes on */
            t = run_request(s, &x.q);
        } else {
            passed++;
        }
        for (int i = 0; i < t->image[0].n_logits; i++) assert_true(t->image[0].logits[i] == want->image[0].logits[i]);
        saint_trace_unref(t);
        saint_session_close(s);
        assert_int_equal(fake_device_used(), 0);
    }
    printf("  no room to open %d times, to run %d times; enough %d times\n", failed_open, failed_run, passed);
    assert_true(failed_open > 3 && failed_run > 3 && passed > 3);
    fake_device_memory((size_t)1 << 32);
    saint_trace_unref(want);
    saint_model_unref(m);
}

/* Checkpoints live where the device computes. They are what goes when it has no room left, and no run fails for them. */
static void checkpoints_make_room_for_runs(void **state)
{
    (void)state;
    saint_model *m = load_tiny("llava-tiny-new");
    saint_session *s, *free_one;
    saint_session_options small = {.dtype = SAINT_F32, .backend = "cuda"}, o = small;
    o.checkpoint_bytes = (size_t)1 << 30;
    random_step x = first_step(m);
    x.q.max_new_tokens = 2;
    x.q.ignore_eos = true;
    fake_device_memory((size_t)1 << 32);
    assert_ok(saint_session_open(&free_one, engine, m, &small, err));
    assert_ok(saint_session_open(&s, engine, m, &o, err));
    x.q.images = &picture[3];
    saint_trace *want[12];
    for (int i = 0; i < 12; i++) {
        x.q.images = &picture[i / 4];
        x.q.prompt = questions[i % 2];
        want[i] = run_request(free_one, &x.q);
    }
    saint_session_close(free_one);
    x.q.images = &picture[3];
    for (int i = 0; i < 3; i++) saint_trace_unref(run_request(s, &x.q));
    fake_device_memory(fake_device_used() + (256 << 10)); /* what one run computes in, and no more checkpoints than there are */
    long refused = fake_refused();
    int reused = 0;
    for (int i = 0; i < 12; i++) {
        x.q.images = &picture[i / 4];
        x.q.prompt = questions[i % 2];
        saint_trace *a = run_request(s, &x.q), *b = want[i];
        assert_same_bits(a->image[0].logits, b->image[0].logits, a->image[0].n_logits, "logits of a run beside checkpoints");
        reused += a->layers_reused + a->layers_question;
        saint_trace_unref(a);
        saint_trace_unref(b);
    }
    assert_true(fake_refused() > refused && reused > 0);
    printf("  %d layers reused in 12 runs with little room for checkpoints\n", reused);
    fake_device_memory((size_t)1 << 32);
    saint_session_close(s);
    assert_int_equal(fake_device_used(), 0);
    saint_model_unref(m);
}

static void a_lost_device_is_said_on_every_call(void **state)
{
    (void)state;
    saint_model *m = load_tiny("clip-vit-tiny");
    saint_session *s;
    assert_ok(saint_session_open(&s, engine, m, &(saint_session_options){.backend = "cuda"}, err));
    random_step x = first_step(m);
    saint_trace_unref(run_request(s, &x.q));
    fake_device_fails(700); /* cudaErrorIllegalAddress */
    saint_trace *t = NULL;
    saint_error e = {0};
    assert_int_equal(saint_session_run(s, &x.q, NULL, &t, &e), SAINT_DEVICE);
    assert_null(t);
    assert_non_null(strstr(e.text, "cudaErrorIllegalAddress"));
    assert_non_null(strstr(e.text, "cannot be used any more"));
    fake_device_fails(0); /* the real one would not recover; the backend must not try */
    assert_int_equal(saint_session_run(s, &x.q, NULL, &t, &e), SAINT_DEVICE);
    assert_non_null(strstr(e.text, "failed before"));
    assert_non_null(strstr(e.text, "--backend cpu"));
    saint_session_close(s);
    assert_ok(saint_session_open(&s, engine, m, &(saint_session_options){.backend = "cpu"}, err));
    saint_trace_unref(run_request(s, &x.q));
    saint_session_close(s);
    saint_model_unref(m);
}

static void shapes_that_come_back_are_prepared_once(void **state)
{
    (void)state;
    saint_model *m = load_tiny("llava-tiny-new");
    saint_session *s;
    size_t lost = fake_device_used(); /* what the lost device could not take back */
    assert_ok(saint_session_open(&s, engine, m, &(saint_session_options){.backend = "cuda", .dtype = SAINT_BF16}, err));
    random_step x = first_step(m);
    x.q.max_new_tokens = 4;
    x.q.ignore_eos = true;
    for (int i = 0; i < 2; i++) saint_trace_unref(run_request(s, &x.q)); /* the second one is recorded */
    long first = fake_heuristics();
    size_t held = fake_device_used();
    saint_trace_unref(run_request(s, &x.q));
    assert_int_equal(fake_heuristics(), first);
    assert_int_equal(fake_device_used(), held); /* weights once, everything else is given back */
    size_t most = saint_session_peak_bytes(s);
    assert_true(most > held);
    assert_int_equal(saint_session_peak_bytes(s), held); /* of the time since: nothing was run */
    saint_trace_unref(run_request(s, &x.q));
    assert_true(saint_session_peak_bytes(s) > held);
    saint_session_close(s);
    assert_true(fake_device_used() <= lost);
    saint_model_unref(m);
}

/* As the processes of one machine share its devices out, here by one process: each session on its own, in turns. */
static void several_devices_are_used_by_number(void **state)
{
    (void)state;
    enum { DEVICES = 3, RANKS = 4 };
    saint_model *m = load_tiny("clip-vit-tiny");
    saint_session *s[RANKS];
    saint_device found[DEVICES];
    char why[160];
    fake_device_count(DEVICES);
    assert_int_equal(saint_engine_devices(found, DEVICES, why, sizeof why), DEVICES);
    for (int i = 0; i < DEVICES; i++) assert_int_equal(found[i].index, i);
    size_t before[DEVICES];
    for (int i = 0; i < DEVICES; i++) before[i] = fake_device_used_on(i);
    for (int i = 0; i < RANKS; i++) {
        sweep_rank r = {.rank = 10 + i, .world = 64, .local_rank = i, .local_world = RANKS};
        int device = sweep_rank_device(&r, DEVICES);
        assert_int_equal(device, i % DEVICES);
        assert_ok(saint_session_open(&s[i], engine, m, &(saint_session_options){.backend = "cuda", .device = device}, err));
    }
    random_step x = first_step(m);
    x.q.cold = true;
    for (int turn = 0; turn < 3; turn++) {
        saint_trace *t[RANKS];
        for (int i = 0; i < RANKS; i++) t[i] = run_request(s[i], &x.q);
        for (int i = 1; i < RANKS; i++) assert_same_bits(t[i]->image[0].logits, t[0]->image[0].logits, t[0]->image[0].n_logits, "logits of two devices");
        for (int i = 0; i < RANKS; i++) saint_trace_unref(t[i]);
    }
    for (int i = 0; i < DEVICES; i++) assert_true(fake_device_used_on(i) > before[i]);
    for (int i = 0; i < RANKS; i++) saint_session_close(s[i]);
    for (int i = 0; i < DEVICES; i++) assert_int_equal(fake_device_used_on(i), before[i]);
    saint_error e = {0};
    assert_int_equal(saint_session_open(&s[0], engine, m, &(saint_session_options){.backend = "cuda", .device = DEVICES}, &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, "expected 0 to 2"));
    fake_device_count(0);
    assert_int_equal(saint_session_open(&s[0], engine, m, &(saint_session_options){.backend = "cuda"}, &e), SAINT_DEVICE);
    assert_non_null(strstr(e.text, "--backend cpu"));
    fake_device_count(1);
    saint_model_unref(m);
}

static void names_and_numbers_are_checked(void **state)
{
    (void)state;
    saint_model *m = load_tiny("clip-vit-tiny");
    saint_session *s;
    saint_error e = {0};
    assert_int_equal(saint_session_open(&s, engine, m, &(saint_session_options){.backend = "opencl"}, &e), SAINT_INVALID);
    assert_int_equal(saint_session_open(&s, engine, m, &(saint_session_options){.backend = "cuda", .device = 1}, &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, "expected 0 to 0"));
    assert_int_equal(saint_session_open(&s, engine, m, &(saint_session_options){.backend = "cpu", .dtype = SAINT_F16}, &e), SAINT_INVALID);
    /* auto takes a device that computes what the CPU computes, and no other */
    for (int type = SAINT_F32; type <= SAINT_BF16; type++) assert_ok(saint_engine_check_device(engine, 0, (saint_dtype)type, err));
    fake_miscalculates(true);
    assert_int_equal(saint_engine_check_device(engine, 0, SAINT_BF16, &e), SAINT_DEVICE);
    assert_non_null(strstr(e.text, "other numbers than the CPU"));
    assert_ok(saint_session_open(&s, engine, m, &(saint_session_options){.backend = "auto"}, err));
    assert_string_equal(saint_session_backend(s), "cpu");
    saint_session_close(s);
    fake_miscalculates(false);
    fake_fail_call(8, 1);
    assert_ok(saint_session_open(&s, engine, m, &(saint_session_options){.backend = "auto"}, err));
    assert_string_equal(saint_session_backend(s), "cpu");
    saint_session_close(s);
    fake_fail_call(0, 0);
    assert_ok(saint_session_open(&s, engine, m, &(saint_session_options){.backend = "auto", .dtype = SAINT_F16}, err));
    assert_string_equal(saint_session_backend(s), "cuda");
    assert_string_equal(saint_session_tier(s), "sm_90");
    saint_session_close(s);
    assert_ok(saint_session_open(&s, engine, m, &(saint_session_options){.dtype = SAINT_F32}, err));
    assert_string_equal(saint_session_backend(s), "cpu");
    saint_session_close(s);
    saint_model_unref(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_that_runs_out_is_named_and_the_session_goes_on),
        cmocka_unit_test(checkpoints_make_room_for_runs),
        cmocka_unit_test(a_lost_device_is_said_on_every_call),
        cmocka_unit_test(shapes_that_come_back_are_prepared_once),
        cmocka_unit_test(several_devices_are_used_by_number),
        cmocka_unit_test(names_and_numbers_are_checked),
    };
    assert_ok(saint_engine_open(&engine, &(saint_engine_options){.n_threads = 2}, err));
    draw_pictures();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free_pictures();
    saint_engine_close(engine);
    return failed;
}
