/* Presets: those of the tree on every model there is, their scaling to other depths, and files that are wrong. */
#define _XOPEN_SOURCE 700 /* mkstemp */
#include "support/session.h"

#include <dirent.h>
#include <unistd.h>

static const char *const folders[] = {
    "clip-vit-tiny", "clip-vit-tiny-patch4-36", "timm-vit-tiny",  "deit-distilled-ls-tiny", "mae-vit-tiny",
    "llama-tiny",    "llama-tiny-sharded",      "llava-tiny-new", "llava-tiny-old",         "llava-tiny-liuhaotian"};

static saint_status load_text(const char *json, saint_preset *p, saint_error *e)
{
    char path[] = "saint-preset-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, json, strlen(json)), strlen(json));
    close(fd);
    saint_status s = saint_preset_load(path, p, e);
    unlink(path);
    return s;
}

static saint_settings applied(const saint_preset *p, const saint_model_info *m, saint_notes *notes)
{
    saint_settings s;
    saint_settings_default(&s);
    assert_ok(saint_preset_apply(p, m, &s, notes, err));
    assert_false(s.mode_given);
    return s;
}

static void preset_on_every_model(const saint_preset *p)
{
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[512];
        saint_model *m;
        saint_notes notes = {0};
        saint_plan plan;
        saint_error e = {0};
        snprintf(path, sizeof path, "%s/%s", SAINT_FIXTURE_DIR, folders[i]);
        if (saint_model_load(&m, path, NULL, &e) != SAINT_OK) {
            assert_non_null(strstr(folders[i], "clip-vit-tiny-patch4-36")); /* the tower of another fixture */
            continue;
        }
        const saint_model_info *info = saint_model_get_info(m);
        saint_settings s = applied(p, info, &notes);
        assert_ok(saint_plan_build(&plan, &s, info, &notes, err));
        if (s.mode & SAINT_MODE_VIT && info->vit_layers) assert_true(saint_plan_mode(&plan) & SAINT_MODE_VIT);
        if (s.mode & SAINT_MODE_LLM && info->llm_layers) assert_true(saint_plan_mode(&plan) & SAINT_MODE_LLM);
        if (s.mode == SAINT_MODE_NONE) assert_int_equal(plan.n_sites, 0);
        saint_model_unref(m);
    }
}

static void every_preset_of_the_tree_applies_to_every_model(void **state)
{
    (void)state;
    DIR *d = opendir(SAINT_SOURCE_DIR "/presets");
    int n = 0;
    assert_non_null(d);
    for (struct dirent *f; (f = readdir(d));) {
        size_t len = strlen(f->d_name);
        if (len < 6 || strcmp(f->d_name + len - 5, ".json") != 0) continue;
        char path[512];
        saint_preset p;
        snprintf(path, sizeof path, "%s/presets/%s", SAINT_SOURCE_DIR, f->d_name);
        assert_ok(saint_preset_load(path, &p, err));
        assert_int_equal(strlen(p.name), len - 5);
        assert_memory_equal(p.name, f->d_name, len - 5); /* found by its name */
        assert_true(p.title[0] && p.doc[0]);
        preset_on_every_model(&p);
        saint_preset_free(&p);
        n++;
    }
    closedir(d);
    assert_true(n >= 5);
}

static void layers_scale_with_the_depth(void **state)
{
    (void)state;
    const struct {
        int made_for, depth, first, last, want_first, want_last;
    } cases[] = {{24, 12, 0, 11, 0, 5},  {24, 32, 0, 11, 0, 15}, {32, 12, 7, 16, 2, 5},  {32, 40, 7, 16, 8, 20},
                 {24, 24, 3, 9, 3, 9},   {32, 2, 7, 16, 0, 0},   {24, 8, 18, 18, 6, 6},  {24, 1, 0, 23, 0, 0},
                 {24, 95, 0, 23, 0, 94}, {12, 24, 3, 3, 6, 7},   {24, 12, 10, 19, 5, 9}, {32, 4, 7, 16, 0, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char json[512];
        saint_preset p;
        saint_model_info m = {
            .vit_layers = cases[i].depth, .vit_layers_run = cases[i].depth, .llm_layers = cases[i].depth, .grid_w = 24, .grid_h = 24};
        snprintf(json, sizeof json,
                 "{\"name\":\"x\",\"made_for\":{\"vit_layers\":%d,\"llm_layers\":%d},\"set\":{\"mode\":\"hybrid\",\"prune_mode[%d-%d]\":"
                 "\"random\",\"saint_start\":%d,\"saint_end\":%d,\"llm_keep_num[%d-%d]\":7}}",
                 cases[i].made_for, cases[i].made_for, cases[i].first, cases[i].last, cases[i].first, cases[i].last, cases[i].first,
                 cases[i].last);
        assert_ok(load_text(json, &p, err));
        saint_settings s = applied(&p, &m, NULL);
        for (int k = 0; k < SAINT_MAX_LAYERS; k++) {
            bool in = k >= cases[i].want_first && k <= cases[i].want_last;
            if ((s.vit[k].method != SAINT_METHOD_NONE) != in || (s.llm[k].p.keep_num == 7) != in)
                fail_msg("%d-%d of %d in %d: layer %d is%s among them", cases[i].first, cases[i].last, cases[i].made_for, cases[i].depth, k,
                         in ? " not" : "");
        }
        assert_int_equal(s.saint_start, cases[i].want_first);
        assert_int_equal(s.saint_end, cases[i].want_last);
        saint_preset_free(&p);
    }
}

static void budgets_scale_with_the_grid(void **state)
{
    (void)state;
    saint_preset p;
    saint_notes notes = {0};
    assert_ok(saint_preset_load(SAINT_SOURCE_DIR "/presets/vit-only.json", &p, err));
    saint_model_info m = {.vit_layers = 24, .vit_layers_run = 23, .vit_prefix = 1, .grid_w = 24, .grid_h = 24, .llm_layers = 32};
    saint_settings s = applied(&p, &m, &notes);
    assert_int_equal(s.vit[19].p.keep_num, 376); /* made for it: nothing scales, nothing is noted */
    assert_int_equal(notes.n, 0);
    m.grid_w = m.grid_h = 8;
    m.vit_layers = 12;
    s = applied(&p, &m, &notes);
    assert_int_equal(s.vit[9].p.keep_num, 42); /* 376 * 65 / 577 = 42.4 */
    assert_int_equal(notes.n, 2);
    saint_preset_free(&p);
}

static void the_user_goes_on_from_a_preset(void **state)
{
    (void)state;
    saint_preset p;
    saint_model_info m = {.vit_layers = 24, .vit_layers_run = 23, .vit_prefix = 1, .grid_w = 24, .grid_h = 24, .llm_layers = 32};
    assert_ok(saint_preset_load(SAINT_SOURCE_DIR "/presets/vit-only.json", &p, err));
    saint_settings s = applied(&p, &m, NULL);
    set_param(&s, "llm_prune_mode[3]=random");
    assert_int_equal(s.mode, SAINT_MODE_HYBRID);
    s = applied(&p, &m, NULL);
    set_param(&s, "mode=none");
    set_param(&s, "prune_mode[1]=random");
    assert_int_equal(s.mode, SAINT_MODE_NONE);
    saint_preset_free(&p);
}

static void wrong_files_are_refused(void **state)
{
    (void)state;
    static const char *const files[] = {"",
                                        "[]",
                                        "{",
                                        "3",
                                        "{\"name\":\"x\"}",
                                        "{\"set\":{}}",
                                        "{\"name\":\"\",\"set\":{}}",
                                        "{\"name\":\"x\",\"set\":[]}",
                                        "{\"name\":\"x\",\"set\":{},\"sets\":{}}",
                                        "{\"name\":3,\"set\":{}}",
                                        "{\"name\":\"x\",\"made_for\":{\"vit_layers\":0},\"set\":{}}",
                                        "{\"name\":\"x\",\"made_for\":{\"vit_layers\":1000},\"set\":{}}"};
    saint_preset p;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        saint_error e = {0};
        saint_status s = load_text(files[i], &p, &e);
        if (s == SAINT_OK || !e.text[0]) fail_msg("%s was taken", files[i]);
        assert_null(p.json);
    }
    assert_int_equal(saint_preset_load("no-such-preset.json", &p, NULL), SAINT_IO);
    static const char *const sets[] = {"\"kepnum\":3",
                                       "\"keep_num\":[3]",
                                       "\"keep_num\":null",
                                       "\"keep_num\":\"three\"",
                                       "\"saint_start\":\"seven\"",
                                       "\"saint_start\":99999999999",
                                       "\"prune_mode[99999999999]\":\"random\"",
                                       "\"prune_mode[3\":\"random\"",
                                       "\"prune_mode[99]\":\"random\"",
                                       "\"prune_mode[-3]\":\"random\"",
                                       "\"prune_mode[9-3]\":\"random\"",
                                       "\"mode\":true"};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        char json[256];
        saint_error e = {0};
        saint_settings s;
        saint_model_info m = {.vit_layers = 12, .vit_layers_run = 12, .llm_layers = 12, .grid_w = 8, .grid_h = 8};
        snprintf(json, sizeof json, "{\"name\":\"x\",\"made_for\":{\"vit_layers\":24,\"llm_layers\":24,\"image_rows\":577},\"set\":{%s}}",
                 sets[i]);
        assert_ok(load_text(json, &p, err));
        saint_settings_default(&s);
        if (saint_preset_apply(&p, &m, &s, NULL, &e) == SAINT_OK) fail_msg("{%s} was taken", sets[i]);
        assert_non_null(strstr(e.text, "preset x"));
        saint_preset_free(&p);
    }
}

/* Lists made by hand are long, and half of one would be another one. */
static void long_lists_come_whole_or_not_at_all(void **state)
{
    (void)state;
    saint_hand h = {.on = 1, .stage = SAINT_STAGE_VIT, .layer = 1};
    for (int p = 0; p < 81; p += 2) saint_hand_mark(&h, p, true);
    static char text[SAINT_HAND_TEXT], json[2 * SAINT_HAND_TEXT];
    snprintf(json, sizeof json, "{\"name\": \"x\", \"set\": {\"hand\": \"%s\"}}", saint_hand_text(&h, text, sizeof text));
    saint_preset p;
    saint_notes notes = {0};
    saint_model *m = load_tiny("llava-tiny-new");
    assert_true(strlen(text) > 64);
    assert_ok(load_text(json, &p, err));
    saint_settings s = applied(&p, saint_model_get_info(m), &notes);
    assert_memory_equal(&s.hand, &h, sizeof h);
    assert_int_equal(s.mode, SAINT_MODE_VIT);
    saint_preset_free(&p);
    int at = snprintf(json, sizeof json, "{\"name\": \"x\", \"set\": {\"hand\": \"vit:1:");
    while (at < (int)(sizeof text) + 40) at += snprintf(json + at, sizeof json - (size_t)at, "%d,", at);
    snprintf(json + at, sizeof json - (size_t)at, "1\"}}");
    saint_error e;
    assert_ok(load_text(json, &p, err));
    assert_int_equal(saint_preset_apply(&p, saint_model_get_info(m), &s, NULL, &e), SAINT_FORMAT);
    saint_preset_free(&p);
    saint_model_unref(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_preset_of_the_tree_applies_to_every_model),
        cmocka_unit_test(layers_scale_with_the_depth),
        cmocka_unit_test(budgets_scale_with_the_grid),
        cmocka_unit_test(the_user_goes_on_from_a_preset),
        cmocka_unit_test(long_lists_come_whole_or_not_at_all),
        cmocka_unit_test(wrong_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
