/* fidelity.h - how far an answer is from another one, without labels: the one place for the screen, evaluations and sweeps. */
#ifndef SAINT_APP_EVAL_FIDELITY_H
#define SAINT_APP_EVAL_FIDELITY_H

#include <stdint.h>

/* KL(softmax(p) || softmax(q)) in nats of logits [n]; NaN where one is not finite or there is none: not knowing is not agreeing. */
double fidelity_kl(const float *p, const float *q, int n);
/* Probability of entry `at` of logits x [n]; NaN outside. */
double fidelity_probability(const float *x, int n, int at);
/* Cross entropy of entry `at`: minus the log of its probability, in nats; NaN outside and where a logit is not finite. */
double fidelity_loss(const float *x, int n, int at);
/* Index of the largest of x [n], the lowest on ties; -1 when there is none. */
int fidelity_top(const float *x, int n);
/* Place of the first token in which a [n] and b [m] differ, the end of one included; -1 = equal. */
int fidelity_first_difference(const int32_t *a, int n, const int32_t *b, int m);

#endif
