/* The real screen, or a canvas that nobody sees. */
#include "ui/loop/core.h"

#include <stdlib.h>

struct ui_front {
    saint_ui_screen *screen; /* NULL: headless */
    saint_ui_tier tier;
    saint_ui_glyphs glyphs;
    int w, h; /* 0: the terminal's own */
};

saint_status ui_front_open(ui_front **out, const ui_front_options *o, saint_error *err)
{
    ui_front *f = calloc(1, sizeof *f);
    if (!f) return saint_fail(err, SAINT_MEMORY, "screen: no memory");
    if (o->headless) {
        f->w = o->w;
        f->h = o->h;
        f->tier = o->screen.no_color ? SAINT_UI_MONO : SAINT_UI_DIRECT;
        f->glyphs = o->screen.ascii ? SAINT_UI_ASCII : SAINT_UI_BRAILLE;
    } else {
        saint_status s = saint_ui_screen_open(&f->screen, &o->screen, err);
        if (s != SAINT_OK) {
            free(f);
            return s;
        }
    }
    *out = f;
    return SAINT_OK;
}

void ui_front_close(ui_front *f)
{
    if (!f) return;
    saint_ui_screen_close(f->screen);
    free(f);
}

bool ui_front_headless(const ui_front *f) { return !f->screen; }

void ui_front_looks(const ui_front *f, saint_ui_tier *tier, saint_ui_glyphs *glyphs, bool *lines)
{
    *tier = f->screen ? saint_ui_screen_tier(f->screen) : f->tier;
    *glyphs = f->screen ? saint_ui_screen_glyphs(f->screen) : f->glyphs;
    *lines = f->screen && saint_ui_screen_lines(f->screen);
}

void ui_front_size(ui_front *f, int *w, int *h)
{
    *w = f->w;
    *h = f->h;
    if (f->screen && (!f->w || !f->h)) saint_ui_screen_size(f->screen, w, h);
    if (*w < 1) *w = 1;
    if (*h < 1) *h = 1;
    if (*w > SAINT_UI_CANVAS_MOST) *w = SAINT_UI_CANVAS_MOST;
    if (*h > SAINT_UI_CANVAS_MOST) *h = SAINT_UI_CANVAS_MOST;
}

void ui_front_resize(ui_front *f, int w, int h)
{
    f->w = w;
    f->h = h;
}

int ui_front_fd(const ui_front *f) { return f->screen ? saint_ui_screen_fd(f->screen) : -1; }

saint_ui_event ui_front_event(ui_front *f) { return f->screen ? saint_ui_screen_event(f->screen) : (saint_ui_event){0}; }

void ui_front_show(ui_front *f, const saint_ui_canvas *c, int cursor_x, int cursor_y)
{
    if (!f->screen) return;
    saint_ui_screen_cursor(f->screen, cursor_x, cursor_y);
    saint_ui_screen_show(f->screen, c);
}

void ui_front_mark(ui_front *f, unsigned n) { saint_ui_screen_mark(f->screen, n); }
void ui_front_redraw(ui_front *f) { saint_ui_screen_redraw(f->screen); }
void ui_front_mouse(ui_front *f, bool on) { saint_ui_screen_mouse(f->screen, on); }
void ui_front_suspend(ui_front *f) { saint_ui_screen_suspend(f->screen); }
void ui_front_resume(ui_front *f) { saint_ui_screen_resume(f->screen); }
