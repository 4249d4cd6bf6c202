/* screen_child.c - shows the sample page on a real terminal and answers to keys; what the pty tests look at. */
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/view_samples.h"
#include "views/screen.h"

int main(void)
{
    saint_error e = {0};
    saint_ui_screen *s;
    sample data;
    const char *no_color = getenv("NO_COLOR");
    setlocale(LC_CTYPE, "");
    saint_ui_screen_options o = {
        .term = getenv("TERM"), .colorterm = getenv("COLORTERM"), .terminfo = getenv("TERMINFO"), .no_color = no_color && *no_color, .mouse = true, .marks = true};
    if (saint_ui_screen_open(&s, &o, &e) != SAINT_OK) return fprintf(stderr, "%s\n", e.text), 2;
    if (sample_make(&data, NULL, &e) != SAINT_OK) return 1;
    saint_ui_canvas c = {0};
    char last[64] = "";
    for (unsigned frame = 1;; frame++) {
        int w, h;
        saint_ui_theme theme;
        saint_ui_screen_size(s, &w, &h);
        if (saint_ui_canvas_resize(&c, w, h, &e) != SAINT_OK) return 1;
        saint_ui_theme_make(&theme, SAINT_UI_DARK, saint_ui_screen_tier(s), saint_ui_screen_glyphs(s));
        theme.lines = saint_ui_screen_lines(s);
        saint_ui_pen p = saint_ui_pen_whole(&c, &theme, NULL);
        sample_page(p, &data, SAINT_UI_PAGE_INSPECT, SAINT_UI_PHOTO_DIM, SAMPLE_NO_OVERLAY, SAINT_UI_PANE_PARAMS, &e);
        saint_ui_text(p, 0, 0, -1, SAINT_UI_TEXT, last);
        saint_ui_screen_show(s, &c);
        saint_ui_screen_mark(s, frame);
        saint_ui_event ev;
        while ((ev = saint_ui_screen_event(s)).kind == SAINT_UI_NOTHING) {
            struct pollfd fd = {.fd = saint_ui_screen_fd(s), .events = POLLIN};
            if (poll(&fd, 1, -1) > 0 && fd.revents & (POLLHUP | POLLERR) && !(fd.revents & POLLIN)) exit(4);
        }
        if (ev.kind == SAINT_UI_MOUSE) snprintf(last, sizeof last, "mouse %d button %d at %d %d", (int)ev.mouse, ev.button, ev.x, ev.y);
        else if (ev.kind == SAINT_UI_PASTE) {
            size_t n = strlen(last);
            if (strncmp(last, "paste ", 6)) n = (size_t)snprintf(last, sizeof last, "paste ");
            snprintf(last + n, sizeof last - n, "%c", ev.ch == '\n' ? '/' : (char)ev.ch);
        } else if (ev.kind == SAINT_UI_PRESS) {
            char name[24];
            snprintf(last, sizeof last, "key %s", saint_ui_key_name(&ev, name));
        }
        if (ev.kind != SAINT_UI_PRESS || ev.key != SAINT_UI_KEY_CHAR || ev.mods) continue;
        if (ev.ch == 'q') break;
        if (ev.ch == 'E') exit(3);
        if (ev.ch == 'S') raise(SIGSEGV);
        if (ev.ch == 'N') *(volatile int *)(uintptr_t)strtoul("8", NULL, 10) = 1; /* a real fault */
        if (ev.ch == 'A') abort();
        if (ev.ch == 'Z') {
            saint_ui_screen_suspend(s);
            printf("in the shell\n");
            fflush(stdout);
            saint_ui_screen_resume(s);
        }
    }
    saint_ui_screen_close(s);
    saint_ui_canvas_free(&c);
    sample_free(&data);
    return 0;
}
