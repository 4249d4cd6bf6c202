/* Samples through the engine: records that depend on nothing but weights, configuration, sample and repeat. */
#define _GNU_SOURCE
#include "support/busy_cpus.h"
#include "support/tiny.h"

#include <math.h>

#include "datasets/score.h"
#include "eval/ahead.h"
#include "eval/runner.h"
#include "eval/summary.h"
#include "support/data_files.h"

/* ---- data: three pictures with two questions each, one without a picture, and what users have ------------------------- */

static void write_picture(const char *name, int i)
{
    data_write(name, "");
    assert_ok(saint_image_write_png(&picture[i % N_PICTURES], data_path(name), err));
}

static const char manifest[] =
    "{\"uid\":\"a0\",\"question\":\"Is there a red square in the picture?\",\"answers\":[\"yes\"],\"image\":[\"0.png\"]}\n"
    "{\"uid\":\"a1\",\"question\":\"How many?\",\"answers\":[\"two\"],\"image\":[\"0.png\"]}\n"
    "{\"uid\":\"b0\",\"question\":\"What colour is the large circle?\",\"answers\":[\"red\"],\"image\":[\"1.png\"]}\n"
    "{\"uid\":\"text\",\"question\":\"How many?\",\"answers\":[\"two\"]}\n"
    "{\"uid\":\"b1\",\"question\":\"How many?\",\"answers\":[\"two\"],\"image\":[\"1.png\"]}\n"
    "{\"uid\":\"broken\",\"question\":\"How many?\",\"answers\":[\"two\"],\"image\":[\"broken.png\"]}\n"
    "{\"uid\":\"broken again\",\"question\":\"How many more?\",\"answers\":[\"two\"],\"image\":[\"broken.png\"]}\n"
    "{\"uid\":\"missing\",\"question\":\"How many?\",\"answers\":[\"two\"],\"image\":[\"nowhere.png\"]}\n"
    "{\"uid\":\"two\",\"question\":\"How many?\",\"answers\":[\"two\"],\"image\":[\"0.png\",\"1.png\"]}\n"
    "{\"uid\":\"c0\",\"question\":\"\",\"answers\":[\"red\"],\"image\":[\"2.png\"]}\n";
enum { A0, A1, B0, TEXT, B1, BROKEN, BROKEN_AGAIN, MISSING, TWO, C0, SAMPLES };

static saint_dataset *open_data(void)
{
    write_picture("m/0.png", 0);
    write_picture("m/1.png", 1);
    write_picture("m/2.png", 2);
    data_write("m/broken.png", "\x89PNG\r\n\x1a\nno picture at all");
    data_write("m/manifest.jsonl", manifest);
    return data_open("manifest", "m");
}

/* ---- trials ------------------------------------------------------------------------------------------------------- */

enum { BASE, VIT, LLM, BOTH, TEXT_LED, TRIALS };

static void make_trial(eval_trial *t, const saint_model *m, int ordinal, const char *const *assignments)
{
    memset(t, 0, sizeof *t);
    saint_settings_default(&t->settings);
    for (int i = 0; assignments[i]; i++) set_param(&t->settings, assignments[i]);
    t->max_new_tokens = 4;
    t->twin_of = -1;
    t->ordinal = ordinal;
    assert_ok(eval_trial_identify(t, saint_model_get_info(m), err));
}
#define MAKE(t, m, ordinal, ...) make_trial(t, m, ordinal, (const char *const[]){__VA_ARGS__, NULL})

static eval_trial trial[TRIALS];

static void make_trials(void)
{
    MAKE(&trial[BASE], llava, BASE, "mode=none");
    MAKE(&trial[VIT], llava, VIT, "prune_mode[0]=saint_drop", "sim_threshold=0.85", "K=2", "prune_mode[1]=iterative_drop_full_graph",
         "keep_num=40");
    MAKE(&trial[LLM], llava, LLM, "mode=llm", "saint_start=1", "saint_end=2", "saint_threshold=0.8", "saint_K=1");
    MAKE(&trial[BOTH], llava, BOTH, "mode=hybrid", "prune_mode[1]=tome", "keep_num=60", "saint_start=1", "saint_end=2",
         "saint_threshold=0.8", "saint_K=1");
    MAKE(&trial[TEXT_LED], llava, TEXT_LED, "llm_prune_mode[0]=fastv", "llm_keep_ratio=0.4", "compat=reference");
}

static void free_trials(void)
{
    for (int i = 0; i < TRIALS; i++) eval_trial_free(&trial[i]);
}

/* ---- running ------------------------------------------------------------------------------------------------------ */

enum { RECORDS = 256 };
typedef struct {
    eval_result r[RECORDS];
    int n, most;
    int *stop; /* set when `most` is reached */
    bool refuse;
    device_use *other; /* somebody else, who comes and goes */
    const char *stat;  /* or the CPUs get busy: a file for /proc/stat */
    int comes;         /* behind so many records, and goes behind */
    int goes;          /* so many */
} collected;

static bool collect(void *ud, eval_result *r)
{
    collected *c = ud;
    assert_true(c->n < RECORDS);
    c->r[c->n++] = *r;
    if (c->other && c->n == c->comes) device_use_begin(c->other);
    if (c->stat && c->n == c->comes) busy_cpus(c->stat, 100000000);
    if (c->other && c->n == c->goes) device_use_end(c->other);
    if (c->most && c->n == c->most && c->stop) __atomic_store_n(c->stop, 1, __ATOMIC_RELAXED);
    return !(c->refuse && c->n == c->most);
}

static void drop_records(collected *c)
{
    for (int i = 0; i < c->n; i++) eval_result_free(&c->r[i]);
    memset(c, 0, sizeof *c);
}

static const eval_result *get(const collected *c, uint64_t id, uint32_t sample, uint32_t repeat)
{
    for (int i = 0; i < c->n; i++)
        if (c->r[i].trial == id && c->r[i].sample == sample && c->r[i].repeat == repeat) return &c->r[i];
    fail_msg("no record of trial %016llx, sample %u, repeat %u", (unsigned long long)id, sample, repeat);
    return NULL;
}

/* Everything but times and who did it. */
static void same_outcome(const eval_result *a, const eval_result *b)
{
    if (strcmp(a->output, b->output) != 0) fail_msg("sample %u: \"%s\" and \"%s\"", a->sample, a->output, b->output);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->error == NULL, b->error == NULL);
    if (a->error) assert_string_equal(a->error, b->error);
    assert_int_equal(a->n_ids, b->n_ids);
    if (a->n_ids) assert_memory_equal(a->ids, b->ids, (size_t)a->n_ids * sizeof *a->ids);
    assert_string_equal(a->stop, b->stop);
    assert_memory_equal(&a->margin, &b->margin, sizeof a->margin);
    assert_memory_equal(&a->kl, &b->kl, sizeof a->kl);
    assert_int_equal(a->diverged, b->diverged);
    assert_true(a->text == b->text && a->vit_in == b->vit_in && a->vit_out == b->vit_out && a->llm_in == b->llm_in &&
                a->llm_out == b->llm_out);
    assert_true(a->equivalent == b->equivalent && a->kv_bytes == b->kv_bytes);
    assert_int_equal(a->n_sites, b->n_sites);
    assert_memory_equal(a->site, b->site, sizeof a->site);
    assert_true(a->flops_vit == b->flops_vit && a->flops_projector == b->flops_projector && a->flops_prefill == b->flops_prefill &&
                a->flops_decode == b->flops_decode);
}

static eval_runner *open_runner(saint_session *s, const saint_model *m, const saint_dataset *d, int decoders, bool timed)
{
    eval_runner *r;
    const eval_options o = {.session = s, .model = m, .data = d, .decoders = decoders, .timing_valid = timed, .attempt = 77};
    assert_ok(eval_runner_open(&r, &o, err));
    return r;
}

static size_t all_units(eval_unit *unit)
{
    size_t n = 0;
    for (uint32_t i = 0; i < SAMPLES; i++)
        for (int t = 0; t < TRIALS; t++) unit[n++] = (eval_unit){.trial = &trial[t], .sample = i};
    return n;
}

/* ---- tests -------------------------------------------------------------------------------------------------------- */

static void broken_samples(const collected *c)
{
    static const struct {
        uint32_t sample;
        const char *words;
    } rows[] = {{BROKEN, "broken.png"}, {BROKEN_AGAIN, "broken.png"}, {MISSING, "nowhere.png"}, {TWO, "one picture"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int t = 0; t < TRIALS; t++) {
            const eval_result *r = get(c, trial[t].id, rows[i].sample, 0);
            assert_int_equal(r->state, EVAL_ERROR);
            if (!strstr(r->error, rows[i].words)) fail_msg("expected \"%s\" in: %s", rows[i].words, r->error);
            assert_string_equal(r->output, "");
            assert_false(r->timing_valid);
        }
}

/* Every record equals that of a request alone, in a session of its own that remembers nothing. */
static void records_equal_runs_alone(void **state)
{
    (void)state;
    static collected c;
    saint_dataset *d = open_data();
    make_trials();
    saint_session *s = open_session(engine, llava, 64 << 20), *cold = open_session(engine, llava, 0);
    eval_runner *r = open_runner(s, llava, d, 2, true);
    eval_unit unit[SAMPLES * TRIALS];
    assert_ok(eval_runner_run(r, unit, all_units(unit), &trial[BASE], collect, &c, err));
    assert_int_equal(c.n, SAMPLES * TRIALS);
    int reused = 0;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        if (i == BROKEN || i == BROKEN_AGAIN || i == MISSING || i == TWO) continue;
        saint_trace *base = NULL;
        for (int k = 0; k < TRIALS; k++) {
            saint_request q = {.images = &picture[i <= A1   ? 0
                                                  : i == C0 ? 2
                                                            : 1],
                               .n_images = i != TEXT,
                               .settings = trial[k].settings,
                               .max_new_tokens = 4};
            char *prompt;
            assert_ok(saint_dataset_prompt(d, i, &prompt, err));
            q.prompt = i == C0 ? "Describe the image." : prompt;
            saint_trace *t = run_request(cold, &q);
            if (k == BASE) base = saint_trace_ref(t);
            eval_result alone;
            assert_ok(eval_result_of(&alone, llava, t, base, err));
            const eval_result *got = get(&c, trial[k].id, i, 0);
            same_outcome(got, &alone);
            assert_true(got->attempt == 77 && got->timing_valid && got->finished > 1e9);
            assert_true(i == TEXT ? got->s_preprocess == 0 : got->s_preprocess > 0 && got->s_load > 0);
            reused += got->reused > 0;
            eval_result_free(&alone);
            saint_trace_unref(t);
            free(prompt);
        }
        saint_trace_unref(base);
    }
    assert_true(reused > SAMPLES); /* or the cache was not at work, and this test showed nothing */
    broken_samples(&c);
    assert_true(get(&c, trial[BASE].id, A0, 0)->kl == 0);
    assert_int_equal(get(&c, trial[BASE].id, A0, 0)->diverged, -1);
    drop_records(&c);
    eval_runner_close(r);
    saint_session_close(s);
    saint_session_close(cold);
    saint_dataset_close(d);
    free_trials();
}

/* Any order, one call per unit or one for all, other numbers of threads, with and without a cache. */
static void records_do_not_depend_on_how_they_were_made(void **state)
{
    (void)state;
    static collected first, again;
    saint_dataset *d = open_data();
    make_trials();
    saint_session *s = open_session(engine, llava, 64 << 20);
    eval_runner *r = open_runner(s, llava, d, 1, false);
    eval_trial twin;
    assert_ok(eval_trial_twin(&trial[BOTH], saint_model_get_info(llava), &twin, err));
    eval_unit unit[SAMPLES * TRIALS + SAMPLES];
    size_t n = all_units(unit);
    for (uint32_t i = 0; i < SAMPLES; i++) unit[n++] = (eval_unit){.trial = &twin, .sample = i};
    assert_ok(eval_runner_run(r, unit, n, &trial[BASE], collect, &first, err));
    eval_runner_close(r);
    saint_session_close(s);
    uint64_t rng = 5;
    for (int round = 0; round < 4; round++) {
        saint_engine *e;
        assert_ok(saint_engine_open(&e, &(saint_engine_options){.n_threads = 1 + round % 3}, err));
        s = open_session(e, llava, round == 1 ? 0 : (size_t)(round == 2 ? 300 << 10 : 64 << 20));
        r = open_runner(s, llava, d, 1 + round, round == 3);
        for (size_t i = n - 1; i > 0; i--) {
            size_t k = (size_t)pick(&rng, (int)i + 1);
            eval_unit swap = unit[i];
            unit[i] = unit[k];
            unit[k] = swap;
        }
        for (size_t i = 0; i < n; i++) unit[i].partner = unit[i].trial == &twin && round < 2 ? &trial[BOTH] : NULL;
        if (round % 2) assert_ok(eval_runner_run(r, unit, n, &trial[BASE], collect, &again, err));
        for (size_t i = 0; i < n && round % 2 == 0; i++) {
            uint32_t next = unit[(i + 1) % n].sample;
            unit[i].partner = unit[i].trial == &twin ? &trial[BOTH] : NULL; /* alone it cannot be found among the units */
            eval_runner_expect(r, &next, 1);
            assert_ok(eval_runner_run(r, &unit[i], 1, &trial[BASE], collect, &again, err));
        }
        assert_int_equal(again.n, first.n);
        for (int i = 0; i < again.n; i++) same_outcome(get(&first, again.r[i].trial, again.r[i].sample, 0), &again.r[i]);
        drop_records(&again);
        eval_runner_close(r);
        saint_session_close(s);
        saint_engine_close(e);
    }
    drop_records(&first);
    eval_trial_free(&twin);
    saint_dataset_close(d);
    free_trials();
}

static void twins_take_the_counts_of_their_partners(void **state)
{
    (void)state;
    static collected c;
    saint_dataset *d = open_data();
    make_trials();
    eval_trial twin[3];
    const int of[3] = {VIT, BOTH, TEXT_LED};
    for (int i = 0; i < 3; i++) assert_ok(eval_trial_twin(&trial[of[i]], saint_model_get_info(llava), &twin[i], err));
    saint_session *s = open_session(engine, llava, 64 << 20);
    eval_runner *r = open_runner(s, llava, d, 1, false);
    eval_unit unit[64];
    size_t n = 0;
    for (int i = 0; i < 3; i++) {
        for (uint32_t k = A0; k <= B0; k++) { /* the twin first: its partner is run for it */
            unit[n++] = (eval_unit){.trial = &twin[i], .sample = k};
            unit[n++] = (eval_unit){.trial = &twin[i], .sample = k, .repeat = 1};
            unit[n++] = (eval_unit){.trial = &trial[of[i]], .sample = k};
            unit[n++] = (eval_unit){.trial = &trial[of[i]], .sample = k, .repeat = 1};
        }
        unit[n++] = (eval_unit){.trial = &twin[i], .sample = BROKEN};
    }
    assert_ok(eval_runner_run(r, unit, n, &trial[BASE], collect, &c, err));
    assert_int_equal(c.n, n);
    int other = 0;
    for (int i = 0; i < 3; i++) {
        for (uint32_t k = A0; k <= B0; k++) {
            const eval_result *a = get(&c, trial[of[i]].id, k, 0), *b = get(&c, twin[i].id, k, 0), *again = get(&c, twin[i].id, k, 1);
            same_outcome(a, get(&c, trial[of[i]].id, k, 1));
            assert_int_equal(a->n_sites, b->n_sites);
            if (of[i] == TEXT_LED) { /* its window was wrong and took text with it: only the counts of picture tokens are the same */
                for (int x = 0; x < a->n_sites; x++) assert_int_equal(a->site[x].n_out, b->site[x].n_out);
            } else {
                assert_memory_equal(a->site, b->site, sizeof a->site);
                assert_true(a->flops_vit == b->flops_vit && a->flops_prefill == b->flops_prefill && a->kv_bytes == b->kv_bytes);
            }
            assert_memory_equal(b->site, again->site, sizeof b->site);
            other += b->margin != again->margin; /* another draw */
        }
        assert_int_equal(get(&c, twin[i].id, BROKEN, 0)->state, EVAL_ERROR);
    }
    assert_int_equal(other, 9);
    drop_records(&c);
    /* a partner that nobody knows is a mistake of the caller */
    saint_error e = {0};
    eval_unit lost = {.trial = &twin[0], .sample = C0};
    assert_int_equal(eval_runner_run(r, &lost, 1, &trial[BASE], collect, &c, &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, "partner"));
    lost.partner = &trial[BOTH];
    assert_int_equal(eval_runner_run(r, &lost, 1, &trial[BASE], collect, &c, &e), SAINT_INVALID);
    assert_int_equal(c.n, 0);
    for (int i = 0; i < 3; i++) eval_trial_free(&twin[i]);
    eval_runner_close(r);
    saint_session_close(s);
    saint_dataset_close(d);
    free_trials();
}

static bool near(double a, double b) { return fabs(a - b) < 5e-9; }

/* What came from the cache costs what it cost when it was computed. */
static void seconds_are_those_of_the_whole_configuration(void **state)
{
    (void)state;
    static collected c;
    saint_dataset *d = open_data();
    make_trials();
    eval_trial near_llm; /* shares everything up to its site */
    MAKE(&near_llm, llava, 9, "llm_prune_mode[3]=saint_drop", "saint_threshold=0.7");
    saint_session *s = open_session(engine, llava, 64 << 20);
    eval_runner *r = open_runner(s, llava, d, 1, true);
    const eval_unit unit[] = {{.trial = &trial[LLM], .sample = A0}, /* the baseline runs silently before it */
                              {.trial = &near_llm, .sample = A0},
                              {.trial = &trial[BASE], .sample = A0},
                              {.trial = &trial[VIT], .sample = A0},
                              {.trial = &trial[BASE], .sample = A1},
                              {.trial = &trial[LLM], .sample = A1},
                              {.trial = &trial[VIT], .sample = B0}};
    assert_ok(eval_runner_run(r, unit, sizeof unit / sizeof *unit, &trial[BASE], collect, &c, err));
    const eval_result *base = get(&c, trial[BASE].id, A0, 0), *llm = get(&c, trial[LLM].id, A0, 0), *close = get(&c, near_llm.id, A0, 0),
                      *vit = get(&c, trial[VIT].id, A0, 0), *asked = get(&c, trial[BASE].id, A1, 0), *both = get(&c, trial[LLM].id, A1, 0);
    assert_true(base->reused == 0 && base->s_vit > 0 && base->s_projector > 0 && base->s_prefill > 0 && base->s_decode > 0);
    assert_true(base->s_selection == 0);
    /* the ViT and the projector of all that prune in the LLM only */
    const eval_result *same[] = {llm, close, asked, both};
    for (int i = 0; i < 4; i++) {
        if (!near(same[i]->s_vit, base->s_vit) || !near(same[i]->s_projector, base->s_projector))
            fail_msg("record %d: ViT %.9f and %.9f, projector %.9f and %.9f", i, same[i]->s_vit, base->s_vit, same[i]->s_projector,
                     base->s_projector);
        assert_true(same[i]->reused > 0);
        assert_true(same[i]->s_preprocess == base->s_preprocess && same[i]->s_load == base->s_load);
    }
    assert_true(llm->s_selection > 0 && close->s_selection > 0);
    /* all four layers came from the unpruned run, and the output head counts with them */
    assert_true(near(close->s_prefill, base->s_prefill));
    assert_true(vit->s_vit > 0 && vit->s_projector > 0);
    for (int i = 0; i < c.n; i++) {
        const eval_result *x = &c.r[i];
        assert_true(near(x->s_total, x->s_preprocess + x->s_vit + x->s_selection + x->s_projector + x->s_prefill + x->s_decode));
        assert_true(x->s_decode > 0 && x->timing_valid);
    }
    drop_records(&c);
    eval_trial_free(&near_llm);
    eval_runner_close(r);
    saint_session_close(s);
    saint_dataset_close(d);
    free_trials();
}

static void stops_behind_the_unit_at_hand(void **state)
{
    (void)state;
    static collected c;
    int stop = 0;
    saint_error e = {0};
    saint_dataset *d = open_data();
    make_trials();
    saint_session *s = open_session(engine, llava, 64 << 20);
    const eval_options o = {.session = s, .model = llava, .data = d, .decoders = 2, .stop = &stop};
    eval_runner *r;
    assert_ok(eval_runner_open(&r, &o, err));
    eval_unit unit[SAMPLES * TRIALS];
    size_t n = all_units(unit);
    c.most = 7;
    c.stop = &stop;
    assert_int_equal(eval_runner_run(r, unit, n, &trial[BASE], collect, &c, &e), SAINT_CANCELLED);
    assert_int_equal(c.n, 7);
    assert_int_equal(eval_runner_run(r, unit, n, &trial[BASE], collect, &c, &e), SAINT_CANCELLED);
    assert_int_equal(c.n, 7);
    stop = 0;
    c.most = 9;
    c.stop = NULL;
    c.refuse = true;
    assert_int_equal(eval_runner_run(r, unit + 7, n - 7, &trial[BASE], collect, &c, &e), SAINT_CANCELLED);
    assert_int_equal(c.n, 9);
    c.most = 0;
    assert_ok(eval_runner_run(r, unit + 9, n - 9, &trial[BASE], collect, &c, err));
    assert_int_equal(c.n, n);
    drop_records(&c);
    unit[0].sample = SAMPLES;
    assert_int_equal(eval_runner_run(r, unit, 1, &trial[BASE], collect, &c, &e), SAINT_INVALID);
    eval_trial bad = trial[LLM];
    bad.settings.saint_end = 9;
    unit[0] = (eval_unit){.trial = &bad, .sample = 0};
    assert_int_equal(eval_runner_run(r, unit, 1, NULL, collect, &c, &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, "saint_end"));
    assert_ok(eval_runner_run(r, unit, 0, &trial[BASE], collect, &c, err));
    assert_int_equal(c.n, 0);
    eval_runner_close(r);
    saint_session_close(s);
    saint_dataset_close(d);
    free_trials();
}

static void company_of(const eval_unit *unit, size_t n, int comes, int goes, const char *stat, bool *shared)
{
    static collected c;
    device_use mine, other;
    saint_dataset *d = open_data();
    saint_session *s = open_session(engine, llava, 64 << 20);
    eval_runner *r;
    device_use_open(&mine, data_folder, "cpu");
    device_use_open(&other, data_folder, "cpu");
    if (comes < 0) device_use_begin(&other); /* there before, and gone when the first run begins */
    device_use_begin(&mine);
    const eval_options o = {.session = s, .model = llava, .data = d, .decoders = 2, .timing_valid = true, .use = &mine};
    if (comes < 0) device_use_end(&other);
    assert_ok(eval_runner_open(&r, &o, err));
    if (stat) {
        busy_cpus(stat, 0);
        device_use_watch_cpus(&mine, stat);
        mine.load.window = 0;
    } else c.other = &other;
    c.stat = stat;
    c.comes = comes;
    c.goes = goes;
    assert_ok(eval_runner_run(r, unit, n, &trial[BASE], collect, &c, err));
    assert_int_equal(c.n, n);
    for (size_t i = 0; i < n; i++) {
        const eval_result *x = &c.r[i];
        shared[i] = !x->timing_valid;
        assert_int_equal(x->state, EVAL_OK);
        assert_int_equal(x->company, x->timing_valid ? EVAL_ALONE : stat ? EVAL_ON_BUSY_CPUS : EVAL_WITH_OTHERS);
    }
    drop_records(&c);
    eval_runner_close(r);
    saint_session_close(s);
    saint_dataset_close(d);
    device_use_close(&mine);
    device_use_close(&other);
}

/* What was timed while another one was there is marked; so is what took over parts of it, which is all that follows on its picture. */
static void company_is_written_down(void **state)
{
    (void)state;
    make_trials();
    const eval_unit unit[] = {
        {.trial = &trial[BASE], .sample = A0},   {.trial = &trial[VIT], .sample = A0},  {.trial = &trial[LLM], .sample = A0},
        {.trial = &trial[BASE], .sample = A1},   {.trial = &trial[BASE], .sample = B0}, {.trial = &trial[VIT], .sample = B0},
        {.trial = &trial[BASE], .sample = TEXT}, {.trial = &trial[LLM], .sample = A1},  {.trial = &trial[BOTH], .sample = C0},
    };
    enum { N = sizeof unit / sizeof *unit };
    static const struct {
        int comes, goes;
        bool busy; /* CPUs, between two questions, instead */
        const char *marks; /* of every unit */
    } rows[] = {
        {N + 1, N + 1, false, "........."},
        {-1, N + 1, false, "........."}, /* before anything was timed */
        {1, 1, false, ".xxx...x."},      /* between two questions; the picture comes once more at the end */
        {4, 5, false, "....xx..."},      /* all through the first run on a picture, and one question more */
        {6, 6, false, "......x.."},
        {2, 4, false, "..xxxx.x."},
        {8, N + 1, false, "........x"},
        {N + 1, 0, true, "........."},
        {1, 0, true, ".xxx...x."},
        {6, 0, true, "......x.."},
    };
    char stat[256];
    snprintf(stat, sizeof stat, "%s", data_path("stat"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool shared[N];
        char found[N + 1] = "";
        company_of(unit, N, rows[i].comes, rows[i].goes, rows[i].busy ? stat : NULL, shared);
        for (int k = 0; k < N; k++) found[k] = shared[k] ? 'x' : '.';
        if (strcmp(found, rows[i].marks) != 0) fail_msg("from %d to %d: expected %s, found %s", rows[i].comes, rows[i].goes, rows[i].marks, found);
    }
    free_trials();
}

static void without_a_baseline_fidelity_is_not_known(void **state)
{
    (void)state;
    static collected c;
    saint_dataset *d = open_data();
    make_trials();
    saint_session *s = open_session(engine, llava, 64 << 20);
    eval_runner *r = open_runner(s, llava, d, 0, false);
    const eval_unit unit[] = {{.trial = &trial[VIT], .sample = A0}, {.trial = &trial[BASE], .sample = A0}};
    assert_ok(eval_runner_run(r, unit, 2, NULL, collect, &c, err));
    for (int i = 0; i < 2; i++) assert_true(c.r[i].state == EVAL_OK && isnan(c.r[i].kl) && c.r[i].diverged == -2);
    drop_records(&c);
    assert_ok(eval_runner_run(r, unit, 2, &trial[BASE], collect, &c, err));
    for (int i = 0; i < 2; i++) assert_true(!isnan(c.r[i].kl) && c.r[i].diverged >= -1);
    drop_records(&c);
    eval_runner_close(r);
    saint_session_close(s);
    saint_dataset_close(d);
    free_trials();
}

/* A classifier answers with the data set's names for its classes. */
static void classifiers_are_asked_nothing(void **state)
{
    (void)state;
    static collected c;
    char name[64];
    int classes = saint_model_get_info(timm)->classes;
    for (int i = 0; i < classes; i++) {
        snprintf(name, sizeof name, "classes/n%02d/p.png", i);
        write_picture(name, i);
    }
    saint_dataset *d = data_open("imagefolder", "classes");
    eval_trial base, pruned;
    MAKE(&base, timm, 0, "mode=none");
    MAKE(&pruned, timm, 1, "prune_mode[0]=random", "keep_num=20");
    saint_session *s = open_session(engine, timm, 64 << 20);
    eval_runner *r = open_runner(s, timm, d, 2, true);
    eval_unit unit[64];
    size_t n = 0;
    for (int i = 0; i < classes; i++) {
        unit[n++] = (eval_unit){.trial = &pruned, .sample = (uint32_t)i};
        unit[n++] = (eval_unit){.trial = &base, .sample = (uint32_t)i};
    }
    assert_ok(eval_runner_run(r, unit, n, &base, collect, &c, err));
    const eval_result *list[64] = {0};
    double loss = 0;
    for (int i = 0; i < c.n; i++) {
        saint_verdict v;
        snprintf(name, sizeof name, "n%02d%c", c.r[i].ids[0], SAINT_RANK_SEPARATOR);
        assert_memory_equal(c.r[i].output, name, strlen(name));
        assert_ok(saint_score_answer(d, c.r[i].sample, c.r[i].output, SAINT_PARSER_LMMS, &v, NULL, err));
        assert_int_equal(v.code, c.r[i].ids[0]);
        assert_true(!isnan(v.score5));
        /* whatever is not best is at least as far below all together as it is below the best */
        if (v.score == 1) assert_true(c.r[i].loss >= 0 && c.r[i].loss < logf((float)classes));
        else assert_true(c.r[i].loss > c.r[i].margin);
        if (c.r[i].trial != base.id) continue;
        list[c.r[i].sample] = &c.r[i];
        loss += (double)c.r[i].loss / classes;
        assert_true(c.r[i].s_vit > 0 && c.r[i].s_prefill == 0 && c.r[i].text == 0 && c.r[i].vit_in == 64);
    }
    eval_summary sum;
    assert_ok(eval_summarise(d, list, list, NULL, SAINT_PARSER_LMMS, &sum, err));
    const saint_metric *m = saint_score_metric(&sum.score.all, "ce_loss");
    assert_non_null(m);
    assert_true(m->v.n == (size_t)classes && fabs(m->v.value - loss) < 1e-9 && !m->partial && loss > 0);
    eval_summary_free(&sum);
    drop_records(&c);
    eval_trial_free(&base);
    eval_trial_free(&pruned);
    eval_runner_close(r);
    saint_session_close(s);
    saint_dataset_close(d);
}

static void a_text_model_reads_no_pictures(void **state)
{
    (void)state;
    static collected c;
    saint_dataset *d = open_data();
    eval_trial base;
    MAKE(&base, llama, 0, "mode=none");
    saint_session *s = open_session(engine, llama, 64 << 20);
    eval_runner *r = open_runner(s, llama, d, 2, true);
    const eval_unit unit[] = {{.trial = &base, .sample = A0}, {.trial = &base, .sample = TEXT}};
    assert_ok(eval_runner_run(r, unit, 2, &base, collect, &c, err));
    assert_int_equal(c.r[0].state, EVAL_ERROR);
    assert_non_null(strstr(c.r[0].error, "text only"));
    assert_int_equal(c.r[1].state, EVAL_OK);
    assert_int_equal(c.r[1].n_ids, 4);
    drop_records(&c);
    eval_trial_free(&base);
    eval_runner_close(r);
    saint_session_close(s);
    saint_dataset_close(d);
}

/* Threads that read ahead, asked in order, out of order, for what they never heard of, and told to forget. */
static void pictures_are_read_ahead(void **state)
{
    (void)state;
    saint_dataset *d = open_data();
    static const uint32_t seen[] = {A0, B0, BROKEN, MISSING, C0};
    uint64_t rng = 3;
    for (int round = 0; round < 60; round++) {
        const saint_preproc *p = saint_model_preproc(llava);
        size_t each = 3 * (size_t)p->side * (size_t)p->side * sizeof(float);
        const eval_ahead_options o = {
            .data = d, .preproc = p, .threads = 1 + pick(&rng, 3), .bytes = each * (size_t)pick(&rng, 6), .in_turns = round % 2 != 0};
        eval_ahead *a;
        uint32_t list[12];
        assert_ok(eval_ahead_open(&a, &o, err));
        for (int lists = pick(&rng, 4); lists >= 0; lists--) {
            int n = pick(&rng, 12);
            for (int i = 0; i < n; i++) list[i] = seen[pick(&rng, 5)];
            assert_ok(eval_ahead_want(a, list, (size_t)n, err));
            for (int i = 0; i < n && pick(&rng, 10) != 0; i++) {
                eval_picture *got;
                uint32_t sample = pick(&rng, 5) ? list[i] : seen[pick(&rng, 5)];
                assert_ok(eval_ahead_take(a, sample, &got, err));
                assert_int_equal(got->sample, sample);
                bool broken = sample == BROKEN || sample == MISSING;
                assert_int_equal(got->status == SAINT_OK, !broken);
                assert_int_equal(got->pixels == NULL, broken);
                if (!broken) {
                    float *want = malloc(each);
                    assert_ok(saint_preprocess(p, &picture[sample == A0 ? 0 : sample == B0 ? 1 : 2], want, NULL, err));
                    assert_memory_equal(want, got->pixels, each);
                    free(want);
                }
                eval_picture_free(got);
            }
        }
        eval_ahead_close(a); /* in the middle of it */
    }
    saint_dataset_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_equal_runs_alone),
        cmocka_unit_test(records_do_not_depend_on_how_they_were_made),
        cmocka_unit_test(twins_take_the_counts_of_their_partners),
        cmocka_unit_test(seconds_are_those_of_the_whole_configuration),
        cmocka_unit_test(stops_behind_the_unit_at_hand),
        cmocka_unit_test(company_is_written_down),
        cmocka_unit_test(without_a_baseline_fidelity_is_not_known),
        cmocka_unit_test(classifiers_are_asked_nothing),
        cmocka_unit_test(a_text_model_reads_no_pictures),
        cmocka_unit_test(pictures_are_read_ahead),
    };
    if (data_make(NULL) != 0) return 1;
    int failed = run_tiny_group("eval_runner", tests, sizeof tests / sizeof *tests);
    return data_remove(NULL) != 0 || failed;
}
