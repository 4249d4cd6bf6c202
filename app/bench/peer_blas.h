/* peer_blas.h - OpenBLAS as a row of the bench, opened at run time when it is installed. The program never depends on it. */
#ifndef SAINT_APP_PEER_BLAS_H
#define SAINT_APP_PEER_BLAS_H

#include <stdbool.h>

typedef struct {
    void *library; /* NULL: not installed */
    void (*sgemm)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a, int lda, const float *b, int ldb,
                  float beta, float *c, int ldc);
    char config[128]; /* what it says about itself, its choice of kernels last but one; OPENBLAS_CORETYPE in the environment changes that */
} saint_peer_blas;

/* Opens OpenBLAS and sets its threads; false when it is missing or lacks cblas_sgemm, and then there is nothing to close. */
bool saint_peer_blas_open(saint_peer_blas *p, int threads);
/* y[m, n] = x[m, k] w[n, k]^T, all row-major and dense. */
void saint_peer_blas_linear(const saint_peer_blas *p, int m, int n, int k, const float *x, const float *w, float *y);
void saint_peer_blas_close(saint_peer_blas *p);

#endif
