/* Whole runs whose prune sites the device decides by itself: the oracle's lists, the CPU's traces, who decides when somebody looks, and how often
 * the host waits. */
#include "support/requests.h"

#include "support/oracle.h"

#ifdef SAINT_EMULATED
#include "gpu/fake_runtime.h"
#endif

static saint_engine *engine;

static saint_session *cuda_session(saint_model *m, size_t budget)
{
    saint_session *s;
    assert_ok(saint_session_open(&s, engine, m, &(saint_session_options){.dtype = SAINT_F32, .checkpoint_bytes = budget, .backend = "cuda"}, err));
    return s;
}

static saint_trace *run(saint_session *s, const saint_request *q)
{
    saint_trace *t;
    assert_ok(saint_session_run(s, q, NULL, &t, err));
    return t;
}

static void lists_and_answers_are_the_oracles(void **state)
{
    (void)state;
    oracle_cases(engine, &(oracle_options){.session = {.dtype = SAINT_F32, .backend = "cuda"}, .label = "device", .limit = 1e-5, .exact = true, .unseen = true});
}

/* ---- against the CPU ---- */

typedef struct {
    int requests, sites, on_device, compared, close, votes, votes_equal;
} tally;

static bool close_call(const saint_trace *t)
{
    for (int i = 0; i < t->n_images; i++)
        for (int k = 0; k < t->image[i].history.n_sites; k++)
            if (!(t->image[i].history.site[k]->margin > 1e-4f)) return true;
    return false;
}

static bool same_lists(const saint_trace *a, const saint_trace *b)
{
    for (int i = 0; i < a->n_images; i++)
        for (int k = 0; k < a->image[i].history.n_sites; k++) {
            const saint_trace_site *x = a->image[i].history.site[k], *y = b->image[i].history.site[k];
            if (x->n_keep != y->n_keep || memcmp(x->kept, y->kept, (size_t)x->n_keep * sizeof *x->kept) != 0) return false;
        }
    return true;
}

static void same_record(const saint_trace *a, const saint_trace *b)
{
    assert_int_equal(a->notes.n, b->notes.n);
    for (int i = 0; i < a->notes.n; i++) assert_string_equal(a->notes.text[i], b->notes.text[i]);
    for (int i = 0; i < a->n_images; i++) {
        const saint_history *x = &a->image[i].history, *y = &b->image[i].history;
        assert_int_equal(x->n_layers, y->n_layers);
        for (int k = 0; k < x->n_layers; k++) assert_same_layer(&x->layer[k], &y->layer[k]);
        for (int k = 0; k < x->n_sites; k++) {
            const saint_trace_site *p = x->site[k], *q = y->site[k];
            assert_int_equal(p->stage, q->stage);
            assert_int_equal(p->layer, q->layer);
            assert_ptr_equal(p->method, q->method);
            assert_int_equal(p->n_in, q->n_in);
            assert_int_equal(p->image_in, q->image_in);
            assert_int_equal(p->text_dropped, q->text_dropped);
            assert_int_equal(p->n_rounds, q->n_rounds);
            assert_int_equal(p->n_merge, q->n_merge);
            assert_same_bits(p->in, q->in, p->n_in, "candidates");
            for (int j = 0; j < p->n_in; j++) {
                assert_int_equal(isnan(p->score[j]), isnan(q->score[j]));
                if (!isnan(p->score[j]) && !(fabsf(p->score[j] - q->score[j]) <= 1e-3f * fmaxf(1, fabsf(q->score[j]))))
                    fail_msg("%s: score %g and %g", p->method->name, (double)p->score[j], (double)q->score[j]);
            }
        }
        assert_true(a->image[i].equivalent == b->image[i].equivalent);
        assert_int_equal(a->image[i].kv_bytes, b->image[i].kv_bytes);
        double diff = 0, norm = 0;
        for (int j = 0; j < a->image[i].n_logits; j++) {
            diff += pow((double)a->image[i].logits[j] - (double)b->image[i].logits[j], 2);
            norm += pow((double)b->image[i].logits[j], 2);
        }
        if (!(sqrt(diff) <= 1e-4 * sqrt(norm))) fail_msg("logits differ by %.3g of %.3g", sqrt(diff), sqrt(norm));
    }
}

/* A vote counts how many cosines reach a threshold, and that has a margin of its own that nobody records. */
static bool votes(const saint_trace *t)
{
    for (int k = 0; k < t->image[0].history.n_sites; k++)
        if (!t->image[0].history.site[k]->method->fixed_budget) return true;
    return false;
}

static void compare_run(const saint_trace *a, const saint_trace *b, tally *t)
{
    t->requests++;
    for (int i = 0; i < a->n_images; i++) {
        assert_int_equal(a->image[i].history.n_sites, b->image[i].history.n_sites);
        for (int k = 0; k < a->image[i].history.n_sites; k++) {
            t->sites++;
            t->on_device += a->image[i].history.site[k]->on_device;
            assert_false(b->image[i].history.site[k]->on_device);
        }
    }
    bool same = same_lists(a, b);
    if (close_call(b)) t->close++;
    else if (votes(b)) t->votes++, t->votes_equal += same;
    else if (!same) fail_msg("request %d: other survivors than the CPU's", t->requests);
    if (same) {
        same_record(a, b);
        t->compared++;
    }
}

/* budget: of the device's checkpoints, from which it then goes on. */
static void walk(const char *folder, uint64_t seed, int steps, size_t budget)
{
    saint_model *m = load_tiny(folder);
    saint_session *device = cuda_session(m, budget), *cpu = open_session(engine, m, 0);
    int reused = 0;
    random_step x = first_step(m);
    tally t = {0};
    for (int i = 0; i < steps; i++) {
        saint_trace *a = NULL, *b = NULL;
        saint_error ea = {0}, eb = {0};
        x.q.want_stats = false;
        saint_status sa = saint_session_run(device, &x.q, NULL, &a, &ea), sb = saint_session_run(cpu, &x.q, NULL, &b, &eb);
        if (sa != sb || strcmp(ea.text, eb.text) != 0) fail_msg("step %d: %d \"%s\", CPU %d \"%s\"", i, sa, ea.text, sb, eb.text);
        if (sa == SAINT_OK) compare_run(a, b, &t);
        if (sa == SAINT_OK) reused += a->layers_reused;
        saint_trace_unref(a);
        saint_trace_unref(b);
        for (int k = 0; k < 2; k++) next_step(&seed, &x);
    }
    printf("  %-16s %d requests, %d layers reused, %d sites, %d decided on the device; %d equal to the CPU, %d close calls, of %d with votes %d equal\n", folder,
           t.requests, reused, t.sites, t.on_device, t.compared, t.close, t.votes, t.votes_equal);
    assert_int_equal(reused > 0, budget > 0);
    assert_int_equal(t.on_device, t.sites);
    assert_true(t.sites > steps && t.compared * 2 > t.requests && t.votes_equal * 10 >= t.votes * 9);
    saint_session_close(device);
    saint_session_close(cpu);
    saint_model_unref(m);
}

static void random_requests_are_the_cpus(void **state)
{
    (void)state;
#ifdef SAINT_EMULATED
    const int steps = 14;
#else
    const int steps = 100;
#endif
    walk("llava-tiny-new", 21, steps, 0);
    walk("clip-vit-tiny", 22, steps, 0);
    walk("deit-distilled-ls-tiny", 23, steps, 0);
    walk("mae-vit-tiny", 24, steps, 0);
    walk("llava-tiny-new", 25, steps, 1 << 26);
    walk("deit-distilled-ls-tiny", 26, steps, 1 << 26);
}

/* ---- who decides ---- */

static void ignore(void *ud, const char *name, const float *data, int64_t rows, int64_t cols)
{
    (void)ud, (void)name, (void)data, (void)rows, (void)cols;
}

/* mode: h = host, d = device, for each site in turn. */
static void decided_by(const saint_trace *t, const char *who)
{
    const saint_history *h = &t->image[0].history;
    assert_int_equal(h->n_sites, strlen(who));
    for (int i = 0; who[i]; i++) assert_int_equal(h->site[i]->on_device, who[i] == 'd');
}

static void same_sizes(const saint_trace *a, const saint_trace *b)
{
    const saint_history *x = &a->image[0].history, *y = &b->image[0].history;
    assert_int_equal(x->n_layers, y->n_layers);
    for (int i = 0; i < x->n_layers; i++) {
        assert_int_equal(x->layer[i].n_in, y->layer[i].n_in);
        assert_int_equal(x->layer[i].n_out, y->layer[i].n_out);
        assert_int_equal(x->layer[i].image_in, y->layer[i].image_in);
    }
}

static void the_host_decides_where_it_has_to(void **state)
{
    (void)state;
    saint_model *m = load_tiny("llava-tiny-new");
    saint_session *s = cuda_session(m, 0), *keeps = cuda_session(m, 1 << 26), *cpu = open_session(engine, m, 0);
    random_step x = first_step(m);
    set_params(&x.q.settings, "prune_mode[0]=random", "keep_num[0]=60", "prune_mode[1]=iterative_drop_full_graph", "keep_num[1]=50", "use_saint=true", "saint_start=0",
               "saint_end=1", NULL);
    saint_trace *plain = run(s, &x.q), *t;
    decided_by(plain, "dddd");
    assert_true(plain->seconds.selection > 0);
    for (int i = 0; i < 8; i++) { /* with checkpoints and from them, with and without statistics, as if there were none */
        x.q.want_stats = i & 1;
        x.q.cold = i >= 4 && i < 6;
        t = run(i < 6 ? keeps : s, &x.q);
        decided_by(t, "dddd");
        assert_true(same_lists(t, plain));
        same_sizes(t, plain);
        assert_int_equal(t->image[0].history.layer[0].has_stats, x.q.want_stats);
        assert_int_equal(t->layers_reused > 0, i >= 1 && i < 4);
        if (i < 4 || x.q.want_stats) assert_true(t->image[0].history.layer[0].seconds > 0);
        saint_trace_unref(t);
    }
    x.q.want_stats = x.q.cold = false;
    saint_site site = {.stage = SAINT_STAGE_LLM, .layer = 1, .method = saint_method_index(saint_method_find("saint_drop")), .p = {.sim_threshold = 0.9f, .K = 1}};
    saint_trace_site *a, *b;
    saint_session *cpu_keeps = open_session(engine, m, 1 << 26);
    saint_trace_unref(run(cpu_keeps, &x.q));
    assert_ok(saint_session_preview(keeps, 0, &site, 0, &a, err)); /* the host looks at what lies there */
    assert_ok(saint_session_preview(cpu_keeps, 0, &site, 0, &b, err));
    assert_int_equal(a->n_in, b->n_in);
    assert_same_bits(a->in, b->in, a->n_in, "candidates of a preview");
    if (b->margin > 1e-4f) assert_same_bits(a->kept, b->kept, b->n_keep, "survivors of a preview");
    saint_trace_site_unref(a);
    saint_trace_site_unref(b);
    saint_session_close(cpu_keeps);
    saint_observer ob = {.tap = ignore}; /* for debugging: he is shown every layer when it is done, and the host decides */
    assert_ok(saint_session_run(s, &x.q, &ob, &t, err));
    decided_by(t, "hhhh");
    saint_trace_unref(t);
    saint_trace_unref(plain);

    /* a list made by hand between sites of the device: what it decided is told first, and the device goes on from what the host made of it */
    set_params(&x.q.settings, "hand=vit:1:0-40", "prune_mode[2]=grid", "keep_num[2]=20", NULL);
    saint_trace *want = run(cpu, &x.q);
    t = run(s, &x.q);
    assert_int_equal(want->image[0].history.site[1]->method == saint_method_at(SAINT_METHOD_HAND), 1);
    if (t->image[0].history.n_sites == 5) decided_by(t, "dhddd");
    else decided_by(t, "dhdd"); /* the features are those of a layer before */
    assert_true(same_lists(t, want));
    same_record(t, want);
    saint_trace_unref(t);
    saint_trace_unref(want);
    set_params(&x.q.settings, "hand=llm:1:0-9", NULL);
    want = run(cpu, &x.q);
    t = run(s, &x.q);
    assert_true(same_lists(t, want));
    same_record(t, want);
    saint_trace_unref(t);
    saint_trace_unref(want);
    saint_session_close(s);
    saint_session_close(keeps);
    saint_session_close(cpu);
    saint_model_unref(m);
}

/* A metric that is not finite: the error of the CPU, although the device goes on until it is asked. */
static void numbers_that_are_none_are_told(void **state)
{
    (void)state;
    saint_model *m = load_tiny("timm-vit-tiny");
    saint_session *s = cuda_session(m, 0), *cpu = open_session(engine, m, 0);
    int side = saint_model_preproc(m)->side;
    size_t n = 3 * (size_t)side * (size_t)side;
    float *pixels = malloc(n * sizeof *pixels);
    for (size_t i = 0; i < n; i++) pixels[i] = i == n / 2 ? NAN : 0.1f;
    random_step x = first_step(m);
    x.q.images = NULL;
    x.q.pixels = pixels;
    static const char *const modes[] = {"saint_drop", "iterative_drop_full_graph", "tome", "evit"};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        saint_trace *t = NULL;
        saint_error a = {0}, b = {0};
        char text[64];
        snprintf(text, sizeof text, "prune_mode[0]=%s", modes[i]);
        set_param(&x.q.settings, text);
        set_param(&x.q.settings, "keep_num[0]=30");
        assert_int_equal(saint_session_run(cpu, &x.q, NULL, &t, &b), SAINT_INVALID);
        assert_int_equal(saint_session_run(s, &x.q, NULL, &t, &a), SAINT_INVALID);
        assert_true(strncmp(a.text, modes[i], strlen(modes[i])) == 0 && strstr(a.text, "must be finite"));
        if (i != 3) assert_string_equal(a.text, b.text); /* evit reads no metric on the device */
    }
    free(pixels);
    saint_session_close(s);
    saint_session_close(cpu);
    saint_model_unref(m);
}

/* ---- recorded ---- */

#ifdef SAINT_EMULATED
enum { EACH = 2 }; /* two of the three models: an emulated device is slow */
#else
enum { EACH = 1 };
#endif

/* Budgets in every block: from the second run of a plan on its ViT is one launch. Plans in turns, other batches and votes between them. */
static void recorded_runs_are_plain_runs(void **state)
{
    (void)state;
    static const char *const folders[] = {"clip-vit-tiny", "mae-vit-tiny", "llava-tiny-new"};
    static const char *const plans[][7] = {
        {"mode=none"},
        {"mode=vit", "prune_mode[0]=iterative_drop_full_graph", "keep_num[0]=44"},
        {"mode=vit", "prune_mode[0]=tome", "keep_num[0]=50", "prune_mode[1]=evit", "keep_num[1]=30"},
        {"mode=vit", "prune_mode[0]=random", "keep_num[0]=44", "prune_mode[1]=tome", "keep_num[1]=31"},
        {"mode=vit", "prune_mode[0-1]=saint_drop", "sim_threshold[0-1]=0.8"}, /* votes are waited for: never recorded */
    };
    for (int f = 0; f < 3; f += EACH) {
        saint_model *m = load_tiny(folders[f]);
        saint_session *s = cuda_session(m, 0), *plain;
        assert_ok(saint_session_open(&plain, engine, m, &(saint_session_options){.backend = "cuda", .plain = true}, err));
        uint64_t rng = 31;
        int runs[5][2] = {{0}}, replayed = 0;
#ifndef SAINT_EMULATED
        const int steps = 120;
#else
        const int steps = 24;
#endif
        for (int i = 0; i < steps; i++) {
            int k = pick(&rng, 5), batch = i > steps / 2 ? 2 : 1;
            random_step x = first_step(m);
            for (int j = 0; j < 7 && plans[k][j]; j++) set_param(&x.q.settings, plans[k][j]);
            x.q.n_images = batch;
            x.q.images = &picture[pick(&rng, 2)];
#ifdef SAINT_EMULATED
            long before = fake_replays();
#endif
            x.q.max_new_tokens = 0;
            saint_trace *t = run(s, &x.q);
#ifdef SAINT_EMULATED
            assert_int_equal(fake_replays() - before, k < 4 && runs[k][batch - 1] > 0);
            replayed += (int)(fake_replays() - before);
#endif
            runs[k][batch - 1]++;
            saint_trace *want = run(plain, &x.q);
            assert_true(same_lists(t, want));
            same_record(t, want);
            for (int j = 0; j < batch; j++) {
                const saint_history *h = &t->image[j].history, *g = &want->image[j].history;
                assert_int_equal(h->n_sites, g->n_sites);
                for (int l = 0; l < h->n_sites; l++) {
                    assert_same_site(h->site[l], g->site[l]);
                    assert_true(h->site[l]->on_device && h->site[l]->seconds > 0);
                }
                assert_same_bits(t->image[j].logits, want->image[j].logits, t->image[j].n_logits, "logits of a recorded run");
            }
            saint_trace_unref(t);
            saint_trace_unref(want);
        }
        printf("  %-16s %d runs, %d of them replayed\n", folders[f], steps, replayed);
        saint_session_close(s);
        saint_session_close(plain);
        saint_model_unref(m);
    }
}

/* ---- waits ---- */

#ifdef SAINT_EMULATED
static long waits_of(saint_session *s, const saint_request *q)
{
    saint_trace_unref(run(s, q)); /* brings weights and grows what grows */
    long before = fake_stream_waits() + fake_event_waits();
    saint_trace_unref(run(s, q));
    return fake_stream_waits() + fake_event_waits() - before;
}

static void the_host_waits_for_votes_and_for_nothing_else(void **state)
{
    (void)state;
    static const char *const folders[] = {"clip-vit-tiny", "timm-vit-tiny", "llava-tiny-new"};
    static const char *const fixed[] = {"random", "grid", "iterative_drop_full_graph", "tome", "evit"};
    for (int f = 0; f < 3; f++) {
        saint_model *m = load_tiny(folders[f]);
        saint_session *s;
        assert_ok(saint_session_open(&s, engine, m, &(saint_session_options){.backend = "cuda", .plain = true}, err)); /* recording waits, once */
        random_step x = first_step(m);
        bool llm = x.m->llm_layers > 0;
        x.q.max_new_tokens = 0;
        x.q.n_images = llm ? 1 : 3;
        long none = waits_of(s, &x.q), sites = 0;
        for (int i = 0; i < 5; i++) { /* one site, then two, then three */
            char text[64];
            snprintf(text, sizeof text, "prune_mode[%d]=%s", i % 3, fixed[i]);
            if (i % 3 >= x.m->vit_layers) continue;
            set_param(&x.q.settings, text);
            snprintf(text, sizeof text, "keep_num[%d]=%d", i % 3, 40 - 5 * i);
            set_param(&x.q.settings, text);
            assert_int_equal(waits_of(s, &x.q), none); /* the records come with the wait at the end that was there before */
        }
        if (llm) { /* the LLM's records come by themselves */
            set_params(&x.q.settings, "use_saint=true", "saint_start=0", "saint_end=2", "llm_prune_mode[0]=random", "llm_keep_num[0]=20",
                       "llm_prune_mode[1]=iterative_drop_full_graph", "llm_keep_num[1]=12", "llm_prune_mode[2]=fastv", "llm_keep_num[2]=8", NULL);
            assert_int_equal(waits_of(s, &x.q), none + 1);
            set_params(&x.q.settings, "llm_prune_mode[0-2]=saint_drop", NULL);
            assert_int_equal(waits_of(s, &x.q), none + 1 + 3);
        }
        for (int i = 0; i < 2; i++, sites++) {
            char text[64];
            snprintf(text, sizeof text, "prune_mode[%d]=saint_drop", i);
            set_param(&x.q.settings, text);
            snprintf(text, sizeof text, "sim_threshold[%d]=0.8", i);
            set_param(&x.q.settings, text);
            assert_int_equal(waits_of(s, &x.q), none + sites + 1 + (llm ? 1 + 3 : 0));
        }
        printf("  %-16s %ld waits without sites; no more with any number of fixed budgets%s, one for each site of votes\n", folders[f], none,
               llm ? " (one for the LLM's records)" : "");
        saint_session_close(s);
        saint_model_unref(m);
    }
}

/* Any call of the runtime may fail in a run with sites: an error and no leak. */
static void failing_calls_leave_nothing_behind(void **state)
{
    (void)state;
    saint_model *m = load_tiny("llava-tiny-new");
    random_step x = first_step(m);
    x.q.max_new_tokens = 2;
    set_params(&x.q.settings, "prune_mode[0]=saint_drop", "sim_threshold[0]=0.8", "prune_mode[1]=iterative_drop_full_graph", "keep_num[1]=40", "use_saint=true",
               "saint_start=0", "saint_end=1", "llm_prune_mode[1]=random", "llm_keep_num[1]=20", NULL);
    int objects = fake_objects(), failed = 0;
    size_t used = fake_device_used();
    for (long at = 1; at < 100000; at += 7 + at / 9) {
        saint_session *s;
        saint_trace *t = NULL;
        saint_error e = {0};
        assert_ok(saint_session_open(&s, engine, m, &(saint_session_options){.backend = "cuda"}, err));
        fake_fail_call(at, 2); /* cudaErrorMemoryAllocation */
        saint_status st = saint_session_run(s, &x.q, NULL, &t, &e);
        bool through = fake_failed_call()[0] == 0;
        fake_fail_call(0, 0);
        if (st != SAINT_OK) assert_true(e.text[0] != 0 && t == NULL);
        failed += st != SAINT_OK;
        saint_trace_unref(t);
        saint_trace_unref(run(s, &x.q)); /* and the session goes on */
        saint_session_close(s);
        assert_int_equal(fake_objects(), objects);
        assert_int_equal(fake_device_used(), used);
        if (through) break;
    }
    printf("  %d runs failed at a call of the runtime\n", failed);
    assert_true(failed > 10);
    saint_model_unref(m);
}
#endif

int main(int argc, char **argv)
{
    char why[160];
    if (saint_engine_devices(NULL, 0, why, sizeof why) == 0) {
        printf("SKIPPED: %s\n", why);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_and_answers_are_the_oracles),
        cmocka_unit_test(random_requests_are_the_cpus),
        cmocka_unit_test(the_host_decides_where_it_has_to),
        cmocka_unit_test(numbers_that_are_none_are_told),
        cmocka_unit_test(recorded_runs_are_plain_runs),
#ifdef SAINT_EMULATED
        cmocka_unit_test(the_host_waits_for_votes_and_for_nothing_else),
        cmocka_unit_test(failing_calls_leave_nothing_behind),
#endif
    };
    assert_ok(saint_engine_open(&engine, &(saint_engine_options){.n_threads = 2}, err));
    draw_pictures();
    if (argc > 1) cmocka_set_test_filter(argv[1]); /* for tools that are too slow for all of it */
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free_pictures();
    saint_engine_close(engine);
    return failed;
}
