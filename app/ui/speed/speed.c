/* speed.c - counts, rates, predictions, break-even. The words are in speed_notes.c. */
#include "ui/speed/speed.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- counts ------------------------------------------------------------------------------------------------------- */

speed_counts speed_counts_of(const saint_model_info *m, const saint_trace *t)
{
    speed_counts c;
    memset(&c, 0, sizeof c);
    const saint_trace_image *im = &t->image[0];
    for (int i = 0; i < im->history.n_layers; i++) {
        const saint_trace_layer *y = &im->history.layer[i];
        if (y->layer < 0 || y->layer >= SAINT_MAX_LAYERS) continue;
        if (y->stage == SAINT_STAGE_VIT) {
            c.vit[y->layer] = y->image_in;
            c.vit[y->layer + 1] = y->n_out - m->vit_prefix;
        } else {
            c.llm[y->layer] = y->image_in;
            c.text[y->layer] = y->n_in - y->image_in;
            c.text[y->layer + 1] = c.text[y->layer]; /* a wrong window may drop some there; no layer behind it reads the number */
            c.llm[y->layer + 1] = y->n_out - c.text[y->layer];
        }
    }
    c.steps = im->n_ids;
    if (im->stop && strcmp(im->stop, "length") == 0 && c.steps > 0) c.steps--; /* the last token was not fed back */
    c.kv_size = strcmp(t->dtype, "f32") == 0 ? 4 : 2;
    return c;
}

/* What a row's way through the matrices of one LLM layer takes; attention comes on top. */
static double llm_matrices(const saint_model_info *m)
{
    double d = m->llm_dim, q = (double)m->llm_heads * m->llm_head_dim, kv = (double)m->llm_kv_heads * m->llm_head_dim;
    return d * (2 * q + 2 * kv) + 3 * d * m->llm_mlp;
}

static void count_encoder(const saint_model_info *m, const speed_counts *c, speed_work *w)
{
    if (m->vit_layers_run < 1) return;
    w->encoder = saint_cost_vit_embed(m) + (m->classes ? saint_cost_classifier(m) : 0);
    for (int i = 0; i < m->vit_layers_run; i++) {
        double rows = c->vit[i] + m->vit_prefix;
        w->encoder += saint_cost_vit_layer(m, c->vit[i] + m->vit_prefix, c->vit[i + 1] + m->vit_prefix);
        w->encoder_attention += 4 * rows * rows * m->vit_dim;
    }
}

static void count_prefill(const saint_model_info *m, const speed_counts *c, speed_work *w)
{
    w->projector = m->vit_layers_run ? saint_cost_projector(m, c->vit[m->vit_layers_run]) : 0;
    w->prefill = saint_cost_llm_head(m);
    double q = (double)m->llm_heads * m->llm_head_dim, matrices = llm_matrices(m);
    for (int i = 0; i < m->llm_layers; i++) {
        double rows = c->llm[i] + c->text[i];
        w->prefill += saint_cost_llm_layer(m, c->llm[i] + c->text[i], 0);
        w->prefill_attention += 4 * q * rows * (rows + 1) / 2;
        w->prefill_text += 2 * c->text[i] * matrices;
    }
    w->picture_rows = c->llm[0];
    w->prefill_rows = c->llm[0] + c->text[0];
}

static void count_decode(const saint_model_info *m, const speed_counts *c, speed_work *w)
{
    double row = 2.0 * m->llm_kv_heads * m->llm_head_dim * c->kv_size;
    w->steps = c->steps;
    w->llm_weights = (m->llm_layers * llm_matrices(m) + (double)m->llm_dim * m->vocab) * (double)saint_dtype_size(m->weight_type);
    for (int s = 0; s < c->steps; s++)
        for (int i = 0; i < m->llm_layers; i++) w->decode += saint_cost_llm_layer(m, 1, c->llm[i] + c->text[i] + s);
    w->decode += c->steps * saint_cost_llm_head(m);
    double half = c->steps > 0 ? (c->steps - 1) / 2.0 : 0; /* rows that decoding itself has added, on average */
    for (int i = 0; i < m->llm_layers; i++) w->decode_kv += (c->llm[i] + c->text[i] + half) * row;
    w->decode_bytes = w->llm_weights + w->decode_kv;
}

speed_work speed_work_of(const saint_model_info *m, const speed_counts *c)
{
    speed_work w;
    memset(&w, 0, sizeof w);
    count_encoder(m, c, &w);
    if (m->llm_layers < 1) return w;
    count_prefill(m, c, &w);
    count_decode(m, c, &w);
    return w;
}

/* ---- rates -------------------------------------------------------------------------------------------------------- */

static double rate(double work, double seconds) { return work > 0 && seconds > 0 ? work / seconds : (double)NAN; }

speed_rates speed_rates_of(const speed_work *base, const double *seconds)
{
    return (speed_rates){.encoder = rate(base->encoder, seconds[MEASURE_ENCODER]),
                         .projector = rate(base->projector, seconds[MEASURE_PROJECTOR]),
                         .prefill = rate(base->prefill, seconds[MEASURE_PREFILL]),
                         .bandwidth = rate(base->decode_bytes * base->steps, seconds[MEASURE_DECODE]),
                         .preprocess = seconds[MEASURE_PREPROCESS]};
}

/* What is not there takes no time, whatever the rate. */
static double time_of(double work, double speed) { return work > 0 ? work / speed : 0; }

void speed_predict(const speed_work *w, const speed_rates *r, double *seconds)
{
    seconds[MEASURE_PREPROCESS] = r->preprocess;
    seconds[MEASURE_ENCODER] = time_of(w->encoder, r->encoder);
    seconds[MEASURE_SELECTION] = NAN;
    seconds[MEASURE_PROJECTOR] = time_of(w->projector, r->projector);
    seconds[MEASURE_PREFILL] = time_of(w->prefill, r->prefill);
    seconds[MEASURE_DECODE] = time_of(w->decode_bytes * w->steps, r->bandwidth);
}

/* ---- break-even --------------------------------------------------------------------------------------------------- */

static double first_token(const saint_model_info *m, const speed_counts *c, const speed_rates *r)
{
    double s[MEASURE_PARTS];
    speed_work w = speed_work_of(m, c);
    speed_predict(&w, r, s);
    return s[MEASURE_ENCODER] + s[MEASURE_PROJECTOR] + s[MEASURE_PREFILL];
}

/* n picture tokens are left behind this place, and nothing is dropped any more. */
static void leave(const saint_model_info *m, speed_counts *c, saint_stage stage, int layer, int n)
{
    for (int i = layer + 1; stage == SAINT_STAGE_VIT && i <= m->vit_layers_run; i++) c->vit[i] = n;
    for (int i = stage == SAINT_STAGE_VIT ? 0 : layer + 1; i <= m->llm_layers; i++) c->llm[i] = n;
}

/* The least number of tokens whose going saves as much as the site costs: savings grow with the number, so halving finds it. */
static int pays_from(const saint_model_info *m, const speed_counts *before, const speed_rates *r, const speed_site *s)
{
    double whole = first_token(m, before, r);
    int lo = 0, hi = s->n_in + 1; /* lo does not pay, hi does or is past all */
    while (hi - lo > 1) {
        int mid = lo + (hi - lo) / 2;
        speed_counts c = *before;
        leave(m, &c, s->stage, s->layer, s->n_in - mid);
        if (whole - first_token(m, &c, r) >= s->cost) hi = mid;
        else lo = mid;
    }
    return hi <= s->n_in ? hi : -1;
}

int speed_sites(const saint_model_info *m, const saint_trace *t, const speed_rates *r, speed_site *out, int most)
{
    if (!t || t->n_images < 1) return 0;
    const saint_history *h = &t->image[0].history;
    speed_counts c = speed_counts_of(m, t);
    c.steps = 0;
    leave(m, &c, SAINT_STAGE_VIT, -1, m->grid_w * m->grid_h);
    int n = 0;
    for (int i = 0; i < h->n_sites && n < most; i++, n++) {
        const saint_trace_site *s = h->site[i];
        out[n] = (speed_site){.stage = s->stage, .layer = s->layer, .method = s->method->name, .n_in = s->image_in, .n_out = s->n_keep};
        out[n].cost = s->seconds;
        out[n].pays_from = pays_from(m, &c, r, &out[n]);
        double before = first_token(m, &c, r);
        leave(m, &c, s->stage, s->layer, s->n_keep);
        out[n].saves = before - first_token(m, &c, r);
    }
    return n;
}

/* ---- plans -------------------------------------------------------------------------------------------------------- */

static void forget(speed_plan *p)
{
    memset(p, 0, sizeof *p);
    for (int i = 0; i <= MEASURE_TOTAL; i++) p->part[i] = (measure_value){NAN, NAN, NAN, 0};
}

/* The sums of a single run's parts; the picture may have come as pixels. */
static void add_up(speed_plan *p)
{
    double before = p->part[MEASURE_PREPROCESS].median;
    double first = p->part[MEASURE_ENCODER].median + p->part[MEASURE_SELECTION].median + p->part[MEASURE_PROJECTOR].median +
                   p->part[MEASURE_PREFILL].median;
    p->part[MEASURE_FIRST] = (measure_value){first, NAN, NAN, p->n};
    p->part[MEASURE_TOTAL] = (measure_value){first + (isnan(before) ? 0 : before) + p->part[MEASURE_DECODE].median, NAN, NAN, p->n};
}

/* A run that went on from checkpoints has no times of its own for what it took from them: layers keep those of the run that computed them,
 * the projector's are lost. */
static saint_timings times_of(const saint_trace *t, bool *cached, bool *projected, bool *timed)
{
    const saint_history *h = &t->image[0].history;
    saint_timings s = t->seconds;
    *cached = t->layers_reused + t->layers_question > 0;
    *projected = *timed = true;
    if (!*cached) return s;
    s.vit = s.prefill = s.selection = 0;
    for (int i = 0; i < h->n_layers; i++) {
        const saint_trace_layer *y = &h->layer[i];
        *(y->stage == SAINT_STAGE_VIT ? &s.vit : &s.prefill) += y->seconds;
        *timed = *timed && y->seconds > 0;
        *projected = *projected && !(y->stage == SAINT_STAGE_LLM && y->reused);
    }
    for (int i = 0; i < h->n_sites; i++) s.selection += h->site[i]->seconds;
    return s;
}

void speed_plan_of_trace(const saint_model_info *m, const saint_trace *t, speed_plan *out)
{
    forget(out);
    if (!t || t->n_images < 1) return;
    bool cached, projected, timed;
    saint_timings s = times_of(t, &cached, &projected, &timed);
    out->source = cached ? SPEED_CACHED : SPEED_ONCE;
    out->n = 1;
    for (int i = 0; i < MEASURE_PARTS; i++) out->part[i] = measure_median((double[]){measure_seconds(&s, (measure_part)i)}, 1);
    if (!timed) out->part[MEASURE_ENCODER].median = out->part[MEASURE_PREFILL].median = NAN;
    if (!projected) out->part[MEASURE_PROJECTOR].median = NAN;
    if (s.preprocess <= 0) out->part[MEASURE_PREPROCESS].median = NAN; /* pixels were given */
    speed_counts c = speed_counts_of(m, t);
    out->work = speed_work_of(m, &c);
    out->has_work = true;
    add_up(out);
}

void speed_plan_complete(speed_plan *p, const speed_plan *base)
{
    if (!p->has_work || !base->has_work || !isnan(p->part[MEASURE_PROJECTOR].median)) return;
    double speed = rate(base->work.projector, base->part[MEASURE_PROJECTOR].median);
    if (isnan(speed)) speed = rate(base->work.encoder, base->part[MEASURE_ENCODER].median);
    p->part[MEASURE_PROJECTOR].median = time_of(p->work.projector, speed);
    add_up(p);
}

void speed_plan_of_runs(const saint_model_info *m, const saint_trace *t, const measure_runs *r, int plan, int steps, speed_plan *out)
{
    forget(out);
    if (r->n > 0) {
        out->source = SPEED_MEASURED;
        out->n = r->n;
        for (int i = 0; i <= MEASURE_TOTAL; i++) out->part[i] = measure_of(r, plan, (measure_part)i);
    }
    if (!t || t->n_images < 1) return;
    speed_counts c = speed_counts_of(m, t);
    c.steps = steps;
    out->work = speed_work_of(m, &c);
    out->has_work = true;
}

void speed_source_text(const speed_plan *p, char *out, size_t size)
{
    if (p->source == SPEED_MEASURED) snprintf(out, size, "measured n=%d", p->n);
    else snprintf(out, size, "%s", p->source == SPEED_ONCE ? "one run" : p->source == SPEED_CACHED ? "one run, cached parts" : "not run");
    size_t n = strlen(out);
    if (p->company && p->source != SPEED_UNKNOWN && n < size) snprintf(out + n, size - n, ", %s", device_company_word(p->company));
}
