#include "backend/self_check.h"

#include <math.h>
#include <stdlib.h>

enum { ROWS = 33, IN = 128, HEAD = 64, OUT = 3 * HEAD };

/* One side's results: attention [ROWS, HEAD] and the last row's product [OUT], as f32. */
typedef struct {
    float attention[ROWS * HEAD], last[OUT];
} result;

/* What both sides are given: numbers that every type holds exactly. */
typedef struct {
    float x[ROWS * IN], w[OUT * IN], bias[OUT];
} given;

static void fill(given *g)
{
    uint32_t state = 1;
    float *p[] = {g->x, g->w, g->bias};
    const int n[] = {ROWS * IN, OUT * IN, OUT};
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < n[k]; i++) {
            state = state * 1664525u + 1013904223u;
            p[k][i] = (float)((int)(state >> 24) - 128) / (k == 1 ? 1024.0f : 64.0f);
        }
}

static saint_status compute(saint_backend *b, const given *g, result *out, saint_error *err)
{
    static const int32_t cu[] = {0, 9, ROWS};
    saint_status s = SAINT_OK;
    size_t e = saint_compute_size(b);
    void *wide = NULL, *x = NULL, *y = NULL, *last = NULL, *attention = NULL, *raw = malloc(ROWS * HEAD * sizeof(float));
    if (!raw) return saint_fail(err, SAINT_MEMORY, "no memory to check a device");
    if (s == SAINT_OK) s = b->op->alloc(b, sizeof g->x, &wide, err);
    if (s == SAINT_OK) s = b->op->alloc(b, ROWS * IN * e, &x, err);
    if (s == SAINT_OK) s = b->op->alloc(b, ROWS * OUT * e, &y, err);
    if (s == SAINT_OK) s = b->op->alloc(b, sizeof out->last, &last, err);
    if (s == SAINT_OK) s = b->op->alloc(b, ROWS * HEAD * e, &attention, err);
    if (s == SAINT_OK) s = b->op->upload(b, wide, g->x, sizeof g->x, err);
    if (s == SAINT_OK) s = b->op->narrow(b, wide, ROWS * IN, x, err);
    saint_linear_args l = {.m = ROWS, .x = x, .ldx = IN, .w = {g->w, SAINT_F32, OUT, IN}, .bias = g->bias, .y = y, .ytype = b->compute, .ldy = OUT};
    if (s == SAINT_OK) s = b->op->linear(b, &l, err);
    l.m = 1;
    l.x = (char *)x + (size_t)(ROWS - 1) * IN * e;
    l.y = last;
    l.ytype = SAINT_F32;
    if (s == SAINT_OK) s = b->op->linear_rows(b, &l, err);
    saint_attention_args a = {.q = y, .k = (char *)y + HEAD * e, .v = (char *)y + 2 * HEAD * e, .ldq = OUT, .ldk = OUT, .ldv = OUT, .n_heads = 1,
                              .n_kv_heads = 1, .head_dim = HEAD, .n_seqs = 2, .cu_q = cu, .cu_k = cu, .causal = true, .scale = 0.125f, .out = attention,
                              .ldo = HEAD};
    if (s == SAINT_OK) s = b->op->attention(b, &a, err);
    if (s == SAINT_OK) s = b->op->download(b, raw, attention, ROWS * HEAD * e, err);
    if (s == SAINT_OK) s = b->op->download(b, out->last, last, sizeof out->last, err);
    if (s == SAINT_OK) saint_to_f32(out->attention, raw, b->compute, ROWS * HEAD);
    void *buffers[] = {wide, x, y, last, attention};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) b->op->release(b, buffers[i]);
    free(raw);
    return s;
}

static double apart(const float *a, const float *b, int n)
{
    double diff = 0, norm = 0;
    for (int i = 0; i < n; i++) {
        diff += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        norm += (double)b[i] * (double)b[i];
    }
    return diff / norm; /* NaN where something is none */
}

saint_status saint_backend_self_check(saint_backend *b, saint_pool *pool, saint_error *err)
{
    saint_backend *cpu = NULL;
    result *found = calloc(2, sizeof *found), *want = found ? found + 1 : NULL;
    given *numbers = calloc(1, sizeof *numbers);
    double limit = b->compute == SAINT_F32 ? 1e-8 : b->compute == SAINT_F16 ? 1e-5 : 1e-3;
    if (numbers) fill(numbers);
    saint_status s = found && numbers ? saint_backend_cpu_open(&cpu, pool, SAINT_F32, "generic", err) : saint_fail(err, SAINT_MEMORY, "no memory to check a device");
    if (s == SAINT_OK) s = compute(cpu, numbers, want, err);
    if (s == SAINT_OK) s = compute(b, numbers, found, err);
    if (s == SAINT_OK) {
        double attention = apart(found->attention, want->attention, ROWS * HEAD), last = apart(found->last, want->last, OUT);
        if (!(attention <= limit && last <= limit))
            s = saint_fail(err, SAINT_DEVICE, "the %s backend (%s) computes other numbers than the CPU: errors of %.1e and %.1e, at most %.0e is expected",
                           b->op->name, b->tier, attention, last, limit);
    }
    saint_backend_close(cpu);
    saint_backend_close(b); /* before the weights that it has copies of */
    free(numbers);
    free(found);
    return s;
}
