#include "views/layout.h"

#include <math.h>

#include "views/photo.h"

const char *saint_ui_page_title(int page)
{
    static const char *const title[] = {
#define X(name, text) text,
        SAINT_UI_PAGE_MAP(X)
#undef X
    };
    return page >= 0 && page < SAINT_UI_PAGE_COUNT ? title[page] : NULL;
}

const char *saint_ui_pane_title(saint_ui_pane_id id)
{
    static const char *const title[SAINT_UI_PANE_COUNT] = {
        [SAINT_UI_PANE_IMAGE] = "picture",     [SAINT_UI_PANE_IMAGE_B] = "picture B",
        [SAINT_UI_PANE_PARAMS] = "parameters", [SAINT_UI_PANE_FACTS] = "this picture",
        [SAINT_UI_PANE_TOKEN] = "token",       [SAINT_UI_PANE_CHART] = "chart",
        [SAINT_UI_PANE_CHART_B] = "chart",     [SAINT_UI_PANE_BARS] = "time by stage",
        [SAINT_UI_PANE_STACKS] = "plans",      [SAINT_UI_PANE_NOTES] = "notes",
        [SAINT_UI_PANE_PROGRESS] = "sweep",    [SAINT_UI_PANE_RUNS] = "runs",
        [SAINT_UI_PANE_LOG] = "log",
    };
    return (int)id >= 0 && id < SAINT_UI_PANE_COUNT && title[id] ? title[id] : "";
}

static void add(saint_ui_layout *l, saint_ui_pane_id id, saint_ui_rect r)
{
    if (r.w < 1 || r.h < 1 || l->n >= SAINT_UI_LAYOUT_MOST) return;
    l->pane[l->n].id = id;
    l->pane[l->n++].rect = r;
}

/* Cut h rows (or w columns) off a rectangle; all of it when it has no more. */
static saint_ui_rect cut_top(saint_ui_rect *r, int h)
{
    saint_ui_rect part = *r;
    part.h = h < r->h ? h : r->h;
    r->y += part.h;
    r->h -= part.h;
    return part;
}
static saint_ui_rect cut_bottom(saint_ui_rect *r, int h)
{
    saint_ui_rect part = *r;
    part.h = h < r->h ? h : r->h;
    r->h -= part.h;
    part.y = r->y + r->h;
    return part;
}
static saint_ui_rect cut_left(saint_ui_rect *r, int w)
{
    saint_ui_rect part = *r;
    part.w = w < r->w ? w : r->w;
    r->x += part.w;
    r->w -= part.w;
    return part;
}

enum { RIGHT_LEAST = 38, PANE_LEAST = 4 };

/* Columns and rows of the frame around the largest picture that leaves the right column its room. */
static void image_size(saint_ui_rect body, const saint_ui_layout_wish *wish, int most_w, int *w, int *h)
{
    saint_ui_photo_size(wish->aspect > 0 ? wish->aspect : 1, wish->grid_w, wish->grid_h, most_w - 2, body.h - 2, true, w, h);
    *w += 2;
    *h += 2;
}

/* The right column: parameters as many as there are, the numbers, and the rest for a chart where there is one. */
static void right_column(saint_ui_layout *l, saint_ui_rect r, const saint_ui_layout_wish *wish)
{
    int params = (wish->fields > 0 ? wish->fields : 7) + 2, facts = (wish->facts > 0 ? wish->facts : 8) + 2;
    if (params > r.h - PANE_LEAST) params = r.h - PANE_LEAST;
    if (params + facts > r.h && params > (r.h + 1) / 2) params = facts < r.h / 2 ? r.h - facts : (r.h + 1) / 2;
    add(l, SAINT_UI_PANE_PARAMS, cut_top(&r, params));
    int rest = r.h - facts;
    if (rest < 8) {
        add(l, SAINT_UI_PANE_FACTS, r);
        return;
    }
    if (rest >= 24) {
        add(l, SAINT_UI_PANE_FACTS, cut_top(&r, facts));
        add(l, SAINT_UI_PANE_CHART, cut_top(&r, rest / 2));
        add(l, SAINT_UI_PANE_CHART_B, r);
        return;
    }
    add(l, SAINT_UI_PANE_FACTS, cut_top(&r, facts));
    add(l, SAINT_UI_PANE_CHART, r);
}

static void inspect(saint_ui_layout *l, saint_ui_rect body, const saint_ui_layout_wish *wish)
{
    int w, h;
    if (wish->whole_image) { /* a few lines of words below, where that costs little of the picture */
        saint_ui_rect token = {0};
        if (body.h >= 28) token = cut_bottom(&body, body.h >= 44 ? 8 : 5);
        add(l, SAINT_UI_PANE_IMAGE, body);
        add(l, SAINT_UI_PANE_TOKEN, token);
        return;
    }
    image_size(body, wish, body.w - RIGHT_LEAST, &w, &h);
    if (w < body.w / 4) w = body.w / 4; /* a tall picture does not starve its own pane */
    saint_ui_rect left = cut_left(&body, w);
    if (left.h - h >= PANE_LEAST && left.h >= 24) {
        saint_ui_rect token = cut_bottom(&left, left.h - h);
        add(l, SAINT_UI_PANE_IMAGE, left);
        right_column(l, body, wish);
        add(l, SAINT_UI_PANE_TOKEN, token);
        return;
    }
    add(l, SAINT_UI_PANE_IMAGE, left);
    if (body.h >= 40) { /* high and no room below: the token goes under the numbers */
        saint_ui_rect token = cut_bottom(&body, 9);
        right_column(l, body, wish);
        add(l, SAINT_UI_PANE_TOKEN, token);
        return;
    }
    right_column(l, body, wish);
}

static void compare(saint_ui_layout *l, saint_ui_rect body, const saint_ui_layout_wish *wish)
{
    int w, h, facts = wish->facts > 0 ? wish->facts + 2 : 10;
    image_size(body, wish, body.w / 2, &w, &h);
    if (2 * w + RIGHT_LEAST <= body.w) { /* wide: the numbers beside the pictures */
        add(l, SAINT_UI_PANE_IMAGE, cut_left(&body, w));
        add(l, SAINT_UI_PANE_IMAGE_B, cut_left(&body, w));
        add(l, SAINT_UI_PANE_FACTS, body);
        return;
    }
    int rows = body.h - h > 5 ? body.h - h : body.h / 4 > 5 ? body.h / 4 : 5;
    if (rows > facts) rows = facts;
    saint_ui_rect below = cut_bottom(&body, rows);
    add(l, SAINT_UI_PANE_IMAGE, cut_left(&body, (body.w + 1) / 2));
    add(l, SAINT_UI_PANE_IMAGE_B, body);
    add(l, SAINT_UI_PANE_FACTS, below);
}

static void two(saint_ui_layout *l, saint_ui_rect body, saint_ui_pane_id a, saint_ui_pane_id b, bool beside)
{
    add(l, a, beside ? cut_left(&body, (body.w + 1) / 2) : cut_top(&body, (body.h + 1) / 2));
    add(l, b, body);
}

static void speed(saint_ui_layout *l, saint_ui_rect body)
{
    saint_ui_rect below = cut_bottom(&body, body.h >= 40 ? body.h / 3 : body.h >= 26 ? 9 : 6);
    if (body.w >= 110) {
        add(l, SAINT_UI_PANE_BARS, cut_left(&body, body.w * 3 / 5));
        add(l, SAINT_UI_PANE_NOTES, body);
        add(l, SAINT_UI_PANE_STACKS, below);
        return;
    }
    add(l, SAINT_UI_PANE_BARS, body);
    add(l, SAINT_UI_PANE_STACKS, cut_left(&below, below.w / 2));
    add(l, SAINT_UI_PANE_NOTES, below);
}

static void sweep(saint_ui_layout *l, saint_ui_rect body)
{
    add(l, SAINT_UI_PANE_PROGRESS, cut_top(&body, body.h >= 30 ? 5 : 3));
    if (body.w >= 150 || body.h < 26) {
        if (body.w >= 150) add(l, SAINT_UI_PANE_RUNS, cut_left(&body, body.w * 11 / 20));
        add(l, body.w >= 60 && l->pane[l->n - 1].id == SAINT_UI_PANE_RUNS ? SAINT_UI_PANE_CHART : SAINT_UI_PANE_RUNS, body);
        return;
    }
    add(l, SAINT_UI_PANE_RUNS, cut_top(&body, body.h * 11 / 20));
    add(l, SAINT_UI_PANE_CHART, body);
}

/* The panes of a page, where only one fits: which it is. */
static saint_ui_pane_id only_pane(saint_ui_page page, saint_ui_pane_id focus)
{
    static const saint_ui_pane_id panes[SAINT_UI_PAGE_COUNT][7] = {
        [SAINT_UI_PAGE_INSPECT] = {SAINT_UI_PANE_IMAGE, SAINT_UI_PANE_PARAMS, SAINT_UI_PANE_FACTS, SAINT_UI_PANE_TOKEN, SAINT_UI_PANE_CHART,
                                   SAINT_UI_PANE_CHART_B},
        [SAINT_UI_PAGE_COMPARE] = {SAINT_UI_PANE_IMAGE, SAINT_UI_PANE_IMAGE_B, SAINT_UI_PANE_FACTS},
        [SAINT_UI_PAGE_SPEED] = {SAINT_UI_PANE_BARS, SAINT_UI_PANE_STACKS, SAINT_UI_PANE_NOTES},
        [SAINT_UI_PAGE_LAYERS] = {SAINT_UI_PANE_CHART, SAINT_UI_PANE_CHART_B},
        [SAINT_UI_PAGE_CHARTS] = {SAINT_UI_PANE_CHART, SAINT_UI_PANE_CHART_B},
        [SAINT_UI_PAGE_SWEEP] = {SAINT_UI_PANE_RUNS, SAINT_UI_PANE_PROGRESS, SAINT_UI_PANE_CHART},
        [SAINT_UI_PAGE_LOG] = {SAINT_UI_PANE_LOG},
    };
    for (int i = 0; i < 7; i++)
        if (panes[page][i] == focus && focus != SAINT_UI_PANE_NONE) return focus;
    return panes[page][0];
}

static bool has_strip(saint_ui_page page)
{
    return page == SAINT_UI_PAGE_INSPECT || page == SAINT_UI_PAGE_COMPARE || page == SAINT_UI_PAGE_LAYERS;
}

void saint_ui_layout_make(saint_ui_layout *out, saint_ui_page page, int w, int h, const saint_ui_layout_wish *wish)
{
    static const saint_ui_layout_wish plain = {0};
    if (!out) return;
    *out = (saint_ui_layout){0};
    if (!wish) wish = &plain;
    if ((int)page < 0 || page >= SAINT_UI_PAGE_COUNT) page = SAINT_UI_PAGE_INSPECT;
    saint_ui_rect body = {0, 0, w, h};
    if (w < SAINT_UI_LEAST_W || h < SAINT_UI_LEAST_H) {
        add(out, SAINT_UI_PANE_NOTICE, body);
        return;
    }
    bool small = w < 80 || h < 24;
    add(out, SAINT_UI_PANE_HEADER, cut_top(&body, 1));
    saint_ui_rect footer = cut_bottom(&body, 1), message = cut_bottom(&body, 1), strip = {0};
    if (has_strip(page)) strip = cut_bottom(&body, h < 24 ? 1 : h < 30 ? 2 : h < 50 ? 3 : 5);
    if (small) add(out, only_pane(page, wish->focus), body);
    else switch (page) {
        case SAINT_UI_PAGE_COMPARE: compare(out, body, wish); break;
        case SAINT_UI_PAGE_SPEED: speed(out, body); break;
        case SAINT_UI_PAGE_LAYERS: two(out, body, SAINT_UI_PANE_CHART, SAINT_UI_PANE_CHART_B, body.w >= 110 || body.h < 24); break; /* high before wide: curves rise */
        case SAINT_UI_PAGE_CHARTS:
            if (body.w >= 110 || body.h >= 30) two(out, body, SAINT_UI_PANE_CHART, SAINT_UI_PANE_CHART_B, body.w >= 110 && body.h < 45);
            else add(out, SAINT_UI_PANE_CHART, body);
            break;
        case SAINT_UI_PAGE_SWEEP: sweep(out, body); break;
        case SAINT_UI_PAGE_LOG: add(out, SAINT_UI_PANE_LOG, body); break;
        default: inspect(out, body, wish);
        }
    add(out, SAINT_UI_PANE_STRIP, strip);
    add(out, SAINT_UI_PANE_MESSAGE, message);
    add(out, SAINT_UI_PANE_FOOTER, footer);
}

saint_ui_rect saint_ui_layout_find(const saint_ui_layout *l, saint_ui_pane_id id)
{
    for (int i = 0; l && i < l->n; i++)
        if (l->pane[i].id == id) return l->pane[i].rect;
    return (saint_ui_rect){0};
}

saint_ui_pane_id saint_ui_layout_at(const saint_ui_layout *l, int x, int y)
{
    for (int i = 0; l && i < l->n; i++)
        if (saint_ui_rect_has(l->pane[i].rect, x, y)) return l->pane[i].id;
    return SAINT_UI_PANE_NONE;
}

static bool focusable(saint_ui_pane_id id)
{
    return id != SAINT_UI_PANE_HEADER && id != SAINT_UI_PANE_MESSAGE && id != SAINT_UI_PANE_FOOTER && id != SAINT_UI_PANE_NOTICE &&
           id != SAINT_UI_PANE_NONE;
}

saint_ui_pane_id saint_ui_layout_next(const saint_ui_layout *l, saint_ui_pane_id from, int direction)
{
    if (!l || l->n < 1) return SAINT_UI_PANE_NONE;
    int at = direction < 0 ? 0 : l->n - 1, step = direction < 0 ? l->n - 1 : 1;
    for (int i = 0; i < l->n; i++)
        if (l->pane[i].id == from) at = i;
    for (int i = 0; i < l->n; i++) {
        at = (at + step) % l->n;
        if (focusable(l->pane[at].id)) return l->pane[at].id;
    }
    return SAINT_UI_PANE_NONE;
}
