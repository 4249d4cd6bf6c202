#define _XOPEN_SOURCE 700 /* mkstemp */
/* Runs: whatever came before, whatever stands beside, however many threads: the same bits as a cold run alone. */
#include "support/requests.h"

#include <math.h>
#include <pthread.h>
#include <unistd.h>

#include "formats/checkpoint.h"

static saint_engine *engine;
static saint_model *llava, *timm, *clip, *llama;

/* What a forecast says is what the run then reports. */
static void assert_foreseen(const saint_forecast *f, const saint_trace *t)
{
    if (f->layers_reused != t->layers_reused || f->layers_question != t->layers_question || f->layers_to_run != t->layers_run ||
        f->from_stage != t->from_stage || f->from_layer != t->from_layer)
        fail_msg("forecast: %d reused, %d for the question, %d to run, from stage %d layer %d; the run: %d, %d, %d, %d %d (%s)", f->layers_reused,
                 f->layers_question, f->layers_to_run, f->from_stage, f->from_layer, t->layers_reused, t->layers_question, t->layers_run, t->from_stage,
                 t->from_layer, f->reason);
    assert_true(f->reason[0] != 0);
    assert_true(f->flops >= 0);
}

typedef struct {
    int steps, reused, question, skipped, failed;
} tally;

/* A long chain of requests in one session, each one compared with a session that remembers nothing. */
static tally walk(saint_model *m, size_t budget, uint64_t seed, int steps)
{
    saint_session *warm = open_session(engine, m, budget), *cold = open_session(engine, m, 0);
    step x = first_step(m);
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
            assert_int_equal(b->layers_reused + b->layers_question, 0);
            sum.reused += a->layers_reused;
            sum.question += a->layers_question;
            sum.skipped += a->from_stage == SAINT_STAGE_LLM && x.q.n_images > 0;
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
    } walks[] = {{llava, 1 << 28, 220}, {llava, 600000, 120}, {llava, 60000, 60}, {clip, 1 << 28, 80}, {timm, 1 << 28, 80}, {timm, 50000, 60}, {llama, 1 << 28, 40}};
    for (size_t i = 0; i < sizeof walks / sizeof *walks; i++) {
        tally t = walk(walks[i].m, walks[i].budget, 7 + i, walks[i].steps);
        printf("  %-18s %9zu bytes: %d requests, %d layers reused, %d with the question alone, ViT skipped %d times, %d refused\n",
               saint_model_get_info(walks[i].m)->name, walks[i].budget, t.steps, t.reused, t.question, t.skipped, t.failed);
        assert_true(t.failed * 4 < t.steps);
        if (i == 0) assert_true(t.reused > t.steps && t.question > t.steps / 8 && t.skipped > t.steps / 8);
    }
}

/* ---- one run beside others --------------------------------------------------------------------------------------- */

static saint_request plain_request(const saint_model *m, int n_images)
{
    const saint_model_info *i = saint_model_get_info(m);
    saint_request q = {.images = picture, .n_images = i->vit_layers ? n_images : 0, .prompt = i->llm_layers ? questions[0] : NULL};
    saint_settings_default(&q.settings);
    set_param(&q.settings, "use_saint=false");
    q.max_new_tokens = i->llm_layers ? 3 : 0;
    q.ignore_eos = true;
    return q;
}

/* Sites of every kind in both stages. */
static saint_request busy_request(const saint_model *m, int n_images)
{
    saint_request q = plain_request(m, n_images);
    const saint_model_info *i = saint_model_get_info(m);
    if (i->vit_layers) set_params(&q.settings, "prune_mode[0]=saint_drop", "sim_threshold[0]=0.85", "K[0]=2", "prune_mode[1]=tome", "keep_num[1]=40", NULL);
    if (i->llm_layers) set_params(&q.settings, "llm_prune_mode[0]=saint_drop", "saint_K[0]=1", "llm_prune_mode[1]=fastv", "llm_keep_ratio[1]=0.7", NULL);
    return q;
}

static void each_picture_of_a_batch_equals_the_picture_alone(void **state)
{
    (void)state;
    saint_model *const models[] = {llava, timm, clip};
    for (int k = 0; k < 3; k++) {
        saint_session *s = open_session(engine, models[k], 0);
        saint_trace *alone[N_PICTURES];
        for (int i = 0; i < N_PICTURES; i++) {
            saint_request q = busy_request(models[k], 1);
            q.images = &picture[i];
            q.want_stats = true;
            alone[i] = run_request(s, &q);
        }
        for (int n = 1; n <= N_PICTURES; n++) {
            saint_request q = busy_request(models[k], n);
            q.want_stats = true;
            saint_trace *t = run_request(s, &q);
            for (int i = 0; i < n; i++) assert_same_image(&t->image[i], &alone[i]->image[0]);
            saint_trace_unref(t);
        }
        for (int i = 0; i < N_PICTURES; i++) saint_trace_unref(alone[i]);
        saint_session_close(s);
    }
}

static void the_published_batch_drops_the_mean_of_the_votes(void **state)
{
    (void)state;
    saint_session *s = open_session(engine, timm, 0);
    int votes = 0, differ = 0;
    saint_request q = plain_request(timm, 1);
    set_params(&q.settings, "compat=reference", "prune_mode[0]=saint_drop", "sim_threshold[0]=0.8", NULL);
    for (int i = 0, first = 0; i < N_PICTURES; i++) {
        q.images = &picture[i];
        saint_trace *t = run_request(s, &q);
        const saint_trace_site *site = t->image[0].history.site[0];
        votes += site->n_in - site->n_keep;
        if (i == 0) first = site->n_keep;
        differ |= site->n_keep != first;
        saint_trace_unref(t);
    }
    assert_true(differ);
    q.images = picture;
    q.n_images = N_PICTURES;
    saint_trace *t = run_request(s, &q);
    for (int i = 0; i < N_PICTURES; i++) {
        const saint_trace_site *site = t->image[i].history.site[0];
        assert_int_equal(site->n_in - site->n_keep, votes / N_PICTURES);
    }
    saint_trace_unref(t);
    saint_session_close(s);
}

static saint_trace *run_with(const saint_model *m, const saint_request *q, int threads, saint_dtype dtype)
{
    saint_engine *e;
    saint_session *s;
    saint_model *shared = saint_model_ref((saint_model *)m);
    assert_ok(saint_engine_open(&e, &(saint_engine_options){.n_threads = threads}, err));
    assert_ok(saint_session_open(&s, e, shared, &(saint_session_options){.dtype = dtype}, err));
    saint_trace *t = run_request(s, q), *again = run_request(s, q);
    assert_same_trace(t, again);
    saint_trace_unref(again);
    saint_session_close(s);
    saint_engine_close(e);
    saint_model_unref(shared);
    return t;
}

static void any_number_of_threads_gives_the_same_bits(void **state)
{
    (void)state;
    saint_model *const models[] = {llava, timm, clip, llama};
    for (int k = 0; k < 4; k++)
        for (int d = 0; d < 2; d++) {
            saint_request q = busy_request(models[k], 3);
            saint_dtype dtype = d ? SAINT_BF16 : SAINT_F32;
            saint_trace *one = run_with(models[k], &q, 1, dtype);
            for (int threads = 2; threads <= 3; threads++) {
                saint_trace *t = run_with(models[k], &q, threads, dtype);
                assert_same_trace(t, one);
                saint_trace_unref(t);
            }
            saint_trace_unref(one);
        }
}

static double rel_l2(const float *a, const float *b, int n)
{
    double diff = 0, norm = 0;
    for (int i = 0; i < n; i++) {
        diff += (double)(a[i] - b[i]) * (double)(a[i] - b[i]);
        norm += (double)b[i] * (double)b[i];
    }
    return sqrt(diff / norm);
}

static void bf16_is_close_and_indifferent_to_batch_and_cache(void **state)
{
    (void)state;
    saint_model *const models[] = {llava, timm, llama};
    for (int k = 0; k < 3; k++) {
        saint_request q = plain_request(models[k], 2);
        saint_trace *exact = run_with(models[k], &q, 1, SAINT_F32), *fast = run_with(models[k], &q, 1, SAINT_BF16);
        double worst = 0;
        for (int i = 0; i < exact->n_images; i++) worst = fmax(worst, rel_l2(fast->image[i].logits, exact->image[i].logits, exact->image[i].n_logits));
        printf("  %-18s logits in bf16: relative L2 %.2g\n", saint_model_get_info(models[k])->name, worst);
        assert_true(worst > 0 && worst < 5e-2);
        saint_trace_unref(exact);
        saint_trace_unref(fast);
        saint_session *s;
        assert_ok(saint_session_open(&s, engine, models[k], &(saint_session_options){.dtype = SAINT_BF16, .checkpoint_bytes = 1 << 26}, err));
        saint_request b = busy_request(models[k], 2), alone = busy_request(models[k], 1);
        saint_trace *batch = run_request(s, &b), *first = run_request(s, &alone), *again = run_request(s, &b);
        assert_same_image(&batch->image[0], &first->image[0]);
        assert_same_trace(batch, again);
        if (models[k] != timm) assert_int_equal(again->layers_run, 0);
        alone.prompt = q.prompt ? questions[1] : NULL;
        saint_trace *question = run_request(s, &alone), *cold = run_with(models[k], &alone, 2, SAINT_BF16);
        assert_same_trace(question, cold);
        saint_trace_unref(question);
        saint_trace_unref(cold);
        saint_trace_unref(batch);
        saint_trace_unref(first);
        saint_trace_unref(again);
        saint_session_close(s);
    }
}

/* ---- what changes nothing ---------------------------------------------------------------------------------------- */

static void keeping_all_equals_the_plain_run(void **state)
{
    (void)state;
    saint_model *const models[] = {llava, timm, clip};
    for (int k = 0; k < 3; k++) {
        const saint_model_info *info = saint_model_get_info(models[k]);
        saint_session *s = open_session(engine, models[k], 1 << 26);
        saint_request q = plain_request(models[k], 2);
        saint_trace *plain = run_request(s, &q);
        for (int i = 0; saint_method_at(i); i++)
            for (int stage = 0; stage < 2; stage++)
                for (int by_ratio = 0; by_ratio < 2; by_ratio++) {
                    const saint_method *m = saint_method_at(i);
                    if (!(m->stages & 1u << stage) || (stage == SAINT_STAGE_LLM && !info->llm_layers)) continue;
                    char name[64];
                    q = plain_request(models[k], 2);
                    snprintf(name, sizeof name, "%s[0-1]=%s", stage ? "llm_prune_mode" : "prune_mode", m->name);
                    set_params(&q.settings, name, "sim_threshold=1.0001", "saint_threshold=1.0001", "keep_ratio=1", "llm_keep_ratio=1", NULL);
                    set_param(&q.settings, by_ratio ? "keep_num=-1" : "keep_num=65536");
                    set_param(&q.settings, by_ratio ? "llm_keep_num=-1" : "llm_keep_num=65536");
                    saint_trace *t = run_request(s, &q);
                    for (int p = 0; p < 2; p++) {
                        assert_int_equal(t->image[p].history.n_sites, 2);
                        if (memcmp(t->image[p].logits, plain->image[p].logits, (size_t)plain->image[p].n_logits * sizeof(float)) != 0)
                            fail_msg("%s: %s that keeps all changes the logits", info->name, m->name);
                        assert_same_bits(t->image[p].ids, plain->image[p].ids, plain->image[p].n_ids, "answers");
                        const saint_trace_site *site = t->image[p].history.site[0];
                        assert_same_bits(site->kept, site->in, site->n_in, "lists");
                    }
                    saint_trace_unref(t);
                }
        saint_trace_unref(plain);
        saint_session_close(s);
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
    if (e->stage == SAINT_STAGE_VIT) return e->layer;                 /* its attention is done, its MLP runs again */
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

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t started;
    bool begun;
    int flag;
} race;

static bool begun_event(void *ud, const saint_event *e)
{
    race *r = ud;
    (void)e;
    pthread_mutex_lock(&r->lock);
    r->begun = true;
    pthread_cond_signal(&r->started);
    pthread_mutex_unlock(&r->lock);
    return true;
}

static void *raise_flag(void *ud)
{
    race *r = ud;
    pthread_mutex_lock(&r->lock);
    while (!r->begun) pthread_cond_wait(&r->started, &r->lock);
    pthread_mutex_unlock(&r->lock);
    __atomic_store_n(&r->flag, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void the_flag_stops_a_run_from_another_thread(void **state)
{
    (void)state;
    race r = {.lock = PTHREAD_MUTEX_INITIALIZER, .started = PTHREAD_COND_INITIALIZER};
    saint_session *s = open_session(engine, llava, 1 << 26);
    saint_request q = busy_request(llava, 1);
    q.max_new_tokens = 200000; /* hours */
    saint_observer ob = {.event = begun_event, .ud = &r, .cancel = &r.flag};
    pthread_t thread;
    saint_trace *t;
    saint_error e;
    assert_int_equal(pthread_create(&thread, NULL, raise_flag, &r), 0);
    assert_int_equal(saint_session_run(s, &q, &ob, &t, &e), SAINT_CANCELLED);
    pthread_join(thread, NULL);
    assert_int_equal(saint_session_run(s, &q, &ob, &t, &e), SAINT_CANCELLED); /* still raised */
    q.max_new_tokens = 2;
    saint_session *cold = open_session(engine, llava, 0);
    saint_trace *want = run_request(cold, &q);
    t = run_request(s, &q);
    assert_same_trace(t, want);
    saint_trace_unref(t);
    saint_trace_unref(want);
    saint_session_close(s);
    saint_session_close(cold);
}

/* ---- another question about the same picture ------------------------------------------------------------------------ */

static saint_trace *ask(saint_session *s, saint_request *q, const char *question, int reused, int asked, int run)
{
    saint_session *cold = open_session(engine, llava, 0);
    q->prompt = question;
    saint_trace *t = run_request(s, q), *want = run_request(cold, q);
    assert_same_trace(t, want);
    if (t->layers_reused != reused || t->layers_question != asked || t->layers_run != run)
        fail_msg("\"%s\": %d layers reused, %d with the question alone, %d run; expected %d, %d, %d", question, t->layers_reused, t->layers_question,
                 t->layers_run, reused, asked, run);
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
        {{"llm_prune_mode[1]=fastv"}, 2, 2},                                  /* reads the question's attention */
        {{"llm_prune_mode[3]=fastv"}, 4, 0},
        {{"llm_prune_mode[0]=saint_drop", "saint_K=1", "llm_prune_mode[2]=fastv"}, 3, 1},
        {{"llm_prune_mode[2]=random", "saint_sys_length=5"}, 3, 1},           /* the window reaches into the question */
        {{"llm_prune_mode[2]=random", "saint_sys_length=5", "saint_image_token_length=80"}, 4, 0},
        {{"llm_prune_mode[0]=random", "compat=reference"}, 1, 3},
        {{"llm_prune_mode[0]=random", "saint_sys_length=2"}, 4, 0},           /* wrong, but in front of the question */
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
    set_params(&q.settings, "prune_mode[0]=grid", "keep_num[0]=50", "llm_prune_mode[1]=random", "llm_keep_ratio[1]=0.5", NULL); /* known before they run */
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
        for (int round = 0; round < 14; round++) {
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
    assert_true(compared > 50);
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
    } wrong[] = {{1, 0, 0, 2}, {-1, 0, 0, 2}, {0, 0, 2, 2}, {0, 0, -1, 2}, {0, 0, 1000, 2}, {1, 1, 0, 2}, {-1, 1, 0, 2}, {0, 1, 4, 2}, {0, 1, -1, 2},
                 {0, 1, 99, 2}, {0, 0, 0, -1}, {0, 0, 0, 99}, {0, 1, 0, saint_method_index(saint_method_find("tome"))}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        saint_site x = {.stage = wrong[i].stage, .layer = wrong[i].layer, .method = wrong[i].method, .p = {.keep_num = 5, .r = 1}};
        saint_status st = saint_session_preview(s, wrong[i].image, &x, 0, &out, &e);
        if (st != SAINT_STATE && st != SAINT_INVALID) fail_msg("preview %zu: %d", i, st);
        assert_null(out);
    }
    saint_session_close(s);
}

/* ---- traces ---------------------------------------------------------------------------------------------------------- */

static void assert_tensor(const saint_checkpoint *c, const void *data, size_t bytes, const char *fmt, ...)
{
    char name[64];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(name, sizeof name, fmt, ap);
    va_end(ap);
    const saint_tensor *t = saint_checkpoint_find(c, name);
    if (!t) fail_msg("%s is not in the file", name);
    if (t->bytes != bytes || (bytes && memcmp(t->data, data, bytes) != 0)) fail_msg("%s differs", name);
}

static void a_saved_trace_holds_every_list(void **state)
{
    (void)state;
    char path[] = "saint-trace-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    saint_session *s = open_session(engine, llava, 0);
    saint_request q = busy_request(llava, 2);
    q.want_stats = true;
    saint_trace *t = run_request(s, &q);
    saint_checkpoint *c;
    assert_ok(saint_trace_save(t, path, err));
    assert_ok(saint_checkpoint_open_file(&c, path, err));
    for (int i = 0; i < 2; i++) {
        const saint_trace_image *im = &t->image[i];
        for (int k = 0; k < im->history.n_sites; k++) {
            const saint_trace_site *x = im->history.site[k];
            const char *stage = x->stage == SAINT_STAGE_VIT ? "vit" : "llm";
            size_t in = (size_t)x->n_in;
            assert_tensor(c, x->in, in * sizeof *x->in, "image.%d.%s.%d.in", i, stage, x->layer);
            assert_tensor(c, x->kept, (size_t)x->n_keep * sizeof *x->kept, "image.%d.%s.%d.kept", i, stage, x->layer);
            assert_tensor(c, x->score, in * sizeof *x->score, "image.%d.%s.%d.score", i, stage, x->layer);
            assert_tensor(c, x->neighbours, in * sizeof *x->neighbours, "image.%d.%s.%d.neighbours", i, stage, x->layer);
            assert_tensor(c, x->round, in * sizeof *x->round, "image.%d.%s.%d.round", i, stage, x->layer);
            assert_tensor(c, &x->margin, sizeof x->margin, "image.%d.%s.%d.margin", i, stage, x->layer);
        }
        assert_tensor(c, im->logits, (size_t)im->n_logits * sizeof *im->logits, "image.%d.logits", i);
        assert_tensor(c, im->ids, (size_t)im->n_ids * sizeof *im->ids, "image.%d.answer_ids", i);
        assert_non_null(saint_checkpoint_find(c, i ? "image.1.llm.3.stats" : "image.0.vit.0.stats"));
    }
    saint_checkpoint_close(c);
    saint_trace_unref(t);
    saint_session_close(s);
    unlink(path);
}

/* ---- wrong requests --------------------------------------------------------------------------------------------------- */

static void expect_refusal(saint_session *s, const saint_request *q, const char *part)
{
    saint_error e = {0}, also = {0};
    saint_trace *t = (saint_trace *)&e;
    saint_forecast f;
    saint_status st = saint_session_run(s, q, NULL, &t, &e);
    if (st != SAINT_INVALID || !strstr(e.text, part)) fail_msg("expected a refusal with \"%s\", found %d \"%s\"", part, st, e.text);
    assert_null(t);
    assert_int_equal(saint_session_forecast(s, q, &f, &also), SAINT_INVALID);
    assert_string_equal(e.text, also.text);
}

static void wrong_requests_are_refused_in_one_line(void **state)
{
    (void)state;
    saint_session *s = open_session(engine, llava, 1 << 26), *vit = open_session(engine, timm, 0), *text = open_session(engine, llama, 0);
    saint_request good = plain_request(llava, 1), q;
    int32_t ids[] = {1, 20, 30, 40};
    saint_image hollow = {.w = 4, .h = 4};
#define WRONG(session, base, change, part) q = base; change; expect_refusal(session, &q, part)
    WRONG(s, good, q.images = NULL, "without pictures");
    WRONG(s, good, q.n_images = -1, "-1 pictures");
    WRONG(s, good, q.n_images = 1 << 30, "at most");
    WRONG(s, good, q.images = &hollow, "is empty");
    WRONG(s, good, q.prompt = NULL, "needs a prompt");
    WRONG(s, good, q.max_new_tokens = -1, "max_new_tokens -1");
    WRONG(s, good, q.max_new_tokens = 1 << 30, "max_new_tokens");
    WRONG(s, good, (q.ids = ids, q.n_prefix = -1, q.n_suffix = 2), "-1 and 2");
    WRONG(s, good, (q.ids = ids, q.n_prefix = 2, q.n_suffix = -5), "2 and -5");
    WRONG(s, good, (q.ids = ids, q.n_prefix = 1 << 30, q.n_suffix = 1 << 30), "expected 0 to");
    WRONG(s, good, (q.ids = (int32_t[]){1, 416}, q.n_prefix = 1, q.n_suffix = 1), "token id 416 at place 1");
    WRONG(s, good, (q.ids = (int32_t[]){-7, 1}, q.n_prefix = 1, q.n_suffix = 1), "token id -7 at place 0");
    WRONG(s, good, (q.n_images = 0, q.ids = ids), "prompt is empty");
    WRONG(s, good, q.prompt = "what is <image>?", "<image>");
    WRONG(s, good, set_param(&q.settings, "prune_mode[3]=random"), "prune_mode[3]");
    WRONG(s, good, set_param(&q.settings, "llm_prune_mode[4]=random"), "llm_prune_mode[4]");
    WRONG(s, good, set_params(&q.settings, "mode=llm", "use_saint=true", NULL), "saint_end=16");
    WRONG(s, good, set_params(&q.settings, "mode=llm", "use_saint=true", "saint_end=200", "saint_start=150", NULL), "saint_end=200");
    WRONG(vit, plain_request(timm, 1), q.n_images = 0, "needs a picture");
    WRONG(text, plain_request(llama, 0), (q.images = picture, q.n_images = 1), "text-only");
#undef WRONG
    saint_trace_unref(run_request(s, &good)); /* and a session is none the worse for it */
    saint_session_close(s);
    saint_session_close(vit);
    saint_session_close(text);
}

/* Whatever the user types for the window: a clean error or an answer, never anything else. */
static void a_wrong_window_never_crashes(void **state)
{
    (void)state;
    static const int starts[] = {-1, 0, 1, 4, 5, 84, 85, 100, 65536}, lengths[] = {-1, 0, 1, 80, 82, 110, 65536};
    static const char *const methods[] = {"saint_drop", "iterative_drop_full_graph", "random", "grid", "fastv"};
    static const char *const ratios[] = {"llm_keep_ratio=0", "llm_keep_ratio=0.5", "llm_keep_ratio=1"};
    saint_session *s = open_session(engine, llava, 1 << 22);
    int refused = 0, total = 0;
    for (size_t a = 0; a < sizeof starts / sizeof *starts; a++)
        for (size_t b = 0; b < sizeof lengths / sizeof *lengths; b++)
            for (size_t m = 0; m < 5; m++) {
                char text[64];
                saint_request q = plain_request(llava, 1);
                saint_trace *t;
                saint_error e = {0};
                snprintf(text, sizeof text, "llm_prune_mode[1-2]=%s", methods[m]);
                set_params(&q.settings, text, ratios[(a + b + m) % 3], "saint_K=0", NULL);
                snprintf(text, sizeof text, "saint_sys_length=%d", starts[a]);
                set_param(&q.settings, text);
                snprintf(text, sizeof text, "saint_image_token_length=%d", lengths[b]);
                set_param(&q.settings, text);
                q.want_stats = m == 0;
                saint_status st = saint_session_run(s, &q, NULL, &t, &e);
                total++;
                refused += st != SAINT_OK;
                if (st != SAINT_OK && (st != SAINT_INVALID || !strstr(e.text, "window"))) fail_msg("%d %d %s: %s", starts[a], lengths[b], methods[m], e.text);
                if (st == SAINT_OK) assert_true(isfinite(t->image[0].logits[0]));
                saint_trace_unref(st == SAINT_OK ? t : NULL);
            }
    assert_true(refused > 0 && refused < total / 8);
    saint_session_close(s);
}

/* Nothing left of the picture is an answer from the text alone. */
static void nothing_of_the_picture_may_be_left(void **state)
{
    (void)state;
    saint_model *const models[] = {llava, timm, clip};
    static const char *const methods[] = {"iterative_drop_full_graph", "random", "grid", "evit", "tome", "saint_drop"};
    for (int k = 0; k < 3; k++) {
        saint_session *s = open_session(engine, models[k], 1 << 24);
        for (int m = 0; m < 6; m++)
            for (int llm = 0; llm < 2; llm++) {
                saint_request q = plain_request(models[k], 2);
                char text[64];
                snprintf(text, sizeof text, "prune_mode[0-1]=%s", methods[m]);
                set_params(&q.settings, text, "keep_num=0", "K=0", "llm_keep_ratio=0", NULL);
                if (llm && models[k] == llava) set_param(&q.settings, "llm_prune_mode[1]=fastv");
                q.want_stats = true;
                saint_trace *t = run_request(s, &q);
                for (int i = 0; i < 2; i++)
                    for (int j = 0; j < t->image[i].n_logits; j++) assert_true(isfinite(t->image[i].logits[j]));
                if (m < 4) assert_int_equal(t->image[0].vit_out, 0);
                saint_trace_unref(t);
            }
        saint_session_close(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_request_after_any_other_equals_a_cold_run),
        cmocka_unit_test(each_picture_of_a_batch_equals_the_picture_alone),
        cmocka_unit_test(the_published_batch_drops_the_mean_of_the_votes),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
        cmocka_unit_test(bf16_is_close_and_indifferent_to_batch_and_cache),
        cmocka_unit_test(keeping_all_equals_the_plain_run),
        cmocka_unit_test(cancelled_at_any_event_a_session_goes_on_from_there),
        cmocka_unit_test(the_flag_stops_a_run_from_another_thread),
        cmocka_unit_test(another_question_runs_its_own_rows_only),
        cmocka_unit_test(forecasts_name_what_broke_the_chain),
        cmocka_unit_test(forecast_costs_are_those_of_the_run),
        cmocka_unit_test(a_small_cache_keeps_what_is_of_use),
        cmocka_unit_test(previews_equal_runs),
        cmocka_unit_test(previews_of_what_is_not_there_are_refused),
        cmocka_unit_test(a_saved_trace_holds_every_list),
        cmocka_unit_test(wrong_requests_are_refused_in_one_line),
        cmocka_unit_test(a_wrong_window_never_crashes),
        cmocka_unit_test(nothing_of_the_picture_may_be_left),
    };
    assert_ok(saint_engine_open(&engine, &(saint_engine_options){.n_threads = 2}, err));
    llava = load_tiny("llava-tiny-new");
    timm = load_tiny("timm-vit-tiny");
    clip = load_tiny("clip-vit-tiny");
    llama = load_tiny("llama-tiny");
    draw_pictures();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free_pictures();
    saint_model_unref(llava);
    saint_model_unref(timm);
    saint_model_unref(clip);
    saint_model_unref(llama);
    saint_engine_close(engine);
    return failed;
}
