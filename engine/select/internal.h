/* internal.h - what the methods share: one scratch block per call, ordered keys, similarity. Included by engine/select and
 * engine/methods only. */
#ifndef SAINT_SELECT_INTERNAL_H
#define SAINT_SELECT_INTERNAL_H

#include <math.h>
#include <string.h>

#include "select/method.h"

enum {
    SAINT_METHOD_FIXED = 1, SAINT_METHOD_MERGES = 2, SAINT_METHOD_ATTENTION = 4, SAINT_METHOD_TEXT = 8, /* flags of methods.def */
    SAINT_SELECT_MAX_TOKENS = 32767, /* rounds are int16 and there are never more rounds than tokens */
    SAINT_SELECT_MAX_DIM = 65536,
    SAINT_PUBLISHED_K = 5, SAINT_PUBLISHED_GAMMA = 10 /* what compat.vit_default_K_gamma puts in their place */
};

#define X(id, name, stages, params, flags, rule, summary, reference)                                       \
    saint_status saint_##id##_count(const saint_select_in *in, int *n_drop, saint_error *err);             \
    saint_status saint_##id##_select(const saint_select_in *in, saint_select_out *out, saint_error *err);
#include "select/methods.def"
#undef X

/* select.c: the checks of a selection in parts, for decisions that are made elsewhere (rule.c). */
/* Sizes, parameters, stage. */
saint_status saint_select_check(const saint_method *m, const saint_select_in *in, saint_error *err);
saint_status saint_select_allocate(int n_tokens, saint_select_out *out, saint_error *err);
/* Whether what a method returned is a permutation of a subset. */
saint_status saint_select_check_out(const saint_method *m, const saint_select_in *in, const saint_select_out *out, saint_error *err);
/* The error of a metric or an attention that is not finite. */
saint_status saint_select_not_finite(const saint_method *m, bool attention, int row, saint_error *err);
saint_status saint_select_unequal(const saint_method *m, int n, int first, saint_error *err); /* batch_mean_rate over unequal pictures */
/* Whether the pictures of a batch drop the mean of their counts. */
bool saint_select_coupled(const saint_method *m, const saint_select_in *in);

/* methods/hand.c */
extern const saint_method saint_method_hand;

/* Scratch: a call adds up what it needs with saint_scratch_bytes, opens once, takes 64-byte aligned pieces, closes. */
typedef struct {
    unsigned char *base;
    size_t used, size;
} saint_scratch;
static inline size_t saint_scratch_bytes(size_t count, size_t element)
{
    return (count * element + 63) / 64 * 64; /* counts are bounded by the two limits above: no overflow in 64 bits */
}
saint_status saint_scratch_open(saint_scratch *s, size_t bytes, saint_error *err);
void *saint_scratch_take(saint_scratch *s, size_t count, size_t element);
void saint_scratch_close(saint_scratch *s);

/* Ordered keys: descending order of keys = score descending, then index ascending. -0 equals +0; a NaN score is not allowed. */
static inline uint64_t saint_order_key(float score, int32_t index)
{
    uint32_t u;
    score += 0.0f; /* -0 becomes +0 */
    memcpy(&u, &score, sizeof u);
    u = u & 0x80000000u ? ~u : u | 0x80000000u;
    return (uint64_t)u << 32 | (uint32_t)~(uint32_t)index;
}
static inline int32_t saint_order_index(uint64_t key)
{
    return (int32_t)~(uint32_t)key;
}
/* Sort n keys, largest first; tmp has room for n. */
void saint_order_sort(uint64_t *key, uint64_t *tmp, int n);
/* Distance of the scores on both sides of the cut in n sorted keys of which the first n_first went one way: INFINITY when one side is
 * empty, 0 for two equal infinities. */
float saint_order_margin(const uint64_t *key, int n, int n_first, const float *score);

/* How many candidates a budget drops: forced_drop, else by keep_num (prefix rows counted), else by keep_ratio rounded up as EViT does. */
int saint_budget_drop(const saint_select_in *in);
/* Write the survivors (round < 0) into out->kept in their old order. */
void saint_keep_in_order(const saint_select_in *in, saint_select_out *out);
/* Drop n_drop tokens by out->score: the highest when drop_high, else the lowest; ties by index. Fills round, n_rounds, margin and, when
 * sorted, out->kept in descending score order (drop_high false), else in old order. Every score must be a number. */
saint_status saint_drop_by_score(const saint_select_in *in, saint_select_out *out, int n_drop, bool drop_high, bool sorted,
                                 saint_error *err);

/* First row of x [n, dim] that has a NaN or an infinity, -1 when there is none. */
int saint_non_finite_row(const float *x, int n, int dim);
/* unit [n, dim] = rows of x over their Euclidean norm, f32; returns the number of zero rows. A zero row stays zero: its cosine to every
 * row, itself included, is 0 (the published code divides 0 by 0). */
int saint_unit_rows(const float *x, int n, int dim, float *unit);
/* The same for a method's metric; SAINT_INVALID when there is none. */
saint_status saint_unit_metric(const saint_select_in *in, float *unit, saint_error *err);
/* What a cosine is compared with. It lies in [-1, 1]; a product rounded to 1.0000001 or -1.0000001 must not say otherwise at a threshold
 * outside of it. */
static inline float saint_reach(float threshold)
{
    return threshold <= -1.0f ? -INFINITY : threshold > 1.0f ? INFINITY : threshold;
}
/* How many of m rows of products with n columns to compute at a time: all of them, because every call packs b anew, unless they would
 * take more than a few megabytes. */
static inline int saint_similarity_rows(int m, int n)
{
    int rows = (1 << 20) / (n > 0 ? n : 1);
    rows = rows < 64 ? 64 : rows;
    return rows < m ? rows : m;
}
/* c[m, n] = a b^T in f32; lda, ldb, ldc in elements; scratch of saint_similarity_scratch() bytes. */
size_t saint_similarity_scratch(void);
void saint_similarity(int m, int n, int dim, const float *a, int lda, const float *b, int ldb, float *c, int ldc, void *scratch);

#endif
