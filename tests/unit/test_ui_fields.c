/* The table of parameters as fields: every parameter has one, its text sets what it shows, and layers are those the user means. */
#include "support/tiny.h"

#include <math.h>

#include "ui/inspect/fields.h"

static saint_settings settings;
static ui_fields fields;

static void make(const saint_model *m, bool all, const uint8_t *marked, saint_stage stage, int layer)
{
    const saint_model_info *info = m ? saint_model_get_info(m) : NULL;
    ui_fields_source from = {.settings = &settings,
                             .info = info,
                             .marked = marked,
                             .n_vit = info ? info->vit_layers_run : 0,
                             .stage = stage,
                             .layer = layer,
                             .image_tokens = 37,
                             .sys_length = -1,
                             .all = all};
    ui_fields_make(&fields, &from);
}

static int field(const char *key)
{
    int i = ui_fields_find(&fields, key);
    if (i < 0) fail_msg("no field %s", key);
    return i;
}

static void every_parameter_has_a_field(void **state)
{
    (void)state;
    saint_settings_default(&settings);
    fields = (ui_fields){0};
    make(llava, true, NULL, SAINT_STAGE_VIT, 1);
    for (int i = 0; saint_param_at(i); i++) {
        const saint_ui_field_spec *s = &fields.spec[field(saint_param_at(i)->name)];
        assert_true(s->doc && s->doc[0] && s->name && s->name[0]);
        if (s->type == SAINT_UI_FIELD_INT || s->type == SAINT_UI_FIELD_FLOAT) {
            assert_true(s->min < s->max && s->def >= s->min && s->def <= s->max);
            assert_true(s->min >= saint_param_at(i)->min || !strcmp(saint_param_at(i)->type, "SEED"));
        }
    }
    for (int k = 0; saint_compat_name(k); k++) field(saint_compat_name(k));
    for (int i = 0; i < fields.n; i++)
        for (int j = 0; j < i; j++) assert_string_not_equal(fields.key[i], fields.key[j]);
    assert_true(fields.n < UI_FIELDS_MOST);
    make(timm, true, NULL, SAINT_STAGE_VIT, 0);
    assert_int_equal(ui_fields_find(&fields, "saint_start"), -1); /* no LLM, no fields of it */
    field("prune_mode");
    make(llama, true, NULL, SAINT_STAGE_LLM, 0);
    assert_int_equal(ui_fields_find(&fields, "keep_num"), -1);
    field("saint_threshold");
}

/* The unit check of the mapping in fields.c: what a method's row says it reads is what is shown for it. */
static void present_methods_decide_what_is_shown(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        unsigned bit;
        saint_stage stage;
    } rows[] = {{"keep_num", SAINT_PARAM_KEEP_NUM, SAINT_STAGE_VIT},      {"r", SAINT_PARAM_R, SAINT_STAGE_VIT},
                {"sim_threshold", SAINT_PARAM_SIM_THRESHOLD, SAINT_STAGE_VIT}, {"K", SAINT_PARAM_K, SAINT_STAGE_VIT},
                {"gamma", SAINT_PARAM_GAMMA, SAINT_STAGE_VIT},            {"seed", SAINT_PARAM_SEED, SAINT_STAGE_VIT},
                {"llm_keep_num", SAINT_PARAM_KEEP_NUM, SAINT_STAGE_LLM},  {"llm_r", SAINT_PARAM_R, SAINT_STAGE_LLM},
                {"saint_threshold", SAINT_PARAM_SIM_THRESHOLD, SAINT_STAGE_LLM}, {"saint_K", SAINT_PARAM_K, SAINT_STAGE_LLM},
                {"saint_gamma", SAINT_PARAM_GAMMA, SAINT_STAGE_LLM},      {"llm_seed", SAINT_PARAM_SEED, SAINT_STAGE_LLM}};
    for (int i = 0; saint_method_at(i); i++)
        for (int stage = 0; stage < 2; stage++) {
            const saint_method *m = saint_method_at(i);
            if (!(m->stages & 1u << stage)) continue;
            char text[96];
            saint_settings_default(&settings);
            snprintf(text, sizeof text, "%s[1]=%s", stage ? "llm_prune_mode" : "prune_mode", m->name);
            set_param(&settings, text);
            fields = (ui_fields){0};
            make(llava, false, NULL, SAINT_STAGE_VIT, 0);
            for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
                bool expected = (int)rows[k].stage == stage && m->params & rows[k].bit;
                if ((ui_fields_find(&fields, rows[k].name) >= 0) != expected) fail_msg("%s in stage %d: %s", m->name, stage, rows[k].name);
            }
            bool ratio = ui_fields_find(&fields, stage ? "llm_keep_ratio" : "keep_ratio") >= 0;
            assert_int_equal(ratio, stage && m->params & SAINT_PARAM_KEEP_RATIO); /* llm_keep_num is -1, keep_num is not */
            field("prune_mode"), field("mode"), field("compat");
        }
}

static void ranges_are_those_of_the_model(void **state)
{
    (void)state;
    const saint_model_info *m = saint_model_get_info(llava);
    int patches = m->grid_w * m->grid_h;
    saint_settings_default(&settings);
    make(llava, true, NULL, SAINT_STAGE_VIT, 0);
    assert_true(fields.spec[field("keep_num")].max == patches + m->vit_prefix);
    assert_true(fields.spec[field("llm_keep_num")].max == patches);
    assert_true(fields.spec[field("saint_start")].max == m->llm_layers - 1);
    assert_true(fields.spec[field("saint_end")].max == m->llm_layers - 1);
    assert_true(fields.spec[field("r")].max == patches);
    int i = field("saint_image_token_length");
    char text[64];
    assert_string_equal(saint_ui_field_format(&fields.spec[i], -1, text, sizeof text), "37 derived");
    assert_string_equal(saint_ui_field_format(&fields.spec[field("saint_sys_length")], -1, text, sizeof text), "derived");
    make(NULL, true, NULL, SAINT_STAGE_VIT, 0);
    assert_true(fields.spec[field("keep_num")].max == 65536); /* no model yet */
}

/* The text of a field sets what the field shows: for every field, many values, against saint_settings_get. */
static void texts_set_what_they_show(void **state)
{
    (void)state;
    uint64_t rng = 21;
    saint_settings_default(&settings);
    set_param(&settings, "mode=hybrid");
    int changed = 0;
    for (int round = 0; round < 4000; round++) {
        uint8_t marked[16] = {0};
        for (int i = 0; i < 16 && round % 3 == 0; i++) marked[i] = (uint8_t)(pick(&rng, 4) == 0);
        saint_stage stage = pick(&rng, 2) ? SAINT_STAGE_LLM : SAINT_STAGE_VIT;
        int layer = pick(&rng, 2);
        make(llava, true, round % 3 == 0 ? marked : NULL, stage, layer);
        int i = pick(&rng, fields.n);
        saint_ui_field *f = &fields.field[i];
        const saint_ui_field_spec *s = &fields.spec[i];
        saint_ui_field_result r = pick(&rng, 2) ? saint_ui_field_slide(s, f, pick(&rng, 101) / 100.0) : saint_ui_field_step(s, f, 1 - 2 * pick(&rng, 2), pick(&rng, 2));
        if (r != SAINT_UI_FIELD_CHANGED) continue;
        double want = f->value;
        char text[96], key[192], name[64];
        snprintf(name, sizeof name, "%s", fields.key[i]);
        snprintf(key, sizeof key, "%s", ui_fields_key(&fields, i));
        ui_fields_text(&fields, i, want, text, sizeof text);
        if (!strcmp(name, "compat") && want == 2) continue; /* "mixed" cannot be chosen */
        saint_error e = {0};
        if (saint_settings_set(&settings, key, text, &e) != SAINT_OK) fail_msg("%s=%s: %s", key, text, e.text);
        make(llava, true, round % 3 == 0 ? marked : NULL, stage, layer);
        double got = fields.field[field(name)].value;
        if (fabs(got - want) > 1e-6) fail_msg("%s=%s shows %.17g, not %.17g", key, text, got, want);
        changed++;
    }
    assert_true(changed > 2000);
}

static void fields_edit_the_layers_that_are_meant(void **state)
{
    (void)state;
    const saint_model_info *m = saint_model_get_info(llava);
    uint8_t marked[64] = {0};
    saint_settings_default(&settings);
    make(llava, true, marked, SAINT_STAGE_VIT, 1);
    assert_string_equal(ui_fields_key(&fields, field("prune_mode")), "prune_mode[1]"); /* the cursor's */
    assert_string_equal(ui_fields_key(&fields, field("sim_threshold")), "sim_threshold"); /* all */
    assert_string_equal(ui_fields_key(&fields, field("llm_prune_mode")), "llm_prune_mode");
    assert_true(m->llm_layers >= 4);
    marked[0] = 1;
    for (int i = 0; i < 4; i++) marked[m->vit_layers_run + i] = i != 2;
    make(llava, true, marked, SAINT_STAGE_VIT, 1);
    assert_string_equal(ui_fields_key(&fields, field("prune_mode")), "prune_mode[0]");
    assert_string_equal(ui_fields_key(&fields, field("sim_threshold")), "sim_threshold[0]");
    assert_string_equal(ui_fields_key(&fields, field("saint_threshold")), "saint_threshold[0-1,3]");
    assert_string_equal(ui_fields_key(&fields, field("llm_prune_mode")), "llm_prune_mode[0-1,3]");
    assert_string_equal(fields.spec[field("llm_prune_mode")].name, "llm_prune_mode[0-1,3]");
    assert_string_equal(ui_fields_key(&fields, field("saint_start")), "saint_start");
    /* the longest list of layers a network can have still fits */
    saint_model_info big = *m;
    uint8_t every_other[2 * SAINT_MAX_LAYERS];
    for (int i = 0; i < 2 * SAINT_MAX_LAYERS; i++) every_other[i] = i % 2 == 0;
    big.vit_layers = big.vit_layers_run = 0;
    big.llm_layers = SAINT_MAX_LAYERS;
    ui_fields_source from = {.settings = &settings, .info = &big, .marked = every_other, .stage = SAINT_STAGE_LLM, .all = true};
    ui_fields_make(&fields, &from);
    for (int i = 0; i < fields.n; i++) {
        char text[64];
        saint_settings copy = settings;
        const char *key = ui_fields_key(&fields, i);
        if (!strchr(key, '[')) continue;
        assert_int_equal(key[strlen(key) - 1], ']');
        assert_ok(saint_settings_set(&copy, key, ui_fields_text(&fields, i, fields.field[i].value, text, sizeof text), err));
    }
}

static void typing_survives_a_new_list(void **state)
{
    (void)state;
    saint_ui_event five = {.kind = SAINT_UI_PRESS, .ch = '5'};
    saint_settings_default(&settings);
    fields = (ui_fields){0};
    make(llava, true, NULL, SAINT_STAGE_VIT, 0);
    fields.at = field("gamma");
    saint_ui_field_key(&fields.spec[fields.at], &fields.field[fields.at], &five);
    make(llava, true, NULL, SAINT_STAGE_VIT, 2);
    set_param(&settings, "prune_mode[0]=saint_drop"); /* gamma comes to the front */
    int before = fields.at;
    make(llava, true, NULL, SAINT_STAGE_VIT, 2);
    assert_string_equal(fields.key[fields.at], "gamma");
    assert_int_not_equal(fields.at, before);
    assert_int_equal(fields.field[fields.at].state, SAINT_UI_FIELD_EDITED);
    assert_string_equal(fields.field[fields.at].line.text, "5");
    make(llava, false, NULL, SAINT_STAGE_VIT, 2); /* the field goes: the focus stays inside the list */
    assert_true(fields.at >= 0 && fields.at < fields.n);
}

static void presets_are_recognised(void **state)
{
    (void)state;
    ui_presets p = {0};
    ui_presets_load(&p, saint_model_get_info(llava));
    assert_true(p.n >= 4);
    for (int i = 0; i < p.n; i++) {
        saint_settings s;
        memcpy(&s, &p.settings[i], sizeof s);
        s.compat = 5;
        s.hand.on = 1;
        int found = ui_presets_find(&p, &s);
        assert_true(found >= 0);
        if (found != i) { /* two presets may mean the same on a small model */
            s.hand.on = 0;
            memset(&s.hand, 0, sizeof s.hand);
            s.compat = 0;
            saint_plan a, b;
            assert_ok(saint_plan_build(&a, &p.settings[i], saint_model_get_info(llava), NULL, err));
            assert_ok(saint_plan_build(&b, &p.settings[found], saint_model_get_info(llava), NULL, err));
            assert_memory_equal(&a, &b, sizeof a);
        }
        set_param(&s, "gamma[0]=3.5");
        assert_int_equal(ui_presets_find(&p, &s), -1);
        assert_string_equal(p.choice[i], p.name[i]);
    }
    assert_string_equal(p.choice[p.n], "custom");
    ui_presets_free(&p);
}

static void settings_can_be_read_by_name(void **state)
{
    (void)state;
    double v;
    saint_settings_default(&settings);
    set_params(&settings, "mode=hybrid", "saint_end=12", "saint_threshold[3]=0.5", "prune_mode[2]=tome", "seed[1]=77", "llm_prune_mode=random", NULL);
    assert_true(saint_settings_get(&settings, "mode", -1, &v) && v == SAINT_MODE_HYBRID);
    assert_true(saint_settings_get(&settings, "saint_end", 4, &v) && v == 12);
    assert_true(saint_settings_get(&settings, "saint_threshold", 3, &v) && v == 0.5);
    assert_true(saint_settings_get(&settings, "seed", 1, &v) && v == 77);
    assert_true(saint_settings_get(&settings, "prune_mode", 2, &v) && (int)v == saint_method_index(saint_method_find("tome")));
    assert_true(saint_settings_get(&settings, "prune_mode", 1, &v) && v == SAINT_METHOD_NONE);
    assert_true(saint_settings_get(&settings, "llm_prune_mode", -1, &v) && (int)v == saint_method_index(saint_method_find("random")));
    assert_true(saint_settings_get(&settings, "llm_prune_mode", 5, &v) && v == SAINT_METHOD_UNSET);
    assert_false(saint_settings_get(&settings, "nothing", 0, &v));
    assert_false(saint_settings_get(&settings, "keep_num", SAINT_MAX_LAYERS, &v));
    assert_false(saint_settings_get(&settings, "keep_num", -1, &v));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_parameter_has_a_field),    cmocka_unit_test(present_methods_decide_what_is_shown),
        cmocka_unit_test(ranges_are_those_of_the_model),  cmocka_unit_test(texts_set_what_they_show),
        cmocka_unit_test(fields_edit_the_layers_that_are_meant), cmocka_unit_test(typing_survives_a_new_list),
        cmocka_unit_test(presets_are_recognised),         cmocka_unit_test(settings_can_be_read_by_name),
    };
    return run_tiny_group("ui_fields", tests, sizeof tests / sizeof *tests);
}
