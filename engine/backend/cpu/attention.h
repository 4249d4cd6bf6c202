/* attention.h - what attention.c asks of a tier's kernels (attention.inc compiled once per instruction set). */
#ifndef SAINT_BACKEND_CPU_ATTENTION_H
#define SAINT_BACKEND_CPU_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dtype.h"

enum {
    SAINT_ATTN_KEYS = 64,     /* keys of a tile; tiles start at key 0 of the sequence, whatever the queries are */
    SAINT_ATTN_GROUP = 12,    /* queries whose scores are in cache together; a multiple of every tier's register rows */
    SAINT_ATTN_ROWS = 324,    /* most queries of a block: a multiple of every tier's register rows */
    SAINT_ATTN_HEAD_DIM = 256, /* largest head that the scratch holds */
    SAINT_ATTN_PIECE = 32,     /* keys that decoding reads in one go: enough to be worth a call, few enough for many threads */
    SAINT_ATTN_PIECE_HEADS = 64 /* and query heads */
};

/* One head of one block of queries against all keys of its sequence. Pointers are at the block's first query, at the sequence's
 * first key, and at the head. */
typedef struct {
    const void *q, *k, *v;
    void *out;
    saint_dtype type; /* F32 or BF16, of all four */
    int64_t ldq, ldk, ldv, ldo;
    int nq, nk, head_dim;
    int visible; /* keys that the first query sees */
    bool causal; /* each further query sees one key more; otherwise all see nk */
    float scale;
    const float *key_bias; /* [nk] or NULL */
} saint_attn_block;

/* s[j] = q . k_j, neither scaled nor biased, summed as the block kernel sums */
typedef struct {
    const void *q, *k;
    saint_dtype type;
    int64_t ldk;
    int nk, head_dim;
    float *s;
} saint_attn_scores;

/* One query row against some of its keys, in decoding; pointers are at the row's first head, and at the piece's first key and the rows'
 * first head. */
typedef struct {
    const void *q, *k, *v;
    saint_dtype type; /* F32 or BF16, of all */
    int64_t ldk, ldv;
    int n;                       /* keys, 1..SAINT_ATTN_PIECE */
    int first_kv, n_kv, per_kv;  /* key heads first_kv..first_kv + n_kv - 1, each with per_kv query heads; at most SAINT_ATTN_PIECE_HEADS */
    int head_dim;
    float scale;
    float *part; /* of query head first_kv * per_kv: its maximum, sum and output, then those of the next head */
} saint_attn_piece;

/* One head's parts to its output. */
typedef struct {
    const float *part; /* of the first piece */
    size_t stride;     /* floats from piece to piece */
    int pieces, head_dim;
    saint_dtype type;
    void *out;
} saint_attn_merge;

typedef struct {
    void (*block)(const saint_attn_block *a, void *scratch);
    void (*scores)(const saint_attn_scores *a, void *scratch);
    size_t (*part_floats)(int head_dim); /* of one head in one piece */
    void (*piece)(const saint_attn_piece *a, void *scratch);
    void (*merge)(const saint_attn_merge *a);
} saint_attn_kernels;

extern const saint_attn_kernels saint_attn_generic;
#if defined(__x86_64__)
extern const saint_attn_kernels saint_attn_avx2;
extern const saint_attn_kernels saint_attn_avx512;
extern const saint_attn_kernels saint_attn_avx512bf16; /* type BF16 only */
#endif

/* The scratch of one worker. Words are f32 values, or pairs of bf16 where the tier multiplies pairs. */
typedef struct {
    uint32_t q[SAINT_ATTN_ROWS * SAINT_ATTN_HEAD_DIM];
    float o[SAINT_ATTN_ROWS * SAINT_ATTN_HEAD_DIM];
    uint32_t k[SAINT_ATTN_HEAD_DIM * SAINT_ATTN_KEYS]; /* transposed: [depth][keys] */
    uint32_t v[SAINT_ATTN_KEYS * SAINT_ATTN_HEAD_DIM];
    uint32_t stage[SAINT_ATTN_KEYS * SAINT_ATTN_HEAD_DIM];
    float s[SAINT_ATTN_GROUP * SAINT_ATTN_KEYS];    /* scores of one group of rows, then probabilities */
    uint32_t p[SAINT_ATTN_GROUP * SAINT_ATTN_KEYS]; /* probabilities in pairs */
    float sum[SAINT_ATTN_ROWS * 16];                /* per row: partial sums by lane */
    float max[SAINT_ATTN_ROWS];                     /* per row: running maximum, scaled */
    float alpha[SAINT_ATTN_GROUP + 16], top[SAINT_ATTN_GROUP];
} saint_attn_scratch;

#endif
