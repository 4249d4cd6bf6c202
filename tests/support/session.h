/* session.h - tiny models for tests of runs, and equality of traces to the last bit. */
#ifndef SAINT_TESTS_SUPPORT_SESSION_H
#define SAINT_TESTS_SUPPORT_SESSION_H

#include "engine.h"
#include "support/picture.h"
#include "support/random.h"

static inline saint_model *load_tiny(const char *folder)
{
    char path[512];
    saint_model *m;
    saint_model_options o = {.template_name = strncmp(folder, "llava", 5) == 0   ? "llava_hf"
                                              : strncmp(folder, "llama", 5) == 0 ? "plain"
                                                                                 : NULL};
    snprintf(path, sizeof path, "%s/%s", SAINT_FIXTURE_DIR, folder);
    assert_ok(saint_model_load(&m, path, &o, err));
    return m;
}

#ifndef SAINT_TEST_BACKEND
#define SAINT_TEST_BACKEND "cpu"
#endif

static inline saint_session *open_session_on(const char *backend, saint_engine *e, saint_model *m, size_t cache)
{
    saint_session *s;
    assert_ok(saint_session_open(&s, e, m, &(saint_session_options){.dtype = SAINT_F32, .checkpoint_bytes = cache, .backend = backend}, err));
    return s;
}

static inline saint_session *open_session(saint_engine *e, saint_model *m, size_t cache)
{
    return open_session_on(SAINT_TEST_BACKEND, e, m, cache);
}

static inline void set_param(saint_settings *s, const char *assignment) { assert_ok(saint_settings_assign(s, assignment, err)); }

static inline void set_params(saint_settings *s, ...)
{
    va_list ap;
    va_start(ap, s);
    for (const char *a = va_arg(ap, const char *); a; a = va_arg(ap, const char *)) set_param(s, a);
    va_end(ap);
}

/* memcmp, because NaN marks what was not ranked. */
#define assert_same_bits(a, b, count, what)                                                                                                \
    do {                                                                                                                                   \
        if ((count) > 0 && memcmp((a), (b), (size_t)(count) * sizeof *(a)) != 0) fail_msg("%s differ", what);                              \
    } while (0)

static inline void assert_same_site(const saint_trace_site *a, const saint_trace_site *b)
{
    char what[64];
    snprintf(what, sizeof what, "%s %d %s:", a->stage == SAINT_STAGE_VIT ? "ViT" : "LLM", a->layer, a->method->name);
    if (a->stage != b->stage || a->layer != b->layer || a->method != b->method) fail_msg("%s another site", what);
    if (a->n_in != b->n_in || a->n_keep != b->n_keep || a->image_in != b->image_in || a->text_dropped != b->text_dropped ||
        a->n_rounds != b->n_rounds || a->n_merge != b->n_merge)
        fail_msg("%s counts: in %d %d, kept %d %d", what, a->n_in, b->n_in, a->n_keep, b->n_keep);
    assert_same_bits(&a->margin, &b->margin, 1, what);
    assert_same_bits(a->in, b->in, a->n_in, what);
    assert_same_bits(a->kept, b->kept, a->n_keep, what);
    assert_same_bits(a->score, b->score, a->n_in, what);
    assert_same_bits(a->neighbours, b->neighbours, a->n_in, what);
    assert_same_bits(a->round, b->round, a->n_in, what);
    assert_same_bits(a->merge, b->merge, a->n_merge, what);
}

static inline void assert_same_layer(const saint_trace_layer *a, const saint_trace_layer *b)
{
    if (a->stage != b->stage || a->layer != b->layer || a->n_in != b->n_in || a->n_out != b->n_out || a->image_in != b->image_in ||
        a->flops != b->flops)
        fail_msg("stage %d layer %d differs: rows %d %d -> %d %d, picture %d %d", a->stage, a->layer, a->n_in, b->n_in, a->n_out, b->n_out,
                 a->image_in, b->image_in);
    if (a->has_stats != b->has_stats) fail_msg("stage %d layer %d: statistics %d %d", a->stage, a->layer, a->has_stats, b->has_stats);
    if (!a->has_stats) return;
    if (a->stats_threshold != b->stats_threshold || a->stats_K != b->stats_K || a->stats.n != b->stats.n ||
        a->stats.zero_rows != b->stats.zero_rows)
        fail_msg("stage %d layer %d: other statistics", a->stage, a->layer);
    if (memcmp(&a->stats, &b->stats, sizeof a->stats) != 0)
        fail_msg("stage %d layer %d (reused %d): statistics of %d rows from %d differ: cosine %g %g, above %g %g, with K %g %g, degree %g "
                 "%g, rank %g %g",
                 a->stage, a->layer, a->reused, a->stats.n, a->stats_first, (double)a->stats.mean_cosine, (double)b->stats.mean_cosine,
                 (double)a->stats.share_above, (double)b->stats.share_above, (double)a->stats.share_degree_k,
                 (double)b->stats.share_degree_k, (double)a->stats.mean_degree, (double)b->stats.mean_degree,
                 (double)a->stats.effective_rank, (double)b->stats.effective_rank);
}

static inline void assert_same_image(const saint_trace_image *a, const saint_trace_image *b)
{
    assert_int_equal(a->history.n_sites, b->history.n_sites);
    for (int i = 0; i < a->history.n_sites; i++) assert_same_site(a->history.site[i], b->history.site[i]);
    assert_int_equal(a->history.n_layers, b->history.n_layers);
    for (int i = 0; i < a->history.n_layers; i++) assert_same_layer(&a->history.layer[i], &b->history.layer[i]);
    assert_int_equal(a->n_logits, b->n_logits);
    assert_same_bits(a->logits, b->logits, a->n_logits, "logits");
    assert_int_equal(a->n_ids, b->n_ids);
    assert_same_bits(a->ids, b->ids, a->n_ids, "answer ids");
    assert_string_equal(a->answer ? a->answer : "(none)", b->answer ? b->answer : "(none)");
    assert_string_equal(a->stop, b->stop);
    const int ints[][2] = {
        {a->vit_in, b->vit_in}, {a->vit_out, b->vit_out},           {a->n_prefix, b->n_prefix},          {a->n_suffix, b->n_suffix},
        {a->llm_in, b->llm_in}, {a->window_first, b->window_first}, {a->window_length, b->window_length}};
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++)
        if (ints[i][0] != ints[i][1]) fail_msg("count %zu of the picture: %d, %d", i, ints[i][0], ints[i][1]);
    assert_same_bits(&a->rect, &b->rect, 1, "view");
    if (a->flops_vit != b->flops_vit || a->flops_projector != b->flops_projector || a->flops_prefill != b->flops_prefill ||
        a->flops_decode != b->flops_decode || a->equivalent != b->equivalent || a->kv_bytes != b->kv_bytes)
        fail_msg("costs differ: ViT %g %g, projector %g %g, prefill %g %g, decode %g %g, equivalent %g %g, kv %zu %zu", a->flops_vit,
                 b->flops_vit, a->flops_projector, b->flops_projector, a->flops_prefill, b->flops_prefill, a->flops_decode, b->flops_decode,
                 a->equivalent, b->equivalent, a->kv_bytes, b->kv_bytes);
}

/* Everything but times, threads and what came from the cache. Notes in any order. */
static inline void assert_same_trace(const saint_trace *a, const saint_trace *b)
{
    assert_int_equal(a->n_images, b->n_images);
    for (int i = 0; i < a->n_images; i++) assert_same_image(&a->image[i], &b->image[i]);
    assert_int_equal(a->mode, b->mode);
    assert_memory_equal(&a->plan, &b->plan, sizeof a->plan);
    assert_int_equal(a->notes.n, b->notes.n);
    for (int i = 0; i < a->notes.n; i++) {
        int j = 0;
        while (j < b->notes.n && strcmp(a->notes.text[i], b->notes.text[j]) != 0) j++;
        if (j == b->notes.n) fail_msg("note \"%s\" is missing", a->notes.text[i]);
    }
}

static inline saint_trace *run_request(saint_session *s, const saint_request *q)
{
    saint_trace *t;
    assert_ok(saint_session_run(s, q, NULL, &t, err));
    return t;
}

#endif
