/* score_mmbench.c - MMBench (evaluation.md 1.7): a question counts when every one of its circular rows is right. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/score_internal.h"

typedef struct {
    bool whole, right, used;
    size_t sample; /* the row that speaks for the group: the one below 1000000, else the first */
} group;

/* Groups are clusters: all rows with the same index % 1000000. */
static saint_status find_groups(const saint_dataset *d, const saint_verdict *v, group **out, saint_error *err)
{
    group *g = *out = calloc(d->clusters.n + 1, sizeof *g);
    if (!g) return saint_no_memory(err, d->path);
    for (size_t i = 0; i < d->n; i++) {
        group *q = &g[d->record[i].cluster];
        if (!q->used) *q = (group){.whole = true, .right = true, .used = true, .sample = i};
        if (strcmp(d->uids.name[i], d->clusters.name[d->record[i].cluster]) == 0) q->sample = i;
        q->whole = q->whole && v[i].answered;
        q->right = q->right && v[i].answered && v[i].score == 1;
    }
    return SAINT_OK;
}

static saint_status add_circular(const saint_dataset *d, const group *g, const uint32_t *label, int64_t which, const char *name,
                                 saint_slice *slice, saint_error *err)
{
    double *x = malloc((d->clusters.n + 1) * sizeof *x);
    size_t n = 0;
    bool partial = false;
    if (!x) return saint_no_memory(err, d->path);
    for (size_t c = 0; c < d->clusters.n; c++) {
        if (!g[c].used || (label && label[c] != (uint32_t)which)) continue;
        if (g[c].whole) x[n++] = g[c].right;
        else partial = true;
    }
    saint_interval r;
    saint_status s = saint_stats_mean(x, NULL, n, 1, &r, err);
    if (s == SAINT_OK) saint_slice_add(slice, name, r)->partial = partial;
    free(x);
    return s;
}

/* Slices over the values of a label of the groups. */
static saint_status add_slices(const saint_dataset *d, const group *g, const uint32_t *label, const saint_texts *names, const char *kind,
                               saint_score *out, saint_error *err)
{
    saint_status s = SAINT_OK;
    for (size_t c = 0; c < names->n && s == SAINT_OK; c++) {
        if (!names->name[c][0]) continue;
        saint_slice *slice = saint_score_slice(out, names->name[c], kind);
        s = slice ? add_circular(d, g, label, (int64_t)c, "circular", slice, err) : saint_no_memory(err, d->path);
    }
    return s;
}

/* The l2-category of every group; their names stay with the data set, whose meta holds them. */
static saint_status l2_of(const saint_dataset *d, const group *g, saint_texts *names, uint32_t *label, saint_error *err)
{
    saint_status s = SAINT_OK;
    for (size_t c = 0; c < d->clusters.n && s == SAINT_OK; c++) {
        saint_sample item;
        s = saint_dataset_item(d, g[c].sample, &item, err);
        if (s != SAINT_OK) break;
        const char *l2 = saint_sample_meta(&item, "l2-category");
        if (!saint_texts_add(names, l2 ? l2 : "", &label[c])) s = saint_no_memory(err, d->path);
        saint_sample_free(&item);
    }
    return s;
}

/* A name that lives as long as the data set. */
static const char *lasting(const saint_dataset *d, const group *g, const uint32_t *label, size_t which)
{
    for (size_t c = 0; c < d->clusters.n; c++) {
        saint_sample item;
        if (label[c] != which || saint_dataset_item(d, g[c].sample, &item, NULL) != SAINT_OK) continue;
        const char *l2 = saint_sample_meta(&item, "l2-category");
        saint_sample_free(&item);
        return l2 ? l2 : "";
    }
    return "";
}

saint_status saint_score_mmbench(const saint_dataset *d, const saint_verdict *v, saint_score *out, saint_error *err)
{
    group *g = NULL;
    saint_texts l2 = {0};
    saint_interval vanilla;
    uint32_t *label = calloc(d->clusters.n + 1, sizeof *label);
    saint_status s = label ? find_groups(d, v, &g, err) : saint_no_memory(err, d->path);
    if (s == SAINT_OK) s = saint_score_mean(d, v, -1, false, &vanilla, err);
    if (s == SAINT_OK) s = add_circular(d, g, NULL, 0, "accuracy", &out->all, err);
    if (s == SAINT_OK) s = add_circular(d, g, NULL, 0, "circular", &out->all, err);
    if (s == SAINT_OK) saint_slice_add(&out->all, "vanilla", vanilla)->partial = out->n < out->n_total;
    for (size_t c = 0; c < d->clusters.n && s == SAINT_OK; c++) label[c] = d->record[g[c].sample].category;
    if (s == SAINT_OK) s = add_slices(d, g, label, &d->categories, "categories", out, err);
    for (size_t i = 0; i < out->n_slices && s == SAINT_OK; i++) {
        uint32_t c;
        if (!saint_texts_find(&d->categories, out->slice[i].name, &c)) continue;
        s = saint_score_mean(d, v, (int64_t)c, false, &vanilla, err);
        if (s == SAINT_OK) saint_slice_add(&out->slice[i], "vanilla", vanilla);
    }
    if (s == SAINT_OK) s = l2_of(d, g, &l2, label, err);
    size_t before = out->n_slices;
    if (s == SAINT_OK) s = add_slices(d, g, label, &l2, "l2_categories", out, err);
    for (size_t i = before; i < out->n_slices && s == SAINT_OK; i++) {
        uint32_t c;
        if (saint_texts_find(&l2, out->slice[i].name, &c)) out->slice[i].name = lasting(d, g, label, c);
    }
    if (s == SAINT_OK && out->parsed_other)
        out->warning[out->n_warnings++] =
            "answers without a letter or an option's text count as wrong: there is no judge here to guess what they mean";
    saint_texts_free(&l2);
    free(label);
    free(g);
    return s;
}
