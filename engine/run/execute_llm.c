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
    saint_llm_forward *f;
    saint_rows rows;
    saint_kv *kv[SAINT_MAX_LAYERS];
    saint_digest key[SAINT_MAX_LAYERS];
    int first, length;       /* image window at the layer at hand */
    float *metric, *attention;
    float *logits;
    double layer_seconds;
} llm_state;

#define TRY(call)                              \
    do {                                       \
        saint_status s_ = (call);              \
        if (s_ != SAINT_OK) return s_;         \
    } while (0)

/* ---- sequence ------------------------------------------------------------------------------------------------ */

/* The image window is derived; the user's numbers and the published ones are taken where they are asked for, and every difference is named. */
static void set_window(llm_state *v, int n_prefix, int n_features)
{
    saint_run *r = v->r;
    const saint_plan *p = &r->t->plan;
    saint_notes *notes = &r->t->notes;
    int total = saint_rows_total(&v->rows);
    v->first = n_prefix;
    v->length = n_features;
    if (p->compat & 1u << SAINT_COMPAT_SYS_LENGTH_36) v->first = 36;
    if (p->compat & 1u << SAINT_COMPAT_IMAGE_LENGTH_COUNTS_CLS && n_features < r->m->info.grid_w * r->m->info.grid_h) v->length++;
    if (p->sys_length >= 0) v->first = p->sys_length;
    if (p->image_token_length >= 0) v->length = p->image_token_length;
    if (v->first != n_prefix) saint_note(notes, "saint_sys_length: using %d, but the picture starts at row %d", v->first, n_prefix);
    if (v->length != n_features)
        saint_note(notes, "saint_image_token_length: using %d, but %d picture tokens reach the LLM", v->length, n_features);
    if (v->first > total) v->first = total;
    if (v->first + v->length > total) {
        saint_note(notes, "the image window ends behind the prompt and is cut from %d to %d rows", v->length, total - v->first);
        v->length = total - v->first;
    }
    v->im->window_first = v->first;
    v->im->window_length = v->length;
}

static saint_status splice(llm_state *v, const float *features, int n, const int32_t *patch, const saint_text *text)
{
    saint_run *r = v->r;
    saint_rows *rows = &v->rows;
    int total = text->n_prefix + n + text->n_suffix;
    size_t d = (size_t)rows->dim;
    rows->cu[1] = total;
    for (int i = 0; i < total; i++) {
        bool picture = i >= text->n_prefix && i < text->n_prefix + n;
        rows->patch[i] = picture ? patch[i - text->n_prefix] : -1 - i;
        rows->pos[i] = i;
        rows->size[i] = 1;
    }
    TRY(saint_llm_embed(v->f, text->ids, text->n_prefix, rows->x, r->err));
    if (n) TRY(r->b->op->copy(r->b, rows->x + (size_t)text->n_prefix * d, features, (size_t)n * d * sizeof(float), r->err));
    TRY(saint_llm_embed(v->f, text->ids + text->n_prefix, text->n_suffix, rows->x + (size_t)(text->n_prefix + n) * d, r->err));
    return saint_run_tap(r, rows->x, total, rows->dim, "llm.embed", 0);
}

/* ---- checkpoints --------------------------------------------------------------------------------------------- */

static void checkpoint(llm_state *v, int layer)
{
    saint_run *r = v->r;
    size_t rows = (size_t)saint_rows_total(&v->rows), cells = (size_t)v->kv[layer]->cap * (size_t)v->kv[layer]->width;
    size_t bytes = rows * (size_t)v->rows.dim * 2 * sizeof(float) + 2 * cells * saint_compute_size(r->b) + sizeof(saint_history);
    if (bytes > saint_cache_budget(r->s->cache)) return;
    saint_snapshot *c = calloc(1, sizeof *c);
    if (!c) return;
    c->key = v->key[layer];
    c->bytes = bytes;
    c->seconds = v->layer_seconds;
    c->window_first = v->first;
    c->window_length = v->length;
    c->history = calloc(1, sizeof *c->history);
    bool ok = c->history && saint_rows_alloc(&c->rows, r->b, 1, (int)rows, v->rows.dim, NULL) == SAINT_OK &&
              saint_rows_copy(&c->rows, &v->rows, NULL) == SAINT_OK;
    if (ok && v->attention) {
        c->attention = malloc(rows * sizeof *c->attention);
        ok = c->attention != NULL;
        if (ok) memcpy(c->attention, v->attention, rows * sizeof *c->attention);
    }
    if (!ok) {
        saint_snapshot_free(c);
        return;
    }
    c->kv = saint_kv_ref(v->kv[layer]);
    c->kv_len = v->kv[layer]->len;
    c->n_images = 1;
    saint_history_copy(&c->history[0], &v->im->history);
    saint_cache_put(r->s->cache, c);
}

/* Adopt the cached keys and values of layer i; decode appends behind them, so they must have room for this run's new tokens. */
static saint_status adopt_kv(llm_state *v, int i, const saint_snapshot *c, int room)
{
    saint_run *r = v->r;
    if (c->kv->cap >= c->kv_len + room) {
        v->kv[i] = saint_kv_ref(c->kv);
    } else {
        size_t bytes = (size_t)c->kv_len * (size_t)c->kv->width * saint_compute_size(r->b);
        TRY(saint_kv_new(&v->kv[i], r->b, c->kv_len + room, c->kv->width, r->err));
        TRY(r->b->op->copy(r->b, v->kv[i]->k, c->kv->k, bytes, r->err));
        TRY(r->b->op->copy(r->b, v->kv[i]->v, c->kv->v, bytes, r->err));
    }
    v->kv[i]->len = c->kv_len;
    return SAINT_OK;
}

/* The last layer that needs no work: its own checkpoint and the keys and values of all layers before it are there. */
static saint_status resume(llm_state *v, int room, int *layer)
{
    saint_run *r = v->r;
    int n = 0;
    while (n < r->m->llm.layers && saint_cache_find(r->s->cache, &v->key[n])) n++;
    *layer = n - 1;
    if (n == 0) return SAINT_OK;
    for (int i = 0; i < n; i++) TRY(adopt_kv(v, i, saint_cache_find(r->s->cache, &v->key[i]), room));
    const saint_snapshot *c = saint_cache_find(r->s->cache, &v->key[n - 1]);
    TRY(saint_rows_copy(&v->rows, &c->rows, r->err));
    if (c->attention) memcpy(v->attention, c->attention, (size_t)saint_rows_total(&v->rows) * sizeof *v->attention);
    saint_history vit = {0}; /* keep this run's own ViT part: what was reused there is known better now */
    saint_history_copy(&vit, &v->im->history);
    saint_history_clear(&v->im->history);
    saint_history_copy(&v->im->history, c->history);
    for (int i = 0; i < v->im->history.n_layers; i++)
        v->im->history.layer[i].reused = i >= vit.n_layers || vit.layer[i].reused;
    for (int i = 0; i < v->im->history.n_sites; i++) v->im->history.site_reused[i] = i >= vit.n_sites || vit.site_reused[i];
    saint_history_clear(&vit);
    v->length = c->window_length;
    v->layer_seconds = c->seconds;
    r->t->layers_reused += n;
    return SAINT_OK;
}

/* ---- prefill ------------------------------------------------------------------------------------------------- */

static saint_status block(llm_state *v, int layer, int room)
{
    saint_run *r = v->r;
    const saint_llm *l = &r->m->llm;
    int t = saint_rows_total(&v->rows);
    double begin = saint_now();
    TRY(saint_kv_new(&v->kv[layer], r->b, t + room, l->kv_heads * l->head_dim, r->err));
    TRY(saint_llm_block_run(v->f, layer, v->rows.x, t, v->rows.pos, v->kv[layer], false, v->attention, r->err));
    v->layer_seconds = saint_now() - begin;
    r->t->seconds.prefill += v->layer_seconds;
    TRY(saint_run_tap(r, v->rows.x, t, v->rows.dim, "llm.%d.out", layer));
    checkpoint(v, layer);
    return SAINT_OK;
}

/* Record layer, statistics, and its prune site. */
static saint_status behind_block(llm_state *v, int layer, bool reused)
{
    saint_run *r = v->r;
    const saint_llm *l = &r->m->llm;
    const saint_site *site = saint_plan_site(&r->t->plan, SAINT_STAGE_LLM, layer);
    saint_history *h = &v->im->history;
    int t = saint_rows_total(&v->rows), hd = l->head_dim;
    bool want_metric = v->length > 0 && (site || r->req->want_stats || (r->ob && r->ob->tap));
    saint_trace_layer record = {.stage = SAINT_STAGE_LLM, .layer = layer, .n_in = t, .image_in = v->length, .seconds = v->layer_seconds,
                                .flops = saint_cost_llm_layer(&r->m->info, t, 0), .reused = reused};
    double begin = saint_now();
    if (want_metric) TRY(saint_llm_metric(v->f, v->kv[layer], v->first, v->length, v->metric, r->err));
    if (site) r->t->seconds.selection += saint_now() - begin;
    if (want_metric && r->ob && r->ob->tap) {
        char name[48];
        snprintf(name, sizeof name, "llm.%d.metric", layer);
        r->ob->tap(r->ob->ud, name, v->metric, v->length, hd);
    }
    if (r->req->want_stats && v->length > 0) {
        const saint_method_params *p = &r->req->settings.llm[layer].p;
        record.has_stats = true;
        TRY(saint_layer_stats_of(v->metric, v->length, hd, p->sim_threshold, p->K, &record.stats, r->err));
    }
    if (site && v->length > 0) {
        saint_site_input in = {.site = site, .metric = v->metric, .attention = v->attention ? v->attention + v->first : NULL, .dim = hd,
                               .n_prefix = v->first, .window = v->length, .metric_is_window = true, .ascending = true};
        saint_history *one[1] = {h};
        TRY(saint_run_site(r, &in, &v->rows, one));
        v->length -= t - saint_rows_total(&v->rows);
        if (!saint_run_event(r, &(saint_event){.kind = SAINT_EVENT_SITE, .stage = SAINT_STAGE_LLM, .image = v->image, .layer = layer}))
            return saint_fail(r->err, SAINT_CANCELLED, "cancelled after LLM layer %d", layer);
    }
    record.n_out = saint_rows_total(&v->rows);
    h->layer[h->n_layers++] = record;
    return SAINT_OK;
}

static saint_status prefill(llm_state *v, const float *features, int n_features, const int32_t *patch, const saint_text *text, int room)
{
    saint_run *r = v->r;
    int layers = r->m->llm.layers, done;
    TRY(splice(v, features, n_features, patch, text));
    TRY(resume(v, room, &done));
    for (int i = done < 0 ? 0 : done; i < layers; i++) {
        if (saint_run_stopped(r)) return saint_fail(r->err, SAINT_CANCELLED, "cancelled in LLM layer %d", i);
        if (i != done) TRY(block(v, i, room));
        TRY(behind_block(v, i, i == done));
        r->t->layers_run += i != done;
        saint_event e = {.kind = SAINT_EVENT_LAYER, .stage = SAINT_STAGE_LLM, .image = v->image, .layer = i, .done = i + 1, .total = layers};
        if (!saint_run_event(r, &e)) return saint_fail(r->err, SAINT_CANCELLED, "cancelled after LLM layer %d", i);
    }
    double begin = saint_now();
    TRY(saint_llm_logits(v->f, v->rows.x + (size_t)(saint_rows_total(&v->rows) - 1) * (size_t)v->rows.dim, v->logits, r->err));
    r->t->seconds.prefill += saint_now() - begin;
    return saint_run_tap(r, v->logits, 1, r->m->llm.vocab, "llm.logits", 0);
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
    saint_run *r = v->r;
    const saint_llm *l = &r->m->llm;
    int32_t id = token;
    bool late = (r->t->plan.compat & 1u << SAINT_COMPAT_DECODE_POSITION_PLUS_ONE) && (r->t->mode & SAINT_MODE_LLM);
    TRY(saint_llm_embed(v->f, &id, 1, v->rows.x, r->err));
    for (int i = 0; i < l->layers; i++) {
        int32_t pos = position + (late && i > 0 ? 1 : 0);
        if (saint_run_stopped(r)) return saint_fail(r->err, SAINT_CANCELLED, "cancelled while decoding");
        v->im->flops_decode += saint_cost_llm_layer(&r->m->info, 1, v->kv[i]->len);
        TRY(saint_llm_block_run(v->f, i, v->rows.x, 1, &pos, v->kv[i], true, NULL, r->err));
    }
    TRY(saint_llm_logits(v->f, v->rows.x, v->logits, r->err));
    v->im->flops_decode += saint_cost_llm_head(&r->m->info);
    return saint_run_tap(r, v->logits, 1, l->vocab, "llm.logits.step%d", step);
}

static saint_status decode(llm_state *v, int prompt_rows)
{
    saint_run *r = v->r;
    const saint_llm *l = &r->m->llm;
    saint_trace_image *im = v->im;
    double begin = saint_now();
    saint_status s = SAINT_OK;
    im->stop = "length";
    for (int step = 0; step < r->req->max_new_tokens && s == SAINT_OK; step++) {
        int token = argmax(v->logits, l->vocab);
        if (!r->req->ignore_eos && is_eos(l, token)) {
            im->stop = "eos";
            break;
        }
        im->ids[im->n_ids++] = token;
        saint_event e = {.kind = SAINT_EVENT_TOKEN, .stage = SAINT_STAGE_LLM, .image = v->image, .token = token, .done = step + 1,
                         .total = r->req->max_new_tokens};
        if (!saint_run_event(r, &e)) s = saint_fail(r->err, SAINT_CANCELLED, "cancelled while decoding");
        if (s == SAINT_OK && step + 1 < r->req->max_new_tokens) s = decode_step(v, token, prompt_rows + step, step + 1);
    }
    r->t->seconds.decode += saint_now() - begin;
    return s;
}

/* ---- all of it ----------------------------------------------------------------------------------------------- */

static saint_status prepare(llm_state *v, int rows)
{
    saint_run *r = v->r;
    const saint_llm *l = &r->m->llm;
    bool attention = false;
    for (int i = 0; i < r->t->plan.n_sites; i++) {
        const saint_site *site = &r->t->plan.site[i];
        attention |= site->stage == SAINT_STAGE_LLM && saint_method_at(site->method)->reads_attention;
    }
    TRY(saint_rows_alloc(&v->rows, r->b, 1, rows, l->dim, r->err));
    TRY(saint_llm_open(&v->f, r->b, r->m, rows, r->err));
    v->metric = malloc((size_t)(rows + 1) * (size_t)l->head_dim * sizeof *v->metric);
    if (attention) v->attention = malloc((size_t)rows * sizeof *v->attention);
    v->logits = malloc((size_t)l->vocab * sizeof *v->logits);
    v->im->logits = malloc((size_t)l->vocab * sizeof *v->im->logits);
    v->im->ids = malloc((size_t)(r->req->max_new_tokens + 1) * sizeof *v->im->ids);
    if (!v->metric || (attention && !v->attention) || !v->logits || !v->im->logits || !v->im->ids)
        return saint_fail(r->err, SAINT_MEMORY, "no memory for a prompt of %d rows", rows);
    return SAINT_OK;
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

saint_status saint_run_llm(saint_run *r, int image, const float *features, int n_features, const int32_t *patch, const saint_text *text,
                           const saint_digest *features_key)
{
    llm_state v = {.r = r, .im = &r->t->image[image], .image = image};
    int rows = text->n_prefix + n_features + text->n_suffix, room = r->req->max_new_tokens;
    v.im->n_prefix = text->n_prefix;
    v.im->n_suffix = text->n_suffix;
    v.im->llm_in = rows;
    if (rows < 1) return saint_fail(r->err, SAINT_INVALID, "the prompt is empty");
    if (rows + room > r->m->llm.max_positions)
        saint_note(&r->t->notes, "%d prompt rows and %d new tokens exceed the %d positions this model was trained for", rows, room, r->m->llm.max_positions);
    saint_status s = prepare(&v, rows);
    if (s == SAINT_OK) {
        v.rows.cu[1] = rows;
        set_window(&v, text->n_prefix, n_features);
        if (!n_features) v.length = 0;
        saint_keys_llm(r->s, &r->t->plan, saint_key_llm(features_key, image, text, v.first, v.length), v.key);
        memcpy(r->s->llm_key, v.key, sizeof v.key);
        r->s->n_llm_keys = r->m->llm.layers;
        s = prefill(&v, features, n_features, patch, text, room);
    }
    if (s == SAINT_OK) {
        memcpy(v.im->logits, v.logits, (size_t)r->m->llm.vocab * sizeof *v.logits);
        v.im->n_logits = r->m->llm.vocab;
        if (room > 0) s = decode(&v, rows);
    }
    if (s == SAINT_OK) account(&v);
    if (s == SAINT_OK && room > 0 && r->m->tokenizer)
        s = saint_tokenizer_decode(r->m->tokenizer, v.im->ids, (size_t)v.im->n_ids, SAINT_TOK_SKIP_SPECIAL, &v.im->answer, r->err);
    if (s == SAINT_OK && v.im->answer) trimmed(v.im->answer);
    for (int i = 0; i < r->m->llm.layers; i++) saint_kv_unref(v.kv[i]);
    saint_llm_close(v.f);
    saint_rows_free(&v.rows);
    free(v.metric);
    free(v.attention);
    free(v.logits);
    return s;
}
