#include "views/bars.h"

#include <math.h>
#include <stdio.h>

static double largest(const saint_ui_bars *b)
{
    double most = b->most;
    for (int i = 0; i < b->n && !(b->most > 0); i++) {
        const double v[] = {b->row[i].measured, b->row[i].predicted, b->row[i].baseline, b->row[i].high};
        for (int k = 0; k < 4; k++)
            if (isfinite(v[k]) && v[k] > most) most = v[k];
    }
    return most > 0 && isfinite(most) ? most : 1;
}

static void tick(saint_ui_pen p, int x, int y, int w, double share, uint32_t rich, char plain, saint_ui_role role)
{
    if (!(share >= 0) || share > 1.0001) return;
    int at = (int)(share * w);
    if (at >= w) at = w - 1;
    saint_ui_style style = saint_ui_theme_style(p.theme, role);
    const saint_ui_cell *cell = saint_ui_canvas_at(p.canvas, p.area.x + x + at, p.area.y + y);
    if (cell && cell->ch == 0x2588) style.bg = cell->fg; /* inside the bar: its colour goes on behind the tick */
    style.attr |= SAINT_UI_BOLD;
    saint_ui_char(p, x + at, y, saint_ui_pen_ascii(p) ? (uint32_t)plain : rich, style);
}

static int label_width(const saint_ui_bars *b, int w)
{
    int most = 0;
    for (int i = 0; i < b->n; i++) {
        int n = saint_ui_text_width(b->row[i].label);
        if (n > most) most = n;
    }
    return most > w / 3 ? w / 3 : most;
}

static void value_text(char *out, size_t size, const saint_ui_bar_row *r, int decimals, bool interval, const char *sign)
{
    char a[40], b[40];
    saint_ui_fixed(a, sizeof a, r->measured, decimals);
    if (interval && r->high > r->low)
        snprintf(out, size, "%s %s%s", a, sign, saint_ui_fixed(b, sizeof b, (r->high - r->low) / 2, decimals));
    else snprintf(out, size, "%s", a);
}

int saint_ui_bars_draw(saint_ui_pen p, const saint_ui_bars *b)
{
    saint_ui_clear(p, SAINT_UI_TEXT);
    if (!b || !b->row || b->n < 1) return 0;
    int w = p.area.w, h = p.area.h, legend = b->legend && h >= 4 ? 2 : 0,
        lines = h - legend >= 3 * b->n - 1 ? 3
                : h - legend >= 2 * b->n   ? 2
                                           : 1;
    double most = largest(b);
    int left = label_width(b, w) + 1, right = w >= 44 ? 18 : w >= 24 ? 9 : 0, width = w - left - right - 1;
    if (width < 1) width = 1;
    for (int i = 0; i < b->n; i++) {
        const saint_ui_bar_row *r = &b->row[i];
        int y = (i - (b->first > 0 ? b->first : 0)) * lines;
        if (y < 0 || y >= h - legend) continue;
        char text[96];
        saint_ui_text(p, 0, y, left - 1, SAINT_UI_TEXT, r->label);
        bool measured = isfinite(r->measured);
        if (measured) saint_ui_bar(p, left, y, width, r->measured / most, SAINT_UI_MEASURED, SAINT_UI_FAINT);
        else
            saint_ui_bar(p, left, y, width, lines == 1 && isfinite(r->predicted) ? r->predicted / most : 0, SAINT_UI_PREDICTED,
                         SAINT_UI_FAINT);
        tick(p, left, y, width, r->baseline / most, 0x2503, '|', SAINT_UI_BASELINE);
        if (lines == 1 && measured) tick(p, left, y, width, r->predicted / most, 0x2502, '!', SAINT_UI_PREDICTED);
        if (right) {
            saint_ui_bar_row shown = *r;
            if (!measured && lines == 1) shown.measured = r->predicted, shown.low = shown.high = NAN;
            value_text(text, sizeof text, &shown, b->decimals, right > 12, saint_ui_sym(p, SAINT_UI_SYM_PLUS_MINUS));
            saint_ui_text(p, left + width + 1, y, right, measured ? SAINT_UI_TEXT : lines == 1 ? SAINT_UI_PREDICTED : SAINT_UI_MUTED, text);
        }
        if (lines < 2 || y + 1 >= h - legend) continue;
        if (isfinite(r->predicted)) saint_ui_bar(p, left, y + 1, width, r->predicted / most, SAINT_UI_PREDICTED, SAINT_UI_FAINT);
        if (right && isfinite(r->predicted))
            saint_ui_text(p, left + width + 1, y + 1, right, SAINT_UI_PREDICTED,
                          saint_ui_fixed(text, sizeof text, r->predicted, b->decimals));
    }
    if (legend) {
        int y = h - 1, x = 0;
        bool ascii = saint_ui_pen_ascii(p);
        x += saint_ui_text(p, x, y, -1, SAINT_UI_MEASURED, ascii ? "#" : "\u2588") + 1;
        x += saint_ui_text(p, x, y, -1, SAINT_UI_MUTED, "measured") + 3;
        x += saint_ui_text(p, x, y, -1, SAINT_UI_PREDICTED, lines == 1 ? (ascii ? "!" : "\u2502") : ascii ? "#" : "\u2588") + 1;
        x += saint_ui_text(p, x, y, -1, SAINT_UI_MUTED, "predicted") + 3;
        x += saint_ui_text(p, x, y, -1, SAINT_UI_BASELINE, ascii ? "|" : "\u2503") + 1;
        x += saint_ui_text(p, x, y, -1, SAINT_UI_MUTED, "without pruning") + 3;
        if (b->unit) saint_ui_text(p, x, y, -1, SAINT_UI_MUTED, b->unit);
    }
    return b->n * lines;
}

/* Parts that mono and ASCII screens tell apart too. */
static uint32_t part_char(saint_ui_pen p, int part)
{
    static const char plain[SAINT_UI_SERIES + 1] = "#=*+o-";
    static const uint16_t shade[SAINT_UI_SERIES] = {0x2588, 0x2593, 0x2592, 0x2588, 0x2593, 0x2592};
    if (saint_ui_pen_ascii(p)) return (uint32_t)plain[part % SAINT_UI_SERIES];
    return p.theme && p.theme->tier == SAINT_UI_MONO ? shade[part % SAINT_UI_SERIES] : 0x2588;
}

void saint_ui_stacks_draw(saint_ui_pen p, const saint_ui_stack *stack, int n, const char *const *part_name, int n_parts, const char *unit,
                          int decimals)
{
    saint_ui_clear(p, SAINT_UI_TEXT);
    if (!stack || n < 1 || n_parts < 1) return;
    double most = 0;
    int left = 0, h = p.area.h, legend = part_name && h > n ? 1 : 0, step = h - legend >= 2 * n ? 2 : 1;
    for (int i = 0; i < n; i++) {
        double total = 0;
        for (int k = 0; k < n_parts && stack[i].part; k++)
            if (stack[i].part[k] > 0) total += stack[i].part[k];
        if (total > most && isfinite(total)) most = total;
        int w = saint_ui_text_width(stack[i].label);
        if (w > left) left = w;
    }
    if (left > p.area.w / 3) left = p.area.w / 3;
    left++;
    int right = p.area.w >= 30 ? 12 : 0, width = p.area.w - left - right - 1;
    if (width < 1) width = 1;
    for (int i = 0; i < n; i++) {
        double sum = 0;
        bool known = false;
        int y = i * step, from = 0;
        if (y >= h - legend) break;
        saint_ui_text(p, 0, y, left - 1, SAINT_UI_TEXT, stack[i].label);
        for (int k = 0; k < n_parts && stack[i].part; k++) {
            known = known || isfinite(stack[i].part[k]);
            if (!(stack[i].part[k] > 0) || !isfinite(stack[i].part[k])) continue;
            sum += stack[i].part[k];
            int to = (int)lround(sum / (most > 0 ? most : 1) * width);
            saint_ui_style style = saint_ui_theme_style(p.theme, (saint_ui_role)(SAINT_UI_SERIES_0 + k % SAINT_UI_SERIES));
            for (int x = from; x < to && x < width; x++) saint_ui_char(p, left + x, y, part_char(p, k), style);
            from = to;
        }
        char text[96], number[40];
        snprintf(text, sizeof text, "%s %s", saint_ui_fixed(number, sizeof number, known ? sum : NAN, decimals), known && unit ? unit : "");
        if (right) saint_ui_text(p, left + width + 1, y, right, SAINT_UI_TEXT, text);
    }
    for (int k = 0, x = 0; k < n_parts && legend; k++) {
        char block[5] = {0};
        (void)saint_ui_utf8_put(part_char(p, k), block);
        if (x + 3 > p.area.w) { /* what has no room is not left out in silence */
            saint_ui_text(p, p.area.w - 1, h - 1, 1, SAINT_UI_MUTED, "\u2026");
            break;
        }
        x += saint_ui_text(p, x, h - 1, -1, (saint_ui_role)(SAINT_UI_SERIES_0 + k % SAINT_UI_SERIES), block) + 1;
        x += saint_ui_text(p, x, h - 1, -1, SAINT_UI_MUTED, part_name[k]) + 2;
    }
}

/* ---- facts ---- */

int saint_ui_facts_draw(saint_ui_pen p, const saint_ui_fact *fact, int n, int first, const char *head_a, const char *head_b,
                        const char *head_delta)
{
    saint_ui_clear(p, SAINT_UI_TEXT);
    if (!fact || n < 1) return 0;
    int w = p.area.w, label = 0, a = head_a ? saint_ui_text_width(head_a) : 0, b = head_b ? saint_ui_text_width(head_b) : 0;
    int delta = head_delta ? saint_ui_text_width(head_delta) : 0;
    bool has_a = false, has_delta = false;
    for (int i = 0; i < n; i++) {
        const saint_ui_fact *f = &fact[i];
        if (f->label && (f->a || f->b || f->delta) && saint_ui_text_width(f->label) > label) label = saint_ui_text_width(f->label);
        has_a = has_a || f->a;
        has_delta = has_delta || f->delta;
        if (saint_ui_text_width(f->a) > a) a = saint_ui_text_width(f->a);
        if ((f->a || f->delta) && saint_ui_text_width(f->b) > b) b = saint_ui_text_width(f->b);
        if (saint_ui_text_width(f->delta) > delta) delta = saint_ui_text_width(f->delta);
    }
    label++;
    if (label > w / 2) label = w / 2;
    /* A narrow pane gives up A first; the difference is cut before it goes: what is now stays. */
    int least = has_delta ? (delta < 8 ? delta : 8) + 2 : 0;
    if (has_a && label + a + 2 + b + least > w) has_a = false;
    if (has_delta && label + b + least > w) has_delta = false;
    int at_b = label + (has_a ? a + 2 : 0) + b, at_delta = has_delta ? at_b + 2 : w;
    int y = -(first > 0 ? first : 0);
    if (head_a || head_b || head_delta) {
        if (y >= 0) {
            if (has_a && head_a) saint_ui_text_right(p, label + a, y, a, SAINT_UI_ONLY_A, head_a);
            if (head_b) saint_ui_text_right(p, at_b, y, b, SAINT_UI_ONLY_B, head_b);
            if (has_delta && head_delta) saint_ui_text(p, at_delta, y, -1, SAINT_UI_MUTED, head_delta);
        }
        y++;
    }
    for (int i = 0; i < n; i++) {
        const saint_ui_fact *f = &fact[i];
        bool heading = f->label && !f->a && !f->b && !f->delta;
        if (y >= 0 && y < p.area.h) saint_ui_text(p, 0, y, heading ? w : label - 1, heading ? SAINT_UI_ACCENT : SAINT_UI_MUTED, f->label);
        if (f->b && !f->a && !f->delta) { /* one value alone: text, wrapped */
            int skip = y < 0 ? -y : 0, row = y < 0 ? 0 : y;
            saint_ui_pen rest = saint_ui_pen_part(p, label, 0, w - label, p.area.h);
            int lines = saint_ui_paragraph(rest, 0, row, w - label, p.area.h - row, skip, f->role, f->b);
            y += lines > 0 ? lines : 1;
            continue;
        }
        if (y >= 0 && y < p.area.h) {
            if (has_a) saint_ui_text_right(p, label + a, y, a, SAINT_UI_TEXT, f->a);
            saint_ui_text_right(p, at_b, y, b, f->delta ? SAINT_UI_STRONG : f->role, f->b);
            if (has_delta) saint_ui_text(p, at_delta, y, -1, f->role, f->delta);
        }
        y++;
    }
    return y + (first > 0 ? first : 0);
}
