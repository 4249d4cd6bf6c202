/* Which plan runs next: the live one first, the latest settings win, traces land where they belong; models and pictures come behind the
 * screen. A tiny model, a screen that nobody sees, a clock that stands. */
#define _GNU_SOURCE
#include "support/tiny_workbench.h"

#include <math.h>
#include <stdlib.h>

#include "base/file.h"

static ui *opened(void)
{
    ui *u;
    assert_ok(ui_new(&tiny_workbench, &u, err));
    ui_frame(u);
    ui_begin(u);
    return u;
}

static void it_opens_and_runs_by_itself(void **state)
{
    (void)state;
    ui *u = opened();
    assert_null(u->info);
    until_idle(u);
    assert_non_null(u->info);
    assert_string_equal(u->info->name, "llava-tiny-new");
    assert_int_equal(u->subject.count, 5);
    assert_non_null(u->subject.pixels);
    for (int slot = 0; slot < UI_SLOTS; slot++) {
        bool run = slot == UI_NOW || slot == UI_BASE; /* A is not pinned, nobody looks at random dropping */
        assert_int_equal(!ui_stale(u, slot), run);
        assert_int_equal(u->plan[slot].trace != NULL, run);
    }
    assert_true(u->plan[UI_NOW].trace->plan.n_sites > 0);
    assert_int_equal(u->plan[UI_BASE].trace->plan.n_sites, 0);
    assert_true(u->plan[UI_NOW].has_forecast);
    ui_close(u);
}

/* The order in which traces come, one worker event at a time. */
static void the_live_plan_goes_first(void **state)
{
    (void)state;
    ui *u = opened();
    until_idle(u);
    u->plan[UI_A].settings = u->plan[UI_NOW].settings;
    u->plan[UI_A].set = true;
    int order[UI_SLOTS], n = 0;
    u->subject.version += 1000; /* as if another picture had come: everything is stale */
    ui_changed(u);
    ui_want(u, UI_RANDOM);
    ui_want(u, UI_BASE);
    for (int slot = 0; slot < UI_SLOTS; slot++) assert_true(ui_stale(u, slot) && ui_running(u, slot, NULL));
    while (!ui_idle(u)) {
        assert_true(ui_wait(u, 10));
        for (int slot = 0; slot < UI_SLOTS; slot++) {
            bool known = false;
            for (int i = 0; i < n; i++) known = known || order[i] == slot;
            if (!known && !ui_stale(u, slot)) order[n++] = slot;
        }
    }
    assert_int_equal(n, UI_SLOTS);
    assert_int_equal(order[0], UI_NOW);
    assert_int_equal(order[1], UI_A);
    assert_int_equal(order[2], UI_BASE);
    assert_int_equal(order[3], UI_RANDOM);
    ui_close(u);
}

static void the_latest_settings_win(void **state)
{
    (void)state;
    ui *u = opened();
    until_idle(u);
    uint64_t before = u->plan[UI_NOW].version;
    for (int keep = 60; keep > 10; keep--) {
        char text[64];
        snprintf(text, sizeof text, "keep_num=%d", keep);
        assert_ok(saint_settings_assign(&u->plan[UI_NOW].settings, text, err));
        ui_changed(u);
        if (keep % 7 == 0) ui_wait(u, 0);
    }
    assert_true(u->plan[UI_NOW].version >= before + 50);
    until_idle(u);
    assert_int_equal(u->plan[UI_NOW].trace_version, u->plan[UI_NOW].version);
    const saint_history *h = &u->plan[UI_NOW].trace->image[0].history;
    assert_int_equal(h->site[0]->p.keep_num, 11);
    assert_false(ui_stale(u, UI_BASE)); /* interrupted again and again, it came to its end */
    ui_close(u);
}

static void random_dropping_has_the_same_counts(void **state)
{
    (void)state;
    ui *u = opened();
    until_idle(u);
    ui_want(u, UI_RANDOM);
    until_idle(u);
    const saint_history *now = &u->plan[UI_NOW].trace->image[0].history, *twin = &u->plan[UI_RANDOM].trace->image[0].history;
    assert_true(now->n_sites > 1);
    assert_int_equal(now->n_sites, twin->n_sites);
    for (int i = 0; i < now->n_sites; i++) {
        assert_int_equal(now->site[i]->stage, twin->site[i]->stage);
        assert_int_equal(now->site[i]->layer, twin->site[i]->layer);
        assert_int_equal(now->site[i]->n_keep, twin->site[i]->n_keep);
        assert_string_equal(twin->site[i]->method->name, "random");
    }
    ui_close(u);
}

static void without_live_it_waits_to_be_asked(void **state)
{
    (void)state;
    ui *u = opened();
    until_idle(u);
    assert_true(ui_do(u, "live off"));
    assert_ok(saint_settings_assign(&u->plan[UI_NOW].settings, "keep_num=20", err));
    ui_changed(u);
    until_idle(u);
    assert_true(ui_stale(u, UI_NOW));
    assert_true(u->plan[UI_NOW].has_forecast); /* what it would cost is known at once */
    assert_true(ui_do(u, "run"));
    until_idle(u);
    assert_false(ui_stale(u, UI_NOW));
    ui_close(u);
}

static void settings_that_do_not_fit_are_said(void **state)
{
    (void)state;
    ui *u = opened();
    until_idle(u);
    u->plan[UI_NOW].settings.saint_end = 90; /* beyond the model */
    ui_changed(u);
    until_idle(u);
    assert_int_equal(u->plan[UI_NOW].error.code, SAINT_INVALID);
    assert_int_equal(u->say, SAINT_UI_SAY_BAD);
    assert_null(u->plan[UI_NOW].trace);
    u->plan[UI_NOW].settings.saint_end = 2;
    ui_changed(u);
    until_idle(u);
    assert_int_equal(u->plan[UI_NOW].error.code, SAINT_OK);
    assert_false(ui_stale(u, UI_NOW));
    ui_close(u);
}

static void pictures_come_and_go(void **state)
{
    (void)state;
    ui *u = opened();
    until_idle(u);
    for (int i = 0; i < 30; i++) ui_do(u, i % 5 == 4 ? "sample 1" : "sample +1"); /* faster than they can be read */
    until_idle(u);
    assert_int_equal(u->subject.at, 0);
    assert_string_equal(u->subject.file, "a-32.png");
    assert_true(ui_do(u, "sample c-32.png"));
    until_idle(u);
    assert_int_equal(u->subject.at, 2);
    assert_false(ui_stale(u, UI_NOW));
    assert_false(ui_do(u, "sample 9"));
    assert_true(ui_do(u, "filter d-"));
    until_idle(u);
    assert_int_equal(u->subject.count, 1);
    assert_string_equal(u->subject.file, "d-28.png");
    assert_true(ui_do(u, "filter all"));
    assert_int_equal(u->subject.count, 5);
    assert_int_equal(u->subject.at, 3);
    assert_true(ui_do(u, "question Is it red?"));
    assert_true(ui_stale(u, UI_NOW) && ui_stale(u, UI_BASE));
    until_idle(u);
    assert_false(ui_stale(u, UI_NOW));
    assert_true(u->plan[UI_NOW].trace->layers_reused > 0); /* the ViT saw this picture before */
    assert_true(ui_do(u, "open " SAINT_FIXTURE_DIR "/pictures/e-36.png"));
    until_idle(u);
    assert_non_null(strstr(u->subject.file, "e-36.png"));
    assert_string_equal(u->subject.question, "Is it red?"); /* a picture without a question of its own */
    ui_do(u, "open /nowhere.png");
    until_idle(u);
    assert_int_equal(u->say, SAINT_UI_SAY_BAD);
    assert_non_null(strstr(u->message, "/nowhere.png"));
    ui_close(u);
}

static void put(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* The first picture of a folder is no picture: its name stands on the screen with the reason, nothing of the picture before; the next one is
 * one step away. */
static void a_broken_picture_is_shown_as_such(void **state)
{
    (void)state;
    char folder[] = "/tmp/saint-ui-XXXXXX", path[64], good[64], *bytes = NULL;
    size_t n;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/0-broken.png", folder);
    put(path, "no picture at all", 17);
    snprintf(good, sizeof good, "%s/1-good.png", folder);
    assert_ok(saint_file_read(SAINT_FIXTURE_DIR "/pictures/b-32.png", 1 << 20, &bytes, &n, err));
    put(good, bytes, n);
    free(bytes);
    ui *u = opened();
    until_idle(u);
    char command[128];
    snprintf(command, sizeof command, "open %s", folder);
    ui_do(u, command);
    until_idle(u);
    assert_string_equal(u->subject.file, "0-broken.png");
    assert_int_equal(u->subject.at, 0);
    assert_int_equal(u->subject.count, 2);
    assert_null(u->subject.image.rgb);
    assert_null(u->plan[UI_NOW].trace);
    assert_null(u->plan[UI_BASE].trace);
    char *text = saint_ui_canvas_dump(&u->canvas, false);
    assert_non_null(strstr(text, "0-broken.png 1/2"));
    assert_non_null(strstr(text, "this picture cannot be opened"));
    assert_null(strstr(text, "a-32.png"));
    free(text);
    assert_false(ui_do(u, "run"));
    assert_true(ui_do(u, "sample +1"));
    until_idle(u);
    assert_string_equal(u->subject.file, "1-good.png");
    assert_int_equal(u->subject.error.code, SAINT_OK);
    assert_false(ui_stale(u, UI_NOW));
    assert_true(ui_do(u, "sample -1"));
    assert_true(ui_do(u, "sample +1")); /* a held key: back before the broken one was even tried */
    until_idle(u);
    assert_string_equal(u->subject.file, "1-good.png");
    ui_close(u);
    remove(path);
    remove(good);
    assert_int_equal(remove(folder), 0);
}

static void models_change_places(void **state)
{
    (void)state;
    ui *u = opened();
    until_idle(u);
    assert_true(ui_do(u, "model " SAINT_FIXTURE_DIR "/timm-vit-tiny"));
    assert_null(u->worker); /* the old one is gone at once, the new one comes behind the screen */
    ui_frame(u);
    until_idle(u);
    assert_string_equal(u->info->name, "timm-vit-tiny");
    assert_false(ui_stale(u, UI_NOW));
    assert_null(u->plan[UI_NOW].trace->image[0].answer);
    assert_false(ui_do(u, "question Is it red?")); /* it takes none, and says so */
    ui_do(u, "model /nowhere");
    until_idle(u);
    assert_int_equal(u->say, SAINT_UI_SAY_BAD);
    assert_string_equal(u->info->name, "timm-vit-tiny"); /* the one before comes back */
    ui_do(u, "model " SAINT_FIXTURE_DIR "/llava-tiny-new");
    ui_do(u, "model " SAINT_FIXTURE_DIR "/clip-vit-tiny"); /* the last word counts */
    until_idle(u);
    assert_string_equal(u->info->name, "clip-vit-tiny");
    ui_close(u);
}

static void a_scan_finds_other_answers(void **state)
{
    (void)state;
    ui *u = opened();
    until_idle(u);
    assert_true(ui_do(u, "scan"));
    until_idle(u);
    assert_int_equal(u->say, SAINT_UI_SAY_GOOD);
    size_t changed = 0;
    for (size_t i = 0; i < 5; i++) {
        assert_int_not_equal(ui_scan_of(u, i), UI_SCAN_UNKNOWN);
        changed += ui_scan_of(u, i) == UI_SCAN_CHANGED;
    }
    assert_true(ui_do(u, "filter changed"));
    assert_int_equal(u->subject.count, changed);
    assert_true(ui_do(u, "filter all"));
    /* the unpruned plan answers as the unpruned model does */
    assert_ok(saint_settings_assign(&u->plan[UI_NOW].settings, "mode=none", err));
    ui_changed(u);
    until_idle(u);
    assert_true(ui_do(u, "scan"));
    until_idle(u);
    for (size_t i = 0; i < 5; i++) assert_int_equal(ui_scan_of(u, i), UI_SCAN_SAME);
    assert_true(ui_do(u, "filter changed"));
    assert_int_equal(u->subject.count, 0);
    ui_frame(u);
    ui_close(u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_opens_and_runs_by_itself),
        cmocka_unit_test(the_live_plan_goes_first),
        cmocka_unit_test(the_latest_settings_win),
        cmocka_unit_test(random_dropping_has_the_same_counts),
        cmocka_unit_test(without_live_it_waits_to_be_asked),
        cmocka_unit_test(settings_that_do_not_fit_are_said),
        cmocka_unit_test(pictures_come_and_go),
        cmocka_unit_test(a_broken_picture_is_shown_as_such),
        cmocka_unit_test(models_change_places),
        cmocka_unit_test(a_scan_finds_other_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
