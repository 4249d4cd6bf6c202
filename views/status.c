#include "views/status.h"

#include <math.h>
#include <stdio.h>

void saint_ui_header_draw(saint_ui_pen p, const saint_ui_header *h, int what)
{
    saint_ui_clear(p, SAINT_UI_HEADER);
    if (!h) return;
    int w = p.area.w, right = w, tabs = 0;
    for (int i = 0; i < h->n_tabs; i++) tabs += saint_ui_text_width(h->tab[i]) + 5;
    /* Narrow: the numbers alone, but the active tab by name. */
    bool names = tabs + 24 <= w;
    if (!names) {
        tabs = 0;
        for (int i = 0; i < h->n_tabs; i++) tabs += i == h->active ? saint_ui_text_width(h->tab[i]) + 5 : 3;
    }
    if (tabs <= w) {
        int x = w - tabs;
        right = x;
        for (int i = 0; i < h->n_tabs; i++) {
            bool on = i == h->active;
            char text[64];
            if (names || on) snprintf(text, sizeof text, " %d %s ", i + 1, h->tab[i]);
            else snprintf(text, sizeof text, " %d ", i + 1);
            int used = saint_ui_text(p, x, 0, -1, on ? SAINT_UI_TAB_ACTIVE : SAINT_UI_TAB, text);
            if (what) saint_ui_hit_add(p, x, 0, used, 1, what, i);
            x += used + (names || on ? 1 : 0);
        }
    }
    int x = 0;
    if (h->brand && saint_ui_text_width(h->brand) + 2 < right) {
        char text[64];
        snprintf(text, sizeof text, " %s ", h->brand);
        x += saint_ui_text(p, 0, 0, right, SAINT_UI_BRAND, text) + 1;
    }
    for (int i = 0; i < h->n_parts && h->part; i++) {
        if (!h->part[i] || !*h->part[i]) continue;
        int room = right - x - 1;
        if (room < 8 && room < saint_ui_text_width(h->part[i])) break;
        x += saint_ui_text(p, x, 0, room, SAINT_UI_HEADER, h->part[i]) + 2;
    }
}

double saint_ui_eta(const saint_ui_progress *g)
{
    if (!g || g->done < 3 || g->total < g->done || !(g->seconds >= 0)) return NAN;
    return g->seconds / (double)g->done * (double)(g->total - g->done);
}

void saint_ui_progress_draw(saint_ui_pen p, const saint_ui_progress *g)
{
    if (!g || p.area.w < 1) return;
    char words[160], eta[40], failed[40] = "";
    double left = saint_ui_eta(g), share = g->total > 0 ? (double)g->done / (double)g->total : 0;
    if (isnan(left)) snprintf(eta, sizeof eta, "-");
    else saint_ui_duration(eta, sizeof eta, left);
    if (g->failed > 0) snprintf(failed, sizeof failed, "  %lld failed", (long long)g->failed);
    int x = saint_ui_text(p, 0, 0, p.area.w / 3, SAINT_UI_TEXT, g->name), percent = (int)(100 * share);
    if (x) x++;
    for (int detail = 0; detail < 3; detail++) { /* counts go first where it is narrow, then the time */
        int n = snprintf(words, sizeof words, "%d%%", percent);
        if (detail == 0) n += snprintf(words + n, sizeof words - (size_t)n, "  %lld/%lld", (long long)g->done, (long long)g->total);
        if (g->paused) n += snprintf(words + n, sizeof words - (size_t)n, "  paused");
        else if (detail < 2 && g->done < g->total) n += snprintf(words + n, sizeof words - (size_t)n, "  ETA %s", eta);
        snprintf(words + n, sizeof words - (size_t)n, "%s", failed);
        if (x + saint_ui_text_width(words) + 7 <= p.area.w) break;
    }
    int right = saint_ui_text_width(words), bar = p.area.w - x - right - 1;
    if (bar > 60) bar = 60;
    if (bar >= 4) {
        bool ascii = saint_ui_pen_ascii(p);
        int full = (int)(share * bar + 0.5);
        saint_ui_style on = saint_ui_theme_style(p.theme, g->paused ? SAINT_UI_WARN : SAINT_UI_FILL),
                       off = saint_ui_theme_style(p.theme, SAINT_UI_TRACK);
        for (int i = 0; i < bar; i++)
            saint_ui_char(p, x + i, 0, ascii ? (i < full ? '#' : '.') : i < full ? 0x25b0 : 0x25b1, i < full ? on : off);
        x += bar + 1;
    }
    saint_ui_text(p, x, 0, -1, g->failed > 0 ? SAINT_UI_WARN : SAINT_UI_MUTED, words);
}

/* Returns the columns used; whole: how many all of it would take (nothing is drawn). */
static int said_draw(saint_ui_pen p, int x, int right, const saint_ui_said *s, bool whole)
{
    static const saint_ui_role roles[] = {SAINT_UI_MUTED, SAINT_UI_INFO, SAINT_UI_GOOD, SAINT_UI_WARN, SAINT_UI_BAD};
    static const char *const rich[] = {"", "", "\u2713 ", "! ", "\u2717 "}, *const plain[] = {"", "", "ok ", "! ", "error: "};
    if (!s->text) return 0;
    int say = (int)s->say >= 0 && (int)s->say < 5 ? (int)s->say : 0;
    const char *sign = (saint_ui_pen_ascii(p) ? plain : rich)[say];
    if (whole) return saint_ui_text_width(sign) + saint_ui_text_width(s->text);
    int used = saint_ui_text(p, x, 0, right - x, roles[say], sign);
    return used + saint_ui_text(p, x + used, 0, right - x - used, roles[say], s->text);
}

static int progress_columns(const saint_ui_message *m, int w)
{
    if (!m->progress || w < 60) return 0;
    return w * 2 / 5 < 56 ? w * 2 / 5 : 56;
}

enum { SIGN = 3 };

int saint_ui_message_rows(const saint_ui_message *m, int w)
{
    enum { MOST = 4 };
    if (!m || m->say.say < SAINT_UI_SAY_WARN || !m->say.text) return 1;
    int progress = progress_columns(m, w), room = w - 1 - (progress ? progress + 2 : 0);
    if (SIGN + saint_ui_text_width(m->say.text) <= room) return 1;
    int n = saint_ui_wrap_count(m->say.text, w - SIGN - 2);
    return n < 1 ? 1 : n > MOST ? MOST : n;
}

void saint_ui_message_draw(saint_ui_pen p, const saint_ui_message *m)
{
    enum { BETWEEN = 3 };
    saint_ui_clear(p, SAINT_UI_TEXT);
    if (!m) return;
    if (p.area.h > 1 && m->say.text) {
        bool bad = m->say.say == SAINT_UI_SAY_BAD;
        saint_ui_role role = bad ? SAINT_UI_BAD : SAINT_UI_WARN;
        saint_ui_text(p, 1, 0, SIGN, role, !bad ? "!" : saint_ui_sym(p, SAINT_UI_SYM_BAD));
        saint_ui_paragraph(p, 1 + (bad && saint_ui_pen_ascii(p) ? SIGN : 2), 0, p.area.w - SIGN - 2, p.area.h, 0, role, m->say.text);
        return;
    }
    int right = p.area.w;
    if (progress_columns(m, p.area.w)) {
        int w = progress_columns(m, p.area.w);
        saint_ui_progress_draw(saint_ui_pen_part(p, p.area.w - w - 1, 0, w, 1), m->progress);
        right -= w + 2;
    }
    if (m->say.text && m->more.text &&
        1 + said_draw(p, 1, right, &m->say, true) + BETWEEN + said_draw(p, 1, right, &m->more, true) > right) {
        said_draw(p, 1, right, m->more_first ? &m->more : &m->say, false);
        return;
    }
    int x = 1 + said_draw(p, 1, right, &m->say, false);
    said_draw(p, x > 1 ? x + BETWEEN : 1, right, &m->more, false);
}

saint_ui_pen saint_ui_overlay(saint_ui_pen p, int w, int h, const char *title, const char *note)
{
    if (w > p.area.w - 2) w = p.area.w - 2 > 0 ? p.area.w - 2 : p.area.w;
    if (h > p.area.h - 2) h = p.area.h - 2 > 0 ? p.area.h - 2 : p.area.h;
    saint_ui_style faint = saint_ui_theme_style(p.theme, SAINT_UI_FAINT);
    faint.attr |= SAINT_UI_DIM;
    saint_ui_canvas_restyle(p.canvas, p.clip, faint);
    saint_ui_pen box = saint_ui_pen_part(p, (p.area.w - w) / 2, (p.area.h - h) / 2, w, h);
    return saint_ui_pane_draw(box, &(saint_ui_pane){.title = title, .note = note, .focus = true});
}

void saint_ui_too_small(saint_ui_pen p, int need_w, int need_h)
{
    saint_ui_clear(p, SAINT_UI_TEXT);
    char text[96];
    snprintf(text, sizeof text, "The screen is %d x %d; %d x %d is the least. q quits.", p.area.w, p.area.h, need_w, need_h);
    saint_ui_paragraph(p, 0, 0, p.area.w, p.area.h, 0, SAINT_UI_WARN, text);
}

void saint_ui_failure(saint_ui_pen p, const char *what, const char *why)
{
    saint_ui_clear(p, SAINT_UI_TEXT);
    saint_ui_text(p, 1, 0, -1, SAINT_UI_BAD, what);
    saint_ui_paragraph(p, 1, 1, p.area.w - 2, p.area.h - 1, 0, SAINT_UI_TEXT, why);
}
