/* gemm.c - y = epilogue(x W^T): cuts the product into chunks for the pool and drives the tiles of one tier.
 *
 * A chunk is one column panel by one block of rows. Its worker packs the panel from the mapped weights into its own scratch, K block
 * by K block, and streams the rows past it. K is never split between workers and every output is one running sum over k, so neither
 * the cut nor the number of threads nor the other rows can change a bit. */
#include "backend/cpu/gemm.h"

#include <limits.h>
#include <string.h>

typedef struct {
    const saint_gemm_tier *tier;
    const saint_gemm_kernel *kernel;
    saint_gemm_dot_fn dot;
    const char *x, *w;
    size_t xpitch, wpitch;
    saint_dtype xtype, wtype;
    bool widened; /* x is bf16 and the kernel is f32 */
    bool direct;  /* no epilogue: whole tiles are summed in y itself */
    int64_t m, n, k, block_m, block_k;
    int64_t panels; /* of x, in a turned product */
    int blocks_m; /* row blocks per panel */
    int workers;
    saint_gemm_finish finish; /* of element (0, 0) */
    void **scratch;
} gemm;

/* What a worker's scratch is cut into. */
typedef struct {
    float panel[SAINT_GEMM_PANEL_BYTES / sizeof(float)];
    float sums[SAINT_GEMM_BLOCK_ROWS * SAINT_GEMM_MAX_COLS];
    float wide[SAINT_GEMM_MAX_ROWS * SAINT_GEMM_WIDE_K]; /* a tile's rows of bf16 x for an f32 kernel */
    float shared[SAINT_GEMM_SHARED_BYTES / sizeof(float)]; /* worker 0's is everybody's: x packed, in a turned product */
} gemm_scratch;

size_t saint_cpu_gemm_scratch_bytes(void)
{
    return sizeof(gemm_scratch);
}

const saint_gemm_tier *saint_gemm_tier_of(saint_cpu_tier t)
{
    switch (t) {
#if defined(__x86_64__)
    case SAINT_TIER_AVX2: return &saint_gemm_avx2;
    case SAINT_TIER_AVX512:
    case SAINT_TIER_AVX512BF16: return &saint_gemm_avx512;
#endif
    default: return &saint_gemm_generic;
    }
}

const saint_gemm_bf16 *saint_gemm_bf16_of(saint_cpu_tier t)
{
#if defined(__x86_64__)
    if (t == SAINT_TIER_AVX512BF16) return &saint_gemm_avx512bf16;
#endif
    (void)t;
    return NULL;
}

static int64_t round_up(int64_t a, int64_t unit)
{
    return (a + unit - 1) / unit * unit;
}

/* f moved to row i, column j */
static saint_gemm_finish finish_at(const saint_gemm_finish *f, int64_t i, int64_t j)
{
    saint_gemm_finish g = *f;
    size_t at = (size_t)(i * f->ld + j);
    g.y = (char *)f->y + at * saint_dtype_size(f->ytype);
    if (f->bias) g.bias = f->bias + j;
    if (f->scale) g.scale = f->scale + j;
    if (f->residual) g.residual = f->residual + at;
    if (f->gate) g.gate = (const char *)f->gate + at * saint_dtype_size(f->gate_type);
    return g;
}

/* Calls in what the finish of a tile will read besides its sums: the sums take longer than memory does. */
static void finish_soon(const saint_gemm_finish *f, int rows, int cols)
{
    if (!f->residual && !f->gate) return;
    const char *from = f->residual ? (const char *)f->residual : f->gate;
    const size_t size = f->residual ? sizeof(float) : saint_dtype_size(f->gate_type);
    for (int i = 0; i < rows; i++)
        for (size_t at = 0; at < (size_t)cols * size; at += 64) __builtin_prefetch(from + (size_t)i * (size_t)f->ld * size + at);
}

static void gemm_tile(const gemm *g, gemm_scratch *s, int64_t row, int rows, int64_t col, int cols, int64_t k0, int64_t k1,
                      int64_t block_row, saint_gemm_ahead ahead)
{
    const saint_gemm_kernel *kernel = g->kernel;
    const void *x = g->x + (size_t)row * g->xpitch + (size_t)k0 * saint_dtype_size(g->xtype);
    size_t xpitch = g->xpitch;
    if (g->widened) {
        g->tier->widen(x, xpitch, rows, k1 - k0, s->wide);
        x = s->wide;
        xpitch = (size_t)(k1 - k0) * sizeof(float);
    }
    bool last = k1 == g->k;
    if (g->direct && cols == kernel->cols) {
        kernel->tile(rows, k1 - k0, x, xpitch, s->panel, (float *)g->finish.y + row * g->finish.ld + col, g->finish.ld, k0 > 0, ahead);
        return;
    }
    /* With one K block the sums of a tile are finished while they are in L1, so all tiles share one place. */
    float *c = s->sums + (k0 == 0 && last ? 0 : (row - block_row) * kernel->cols);
    const saint_gemm_finish f = finish_at(&g->finish, row, col);
    if (last) finish_soon(&f, rows, cols);
    kernel->tile(rows, k1 - k0, x, xpitch, s->panel, c, kernel->cols, k0 > 0, ahead);
    if (last) g->tier->finish(&f, c, kernel->cols, rows, cols);
}

/* Where this worker's next weights are: the next K block of the same rows, or the panel that falls to it if all workers keep pace. */
typedef struct {
    uintptr_t at; /* 0: nothing comes, or it is not known what */
    size_t slice; /* bytes of each row */
} next_weights;

static next_weights gemm_next(const gemm *g, int chunk, int64_t k1)
{
    int64_t panel = k1 < g->k ? chunk / g->blocks_m : (chunk + g->workers) / g->blocks_m, k0 = k1 < g->k ? k1 : 0;
    if (panel * g->kernel->cols >= g->n) return (next_weights){0};
    int64_t k = g->k - k0 < g->block_k ? g->k - k0 : g->block_k;
    size_t size = saint_dtype_size(g->wtype);
    return (next_weights){(uintptr_t)g->w + (size_t)(panel * g->kernel->cols) * g->wpitch + (size_t)k0 * size, (size_t)k * size};
}

/* Share t of `shares` of `rows` rows: whole row slices, spread evenly over the steps of a tile; slices that touch are one. */
static saint_gemm_ahead gemm_ahead(const gemm *g, next_weights next, int64_t rows, int64_t t, int64_t shares, int64_t steps)
{
    int64_t from = t * rows / shares, to = (t + 1) * rows / shares;
    if (!next.at || to == from || steps < to - from) return (saint_gemm_ahead){.at = (uintptr_t)g->w, .steps = steps + 1};
    int64_t slices = next.slice == g->wpitch ? 1 : to - from;
    saint_gemm_ahead ahead = {.at = next.at + (size_t)from * g->wpitch, .steps = (steps + slices - 1) / slices, .pitch = g->wpitch};
    ahead.stride = (size_t)(to - from) * next.slice / (size_t)(slices * ahead.steps) + 1;
    return ahead;
}

static void gemm_chunk(void *ctx, int chunk, int worker)
{
    const gemm *g = ctx;
    gemm_scratch *s = g->scratch[worker];
    int64_t col = (int64_t)(chunk / g->blocks_m) * g->kernel->cols, row0 = (int64_t)(chunk % g->blocks_m) * g->block_m;
    int64_t row1 = row0 + g->block_m < g->m ? row0 + g->block_m : g->m;
    int cols = g->n - col < g->kernel->cols ? (int)(g->n - col) : g->kernel->cols;
    int64_t k0 = 0;
    do {
        int64_t k1 = k0 + g->block_k < g->k ? k0 + g->block_k : g->k;
        const char *w = g->w + (size_t)col * g->wpitch + (size_t)k0 * saint_dtype_size(g->wtype);
        g->kernel->pack(w, g->wpitch, g->wtype, cols, k1 - k0, s->panel);
        /* Tiles of nearly equal height: a last tile of one or two rows would wait for its few sums. */
        int64_t tiles = (row1 - row0 + g->kernel->rows - 1) / g->kernel->rows;
        next_weights next = gemm_next(g, chunk, k1);
        for (int64_t row = row0, i = 0; i < tiles; i++) {
            int rows = (int)((row1 - row + tiles - i - 1) / (tiles - i));
            gemm_tile(g, s, row, rows, col, cols, k0, k1, row0,
                      gemm_ahead(g, next, g->kernel->cols, i, tiles, (k1 - k0) / g->kernel->step_k));
            row += rows;
        }
        k0 = k1;
    } while (k0 < g->k);
}

/* Fills the cut of g; returns the number of chunks. The cut follows from m, n and k alone. */
static int64_t gemm_cut(gemm *g)
{
    const saint_gemm_kernel *kernel = g->kernel;
    int64_t panels = (g->n + kernel->cols - 1) / kernel->cols;
    int64_t blocks_k = (g->k + kernel->block_k - 1) / kernel->block_k;
    if (blocks_k < 1) blocks_k = 1;
    g->block_k = round_up((g->k + blocks_k - 1) / blocks_k, 2);
    if (g->block_k < 2) g->block_k = 2;

    /* Enough chunks for many threads, but no block so low that packing shows. */
    int64_t blocks_m = (g->m + SAINT_GEMM_BLOCK_ROWS - 1) / SAINT_GEMM_BLOCK_ROWS;
    while (panels * blocks_m < 32 && g->m / (blocks_m + 1) >= 96) blocks_m++;
    g->block_m = round_up((g->m + blocks_m - 1) / blocks_m, kernel->rows);
    if (g->block_m > SAINT_GEMM_BLOCK_ROWS) g->block_m = SAINT_GEMM_BLOCK_ROWS / kernel->rows * kernel->rows;
    blocks_m = (g->m + g->block_m - 1) / g->block_m;
    g->blocks_m = blocks_m < INT_MAX ? (int)blocks_m : INT_MAX;
    return panels * blocks_m;
}

/* ---- the turned product: few rows --------------------------------------------------------------------------------------------
 *
 * With few rows, packing weights that are used so little costs a tenth of the time and more. When the weights are stored in the
 * kernel's own type, x is packed instead, once, and y^T = W x^T is summed with rows of W broadcast as they lie in the file. Products
 * commute and k runs in the same order, so the bits are those of the other way. */

enum { TURNED_MAX_ROWS = 192, TURNED_COLS = 32, TURNED_BLOCK_BYTES = 384 * 1024 };

static char *turned_panel(const gemm *g, int64_t block, int64_t panel)
{
    size_t bytes = (size_t)(g->kernel->cols * g->block_k) * saint_dtype_size(g->kernel->type);
    return (char *)((gemm_scratch *)g->scratch[0])->shared + (size_t)(block * g->panels + panel) * bytes;
}

/* Sets the cut of a turned product; false when the other way is faster or x does not fit. Follows from m, n, k and types alone. */
static bool turned_cut(gemm *g)
{
    const saint_gemm_kernel *kernel = g->kernel;
    /* Packing a vector of weights costs as much as the sums of some 8 rows; lanes without a row cost as much as one with. */
    int64_t lanes = round_up(g->m, kernel->cols);
    if (g->wtype != kernel->type || g->m > TURNED_MAX_ROWS || lanes >= g->m + 8 || g->n < 4 * TURNED_COLS || g->k < 64) return false;
    int64_t size = (int64_t)saint_dtype_size(kernel->type), fit = TURNED_BLOCK_BYTES / (lanes * size), blocks = (g->k + fit - 1) / fit;
    g->block_k = round_up((g->k + blocks - 1) / blocks, 2);
    g->panels = lanes / kernel->cols;
    return blocks * g->block_k * lanes * size <= SAINT_GEMM_SHARED_BYTES && g->n / TURNED_COLS < INT_MAX;
}

static void turned_pack(void *ctx, int chunk, int worker)
{
    const gemm *g = ctx;
    const saint_gemm_kernel *kernel = g->kernel;
    (void)worker;
    int64_t block = chunk / g->panels, panel = chunk % g->panels, row = panel * kernel->cols, k0 = block * g->block_k;
    int64_t k = g->k - k0 < g->block_k ? g->k - k0 : g->block_k, rows = g->m - row < kernel->cols ? g->m - row : kernel->cols;
    const char *x = g->x + (size_t)row * g->xpitch + (size_t)k0 * saint_dtype_size(g->xtype);
    kernel->pack(x, g->xpitch, g->xtype, (int)rows, k, turned_panel(g, block, panel));
}

/* Sums of `rows` rows of W from `row` on against all panels, for one K block. next: what comes after, `next_rows` of it. */
static void turned_tile(const gemm *g, int64_t row, int rows, int64_t k0, float *sums, next_weights next, int next_rows)
{
    const saint_gemm_kernel *kernel = g->kernel;
    int64_t k = g->k - k0 < g->block_k ? g->k - k0 : g->block_k, lanes = g->panels * kernel->cols;
    const char *w = g->w + (size_t)row * g->wpitch + (size_t)k0 * saint_dtype_size(g->wtype);
    for (int64_t p = 0; p < g->panels; p++)
        kernel->tile(rows, k, w, g->wpitch, turned_panel(g, k0 / g->block_k, p), sums + p * kernel->cols, lanes, k0 > 0,
                     gemm_ahead(g, next, next_rows, p, g->panels, k / kernel->step_k));
}

/* y from the sums of `count` columns from `col` on; packing as f32 is the transposition that is wanted */
static void turned_finish(const gemm *g, float *sums, float *tile, int64_t col, int count)
{
    const saint_gemm_kernel *f32 = g->tier->f32;
    int64_t lanes = g->panels * g->kernel->cols;
    for (int j = 0; j < count; j += f32->cols) {
        int cols = count - j < f32->cols ? count - j : f32->cols;
        for (int64_t row = 0; row < g->m; row += f32->cols) {
            int rows = g->m - row < f32->cols ? (int)(g->m - row) : f32->cols;
            f32->pack(sums + j * lanes + row, (size_t)lanes * sizeof(float), SAINT_F32, cols, rows, tile);
            saint_gemm_finish f = finish_at(&g->finish, row, col + j);
            g->tier->finish(&f, tile, f32->cols, rows, cols);
        }
    }
}

static void turned_chunk(void *ctx, int chunk, int worker)
{
    const gemm *g = ctx;
    gemm_scratch *s = g->scratch[worker];
    int64_t col = (int64_t)chunk * TURNED_COLS, lanes = g->panels * g->kernel->cols;
    int count = g->n - col < TURNED_COLS ? (int)(g->n - col) : TURNED_COLS, tiles = (count + g->kernel->rows - 1) / g->kernel->rows;
    size_t size = saint_dtype_size(g->wtype);
    for (int64_t k0 = 0; k0 < g->k; k0 += g->block_k) {
        for (int i = 0; i < tiles; i++) {
            int from = i * count / tiles, to = (i + 1) * count / tiles;
            /* Next come the following tile, the first tile's next K block, or the first tile of the chunk that falls to this worker. */
            int64_t row = col + to, k1 = k0;
            if (i + 1 == tiles) {
                row = col;
                k1 = k0 + g->block_k;
            }
            if (k1 >= g->k) {
                row = col + (int64_t)g->workers * TURNED_COLS;
                k1 = 0;
            }
            int64_t k = g->k - k1 < g->block_k ? g->k - k1 : g->block_k;
            next_weights next = {row < g->n ? (uintptr_t)g->w + (size_t)row * g->wpitch + (size_t)k1 * size : 0, (size_t)k * size};
            turned_tile(g, col + from, to - from, k0, s->sums + from * lanes, next, to - from);
        }
    }
    turned_finish(g, s->sums, s->sums + TURNED_COLS * lanes, col, count);
}

static saint_status linear_check(const saint_backend *b, const saint_linear_args *a, saint_error *err)
{
    const saint_matrix *w = &a->w;
    if (w->type != SAINT_F32 && w->type != SAINT_F16 && w->type != SAINT_BF16)
        return saint_fail(err, SAINT_UNSUPPORTED, "linear: weights of type F32, F16 or BF16 are expected, found %s",
                          saint_dtype_name(w->type));
    if (a->ytype != SAINT_F32 && a->ytype != b->compute)
        return saint_fail(err, SAINT_INVALID, "linear: output of type F32 or %s is expected, found %s", saint_dtype_name(b->compute),
                          saint_dtype_name(a->ytype));
    if (a->residual && (a->ytype != SAINT_F32 || a->gate))
        return saint_fail(err, SAINT_INVALID, "linear: a residual goes with an F32 output and without a gate");
    if (a->m < 0 || w->rows < 0 || w->cols < 0 || (a->m > 1 && (a->ldx < w->cols || a->ldy < w->rows)))
        return saint_fail(err, SAINT_INVALID,
                          "linear: rows of at least %lld and %lld elements are expected, found ldx %lld and ldy %lld for %lld rows",
                          (long long)w->cols, (long long)w->rows, (long long)a->ldx, (long long)a->ldy, (long long)a->m);
    return SAINT_OK;
}

static gemm gemm_of(const saint_cpu *cpu, const saint_linear_args *a)
{
    const saint_gemm_tier *tier = saint_gemm_tier_of(cpu->tier);
    saint_dtype compute = cpu->base.compute;
    const saint_gemm_bf16 *pairs = compute == SAINT_BF16 ? saint_gemm_bf16_of(cpu->tier) : NULL;
    return (gemm){
        .tier = tier,
        .kernel = pairs ? pairs->kernel : tier->f32,
        .x = a->x,
        .w = a->w.data,
        .xpitch = (size_t)a->ldx * saint_dtype_size(compute),
        .wpitch = (size_t)a->w.cols * saint_dtype_size(a->w.type),
        .xtype = compute,
        .wtype = a->w.type,
        .dot = pairs && a->w.type == SAINT_BF16 ? pairs->dot : tier->dot,
        .widened = compute == SAINT_BF16 && !pairs,
        .direct = !a->bias && !a->act && !a->scale && !a->residual && !a->gate && a->ytype == SAINT_F32,
        .m = a->m,
        .n = a->w.rows,
        .k = a->w.cols,
        .finish = {.bias = a->bias, .scale = a->scale, .residual = a->residual, .gate = a->gate, .y = a->y, .ld = a->ldy, .act = a->act,
                   .gate_type = compute, .ytype = a->ytype},
        .scratch = cpu->scratch,
        .workers = cpu->workers,
    };
}

saint_status saint_cpu_linear(saint_backend *b, const saint_linear_args *a, saint_error *err)
{
    saint_status status = linear_check(b, a, err);
    if (status || a->m == 0 || a->w.rows == 0) return status;
    gemm g = gemm_of((const saint_cpu *)b, a);
    if (turned_cut(&g)) {
        int64_t blocks = (g.k + g.block_k - 1) / g.block_k;
        saint_pool_run(b->pool, (int)(blocks * g.panels), turned_pack, &g);
        saint_pool_run(b->pool, (int)((g.n + TURNED_COLS - 1) / TURNED_COLS), turned_chunk, &g);
        return SAINT_OK;
    }
    int64_t chunks = gemm_cut(&g);
    if (chunks > INT_MAX)
        return saint_fail(err, SAINT_INVALID, "linear: %lld x %lld is too large a product", (long long)g.m, (long long)g.n);
    saint_pool_run(b->pool, (int)chunks, gemm_chunk, &g);
    return SAINT_OK;
}

void saint_cpu_sgemm_nt(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b, int64_t ldb, float *c, int64_t ldc,
                        void *scratch)
{
    if (m <= 0 || n <= 0) return;
    const saint_gemm_tier *tier = saint_gemm_tier_of(saint_cpu_best_tier());
    gemm g = {
        .tier = tier,
        .kernel = tier->f32,
        .x = (const char *)a,
        .w = (const char *)b,
        .xpitch = (size_t)lda * sizeof(float),
        .wpitch = (size_t)ldb * sizeof(float),
        .xtype = SAINT_F32,
        .wtype = SAINT_F32,
        .direct = true,
        .m = m,
        .n = n,
        .k = k,
        .finish = {.y = c, .ld = ldc, .gate_type = SAINT_F32, .ytype = SAINT_F32},
        .scratch = &scratch,
        .workers = 1,
    };
    int64_t chunks = gemm_cut(&g);
    for (int64_t i = 0; i < chunks; i++) gemm_chunk(&g, (int)i, 0);
}

/* ---- decode -------------------------------------------------------------------------------------------------------------- */

enum { ROWS_CHUNK_COLS = 64 };

/* Weight rows per chunk: half a megabyte, so that the streams run long and threads still share well. */
static int rows_chunk_cols(const gemm *g)
{
    size_t fit = (size_t)(512 * 1024) / (g->wpitch ? g->wpitch : 1);
    int64_t share = round_up((g->n + 31) / 32, 4); /* at least 32 chunks when there are rows enough */
    int cols = fit < 8 ? 8 : fit > ROWS_CHUNK_COLS ? ROWS_CHUNK_COLS : (int)(fit / 4 * 4);
    return share < cols ? (int)(share < 4 ? 4 : share) : cols;
}

static void rows_chunk(void *ctx, int chunk, int worker)
{
    const gemm *g = ctx;
    gemm_scratch *s = g->scratch[worker];
    int step = (int)g->block_m; /* columns per chunk, see saint_cpu_linear_rows */
    int64_t col = (int64_t)chunk * step;
    int cols = g->n - col < step ? (int)(g->n - col) : step;
    for (int64_t row = 0; row < g->m; row += SAINT_GEMM_DOT_ROWS) {
        int rows = g->m - row < SAINT_GEMM_DOT_ROWS ? (int)(g->m - row) : SAINT_GEMM_DOT_ROWS;
        g->dot(rows, cols, g->k, g->x + (size_t)row * g->xpitch, g->xpitch, g->xtype, g->w + (size_t)col * g->wpitch, g->wpitch,
                     g->wtype, s->sums, ROWS_CHUNK_COLS);
        saint_gemm_finish f = finish_at(&g->finish, row, col);
        g->tier->finish(&f, s->sums, ROWS_CHUNK_COLS, rows, cols);
    }
}

saint_status saint_cpu_linear_rows(saint_backend *b, const saint_linear_args *a, saint_error *err)
{
    saint_status status = linear_check(b, a, err);
    if (status || a->m == 0 || a->w.rows == 0) return status;
    gemm g = gemm_of((const saint_cpu *)b, a);
    int step = rows_chunk_cols(&g);
    g.block_m = step;
    int64_t chunks = (g.n + step - 1) / step;
    if (chunks > INT_MAX) return saint_fail(err, SAINT_INVALID, "linear_rows: %lld rows of weights are too many", (long long)g.n);
    saint_pool_run(b->pool, (int)chunks, rows_chunk, &g);
    return SAINT_OK;
}
