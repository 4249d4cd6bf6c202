#include "run/trace.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/checkpoint.h"

saint_trace_site *saint_trace_site_new(int n_in, int n_keep, int n_merge)
{
    saint_trace_site *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    size_t in = (size_t)n_in + 1, keep = (size_t)n_keep + 1;
    s->refs = 1;
    s->n_in = n_in;
    s->n_keep = n_keep;
    s->n_merge = n_merge;
    s->in = calloc(in, sizeof *s->in);
    s->kept = calloc(keep, sizeof *s->kept);
    s->score = calloc(in, sizeof *s->score);
    s->neighbours = calloc(in, sizeof *s->neighbours);
    s->round = calloc(in, sizeof *s->round);
    s->merge = calloc((size_t)n_merge + 1, sizeof *s->merge);
    if (s->in && s->kept && s->score && s->neighbours && s->round && s->merge) return s;
    saint_trace_site_unref(s);
    return NULL;
}

/* Sites are shared by traces that several threads may hold. */
void saint_trace_site_unref(saint_trace_site *s)
{
    if (!s || __atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL) > 0) return;
    free(s->in);
    free(s->kept);
    free(s->score);
    free(s->neighbours);
    free(s->round);
    free(s->merge);
    free(s);
}

void saint_history_clear(saint_history *h)
{
    for (int i = 0; i < h->n_sites; i++) saint_trace_site_unref(h->site[i]);
    memset(h, 0, sizeof *h);
}

void saint_history_copy(saint_history *dst, const saint_history *src)
{
    *dst = *src;
    for (int i = 0; i < dst->n_sites; i++) __atomic_add_fetch(&dst->site[i]->refs, 1, __ATOMIC_RELAXED);
}

void saint_history_add(saint_history *h, saint_trace_site *s, bool reused)
{
    __atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED);
    h->site_reused[h->n_sites] = reused;
    h->site[h->n_sites++] = s;
}

saint_trace *saint_trace_new(int n_images)
{
    saint_trace *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->refs = 1;
    t->n_images = n_images;
    t->image = calloc((size_t)(n_images > 0 ? n_images : 1), sizeof *t->image);
    if (!t->image) {
        free(t);
        return NULL;
    }
    for (int i = 0; i < n_images; i++) t->image[i].stop = "";
    return t;
}

saint_trace *saint_trace_ref(saint_trace *t)
{
    __atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
    return t;
}

void saint_trace_unref(saint_trace *t)
{
    if (!t || __atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) > 0) return;
    for (int i = 0; i < t->n_images; i++) {
        saint_history_clear(&t->image[i].history);
        free(t->image[i].logits);
        free(t->image[i].ids);
        free(t->image[i].answer);
    }
    free(t->image);
    free(t);
}

/* ---- file -------------------------------------------------------------------------------------------------- */

typedef struct {
    saint_tensor *t;
    char (*name)[64];
    int n, cap;
} tensor_list;

static void add(tensor_list *l, saint_dtype type, int64_t count, const void *data, const char *fmt, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 5, 6)))
#endif
    ;
static void add(tensor_list *l, saint_dtype type, int64_t count, const void *data, const char *fmt, ...)
{
    va_list ap;
    if (l->n == l->cap) return;
    va_start(ap, fmt);
    (void)vsnprintf(l->name[l->n], sizeof l->name[0], fmt, ap);
    va_end(ap);
    l->t[l->n] = (saint_tensor){
        .name = l->name[l->n], .type = type, .rank = 1, .shape = {count}, .data = data, .bytes = (size_t)count * saint_dtype_size(type)};
    l->n++;
}

enum { STATS_PER_LAYER = 6 };

static void add_image(tensor_list *l, int i, const saint_trace_image *im, float *stats)
{
    for (int k = 0; k < im->history.n_sites; k++) {
        const saint_trace_site *s = im->history.site[k];
        const char *stage = s->stage == SAINT_STAGE_VIT ? "vit" : "llm";
        add(l, SAINT_I32, s->n_in, s->in, "image.%d.%s.%d.in", i, stage, s->layer);
        add(l, SAINT_I32, s->n_keep, s->kept, "image.%d.%s.%d.kept", i, stage, s->layer);
        add(l, SAINT_F32, s->n_in, s->score, "image.%d.%s.%d.score", i, stage, s->layer);
        add(l, SAINT_I32, s->n_in, s->neighbours, "image.%d.%s.%d.neighbours", i, stage, s->layer);
        add(l, SAINT_I16, s->n_in, s->round, "image.%d.%s.%d.round", i, stage, s->layer);
        add(l, SAINT_F32, 1, &s->margin, "image.%d.%s.%d.margin", i, stage, s->layer);
    }
    for (int k = 0; k < im->history.n_layers; k++) {
        const saint_trace_layer *y = &im->history.layer[k];
        if (!y->has_stats) continue;
        float *v = stats + STATS_PER_LAYER * k;
        v[0] = y->stats.mean_cosine;
        v[1] = y->stats.share_above;
        v[2] = y->stats.share_degree_k;
        v[3] = y->stats.mean_degree;
        v[4] = y->stats.effective_rank;
        v[5] = (float)y->stats.n;
        /* mean cosine, share of edges above the threshold, share of tokens with K neighbours, mean degree, effective rank, tokens */
        add(l, SAINT_F32, STATS_PER_LAYER, v, "image.%d.%s.%d.stats", i, y->stage == SAINT_STAGE_VIT ? "vit" : "llm", y->layer);
    }
    if (im->logits) add(l, SAINT_F32, im->n_logits, im->logits, "image.%d.logits", i);
    if (im->ids) add(l, SAINT_I32, im->n_ids, im->ids, "image.%d.answer_ids", i);
}

saint_status saint_trace_save(const saint_trace *t, const char *path, saint_error *err)
{
    size_t cap = 2;
    for (int i = 0; i < t->n_images; i++) cap += (size_t)(6 * t->image[i].history.n_sites + t->image[i].history.n_layers + 2);
    size_t layers = (size_t)t->n_images * 2 * SAINT_MAX_LAYERS;
    tensor_list l = {.cap = (int)cap};
    l.t = calloc(cap, sizeof *l.t);
    l.name = calloc(cap, sizeof *l.name);
    float *stats = calloc(layers * STATS_PER_LAYER + 1, sizeof *stats);
    saint_status s = l.t && l.name && stats ? SAINT_OK : saint_fail(err, SAINT_MEMORY, "no memory for a trace of %d pictures", t->n_images);
    if (s == SAINT_OK) {
        for (int i = 0; i < t->n_images; i++) add_image(&l, i, &t->image[i], stats + (size_t)i * 2 * SAINT_MAX_LAYERS * STATS_PER_LAYER);
        const char *meta[] = {"format", "saint-trace-1", "mode", saint_mode_name(t->mode), "dtype", t->dtype, "device", t->device, NULL};
        s = saint_safetensors_write(path, l.t, l.n, meta, err);
    }
    free(l.t);
    free(l.name);
    free(stats);
    return s;
}
