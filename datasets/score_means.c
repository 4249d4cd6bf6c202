/* score_means.c - scores that are means over samples: overall and per category. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/score_internal.h"

enum { CATEGORIES_MAX = 1000 }; /* a manifest may put every sample into one of its own */

static saint_status mean_of(const saint_dataset *d, const saint_verdict *v,
                            bool (*in)(const saint_dataset *, const saint_verdict *, size_t, int64_t), int64_t which, bool five,
                            saint_interval *out, saint_error *err)
{
    double *x = malloc((d->n ? d->n : 1) * sizeof *x);
    uint32_t *cluster = malloc((d->n ? d->n : 1) * sizeof *cluster);
    saint_status s = x && cluster ? SAINT_OK : saint_no_memory(err, d->path);
    size_t n = 0;
    for (size_t i = 0; i < d->n && s == SAINT_OK; i++) {
        if (!v[i].answered || !in(d, v, i, which) || (five && isnan(v[i].score5))) continue;
        x[n] = five ? v[i].score5 : v[i].score;
        cluster[n++] = d->record[i].cluster;
    }
    if (s == SAINT_OK) s = saint_stats_mean(x, cluster, n, 1, out, err);
    free(x);
    free(cluster);
    return s;
}

static bool in_category(const saint_dataset *d, const saint_verdict *v, size_t i, int64_t category)
{
    (void)v;
    return category < 0 || d->record[i].category == (uint32_t)category;
}

saint_status saint_score_mean(const saint_dataset *d, const saint_verdict *v, int64_t category, bool five, saint_interval *out,
                              saint_error *err)
{
    return mean_of(d, v, in_category, category, five, out, err);
}

/* Samples of the categories in order, so that each mean sees its own samples only. */
static saint_status categories(const saint_dataset *d, const saint_verdict *v, saint_score *out, saint_error *err)
{
    size_t n = d->categories.n;
    size_t *first = calloc(n + 1, sizeof *first), *at = calloc(n + 1, sizeof *at), total = 0;
    double *x = malloc(d->n * sizeof *x);
    uint32_t *cluster = malloc(d->n * sizeof *cluster);
    saint_status s = first && at && x && cluster ? SAINT_OK : saint_no_memory(err, d->path);
    for (size_t i = 0; i < d->n && s == SAINT_OK; i++)
        if (v[i].answered) first[d->record[i].category + 1]++;
    for (size_t c = 0; c < n && s == SAINT_OK; c++) {
        first[c + 1] += first[c];
        at[c] = first[c];
    }
    for (size_t i = 0; i < d->n && s == SAINT_OK; i++) {
        if (!v[i].answered) continue;
        size_t place = at[d->record[i].category]++;
        x[place] = v[i].score;
        cluster[place] = d->record[i].cluster;
        total++;
    }
    for (size_t c = 0; c < n && s == SAINT_OK && total; c++) {
        saint_interval r;
        saint_slice *slice;
        if (!d->categories.name[c][0]) continue;
        s = saint_stats_mean(x + first[c], cluster + first[c], first[c + 1] - first[c], 1, &r, err);
        if (s == SAINT_OK && !(slice = saint_score_slice(out, d->categories.name[c], "categories"))) s = saint_no_memory(err, d->path);
        if (s == SAINT_OK) saint_slice_add(slice, "accuracy", r);
    }
    free(first);
    free(at);
    free(x);
    free(cluster);
    return s;
}

static bool of_type(const saint_dataset *d, const saint_verdict *v, size_t i, int64_t which)
{
    (void)v;
    saint_sample s;
    if (saint_dataset_item(d, i, &s, NULL) != SAINT_OK) return false;
    const char *type = saint_sample_meta(&s, "data_type");
    bool yes = type && strcmp(type, which ? "video" : "image") == 0;
    saint_sample_free(&s);
    return yes;
}

static saint_status seed_metrics(const saint_dataset *d, const saint_verdict *v, saint_score *out, saint_interval all, saint_error *err)
{
    saint_interval image, video;
    saint_status s = mean_of(d, v, of_type, 0, false, &image, err);
    if (s == SAINT_OK) s = mean_of(d, v, of_type, 1, false, &video, err);
    if (s != SAINT_OK) return s;
    if (image.n) saint_slice_add(&out->all, "seed_image", image);
    if (video.n) saint_slice_add(&out->all, "seed_video", video);
    saint_slice_add(&out->all, "seed_all", all);
    return s;
}

saint_status saint_score_means(const saint_dataset *d, const saint_verdict *v, saint_score *out, saint_error *err)
{
    saint_interval r;
    saint_status s = saint_score_mean(d, v, -1, false, &r, err);
    if (s != SAINT_OK) return s;
    bool classes = d->info.kind == SAINT_DATA_IMAGEFOLDER;
    saint_slice_add(&out->all, "accuracy", r)->partial = out->n < out->n_total;
    if (d->info.kind == SAINT_DATA_SEED) s = seed_metrics(d, v, out, r, err);
    if (classes) {
        saint_slice_add(&out->all, "top1", r)->partial = out->n < out->n_total;
        s = saint_score_mean(d, v, -1, true, &r, err);
        if (s == SAINT_OK) saint_slice_add(&out->all, "top5", r)->partial = out->n < out->n_total;
    }
    if (s != SAINT_OK || classes) return s;
    if (d->categories.n > CATEGORIES_MAX) {
        out->warning[out->n_warnings++] = "more than 1000 categories: only the whole is scored";
        return s;
    }
    return categories(d, v, out, err);
}
