/* request.c - a request before anything runs: what is wrong with it, its token ids, its pixels. */
#include <stdlib.h>
#include <string.h>

#include "base/unicode.h"
#include "run/internal.h"

enum { MAX_IDS = 1 << 20, MAX_NEW_TOKENS = 1 << 20, MAX_ROWS = 1 << 24 };

static saint_status check_pictures(const saint_model_info *i, const saint_request *q, saint_error *err)
{
    int64_t each = (int64_t)i->grid_w * i->grid_h + i->vit_prefix;
    if (q->n_images < 0) return saint_fail(err, SAINT_INVALID, "a request with %d pictures", q->n_images);
    if (q->n_images == 0 && !i->llm_layers) return saint_fail(err, SAINT_INVALID, "%s is a vision model and needs a picture", i->name);
    if (q->n_images == 0) return SAINT_OK;
    if (!i->vit_layers) return saint_fail(err, SAINT_INVALID, "%s is a text-only model; leave the picture out", i->name);
    if (!q->images && !q->pixels) return saint_fail(err, SAINT_INVALID, "a request for %d pictures without pictures", q->n_images);
    if (q->n_images > MAX_ROWS / each)
        return saint_fail(err, SAINT_INVALID, "%d pictures at once: expected at most %lld of %lld rows each", q->n_images,
                          (long long)(MAX_ROWS / each), (long long)each);
    for (int k = 0; q->images && !q->pixels && k < q->n_images; k++)
        if (!q->images[k].rgb || q->images[k].w < 1 || q->images[k].h < 1)
            return saint_fail(err, SAINT_INVALID, "picture %d of %d is empty", k, q->n_images);
    return SAINT_OK;
}

static saint_status check_prompt(const saint_session *s, const saint_request *q, saint_error *err)
{
    int vocab = s->m->info.vocab;
    if (!q->ids) {
        if (!q->prompt) return saint_fail(err, SAINT_INVALID, "%s is a language model and needs a prompt", s->m->info.name);
        if (!s->m->tokenizer || !s->m->template)
            return saint_fail(err, SAINT_INVALID, "%s has no tokenizer; give token ids instead of a prompt", s->m->info.name);
        if (!saint_utf8_valid(q->prompt, strlen(q->prompt))) return saint_fail(err, SAINT_INVALID, "the prompt is not UTF-8");
        return SAINT_OK;
    }
    if (q->n_prefix < 0 || q->n_suffix < 0 || q->n_prefix > MAX_IDS || q->n_suffix > MAX_IDS)
        return saint_fail(err, SAINT_INVALID, "a prompt of %d and %d token ids: expected 0 to %d each", q->n_prefix, q->n_suffix,
                          (int)MAX_IDS);
    if (q->n_images == 0 && q->n_prefix + q->n_suffix == 0) return saint_fail(err, SAINT_INVALID, "the prompt is empty");
    for (int i = 0; i < q->n_prefix + q->n_suffix; i++)
        if (q->ids[i] < 0 || q->ids[i] >= vocab)
            return saint_fail(err, SAINT_INVALID, "token id %d at place %d: the vocabulary has ids 0 to %d", q->ids[i], i, vocab - 1);
    return SAINT_OK;
}

saint_status saint_request_check(const saint_session *s, const saint_request *q, saint_error *err)
{
    saint_status st = check_pictures(&s->m->info, q, err);
    if (st != SAINT_OK) return st;
    if (q->max_new_tokens < 0 || q->max_new_tokens > MAX_NEW_TOKENS)
        return saint_fail(err, SAINT_INVALID, "max_new_tokens %d: expected 0 to %d", q->max_new_tokens, (int)MAX_NEW_TOKENS);
    return s->m->llm.layers ? check_prompt(s, q, err) : SAINT_OK;
}

saint_status saint_request_text(const saint_session *s, const saint_request *q, saint_text *out, saint_error *err)
{
    *out = (saint_text){0};
    if (!s->m->llm.layers) return SAINT_OK;
    if (q->ids) {
        size_t n = (size_t)(q->n_prefix + q->n_suffix);
        out->ids = malloc((n + 1) * sizeof *out->ids);
        if (!out->ids) return saint_fail(err, SAINT_MEMORY, "no memory for a prompt");
        memcpy(out->ids, q->ids, n * sizeof *out->ids);
        out->n_prefix = q->n_prefix;
        out->n_suffix = q->n_suffix;
        return SAINT_OK;
    }
    saint_prompt p = {0};
    saint_status st = saint_prompt_build(s->m->template, s->m->tokenizer, q->prompt, q->n_images > 0, &p, err);
    *out = (saint_text){p.ids, p.n_prefix, p.n_suffix};
    return st;
}

saint_digest saint_request_picture(const saint_session *s, const saint_request *q, const float *pixels)
{
    return q->has_picture_key && q->pixels ? q->picture_key : saint_key_pixels(s, pixels, q->n_images);
}

/* ---- pixels --------------------------------------------------------------------------------------------------- */

typedef struct {
    const saint_preproc *preproc;
    const saint_image *image;
    float *pixels;
    size_t each;
    saint_view_rect *rect;
    saint_status *status;
    saint_error *error;
} preprocess_job;

static void preprocess_one(void *ctx, int i, int worker)
{
    preprocess_job *j = ctx;
    (void)worker;
    j->status[i] = saint_preprocess(j->preproc, &j->image[i], j->pixels + (size_t)i * j->each, j->rect ? &j->rect[i] : NULL, &j->error[i]);
}

saint_status saint_request_pixels(const saint_session *s, const saint_request *q, saint_pool *pool, saint_view_rect *rect,
                                  const float **pixels, float **owned, saint_error *err)
{
    int side = s->m->vit.side;
    size_t n = (size_t)q->n_images, each = 3 * (size_t)side * (size_t)side;
    *owned = NULL;
    *pixels = q->pixels;
    if (q->pixels) {
        for (size_t i = 0; rect && i < n; i++) rect[i] = (saint_view_rect){0, 0, side, side};
        return SAINT_OK;
    }
    preprocess_job j = {.preproc = &s->m->preproc, .image = q->images, .each = each, .rect = rect};
    *owned = j.pixels = malloc(n * each * sizeof *j.pixels);
    j.status = calloc(n, sizeof *j.status);
    j.error = calloc(n, sizeof *j.error);
    saint_status st = j.pixels && j.status && j.error ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for %zu pictures", n);
    if (st == SAINT_OK && pool) saint_pool_run(pool, q->n_images, preprocess_one, &j);
    for (int i = 0; st == SAINT_OK && !pool && i < q->n_images; i++) preprocess_one(&j, i, 0);
    for (size_t i = 0; i < n && st == SAINT_OK; i++)
        if (j.status[i] != SAINT_OK) st = saint_fail(err, j.status[i], "%s", j.error[i].text);
    free(j.status);
    free(j.error);
    *pixels = j.pixels;
    return st;
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
saint_status saint_run_answer_text(saint_run *r, saint_trace_image *im)
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
