/* score_pope.c - POPE (evaluation.md 1.2), positive = yes, per file and over all. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/score_internal.h"

/* Columns of a picture. UNREAD_YES: label yes, answer neither; only the official parser never has those. */
enum { TP, FP, FN, TN, UNREAD_YES, UNREAD_NO, COLUMNS };
enum { PRECISION, RECALL, F1, YES, LABELS, VALUES };

static double ratio(double a, double b) { return b > 0 ? a / b : NAN; }

/* lmms-eval's recall leaves answers that it could not read out of the denominator; an unread answer is not a yes either way. */
static void measures(const double *t, const size_t *rows, size_t strata, size_t columns, double *out)
{
    (void)rows;
    (void)strata;
    (void)columns;
    double all = t[TP] + t[FP] + t[FN] + t[TN] + t[UNREAD_YES] + t[UNREAD_NO];
    out[PRECISION] = ratio(t[TP], t[TP] + t[FP]);
    out[RECALL] = ratio(t[TP], t[TP] + t[FN]);
    double p = out[PRECISION], r = out[RECALL];
    out[F1] = p + r > 0 ? 2 * p * r / (p + r) : t[FP] + t[FN] > 0 ? 0 : NAN;
    out[YES] = ratio(t[TP] + t[FP], all);
    out[LABELS] = ratio(t[TP] + t[FN] + t[UNREAD_YES], all);
}

static int column(const saint_dataset *d, size_t i, int code)
{
    bool yes = (d->record[i].answers[0] | 32) == 'y';
    if (code == SAINT_ANSWER_OTHER) return yes ? UNREAD_YES : UNREAD_NO;
    return code == SAINT_ANSWER_YES ? (yes ? TP : FP) : (yes ? FN : TN);
}

/* Rows of one category (category < 0: all), one per picture, into sum; their number comes back. */
static size_t rows_of(const saint_dataset *d, const saint_verdict *v, int64_t category, double *sum, uint32_t *row)
{
    size_t n = 0;
    memset(row, 0, d->clusters.n * sizeof *row);
    for (size_t i = 0; i < d->n; i++) {
        if (!v[i].answered || (category >= 0 && d->record[i].category != (uint32_t)category)) continue;
        uint32_t *r = &row[d->record[i].cluster];
        if (!*r) {
            memset(sum + n * COLUMNS, 0, COLUMNS * sizeof *sum);
            *r = (uint32_t)++n;
        }
        sum[(*r - 1) * COLUMNS + (size_t)column(d, i, v[i].code)]++;
    }
    return n;
}

static saint_status fill(const saint_dataset *d, const saint_verdict *v, int64_t category, double *sum, uint32_t *row, saint_parser p,
                         saint_slice *slice, double *f1, saint_error *err)
{
    saint_interval accuracy, r[VALUES];
    saint_status s = saint_score_mean(d, v, category, false, &accuracy, err);
    if (s != SAINT_OK) return s;
    size_t first[2] = {0, rows_of(d, v, category, sum, row)};
    s = saint_stats_bootstrap(&(saint_clusters){sum, COLUMNS, 1, first}, measures, VALUES, SAINT_SCORE_SEED, r, err);
    if (s != SAINT_OK) return s;
    for (int k = 0; k < VALUES; k++) r[k].n = accuracy.n;
    saint_slice_add(slice, "accuracy", accuracy);
    saint_slice_add(slice, "precision", r[PRECISION]);
    saint_slice_add(slice, "recall", r[RECALL]);
    saint_slice_add(slice, "f1", r[F1]);
    saint_slice_add(slice, "yes_ratio", r[YES]);
    if (p == SAINT_PARSER_LMMS) saint_slice_add(slice, "lmms_yes_ratio", r[LABELS]); /* what the harness prints under that name */
    *f1 = r[F1].value;
    return SAINT_OK;
}

saint_status saint_score_pope(const saint_dataset *d, const saint_verdict *v, saint_score *out, saint_error *err)
{
    double *sum = malloc((d->clusters.n + 1) * COLUMNS * sizeof *sum), f1, f1_sum = 0;
    uint32_t *row = malloc((d->clusters.n + 1) * sizeof *row);
    saint_status s = sum && row ? SAINT_OK : saint_no_memory(err, d->path);
    size_t answered = 0;
    if (s == SAINT_OK) s = fill(d, v, -1, sum, row, out->parser, &out->all, &f1, err);
    for (size_t c = 0; c < d->categories.n && s == SAINT_OK; c++) {
        saint_slice *slice = saint_score_slice(out, d->categories.name[c], "categories");
        s = slice ? fill(d, v, (int64_t)c, sum, row, out->parser, slice, &f1, err) : saint_no_memory(err, d->path);
        if (s == SAINT_OK) f1_sum += f1;
        answered += s == SAINT_OK && slice->metric[0].v.n > 0;
    }
    if (s == SAINT_OK && d->categories.n > 1 && answered == d->categories.n) /* the number that LLaVA's paper prints */
        saint_slice_add(
            &out->all, "f1_mean",
            (saint_interval){.value = f1_sum / (double)answered, .low = NAN, .high = NAN, .se = NAN, .n = out->n, .method = ""});
    for (size_t i = 0; i < out->all.n_metrics && s == SAINT_OK; i++) out->all.metric[i].partial = out->n < out->n_total;
    free(sum);
    free(row);
    return s;
}
