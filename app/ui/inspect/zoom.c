/* zoom.c - a part of the picture, larger: whole columns to a patch, around the cursor, on the whole page or in the picture's own pane. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/actions.h"
#include "ui/inspect/inspect.h"

/* Columns of a patch. More than that shows nothing new: a patch is 14 or 16 pixels. */
static const int levels[] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32};
enum { LEVELS = sizeof levels / sizeof *levels };

/* The first level that makes a patch at least so wide; the widest where none does. */
static int level_from(double columns)
{
    for (int i = 0; i < LEVELS; i++)
        if (levels[i] >= columns - 1e-6) return levels[i];
    return levels[LEVELS - 1];
}

static void middle_on_patch(ui *u)
{
    int w = u->info ? u->info->grid_w : 0, h = u->info ? u->info->grid_h : 0;
    u->zoom_x = u->patch >= 0 && w ? u->patch % w + 0.5 : w / 2.0;
    u->zoom_y = u->patch >= 0 && w ? u->patch / w + 0.5 : h / 2.0;
}

bool ui_zoom_off(ui *u)
{
    bool any = u->whole_image || u->zoom;
    if (u->whole_image && u->inspect && u->inspect->zoom_from != SAINT_UI_PANE_NONE) u->focus = u->inspect->zoom_from;
    u->whole_image = false;
    u->zoom = 0;
    if (u->inspect) u->inspect->zoom_choose = false;
    return any;
}

/* Keep a margin of one patch around it where the view is wide enough. */
static double follow(double middle, double patch, double length)
{
    double margin = length >= 4 ? 1 : 0, low = middle - length / 2 + margin, high = middle + length / 2 - margin;
    if (patch < low) return middle - (low - patch);
    if (patch + 1 > high) return middle + (patch + 1 - high);
    return middle;
}

void ui_zoom_view(ui *u, saint_ui_photo *photo, int max_w, int max_h)
{
    ui_inspect *in = u->inspect;
    saint_view_rect r = photo->rect;
    (void)saint_ui_photo_zoom(photo, max_w, max_h, 1 << 20, 0, 0, NULL, &in->fit);
    in->seen = (saint_view_rect){0};
    if (photo->image && !(r.w > 0 && r.h > 0)) r = (saint_view_rect){0, 0, photo->image->w, photo->image->h};
    if (in->fit <= 0) return;
    if (in->zoom_choose) { /* the page itself is larger: that comes first; where it is not, twice of what was there */
        bool larger = in->fit >= 1.3 * in->zoom_before;
        if (u->zoom <= in->fit) u->zoom = larger ? 0 : level_from(2 * in->fit);
        in->zoom_choose = false;
    }
    for (int pass = 0; pass < 2; pass++) {
        double ratio = u->zoom ? saint_ui_photo_zoom(photo, max_w, max_h, u->zoom, u->zoom_x, u->zoom_y, &in->seen, NULL) : 1;
        saint_view_rect s = ratio > 1 ? in->seen : r;
        double w = r.w / photo->grid_w, h = r.h / photo->grid_h;
        in->view[0] = (s.x0 - r.x0) / w, in->view[1] = (s.y0 - r.y0) / h, in->view[2] = s.w / w, in->view[3] = s.h / h;
        if (ratio <= 1) break;
        u->zoom_x = in->view[0] + in->view[2] / 2; /* where it really is: the next step goes from here */
        u->zoom_y = in->view[1] + in->view[3] / 2;
        if (!in->zoom_follow || u->patch < 0) break;
        u->zoom_x = follow(u->zoom_x, u->patch % photo->grid_w, in->view[2]);
        u->zoom_y = follow(u->zoom_y, u->patch / photo->grid_w, in->view[3]);
        in->zoom_follow = false;
    }
    in->zoom_follow = false;
    photo->seen = in->seen;
}

char *ui_zoom_words(const ui *u, char *out, size_t size)
{
    const ui_inspect *in = u->inspect;
    int last_x = u->info ? u->info->grid_w - 1 : 0, last_y = u->info ? u->info->grid_h - 1 : 0;
    out[0] = 0;
    if (!(in->seen.w > 0) || !(in->fit > 0)) return out;
    double x1 = ceil(in->view[0] + in->view[2] - 1e-6) - 1, y1 = ceil(in->view[1] + in->view[3] - 1e-6) - 1;
    snprintf(out, size, " \u00b7 zoom %.1fx \u00b7 patches %d-%d, %d-%d", u->zoom / in->fit, (int)fmax(0, floor(in->view[0] + 1e-6)),
             (int)fmin(x1, last_x), (int)fmax(0, floor(in->view[1] + 1e-6)), (int)fmin(y1, last_y));
    return out;
}

/* The cursor is on the screen: it is what somebody looks at, and stays there when the view becomes smaller. */
static bool cursor_is_seen(const ui *u)
{
    const double *v = u->inspect->view;
    if (u->patch < 0 || !u->info || !u->info->grid_w) return false;
    const double x = u->patch % u->info->grid_w + 0.5, y = u->patch / u->info->grid_w + 0.5;
    return x > v[0] && x < v[0] + v[2] && y > v[1] && y < v[1] + v[3];
}

/* ---- actions ---- */

/* "" the whole page and back, beside another plan twice as large and back; on, off; in, out, all; or so many columns to a patch. */
void ui_do_zoom(ui *u, const char *argument)
{
    ui_inspect *in = u->inspect;
    char *end;
    long n = strtol(argument, &end, 10);
    bool on = !strcmp(argument, "on") || (!*argument && !u->whole_image), off = !strcmp(argument, "off") || (!*argument && u->whole_image);
    double now = u->zoom > in->fit ? u->zoom : in->fit;
    if (off) {
        ui_zoom_off(u);
        return;
    }
    if (u->zoom <= in->fit) middle_on_patch(u);
    in->zoom_follow = cursor_is_seen(u);
    if (on && u->page == SAINT_UI_PAGE_COMPARE) { /* both pictures stay: a part of each, twice as large, and back */
        if (u->zoom > in->fit && !*argument) ui_zoom_off(u);
        else u->zoom = level_from(2 * now);
    } else if (on) {
        if (!u->whole_image) in->zoom_from = u->focus; /* comes back with the other panes */
        u->whole_image = true;
        in->zoom_choose = true;
        in->zoom_before = now;
        u->focus = SAINT_UI_PANE_IMAGE;
    } else if (!strcmp(argument, "in")) u->zoom = level_from(1.2 * now + 0.5);
    else if (!strcmp(argument, "out")) {
        int to = 0;
        for (int i = 0; i < LEVELS; i++)
            if (levels[i] < now && levels[i] > in->fit) to = levels[i];
        u->zoom = to;
    } else if (!strcmp(argument, "all")) u->zoom = 0;
    else if (*argument && !*end && n >= 1 && n <= levels[LEVELS - 1]) u->zoom = (int)n;
    else
        ui_say(u, SAINT_UI_SAY_BAD, "zoom %s: expected on, off, in, out, all, or 1 to %d columns for a patch", argument,
               levels[LEVELS - 1]);
}

void ui_do_magnify(ui *u, const char *argument) { ui_do_zoom(u, argument); }

/* A third of what is shown, to a side; the patch under the cursor stays the one it is. */
void ui_do_pan(ui *u, const char *argument)
{
    static const char *const ways[] = {"left", "right", "up", "down"};
    static const int dx[] = {-1, 1, 0, 0}, dy[] = {0, 0, -1, 1};
    const ui_inspect *in = u->inspect;
    for (int i = 0; i < 4; i++) {
        if (strcmp(argument, ways[i]) != 0) continue;
        if (!(in->seen.w > 0)) ui_say(u, SAINT_UI_SAY_INFO, "all of the picture is shown; + shows a part of it larger");
        u->zoom_x += dx[i] * fmax(1, floor(in->view[2] / 3));
        u->zoom_y += dy[i] * fmax(1, floor(in->view[3] / 3));
        return;
    }
    ui_say(u, SAINT_UI_SAY_BAD, "pan %s: expected left, right, up or down", argument);
}
