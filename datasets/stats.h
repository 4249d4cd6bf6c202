/* stats.h - how sure a score is, and whether two scores differ. Deterministic: same data and seed, same bits.
 *
 * Where an interval would be an invention (too few clusters, a statistic that is undefined in many resamples) low and high are NaN. */
#ifndef SAINT_DATASETS_STATS_H
#define SAINT_DATASETS_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum {
    SAINT_STATS_MIN_CLUSTERS = 10, /* below that a sandwich error or a bootstrap says nothing */
    SAINT_STATS_RESAMPLES = 2000
};

typedef struct {
    double value, low, high, se; /* NaN: n/a */
    size_t n, clusters;
    const char *method; /* "wilson", "clustered", "bootstrap", "" = no interval */
} saint_interval;

/* Distribution functions. */
double saint_normal_quantile(double p);
double saint_t_cdf(double t, double df);
double saint_t_quantile(double p, double df);

/* Wilson's score interval for k of n at 95 %; NaN for n = 0. k may be a sum of fractions. */
saint_interval saint_stats_wilson(double k, size_t n);

/* Mean of x [n], all within [0, scale]. cluster [n] says which values belong together (NULL: each alone). 0/scale values of singletons:
 * Wilson. Otherwise mean and clustered standard error (Miller 2024): SE^2 = s^2/n + sum_c[(sum d)^2 - sum d^2]/n^2, t with clusters - 1
 * degrees of freedom, cut to [0, scale]. All 0 or all scale: Wilson on the number of clusters. No spread otherwise: no interval.
 * SAINT_MEMORY. */
saint_status saint_stats_mean(const double *x, const uint32_t *cluster, size_t n, double scale, saint_interval *out, saint_error *err);

typedef struct {
    double diff, se, low, high, t, df, p; /* mean of a - b, its 95 % interval, two-sided p; NaN: n/a */
    size_t n, clusters, win, loss, tie;   /* samples with a > b, a < b, equal */
} saint_paired;
/* Paired difference of a and b [n]; with clusters the clustered error and clusters - 1 degrees of freedom. */
saint_status saint_stats_paired(const double *a, const double *b, const uint32_t *cluster, size_t n, saint_paired *out, saint_error *err);

/* Exact two-sided McNemar test: only_a samples right in a alone, only_b in b alone. */
double saint_stats_mcnemar(size_t only_a, size_t only_b);
/* Holm's step-down adjustment of p [m]; NaN stays NaN and does not count. adjusted may be p. */
saint_status saint_stats_holm(const double *p, size_t m, double *adjusted, saint_error *err);

/* Clusters as rows of sums, grouped into strata: row r of stratum s, first[s] <= r < first[s + 1], has columns sum[r * columns ...]. */
typedef struct {
    const double *sum;
    size_t columns, strata;
    const size_t *first; /* [strata + 1] */
} saint_clusters;
enum { SAINT_STATS_VALUES = 8 };
/* Fill out[0 .. values) from the column totals of every stratum [strata * columns] and the number of clusters drawn in each. */
typedef void (*saint_statistic)(const double *total, const size_t *rows, size_t strata, size_t columns, double *out);
/* Percentile bootstrap at 95 %: clusters are drawn with replacement inside their stratum. out [values]. */
saint_status saint_stats_bootstrap(const saint_clusters *c, saint_statistic f, size_t values, uint64_t seed, saint_interval *out,
                                   saint_error *err);

#endif
