/* bootstrap.c - resampling whole clusters, because answers about one picture go wrong together. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/stats.h"

/* splitmix64: one addition and three mixes per number, the same on every machine. */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Linear between order statistics (NumPy's default). */
static double quantile(const double *sorted, size_t n, double q)
{
    double at = q * (double)(n - 1), below = floor(at);
    size_t i = (size_t)below;
    return i + 1 < n ? sorted[i] + (at - below) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

static void total_of(const saint_clusters *c, uint64_t *state, double *total, size_t *rows)
{
    memset(total, 0, c->strata * c->columns * sizeof *total);
    for (size_t s = 0; s < c->strata; s++) {
        size_t first = c->first[s], n = c->first[s + 1] - first;
        rows[s] = n;
        for (size_t i = 0; i < n; i++) {
            /* n < 2^32: the high bits of the product are uniform up to 2^-32 */
            size_t pick = state ? (size_t)(((next(state) >> 32) * (uint64_t)n) >> 32) : i;
            const double *row = c->sum + (first + pick) * c->columns;
            for (size_t k = 0; k < c->columns; k++) total[s * c->columns + k] += row[k];
        }
    }
}

static void summarise(double *replicate, saint_interval *out)
{
    size_t n = 0;
    double sum = 0, square = 0;
    for (size_t i = 0; i < SAINT_STATS_RESAMPLES; i++)
        if (isfinite(replicate[i])) replicate[n++] = replicate[i];
    if (n * 20 < SAINT_STATS_RESAMPLES * 19) return; /* undefined too often to have an interval */
    for (size_t i = 0; i < n; i++) sum += replicate[i];
    double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) square += (replicate[i] - mean) * (replicate[i] - mean);
    qsort(replicate, n, sizeof *replicate, by_value);
    out->se = sqrt(square / (double)(n - 1));
    if (out->se == 0) return; /* every resample alike: the data cannot say how sure it is */
    out->low = quantile(replicate, n, 0.025);
    out->high = quantile(replicate, n, 0.975);
    out->method = "bootstrap";
}

saint_status saint_stats_bootstrap(const saint_clusters *c, saint_statistic f, size_t values, uint64_t seed, saint_interval *out,
                                   saint_error *err)
{
    double once[SAINT_STATS_VALUES];
    double *total = calloc(c->strata * c->columns + 1, sizeof *total),
           *replicate = malloc(values * SAINT_STATS_RESAMPLES * sizeof *replicate + 1);
    size_t *rows = calloc(c->strata + 1, sizeof *rows), fewest = c->strata ? SIZE_MAX : 0, all = 0;
    saint_status s = SAINT_OK;
    if (!total || !replicate || !rows || values > SAINT_STATS_VALUES)
        s = saint_fail(err, SAINT_MEMORY, "statistics: no memory for %d resamples", SAINT_STATS_RESAMPLES);
    for (size_t i = 0; i < c->strata && s == SAINT_OK; i++) {
        size_t n = c->first[i + 1] - c->first[i];
        all += n;
        if (n < fewest) fewest = n;
    }
    if (s == SAINT_OK) {
        total_of(c, NULL, total, rows);
        f(total, rows, c->strata, c->columns, once);
        for (size_t v = 0; v < values; v++)
            out[v] = (saint_interval){.value = once[v], .low = NAN, .high = NAN, .se = NAN, .n = all, .clusters = all, .method = ""};
    }
    if (s == SAINT_OK && fewest >= SAINT_STATS_MIN_CLUSTERS) {
        for (size_t r = 0; r < SAINT_STATS_RESAMPLES; r++) {
            total_of(c, &seed, total, rows);
            f(total, rows, c->strata, c->columns, once);
            for (size_t v = 0; v < values; v++) replicate[v * SAINT_STATS_RESAMPLES + r] = once[v];
        }
        for (size_t v = 0; v < values; v++) summarise(replicate + v * SAINT_STATS_RESAMPLES, &out[v]);
    }
    free(total);
    free(replicate);
    free(rows);
    return s;
}
