#include "eval/fidelity.h"

#include <math.h>

/* log of the sum of exponentials, taken relative to the largest so that none overflows. NaN where a logit is not finite. */
static double log_sum(const float *x, int n)
{
    double most = -INFINITY, sum = 0;
    for (int i = 0; i < n; i++) {
        if (!isfinite(x[i])) return NAN;
        if ((double)x[i] > most) most = (double)x[i];
    }
    for (int i = 0; i < n; i++) sum += exp((double)x[i] - most);
    return most + log(sum);
}

double fidelity_kl(const float *p, const float *q, int n)
{
    if (n < 1) return NAN;
    double zp = log_sum(p, n), zq = log_sum(q, n), kl = 0;
    for (int i = 0; i < n; i++) {
        double lp = (double)p[i] - zp;
        kl += exp(lp) * (lp - ((double)q[i] - zq));
    }
    return kl > 0 || isnan(kl) ? kl : 0; /* rounding may fall below the least there can be */
}

double fidelity_probability(const float *x, int n, int at) { return at >= 0 && at < n ? exp((double)x[at] - log_sum(x, n)) : (double)NAN; }

double fidelity_loss(const float *x, int n, int at) { return at >= 0 && at < n ? log_sum(x, n) - (double)x[at] : (double)NAN; }

int fidelity_top(const float *x, int n)
{
    int best = n > 0 ? 0 : -1;
    for (int i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return best;
}

int fidelity_first_difference(const int32_t *a, int n, const int32_t *b, int m)
{
    int i = 0;
    while (i < n && i < m && a[i] == b[i]) i++;
    return i == n && i == m ? -1 : i;
}
