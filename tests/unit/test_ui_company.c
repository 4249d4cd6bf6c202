/* The workbench tells the others while its worker works, and only then; and it knows which of its figures were taken in company. */
#define _GNU_SOURCE
#include "support/data_files.h"
#include "support/session.h"

#include <poll.h>

#include "device_use.h"
#include "ui/loop/core.h"

static saint_engine *engine;
static saint_model *llava;
static saint_image im[2];

typedef struct {
    saint_session *s;
    saint_worker *w;
    ui_company *c;
    saint_job job;
    device_use other;
} bench;

static const saint_session_options cpu = {.backend = "cpu"};

static bench begin(void)
{
    bench b = {.s = open_session(engine, llava, 1 << 26)};
    device_use_open(&b.other, device_use_folder(), "cpu");
    b.c = ui_company_open(&cpu);
    assert_non_null(b.c);
    assert_ok(saint_worker_open(&b.w, b.s, err));
    return b;
}

static void end(bench *b)
{
    saint_worker_close(b->w);
    ui_company_close(b->c);
    ui_company_close(NULL);
    saint_session_close(b->s);
    device_use_close(&b->other);
}

static saint_digest key_of(int picture)
{
    saint_digest d = {{0}};
    memset(&d, 'a' + picture, sizeof d);
    return d;
}

static void submit(bench *b, int picture, int new_tokens)
{
    saint_request q = {.images = &im[picture], .n_images = 1, .prompt = "Is there a red square?", .max_new_tokens = new_tokens, .ignore_eos = true};
    saint_settings_default(&q.settings);
    q.has_picture_key = true;
    q.picture_key = key_of(picture);
    assert_ok(saint_worker_submit(b->w, &q, &b->job, err));
}

/* The kind of the first event of the job at hand that is one of two. */
static saint_job_event_kind wait_for(bench *b, saint_job_event_kind kind, saint_job_event_kind or)
{
    for (;;) {
        saint_job_event e;
        struct pollfd p = {.fd = saint_worker_fd(b->w), .events = POLLIN};
        if (poll(&p, 1, 60000) != 1) fail_msg("the worker says nothing");
        assert_true(saint_worker_next_event(b->w, &e));
        if (e.job == b->job && (e.kind == kind || e.kind == or)) return e.kind;
    }
}

static void run(bench *b, int picture)
{
    submit(b, picture, 2);
    assert_int_equal(wait_for(b, SAINT_JOB_DONE, SAINT_JOB_FAILED), SAINT_JOB_DONE);
}

static void it_uses_the_device_while_it_works(void **state)
{
    (void)state;
    bench b = begin();
    device_use_begin(&b.other);
    assert_false(device_use_alone(&b.other)); /* the model is being opened */
    ui_company_watch(b.c, b.w);
    assert_false(device_use_alone(&b.other));
    for (int i = 0; i < 3; i++) {
        assert_true(device_use_alone(&b.other)); /* idle */
        submit(&b, i % 2, 4000);
        assert_int_equal(wait_for(&b, SAINT_JOB_TOKEN, SAINT_JOB_FAILED), SAINT_JOB_TOKEN);
        assert_false(device_use_alone(&b.other));
        assert_false(device_use_alone(&b.other)); /* for as long as it lasts: thousands of tokens are left */
        saint_worker_cancel(b.w);
        assert_int_equal(wait_for(&b, SAINT_JOB_FAILED, SAINT_JOB_DONE), SAINT_JOB_FAILED);
        assert_false(device_use_alone(&b.other));
    }
    for (int i = 0; i < 20; i++) { /* over before anybody asks */
        assert_true(device_use_alone(&b.other));
        run(&b, 0);
        assert_false(device_use_alone(&b.other));
    }
    assert_true(device_use_alone(&b.other));
    end(&b);
}

static void it_knows_what_was_timed_in_company(void **state)
{
    (void)state;
    saint_digest first = key_of(0), second = key_of(1);
    bench b = begin();
    ui_company_watch(b.c, b.w);
    run(&b, 0);
    assert_int_equal(ui_company_of(b.c, b.job, NULL), DEVICE_ALONE);
    assert_int_equal(ui_company_of(b.c, b.job, &first), DEVICE_ALONE);
    device_use_begin(&b.other);
    run(&b, 0);
    assert_int_equal(ui_company_of(b.c, b.job, NULL), DEVICE_SHARED);
    assert_int_equal(ui_company_of(b.c, b.job + 1, NULL), DEVICE_ALONE);
    device_use_end(&b.other);
    run(&b, 0); /* alone, but what it took from the cache may be that run's */
    assert_int_equal(ui_company_of(b.c, b.job, NULL), DEVICE_ALONE);
    assert_int_equal(ui_company_of(b.c, b.job, &first), DEVICE_SHARED);
    assert_int_equal(ui_company_of(b.c, b.job, &second), DEVICE_ALONE);
    run(&b, 1);
    assert_int_equal(ui_company_of(b.c, b.job, &second), DEVICE_ALONE);
    end(&b);
}

/* One that comes and goes while it works is company too: it came between two layers. */
static void short_company_counts(void **state)
{
    (void)state;
    bench b = begin();
    ui_company_watch(b.c, b.w);
    submit(&b, 0, 4000);
    assert_int_equal(wait_for(&b, SAINT_JOB_TOKEN, SAINT_JOB_FAILED), SAINT_JOB_TOKEN);
    device_use_begin(&b.other);
    device_use_end(&b.other);
    saint_worker_cancel(b.w);
    assert_int_equal(wait_for(&b, SAINT_JOB_FAILED, SAINT_JOB_DONE), SAINT_JOB_FAILED);
    assert_int_equal(ui_company_of(b.c, b.job, NULL), DEVICE_SHARED);
    end(&b);
}

static int open_all(void **state)
{
    (void)state;
    if (data_make(NULL) != 0 || setenv("TMPDIR", data_folder, 1) != 0) return -1;
    im[0] = draw_picture(40, 30, 3);
    im[1] = draw_picture(30, 44, 4);
    llava = load_tiny("llava-tiny-new");
    return saint_engine_open(&engine, NULL, NULL) == SAINT_OK ? 0 : -1;
}

static int close_all(void **state)
{
    for (int i = 0; i < 2; i++) saint_image_free(&im[i]);
    saint_model_unref(llava);
    saint_engine_close(engine);
    return data_remove(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_uses_the_device_while_it_works),
        cmocka_unit_test(it_knows_what_was_timed_in_company),
        cmocka_unit_test(short_company_counts),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
