/* The table of actions: every row has what help, footer, palette and scripts need, and no key means two things in one place. */
#define _GNU_SOURCE
#include "support/test.h"

#include <stdlib.h>

#include "ui/loop/core.h"

static const saint_ui_pane_id panes[] = {SAINT_UI_PANE_STRIP, SAINT_UI_PANE_IMAGE, SAINT_UI_PANE_IMAGE_B, SAINT_UI_PANE_PARAMS, SAINT_UI_PANE_FACTS,
                                         SAINT_UI_PANE_TOKEN, SAINT_UI_PANE_CHART, SAINT_UI_PANE_CHART_B, SAINT_UI_PANE_BARS, SAINT_UI_PANE_STACKS,
                                         SAINT_UI_PANE_NOTES, SAINT_UI_PANE_PROGRESS, SAINT_UI_PANE_RUNS, SAINT_UI_PANE_LOG};
enum { PANES = sizeof panes / sizeof *panes };

static void every_row_is_whole(void **state)
{
    (void)state;
    for (int i = 0; ui_action_at(i); i++) {
        const ui_action *a = ui_action_at(i);
        if (!a->name[0] || strpbrk(a->name, " \t=")) fail_msg("row %d: the name \"%s\" cannot be typed", i, a->name);
        if (!a->label[0] || !a->group[0]) fail_msg("%s: no label or group", a->name);
        if (strlen(a->doc) < 10 || a->doc[strlen(a->doc) - 1] == '.') fail_msg("%s: the doc is a sentence without its dot: \"%s\"", a->name, a->doc);
        if (!a->perform) fail_msg("%s: no function", a->name);
        if (a->weight && !a->keys[0]) fail_msg("%s: in the footer, but without a key", a->name);
        for (int k = 0; k < i; k++)
            if (!strcmp(a->name, ui_action_at(k)->name)) fail_msg("%s: twice", a->name);
        assert_ptr_equal(ui_action_find(a->name, strlen(a->name)), a);
    }
    assert_null(ui_action_at(-1));
    assert_null(ui_action_at(UI_ACTION_COUNT));
    assert_null(ui_action_find("", 0));
    assert_null(ui_action_find("no-such-thing", 13));
    assert_ptr_equal(ui_action_find("redr", 4), ui_action_at(UI_ACTION_redraw)); /* a beginning that no other one has */
}

static void every_key_can_be_read(void **state)
{
    (void)state;
    int n = 0;
    for (int i = 0; ui_action_at(i); i++) {
        const char *keys = ui_action_at(i)->keys;
        char argument[64];
        saint_ui_event e;
        while (ui_action_key(&keys, &e, argument, sizeof argument)) {
            if (e.kind != SAINT_UI_PRESS) fail_msg("%s: a key that nobody knows in \"%s\"", ui_action_at(i)->name, ui_action_at(i)->keys);
            n++;
        }
    }
    assert_true(n > 20);
    const char *keys = "a=+1 = ==x Ctrl-P";
    static const struct {
        uint32_t ch;
        unsigned mods;
        const char *argument;
    } want[] = {{'a', 0, "+1"}, {'=', 0, ""}, {'=', 0, "x"}, {'p', SAINT_UI_CTRL, ""}};
    char argument[64];
    saint_ui_event e;
    for (int i = 0; i < 4; i++) {
        assert_true(ui_action_key(&keys, &e, argument, sizeof argument));
        assert_int_equal(e.ch, want[i].ch);
        assert_int_equal(e.mods, want[i].mods);
        assert_string_equal(argument, want[i].argument);
    }
    assert_false(ui_action_key(&keys, &e, argument, sizeof argument));
}

static void no_key_means_two_things_in_one_place(void **state)
{
    (void)state;
    for (int i = 0; ui_action_at(i); i++) {
        const char *keys = ui_action_at(i)->keys;
        char argument[64], other[64], name[24];
        saint_ui_event e;
        while (ui_action_key(&keys, &e, argument, sizeof argument))
            for (int page = 0; page < SAINT_UI_PAGE_COUNT; page++)
                for (int p = 0; p < PANES; p++) {
                    if (!ui_action_acts(ui_action_at(i), (saint_ui_page)page, panes[p])) continue;
                    const ui_action *first = ui_action_of_key(&e, (saint_ui_page)page, panes[p], other, sizeof other);
                    if (first != ui_action_at(i) || strcmp(other, argument))
                        fail_msg("%s means \"%s %s\" and \"%s %s\" on page %s in pane %d", saint_ui_key_name(&e, name), ui_action_at(i)->name, argument,
                                 first ? first->name : "nothing", other, saint_ui_page_title(page), (int)panes[p]);
                }
    }
}

/* They are arrows for who is used to that, so no row may have them. */
static void letters_of_vi_are_free(void **state)
{
    (void)state;
    for (const char *c = "hjkl"; *c; c++)
        for (int page = 0; page < SAINT_UI_PAGE_COUNT; page++)
            for (int p = 0; p < PANES; p++) {
                char argument[64];
                saint_ui_event e = {.kind = SAINT_UI_PRESS, .key = SAINT_UI_KEY_CHAR, .ch = (uint32_t)*c};
                if (ui_action_of_key(&e, (saint_ui_page)page, panes[p], argument, sizeof argument)) fail_msg("%c is taken on page %s", *c, saint_ui_page_title(page));
            }
}

static void every_row_acts_somewhere(void **state)
{
    (void)state;
    for (int i = 0; ui_action_at(i); i++) {
        bool any = false;
        for (int page = 0; page < SAINT_UI_PAGE_COUNT; page++)
            for (int p = 0; p < PANES; p++) any = any || ui_action_acts(ui_action_at(i), (saint_ui_page)page, panes[p]);
        if (!any) fail_msg("%s acts nowhere", ui_action_at(i)->name);
    }
}

static void keys_are_found_with_their_arguments(void **state)
{
    (void)state;
    char argument[64];
    saint_ui_event e;
    assert_true(saint_ui_key_parse("7", &e));
    assert_ptr_equal(ui_action_of_key(&e, SAINT_UI_PAGE_INSPECT, SAINT_UI_PANE_IMAGE, argument, sizeof argument), ui_action_at(UI_ACTION_page));
    assert_string_equal(argument, "log");
    assert_true(saint_ui_key_parse("Shift-Tab", &e));
    assert_ptr_equal(ui_action_of_key(&e, SAINT_UI_PAGE_LOG, SAINT_UI_PANE_LOG, argument, sizeof argument), ui_action_at(UI_ACTION_focus));
    assert_string_equal(argument, "back");
    assert_true(saint_ui_key_parse("Ctrl-P", &e));
    assert_ptr_equal(ui_action_of_key(&e, SAINT_UI_PAGE_LOG, SAINT_UI_PANE_LOG, argument, sizeof argument), ui_action_at(UI_ACTION_palette));
    assert_true(saint_ui_key_parse("p", &e));
    const ui_action *p = ui_action_of_key(&e, SAINT_UI_PAGE_LOG, SAINT_UI_PANE_LOG, argument, sizeof argument);
    assert_true(p != ui_action_at(UI_ACTION_palette)); /* without Ctrl it is another key */
}

/* A screen without a model: what cannot be done says why, and lists carry it along. */
static void what_is_not_possible_says_why(void **state)
{
    (void)state;
    ui *u;
    ui_options o = {.headless = true};
    assert_ok(ui_new(&o, &u, err));
    saint_ui_action list[UI_ACTION_COUNT];
    char key[UI_ACTION_COUNT][UI_KEY_TEXT];
    int n = ui_action_list(u, false, list, key);
    assert_int_equal(n, UI_ACTION_COUNT);
    assert_string_equal(list[UI_ACTION_run].reason, "there is no model");
    assert_null(list[UI_ACTION_help].reason);
    assert_string_equal(key[UI_ACTION_page], "1..7");
    assert_false(ui_do(u, "run"));
    assert_string_equal(u->message, "run: there is no model");
    assert_int_equal(u->say, SAINT_UI_SAY_BAD);
    assert_false(ui_do(u, "rumble"));
    assert_string_equal(u->message, "rumble: no such command; Ctrl-P finds them all");
    assert_false(ui_do(u, "opne x.png"));
    assert_string_equal(u->message, "opne: no such command; the nearest is open");
    assert_false(ui_do(u, "sim_threshold[3]=0.5"));
    assert_string_equal(u->message, "sim_threshold is a parameter: set sim_threshold=VALUE");
    assert_true(ui_do(u, "page log"));
    assert_int_equal(u->page, SAINT_UI_PAGE_LOG);
    assert_true(ui_do(u, "pag  speed")); /* a beginning will do */
    assert_int_equal(u->page, SAINT_UI_PAGE_SPEED);
    assert_false(ui_do(u, "page nowhere"));
    assert_false(ui_do(u, "theme pink"));
    assert_true(ui_do(u, "theme light"));
    assert_int_equal(u->theme.kind, SAINT_UI_LIGHT);
    ui_close(u);
}

/* Everything a stranger may do, on every page and size, without a model: nothing crashes, everything that fails says so. */
static void every_action_survives_an_empty_screen(void **state)
{
    (void)state;
    static const char *const arguments[] = {"", "x", "-1", "+1", "999999999999", "on", "all"};
    static const int sizes[][2] = {{1, 1}, {39, 11}, {40, 12}, {80, 24}, {120, 36}, {200, 60}};
    for (size_t size = 0; size < sizeof sizes / sizeof *sizes; size++) {
        ui *u;
        ui_options o = {.headless = true};
        assert_ok(ui_new(&o, &u, err));
        ui_front_resize(u->core->front, sizes[size][0], sizes[size][1]);
        for (int page = 0; page < SAINT_UI_PAGE_COUNT; page++)
            for (int i = 0; ui_action_at(i); i++) {
                if (i == UI_ACTION_model || i == UI_ACTION_open) continue; /* they start to load */
                char command[128];
                snprintf(command, sizeof command, "%s %s", ui_action_at(i)->name, arguments[(i + page) % 7]);
                ui_go(u, (saint_ui_page)page);
                u->say = SAINT_UI_SAY_NOTHING;
                bool done = ui_do(u, command);
                if (!done && u->say != SAINT_UI_SAY_BAD) fail_msg("%s failed and said nothing", command);
                ui_frame(u);
                ui_over_close(u);
                ui_frame(u);
                u->quit = false;
            }
        ui_close(u);
    }
}

static void lines_complete_themselves(void **state)
{
    (void)state;
    ui *u;
    ui_options o = {.headless = true};
    assert_ok(ui_new(&o, &u, err));
    static const struct {
        const char *typed, *want;
    } cases[] = {{"them", "theme "}, {"theme l", "light"}, {"page sp", "speed"}, {"open imagef", "imagefolder:"}, {"mouse of", "off"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ui_prompt(u, cases[i].typed);
        if (u->core->over.n_done != 1 || strcmp(u->core->over.done[0], cases[i].want))
            fail_msg("\"%s\" gives %d candidates, the first \"%s\"", cases[i].typed, u->core->over.n_done, u->core->over.n_done ? u->core->over.done[0] : "");
    }
    ui_prompt(u, "page lo");
    ui_event(u, &(saint_ui_event){.kind = SAINT_UI_PRESS, .key = SAINT_UI_KEY_TAB});
    ui_event(u, &(saint_ui_event){.kind = SAINT_UI_PRESS, .key = SAINT_UI_KEY_ENTER});
    assert_int_equal(u->page, SAINT_UI_PAGE_LOG);
    ui_prompt(u, "");
    ui_event(u, &(saint_ui_event){.kind = SAINT_UI_PRESS, .key = SAINT_UI_KEY_UP}); /* what was typed before comes again */
    assert_string_equal(u->core->over.line.text, "page log");
    ui_close(u);
}

static void tab(ui *u, saint_ui_key key) { ui_event(u, &(saint_ui_event){.kind = SAINT_UI_PRESS, .key = key}); }

/* The first Tab types what all candidates begin with, the next ones go through them. */
static void tab_completes_what_is_common_first(void **state)
{
    (void)state;
    ui *u;
    ui_options o = {.headless = true};
    assert_ok(ui_new(&o, &u, err));
    const ui_over *over = &u->core->over;
    ui_prompt(u, "set saint_t");
    tab(u, SAINT_UI_KEY_TAB);
    assert_string_equal(over->line.text, "set saint_threshold=");
    ui_prompt(u, "set sai");
    assert_true(over->n_fits > 2);
    tab(u, SAINT_UI_KEY_TAB);
    assert_string_equal(over->line.text, "set saint_"); /* common to all */
    assert_int_equal(over->done_at, -1);
    tab(u, SAINT_UI_KEY_TAB);
    assert_int_equal(over->done_at, 0);
    char first[SAINT_UI_LINE_MOST];
    strcpy(first, over->line.text);
    tab(u, SAINT_UI_KEY_TAB);
    assert_int_equal(over->done_at, 1);
    assert_true(strcmp(first, over->line.text) < 0); /* sorted */
    tab(u, SAINT_UI_KEY_BACK_TAB);
    assert_string_equal(over->line.text, first);
    ui_prompt(u, "set saint_K=");
    tab(u, SAINT_UI_KEY_TAB); /* free text: nothing to complete, nothing breaks */
    assert_string_equal(over->line.text, "set saint_K=");
    ui_close(u);
}

/* More files than the list holds: the first ones by name are kept, and what is common is common to all of them. */
static void completion_of_many_files(void **state)
{
    (void)state;
    enum { FILES = 150 };
    char folder[] = "/tmp/saint-tab-XXXXXX", path[64], typed[64], want[64];
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "%s/pic%03d.png", folder, i + 10);
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fclose(f);
    }
    ui *u;
    ui_options o = {.headless = true};
    assert_ok(ui_new(&o, &u, err));
    snprintf(typed, sizeof typed, "open %s/p", folder);
    ui_prompt(u, typed);
    const ui_over *over = &u->core->over;
    assert_int_equal(over->n_done, UI_OVER_MATCHES);
    assert_int_equal(over->n_fits, FILES);
    snprintf(want, sizeof want, "%s/pic010.png", folder);
    assert_string_equal(over->done[0], want);
    tab(u, SAINT_UI_KEY_TAB);
    snprintf(want, sizeof want, "open %s/pic", folder);
    assert_string_equal(over->line.text, want);
    ui_frame(u);
    char *text = saint_ui_canvas_dump(&u->canvas, false);
    assert_non_null(strstr(text, "1 to 8 of 150"));
    free(text);
    ui_close(u);
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "%s/pic%03d.png", folder, i + 10);
        remove(path);
    }
    assert_int_equal(remove(folder), 0);
}

/* Whatever the width, each sentence can be read to its last word, and the reason of what is not possible too. */
static void help_is_never_cut(void **state)
{
    (void)state;
    static const int widths[] = {60, 80, 120, 200};
    ui *u;
    ui_options o = {.headless = true};
    assert_ok(ui_new(&o, &u, err));
    for (int k = 0; k < 4; k++) {
        ui_front_resize(u->core->front, widths[k], 250);
        for (int i = 0; ui_action_at(i); i++) {
            const ui_action *a = ui_action_at(i);
            const char *why = ui_reason(u, a), *last = strrchr(a->doc, ' ') + 1, *reason = why ? strrchr(why, ' ') + 1 : last;
            ui_over_open(u, UI_OVER_HELP, a->name);
            ui_frame(u);
            char *text = saint_ui_canvas_dump(&u->canvas, false);
            if (!strstr(text, last) || !strstr(text, reason)) fail_msg("help %s at %d columns: \"%s\" or \"%s\" is missing in\n%s", a->name, widths[k], last, reason, text);
            free(text);
        }
    }
    ui_close(u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_whole),
        cmocka_unit_test(every_key_can_be_read),
        cmocka_unit_test(no_key_means_two_things_in_one_place),
        cmocka_unit_test(letters_of_vi_are_free),
        cmocka_unit_test(every_row_acts_somewhere),
        cmocka_unit_test(keys_are_found_with_their_arguments),
        cmocka_unit_test(what_is_not_possible_says_why),
        cmocka_unit_test(every_action_survives_an_empty_screen),
        cmocka_unit_test(lines_complete_themselves),
        cmocka_unit_test(tab_completes_what_is_common_first),
        cmocka_unit_test(completion_of_many_files),
        cmocka_unit_test(help_is_never_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
