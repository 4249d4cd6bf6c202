/* page_compare_facts.c - the numbers of the A/B page: tokens, answers, times, and what differs in the plans. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/fidelity.h"
#include "ui/extra.h"
#include "views/bars.h"

enum { DIFFERENCES = 48, ROWS = DIFFERENCES + 20, VALUE = 64 };

/* Texts of one drawing; facts point into it. */
typedef struct {
    saint_ui_fact fact[ROWS];
    char text[ROWS][4][VALUE * 4];
    int n;
} sheet;

typedef struct {
    compare_overlap here, all;
    bool known;
    compare_answers answers;
    speed_plan a, b;
    const saint_trace_image *ia, *ib;
    compare_difference difference[DIFFERENCES];
    int n_differences;
} numbers;

/* ---- numbers ------------------------------------------------------------------------------------------------------ */

/* Overlap behind one column; false: one of the two is not known there. */
static bool overlap_at(const ui *u, int at, int round, uint8_t *a, uint8_t *b, compare_overlap *out)
{
    int n = u->info->grid_w * u->info->grid_h;
    if (ui_mask(u, ui_compare_left(u), at, round, a, NULL, NULL) < 0 || ui_mask(u, UI_NOW, at, round, b, NULL, NULL) < 0) return false;
    *out = compare_masks(a, b, n);
    return true;
}

/* All columns, kept until a version or a trace is another one. */
static void overlap_of_all(ui *u, uint8_t *a, uint8_t *b)
{
    ui_compare *c = u->compare;
    const ui_plan *pa = &u->plan[ui_compare_left(u)], *pb = &u->plan[UI_NOW];
    const void *now = pb->preview ? (const void *)pb->preview : pb->trace;
    if (c->all_a == pa->trace && c->all_b == now && c->all_version_a == pa->version && c->all_version_b == pb->version) return;
    c->all = (compare_overlap){0};
    c->all.jaccard = NAN;
    for (int i = 0; i < u->cursor.n; i++) {
        compare_overlap o;
        if (!overlap_at(u, i, -1, a, b, &o)) continue;
        compare_add(&c->all, &o);
    }
    c->all_a = pa->trace;
    c->all_b = now;
    c->all_version_a = pa->version;
    c->all_version_b = pb->version;
}

static void collect(ui *u, numbers *x)
{
    int left = ui_compare_left(u);
    const saint_trace *a = u->plan[left].trace, *b = u->plan[UI_NOW].trace;
    memset(x, 0, sizeof *x);
    x->here.jaccard = x->all.jaccard = NAN;
    x->answers = compare_answers_of(a, b);
    speed_plan base;
    ui_speed_of(u, left, &x->a);
    ui_speed_of(u, UI_NOW, &x->b);
    ui_speed_of(u, UI_BASE, &base);
    speed_plan_complete(&base, &x->b);
    speed_plan_complete(&x->a, &base);
    speed_plan_complete(&x->b, &base);
    const ui_match *match = &u->compare->match;
    if (match->timed_version && match->timed_version == u->plan[UI_NOW].version &&
        match->version_a == u->plan[left].version) { /* measured against each other */
        x->a.part[MEASURE_FIRST] = (measure_value){match->ms_a, NAN, NAN, match->ratio.n};
        x->b.part[MEASURE_FIRST] = (measure_value){match->ms_b, NAN, NAN, match->ratio.n};
        x->a.n = x->b.n = match->ratio.n;
        x->a.source = x->b.source = SPEED_MEASURED;
        x->a.company = x->b.company = match->company;
    }
    x->ia = a && a->n_images ? &a->image[0] : NULL;
    x->ib = b && b->n_images ? &b->image[0] : NULL;
    if (!u->info) return;
    x->n_differences = compare_settings(&u->plan[left].settings, &u->plan[UI_NOW].settings, u->info, x->difference, DIFFERENCES);
    if (u->cursor.n < 1) return;
    size_t n = (size_t)(u->info->grid_w * u->info->grid_h) + 1;
    uint8_t *ka = malloc(n), *kb = malloc(n);
    if (ka && kb) {
        x->known = overlap_at(u, u->cursor.at, u->cursor.round, ka, kb, &x->here);
        overlap_of_all(u, ka, kb);
        x->all = u->compare->all;
    }
    free(ka);
    free(kb);
}

/* ---- texts -------------------------------------------------------------------------------------------------------- */

static char *put(sheet *s, int column, const char *text)
{
    char *out = s->text[s->n][column];
    snprintf(out, sizeof s->text[0][0], "%s", text);
    return out;
}

/* NULL leaves a column empty. */
static void row(sheet *s, const char *label, const char *a, const char *b, const char *delta, saint_ui_role role)
{
    if (s->n == ROWS) return;
    s->fact[s->n] = (saint_ui_fact){.label = label ? put(s, 0, label) : NULL,
                                    .a = a ? put(s, 1, a) : NULL,
                                    .b = b ? put(s, 2, b) : NULL,
                                    .delta = delta ? put(s, 3, delta) : NULL,
                                    .role = role};
    s->n++;
}

static void number_row(sheet *s, const char *label, double a, double b, int decimals, bool less_is_good, const char *times)
{
    char ta[40], tb[40], ratio[48];
    saint_ui_fixed(ta, sizeof ta, a, decimals);
    saint_ui_fixed(tb, sizeof tb, b, decimals);
    double r = less_is_good ? a / b : b / a;
    bool same = !isfinite(r) || fabs(r - 1) < 0.0005;
    if (isfinite(r)) snprintf(ratio, sizeof ratio, "%.2f%s", r, times);
    else snprintf(ratio, sizeof ratio, "-");
    row(s, label, ta, tb, ratio, same ? SAINT_UI_TEXT : r > 1 ? SAINT_UI_GOOD : SAINT_UI_WARN);
}

static void time_row(sheet *s, const char *label, const measure_value *a, const measure_value *b, const char *times, const char *plus)
{
    const measure_value *v[2] = {a, b};
    char text[2][48], number[40], half[40], ratio[48] = "-";
    for (int k = 0; k < 2; k++) {
        saint_ui_fixed(number, sizeof number, 1e3 * v[k]->median, 1);
        if (isfinite(v[k]->low))
            snprintf(text[k], sizeof text[k], "%s %s%s", number, plus,
                     saint_ui_fixed(half, sizeof half, 5e2 * (v[k]->high - v[k]->low), 1));
        else snprintf(text[k], sizeof text[k], "%s", number);
    }
    double r = a->median / b->median;
    if (isfinite(r)) snprintf(ratio, sizeof ratio, "%.2f%s", r, times);
    row(s, label, text[0], text[1], ratio,
        !isfinite(r) ? SAINT_UI_TEXT
        : r > 1.005  ? SAINT_UI_GOOD
        : r < 0.995  ? SAINT_UI_WARN
                     : SAINT_UI_TEXT);
}

static void answer_text(const saint_trace *t, const saint_model *m, char *out, size_t size)
{
    char cut[VALUE];
    const saint_trace_image *im = t && t->n_images ? &t->image[0] : NULL;
    if (!im) snprintf(out, size, "-");
    else if (im->answer) {
        saint_ui_text_cut(cut, sizeof cut, im->answer, 28, "..");
        snprintf(out, size, "%s", cut);
    } else {
        const char *label = m ? saint_model_label(m, fidelity_top(im->logits, im->n_logits)) : NULL;
        if (label) snprintf(out, size, "%s", label);
        else snprintf(out, size, "class %d", fidelity_top(im->logits, im->n_logits));
    }
}

static void diverged_text(const compare_answers *r, bool classes, char *out, size_t size)
{
    if (classes) snprintf(out, size, "%s", r->top_a < 0 ? "" : r->top_a == r->top_b ? "same" : "another class");
    else if (r->diverged == COMPARE_SAME) snprintf(out, size, "same");
    else if (r->diverged >= 0) snprintf(out, size, "differ from token %d", r->diverged + 1);
    else snprintf(out, size, "%s", "");
}

static void source_text(const speed_plan *p, char *out) { speed_source_text(p, out, VALUE); }

/* ---- the sheet ---------------------------------------------------------------------------------------------------- */

static void token_rows(const numbers *x, sheet *s)
{
    char a[40], b[40], d[VALUE * 2];
    if (x->known) {
        snprintf(a, sizeof a, "%d", x->here.both + x->here.only_a);
        snprintf(b, sizeof b, "%d", x->here.both + x->here.only_b);
        row(s, "tokens here", a, b, NULL, SAINT_UI_TEXT);
        snprintf(d, sizeof d, "both %d, only A %d, only B %d, neither %d", x->here.both, x->here.only_a, x->here.only_b, x->here.neither);
        row(s, "overlap here", NULL, d, NULL, SAINT_UI_TEXT);
    }
    saint_ui_fixed(a, sizeof a, x->here.jaccard, 3);
    saint_ui_fixed(b, sizeof b, x->all.jaccard, 3);
    snprintf(d, sizeof d, "%s here, %s over all layers", a, b);
    row(s, "Jaccard", NULL, d, NULL, SAINT_UI_STRONG);
}

static void fill_sheet(const ui *u, const numbers *x, const char *times, const char *plus, sheet *s)
{
    char a[VALUE * 2], b[VALUE * 2], d[VALUE * 2];
    bool classes = u->info && !u->info->llm_layers;
    int left = ui_compare_left(u);
    token_rows(x, s);
    number_row(s, "tokens per layer", x->ia ? x->ia->equivalent : (double)NAN, x->ib ? x->ib->equivalent : (double)NAN, 1, true, times);
    answer_text(u->plan[left].trace, u->model, a, sizeof a);
    answer_text(u->plan[UI_NOW].trace, u->model, b, sizeof b);
    diverged_text(&x->answers, classes, d, sizeof d);
    bool same = x->answers.diverged == COMPARE_SAME || (classes && x->answers.top_a == x->answers.top_b);
    row(s, classes ? "class" : "answer", a, b, d, same ? SAINT_UI_GOOD : SAINT_UI_BAD);
    if (isfinite(x->answers.kl)) {
        snprintf(a, sizeof a, "%.3f", x->answers.p_a);
        snprintf(b, sizeof b, "%.3f", x->answers.p_b);
        snprintf(d, sizeof d, "KL %.4g nats", x->answers.kl);
        row(s, "P(A's first)", a, b, d, SAINT_UI_TEXT);
    }
    time_row(s, classes ? "class ms" : "first token ms", &x->a.part[MEASURE_FIRST], &x->b.part[MEASURE_FIRST], times, plus);
    if (!classes) {
        double da = 1e3 * x->a.part[MEASURE_DECODE].median / x->a.work.steps, db = 1e3 * x->b.part[MEASURE_DECODE].median / x->b.work.steps;
        number_row(s, "decode ms/token", x->a.work.steps > 0 ? da : (double)NAN, x->b.work.steps > 0 ? db : (double)NAN, 2, true, times);
        number_row(s, "KV MiB", x->ia ? (double)x->ia->kv_bytes / 1048576 : (double)NAN,
                   x->ib ? (double)x->ib->kv_bytes / 1048576 : (double)NAN, 2, true, times);
    }
    source_text(&x->a, a);
    source_text(&x->b, b);
    row(s, "times are", a, b, "", SAINT_UI_MUTED);
    if (u->subject.answers) row(s, "right answer", NULL, u->subject.answers, NULL, SAINT_UI_TEXT);
    if (u->compare->match.report[0]) row(s, "match", NULL, u->compare->match.report, NULL, SAINT_UI_TEXT);
}

static void fill_differences(const numbers *x, sheet *s)
{
    row(s,
        x->n_differences > 0    ? "the plans differ in"
        : x->n_differences == 0 ? "the plans are equal"
                                : "one of the plans is refused",
        NULL, NULL, NULL, SAINT_UI_TEXT);
    for (int i = 0; i < x->n_differences && i < DIFFERENCES; i++)
        row(s, x->difference[i].key, x->difference[i].a, x->difference[i].b, NULL, SAINT_UI_TEXT);
}

typedef struct {
    char text[16384];
    size_t n;
} words;

static void say(words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(words *w, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(w->text + w->n, sizeof w->text - w->n, format, ap);
    va_end(ap);
    if (n > 0) w->n += (size_t)n;
    if (w->n >= sizeof w->text) w->n = sizeof w->text - 1;
}

/* Where a table has no room: the same in sentences, the most telling first. */
static void sentences(const ui *u, const numbers *x, saint_ui_pen p, words *w)
{
    char a[VALUE * 2], b[VALUE * 2], d[VALUE * 2];
    const char *arrow = saint_ui_sym(p, SAINT_UI_SYM_ARROW_RIGHT), *times = saint_ui_sym(p, SAINT_UI_SYM_TIMES);
    bool classes = u->info && !u->info->llm_layers;
    if (x->known) say(w, "both %d  only A %d  only B %d  neither %d   ", x->here.both, x->here.only_a, x->here.only_b, x->here.neither);
    saint_ui_fixed(a, sizeof a, x->here.jaccard, 2);
    saint_ui_fixed(b, sizeof b, x->all.jaccard, 2);
    say(w, "Jaccard %s, all layers %s\n", a, b);
    if (u->compare->match.report[0]) say(w, "%s\n", u->compare->match.report);
    answer_text(u->plan[ui_compare_left(u)].trace, u->model, a, sizeof a);
    answer_text(u->plan[UI_NOW].trace, u->model, b, sizeof b);
    diverged_text(&x->answers, classes, d, sizeof d);
    if (strcmp(d, "same") == 0) say(w, "both: %s", b);
    else say(w, "A: %s  B: %s  %s", a, b, d);
    if (u->subject.answers && *u->subject.answers) say(w, "  right: %.40s", u->subject.answers);
    double ta = 1e3 * x->a.part[MEASURE_FIRST].median, tb = 1e3 * x->b.part[MEASURE_FIRST].median;
    if (isfinite(ta / tb)) {
        static const char measured[] = "measured "; /* n says as much */
        source_text(&x->b, d);
        say(w, "  first token %.1f %s %.1f ms %.2f%s (%s)", ta, arrow, tb, ta / tb, times, strncmp(d, measured, sizeof measured - 1) ? d : d + sizeof measured - 1);
    }
    if (isfinite(x->answers.kl)) say(w, "  KL %.3g", x->answers.kl);
    say(w, "\n");
    for (int i = 0; i < x->n_differences && i < DIFFERENCES; i++)
        say(w, "%s%s %s %s %s", i ? "  " : "", x->difference[i].key, x->difference[i].a, arrow, x->difference[i].b);
    if (x->n_differences <= 0) say(w, "%s", x->n_differences ? "one of the plans is refused" : "the plans are equal");
    if (x->ia && x->ib) say(w, "\ntokens per layer %.1f %s %.1f", x->ia->equivalent, arrow, x->ib->equivalent);
}

/* ---- the pane ----------------------------------------------------------------------------------------------------- */

static void keep_in_range(int *top, int lines, int h)
{
    if (*top > lines - h) *top = lines - h;
    if (*top < 0) *top = 0;
}

/* Lines drawn from *top on, which is corrected to what there is. Where it is wide, what differs stands beside it. */
static void draw_table(ui *u, const numbers *x, saint_ui_pen in)
{
    sheet *s = calloc(1, sizeof *s), *beside = calloc(1, sizeof *beside);
    int *top = &u->compare->top, was = *top, w = in.area.w;
    bool wide = w >= 130;
    const char *a = u->plan[UI_A].set ? "A" : "unpruned";
    if (s && beside) {
        fill_sheet(u, x, saint_ui_sym(in, SAINT_UI_SYM_TIMES), saint_ui_sym(in, SAINT_UI_SYM_PLUS_MINUS), s);
        fill_differences(x, wide ? beside : s);
        saint_ui_pen left = wide ? saint_ui_pen_part(in, 0, 0, w * 11 / 20, in.area.h) : in,
                     right = saint_ui_pen_part(in, w * 11 / 20 + 2, 0, w - w * 11 / 20 - 2, in.area.h);
        int lines = saint_ui_facts_draw(left, s->fact, s->n, *top, a, "B", "");
        if (wide) {
            int other = saint_ui_facts_draw(right, beside->fact, beside->n, *top, a, "B", NULL);
            if (other > lines) lines = other;
        }
        keep_in_range(top, lines, in.area.h);
        if (*top != was) {
            saint_ui_facts_draw(left, s->fact, s->n, *top, a, "B", "");
            if (wide) saint_ui_facts_draw(right, beside->fact, beside->n, *top, a, "B", NULL);
        }
    }
    free(s);
    free(beside);
}

static void draw_words(ui *u, const numbers *x, saint_ui_pen in)
{
    words *w = calloc(1, sizeof *w);
    if (!w) return;
    sentences(u, x, in, w);
    keep_in_range(&u->compare->top, saint_ui_wrap_count(w->text, in.area.w), in.area.h);
    saint_ui_paragraph(in, 0, 0, in.area.w, in.area.h, u->compare->top, SAINT_UI_TEXT, w->text);
    free(w);
}

static void draw_facts(ui *u, saint_ui_pen p)
{
    const ui_match *match = &u->compare->match;
    numbers *x = malloc(sizeof *x);
    char note[64] = "";
    if (match->kind != MATCH_IDLE) snprintf(note, sizeof note, "matching, %d runs", match->n_runs);
    saint_ui_pen in = saint_ui_pane_draw(
        p, &(saint_ui_pane){.title = "A and B", .note = note, .focus = u->focus == SAINT_UI_PANE_FACTS, .stale = ui_stale(u, UI_NOW)});
    in = saint_ui_pen_part(in, 1, 0, in.area.w - 2, in.area.h);
    if (x) {
        collect(u, x);
        if (in.area.h >= 9) draw_table(u, x, in);
        else draw_words(u, x, in);
    }
    free(x);
}

int ui_scroll_step(const saint_ui_event *e)
{
    if (e->kind == SAINT_UI_MOUSE) return e->mouse == SAINT_UI_MOUSE_WHEEL_DOWN ? 1 : e->mouse == SAINT_UI_MOUSE_WHEEL_UP ? -1 : 0;
    if (e->kind != SAINT_UI_PRESS) return 0;
    return e->key == SAINT_UI_KEY_DOWN        ? 1
           : e->key == SAINT_UI_KEY_UP        ? -1
           : e->key == SAINT_UI_KEY_PAGE_DOWN ? 8
           : e->key == SAINT_UI_KEY_PAGE_UP   ? -8
                                              : 0;
}

static bool facts_event(ui *u, const saint_ui_event *e, const saint_ui_hit *hit)
{
    (void)hit;
    int step = ui_scroll_step(e);
    u->compare->top += step;
    if (u->compare->top < 0) u->compare->top = 0;
    return step != 0;
}

const ui_pane ui_pane_compare_facts = {.draw = draw_facts, .event = facts_event};
