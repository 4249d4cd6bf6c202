/* Whatever came before in a session: the same bits as a cold run; what is reused, and what a forecast and a preview say of it. */
#include "support/tiny.h"

#include <math.h>

#if defined(__SANITIZE_THREAD__)
enum { SHORTER = 5, PREVIEWS = 14 }; /* every access is watched: fewer steps show the same races */
#elif defined(SAINT_EMULATED)
enum { SHORTER = 30, PREVIEWS = 3 }; /* a device made of host memory is slow */
#else
enum { SHORTER = 1, PREVIEWS = 14 };
#endif

/* ---- random requests -------------------------------------------------------------------------------------------- */

typedef struct {
    int steps, reused, question, skipped, failed;
} tally;

/* In a session that remembers, as if it did not. */
static void run_it_cold(saint_session *s, const saint_request *q, const saint_trace *expected)
{
    saint_request cold = *q;
    saint_forecast f, before, behind;
    cold.cold = true;
    assert_ok(saint_session_forecast(s, q, &before, err));
    assert_ok(saint_session_forecast(s, &cold, &f, err));
    assert_string_equal(f.reason, "a run without checkpoints was asked for");
    saint_trace *t = run_request(s, &cold);
    assert_same_trace(t, expected);
    assert_foreseen(&f, t);
    assert_int_equal(t->layers_reused + t->layers_question, 0);
    for (int i = 0; i < t->n_images; i++)
        for (int k = 0; k < t->image[i].history.n_layers; k++) assert_false(t->image[i].history.layer[k].reused);
    saint_trace_unref(t);
    assert_ok(saint_session_forecast(s, q, &behind, err)); /* it left no trace */
    assert_memory_equal(&before, &behind, sizeof before);
}

/* A long chain of requests in one session, each one compared with a session that remembers nothing. */
static tally walk(saint_model *m, size_t budget, uint64_t seed, int steps)
{
    saint_session *warm = open_session(engine, m, budget), *cold = open_session(engine, m, 0);
    random_step x = first_step(m);
    tally sum = {.steps = steps};
    for (int i = 0; i < steps; i++) {
        saint_trace *a = NULL, *b = NULL;
        saint_error ea = {0}, eb = {0};
        saint_forecast f;
        assert_ok(saint_session_forecast(warm, &x.q, &f, err));
        saint_status sa = saint_session_run(warm, &x.q, NULL, &a, &ea), sb = saint_session_run(cold, &x.q, NULL, &b, &eb);
        if (sa != sb || strcmp(ea.text, eb.text) != 0) fail_msg("step %d: %d \"%s\", cold %d \"%s\"", i, sa, ea.text, sb, eb.text);
        if (sa == SAINT_OK) {
            assert_same_trace(a, b);
            assert_foreseen(&f, a);
            for (int k = 0; k < a->n_images; k++)
                for (int j = 0; j < a->image[k].history.n_sites; j++)
                    assert_int_equal(a->image[k].history.site[j]->on_device, strcmp(SAINT_TEST_BACKEND, "cuda") == 0);
            assert_int_equal(b->layers_reused + b->layers_question, 0);
            sum.reused += a->layers_reused;
            sum.question += a->layers_question;
            sum.skipped += a->from_stage == SAINT_STAGE_LLM && x.q.n_images > 0;
            if (i % 5 == 0) run_it_cold(warm, &x.q, b);
        }
        sum.failed += sa != SAINT_OK;
        saint_trace_unref(a);
        saint_trace_unref(b);
        next_step(&seed, &x);
    }
    saint_session_close(warm);
    saint_session_close(cold);
    return sum;
}

static void any_request_after_any_other_equals_a_cold_run(void **state)
{
    (void)state;
    const struct {
        saint_model *m;
        size_t budget;
        int steps;
    } walks[] = {{llava, 1 << 28, 220}, {llava, 600000, 120}, {llava, 60000, 60},  {clip, 1 << 28, 80},
                 {timm, 1 << 28, 80},   {timm, 50000, 60},    {llama, 1 << 28, 40}};
    for (size_t i = 0; i < sizeof walks / sizeof *walks; i++) {
        tally t = walk(walks[i].m, walks[i].budget, 7 + i, walks[i].steps / SHORTER);
        printf("  %-18s %9zu bytes: %d requests, %d layers reused, %d with the question alone, ViT skipped %d times, %d refused\n",
               saint_model_get_info(walks[i].m)->name, walks[i].budget, t.steps, t.reused, t.question, t.skipped, t.failed);
        assert_true(t.failed * 4 < t.steps);
        if (i == 0 && SHORTER == 1) assert_true(t.reused > t.steps && t.question > t.steps / 8 && t.skipped > t.steps / 8);
    }
}

/* ---- cancellation ------------------------------------------------------------------------------------------------ */

typedef struct {
    int events, stop_at; /* stop_at < 0: never */
    saint_event last;
} stopper;

static bool stop_event(void *ud, const saint_event *e)
{
    stopper *x = ud;
    x->last = *e;
    return x->events++ != x->stop_at;
}

/* Layers that a run may take up again behind the event it was stopped at. */
static int finished_layers(const saint_model_info *m, const saint_event *e)
{
    if (e->stage == SAINT_STAGE_VIT) return e->layer; /* its attention is done, its MLP runs again */
    return e->kind == SAINT_EVENT_TOKEN ? m->vit_layers_run + m->llm_layers : m->vit_layers_run + e->layer + 1;
}

static void cancelled_at_any_event_a_session_goes_on_from_there(void **state)
{
    (void)state;
    saint_model *const models[] = {llava, timm, llama};
    for (int k = 0; k < 3; k++) {
        saint_request q = busy_request(models[k], 1);
        saint_session *cold = open_session(engine, models[k], 0);
        stopper all = {.stop_at = -1};
        saint_trace *want;
        assert_ok(saint_session_run(cold, &q, &(saint_observer){.event = stop_event, .ud = &all}, &want, err));
        for (int n = 0; n < all.events; n++) {
            saint_session *s = open_session(engine, models[k], 1 << 26);
            stopper x = {.stop_at = n};
            saint_trace *t = want;
            saint_error e = {0};
            assert_int_equal(saint_session_run(s, &q, &(saint_observer){.event = stop_event, .ud = &x}, &t, &e), SAINT_CANCELLED);
            assert_null(t);
            assert_int_equal(e.code, SAINT_CANCELLED);
            assert_int_equal(x.events, n + 1);
            saint_forecast f;
            assert_ok(saint_session_forecast(s, &q, &f, err));
            t = run_request(s, &q);
            assert_same_trace(t, want);
            assert_foreseen(&f, t);
            assert_int_equal(t->layers_reused, finished_layers(saint_model_get_info(models[k]), &x.last));
            saint_trace_unref(t);
            saint_session_close(s);
        }
        saint_trace_unref(want);
        saint_session_close(cold);
    }
}

/* ---- another question about the same picture ------------------------------------------------------------------------ */

static saint_trace *ask(saint_session *s, saint_request *q, const char *question, int reused, int asked, int run)
{
    saint_session *cold = open_session(engine, llava, 0);
    q->prompt = question;
    saint_trace *t = run_request(s, q), *want = run_request(cold, q);
    assert_same_trace(t, want);
    if (t->layers_reused != reused || t->layers_question != asked || t->layers_run != run)
        fail_msg("\"%s\": %d layers reused, %d with the question alone, %d run; expected %d, %d, %d", question, t->layers_reused,
                 t->layers_question, t->layers_run, reused, asked, run);
    saint_trace_unref(want);
    saint_session_close(cold);
    return t;
}

static void another_question_runs_its_own_rows_only(void **state)
{
    (void)state;
    const struct {
        const char *set[6];
        int asked, run; /* of 4 LLM layers, for another question */
    } cases[] = {
        {{"mode=none"}, 4, 0},
        {{"mode=hybrid", "saint_start=0", "saint_end=3", "use_saint=true", "prune_mode[0]=saint_drop", "saint_K=1"}, 4, 0},
        {{"llm_prune_mode[1]=fastv"}, 2, 2}, /* reads the question's attention */
        {{"llm_prune_mode[3]=fastv"}, 4, 0},
        {{"llm_prune_mode[0]=saint_drop", "saint_K=1", "llm_prune_mode[2]=fastv"}, 3, 1},
        {{"llm_prune_mode[2]=random", "saint_sys_length=5"}, 3, 1}, /* the window reaches into the question */
        {{"llm_prune_mode[2]=random", "saint_sys_length=5", "saint_image_token_length=80"}, 4, 0},
        {{"llm_prune_mode[0]=random", "compat=reference"}, 1, 3},
        {{"llm_prune_mode[0]=random", "saint_sys_length=2"}, 4, 0}, /* wrong, but in front of the question */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        saint_session *s = open_session(engine, llava, 1 << 26);
        saint_request q = plain_request(llava, 1);
        for (int k = 0; k < 6 && cases[i].set[k]; k++) set_param(&q.settings, cases[i].set[k]);
        saint_trace_unref(ask(s, &q, questions[0], 0, 0, 6));
        saint_trace_unref(ask(s, &q, questions[0], 6, 0, 0));
        saint_trace *t = ask(s, &q, questions[1], 2, cases[i].asked, cases[i].run);
        assert_int_equal(t->from_stage, SAINT_STAGE_LLM);
        assert_int_equal(t->from_layer, -1);
        saint_trace_unref(t);
        saint_trace_unref(ask(s, &q, questions[2], 2, cases[i].asked, cases[i].run));
        saint_trace_unref(ask(s, &q, questions[0], 6, 0, 0)); /* the first one is still there */
        saint_session_close(s);
    }
}

/* ---- forecasts ------------------------------------------------------------------------------------------------------ */

static void expect_reason(saint_session *s, const saint_request *q, saint_stage stage, int layer, const char *reason)
{
    saint_forecast f;
    assert_ok(saint_session_forecast(s, q, &f, err));
    assert_string_equal(f.reason, reason);
    assert_int_equal(f.from_stage, stage);
    assert_int_equal(f.from_layer, layer);
    saint_trace *t = run_request(s, q);
    assert_foreseen(&f, t);
    saint_trace_unref(t);
}

static void forecasts_name_what_broke_the_chain(void **state)
{
    (void)state;
    saint_session *s = open_session(engine, llava, 1 << 26);
    saint_request q = plain_request(llava, 1), first;
    set_params(&q.settings, "prune_mode[1]=saint_drop", "llm_prune_mode[2]=saint_drop", NULL);
    first = q;
    expect_reason(s, &q, SAINT_STAGE_VIT, -1, "nothing has run yet");
    expect_reason(s, &q, SAINT_STAGE_LLM, 3, "nothing changed");
    set_param(&q.settings, "saint_threshold=0.7");
    expect_reason(s, &q, SAINT_STAGE_LLM, 2, "a parameter changed at LLM layer 2");
    set_param(&q.settings, "llm_prune_mode[2]=fastv");
    expect_reason(s, &q, SAINT_STAGE_LLM, 2, "the method changed at LLM layer 2");
    set_param(&q.settings, "llm_prune_mode[0]=grid");
    expect_reason(s, &q, SAINT_STAGE_LLM, 0, "a site was added at LLM layer 0");
    set_param(&q.settings, "llm_prune_mode[0]=None");
    expect_reason(s, &q, SAINT_STAGE_LLM, 3, "a site was removed at LLM layer 0, but an earlier run has computed it");
    set_param(&q.settings, "saint_sys_length=2");
    expect_reason(s, &q, SAINT_STAGE_LLM, 2, "the image window changed at LLM layer 2");
    set_param(&q.settings, "compat.overwrite_r=true");
    expect_reason(s, &q, SAINT_STAGE_VIT, 1, "compat changed at ViT layer 1");
    set_param(&q.settings, "compat.decode_position_plus_one=true"); /* no layer reads it */
    expect_reason(s, &q, SAINT_STAGE_LLM, 3, "nothing changed");
    set_param(&q.settings, "K[1]=2");
    expect_reason(s, &q, SAINT_STAGE_VIT, 1, "a parameter changed at ViT layer 1");
    q = first;
    expect_reason(s, &q, SAINT_STAGE_LLM, 3, "a parameter changed at ViT layer 1, but an earlier run has computed it");
    q.prompt = questions[1];
    expect_reason(s, &q, SAINT_STAGE_LLM, -1, "the prompt changed, only the rows of the question run");
    q.images = &picture[1];
    expect_reason(s, &q, SAINT_STAGE_VIT, -1, "the picture changed");
    saint_session_close(s);

    s = open_session(engine, llava, 0);
    expect_reason(s, &q, SAINT_STAGE_VIT, -1, "nothing has run yet");
    expect_reason(s, &q, SAINT_STAGE_VIT, -1, "nothing changed, but checkpoints are missing");
    saint_session_close(s);
}

static void forecast_costs_are_those_of_the_run(void **state)
{
    (void)state;
    saint_session *s = open_session(engine, llava, 1 << 26);
    saint_request q = plain_request(llava, 2);
    saint_forecast f, less;
    set_params(&q.settings, "prune_mode[0]=grid", "keep_num[0]=50", "llm_prune_mode[1]=random", "llm_keep_ratio[1]=0.5",
               NULL); /* known before they run */
    assert_ok(saint_session_forecast(s, &q, &f, err));
    saint_trace *t = run_request(s, &q);
    double flops = 0;
    for (int i = 0; i < 2; i++) flops += t->image[i].flops_vit + t->image[i].flops_projector + t->image[i].flops_prefill;
    assert_true(fabs(f.flops - flops) < 1e-9 * flops);
    q.prompt = questions[2];
    assert_ok(saint_session_forecast(s, &q, &less, err));
    assert_true(less.flops > 0 && less.flops < 0.3 * f.flops);
    saint_trace_unref(t);
    saint_session_close(s);
}

/* A cache with room for some layers of the LLM keeps the first ones, which a run can go on from, and not the last. */
static void a_small_cache_keeps_what_is_of_use(void **state)
{
    (void)state;
    saint_request q = plain_request(llava, 1);
    int reused = -1;
    for (size_t budget = 0; budget < 400000; budget += 40000) {
        saint_session *s = open_session(engine, llava, budget);
        for (int i = 0; i < 2; i++) saint_trace_unref(run_request(s, &q));
        saint_trace *t = run_request(s, &q);
        if (t->layers_reused < reused) fail_msg("%zu bytes: %d layers reused, with less memory %d", budget, t->layers_reused, reused);
        reused = t->layers_reused;
        saint_trace_unref(t);
        saint_session_close(s);
    }
    assert_int_equal(reused, 6);
}

/* A cold run is no timeline: what is previewed stays the last run that left checkpoints. */
static void a_cold_run_leaves_previews_alone(void **state)
{
    (void)state;
    saint_session *s = open_session(engine, llava, 1 << 26);
    saint_request q = plain_request(llava, 1), cold = plain_request(llava, 3);
    saint_site site = {.stage = SAINT_STAGE_LLM, .layer = 2, .method = saint_method_index(saint_method_find("saint_drop")), .p = {.K = 1}};
    saint_trace_site *before, *behind;
    saint_error e;
    cold.cold = true;
    cold.images = &picture[1];
    saint_trace_unref(run_request(s, &cold));
    assert_int_equal(saint_session_preview(s, 0, &site, 0, &before, &e), SAINT_STATE);
    saint_trace_unref(run_request(s, &q));
    assert_ok(saint_session_preview(s, 0, &site, 0, &before, err));
    saint_trace_unref(run_request(s, &cold));
    assert_ok(saint_session_preview(s, 0, &site, 0, &behind, err));
    assert_same_site(behind, before);
    saint_trace_site_unref(before);
    saint_trace_site_unref(behind);
    expect_reason(s, &q, SAINT_STAGE_LLM, 3, "nothing changed");
    saint_session_close(s);
}

/* A threshold given for the statistics alone counts as if every layer had it, and moves no site. */
static void statistics_have_a_threshold_of_their_own(void **state)
{
    (void)state;
    saint_model *const models[] = {llava, timm};
    for (int m = 0; m < 2; m++) {
        saint_session *warm = open_session(engine, models[m], 1 << 26), *cold = open_session(engine, models[m], 0);
        saint_request given = busy_request(models[m], 2), own;
        given.want_stats = true;
        saint_trace_unref(run_request(warm, &given));
        given.stats_given = true;
        for (int k = 0; k < 3; k++) {
            given.stats_threshold = 0.4f + 0.2f * (float)k;
            given.stats_K = 1 + k;
            saint_trace *t = run_request(warm, &given), *u = run_request(cold, &given);
            assert_same_trace(t, u);
            const saint_trace_layer *y = &t->image[1].history.layer[0];
            assert_true(y->has_stats && y->stats_threshold == given.stats_threshold && y->stats_K == given.stats_K);
            saint_trace_unref(t);
            saint_trace_unref(u);
        }
        own = given = plain_request(models[m], 1);
        own.want_stats = given.want_stats = given.stats_given = true;
        given.stats_threshold = 0.55f;
        given.stats_K = 3;
        for (int k = 0; k < SAINT_MAX_LAYERS; k++) {
            own.settings.vit[k].p.sim_threshold = own.settings.llm[k].p.sim_threshold = 0.55f;
            own.settings.vit[k].p.K = own.settings.llm[k].p.K = 3;
        }
        saint_trace *t = run_request(warm, &given), *u = run_request(cold, &own);
        assert_same_trace(t, u);
        saint_trace_unref(t);
        saint_trace_unref(u);
        saint_session_close(warm);
        saint_session_close(cold);
    }
}

/* ---- previews -------------------------------------------------------------------------------------------------------- */

/* What a preview shows at a site is what a run with that site decides there. */
static void previews_equal_runs(void **state)
{
    (void)state;
    saint_model *const models[] = {llava, timm, clip, llava};
    int compared = 0;
    for (int k = 0; k < 4; k++) {
        const saint_model_info *info = saint_model_get_info(models[k]);
        uint64_t rng = 99 + (uint64_t)k;
        for (int round = 0; round < PREVIEWS; round++) {
            saint_session *s = open_session(engine, models[k], 1 << 26), *cold = open_session(engine, models[k], 0);
            saint_request q = busy_request(models[k], 1 + pick(&rng, 3));
            if (round & 1) set_param(&q.settings, "compat=reference");
            if (k == 3) {
                q.prompt = questions[1]; /* after which only the question's rows run */
                saint_trace_unref(run_request(s, &q));
                q.prompt = questions[0];
            }
            saint_trace_unref(run_request(s, &q));
            saint_stage stage = info->llm_layers && pick(&rng, 2) ? SAINT_STAGE_LLM : SAINT_STAGE_VIT;
            int layer = pick(&rng, stage == SAINT_STAGE_LLM ? 2 : info->vit_layers_run);
            random_site(&rng, &q.settings, info, stage, layer);
            saint_plan plan;
            assert_ok(saint_plan_build(&plan, &q.settings, info, NULL, err));
            const saint_site *site = saint_plan_site(&plan, stage, layer);
            saint_trace *t = run_request(cold, &q);
            for (int i = 0; site && i < q.n_images; i++) {
                saint_trace_site *shown = NULL;
                saint_error e;
                saint_status st = saint_session_preview(s, i, site, plan.compat, &shown, &e);
                /* after another question there are no rows of this one, which a wrong window and fastv would read */
                if (k == 3 && st == SAINT_STATE && (saint_method_at(site->method)->reads_text || plan.compat)) continue;
                if (st != SAINT_OK) fail_msg("%s", e.text);
                const saint_history *h = &t->image[i].history;
                for (int j = 0; j < h->n_sites; j++)
                    if ((int)h->site[j]->stage == (int)stage && h->site[j]->layer == layer) {
                        assert_same_site(shown, h->site[j]);
                        compared++;
                    }
                saint_trace_site_unref(shown);
            }
            saint_trace_unref(t);
            saint_session_close(s);
            saint_session_close(cold);
        }
    }
    assert_true(compared > 50 * PREVIEWS / 14);
}

static void previews_of_what_is_not_there_are_refused(void **state)
{
    (void)state;
    saint_session *s = open_session(engine, llava, 1 << 26);
    saint_request q = plain_request(llava, 1);
    saint_site site = {.stage = SAINT_STAGE_VIT, .layer = 0, .method = saint_method_index(saint_method_find("random"))};
    saint_trace_site *out;
    saint_error e;
    assert_int_equal(saint_session_preview(s, 0, &site, 0, &out, &e), SAINT_STATE);
    saint_trace_unref(run_request(s, &q));
    const struct {
        int image, stage, layer, method;
    } wrong[] = {{1, 0, 0, 2},
                 {-1, 0, 0, 2},
                 {0, 0, 2, 2},
                 {0, 0, -1, 2},
                 {0, 0, 1000, 2},
                 {1, 1, 0, 2},
                 {-1, 1, 0, 2},
                 {0, 1, 4, 2},
                 {0, 1, -1, 2},
                 {0, 1, 99, 2},
                 {0, 0, 0, -1},
                 {0, 0, 0, 99},
                 {0, 1, 0, saint_method_index(saint_method_find("tome"))}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        saint_site x = {.stage = wrong[i].stage, .layer = wrong[i].layer, .method = wrong[i].method, .p = {.keep_num = 5, .r = 1}};
        saint_status st = saint_session_preview(s, wrong[i].image, &x, 0, &out, &e);
        if (st != SAINT_STATE && st != SAINT_INVALID) fail_msg("preview %zu: %d", i, st);
        assert_null(out);
    }
    saint_session_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_request_after_any_other_equals_a_cold_run),
        cmocka_unit_test(cancelled_at_any_event_a_session_goes_on_from_there),
        cmocka_unit_test(another_question_runs_its_own_rows_only),
        cmocka_unit_test(forecasts_name_what_broke_the_chain),
        cmocka_unit_test(forecast_costs_are_those_of_the_run),
        cmocka_unit_test(a_small_cache_keeps_what_is_of_use),
        cmocka_unit_test(a_cold_run_leaves_previews_alone),
        cmocka_unit_test(statistics_have_a_threshold_of_their_own),
        cmocka_unit_test(previews_equal_runs),
        cmocka_unit_test(previews_of_what_is_not_there_are_refused),
    };
    return run_tiny_group("tests", tests, sizeof tests / sizeof *tests);
}
