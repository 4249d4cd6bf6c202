/* From settings to sites of one model. */
#include "support/test.h"

#include "engine.h"

static const saint_model_info llava = {
    .name = "llava", .vit_layers = 24, .vit_layers_run = 23, .vit_prefix = 1, .grid_w = 24, .grid_h = 24, .llm_layers = 32};
static const saint_model_info vit = {
    .name = "vit", .vit_layers = 12, .vit_layers_run = 12, .vit_prefix = 1, .grid_w = 14, .grid_h = 14, .classes = 10};
static const saint_model_info llm = {.name = "llm", .llm_layers = 32};

typedef struct {
    saint_plan plan;
    saint_notes notes;
} built;

static saint_settings settings_of(const char *const *set)
{
    saint_settings s;
    saint_settings_default(&s);
    for (; *set; set++) assert_ok(saint_settings_assign(&s, *set, err));
    return s;
}

#define SET(...) ((const char *const[]){__VA_ARGS__, NULL})

static built build(const saint_model_info *m, const char *const *set)
{
    built b;
    saint_settings s = settings_of(set);
    memset(&b, 0, sizeof b);
    assert_ok(saint_plan_build(&b.plan, &s, m, &b.notes, err));
    return b;
}

static void refused(const saint_model_info *m, const char *const *set, const char *part)
{
    saint_plan p;
    saint_error e = {0};
    saint_settings s = settings_of(set);
    if (saint_plan_build(&p, &s, m, NULL, &e) != SAINT_INVALID) fail_msg("taken; expected a refusal with \"%s\"", part);
    if (!strstr(e.text, part)) fail_msg("%s; expected \"%s\"", e.text, part);
}

static void the_mode_chooses_the_stages(void **state)
{
    (void)state;
    const char *const all[] = {"prune_mode[19]=random", "llm_prune_mode=saint_drop"};
    built b = build(&llava, SET(all[0], all[1], "mode=none"));
    assert_int_equal(b.plan.n_sites, 0);
    assert_int_equal(saint_plan_mode(&b.plan), SAINT_MODE_NONE);
    b = build(&llava, SET(all[0], all[1], "mode=vit"));
    assert_int_equal(b.plan.n_sites, 1);
    assert_int_equal(saint_plan_mode(&b.plan), SAINT_MODE_VIT);
    b = build(&llava, SET(all[0], all[1], "mode=llm"));
    assert_int_equal(b.plan.n_sites, 10); /* layers 7 to 16 */
    assert_int_equal(saint_plan_mode(&b.plan), SAINT_MODE_LLM);
    b = build(&llava, SET(all[0], all[1]));
    assert_int_equal(b.plan.n_sites, 11);
    assert_int_equal(saint_plan_mode(&b.plan), SAINT_MODE_HYBRID);
    for (int i = 1; i < b.plan.n_sites; i++) {
        const saint_site *p = &b.plan.site[i - 1], *q = &b.plan.site[i];
        assert_true(p->stage < q->stage || (p->stage == q->stage && p->layer < q->layer));
    }
    assert_ptr_equal(saint_plan_site(&b.plan, SAINT_STAGE_VIT, 19), &b.plan.site[0]);
    assert_null(saint_plan_site(&b.plan, SAINT_STAGE_VIT, 18));
    assert_int_equal(saint_plan_site(&b.plan, SAINT_STAGE_LLM, 16)->layer, 16);
    assert_null(saint_plan_site(&b.plan, SAINT_STAGE_LLM, 17));
}

static void a_range_that_nobody_set_fits_the_model(void **state)
{
    (void)state;
    saint_model_info small = llava;
    small.llm_layers = 8; /* 7 to 16 of 32: the second quarter and a little more */
    built b = build(&small, SET("mode=llm"));
    assert_int_equal(b.plan.n_sites, 3);
    assert_int_equal(b.plan.site[0].layer, 1);
    assert_int_equal(b.plan.site[2].layer, 3);
    assert_non_null(strstr(b.notes.text[0], "scaled to 1 to 3"));
    small.llm_layers = 17; /* it fits as it is */
    b = build(&small, SET("mode=llm"));
    assert_int_equal(b.plan.site[0].layer, 7);
    assert_int_equal(b.plan.n_sites, 10);
    assert_int_equal(b.notes.n, 0);
    small.llm_layers = 8; /* what is set means itself */
    refused(&small, SET("mode=llm", "saint_start=7"), "saint_end=16");
    b = build(&small, SET("mode=llm", "saint_start=7", "saint_end=7"));
    assert_int_equal(b.plan.n_sites, 1);
    small.llm_layers = 1;
    b = build(&small, SET("mode=llm"));
    assert_int_equal(b.plan.n_sites, 1);
}

static void a_layer_of_its_own_overrides_the_range(void **state)
{
    (void)state;
    built b = build(&llava, SET("use_saint=true", "llm_prune_mode[8]=None", "llm_prune_mode[2]=fastv"));
    assert_int_equal(b.plan.n_sites, 10);
    assert_null(saint_plan_site(&b.plan, SAINT_STAGE_LLM, 8));
    assert_string_equal(saint_method_label(saint_plan_site(&b.plan, SAINT_STAGE_LLM, 2)->method), "fastv");
    b = build(&llava, SET("llm_prune_mode[2]=fastv")); /* nobody asked for the default range */
    assert_int_equal(b.plan.n_sites, 1);
    b = build(&llava, SET("llm_prune_mode[8]=None", "use_saint=true"));
    assert_int_equal(b.plan.n_sites, 9);
    b = build(&llava, SET("llm_prune_mode=grid", "saint_start=3", "saint_end=4"));
    assert_int_equal(b.plan.n_sites, 2);
    assert_string_equal(saint_method_label(b.plan.site[0].method), "grid");
}

static void every_layer_means_every_layer_there_is(void **state)
{
    (void)state;
    assert_int_equal(build(&vit, SET("prune_mode=saint_drop")).plan.n_sites, 12);
    built b = build(&vit, SET("prune_mode=saint_drop", "prune_mode[0]=None", "prune_mode[3-4]=random"));
    assert_int_equal(b.plan.n_sites, 11);
    assert_null(saint_plan_site(&b.plan, SAINT_STAGE_VIT, 0));
    b = build(&llava, SET("prune_mode=random"));
    assert_int_equal(b.plan.n_sites, 23);
    assert_int_equal(b.notes.n, 1); /* layer 23 is behind the features */
    assert_non_null(strstr(b.notes.text[0], "prune_mode[23] has no effect"));
}

static void layers_that_are_not_there_are_refused_by_name(void **state)
{
    (void)state;
    refused(&vit, SET("prune_mode[12]=random"), "prune_mode[12]: the ViT of this model has layers 0 to 11");
    refused(&vit, SET("prune_mode[3-40]=random"), "prune_mode[12]");
    refused(&vit, SET("prune_mode=random", "prune_mode[30]=grid"), "prune_mode[30]");
    refused(&vit, SET("prune_mode=random", "prune_mode[30]=None"), "prune_mode[30]");
    refused(&llava, SET("llm_prune_mode[32]=random"), "llm_prune_mode[32]: the LLM of this model has layers 0 to 31");
    refused(&llava, SET("mode=llm", "saint_end=32"), "saint_end=32");
    refused(&llava, SET("mode=llm", "saint_start=32"), "saint_start=32");
    refused(&llava, SET("mode=llm", "saint_start=200"), "saint_start=200");
    assert_int_equal(build(&llava, SET("mode=llm", "saint_start=200", "use_saint=false")).plan.n_sites, 0);
}

static void a_stage_that_is_not_there_is_noted(void **state)
{
    (void)state;
    built b = build(&vit, SET("prune_mode[2]=random", "llm_prune_mode[50]=random", "mode=hybrid"));
    assert_int_equal(b.plan.n_sites, 1);
    assert_int_equal(b.notes.n, 1);
    assert_non_null(strstr(b.notes.text[0], "no LLM"));
    b = build(&llm, SET("mode=vit", "prune_mode[2]=random"));
    assert_int_equal(b.plan.n_sites, 0);
    assert_non_null(strstr(b.notes.text[0], "no ViT"));
}

/* Plans are compared and hashed as bytes: what a method does not read is zero, whatever the settings say. */
static void equal_plans_are_equal_bytes(void **state)
{
    (void)state;
    built a = build(&llava, SET("prune_mode[3]=random", "seed[3]=4", "sim_threshold[3]=0.1", "K[3]=9", "gamma=3", "r=7"));
    built b = build(&llava, SET("prune_mode[3]=random", "seed[3]=4", "sim_threshold[5]=0.7"));
    assert_memory_equal(&a.plan, &b.plan, sizeof a.plan);
    b = build(&llava, SET("prune_mode[3]=random", "seed[3]=5"));
    assert_true(memcmp(&a.plan, &b.plan, sizeof a.plan) != 0);
    for (int i = 0; saint_method_at(i); i++) {
        const saint_method *m = saint_method_at(i);
        bool in_vit = m->stages & 1u << SAINT_STAGE_VIT;
        char text[64];
        snprintf(text, sizeof text, "%s[1]=%s", in_vit ? "prune_mode" : "llm_prune_mode", m->name);
        b = build(&llava, SET(text, "use_saint=false", "mode=hybrid"));
        const saint_method_params *p = &b.plan.site[0].p;
        assert_int_equal(b.plan.n_sites, 1);
        assert_true((p->r != 0) == ((m->params & SAINT_PARAM_R) != 0));
        assert_true((p->K != 0) == ((m->params & SAINT_PARAM_K) != 0));
        assert_true((p->gamma != 0) == ((m->params & SAINT_PARAM_GAMMA) != 0));
        assert_true((p->sim_threshold != 0) == ((m->params & SAINT_PARAM_SIM_THRESHOLD) != 0));
        assert_true((p->keep_ratio != 0) == ((m->params & SAINT_PARAM_KEEP_RATIO) != 0));
        assert_true((p->keep_num != 0) == ((m->params & SAINT_PARAM_KEEP_NUM) != 0));
    }
}

static void notes_are_kept_once_and_have_an_end(void **state)
{
    (void)state;
    saint_notes n = {0};
    for (int i = 0; i < 3; i++) saint_note(&n, "the same %d", 1);
    assert_int_equal(n.n, 1);
    for (int i = 0; i < 100; i++) saint_note(&n, "another %d", i);
    assert_int_equal(n.n, SAINT_MAX_NOTES);
    saint_note(NULL, "to nobody");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mode_chooses_the_stages),
        cmocka_unit_test(a_range_that_nobody_set_fits_the_model),
        cmocka_unit_test(a_layer_of_its_own_overrides_the_range),
        cmocka_unit_test(every_layer_means_every_layer_there_is),
        cmocka_unit_test(layers_that_are_not_there_are_refused_by_name),
        cmocka_unit_test(a_stage_that_is_not_there_is_noted),
        cmocka_unit_test(equal_plans_are_equal_bytes),
        cmocka_unit_test(notes_are_kept_once_and_have_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
