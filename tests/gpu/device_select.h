/* device_select.h - saint_select_batch done by a backend: candidates packed into rows with others in front and behind, one call of choose, its
 * record read back, and what it did to the rows checked against its own lists. */
#ifndef SAINT_TESTS_GPU_DEVICE_SELECT_H
#define SAINT_TESTS_GPU_DEVICE_SELECT_H

#include "support/test.h"

#include <math.h>

#include "select/rule.h"
#include "support/random.h"

typedef struct {
    saint_backend *b;
    int behind, width; /* rows behind each window; of the hidden state */
    bool in_order;
    uint64_t seed;
    long stream_waits, event_waits; /* of choose alone, on the emulated device */
} device_select;

/* Host and device copy of one column. */
typedef struct {
    void *host, *here, *to;
    size_t each;
} column;

static inline column column_of(const device_select *d, int rows, size_t each)
{
    column c = {.host = calloc((size_t)rows + 1, each), .each = each};
    assert_ok(d->b->op->alloc(d->b, (size_t)rows * each, &c.here, err));
    assert_ok(d->b->op->alloc(d->b, (size_t)rows * each, &c.to, err));
    return c;
}

static inline void column_up(const device_select *d, const column *c, int rows)
{
    assert_ok(d->b->op->upload(d->b, c->here, c->host, (size_t)rows * c->each, err));
}

static inline void *column_down(const device_select *d, const void *from, size_t bytes)
{
    void *p = malloc(bytes + 1);
    assert_ok(d->b->op->download(d->b, p, from, bytes, err));
    return p;
}

static inline void column_free(const device_select *d, column *c)
{
    free(c->host);
    d->b->op->release(d->b, c->here);
    d->b->op->release(d->b, c->to);
}

/* What the rows must be behind the site, from the decisions: the host's own arithmetic of merging and gathering. */
static inline void check_rows(const device_select *d, const saint_choose_args *a, const saint_select_in *in, const saint_select_out *out,
                              const column *x, const column *patch, const column *pos, const column *size)
{
    int rows = a->cu[a->n_seqs], total = a->cu_to[a->n_seqs], at = 0, w = d->width;
    float *hidden = x->host, *weight = size->host, *found = column_down(d, a->x_to, (size_t)total * (size_t)w * sizeof(float));
    int32_t *ids = column_down(d, a->to.patch, (size_t)total * sizeof *ids), *places = column_down(d, a->to.pos, (size_t)total * sizeof *places);
    float *weights = column_down(d, a->to.size, (size_t)total * sizeof *weights), *bias = column_down(d, a->to.bias, (size_t)total * sizeof *bias);
    for (int s = 0; s < a->n_seqs; s++) {
        int first, n = saint_choose_candidates(a, s, &first);
        assert_int_equal(n, in[s].n);
        float *sum = calloc((size_t)n + 1, sizeof *sum);
        for (int k = 0; k < out[s].n_merge; k++) {
            int from = first + out[s].merge[k].from, into = first + out[s].merge[k].into;
            for (int c = 0; c < w; c++) {
                if (sum[into - first] == 0) hidden[into * w + c] *= weight[into];
                hidden[into * w + c] += hidden[from * w + c] * weight[from];
            }
            sum[into - first] += weight[from];
        }
        for (int i = 0; i < n; i++) {
            if (sum[i] == 0) continue;
            weight[first + i] += sum[i];
            for (int c = 0; c < w; c++) hidden[(first + i) * w + c] /= weight[first + i];
        }
        free(sum);
        int *list = malloc(((size_t)rows + 1) * sizeof *list), n_list = 0;
        for (int i = a->cu[s]; i < first && i < a->cu[s + 1]; i++) list[n_list++] = i;
        for (int k = 0; k < out[s].n_keep; k++) list[n_list++] = first + out[s].kept[k];
        for (int i = first + n; i < a->cu[s + 1]; i++) list[n_list++] = i;
        assert_int_equal(a->cu_to[s], at);
        for (int k = 0; k < n_list; k++, at++) {
            int row = list[k];
            assert_int_equal(ids[at], ((int32_t *)patch->host)[row]);
            assert_int_equal(places[at], ((int32_t *)pos->host)[row]);
            assert_true(weights[at] == weight[row]);
            assert_true(fabsf(bias[at] - logf(weight[row])) <= 1e-6f);
            assert_memory_equal(found + at * w, hidden + row * w, (size_t)w * sizeof(float));
        }
        assert_int_equal(a->cu_to[s + 1], at);
        free(list);
    }
    free(found);
    free(ids);
    free(places);
    free(weights);
    free(bias);
}

#ifdef SAINT_EMULATED
#include "gpu/fake_runtime.h"
#endif

static inline saint_status device_select_batch(device_select *d, const saint_method *m, const saint_select_in *in, int n_images,
                                               saint_select_out *out, saint_error *error)
{
    int prefix = in[0].n_prefix, dim = in[0].dim, rows = 0, w = d->width;
    int32_t *cu = calloc((size_t)n_images + 1, sizeof *cu), *cu_to = calloc((size_t)n_images + 1, sizeof *cu_to), *n_drop = calloc((size_t)n_images, sizeof *n_drop);
    for (int s = 0; s < n_images; s++) cu[s + 1] = rows += prefix + in[s].n + d->behind;
    column metric = column_of(d, rows, (size_t)(in[0].metric ? dim : 1) * sizeof(float)), attention = column_of(d, rows, sizeof(float));
    column x = column_of(d, rows, (size_t)w * sizeof(float)), patch = column_of(d, rows, sizeof(int32_t)), pos = column_of(d, rows, sizeof(int32_t));
    column size = column_of(d, rows, sizeof(float)), bias = column_of(d, rows, sizeof(float));
    for (int i = 0; i < rows * w; i++) ((float *)x.host)[i] = test_random(&d->seed);
    memset(metric.host, 0xff, (size_t)rows * metric.each); /* NaN where no candidate stands */
    memset(attention.host, 0xff, (size_t)rows * sizeof(float));
    for (int i = 0; i < rows; i++) {
        ((int32_t *)patch.host)[i] = -1 - i;
        ((int32_t *)pos.host)[i] = 3 * i;
        ((float *)size.host)[i] = 1;
    }
    for (int s = 0; s < n_images; s++) {
        size_t at = (size_t)(cu[s] + prefix), n = (size_t)in[s].n;
        if (in[s].metric) memcpy((float *)metric.host + at * (size_t)dim, in[s].metric, n * (size_t)dim * sizeof(float));
        if (in[s].attention) memcpy((float *)attention.host + at, in[s].attention, n * sizeof(float));
        if (in[s].size) memcpy((float *)size.host + at, in[s].size, n * sizeof(float));
        for (size_t i = 0; i < n; i++) ((int32_t *)patch.host)[at + i] = in[s].patch ? in[s].patch[i] : (int32_t)i;
    }
    column *all[] = {&metric, &attention, &x, &patch, &pos, &size, &bias};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) column_up(d, all[i], rows);
    void *record;
    size_t bytes = saint_choice_record_bytes(n_images, rows);
    assert_ok(d->b->op->alloc(d->b, bytes, &record, err));
    saint_choose_args a = {.n_seqs = n_images,
                           .cu = cu,
                           .n_prefix = prefix,
                           .window = d->behind ? in[0].n : -1,
                           .in_order = d->in_order || in[0].stage == SAINT_STAGE_LLM,
                           .metric = in[0].metric ? metric.here : NULL,
                           .dim = dim,
                           .attention = attention.here,
                           .d = w,
                           .x = x.here,
                           .x_to = x.to,
                           .from = {patch.here, pos.here, size.here, bias.here},
                           .to = {patch.to, pos.to, size.to, bias.to},
                           .record = record,
                           .cu_to = cu_to};
    assert_true(saint_rule_fits(m, in, n_images));
    saint_status st = saint_rule_prepare(m, in, n_images, n_drop, &a, error);
#ifdef SAINT_EMULATED
    long streams = fake_stream_waits(), events = fake_event_waits();
#endif
    if (st == SAINT_OK) st = d->b->op->chooser->choose(d->b, &a, error);
#ifdef SAINT_EMULATED
    d->stream_waits = fake_stream_waits() - streams;
    d->event_waits = fake_event_waits() - events;
#endif
    void *host = st == SAINT_OK ? column_down(d, record, bytes) : NULL;
    for (int s = 0; s < n_images; s++) out[s] = (saint_select_out){0};
    if (st == SAINT_OK) {
        saint_choice_record r = saint_choice_record_at(host, n_images, rows);
        for (int s = 0; s < n_images && st == SAINT_OK; s++) st = saint_rule_result(m, &in[s], &r.choice[s], &r, cu[s] + prefix, &out[s], error);
        if (st == SAINT_OK) check_rows(d, &a, in, out, &x, &patch, &pos, &size);
    }
    free(host);
    d->b->op->release(d->b, record);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) column_free(d, all[i]);
    free(cu);
    free(cu_to);
    free(n_drop);
    return st;
}

#endif
