/* site_here.c - prune sites that a backend decides in its own memory. It works ahead: what the host needs at once is only how many rows are
 * left, and that it knows from the budget or from the votes' mailbox. Lists, scores and margins wait in one block of backend memory until
 * somebody asks; then all sites are told again on the host in their order, by the code that would have recorded them there. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/internal.h"
#include "select/rule.h"

typedef struct {
    saint_site_input in;
    int32_t *cu; /* [n_seqs + 1] rows before */
    size_t at;   /* of its record in the block */
} decision;

struct saint_sites {
    saint_backend *b;
    saint_run *r; /* the one at hand */
    saint_rows *rows;
    saint_history *const *history;
    saint_stage stage;
    void *block; /* backend: records */
    size_t room, used;
    float *metric, *attention; /* backend [cap, dim], [cap] */
    bool posted;               /* the rows' table is what the rows are */
    bool follows;              /* a recording decides */
    decision untold[SAINT_MAX_LAYERS];
    int n;
};

/* Whoever looks at single layers has their metrics on the host, and what the host has it decides by: one path, the same for a run that is
 * resumed later. */
static bool host_looks(const saint_run *r)
{
    return (r->ob && r->ob->tap) || saint_run_remembers(r) || r->req->want_stats;
}

static bool has_rule(const saint_site *site, saint_stage stage, int dim, int most)
{
    const saint_method *m = saint_method_at(site->method);
    saint_select_in in = {.n = most, .dim = dim};
    return site->stage == (int32_t)stage && m && saint_rule_fits(m, &in, 1);
}

saint_status saint_sites_open(saint_sites **out, saint_run *r, saint_stage stage, saint_rows *rows, int dim, int most,
                              saint_history *const *history)
{
    const saint_plan *p = &r->t->plan;
    int n = 0;
    *out = NULL;
    for (int i = 0; i < p->n_sites; i++) n += has_rule(&p->site[i], stage, dim, most);
    if (!r->b->op->chooser || host_looks(r) || n == 0) return SAINT_OK;
    if (stage == SAINT_STAGE_VIT && n < r->m->vit.run) n = r->m->vit.run; /* they may be kept for other plans: saint_sites_reuse */
    saint_sites *s = calloc(1, sizeof *s);
    if (!s) return saint_fail(r->err, SAINT_MEMORY, "no memory for %d prune sites", n);
    *s = (saint_sites){.b = r->b, .r = r, .rows = rows, .history = history, .stage = stage, .room = (size_t)n * saint_choice_record_bytes(rows->n_seqs, rows->cap)};
    size_t cap = (size_t)rows->cap;
    void *metric = NULL, *attention = NULL;
    saint_status st = r->b->op->alloc(r->b, s->room, &s->block, r->err);
    if (st == SAINT_OK) st = r->b->op->alloc(r->b, cap * (size_t)dim * sizeof(float), &metric, r->err);
    if (st == SAINT_OK) st = r->b->op->alloc(r->b, cap * sizeof(float), &attention, r->err);
    s->metric = metric;
    s->attention = attention;
    if (st == SAINT_OK) *out = s;
    else saint_sites_close(s);
    return st;
}

bool saint_sites_recordable(const saint_run *r, saint_stage stage, int dim, int most)
{
    const saint_plan *p = &r->t->plan;
    bool all = !host_looks(r);
    for (int i = 0; i < p->n_sites && all; i++)
        all = p->site[i].stage != (int32_t)stage ||
              (r->b->op->chooser && has_rule(&p->site[i], stage, dim, most) && saint_method_at(p->site[i].method)->fixed_budget);
    return all;
}

bool saint_sites_reuse(saint_sites *s, saint_run *r, saint_rows *rows, saint_history *const *history)
{
    size_t each = saint_choice_record_bytes(rows->n_seqs, rows->cap), n = 0;
    for (int i = 0; i < r->t->plan.n_sites; i++) n += r->t->plan.site[i].stage == (int32_t)s->stage;
    if (n * each > s->room) return false;
    s->r = r;
    s->rows = rows;
    s->history = history;
    s->posted = s->follows = false;
    return true;
}

saint_status saint_sites_post(saint_sites *s)
{
    saint_status st = saint_rows_post(s->rows, s->r->err);
    s->posted = st == SAINT_OK;
    return st;
}

void saint_sites_follow(saint_sites *s) { s->follows = true; }

static void forget(saint_sites *s)
{
    for (int i = 0; i < s->n; i++) free(s->untold[i].cu);
    s->n = 0;
    s->used = 0;
}

void saint_sites_rewind(saint_sites *s) { forget(s); }

void saint_sites_close(saint_sites *s)
{
    if (!s) return;
    forget(s);
    s->b->op->release(s->b, s->block);
    s->b->op->release(s->b, s->metric);
    s->b->op->release(s->b, s->attention);
    free(s);
}

static const saint_method *method_here(const saint_sites *s, int layer)
{
    const saint_site *site = s ? saint_plan_site(&s->r->t->plan, s->stage, layer) : NULL;
    const saint_method *m = site ? saint_method_at(site->method) : NULL;
    return m && m->rule != SAINT_RULE_NONE ? m : NULL;
}

bool saint_sites_here(const saint_sites *s, int layer) { return method_here(s, layer) != NULL; }

float *saint_sites_metric(const saint_sites *s, int layer)
{
    const saint_method *m = method_here(s, layer);
    return m && saint_rule_reads_metric((saint_rule)m->rule) ? s->metric : NULL;
}

float *saint_sites_attention(const saint_sites *s, int layer)
{
    const saint_method *m = method_here(s, layer);
    return m && saint_rule_reads_attention((saint_rule)m->rule) ? s->attention : NULL;
}

/* The candidates of every picture as far as the host knows them: their number. */
static saint_select_in *candidates(const saint_sites *s, const saint_site_input *in)
{
    size_t n = (size_t)s->rows->n_seqs;
    saint_site_input blind = *in;
    blind.metric = blind.attention = NULL;
    saint_select_in *c = calloc(n, sizeof *c);
    for (size_t i = 0; c && i < n; i++) saint_site_candidates(&s->r->m->info, s->r->t->plan.compat, &blind, s->rows, (int)i, &c[i]);
    return c;
}

static saint_status choose(saint_sites *s, const saint_site_input *in, const saint_select_in *c, int32_t *cu_to, int32_t *n_drop)
{
    saint_run *r = s->r;
    saint_rows *rows = s->rows;
    const saint_chooser_ops *op = r->b->op->chooser;
    const saint_method *m = saint_method_at(in->site->method);
    saint_choose_args a = {.n_seqs = rows->n_seqs,
                           .cu = rows->cu,
                           .n_prefix = in->n_prefix,
                           .window = in->window,
                           .in_order = in->ascending,
                           .metric = s->metric,
                           .dim = in->dim,
                           .attention = s->attention,
                           .merged = rows->merged,
                           .d = rows->dim,
                           .x = rows->x,
                           .x_to = rows->spare,
                           .record = (char *)s->block + s->used,
                           .cu_to = cu_to};
    saint_status st = saint_rule_prepare(m, c, rows->n_seqs, n_drop, &a, r->err);
    if (st == SAINT_OK && !s->posted && !s->follows) st = saint_rows_post(rows, r->err);
    a.from = rows->table;
    a.to = rows->table_spare;
    if (s->follows) {
        cu_to[0] = 0;
        for (int i = 0; i < rows->n_seqs && st == SAINT_OK; i++) cu_to[i + 1] = cu_to[i] + rows->cu[i + 1] - rows->cu[i] - n_drop[i];
    } else {
        if (st == SAINT_OK) st = op->mark(r->b, 2 * s->n, r->err);
        if (st == SAINT_OK) st = op->choose(r->b, &a, r->err);
        if (st == SAINT_OK) st = op->mark(r->b, 2 * s->n + 1, r->err);
    }
    for (int i = 0; i < rows->n_seqs && m->merges && st == SAINT_OK; i++) rows->merged |= n_drop[i] > 0;
    return st;
}

static saint_status decide(saint_sites *s, const saint_site_input *in)
{
    saint_rows *rows = s->rows;
    size_t n = (size_t)rows->n_seqs + 1;
    saint_select_in *c = candidates(s, in);
    int32_t *before = malloc(n * sizeof *before), *cu_to = malloc(n * sizeof *cu_to), *n_drop = malloc(n * sizeof *n_drop);
    saint_status st = c && before && cu_to && n_drop ? SAINT_OK : saint_fail(s->r->err, SAINT_MEMORY, "no memory for a prune site");
    if (st == SAINT_OK) st = choose(s, in, c, cu_to, n_drop);
    if (st == SAINT_OK) {
        memcpy(before, rows->cu, n * sizeof *before);
        s->untold[s->n++] = (decision){.in = *in, .cu = before, .at = s->used};
        s->used += saint_choice_record_bytes(rows->n_seqs, saint_rows_total(rows));
        memcpy(rows->cu, cu_to, n * sizeof *cu_to);
        saint_rows_swap(rows);
        rows->ahead = s->posted = true;
        before = NULL;
    }
    free(c);
    free(before);
    free(cu_to);
    free(n_drop);
    return st;
}

saint_status saint_sites_run(saint_sites *s, saint_run *r, const saint_site_input *in, saint_rows *rows, saint_history *const *history,
                             double *stage)
{
    double begin = saint_now();
    saint_status st;
    if (saint_sites_here(s, in->site->layer) && saint_rows_total(rows) > 0) {
        st = decide(s, in);
        *stage += saint_now() - begin; /* what of it was selection comes off when it is told */
        return st;
    }
    if (s && (st = saint_sites_settle(s, r, stage)) != SAINT_OK) return st;
    if (s) s->posted = false; /* what the host decides, the table does not know */
    return saint_run_site(r, in, rows, history);
}

/* One site again, from its record: the same lists, on rows that are as they were then. */
static saint_status tell(saint_sites *s, const decision *d, const char *block, double seconds)
{
    saint_run *r = s->r;
    saint_rows *rows = s->rows;
    size_t n = (size_t)rows->n_seqs;
    memcpy(rows->cu, d->cu, (n + 1) * sizeof *rows->cu);
    saint_choice_record record = saint_choice_record_at((void *)(uintptr_t)(block + d->at), rows->n_seqs, saint_rows_total(rows));
    const saint_method *m = saint_method_at(d->in.site->method);
    saint_select_in *c = candidates(s, &d->in);
    saint_select_out *out = calloc(n, sizeof *out);
    saint_status st = c && out ? SAINT_OK : saint_fail(r->err, SAINT_MEMORY, "no memory for a prune site");
    for (size_t i = 0; i < n && st == SAINT_OK; i++)
        st = saint_rule_result(m, &c[i], &record.choice[i], &record, rows->cu[i] + d->in.n_prefix, &out[i], r->err);
    if (st == SAINT_OK) st = saint_site_apply(r, &d->in, rows, c, out, s->history, seconds, true);
    for (size_t i = 0; out && i < n; i++) saint_select_free(&out[i]);
    free(out);
    free(c);
    return st;
}

static saint_status tell_all(saint_sites *s, const char *block, int32_t *now, double *seconds)
{
    saint_run *r = s->r;
    size_t bytes = ((size_t)s->rows->n_seqs + 1) * sizeof *now;
    saint_status st = SAINT_OK;
    memcpy(now, s->rows->cu, bytes);
    for (int i = 0; i < s->n && st == SAINT_OK; i++) {
        double each = 0;
        st = r->b->op->chooser->elapsed(r->b, 2 * i, 2 * i + 1, &each, r->err);
        *seconds += each;
        if (st == SAINT_OK) st = tell(s, &s->untold[i], block, each);
    }
    if (st == SAINT_OK && memcmp(now, s->rows->cu, bytes) != 0)
        st = saint_fail(r->err, SAINT_DEVICE, "the records of %d prune sites do not add up to the rows that are left", s->n);
    return st;
}

saint_status saint_sites_settle(saint_sites *s, saint_run *r, double *stage)
{
    double begin = saint_now(), seconds = 0;
    saint_status st = SAINT_OK;
    if (!s || s->n == 0) {
        st = r->b->op->sync(r->b, r->err);
        *stage += saint_now() - begin;
        return st;
    }
    char *block = malloc(s->used);
    int32_t *now = malloc(((size_t)s->rows->n_seqs + 1) * sizeof *now);
    if (!block || !now) st = saint_fail(r->err, SAINT_MEMORY, "no memory for the records of %d prune sites", s->n);
    if (st == SAINT_OK) st = r->b->op->chooser->fetch(r->b, block, s->block, s->used, r->err);
    double waited = saint_now() - begin;
    if (st == SAINT_OK) st = tell_all(s, block, now, &seconds);
    s->rows->ahead = false;
    *stage += waited - seconds;
    r->t->seconds.selection += seconds;
    forget(s);
    free(block);
    free(now);
    return st;
}
