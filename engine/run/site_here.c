/* site_here.c - prune sites that a backend decides in its own memory. It works ahead: what the host needs at once is only how many rows are
 * left, and that it knows from the budget or from the votes' mailbox. Lists, scores and margins wait in one block of backend memory until
 * somebody asks; then all sites are told again on the host in their order, by the code that would have recorded them there. Between them the
 * checkpoints that were made meanwhile are completed, because only then the host's tables are those of their place (ahead.h). */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/ahead.h"
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
    int dim, most;
    void *block; /* backend: records */
    size_t room, used;
    saint_reading *shared; /* [cap] of layers that nobody looks at later; NULL without sites */
    saint_reading *own;    /* of the layer at hand where somebody does; else NULL */
    bool remembers, counts; /* checkpoints are kept; statistics are wanted */
    bool full;              /* no memory for more checkpoints */
    bool posted;            /* the rows' table is what the rows are */
    bool follows;           /* a recording decides */
    decision untold[SAINT_MAX_LAYERS];
    int n;
    saint_ahead ahead;
};

static bool tapped(const saint_run *r) { return r->ob && r->ob->tap; }

static bool somebody_looks(const saint_run *r) { return saint_run_remembers(r) || r->req->want_stats; }

static bool has_rule(const saint_site *site, saint_stage stage, int dim, int most)
{
    const saint_method *m = saint_method_at(site->method);
    saint_select_in in = {.n = most, .dim = dim};
    return site->stage == (int32_t)stage && m && saint_rule_fits(m, &in, 1);
}

static void begin(saint_sites *s, saint_run *r, saint_rows *rows, saint_history *const *history)
{
    s->r = r;
    s->rows = rows;
    s->history = history;
    s->remembers = saint_run_remembers(r);
    s->counts = r->req->want_stats;
    s->full = s->posted = s->follows = false;
    saint_ahead_forget(&s->ahead);
    s->ahead.r = r;
    s->ahead.rows = rows;
    s->ahead.history = history;
    s->ahead.stage = s->stage;
}

saint_status saint_sites_open(saint_sites **out, saint_run *r, saint_stage stage, saint_rows *rows, int dim, int most,
                              saint_history *const *history)
{
    const saint_plan *p = &r->t->plan;
    int rules = 0, n = 0;
    *out = NULL;
    for (int i = 0; i < p->n_sites; i++) rules += has_rule(&p->site[i], stage, dim, most);
    for (int i = 0; i < p->n_sites; i++) n += p->site[i].stage == (int32_t)stage;
    if (!r->b->op->chooser || tapped(r) || (rules == 0 && !somebody_looks(r))) return SAINT_OK;
    if (stage == SAINT_STAGE_VIT && n < r->m->vit.run) n = r->m->vit.run; /* they may be kept for other plans: saint_sites_reuse */
    saint_sites *s = calloc(1, sizeof *s);
    if (!s) return saint_fail(r->err, SAINT_MEMORY, "no memory for %d prune sites", n);
    *s = (saint_sites){.b = r->b, .stage = stage, .dim = dim, .most = most, .room = (size_t)n * saint_choice_record_bytes(rows->n_seqs, rows->cap)};
    begin(s, r, rows, history);
    saint_status st = SAINT_OK;
    if (n) st = r->b->op->alloc(r->b, s->room, &s->block, r->err);
    if (n && st == SAINT_OK) st = saint_reading_new(&s->shared, r->b, rows->cap, dim, r->err);
    if (st == SAINT_OK) *out = s;
    else saint_sites_close(s);
    return st;
}

bool saint_sites_recordable(const saint_run *r, saint_stage stage, int dim, int most)
{
    const saint_plan *p = &r->t->plan;
    bool all = !tapped(r) && !somebody_looks(r);
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
    begin(s, r, rows, history);
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
    saint_ahead_forget(&s->ahead);
    saint_reading_unref(s->own);
    saint_reading_unref(s->shared);
    s->b->op->release(s->b, s->block);
    free(s);
}

/* ---- what selection reads ---- */

static const saint_site *site_at(const saint_sites *s, int layer) { return saint_plan_site(&s->r->t->plan, s->stage, layer); }

static bool decides_here(const saint_sites *s, int layer)
{
    const saint_site *site = s ? site_at(s, layer) : NULL;
    return site && has_rule(site, s->stage, s->dim, s->most);
}

/* What the site of a layer needs, whoever decides it. A list made by hand reads nothing. */
static void needs(const saint_sites *s, int layer, bool *metric, bool *attention)
{
    const saint_site *site = site_at(s, layer);
    const saint_method *m = site ? saint_method_at(site->method) : NULL;
    bool here = decides_here(s, layer);
    *metric = m && (here ? saint_rule_reads_metric((saint_rule)m->rule) : site->method != SAINT_METHOD_HAND);
    *attention = m && (here ? saint_rule_reads_attention((saint_rule)m->rule) : m->reads_attention);
}

static const saint_reading *at_hand(const saint_sites *s) { return s->own ? s->own : s->shared; }

/* A checkpoint is an economy, never a need: without memory there is none. */
static saint_status own_reading(saint_sites *s, int rows)
{
    saint_error why = {0};
    saint_status st = saint_reading_new(&s->own, s->b, rows, s->dim, &why);
    if (st == SAINT_MEMORY && !s->counts) {
        s->full = true;
        return SAINT_OK;
    }
    if (st != SAINT_OK && s->r->err) *s->r->err = why;
    return st;
}

saint_status saint_sites_read(saint_sites *s, int layer, int rows, float **metric, float **attention)
{
    bool keys, row, all = false;
    *metric = *attention = NULL;
    if (!s) return SAINT_OK;
    saint_reading_unref(s->own);
    s->own = NULL;
    if (s->counts || (s->remembers && !s->full)) {
        saint_status st = own_reading(s, rows);
        if (st != SAINT_OK) return st;
        all = s->own && s->remembers; /* a preview may ask for any method at any layer */
    }
    needs(s, layer, &keys, &row);
    const saint_reading *to = at_hand(s);
    if (keys || s->own) *metric = to->metric;
    if (row || all) *attention = to->attention;
    return SAINT_OK;
}

void saint_sites_resume(saint_sites *s, int layer, saint_reading *read, double seconds)
{
    saint_reading_unref(s->own);
    s->own = saint_reading_ref(read);
    if (s->stage != SAINT_STAGE_VIT) return;
    s->ahead.time[s->ahead.n_times++] =
        (saint_ahead_time){.layer = layer, .index = s->history[0]->n_layers, .before = seconds, .parts = 0};
}

saint_reading *saint_sites_reading(const saint_sites *s) { return s->own; }

/* ---- what is owed ---- */

saint_status saint_sites_mark(saint_sites *s, int layer, int part, int which)
{
    if (!s || s->follows || !(s->remembers || s->counts)) return SAINT_OK;
    saint_ahead *a = &s->ahead;
    saint_status st = s->b->op->chooser->mark(s->b, SAINT_AHEAD_LAYER_MARKS + 4 * layer + 2 * part + which, s->r->err);
    if (st != SAINT_OK || which == SAINT_PART_BEGIN) return st;
    if (part == 0) {
        a->marked[layer] = true;
        a->time[a->n_times++] = (saint_ahead_time){.layer = layer, .index = s->history[0]->n_layers};
    }
    a->time[a->n_times - 1].parts |= 1 << part;
    return SAINT_OK;
}

saint_status saint_sites_owe_stats(saint_sites *s, int image, int index, saint_reading *read, int first, int n, const saint_method_params *p)
{
    return saint_ahead_add_stats(&s->ahead, &(saint_ahead_stats){.read = read, .h = s->history[image], .index = index, .first = first, .n = n, .p = *p},
                                 s->r->err);
}

void saint_sites_remember(saint_sites *s, int layer, saint_snapshot *c)
{
    c->pending = true;
    c->told = s->n;
    c->n_layers = s->history[0]->n_layers;
    c->layer = layer;
    saint_cache_put(s->r->s->cache, c);
}

/* ---- decisions ---- */

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
                           .metric = at_hand(s)->metric,
                           .dim = in->dim,
                           .attention = at_hand(s)->attention,
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

/* The host decides, on what lies in the backend's memory. */
static saint_status decide_there(saint_sites *s, const saint_site_input *in)
{
    bool keys, row;
    saint_reading_host look = {0};
    saint_site_input host = *in;
    saint_status st = SAINT_OK;
    needs(s, in->site->layer, &keys, &row);
    if (keys || row) st = saint_reading_look(at_hand(s), &look, s->r->err);
    host.metric = keys ? look.metric : NULL;
    host.attention = row ? look.attention : NULL;
    if (st == SAINT_OK) st = saint_run_site(s->r, &host, s->rows, s->history);
    saint_reading_look_free(&look);
    return st;
}

saint_status saint_sites_run(saint_sites *s, saint_run *r, const saint_site_input *in, saint_rows *rows, saint_history *const *history,
                             double *stage)
{
    double began = saint_now();
    saint_status st;
    if (!s) return saint_run_site(r, in, rows, history);
    if (decides_here(s, in->site->layer) && saint_rows_total(rows) > 0) {
        st = decide(s, in);
        *stage += saint_now() - began; /* what of it was selection comes off when it is told */
        return st;
    }
    if ((st = saint_sites_settle(s, r, false, stage)) != SAINT_OK) return st;
    s->posted = false; /* what the host decides, the table does not know */
    return decide_there(s, in);
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

typedef struct {
    saint_sites *s;
    int told;
    saint_status st;
} completion;

static void complete_one(void *ud, saint_snapshot *c)
{
    completion *x = ud;
    if (c->told == x->told && x->st == SAINT_OK) x->st = saint_ahead_complete(&x->s->ahead, c);
}

/* The checkpoints of this place between the decisions. */
static saint_status complete(saint_sites *s, int told)
{
    completion x = {s, told, SAINT_OK};
    if (s->remembers) saint_cache_each_pending(s->r->s->cache, complete_one, &x);
    return x.st;
}

static saint_status tell_all(saint_sites *s, const char *block, int32_t *now, double *seconds)
{
    saint_run *r = s->r;
    size_t bytes = ((size_t)s->rows->n_seqs + 1) * sizeof *now;
    saint_status st = SAINT_OK;
    memcpy(now, s->rows->cu, bytes);
    for (int i = 0; i < s->n && st == SAINT_OK; i++) {
        double each = 0;
        st = complete(s, i);
        if (st == SAINT_OK) st = r->b->op->chooser->elapsed(r->b, 2 * i, 2 * i + 1, &each, r->err);
        *seconds += each;
        if (st == SAINT_OK) st = tell(s, &s->untold[i], block, each);
    }
    if (st == SAINT_OK && memcmp(now, s->rows->cu, bytes) != 0)
        st = saint_fail(r->err, SAINT_DEVICE, "the records of %d prune sites do not add up to the rows that are left", s->n);
    return st == SAINT_OK ? complete(s, s->n) : st;
}

/* Everything of the device that the host is waiting for, with one wait. */
static saint_status collect(saint_sites *s, char *block, bool waited)
{
    int n = saint_ahead_count(&s->ahead);
    saint_letter *letter = calloc((size_t)n + 1, sizeof *letter);
    saint_status st = letter ? SAINT_OK : saint_fail(s->r->err, SAINT_MEMORY, "no memory for the records of %d layers", n);
    if (st == SAINT_OK) st = saint_ahead_letters(&s->ahead, letter, s->r->err);
    if (letter && s->n) letter[n++] = (saint_letter){block, s->block, s->used};
    if (st == SAINT_OK && n) st = s->b->op->chooser->collect(s->b, letter, n, s->r->err);
    else if (st == SAINT_OK && !waited) st = s->b->op->sync(s->b, s->r->err);
    free(letter);
    return st;
}

static saint_status settle(saint_sites *s, bool waited, double *stage)
{
    saint_run *r = s->r;
    double began = saint_now(), seconds = 0;
    char *block = malloc(s->used + 1);
    int32_t *now = malloc(((size_t)s->rows->n_seqs + 1) * sizeof *now);
    saint_status st = block && now ? SAINT_OK : saint_fail(r->err, SAINT_MEMORY, "no memory for the records of %d prune sites", s->n);
    if (st == SAINT_OK) st = collect(s, block, waited);
    double over = saint_now() - began;
    if (st == SAINT_OK) st = saint_ahead_fill(&s->ahead);
    if (st == SAINT_OK) st = tell_all(s, block, now, &seconds);
    if (st == SAINT_OK) saint_ahead_told(&s->ahead);
    *stage += over - seconds;
    r->t->seconds.selection += seconds;
    free(block);
    free(now);
    return st;
}

saint_status saint_sites_settle(saint_sites *s, saint_run *r, bool waited, double *stage)
{
    if (!s) {
        double began = saint_now();
        saint_status st = waited ? SAINT_OK : r->b->op->sync(r->b, r->err);
        *stage += saint_now() - began;
        return st;
    }
    saint_status st = settle(s, waited, stage);
    s->rows->ahead = false;
    forget(s);
    if (st != SAINT_OK) saint_ahead_forget(&s->ahead);
    if (s->remembers && st == SAINT_OK) saint_cache_publish(r->s->cache);
    else if (s->remembers) saint_cache_drop_pending(r->s->cache);
    return st;
}

void saint_sites_abandon(saint_sites *s, saint_run *r, saint_status why)
{
    saint_error *err = r->err, unheard = {0};
    double unused = 0;
    if (!s || !s->remembers) return;
    r->err = &unheard;
    if (why == SAINT_DEVICE || saint_sites_settle(s, r, false, &unused) != SAINT_OK) saint_cache_drop_pending(r->s->cache);
    r->err = err;
}
