/* The message row: what answers the user is not covered by what comes by itself before it was read, an error not before a key; and nothing
 * that is said is lost, because the log has all of it. A tiny model, a screen that nobody sees. */
#define _GNU_SOURCE
#include "support/tiny_workbench.h"

#include <stdlib.h>
#include <string.h>

static ui *opened(int w)
{
    ui *u;
    assert_ok(ui_new(&tiny_workbench, &u, err));
    ui_front_resize(u->core->front, w, 36);
    ui_begin(u);
    until_idle(u);
    return u;
}

static void row_text(const ui *u, char *out)
{
    saint_ui_rect row = saint_ui_layout_find(&u->layout, SAINT_UI_PANE_MESSAGE);
    for (int x = 0; x < row.w; x++) {
        const saint_ui_cell *c = saint_ui_canvas_at(&u->canvas, x, row.y);
        if (c->width) out += saint_ui_utf8_put(c->ch, out);
    }
    *out = 0;
}

static bool row_has(ui *u, const char *text)
{
    char row[4 * SAINT_UI_CANVAS_MOST + 1];
    ui_frame(u);
    row_text(u, row);
    return strstr(row, text) != NULL;
}

static void answers_to_the_user_are_not_covered(void **state)
{
    (void)state;
    ui *u = opened(80);
    assert_true(row_has(u, "answer in"));
    ui_say(u, SAINT_UI_SAY_INFO, "run 12 of a sweep with a long name is the live plan");
    assert_true(row_has(u, "is the live plan"));
    assert_false(row_has(u, "answer in"));
    ui_report(u, SAINT_UI_SAY_GOOD, "Is there a star?  Yes: answer in 12 ms, 7 of 16 layers from the cache");
    assert_true(row_has(u, "is the live plan")); /* unread: the report waits */
    assert_false(row_has(u, "answer in"));
    press(u, ".");
    assert_true(row_has(u, "answer in 12 ms")); /* read: now it has the row */
    assert_false(row_has(u, "is the live plan"));
    ui_close(u);
}

/* h j k l go where the arrows go, and the field they choose says what it means where its pane has no row for that. */
static void letters_are_arrows_and_fields_explain_themselves(void **state)
{
    (void)state;
    ui *u = opened(80);
    ui_front_resize(u->core->front, 80, 24);
    ui_frame(u);
    assert_int_equal(u->focus, SAINT_UI_PANE_PARAMS);
    const int was = u->fields.at;
    press(u, "j");
    assert_int_equal(u->fields.at, was + 1);
    const saint_ui_field_spec *s = &u->fields.spec[u->fields.at];
    char says[64];
    snprintf(says, sizeof says, "%s: %.20s", s->name, s->doc);
    assert_true(row_has(u, says));
    press(u, "k");
    assert_int_equal(u->fields.at, was);
    const double value = u->fields.field[was].value;
    press(u, "l");
    assert_true(u->fields.field[was].value != value);
    press(u, "h");
    assert_true(u->fields.field[was].value == value);
    ui_go(u, SAINT_UI_PAGE_LOG); /* where arrows mean nothing to the pane, the letter is named that was typed */
    ui_frame(u);
    press(u, "l");
    assert_true(row_has(u, "l does nothing here"));
    press(u, ":"); /* text is text */
    press(u, "h");
    assert_string_equal(u->core->over.line.text, "h");
    ui_close(u);
}

static void both_stand_where_both_fit(void **state)
{
    (void)state;
    ui *u = opened(200);
    ui_say(u, SAINT_UI_SAY_INFO, "run 12 is the live plan");
    ui_report(u, SAINT_UI_SAY_GOOD, "Yes: answer in 12 ms");
    assert_true(row_has(u, "run 12 is the live plan   "));
    assert_true(row_has(u, "answer in 12 ms"));
    press(u, ".");
    assert_false(row_has(u, "run 12"));
    assert_true(row_has(u, "answer in 12 ms"));
    ui_report(u, SAINT_UI_SAY_GOOD, "No: answer in 9 ms"); /* the newer report alone */
    assert_false(row_has(u, "12 ms"));
    assert_true(row_has(u, "answer in 9 ms"));
    ui_close(u);
}

static void a_read_answer_makes_room(void **state)
{
    (void)state;
    ui *u = opened(200);
    ui_say(u, SAINT_UI_SAY_GOOD, "dropped tokens are dim");
    press(u, ".");
    assert_true(row_has(u, "dropped tokens are dim")); /* nothing newer: it stays */
    ui_report(u, SAINT_UI_SAY_GOOD, "Yes: answer in 12 ms");
    assert_false(row_has(u, "dropped tokens"));
    assert_true(row_has(u, "answer in 12 ms"));
    ui_close(u);
}

static void errors_stay_until_a_key(void **state)
{
    (void)state;
    ui *u = opened(80);
    assert_false(ui_do(u, "threshold nonsense"));
    assert_true(row_has(u, "threshold nonsense: expected a cosine"));
    ui_report(u, SAINT_UI_SAY_GOOD, "Yes: answer in 12 ms, 7 of 16 layers from the cache");
    ui_say(u, SAINT_UI_SAY_INFO, "something else went well");
    assert_true(row_has(u, "threshold nonsense"));
    u->core->frozen = false; /* not by time either */
    assert_true(ui_next_due(u) > ui_now(u) + 1e6);
    press(u, ".");
    assert_false(row_has(u, "threshold nonsense"));
    assert_true(row_has(u, "answer in 12 ms"));
    ui_close(u);
}

static void seconds_read_it_too_and_nothing_wakes_without_need(void **state)
{
    (void)state;
    ui *u = opened(80);
    u->core->frozen = false;
    ui_say(u, SAINT_UI_SAY_INFO, "run 12 of a sweep with a long name is the live plan");
    assert_true(ui_next_due(u) > ui_now(u) + 1e6); /* nothing waits behind it: no timer */
    ui_report(u, SAINT_UI_SAY_GOOD, "Yes: answer in 12 ms, 7 of 16 layers from the cache");
    double due = ui_next_due(u);
    assert_true(due > ui_now(u) && due < ui_now(u) + 10);
    u->core->frozen = true; /* the clock is ours again: */
    assert_true(row_has(u, "is the live plan"));
    u->core->frozen = false;
    u->core->said -= 100; /* long ago */
    ui_tick(u);
    assert_true(row_has(u, "answer in 12 ms"));
    assert_true(ui_next_due(u) > ui_now(u) + 1e6);
    ui_close(u);
}

static bool screen_has(ui *u, const char *text)
{
    ui_frame(u);
    char *dump = saint_ui_canvas_dump(&u->canvas, false);
    bool found = strstr(dump, text) != NULL;
    free(dump);
    return found;
}

/* The end of an error says how to mend it. */
static void an_error_is_never_cut(void **state)
{
    (void)state;
    ui *u = opened(80);
    ui_say(
        u, SAINT_UI_SAY_BAD,
        "a/long/path/to/some/file.json: expected one thing of the many that can be there, found another one; do this and that to mend it");
    assert_true(screen_has(u, "a/long/path"));
    assert_true(screen_has(u, "mend it"));
    press(u, ".");
    assert_false(screen_has(u, "mend it"));
    ui_say(u, SAINT_UI_SAY_INFO,
           "a long piece of news that would take more than one row if it were an error, which it is not, so it ends here");
    assert_false(screen_has(u, "ends here")); /* news does not push the page away */
    ui_close(u);
}

/* Without a model no page shows numbers, each says why. */
static void no_model_is_said_on_every_page(void **state)
{
    (void)state;
    static const ui_options without = {.headless = true,
                                       .load = {.model = "/nowhere/a-folder-with-a-name-that-is-longer-than-a-row-of-this-screen/llava"},
                                       .data = "images:" SAINT_FIXTURE_DIR "/pictures"};
    ui *u;
    assert_ok(ui_new(&without, &u, err));
    ui_front_resize(u->core->front, 80, 24);
    ui_begin(u);
    until_idle(u);
    assert_true(screen_has(u, "No such file"));
    press(u, "Tab");
    for (int page = SAINT_UI_PAGE_COMPARE; page <= SAINT_UI_PAGE_CHARTS; page++) {
        ui_go(u, (saint_ui_page)page);
        if (!screen_has(u, "No such file")) fail_msg("page %d does not say why there is no model", page + 1);
        assert_false(screen_has(u, "0.0"));
        assert_false(screen_has(u, "running"));
    }
    ui_close(u);
}

/* An action that knows certain words takes those, or the beginning of one; another word does nothing and is said to. */
static void words_that_mean_nothing_do_nothing(void **state)
{
    (void)state;
    ui *u = opened(160);
    static const struct {
        const char *command, *says;
    } wrong[] = {{"sweep keep_num=1", "sweep: no such command; so begin sweep-new, sweep-start"},
                 {"quit q", "quit q: expected now or stop"},         {"live perhaps", "live perhaps: expected on or off"},
                 {"live o", "live o: expected on or off"},           {"mouse maybe", "mouse maybe: expected on or off"},
                 {"brush 7", "brush 7: expected 1, 3 or 5"},         {"paint maybe", "paint maybe: expected drop, keep or off"},
                 {"measure q", "measure q: expected stop"},          {"undo twice", "undo twice: nothing belongs behind undo"},
                 {"page nowhere", "page nowhere: expected inspect"}, {"theme pink", "theme pink: expected dark, light or contrast"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(ui_do(u, wrong[i].command));
        if (!row_has(u, wrong[i].says)) fail_msg("%s: it said %s", wrong[i].command, u->message);
    }
    assert_false(u->quit);
    assert_true(u->live && u->mouse && !u->painting);
    assert_true(ui_do(u, "live of"));
    assert_false(u->live);
    assert_true(ui_do(u, "page SP"));
    assert_int_equal(u->page, SAINT_UI_PAGE_SPEED);
    ui_close(u);
}

static void a_model_that_is_not_there_costs_nothing(void **state)
{
    (void)state;
    ui *u = opened(160);
    assert_true(ui_do(u, "set keep_num=30"));
    until_idle(u);
    char *name = strdup(u->model_name);
    assert_true(ui_do(u, "model /nowhere/at/all"));
    until_idle(u);
    assert_true(row_has(u, "/nowhere/at/all: cannot be opened")); /* until a key */
    assert_non_null(u->info);
    assert_non_null(u->worker);
    assert_string_equal(u->model_name, name);
    double keep;
    assert_true(saint_settings_get(&u->plan[UI_NOW].settings, "keep_num", u->info->vit_layers_run - 1, &keep));
    assert_true(keep == 30);
    free(name);
    ui_close(u);
}

static void the_log_has_everything_but_hints(void **state)
{
    (void)state;
    ui *u = opened(120);
    ui_say(u, SAINT_UI_SAY_INFO, "the first thing said");
    ui_report(u, SAINT_UI_SAY_GOOD, "the second thing said");
    ui_say_hint(u, "the third thing said");
    assert_true(row_has(u, "the third"));
    ui_go(u, SAINT_UI_PAGE_LOG);
    ui_frame(u);
    char *text = saint_ui_canvas_dump(&u->canvas, false);
    const char *first = strstr(text, "the first thing said"), *second = strstr(text, "the second thing said"),
               *third = strstr(text, "the third");
    assert_non_null(first);
    assert_non_null(second);
    assert_true(first < second);
    assert_true(third && !strstr(third + 1, "the third")); /* in the row alone */
    free(text);
    ui_close(u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers_to_the_user_are_not_covered),
        cmocka_unit_test(letters_are_arrows_and_fields_explain_themselves),
                                       cmocka_unit_test(both_stand_where_both_fit),
                                       cmocka_unit_test(a_read_answer_makes_room),
                                       cmocka_unit_test(errors_stay_until_a_key),
                                       cmocka_unit_test(seconds_read_it_too_and_nothing_wakes_without_need),
                                       cmocka_unit_test(an_error_is_never_cut),
                                       cmocka_unit_test(no_model_is_said_on_every_page),
                                       cmocka_unit_test(words_that_mean_nothing_do_nothing),
        cmocka_unit_test(a_model_that_is_not_there_costs_nothing),
        cmocka_unit_test(the_log_has_everything_but_hints)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
