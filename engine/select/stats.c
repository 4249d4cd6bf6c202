/* stats.c - similarity statistics of one layer. */
#include "select/stats.h"

#include <float.h>

#include "select/internal.h"

/* ROWS of products at a time: tall enough to pack the columns rarely, low enough to skip most of the lower triangle. */
enum { ROWS = 192, QL_STEPS = 64 };

/* degree[i] = partners of i at or above the threshold; returns the number of pairs. Upper triangle only: a pair is counted once whatever
 * the two orders of its product would round to. */
static int64_t count_degrees(const float *unit, int n, int dim, float threshold, int32_t *degree, float *sim, void *inner)
{
    float reach = saint_reach(threshold);
    int64_t pairs = 0;
    memset(degree, 0, (size_t)n * sizeof *degree);
    for (int first = 0; first < n; first += ROWS) {
        int rows = n - first < ROWS ? n - first : ROWS, columns = n - first;
        const float *block = unit + (size_t)first * (size_t)dim;
        saint_similarity(rows, columns, dim, block, dim, block, dim, sim, columns, inner);
        for (int i = 0; i < rows; i++) {
            const float *row = sim + (size_t)i * (size_t)columns;
            int32_t own = 0, *other = degree + first;
            for (int j = i + 1; j < columns; j++) {
                int32_t hit = row[j] >= reach ? 1 : 0;
                own += hit;
                other[j] += hit;
            }
            degree[first + i] += own;
            pairs += own;
        }
    }
    return pairs;
}

/* g [s, s] = unit^T unit when dim <= n, else unit unit^T: the same non-zero eigenvalues. */
static void small_gram(const float *unit, int n, int dim, double *g)
{
    int s = dim <= n ? dim : n;
    memset(g, 0, (size_t)s * (size_t)s * sizeof *g);
    if (dim <= n) {
        for (int t = 0; t < n; t++) {
            const float *u = unit + (size_t)t * (size_t)dim;
            for (int i = 0; i < s; i++) {
                double *row = g + (size_t)i * (size_t)s, x = (double)u[i];
                for (int j = 0; j <= i; j++) row[j] += x * (double)u[j];
            }
        }
    } else {
        for (int i = 0; i < s; i++)
            for (int j = 0; j <= i; j++) {
                const float *u = unit + (size_t)i * (size_t)dim, *v = unit + (size_t)j * (size_t)dim;
                double sum = 0;
                for (int d = 0; d < dim; d++) sum += (double)u[d] * (double)v[d];
                g[(size_t)i * (size_t)s + (size_t)j] = sum;
            }
    }
    for (int i = 0; i < s; i++)
        for (int j = i + 1; j < s; j++) g[(size_t)i * (size_t)s + (size_t)j] = g[(size_t)j * (size_t)s + (size_t)i];
}

/* Householder: symmetric a [n, n] (destroyed) to a tridiagonal matrix with the same eigenvalues, diagonal d [n], beside it e [n], of which
 * the last is 0. v, p [n] are scratch. */
static void tridiagonal(double *a, int n, double *d, double *e, double *v, double *p)
{
    for (int k = 0; k + 1 < n; k++) {
        const double *row = a + (size_t)k * (size_t)n;
        double norm2 = 0;
        for (int j = k + 1; j < n; j++) norm2 += row[j] * row[j];
        double alpha = row[k + 1] > 0 ? -sqrt(norm2) : sqrt(norm2), vv = 2.0 * (norm2 - row[k + 1] * alpha);
        d[k] = row[k];
        e[k] = alpha;
        if (vv <= 0) continue; /* nothing beside the diagonal: e is 0 */
        for (int j = k + 1; j < n; j++) v[j] = row[j];
        v[k + 1] -= alpha;
        for (int j = k + 1; j < n; j++) p[j] = 0;
        for (int i = k + 1; i < n; i++) { /* p = A v, by rows because A is symmetric */
            const double *ai = a + (size_t)i * (size_t)n;
            double vi = v[i];
            for (int j = k + 1; j < n; j++) p[j] += vi * ai[j];
        }
        double beta = 2.0 / vv, pv = 0;
        for (int j = k + 1; j < n; j++) pv += p[j] * v[j];
        for (int j = k + 1; j < n; j++) p[j] = beta * (p[j] - 0.5 * beta * pv * v[j]);
        for (int i = k + 1; i < n; i++) {
            double *ai = a + (size_t)i * (size_t)n, vi = v[i], pi = p[i];
            for (int j = k + 1; j < n; j++) ai[j] -= vi * p[j] + pi * v[j];
        }
    }
    d[n - 1] = a[(size_t)n * (size_t)n - 1];
    e[n - 1] = 0;
}

/* Implicit QL with Wilkinson's shift: d [n] becomes the eigenvalues, e [n] (the last is 0) is destroyed. tiny: what counts as 0
 * beside the diagonal; eigenvalues of that size mean nothing here, so an absolute bound is right. False when it does not converge. */
static bool tridiagonal_eigenvalues(double *d, double *e, int n, double tiny)
{
    for (int l = 0; l < n; l++)
        for (int step = 0;; step++) {
            int m = l;
            while (m + 1 < n && fabs(e[m]) > tiny) m++;
            if (m == l) break;
            if (step == QL_STEPS) return false;
            double g = (d[l + 1] - d[l]) / (2.0 * e[l]), r = sqrt(g * g + 1.0);
            g = d[m] - d[l] + e[l] / (g + copysign(r, g));
            double s = 1, c = 1, p = 0;
            int i = m - 1;
            for (; i >= l; i--) {
                double f = s * e[i], b = c * e[i];
                r = sqrt(f * f + g * g);
                e[i + 1] = r;
                if (r == 0) { /* it splits here: look again */
                    d[i + 1] -= p;
                    break;
                }
                s = f / r;
                c = g / r;
                g = d[i + 1] - p;
                r = (d[i] - g) * s + 2.0 * c * b;
                p = s * r;
                d[i + 1] = g + p;
                g = c * r - b;
            }
            if (i < l) {
                d[l] -= p;
                e[l] = g;
            }
            e[m] = 0;
        }
    return true;
}

static float entropy_rank(const double *eigenvalue, int n)
{
    double sum = 0, h = 0;
    for (int i = 0; i < n; i++) sum += eigenvalue[i] > 0 ? eigenvalue[i] : 0;
    if (sum <= 0) return 0;
    for (int i = 0; i < n; i++) {
        double p = eigenvalue[i] / sum;
        if (p > 0) h -= p * log(p);
    }
    return (float)exp(h);
}

static saint_status effective_rank(const float *unit, int n, int dim, saint_scratch *s, float *rank, saint_error *err)
{
    size_t side = (size_t)(dim <= n ? dim : n);
    double *g = saint_scratch_take(s, side * side, sizeof *g), *d = saint_scratch_take(s, side, sizeof *d);
    double *e = saint_scratch_take(s, side, sizeof *e), *v = saint_scratch_take(s, side, sizeof *v);
    double *p = saint_scratch_take(s, side, sizeof *p);
    small_gram(unit, n, dim, g);
    double trace = 0;
    for (size_t i = 0; i < side; i++) trace += g[i * side + i];
    tridiagonal(g, (int)side, d, e, v, p);
    if (!tridiagonal_eigenvalues(d, e, (int)side, DBL_EPSILON * trace))
        return saint_fail(err, SAINT_STATE, "the eigenvalues of %zu x %zu cosines did not converge in %d steps each", side, side,
                          (int)QL_STEPS);
    *rank = entropy_rank(d, (int)side);
    return SAINT_OK;
}

static float mean_cosine(const float *unit, int n, int dim, double *sum)
{
    /* The sum over all pairs is the squared length of the sum of the rows. */
    double all = 0, own = 0;
    memset(sum, 0, (size_t)dim * sizeof *sum);
    for (int i = 0; i < n; i++)
        for (int d = 0; d < dim; d++) {
            double x = (double)unit[(size_t)i * (size_t)dim + (size_t)d];
            sum[d] += x;
            own += x * x;
        }
    for (int d = 0; d < dim; d++) all += sum[d] * sum[d];
    return (float)((all - own) / ((double)n * (n - 1.0)));
}

saint_status saint_layer_stats_of(const float *metric, int n, int dim, float sim_threshold, int K, saint_layer_stats *out,
                                  saint_error *err)
{
    *out = (saint_layer_stats){.n = n, .mean_cosine = NAN, .share_above = NAN, .share_degree_k = NAN, .mean_degree = NAN};
    if (n < 0 || n > SAINT_SELECT_MAX_TOKENS || dim < 1 || dim > SAINT_SELECT_MAX_DIM || K < 0 || !isfinite(sim_threshold))
        return saint_fail(err, SAINT_INVALID, "layer statistics: %d tokens of width %d, K %d, threshold %g are out of range", n, dim, K,
                          (double)sim_threshold);
    if (n == 0) return SAINT_OK;
    if (!metric) return saint_fail(err, SAINT_INVALID, "layer statistics: %d tokens and no metric", n);
    int bad = saint_non_finite_row(metric, n, dim);
    if (bad >= 0) return saint_fail(err, SAINT_INVALID, "layer statistics: row %d of the metric has a NaN or an infinity", bad);
    size_t rows = (size_t)n, width = (size_t)dim, side = rows < width ? rows : width;
    saint_scratch s;
    saint_status status = saint_scratch_open(
        &s, saint_scratch_bytes(rows * width, sizeof(float)) + saint_scratch_bytes(ROWS * rows, sizeof(float)) +
                saint_scratch_bytes(rows, sizeof(int32_t)) + saint_scratch_bytes(width, sizeof(double)) +
                saint_scratch_bytes(side * side, sizeof(double)) + 4 * saint_scratch_bytes(side, sizeof(double)) +
                saint_scratch_bytes(saint_similarity_scratch(), 1), err);
    if (status != SAINT_OK) return status;
    float *unit = saint_scratch_take(&s, rows * width, sizeof *unit), *sim = saint_scratch_take(&s, ROWS * rows, sizeof *sim);
    int32_t *degree = saint_scratch_take(&s, rows, sizeof *degree);
    double *sum = saint_scratch_take(&s, width, sizeof *sum);
    void *inner = saint_scratch_take(&s, saint_similarity_scratch(), 1);
    out->zero_rows = saint_unit_rows(metric, n, dim, unit);
    int64_t pairs = count_degrees(unit, n, dim, sim_threshold, degree, sim, inner);
    int enough = 0;
    for (int i = 0; i < n; i++) enough += degree[i] >= K;
    out->share_degree_k = (float)enough / (float)n;
    out->mean_degree = (float)(2.0 * (double)pairs / n);
    if (n > 1) {
        out->share_above = (float)(2.0 * (double)pairs / ((double)n * (n - 1.0)));
        out->mean_cosine = mean_cosine(unit, n, dim, sum);
    }
    status = effective_rank(unit, n, dim, &s, &out->effective_rank, err);
    saint_scratch_close(&s);
    return status;
}
