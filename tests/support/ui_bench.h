/* ui_bench.h - the workbench without a terminal and without its loop: modules are open, pages draw, keys arrive. For tests of pages. */
#ifndef SAINT_TESTS_SUPPORT_UI_BENCH_H
#define SAINT_TESTS_SUPPORT_UI_BENCH_H

#include <ftw.h>

#include "support/test.h"
#include "ui/loop/core.h"

typedef struct {
    ui *u;
    ui_options options;
    char home[64];
} ui_bench;

static inline int ui_bench_remove(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

/* A workbench of w x h cells with a home of its own; nothing is loaded, the clock stands at 100 s. */
static inline void ui_bench_open(ui_bench *b, int w, int h)
{
    *b = (ui_bench){.home = "/tmp/saint-bench-XXXXXX"};
    assert_non_null(mkdtemp(b->home));
    static const char *const names[] = {"XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "HOME"};
    for (int i = 0; i < 4; i++) setenv(names[i], b->home, 1);
    ui *u = b->u = calloc(1, sizeof *u);
    u->core = calloc(1, sizeof *u->core);
    *u->core = (ui_core){.opt = &b->options, .signal_fd = -1, .err_pipe = -1, .theme = -1, .frozen = true, .clock = 100, .start = 100};
    u->patch = u->cursor.round = -1;
    for (int i = 0; i < UI_SLOTS; i++) saint_settings_default(&u->plan[i].settings);
    u->log = ui_log_open();
    u->jobs = ui_jobs_open();
    u->core->subjects = ui_subjects_open();
    assert_ok(ui_loader_open(&u->loader, err));
    for (int i = 0; ui_module_at(i); i++)
        if (ui_module_at(i)->open) assert_ok(ui_module_at(i)->open(u, err));
    ui_front_options f = {.headless = true, .w = w, .h = h};
    assert_ok(ui_front_open(&u->core->front, &f, err));
    saint_ui_theme_make(&u->theme, SAINT_UI_DARK, SAINT_UI_DIRECT, SAINT_UI_BRAILLE);
}

static inline void ui_bench_close(ui_bench *b)
{
    ui *u = b->u;
    int n = 0;
    while (ui_module_at(n)) n++;
    while (n-- > 0)
        if (ui_module_at(n)->close) ui_module_at(n)->close(u);
    ui_front_close(u->core->front);
    ui_loader_close(u->loader);
    ui_jobs_close(u);
    ui_subjects_close(u);
    ui_over_free(&u->core->over);
    ui_log_close(u->log);
    saint_ui_photo_cache_free(&u->photo);
    saint_ui_photo_cache_free(&u->photo_b);
    saint_ui_canvas_free(&u->canvas);
    free(u->core->hit_room);
    free(u->core);
    free(u);
    nftw(b->home, ui_bench_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* Keys by name, separated by spaces, as events; a frame after each. */
static inline void ui_bench_keys(ui_bench *b, const char *keys)
{
    while (*keys) {
        char name[32];
        size_t n = strcspn(keys, " ");
        snprintf(name, sizeof name, "%.*s", (int)n, keys);
        keys += n + (keys[n] == ' ');
        saint_ui_event e;
        if (!saint_ui_key_parse(name, &e)) fail_msg("no key is called %s", name);
        ui_event(b->u, &e);
        ui_draw(b->u);
    }
}

static inline void ui_bench_type(ui_bench *b, const char *text)
{
    for (; *text; text++) {
        saint_ui_event e = {.kind = SAINT_UI_PRESS, .key = SAINT_UI_KEY_CHAR, .ch = (uint32_t)(unsigned char)*text};
        ui_event(b->u, &e);
        ui_draw(b->u);
    }
}

/* The screen as text; free it. */
static inline char *ui_bench_screen(ui_bench *b)
{
    ui_draw(b->u);
    char *text = saint_ui_canvas_dump(&b->u->canvas, false);
    assert_non_null(text);
    return text;
}

static inline bool ui_bench_shows(ui_bench *b, const char *text)
{
    char *screen = ui_bench_screen(b);
    bool yes = strstr(screen, text) != NULL;
    free(screen);
    return yes;
}

#define assert_shows(b, text)                                                                       \
    do {                                                                                            \
        char *screen_ = ui_bench_screen(b);                                                         \
        if (!strstr(screen_, text)) fail_msg("\"%s\" is not on the screen:\n%s", text, screen_);    \
        free(screen_);                                                                              \
    } while (0)
#define assert_shows_not(b, text)                                                                   \
    do {                                                                                            \
        char *screen_ = ui_bench_screen(b);                                                         \
        if (strstr(screen_, text)) fail_msg("\"%s\" is on the screen:\n%s", text, screen_);         \
        free(screen_);                                                                              \
    } while (0)

#endif
