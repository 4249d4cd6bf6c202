/* site.c - what happens at a prune site: select for every picture of the batch, record, merge, gather. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/internal.h"

void saint_site_candidates(const saint_model_info *m, unsigned compat, const saint_site_input *in, const saint_rows *rows, int seq,
                           saint_select_in *out)
{
    int first = rows->cu[seq] + in->n_prefix, all = rows->cu[seq + 1] - first;
    int n = in->window >= 0 && in->window < all ? in->window : all;
    size_t at = (size_t)first;
    memset(out, 0, sizeof *out);
    out->stage = (saint_stage)in->site->stage;
    out->layer = in->site->layer;
    out->n = n < 0 ? 0 : n;
    out->dim = in->dim;
    out->n_prefix = in->ascending ? 0 : in->n_prefix; /* text rows are not part of an LLM budget */
    out->metric = in->metric ? in->metric + at * (size_t)in->dim : NULL;
    out->attention = in->attention ? in->attention + at : NULL;
    out->size = rows->merged ? rows->size + first : NULL;
    out->patch = rows->patch + first;
    out->grid_w = m->grid_w;
    out->grid_h = m->grid_h;
    out->p = in->site->p;
    out->compat = compat;
    out->hand = in->hand ? in->hand->keep : NULL;
    out->hand_patches = in->hand ? SAINT_HAND_MOST : 0;
    out->forced_drop = -1;
}

static int by_value(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Rows of sequence seq behind the site, in their new order: prefix, survivors, and what lies behind the window. Returns how many. */
static int new_order(const saint_site_input *in, const saint_rows *rows, int seq, int candidates, const saint_select_out *out,
                     int32_t *list)
{
    int first = rows->cu[seq], end = rows->cu[seq + 1], at = first + in->n_prefix, n = 0;
    if (in->ascending) qsort(out->kept, (size_t)out->n_keep, sizeof *out->kept, by_value);
    for (int i = first; i < at && i < end; i++) list[n++] = i;
    for (int i = 0; i < out->n_keep; i++) list[n++] = at + out->kept[i];
    for (int i = at + candidates; i < end; i++) list[n++] = i;
    return n;
}

static saint_trace_site *record(const saint_site *site, const saint_select_in *in, const saint_select_out *out, const saint_rows *rows,
                                int seq, const int32_t *list, int n_list, double seconds)
{
    int image_in = 0, image_out = 0, before = rows->cu[seq + 1] - rows->cu[seq];
    for (int i = rows->cu[seq]; i < rows->cu[seq + 1]; i++) image_in += rows->patch[i] >= 0;
    for (int i = 0; i < n_list; i++) image_out += rows->patch[list[i]] >= 0;
    saint_trace_site *s = saint_trace_site_new(in->n, image_out, out->n_merge);
    if (!s) return NULL;
    s->stage = in->stage;
    s->layer = in->layer;
    s->method = saint_method_at(site->method);
    s->p = site->p;
    s->n_rounds = out->n_rounds;
    s->margin = out->margin;
    s->seconds = seconds;
    s->image_in = image_in;
    s->text_dropped = (before - n_list) - (image_in - image_out);
    size_t n = (size_t)in->n;
    if (n) {
        memcpy(s->in, in->patch, n * sizeof *s->in);
        memcpy(s->score, out->score, n * sizeof *s->score);
        memcpy(s->neighbours, out->neighbours, n * sizeof *s->neighbours);
        memcpy(s->round, out->round, n * sizeof *s->round);
    }
    int k = 0;
    for (int i = 0; i < n_list; i++)
        if (rows->patch[list[i]] >= 0) s->kept[k++] = rows->patch[list[i]];
    for (int i = 0; i < out->n_merge; i++) s->merge[i] = out->merge[i];
    return s;
}

/* The sizes of rows that a backend has merged by itself. */
static saint_status merge_sizes(saint_run *r, saint_rows *rows, int first, int n, const saint_select_out *out)
{
    float *sum = calloc((size_t)n + 1, sizeof *sum);
    if (!sum) return saint_fail(r->err, SAINT_MEMORY, "no memory to merge tokens");
    for (int i = 0; i < out->n_merge; i++) sum[out->merge[i].into] += rows->size[first + out->merge[i].from];
    for (int i = 0; i < n; i++) rows->size[first + i] += sum[i];
    rows->merged = true;
    free(sum);
    return SAINT_OK;
}

/* hidden[into] := size-weighted mean of itself and all that merge into it; sizes add up. On the host, so that it is one code for all
 * devices. first: row of the first candidate, n: candidates. */
static saint_status merge_rows(saint_run *r, saint_rows *rows, int first, int n, const saint_select_out *out)
{
    size_t d = (size_t)rows->dim, bytes = (size_t)n * d * sizeof(float);
    float *x = malloc(bytes + 1), *size = rows->size + first, *at = rows->x + (size_t)first * d;
    float *sum = calloc((size_t)n + 1, sizeof *sum); /* size gathered by each target */
    saint_status s =
        x && sum ? r->b->op->download(r->b, x, at, bytes, r->err) : saint_fail(r->err, SAINT_MEMORY, "no memory to merge tokens");
    for (int i = 0; i < out->n_merge && s == SAINT_OK; i++) {
        int from = out->merge[i].from, into = out->merge[i].into;
        float *y = x + (size_t)into * d;
        const float *add = x + (size_t)from * d;
        for (size_t c = 0; sum[into] == 0 && c < d; c++) y[c] *= size[into];
        for (size_t c = 0; c < d; c++) y[c] += add[c] * size[from];
        sum[into] += size[from];
    }
    for (int i = 0; i < n && s == SAINT_OK; i++) {
        if (sum[i] == 0) continue;
        size[i] += sum[i];
        for (size_t c = 0; c < d; c++) x[(size_t)i * d + c] /= size[i];
    }
    if (s == SAINT_OK) s = r->b->op->upload(r->b, at, x, bytes, r->err);
    if (s == SAINT_OK) rows->merged = true;
    free(sum);
    free(x);
    return s;
}

saint_status saint_site_preview(const saint_model_info *m, unsigned compat, const saint_site_input *in, const saint_rows *rows, int seq,
                                saint_trace_site **out, saint_error *err)
{
    double begin = saint_now();
    size_t n = (size_t)rows->n_seqs;
    saint_select_in *input = calloc(n, sizeof *input);
    saint_select_out *decision = calloc(n, sizeof *decision);
    int32_t *list = malloc(((size_t)saint_rows_total(rows) + 1) * sizeof *list);
    saint_status s = input && decision && list ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for a preview");
    for (size_t i = 0; i < n && s == SAINT_OK; i++) saint_site_candidates(m, compat, in, rows, (int)i, &input[i]);
    /* all pictures only where one decides with the others */
    bool coupled = compat & 1u << SAINT_COMPAT_BATCH_MEAN_RATE;
    if (s == SAINT_OK && coupled) s = saint_select_batch(saint_method_at(in->site->method), input, rows->n_seqs, NULL, decision, err);
    else if (s == SAINT_OK) s = saint_select_run(saint_method_at(in->site->method), &input[seq], &decision[seq], err);
    if (s == SAINT_OK) {
        int n_list = new_order(in, rows, seq, input[seq].n, &decision[seq], list);
        *out = record(in->site, &input[seq], &decision[seq], rows, seq, list, n_list, saint_now() - begin);
        if (!*out) s = saint_fail(err, SAINT_MEMORY, "no memory to record a site");
        for (size_t i = 0; i < n; i++) saint_select_free(&decision[i]);
    }
    free(input);
    free(decision);
    free(list);
    return s;
}

saint_status saint_site_apply(saint_run *r, const saint_site_input *in, saint_rows *rows, const saint_select_in *input, saint_select_out *out,
                              saint_history *const *history, double seconds, bool done)
{
    int n_seqs = rows->n_seqs, total = saint_rows_total(rows), n = 0;
    int32_t *list = malloc(((size_t)total + 1) * sizeof *list), *cu = calloc((size_t)n_seqs + 1, sizeof *cu);
    saint_status s = list && cu ? SAINT_OK : saint_fail(r->err, SAINT_MEMORY, "no memory for %d rows", total);
    for (int q = 0; q < n_seqs && s == SAINT_OK; q++) {
        int added = new_order(in, rows, q, input[q].n, &out[q], list + n);
        saint_history *h = history[q];
        saint_trace_site *site = record(in->site, &input[q], &out[q], rows, q, list + n, added, seconds / n_seqs);
        if (!site) {
            s = saint_fail(r->err, SAINT_MEMORY, "no memory to record a site");
            break;
        }
        site->on_device = done;
        h->site[h->n_sites++] = site;
        if (out[q].n_merge) s = (done ? merge_sizes : merge_rows)(r, rows, rows->cu[q] + in->n_prefix, input[q].n, &out[q]);
        n += added;
        cu[q + 1] = n;
    }
    if (s == SAINT_OK) s = (done ? saint_rows_relist : saint_rows_gather)(rows, list, n, cu, r->err);
    free(list);
    free(cu);
    return s;
}

saint_status saint_run_site(saint_run *r, const saint_site_input *in, saint_rows *rows, saint_history *const *history)
{
    const saint_method *m = saint_method_at(in->site->method);
    size_t n = (size_t)rows->n_seqs;
    if (m->reads_attention && !in->attention)
        return saint_fail(r->err, SAINT_INVALID, "%s needs the attention of a class token, which this model does not have", m->name);
    saint_select_in *input = calloc(n, sizeof *input);
    saint_select_out *out = calloc(n, sizeof *out);
    saint_status s = input && out ? SAINT_OK : saint_fail(r->err, SAINT_MEMORY, "no memory for a selection");
    double begin = saint_now();
    for (size_t i = 0; i < n && s == SAINT_OK; i++) saint_site_candidates(&r->m->info, r->t->plan.compat, in, rows, (int)i, &input[i]);
    if (s == SAINT_OK) s = saint_select_batch(m, input, rows->n_seqs, saint_engine_pool(r->s->engine), out, r->err);
    double seconds = saint_now() - begin;
    if (s == SAINT_OK) {
        r->t->seconds.selection += seconds;
        s = saint_site_apply(r, in, rows, input, out, history, seconds, false);
        for (size_t i = 0; i < n; i++) saint_select_free(&out[i]);
    }
    free(input);
    free(out);
    return s;
}
