#include <stdio.h>
#include <stdlib.h>

#include "bench/bench.h"

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_size);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* Keys as a ViT makes them: patches of the same region resemble one another. 12 x 12 regions would all be alike; 16 centres are not. */
static float *clustered_keys(int n, int dim)
{
    float *x = malloc((size_t)n * (size_t)dim * sizeof *x);
    uint64_t state = 88172645463325252u;
    float centre[16][256];
    for (int c = 0; x && c < 16; c++)
        for (int k = 0; k < dim; k++) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            centre[c][k] = (float)(int32_t)(state >> 32) / 2147483648.0f;
        }
    for (int i = 0; x && i < n; i++)
        for (int k = 0; k < dim; k++) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            x[i * dim + k] = centre[i * 16 / n][k] + 0.6f * (float)(int32_t)(state >> 32) / 2147483648.0f;
        }
    return x;
}

static saint_status time_method(const saint_method *m, saint_stage stage, int n, int dim, const float *keys, const float *attention,
                                const int32_t *patch, int repeats, cJSON *list, saint_error *err)
{
    int side = 1;
    while (side * side < n) side++;
    saint_select_in in = {.stage = stage, .n = n, .dim = dim, .n_prefix = stage == SAINT_STAGE_VIT, .metric = keys, .attention = attention,
                          .patch = patch, .grid_w = side, .grid_h = side, .forced_drop = -1};
    saint_method_params_default(stage, &in.p);
    if (in.p.keep_num > n || in.p.keep_num < 0) in.p.keep_num = n * 65 / 100;
    double *t = malloc((size_t)repeats * sizeof *t);
    if (!t) return saint_fail(err, SAINT_MEMORY, "no memory");
    int kept = 0;
    saint_status s = SAINT_OK;
    for (int i = -3; i < repeats && s == SAINT_OK; i++) { /* three to warm up */
        saint_select_out out;
        double begin = saint_now();
        s = saint_select_run(m, &in, &out, err);
        double seconds = saint_now() - begin;
        if (s != SAINT_OK) break;
        if (i >= 0) t[i] = seconds;
        kept = out.n_keep;
        saint_select_free(&out);
    }
    if (s == SAINT_OK) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "method", m->name);
        cJSON_AddStringToObject(o, "stage", stage == SAINT_STAGE_VIT ? "vit" : "llm");
        cJSON_AddNumberToObject(o, "n", n);
        cJSON_AddNumberToObject(o, "dim", dim);
        cJSON_AddNumberToObject(o, "kept", kept);
        cJSON_AddNumberToObject(o, "ms", bench_median(t, repeats) * 1e3);
        cJSON_AddNumberToObject(o, "ms_min", t[0] * 1e3);
        cJSON_AddNumberToObject(o, "ms_max", t[repeats - 1] * 1e3);
        cJSON_AddItemToArray(list, o);
    }
    free(t);
    return s;
}

cJSON *bench_select(int repeats, saint_error *err)
{
    static const struct {
        saint_stage stage;
        int n, dim;
    } cases[] = {{SAINT_STAGE_VIT, 576, 64}, {SAINT_STAGE_VIT, 256, 80}, {SAINT_STAGE_LLM, 576, 128}, {SAINT_STAGE_LLM, 192, 128}};
    cJSON *list = cJSON_CreateArray();
    saint_status s = SAINT_OK;
    for (size_t c = 0; c < sizeof cases / sizeof *cases && s == SAINT_OK; c++) {
        int n = cases[c].n;
        float *keys = clustered_keys(n, cases[c].dim), *attention = malloc((size_t)n * sizeof *attention);
        int32_t *patch = malloc((size_t)n * sizeof *patch);
        if (!keys || !attention || !patch) s = saint_fail(err, SAINT_MEMORY, "no memory");
        for (int i = 0; s == SAINT_OK && i < n; i++) {
            attention[i] = (float)((i * 7919) % n) / (float)n;
            patch[i] = i;
        }
        for (int k = 0; s == SAINT_OK && saint_method_at(k); k++)
            if (saint_method_at(k)->stages & 1u << cases[c].stage)
                s = time_method(saint_method_at(k), cases[c].stage, n, cases[c].dim, keys, attention, patch, repeats, list, err);
        free(keys);
        free(attention);
        free(patch);
    }
    if (s == SAINT_OK) return list;
    cJSON_Delete(list);
    return NULL;
}

void bench_select_print(const cJSON *c)
{
    printf("%-28s %-5s %5s %5s %6s %9s %9s %9s\n", "selection, one thread", "stage", "n", "dim", "kept", "ms", "min", "max");
    for (const cJSON *o = c->child; o; o = o->next)
        printf("%-28s %-5s %5d %5d %6d %9.4f %9.4f %9.4f\n", cJSON_GetObjectItem(o, "method")->valuestring,
               cJSON_GetObjectItem(o, "stage")->valuestring, cJSON_GetObjectItem(o, "n")->valueint, cJSON_GetObjectItem(o, "dim")->valueint,
               cJSON_GetObjectItem(o, "kept")->valueint, cJSON_GetObjectItem(o, "ms")->valuedouble,
               cJSON_GetObjectItem(o, "ms_min")->valuedouble, cJSON_GetObjectItem(o, "ms_max")->valuedouble);
}
