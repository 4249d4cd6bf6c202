/* Undo and redo of settings against a plain array of everything that was ever shown. */
#include "support/test.h"

#include "support/random.h"
#include "ui/inspect/history.h"

static void set(saint_settings *s, const char *assignment) { assert_ok(saint_settings_assign(s, assignment, err)); }

static bool same(const saint_settings *a, const saint_settings *b) { return memcmp(a, b, sizeof *a) == 0; }

static void a_held_key_is_one_entry(void **state)
{
    (void)state;
    saint_settings s, first;
    const char *label = NULL;
    saint_settings_default(&first);
    memcpy(&s, &first, sizeof s);
    ui_history *h = ui_history_open(&first);
    double t = 10;
    for (int k = 1; k <= 30; k++) { /* 100 ms apart, three seconds in all */
        char text[32];
        snprintf(text, sizeof text, "keep_num=%d", 300 + k);
        set(&s, text);
        assert_true(ui_history_add(h, &s, "keep_num", "keep_num 300 -> x", t += 0.1));
    }
    assert_int_equal(ui_history_undos(h), 1);
    set(&s, "keep_num=200"); /* after a pause: another one */
    ui_history_add(h, &s, "keep_num", "second", t += 0.31);
    set(&s, "r=8"); /* another key at once */
    ui_history_add(h, &s, "r", "third", t += 0.01);
    set(&s, "K=3");
    ui_history_add(h, &s, NULL, "no key", t += 0.01);
    set(&s, "K=4");
    ui_history_add(h, &s, NULL, "no key again", t += 0.01);
    assert_int_equal(ui_history_undos(h), 5);
    assert_string_equal(ui_history_label(h, 0), "no key again");
    assert_string_equal(ui_history_label(h, 3), "second");
    assert_null(ui_history_label(h, 5));
    assert_false(ui_history_add(h, &s, "K", "nothing", t)); /* equal to what is shown */
    for (int i = 0; i < 4; i++) assert_non_null(ui_history_undo(h, &label));
    assert_string_equal(label, "second");
    assert_true(same(ui_history_undo(h, &label), &first));
    assert_null(ui_history_undo(h, &label));
    assert_int_equal(ui_history_redos(h), 5);
    set(&s, "K=9");
    ui_history_add(h, &s, "K", "a new branch", t + 9);
    assert_int_equal(ui_history_redos(h), 0);
    assert_int_equal(ui_history_undos(h), 1);
    ui_history_close(h);
}

static void a_slider_that_comes_back_leaves_nothing(void **state)
{
    (void)state;
    saint_settings s, first;
    saint_settings_default(&first);
    memcpy(&s, &first, sizeof s);
    ui_history *h = ui_history_open(&first);
    set(&s, "keep_num=377");
    ui_history_add(h, &s, "keep_num", "a", 1);
    set(&s, "keep_num=376");
    assert_true(ui_history_add(h, &s, "keep_num", "b", 1.1));
    assert_int_equal(ui_history_undos(h), 0);
    assert_int_equal(ui_history_redos(h), 0);
    ui_history_close(h);
    ui_history_close(NULL);
}

/* What a change continues must not be what was just undone or redone. */
static void a_change_behind_undo_is_new(void **state)
{
    (void)state;
    saint_settings s;
    saint_settings_default(&s);
    ui_history *h = ui_history_open(&s);
    set(&s, "keep_num=1");
    ui_history_add(h, &s, "keep_num", "1", 1);
    set(&s, "keep_num=2");
    ui_history_add(h, &s, "keep_num", "2", 2);
    ui_history_undo(h, NULL);
    set(&s, "keep_num=3");
    ui_history_add(h, &s, "keep_num", "3", 2.05);
    assert_int_equal(ui_history_undos(h), 2);
    double v;
    assert_true(saint_settings_get(ui_history_undo(h, NULL), "keep_num", 0, &v));
    assert_true(v == 1);
    ui_history_close(h);
}

static void random_walks_come_back(void **state)
{
    (void)state;
    enum { STEPS = 3000 };
    static saint_settings past[UI_HISTORY_MOST + STEPS]; /* every value shown, oldest first */
    uint64_t rng = 3;
    saint_settings s;
    saint_settings_default(&s);
    ui_history *h = ui_history_open(&s);
    int n = 1, at = 0, lost = 0;
    memcpy(&past[0], &s, sizeof s);
    for (int step = 0; step < STEPS; step++) {
        int kind = (int)(test_random_bits(&rng) % 10);
        if (kind < 6) {
            char text[64];
            snprintf(text, sizeof text, "keep_num[%d]=%d", (int)(test_random_bits(&rng) % 24), 1 + (int)(test_random_bits(&rng) % 576));
            set(&s, text);
            if (!ui_history_add(h, &s, NULL, "x", step)) continue;
            memcpy(&past[++at], &s, sizeof s);
            n = at + 1;
            if (at - lost >= UI_HISTORY_MOST) lost++; /* the oldest went */
        } else {
            const saint_settings *got = kind < 8 ? ui_history_undo(h, NULL) : ui_history_redo(h, NULL);
            bool possible = kind < 8 ? at > lost : at + 1 < n;
            assert_int_equal(got != NULL, possible);
            if (!got) continue;
            at += kind < 8 ? -1 : 1;
            assert_true(same(got, &past[at]));
            memcpy(&s, got, sizeof s);
        }
        assert_int_equal(ui_history_undos(h), at - lost);
        assert_int_equal(ui_history_redos(h), n - at - 1);
    }
    for (; at > lost; at--) assert_true(same(ui_history_undo(h, NULL), &past[at - 1]));
    for (; at + 1 < n; at++) assert_true(same(ui_history_redo(h, NULL), &past[at + 1]));
    assert_true(lost > 0);
    ui_history_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_held_key_is_one_entry),
        cmocka_unit_test(a_slider_that_comes_back_leaves_nothing),
        cmocka_unit_test(a_change_behind_undo_is_new),
        cmocka_unit_test(random_walks_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
