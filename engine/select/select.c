/* select.c - the table of methods, the checked call and the batch. */
#include <stdlib.h>

#include "backend/choose.h"
#include "select/internal.h"

static const saint_method METHODS[] = {
#define X(id, name_, stages_, params_, flags, rule_, summary_, reference_)     \
    {.name = name_,                                                            \
     .summary = summary_,                                                      \
     .reference = reference_,                                                  \
     .stages = stages_,                                                        \
     .params = params_,                                                        \
     .reads_attention = ((flags) & SAINT_METHOD_ATTENTION) != 0,               \
     .reads_text = ((flags) & SAINT_METHOD_TEXT) != 0,                         \
     .merges = ((flags) & SAINT_METHOD_MERGES) != 0,                           \
     .fixed_budget = ((flags) & SAINT_METHOD_FIXED) != 0,                      \
     .rule = (int)(rule_),                                                     \
     .count = saint_##id##_count,                                              \
     .select = saint_##id##_select},
#include "select/methods.def"
#undef X
};
enum { N_METHODS = sizeof METHODS / sizeof *METHODS };

const saint_method *saint_method_at(int i)
{
    if (i == SAINT_METHOD_HAND) return &saint_method_hand;
    return i >= 0 && i < N_METHODS ? &METHODS[i] : NULL;
}

const saint_method *saint_method_find(const char *name)
{
    for (int i = 0; name && i < N_METHODS; i++)
        if (!strcmp(METHODS[i].name, name)) return &METHODS[i];
    return NULL;
}

/* -1 for a method that is not in the table. */
int saint_method_index(const saint_method *m)
{
    for (int i = 0; i < N_METHODS; i++)
        if (m == &METHODS[i]) return i;
    return m == &saint_method_hand ? SAINT_METHOD_HAND : -1;
}

static saint_status check_params(const saint_method *m, const saint_select_in *in, saint_error *err)
{
    const saint_method_params *p = &in->p;
    if (m->params & SAINT_PARAM_KEEP_NUM && (p->keep_num < -1 || (p->keep_num == -1 && !(m->params & SAINT_PARAM_KEEP_RATIO))))
        return saint_fail(err, SAINT_INVALID, "%s: keep_num must be at least 0%s, found %d", m->name,
                          m->params & SAINT_PARAM_KEEP_RATIO ? " (or -1: use keep_ratio)" : "", p->keep_num);
    if (m->params & SAINT_PARAM_KEEP_RATIO && (!(m->params & SAINT_PARAM_KEEP_NUM) || p->keep_num == -1) &&
        !(p->keep_ratio >= 0.0f && p->keep_ratio <= 1.0f))
        return saint_fail(err, SAINT_INVALID, "%s: keep_ratio must be from 0 to 1, found %g", m->name, (double)p->keep_ratio);
    if (m->params & SAINT_PARAM_R && p->r < 1) return saint_fail(err, SAINT_INVALID, "%s: r must be at least 1, found %d", m->name, p->r);
    if (m->params & SAINT_PARAM_K && p->K < 0) return saint_fail(err, SAINT_INVALID, "%s: K must be at least 0, found %d", m->name, p->K);
    if (m->params & SAINT_PARAM_SIM_THRESHOLD && !isfinite(p->sim_threshold))
        return saint_fail(err, SAINT_INVALID, "%s: sim_threshold must be a finite number, found %g", m->name, (double)p->sim_threshold);
    if (m->params & SAINT_PARAM_GAMMA && !isfinite(p->gamma))
        return saint_fail(err, SAINT_INVALID, "%s: gamma must be a finite number, found %g", m->name, (double)p->gamma);
    return SAINT_OK;
}

saint_status saint_select_not_finite(const saint_method *m, bool attention, int row, saint_error *err)
{
    return saint_fail(err, SAINT_INVALID, "%s: the %s must be finite, row %d has a NaN or an infinity", m->name, attention ? "attention" : "metric", row);
}

saint_status saint_select_check(const saint_method *m, const saint_select_in *in, saint_error *err)
{
    if (in->n < 0 || in->n > SAINT_SELECT_MAX_TOKENS)
        return saint_fail(err, SAINT_INVALID, "%s: the number of tokens must be 0 to %d, found %d", m->name, (int)SAINT_SELECT_MAX_TOKENS,
                          in->n);
    if (in->metric && (in->dim < 1 || in->dim > SAINT_SELECT_MAX_DIM))
        return saint_fail(err, SAINT_INVALID, "%s: the width of the metric must be 1 to %d, found %d", m->name, (int)SAINT_SELECT_MAX_DIM,
                          in->dim);
    if (in->n_prefix < 0) return saint_fail(err, SAINT_INVALID, "%s: n_prefix must be at least 0, found %d", m->name, in->n_prefix);
    if ((in->stage != SAINT_STAGE_VIT && in->stage != SAINT_STAGE_LLM) || !(m->stages >> in->stage & 1))
        return saint_fail(err, SAINT_INVALID, "%s does not work at a site of the %s", m->name,
                          in->stage == SAINT_STAGE_VIT ? "ViT" : in->stage == SAINT_STAGE_LLM ? "LLM" : "unknown stage");
    if (in->forced_drop < -1 || in->forced_drop > in->n)
        return saint_fail(err, SAINT_INVALID, "%s: forced_drop must be -1 (the method decides) to %d tokens, found %d", m->name, in->n,
                          in->forced_drop);
    return check_params(m, in, err);
}

static saint_status check_in(const saint_method *m, const saint_select_in *in, saint_error *err)
{
    saint_status status = saint_select_check(m, in, err);
    if (status != SAINT_OK || in->n == 0) return status;
    int row;
    if (in->metric && (row = saint_non_finite_row(in->metric, in->n, in->dim)) >= 0) return saint_select_not_finite(m, false, row, err);
    if (m->reads_attention && !in->attention)
        return saint_fail(err, SAINT_INVALID, "%s needs the attention of the %s, and none was given", m->name,
                          in->stage == SAINT_STAGE_VIT ? "class token" : "last prompt token");
    if (m->reads_attention && (row = saint_non_finite_row(in->attention, in->n, 1)) >= 0) return saint_select_not_finite(m, true, row, err);
    for (int i = 0; m->merges && in->size && i < in->n; i++)
        if (!(in->size[i] > 0.0f && isfinite(in->size[i])))
            return saint_fail(err, SAINT_INVALID, "%s: sizes must be positive, row %d has %g", m->name, i, (double)in->size[i]);
    return SAINT_OK;
}

/* One block for all arrays, base pointer `kept`. */
saint_status saint_select_allocate(int n_tokens, saint_select_out *out, saint_error *err)
{
    size_t n = n_tokens > 0 ? (size_t)n_tokens : 1;
    size_t bytes = n * (sizeof *out->merge + sizeof *out->kept + sizeof *out->score + sizeof *out->neighbours + sizeof *out->round);
    *out = (saint_select_out){.margin = INFINITY};
    int32_t *block = malloc(bytes);
    if (!block) return saint_fail(err, SAINT_MEMORY, "token selection needs %zu bytes of memory, which are not to be had", bytes);
    out->kept = block;
    out->neighbours = block + n;
    out->merge = (saint_merge *)(void *)(block + 2 * n);
    out->score = (float *)(void *)(block + 4 * n);
    out->round = (int16_t *)(void *)(block + 5 * n);
    for (int i = 0; i < n_tokens; i++) {
        out->score[i] = NAN;
        out->neighbours[i] = -1;
        out->round[i] = -1;
    }
    return SAINT_OK;
}

/* A method is code that anyone adds: what it returns is checked before a gather follows its indices. */
saint_status saint_select_check_out(const saint_method *m, const saint_select_in *in, const saint_select_out *out, saint_error *err)
{
    int n = in->n;
    if (out->n_keep < 0 || out->n_keep > n)
        return saint_fail(err, SAINT_INVALID, "%s: a method must keep 0 to %d tokens, it returned %d", m->name, n, out->n_keep);
    if (in->forced_drop >= 0 && out->n_keep != n - in->forced_drop)
        return saint_fail(err, SAINT_INVALID, "%s: was told to drop %d of %d tokens and kept %d", m->name, in->forced_drop, n, out->n_keep);
    unsigned char *seen = calloc(n > 0 ? (size_t)n : 1, 1); /* bit 0: kept, bit 1: merged away */
    if (!seen) return saint_fail(err, SAINT_MEMORY, "token selection needs %d bytes of memory, which are not to be had", n);
    saint_status status = SAINT_OK;
    for (int k = 0; k < out->n_keep && status == SAINT_OK; k++) {
        int i = out->kept[k];
        if (i < 0 || i >= n) status = saint_fail(err, SAINT_INVALID, "%s: survivor %d is token %d of %d", m->name, k, i, n);
        else if (seen[i]) status = saint_fail(err, SAINT_INVALID, "%s: token %d survives twice", m->name, i);
        else if (out->round[i] != -1) status = saint_fail(err, SAINT_INVALID, "%s: token %d survives and was dropped", m->name, i);
        else seen[i] = 1;
    }
    for (int i = 0; i < n && status == SAINT_OK; i++)
        if (!(seen[i] & 1) && (out->round[i] < 0 || out->round[i] >= out->n_rounds))
            status = saint_fail(err, SAINT_INVALID, "%s: token %d was dropped in round %d of %d", m->name, i, out->round[i], out->n_rounds);
    if (status == SAINT_OK && (out->n_merge < 0 || out->n_merge > (m->merges ? n : 0)))
        status = saint_fail(err, SAINT_INVALID, "%s: returned %d merges", m->name, out->n_merge);
    for (int k = 0; k < out->n_merge && status == SAINT_OK; k++) {
        saint_merge g = out->merge[k];
        if (g.from < 0 || g.from >= n || g.into < 0 || g.into >= n || seen[g.from] || seen[g.into] != 1)
            status = saint_fail(err, SAINT_INVALID, "%s: merge %d (%d into %d of %d) must take a dropped token, once, into a survivor",
                                m->name, k, g.from, g.into, n);
        else seen[g.from] = 2;
    }
    free(seen);
    return status;
}

saint_status saint_select_run(const saint_method *m, const saint_select_in *in, saint_select_out *out, saint_error *err)
{
    *out = (saint_select_out){0};
    saint_status status = check_in(m, in, err);
    if (status != SAINT_OK) return status;
    status = saint_select_allocate(in->n, out, err);
    if (status != SAINT_OK) return status;
    if (in->n > 0) status = m->select(in, out, err);
    if (status == SAINT_OK) status = saint_select_check_out(m, in, out, err);
    if (status != SAINT_OK) saint_select_free(out);
    return status;
}

/* A batch on the threads of a pool: one chunk per picture, and the error that is told is that of the first picture that has one. */
typedef struct {
    const saint_method *m;
    const saint_select_in *in;
    saint_select_out *out;
    int forced_drop; /* -1: each its own */
    int *n_drop;     /* counts wanted, not selections */
    saint_status *status;
    saint_error *error;
} batch;

static void select_one(void *ctx, int i, int worker)
{
    (void)worker;
    batch *b = ctx;
    saint_select_in in = b->in[i];
    if (b->n_drop) {
        b->status[i] = check_in(b->m, &in, &b->error[i]);
        if (b->status[i] == SAINT_OK) b->status[i] = b->m->count(&in, &b->n_drop[i], &b->error[i]);
        return;
    }
    if (b->forced_drop >= 0) in.forced_drop = b->forced_drop;
    b->status[i] = saint_select_run(b->m, &in, &b->out[i], &b->error[i]);
}

static saint_status run_batch(batch *b, saint_pool *pool, int n, saint_error *err)
{
    if (pool && n > 1) saint_pool_run(pool, n, select_one, b);
    else
        for (int i = 0; i < n; i++) select_one(b, i, 0);
    for (int i = 0; i < n; i++)
        if (b->status[i] != SAINT_OK) {
            if (err) *err = b->error[i];
            return b->status[i];
        }
    return SAINT_OK;
}

bool saint_select_coupled(const saint_method *m, const saint_select_in *in)
{
    /* The flag is a quirk of the ViT path and of methods that count; the images of a batch share stage and flags. */
    return !m->fixed_budget && in->stage == SAINT_STAGE_VIT && in->compat & 1u << SAINT_COMPAT_BATCH_MEAN_RATE;
}

saint_status saint_select_unequal(const saint_method *m, int n, int first, saint_error *err)
{
    return saint_fail(err, SAINT_INVALID, "%s: batch_mean_rate needs as many tokens in every image, found %d and %d", m->name, first, n);
}

saint_status saint_select_batch(const saint_method *m, const saint_select_in *in, int n_images, saint_pool *pool, saint_select_out *out,
                                saint_error *err)
{
    if (n_images < 0) return saint_fail(err, SAINT_INVALID, "%s: a batch of %d images", m->name, n_images);
    for (int i = 0; i < n_images; i++) out[i] = (saint_select_out){0};
    if (n_images == 0) return SAINT_OK;
    size_t n = (size_t)n_images;
    batch b = {.m = m, .in = in, .out = out, .forced_drop = -1, .status = calloc(n, sizeof *b.status), .error = calloc(n, sizeof *b.error)};
    int *n_drop = calloc(n, sizeof *n_drop);
    saint_status status =
        b.status && b.error && n_drop ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for a selection in %d images", n_images);
    if (status == SAINT_OK && saint_select_coupled(m, in)) {
        for (int i = 1; i < n_images && status == SAINT_OK; i++)
            if (in[i].n != in[0].n) status = saint_select_unequal(m, in[i].n, in[0].n, err);
        b.n_drop = n_drop;
        if (status == SAINT_OK) status = run_batch(&b, pool, n_images, err);
        b.n_drop = NULL;
        int64_t votes = 0;
        for (int i = 0; i < n_images; i++) votes += n_drop[i];
        b.forced_drop = (int)(votes / n_images);
    }
    if (status == SAINT_OK) status = run_batch(&b, pool, n_images, err);
    for (int i = 0; i < n_images && status != SAINT_OK; i++) saint_select_free(&out[i]);
    free(b.status);
    free(b.error);
    free(n_drop);
    return status;
}

void saint_select_free(saint_select_out *out)
{
    if (!out) return;
    free(out->kept);
    *out = (saint_select_out){0};
}
