/* A classifier in the workbench: its first class is its answer, compared with the right one and with that of the unpruned model. */
#define _GNU_SOURCE
#include "support/tiny_workbench.h"

#include <stdlib.h>

static bool shows(const ui *u, const char *text)
{
    char *dump = saint_ui_canvas_dump(&u->canvas, false);
    bool found = strstr(dump, text) != NULL;
    free(dump);
    return found;
}

static void classes_are_answers(void **state)
{
    (void)state;
    ui *u;
    ui_options o = tiny_workbench;
    o.load.model = SAINT_FIXTURE_DIR "/timm-vit-tiny";
    assert_ok(ui_new(&o, &u, err));
    ui_begin(u);
    until_idle(u);
    ui_front_resize(u->core->front, 120, 36);
    assert_true(ui_do(u, "set mode=vit prune_mode=None"));
    until_idle(u);
    free(u->subject.answers);
    u->subject.answers = strdup("certainly");
    ui_frame(u);
    assert_true(shows(u, "; right: certainly"));
    assert_true(shows(u, "yes, with unpruned; KL")); /* it is the unpruned model */
    /* the fewest patches of every layer change the class of some picture */
    assert_true(ui_do(u, "set prune_mode=random keep_num=2"));
    bool other = false;
    for (int i = 0; i < 60 && !other; i++) {
        char command[64];
        snprintf(command, sizeof command, "set seed=%d", i);
        assert_true(ui_do(u, command));
        until_idle(u);
        other = shows(u, "no: unpruned says ");
        assert_true(other || shows(u, "yes, with unpruned; KL"));
    }
    assert_true(other);
    ui_close(u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(classes_are_answers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
