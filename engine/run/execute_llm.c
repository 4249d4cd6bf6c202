/* execute_llm.c - one picture through the LLM: splice, prefill with its prune sites, greedy decode. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/cost.h"
#include "run/internal.h"

typedef struct {
    saint_run *r;
    saint_trace_image *im;
    int image;
    const saint_text *text;
    const saint_llm_reuse *reuse;
    int n_features, n_rows; /* picture rows, all rows that enter */
    int n_shared;           /* layers that other questions about this picture may reuse */
    saint_llm_forward *f;
    saint_rows rows;
    saint_kv *kv[SAINT_MAX_LAYERS];
    saint_window window;       /* at the layer at hand */
    float *metric, *attention; /* host [rows] of the layer at hand, where the host reads them: mean key of every row, attention of the last one */
    saint_sites *sites;        /* the device works ahead of the host; NULL: it does not, and the host decides all */
    saint_history *history[1]; /* of the picture */
    int noted;                 /* sites of it that the user has been warned of */
    float *logits;
    double layer_seconds;
} llm_state;

static saint_status stopped(llm_state *v, const char *where, int layer)
{
    return saint_fail(v->r->err, SAINT_CANCELLED, "cancelled %s LLM layer %d", where, layer);
}

/* ---- sequence ------------------------------------------------------------------------------------------------ */

/* Rows of the question at row `first` of the packed rows. */
static saint_status embed_question(llm_state *v, int first)
{
    saint_rows *rows = &v->rows;
    int before = v->text->n_prefix + v->n_features;
    for (int i = 0; i < v->text->n_suffix; i++) {
        rows->patch[first + i] = -1 - (before + i);
        rows->pos[first + i] = before + i;
        rows->size[first + i] = 1;
    }
    rows->cu[1] = first + v->text->n_suffix;
    return saint_llm_embed(v->f, v->text->ids + v->text->n_prefix, v->text->n_suffix, rows->x + (size_t)first * (size_t)rows->dim,
                           v->r->err);
}

static saint_status splice(llm_state *v, const float *features, const int32_t *patch)
{
    saint_status s;
    saint_run *r = v->r;
    saint_rows *rows = &v->rows;
    int n_prefix = v->text->n_prefix, n = v->n_features;
    size_t d = (size_t)rows->dim;
    for (int i = 0; i < n_prefix + n; i++) {
        rows->patch[i] = i < n_prefix ? -1 - i : patch[i - n_prefix];
        rows->pos[i] = i;
        rows->size[i] = 1;
    }
    if ((s = saint_llm_embed(v->f, v->text->ids, n_prefix, rows->x, r->err)) != SAINT_OK) return s;
    if (n && (s = r->b->op->copy(r->b, rows->x + (size_t)n_prefix * d, features, (size_t)n * d * sizeof(float), r->err)) != SAINT_OK)
        return s;
    if ((s = embed_question(v, n_prefix + n)) != SAINT_OK) return s;
    return saint_run_tap(r, rows->x, v->n_rows, rows->dim, "llm.embed", 0);
}

/* ---- checkpoints --------------------------------------------------------------------------------------------- */

/* Remember the point right behind the block of `layer`. An economy, never a need: without memory there is none. */
static saint_status checkpoint(llm_state *v, int layer)
{
    saint_run *r = v->r;
    const saint_kv *kv = v->kv[layer];
    size_t rows = (size_t)saint_rows_total(&v->rows), width = (size_t)r->m->llm.head_dim;
    size_t bytes = rows * ((size_t)v->rows.dim + width + 4) * sizeof(float) +
                   2 * (size_t)kv->cap * (size_t)kv->width * saint_compute_size(r->b) + sizeof(saint_history) + sizeof(saint_snapshot);
    saint_snapshot *c = NULL;
    saint_status s = saint_run_snapshot(r, v->sites, &v->rows, v->metric, v->attention, r->m->llm.head_dim, bytes, &c);
    if (!c) return s;
    c->key = v->reuse->keys.full[layer];
    c->picture_key = v->reuse->keys.picture[layer];
    c->has_picture_key = layer < v->n_shared;
    c->seconds = v->layer_seconds;
    c->n_suffix = v->text->n_suffix;
    c->n_features = v->n_features;
    c->kv = saint_kv_ref(v->kv[layer]);
    c->kv_len = kv->len;
    saint_run_put(r, v->sites, layer, c, v->history);
    return SAINT_OK;
}

static saint_status lost(llm_state *v, int layer)
{
    return saint_fail(v->r->err, SAINT_STATE, "the checkpoint of LLM layer %d left the cache", layer);
}

static const saint_snapshot *snapshot(const llm_state *v, int layer)
{
    const saint_llm_keys *k = &v->reuse->keys;
    return v->reuse->full ? saint_cache_find(v->r->s->cache, &k->full[layer], false)
                          : saint_cache_find(v->r->s->cache, &k->picture[layer], true);
}

/* A layer's first `keep` cached keys and values with room for `room` more. All of them: the buffer itself is shared, because what decoding
 * writes behind them no checkpoint reads. */
static saint_status adopt_kv(llm_state *v, int layer, const saint_snapshot *c, int keep, int room)
{
    saint_status s;
    saint_run *r = v->r;
    if (keep == c->kv_len && c->kv->cap >= keep + room) {
        v->kv[layer] = saint_kv_ref(c->kv);
    } else {
        size_t bytes = (size_t)keep * (size_t)c->kv->width * saint_compute_size(r->b);
        if ((s = saint_kv_new(&v->kv[layer], r->b, keep + room, c->kv->width, r->err)) != SAINT_OK) return s;
        if ((s = r->b->op->copy(r->b, v->kv[layer]->k, c->kv->k, bytes, r->err)) != SAINT_OK) return s;
        if ((s = r->b->op->copy(r->b, v->kv[layer]->v, c->kv->v, bytes, r->err)) != SAINT_OK) return s;
    }
    v->kv[layer]->len = keep;
    return SAINT_OK;
}

/* The keys of a reused layer anew, because this question's are among them. */
static saint_status owe_own_rows(llm_state *v, const saint_trace_layer *y, int index, int length, const saint_method_params *p)
{
    saint_run *r = v->r;
    const saint_llm *l = &r->m->llm;
    const saint_kv *kv = v->kv[y->layer];
    saint_reading *read;
    saint_status s = saint_reading_new(&read, r->b, y->n_in, l->head_dim, r->err);
    if (s != SAINT_OK) return s;
    s = r->b->op->chooser->mean_heads(r->b, kv->k, y->n_in, kv->width, l->kv_heads, l->head_dim, read->metric, r->err);
    if (s == SAINT_OK) s = saint_sites_owe_stats(v->sites, 0, index, read, v->window.first, length, p);
    saint_reading_unref(read);
    return s;
}

/* Statistics belong to the request and not to the result, so no key holds them: reused layers get theirs from the checkpoint's metric. */
static saint_status reused_stats(llm_state *v, saint_trace_layer *y, int index)
{
    saint_status s;
    saint_reading_host read;
    saint_method_params want = saint_stats_params(v->r->req, SAINT_STAGE_LLM, y->layer);
    const saint_method_params *p = &want;
    int length = v->window.length - (v->n_rows - y->n_in), hd = v->r->m->llm.head_dim;
    if (!v->r->req->want_stats || length < 1) {
        y->has_stats = false;
        return SAINT_OK;
    }
    if (v->reuse->question &&
        v->window.first + length > y->n_in - v->text->n_suffix) { /* a wrong window looks at this question's own rows */
        if (v->sites) return owe_own_rows(v, y, index, length, p);
        if ((s = saint_llm_metric(v->f, v->kv[y->layer], 0, y->n_in, v->metric, v->r->err)) != SAINT_OK) return s;
        return saint_stats_of_rows(v->metric, v->window.first, length, hd, p, y, v->r->err);
    }
    if (saint_stats_match(y, p) && y->stats_first == v->window.first && y->stats.n == length) return SAINT_OK;
    const saint_snapshot *c = snapshot(v, y->layer);
    if (!c) return lost(v, y->layer);
    if (v->sites) return saint_sites_owe_stats(v->sites, 0, index, c->read, v->window.first, length, p);
    if ((s = saint_reading_look(c->read, &read, v->r->err)) != SAINT_OK) return s;
    s = saint_stats_of_rows(read.metric, v->window.first, length, hd, p, y, v->r->err);
    saint_reading_look_free(&read);
    return s;
}

/* What follows from sites that have been told since the last call. */
static void told(llm_state *v)
{
    saint_history *h = &v->im->history;
    for (; v->noted < h->n_sites; v->noted++) {
        const saint_trace_site *s = h->site[v->noted];
        if (s->stage == SAINT_STAGE_LLM && s->text_dropped)
            saint_note(&v->r->t->notes, "LLM layer %d: the image window is wrong, %d text rows were dropped", s->layer, s->text_dropped);
    }
}

/* What the layers before the checkpoint did, behind this run's own record of the ViT. */
static saint_status adopt_history(llm_state *v, const saint_snapshot *c)
{
    saint_status s;
    saint_history *h = &v->im->history;
    int longer = v->text->n_suffix - c->n_suffix; /* the question may have another length than the one that was asked then */
    for (int i = 0; i < c->history->n_layers; i++) {
        saint_trace_layer y = c->history->layer[i];
        if (y.stage != SAINT_STAGE_LLM) continue;
        y.reused = true;
        y.n_in += longer;
        y.n_out += longer;
        y.flops = saint_cost_llm_layer(&v->r->m->info, y.n_in, 0);
        if ((s = reused_stats(v, &y, h->n_layers)) != SAINT_OK) return s;
        h->layer[h->n_layers++] = y;
    }
    for (int i = 0; i < c->history->n_sites; i++) {
        if (c->history->site[i]->stage != SAINT_STAGE_LLM) continue;
        saint_history_add(h, c->history->site[i], true);
    }
    told(v);
    return SAINT_OK;
}

/* What the site of the layer at hand reads, from a checkpoint. */
static saint_status resume_reading(llm_state *v, int layer, const saint_snapshot *c)
{
    size_t rows = (size_t)saint_rows_total(&v->rows);
    saint_reading_host read;
    if (v->sites) {
        saint_sites_resume(v->sites, layer, c->read, c->seconds);
        return SAINT_OK;
    }
    saint_status s = saint_reading_look(c->read, &read, v->r->err);
    if (s != SAINT_OK) return s;
    memcpy(v->metric, read.metric, rows * (size_t)v->r->m->llm.head_dim * sizeof *v->metric);
    memcpy(v->attention, read.attention, rows * sizeof *v->attention);
    saint_reading_look_free(&read);
    return SAINT_OK;
}

/* The first reuse->full layers, as they were computed for this prompt. */
static saint_status resume(llm_state *v, int room)
{
    saint_status s;
    saint_run *r = v->r;
    int n = v->reuse->full;
    const saint_snapshot *c = NULL;
    for (int i = 0; i < n; i++) {
        if (!(c = snapshot(v, i))) return lost(v, i);
        if ((s = adopt_kv(v, i, c, c->kv_len, room)) != SAINT_OK) return s;
    }
    if ((s = saint_rows_copy(&v->rows, &c->rows, r->err)) != SAINT_OK) return s;
    if ((s = adopt_history(v, c)) != SAINT_OK) return s;
    if ((s = resume_reading(v, n - 1, c)) != SAINT_OK) return s;
    v->layer_seconds = c->seconds;
    r->t->layers_reused += n;
    return SAINT_OK;
}

/* A layer that knows the rows in front of the question; last: what selection reads of it is wanted. */
static saint_status question_block(llm_state *v, int layer, int before, bool last)
{
    saint_status s;
    saint_run *r = v->r;
    saint_rows *rows = &v->rows;
    int asked = v->text->n_suffix;
    float *x = rows->x + (size_t)before * (size_t)rows->dim;
    saint_llm_readings at = {.pos = rows->pos + before, .attention = last ? v->attention : NULL};
    if (!v->sites || !last) return saint_llm_prefill(v->f, layer, x, asked, v->kv[layer], &at, r->err);
    at.here = true;
    if ((s = saint_sites_read(v->sites, layer, before + asked, &at.metric, &at.attention)) != SAINT_OK) return s;
    return saint_llm_prefill(v->f, layer, x, asked, v->kv[layer], &at, r->err);
}

/* The first reuse->question layers were computed for another question about this picture: only the rows of the new one have to pass. Row by
 * row this is the same arithmetic, so it gives the same bits as all rows at once. */
static saint_status ask_again(llm_state *v, int room)
{
    saint_status s;
    saint_run *r = v->r;
    saint_rows *rows = &v->rows;
    int n = v->reuse->question, asked = v->text->n_suffix;
    const saint_snapshot *last = snapshot(v, n - 1), *c;
    if (!last) return lost(v, n - 1);
    int before = saint_rows_total(&last->rows) - last->n_suffix;
    size_t d = (size_t)rows->dim;
    memcpy(rows->patch, last->rows.patch, (size_t)before * sizeof *rows->patch);
    memcpy(rows->pos, last->rows.pos, (size_t)before * sizeof *rows->pos);
    memcpy(rows->size, last->rows.size, (size_t)before * sizeof *rows->size);
    if ((s = r->b->op->copy(r->b, rows->x, last->rows.x, (size_t)before * d * sizeof *rows->x, r->err)) != SAINT_OK) return s;
    if ((s = embed_question(v, before)) != SAINT_OK) return s;
    double begin = saint_now();
    for (int i = 0; i < n; i++) {
        if (saint_run_stopped(r)) return stopped(v, "before", i);
        if (!(c = snapshot(v, i))) return lost(v, i);
        if ((s = adopt_kv(v, i, c, saint_rows_total(&c->rows) - c->n_suffix, asked + room)) != SAINT_OK) return s;
        if ((s = question_block(v, i, before, i == n - 1)) != SAINT_OK) return s;
        saint_event e = {
            .kind = SAINT_EVENT_LAYER, .stage = SAINT_STAGE_LLM, .image = v->image, .layer = i, .done = i + 1, .total = r->m->llm.layers};
        if (i < n - 1 && !saint_run_event(r, &e)) return stopped(v, "after", i);
    }
    r->t->seconds.prefill += saint_now() - begin;
    if ((s = adopt_history(v, last)) != SAINT_OK) return s; /* may use v->metric */
    if (!v->sites && (s = saint_llm_metric(v->f, v->kv[n - 1], 0, saint_rows_total(rows), v->metric, r->err)) != SAINT_OK) return s;
    v->layer_seconds = last->seconds;
    r->t->layers_question += n;
    return SAINT_OK;
}

/* ---- prefill ------------------------------------------------------------------------------------------------- */

static saint_status block(llm_state *v, int layer, int room)
{
    saint_status s;
    saint_run *r = v->r;
    const saint_llm *l = &r->m->llm;
    int t = saint_rows_total(&v->rows);
    double begin = saint_now();
    if ((s = saint_kv_new(&v->kv[layer], r->b, t + room, l->kv_heads * l->head_dim, r->err)) != SAINT_OK) return s;
    saint_llm_readings at = {.pos = v->rows.ahead ? v->rows.table.pos : v->rows.pos,
                             .pos_here = v->rows.ahead,
                             .metric = saint_run_reads_metric(r, SAINT_STAGE_LLM, layer) ? v->metric : NULL,
                             .attention = saint_run_reads_attention(r, SAINT_STAGE_LLM, layer) ? v->attention : NULL};
    if (v->sites) {
        at.here = true;
        if ((s = saint_sites_read(v->sites, layer, t, &at.metric, &at.attention)) != SAINT_OK) return s;
        if ((s = saint_sites_mark(v->sites, layer, 0, SAINT_PART_BEGIN)) != SAINT_OK) return s;
    }
    if ((s = saint_llm_prefill(v->f, layer, v->rows.x, t, v->kv[layer], &at, r->err)) != SAINT_OK) return s;
    if ((s = saint_sites_mark(v->sites, layer, 0, SAINT_PART_END)) != SAINT_OK) return s;
    if ((s = saint_run_layer_done(r)) != SAINT_OK) return s;
    double elapsed = saint_now() - begin;
    v->layer_seconds = saint_run_layer_seconds(r, elapsed);
    r->t->seconds.prefill += elapsed;
    if ((s = saint_run_tap(r, v->rows.x, t, v->rows.dim, "llm.%d.out", layer)) != SAINT_OK) return s;
    return checkpoint(v, layer);
}

static saint_status choose(llm_state *v, int layer, const saint_site *site)
{
    saint_status s;
    saint_run *r = v->r;
    int before = saint_rows_total(&v->rows);
    saint_site_input in = {.site = site,
                           .metric = v->metric,
                           .attention = v->attention,
                           .dim = r->m->llm.head_dim,
                           .n_prefix = v->window.first,
                           .window = v->window.length,
                           .ascending = true,
                           .hand = &r->t->plan.hand};
    if ((s = saint_sites_run(v->sites, r, &in, &v->rows, v->history, &r->t->seconds.prefill)) != SAINT_OK) return s;
    v->window.length -= before - saint_rows_total(&v->rows);
    told(v);
    if (saint_rows_total(&v->rows) == 0)
        return saint_fail(r->err, SAINT_INVALID,
                          "LLM layer %d: no row is left, because the image window covers the whole prompt; mend "
                          "saint_sys_length and saint_image_token_length",
                          layer);
    saint_event e = {.kind = SAINT_EVENT_SITE, .stage = SAINT_STAGE_LLM, .image = v->image, .layer = layer};
    return saint_run_event(r, &e) ? SAINT_OK : stopped(v, "after the site of", layer);
}

/* Record layer, statistics, and its prune site. */
static saint_status behind_block(llm_state *v, int layer, bool reused)
{
    saint_status s;
    saint_run *r = v->r;
    const saint_site *site = saint_plan_site(&r->t->plan, SAINT_STAGE_LLM, layer);
    saint_history *h = &v->im->history;
    int t = saint_rows_total(&v->rows), hd = r->m->llm.head_dim;
    saint_trace_layer record = {.stage = SAINT_STAGE_LLM,
                                .layer = layer,
                                .n_in = t,
                                .seconds = v->layer_seconds,
                                .flops = saint_cost_llm_layer(&r->m->info, t, 0),
                                .reused = reused};
    for (int i = 0; i < t && !v->rows.ahead; i++) record.image_in += v->rows.patch[i] >= 0;
    if (v->rows.ahead) record.image_in = -1; /* known when the sites before are told */
    if (v->window.length > 0) {
        if (r->ob && r->ob->tap) {
            char name[48];
            snprintf(name, sizeof name, "llm.%d.metric", layer);
            r->ob->tap(r->ob->ud, name, v->metric + (size_t)v->window.first * (size_t)hd, v->window.length, hd);
        }
        saint_method_params want = saint_stats_params(r->req, SAINT_STAGE_LLM, layer);
        if (r->req->want_stats && v->sites) {
            saint_reading *read = saint_sites_reading(v->sites);
            if ((s = saint_sites_owe_stats(v->sites, 0, h->n_layers, read, v->window.first, v->window.length, &want)) != SAINT_OK) return s;
        } else if (r->req->want_stats) {
            if ((s = saint_stats_of_rows(v->metric, v->window.first, v->window.length, hd, &want, &record, r->err)) != SAINT_OK) return s;
        }
        if (site && (s = choose(v, layer, site)) != SAINT_OK) return s;
    }
    record.n_out = saint_rows_total(&v->rows);
    h->layer[h->n_layers++] = record;
    return SAINT_OK;
}

static saint_status prefill(llm_state *v, const float *features, const int32_t *patch, int room)
{
    saint_status s;
    saint_run *r = v->r;
    int layers = r->m->llm.layers, done = (v->reuse->full ? v->reuse->full : v->reuse->question) - 1;
    if ((s = v->reuse->full ? resume(v, room) : v->reuse->question ? ask_again(v, room) : splice(v, features, patch)) != SAINT_OK) return s;
    v->window.length -= v->n_rows - saint_rows_total(&v->rows); /* every row that went, went from inside the window */
    for (int i = done < 0 ? 0 : done; i < layers; i++) {
        if (saint_run_stopped(r)) return stopped(v, "before", i);
        if (i != done && (s = block(v, i, room)) != SAINT_OK) return s;
        if ((s = behind_block(v, i, i == done)) != SAINT_OK) return s;
        r->t->layers_run += i != done;
        saint_event e = {
            .kind = SAINT_EVENT_LAYER, .stage = SAINT_STAGE_LLM, .image = v->image, .layer = i, .done = i + 1, .total = layers};
        if (!saint_run_event(r, &e)) return stopped(v, "after", i);
    }
    double begin = saint_now();
    if ((s = saint_llm_logits(v->f, v->rows.x + (size_t)(saint_rows_total(&v->rows) - 1) * (size_t)v->rows.dim, v->logits, r->err)) !=
        SAINT_OK)
        return s;
    r->t->seconds.prefill += saint_now() - begin;
    if (v->sites && (s = saint_sites_settle(v->sites, r, true, &r->t->seconds.prefill)) != SAINT_OK) return s; /* behind the logits' wait */
    told(v);
    saint_run_tap_host(r, v->logits, 1, r->m->llm.vocab, "llm.logits", 0);
    return SAINT_OK;
}

/* ---- decode -------------------------------------------------------------------------------------------------- */

static int argmax(const float *x, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (x[i] > x[best]) best = i; /* the lowest id on ties, as torch.argmax */
    return best;
}

static bool is_eos(const saint_llm *l, int id)
{
    for (int i = 0; i < l->n_eos; i++)
        if (l->eos[i] == id) return true;
    return false;
}

static saint_status decode_step(llm_state *v, int token, int position, int step)
{
    saint_status s;
    saint_run *r = v->r;
    const saint_llm *l = &r->m->llm;
    int32_t id = token;
    bool late = (r->t->plan.compat & 1u << SAINT_COMPAT_DECODE_POSITION_PLUS_ONE) && (r->t->mode & SAINT_MODE_LLM);
    if ((s = saint_llm_embed(v->f, &id, 1, v->rows.x, r->err)) != SAINT_OK) return s;
    for (int i = 0; i < l->layers; i++) {
        int32_t pos = position + (late && i > 0 ? 1 : 0);
        if (saint_run_stopped(r)) return saint_fail(r->err, SAINT_CANCELLED, "cancelled while decoding");
        v->im->flops_decode += saint_cost_llm_layer(&r->m->info, 1, v->kv[i]->len);
        if ((s = saint_llm_block_run(v->f, i, v->rows.x, 1, &pos, v->kv[i], true, NULL, r->err)) != SAINT_OK) return s;
    }
    if ((s = saint_llm_logits(v->f, v->rows.x, v->logits, r->err)) != SAINT_OK) return s;
    v->im->flops_decode += saint_cost_llm_head(&r->m->info);
    saint_run_tap_host(r, v->logits, 1, l->vocab, "llm.logits.step%d", step);
    return SAINT_OK;
}

/* The same where the device takes the tokens: *token in, the next one out. */
static saint_status device_step(llm_state *v, int *token, int position, int step)
{
    saint_status s;
    saint_run *r = v->r;
    const saint_llm *l = &r->m->llm;
    bool late = (r->t->plan.compat & 1u << SAINT_COMPAT_DECODE_POSITION_PLUS_ONE) && (r->t->mode & SAINT_MODE_LLM);
    if (saint_run_stopped(r)) return saint_fail(r->err, SAINT_CANCELLED, "cancelled while decoding");
    for (int i = 0; i < l->layers; i++) v->im->flops_decode += saint_cost_llm_layer(&r->m->info, 1, v->kv[i]->len);
    if (step == 1 && (s = saint_decoder_begin(r->s->decoder, v->kv, position, position + late, *token, r->err)) != SAINT_OK) return s;
    if ((s = saint_decoder_step(r->s->decoder, token, r->err)) != SAINT_OK) return s;
    v->im->flops_decode += saint_cost_llm_head(&r->m->info);
    if (!r->ob || !r->ob->tap) return SAINT_OK;
    if ((s = saint_decoder_logits(r->s->decoder, v->logits, r->err)) != SAINT_OK) return s;
    saint_run_tap_host(r, v->logits, 1, l->vocab, "llm.logits.step%d", step);
    return SAINT_OK;
}

static saint_status decode(llm_state *v, int prompt_rows)
{
    saint_run *r = v->r;
    const saint_llm *l = &r->m->llm;
    saint_trace_image *im = v->im;
    double begin = saint_now();
    saint_status s = r->s->decoder ? SAINT_OK : saint_decoder_open(&r->s->decoder, r->b, r->m, r->s->plain, r->err);
    int token = argmax(v->logits, l->vocab);
    im->stop = "length";
    for (int step = 0; step < r->req->max_new_tokens && s == SAINT_OK; step++) {
        if (!r->req->ignore_eos && is_eos(l, token)) {
            im->stop = "eos";
            break;
        }
        im->ids[im->n_ids++] = token;
        saint_event e = {.kind = SAINT_EVENT_TOKEN,
                         .stage = SAINT_STAGE_LLM,
                         .image = v->image,
                         .token = token,
                         .done = step + 1,
                         .total = r->req->max_new_tokens};
        if (!saint_run_event(r, &e)) s = saint_fail(r->err, SAINT_CANCELLED, "cancelled while decoding");
        if (s != SAINT_OK || step + 1 == r->req->max_new_tokens) break;
        if (r->s->decoder) {
            s = device_step(v, &token, prompt_rows + step, step + 1);
        } else {
            s = decode_step(v, token, prompt_rows + step, step + 1);
            token = argmax(v->logits, l->vocab);
        }
    }
    r->t->seconds.decode += saint_now() - begin;
    return s;
}

/* ---- all of it ----------------------------------------------------------------------------------------------- */

static saint_status prepare(llm_state *v)
{
    saint_status s;
    saint_run *r = v->r;
    const saint_llm *l = &r->m->llm;
    size_t rows = (size_t)v->n_rows;
    if ((s = saint_rows_alloc(&v->rows, r->b, 1, v->n_rows, l->dim, r->err)) != SAINT_OK) return s;
    if ((s = saint_llm_open(&v->f, r->b, r->m, v->n_rows, r->err)) != SAINT_OK) return s;
    v->metric = malloc(rows * (size_t)l->head_dim * sizeof *v->metric);
    v->attention = malloc(rows * sizeof *v->attention);
    v->logits = malloc((size_t)l->vocab * sizeof *v->logits);
    v->im->logits = malloc((size_t)l->vocab * sizeof *v->im->logits);
    v->im->ids = malloc((size_t)(r->req->max_new_tokens + 1) * sizeof *v->im->ids);
    if (!v->metric || !v->attention || !v->logits || !v->im->logits || !v->im->ids)
        return saint_fail(r->err, SAINT_MEMORY, "no memory for a prompt of %d rows", v->n_rows);
    return SAINT_OK;
}

static void set_window(llm_state *v)
{
    saint_run *r = v->r;
    bool sites = saint_plan_mode(&r->t->plan) & SAINT_MODE_LLM; /* without one nobody looks through the window */
    v->window = saint_plan_window(&r->t->plan, &r->m->info, v->text, v->n_features, sites ? &r->t->notes : NULL);
    v->n_shared = saint_keys_shared(r->s, &r->t->plan, v->text, v->n_features);
    v->im->window_first = v->window.first;
    v->im->window_length = v->window.length;
    if (r->req->cold) return;
    pthread_mutex_lock(&r->s->lock);
    saint_llm_timeline *t = &r->s->last.llm[v->image];
    memcpy(t->key, v->reuse->keys.full, sizeof t->key);
    memcpy(t->picture_key, v->reuse->keys.picture, sizeof t->picture_key);
    t->n_suffix = v->text->n_suffix;
    t->window = v->window;
    t->rows = v->n_rows;
    pthread_mutex_unlock(&r->s->lock);
}

static void account(llm_state *v)
{
    saint_run *r = v->r;
    const saint_llm *l = &r->m->llm;
    saint_trace_image *im = v->im;
    double seen = 0;
    for (int i = 0; i < im->history.n_layers; i++) {
        const saint_trace_layer *y = &im->history.layer[i];
        if (y->stage != SAINT_STAGE_LLM) continue;
        im->flops_prefill += y->flops;
        seen += y->image_in;
    }
    im->flops_prefill += saint_cost_llm_head(&r->m->info);
    im->equivalent = seen / l->layers;
    for (int i = 0; i < l->layers; i++) im->kv_bytes += 2 * (size_t)v->kv[i]->len * (size_t)v->kv[i]->width * saint_compute_size(r->b);
}

static char *trimmed(char *text)
{
    size_t n = strlen(text), start = strspn(text, " \t\r\n\v\f");
    while (n > start && strchr(" \t\r\n\v\f", text[n - 1])) n--;
    memmove(text, text + start, n - start);
    text[n - start] = 0;
    return text;
}

/* The answer as text. Embeddings are often padded beyond the tokenizer (llava-hf: 32064 rows, 32002 pieces); such an id has no text. */
static saint_status decoded(saint_run *r, saint_trace_image *im)
{
    int32_t *known = malloc(((size_t)im->n_ids + 1) * sizeof *known);
    if (!known) return saint_fail(r->err, SAINT_MEMORY, "no memory for the text of an answer of %d tokens", im->n_ids);
    size_t n = 0;
    for (int i = 0; i < im->n_ids; i++)
        if (im->ids[i] < saint_tokenizer_size(r->m->tokenizer)) known[n++] = im->ids[i];
    saint_status s = saint_tokenizer_decode(r->m->tokenizer, known, n, SAINT_TOK_SKIP_SPECIAL, &im->answer, r->err);
    free(known);
    if (s == SAINT_OK) trimmed(im->answer);
    return s;
}

static saint_status run(llm_state *v, const float *features, const int32_t *patch, int room)
{
    saint_status s;
    saint_run *r = v->r;
    saint_trace_image *im = v->im;
    if ((s = prepare(v)) != SAINT_OK) return s;
    set_window(v);
    if ((s = saint_sites_open(&v->sites, r, SAINT_STAGE_LLM, &v->rows, r->m->llm.head_dim, v->window.length, v->history)) != SAINT_OK) return s;
    if ((s = prefill(v, features, patch, room)) != SAINT_OK) {
        saint_sites_abandon(v->sites, r, s);
        return s;
    }
    memcpy(im->logits, v->logits, (size_t)r->m->llm.vocab * sizeof *v->logits);
    im->n_logits = r->m->llm.vocab;
    if (room > 0 && (s = decode(v, v->n_rows)) != SAINT_OK) return s;
    account(v);
    if (room > 0 && r->m->tokenizer) {
        if ((s = decoded(r, im)) != SAINT_OK) return s;
    }
    return SAINT_OK;
}

saint_status saint_run_llm(saint_run *r, int image, const float *features, int n_features, const int32_t *patch, const saint_text *text)
{
    int rows = text->n_prefix + n_features + text->n_suffix, room = r->req->max_new_tokens;
    llm_state v = {.r = r,
                   .im = &r->t->image[image],
                   .image = image,
                   .text = text,
                   .reuse = &r->reuse.llm[image],
                   .n_features = n_features,
                   .n_rows = rows};
    v.history[0] = &v.im->history;
    v.im->n_prefix = text->n_prefix;
    v.im->n_suffix = text->n_suffix;
    v.im->llm_in = rows;
    if (rows < 1) return saint_fail(r->err, SAINT_INVALID, "the prompt is empty");
    if (rows + room > r->m->llm.max_positions)
        saint_note(&r->t->notes, "%d prompt rows and %d new tokens exceed the %d positions this model was trained for", rows, room,
                   r->m->llm.max_positions);
    saint_status s = run(&v, features, patch, room);
    for (int i = 0; i < r->m->llm.layers; i++) saint_kv_unref(v.kv[i]);
    saint_llm_close(v.f);
    saint_sites_close(v.sites);
    saint_rows_free(&v.rows);
    free(v.metric);
    free(v.attention);
    free(v.logits);
    return s;
}
