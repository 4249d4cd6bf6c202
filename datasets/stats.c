/* stats.c - distribution functions, intervals of means, paired tests. */
#include "datasets/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- distributions -------------------------------------------------------------------------------------------------- */

static double normal_cdf(double x) { return 0.5 * erfc(-x / sqrt(2)); }

/* Halving on a rising function: slow, and right to the last bit. */
static double invert(double (*cdf)(double x, double df), double p, double df)
{
    if (!(p > 0 && p < 1)) return p == 0 ? -INFINITY : p == 1 ? INFINITY : NAN;
    double lo = -1, hi = 1;
    while (cdf(lo, df) > p && lo > -1e300) lo *= 2;
    while (cdf(hi, df) < p && hi < 1e300) hi *= 2;
    for (int i = 0; i < 2000; i++) {
        double mid = lo + (hi - lo) / 2;
        if (mid <= lo || mid >= hi) break;
        if (cdf(mid, df) < p) lo = mid;
        else hi = mid;
    }
    return lo + (hi - lo) / 2;
}

static double normal_of(double x, double df)
{
    (void)df;
    return normal_cdf(x);
}

double saint_normal_quantile(double p) { return invert(normal_of, p, 0); }

/* Regularised incomplete beta function by its continued fraction (Lentz). */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    if (fabs(d) < tiny) d = tiny;
    d = 1 / d;
    double h = d;
    for (int m = 1; m <= 10000; m++) {
        double up = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 + up * d;
        c = 1 + up / c;
        if (fabs(d) < tiny) d = tiny;
        if (fabs(c) < tiny) c = tiny;
        d = 1 / d;
        h *= d * c;
        up = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 + up * d;
        c = 1 + up / c;
        if (fabs(d) < tiny) d = tiny;
        if (fabs(c) < tiny) c = tiny;
        d = 1 / d;
        h *= d * c;
        if (fabs(d * c - 1) < 1e-16) break;
    }
    return h;
}

static double incomplete_beta(double a, double b, double x, double rest) /* rest = 1 - x, without cancellation */
{
    if (x <= 0) return 0;
    if (rest <= 0) return 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(rest));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a : 1 - front * beta_fraction(b, a, rest) / b;
}

/* P(|T| > |t|). */
static double t_both_tails(double t, double df)
{
    double s = t * t;
    if (isinf(s)) return 0;
    return incomplete_beta(df / 2, 0.5, df / (df + s), s / (df + s));
}

double saint_t_cdf(double t, double df)
{
    if (isnan(t) || !(df > 0)) return NAN;
    double tail = 0.5 * t_both_tails(t, df);
    return t > 0 ? 1 - tail : tail;
}

double saint_t_quantile(double p, double df)
{
    if (!(df > 0)) return NAN;
    return p > 0.5 ? -invert(saint_t_cdf, 1 - p, df) : invert(saint_t_cdf, p, df);
}

/* ---- one score -------------------------------------------------------------------------------------------------------- */

saint_interval saint_stats_wilson(double k, size_t n)
{
    saint_interval r = {.value = NAN, .low = NAN, .high = NAN, .se = NAN, .n = n, .clusters = n, .method = ""};
    if (n == 0) return r;
    double z = saint_normal_quantile(0.975), m = (double)n, p = k / m, z2 = z * z;
    double centre = (p + z2 / (2 * m)) / (1 + z2 / m), half = z / (1 + z2 / m) * sqrt(p * (1 - p) / m + z2 / (4 * m * m));
    r.value = p;
    r.low = k <= 0 ? 0 : fmax(0, centre - half);
    r.high = k >= m ? 1 : fmin(1, centre + half);
    r.se = sqrt(p * (1 - p) / m);
    r.method = "wilson";
    return r;
}

/* sum_c (sum of d in c)^2 and the number of clusters. */
static saint_status cluster_squares(const double *d, const uint32_t *cluster, size_t n, double *squares, size_t *clusters, saint_error *err)
{
    *squares = 0;
    *clusters = n;
    if (!cluster) {
        for (size_t i = 0; i < n; i++) *squares += d[i] * d[i];
        return SAINT_OK;
    }
    uint32_t top = 0;
    for (size_t i = 0; i < n; i++)
        if (cluster[i] > top) top = cluster[i];
    double *sum = calloc((size_t)top + 1, sizeof *sum);
    unsigned char *seen = calloc((size_t)top + 1, 1);
    if (!sum || !seen) {
        free(sum);
        free(seen);
        return saint_fail(err, SAINT_MEMORY, "statistics: no memory for %zu clusters", (size_t)top + 1);
    }
    *clusters = 0;
    for (size_t i = 0; i < n; i++) {
        sum[cluster[i]] += d[i];
        *clusters += !seen[cluster[i]];
        seen[cluster[i]] = 1;
    }
    for (size_t c = 0; c <= top; c++) *squares += sum[c] * sum[c];
    free(sum);
    free(seen);
    return SAINT_OK;
}

/* Mean, clustered standard error and number of clusters of x. */
static saint_status clustered(const double *x, const uint32_t *cluster, size_t n, double *mean, double *se, size_t *clusters,
                              saint_error *err)
{
    double sum = 0, own = 0, joint;
    for (size_t i = 0; i < n; i++) sum += x[i];
    *mean = sum / (double)n;
    double *d = malloc(n * sizeof *d);
    if (!d) return saint_fail(err, SAINT_MEMORY, "statistics: no memory for %zu values", n);
    for (size_t i = 0; i < n; i++) {
        d[i] = x[i] - *mean;
        own += d[i] * d[i];
    }
    saint_status s = cluster_squares(d, cluster, n, &joint, clusters, err);
    free(d);
    if (s != SAINT_OK) return s;
    double m = (double)n, variance = n > 1 ? own / (m - 1) : NAN;
    double square = variance / m + (joint - own) / (m * m);
    *se = square > 0 ? sqrt(square) : square <= 0 ? 0 : NAN; /* negatively correlated clusters may cancel */
    return SAINT_OK;
}

saint_status saint_stats_mean(const double *x, const uint32_t *cluster, size_t n, double scale, saint_interval *out, saint_error *err)
{
    *out = (saint_interval){.value = NAN, .low = NAN, .high = NAN, .se = NAN, .method = ""};
    if (n == 0) return SAINT_OK;
    bool binary = true, spread = false;
    size_t clusters;
    for (size_t i = 0; i < n; i++) {
        binary = binary && (x[i] == 0 || x[i] == scale);
        spread = spread || x[i] != x[0];
    }
    double mean, se;
    saint_status s = clustered(x, cluster, n, &mean, &se, &clusters, err);
    if (s != SAINT_OK) return s;
    if (binary && (clusters == n || !spread)) {
        *out = saint_stats_wilson(mean / scale * (double)clusters, clusters);
        out->value *= scale;
        out->low *= scale;
        out->high *= scale;
        out->se *= scale;
    } else {
        out->se = se;
        out->method = "";
        if (clusters >= SAINT_STATS_MIN_CLUSTERS && se > 0) {
            double half = saint_t_quantile(0.975, (double)clusters - 1) * se;
            out->low = fmax(0, mean - half);
            out->high = fmin(scale, mean + half);
            out->method = "clustered";
        }
    }
    out->value = mean;
    out->n = n;
    out->clusters = clusters;
    return SAINT_OK;
}

/* ---- two scores ------------------------------------------------------------------------------------------------------- */

saint_status saint_stats_paired(const double *a, const double *b, const uint32_t *cluster, size_t n, saint_paired *out, saint_error *err)
{
    *out = (saint_paired){.diff = NAN, .se = NAN, .low = NAN, .high = NAN, .t = NAN, .df = NAN, .p = NAN, .n = n};
    if (n == 0) return SAINT_OK;
    double *d = malloc(n * sizeof *d);
    if (!d) return saint_fail(err, SAINT_MEMORY, "statistics: no memory for %zu differences", n);
    for (size_t i = 0; i < n; i++) {
        d[i] = a[i] - b[i];
        out->win += d[i] > 0;
        out->loss += d[i] < 0;
        out->tie += d[i] == 0;
    }
    saint_status s = clustered(d, cluster, n, &out->diff, &out->se, &out->clusters, err);
    free(d);
    if (s != SAINT_OK || out->clusters < 2) return s;
    out->df = (double)out->clusters - 1;
    if (!(out->se > 0)) return SAINT_OK; /* no spread: nothing to test */
    double half = saint_t_quantile(0.975, out->df) * out->se;
    out->t = out->diff / out->se;
    out->p = t_both_tails(out->t, out->df);
    if (out->clusters < SAINT_STATS_MIN_CLUSTERS) return SAINT_OK;
    out->low = out->diff - half;
    out->high = out->diff + half;
    return SAINT_OK;
}

double saint_stats_mcnemar(size_t only_a, size_t only_b)
{
    size_t n = only_a + only_b, k = only_a < only_b ? only_a : only_b;
    double m = (double)n, tail = 0;
    if (n == 0 || only_a == only_b) return 1;
    for (size_t i = 0; i <= k; i++) {
        double x = (double)i;
        tail += exp(lgamma(m + 1) - lgamma(x + 1) - lgamma(m - x + 1) - m * log(2));
    }
    return fmin(1, 2 * tail);
}

typedef struct {
    double p;
    size_t at;
} ranked;

static int by_p(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    return x->p < y->p ? -1 : x->p > y->p ? 1 : x->at < y->at ? -1 : x->at > y->at;
}

saint_status saint_stats_holm(const double *p, size_t m, double *adjusted, saint_error *err)
{
    ranked *r = malloc((m ? m : 1) * sizeof *r);
    size_t n = 0;
    double worst = 0;
    if (!r) return saint_fail(err, SAINT_MEMORY, "statistics: no memory for %zu tests", m);
    for (size_t i = 0; i < m; i++) {
        if (!isnan(p[i])) r[n++] = (ranked){p[i], i};
        else adjusted[i] = NAN;
    }
    qsort(r, n, sizeof *r, by_p);
    for (size_t i = 0; i < n; i++) {
        worst = fmax(worst, fmin(1, r[i].p * (double)(n - i)));
        adjusted[r[i].at] = worst;
    }
    free(r);
    return SAINT_OK;
}
