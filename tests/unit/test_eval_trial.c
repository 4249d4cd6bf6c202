/* Identity of configurations: one spelling for one meaning, and the way back. */
#define _GNU_SOURCE
#include "support/tiny.h"

#include "eval/trial.h"

static eval_trial make(const saint_model_info *m, const saint_settings *s, int max_new)
{
    eval_trial t = {.settings = *s, .max_new_tokens = max_new, .twin_of = -1};
    assert_ok(eval_trial_identify(&t, m, err));
    return t;
}

static eval_trial of(const saint_model *model, const char *const *assignments)
{
    saint_settings s;
    saint_settings_default(&s);
    for (int i = 0; assignments[i]; i++) set_param(&s, assignments[i]);
    return make(saint_model_get_info(model), &s, 16);
}
#define OF(model, ...) of(model, (const char *const[]){__VA_ARGS__, NULL})

static void one_trial(eval_trial a, eval_trial b, bool same)
{
    if ((strcmp(a.config, b.config) == 0) != same) fail_msg("expected %s:\n%s\n%s", same ? "one trial" : "two trials", a.config, b.config);
    assert_int_equal(memcmp(&a.digest, &b.digest, sizeof a.digest) == 0, same);
    assert_int_equal(a.id == b.id, same);
    eval_trial_free(&a);
    eval_trial_free(&b);
}

static void spelling_is_canonical(void **state)
{
    (void)state;
    eval_trial t = OF(llava, "prune_mode[1]=iterative_drop_full_graph", "keep_num[1]=40", "llm_prune_mode[0,2]=saint_drop",
                      "saint_threshold=0.83", "saint_gamma[2]=0.1");
    assert_string_equal(t.config, "{\"compat\":[],\"keep_num\":{\"1\":40},\"keep_ratio\":{\"1\":0.65},\"llm_prune_mode\":{\"0\":"
                                  "\"saint_drop\",\"1\":\"None\",\"2\":\"saint_drop\",\"3\":\"None\"},\"max_new_tokens\":16,\"mode\":"
                                  "\"hybrid\",\"prune_mode\":{\"0\":\"None\",\"1\":\"iterative_drop_full_graph\"},\"r\":{\"1\":16},"
                                  "\"saint_K\":{\"0\":5,\"2\":5},\"saint_gamma\":{\"0\":10,\"2\":0.1},\"saint_image_token_length\":-1,"
                                  "\"saint_sys_length\":-1,\"saint_threshold\":{\"0\":0.83,\"2\":0.83},\"use_saint\":false}");
    saint_sha256 h;
    saint_sha256_init(&h);
    saint_sha256_update(&h, t.config, strlen(t.config));
    saint_digest d = saint_sha256_final(&h);
    assert_memory_equal(&d, &t.digest, sizeof d);
    assert_true(t.id >> 56 == d.byte[0] && (t.id & 255) == d.byte[7]);
    assert_false(t.baseline);
    eval_trial_free(&t);
    t = OF(llava, "mode=llm", "saint_start=1", "saint_end=3", "compat=reference");
    assert_string_equal(t.config, "{\"compat\":[\"vit_default_k_gamma\",\"overwrite_r\",\"batch_mean_rate\",\"sys_length_36\","
                                  "\"image_length_counts_cls\",\"decode_position_plus_one\"],\"llm_prune_mode\":\"saint_drop\","
                                  "\"max_new_tokens\":16,\"mode\":\"llm\",\"saint_K\":{\"1-3\":5},\"saint_end\":3,\"saint_gamma\":"
                                  "{\"1-3\":10},\"saint_image_token_length\":-1,\"saint_start\":1,\"saint_sys_length\":-1,"
                                  "\"saint_threshold\":{\"1-3\":0.83},\"use_saint\":true}");
    eval_trial_free(&t);
    t = OF(timm, "prune_mode[2]=random", "seed=18446744073709551615");
    assert_string_equal(t.config, "{\"compat\":[],\"keep_num\":{\"2\":376},\"keep_ratio\":{\"2\":0.65},\"mode\":\"vit\",\"prune_mode\":"
                                  "{\"0-1\":\"None\",\"2\":\"random\"},\"seed\":{\"2\":\"18446744073709551615\"}}");
    eval_trial_free(&t);
}

static void one_meaning_is_one_trial(void **state)
{
    (void)state;
    /* what the method does not read */
    one_trial(OF(llava, "prune_mode[1]=saint_drop"), OF(llava, "prune_mode[1]=saint_drop", "keep_num=7", "r=3", "seed=5", "K[0]=2"), true);
    one_trial(OF(llava, "prune_mode[1]=saint_drop"), OF(llava, "prune_mode[1]=saint_drop", "K[1]=2"), false);
    /* a stage that the mode switches off */
    one_trial(OF(llava, "prune_mode[1]=random", "mode=none"), OF(llava, "saint_threshold=0.1"), true);
    one_trial(OF(llava, "mode=vit", "prune_mode[1]=tome"), OF(llava, "mode=vit", "prune_mode[1]=tome", "saint_end=2", "saint_K=1"), true);
    one_trial(OF(llava, "mode=vit", "prune_mode[1]=tome"), OF(llava, "mode=hybrid", "prune_mode[1]=tome", "use_saint=false"), true);
    one_trial(OF(llava, "prune_mode[1]=tome", "saint_sys_length=3"), OF(llava, "prune_mode[1]=tome", "compat.sys_length_36=true"), true);
    one_trial(OF(llava, "mode=none", "compat=reference"), OF(llava, "mode=none"), true);
    /* two ways to name the same layers */
    one_trial(OF(llava, "mode=llm", "saint_start=1", "saint_end=2"), OF(llava, "llm_prune_mode[1,2]=saint_drop"), true);
    one_trial(OF(llava, "mode=llm", "saint_start=1", "saint_end=2"), OF(llava, "llm_prune_mode[1]=saint_drop"), false);
    one_trial(OF(llava, "mode=llm", "saint_start=1", "saint_end=2"),
              OF(llava, "mode=llm", "saint_start=1", "saint_end=2", "saint_threshold=0.83"), true);
    /* a list made by hand, and what lies under it */
    one_trial(OF(llava, "hand=vit:1:0-20", "mode=vit"), OF(llava, "hand=vit:1:0-20", "prune_mode[1]=tome"), true);
    one_trial(OF(llava, "hand=llm:2:0-20", "mode=none"), OF(llava, "mode=none"), true);
    one_trial(OF(llava, "mode=llm", "saint_start=1", "saint_end=3", "hand=llm:2:7"),
              OF(llava, "llm_prune_mode[1,3]=saint_drop", "hand=llm:2:7"), true);
    one_trial(OF(llava, "mode=llm", "saint_start=1", "saint_end=3", "hand=llm:2:7"), OF(llava, "mode=llm", "saint_start=1", "saint_end=3"),
              false);
    one_trial(OF(llava, "hand=vit:1:0-20"), OF(llava, "hand=vit:1:0-21"), false);
    /* what does matter */
    one_trial(OF(llava, "prune_mode[1]=saint_drop"), OF(llava, "prune_mode[0]=saint_drop"), false);
    one_trial(OF(llava, "prune_mode[1]=iterative_drop_full_graph"),
              OF(llava, "prune_mode[1]=iterative_drop_full_graph", "compat.overwrite_r=true"), false);
    one_trial(OF(llava, "mode=llm", "saint_start=1", "saint_end=1"),
              OF(llava, "mode=llm", "saint_start=1", "saint_end=1", "compat.decode_position_plus_one=true"), false);
    saint_settings s;
    saint_settings_default(&s);
    one_trial(make(saint_model_get_info(llava), &s, 16), make(saint_model_get_info(llava), &s, 17), false);
}

/* Settings at random, more often wrong for the model than a user's. */
static void random_settings(uint64_t *rng, saint_settings *s, const saint_model_info *m)
{
    char text[96];
    saint_settings_default(s);
    set_param(s, "use_saint=false");
    if (pick(rng, 2)) set_param(s, pick(rng, 2) ? "mode=hybrid" : pick(rng, 2) ? "mode=llm" : "mode=vit");
    if (m->llm_layers && pick(rng, 3) == 0) {
        int first = pick(rng, m->llm_layers), last = first + pick(rng, m->llm_layers - first);
        set_param(s, "use_saint=true");
        snprintf(text, sizeof text, "saint_end=%d", last);
        set_param(s, text);
        snprintf(text, sizeof text, "saint_start=%d", first);
        set_param(s, text);
    }
    for (int n = pick(rng, 5); n > 0; n--) {
        if (m->vit_layers_run) random_site(rng, s, m, SAINT_STAGE_VIT, pick(rng, m->vit_layers_run));
        if (m->llm_layers && pick(rng, 2)) random_site(rng, s, m, SAINT_STAGE_LLM, pick(rng, m->llm_layers));
    }
    snprintf(text, sizeof text, "sim_threshold[%d]=%.9g", pick(rng, 3), (double)test_random(rng));
    set_param(s, text);
    for (int n = pick(rng, 3); n > 0; n--) {
        snprintf(text, sizeof text, "compat.%s=true", saint_compat_name(pick(rng, SAINT_COMPAT_COUNT)));
        set_param(s, text);
    }
    if (pick(rng, 4) == 0) set_param(s, "saint_sys_length=3");
    if (pick(rng, 4) == 0) set_param(s, "saint_image_token_length=11");
    if (m->vit_layers && pick(rng, 3) == 0) {
        s->hand.on = 1;
        s->hand.stage = m->llm_layers && pick(rng, 2) ? SAINT_STAGE_LLM : SAINT_STAGE_VIT;
        s->hand.layer = pick(rng, 2);
        for (int p = 0; p < m->grid_w * m->grid_h; p++) saint_hand_mark(&s->hand, p, pick(rng, 4) != 0);
    }
}

static void random_settings_come_back(void **state)
{
    (void)state;
    uint64_t rng = 41;
    saint_model *const models[] = {llava, timm, clip, llama};
    int with_sites = 0, with_hand = 0;
    for (int i = 0; i < 4000; i++) {
        const saint_model_info *m = saint_model_get_info(models[i % 4]);
        static saint_settings s, back;
        static saint_plan p, q;
        int max_new = pick(&rng, 100), again;
        random_settings(&rng, &s, m);
        eval_trial t = make(m, &s, max_new);
        assert_ok(eval_trial_parse(t.config, &back, &again, err));
        assert_ok(saint_plan_build(&p, &s, m, NULL, err));
        assert_ok(saint_plan_build(&q, &back, m, NULL, err));
        saint_mode mode = saint_plan_mode(&p);
        if (!(mode & SAINT_MODE_LLM)) { /* then these mean nothing */
            p.sys_length = p.image_token_length = -1;
            p.compat &= mode ? ~(1u << SAINT_COMPAT_SYS_LENGTH_36 | 1u << SAINT_COMPAT_IMAGE_LENGTH_COUNTS_CLS |
                                 1u << SAINT_COMPAT_DECODE_POSITION_PLUS_ONE)
                             : 0;
        }
        assert_memory_equal(&p, &q, sizeof p);
        assert_int_equal(again, m->llm_layers ? max_new : 0);
        assert_int_equal(t.baseline, p.n_sites == 0);
        eval_trial whole;
        assert_ok(eval_trial_restore(t.config, m, &whole, err));
        assert_string_equal(whole.config, t.config);
        assert_true(whole.id == t.id && whole.twin_of == -1 && whole.baseline == t.baseline);
        with_sites += p.n_sites > 0;
        with_hand += p.hand.on;
        eval_trial_free(&whole);
        eval_trial_free(&t);
    }
    assert_true(with_sites > 1000 && with_hand > 400);
}

/* Whoever adds a parameter has to write it into identities. */
static void every_parameter_is_written(void **state)
{
    (void)state;
    eval_trial some[] = {
        OF(llava, "mode=llm", "saint_start=1", "saint_end=3"),
        OF(llava, "prune_mode[0]=saint_drop", "prune_mode[1]=iterative_drop_full_graph"),
        OF(llava, "prune_mode[0]=random", "llm_prune_mode[1]=random", "llm_prune_mode[2]=iterative_drop_full_graph"),
    };
    for (int i = 0; saint_param_at(i); i++) {
        char key[64];
        bool found = false;
        snprintf(key, sizeof key, "\"%s\":", saint_param_at(i)->name);
        for (size_t k = 0; k < sizeof some / sizeof *some; k++) found |= strstr(some[k].config, key) != NULL;
        if (!found) fail_msg("%s is in no identity", saint_param_at(i)->name);
    }
    for (size_t k = 0; k < sizeof some / sizeof *some; k++) eval_trial_free(&some[k]);
}

static void settings_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    eval_trial t = {.twin_of = -1};
    saint_error e = {0};
    saint_settings_default(&t.settings);
    set_param(&t.settings, "mode=llm");
    set_param(&t.settings, "saint_end=16");
    assert_int_equal(eval_trial_identify(&t, saint_model_get_info(llava), &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, "saint_end"));
    assert_null(t.config);
}

static void texts_that_are_none_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"", "trial"},
        {"[]", "object"},
        {"{}", "mode"},
        {"{\"mode\":\"sideways\"}", "sideways"},
        {"{\"mode\":3}", "mode"},
        {"{\"mode\":\"vit\",\"keep_nun\":3}", "keep_num"},
        {"{\"mode\":\"vit\",\"keep_num\":{\"a\":3}}", "keep_num"},
        {"{\"mode\":\"vit\",\"keep_num\":{\"3-1\":3}}", "3-1"},
        {"{\"mode\":\"vit\",\"keep_num\":{\"1\":[3]}}", "keep_num"},
        {"{\"mode\":\"vit\",\"keep_num\":{\"1]\":3}}", "keep_num"},
        {"{\"mode\":\"vit\",\"keep_num\":{\"1\":1e9}}", "keep_num"},
        {"{\"mode\":\"vit\",\"prune_mode\":{\"1\":\"fastv\"}}", "fastv"},
        {"{\"mode\":\"vit\",\"compat\":\"reference\"}", "compat"},
        {"{\"mode\":\"vit\",\"compat\":[\"no_such\"]}", "no_such"},
        {"{\"mode\":\"llm\",\"saint_start\":9,\"saint_end\":3}", "saint_start"},
        {"{\"mode\":\"llm\",\"max_new_tokens\":-1}", "max_new_tokens"},
        {"{\"mode\":\"llm\",\"max_new_tokens\":\"x\"}", "max_new_tokens"},
        {"{\"mode\":\"llm\",\"twin_of\":\"0\"}", "twin_of"},
        {"{\"mode\":\"llm\",\"hand\":3}", "hand"},
        {"{\"mode\":\"llm\",\"hand\":\"llm:1:3-2048\"}", "hand"},
        {"{\"mode\":\"llm\",\"hand\":\"llm:96:3\"}", "hand"},
        {"{\"mode\":\"llm\",\"hand\":\"llm:1:3,\"}", "hand"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static saint_settings s;
        int max_new;
        saint_error e = {0};
        if (eval_trial_parse(rows[i].text, &s, &max_new, &e) != SAINT_FORMAT) fail_msg("%s was accepted", rows[i].text);
        if (!strstr(e.text, rows[i].words)) fail_msg("expected \"%s\" in: %s", rows[i].words, e.text);
    }
    eval_trial t;
    saint_error e = {0};
    /* parses, but is not how this program would write it */
    assert_int_equal(eval_trial_restore("{\"mode\":\"none\", \"max_new_tokens\":3}", saint_model_get_info(llava), &t, &e), SAINT_FORMAT);
    assert_non_null(strstr(e.text, "llava-tiny-new"));
}

static void a_twin_is_a_trial_of_its_own(void **state)
{
    (void)state;
    const saint_model_info *m = saint_model_get_info(llava);
    eval_trial a = OF(llava, "prune_mode[1]=saint_drop", "llm_prune_mode[0,2]=fastv", "compat=reference"), b, twin, other, back;
    a.ordinal = 7;
    a.name = strdup("A");
    assert_ok(eval_trial_twin(&a, m, &twin, err));
    assert_true(twin.twin_of == 7 && twin.twin_id == a.id && twin.id != a.id && !twin.baseline);
    assert_string_equal(twin.name, "random twin of A");
    saint_plan p;
    assert_ok(saint_plan_build(&p, &twin.settings, m, NULL, err));
    assert_int_equal(p.n_sites, 3);
    for (int i = 0; i < 3; i++) assert_string_equal(saint_method_at(p.site[i].method)->name, "random");
    assert_true(p.site[0].stage == SAINT_STAGE_VIT && p.site[0].layer == 1 && p.site[1].layer == 0 && p.site[2].layer == 2);
    assert_null(strstr(twin.config, "keep_num")); /* its partner's records say how many */
    assert_null(strstr(twin.config, "sys_length_36"));
    /* another partner at the same places is another twin */
    b = OF(llava, "prune_mode[1]=saint_drop", "llm_prune_mode[0,2]=fastv", "compat=reference", "K[1]=3");
    assert_ok(eval_trial_twin(&b, m, &other, err));
    assert_true(other.id != twin.id);
    assert_ok(eval_trial_restore(twin.config, m, &back, err));
    assert_true(back.id == twin.id && back.twin_id == a.id);
    eval_trial_free(&back);
    eval_trial by_hand = OF(llava, "hand=vit:1:0-20");
    assert_ok(eval_trial_twin(&by_hand, m, &back, err));
    assert_int_equal(back.settings.vit[1].method, saint_method_index(saint_method_find("random")));
    assert_false(back.settings.hand.on);
    eval_trial_free(&by_hand);
    saint_error e = {0};
    eval_trial none = OF(llava, "mode=none"), no_twin;
    assert_int_equal(eval_trial_twin(&none, m, &no_twin, &e), SAINT_INVALID);
    eval_trial_free(&none);
    eval_trial_free(&a);
    eval_trial_free(&b);
    eval_trial_free(&twin);
    eval_trial_free(&other);
    eval_trial_free(&back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spelling_is_canonical),
        cmocka_unit_test(one_meaning_is_one_trial),
        cmocka_unit_test(random_settings_come_back),
        cmocka_unit_test(every_parameter_is_written),
        cmocka_unit_test(settings_that_do_not_fit_are_refused),
        cmocka_unit_test(texts_that_are_none_are_refused),
        cmocka_unit_test(a_twin_is_a_trial_of_its_own),
    };
    return run_tiny_group("eval_trial", tests, sizeof tests / sizeof *tests);
}
