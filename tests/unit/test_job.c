/* The worker: the latest request wins, every job ends once, nothing is lost, nobody waits. */
#include "support/session.h"

#include <poll.h>
#include <pthread.h>

static saint_engine *engine;
static saint_model *llava;

static saint_request request(const saint_image *im, int new_tokens, const char *threshold)
{
    saint_request q = {.images = im, .n_images = 1, .prompt = "Is there a red square?", .max_new_tokens = new_tokens, .ignore_eos = true};
    char text[64];
    saint_settings_default(&q.settings);
    snprintf(text, sizeof text, "saint_threshold=%s", threshold);
    set_params(&q.settings, "mode=hybrid", "saint_start=1", "saint_end=2", "saint_K=1", text, "prune_mode[0]=saint_drop",
               "sim_threshold[0]=0.9", NULL);
    return q;
}

/* Wait for the next event; a worker that says nothing for a minute hangs. */
static saint_job_event wait_event(saint_worker *w)
{
    saint_job_event e;
    struct pollfd p = {.fd = saint_worker_fd(w), .events = POLLIN};
    if (poll(&p, 1, 60000) != 1) fail_msg("the worker says nothing");
    assert_true(saint_worker_next_event(w, &e));
    return e;
}

static saint_job_event wait_end(saint_worker *w, saint_job job)
{
    for (;;) {
        saint_job_event e = wait_event(w);
        if (e.job == job && (e.kind == SAINT_JOB_DONE || e.kind == SAINT_JOB_FAILED)) return e;
    }
}

static bool readable(saint_worker *w)
{
    struct pollfd p = {.fd = saint_worker_fd(w), .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void a_job_reports_and_leaves_its_trace(void **state)
{
    (void)state;
    saint_session *s = open_session(engine, llava, 1 << 26), *alone = open_session(engine, llava, 0);
    saint_worker *w;
    saint_image im = draw_picture(40, 30, 3);
    saint_request q = request(&im, 5, "0.8");
    saint_job job;
    saint_job_event e;
    int sites = 0, tokens = 0, layers = 0;
    assert_ok(saint_worker_open(&w, s, err));
    assert_null(saint_worker_trace(w));
    assert_false(saint_worker_next_event(w, &e));
    assert_false(readable(w));
    saint_trace *want = run_request(alone, &q);
    char prompt[64];
    snprintf(prompt, sizeof prompt, "%s", q.prompt);
    q.prompt = prompt;
    assert_ok(saint_worker_submit(w, &q, &job, err));
    memset(im.rgb, 0, 3 * 40 * 30); /* the request was copied */
    memset(prompt, 'x', strlen(prompt));
    memset(&q.settings, 0, sizeof q.settings);
    assert_int_equal(job, 1);
    do {
        e = wait_event(w);
        assert_int_equal(e.job, job);
        sites += e.kind == SAINT_JOB_SITE;
        layers += e.kind == SAINT_JOB_PROGRESS;
        if (e.kind == SAINT_JOB_TOKEN) assert_int_equal(e.token, want->image[0].ids[tokens++]);
        if (e.kind == SAINT_JOB_FAILED) fail_msg("%s", e.error.text);
    } while (e.kind != SAINT_JOB_DONE);
    assert_int_equal(sites, 3);
    assert_int_equal(tokens, 5);
    assert_true(layers > 0);
    assert_false(saint_worker_busy(w));
    assert_false(readable(w));
    saint_trace *t = saint_worker_trace(w);
    assert_same_trace(t, want);
    saint_worker_close(w); /* the trace outlives its worker */
    assert_same_trace(t, want);
    saint_trace_unref(t);
    saint_trace_unref(want);
    saint_session_close(s);
    saint_session_close(alone);
    saint_image_free(&im);
}

/* Around every run that began, in pairs, and over before anybody can know that the run is. */
typedef struct {
    int begun, ended; /* atomic */
    saint_job at, last;
    bool wrong;
} watched;

static void watch_begin(void *ud, saint_job job, const saint_request *q)
{
    watched *w = ud;
    w->wrong = w->wrong || w->at || job <= w->last || !q->prompt || q->n_images != 1;
    w->at = job;
    __atomic_add_fetch(&w->begun, 1, __ATOMIC_RELAXED);
}

static void watch_end(void *ud, saint_job job, const saint_request *q)
{
    watched *w = ud;
    w->wrong = w->wrong || w->at != job || !q->prompt;
    w->at = 0;
    w->last = job;
    __atomic_add_fetch(&w->ended, 1, __ATOMIC_RELEASE);
}

static void runs_are_watched(void **state)
{
    (void)state;
    enum { N = 20 };
    saint_session *s = open_session(engine, llava, 1 << 26);
    saint_worker *w;
    saint_image im = draw_picture(40, 30, 3);
    saint_request q = request(&im, 2, "0.7");
    saint_job job = 0;
    watched seen = {0};
    assert_ok(saint_worker_open(&w, s, err));
    saint_worker_set_watch(w, &(saint_worker_watch){.begin = watch_begin, .end = watch_end, .ud = &seen});
    for (int i = 1; i <= 3; i++) {
        assert_ok(saint_worker_submit(w, &q, &job, err));
        assert_int_equal(wait_end(w, job).kind, SAINT_JOB_DONE);
        assert_int_equal(__atomic_load_n(&seen.ended, __ATOMIC_ACQUIRE), i);
        assert_int_equal(seen.last, job);
    }
    for (int i = 0; i < N; i++) assert_ok(saint_worker_submit(w, &q, &job, err));
    assert_int_equal(wait_end(w, job).kind, SAINT_JOB_DONE);
    assert_int_equal(seen.last, job);
    int ran = __atomic_load_n(&seen.ended, __ATOMIC_ACQUIRE);
    assert_true(ran > 3 && ran <= 3 + N);
    q.settings.saint_end = 99; /* refused: it never begins */
    assert_int_not_equal(saint_worker_submit(w, &q, &job, NULL), SAINT_OK);
    saint_worker_close(w);
    assert_true(seen.begun == ran && seen.ended == ran && !seen.wrong);
    saint_session_close(s);
    saint_image_free(&im);
}

/* Ids and pixels are copied too. */
static void ids_and_pixels_are_copied(void **state)
{
    (void)state;
    saint_session *s = open_session(engine, llava, 1 << 26), *alone = open_session(engine, llava, 0);
    saint_worker *w;
    saint_request q = request(NULL, 3, "0.7");
    size_t n = 3 * 36 * 36;
    float *pixels = malloc(n * sizeof *pixels);
    int32_t ids[] = {1, 30, 40, 50, 60, 70, 80};
    uint64_t rng = 5;
    for (size_t i = 0; i < n; i++) pixels[i] = test_random(&rng);
    q.pixels = pixels;
    q.ids = ids;
    q.prompt = NULL;
    q.n_prefix = 3;
    q.n_suffix = 4;
    saint_trace *want = run_request(alone, &q);
    saint_job job;
    assert_ok(saint_worker_open(&w, s, err));
    assert_ok(saint_worker_submit(w, &q, &job, err));
    free(pixels);
    memset(ids, 0x7f, sizeof ids);
    assert_int_equal(wait_end(w, job).kind, SAINT_JOB_DONE);
    saint_trace *t = saint_worker_trace(w);
    assert_same_trace(t, want);
    saint_trace_unref(t);
    saint_trace_unref(want);
    saint_worker_close(w);
    saint_session_close(s);
    saint_session_close(alone);
}

/* Fifty requests as fast as they can be handed over: every one ends exactly once, the last one is done, and its trace is right. */
static void fifty_requests_in_a_hurry(void **state)
{
    (void)state;
    enum { N = 50 };
    saint_session *s = open_session(engine, llava, 1 << 26), *alone = open_session(engine, llava, 0);
    saint_worker *w;
    saint_image im[2] = {draw_picture(40, 30, 3), draw_picture(30, 44, 4)};
    saint_request q = {0};
    saint_job job = 0;
    int ended[N + 1] = {0}, done = 0;
    assert_ok(saint_worker_open(&w, s, err));
    for (int i = 0; i < N; i++) {
        char threshold[16];
        snprintf(threshold, sizeof threshold, "%.2f", 0.99 - 0.01 * i);
        q = request(&im[i / 10 % 2], 1 + i % 4, threshold);
        assert_ok(saint_worker_submit(w, &q, &job, err));
        assert_int_equal(job, i + 1);
        if (i % 7 == 0) (void)wait_event(w); /* let some of them get somewhere */
    }
    saint_job_event e;
    do { /* events fetched above ended at most the jobs they name: count the rest */
        e = wait_event(w);
        if (e.kind != SAINT_JOB_DONE && e.kind != SAINT_JOB_FAILED) continue;
        ended[e.job]++;
        done += e.kind == SAINT_JOB_DONE;
        if (e.kind == SAINT_JOB_FAILED) assert_int_equal(e.error.code, SAINT_CANCELLED);
    } while (e.job != job || (e.kind != SAINT_JOB_DONE && e.kind != SAINT_JOB_FAILED));
    assert_int_equal(e.kind, SAINT_JOB_DONE);
    int total = 0;
    for (int i = 1; i <= N; i++) {
        assert_true(ended[i] <= 1);
        total += ended[i];
    }
    assert_true(total >= N - 8 && done >= 1);
    saint_trace *t = saint_worker_trace(w), *want = run_request(alone, &q);
    assert_same_trace(t, want);
    saint_trace_unref(t);
    saint_trace_unref(want);
    saint_worker_close(w);
    saint_session_close(s);
    saint_session_close(alone);
    for (int i = 0; i < 2; i++) saint_image_free(&im[i]);
}

static void cancelled_jobs_end_and_the_next_one_is_right(void **state)
{
    (void)state;
    saint_session *s = open_session(engine, llava, 1 << 26), *alone = open_session(engine, llava, 0);
    saint_worker *w;
    saint_image im = draw_picture(40, 30, 3);
    saint_request longest = request(&im, 100000, "0.8"), q = request(&im, 3, "0.8");
    saint_job first, second, third;
    assert_ok(saint_worker_open(&w, s, err));
    saint_worker_cancel(w); /* nothing runs: nothing happens */
    assert_ok(saint_worker_submit(w, &longest, &first, err));
    while (wait_event(w).kind != SAINT_JOB_TOKEN) continue; /* it decodes */
    assert_true(saint_worker_busy(w));
    saint_trace *none;
    assert_int_equal(saint_session_run(s, &q, NULL, &none, NULL), SAINT_STATE); /* the session is the worker's while it runs */
    assert_null(none);
    saint_worker_cancel(w);
    saint_job_event e = wait_end(w, first);
    assert_int_equal(e.kind, SAINT_JOB_FAILED);
    assert_int_equal(e.error.code, SAINT_CANCELLED);
    assert_null(saint_worker_trace(w));
    assert_ok(saint_worker_submit(w, &longest, &second, err));
    while (wait_event(w).kind != SAINT_JOB_TOKEN) continue;
    assert_ok(saint_worker_submit(w, &q, &third, err)); /* supersedes a job that would take hours */
    e = wait_end(w, second);
    assert_int_equal(e.error.code, SAINT_CANCELLED);
    e = wait_end(w, third);
    assert_int_equal(e.kind, SAINT_JOB_DONE);
    saint_trace *t = saint_worker_trace(w), *want = run_request(alone, &q);
    assert_same_trace(t, want);
    assert_true(t->layers_reused == 6 && t->layers_run == 0); /* its prefill was finished by the jobs that were stopped */
    saint_trace_unref(t);
    saint_trace_unref(want);
    saint_worker_close(w);
    saint_session_close(s);
    saint_session_close(alone);
    saint_image_free(&im);
}

static void closing_while_a_job_runs_and_another_waits(void **state)
{
    (void)state;
    saint_image im = draw_picture(40, 30, 3);
    saint_request q = request(&im, 100000, "0.8");
    for (int i = 0; i < 8; i++) {
        saint_session *s = open_session(engine, llava, 1 << 26);
        saint_worker *w;
        assert_ok(saint_worker_open(&w, s, err));
        for (int k = 0; k < i / 2; k++) assert_ok(saint_worker_submit(w, &q, NULL, err));
        if (i & 1 && i > 1) (void)wait_event(w);
        saint_worker_close(w);
        saint_session_close(s);
    }
    saint_worker_close(NULL);
    saint_image_free(&im);
}

static void a_wrong_request_is_refused_and_supersedes_nothing(void **state)
{
    (void)state;
    saint_session *s = open_session(engine, llava, 1 << 26);
    saint_worker *w;
    saint_image im = draw_picture(40, 30, 3);
    saint_request q = request(&im, 4, "0.8"), wrong = q;
    saint_job job, none = 7;
    saint_error e = {0};
    assert_ok(saint_worker_open(&w, s, err));
    assert_ok(saint_worker_submit(w, &q, &job, err));
    wrong.max_new_tokens = -1;
    assert_int_equal(saint_worker_submit(w, &wrong, &none, &e), SAINT_INVALID);
    assert_int_equal(none, 0);
    assert_non_null(strstr(e.text, "max_new_tokens"));
    wrong = q;
    set_param(&wrong.settings, "prune_mode[40]=random");
    assert_int_equal(saint_worker_submit(w, &wrong, &none, &e), SAINT_INVALID);
    assert_int_equal(wait_end(w, job).kind, SAINT_JOB_DONE);
    wrong = q;
    wrong.prompt = "an <image> of its own"; /* seen when it runs */
    assert_ok(saint_worker_submit(w, &wrong, &job, err));
    saint_job_event end = wait_end(w, job);
    assert_int_equal(end.kind, SAINT_JOB_FAILED);
    assert_int_equal(end.error.code, SAINT_INVALID);
    assert_non_null(strstr(end.error.text, "<image>"));
    saint_worker_close(w);
    saint_session_close(s);
    saint_image_free(&im);
}

/* Previews and forecasts from the thread of the screen, while the worker runs and the cache forgets. */
static void previews_and_forecasts_while_jobs_run(void **state)
{
    (void)state;
    saint_session *s = open_session(engine, llava, 300000);
    saint_worker *w;
    saint_image im = draw_picture(40, 30, 3);
    saint_job job = 0;
    int previews = 0;
    assert_ok(saint_worker_open(&w, s, err));
    for (int i = 0; i < 40; i++) { /* every fourth is waited for, the last one too */
        char threshold[16];
        snprintf(threshold, sizeof threshold, "%.2f", 0.99 - 0.01 * i);
        saint_request q = request(&im, 3, threshold);
        saint_plan plan;
        saint_forecast f;
        assert_ok(saint_worker_submit(w, &q, &job, err));
        assert_ok(saint_session_forecast(s, &q, &f, err));
        assert_ok(saint_plan_build(&plan, &q.settings, saint_model_get_info(llava), NULL, err));
        for (int k = 0; k < plan.n_sites; k++) {
            saint_trace_site *site = NULL;
            saint_error e;
            saint_status st = saint_session_preview(s, 0, &plan.site[k], 0, &site, &e);
            assert_true(st == SAINT_OK || st == SAINT_STATE);
            if (st != SAINT_OK) continue;
            previews++;
            assert_true(site->n_keep <= site->n_in);
            saint_trace_site_unref(site);
        }
        if (i % 4 == 3) assert_int_equal(wait_end(w, job).kind, SAINT_JOB_DONE);
    }
    assert_true(previews > 0);
    saint_worker_close(w);
    saint_session_close(s);
    saint_image_free(&im);
}

typedef struct {
    saint_worker *w;
    const saint_image *im;
} hurry;

static void *submit_and_cancel(void *ud)
{
    hurry *h = ud;
    for (int i = 0; i < 30; i++) {
        saint_request q = request(h->im, 2, i & 1 ? "0.7" : "0.9");
        saint_error e;
        saint_job_event event;
        if (saint_worker_submit(h->w, &q, NULL, &e) != SAINT_OK) return ud;
        if (i % 5 == 4) saint_worker_cancel(h->w);
        (void)saint_worker_next_event(h->w, &event);
        saint_trace_unref(saint_worker_trace(h->w));
    }
    return NULL;
}

static void any_thread_may_call(void **state)
{
    (void)state;
    saint_session *s = open_session(engine, llava, 1 << 26);
    saint_image im = draw_picture(40, 30, 3);
    hurry h = {.im = &im};
    pthread_t thread[2];
    assert_ok(saint_worker_open(&h.w, s, err));
    for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&thread[i], NULL, submit_and_cancel, &h), 0);
    for (int i = 0; i < 2; i++) {
        void *failed = &h;
        pthread_join(thread[i], &failed);
        assert_null(failed);
    }
    saint_job last;
    saint_request q = request(&im, 2, "0.8");
    assert_ok(saint_worker_submit(h.w, &q, &last, err));
    assert_int_equal(last, 61);
    assert_int_equal(wait_end(h.w, last).kind, SAINT_JOB_DONE);
    saint_worker_close(h.w);
    saint_session_close(s);
    saint_image_free(&im);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_reports_and_leaves_its_trace),
        cmocka_unit_test(runs_are_watched),
        cmocka_unit_test(ids_and_pixels_are_copied),
        cmocka_unit_test(fifty_requests_in_a_hurry),
        cmocka_unit_test(cancelled_jobs_end_and_the_next_one_is_right),
        cmocka_unit_test(closing_while_a_job_runs_and_another_waits),
        cmocka_unit_test(a_wrong_request_is_refused_and_supersedes_nothing),
        cmocka_unit_test(previews_and_forecasts_while_jobs_run),
        cmocka_unit_test(any_thread_may_call),
    };
    assert_ok(saint_engine_open(&engine, &(saint_engine_options){.n_threads = 2}, err));
    llava = load_tiny("llava-tiny-new");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    saint_model_unref(llava);
    saint_engine_close(engine);
    return failed;
}
