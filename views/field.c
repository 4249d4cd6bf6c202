#include "views/field.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool whole(const saint_ui_field_spec *s) { return s->type != SAINT_UI_FIELD_FLOAT; }

static double upper(const saint_ui_field_spec *s)
{
    return s->type == SAINT_UI_FIELD_CHOICE ? s->n_choices - 1 : s->type == SAINT_UI_FIELD_BOOL ? 1 : s->max;
}
static double lower(const saint_ui_field_spec *s) { return whole(s) && s->type != SAINT_UI_FIELD_INT ? 0 : s->min; }

static bool logarithmic(const saint_ui_field_spec *s) { return s->min > 0 && s->max / s->min > 1000; }

double saint_ui_field_share(const saint_ui_field_spec *s, double v)
{
    if (!s) return 0;
    double low = lower(s), high = upper(s), share;
    if (logarithmic(s)) share = log(v / low) / log(high / low);
    else share = high > low ? (v - low) / (high - low) : 0;
    return share > 0 ? fmin(share, 1) : 0; /* NaN too */
}

/* A step that a hand can feel: a hundredth or so of the range, rounded to 1, 2 or 5. */
static double step_of(const saint_ui_field_spec *s, bool big)
{
    double step = big ? s->big_step : s->step, range = upper(s) - lower(s);
    if (step > 0) return step;
    if (s->type == SAINT_UI_FIELD_BOOL || s->type == SAINT_UI_FIELD_CHOICE) return 1;
    if (s->type == SAINT_UI_FIELD_INT && !big) return 1;
    if (!(range > 0) || !isfinite(range)) return 1;
    double raw = range / (big ? 16 : 128), unit = pow(10, floor(log10(raw))), lead = raw / unit;
    step = unit * (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10);
    return s->type == SAINT_UI_FIELD_INT ? fmax(2, round(step)) : step;
}

static int decimals_of(const saint_ui_field_spec *s)
{
    double step = step_of(s, false);
    int n = 0;
    while (n < 6 && fabs(step * pow(10, n) - round(step * pow(10, n))) > 1e-9) n++;
    return n < 2 ? 2 : n;
}

char *saint_ui_field_format(const saint_ui_field_spec *s, double v, char *out, size_t size)
{
    if (!s || !out || !size) return out;
    if (s->type == SAINT_UI_FIELD_BOOL) snprintf(out, size, "%s", v != 0 ? "on" : "off");
    else if (s->type == SAINT_UI_FIELD_CHOICE) snprintf(out, size, "%s", v >= 0 && v < s->n_choices && s->choice ? s->choice[(int)v] : "?");
    else if (s->unset && v == -1) snprintf(out, size, "%s", s->unset);
    else if (s->type == SAINT_UI_FIELD_INT) saint_ui_fixed(out, size, v, 0);
    else {
        int n = decimals_of(s);
        while (n < 6 && fabs(v * pow(10, n) - round(v * pow(10, n))) > 1e-4) n++; /* a typed 0.8125 stays visible */
        saint_ui_fixed(out, size, v, n);
    }
    return out;
}

static saint_ui_field_result put(const saint_ui_field_spec *s, saint_ui_field *f, double v)
{
    if (whole(s)) v = round(v);
    v = fmin(fmax(v, lower(s)), upper(s));
    f->error[0] = 0;
    if (v == f->value || isnan(v)) return SAINT_UI_FIELD_SAME;
    f->value = v;
    f->state = SAINT_UI_FIELD_PENDING;
    return SAINT_UI_FIELD_CHANGED;
}

static bool refuse(const saint_ui_field_spec *s, saint_ui_field *f)
{
    if (!s->locked) return false;
    snprintf(f->error, sizeof f->error, "%s", s->locked);
    return true;
}

saint_ui_field_result saint_ui_field_step(const saint_ui_field_spec *s, saint_ui_field *f, int steps, bool big)
{
    if (!s || !f || f->state == SAINT_UI_FIELD_EDITED) return SAINT_UI_FIELD_IGNORED;
    if (refuse(s, f)) return SAINT_UI_FIELD_SAME;
    double step = step_of(s, big), v = f->value;
    if (s->type == SAINT_UI_FIELD_BOOL) v = steps > 0;
    else if (logarithmic(s) && s->type == SAINT_UI_FIELD_FLOAT && !(s->step > 0)) v *= pow(big ? 2 : 1.1, steps);
    else if (s->type == SAINT_UI_FIELD_FLOAT) v = round((v + steps * step) / step) * step; /* typed values fall back on the raster */
    else v += steps * step;
    return put(s, f, v);
}

saint_ui_field_result saint_ui_field_slide(const saint_ui_field_spec *s, saint_ui_field *f, double share)
{
    if (!s || !f || f->state == SAINT_UI_FIELD_EDITED) return SAINT_UI_FIELD_IGNORED;
    if (refuse(s, f)) return SAINT_UI_FIELD_SAME;
    share = fmin(fmax(share, 0), 1);
    double low = lower(s), high = upper(s), v = logarithmic(s) ? low * pow(high / low, share) : low + share * (high - low);
    if (s->type == SAINT_UI_FIELD_FLOAT && !logarithmic(s)) v = round(v / step_of(s, false)) * step_of(s, false);
    return put(s, f, v);
}

saint_ui_field_result saint_ui_field_reset(const saint_ui_field_spec *s, saint_ui_field *f)
{
    if (!s || !f) return SAINT_UI_FIELD_IGNORED;
    if (refuse(s, f)) return SAINT_UI_FIELD_SAME;
    f->state = f->state == SAINT_UI_FIELD_EDITED ? SAINT_UI_FIELD_SHOWN : f->state;
    return put(s, f, s->def);
}

/* ---- typing ---- */

/* strtod without the locale: sign, digits, one point, exponent. */
static bool number(const char **text, double *out)
{
    const char *p = *text;
    char copy[64];
    size_t n = 0;
    if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X') && isxdigit((unsigned char)p[2])) {
        char *end;
        *out = (double)strtoull(p, &end, 16);
        *text = end;
        return true;
    }
    if (*p == '-' || *p == '+') p++;
    double v = 0, scale = 1;
    bool digits = false, point = false;
    for (; (*p >= '0' && *p <= '9') || (*p == '.' && !point); p++) {
        if (*p == '.') {
            point = true;
            continue;
        }
        digits = true;
        v = v * 10 + (*p - '0');
        if (point) scale *= 10;
        if (++n >= sizeof copy) return false;
    }
    if (!digits) return false;
    int exponent = 0;
    if (*p == 'e' || *p == 'E') {
        char *end;
        long e = strtol(p + 1, &end, 10);
        if (end == p + 1 || e < -300 || e > 300) return false;
        exponent = (int)e;
        p = end;
    }
    *out = (**text == '-' ? -1 : 1) * v / scale * pow(10, exponent);
    *text = p;
    return true;
}

static bool choice_of(const saint_ui_field_spec *s, const char *text, double *out, char error[112])
{
    int found = -1, n = 0;
    size_t length = strlen(text);
    for (int i = 0; i < s->n_choices && s->choice; i++) {
        size_t k = 0;
        while (k < length && tolower((unsigned char)text[k]) == tolower((unsigned char)s->choice[i][k])) k++;
        if (k < length || !length) continue;
        if (!s->choice[i][k]) n = 0, found = i; /* the whole word wins over what it begins */
        if (found < 0) found = i;
        n++;
        if (!s->choice[i][k]) break;
    }
    if (n == 1) return *out = found, true;
    size_t at = (size_t)snprintf(error, 112, n ? "several begin so: " : "one of: ");
    for (int i = 0; i < s->n_choices && at < 112 && s->choice; i++)
        at += (size_t)snprintf(error + at, 112 - at, "%s%s", i ? ", " : "", s->choice[i]);
    return false;
}

bool saint_ui_field_parse(const saint_ui_field_spec *s, double now, const char *text, double *out, char error[112])
{
    error[0] = 0;
    if (!s || !text || !out) return false;
    while (*text == ' ') text++;
    char trimmed[SAINT_UI_LINE_MOST];
    snprintf(trimmed, sizeof trimmed, "%s", text);
    for (size_t n = strlen(trimmed); n && trimmed[n - 1] == ' ';) trimmed[--n] = 0;
    if (s->type == SAINT_UI_FIELD_CHOICE) return choice_of(s, trimmed, out, error);
    static const char *const yes[] = {"on", "yes", "true", "1"}, *const no[] = {"off", "no", "false", "0"};
    for (int i = 0; i < 4 && s->type == SAINT_UI_FIELD_BOOL; i++) {
        if (!strcmp(trimmed, yes[i])) return *out = 1, true;
        if (!strcmp(trimmed, no[i])) return *out = 0, true;
    }
    if (s->type == SAINT_UI_FIELD_BOOL) return snprintf(error, 112, "on or off"), false;
    if (s->unset && !strcmp(trimmed, s->unset)) return *out = -1, true;
    const char *p = trimmed;
    double v;
    if (!number(&p, &v)) return snprintf(error, 112, "not a number"), false;
    bool percent = *p == '%', relative = trimmed[0] == '+' || (trimmed[0] == '-' && (s->min >= 0 || percent));
    if (percent) p++;
    if (*p) return snprintf(error, 112, "not a number"), false;
    if (percent) v = relative ? now * (1 + v / 100) : s->max * v / 100;
    else if (relative) v = now + v;
    if (percent && s->type == SAINT_UI_FIELD_INT) v = round(v);
    char low[40], high[40];
    if (s->type == SAINT_UI_FIELD_INT && v != round(v)) return snprintf(error, 112, "whole numbers only"), false;
    if (!(v >= s->min && v <= s->max))
        return snprintf(error, 112, "%s to %s", saint_ui_number(low, sizeof low, s->min), saint_ui_number(high, sizeof high, s->max)),
               false;
    *out = v;
    return true;
}

static void check(const saint_ui_field_spec *s, saint_ui_field *f)
{
    double v;
    if (f->line.selected || !f->line.text[0]) f->error[0] = 0;
    else saint_ui_field_parse(s, f->value, f->line.text, &v, f->error);
}

static saint_ui_field_result edit_key(const saint_ui_field_spec *s, saint_ui_field *f, const saint_ui_event *e)
{
    if (e->kind == SAINT_UI_PRESS && e->key == SAINT_UI_KEY_ESCAPE) {
        f->state = SAINT_UI_FIELD_SHOWN;
        f->error[0] = 0;
        return SAINT_UI_FIELD_SAME;
    }
    if (e->kind == SAINT_UI_PRESS && e->key == SAINT_UI_KEY_ENTER) {
        double v;
        if (!saint_ui_field_parse(s, f->value, f->line.text, &v, f->error))
            return SAINT_UI_FIELD_SAME; /* stays open, the reason is shown */
        f->state = SAINT_UI_FIELD_SHOWN;
        return put(s, f, v);
    }
    if (!saint_ui_line_key(&f->line, e)) return SAINT_UI_FIELD_IGNORED;
    check(s, f);
    return SAINT_UI_FIELD_SAME;
}

static void open_editor(const saint_ui_field_spec *s, saint_ui_field *f, uint32_t first)
{
    char text[64];
    if (first) saint_ui_line_set(&f->line, "");
    else {
        saint_ui_line_set(&f->line, saint_ui_field_format(s, f->value, text, sizeof text));
        f->line.selected = true;
    }
    f->state = SAINT_UI_FIELD_EDITED;
    f->error[0] = 0;
    if (first) {
        saint_ui_line_key(&f->line, &(saint_ui_event){.kind = SAINT_UI_PRESS, .ch = first});
        check(s, f);
    }
}

saint_ui_field_result saint_ui_field_key(const saint_ui_field_spec *s, saint_ui_field *f, const saint_ui_event *e)
{
    if (!s || !f || !e) return SAINT_UI_FIELD_IGNORED;
    if (f->state == SAINT_UI_FIELD_EDITED) return edit_key(s, f, e);
    if (e->kind != SAINT_UI_PRESS) return SAINT_UI_FIELD_IGNORED;
    bool big = (e->mods & (SAINT_UI_SHIFT | SAINT_UI_CTRL)) != 0;
    bool toggles = s->type == SAINT_UI_FIELD_BOOL || s->type == SAINT_UI_FIELD_CHOICE;
    switch (e->key) {
    case SAINT_UI_KEY_LEFT: return saint_ui_field_step(s, f, -1, big);
    case SAINT_UI_KEY_RIGHT: return saint_ui_field_step(s, f, 1, big);
    case SAINT_UI_KEY_HOME: return refuse(s, f) ? SAINT_UI_FIELD_SAME : put(s, f, lower(s));
    case SAINT_UI_KEY_END: return refuse(s, f) ? SAINT_UI_FIELD_SAME : put(s, f, upper(s));
    case SAINT_UI_KEY_ENTER:
        if (refuse(s, f)) return SAINT_UI_FIELD_SAME;
        if (s->type == SAINT_UI_FIELD_BOOL) return put(s, f, f->value == 0);
        open_editor(s, f, 0);
        return SAINT_UI_FIELD_SAME;
    case SAINT_UI_KEY_CHAR: break;
    default: return SAINT_UI_FIELD_IGNORED;
    }
    if (e->mods & (SAINT_UI_CTRL | SAINT_UI_ALT)) return SAINT_UI_FIELD_IGNORED;
    if (e->ch == ' ' && toggles) {
        if (refuse(s, f)) return SAINT_UI_FIELD_SAME;
        return put(s, f, f->value >= upper(s) ? lower(s) : f->value + 1);
    }
    bool digit = (e->ch >= '0' && e->ch <= '9') || e->ch == '.' || e->ch == '-' || e->ch == '+';
    if (!digit || toggles) return SAINT_UI_FIELD_IGNORED;
    if (!refuse(s, f)) open_editor(s, f, e->ch);
    return SAINT_UI_FIELD_SAME;
}

/* ---- drawing ---- */

static void draw_slider(saint_ui_pen p, int x, int w, const saint_ui_field_spec *s, const saint_ui_field *f, bool focus)
{
    bool ascii = saint_ui_pen_ascii(p);
    uint32_t rest = ascii ? '-' : 0x2500, full = ascii ? '=' : 0x2501;
    int knob = (int)lround(saint_ui_field_share(s, f->value) * (w - 1));
    int def = (int)lround(saint_ui_field_share(s, s->def) * (w - 1));
    saint_ui_style track = saint_ui_theme_style(p.theme, s->locked ? SAINT_UI_FAINT : SAINT_UI_TRACK);
    saint_ui_style fill = saint_ui_theme_style(p.theme, s->locked ? SAINT_UI_FAINT : SAINT_UI_FILL);
    for (int i = 0; i < w; i++) saint_ui_char(p, x + i, 0, i < knob ? full : rest, i < knob ? fill : track);
    if (def != knob) saint_ui_char(p, x + def, 0, ascii ? ':' : def < knob ? 0x2537 : 0x2534, def < knob ? fill : track);
    if (isfinite(f->other)) {
        int other = (int)lround(saint_ui_field_share(s, f->other) * (w - 1));
        if (other != knob) saint_ui_char(p, x + other, 0, 'A', saint_ui_theme_style(p.theme, SAINT_UI_ONLY_A));
    }
    saint_ui_char(p, x + knob, 0, saint_ui_sym_char(p, SAINT_UI_SYM_KNOB),
                  saint_ui_theme_style(p.theme, s->locked ? SAINT_UI_DISABLED
                                                : focus   ? SAINT_UI_KNOB
                                                          : SAINT_UI_FILL));
}

/* All choices in a row, the present one marked; false when they do not fit. */
static bool draw_choices(saint_ui_pen p, int x, int w, const saint_ui_field_spec *s, const saint_ui_field *f)
{
    int need = 0;
    for (int i = 0; i < s->n_choices && s->choice; i++) need += saint_ui_text_width(s->choice[i]) + 3;
    if (need - 3 > w || !s->choice) return false;
    for (int i = 0; i < s->n_choices; i++) {
        bool on = i == (int)f->value;
        x += saint_ui_text(p, x, 0, -1, on ? SAINT_UI_ACCENT : SAINT_UI_MUTED, s->choice[i]);
        if (i + 1 < s->n_choices) x += saint_ui_textf(p, x, 0, -1, SAINT_UI_FAINT, " %s ", saint_ui_sym(p, SAINT_UI_SYM_DOT));
    }
    return true;
}

static saint_ui_role value_role(const saint_ui_field_spec *s, const saint_ui_field *f)
{
    if (f->state == SAINT_UI_FIELD_REJECTED) return SAINT_UI_BAD;
    if (s->locked) return SAINT_UI_MUTED;
    return f->state == SAINT_UI_FIELD_PENDING ? SAINT_UI_WARN : SAINT_UI_STRONG;
}

void saint_ui_field_draw(saint_ui_pen p, const saint_ui_field_spec *s, saint_ui_field *f, int name_columns, bool focus, int what, int value,
                         saint_ui_rect *slider)
{
    if (slider) *slider = (saint_ui_rect){p.area.x, p.area.y, 0, 0};
    if (!s || !f || p.area.w < 1 || p.area.h < 1) return;
    saint_ui_clear(p, SAINT_UI_TEXT);
    int w = p.area.w, x = 1, value_w = s->type == SAINT_UI_FIELD_CHOICE || s->unset ? 9 : 7;
    if (name_columns <= 0) name_columns = saint_ui_text_width(s->name);
    if (name_columns > w / 2) name_columns = w / 2;
    bool ascii = saint_ui_pen_ascii(p);
    if (focus) saint_ui_text(p, 0, 0, 1, SAINT_UI_ACCENT, ascii ? ">" : "\u25b8");
    if (what) saint_ui_hit_add(p, 0, 0, w, 1, what, value);
    saint_ui_text(p, x, 0, name_columns, focus ? SAINT_UI_STRONG : SAINT_UI_TEXT, s->name);
    x += name_columns + 1;
    int marker = w - 1;
    if (f->state == SAINT_UI_FIELD_EDITED) {
        int room = w - x - 1 > 14 ? 14 : w - x;
        saint_ui_line_draw(saint_ui_pen_part(p, x, 0, room, 1), &f->line, true, f->error[0] != 0);
        if (f->error[0]) saint_ui_text(p, x + room + 1, 0, -1, SAINT_UI_BAD, f->error);
        else saint_ui_textf(p, x + room + 1, 0, -1, SAINT_UI_MUTED, "%s  Enter applies, Esc leaves", s->unit ? s->unit : "");
        return;
    }
    char text[64], low[40], high[40];
    saint_ui_field_format(s, f->value, text, sizeof text);
    if (s->unset && w >= 60 && saint_ui_text_width(text) > value_w) value_w = 12; /* "375 derived" */
    if (s->type == SAINT_UI_FIELD_CHOICE || s->type == SAINT_UI_FIELD_BOOL) {
        int room = w - x - 1, used = saint_ui_text_width(text) + 4;
        if (s->type == SAINT_UI_FIELD_CHOICE && room >= 44 && draw_choices(p, x + 2, room - 2, s, f)) used = room;
        else {
            saint_ui_text(p, x, 0, -1,
                          s->locked ? SAINT_UI_FAINT
                          : focus   ? SAINT_UI_ACCENT
                                    : SAINT_UI_MUTED,
                          saint_ui_sym(p, SAINT_UI_SYM_LEFT));
            used = 2 + saint_ui_text(p, x + 2, 0, room > 4 ? room - 4 : 1, value_role(s, f), text);
            saint_ui_text(p, x + used + 1, 0, -1,
                          s->locked ? SAINT_UI_FAINT
                          : focus   ? SAINT_UI_ACCENT
                                    : SAINT_UI_MUTED,
                          saint_ui_sym(p, SAINT_UI_SYM_RIGHT));
        }
        if (what) saint_ui_hit_add(p, x, 0, used + 2, 1, what, value);
    } else {
        int room = w - x - 1;
        saint_ui_text_right(p, x + (value_w < room ? value_w : room), 0, value_w, value_role(s, f), text);
        x += value_w + 1;
        saint_ui_number(low, sizeof low, s->min);
        saint_ui_number(high, sizeof high, s->max);
        int unit = s->unit && *s->unit && w >= 64 ? 7 : 0, bounds = w >= 56 ? 6 : 0;
        if (unit) saint_ui_text(p, x, 0, unit - 1, SAINT_UI_MUTED, s->unit);
        x += unit;
        int track = w - x - 2 * bounds - 2;
        if (s->locked) saint_ui_text(p, x, 0, w - x, SAINT_UI_MUTED, s->locked);
        else if (track >= 5) {
            if (bounds) {
                saint_ui_text_right(p, x + bounds - 1, 0, bounds - 1, SAINT_UI_FAINT, low);
                saint_ui_text(p, x + bounds + track + 1, 0, bounds - 1, SAINT_UI_FAINT, high);
            }
            draw_slider(p, x + bounds, track, s, f, focus);
            if (slider) *slider = saint_ui_rect_meet((saint_ui_rect){p.area.x + x + bounds, p.area.y, track, 1}, p.clip);
            if (what) saint_ui_hit_add(p, x + bounds, 0, track, 1, what + 1, value);
        }
    }
    if (f->state == SAINT_UI_FIELD_PENDING) saint_ui_text(p, marker, 0, 1, SAINT_UI_WARN, "*");
    if (f->state == SAINT_UI_FIELD_REJECTED) saint_ui_text(p, marker, 0, 1, SAINT_UI_BAD, "!");
}

void saint_ui_fields_draw(saint_ui_pen p, const saint_ui_field_spec *spec, saint_ui_field *f, int n, int at, int *top, bool doc, int what)
{
    saint_ui_clear(p, SAINT_UI_TEXT);
    if (!spec || !f || n < 1 || p.area.h < 1) return;
    int own = 0, names = 0, rows = p.area.h;
    if (!top) top = &own;
    doc = doc && rows > n && at >= 0 && at < n;
    if (at >= 0 && at < *top) *top = at;
    if (at >= *top + rows) *top = at - rows + 1;
    if (*top > n - rows) *top = n - rows;
    if (*top < 0) *top = 0;
    for (int i = 0; i < n; i++) {
        int w = saint_ui_text_width(spec[i].name);
        if (w > names) names = w;
    }
    if (names > 16 && p.area.w < 70) names = 16;
    for (int i = 0; i < rows && *top + i < n; i++)
        saint_ui_field_draw(saint_ui_pen_part(p, 0, i, p.area.w, 1), &spec[*top + i], &f[*top + i], names, *top + i == at, what, *top + i,
                            NULL);
    bool ascii = saint_ui_pen_ascii(p);
    if (*top > 0) saint_ui_text(p, p.area.w - 1, 0, 1, SAINT_UI_ACCENT, ascii ? "^" : "\u25b4");
    if (*top + rows < n) saint_ui_text(p, p.area.w - 1, rows - 1, 1, SAINT_UI_ACCENT, ascii ? "v" : "\u25be");
    if (doc) saint_ui_text(p, 1, rows - 1, -1, SAINT_UI_MUTED, spec[at].doc);
}
