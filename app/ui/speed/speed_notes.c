/* speed_notes.c - what the numbers of the speed page mean, in sentences. */
#include "ui/speed/speed.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const saint_model_info *m;
    const saint_trace *t;
    const speed_plan *now, *base, *random;
    const measure_value *ratio;
    speed_rates rates;
    double predicted[MEASURE_PARTS];
    speed_notes *out;
} explainer;

static void say(speed_notes *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(speed_notes *out, const char *format, ...)
{
    if (out->n == SPEED_NOTES) return;
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(out->text[out->n++], SPEED_NOTE, format, ap);
    va_end(ap);
}

static const char *ms(double seconds, char out[24])
{
    double v = seconds * 1e3;
    snprintf(out, 24, "%.*f ms", fabs(v) < 0.1 ? 3 : fabs(v) < 10 ? 2 : 1, v);
    return out;
}

/* Large numbers of bytes as people read them. */
static const char *bytes(double v, char out[24])
{
    if (v < 1073741824) snprintf(out, 24, "%.1f MiB", v / 1048576);
    else snprintf(out, 24, "%.2f GiB", v / 1073741824);
    return out;
}

static const char *plural(int n) { return n == 1 ? "token" : "tokens"; }

/* What a run is until there is something to say: a classifier has no tokens to answer with. */
static const char *answer_word(const explainer *x) { return x->m->llm_layers ? "first token" : "class"; }

static const char *stage_name(saint_stage s) { return s == SAINT_STAGE_VIT ? "ViT" : "LLM"; }

static double without_selection(const speed_plan *p) { return p->part[MEASURE_FIRST].median - p->part[MEASURE_SELECTION].median; }

static double first_of(const double *part) { return part[MEASURE_ENCODER] + part[MEASURE_PROJECTOR] + part[MEASURE_PREFILL]; }

/* ---- break-even --------------------------------------------------------------------------------------------------- */

/* The site that pays least, where there are several: it is the one to move or to switch off. */
static void say_worst(const explainer *x, const speed_site *s, int n)
{
    char cost[24], saves[24];
    int worst = 0;
    for (int i = 1; i < n; i++)
        if (s[i].saves - s[i].cost < s[worst].saves - s[worst].cost) worst = i;
    const speed_site *w = &s[worst];
    const char *place = stage_name(w->stage);
    if (w->pays_from < 0)
        say(x->out, "%s %d costs %s: even dropping all its tokens would not pay that back.", place, w->layer, ms(w->cost, cost));
    else if (w->n_in - w->n_out < w->pays_from)
        say(x->out, "%s %d drops %d tokens and pays from %d on: it costs %s and saves %s.", place, w->layer, w->n_in - w->n_out,
            w->pays_from, ms(w->cost, cost), ms(w->saves, saves));
    else if (n == 1) say(x->out, "It pays from %d dropped %s on; %d go.", w->pays_from, plural(w->pays_from), w->n_in - w->n_out);
    else
        say(x->out, "Every site pays; the least, %s %d, from %d dropped %s on: %d go.", place, w->layer, w->pays_from, plural(w->pays_from),
            w->n_in - w->n_out);
}

/* Repeated runs may leave it open; a single one is believed where the operations say the same, for its parts may be of different moments. */
static const char *verdict(const explainer *x, bool saves, bool should)
{
    bool interval = x->ratio && isfinite(x->ratio->low);
    if (interval && x->ratio->low <= 1 && x->ratio->high >= 1) return "whether it pays does not show";
    if (!interval && saves != should) return "single runs cannot tell, m measures";
    return (interval ? x->ratio->low > 1 : saves) ? "it pays" : "it does not pay";
}

static void say_break_even(const explainer *x)
{
    char a[24], b[24], c[24];
    speed_site site[SAINT_MAX_SITES];
    int n = speed_sites(x->m, x->t, &x->rates, site, SAINT_MAX_SITES);
    double cost = x->now->part[MEASURE_SELECTION].median, predicted = 0,
           measured = x->base->part[MEASURE_FIRST].median - without_selection(x->now);
    for (int i = 0; i < n; i++) predicted += site[i].saves;
    /* Rounds in turns: their ratio bears a disturbance that a difference of two medians does not, and it is what the verdict goes by. */
    bool paired = x->ratio && isfinite(x->ratio->low) && x->ratio->median > 0;
    if (paired) measured = x->base->part[MEASURE_FIRST].median * (1 - 1 / x->ratio->median) + cost;
    if (n == 0) {
        say(x->out, "Nothing is dropped: there is no selection to pay for.");
        return;
    }
    if (isnan(cost) || isnan(predicted)) return;
    if (isnan(measured)) say(x->out, "Selection costs %s and should save %s before the %s.", ms(cost, a), ms(predicted, b), answer_word(x));
    else
        say(x->out, "Selection costs %s and saves %s before the %s (predicted %s): %s.", ms(cost, a), ms(measured, b), answer_word(x),
            ms(predicted, c), verdict(x, measured > cost, predicted > cost));
    say_worst(x, site, n);
}

/* ---- gain --------------------------------------------------------------------------------------------------------- */

/* Time before the first token if nothing of the picture were left behind the first site: what no budget can go below. */
static double floor_time(const explainer *x)
{
    double s[MEASURE_PARTS];
    const saint_history *h = &x->t->image[0].history;
    speed_counts c = speed_counts_of(x->m, x->t);
    if (h->n_sites > 0) {
        const saint_trace_site *f = h->site[0];
        for (int i = f->layer + 1; f->stage == SAINT_STAGE_VIT && i <= x->m->vit_layers_run; i++) c.vit[i] = 0;
        for (int i = f->stage == SAINT_STAGE_VIT ? 0 : f->layer + 1; i <= x->m->llm_layers; i++) c.llm[i] = 0;
    }
    speed_work w = speed_work_of(x->m, &c);
    speed_predict(&w, &x->rates, s);
    return first_of(s);
}

static void say_gain(const explainer *x)
{
    const saint_history *h = &x->t->image[0].history;
    double base = x->base->part[MEASURE_FIRST].median, now = x->now->part[MEASURE_FIRST].median, fixed = floor_time(x);
    double gain = x->ratio && isfinite(x->ratio->median) ? x->ratio->median : base / now, predicted = base / first_of(x->predicted);
    char interval[48] = "";
    if (h->n_sites == 0 || !isfinite(gain) || !isfinite(predicted)) return;
    if (x->ratio && isfinite(x->ratio->low)) snprintf(interval, sizeof interval, " [%.3f, %.3f]", x->ratio->low, x->ratio->high);
    say(x->out, "Before the %s: %.2fx%s; operations predict %.2fx.", answer_word(x), gain, interval, predicted);
    say(x->out, "%.0f %% of the unpruned time lies before the first site (%s %d)%s: no budget there can give more than %.2fx.",
        100 * fixed / base, stage_name(h->site[0]->stage), h->site[0]->layer, x->m->llm_layers ? " or is text" : "", base / fixed);
}

/* ---- what bounds the rest ----------------------------------------------------------------------------------------- */

typedef struct {
    const char *name;
    double seconds;
} term;

/* Where the plan's predicted time goes, before the first token and while decoding. */
static void say_dominant(const explainer *x)
{
    const speed_work *w = &x->now->work;
    const speed_rates *r = &x->rates;
    double attention = w->encoder_attention / r->encoder, pre_attention = w->prefill > 0 ? w->prefill_attention / r->prefill : 0,
           text = w->prefill > 0 ? w->prefill_text / r->prefill : 0, decode = x->now->part[MEASURE_DECODE].median,
           selection = x->now->part[MEASURE_SELECTION].median, total = 0;
    term list[] = {{"matrices of the encoder", x->predicted[MEASURE_ENCODER] - attention},
                   {"attention of the encoder", attention},
                   {"projector", x->predicted[MEASURE_PROJECTOR]},
                   {"prefill matrices over the picture", x->predicted[MEASURE_PREFILL] - pre_attention - text},
                   {"prefill matrices over the text", text},
                   {"attention of the prefill", pre_attention},
                   {"selection", selection},
                   {"decoding", decode}};
    enum { TERMS = sizeof list / sizeof *list };
    int first = -1, second = -1;
    for (int i = 0; i < TERMS; i++) {
        if (!(list[i].seconds > 0)) continue;
        total += list[i].seconds;
        if (first < 0 || list[i].seconds > list[first].seconds) second = first, first = i;
        else if (second < 0 || list[i].seconds > list[second].seconds) second = i;
    }
    if (first < 0 || second < 0) return;
    say(x->out, "What is left is mostly %s (%.0f %%), then %s (%.0f %%).", list[first].name, 100 * list[first].seconds / total,
        list[second].name, 100 * list[second].seconds / total);
}

/* A part that takes clearly longer than its operations would at the unpruned rate; a single run shows no such thing. */
static void say_slower(const explainer *x)
{
    static const struct {
        measure_part part;
        const char *name;
    } parts[] = {{MEASURE_ENCODER, "The encoder"}, {MEASURE_PREFILL, "Prefill"}};
    for (int i = 0; i < 2; i++) {
        const measure_value *v = &x->now->part[parts[i].part];
        double p = x->predicted[parts[i].part];
        if (!(p > 0) || !(v->low > 1.05 * p)) continue;
        say(x->out,
            "%s takes %.0f %% more than its operations would at the unpruned rate: with fewer rows the matrices are used less well.",
            parts[i].name, 100 * (v->median / p - 1));
    }
}

/* The roof: a weight that is read serves every row. With fewer rows than the ridge reading is what takes the time. */
static void say_roof(const explainer *x)
{
    const speed_work *w = &x->now->work;
    double reading = w->llm_weights / x->rates.bandwidth, working = x->predicted[MEASURE_PREFILL];
    if (!(reading > 0) || !(working > 0) || w->prefill_rows < 1) return;
    double ridge = w->prefill_rows * reading / working;
    if (reading >= working)
        say(x->out,
            "Prefill is bound by reading the weights: %d rows are fewer than the %.0f at which arithmetic takes as long; fewer tokens gain "
            "nothing there.",
            w->prefill_rows, ridge);
    else
        say(x->out, "Prefill is bound by arithmetic: %d rows share each weight; below about %.0f rows reading the weights would take over.",
            w->prefill_rows, ridge);
}

static void say_attention(const explainer *x)
{
    const speed_work *w = &x->base->work;
    char share[96];
    double encoder = w->encoder > 0 ? 100 * w->encoder_attention / w->encoder : 0,
           prefill = w->prefill > 0 ? 100 * w->prefill_attention / w->prefill : 0;
    if (x->m->llm_layers) snprintf(share, sizeof share, "%.0f %% of the encoder's operations and %.0f %% of prefill's", encoder, prefill);
    else snprintf(share, sizeof share, "%.0f %% of the encoder's operations", encoder);
    if (encoder > 25 || prefill > 25) say(x->out, "Attention is %s: that part falls with the square of the tokens.", share);
    else say(x->out, "Attention is %s: time falls with the tokens, not with their square.", share);
}

static void say_decode(const explainer *x)
{
    const speed_work *w = &x->now->work, *b = &x->base->work;
    if (w->steps < 1 || !(w->decode_bytes > 0)) return;
    char read[24];
    say(x->out, "Decoding reads %s per token, %.0f %% of it weights that pruning does not touch: at most %.2fx (now %.2fx).",
        bytes(w->decode_bytes, read), 100 * w->llm_weights / w->decode_bytes, b->decode_bytes / b->llm_weights,
        b->decode_bytes / w->decode_bytes);
}

/* Half of the interval of a total over its median; NaN = none. */
static double uncertainty(const speed_plan *p)
{
    const measure_value *v = &p->part[MEASURE_TOTAL];
    return (v->high - v->low) / 2 / v->median;
}

static void say_random(const explainer *x)
{
    char a[24], b[24];
    const measure_value *r = &x->random->part[MEASURE_FIRST], *now = &x->now->part[MEASURE_FIRST];
    double more = now->median - r->median;
    if (!isfinite(more)) return;
    bool shows = isnan(now->low) || isnan(r->low) || now->low > r->high || now->high < r->low;
    if (!shows) say(x->out, "Random dropping at the same counts takes %s: the difference does not show.", ms(r->median, a));
    else if (more >= 0)
        say(x->out, "Random dropping at the same counts takes %s: choosing well costs %s more.", ms(r->median, a), ms(more, b));
    else say(x->out, "Random dropping at the same counts takes %s, %s more than this plan.", ms(r->median, a), ms(-more, b));
}

static void say_how_known(const explainer *x)
{
    double worst = fmax(uncertainty(x->now), uncertainty(x->base));
    device_company company = device_company_both(x->now->company, x->base->company);
    if (company) say(x->out, "These times do not count, for %s meanwhile: measure again when that has ended.", device_company_while(company));
    if (x->now->source != SPEED_MEASURED || x->base->source != SPEED_MEASURED)
        say(x->out, "These are single runs, in part from checkpoints: measure before believing a difference.");
    else if (isnan(worst)) say(x->out, "%d runs are too few for an interval: it takes %d.", x->now->n, (int)MEASURE_LEAST);
    else if (worst > 0.05)
        say(x->out,
            "The machine is busy or uneven: the totals are known to %.0f %% only. Ratios within a round suffer less than single times.",
            100 * worst);
}

void speed_explain(const saint_model_info *m, const saint_trace *t, const speed_plan *now, const speed_plan *base, const speed_plan *random,
                   const measure_value *ratio, speed_notes *out)
{
    speed_plan plan = *now, full = *base;
    speed_plan_complete(&full, &plan);
    speed_plan_complete(&plan, &full);
    out->n = 0;
    explainer x = {.m = m, .t = t, .now = &plan, .base = &full, .random = random, .ratio = ratio, .out = out};
    if (!m || !t || t->n_images < 1 || !now->has_work) {
        say(out, "The plan has not run yet.");
        return;
    }
    if (!base->has_work) {
        say(out, "The unpruned model has not run on this picture yet: no rates, no predictions.");
        return;
    }
    double s[MEASURE_PARTS];
    for (int i = 0; i < MEASURE_PARTS; i++) s[i] = full.part[i].median;
    x.rates = speed_rates_of(&full.work, s);
    speed_predict(&plan.work, &x.rates, x.predicted);
    say_break_even(&x);
    say_gain(&x);
    say_dominant(&x);
    say_slower(&x);
    if (m->llm_layers) say_roof(&x);
    say_attention(&x);
    say_decode(&x);
    if (random) say_random(&x);
    say_how_known(&x);
}
