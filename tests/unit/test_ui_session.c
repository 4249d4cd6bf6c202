/* What is kept: plans as JSON, exactly; sessions that hold anything at all. */
#include "support/test.h"

#include "ui/loop/core.h"
#include "ui/loop/settings_file.h"

static uint64_t seed = 88172645463325252u;
static uint64_t bits(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}
static int pick(int n) { return (int)(bits() % (uint64_t)n); }

static void must_set(saint_settings *s, const char *key, int layer, const char *value)
{
    char name[96];
    if (layer >= 0) snprintf(name, sizeof name, "%s[%d]", key, layer);
    else snprintf(name, sizeof name, "%s", key);
    assert_ok(saint_settings_set(s, name, value, err));
}

/* One row of params.def somewhere, with a value that it may have. */
static void random_change(saint_settings *s)
{
    int n = 0;
    while (saint_param_at(n)) n++;
    const saint_param_info *p = saint_param_at(pick(n));
    int layer = strcmp(p->scope, "GLOBAL") ? pick(SAINT_MAX_LAYERS) : -1;
    char value[64];
    if (layer >= 0 && pick(6) == 0) layer = -1; /* every layer */
    if (!strcmp(p->type, "METHOD")) {
        const saint_method *m;
        saint_stage stage = !strcmp(p->scope, "LLM") ? SAINT_STAGE_LLM : SAINT_STAGE_VIT;
        int k = 0;
        while (saint_method_at(k)) k++;
        do m = saint_method_at(pick(k + 1));
        while (m && !(m->stages & 1u << stage));
        snprintf(value, sizeof value, "%s", m ? m->name : "None");
    } else if (!strcmp(p->type, "MODE")) snprintf(value, sizeof value, "%s", saint_mode_name((saint_mode)pick(4)));
    else if (!strcmp(p->type, "BOOL")) snprintf(value, sizeof value, "%s", pick(2) ? "true" : "false");
    else if (!strcmp(p->type, "SEED")) snprintf(value, sizeof value, "%llu", (unsigned long long)bits());
    else if (!strcmp(p->type, "INT")) snprintf(value, sizeof value, "%d", (int)p->min + pick(p->max < 255 ? (int)p->max : 255));
    else snprintf(value, sizeof value, "%.9g", p->min + (p->max - p->min) * ((double)(bits() >> 11) / 9007199254740992.0));
    must_set(s, p->name, layer, value);
}

static void plans_come_back_bit_by_bit(void **state)
{
    (void)state;
    for (int round = 0; round < 400; round++) {
        saint_settings s, back;
        memset(&s, 0, sizeof s);
        memset(&back, 0, sizeof back);
        saint_settings_default(&s);
        for (int i = pick(30); i > 0; i--) random_change(&s);
        for (int i = pick(3); i > 0; i--) {
            char name[96];
            int flags = 0;
            while (saint_compat_name(flags)) flags++;
            snprintf(name, sizeof name, "compat.%s", saint_compat_name(pick(flags)));
            must_set(&s, name, -1, "true");
        }
        if (pick(3) == 0) {
            s.hand = (saint_hand){.on = 1, .stage = pick(2), .layer = pick(SAINT_MAX_LAYERS)};
            for (int i = 0; i < SAINT_HAND_MOST / 64; i++) s.hand.keep[i] = pick(2) ? bits() : 0;
        }
        cJSON *c = ui_settings_write(&s);
        assert_non_null(c);
        char *text = cJSON_Print(c);
        cJSON *again = NULL;
        assert_ok(saint_json_parse(text, strlen(text), 1 << 20, "plan", &again, err));
        assert_ok(ui_settings_read(again, &back, err));
        if (memcmp(&s, &back, sizeof s)) fail_msg("round %d: another plan came back from %s", round, text);
        cJSON_free(text);
        cJSON_Delete(c);
        cJSON_Delete(again);
    }
}

/* A parameter that is added to params.def is written too. */
static void every_parameter_is_written(void **state)
{
    (void)state;
    for (int i = 0; saint_param_at(i); i++) {
        const saint_param_info *p = saint_param_at(i);
        saint_settings s, back;
        memset(&s, 0, sizeof s);
        memset(&back, 0, sizeof back);
        saint_settings_default(&s);
        int layer = strcmp(p->scope, "GLOBAL") ? 5 : -1;
        double v = p->def == p->max ? p->min : p->max;
        char value[64];
        if (!strcmp(p->type, "METHOD")) snprintf(value, sizeof value, "random");
        else if (!strcmp(p->type, "MODE")) snprintf(value, sizeof value, "hybrid");
        else if (!strcmp(p->type, "BOOL")) snprintf(value, sizeof value, "%s", v != 0 ? "true" : "false");
        else if (!strcmp(p->type, "SEED")) snprintf(value, sizeof value, "18446744073709551615");
        else snprintf(value, sizeof value, "%.9g", v);
        must_set(&s, p->name, layer, value);
        cJSON *c = ui_settings_write(&s);
        assert_ok(ui_settings_read(c, &back, err));
        if (memcmp(&s, &back, sizeof s)) fail_msg("%s is not kept", p->name);
        cJSON_Delete(c);
    }
}

static void damaged_plans_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"[]", "3", "{\"mode\":\"sideways\"}", "{\"mode\":3}", "{\"keep_num\":{\"x\":\"3\"}}", "{\"keep_num\":{\"0-999\":\"3\"}}",
                                      "{\"keep_num\":{\"0\":\"many\"}}", "{\"keep_num\":{\"0\":3}}", "{\"no_such\":\"3\"}", "{\"llm_method\":\"magic\"}",
                                      "{\"mode_given\":1}", "{\"hand\":\"vit:x\"}", "{\"hand\":3}", "{\"saint_start\":null}", "{\"llm_method\":[1]}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cJSON *c = NULL;
        saint_settings s;
        saint_error e = {0};
        memset(&s, 7, sizeof s);
        saint_settings before = s;
        assert_ok(saint_json_parse(bad[i], strlen(bad[i]), 1 << 16, "plan", &c, err));
        if (ui_settings_read(c, &s, &e) == SAINT_OK) fail_msg("%s was taken", bad[i]);
        assert_true(e.text[0]);
        assert_memory_equal(&s, &before, sizeof s);
        cJSON_Delete(c);
    }
}

static void sessions_of_any_kind_are_taken(void **state)
{
    (void)state;
    static const char *const text[] = {
        "{}", "{\"page\":\"Log\",\"focus\":18,\"theme\":\"light\",\"mouse\":false,\"live\":false,\"layer\":7,\"patch\":33}",
        "{\"page\":7,\"focus\":\"x\",\"theme\":[],\"mouse\":1,\"live\":{},\"layer\":-5,\"patch\":1e300,\"plan\":[],\"plan_a\":3,\"modules\":[]}",
        "{\"focus\":99999,\"marks\":-1,\"layer\":1e9,\"plan\":{\"mode\":\"llm\",\"saint_start\":\"3\"},\"modules\":{\"speed\":{},\"compare\":3}}"};
    ui_options o = {.headless = true};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        ui *u;
        cJSON *c = NULL;
        assert_ok(ui_new(&o, &u, err));
        assert_ok(saint_json_parse(text[i], strlen(text[i]), 1 << 16, "session", &c, err));
        ui_session_take(u, c);
        ui_frame(u);
        assert_true(u->focus >= 0 && u->focus < SAINT_UI_PANE_COUNT);
        assert_true(u->page >= 0 && u->page < SAINT_UI_PAGE_COUNT);
        if (i == 1) {
            assert_int_equal(u->page, SAINT_UI_PAGE_LOG);
            assert_false(u->mouse);
            assert_false(u->live);
            assert_int_equal(u->cursor.at, 7);
            assert_int_equal(u->patch, 33);
            assert_int_equal(u->core->theme, SAINT_UI_LIGHT);
        }
        if (i == 3) {
            assert_true(u->plan[UI_NOW].set);
            assert_int_equal(u->plan[UI_NOW].settings.saint_start, 3);
        }
        cJSON_Delete(c);
        ui_close(u);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_come_back_bit_by_bit),
        cmocka_unit_test(every_parameter_is_written),
        cmocka_unit_test(damaged_plans_are_refused),
        cmocka_unit_test(sessions_of_any_kind_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
