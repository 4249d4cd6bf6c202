/* The grammar of parameters: names, layers, values, and what one of them does to another. */
#include "support/test.h"

#include "engine.h"

static saint_settings fresh(void)
{
    saint_settings s;
    saint_settings_default(&s);
    return s;
}

static void refused(const char *assignment, const char *part)
{
    saint_settings s = fresh(), before = s;
    saint_error e = {0};
    if (saint_settings_assign(&s, assignment, &e) != SAINT_INVALID) fail_msg("\"%s\" was taken", assignment);
    if (!strstr(e.text, part)) fail_msg("\"%s\": %s; expected \"%s\"", assignment, e.text, part);
    assert_memory_equal(&s, &before, sizeof s); /* what is refused leaves no trace */
}

static void taken(saint_settings *s, const char *assignment) { assert_ok(saint_settings_assign(s, assignment, err)); }

static void layers_are_lists_of_ranges(void **state)
{
    (void)state;
    saint_settings s = fresh();
    taken(&s, "keep_num[0-3,7]=40");
    for (int i = 0; i < SAINT_MAX_LAYERS; i++) assert_int_equal(s.vit[i].p.keep_num, i <= 3 || i == 7 ? 40 : 376);
    taken(&s, "keep_num[7,1-1,95]=9");
    assert_int_equal(s.vit[7].p.keep_num, 9);
    assert_int_equal(s.vit[1].p.keep_num, 9);
    assert_int_equal(s.vit[95].p.keep_num, 9);
    assert_int_equal(s.vit[0].p.keep_num, 40);
    taken(&s, "keep_num=5");
    for (int i = 0; i < SAINT_MAX_LAYERS; i++) assert_int_equal(s.vit[i].p.keep_num, 5);
    static const char *const lists[] = {"keep_num[]=1",     "keep_num[=1",    "keep_num[3=1",   "keep_num[3]x=1",
                                        "keep_num[3-]=1",   "keep_num[-3]=1", "keep_num[3,]=1", "keep_num[,3]=1",
                                        "keep_num[3--5]=1", "keep_num[ 3]=1", "keep_num[a]=1",  "keep_num[0x3]=1"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) refused(lists[i], "expected a list of layers");
    refused("keep_num=0x10", "expected a number");
    refused("keep_num[96]=1", "layers from 0 to 95");
    refused("keep_num[5-3]=1", "rising order");
    refused("keep_num[0-99999999999999999999]=1", "layers from 0 to 95");
    refused("mode[3]=vit", "one value");
    refused("saint_start[1]=2", "one value");
}

static void values_have_a_type_and_a_range(void **state)
{
    (void)state;
    refused("keep_num=many", "expected a number");
    refused("keep_num=", "expected a number");
    refused("keep_num=4x", "expected a number");
    refused("keep_num=4.5", "whole number");
    refused("keep_num=-2", "from -1 to 65536");
    refused("keep_num=1e30", "from -1 to 65536");
    refused("sim_threshold=nan", "expected a number");
    refused("sim_threshold=inf", "expected a number");
    refused("sim_threshold=1.5", "from -1 to 1.0001");
    refused("r=0", "from 1");
    refused("K=-1", "from 0");
    refused("gamma=-0.5", "from 0");
    refused("keep_ratio=1.2", "from 0 to 1");
    refused("seed=-1", "2^64");
    refused("seed=18446744073709551616", "2^64");
    refused("use_saint=maybe", "true or false");
    refused("mode=both", "none, vit, llm or hybrid");
    refused("prune_mode=saint", "no such method");
    refused("prune_mode=fastv", "does not work in the ViT");
    refused("llm_prune_mode=tome", "does not work in the LLM");
    refused("compat=published", "reference or corrected");
    refused("compat.overwrite_r=perhaps", "true or false");
    refused("keep_num", "key=value");
    refused("=3", "key=value");
    saint_settings s = fresh();
    static const char *const on[] = {"use_saint=true", "use_saint=1", "use_saint=yes", "use_saint=on"};
    static const char *const off[] = {"use_saint=false", "use_saint=0", "use_saint=no", "use_saint=off"};
    for (int i = 0; i < 4; i++) {
        taken(&s, off[i]);
        assert_false(s.use_saint);
        taken(&s, on[i]);
        assert_true(s.use_saint);
    }
    taken(&s, "seed=18446744073709551615");
    assert_true(s.vit[0].p.seed == UINT64_MAX);
    taken(&s, "sim_threshold[2]=-1");
    assert_true(s.vit[2].p.sim_threshold == -1.0f);
    taken(&s, "prune_mode[4]=None");
    taken(&s, "prune_mode[4]=none");
    assert_int_equal(s.vit[4].method, SAINT_METHOD_NONE);
}

static void an_unknown_name_brings_up_the_nearest(void **state)
{
    (void)state;
    refused("kepnum=3", "nearest is keep_num");
    refused("KEEP_NUM=3", "nearest is keep_num");
    refused("keep_nun[3]=3", "nearest is keep_num");
    refused("k[11]=3", "nearest is ");
    refused("saint_treshold=0.5", "nearest is saint_threshold");
    refused("prune_mod[10-11,12]=random", "nearest is prune_mode");
    refused("compat.overwriter=1", "nearest is compat.overwrite_r");
    refused("compt=reference", "nearest is compat");
    refused("similarity_threshold_of_the_vision_tower_and_what_else_there_may_be_in_a_very_long_name_that_no_parameter_has=1",
            "no such parameter");
    refused("[3]=1", "no such parameter");
}

static void the_ends_of_the_range_push_each_other(void **state)
{
    (void)state;
    saint_settings s = fresh();
    assert_int_equal(s.saint_start, 7);
    assert_int_equal(s.saint_end, 16);
    taken(&s, "saint_start=20");
    assert_int_equal(s.saint_end, 20);
    taken(&s, "saint_end=5");
    assert_int_equal(s.saint_start, 5);
    taken(&s, "saint_start=3");
    assert_int_equal(s.saint_end, 5);
    refused("saint_start=256", "from 0 to 255");
    refused("saint_end=-1", "from 0");
}

static void a_method_switches_its_stage_on(void **state)
{
    (void)state;
    saint_settings s = fresh();
    assert_int_equal(s.mode, SAINT_MODE_NONE);
    taken(&s, "prune_mode[3]=None");
    taken(&s, "keep_num=3");
    assert_int_equal(s.mode, SAINT_MODE_NONE);
    taken(&s, "prune_mode[3]=random");
    assert_int_equal(s.mode, SAINT_MODE_VIT);
    taken(&s, "llm_prune_mode[1]=random");
    assert_int_equal(s.mode, SAINT_MODE_HYBRID);
    s = fresh();
    taken(&s, "use_saint=true");
    assert_int_equal(s.mode, SAINT_MODE_LLM);
    s = fresh();
    taken(&s, "mode=vit"); /* said by the user, so it stays */
    taken(&s, "llm_prune_mode=fastv");
    taken(&s, "use_saint=true");
    assert_int_equal(s.mode, SAINT_MODE_VIT);
    assert_string_equal(saint_method_label(s.llm_method), "fastv");
    assert_int_equal(s.llm[3].method, SAINT_METHOD_UNSET); /* without layers: the method of saint_start..saint_end */
}

static void compat_is_all_none_or_flag_by_flag(void **state)
{
    (void)state;
    saint_settings s = fresh();
    assert_int_equal(s.compat, 0);
    taken(&s, "compat=reference");
    assert_int_equal(s.compat, (1u << SAINT_COMPAT_COUNT) - 1);
    for (int i = 0; saint_compat_name(i); i++) {
        char text[96];
        snprintf(text, sizeof text, "compat.%s=false", saint_compat_name(i));
        taken(&s, text);
        assert_int_equal(s.compat >> i & 1, 0);
        assert_true(saint_compat_doc(i)[0] != 0);
    }
    assert_int_equal(s.compat, 0);
    taken(&s, "compat.overwrite_r=true");
    assert_int_equal(s.compat, 1u << SAINT_COMPAT_OVERWRITE_R);
    taken(&s, "compat=corrected");
    assert_int_equal(s.compat, 0);
}

/* The table is what --help, sweeps and the screen show: every row can be set, and its default is what fresh settings have. */
static void every_row_of_the_table_works(void **state)
{
    (void)state;
    int n = 0;
    for (; saint_param_at(n); n++) {
        const saint_param_info *p = saint_param_at(n);
        saint_settings s = fresh(), same = s;
        char text[96];
        assert_true(p->doc[0] != 0 && p->min <= p->max);
        if (strcmp(p->type, "INT") == 0 || strcmp(p->type, "FLOAT") == 0) {
            snprintf(text, sizeof text, "%s=%.9g", p->name, p->def);
            taken(&s, text);
            same.range_given = s.range_given;
            same.ends_given = s.ends_given; /* asking for the default is asking */
            if (strncmp(p->name, "saint_start", 11) != 0) assert_memory_equal(&s, &same, sizeof s);
            snprintf(text, sizeof text, "%s=%.9g", p->name, p->min);
            taken(&s, text);
            snprintf(text, sizeof text, "%s=%.9g", p->name, p->max);
            taken(&s, text);
            snprintf(text, sizeof text, "%s=%.9g", p->name, p->max + 1);
            refused(text, p->name);
        }
        if (strcmp(p->scope, "GLOBAL") == 0) continue;
        snprintf(text, sizeof text, "%s[5]=%s", p->name,
                 strcmp(p->type, "METHOD") == 0  ? "random"
                 : strcmp(p->type, "FLOAT") == 0 ? "0.25"
                                                 : "12");
        taken(&s, text);
    }
    assert_int_equal(n, 22);
}

static void one_method_takes_both_spellings(void **state)
{
    (void)state;
    saint_method_params p;
    unsigned compat = 0;
    saint_error e = {0};
    saint_method_params_default(SAINT_STAGE_LLM, &p);
    assert_true(p.sim_threshold == 0.83f && p.K == 5);
    assert_ok(saint_method_params_set(&p, &compat, "saint_threshold=0.5", err));
    assert_true(p.sim_threshold == 0.5f);
    assert_ok(saint_method_params_set(&p, &compat, "sim_threshold=0.6", err));
    assert_true(p.sim_threshold == 0.6f);
    assert_ok(saint_method_params_set(&p, &compat, "compat=reference", err));
    assert_true(compat != 0);
    assert_int_equal(saint_method_params_set(&p, &compat, "saint_start=3", &e), SAINT_INVALID);
    assert_non_null(strstr(e.text, "whole runs"));
    assert_int_equal(saint_method_params_set(&p, &compat, "nonsense=3", &e), SAINT_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_are_lists_of_ranges),
        cmocka_unit_test(values_have_a_type_and_a_range),
        cmocka_unit_test(an_unknown_name_brings_up_the_nearest),
        cmocka_unit_test(the_ends_of_the_range_push_each_other),
        cmocka_unit_test(a_method_switches_its_stage_on),
        cmocka_unit_test(compat_is_all_none_or_flag_by_flag),
        cmocka_unit_test(every_row_of_the_table_works),
        cmocka_unit_test(one_method_takes_both_spellings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
