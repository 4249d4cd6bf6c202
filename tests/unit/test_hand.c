/* Tokens chosen by hand: the list is a method like any other, at its own place. Equal lists give equal bits, whatever was cached. */
#include "support/tiny.h"

#include <math.h>

#ifdef SAINT_EMULATED
enum { RESUMED = 24, ROUNDS = 8 }; /* a device made of host memory is slow */
#else
enum { RESUMED = 120, ROUNDS = 60 };
#endif

/* ---- text ---- */

static void lists_are_read_and_written(void **state)
{
    (void)state;
    static const char *const good[] = {"off", "vit:0:0", "vit:19:0-20,35", "llm:7:none", "llm:95:0-2047", "vit:3:1,3,5-6,2047"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        saint_hand h;
        char text[SAINT_HAND_TEXT];
        assert_ok(saint_hand_parse(&h, good[i], err));
        assert_string_equal(saint_hand_text(&h, text, sizeof text), good[i]);
    }
    static const char *const bad[] = {"",         "on",        "vit",       "vit:",       "vit:1",        "vit:1:",      "vit:1:,",     "vit:1:5-",
                                      "vit:1:-5", "vit:1:5-4", "vit:1:4,4", "vit:1:4,3",  "vit:96:1",     "vit:-1:1",    "vit:1:2048",  "vit:1:0-2048",
                                      "vit: 1:1", "vit:1:1 ",  "tit:1:1",   "vit:1:none,1", "vit:1:1,none", "vit:1:9999999999999999999", "VIT:1:1", "vit:1:1,,2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        saint_hand h = {.on = 7};
        saint_error e = {0};
        assert_int_equal(saint_hand_parse(&h, bad[i], &e), SAINT_INVALID);
        assert_non_null(strstr(e.text, "vit:19:0-20,35"));
        assert_int_equal(h.on, 0);
    }
    uint64_t rng = 5;
    for (int round = 0; round < 300; round++) { /* any list comes back as it was */
        saint_hand h = {.on = 1, .stage = pick(&rng, 2), .layer = pick(&rng, SAINT_MAX_LAYERS)}, again;
        int density = 1 + pick(&rng, 9);
        char text[SAINT_HAND_TEXT];
        for (int p = 0; p < SAINT_HAND_MOST; p++) saint_hand_mark(&h, p, pick(&rng, density) == 0);
        assert_ok(saint_hand_parse(&again, saint_hand_text(&h, text, sizeof text), err));
        assert_memory_equal(&h, &again, sizeof h);
    }
    saint_hand all = {.on = 1};
    for (int p = 0; p < SAINT_HAND_MOST; p += 2) saint_hand_mark(&all, p, true); /* the longest text there is */
    char text[SAINT_HAND_TEXT];
    assert_true(strlen(saint_hand_text(&all, text, sizeof text)) < SAINT_HAND_TEXT - 1);
}

static void a_list_switches_its_stage_on(void **state)
{
    (void)state;
    saint_settings s;
    saint_settings_default(&s);
    set_param(&s, "hand=llm:1:0-9");
    assert_int_equal(s.mode, SAINT_MODE_LLM);
    assert_false(s.use_saint); /* this place alone */
    saint_settings_default(&s);
    set_params(&s, "saint_start=0", "hand=llm:1:0-9", NULL);
    assert_true(s.use_saint);
    saint_settings_default(&s);
    set_params(&s, "mode=none", "hand=vit:1:0-9", NULL);
    assert_int_equal(s.mode, SAINT_MODE_NONE);
    saint_plan p;
    saint_notes notes = {0};
    assert_ok(saint_plan_build(&p, &s, saint_model_get_info(llava), &notes, err));
    assert_int_equal(p.n_sites, 0);
    assert_int_equal(p.hand.on, 0);
    assert_int_equal(notes.n, 1);
    assert_non_null(strstr(notes.text[0], "no effect"));
    saint_settings other;
    saint_settings_default(&other);
    set_params(&other, "mode=none", "hand=vit:1:0-9", "hand=off", NULL);
    saint_settings_default(&s);
    set_param(&s, "mode=none");
    assert_memory_equal(&s, &other, sizeof s);
}

static void lists_must_fit_the_model(void **state)
{
    (void)state;
    const saint_model_info *m = saint_model_get_info(llava);
    int last = m->grid_w * m->grid_h - 1;
    char good[64], bad[64];
    snprintf(good, sizeof good, "hand=vit:0:%d", last);
    snprintf(bad, sizeof bad, "hand=vit:0:%d", last + 1);
    const struct {
        const char *set;
        const saint_model *model;
        const char *says;
    } cases[] = {{good, llava, NULL},
                 {bad, llava, "patches 0 to"},
                 {"hand=vit:90:1", llava, "layers 0 to"},
                 {"hand=llm:90:1", llava, "layers 0 to"},
                 {"hand=llm:0:1", timm, "no LLM"},
                 {"hand=vit:0:1", llama, "no ViT"},
                 {"hand=llm:0:1", llama, "no LLM with picture"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        saint_settings s;
        saint_plan p;
        saint_error e = {0};
        saint_settings_default(&s);
        set_param(&s, cases[i].set);
        saint_status st = saint_plan_build(&p, &s, saint_model_get_info(cases[i].model), NULL, &e);
        assert_int_equal(st, cases[i].says ? SAINT_INVALID : SAINT_OK);
        if (cases[i].says && !strstr(e.text, cases[i].says)) fail_msg("%s: %s", cases[i].set, e.text);
    }
    saint_settings s;
    saint_plan p;
    saint_notes notes = {0};
    saint_settings_default(&s);
    snprintf(good, sizeof good, "hand=vit:%d:1", m->vit_layers - 1); /* the last layer is never computed */
    set_param(&s, good);
    assert_true(m->vit_layers_run < m->vit_layers);
    assert_ok(saint_plan_build(&p, &s, m, &notes, err));
    assert_int_equal(p.n_sites, 0);
    assert_int_equal(notes.n, 1);
}

/* ---- runs ---- */

/* The list that a site of a trace kept, as an assignment. */
static void list_of_site(const saint_trace_site *site, saint_hand *h)
{
    memset(h, 0, sizeof *h);
    h->on = 1;
    h->stage = (int32_t)site->stage;
    h->layer = site->layer;
    for (int i = 0; i < site->n_keep; i++) saint_hand_mark(h, site->kept[i], true);
}

/* All that a selection leads to: the survivors and everything behind them; not how it was decided. */
static void assert_same_outcome(const saint_trace *a, const saint_trace *b)
{
    const saint_trace_image *x = &a->image[0], *y = &b->image[0];
    assert_int_equal(x->history.n_sites, y->history.n_sites);
    for (int i = 0; i < x->history.n_sites; i++) {
        const saint_trace_site *s = x->history.site[i], *t = y->history.site[i];
        assert_true(s->stage == t->stage && s->layer == t->layer && s->n_in == t->n_in && s->image_in == t->image_in);
        assert_int_equal(s->n_keep, t->n_keep);
        assert_same_bits(s->in, t->in, s->n_in, "candidates");
        assert_same_bits(s->kept, t->kept, s->n_keep, "survivors");
    }
    assert_int_equal(x->n_logits, y->n_logits);
    assert_same_bits(x->logits, y->logits, x->n_logits, "logits");
    assert_int_equal(x->n_ids, y->n_ids);
    assert_same_bits(x->ids, y->ids, x->n_ids, "answer");
    assert_true(x->kv_bytes == y->kv_bytes && x->equivalent == y->equivalent && x->vit_out == y->vit_out);
}

/* Methods that leave the order alone: by hand it stays, too. */
static const char *const keeps_order[2][3] = {{"iterative_drop_full_graph", "random", "grid"}, {"saint_drop", "fastv", "random"}};

static void a_methods_own_list_gives_its_own_bits(void **state)
{
    (void)state;
    saint_model *const models[] = {llava, timm, clip};
    for (int k = 0; k < 3; k++)
        for (int stage = 0; stage < (models[k] == llava ? 2 : 1); stage++)
            for (int method = 0; method < 3; method++) {
                saint_request q = plain_request(models[k], 1);
                char text[96];
                snprintf(text, sizeof text, "%s[1]=%s", stage ? "llm_prune_mode" : "prune_mode", keeps_order[stage][method]);
                set_params(&q.settings, text, "keep_num=20", "r=3", "llm_keep_ratio=0.6", "saint_threshold=0.6", "saint_K=1", NULL);
                if (models[k] == llava) /* a site before and one behind, so that something depends on it */
                    set_params(&q.settings, stage ? "prune_mode[0]=grid" : "llm_prune_mode[0]=saint_drop", "llm_prune_mode[2]=saint_drop", NULL);
                saint_session *s = open_session(engine, models[k], 1 << 26), *cold = open_session(engine, models[k], 0);
                saint_trace *t = run_request(s, &q);
                const saint_trace_site *site = NULL;
                for (int i = 0; i < t->image[0].history.n_sites; i++)
                    if ((int)t->image[0].history.site[i]->stage == stage && t->image[0].history.site[i]->layer == 1)
                        site = t->image[0].history.site[i];
                assert_non_null(site);
                assert_true(site->n_keep > 0 && site->n_keep < site->image_in);
                saint_request by_hand = q;
                list_of_site(site, &by_hand.settings.hand);
                saint_forecast f;
                assert_ok(saint_session_forecast(s, &by_hand, &f, err));
                saint_trace *h = run_request(s, &by_hand), *h_cold = run_request(cold, &by_hand);
                assert_foreseen(&f, h);
                assert_same_outcome(t, h);
                assert_same_trace(h, h_cold);
                assert_true(h->layers_reused > 0);
                for (int i = 0; i < h->image[0].history.n_sites; i++)
                    if (h->image[0].history.site[i]->layer == 1 && (int)h->image[0].history.site[i]->stage == stage)
                        assert_string_equal(h->image[0].history.site[i]->method->name, "hand");
                assert_int_equal(h->plan.hand.on, 1);
                saint_trace_unref(t);
                saint_trace_unref(h);
                saint_trace_unref(h_cold);
                saint_session_close(s);
                saint_session_close(cold);
            }
}

/* A place that is no site becomes one; every list kept is the identity. */
static void a_list_of_everything_changes_nothing(void **state)
{
    (void)state;
    const saint_model_info *m = saint_model_get_info(llava);
    for (int stage = 0; stage < 2; stage++)
        for (int layer = 0; layer < (stage ? m->llm_layers : m->vit_layers_run); layer++) {
            saint_session *s = open_session(engine, llava, 0);
            saint_request q = plain_request(llava, 2);
            saint_trace *plain = run_request(s, &q);
            char text[64];
            snprintf(text, sizeof text, "hand=%s:%d:0-%d", stage ? "llm" : "vit", layer, m->grid_w * m->grid_h - 1);
            set_param(&q.settings, text);
            saint_trace *t = run_request(s, &q);
            for (int i = 0; i < 2; i++) {
                assert_int_equal(t->image[i].history.n_sites, 1);
                assert_int_equal(t->image[i].history.site[0]->n_keep, m->grid_w * m->grid_h);
                assert_same_bits(t->image[i].logits, plain->image[i].logits, plain->image[i].n_logits, "logits");
            }
            saint_trace_unref(plain);
            saint_trace_unref(t);
            saint_session_close(s);
        }
}

static void random_hand(uint64_t *rng, const saint_model_info *m, saint_hand *h)
{
    memset(h, 0, sizeof *h);
    if (pick(rng, 5) == 0) return;
    int patches = m->grid_w * m->grid_h, density = 1 + pick(rng, 4);
    h->on = 1;
    h->stage = m->llm_layers ? pick(rng, 2) : 0;
    h->layer = pick(rng, h->stage ? m->llm_layers : m->vit_layers_run);
    for (int p = 0; p < patches; p++) saint_hand_mark(h, p, pick(rng, density) == 0 || p < 2);
}

/* Any chain of lists, methods, questions and pictures: what is resumed equals what is run cold, and the forecast knows what will run. */
static void resumed_lists_equal_cold_ones(void **state)
{
    (void)state;
    saint_model *const models[] = {llava, timm};
    uint64_t rng = 77;
    for (int k = 0; k < 2; k++) {
        const saint_model_info *m = saint_model_get_info(models[k]);
        saint_session *warm = open_session(engine, models[k], 1 << 26), *cold = open_session(engine, models[k], 0);
        saint_request q = busy_request(models[k], 1);
        int reused = 0;
        for (int round = 0; round < RESUMED; round++) {
            switch (pick(&rng, 5)) {
            case 0: q.images = &picture[pick(&rng, N_PICTURES)]; break;
            case 1: q.prompt = m->llm_layers ? questions[pick(&rng, 4)] : NULL; break;
            case 2: {
                saint_stage stage = m->llm_layers && pick(&rng, 2) ? SAINT_STAGE_LLM : SAINT_STAGE_VIT;
                random_site(&rng, &q.settings, m, stage, pick(&rng, stage == SAINT_STAGE_LLM ? m->llm_layers : m->vit_layers_run));
                break;
            }
            case 3: /* one token in or out, as with a brush */
                if (q.settings.hand.on) {
                    int p = pick(&rng, m->grid_w * m->grid_h);
                    saint_hand_mark(&q.settings.hand, p, !saint_hand_keeps(&q.settings.hand, p));
                    break;
                } /* fall through */
            default: random_hand(&rng, m, &q.settings.hand);
            }
            q.settings.mode = m->llm_layers ? SAINT_MODE_HYBRID : SAINT_MODE_VIT;
            q.want_stats = pick(&rng, 3) == 0;
            saint_forecast f;
            saint_trace *a = NULL, *b = NULL;
            saint_error e = {0}, other = {0};
            assert_ok(saint_session_forecast(warm, &q, &f, err));
            saint_status x = saint_session_run(warm, &q, NULL, &a, &e), y = saint_session_run(cold, &q, NULL, &b, &other);
            assert_int_equal(x, y);
            if (x != SAINT_OK) fail_msg("%s", e.text);
            assert_foreseen(&f, a);
            assert_same_trace(a, b);
            reused += a->layers_reused;
            saint_trace_unref(a);
            saint_trace_unref(b);
        }
        assert_true(reused > 100 * RESUMED / 120);
        saint_session_close(warm);
        saint_session_close(cold);
    }
}

/* Nothing at all is kept: the LLM answers from the text alone, the classifier from its class token. */
static void a_list_of_nothing_runs(void **state)
{
    (void)state;
    saint_model *const models[] = {llava, llava, timm};
    static const char *const set[] = {"hand=vit:0:none", "hand=llm:1:none", "hand=vit:1:none"};
    for (int k = 0; k < 3; k++) {
        saint_session *s = open_session(engine, models[k], 1 << 26);
        saint_request q = plain_request(models[k], 1);
        set_param(&q.settings, set[k]);
        saint_trace *t = run_request(s, &q), *again = run_request(s, &q);
        assert_int_equal(t->image[0].history.site[0]->n_keep, 0);
        assert_true(t->image[0].n_logits > 0);
        assert_same_trace(t, again);
        saint_trace_unref(t);
        saint_trace_unref(again);
        saint_session_close(s);
    }
}

static void a_wrong_window_hides_tokens_from_the_list(void **state)
{
    (void)state;
    saint_session *s = open_session(engine, llava, 1 << 26);
    saint_request q = plain_request(llava, 1);
    const saint_model_info *m = saint_model_get_info(llava);
    saint_trace *plain = run_request(s, &q);
    char text[64];
    int first = plain->image[0].window_first;
    snprintf(text, sizeof text, "saint_sys_length=%d", first + 1); /* one row too late: the first patch outside, a text row inside */
    set_params(&q.settings, text, "hand=llm:1:none", NULL);
    saint_trace *t = run_request(s, &q);
    const saint_trace_site *site = t->image[0].history.site[0];
    assert_int_equal(site->n_keep, 1);
    assert_int_equal(site->kept[0], 0);
    assert_int_equal(site->text_dropped, 0);
    assert_int_equal(site->n_in, m->grid_w * m->grid_h);
    saint_trace_unref(plain);
    saint_trace_unref(t);
    saint_session_close(s);
}

/* ---- looking without running ---- */

/* Any request, whatever ran last: every place that has run is decided as the run decides it. */
static void looks_equal_runs(void **state)
{
    (void)state;
    saint_model *const models[] = {llava, timm};
    uint64_t rng = 9;
    int looked = 0, missing = 0, borrowed = 0;
    for (int k = 0; k < 2; k++) {
        const saint_model_info *m = saint_model_get_info(models[k]);
        saint_session *s = open_session(engine, models[k], 1 << 26);
        for (int round = 0; round < ROUNDS; round++) {
            int n_images = 1 + pick(&rng, 2);
            saint_request q = busy_request(models[k], n_images), other = busy_request(models[k], 1);
            for (int n = pick(&rng, 3); n > 0; n--) {
                saint_stage stage = m->llm_layers && pick(&rng, 2) ? SAINT_STAGE_LLM : SAINT_STAGE_VIT;
                random_site(&rng, &q.settings, m, stage, pick(&rng, stage == SAINT_STAGE_LLM ? m->llm_layers : m->vit_layers_run));
            }
            if (pick(&rng, 3) == 0) random_hand(&rng, m, &q.settings.hand);
            q.settings.mode = m->llm_layers ? SAINT_MODE_HYBRID : SAINT_MODE_VIT;
            if (m->llm_layers && pick(&rng, 4) == 0) set_param(&q.settings, "saint_image_token_length=85"); /* into the question */
            saint_trace *t;
            saint_error e = {0};
            if (saint_session_run(s, &q, NULL, &t, &e) != SAINT_OK) continue; /* a window over everything */
            other.prompt = m->llm_layers ? questions[pick(&rng, 4)] : NULL;
            random_hand(&rng, m, &other.settings.hand);
            saint_trace_unref(run_request(s, &other)); /* another timeline in between */
            saint_request asked = q; /* and, for the LLM, another question than has run */
            asked.prompt = m->llm_layers ? questions[3] : NULL;
            for (int image = 0; image < n_images; image++)
                for (int i = 0; i < t->image[image].history.n_sites; i++) {
                    const saint_trace_site *site = t->image[image].history.site[i];
                    saint_look *l;
                    saint_trace_site *seen;
                    saint_status st = saint_look_open(&l, s, &q, image, site->stage, site->layer, &e);
                    if (st == SAINT_OK) st = saint_look_decide(l, NULL, &seen, &e);
                    bool reads_text = site->stage == SAINT_STAGE_LLM && (site->method->reads_text || q.settings.saint_image_token_length >= 0);
                    if (st == SAINT_OK) {
                        assert_same_site(seen, site);
                        saint_trace_site_unref(seen);
                        looked++;
                    } else if (!reads_text) fail_msg("%s", e.text); /* rows of a question that ran on another one's checkpoints are not kept */
                    saint_look_close(l);
                    if (saint_look_open(&l, s, &asked, image, site->stage, site->layer, &e) != SAINT_OK) {
                        missing++;
                        continue;
                    }
                    if (saint_look_decide(l, NULL, &seen, &e) == SAINT_OK) {
                        saint_trace *u = NULL;
                        saint_session *cold = open_session(engine, models[k], 0);
                        assert_ok(saint_session_run(cold, &asked, NULL, &u, err));
                        assert_same_site(seen, u->image[image].history.site[i]);
                        saint_trace_site_unref(seen);
                        saint_trace_unref(u);
                        saint_session_close(cold);
                        borrowed++;
                    } else missing++;
                    saint_look_close(l);
                }
            saint_trace_unref(t);
        }
        saint_session_close(s);
    }
    assert_true(looked > 150 * ROUNDS / 60 && missing > 5 * ROUNDS / 60 && borrowed > 50 * ROUNDS / 60);
}

static void a_look_can_ask_what_if(void **state)
{
    (void)state;
    saint_session *s = open_session(engine, llava, 1 << 26);
    saint_request q = busy_request(llava, 1);
    saint_look *l;
    saint_trace_site *a, *b;
    saint_error e;
    assert_int_equal(saint_look_open(&l, s, &q, 0, SAINT_STAGE_VIT, 0, &e), SAINT_STATE);
    assert_null(l);
    saint_trace_unref(run_request(s, &q));
    for (float tau = 0.5f; tau < 1.0f; tau += 0.05f) {
        assert_ok(saint_look_open(&l, s, &q, 0, SAINT_STAGE_VIT, 0, err));
        saint_site site = *saint_look_site(l);
        site.p.sim_threshold = tau;
        assert_ok(saint_look_decide(l, &site, &a, err));
        saint_look_close(l);
        saint_request other = q;
        char text[64];
        snprintf(text, sizeof text, "sim_threshold[0]=%.9g", (double)tau);
        set_param(&other.settings, text);
        saint_trace *t = run_request(s, &other);
        assert_same_site(a, t->image[0].history.site[0]);
        saint_trace_unref(t);
        saint_trace_site_unref(a);
    }
    assert_int_equal(saint_look_open(&l, s, &q, 1, SAINT_STAGE_VIT, 0, &e), SAINT_STATE);
    assert_int_equal(saint_look_open(&l, s, &q, -1, SAINT_STAGE_VIT, 0, &e), SAINT_STATE);
    assert_int_equal(saint_look_open(&l, s, &q, 0, SAINT_STAGE_LLM, 95, &e), SAINT_STATE);
    assert_int_equal(saint_look_open(&l, s, &q, 0, SAINT_STAGE_VIT, -1, &e), SAINT_STATE);
    q.prompt = NULL;
    assert_int_equal(saint_look_open(&l, s, &q, 0, SAINT_STAGE_VIT, 0, &e), SAINT_INVALID);
    q = busy_request(llava, 1);
    assert_ok(saint_look_open(&l, s, &q, 0, SAINT_STAGE_LLM, 3, err)); /* no site of the plan, but a place that has run */
    assert_null(saint_look_site(l));
    assert_int_equal(saint_look_decide(l, NULL, &a, &e), SAINT_INVALID);
    saint_site elsewhere = {.stage = SAINT_STAGE_LLM, .layer = 2, .method = 0};
    assert_int_equal(saint_look_decide(l, &elsewhere, &a, &e), SAINT_INVALID);
    elsewhere.layer = 3;
    elsewhere.p = (saint_method_params){.sim_threshold = 0.5f, .K = 1, .gamma = 10};
    assert_ok(saint_look_decide(l, &elsewhere, &b, err));
    assert_int_equal(b->layer, 3);
    saint_trace_site_unref(b);
    saint_look_close(l);
    saint_look_close(NULL);
    saint_site wrong = {.method = SAINT_METHOD_HAND};
    assert_int_equal(saint_session_preview(s, 0, &wrong, 0, &a, &e), SAINT_INVALID);
    saint_session_close(s);
}

/* The key of a picture may be given along: the same run, the same cache. */
static void a_picture_is_hashed_once(void **state)
{
    (void)state;
    const saint_preproc *pre = saint_model_preproc(llava);
    size_t each = 3 * (size_t)pre->side * (size_t)pre->side;
    float *pixels = malloc(2 * each * sizeof *pixels);
    for (int i = 0; i < 2; i++) assert_ok(saint_preprocess(pre, &picture[i], pixels + (size_t)i * each, NULL, err));
    saint_session *s = open_session(engine, llava, 1 << 26);
    saint_request q = busy_request(llava, 2);
    q.images = NULL;
    q.pixels = pixels;
    saint_trace *a = run_request(s, &q);
    q.has_picture_key = true;
    q.picture_key = saint_session_picture_key(s, pixels, 2);
    saint_forecast f;
    assert_ok(saint_session_forecast(s, &q, &f, err));
    assert_int_equal(f.layers_to_run, 0);
    saint_trace *b = run_request(s, &q);
    assert_same_trace(a, b);
    assert_int_equal(b->layers_run, 0);
    saint_worker *w;
    assert_ok(saint_worker_open(&w, s, err));
    assert_ok(saint_worker_submit(w, &q, NULL, err));
    saint_job_event e;
    do
        if (!saint_worker_next_event(w, &e)) e.kind = SAINT_JOB_PROGRESS;
    while (e.kind != SAINT_JOB_DONE && e.kind != SAINT_JOB_FAILED);
    assert_int_equal(e.kind, SAINT_JOB_DONE);
    saint_trace *c = saint_worker_trace(w);
    assert_int_equal(c->layers_run, 0);
    saint_trace_unref(c);
    saint_worker_close(w);
    q.picture_key = saint_session_picture_key(s, pixels, 1); /* another picture's: nothing is found */
    assert_ok(saint_session_forecast(s, &q, &f, err));
    assert_int_equal(f.layers_reused, 0);
    saint_trace_unref(a);
    saint_trace_unref(b);
    saint_session_close(s);
    free(pixels);
}

/* ---- similarity ---- */

static saint_status similarity(saint_session *s, const saint_request *q, int image, saint_stage stage, int layer, int patch, float *out, saint_error *err)
{
    saint_look *l;
    saint_status st = saint_look_open(&l, s, q, image, stage, layer, err);
    if (st == SAINT_OK) st = saint_look_similarity(l, patch, out, err);
    saint_look_close(l);
    return st;
}

typedef struct {
    const char *name;
    float *data;
    int64_t rows, cols;
} wanted;

static void catch_metric(void *ud, const char *name, const float *data, int64_t rows, int64_t cols)
{
    wanted *w = ud;
    if (strcmp(name, w->name) != 0) return;
    w->rows = rows, w->cols = cols;
    w->data = realloc(w->data, (size_t)(rows * cols) * sizeof *data);
    memcpy(w->data, data, (size_t)(rows * cols) * sizeof *data);
}

static double cosine(const float *a, const float *b, int64_t n)
{
    double ab = 0, aa = 0, bb = 0;
    for (int64_t i = 0; i < n; i++) ab += (double)a[i] * (double)b[i], aa += (double)a[i] * (double)a[i], bb += (double)b[i] * (double)b[i];
    return ab / sqrt(aa * bb);
}

static void similarities_are_those_of_the_metric(void **state)
{
    (void)state;
    const saint_model_info *m = saint_model_get_info(llava);
    int patches = m->grid_w * m->grid_h;
    saint_request q = plain_request(llava, 1);
    set_params(&q.settings, "prune_mode[0]=saint_drop", "sim_threshold[0]=0.8", "K[0]=1", NULL);
    float *out = malloc((size_t)patches * sizeof *out);
    saint_error e;
    static const struct {
        saint_stage stage;
        int layer;
        const char *name;
    } place[] = {{SAINT_STAGE_VIT, 0, "vit.0.metric"}, {SAINT_STAGE_VIT, 1, "vit.1.metric"}, {SAINT_STAGE_LLM, 1, "llm.1.metric"}};
    for (int k = 0; k < 3; k++) {
        wanted w = {.name = place[k].name};
        saint_session *s = open_session(engine, llava, 1 << 26);
        saint_trace *t;
        assert_int_equal(similarity(s, &q, 0, place[k].stage, place[k].layer, 0, out, &e), SAINT_STATE);
        assert_ok(saint_session_run(s, &q, &(saint_observer){.tap = catch_metric, .ud = &w}, &t, err));
        const saint_trace_site *site = t->image[0].history.site[0];
        bool first = k == 0;
        int n = first ? patches : site->n_keep, prefix = place[k].stage == SAINT_STAGE_VIT ? m->vit_prefix : 0; /* the LLM's tap is the window */
        assert_int_equal(w.rows, n + prefix);
        assert_true(n < patches || first);
        for (int i = 0; i < n; i += 5) {
            int patch = first ? i : site->kept[i], seen = 0;
            assert_ok(similarity(s, &q, 0, place[k].stage, place[k].layer, patch, out, err));
            for (int j = 0; j < n; j++) {
                double want = cosine(w.data + (prefix + i) * w.cols, w.data + (prefix + j) * w.cols, w.cols);
                assert_true(fabs((double)out[first ? j : site->kept[j]] - want) < 1e-5);
            }
            for (int p = 0; p < patches; p++) seen += !isnan(out[p]);
            assert_int_equal(seen, n);
            assert_true(out[patch] == 1.0f);
        }
        if (!first) {
            bool gone[SAINT_HAND_MOST] = {false};
            for (int i = 0; i < site->n_in; i++) gone[site->in[i]] = site->round[i] >= 0;
            int dead = 0;
            while (!gone[dead]) dead++;
            assert_int_equal(similarity(s, &q, 0, place[k].stage, place[k].layer, dead, out, &e), SAINT_INVALID);
        }
        assert_int_equal(similarity(s, &q, 0, place[k].stage, place[k].layer, patches, out, &e), SAINT_INVALID);
        assert_int_equal(similarity(s, &q, 1, place[k].stage, place[k].layer, 0, out, &e), SAINT_STATE);
        assert_int_equal(similarity(s, &q, 0, place[k].stage, 95, 0, out, &e), SAINT_STATE);
        saint_trace_unref(t);
        free(w.data);
        saint_session_close(s);
    }
    free(out);
}

/* saint_drop counts its votes with these very numbers. */
static void votes_are_similarities_that_reach_the_threshold(void **state)
{
    (void)state;
    const saint_model_info *m = saint_model_get_info(timm);
    int patches = m->grid_w * m->grid_h;
    saint_session *s = open_session(engine, timm, 1 << 26);
    saint_request q = plain_request(timm, 1);
    float *out = malloc((size_t)patches * sizeof *out);
    int votes = 0;
    for (int step = 0; step < 12; step++) {
        char text[64];
        float tau = 0.5f + 0.04f * (float)step;
        snprintf(text, sizeof text, "sim_threshold[0]=%.9g", (double)tau);
        set_params(&q.settings, "prune_mode[0]=saint_drop", "K[0]=3", text, NULL);
        saint_trace *t = run_request(s, &q);
        const saint_trace_site *site = t->image[0].history.site[0];
        for (int i = 0; i < site->n_in; i += 2) {
            int count = 0;
            assert_ok(similarity(s, &q, 0, SAINT_STAGE_VIT, 0, site->in[i], out, err));
            for (int j = 1; j < site->n_in; j += 2) count += out[site->in[j]] >= tau;
            assert_int_equal(count, site->neighbours[i]);
            votes += count;
        }
        saint_trace_unref(t);
    }
    assert_true(votes > 0);
    free(out);
    saint_session_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_read_and_written),
        cmocka_unit_test(a_list_switches_its_stage_on),
        cmocka_unit_test(lists_must_fit_the_model),
        cmocka_unit_test(a_methods_own_list_gives_its_own_bits),
        cmocka_unit_test(a_list_of_everything_changes_nothing),
        cmocka_unit_test(resumed_lists_equal_cold_ones),
        cmocka_unit_test(a_list_of_nothing_runs),
        cmocka_unit_test(a_wrong_window_hides_tokens_from_the_list),
        cmocka_unit_test(looks_equal_runs),
        cmocka_unit_test(a_look_can_ask_what_if),
        cmocka_unit_test(a_picture_is_hashed_once),
        cmocka_unit_test(similarities_are_those_of_the_metric),
        cmocka_unit_test(votes_are_similarities_that_reach_the_threshold),
    };
    return run_tiny_group("hand", tests, sizeof tests / sizeof *tests);
}
