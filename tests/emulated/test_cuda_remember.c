/* Sessions with checkpoints on the device: it selects there all the same, works ahead of the host, and what it leaves behind is what a run that
 * remembers nothing computes. emulated/reuse, emulated/hand and emulated/job are the CPU's tests of such sessions, run on the device. */
#include "support/tiny.h"

#include "gpu/fake_runtime.h"
#include "run/internal.h"

static saint_session *device(saint_model *m, size_t budget, bool plain)
{
    saint_session *s;
    assert_ok(saint_session_open(&s, engine, m, &(saint_session_options){.backend = "cuda", .checkpoint_bytes = budget, .plain = plain}, err));
    return s;
}

static long waits(void) { return fake_stream_waits() + fake_event_waits(); }

static void all_on_device(const saint_trace *t)
{
    for (int i = 0; i < t->n_images; i++)
        for (int k = 0; k < t->image[i].history.n_sites; k++) {
            const saint_trace_site *site = t->image[i].history.site[k];
            assert_int_equal(site->on_device, site->method != saint_method_at(SAINT_METHOD_HAND));
        }
}

/* ---- waits ---- */

/* Of a run of a picture that nobody has seen; sites: how many it has, votes: how many of them vote. */
static void waited(saint_session *s, saint_request *q, const char *what, long expected)
{
    static float shade = 0;
    int side = s->m->vit.side;
    size_t n = 3 * (size_t)side * (size_t)side * (size_t)q->n_images;
    float *pixels = malloc(n * sizeof *pixels);
    for (int turn = 0; turn < 2; turn++) { /* the first one brings weights and grows what grows */
        shade += 0.01f;
        for (size_t i = 0; i < n; i++) pixels[i] = 0.1f * (float)(i % 17) - shade;
        q->pixels = pixels;
        q->images = NULL;
        long before = waits();
        saint_trace *t = run_request(s, q);
        if (turn && waits() - before != expected) fail_msg("%s: %ld waits, expected %ld", what, waits() - before, expected);
        assert_int_equal(t->layers_reused, 0);
        all_on_device(t);
        for (int k = 0; k < t->image[0].history.n_layers; k++) {
            const saint_trace_layer *y = &t->image[0].history.layer[k];
            assert_int_equal(y->has_stats, q->want_stats);
            if (q->want_stats || saint_cache_budget(s->cache)) assert_true(y->seconds > 0); /* by the device's own clock */
        }
        saint_trace_unref(t);
    }
    q->pixels = NULL;
    free(pixels);
}

static void checkpoints_and_statistics_are_not_waited_for(void **state)
{
    (void)state;
    saint_model *const models[] = {clip, timm, llava};
    static const char *const fixed[] = {"prune_mode[0]=iterative_drop_full_graph", "keep_num[0]=40", "prune_mode[1]=tome", "keep_num[1]=30"};
    static const char *const llm_fixed[] = {"llm_prune_mode[0]=random", "llm_keep_num[0]=20", "llm_prune_mode[1]=iterative_drop_full_graph", "llm_keep_num[1]=12",
                                            "llm_prune_mode[2]=fastv", "llm_keep_num[2]=8"};
    for (int m = 0; m < 3; m++)
        for (int mode = 0; mode < 4; mode++) {
            bool vlm = models[m] == llava, stats = mode & 1;
            saint_session *s = device(models[m], mode & 2 ? 1 << 26 : 0, true);
            saint_request q = plain_request(models[m], vlm ? 1 : 3);
            q.want_stats = stats;
            q.max_new_tokens = 0;
            /* the end of the ViT; logits; the projector, and the LLM's logits and, where there is something to tell, its records */
            long none = models[m] == clip ? 1 : models[m] == timm ? 2 : 3 + stats, told = vlm && !stats;
            waited(s, &q, "no sites", none);
            for (int i = 0; i < 4; i++) set_param(&q.settings, fixed[i]);
            waited(s, &q, "budgets in the ViT", none);
            for (int i = 0; i < 6 && vlm; i++) set_param(&q.settings, llm_fixed[i]);
            waited(s, &q, "budgets everywhere", none + told);
            set_params(&q.settings, "prune_mode[0]=saint_drop", "sim_threshold[0]=0.8", NULL);
            waited(s, &q, "one vote", none + told + 1);
            set_params(&q.settings, "prune_mode[1]=saint_drop", "sim_threshold[1]=0.8", NULL);
            waited(s, &q, "two votes", none + told + 2);
            if (vlm) {
                set_params(&q.settings, "llm_prune_mode[0-2]=saint_drop", NULL);
                waited(s, &q, "five votes", none + told + 5);
            }
            saint_session_close(s);
        }
}

/* From a checkpoint on as from the picture. */
static void resumed_runs_wait_no_more(void **state)
{
    (void)state;
    saint_session *s = device(llava, 1 << 26, true);
    saint_request q = plain_request(llava, 1);
    q.max_new_tokens = 0;
    set_params(&q.settings, "prune_mode[0]=random", "keep_num[0]=60", "prune_mode[1]=iterative_drop_full_graph", "keep_num[1]=40", "llm_prune_mode[1]=random",
               "llm_keep_num[1]=20", NULL);
    saint_trace_unref(run_request(s, &q));
    const struct {
        const char *set, *prompt;
        long waits; /* end of the ViT, projector, logits, records */
        int from;
    } steps[] = {{"keep_num[1]=35", NULL, 4, 1}, {"llm_keep_num[1]=18", NULL, 2, 1}, {"llm_prune_mode[1]=iterative_drop_full_graph", NULL, 2, 1},
                 {"llm_prune_mode[1]=saint_drop", NULL, 3, 1}, {"llm_prune_mode[2]=fastv", questions[1], 2, -1}, {"llm_keep_ratio[2]=0.5", NULL, 2, -1}};
    for (int twice = 0; twice < 2; twice++)
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            set_param(&q.settings, steps[i].set);
            if (steps[i].prompt) q.prompt = steps[i].prompt;
            long before = waits();
            saint_trace *t = run_request(s, &q);
            long n = waits() - before;
            all_on_device(t);
            if (!twice && (n != steps[i].waits || t->from_layer != steps[i].from))
                fail_msg("%s: %ld waits, expected %ld; from layer %d", steps[i].set, n, steps[i].waits, t->from_layer);
            saint_trace_unref(t);
        }
    saint_session_close(s);
}

/* ---- equality ---- */

static void ignore(void *ud, const char *name, const float *data, int64_t rows, int64_t cols)
{
    (void)ud, (void)name, (void)data, (void)rows, (void)cols;
}

/* Somebody who taps sees the host decide; what he leaves in the cache the device goes on from, and the other way round. Lists made by hand between
 * sites of the device. */
static void taps_and_hands_between(void **state)
{
    (void)state;
    saint_model *const models[] = {llava, timm};
    static const char *const hands[] = {"hand=vit:1:0-40", "hand=vit:0:3,7-60", "hand=off", "hand=off"};
    int tapped = 0, reused = 0;
    for (int m = 0; m < 2; m++) {
        saint_session *s = device(models[m], 1 << 26, false), *cold = open_session_on("cpu", engine, models[m], 0);
        random_step x = first_step(models[m]);
        uint64_t rng = 5 + (uint64_t)m;
        saint_observer ob = {.tap = ignore};
        for (int i = 0; i < 50; i++, next_step(&rng, &x)) {
            saint_trace *a = NULL, *b = NULL;
            saint_error ea = {0}, eb = {0};
            bool tap = pick(&rng, 3) == 0;
            if (pick(&rng, 4) == 0) set_param(&x.q.settings, hands[pick(&rng, 4)]);
            saint_status sa = saint_session_run(s, &x.q, tap ? &ob : NULL, &a, &ea), sb = saint_session_run(cold, &x.q, NULL, &b, &eb);
            if (sa != sb || strcmp(ea.text, eb.text) != 0) fail_msg("step %d: %d \"%s\", CPU %d \"%s\"", i, sa, ea.text, sb, eb.text);
            tapped += tap;
            for (int k = 0; a && k < a->n_images; k++) {
                assert_int_equal(a->image[k].history.n_sites, b->image[k].history.n_sites);
                for (int j = 0; j < a->image[k].history.n_sites; j++) {
                    const saint_trace_site *p = a->image[k].history.site[j], *q = b->image[k].history.site[j];
                    assert_int_equal(p->n_keep, q->n_keep);
                    assert_same_bits(p->kept, q->kept, p->n_keep, "kept lists of device and CPU");
                }
            }
            if (a) reused += a->layers_reused;
            if (a && i % 4 == 0) { /* the device's own bits */
                x.q.cold = true;
                saint_trace *c = run_request(s, &x.q);
                assert_same_trace(a, c);
                saint_trace_unref(c);
                x.q.cold = false;
            }
            saint_trace_unref(a);
            saint_trace_unref(b);
        }
        saint_session_close(s);
        saint_session_close(cold);
    }
    assert_true(tapped > 10 && reused > 50);
    assert_int_equal(fake_device_used() + (size_t)fake_objects(), 0);
}

/* ---- recorded ---- */

static void same_previews(saint_session *a, saint_session *b, const saint_model_info *m, int image)
{
    saint_site site = {.stage = SAINT_STAGE_VIT, .method = saint_method_index(saint_method_find("saint_drop")), .p = {.sim_threshold = 0.8f, .K = 1}};
    for (int layer = 0; layer < m->vit_layers_run; layer++) {
        saint_trace_site *x = NULL, *y = NULL;
        saint_error e;
        site.layer = layer;
        saint_status st = saint_session_preview(a, image, &site, 0, &x, &e);
        assert_int_equal(saint_session_preview(b, image, &site, 0, &y, &e), st);
        if (st == SAINT_OK) assert_same_site(x, y);
        saint_trace_site_unref(x);
        saint_trace_site_unref(y);
    }
}

/* As a sweep asks: every plan of a picture, then the next picture. What is recorded leaves the checkpoints and statistics of a plain run, begins at
 * checkpoints, and waits no more than a plain one. */
static void recorded_runs_leave_the_same_behind(void **state)
{
    (void)state;
    saint_model *const models[] = {clip, timm, llava};
    static const char *const plans[][5] = {
        {"mode=none"},
        {"prune_mode[0]=tome", "keep_num[0]=60", "prune_mode[2]=random", "keep_num[2]=30"},
        {"prune_mode[0]=tome", "keep_num[0]=60", "prune_mode[2]=evit", "keep_num[2]=30"}, /* begins with merged tokens */
        {"prune_mode[1]=iterative_drop_full_graph", "keep_num[1]=40"},
        {"prune_mode[1]=grid", "keep_num[1]=41"},
        {"prune_mode[1]=saint_drop", "sim_threshold[1]=0.8"}, /* never recorded */
    };
    enum { PLANS = sizeof plans / sizeof *plans, PICTURES = 4 };
    for (int m = 1; m < 3; m++)
        for (int stats = m == 2; stats < 2; stats++) { /* timm's both ways */
            const saint_model_info *info = saint_model_get_info(models[m]);
            saint_session *s = device(models[m], 1 << 26, false), *plain = device(models[m], 1 << 26, true), *none = device(models[m], 0, true);
            long replayed[PLANS] = {0};
            int images = m == 2 ? 1 : 2;
            for (int p = 0; p < PICTURES; p++)
                for (int k = 0; k < PLANS; k++) {
                    saint_request q = plain_request(models[m], images);
                    q.max_new_tokens = 0;
                    q.want_stats = stats;
                    q.images = &picture[p % 3];
                    float *pixels = NULL;
                    if (p >= 3) { /* and pictures that are none */
                        size_t n = 3 * (size_t)s->m->vit.side * (size_t)s->m->vit.side * (size_t)images;
                        pixels = malloc(n * sizeof *pixels);
                        for (size_t i = 0; i < n; i++) pixels[i] = 0.1f * (float)((i * (size_t)(p + 1)) % 23) - 1;
                        q.images = NULL;
                        q.pixels = pixels;
                    }
                    if (k) set_param(&q.settings, "mode=vit");
                    for (int j = 0; j < 5 && plans[k][j]; j++)
                        if (atoi(strchr(plans[k][j], k ? '[' : '=') + 1) < info->vit_layers) set_param(&q.settings, plans[k][j]);
                    for (int i = 0; stats && i < 2; i++) { /* recordings that leave no checkpoints are others */
                        q.cold = true;
                        saint_trace_unref(run_request(s, &q));
                        q.cold = false;
                    }
                    long replays = fake_replays(), before = waits();
                    saint_trace *a = run_request(s, &q);
                    long more = fake_replays() - replays, waited_a = waits() - before;
                    saint_trace *b = run_request(plain, &q), *c = run_request(none, &q);
                    assert_same_trace(a, b);
                    assert_same_trace(a, c);
                    all_on_device(a);
                    assert_int_equal(a->layers_reused, b->layers_reused);
                    assert_int_equal(a->from_layer, b->from_layer);
                    for (int i = 0; i < images; i++) same_previews(s, plain, info, i);
                    for (int j = 0; j < a->image[0].history.n_layers; j++) assert_true(a->image[0].history.layer[j].seconds > 0);
                    bool ran = a->from_stage == SAINT_STAGE_VIT;
                    if (p >= 3 && ran) { /* everything has been recorded */
                        long expected = (info->classes ? 2 : m == 2 ? 3 + stats : 1) + (k == PLANS - 1);
                        assert_int_equal(more, k < PLANS - 1);
                        if (waited_a != expected) fail_msg("%s, plan %d: %ld waits, expected %ld", info->name, k, waited_a, expected);
                    }
                    replayed[k] += more;
                    saint_trace_unref(a);
                    saint_trace_unref(b);
                    saint_trace_unref(c);
                    free(pixels);
                }
            for (int k = 0; k < PLANS - 1; k++)
                if (replayed[k] < 2 && (k != 2 || info->vit_layers_run > 2)) fail_msg("%s: plan %d was replayed %ld times", info->name, k, replayed[k]);
            assert_int_equal(replayed[PLANS - 1], 0);
            assert_true(saint_cache_bytes(s->cache) == saint_cache_bytes(plain->cache));
            saint_session_close(s);
            saint_session_close(plain);
            saint_session_close(none);
        }
    assert_int_equal(fake_device_used() + (size_t)fake_objects(), 0);
}

typedef struct {
    int events, stop_at;
} stopper;

static bool stop_event(void *ud, const saint_event *e)
{
    stopper *x = ud;
    (void)e;
    return x->events++ != x->stop_at;
}

/* What a recording has done is there, also when the host has not followed it to its end. */
static void a_recorded_run_may_be_cancelled(void **state)
{
    (void)state;
    saint_session *none = device(timm, 0, true);
    saint_request q = plain_request(timm, 1);
    set_params(&q.settings, "prune_mode[0]=tome", "keep_num[0]=50", "prune_mode[1]=random", "keep_num[1]=20", NULL);
    q.images = &picture[2];
    saint_trace *want = run_request(none, &q);
    for (int n = 0; n < 8; n++) {
        saint_session *s = device(timm, 1 << 26, false);
        for (int i = 0; i < 2; i++) {
            q.images = &picture[i];
            saint_trace_unref(run_request(s, &q));
        }
        q.images = &picture[2];
        stopper x = {.stop_at = n};
        saint_trace *t = NULL;
        saint_error e = {0};
        long replays = fake_replays();
        saint_status st = saint_session_run(s, &q, &(saint_observer){.event = stop_event, .ud = &x}, &t, &e);
        assert_int_equal(st, x.events > n ? SAINT_CANCELLED : SAINT_OK);
        assert_int_equal(fake_replays() - replays, 1);
        saint_trace_unref(t);
        t = run_request(s, &q);
        assert_same_trace(t, want);
        if (st == SAINT_CANCELLED && n > 1) assert_true(t->layers_reused > 0);
        saint_trace_unref(t);
        saint_session_close(s);
    }
    saint_trace_unref(want);
    saint_session_close(none);
}

/* ---- failures ---- */

/* Runs from nothing and from checkpoints, plain and recorded, with statistics; one of another question; and a look. */
static saint_status some_runs(saint_session *s, const saint_request *first, saint_trace **out, saint_error *e)
{
    saint_request q = *first;
    saint_trace *t = NULL;
    saint_trace_site *shown = NULL;
    *out = NULL;
    saint_status st = saint_session_run(s, &q, NULL, &t, e);
    saint_trace_unref(t);
    t = NULL;
    q.want_stats = true;
    static const int turn[][2] = {{1, 33}, {2, 33}, {1, 34}, {2, 34}}; /* pictures and budgets: one of each pair is recorded */
    for (int i = 0; i < 4 && st == SAINT_OK; i++) {
        set_number(&q.settings, "keep_num", 1, turn[i][1]);
        q.images = &picture[turn[i][0]];
        saint_trace_unref(t);
        t = NULL;
        st = saint_session_run(s, &q, NULL, &t, e);
    }
    saint_trace_unref(t);
    if (st == SAINT_OK) {
        saint_site site = {.stage = SAINT_STAGE_VIT, .layer = 1, .method = saint_method_index(saint_method_find("saint_drop")), .p = {.sim_threshold = 0.8f, .K = 1}};
        saint_status looked = saint_session_preview(s, 0, &site, 0, &shown, e);
        if (looked != SAINT_STATE) st = looked; /* without memory there may be no checkpoint */
        saint_trace_site_unref(shown);
    }
    if (q.prompt) q.prompt = questions[1];
    return st == SAINT_OK ? saint_session_run(s, &q, NULL, out, e) : st;
}

static void failing(saint_model *m, saint_request *q, int error, long stride)
{
    saint_session *s = device(m, 1 << 26, false);
    saint_trace *want = NULL, *t = NULL;
    saint_error e = {0};
    int failed = 0, unheard = 0;
    if (getenv("SAINT_EVERY_CALL")) stride = atol(getenv("SAINT_EVERY_CALL"));
    assert_true(stride > 0);
    fake_fail_call(0, 0);
    long replays = fake_replays();
    assert_ok(some_runs(s, q, &want, err));
    assert_true(fake_replays() - replays >= 2);
    long all = fake_calls();
    saint_session_close(s);
    assert_int_equal(fake_device_used() + (size_t)fake_objects(), 0);
    for (long at = 1; at <= all; at += stride) {
        s = device(m, 1 << 26, false);
        fake_fail_call(at, error);
        saint_status st = some_runs(s, q, &t, &e);
        char name[64];
        snprintf(name, sizeof name, "%s", fake_failed_call());
        fake_fail_call(0, 0);
        failed += st != SAINT_OK;
        if (st == SAINT_OK && name[0]) {
            unheard++;
            if (error != 2 && strcmp(name, "cudaSetDevice") != 0) fail_msg("call %ld, %s: nobody said so", at, name);
        } else if (st != SAINT_OK) {
            assert_null(t);
            if (!strstr(e.text, "CUDA device 0 (")) fail_msg("%s failed: \"%s\"", name, e.text);
        }
        saint_trace_unref(t);
        size_t bytes = saint_cache_bytes(s->cache);
        if (bytes > 1 << 26) fail_msg("%zu bytes in the cache", bytes);
        assert_ok(some_runs(s, q, &t, err)); /* the session goes on, and its checkpoints are right */
        assert_same_trace(t, want);
        saint_trace_unref(t);
        t = NULL;
        saint_session_close(s);
        if (fake_device_used() || fake_objects()) fail_msg("%s failed: %zu bytes and %d objects are left", name, fake_device_used(), fake_objects());
    }
    printf("  %s: %ld calls, every %ldth with error %d: %d runs failed, %d did without\n", saint_model_get_info(m)->name, all, stride, error, failed, unheard);
    assert_true(failed > all / stride / 3);
    saint_trace_unref(want);
}

/* SAINT_EVERY_CALL=N in the environment: every Nth of them; 1 takes an hour. */
static void any_call_may_fail_beside_checkpoints(void **state)
{
    (void)state;
    saint_request q = plain_request(timm, 2);
    set_params(&q.settings, "prune_mode[0]=tome", "keep_num[0]=50", "prune_mode[1]=iterative_drop_full_graph", "keep_num[1]=30", NULL);
    failing(timm, &q, 1, 193);
    failing(timm, &q, 2, 241);
    q = plain_request(llava, 1);
    q.max_new_tokens = 2;
    set_params(&q.settings, "prune_mode[0]=tome", "keep_num[0]=50", "prune_mode[1]=random", "keep_num[1]=40", "llm_prune_mode[0]=saint_drop", "saint_K[0]=1",
               "llm_prune_mode[2]=iterative_drop_full_graph", "llm_keep_num[2]=10", NULL);
    failing(llava, &q, 1, 769);
    failing(llava, &q, 2, 997);
}

/* What the device has no room for: checkpoints go, those that wait for the end of this run included, and no run fails for them. */
static void pending_checkpoints_make_room(void **state)
{
    (void)state;
    saint_request q = busy_request(llava, 2);
    saint_session *s = device(llava, 0, true);
    saint_trace *want = run_request(s, &q);
    fake_device_peak();
    saint_trace_unref(run_request(s, &q));
    size_t need = fake_device_peak();
    saint_session_close(s);
    s = device(llava, 1 << 26, true);
    saint_trace_unref(run_request(s, &q));
    size_t more = fake_device_peak();
    assert_true(more > need);
    saint_session_close(s);
    int fewer = 0, most = 0;
    need += 32 << 10; /* what selection reads of the layer at hand */
    for (size_t room = need; room < more + (64 << 10); room += (more - need) / 12) {
        fake_device_memory((size_t)1 << 32);
        s = device(llava, 1 << 26, true);
        fake_device_memory(room);
        size_t before = fake_device_used();
        saint_trace *t = run_request(s, &q);
        assert_same_trace(t, want);
        saint_trace_unref(t);
        size_t bytes = saint_cache_bytes(s->cache);
        assert_true(bytes <= 1 << 26 && (bytes > 0 || fake_device_used() > before)); /* weights, too */
        saint_error e = {0};
        if (saint_session_run(s, &q, NULL, &t, &e) != SAINT_OK) { /* what it has found it holds; from nothing there is room */
            assert_int_equal(e.code, SAINT_MEMORY);
            q.cold = true;
            t = run_request(s, &q);
            q.cold = false;
        }
        assert_same_trace(t, want);
        int reused = t->layers_reused;
        most = reused > most ? reused : most;
        fewer += reused < most;
        fewer += reused == 0;
        saint_trace_unref(t);
        saint_session_close(s);
        assert_int_equal(fake_device_used(), 0);
    }
    printf("  %zu to %zu KiB: at most %d layers reused, %d times less\n", need >> 10, more >> 10, most, fewer);
    assert_true(most == 8 + 2 && fewer > 0);
    fake_device_memory((size_t)1 << 32);
    saint_trace_unref(want);
}

/* Every session looks at its own device. */
static void several_devices_remember(void **state)
{
    (void)state;
    enum { DEVICES = 3 };
    saint_session *s[DEVICES];
    saint_request q = busy_request(timm, 2);
    saint_site site = {.stage = SAINT_STAGE_VIT, .layer = 1, .method = saint_method_index(saint_method_find("saint_drop")), .p = {.sim_threshold = 0.8f, .K = 1}};
    saint_trace_site *shown[DEVICES];
    fake_device_count(DEVICES);
    for (int i = 0; i < DEVICES; i++)
        assert_ok(saint_session_open(&s[i], engine, timm, &(saint_session_options){.backend = "cuda", .device = i, .checkpoint_bytes = 1 << 26}, err));
    for (int i = 0; i < DEVICES; i++) saint_trace_unref(run_request(s[i], &q));
    for (int i = DEVICES - 1; i >= 0; i--) assert_ok(saint_session_preview(s[i], 1, &site, 0, &shown[i], err));
    for (int i = 0; i < DEVICES; i++) assert_same_site(shown[i], shown[0]);
    for (int i = 0; i < DEVICES; i++) {
        saint_trace_site_unref(shown[i]);
        saint_session_close(s[i]);
    }
    fake_device_count(1);
    assert_int_equal(fake_device_used() + (size_t)fake_objects(), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checkpoints_and_statistics_are_not_waited_for),
        cmocka_unit_test(resumed_runs_wait_no_more),
        cmocka_unit_test(taps_and_hands_between),
        cmocka_unit_test(recorded_runs_leave_the_same_behind),
        cmocka_unit_test(a_recorded_run_may_be_cancelled),
        cmocka_unit_test(any_call_may_fail_beside_checkpoints),
        cmocka_unit_test(pending_checkpoints_make_room),
        cmocka_unit_test(several_devices_remember),
    };
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    return run_tiny_group("tests", tests, sizeof tests / sizeof *tests);
}
