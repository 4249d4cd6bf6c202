/* The form of a sweep: words in, the plan that they mean out; settings as assignments that lead back to them. */
#define _GNU_SOURCE
#include "support/test.h"

#include <ftw.h>
#include <math.h>

#include "support/sweep_sample.h"
#include "support/tiny.h"
#include "ui/sweeps/sweep_form.h"

static char folder[] = "/tmp/saint-form-XXXXXX";
static sweep_data *sample;

static sweep_ground ground_of(const saint_settings *base)
{
    return (sweep_ground){.base = base,
                          .info = saint_model_get_info(llava),
                          .dataset = sample->dataset,
                          .model = "models/tiny",
                          .data = sample->data,
                          .dtype = "f32",
                          .backend = "cpu",
                          .sample_seconds = 0.05};
}

static saint_settings busy(void)
{
    saint_settings s;
    saint_settings_default(&s);
    set_params(&s, "prune_mode[1]=iterative_drop_full_graph", "keep_num=20", NULL);
    return s;
}

static void settings_lead_back_to_themselves(void **state)
{
    (void)state;
    uint64_t rng = 7;
    const saint_model_info *m = saint_model_get_info(llava);
    for (int round = 0; round < 300; round++) {
        saint_settings s, back;
        saint_settings_default(&s);
        static const char *const some[] = {"mode=hybrid",      "mode=none",          "use_saint=false",        "saint_start=1",
                                           "saint_end=1",      "saint_start=2",      "llm_prune_mode=random",  "compat=reference",
                                           "keep_num=40",      "sim_threshold=0.61", "saint_sys_length=5",     "compat.overwrite_r=true",
                                           "saint_K[0-1]=3",   "llm_seed=18446744073709551615", "gamma[1]=0.1", "saint_threshold=0.7"};
        for (int i = pick(&rng, 6); i > 0; i--) set_param(&s, some[pick(&rng, 16)]);
        for (int i = pick(&rng, 3); i > 0; i--) random_site(&rng, &s, m, SAINT_STAGE_VIT, pick(&rng, m->vit_layers_run));
        for (int i = pick(&rng, 3); i > 0; i--) random_site(&rng, &s, m, SAINT_STAGE_LLM, pick(&rng, m->llm_layers));
        eval_trial a = {.settings = s, .twin_of = -1}, b = {.twin_of = -1};
        if (eval_trial_identify(&a, m, NULL) != SAINT_OK) continue; /* two methods that exclude each other */
        sweep_texts t;
        assert_ok(sweep_base_texts(&s, m, &t, err));
        saint_settings_default(&back);
        for (size_t i = 0; i < t.n; i++) set_param(&back, t.text[i]);
        b.settings = back;
        assert_ok(eval_trial_identify(&b, m, err));
        assert_string_equal(a.config, b.config);
        eval_trial_free(&a);
        eval_trial_free(&b);
        sweep_texts_free(&t);
    }
    /* also what nothing reads now, because a sweep may switch on a method that does */
    saint_settings s = busy();
    set_param(&s, "sim_threshold[1]=0.625");
    sweep_texts t;
    bool found = false;
    assert_ok(sweep_base_texts(&s, m, &t, err));
    for (size_t i = 0; i < t.n; i++) found = found || !strcmp(t.text[i], "sim_threshold[1]=0.625");
    assert_true(found);
    sweep_texts_free(&t);
    s.hand.on = 1;
    saint_error e = {0};
    assert_int_equal(sweep_base_texts(&s, m, &t, &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, "by hand"));
    sweep_texts_free(&t);
}

static void words_fill_the_form(void **state)
{
    (void)state;
    sweep_form f;
    saint_error e = {0};
    sweep_form_init(&f, "s7");
    assert_string_equal(f.line[FORM_NAME].text, "s7");
    assert_ok(sweep_form_read(&f, "  keep_num=10,20  name=fast limit=6 repeat=2 random=off saint_threshold=0.7:0.9:0.1 keep_num=10,20,30 ", err));
    assert_string_equal(f.line[FORM_NAME].text, "fast");
    assert_string_equal(f.line[FORM_AXIS].text, "keep_num=10,20,30"); /* the same parameter again replaces its line */
    assert_string_equal(f.line[FORM_AXIS + 1].text, "saint_threshold=0.7:0.9:0.1");
    assert_string_equal(f.line[FORM_AXIS + 2].text, "");
    assert_string_equal(f.line[FORM_LIMIT].text, "6");
    assert_false(f.random);
    assert_int_equal(f.method, SWEEP_GRID);
    assert_ok(sweep_form_read(&f, "method=sobol count=8", err));
    assert_int_equal(f.method, SWEEP_SOBOL);
    static const char *const bad[] = {"nonsense", "method=list", "random=perhaps", "a=1 b=1 c=1 d=1 e=1"};
    for (size_t i = 0; i < 4; i++) {
        e.text[0] = 0;
        assert_int_equal(sweep_form_read(&f, bad[i], &e), SAINT_INVALID);
        assert_true(strlen(e.text) > 10);
    }
    assert_ok(sweep_form_read(&f, "", err));
}

static void the_estimate_is_the_plan(void **state)
{
    (void)state;
    saint_settings base = busy();
    sweep_ground g = ground_of(&base);
    sweep_form f;
    sweep_estimate y;
    sweep_form_init(&f, "s");
    assert_ok(sweep_form_read(&f, "keep_num=10,20,30 limit=6 repeat=2", err));
    assert_ok(sweep_form_check(&f, &g, &y, err));
    assert_int_equal(y.runs, 1 + 3 + 3); /* unpruned, three, a random twin of each */
    assert_int_equal(y.samples, 6);
    assert_int_equal(y.units, 7 * 6 * 2);
    assert_true(fabs(y.seconds - 0.05 * (double)y.units) < 1e-9 && y.bytes > 0);
    assert_ok(sweep_form_read(&f, "random=off limit=0", err));
    assert_ok(sweep_form_check(&f, &g, &y, err));
    assert_int_equal(y.runs, 4);
    assert_int_equal(y.samples, SWEEP_SAMPLE_SAMPLES);
    /* values that mean the same run are one, and it is said */
    assert_ok(sweep_form_read(&f, "keep_num=10,20,20 r=16,8 prune_mode[1]=random", err));
    assert_ok(sweep_form_check(&f, &g, &y, err));
    assert_true(y.note[0] != 0);
    /* more than can be planned at every key: counted, not planned */
    sweep_form_init(&f, "s");
    assert_ok(sweep_form_read(&f, "sim_threshold=0.1:0.9:0.01 gamma=1:40:1 limit=1", err));
    assert_ok(sweep_form_check(&f, &g, &y, err));
    assert_int_equal(y.runs, 1 + 2 * 81 * 40);
    assert_true(y.runs > FORM_ASK);
    g.sample_seconds = NAN;
    assert_ok(sweep_form_check(&f, &g, &y, err));
    assert_true(isnan(y.seconds));
}

static void faults_name_their_line(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        int row;
    } bad[] = {
        {"keep_num=10 name=", FORM_NAME},        {"", FORM_AXIS},
        {"keep_nun=10,20", FORM_AXIS},           {"keep_num=10,20 saint_threshold=x", -1},
        {"keep_num=10 limit=many", FORM_LIMIT},  {"keep_num=10 repeat=0", FORM_REPEAT},
        {"method=sobol keep_num=10:20 count=0", FORM_COUNT},
    };
    saint_settings base = busy();
    sweep_ground g = ground_of(&base);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sweep_form f;
        sweep_estimate y;
        saint_error e = {0};
        sweep_form_init(&f, "s");
        assert_ok(sweep_form_read(&f, bad[i].words, err));
        if (sweep_form_check(&f, &g, &y, &e) == SAINT_OK) fail_msg("%s was accepted", bad[i].words);
        assert_true(strlen(e.text) > 8);
        if (bad[i].row >= 0 && y.row != bad[i].row) fail_msg("%s: row %d, %s", bad[i].words, y.row, e.text);
    }
    /* nothing is pruned, whatever keep_num says */
    saint_settings none;
    saint_settings_default(&none);
    set_param(&none, "mode=none");
    g.base = &none;
    sweep_form f;
    sweep_estimate y;
    saint_error e = {0};
    sweep_form_init(&f, "s");
    assert_ok(sweep_form_read(&f, "keep_num=10,20", err));
    assert_int_equal(sweep_form_check(&f, &g, &y, &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, "unpruned"));
}

/* The request that a child reads is the form. */
static void the_request_says_it_all(void **state)
{
    (void)state;
    saint_settings base = busy();
    sweep_ground g = ground_of(&base);
    sweep_form f;
    sweep_spec a, b;
    sweep_form_init(&f, "again");
    assert_ok(sweep_form_read(&f, "keep_num=10:40:10 sim_threshold[0-1]=0.7,0.8 limit=6 repeat=2 random=off", err));
    assert_ok(sweep_form_spec(&f, &g, &a, NULL, err));
    cJSON *c = sweep_spec_json(&a);
    sweep_spec_init(&b);
    assert_ok(sweep_spec_parse(&b, c, "request.json", err));
    assert_ok(sweep_spec_finish(&b, err));
    assert_string_equal(b.name, "again");
    assert_string_equal(b.model, "models/tiny");
    assert_string_equal(b.data, sample->data);
    assert_true(b.limit == 6 && b.repeat == 2 && b.no_random && b.n_axes == 2);
    sweep_points p, q;
    assert_ok(sweep_points_make(&a, &p, err));
    assert_ok(sweep_points_make(&b, &q, err));
    assert_int_equal(p.n, 8);
    assert_int_equal(q.n, 8);
    for (size_t i = 0; i < p.n * p.n_keys; i++) assert_string_equal(p.value[i], q.value[i]);
    sweep_points_free(&p);
    sweep_points_free(&q);
    sweep_spec_free(&a);
    sweep_spec_free(&b);
    cJSON_Delete(c);
}

static void what_is_proposed_can_be_run(void **state)
{
    (void)state;
    static const char *const plans[] = {"prune_mode[1]=iterative_drop_full_graph", "prune_mode[0]=saint_drop", "prune_mode[1]=tome",
                                        "prune_mode[1]=evit", "mode=llm", "llm_prune_mode[0]=fastv"};
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        saint_settings s;
        char line[128];
        sweep_form f;
        sweep_estimate y;
        saint_settings_default(&s);
        set_params(&s, "keep_num=20", "saint_start=0", "saint_end=1", plans[i], NULL);
        sweep_ground g = ground_of(&s);
        sweep_form_propose(&s, g.info, line, sizeof line);
        assert_true(line[0] != 0);
        sweep_form_init(&f, "s");
        assert_ok(sweep_form_read(&f, line, err));
        assert_ok(sweep_form_check(&f, &g, &y, err));
        if (y.runs < 4) fail_msg("%s: %s gives %zu runs", plans[i], line, y.runs);
    }
    saint_settings none;
    char line[128] = "x";
    saint_settings_default(&none);
    set_param(&none, "mode=none");
    sweep_form_propose(&none, saint_model_get_info(llava), line, sizeof line);
    assert_string_equal(line, "");
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_lead_back_to_themselves),
        cmocka_unit_test(words_fill_the_form),
        cmocka_unit_test(the_estimate_is_the_plan),
        cmocka_unit_test(faults_name_their_line),
        cmocka_unit_test(the_request_says_it_all),
        cmocka_unit_test(what_is_proposed_can_be_run),
    };
    if (!mkdtemp(folder)) return 1;
    assert_ok(sweep_sample_make(folder, SWEEP_SAMPLE_SCENES, &sample, err));
    int failed = run_tiny_group("sweep form", tests, sizeof tests / sizeof *tests);
    sweep_sample_free(sample);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return failed;
}
