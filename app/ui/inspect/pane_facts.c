/* pane_facts.c - what this plan does to this picture beside the unpruned model (or plan A): each number with where it comes from. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/fidelity.h"
#include "ui/inspect/estimate.h"
#include "ui/inspect/inspect.h"
#include "ui/panes.h"
#include "views/bars.h"

enum { FACTS_MOST = 16, VALUE_MOST = 48, DELTA_MOST = 64 };

typedef struct {
    int n;
    saint_ui_fact fact[FACTS_MOST];
    char a[FACTS_MOST][VALUE_MOST], b[FACTS_MOST][512], delta[FACTS_MOST][DELTA_MOST];
} facts;

/* Where a time comes from; what was not timed alone counts for little. */
static const char *origin(ui_known k, device_company company, int cached, int layers, char out[32])
{
    if (k == UI_KNOWN_RUN && company) snprintf(out, 32, "%s", device_company_word(company));
    else if (k != UI_KNOWN_RUN) snprintf(out, 32, "%s", k == UI_KNOWN_STALE ? "guess" : "predicted");
    else if (cached <= 0 || cached >= layers) snprintf(out, 32, "%s", cached <= 0 ? "measured" : "cached");
    else snprintf(out, 32, "%d/%d cached", cached, layers);
    return out;
}

static saint_ui_role role_of(ui_known k) { return k == UI_KNOWN_RUN ? SAINT_UI_MEASURED : k == UI_KNOWN_PREVIEW ? SAINT_UI_PREDICTED : SAINT_UI_STALE; }

typedef char *writer(char *out, size_t size, double v);

static char *tokens_text(char *out, size_t size, double v) { return saint_ui_fixed(out, size, v, v == floor(v) ? 0 : 1); }
static char *time_text(char *out, size_t size, double v)
{
    if (isnan(v)) return saint_ui_number(out, size, NAN);
    return saint_ui_duration(out, size, v);
}

/* a and b as text, and "-34.9 %  measured" behind them. NaN: not known. */
static void compare(facts *f, const char *label, double a, double b, writer *write, saint_ui_role role, const char *where)
{
    if (f->n == FACTS_MOST) return;
    int i = f->n++;
    char change[24] = "";
    write(f->a[i], VALUE_MOST, a);
    write(f->b[i], VALUE_MOST, b);
    if (a > 0 && isfinite(b) && isfinite(a)) snprintf(change, sizeof change, "%+.1f %%", 100 * (b - a) / a);
    if (!strcmp(change, "+0.0 %") || !strcmp(change, "-0.0 %")) snprintf(change, sizeof change, "same");
    snprintf(f->delta[i], DELTA_MOST, "%s%s%s", change, change[0] && *where ? " " : "", isnan(b) ? "" : where);
    f->fact[i] = (saint_ui_fact){label, isnan(a) ? NULL : f->a[i], f->b[i], f->delta[i], role};
}

static void line(facts *f, const char *label, saint_ui_role role, const char *format, ...) __attribute__((format(printf, 4, 5)));
static void line(facts *f, const char *label, saint_ui_role role, const char *format, ...)
{
    if (f->n == FACTS_MOST) return;
    va_list ap;
    va_start(ap, format);
    vsnprintf(f->b[f->n], sizeof f->b[0], format, ap);
    va_end(ap);
    f->fact[f->n] = (saint_ui_fact){.label = label, .b = f->b[f->n], .role = role};
    f->n++;
}

static const saint_trace_image *image_of(const ui *u, int slot)
{
    const saint_trace *t = u->plan[slot].trace;
    return t && t->n_images > 0 ? &t->image[0] : NULL;
}

/* At most `columns` of a text, so that a model that talks on does not push the rest away. */
static const char *cut(const char *text, char *out, size_t size, int columns)
{
    saint_ui_text_cut(out, size, *text ? text : "(nothing)", columns, "...");
    for (char *p = out; *p; p++)
        if (*p == '\n') *p = ' ';
    return out;
}

/* A classifier answers with its first class. */
static void agrees_class(const ui *u, const saint_trace_image *now, const saint_trace_image *base, const char *name, const char *kl, facts *f)
{
    const int other = fidelity_top(base->logits, base->n_logits);
    const char *label = u->model ? saint_model_label(u->model, other) : NULL;
    if (fidelity_top(now->logits, now->n_logits) == other) line(f, "agrees", SAINT_UI_GOOD, "yes, with %s; KL %s nats", name, kl);
    else line(f, "agrees", SAINT_UI_WARN, "no: %s says %d %.40s, KL %s nats", name, other, label ? label : "", kl);
}

static void answer_rows(const ui *u, int other, facts *f, int columns, bool one_line)
{
    enum { LABEL = 14, STALE = 8, WITH_WHOM = 46 };
    const bool narrow = columns < WITH_WHOM;
    columns = one_line ? columns - LABEL - STALE : 2 * (columns - LABEL) - STALE;
    if (columns < 8) columns = 8;
    char text[400], short_text[80];
    const saint_trace_image *now = image_of(u, UI_NOW), *base = image_of(u, other);
    const char *name = other == UI_A ? "A" : "unpruned";
    bool stale = ui_stale(u, UI_NOW);
    if (!now) return;
    if (now->answer) {
        const char *right = u->subject.answers;
        int room = right ? columns - 12 : columns;
        cut(now->answer, text, sizeof text, room > 8 ? room : 8);
        line(f, "answer", stale ? SAINT_UI_STALE : SAINT_UI_STRONG, "%s%s%s%s", text, stale ? " (stale)" : "", right ? "; right: " : "",
             right ? cut(right, short_text, sizeof short_text, one_line ? 12 : 40) : "");
    } else if (now->logits && now->n_logits) {
        int best = fidelity_top(now->logits, now->n_logits);
        const char *label = u->model ? saint_model_label(u->model, best) : NULL;
        char right[96] = "";
        if (u->subject.answers) snprintf(right, sizeof right, "; right: %s", cut(u->subject.answers, short_text, sizeof short_text, 20));
        line(f, "class", stale ? SAINT_UI_STALE : SAINT_UI_STRONG, "%d %s%s%s", best, label ? label : "", stale ? " (stale)" : "", right);
    }
    if (!base || !now->logits || !base->logits || now->n_logits != base->n_logits) line(f, "agrees", SAINT_UI_MUTED, "%s has not run yet", name);
    else if (stale) line(f, "agrees", SAINT_UI_STALE, "not known before the run");
    else {
        int at = fidelity_first_difference(now->ids, now->n_ids, base->ids, base->n_ids);
        char kl[24];
        snprintf(kl, sizeof kl, "%.2g", fidelity_kl(base->logits, now->logits, now->n_logits));
        if (!u->info->llm_layers) agrees_class(u, now, base, name, kl, f);
        else if (at < 0 && narrow) line(f, "agrees", SAINT_UI_GOOD, "yes; KL %s nats", kl); /* with whom is the heading's */
        else if (at < 0) line(f, "agrees", SAINT_UI_GOOD, "yes, with %s; KL %s nats", name, kl);
        else
            line(f, "agrees", SAINT_UI_WARN, "no: %s says \"%s\", differs at token %d, KL %s nats", name,
                 cut(base->answer ? base->answer : "", short_text, sizeof short_text, one_line ? 8 : 24), at + 1, kl);
    }
    if (now->logits && now->n_logits > 0) { /* how sure it is of the first token, and how sure the other plan is of the same one */
        int top = fidelity_top(now->logits, now->n_logits);
        char beside[48] = "";
        if (base && base->logits && base->n_logits == now->n_logits)
            snprintf(beside, sizeof beside, "; %s %.1f %%", name, 100 * fidelity_probability(base->logits, base->n_logits, top));
        line(f, u->info->llm_layers ? "first token" : "sure", stale ? SAINT_UI_STALE : SAINT_UI_TEXT, "%.1f %%%s",
             100 * fidelity_probability(now->logits, now->n_logits, top), beside);
    }
}

static void next_row(const ui *u, facts *f)
{
    const ui_plan *p = &u->plan[UI_NOW];
    if (p->error.code != SAINT_OK) line(f, "failed", SAINT_UI_BAD, "%s", p->error.text);
    if (!ui_stale(u, UI_NOW) || p->error.code != SAINT_OK) return;
    if (!u->worker) return;
    if (p->has_forecast)
        line(f, ui_running(u, UI_NOW, NULL) ? "running" : "to run", SAINT_UI_ACCENT, "%d of %d layers: %s", p->forecast.layers_to_run + p->forecast.layers_question,
             p->forecast.layers_to_run + p->forecast.layers_question + p->forecast.layers_reused, p->forecast.reason);
}

static void make(const ui *u, facts *f, int in_columns, bool short_answer)
{
    ui_estimate now, base;
    int other = u->plan[UI_A].set && u->plan[UI_A].trace ? UI_A : UI_BASE;
    bool known = ui_estimate_of(u, UI_NOW, &now), compared = ui_estimate_of(u, other, &base);
    f->n = 0;
    if (!compared) base = (ui_estimate){.tokens = NAN, .flops = NAN, .kv_bytes = NAN, .encode = NAN, .prefill = NAN, .select = NAN};
    if (known) {
        char word[2][32], count[32];
        bool llm = u->info->llm_layers > 0;
        saint_ui_role role = role_of(now.known);
        for (int stage = 0; stage < 2; stage++) origin(now.known, device_company_both(now.company, base.company), now.cached[stage], now.layers[stage], word[stage]);
        snprintf(count, sizeof count, "%s", now.known == UI_KNOWN_RUN ? "counted" : word[0]); /* never timed */
        compare(f, "tokens/layer", base.tokens, now.tokens, tokens_text, role, count);
        compare(f, "FLOPs", base.flops, now.flops, saint_ui_number, role, count);
        compare(f, "encode", base.encode, now.encode, time_text, role, word[0]);
        if (llm) compare(f, "prefill", base.prefill, now.prefill, time_text, role, word[1]);
        answer_rows(u, other, f, in_columns, short_answer);
        next_row(u, f);
        if (llm) compare(f, "KV cache", base.kv_bytes, now.kv_bytes, saint_ui_bytes, role, count);
        if (llm) compare(f, "into the LLM", compared ? (double)base.vit_out : NAN, (double)now.vit_out, tokens_text, role, count);
        if (!isnan(now.select)) compare(f, "selection", NAN, now.select, time_text, role, now.company ? device_company_word(now.company) : "measured");
        return;
    }
    next_row(u, f);
    answer_rows(u, other, f, in_columns, short_answer);
}

bool ui_token_in_facts(const ui *u)
{
    enum { ROOM = 8 };
    return u->patch >= 0 && u->focus == SAINT_UI_PANE_IMAGE && saint_ui_layout_find(&u->layout, SAINT_UI_PANE_TOKEN).h < ROOM &&
           saint_ui_layout_find(&u->layout, SAINT_UI_PANE_FACTS).w > 0;
}

char *ui_answer_words(const ui *u, char *out, size_t size, int columns)
{
    char text[200], right[64] = "", agrees[32] = "", shown[40];
    const saint_trace_image *now = image_of(u, UI_NOW), *base = image_of(u, UI_BASE);
    out[0] = 0;
    if (!now) return out;
    int best = now->logits && now->n_logits ? fidelity_top(now->logits, now->n_logits) : -1;
    const char *label = best >= 0 && u->model ? saint_model_label(u->model, best) : NULL, *answer = now->answer ? now->answer : label ? label : "no answer";
    bool stale = ui_stale(u, UI_NOW), same = base && fidelity_first_difference(now->ids, now->n_ids, base->ids, base->n_ids) < 0;
    if (u->subject.answers) snprintf(right, sizeof right, ", right: %s", cut(u->subject.answers, shown, sizeof shown, 12));
    if (stale) snprintf(agrees, sizeof agrees, " (stale)");
    else if (best >= 0 && !now->answer && base && base->logits && !ui_stale(u, UI_BASE))
        snprintf(agrees, sizeof agrees, fidelity_top(base->logits, base->n_logits) == best ? ", as unpruned" : ", not as unpruned");
    else if (now->answer && base && !ui_stale(u, UI_BASE)) snprintf(agrees, sizeof agrees, same ? ", as unpruned" : ", not as unpruned");
    int room = columns - saint_ui_text_width(right) - saint_ui_text_width(agrees);
    if (room < 4) room += saint_ui_text_width(agrees), agrees[0] = 0; /* what it is goes before what it is like */
    snprintf(out, size, "%s%s%s", cut(answer, text, sizeof text, room < 4 ? 4 : room < 48 ? room : 48), right, agrees);
    return out;
}

int ui_answer_draw(ui *u, saint_ui_pen in, int rows)
{
    enum { LABEL = 7 };
    char words[300];
    facts *f = malloc(sizeof *f);
    if (!f || rows < 1) {
        free(f);
        return 0;
    }
    f->n = 0;
    int used = saint_ui_text(in, 1, 0, -1, SAINT_UI_MUTED, "answer") > 0;
    ui_answer_words(u, words, sizeof words, in.area.w - 2 - LABEL);
    saint_ui_text(in, 1 + LABEL, 0, in.area.w - 2 - LABEL, ui_stale(u, UI_NOW) ? SAINT_UI_STALE : SAINT_UI_STRONG, words[0] ? words : "nothing has run yet");
    if (rows > 1) answer_rows(u, u->plan[UI_A].set && u->plan[UI_A].trace ? UI_A : UI_BASE, f, in.area.w - 2, true);
    if (f->n > 1) { /* agreement, and how sure it was */
        saint_ui_facts_draw(saint_ui_pen_part(in, 1, 1, in.area.w - 2, rows - 1), f->fact + 1, f->n - 1, 0, NULL, NULL, NULL);
        used = rows;
    }
    free(f);
    return used;
}

static void draw(ui *u, saint_ui_pen pen)
{
    char detail[96] = "";
    const saint_trace *t = u->plan[UI_NOW].trace;
    bool token = ui_token_in_facts(u), focus = u->focus == SAINT_UI_PANE_FACTS;
    if (token) snprintf(detail, sizeof detail, "under the cursor");
    else if (t) snprintf(detail, sizeof detail, "%s %s, %d thread%s", t->device, t->dtype, t->threads, t->threads == 1 ? "" : "s");
    saint_ui_pen in = saint_ui_pane_draw(pen, &(saint_ui_pane){.title = saint_ui_pane_title(token ? SAINT_UI_PANE_TOKEN : SAINT_UI_PANE_FACTS),
                                                               .detail = detail,
                                                               .focus = focus,
                                                               .stale = !token && ui_stale(u, UI_NOW) && t});
    if (token) { /* the answer goes nowhere: one line, or in the pane that the token leaves */
        int used = saint_ui_layout_find(&u->layout, SAINT_UI_PANE_TOKEN).h > 2 ? 0 : ui_answer_draw(u, in, 1);
        ui_token_draw(u, saint_ui_pen_part(in, 0, used, in.area.w, in.area.h - used));
        return;
    }
    facts *f = malloc(sizeof *f);
    if (!f) return;
    make(u, f, in.area.w, in.area.h < 12);
    const char *other = u->plan[UI_A].set && u->plan[UI_A].trace ? "A" : "unpruned", *against = *other == 'A' ? "to A" : "to unpruned";
    bool narrow = in.area.w < 52; /* where a number comes from is worth more than a second one */
    for (int i = 0; i < f->n && narrow; i++) f->fact[i].a = NULL;
    if (f->n) {
        const int top = ui_inspect_of(u)->facts_top, lines = saint_ui_facts_draw(in, f->fact, f->n, top, narrow ? NULL : other, "now", narrow ? against : NULL);
        const bool ascii = saint_ui_pen_ascii(in);
        if (top > 0) saint_ui_text(in, in.area.w - 1, 0, 1, SAINT_UI_ACCENT, ascii ? "^" : "\u25b4");
        if (lines > top + in.area.h) saint_ui_text(in, in.area.w - 1, in.area.h - 1, 1, SAINT_UI_ACCENT, ascii ? "v" : "\u25be");
    } else
        saint_ui_paragraph(in, 1, 0, in.area.w - 2, in.area.h, 0, SAINT_UI_MUTED,
                           u->model_error.code != SAINT_OK     ? u->model_error.text
                           : !u->worker                        ? "the model is being opened"
                           : u->subject.error.code != SAINT_OK ? "nothing to run: this picture cannot be opened; ] goes to the next one"
                                                               : "nothing has run yet");
    free(f);
}

static bool event(ui *u, const saint_ui_event *e, const saint_ui_hit *hit)
{
    (void)hit;
    int *top = ui_token_in_facts(u) ? &ui_inspect_of(u)->token_top : &ui_inspect_of(u)->facts_top, step = 0;
    if (e->kind == SAINT_UI_PRESS) step = e->key == SAINT_UI_KEY_DOWN ? 1 : e->key == SAINT_UI_KEY_UP ? -1 : 0;
    if (e->kind == SAINT_UI_MOUSE) step = e->mouse == SAINT_UI_MOUSE_WHEEL_DOWN ? 1 : e->mouse == SAINT_UI_MOUSE_WHEEL_UP ? -1 : 0;
    if (!step) return e->kind == SAINT_UI_MOUSE;
    *top = *top + step < 0 ? 0 : *top + step > FACTS_MOST ? FACTS_MOST : *top + step;
    return true;
}

const ui_pane ui_pane_facts = {.draw = draw, .event = event};
