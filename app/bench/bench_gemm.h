/* bench_gemm.h - the suite `gemm` of `saint bench`, with OpenBLAS as a row when it is installed. */
#ifndef SAINT_APP_BENCH_GEMM_H
#define SAINT_APP_BENCH_GEMM_H

#include "engine.h"

/* See saint_gemm_bench; threads 0 = all. */
cJSON *bench_gemm(int threads, double seconds_per_row, saint_error *err);
void bench_gemm_print(const cJSON *report);

#endif
