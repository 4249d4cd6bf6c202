#include "bench/bench_gemm.h"

#include <stdio.h>
#include <string.h>

#include "bench/peer_blas.h"

static void peer_linear(void *ctx, int m, int n, int k, const float *x, const float *w, float *y)
{
    saint_peer_blas_linear(ctx, m, n, k, x, w, y);
}

cJSON *bench_gemm(int threads, double seconds_per_row, saint_error *err)
{
    saint_engine *e = NULL;
    saint_peer_blas blas = {0};
    if (saint_engine_open(&e, &(saint_engine_options){.n_threads = threads}, err) != SAINT_OK) return NULL;
    threads = saint_engine_threads(e); /* the library gets as many as we do */
    saint_engine_close(e);
    bool found = saint_peer_blas_open(&blas, threads);
    saint_gemm_peer peer = {"openblas", blas.config, peer_linear, &blas};
    cJSON *report = saint_gemm_bench(threads, seconds_per_row, found ? &peer : NULL, err);
    saint_peer_blas_close(&blas);
    return report;
}

static double number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static const char *text(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsString(item) ? item->valuestring : "?";
}

void bench_gemm_print(const cJSON *report)
{
    printf("gemm: %d threads, tier %s, memory read %.1f GB/s\nblas: %s\n", (int)number(report, "threads"), text(report, "tier"),
            number(report, "read_gbs"), text(report, "blas"));
    printf("%-16s %-9s %-11s %-8s %-8s %10s %8s %8s %8s %8s\n", "shape", "kernel", "tier", "compute", "weights", "ms median", "GFLOP/s",
           "roof", "of roof", "of read");
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(report, "rows"))
    {
        char size[32], reading[16] = "";
        snprintf(size, sizeof size, "%dx%dx%d", (int)number(row, "m"), (int)number(row, "n"), (int)number(row, "k"));
        if (number(row, "gbs") > 0) snprintf(reading, sizeof reading, "%.2f", number(row, "of_read"));
        bool ours = strcmp(text(row, "kernel"), "saint") == 0;
        printf("%-16s %-9s %-11s %-8s %-8s %10.3f %8.1f %8.1f %8.2f %8s\n", size, text(row, "kernel"), ours ? text(row, "tier") : "-",
                text(row, "compute"), text(row, "weights"), 1e3 * number(cJSON_GetObjectItemCaseSensitive(row, "seconds"), "median"),
                number(row, "gflops"), number(row, "roof_gflops"), number(row, "of_roof"), reading);
    }
}
