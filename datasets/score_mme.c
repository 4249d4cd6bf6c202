/* score_mme.c - MME (evaluation.md 1.1): per picture acc = 50 (s1 + s2) and acc+ = 100 when both are right; a category's score is the mean
 * over its pictures of acc + acc+; perception and cognition are sums over their categories. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/score_internal.h"

static const char *const perception[] = {"existence", "count", "position", "color",   "posters",
                                         "celebrity", "scene", "landmark", "artwork", "OCR"};
static const char *const cognition[] = {"commonsense_reasoning", "numerical_calculation", "text_translation", "code_reasoning"};
enum { PERCEPTION = 10, COGNITION = 4 };

typedef struct {
    uint32_t category;
    uint8_t asked, answered;
    double right;
} picture;

typedef struct {
    picture *picture; /* by cluster */
    size_t *member;   /* complete pictures, grouped by category */
    size_t *first;    /* [categories + 1] into member */
    size_t asked;     /* pictures in all */
} pairs;

static void pairs_free(pairs *p)
{
    free(p->picture);
    free(p->member);
    free(p->first);
}

static bool complete(const picture *p) { return p->asked == 2 && p->answered == 2; }

static saint_status find_pairs(const saint_dataset *d, const saint_verdict *v, pairs *p, saint_error *err)
{
    size_t n = d->clusters.n, n_categories = d->categories.n;
    *p = (pairs){.picture = calloc(n + 1, sizeof *p->picture),
                 .member = calloc(n + 1, sizeof *p->member),
                 .first = calloc(n_categories + 2, sizeof *p->first)};
    if (!p->picture || !p->member || !p->first) return saint_no_memory(err, d->path);
    for (size_t i = 0; i < d->n; i++) {
        picture *q = &p->picture[d->record[i].cluster];
        q->category = d->record[i].category;
        if (q->asked < 255) q->asked++;
        if (!v[i].answered) continue;
        if (q->answered < 255) q->answered++;
        q->right += v[i].score;
    }
    for (size_t c = 0; c < n; c++)
        if (complete(&p->picture[c])) p->first[p->picture[c].category + 2]++;
    for (size_t c = 0; c < n_categories; c++) p->first[c + 2] += p->first[c + 1];
    for (size_t c = 0; c < n; c++)
        if (complete(&p->picture[c])) p->member[p->first[p->picture[c].category + 1]++] = c;
    p->asked = n;
    return SAINT_OK;
}

static double points(const picture *p) { return 50 * p->right + (p->right == 2 ? 100 : 0); }

static bool pictures_missing(const pairs *p, uint32_t category)
{
    for (size_t c = 0; c < p->asked; c++)
        if (p->picture[c].category == category && !complete(&p->picture[c])) return true;
    return false;
}

/* A category over its complete pictures. */
static saint_status category_slice(const saint_dataset *d, const pairs *p, uint32_t category, saint_score *out, saint_error *err)
{
    size_t from = p->first[category], n = p->first[category + 1] - from;
    double *x = malloc((3 * n + 1) * sizeof *x);
    saint_slice *slice = saint_score_slice(out, d->categories.name[category], "categories");
    saint_status s = x && slice ? SAINT_OK : saint_no_memory(err, d->path);
    if (s != SAINT_OK) {
        free(x);
        return s;
    }
    for (size_t i = 0; i < n; i++) {
        const picture *q = &p->picture[p->member[from + i]];
        x[i] = points(q);
        x[n + i] = 50 * q->right;
        x[2 * n + i] = q->right == 2 ? 100 : 0;
    }
    static const char *const name[] = {"score", "acc", "accplus"};
    bool partial = pictures_missing(p, category);
    for (int k = 0; k < 3 && s == SAINT_OK; k++) {
        saint_interval r;
        s = saint_stats_mean(x + (size_t)k * n, NULL, n, k ? 100 : 200, &r, err);
        if (s != SAINT_OK) break;
        if (k < 2) r.n *= 2; /* questions; of acc+ it is the pictures that are right or wrong */
        saint_slice_add(slice, name[k], r)->partial = partial;
    }
    free(x);
    return s;
}

static void sum_of_means(const double *total, const size_t *rows, size_t strata, size_t columns, double *out)
{
    (void)columns;
    *out = 0;
    for (size_t s = 0; s < strata; s++) *out += total[s] / (double)rows[s];
}

/* Sum of the scores of some categories, pictures resampled within each. */
static saint_status total(const saint_dataset *d, const pairs *p, const char *const *names, size_t n_names, const char *metric,
                          saint_score *out, saint_error *err)
{
    size_t *first = calloc(n_names + 1, sizeof *first), strata = 0, rows = 0, used = 0;
    double *x = malloc((p->asked + 1) * sizeof *x);
    saint_status s = first && x ? SAINT_OK : saint_no_memory(err, d->path);
    bool partial = false;
    for (size_t k = 0; k < n_names && s == SAINT_OK; k++) {
        uint32_t c;
        if (!saint_texts_find(&d->categories, names[k], &c)) {
            partial = true;
            continue;
        }
        partial = partial || pictures_missing(p, c);
        if (p->first[c] == p->first[c + 1]) continue;
        for (size_t i = p->first[c]; i < p->first[c + 1]; i++) x[rows++] = points(&p->picture[p->member[i]]);
        first[++strata] = rows;
        used += p->first[c + 1] - p->first[c];
    }
    saint_interval r = {.value = NAN};
    if (s == SAINT_OK && strata) {
        s = saint_stats_bootstrap(&(saint_clusters){x, 1, strata, first}, sum_of_means, 1, SAINT_SCORE_SEED, &r, err);
        r.n = 2 * used;
        if (s == SAINT_OK) saint_slice_add(&out->all, metric, r)->partial = partial;
    }
    free(first);
    free(x);
    return s;
}

/* Both answers of a picture right, as a fraction of the complete pictures. */
static saint_status both_right(const saint_dataset *d, const pairs *p, saint_interval *out, saint_error *err)
{
    double *x = malloc((p->asked + 1) * sizeof *x);
    size_t n = 0;
    if (!x) return saint_no_memory(err, d->path);
    for (size_t c = 0; c < p->asked; c++)
        if (complete(&p->picture[c])) x[n++] = p->picture[c].right == 2;
    saint_status s = saint_stats_mean(x, NULL, n, 1, out, err);
    free(x);
    return s;
}

static saint_status slices(const saint_dataset *d, const pairs *p, const char *const *order, size_t n, saint_score *out, saint_error *err)
{
    saint_status s = SAINT_OK;
    for (size_t i = 0; i < n && s == SAINT_OK; i++) {
        uint32_t c;
        if (saint_texts_find(&d->categories, order[i], &c)) s = category_slice(d, p, c, out, err);
    }
    return s;
}

saint_status saint_score_mme(const saint_dataset *d, const saint_verdict *v, saint_score *out, saint_error *err)
{
    pairs p = {0};
    saint_interval r;
    bool mme = d->info.kind == SAINT_DATA_MME;
    saint_status s = find_pairs(d, v, &p, err);
    if (s == SAINT_OK) s = saint_score_mean(d, v, -1, false, &r, err);
    if (s == SAINT_OK) saint_slice_add(&out->all, "accuracy", r)->partial = out->n < out->n_total;
    if (s == SAINT_OK) s = both_right(d, &p, &r, err);
    if (s == SAINT_OK) saint_slice_add(&out->all, "accuracy_plus", r);
    if (s == SAINT_OK && mme) s = total(d, &p, perception, PERCEPTION, "perception", out, err);
    if (s == SAINT_OK && mme) s = total(d, &p, cognition, COGNITION, "cognition", out, err);
    if (s == SAINT_OK) s = total(d, &p, d->categories.name, d->categories.n, "total", out, err);
    if (s == SAINT_OK)
        s = mme ? slices(d, &p, perception, PERCEPTION, out, err) : slices(d, &p, d->categories.name, d->categories.n, out, err);
    if (s == SAINT_OK && mme) s = slices(d, &p, cognition, COGNITION, out, err);
    bool odd = false;
    for (size_t c = 0; c < p.asked && s == SAINT_OK; c++) odd = odd || !complete(&p.picture[c]);
    if (odd) out->warning[out->n_warnings++] = "pictures without two answered questions are left out of acc, accplus, score and totals";
    pairs_free(&p);
    return s;
}
