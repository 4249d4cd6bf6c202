/* fused.h - what a device does in one go where the plain table takes several steps or the host's hand: joined products, greedy decoding
 * without the host, and recorded work.
 *
 * Optional, all of it or none. The CPU has none: it would win nothing, and its bits stay what they are. */
#ifndef SAINT_BACKEND_FUSED_H
#define SAINT_BACKEND_FUSED_H

#include "backend/backend.h"

/* Products of one x with up to three weights, side by side: y[m, :] = [x w0^T + b0 | x w1^T + b1 | ..]. The device keeps the weights joined. */
enum { SAINT_JOINED = 3 };
typedef struct {
    int64_t m;
    const void *x; /* [m, cols], compute type, rows ldx elements apart */
    int64_t ldx;
    int n;                          /* weights, 2 or 3, of the same cols */
    saint_matrix w[SAINT_JOINED];
    const float *bias[SAINT_JOINED]; /* NULL: none */
    void *y;                        /* [m, sum of rows], compute type, rows ldy apart */
    int64_t ldy;
    bool rows; /* as linear_rows, not as linear */
} saint_joined_args;

/* Queries, keys and values side by side in each row [heads * hd | kv_heads * hd | kv_heads * hd]. */
typedef struct {
    void *qkv; /* compute type, rows ld apart; the queries are rotated in place */
    int64_t ld;
    int n_heads, n_kv_heads, head_dim;
    const float *inv_freq; /* host [head_dim / 2], a weight */
} saint_qkv;

/* One layer of a decode step, in backend memory. A step appends behind `rows`, which then counts one more, as `position` does. */
typedef struct {
    void *k, *v;      /* compute type [capacity, kv_heads * hd] */
    int32_t rows;     /* in the cache */
    int32_t position; /* rotary position of the next row */
} saint_decode_layer;

/* Work of the backend that was recorded. */
typedef struct saint_recording saint_recording;

typedef struct saint_fused_ops {
    saint_status (*linear_joined)(saint_backend *b, const saint_joined_args *a, saint_error *err);
    /* y[t, n] = silu(x[t, :n]) * x[t, n:2n]; compute type, rows of x 2n and of y n apart */
    saint_status (*swiglu)(saint_backend *b, const void *x, int64_t rows, int64_t n, void *y, saint_error *err);
    /* Prefill: rotates queries and keys by pos (host [rows]); keys and values go to k and v (rows kv_heads * hd apart). */
    saint_status (*rope_store)(saint_backend *b, const saint_qkv *a, int64_t rows, const int32_t *pos, void *k, void *v, saint_error *err);

    /* ---- one row, which stands where the device's own memory says ---- */
    /* x f32 [1, cols] = table[*token] */
    saint_status (*embed_token)(saint_backend *b, const saint_matrix *table, const int32_t *token, float *x, saint_error *err);
    /* As rope_store of one row, by layer->position, behind layer->rows. */
    saint_status (*rope_append)(saint_backend *b, const saint_qkv *a, const saint_decode_layer *layer, saint_error *err);
    /* out [n_heads * hd], compute type = attention of one row of queries over layer->rows + 1 keys, of which there are at most `most`. partial:
     * backend f32, saint_decode_partial(n_heads, head_dim) elements. The bits depend on the keys and on saint_decode_bucket(most). */
    saint_status (*attention_one)(saint_backend *b, const saint_qkv *a, const saint_decode_layer *layer, float scale, int most, float *partial,
                                  void *out, saint_error *err);
    /* *token = the place of the largest of n logits, the lowest on ties; then one more row and position in each of the layers. */
    saint_status (*take_best)(saint_backend *b, const float *logits, int n, int32_t *token, saint_decode_layer *layers, int n_layers,
                              saint_error *err);

    /* ---- recorded work ---- */
    /* From here on operations are kept and not done. Host arguments are kept with them. Refused, and then the recording is lost: waiting,
     * uploads, downloads, allocations and weights that are not on the device yet; so do once what is to be recorded. Work of one thread;
     * release waits elsewhere. */
    saint_status (*record)(saint_backend *b, saint_error *err);
    /* Ends it also when this fails. out NULL: it is thrown away. */
    saint_status (*recorded)(saint_backend *b, saint_recording **out, saint_error *err);
    /* Whether the memory of its own that the backend had then is still there; if not, record again. */
    bool (*recording_valid)(const saint_backend *b, const saint_recording *r);
    /* Does all of it once more, at the same addresses. */
    saint_status (*replay)(saint_backend *b, const saint_recording *r, saint_error *err);
    void (*forget)(saint_backend *b, saint_recording *r); /* NULL is allowed */
} saint_fused_ops;

/* Keys are split between blocks by the capacity's bucket, so that a recorded step fits until the bucket is full. */
enum { SAINT_DECODE_SPLITS = 16, SAINT_DECODE_KEYS = 256 };
static inline int saint_decode_bucket(int most)
{
    int splits = 1;
    while (splits < SAINT_DECODE_SPLITS && splits * SAINT_DECODE_KEYS < most) splits *= 2;
    return splits;
}
static inline size_t saint_decode_partial(int n_heads, int head_dim)
{
    return (size_t)SAINT_DECODE_SPLITS * (size_t)n_heads * (size_t)(head_dim + 2);
}

#endif
