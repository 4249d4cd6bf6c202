/* tiny_workbench.h - the whole workbench on a tiny model that really runs, on a screen that nobody sees: loop, loader and worker included. */
#ifndef SAINT_TESTS_SUPPORT_TINY_WORKBENCH_H
#define SAINT_TESTS_SUPPORT_TINY_WORKBENCH_H

#include "support/test.h"
#include "ui/loop/core.h"

/* Over a folder of small pictures. */
static const ui_options tiny_workbench = {.headless = true,
                                          .load = {.model = SAINT_FIXTURE_DIR "/llava-tiny-new"},
                                          .data = "images:" SAINT_FIXTURE_DIR "/pictures",
                                          .session = {.checkpoint_bytes = 1 << 26},
                                          .engine = {.n_threads = 2}};

/* Until nothing is loaded, computed or asked for any more. */
static inline void until_idle(ui *u)
{
    while (!ui_idle(u)) assert_true(ui_wait(u, 10));
    ui_frame(u);
}

/* Keys by name, separated by spaces, each followed by a frame. */
static inline void press(ui *u, const char *names)
{
    for (const char *p = names; *p; p += strspn(p, " ")) {
        char word[24];
        size_t n = strcspn(p, " ");
        saint_ui_event e;
        snprintf(word, sizeof word, "%.*s", (int)n, p);
        if (!saint_ui_key_parse(word, &e)) fail_msg("no key is called %s", word);
        ui_event(u, &e);
        ui_frame(u);
        p += n;
    }
}

#endif
