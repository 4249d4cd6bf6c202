#include "support/test.h"

#include <math.h>

#include "support/random.h"
#include "views/field.h"

static const char *const methods[] = {"None", "saint_drop", "iterative_drop_full_graph", "random", "grid"};
static const saint_ui_field_spec keep = {.name = "keep_num", .type = SAINT_UI_FIELD_INT, .min = 1, .max = 577, .def = 376};
static const saint_ui_field_spec threshold = {.name = "saint_threshold", .type = SAINT_UI_FIELD_FLOAT, .min = 0, .max = 1, .def = 0.75};
static const saint_ui_field_spec similarity = {
    .name = "sim_threshold", .type = SAINT_UI_FIELD_FLOAT, .min = -1, .max = 1.0001, .def = 0.75};
static const saint_ui_field_spec method = {.name = "prune_mode", .type = SAINT_UI_FIELD_CHOICE, .choice = methods, .n_choices = 5};
static const saint_ui_field_spec use = {.name = "use_saint", .type = SAINT_UI_FIELD_BOOL, .def = 1};
static const saint_ui_field_spec length = {
    .name = "length", .type = SAINT_UI_FIELD_INT, .min = -1, .max = 577, .def = -1, .unset = "derived"};
static const saint_ui_field_spec locked = {
    .name = "tokens", .type = SAINT_UI_FIELD_INT, .min = 0, .max = 577, .locked = "derived from keep_num"};
static const saint_ui_field_spec *const specs[] = {&keep, &threshold, &similarity, &method, &use, &length, &locked};

static void typed_values(void **state)
{
    (void)state;
    static const struct {
        const saint_ui_field_spec *spec;
        double now;
        const char *text;
        double want; /* NaN = refused */
    } cases[] = {
        {&keep, 376, "192", 192},
        {&keep, 376, " 192 ", 192},
        {&keep, 376, "50%", 289}, /* of 577: 288.5, rounded */
        {&keep, 376, "+32", 408},
        {&keep, 376, "-32", 344},
        {&keep, 376, "-10%", 338},
        {&keep, 376, "+10%", 414},
        {&keep, 376, "0x40", 64},
        {&keep, 376, "0", NAN},
        {&keep, 376, "578", NAN},
        {&keep, 376, "12.5", NAN},
        {&keep, 376, "", NAN},
        {&keep, 376, "12a", NAN},
        {&keep, 376, "nan", NAN},
        {&keep, 376, "1e2", 100},
        {&threshold, 0.5, "0.83", 0.83},
        {&threshold, 0.5, ".83", 0.83},
        {&threshold, 0.5, "83%", 0.83},
        {&threshold, 0.5, "1.01", NAN},
        {&threshold, 0.5, "0,83", NAN},
        {&threshold, 0.5, "-0.1", 0.4},
        {&similarity, 0.5, "-0.1", -0.1},
        {&method, 0, "sa", 1},
        {&method, 0, "ITER", 2},
        {&method, 0, "x", NAN},
        {&method, 0, "", NAN},
        {&method, 3, "none", 0},
        {&use, 0, "on", 1},
        {&use, 1, "false", 0},
        {&use, 1, "maybe", NAN},
        {&length, 5, "derived", -1},
        {&length, 5, "-1", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double v = 777;
        char error[112];
        bool ok = saint_ui_field_parse(cases[i].spec, cases[i].now, cases[i].text, &v, error);
        if (isnan(cases[i].want)) {
            if (ok || !error[0]) fail_msg("'%s' for %s: taken as %g", cases[i].text, cases[i].spec->name, v);
            assert_true(v == 777);
        } else if (!ok || fabs(v - cases[i].want) > 1e-12) fail_msg("'%s' for %s: %g, %s", cases[i].text, cases[i].spec->name, v, error);
    }
}

static saint_ui_event key(const char *name)
{
    saint_ui_event e;
    assert_true(saint_ui_key_parse(name, &e));
    return e;
}

static saint_ui_field_result press(const saint_ui_field_spec *s, saint_ui_field *f, const char *name)
{
    saint_ui_event e = key(name);
    return saint_ui_field_key(s, f, &e);
}

static void stepping_and_typing(void **state)
{
    (void)state;
    saint_ui_field f = {.value = 376};
    assert_int_equal(press(&keep, &f, "Right"), SAINT_UI_FIELD_CHANGED);
    assert_true(f.value == 377 && f.state == SAINT_UI_FIELD_PENDING);
    press(&keep, &f, "Shift-Left");
    assert_true(f.value < 360 && f.value > 300);
    press(&keep, &f, "End");
    assert_true(f.value == 577);
    assert_int_equal(press(&keep, &f, "Right"), SAINT_UI_FIELD_SAME);
    assert_int_equal(press(&keep, &f, "2"), SAINT_UI_FIELD_SAME); /* a digit opens the editor */
    assert_int_equal(f.state, SAINT_UI_FIELD_EDITED);
    press(&keep, &f, "0");
    press(&keep, &f, "0");
    press(&keep, &f, "0");
    assert_string_equal(f.line.text, "2000");
    assert_string_equal(f.error, "1 to 577");
    assert_int_equal(press(&keep, &f, "Enter"), SAINT_UI_FIELD_SAME); /* refused, still open */
    assert_int_equal(f.state, SAINT_UI_FIELD_EDITED);
    press(&keep, &f, "Backspace");
    assert_string_equal(f.error, "");
    assert_int_equal(press(&keep, &f, "Enter"), SAINT_UI_FIELD_CHANGED);
    assert_true(f.value == 200 && f.state == SAINT_UI_FIELD_PENDING);
    press(&keep, &f, "Enter");
    assert_true(f.line.selected);
    press(&keep, &f, "9");
    assert_string_equal(f.line.text, "9");
    press(&keep, &f, "Esc");
    assert_true(f.value == 200 && f.state == SAINT_UI_FIELD_SHOWN);
    assert_int_equal(press(&keep, &f, "x"), SAINT_UI_FIELD_IGNORED); /* letters are actions */
    f = (saint_ui_field){.value = 0.83};
    press(&threshold, &f, "Right");
    assert_true(fabs(f.value - 0.84) < 1e-9);
    f = (saint_ui_field){.value = 1};
    assert_int_equal(press(&use, &f, "Space"), SAINT_UI_FIELD_CHANGED);
    assert_true(f.value == 0);
    f = (saint_ui_field){.value = 4};
    press(&method, &f, "Space");
    assert_true(f.value == 0);
    f = (saint_ui_field){.value = 5};
    assert_int_equal(press(&locked, &f, "Right"), SAINT_UI_FIELD_SAME);
    assert_true(f.value == 5);
    assert_string_equal(f.error, "derived from keep_num");
}

static void the_slider_reaches_both_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        saint_ui_field f = {.value = 0.5};
        if (specs[i]->locked) continue;
        saint_ui_field_slide(specs[i], &f, 0);
        assert_true(saint_ui_field_share(specs[i], f.value) == 0);
        saint_ui_field_slide(specs[i], &f, 1);
        assert_true(fabs(saint_ui_field_share(specs[i], f.value) - 1) < 1e-3);
        double before = -1;
        for (int k = 0; k <= 50; k++) { /* never back */
            saint_ui_field_slide(specs[i], &f, k / 50.0);
            double share = saint_ui_field_share(specs[i], f.value);
            assert_true(share >= before);
            before = share;
        }
    }
}

static void any_keys_keep_the_value_in_range(void **state)
{
    (void)state;
    static const char *const keys[] = {"Left",      "Right",  "Shift-Left", "Shift-Right", "Home", "End", "Enter", "Esc",
                                       "Backspace", "Space",  "1",          "9",           ".",    "-",   "+",     "%",
                                       "e",         "Ctrl-U", "Ctrl-W",     "Delete",      "s",    "x"};
    uint64_t seed = 17;
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        const saint_ui_field_spec *s = specs[i];
        double low = s->type == SAINT_UI_FIELD_CHOICE || s->type == SAINT_UI_FIELD_BOOL ? 0 : s->min;
        double high = s->type == SAINT_UI_FIELD_CHOICE ? s->n_choices - 1 : s->type == SAINT_UI_FIELD_BOOL ? 1 : s->max;
        saint_ui_field f = {.value = low};
        for (int k = 0; k < 4000; k++) {
            double before = f.value;
            saint_ui_field_result r = press(s, &f, keys[test_random_bits(&seed) % (sizeof keys / sizeof *keys)]);
            assert_true(f.value >= low && f.value <= high);
            assert_int_equal(r == SAINT_UI_FIELD_CHANGED, f.value != before);
            if (s->type != SAINT_UI_FIELD_FLOAT) assert_true(f.value == round(f.value));
            assert_true(strlen(f.line.text) < SAINT_UI_LINE_MOST && f.line.cursor <= (int)strlen(f.line.text));
            char text[64];
            saint_ui_field_format(s, f.value, text, sizeof text);
            double again;
            char error[112];
            if (f.state != SAINT_UI_FIELD_EDITED && !(s->min < 0 && f.value < 0 && !s->unset)) {
                assert_true(saint_ui_field_parse(s, f.value, text, &again, error));
                assert_true(fabs(again - f.value) <= 1e-4); /* what is shown can be typed */
            }
        }
    }
}

static void the_line_keeps_whole_characters(void **state)
{
    (void)state;
    saint_ui_line l;
    saint_ui_line_set(&l, "ab \u732b e\u0301");
    static const char *const keys[] = {"Left", "Left", "Left", "Backspace", "Delete", "Home", "Delete", "End", "Ctrl-W"};
    static const char *const after[] = {"ab \u732b e\u0301", "ab \u732b e\u0301", "ab \u732b e\u0301",
                                        "ab\u732b e\u0301",  "ab e\u0301",        "ab e\u0301",
                                        "b e\u0301",         "b e\u0301",         "b "};
    for (int i = 0; i < 9; i++) {
        saint_ui_event e = key(keys[i]);
        assert_true(saint_ui_line_key(&l, &e));
        assert_string_equal(l.text, after[i]);
    }
    for (int i = 0; i < 2000; i++) saint_ui_line_key(&l, &(saint_ui_event){.kind = SAINT_UI_PASTE, .ch = i % 3 ? 0x732b : '\n'});
    assert_true(strlen(l.text) < SAINT_UI_LINE_MOST);
    const char *p = l.text;
    for (uint32_t ch; (ch = saint_ui_utf8_next(&p));) assert_int_not_equal(ch, 0xfffd);
    assert_null(strchr(l.text, '\n'));
}

static void key_names_come_back(void **state)
{
    (void)state;
    static const char *const names[] = {"a",         "A",      "?",     "-",          "^",          "<",  "Space", "Enter", "Esc",   "Tab",
                                        "Shift-Tab", "Ctrl-P", "Alt-m", "Shift-Left", "Ctrl-Right", "F1", "F12",   "PgDn",  "\u00e4"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        saint_ui_event e = key(names[i]);
        char out[24];
        assert_string_equal(saint_ui_key_name(&e, out), names[i]);
    }
    saint_ui_event e;
    assert_false(saint_ui_key_parse("", &e));
    assert_false(saint_ui_key_parse("Entr", &e));
    assert_true(saint_ui_key_parse("^P", &e) && e.ch == 'p' && e.mods == SAINT_UI_CTRL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(typed_values),
        cmocka_unit_test(stepping_and_typing),
        cmocka_unit_test(the_slider_reaches_both_ends),
        cmocka_unit_test(any_keys_keep_the_value_in_range),
        cmocka_unit_test(the_line_keeps_whole_characters),
        cmocka_unit_test(key_names_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
